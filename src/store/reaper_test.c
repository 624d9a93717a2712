/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/reaper.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { SEGMENTS = 100 };

#define FOREVER INT64_MAX

struct bench {
    struct store_kit kit;
    struct loop loop;
    struct reaper *reaper;
    struct log *log;
};

/* A log of segments of one batch each, most of them below its start. */
static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.reaper = NULL};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    bench->kit.config.segment_bytes = 100;
    bench->log = store_kit_log(&bench->kit, "t-0");
    for (int i = 0; i <= SEGMENTS; i++)
        store_kit_put(&bench->kit, bench->log, &(struct store_batch){.records = 1});
    check_ok(store_kit_sync(&bench->kit, bench->log));
    log_advance_start(bench->log, SEGMENTS);
    loop_init(&bench->loop, bench->kit.env.io);
    bench->reaper = reaper_create(&bench->loop, bench->kit.env.diag);
}

static void bench_fini(struct bench *bench, bool clean)
{
    bench->kit.faulty.holds_work = false;
    bench->reaper = reaper_destroy(bench->reaper, clean);
    loop_fini(&bench->loop);
    log_abandon(bench->log);
}

static void drop(struct bench *bench, int segments, int64_t delay_ms)
{
    int64_t base;

    for (int i = 0; i < segments; i++) {
        check_ok(log_drop_segment(bench->log, &base));
        reaper_add(bench->reaper, log_folder(bench->log), base, delay_ms);
    }
}

static int left(struct bench *bench)
{
    return files_count(store_kit_path(&bench->kit, "t-0"), ".log.deleted");
}

TEST(reaper, a_segment_is_unlinked_by_a_worker_when_its_time_has_come)
{
    struct bench bench;

    bench_init(&bench);
    drop(&bench, 2, FOREVER);
    drop(&bench, 3, 0);
    check_eq(reaper_count(bench.reaper), 5);
    loop_turn(&bench.loop, 0);
    check_eq(left(&bench), 5);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check_eq(left(&bench), 2);
    check_eq(reaper_count(bench.reaper), 2);
    check_eq(files_count(store_kit_path(&bench.kit, "t-0"), ".deleted"), 2 * 3 + 1);
    loop_turn(&bench.loop, 0);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 0);
    bench_fini(&bench, false);
    check_eq(left(&bench), 2); /* As a crash leaves them. */
    store_kit_fini(&bench.kit);
}

TEST(reaper, many_are_unlinked_in_several_pieces_of_work)
{
    struct bench bench;
    int works = 0;

    bench_init(&bench);
    drop(&bench, SEGMENTS, 0);
    while (left(&bench) > 0) {
        loop_turn(&bench.loop, 0);
        check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
        works++;
    }
    check_eq(works, 2);
    check_eq(files_count(store_kit_path(&bench.kit, "t-0"), ".deleted"), 0);
    bench_fini(&bench, true);
    store_kit_fini(&bench.kit);
}

TEST(reaper, a_clean_end_leaves_nothing)
{
    struct bench bench;

    bench_init(&bench);
    drop(&bench, 2, 0);
    loop_turn(&bench.loop, 0); /* In flight. */
    drop(&bench, 2, FOREVER);
    bench_fini(&bench, true);
    check_eq(left(&bench), 0);
    store_kit_fini(&bench.kit);
}

TEST(reaper, a_file_that_cannot_be_unlinked_is_told_and_stays)
{
    struct bench bench;

    bench_init(&bench);
    drop(&bench, 1, 0);
    loop_turn(&bench.loop, 0);
    faulty_io_arm(&bench.kit.faulty, FAULTY_NAMES, 1, -EIO);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    check(diag_lines_have(&bench.kit.lines, "could not be unlinked"));
    check_eq(left(&bench), 1);
    check_eq(reaper_count(bench.reaper), 0);
    bench_fini(&bench, true);
    store_kit_fini(&bench.kit);
}
