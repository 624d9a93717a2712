/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/disk_names.c - the tree of names.
 *
 * The cached tree changes at once; each change is also kept in a list, until it has been
 * applied to the durable side or is forgotten by a power loss.  Changes depend on each
 * other where they share a file or a name: of two such the later one does not become
 * durable without the earlier one.
 */

#include "test/sim/disk_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct place place_of(struct inode *dir, const char *name)
{
    struct place place = {.dir = dir};
    int size = snprintf(place.name, sizeof(place.name), "%s", name);

    assert(size > 0 && (size_t)size < sizeof(place.name));
    return place;
}

static bool is_same_place(const struct place *a, const struct place *b)
{
    return a->dir && a->dir == b->dir && strcmp(a->name, b->name) == 0;
}

static struct inode *child_find(const struct inode *dir, const char *name)
{
    list_each (node, &dir->children) {
        struct inode *inode = container_of(node, struct inode, sibling);

        if (strcmp(inode->cached.name, name) == 0)
            return inode;
    }
    return NULL;
}

static void move(struct inode *inode, const struct place *to)
{
    list_remove(&inode->sibling);
    inode->cached = *to;
    if (to->dir)
        list_push(&to->dir->children, &inode->sibling);
}

/* Does it in the cache and keeps it for later. */
static void change_names(struct disk *disk, struct inode *moved, const struct place *to,
                         struct inode *replaced)
{
    static const struct place nowhere;
    struct change *change = mem_new(sizeof(*change));

    *change = (struct change){
        .moved = moved,
        .from = moved->cached,
        .to = *to,
        .replaced = replaced,
    };
    list_push(&disk->changes, &change->node);
    if (replaced)
        move(replaced, &nowhere);
    move(moved, to);
}

int disk_find(struct disk *disk, struct inode *dir, const char *name, struct inode **out)
{
    struct inode *inode;

    (void)disk;
    if (!dir->is_dir)
        return -ENOTDIR;
    inode = child_find(dir, name);
    if (!inode)
        return -ENOENT;
    *out = inode;
    return 0;
}

int disk_make(struct disk *disk, struct inode *dir, const char *name, bool is_dir,
              struct inode **out)
{
    struct place place = place_of(dir, name);
    int r = disk_fault(disk, DISK_NAMES);

    if (r)
        return r;
    if (!dir->is_dir)
        return -ENOTDIR;
    if (dir != disk->root && !dir->cached.dir)
        return -ENOENT; /* A directory that has been removed. */
    if (child_find(dir, name))
        return -EEXIST;
    *out = inode_create(disk, is_dir);
    change_names(disk, *out, &place, NULL);
    return 0;
}

int disk_remove(struct disk *disk, struct inode *dir, const char *name, bool is_dir)
{
    static const struct place nowhere;
    struct inode *inode;
    int r = disk_find(disk, dir, name, &inode);

    if (r)
        return r;
    if (inode->is_dir != is_dir)
        return is_dir ? -ENOTDIR : -EISDIR;
    if (!list_is_empty(&inode->children))
        return -ENOTEMPTY;
    r = disk_fault(disk, DISK_NAMES);
    if (r)
        return r;
    change_names(disk, inode, &nowhere, NULL);
    return 0;
}

/* True if `inode` is `dir` or one of the directories that it is in. */
static bool is_above(const struct inode *inode, const struct inode *dir)
{
    for (; dir; dir = dir->cached.dir)
        if (dir == inode)
            return true;
    return false;
}

