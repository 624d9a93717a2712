/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_find_coordinator.c - who coordinates a group: this node, which is alone.
 *
 * The requests that follow (JoinGroup ...) are not answered yet and not advertised; a
 * client sees that in ApiVersions.  Coordinators of transactions and share groups are
 * refused, since looking for one means to use them. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/find_coordinator.h"

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, KEY_SHARE = 2 };

static int16_t check_key(const struct find_coordinator_request *body, struct slice key,
                         struct slice *out_why)
{
    *out_why = slice_null();
    switch (body->key_type) {
    case KEY_GROUP:
        if (key.size > 0)
            return ERROR_NONE;
        *out_why = slice_text("The group id is empty.");
        return ERROR_INVALID_GROUP_ID;
    case KEY_TRANSACTION:
    case KEY_SHARE:
        *out_why = slice_text("Transactions and share groups are not served yet.");
        return ERROR_INVALID_REQUEST;
    default:
        *out_why = slice_text("This type of coordinator key is not known.");
        return ERROR_INVALID_REQUEST;
    }
}

void handle_find_coordinator(struct request *request)
{
    const struct find_coordinator_request *body = request->body;
    struct find_coordinator_response response;
    struct find_coordinator_coordinator self;
    struct slice why;

    codec_defaults(&find_coordinator_response_message, &response);
    if (request->header.version < 4) {
        response.error_code = check_key(body, body->key, &why);
        response.error_message = why;
        response.node_id = response.error_code ? -1 : request->shard->broker->node_id;
        response.host = response.error_code ? slice_empty() : reply_host(request);
        response.port = response.error_code ? -1 : reply_port(request);
        request_answer(request, &response);
        return;
    }
    response.coordinators_count = body->coordinator_keys_count;
    response.coordinators =
        request_new(request, (size_t)max_of(body->coordinator_keys_count, 1) * sizeof(self));
    for (int32_t i = 0; i < body->coordinator_keys_count; i++) {
        self = (struct find_coordinator_coordinator){.key = body->coordinator_keys[i]};
        self.error_code = check_key(body, self.key, &why);
        self.error_message = why;
        self.node_id = self.error_code ? -1 : request->shard->broker->node_id;
        self.host = self.error_code ? slice_empty() : reply_host(request);
        self.port = self.error_code ? -1 : reply_port(request);
        response.coordinators[i] = self;
    }
    request_answer(request, &response);
}
