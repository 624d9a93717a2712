/* SPDX-License-Identifier: Apache-2.0 */

/* cli/configs_describe.c - kafka-configs --describe, byte for byte as Kafka prints it. */

#include "base/java_order.h"
#include "base/json.h"
#include "cli/admin_groups.h"
#include "cli/configs.h"
#include "wire/errors.h"
#include "wire/msg/describe_configs.h"
#include "wire/msg/list_config_resources.h"

#include <stdlib.h>

enum { SOURCE_TOPIC = 1, SOURCE_BROKER = 2, SOURCE_ALL_BROKERS = 3, SOURCE_GROUP = 8 };

/* Who has set a value, by the numbers of the protocol. */
static const char *const sources[] = {
    "UNKNOWN",
    "DYNAMIC_TOPIC_CONFIG",
    "DYNAMIC_BROKER_CONFIG",
    "DYNAMIC_DEFAULT_BROKER_CONFIG",
    "STATIC_BROKER_CONFIG",
    "DEFAULT_CONFIG",
    "DYNAMIC_BROKER_LOGGER_CONFIG",
    "DYNAMIC_CLIENT_METRICS_CONFIG",
    "DYNAMIC_GROUP_CONFIG",
};

static const char *source_name(int8_t source)
{
    return sources[source > 0 && (size_t)source < COUNT_OF(sources) ? source : 0];
}

static bool has(const struct configs *c, enum configs_option option)
{
    return options_has(&c->cli->options, (int)option);
}

/* --- the question ------------------------------------------------------------ */

int32_t configs_target(const struct configs *configs, const char *name)
{
    bool is_broker = configs->type == BROKERS || configs->type == LOGGERS;

    return is_broker && *name ? (int32_t)strtol(name, NULL, 10) : CALL_ANY;
}

bool configs_ask(struct configs *configs, const char *name,
                 const struct describe_configs_result **out)
{
    struct describe_configs_request request = describe_configs_request_defaults;
    struct describe_configs_resource resource = {
        .resource_type = configs_types[configs->type].resource,
        .resource_name = slice_text(name),
        .configuration_keys_count = -1,
    };
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_CONFIGS),
        .request = &request,
        .target = configs_target(configs, name),
    };
    const struct describe_configs_response *response;
    struct call *call;

    request.resources = &resource;
    request.resources_count = 1;
    request.include_synonyms = true;
    if (!admin_call(configs->cli, &configs->admin, &admin_once, order, &call))
        return false;
    response = call->response;
    if (response->results_count != 1) {
        text_printf(&configs->cli->why, "the answer is not about what was asked");
        return false;
    }
    *out = &response->results[0];
    if ((*out)->error_code == ERROR_NONE)
        return true;
    admin_print_exception((*out)->error_code, (*out)->error_message, &configs->cli->why);
    return false;
}

/* --- which there are --------------------------------------------------------- */

struct names {
    struct slice *rows; /* Arena. */
    size_t count;
};

static void add_name(struct arena *arena, struct names *names, struct slice name)
{
    struct slice *rows;

    for (size_t i = 0; i < names->count; i++)
        if (slice_equal(names->rows[i], name))
            return;
    rows = names->rows;
    if ((names->count & (names->count + 1)) == 0) { /* Room doubles. */
        rows = arena_new(arena, (names->count + 1) * 2 * sizeof(*rows));
        if (names->count > 0)
            memcpy(rows, names->rows, names->count * sizeof(*rows));
    }
    rows[names->count++] = name;
    names->rows = rows;
}

static bool find_groups(struct configs *c, struct names *names)
{
    struct admin_listing listing;

    if (!admin_groups_list(c->cli, &c->admin, &listing))
        return false;
    for (size_t i = 0; i < listing.count; i++)
        add_name(&c->admin.arena, names, listing.groups[i].group_id);
    return true;
}

