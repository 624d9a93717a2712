/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_configs.c - settings of topics and of this broker, from the
 * tables. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "broker/topic_settings.h"
#include "wire/msg/describe_configs.h"

#include <stdio.h>

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };
enum { SOURCE_TOPIC = 1, SOURCE_STATIC_BROKER = 4, SOURCE_DEFAULT = 5 };

static bool is_wanted(const struct describe_configs_resource *resource, const char *name)
{
    for (int32_t i = 0; i < resource->configuration_keys_count; i++)
        if (slice_is_text(resource->configuration_keys[i], name))
            return true;
    return resource->configuration_keys_count <= 0; /* Null and empty ask for all. */
}

/* Kafka's numbers for the types. */
static int8_t type_code(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL: return 1;
    case CONFIG_TEXT: return 2;
    case CONFIG_INT: return 3;
    case CONFIG_LONG: return 5;
    case CONFIG_DOUBLE: return 6;
    case CONFIG_LIST: return 7;
    }
    return 0;
}

static struct slice arena_value(struct request *request, struct text *value)
{
    struct slice copy =
        slice_text(arena_text(&request->arena, value->data ? value->data : "", value->size));

    text_fini(value);
    return copy;
}

static void describe_row(struct request *request, const struct config_row *row, struct slice value,
                         int8_t source, struct describe_configs_resource_result *out)
{
    const struct describe_configs_request *body = request->body;

    *out = (struct describe_configs_resource_result){
        .name = slice_text(row->name),
        .value = value,
        .is_default = request->header.version == 0 && source == SOURCE_DEFAULT,
        .config_source = source,
        .config_type = type_code(row->type),
        .documentation = body->include_documentation ? slice_text(row->about) : slice_null(),
    };
}

static void describe_topic(struct request *request,
                           const struct describe_configs_resource *resource,
                           struct describe_configs_result *out)
{
    const struct image_topic *topic = image_find_topic(request->image, resource->resource_name);
    const struct config_table *table = &topic_settings_table;
    const char *why = control_check_name(resource->resource_name);

    if (why) {
        out->error_code = ERROR_INVALID_TOPIC_EXCEPTION;
        out->error_message = slice_text(why);
        return;
    }
    if (!topic) {
        out->error_code = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        return;
    }
    out->configs = request_new(request, table->count * sizeof(*out->configs));
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        struct text value = {.data = NULL};
        bool is_own = image_topic_config(topic, row->name) != NULL;

        if (!is_wanted(resource, row->name))
            continue;
        topic_settings_value(request->shard->broker->settings, topic, row, &value);
        describe_row(request, row, arena_value(request, &value),
                     is_own ? SOURCE_TOPIC : SOURCE_DEFAULT, &out->configs[out->configs_count++]);
    }
}

static void describe_broker(struct request *request,
                            const struct describe_configs_resource *resource,
                            struct describe_configs_result *out)
{
    const struct settings *settings = request->shard->broker->settings;
    const struct config_table *table = &settings_table;
    struct slice name = resource->resource_name;
    char id[16];

    (void)snprintf(id, sizeof(id), "%d", request->shard->broker->node_id);
    if (name.size > 0 && !slice_is_text(name, id)) {
        out->error_code = ERROR_INVALID_REQUEST;
        out->error_message = slice_text(
            arena_printf(&request->arena, "Unexpected broker id, expected %s but received %.*s", id,
                         SLICE_ARG(name)));
        return;
    }
    if (name.size == 0)
        return; /* The cluster's own defaults: nothing is set there. */
    out->configs = request_new(request, table->count * sizeof(*out->configs));
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        struct text value = {.data = NULL};
        struct slice text;
        bool is_default;

        if (!is_wanted(resource, row->name))
            continue;
        config_print(row, settings, &value);
        text = arena_value(request, &value);
        is_default = row->initial ? slice_is_text(text, row->initial) : text.size == 0;
        describe_row(request, row, is_default && !row->initial ? slice_null() : text,
                     is_default ? SOURCE_DEFAULT : SOURCE_STATIC_BROKER,
                     &out->configs[out->configs_count]);
        out->configs[out->configs_count++].read_only = true;
    }
}

void handle_describe_configs(struct request *request)
{
    const struct describe_configs_request *body = request->body;
    size_t count = (size_t)max_of(body->resources_count, 0);
    struct describe_configs_response response;

    codec_defaults(&describe_configs_response_message, &response);
    response.results = request_new(request, (count + 1) * sizeof(*response.results));
    response.results_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct describe_configs_resource *resource = &body->resources[i];
        struct describe_configs_result *out = &response.results[i];

        out->resource_type = resource->resource_type;
        out->resource_name = resource->resource_name;
        out->error_message = slice_empty(); /* Not null, as Kafka has it. */
        switch (resource->resource_type) {
        case RESOURCE_TOPIC: describe_topic(request, resource, out); break;
        case RESOURCE_BROKER: describe_broker(request, resource, out); break;
        default:
            out->error_code = ERROR_INVALID_REQUEST;
            out->error_message =
                slice_text("Settings of this type of resource are not served yet.");
            break;
        }
    }
    request_answer(request, &response);
}
