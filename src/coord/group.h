/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/group.h - a classic consumer group as a state machine.
 *
 *                  first member joins              all have joined, or the time is up
 *      [empty] ------------------------> [preparing] ----------------> [completing]
 *         ^                               ^   |   ^                        |
 *         '---- nobody rejoined ----------|---'   '- join, leave, expiry --|
 *                                         |                                v  the leader's
 *                                         '---- join, leave, expiry -- [stable]  assignments
 *                                                                                are durable
 *
 * Members agree on a protocol type ("consumer", "connect", ...) and vote for one of the
 * protocols that all have.  In each generation one member, the leader, is told who the
 * members are and says what each of them gets; none of it is read by the coordinator.
 *
 * Every function below is an event: it is given the time in a struct group_step, changes
 * the group, and leaves in the step whose calls are answered and whether the group must be
 * written to the log.  Nothing else is touched, so a test can play years in a moment.
 *
 * The rules are those of Apache Kafka's coordinator, with KIP-345 (static members), KIP-394
 * (an id is given before a member is made), KIP-559 (protocols are checked in SyncGroup) and
 * KIP-814 (a static leader that restarts need not make assignments again).  One is stricter: a
 * call that waits and is replaced by a newer one of the same member is answered at once.
 *
 * Threading: the group's home.
 * Errors:    enum coord_outcome, in calls or returned.
 */

#include "coord/member.h"
#include "coord/outcome.h"
#include "coord/subscription.h"

struct group_metadata_value;

enum group_state { GROUP_EMPTY, GROUP_PREPARING, GROUP_COMPLETING, GROUP_STABLE };

struct group_config {
    int64_t initial_delay_ms; /* How long an empty group waits for more than one member. */
    int64_t size_max;
};

struct group {
    enum group_state state;
    int32_t generation;
    struct slice protocol_type; /* Owned; null until a member has joined. */
    struct slice protocol;      /* Owned; the one that was chosen, or null. */
    struct member *leader;      /* One of `members`, or NULL. */
    struct list members;        /* struct member, in the order they came. */
    size_t member_count;
    size_t joining_count;  /* Members whose JoinGroup waits. */
    size_t unsynced_count; /* Members that must ask for their assignment yet. */
    struct list pending;   /* struct member: told an id, not joined yet. */
    size_t pending_count;
    struct map by_id;       /* All of both lists. */
    struct map by_instance; /* Static members. */
    struct map protocols;   /* struct protocol_count: how many members have each. */
    uint64_t protocol_marks;
    struct subscription subscription; /* Of this generation. */
    int64_t state_ms;                 /* Unix time of the last change of state; -1 if not known. */
    int64_t join_deadline_ms;         /* Monotonic, as all deadlines; MEMBER_NEVER if not set. */
    int64_t join_delay_ms;            /* The initial delay that is running, */
    int64_t join_remaining_ms;        /* and how much there may still be of it. */
    int64_t sync_deadline_ms;
    int64_t wake_ms; /* group_tick() is wanted then, or is not late before. */
    uint64_t stores;
    uint64_t assignment_store; /* Not 0: assignments on their way to the log. */
    bool is_initial;           /* Preparing, and empty before. */
    bool has_newcomer;         /* Somebody joined during the initial delay. */
};

/* --- calls ------------------------------------------------------------------ */

/* A call that waits in a group.  Embedded in the caller's memory. */
struct group_call {
    struct list_node node; /* In step->answered, else bare. */
    int outcome;
    /* Called when the call is answered, inside of the event: copies what is borrowed from
     * the group (NULL, if there is none), and touches nothing else. */
    void (*keep)(struct group_call *call, const struct group *group);
    /* Not called here: for who runs the event, when that is over. */
    void (*done)(struct group_call *call);
};

