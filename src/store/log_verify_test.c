/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_verify.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { BATCHES = 12, RECORDS = 3, END = BATCHES * RECORDS, READ_SIZE = 1000000 };
enum { LARGE = 300, LARGE_END = BATCHES * LARGE }; /* Records in batches of 300 kB. */

static const char first_file[] = "00000000000000000000.log";

/* A log that was written, stopped in order, and opened again. */
struct bench {
    struct store_kit kit;
    struct log *log;
    uint64_t starts[BATCHES + 1];
};

static void reopen(struct bench *bench)
{
    store_kit_close_log(&bench->kit, bench->log);
    bench->log = store_kit_log(&bench->kit, "t-0");
}

static void bench_init(struct bench *bench, int records)
{
    *bench = (struct bench){.log = NULL};
    store_kit_init(&bench->kit);
    bench->kit.config.segment_bytes = 100000000;
    bench->kit.config.index_interval_bytes = 600;
    bench->log = store_kit_log(&bench->kit, "t-0");
    for (int i = 0; i < BATCHES; i++) {
        const struct store_batch batch = {.records = records, .value_size = 1000};

        check_eq(store_kit_put(&bench->kit, bench->log, &batch), i * records);
        bench->starts[i + 1] = log_active(bench->log)->size;
    }
    reopen(bench);
}

static void bench_fini(struct bench *bench)
{
    bench->log = log_abandon(bench->log);
    store_kit_fini(&bench->kit);
}

/* Reads as a partition does: what is not known to be good is read through first. */
static int read_good(struct log *log, int64_t offset, size_t *out_good)
{
    struct log_range range;
    struct log_verify verify;
    int r = log_read(log, offset, log_end(log), READ_SIZE, true, &range);

    *out_good = 0;
    if (r)
        return r;
    for (int i = 0; range.good < range.size && log_verify_begin(log, &range, 0, &verify); i++) {
        check(i < 100);
        log_verify_run(&verify);
        check(log_verify_end(log, &verify) >= 0);
        log_range_release(&range);
        r = log_read(log, offset, log_end(log), READ_SIZE, true, &range);
        if (r)
            return r;
    }
    *out_good = range.good;
    log_range_release(&range);
    return 0;
}

static uint64_t bytes_read_for(struct bench *bench, int64_t offset)
{
    uint64_t before = bench->kit.faulty.read_bytes;
    size_t good;

    check_ok(read_good(bench->log, offset, &good));
    check_eq(good, min_of((uint64_t)READ_SIZE, log_active(bench->log)->size));
    return bench->kit.faulty.read_bytes - before;
}

TEST(log_verify, a_damaged_batch_is_never_good_and_hides_no_other)
{
    struct bench bench;

    bench_init(&bench, RECORDS);
    for (int damaged = 0; damaged < BATCHES; damaged++) {
        int64_t at = (int64_t)bench.starts[damaged + 1] - 1;

        store_kit_close_log(&bench.kit, bench.log);
        files_flip(store_kit_path(&bench.kit, "t-0"), first_file, at, 1);
        bench.log = store_kit_log(&bench.kit, "t-0");
        for (int64_t offset = END - 1; offset >= 0; offset--) {
            int64_t batch = offset / RECORDS;
            uint64_t end = bench.starts[batch < damaged ? damaged : BATCHES];
            size_t good;

            check_eq(read_good(bench.log, offset, &good), batch == damaged ? LOG_E_CORRUPT : 0);
            check_eq(good, batch == damaged ? 0 : end - bench.starts[batch]);
        }
        check(diag_lines_have(&bench.kit.lines, "a batch on disk is damaged"));
        store_kit_close_log(&bench.kit, bench.log);
        files_flip(store_kit_path(&bench.kit, "t-0"), first_file, at, 1);
        bench.log = store_kit_log(&bench.kit, "t-0");
    }
    bench_fini(&bench);
}

TEST(log_verify, each_damage_is_told_where_it_is)
{
    static const int damaged[] = {2, 7};
    struct bench bench;
    size_t good;

    bench_init(&bench, RECORDS);
    for (size_t i = 0; i < COUNT_OF(damaged); i++)
        files_flip(store_kit_path(&bench.kit, "t-0"), first_file,
                   (int64_t)bench.starts[damaged[i] + 1] - 1, 1);
    check_ok(read_good(bench.log, 0, &good));
    check_eq(good, bench.starts[damaged[0]]);
    check_eq(bench.log->segments[0].damaged_at, bench.starts[damaged[0]]);
    check_eq(read_good(bench.log, damaged[0] * RECORDS, &good), LOG_E_CORRUPT);
    check_ok(read_good(bench.log, (damaged[0] + 1) * RECORDS, &good));
    check_eq(good, bench.starts[damaged[1]] - bench.starts[damaged[0] + 1]);
    check_eq(bench.log->segments[0].damaged_at, bench.starts[damaged[1]]);
    bench_fini(&bench);
}

