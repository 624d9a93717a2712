/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/assignor.h - how the partitions of topics are shared among the members of a group.
 *
 *      range        of each topic, every member that reads it gets a run of partitions; the first
 *                   ones get one more where it does not divide
 *      roundrobin   all partitions of all topics, one after the other, go round the members; who
 *                   does not read a topic is passed over
 *
 * Java's consumers, librdkafka and kafka-python know them by these names, and come to the same.
 *
 * Threading: functions over their arguments only.
 * Errors:    none.
 */

#include "base/arena.h"
#include "base/slice.h"

enum assignor { ASSIGNOR_RANGE, ASSIGNOR_ROUND_ROBIN, ASSIGNOR_COUNT };

struct assignor_topic {
    struct slice name;
    int32_t count; /* Of partitions; 0: it is not there. */
};

struct assignor_share {
    struct slice topic; /* Borrowed from the topics. */
    int32_t first, count;
};

struct assignor_member {
    struct slice id, instance; /* Of a static one; else null. */
    struct slice *topics;      /* What it reads. */
    size_t topic_count;
    struct assignor_share *shares; /* Out: arena; in the order of the topics. */
    size_t share_count;
};

/* What a group calls it: "range". */
const char *assignor_name(enum assignor assignor);

/* The one with this name, or with this name of Java's class; ASSIGNOR_COUNT: it is not known. */
enum assignor assignor_find(struct slice name);

/* Shares out the topics, of which each is named once; for the round they are sorted. */
void assignor_share(enum assignor assignor, struct arena *arena,
                    const struct assignor_topic *topics, size_t topic_count,
                    struct assignor_member *members, size_t member_count);
