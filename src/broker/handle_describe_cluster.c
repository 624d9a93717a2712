/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_cluster.c - the nodes of the cluster: this one (KIP-700). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_cluster.h"

enum { ENDPOINTS_BROKERS = 1, ENDPOINTS_CONTROLLERS = 2 };

/* Why the question is refused, or NULL. */
static const char *check(const struct describe_cluster_request *body, int16_t *out_error)
{
    switch (body->endpoint_type) {
    case ENDPOINTS_BROKERS: *out_error = ERROR_NONE; return NULL;
    case ENDPOINTS_CONTROLLERS: /* As Kafka, to whom asks a broker for controllers (KIP-919). */
        *out_error = ERROR_MISMATCHED_ENDPOINT_TYPE;
        return "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of "
               "type CONTROLLER";
    default: *out_error = ERROR_UNSUPPORTED_ENDPOINT_TYPE; return "Unsupported endpoint type";
    }
}

void handle_describe_cluster(struct request *request)
{
    const struct describe_cluster_request *body = request->body;
    struct describe_cluster_broker self = {
        .broker_id = request->shard->broker->node_id,
        .host = reply_host(request),
        .port = reply_port(request),
    };
    struct describe_cluster_response response;

    codec_defaults(&describe_cluster_response_message, &response);
    response.error_message = slice_text(check(body, &response.error_code));
    response.cluster_id = slice_empty();
    if (response.error_code == ERROR_NONE) {
        response.cluster_id = reply_cluster_id(request);
        response.controller_id = self.broker_id;
        response.brokers = &self;
        response.brokers_count = 1;
        if (body->include_cluster_authorized_operations)
            response.cluster_authorized_operations = REPLY_OPERATIONS_CLUSTER;
    }
    request_answer(request, &response);
}
