/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_dir_internal.h - what the files of a folder of data share.
 *
 *      log_dir.c       the lock, the mark of a clean stop, logs
 *      log_dir_meta.c  meta.properties: whose folder it is
 *
 * Threading: as log_dir.h.
 * Errors:    as log_dir.h.
 */

#include "store/log_dir.h"
#include "store/marks.h"

#include <stdatomic.h>

enum { CLUSTER_ID_MAX = 64 };

/* A log that could not be opened, or not closed in order, at least once. */
struct failed_log {
    struct failed_log *next;
    char *name; /* Owned. */
};

struct log_dir {
    struct io *io;
    int64_t broker_epoch; /* For the mark of a clean stop. */
    struct diag *diag;
    int32_t node_id;
    void (*fenced)(void *owner); /* NULL: nobody wants to know. */
    void *owner;
    struct file *root; /* Owned reference. */
    struct file *lock; /* Owned reference; holds the lock. */
    struct uuid id;
    char cluster_id[CLUSTER_ID_MAX];
    bool is_new; /* It was made by this opening: nothing was in it. */
    bool was_clean;
    _Atomic bool is_fenced;
    _Atomic(struct failed_log *) failed; /* Owned: logs that could not be opened or closed. */
    struct marks marks;                  /* What is in it does not change while shards run. */
};

/* Makes the folder `path`, and those above it. */
NODISCARD int log_dir_make_folders(struct io *io, const char *path);

/* Reads whose folder it is, or makes it the node's if it is nobody's yet.  LOG_DIR_E_FOREIGN, with
 * a line in the operator's log, if it is another's. */
NODISCARD int log_dir_read_identity(struct log_dir *dir, const struct log_dir_options *options);
