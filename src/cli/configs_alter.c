/* SPDX-License-Identifier: Apache-2.0 */

/* cli/configs_alter.c - kafka-configs --alter: one IncrementalAlterConfigs. */

#include "cli/configs.h"
#include "wire/errors.h"
#include "wire/msg/describe_configs.h"
#include "wire/msg/incremental_alter_configs.h"

enum { OPERATION_SET = 0, OPERATION_DELETE = 1, FILE_SIZE_MAX = 16 * 1024 * 1024 };

struct change {
    struct incremental_alter_configs_alterable_config row;
    struct change *next;
};

struct changes {
    struct configs *configs;
    struct change *first; /* Arena; the latest comes first. */
    size_t count;
};

static struct slice trim(const char *from, size_t size)
{
    while (size > 0 && (*from == ' ' || *from == '\t')) {
        from++;
        size--;
    }
    while (size > 0 && (from[size - 1] == ' ' || from[size - 1] == '\t'))
        size--;
    return slice_of(from, size);
}

static void add_change(struct changes *changes, struct slice name, int8_t operation,
                       struct slice value)
{
    struct arena *arena = &changes->configs->admin.arena;
    struct change *change = arena_new(arena, sizeof(*change));

    *change = (struct change){
        .row = {.name = name, .config_operation = operation, .value = value},
        .next = changes->first,
    };
    changes->first = change;
    changes->count++;
}

/* Square brackets hold a value together, and are no part of it. */
static struct slice without_brackets(struct arena *arena, struct slice value)
{
    char *text = arena_text(arena, value.data, value.size);
    char *to = text;

    for (const char *from = text; *from; from++)
        if (*from != '[' && *from != ']')
            *to++ = *from;
    *to = 0;
    return slice_text(text);
}

static bool add_pair(struct changes *changes, const char *pair, size_t size)
{
    struct configs *c = changes->configs;
    const char *equals = memchr(pair, '=', size);
    size_t before = equals ? (size_t)(equals - pair) : 0;

    if (!equals || memchr(equals + 1, '=', size - before - 1)) {
        text_printf(&c->cli->why,
                    "requirement failed: Invalid entity config: all configs to be added must be in "
                    "the format \"key=val\" or  \"key=[val1,val2]\" to group values which contain "
                    "commas.");
        c->is_misused = true;
        return false;
    }
    add_change(changes, trim(pair, before), OPERATION_SET,
               without_brackets(&c->admin.arena, trim(equals + 1, size - before - 1)));
    return true;
}

/* The comma that ends a pair, or the end: one inside brackets does not. */
static const char *pair_end(const char *at)
{
    for (;;) {
        at += strcspn(at, ",");
        if (!*at || at[1 + strcspn(at + 1, "[]")] != ']')
            return at;
        at++;
    }
}

static bool add_pairs(struct changes *changes, const char *at)
{
    for (;;) {
        const char *end = pair_end(at);

        if (!add_pair(changes, at, (size_t)(end - at)))
            return false;
        if (!*end)
            return true;
        at = end + 1;
    }
}

static int add_property(void *context, struct slice key, struct slice value)
{
    struct changes *changes = context;
    struct arena *arena = &changes->configs->admin.arena;

    add_change(changes, slice_text(arena_text(arena, key.data, key.size)), OPERATION_SET,
               slice_text(arena_text(arena, value.data, value.size)));
    return 0;
}

static bool add_file(struct changes *changes, const char *path)
{
    struct text *why = &changes->configs->cli->why;
    struct text file = {.data = NULL};
    int r = console_read_file(path, FILE_SIZE_MAX, &file);

    if (r)
        text_printf(why, "%s", path);
    else
        r = config_parse(text_slice(&file), add_property, changes, why);
    text_fini(&file);
    return r == 0;
}

static void add_deletions(struct changes *changes)
{
    const char *word;

    for (int n = 0; (word = options_nth(&changes->configs->cli->options, CONFIGS_delete, n)); n++)
        for (;;) {
            size_t size = strcspn(word, ",");

            add_change(changes, trim(word, size), OPERATION_DELETE, slice_null());
            if (!word[size])
                break;
            word += size + 1;
        }
}

static bool read_changes(struct changes *changes)
{
    struct cli *cli = changes->configs->cli;
    const char *pairs, *path;

    if (options_get(&cli->options, CONFIGS_add, &pairs, &cli->why) ||
        options_get(&cli->options, CONFIGS_add_file, &path, &cli->why)) {
        changes->configs->is_misused = true;
        return false;
    }
    if (pairs && !add_pairs(changes, pairs))
        return false;
    if (path && !add_file(changes, path))
        return false;
    add_deletions(changes);
    return true;
}

/* A broker has the loggers that it has: no others can be set. */
static bool are_loggers(struct changes *changes)
{
    struct configs *c = changes->configs;
    const struct describe_configs_result *known;
    struct text unknown = {.data = NULL};

    if (!configs_ask(c, c->name, &known))
        return false;
    for (const struct change *change = changes->first; change; change = change->next) {
        bool is_known = false;

        for (int32_t i = 0; i < known->configs_count; i++)
            is_known = is_known || slice_equal(known->configs[i].name, change->row.name);
        if (!is_known)
            text_printf(&unknown, "%s%.*s", unknown.size ? "," : "", SLICE_ARG(change->row.name));
    }
    if (unknown.size > 0) {
        text_printf(&c->cli->why, "Invalid broker logger(s): %s", unknown.data);
        c->is_misused = true;
    }
    text_fini(&unknown);
    return !c->is_misused;
}

static bool send_changes(struct changes *changes)
{
    struct configs *c = changes->configs;
    struct incremental_alter_configs_request request = incremental_alter_configs_request_defaults;
    struct incremental_alter_configs_alter_configs_resource resource = {
        .resource_type = configs_types[c->type].resource,
        .resource_name = slice_text(c->name),
        .configs = arena_new(&c->admin.arena, (changes->count + 1) * sizeof(*resource.configs)),
    };
    struct call_order order = {
        .api = wire_api_find(API_INCREMENTAL_ALTER_CONFIGS),
        .request = &request,
        .target = configs_target(c, c->name),
    };
    const struct incremental_alter_configs_response *response;
    struct call *call;

    for (const struct change *change = changes->first; change; change = change->next)
        resource.configs[resource.configs_count++] = change->row;
    request.resources = &resource;
    request.resources_count = 1;
    if (!admin_call(c->cli, &c->admin, &admin_once, order, &call))
        return false;
    response = call->response;
    for (int32_t i = 0; i < response->responses_count; i++)
        if (response->responses[i].error_code != ERROR_NONE) {
            admin_print_exception(response->responses[i].error_code,
                                  response->responses[i].error_message, &c->cli->why);
            return false;
        }
    return true;
}

bool configs_alter(struct configs *configs)
{
    struct changes changes = {.configs = configs};
    const char *type = configs_types[configs->type].name;

    if (!read_changes(&changes) || (configs->type == LOGGERS && !are_loggers(&changes)) ||
        !send_changes(&changes))
        return false;
    if (*configs->name)
        console_printf(&configs->cli->out, "Completed updating config for %.*s %s.\n",
                       (int)strlen(type) - 1, type, configs->name);
    else
        console_printf(&configs->cli->out,
                       "Completed updating default config for %s in the cluster.\n", type);
    return true;
}
