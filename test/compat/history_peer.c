/* SPDX-License-Identifier: Apache-2.0 */

/* test/compat/history_peer.c - writes a folder of data with a random history, for histories.py
 * to show to Kafka.
 *
 *     history_peer DIR SEED [START-MS EPOCH-MAX]
 *
 * It begins at that Unix time, and leaders have epochs up to that.
 *
 * Some logs with settings of their own: batches of all codecs, with and without producers,
 * transactions, keys that come again and tombstones, epochs of leaders, a start that moves,
 * retention, compaction, stops and kills; and a clean stop at the end.
 *
 * Prints what happened, and of each log what a reader finds in it:
 *
 *     event NAME COUNT
 *     log NAME START END RECORDS HOLES        (1: it was compacted, offsets may be missing)
 */

#include "base/mem.h"
#include "base/rng.h"
#include "os/linux_io.h"
#include "store/cleaner.h"
#include "store/log_dir.h"
#include "store/log_truncate.h"
#include "store/marks.h"
#include "store/producers.h"
#include "test/compat/peer.h"
#include "wire/marker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOGS = 3, PRODUCERS = 5, KEYS = 12, STAGED_MAX = 4, FIRST_PRODUCER = 1000 };

/* What can happen; the driver counts that each does.  The codecs are in their own order. */
#define EVENTS(X)                                                                                  \
    X(plain)                                                                                       \
    X(idempotent)                                                                                  \
    X(transactional)                                                                               \
    X(commit)                                                                                      \
    X(abort)                                                                                       \
    X(marker_with_next_epoch)                                                                      \
    X(none)                                                                                        \
    X(gzip)                                                                                        \
    X(snappy)                                                                                      \
    X(lz4)                                                                                         \
    X(zstd)                                                                                        \
    X(tombstone)                                                                                   \
    X(append_time)                                                                                 \
    X(timeless)                                                                                    \
    X(producer_epoch)                                                                              \
    X(leader_epoch)                                                                                \
    X(time_passes)                                                                                 \
    X(checkpoint)                                                                                  \
    X(records_deleted)                                                                             \
    X(retention_by_time)                                                                           \
    X(retention_by_size)                                                                           \
    X(segment_dropped)                                                                             \
    X(compaction)                                                                                  \
    X(truncation)                                                                                  \
    X(stop)                                                                                        \
    X(kill)

enum event {
#define ONE(name) EVENT_##name,
    EVENTS(ONE)
#undef ONE
        EVENT_COUNT
};

static const char *const event_names[] = {
#define ONE(name) #name,
    EVENTS(ONE)
#undef ONE
};

/* One of the logs. */
struct history {
    struct log *log;
    struct log_config config;
    char name[16];  /* Of the folder, */
    char topic[16]; /* and without the partition. */
    struct uuid topic_id;
    bool deletes; /* Its policy has `delete`; config.is_compacted is the other one. */
    bool is_append_time;
    bool was_cleaned;
    int32_t leader_epoch;
    struct text staged[STAGED_MAX]; /* Owned: what is not written yet. */
    size_t staged_count;
};

struct peer {
    const char *path;
    struct io *io;
    struct diag diag;
    struct log_env env;
    struct log_dir *dir;
    struct marks marks; /* Owned: what was written to the checkpoints. */
    struct history logs[LOGS];
    struct rng rng;
    int64_t now_ms;
    int32_t epoch_max;
    int events[EVENT_COUNT];
};

static void open_logs(struct peer *p)
{
    struct log_dir_options options = {.io = p->io, .diag = &p->diag, .path = p->path, .node_id = 1};

    must(log_dir_open(&options, &p->dir), "open the folder");
    log_dir_give_marks(p->dir, &p->marks);
    for (int i = 0; i < LOGS; i++) {
        struct history *h = &p->logs[i];

        must(log_dir_open_log(p->dir, &p->env, h->name, h->topic_id, &h->config, &h->log),
             "open a log");
    }
}

