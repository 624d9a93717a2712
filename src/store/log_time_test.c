/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_time.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { BATCHES = 80, RECORDS = 4, END = BATCHES * RECORDS };

struct bench {
    struct store_kit kit;
    struct log *log;
    int64_t times[END];
};

/* Times that go up and down, in batches of all codecs and of both kinds of time. */
static struct store_batch batch_number(struct rng *rng, int i)
{
    return (struct store_batch){.records = RECORDS,
                                .time = 10000 + 20 * i - rng_between(rng, 0, 100),
                                .value_size = rng_below(rng, 200),
                                .codec = (enum compress_codec)(i % COMPRESS_CODEC_COUNT),
                                .is_append_time = i % 7 == 3};
}

static void bench_init(struct bench *bench, struct rng *rng, int64_t segment_bytes)
{
    *bench = (struct bench){.log = NULL};
    store_kit_init(&bench->kit);
    bench->kit.config.segment_bytes = segment_bytes;
    bench->kit.config.index_interval_bytes = 500;
    bench->log = store_kit_log(&bench->kit, "t-0");
    for (int i = 0; i < BATCHES; i++) {
        struct store_batch batch = batch_number(rng, i);

        for (int k = 0; k < RECORDS; k++)
            bench->times[i * RECORDS + k] = batch.time + (batch.is_append_time ? 0 : k);
        check_eq(store_kit_put(&bench->kit, bench->log, &batch), i * RECORDS);
    }
}

static void bench_fini(struct bench *bench)
{
    bench->log = log_abandon(bench->log);
    store_kit_fini(&bench->kit);
}

/* The first record from `from` on below `limit` that is at least so late, by looking. */
static int64_t first_at(const struct bench *bench, int64_t from, int64_t timestamp, int64_t limit)
{
    for (int64_t i = from; i < min_of(limit, (int64_t)END); i++)
        if (bench->times[i] >= timestamp)
            return i;
    return -1;
}

static void check_time(struct bench *bench, int64_t timestamp, int64_t limit)
{
    int64_t wanted = first_at(bench, log_start(bench->log), timestamp, limit);
    struct log_time_offset found;

    check_ok(log_find_time(bench->log, timestamp, limit, &found));
    check_eq(found.offset, wanted);
    check_eq(found.timestamp, wanted < 0 ? -1 : bench->times[wanted]);
    check_eq(found.leader_epoch, wanted < 0 ? -1 : 0);
}

/* All times, and limits at the ends of batches. */
static void check_times(struct bench *bench, struct rng *rng)
{
    for (int64_t timestamp = 9890; timestamp < 10000 + 20 * BATCHES + 10; timestamp += 3) {
        check_time(bench, timestamp, END);
        check_time(bench, timestamp, rng_between(rng, 0, BATCHES) * RECORDS);
    }
    check_time(bench, 0, END);
    check_time(bench, -1, END);
    check_time(bench, INT64_MIN, END);
    check_time(bench, INT64_MAX, END);
    log_check(bench->log);
}

static void check_largest(struct bench *bench)
{
    struct log_time_offset found;
    int64_t largest = -1;

    for (int64_t i = log_start(bench->log); i < END; i++)
        largest = max_of(largest, bench->times[i]);
    check_ok(log_find_max_time(bench->log, END, &found));
    check_eq(found.timestamp, largest);
    check_eq(found.offset, first_at(bench, log_start(bench->log), largest, END));
}

PROPERTY(log_time, the_first_record_that_is_late_enough_is_found, 6)
{
    struct bench bench;

    bench_init(&bench, rng, rng_between(rng, 1000, 40000));
    check_times(&bench, rng);
    check_largest(&bench);
    store_kit_close_log(&bench.kit, bench.log);
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    bench.log = store_kit_log(&bench.kit, "t-0");
    check_times(&bench, rng);
    check_largest(&bench);
    bench_fini(&bench);
}

PROPERTY(log_time, missing_indexes_of_time_change_no_answer, 4)
{
    struct bench bench;

    bench_init(&bench, rng, 3000);
    store_kit_close_log(&bench.kit, bench.log);
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    files_remove(store_kit_path(&bench.kit, "t-0"), "00000000000000000000.timeindex");
    bench.log = store_kit_log(&bench.kit, "t-0");
    check(bench.log->segment_count > 2);
    for (size_t i = 0; i < bench.log->segment_count; i++) {
        char name[SEGMENT_NAME_SIZE];

        segment_name(name, bench.log->segments[i].base, i % 2 ? ".index" : ".timeindex");
        if (i + 1 < bench.log->segment_count)
            files_remove(store_kit_path(&bench.kit, "t-0"), name);
    }
    check_largest(&bench);
    check_times(&bench, rng);
    bench_fini(&bench);
}

