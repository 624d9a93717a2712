/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/history_internal.h - what history.c writes down and history_check.c reads. */

#include "test/sim/history.h"

#define NO_WRITE SIZE_MAX

/* A batch and what became of it. */
struct write_entry {
    struct history_write write;
    uint64_t invoked;
    uint64_t answered; /* 0 while there is no answer. */
    uint32_t sends;
    bool is_acknowledged, is_refused;
    int64_t base_offset; /* As acknowledged; -1 is not known. */
};

struct poll_entry {
    struct history_poll poll; /* Its records are history->records + first. */
    size_t first;
    uint64_t answered;
};

/* The end of a partition. */
struct end_entry {
    uint32_t partition, consumer;
    int64_t log_start, high_watermark;
};

/* Where a partition may begin from `when` on, or (is_moved) does. */
struct start_entry {
    uint32_t partition;
    int64_t offset;
    uint64_t when;
    bool is_moved;
};

/* Somebody has seen, or was told of, a value at an offset. */
struct sighting {
    uint32_t partition;
    int64_t offset;
    uint64_t value;
    size_t write; /* Who wrote the value, or NO_WRITE. */
    uint64_t when;
    bool is_read;  /* Else acknowledged only. */
    bool is_final; /* By the reader at the end. */
};

struct compacted_entry {
    uint32_t partition;
    uint64_t (*key_of)(uint64_t value);
};

struct history {
    uint64_t clock;
    struct write_entry *writes; /* Owned arrays, as those that follow. */
    size_t write_count, write_room;
    struct poll_entry *polls;
    size_t poll_count, poll_room;
    struct history_record *records;
    size_t record_count, record_room;
    struct end_entry *ends;
    size_t end_count, end_room;
    struct start_entry *starts;
    size_t start_count, start_room;
    uint32_t *lossy;
    size_t lossy_count, lossy_room;
    struct compacted_entry *compacted;
    size_t compacted_count, compacted_room;

    size_t *by_value; /* Writes in the order of their values; made by the check. */
    struct sighting *sightings;
    size_t sighting_count, sighting_room;
    struct history_anomaly *anomalies;
    size_t anomaly_count, anomaly_room;
};

/* The array `p` with room for `count` elements and one more. */
void *history_room(void *p, size_t *room, size_t count, size_t size);

/* Who wrote `value`, or NO_WRITE.  Needs by_value. */
size_t history_find_write(const struct history *history, uint64_t value);
