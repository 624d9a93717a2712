/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_time.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

enum { RECORDS = 10 };

static void put(struct store_kit *kit, struct log *log, int batches)
{
    for (int i = 0; i < batches; i++) {
        int64_t at = log_end(log) / RECORDS;

        store_kit_put(kit, log,
                      &(struct store_batch){.records = RECORDS,
                                            .value_size = 80,
                                            .time = 1000 * at,
                                            .producer = 1 + at % 2,
                                            .epoch = (int16_t)at});
    }
}

static struct log *make_log(struct store_kit *kit, int batches)
{
    struct log *log;

    kit->config.segment_bytes = 10000;
    kit->config.index_interval_bytes = 2000;
    log = store_kit_log(kit, "t-0");
    put(kit, log, batches);
    return log;
}

/* Moves the recovery point to what is written, which works; false if it was there. */
static bool checkpoint(struct store_kit *kit, struct log *log)
{
    struct log_checkpoint c;
    bool is_any;
    int r;

    check_ok(log_checkpoint_begin(log, &c, &is_any));
    if (!is_any)
        return false;
    r = log_checkpoint_run(&c, kit->env.io);
    log_checkpoint_end(log, &c, r);
    log_checkpoint_fini(&c);
    log_check(log);
    check_ok(r);
    return true;
}

