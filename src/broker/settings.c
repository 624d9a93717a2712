/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/settings.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define AT_START CONFIG_AT_START
#define OURS CONFIG_OURS
#define ALL_BROKERS CONFIG_DYNAMIC
#define INTERNAL CONFIG_INTERNAL
#define RETIRED CONFIG_RETIRED
#define ONE_BROKER (CONFIG_DYNAMIC | CONFIG_ONE_ONLY)
#define ANY .choices = NULL
#define RANGE(low, high) .min = (low), .max = (high)
#define RANGE_OR(low, high, other) .min = (low), .max = (high), .choices = (other)
#define CHOICE(list) .choices = (list)

static const struct config_row rows[] = {
#define CONFIG(id, key, TYPE, dflt, VALID, FLAGS, text)                                            \
    {.name = key,                                                                                  \
     .type = CONFIG_##TYPE,                                                                        \
     .initial = dflt,                                                                              \
     VALID,                                                                                        \
     .flags = FLAGS,                                                                               \
     .about = text,                                                                                \
     .offset = offsetof(struct settings, id)},
#include "broker/config.def"
};

const struct config_table settings_table = {.rows = rows, .count = COUNT_OF(rows)};

static const struct config_row known_rows[] = {
#define KNOWN(key, TYPE, dflt, VALID, FLAGS)                                                       \
    {.name = key, .type = CONFIG_##TYPE, .initial = dflt, VALID, .flags = FLAGS},
#include "broker/known_configs.def"
};

static const char *const families[] = {
#define FAMILY(prefix, about) prefix,
#include "broker/known_configs.def"
};

static const struct config_table known_table = {.rows = known_rows, .count = COUNT_OF(known_rows)};

/* --- what was written down -------------------------------------------------- */

/* Notes it; returns whether the key has not been given before. */
static bool give(struct settings *settings, struct slice key, struct slice value)
{
    size_t before = settings->given_count;
    struct setting_given *one = NULL;

    for (size_t i = 0; i < settings->given_count && !one; i++)
        if (slice_is_text(key, settings->given[i].key))
            one = &settings->given[i];
    if (!one) {
        settings->given =
            mem_resize(settings->given, settings->given_count + 1, sizeof(*settings->given));
        one = &settings->given[settings->given_count++];
        *one = (struct setting_given){.key = mem_copy_text(key.data, key.size)};
    }
    mem_free(one->value);
    one->value = mem_copy_text(value.data, value.size);
    return settings->given_count > before;
}

const char *settings_given(const struct settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->given_count; i++)
        if (strcmp(settings->given[i].key, key) == 0)
            return settings->given[i].value;
    return NULL;
}

void settings_copy(const struct settings *from, struct settings *to)
{
    config_copy(&settings_table, from, to);
    for (size_t i = 0; i < from->given_count; i++)
        give(to, slice_text(from->given[i].key), slice_text(from->given[i].value));
}

const struct config_row *settings_row(size_t at)
{
    if (at < settings_table.count)
        return &settings_table.rows[at];
    at -= settings_table.count;
    return at < known_table.count ? &known_table.rows[at] : NULL;
}

bool settings_is_served(const struct config_row *row)
{
    return row >= settings_table.rows && row < settings_table.rows + settings_table.count;
}

void settings_init(struct settings *settings)
{
    *settings = (struct settings){.node_id = 0};
    config_defaults(&settings_table, settings);
}

void settings_set_alone(struct settings *settings)
{
    settings->group_initial_rebalance_delay_ms = 0;
    settings->offsets_topic_replication_factor = 1;
    (void)give(settings, slice_text("group.initial.rebalance.delay.ms"), slice_text("0"));
    (void)give(settings, slice_text("offsets.topic.replication.factor"), slice_text("1"));
}

void settings_fini(struct settings *settings)
{
    config_fini(&settings_table, settings);
    for (size_t i = 0; i < settings->given_count; i++) {
        mem_free(settings->given[i].key);
        mem_free(settings->given[i].value);
    }
    settings->given = mem_free(settings->given);
    settings->given_count = 0;
}

