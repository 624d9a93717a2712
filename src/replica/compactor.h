/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/compactor.h - compacts the logs of one shard, the dirtiest first.
 *
 *      look at all partitions --> the dirtiest log that is dirty enough, or too long dirty
 *        worker    a step of its pass (store/cleaner.h); then the next, as fast as is allowed
 *        loop      between steps: segments change places
 *      --> look again at once; if there was nothing to do, after a while
 *
 * One log is cleaned at a time, and of the worker threads one is used, for short steps: others
 * wait for it no longer than for one step.
 *
 * Threading: the home shard's loop.
 * Errors:    a log that cannot be read is not cleaned any more, with a line in the operator's
 *            log; after other failures it is tried again.
 */

#include "os/loop.h"

struct compactor;
struct partition;
struct replicas;

struct compactor_options {
    struct replicas *replicas; /* Borrowed. */
    bool is_enabled;
    int64_t backoff_ms;      /* Until the next look, when there was nothing to do. */
    size_t map_bytes_max;    /* Memory for keys. */
    double map_load;         /* How full that may get: above 0, up to 1. */
    double bytes_per_second; /* Read and written. */
};

/* The compactor of one shard; it begins with a first look. */
struct compactor *compactor_create(const struct compactor_options *options);

/* Begins nothing any more, gives up what is under way, and waits for the worker. */
void compactor_stop(struct compactor *compactor);

/* Ends behind compactor_stop(); NULL is allowed.  Always returns NULL. */
struct compactor *compactor_destroy(struct compactor *compactor);

/* The partition ends: nothing is done with it any more.  NULL is allowed: nobody compacts. */
void compactor_forget(struct compactor *compactor, const struct partition *partition);

/* True if its log is dirty enough to be cleaned, so that it may not fall asleep; nobody compacts
 * where `compactor` is NULL. */
bool compactor_wants(const struct compactor *compactor, struct partition *partition);

/* True if its log is being cleaned; of NULL it is not. */
bool compactor_is_busy_with(const struct compactor *compactor, const struct partition *partition);

/* True if a log is being cleaned. */
bool compactor_is_busy(const struct compactor *compactor);
