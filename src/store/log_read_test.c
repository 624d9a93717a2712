/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { BATCHES = 60, RECORDS = 3, END = BATCHES * RECORDS };

/* A log of BATCHES batches of RECORDS records over many segments, and where they are. */
struct bench {
    struct store_kit kit;
    struct log *log;
    struct text bytes;
    size_t starts[BATCHES + 1];
};

static struct store_batch batch_number(int i)
{
    return (struct store_batch){
        .records = RECORDS, .time = 1000 + i, .value_size = (size_t)(i * 37 % 200)};
}

static void bench_init(struct bench *bench, int64_t segment_bytes)
{
    *bench = (struct bench){.log = NULL};
    store_kit_init(&bench->kit);
    bench->kit.config.segment_bytes = segment_bytes;
    bench->kit.config.index_interval_bytes = 600;
    bench->log = store_kit_log(&bench->kit, "t-0");
    for (int i = 0; i < BATCHES; i++) {
        struct store_batch batch = batch_number(i);

        bench->starts[i] = bench->bytes.size;
        store_batch_place(&batch, (int64_t)i * RECORDS, &bench->bytes);
        check_eq(store_kit_put(&bench->kit, bench->log, &batch), i * RECORDS);
    }
    bench->starts[BATCHES] = bench->bytes.size;
}

static void bench_fini(struct bench *bench)
{
    bench->log = log_abandon(bench->log);
    text_fini(&bench->bytes);
    store_kit_fini(&bench->kit);
}

/* Where the bytes of a range are in the whole log. */
static size_t place_of(struct bench *bench, const struct log_range *range, int64_t offset)
{
    const struct log *log = bench->log;
    size_t before = 0;

    for (size_t i = 0; i < log_find_segment(log, offset); i++)
        before += log->segments[i].size;
    return before + range->position;
}

static size_t segment_end(const struct log *log, int64_t offset)
{
    size_t end = 0;

    for (size_t i = 0; i <= log_find_segment(log, offset); i++)
        end += log->segments[i].size;
    return end;
}

/* Reads and compares with what must come: from the batch that has `offset`, at most
 * `bytes_max` bytes, to the end of the segment or the limit. */
static void check_read(struct bench *bench, int64_t offset, int64_t limit, size_t bytes_max,
                       bool at_least_one)
{
    struct io *io = bench->kit.env.io;
    size_t from = bench->starts[offset / RECORDS];
    size_t to = min_of(bench->starts[limit / RECORDS], segment_end(bench->log, offset));
    size_t first = bench->starts[offset / RECORDS + 1] - from;
    size_t size_wanted = min_of(at_least_one ? max_of(bytes_max, first) : bytes_max, to - from);
    struct text found = {.data = NULL};
    struct log_range range;
    size_t got = 0;

    check_ok(log_read(bench->log, offset, limit, bytes_max, at_least_one, &range));
    check_eq(range.size, size_wanted);
    if (range.size > 0) {
        check_eq(place_of(bench, &range, offset), from);
        check_ok(io->ops->file_read(io, range.fd, range.position,
                                    text_add_space(&found, range.size), range.size, &got));
        check(got == range.size);
        check(slice_equal(text_slice(&found), slice_of(bench->bytes.data + from, got)));
    }
    log_range_release(&range);
    log_range_release(&range);
    text_fini(&found);
    log_check(bench->log);
}

TEST(log_read, every_offset_leads_to_its_batch_in_every_segment)
{
    struct bench bench;

    bench_init(&bench, 2000);
    check(bench.log->segment_count > 6);
    for (int64_t offset = 0; offset < END; offset++)
        for (int64_t limit = offset / RECORDS * RECORDS + RECORDS; limit <= END; limit += RECORDS)
            check_read(&bench, offset, limit, 1000000, false);
    store_kit_check_bytes(&bench.kit, bench.log, 0, text_slice(&bench.bytes));
    bench_fini(&bench);
}

TEST(log_read, the_last_batch_is_cut_off_and_the_first_is_whole_if_it_must)
{
    struct bench bench;

    bench_init(&bench, 100000);
    for (size_t bytes = 0; bytes < 3000; bytes += bytes < 200 ? 1 : 77) {
        check_read(&bench, 4 * RECORDS + 1, END, bytes, false);
        check_read(&bench, 4 * RECORDS + 1, END, bytes, true);
        check_read(&bench, 4 * RECORDS, 7 * RECORDS, bytes, true);
        check_read(&bench, 4 * RECORDS, 5 * RECORDS, bytes, false);
    }
    bench_fini(&bench);
}

TEST(log_read, nothing_is_served_at_the_limit_or_above_what_is_written)
{
    const struct store_batch one = {.records = 1};
    struct log_appended appended;
    struct log_range range;
    struct bench bench;

    bench_init(&bench, 2000);
    check_ok(log_read(bench.log, 30, 30, 1000, true, &range));
    check(range.size == 0 && !range.file);
    check_ok(log_read(bench.log, 31, 30, 1000, true, &range));
    check(range.size == 0 && !range.file);
    check_ok(store_kit_append(&bench.kit, bench.log, &one, &appended));
    check_ok(log_read(bench.log, END, END + 1, 1000, true, &range));
    check(range.size == 0 && !range.file);
    check_ok(log_read(bench.log, END + 1, END + 1, 1000, true, &range));
    check(range.size == 0 && !range.file);
    check_eq(log_read(bench.log, END + 2, END + 2, 1000, true, &range), LOG_E_OUT_OF_RANGE);
    check_eq(log_read(bench.log, -1, END, 1000, true, &range), LOG_E_OUT_OF_RANGE);
    check(range.size == 0 && !range.file);
    check_read(&bench, END - 1, END, 100000, true);
    check_ok(store_kit_write(&bench.kit, bench.log));
    bench_fini(&bench);
}