/* Of `listener.name.<listener>.<key>` the last part; null if it is no such key. */
static struct slice key_of_listener(struct slice key)
{
    static const char prefix[] = "listener.name.";
    const uint8_t *dot;

    if (key.size < sizeof(prefix) || memcmp(key.data, prefix, sizeof(prefix) - 1) != 0)
        return slice_null();
    key = slice_of(key.data + sizeof(prefix) - 1, key.size - (sizeof(prefix) - 1));
    dot = memchr(key.data, '.', key.size);
    return dot ? slice_of(dot + 1, key.size - (size_t)(dot + 1 - key.data)) : slice_empty();
}

const struct config_row *settings_find(struct slice key)
{
    struct slice inner = key_of_listener(key);
    const struct config_row *row;

    if (!slice_is_null(inner))
        key = inner;
    row = config_find(&settings_table, key);
    return row ? row : config_find(&known_table, key);
}

void settings_change(struct settings *settings, const char *key, const char *value)
{
    const struct config_row *row = config_find(&settings_table, slice_text(key));
    struct text why = {.data = NULL};
    bool is_valid = !row || (row->flags & CONFIG_DYNAMIC &&
                             config_set(row, settings, slice_text(value), &why) == 0);

    if (is_valid)
        give(settings, slice_text(key), slice_text(value));
    text_fini(&why);
}

static bool is_of_family(struct slice key)
{
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        size_t size = strlen(families[i]);

        if (key.size > size && memcmp(key.data, families[i], size) == 0)
            return true;
    }
    return false;
}

int settings_set(struct settings *settings, struct slice key, struct slice value,
                 struct text *unserved, struct text *why)
{
    const struct config_row *row = config_find(&settings_table, key);
    const struct config_row *near;

    if (row) {
        if (config_set(row, settings, value, why))
            return SETTINGS_E_INVALID;
        give(settings, key, value);
        return 0;
    }
    if (slice_is_text(key_of_listener(key), "max.connections")) { /* Read by admission.c. */
        if (config_check(settings_find(key), value, why))
            return SETTINGS_E_INVALID;
        give(settings, key, value);
        return 0;
    }
    if (config_find(&known_table, key) || is_of_family(key)) {
        if (give(settings, key, value))
            text_printf(unserved, "%.*s\n", SLICE_ARG(key));
        return 0;
    }
    near = config_nearest(&settings_table, key);
    if (!near)
        near = config_nearest(&known_table, key);
    text_printf(why, "unknown configuration %.*s%s%s%s", SLICE_ARG(key),
                near ? "; did you mean " : "", near ? near->name : "", near ? "?" : "");
    return SETTINGS_E_INVALID;
}

struct reading {
    struct settings *settings;
    struct text *unserved, *why;
};

static int set_pair(void *context, struct slice key, struct slice value)
{
    struct reading *reading = context;

    return settings_set(reading->settings, key, value, reading->unserved, reading->why);
}

int settings_read(struct settings *settings, struct slice file, struct text *unserved,
                  struct text *why)
{
    struct reading reading = {.settings = settings, .unserved = unserved, .why = why};

    return config_parse(file, set_pair, &reading, why) ? SETTINGS_E_INVALID : 0;
}

int32_t settings_node_id(const struct settings *settings)
{
    return (int32_t)(settings->broker_id >= 0 ? settings->broker_id : settings->node_id);
}

/* --- defaults of topics ----------------------------------------------------- */

static int64_t retention_ms(const struct settings *s)
{
    int64_t ms = s->log_retention_ms;

    if (ms == CONFIG_NOT_SET && s->log_retention_minutes != CONFIG_NOT_SET)
        ms = s->log_retention_minutes * 60 * 1000;
    if (ms == CONFIG_NOT_SET)
        ms = s->log_retention_hours * 60 * 60 * 1000;
    return max_of(ms, (int64_t)-1);
}

static int64_t roll_ms(const struct settings *s)
{
    return s->log_roll_ms == CONFIG_NOT_SET ? s->log_roll_hours * 60 * 60 * 1000 : s->log_roll_ms;
}