static void init_history(struct peer *p, int i)
{
    struct history *h = &p->logs[i];
    uint64_t policy = rng_below(&p->rng, 3);

    snprintf(h->topic, sizeof(h->topic), "h%d", i);
    snprintf(h->name, sizeof(h->name), "h%d-0", i);
    for (size_t k = 0; k < sizeof(h->topic_id.bytes); k++)
        h->topic_id.bytes[k] = (uint8_t)rng_between(&p->rng, 1, 100);
    h->deletes = policy != 0;
    h->is_append_time = rng_chance(&p->rng, 25);
    h->config = (struct log_config){
        .segment_bytes = rng_between(&p->rng, 2000, 10000),
        .segment_ms = rng_between(&p->rng, 1000, 1000000),
        .index_interval_bytes = (int32_t)rng_between(&p->rng, 0, 3000),
        .index_size_max = (int32_t)rng_between(&p->rng, 60, 4096),
        .max_message_bytes = 1 << 20,
        .is_compacted = policy != 1,
    };
}

static void write_staged(struct history *h)
{
    must(log_write(h->log), "write");
    while (h->staged_count > 0)
        text_fini(&h->staged[--h->staged_count]);
}

/* Takes the bytes of a batch over, and writes what is staged now and then. */
static void append(struct peer *p, struct history *h, struct text *bytes, int16_t version)
{
    struct log_append_terms terms = {
        .leader_epoch = h->leader_epoch, .now_ms = p->now_ms, .transaction_version = version};
    struct log_appended appended;
    struct batch_header header;
    int r;

    must(batch_parse(text_slice(bytes), &header), "parse a batch");
    r = log_append(h->log, (uint8_t *)bytes->data, bytes->size, &header, &terms, &appended);
    if (r == LOG_E_UNWRITTEN) {
        write_staged(h);
        r = log_append(h->log, (uint8_t *)bytes->data, bytes->size, &header, &terms, &appended);
    }
    must(r, "append");
    must(appended.is_duplicate, "append what is new");
    h->staged[h->staged_count++] = *bytes;
    if (h->staged_count == STAGED_MAX || rng_chance(&p->rng, 60))
        write_staged(h);
}

/* --- batches ------------------------------------------------------------------ */

static void add_records(struct peer *p, const struct history *h, struct batch_builder *builder)
{
    int64_t time = p->now_ms - rng_between(&p->rng, 0, 300);
    bool is_timeless = !h->is_append_time && rng_chance(&p->rng, 3);

    p->events[EVENT_timeless] += is_timeless;
    for (int64_t i = rng_between(&p->rng, 1, 8); i > 0; i--) {
        struct record_header header = {.key = slice_text("n"), .value = slice_text("1")};
        bool is_tombstone = rng_chance(&p->rng, 20);
        bool has_key = h->config.is_compacted || rng_chance(&p->rng, 60);
        char key[16], value[128];
        int key_size = snprintf(key, sizeof(key), "k%d", (int)rng_below(&p->rng, KEYS));
        int value_size = snprintf(value, sizeof(value), "%d %.*s", (int)rng_below(&p->rng, 1000),
                                  (int)rng_below(&p->rng, 90),
                                  "................................................."
                                  "................................................");

        p->events[EVENT_tombstone] += is_tombstone && has_key;
        batch_builder_add(builder, is_timeless ? -1 : time + rng_between(&p->rng, -20, 20),
                          has_key ? slice_of(key, (size_t)key_size) : slice_null(),
                          is_tombstone ? slice_null() : slice_of(value, (size_t)value_size),
                          &header, rng_below(&p->rng, 2));
    }
}

/* The producer goes on where the log says that it is. */
static void set_producer(struct peer *p, struct history *h, int64_t id, bool is_transactional,
                         struct batch_builder *builder)
{
    const struct producer *known = producers_find(log_producers(h->log), id);

    builder->producer_id = id;
    builder->producer_epoch = known ? known->epoch : 0;
    builder->base_sequence = 0;
    if (is_transactional)
        builder->attributes |= BATCH_IS_TRANSACTIONAL;
    if (known && known->txn_first_offset < 0 && rng_chance(&p->rng, 5)) {
        builder->producer_epoch++;
        p->events[EVENT_producer_epoch]++;
    } else if (known && known->batch_count > 0) {
        builder->base_sequence = known->batches[known->batch_count - 1].last_sequence + 1;
    }
}

