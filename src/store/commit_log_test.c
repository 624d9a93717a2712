/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "os/linux_io.h"
#include "store/commit_log.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

/* A folder of data with one log whose segment has bytes, and a commit log beside it. */
struct bench {
    int64_t floor; /* What the checkpoints say of the log. */
    struct temp_dir temp;
    struct io *io;
    struct file *root, *folder, *segment;
    struct commit_log *log;
};

static const struct uuid topic = {{1, 2, 3}};
static const char metadata[] = "version: 0\ntopic_id: AQIDAAAAAAAAAAAAAAAAAA";

enum { BLOCK = 64 * 1024, BYTES = 1000 };

static void write_at(struct bench *b, struct file *file, uint64_t at, uint8_t fill, size_t size)
{
    uint8_t bytes[BYTES];
    struct io_iov iov = {.data = bytes, .size = size};

    memset(bytes, fill, sizeof(bytes));
    check_ok(b->io->ops->file_write(b->io, file->fd, at, &iov, 1));
}

static void bench_init(struct bench *b, size_t block)
{
    *b = (struct bench){.io = NULL};
    temp_dir_create(&b->temp);
    check_ok(linux_io_create(&b->io));
    check_ok(file_open_dir(b->io, IO_CWD, b->temp.path, &b->root));
    check_ok(b->io->ops->dir_create(b->io, b->root->fd, "t-0"));
    check_ok(file_open_dir(b->io, b->root->fd, "t-0", &b->folder));
    check_ok(file_replace(b->io, b->folder->fd, "partition.metadata", slice_text(metadata)));
    check_ok(file_open(b->io, b->folder->fd, "00000000000000000000.log",
                       IO_READ | IO_WRITE | IO_CREATE, &b->segment));
    check_ok(commit_log_create(b->io, b->root, 0, block, &b->log));
}

static void bench_fini(struct bench *b)
{
    commit_log_destroy(b->log);
    file_unref(b->segment);
    file_unref(b->folder);
    file_unref(b->root);
    linux_io_destroy(b->io);
    temp_dir_remove(&b->temp);
}

static int commit(struct bench *b, uint64_t position, size_t size)
{
    struct commit_range range = {.file = b->segment,
                                 .log_name = "t-0",
                                 .topic_id = topic,
                                 .position = position,
                                 .size = size};

    return commit_log_write(b->log, &range, 1);
}

/* Appends BYTES of `fill` to the segment and commits them. */
static int append(struct bench *b, uint8_t fill)
{
    uint64_t end;

    check_ok(b->io->ops->file_size(b->io, b->segment->fd, &end));
    write_at(b, b->segment, end, fill, BYTES);
    return commit(b, end, BYTES);
}

static int64_t floor_of(void *context, struct slice name, bool is_new)
{
    const struct bench *b = context;

    check(slice_is_text(name, "t-0") && !is_new);
    return b->floor;
}

static int64_t replay(struct bench *b)
{
    int64_t entries;

    check_ok(commit_log_replay(b->io, b->root, floor_of, b, &entries));
    return entries;
}

/* The byte at `at`, or -1 behind the end. */
static int byte_at(struct bench *b, uint64_t at)
{
    uint8_t byte;
    size_t got;

    check_ok(b->io->ops->file_read(b->io, b->segment->fd, at, &byte, 1, &got));
    return got ? byte : -1;
}

TEST(commit_log, what_the_segment_lost_comes_back)
{
    struct bench b;

    bench_init(&b, BLOCK);
    for (uint8_t i = 0; i < 10; i++)
        check_ok(append(&b, (uint8_t)('a' + i)));
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, 2 * BYTES));
    check_eq(replay(&b), 10);
    for (int i = 0; i < 10; i++)
        check_eq(byte_at(&b, (uint64_t)i * BYTES + BYTES - 1), 'a' + i);
    check_eq(byte_at(&b, 10 * BYTES), -1);
    bench_fini(&b);
}

TEST(commit_log, a_block_without_room_takes_nothing)
{
    struct bench b;
    int64_t written = 0;
    int r;

    bench_init(&b, 16 * 1024);
    while ((r = append(&b, 'x')) == 0)
        written++;
    check_eq(r, COMMIT_LOG_E_FULL);
    check(written > 3);
    check_eq(replay(&b), written);
    bench_fini(&b);
}

