/* SPDX-License-Identifier: Apache-2.0 */

/* offline/storage.c - kafka-storage: options, and the verbs that only print. */

#include "offline/storage.h"

#include "base/mem.h"
#include "offline/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Verbs, as bits. */
enum { FORMAT = 1, INFO = 2, MAPPING = 4, DEPENDENCIES = 8, RANDOM = 16, ANY = 31 };

enum {
#define OPTION(id, brief, name, KIND, shows, initial, verbs, about) STORAGE_##id,
#include "offline/storage.def"
    STORAGE_OPTION_COUNT
};

const struct option_row storage_rows[] = {
#define OPTION(id, brief_, name_, KIND, shows_, initial_, verbs, about_)                           \
    {.name = name_,                                                                                \
     .kind = OPTION_##KIND,                                                                        \
     .shows = shows_,                                                                              \
     .initial = initial_,                                                                          \
     .about = about_,                                                                              \
     .brief = brief_},
#include "offline/storage.def"
};

const int storage_row_count = COUNT_OF(storage_rows);

static const unsigned option_verbs[] = {
#define OPTION(id, brief, name, KIND, shows, initial, verbs, about) verbs,
#include "offline/storage.def"
};

static bool has(const struct tool *tool, int option)
{
    return options_has(&tool->options, option);
}

/* In the words of the library that Kafka's tool has its options from. */
static int refuse(struct tool *tool, const char *what, int option)
{
    const struct option_row *row = &storage_rows[option];

    console_flush(&tool->out);
    if (row->brief)
        console_printf(&tool->err, "kafka-storage: error: argument --%s/-%c%s\n", row->name,
                       row->brief, what);
    else
        console_printf(&tool->err, "kafka-storage: error: argument --%s%s\n", row->name, what);
    return 1;
}

/* --- info ---------------------------------------------------------------------- */

/* What is known while the folders are gone through. */
struct info {
    struct tool *tool;
    struct text found, problems; /* Lines. */
    size_t found_count, problem_count;
    struct storage_meta meta; /* Of the first that has one. */
    bool has_meta;
};

static void add_problem(struct info *info, const char *dir, const char *what)
{
    text_printf(&info->problems, "  %s%s\n", dir, what);
    info->problem_count++;
}

static bool is_same(const struct storage_meta *a, const struct storage_meta *b)
{
    return strcmp(a->cluster_id, b->cluster_id) == 0 && a->node_id == b->node_id &&
           a->version == b->version;
}

static void look_at(struct info *info, const char *dir)
{
    struct io *io = info->tool->env->io;
    struct text why = {.data = NULL};
    struct storage_meta meta;
    int fd = -1;
    int r = io->ops->dir_open(io, IO_CWD, dir, &fd);

    io_close(io, &fd);
    if (r) {
        add_problem(info, dir, r == -ENOTDIR ? " is not a directory" : " does not exist");
        return;
    }
    text_printf(&info->found, "  %s\n", dir);
    info->found_count++;
    r = storage_meta_read(io, dir, &meta, &why);
    if (r == STORAGE_E_UNFORMATTED) {
        add_problem(info, dir, " is not formatted.");
    } else if (r) {
        add_problem(info, why.data, "");
    } else if (!info->has_meta) {
        info->meta = meta;
        info->has_meta = true;
    } else if (!is_same(&meta, &info->meta)) {
        add_problem(info, dir, " belongs to another cluster or node.");
    }
    text_fini(&why);
}

static void print_meta(struct tool *tool, const struct storage_meta *meta)
{
    console_printf(&tool->out, "Found metadata: {cluster.id=%s, ", meta->cluster_id);
    if (meta->directory_id[0])
        console_printf(&tool->out, "directory.id=%s, ", meta->directory_id);
    console_printf(&tool->out, "node.id=%" PRId32 ", version=%" PRId32 "}\n\n", meta->node_id,
                   meta->version);
}

static int print_info(struct tool *tool, const struct storage_config *config)
{
    struct info info = {.tool = tool};
    struct console_out *out = &tool->out;

    for (size_t i = 0; i < config->dir_count; i++)
        look_at(&info, config->dirs[i]);
    if (info.found_count > 0)
        console_printf(out, "Found log director%s:\n%s\n", info.found_count == 1 ? "y" : "ies",
                       info.found.data);
    if (info.has_meta)
        print_meta(tool, &info.meta);
    if (info.problem_count > 0)
        console_printf(out, "Found problem%s:\n%s\n", info.problem_count == 1 ? "" : "s",
                       info.problems.data);
    text_fini(&info.found);
    text_fini(&info.problems);
    return info.problem_count > 0;
}

/* --- levels -------------------------------------------------------------------- */

/* All features of a release, with the levels that Kafka gives a new cluster. */
static int print_mapping(struct tool *tool)
{
    const char *text;
    const struct metadata_version *release = NULL;

    if (options_get(&tool->options, STORAGE_release_version, &text, &tool->why) ||
        storage_release(text ? text : "4.3-IV0", &release, &tool->why))
        return tool_failed(tool, tool->why.data);
    console_printf(&tool->out, "metadata.version=%d (%s)\n", release->level,
                   text ? text : release->name);
    for (int id = 0; id < FEATURE_COUNT; id++)
        if (id != FEATURE_METADATA)
            console_printf(&tool->out, "%s=%d\n", features[id].name,
                           feature_default((enum feature_id)id, release->level));
    return 0;
}

