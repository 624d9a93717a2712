/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

static const char points[] = "recovery-point-offset-checkpoint";
static const char watermarks[] = "replication-offset-checkpoint";
static const char starts[] = "log-start-offset-checkpoint";

static const struct uuid other_id = {{9, 9, 9, 9}};

/* Somebody who asks. */
struct asker {
    struct keeper_request request;
    struct keeper *keeper;
    int heard;
    int result;
    bool asks_again;
};

struct bench {
    struct store_kit kit;
    struct loop loop;
    struct keeper *keeper;
    struct asker askers[2];
};

static void heard(struct keeper_request *request, int r)
{
    struct asker *asker = container_of(request, struct asker, request);

    asker->heard++;
    asker->result = r;
    if (asker->asks_again)
        keeper_ask(asker->keeper, &asker->request);
    asker->asks_again = false;
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.keeper = NULL};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->keeper = keeper_create(&bench->loop, bench->kit.dir);
    for (size_t i = 0; i < COUNT_OF(bench->askers); i++)
        bench->askers[i] = (struct asker){.request = {.done = heard}, .keeper = bench->keeper};
}

static void bench_fini(struct bench *bench)
{
    bench->kit.faulty.holds_work = false;
    bench->keeper = keeper_destroy(bench->keeper);
    loop_fini(&bench->loop);
    store_kit_fini(&bench->kit);
}

static void note(struct bench *bench, const char *topic, int64_t point, int64_t start)
{
    keeper_note(bench->keeper, &(struct keeper_note){.topic = slice_text(topic),
                                                     .topic_id = bench->kit.topic_id,
                                                     .recovery_point = point,
                                                     .high_watermark = point,
                                                     .start = start});
}

static void ask(struct bench *bench, int asker)
{
    keeper_ask(bench->keeper, &bench->askers[asker].request);
}

/* One turn, and what the worker has to do; true if there was something. */
static bool turn(struct bench *bench)
{
    loop_turn(&bench->loop, 0);
    return faulty_io_run_work(&bench->kit.faulty) > 0;
}

static void check_file(struct bench *bench, const char *name, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(bench->kit.path, name, &bytes));
    check_text(bytes.data, wanted);
    text_fini(&bytes);
}

TEST(keeper, what_was_noted_is_written_when_somebody_asks)
{
    struct bench bench;

    bench_init(&bench);
    note(&bench, "b", 7, -1);
    note(&bench, "a", 5, 2);
    note(&bench, "a", 6, 3);
    check(!turn(&bench));
    ask(&bench, 0);
    ask(&bench, 1);
    check(bench.askers[0].heard == 0);
    check(turn(&bench) && !turn(&bench));
    check(bench.askers[0].heard == 1 && bench.askers[0].result == 0);
    check(bench.askers[1].heard == 1 && bench.askers[1].result == 0);
    check_file(&bench, points, "0\n2\na 0 6\nb 0 7\n");
    check_file(&bench, watermarks, "0\n2\na 0 6\nb 0 7\n");
    check_file(&bench, starts, "0\n1\na 0 3\n");
    bench_fini(&bench);
}

TEST(keeper, what_is_noted_meanwhile_is_in_the_next_write)
{
    struct bench bench;

    bench_init(&bench);
    note(&bench, "a", 5, -1);
    ask(&bench, 0);
    loop_turn(&bench.loop, 0); /* The write is in flight. */
    note(&bench, "a", 6, -1);
    note(&bench, "b", 1, -1);
    keeper_forget(bench.keeper, slice_text("b"), 0, bench.kit.topic_id);
    ask(&bench, 1);
    bench.askers[0].asks_again = true;
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check(bench.askers[0].heard == 1 && bench.askers[1].heard == 0);
    check_file(&bench, points, "0\n1\na 0 5\n");
    check(turn(&bench));
    check(bench.askers[0].heard == 2 && bench.askers[1].heard == 1);
    check_file(&bench, points, "0\n1\na 0 6\n");
    bench_fini(&bench);
}