TEST(commit_log, blocks_take_turns_and_stale_entries_are_not_believed)
{
    struct bench b;

    bench_init(&b, BLOCK);
    for (int i = 0; i < 20; i++)
        check_ok(append(&b, '1'));
    check(!commit_log_wants_turn(b.log));
    while (!commit_log_wants_turn(b.log))
        check_ok(append(&b, '1'));
    check(commit_log_turn(b.log));
    check_ok(append(&b, '2'));
    check(!commit_log_turn(b.log)); /* The first is not drained yet. */
    commit_log_drained(b.log);
    check(commit_log_turn(b.log)); /* Back in the first block, over what is left of before. */
    check_ok(append(&b, '3'));
    check_eq(replay(&b), 2);
    bench_fini(&b);
}

TEST(commit_log, a_torn_entry_ends_the_block)
{
    struct bench b;
    struct file *folder;
    struct file *block;

    bench_init(&b, BLOCK);
    for (int i = 0; i < 5; i++)
        check_ok(append(&b, 'x'));
    check_ok(file_open_dir(b.io, b.root->fd, "moldau.commit", &folder));
    check_ok(file_open(b.io, folder->fd, "0-a", IO_READ | IO_WRITE, &block));
    write_at(&b, block, 3 * (BYTES + 65) + 500, 0, 1); /* In the bytes of the fourth. */
    check_eq(replay(&b), 3);
    file_unref(block);
    file_unref(folder);
    bench_fini(&b);
}

TEST(commit_log, entries_of_a_topic_that_is_another_now_are_passed_over)
{
    struct bench b;

    bench_init(&b, BLOCK);
    check_ok(append(&b, 'x'));
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, 0));
    check_ok(file_replace(b.io, b.folder->fd, "partition.metadata",
                          slice_text("version: 0\ntopic_id: BQIDAAAAAAAAAAAAAAAAAA")));
    check_eq(replay(&b), 1);
    check_eq(byte_at(&b, 0), -1);
    bench_fini(&b);
}

TEST(commit_log, entries_of_a_segment_that_is_gone_are_passed_over)
{
    struct bench b;

    bench_init(&b, BLOCK);
    check_ok(append(&b, 'x'));
    check_ok(b.io->ops->unlink(b.io, b.folder->fd, "00000000000000000000.log"));
    check_eq(replay(&b), 1);
    bench_fini(&b);
}

TEST(commit_log, removing_it_leaves_nothing_to_replay)
{
    struct bench b;

    bench_init(&b, BLOCK);
    check_ok(append(&b, 'x'));
    check_ok(commit_log_remove(b.io, b.root));
    check_eq(replay(&b), 0);
    check_ok(commit_log_remove(b.io, b.root)); /* Twice is once. */
    bench_fini(&b);
}

/* However a range is cut into entries, its bytes come back. */
PROPERTY(commit_log, large_ranges_are_cut_and_come_back, 20)
{
    struct bench b;
    uint64_t bytes = (uint64_t)rng_between(rng, 1, 3 * 1024 * 1024);

    bench_init(&b, 8 * 1024 * 1024);
    for (uint64_t at = 0; at < bytes; at += BYTES)
        write_at(&b, b.segment, at, (uint8_t)(at / BYTES % 251), BYTES);
    check_ok(commit(&b, 0, bytes));
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, bytes / 3));
    check(replay(&b) >= 1);
    for (uint64_t at = 0; at < bytes; at += BYTES)
        check_eq(byte_at(&b, at), (int)(at / BYTES % 251));
    bench_fini(&b);
}

/* Whatever is in a block, reading it ends, and what it gives are whole entries from the start. */
PROPERTY(commit_log, damage_costs_only_what_is_behind_it, 30)
{
    struct bench b;
    struct file *folder;
    struct file *block;
    uint64_t at = rng_below(rng, 10 * (BYTES + 65));
    uint8_t junk = (uint8_t)rng_next(rng);
    int64_t entries;

    bench_init(&b, BLOCK);
    for (int i = 0; i < 10; i++)
        check_ok(append(&b, 'x'));
    check_ok(file_open_dir(b.io, b.root->fd, "moldau.commit", &folder));
    check_ok(file_open(b.io, folder->fd, "0-a", IO_READ | IO_WRITE, &block));
    write_at(&b, block, at, junk, 1);
    entries = replay(&b);
    check(entries == 10 || entries == (int64_t)(at / (BYTES + 65)));
    file_unref(block);
    file_unref(folder);
    bench_fini(&b);
}

