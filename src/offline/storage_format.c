/* SPDX-License-Identifier: Apache-2.0 */

/* offline/storage_format.c - folders become those of a node.
 *
 * In each: bootstrap.checkpoint, which the first start reads; for voters that are not in the
 * configuration, an empty snapshot of the metadata log that names them; and meta.properties
 * last, since it is what tells a formatted folder. */

#include "base/arena.h"
#include "base/err.h"
#include "base/java_order.h"
#include "base/mem.h"
#include "meta/metadata_control.h"
#include "meta/snapshot.h"
#include "offline/storage.h"
#include "store/file.h"
#include "wire/codec.h"
#include "wire/msg/voters_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char metadata_log[] = "__cluster_metadata-0";

/* --- who votes ---------------------------------------------------------------- */

struct voter {
    int32_t id;
    char host[256];
    uint16_t port;
    struct uuid directory;
};

/* host:port, with brackets around what has colons. */
static int parse_endpoint(const char *text, size_t size, struct voter *out, struct text *why)
{
    const char *colon = memrchr(text, ':', size);
    const char *host = text;
    size_t host_size = colon ? (size_t)(colon - text) : 0;
    long port = colon ? strtol(colon + 1, NULL, 10) : 0;

    if (host_size > 1 && host[0] == '[' && host[host_size - 1] == ']') {
        host++;
        host_size -= 2;
    }
    if (host_size == 0 || host_size >= sizeof(out->host) || port <= 0 || port > UINT16_MAX) {
        text_printf(why, "%.*s is not the host:port of a controller", (int)size, text);
        return STORAGE_E_FAILED;
    }
    memcpy(out->host, host, host_size);
    out->host[host_size] = 0;
    out->port = (uint16_t)port;
    return 0;
}

/* ID@host:port:directory. */
static int parse_voter(const struct storage_format *format, struct voter *out, struct text *why)
{
    const char *text = format->initial;
    const char *at = strchr(text, '@');
    const char *last = strrchr(text, ':');
    char *end;

    if (strchr(text, ',')) {
        text_printf(why, "--initial-controllers names several controllers; one is served");
        return STORAGE_E_FAILED;
    }
    if (!at) {
        text_printf(why, "No @ found in dynamic voter string.");
        return STORAGE_E_FAILED;
    }
    out->id = (int32_t)strtol(text, &end, 10);
    if (end != at || !last || last < at || uuid_parse(slice_text(last + 1), &out->directory)) {
        text_printf(why, "%s is not id@host:port:directory-id", text);
        return STORAGE_E_FAILED;
    }
    if (out->id != format->config.node_id) {
        text_printf(why, "--initial-controllers names node %d, and this is node %d", out->id,
                    format->config.node_id);
        return STORAGE_E_FAILED;
    }
    return parse_endpoint(at + 1, (size_t)(last - at) - 1, out, why);
}

/* The voter that is asked for; `*out_any` is false if there is none to write down. */
static int find_voter(const struct storage_format *format, struct voter *out, bool *out_any,
                      struct text *why)
{
    const struct storage_config *config = &format->config;

    *out_any = format->is_standalone || format->initial;
    if (*out_any && config->voters) {
        text_printf(why,
                    "You cannot specify controller.quorum.voters and format the node with "
                    "--initial-controllers or --standalone. If you want to use dynamic quorum, "
                    "please remove controller.quorum.voters and specify "
                    "controller.quorum.bootstrap.servers instead.");
        return STORAGE_E_FAILED;
    }
    if (!*out_any && config->is_controller && !config->voters && !format->has_no_initial) {
        text_printf(why, "Because controller.quorum.voters is not set on this controller, you must "
                         "specify one of the following: --standalone, --initial-controllers, or "
                         "--no-initial-controllers.");
        return STORAGE_E_FAILED;
    }
    if (format->initial)
        return parse_voter(format, out, why);
    if (!*out_any)
        return 0;
    if (!config->controller_endpoint) {
        text_printf(why, "--standalone needs the listener of controller.listener.names in "
                         "listeners");
        return STORAGE_E_FAILED;
    }
    out->id = config->node_id;
    out->directory = storage_new_id(format->tool->env->io);
    return parse_endpoint(config->controller_endpoint, strlen(config->controller_endpoint), out,
                          why);
}

