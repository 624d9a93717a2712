/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/utf16.h - a text as Java sees it: UTF-16 units.
 *
 * Kafka counts and hashes names in the units of Java's strings, and both can be seen from
 * outside: which partition of an internal topic a group lives in, and how long a text may
 * be.  Bytes that are not UTF-8 count as U+FFFD, which is what Java makes of them.
 *
 * Threading: pure functions.
 * Errors:    none.
 */

#include "base/slice.h"

/* How many units the text has: Java's String.length(). */
size_t utf16_length(struct slice text);

/* Java's String.hashCode(). */
int32_t utf16_hash(struct slice text);
