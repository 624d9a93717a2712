/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/assignor.h - how the partitions of topics are shared among the members of a group.
 *
 *      range    of each topic, every member that reads it gets a run of partitions; the first ones
 *               get one more where it does not divide
 *
 * Java's consumers, librdkafka and kafka-python know it by that name, and come to the same.
 *
 * Threading: functions over their arguments only.
 * Errors:    none.
 */

#include "base/arena.h"
#include "base/slice.h"

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

/* Shares out the topics, of which each is named once. */
void assignor_range(struct arena *arena, const struct assignor_topic *topics, size_t topic_count,
                    struct assignor_member *members, size_t member_count);
