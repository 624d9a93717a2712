/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/member.h - one member of a classic group.
 *
 * A member is what it said when it joined (its protocols, from the most wanted to the least,
 * with metadata that is opaque to us) and what the leader gave it (its assignment, as
 * opaque).  While it waits for an answer to JoinGroup or SyncGroup it points to the call.
 *
 * Who has been told an id and has not joined with it yet is a pending member: an id and a
 * deadline, no more (KIP-394).
 *
 * Threading: the group's home.
 * Errors:    none.
 */

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

struct group_join;
struct group_sync;

enum { MEMBER_NEVER = -1 }; /* As a deadline. */

/* A protocol that a member can follow, e.g. "range". */
struct protocol {
    struct slice name;
    struct slice metadata;
};

struct member {
    struct list_node node;       /* In group->members or group->pending. */
    struct map_node by_id;       /* In group->by_id. */
    struct map_node by_instance; /* In group->by_instance, if it is static. */
    struct slice id;             /* Owned, as all slices here. */
    struct slice instance_id;    /* Null: a dynamic member. */
    struct slice client_id, client_host;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    struct protocol *protocols; /* Owned; their slices lie in `protocol_bytes`. */
    size_t protocol_count;
    uint8_t *protocol_bytes; /* Owned. */
    struct slice assignment;
    struct slice next_assignment; /* The leader's, which is not durable yet. */
    struct slice former_id;       /* Of the static member that it took the place of. */
    uint64_t store;               /* Not 0: waits until this store is durable. */
    int64_t deadline_ms;          /* Monotonic: out without a sign of life; or MEMBER_NEVER. */
    struct group_join *join;      /* Borrowed: waits for the rebalance; else NULL. */
    struct group_sync *sync;      /* Borrowed: waits for its assignment; else NULL. */
    bool is_pending;
    bool is_new;    /* Its first JoinGroup has not been answered. */
    bool must_sync; /* Has not asked for its assignment in this generation. */
};

/* A member without protocols. */
struct member *member_create(struct slice id, struct slice instance_id);

/* Frees; it is on no list and waits for nothing. */
void member_destroy(struct member *member);

/* Copies `protocols` in place of what there was. */
void member_set_protocols(struct member *member, const struct protocol *protocols, size_t count);

/* True if the member has exactly these protocols. */
bool member_has_protocols(const struct member *member, const struct protocol *protocols,
                          size_t count);

/* The metadata of a protocol; null if the member does not have it. */
struct slice member_metadata(const struct member *member, struct slice protocol);

static inline bool member_is_static(const struct member *member)
{
    return !slice_is_null(member->instance_id);
}
