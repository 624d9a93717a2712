/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/bench/null_log.h - what the null broker keeps: topics, made when they are first named,
 * and a file for each partition.
 *
 * A batch is written as it came but for its base offset.  Where each batch begins is kept in
 * memory, so that a fetch can begin at one.  Nothing is checked.  With NULL_ONE_LOG there is
 * nothing to fetch: it is the bound of what many durable partitions can do.
 *
 * Threading: one thread.
 * Errors:    none; a file that fails ends the program.
 */

#include "base/slice.h"

enum null_mode {
    NULL_DISCARD, /* Offsets are counted, records are not kept. */
    NULL_WRITE,   /* Into the page cache. */
    NULL_SYNC,    /* And from there to the disk before the answer. */
    NULL_ONE_LOG, /* As NULL_SYNC, but all into one file, which is used again and again. */
};

struct null_batch {
    int64_t offset;   /* Of its first record. */
    int64_t position; /* In the file. */
};

struct null_partition {
    int fd;                     /* -1 while nothing was written. */
    int64_t end;                /* The next offset. */
    int64_t size;               /* Of the file. */
    struct null_batch *batches; /* Owned. */
    size_t count, room;
    bool is_dirty; /* Written, and not synced. */
};

struct null_topic {
    struct null_topic *next;
    char *name;                        /* Owned. */
    struct null_partition *partitions; /* Owned: null_log.partitions of them. */
};

struct null_log {
    enum null_mode mode;
    int dir; /* Where the files are. */
    int32_t partitions;
    struct null_topic *topics;
    struct null_partition one; /* Of NULL_ONE_LOG: its file, and where the next write goes. */
};

/* The topic of this name, which is made if it is not there. */
struct null_topic *null_topic_get(struct null_log *log, struct slice name);

/* Appends a batch; returns the offset of its first record.  The bytes may be changed. */
int64_t null_append(struct null_log *log, struct null_topic *topic, int32_t index,
                    struct slice batch);

/* Makes durable what was appended since the last call, where the mode wants that. */
void null_sync(struct null_log *log);

/* Where the file holds what begins at the batch of `offset`, at most `bytes_max` but at least
 * one batch; returns the size, 0 at the end. */
int64_t null_find(const struct null_partition *partition, int64_t offset, int64_t bytes_max,
                  int64_t *out_position);
