/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"
#include "wire/bytes.h"

/* The size of a batch of one record with a value of `value_size` bytes. */
static size_t size_of(size_t value_size)
{
    struct text bytes = {.data = NULL};
    size_t result;

    store_batch_make(&(struct store_batch){.records = 1, .value_size = value_size}, &bytes);
    result = bytes.size;
    text_fini(&bytes);
    return result;
}

static int segments(struct store_kit *kit)
{
    return files_count(store_kit_path(kit, "t-0"), ".log");
}

/* --- staging and writing ---------------------------------------------------- */

TEST(log, a_batch_gets_its_offset_when_it_is_staged_and_is_in_the_file_when_it_is_written)
{
    const struct store_batch three = {.records = 3, .time = 5000};
    const struct store_batch two = {.records = 2, .time = 6000};
    struct text wanted = {.data = NULL};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    check(log_start(log) == 0 && log_end(log) == 0 && log_written(log) == 0);

    check_ok(store_kit_append(&kit, log, &three, &appended));
    check(appended.base_offset == 0 && appended.last_offset == 2 && !appended.is_duplicate);
    check_ok(store_kit_append(&kit, log, &two, &appended));
    check(appended.base_offset == 3 && appended.last_offset == 4);
    check(log_end(log) == 5 && log_written(log) == 0 && log_synced(log) == 0);
    store_kit_check_bytes(&kit, log, 0, slice_empty());

    check_ok(store_kit_write(&kit, log));
    check(log_end(log) == 5 && log_written(log) == 5 && log_synced(log) == 0);
    store_batch_place(&three, 0, &wanted);
    store_batch_place(&two, 3, &wanted);
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    check_eq(files_size(store_kit_path(&kit, "t-0"), "00000000000000000000.log"), wanted.size);
    check_ok(store_kit_write(&kit, log));
    check_ok(store_kit_sync(&kit, log));
    check_eq(log_synced(log), 5);
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
}

TEST(log, the_leaders_epoch_is_in_the_batch_and_its_beginning_in_the_checkpoint)
{
    struct text bytes = {.data = NULL};
    struct text file = {.data = NULL};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int32_t epoch = 2; epoch < 8; epoch += 2) {
        for (int i = 0; i < 2; i++) {
            struct log_append_terms terms = {.leader_epoch = epoch};
            struct batch_header header;

            text_cut(&bytes, 0);
            store_batch_make(&(struct store_batch){.records = 10}, &bytes);
            check_ok(batch_parse(text_slice(&bytes), &header));
            check_ok(
                log_append(log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended));
            check_eq(bytes_load_i32((uint8_t *)bytes.data + BATCH_EPOCH_AT), epoch);
            check_ok(log_write(log));
        }
    }
    store_kit_close_log(&kit, log);
    check(files_read(store_kit_path(&kit, "t-0"), "leader-epoch-checkpoint", &file));
    check_text(file.data, "0\n3\n2 0\n4 20\n6 40\n");
    text_fini(&file);
    text_fini(&bytes);
    store_kit_fini(&kit);
}

TEST(log, many_batches_are_written_with_one_call)
{
    struct text wanted = {.data = NULL};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 300; i++) {
        const struct store_batch batch = {.records = 1 + i % 3, .value_size = (size_t)i};

        store_batch_place(&batch, log_end(log), &wanted);
        check_ok(store_kit_append(&kit, log, &batch, &appended));
    }
    check_ok(store_kit_write(&kit, log));
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
}

/* --- rolling ---------------------------------------------------------------- */

