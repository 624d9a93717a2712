/* SPDX-License-Identifier: Apache-2.0 */

/* broker/alter_kinds.c - what may be altered of topics, groups, client metrics and loggers, each
 * in Kafka's order of checks and with its words. */

#include "broker/alter_configs.h"
#include "broker/dispatch.h"
#include "broker/loggers.h"
#include "broker/reply.h"
#include "broker/resource_configs.h"
#include "broker/topic_settings.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *operation_name(const struct alter_item *item)
{
    return item->operation == ALTER_APPEND ? "APPEND" : "SUBTRACT";
}

static void say_no_list(const struct alter_item *item, struct text *out)
{
    text_printf(out, "Can't %s to key %.*s because its type is not LIST.", operation_name(item),
                SLICE_ARG(item->name));
}

static char *arena_of_name(const struct alter_resource *resource, const char *format)
{
    return arena_printf(&resource->work->request->arena, "%s%.*s", format,
                        SLICE_ARG(resource->name));
}

/* --- topics ----------------------------------------------------------------- */

static const struct config_row *topic_row(struct slice key)
{
    return config_find(&topic_settings_table, key);
}

static void topic_value(const struct alter_resource *resource, const struct config_row *row,
                        struct text *out)
{
    const struct request *request = resource->work->request;

    topic_settings_value(&request->shard->settings,
                         image_find_topic(request->image, resource->name), row, out);
}

static bool check_topic_values(struct alter_resource *resource)
{
    const struct control_op *op = &resource->call.op;
    struct text why = {.data = NULL};

    for (size_t i = 0; i < op->config_count; i++) {
        const struct control_config *config = &op->configs[i];
        int r = 0;

        if (!slice_is_null(config->value))
            r = topic_settings_check(config->name, config->value, &why);
        if (r)
            return alter_refuse_text(resource, ERROR_INVALID_CONFIG, &why);
    }
    text_fini(&why);
    return true;
}

static int64_t number_then(const struct alter_resource *resource, const struct image_topic *topic,
                           const char *name)
{
    struct slice value = alter_outcome(resource, &topic->configs, name);
    char digits[32] = "";

    if (slice_is_null(value))
        value = slice_text(topic_row(slice_text(name))->initial);
    memcpy(digits, value.data, min_of(value.size, sizeof(digits) - 1));
    return strtoll(digits, NULL, 10);
}

/* Values that are right by themselves and not together. */
static bool check_topic_together(struct alter_resource *resource, const struct image_topic *topic)
{
    int64_t low = number_then(resource, topic, "min.compaction.lag.ms");
    int64_t high = number_then(resource, topic, "max.compaction.lag.ms");

    if (low <= high)
        return true;
    alter_refuse(resource, ERROR_INVALID_CONFIG,
                 arena_printf(&resource->work->request->arena,
                              "conflict topic config setting min.compaction.lag.ms (%" PRId64
                              ") > max.compaction.lag.ms (%" PRId64 ")",
                              low, high));
    return false;
}

bool alter_topic(struct alter_resource *resource)
{
    static const struct alter_rules rules = {
        .find = topic_row, .value = topic_value, .say_no_list = say_no_list};
    struct request *request = resource->work->request;
    const struct image_topic *topic = image_find_topic(request->image, resource->name);

    if (!authorize(request, ACL_ALTER, resource->name)) {
        alter_refuse(resource, ERROR_TOPIC_AUTHORIZATION_FAILED, "Authorization failed.");
        return false;
    }
    if (resource->name.size == 0) {
        alter_refuse(resource, ERROR_INVALID_REQUEST, "Default topic resources are not allowed.");
        return false;
    }
    if (control_check_name(resource->name)) {
        alter_refuse(resource, ERROR_INVALID_TOPIC_EXCEPTION,
                     reply_name_fault(request, resource->name));
        return false;
    }
    if (!topic) {
        alter_refuse(resource, ERROR_UNKNOWN_TOPIC_OR_PARTITION,
                     arena_printf(&request->arena, "The topic '%.*s' does not exist.",
                                  SLICE_ARG(resource->name)));
        return false;
    }
    return alter_collect(resource, &topic->configs, &rules) && check_topic_values(resource) &&
           check_topic_together(resource, topic);
}

/* --- groups and client metrics ---------------------------------------------- */

static const struct config_row *group_row(struct slice key)
{
    return config_find(&group_config_table, key);
}

static void group_value(const struct alter_resource *resource, const struct config_row *row,
                        struct text *out)
{
    const struct image_configs *own =
        image_find_configs(resource->work->request->image, IMAGE_RESOURCE_GROUP, resource->name);
    const char *value = own ? image_configs_get(own, row->name) : NULL;

    text_printf(out, "%s", value ? value : row->initial ? row->initial : "");
}

