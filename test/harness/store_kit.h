/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/store_kit.h - a folder of data with logs in it, for the tests of what works
 * on logs.
 *
 *     struct store_kit kit;
 *     store_kit_init(&kit);
 *     log = store_kit_log(&kit, "orders-0");
 *     store_kit_put(&kit, log, &(struct store_batch){.records = 3});
 *     store_kit_close_log(&kit, log);
 *     store_kit_fini(&kit);
 *
 * The world is the kernel's behind a faulty_io.
 */

#include "store/log_dir.h"
#include "store/marks.h"
#include "test/harness/diag_lines.h"
#include "test/harness/faulty_io.h"
#include "test/harness/temp.h"

struct store_kit {
    struct temp_dir temp;
    char path[512]; /* The folder of data. */
    struct io *world;
    struct faulty_io faulty;
    struct diag_lines lines;
    struct log_env env;
    struct log_config config; /* For the logs that are opened next. */
    struct uuid topic_id;     /* Likewise. */
    struct log_dir *dir;
    struct marks marks; /* What store_kit_checkpoint() has written, since the folder was opened. */
    int64_t now_ms;
    struct text *batches; /* Owned: memory of what is staged. */
    size_t batch_count, batch_room;
};

enum store_marker { STORE_NO_MARKER, STORE_ABORT, STORE_COMMIT };

/* A batch to be made; zeros are good for all but `records`. */
struct store_batch {
    int records;
    size_t value_size; /* Of each record. */
    int64_t time;      /* Of the first record; each next is a millisecond later. */
    int64_t producer;  /* 0: none. */
    int16_t epoch;
    int32_t sequence;
    enum compress_codec codec;
    bool is_append_time;
    bool is_transactional;    /* Part of the producer's transaction. */
    enum store_marker marker; /* One instead of records: its transaction has ended. */
    int32_t coordinator_epoch;
    int16_t transaction_version; /* As it was when the marker was sent. */
    bool is_timeless;            /* Its records have no time. */
};

/* An empty folder, opened as node 1. */
void store_kit_init(struct store_kit *kit);

/* Lets go and removes the folder. */
void store_kit_fini(struct store_kit *kit);

/* Opens and closes the folder of data. */
void store_kit_open(struct store_kit *kit);
void store_kit_close(struct store_kit *kit, bool clean);

/* Opens a log, which works. */
struct log *store_kit_log(struct store_kit *kit, const char *name);

/* Closes it in order, which works. */
void store_kit_close_log(struct store_kit *kit, struct log *log);

/* Adds the batch as a producer sends it to `out`. */
void store_batch_make(const struct store_batch *batch, struct text *out);

/* Adds the batch as it is in a log at `offset`, in leader epoch 0, to `out`. */
void store_batch_place(const struct store_batch *batch, int64_t offset, struct text *out);

/* Stages a batch in leader epoch 0, writing what must be written first. */
NODISCARD int store_kit_append(struct store_kit *kit, struct log *log,
                               const struct store_batch *batch, struct log_appended *out);

/* As store_kit_append() with the bytes of a batch, which are taken over. */
NODISCARD int store_kit_append_bytes(struct store_kit *kit, struct log *log, struct text *bytes,
                                     struct log_appended *out);

/* As log_write(); the memory of what was staged is given back. */
NODISCARD int store_kit_write(struct store_kit *kit, struct log *log);

/* Appends and writes, which works; returns the batch's offset. */
int64_t store_kit_put(struct store_kit *kit, struct log *log, const struct store_batch *batch);

/* Makes everything that is written durable. */
NODISCARD int store_kit_sync(struct store_kit *kit, struct log *log);

/* Moves the recovery point of the log `t-0` to what is written, and its start to `start`, and
 * writes the checkpoints, all of which works. */
void store_kit_checkpoint(struct store_kit *kit, struct log *log, int64_t start);

/* Cuts the log `t-0` back so that nothing is left of `offset` and what lies behind, as
 * store/log_truncate.h says; what log_truncate_run() ends with. */
NODISCARD int store_kit_truncate(struct store_kit *kit, struct log *log, int64_t offset);

/* Appends and writes a batch of one record; null values are tombstones. */
int64_t store_kit_put_record(struct store_kit *kit, struct log *log, const char *key,
                             const char *value);

/* Compacts the log with the clock at `kit->now_ms` and a horizon of STORE_HORIZON_MS; what
 * clean_pass_step() ends with, or CLEAN_E_GONE if there is nothing to do. */
enum { STORE_HORIZON_MS = 1000 };
NODISCARD int store_kit_clean(struct store_kit *kit, struct log *log);

/* Adds all bytes from `offset` to `limit` to `out`, as readers get them. */
NODISCARD int store_kit_read(struct store_kit *kit, struct log *log, int64_t offset, int64_t limit,
                             struct text *out);

/* Checks that readers get exactly `wanted` from `offset` to the end of what is written. */
void store_kit_check_bytes(struct store_kit *kit, struct log *log, int64_t offset,
                           struct slice wanted);

/* The path of a file or folder below the folder of data, until the next call but three. */
const char *store_kit_path(struct store_kit *kit, const char *name);

/* The path of one beside the folder of data, likewise. */
const char *store_kit_beside(struct store_kit *kit, const char *name);
