/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/group_words.h - what words of kafka-consumer-groups say: partitions, times, and the
 * offsets in a file.
 *
 *     "orders:0,2"                       partitions 0 and 2 of orders
 *     "P1DT2H"                           a day and two hours (java.time.Duration)
 *     "2026-01-31T10:00:00.000+01:00"    a time; without a zone it is UTC
 *     "orders,0,17" / "g,orders,0,17"    a line of a file, without and with the group
 *
 * Threading: pure functions.
 * Errors:    false, with a sentence: Kafka's, but for files, where ours tells the line.
 */

#include "base/arena.h"
#include "base/text.h"

struct group_topic {
    struct slice name;   /* Borrowed from the word. */
    int32_t *partitions; /* Arena. */
    size_t count;        /* 0: all of them. */
};

/* Reads "topic" or "topic:partition,...". */
NODISCARD bool group_words_topic(const char *word, struct arena *arena, struct group_topic *out,
                                 struct text *why);

/* Reads a duration, in milliseconds. */
NODISCARD bool group_words_duration(const char *word, int64_t *out_ms, struct text *why);

/* Reads a date with a time, in milliseconds since 1970.  What follows it is ignored. */
NODISCARD bool group_words_datetime(const char *word, int64_t *out_ms, struct text *why);

struct group_line {
    struct slice group, topic; /* Arena; the group is null if the file names none. */
    int32_t partition;
    int64_t offset;
};

struct group_lines {
    struct group_line *rows; /* Arena: in the order of the file. */
    size_t count;
};

/* Reads a file.  The first line tells whether lines begin with the group; if more than one
 * group may be meant (`is_single` is false) they always do. */
NODISCARD bool group_words_file(struct slice file, bool is_single, struct arena *arena,
                                struct group_lines *out, struct text *why);

/* Adds a value of such a file: in quotes where it must be. */
void group_words_print(struct slice value, struct text *out);