static int64_t roll_jitter_ms(const struct settings *s)
{
    return s->log_roll_jitter_ms == CONFIG_NOT_SET ? s->log_roll_jitter_hours * 60 * 60 * 1000
                                                   : s->log_roll_jitter_ms;
}

/* Topics' defaults that are made of several keys. */
static const struct {
    const char *key;
    int64_t (*of)(const struct settings *s);
} made[] = {
    {"log.retention.ms", retention_ms},
    {"log.roll.ms", roll_ms},
    {"log.roll.jitter.ms", roll_jitter_ms},
};

void settings_print(const struct settings *settings, const char *key, const char *unset,
                    struct text *out)
{
    const struct config_row *row = config_find(&settings_table, slice_text(key));
    const char *given = settings_given(settings, key);

    for (size_t i = 0; i < COUNT_OF(made); i++) {
        if (strcmp(key, made[i].key) == 0) {
            text_printf(out, "%" PRId64, made[i].of(settings));
            return;
        }
    }
    if (row && row->initial) {
        config_print(row, settings, out);
        return;
    }
    row = settings_find(slice_text(key));
    if (row && given)
        config_normal(row, slice_text(given), out);
    else
        text_printf(out, "%s", row && row->initial ? row->initial : unset);
}

/* --- listeners -------------------------------------------------------------- */

enum { ENDPOINT_TEXT_MAX = 400 };

/* One `NAME://host:port`, taken apart. */
struct listener_text {
    char name[64];
    char host[256];
    uint16_t port;
};

static bool is_in_list(const char *list, const char *name)
{
    size_t size = strlen(name);

    while (list) {
        list += strspn(list, " ");
        if (strncmp(list, name, size) == 0 && (list[size] == 0 || list[size] == ','))
            return true;
        list = strchr(list, ',');
        list = list ? list + 1 : NULL;
    }
    return false;
}

unsigned settings_roles(const struct settings *settings)
{
    const char *list = settings->process_roles;

    if (!list || !*list)
        return ROLE_BROKER | ROLE_CONTROLLER;
    return (is_in_list(list, "broker") ? ROLE_BROKER : 0) |
           (is_in_list(list, "controller") ? ROLE_CONTROLLER : 0);
}

static bool copy_part(char *out, size_t out_size, const char *from, size_t size)
{
    if (size >= out_size)
        return false;
    memcpy(out, from, size);
    out[size] = 0;
    return true;
}

static bool parse_listener(struct slice text, struct listener_text *out)
{
    char whole[ENDPOINT_TEXT_MAX];
    const char *separator;
    const char *colon;
    const char *host;
    char *end;
    long port;

    if (!copy_part(whole, sizeof(whole), (const char *)text.data, text.size))
        return false;
    separator = strstr(whole, "://");
    colon = strrchr(whole, ':');
    if (!separator || !colon || colon < separator + 3)
        return false;
    host = separator + 3;
    port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || port < 0 || port > UINT16_MAX)
        return false;
    if (*host == '[' && colon[-1] == ']') {
        if (!copy_part(out->host, sizeof(out->host), host + 1, (size_t)(colon - host) - 2))
            return false;
    } else if (!copy_part(out->host, sizeof(out->host), host, (size_t)(colon - host))) {
        return false;
    }
    out->port = (uint16_t)port;
    return copy_part(out->name, sizeof(out->name), whole, (size_t)(separator - whole));
}

/* Takes the next element of a comma-separated list, without blanks around it. */
static bool take_element(const char **list, struct slice *out)
{
    const char *start = *list + strspn(*list, " ,");
    size_t size = strcspn(start, ",");

    *list = start + size;
    while (size > 0 && start[size - 1] == ' ')
        size--;
    *out = slice_of(start, size);
    return size > 0;
}

