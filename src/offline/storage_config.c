/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "base/mem.h"
#include "offline/storage.h"
#include "store/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE_MAX = 1024 * 1024 };

/* Keys as they come; the last of a name counts. */
struct keys {
    char *log_dirs, *log_dir, *metadata_dir, *node_id, *broker_id, *voters, *controllers, *roles,
        *listeners; /* Owned, or NULL. */
};

static int note_key(void *context, struct slice key, struct slice value)
{
    struct keys *keys = context;
    struct {
        const char *name;
        char **place;
    } const rows[] = {
        {"log.dirs", &keys->log_dirs},
        {"log.dir", &keys->log_dir},
        {"metadata.log.dir", &keys->metadata_dir},
        {"node.id", &keys->node_id},
        {"broker.id", &keys->broker_id},
        {"controller.quorum.voters", &keys->voters},
        {"controller.listener.names", &keys->controllers},
        {"listeners", &keys->listeners},
        {"process.roles", &keys->roles},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (slice_is_text(key, rows[i].name)) {
            mem_free(*rows[i].place);
            *rows[i].place = mem_copy_text((const char *)value.data, value.size);
        }
    }
    return 0;
}

static void forget_keys(struct keys *keys)
{
    mem_free(keys->log_dirs);
    mem_free(keys->log_dir);
    mem_free(keys->metadata_dir);
    mem_free(keys->node_id);
    mem_free(keys->broker_id);
    mem_free(keys->voters);
    mem_free(keys->controllers);
    mem_free(keys->listeners);
    mem_free(keys->roles);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the next part of a list of texts off `*list`, without blanks at its ends. */
static struct slice next_part(const char **list)
{
    const char *start = *list;
    size_t size = strcspn(start, ",");
    const char *end = start + size;

    *list = *end ? end + 1 : end;
    while (start < end && is_blank(*start))
        start++;
    while (start < end && is_blank(end[-1]))
        end--;
    return slice_of(start, (size_t)(end - start));
}

/* Adds a folder, unless it is there, in its place by name. */
static char *add_dir(struct storage_config *config, struct slice dir)
{
    size_t at = config->dir_count;
    char *copy;

    for (size_t i = 0; i < config->dir_count; i++)
        if (slice_is_text(dir, config->dirs[i]))
            return config->dirs[i];
    if (config->dir_count == STORAGE_DIRS_MAX)
        return NULL;
    copy = mem_copy_text((const char *)dir.data, dir.size);
    for (; at > 0 && strcmp(config->dirs[at - 1], copy) > 0; at--)
        config->dirs[at] = config->dirs[at - 1];
    config->dirs[at] = copy;
    config->dir_count++;
    return copy;
}

/* The folder of the metadata log is the first of the list, unless it is named. */
static int read_dirs(struct storage_config *config, const struct keys *keys, struct text *why)
{
    const char *list = keys->log_dirs  ? keys->log_dirs
                       : keys->log_dir ? keys->log_dir
                                       : "moldau-data";
    const char *metadata = NULL;

    while (*list) {
        struct slice part = next_part(&list);
        const char *dir;

        if (part.size == 0)
            continue;
        dir = add_dir(config, part);
        if (!dir) {
            text_printf(why, "log.dirs names more than %d folders", STORAGE_DIRS_MAX);
            return STORAGE_E_FAILED;
        }
        metadata = metadata ? metadata : dir;
    }
    if (keys->metadata_dir && *keys->metadata_dir)
        metadata = add_dir(config, slice_text(keys->metadata_dir));
    if (!metadata) {
        text_printf(why, "log.dirs is empty");
        return STORAGE_E_FAILED;
    }
    config->metadata_dir = mem_copy_text(metadata, strlen(metadata));
    return 0;
}

static int read_node_id(struct storage_config *config, const struct keys *keys, struct text *why)
{
    const char *text = keys->node_id ? keys->node_id : keys->broker_id ? keys->broker_id : "1";
    char *end;
    long id = strtol(text, &end, 10);

    if (end == text || *end || id < 0 || id > INT32_MAX) {
        text_printf(why, "Invalid value %s for configuration node.id", text);
        return STORAGE_E_FAILED;
    }
    config->node_id = (int32_t)id;
    return 0;
}

/* Where the first controller listener is, of NAME://host:port,... */
static void find_controller(struct storage_config *config, const struct keys *keys)
{
    const char *names = keys->controllers ? keys->controllers : "";
    const char *list = keys->listeners ? keys->listeners : "";
    struct slice name = next_part(&names);

    while (name.size > 0 && *list) {
        struct slice part = next_part(&list);

        if (part.size > name.size + 3 && memcmp(part.data, name.data, name.size) == 0 &&
            memcmp(part.data + name.size, "://", 3) == 0) {
            config->controller_name = mem_copy_text((const char *)name.data, name.size);
            config->controller_endpoint =
                mem_copy_text((const char *)part.data + name.size + 3, part.size - name.size - 3);
            return;
        }
    }
}

int storage_config_read(struct io *io, const char *path, struct storage_config *out,
                        struct text *why)
{
    struct keys keys = {.log_dirs = NULL};
    struct text file = {.data = NULL};
    int r = file_load(io, IO_CWD, path, FILE_SIZE_MAX, &file);

    *out = (struct storage_config){.dir_count = 0};
    if (r == -ENOENT) {
        text_printf(why, "%s", path);
    } else if (r) {
        text_printf(why, "%s cannot be read: %s", path, strerror(-r));
    } else if (config_parse(text_slice(&file), note_key, &keys, why) == 0) {
        r = read_dirs(out, &keys, why);
        if (r == 0)
            r = read_node_id(out, &keys, why);
        out->is_controller = keys.roles && strstr(keys.roles, "controller");
        find_controller(out, &keys);
        if (keys.voters && *keys.voters)
            out->voters = take(keys.voters);
    }
    forget_keys(&keys);
    text_fini(&file);
    return why->size > 0 ? STORAGE_E_FAILED : 0;
}

void storage_config_fini(struct storage_config *config)
{
    for (size_t i = 0; i < config->dir_count; i++)
        mem_free(config->dirs[i]);
    config->dir_count = 0;
    config->metadata_dir = mem_free(config->metadata_dir);
    config->voters = mem_free(config->voters);
    config->controller_name = mem_free(config->controller_name);
    config->controller_endpoint = mem_free(config->controller_endpoint);
}
