/* SPDX-License-Identifier: Apache-2.0 */

/* client/link.c - connecting, greeting, and exchanges in order. */

#include "client/link.h"

#include "base/err.h"
#include "base/mem.h"
#include "client/cluster_internal.h"
#include "wire/bytes.h"
#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/msg/api_versions.h"

#include <stdio.h>
#include <string.h>

DIAG_MODULE("client");

/* A name being resolved on a worker thread.  It outlives a link that is destroyed in the
 * meantime. */
struct link_resolve {
    struct io_work work;
    struct link *link; /* NULL: gone. */
    cluster_resolve_fn *resolve;
    char *host; /* Owned. */
    uint16_t port;
    struct io_address found[CLUSTER_ADDRESSES_MAX];
    size_t found_count;
};

/* --- exchanges --------------------------------------------------------------- */

static void exchange_free(struct exchange *exchange)
{
    list_remove(&exchange->node_in);
    loop_timer_cancel(exchange->link->cluster->loop, &exchange->timer);
    exchange->link->in_flight--;
    if (exchange->call)
        exchange->call->exchange = NULL;
    arena_reset(&exchange->arena);
    mem_free(exchange);
}

/* Everything is with the kernel, or the connection is gone (then closed() follows). */
static void on_sent(struct outgoing *outgoing, bool whole)
{
    struct exchange *exchange = container_of(outgoing, struct exchange, outgoing);
    struct link *link = exchange->link;
    struct call *call = exchange->call;

    exchange->is_sent = true;
    arena_reset(&exchange->arena);
    if (!exchange->has_no_answer || !whole)
        return;
    exchange_free(exchange);
    if (call)
        cluster_call_answered(link->cluster, call);
}

static void on_impatient(struct loop_timer *timer)
{
    struct exchange *exchange = container_of(timer, struct exchange, timer);
    struct link *link = exchange->link;

    diag_warn(link->cluster->settings.diag, "no answer in time; closing the connection",
              kv("node", link->node->id), kv("request", exchange->api->name));
    connection_close(&link->connection, "no answer in time", -ETIMEDOUT);
}

/* Encodes and queues a request whose exchange has its api, version and call. */
static enum call_outcome exchange_start(struct link *link, struct exchange *exchange,
                                        const void *request, int64_t until_us)
{
    struct cluster *cluster = link->cluster;
    struct codec_output output;

    exchange->link = link;
    exchange->correlation = cluster->correlation++ & INT32_MAX;
    if (frame_encode_request(exchange->api, exchange->version, exchange->correlation,
                             slice_text(cluster->client_id), request, &exchange->arena, &output))
        return CALL_E_UNSAYABLE;
    assert(output.gap_count == 0);
    exchange->piece = (struct piece){.data = output.data, .size = output.size};
    exchange->outgoing = (struct outgoing){
        .pieces = &exchange->piece,
        .count = 1,
        .sent = on_sent,
    };
    list_push(&link->exchanges, &exchange->node_in);
    link->in_flight++;
    exchange->timer.fire = on_impatient;
    loop_timer_set(cluster->loop, &exchange->timer, until_us);
    connection_send(&link->connection, &exchange->outgoing);
    return CALL_OK;
}

static struct exchange *exchange_new(const struct wire_api *api, int16_t version)
{
    struct exchange *exchange = mem_new(sizeof(*exchange));

    exchange->api = api;
    exchange->version = version;
    arena_init(&exchange->arena, NULL);
    return exchange;
}

/* --- answers ----------------------------------------------------------------- */

/* Asks for the versions of the node's requests. */
static void greet(struct link *link, int16_t version)
{
    const struct wire_api *api = wire_api_find(API_API_VERSIONS);
    struct api_versions_request request = api_versions_request_defaults;
    struct exchange *exchange = exchange_new(api, version);
    int64_t until_us =
        link->cluster->loop->now_us + link->cluster->settings.request_timeout_ms * 1000;

    request.client_software_name = slice_text("moldau");
    request.client_software_version = slice_text("0.1.0");
    if (exchange_start(link, exchange, &request, until_us) != CALL_OK)
        bug("every version of ApiVersions can say who we are", __FILE__, __LINE__);
}

