/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/uplink.h"

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/observer.h"
#include "os/resolve.h"
#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/msg/create_topics.h"

#include <stdio.h>

enum {
    SIZE_SIZE = 4,
    REQUEST_TIMEOUT_MS = 10 * 1000,
    RECONNECT_MS = 20,
    RECONNECT_MAX_MS = 500,
};

/* --- in this process -------------------------------------------------------- */

static void serve_local(struct uplink *uplink, struct control_frame *frame, int64_t timeout_ms)
{
    (void)timeout_ms;
    frame->is_local = true;
    if (uplink->broker->controller)
        controller_serve(uplink->broker->controller, frame);
    else
        frame->answered(frame); /* The broker is being closed. */
}

static void ask_local(struct uplink *uplink, struct control_op *op)
{
    if (uplink->broker->controller)
        controller_ask(uplink->broker->controller, op);
    else
        op->done(op, CONTROL_E_STOPPED);
}

static const struct uplink_ops local_ops = {.serve = serve_local, .ask = ask_local};

void uplink_init_local(struct uplink *uplink, struct broker *broker)
{
    *uplink = (struct uplink){.ops = &local_ops, .broker = broker};
}

/* --- elsewhere -------------------------------------------------------------- */

/* A frame on its way over the connection. */
struct uplink_call {
    struct call call;
    struct control_frame *frame; /* Borrowed: its asker's. */
};

/* What came back, as the answer to the frame. */
static void take_response(struct control_frame *frame, const struct frame_request *header,
                          const void *response)
{
    struct codec_output out;

    if (!response || frame_encode_response(header->api, header->version, header->correlation_id,
                                           response, &frame->arena, &out))
        return;
    frame->response = slice_of(out.data + SIZE_SIZE, out.size - SIZE_SIZE);
}

static void call_done(struct call *call)
{
    struct uplink_call *uplink_call = container_of(call, struct uplink_call, call);
    struct control_frame *frame = uplink_call->frame;
    struct frame_request header;
    int r = frame_decode_request(frame->request, &header);

    assert(r == 0); /* It was read before. */
    if (call->outcome == CALL_OK)
        take_response(frame, &header, call->response);
    call_fini(call);
    mem_free(uplink_call);
    frame->answered(frame);
}

static const struct call_events call_events = {.done = call_done};

static void serve_remote(struct uplink *uplink, struct control_frame *frame, int64_t timeout_ms)
{
    struct uplink_call *call = mem_new(sizeof(*call));
    struct frame_request header;
    void *request;
    int r = frame_decode_request(frame->request, &header);

    assert(r == 0); /* Our own frame. */
    request = arena_new(&frame->arena, header.api->request->struct_size);
    r = codec_decode_all(header.api->request, header.version, header.body, &frame->arena, request);
    assert(r == 0);
    frame->response = slice_null();
    call->frame = frame;
    call_init(&call->call, &call_events);
    call->call.order = (struct call_order){
        .api = header.api,
        .request = request,
        .target = CALL_ANY,
        .deadline_us = uplink->cluster.loop->now_us + timeout_ms * 1000,
        .is_once = header.key == API_ENVELOPE, /* What is in it may not be done twice. */
    };
    cluster_call(&uplink->cluster, &call->call);
}

/* A topic on its way to be made. */
struct creation {
    struct control_frame frame;
    struct control_op *op; /* Borrowed: its asker's. */
    struct uplink *uplink;
    struct observer_wait wait;
};

static int outcome_of(int16_t error)
{
    switch (error) {
    case ERROR_NONE: return 0;
    case ERROR_TOPIC_ALREADY_EXISTS: return CONTROL_E_EXISTS;
    case ERROR_INVALID_TOPIC_EXCEPTION: return CONTROL_E_NAME;
    case ERROR_INVALID_PARTITIONS: return CONTROL_E_PARTITIONS;
    case ERROR_INVALID_REPLICATION_FACTOR: return CONTROL_E_REPLICATION;
    case ERROR_KAFKA_STORAGE_ERROR: return CONTROL_E_STORAGE;
    default: return CONTROL_E_STOPPED;
    }
}

