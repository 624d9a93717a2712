/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

/* The batch number `i` of a producer. */
static struct store_batch batch_of(int64_t producer, int i)
{
    return (struct store_batch){
        .records = 10, .value_size = 50, .producer = producer, .sequence = 10 * i};
}

/* What becomes of the batch when it is sent (again). */
static int send(struct store_kit *kit, struct log *log, int64_t producer, int i, bool *out_again)
{
    struct store_batch batch = batch_of(producer, i);
    struct log_appended appended = {.is_duplicate = false};
    int r = store_kit_append(kit, log, &batch, &appended);

    if (r == 0)
        check_ok(store_kit_write(kit, log));
    *out_again = r == 0 && appended.is_duplicate;
    return r;
}

static void check_again(struct store_kit *kit, struct log *log, int64_t producer, int i,
                        int64_t offset)
{
    struct store_batch batch = batch_of(producer, i);
    struct log_appended appended;
    int64_t end = log_end(log);

    check_ok(store_kit_append(kit, log, &batch, &appended));
    check(appended.is_duplicate);
    check_eq(appended.base_offset, offset);
    check_eq(appended.last_offset, offset + 9);
    check_eq(log_end(log), end);
}

static struct log *restart(struct store_kit *kit, struct log *log, bool clean)
{
    if (clean)
        store_kit_close_log(kit, log);
    else
        log_abandon(log);
    store_kit_close(kit, clean);
    store_kit_open(kit);
    return store_kit_log(kit, "t-0");
}

