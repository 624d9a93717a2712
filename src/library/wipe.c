/* SPDX-License-Identifier: Apache-2.0 */

/* library/wipe.c - names are collected first: a folder that changes while it is listed may leave
 * some out. */

#include "library/wipe.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/settings.h"

#include <ctype.h>

struct name {
    struct name *next;
    bool is_dir;
    char text[];
};

struct names {
    struct name *first; /* Owned. */
    bool all;           /* Not only those that a broker gives. */
};

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);

    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* "orders-0", "orders-0.5e3f-delete", "moldau.commit". */
static bool is_dir_of_broker(const char *name)
{
    size_t size = strlen(name);

    if (ends_with(name, "-delete") || ends_with(name, "-stray") || ends_with(name, "-future"))
        return true;
    while (size > 0 && isdigit((unsigned char)name[size - 1]))
        size--;
    return strcmp(name, "moldau.commit") == 0 || (size > 1 && name[size] && name[size - 1] == '-');
}

static bool is_file_of_broker(const char *name)
{
    return strcmp(name, "meta.properties") == 0 || strcmp(name, ".kafka_cleanshutdown") == 0 ||
           ends_with(name, "checkpoint") || ends_with(name, "checkpoint.tmp") ||
           strcmp(name, "meta.properties.tmp") == 0;
}

static int collect(void *context, const char *name, bool is_dir)
{
    struct names *names = context;
    size_t size = strlen(name) + 1;
    struct name *one;

    if (!names->all && !(is_dir ? is_dir_of_broker(name) : is_file_of_broker(name)))
        return 0;
    one = mem_new(sizeof(*one) + size);
    one->is_dir = is_dir;
    one->next = names->first;
    memcpy(one->text, name, size);
    names->first = one;
    return 0;
}

/* Names are not deeper than a broker makes them; links are removed, not followed. */
static int remove_in(struct io *io, int dir, bool all) /* NOLINT(misc-no-recursion) */
{
    struct names names = {.all = all};
    int r = io->ops->dir_list(io, dir, collect, &names);

    while (names.first) {
        struct name *one = names.first;
        int fd = -1;

        if (r == 0 && !one->is_dir)
            r = io->ops->unlink(io, dir, one->text);
        else if (r == 0 && (r = io->ops->dir_open(io, dir, one->text, &fd)) == 0)
            r = remove_in(io, fd, true);
        io_close(io, &fd);
        if (r == 0 && one->is_dir)
            r = io->ops->dir_remove(io, dir, one->text);
        names.first = one->next;
        mem_free(one);
    }
    return err_pass(r);
}

static int empty(struct io *io, const char *path, bool all)
{
    int fd = -1;
    int r = io->ops->dir_open(io, IO_CWD, path, &fd);

    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = remove_in(io, fd, all);
    io_close(io, &fd);
    return err_pass(r);
}

int wipe_dirs(struct io *io, const struct settings *settings)
{
    struct settings_dir dirs[SETTINGS_DIRS_MAX];
    struct text why = {.data = NULL};
    int count = 0;
    int r = settings_dirs(settings, dirs, &count, &why);

    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = empty(io, dirs[i].path, false);
        mem_free(dirs[i].path);
    }
    text_fini(&why);
    return err_pass(r);
}

int wipe_tree(struct io *io, const char *path)
{
    int r = empty(io, path, true);

    if (r == 0)
        r = io->ops->dir_remove(io, IO_CWD, path);
    return r == -ENOENT ? 0 : err_pass(r);
}
