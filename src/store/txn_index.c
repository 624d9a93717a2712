/* SPDX-License-Identifier: Apache-2.0 */
#include "store/txn_index.h"

#include "base/err.h"
#include "store/file.h"
#include "wire/bytes.h"

enum { VERSION = 0, PIECE = 64 /* Entries that are read at a time. */ };

/* --- entries ---------------------------------------------------------------- */

void txn_entry_print(const struct txn_entry *entry, struct text *out)
{
    uint8_t bytes[TXN_INDEX_ENTRY_SIZE];

    bytes_store_i16(bytes, VERSION);
    bytes_store_i64(bytes + 2, entry->producer_id);
    bytes_store_i64(bytes + 10, entry->first_offset);
    bytes_store_i64(bytes + 18, entry->last_offset);
    bytes_store_i64(bytes + 26, entry->stable);
    text_add(out, bytes, sizeof(bytes));
}

int txn_entry_parse(const uint8_t *bytes, struct txn_entry *out)
{
    if (bytes_load_i16(bytes) != VERSION)
        return TXN_INDEX_E_MALFORMED;
    *out = (struct txn_entry){
        .producer_id = bytes_load_i64(bytes + 2),
        .first_offset = bytes_load_i64(bytes + 10),
        .last_offset = bytes_load_i64(bytes + 18),
        .stable = bytes_load_i64(bytes + 26),
    };
    return out->first_offset <= out->last_offset ? 0 : TXN_INDEX_E_MALFORMED;
}

/* --- the file --------------------------------------------------------------- */

/* Counts the entries; what follows the last whole one is left of a write that was cut off. */
static int count_entries(struct txn_index *index, struct file *file)
{
    uint64_t size;
    int r;

    if (index->is_counted)
        return 0;
    r = file->io->ops->file_size(file->io, file->fd, &size);
    if (r)
        return err_pass(r);
    if (size / TXN_INDEX_ENTRY_SIZE > UINT32_MAX)
        return TXN_INDEX_E_MALFORMED;
    index->count = (uint32_t)(size / TXN_INDEX_ENTRY_SIZE);
    index->is_counted = true;
    return 0;
}

/* Opens the file of an index that is there; `*out` is NULL if it is not, after all. */
static int open_index(struct txn_index *index, struct io *io, int dir, const char *name,
                      unsigned flags, struct file **out)
{
    int r = file_open(io, dir, name, flags, out);

    if (r == -ENOENT) {
        *index = (struct txn_index){.count = 0};
        return 0;
    }
    return r ? err_pass(r) : count_entries(index, *out);
}

int txn_index_add(struct txn_index *index, struct io *io, int dir, const char *name,
                  const struct txn_entry *entry)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct text bytes = {.data = NULL};
    struct io_iov iov;
    int r;

    if (!index->is_there)
        *index = (struct txn_index){.is_counted = true};
    r = file_open(io, dir, name,
                  IO_READ | IO_WRITE | IO_CREATE | (index->is_there ? 0 : IO_TRUNCATE), &file);
    if (r)
        return err_pass(r);
    index->is_there = true;
    r = count_entries(index, file);
    if (r)
        return r;
    txn_entry_print(entry, &bytes);
    iov = (struct io_iov){.data = bytes.data, .size = bytes.size};
    r = io->ops->file_write(io, file->fd, (uint64_t)index->count * TXN_INDEX_ENTRY_SIZE, &iov, 1);
    text_fini(&bytes);
    index->count += r == 0;
    return err_pass(r);
}

/* Leaves the first `count` entries. */
static int shorten(struct txn_index *index, struct io *io, int dir, const char *name,
                   struct file *file, uint32_t count)
{
    int r = count > 0 ? io->ops->file_truncate(io, file->fd, (uint64_t)count * TXN_INDEX_ENTRY_SIZE)
                      : io->ops->unlink(io, dir, name);

    if (r)
        return err_pass(r);
    *index = (struct txn_index){.is_there = count > 0, .is_counted = true, .count = count};
    return 0;
}

static int read_entries(struct file *file, uint32_t at, uint32_t count, struct txn_entry *out)
{
    uint8_t bytes[PIECE * TXN_INDEX_ENTRY_SIZE];
    size_t size = (size_t)count * TXN_INDEX_ENTRY_SIZE;
    size_t got;
    int r;

    assert(count <= PIECE);
    r = file->io->ops->file_read(file->io, file->fd, (uint64_t)at * TXN_INDEX_ENTRY_SIZE, bytes,
                                 size, &got);
    if (r)
        return err_pass(r);
    if (got < size)
        return TXN_INDEX_E_MALFORMED;
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = txn_entry_parse(bytes + (size_t)i * TXN_INDEX_ENTRY_SIZE, &out[i]);
    return r;
}

/* The first entry whose last offset is `offset` or above. */
static int find_entry(const struct txn_index *index, struct file *file, int64_t offset,
                      uint32_t *out)
{
    uint32_t low = 0;
    uint32_t high = index->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct txn_entry entry;
        int r = read_entries(file, middle, 1, &entry);

        if (r)
            return r;
        if (entry.last_offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return 0;
}

int txn_index_cut(struct txn_index *index, struct io *io, int dir, const char *name, int64_t offset)
{
    scoped(file_unrefp) struct file *file = NULL;
    uint32_t left = 0;
    int r;

    if (!index->is_there)
        return 0;
    r = open_index(index, io, dir, name, IO_READ | IO_WRITE, &file);
    if (r || !file)
        return r;
    r = find_entry(index, file, offset, &left);
    return r ? r : err_pass(shorten(index, io, dir, name, file, left));
}

int txn_index_find(struct txn_index *index, struct io *io, int dir, const char *name, int64_t from,
                   int64_t to, struct text *out, bool *out_complete)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct txn_entry entries[PIECE];
    uint32_t at = 0;
    int r;

    *out_complete = false;
    if (!index->is_there)
        return 0;
    r = open_index(index, io, dir, name, IO_READ, &file);
    if (r || !file)
        return r;
    r = find_entry(index, file, from, &at);
    while (r == 0 && at < index->count && !*out_complete) {
        uint32_t count = min_of(index->count - at, (uint32_t)PIECE);

        r = read_entries(file, at, count, entries);
        for (uint32_t i = 0; i < count && r == 0 && !*out_complete; i++) {
            if (entries[i].first_offset < to)
                text_add(out, &entries[i], sizeof(entries[i]));
            *out_complete = entries[i].stable >= to;
        }
        at += count;
    }
    return r;
}
