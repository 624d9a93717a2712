/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit_log.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/log_internal.h"
#include "wire/bytes.h"
#include "wire/crc32c.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAGIC = 0x4d4c4345,
    BLOCKS = 2,
    NAME_MAX_SIZE = 280,
    BUFFER_SIZE = 1024 * 1024,
    CUTS_SIZE = 8 * 1024, /* Of a block, for cuts alone. */

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

/* Puts everything around the bytes of an entry, which are in the buffer, there too. */
static void frame_entry(struct commit_log *log, const struct commit_range *range)
{
    size_t name_size = strlen(range->log_name);
    uint8_t *entry = log->buffer + log->buffered;

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
}

/* Puts an entry for at most what fits into the buffer together. */
static int add_entry(struct commit_log *log, const struct commit_range *range)
{
    uint8_t *bytes = log->buffer + log->buffered + HEADER_SIZE + strlen(range->log_name);
    struct io *io = log->io;
    size_t got;
    int r = io->ops->file_read(io, range->file->fd, range->position, bytes, range->size, &got);

    if (r)
        return err_pass(r);
    if (got < range->size)
        return err_raise(-EIO);
    frame_entry(log, range);
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

static void need_buffer(struct commit_log *log)
{
    if (!log->buffer)
        log->buffer = mem_resize(NULL, BUFFER_SIZE, 1);
}

static int flush_and_sync(struct commit_log *log)
{
    int r = flush(log);

    return err_pass(r ? r : log->io->ops->file_sync(log->io, log->blocks[log->current]->fd));
}

int commit_log_write(struct commit_log *log, const struct commit_range *ranges, size_t count)
{
    int r = 0;

    if (log->used + CUTS_SIZE + most_bytes(ranges, count) > log->block_size)
        return COMMIT_LOG_E_FULL;
    need_buffer(log);
    for (size_t i = 0; i < count && r == 0; i++)
        r = add_range(log, ranges[i]);
    return err_pass(r ? r : flush_and_sync(log));
}

int commit_log_cut(struct commit_log *log, const struct commit_cut *cut)
{
    struct commit_range range = {.log_name = cut->log_name,
                                 .topic_id = cut->topic_id,
                                 .base = cut->base,
                                 .position = cut->position};

    if (log->used + entry_size(&range) > log->block_size)
        return COMMIT_LOG_E_FULL;
    need_buffer(log);
    frame_entry(log, &range);
    return err_pass(flush_and_sync(log));
}

/* --- turning ---------------------------------------------------------------- */

bool commit_log_wants_turn(const struct commit_log *log)
{
    return log->used > (log->block_size - min_of(log->block_size, (size_t)CUTS_SIZE)) / 2;
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

/* Where an entry is among those of its shard, by time. */
struct moment {
    int shard;
    uint64_t generation, number;
};

/* An entry as it is in a block. */
struct entry {
    struct moment moment;
    struct slice name;
    struct uuid topic_id;
    int64_t base;
    uint64_t position;
    struct slice bytes;
};

/* A cut of a log, of which older entries are to know. */
struct cut {
    struct moment moment;
    char log_name[NAME_MAX_SIZE];
    struct uuid topic_id;
    int64_t base;
    uint64_t position;
};

struct replay {
    struct io *io;
    const struct file *root;
    commit_floor_fn *floor;
    void *context;
    struct target *targets; /* Owned array of OPEN_MAX. */
    size_t count;
    struct cut *cuts; /* Owned. */
    size_t cut_count, cut_room;
    int64_t entries;
};

/* What is done with each entry, in one of the two walks. */
typedef int entry_fn(struct replay *replay, const struct entry *entry);

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

static int get_target(struct replay *replay, const struct entry *entry, struct target **out)
{
    struct target *target;
    int r = 0;

    for (size_t i = replay->count; i-- > 0;) {
        target = &replay->targets[i];
        if (target->base == entry->base && uuid_equal(target->topic_id, entry->topic_id) &&
            slice_is_text(entry->name, target->log_name)) {
            *out = target;
            return 0;
        }
    }
    if (replay->count == OPEN_MAX)
        r = close_targets(replay);
    if (r)
        return err_pass(r);
    target = &replay->targets[replay->count++];
    memcpy(target->log_name, entry->name.data, entry->name.size);
    target->log_name[entry->name.size] = 0;
    target->base = entry->base;
    target->file = NULL;
    target->floor = 0;
    target->topic_id = entry->topic_id;
    *out = target;
    return err_pass(open_target(replay, target));
}

/* Reads the entry at the start of `bytes`, if it is whole and the one of that moment; `*out_size`
 * is how many bytes it takes. */
static bool parse_entry(struct slice bytes, struct moment moment, struct entry *out,
                        size_t *out_size)
{
    const uint8_t *at = bytes.data;
    size_t name_size;
    uint64_t size;

    if (bytes.size < HEADER_SIZE || bytes_load_u32(at) != MAGIC ||
        bytes_load_u64(at + AT_GENERATION) != moment.generation ||
        bytes_load_u64(at + AT_NUMBER) != moment.number)
        return false;
    name_size = bytes_load_u16(at + AT_NAME_SIZE);
    size = HEADER_SIZE + (uint64_t)name_size + bytes_load_u32(at + AT_SIZE);
    if (name_size == 0 || name_size >= NAME_MAX_SIZE || size > bytes.size ||
        memchr(at + HEADER_SIZE, '/', name_size) ||
        bytes_load_u32(at + AT_CRC) != crc32c(at + AT_GENERATION, size - AT_GENERATION))
        return false;
    *out = (struct entry){
        .moment = moment,
        .name = slice_of(at + HEADER_SIZE, name_size),
        .base = bytes_load_i64(at + AT_BASE),
        .position = bytes_load_u64(at + AT_POSITION),
        .bytes = slice_of(at + HEADER_SIZE + name_size, (size_t)size - HEADER_SIZE - name_size)};
    memcpy(out->topic_id.bytes, at + AT_TOPIC_ID, sizeof(out->topic_id.bytes));
    *out_size = (size_t)size;
    return true;
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

/* The first walk: notes a cut. */
static int note_cut(struct replay *replay, const struct entry *entry)
{
    struct cut *cut;

    if (entry->bytes.size > 0)
        return 0;
    if (replay->cut_count == replay->cut_room) {
        replay->cut_room = max_of(replay->cut_room * 2, (size_t)8);
        replay->cuts = mem_resize(replay->cuts, replay->cut_room, sizeof(*replay->cuts));
    }
    cut = &replay->cuts[replay->cut_count++];
    *cut = (struct cut){.moment = entry->moment,
                        .topic_id = entry->topic_id,
                        .base = entry->base,
                        .position = entry->position};
    memcpy(cut->log_name, entry->name.data, entry->name.size);
    return 0;
}

/* A shard's entries are in the order of their generations and numbers. */
static bool is_before(const struct moment *a, const struct moment *b)
{
    if (a->shard != b->shard)
        return false;
    return a->generation != b->generation ? a->generation < b->generation : a->number < b->number;
}

/* How many of the entry's bytes are still in the log, from the front. */
static size_t still_there(const struct replay *replay, const struct entry *entry)
{
    uint64_t size = entry->bytes.size;

    for (size_t i = 0; i < replay->cut_count; i++) {
        const struct cut *cut = &replay->cuts[i];

        if (!is_before(&entry->moment, &cut->moment) ||
            !uuid_equal(entry->topic_id, cut->topic_id) ||
            !slice_is_text(entry->name, cut->log_name) || entry->base < cut->base)
            continue;
        if (entry->base > cut->base || entry->position >= cut->position)
            return 0;
        size = min_of(size, cut->position - entry->position);
    }
    return (size_t)size;
}

/* The second walk: writes what is not durable by itself. */
static int replay_entry(struct replay *replay, const struct entry *entry)
{
    struct slice bytes = slice_of(entry->bytes.data, still_there(replay, entry));
    struct io_iov iov;
    struct target *target = NULL;
    size_t skipped;
    int r;

    replay->entries++;
    if (bytes.size == 0)
        return 0;
    r = get_target(replay, entry, &target);
    if (r)
        return err_pass(r);
    skipped = skip_durable(bytes, target->floor);
    if (!target->file || skipped == bytes.size)
        return 0;
    iov = (struct io_iov){.data = bytes.data + skipped, .size = bytes.size - skipped};
    return err_pass(replay->io->ops->file_write(replay->io, target->file->fd,
                                                entry->position + skipped, &iov, 1));
}

static int walk_block(struct replay *replay, int shard, struct slice bytes, entry_fn *visit)
{
    struct moment moment = {.shard = shard};
    struct entry entry;
    size_t size;

    if (bytes.size < HEADER_SIZE)
        return 0;
    moment.generation = bytes_load_u64(bytes.data + AT_GENERATION);
    for (; parse_entry(bytes, moment, &entry, &size); moment.number++) {
        int r = visit(replay, &entry);

        if (r)
            return err_pass(r);
        bytes = slice_of(bytes.data + size, bytes.size - size);
    }
    return 0;
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

/* Of the name of a block. */
static int shard_of(const char *name)
{
    return (int)strtol(name, NULL, 10);
}

static int walk_blocks(struct replay *replay, const struct file *folder, const struct names *names,
                       entry_fn *visit)
{
    int r = 0;

    for (size_t at = 0; at < names->text.size && r == 0;) {
        const char *name = names->text.data + at;
        struct text bytes = {.data = NULL};

        r = file_load(replay->io, folder->fd, name, SIZE_MAX, &bytes);
        if (r == 0)
            r = walk_block(replay, shard_of(name), text_slice(&bytes), visit);
        text_fini(&bytes);
        at += strlen(name) + 1;
    }
    return err_pass(r);
}

/* Once it is known where logs were cut, blocks may be replayed in any order: where two hold the
 * same place of a segment they hold the same bytes, since a log only grows else. */
static int replay_folder(struct replay *replay, const struct file *folder)
{
    struct names names = {.text = {.data = NULL}};
    int r = replay->io->ops->dir_list(replay->io, folder->fd, note_name, &names);

    if (r == 0)
        r = walk_blocks(replay, folder, &names, note_cut);
    if (r == 0)
        r = walk_blocks(replay, folder, &names, replay_entry);
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
    mem_free(replay.cuts);
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
