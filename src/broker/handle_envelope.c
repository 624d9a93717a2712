/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_envelope.c - a request that a broker passes on to the controller, with who asked
 * (KIP-590): it is dispatched as if it had come here, and its answer goes back as it is. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/envelope.h"

static void refuse(struct request *request, int16_t error)
{
    struct envelope_response response = envelope_response_defaults;

    response.error_code = error;
    request_answer(request, &response);
}

static void captured(struct request *inner, struct slice answer)
{
    struct request *request = inner->outer;
    struct envelope_response response = envelope_response_defaults;

    if (slice_is_null(answer)) {
        refuse(request, ERROR_UNKNOWN_SERVER_ERROR);
        return;
    }
    response.response_data =
        slice_of(arena_text(&request->arena, answer.data, answer.size), answer.size);
    request_answer(request, &response);
}

/* Whether it is one that brokers pass on. */
static bool is_forwardable(struct slice bytes)
{
    struct frame_request header;
    const struct api *api;

    if (frame_decode_request(bytes, &header))
        return false;
    api = dispatch_find(header.key, DISPATCH_CONTROLLER);
    return api && api->listeners & DISPATCH_FORWARD && header.version >= api->min &&
           header.version <= api->max;
}

void handle_envelope(struct request *request)
{
    const struct envelope_request *body = request->body;
    struct request *inner;

    if (!is_forwardable(body->request_data)) {
        refuse(request, ERROR_INVALID_REQUEST);
        return;
    }
    inner = request_create_inner(request, captured);
    if (dispatch(inner, body->request_data)) {
        request_free(inner);
        refuse(request, ERROR_INVALID_REQUEST);
    }
}
