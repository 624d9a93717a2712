/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_time.h"
#include "store/reaper.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

enum { BATCHES = 60, RECORDS = 10, END = BATCHES * RECORDS };

static const char starts[] = "log-start-offset-checkpoint";

/* Batches of ten records in segments of about nine batches, all of it synced. */
static struct log *make_log(struct store_kit *kit)
{
    struct log *log;

    kit->config.segment_bytes = 10000;
    kit->config.index_interval_bytes = 2000;
    log = store_kit_log(kit, "t-0");
    for (int i = 0; i < BATCHES; i++)
        store_kit_put(kit, log,
                      &(struct store_batch){.records = RECORDS,
                                            .value_size = 80,
                                            .time = 1000 * i,
                                            .producer = 1 + i % 2,
                                            .epoch = (int16_t)i});
    check_ok(store_kit_sync(kit, log));
    return log;
}

static struct log *start_again(struct store_kit *kit, struct log *log, bool clean)
{
    if (clean)
        store_kit_close_log(kit, log);
    else
        log_abandon(log);
    store_kit_close(kit, clean);
    store_kit_open(kit);
    diag_lines_clear(&kit->lines);
    return store_kit_log(kit, "t-0");
}

static int drop_all(struct log *log)
{
    int count = 0;
    int64_t base;

    for (; log_has_segment_below(log); count++)
        check_ok(log_drop_segment(log, &base));
    return count;
}

static void check_checkpoint(struct store_kit *kit, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(kit->path, starts, &bytes));
    check_text(bytes.data, wanted);
    text_fini(&bytes);
}

/* Everything from the start on is there, and nothing else. */
static void check_from(struct store_kit *kit, struct log *log, int64_t start)
{
    struct log_range range;
    struct log_time_offset at;
    struct text wanted = {.data = NULL};
    struct text found = {.data = NULL};

    check(log_start(log) == start && log_end(log) == END);
    check_eq(log_read(log, start - 1, END, 100, true, &range), LOG_E_OUT_OF_RANGE);
    for (int i = (int)(start / RECORDS); i < BATCHES; i++)
        store_batch_place(&(struct store_batch){.records = RECORDS,
                                                .value_size = 80,
                                                .time = 1000 * i,
                                                .producer = 1 + i % 2,
                                                .epoch = (int16_t)i},
                          (int64_t)i * RECORDS, &wanted);
    check_ok(store_kit_read(kit, log, start, END, &found));
    check(slice_equal(text_slice(&found), text_slice(&wanted)));
    check_ok(log_find_time(log, 0, END, &at));
    check_eq(at.offset, start);
    text_fini(&wanted);
    text_fini(&found);
}

TEST(log_start, what_is_below_the_start_cannot_be_read_also_after_a_stop)
{
    struct store_kit kit;
    struct log *log;
    struct text line = {.data = NULL};

    store_kit_init(&kit);
    log = make_log(&kit);
    log_advance_start(log, 25);
    check_from(&kit, log, 25);
    log_advance_start(log, 24); /* It never goes back. */
    check_from(&kit, log, 25);
    check(!log_has_segment_below(log));

    log = start_again(&kit, log, true);
    check_checkpoint(&kit, "0\n1\nt 0 25\n");
    check_from(&kit, log, 25);
    log_advance_start(log, END); /* All of it may go: the log is empty then. */
    check_eq(log_start(log), END);
    log = start_again(&kit, log, true);
    text_printf(&line, "0\n1\nt 0 %d\n", END);
    check_checkpoint(&kit, line.data);
    check(log_start(log) == END && log_end(log) == END);
    store_kit_close_log(&kit, log);
    text_fini(&line);
    store_kit_fini(&kit);
}

