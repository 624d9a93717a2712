/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/disk.h - a disk that keeps what was synced and gambles with the rest.
 *
 * A disk is a tree of directories and files, and everything in it exists twice: as the
 * page cache shows it, and as a power loss would leave it.
 *
 *      write, truncate --> [ cached ]  -- disk_sync() -------> [ durable ]
 *      make, rename, remove --> names  -- disk_sync_names() -> names
 *
 * A process that dies takes nothing with it: the cache is the kernel's.  After
 * disk_power_loss() the cache is what the durable side has become, and that is decided
 * by chance for all that was not synced:
 *
 *   data    each 512-byte sector is the old one, the new one, or one in between that
 *           was written back early; a sector is never torn.
 *   size    the old one, the new one, the smallest there was, or something in between;
 *           what lies behind it is gone, what was never written is zero.
 *   names   each change happened or did not, in no order but one: a change that
 *           happened takes with it all earlier ones of the same files and names.  So a
 *           renamed file is at its old name or at its new one, never at both, never
 *           nowhere, and an older file that the rename replaced comes back with it.
 *
 * A failed sync follows Linux (fsyncgate): of the dirty pages some are written, some
 * stay dirty, and some are marked clean although they were not written, so that the
 * next sync reports success without them.
 *
 * Threading: the simulator has one thread.
 * Errors:    negated errnos as the kernel gives them.
 */

#include "base/rng.h"

struct disk;
struct inode;

/* Calls that can be made to fail. */
enum disk_op { DISK_READ, DISK_WRITE, DISK_SYNC, DISK_NAMES, DISK_SYNC_NAMES, DISK_OP_COUNT };

/* When calls of one kind fail: by chance, or the n-th from now, or both. */
struct disk_fault {
    unsigned per_million; /* Of all calls. */
    uint64_t nth;         /* 1: the next call fails; counts down to 0, which is never. */
    int error;            /* A negated errno. */
};

/* An empty disk whose gambles are drawn from `rng`, which is borrowed. */
struct disk *disk_create(struct rng *rng) NODISCARD;

/* Frees the disk; nobody holds an inode any more.  NULL is allowed; always returns NULL. */
struct disk *disk_destroy(struct disk *disk);

SCOPED_BY(disk_destroy, struct disk *);

/* Sets the fault of one kind of call; all zeroes switches it off. */
void disk_set_fault(struct disk *disk, enum disk_op op, struct disk_fault fault);

/* Bounds what files may hold in the cache, in bytes; beyond it writes get -ENOSPC. */
void disk_set_capacity(struct disk *disk, uint64_t bytes);

/* How many bytes files may hold, and how many more than they do. */
void disk_space(const struct disk *disk, uint64_t *out_total, uint64_t *out_usable);

/* The power goes: every inode becomes what chance leaves durable of it.  Inodes that
 * somebody still holds must be put back first. */
void disk_power_loss(struct disk *disk);

/* --- names ------------------------------------------------------------------ */

/* The directory that all others are in. */
struct inode *disk_root(struct disk *disk);

/* True for a directory. */
bool inode_is_dir(const struct inode *inode);

/* Finds `name` in `dir`.  -ENOENT, or -ENOTDIR if `dir` is a file. */
NODISCARD int disk_find(struct disk *disk, struct inode *dir, const char *name, struct inode **out);

/* Makes an empty file or directory.  -EEXIST, -ENOTDIR. */
NODISCARD int disk_make(struct disk *disk, struct inode *dir, const char *name, bool is_dir,
                        struct inode **out);

/* Takes the name away; a file that is held lives on without it.  -ENOENT, -EISDIR,
 * -ENOTDIR, -ENOTEMPTY. */
NODISCARD int disk_remove(struct disk *disk, struct inode *dir, const char *name, bool is_dir);

/* Gives `from` a new place, replacing a file or an empty directory that is there. */
NODISCARD int disk_rename(struct disk *disk, struct inode *from_dir, const char *from,
                          struct inode *to_dir, const char *to);

/* Calls `fn` for each name, in an order drawn by chance, until it returns non-zero,
 * which is returned.  `fn` may change the directory. */
int disk_list(struct disk *disk, struct inode *dir,
              int (*fn)(void *context, const char *name, bool is_dir), void *context);

/* Makes the names in `dir` durable. */
NODISCARD int disk_sync_names(struct disk *disk, struct inode *dir);

/* --- files ------------------------------------------------------------------ */

/* Holds a file or directory open; it lives until inode_put(), name or no name. */
void inode_hold(struct inode *inode);
void inode_put(struct inode *inode);

/* Of a file, as the cache has it. */
uint64_t inode_size(const struct inode *inode);

/* When it was last written, as whoever writes has said; a loss of power leaves it. */
int64_t inode_time(const struct inode *inode);
void inode_set_time(struct inode *inode, int64_t ms);

/* Who has locked the file: any address, or NULL.  The holder's to keep. */
const void *inode_locker(const struct inode *inode);
void inode_set_locker(struct inode *inode, const void *locker);

/* Reads up to `size` bytes; fewer at the end of the file. */
NODISCARD int disk_read(struct disk *disk, struct inode *file, uint64_t at, void *out, size_t size,
                        size_t *out_read);

/* Writes all, or fails with a part of it written. */
NODISCARD int disk_write(struct disk *disk, struct inode *file, uint64_t at, const void *data,
                         size_t size);

/* Makes the file shorter, or longer by zeroes. */
NODISCARD int disk_truncate(struct disk *disk, struct inode *file, uint64_t size);

/* Makes data and size durable. */
NODISCARD int disk_sync(struct disk *disk, struct inode *file);

/* Makes data and size durable, and lets the cache show what is durable. */
NODISCARD int disk_refresh(struct disk *disk, struct inode *file);

/* --- for the tests of the disk itself --------------------------------------- */

/* Bytes that only a power loss would tell from durable ones: dirty pages of all files. */
size_t disk_dirty_pages(const struct disk *disk);

/* How many names are not durable. */
size_t disk_dirty_names(const struct disk *disk);
