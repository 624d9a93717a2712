/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_model_test.c - random histories of a log, with failures, stops and crashes,
 * beside a model in memory. */

#include "base/mem.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { HISTORY_MAX = 400, PRODUCERS = 3 };

/* What is in the log, or should be. */
struct model {
    struct store_kit kit;
    struct log *log;
    struct {
        struct store_batch batch;
        int64_t offset;
    } batches[HISTORY_MAX];
    int first;   /* Of those that may be read still. */
    int count;   /* Appended; */
    int written; /* of those: */
    int synced;
    int16_t epochs[PRODUCERS + 1];
    struct {
        char name[SEGMENT_NAME_SIZE];
        int64_t size;
    } indexes[2 * HISTORY_MAX]; /* As the last checkpoint left them. */
    size_t index_count;
    struct rng *rng;
};

static int64_t model_end(const struct model *m, int count)
{
    return count ? m->batches[count - 1].offset + m->batches[count - 1].batch.records : 0;
}

/* The newest batch of the producer but `back`, or NULL; of its newest epoch only. */
static const struct store_batch *model_last(const struct model *m, int64_t producer, int back)
{
    const struct store_batch *newest = NULL;

    for (int i = m->count; i > 0; i--) {
        const struct store_batch *batch = &m->batches[i - 1].batch;

        if (batch->producer != producer)
            continue;
        newest = newest ? newest : batch;
        if (batch->epoch != newest->epoch)
            break;
        if (back-- == 0)
            return batch;
    }
    return NULL;
}

static void model_compare(struct model *m)
{
    struct text wanted = {.data = NULL};

    check_eq(log_end(m->log), model_end(m, m->count));
    check_eq(log_written(m->log), model_end(m, m->written));
    check(log_synced(m->log) >= model_end(m, m->synced));
    check_eq(log_start(m->log), model_end(m, m->first));
    for (int i = m->first; i < m->written; i++)
        store_batch_place(&m->batches[i].batch, m->batches[i].offset, &wanted);
    store_kit_check_bytes(&m->kit, m->log, log_start(m->log), text_slice(&wanted));
    text_fini(&wanted);
}

static struct store_batch model_batch(struct model *m)
{
    struct store_batch batch = {
        .records = (int)rng_between(m->rng, 1, 4),
        .value_size = rng_below(m->rng, 120),
        .time = 100000 + 50 * (int64_t)m->count - rng_between(m->rng, 0, 200),
        .producer = rng_between(m->rng, 0, PRODUCERS),
        .codec = (enum compress_codec)(rng_chance(m->rng, 80) ? 0 : rng_below(m->rng, 5)),
    };
    const struct store_batch *last = model_last(m, batch.producer, 0);

    if (batch.producer > 0 && rng_chance(m->rng, 5))
        m->epochs[batch.producer]++;
    batch.epoch = batch.producer ? m->epochs[batch.producer] : 0;
    if (last && last->epoch == batch.epoch)
        batch.sequence = last->sequence + last->records;
    return batch;
}

/* The log takes it: as its next batch if it has not been taken before. */
static void model_append(struct model *m)
{
    struct store_batch batch = model_batch(m);
    struct log_appended appended;
    int64_t end = log_end(m->log);

    if (m->count == HISTORY_MAX)
        return;
    check_ok(store_kit_append(&m->kit, m->log, &batch, &appended));
    check(!appended.is_duplicate && appended.base_offset == end);
    m->batches[m->count].batch = batch;
    m->batches[m->count++].offset = end;
    if (log_written(m->log) > model_end(m, m->written))
        m->written = m->count - 1; /* What was staged had to be written first. */
}

static bool is_readable(const struct model *m, const struct store_batch *batch)
{
    for (int i = m->first; i < m->count; i++)
        if (&m->batches[i].batch == batch)
            return true;
    return false;
}

/* An older batch is sent again, or one whose sequence is wrong. */
static void model_resend(struct model *m)
{
    int64_t producer = rng_between(m->rng, 1, PRODUCERS);
    int back = (int)rng_below(m->rng, 7);
    const struct store_batch *old = model_last(m, producer, back);
    struct log_appended appended;
    struct store_batch batch;
    int r;

    if (!old)
        return;
    batch = *old;
    if (rng_chance(m->rng, 30)) {
        batch.sequence += 10000;
        r = store_kit_append(&m->kit, m->log, &batch, &appended);
        check_eq(r, LOG_E_SEQUENCE);
    } else {
        r = store_kit_append(&m->kit, m->log, &batch, &appended);
        if (back < 5 && is_readable(m, old))
            check_eq(r, 0);
        else
            check(r == LOG_E_LONG_PAST || (r == 0 && back < 5));
        check(r || appended.is_duplicate);
    }
    check_eq(log_end(m->log), model_end(m, m->count));
}

