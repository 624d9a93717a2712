/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/snapshot.h - the metadata of a cluster up to an offset, in one file (KIP-630).
 *
 *      00000000000000000043-0000000001.checkpoint
 *      end offset, exclusive, and the epoch of the last record below it
 *
 *      [ header, who votes ] [ records ] [ records ] ... [ footer ]
 *
 * The batches are those of a log that begins at offset 0; metadata_reader.h reads them, too.  The
 * same form has the file `bootstrap.checkpoint`, which a formatter leaves for the first start.
 *
 * A writer adds bytes to a text of the caller's, who may take them away between two calls.
 *
 * Threading: a writer belongs to one thread at a time.
 * Errors:    none.
 */

#include "base/arena.h"
#include "wire/batch.h"

enum { SNAPSHOT_NAME_SIZE = 48 };

struct snapshot_id {
    int64_t end; /* Offset behind the last record in it. */
    int32_t epoch;
};

/* Writes the name of the file. */
void snapshot_print_name(struct snapshot_id id, char out[static SNAPSHOT_NAME_SIZE]);

/* Reads the name of a file; false if it is not that of a snapshot. */
bool snapshot_parse_name(const char *name, struct snapshot_id *out);

/* True if `a` ends before `b`. */
static inline bool snapshot_is_older(struct snapshot_id a, struct snapshot_id b)
{
    return a.end != b.end ? a.end < b.end : a.epoch < b.epoch;
}

struct snapshot_terms {
    int32_t epoch;
    int64_t now_ms;            /* Unix time. */
    int64_t last_timestamp_ms; /* Of the last record of the log that is in it; 0 if none is. */
    int16_t kraft_version;     /* From 1 on it says who votes, ... */
    struct slice voters;       /* ... which is this voters_record; null if it is not known. */
};

struct snapshot_writer {
    struct snapshot_terms terms;
    struct text *out; /* Borrowed. */
    struct batch_builder batch;
    int64_t next; /* Offset in the snapshot. */
};

/* Begins a snapshot; `terms.voters` is borrowed for the call. */
void snapshot_begin(struct snapshot_writer *writer, const struct snapshot_terms *terms,
                    struct text *out);

/* Adds a metadata record (meta/metadata_record.h). */
void snapshot_add(struct snapshot_writer *writer, struct slice record);

/* Adds what is missing to the end. */
void snapshot_end(struct snapshot_writer *writer);

/* Gives up what is not ended. */
void snapshot_fini(struct snapshot_writer *writer);

/* Adds a control record of the metadata log (meta/metadata_control.h) to a batch. */
void snapshot_add_control(struct batch_builder *batch, int64_t now_ms, int16_t type,
                          struct slice value);
