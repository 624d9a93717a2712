/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/disk_pages.c - what is in the files, cached and durable.
 *
 * The two sides share their pages until a write makes the cached one private, so that a
 * sync is a matter of pointers.
 */

#include "test/sim/disk_internal.h"

#include <errno.h>
#include <string.h>

enum { WRITTEN_BACK_PERCENT = 10, EVICTED_PERCENT = 25 };

/* --- pages ------------------------------------------------------------------ */

static struct page *page_unref(struct page *page)
{
    if (page && --page->refs == 0)
        mem_free(page);
    return NULL;
}

static void page_share(struct page **to, struct page *page)
{
    if (page)
        page->refs++;
    page_unref(*to);
    *to = page;
}

/* Makes `*page` one that nobody else sees, and that is not a hole. */
static struct page *page_own(struct page **page)
{
    struct page *own;

    if (*page && (*page)->refs == 1)
        return *page;
    own = mem_new(sizeof(*own));
    own->refs = 1;
    if (*page)
        memcpy(own->bytes, (*page)->bytes, sizeof(own->bytes));
    page_unref(*page);
    *page = own;
    return own;
}

static const uint8_t *page_bytes(const struct page *page)
{
    static const uint8_t zeroes[PAGE_SIZE];

    return page ? page->bytes : zeroes;
}

static void sector_copy(struct page **to, const struct page *from, int sector)
{
    memcpy(page_own(to)->bytes + (size_t)sector * SECTOR_SIZE,
           page_bytes(from) + (size_t)sector * SECTOR_SIZE, SECTOR_SIZE);
}

static size_t pages_for(uint64_t size)
{
    return (size_t)((size + PAGE_SIZE - 1) / PAGE_SIZE);
}

static void reserve(struct inode *file, size_t count)
{
    if (count <= file->page_count)
        return;
    count = max_of(count, file->page_count * 2);
    file->pages = mem_resize(file->pages, count, sizeof(*file->pages));
    memset(file->pages + file->page_count, 0, (count - file->page_count) * sizeof(*file->pages));
    file->page_count = count;
}

static void drop_cached(struct inode *file, size_t index)
{
    if (file->pages[index].cached)
        file->disk->cached_pages--;
    file->pages[index].cached = page_unref(file->pages[index].cached);
}

void inode_free_pages(struct inode *inode)
{
    for (size_t i = 0; i < inode->page_count; i++) {
        drop_cached(inode, i);
        inode->pages[i].durable = page_unref(inode->pages[i].durable);
    }
    inode->pages = mem_free(inode->pages);
    inode->page_count = 0;
}

/* The bits of the sectors that lie in [from, to) of a page. */
static uint8_t sectors_of(size_t from, size_t to)
{
    unsigned first = (unsigned)from / SECTOR_SIZE;
    unsigned end = (unsigned)(to + SECTOR_SIZE - 1) / SECTOR_SIZE;

    return (uint8_t)((1u << end) - (1u << first));
}

static void mark_dirty(struct inode *file, size_t index, uint8_t sectors)
{
    file->pages[index].dirty |= sectors;
    if (file->dirty_from == file->dirty_to) {
        file->dirty_from = index;
        file->dirty_to = index + 1;
    }
    file->dirty_from = min_of(file->dirty_from, index);
    file->dirty_to = max_of(file->dirty_to, index + 1);
}

static void set_size(struct inode *file, uint64_t size)
{
    file->size = size;
    file->smallest_size = min_of(file->smallest_size, size);
}

/* --- reading and writing ---------------------------------------------------- */

int disk_read(struct disk *disk, struct inode *file, uint64_t at, void *out, size_t size,
              size_t *out_read)
{
    uint8_t *to = out;
    size_t done = 0;
    int r = disk_fault(disk, DISK_READ);

    if (r)
        return r;
    if (file->is_dir)
        return -EISDIR;
    if (at < file->size)
        size = (size_t)min_of((uint64_t)size, file->size - at);
    else
        size = 0;
    while (done < size) {
        size_t index = (size_t)((at + done) / PAGE_SIZE);
        size_t skip = (size_t)((at + done) % PAGE_SIZE);
        size_t part = min_of(size - done, PAGE_SIZE - skip);

        memcpy(to + done, page_bytes(file->pages[index].cached) + skip, part);
        done += part;
    }
    *out_read = done;
    return 0;
}

/* Before a dirty sector is overwritten, the kernel may have written it back. */
static void gamble_write_back(struct inode *file, size_t index, uint8_t sectors)
{
    struct page_slot *slot = &file->pages[index];

    if (!(slot->dirty & sectors) || !rng_chance(file->disk->rng, WRITTEN_BACK_PERCENT))
        return;
    for (int s = 0; s < SECTORS; s++)
        if (slot->dirty & sectors & (1u << s))
            sector_copy(&slot->durable, slot->cached, s);
}

static void write_page(struct inode *file, size_t index, size_t skip, const uint8_t *data,
                       size_t size)
{
    struct page_slot *slot = &file->pages[index];
    uint8_t sectors = sectors_of(skip, skip + size);

    gamble_write_back(file, index, sectors);
    if (!slot->cached)
        file->disk->cached_pages++;
    memcpy(page_own(&slot->cached)->bytes + skip, data, size);
    mark_dirty(file, index, sectors);
}

