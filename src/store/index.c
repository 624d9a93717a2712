/* SPDX-License-Identifier: Apache-2.0 */
#include "store/index.h"

#include "base/err.h"
#include "base/mem.h"
#include "wire/bytes.h"

enum { TAIL_MAX = 512, ENTRY_MAX = 12 };

static const struct index_entry none = {.key = -1};

static void entry_encode(const struct index *index, const struct index_entry *entry, uint8_t *out)
{
    if (index->kind == INDEX_BY_OFFSET) {
        bytes_store_u32(out, (uint32_t)(entry->key - index->base));
        bytes_store_u32(out + 4, entry->value);
    } else {
        bytes_store_i64(out, entry->key);
        bytes_store_u32(out + 8, entry->value);
    }
}

static struct index_entry entry_decode(const struct index *index, const uint8_t *in)
{
    if (index->kind == INDEX_BY_OFFSET)
        return (struct index_entry){.key = index->base + bytes_load_i32(in),
                                    .value = bytes_load_u32(in + 4)};
    return (struct index_entry){.key = bytes_load_i64(in), .value = bytes_load_u32(in + 8)};
}

/* The entry number `at`, from memory or from the file. */
static int entry_get(const struct index *index, uint32_t at, struct index_entry *out)
{
    size_t size = index_entry_size(index);
    struct io *io = index->file->io;
    uint8_t bytes[ENTRY_MAX];
    size_t got;
    int r;

    if (at >= index->stored) {
        *out = entry_decode(index, index->tail + (at - index->stored) * size);
        return 0;
    }
    r = io->ops->file_read(io, index->file->fd, at * size, bytes, size, &got);
    if (r)
        return err_pass(r);
    if (got < size)
        return err_raise(-EIO);
    *out = entry_decode(index, bytes);
    return 0;
}

int index_create(struct index *index, enum index_kind kind, struct io *io, int dir,
                 const char *name, int64_t base)
{
    *index = (struct index){.kind = kind, .base = base, .last = none};
    return err_pass(
        file_open(io, dir, name, IO_READ | IO_WRITE | IO_CREATE | IO_TRUNCATE, &index->file));
}

/* Kafka writes no entry for the first batch of a segment, so an entry of zeros is what it
 * pre-allocated and did not come to trim. */
static bool is_possible(const struct index *index, const struct index_entry *first)
{
    const struct index_entry *last = &index->last;

    if (index->kind == INDEX_BY_OFFSET ? last->key <= index->base : last->key < 0)
        return false;
    return index->stored == 1 || (last->key > first->key && last->value >= first->value);
}

/* What the file's size and its ends say. */
static int check_stored(struct index *index)
{
    struct index_entry first = none;
    uint64_t size;
    struct io *io = index->file->io;
    int r = io->ops->file_size(io, index->file->fd, &size);

    if (r)
        return err_pass(r);
    if (size % index_entry_size(index) || size / index_entry_size(index) > INT32_MAX)
        return INDEX_E_MALFORMED;
    index->stored = (uint32_t)(size / index_entry_size(index));
    if (index->stored == 0)
        return 0;
    r = entry_get(index, 0, &first);
    if (r == 0)
        r = entry_get(index, index->stored - 1, &index->last);
    if (r)
        return err_pass(r);
    return is_possible(index, &first) ? 0 : INDEX_E_MALFORMED;
}

int index_open(struct index *index, enum index_kind kind, struct io *io, int dir, const char *name,
               int64_t base)
{
    int r;

    *index = (struct index){.kind = kind, .base = base, .last = none};
    r = file_open(io, dir, name, IO_READ | IO_WRITE, &index->file);
    if (r)
        return err_pass(r);
    r = check_stored(index);
    if (r)
        index_close(index);
    return r;
}

/* Whether an entry can be one of those that were durable.  What was never written back is zero,
 * and what was written later is about offsets from `upto` on. */
static bool is_before(const struct index *index, const struct index_entry *entry, int64_t upto)
{
    if (index->kind == INDEX_BY_OFFSET)
        return entry->key > index->base && entry->key < upto;
    return entry->key >= 0 && (entry->key > 0 || entry->value > 0) &&
           index->base + entry->value < upto;
}

/* How many entries of the file are from before `upto`. */
static int count_before(const struct index *index, int64_t upto, uint32_t *out)
{
    uint32_t low = 0;
    uint32_t high = index->stored;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct index_entry entry = none;
        int r = entry_get(index, middle, &entry);

        if (r)
            return err_pass(r);
        if (is_before(index, &entry, upto))
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return 0;
}

/* The last entry that stays must follow the one before it and the first. */
static int check_last(struct index *index)
{
    struct index_entry first = none;
    struct index_entry before = none;
    int r;

    if (index->stored == 0)
        return 0;
    r = entry_get(index, 0, &first);
    if (r == 0)
        r = entry_get(index, index->stored - 1, &index->last);
    if (r == 0 && index->stored > 1)
        r = entry_get(index, index->stored - 2, &before);
    if (r)
        return err_pass(r);
    if (!is_possible(index, &first) || (index->stored > 1 && !is_possible(index, &before)))
        return INDEX_E_MALFORMED;
    return 0;
}

