/* SPDX-License-Identifier: Apache-2.0 */

/* Random histories of a compacted log, beside a model that knows the last record of each key. */

#include "base/mem.h"
#include "store/cleaner_internal.h"
#include "store/log_internal.h"
#include "store/reaper.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

enum {
    RECORDS_MAX = 3000,
    KEYS = 12,
    NO_KEY = KEYS,
    MARKER = NO_KEY + 1, /* Not a record of anybody. */
    PRODUCERS = 2,
    TRANSACTIONAL = 2, /* The producer that has transactions. */
    HORIZON_MS = 1000,
    DECODED_MAX = 1 << 20,
};

struct model {
    struct store_kit kit;
    struct rng *rng;
    struct log *log;
    struct {
        int key; /* NO_KEY: none. */
        bool is_tombstone;
        bool is_there; /* As it was read last. */
        bool is_aborted;
        int64_t time;
    } records[RECORDS_MAX];
    int64_t end;       /* Of what was appended. */
    int64_t txn_first; /* Of the open transaction; -1: there is none. */
    int32_t sequences[PRODUCERS + 1];
    struct text last[PRODUCERS + 1]; /* The last batch of each producer. */
    size_t map_bytes;
    uint64_t step_bytes;
};

static void model_init(struct model *m, struct rng *rng)
{
    m->rng = rng;
    m->txn_first = -1;
    store_kit_init(&m->kit);
    m->kit.config.is_compacted = true;
    m->kit.config.segment_bytes = rng_between(rng, 400, 2500);
    m->kit.config.index_interval_bytes = (int32_t)rng_between(rng, 0, 600);
    m->kit.faulty.wall_ms = m->kit.now_ms;
    m->map_bytes = rng_chance(rng, 30) ? 24 * (size_t)rng_between(rng, 2, 20) : 1 << 20;
    m->step_bytes = rng_chance(rng, 50) ? 1 : 1 << 20;
    m->log = store_kit_log(&m->kit, "t-0");
}

static void model_fini(struct model *m)
{
    log_abandon(m->log);
    for (int i = 0; i <= PRODUCERS; i++)
        text_fini(&m->last[i]);
    store_kit_fini(&m->kit);
    mem_free(m);
}

/* --- appends ----------------------------------------------------------------- */

static void add_record(struct model *m, struct batch_builder *builder, int producer)
{
    int64_t offset = m->end + builder->count;
    char key[16];
    char value[64];
    struct slice value_slice = slice_null();

    check(offset < RECORDS_MAX);
    m->records[offset].key = rng_chance(m->rng, 3) ? NO_KEY : (int)rng_below(m->rng, KEYS);
    m->records[offset].is_aborted = producer == TRANSACTIONAL; /* Until its end is known. */
    m->records[offset].is_tombstone = rng_chance(m->rng, 15);
    m->records[offset].time = m->kit.now_ms + rng_between(m->rng, -20, 20);
    (void)snprintf(key, sizeof(key), "key-%d", m->records[offset].key);
    (void)snprintf(value, sizeof(value), "value-%lld-%.*s", (long long)offset,
                   (int)rng_below(m->rng, 20), "aaaaaaaaaaaaaaaaaaaaaaaaa");
    if (!m->records[offset].is_tombstone)
        value_slice = slice_text(value);
    batch_builder_add(builder, m->records[offset].time,
                      m->records[offset].key == NO_KEY ? slice_null() : slice_text(key),
                      value_slice, NULL, 0);
}

static void model_append(struct model *m)
{
    struct batch_builder builder;
    struct log_appended appended;
    struct text bytes = {.data = NULL};
    int producer = (int)rng_below(m->rng, PRODUCERS + 1);
    int count = (int)rng_between(m->rng, 1, 6);
    enum compress_codec codec =
        (enum compress_codec)(rng_chance(m->rng, 70) ? 0 : rng_below(m->rng, COMPRESS_CODEC_COUNT));

    if (m->end + count > RECORDS_MAX)
        return;
    batch_builder_init(&builder);
    if (producer > 0) {
        builder.producer_id = producer;
        builder.producer_epoch = 0;
        builder.base_sequence = m->sequences[producer];
        m->sequences[producer] += count;
        builder.attributes = producer == TRANSACTIONAL ? BATCH_IS_TRANSACTIONAL : 0;
    }
    for (int i = 0; i < count; i++)
        add_record(m, &builder, producer);
    check_ok(batch_builder_finish(&builder, codec, 0, -1, &bytes));
    batch_builder_fini(&builder);
    text_cut(&m->last[producer], 0);
    text_add(&m->last[producer], bytes.data, bytes.size);
    check_ok(store_kit_append_bytes(&m->kit, m->log, &bytes, &appended));
    check_ok(store_kit_write(&m->kit, m->log));
    check_eq(appended.base_offset, m->end);
    if (producer == TRANSACTIONAL && m->txn_first < 0)
        m->txn_first = m->end;
    m->end += count;
    log_settle_transactions(m->log, m->end);
}

