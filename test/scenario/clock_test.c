/* SPDX-License-Identifier: Apache-2.0 */

/* test/scenario/clock_test.c - what a broker deletes when its clock jumps. */

#include "base/age_clock.h"
#include "test/harness/check.h"
#include "test/scenario/bench.h"

#define HOUR_US (INT64_C(3600) * BENCH_SECOND_US)
#define YEARS_MS (INT64_C(10) * 365 * 24 * 3600 * 1000)

enum { EARLIEST = -2 };

static struct bench *bench_of(const char *retention_ms)
{
    return bench_create(&(struct bench_options){
        .seed = 1,
        .shards = 1,
        .partitions = 1,
        .settings = {{"log.retention.check.interval.ms", "5000"},
                     {"log.initial.task.delay.ms", "0"},
                     {"connections.max.idle.ms", "-1"}},
        .configs = {{"message.timestamp.type", "LogAppendTime"}, {"retention.ms", retention_ms}},
    });
}

static int64_t earliest(struct bench *b)
{
    (void)bench_list_offsets(b, 0, EARLIEST);
    return b->offset;
}

TEST(clock, records_go_when_they_are_old)
{
    struct bench *b = bench_of("60000");

    bench_run_for(b, 50 * BENCH_SECOND_US);
    check_eq(earliest(b), 0);
    bench_run_for(b, 15 * BENCH_SECOND_US);
    check_eq(earliest(b), 1);
    bench_destroy(b);
}

TEST(clock, nothing_is_deleted_for_a_jump_ahead_until_the_clock_is_steady)
{
    struct bench *b = bench_of("18000000"); /* Five hours. */

    sim_node_jump_clock(b->run.server->node, YEARS_MS);
    bench_run_for(b, HOUR_US - 30 * BENCH_SECOND_US);
    check_eq(earliest(b), 0);
    bench_run_for(b, 60 * BENCH_SECOND_US);
    check_eq(earliest(b), 1); /* It is ten years old, as far as anybody knows. */
    bench_destroy(b);
}

TEST(clock, a_jump_that_is_taken_back_deletes_nothing)
{
    struct bench *b = bench_of("18000000");

    for (int i = 0; i < 6; i++) {
        sim_node_jump_clock(b->run.server->node, i % 2 ? -YEARS_MS : YEARS_MS);
        bench_run_for(b, HOUR_US / 2);
        check_eq(earliest(b), 0);
    }
    bench_run_for(b, 3 * HOUR_US);
    check_eq(earliest(b), 1);
    bench_destroy(b);
}

TEST(clock, records_that_were_written_ahead_of_time_stay)
{
    struct bench *b = bench_of("60000");

    sim_node_jump_clock(b->run.server->node, YEARS_MS);
    (void)bench_produce(b, 0, 1, -1);
    sim_node_jump_clock(b->run.server->node, -YEARS_MS);
    bench_run_for(b, 2 * HOUR_US);
    check_eq(earliest(b), 1); /* The one that was written before is old, this one is not. */
    bench_destroy(b);
}
