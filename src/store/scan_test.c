/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scan.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

/* A file of batches of these sizes of a value. */
struct bench {
    struct store_kit kit;
    struct text bytes;
    struct file *file;
    uint64_t starts[64];
    size_t count;
};

static void bench_init(struct bench *bench, const size_t *sizes, size_t count)
{
    struct io *io;
    int dir;

    *bench = (struct bench){.count = count};
    store_kit_init(&bench->kit);
    io = bench->kit.env.io;
    for (size_t i = 0; i < count; i++) {
        bench->starts[i] = bench->bytes.size;
        store_batch_make(&(struct store_batch){.records = 1 + (int)(sizes[i] / 4096),
                                               .value_size = min_of(sizes[i], (size_t)4096)},
                         &bench->bytes);
    }
    files_write(bench->kit.temp.path, "batches", text_slice(&bench->bytes));
    check_ok(io->ops->dir_open(io, IO_CWD, bench->kit.temp.path, &dir));
    check_ok(file_open(io, dir, "batches", IO_READ, &bench->file));
    io_close(io, &dir);
}

static void bench_fini(struct bench *bench)
{
    bench->file = file_unref(bench->file);
    text_fini(&bench->bytes);
    store_kit_fini(&bench->kit);
}

static const size_t sizes[] = {0,    10, 5000, 3900, 1, 1, 1, 300000, 270000, 2, 60000,
                               4096, 1,  1,    1,    1, 1, 1, 1,      1,      1, 700000};

/* Walks from `first` to `end` and expects all batches that lie before it. */
static void walk(struct bench *bench, size_t first, uint64_t end, bool headers)
{
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    size_t i = first;
    int r;

    scan_init(&scan, bench->file, bench->starts[first], end);
    while ((r = headers ? scan_next_header(&scan, &batch, &at_end)
                        : scan_next(&scan, &batch, &at_end)) == 0 &&
           !at_end) {
        check(i < bench->count);
        check_eq(batch.position, bench->starts[i]);
        if (headers)
            check(slice_is_null(batch.bytes));
        else
            check(slice_equal(batch.bytes,
                              slice_of(bench->bytes.data + batch.position, batch.header.size)));
        i++;
    }
    if (i < bench->count) {
        check_eq(r, end == bench->starts[i] ? 0 : SCAN_E_BROKEN);
        check(end < (i + 1 < bench->count ? bench->starts[i + 1] : bench->bytes.size));
    } else {
        check(r == 0 && end == bench->bytes.size);
    }
    check_eq(scan.position, i < bench->count ? bench->starts[i] : bench->bytes.size);
    scan_fini(&scan);
}

TEST(scan, batches_of_every_size_are_walked_with_their_bytes_or_without)
{
    struct bench bench;

    bench_init(&bench, sizes, COUNT_OF(sizes));
    for (size_t first = 0; first < bench.count; first++) {
        walk(&bench, first, bench.bytes.size, false);
        walk(&bench, first, bench.bytes.size, true);
    }
    bench_fini(&bench);
}

TEST(scan, headers_are_walked_without_reading_the_batches)
{
    const size_t large[] = {700000, 700000, 700000, 700000};
    struct bench bench;
    uint64_t before;

    bench_init(&bench, large, COUNT_OF(large));
    before = bench.kit.faulty.read_bytes;
    walk(&bench, 0, bench.bytes.size, true);
    check(bench.kit.faulty.read_bytes - before <= 4 * 4096);
    bench_fini(&bench);
}

TEST(scan, nothing_is_believed_of_a_batch_that_reaches_beyond_the_end)
{
    struct bench bench;

    bench_init(&bench, sizes, 7);
    for (uint64_t end = 0; end <= bench.bytes.size; end += end < 300 ? 1 : 37) {
        walk(&bench, 0, end, false);
        walk(&bench, 0, end, true);
    }
    bench_fini(&bench);
}

TEST(scan, a_file_that_is_shorter_than_was_said_is_broken)
{
    struct scan scan;
    struct scan_batch batch;
    struct bench bench;
    bool at_end;

    bench_init(&bench, sizes, 1);
    for (size_t left = 0; left < bench.bytes.size; left++) {
        files_write(bench.kit.temp.path, "batches", slice_of(bench.bytes.data, left));
        scan_init(&scan, bench.file, 0, bench.bytes.size);
        check_eq(scan_next(&scan, &batch, &at_end), SCAN_E_BROKEN);
        scan_fini(&scan);
    }
    bench_fini(&bench);
}

TEST(scan, a_read_that_fails_is_no_broken_batch)
{
    struct scan scan;
    struct scan_batch batch;
    struct bench bench;
    bool at_end;

    bench_init(&bench, sizes, 3);
    faulty_io_arm(&bench.kit.faulty, FAULTY_READ, 1, -EIO);
    scan_init(&scan, bench.file, 0, bench.bytes.size);
    check_eq(scan_next(&scan, &batch, &at_end), -EIO);
    check_ok(scan_next(&scan, &batch, &at_end));
    scan_fini(&scan);
    bench_fini(&bench);
}
