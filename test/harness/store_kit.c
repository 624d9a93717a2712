/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/store_kit.h"

#include "base/mem.h"
#include "os/linux_io.h"
#include "store/cleaner.h"
#include "store/log_truncate.h"
#include "test/harness/check.h"
#include "wire/marker.h"

#include <stdio.h>

enum { READ_SIZE = 100000 };

void store_kit_init(struct store_kit *kit)
{
    *kit = (struct store_kit){
        .config = {.segment_bytes = 1 << 30,
                   .segment_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
                   .index_interval_bytes = 4096,
                   .index_size_max = 10 << 20,
                   .max_message_bytes = (1 << 20) + 12},
        .topic_id = {{1, 2, 3, 4, 5, 6, 7, 8}},
        .now_ms = INT64_C(1700000000000),
    };
    marks_init(&kit->marks);
    temp_dir_create(&kit->temp);
    (void)snprintf(kit->path, sizeof(kit->path), "%s/data", kit->temp.path);
    check_ok(linux_io_create(&kit->world));
    faulty_io_init(&kit->faulty, kit->world);
    diag_lines_init(&kit->lines);
    kit->env = (struct log_env){.io = &kit->faulty.io, .diag = &kit->lines.diag};
    store_kit_open(kit);
}

static void forget_batches(struct store_kit *kit)
{
    while (kit->batch_count > 0)
        text_fini(&kit->batches[--kit->batch_count]);
}

void store_kit_fini(struct store_kit *kit)
{
    if (kit->dir)
        store_kit_close(kit, false);
    forget_batches(kit);
    marks_fini(&kit->marks);
    kit->batches = mem_free(kit->batches);
    kit->world = linux_io_destroy(kit->world);
    diag_lines_fini(&kit->lines);
    temp_dir_remove(&kit->temp);
}

void store_kit_open(struct store_kit *kit)
{
    struct log_dir_options options = {
        .io = kit->env.io, .diag = kit->env.diag, .path = kit->path, .node_id = 1};

    check(!kit->dir);
    check_ok(log_dir_open(&options, &kit->dir));
    marks_fini(&kit->marks);
    log_dir_give_marks(kit->dir, &kit->marks);
}

void store_kit_close(struct store_kit *kit, bool clean)
{
    struct log_dir *dir = take(kit->dir);

    check_ok(log_dir_close(dir, clean));
}

struct log *store_kit_log(struct store_kit *kit, const char *name)
{
    struct log *log;

    check_ok(log_dir_open_log(kit->dir, &kit->env, name, kit->topic_id, &kit->config, &log));
    log_check(log);
    return log;
}

void store_kit_close_log(struct store_kit *kit, struct log *log)
{
    check_ok(log_dir_close_log(kit->dir, log));
    forget_batches(kit);
}

static void make_marker(const struct store_batch *batch, struct text *out)
{
    struct marker marker = {.type = batch->marker == STORE_ABORT ? MARKER_ABORT : MARKER_COMMIT,
                            .coordinator_epoch = batch->coordinator_epoch};
    struct marker_of of = {
        .producer_id = batch->producer, .producer_epoch = batch->epoch, .time_ms = batch->time};

    marker_print(&marker, &of, out);
}

void store_batch_make(const struct store_batch *batch, struct text *out)
{
    struct batch_builder builder;
    char value[4096];
    size_t from = out->size;

    if (batch->marker != STORE_NO_MARKER) {
        make_marker(batch, out);
        return;
    }
    check(batch->value_size <= sizeof(value) && batch->records > 0);
    memset(value, 'v', sizeof(value));
    batch_builder_init(&builder);
    if (batch->producer) {
        builder.producer_id = batch->producer;
        builder.producer_epoch = batch->epoch;
        builder.base_sequence = batch->sequence;
        builder.attributes = batch->is_transactional ? BATCH_IS_TRANSACTIONAL : 0;
    }
    for (int i = 0; i < batch->records; i++)
        batch_builder_add(&builder, batch->is_timeless ? -1 : batch->time + i, slice_text("key"),
                          slice_of(value, batch->value_size), NULL, 0);
    check_ok(batch_builder_finish(&builder, batch->codec, 0, -1, out));
    batch_builder_fini(&builder);
    if (batch->is_append_time)
        batch_set_append_time((uint8_t *)out->data + from, out->size - from, batch->time);
}