/* Ends the transaction. */
static void model_end_txn(struct model *m)
{
    bool aborts = rng_chance(m->rng, 50);
    struct store_batch marker = {.marker = aborts ? STORE_ABORT : STORE_COMMIT,
                                 .producer = TRANSACTIONAL,
                                 .time = m->kit.now_ms};

    if (m->txn_first < 0 || m->end == RECORDS_MAX)
        return;
    check_eq(store_kit_put(&m->kit, m->log, &marker), m->end);
    for (int64_t i = m->txn_first; i < m->end; i++)
        if (m->records[i].is_aborted) /* It was of the open transaction. */
            m->records[i].is_aborted = aborts;
    m->txn_first = -1;
    m->records[m->end++].key = MARKER;
    log_settle_transactions(m->log, m->end);
}

static void model_step(struct model *m)
{
    if (rng_chance(m->rng, 15))
        model_end_txn(m);
    else
        model_append(m);
}

/* What producers may send again is known. */
static void check_producers(struct model *m)
{
    for (int i = 1; i <= PRODUCERS; i++) {
        struct log_appended appended;
        struct text again = {.data = NULL};

        if (m->last[i].size == 0)
            continue;
        text_add(&again, m->last[i].data, m->last[i].size);
        check_ok(store_kit_append_bytes(&m->kit, m->log, &again, &appended));
        check(appended.is_duplicate);
    }
}

/* --- what is there ------------------------------------------------------------ */

static void see_record(struct model *m, const struct record *record)
{
    char wanted[32];

    check(record->offset >= 0 && record->offset < m->end);
    check(!m->records[record->offset].is_there);
    m->records[record->offset].is_there = true;
    check_eq(record->timestamp, m->records[record->offset].time);
    (void)snprintf(wanted, sizeof(wanted), "key-%d", m->records[record->offset].key);
    check(m->records[record->offset].key == NO_KEY ? slice_is_null(record->key)
                                                   : slice_is_text(record->key, wanted));
    (void)snprintf(wanted, sizeof(wanted), "value-%lld-", (long long)record->offset);
    if (m->records[record->offset].is_tombstone)
        check(slice_is_null(record->value));
    else
        check(record->value.size >= strlen(wanted) &&
              memcmp(record->value.data, wanted, strlen(wanted)) == 0);
}

static void see_batch(struct model *m, struct slice bytes, struct text *scratch)
{
    struct batch_header header;
    struct batch_reader reader;
    struct record record;
    bool at_end = false;

    check(batch_crc_is_good(bytes));
    check_ok(batch_parse(bytes, &header));
    if (batch_is_control(&header)) {
        check_eq(m->records[header.base_offset].key, MARKER);
        m->records[header.base_offset].is_there = true;
        return;
    }
    check_ok(batch_reader_open(&reader, bytes, scratch, NULL, DECODED_MAX));
    for (;;) {
        check_ok(batch_reader_next(&reader, &record, &at_end));
        if (at_end)
            return;
        see_record(m, &record);
    }
}

/* Reads the log from its start, and by single offsets here and there. */
static void see(struct model *m)
{
    struct text found = {.data = NULL};
    struct text scratch = {.data = NULL};
    struct batch_header header;
    size_t at = 0;

    check_eq(log_end(m->log), m->end);
    for (int64_t i = 0; i < m->end; i++)
        m->records[i].is_there = false;
    check_ok(store_kit_read(&m->kit, m->log, log_start(m->log), m->end, &found));
    for (; at < found.size; at += header.size) {
        check_ok(batch_parse(slice_of(found.data + at, found.size - at), &header));
        see_batch(m, slice_of(found.data + at, header.size), &scratch);
    }
    check_eq(at, found.size);
    text_fini(&found);
    text_fini(&scratch);
}

/* True if nobody reads it who reads what is committed. */
static bool is_hidden(const struct model *m, int64_t offset)
{
    return m->records[offset].is_aborted && (m->txn_first < 0 || offset < m->txn_first);
}

