/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit_log.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/log_internal.h"
#include "wire/bytes.h"
#include "wire/crc32c.h"

#include <stdio.h>

enum {
    MAGIC = 0x4d4c4345,
    BLOCKS = 2,
    NAME_MAX_SIZE = 280,
    BUFFER_SIZE = 1024 * 1024,

    AT_CRC = 4,
    AT_GENERATION = 8,
    AT_NUMBER = 16,
    AT_TOPIC_ID = 24,
    AT_BASE = 40,
    AT_POSITION = 48,
    AT_SIZE = 56,
    AT_NAME_SIZE = 60,
    HEADER_SIZE = 62,
};

static const char folder_name[] = "moldau.commit";

struct commit_log {
    struct io *io;
    struct file *blocks[BLOCKS]; /* Owned references. */
    size_t block_size;
    int current;
    bool is_draining; /* The other block. */
    uint64_t generation, number;
    uint64_t used;   /* Bytes of the current block. */
    uint8_t *buffer; /* Owned: entries being put together; made at the first write. */
    size_t buffered;
};

static void block_name(char out[static SEGMENT_NAME_SIZE], int shard, int block)
{
    (void)snprintf(out, SEGMENT_NAME_SIZE, "%d-%c", shard, 'a' + block);
}

/* --- writing ---------------------------------------------------------------- */

static int open_folder(struct io *io, const struct file *root, struct file **out)
{
    int r = io->ops->dir_create(io, root->fd, folder_name);

    if (r && r != -EEXIST)
        return err_pass(r);
    return err_pass(file_open_dir(io, root->fd, folder_name, out));
}

int commit_log_create(struct io *io, const struct file *root, int shard, size_t block_size,
                      struct commit_log **out)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct commit_log *log;
    int r = open_folder(io, root, &folder);

    if (r)
        return err_pass(r);
    log = mem_new(sizeof(*log));
    log->io = io;
    log->block_size = block_size;
    io->ops->entropy(io, &log->generation, sizeof(log->generation));
    log->generation >>= 1; /* Room to count up. */
    for (int i = 0; i < BLOCKS && r == 0; i++) {
        char name[SEGMENT_NAME_SIZE];

        block_name(name, shard, i);
        r = file_open(io, folder->fd, name, IO_READ | IO_WRITE | IO_CREATE | IO_TRUNCATE,
                      &log->blocks[i]);
    }
    if (r == 0)
        r = io->ops->dir_sync(io, folder->fd);
    if (r == 0)
        r = io->ops->dir_sync(io, root->fd);
    if (r) {
        commit_log_destroy(log);
        return err_pass(r);
    }
    *out = log;
    return 0;
}

struct commit_log *commit_log_destroy(struct commit_log *log)
{
    if (!log)
        return NULL;
    for (int i = 0; i < BLOCKS; i++)
        file_unref(log->blocks[i]);
    mem_free(log->buffer);
    return mem_free(log);
}

static size_t entry_size(const struct commit_range *range)
{
    return HEADER_SIZE + strlen(range->log_name) + range->size;
}

static int flush(struct commit_log *log)
{
    struct io_iov iov = {.data = log->buffer, .size = log->buffered};
    int r;

    if (log->buffered == 0)
        return 0;
    r = log->io->ops->file_write(log->io, log->blocks[log->current]->fd, log->used, &iov, 1);
    if (r)
        return err_pass(r);
    log->used += log->buffered;
    log->buffered = 0;
    return 0;
}

/* Puts an entry for at most what fits into the buffer together. */
static int add_entry(struct commit_log *log, const struct commit_range *range)
{
    size_t name_size = strlen(range->log_name);
    uint8_t *entry = log->buffer + log->buffered;
    uint8_t *bytes = entry + HEADER_SIZE + name_size;
    struct io *io = log->io;
    size_t got;
    int r = io->ops->file_read(io, range->file->fd, range->position, bytes, range->size, &got);

    if (r)
        return err_pass(r);
    if (got < range->size)
        return err_raise(-EIO);
    bytes_store_u32(entry, MAGIC);
    bytes_store_u64(entry + AT_GENERATION, log->generation);
    bytes_store_u64(entry + AT_NUMBER, log->number++);
    memcpy(entry + AT_TOPIC_ID, range->topic_id.bytes, sizeof(range->topic_id.bytes));
    bytes_store_i64(entry + AT_BASE, range->base);
    bytes_store_u64(entry + AT_POSITION, range->position);
    bytes_store_u32(entry + AT_SIZE, (uint32_t)range->size);
    bytes_store_u16(entry + AT_NAME_SIZE, (uint16_t)name_size);
    memcpy(entry + HEADER_SIZE, range->log_name, name_size);
    bytes_store_u32(entry + AT_CRC,
                    crc32c(entry + AT_GENERATION, entry_size(range) - AT_GENERATION));
    log->buffered += entry_size(range);
    return 0;
}