TEST(keeper, only_checkpoints_that_change_are_written)
{
    struct bench bench;
    int syncs;

    bench_init(&bench);
    note(&bench, "a", 5, -1);
    ask(&bench, 0);
    check(turn(&bench));
    syncs = bench.kit.faulty.syncs;
    note(&bench, "a", 5, -1);
    ask(&bench, 0);
    check(turn(&bench));
    check_eq(bench.kit.faulty.syncs, syncs);
    note(&bench, "a", 5, 4);
    ask(&bench, 0);
    check(turn(&bench));
    check_eq(bench.kit.faulty.syncs, syncs + 2); /* The file and the folder. */
    check_file(&bench, starts, "0\n1\na 0 4\n");
    bench_fini(&bench);
}

TEST(keeper, a_topic_that_is_deleted_leaves_no_line_for_the_next_of_its_name)
{
    struct bench bench;

    bench_init(&bench);
    note(&bench, "a", 500, 100);
    ask(&bench, 0);
    check(turn(&bench));
    keeper_forget(bench.keeper, slice_text("a"), 0, other_id); /* Long gone. */
    ask(&bench, 0);
    check(turn(&bench));
    check_file(&bench, points, "0\n1\na 0 500\n");
    keeper_forget(bench.keeper, slice_text("a"), 0, bench.kit.topic_id);
    ask(&bench, 0);
    check(turn(&bench));
    check_file(&bench, points, "0\n0\n");
    check_file(&bench, starts, "0\n0\n");

    /* A line that was read tells no id: the topic of its name was the one there was. */
    bench.kit.faulty.holds_work = false;
    bench.keeper = keeper_destroy(bench.keeper);
    store_kit_close(&bench.kit, false);
    files_write(bench.kit.path, starts, slice_text("0\n1\na 0 7\n"));
    store_kit_open(&bench.kit);
    bench.keeper = keeper_create(&bench.loop, bench.kit.dir);
    keeper_forget(bench.keeper, slice_text("a"), 0, other_id);
    ask(&bench, 0);
    loop_turn(&bench.loop, 0);
    loop_turn(&bench.loop, 0);
    check_file(&bench, starts, "0\n0\n");
    bench_fini(&bench);
}

TEST(keeper, a_write_that_fails_is_told_and_made_up_for_by_the_next)
{
    for (int n = 1;; n++) {
        struct bench bench;

        bench_init(&bench);
        note(&bench, "a", 5, 1);
        ask(&bench, 0);
        loop_turn(&bench.loop, 0);
        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -ENOSPC);
        check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        check_eq(bench.askers[0].heard, 1);
        if (bench.askers[0].result == 0) {
            check(n > 10);
            bench_fini(&bench);
            break;
        }
        check_eq(bench.askers[0].result, -ENOSPC);
        ask(&bench, 0);
        check(turn(&bench));
        check_eq(bench.askers[0].result, 0);
        check_file(&bench, points, "0\n1\na 0 5\n");
        check_file(&bench, starts, "0\n1\na 0 1\n");
        bench_fini(&bench);
    }
}

TEST(keeper, in_a_folder_that_is_fenced_nothing_is_written)
{
    struct bench bench;

    bench_init(&bench);
    log_dir_fence(bench.kit.dir);
    note(&bench, "a", 5, 1);
    ask(&bench, 0);
    check(turn(&bench));
    check_eq(bench.askers[0].result, -EIO);
    check_eq(files_size(bench.kit.path, points), -1);
    bench_fini(&bench);
}

TEST(keeper, the_end_waits_for_the_worker_and_gives_back_what_is_known)
{
    struct bench bench;
    struct log *log;

    bench_init(&bench);
    log = store_kit_log(&bench.kit, "a-0");
    store_kit_put(&bench.kit, log, &(struct store_batch){.records = 9});
    note(&bench, "a", 9, 4);
    ask(&bench, 0);
    loop_turn(&bench.loop, 0);
    ask(&bench, 1);
    bench.kit.faulty.holds_work = false;
    bench.keeper = keeper_destroy(bench.keeper);
    check(bench.askers[0].heard == 1 && bench.askers[0].result == 0);
    check(bench.askers[1].heard == 1 && bench.askers[1].result < 0);

    /* The log cannot be closed in order: its start is not lost all the same. */
    log_abandon(log);
    check_ok(log_dir_write_marks(bench.kit.dir));
    check_file(&bench, starts, "0\n1\na 0 4\n");
    check_file(&bench, points, "0\n0\n");
    bench_fini(&bench);
}
