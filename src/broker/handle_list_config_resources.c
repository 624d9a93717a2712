/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_list_config_resources.c - what has a configuration (KIP-1142). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/list_config_resources.h"

#include <stdio.h>

/* Kafka's numbers of the types that can be asked for. */
enum {
    TYPE_TOPIC = IMAGE_RESOURCE_TOPIC,
    TYPE_BROKER = IMAGE_RESOURCE_BROKER,
    TYPE_LOGGER = IMAGE_RESOURCE_LOGGER,
    TYPE_METRICS = IMAGE_RESOURCE_METRICS,
    TYPE_GROUP = IMAGE_RESOURCE_GROUP
};

struct resources {
    struct request *request;
    struct list_config_resources_config_resource *items; /* Arena. */
    int32_t count;
};

static bool is_wanted(const struct request *request, int8_t type)
{
    const struct list_config_resources_request *body = request->body;

    if (request->header.version == 0)
        return type == TYPE_METRICS;
    for (int32_t i = 0; i < body->resource_types_count; i++)
        if (body->resource_types[i] == type)
            return true;
    return body->resource_types_count <= 0;
}

static void add(struct resources *resources, int8_t type, struct slice name)
{
    resources->items[resources->count++] = (struct list_config_resources_config_resource){
        .resource_name = name, .resource_type = type};
}

static int16_t check(const struct request *request)
{
    const struct list_config_resources_request *body = request->body;

    for (int32_t i = 0; i < body->resource_types_count; i++)
        switch (body->resource_types[i]) {
        case TYPE_TOPIC:
        case TYPE_BROKER:
        case TYPE_LOGGER:
        case TYPE_METRICS:
        case TYPE_GROUP: break;
        default: return ERROR_UNSUPPORTED_VERSION;
        }
    return ERROR_NONE;
}

/* Groups and subscriptions are told if something is set for them. */
static bool is_told(const struct image_resource *resource)
{
    return (resource->type == TYPE_METRICS || resource->type == TYPE_GROUP) &&
           resource->configs.count > 0;
}

static void add_others(struct resources *resources)
{
    struct tree_walk walk;
    const struct image_resource *resource;

    image_walk_resources(&walk, resources->request->image);
    while ((resource = image_walk_next_resource(&walk)))
        if (is_told(resource) && is_wanted(resources->request, resource->type))
            add(resources, resource->type, slice_text(resource->name));
}

static size_t count_others(const struct image *image)
{
    struct tree_walk walk;
    size_t count = 0;

    image_walk_resources(&walk, image);
    while (image_walk_next_resource(&walk))
        count++;
    return count;
}

void handle_list_config_resources(struct request *request)
{
    size_t room = image_topic_count(request->image) + count_others(request->image) + 2;
    struct resources resources = {.request = request};
    struct list_config_resources_response response;
    const struct image_topic *topic;
    struct tree_walk walk;
    struct slice self =
        slice_text(arena_printf(&request->arena, "%d", request->shard->broker->node_id));

    codec_defaults(&list_config_resources_response_message, &response);
    response.error_code = check(request);
    resources.items = request_new(request, room * sizeof(*resources.items));
    if (response.error_code == ERROR_NONE && is_wanted(request, TYPE_TOPIC)) {
        image_walk_begin(&walk, request->image, slice_null());
        while ((topic = image_walk_next(&walk)))
            add(&resources, TYPE_TOPIC, slice_text(topic->name));
    }
    if (response.error_code == ERROR_NONE && is_wanted(request, TYPE_BROKER))
        add(&resources, TYPE_BROKER, self);
    if (response.error_code == ERROR_NONE && is_wanted(request, TYPE_LOGGER))
        add(&resources, TYPE_LOGGER, self);
    if (response.error_code == ERROR_NONE)
        add_others(&resources);
    response.config_resources = resources.items;
    response.config_resources_count = resources.count;
    request_answer(request, &response);
}
