/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/topics.h - what the parts of kafka-topics share.
 *
 *     topics.c           options that do not go together; create, list, delete
 *     topics_describe.c  describe
 *     topics_calls.c     the requests behind them
 *
 * Threading: one thread.
 * Errors:    a sentence in cli->why, which topics_run() prints as Kafka does.
 */

#include "cli/client_settings.h"
#include "cli/topic_filter.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/delete_topics.h"
#include "wire/msg/describe_configs.h"
#include "wire/msg/describe_topic_partitions.h"
#include "wire/msg/list_partition_reassignments.h"
#include "wire/msg/metadata.h"

enum topics_option {
#define OPTION(id, name, KIND, shows, initial, actions, about) TOPICS_##id,
#include "cli/topics.def"
    TOPICS_OPTION_COUNT
};

/* A partition as it is printed, whichever request told of it. */
struct topics_partition {
    int32_t index, leader;
    const int32_t *replicas, *isr, *elr, *last_elr;              /* Of the answer. */
    int32_t replica_count, isr_count, elr_count, last_elr_count; /* -1: not known. */
    const struct list_partition_reassignments_ongoing_partition_reassignment *moving; /* Or NULL. */
};

struct topics_topic {
    struct slice name; /* Borrowed from the answer. */
    struct uuid id;
    bool is_internal;
    struct topics_partition *partitions; /* Arena. */
    int32_t count;
    const struct describe_configs_result *configs; /* Of an answer; NULL: not known. */
    int64_t min_isr;                               /* min.insync.replicas */
};

/* Answers that topics borrow from live as long as this. */
struct topics_answers {
    struct topics_answer {
        struct call call;
        struct topics_answer *next;
    } * last; /* Arena. */
    struct arena arena;
};

/* Begins without any answer. */
void topics_answers_init(struct topics_answers *answers);

/* Frees all answers, and what borrows from them. */
void topics_answers_fini(struct topics_answers *answers);

/* Sends a request and waits.  False, with a sentence in cli->why: no answer.  The outcome
 * is in the call, which is one of `answers`. */
NODISCARD bool topics_call(struct cli *cli, struct topics_answers *answers,
                           const struct call_events *events, struct call_order order,
                           struct call **out);

/* Metadata of all topics, or of one by its id. */
NODISCARD bool topics_metadata(struct cli *cli, struct topics_answers *answers,
                               const struct uuid *id, const struct metadata_response **out);

/* A sentence about the code of an answer: the broker's own if it gave one. */
void topics_explain(struct cli *cli, int16_t error, struct slice message);

/* Names that match --topic (all without it), sorted; arena of `answers`. */
NODISCARD bool topics_matching(struct cli *cli, struct topics_answers *answers,
                               struct slice **out_names, size_t *out_count);

/* What it means that nothing matched --topic: false with a sentence, unless --if-exists. */
NODISCARD bool topics_missing(struct cli *cli);

/* --describe */
NODISCARD bool topics_describe(struct cli *cli, struct topics_answers *answers);
