/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"
#include "wire/bytes.h"

enum { BASE = 500, BATCHES = 200, RECORDS = 3, INTERVAL = 1000 };

static const char log_name[] = "00000000000000000500.log";
static const char index_name[] = "00000000000000000500.index";
static const char time_name[] = "00000000000000000500.timeindex";

/* A folder with one segment in it. */
struct bench {
    struct store_kit kit;
    struct segment_place place;
    struct segment segment;
    int64_t end;
};

static void bench_init(struct bench *bench)
{
    struct io *io;

    *bench = (struct bench){.end = BASE};
    store_kit_init(&bench->kit);
    io = bench->kit.env.io;
    bench->place = (struct segment_place){.io = io, .index_interval = INTERVAL};
    check_ok(io->ops->dir_open(io, IO_CWD, bench->kit.temp.path, &bench->place.dir));
}

static void bench_fini(struct bench *bench)
{
    segment_close(&bench->segment);
    io_close(bench->kit.env.io, &bench->place.dir);
    store_kit_fini(&bench->kit);
}

/* Times go up in steps of ten with a step back at each third batch; 100 and 101 are alone
 * the latest. */
static int64_t time_of(int batch)
{
    return batch == 100 ? 1000000 : 5000 + batch * 10 - (batch % 3 ? 0 : 25);
}

static void add_batches(struct bench *bench, int from, int to)
{
    struct io *io = bench->kit.env.io;
    struct segment *segment = &bench->segment;

    for (int i = from; i < to; i++) {
        struct text bytes = {.data = NULL};
        struct batch_header header;
        struct io_iov iov;

        store_batch_make(&(struct store_batch){.records = RECORDS,
                                               .time = time_of(i),
                                               .value_size = (size_t)(i * 7 % 90)},
                         &bytes);
        batch_set_place((uint8_t *)bytes.data, bench->end, 0);
        check_ok(batch_parse(text_slice(&bytes), &header));
        check_ok(segment_note(segment, &header, segment->size, INTERVAL));
        iov = (struct io_iov){.data = bytes.data, .size = bytes.size};
        check_ok(io->ops->file_write(io, segment->file->fd, segment->size, &iov, 1));
        segment->size += bytes.size;
        segment->synced_size = segment->size; /* Nobody asks for more here. */
        bench->end += RECORDS;
        text_fini(&bytes);
        segment_check(segment, true);
    }
}

static void reopen(struct bench *bench)
{
    int64_t end;

    segment_close(&bench->segment);
    check_ok(segment_open(&bench->segment, &bench->place, BASE, &end));
    segment_check(&bench->segment, true);
    check_eq(end, bench->end);
}

/* The segment as a clean stop leaves it, and a copy of its indexes beside it. */
static void fill(struct bench *bench)
{
    struct text bytes = {.data = NULL};

    check_ok(segment_create(&bench->segment, &bench->place, BASE));
    add_batches(bench, 0, BATCHES);
    check_ok(segment_seal(&bench->segment));
    segment_check(&bench->segment, false);
    check(files_read(bench->kit.temp.path, index_name, &bytes));
    files_write(bench->kit.temp.path, "index.kept", text_slice(&bytes));
    text_cut(&bytes, 0);
    check(files_read(bench->kit.temp.path, time_name, &bytes));
    files_write(bench->kit.temp.path, "time.kept", text_slice(&bytes));
    text_fini(&bytes);
}

static bool is_as_kept(struct bench *bench, const char *name, const char *kept)
{
    struct text now = {.data = NULL};
    struct text before = {.data = NULL};
    bool is_equal;

    check(files_read(bench->kit.temp.path, kept, &before));
    is_equal = files_read(bench->kit.temp.path, name, &now) &&
               slice_equal(text_slice(&now), text_slice(&before));
    text_fini(&now);
    text_fini(&before);
    return is_equal;
}

