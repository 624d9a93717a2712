/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_dir_meta.c - meta.properties: whose folder of data it is. */

#include "base/config.h"
#include "base/err.h"
#include "store/log_dir_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

enum { META_SIZE_MAX = 64 * 1024, PATH_SIZE_MAX = 4096 };

struct properties {
    char cluster_id[CLUSTER_ID_MAX];
    char directory_id[CLUSTER_ID_MAX];
    int64_t version, node_id; /* -1: not there. */
};

static void copy_value(char out[static CLUSTER_ID_MAX], struct slice value)
{
    (void)snprintf(out, CLUSTER_ID_MAX, "%.*s", SLICE_ARG(value));
}

static int64_t number_of(struct slice value)
{
    char text[24];
    char *end;
    long long number;

    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(value));
    number = strtoll(text, &end, 10);
    return *end || end == text ? -2 : number;
}

static int note_property(void *context, struct slice key, struct slice value)
{
    struct properties *p = context;

    if (slice_is_text(key, "cluster.id"))
        copy_value(p->cluster_id, value);
    else if (slice_is_text(key, "directory.id"))
        copy_value(p->directory_id, value);
    else if (slice_is_text(key, "version"))
        p->version = number_of(value);
    else if (slice_is_text(key, "node.id"))
        p->node_id = number_of(value);
    return 0;
}

static struct uuid new_id(struct io *io)
{
    uint8_t random[16];
    struct uuid id;

    do {
        io->ops->entropy(io, random, sizeof(random));
    } while (uuid_from_random(random, &id));
    return id;
}

static int write_meta(struct log_dir *dir)
{
    struct text file = {.data = NULL};
    char id[UUID_TEXT_SIZE + 1];
    int r;

    uuid_print(dir->id, id);
    text_printf(&file, "cluster.id=%s\ndirectory.id=%s\nnode.id=%" PRId32 "\nversion=1\n",
                dir->cluster_id, id, dir->node_id);
    r = file_replace(dir->io, dir->root->fd, "meta.properties", text_slice(&file));
    text_fini(&file);
    if (r == 0)
        r = dir->io->ops->dir_sync(dir->io, dir->root->fd);
    return err_pass(r);
}

static int sync_folder(struct io *io, const char *path)
{
    scoped(file_unrefp) struct file *folder = NULL;
    int r = file_open_dir(io, IO_CWD, path, &folder);

    return err_pass(r ? r : io->ops->dir_sync(io, folder->fd));
}

/* Calls `fn` for each folder that is named on the way to `path`, from the top. */
static int walk_path(struct io *io, const char *path, int (*fn)(struct io *io, const char *part))
{
    char part[PATH_SIZE_MAX];
    size_t size = strlen(path);

    if (size >= sizeof(part))
        return err_raise(-ENAMETOOLONG);
    for (size_t i = 1; i <= size; i++) {
        int r;

        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        r = fn(io, part);
        if (r)
            return err_pass(r);
    }
    return 0;
}

static int make_folder(struct io *io, const char *part)
{
    int r = io->ops->dir_create(io, IO_CWD, part);

    return r == -EEXIST ? 0 : err_pass(r);
}

/* Without its name in the folder above, all that is in a folder would be lost. */
static int sync_name(struct io *io, const char *part)
{
    char above[PATH_SIZE_MAX];
    const char *slash = strrchr(part, '/');
    size_t size = slash ? (size_t)(slash - part) : 0;

    if (!slash)
        return err_pass(sync_folder(io, "."));
    memcpy(above, part, size);
    above[size] = 0;
    return err_pass(sync_folder(io, size > 0 ? above : "/"));
}

int log_dir_make_folders(struct io *io, const char *path)
{
    return err_pass(walk_path(io, path, make_folder));
}

/* The folder has no identity yet: it may be new, and the folders above it too. */
static int make_identity(struct log_dir *dir, const struct log_dir_options *options)
{
    int r = walk_path(dir->io, options->path, sync_name);

    if (r)
        return err_pass(r);
    if (options->cluster_id)
        (void)snprintf(dir->cluster_id, CLUSTER_ID_MAX, "%s", options->cluster_id);
    else
        uuid_print(new_id(dir->io), dir->cluster_id);
    dir->id = new_id(dir->io);
    dir->is_new = true;
    return write_meta(dir);
}

/* It goes into answers, so it is text. */
static bool is_id(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *text;
}

static int check_identity(struct log_dir *dir, const struct log_dir_options *options,
                          const struct properties *p)
{
    if (p->version != 1 || !is_id(p->cluster_id)) {
        diag_error(dir->diag, "meta.properties is not one that this release can use; start the "
                              "release that wrote it, or choose another log.dirs");
        return LOG_DIR_E_FOREIGN;
    }
    if (p->node_id != dir->node_id) {
        diag_error(dir->diag,
                   "data folder belongs to another node; set node.id to its number, or "
                   "choose another log.dirs",
                   kv("belongs_to", p->node_id), kv("node", dir->node_id));
        return LOG_DIR_E_FOREIGN;
    }
    if (options->cluster_id && strcmp(p->cluster_id, options->cluster_id) != 0) {
        diag_error(
            dir->diag,
            "data folder belongs to another cluster than the folder of the metadata; name "
            "the one with __cluster_metadata-0 in metadata.log.dir or first in log.dirs, and "
            "none of another cluster",
            kv("path", options->path), kv("belongs_to", p->cluster_id),
            kv("cluster", options->cluster_id));
        return LOG_DIR_E_FOREIGN;
    }
    memcpy(dir->cluster_id, p->cluster_id, sizeof(dir->cluster_id));
    if (uuid_parse(slice_text(p->directory_id), &dir->id) == 0)
        return 0;
    dir->id = new_id(dir->io); /* From before directories had an id. */
    return write_meta(dir);
}

int log_dir_read_identity(struct log_dir *dir, const struct log_dir_options *options)
{
    struct properties p = {.version = -1, .node_id = -1};
    struct text file = {.data = NULL};
    struct text why = {.data = NULL};
    int r = file_load(dir->io, dir->root->fd, "meta.properties", META_SIZE_MAX, &file);

    if (r == 0 && config_parse(text_slice(&file), note_property, &p, &why))
        p.version = -1;
    text_fini(&file);
    text_fini(&why);
    if (r == -ENOENT)
        return err_pass(make_identity(dir, options));
    return r ? err_pass(r) : check_identity(dir, options, &p);
}
