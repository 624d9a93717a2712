/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/date_format.h - times as a pattern of Java's SimpleDateFormat has them.
 *
 *     yyyy-MM-dd HH:mm:ss:SSS  -->  2026-11-27 14:57:14:779
 *
 * Of its letters y M d H h m s S a E Z are served; text between apostrophes is taken as it is.
 * Times are local.
 *
 * Threading: none.
 * Errors:    enum date_format_outcome.
 */

#include "base/text.h"

enum date_format_outcome {
    DATE_FORMAT_E_INVALID = 1, /* A sentence tells why. */
};

/* Looks whether the pattern is one. */
NODISCARD int date_format_check(const char *pattern, struct text *why);

/* Adds the time, in ms since 1970, by a pattern that was checked. */
void date_format_print(const char *pattern, int64_t ms, struct text *out);