TEST(log_read, the_limit_of_the_last_sync_needs_no_search)
{
    struct bench bench;
    int reads;

    bench_init(&bench, 100000);
    check_ok(store_kit_sync(&bench.kit, bench.log));
    store_kit_put(&bench.kit, bench.log, &(struct store_batch){.records = 1});
    faulty_io_arm(&bench.kit.faulty, FAULTY_READ, 0, 0);
    check_read(&bench, END - 1, END, 100000, true);
    reads = bench.kit.faulty.counted;
    check_read(&bench, END - 1, END - RECORDS + RECORDS, 100000, true);
    check_eq(bench.kit.faulty.counted, 2 * reads);
    check(reads <= 2); /* One of the headers, one of the test. */
    bench_fini(&bench);
}

TEST(log_read, a_range_can_be_read_when_its_log_is_deleted)
{
    struct io *io;
    struct log_range range;
    struct bench bench;
    struct text found = {.data = NULL};
    size_t got = 0;

    bench_init(&bench, 2000);
    io = bench.kit.env.io;
    check_ok(log_read(bench.log, 30, END, 1000, true, &range));
    bench.log = log_abandon(bench.log);
    check_ok(log_dir_delete_log(bench.kit.dir, io, "t-0", bench.kit.topic_id));
    check_eq(files_count(bench.kit.path, "-delete"), 0);
    check(!log_dir_has_log(bench.kit.dir, io, "t-0"));
    check_ok(io->ops->file_read(io, range.fd, range.position, text_add_space(&found, range.size),
                                range.size, &got));
    check_eq(got, range.size);
    check(slice_equal(text_slice(&found), slice_of(bench.bytes.data + bench.starts[10], got)));
    log_range_release(&range);
    text_fini(&found);
    bench_fini(&bench);
}

/* As a start after a clean stop. */
static void restart(struct bench *bench)
{
    store_kit_close_log(&bench->kit, bench->log);
    store_kit_close(&bench->kit, true);
    store_kit_open(&bench->kit);
}

TEST(log_read, an_index_that_lies_does_not_hide_batches)
{
    static const char name[] = "00000000000000000000.index";
    struct text good = {.data = NULL};
    struct bench bench;

    bench_init(&bench, 6000);
    restart(&bench);
    check(files_read(store_kit_path(&bench.kit, "t-0"), name, &good));
    check(good.size >= 40);
    for (size_t at = 0; at < good.size; at++) {
        files_flip(store_kit_path(&bench.kit, "t-0"), name, (int64_t)at, (uint8_t)(1 << at % 7));
        bench.log = store_kit_log(&bench.kit, "t-0");
        check(bench.log->segment_count > 1);
        store_kit_check_bytes(&bench.kit, bench.log, 0, text_slice(&bench.bytes));
        for (int64_t offset = 0; offset < 40; offset++)
            check_read(&bench, offset, END, 300, true);
        store_kit_close_log(&bench.kit, bench.log);
        files_write(store_kit_path(&bench.kit, "t-0"), name, text_slice(&good));
    }
    bench.log = NULL;
    text_fini(&good);
    bench_fini(&bench);
}

TEST(log_read, the_batch_behind_a_hole_is_found_though_it_is_in_the_next_segment)
{
    const char *dir;
    struct log_range range;
    struct bench bench;
    int64_t cut, left;

    bench_init(&bench, 2000);
    cut = bench.log->segments[1].base;
    left = (int64_t)(bench.starts[cut / RECORDS - 2]);
    restart(&bench);
    dir = store_kit_path(&bench.kit, "t-0");
    files_truncate(dir, "00000000000000000000.log", left); /* As a cleaner may do. */
    files_remove(dir, "00000000000000000000.index");
    bench.log = store_kit_log(&bench.kit, "t-0");
    for (int64_t offset = cut - 2 * RECORDS; offset < cut; offset++) {
        check_ok(log_read(bench.log, offset, END, 100000, true, &range));
        check(range.size > 0 && range.position == 0);
        check_eq(range.fd,
                 bench.log->segments[1].file ? bench.log->segments[1].file->fd : range.fd);
        log_range_release(&range);
        check_ok(log_read(bench.log, offset, cut, 100000, true, &range));
        check_eq(range.size, 0);
    }
    check_ok(log_read(bench.log, cut - 2 * RECORDS - 1, cut - RECORDS, 100000, true, &range));
    check_eq(range.position + range.size, left);
    log_range_release(&range);
    bench_fini(&bench);
}

TEST(log_read, a_read_that_fails_is_told_and_holds_nothing)
{
    struct log_range range;
    struct bench bench;
    int n = 1;

    bench_init(&bench, 2000);
    check_ok(store_kit_sync(&bench.kit, bench.log));
    for (;; n++) {
        int r;

        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -EIO);
        r = log_read(bench.log, 5, 9, 1000, false, &range);
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        log_check(bench.log);
        check(!bench.log->segments[0].file || r == 0);
        if (r == 0)
            break;
        check(r == -EIO && range.size == 0 && !range.file);
        check(n < 100);
    }
    check(n > 3);
    log_range_release(&range);
    bench_fini(&bench);
}
