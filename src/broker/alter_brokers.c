/* SPDX-License-Identifier: Apache-2.0 */

/* broker/alter_brokers.c - what may be altered of one broker, or of all: the keys that Kafka lets
 * change while a broker runs, checked in its order and refused with its words. */

#include "broker/alter_configs.h"
#include "broker/dispatch.h"
#include "broker/live_settings.h"
#include "broker/reply.h"

#include <inttypes.h>
#include <stdlib.h>

/* Keys of which each listener has its own. */
static bool is_security_key(const char *name)
{
    static const char *const keys[] = {
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    };

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(name, keys[i]) == 0)
            return true;
    return false;
}

static bool is_key_of_listener(struct slice name)
{
    static const char prefix[] = "listener.name.";

    return name.size >= sizeof(prefix) && memcmp(name.data, prefix, sizeof(prefix) - 1) == 0;
}

enum refusal { NEEDS_A_RESTART, NEEDS_A_LISTENER, NEEDS_A_BROKER };

/* Whether the key falls under the refusal; keys that nobody knows may be set, as in Kafka,
 * whose plugins read them. */
static bool falls_under(struct slice name, enum refusal refusal)
{
    const struct config_row *row = settings_find(name);

    if (!row || row->flags & CONFIG_RETIRED)
        return false;
    switch (refusal) {
    case NEEDS_A_RESTART: return !(row->flags & CONFIG_DYNAMIC);
    case NEEDS_A_LISTENER: return is_security_key(row->name) && !is_key_of_listener(name);
    case NEEDS_A_BROKER: return (row->flags & CONFIG_ONE_ONLY) != 0;
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    const struct slice *x = a, *y = b;
    int order = memcmp(x->data, y->data, min_of(x->size, y->size));

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Refuses all keys that fall under it, in order: "words: [a, b]". */
static bool check_keys(struct alter_resource *resource, enum refusal refusal, const char *words)
{
    const struct control_op *op = &resource->call.op;
    struct slice *names =
        request_new(resource->work->request, (op->config_count + 1) * sizeof(*names));
    struct text why = {.data = NULL};
    size_t count = 0;

    for (size_t i = 0; i < op->config_count; i++)
        if (!slice_is_null(op->configs[i].value) && falls_under(op->configs[i].name, refusal))
            names[count++] = op->configs[i].name;
    if (count == 0)
        return true;
    qsort(names, count, sizeof(*names), compare_names);
    text_printf(&why, "%s: [", words);
    for (size_t i = 0; i < count; i++)
        text_printf(&why, "%s%.*s", i ? ", " : "", SLICE_ARG(names[i]));
    text_printf(&why, "]");
    return alter_refuse_text(resource, ERROR_INVALID_REQUEST, &why);
}

/* Pairs of words and numbers: max.connections.per.ip.overrides, and the map of protocols. */
static bool check_pairs(struct alter_resource *resource, const struct control_config *config)
{
    struct slice rest = config->value;
    struct text why = {.data = NULL};

    while (rest.size > 0) {
        const uint8_t *comma = memchr(rest.data, ',', rest.size);
        size_t size = comma ? (size_t)(comma - rest.data) : rest.size;

        if (!memchr(rest.data, ':', size)) {
            text_printf(&why,
                        "Error parsing configuration property '%.*s': begin 0, end -1, length "
                        "%zu",
                        SLICE_ARG(config->name), size);
            return alter_refuse_text(resource, ERROR_INVALID_REQUEST, &why);
        }
        rest = comma ? slice_of(comma + 1, rest.size - size - 1) : slice_empty();
    }
    return true;
}

static bool check_values(struct alter_resource *resource)
{
    const struct control_op *op = &resource->call.op;
    struct text why = {.data = NULL};

    for (size_t i = 0; i < op->config_count; i++) {
        const struct config_row *row = settings_find(op->configs[i].name);

        if (slice_is_null(op->configs[i].value) || !row)
            continue;
        if (config_check(row, op->configs[i].value, &why))
            return alter_refuse_text(resource, ERROR_INVALID_REQUEST, &why);
        if ((strcmp(row->name, "max.connections.per.ip.overrides") == 0 ||
             strcmp(row->name, "listener.security.protocol.map") == 0) &&
            !check_pairs(resource, &op->configs[i]))
            return false;
    }
    text_fini(&why);
    return true;
}

/* Numbers of threads may at most double or halve at a time. */
static bool check_threads(struct alter_resource *resource)
{
    static const char *const keys[] = {"num.io.threads",       "num.network.threads",
                                       "num.replica.fetchers", "num.recovery.threads.per.data.dir",
                                       "background.threads",   "log.cleaner.threads"};
    struct shard *shard = resource->work->request->shard;

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice value = alter_outcome(resource, NULL, keys[i]);
        struct text text = {.data = NULL};
        char digits[32] = "";
        int64_t before, after;

        if (slice_is_null(value))
            continue;
        memcpy(digits, value.data, min_of(value.size, sizeof(digits) - 1));
        after = strtoll(digits, NULL, 10);
        settings_print(&shard->settings, keys[i], "1", &text);
        before = strtoll(text.data, NULL, 10);
        text_cut(&text, 0);
        if (after <= before * 2 && after >= max_of(before / 2, INT64_C(1))) {
            text_fini(&text);
            continue;
        }
        text_printf(&text,
                    "Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread "
                    "count update validation failed for %s=%" PRId64
                    ", value should %s the current "
                    "value %" PRId64 " for configuration Invalid dynamic configuration",
                    keys[i], after,
                    after > before ? "not be greater than double" : "be at least half", before);
        return alter_refuse_text(resource, ERROR_INVALID_REQUEST, &text);
    }
    return true;
}

static bool is_this_broker(struct alter_resource *resource)
{
    struct arena *arena = &resource->work->request->arena;
    int32_t own = resource->work->request->shard->broker->node_id;
    int32_t number;

    if (resource->name.size == 0)
        return true;
    if (resource->work->request->is_at_controller && slice_to_i32(resource->name, &number) &&
        image_find_broker(resource->work->request->image, number))
        return true; /* Its broker has passed it on. */
    if (!slice_to_i32(resource->name, &number))
        alter_refuse(resource, ERROR_INVALID_REQUEST,
                     arena_printf(arena, "Node id must be an integer, but it is: %.*s",
                                  SLICE_ARG(resource->name)));
    else if (number != own)
        alter_refuse(
            resource, ERROR_INVALID_REQUEST,
            arena_printf(arena, "Unexpected broker id, expected %d, but received %d", own, number));
    else
        return true;
    return false;
}

/* What is set at this level; NULL if nothing is. */
static const struct image_configs *current_of(const struct alter_resource *resource)
{
    const struct request *request = resource->work->request;

    int32_t number = -1;

    (void)slice_to_i32(resource->name, &number);
    return live_settings_of(request->image, number);
}

static void value_of(const struct alter_resource *resource, const struct config_row *row,
                     struct text *out)
{
    const struct image_configs *current = current_of(resource);
    const char *value = current ? image_configs_get(current, row->name) : NULL;

    text_printf(out, "%s", value ? value : row->initial ? row->initial : "");
}

static void say_no_list(const struct alter_item *item, struct text *out)
{
    text_printf(out, "Config value %s is not allowed for config key: %.*s",
                item->operation == ALTER_APPEND ? "append" : "subtract", SLICE_ARG(item->name));
}

bool alter_broker(struct alter_resource *resource)
{
    static const struct alter_rules rules = {.find = settings_find,
                                             .value = value_of,
                                             .say_no_list = say_no_list,
                                             .bad_operation = "Unknown operations type"};

    if (!is_this_broker(resource) || !alter_collect(resource, current_of(resource), &rules))
        return false;
    return check_keys(resource, NEEDS_A_RESTART, "Cannot update these configs dynamically") &&
           check_keys(resource, NEEDS_A_LISTENER,
                      "These security configs can be dynamically updated only per-listener using "
                      "the listener prefix") &&
           check_values(resource) &&
           (resource->name.size > 0 ||
            check_keys(resource, NEEDS_A_BROKER,
                       "Cannot update these configs at default cluster level, broker id must be "
                       "specified")) &&
           check_threads(resource);
}
