/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_fetch_snapshot.c - a piece of a snapshot of the metadata (KIP-630), from the file
 * to the socket. */

#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/fetch_snapshot.h"

struct snapshot_piece {
    struct log_range range; /* Owned file. */
    struct fetch_snapshot_response_partition_snapshot partition;
    struct fetch_snapshot_response_topic_snapshot topic;
    struct fetch_snapshot_response response;
};

static void release(struct request *request)
{
    struct snapshot_piece *piece = request->work;

    piece->range.file = file_unref(piece->range.file);
}

static int16_t find_piece(struct request *request,
                          const struct fetch_snapshot_request_partition_snapshot *wanted,
                          struct snapshot_piece *piece)
{
    const struct fetch_snapshot_request *body = request->body;
    struct broker *broker = request->shard->broker;
    struct snapshot_id id = {.end = wanted->snapshot_id.end_offset,
                             .epoch = wanted->snapshot_id.epoch};
    struct io *io = request->shard->loop.io;
    uint64_t size;

    if (wanted->current_leader_epoch != broker->controller_epoch)
        return wanted->current_leader_epoch < broker->controller_epoch ? ERROR_FENCED_LEADER_EPOCH
                                                                       : ERROR_UNKNOWN_LEADER_EPOCH;
    if (mlog_open_snapshot(controller_log(broker->controller), id, &piece->range.file))
        return ERROR_SNAPSHOT_NOT_FOUND;
    if (io->ops->file_size(io, piece->range.file->fd, &size))
        return ERROR_KAFKA_STORAGE_ERROR;
    if (wanted->position < 0 || (uint64_t)wanted->position >= size)
        return ERROR_POSITION_OUT_OF_RANGE;
    piece->range.fd = piece->range.file->fd;
    piece->range.position = (uint64_t)wanted->position;
    piece->range.size =
        (size_t)min_of(size - piece->range.position, (uint64_t)max_of(body->max_bytes, 0));
    piece->partition.size = (int64_t)size;
    piece->partition.position = wanted->position;
    piece->partition.unaligned_records =
        (struct wire_records){.source = &piece->range, .source_size = piece->range.size};
    return ERROR_NONE;
}

void handle_fetch_snapshot(struct request *request)
{
    const struct fetch_snapshot_request *body = request->body;
    struct snapshot_piece *piece = request_new(request, sizeof(*piece));
    const struct fetch_snapshot_request_partition_snapshot *wanted;

    request->work = piece;
    request->release = release;
    codec_defaults(&fetch_snapshot_response_message, &piece->response);
    if (!slice_is_null(body->cluster_id) &&
        !slice_equal(body->cluster_id, reply_cluster_id(request)))
        piece->response.error_code = ERROR_INCONSISTENT_CLUSTER_ID;
    else if (body->topics_count != 1 || body->topics[0].partitions_count != 1 ||
             !slice_is_text(body->topics[0].name, "__cluster_metadata"))
        piece->response.error_code = ERROR_INVALID_REQUEST;
    if (piece->response.error_code != ERROR_NONE) {
        request_answer(request, &piece->response);
        return;
    }
    wanted = &body->topics[0].partitions[0];
    piece->partition = fetch_snapshot_response_partition_snapshot_defaults;
    piece->partition.index = wanted->partition;
    piece->partition.unaligned_records.bytes = slice_empty();
    piece->partition.snapshot_id.end_offset = wanted->snapshot_id.end_offset;
    piece->partition.snapshot_id.epoch = wanted->snapshot_id.epoch;
    piece->partition.current_leader.leader_id = request->shard->broker->node_id;
    piece->partition.current_leader.leader_epoch = request->shard->broker->controller_epoch;
    piece->partition.error_code = find_piece(request, wanted, piece);
    piece->topic.name = body->topics[0].name;
    piece->topic.partitions = &piece->partition;
    piece->topic.partitions_count = 1;
    piece->response.topics = &piece->topic;
    piece->response.topics_count = 1;
    request_answer(request, &piece->response);
}
