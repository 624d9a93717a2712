/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/forward.h"

#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/observer.h"
#include "broker/session.h"
#include "broker/uplink.h"
#include "wire/bytes.h"
#include "wire/errors.h"
#include "wire/msg/default_principal_data.h"
#include "wire/msg/envelope.h"
#include "wire/msg/incremental_alter_configs.h"

#include <stdio.h>

enum { TIMEOUT_MS = 30 * 1000, IPV4_SIZE = 4, VERSION_SIZE = 2 };

struct forward {
    struct leg leg;
    struct control_frame frame;
    struct observer_wait wait;
    struct request *request;
};

/* Loggers are this process's own; together with other things the controller refuses them. */
static bool is_about_loggers(const struct request *request)
{
    const struct incremental_alter_configs_request *body = request->body;

    if (request->header.key != API_INCREMENTAL_ALTER_CONFIGS || body->resources_count <= 0)
        return false;
    for (int32_t i = 0; i < body->resources_count; i++)
        if (body->resources[i].resource_type != IMAGE_RESOURCE_LOGGER)
            return false;
    return true;
}

bool forward_is_needed(const struct request *request)
{
    return request->api->listeners & DISPATCH_FORWARD && !request->is_at_controller &&
           request->shard->broker->observer && !is_about_loggers(request);
}

/* --- on shard 0 ------------------------------------------------------------- */

static void seen(struct observer_wait *wait)
{
    leg_finish(&container_of(wait, struct forward, wait)->leg);
}

static void answered(struct control_frame *frame)
{
    struct forward *forward = container_of(frame, struct forward, frame);

    forward->wait.done = seen;
    if (slice_is_null(frame->response))
        seen(&forward->wait);
    else
        observer_catch_up(forward->leg.to->broker->observer, &forward->wait);
}

static void leg_run(struct leg *leg)
{
    struct forward *forward = container_of(leg, struct forward, leg);

    forward->frame.answered = answered;
    uplink_serve(&leg->to->broker->uplink, &forward->frame, TIMEOUT_MS);
}

/* --- on the session's shard ------------------------------------------------- */

static void leg_done(struct leg *leg)
{
    struct forward *forward = container_of(leg, struct forward, leg);
    struct envelope_response *response = request_new(forward->request, sizeof(*response));

    if (!control_frame_read(&forward->frame, response))
        request_end(forward->request, "the controller did not answer");
    else if (response->error_code != ERROR_NONE)
        request_end(forward->request, "the controller does not take the request");
    else
        request_answer_bytes(forward->request, response->response_data);
}

static void release(struct request *request)
{
    struct forward *forward = request->work;

    control_frame_fini(&forward->frame);
}

/* Who asks, in the form in which Kafka's brokers tell their controllers. */
static struct slice principal(struct request *request)
{
    struct default_principal_data data = {.type = slice_text("User"),
                                          .name = slice_text("ANONYMOUS")};
    struct codec_output out;
    uint8_t *bytes;
    int r = codec_encode(&default_principal_data_message, 0, &data, &request->arena, &out);

    assert(r == 0); /* Our own fields. */
    bytes = request_new(request, VERSION_SIZE + out.size);
    bytes_store_i16(bytes, 0); /* The version of what follows. */
    memcpy(bytes + VERSION_SIZE, out.data, out.size);
    return slice_of(bytes, VERSION_SIZE + out.size);
}

/* The client's address as bytes.  Of IPv6 it is not told which one it is. */
static struct slice client_host(struct request *request)
{
    uint8_t *bytes = request_new(request, IPV4_SIZE);
    unsigned parts[IPV4_SIZE] = {127, 0, 0, 1};
    const char *host = request->session ? request->session->connection.peer.host : "";

    if (sscanf(host, "%u.%u.%u.%u", &parts[0], &parts[1], &parts[2], &parts[3]) != IPV4_SIZE)
        parts[0] = 127;
    for (int i = 0; i < IPV4_SIZE; i++)
        bytes[i] = (uint8_t)parts[i];
    return slice_of(bytes, IPV4_SIZE);
}

void forward_start(struct request *request)
{
    struct forward *forward = request_new(request, sizeof(*forward));
    struct envelope_request envelope = {
        .request_data = request->bytes,
        .request_principal = principal(request),
        .client_host_address = client_host(request),
    };

    request->work = forward;
    request->release = release;
    forward->request = request;
    control_frame_init(&forward->frame, API_ENVELOPE, &envelope);
    forward->leg = (struct leg){.run = leg_run, .done = leg_done};
    leg_send(&forward->leg, request->shard, &request->shard->broker->shards[0]);
}
