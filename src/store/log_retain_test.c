/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { BATCHES = 60, RECORDS = 10, END = BATCHES * RECORDS, FAR_MS = 1000 * 1000 * 1000 };

static struct store_batch batch_at(int64_t time)
{
    return (struct store_batch){.records = RECORDS, .value_size = 80, .time = time};
}

/* Batches of ten records, a second apart, in segments of about nine batches, all of it synced. */
static struct log *make_log(struct store_kit *kit)
{
    struct log *log;

    kit->config.segment_bytes = 10000;
    kit->config.index_interval_bytes = 2000;
    log = store_kit_log(kit, "t-0");
    for (int i = 0; i < BATCHES; i++) {
        struct store_batch batch = batch_at(1000 * i);

        store_kit_put(kit, log, &batch);
    }
    check_ok(store_kit_sync(kit, log));
    return log;
}

/* Where the log is to begin. */
static int64_t start_by(struct log *log, int64_t ms, int64_t bytes, int64_t limit, int64_t now_ms)
{
    struct log_retention retention = {.ms = ms, .bytes = bytes};
    int64_t start = -1;

    check_ok(log_retain(log, &retention, limit, now_ms, &start));
    return start;
}

static int64_t bytes_of(const struct log *log)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < log->segment_count; i++)
        bytes += (int64_t)log->segments[i].size;
    return bytes;
}

/* The time of the last record of a segment. */
static int64_t last_time(const struct log *log, size_t at)
{
    return (log->segments[at + 1].base / RECORDS - 1) * 1000 + RECORDS - 1;
}

