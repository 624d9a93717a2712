/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* library/node.h - a broker with the threads it runs on, from one start to its last stop.
 *
 *      node_open --> node_run: [ broker_open --> shards turn --> broker_close ] ... --> node_close
 *                              \------ again, when it is to be restarted or reset -----/
 *
 * The program and the library both run one of these.  A reset is a start on folders that hold
 * nothing any more; nothing is written and nobody is waited for on the way.
 *
 * Threading: node_run() turns shard 0 on the caller's thread and starts one for each other shard.
 *            node_end() on shard 0's loop, in what it calls; node_abandon() any thread.
 * Errors:    enum node_outcome, with lines in the log that say what to do.
 */

#include "broker/broker.h"
#include "os/thread.h"

enum { NODE_SHARDS_MAX = 64, NODE_WATCHES_MAX = 4 };

/* How a life ends; the later of two wishes wins. */
enum node_wish { NODE_NONE, NODE_RESTART, NODE_RESET, NODE_STOP };

enum node_outcome {
    NODE_E_CONFIG = 1, /* As BROKER_E_CONFIG, */
    NODE_E_DATA,       /* and BROKER_E_DATA. */
    NODE_E_THREADS,    /* The process can have no more threads or descriptors. */
    NODE_E_STOP,       /* The stop was not clean: the next start recovers. */
};

struct node {
    const struct settings *settings; /* Borrowed, as these. */
    struct diag *diag;
    const char *folder; /* That relative paths of the settings are in; NULL: not known. */
    int64_t files_max;  /* See broker_options. */
    bool is_temporary;  /* The data go away after the stop, which need not be clean then. */
    /* Called on shard 0's loop, or in node_run(), each time that clients are let in. */
    void (*serves)(struct node *node, struct broker *broker);
    struct io_watch *watches[NODE_WATCHES_MAX]; /* Looked at on shard 0 while the broker runs. */
    int watch_count;

    /* The node's own. */
    struct io *ios[NODE_SHARDS_MAX];
    struct thread *threads[NODE_SHARDS_MAX]; /* Of shards 1 and up. */
    int shards;
    struct broker *broker; /* NULL but between its opening and its closing. */
    enum node_wish wish;
    bool has_failed;
    _Atomic bool is_abandoned;
};

/* Makes the worlds of its shards: as many as num.shards says.  All borrowed members are set. */
NODISCARD int node_open(struct node *node);

/* Frees what node_open() made; one that was not opened is left alone. */
void node_close(struct node *node);

/* Runs the broker until it is to stop, through all resets and restarts. */
NODISCARD int node_run(struct node *node);

/* Begins the end of this life; true if it was not begun before. */
bool node_end(struct node *node, enum node_wish wish);

/* There was a bug: nothing of the broker is touched any more, and its loops end.  The node must
 * not be closed. */
void node_abandon(struct node *node);

/* Tells the operator of keys that are known and change nothing: one in a line, as
 * settings_read() adds them. */
void node_warn(struct diag *diag, const struct text *unserved);
