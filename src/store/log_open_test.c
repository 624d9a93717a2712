/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_time.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

static const struct uuid other_id = {{9, 9, 9, 9}};

static void check_file(const char *dir, const char *name, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(dir, name, &bytes));
    check_text(bytes.data, wanted);
    text_fini(&bytes);
}

/* A log with batches of 100 records in segments of about ten batches. */
static struct log *make_log(struct store_kit *kit, const char *name, int batches)
{
    struct log *log;

    kit->config.segment_bytes = 10000;
    kit->config.index_interval_bytes = 2000;
    log = store_kit_log(kit, name);
    for (int i = 0; i < batches; i++)
        store_kit_put(kit, log,
                      &(struct store_batch){.records = 10,
                                            .value_size = 80,
                                            .time = 1000 * i,
                                            .producer = 1 + i % 2,
                                            .epoch = (int16_t)i});
    return log;
}

static void stop_and_start(struct store_kit *kit, struct log *log, bool clean)
{
    if (clean)
        store_kit_close_log(kit, log);
    else
        log_abandon(log);
    store_kit_close(kit, clean);
    store_kit_open(kit);
    diag_lines_clear(&kit->lines);
}

/* --- a clean stop ----------------------------------------------------------- */

TEST(log_open, a_clean_stop_leaves_what_kafka_would)
{
    struct store_kit kit;
    struct log *log;
    const char *dir;
    size_t last;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 35);
    check_ok(store_kit_sync(&kit, log));
    last = log->segment_count - 1;
    check(last >= 3);
    dir = store_kit_path(&kit, "t-0");
    check_file(dir, "partition.metadata",
               "version: 0\ntopic_id: AQIDBAUGBwgAAAAAAAAAAA\nnever_stopped: true");
    store_kit_close_log(&kit, log);
    check_file(dir, "leader-epoch-checkpoint", "0\n1\n0 0\n");
    check_eq(files_count(dir, ".log"), (int)last + 1);
    check_eq(files_count(dir, ".index"), (int)last + 1);
    check_eq(files_count(dir, ".timeindex"), (int)last + 1);
    check_eq(files_count(dir, ".snapshot"), (int)last + 1);  /* The first has none, the end has. */
    check_eq(files_count(dir, ""), 4 * ((int)last + 1) + 4); /* And . and .. */
    check_eq(files_size(dir, "00000000000000000350.snapshot"), 10 + 2 * 46);

    store_kit_close(&kit, true);
    dir = store_kit_path(&kit, "t-0");
    check_file(dir, "partition.metadata", "version: 0\ntopic_id: AQIDBAUGBwgAAAAAAAAAAA");
    check_file(kit.path, "recovery-point-offset-checkpoint", "0\n1\nt 0 350\n");
    check_file(kit.path, "replication-offset-checkpoint", "0\n1\nt 0 350\n");
    check_file(kit.path, "log-start-offset-checkpoint", "0\n0\n");
    check_file(kit.path, ".kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":-1}");
    store_kit_fini(&kit);
}

/* Until the checkpoints are written their lines may be those of an earlier log of the name. */
TEST(log_open, a_new_log_believes_the_checkpoints_when_they_have_been_written)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 35);
    stop_and_start(&kit, log, true);
    files_remove_dir(store_kit_path(&kit, "t-0"));
    kit.topic_id = other_id;
    log = make_log(&kit, "t-0", 12);
    store_kit_close_log(&kit, log);
    store_kit_close(&kit, false); /* A crash, before the checkpoints are written. */
    files_write(kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 300\n"));
    store_kit_open(&kit);
    diag_lines_clear(&kit.lines);
    log = store_kit_log(&kit, "t-0");
    check(log_start(log) == 0 && log_end(log) == 120);
    check_eq(kit.lines.text.size, 0);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_open, an_empty_log_is_stopped_and_started_too)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    stop_and_start(&kit, log, true);
    check_eq(files_count(store_kit_path(&kit, "t-0"), ".snapshot"), 0);
    check_eq(files_size(store_kit_path(&kit, "t-0"), "00000000000000000000.log"), 0);
    log = store_kit_log(&kit, "t-0");
    check_eq(log_end(log), 0);
    check_eq(store_kit_put(&kit, log, &(struct store_batch){.records = 1}), 0);
    stop_and_start(&kit, log, true);
    log = store_kit_log(&kit, "t-0");
    check_eq(log_end(log), 1);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_open, after_a_clean_stop_no_more_than_the_tail_is_read)
{
    struct text wanted = {.data = NULL};
    struct store_kit kit;
    struct log *log;
    uint64_t read;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 200);
    check_ok(store_kit_read(&kit, log, 0, 2000, &wanted));
    stop_and_start(&kit, log, true);
    read = kit.faulty.read_bytes;
    log = store_kit_log(&kit, "t-0");
    check(kit.faulty.read_bytes - read < 10000 && wanted.size > 150000);
    check_eq(kit.lines.text.size, 0);
    check(log_end(log) == 2000 && log_synced(log) == 2000 && log_start(log) == 0);
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
}