int disk_write(struct disk *disk, struct inode *file, uint64_t at, const void *data, size_t size)
{
    const uint8_t *from = data;
    int r = disk_fault(disk, DISK_WRITE);
    size_t done = 0;

    if (file->is_dir)
        return -EISDIR;
    if (r) /* A part of it may have got there. */
        size = (size_t)rng_below(disk->rng, size + 1);
    reserve(file, pages_for(at + size));
    while (done < size) {
        size_t index = (size_t)((at + done) / PAGE_SIZE);
        size_t skip = (size_t)((at + done) % PAGE_SIZE);
        size_t part = min_of(size - done, PAGE_SIZE - skip);

        if (!file->pages[index].cached && disk->cached_pages >= disk->capacity_pages) {
            r = -ENOSPC;
            break;
        }
        write_page(file, index, skip, from + done, part);
        done += part;
    }
    if (done > 0)
        set_size(file, max_of(file->size, at + done));
    return r;
}

/* What was behind the new end is zero in the cache, if the file grows again; on the disk
 * it is until the next sync. */
static void cut(struct inode *file, uint64_t size)
{
    size_t keep = (size_t)(size % PAGE_SIZE);
    size_t index = (size_t)(size / PAGE_SIZE);
    size_t end = min_of(pages_for(file->size), file->page_count);

    if (keep > 0 && index < end) {
        static const uint8_t zeroes[PAGE_SIZE];

        write_page(file, index, keep, zeroes, PAGE_SIZE - keep);
        index++;
    }
    for (; index < end; index++) {
        drop_cached(file, index);
        mark_dirty(file, index, sectors_of(0, PAGE_SIZE));
    }
}

int disk_truncate(struct disk *disk, struct inode *file, uint64_t size)
{
    int r = disk_fault(disk, DISK_WRITE);

    if (r)
        return r;
    if (file->is_dir)
        return -EISDIR;
    if (size < file->size)
        cut(file, size);
    else
        reserve(file, pages_for(size));
    set_size(file, size);
    return 0;
}

/* --- syncing ---------------------------------------------------------------- */

static void page_synced(struct page_slot *slot)
{
    page_share(&slot->durable, slot->cached);
    slot->dirty = 0;
}

static void size_synced(struct inode *file)
{
    file->durable_size = file->smallest_size = file->size;
}

/* Its error is told once: what was lost is not dirty any more. */
static void sync_failed(struct disk *disk, struct inode *file)
{
    for (size_t i = file->dirty_from; i < file->dirty_to; i++) {
        struct page_slot *slot = &file->pages[i];

        if (!slot->dirty)
            continue;
        switch (rng_below(disk->rng, 3)) {
        case 0: page_synced(slot); break;
        case 1: break; /* Stays dirty. */
        default:
            slot->dirty = 0;
            if (slot->cached && slot->durable && rng_chance(disk->rng, EVICTED_PERCENT))
                page_share(&slot->cached, slot->durable);
            break;
        }
    }
    if (rng_chance(disk->rng, 50))
        size_synced(file);
}

int disk_sync(struct disk *disk, struct inode *file)
{
    int r = disk_fault(disk, DISK_SYNC);

    if (r) {
        sync_failed(disk, file);
        return r;
    }
    for (size_t i = file->dirty_from; i < file->dirty_to; i++)
        if (file->pages[i].dirty)
            page_synced(&file->pages[i]);
    file->dirty_from = file->dirty_to = 0;
    size_synced(file);
    return 0;
}

/* The cache has what the disk has. */
static void refresh(struct inode *file)
{
    for (size_t i = 0; i < file->page_count; i++) {
        drop_cached(file, i);
        page_share(&file->pages[i].cached, file->pages[i].durable);
        file->disk->cached_pages += file->pages[i].cached != NULL;
    }
}

int disk_refresh(struct disk *disk, struct inode *file)
{
    int r = disk_sync(disk, file);

    if (r == 0)
        refresh(file);
    return r;
}

/* --- losing power ----------------------------------------------------------- */

static void gamble_page(struct inode *file, struct page_slot *slot, unsigned percent)
{
    for (int s = 0; s < SECTORS; s++)
        if (slot->dirty & (1u << s) && rng_chance(file->disk->rng, percent))
            sector_copy(&slot->durable, slot->cached, s);
    slot->dirty = 0;
}

static uint64_t gamble_size(struct inode *file)
{
    uint64_t low = min_of(file->smallest_size, file->durable_size);
    uint64_t high = max_of(file->size, file->durable_size);

    switch (rng_below(file->disk->rng, 4)) {
    case 0: return file->size;
    case 1: return file->durable_size;
    case 2: return file->smallest_size;
    default: return low + rng_below(file->disk->rng, high - low + 1);
    }
}

/* Sectors behind the end were never part of the file. */
static void wipe_tail(struct inode *file)
{
    size_t keep = (size_t)(file->size % PAGE_SIZE);
    size_t index = (size_t)(file->size / PAGE_SIZE);

    if (keep > 0 && index < file->page_count && file->pages[index].durable)
        memset(page_own(&file->pages[index].durable)->bytes + keep, 0, PAGE_SIZE - keep);
    for (index = pages_for(file->size); index < file->page_count; index++)
        file->pages[index].durable = page_unref(file->pages[index].durable);
}

/* Mostly a part survives, but that all of it does, or none, must be tried often too. */
void inode_gamble_pages(struct inode *file)
{
    static const unsigned percents[] = {0, 10, 50, 90, 100};
    unsigned percent = percents[rng_below(file->disk->rng, COUNT_OF(percents))];

    if (file->is_dir)
        return;
    for (size_t i = file->dirty_from; i < file->dirty_to; i++)
        gamble_page(file, &file->pages[i], percent);
    file->dirty_from = file->dirty_to = 0;
    file->size = gamble_size(file);
    size_synced(file);
    wipe_tail(file);
    refresh(file);
}
