/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/syncer.h - makes what was written durable, without holding up the loop.
 *
 *      ask, ask, ask  --end of the turn-->  one round on a worker  -->  done, done, done
 *                           ask, ask (meanwhile)  -->  the next round
 *
 * One round is in flight at a time; whatever was asked for while it ran makes the next one,
 * which starts at once.  There is no timer.
 *
 * A round syncs the files that were written, or, where they are many and little was written
 * to each, copies what was written into the commit log and syncs that.  Segments of which
 * bytes are in the commit log are synced by a flush, beside the rounds, when a block of it
 * is half full.
 *
 * A round or a flush that fails fences the directory, and in a directory that is fenced every
 * round has failed.
 *
 * Threading: one loop.
 * Errors:    told to done() of each request.
 */

#include "os/loop.h"
#include "store/log_dir.h"

struct syncer;

enum { SYNCER_COMMIT_BLOCK = 16 * 1024 * 1024 };

/* A log is to be cut (store/log_truncate.h).  Embedded in its owner, zeroed but for done(). */
struct syncer_cut {
    struct list_node node; /* In syncer->cuts, else bare. */
    const char *log_name;  /* Borrowed until done(), as the topic's id. */
    struct uuid topic_id;
    int64_t base;      /* Of the segment that will be the last, ... */
    uint64_t position; /* ... and where it will end. */
    /* What the commit log has of what is behind is void, durably, or (r < 0) it failed. */
    void (*done)(struct syncer_cut *cut, int r);
};

/* A log's place in the syncer.  Embedded in the log's owner, zeroed but for done(). */
struct syncer_request {
    struct list_node node;  /* In syncer->waiting, else bare. */
    struct list_node dirty; /* In syncer->dirty: bytes are in the commit log only. */
    struct log *log;
    bool is_running;  /* Part of the round that is in flight. */
    bool is_flushing; /* Part of the flush that is in flight. */
    /* What was written when the round began is durable, or (r < 0) lost. */
    void (*done)(struct syncer_request *request, int r);
};

struct syncer_options {
    struct loop *loop; /* Borrowed, as all of these. */
    struct diag *diag;
    struct log_dir *dir;
    int shard;           /* Names the files of the commit log. */
    size_t commit_block; /* Size of its blocks; 0: there is none. */
};

/* A syncer for logs of one shard. */
struct syncer *syncer_create(const struct syncer_options *options);

/* Ends; what is in flight is waited for by the loop's io, and told to nobody.  NULL is
 * allowed.  Always returns NULL. */
struct syncer *syncer_destroy(struct syncer *syncer);

/* Wants `log` synced as it is now; done() follows once. */
void syncer_ask(struct syncer *syncer, struct log *log, struct syncer_request *request);

/* Takes the request back; done() is not called any more, and the log may go.  What is on its
 * way to the disk still gets there. */
void syncer_forget(struct syncer *syncer, struct syncer_request *request);

/* Wants the commit log to know of a cut; done() follows once, when no round is in flight that was
 * begun before. */
void syncer_ask_cut(struct syncer *syncer, struct syncer_cut *cut);

/* True while something of its log is on its way to the disk, or waits for that. */
static inline bool syncer_is_busy_with(const struct syncer_request *request)
{
    return request->is_running || request->is_flushing || list_node_is_linked(&request->node);
}

/* What it has done so far. */
struct syncer_counts {
    uint64_t rounds;          /* All of them, ... */
    uint64_t committed;       /* ... and those that went through the commit log, ... */
    uint64_t committed_bytes; /* ... with so many bytes of batches. */
    uint64_t flushes;
    struct metric_histogram queue; /* From the first ask of a round to its begin, ... */
    struct metric_histogram sync;  /* ... and from there until it was durable. */
};

/* The counts, borrowed. */
const struct syncer_counts *syncer_counts(const struct syncer *syncer);