TEST(log, a_segment_is_sealed_before_it_would_grow_beyond_its_size)
{
    struct log_appended appended;
    size_t value_size = 0;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_bytes = (int64_t)(3 * size_of(100));
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 3; i++)
        store_kit_put(&kit, log, &(struct store_batch){.records = 1, .value_size = 100});
    check_eq(segments(&kit), 1);
    check_eq(store_kit_put(&kit, log, &(struct store_batch){.records = 1}), 3);
    check_eq(segments(&kit), 2);
    check(files_size(store_kit_path(&kit, "t-0"), "00000000000000000003.log") > 0);
    check(files_size(store_kit_path(&kit, "t-0"), "00000000000000000003.snapshot") > 0);

    while (size_of(value_size + 1) <= 3 * size_of(100))
        value_size++;
    check_ok(store_kit_append(
        &kit, log, &(struct store_batch){.records = 1, .value_size = value_size}, &appended));
    check_eq(segments(&kit), 3); /* One that is as large as a segment has one for itself. */
    check_ok(store_kit_write(&kit, log));
    check_eq(store_kit_append(&kit, log,
                              &(struct store_batch){.records = 1, .value_size = 4 * size_of(100)},
                              &appended),
             LOG_E_SEGMENT_SIZE);
    check_eq(log_end(log), 5);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log, what_is_staged_is_to_be_written_before_a_segment_is_sealed)
{
    struct text bytes = {.data = NULL};
    struct log_append_terms terms = {.leader_epoch = 0};
    struct log_appended appended;
    struct batch_header header;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_bytes = (int64_t)(2 * size_of(100));
    log = store_kit_log(&kit, "t-0");
    check_ok(store_kit_append(&kit, log, &(struct store_batch){.records = 1, .value_size = 100},
                              &appended));
    store_batch_make(&(struct store_batch){.records = 1, .value_size = 101}, &bytes);
    check_ok(batch_parse(text_slice(&bytes), &header));
    check_eq(log_append(log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended),
             LOG_E_UNWRITTEN);
    check(log_end(log) == 1 && segments(&kit) == 1);
    check_ok(store_kit_write(&kit, log));
    check_ok(log_append(log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended));
    check(appended.base_offset == 1 && segments(&kit) == 2);
    check_ok(log_write(log));
    store_kit_close_log(&kit, log);
    text_fini(&bytes);
    store_kit_fini(&kit);
}

/* Appends batches with these times in one turn or in as many as there are, and says how
 * many segments there are then. */
static int roll_by_time(const int64_t *times, size_t count, bool at_once)
{
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;
    int result;

    store_kit_init(&kit);
    kit.config.segment_ms = 1000;
    log = store_kit_log(&kit, "t-0");
    for (size_t i = 0; i < count; i++) {
        check_ok(store_kit_append(&kit, log, &(struct store_batch){.records = 1, .time = times[i]},
                                  &appended));
        if (!at_once)
            check_ok(store_kit_write(&kit, log));
    }
    check_ok(store_kit_write(&kit, log));
    result = segments(&kit);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
    return result;
}

TEST(log, a_segment_is_sealed_when_its_first_batch_is_old)
{
    const int64_t steady[] = {5000, 5500, 6000, 4000, 6000};
    const int64_t late[] = {5000, 5500, 6001};
    const int64_t jumps[] = {5000, 6001, 7002, 1000, 7003, 8003, 8004};

    for (int at_once = 0; at_once < 2; at_once++) {
        check_eq(roll_by_time(steady, COUNT_OF(steady), at_once), 1);
        check_eq(roll_by_time(late, COUNT_OF(late), at_once), 2);
        check_eq(roll_by_time(jumps, COUNT_OF(jumps), at_once), 4);
    }
}

/* How many batches the first segment gets until its index is full. */
static int64_t roll_by_index(size_t at_once)
{
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;
    int64_t result = -1;

    store_kit_init(&kit);
    kit.config.index_interval_bytes = 150;
    kit.config.index_size_max = 12 * 10;
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 60; i++) {
        check_ok(
            store_kit_append(&kit, log, &(struct store_batch){.records = 1, .time = i}, &appended));
        if (i % at_once == 0)
            check_ok(store_kit_write(&kit, log));
    }
    check_ok(store_kit_write(&kit, log));
    check(log->segment_count > 1);
    result = log->segments[1].base;
    check_eq(files_size(store_kit_path(&kit, "t-0"), "00000000000000000000.timeindex"), 108);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
    return result;
}

TEST(log, a_segment_is_sealed_when_an_index_is_full_however_much_is_staged)
{
    int64_t alone = roll_by_index(1);

    check_eq(roll_by_index(3), alone);
    check_eq(roll_by_index(7), alone);
    check_eq(roll_by_index(60), alone);
}

