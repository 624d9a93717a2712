/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/topic_filter.h - the regular expression that names topics on a command line.
 *
 * As Kafka's IncludeList does: blanks go, commas stand for `|`, quotes around it go, and
 * the whole name must match.  The expressions are POSIX extended ones with Perl's \d, \w,
 * \s and (?:...); back references, look-around and lazy quantifiers are not known.
 *
 * Threading: one thread.
 * Errors:    enum topic_filter_outcome.
 */

#include "base/text.h"

#include <regex.h>

struct topic_filter {
    struct text source; /* What was asked for, as it is shown in messages. */
    regex_t regex;
    bool is_compiled;
};

enum topic_filter_outcome {
    TOPIC_FILTER_E_INVALID = 1, /* A sentence tells why. */
};

/* Compiles `expression`. */
NODISCARD int topic_filter_init(struct topic_filter *filter, const char *expression,
                                struct text *why);
void topic_filter_fini(struct topic_filter *filter);

/* True if the whole name matches. */
bool topic_filter_matches(const struct topic_filter *filter, struct slice name);