static void model_write(struct model *m)
{
    int r;

    if (rng_chance(m->rng, 20)) {
        m->kit.faulty.tears = true;
        faulty_io_arm(&m->kit.faulty, FAULTY_WRITE, (int)rng_between(m->rng, 1, 3), -ENOSPC);
    }
    r = store_kit_write(&m->kit, m->log);
    faulty_io_arm(&m->kit.faulty, 0, 0, 0);
    if (r) {
        check(r == -ENOSPC && !log_is_fenced(m->log));
        m->count = m->written;
    } else {
        m->written = m->count;
    }
}

static void note_index(struct model *m, int64_t base, const char *suffix)
{
    char *name = m->indexes[m->index_count].name;

    segment_name(name, base, suffix);
    m->indexes[m->index_count++].size = files_size(store_kit_path(&m->kit, "t-0"), name);
}

/* The recovery point moves, and with luck the start. */
static void model_checkpoint(struct model *m)
{
    int64_t base;

    model_write(m);
    if (rng_chance(m->rng, 40))
        m->first = (int)rng_between(m->rng, m->first, m->written);
    store_kit_checkpoint(&m->kit, m->log, model_end(m, m->first));
    m->synced = m->written;
    check_eq(log_recovery_point(m->log), model_end(m, m->written));
    m->index_count = 0;
    for (size_t i = 0; i < m->log->segment_count; i++) {
        note_index(m, m->log->segments[i].base, ".index");
        note_index(m, m->log->segments[i].base, ".timeindex");
    }
    while (log_has_segment_below(m->log) && rng_chance(m->rng, 80))
        check_ok(log_drop_segment(m->log, &base));
}

static void model_open(struct model *m, bool is_clean)
{
    store_kit_open(&m->kit);
    check_eq(log_dir_was_clean(m->kit.dir), is_clean);
    m->log = store_kit_log(&m->kit, "t-0");
}

static void model_stop(struct model *m)
{
    store_kit_close_log(&m->kit, m->log);
    store_kit_close(&m->kit, true);
    m->count = m->synced = m->written;
    model_open(m, true);
    model_compare(m);
}

/* What was written to an index since the checkpoint is zero, or something else. */
static void lose_of_index(struct model *m, const char *name)
{
    const char *dir = store_kit_path(&m->kit, "t-0");
    int64_t size = files_size(dir, name);
    int64_t kept = size;

    for (size_t i = 0; i < m->index_count; i++)
        if (strcmp(m->indexes[i].name, name) == 0)
            kept = m->indexes[i].size;
    files_truncate(dir, name, kept);
    files_truncate(dir, name, max_of(size, kept) + rng_between(m->rng, 0, 40));
}

/* Of what was not durable some is lost, from some place on or from the middle. */
static void lose(struct model *m)
{
    const struct log *log = m->log;

    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = &log->segments[i];
        char name[SEGMENT_NAME_SIZE];

        if (segment->size == segment->synced_size || rng_chance(m->rng, 40))
            continue;
        segment_name(name, segment->base, ".log");
        if (segment->synced_size == 0 && segment->base > 0 && rng_chance(m->rng, 30))
            files_remove(store_kit_path(&m->kit, "t-0"), name);
        else
            files_truncate(
                store_kit_path(&m->kit, "t-0"), name,
                rng_between(m->rng, (int64_t)segment->synced_size, (int64_t)segment->size));
        segment_name(name, segment->base, rng_chance(m->rng, 50) ? ".index" : ".timeindex");
        if (rng_chance(m->rng, 50) && log_recovery_point(log) <= segment->base)
            files_write(store_kit_path(&m->kit, "t-0"), name, slice_empty());
        else if (rng_chance(m->rng, 50))
            lose_of_index(m, name);
    }
}

/* After a start: of the batches that may be there a prefix is, `least` of them at least. */
static void model_believe(struct model *m, int most, int least)
{
    m->count = 0;
    while (m->count < most && model_end(m, m->count) < log_end(m->log))
        m->count++;
    check(m->count >= least);
    m->written = m->synced = m->count;
    model_compare(m);
}

