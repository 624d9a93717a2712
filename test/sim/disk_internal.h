/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/disk_internal.h - what the three files of the disk share: disk.c has life and
 * death, disk_names.c the tree, disk_pages.c the contents. */

#include "base/list.h"
#include "base/mem.h"
#include "test/sim/disk.h"

enum {
    PAGE_SIZE = 4096,
    SECTOR_SIZE = 512,
    SECTORS = PAGE_SIZE / SECTOR_SIZE,
    DISK_NAME_MAX = 256
};

/* Bytes that cached and durable side share until one of them changes. */
struct page {
    unsigned refs;
    uint8_t bytes[PAGE_SIZE];
};

/* One page of a file.  A sector may differ between the sides although its bit is clear:
 * a failed sync has lost it. */
struct page_slot {
    struct page *cached, *durable; /* Shared; NULL is all zeroes. */
    uint8_t dirty;                 /* A bit for each sector. */
};

/* Where an inode is: without a directory it is nowhere. */
struct place {
    struct inode *dir;
    char name[DISK_NAME_MAX];
};

/* A file or a directory.  It has one name at most, so that its place is its own. */
struct inode {
    struct list_node node;    /* In disk->inodes. */
    struct list_node sibling; /* In dir->children of its cached place. */
    struct disk *disk;        /* Borrowed. */
    bool is_dir;
    unsigned holds;     /* Open descriptors. */
    const void *locker; /* Borrowed: who has the lock. */
    struct place cached;
    struct place durable;
    struct list children; /* struct inode, of a directory: the cached tree. */

    struct page_slot *pages; /* Owned array. */
    size_t page_count;
    size_t dirty_from, dirty_to; /* Pages outside of this range are clean. */
    int64_t time_ms;             /* Of the last write. */
    uint64_t size;               /* As the cache has it. */
    uint64_t durable_size;
    uint64_t smallest_size; /* Since the last sync. */
};

/* A change of names that is not durable yet. */
struct change {
    struct list_node node;  /* In disk->changes, oldest first. */
    struct inode *moved;    /* Borrowed: lives while a change names it. */
    struct place from, to;  /* `from` is nowhere for a new file, `to` for a removed one. */
    struct inode *replaced; /* Borrowed, or NULL: who was at `to`. */
    bool happens;           /* Chosen to become durable. */
};

struct disk {
    struct rng *rng; /* Borrowed. */
    struct inode *root;
    struct list inodes;  /* struct inode, all there are, in order of birth. */
    struct list changes; /* struct change */
    struct disk_fault faults[DISK_OP_COUNT];
    uint64_t capacity_pages;
    uint64_t cached_pages; /* Of all files. */
};

/* The error that a call of this kind gets now, or 0. */
int disk_fault(struct disk *disk, enum disk_op op);

/* disk_names.c: makes chosen changes durable, and forgets the rest if `all`. */
void disk_apply_changes(struct disk *disk, bool all);
void disk_gamble_names(struct disk *disk);

/* disk_pages.c */
void inode_free_pages(struct inode *inode);
void inode_gamble_pages(struct inode *inode);

/* disk.c: frees what no descriptor, name or change leads to. */
void disk_collect(struct disk *disk);
struct inode *inode_create(struct disk *disk, bool is_dir);
