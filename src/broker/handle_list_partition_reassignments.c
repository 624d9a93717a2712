/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_list_partition_reassignments.c - what is being moved between nodes: with one
 * node, nothing (KIP-455). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/list_partition_reassignments.h"

void handle_list_partition_reassignments(struct request *request)
{
    struct list_partition_reassignments_response response;

    codec_defaults(&list_partition_reassignments_response_message, &response);
    response.error_message = slice_null();
    request_answer(request, &response);
}