TEST(log, a_segment_is_sealed_when_an_offset_would_not_fit_its_index)
{
    struct text bytes = {.data = NULL};
    struct log_append_terms terms = {.leader_epoch = 0};
    struct log_appended appended;
    struct batch_header header;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 3; i++) { /* What is in it does not matter to the log. */
        text_cut(&bytes, 0);
        store_batch_make(&(struct store_batch){.records = 1}, &bytes);
        bytes_store_i32((uint8_t *)bytes.data + 23, INT32_MAX / 2);
        check_ok(batch_parse(text_slice(&bytes), &header));
        check_ok(log_append(log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended));
        check_ok(log_write(log));
        check_eq(segments(&kit), i < 2 ? 1 : 2);
    }
    check_eq(appended.base_offset, 2 * (INT64_C(1) + INT32_MAX / 2));
    check_eq(log->segments[1].base, appended.base_offset);
    log_abandon(log);
    text_fini(&bytes);
    store_kit_fini(&kit);
}

/* --- syncing ---------------------------------------------------------------- */

TEST(log, a_sync_makes_durable_what_was_written_when_it_began)
{
    const struct store_batch one = {.records = 1, .value_size = 100};
    struct log_sync sync, second;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_bytes = (int64_t)(2 * size_of(100));
    log = store_kit_log(&kit, "t-0");
    check(log_sync_begin(log, &sync)); /* The names. */
    check(sync.file_count == 0 && sync.folder_count == 2);
    check_ok(log_sync_run(&sync, kit.env.io));
    log_sync_end(log, &sync);
    log_sync_fini(&sync);
    check(!log_sync_begin(log, &sync));

    for (int i = 0; i < 3; i++)
        store_kit_put(&kit, log, &one);
    check(log_has_unsynced_segment(log));
    check(log_sync_begin(log, &sync));
    check(sync.file_count == 2 && sync.folder_count == 2);
    for (int i = 0; i < 3; i++) /* Goes on meanwhile, over a new segment. */
        store_kit_put(&kit, log, &one);
    check_ok(log_sync_run(&sync, kit.env.io));
    check_eq(log_synced(log), 0);
    log_sync_end(log, &sync);
    log_check(log);
    check_eq(log_synced(log), 3);
    check(log->segments[0].file == NULL && log->segments[1].file != NULL);

    check(log_sync_begin(log, &second));
    check(second.file_count == 2 && second.folder_count == 2);
    check_ok(log_sync_run(&second, kit.env.io));
    log_sync_end(log, &second);
    check(log_synced(log) == 6 && !log_has_unsynced_segment(log));
    check(!log_sync_begin(log, &(struct log_sync){.upto = 0}));
    log_sync_fini(&sync);
    log_sync_fini(&second);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log, a_sync_holds_its_files_when_the_log_is_gone)
{
    struct log_sync sync;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 1});
    check(log_sync_begin(log, &sync));
    log_abandon(log);
    check_ok(log_sync_run(&sync, kit.env.io));
    log_sync_fini(&sync);
    store_kit_fini(&kit);
}

TEST(log, after_a_failed_sync_of_its_folder_a_log_takes_no_more)
{
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 1});
    check_ok(store_kit_append(&kit, log, &(struct store_batch){.records = 1}, &appended));
    log_dir_fence(kit.dir);
    check(log_is_fenced(log));
    check_eq(store_kit_write(&kit, log), -EIO);
    check_eq(log_end(log), 1);
    check_eq(store_kit_append(&kit, log, &(struct store_batch){.records = 1}, &appended),
             LOG_E_FENCED);
    check_eq(log_dir_close_log(kit.dir, log), -EIO);
    check_eq(log_dir_close(kit.dir, true), -EIO);
    check_eq(files_size(kit.path, ".kafka_cleanshutdown"), -1);
    kit.dir = NULL;
    store_kit_fini(&kit);
}

/* --- writes that fail ------------------------------------------------------- */

enum { KEPT = 5, TRIED = 600 };

static struct store_batch batch_number(int i)
{
    return (struct store_batch){.records = 1 + i % 2,
                                .time = 1000 + 2 * i,
                                .value_size = (size_t)(i % 5),
                                .producer = i % 3, /* Of 0: none. */
                                .sequence = 2 * i};
}

