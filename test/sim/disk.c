/* SPDX-License-Identifier: Apache-2.0 */
#include "test/sim/disk_internal.h"

enum { CAPACITY_DEFAULT_PAGES = 1 << 20, DEPTH_MAX = 64 };

struct inode *inode_create(struct disk *disk, bool is_dir)
{
    struct inode *inode = mem_new(sizeof(*inode));

    inode->disk = disk;
    inode->is_dir = is_dir;
    list_init(&inode->children);
    list_push(&disk->inodes, &inode->node);
    return inode;
}

static void inode_free(struct inode *inode)
{
    assert(inode->holds == 0);
    assert(!inode->locker);
    list_remove(&inode->node);
    list_remove(&inode->sibling);
    inode_free_pages(inode);
    mem_free(inode);
}

struct disk *disk_create(struct rng *rng)
{
    struct disk *disk = mem_new(sizeof(*disk));

    disk->rng = rng;
    disk->capacity_pages = CAPACITY_DEFAULT_PAGES;
    list_init(&disk->inodes);
    list_init(&disk->changes);
    disk->root = inode_create(disk, true);
    return disk;
}

struct disk *disk_destroy(struct disk *disk)
{
    struct list_node *node;

    if (!disk)
        return NULL;
    while ((node = list_pop(&disk->changes)))
        mem_free(container_of(node, struct change, node));
    list_each (inode, &disk->inodes) /* Directories may die before what is in them. */
        list_remove(&container_of(inode, struct inode, node)->sibling);
    list_each_safe (inode, &disk->inodes)
        inode_free(container_of(inode, struct inode, node));
    mem_free(disk);
    return NULL;
}

void disk_set_fault(struct disk *disk, enum disk_op op, struct disk_fault fault)
{
    assert(fault.error < 0 || (fault.per_million == 0 && fault.nth == 0));
    disk->faults[op] = fault;
}

int disk_fault(struct disk *disk, enum disk_op op)
{
    struct disk_fault *fault = &disk->faults[op];

    if (fault->nth > 0 && --fault->nth == 0)
        return fault->error;
    if (fault->per_million > 0 && rng_below(disk->rng, 1000000) < fault->per_million)
        return fault->error;
    return 0;
}

void disk_set_capacity(struct disk *disk, uint64_t bytes)
{
    disk->capacity_pages = bytes / PAGE_SIZE;
}

/* True if a way leads from the root to `inode` on the durable side. */
static bool is_reachable(const struct disk *disk, const struct inode *inode)
{
    for (int depth = 0; inode && depth < DEPTH_MAX; depth++) {
        if (inode == disk->root)
            return true;
        inode = inode->durable.dir;
    }
    return false;
}

static bool is_in_a_change(const struct disk *disk, const struct inode *inode)
{
    list_each (node, &disk->changes) {
        const struct change *change = container_of(node, struct change, node);

        if (change->moved == inode || change->replaced == inode || change->from.dir == inode ||
            change->to.dir == inode)
            return true;
    }
    return false;
}

void disk_collect(struct disk *disk)
{
    list_each_safe (node, &disk->inodes) {
        struct inode *inode = container_of(node, struct inode, node);

        if (inode->holds > 0 || inode == disk->root || inode->cached.dir || inode->durable.dir ||
            !list_is_empty(&inode->children) || is_in_a_change(disk, inode))
            continue;
        inode_free(inode);
    }
}

/* The cached tree becomes a copy of the durable one.  What is in a directory that is
 * nowhere is nowhere too. */
static void rebuild(struct disk *disk)
{
    list_each (node, &disk->inodes) {
        struct inode *inode = container_of(node, struct inode, node);

        list_remove(&inode->sibling);
        if (!is_reachable(disk, inode))
            inode->durable.dir = NULL;
    }
    list_each (node, &disk->inodes) {
        struct inode *inode = container_of(node, struct inode, node);

        inode->cached = inode->durable;
        if (inode->cached.dir)
            list_push(&inode->cached.dir->children, &inode->sibling);
    }
}

void disk_space(const struct disk *disk, uint64_t *out_total, uint64_t *out_usable)
{
    uint64_t pages = min_of(disk->capacity_pages, (uint64_t)INT64_MAX / PAGE_SIZE);

    *out_total = pages * PAGE_SIZE;
    *out_usable = (pages - min_of(pages, disk->cached_pages)) * PAGE_SIZE;
}

void disk_power_loss(struct disk *disk)
{
    list_each (node, &disk->inodes)
        assert(container_of(node, struct inode, node)->holds == 0);
    disk_gamble_names(disk);
    disk_apply_changes(disk, true);
    rebuild(disk);
    disk_collect(disk);
    list_each (node, &disk->inodes)
        inode_gamble_pages(container_of(node, struct inode, node));
}

struct inode *disk_root(struct disk *disk)
{
    return disk->root;
}

bool inode_is_dir(const struct inode *inode)
{
    return inode->is_dir;
}

void inode_hold(struct inode *inode)
{
    inode->holds++;
}

void inode_put(struct inode *inode)
{
    assert(inode->holds > 0);
    if (--inode->holds == 0 && !inode->cached.dir)
        disk_collect(inode->disk);
}

uint64_t inode_size(const struct inode *inode)
{
    return inode->size;
}

int64_t inode_time(const struct inode *inode)
{
    return inode->time_ms;
}

void inode_set_time(struct inode *inode, int64_t ms)
{
    inode->time_ms = ms;
}

const void *inode_locker(const struct inode *inode)
{
    return inode->locker;
}

void inode_set_locker(struct inode *inode, const void *locker)
{
    inode->locker = locker;
}

size_t disk_dirty_pages(const struct disk *disk)
{
    size_t count = 0;

    list_each (node, &disk->inodes) {
        const struct inode *inode = container_of(node, struct inode, node);

        for (size_t i = inode->dirty_from; i < inode->dirty_to; i++)
            count += inode->pages[i].dirty != 0;
    }
    return count;
}

size_t disk_dirty_names(const struct disk *disk)
{
    size_t count = 0;

    list_each (node, &disk->changes)
        count++;
    return count;
}