/* Writes and commits a batch of one record at `offset`; returns where it ends. */
static uint64_t append_batch(struct bench *b, int64_t offset, uint64_t position)
{
    struct batch_builder builder;
    struct text bytes = {.data = NULL};
    struct io_iov iov;

    batch_builder_init(&builder);
    batch_builder_add(&builder, 0, slice_text("key"), slice_text("value"), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, offset, 0, &bytes));
    batch_builder_fini(&builder);
    iov = (struct io_iov){.data = bytes.data, .size = bytes.size};
    check_ok(b->io->ops->file_write(b->io, b->segment->fd, position, &iov, 1));
    position += bytes.size;
    text_fini(&bytes);
    return position;
}

/* The segment was compacted since: in the places of old batches are others. */
TEST(commit_log, what_is_below_the_floor_is_not_written_again)
{
    struct bench b;
    uint64_t middle, end;

    bench_init(&b, BLOCK);
    middle = append_batch(&b, 0, 0);
    end = append_batch(&b, 1, middle);
    check_ok(commit(&b, 0, (size_t)end));
    write_at(&b, b.segment, 0, 'x', (size_t)end);
    b.floor = 2;
    check_eq(replay(&b), 1);
    check(byte_at(&b, middle - 1) == 'x' && byte_at(&b, end - 1) == 'x');
    b.floor = 1;
    check_eq(replay(&b), 1);
    check(byte_at(&b, middle - 1) == 'x' && byte_at(&b, end - 1) != 'x');
    b.floor = 0;
    check_eq(replay(&b), 1);
    check(byte_at(&b, middle - 1) != 'x');
    bench_fini(&b);
}

static int cut(struct bench *b, uint64_t position)
{
    struct commit_cut cut = {.log_name = "t-0", .topic_id = topic, .position = position};

    return commit_log_cut(b->log, &cut);
}

TEST(commit_log, what_was_cut_does_not_come_back)
{
    struct bench b;

    bench_init(&b, BLOCK);
    for (uint8_t i = 0; i < 4; i++)
        check_ok(append(&b, (uint8_t)('a' + i)));
    check_ok(cut(&b, 2 * BYTES - 10)); /* In the middle of the second. */
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, 2 * BYTES - 10));
    check_ok(append(&b, 'z'));
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, 0));
    check_eq(replay(&b), 6);
    check_eq(byte_at(&b, 0), 'a');
    check_eq(byte_at(&b, 2 * BYTES - 11), 'b');
    check_eq(byte_at(&b, 2 * BYTES - 10), 'z');
    check_eq(byte_at(&b, 3 * BYTES - 11), 'z');
    check_eq(byte_at(&b, 3 * BYTES - 10), -1);
    bench_fini(&b);
}

/* What was written behind the cut may be durable in the segment alone. */
TEST(commit_log, a_cut_counts_for_the_block_before_too)
{
    struct bench b;

    bench_init(&b, BLOCK);
    while (!commit_log_wants_turn(b.log))
        check_ok(append(&b, '1'));
    check(commit_log_turn(b.log));
    check_ok(cut(&b, BYTES));
    write_at(&b, b.segment, BYTES, 'n', BYTES);
    replay(&b);
    check_eq(byte_at(&b, BYTES - 1), '1');
    check_eq(byte_at(&b, BYTES), 'n');
    check_eq(byte_at(&b, 2 * BYTES), '1'); /* The file was not cut here. */
    check_ok(b.io->ops->file_truncate(b.io, b.segment->fd, 2 * BYTES));
    replay(&b);
    check_eq(byte_at(&b, 2 * BYTES), -1);
    bench_fini(&b);
}

TEST(commit_log, a_full_block_has_room_for_cuts)
{
    struct bench b;

    bench_init(&b, 16 * 1024);
    while (append(&b, 'x') == 0)
        ;
    for (int i = 0; i < 100; i++)
        check_ok(cut(&b, 5));
    while (cut(&b, 5) == 0)
        ;
    check_eq(cut(&b, 5), COMMIT_LOG_E_FULL);
    check(commit_log_turn(b.log));
    check_ok(cut(&b, 5));
    bench_fini(&b);
}