TEST(segment, the_indexes_follow_kafkas_rules)
{
    struct text index = {.data = NULL};
    struct text times = {.data = NULL};
    int64_t largest = -1, largest_at = 0, indexed = -1;
    uint64_t position = 0, since = 0;
    struct bench bench;

    bench_init(&bench);
    fill(&bench);
    for (int i = 0; i < BATCHES; i++) {
        struct text batch = {.data = NULL};
        int64_t last_time = time_of(i) + RECORDS - 1;
        uint8_t entry[12];
        uint32_t last = (uint32_t)(i * RECORDS + RECORDS - 1);

        store_batch_make(&(struct store_batch){.records = RECORDS,
                                               .time = time_of(i),
                                               .value_size = (size_t)(i * 7 % 90)},
                         &batch);
        largest_at = last_time > largest ? last : largest_at;
        largest = max_of(largest, last_time);
        if (since > INTERVAL) {
            bytes_store_u32(entry, last);
            bytes_store_u32(entry + 4, (uint32_t)position);
            text_add(&index, entry, 8);
            if (largest > indexed) {
                bytes_store_i64(entry, largest);
                bytes_store_u32(entry + 8, (uint32_t)largest_at);
                text_add(&times, entry, 12);
                indexed = largest;
            }
            since = 0;
        }
        since += batch.size;
        position += batch.size;
        text_fini(&batch);
    }
    check(indexed == largest); /* Else sealing added one. */
    files_write(bench.kit.temp.path, "index.wanted", text_slice(&index));
    files_write(bench.kit.temp.path, "time.wanted", text_slice(&times));
    check(is_as_kept(&bench, index_name, "index.wanted"));
    check(is_as_kept(&bench, time_name, "time.wanted"));
    check_eq(bench.segment.max_timestamp, 1000002);
    check_eq(bench.segment.max_timestamp_offset, BASE + 302);
    text_fini(&index);
    text_fini(&times);
    bench_fini(&bench);
}

TEST(segment, stops_in_between_change_nothing_but_the_entries_of_the_stops)
{
    struct bench bench;

    bench_init(&bench);
    fill(&bench);
    segment_close(&bench.segment);
    bench.end = BASE;
    check_ok(segment_create(&bench.segment, &bench.place, BASE));
    for (int i = 0; i < BATCHES; i += 7) {
        add_batches(&bench, i, min_of(i + 7, (int)BATCHES));
        check_ok(
            index_flush(&bench.segment.by_offset)); /* A stop whose entry of time is not new. */
        check_ok(index_flush(&bench.segment.by_time));
        if (bench.segment.by_time.last.key == bench.segment.max_timestamp)
            reopen(&bench);
    }
    check_ok(segment_seal(&bench.segment));
    check(is_as_kept(&bench, index_name, "index.kept"));
    check(is_as_kept(&bench, time_name, "time.kept"));
    bench_fini(&bench);
}

TEST(segment, opening_reads_the_tail_only)
{
    struct bench bench;
    uint64_t before;

    bench_init(&bench);
    fill(&bench);
    before = bench.kit.faulty.read_bytes;
    reopen(&bench);
    check(bench.segment.size > 20000);
    check(bench.kit.faulty.read_bytes - before < 2 * 4096 + 100);
    check_eq(bench.segment.max_timestamp, 1000002);
    check_eq(bench.segment.max_timestamp_offset, BASE + 302);
    check_eq(bench.segment.first_timestamp, time_of(0) + RECORDS - 1);
    check(!bench.segment.has_stale_indexes);
    bench_fini(&bench);
}

/* What may have become of an index. */
static void damage(struct bench *bench, const char *name, int how)
{
    const char *dir = bench->kit.temp.path;
    int64_t entry = strcmp(name, index_name) == 0 ? 8 : 12;
    int64_t last = files_size(dir, name) - entry;

    switch (how) {
    case 0: files_remove(dir, name); break;
    case 1: files_truncate(dir, name, last + 3); break;
    case 2: files_truncate(dir, name, last + 4 * entry); break; /* Zeros behind it. */
    case 3: files_write(dir, name, slice_empty()); break;
    case 4: files_flip(dir, name, last, 0x40); break;
    case 5: files_flip(dir, name, last + entry - 4, 0x40); break;
    default: break;
    }
}

TEST(segment, an_index_that_cannot_be_right_is_made_again)
{
    struct bench bench;

    bench_init(&bench);
    fill(&bench);
    for (int how = 0; how < 6; how++) {
        for (int which = 0; which < 3; which++) {
            if (which != 1 && !(how == 3)) /* Of offsets, an empty one is only slow. */
                damage(&bench, index_name, how);
            if (which != 0 && how < 4)
                damage(&bench, time_name, how);
            if (which == 1 && how >= 4)
                continue;
            reopen(&bench);
            check_eq(bench.segment.max_timestamp, 1000002);
            check_ok(segment_seal(&bench.segment));
            check(is_as_kept(&bench, index_name, "index.kept"));
            check(is_as_kept(&bench, time_name, "time.kept"));
        }
    }
    bench_fini(&bench);
}