static int print_dependency(struct tool *tool, const char *text)
{
    const struct feature *feature;
    enum feature_id id;
    int16_t level;

    if (storage_feature(text, &id, &level, &tool->why))
        return tool_failed(tool, tool->why.data);
    feature = &features[id];
    if (level > feature->max) {
        text_printf(&tool->why, "Feature level %d is not supported for feature %s", level,
                    feature->name);
        return tool_failed(tool, tool->why.data);
    }
    if (level > 0 && feature->needs > 0)
        console_printf(&tool->out, "%s requires:\n    metadata.version=%d (%s)\n", text,
                       feature->needs, metadata_version_find(feature->needs)->name);
    else
        console_printf(&tool->out, "%s has no dependencies.\n", text);
    return 0;
}

static int print_dependencies(struct tool *tool)
{
    const char *text;
    int status = 0;

    if (!has(tool, STORAGE_feature))
        return refuse(tool, " is required", STORAGE_feature);
    for (int i = 0; status == 0 && (text = options_nth(&tool->options, STORAGE_feature, i)); i++)
        status = print_dependency(tool, text);
    return status;
}

/* --- format -------------------------------------------------------------------- */

static int read_format(struct storage_format *format, struct text *why)
{
    struct options *options = &format->tool->options;

    format->ignores_formatted = has(format->tool, STORAGE_ignore_formatted);
    format->is_standalone = has(format->tool, STORAGE_standalone);
    format->has_no_initial = has(format->tool, STORAGE_no_initial_controllers);
    if (options_get(options, STORAGE_cluster_id, &format->cluster_id, why) ||
        options_get(options, STORAGE_initial_controllers, &format->initial, why))
        return STORAGE_E_FAILED;
    return storage_levels_read(format->tool, STORAGE_release_version, STORAGE_feature,
                               &format->levels);
}

static int run_format(struct tool *tool, const struct storage_config *config)
{
    struct storage_format format = {.tool = tool, .config = *config};
    int ways = has(tool, STORAGE_standalone) + has(tool, STORAGE_no_initial_controllers) +
               has(tool, STORAGE_initial_controllers);

    if (ways > 1)
        return refuse(tool, ": not allowed with another way to find the voters",
                      has(tool, STORAGE_no_initial_controllers) ? STORAGE_no_initial_controllers
                                                                : STORAGE_standalone);
    if (has(tool, STORAGE_add_scram))
        return tool_failed(tool,
                           "--add-scram: there is no SCRAM yet; the folders were not touched");
    if (read_format(&format, &tool->why) || storage_format(&format, &tool->why))
        return tool_failed(tool, tool->why.data);
    return 0;
}

/* --- any of them --------------------------------------------------------------- */

static int with_config(struct tool *tool, int (*fn)(struct tool *, const struct storage_config *))
{
    struct storage_config config = {.dir_count = 0};
    const char *path = NULL;
    int status;

    if (options_get(&tool->options, STORAGE_config, &path, &tool->why) ||
        storage_config_read(tool->env->io, path, &config, &tool->why))
        status = tool_failed(tool, tool->why.data);
    else
        status = fn(tool, &config);
    storage_config_fini(&config);
    return status;
}

static int print_random(struct tool *tool)
{
    char text[UUID_TEXT_SIZE + 1];

    uuid_print(storage_new_id(tool->env->io), text);
    console_printf(&tool->out, "%s\n", text);
    return 0;
}

static unsigned verb_of(const struct tool *tool)
{
    static const struct {
        const char *name;
        unsigned verb;
    } verbs[] = {{"format", FORMAT},
                 {"info", INFO},
                 {"version-mapping", MAPPING},
                 {"feature-dependencies", DEPENDENCIES},
                 {"random-uuid", RANDOM}};
    const char *name = strchr(tool->command->words, ' ') + 1;

    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return verbs[i].verb;
    return 0;
}

int storage_run(struct tool *tool)
{
    unsigned verb = verb_of(tool);

    for (int i = 0; i < STORAGE_OPTION_COUNT; i++) {
        if (has(tool, i) && !(option_verbs[i] & verb)) {
            console_printf(&tool->err, "kafka-storage: error: unrecognized arguments: '--%s'\n",
                           storage_rows[i].name);
            return 1;
        }
    }
    if (verb == FORMAT && !has(tool, STORAGE_cluster_id))
        return refuse(tool, " is required", STORAGE_cluster_id);
    if (verb & (FORMAT | INFO) && !has(tool, STORAGE_config))
        return refuse(tool, " is required", STORAGE_config);
    switch (verb) {
    case FORMAT: return with_config(tool, run_format);
    case INFO: return with_config(tool, print_info);
    case MAPPING: return print_mapping(tool);
    case DEPENDENCIES: return print_dependencies(tool);
    default: return print_random(tool);
    }
}
