/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dirs.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "broker/broker.h"

#include <inttypes.h>
#include <stdio.h>

DIAG_MODULE("broker");

/* A log that is in another folder than the metadata says. */
struct found_log {
    struct map_node node; /* In dirs->found, by the hash of its name. */
    char *name;           /* Owned. */
    int dir;
};

bool dirs_is_online(const struct broker_dir *dir)
{
    return dir->dir && !dir->is_given_up && !log_dir_is_fenced(dir->dir);
}

/* --- a folder that fails ---------------------------------------------------- */

static bool has_folder_for_logs(const struct dirs *dirs)
{
    for (int i = 0; i < dirs->count; i++)
        if (dirs->items[i].named.is_for_logs && dirs_is_online(&dirs->items[i]))
            return true;
    return false;
}

static void end_if_needed(struct broker *broker)
{
    bool has_metadata = dirs_is_online(&broker->dirs.items[0]);

    if (has_metadata && has_folder_for_logs(&broker->dirs))
        return;
    if (has_metadata)
        diag_error(broker->diag, "no folder of data is left that can be used; the broker ends");
    else
        diag_error(broker->diag,
                   "the folder of the metadata cannot be used any more; the broker ends");
    if (broker->failed)
        broker->failed(broker, broker->failed_context);
}

/* On shard 0. */
static void hear_of_fence(struct mail *mail)
{
    struct broker_dir *dir = container_of(mail, struct broker_dir, fenced);

    if (dir->dir && dir->broker->controller)
        controller_avoid(dir->broker->controller, log_dir_id(dir->dir));
    diag_warn(dir->broker->diag, "data folder is offline, and so are its partitions",
              kv("path", dir->named.path));
    end_if_needed(dir->broker);
}

/* On any thread, once. */
static void fenced(void *owner)
{
    struct broker_dir *dir = owner;

    if (!dir->broker->dirs.hears)
        return; /* It is being opened, or closed. */
    dir->fenced.receive = hear_of_fence;
    mailbox_send(&dir->broker->shards[0].loop.mailbox, &dir->fenced);
}

void dirs_give_up(struct broker_dir *dir)
{
    dir->is_given_up = true;
    diag_error(dir->broker->diag, "data folder could not be brought in order and is not used",
               kv("path", dir->named.path));
}

/* --- opening ---------------------------------------------------------------- */

/* Two folders with one identity: a copy, which would be taken for the original some time. */
static int check_unique(struct broker *broker, int at)
{
    struct dirs *dirs = &broker->dirs;

    for (int i = 0; i < at; i++) {
        if (!dirs->items[i].dir ||
            !uuid_equal(log_dir_id(dirs->items[i].dir), log_dir_id(dirs->items[at].dir)))
            continue;
        diag_error(broker->diag,
                   "two data folders have the same directory.id; one is a copy of the other: take "
                   "it out of log.dirs, or remove its meta.properties",
                   kv("path", dirs->items[i].named.path), kv("and", dirs->items[at].named.path));
        return BROKER_E_DATA;
    }
    return 0;
}

static int open_dir(struct broker *broker, struct io *io, int at)
{
    struct broker_dir *dir = &broker->dirs.items[at];
    struct log_dir *first = broker->dirs.items[0].dir;
    struct log_dir_options options = {
        .io = io,
        .diag = broker->diag,
        .path = dir->named.path,
        .node_id = broker->node_id,
        .cluster_id = at > 0 ? log_dir_cluster_id(first) : NULL,
        .fenced = fenced,
        .owner = dir,
    };
    int r = log_dir_open(&options, &dir->dir); /* Says in the log what is wrong. */

    if (r > 0 || (r < 0 && at == 0))
        return BROKER_E_DATA;
    if (r < 0) {
        diag_error(broker->diag,
                   "the broker goes on without this data folder; its partitions are "
                   "offline until a restart",
                   kv("path", dir->named.path));
        return 0;
    }
    if (dir->named.is_for_logs)
        broker->dirs.ids[broker->dirs.id_count++] = log_dir_id(dir->dir);
    return check_unique(broker, at);
}

static bool has_metadata(struct io *io, const char *path)
{
    struct text name = {.data = NULL};
    int fd = -1;

    text_printf(&name, "%s/__cluster_metadata-0", path);
    if (io->ops->dir_open(io, IO_CWD, name.data, &fd))
        fd = -1;
    text_fini(&name);
    if (fd < 0)
        return false;
    io_close(io, &fd);
    return true;
}

/* Where the order of log.dirs is another than it was, a new metadata log would know of no topic.
 * Looked at before any folder gets an identity. */
