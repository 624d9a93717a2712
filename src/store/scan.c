/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scan.h"

#include "base/err.h"
#include "base/mem.h"

enum { PIECE_SIZE = 256 * 1024, HEADERS_PIECE_SIZE = 4096 };

void scan_init(struct scan *scan, struct file *file, uint64_t position, uint64_t end)
{
    *scan = (struct scan){.file = file, .position = position, .end = end};
}

void scan_fini(struct scan *scan)
{
    scan->bytes = mem_free(scan->bytes);
    scan->size = scan->room = 0;
}

/* Makes `size` bytes from `position` on available, if the file has them. */
static int need(struct scan *scan, size_t size, size_t piece, struct slice *out)
{
    struct io *io = scan->file->io;
    uint64_t left = scan->end - scan->position;
    uint64_t skip = scan->position - scan->at;
    int r;

    size = (size_t)min_of((uint64_t)size, left);
    if (scan->position < scan->at || skip > scan->size || scan->size - skip < size) {
        size_t wanted = (size_t)min_of((uint64_t)max_of(size, piece), left);

        if (wanted > scan->room) {
            scan->bytes = mem_resize(scan->bytes, wanted, 1);
            scan->room = wanted;
        }
        scan->size = 0;
        scan->at = scan->position;
        r = io->ops->file_read(io, scan->file->fd, scan->at, scan->bytes, wanted, &scan->size);
        if (r)
            return err_pass(r);
        skip = 0;
    }
    *out = slice_of(scan->bytes + skip, min_of(size, scan->size - (size_t)skip));
    return 0;
}

static int next(struct scan *scan, size_t piece, struct scan_batch *out, bool *out_end)
{
    struct slice bytes;
    int r;

    *out_end = scan->position >= scan->end;
    if (*out_end)
        return 0;
    r = need(scan, BATCH_HEADER_SIZE, piece, &bytes);
    if (r)
        return err_pass(r);
    if (batch_parse(bytes, &out->header) || out->header.size > scan->end - scan->position)
        return SCAN_E_BROKEN;
    out->position = scan->position;
    return 0;
}

/* All bytes of the batch whose header was read. */
static int rest(struct scan *scan, size_t piece, struct scan_batch *out)
{
    int r = need(scan, out->header.size, piece, &out->bytes);

    if (r)
        return err_pass(r);
    if (out->bytes.size < out->header.size)
        return SCAN_E_BROKEN;
    scan->position += out->header.size;
    return 0;
}

int scan_next(struct scan *scan, struct scan_batch *out, bool *out_end)
{
    int r = next(scan, PIECE_SIZE, out, out_end);

    return r || *out_end ? r : rest(scan, PIECE_SIZE, out);
}

int scan_next_header(struct scan *scan, struct scan_batch *out, bool *out_end)
{
    int r = next(scan, HEADERS_PIECE_SIZE, out, out_end);

    if (r || *out_end)
        return r;
    out->bytes = slice_null();
    scan->position += out->header.size;
    return 0;
}

int scan_next_control(struct scan *scan, struct scan_batch *out, bool *out_end)
{
    int r = next(scan, HEADERS_PIECE_SIZE, out, out_end);

    if (r || *out_end)
        return r;
    if (batch_is_control(&out->header))
        return rest(scan, HEADERS_PIECE_SIZE, out);
    out->bytes = slice_null();
    scan->position += out->header.size;
    return 0;
}