static int listen_host(const struct listener_text *from, struct endpoint *out, struct text *why)
{
    const char *host = from->host;

    if (!*host)
        host = "0.0.0.0"; /* Kafka: an empty host is the default interface. */
    else if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (strspn(host, "0123456789abcdefABCDEF.:") != strlen(host) ||
        strlen(host) >= sizeof(out->listen.host)) {
        text_printf(why, "listeners: %s is not an address; give a numeric one or localhost", host);
        return SETTINGS_E_INVALID;
    }
    (void)snprintf(out->listen.host, sizeof(out->listen.host), "%s", host);
    out->listen.port = from->port;
    out->advertised_port = from->port;
    (void)snprintf(out->advertised_host, sizeof(out->advertised_host), "%s",
                   *from->host ? from->host : "localhost");
    return 0;
}

/* Where `advertised.listeners` says something for the listener `name`, it wins. */
static int advertise(const struct settings *settings, const char *name, struct endpoint *out,
                     struct text *why)
{
    const char *list = settings->advertised_listeners;
    struct slice element;

    while (list && take_element(&list, &element)) {
        struct listener_text parsed;

        if (!parse_listener(element, &parsed)) {
            text_printf(why, "advertised.listeners: %.*s is not NAME://host:port",
                        SLICE_ARG(element));
            return SETTINGS_E_INVALID;
        }
        if (strcmp(parsed.name, name) == 0) {
            memcpy(out->advertised_host, parsed.host, sizeof(out->advertised_host));
            out->advertised_port = parsed.port;
        }
    }
    return 0;
}

/* What older files say instead of advertised.listeners. */
static void advertise_without_listeners(const struct settings *settings, struct endpoint *out)
{
    const char *host = settings->advertised_host_name ? settings->advertised_host_name
                       : settings->host_name          ? settings->host_name
                                                      : "localhost";

    (void)snprintf(out->advertised_host, sizeof(out->advertised_host), "%s", host);
    if (settings->advertised_port != CONFIG_NOT_SET)
        out->advertised_port = (uint16_t)settings->advertised_port;
}

static int add_endpoint(const struct settings *settings, struct slice element, struct endpoint *out,
                        struct text *why)
{
    struct listener_text parsed;
    int r;

    if (!parse_listener(element, &parsed)) {
        text_printf(why, "listeners: %.*s is not NAME://host:port", SLICE_ARG(element));
        return SETTINGS_E_INVALID;
    }
    out->is_controller = is_in_list(settings->controller_listener_names, parsed.name);
    memcpy(out->name, parsed.name, sizeof(out->name));
    if (strstr(parsed.name, "SSL") || strstr(parsed.name, "SASL")) {
        text_printf(why, "listeners: %s is not served yet; only PLAINTEXT is", parsed.name);
        return SETTINGS_E_INVALID;
    }
    r = listen_host(&parsed, out, why);
    if (!settings->listeners)
        advertise_without_listeners(settings, out);
    return r ? r : advertise(settings, parsed.name, out, why);
}

/* Whether the listeners are those of the node's roles. */
static int check_roles(const struct settings *settings, const struct endpoint *endpoints,
                       size_t count, struct text *why)
{
    unsigned roles = settings_roles(settings);
    unsigned has = 0;

    for (size_t i = 0; i < count; i++)
        has |= endpoints[i].is_controller ? ROLE_CONTROLLER : ROLE_BROKER;
    if (roles & ROLE_BROKER && !(has & ROLE_BROKER))
        text_printf(why, "listeners: there is none for clients");
    else if (roles == ROLE_CONTROLLER && !(has & ROLE_CONTROLLER))
        text_printf(why, "listeners: there is none of controller.listener.names");
    else if (has & ~roles)
        text_printf(why, "listeners: there is one of a role that is not in process.roles");
    else
        return 0;
    return SETTINGS_E_INVALID;
}

/* The listeners where there is no key of that name: loopback, or what older files say. */
static void print_default(const struct settings *settings, char out[static ENDPOINT_TEXT_MAX])
{
    int port = settings->port == CONFIG_NOT_SET ? 9092 : (int)settings->port;

    if (settings->host_name && *settings->host_name)
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "PLAINTEXT://%s:%d", settings->host_name, port);
    else
        (void)snprintf(out, ENDPOINT_TEXT_MAX, "PLAINTEXT://localhost:%d,PLAINTEXT://[::1]:%d",
                       port, port);
}

