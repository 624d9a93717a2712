/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/admission.h"

#include "base/hash.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("broker");

/* An address that connections come from. */
struct origin {
    struct map_node node; /* In admission->addresses. */
    char host[sizeof(((struct io_address *)NULL)->host)];
    int64_t count;
};

/* --- the bounds ------------------------------------------------------------- */

static const struct settings *settings_of(const struct admission *admission)
{
    return &admission->broker->shards[0].settings;
}

/* One `host:count` of max.connections.per.ip.overrides. */
struct override {
    struct slice host;
    int64_t count;
};

/* Takes the first one off the list; false if it is none. */
static bool take_override(const char **list, struct override *out)
{
    const char *start = *list + strspn(*list, " ");
    const char *end = start + strcspn(start, ",");
    const char *colon = memrchr(start, ':', (size_t)(end - start));
    char *behind;

    *list = *end ? end + 1 : end;
    if (!colon || colon == start)
        return false;
    out->host = slice_of(start, (size_t)(colon - start));
    if (slice_is_text(out->host, "localhost"))
        out->host = slice_text("127.0.0.1");
    out->count = strtoll(colon + 1, &behind, 10);
    return behind > colon + 1 && behind + strspn(behind, " ") == end && out->count >= 0 &&
           out->count <= INT32_MAX;
}

bool admission_check(const struct settings *settings, struct text *why)
{
    const char *list = settings->max_connections_per_ip_overrides;
    bool has_one = false;

    while (list && *list) {
        const char *start = list;
        struct override one;

        if (!take_override(&list, &one)) {
            text_printf(why, "max.connections.per.ip.overrides: %.*s is not address:count",
                        (int)strcspn(start, ","), start);
            return false;
        }
        has_one = true;
    }
    if (settings->max_connections_per_ip == 0 && !has_one) {
        text_printf(why, "max.connections.per.ip can be set to zero only if "
                         "max.connections.per.ip.overrides property is set.");
        return false;
    }
    return true;
}

static int64_t most_of_address(const struct admission *admission, const char *host)
{
    const struct settings *settings = settings_of(admission);
    const char *list = settings->max_connections_per_ip_overrides;
    int64_t most = settings->max_connections_per_ip;
    struct override one;

    while (list && *list)
        if (take_override(&list, &one) && slice_is_text(one.host, host))
            most = one.count;
    return most;
}

static int64_t most_of_listener(const struct settings *settings, const char *name)
{
    char key[ENDPOINT_NAME_MAX + 64];
    const char *value;
    size_t at = strlen("listener.name.");

    (void)snprintf(key, sizeof(key), "listener.name.%s.max.connections", name);
    for (size_t i = at; i < at + strlen(name); i++)
        key[i] = (char)tolower((unsigned char)key[i]);
    value = settings_given(settings, key);
    return value ? strtoll(value, NULL, 10) : INT32_MAX;
}

/* Listeners of one name, as there are without a configuration file, are counted as one. */
static struct broker_listener *first_of_name(struct broker *broker, const char *name)
{
    size_t i = 0;

    while (strcmp(broker->listeners[i].name, name) != 0)
        i++;
    return &broker->listeners[i];
}

/* Whether it is the one for brokers among several. */
static bool is_for_brokers(const struct broker *broker, const struct broker_listener *listener)
{
    const char *name = broker->settings->inter_broker_listener_name;
    bool is_one_of_several = false;

    if (listener->is_controller)
        return true;
    for (size_t i = 0; i < broker->listener_count; i++)
        is_one_of_several |= strcmp(broker->listeners[i].name, listener->name) != 0;
    return is_one_of_several && strcmp(listener->name, name ? name : "PLAINTEXT") == 0;
}

static bool has_room(const struct admission *admission, const struct broker_listener *listener)
{
    struct broker *broker = admission->broker;
    const struct broker_listener *first = first_of_name(broker, listener->name);

    if (!admission->is_open || first->connections >= first->connections_max)
        return false;
    return admission->total < settings_of(admission)->max_connections ||
           is_for_brokers(broker, listener);
}

static void hold_listeners(struct admission *admission)
{
    struct broker *broker = admission->broker;

    for (size_t i = 0; i < broker->listener_count; i++) {
        struct broker_listener *listener = &broker->listeners[i];

        listener_hold(&listener->listener, !has_room(admission, listener));
    }
}

/* --- too many --------------------------------------------------------------- */

/* Of sessions that may be ended, the one that was quiet for longest. */
static struct session *quietest(const struct shard *shard)
{
    struct session *found = NULL;

