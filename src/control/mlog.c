/* SPDX-License-Identifier: Apache-2.0 */

/* control/mlog.c - the engine `local`: one segment log, synced behind every batch. */

#include "control/mlog.h"

#include "base/err.h"
#include "base/mem.h"
#include "wire/batch.h"

enum { READ_SIZE = 1024 * 1024, DECODED_MAX = 64 * 1024 * 1024, EPOCH = 1 };

static const char log_name[] = "__cluster_metadata-0";

/* The id of the metadata log, which is the same in every cluster. */
static const struct uuid log_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

static const struct log_config config = {
    .segment_bytes = 1024 * 1024 * 1024,
    .segment_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
    .index_interval_bytes = 4096,
    .index_size_max = 10 * 1024 * 1024,
    .max_message_bytes = 64 * 1024 * 1024,
};

struct mlog {
    struct log_dir *dir; /* Borrowed, as env and syncer. */
    const struct log_env *env;
    struct syncer *syncer;
    struct log *log; /* Owned. */
    struct syncer_request sync;
    void (*done)(void *context, int r); /* Of the append under way; NULL if there is none. */
    void *context;
    bool is_failed;
};

/* --- replay ----------------------------------------------------------------- */

/* Tells the records of one batch. */
static int replay_batch(struct slice bytes, mlog_replay_fn *replay, void *context)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, bytes, &scratch, NULL, DECODED_MAX);

    if (r == 0 && batch_is_control(&reader.header))
        at_end = true; /* Who leads, and the like: not part of the cluster's content. */
    while (r == 0 && !at_end) {
        r = batch_reader_next(&reader, &record, &at_end);
        if (r) {
            r = MLOG_E_CORRUPT;
        } else if (!at_end) {
            r = replay(context, record.offset, record.value);
            if (r)
                break;
        }
    }
    text_fini(&scratch);
    return r;
}

/* Tells the whole batches at the start of `bytes`; `*next` is the offset behind them. */
static int replay_bytes(struct slice bytes, mlog_replay_fn *replay, void *context, int64_t *next)
{
    struct batch_header header;

    while (batch_parse(bytes, &header) == 0 && header.size <= bytes.size) {
        struct slice batch = slice_of(bytes.data, header.size);
        int r = batch_crc_is_good(batch) ? replay_batch(batch, replay, context) : MLOG_E_CORRUPT;

        if (r)
            return r;
        *next = batch_last_offset(&header) + 1;
        bytes = slice_of(bytes.data + header.size, bytes.size - header.size);
    }
    return 0;
}

static int replay_from(struct mlog *mlog, mlog_replay_fn *replay, void *context, int64_t *next)
{
    scoped(mem_freep) void *bytes = NULL;
    struct io *io = mlog->env->io;
    struct log_range range;
    int64_t before = *next;
    size_t got = 0;
    int r = log_read(mlog->log, *next, log_end(mlog->log), READ_SIZE, true, &range);

    if (r)
        return r > 0 ? MLOG_E_CORRUPT : err_pass(r);
    bytes = mem_new(range.size);
    r = io->ops->file_read(io, range.fd, range.position, bytes, range.size, &got);
    log_range_release(&range);
    if (r)
        return err_pass(r);
    r = replay_bytes(slice_of(bytes, got), replay, context, next);
    return r == 0 && *next == before ? MLOG_E_CORRUPT : r;
}

/* --- appending -------------------------------------------------------------- */

static void synced(struct syncer_request *request, int r)
{
    struct mlog *mlog = container_of(request, struct mlog, sync);
    void (*done)(void *context, int r) = mlog->done;

    mlog->done = NULL;
    mlog->is_failed |= r != 0;
    if (done)
        done(mlog->context, r);
}

static int write_batch(struct mlog *mlog, const struct slice *records, size_t count)
{
    int64_t now_ms = io_wall_ms(mlog->env->io);
    struct log_append_terms terms = {.leader_epoch = EPOCH, .now_ms = now_ms};
    struct log_appended appended;
    struct batch_builder builder;
    struct batch_header header;
    struct text batch = {.data = NULL};
    int r;

    if (mlog->is_failed)
        return err_raise(-EIO);
    batch_builder_init(&builder);
    for (size_t i = 0; i < count; i++)
        batch_builder_add(&builder, now_ms, slice_null(), records[i], NULL, 0);
    r = batch_builder_finish(&builder, COMPRESS_NONE, mlog_end(mlog), EPOCH, &batch);
    batch_builder_fini(&builder);
    if (r == 0)
        r = batch_parse(text_slice(&batch), &header);
    if (r == 0)
        r = log_append(mlog->log, (uint8_t *)batch.data, batch.size, &header, &terms, &appended);
    if (r == 0)
        r = log_write(mlog->log);
    text_fini(&batch);
    return r > 0 ? err_raise(-EIO) : err_pass(r);
}

int mlog_append(struct mlog *mlog, const struct slice *records, size_t count,
                void (*done)(void *context, int r), void *context)
{
    int r;

    assert(!mlog->done);
    r = write_batch(mlog, records, count);
    if (r)
        return err_pass(r);
    mlog->done = done;
    mlog->context = context;
    syncer_ask(mlog->syncer, mlog->log, &mlog->sync);
    return 0;
}

int mlog_append_now(struct mlog *mlog, const struct slice *records, size_t count)
{
    struct log_sync sync;
    int r = write_batch(mlog, records, count);

    if (r)
        return err_pass(r);
    if (log_sync_begin(mlog->log, &sync)) {
        r = log_sync_run(&sync, mlog->env->io);
        if (r == 0)
            log_sync_end(mlog->log, &sync);
        else
            log_dir_fence(mlog->dir);
        log_sync_fini(&sync);
    }
    mlog->is_failed |= r != 0;
    return err_pass(r);
}

bool mlog_is_failed(const struct mlog *mlog)
{
    return mlog->is_failed || log_is_fenced(mlog->log);
}

int64_t mlog_end(const struct mlog *mlog)
{
    return log_end(mlog->log);
}

/* --- opening and closing ---------------------------------------------------- */

int mlog_open(struct log_dir *dir, const struct log_env *env, struct syncer *syncer,
              mlog_replay_fn *replay, void *context, struct mlog **out)
{
    struct mlog *mlog = mem_new(sizeof(*mlog));
    int64_t next;
    int r;

    mlog->dir = dir;
    mlog->env = env;
    mlog->syncer = syncer;
    mlog->sync.done = synced;
    r = log_dir_open_log(dir, env, log_name, log_id, &config, &mlog->log);
    if (r > 0)
        r = MLOG_E_CORRUPT;
    next = r ? 0 : log_start(mlog->log);
    while (r == 0 && next < log_end(mlog->log))
        r = replay_from(mlog, replay, context, &next);
    if (r) {
        (void)mlog_close(mlog, false);
        return r;
    }
    *out = mlog;
    return 0;
}

int mlog_close(struct mlog *mlog, bool clean)
{
    int r = 0;

    if (!mlog)
        return 0;
    syncer_forget(mlog->syncer, &mlog->sync);
    if (mlog->log && clean && !mlog->is_failed) {
        r = log_dir_close_log(mlog->dir, mlog->log);
    } else {
        log_abandon(mlog->log);
        r = clean ? err_raise(-EIO) : 0;
    }
    mem_free(mlog);
    return err_pass(r);
}
