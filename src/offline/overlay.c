/* SPDX-License-Identifier: Apache-2.0 */

/* offline/overlay.c - nodes are what is at a name, here or below.
 *
 * A folder knows the names that are other than below; any other name is looked up there when
 * it is asked for.  A file has the pages that are other than below, and how much of what is
 * below still counts.  Nodes live as long as the overlay: descriptors below do not.
 */

#include "offline/overlay.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { PAGE_SIZE_BYTES = 4096 };

struct page {
    struct map_node node; /* In onode->pages, by number. */
    uint64_t number;
    uint8_t bytes[PAGE_SIZE_BYTES];
};

/* A file or folder. */
struct onode {
    struct list_node all; /* In overlay->nodes. */
    bool is_dir;
    char *lower; /* Owned: its path below; NULL: there it is not. */
    int opens;
    int lower_fd, lock_fd; /* While it is open; -1: none. */

    struct map names; /* Of a folder: owned struct entry. */

    bool is_changed;      /* Of a file: size and pages count, */
    uint64_t lower_limit; /* and so much of what is below. */
    uint64_t size;
    struct map pages; /* Owned struct page. */
};

struct entry {
    struct map_node node; /* In onode->names. */
    char *name;           /* Owned. */
    struct onode *what;   /* NULL: there is nothing any more. */
};

struct overlay {
    struct io io;
    struct io *lower;     /* Borrowed. */
    struct list nodes;    /* Owned struct onode. */
    struct onode *cwd;    /* The folder whose paths below are the names themselves. */
    struct onode **files; /* Owned array, by descriptor; NULL: free. */
    int file_count;
};

static struct overlay *overlay_of(struct io *io)
{
    return container_of(io, struct overlay, io);
}

/* --- nodes ------------------------------------------------------------------ */

/* `lower` is taken over. */
static struct onode *node_new(struct overlay *o, bool is_dir, char *lower)
{
    struct onode *node = mem_new(sizeof(*node));

    node->is_dir = is_dir;
    node->lower = lower;
    node->lower_fd = node->lock_fd = -1;
    node->is_changed = !lower;
    map_init(&node->names);
    map_init(&node->pages);
    list_push(&o->nodes, &node->all);
    return node;
}

static void node_free(struct overlay *o, struct onode *node)
{
    struct map_node *n;

    io_close(o->lower, &node->lower_fd);
    io_close(o->lower, &node->lock_fd);
    while ((n = map_pop(&node->names))) {
        struct entry *entry = container_of(n, struct entry, node);

        mem_free(entry->name);
        mem_free(entry);
    }
    while ((n = map_pop(&node->pages)))
        mem_free(container_of(n, struct page, node));
    map_fini(&node->names);
    map_fini(&node->pages);
    mem_free(node->lower);
    mem_free(node);
}

static struct entry *find_entry(const struct onode *dir, const char *name)
{
    struct slice key = slice_text(name);

