/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/fakes/fake_group.h - the coordinator of one classic group in a fake cluster.
 *
 * It never lets an answer wait: who joins before all others have is told to come again, which a
 * client does anyway.
 *
 *      join, join, ... until all have said so --> a generation --> sync --> heartbeats
 *
 * Threading: the loop's.
 * Errors:    a request that makes no sense is a failed assertion.
 */

#include "base/slice.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { FAKE_MEMBERS_MAX = 4, FAKE_GROUP_TOPICS = 4, FAKE_GROUP_PARTITIONS = 8 };

struct fake_member {
    char id[16];
    struct text metadata, assignment;
    bool wants_to_join; /* In the generation that is to come. */
    bool is_owed;       /* The answer about the generation that there is. */
};

struct fake_group {
    struct fake_member members[FAKE_MEMBERS_MAX]; /* The first leads. */
    int member_count;
    int ids_given;
    int32_t generation;
    int coordinator; /* Index of a node. */
    bool is_rebalancing, is_synced;
    int64_t offsets[FAKE_GROUP_TOPICS][FAKE_GROUP_PARTITIONS]; /* Behind what is committed; 0: none.
                                                                */
    int commits;
};

struct fake_node;
struct fake_answer;
struct frame_request;

/* Answers a request to the group; false if it is not one. */
bool fake_group_handle(struct fake_node *node, int16_t key, const void *request,
                       struct fake_answer *answer);

/* Forgets a member, as after its session. */
void fake_group_expire(struct fake_group *group, int member);

/* Frees what it holds. */
void fake_group_fini(struct fake_group *group);