void store_batch_place(const struct store_batch *batch, int64_t offset, struct text *out)
{
    size_t from = out->size;

    store_batch_make(batch, out);
    batch_set_place((uint8_t *)out->data + from, offset, 0);
}

static int append_once(struct store_kit *kit, struct log *log, int16_t transaction_version,
                       struct text *bytes, struct log_appended *out)
{
    struct log_append_terms terms = {
        .leader_epoch = 0,
        .now_ms = kit->now_ms,
        .transaction_version = transaction_version,
    };
    struct batch_header header;

    check_ok(batch_parse(text_slice(bytes), &header));
    terms.is_coordinators = batch_is_control(&header);
    return log_append(log, (uint8_t *)bytes->data, bytes->size, &header, &terms, out);
}

static int append_bytes(struct store_kit *kit, struct log *log, int16_t transaction_version,
                        struct text *bytes, struct log_appended *out)
{
    int r = append_once(kit, log, transaction_version, bytes, out);

    if (r == LOG_E_UNWRITTEN) {
        r = store_kit_write(kit, log);
        if (r == 0)
            r = append_once(kit, log, transaction_version, bytes, out);
    }
    if (!log_is_fenced(log))
        log_check(log);
    if (r || out->is_duplicate) {
        text_fini(bytes);
        return r;
    }
    if (kit->batch_count == kit->batch_room) {
        kit->batch_room = max_of(kit->batch_room * 2, (size_t)8);
        kit->batches = mem_resize(kit->batches, kit->batch_room, sizeof(*kit->batches));
    }
    kit->batches[kit->batch_count++] = *bytes;
    return 0;
}

int store_kit_append(struct store_kit *kit, struct log *log, const struct store_batch *batch,
                     struct log_appended *out)
{
    struct text bytes = {.data = NULL};

    store_batch_make(batch, &bytes);
    return append_bytes(kit, log, batch->transaction_version, &bytes, out);
}

int store_kit_append_bytes(struct store_kit *kit, struct log *log, struct text *bytes,
                           struct log_appended *out)
{
    return append_bytes(kit, log, 0, bytes, out);
}

int store_kit_write(struct store_kit *kit, struct log *log)
{
    int r = log_write(log);

    if (r == 0 || !log_is_fenced(log))
        log_check(log);
    forget_batches(kit);
    return r;
}

int64_t store_kit_put(struct store_kit *kit, struct log *log, const struct store_batch *batch)
{
    struct log_appended appended;

    check_ok(store_kit_append(kit, log, batch, &appended));
    check_ok(store_kit_write(kit, log));
    return appended.base_offset;
}

int store_kit_sync(struct store_kit *kit, struct log *log)
{
    struct log_sync sync;
    int r;

    if (!log_sync_begin(log, &sync))
        return 0;
    r = log_sync_run(&sync, kit->env.io);
    if (r == 0)
        log_sync_end(log, &sync);
    log_sync_fini(&sync);
    return r;
}

static void move_recovery_point(struct store_kit *kit, struct log *log)
{
    struct log_checkpoint c;
    bool is_any;
    int r;

    check_ok(log_checkpoint_begin(log, &c, &is_any));
    if (!is_any)
        return;
    r = log_checkpoint_run(&c, kit->env.io);
    log_checkpoint_end(log, &c, r);
    log_checkpoint_fini(&c);
    check_ok(r);
}

void store_kit_checkpoint(struct store_kit *kit, struct log *log, int64_t start)
{
    struct mark *mark = marks_get(&kit->marks, slice_text("t"), 0);
    struct file *folder = log_folder(log);

    move_recovery_point(kit, log);
    mark->recovery_point = mark->high_watermark = log_recovery_point(log);
    mark->start = start;
    check_ok(log_dir_save_marks(kit->dir, kit->env.io, &kit->marks, MARKS_ALL));
    if (log_is_new(log)) {
        check_ok(log_settle(kit->env.io, folder, kit->topic_id));
        log_settled(log);
    }
    log_checkpoint_kept(log);
    log_advance_start(log, start);
    file_unref(folder);
    log_check(log);
}