static void learn_versions(struct link *link, const struct api_versions_response *response)
{
    struct cluster *cluster = link->cluster;

    for (int32_t i = 0; i < response->api_keys_count; i++) {
        const struct api_versions_api_version *v = &response->api_keys[i];

        if (v->api_key < 0 || v->api_key >= LINK_API_KEYS)
            continue;
        link->versions[v->api_key].min = v->min_version;
        link->versions[v->api_key].max = v->max_version;
    }
    link->state = LINK_READY;
    link->failures = 0;
    loop_timer_cancel(cluster->loop, &link->timer);
    cluster_link_changed(cluster);
}

/* The node's answer to a greeting.  A version that it does not know is answered in
 * version 0, whatever was asked. */
static void greeted(struct link *link, int16_t version, struct slice body)
{
    struct api_versions_response response;
    struct arena arena;
    int16_t highest = 0;
    int16_t error;

    if (body.size < 2) {
        connection_close(&link->connection, "malformed answer to ApiVersions", 0);
        return;
    }
    error = bytes_load_i16(body.data);
    arena_init(&arena, NULL);
    if (codec_decode_all(&api_versions_response_message,
                         error == ERROR_UNSUPPORTED_VERSION ? 0 : version, body, &arena,
                         &response)) {
        connection_close(&link->connection, "malformed answer to ApiVersions", 0);
    } else if (error == ERROR_NONE) {
        learn_versions(link, &response);
    } else if (error == ERROR_UNSUPPORTED_VERSION && version > 0) {
        for (int32_t i = 0; i < response.api_keys_count; i++)
            if (response.api_keys[i].api_key == API_API_VERSIONS)
                highest = response.api_keys[i].max_version;
        greet(link, (int16_t)min_of((int)highest, version - 1));
    } else {
        connection_close(&link->connection, "ApiVersions was refused", 0);
    }
    arena_reset(&arena);
}

/* Decodes the answer into the call. */
static void answer(struct call *call, const struct exchange *exchange, struct buf *holder,
                   struct slice body)
{
    const struct wire_message *message = exchange->api->response;
    void *response = arena_new(&call->arena, message->struct_size);
    size_t used;

    call->outcome = CALL_E_MALFORMED;
    if (codec_decode(message, exchange->version, body, &call->arena, response, &used))
        return;
    call->frame = buf_ref(holder);
    call->response = response;
    call->outcome = CALL_OK;
}

static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct link *link = container_of(c, struct link, connection);
    struct list_node *first = list_first(&link->exchanges);
    struct exchange *exchange = first ? container_of(first, struct exchange, node_in) : NULL;
    struct call *call;
    int32_t correlation;
    struct slice body;

    if (!exchange || !exchange->is_sent ||
        frame_decode_response(exchange->api, exchange->version, frame, &correlation, &body) ||
        correlation != exchange->correlation) {
        connection_close(c, "an answer that nobody asked for", 0);
        return;
    }
    call = exchange->call;
    if (call) {
        answer(call, exchange, holder, body);
    } else if (link->state == LINK_CONNECTING) {
        int16_t version = exchange->version;

        exchange_free(exchange);
        greeted(link, version, body);
        return;
    }
    exchange_free(exchange);
    if (!call)
        return;
    if (call->outcome == CALL_OK)
        cluster_call_answered(link->cluster, call);
    else
        cluster_call_failed(link->cluster, call, call->outcome);
}

/* --- connecting -------------------------------------------------------------- */

static void wait_before_next(struct link *link)
{
    struct cluster *cluster = link->cluster;

    link->state = LINK_WAITING;
    loop_timer_set(cluster->loop, &link->timer,
                   cluster->loop->now_us +
                       cluster_backoff_us(cluster, link->failures,
                                          cluster->settings.reconnect_backoff_ms,
                                          cluster->settings.reconnect_backoff_max_ms));
    link->failures++;
    cluster_link_changed(cluster);
}

