/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_scrub.h"

#include "base/err.h"
#include "store/log_internal.h"

/* The segment it is in, or the next that there is by now; -1: none. */
static int64_t find_segment(const struct log_listing *listing, const struct log_scrub *scrub)
{
    for (size_t i = 0; i < listing->segments.count; i++)
        if (listing->segments.items[i] >= scrub->base)
            return listing->segments.items[i];
    return -1;
}

/* Reads batches until there are no more, one is not good, or it is enough. */
static int read_batches(struct file *file, uint64_t size, uint64_t bytes_max,
                        struct log_scrub *scrub)
{
    struct scan_batch batch;
    struct scan scan;
    bool at_end = false;
    int r = 0;

    scan_init(&scan, file, scrub->position, size);
    while (r == 0 && !at_end && scrub->bytes < bytes_max) {
        r = scan_next(&scan, &batch, &at_end);
        if (r || at_end)
            break;
        if (!batch_crc_is_good(batch.bytes))
            r = LOG_SCRUB_SUSPICION;
        else
            scrub->offset = batch_last_offset(&batch.header) + 1;
        scrub->bytes += scan.position - scrub->position;
        scrub->position = scan.position;
    }
    scan_fini(&scan);
    if (r == SCAN_E_BROKEN)
        return LOG_SCRUB_SUSPICION;
    return r || at_end ? err_pass(r) : LOG_SCRUB_MORE;
}

/* Where nothing can be read behind a suspicion, the next segment follows. */
static int read_segment(struct io *io, struct file *folder, uint64_t bytes_max,
                        struct log_scrub *scrub)
{
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    uint64_t before = scrub->position;
    uint64_t size = 0;
    int r;

    segment_name(name, scrub->base, ".log");
    r = file_open(io, folder->fd, name, IO_READ, &file);
    if (r == 0)
        r = io->ops->file_size(io, file->fd, &size);
    if (r == 0)
        r = read_batches(file, size, bytes_max, scrub);
    if (r == 0 || (r == LOG_SCRUB_SUSPICION && scrub->position == before))
        *scrub = (struct log_scrub){
            .base = scrub->base + 1, .offset = scrub->offset, .bytes = scrub->bytes};
    return err_pass(r);
}

int log_scrub_step(struct io *io, const struct file *root, const char *name, uint64_t bytes_max,
                   struct log_scrub *scrub)
{
    scoped(file_unrefp) struct file *folder = NULL;
    struct log_listing listing = {.segments = {.items = NULL}};
    int r = file_open_dir(io, root->fd, name, &folder);
    int64_t base;

    scrub->bytes = 0;
    if (r)
        return r == -ENOENT ? 0 : err_pass(r); /* It was never used, or is deleted meanwhile. */
    r = log_list_folder(io, folder, &listing);
    base = r ? -1 : find_segment(&listing, scrub);
    if (base > scrub->base || scrub->position == 0)
        *scrub = (struct log_scrub){.base = base, .offset = base};
    if (base >= 0)
        r = read_segment(io, folder, bytes_max, scrub);
    log_listing_fini(&listing);
    return r == 0 && base >= 0 ? LOG_SCRUB_MORE : err_pass(r);
}
