/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/group_consumer.h - records out of the partitions that a group gives us, and how far we
 * are kept by the group.
 *
 *      assigned --> OffsetFetch --> consumer_assign() --> records, and now and then a commit
 *      revoked  --> commit --> nothing is assigned --> joins again
 *
 * The work is shared eagerly, by the assignors of client/assignor.h.  The leader joins again when a
 * topic of the group has got more partitions.
 *
 * Threading: the cluster's loop.
 * Errors:    failed(): a code of wire/errors.def, or 0, and a sentence.
 */

#include "client/assignor.h"
#include "client/consumer.h"
#include "client/member.h"

struct group_consumer;
struct consumer_protocol_assignment;

struct group_consumer_settings {
    struct member_settings member;
    bool commits; /* By itself; else only what group_consumer_commit() says. */
    int64_t commit_interval_ms;
    enum consumer_reset reset;               /* Where to begin if the group knows no offset. */
    enum assignor assignors[ASSIGNOR_COUNT]; /* What we can share by, best first. */
    size_t assignor_count;                   /* 0: range. */
};

struct group_consumer_events {
    void (*failed)(struct group_consumer *group, int16_t error, const char *why);
    /* group_consumer_close() is done; group_consumer_fini() may follow. */
    void (*closed)(struct group_consumer *group);
    /* These may be NULL.  What the group has given us, perhaps nothing, and what it takes back;
     * borrowed for the call. */
    void (*assigned)(struct group_consumer *group,
                     const struct consumer_protocol_assignment *partitions);
    void (*revoked)(struct group_consumer *group,
                    const struct consumer_protocol_assignment *partitions);
    /* What group_consumer_commit() has begun is over: a code of wire/errors.def. */
    void (*committed)(struct group_consumer *group, int16_t error);
};

struct group_consumer {
    struct cluster *cluster;   /* Borrowed, as the consumer: outlive it. */
    struct consumer *consumer; /* Its partitions are ours to assign. */
    struct group_consumer_settings settings;
    const struct group_consumer_events *events;
    struct member member;
    struct cluster_topic **topics; /* Owned array: what we read. */
    size_t topic_count;

    /* Its own. */
    struct cluster_watch watch;
    struct member_plan *plan;      /* Borrowed: waits for metadata. */
    struct cluster_topic **shared; /* Owned array: of all members, as the leader. */
    int32_t *shared_counts;        /* Owned: of partitions, when they were shared out. */
    size_t shared_count;
    struct arena assignment;                       /* What was assigned last. */
    struct consumer_protocol_assignment *assigned; /* Its offsets are not known yet; or NULL. */
    struct consumer_protocol_assignment *owned;    /* NULL: nothing is ours. */
    struct call call;                              /* OffsetFetch or OffsetCommit. */
    struct arena arena;
    bool is_commit;
    struct loop_timer timer; /* The next commit, or the next try to fetch offsets. */
    unsigned failures;
    bool is_started, is_revoking, is_closing;
    bool is_asked; /* The commit under way is the owner's. */
};

/* Makes a consumer of a group that has not joined. */
void group_consumer_init(struct group_consumer *group, struct cluster *cluster,
                         struct consumer *consumer, const struct group_consumer_settings *settings,
                         const struct group_consumer_events *events);

/* Ends it without a word to the group.  Before consumer_fini(). */
void group_consumer_fini(struct group_consumer *group);

/* Reads this topic, too, if it does not already: from the next sharing on, which it asks for. */
void group_consumer_subscribe(struct group_consumer *group, struct slice topic);

/* Joins the group. */
void group_consumer_start(struct group_consumer *group);

/* Tells the group how far the records that were delivered go; committed() follows, not from inside
 * this call.  False if there is nothing new to tell, or something is under way; then nothing
 * follows.  For those whose settings do not commit by themselves. */
NODISCARD bool group_consumer_commit(struct group_consumer *group);

/* Commits, leaves; closed() follows, never from inside this call. */
void group_consumer_close(struct group_consumer *group);