TEST(log_open, a_log_that_nobody_wrote_to_is_closed_without_writing)
{
    struct store_kit kit;
    struct log *log;
    uint64_t written;
    int syncs;

    store_kit_init(&kit);
    stop_and_start(&kit, make_log(&kit, "t-0", 30), true);
    log = store_kit_log(&kit, "t-0");
    written = kit.faulty.written_bytes;
    syncs = kit.faulty.syncs;
    store_kit_close_log(&kit, log);
    check_eq(kit.faulty.written_bytes, written);
    check_eq(kit.faulty.syncs, syncs);
    store_kit_fini(&kit);
}

TEST(log_open, snapshots_of_earlier_stops_do_not_stay)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 1);
    for (int i = 0; i < 5; i++) {
        stop_and_start(&kit, log, true);
        log = store_kit_log(&kit, "t-0");
        store_kit_put(&kit, log, &(struct store_batch){.records = 1});
    }
    store_kit_close_log(&kit, log);
    store_kit_close(&kit, true);
    store_kit_open(&kit);
    log = store_kit_log(&kit, "t-0");
    check_eq(files_count(store_kit_path(&kit, "t-0"), ".snapshot"), 1);
    check_eq(log_end(log), 15);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_open, a_log_goes_on_behind_its_end_after_each_stop)
{
    struct text wanted = {.data = NULL};
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_bytes = 700;
    kit.config.index_interval_bytes = 100;
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 60; i++) {
        const struct store_batch batch = {.records = 1 + i % 4, .value_size = 20, .time = 10 * i};

        store_batch_place(&batch, log_end(log), &wanted);
        store_kit_put(&kit, log, &batch);
        if (i % 3 == 0) {
            stop_and_start(&kit, log, i % 2);
            log = store_kit_log(&kit, "t-0");
            store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
        }
    }
    check(log->segment_count > 5);
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
}

/* --- a stop that is not as it seems ----------------------------------------- */

enum { BASES_MAX = 16 };

static size_t bases_of(const struct log *log, int64_t bases[static BASES_MAX])
{
    check(log->segment_count > 2 && log->segment_count <= BASES_MAX);
    for (size_t i = 0; i < log->segment_count; i++)
        bases[i] = log->segments[i].base;
    return log->segment_count;
}

TEST(log_open, missing_indexes_are_made_again_after_a_clean_stop)
{
    static const char *const suffixes[] = {".index", ".timeindex"};
    struct text wanted = {.data = NULL};
    struct log_time_offset found;
    struct store_kit kit, kept;
    struct log *log;
    char name[SEGMENT_NAME_SIZE];
    int64_t bases[BASES_MAX];
    size_t count;

    store_kit_init(&kit);
    store_kit_init(&kept);
    store_kit_close_log(&kept, make_log(&kept, "t-0", 35));
    log = make_log(&kit, "t-0", 35);
    check_ok(store_kit_read(&kit, log, 0, 350, &wanted));
    count = bases_of(log, bases);
    stop_and_start(&kit, log, true);
    for (size_t i = 0; i < 2 * count; i++) {
        segment_name(name, bases[i / 2], suffixes[i % 2]);
        files_remove(store_kit_path(&kit, "t-0"), name);
    }
    log = store_kit_log(&kit, "t-0");
    check(diag_lines_have(&kit.lines, "indexes were missing or damaged"));
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    for (size_t i = 0; i < count; i++) {
        check_ok(log_find_time(log, 100 * bases[i], 350, &found));
        check_eq(found.offset, bases[i]);
    }
    store_kit_close_log(&kit, log);
    check_eq(files_count(store_kit_path(&kit, "t-0"), ""),
             files_count(store_kit_path(&kept, "t-0"), ""));
    for (size_t i = 0; i < 2 * count; i++) {
        segment_name(name, bases[i / 2], suffixes[i % 2]);
        check(files_equal(store_kit_path(&kit, "t-0"), store_kit_path(&kept, "t-0"), name));
    }
    text_fini(&wanted);
    store_kit_fini(&kit);
    store_kit_fini(&kept);
}

