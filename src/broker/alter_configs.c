/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/alter_configs.h"

#include "broker/dispatch.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "broker/topic_settings.h"

#include <stdio.h>

struct alter_work *alter_work_new(struct request *request, size_t count)
{
    struct alter_work *work = request_new(request, sizeof(*work));

    work->request = request;
    work->resources = request_new(request, (count + 1) * sizeof(*work->resources));
    work->count = count;
    return work;
}

static void refuse(struct alter_resource *resource, int16_t error, const char *why)
{
    resource->error = error;
    resource->why = slice_text(why);
}

static void part_done(struct alter_work *work)
{
    if (--work->pending == 0)
        work->answer(work);
}

static void altered(struct control_call *call)
{
    struct alter_resource *resource = container_of(call, struct alter_resource, call);

    if (call->op.outcome)
        refuse(resource, error_of_control(call->op.outcome), call->op.why);
    part_done(resource->work);
}

/* --- lists ------------------------------------------------------------------ */

/* Takes the next element off a comma-separated list. */
static bool take_element(struct slice *rest, struct slice *out)
{
    const uint8_t *comma;

    if (rest->size == 0)
        return false;
    comma = memchr(rest->data, ',', rest->size);
    *out = slice_of(rest->data, comma ? (size_t)(comma - rest->data) : rest->size);
    *rest = comma ? slice_of(comma + 1, rest->size - out->size - 1) : slice_empty();
    return true;
}

static bool has_element(struct slice list, struct slice wanted)
{
    struct slice element;

    while (take_element(&list, &element))
        if (slice_equal(element, wanted))
            return true;
    return false;
}

static void add_element(struct text *list, struct slice element)
{
    if (list->size > 0)
        text_add(list, ",", 1);
    text_add(list, element.data, element.size);
}

/* `before` with the elements of the item added, or taken away. */
static void change_list(struct slice before, const struct alter_item *item, struct text *out)
{
    bool adds = item->operation == ALTER_APPEND;
    struct slice element;
    struct slice rest = before;

    while (take_element(&rest, &element))
        if (adds || !has_element(item->value, element))
            add_element(out, element);
    rest = item->value;
    while (adds && take_element(&rest, &element))
        if (!has_element(before, element))
            add_element(out, element);
}

/* --- topics ----------------------------------------------------------------- */

/* The value that the item leads to, in the arena; false if it was refused. */
static bool new_value(struct alter_resource *resource, const struct image_topic *topic,
                      const struct alter_item *item, struct slice *out)
{
    const struct settings *settings = resource->work->request->shard->broker->settings;
    struct arena *arena = &resource->work->request->arena;
    const struct config_row *row = config_find(&topic_settings_table, item->name);
    struct text before = {.data = NULL};
    struct text after = {.data = NULL};

    switch ((enum alter_operation)item->operation) {
    case ALTER_SET: *out = item->value; return true;
    case ALTER_DELETE: *out = slice_null(); return true;
    case ALTER_APPEND:
    case ALTER_SUBTRACT:
        if (!row || row->type != CONFIG_LIST) {
            refuse(resource, ERROR_INVALID_CONFIG,
                   "Appending and subtracting is allowed for lists only.");
            return false;
        }
        topic_settings_value(settings, topic, row, &before);
        change_list(text_slice(&before), item, &after);
        *out = slice_text(arena_text(arena, after.data ? after.data : "", after.size));
        text_fini(&before);
        text_fini(&after);
        return true;
    }
    refuse(resource, ERROR_INVALID_REQUEST, "Unknown operation on a configuration.");
    return false;
}

static bool check_value(struct alter_resource *resource, struct slice name, struct slice value)
{
    struct text why = {.data = NULL};
    int r = 0;

    if (!slice_is_null(value))
        r = topic_settings_check(name, value, &why);
    else if (!config_find(&topic_settings_table, name))
        r = topic_settings_check(name, slice_empty(), &why); /* For its sentence. */
    if (r)
        refuse(resource, ERROR_INVALID_CONFIG,
               arena_text(&resource->work->request->arena, why.data, why.size));
    text_fini(&why);
    return r == 0;
}

static bool items_are_repeated(struct alter_resource *resource)
{
    struct request *request = resource->work->request;
    struct slice *names = request_new(request, (resource->item_count + 1) * sizeof(*names));
    const struct repeat *repeats;

    for (size_t i = 0; i < resource->item_count; i++)
        names[i] = resource->items[i].name;
    repeats = repeats_find(request, names, resource->item_count);
    for (size_t i = 0; i < resource->item_count; i++)
        if (!repeats[i].is_alone)
            return true;
    return false;
}

