/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/re2_check.h - says whether a regular expression is one as RE2 has them, which brokers
 * take for the topics of new consumer groups.
 *
 * Threading: a pure function.
 * Errors:    a constant sentence, as RE2 says it.
 */

#include "base/slice.h"

/* What is wrong with the expression, or NULL. */
const char *re2_check(struct slice regex);
