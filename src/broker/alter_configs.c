/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/alter_configs.h"

#include "broker/dispatch.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "broker/topic_settings.h"

DIAG_MODULE("broker");

struct alter_work *alter_work_new(struct request *request, size_t count)
{
    struct alter_work *work = request_new(request, sizeof(*work));

    work->request = request;
    work->resources = request_new(request, (count + 1) * sizeof(*work->resources));
    work->count = count;
    return work;
}

void alter_refuse(struct alter_resource *resource, int16_t error, const char *why)
{
    resource->error = error;
    resource->why = why ? slice_text(why) : slice_null();
}

bool alter_refuse_text(struct alter_resource *resource, int16_t error, struct text *why)
{
    alter_refuse(
        resource, error,
        arena_text(&resource->work->request->arena, why->data ? why->data : "", why->size));
    text_fini(why);
    return false;
}

static void part_done(struct alter_work *work)
{
    if (--work->pending == 0)
        work->answer(work);
}

/* Keys that are kept only: the operator hears of it, as he does of those in a file. */
static void tell_of_unserved(const struct alter_resource *resource)
{
    for (size_t i = 0; i < resource->item_count; i++) {
        const struct config_row *row = settings_find(resource->items[i].name);

        if (resource->items[i].operation != ALTER_DELETE && (!row || !settings_is_served(row)))
            diag_warn(resource->work->request->shard->broker->diag,
                      "configuration key is not served yet and changes nothing",
                      kv("key", resource->items[i].name));
    }
}

static void altered(struct control_call *call)
{
    struct alter_resource *resource = container_of(call, struct alter_resource, call);

    if (call->op.outcome)
        alter_refuse(resource, error_of_control(call->op.outcome), call->op.why);
    else if (resource->type == IMAGE_RESOURCE_BROKER && !resource->work->validate_only)
        tell_of_unserved(resource);
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

/* --- what a resource's items lead to ---------------------------------------- */

static bool is_named(const struct alter_resource *resource, const char *name)
{
    for (size_t i = 0; i < resource->item_count; i++)
        if (slice_is_text(resource->items[i].name, name))
            return true;
    return false;
}

/* The value that the item leads to, in the arena; false if it was refused. */
static bool new_value(struct alter_resource *resource, const struct alter_item *item,
                      const struct alter_rules *rules, struct slice *out)
{
    const struct config_row *row = rules->find(item->name);
    struct text before = {.data = NULL};
    struct text after = {.data = NULL};

    switch ((enum alter_operation)item->operation) {
    case ALTER_SET: *out = item->value; return true;
    case ALTER_DELETE: *out = slice_null(); return true;
    case ALTER_APPEND:
    case ALTER_SUBTRACT:
        if (!row || row->type != CONFIG_LIST || rules->has_no_lists) {
            rules->say_no_list(item, &after);
            return alter_refuse_text(resource, ERROR_INVALID_CONFIG, &after);
        }
        rules->value(resource, row, &before);
        change_list(text_slice(&before), item, &after);
        *out = slice_text(
            arena_text(&resource->work->request->arena, after.data ? after.data : "", after.size));
        text_fini(&before);
        text_fini(&after);
        return true;
    }
    alter_refuse(resource, ERROR_INVALID_REQUEST,
                 rules->bad_operation ? arena_printf(&resource->work->request->arena, "%s %d",
                                                     rules->bad_operation, item->operation)
                                      : NULL);
    return false;
}

/* Settings that the resource has and the request does not name. */
static size_t take_others_away(const struct alter_resource *resource,
                               const struct image_configs *current, struct control_config *out)
{
    size_t count = 0;

    for (size_t i = 0; resource->replaces_all && i < current->count; i++)
        if (!is_named(resource, current->items[i].name))
            out[count++] = (struct control_config){.name = slice_text(current->items[i].name),
                                                   .value = slice_null()};
    return count;
}

bool alter_collect(struct alter_resource *resource, const struct image_configs *current,
                   const struct alter_rules *rules)
{
    static const struct image_configs nothing = {.count = 0};
    struct request *request = resource->work->request;
    struct control_op *op = &resource->call.op;
    struct control_config *configs;

    if (!current)
        current = &nothing;
    configs = request_new(request, (resource->item_count + current->count + 1) * sizeof(*configs));
    op->config_count = take_others_away(resource, current, configs);
    op->configs = configs;
    for (size_t i = 0; i < resource->item_count; i++) {
        struct control_config *config = &configs[op->config_count++];

        config->name = resource->items[i].name;
        if (!new_value(resource, &resource->items[i], rules, &config->value))
            return false;
    }
    return true;
}

struct slice alter_outcome(const struct alter_resource *resource,
                           const struct image_configs *current, const char *name)
{
    const struct control_op *op = &resource->call.op;

    for (size_t i = 0; i < op->config_count; i++)
        if (slice_is_text(op->configs[i].name, name))
            return op->configs[i].value;
    return slice_text(current ? image_configs_get(current, name) : NULL);
}

/* --- all kinds -------------------------------------------------------------- */

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

/* Null values other than of a deletion are refused, with the names of them all. */
static bool has_null(struct alter_resource *resource)
{
    struct text why = {.data = NULL};

    for (size_t i = 0; i < resource->item_count; i++) {
        const struct alter_item *item = &resource->items[i];

        if (item->operation != ALTER_DELETE && slice_is_null(item->value))
            text_printf(&why, "%s%.*s",
                        why.size ? "," : "Null value not supported for : ", SLICE_ARG(item->name));
    }
    if (why.size == 0)
        return false;
    return !alter_refuse_text(resource, ERROR_INVALID_REQUEST, &why);
}

/* Fills the operation; false if there is none to be asked for. */
static bool prepare(struct alter_resource *resource)
{
    if (items_are_repeated(resource)) {
        alter_refuse(resource, ERROR_INVALID_REQUEST, "Error due to duplicate config keys");
        return false;
    }
    if (has_null(resource))
        return false;
    switch (resource->type) {
    case IMAGE_RESOURCE_TOPIC: return alter_topic(resource);
    case IMAGE_RESOURCE_BROKER: return alter_broker(resource);
    case IMAGE_RESOURCE_LOGGER: return alter_loggers(resource);
    case IMAGE_RESOURCE_METRICS: return alter_metrics(resource);
    case IMAGE_RESOURCE_GROUP: return alter_group(resource);
    default:
        alter_refuse(resource, ERROR_INVALID_REQUEST,
                     arena_printf(&resource->work->request->arena, "Unknown resource type %d",
                                  resource->type));
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
            alter_refuse(resource, ERROR_INVALID_REQUEST,
                         "Each resource must appear at most once.");
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
