/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/crc32c.h - the Castagnoli checksum of record batches (RFC 3720, appendix B.4).
 *
 * The fastest way that the processor has is taken; nothing is set up and nothing kept.
 *
 * Threading: pure functions, any thread.
 * Errors:    none.
 */

#include "base/slice.h"

/* The checksum of `size` bytes. */
uint32_t crc32c(const void *data, size_t size);

/* Goes on with `crc`, which is crc32c() of what is in front: crc32c_extend(crc32c(a), b)
 * is the checksum of a and b together.  The checksum of nothing is 0. */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size);
