/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_alter_partition_reassignments.c - replicas move to other nodes (KIP-455): by
 * now a partition can only stay where it is. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/alter_partition_reassignments.h"

static int16_t check(const struct request *request, const struct image_topic *topic,
                     const struct alter_partition_reassignments_reassignable_partition *wanted,
                     const char **out_why)
{
    int32_t index = wanted->partition_index;

    *out_why = NULL;
    if (!topic || index < 0 || index >= topic->partition_count) {
        *out_why = "This server does not host this topic-partition.";
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    }
    if (wanted->replicas_count < 0) {
        *out_why = "No partition reassignment is in progress.";
        return ERROR_NO_REASSIGNMENT_IN_PROGRESS;
    }
    for (int32_t i = 0; i < wanted->replicas_count; i++) {
        if (image_find_broker(request->image, wanted->replicas[i]))
            continue;
        *out_why = "The manual partition assignment includes a broker that is not registered.";
        return ERROR_INVALID_REPLICA_ASSIGNMENT;
    }
    if (wanted->replicas_count != 1 ||
        wanted->replicas[0] != topic->partitions[index].replicas->replicas.ids[0]) {
        *out_why = "Reassignment is not served yet: a replica can only stay where it is.";
        return ERROR_INVALID_REPLICA_ASSIGNMENT;
    }
    return ERROR_NONE;
}

static void decide_topic(struct request *request,
                         const struct alter_partition_reassignments_reassignable_topic *from,
                         struct alter_partition_reassignments_reassignable_topic_response *out)
{
    const struct image_topic *topic = image_find_topic(request->image, from->name);
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->name = from->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *why;

        out->partitions[i].partition_index = from->partitions[i].partition_index;
        out->partitions[i].error_code = check(request, topic, &from->partitions[i], &why);
        out->partitions[i].error_message = slice_text(why);
    }
}

void handle_alter_partition_reassignments(struct request *request)
{
    const struct alter_partition_reassignments_request *body = request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct alter_partition_reassignments_response response;

    codec_defaults(&alter_partition_reassignments_response_message, &response);
    response.error_message = slice_null();
    response.allow_replication_factor_change = body->allow_replication_factor_change;
    response.responses = request_new(request, (count + 1) * sizeof(*response.responses));
    response.responses_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        decide_topic(request, &body->topics[i], &response.responses[i]);
    request_answer(request, &response);
}