static int check_metadata(struct broker *broker, struct io *io)
{
    const struct dirs *dirs = &broker->dirs;

    if (dirs->count == 1 || has_metadata(io, dirs->items[0].named.path))
        return 0;
    for (int i = 1; i < dirs->count; i++) {
        if (!has_metadata(io, dirs->items[i].named.path))
            continue;
        diag_error(broker->diag,
                   "the metadata log is in another folder; name that in metadata.log.dir, or first "
                   "in log.dirs",
                   kv("path", dirs->items[i].named.path), kv("and_not", dirs->items[0].named.path));
        return BROKER_E_DATA;
    }
    return 0;
}

/* The folders of a broker say of which cluster it is, before it has seen that. */
static int check_formatted(struct broker *broker, struct io *io)
{
    const char *path = broker->dirs.items[0].named.path;
    struct file *file = NULL;
    int fd = -1;

    if (broker->roles & ROLE_CONTROLLER)
        return 0;
    if (io->ops->dir_open(io, IO_CWD, path, &fd) == 0 &&
        file_open(io, fd, "meta.properties", IO_READ, &file))
        file = NULL;
    io_close(io, &fd);
    if (!file) {
        diag_error(broker->diag,
                   "data folder is not formatted; a broker that is no controller needs it: moldau "
                   "storage format --cluster-id ID --config FILE",
                   kv("path", path));
        return BROKER_E_DATA;
    }
    file_unref(file);
    return 0;
}

static char *absolute_path(const char *path, const char *folder)
{
    struct text whole = {.data = NULL};
    size_t size;
    char *copy;

    if (folder && *path != '/')
        text_printf(&whole, "%s/", folder);
    text_printf(&whole, "%s", path);
    for (size = whole.size; size > 1 && whole.data[size - 1] == '/';)
        size--; /* As Java has it. */
    copy = mem_copy_text(whole.data, size);
    text_fini(&whole);
    return copy;
}

int dirs_find(const struct dirs *dirs, struct slice path)
{
    for (int i = 0; i < dirs->count; i++)
        if (dirs->items[i].named.is_for_logs && slice_is_text(path, dirs->items[i].path))
            return i;
    return -1;
}

int dirs_open(struct broker *broker, struct io *io, const char *folder)
{
    struct settings_dir named[SETTINGS_DIRS_MAX];
    struct text why = {.data = NULL};
    struct dirs *dirs = &broker->dirs;
    int r = settings_dirs(broker->settings, named, &dirs->count, &why);

    map_init(&dirs->found);
    if (r) {
        diag_error(broker->diag, "settings cannot be used", kv("why", text_slice(&why)));
        text_fini(&why);
        return BROKER_E_CONFIG;
    }
    for (int i = 0; i < dirs->count; i++)
        dirs->items[i] = (struct broker_dir){
            .broker = broker, .named = named[i], .path = absolute_path(named[i].path, folder)};
    r = check_metadata(broker, io);
    if (r == 0)
        r = check_formatted(broker, io);
    for (int i = 0; i < dirs->count && r == 0; i++)
        r = open_dir(broker, io, i);
    if (r == 0 && !has_folder_for_logs(dirs)) {
        diag_error(broker->diag, "none of log.dirs can be used");
        r = BROKER_E_DATA;
    }
    return r;
}

/* --- where logs are --------------------------------------------------------- */

static const struct found_log *find_log(const struct dirs *dirs, const char *name)
{
    uint64_t hash = hash_slice(slice_text(name), 0);

    for (struct map_node *n = map_find(&dirs->found, hash); n; n = map_find_next(n)) {
        const struct found_log *found = container_of(n, struct found_log, node);

        if (strcmp(found->name, name) == 0)
            return found;
    }
    return NULL;
}

/* Which folder the metadata says, or -1. */
static int told_place(const struct dirs *dirs, const struct image_topic *topic, int32_t index)
{
    const struct image_replicas *replicas = topic->partitions[index].replicas;

    for (int32_t k = 0; replicas && k < replicas->directory_count; k++)
        for (int i = 0; i < dirs->count; i++)
            if (dirs->items[i].dir &&
                uuid_equal(replicas->directories[k], log_dir_id(dirs->items[i].dir)))
                return i;
    return -1;
}

/* For a log that is in none of the folders, and of which the metadata says nothing that we know:
 * always the same for the same partition. */
static int any_place(const struct dirs *dirs, const struct image_topic *topic, int32_t index)
{
    uint64_t hash = hash_slice(slice_of(topic->id.bytes, sizeof(topic->id.bytes)), (uint64_t)index);
    int at = (int)(hash % (uint64_t)dirs->count);

    for (int i = 0; i < dirs->count; i++)
        if (!dirs_is_online(&dirs->items[i]))
            return -1; /* Its records may be there. */
    while (!dirs->items[at].named.is_for_logs)
        at = (at + 1) % dirs->count;
    return at;
}

