/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/history.h - what clients did and saw, and whether an honest log explains it.
 *
 * A history is written down while a test runs and judged when it is over.  It knows
 * nothing of brokers: partitions, producers and consumers are numbers, and every record
 * that is ever sent carries a value of its own.
 *
 *      producer:  invoke ... [resend ...] ... acknowledge | refuse | silence
 *      consumer:  poll, poll, poll ...
 *      somebody:  asks for records to be deleted ... they are
 *      the end:   one reader polls each partition from its start to its end, finish
 *
 * A write that was neither acknowledged nor refused may have happened or not, but not
 * half: silence forgives nothing else.  Time is the order of calls: what was acknowledged
 * before something else was begun lies before it in the log.
 *
 * Threading: one thread.
 * Errors:    none; what is wrong is listed by history_check().
 */

#include "base/base.h"

#include <stdio.h>

struct history;

/* What a log must never do (the names follow Jepsen's, where it has one). */
enum history_anomaly_kind {
    HISTORY_LOST_WRITE,           /* Acknowledged, and not there at the end. */
    HISTORY_INCONSISTENT_OFFSETS, /* One offset, two values. */
    HISTORY_DUPLICATE,            /* One value, more offsets than it was sent for. */
    HISTORY_REORDERED,            /* Sent or acknowledged before another, and behind it. */
    HISTORY_NONMONOTONIC_POLL,    /* A poll that goes back. */
    HISTORY_OFFSET_GAP,           /* A poll that leaves offsets out, of what is not compacted. */
    HISTORY_PHANTOM,              /* A value that nobody has written there. */
    HISTORY_UNREAD,               /* Read by somebody, and not there at the end. */
    HISTORY_WATERMARK,            /* High watermark that cannot be. */
    HISTORY_START,                /* Log start that goes back, or that nobody has asked for. */
    HISTORY_UNDELETED,            /* Read although it was deleted. */
    HISTORY_KIND_COUNT,
};

/* A batch that a producer sends: values first_value, first_value + 1 ... in this order. */
struct history_write {
    uint32_t partition;
    uint32_t producer;
    uint64_t first_value;
    uint32_t count;
    bool is_idempotent; /* However often it is sent, it is there once, in order. */
    bool is_durable;    /* Once acknowledged it stays (acks=all). */
};

struct history_record {
    int64_t offset;
    uint64_t value; /* HISTORY_GARBAGE: not a record as anybody writes them. */
};

#define HISTORY_GARBAGE UINT64_MAX

/* An answered fetch. */
struct history_poll {
    uint32_t partition;
    uint32_t consumer;
    uint64_t invoked;       /* history_now() when it was asked for. */
    int64_t position;       /* The offset that was asked for. */
    int64_t high_watermark; /* As answered; -1 is not known. */
    int64_t log_start;      /* Likewise. */
    const struct history_record *records;
    size_t count;
};

struct history_anomaly {
    enum history_anomaly_kind kind;
    uint32_t partition;
    int64_t offset; /* -1 where there is none. */
    uint64_t value;
};

/* Nothing has happened yet. */
struct history *history_create(void) NODISCARD;

/* NULL is allowed; always returns NULL. */
struct history *history_destroy(struct history *history);

SCOPED_BY(history_destroy, struct history *);

/* --- writing it down -------------------------------------------------------- */

/* A moment, later than all before it. */
uint64_t history_now(struct history *history);

/* A producer sends a batch for the first time; returns its number. */
size_t history_invoke(struct history *history, const struct history_write *write);

/* It sends the same bytes once more. */
void history_resend(struct history *history, size_t write);

/* The broker has taken the batch; `base_offset` is -1 where it did not say. */
void history_acknowledge(struct history *history, size_t write, int64_t base_offset);

/* The broker has not taken the batch, and said so of every time that it was sent. */
void history_refuse(struct history *history, size_t write);

/* A consumer was answered; the records are copied. */
void history_poll(struct history *history, const struct history_poll *poll);

/* Of this partition a crash may take back what is not old; only its end is judged. */
void history_set_lossy(struct history *history, uint32_t partition);

/* The partition is compacted: a record may go when a later one of its key is there.  `key_of` tells
 * the key of a value. */
void history_set_compacted(struct history *history, uint32_t partition,
                           uint64_t (*key_of)(uint64_t value));

/* Somebody asks for what lies below `offset` to be deleted, and nobody can say when that will
 * be.  INT64_MAX: it may be all, at any time, that could be read. */
void history_ask_start(struct history *history, uint32_t partition, int64_t offset);

/* The broker has said that the partition begins at `log_start`. */
void history_start_moved(struct history *history, uint32_t partition, int64_t log_start);

/* The partition was read by `consumer` from its start to its end, with nothing else going
 * on: what is not in those polls is not there. */
void history_finish(struct history *history, uint32_t partition, uint32_t consumer,
                    int64_t log_start, int64_t high_watermark);

/* --- judging ---------------------------------------------------------------- */

/* Looks for all of them; returns how many there are. */
size_t history_check(struct history *history);

/* What was found, in the order of the kinds. */
const struct history_anomaly *history_anomalies(const struct history *history, size_t *out_count);

/* How many of one kind there are. */
size_t history_count(const struct history *history, enum history_anomaly_kind kind);

/* "lost write", "duplicate" ... */
const char *history_kind_name(enum history_anomaly_kind kind);

/* Prints the first `limit` of them, and what is known of the values they name. */
void history_print(const struct history *history, FILE *out, size_t limit);

/* How many writes, acknowledged ones, and records read there are. */
void history_sizes(const struct history *history, size_t *out_writes, size_t *out_acknowledged,
                   size_t *out_read);