TEST(log_open, a_log_that_was_changed_since_its_clean_stop_is_not_cut)
{
    struct store_kit kit;
    struct log *log;
    char name[SEGMENT_NAME_SIZE];
    int64_t before;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 35);
    segment_name(name, log_active(log)->base, ".log");
    stop_and_start(&kit, log, true);
    before = files_size(store_kit_path(&kit, "t-0"), name);
    files_truncate(store_kit_path(&kit, "t-0"), name, before - 1);
    check_eq(log_dir_open_log(kit.dir, &kit.env, "t-0", kit.topic_id, &kit.config, &log),
             LOG_E_CORRUPT);
    check(diag_lines_have(&kit.lines, "log is not as its clean stop left it"));
    check_eq(files_size(store_kit_path(&kit, "t-0"), name), before - 1);
    check_eq(log_dir_close(take(kit.dir), true), -EIO); /* That stop cannot be called clean. */
    check_eq(files_size(kit.path, ".kafka_cleanshutdown"), -1);
    store_kit_fini(&kit);
}

/* --- where a log begins ----------------------------------------------------- */

TEST(log_open, the_start_that_a_checkpoint_tells_holds_through_stops)
{
    struct log_range range;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = make_log(&kit, "t-0", 35);
    store_kit_close_log(&kit, log);
    store_kit_close(&kit, true);
    files_write(kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 57\n"));
    store_kit_open(&kit);
    for (int i = 0; i < 4; i++) {
        log = store_kit_log(&kit, "t-0");
        check_eq(log_start(log), 57);
        check_eq(log_read(log, 56, 350, 100, true, &range), LOG_E_OUT_OF_RANGE);
        check_ok(log_read(log, 57, 350, 100, true, &range));
        log_range_release(&range);
        stop_and_start(&kit, log, true);
        check_file(kit.path, "log-start-offset-checkpoint", "0\n1\nt 0 57\n");
        if (i == 1) { /* An unclean stop in between: it is still there. */
            store_kit_close(&kit, false);
            store_kit_open(&kit);
        }
    }
    store_kit_fini(&kit);
}

TEST(log_open, a_log_whose_files_are_gone_begins_at_its_start)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    store_kit_close_log(&kit, store_kit_log(&kit, "t-0"));
    store_kit_close(&kit, true);
    files_write(kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 57\n"));
    files_remove(store_kit_path(&kit, "t-0"), "00000000000000000000.log");
    store_kit_open(&kit);
    log = store_kit_log(&kit, "t-0");
    check(log_start(log) == 57 && log_end(log) == 57);
    check_eq(store_kit_put(&kit, log, &(struct store_batch){.records = 1}), 57);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* --- whose folder it is ----------------------------------------------------- */

TEST(log_open, a_folder_of_another_topic_is_kept_aside_and_its_checkpoints_do_not_count)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    stop_and_start(&kit, make_log(&kit, "t-0", 35), true);
    store_kit_close(&kit, true);
    files_write(kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 57\n"));
    store_kit_open(&kit);
    kit.topic_id = other_id;
    log = store_kit_log(&kit, "t-0");
    check(diag_lines_have(&kit.lines, "folder of another topic of this name moved aside"));
    check_eq(files_count(kit.path, "-stray"), 1);
    check(log_start(log) == 0 && log_end(log) == 0);
    check_eq(store_kit_put(&kit, log, &(struct store_batch){.records = 1}), 0);
    stop_and_start(&kit, log, true);
    check_file(kit.path, "recovery-point-offset-checkpoint", "0\n1\nt 0 1\n");
    check_file(kit.path, "log-start-offset-checkpoint", "0\n0\n");
    log = store_kit_log(&kit, "t-0");
    check_eq(log_end(log), 1);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_open, a_recovery_point_of_an_earlier_log_of_the_name_is_not_believed)
{
    struct store_kit kit;
    struct log *log;
    char name[SEGMENT_NAME_SIZE];

    store_kit_init(&kit);
    stop_and_start(&kit, make_log(&kit, "t-0", 35), true); /* Its recovery point is 350. */
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, "t-0", kit.topic_id));
    kit.topic_id = other_id;
    log = make_log(&kit, "t-0", 35);
    segment_name(name, log->segments[1].base, ".log");
    stop_and_start(&kit, log, false);
    files_flip(store_kit_path(&kit, "t-0"), name, 100, 1);
    log = store_kit_log(&kit, "t-0");
    check_eq(log_end(log), log->segments[1].base);
    check_eq(log->segment_count, 2);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_open, a_folder_that_does_not_say_whose_it_is_is_taken_only_if_it_is_empty)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    stop_and_start(&kit, make_log(&kit, "t-0", 5), true);
    files_remove(store_kit_path(&kit, "t-0"), "partition.metadata");
    log = store_kit_log(&kit, "t-0");
    check_eq(log_end(log), 0);
    check_eq(files_count(kit.path, "-stray"), 1);
    log_abandon(log);

    files_remove(store_kit_path(&kit, "t-0"), "partition.metadata");
    log = store_kit_log(&kit, "t-0");
    check_eq(files_count(kit.path, "-stray"), 1);
    store_kit_close_log(&kit, log);
    check_ok(log_dir_write_marks(kit.dir));
    check_file(store_kit_path(&kit, "t-0"), "partition.metadata",
               "version: 0\ntopic_id: AQIDBAUGBwgAAAAAAAAAAA");
    files_write(store_kit_path(&kit, "t-0"), "partition.metadata", slice_text("version: 0\nx"));
    check_eq(log_dir_open_log(kit.dir, &kit.env, "t-0", kit.topic_id, &kit.config, &log),
             LOG_E_CORRUPT);
    store_kit_fini(&kit);
}