int dirs_place(const struct broker *broker, const struct image_topic *topic, int32_t index)
{
    const struct dirs *dirs = &broker->dirs;
    char name[IO_NAME_MAX];
    int at = -1;

    if (dirs->count == 1)
        return dirs_is_online(&dirs->items[0]) ? 0 : -1;
    if (dirs->found.count > 0) {
        const struct found_log *found;

        (void)snprintf(name, sizeof(name), "%s-%" PRId32, topic->name, index);
        found = find_log(dirs, name);
        at = found ? found->dir : -1;
    }
    if (at < 0)
        at = told_place(dirs, topic, index);
    if (at < 0)
        at = any_place(dirs, topic, index);
    return at >= 0 && dirs_is_online(&dirs->items[at]) ? at : -1;
}

/* --- looking for logs ------------------------------------------------------- */

struct search {
    struct broker *broker;
    struct io *io;
    int dir;
};

static int report_two(const struct search *search, const char *name, int other)
{
    const struct dirs *dirs = &search->broker->dirs;

    diag_error(search->broker->diag,
               "a partition is in two data folders; look which of them is the right one, and move "
               "the other one away",
               kv("log", name), kv("path", dirs->items[other].named.path),
               kv("and", dirs->items[search->dir].named.path));
    return BROKER_E_DATA;
}

static int has_log(const struct search *search, int dir, const char *name,
                   const struct image_topic *topic, bool *out)
{
    return err_pass(
        log_dir_has_log_of(search->broker->dirs.items[dir].dir, search->io, name, topic->id, out));
}

/* A log that is elsewhere than the metadata says.  Where one of that name was deleted while its
 * folder was offline, and made again, the name alone does not tell. */
static int look_closer(struct search *search, const char *name, const struct image_topic *topic,
                       int told)
{
    struct dirs *dirs = &search->broker->dirs;
    const struct found_log *known = find_log(dirs, name);
    struct found_log *found;
    bool is_it = false;
    bool is_there = false;
    int r = has_log(search, search->dir, name, topic, &is_it);

    if (r == 0 && told >= 0)
        r = has_log(search, told, name, topic, &is_there);
    if (r)
        return err_pass(r);
    if (!is_it)
        return err_pass(log_dir_move_stray(dirs->items[search->dir].dir, search->io, name));
    if (known || is_there)
        return report_two(search, name, known ? known->dir : told);
    found = mem_new(sizeof(*found));
    found->name = mem_copy_text(name, strlen(name));
    found->dir = search->dir;
    map_put(&dirs->found, &found->node, hash_slice(slice_text(name), 0));
    return 0;
}

/* A folder with the name of a log. */
static int look_at(void *context, const char *name, struct slice topic_name, int64_t partition)
{
    struct search *search = context;
    struct dirs *dirs = &search->broker->dirs;
    const struct image *image = search->broker->shards[0].image;
    const struct image_topic *topic = image_find_topic(image, topic_name);
    int told;

    if (!topic || partition >= topic->partition_count)
        return log_dir_move_stray(dirs->items[search->dir].dir, search->io, name);
    told = told_place(dirs, topic, (int32_t)partition);
    if (dirs->count == 1 || told == search->dir)
        return 0;
    return look_closer(search, name, topic, told);
}

int dirs_find_logs(struct broker *broker)
{
    struct dirs *dirs = &broker->dirs;

    for (int i = 0; i < dirs->count; i++) {
        struct search search = {.broker = broker, .io = broker->shards[0].loop.io, .dir = i};
        int r =
            dirs->items[i].dir ? log_dir_walk(dirs->items[i].dir, search.io, look_at, &search) : 0;

        if (r > 0 || (r < 0 && i == 0))
            return BROKER_E_DATA;
        if (r < 0)
            dirs_give_up(&dirs->items[i]);
    }
    return 0;
}

/* --- closing ---------------------------------------------------------------- */

int dirs_close(struct broker *broker, bool clean, const int results[static SETTINGS_DIRS_MAX])
{
    struct dirs *dirs = &broker->dirs;
    struct map_node *node;
    int result = 0;

    for (int i = 0; i < dirs->count; i++) {
        struct broker_dir *dir = &dirs->items[i];
        int r = log_dir_close(dir->dir, clean && results[i] == 0 && !dir->is_given_up);

        r = results[i] ? results[i] : r;
        result = result ? result : r;
        mem_free(dir->named.path);
        mem_free(dir->path);
    }
    while ((node = map_pop(&dirs->found))) {
        struct found_log *found = container_of(node, struct found_log, node);

        mem_free(found->name);
        mem_free(found);
    }
    map_fini(&dirs->found);
    return err_pass(result);
}
