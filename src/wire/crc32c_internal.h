/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/crc32c_internal.h - the ways to compute the checksum, which crc32c.c chooses from.
 *
 * All have the contract of crc32c_extend().  Those with instructions of some processors are
 * called only if crc32c_has_...() says that this one has them; each is there in every build.
 *
 * Threading: pure functions.
 * Errors:    none.
 */

#include "base/base.h"

/* Eight bytes at a time through tables; runs anywhere. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size);

/* Three streams of the crc32 instruction side by side, joined by a carry-less product. */
uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t size);
bool crc32c_has_sse42(void);

/* 128 bytes at a time by carry-less products of 256 bits. */
uint32_t crc32c_avx2(uint32_t crc, const void *data, size_t size);
bool crc32c_has_avx2(void);

/* 256 bytes at a time by carry-less products of 512 bits. */
uint32_t crc32c_avx512(uint32_t crc, const void *data, size_t size);
bool crc32c_has_avx512(void);

/* The crc32c instructions of ARMv8. */
uint32_t crc32c_armv8(uint32_t crc, const void *data, size_t size);
bool crc32c_has_armv8(void);
