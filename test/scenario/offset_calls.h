/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/offset_calls.h - OffsetCommit and OffsetFetch in all their versions.
 *
 * The partitions of a run's topics have numbers (struct run_topic), and here stand for them:
 * a set of them is one bit for each.  With every commit goes a text, "c" and the number that the
 * ledger has given it, by which whoever reads it knows it again.
 *
 * Threading: one thread.
 * Errors:    an answer that is not one fails the run.
 */

#include "test/scenario/client.h"

/* How many partitions the topics of the run have. */
int offset_calls_partitions(const struct run *run);

/* The topic of a partition, and its index there. */
const struct run_topic *offset_calls_topic(const struct run *run, uint32_t number,
                                           int32_t *out_index);

struct offset_commit {
    const char *group, *member, *instance; /* The last may be NULL. */
    int32_t generation;                    /* -1: of no member. */
    uint64_t partitions;
    const int64_t *offsets;  /* By number. */
    const uint64_t *commits; /* By number: the ledger's. */
    size_t padding;          /* Of each text. */
};

/* Sends. */
void offset_calls_commit(struct client_call *call, const struct offset_commit *commit);
void offset_calls_fetch(struct client_call *call, const char *group, uint64_t partitions);

/* What was answered about one partition. */
struct offset_answer {
    uint32_t number;
    int16_t error;
    int64_t offset;
    uint64_t commit; /* As in struct ledger_read. */
};

typedef void offset_answer_fn(void *context, const struct offset_answer *answer);

/* Tells of each partition in the answer; of OffsetFetch of those that can be had: else what is
 * wrong is returned. */
void offset_calls_committed(struct client_call *call, const void *response, offset_answer_fn *fn,
                            void *context);
int16_t offset_calls_fetched(struct client_call *call, const void *response, offset_answer_fn *fn,
                             void *context);
