/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/partition.h - one partition that this broker leads: its log, its high
 * watermark, and who waits for either.
 *
 *      append --> [staged] --write at the end of the turn--> [in the file] --sync--> [durable]
 *                                    |                                          |
 *                              acks 0 and 1 answered            high watermark: acks=all
 *                                                               answered, fetchers woken
 *
 * That is `disk`.  In `page-cache` the high watermark moves at the write, as Kafka's
 * does, and what is synced, in the background, are segments that have been sealed.
 *
 * Nobody is called back before partition_append() has returned: what is known by then is
 * told at the end of the turn.
 *
 * `struct replicas` are the partitions whose home is one shard.  A partition opens its
 * log at its first use.  When nothing was done with it for a while, or others want its files,
 * it falls asleep: the log is at rest and costs neither memory nor descriptors, and who
 * waits at its end goes on waiting.  The next use that needs the log wakes it.
 *
 * Threading: the home shard's loop.
 * Errors:    enum partition_outcome; negative codes of the log are told as
 *            PARTITION_E_STORAGE, since the answer to a client is the same.
 */

#include "base/diag.h"
#include "base/map.h"
#include "meta/image.h"
#include "os/loop.h"
#include "replica/compactor.h"
#include "replica/traffic.h"
#include "replica/upkeep.h"
#include "replica/verifier.h"
#include "store/log_dir.h"
#include "store/syncer.h"
#include "store/txn_index.h"
#include "wire/batch.h"

/* How a compacted log is kept: Kafka's settings of these names. */
struct compaction_config {
    double min_dirty_ratio;
    int64_t min_lag_ms, max_lag_ms;
    int64_t delete_retention_ms;
};

/* What the broker settings and the topic's own make of one partition. */
struct partition_config {
    struct log_config log;
    struct batch_rules rules; /* What a producer's batch is held to. */
    bool is_disk;             /* Durability: synced before it is shown. */
    bool deletes;             /* cleanup.policy: old records may go. */
    int64_t file_delete_delay_ms;
    struct compaction_config compaction; /* Where log.is_compacted. */
    struct log_retention retention;      /* Where it deletes. */
};

enum partition_outcome {
    PARTITION_E_STORAGE = 1,      /* The log or its directory failed. */
    PARTITION_E_MALFORMED,        /* The records are not exactly one good batch. */
    PARTITION_E_BATCH,            /* batch_check() refused it; see append->batch_outcome. */
    PARTITION_E_TOO_LARGE,        /* Above max.message.bytes. */
    PARTITION_E_SEGMENT_SIZE,     /* Above segment.bytes. */
    PARTITION_E_SEQUENCE,         /* Not the sequence that comes next. */
    PARTITION_E_UNKNOWN_PRODUCER, /* Not a first sequence, of a producer that is not known. */
    PARTITION_E_DUPLICATE,        /* It is in the log, too long ago to know where. */
    PARTITION_E_PRODUCER_EPOCH,   /* An older epoch of the producer. */
    PARTITION_E_COORDINATOR,      /* A marker of an older coordinator. */
    PARTITION_E_TXN_STATE,        /* Not part of its producer's open transaction. */
    PARTITION_E_OUT_OF_RANGE,     /* Offset below the start or above the end. */
    PARTITION_E_CLOSED,           /* The partition is being deleted, or the broker stops. */
    PARTITION_E_POLICY,           /* Its records are compacted and not deleted. */
    PARTITION_E_CORRUPT,          /* What is there on disk is damaged. */
};

struct replicas;

enum { REPLICA_DIRS_MAX = 32 };

/* A folder of data, as one shard uses it. */
struct replica_dir {
    struct log_dir *dir; /* Borrowed, as the next two; NULL: it cannot be used. */
    struct syncer *syncer;
    struct upkeep *upkeep;
    int close_result; /* Of replicas_fini(): negative if a log in it was not closed in order. */
};

/* What a partition wants of the upkeep (replica/upkeep.h). */
struct care {
    struct list_node node;   /* In upkeep->waiting, else bare. */
    struct list start_waits; /* struct start_wait: until the start is there. */
    int64_t start;           /* Where the log is to begin; -1: it stays. */
};