/* A range that is larger than the buffer becomes several entries. */
static int add_range(struct commit_log *log, struct commit_range range)
{
    size_t overhead = HEADER_SIZE + strlen(range.log_name);
    size_t left = range.size;

    while (left > 0) {
        int r;

        if (BUFFER_SIZE - log->buffered <= overhead) {
            r = flush(log);
            if (r)
                return err_pass(r);
        }
        range.size = min_of(left, BUFFER_SIZE - log->buffered - overhead);
        r = add_entry(log, &range);
        if (r)
            return err_pass(r);
        range.position += range.size;
        left -= range.size;
    }
    return 0;
}

/* As many bytes as the ranges can become, cut into entries. */
static uint64_t most_bytes(const struct commit_range *ranges, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t cuts = 2 + ranges[i].size / (BUFFER_SIZE / 2);

        sum += ranges[i].size + cuts * (HEADER_SIZE + NAME_MAX_SIZE);
    }
    return sum;
}

int commit_log_write(struct commit_log *log, const struct commit_range *ranges, size_t count)
{
    int r = 0;

    if (most_bytes(ranges, count) > log->block_size - log->used)
        return COMMIT_LOG_E_FULL;
    if (!log->buffer)
        log->buffer = mem_resize(NULL, BUFFER_SIZE, 1);
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_range(log, ranges[i]);
    if (r == 0)
        r = flush(log);
    if (r == 0)
        r = log->io->ops->file_sync(log->io, log->blocks[log->current]->fd);
    return err_pass(r);
}

/* --- turning ---------------------------------------------------------------- */

bool commit_log_wants_turn(const struct commit_log *log)
{
    return log->used > log->block_size / 2;
}

bool commit_log_turn(struct commit_log *log)
{
    if (log->is_draining)
        return false;
    log->current = 1 - log->current;
    log->is_draining = true;
    log->generation++;
    log->number = 0;
    log->used = 0;
    return true;
}

void commit_log_drained(struct commit_log *log)
{
    assert(log->is_draining);
    log->is_draining = false;
}

/* --- replay ----------------------------------------------------------------- */

enum { OPEN_MAX = 256 };

/* A segment that entries are written into. */
struct target {
    char log_name[NAME_MAX_SIZE];
    struct uuid topic_id; /* Names come again. */
    int64_t base;
    struct file *file; /* Owned reference; NULL: not there any more, entries are passed over. */
    int64_t floor;     /* See commit_floor_fn. */
};

struct replay {
    struct io *io;
    const struct file *root;
    commit_floor_fn *floor;
    void *context;
    struct target *targets; /* Owned array of OPEN_MAX. */
    size_t count;
    int64_t entries;
};

/* Syncs and lets go of everything that is open. */
static int close_targets(struct replay *replay)
{
    int r = 0;

    for (size_t i = 0; i < replay->count; i++) {
        struct target *target = &replay->targets[i];

        if (target->file && r == 0)
            r = replay->io->ops->file_sync(replay->io, target->file->fd);
        target->file = file_unref(target->file);
    }
    replay->count = 0;
    return err_pass(r);
}

/* Opens the segment, unless its log is gone or another topic's by now. */
static int open_target(struct replay *replay, struct target *target)
{
    scoped(file_unrefp) struct file *folder = NULL;
    char name[SEGMENT_NAME_SIZE];
    struct uuid found;
    bool is_new = false;
    int r = log_folder_topic(replay->root, replay->io, target->log_name, &found, &is_new);

    if (r == 0 && !uuid_equal(found, target->topic_id))
        return 0;
    if (r == 0)
        r = file_open_dir(replay->io, replay->root->fd, target->log_name, &folder);
    if (r == 0) {
        target->floor = replay->floor(replay->context, slice_text(target->log_name), is_new);
        segment_name(name, target->base, ".log");
        r = file_open(replay->io, folder->fd, name, IO_READ | IO_WRITE, &target->file);
    }
    return r == -ENOENT || r > 0 ? 0 : err_pass(r);
}

static int get_target(struct replay *replay, struct slice log_name, const uint8_t *entry,
                      struct target **out)
{
    int64_t base = bytes_load_i64(entry + AT_BASE);
    struct target *target;
    struct uuid topic_id;
    int r = 0;

    memcpy(topic_id.bytes, entry + AT_TOPIC_ID, sizeof(topic_id.bytes));
    for (size_t i = replay->count; i-- > 0;) {
        target = &replay->targets[i];
        if (target->base == base && uuid_equal(target->topic_id, topic_id) &&
            slice_is_text(log_name, target->log_name)) {
            *out = target;
            return 0;
        }
    }
    if (replay->count == OPEN_MAX)
        r = close_targets(replay);
    if (r)
        return err_pass(r);
    target = &replay->targets[replay->count++];
    memcpy(target->log_name, log_name.data, log_name.size);
    target->log_name[log_name.size] = 0;
    target->base = base;
    target->file = NULL;
    target->floor = 0;
    target->topic_id = topic_id;
    *out = target;
    return err_pass(open_target(replay, target));
}

/* The whole entry at the start of `bytes` if it is the one that comes next, else null. */
static struct slice whole_entry(struct slice bytes, uint64_t generation, uint64_t number)
{
    size_t name_size;
    uint64_t size;