TEST(segment, the_indexes_of_a_sealed_segment_are_made_again_when_they_are_asked)
{
    struct index_entry largest;
    struct bench bench;
    uint64_t position, wanted;
    int64_t offset;

    bench_init(&bench);
    fill(&bench);
    check_ok(segment_find(&bench.segment, &bench.place, BASE + 400, false, &wanted));
    check(wanted > 0);
    for (int how = 0; how < 6; how++) {
        if (how == 4) /* A key that is too large is never found, which is only slow. */
            continue;
        damage(&bench, index_name, how == 3 ? 0 : how);
        if (how < 4)
            damage(&bench, time_name, how);
        bench.segment.has_own_indexes = false; /* As after a restart. */
        segment_rest(&bench.segment);
        check_ok(segment_find_time(&bench.segment, &bench.place, 900000, false, &offset));
        check(offset > BASE && offset < BASE + 300);
        check_ok(segment_largest(&bench.segment, &bench.place, false, &largest));
        check_eq(largest.key, 1000002);
        check_eq(largest.value, 302);
        check_ok(segment_find(&bench.segment, &bench.place, BASE + 400, false, &position));
        check_eq(position, wanted);
        check(is_as_kept(&bench, index_name, "index.kept"));
        check(is_as_kept(&bench, time_name, "time.kept"));
        segment_check(&bench.segment, false);
    }
    bench_fini(&bench);
}

TEST(segment, a_segment_without_times_is_not_taken_for_one_without_its_index)
{
    struct index_entry largest;
    struct bench bench;
    uint64_t before;

    bench_init(&bench);
    check_ok(segment_create(&bench.segment, &bench.place, BASE));
    for (int i = 0; i < 50; i++) {
        struct batch_header header = {
            .size = 100, .base_offset = BASE + i, .max_timestamp = -1, .base_timestamp = -1};

        check_ok(segment_note(&bench.segment, &header, (uint64_t)i * 100, INTERVAL));
    }
    files_truncate(bench.kit.temp.path, log_name, 5000);
    bench.segment.size = bench.segment.synced_size = 5000;
    check_ok(segment_seal(&bench.segment));
    before = bench.kit.faulty.read_bytes;
    check_ok(segment_largest(&bench.segment, &bench.place, false, &largest));
    check_eq(largest.key, -1);
    check_eq(bench.kit.faulty.read_bytes, before);
    bench_fini(&bench);
}

TEST(segment, batches_that_cannot_be_read_are_told)
{
    struct bench bench;
    int64_t end;

    bench_init(&bench);
    fill(&bench);
    segment_close(&bench.segment);
    files_truncate(bench.kit.temp.path, log_name, files_size(bench.kit.temp.path, log_name) - 1);
    check_eq(segment_open(&bench.segment, &bench.place, BASE, &end), SEGMENT_E_BROKEN);
    check(!bench.segment.file);
    bench_fini(&bench);
}

TEST(segment, creating_leaves_no_file_of_batches_where_it_fails)
{
    struct bench bench;

    bench_init(&bench);
    for (int n = 1; n < 20; n++) {
        int r;

        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -EMFILE);
        r = segment_create(&bench.segment, &bench.place, BASE);
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        if (r == 0)
            break;
        check_eq(r, -EMFILE);
        check(!bench.segment.file && files_size(bench.kit.temp.path, log_name) < 0);
        check(n < 19);
    }
    check_eq(files_size(bench.kit.temp.path, log_name), 0);
    bench_fini(&bench);
}

TEST(segment, the_indexes_are_full_as_kafkas_are)
{
    struct bench bench;
    uint32_t entries = 0;

    bench_init(&bench);
    check_ok(segment_create(&bench.segment, &bench.place, BASE));
    check(!segment_is_full(&bench.segment, 100, 0));
    for (int64_t i = 0; !segment_is_full(&bench.segment, 100, 0); i++) {
        struct batch_header header = {
            .size = 2000, .base_offset = BASE + i, .max_timestamp = i, .record_count = 1};

        check(segment_is_full(&bench.segment, 100, 8));
        check_ok(segment_note(&bench.segment, &header, (uint64_t)i * 2000, INTERVAL));
        bench.segment.size += 2000;
        entries = index_count(&bench.segment.by_time);
    }
    check_eq(entries, 100 / 12 - 1);
    check_eq(index_count(&bench.segment.by_offset), 100 / 12 - 1);
    bench_fini(&bench);
}
