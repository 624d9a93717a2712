/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/group_consumer.h - records out of the partitions that a group gives us, and how far we
 * are kept by the group.
 *
 *      assigned --> OffsetFetch --> consumer_assign() --> records, and now and then a commit
 *      revoked  --> commit --> nothing is assigned --> joins again
 *
 * The work is shared eagerly, by the assignor "range".  The leader joins again when a topic of the
 * group has got more partitions.
 *
 * Threading: the cluster's loop.
 * Errors:    failed(): a code of wire/errors.def, or 0, and a sentence.
 */

#include "client/consumer.h"
#include "client/member.h"

struct group_consumer;

struct group_consumer_settings {
    struct member_settings member;
    bool commits; /* By itself; else the group keeps nothing. */
    int64_t commit_interval_ms;
    enum consumer_reset reset; /* Where to begin if the group knows no offset. */
};

struct group_consumer_events {
    void (*failed)(struct group_consumer *group, int16_t error, const char *why);
    /* group_consumer_close() is done; group_consumer_fini() may follow. */
    void (*closed)(struct group_consumer *group);
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
    struct arena assignment; /* What was assigned last. */
    struct consumer_protocol_assignment *assigned;
    struct call call; /* OffsetFetch or OffsetCommit. */
    struct arena arena;
    bool is_commit;
    struct loop_timer timer; /* The next commit, or the next try to fetch offsets. */
    unsigned failures;
    bool is_revoking, is_closing;
};

/* Makes a consumer of a group that has not joined. */
void group_consumer_init(struct group_consumer *group, struct cluster *cluster,
                         struct consumer *consumer, const struct group_consumer_settings *settings,
                         const struct group_consumer_events *events);

/* Ends it without a word to the group.  Before consumer_fini(). */
void group_consumer_fini(struct group_consumer *group);

/* Reads this topic, too; before the start. */
void group_consumer_subscribe(struct group_consumer *group, struct slice topic);

/* Joins the group. */
void group_consumer_start(struct group_consumer *group);

/* Commits, leaves; closed() follows, never from inside this call. */
void group_consumer_close(struct group_consumer *group);
