/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_truncate.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

struct bench {
    struct store_kit kit;
    struct log *log;
};

/* Batches of two records, five or so in each segment, in epoch 0. */
static void bench_init(struct bench *b, int batches)
{
    store_kit_init(&b->kit);
    b->kit.config.segment_bytes = 1000;
    b->kit.config.index_interval_bytes = 100;
    b->log = store_kit_log(&b->kit, "t-0");
    for (int i = 0; i < batches; i++)
        store_kit_put(&b->kit, b->log,
                      &(struct store_batch){.records = 2,
                                            .value_size = 30,
                                            .time = 1000 + i,
                                            .producer = 1 + i % 2,
                                            .sequence = i / 2 * 2});
    check_ok(store_kit_sync(&b->kit, b->log));
}

static void bench_fini(struct bench *b)
{
    log_abandon(b->log);
    store_kit_fini(&b->kit);
}

/* As the process is killed, and starts again. */
static void restart(struct bench *b)
{
    log_abandon(b->log);
    store_kit_close(&b->kit, false);
    store_kit_open(&b->kit);
    b->log = store_kit_log(&b->kit, "t-0");
}

static void read_all(struct bench *b, int64_t upto, struct text *out)
{
    check_ok(store_kit_read(&b->kit, b->log, log_start(b->log), upto, out));
}

TEST(log_truncate, what_lies_behind_goes_and_the_rest_stays)
{
    struct text before = {.data = NULL};
    struct bench b;

    bench_init(&b, 20);
    check(b.log->segment_count >= 3);
    read_all(&b, 14, &before);
    check_ok(store_kit_truncate(&b.kit, b.log, 14));
    check(log_end(b.log) == 14 && log_synced(b.log) == 14 && log_written(b.log) == 14);
    store_kit_check_bytes(&b.kit, b.log, 0, text_slice(&before));
    check_eq(files_count(store_kit_path(&b.kit, "t-0"), ".log"), (int64_t)b.log->segment_count);
    check_eq(files_count(store_kit_path(&b.kit, "t-0"), ".index"), (int64_t)b.log->segment_count);
    restart(&b);
    check_eq(log_end(b.log), 14);
    store_kit_check_bytes(&b.kit, b.log, 0, text_slice(&before));
    text_fini(&before);
    bench_fini(&b);
}

TEST(log_truncate, a_batch_goes_whole)
{
    struct bench b;

    bench_init(&b, 6);
    check_ok(store_kit_truncate(&b.kit, b.log, 7));
    check_eq(log_end(b.log), 6);
    check_ok(store_kit_truncate(&b.kit, b.log, 100)); /* Nothing lies there. */
    check_eq(log_end(b.log), 6);
    bench_fini(&b);
}

TEST(log_truncate, producers_go_on_from_what_is_left)
{
    struct log_appended appended;
    struct bench b;
    struct store_batch cut = {
        .records = 2, .value_size = 30, .time = 1016, .producer = 1, .sequence = 16};

    bench_init(&b, 20);
    check_ok(store_kit_append(&b.kit, b.log, &cut, &appended));
    check(appended.is_duplicate && appended.base_offset == 32);
    check_ok(store_kit_truncate(&b.kit, b.log, 32));
    check_ok(store_kit_append(&b.kit, b.log, &cut, &appended));
    check(!appended.is_duplicate && appended.base_offset == 32);
    check_ok(store_kit_write(&b.kit, b.log));
    cut.sequence = 14;
    check_ok(store_kit_append(&b.kit, b.log, &cut, &appended));
    check(appended.is_duplicate && appended.base_offset == 28);
    bench_fini(&b);
}

TEST(log_truncate, epochs_that_have_nothing_left_are_forgotten)
{
    int32_t epoch;
    int64_t end;
    struct bench b;

    bench_init(&b, 6);
    log_note_epoch(b.log, 3, 4);
    log_note_epoch(b.log, 5, 8);
    check_ok(store_kit_truncate(&b.kit, b.log, 8));
    log_find_epoch_end(b.log, 3, &epoch, &end);
    check(epoch == 3 && end == 8);
    log_find_epoch_end(b.log, 5, &epoch, &end);
    check_eq(epoch, -1);
    log_note_epoch(b.log, 4, 8); /* One between those; it has no records. */
    check_eq(log_end(b.log), 8);
    restart(&b);
    log_find_epoch_end(b.log, 3, &epoch, &end);
    check(epoch == 3 && end == 8);
    bench_fini(&b);
}

