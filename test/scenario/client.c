/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/client.h"

#include "base/mem.h"
#include "wire/api.h"
#include "wire/msg/api_versions.h"

enum {
    TIMEOUT_MIN_US = 1500 * 1000,
    TIMEOUT_MAX_US = 4000 * 1000,
    RETRY_MIN_US = 2 * 1000,
    RETRY_MAX_US = 60 * 1000,
    FRAME_MAX = 16 * 1024 * 1024,
};

/* The first versions that speak of batches and of times: what clients of before Kafka 0.11 say
 * is another language, which test/compat/old_clients.py speaks. */
static const int16_t first_versions[CLIENT_API_COUNT] = {
    [CLIENT_PRODUCE] = 3,
    [CLIENT_FETCH] = 4,
    [CLIENT_LIST_OFFSETS] = 1,
};

static const int16_t api_keys[CLIENT_API_COUNT] = {
    [CLIENT_PRODUCE] = API_PRODUCE,
    [CLIENT_FETCH] = API_FETCH,
    [CLIENT_LIST_OFFSETS] = API_LIST_OFFSETS,
    [CLIENT_METADATA] = API_METADATA,
    [CLIENT_CREATE_TOPICS] = API_CREATE_TOPICS,
    [CLIENT_DELETE_TOPICS] = API_DELETE_TOPICS,
    [CLIENT_DELETE_RECORDS] = API_DELETE_RECORDS,
    [CLIENT_INIT_PRODUCER_ID] = API_INIT_PRODUCER_ID,
    [CLIENT_FIND_COORDINATOR] = API_FIND_COORDINATOR,
    [CLIENT_JOIN_GROUP] = API_JOIN_GROUP,
    [CLIENT_SYNC_GROUP] = API_SYNC_GROUP,
    [CLIENT_HEARTBEAT] = API_HEARTBEAT,
    [CLIENT_LEAVE_GROUP] = API_LEAVE_GROUP,
    [CLIENT_OFFSET_COMMIT] = API_OFFSET_COMMIT,
    [CLIENT_OFFSET_FETCH] = API_OFFSET_FETCH,
    [CLIENT_OFFSET_DELETE] = API_OFFSET_DELETE,
    [CLIENT_DELETE_GROUPS] = API_DELETE_GROUPS,
    [CLIENT_API_VERSIONS] = API_API_VERSIONS,
};

/* --- calls ------------------------------------------------------------------ */

static void call_put(struct client_call *call)
{
    if (--call->holds > 0)
        return;
    arena_reset(&call->arena);
    mem_free(call);
}

static void call_end(struct client_call *call, const void *response)
{
    list_remove(&call->node);
    if (call->done)
        call->done(call->client->owner, call, response);
    call_put(call);
}

static void call_sent(struct outgoing *outgoing, bool whole)
{
    (void)whole;
    call_put(container_of(outgoing, struct client_call, outgoing));
}

struct client_call *client_call_new(struct client *client, enum client_api api,
                                    client_done_fn *done, void *context)
{
    struct client_call *call = mem_new(sizeof(*call));

    call->client = client;
    call->api = wire_api_find(api_keys[api]);
    assert(call->api);
    call->version = client->versions[api].chosen;
    call->done = done;
    call->context = context;
    arena_init(&call->arena, NULL);
    return call;
}

static void watch_oldest(struct client *client)
{
    const struct list_node *oldest = list_first(&client->calls);

    if (oldest)
        loop_timer_set(
            &client->loop, &client->timeout,
            container_of(list_first(&client->calls), struct client_call, node)->deadline_us);
    else
        loop_timer_cancel(&client->loop, &client->timeout);
}

