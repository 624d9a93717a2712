/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "store/index.h"
#include "test/harness/check.h"
#include "test/harness/faulty_io.h"
#include "test/harness/files.h"
#include "test/harness/temp.h"

enum { BASE = 1000, MANY = 1500 };

struct place {
    struct temp_dir temp;
    struct io *world;
    struct faulty_io faulty;
    struct io *io;
    int dir;
};

static void place_init(struct place *place)
{
    temp_dir_create(&place->temp);
    check_ok(linux_io_create(&place->world));
    faulty_io_init(&place->faulty, place->world);
    place->io = &place->faulty.io;
    check_ok(place->io->ops->dir_open(place->io, IO_CWD, place->temp.path, &place->dir));
}

static void place_fini(struct place *place)
{
    io_close(place->io, &place->dir);
    place->world = linux_io_destroy(place->world);
    temp_dir_remove(&place->temp);
}

/* Entry `i`: offset BASE + 3 i at position 100 i, i from 1. */
static void fill(struct index *index, uint32_t count)
{
    for (uint32_t i = index_count(index) + 1; i <= count; i++)
        check_ok(index_add(index, BASE + 3 * (int64_t)i, 100 * i));
}

static void check_entries(const struct index *index, uint32_t count)
{
    struct index_entry entry;

    check_eq(index_count(index), count);
    check_eq(index->last.key, count ? BASE + 3 * (int64_t)count : -1);
    for (uint32_t i = 1; i <= count; i++) {
        check_ok(index_find(index, BASE + 3 * (int64_t)i + 2, &entry));
        check_eq(entry.key, BASE + 3 * (int64_t)i);
        check_eq(entry.value, 100 * i);
        check_ok(index_find_value(index, 100 * i + 99, &entry));
        check_eq(entry.value, 100 * i);
    }
    check_ok(index_find(index, BASE + 2, &entry));
    check_eq(entry.key, -1);
    check_ok(index_find_value(index, 99, &entry));
    check_eq(entry.key, -1);
}