struct partition {
    struct map_node node;      /* In replicas->partitions. */
    struct replicas *replicas; /* Borrowed: the home. */
    struct replica_dir *at;    /* Borrowed: where the log is. */
    struct uuid topic_id;
    char *topic; /* Owned: its name. */
    int32_t index;
    int32_t leader_epoch;
    struct log *log;        /* Owned; NULL while it sleeps. */
    struct log_rest rest;   /* While it sleeps. */
    struct list_node awake; /* In replicas->awake, by last use, else bare. */
    bool is_used;           /* Since the last look at who may sleep. */
    struct partition_config config;
    int64_t high_watermark;     /* First offset that nobody may read yet. */
    struct list staged;         /* struct append: not written yet. */
    struct list waiting;        /* struct append: written; by offset, but for duplicates. */
    struct list answered;       /* struct append: to be told its outcome. */
    struct list fetchers;       /* struct fetch_wait. */
    struct list_node dirty;     /* In replicas->dirty while something is staged or answered. */
    struct syncer_request sync; /* Our place in the syncer. */
    struct care care;
    struct verification *verification; /* The verifier's: its log is being read; else NULL. */
    int verify_result;                 /* Negative: reading failed, and no reader was told yet. */
    bool is_failed;
    bool is_uncleanable; /* The cleaner could not read its log. */
};

/* A batch on its way in.  Embedded in the request's memory, which stays until done(). */
struct append {
    struct list_node node;
    uint8_t *batch; /* Borrowed until done(): offset and epoch are written into it. */
    size_t size;
    int16_t acks;                /* -1, 0, 1 */
    bool is_own;                 /* The broker made it: a coordinator's records, or a marker. */
    int16_t transaction_version; /* Of a marker. */
    void (*done)(struct append *append, int outcome);

    int64_t base_offset; /* Results, valid when the outcome is 0. */
    int64_t last_offset;
    int64_t append_time; /* -1 for CreateTime. */
    int64_t log_start;
    int batch_outcome; /* With PARTITION_E_BATCH: what batch_check() said. */
    int outcome;       /* The partition's own. */
};

/* Somebody who wants to know when there may be more to read. */
struct fetch_wait {
    struct list_node node; /* In partition->fetchers, else bare. */
    void (*wake)(struct fetch_wait *wait);
};

/* Somebody who wants records deleted.  Embedded in the request's memory, which stays until
 * done(). */
struct start_wait {
    struct list_node node; /* In partition->care.start_waits, else bare. */
    int64_t offset;        /* Up to here; PARTITION_HIGH_WATERMARK: all that can be read. */
    void (*done)(struct start_wait *wait, int outcome);
};

enum { PARTITION_HIGH_WATERMARK = -1 };

struct partition_read {
    int64_t offset; /* In. */
    size_t bytes_max;
    bool at_least_one;  /* A batch, though it be larger than bytes_max. */
    bool is_committed;  /* Nothing of transactions that are open. */
    bool is_unverified; /* The reader checks the batches itself. */

    int64_t high_watermark; /* Out; also with PARTITION_E_OUT_OF_RANGE. */
    int64_t stable;         /* Where readers of what is committed stop. */
    int64_t log_start;
    struct log_range range; /* Size 0: nothing there yet. */
    bool is_held_back;      /* There is more, which is being read through first. */
    struct text aborted;    /* Owned: struct txn_entry, for who reads what is committed. */
};

/* The partitions of one shard. */
struct replicas {
    struct loop *loop; /* Borrowed, as all of these. */
    struct diag *diag;
    struct log_env env;
    struct replica_dir dirs[REPLICA_DIRS_MAX];
    int dir_count;
    struct compactor *compactor;
    struct verifier *verifier; /* NULL: what lay on disk is served as it is. */
    struct map partitions;     /* struct partition by topic id and index. */
    struct traffic traffic;    /* Of all of them, also those that are gone. */
    struct list dirty;         /* struct partition with staged appends. */
    struct list awake;         /* struct partition with an open log, the latest used last. */
    size_t awake_count;
    size_t awake_max;                /* More than these only where none can sleep; 0: no bound. */
    struct inflater_cache inflaters; /* For the checks of compressed batches. */
    struct loop_hook write;          /* Writes all that was staged in this turn. */
    /* Asks the owner for the settings of a topic's partition. */
    void (*configure)(struct replicas *replicas, const struct image_topic *topic,
                      struct partition_config *out);
    /* Which of `dirs` has or gets the log of a partition; -1: one that cannot be used.  NULL: it is
     * the first, always. */
    int (*place)(struct replicas *replicas, const struct image_topic *topic, int32_t index);
    /* Has notes written into the checkpoints of their folder; notes->done() follows. */
    void (*keep)(struct replicas *replicas, struct upkeep_notes *notes);
    void *owner;
};

