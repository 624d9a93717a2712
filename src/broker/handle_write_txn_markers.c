/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_write_txn_markers.c - the end of transactions is written into the logs of their
 * partitions (KIP-98): a coordinator asks for it, or the tool that aborts what hangs (KIP-664).
 *
 * The markers of one request are appended in its order, each when it is durable told so.  Those for
 * a topic that the cluster keeps its own data in are refused: nobody is there to make of them what
 * they mean. */

#include "base/mem.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "broker/spread.h"
#include "wire/marker.h"
#include "wire/msg/write_txn_markers.h"

struct marker_part {
    struct spread_part part;
    struct append append;
    const struct write_txn_markers_writable_txn_marker *wanted;
    struct write_txn_markers_writable_txn_marker_partition_result *result;
    struct text batch; /* Owned, on the home shard. */
};

struct markers_work {
    struct spread spread;
    struct write_txn_markers_response response;
};

/* --- on the home shard ------------------------------------------------------ */

static void end_part(struct marker_part *part, int16_t error)
{
    part->result->error_code = error;
    text_fini(&part->batch);
    spread_end_part(&part->part);
}

static void appended(struct append *append, int outcome)
{
    end_part(container_of(append, struct marker_part, append), error_of_partition(outcome, 0));
}

static void run(struct spread *spread, struct shard *shard, struct spread_part *part)
{
    struct marker_part *marker_part = container_of(part, struct marker_part, part);
    const struct write_txn_markers_writable_txn_marker *wanted = marker_part->wanted;
    struct marker marker = {.type = wanted->transaction_result ? MARKER_COMMIT : MARKER_ABORT,
                            .coordinator_epoch = wanted->coordinator_epoch};
    struct marker_of of = {.producer_id = wanted->producer_id,
                           .producer_epoch = wanted->producer_epoch,
                           .time_ms = io_wall_ms(shard->loop.io)};
    struct partition *p = NULL;
    int16_t error = spread_open(spread, shard, part, &p);

    if (error == ERROR_NONE) {
        marker_print(&marker, &of, &marker_part->batch);
        marker_part->append = (struct append){
            .batch = (uint8_t *)marker_part->batch.data,
            .size = marker_part->batch.size,
            .acks = -1,
            .is_own = true,
            .transaction_version = wanted->transaction_version,
            .done = appended,
        };
        error = error_of_partition(partition_append(p, &marker_part->append), 0);
    }
    if (error != ERROR_NONE)
        end_part(marker_part, error);
}

/* --- on the session's shard ------------------------------------------------- */

static void done(struct spread *spread)
{
    request_answer(spread->request, &container_of(spread, struct markers_work, spread)->response);
}

static int16_t check_part(struct slice name, const struct image_topic *topic, int32_t index)
{
    if (!topic || index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return topic_is_internal(name) ? ERROR_INVALID_TOPIC_EXCEPTION : ERROR_NONE;
}

static void add_topic(struct markers_work *work,
                      const struct write_txn_markers_writable_txn_marker *marker,
                      const struct write_txn_markers_writable_txn_marker_topic *wanted,
                      struct write_txn_markers_writable_txn_marker_topic_result *out)
{
    struct request *request = work->spread.request;
    size_t count = (size_t)max_of(wanted->partition_indexes_count, 0);
    struct marker_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic = image_find_topic(request->image, wanted->name);

    out->name = wanted->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        int32_t index = wanted->partition_indexes[i];

        parts[i].wanted = marker;
        parts[i].result = &out->partitions[i];
        parts[i].result->partition_index = index;
        parts[i].result->error_code = check_part(wanted->name, topic, index);
        if (parts[i].result->error_code == ERROR_NONE)
            spread_add(&work->spread, &parts[i].part, topic, index);
    }
}

static void add_marker(struct markers_work *work,
                       const struct write_txn_markers_writable_txn_marker *wanted,
                       struct write_txn_markers_writable_txn_marker_result *out)
{
    size_t topics = (size_t)max_of(wanted->topics_count, 0);

    out->producer_id = wanted->producer_id;
    out->topics = request_new(work->spread.request, (topics + 1) * sizeof(*out->topics));
    out->topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, wanted, &wanted->topics[i], &out->topics[i]);
}

void handle_write_txn_markers(struct request *request)
{
    const struct write_txn_markers_request *body = request->body;
    struct markers_work *work = request_new(request, sizeof(*work));
    size_t markers = (size_t)max_of(body->markers_count, 0);

    work->spread.run = run;
    work->spread.done = done;
    spread_init(&work->spread, request);
    codec_defaults(&write_txn_markers_response_message, &work->response);
    work->response.markers = request_new(request, (markers + 1) * sizeof(*work->response.markers));
    work->response.markers_count = (int32_t)markers;
    for (size_t i = 0; i < markers; i++)
        add_marker(work, &body->markers[i], &work->response.markers[i]);
    spread_start(&work->spread);
}
