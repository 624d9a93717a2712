/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/cleaner.h - compaction: of each key the newest record stays, at the offset that it has.
 *
 *          clean          |     dirty, sealed       | young, or not durable | active
 *      [ 1 4 9 ][ 12 15 ] | [ 20 21 22 ][ 23 24 .. ]| [ ................... ][ ...>
 *                         ^ cleaned                 ^ uncleanable
 *
 * A pass reads the dirty part and notes where each key is last (store/clean_map.h).  Then it
 * copies all segments below the end of what it noted, in groups that fit one segment, and leaves
 * out what is not the last of its key:
 *
 *      worker   00..00.log.cleaned and its indexes are written and synced, then renamed to .swap
 *      loop     the group's segments become `.deleted`, the copy takes their place in the log
 *      worker   those names are made durable
 *      loop     .swap goes from the names
 *
 * So at each moment either the old segments are there whole, or the new one is: recovery takes
 * `.cleaned` files away and completes what is `.swap`, as Kafka does with ours and we with its.
 *
 * What stays, by Kafka's rules:
 *   - the last record of each key, with its offset; records without a key go;
 *   - a tombstone (null value) until the delete horizon that its batch has got (KIP-534);
 *   - the marker of a transaction until none of its records are there, and then as a tombstone;
 *     records of aborted transactions go;
 *   - the last batch of each producer, without records if need be, for its sequence;
 *   - the last batch of a group, likewise: it tells how far the group reaches.
 *
 * Only what the recovery point has passed is cleaned: neither a replay of the commit log nor a
 * recovery has anything to do with those files any more.
 *
 * Threading: clean_pass_step() on a worker, one at a time; the rest on the log's home shard, with
 *            no step under way.
 * Errors:    base/err.h; enum clean_outcome.
 */

#include "store/clean_map.h"
#include "store/log.h"
#include "store/segment.h"

#include <stdatomic.h>

enum clean_outcome {
    CLEAN_MORE = 1,  /* The next step goes on. */
    CLEAN_GROUP,     /* log_clean_swap(), and then the next step. */
    CLEAN_NAMES,     /* log_clean_settle(), and then the next step. */
    CLEAN_E_CORRUPT, /* Something cannot be read: the log is not to be cleaned any more. */
    CLEAN_E_GONE,    /* Segments went away meanwhile, or the pass was cancelled. */
};

/* What decides whether a log is to be cleaned. */
struct clean_query {
    int64_t now_ms;     /* Unix time. */
    int64_t min_lag_ms; /* Younger records stay dirty. */
    int64_t limit;      /* Offsets from here on, and what is not stable below, stay as they are. */
};

struct clean_view {
    int64_t cleaned;     /* Everything below was cleaned before. */
    int64_t uncleanable; /* Where the part that cannot be cleaned begins. */
    uint64_t clean_bytes, cleanable_bytes;
    int64_t earliest_ms;  /* When the dirty part begins; INT64_MAX: it has no time. */
    bool waits_for_point; /* There would be more if the recovery point moved. */
};

struct clean_terms {
    int64_t now_ms;              /* Unix time. */
    int64_t delete_retention_ms; /* From a tombstone's first cleaning to its horizon. */
    size_t map_bytes_max;
    double map_load; /* Of the map: above 0, up to 1. */
};

struct clean_stats {
    uint64_t read_bytes, written_bytes; /* Since the pass began; segments and what came of them. */
    uint64_t records, kept_records;     /* Copied or not. */
};

struct clean_source; /* Of cleaner.c, as those. */
struct clean_producer;
struct clean_txns;
struct clean_work;

/* A pass over one log. */
struct clean_pass {
    struct clean_terms terms;
    struct log_config config;
    struct log_dir *dir;          /* Borrowed. */
    struct file *folder;          /* Owned reference. */
    struct clean_source *sources; /* Owned: sealed segments from the first on. */
    size_t source_count;
    struct clean_producer *producers; /* Owned: sorted by id. */
    size_t producer_count;
    int64_t first_dirty, uncleanable;
    int64_t end;             /* Everything below is clean when the pass is over. */
    struct clean_map map;    /* Owned. */
    struct clean_txns *txns; /* Owned. */
    struct clean_work *work; /* Owned: where the worker is. */
    size_t group_at;         /* The first source of the group, */
    size_t group_end;        /* and the first behind it. */
    struct segment output;   /* What the group has become. */
    struct clean_stats stats;
    _Atomic bool is_cancelled; /* Any thread: the next batch is not looked at any more. */
};

/* --- the log's side (log_clean.c) -------------------------------------------- */

/* Everything below was cleaned; -1: nothing is known. */
int64_t log_cleaned(const struct log *log);

/* What there is to be cleaned. */
NODISCARD int log_clean_look(struct log *log, const struct clean_query *query,
                             struct clean_view *out);

/* Begins a pass over what `view` says. */
NODISCARD int log_clean_begin(struct log *log, const struct clean_view *view,
                              const struct clean_terms *terms, struct clean_pass **out);

/* Puts what came of the group in its place; the old segments are `.deleted`.  False: some of them
 * have gone, and the next step takes the copy away. */
bool log_clean_swap(struct log *log, struct clean_pass *pass);

/* The names of the group are durable: the copy gets its own.  What fails is tried again when the
 * log is closed, or by recovery. */
NODISCARD int log_clean_settle(struct log *log);

/* The pass is over and went well: the log is clean up to its end. */
void log_clean_end(struct log *log, const struct clean_pass *pass);

/* Behind clean_pass_destroy(): no file of the pass is left.  Before, a crash may bring back what
 * it has copied, though the log does not begin there any more. */
void log_clean_over(struct log *log);

/* --- the worker's side (cleaner.c) -------------------------------------------- */

/* Does the next piece of the pass, of about `bytes` bytes read.  0: it is over. */
NODISCARD int clean_pass_step(struct clean_pass *pass, struct io *io, uint64_t bytes);

/* The base of the `i`th segment of the group; -1 behind the last. */
int64_t clean_pass_base(const struct clean_pass *pass, size_t i);

/* Takes files away that no log has, and frees.  A worker's thread, or the loop at a stop; NULL is
 * allowed.  Always returns NULL. */
struct clean_pass *clean_pass_destroy(struct clean_pass *pass, struct io *io);
