/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/store_kit.h"

static void check_end(const struct log *log, int32_t epoch, int32_t found, int64_t end)
{
    int32_t out_epoch = -7;
    int64_t out_end = -7;

    log_find_epoch_end(log, epoch, &out_epoch, &out_end);
    check_eq(out_epoch, found);
    check_eq(out_end, end);
}

static void check_led_end(const struct log *log, int32_t leader, int32_t epoch, int32_t found,
                          int64_t end)
{
    int32_t out_epoch = -7;
    int64_t out_end = -7;

    log_find_led_epoch_end(log, leader, epoch, &out_epoch, &out_end);
    check_eq(out_epoch, found);
    check_eq(out_end, end);
}

/* What Kafka's leader says that has noted its epoch when it began to lead. */
TEST(log_epochs, a_leader_s_epoch_is_known_before_it_writes)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    check_led_end(log, 2, 2, 2, 0);
    check_led_end(log, 2, 1, 1, 0);
    check_led_end(log, 2, 3, -1, -1);
    check_led_end(log, 2, -1, -1, -1);
    check_eq(log_epoch_at(log, 2, 0), 2);
    store_kit_put(&kit, log, &(struct store_batch){.records = 10}); /* In epoch 0. */
    check_led_end(log, 0, 0, 0, 10);
    check_led_end(log, 0, 1, -1, -1);
    check_led_end(log, 3, 0, 0, 10);
    check_led_end(log, 3, 2, 0, 10);
    check_led_end(log, 3, 3, 3, 10);
    check_led_end(log, 3, 4, -1, -1);
    log_note_epoch(log, 3, 4);
    check_led_end(log, 3, 2, 0, 4);
    check_led_end(log, 3, 3, 3, 10);
    check_eq(log_epoch_at(log, 5, 3), 0);
    check_eq(log_epoch_at(log, 5, 4), 3);
    check_eq(log_epoch_at(log, 5, 9), 3);
    check_eq(log_epoch_at(log, 5, 10), 5);
    log_abandon(log);
    store_kit_fini(&kit);
}

/* Recovery has read it from a torn tail, where no checksum covers it. */
TEST(log_epochs, an_epoch_above_that_of_a_leader_who_writes_has_never_been)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 10}); /* In epoch 0. */
    log_note_epoch(log, 3, 4);
    log_note_epoch(log, 1 << 30, 8);
    log_note_epoch(log, 2, 9); /* Recovery goes on, and knows no better. */
    check_end(log, 3, 3, 8);
    log->has_new_epochs = false;
    log_begin_epoch(log, 3);
    check_end(log, 3, 3, 10);
    check_end(log, 1 << 30, -1, -1);
    check(log->has_new_epochs);
    log_begin_epoch(log, -1); /* It does not say which. */
    log_begin_epoch(log, 4);
    check_end(log, 3, 3, 10);
    check_end(log, 4, 4, 10);
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_epochs, an_epoch_ends_where_the_next_begins)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0");
    check_end(log, 0, -1, -1);                                      /* None is known. */
    store_kit_put(&kit, log, &(struct store_batch){.records = 10}); /* In epoch 0. */
    check_end(log, 0, 0, 10);
    log_note_epoch(log, 3, 4);
    log_note_epoch(log, 5, 9);
    check_end(log, -1, -1, -1);
    check_end(log, 0, 0, 4);
    check_end(log, 1, 0, 4);
    check_end(log, 2, 0, 4);
    check_end(log, 3, 3, 9);
    check_end(log, 4, 3, 9);
    check_end(log, 5, 5, 10);
    check_end(log, 6, -1, -1);
    check_ok(store_kit_sync(&kit, log));
    log_advance_start(log, 6);
    check_end(log, 0, 0, 6); /* Older than all that are left. */
    check_end(log, 3, 3, 9);
    log_abandon(log);
    store_kit_fini(&kit);
}