    list_each (node, &shard->sessions) {
        struct session *session = container_of(node, struct session, node);

        if (!session->connection.is_closing && !is_for_brokers(shard->broker, session->listener) &&
            (!found || session->connection.active_us < found->connection.active_us))
            found = session;
    }
    return found;
}

static void shed_run(struct leg *leg)
{
    struct admission *admission = container_of(leg, struct admission, shedding);
    struct session *session;

    admission->found = 0;
    while (admission->found < admission->wanted && (session = quietest(leg->to))) {
        session->is_shed = true;
        connection_close(&session->connection, "there are more than max.connections", 0);
        admission->found++;
    }
    leg_finish(leg);
}

/* Asks one shard after the other, each for its share, until enough have ended. */
static void shed(struct admission *admission)
{
    struct broker *broker = admission->broker;
    int64_t excess =
        admission->total - admission->leaving - settings_of(admission)->max_connections;

    if (admission->is_shedding || excess <= 0 || admission->in_vain == broker->shard_count)
        return;
    admission->is_shedding = true;
    admission->wanted = (excess + broker->shard_count - 1) / broker->shard_count;
    admission->shard = (admission->shard + 1) % broker->shard_count;
    leg_send(&admission->shedding, &broker->shards[0], &broker->shards[admission->shard]);
}

static void shed_done(struct leg *leg)
{
    struct admission *admission = container_of(leg, struct admission, shedding);

    admission->is_shedding = false;
    admission->leaving += admission->found;
    admission->in_vain = admission->found ? 0 : admission->in_vain + 1;
    shed(admission);
}

/* --- coming and going ------------------------------------------------------- */

void admission_init(struct admission *admission, struct broker *broker)
{
    *admission =
        (struct admission){.broker = broker, .shedding = {.run = shed_run, .done = shed_done}};
    map_init(&admission->addresses);
}

static void reconsider(struct admission *admission)
{
    admission->in_vain = 0;
    shed(admission);
    hold_listeners(admission);
}

void admission_open(struct admission *admission)
{
    admission->is_open = true;
    reconsider(admission);
}

void admission_fini(struct admission *admission)
{
    struct map_node *node;

    while ((node = map_pop(&admission->addresses)))
        mem_free(container_of(node, struct origin, node));
    map_fini(&admission->addresses);
}

void admission_settings_changed(struct admission *admission)
{
    struct broker *broker = admission->broker;

    for (size_t i = 0; i < broker->listener_count; i++) {
        struct broker_listener *listener = &broker->listeners[i];

        listener->connections_max = most_of_listener(settings_of(admission), listener->name);
    }
    reconsider(admission);
}

static struct origin *find_origin(const struct admission *admission, const char *host)
{
    uint64_t hash = hash_slice(slice_text(host), 0);

    for (struct map_node *n = map_find(&admission->addresses, hash); n; n = map_find_next(n))
        if (strcmp(container_of(n, struct origin, node)->host, host) == 0)
            return container_of(n, struct origin, node);
    return NULL;
}

static struct origin *get_origin(struct admission *admission, const char *host)
{
    struct origin *origin = find_origin(admission, host);

    if (origin)
        return origin;
    origin = mem_new(sizeof(*origin));
    (void)snprintf(origin->host, sizeof(origin->host), "%s", host);
    map_put(&admission->addresses, &origin->node, hash_slice(slice_text(host), 0));
    return origin;
}

bool admission_enter(struct admission *admission, struct broker_listener *listener,
                     const struct io_address *peer)
{
    int64_t most = most_of_address(admission, peer->host);
    struct origin *origin = find_origin(admission, peer->host);

    if ((origin ? origin->count : 0) >= most) {
        diag_debug(admission->broker->diag, "connection refused: too many of this address",
                   kv("peer", peer->host), kv("max", most));
        return false;
    }
    get_origin(admission, peer->host)->count++;
    first_of_name(admission->broker, listener->name)->connections++;
    admission->total++;
    reconsider(admission);
    return true;
}

void admission_leave(struct admission *admission, const struct broker_listener *listener,
                     const struct io_address *peer, bool was_shed)
{
    struct origin *origin = find_origin(admission, peer->host);

    if (--origin->count == 0) {
        map_remove(&admission->addresses, &origin->node);
        mem_free(origin);
    }
    first_of_name(admission->broker, listener->name)->connections--;
    admission->total--;
    admission->leaving -= was_shed;
    hold_listeners(admission);
}
