/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_view.c - a file, read in large pieces, and the batches in it.
 *
 * Batches are walked as Kafka's FileLogInputStream does: what is too short to be one ends the
 * walk without a word, a size below that of the smallest message is an error.
 */

#include "base/err.h"
#include "base/mem.h"
#include "offline/dump.h"
#include "wire/bytes.h"

#include <inttypes.h>
#include <string.h>

enum {
    PIECE_SIZE = 1024 * 1024,
    TO_MAGIC_SIZE = 17,   /* Offset, size, epoch or checksum, magic. */
    OLD_OVERHEAD_MIN = 14 /* Of format 0, behind the size. */
};

int dump_view_open(struct dump *dump, struct dump_view *view, const char *path)
{
    struct io *io = dump->tool->env->io;
    int r;

    *view = (struct dump_view){.io = io, .fd = -1};
    r = io->ops->file_open(io, IO_CWD, path, IO_READ, &view->fd);
    if (r == -ENOENT || r == -ENOTDIR)
        return dump_fail(dump, "%s", path);
    if (r == 0)
        r = io->ops->file_size(io, view->fd, &view->end);
    if (r) {
        (void)dump_fail(dump, "%s: %s", path, strerror(-r));
        io_close(io, &view->fd);
        return err_pass(r);
    }
    view->path = mem_copy_text(path, strlen(path));
    return 0;
}

void dump_view_close(struct dump_view *view)
{
    if (!view->path)
        return;
    io_close(view->io, &view->fd);
    view->path = mem_free(view->path);
    view->bytes = mem_free(view->bytes);
}

int dump_view_read(struct dump *dump, struct dump_view *view, uint64_t at, uint64_t size,
                   struct slice *out)
{
    size_t want;
    int r;

    size = at >= view->end ? 0 : min_of(size, view->end - at);
    if (at < view->at || at + size > view->at + view->size) {
        want = (size_t)max_of(size, min_of((uint64_t)PIECE_SIZE, view->end - at));
        if (want > view->room) {
            view->bytes = mem_resize(view->bytes, want, 1);
            view->room = want;
        }
        view->at = at;
        view->size = 0;
        r = view->io->ops->file_read(view->io, view->fd, at, view->bytes, want, &view->size);
        if (r) {
            (void)dump_fail(dump, "%s: %s", view->path, strerror(-r));
            return err_pass(r);
        }
        size = min_of(size, (uint64_t)view->size);
    }
    *out = slice_of(size ? view->bytes + (at - view->at) : (const uint8_t *)"", (size_t)size);
    return 0;
}

/* The fields of format 2, whatever they are. */
static void load_header(const uint8_t *p, struct batch_header *out)
{
    out->leader_epoch = bytes_load_i32(p + BATCH_EPOCH_AT);
    out->crc = bytes_load_u32(p + 17);
    out->attributes = bytes_load_u16(p + 21);
    out->last_offset_delta = bytes_load_i32(p + 23);
    out->base_timestamp = bytes_load_i64(p + 27);
    out->max_timestamp = bytes_load_i64(p + 35);
    out->producer_id = bytes_load_i64(p + 43);
    out->producer_epoch = bytes_load_i16(p + 51);
    out->base_sequence = bytes_load_i32(p + 53);
    out->record_count = bytes_load_i32(p + 57);
}

int dump_view_batch(struct dump *dump, struct dump_view *view, uint64_t position,
                    struct dump_batch *out, bool *out_end)
{
    struct dump_batch batch = {.position = position};
    struct slice bytes;
    int32_t size;
    int r;

    *out_end = true;
    if (position + TO_MAGIC_SIZE >= view->end)
        return 0;
    r = dump_view_read(dump, view, position, BATCH_HEADER_SIZE, &bytes);
    if (r)
        return r;
    size = bytes_load_i32(bytes.data + 8);
    if (size < OLD_OVERHEAD_MIN)
        return dump_fail(dump,
                         "Found record size %" PRId32 " smaller than minimum record overhead (%d) "
                         "in file %s.",
                         size, OLD_OVERHEAD_MIN, view->path);
    if (position + BATCH_PREFIX_SIZE + (uint64_t)size > view->end)
        return 0;
    batch.magic = (int8_t)bytes.data[16];
    batch.header.base_offset = bytes_load_i64(bytes.data);
    batch.header.size = BATCH_PREFIX_SIZE + (size_t)size;
    if (batch.magic >= BATCH_MAGIC) {
        if (bytes.size < BATCH_HEADER_SIZE)
            return dump_fail(dump, "%s ends inside the header of a batch", view->path);
        load_header(bytes.data, &batch.header);
    }
    *out = batch;
    *out_end = false;
    return 0;
}