static void put_batch(struct peer *p, struct history *h)
{
    int producer = (int)rng_below(&p->rng, PRODUCERS + 1);
    bool is_transactional = producer > PRODUCERS / 2;
    uint64_t codec = rng_below(&p->rng, COMPRESS_CODEC_COUNT);
    struct batch_builder builder;
    struct text bytes = {.data = NULL};

    batch_builder_init(&builder);
    if (producer > 0)
        set_producer(p, h, FIRST_PRODUCER + producer, is_transactional, &builder);
    add_records(p, h, &builder);
    must(batch_builder_finish(&builder, (enum compress_codec)codec, 0, -1, &bytes), "make a batch");
    batch_builder_fini(&builder);
    if (h->is_append_time)
        batch_set_append_time((uint8_t *)bytes.data, bytes.size, p->now_ms);
    p->events[EVENT_append_time] += h->is_append_time;
    p->events[EVENT_none + codec]++;
    p->events[producer == 0      ? EVENT_plain
              : is_transactional ? EVENT_transactional
                                 : EVENT_idempotent]++;
    append(p, h, &bytes, 0);
}

/* Ends a transaction, if one is open. */
static void put_marker(struct peer *p, struct history *h)
{
    int64_t id = FIRST_PRODUCER + rng_between(&p->rng, PRODUCERS / 2 + 1, PRODUCERS);
    const struct producer *known = producers_find(log_producers(h->log), id);
    bool is_next = rng_chance(&p->rng, 50); /* As of version 2 of transactions. */
    struct marker marker = {.type = rng_chance(&p->rng, 50) ? MARKER_COMMIT : MARKER_ABORT};
    struct text bytes = {.data = NULL};
    struct marker_of of;

    if (!known || known->txn_first_offset < 0)
        return;
    marker.coordinator_epoch = max_of(known->coordinator_epoch, 0) + rng_chance(&p->rng, 10);
    of = (struct marker_of){.producer_id = id,
                            .producer_epoch = (int16_t)(known->epoch + is_next),
                            .time_ms = p->now_ms};
    marker_print(&marker, &of, &bytes);
    p->events[marker.type == MARKER_COMMIT ? EVENT_commit : EVENT_abort]++;
    p->events[EVENT_marker_with_next_epoch] += is_next;
    append(p, h, &bytes, is_next ? 2 : 1);
}

/* --- what the broker does by itself --------------------------------------------- */

static void sync_log(struct peer *p, struct history *h)
{
    struct log_sync sync;

    if (!log_sync_begin(h->log, &sync))
        return;
    must(log_sync_run(&sync, p->io), "sync");
    log_sync_end(h->log, &sync);
    log_sync_fini(&sync);
}

/* The recovery point moves; the start will be `start`, by the checkpoints. */
static void checkpoint(struct peer *p, struct history *h, int64_t start)
{
    struct mark *mark = marks_get(&p->marks, slice_text(h->topic), 0);
    struct file *folder = log_folder(h->log);
    struct log_checkpoint c;
    bool is_any;

    write_staged(h);
    must(log_checkpoint_begin(h->log, &c, &is_any), "begin a checkpoint");
    if (is_any) {
        int r = log_checkpoint_run(&c, p->io);

        log_checkpoint_end(h->log, &c, r);
        log_checkpoint_fini(&c);
        must(r, "run a checkpoint");
    }
    mark->recovery_point = mark->high_watermark = log_recovery_point(h->log);
    mark->start = start;
    mark->cleaned = log_cleaned(h->log);
    must(log_dir_save_marks(p->dir, p->io, &p->marks, MARKS_ALL), "save the checkpoints");
    if (log_is_new(h->log)) {
        must(log_settle(p->io, folder, h->topic_id), "settle");
        log_settled(h->log);
    }
    log_checkpoint_kept(h->log);
    log_settle_transactions(h->log, log_written(h->log));
    file_unref(folder);
    p->events[EVENT_checkpoint]++;
}

/* The log begins at `start`, and what lies below goes. */
static void advance(struct peer *p, struct history *h, int64_t start)
{
    struct file *folder = log_folder(h->log);
    int64_t base;

    checkpoint(p, h, start);
    log_advance_start(h->log, start);
    while (log_has_segment_below(h->log)) {
        must(log_drop_segment(h->log, &base), "drop a segment");
        must(log_unlink_dropped(p->io, folder, base), "unlink a segment");
        p->events[EVENT_segment_dropped]++;
    }
    file_unref(folder);
}