    if (bytes.size < HEADER_SIZE || bytes_load_u32(bytes.data) != MAGIC ||
        bytes_load_u64(bytes.data + AT_GENERATION) != generation ||
        bytes_load_u64(bytes.data + AT_NUMBER) != number)
        return slice_null();
    name_size = bytes_load_u16(bytes.data + AT_NAME_SIZE);
    size = HEADER_SIZE + (uint64_t)name_size + bytes_load_u32(bytes.data + AT_SIZE);
    if (name_size == 0 || name_size >= NAME_MAX_SIZE || size > bytes.size ||
        memchr(bytes.data + HEADER_SIZE, '/', name_size) ||
        bytes_load_u32(bytes.data + AT_CRC) !=
            crc32c(bytes.data + AT_GENERATION, size - AT_GENERATION))
        return slice_null();
    return slice_of(bytes.data, (size_t)size);
}

/* How many bytes of the batches that begin here lie below the floor. */
static size_t skip_durable(struct slice bytes, int64_t floor)
{
    size_t skipped = 0;
    struct batch_header header;

    while (batch_parse(slice_of(bytes.data + skipped, bytes.size - skipped), &header) == 0 &&
           header.size <= bytes.size - skipped && batch_last_offset(&header) < floor)
        skipped += header.size;
    return skipped;
}

static int replay_entry(struct replay *replay, struct slice entry)
{
    size_t name_size = bytes_load_u16(entry.data + AT_NAME_SIZE);
    struct slice name = slice_of(entry.data + HEADER_SIZE, name_size);
    struct slice bytes =
        slice_of(entry.data + HEADER_SIZE + name_size, bytes_load_u32(entry.data + AT_SIZE));
    struct io_iov iov;
    struct target *target = NULL;
    size_t skipped;
    int r = get_target(replay, name, entry.data, &target);

    if (r)
        return err_pass(r);
    replay->entries++;
    skipped = skip_durable(bytes, target->floor);
    if (!target->file || skipped == bytes.size)
        return 0;
    iov = (struct io_iov){.data = bytes.data + skipped, .size = bytes.size - skipped};
    return err_pass(replay->io->ops->file_write(
        replay->io, target->file->fd, bytes_load_u64(entry.data + AT_POSITION) + skipped, &iov, 1));
}

static int replay_block(struct replay *replay, struct slice bytes)
{
    uint64_t generation;
    uint64_t number = 0;

    if (bytes.size < HEADER_SIZE)
        return 0;
    generation = bytes_load_u64(bytes.data + AT_GENERATION);
    for (;;) {
        struct slice entry = whole_entry(bytes, generation, number++);
        int r;

        if (slice_is_null(entry))
            return 0;
        r = replay_entry(replay, entry);
        if (r)
            return err_pass(r);
        bytes = slice_of(bytes.data + entry.size, bytes.size - entry.size);
    }
}

struct names {
    struct text text; /* Each with a zero byte behind it. */
};

static int note_name(void *context, const char *name, bool is_dir)
{
    struct names *names = context;

    if (!is_dir)
        text_add(&names->text, name, strlen(name) + 1);
    return 0;
}

/* Blocks may be replayed in any order: where two hold the same place of a segment they hold
 * the same bytes, since a log only grows. */
static int replay_folder(struct replay *replay, const struct file *folder)
{
    struct names names = {.text = {.data = NULL}};
    int r = replay->io->ops->dir_list(replay->io, folder->fd, note_name, &names);

    for (size_t at = 0; at < names.text.size && r == 0; at += strlen(names.text.data + at) + 1) {
        struct text bytes = {.data = NULL};

        r = file_load(replay->io, folder->fd, names.text.data + at, SIZE_MAX, &bytes);
        if (r == 0)
            r = replay_block(replay, text_slice(&bytes));
        text_fini(&bytes);
    }
    text_fini(&names.text);
    return err_pass(r);
}

int commit_log_replay(struct io *io, const struct file *root, commit_floor_fn *floor, void *context,
                      int64_t *out_entries)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct replay replay = {.io = io, .root = root, .floor = floor, .context = context};
    int r = file_open_dir(io, root->fd, folder_name, &folder);
    int r2;

    *out_entries = 0;
    if (r)
        return r == -ENOENT ? 0 : err_pass(r);
    replay.targets = mem_new_array(OPEN_MAX, sizeof(*replay.targets));
    r = replay_folder(&replay, folder);
    r2 = close_targets(&replay);
    mem_free(replay.targets);
    *out_entries = replay.entries;
    return err_pass(r ? r : r2);
}

int commit_log_remove(struct io *io, const struct file *root)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct names names = {.text = {.data = NULL}};
    int r = file_open_dir(io, root->fd, folder_name, &folder);

    if (r)
        return r == -ENOENT ? 0 : err_pass(r);
    r = io->ops->dir_list(io, folder->fd, note_name, &names);
    for (size_t at = 0; at < names.text.size && r == 0; at += strlen(names.text.data + at) + 1)
        r = io->ops->unlink(io, folder->fd, names.text.data + at);
    text_fini(&names.text);
    if (r == 0)
        r = io->ops->dir_remove(io, root->fd, folder_name);
    return err_pass(r);
}