/* Adds an empty snapshot that says who votes. */
static void print_voters(const struct storage_format *format, const struct voter *voter,
                         int64_t now_ms, struct text *out)
{
    const char *name = format->config.controller_name;
    struct voters_record_endpoint endpoint = {.name = slice_text(name ? name : "CONTROLLER"),
                                              .host = slice_text(voter->host),
                                              .port = voter->port};
    struct voters_record_voter entry = {.voter_id = voter->id,
                                        .voter_directory_id = voter->directory,
                                        .endpoints = &endpoint,
                                        .endpoints_count = 1,
                                        .kraft_version_feature = {.max_supported_version = 1}};
    struct voters_record record = {.voters = &entry, .voters_count = 1};
    struct snapshot_terms terms = {
        .now_ms = now_ms, .last_timestamp_ms = now_ms, .kraft_version = 1};
    struct snapshot_writer writer;
    struct codec_output bytes;
    struct arena arena;
    int r;

    arena_init(&arena, NULL);
    r = codec_encode(&voters_record_message, 0, &record, &arena, &bytes);
    assert(r == 0);
    terms.voters = slice_of(bytes.data, bytes.size);
    snapshot_begin(&writer, &terms, out);
    snapshot_end(&writer);
    arena_reset(&arena);
}

/* --- one folder ---------------------------------------------------------------- */

static int make_path(struct io *io, const char *path)
{
    scoped(mem_freep_any) char *part = mem_copy_text(path, strlen(path));

    for (size_t i = 1; path[i - 1]; i++) {
        int r;

        if (path[i] != '/' && path[i] != 0)
            continue;
        part[i] = 0;
        r = io->ops->dir_create(io, IO_CWD, part);
        if (r && r != -EEXIST)
            return err_pass(r);
        part[i] = path[i];
    }
    return 0;
}

static int write_voters(const struct storage_format *format, const struct voter *voter, int dir)
{
    struct io *io = format->tool->env->io;
    struct snapshot_id id = {.end = 0};
    char name[SNAPSHOT_NAME_SIZE];
    struct text bytes = {.data = NULL};
    int fd = -1;
    int r = io->ops->dir_create(io, dir, metadata_log);

    if (r == 0 || r == -EEXIST)
        r = io->ops->dir_open(io, dir, metadata_log, &fd);
    snapshot_print_name(id, name);
    print_voters(format, voter, io_wall_ms(io), &bytes);
    if (r == 0)
        r = file_replace(io, fd, name, text_slice(&bytes));
    if (r == 0)
        r = io->ops->dir_sync(io, fd);
    io_close(io, &fd);
    text_fini(&bytes);
    return err_pass(r);
}

static int write_dir(const struct storage_format *format, const char *path,
                     const struct voter *voter)
{
    struct io *io = format->tool->env->io;
    struct storage_meta meta = {.node_id = format->config.node_id, .version = 1};
    struct text bootstrap = {.data = NULL};
    int dir = -1;
    int r = make_path(io, path);

    (void)snprintf(meta.cluster_id, sizeof(meta.cluster_id), "%s", format->cluster_id);
    uuid_print(voter ? voter->directory : storage_new_id(io), meta.directory_id);
    storage_levels_print(&format->levels, io_wall_ms(io), &bootstrap);
    if (r == 0)
        r = io->ops->dir_open(io, IO_CWD, path, &dir);
    if (r == 0)
        r = file_replace(io, dir, "bootstrap.checkpoint", text_slice(&bootstrap));
    if (r == 0 && voter)
        r = write_voters(format, voter, dir);
    if (r == 0)
        r = io->ops->dir_sync(io, dir);
    if (r == 0)
        r = storage_meta_write(io, dir, &meta);
    if (r == 0)
        r = io->ops->dir_sync(io, dir);
    io_close(io, &dir);
    text_fini(&bootstrap);
    return err_pass(r);
}

/* --- all folders --------------------------------------------------------------- */

