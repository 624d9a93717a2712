/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/partition.h"
#include "replica/upkeep.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

enum { PARTITIONS = 40, LONG_MS = 1000 * 1000 };

static const char points[] = "recovery-point-offset-checkpoint";
static const char starts[] = "log-start-offset-checkpoint";

/* Partitions of one topic, with all that they need, on one loop. */
struct bench {
    struct store_kit kit;
    struct loop loop;
    struct keeper *keeper;
    struct keeper_request request;
    struct upkeep_notes *notes; /* On their way. */
    int keeps;
    struct replicas replicas;
    struct image_partition places[PARTITIONS];
    struct image_topic topic;
    char name[8];
    struct partition_config config;
};

struct waiter {
    struct start_wait wait;
    int heard, outcome;
    int64_t start; /* Of the log, when it was heard. */
    struct partition *partition;
};

static void configure(struct replicas *replicas, const struct image_topic *topic,
                      struct partition_config *out)
{
    (void)topic;
    *out = ((struct bench *)replicas->owner)->config;
}

static void noted(struct keeper_request *request, int r)
{
    struct bench *bench = container_of(request, struct bench, request);

    bench->notes->done(bench->notes, r);
}

static void keep(struct replicas *replicas, struct upkeep_notes *notes)
{
    struct bench *bench = replicas->owner;

    for (size_t i = 0; i < notes->count; i++)
        keeper_note(bench->keeper, &notes->items[i]);
    bench->notes = notes;
    bench->keeps++;
    keeper_ask(bench->keeper, &bench->request);
}

static void open_broker(struct bench *bench)
{
    bench->replicas = (struct replicas){.loop = &bench->loop,
                                        .diag = bench->kit.env.diag,
                                        .env = bench->kit.env,
                                        .dirs = {{.dir = bench->kit.dir}},
                                        .dir_count = 1,
                                        .configure = configure,
                                        .keep = keep,
                                        .owner = bench};
    bench->replicas.dirs[0].syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    replicas_init(&bench->replicas);
    bench->replicas.dirs[0].upkeep = upkeep_create(
        &(struct upkeep_options){.replicas = &bench->replicas, .interval_ms = LONG_MS});
    bench->keeper = keeper_create(&bench->loop, bench->kit.dir);
}

static void close_broker(struct bench *bench, bool clean)
{
    bench->kit.faulty.holds_work = false;
    upkeep_stop(bench->replicas.dirs[0].upkeep);
    bench->keeper = keeper_destroy(bench->keeper);
    check_ok(replicas_fini(&bench->replicas, clean));
    upkeep_destroy(bench->replicas.dirs[0].upkeep, clean);
    syncer_destroy(bench->replicas.dirs[0].syncer);
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.name = "t", .request = {.done = noted}};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->config = (struct partition_config){.log = bench->kit.config,
                                              .deletes = true,
                                              .rules = {.timestamp_before_max_ms = INT64_MAX,
                                                        .timestamp_after_max_ms = INT64_MAX,
                                                        .record_max = 1 << 20}};
    bench->config.log.segment_bytes = 1000;
    bench->topic = (struct image_topic){.name = bench->name,
                                        .id = bench->kit.topic_id,
                                        .partition_count = PARTITIONS,
                                        .partitions = bench->places};
    open_broker(bench);
}

static void bench_fini(struct bench *bench)
{
    loop_fini(&bench->loop);
    store_kit_fini(&bench->kit);
}

static void restart(struct bench *bench, bool clean)
{
    close_broker(bench, clean);
    store_kit_close(&bench->kit, clean);
    store_kit_open(&bench->kit);
    bench->kit.faulty.holds_work = true;
    open_broker(bench);
}

/* Turns until nothing is left to do. */
static void run(struct bench *bench)
{
    int quiet = 0;

    while (quiet < 3) {
        loop_turn(&bench->loop, 0);
        quiet = faulty_io_run_work(&bench->kit.faulty) ? 0 : quiet + 1;
    }
    check(upkeep_is_idle(bench->replicas.dirs[0].upkeep));
}

static struct partition *get(struct bench *bench, int32_t index)
{
    struct partition *p;

