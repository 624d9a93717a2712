/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/reaper.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>

static const char folder[] = "t-0";

/* A record of the producer's transaction, the `i`th of its epoch. */
static struct store_batch part_of(int64_t producer, int i)
{
    return (struct store_batch){
        .records = 1, .producer = producer, .sequence = i, .is_transactional = true};
}

static struct store_batch end_of(int64_t producer, enum store_marker marker)
{
    return (struct store_batch){.producer = producer, .marker = marker, .coordinator_epoch = 9};
}

static int64_t put(struct store_kit *kit, struct log *log, struct store_batch batch)
{
    return store_kit_put(kit, log, &batch);
}

/* The bytes of the file, below the log's folder, as a text of "producer:first-last/stable ". */
static const char *index_of(struct store_kit *kit, const char *name)
{
    static char text[1000];
    struct text bytes = {.data = NULL};
    struct text out = {.data = NULL};

    if (!files_read(store_kit_path(kit, folder), name, &bytes))
        return "none";
    check_eq(bytes.size % TXN_INDEX_ENTRY_SIZE, 0);
    for (size_t at = 0; at < bytes.size; at += TXN_INDEX_ENTRY_SIZE) {
        struct txn_entry entry;

        check_ok(txn_entry_parse((const uint8_t *)bytes.data + at, &entry));
        text_printf(&out, "%d:%d-%d/%d ", (int)entry.producer_id, (int)entry.first_offset,
                    (int)entry.last_offset, (int)entry.stable);
    }
    (void)snprintf(text, sizeof(text), "%s", out.data ? out.data : "");
    text_fini(&bytes);
    text_fini(&out);
    return text;
}

/* The producers of the transactions that a reader is told of, as digits. */
static const char *aborted(struct log *log, int64_t offset, size_t bytes_max)
{
    static char digits[100];
    struct text out = {.data = NULL};
    struct log_range range;
    size_t count;

    check_ok(log_read(log, offset, log_written(log), bytes_max, true, &range));
    check_ok(log_find_aborted(log, offset, &range, &out));
    count = out.size / sizeof(struct txn_entry);
    for (size_t i = 0; i < count; i++) {
        struct txn_entry entry;

        memcpy(&entry, out.data + i * sizeof(entry), sizeof(entry));
        digits[i] = (char)('0' + entry.producer_id);
    }
    digits[count] = 0;
    text_fini(&out);
    log_range_release(&range);
    return digits;
}

static struct log *restart(struct store_kit *kit, struct log *log, bool clean)
{
    if (clean)
        store_kit_close_log(kit, log);
    else
        log_abandon(log);
    store_kit_close(kit, clean);
    store_kit_open(kit);
    return store_kit_log(kit, folder);
}

/* 0: a of 1; 1: b of 2; 2: abort of 2; 3: c of 3; 4: commit of 3; 5: d of 4; 6: abort of 4 */
static struct log *three_transactions(struct store_kit *kit)
{
    struct log *log;

    store_kit_init(kit);
    log = store_kit_log(kit, folder);
    check_eq(put(kit, log, part_of(1, 0)), 0);
    put(kit, log, part_of(2, 0));
    put(kit, log, end_of(2, STORE_ABORT));
    put(kit, log, part_of(3, 0));
    put(kit, log, end_of(3, STORE_COMMIT));
    put(kit, log, part_of(4, 0));
    check_eq(put(kit, log, end_of(4, STORE_ABORT)), 6);
    return log;
}

