/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/coordinator.h - the groups of one partition of __consumer_offsets.
 *
 * A group lives where its partition lives, which follows from its id (coordinator_index()).
 * What is in memory is what is in the partition's log, replayed:
 *
 *      [unread] --first use--> [loading] --the log's end--> [ready] <--+
 *          ^                       |                          |        | changes are applied and
 *          |                       v a batch is broken        |        | appended; answers go out
 *          |                    [broken]                      |        | once they are durable
 *          '---------- an append failed, or the topic is gone-'--------'
 *
 * Loading reads pieces of the log on a worker and replays one per turn, so that other groups
 * go on.  A change of committed offsets is applied at once and appended in the same turn;
 * whoever reads offsets waits until what it sees is durable.  If an append fails, memory is
 * ahead of the log: it is given up, with all that waits, and read again from the log at the
 * next use.  So there is one truth, and offsets never go back.
 *
 * Deleting and expiring write tombstones, as Kafka does.
 *
 * Threading: the shard's loop.
 * Errors:    enum coord_outcome, in calls or returned.
 */

#include "base/diag.h"
#include "coord/group.h"
#include "coord/offsets.h"
#include "os/loop.h"
#include "replica/partition.h"

struct coord_config {
    struct group_config group;
    int64_t retention_ms;       /* Of the offsets of a group without members. */
    int64_t check_interval_ms;  /* How often that is looked at. */
    int64_t metadata_max_units; /* Of a commit's text, as Java counts. */
    enum compress_codec codec;  /* Of what is written. */
};

struct coordinator;

/* The coordinators of one shard. */
struct coordinators {
    struct loop *loop; /* Borrowed, as all of these. */
    struct diag *diag;
    struct replicas *replicas;
    struct coord_config config;
    /* The cluster as the shard knows it, and whether a partition's home is here. */
    const struct image *(*image)(struct coordinators *coordinators);
    bool (*is_home)(struct coordinators *coordinators, const struct image_topic *topic,
                    int32_t index);
    void *owner;

    struct map by_place;   /* struct coordinator, by topic id and index. */
    struct list all;       /* The same. */
    struct list completed; /* struct journal: durable or failed, to be told. */
    struct loop_hook complete;
    struct list orphans; /* struct loader: a worker has them, nobody waits for them. */
    struct loop_timer expiry;
    struct coordinator *expiring; /* Whose turn it is, or NULL. */
    struct list loaded_waiters;   /* struct coord_call: until nothing is loading. */
    bool is_stopping;
};

/* Something asked of a coordinator, answered now or later on its home.  Embedded in the
 * asker's memory, which stays until done(). */
struct coord_call {
    struct list_node node; /* On a list of the coordinator's, else bare. */
    int outcome;
    void (*done)(struct coord_call *call);
};

/* One partition in a commit or a deletion. */
struct coord_offset {
    struct slice topic;
    int32_t partition;
    struct committed value;
    int outcome; /* Out: this partition alone was refused. */
};

struct coord_change {
    struct coord_call call;
    struct slice group_id;
    struct group_who who; /* Of a commit. */
    struct coord_offset *offsets;
    size_t count;
};

struct coord_read {
    struct coord_call call; /* Done once all that was read is durable. */
    struct slice group_id;
    /* Called at once, to copy; NULL: there is no such group. */
    void (*read)(struct coord_read *read, const struct offsets *offsets);
};

/* --- a shard's --------------------------------------------------------------- */

/* Prepares; what is above `all` is the caller's to fill before. */
void coordinators_init(struct coordinators *coordinators);

/* Ends all that waits, with COORD_E_STOPPING; nothing is begun any more. */
void coordinators_stop(struct coordinators *coordinators);

/* Frees; the replicas are closed already. */
void coordinators_fini(struct coordinators *coordinators);

/* The coordinator of partition `index` of `topic`, whose home is here.  If it has not been
 * read yet, that begins.  COORD_E_LOADING, COORD_E_NOT_COORDINATOR, COORD_E_STOPPING. */
NODISCARD int coordinators_get(struct coordinators *coordinators, const struct image_topic *topic,
                               int32_t index, struct coordinator **out);

/* Begins to read every partition whose home is here and which has a log; done() when all
 * are read. */
void coordinators_load_all(struct coordinators *coordinators, struct coord_call *call);

/* Calls `fn` for each group of the coordinators that are ready. */
typedef void coord_group_fn(void *context, struct slice id, const struct group *group);
void coordinators_each(struct coordinators *coordinators, coord_group_fn *fn, void *context);

/* How many groups a coordinator has, by state, and offsets of theirs. */
struct coordinator_counts {
    int64_t groups[GROUP_STABLE + 1];
    int64_t offsets;
};

/* Adds what the coordinator number `at` of the shard has, from 0 on; false if there are no more. */
bool coordinators_count(const struct coordinators *coordinators, size_t at,
                        struct coordinator_counts *sum);

/* A topic is gone: so are its offsets. */
void coordinators_forget_topic(struct coordinators *coordinators, const struct image_topic *topic);

/* The partition that a group lives in. */
int32_t coordinator_index(struct slice group_id, int32_t partitions);

/* --- one partition's --------------------------------------------------------- */

/* Become a member; ask for an assignment.  The call's done() follows, now or later. */
void coordinator_join(struct coordinator *coordinator, struct slice group_id,
                      struct group_join *join);
void coordinator_sync(struct coordinator *coordinator, struct slice group_id,
                      struct group_sync *sync);

/* A sign of life. */
NODISCARD int coordinator_heartbeat(struct coordinator *coordinator, struct slice group_id,
                                    const struct group_who *who);

/* Members leave; each has an outcome of its own.  COORD_E_UNKNOWN_GROUP. */
NODISCARD int coordinator_leave(struct coordinator *coordinator, struct slice group_id,
                                struct group_leaver *leavers, size_t count);

/* Keeps offsets; a group that is not there is made by who is in none.  done() follows, as of
 * the three below.  COORD_E_UNKNOWN_GROUP: a generation of a group that is not there. */
void coordinator_commit(struct coordinator *coordinator, struct coord_change *commit);

/* Forgets offsets of topics that nobody reads. */
void coordinator_delete_offsets(struct coordinator *coordinator, struct coord_change *change);

/* Forgets a group without members, and its offsets. */
void coordinator_delete_group(struct coordinator *coordinator, struct coord_change *change);

/* Reads offsets. */
void coordinator_read(struct coordinator *coordinator, struct coord_read *read);

/* The group, or NULL. */
const struct group *coordinator_find(const struct coordinator *coordinator, struct slice group_id);