/* Notes in `*out` whether the folder is formatted; one of another cluster or node is refused. */
static int look_at(const struct storage_format *format, const char *dir, bool *out,
                   struct text *why)
{
    struct storage_meta meta;
    int r = storage_meta_read(format->tool->env->io, dir, &meta, why);

    *out = r != STORAGE_E_UNFORMATTED;
    if (r)
        return r == STORAGE_E_UNFORMATTED ? 0 : r;
    if (strcmp(meta.cluster_id, format->cluster_id) != 0)
        text_printf(why, "Invalid cluster.id in: %s/meta.properties. Expected %s, but read %s", dir,
                    format->cluster_id, meta.cluster_id);
    else if (meta.node_id != format->config.node_id)
        text_printf(why, "Stored node id %d doesn't match previous node id %d in %s", meta.node_id,
                    format->config.node_id, dir);
    return why->size > 0 ? STORAGE_E_FAILED : 0;
}

static int look_at_all(const struct storage_format *format, bool *is_formatted, size_t *out_count,
                       struct text *why)
{
    const char *formatted = NULL;

    *out_count = 0;
    for (size_t i = 0; i < format->config.dir_count; i++) {
        if (look_at(format, format->config.dirs[i], &is_formatted[i], why))
            return STORAGE_E_FAILED;
        *out_count += is_formatted[i];
        if (is_formatted[i] && !formatted)
            formatted = format->config.dirs[i];
    }
    if (formatted && !format->ignores_formatted) {
        text_printf(why,
                    "Log directory %s is already formatted. Use --ignore-formatted to ignore this "
                    "directory and format the others.",
                    formatted);
        return STORAGE_E_FAILED;
    }
    return 0;
}

static int format_dir(const struct storage_format *format, const char *dir,
                      const struct voter *voter, struct text *why)
{
    int16_t level = format->levels.levels[FEATURE_METADATA];
    const char *kind = strcmp(dir, format->config.metadata_dir) != 0 ? "data"
                       : voter                                       ? "dynamic metadata voter"
                                                                     : "metadata";
    int r;

    console_printf(&format->tool->out, "Formatting %s directory %s with metadata.version %s.\n",
                   kind, dir, metadata_version_find(level)->name);
    r = write_dir(format, dir, voter);
    if (r == 0)
        return 0;
    text_printf(why, "%s cannot be formatted: %s", dir, strerror(-r));
    return STORAGE_E_FAILED;
}

/* In the order of Kafka's map, which nobody chose. */
static int format_all(const struct storage_format *format, const bool *is_formatted,
                      const struct voter *voter, struct text *why)
{
    const char *dirs[STORAGE_DIRS_MAX];
    struct slice names[STORAGE_DIRS_MAX];
    size_t order[STORAGE_DIRS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < format->config.dir_count; i++) {
        if (is_formatted[i])
            continue;
        dirs[count] = format->config.dirs[i];
        names[count++] = slice_text(format->config.dirs[i]);
    }
    java_order_sort(names, count, 0, order);
    for (size_t i = 0; i < count; i++) {
        const char *dir = dirs[order[i]];
        bool is_metadata = strcmp(dir, format->config.metadata_dir) == 0;

        if (format_dir(format, dir, is_metadata ? voter : NULL, why))
            return STORAGE_E_FAILED;
    }
    return 0;
}

int storage_format(struct storage_format *format, struct text *why)
{
    bool is_formatted[STORAGE_DIRS_MAX] = {false};
    struct text levels = {.data = NULL};
    struct voter voter = {.id = -1};
    bool has_voter;
    size_t count;

    if (look_at_all(format, is_formatted, &count, why) ||
        find_voter(format, &voter, &has_voter, why))
        return STORAGE_E_FAILED;
    if (count == format->config.dir_count) {
        console_printf(&format->tool->out, "All of the log directories are already formatted.\n");
        return 0;
    }
    storage_levels_describe(&format->levels, &levels);
    console_printf(&format->tool->out, "Bootstrap metadata: %s\n", levels.data);
    text_fini(&levels);
    return format_all(format, is_formatted, has_voter ? &voter : NULL, why);
}
