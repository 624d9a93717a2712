/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_configs.c - settings of topics, brokers, loggers, groups and client
 * metrics, from the tables, with where each value is from. */

#include "broker/dispatch.h"
#include "broker/live_settings.h"
#include "broker/loggers.h"
#include "broker/reply.h"
#include "broker/resource_configs.h"
#include "broker/topic_settings.h"
#include "wire/msg/describe_configs.h"

/* Kafka's words for a request that it cannot make sense of. */
static const char malformed[] =
    "This most likely occurs because of a request being malformed by the client library or the "
    "message was sent to an incompatible broker. See the broker logs for more details.";

/* One resource that is being described. */
struct description {
    struct request *request;
    const struct describe_configs_resource *resource;
    struct describe_configs_result *result;
    size_t room; /* Of result->configs. */
};

static void refuse(struct description *d, int16_t error, const char *why)
{
    d->result->error_code = error;
    if (why)
        d->result->error_message = slice_text(why);
}

static bool is_wanted(const struct description *d, const char *name)
{
    const struct describe_configs_resource *resource = d->resource;

    for (int32_t i = 0; i < resource->configuration_keys_count; i++)
        if (slice_is_text(resource->configuration_keys[i], name))
            return true;
    return resource->configuration_keys_count <= 0; /* Null and empty ask for all. */
}

/* Kafka's numbers for the types; 0 is a key that nobody knows. */
static int8_t type_code(const struct config_row *row)
{
    static const int8_t codes[] = {
        [CONFIG_BOOL] = 1,  [CONFIG_TEXT] = 2,  [CONFIG_INT] = 3,
        [CONFIG_SHORT] = 4, [CONFIG_LONG] = 5,  [CONFIG_DOUBLE] = 6,
        [CONFIG_LIST] = 7,  [CONFIG_CLASS] = 8, [CONFIG_PASSWORD] = 9,
    };

    return row ? codes[row->type] : 0;
}

/* What nobody knows may be a secret, too. */
static bool is_sensitive(const struct config_row *row)
{
    return !row || row->type == CONFIG_PASSWORD;
}

static struct slice arena_value(struct request *request, struct text *value)
{
    struct slice copy =
        slice_text(arena_text(&request->arena, value->data ? value->data : "", value->size));

    text_fini(value);
    return copy;
}

/* A value in the one form in which it is told. */
static struct slice told(struct description *d, const struct config_row *row, const char *value)
{
    struct text text = {.data = NULL};

    if (!value || is_sensitive(row))
        return slice_null();
    config_normal(row, slice_text(value), &text);
    return arena_value(d->request, &text);
}

static struct describe_configs_resource_result *add_entry(struct description *d, const char *name,
                                                          const struct config_row *row,
                                                          const struct setting_source *sources,
                                                          size_t count)
{
    const struct describe_configs_request *body = d->request->body;
    struct describe_configs_resource_result *out = &d->result->configs[d->result->configs_count++];

    assert((size_t)d->result->configs_count <= d->room);
    *out = (struct describe_configs_resource_result){
        .name = slice_text(arena_text(&d->request->arena, name, strlen(name))),
        .value = told(d, row, count ? sources[0].value : NULL),
        .config_source = count ? (int8_t)sources[0].origin : ORIGIN_DEFAULT,
        .is_sensitive = is_sensitive(row),
        .config_type = type_code(row),
        .documentation = slice_null(),
    };
    if (d->request->header.version == 0) /* Later ones have the source. */
        out->is_default = out->config_source == ORIGIN_DEFAULT;
    if (body->include_documentation)
        out->documentation = slice_text(row && row->about ? row->about
                                                          : "Kept and described; it changes "
                                                            "nothing yet.");
    return out;
}

/* What would hold if the values before were not set; `names` has one for each. */
static void add_synonyms(struct description *d, struct describe_configs_resource_result *entry,
                         const struct config_row *row, const char *const *names,
                         const struct setting_source *sources, size_t count)
{
    const struct describe_configs_request *body = d->request->body;

    if (!body->include_synonyms || count == 0)
        return;
    entry->synonyms = request_new(d->request, count * sizeof(*entry->synonyms));
    entry->synonyms_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        entry->synonyms[i] = (struct describe_configs_synonym){
            .name = slice_text(arena_text(&d->request->arena, names[i], strlen(names[i]))),
            .value = told(d, row, sources[i].value),
            .source = (int8_t)sources[i].origin};
}

static void make_room(struct description *d, size_t count)
{
    d->room = count;
    d->result->configs = request_new(d->request, (count + 1) * sizeof(*d->result->configs));
}

/* --- topics ----------------------------------------------------------------- */