int store_kit_truncate(struct store_kit *kit, struct log *log, int64_t offset)
{
    struct mark *mark = marks_get(&kit->marks, slice_text("t"), 0);
    struct log_truncation truncation;

    check_ok(log_truncate_begin(log, offset, &truncation));
    mark->recovery_point = min_of(mark->recovery_point, truncation.recovery_point);
    mark->high_watermark = min_of(mark->high_watermark, truncation.offset);
    mark->start = truncation.start_mark;
    mark->cleaned = truncation.cleaned;
    check_ok(log_dir_save_marks(kit->dir, kit->env.io, &kit->marks, MARKS_ALL));
    return log_truncate_run(log, &truncation);
}

int64_t store_kit_put_record(struct store_kit *kit, struct log *log, const char *key,
                             const char *value)
{
    struct batch_builder builder;
    struct log_appended appended;
    struct text bytes = {.data = NULL};

    batch_builder_init(&builder);
    batch_builder_add(&builder, kit->now_ms, slice_text(key),
                      value ? slice_text(value) : slice_null(), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, &bytes));
    batch_builder_fini(&builder);
    check_ok(store_kit_append_bytes(kit, log, &bytes, &appended));
    check_ok(store_kit_write(kit, log));
    return appended.base_offset;
}

static int clean_step(struct store_kit *kit, struct log *log, struct clean_pass *pass)
{
    int r = clean_pass_step(pass, kit->env.io, 1 << 20);

    if (r == CLEAN_GROUP)
        return log_clean_swap(log, pass) ? CLEAN_MORE : CLEAN_E_GONE;
    if (r == CLEAN_NAMES)
        check_ok(log_clean_settle(log));
    return r == CLEAN_NAMES ? CLEAN_MORE : r;
}

int store_kit_clean(struct store_kit *kit, struct log *log)
{
    struct clean_query query = {.now_ms = kit->now_ms, .limit = log_written(log)};
    struct clean_terms terms = {.now_ms = kit->now_ms,
                                .delete_retention_ms = STORE_HORIZON_MS,
                                .map_bytes_max = 1 << 20,
                                .map_load = 0.9};
    struct clean_pass *pass;
    struct clean_view view;
    int r = CLEAN_MORE;

    check_ok(log_clean_look(log, &query, &view));
    if (view.cleanable_bytes == 0)
        return CLEAN_E_GONE;
    check_ok(log_clean_begin(log, &view, &terms, &pass));
    while (r == CLEAN_MORE)
        r = clean_step(kit, log, pass);
    if (r == 0)
        log_clean_end(log, pass);
    clean_pass_destroy(pass, kit->env.io);
    log_clean_over(log);
    log_check(log);
    return r;
}

int store_kit_read(struct store_kit *kit, struct log *log, int64_t offset, int64_t limit,
                   struct text *out)
{
    struct io *io = kit->env.io;

    while (offset < limit) {
        struct batch_header header;
        struct log_range range;
        size_t from = out->size;
        size_t got = 0;
        int r = log_read(log, offset, limit, READ_SIZE, true, &range);

        if (r || range.size == 0)
            return r;
        check_ok(io->ops->file_read(io, range.fd, range.position, text_add_space(out, range.size),
                                    range.size, &got));
        check_eq(got, range.size);
        log_range_release(&range);
        while (batch_parse(slice_of(out->data + from, out->size - from), &header) == 0 &&
               header.size <= out->size - from) {
            from += header.size;
            offset = batch_last_offset(&header) + 1;
        }
        text_cut(out, from); /* The last may be cut off. */
    }
    return 0;
}

void store_kit_check_bytes(struct store_kit *kit, struct log *log, int64_t offset,
                           struct slice wanted)
{
    struct text found = {.data = NULL};

    check_ok(store_kit_read(kit, log, offset, log_written(log), &found));
    check_eq(found.size, wanted.size);
    check(slice_equal(text_slice(&found),
                      slice_of(wanted.data ? wanted.data : (const void *)"", wanted.size)));
    text_fini(&found);
}

static const char *path_in(const char *dir, const char *name)
{
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

const char *store_kit_path(struct store_kit *kit, const char *name)
{
    return path_in(kit->path, name);
}

const char *store_kit_beside(struct store_kit *kit, const char *name)
{
    return path_in(kit->temp.path, name);
}