    for (struct map_node *n = map_find(&dir->names, hash_slice(key, 0)); n; n = map_find_next(n)) {
        struct entry *entry = container_of(n, struct entry, node);

        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

static void set_entry(struct onode *dir, const char *name, struct onode *what)
{
    struct entry *entry = find_entry(dir, name);

    if (!entry) {
        entry = mem_new(sizeof(*entry));
        entry->name = mem_copy_text(name, strlen(name));
        map_put(&dir->names, &entry->node, hash_slice(slice_text(name), 0));
    }
    entry->what = what;
}

static char *path_below(const struct overlay *o, const struct onode *dir, const char *name)
{
    struct text path = {.data = NULL};
    char *result;

    if (!dir->lower && dir != o->cwd)
        return NULL;
    if (dir != o->cwd)
        text_printf(&path, "%s/", dir->lower);
    text_printf(&path, "%s", name);
    result = mem_copy_text(path.data, path.size);
    text_fini(&path);
    return result;
}

/* What is there below, opened: a folder or a file. */
static int open_below(struct overlay *o, const char *path, bool is_dir, int *out_fd)
{
    const struct io_ops *ops = o->lower->ops;

    return is_dir ? ops->dir_open(o->lower, IO_CWD, path, out_fd)
                  : ops->file_open(o->lower, IO_CWD, path, IO_READ, out_fd);
}

static bool is_folder_below(struct overlay *o, const char *path)
{
    int fd = -1;
    bool is_dir = open_below(o, path, true, &fd) == 0;

    io_close(o->lower, &fd);
    return is_dir;
}

static int find_below(struct overlay *o, struct onode *dir, const char *name, struct onode **out)
{
    char *path = path_below(o, dir, name);
    bool is_dir = false;
    int fd = -1;
    int r = -ENOENT;

    if (path) {
        is_dir = is_folder_below(o, path);
        r = is_dir ? 0 : open_below(o, path, false, &fd);
        io_close(o->lower, &fd);
    }
    if (r) {
        mem_free(path);
        return err_pass(r);
    }
    *out = node_new(o, is_dir, path);
    set_entry(dir, name, *out);
    return 0;
}

static int find(struct overlay *o, struct onode *dir, const char *name, struct onode **out)
{
    struct entry *entry = find_entry(dir, name);

    if (!entry)
        return err_pass(find_below(o, dir, name, out));
    *out = entry->what;
    return entry->what ? 0 : -ENOENT;
}

/* --- descriptors ------------------------------------------------------------ */

static struct onode *node_at(struct overlay *o, int fd)
{
    if (fd == IO_CWD)
        return o->cwd;
    assert(fd >= 0 && fd < o->file_count && o->files[fd]);
    return o->files[fd];
}

static int open_node(struct overlay *o, struct onode *node, int *out_fd)
{
    int fd = 0;
    int r = 0;

    if (node->opens == 0 && node->lower)
        r = open_below(o, node->lower, node->is_dir, &node->lower_fd);
    if (r)
        return err_pass(r);
    node->opens++;
    while (fd < o->file_count && o->files[fd])
        fd++;
    if (fd == o->file_count) {
        o->files = mem_resize(o->files, (size_t)o->file_count + 1, sizeof(*o->files));
        o->file_count++;
    }
    o->files[fd] = node;
    *out_fd = fd;
    return 0;
}

static void overlay_close(struct io *io, int fd)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = node_at(o, fd);

    o->files[fd] = NULL;
    if (--node->opens > 0)
        return;
    io_close(o->lower, &node->lower_fd);
    io_close(o->lower, &node->lock_fd);
}

/* --- folders ---------------------------------------------------------------- */

static int dir_open(struct io *io, int dir, const char *name, int *out_fd)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = NULL;
    int r = find(o, node_at(o, dir), name, &node);

    if (r)
        return err_pass(r);
    return node->is_dir ? err_pass(open_node(o, node, out_fd)) : -ENOTDIR;
}

static int dir_create(struct io *io, int dir, const char *name)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = NULL;
    int r = find(o, node_at(o, dir), name, &node);

    if (r == 0)
        return -EEXIST;
    if (r != -ENOENT)
        return err_pass(r);
    set_entry(node_at(o, dir), name, node_new(o, true, NULL));
    return 0;
}

/* Names, each behind a letter for its kind and before a zero byte. */
struct listing {
    const struct onode *dir;
    struct text names;
};

static void add_name(struct listing *listing, const char *name, bool is_dir)
{
    text_add(&listing->names, is_dir ? "d" : "f", 1);
    text_add(&listing->names, name, strlen(name) + 1);
}

/* A name below counts unless it is another here. */
static int list_below(void *context, const char *name, bool is_dir)
{
    struct listing *listing = context;

    if (!find_entry(listing->dir, name))
        add_name(listing, name, is_dir);
    return 0;
}

static int dir_list(struct io *io, int dir, io_name_fn *fn, void *context)
{
    struct overlay *o = overlay_of(io);
    const struct onode *node = node_at(o, dir);
    struct listing listing = {.dir = node};
    const char *names;
    int r = 0;

    map_each (n, &node->names) {
        const struct entry *entry = container_of(n, struct entry, node);

        if (entry->what)
            add_name(&listing, entry->name, entry->what->is_dir);
    }
    if (node->lower_fd >= 0)
        r = o->lower->ops->dir_list(o->lower, node->lower_fd, list_below, &listing);
    names = listing.names.data; /* All of them: what is called may change what there is. */
    for (size_t at = 0; at < listing.names.size && r == 0; at += strlen(names + at) + 1)
        r = fn(context, names + at + 1, names[at] == 'd');
    text_fini(&listing.names);
    return r;
}

static int note_any(void *context, const char *name, bool is_dir)
{
    (void)name;
    (void)is_dir;
    *(bool *)context = true;
    return 0;
}

static int dir_remove(struct io *io, int dir, const char *name)
{
    struct overlay *o = overlay_of(io);
    bool has_any = false;
    int fd = -1;
    int r = dir_open(io, dir, name, &fd);

    if (r == 0)
        r = dir_list(io, fd, note_any, &has_any);
    if (r == 0 && has_any)
        r = -ENOTEMPTY;
    if (r == 0)
        set_entry(node_at(o, dir), name, NULL);
    io_close(io, &fd);
    return err_pass(r);
}

static int sync_nothing(struct io *io, int fd)
{
    (void)io;
    (void)fd;
    return 0;
}

