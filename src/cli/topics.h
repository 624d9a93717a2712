/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/topics.h - what the parts of kafka-topics share.
 *
 *     topics.c           options that do not go together; create, list, delete
 *     topics_describe.c  describe
 *     topics_alter.c     alter
 *     topics_json.c      describe as JSON
 *     topics_calls.c     the topics that are meant
 *
 * Threading: one thread.
 * Errors:    a sentence in cli->why, which topics_run() prints as Kafka does.
 */

#include "cli/admin.h"
#include "cli/topic_filter.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/delete_topics.h"
#include "wire/msg/describe_configs.h"
#include "wire/msg/describe_topic_partitions.h"
#include "wire/msg/list_partition_reassignments.h"

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

/* Names that match --topic (all without it), sorted; arena of `admin`. */
NODISCARD bool topics_matching(struct cli *cli, struct admin *admin, struct slice **out_names,
                               size_t *out_count);

/* What it means that nothing matched --topic: false with a sentence, unless --if-exists. */
NODISCARD bool topics_missing(struct cli *cli);

/* What --replica-assignment says, if it was given, of all partitions of a topic. */
NODISCARD bool topics_parse_assignment(struct cli *cli, struct arena *arena,
                                       struct create_topics_creatable_topic *topic);

/* --alter */
NODISCARD bool topics_alter(struct cli *cli, struct admin *admin);

/* Adds a topic as JSON, with those of its partitions that `is_asked` has true for. */
void topics_print_json(const struct topics_topic *topic, const bool *is_asked, struct text *out);

/* --describe */
NODISCARD bool topics_describe(struct cli *cli, struct admin *admin);