    check_ok(replicas_get(&bench->replicas, &bench->topic, index, &p));
    return p;
}

static void written(struct append *append, int outcome)
{
    (void)append;
    check_eq(outcome, 0);
}

/* Batches of one record each, in the file and told. */
static void put(struct bench *bench, struct partition *p, int batches)
{
    for (int i = 0; i < batches; i++) {
        struct text bytes = {.data = NULL};
        struct append append = {.acks = 1, .done = written};

        store_batch_make(&(struct store_batch){.records = 1, .value_size = 60, .time = 1}, &bytes);
        append.batch = (uint8_t *)bytes.data;
        append.size = bytes.size;
        check_ok(partition_append(p, &append));
        loop_turn(&bench->loop, 0);
        text_fini(&bytes);
    }
}

static void heard(struct start_wait *wait, int outcome)
{
    struct waiter *waiter = container_of(wait, struct waiter, wait);

    waiter->heard++;
    waiter->outcome = outcome;
    waiter->start = log_start(waiter->partition->log);
}

static struct waiter waiter_for(struct partition *p, int64_t offset)
{
    return (struct waiter){.wait = {.offset = offset, .done = heard}, .partition = p};
}

static void check_file(struct bench *bench, const char *name, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(bench->kit.path, name, &bytes));
    check_text(bytes.data, wanted);
    text_fini(&bytes);
}

/* --- recovery points -------------------------------------------------------- */

TEST(upkeep, recovery_points_of_all_logs_move_with_one_write_of_the_checkpoints)
{
    struct bench bench;
    struct text wanted = {.data = NULL};

    bench_init(&bench);
    text_printf(&wanted, "0\n%d\n", PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) {
        put(&bench, get(&bench, i), 1 + i % 3);
        upkeep_want_point(bench.replicas.dirs[0].upkeep, get(&bench, i));
        text_printf(&wanted, "t %d %d\n", i, 1 + i % 3);
    }
    run(&bench);
    check_eq(bench.keeps, 1);
    check_file(&bench, points, wanted.data);
    for (int i = 0; i < PARTITIONS; i++) {
        check_eq(log_recovery_point(get(&bench, i)->log), 1 + i % 3);
        check(!log_is_new(get(&bench, i)->log));
    }
    restart(&bench, false);
    check_eq(log_recovery_point(get(&bench, 1)->log), 2);
    check_eq(log_end(get(&bench, 1)->log), 2);
    close_broker(&bench, false);
    text_fini(&wanted);
    bench_fini(&bench);
}

