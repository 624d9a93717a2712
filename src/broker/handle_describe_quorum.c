/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_quorum.c - who keeps the metadata log: this node, alone (KIP-595). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_quorum.h"

static struct describe_quorum_replica_state *self_as_voter(struct request *request)
{
    const struct broker *broker = request->shard->broker;
    struct describe_quorum_replica_state *self = request_new(request, sizeof(*self));
    int64_t now_ms = io_wall_ms(request->shard->loop.io);

    *self = (struct describe_quorum_replica_state){
        .replica_id = broker->node_id,
        .log_end_offset = request->image->offset + 1,
        .last_fetch_timestamp = -1,
        .last_caught_up_timestamp = -1,
    };
    if (request->header.version >= 1) { /* Clients of version 0 do not know of times, */
        self->last_fetch_timestamp = now_ms;
        self->last_caught_up_timestamp = now_ms;
    }
    if (request->header.version >= 2) /* and those of 1 of no folders. */
        self->replica_directory_id = log_dir_id(broker->dirs.items[0].dir);
    return self;
}

static void describe(struct request *request, struct slice topic, int32_t partition,
                     struct describe_quorum_response_partition_data *out)
{
    *out = (struct describe_quorum_response_partition_data){.partition_index = partition};
    if (!slice_is_text(topic, "__cluster_metadata") || partition != 0) {
        out->error_code = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        out->error_message = slice_text(error_meaning(ERROR_UNKNOWN_TOPIC_OR_PARTITION));
        return;
    }
    if (request->header.version >= 2)
        out->error_message = slice_empty();
    out->leader_id = request->shard->broker->node_id;
    out->leader_epoch = request->shard->broker->controller_epoch;
    out->high_watermark = request->image->offset + 1;
    out->current_voters = self_as_voter(request);
    out->current_voters_count = 1;
}

static void describe_topic(struct request *request,
                           const struct describe_quorum_request_topic_data *from,
                           struct describe_quorum_response_topic_data *out)
{
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->topic_name = from->topic_name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        describe(request, from->topic_name, from->partitions[i].partition_index,
                 &out->partitions[i]);
}

void handle_describe_quorum(struct request *request)
{
    const struct describe_quorum_request *body = request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct describe_quorum_node self = {.node_id = request->shard->broker->node_id};
    struct describe_quorum_listener listener = {
        .name = slice_text("PLAINTEXT"),
        .host = reply_host(request),
        .port = (uint16_t)reply_port(request),
    };
    struct describe_quorum_response response;

    codec_defaults(&describe_quorum_response_message, &response);
    response.topics = request_new(request, (count + 1) * sizeof(*response.topics));
    response.topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        describe_topic(request, &body->topics[i], &response.topics[i]);
    if (request->header.version >= 2) {
        self.listeners = &listener; /* The controller is reached as the broker is. */
        self.listeners_count = 1;
        response.nodes = &self;
        response.nodes_count = 1;
    }
    request_answer(request, &response);
}
