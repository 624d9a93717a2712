/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/upkeep.h - what the logs of one shard in one folder need now and then: recovery points
 * that move, starts that move, segments that go.
 *
 *      partitions that want something, urgent ones first: a batch of them
 *        loop      what is staged is written; what is to be synced is noted
 *        worker    batches, indexes, snapshots, epochs are synced          (some at a time)
 *        keeper    recovery points, high watermarks and starts are written into the checkpoints
 *        worker    new logs are told that the checkpoints are about them now
 *        loop      starts move, who waits for that is told, segments below are dropped
 *
 * So a start that anybody was told of is durable before, and what lies below it is shown to
 * nobody after a crash.  One batch is under way at a time; the loop is never held up.
 *
 * Threading: the home shard's loop.
 * Errors:    told to who waits for a start; a recovery point that did not move is tried again
 *            with the next interval.
 */

#include "os/loop.h"
#include "store/keeper.h"

struct partition;
struct replicas;
struct upkeep;

/* Notes on their way to the keeper, which may be on another shard; they stay until done(). */
struct upkeep_notes {
    const struct keeper_note *items;
    size_t count;
    int dir; /* Of which folder, of those that replicas->dirs has. */
    /* They are in the checkpoints, durably, or (r < 0) may be. */
    void (*done)(struct upkeep_notes *notes, int r);
};

struct upkeep_options {
    struct replicas *replicas; /* Borrowed. */
    int dir;                   /* Which of replicas->dirs it is for. */
    int64_t interval_ms;       /* Between two looks for recovery points to move. */
};

/* The upkeep of one shard's logs in one folder of data, which begins with the first interval. */
struct upkeep *upkeep_create(const struct upkeep_options *options);

/* Begins nothing any more and waits for the workers; who waits for a start is told the end, and
 * so is who wants one from now on. */
void upkeep_stop(struct upkeep *upkeep);

/* Ends behind upkeep_stop(), and behind the answers of the keeper; if `clean`, files that were to
 * stay for a while are unlinked.  NULL is allowed.  Always returns NULL. */
struct upkeep *upkeep_destroy(struct upkeep *upkeep, bool clean);

/* Wants the recovery point of `partition` moved to what is written. */
void upkeep_want_point(struct upkeep *upkeep, struct partition *partition);

/* Wants the start of its log moved to `offset`, which is not above its high watermark.  Who
 * waits in partition->care is told. */
void upkeep_want_start(struct upkeep *upkeep, struct partition *partition, int64_t offset);

/* True while the partition wants something, or is part of a batch. */
bool upkeep_is_busy_with(const struct upkeep *upkeep, const struct partition *partition);

/* The partition is to sleep, which brings its files in order as well.  True if it waited for
 * nothing else here, and now waits for nothing any more. */
bool upkeep_take_back(struct upkeep *upkeep, struct partition *partition);

/* The partition ends: nothing is done with it any more.  NULL is allowed: nobody has asked. */
void upkeep_forget(struct upkeep *upkeep, struct partition *partition);

/* Unlinks the files of a segment of its log that are `.deleted`, when their time has come. */
void upkeep_bury(struct upkeep *upkeep, const struct partition *partition, int64_t base);

/* True if nothing is under way or waits. */
bool upkeep_is_idle(const struct upkeep *upkeep);
