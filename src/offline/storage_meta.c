/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "base/err.h"
#include "offline/storage.h"
#include "store/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { META_SIZE_MAX = 64 * 1024 };

static const char meta_name[] = "meta.properties";

static int note_key(void *context, struct slice key, struct slice value)
{
    struct storage_meta *meta = context;
    char number[16];

    (void)snprintf(number, sizeof(number), "%.*s", SLICE_ARG(value));
    if (slice_is_text(key, "cluster.id"))
        (void)snprintf(meta->cluster_id, sizeof(meta->cluster_id), "%.*s", SLICE_ARG(value));
    else if (slice_is_text(key, "directory.id"))
        (void)snprintf(meta->directory_id, sizeof(meta->directory_id), "%.*s", SLICE_ARG(value));
    else if (slice_is_text(key, "node.id") || slice_is_text(key, "broker.id"))
        meta->node_id = (int32_t)strtol(number, NULL, 10);
    else if (slice_is_text(key, "version"))
        meta->version = (int32_t)strtol(number, NULL, 10);
    return 0;
}

int storage_meta_read(struct io *io, const char *dir, struct storage_meta *out, struct text *why)
{
    struct storage_meta meta = {.node_id = -1};
    struct text file = {.data = NULL};
    int fd = -1;
    int r = io->ops->dir_open(io, IO_CWD, dir, &fd);

    if (r == 0)
        r = file_load(io, fd, meta_name, META_SIZE_MAX, &file);
    io_close(io, &fd);
    if (r == -ENOENT)
        return STORAGE_E_UNFORMATTED;
    if (r)
        text_printf(why, "%s/%s cannot be read: %s", dir, meta_name, strerror(-r));
    else
        r = config_parse(text_slice(&file), note_key, &meta, why);
    text_fini(&file);
    *out = meta;
    return r ? STORAGE_E_FAILED : 0;
}

/* Java's store(): a comment with the time, and keys in the order of its map. */
int storage_meta_write(struct io *io, int dir, const struct storage_meta *meta)
{
    time_t seconds = (time_t)(io_wall_ms(io) / 1000);
    struct text file = {.data = NULL};
    struct tm tm;
    char when[64];
    int r;

    gmtime_r(&seconds, &tm);
    strftime(when, sizeof(when), "%a %b %d %H:%M:%S UTC %Y", &tm);
    text_printf(&file, "#\n#%s\nnode.id=%" PRId32 "\ndirectory.id=%s\nversion=1\ncluster.id=%s\n",
                when, meta->node_id, meta->directory_id, meta->cluster_id);
    r = file_replace(io, dir, meta_name, text_slice(&file));
    text_fini(&file);
    return err_pass(r);
}

struct uuid storage_new_id(struct io *io)
{
    uint8_t random[16];
    struct uuid id;

    do {
        io->ops->entropy(io, random, sizeof(random));
    } while (uuid_from_random(random, &id));
    return id;
}