static void creation_end(struct creation *creation)
{
    struct control_op *op = creation->op;

    control_frame_fini(&creation->frame);
    mem_free(creation);
    op->done(op, op->outcome);
}

static void creation_seen(struct observer_wait *wait)
{
    creation_end(container_of(wait, struct creation, wait));
}

static void creation_answered(struct control_frame *frame)
{
    struct creation *creation = container_of(frame, struct creation, frame);
    struct control_op *op = creation->op;
    struct create_topics_response response;

    op->outcome = CONTROL_E_STOPPED;
    if (control_frame_read(frame, &response) && response.topics_count == 1) {
        op->outcome = outcome_of(response.topics[0].error_code);
        op->id = response.topics[0].topic_id;
        (void)snprintf(op->why, sizeof(op->why), "%.*s",
                       SLICE_ARG(response.topics[0].error_message));
    }
    if (op->outcome == 0 || op->outcome == CONTROL_E_EXISTS) {
        creation->wait.done = creation_seen;
        observer_catch_up(creation->uplink->broker->observer, &creation->wait);
    } else {
        creation_end(creation);
    }
}

static void ask_remote(struct uplink *uplink, struct control_op *op)
{
    struct creation *creation;
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;
    struct create_topics_creatable_topic_config *configs;

    assert(op->kind == CONTROL_CREATE_TOPIC); /* All else is passed on as it came. */
    configs = mem_new_array(op->config_count + 1, sizeof(*configs));
    for (size_t i = 0; i < op->config_count; i++)
        configs[i] = (struct create_topics_creatable_topic_config){.name = op->configs[i].name,
                                                                   .value = op->configs[i].value};
    topic.name = op->name;
    topic.num_partitions = op->partitions;
    topic.replication_factor = op->replication_factor;
    topic.configs = configs;
    topic.configs_count = (int32_t)op->config_count;
    request.topics = &topic;
    request.topics_count = 1;
    creation = mem_new(sizeof(*creation));
    control_frame_init(&creation->frame, API_CREATE_TOPICS, &request);
    mem_free(configs);
    creation->frame.answered = creation_answered;
    creation->op = op;
    creation->uplink = uplink;
    uplink_serve(uplink, &creation->frame, REQUEST_TIMEOUT_MS);
}

static const struct uplink_ops remote_ops = {.serve = serve_remote, .ask = ask_remote};

int uplink_init_remote(struct uplink *uplink, struct broker *broker, const char *controllers)
{
    struct cluster_settings settings = cluster_settings_defaults();
    struct loop *loop = &broker->shards[0].loop;
    uint64_t seed;
    int r;

    *uplink = (struct uplink){.ops = &remote_ops, .broker = broker};
    loop->io->ops->entropy(loop->io, &seed, sizeof(seed));
    settings.bootstrap = controllers;
    settings.client_id = "moldau-broker";
    settings.resolve = resolve_host;
    settings.diag = broker->diag;
    settings.has_no_metadata = true;
    settings.reconnect_backoff_ms = RECONNECT_MS;
    settings.reconnect_backoff_max_ms = RECONNECT_MAX_MS;
    r = cluster_init(&uplink->cluster, loop, rng_of(seed), &settings);
    uplink->has_cluster = r == 0;
    return r;
}

void uplink_fini(struct uplink *uplink)
{
    if (uplink->has_cluster)
        cluster_fini(&uplink->cluster);
    uplink->has_cluster = false;
}

void uplink_serve(struct uplink *uplink, struct control_frame *frame, int64_t timeout_ms)
{
    uplink->ops->serve(uplink, frame, timeout_ms);
}

void uplink_ask(struct uplink *uplink, struct control_op *op)
{
    uplink->ops->ask(uplink, op);
}