TEST(upkeep, a_log_that_goes_away_meanwhile_is_left_out)
{
    struct bench bench;

    bench_init(&bench);
    for (int i = 0; i < 3; i++) {
        put(&bench, get(&bench, i), 1);
        upkeep_want_point(bench.replicas.dirs[0].upkeep, get(&bench, i));
    }
    loop_turn(&bench.loop, 0); /* The worker has them. */
    partition_drop(get(&bench, 1));
    run(&bench);
    check_file(&bench, points, "0\n2\nt 0 1\nt 2 1\n");
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(upkeep, a_folder_whose_sync_fails_is_fenced_and_no_point_moves)
{
    struct bench bench;

    bench_init(&bench);
    put(&bench, get(&bench, 0), 1);
    upkeep_want_point(bench.replicas.dirs[0].upkeep, get(&bench, 0));
    loop_turn(&bench.loop, 0);
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    run(&bench);
    faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    check(log_dir_is_fenced(bench.kit.dir));
    check_eq(log_recovery_point(get(&bench, 0)->log), 0);
    check_eq(bench.keeps, 0);
    close_broker(&bench, false);
    bench_fini(&bench);
}

/* --- starts ----------------------------------------------------------------- */

TEST(upkeep, a_start_is_durable_before_anybody_is_told)
{
    struct bench bench;
    struct partition *p;
    struct waiter a, b;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 30);
    check(p->high_watermark == 30);
    a = waiter_for(p, 12);
    b = waiter_for(p, PARTITION_HIGH_WATERMARK);
    check_ok(partition_delete_records(p, &a.wait));
    for (int i = 0; i < 100 && a.heard == 0; i++) {
        struct text bytes = {.data = NULL};

        check(files_read(bench.kit.path, starts, &bytes) == (bytes.data != NULL));
        check_eq(log_start(p->log), 0);
        loop_turn(&bench.loop, 0);
        (void)faulty_io_run_work(&bench.kit.faulty);
        text_fini(&bytes);
    }
    check(a.heard == 1 && a.outcome == 0 && a.start == 12);
    check_file(&bench, starts, "0\n1\nt 0 12\n");
    run(&bench);
    check_eq(log_start(p->log), 12);
    check_eq(files_count(store_kit_path(&bench.kit, "t-0"), ".log.deleted"), 0);

    check_ok(partition_delete_records(p, &b.wait));
    put(&bench, p, 1); /* What comes later stays. */
    run(&bench);
    check(b.heard == 1 && b.outcome == 0 && b.start == 30);
    check(log_start(p->log) == 30 && log_end(p->log) == 31);

    restart(&bench, false);
    p = get(&bench, 0);
    check(log_start(p->log) == 30 && log_end(p->log) == 31);
    restart(&bench, true);
    p = get(&bench, 0);
    check(log_start(p->log) == 30 && log_end(p->log) == 31);
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(upkeep, what_cannot_be_deleted_is_refused_and_what_is_gone_is_well)
{
    struct bench bench;
    struct partition *p;
    struct waiter w;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 5);
    w = waiter_for(p, 6);
    check_eq(partition_delete_records(p, &w.wait), PARTITION_E_OUT_OF_RANGE);
    w = waiter_for(p, -2);
    check_eq(partition_delete_records(p, &w.wait), PARTITION_E_OUT_OF_RANGE);
    w = waiter_for(p, 0);
    check_ok(partition_delete_records(p, &w.wait));
    check(w.heard == 1 && w.outcome == 0 && w.start == 0);
    bench.config.deletes = false;
    partition_configure(p, &bench.topic);
    check_eq(partition_delete_records(p, &w.wait), PARTITION_E_POLICY);
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(upkeep, segments_below_the_start_stay_as_long_as_they_are_to)
{
    struct bench bench;
    struct partition *p;
    struct waiter w;
    const char *dir;
    int segments;

    bench_init(&bench);
    bench.config.file_delete_delay_ms = LONG_MS;
    p = get(&bench, 0);
    put(&bench, p, 400); /* More segments than one batch drops. */
    dir = store_kit_path(&bench.kit, "t-0");
    segments = files_count(dir, ".log");
    check(segments > 40);
    w = waiter_for(p, 400);
    check_ok(partition_delete_records(p, &w.wait));
    run(&bench);
    check_eq(files_count(dir, ".log"), 1);
    check_eq(files_count(dir, ".log.deleted"), segments - 1);
    check_file(&bench, starts, "0\n1\nt 0 400\n");
    close_broker(&bench, true);
    check_eq(files_count(dir, ".deleted"), 0);
    bench_fini(&bench);
}

/* Whatever call fails, who waits hears of it, and the start goes nowhere that is not durable. */
TEST(upkeep, a_start_that_cannot_be_made_durable_stays)
{
    for (int n = 1;; n++) {
        struct bench bench;
        struct partition *p;
        struct waiter w;

        bench_init(&bench);
        p = get(&bench, 0);
        put(&bench, p, 3);
        w = waiter_for(p, 2);
        check_ok(partition_delete_records(p, &w.wait));
        loop_turn(&bench.loop, 0);
        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -EIO);
        run(&bench);
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        check_eq(w.heard, 1);
        check_eq(log_start(p->log), w.outcome ? 0 : 2);
        check(w.outcome == 0 || w.outcome == PARTITION_E_STORAGE);
        if (w.outcome && !log_dir_is_fenced(bench.kit.dir)) {
            w = waiter_for(p, 2);
            check_ok(partition_delete_records(p, &w.wait));
            run(&bench);
            check(w.heard == 1 && w.outcome == 0 && log_start(p->log) == 2);
        }
        close_broker(&bench, false);
        bench_fini(&bench);
        if (w.outcome == 0 && n > 60)
            break;
    }
}