int disk_rename(struct disk *disk, struct inode *from_dir, const char *from, struct inode *to_dir,
                const char *to)
{
    struct place place = place_of(to_dir, to);
    struct inode *replaced;
    struct inode *moved;
    int r = disk_find(disk, from_dir, from, &moved);

    if (r)
        return r;
    if (!to_dir->is_dir)
        return -ENOTDIR;
    if (is_above(moved, to_dir))
        return -EINVAL;
    replaced = child_find(to_dir, to);
    if (replaced == moved)
        return 0;
    if (replaced && replaced->is_dir != moved->is_dir)
        return replaced->is_dir ? -EISDIR : -ENOTDIR;
    if (replaced && !list_is_empty(&replaced->children))
        return -ENOTEMPTY;
    r = disk_fault(disk, DISK_NAMES);
    if (r)
        return r;
    change_names(disk, moved, &place, replaced);
    return 0;
}

struct listed {
    char name[DISK_NAME_MAX];
    bool is_dir;
};

/* The names are copied first: `fn` may change the directory. */
int disk_list(struct disk *disk, struct inode *dir,
              int (*fn)(void *context, const char *name, bool is_dir), void *context)
{
    struct listed *names = NULL;
    size_t count = 0;
    int r = disk_fault(disk, DISK_READ);

    if (r)
        return r;
    if (!dir->is_dir)
        return -ENOTDIR;
    list_each (node, &dir->children) {
        const struct inode *inode = container_of(node, struct inode, sibling);
        size_t at = (size_t)rng_below(disk->rng, count + 1);

        names = mem_resize(names, count + 1, sizeof(*names));
        names[count] = names[at];
        (void)snprintf(names[at].name, sizeof(names[at].name), "%s", inode->cached.name);
        names[at].is_dir = inode->is_dir;
        count++;
    }
    for (size_t i = 0; i < count && !r; i++)
        r = fn(context, names[i].name, names[i].is_dir);
    mem_free(names);
    return r;
}

static bool depends(const struct change *later, const struct change *earlier)
{
    return later->moved == earlier->moved || later->moved == earlier->replaced ||
           (later->replaced &&
            (later->replaced == earlier->moved || later->replaced == earlier->replaced)) ||
           is_same_place(&later->from, &earlier->from) ||
           is_same_place(&later->from, &earlier->to) || is_same_place(&later->to, &earlier->from) ||
           is_same_place(&later->to, &earlier->to);
}

/* Chooses all that the chosen ones stand on. */
static void choose_foundations(struct disk *disk)
{
    for (struct list_node *n = disk->changes.head.prev; n != &disk->changes.head; n = n->prev) {
        const struct change *later = container_of(n, struct change, node);

        if (!later->happens)
            continue;
        for (struct list_node *m = n->prev; m != &disk->changes.head; m = m->prev) {
            struct change *earlier = container_of(m, struct change, node);

            if (depends(later, earlier))
                earlier->happens = true;
        }
    }
}

void disk_apply_changes(struct disk *disk, bool all)
{
    choose_foundations(disk);
    list_each_safe (node, &disk->changes) {
        struct change *change = container_of(node, struct change, node);

        if (change->happens) {
            if (change->replaced)
                change->replaced->durable.dir = NULL;
            change->moved->durable = change->to;
        }
        if (change->happens || all) {
            list_remove(node);
            mem_free(change);
        }
    }
}

/* A journal keeps the order of changes, other ways of writing names do not: both are
 * tried. */
void disk_gamble_names(struct disk *disk)
{
    size_t count = disk_dirty_names(disk);
    bool is_journal = rng_chance(disk->rng, 50);
    size_t kept = (size_t)rng_below(disk->rng, count + 1);
    size_t i = 0;

    list_each (node, &disk->changes) {
        struct change *change = container_of(node, struct change, node);

        change->happens = is_journal ? i < kept : rng_chance(disk->rng, 50);
        i++;
    }
}

int disk_sync_names(struct disk *disk, struct inode *dir)
{
    int r = disk_fault(disk, DISK_SYNC_NAMES);

    if (r)
        return r;
    assert(dir->is_dir);
    list_each (node, &disk->changes) {
        struct change *change = container_of(node, struct change, node);

        change->happens = change->from.dir == dir || change->to.dir == dir;
    }
    disk_apply_changes(disk, false);
    disk_collect(disk);
    return 0;
}
