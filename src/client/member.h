/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/member.h - a member of a classic group, of any protocol type (KIP-62, KIP-345, KIP-394).
 *
 *      JOIN --> PLAN --> SYNC --> STABLE --> REVOKE --> JOIN
 *               (the              |  ^         |
 *              leader)            '--'         '-- the owner lets go of what was assigned,
 *                             heartbeats           and calls member_ready()
 *
 * What protocols there are, what a member says of itself and how work is shared is the owner's
 * business (struct member_events).  The coordinator is looked for whenever it is not known.
 *
 * Threading: the cluster's loop.
 * Errors:    failed(): the member is over then.  What may pass is tried again for ever.
 */

#include "client/cluster.h"

enum { MEMBER_PROTOCOLS_MAX = 4, MEMBER_LANE = 1 };

struct member;

struct member_settings {
    const char *group;         /* Copied. */
    const char *instance;      /* Copied; of a static member, or NULL. */
    const char *protocol_type; /* Borrowed: "consumer", "connect". */
    int32_t session_timeout_ms, rebalance_timeout_ms;
    int64_t heartbeat_interval_ms;
    int64_t retry_backoff_ms, retry_backoff_max_ms;
    int64_t leave_timeout_ms; /* How long the end may take. */
};

struct member_protocol {
    const char *name;      /* Borrowed. */
    struct slice metadata; /* Borrowed until the request is over. */
};

/* A member as its leader sees it. */
struct member_peer {
    struct slice id, instance, metadata; /* The plan's arena. */
    struct slice assignment;             /* Out: borrowed until the request is over. */
};

struct member_plan {
    struct arena arena;
    const char *protocol; /* Arena. */
    struct member_peer *peers;
    size_t count;
};

struct member_events {
    /* Fills `out` with what we can do, best first; returns how many. */
    size_t (*protocols)(struct member *member, struct arena *arena,
                        struct member_protocol out[static MEMBER_PROTOCOLS_MAX]);
    /* We lead: fill plan->peers[].assignment, and call member_planned(), now or later. */
    void (*plan)(struct member *member, struct member_plan *plan);
    /* This is ours from now on; borrowed for the call. */
    void (*assigned)(struct member *member, struct slice assignment);
    /* It is not ours any more.  With `is_lost` somebody else may have it already.
     * member_ready() follows, now or later. */
    void (*revoked)(struct member *member, bool is_lost);
    /* The end that member_leave() asked for. */
    void (*left)(struct member *member);
    /* The group does not take us: a code of wire/errors.def. */
    void (*failed)(struct member *member, int16_t error);
};

enum member_state {
    MEMBER_IDLE,
    MEMBER_JOIN,
    MEMBER_PLAN,
    MEMBER_SYNC,
    MEMBER_STABLE,
    MEMBER_REVOKE,
    MEMBER_LEAVE,
    MEMBER_OVER,
};

struct member {
    struct cluster *cluster; /* Borrowed: outlives the member. */
    struct member_settings settings;
    const struct member_events *events;
    enum member_state state;
    int32_t coordinator; /* A node's id; -1: not known. */
    int32_t generation;  /* -1: none. */
    char *id;            /* Owned: given by the coordinator; "": none yet. */

    /* The member's own. */
    struct call call; /* The one request under way. */
    enum { MEMBER_FINDS, MEMBER_JOINS, MEMBER_SYNCS, MEMBER_BEATS, MEMBER_LEAVES } asked;
    struct arena arena; /* Of that request. */
    struct member_plan plan;
    struct loop_timer timer; /* The next heartbeat, or the next try. */
    int64_t beat_us;         /* When a heartbeat is due. */
    unsigned failures;       /* In a row. */
    bool must_rejoin;        /* member_rejoin() came too early. */
};

/* Makes a member that has not joined. */
void member_init(struct member *member, struct cluster *cluster,
                 const struct member_settings *settings, const struct member_events *events);

/* Ends it without a word to the group.  Before cluster_fini(), not from inside an event. */
void member_fini(struct member *member);

/* Begins to join. */
void member_join(struct member *member);

/* What was asked of the owner by plan() or revoked() is done. */
void member_planned(struct member *member);
void member_ready(struct member *member);

/* The group is to share anew: what we say of ourselves has changed. */
void member_rejoin(struct member *member);

/* Leaves the group; left() follows, never from inside this call.  A static member keeps its
 * place. */
void member_leave(struct member *member);

/* What the owner's own calls to the coordinator were answered; true if that is dealt with here and
 * the call may be repeated later. */
bool member_heard(struct member *member, int16_t error);

/* The owner's own call to the coordinator broke: it is looked for again. */
void member_lost_coordinator(struct member *member);