static void delete_records(struct peer *p, struct history *h)
{
    write_staged(h);
    sync_log(p, h);
    advance(p, h, rng_between(&p->rng, log_start(h->log), log_written(h->log)));
    p->events[EVENT_records_deleted]++;
}

static void retain(struct peer *p, struct history *h)
{
    bool is_by_time = rng_chance(&p->rng, 50);
    struct log_retention retention = {
        .ms = is_by_time ? rng_between(&p->rng, 0, 100000) : -1,
        .bytes = is_by_time ? -1 : rng_between(&p->rng, 0, 20000),
    };
    int64_t start;

    write_staged(h);
    sync_log(p, h);
    must(log_retain(h->log, &retention, log_written(h->log), p->now_ms, &start), "retain");
    if (start == log_start(h->log))
        return;
    advance(p, h, start);
    p->events[is_by_time ? EVENT_retention_by_time : EVENT_retention_by_size]++;
}

static int clean_step(struct peer *p, struct history *h, struct clean_pass *pass)
{
    int r = clean_pass_step(pass, p->io, 10000);

    if (r == CLEAN_GROUP) {
        must(!log_clean_swap(h->log, pass), "swap");
        return CLEAN_MORE;
    }
    if (r == CLEAN_NAMES) {
        struct file *folder = log_folder(h->log);

        must(log_clean_settle(h->log), "settle what is clean");
        for (size_t i = 0; clean_pass_base(pass, i) >= 0; i++)
            must(log_unlink_dropped(p->io, folder, clean_pass_base(pass, i)), "unlink");
        file_unref(folder);
        return CLEAN_MORE;
    }
    return r;
}

static void clean(struct peer *p, struct history *h)
{
    struct clean_query query = {.now_ms = p->now_ms};
    struct clean_terms terms = {.now_ms = p->now_ms,
                                .delete_retention_ms = rng_between(&p->rng, 0, 100000),
                                .map_bytes_max = 1 << 20,
                                .map_load = 0.9};
    struct clean_pass *pass;
    struct clean_view view;
    int r = CLEAN_MORE;

    checkpoint(p, h, log_start(h->log));
    query.limit = log_written(h->log);
    must(log_clean_look(h->log, &query, &view), "look what is to be cleaned");
    if (view.cleanable_bytes == 0)
        return;
    must(log_clean_begin(h->log, &view, &terms, &pass), "begin to clean");
    while (r == CLEAN_MORE)
        r = clean_step(p, h, pass);
    must(r, "clean");
    log_clean_end(h->log, pass);
    clean_pass_destroy(pass, p->io);
    log_clean_over(h->log);
    h->was_cleaned = true;
    p->events[EVENT_compaction]++;
}

/* Another leader has less than we: the end moves back, seldom by much. */
static void truncate_log(struct peer *p, struct history *h)
{
    struct mark *mark = marks_get(&p->marks, slice_text(h->topic), 0);
    struct log_truncation truncation;
    int64_t end, from;

    write_staged(h);
    if (log_is_new(h->log))
        return;
    end = log_end(h->log);
    from = rng_chance(&p->rng, 50) ? max_of(log_start(h->log), end - 10) : log_start(h->log);
    must(log_truncate_begin(h->log, rng_between(&p->rng, from, end), &truncation),
         "begin to truncate");
    mark->recovery_point = min_of(mark->recovery_point, truncation.recovery_point);
    mark->high_watermark = min_of(mark->high_watermark, truncation.offset);
    mark->start = truncation.start_mark;
    mark->cleaned = truncation.cleaned;
    must(log_dir_save_marks(p->dir, p->io, &p->marks, MARKS_ALL), "save the checkpoints");
    must(log_truncate_run(h->log, &truncation), "truncate");
    h->leader_epoch = (int32_t)min_of(h->leader_epoch + 1, p->epoch_max);
    p->events[EVENT_truncation]++;
}

/* --- the whole ------------------------------------------------------------------ */