TEST(log_retain, segments_go_when_their_latest_record_is_too_old)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = make_log(&kit);
    check(log->segment_count > 5);
    check_eq(start_by(log, -1, -1, END, FAR_MS), 0);
    check_eq(start_by(log, 5000, -1, END, last_time(log, 0) + 5000), 0);
    check_eq(start_by(log, 5000, -1, END, last_time(log, 0) + 5001), log->segments[1].base);
    check_eq(start_by(log, 5000, -1, END, last_time(log, 2) + 5001), log->segments[3].base);
    check_eq(start_by(log, 0, -1, END, last_time(log, 0)), 0);
    check_eq(start_by(log, 0, -1, END, -5), 0);        /* A clock that has gone back. */
    check(log_start(log) == 0 && log_end(log) == END); /* It only tells. */
    store_kit_close_log(&kit, log);

    log = store_kit_log(&kit, "t-0"); /* Times are in the indexes now. */
    check_eq(start_by(log, 5000, -1, END, last_time(log, 2) + 5001), log->segments[3].base);
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_retain, the_oldest_segments_go_while_the_others_have_enough_bytes)
{
    struct store_kit kit;
    struct log *log;
    int64_t all;

    store_kit_init(&kit);
    log = make_log(&kit);
    all = bytes_of(log);
    check_eq(start_by(log, -1, all, END, 0), 0);
    check_eq(start_by(log, -1, all - (int64_t)log->segments[0].size + 1, END, 0), 0);
    check_eq(start_by(log, -1, all - (int64_t)log->segments[0].size, END, 0),
             log->segments[1].base);
    check_eq(start_by(log, -1, 1, END, 0), log_active(log)->base);
    /* What is below the start is gone already, as it were. */
    log_advance_start(log, log->segments[2].base + 1);
    check_eq(start_by(log, -1, all, END, 0), log_start(log));
    /* Size comes first, then age. */
    check_eq(start_by(log, 0, all - (int64_t)log->segments[0].size, END, last_time(log, 3) + 1),
             log->segments[4].base);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_retain, what_is_above_the_high_watermark_stays)
{
    struct store_kit kit;
    struct log *log;
    int64_t third;

    store_kit_init(&kit);
    log = make_log(&kit);
    third = log->segments[3].base;
    check_eq(start_by(log, 0, -1, third - 1, FAR_MS), log->segments[2].base);
    check_eq(start_by(log, 0, 0, third, FAR_MS), third);
    check_eq(start_by(log, 0, 0, END - 1, FAR_MS), log_active(log)->base);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* The end of a log of which nothing is left is told by the name of its last segment, also when
 * the process dies right behind that. */
TEST(log_retain, where_all_of_it_goes_an_empty_segment_is_begun_first)
{
    static const char *const gone[] = {"00000000000000000000.log", "00000000000000000000.index"};
    struct store_kit kit;
    struct log *log;
    int64_t base;

    store_kit_init(&kit);
    log = make_log(&kit);
    check_eq(start_by(log, 1000, -1, END, FAR_MS), END);
    check(log_active(log)->base == END && log_active(log)->size == 0 && log_start(log) == 0);
    check(log_wants_checkpoint(log));
    check_eq(start_by(log, 1000, 0, END, FAR_MS), END); /* Once. */
    check_eq(log->segments[log->segment_count - 2].base < END, true);
    store_kit_checkpoint(&kit, log, END);
    log_advance_start(log, END);
    while (log_has_segment_below(log))
        check_ok(log_drop_segment(log, &base));
    check_eq(log->segment_count, 1);
    check_eq(start_by(log, 0, 0, END, FAR_MS), END); /* What is empty stays. */
    check_eq(log->segment_count, 1);
    log_abandon(log);
    store_kit_close(&kit, false);
    store_kit_open(&kit);
    log = store_kit_log(&kit, "t-0");
    check(log_start(log) == END && log_end(log) == END);
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        check(files_size(store_kit_path(&kit, "t-0"), gone[i]) < 0);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_retain, what_has_no_times_is_as_old_as_its_file)
{
    struct store_batch batch = batch_at(-1);
    struct store_kit kit;
    struct log *log;
    int64_t written = 0;
    int64_t start;

    store_kit_init(&kit);
    kit.config.segment_bytes = 3000;
    log = store_kit_log(&kit, "t-0");
    batch.is_timeless = true;
    for (int i = 0; i < 6; i++)
        store_kit_put(&kit, log, &batch);
    check(log->segment_count > 1);
    check_ok(store_kit_sync(&kit, log));
    check_ok(segment_touch(&log->segments[0],
                           &(struct segment_place){.io = kit.env.io, .dir = log->folder->fd}));
    check_ok(kit.env.io->ops->file_time(kit.env.io, log->segments[0].file->fd, &written));
    check_eq(start_by(log, 1000, -1, log_end(log), written + 1000), 0);
    start = start_by(log, 1000, -1, log->segments[1].base, written + 1001);
    check_eq(start, log->segments[1].base);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_retain, a_segment_that_cannot_be_begun_changes_nothing)
{
    struct log_retention retention = {.ms = 0, .bytes = -1};
    struct store_kit kit;
    struct log *log;
    size_t count;
    int64_t start = 7;

    store_kit_init(&kit);
    log = make_log(&kit);
    count = log->segment_count;
    faulty_io_arm(&kit.faulty, FAULTY_OPEN, 2, -ENOSPC);
    check_eq(log_retain(log, &retention, END, FAR_MS, &start), -ENOSPC);
    check(start == 7 && log->segment_count == count && log_end(log) == END);
    faulty_io_arm(&kit.faulty, FAULTY_OPEN, 0, 0);
    check_eq(start_by(log, 0, -1, END, FAR_MS), END);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* --- logs that are not open ------------------------------------------------- */

static bool has_expired(struct store_kit *kit, const char *name, int64_t ms, int64_t bytes,
                        int64_t now_ms)
{
    struct log_retention retention = {.ms = ms, .bytes = bytes};
    bool has = false;

    check_ok(log_dir_has_expired(kit->dir, kit->env.io, name, &retention, now_ms, &has));
    return has;
}

TEST(log_retain, a_closed_log_is_opened_only_if_something_is_to_go)
{
    struct store_kit kit;
    struct log *log;
    int64_t first, all, rest;

    store_kit_init(&kit);
    log = make_log(&kit);
    first = last_time(log, 0);
    all = bytes_of(log);
    rest = all - (int64_t)log->segments[0].size;
    store_kit_close_log(&kit, log);
    log = store_kit_log(&kit, "t-1");
    store_kit_close_log(&kit, log);

    check(!has_expired(&kit, "t-0", -1, -1, FAR_MS));
    check(!has_expired(&kit, "t-0", 5000, -1, first + 5000));
    check(has_expired(&kit, "t-0", 5000, -1, first + 5001));
    check(!has_expired(&kit, "t-0", -1, all, FAR_MS));
    check(!has_expired(&kit, "t-0", -1, rest + 1, FAR_MS));
    check(has_expired(&kit, "t-0", -1, rest, FAR_MS));
    check(!has_expired(&kit, "t-1", 0, 0, FAR_MS)); /* It is empty. */
    check(!has_expired(&kit, "t-2", 0, 0, FAR_MS)); /* It is not there. */
    store_kit_fini(&kit);
}

/* --- rolling by age --------------------------------------------------------- */

static size_t segments_after(struct store_kit *kit, struct log *log, int64_t time, bool is_timeless)
{
    struct store_batch batch = {.records = 1, .time = time, .is_timeless = is_timeless};

    store_kit_put(kit, log, &batch);
    return log->segment_count;
}

TEST(log_retain, a_segment_without_times_is_sealed_when_it_was_made_long_ago)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_ms = 1000;
    kit.faulty.wall_ms = kit.now_ms = 50000;
    log = store_kit_log(&kit, "t-0");
    check_eq(segments_after(&kit, log, 0, true), 1);
    kit.now_ms = 51000;
    check_eq(segments_after(&kit, log, 0, true), 1);
    kit.faulty.wall_ms = kit.now_ms = 51001;
    check_eq(segments_after(&kit, log, 0, true), 2);
    kit.now_ms = 52001;
    check_eq(segments_after(&kit, log, 900000, false), 2); /* The first has none. */
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_retain, jitter_is_taken_off_the_age)
{
    struct store_kit kit;
    struct log *log;
    int64_t jitter;

    store_kit_init(&kit);
    kit.config.segment_ms = 1000 * 1000;
    kit.config.segment_jitter_ms = 500 * 1000;
    log = store_kit_log(&kit, "t-0");
    jitter = log_active(log)->jitter_ms;
    check(jitter >= 0 && jitter < 500 * 1000);
    check_eq(segments_after(&kit, log, 0, false), 1);
    check_eq(segments_after(&kit, log, 1000 * 1000 - jitter, false), 1);
    check_eq(segments_after(&kit, log, 1000 * 1000 - jitter + 1, false), 2);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}