/* The newest record of each key below `end`, or -1. */
static void find_newest(const struct model *m, int64_t end, int64_t newest[static KEYS])
{
    for (int key = 0; key < KEYS; key++)
        newest[key] = -1;
    for (int64_t i = 0; i < end; i++)
        if (m->records[i].key < NO_KEY && !is_hidden(m, i))
            newest[m->records[i].key] = i;
}

/* Nobody loses the value of a key, and of what was not cleaned nothing that can be read. */
static void check_kept(struct model *m, int64_t dirty)
{
    int64_t newest[KEYS];

    see(m);
    for (int64_t i = max_of(dirty, (int64_t)0); i < m->end; i++)
        check(m->records[i].is_there || m->records[i].key == MARKER || is_hidden(m, i));
    find_newest(m, m->end, newest);
    for (int key = 0; key < KEYS; key++)
        check(newest[key] < 0 || m->records[newest[key]].is_there ||
              m->records[newest[key]].is_tombstone);
}

/* Below `end` there is nothing but the newest of each key. */
static void check_clean(struct model *m, int64_t end)
{
    int64_t newest[KEYS];

    check_kept(m, end);
    find_newest(m, end, newest);
    for (int64_t i = 0; i < end; i++) {
        bool is_newest = m->records[i].key < NO_KEY && newest[m->records[i].key] == i;

        if (m->records[i].key == MARKER)
            continue;
        if (!m->records[i].is_tombstone)
            check_eq(m->records[i].is_there, is_newest);
        else
            check(is_newest || !m->records[i].is_there);
    }
}

/* --- passes ------------------------------------------------------------------- */

static int unlink_old(struct model *m, const struct clean_pass *pass)
{
    struct file *folder = log_folder(m->log);
    int r = 0;

    for (size_t i = 0; clean_pass_base(pass, i) >= 0 && r == 0; i++)
        r = log_unlink_dropped(m->kit.env.io, folder, clean_pass_base(pass, i));
    file_unref(folder);
    return r;
}

static int take_step(struct model *m, struct clean_pass *pass)
{
    int r = clean_pass_step(pass, m->kit.env.io, m->step_bytes);

    if (r == CLEAN_GROUP) {
        (void)log_clean_swap(m->log, pass);
        log_check(m->log);
        return CLEAN_MORE;
    }
    if (r == CLEAN_NAMES) {
        r = log_clean_settle(m->log);
        if (r == 0)
            r = unlink_old(m, pass);
        return r ? r : CLEAN_MORE;
    }
    return r;
}

static struct clean_query model_query(const struct model *m)
{
    return (struct clean_query){.now_ms = m->kit.now_ms, .limit = m->end};
}

static struct clean_pass *model_begin(struct model *m)
{
    struct clean_query query = model_query(m);
    struct clean_terms terms = {.now_ms = m->kit.now_ms,
                                .delete_retention_ms = HORIZON_MS,
                                .map_bytes_max = m->map_bytes,
                                .map_load = 0.9};
    struct clean_view view;
    struct clean_pass *pass;

    if (log_clean_look(m->log, &query, &view) || view.uncleanable <= view.cleaned)
        return NULL;
    return log_clean_begin(m->log, &view, &terms, &pass) ? NULL : pass;
}

/* 0: the pass went well; `*out_end`, up to where it was cleaned ever, is brought up to date. */
static int model_clean(struct model *m, int64_t *out_end)
{
    struct clean_pass *pass = model_begin(m);
    int r = pass ? CLEAN_MORE : CLEAN_E_GONE;

    while (r == CLEAN_MORE)
        r = take_step(m, pass);
    if (r == 0) {
        log_clean_end(m->log, pass);
        *out_end = max_of(*out_end, pass->end); /* A crash may have made it begin anew. */
    }
    clean_pass_destroy(pass, m->kit.env.io);
    log_clean_over(m->log);
    return r;
}

static void model_save(struct model *m)
{
    marks_get(&m->kit.marks, slice_text("t"), 0)->cleaned = log_cleaned(m->log);
    store_kit_checkpoint(&m->kit, m->log, 0);
}

static void model_reopen(struct model *m, bool is_clean)
{
    if (is_clean)
        store_kit_close_log(&m->kit, m->log);
    else
        log_abandon(m->log);
    store_kit_close(&m->kit, is_clean);
    store_kit_open(&m->kit);
    m->log = store_kit_log(&m->kit, "t-0");
    log_settle_transactions(m->log, m->end);
}

