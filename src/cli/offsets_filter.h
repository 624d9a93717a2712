/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/offsets_filter.h - the partitions that words of kafka-get-offsets name.
 *
 *     "a:0,b.*:2-5,:-3,c"    partition 0 of a; 2, 3 and 4 of what b.* matches; 0, 1 and 2 of
 *                            every topic; all of c
 *
 * Threading: one thread.
 * Errors:    false, with Kafka's sentence.
 */

#include "base/arena.h"
#include "cli/topic_filter.h"

struct offsets_rule {
    struct topic_filter topics;
    int32_t from, end; /* Partitions from <= p < end. */
    struct offsets_rule *next;
};

struct offsets_filter {
    struct offsets_rule *rules; /* Arena. */
    const char *partitions;     /* Borrowed: further, "1,2" or NULL. */
};

/* Reads rules that are joined by commas. */
NODISCARD bool offsets_filter_rules(struct offsets_filter *filter, struct arena *arena,
                                    const char *words, struct text *why);

/* Reads one expression for topics (NULL: all) and numbers of partitions (NULL: all). */
NODISCARD bool offsets_filter_words(struct offsets_filter *filter, struct arena *arena,
                                    const char *topics, const char *partitions, struct text *why);

/* Frees what the rules own besides the arena. */
void offsets_filter_fini(struct offsets_filter *filter);

/* True if one of the rules names the partition. */
bool offsets_filter_matches(const struct offsets_filter *filter, struct slice topic,
                            int32_t partition);
