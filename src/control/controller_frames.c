/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controller_frames.h"

#include "base/mem.h"
#include "control/controller_internal.h"
#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/msg/allocate_producer_ids.h"
#include "wire/msg/alter_partition.h"
#include "wire/msg/broker_heartbeat.h"
#include "wire/msg/broker_registration.h"
#include "wire/msg/unregister_broker.h"

enum { SIZE_SIZE = 4 };

struct served_api {
    const struct wire_message *request, *response;
    void (*decide)(struct controller *controller, struct control_frame *frame, const void *request,
                   void *response);
    size_t error_at; /* Where the response has its code. */
};

static const struct served_api apis[] = {
#define SERVED(name)                                                                               \
    {.request = &name##_request_message,                                                           \
     .response = &name##_response_message,                                                         \
     .decide = controller_serve_##name,                                                            \
     .error_at = offsetof(struct name##_response, error_code)},
#include "control/served.def"
};

static const struct served_api *find(const struct wire_api *api)
{
    for (size_t i = 0; i < COUNT_OF(apis); i++)
        if (apis[i].request == api->request)
            return &apis[i];
    return NULL;
}

/* --- deciding --------------------------------------------------------------- */

void controller_decide_frame(struct controller *c, struct control_frame *frame)
{
    struct frame_request header;
    const struct served_api *api;
    void *request;

    frame->api = NULL;
    if (frame_decode_request(frame->request, &header))
        return;
    api = find(header.api);
    if (!api || header.version < header.api->min || header.version > header.api->latest)
        return;
    request = arena_new(&frame->arena, api->request->struct_size);
    if (codec_decode_all(api->request, header.version, header.body, &frame->arena, request))
        return;
    frame->api = api;
    frame->version = header.version;
    frame->correlation_id = header.correlation_id;
    frame->fields = arena_new(&frame->arena, api->response->struct_size);
    codec_defaults(api->response, frame->fields);
    api->decide(c, frame, request, frame->fields);
}

/* What becomes of a request that was decided, but did not come about. */
static int16_t error_of(int outcome)
{
    switch (outcome) {
    case CONTROL_E_STORAGE: return ERROR_KAFKA_STORAGE_ERROR;
    case CONTROL_E_STOPPED: return ERROR_NOT_CONTROLLER;
    default: return ERROR_UNKNOWN_SERVER_ERROR;
    }
}

static void encode(struct control_frame *frame, int outcome)
{
    const struct served_api *api = frame->api;
    const struct wire_api *wire;
    struct codec_output out;
    struct frame_request header;
    int r;

    frame->response = slice_null();
    if (!api)
        return;
    if (outcome) {
        int16_t code = error_of(outcome);

        codec_defaults(api->response, frame->fields);
        memcpy((char *)frame->fields + api->error_at, &code, sizeof(code));
    }
    r = frame_decode_request(frame->request, &header);
    assert(r == 0); /* It was read before. */
    wire = header.api;
    r = frame_encode_response(wire, frame->version, frame->correlation_id, frame->fields,
                              &frame->arena, &out);
    assert(r == 0); /* Our own fields, of this version. */
    frame->response = slice_of(out.data + SIZE_SIZE, out.size - SIZE_SIZE);
}

static void op_done(struct control_op *op, int outcome)
{
    struct control_frame *frame = container_of(op, struct control_frame, op);

    encode(frame, outcome);
    frame->answered(frame);
}

void controller_serve(struct controller *c, struct control_frame *frame)
{
    frame->api = NULL;
    frame->op.kind = CONTROL_FRAME;
    frame->op.done = op_done;
    controller_ask(c, &frame->op);
}

void controller_serve_now(struct controller *c, struct control_frame *frame)
{
    controller_begin_now(c);
    controller_decide_frame(c, frame);
    encode(frame, 0);
}

/* --- the asker's side ------------------------------------------------------- */

void control_frame_init(struct control_frame *frame, int16_t key, const void *request)
{
    const struct wire_api *api = wire_api_find(key);
    struct codec_output out;
    int r;

    *frame = (struct control_frame){.version = api->max};
    arena_init(&frame->arena, NULL);
    r = frame_encode_request(api, api->max, 1, slice_null(), request, &frame->arena, &out);
    assert(r == 0); /* Our own fields. */
    frame->request = slice_of(out.data + SIZE_SIZE, out.size - SIZE_SIZE);
}

bool control_frame_read(struct control_frame *frame, void *out)
{
    struct frame_request header;
    struct slice body;
    int32_t correlation_id;

    return !slice_is_null(frame->response) && frame_decode_request(frame->request, &header) == 0 &&
           frame_decode_response(header.api, header.version, frame->response, &correlation_id,
                                 &body) == 0 &&
           codec_decode_all(header.api->response, header.version, body, &frame->arena, out) == 0;
}

void control_frame_fini(struct control_frame *frame)
{
    arena_reset(&frame->arena);
}
