/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_elect_leaders.c - leaders are elected on demand (KIP-460): with one replica each
 * partition is led by the only one there is, so no election is ever needed. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/elect_leaders.h"

enum { ELECTION_PREFERRED = 0, ELECTION_UNCLEAN = 1 };

static struct elect_leaders_partition_result decide(const struct image_topic *topic,
                                                    int32_t partition)
{
    bool is_known = topic && partition >= 0 && partition < topic->partition_count;

    return (struct elect_leaders_partition_result){
        .partition_id = partition,
        .error_code = is_known ? ERROR_ELECTION_NOT_NEEDED : ERROR_UNKNOWN_TOPIC_OR_PARTITION,
        .error_message = slice_text(is_known ? "Leader election not needed for topic partition."
                                             : "No such topic or partition."),
    };
}

static void decide_topic(struct request *request, const struct elect_leaders_topic_partitions *from,
                         struct elect_leaders_replica_election_result *out)
{
    const struct image_topic *topic = image_find_topic(request->image, from->topic);
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->topic = from->topic;
    out->partition_result = request_new(request, (count + 1) * sizeof(*out->partition_result));
    out->partition_result_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        out->partition_result[i] = decide(topic, from->partitions[i]);
}

/* A null list asks for all partitions, and is told only of those that were elected. */
void handle_elect_leaders(struct request *request)
{
    const struct elect_leaders_request *body = request->body;
    size_t count = (size_t)max_of(body->topic_partitions_count, 0);
    struct elect_leaders_response response;

    codec_defaults(&elect_leaders_response_message, &response);
    if (body->election_type != ELECTION_PREFERRED && body->election_type != ELECTION_UNCLEAN) {
        if (request->header.version >= 1)
            response.error_code = ERROR_INVALID_REQUEST;
        count = 0;
    }
    response.replica_election_results =
        request_new(request, (count + 1) * sizeof(*response.replica_election_results));
    response.replica_election_results_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        decide_topic(request, &body->topic_partitions[i], &response.replica_election_results[i]);
    request_answer(request, &response);
}