TEST(log_txn, what_is_committed_is_read_up_to_the_oldest_transaction)
{
    struct store_kit kit;
    struct log *log = three_transactions(&kit);

    check_eq(log_stable(log, 7), 0);
    log_settle_transactions(log, 7);
    check_eq(log_stable(log, 7), 0);
    put(&kit, log, end_of(1, STORE_COMMIT));
    check_eq(log_stable(log, 7), 0);
    check_eq(log_stable(log, 8), 0); /* Readers may not have come to the marker. */
    log_settle_transactions(log, 8);
    check_eq(log_stable(log, 8), 8);
    check_eq(log_stable(log, 5), 5);
    put(&kit, log, part_of(5, 0));
    check_eq(log_stable(log, 9), 8);
    check_ok(store_kit_sync(&kit, log));
    log_advance_start(log, 9);
    check_eq(log_stable(log, 9), 9); /* The transaction goes on, its beginning is gone. */
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_txn, what_was_aborted_is_in_the_index_and_there_is_none_before)
{
    static const char name[] = "00000000000000000000.txnindex";
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, folder);
    put(&kit, log, part_of(1, 0));
    put(&kit, log, end_of(1, STORE_COMMIT));
    put(&kit, log, end_of(2, STORE_ABORT)); /* Of nothing. */
    check_text(index_of(&kit, name), "none");
    log_abandon(log);
    store_kit_fini(&kit);

    log = three_transactions(&kit);
    check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 ");
    put(&kit, log, end_of(1, STORE_ABORT));
    check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 1:0-7/8 ");
    log = restart(&kit, log, true);
    check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 1:0-7/8 ");
    check_text(aborted(log, 0, 1000000), "241");
    check_text(aborted(log, 3, 1000000), "41");
    check_text(aborted(log, 7, 1000000), "1");
    put(&kit, log, part_of(6, 0));
    put(&kit, log, end_of(6, STORE_ABORT));
    check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 1:0-7/8 6:8-9/10 ");
    check_text(aborted(log, 8, 1000000), "6");
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_txn, the_index_is_made_again_after_a_crash)
{
    static const char name[] = "00000000000000000000.txnindex";

    for (int is_late = 0; is_late < 2; is_late++) {
        struct store_kit kit;
        struct log *log = three_transactions(&kit);

        if (is_late) /* Only what comes behind this is read again. */
            store_kit_checkpoint(&kit, log, 0);
        put(&kit, log, part_of(5, 0));
        put(&kit, log, end_of(5, STORE_ABORT));
        if (!is_late)
            files_remove(store_kit_path(&kit, folder), name);
        log = restart(&kit, log, false);
        check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 5:7-8/0 ");
        check_eq(log_stable(log, log_end(log)), 0);
        check_text(aborted(log, 0, 1000000), "245");
        put(&kit, log, end_of(1, STORE_COMMIT));
        log_settle_transactions(log, log_end(log));
        check_eq(log_stable(log, log_end(log)), log_end(log));
        log_abandon(log);
        store_kit_fini(&kit);
    }
}

TEST(log_txn, what_a_crash_has_left_behind_the_log_does_not_count)
{
    struct store_batch cut;
    struct store_kit kit;
    struct log *log = three_transactions(&kit);
    int64_t good;

    store_kit_checkpoint(&kit, log, 0);
    good = (int64_t)log_active(log)->size;
    put(&kit, log, end_of(1, STORE_ABORT));
    log_abandon(log);
    files_truncate(store_kit_path(&kit, folder), "00000000000000000000.log", good);
    store_kit_close(&kit, false);
    store_kit_open(&kit);
    log = store_kit_log(&kit, folder);
    check_eq(log_end(log), 7);
    check_text(index_of(&kit, "00000000000000000000.txnindex"), "2:1-2/0 4:5-6/0 ");
    cut = end_of(1, STORE_COMMIT);
    check_eq(put(&kit, log, cut), 7);
    check_text(aborted(log, 0, 1000000), "24");
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_txn, a_failed_write_takes_the_entry_back)
{
    static const char name[] = "00000000000000000000.txnindex";

    for (int call = 1; call <= 2; call++) { /* The entry, and the batch. */
        for (int tears = 0; tears < 2; tears++) {
            struct store_kit kit;
            struct log *log = three_transactions(&kit);
            struct store_batch end = end_of(1, STORE_ABORT);
            struct log_appended appended;

            check_ok(store_kit_append(&kit, log, &end, &appended));
            kit.faulty.tears = tears;
            faulty_io_arm(&kit.faulty, FAULTY_WRITE, call, -ENOSPC);
            check_eq(store_kit_write(&kit, log), -ENOSPC);
            check_text(index_of(&kit, name), "2:1-2/0 4:5-6/0 ");
            check_eq(log_stable(log, 7), 0);
            check_eq(put(&kit, log, end_of(1, STORE_COMMIT)), 7);
            log_settle_transactions(log, 8);
            check_eq(log_stable(log, 8), 8);
            check_text(aborted(log, 0, 1000000), "24");
            log_abandon(log);
            store_kit_fini(&kit);
        }
    }
}