static int cut_from(struct index *index, int64_t upto)
{
    struct io *io = index->file->io;
    uint64_t entry = index_entry_size(index);
    uint64_t size;
    uint32_t count = 0;
    int r = io->ops->file_size(io, index->file->fd, &size);

    if (r)
        return err_pass(r);
    if (size / entry > INT32_MAX)
        return INDEX_E_MALFORMED;
    index->stored = (uint32_t)(size / entry);
    r = count_before(index, upto, &count);
    index->stored = count;
    if (r == 0)
        r = check_last(index);
    if (r == 0 && size > count * entry)
        r = io->ops->file_truncate(io, index->file->fd, count * entry);
    return r;
}

int index_resume(struct index *index, enum index_kind kind, struct io *io, int dir,
                 const char *name, int64_t base, int64_t upto)
{
    int r;

    *index = (struct index){.kind = kind, .base = base, .last = none};
    r = file_open(io, dir, name, IO_READ | IO_WRITE, &index->file);
    if (r)
        return err_pass(r);
    r = cut_from(index, upto);
    if (r)
        index_close(index);
    return r;
}

void index_close(struct index *index)
{
    index->file = file_unref(index->file);
    index->tail = mem_free(index->tail);
    index->tail_count = index->tail_room = 0;
}

/* Cuts off what a failed write may have left. */
static int mend(struct index *index)
{
    struct io *io = index->file->io;
    int r = 0;

    if (index->is_torn)
        r = io->ops->file_truncate(io, index->file->fd, index->stored * index_entry_size(index));
    if (r == 0)
        index->is_torn = false;
    return err_pass(r);
}

int index_flush(struct index *index)
{
    size_t size = index_entry_size(index);
    struct io *io = index->file->io;
    struct io_iov iov = {.data = index->tail, .size = index->tail_count * size};
    int r = mend(index);

    if (r || index->tail_count == 0)
        return err_pass(r);
    r = io->ops->file_write(io, index->file->fd, index->stored * size, &iov, 1);
    if (r) {
        index->is_torn = true;
        return err_pass(r);
    }
    index->stored += index->tail_count;
    index->tail_count = 0;
    return 0;
}

int index_add(struct index *index, int64_t key, uint32_t value)
{
    size_t size = index_entry_size(index);

    assert(key > index->last.key || index_count(index) == 0);
    if (index->tail_count == TAIL_MAX) {
        int r = index_flush(index);

        if (r)
            return err_pass(r);
    }
    if (index->tail_count == index->tail_room) {
        index->tail_room = max_of(index->tail_room * 2, 8u);
        index->tail = mem_resize(index->tail, index->tail_room, size);
    }
    index->last = (struct index_entry){.key = key, .value = value};
    entry_encode(index, &index->last, index->tail + index->tail_count * size);
    index->tail_count++;
    return 0;
}

int index_cut(struct index *index, int64_t key)
{
    struct io *io = index->file->io;
    uint32_t count = index_count(index);
    int r = mend(index);

    while (r == 0 && count > 0 && index->last.key >= key) {
        count--;
        index->last = none;
        if (count > 0)
            r = entry_get(index, count - 1, &index->last);
    }
    if (r == 0 && count < index->stored) {
        r = io->ops->file_truncate(io, index->file->fd, count * index_entry_size(index));
        if (r == 0)
            index->stored = count;
    }
    if (r == 0)
        index->tail_count = count - index->stored;
    return err_pass(r);
}

/* The last entry whose key (or value) is at most `most`, and the number of the one behind it. */
static int search(const struct index *index, bool by_value, int64_t most, struct index_entry *out,
                  uint32_t *out_behind)
{
    uint32_t low = 0;
    uint32_t high = index_count(index);
    struct index_entry best = none;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct index_entry entry = none;
        int r = entry_get(index, middle, &entry);

        if (r)
            return err_pass(r);
        if ((by_value ? (int64_t)entry.value : entry.key) <= most) {
            best = entry;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out = best;
    *out_behind = low;
    return 0;
}

int index_find(const struct index *index, int64_t key, struct index_entry *out)
{
    uint32_t behind;

    return err_pass(search(index, false, key, out, &behind));
}

int index_find_value(const struct index *index, uint32_t value, struct index_entry *out)
{
    uint32_t behind;

    return err_pass(search(index, true, value, out, &behind));
}

int index_find_behind(const struct index *index, uint32_t value, struct index_entry *out)
{
    struct index_entry before;
    uint32_t behind = 0;
    int r = search(index, true, (int64_t)value - 1, &before, &behind);

    if (r == 0 && behind < index_count(index))
        return err_pass(entry_get(index, behind, out));
    *out = none;
    return err_pass(r);
}