/* Connecting leads to closed(), which connects to the next address. */
static void on_closed(struct connection *c, const char *why, int error);

static const struct connection_events link_events = {.frame = on_frame, .closed = on_closed};

/* Tries the addresses that are left; false if none is. */
static bool connect_next(struct link *link)
{
    struct cluster *cluster = link->cluster;
    struct io *io = cluster->loop->io;

    while (link->address_at < link->address_count) {
        const struct io_address *address = &link->addresses[link->address_at++];
        int fd;

        if (io->ops->connect(io, address, &fd))
            continue;
        link->state = LINK_CONNECTING;
        for (size_t i = 0; i < COUNT_OF(link->versions); i++)
            link->versions[i].max = -1;
        connection_init(&link->connection, &cluster->net, fd, address, &link_events);
        loop_timer_set(cluster->loop, &link->timer,
                       cluster->loop->now_us + cluster->settings.connect_timeout_ms * 1000);
        greet(link, wire_api_find(API_API_VERSIONS)->max);
        return true;
    }
    return false;
}

static void say_unreachable(const struct link *link, const char *why)
{
    diag_warn(link->cluster->settings.diag, "node could not be reached", kv("node", link->node->id),
              kv("host", link->node->host), kv("port", link->node->port), kv("why", why));
}

static void addresses_found(struct link *link)
{
    link->address_at = 0;
    if (link->address_count == 0)
        say_unreachable(link, "the name has no address");
    if (connect_next(link))
        return;
    if (link->address_count > 0)
        say_unreachable(link, "connection refused");
    wait_before_next(link);
}

static void resolve_run(struct io_work *work, struct io *io)
{
    struct link_resolve *resolve = container_of(work, struct link_resolve, work);

    (void)io;
    resolve->found_count =
        resolve->resolve(resolve->host, resolve->port, resolve->found, COUNT_OF(resolve->found));
}

static void resolve_done(struct io_work *work, struct io *io)
{
    struct link_resolve *resolve = container_of(work, struct link_resolve, work);
    struct link *link = resolve->link;

    (void)io;
    if (link) {
        link->resolve = NULL;
        link->address_count = resolve->found_count;
        memcpy(link->addresses, resolve->found, sizeof(link->addresses));
        addresses_found(link);
    }
    mem_free(resolve->host);
    mem_free(resolve);
}

static void resolve_start(struct link *link)
{
    struct link_resolve *resolve = mem_new(sizeof(*resolve));

    *resolve = (struct link_resolve){
        .work = {.run = resolve_run, .done = resolve_done},
        .link = link,
        .resolve = link->cluster->settings.resolve,
        .host = mem_copy_text(link->node->host, strlen(link->node->host)),
        .port = link->node->port,
    };
    link->resolve = resolve;
    link->state = LINK_RESOLVING;
    link->cluster->loop->io->ops->work_submit(link->cluster->loop->io, &resolve->work);
}

