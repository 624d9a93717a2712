/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/metadata_reader.h - the batches of the metadata log, and of its snapshots, become records.
 *
 * Batches of data are told record by record.  What control batches say is remembered: who leads,
 * where a snapshot begins and ends, who votes.
 *
 * Threading: a reader belongs to one thread at a time.
 * Errors:    enum metadata_reader_outcome, and what the listener answers.
 */

#include "base/text.h"

enum metadata_reader_outcome { METADATA_READER_E_CORRUPT = 1 };

/* Hears each record of data, in order.  A non-zero result ends the reading with it. */
typedef int metadata_record_fn(void *context, int64_t offset, struct slice record);

struct metadata_reader {
    metadata_record_fn *fn; /* NULL: nobody listens. */
    void *context;
    struct text scratch;        /* Owned: what was decompressed. */
    int64_t next;               /* The offset behind the last batch, or -1: any may come. */
    int32_t epoch;              /* Of the last batch; -1 before the first. */
    int64_t last_timestamp;     /* Latest time of a batch of data; -1 before the first. */
    int64_t snapshot_timestamp; /* What the header of a snapshot says, or -1. */
    bool has_header, has_footer;
    int16_t kraft_version;
    struct text voters; /* Owned: the last voters record, as it was; empty if there is none. */
};

/* A reader that has read nothing. */
void metadata_reader_init(struct metadata_reader *reader, metadata_record_fn *fn, void *context);

/* Frees what it holds. */
void metadata_reader_fini(struct metadata_reader *reader);

/* Reads the whole batches at the start of `bytes`; what is left may be the start of another one.
 * METADATA_READER_E_CORRUPT if they are not what was written, or the listener's result. */
NODISCARD int metadata_reader_feed(struct metadata_reader *reader, struct slice bytes,
                                   size_t *out_used);