void client_send(struct client_call *call, const void *request, bool is_answered)
{
    struct client *client = call->client;
    int r;

    call->correlation_id = client->next_correlation_id++;
    call->deadline_us = io_monotonic_us(client->io) + client->timeout_us;
    call->invoked = history_now(client->run->history);
    r = frame_encode_request(call->api, call->version, call->correlation_id, slice_text("sim"),
                             request, &call->arena, &call->output);
    if (r || call->output.gap_count > 0)
        run_fail(client->run, "request %s version %d cannot be encoded (%d)", call->api->name,
                 call->version, r);
    call->piece = (struct piece){.data = call->output.data, .size = call->output.size};
    call->outgoing = (struct outgoing){.pieces = &call->piece, .count = 1, .sent = call_sent};
    call->holds = is_answered ? 2 : 1;
    if (is_answered)
        list_push(&client->calls, &call->node);
    connection_send(&client->connection, &call->outgoing);
    watch_oldest(client);
}

/* --- the connection --------------------------------------------------------- */

static bool decode(struct client_call *call, struct slice frame, void **out)
{
    int32_t correlation_id = -1;
    struct slice body;
    void *response = arena_new(&call->arena, call->api->response->struct_size);
    int r = frame_decode_response(call->api, call->version, frame, &correlation_id, &body);

    if (r == 0)
        r = codec_decode_all(call->api->response, call->version, body, &call->arena, response);
    if (r == 0 && correlation_id == call->correlation_id) {
        *out = response;
        return true;
    }
    run_fail(call->client->run, "answer to %s version %d cannot be understood (%d), id %d not %d",
             call->api->name, call->version, r, correlation_id, call->correlation_id);
    return false;
}

static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct client *client = container_of(c, struct client, connection);
    struct list_node *oldest = list_first(&client->calls);
    struct client_call *call;
    void *response;

    (void)holder;
    if (!oldest) {
        run_fail(client->run, "an answer that nobody has asked for");
        connection_close(c, "unasked", 0);
        return;
    }
    call = container_of(oldest, struct client_call, node);
    if (!decode(call, frame, &response)) {
        connection_close(c, "garbage", 0);
        return;
    }
    call_end(call, response);
    watch_oldest(client);
}

static void end_calls(struct client *client)
{
    struct list_node *node;

    while ((node = list_first(&client->calls)))
        call_end(container_of(node, struct client_call, node), NULL);
    loop_timer_cancel(&client->loop, &client->timeout);
}

static void connect_later(struct client *client)
{
    if (!client->is_stopping)
        loop_timer_set(&client->loop, &client->retry,
                       io_monotonic_us(client->io) +
                           rng_between(&client->run->rng, RETRY_MIN_US, RETRY_MAX_US));
}

static void on_closed(struct connection *c, const char *why, int error)
{
    struct client *client = container_of(c, struct client, connection);
    bool was_ready = client->is_ready;

    (void)why;
    (void)error;
    client->has_connection = client->is_ready = false;
    end_calls(client);
    if (was_ready && client->lost)
        client->lost(client->owner);
    connect_later(client);
}

static const struct connection_events client_events = {.frame = on_frame, .closed = on_closed};

static void timed_out(struct loop_timer *timer)
{
    struct client *client = container_of(timer, struct client, timeout);

    run_say(client->run, "%s: no answer in time", client->owner ? "client" : "?");
    if (client->has_connection)
        connection_close(&client->connection, "no answer in time", 0);
}

/* --- which versions --------------------------------------------------------- */

void client_choose_version(struct client *client, enum client_api api, int16_t from)
{
    struct client_versions *v = &client->versions[api];

    v->chosen = (int16_t)rng_between(&client->run->rng, max_of(v->min, from), v->max);
}

/* What the broker has of one of our APIs. */
static void note_versions(struct client *client, enum client_api api,
                          const struct api_versions_response *response)
{
    const struct wire_api *ours = wire_api_find(api_keys[api]);
    struct client_versions *v = &client->versions[api];

    for (int32_t i = 0; i < response->api_keys_count; i++) {
        const struct api_versions_api_version *theirs = &response->api_keys[i];

        if (theirs->api_key != ours->key)
            continue;
        v->min = (int16_t)max_of(ours->min, theirs->min_version);
        v->min = (int16_t)max_of(v->min, first_versions[api]);
        v->max = (int16_t)min_of(ours->max, theirs->max_version);
        if (v->chosen < v->min || v->chosen > v->max) /* Else it goes on with the same. */
            client_choose_version(client, api, v->min);
        return;
    }
    run_fail(client->run, "the broker does not have the API %s", ours->name);
}