TEST(index, entries_are_found_in_memory_and_in_the_file)
{
    struct place place;
    struct index index;

    place_init(&place);
    check_ok(index_create(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    check_entries(&index, 0);
    fill(&index, 7);
    check_eq(files_size(place.temp.path, "i"), 0);
    check_entries(&index, 7);
    fill(&index, MANY);
    check(files_size(place.temp.path, "i") > 0);
    check_entries(&index, MANY);
    check_ok(index_flush(&index));
    check_ok(index_flush(&index));
    check_eq(files_size(place.temp.path, "i"), 8 * MANY);
    check_entries(&index, MANY);
    index_close(&index);

    check_ok(index_open(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    check_entries(&index, MANY);
    fill(&index, MANY + 3);
    check_entries(&index, MANY + 3);
    index_close(&index);
    place_fini(&place);
}

TEST(index, both_kinds_have_kafkas_bytes)
{
    const uint8_t offsets[] = {0, 0, 0, 3, 0, 0, 0, 100, 0, 0, 0, 6, 0, 0, 0, 200};
    const uint8_t times[] = {0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0, 0, 0, 0, 3};
    struct text bytes = {.data = NULL};
    struct place place;
    struct index index;

    place_init(&place);
    check_ok(index_create(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    fill(&index, 2);
    check_ok(index_flush(&index));
    index_close(&index);
    check(files_read(place.temp.path, "i", &bytes));
    check(slice_equal(text_slice(&bytes), slice_of(offsets, sizeof(offsets))));

    check_ok(index_create(&index, INDEX_BY_TIME, place.io, place.dir, "t", BASE));
    check_ok(index_add(&index, INT64_C(1700000000000), 3));
    check_ok(index_flush(&index));
    index_close(&index);
    text_cut(&bytes, 0);
    check(files_read(place.temp.path, "t", &bytes));
    check(slice_equal(text_slice(&bytes), slice_of(times, sizeof(times))));
    text_fini(&bytes);
    place_fini(&place);
}

TEST(index, cutting_takes_entries_back_from_memory_and_from_the_file)
{
    const uint32_t cuts[] = {MANY, MANY - 1, 1025, 1024, 1023, 600, 512, 511, 1, 0};
    struct place place;
    struct index index;

    place_init(&place);
    check_ok(index_create(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    fill(&index, MANY);
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        check_ok(index_cut(&index, BASE + 3 * (int64_t)(cuts[i] + 1)));
        check_entries(&index, cuts[i]);
    }
    fill(&index, 5);
    check_entries(&index, 5);
    check_ok(index_flush(&index));
    check_eq(files_size(place.temp.path, "i"), 40);
    index_close(&index);
    place_fini(&place);
}

TEST(index, what_a_failed_write_left_is_not_taken_for_entries)
{
    struct place place;
    struct index index;

    place_init(&place);
    check_ok(index_create(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    fill(&index, 400);
    place.faulty.tears = true;
    faulty_io_arm(&place.faulty, FAULTY_WRITE, 1, -ENOSPC);
    check_eq(index_flush(&index), -ENOSPC);
    check(files_size(place.temp.path, "i") > 0);
    check_entries(&index, 400);

    check_ok(index_cut(&index, BASE + 3 * 11));
    check_eq(files_size(place.temp.path, "i"), 0);
    check_ok(index_flush(&index));
    check_eq(files_size(place.temp.path, "i"), 80);

    faulty_io_arm(&place.faulty, FAULTY_WRITE, 1, -EIO);
    fill(&index, 300);
    check_eq(index_flush(&index), -EIO);
    faulty_io_arm(&place.faulty, FAULTY_TRUNCATE, 1, -EIO);
    check_eq(index_cut(&index, BASE + 3 * 21), -EIO);
    check_ok(index_cut(&index, BASE + 3 * 21));
    check_ok(index_flush(&index));
    check_eq(files_size(place.temp.path, "i"), 160);
    check_entries(&index, 20);
    index_close(&index);
    place_fini(&place);
}

static int open_bytes(struct place *place, enum index_kind kind, const void *bytes, size_t size)
{
    struct index index;
    int r;

    files_write(place->temp.path, "i", slice_of(bytes, size));
    r = index_open(&index, kind, place->io, place->dir, "i", BASE);
    if (r == 0)
        index_close(&index);
    return r;
}

TEST(index, a_file_that_cannot_be_an_index_is_refused)
{
    const uint8_t backwards[] = {0, 0, 0, 9, 0, 0, 0, 100, 0, 0, 0, 6, 0, 0, 0, 200};
    const uint8_t positions[] = {0, 0, 0, 3, 0, 0, 0, 200, 0, 0, 0, 6, 0, 0, 0, 100};
    const uint8_t negative[] = {0xff, 0, 0, 3, 0, 0, 0, 200};
    const uint8_t time[] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3};
    const uint8_t zeros[24] = {0};
    struct index index;
    struct place place;

    place_init(&place);
    check_eq(index_open(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE), -ENOENT);
    check_ok(open_bytes(&place, INDEX_BY_OFFSET, "", 0));
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, backwards, 7), INDEX_E_MALFORMED);
    check_ok(open_bytes(&place, INDEX_BY_OFFSET, backwards, 8));
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, backwards, 16), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, positions, 16), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, negative, 8), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, zeros, 8), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_OFFSET, zeros, 24), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_TIME, zeros, 24), INDEX_E_MALFORMED);
    check_eq(open_bytes(&place, INDEX_BY_TIME, time, 12), INDEX_E_MALFORMED);
    check_ok(open_bytes(&place, INDEX_BY_TIME, zeros, 12));
    place_fini(&place);
}

TEST(index, a_file_that_cannot_be_read_is_an_error_and_not_an_empty_index)
{
    struct index_entry entry;
    struct index index;
    struct place place;

    place_init(&place);
    check_ok(index_create(&index, INDEX_BY_OFFSET, place.io, place.dir, "i", BASE));
    fill(&index, 10);
    check_ok(index_flush(&index));
    faulty_io_arm(&place.faulty, FAULTY_READ, 1, -EIO);
    check_eq(index_find(&index, BASE + 100, &entry), -EIO);
    files_truncate(place.temp.path, "i", 8);
    check_eq(index_find(&index, BASE + 100, &entry), -EIO);
    index_close(&index);
    place_fini(&place);
}