static void model_crash(struct model *m)
{
    bool is_lost = rng_chance(m->rng, 60);

    if (is_lost)
        lose(m);
    log_abandon(m->log);
    store_kit_close(&m->kit, false);
    model_open(m, false);
    model_believe(m, m->written, is_lost ? m->synced : m->written);
}

/* An append that the process does not survive, perhaps. */
static void append_once(struct model *m)
{
    struct store_batch batch = model_batch(m);
    struct log_appended appended;
    int64_t end = log_end(m->log);

    if (m->count < HISTORY_MAX && store_kit_append(&m->kit, m->log, &batch, &appended) == 0) {
        m->batches[m->count].batch = batch;
        m->batches[m->count++].offset = end;
    }
}

/* From some call on nothing works any more: as if the process were killed there. */
static void model_kill(struct model *m)
{
    uint64_t what = rng_below(m->rng, 4);
    bool is_clean = false;

    m->kit.faulty.tears = rng_chance(m->rng, 50);
    m->kit.faulty.lies = rng_chance(m->rng, 30);
    faulty_io_arm(&m->kit.faulty, FAULTY_ANY, (int)rng_between(m->rng, 1, what ? 40 : 4), -EIO);
    m->kit.faulty.fail_count = INT32_MAX;
    if (what == 0 && store_kit_write(&m->kit, m->log) == 0)
        m->written = m->count;
    else if (what == 1)
        append_once(m);
    else if (what == 2 && store_kit_sync(&m->kit, m->log) == 0)
        m->synced = m->written;
    else if (what == 3)
        is_clean = log_dir_close_log(m->kit.dir, take(m->log)) == 0;
    log_abandon(m->log);
    is_clean = log_dir_close(take(m->kit.dir), is_clean) == 0 && is_clean;
    faulty_io_arm(&m->kit.faulty, 0, 0, 0);
    m->kit.faulty.tears = m->kit.faulty.lies = false;
    store_kit_open(&m->kit);
    check(!is_clean || log_dir_was_clean(m->kit.dir));
    m->log = store_kit_log(&m->kit, "t-0");
    model_believe(m, m->count, m->written);
}

/* The end moves back behind one of the batches that are written; a kill may follow. */
static void model_truncate(struct model *m)
{
    int kept;

    if (log_is_new(m->log))
        model_checkpoint(m);
    model_write(m);
    kept = (int)rng_between(m->rng, m->first, m->written);
    check_ok(store_kit_truncate(&m->kit, m->log, model_end(m, kept)));
    m->count = m->written = m->synced = kept;
    for (int64_t i = 1; i <= PRODUCERS; i++) { /* What is left is what they go on from. */
        const struct store_batch *last = model_last(m, i, 0);

        m->epochs[i] = last ? last->epoch : 0;
    }
    model_compare(m);
    m->index_count = 0;
    if (rng_chance(m->rng, 30))
        model_crash(m);
}

static void model_step(struct model *m)
{
    uint64_t what = rng_below(m->rng, 100);

    if (what < 50)
        model_append(m);
    else if (what < 60)
        model_resend(m);
    else if (what < 82)
        model_write(m);
    else if (what < 90) {
        check_ok(store_kit_sync(&m->kit, m->log));
        m->synced = m->written;
    } else if (what < 92)
        model_compare(m);
    else if (what < 94)
        model_checkpoint(m);
    else if (what < 96)
        model_stop(m);
    else if (what < 97)
        model_crash(m);
    else if (what < 98)
        model_truncate(m);
    else
        model_kill(m);
}

PROPERTY(log_model, whatever_happens_what_was_durable_is_there_and_nothing_else, 150)
{
    struct model *m = mem_new(sizeof(*m));

    m->rng = rng;
    store_kit_init(&m->kit);
    m->kit.config.segment_bytes = rng_between(rng, 800, 5000);
    m->kit.config.index_interval_bytes = (int32_t)rng_between(rng, 0, 600);
    m->kit.config.index_size_max = (int32_t)rng_between(rng, 60, 1000);
    m->kit.config.segment_ms = rng_between(rng, 500, 100000);
    m->log = store_kit_log(&m->kit, "t-0");
    for (int64_t steps = rng_between(rng, 1, 500); steps > 0; steps--)
        model_step(m);
    model_stop(m);
    log_abandon(m->log);
    store_kit_fini(&m->kit);
    mem_free(m);
}