static void got_versions(void *owner, struct client_call *call, const void *answer)
{
    const struct api_versions_response *response = answer;
    struct client *client = call->client;

    (void)owner;
    if (!response)
        return;
    if (response->error_code)
        run_fail(client->run, "ApiVersions is answered with error %d", response->error_code);
    for (int api = 0; api < CLIENT_API_VERSIONS; api++)
        note_versions(client, (enum client_api)api, response);
    client->is_ready = true;
    client->ready(client->owner);
}

static void ask_versions(struct client *client)
{
    struct client_call *call = client_call_new(client, CLIENT_API_VERSIONS, got_versions, NULL);
    struct api_versions_request request = api_versions_request_defaults;

    request.client_software_name = slice_text("moldau-sim");
    request.client_software_version = slice_text("1");
    client_send(call, &request, true);
}

static void client_connect(struct client *client)
{
    int fd;
    int r = client->io->ops->connect(client->io, &client->broker, &fd);

    if (r) {
        connect_later(client);
        return;
    }
    client->has_connection = true;
    connection_init(&client->connection, &client->net, fd, &client->broker, &client_events);
    ask_versions(client);
}

static void retry(struct loop_timer *timer)
{
    client_connect(container_of(timer, struct client, retry));
}

/* --- life ------------------------------------------------------------------- */

void client_init(struct client *client, struct run *run, const char *name,
                 const struct io_address *broker)
{
    *client = (struct client){
        .run = run,
        .node = sim_node_create(run->sim, name),
        .broker = *broker,
        .timeout = {.fire = timed_out},
        .retry = {.fire = retry},
        .timeout_us = rng_between(&run->rng, TIMEOUT_MIN_US, TIMEOUT_MAX_US),
    };
    client->io = sim_io_create(client->node);
    loop_init(&client->loop, client->io);
    budget_init(&client->budget, SIZE_MAX);
    net_init(&client->net, &client->loop, &client->budget, FRAME_MAX);
    list_init(&client->calls);
    for (int api = 0; api < CLIENT_API_COUNT; api++)
        client->versions[api].chosen = -1;
    client->versions[CLIENT_API_VERSIONS].chosen = (int16_t)rng_between(&run->rng, 0, 4);
    sim_attach(client->io, &client->loop);
    loop_timer_set(&client->loop, &client->retry, io_monotonic_us(client->io));
}

void client_move(struct client *client, const struct io_address *broker)
{
    bool is_there =
        strcmp(client->broker.host, broker->host) == 0 && client->broker.port == broker->port;

    client->broker = *broker;
    if (!is_there && client->has_connection)
        connection_close(&client->connection, "another broker leads", 0);
}

void client_move_to_coordinator(struct client *client, int16_t version,
                                const struct find_coordinator_response *response)
{
    bool has_list = version >= 4;
    struct slice host = has_list ? response->coordinators[0].host : response->host;
    int32_t port = has_list ? response->coordinators[0].port : response->port;
    struct io_address address = {.port = (uint16_t)port};

    (void)snprintf(address.host, sizeof(address.host), "%.*s", SLICE_ARG(host));
    client_move(client, &address);
}

void client_stop(struct client *client)
{
    client->is_stopping = true;
    client->is_ready = false;
    client->lost = NULL;
    if (client->has_connection)
        connection_fini(&client->connection);
    client->has_connection = false;
    end_calls(client);
    loop_timer_cancel(&client->loop, &client->retry);
}

void client_fini(struct client *client)
{
    assert(client->is_stopping);
    net_fini(&client->net);
    sim_attach(client->io, NULL);
    loop_fini(&client->loop);
    client->io = sim_io_destroy(client->io);
}
