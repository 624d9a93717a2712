/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/compactor.h"
#include "replica/partition_test.h"
#include "store/cleaner.h"

enum { TURNS_MAX = 100000 };

/* Partitions of a compacted topic. */
struct bench {
    struct replicas_kit kit;
    double bytes_per_second;
};

static void bench_init(struct bench *b)
{
    replicas_kit_init(&b->kit);
    b->bytes_per_second = 1e12;
    b->kit.config.compaction =
        (struct compaction_config){.min_dirty_ratio = 0.5, .max_lag_ms = INT64_MAX / 2};
    b->kit.config.log.segment_bytes = 1000;
    b->kit.config.log.is_compacted = true;
    replicas_kit_open(&b->kit);
}

static void start(struct bench *b)
{
    b->kit.replicas.compactor = compactor_create(&(struct compactor_options){
        .replicas = &b->kit.replicas,
        .is_enabled = true,
        .map_bytes_max = 1 << 20,
        .map_load = 0.9,
        .bytes_per_second = b->bytes_per_second,
    });
}

static void bench_fini(struct bench *b)
{
    compactor_stop(b->kit.replicas.compactor);
    replicas_kit_close(&b->kit);
    compactor_destroy(b->kit.replicas.compactor);
    replicas_kit_fini(&b->kit);
}

static void written(struct append *append, int outcome)
{
    (void)append;
    check_eq(outcome, 0);
}

/* Batches of one key. */
static struct partition *append_some(struct bench *b, int32_t index, int batches)
{
    struct partition *p;

    check_ok(replicas_get(&b->kit.replicas, &b->kit.topic, index, &p));
    for (int i = 0; i < batches; i++) {
        struct text bytes = {.data = NULL};
        struct append append = {.acks = 1, .done = written};

        store_batch_make(&(struct store_batch){.records = 1, .value_size = 60, .time = 1}, &bytes);
        append.batch = (uint8_t *)bytes.data;
        append.size = bytes.size;
        check_ok(partition_append(p, &append));
        loop_turn(&b->kit.loop, 0);
        text_fini(&bytes);
    }
    return p;
}

/* Batches of one key, behind which the recovery point is. */
static struct partition *fill(struct bench *b, int32_t index, int batches)
{
    struct partition *p = append_some(b, index, batches);

    upkeep_want_point(b->kit.replicas.dirs[0].upkeep, p);
    for (int i = 0; i < TURNS_MAX && !upkeep_is_idle(b->kit.replicas.dirs[0].upkeep); i++)
        loop_turn(&b->kit.loop, 0);
    check(upkeep_is_idle(b->kit.replicas.dirs[0].upkeep) && !log_is_new(p->log));
    return p;
}

/* Turns until the log is clean from its beginning. */
static bool is_cleaned(struct bench *b, const struct partition *p)
{
    for (int i = 0; i < TURNS_MAX && log_cleaned(p->log) < 0; i++)
        loop_turn(&b->kit.loop, 0);
    return log_cleaned(p->log) > 0;
}

static int64_t bytes_of(struct bench *b, struct partition *p)
{
    struct text bytes = {.data = NULL};
    int64_t size;

    check_ok(store_kit_read(&b->kit.store, p->log, 0, log_written(p->log), &bytes));
    size = (int64_t)bytes.size;
    text_fini(&bytes);
    return size;
}

TEST(compactor, what_is_dirty_enough_becomes_smaller)
{
    struct bench b;
    struct partition *p;
    int64_t before;

    bench_init(&b);
    p = fill(&b, 0, 60);
    before = bytes_of(&b, p);
    start(&b);
    check(is_cleaned(&b, p));
    check(bytes_of(&b, p) < before / 2);
    bench_fini(&b);
}

TEST(compactor, the_recovery_point_moves_where_compaction_waits_for_it)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    p = append_some(&b, 0, 60);
    check(log_is_new(p->log));
    start(&b);
    check(is_cleaned(&b, p)); /* Upkeep by itself would not come for a long time. */
    bench_fini(&b);
}

TEST(compactor, a_log_does_not_fall_asleep_before_it_was_cleaned)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    p = fill(&b, 0, 60);
    start(&b);
    for (int i = 0; i < 3; i++)
        replicas_rest(&b.kit.replicas, b.kit.replicas.dirs[0].upkeep);
    check(p->log);
    check(is_cleaned(&b, p));
    for (int i = 0; i < TURNS_MAX && p->log; i++) {
        loop_turn(&b.kit.loop, 0);
        replicas_rest(&b.kit.replicas, b.kit.replicas.dirs[0].upkeep);
    }
    check(!p->log);
    bench_fini(&b);
}

TEST(compactor, what_is_not_dirty_enough_waits_until_it_is_too_old)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    b.kit.config.compaction.min_dirty_ratio = 1;
    p = fill(&b, 0, 30);
    start(&b);
    for (int i = 0; i < 100; i++)
        loop_turn(&b.kit.loop, 0);
    check(log_cleaned(p->log) < 0);
    b.kit.config.compaction.max_lag_ms = 1;
    partition_configure(p, &b.kit.topic);
    check(is_cleaned(&b, p));
    bench_fini(&b);
}

TEST(compactor, a_log_that_is_deleted_ends_its_pass)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    b.bytes_per_second = 1; /* It will take its time. */
    p = fill(&b, 0, 60);
    start(&b);
    for (int i = 0; i < TURNS_MAX && !compactor_is_busy(b.kit.replicas.compactor); i++)
        loop_turn(&b.kit.loop, 0);
    check(compactor_is_busy(b.kit.replicas.compactor));
    partition_drop(p);
    bench_fini(&b);
}

TEST(compactor, other_logs_are_left_alone)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    b.kit.config.log.is_compacted = false;
    p = fill(&b, 0, 60);
    start(&b);
    for (int i = 0; i < 100; i++)
        loop_turn(&b.kit.loop, 0);
    check(!compactor_is_busy(b.kit.replicas.compactor) && log_cleaned(p->log) < 0);
    bench_fini(&b);
}
