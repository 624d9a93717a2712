/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/syncer.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

/* Somebody with a log. */
struct asker {
    struct syncer_request request;
    struct syncer *syncer;
    struct log *log;
    int heard;       /* How often. */
    int result;      /* What last. */
    int64_t durable; /* Of the log, when it was heard. */
    int asks;        /* How often to ask again on hearing. */
    struct asker *forgets;
};

struct bench {
    struct store_kit kit;
    struct loop loop;
    struct syncer *syncer;
    struct asker askers[3];
};

static void heard(struct syncer_request *request, int r)
{
    struct asker *asker = container_of(request, struct asker, request);

    asker->heard++;
    asker->result = r;
    asker->durable = log_synced(asker->log);
    if (asker->asks > 0) {
        asker->asks--;
        syncer_ask(asker->syncer, asker->log, &asker->request);
    }
    if (asker->forgets)
        syncer_forget(asker->syncer, &asker->forgets->request);
}

static struct syncer *make_syncer(struct bench *bench, size_t commit_block)
{
    return syncer_create(&(struct syncer_options){.loop = &bench->loop,
                                                  .diag = bench->kit.env.diag,
                                                  .dir = bench->kit.dir,
                                                  .commit_block = commit_block});
}

static const char *const names[] = {"a-0", "b-0", "c-0"};

static void bench_init(struct bench *bench)
{

    *bench = (struct bench){.syncer = NULL};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->syncer = make_syncer(bench, 0);
    for (size_t i = 0; i < COUNT_OF(bench->askers); i++)
        bench->askers[i] = (struct asker){.request = {.done = heard},
                                          .syncer = bench->syncer,
                                          .log = store_kit_log(&bench->kit, names[i])};
}

static void bench_fini(struct bench *bench)
{
    for (size_t i = 0; i < COUNT_OF(bench->askers); i++) {
        if (bench->syncer)
            syncer_forget(bench->syncer, &bench->askers[i].request);
        log_abandon(bench->askers[i].log);
    }
    bench->kit.faulty.holds_work = false;
    bench->syncer = syncer_destroy(bench->syncer);
    loop_fini(&bench->loop);
    store_kit_fini(&bench->kit);
}

/* Writes to the log of an asker, who asks. */
static void put(struct bench *bench, int asker)
{
    struct asker *a = &bench->askers[asker];

    store_kit_put(&bench->kit, a->log, &(struct store_batch){.records = 1});
    syncer_ask(bench->syncer, a->log, &a->request);
}

static void turn(struct bench *bench)
{
    loop_turn(&bench->loop, 0);
}

/* The worker does what it has; true if there was something. */
static bool work(struct bench *bench)
{
    return faulty_io_run_work(&bench->kit.faulty) > 0;
}

TEST(syncer, what_is_asked_for_in_one_turn_is_one_round)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, 0);
    put(&bench, 1);
    put(&bench, 0);
    check(!work(&bench));
    turn(&bench);
    check(bench.askers[0].heard == 0);
    check(work(&bench) && !work(&bench));
    check(bench.askers[0].heard == 1 && bench.askers[0].result == 0);
    check(bench.askers[0].durable == 2 && bench.askers[1].durable == 1);
    check(bench.askers[1].heard == 1 && bench.askers[2].heard == 0);
    turn(&bench);
    check(!work(&bench));
    bench_fini(&bench);
}

TEST(syncer, what_is_asked_for_while_a_round_runs_is_in_the_next)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, 0);
    turn(&bench);
    put(&bench, 0);
    put(&bench, 1);
    turn(&bench);
    put(&bench, 2);
    check(work(&bench));
    check(bench.askers[0].heard == 1 && bench.askers[0].durable == 1);
    check(bench.askers[1].heard == 0 && bench.askers[2].heard == 0);
    check(!work(&bench)); /* It begins at the end of the turn. */
    turn(&bench);
    check(work(&bench) && !work(&bench));
    check(bench.askers[0].heard == 2 && bench.askers[0].durable == 2);
    check(bench.askers[1].heard == 1 && bench.askers[2].heard == 1);
    turn(&bench);
    check(!work(&bench));
    bench_fini(&bench);
}

TEST(syncer, who_asks_again_when_it_hears_is_heard_again)
{
    struct bench bench;

    bench_init(&bench);
    bench.askers[0].asks = 3;
    put(&bench, 0);
    for (int i = 1; i <= 4; i++) {
        turn(&bench);
        check(work(&bench)); /* Though there is nothing to sync. */
        check_eq(bench.askers[0].heard, i);
    }
    turn(&bench);
    check(!work(&bench));
    bench_fini(&bench);
}

TEST(syncer, who_is_forgotten_hears_nothing_and_may_be_gone)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, 0); /* Waiting. */
    syncer_forget(bench.syncer, &bench.askers[0].request);
    turn(&bench);
    check(!work(&bench));

    put(&bench, 0); /* Running. */
    put(&bench, 1);
    turn(&bench);
    syncer_forget(bench.syncer, &bench.askers[0].request);
    bench.askers[0].log = log_abandon(bench.askers[0].log);
    check(work(&bench));
    check(bench.askers[0].heard == 0 && bench.askers[1].heard == 1);

    bench.askers[1].forgets = &bench.askers[2]; /* While the others are told. */
    put(&bench, 1);
    put(&bench, 2);
    turn(&bench);
    check(work(&bench));
    check(bench.askers[1].heard == 2 && bench.askers[2].heard == 0);
    check_eq(log_synced(bench.askers[2].log), 1);
    bench_fini(&bench);
}