TEST(log_txn, transactions_that_end_in_later_segments_are_found)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.segment_bytes = 250;
    log = store_kit_log(&kit, folder);
    put(&kit, log, part_of(1, 0));
    put(&kit, log, part_of(2, 0));
    for (int i = 0; i < 20; i++)
        put(&kit, log, part_of(3, i));
    put(&kit, log, end_of(3, STORE_COMMIT));
    put(&kit, log, end_of(2, STORE_ABORT));
    for (int i = 0; i < 20; i++)
        put(&kit, log, part_of(4, i));
    put(&kit, log, end_of(1, STORE_ABORT));
    put(&kit, log, end_of(4, STORE_ABORT));
    check(log->segment_count > 10);
    for (int is_new = 0; is_new < 2; is_new++) {
        check_text(aborted(log, 0, 1), "21");
        check_text(aborted(log, 10, 1), "21");
        check_text(aborted(log, 30, 1), "14");
        check_text(aborted(log, log_end(log) - 1, 1), "4");
        log = restart(&kit, log, is_new == 0);
    }
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_txn, a_segment_that_goes_takes_its_index_along)
{
    struct store_kit kit;
    struct log *log;
    int64_t base;

    store_kit_init(&kit);
    kit.config.segment_bytes = 250;
    log = store_kit_log(&kit, folder);
    for (int i = 0; i < 9; i++) {
        put(&kit, log, part_of(1, i));
        put(&kit, log, end_of(1, STORE_ABORT));
    }
    check_ok(store_kit_sync(&kit, log));
    check_eq(files_count(store_kit_path(&kit, folder), ".txnindex"), log->segment_count);
    log_advance_start(log, log->segments[2].base);
    for (int i = 0; i < 2; i++) {
        struct file *dir = log_folder(log);

        check_ok(log_drop_segment(log, &base));
        check_ok(log_unlink_dropped(kit.env.io, dir, base));
        file_unref(dir);
    }
    check_eq(files_count(store_kit_path(&kit, folder), ".txnindex"), log->segment_count);
    check_eq(files_count(store_kit_path(&kit, folder), ".deleted"), 0);
    log_abandon(log);
    store_kit_fini(&kit);
}

TEST(log_txn, producers_are_forgotten_when_their_time_has_come)
{
    struct store_batch open = part_of(1, 0);
    struct store_batch idle = {.records = 1, .producer = 2};
    struct store_batch next = {.records = 1, .producer = 2, .sequence = 1};
    struct log_appended appended;
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    kit.config.producer_expiration_ms = 1000;
    log = store_kit_log(&kit, folder);
    put(&kit, log, open);
    put(&kit, log, idle);
    log_expire_producers(log, 999);
    check(producers_find(log_producers(log), 2));
    check_ok(store_kit_append(&kit, log, &next, &appended));
    log_expire_producers(log, 5000); /* What is staged may have to be taken back. */
    check(producers_find(log_producers(log), 2));
    check_ok(store_kit_write(&kit, log));
    log_expire_producers(log, 5000);
    check(!producers_find(log_producers(log), 2));
    check(producers_find(log_producers(log), 1));
    log_abandon(log);
    store_kit_fini(&kit);
}