TEST(upkeep, who_waits_when_the_partition_or_the_broker_ends_is_told)
{
    struct bench bench;
    struct partition *p, *q;
    struct waiter v, w;

    bench_init(&bench);
    p = get(&bench, 0);
    q = get(&bench, 1);
    put(&bench, p, 3);
    put(&bench, q, 3);
    v = waiter_for(p, 2);
    w = waiter_for(q, 2);
    check_ok(partition_delete_records(p, &v.wait));
    check_ok(partition_delete_records(q, &w.wait));
    loop_turn(&bench.loop, 0);
    partition_drop(p);
    check(v.heard == 1 && v.outcome == PARTITION_E_CLOSED);
    close_broker(&bench, true);
    check(w.heard == 1);
    bench_fini(&bench);
}

/* --- retention -------------------------------------------------------------- */

/* All of it goes, and what comes then goes on where it ended, whatever way the broker ends. */
TEST(upkeep, a_log_of_which_all_expires_goes_on_where_it_ended)
{
    struct bench bench;
    struct partition *p;
    const char *dir;

    bench_init(&bench);
    bench.config.retention = (struct log_retention){.ms = 1000, .bytes = -1};
    p = get(&bench, 0);
    put(&bench, p, 20);
    partition_retain(p);
    check_eq(log_start(p->log), 0); /* It is not durable yet. */
    partition_retain(p);            /* Asked again meanwhile. */
    run(&bench);
    check(log_start(p->log) == 20 && log_end(p->log) == 20);
    dir = store_kit_path(&bench.kit, "t-0");
    check(files_count(dir, ".log") == 1 && files_size(dir, "00000000000000000020.log") == 0);
    check_file(&bench, starts, "0\n1\nt 0 20\n");
    upkeep_want_point(bench.replicas.dirs[0].upkeep, p);
    run(&bench);
    check_file(&bench, starts, "0\n0\n"); /* The segment tells. */

    restart(&bench, false);
    p = get(&bench, 0);
    check(log_start(p->log) == 20 && log_end(p->log) == 20);
    put(&bench, p, 1);
    check_eq(log_end(p->log), 21);
    restart(&bench, true);
    p = get(&bench, 0);
    check(log_start(p->log) == 20 && log_end(p->log) == 21);
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(upkeep, only_what_may_be_deleted_expires)
{
    struct bench bench;
    struct partition *p;

    bench_init(&bench);
    bench.config.retention = (struct log_retention){.ms = 1000, .bytes = 0};
    bench.config.deletes = false;
    p = get(&bench, 0);
    put(&bench, p, 20);
    partition_retain(p);
    run(&bench);
    check_eq(log_start(p->log), 0);
    bench.config.deletes = true;
    bench.config.retention = (struct log_retention){.ms = -1, .bytes = -1};
    partition_configure(p, &bench.topic);
    partition_retain(p);
    run(&bench);
    check_eq(log_start(p->log), 0);
    close_broker(&bench, true);
    bench_fini(&bench);
}

/* Somebody who is told of the end, and wants more at once. */
struct insistent {
    struct waiter first, second;
    struct upkeep *upkeep;
};

static void insist(struct start_wait *wait, int outcome)
{
    struct insistent *i =
        container_of(container_of(wait, struct waiter, wait), struct insistent, first);

    i->first.heard++;
    i->first.outcome = outcome;
    upkeep_want_point(i->upkeep, i->first.partition);
    check_ok(partition_delete_records(i->first.partition, &i->second.wait));
}

TEST(upkeep, nothing_is_begun_for_who_asks_while_it_stops)
{
    struct bench bench;
    struct partition *p;
    struct insistent i;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 3);
    i = (struct insistent){.first = waiter_for(p, 2),
                           .second = waiter_for(p, 3),
                           .upkeep = bench.replicas.dirs[0].upkeep};
    i.first.wait.done = insist;
    check_ok(partition_delete_records(p, &i.first.wait));
    close_broker(&bench, true);
    check(i.first.heard == 1 && i.first.outcome == PARTITION_E_CLOSED);
    check(i.second.heard == 1 && i.second.outcome == PARTITION_E_CLOSED);
    bench_fini(&bench);
}

/* --- sleep ------------------------------------------------------------------ */

struct sleeper_wait {
    struct fetch_wait wait;
    int woken;
};