static void check_files(struct model *m)
{
    struct io *io = m->kit.env.io;
    struct file *folder = log_folder(m->log);
    char name[SEGMENT_NAME_SIZE];
    int fd;

    for (int64_t base = 0; base < m->end; base++) {
        static const char *const kinds[] = {".log.cleaned", ".log.swap", ".index.swap",
                                            ".timeindex.swap"};

        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            segment_name(name, base, kinds[i]);
            check_eq(io->ops->file_open(io, folder->fd, name, IO_READ, &fd), -ENOENT);
        }
    }
    file_unref(folder);
}

PROPERTY(log_clean, of_each_key_the_newest_stays, 100)
{
    struct model *m = mem_new(sizeof(*m));
    int64_t end = 0;

    model_init(m, rng);
    for (int round = 0; round < 6; round++) {
        for (int64_t i = rng_between(rng, 1, 60); i > 0; i--)
            model_step(m);
        model_save(m);
        m->kit.now_ms += rng_between(rng, 0, 2 * HORIZON_MS);
        for (int i = 0; i < 3 && model_clean(m, &end) == 0; i++)
            check_clean(m, end);
        check_producers(m);
        if (rng_chance(rng, 50)) {
            if (rng_chance(rng, 50))
                model_save(m);
            model_reopen(m, rng_chance(rng, 50));
            check_clean(m, end);
            check(log_cleaned(m->log) <= end);
            check_producers(m);
        }
    }
    check_files(m);
    model_fini(m);
}

/* From the kth call of a pass on nothing works any more. */
static void kill_pass(struct model *m, int k)
{
    struct clean_pass *pass = model_begin(m);
    int r = pass ? CLEAN_MORE : CLEAN_E_GONE;

    m->kit.faulty.tears = rng_chance(m->rng, 50);
    m->kit.faulty.lies = rng_chance(m->rng, 50);
    faulty_io_arm(&m->kit.faulty, FAULTY_ANY, k, -EIO);
    m->kit.faulty.fail_count = INT32_MAX;
    while (r == CLEAN_MORE)
        r = take_step(m, pass);
    clean_pass_destroy(pass, m->kit.env.io);
    log_abandon(m->log);
    (void)log_dir_close(take(m->kit.dir), false);
    faulty_io_arm(&m->kit.faulty, 0, 0, 0);
    m->kit.faulty.fail_count = 0;
    m->kit.faulty.tears = m->kit.faulty.lies = false;
    store_kit_open(&m->kit);
    m->log = store_kit_log(&m->kit, "t-0");
    log_settle_transactions(m->log, m->end);
}

PROPERTY(log_clean, killed_at_any_call_it_loses_nothing, 30)
{
    struct model *m = mem_new(sizeof(*m));
    int64_t end = 0;
    int first = (int)rng_between(rng, 1, 5);

    model_init(m, rng);
    for (int i = 0; i < 100; i++)
        model_step(m);
    model_save(m);
    for (int k = first; k < 150; k += 4) {
        kill_pass(m, k);
        check_kept(m, m->log->segments[m->log->segment_count - 1].base);
        check_producers(m);
        for (int i = 0; i < 5; i++)
            model_step(m);
        m->kit.now_ms += HORIZON_MS / 3;
        model_save(m);
    }
    m->map_bytes = 1 << 20;
    if (model_clean(m, &end) == 0)
        check_clean(m, end);
    check_files(m);
    model_reopen(m, true);
    check_clean(m, end);
    model_fini(m);
}

/* What readers of committed records are told to leave out covers every aborted record. */
PROPERTY(log_clean, markers_stay_as_long_as_their_records, 60)
{
    struct model *m = mem_new(sizeof(*m));
    struct text aborted = {.data = NULL};
    struct log_range range;
    int64_t end = 0;

    model_init(m, rng);
    for (int round = 0; round < 4; round++) {
        for (int64_t i = rng_between(rng, 1, 60); i > 0; i--)
            model_step(m);
        model_save(m);
        m->kit.now_ms += rng_between(rng, 0, 2 * HORIZON_MS);
        if (model_clean(m, &end) == 0)
            check_clean(m, end);
        for (int64_t i = 0; i < m->end; i++) {
            if (!m->records[i].is_there || !is_hidden(m, i))
                continue;
            check_ok(log_read(m->log, i, m->end, 1, true, &range));
            text_cut(&aborted, 0);
            check_ok(log_find_aborted(m->log, i, &range, &aborted));
            check(aborted.size > 0);
            log_range_release(&range);
        }
    }
    text_fini(&aborted);
    model_fini(m);
}