/* Only digits and dots, or a colon: an address, not a name. */
static bool is_numeric(const char *host)
{
    return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

static void add_address(struct link *link, const char *host)
{
    struct io_address *address = &link->addresses[link->address_count++];

    *address = (struct io_address){.port = link->node->port};
    snprintf(address->host, sizeof(address->host), "%s", host);
}

void link_want(struct link *link)
{
    const char *host = link->node->host;

    if (link->state != LINK_IDLE)
        return;
    link->address_count = 0;
    if (is_numeric(host)) {
        add_address(link, host);
        addresses_found(link);
    } else if (strcmp(host, "localhost") == 0) {
        add_address(link, "127.0.0.1");
        add_address(link, "::1");
        addresses_found(link);
    } else if (link->cluster->settings.resolve) {
        resolve_start(link);
    } else {
        addresses_found(link);
    }
}

static void on_timer(struct loop_timer *timer)
{
    struct link *link = container_of(timer, struct link, timer);

    if (link->state == LINK_CONNECTING) {
        connection_close(&link->connection, "connecting took too long", -ETIMEDOUT);
        return;
    }
    assert(link->state == LINK_WAITING);
    link->state = LINK_IDLE;
    cluster_link_changed(link->cluster);
}

static void drop_exchanges(struct link *link, enum call_outcome outcome)
{
    struct list_node *node;

    while ((node = list_first(&link->exchanges))) {
        struct exchange *exchange = container_of(node, struct exchange, node_in);
        struct call *call = exchange->call;

        exchange_free(exchange);
        if (call)
            cluster_call_failed(link->cluster, call, outcome);
    }
}

static void on_closed(struct connection *c, const char *why, int error)
{
    struct link *link = container_of(c, struct link, connection);
    struct cluster *cluster = link->cluster;
    bool was_ready = link->state == LINK_READY;

    loop_timer_cancel(cluster->loop, &link->timer);
    link->state = LINK_WAITING;
    drop_exchanges(link, CALL_E_BROKEN);
    if (!was_ready && connect_next(link))
        return;
    if (was_ready)
        diag_info(cluster->settings.diag, "connection ended", kv("node", link->node->id),
                  kv("why", why), kv("error", error));
    else
        say_unreachable(link, error == -ECONNREFUSED ? "connection refused" : why);
    if (was_ready)
        cluster_refresh(cluster);
    wait_before_next(link);
}

/* --- for the cluster --------------------------------------------------------- */

struct link *link_create(struct cluster *cluster, struct cluster_node *node)
{
    struct link *link = mem_new(sizeof(*link));

    link->cluster = cluster;
    link->node = node;
    link->timer.fire = on_timer;
    list_init(&link->exchanges);
    return link;
}

struct link *link_destroy(struct link *link)
{
    if (!link)
        return NULL;
    if (link->resolve)
        link->resolve->link = NULL;
    loop_timer_cancel(link->cluster->loop, &link->timer);
    if (link->state == LINK_CONNECTING || link->state == LINK_READY)
        connection_fini(&link->connection);
    drop_exchanges(link, CALL_E_STOPPED);
    mem_free(link);
    return NULL;
}

void link_close(struct link *link, const char *why)
{
    if (link->state == LINK_CONNECTING || link->state == LINK_READY)
        connection_close(&link->connection, why, 0);
}

/* The newest version that both sides and the caller know, or -1. */
static int16_t common_version(const struct link *link, const struct call_order *order)
{
    const struct wire_api *api = order->api;
    int low, high;

    if (api->key >= LINK_API_KEYS)
        return -1;
    low = max_of((int)api->min, (int)link->versions[api->key].min);
    high = min_of((int)api->max, (int)link->versions[api->key].max);
    if (order->version_max > 0)
        high = min_of(high, (int)order->version_max);
    return (int16_t)(low <= high ? high : -1);
}

enum call_outcome link_send(struct link *link, struct call *call)
{
    const struct wire_api *api = call->order.api;
    struct cluster *cluster = link->cluster;
    int64_t timeout_ms = call->order.timeout_ms;
    int16_t version = common_version(link, &call->order);
    int64_t until_us;
    struct exchange *exchange;
    enum call_outcome outcome;

    assert(link->state == LINK_READY);
    if (version < 0)
        return CALL_E_UNSUPPORTED;
    if (timeout_ms == 0)
        timeout_ms = cluster->settings.request_timeout_ms;
    until_us = min_of(cluster->loop->now_us + timeout_ms * 1000, call->order.deadline_us);

    call->version = version;
    call->node = link->node->id;
    if (call->events->adapt)
        call->events->adapt(call, version);
    exchange = exchange_new(api, version);
    exchange->has_no_answer = call->order.has_no_answer;
    outcome = exchange_start(link, exchange, call->order.request, until_us);
    if (outcome != CALL_OK) {
        arena_reset(&exchange->arena);
        mem_free(exchange);
        return outcome;
    }
    exchange->call = call;
    call->exchange = exchange;
    call->sends++;
    return CALL_OK;
}

void link_forget(struct exchange *exchange)
{
    exchange->call->exchange = NULL;
    exchange->call = NULL;
}
