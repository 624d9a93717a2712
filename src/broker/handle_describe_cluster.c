/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_cluster.c - the nodes of the cluster (KIP-700): brokers, or to whom asks
 * the controller, controllers (KIP-919). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_cluster.h"

enum { ENDPOINTS_BROKERS = 1, ENDPOINTS_CONTROLLERS = 2 };

/* Why the question is refused, or NULL. */
static const char *check(const struct request *request, int8_t type, int16_t *out_error)
{
    int8_t ours = request->is_at_controller ? ENDPOINTS_CONTROLLERS : ENDPOINTS_BROKERS;
    bool is_ours = type == ours;

    if (type != ENDPOINTS_BROKERS && type != ENDPOINTS_CONTROLLERS) {
        *out_error = ERROR_UNSUPPORTED_ENDPOINT_TYPE;
        return "Unsupported endpoint type";
    }
    *out_error = is_ours ? ERROR_NONE : ERROR_MISMATCHED_ENDPOINT_TYPE;
    if (is_ours)
        return NULL;
    return request->is_at_controller
               ? "The request was sent to an endpoint of type CONTROLLER, but we wanted an "
                 "endpoint of type BROKER"
               : "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of "
                 "type CONTROLLER";
}

/* The one controller there is, as its listener is known. */
static size_t find_controllers(struct request *request, struct reply_broker **out)
{
    struct reply_broker *self = request_new(request, sizeof(*self));

    *self = (struct reply_broker){.id = request->shard->broker->node_id,
                                  .host = reply_host(request),
                                  .port = reply_port(request),
                                  .rack = slice_null()};
    *out = self;
    return 1;
}

static void fill_nodes(struct request *request, struct describe_cluster_response *response)
{
    const struct describe_cluster_request *body = request->body;
    struct describe_cluster_broker *nodes;
    struct reply_broker *shown;
    size_t count =
        request->is_at_controller
            ? find_controllers(request, &shown)
            : reply_brokers(request, request->image,
                            request->header.version >= 2 && body->include_fenced_brokers, &shown);

    nodes = request_new(request, (count + 1) * sizeof(*nodes));
    for (size_t i = 0; i < count; i++) {
        nodes[i] = describe_cluster_broker_defaults;
        nodes[i].broker_id = shown[i].id;
        nodes[i].host = shown[i].host;
        nodes[i].port = shown[i].port;
        nodes[i].rack = shown[i].rack;
        if (request->header.version >= 2)
            nodes[i].is_fenced = shown[i].is_fenced;
    }
    response->brokers = nodes;
    response->brokers_count = (int32_t)count;
    response->controller_id = request->shard->broker->node_id;
}

void handle_describe_cluster(struct request *request)
{
    const struct describe_cluster_request *body = request->body;
    int8_t type = request->header.version >= 1 ? body->endpoint_type : ENDPOINTS_BROKERS;
    struct describe_cluster_response response;

    codec_defaults(&describe_cluster_response_message, &response);
    response.error_message = slice_text(check(request, type, &response.error_code));
    response.cluster_id = slice_empty();
    if (request->header.version >= 1 && request->is_at_controller)
        response.endpoint_type = ENDPOINTS_CONTROLLERS;
    if (response.error_code == ERROR_NONE) {
        response.cluster_id = reply_cluster_id(request);
        fill_nodes(request, &response);
        if (body->include_cluster_authorized_operations)
            response.cluster_authorized_operations = REPLY_OPERATIONS_CLUSTER;
    }
    request_answer(request, &response);
}
