/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/coordinator_internal.h - what the files of the coordinator share.
 *
 *     coordinator.c         a shard's set of them, and their groups
 *     coordinator_group.c   the events of members: join, sync, heartbeat, leave, time
 *     coordinator_load.c    from the log to memory
 *     coordinator_change.c  from memory to the log: offsets, deletions, expiry
 *
 * Calls are answered as the last deed of whatever leads to it, since an answer may bring
 * the next request with it.
 *
 * Threading: the shard's loop.
 * Errors:    enum coord_outcome.
 */

#include "coord/coordinator.h"
#include "coord/journal.h"

enum coordinator_state {
    COORDINATOR_UNREAD,
    COORDINATOR_LOADING,
    COORDINATOR_READY,
    COORDINATOR_BROKEN, /* Its log cannot be read: until a restart. */
};

struct loader;

struct coordinator {
    struct list_node node;    /* In coordinators->all. */
    struct map_node by_place; /* In coordinators->by_place. */
    struct coordinators *all; /* Borrowed: the owner. */
    struct uuid topic_id;
    int32_t index;
    enum coordinator_state state;
    uint64_t life;            /* Counts how often memory was given up. */
    struct map groups;        /* struct coord_group. */
    struct loader *loader;    /* Owned while loading. */
    struct list in_flight;    /* struct change, in the order of the log. */
    struct loop_hook give_up; /* Asked for when an append failed. */
    bool has_failed;          /* Memory is ahead of the log. */
};

struct coord_group {
    struct map_node node;  /* In coordinator->groups. */
    struct list_node look; /* In a list of whoever walks over them, else bare. */
    struct coordinator *coordinator;
    struct slice id; /* Owned. */
    struct group group;
    struct offsets offsets;
    struct loop_timer timer; /* Set to group.wake_ms. */
    int64_t timer_ms;        /* MEMBER_NEVER while it is not set. */
    size_t in_flight;        /* Changes of it that are not durable. */
    bool is_stored;          /* The log has a record of the group itself. */
    bool is_foreign;         /* Of a type that we do not coordinate. */
    bool is_deleted;         /* Waits only for what is in flight. */
};

/* One operation's records on their way to the log.  On the heap until they are durable. */
struct change {
    struct journal journal;
    struct list_node node;      /* In coordinator->in_flight, */
    struct list_node completed; /* then in coordinators->completed. */
    struct coordinator *coordinator;
    uint64_t life;
    struct slice group_id; /* Owned. */
    uint64_t store;        /* Not 0: group_stored() is told. */
    struct list calls;     /* struct coord_call: answered with it. */
};

/* --- coordinator.c ---------------------------------------------------------- */

/* The group, or NULL. */
struct coord_group *coordinator_find_group(const struct coordinator *c, struct slice id);

/* As coordinator_find_group(), also if it is deleted and only waits to be freed. */
struct coord_group *coordinator_find_any(const struct coordinator *c, struct slice id);

/* The group, made if it is not there. */
struct coord_group *coordinator_get_group(struct coordinator *c, struct slice id);

/* Makes it as if it had never been; its memory stays until nothing of it is in flight. */
void coordinator_delete_group_now(struct coord_group *cg);

/* Frees it if nothing is left of it, in memory or in the log. */
void coordinator_remove_if_void(struct coord_group *cg);

/* Frees all groups; what waits in them ends, into `step`. */
void coordinator_drop_groups(struct coordinator *c, int outcome, struct group_step *step);

/* The partition, opened, or NULL. */
struct partition *coordinator_partition(struct coordinator *c);

/* An append failed: memory is given up soon. */
void coordinator_fail(struct coordinator *c);

/* Something has ended to load: tells who waits for all, if that was the last. */
void coordinators_loaded(struct coordinators *all);

/* All groups in a list, by `look`: who takes them off may remove them. */
void coordinator_list_groups(struct coordinator *c, struct list *out);

/* Ends a call, or those in step->answered. */
void coordinator_finish(struct coord_call *call, int outcome);
void coordinator_answer(struct group_step *step);

/* --- coordinator_group.c ---------------------------------------------------- */

/* Begins an event of a group, and ends it: the group is written if it wants to be, and its
 * timer set.  coordinator_answer() must follow. */
void coordinator_begin_step(const struct coordinator *c, struct group_step *step);
void coordinator_end_step(struct coord_group *cg, struct group_step *step);

/* The time of a group has come. */
void coordinator_group_woken(struct loop_timer *timer);

/* --- coordinator_load.c ----------------------------------------------------- */

/* Begins to read the log. */
void coordinator_load(struct coordinator *c);

/* Gives up reading. */
void coordinator_stop_loading(struct coordinator *c);

/* Waits for the workers that still read for somebody who has gone. */
void coordinator_await_orphans(struct coordinators *all);

/* --- coordinator_change.c --------------------------------------------------- */

/* Appends the group as it is.  0: group_stored() will be told of `store`. */
NODISCARD int coordinator_write_group(struct coord_group *cg, uint64_t store);

/* Tells who waits for them of changes that are durable or failed. */
void coordinator_complete(struct loop_hook *hook);

/* Forgets offsets of topics that the cluster does not have (any more). */
void coordinator_forget_lost(struct coord_group *cg, const struct image *image);

/* Forgets what is too old, and groups of which nothing is left. */
void coordinator_expire(struct coordinator *c);