TEST(log_open, names_that_are_set_aside_are_kafkas_and_never_too_long)
{
    const uint8_t mark[16] = {0xab, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
    char out[IO_NAME_MAX];
    char name[IO_NAME_MAX];

    log_name_aside(out, "a-b-12", mark, "-delete");
    check_text(out, "a-b-12.ab0102030405060708090a0b0c0d0eff-delete");
    memset(name, 'n', 249);
    memcpy(name + 249, "-7", 3);
    log_name_aside(out, name, mark, "-stray");
    check_eq(strlen(out), 255);
    check_text(out + 255 - 41, "-7.ab0102030405060708090a0b0c0d0eff-stray");
    check_eq(out[255 - 42], 'n');
}

/* --- the world fails -------------------------------------------------------- */

TEST(log_open, an_opening_that_fails_changes_nothing_that_matters)
{
    for (int clean = 0; clean < 2; clean++) {
        struct text wanted = {.data = NULL};
        struct store_kit kit;
        struct log *log;
        int failed = 1;

        store_kit_init(&kit);
        log = make_log(&kit, "t-0", 35);
        check_ok(store_kit_read(&kit, log, 0, 350, &wanted));
        stop_and_start(&kit, log, clean);
        for (int n = 1; failed; n++) {
            faulty_io_arm(&kit.faulty, FAULTY_ANY & ~(unsigned)FAULTY_SYNC, n, -EIO);
            log = NULL;
            if (log_dir_open_log(kit.dir, &kit.env, "t-0", kit.topic_id, &kit.config, &log) == 0)
                log_abandon(log);
            failed = kit.faulty.failed;
            faulty_io_arm(&kit.faulty, 0, 0, 0);
            check(n < 1000);
        }
        log = store_kit_log(&kit, "t-0");
        store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
        log_abandon(log);
        text_fini(&wanted);
        store_kit_fini(&kit);
    }
}

/* Fails the nth call of a clean stop; true if there was no nth. */
static bool try_stop(int n, unsigned kinds)
{
    struct text wanted = {.data = NULL};
    struct store_kit kit;
    struct log *log;
    bool was_last;
    int r;

    store_kit_init(&kit);
    stop_and_start(&kit, make_log(&kit, "t-0", 15), true);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 10; i++)
        store_kit_put(&kit, log, &(struct store_batch){.records = 10, .value_size = 50});
    check_ok(store_kit_read(&kit, log, 0, 250, &wanted));
    faulty_io_arm(&kit.faulty, kinds, n, -EIO);
    r = log_dir_close_log(kit.dir, log);
    if (r == 0)
        r = log_dir_close(take(kit.dir), true);
    else
        check_eq(log_dir_close(take(kit.dir), true), -EIO);
    was_last = kit.faulty.failed == 0;
    faulty_io_arm(&kit.faulty, 0, 0, 0);
    check(r == 0 ? was_last : r == -EIO);
    store_kit_open(&kit);
    check(!was_last || log_dir_was_clean(kit.dir));
    log = store_kit_log(&kit, "t-0");
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
    return was_last;
}

TEST(log_open, a_stop_that_fails_loses_nothing)
{
    int n = 1;

    while (!try_stop(n, FAULTY_ANY))
        check(++n < 200);
    check(n > 20);
}