static void woken(struct fetch_wait *wait)
{
    container_of(wait, struct sleeper_wait, wait)->woken++;
}

static size_t readable(struct partition *p, int64_t offset)
{
    struct partition_read read = {.offset = offset, .bytes_max = 1 << 20};
    size_t size;

    check_ok(partition_read(p, &read));
    size = read.range.size;
    log_range_release(&read.range);
    return size;
}

/* The files of all logs are in order; then two looks find nothing done with them. */
static void let_all_sleep(struct bench *bench)
{
    for (int i = 0; i < 2; i++) {
        map_each (node, &bench->replicas.partitions)
            upkeep_want_point(bench->replicas.dirs[0].upkeep,
                              container_of(node, struct partition, node));
        run(bench);
    }
    replicas_rest(&bench->replicas, bench->replicas.dirs[0].upkeep);
    replicas_rest(&bench->replicas, bench->replicas.dirs[0].upkeep);
}

TEST(sleep, what_was_not_used_for_a_while_has_no_file_open)
{
    struct bench bench;
    struct partition *p;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 3);
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    check(p->log && bench.replicas.awake_count == 1); /* A crash would cost its reading. */
    let_all_sleep(&bench);
    check(!p->log && bench.replicas.awake_count == 0);
    check_eq(readable(p, 3), (size_t)0);
    check(!p->log); /* Its end is known. */
    check(readable(p, 1) > 0 && p->log);
    let_all_sleep(&bench);
    check(get(&bench, 0) == p && p->log);
    put(&bench, p, 2);
    check(log_start(p->log) == 0 && log_end(p->log) == 5);
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(sleep, who_waits_at_the_end_waits_on_and_what_is_used_stays_awake)
{
    struct bench bench;
    struct sleeper_wait at_end = {.wait = {.wake = woken}};
    struct partition *p;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 3);
    let_all_sleep(&bench);
    partition_wait(p, &at_end.wait);
    check_ok(replicas_look(&bench.replicas, &bench.topic, 0, &p));
    check(!p->log && at_end.woken == 0);
    put(&bench, get(&bench, 0), 1);
    run(&bench);
    check(at_end.woken == 1 && p->high_watermark == 4);
    upkeep_want_point(bench.replicas.dirs[0].upkeep, p);
    run(&bench);
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    check(readable(p, 0) > 0);
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    check(p->log); /* It was read in between. */
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    check(!p->log);
    close_broker(&bench, true);
    bench_fini(&bench);
}

/* What wants its start moved, or has a sync on its way, is not done. */
TEST(sleep, nothing_is_taken_from_under_what_is_on_its_way)
{
    struct bench bench;
    struct partition *p;
    struct waiter w;

    bench_init(&bench);
    p = get(&bench, 0);
    put(&bench, p, 3);
    let_all_sleep(&bench);
    p = get(&bench, 0);
    w = waiter_for(p, 2);
    check_ok(partition_delete_records(p, &w.wait));
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    replicas_rest(&bench.replicas, bench.replicas.dirs[0].upkeep);
    check(p->log && w.heard == 0);
    run(&bench);
    check(w.heard == 1 && w.outcome == 0 && w.start == 2);
    let_all_sleep(&bench);
    check(!p->log && p->rest.start == 2 && p->rest.end == 3);
    check(log_start(get(&bench, 0)->log) == 2);
    close_broker(&bench, true);
    bench_fini(&bench);
}

/* Whatever way the broker ends, and whoever slept then. */
TEST(sleep, logs_at_rest_are_as_they_were_after_a_stop_and_after_a_kill)
{
    struct bench bench;

    for (int clean = 0; clean < 2; clean++) {
        bench_init(&bench);
        put(&bench, get(&bench, 0), 7);
        let_all_sleep(&bench);
        put(&bench, get(&bench, 1), 2);
        restart(&bench, clean);
        for (int i = 0; i < 2; i++) {
            struct partition *p = get(&bench, i);

            check_eq(log_end(p->log), i ? 2 : 7);
            check(log_start(p->log) == 0 && readable(p, 0) > 0);
        }
        let_all_sleep(&bench);
        restart(&bench, true);
        check_eq(log_end(get(&bench, 0)->log), 7);
        close_broker(&bench, true);
        bench_fini(&bench);
    }
}