static int dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable)
{
    struct overlay *o = overlay_of(io);
    const struct onode *node = node_at(o, dir);

    if (node->lower_fd < 0)
        return -ENOENT;
    return o->lower->ops->dir_space(o->lower, node->lower_fd, out_total, out_usable);
}

static int move(struct io *io, int from_dir, const char *from, int to_dir, const char *to)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = NULL;
    int r = find(o, node_at(o, from_dir), from, &node);

    if (r)
        return err_pass(r);
    set_entry(node_at(o, to_dir), to, node);
    set_entry(node_at(o, from_dir), from, NULL);
    return 0;
}

static int unlink_name(struct io *io, int dir, const char *name)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = NULL;
    int r = find(o, node_at(o, dir), name, &node);

    if (r == 0)
        set_entry(node_at(o, dir), name, NULL);
    return err_pass(r);
}

/* --- files ------------------------------------------------------------------ */

static struct page *find_page(const struct onode *node, uint64_t number)
{
    for (struct map_node *n = map_find(&node->pages, hash_u64(number)); n; n = map_find_next(n))
        if (container_of(n, struct page, node)->number == number)
            return container_of(n, struct page, node);
    return NULL;
}

/* Bytes from below; behind what counts of it, zeros. */
static int read_below(struct overlay *o, const struct onode *node, uint64_t at, uint8_t *out,
                      size_t size)
{
    size_t have = 0;
    int r = 0;

    if (node->lower_fd >= 0 && at < node->lower_limit)
        r = o->lower->ops->file_read(o->lower, node->lower_fd, at, out,
                                     (size_t)min_of((uint64_t)size, node->lower_limit - at), &have);
    if (have < size)
        memset(out + have, 0, size - have);
    return err_pass(r);
}

/* From here on the file is what we say. */
static int take_over(struct overlay *o, struct onode *node)
{
    int r;

    if (node->is_changed)
        return 0;
    r = o->lower->ops->file_size(o->lower, node->lower_fd, &node->size);
    node->lower_limit = node->size;
    node->is_changed = r == 0;
    return err_pass(r);
}

static int get_page(struct overlay *o, struct onode *node, uint64_t number, struct page **out)
{
    struct page *page = find_page(node, number);
    int r;

    *out = page;
    if (page)
        return 0;
    page = mem_new(sizeof(*page));
    page->number = number;
    r = read_below(o, node, number * PAGE_SIZE_BYTES, page->bytes, PAGE_SIZE_BYTES);
    if (r) {
        mem_free(page);
        return err_pass(r);
    }
    map_put(&node->pages, &page->node, hash_u64(number));
    *out = page;
    return 0;
}

static int set_size(struct overlay *o, struct onode *node, uint64_t size)
{
    struct map kept;
    struct map_node *n;
    struct page *last = NULL;
    int r = take_over(o, node);

    if (r == 0 && size < node->size && size % PAGE_SIZE_BYTES)
        r = get_page(o, node, size / PAGE_SIZE_BYTES, &last);
    if (r)
        return err_pass(r);
    if (last)
        memset(last->bytes + size % PAGE_SIZE_BYTES, 0, PAGE_SIZE_BYTES - size % PAGE_SIZE_BYTES);
    node->lower_limit = min_of(node->lower_limit, size);
    node->size = size;
    map_init(&kept);
    while ((n = map_pop(&node->pages))) {
        struct page *page = container_of(n, struct page, node);

        if (page->number * PAGE_SIZE_BYTES < size)
            map_put(&kept, n, hash_u64(page->number));
        else
            mem_free(page);
    }
    map_fini(&node->pages);
    node->pages = kept;
    return 0;
}

static int file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = NULL;
    int r = find(o, node_at(o, dir), name, &node);

    if (r == -ENOENT && flags & IO_CREATE) {
        node = node_new(o, false, NULL);
        set_entry(node_at(o, dir), name, node);
        r = 0;
    } else if (r == 0 && flags & IO_CREATE && flags & IO_EXCLUSIVE) {
        return -EEXIST;
    }
    if (r)
        return err_pass(r);
    if (node->is_dir)
        return -EISDIR;
    r = open_node(o, node, out_fd);
    if (r == 0 && flags & IO_TRUNCATE)
        r = set_size(o, node, 0);
    return err_pass(r);
}

static int file_size(struct io *io, int fd, uint64_t *out)
{
    struct overlay *o = overlay_of(io);
    const struct onode *node = node_at(o, fd);

    if (!node->is_changed)
        return err_pass(o->lower->ops->file_size(o->lower, node->lower_fd, out));
    *out = node->size;
    return 0;
}

static int file_time(struct io *io, int fd, int64_t *out)
{
    struct overlay *o = overlay_of(io);
    const struct onode *node = node_at(o, fd);

    if (node->lower_fd >= 0)
        return err_pass(o->lower->ops->file_time(o->lower, node->lower_fd, out));
    *out = io_wall_ms(io);
    return 0;
}