/* Batches of a producer follow each other by two; what begins anew, may. */
static void stage_from(struct store_kit *kit, struct log *log, int from, int to)
{
    struct log_appended appended;

    for (int i = from; i < to; i++) {
        struct store_batch batch = batch_number(i);

        batch.epoch = (int16_t)i; /* Each is the first of its epoch. */
        batch.sequence = 0;
        check_ok(store_kit_append(kit, log, &batch, &appended));
        check(!appended.is_duplicate);
    }
}

static void print_state(const struct log *log, struct text *out)
{
    producers_print(&log->producers, out);
    text_printf(out, "%d %d %d", (int)log->end, (int)log->staged_count, (int)log->epoch_count);
}

/* A log to whose folder others are compared. */
static void make_reference(struct store_kit *kit)
{
    struct log *log;

    store_kit_init(kit);
    kit->config.index_interval_bytes = 0; /* An entry for each batch. */
    log = store_kit_log(kit, "t-0");
    stage_from(kit, log, 0, KEPT + TRIED);
    check_ok(store_kit_write(kit, log));
    store_kit_close_log(kit, log);
}

static void check_same_files(struct store_kit *a, struct store_kit *b)
{
    static const char *const names[] = {
        "00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
        "leader-epoch-checkpoint",  "partition.metadata",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        check(files_equal(store_kit_path(a, "t-0"), store_kit_path(b, "t-0"), names[i]));
    check_eq(files_count(store_kit_path(a, "t-0"), ""), files_count(store_kit_path(b, "t-0"), ""));
}

/* Fails the nth call while TRIED batches are written; true if there was no nth. */
static bool try_write(struct store_kit *reference, unsigned kinds, int n, int count, bool tears)
{
    struct text before = {.data = NULL};
    struct text after = {.data = NULL};
    struct store_kit kit;
    struct log *log;
    int failed, r;

    store_kit_init(&kit);
    kit.config.index_interval_bytes = 0;
    log = store_kit_log(&kit, "t-0");
    stage_from(&kit, log, 0, KEPT);
    check_ok(store_kit_write(&kit, log));
    print_state(log, &before);
    stage_from(&kit, log, KEPT, KEPT + TRIED);

    kit.faulty.tears = tears;
    faulty_io_arm(&kit.faulty, kinds, n, -ENOSPC);
    kit.faulty.fail_count = count;
    r = store_kit_write(&kit, log);
    failed = kit.faulty.failed;
    faulty_io_arm(&kit.faulty, 0, 0, 0);
    check_eq(r, failed ? -ENOSPC : 0);
    if (r && log_is_fenced(log)) {
        log_abandon(log);
        log = store_kit_log(&kit, "t-0"); /* Recovery finds what was acknowledged, or more. */
        check(log_end(log) >= log_start(log) + KEPT);
        log_abandon(log);
    } else {
        if (r) {
            print_state(log, &after);
            check(slice_equal(text_slice(&before), text_slice(&after)));
            stage_from(&kit, log, KEPT, KEPT + TRIED);
            check_ok(store_kit_write(&kit, log));
        }
        store_kit_close_log(&kit, log);
        check_same_files(&kit, reference);
    }
    text_fini(&before);
    text_fini(&after);
    store_kit_fini(&kit);
    return failed == 0;
}

TEST(log, a_write_that_fails_is_taken_back_whole_and_can_be_done_again)
{
    struct store_kit reference;

    make_reference(&reference);
    for (int tears = 0; tears < 2; tears++) {
        int n = 1;

        while (!try_write(&reference, FAULTY_ANY, n, 1, tears))
            check(++n < 100);
        check(n > 12); /* Ten writes of batches, and two of indexes at least. */
    }
    store_kit_fini(&reference);
}

TEST(log, a_write_that_cannot_be_taken_back_fences_the_log)
{
    struct store_kit reference;
    struct store_kit kit;
    struct log *log;

    make_reference(&reference);
    for (int n = 1; !try_write(&reference, FAULTY_WRITE | FAULTY_TRUNCATE, n, INT32_MAX, true); n++)
        check(n < 100);
    store_kit_fini(&reference);

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    stage_from(&kit, log, 0, KEPT);
    kit.faulty.tears = true;
    faulty_io_arm(&kit.faulty, FAULTY_WRITE | FAULTY_TRUNCATE, 1, -EIO);
    kit.faulty.fail_count = 2;
    check_eq(store_kit_write(&kit, log), -EIO);
    check(log_is_fenced(log) && log_end(log) == 0);
    check(!log_dir_is_fenced(kit.dir));
    check_eq(log_dir_close_log(kit.dir, log), -EIO);
    check_eq(log_dir_close(take(kit.dir), true), -EIO);
    store_kit_fini(&kit);
}

/* Fails the nth call while a segment is sealed; true if there was no nth. */
static bool try_roll(int n, int error, bool lies)
{
    const struct store_batch large = {.records = 1, .value_size = 400, .time = 2};
    const struct store_batch small = {.records = 1, .time = 3};
    struct text wanted = {.data = NULL};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;
    bool was_last;
    int r;

    store_kit_init(&kit);
    kit.config.segment_bytes = (int64_t)(size_of(400) + 2 * size_of(0));
    log = store_kit_log(&kit, "t-0");
    store_kit_put(&kit, log, &large);
    store_batch_place(&large, 0, &wanted);

    kit.faulty.lies = lies;
    faulty_io_arm(&kit.faulty, FAULTY_ANY, n, error);
    r = store_kit_append(&kit, log, &large, &appended);
    was_last = kit.faulty.failed == 0;
    faulty_io_arm(&kit.faulty, 0, 0, 0);
    check(r == 0 ? was_last : r == error);
    check(!log_is_fenced(log));
    if (r == 0)
        store_batch_place(&large, 1, &wanted);
    /* A smaller one fits into the old segment, whose end goes past the new one's name. */
    store_batch_place(&small, log_end(log), &wanted);
    store_kit_put(&kit, log, &small);
    store_batch_place(&small, log_end(log), &wanted);
    store_kit_put(&kit, log, &small);
    store_batch_place(&large, log_end(log), &wanted);
    store_kit_put(&kit, log, &large);
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    if (n % 2) {
        store_kit_close_log(&kit, log);
        store_kit_close(&kit, true);
        store_kit_open(&kit);
    } else {
        log_abandon(log);
    }
    log = store_kit_log(&kit, "t-0");
    store_kit_check_bytes(&kit, log, 0, text_slice(&wanted));
    store_kit_close_log(&kit, log);
    text_fini(&wanted);
    store_kit_fini(&kit);
    return was_last;
}

TEST(log, where_sealing_fails_the_old_segment_goes_on)
{
    int n = 1;

    while (!try_roll(n, -ENOSPC, false))
        check(++n < 100);
    check(n > 6);
    for (n = 1; !try_roll(n, -EMFILE, false); n++)
        check(n < 100);
    for (n = 1; !try_roll(n, -EIO, true); n++)
        check(n < 100);
}

TEST(log, a_segment_that_can_neither_be_made_nor_taken_back_fences_the_log)
{
    const struct store_batch large = {.records = 1, .value_size = 400, .time = 2};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;
    int fenced = 0;

    for (int n = 1; n < 12; n++) {
        store_kit_init(&kit);
        kit.config.segment_bytes = (int64_t)size_of(400);
        log = store_kit_log(&kit, "t-0");
        store_kit_put(&kit, log, &large);
        kit.faulty.lies = true;
        faulty_io_arm(&kit.faulty, FAULTY_OPEN | FAULTY_NAMES, n, -EIO);
        kit.faulty.fail_count = INT32_MAX;
        if (store_kit_append(&kit, log, &large, &appended) == 0)
            check_ok(log_write(log));
        fenced += log_is_fenced(log);
        faulty_io_arm(&kit.faulty, 0, 0, 0);
        log_abandon(log);
        log = store_kit_log(&kit, "t-0");
        check(log_end(log) >= 1);
        store_kit_close_log(&kit, log);
        store_kit_fini(&kit);
    }
    check(fenced > 0);
}
