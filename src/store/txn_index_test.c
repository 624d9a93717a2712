/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file.h"
#include "store/txn_index.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

static const char name[] = "00000000000000000000.txnindex";

/* A folder with one such file, perhaps. */
struct bench {
    struct store_kit kit;
    struct file *folder;
    struct txn_index index;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.folder = NULL};
    store_kit_init(&bench->kit);
    check_ok(file_open_dir(bench->kit.env.io, IO_CWD, bench->kit.path, &bench->folder));
}

static void bench_fini(struct bench *bench)
{
    bench->folder = file_unref(bench->folder);
    store_kit_fini(&bench->kit);
}

static int add(struct bench *bench, const struct txn_entry *entry)
{
    return txn_index_add(&bench->index, bench->kit.env.io, bench->folder->fd, name, entry);
}

static int cut(struct bench *bench, int64_t offset)
{
    return txn_index_cut(&bench->index, bench->kit.env.io, bench->folder->fd, name, offset);
}

static bool is_there(struct bench *bench)
{
    return files_size(bench->kit.path, name) >= 0;
}

/* The producers of what is found, as digits. */
static const char *found(struct bench *bench, int64_t from, int64_t to, bool *out_complete)
{
    static char digits[300];
    struct text out = {.data = NULL};
    size_t count;

    check_ok(txn_index_find(&bench->index, bench->kit.env.io, bench->folder->fd, name, from, to,
                            &out, out_complete));
    count = out.size / sizeof(struct txn_entry);
    for (size_t i = 0; i < count; i++) {
        struct txn_entry entry;

        memcpy(&entry, out.data + i * sizeof(entry), sizeof(entry));
        digits[i] = (char)('0' + entry.producer_id % 10);
    }
    digits[count] = 0;
    text_fini(&out);
    return digits;
}

/*      offsets  0 . . . 10 . . . 20 . . . 30 . . . 40
 *      1        [--------]
 *      2          [--------------]
 *      3                            [----]             */
static void add_three(struct bench *bench)
{
    check_ok(add(bench, &(struct txn_entry){1, 0, 10, 2}));
    check_ok(add(bench, &(struct txn_entry){2, 2, 20, 21}));
    check_ok(add(bench, &(struct txn_entry){3, 25, 30, 31}));
}

TEST(txn_index, the_bytes_are_those_of_the_format)
{
    static const uint8_t wanted[TXN_INDEX_ENTRY_SIZE] = {0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x67, 0, 0,
                                                         0, 0, 0, 0, 0, 5, 0, 0, 0,    0,    0, 0,
                                                         1, 0, 0, 0, 0, 0, 0, 0, 0,    7};
    struct txn_entry entry = {
        .producer_id = 4711, .first_offset = 5, .last_offset = 256, .stable = 7};
    struct text out = {.data = NULL};
    struct txn_entry again;

    txn_entry_print(&entry, &out);
    check(slice_equal(text_slice(&out), slice_of(wanted, sizeof(wanted))));
    check_ok(txn_entry_parse((const uint8_t *)out.data, &again));
    check(memcmp(&entry, &again, sizeof(entry)) == 0);
    out.data[1] = 1;
    check_eq(txn_entry_parse((const uint8_t *)out.data, &again), TXN_INDEX_E_MALFORMED);
    text_fini(&out);
}

TEST(txn_index, there_is_no_file_before_the_first_entry)
{
    struct bench bench;
    bool is_complete = true;

    bench_init(&bench);
    check_text(found(&bench, 0, 100, &is_complete), "");
    check(!is_complete && !is_there(&bench));
    check_ok(cut(&bench, 0));
    add_three(&bench);
    check(is_there(&bench));
    check_eq(files_size(bench.kit.path, name), 3 * TXN_INDEX_ENTRY_SIZE);
    bench_fini(&bench);
}

TEST(txn_index, those_that_reach_into_the_range_are_found)
{
    static const struct {
        int64_t from, to;
        const char *wanted;
        bool is_complete;
    } cases[] = {
        {0, 40, "123", false}, {0, 2, "1", true},    {0, 3, "12", true},   {10, 11, "12", true},
        {11, 21, "2", true},   {11, 22, "2", true},  {21, 25, "", true},   {21, 26, "3", true},
        {30, 31, "3", true},   {30, 32, "3", false}, {31, 100, "", false},
    };
    struct bench bench;

    bench_init(&bench);
    add_three(&bench);
    for (int is_new = 0; is_new < 2; is_new++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            bool is_complete;

            check_text(found(&bench, cases[i].from, cases[i].to, &is_complete), cases[i].wanted);
            check_eq(is_complete, cases[i].is_complete);
        }
        bench.index = txn_index_found();
    }
    bench_fini(&bench);
}

TEST(txn_index, what_is_cut_is_gone_and_the_file_with_the_last)
{
    struct bench bench;
    bool is_complete;

    for (int is_new = 0; is_new < 2; is_new++) {
        bench_init(&bench);
        add_three(&bench);
        bench.index = is_new ? txn_index_found() : bench.index;
        check_ok(cut(&bench, 31));
        check_text(found(&bench, 0, 40, &is_complete), "123");
        check_ok(cut(&bench, 20));
        check_text(found(&bench, 0, 40, &is_complete), "1");
        check_ok(add(&bench, &(struct txn_entry){4, 22, 33, 34}));
        check_text(found(&bench, 0, 40, &is_complete), "14");
        check_ok(cut(&bench, 0));
        check(!is_there(&bench));
        check_text(found(&bench, 0, 40, &is_complete), "");
        bench_fini(&bench);
    }
}

TEST(txn_index, what_a_write_left_half_is_written_over_or_cut)
{
    struct bench bench;
    bool is_complete;

    bench_init(&bench);
    check_ok(add(&bench, &(struct txn_entry){1, 0, 10, 2}));
    bench.kit.faulty.tears = true;
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    check_eq(add(&bench, &(struct txn_entry){2, 2, 20, 21}), -ENOSPC);
    check_eq(files_size(bench.kit.path, name), TXN_INDEX_ENTRY_SIZE * 3 / 2);
    check_text(found(&bench, 0, 40, &is_complete), "1");
    check_ok(cut(&bench, 11));
    check_eq(files_size(bench.kit.path, name), TXN_INDEX_ENTRY_SIZE);
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    check_eq(add(&bench, &(struct txn_entry){2, 2, 20, 21}), -ENOSPC);
    bench.index = txn_index_found();
    check_ok(add(&bench, &(struct txn_entry){3, 25, 30, 31}));
    check_text(found(&bench, 0, 40, &is_complete), "13");
    bench_fini(&bench);
}

TEST(txn_index, what_is_none_is_told)
{
    static const uint8_t bytes[TXN_INDEX_ENTRY_SIZE] = {0, 1};
    struct bench bench;
    struct text out = {.data = NULL};
    bool is_complete;

    bench_init(&bench);
    files_write(bench.kit.path, name, slice_of(bytes, sizeof(bytes)));
    bench.index = txn_index_found();
    check_eq(txn_index_find(&bench.index, bench.kit.env.io, bench.folder->fd, name, 0, 10, &out,
                            &is_complete),
             TXN_INDEX_E_MALFORMED);
    check_eq(cut(&bench, 0), TXN_INDEX_E_MALFORMED);
    text_fini(&out);
    bench_fini(&bench);
}