bool alter_group(struct alter_resource *resource)
{
    static const struct alter_rules rules = {
        .find = group_row, .value = group_value, .say_no_list = say_no_list};
    struct request *request = resource->work->request;
    struct control_op *op = &resource->call.op;
    struct text why = {.data = NULL};

    if (resource->name.size == 0) {
        alter_refuse(resource, ERROR_INVALID_REQUEST, "Default group resources are not allowed.");
        return false;
    }
    if (!alter_collect(resource,
                       image_find_configs(request->image, IMAGE_RESOURCE_GROUP, resource->name),
                       &rules))
        return false;
    for (size_t i = 0; i < op->config_count; i++) {
        int16_t error = slice_is_null(op->configs[i].value)
                            ? ERROR_NONE
                            : group_config_check(&request->shard->settings, op->configs[i].name,
                                                 op->configs[i].value, &why);

        if (error)
            return alter_refuse_text(resource, error, &why);
    }
    return true;
}

static const struct config_row *metrics_row(struct slice key)
{
    return config_find(&metrics_config_table, key);
}

bool alter_metrics(struct alter_resource *resource)
{
    static const struct alter_rules rules = {
        .find = metrics_row, .say_no_list = say_no_list, .has_no_lists = true};
    const struct image_configs *current =
        image_find_configs(resource->work->request->image, IMAGE_RESOURCE_METRICS, resource->name);
    struct control_op *op = &resource->call.op;
    struct text why = {.data = NULL};

    if (resource->name.size == 0) {
        alter_refuse(resource, ERROR_INVALID_REQUEST, "Subscription name can't be empty");
        return false;
    }
    if (!alter_collect(resource, current, &rules))
        return false;
    for (size_t i = 0; i < op->config_count; i++) {
        int16_t error = slice_is_null(op->configs[i].value)
                            ? ERROR_NONE
                            : metrics_config_check(op->configs[i].name, op->configs[i].value, &why);

        if (error)
            return alter_refuse_text(resource, error, &why);
    }
    return true;
}

/* --- loggers ---------------------------------------------------------------- */

static bool is_this_node(struct alter_resource *resource)
{
    int32_t own = resource->work->request->shard->broker->node_id;
    int32_t number;

    if (!slice_to_i32(resource->name, &number)) {
        alter_refuse(resource, ERROR_INVALID_REQUEST,
                     arena_of_name(resource, "Node id must be an integer, but it is: "));
        return false;
    }
    if (number == own)
        return true;
    alter_refuse(resource, ERROR_INVALID_REQUEST,
                 arena_printf(&resource->work->request->arena,
                              "Unexpected node id. Expected %d, but received %d", own, number));
    return false;
}

/* Why the item may not be, as an error and in `why`; 0 if it may. */
static int16_t check_logger(const struct alter_item *item, enum diag_module *module,
                            struct text *why)
{
    bool is_there = logger_find(item->name, module);

    switch ((enum alter_operation)item->operation) {
    case ALTER_APPEND:
    case ALTER_SUBTRACT:
        text_printf(why, "%s operation is not allowed for the BROKER_LOGGER resource",
                    operation_name(item));
        return ERROR_INVALID_REQUEST;
    case ALTER_SET:
    case ALTER_DELETE: break;
    default:
        text_printf(why, "Unknown operation type %d is not allowed for the BROKER_LOGGER resource",
                    item->operation);
        return ERROR_INVALID_REQUEST;
    }
    if (!is_there) {
        text_printf(why, "Logger %.*s does not exist!", SLICE_ARG(item->name));
        return ERROR_INVALID_CONFIG;
    }
    if (item->operation == ALTER_SET && logger_level(item->value) < 0) {
        text_printf(why,
                    "Cannot set the log level of %.*s to %.*s as it is not a supported log level. "
                    "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN",
                    SLICE_ARG(item->name), SLICE_ARG(item->value));
        return ERROR_INVALID_CONFIG;
    }
    if (item->operation == ALTER_DELETE && *module == DIAG_MODULES) {
        text_printf(why, "Removing the log level of the root logger is not allowed");
        return ERROR_INVALID_REQUEST;
    }
    return ERROR_NONE;
}

bool alter_loggers(struct alter_resource *resource)
{
    struct alter_work *work = resource->work;
    enum diag_module module;
    struct text why = {.data = NULL};

    if (resource->replaces_all) { /* Kafka has no such thing, either. */
        alter_refuse(resource, ERROR_INVALID_REQUEST, "Unknown resource type 8");
        return false;
    }
    if (!is_this_node(resource))
        return false;
    for (size_t i = 0; i < resource->item_count; i++) {
        int16_t error = check_logger(&resource->items[i], &module, &why);

        if (error)
            return alter_refuse_text(resource, error, &why);
    }
    for (size_t i = 0; i < resource->item_count && !work->validate_only; i++) {
        const struct alter_item *item = &resource->items[i];

        if (logger_find(item->name, &module))
            diag_set_level(work->request->shard->broker->diag, module,
                           item->operation == ALTER_SET ? logger_level(item->value) : -1);
    }
    return false;
}