/* Those that have settings, though there may be none of them. */
static bool find_resources(struct configs *c, struct names *names)
{
    struct list_config_resources_request request = list_config_resources_request_defaults;
    int8_t type = configs_types[c->type].resource;
    struct call_order order = {
        .api = wire_api_find(API_LIST_CONFIG_RESOURCES),
        .request = &request,
        .target = CALL_ANY,
    };
    const struct list_config_resources_response *response;
    struct call *call;

    request.resource_types = &type;
    request.resource_types_count = 1;
    if (!admin_call(c->cli, &c->admin, &admin_once, order, &call))
        return false;
    response = call->response;
    for (int32_t i = 0; i < response->config_resources_count; i++)
        add_name(&c->admin.arena, names, response->config_resources[i].resource_name);
    return true;
}

static bool find_names(struct configs *c, struct names *names)
{
    struct arena *arena = &c->admin.arena;
    const struct metadata_response *metadata;

    if (!admin_metadata(c->cli, &c->admin, NULL, &metadata))
        return false;
    for (int32_t i = 0; c->type == TOPICS && i < metadata->topics_count; i++)
        add_name(arena, names, metadata->topics[i].name);
    for (int32_t i = 0; (c->type == BROKERS || c->type == LOGGERS) && i < metadata->brokers_count;
         i++) {
        struct text id = {.data = NULL};

        text_printf(&id, "%d", metadata->brokers[i].node_id);
        add_name(arena, names, slice_text(arena_text(arena, id.data, id.size)));
        text_fini(&id);
    }
    return c->type != GROUPS || (find_groups(c, names) && find_resources(c, names));
}

static bool is_there(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (slice_is_text(names->rows[i], name))
            return true;
    return false;
}

/* --- printing ---------------------------------------------------------------- */

static int by_config_name(const void *a, const void *b)
{
    return admin_by_name(&((const struct describe_configs_resource_result *)a)->name,
                         &((const struct describe_configs_resource_result *)b)->name);
}

/* Without --all: what was set for this very one while the cluster ran. */
static bool is_asked_for(const struct configs *c, const char *name,
                         const struct describe_configs_resource_result *config)
{
    if (has(c, CONFIGS_all))
        return true;
    if (c->type == TOPICS)
        return config->config_source == SOURCE_TOPIC;
    if (c->type == BROKERS)
        return config->config_source == (*name ? SOURCE_BROKER : SOURCE_ALL_BROKERS);
    return c->type != GROUPS || config->config_source == SOURCE_GROUP;
}

static void print_value(struct console_out *out, struct slice value)
{
    if (slice_is_null(value))
        console_printf(out, "null");
    else
        console_write(out, value.data, value.size);
}

static void print_config(struct console_out *out,
                         const struct describe_configs_resource_result *config)
{
    console_printf(out, "  %.*s=", SLICE_ARG(config->name));
    print_value(out, config->value);
    console_printf(out, " sensitive=%s synonyms={", config->is_sensitive ? "true" : "false");
    for (int32_t i = 0; i < config->synonyms_count; i++) {
        const struct describe_configs_synonym *synonym = &config->synonyms[i];

        console_printf(out, "%s%s:%.*s=", i ? ", " : "", source_name(synonym->source),
                       SLICE_ARG(synonym->name));
        print_value(out, synonym->value);
    }
    console_printf(out, "}\n");
}

static void add_json_value(struct text *json, struct slice value)
{
    if (slice_is_null(value))
        text_printf(json, "null");
    else
        json_print_string(value, json);
}

static void add_json_config(struct text *json,
                            const struct describe_configs_resource_result *config)
{
    text_printf(json, "{\"name\": ");
    json_print_string(config->name, json);
    text_printf(json, ", \"value\": ");
    add_json_value(json, config->value);
    text_printf(json, ", \"source\": \"%s\", \"sensitive\": %s, \"synonyms\": [",
                source_name(config->config_source), config->is_sensitive ? "true" : "false");
    for (int32_t i = 0; i < config->synonyms_count; i++) {
        text_printf(json, "%s{\"source\": \"%s\", \"name\": ", i ? ", " : "",
                    source_name(config->synonyms[i].source));
        json_print_string(config->synonyms[i].name, json);
        text_printf(json, ", \"value\": ");
        add_json_value(json, config->synonyms[i].value);
        text_printf(json, "}");
    }
    text_printf(json, "]}");
}