/* An entry with a value of its own (NULL: none) over what the broker's key says. */
static struct describe_configs_resource_result *describe_over_broker(struct description *d,
                                                                     const struct config_row *row,
                                                                     const char *own,
                                                                     enum setting_origin origin)
{
    struct shard *shard = d->request->shard;
    struct setting_source sources[SETTING_SOURCES_MAX + 1];
    const char *names[SETTING_SOURCES_MAX + 1];
    struct describe_configs_resource_result *entry;
    size_t count = 0;

    if (own) {
        names[0] = row->name;
        sources[count++] = (struct setting_source){origin, own};
    }
    if (row->broker) {
        size_t more = live_settings_sources(shard->broker->settings, d->request->image,
                                            shard->broker->node_id, row->broker, sources + count);

        for (size_t i = 0; i < more; i++)
            names[count + i] = row->broker;
        count += more;
    }
    entry = add_entry(d, row->name, row, sources, count);
    add_synonyms(d, entry, row, names, sources, count);
    return entry;
}

static void describe_topic(struct description *d)
{
    struct slice name = d->resource->resource_name;
    const struct image_topic *topic = image_find_topic(d->request->image, name);
    const struct config_table *table = &topic_settings_table;

    if (control_check_name(name)) {
        refuse(d, ERROR_INVALID_TOPIC_EXCEPTION, reply_name_fault(d->request, name));
        return;
    }
    if (!topic) {
        refuse(d, ERROR_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        return;
    }
    make_room(d, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        struct text value = {.data = NULL};
        struct describe_configs_resource_result *entry;

        if (!is_wanted(d, row->name))
            continue;
        entry = describe_over_broker(d, row, image_topic_config(topic, row->name), ORIGIN_TOPIC);
        topic_settings_value(&d->request->shard->settings, topic, row, &value);
        entry->value = arena_value(d->request, &value);
    }
}

/* --- brokers ---------------------------------------------------------------- */

/* False if the resource is another broker's, or nobody's. */
static bool is_own_number(struct description *d, bool may_be_empty)
{
    struct slice name = d->resource->resource_name;
    int32_t number;

    if (name.size == 0 && may_be_empty)
        return true;
    if (name.size == 0)
        refuse(d, ERROR_INVALID_REQUEST, "Broker id must not be empty");
    else if (!slice_to_i32(name, &number))
        refuse(d, ERROR_INVALID_REQUEST,
               arena_printf(&d->request->arena, "Broker id must be an integer, but it is: %.*s",
                            SLICE_ARG(name)));
    else if (number != d->request->shard->broker->node_id)
        refuse(d, ERROR_INVALID_REQUEST,
               arena_printf(&d->request->arena,
                            "Unexpected broker id, expected %d%s but received "
                            "%d",
                            d->request->shard->broker->node_id,
                            may_be_empty ? " or empty string," : "", number));
    else
        return true;
    return false;
}

static void describe_key(struct description *d, const char *key, bool is_for_all)
{
    const struct broker *broker = d->request->shard->broker;
    const struct config_row *row = settings_find(slice_text(key));
    struct setting_source sources[SETTING_SOURCES_MAX];
    const char *names[SETTING_SOURCES_MAX] = {key, key, key, key};
    size_t count =
        live_settings_sources(broker->settings, d->request->image, broker->node_id, key, sources);
    size_t kept = 0;
    struct describe_configs_resource_result *entry;

    for (size_t i = 0; i < count; i++)
        if (!is_for_all || sources[i].origin == ORIGIN_ALL_BROKERS)
            sources[kept++] = sources[i];
    entry = add_entry(d, key, row, sources, kept);
    entry->read_only = !row || strcmp(row->name, key) != 0 || !(row->flags & CONFIG_DYNAMIC);
    add_synonyms(d, entry, row, names, sources, kept);
}

static bool is_described(const struct description *d, const struct config_row *row)
{
    if (row->flags & CONFIG_RETIRED || !is_wanted(d, row->name))
        return false;
    return !(row->flags & CONFIG_INTERNAL) ||
           settings_given(&d->request->shard->settings, row->name);
}

/* Keys that have no row of their own: a listener's, and those that nobody knows. */
static void describe_strangers(struct description *d, const struct image_configs *configs,
                               bool is_for_all)
{
    for (size_t i = 0; configs && i < configs->count; i++) {
        const char *key = configs->items[i].name;
        const struct config_row *row = settings_find(slice_text(key));

        if ((!row || strcmp(row->name, key) != 0) && is_wanted(d, key))
            describe_key(d, key, is_for_all);
    }
}

static void describe_broker(struct description *d)
{
    const struct image *image = d->request->image;
    int32_t node_id = d->request->shard->broker->node_id;
    const struct image_configs *own = live_settings_of(image, node_id);
    const struct image_configs *all = live_settings_of(image, -1);
    const struct config_row *row;
    size_t rows = 0;

    if (!is_own_number(d, true))
        return;
    while (settings_row(rows))
        rows++;
    make_room(d, rows + (own ? own->count : 0) + (all ? all->count : 0));
    if (d->resource->resource_name.size == 0) {
        for (size_t i = 0; all && i < all->count; i++)
            if (is_wanted(d, all->items[i].name))
                describe_key(d, all->items[i].name, true);
        return;
    }
    for (size_t i = 0; (row = settings_row(i)); i++)
        if (is_described(d, row))
            describe_key(d, row->name, false);
    describe_strangers(d, own, false);
    describe_strangers(d, all, false);
}

/* --- loggers ---------------------------------------------------------------- */

static void describe_logger(struct description *d, const char *name, enum diag_module module)
{
    struct describe_configs_resource_result *entry = add_entry(d, name, NULL, NULL, 0);

    entry->value =
        slice_text(logger_level_name(diag_get_level(d->request->shard->broker->diag, module)));
    entry->config_source = ORIGIN_LOGGER;
    entry->is_sensitive = false;
    entry->is_default = false; /* In no version. */
    entry->documentation = slice_empty();
}

/* Ours, and those of Kafka's names that were asked for. */
static void describe_loggers(struct description *d)
{
    const struct describe_configs_resource *resource = d->resource;
    size_t keys = (size_t)max_of(resource->configuration_keys_count, 0);
    enum diag_module module;

    if (!is_own_number(d, false))
        return;
    make_room(d, DIAG_MODULES + 1 + keys);
    for (int i = 0; i <= DIAG_MODULES && keys == 0; i++) {
        char name[LOGGER_NAME_SIZE];

        logger_name((enum diag_module)i, name);
        describe_logger(d, name, (enum diag_module)i);
    }
    for (size_t i = 0; i < keys; i++) {
        struct slice key = resource->configuration_keys[i];

        if (logger_find(key, &module))
            describe_logger(d, arena_text(&d->request->arena, key.data, key.size), module);
    }
}

/* --- groups and client metrics ---------------------------------------------- */

static void describe_group(struct description *d)
{
    const struct image_configs *own =
        image_find_configs(d->request->image, IMAGE_RESOURCE_GROUP, d->resource->resource_name);
    const struct config_table *table = &group_config_table;

    if (d->resource->resource_name.size == 0) {
        refuse(d, ERROR_INVALID_REQUEST, "Group name must not be empty");
        return;
    }
    make_room(d, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        const char *value = own ? image_configs_get(own, row->name) : NULL;
        struct describe_configs_resource_result *entry;
        const struct setting_source fallback = {ORIGIN_DEFAULT, row->initial};

        if (!is_wanted(d, row->name) || (row->flags & CONFIG_INTERNAL && !value))
            continue;
        entry = describe_over_broker(d, row, value, ORIGIN_GROUP);
        if (!row->broker) {
            const struct setting_source both[] = {{ORIGIN_GROUP, value}, fallback};
            const char *const names[] = {row->name, row->name};

            entry->value = told(d, row, value ? value : row->initial);
            add_synonyms(d, entry, row, names, value ? both : both + 1,
                         (size_t)(value != NULL) + (row->initial != NULL));
        }
    }
}

static void describe_metrics(struct description *d)
{
    const struct image_configs *own =
        image_find_configs(d->request->image, IMAGE_RESOURCE_METRICS, d->resource->resource_name);
    const struct config_table *table = &metrics_config_table;

    if (d->resource->resource_name.size == 0) {
        refuse(d, ERROR_INVALID_REQUEST, "Client metrics subscription name must not be empty");
        return;
    }
    make_room(d, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        const char *value = own ? image_configs_get(own, row->name) : NULL;
        const struct setting_source source = {value ? ORIGIN_METRICS : ORIGIN_DEFAULT,
                                              value ? value : row->initial};

        if (is_wanted(d, row->name))
            add_synonyms(d, add_entry(d, row->name, row, &source, 1), row, &row->name, &source,
                         value != NULL);
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
        struct description d = {
            .request = request, .resource = &body->resources[i], .result = &response.results[i]};

        d.result->resource_type = d.resource->resource_type;
        d.result->resource_name = d.resource->resource_name;
        d.result->error_message = slice_empty(); /* Not null, as Kafka has it. */
        switch (d.resource->resource_type) {
        case IMAGE_RESOURCE_TOPIC: describe_topic(&d); break;
        case IMAGE_RESOURCE_BROKER: describe_broker(&d); break;
        case IMAGE_RESOURCE_LOGGER: describe_loggers(&d); break;
        case IMAGE_RESOURCE_METRICS: describe_metrics(&d); break;
        case IMAGE_RESOURCE_GROUP: describe_group(&d); break;
        default: refuse(&d, ERROR_INVALID_REQUEST, malformed); break;
        }
    }
    request_answer(request, &response);
}