static bool is_named(const struct alter_resource *resource, const char *name)
{
    for (size_t i = 0; i < resource->item_count; i++)
        if (slice_is_text(resource->items[i].name, name))
            return true;
    return false;
}

/* Settings that the topic has and the request does not name. */
static size_t take_others_away(const struct alter_resource *resource,
                               const struct image_topic *topic, struct control_config *out)
{
    size_t count = 0;

    for (size_t i = 0; resource->replaces_all && i < topic->configs.count; i++)
        if (!is_named(resource, topic->configs.items[i].name))
            out[count++] = (struct control_config){.name = slice_text(topic->configs.items[i].name),
                                                   .value = slice_null()};
    return count;
}

static bool prepare_topic(struct alter_resource *resource)
{
    struct request *request = resource->work->request;
    const struct image_topic *topic = image_find_topic(request->image, resource->name);
    struct control_op *op = &resource->call.op;
    struct control_config *configs;

    if (!topic) {
        refuse(resource, ERROR_UNKNOWN_TOPIC_OR_PARTITION, "The topic does not exist.");
        return false;
    }
    configs =
        request_new(request, (resource->item_count + topic->configs.count + 1) * sizeof(*configs));
    op->config_count = take_others_away(resource, topic, configs);
    for (size_t i = 0; i < resource->item_count; i++) {
        const struct alter_item *item = &resource->items[i];
        struct control_config *config = &configs[op->config_count++];

        if (item->operation != ALTER_DELETE && slice_is_null(item->value)) {
            refuse(resource, ERROR_INVALID_REQUEST, "Null value not supported.");
            return false;
        }
        config->name = item->name;
        if (!new_value(resource, topic, item, &config->value) ||
            !check_value(resource, item->name, config->value))
            return false;
    }
    op->configs = configs;
    return true;
}

/* --- all kinds -------------------------------------------------------------- */

/* No setting of a broker can change while it runs, yet. */
static void refuse_broker(struct alter_resource *resource)
{
    struct arena *arena = &resource->work->request->arena;
    char self[16];

    (void)snprintf(self, sizeof(self), "%d", resource->work->request->shard->broker->node_id);
    if (resource->name.size > 0 && !slice_is_text(resource->name, self))
        refuse(resource, ERROR_INVALID_REQUEST,
               arena_printf(arena,
                            "Unexpected broker id, expected %s or empty string, but received "
                            "%.*s",
                            self, SLICE_ARG(resource->name)));
    else if (resource->item_count > 0)
        refuse(resource, ERROR_INVALID_REQUEST,
               arena_printf(arena, "Cannot update these configs dynamically: %.*s",
                            SLICE_ARG(resource->items[0].name)));
}

/* Fills the operation; false if there is none to be asked for. */
static bool prepare(struct alter_resource *resource)
{
    if (items_are_repeated(resource)) {
        refuse(resource, ERROR_INVALID_REQUEST, "Error due to duplicate config keys");
        return false;
    }
    switch (resource->type) {
    case IMAGE_RESOURCE_TOPIC:
        if (!authorize(resource->work->request, ACL_ALTER, resource->name)) {
            refuse(resource, ERROR_TOPIC_AUTHORIZATION_FAILED, "Authorization failed.");
            return false;
        }
        return prepare_topic(resource);
    case IMAGE_RESOURCE_BROKER: refuse_broker(resource); return false;
    default:
        refuse(resource, ERROR_INVALID_REQUEST,
               "Settings of this type of resource are not served yet.");
        return false;
    }
}

static const struct repeat *find_repeats(struct alter_work *work)
{
    struct slice *keys = request_new(work->request, (work->count + 1) * sizeof(*keys));

    for (size_t i = 0; i < work->count; i++)
        keys[i] = slice_text(arena_printf(&work->request->arena, "%d %.*s", work->resources[i].type,
                                          SLICE_ARG(work->resources[i].name)));
    return repeats_find(work->request, keys, work->count);
}

void alter_work_start(struct alter_work *work)
{
    const struct repeat *repeats = find_repeats(work);

    work->pending = 1;
    for (size_t i = 0; i < work->count; i++) {
        struct alter_resource *resource = &work->resources[i];

        resource->work = work;
        if (!repeats[i].is_alone) {
            refuse(resource, ERROR_INVALID_REQUEST, "Each resource must appear at most once.");
            continue;
        }
        if (!prepare(resource))
            continue;
        resource->call.op.kind = CONTROL_ALTER_CONFIGS;
        resource->call.op.resource_type = resource->type;
        resource->call.op.name = resource->name;
        resource->call.op.validate_only = work->validate_only;
        resource->call.done = altered;
        work->pending++;
        control_call_send(&resource->call, work->request->shard);
    }
    part_done(work);
}
