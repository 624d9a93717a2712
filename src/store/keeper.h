/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/keeper.h - keeps the checkpoints of a folder of data up to date while a broker runs.
 *
 *      note, note, note, ask  --one write, on a worker-->  done
 *                            note, ask (meanwhile)  -->  the next write  -->  done
 *
 * Who has a log notes what is durable of it, and asks for that to be written; after a crash
 * only what lies behind is read (store/log_recover.c), and what lies below the start is not
 * shown again.  A write has everything that was noted before it was asked for, and of the
 * three files it writes those that change.
 *
 * There is one keeper for a folder, from start to stop.
 *
 * Threading: one loop.
 * Errors:    told to done() of each request; what was noted stays so, and is in the next write.
 */

#include "base/uuid.h"
#include "os/loop.h"
#include "store/log_dir.h"

struct keeper;

/* What is durable of one log, in its own files.  The name is borrowed for the call. */
struct keeper_note {
    struct slice topic;
    int64_t partition;
    struct uuid topic_id;
    int64_t recovery_point;
    int64_t high_watermark;
    int64_t start;   /* -1: where the first segment begins. */
    int64_t cleaned; /* -1: nothing was. */
};

/* Somebody who waits for a write.  Embedded in its owner, zeroed but for done(). */
struct keeper_request {
    struct list_node node; /* On a list of the keeper's, else bare. */
    /* What was noted before is durable, or (r < 0) may be or not. */
    void (*done)(struct keeper_request *request, int r);
};

/* A keeper that begins with what the checkpoints of `dir` say. */
struct keeper *keeper_create(struct loop *loop, struct log_dir *dir);

/* Ends: what is in flight is waited for, whoever asked is told an error, and what is known
 * goes back to the folder.  NULL is allowed.  Always returns NULL. */
struct keeper *keeper_destroy(struct keeper *keeper);

/* Notes what is durable of a log, instead of what was noted of it before. */
void keeper_note(struct keeper *keeper, const struct keeper_note *note);

/* Forgets a log that is deleted, unless the name is another topic's by now. */
void keeper_forget(struct keeper *keeper, struct slice topic, int64_t partition,
                   struct uuid topic_id);

/* Wants what was noted so far written; done() follows. */
void keeper_ask(struct keeper *keeper, struct keeper_request *request);
