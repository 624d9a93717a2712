/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/journal.h - records on their way into a partition.
 *
 *      journal_init, journal_add ... journal_send --> done() when all are durable
 *
 * What is more than one batch may hold goes into several, which become durable in order; so
 * the last record is durable last.
 *
 * Threading: the partition's home.
 * Errors:    COORD_E_TOO_LARGE: a single record is more than the log takes; nothing was
 *            appended.  COORD_E_NOT_COORDINATOR: the partition failed or was closed; what the
 *            log has of it is not known.
 */

#include "coord/outcome.h"
#include "coord/records.h"
#include "replica/partition.h"

struct journal_batch;

/* Embedded in what it is for. */
struct journal {
    struct partition *partition; /* Borrowed until journal_send() returns. */
    struct batch_builder builder;
    enum compress_codec codec;
    int64_t time_ms;
    size_t size_max;               /* Of a batch. */
    struct journal_batch *batches; /* Owned: a chain, the first in front. */
    struct journal_batch *last;
    size_t pending; /* Batches that are on their way, and one while they are being sent. */
    int outcome;
    void (*done)(struct journal *journal, int outcome);
};

/* An empty journal; `done` is the caller's to set. */
void journal_init(struct journal *journal, struct partition *partition, enum compress_codec codec,
                  int64_t time_ms);

/* Frees; no batch is on its way. */
void journal_fini(struct journal *journal);

/* Adds a record; it is copied. */
void journal_add(struct journal *journal, struct records_pair pair);

/* Appends.  0: done() will be called, not before this returns if the partition's own calls
 * do not come earlier; else nothing was appended, and it will not. */
NODISCARD int journal_send(struct journal *journal);