int settings_endpoints(const struct settings *settings, struct endpoint out[static ENDPOINTS_MAX],
                       size_t *out_count, struct text *why)
{
    char alone[ENDPOINT_TEXT_MAX];
    const char *list = settings->listeners ? settings->listeners : alone;
    struct slice element;
    size_t count = 0;

    print_default(settings, alone);
    while (take_element(&list, &element)) {
        int r;

        if (count == ENDPOINTS_MAX) {
            text_printf(why, "listeners: more than %d", ENDPOINTS_MAX);
            return SETTINGS_E_INVALID;
        }
        out[count] = (struct endpoint){.advertised_port = 0};
        r = add_endpoint(settings, element, &out[count], why);
        if (r)
            return r;
        count++;
    }
    *out_count = count;
    return check_roles(settings, out, count, why);
}

int settings_controllers(const struct settings *settings, struct text *out, struct text *why)
{
    const char *list = settings->controller_quorum_bootstrap_servers;
    struct slice element;

    if (!list || !*list)
        list = settings->controller_quorum_voters;
    while (list && take_element(&list, &element)) {
        const uint8_t *at = memchr(element.data, '@', element.size); /* Voters: ID@HOST:PORT */
        size_t skipped = at ? (size_t)(at + 1 - element.data) : 0;

        text_printf(out, "%s%.*s", out->size ? "," : "", (int)(element.size - skipped),
                    (const char *)element.data + skipped);
    }
    if (out->size > 0)
        return 0;
    text_printf(why, "a node that is only a broker needs controller.quorum.bootstrap.servers (or "
                     "controller.quorum.voters)");
    return SETTINGS_E_INVALID;
}

/* --- folders of data -------------------------------------------------------- */

static bool has_path(const struct settings_dir *dirs, int count, struct slice path)
{
    for (int i = 0; i < count; i++)
        if (slice_is_text(path, dirs[i].path))
            return true;
    return false;
}

static int add_dirs(const char *list, struct settings_dir out[static SETTINGS_DIRS_MAX],
                    int *out_count, struct text *why)
{
    struct slice element;
    int count = 0;
    int r = 0;

    while (r == 0 && take_element(&list, &element)) {
        if (count == SETTINGS_DIRS_MAX - 1) {
            text_printf(why, "log.dirs: more than %d folders", SETTINGS_DIRS_MAX - 1);
            r = SETTINGS_E_INVALID;
        } else if (has_path(out, count, element)) {
            text_printf(why, "log.dirs names %.*s twice", SLICE_ARG(element));
            r = SETTINGS_E_INVALID;
        } else {
            out[count++] = (struct settings_dir){.path = mem_copy_text(element.data, element.size),
                                                 .is_for_logs = true};
        }
    }
    *out_count = count;
    return r;
}

/* Moves the one for the metadata, made if there is none, to the front. */
static void put_metadata_first(const char *path, struct settings_dir *dirs, int *count)
{
    struct settings_dir first;
    int at = 0;

    while (path && at < *count && strcmp(dirs[at].path, path) != 0)
        at++;
    if (at == *count)
        dirs[(*count)++] = (struct settings_dir){.path = mem_copy_text(path, strlen(path))};
    first = dirs[at];
    memmove(dirs + 1, dirs, (size_t)at * sizeof(*dirs));
    dirs[0] = first;
    dirs[0].is_for_metadata = true;
}

int settings_dirs(const struct settings *settings,
                  struct settings_dir out[static SETTINGS_DIRS_MAX], int *out_count,
                  struct text *why)
{
    const char *list = settings->log_dirs ? settings->log_dirs : settings->log_dir;
    int count = 0;
    int r = add_dirs(list, out, &count, why);

    if (r == 0 && count == 0) {
        text_printf(why, "log.dirs is empty");
        r = SETTINGS_E_INVALID;
    }
    if (r) {
        for (int i = 0; i < count; i++)
            mem_free(out[i].path);
        return r;
    }
    put_metadata_first(settings->metadata_log_dir, out, &count);
    *out_count = count;
    return 0;
}