TEST(log_truncate, the_largest_time_is_that_of_what_is_left)
{
    struct bench b;

    bench_init(&b, 3);
    store_kit_put(&b.kit, b.log, &(struct store_batch){.records = 1, .time = 9000});
    store_kit_put(&b.kit, b.log, &(struct store_batch){.records = 1, .time = 1100});
    check_eq(log_active(b.log)->max_timestamp, 9000);
    check_ok(store_kit_truncate(&b.kit, b.log, 6));
    check_eq(log_active(b.log)->max_timestamp, 1003);
    bench_fini(&b);
}

TEST(log_truncate, below_the_start_nothing_is_left)
{
    struct bench b;

    bench_init(&b, 20);
    store_kit_checkpoint(&b.kit, b.log, 21); /* Inside of a batch. */
    check_ok(store_kit_truncate(&b.kit, b.log, 21));
    check(log_start(b.log) == 21 && log_end(b.log) == 21);
    restart(&b);
    check(log_start(b.log) == 21 && log_end(b.log) == 21);
    check_ok(store_kit_truncate(&b.kit, b.log, 10));
    check(log_start(b.log) == 10 && log_end(b.log) == 10);
    check_eq(store_kit_put(&b.kit, b.log, &(struct store_batch){.records = 1}), 10);
    check_ok(store_kit_sync(&b.kit, b.log));
    restart(&b);
    check(log_start(b.log) == 10 && log_end(b.log) == 11);
    bench_fini(&b);
}

TEST(log_truncate, it_can_begin_again_anywhere)
{
    struct log_truncation all;
    struct bench b;

    bench_init(&b, 20);
    store_kit_checkpoint(&b.kit, b.log, 0);
    log_truncate_all(b.log, 1000, &all);
    check(all.is_all && all.offset == 1000 && all.start_mark == 1000 && all.recovery_point == 40);
    check_ok(log_truncate_run(b.log, &all));
    check(log_start(b.log) == 1000 && log_end(b.log) == 1000);
    check_eq(files_count(store_kit_path(&b.kit, "t-0"), ".log"), 1);
    check_eq(log_producers(b.log)->by_id.count, 0);
    bench_fini(&b);
}

/* Whichever call fails: the log takes nothing any more, and after a start there are what was to
 * stay and perhaps some of the rest, without a hole. */
PROPERTY(log_truncate, it_may_fail_anywhere, 60)
{
    struct log_truncation truncation;
    int64_t offset = rng_between(rng, 0, 40);
    struct bench b;
    int r;

    bench_init(&b, 20);
    faulty_io_arm(&b.kit.faulty, FAULTY_ANY, (int)rng_between(rng, 6, 60), -EIO);
    b.kit.faulty.fail_count = INT32_MAX;
    r = log_truncate_begin(b.log, offset, &truncation);
    if (r == 0) {
        r = log_truncate_run(b.log, &truncation);
        check(r == 0 || log_is_fenced(b.log));
    }
    log_abandon(b.log);
    store_kit_close(&b.kit, false);
    faulty_io_arm(&b.kit.faulty, 0, 0, 0);
    store_kit_open(&b.kit);
    b.log = store_kit_log(&b.kit, "t-0");
    check(log_start(b.log) == 0 && log_end(b.log) >= offset / 2 * 2 && log_end(b.log) <= 40);
    check(r || log_end(b.log) == offset / 2 * 2);
    check_eq(log_end(b.log) % 2, 0);
    bench_fini(&b);
}

static void check_divergence(const struct log *log, int32_t epoch, int64_t end, int64_t offset,
                             bool agrees)
{
    int64_t out_offset = -7;
    bool out_agrees = !agrees;

    log_find_divergence(log, epoch, end, 2, &out_offset, &out_agrees);
    check_eq(out_offset, offset);
    check_eq(out_agrees, agrees);
}

/* KIP-101, KIP-279. */
TEST(log_truncate, leader_and_follower_find_where_they_agree)
{
    struct bench b;

    bench_init(&b, 6); /* Epochs 0 [0, 4), 3 [4, 8), 5 [8, 12). */
    log_note_epoch(b.log, 3, 4);
    log_note_epoch(b.log, 5, 8);
    check_divergence(b.log, 5, 12, 12, true);
    check_divergence(b.log, 5, 10, 10, true); /* The leader has less of it, */
    check_divergence(b.log, 5, 20, 12, true); /* or more. */
    check_divergence(b.log, 3, 6, 6, true);
    check_divergence(b.log, 3, 30, 8, true);
    check_divergence(b.log, 4, 30, 8, false); /* We have none of its epoch: the one before is */
    check_divergence(b.log, 2, 3, 4, false);  /* what both may have. */
    check_divergence(b.log, -1, -1, 2, true); /* The leader knows nothing. */
    check_divergence(b.log, -1, 9, 9, true);  /* It tells no epoch. */
    check_divergence(b.log, 7, 9, 9, true);   /* Above all of ours. */
    bench_fini(&b);
}