static void stop(struct peer *p, bool is_clean)
{
    for (int i = 0; i < LOGS; i++) {
        write_staged(&p->logs[i]);
        if (is_clean)
            must(log_dir_close_log(p->dir, p->logs[i].log), "close a log");
        else
            log_abandon(p->logs[i].log);
    }
    must(log_dir_close(p->dir, is_clean), "close the folder");
    marks_fini(&p->marks);
    p->events[is_clean ? EVENT_stop : EVENT_kill]++;
}

static void step(struct peer *p)
{
    struct history *h = &p->logs[rng_below(&p->rng, LOGS)];
    uint64_t what = rng_below(&p->rng, 200);

    p->now_ms += rng_between(&p->rng, 0, 200);
    if (what < 140) {
        put_batch(p, h);
    } else if (what < 168) {
        put_marker(p, h);
    } else if (what < 172) {
        sync_log(p, h);
    } else if (what < 176) {
        checkpoint(p, h, log_start(h->log));
    } else if (what < 180) {
        h->leader_epoch += (int32_t)rng_between(&p->rng, 1, 3);
        h->leader_epoch = (int32_t)min_of(h->leader_epoch, p->epoch_max);
        p->events[EVENT_leader_epoch]++;
    } else if (what < 183) {
        p->now_ms += rng_between(&p->rng, 1000, 100000);
        p->events[EVENT_time_passes]++;
    } else if (what < 184 && h->deletes) {
        delete_records(p, h);
    } else if (what < 188 && h->deletes) {
        retain(p, h);
    } else if (what < 193 && h->config.is_compacted) {
        clean(p, h);
    } else if (what >= 193 && what < 197) {
        truncate_log(p, h);
    } else if (what >= 197) {
        stop(p, what == 197);
        open_logs(p);
    }
}

/* How many records a reader finds from the start on. */
static int64_t count_records(const struct history *h)
{
    int64_t offset = log_start(h->log), count = 0;

    while (offset < log_written(h->log)) {
        struct log_range range;
        struct batch_header header;
        uint8_t *bytes;

        must(log_read(h->log, offset, log_written(h->log), 1 << 20, true, &range), "read");
        if (range.size == 0)
            break;
        bytes = mem_new(range.size);
        must(pread(range.fd, bytes, range.size, (off_t)range.position) != (ssize_t)range.size,
             "read a file");
        for (size_t at = 0; at < range.size; at += header.size) {
            must(batch_parse(slice_of(bytes + at, range.size - at), &header), "parse what is read");
            count += header.record_count;
            offset = batch_last_offset(&header) + 1;
        }
        mem_free(bytes);
        log_range_release(&range);
    }
    return count;
}

static void run(struct peer *p, uint64_t seed)
{
    p->rng = rng_of(seed);
    for (int i = 0; i < LOGS; i++)
        init_history(p, i);
    open_logs(p);
    for (int64_t steps = rng_between(&p->rng, 50, 900); steps > 0; steps--)
        step(p);
    for (int i = 0; i < LOGS; i++) {
        struct history *h = &p->logs[i];

        write_staged(h);
        printf("log %s %lld %lld %lld %d\n", h->name, (long long)log_start(h->log),
               (long long)log_end(h->log), (long long)count_records(h), h->was_cleaned);
    }
    stop(p, true);
    for (int i = 0; i < EVENT_COUNT; i++)
        printf("event %s %d\n", event_names[i], p->events[i]);
}

int main(int argc, char **argv)
{
    struct peer peer = {.diag = {.level = DIAG_ERROR, .sink = print_line},
                        .now_ms = INT64_C(1700000000000),
                        .epoch_max = INT32_MAX};

    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: history_peer DIR SEED [START-MS EPOCH-MAX]\n");
        return 2;
    }
    if (argc == 5) {
        peer.now_ms = strtoll(argv[3], NULL, 10);
        peer.epoch_max = (int32_t)strtol(argv[4], NULL, 10);
    }
    peer.path = argv[1];
    must(linux_io_create(&peer.io), "make a world");
    peer.env = (struct log_env){.io = peer.io, .diag = &peer.diag};
    run(&peer, strtoull(argv[2], NULL, 10));
    linux_io_destroy(peer.io);
    return 0;
}