PROPERTY(log_time, an_index_that_lies_changes_no_answer, 4)
{
    static const char *const names[] = {"00000000000000000000.index",
                                        "00000000000000000000.timeindex"};
    static const int64_t widths[] = {8, 12};
    struct bench bench;

    bench_init(&bench, rng, 12000);
    store_kit_close_log(&bench.kit, bench.log);
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    bench.log = store_kit_log(&bench.kit, "t-0");
    check(bench.log->segment_count > 1);
    for (int i = 0; i < 24; i++) {
        const char *path = store_kit_path(&bench.kit, "t-0");
        int64_t width = widths[i % 2];
        int64_t entries = files_size(path, names[i % 2]) / width;
        int64_t at = rng_between(rng, 0, entries - 2) * width + rng_between(rng, 0, 7);
        uint8_t mask = (uint8_t)(1U << rng_below(rng, 8));

        check(entries > 4);
        files_flip(path, names[i % 2], at, mask);
        for (int64_t time = 9890; time < 10000 + 20 * BATCHES; time += 17)
            check_time(&bench, time, END);
        files_flip(store_kit_path(&bench.kit, "t-0"), names[i % 2], at, mask);
    }
    bench_fini(&bench);
}

TEST(log_time, records_below_the_start_do_not_count)
{
    struct rng seeded = rng_of(5);
    struct bench bench;

    bench_init(&bench, &seeded, 3000);
    for (int64_t start = 0; start < 100; start += 9) {
        check_ok(store_kit_sync(&bench.kit, bench.log));
        bench.log->start = start;
        check_times(&bench, &seeded);
        bench.log->start = 0;
    }
    bench_fini(&bench);
}

TEST(log_time, what_is_not_visible_yet_is_not_the_latest_either)
{
    struct log_time_offset found;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    check_ok(log_find_max_time(log, 0, &found));
    check_eq(found.offset, -1);
    store_kit_put(&kit, log, &(struct store_batch){.records = 2, .time = 50});
    store_kit_put(&kit, log, &(struct store_batch){.records = 2, .time = 70});
    check_ok(log_find_max_time(log, 4, &found));
    check(found.offset == 3 && found.timestamp == 71);
    check_ok(log_find_max_time(log, 2, &found));
    check_eq(found.offset, -1); /* As in Kafka. */
    check_ok(log_find_time(log, 60, 2, &found));
    check_eq(found.offset, -1);
    check_ok(log_find_time(log, 51, 2, &found));
    check(found.offset == 1 && found.timestamp == 51);
    check_ok(log_roll(log));
    store_kit_put(&kit, log, &(struct store_batch){.records = 2, .time = 90});
    check_ok(log_find_max_time(log, 4, &found));
    check_eq(found.offset, -1);
    check_ok(log_find_max_time(log, 6, &found));
    check(found.offset == 5 && found.timestamp == 91);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_time, a_batch_that_is_too_large_to_look_into_is_found_by_its_first_record)
{
    enum { RECORD = 1 << 20, COUNT = 70 };
    static char zeros[RECORD];
    struct log_append_terms terms = {.leader_epoch = 0};
    struct text bytes = {.data = NULL};
    struct log_time_offset found;
    struct log_appended appended;
    struct batch_builder builder;
    struct batch_header header;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 2, .time = 50});
    batch_builder_init(&builder);
    for (int i = 0; i < COUNT; i++)
        batch_builder_add(&builder, 100 + i, slice_null(), slice_of(zeros, sizeof(zeros)), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_ZSTD, 0, -1, &bytes));
    batch_builder_fini(&builder);
    check_ok(batch_parse(text_slice(&bytes), &header));
    check_ok(log_append(log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended));
    check_ok(log_write(log));
    check_ok(log_find_time(log, 120, COUNT + 2, &found));
    check(found.offset == 2 && found.timestamp == 100 + COUNT - 1);
    store_kit_close_log(&kit, log);
    text_fini(&bytes);
    store_kit_fini(&kit);
}