TEST(log_verify, a_length_that_leads_nowhere_is_damage_as_well)
{
    enum { AT_LENGTH = 8, DAMAGED = 5 };
    struct bench bench;
    size_t good;

    bench_init(&bench, RECORDS);
    files_flip(store_kit_path(&bench.kit, "t-0"), first_file,
               (int64_t)bench.starts[DAMAGED] + AT_LENGTH, 0x40);
    check_eq(read_good(bench.log, DAMAGED * RECORDS, &good), LOG_E_CORRUPT);
    check_eq(bench.log->segments[0].damaged_at, bench.starts[DAMAGED]);
    check(diag_lines_have(&bench.kit.lines, "a batch on disk is damaged"));
    check_ok(read_good(bench.log, 0, &good));
    check_eq(good, bench.starts[DAMAGED]);
    /* The index leads to what it has an entry for, by the last offset: the rest of the batch
     * behind is as far away as the damage. */
    check_ok(read_good(bench.log, (DAMAGED + 2) * RECORDS - 1, &good));
    check_eq(good, bench.starts[BATCHES] - bench.starts[DAMAGED + 1]);
    bench_fini(&bench);
}

TEST(log_verify, what_was_verified_or_written_here_is_not_read_again)
{
    const struct store_batch batch = {.records = LARGE, .value_size = 1000};
    struct bench bench;
    size_t good;

    bench_init(&bench, LARGE);
    check(bytes_read_for(&bench, 0) >= READ_SIZE);
    check(bytes_read_for(&bench, 0) < 50000);
    reopen(&bench);
    check(bytes_read_for(&bench, 0) >= READ_SIZE);
    store_kit_put(&bench.kit, bench.log, &batch);
    check_ok(read_good(bench.log, 0, &good));
    for (int64_t offset = 0; offset < log_end(bench.log); offset += LARGE)
        check_ok(read_good(bench.log, offset, &good));
    check_eq(log_active(bench.log)->verified_from, 0);
    check_eq(log_active(bench.log)->verified_upto, bench.starts[BATCHES]);
    bench_fini(&bench);
}

TEST(log_verify, what_comes_behind_is_read_ahead)
{
    struct log_range range;
    struct log_verify verify;
    struct bench bench;

    bench_init(&bench, LARGE);
    check_ok(log_read(bench.log, 0, LARGE_END, 1000, true, &range));
    check(log_verify_begin(bench.log, &range, 0, &verify));
    check(verify.from == 0 && verify.upto == 2 << 20);
    log_verify_run(&verify);
    check_ok(log_verify_end(bench.log, &verify));
    check(!log_verify_begin(bench.log, &range, 1000000, &verify));
    check(log_verify_begin(bench.log, &range, 2000000, &verify));
    check_eq(verify.from, log_active(bench.log)->verified_upto);
    log_verify_run(&verify);
    check_ok(log_verify_end(bench.log, &verify));
    check(!log_verify_begin(bench.log, &range, UINT32_MAX, &verify)); /* There is no more. */
    log_range_release(&range);
    bench_fini(&bench);
}

TEST(log_verify, what_is_found_of_files_that_changed_places_is_forgotten)
{
    struct log_range range;
    struct log_verify verify;
    struct bench bench;

    bench_init(&bench, RECORDS);
    check_ok(log_read(bench.log, 0, END, READ_SIZE, true, &range));
    check(log_verify_begin(bench.log, &range, 0, &verify));
    log_verify_run(&verify);
    bench.log->cleanings++;
    check_ok(log_verify_end(bench.log, &verify));
    check_eq(log_active(bench.log)->verified_upto, 0);
    check(log_verify_begin(bench.log, &range, 0, &verify));
    log_verify_run(&verify);
    check_ok(log_verify_end(NULL, &verify)); /* Nobody has the log any more. */
    log_range_release(&range);
    bench_fini(&bench);
}

TEST(log_verify, a_disk_that_cannot_be_read_is_not_damage)
{
    struct log_range range;
    struct log_verify verify;
    struct bench bench;
    size_t good;

    bench_init(&bench, RECORDS);
    check_ok(log_read(bench.log, 0, END, READ_SIZE, true, &range));
    check(log_verify_begin(bench.log, &range, 0, &verify));
    faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, 1, -EIO);
    log_verify_run(&verify);
    faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    check_eq(log_verify_end(bench.log, &verify), -EIO);
    check(!bench.log->segments[0].is_damaged);
    log_range_release(&range);
    check_ok(read_good(bench.log, 0, &good));
    check_eq(good, bench.starts[BATCHES]);
    bench_fini(&bench);
}