TEST(syncer, a_failure_is_told_to_everybody_and_fences_the_folder)
{
    for (int n = 1; n <= 6; n++) {
        struct bench bench;

        bench_init(&bench);
        put(&bench, 0);
        put(&bench, 1);
        turn(&bench);
        put(&bench, 2);
        faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, n, -EIO);
        check(work(&bench));
        check(bench.askers[0].heard == 1 && bench.askers[0].result == -EIO);
        check(bench.askers[1].heard == 1 && bench.askers[1].result == -EIO);
        check(bench.askers[0].durable == 0 && bench.askers[1].durable == 0);
        check(log_dir_is_fenced(bench.kit.dir));
        check(diag_lines_have(&bench.kit.lines, "sync of the log failed"));

        turn(&bench); /* A later sync may well say that all is well. */
        check(work(&bench));
        check(bench.askers[2].heard == 1 && bench.askers[2].result == -EIO);
        check_eq(bench.askers[2].durable, 0);
        bench_fini(&bench);
    }
}

TEST(syncer, a_failure_of_somebody_else_fails_the_round_too)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, 0);
    turn(&bench);
    log_dir_fence(bench.kit.dir); /* Another shard's syncer. */
    check(work(&bench));
    check(bench.askers[0].heard == 1 && bench.askers[0].result == -EIO);
    check_eq(log_synced(bench.askers[0].log), 0);
    bench_fini(&bench);
}

TEST(syncer, an_end_waits_for_what_is_in_flight_and_tells_nobody)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, 0);
    turn(&bench);
    bench.kit.faulty.holds_work = false;
    bench.syncer = syncer_destroy(bench.syncer);
    check_eq(bench.askers[0].heard, 0);
    check(!work(&bench));
    bench.syncer = make_syncer(&bench, 0);
    check(!syncer_destroy(NULL));
    bench_fini(&bench);
}

/* --- through the commit log ------------------------------------------------- */

/* As bench_init(), with a commit log, and the names of the logs' files durable. */
static void commit_bench_init(struct bench *bench, size_t commit_block)
{
    bench_init(bench);
    bench->syncer = syncer_destroy(bench->syncer);
    bench->syncer = make_syncer(bench, commit_block);
    for (int i = 0; i < 3; i++) {
        bench->askers[i].syncer = bench->syncer;
        put(bench, i);
    }
    turn(bench);
    check(work(bench));
    check_eq(syncer_counts(bench->syncer)->committed, 0); /* New names go nowhere else. */
}

/* A round in which the first two logs get a batch each. */
static void put_two(struct bench *bench)
{
    put(bench, 0);
    put(bench, 1);
    turn(bench);
    check(work(bench));
}

TEST(syncer, what_is_in_the_commit_log_is_durable_though_the_segments_lose_it)
{
    const char *segment = "00000000000000000000.log";
    uint64_t synced[2];
    struct bench bench;

    commit_bench_init(&bench, 1 << 20);
    for (int i = 0; i < 3; i++)
        put_two(&bench);
    check_eq(syncer_counts(bench.syncer)->committed, 3);
    check(syncer_counts(bench.syncer)->committed_bytes > 0);
    check_eq(syncer_counts(bench.syncer)->sync.count, syncer_counts(bench.syncer)->rounds);
    check_eq(syncer_counts(bench.syncer)->queue.count, syncer_counts(bench.syncer)->rounds);
    put(&bench, 2); /* One file is synced by itself. */
    turn(&bench);
    check(work(&bench));
    check_eq(syncer_counts(bench.syncer)->committed, 3);
    check(files_count(store_kit_path(&bench.kit, "moldau.commit"), "") > 2);
    for (int i = 0; i < 2; i++) {
        check(bench.askers[i].durable == 4 && bench.askers[i].result == 0);
        synced[i] = bench.askers[i].log->segments[0].synced_size;
        check(synced[i] < bench.askers[i].log->segments[0].size);
    }
    for (int i = 0; i < 3; i++) {
        syncer_forget(bench.syncer, &bench.askers[i].request);
        bench.askers[i].log = log_abandon(bench.askers[i].log);
    }
    bench.syncer = syncer_destroy(bench.syncer);
    store_kit_close(&bench.kit, false); /* The power fails. */
    for (int i = 0; i < 2; i++)
        files_truncate(store_kit_path(&bench.kit, names[i]), segment, (int64_t)synced[i]);
    store_kit_open(&bench.kit);
    check(diag_lines_have(&bench.kit.lines, "commit log of an unclean stop replayed"));
    for (int i = 0; i < 3; i++) {
        struct log *log = store_kit_log(&bench.kit, names[i]);

        check_eq(log_end(log), i < 2 ? 4 : 2);
        store_kit_close_log(&bench.kit, log);
    }
    store_kit_close(&bench.kit, true);
    check_eq(files_count(store_kit_path(&bench.kit, "moldau.commit"), ""), -1);
    store_kit_open(&bench.kit);
    bench_fini(&bench);
}

