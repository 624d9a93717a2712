/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/compactor.h"
#include "replica/partition.h"
#include "store/cleaner.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { PARTITIONS = 4, LONG_MS = 1000 * 1000, TURNS_MAX = 100000 };

/* Partitions of one compacted topic on one loop; checkpoints are kept by hand. */
struct bench {
    struct store_kit kit;
    struct loop loop;
    struct replicas replicas;
    struct image_partition places[PARTITIONS];
    struct image_topic topic;
    char name[8];
    struct partition_config config;
    double bytes_per_second;
};

static void configure(struct replicas *replicas, const struct image_topic *topic,
                      struct partition_config *out)
{
    (void)topic;
    *out = ((struct bench *)replicas->owner)->config;
}

static void keep(struct replicas *replicas, struct upkeep_notes *notes)
{
    (void)replicas;
    notes->done(notes, 0);
}

static void bench_init(struct bench *b)
{
    *b = (struct bench){.name = "t", .bytes_per_second = 1e12};
    store_kit_init(&b->kit);
    loop_init(&b->loop, b->kit.env.io);
    b->config = (struct partition_config){
        .log = b->kit.config,
        .rules = {.timestamp_before_max_ms = INT64_MAX,
                  .timestamp_after_max_ms = INT64_MAX,
                  .record_max = 1 << 20},
        .compaction = {.min_dirty_ratio = 0.5, .max_lag_ms = INT64_MAX / 2},
    };
    b->config.log.segment_bytes = 1000;
    b->config.log.is_compacted = true;
    b->topic = (struct image_topic){.name = b->name,
                                    .id = b->kit.topic_id,
                                    .partition_count = PARTITIONS,
                                    .partitions = b->places};
    b->replicas = (struct replicas){.loop = &b->loop,
                                    .diag = b->kit.env.diag,
                                    .env = b->kit.env,
                                    .dir_count = 1,
                                    .configure = configure,
                                    .keep = keep,
                                    .owner = b};
    b->replicas.dirs[0].dir = b->kit.dir;
    b->replicas.dirs[0].syncer = syncer_create(
        &(struct syncer_options){.loop = &b->loop, .diag = b->kit.env.diag, .dir = b->kit.dir});
    replicas_init(&b->replicas);
    b->replicas.dirs[0].upkeep =
        upkeep_create(&(struct upkeep_options){.replicas = &b->replicas, .interval_ms = LONG_MS});
}

static void start(struct bench *b)
{
    b->replicas.compactor = compactor_create(&(struct compactor_options){
        .replicas = &b->replicas,
        .is_enabled = true,
        .map_bytes_max = 1 << 20,
        .map_load = 0.9,
        .bytes_per_second = b->bytes_per_second,
    });
}

static void bench_fini(struct bench *b)
{
    compactor_stop(b->replicas.compactor);
    upkeep_stop(b->replicas.dirs[0].upkeep);
    check_ok(replicas_fini(&b->replicas, true));
    compactor_destroy(b->replicas.compactor);
    upkeep_destroy(b->replicas.dirs[0].upkeep, true);
    syncer_destroy(b->replicas.dirs[0].syncer);
    loop_fini(&b->loop);
    store_kit_fini(&b->kit);
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

    check_ok(replicas_get(&b->replicas, &b->topic, index, &p));
    for (int i = 0; i < batches; i++) {
        struct text bytes = {.data = NULL};
        struct append append = {.acks = 1, .done = written};

        store_batch_make(&(struct store_batch){.records = 1, .value_size = 60, .time = 1}, &bytes);
        append.batch = (uint8_t *)bytes.data;
        append.size = bytes.size;
        check_ok(partition_append(p, &append));
        loop_turn(&b->loop, 0);
        text_fini(&bytes);
    }
    return p;
}

/* Batches of one key, behind which the recovery point is. */
static struct partition *fill(struct bench *b, int32_t index, int batches)
{
    struct partition *p = append_some(b, index, batches);

    upkeep_want_point(b->replicas.dirs[0].upkeep, p);
    for (int i = 0; i < TURNS_MAX && !upkeep_is_idle(b->replicas.dirs[0].upkeep); i++)
        loop_turn(&b->loop, 0);
    check(upkeep_is_idle(b->replicas.dirs[0].upkeep) && !log_is_new(p->log));
    return p;
}

/* Turns until the log is clean from its beginning. */
static bool is_cleaned(struct bench *b, const struct partition *p)
{
    for (int i = 0; i < TURNS_MAX && log_cleaned(p->log) < 0; i++)
        loop_turn(&b->loop, 0);
    return log_cleaned(p->log) > 0;
}

static int64_t bytes_of(struct bench *b, struct partition *p)
{
    struct text bytes = {.data = NULL};
    int64_t size;

    check_ok(store_kit_read(&b->kit, p->log, 0, log_written(p->log), &bytes));
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
        replicas_rest(&b.replicas, b.replicas.dirs[0].upkeep);
    check(p->log);
    check(is_cleaned(&b, p));
    for (int i = 0; i < TURNS_MAX && p->log; i++) {
        loop_turn(&b.loop, 0);
        replicas_rest(&b.replicas, b.replicas.dirs[0].upkeep);
    }
    check(!p->log);
    bench_fini(&b);
}

TEST(compactor, what_is_not_dirty_enough_waits_until_it_is_too_old)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    b.config.compaction.min_dirty_ratio = 1;
    p = fill(&b, 0, 30);
    start(&b);
    for (int i = 0; i < 100; i++)
        loop_turn(&b.loop, 0);
    check(log_cleaned(p->log) < 0);
    b.config.compaction.max_lag_ms = 1;
    partition_configure(p, &b.topic);
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
    for (int i = 0; i < TURNS_MAX && !compactor_is_busy(b.replicas.compactor); i++)
        loop_turn(&b.loop, 0);
    check(compactor_is_busy(b.replicas.compactor));
    partition_drop(p);
    bench_fini(&b);
}

TEST(compactor, other_logs_are_left_alone)
{
    struct bench b;
    struct partition *p;

    bench_init(&b);
    b.config.log.is_compacted = false;
    p = fill(&b, 0, 60);
    start(&b);
    for (int i = 0; i < 100; i++)
        loop_turn(&b.loop, 0);
    check(!compactor_is_busy(b.replicas.compactor) && log_cleaned(p->log) < 0);
    bench_fini(&b);
}