TEST(log_start, a_start_survives_a_crash_if_the_log_was_stopped_before)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = make_log(&kit);
    log = start_again(&kit, log, true);
    files_write(kit.path, starts, slice_text("0\n1\nt 0 125\n"));
    log = start_again(&kit, log, false);
    check_from(&kit, log, 125);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_start, segments_below_the_start_are_set_aside_and_later_unlinked)
{
    struct store_kit kit;
    struct log_range range;
    struct file *folder;
    struct log *log;
    const char *dir;
    size_t segments;
    char byte;
    size_t got = 0;

    store_kit_init(&kit);
    log = make_log(&kit);
    segments = log->segment_count;
    check(segments > 5);
    check_ok(log_read(log, 0, END, 100, true, &range));
    log_advance_start(log, log->segments[3].base + 5);
    check_eq(drop_all(log), 3);
    check_eq(log->segment_count, segments - 3);
    check_from(&kit, log, log->segments[0].base + 5);

    /* Who was reading goes on; everybody else finds the new names. */
    check_ok(kit.env.io->ops->file_read(kit.env.io, range.fd, range.position, &byte, 1, &got));
    check_eq(got, 1);
    log_range_release(&range);
    dir = store_kit_path(&kit, "t-0");
    check_eq(files_count(dir, ".log"), (int)segments - 3);
    check_eq(files_count(dir, ".log.deleted"), 3);
    check_eq(files_count(dir, ".index.deleted"), 3);
    check_eq(files_count(dir, ".timeindex.deleted"), 3);
    check_eq(files_count(dir, ".snapshot.deleted"), 2); /* The first has none. */

    folder = log_folder(log);
    check_ok(log_unlink_dropped(kit.env.io, folder, 0));
    check_ok(log_unlink_dropped(kit.env.io, folder, 0));
    check_eq(files_count(dir, ".log.deleted"), 2);
    check_eq(files_count(dir, ".snapshot.deleted"), 2);
    file_unref(folder);

    /* What is left of them when the log is opened goes then. */
    log = start_again(&kit, log, true);
    check_eq(files_count(store_kit_path(&kit, "t-0"), ".deleted"), 0);
    check_from(&kit, log, log->segments[0].base + 5);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_start, a_log_that_begins_with_a_segment_has_no_line)
{
    struct store_kit kit;
    struct log *log;
    int64_t start;

    store_kit_init(&kit);
    log = make_log(&kit);
    start = log->segments[2].base;
    log_advance_start(log, start);
    check_eq(drop_all(log), 2);
    log = start_again(&kit, log, true);
    check_checkpoint(&kit, "0\n0\n");
    check_from(&kit, log, start);
    log = start_again(&kit, log, true);
    check_from(&kit, log, start);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* A crash keeps any of the names that were taken away. */
PROPERTY(log_start, a_crash_while_segments_go_leaves_all_from_the_start_on, 40)
{
    struct store_kit kit;
    struct log *log;
    struct text line = {.data = NULL};
    int64_t start = rng_between(rng, 1, END - RECORDS);

    start -= start % RECORDS;
    store_kit_init(&kit);
    log = make_log(&kit);
    log = start_again(&kit, log, true);
    text_printf(&line, "0\n1\nt 0 %d\n", (int)start);
    files_write(kit.path, starts, text_slice(&line));
    if (rng_chance(rng, 50)) /* Then everything is read, and gaps would be noticed. */
        files_remove(kit.path, "recovery-point-offset-checkpoint");
    for (size_t i = 0; i + 1 < log->segment_count && log->segments[i + 1].base <= start; i++) {
        static const char *const suffixes[] = {".log", ".index", ".timeindex", ".snapshot"};
        char name[SEGMENT_NAME_SIZE];

        for (size_t k = 0; k < COUNT_OF(suffixes); k++) {
            segment_name(name, log->segments[i].base, suffixes[k]);
            if (rng_chance(rng, 50) && files_size(store_kit_path(&kit, "t-0"), name) >= 0)
                files_remove(store_kit_path(&kit, "t-0"), name);
        }
    }
    log = start_again(&kit, log, false);
    check_eq(log_start(log), max_of(start, log->segments[0].base));
    if (start > 0)
        check_from(&kit, log, start);
    check_eq(kit.lines.text.size, 0);
    store_kit_close_log(&kit, log);
    text_fini(&line);
    store_kit_fini(&kit);
}

TEST(log_start, a_segment_that_cannot_be_renamed_stays_and_is_tried_again)
{
    struct store_kit kit;
    struct log *log;
    size_t segments;
    int64_t base;

    store_kit_init(&kit);
    log = make_log(&kit);
    segments = log->segment_count;
    log_advance_start(log, log->segments[1].base);
    faulty_io_arm(&kit.faulty, FAULTY_NAMES, 1, -EIO);
    check_eq(log_drop_segment(log, &base), -EIO);
    check_eq(log->segment_count, segments);
    log_check(log);
    check(log_has_segment_below(log));
    faulty_io_arm(&kit.faulty, FAULTY_NAMES, 2, -EIO); /* Of an index: it may stay. */
    check_ok(log_drop_segment(log, &base));
    check_eq(base, 0);
    faulty_io_arm(&kit.faulty, 0, 0, 0);
    check_eq(log->segment_count, segments - 1);
    check_from(&kit, log, log->segments[0].base);
    log = start_again(&kit, log, true);
    check_from(&kit, log, log->segments[0].base);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_start, epochs_below_the_start_are_forgotten)
{
    struct store_kit kit;
    struct log *log;
    struct text file = {.data = NULL};

    store_kit_init(&kit);
    log = make_log(&kit);
    log_note_epoch(log, 3, 100);
    log_note_epoch(log, 5, 200);
    log_note_epoch(log, 6, 300);
    log_advance_start(log, 200);
    check_eq(log->epoch_count, 2);
    log_advance_start(log, 250);
    check(log->epochs[0].epoch == 5 && log->epochs[0].start == 250);
    log = start_again(&kit, log, true);
    check(files_read(store_kit_path(&kit, "t-0"), "leader-epoch-checkpoint", &file));
    check_text(file.data, "0\n2\n5 250\n6 300\n");

    /* Also where nothing else of the log has changed. */
    check(log->is_unchanged);
    log_advance_start(log, 400);
    log = start_again(&kit, log, true);
    text_cut(&file, 0);
    check(files_read(store_kit_path(&kit, "t-0"), "leader-epoch-checkpoint", &file));
    check_text(file.data, "0\n1\n6 400\n");
    store_kit_close_log(&kit, log);
    text_fini(&file);
    store_kit_fini(&kit);
}