TEST(log_checkpoint, the_recovery_point_moves_to_what_is_written)
{
    struct store_kit kit;
    struct log *log;
    const char *dir;

    store_kit_init(&kit);
    log = make_log(&kit, 35);
    check_eq(log_recovery_point(log), 0);
    check(checkpoint(&kit, log));
    check(log_recovery_point(log) == 350 && log_synced(log) == 350);
    dir = store_kit_path(&kit, "t-0");
    check_eq(files_size(dir, "00000000000000000350.snapshot"), 10 + 2 * 46);
    check_eq(files_count(dir, "leader-epoch-checkpoint"), 1);
    check(!checkpoint(&kit, log));
    put(&kit, log, 1);
    check_eq(log_recovery_point(log), 350);
    check(checkpoint(&kit, log));
    check_eq(log_recovery_point(log), 360);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_checkpoint, a_log_that_nobody_wrote_to_since_is_closed_without_a_sync)
{
    struct store_kit kit;
    struct log *log;
    int syncs;

    store_kit_init(&kit);
    log = make_log(&kit, 35);
    check(checkpoint(&kit, log));
    syncs = kit.faulty.syncs;
    store_kit_close_log(&kit, log);
    check_eq(kit.faulty.syncs, syncs);
    store_kit_close(&kit, true);
    store_kit_open(&kit);
    diag_lines_clear(&kit.lines);
    log = store_kit_log(&kit, "t-0");
    check(log_end(log) == 350 && log_recovery_point(log) == 350);
    check_eq(kit.lines.text.size, 0);
    check(!checkpoint(&kit, log));
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_checkpoint, what_is_written_meanwhile_is_for_the_next)
{
    struct store_kit kit;
    struct log_checkpoint c;
    struct log *log;
    bool is_any;
    int64_t base;

    store_kit_init(&kit);
    log = make_log(&kit, 35);
    check_ok(log_checkpoint_begin(log, &c, &is_any));
    check(is_any);
    put(&kit, log, 20); /* It rolls. */
    check_ok(store_kit_sync(&kit, log));
    log_advance_start(log, log->segments[1].base);
    check_ok(log_drop_segment(log, &base)); /* A file that the worker is to sync. */
    check_ok(log_checkpoint_run(&c, kit.env.io));
    log_checkpoint_end(log, &c, 0);
    log_checkpoint_fini(&c);
    log_check(log);
    check_eq(log_recovery_point(log), 350);
    check(!log->is_unchanged && log->has_old_names);
    check(checkpoint(&kit, log));
    check(log_recovery_point(log) == 550 && log->is_unchanged && !log->has_old_names);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_checkpoint, snapshots_that_no_recovery_point_needs_go)
{
    struct store_kit kit;
    struct log *log;
    const char *dir;

    store_kit_init(&kit);
    log = make_log(&kit, 2);
    dir = store_kit_path(&kit, "t-0");
    check(checkpoint(&kit, log));
    log_checkpoint_kept(log);
    put(&kit, log, 1);
    check(checkpoint(&kit, log)); /* Durable, but not told anybody: */
    check_eq(files_count(dir, ".snapshot"), 2);
    put(&kit, log, 1);
    check(checkpoint(&kit, log));
    check_eq(files_count(dir, ".snapshot"), 2);
    check(files_size(dir, "00000000000000000020.snapshot") > 0);
    check(files_size(dir, "00000000000000000040.snapshot") > 0);
    log_checkpoint_kept(log);
    check_eq(files_count(dir, ".snapshot"), 1);

    /* One that belongs to a segment stays. */
    while (log->segment_count < 3) {
        put(&kit, log, 1);
        check(checkpoint(&kit, log));
        log_checkpoint_kept(log);
    }
    check_eq(files_count(dir, ".snapshot"), 3);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* Fails the nth of `kinds`; false if there were not so many. */
static bool try_failing(unsigned kinds, int n, bool fences)
{
    struct store_kit kit;
    struct log_checkpoint c;
    struct log *log;
    bool is_any;
    int r;

    store_kit_init(&kit);
    log = make_log(&kit, 35);
    check_ok(log_checkpoint_begin(log, &c, &is_any));
    faulty_io_arm(&kit.faulty, kinds, n, -EIO);
    r = log_checkpoint_run(&c, kit.env.io);
    faulty_io_arm(&kit.faulty, 0, 0, 0);
    log_checkpoint_end(log, &c, r);
    log_checkpoint_fini(&c);
    check(r == 0 || log_recovery_point(log) == 0);
    if (r && !fences)
        check(!log_dir_is_fenced(kit.dir));
    if (!log_dir_is_fenced(kit.dir)) {
        check_eq(checkpoint(&kit, log), r != 0);
        check_eq(log_recovery_point(log), 350);
    }
    log_abandon(log);
    store_kit_fini(&kit);
    return r != 0;
}

TEST(log_checkpoint, one_that_fails_moves_nothing_and_can_be_tried_again)
{
    int n = 1;

    while (try_failing(FAULTY_WRITE | FAULTY_NAMES, n, false))
        n++;
    check(n > 3);
    for (n = 1; try_failing(FAULTY_SYNC, n, true);)
        n++;
    check(n > 10);
}

TEST(log_checkpoint, a_sync_that_fails_fences_at_once)
{
    struct store_kit kit;
    struct log_checkpoint c;
    struct log *log;
    bool is_any;

    store_kit_init(&kit);
    log = make_log(&kit, 5);
    check_ok(log_checkpoint_begin(log, &c, &is_any));
    faulty_io_arm(&kit.faulty, FAULTY_SYNC, 1, -EIO);
    check_eq(log_checkpoint_run(&c, kit.env.io), -EIO);
    check(log_dir_is_fenced(kit.dir)); /* Before anybody on the loop hears of it. */
    log_checkpoint_end(log, &c, -EIO);
    log_checkpoint_fini(&c);
    check_eq(log_checkpoint_begin(log, &c, &is_any), -EIO);
    log_abandon(log);
    store_kit_fini(&kit);
}

/* --- after a crash ---------------------------------------------------------- */

enum { LARGE = 400 };

static void crash(struct store_kit *kit, struct log *log)
{
    log_abandon(log);
    store_kit_close(kit, false);
    diag_lines_clear(&kit->lines);
}

/* A log of one segment and many batches, of which the last `behind` came after the checkpoint. */
static struct log *make_large(struct store_kit *kit, int behind)
{
    struct log *log;

    kit->config.index_interval_bytes = 2000;
    log = store_kit_log(kit, "t-0");
    put(kit, log, LARGE - behind);
    store_kit_checkpoint(kit, log, 0);
    put(kit, log, behind);
    check_ok(store_kit_sync(kit, log));
    return log;
}

static void check_whole(struct store_kit *kit, struct log *log, int batches)
{
    struct text wanted = {.data = NULL};
    struct log_time_offset at;

    check_eq(log_end(log), batches * RECORDS);
    for (int i = 0; i < batches; i++)
        store_batch_place(&(struct store_batch){.records = RECORDS,
                                                .value_size = 80,
                                                .time = 1000 * i,
                                                .producer = 1 + i % 2,
                                                .epoch = (int16_t)i},
                          (int64_t)i * RECORDS, &wanted);
    store_kit_check_bytes(kit, log, 0, text_slice(&wanted));
    for (int i = 0; i < batches; i += 7) {
        check_ok(log_find_time(log, 1000 * i, log_end(log), &at));
        check_eq(at.offset, i * RECORDS);
    }
    check_ok(log_find_max_time(log, log_end(log), &at));
    check_eq(at.offset, log_end(log) - 1);
    text_fini(&wanted);
}

/* What opening the crashed log reads, in bytes. */
static uint64_t open_crashed(struct store_kit *kit, struct log **out)
{
    uint64_t before;

    store_kit_open(kit);
    before = kit->faulty.read_bytes;
    *out = store_kit_log(kit, "t-0");
    return kit->faulty.read_bytes - before;
}

TEST(log_checkpoint, after_a_crash_only_what_lies_behind_the_recovery_point_is_read)
{
    struct store_kit kit;
    struct log *log;
    uint64_t all, read;
    uint64_t behind;

    store_kit_init(&kit);
    log = make_large(&kit, 3);
    all = log_active(log)->size;
    behind = 3 * all / LARGE;
    crash(&kit, log);
    read = open_crashed(&kit, &log);
    printf("# log of %d KiB, %d bytes behind the recovery point: %d bytes read\n",
           (int)(all / 1024), (int)behind, (int)read);
    check(all > 300000 && read < behind + 16 * 1024);
    check_eq(kit.lines.text.size, 0);
    check_whole(&kit, log, LARGE);
    check_eq(log_recovery_point(log), (LARGE - 3) * RECORDS);
    check_eq(log->producers.by_id.count, 2);
    log_check(log);

    /* And again: the recovery has brought no new point about. */
    crash(&kit, log);
    check(open_crashed(&kit, &log) < behind + 16 * 1024);
    check_whole(&kit, log, LARGE);

    /* Without the checkpoint everything is read. */
    crash(&kit, log);
    files_remove(kit.path, "recovery-point-offset-checkpoint");
    check(open_crashed(&kit, &log) > all);
    check_whole(&kit, log, LARGE);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* What lies behind the recovery point is checked: a crash may have taken any of it. */
PROPERTY(log_checkpoint, what_was_not_durable_in_indexes_and_batches_is_not_believed, 60)
{
    static const char log_name[] = "00000000000000000000.log";
    static const char *const indexes[] = {"00000000000000000000.index",
                                          "00000000000000000000.timeindex"};
    struct store_kit kit;
    struct log *log;
    int64_t kept[2];
    const char *dir;
    int behind = (int)rng_between(rng, 20, 100);
    int lost = (int)rng_between(rng, 0, behind);
    uint64_t all;

    store_kit_init(&kit);
    kit.config.index_interval_bytes = 2000;
    log = store_kit_log(&kit, "t-0");
    put(&kit, log, LARGE - behind);
    store_kit_checkpoint(&kit, log, 0);
    dir = store_kit_path(&kit, "t-0");
    for (int i = 0; i < 2; i++)
        kept[i] = files_size(dir, indexes[i]);
    put(&kit, log, behind);
    check_ok(segment_finish_indexes(log_active(log)));
    all = log_active(log)->size;
    crash(&kit, log);
    if (lost > 0)
        files_truncate(dir, log_name, (int64_t)all - lost * (int64_t)(all / LARGE) + 17);
    for (int i = 0; i < 2; i++) {
        int64_t grown = files_size(dir, indexes[i]);

        for (int64_t at = kept[i]; at < grown; at += 4) { /* Sectors, or parts of entries. */
            if (rng_chance(rng, 50))
                continue;
            for (int64_t k = at; k < min_of(at + 4, grown); k++)
                files_flip(dir, indexes[i], k, (uint8_t)rng_below(rng, 256));
        }
    }
    (void)open_crashed(&kit, &log);
    check_eq(log_end(log) / RECORDS, LARGE - (lost > 0 ? lost : 0));
    check_whole(&kit, log, LARGE - lost);
    put(&kit, log, 50);
    check_whole(&kit, log, LARGE - lost + 50);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* Damage below the recovery point that shows costs a longer reading, no more. */
TEST(log_checkpoint, an_index_that_does_not_fit_is_made_again)
{
    static const char *const names[] = {"00000000000000000000.index",
                                        "00000000000000000000.timeindex",
                                        "00000000000000003970.snapshot"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (int how = 0; how < 4; how++) {
            struct store_kit kit;
            struct log *log;
            const char *dir;
            int64_t whole;

            store_kit_init(&kit);
            log = make_large(&kit, 3);
            crash(&kit, log);
            dir = store_kit_path(&kit, "t-0");
            whole = files_size(dir, names[i]);
            check(whole > 40);
            switch (how) {
            case 0: files_remove(dir, names[i]); break;
            case 1: files_write(dir, names[i], slice_empty()); break;
            case 2: files_truncate(dir, names[i], whole / 2 + 3); break;
            default:
                for (int64_t at = 0; at < whole; at++)
                    files_flip(dir, names[i], at, 0x5a);
            }
            (void)open_crashed(&kit, &log);
            check_whole(&kit, log, LARGE);
            check_eq(log->producers.by_id.count, 2);
            put(&kit, log, 50);
            check_whole(&kit, log, LARGE + 50);
            store_kit_close_log(&kit, log);
            store_kit_fini(&kit);
        }
    }
}