/* Prepares an empty set; `awake_max` and the members above `partitions` are the caller's to
 * fill. */
void replicas_init(struct replicas *replicas);

/* Closes every partition: all logs synced and closed if `clean`, else abandoned.
 * Waiting appends end with PARTITION_E_CLOSED.  A negative code if a log could not be
 * closed cleanly. */
int replicas_fini(struct replicas *replicas, bool clean);

/* The partition, awake; its log is made if this is its first use. */
NODISCARD int replicas_get(struct replicas *replicas, const struct image_topic *topic,
                           int32_t index, struct partition **out);

/* As replicas_get(), but a partition that sleeps is left alone: for partition_read() and
 * partition_wait(), which know what to do. */
NODISCARD int replicas_look(struct replicas *replicas, const struct image_topic *topic,
                            int32_t index, struct partition **out);

/* Lets partitions of the folder of `upkeep` sleep that were not used since its last call. */
void replicas_rest(struct replicas *replicas, const struct upkeep *upkeep);

/* False if the partition has no log yet: nothing was ever written to it. */
bool replicas_has_log(struct replicas *replicas, const struct image_topic *topic, int32_t index);

/* Has the partitions that are awake forget producers that were idle for too long. */
void replicas_expire_producers(struct replicas *replicas);

/* The partition if there was a use of it, else NULL; it may sleep. */
struct partition *replicas_find(struct replicas *replicas, struct uuid topic_id, int32_t index);

/* What a partition's log is; known while it sleeps as well. */
struct partition_state {
    int64_t start, end;
    int64_t size; /* Bytes of batches in its files. */
    uint32_t segments;
    bool is_failed;
};

/* Tells it, without waking anything. */
void partition_tell(const struct partition *partition, struct partition_state *out);

/* Ends all waits and closes the log without a sync: its topic is gone. */
void partition_drop(struct partition *partition);

/* Takes over what the settings of `topic` are by now; see replicas->configure. */
void partition_configure(struct partition *partition, const struct image_topic *topic);

/* It leads in this epoch, which is not older than the one before. */
void partition_lead(struct partition *partition, int32_t leader_epoch);

/* Writes what is staged now; who waits for that is told at the end of the turn. */
NODISCARD int partition_flush(struct partition *partition);

/* Deletes records: moves the start of the log, durably.  0: done() will be called, then or later,
 * with 0 when the log begins at wait->offset or behind it.  PARTITION_E_OUT_OF_RANGE above the high
 * watermark. */
NODISCARD int partition_delete_records(struct partition *partition, struct start_wait *wait);

/* Has segments go that are too old or too many, by the partition's settings: the start of its log
 * moves some time later. */
void partition_retain(struct partition *partition);

/* Checks the batch and stages it.  0: done() will be called, later; else it will not. */
NODISCARD int partition_append(struct partition *partition, struct append *append);

/* Finds the bytes to serve.  On 0 the range may be empty.  What lay on disk is served only behind a
 * verification, which this begins. */
NODISCARD int partition_read(struct partition *partition, struct partition_read *read);

/* Lets go of what was found.  Any thread. */
void partition_read_release(struct partition_read *read);

/* Where readers of what is committed stop: the last stable offset. */
int64_t partition_stable(const struct partition *partition);

/* The verifier has read some of its log; `r` is what log_verify_end() has said. */
void partition_verified(struct partition *partition, int r);

/* Calls wake() once, at the next move of the high watermark, end of a verification or end of the
 * partition. */
void partition_wait(struct partition *partition, struct fetch_wait *wait);

/* The home of a partition among `shards`. */
static inline int partition_home(struct uuid topic_id, int32_t index, int shards)
{
    uint64_t seed;

    memcpy(&seed, topic_id.bytes, sizeof(seed));
    return (int)((seed + (uint64_t)index) % (uint64_t)shards);
}
