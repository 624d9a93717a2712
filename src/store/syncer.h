/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/syncer.h - makes what was written durable, without holding up the loop.
 *
 *      ask, ask, ask  --end of the turn-->  one round on a worker  -->  done, done, done
 *                           ask, ask (meanwhile)  -->  the next round
 *
 * One round is in flight at a time; whatever was asked for while it ran makes the next one,
 * which starts at once.  There is no timer.  A round that fails fences the directory, and
 * in a directory that is fenced every round has failed.
 *
 * Threading: one loop.
 * Errors:    told to done() of each request.
 */

#include "os/loop.h"
#include "store/log_dir.h"

struct syncer;

/* A log's place in the syncer.  Embedded in the log's owner, zeroed but for done(). */
struct syncer_request {
    struct list_node node; /* In syncer->waiting, else bare. */
    struct log *log;
    bool is_running; /* Part of the round that is in flight. */
    /* What was written when the round began is durable, or (r < 0) lost. */
    void (*done)(struct syncer_request *request, int r);
};

/* A syncer for logs of `dir` on `loop`. */
struct syncer *syncer_create(struct loop *loop, struct diag *diag, struct log_dir *dir);

/* Ends; what is in flight is waited for by the loop's io, and told to nobody.  NULL is
 * allowed.  Always returns NULL. */
struct syncer *syncer_destroy(struct syncer *syncer);

/* Wants `log` synced as it is now; done() follows once. */
void syncer_ask(struct syncer *syncer, struct log *log, struct syncer_request *request);

/* Takes the request back; done() is not called any more.  What is on its way to the disk
 * still gets there. */
void syncer_forget(struct syncer *syncer, struct syncer_request *request);