TEST(sleep, no_more_are_awake_than_there_are_files_for)
{
    enum { ROOM = 4 };
    struct bench bench;

    bench_init(&bench);
    bench.replicas.awake_max = ROOM;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PARTITIONS; i++) {
            put(&bench, get(&bench, i), 1 + i % 2);
            run(&bench);
            check(bench.replicas.awake_count <= ROOM);
        }
    }
    for (int i = 0; i < PARTITIONS; i++)
        check_eq(log_end(get(&bench, i)->log), 3 * (1 + i % 2));
    restart(&bench, true);
    bench.replicas.awake_max = ROOM;
    for (int i = 0; i < PARTITIONS; i++)
        check_eq(log_end(get(&bench, i)->log), 3 * (1 + i % 2));
    check_eq(bench.replicas.awake_count, (size_t)ROOM);
    close_broker(&bench, true);
    bench_fini(&bench);
}

/* As behind a look, when the upkeep has begun with none of them. */
TEST(sleep, who_waits_for_a_recovery_point_makes_room_too)
{
    enum { ROOM = 4 };
    struct bench bench;

    bench_init(&bench);
    bench.replicas.awake_max = ROOM;
    for (int i = 0; i < PARTITIONS; i++) {
        put(&bench, get(&bench, i), 1);
        run(&bench);
        map_each (node, &bench.replicas.partitions) {
            struct partition *p = container_of(node, struct partition, node);

            if (p->log)
                upkeep_want_point(bench.replicas.dirs[0].upkeep, p);
        }
        (void)get(&bench, (i + 1) % PARTITIONS);
        check(bench.replicas.awake_count <= ROOM);
    }
    run(&bench);
    for (int i = 0; i < PARTITIONS; i++)
        check_eq(log_end(get(&bench, i)->log), 1);
    close_broker(&bench, true);
    bench_fini(&bench);
}

TEST(sleep, where_all_are_in_use_no_more_are_opened_than_there_are_files_for)
{
    enum { ROOM = 4, ALL = ROOM + 16 };
    struct text bytes[ALL] = {{.data = NULL}};
    struct append appends[ALL];
    struct bench bench;
    struct partition *p;

    bench_init(&bench);
    bench.replicas.awake_max = ROOM;
    for (int i = 0; i < ALL; i++) { /* None is written yet. */
        store_batch_make(&(struct store_batch){.records = 1, .value_size = 60, .time = 1},
                         &bytes[i]);
        appends[i] = (struct append){
            .acks = 1, .done = written, .batch = (uint8_t *)bytes[i].data, .size = bytes[i].size};
        check_ok(partition_append(get(&bench, i), &appends[i]));
    }
    check_eq(replicas_get(&bench.replicas, &bench.topic, ALL, &p), PARTITION_E_STORAGE);
    check_eq(bench.replicas.awake_count, (size_t)ALL);
    run(&bench);
    put(&bench, get(&bench, ALL), 1);
    check_eq(log_end(get(&bench, 0)->log), 1);
    close_broker(&bench, true);
    bench_fini(&bench);
    for (int i = 0; i < ALL; i++)
        text_fini(&bytes[i]);
}

TEST(sleep, a_log_that_cannot_be_laid_to_rest_fails_and_others_go_on)
{
    struct bench bench;
    struct partition *p;

    bench_init(&bench);
    bench.replicas.awake_max = 1;
    p = get(&bench, 0);
    put(&bench, p, 1);
    log_dir_fence(bench.kit.dir);
    (void)get(&bench, 1);
    check(p->is_failed && !p->log);
    check_eq(replicas_get(&bench.replicas, &bench.topic, 0, &p), PARTITION_E_STORAGE);
    upkeep_stop(bench.replicas.dirs[0].upkeep);
    bench.keeper = keeper_destroy(bench.keeper);
    check(replicas_fini(&bench.replicas, true) < 0);
    upkeep_destroy(bench.replicas.dirs[0].upkeep, true);
    syncer_destroy(bench.replicas.dirs[0].syncer);
    bench_fini(&bench);
}