TEST(log_producers, what_was_sent_before_is_known_and_gaps_are_refused)
{
    struct store_batch older = batch_of(1, 0);
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;
    bool again;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 7; i++)
        check_ok(send(&kit, log, 1, i, &again));
    for (int i = 2; i < 7; i++)
        check_again(&kit, log, 1, i, 10 * i);
    check_eq(send(&kit, log, 1, 1, &again), LOG_E_LONG_PAST);
    check_eq(send(&kit, log, 1, 8, &again), LOG_E_SEQUENCE);
    older.epoch = 1;
    check_ok(store_kit_append(&kit, log, &older, &appended));
    check_ok(store_kit_write(&kit, log));
    check_eq(send(&kit, log, 1, 7, &again), LOG_E_PRODUCER_EPOCH);
    check_eq(log_end(log), 80);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_producers, a_batch_that_is_staged_is_known_and_forgotten_if_it_cannot_be_written)
{
    struct store_batch batch = batch_of(1, 0);
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    check_ok(store_kit_append(&kit, log, &batch, &appended));
    check_again(&kit, log, 1, 0, 0);
    faulty_io_arm(&kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    check_eq(store_kit_write(&kit, log), -ENOSPC);
    check_ok(store_kit_append(&kit, log, &batch, &appended));
    check(!appended.is_duplicate && appended.base_offset == 0);
    check_ok(store_kit_write(&kit, log));
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

/* Producers take turns, over several segments if they are small; then a restart; then each
 * sends its last five batches again, from the first on as a client does, and goes on. */
static void check_restart(int64_t segment_bytes, bool clean, int restarts)
{
    enum { PRODUCERS = 4, BATCHES = 9 };
    struct store_kit kit;
    struct log *log;
    bool again;

    store_kit_init(&kit);
    kit.config.segment_bytes = segment_bytes;
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < BATCHES; i++)
        for (int p = 1; p <= PRODUCERS; p++)
            check_ok(send(&kit, log, p, i, &again));
    while (restarts-- > 0)
        log = restart(&kit, log, clean);
    for (int p = 1; p <= PRODUCERS; p++) {
        for (int i = BATCHES - 5; i < BATCHES; i++)
            check_again(&kit, log, p, i, 10 * (i * PRODUCERS + p - 1));
        check_eq(send(&kit, log, p, BATCHES - 6, &again), LOG_E_LONG_PAST);
        check_eq(send(&kit, log, p, BATCHES + 1, &again), LOG_E_SEQUENCE);
        check_ok(send(&kit, log, p, BATCHES, &again));
        check(!again);
        for (int i = BATCHES - 4; i < BATCHES; i++)
            check_again(&kit, log, p, i, 10 * (i * PRODUCERS + p - 1));
    }
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_producers, after_any_stop_the_last_five_batches_of_each_are_known)
{
    for (int clean = 0; clean < 2; clean++) {
        for (int restarts = 1; restarts < 4; restarts++) {
            check_restart(1 << 20, clean, restarts);
            check_restart(2500, clean, restarts);
            check_restart(1200, clean, restarts);
        }
    }
}

TEST(log_producers, a_client_that_goes_on_after_a_clean_stop_may_still_send_older_ones_again)
{
    struct store_kit kit;
    struct log *log;
    bool again;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 6; i++)
        check_ok(send(&kit, log, 1, i, &again));
    log = restart(&kit, log, true);
    check_ok(send(&kit, log, 1, 6, &again));
    check_ok(send(&kit, log, 1, 7, &again));
    for (int i = 3; i < 8; i++)
        check_again(&kit, log, 1, i, 10 * i);
    check_eq(send(&kit, log, 1, 2, &again), LOG_E_LONG_PAST);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_producers, the_end_of_the_log_is_walked_once_at_most_and_not_all_of_it)
{
    enum { LARGE = 3000, BATCHES = 800 };
    struct store_kit kit;
    struct log *log;
    uint64_t before;
    bool again;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < BATCHES; i++) /* About 24 MB. */
        store_kit_put(&kit, log,
                      &(struct store_batch){.records = 10,
                                            .value_size = LARGE,
                                            .producer = 1 + (i < 5),
                                            .sequence = 10 * (i < 5 ? i : i - 5)});
    log = restart(&kit, log, true);
    before = kit.faulty.read_bytes;
    check_ok(send(&kit, log, 3, 0, &again));
    check_eq(kit.faulty.read_bytes, before); /* Nothing calls for it. */
    check_eq(send(&kit, log, 2, 4, &again), 0);
    check(again);
    check_eq(kit.faulty.read_bytes, before);
    check_eq(send(&kit, log, 2, 3, &again), LOG_E_LONG_PAST); /* Too far back. */
    check(kit.faulty.read_bytes - before < 2 * 1024 * 1024);
    before = kit.faulty.read_bytes;
    check_eq(send(&kit, log, 2, 3, &again), LOG_E_LONG_PAST);
    check_eq(kit.faulty.read_bytes, before);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_producers, a_walk_that_fails_is_no_answer_about_the_sequence)
{
    struct store_kit kit;
    struct log *log;
    bool again;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    for (int i = 0; i < 6; i++)
        check_ok(send(&kit, log, 1, i, &again));
    log = restart(&kit, log, true);
    faulty_io_arm(&kit.faulty, FAULTY_READ, 1, -EIO);
    check_eq(send(&kit, log, 1, 2, &again), -EIO);
    check_ok(send(&kit, log, 1, 2, &again));
    check(again);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_producers, a_damaged_snapshot_costs_a_longer_walk_only)
{
    for (int missing = 0; missing < 3; missing++) {
        struct store_kit kit;
        struct log *log;
        bool again;

        store_kit_init(&kit);
        kit.config.segment_bytes = 2500;
        log = store_kit_log(&kit, "t-0");
        for (int i = 0; i < 12; i++)
            check_ok(send(&kit, log, 1, i, &again));
        check(log->segment_count >= 3);
        store_kit_close_log(&kit, log);
        store_kit_close(&kit, true);
        store_kit_open(&kit);
        for (int64_t end = 120; end > 0; end -= 10) {
            char name[SEGMENT_NAME_SIZE];

            segment_name(name, end, ".snapshot");
            if (files_size(store_kit_path(&kit, "t-0"), name) < 0)
                continue;
            if (missing == 0)
                files_remove(store_kit_path(&kit, "t-0"), name);
            else
                files_flip(store_kit_path(&kit, "t-0"), name, 30, 1);
            if (missing == 2)
                break; /* The newest alone. */
        }
        diag_lines_clear(&kit.lines);
        log = store_kit_log(&kit, "t-0");
        check(diag_lines_have(&kit.lines, "snapshot cannot be used") == (missing > 0));
        for (int i = 7; i < 12; i++)
            check_again(&kit, log, 1, i, 10 * i);
        check_ok(send(&kit, log, 1, 12, &again));
        store_kit_close_log(&kit, log);
        store_kit_fini(&kit);
    }
}
