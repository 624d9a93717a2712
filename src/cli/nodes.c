/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nodes.h"

#include "wire/errors.h"

#include <stdlib.h>

enum { BROKERS = 1, CONTROLLERS = 2 };

static int16_t verdict(const struct call *call)
{
    return ((const struct describe_cluster_response *)call->response)->error_code;
}

static const struct call_events events = {.done = admin_done, .verdict = verdict};

static int by_id(const void *a, const void *b)
{
    const struct describe_cluster_broker *x = a;
    const struct describe_cluster_broker *y = b;

    return (x->broker_id > y->broker_id) - (x->broker_id < y->broker_id);
}

bool nodes_describe(struct cli *cli, struct admin *admin, enum nodes_kind kind,
                    const struct describe_cluster_response **out)
{
    struct describe_cluster_request request = describe_cluster_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_CLUSTER),
        .request = &request,
        .target = CALL_ANY,
    };
    const struct describe_cluster_response *response;
    struct call *call;

    request.endpoint_type = kind == NODES_CONTROLLERS ? CONTROLLERS : BROKERS;
    request.include_fenced_brokers = kind == NODES_BROKERS_AND_FENCED;
    if (!admin_call(cli, admin, &events, order, &call))
        return false;
    response = call->response;
    if (response->error_code != ERROR_NONE) {
        admin_explain(cli, response->error_code, response->error_message);
        return false;
    }
    if (response->brokers_count > 0)
        qsort(response->brokers, (size_t)response->brokers_count, sizeof(*response->brokers),
              by_id);
    *out = response;
    return true;
}