static void print_heading(const struct configs *c, const char *name)
{
    const char *type = configs_types[c->type].name;

    if (*name)
        console_printf(&c->cli->out, "%s configs for %.*s %s are:\n",
                       has(c, CONFIGS_all) ? "All" : "Dynamic", (int)strlen(type) - 1, type, name);
    else
        console_printf(&c->cli->out, "Default configs for %s in the cluster are:\n", type);
}

static bool describe_one(struct configs *c, const char *name, struct text *json)
{
    const struct describe_configs_result *result;
    bool is_json = has(c, CONFIGS_json);
    bool is_first = true;

    if (!is_json)
        print_heading(c, name);
    if (!configs_ask(c, name, &result))
        return false;
    text_printf(json, "%s\n  {\"type\": \"%s\", \"name\": ", json->size > 1 ? "," : "",
                configs_types[c->type].name);
    json_print_string(slice_text(name), json);
    text_printf(json, ", \"configs\": [");
    if (result->configs_count > 0)
        qsort(result->configs, (size_t)result->configs_count,
              sizeof(struct describe_configs_resource_result), by_config_name);
    for (int32_t i = 0; i < result->configs_count; i++) {
        if (!is_asked_for(c, name, &result->configs[i]))
            continue;
        if (!is_json)
            print_config(&c->cli->out, &result->configs[i]);
        text_printf(json, "%s\n    ", is_first ? "" : ",");
        add_json_config(json, &result->configs[i]);
        is_first = false;
    }
    text_printf(json, "]}");
    return true;
}

/* Kafka walks them in the order of a map. */
static bool describe_each(struct configs *c, const struct names *names, struct text *json)
{
    size_t *order = arena_new(&c->admin.arena, (names->count + 1) * sizeof(*order));

    java_order_sort(names->rows, names->count, 0, order);
    for (size_t i = 0; i < names->count; i++) {
        struct slice name = names->rows[order[i]];

        if (!describe_one(c, arena_text(&c->admin.arena, name.data, name.size), json))
            return false;
    }
    return c->type != BROKERS || describe_one(c, "", json);
}

static void say_missing(struct configs *c)
{
    const char *type = configs_types[c->type].name;

    if (!has(c, CONFIGS_json))
        console_printf(&c->cli->out,
                       "The %.*s '%s' doesn't exist and doesn't have dynamic config.\n",
                       (int)strlen(type) - 1, type, c->name);
}

/* Kafka looks at a topic's name before it looks for it. */
static bool is_name(struct configs *c)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (c->type != TOPICS || !c->name || !c->name[strspn(c->name, allowed)])
        return true;
    text_printf(&c->cli->why,
                "Topic name is invalid: '%s' contains one or more characters other than ASCII "
                "alphanumerics, '.', '_' and '-'",
                c->name);
    c->is_misused = true;
    return false;
}

bool configs_describe(struct configs *configs)
{
    struct names names = {.rows = NULL};
    struct text json = {.data = NULL};
    bool is_good = has(configs, CONFIGS_all) || is_name(configs);
    bool is_known = configs->name && (!*configs->name || has(configs, CONFIGS_all));

    text_printf(&json, "[");
    if (is_good && !is_known)
        is_good = find_names(configs, &names);
    if (is_good && configs->name && !is_known && !is_there(&names, configs->name))
        say_missing(configs);
    else if (is_good)
        is_good = configs->name ? describe_one(configs, configs->name, &json)
                                : describe_each(configs, &names, &json);
    text_printf(&json, "%s]\n", json.size > 1 ? "\n" : "");
    if (is_good && has(configs, CONFIGS_json))
        console_write(&configs->cli->out, json.data, json.size);
    text_fini(&json);
    return is_good;
}