TEST(syncer, a_block_that_is_half_full_is_flushed_into_the_segments)
{
    struct bench bench;
    int rounds = 0;

    commit_bench_init(&bench, 16 * 1024);
    while (syncer_counts(bench.syncer)->flushes == 0) {
        put_two(&bench);
        check(++rounds < 1000);
    }
    check(rounds > 5);
    put(&bench, 0); /* Goes on beside the flush. */
    put(&bench, 1);
    turn(&bench);
    check(work(&bench));
    for (int i = 0; i < 2; i++) {
        const struct segment *segment = &bench.askers[i].log->segments[0];

        check(segment->synced_size > 0 && segment->committed_size == segment->size);
        check_eq(bench.askers[i].durable, rounds + 2);
        log_check(bench.askers[i].log);
    }
    for (int i = 0; i < 3 * rounds; i++)
        put_two(&bench);
    check(syncer_counts(bench.syncer)->flushes >= 3);
    check_eq(log_synced(bench.askers[0].log), 4 * rounds + 2);
    bench_fini(&bench);
}

TEST(syncer, a_flush_that_fails_fences_the_folder)
{
    struct bench bench;
    int rounds = 0;

    commit_bench_init(&bench, 16 * 1024);
    while (syncer_counts(bench.syncer)->flushes == 0) {
        put_two(&bench);
        check(++rounds < 1000);
    }
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    check(work(&bench)); /* The flush. */
    check(log_dir_is_fenced(bench.kit.dir));
    faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    syncer_ask(bench.syncer, bench.askers[0].log, &bench.askers[0].request);
    turn(&bench);
    check(work(&bench));
    check_eq(bench.askers[0].result, -EIO);
    bench_fini(&bench);
}

/* Somebody who cuts a log. */
struct cutter {
    struct syncer_cut cut;
    int heard;
    int result;
};

static void cut_heard(struct syncer_cut *cut, int r)
{
    struct cutter *cutter = container_of(cut, struct cutter, cut);

    cutter->heard++;
    cutter->result = r;
}

static struct cutter cutter_of(const struct bench *bench)
{
    return (struct cutter){
        .cut = {.done = cut_heard, .log_name = "a-0", .topic_id = bench->kit.topic_id}};
}

TEST(syncer, without_a_commit_log_a_cut_is_done_at_once)
{
    struct bench bench;
    struct cutter cutter;

    bench_init(&bench);
    cutter = cutter_of(&bench);
    syncer_ask_cut(bench.syncer, &cutter.cut);
    check_eq(cutter.heard, 0);
    turn(&bench);
    check(cutter.heard == 1 && cutter.result == 0 && !work(&bench));
    bench_fini(&bench);
}

TEST(syncer, a_cut_is_a_round_of_its_own)
{
    struct bench bench;
    struct cutter cutter;
    uint64_t rounds;

    commit_bench_init(&bench, 64 * 1024);
    cutter = cutter_of(&bench);
    put_two(&bench);
    rounds = syncer_counts(bench.syncer)->rounds;
    put(&bench, 0);
    syncer_ask_cut(bench.syncer, &cutter.cut);
    turn(&bench);
    check(work(&bench));
    check(cutter.heard == 1 && cutter.result == 0);
    check_eq(bench.askers[0].durable, 1 + 1);
    turn(&bench);
    check(work(&bench));
    check_eq(bench.askers[0].durable, 1 + 2);
    check_eq(syncer_counts(bench.syncer)->rounds, rounds + 2);
    bench_fini(&bench);
}

TEST(syncer, a_cut_that_fails_fences_the_folder)
{
    struct bench bench;
    struct cutter cutter;

    commit_bench_init(&bench, 64 * 1024);
    cutter = cutter_of(&bench);
    put_two(&bench);
    syncer_ask_cut(bench.syncer, &cutter.cut);
    turn(&bench);
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    check(work(&bench));
    faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    check(cutter.heard == 1 && cutter.result == -EIO);
    check(log_dir_is_fenced(bench.kit.dir));
    bench_fini(&bench);
}

TEST(syncer, cuts_wait_for_room_in_the_commit_log)
{
    struct bench bench;
    static struct cutter cutters[300];

    commit_bench_init(&bench, 16 * 1024);
    put_two(&bench);
    for (size_t i = 0; i < COUNT_OF(cutters); i++) {
        cutters[i] = cutter_of(&bench);
        syncer_ask_cut(bench.syncer, &cutters[i].cut);
    }
    for (int i = 0; i < 10; i++) {
        turn(&bench);
        work(&bench);
    }
    for (size_t i = 0; i < COUNT_OF(cutters); i++)
        check(cutters[i].heard == 1 && cutters[i].result == 0);
    check(syncer_counts(bench.syncer)->flushes > 0);
    bench_fini(&bench);
}