struct group_join {
    struct group_call call;
    struct slice member_id;     /* Empty: a new member. */
    struct slice new_member_id; /* The id that a new member is given. */
    struct slice instance_id;   /* Null: not a static member. */
    struct slice client_id, client_host;
    struct slice protocol_type;
    const struct protocol *protocols;
    size_t protocol_count;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    bool needs_known_id; /* From version 4 on. */
    bool can_skip;       /* From version 9 on. */

    /* Results, borrowed from the group until keep() returns; null or -1 if refused. */
    struct slice out_member_id, out_protocol_type, out_protocol, out_leader;
    int32_t out_generation;
    bool out_is_leader; /* It is to be told all members. */
    bool out_skips_assignment;
};

/* Who speaks. */
struct group_who {
    struct slice member_id, instance_id; /* The latter may be null. */
    int32_t generation;
};

struct group_assignment {
    struct slice member_id, assignment;
};

struct group_sync {
    struct group_call call;
    struct group_who who;
    struct slice protocol_type, protocol; /* Null: not said. */
    const struct group_assignment *assignments;
    size_t assignment_count;

    struct slice out_protocol_type, out_protocol, out_assignment; /* As struct group_join's. */
};

struct group_leaver {
    struct slice member_id, instance_id;
    int outcome; /* Out. */
};

/* --- events ----------------------------------------------------------------- */

struct group_step {
    const struct group_config *config;
    int64_t now_ms;       /* Monotonic. */
    int64_t wall_ms;      /* Unix time. */
    struct list answered; /* Out: struct group_call. */
    uint64_t store;       /* Out: not 0: write the group, then tell group_stored(). */
};

/* An empty group. */
void group_init(struct group *group);

/* Frees; nobody waits in it (see group_end()). */
void group_fini(struct group *group);

/* A step at this time, with no outputs. */
void group_step_init(struct group_step *step, const struct group_config *config, int64_t now_ms,
                     int64_t wall_ms);

/* Becomes or stays a member.  The call is answered now or later. */
void group_join(struct group *group, struct group_join *join, struct group_step *step);

/* Asks for an assignment.  The call is answered now or later. */
void group_sync(struct group *group, struct group_sync *sync, struct group_step *step);

/* A sign of life. */
NODISCARD int group_heartbeat(struct group *group, const struct group_who *who,
                              struct group_step *step);

/* Members leave; each has an outcome. */
void group_leave(struct group *group, struct group_leaver *leavers, size_t count,
                 struct group_step *step);

/* The time has come that group->wake_ms told. */
void group_tick(struct group *group, struct group_step *step);

/* What step->store asked for is durable, or (`outcome`) could not be written. */
void group_stored(struct group *group, uint64_t store, int outcome, struct group_step *step);

/* Ends everything that waits, with `outcome`: the group is going. */
void group_end(struct group *group, int outcome, struct group_step *step);

/* May these offsets be committed?  Also a sign of life. */
NODISCARD int group_check_commit(struct group *group, const struct group_who *who,
                                 struct group_step *step);

/* --- the log's side --------------------------------------------------------- */

/* Becomes what a record says; nobody waits. */
void group_restore(struct group *group, const struct group_metadata_value *value);

/* All records are read: members have their session timeout to show up. */
void group_restored(struct group *group, struct group_step *step);

/* --- questions -------------------------------------------------------------- */

/* The member, or NULL; pending ones are none. */
struct member *group_find(const struct group *group, struct slice id);

/* True if it is of protocol type "consumer". */
bool group_is_consumer(const struct group *group);

/* True if members read the topic, or may. */
bool group_is_subscribed(const struct group *group, struct slice topic);

/* Which age of an offset counts for its expiry (KIP-211). */
enum group_expiry { GROUP_KEEPS_OFFSETS, GROUP_EXPIRES_BY_STATE, GROUP_EXPIRES_BY_COMMIT };
enum group_expiry group_expiry(const struct group *group);

/* "Empty", "PreparingRebalance", "CompletingRebalance" or "Stable". */
const char *group_state_name(enum group_state state);

/* Asserts the invariants. */
void group_check(const struct group *group);