static int file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read)
{
    struct overlay *o = overlay_of(io);
    const struct onode *node = node_at(o, fd);
    size_t done = 0;
    int r = 0;

    if (!node->is_changed)
        return err_pass(
            o->lower->ops->file_read(o->lower, node->lower_fd, at, out, size, out_read));
    size = at < node->size ? (size_t)min_of((uint64_t)size, node->size - at) : 0;
    while (done < size && r == 0) {
        uint64_t number = (at + done) / PAGE_SIZE_BYTES;
        size_t in_page = (size_t)((at + done) % PAGE_SIZE_BYTES);
        size_t some = min_of(size - done, (size_t)PAGE_SIZE_BYTES - in_page);
        const struct page *page = find_page(node, number);

        if (page)
            memcpy((uint8_t *)out + done, page->bytes + in_page, some);
        else
            r = read_below(o, node, at + done, (uint8_t *)out + done, some);
        done += some;
    }
    *out_read = r ? 0 : size;
    return err_pass(r);
}

static int write_some(struct overlay *o, struct onode *node, uint64_t at, struct slice bytes)
{
    while (bytes.size > 0) {
        size_t in_page = (size_t)(at % PAGE_SIZE_BYTES);
        size_t some = min_of(bytes.size, (size_t)PAGE_SIZE_BYTES - in_page);
        struct page *page;
        int r = get_page(o, node, at / PAGE_SIZE_BYTES, &page);

        if (r)
            return err_pass(r);
        memcpy(page->bytes + in_page, bytes.data, some);
        bytes = slice_of(bytes.data + some, bytes.size - some);
        at += some;
        node->size = max_of(node->size, at);
    }
    return 0;
}

static int file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = node_at(o, fd);
    int r = take_over(o, node);

    for (size_t i = 0; i < count && r == 0; i++) {
        r = write_some(o, node, at, slice_of(iov[i].data, iov[i].size));
        at += iov[i].size;
    }
    return err_pass(r);
}

static int file_truncate(struct io *io, int fd, uint64_t size)
{
    return err_pass(set_size(overlay_of(io), node_at(overlay_of(io), fd), size));
}

/* A lock needs a descriptor that could write, which is never done. */
static int file_lock(struct io *io, int fd)
{
    struct overlay *o = overlay_of(io);
    struct onode *node = node_at(o, fd);
    struct io *lower = o->lower;
    int r;

    if (!node->lower)
        return 0;
    r = lower->ops->file_open(lower, IO_CWD, node->lower, IO_READ | IO_WRITE, &node->lock_fd);
    if (r == 0)
        r = lower->ops->file_lock(lower, node->lock_fd);
    return err_pass(r);
}

/* --- the rest of a world ---------------------------------------------------- */

static int64_t monotonic_us(struct io *io)
{
    return io_monotonic_us(overlay_of(io)->lower);
}

static int64_t wall_ms(struct io *io)
{
    return io_wall_ms(overlay_of(io)->lower);
}

static void entropy(struct io *io, void *out, size_t size)
{
    struct io *lower = overlay_of(io)->lower;

    lower->ops->entropy(lower, out, size);
}

static void work_submit(struct io *io, struct io_work *work)
{
    work->run(work, io);
    work->done(work, io);
}

static const struct io_ops overlay_ops = {
    .monotonic_us = monotonic_us,
    .wall_ms = wall_ms,
    .entropy = entropy,
    .dir_open = dir_open,
    .dir_create = dir_create,
    .dir_remove = dir_remove,
    .dir_list = dir_list,
    .dir_sync = sync_nothing,
    .dir_space = dir_space,
    .rename = move,
    .unlink = unlink_name,
    .file_open = file_open,
    .file_size = file_size,
    .file_time = file_time,
    .file_read = file_read,
    .file_write = file_write,
    .file_truncate = file_truncate,
    .file_sync = sync_nothing,
    .file_refresh = sync_nothing,
    .file_lock = file_lock,
    .close = overlay_close,
    .work_submit = work_submit,
};

struct overlay *overlay_create(struct io *lower)
{
    struct overlay *o = mem_new(sizeof(*o));

    o->io.ops = &overlay_ops;
    o->lower = lower;
    list_init(&o->nodes);
    o->cwd = node_new(o, true, NULL);
    return o;
}

struct overlay *overlay_destroy(struct overlay *o)
{
    struct list_node *node;

    while ((node = list_pop(&o->nodes)))
        node_free(o, container_of(node, struct onode, all));
    mem_free(o->files);
    return mem_free(o);
}

struct io *overlay_io(struct overlay *o)
{
    return &o->io;
}
