/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_fetch_metadata.c - Fetch at the controller: a broker reads the metadata log along
 * (KIP-595).  What could still be lost is not shown; a reader at the end waits for more.  One that
 * is behind the start of the log is told to take a snapshot first (KIP-630). */

#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/fetch.h"

enum {
    BYTES_MAX = 8 * 1024 * 1024,
    VERSION_ENDPOINTS = 16, /* From here on readers are told where who leads is. */
};

static const struct uuid metadata_topic_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

struct metadata_fetch {
    struct request *request;
    struct mlog *mlog;
    const struct fetch_partition *wanted;
    struct control_watch watch;
    struct loop_timer timer;
    struct log_range range; /* Owned: what is sent. */
    struct wire_records records;
    struct fetch_partition_data result;
    struct fetch_fetchable_topic_response topic;
    struct fetch_node_endpoint endpoint; /* Of ourselves. */
    struct fetch_response response;
};

static void answer(struct metadata_fetch *fetch)
{
    list_remove(&fetch->watch.node);
    loop_timer_cancel(&fetch->request->shard->loop, &fetch->timer);
    fetch->topic.partitions = &fetch->result;
    fetch->topic.partitions_count = 1;
    fetch->topic.topic_id = metadata_topic_id;
    if (fetch->result.error_code != ERROR_NONE &&
        fetch->request->header.version >= VERSION_ENDPOINTS) {
        fetch->endpoint.node_id = fetch->request->shard->broker->node_id;
        fetch->endpoint.host = reply_host(fetch->request);
        fetch->endpoint.port = reply_port(fetch->request);
        fetch->response.node_endpoints = &fetch->endpoint;
        fetch->response.node_endpoints_count = 1;
    }
    fetch->response.responses = &fetch->topic;
    fetch->response.responses_count = 1;
    request_answer(fetch->request, &fetch->response);
}

/* The partition of the metadata log, if it is all that the request names. */
static const struct fetch_partition *find_wanted(const struct fetch_request *body)
{
    if (body->topics_count != 1 || body->topics[0].partitions_count != 1 ||
        !uuid_equal(body->topics[0].topic_id, metadata_topic_id) ||
        body->topics[0].partitions[0].partition != 0)
        return NULL;
    return &body->topics[0].partitions[0];
}

static int16_t check(struct metadata_fetch *fetch)
{
    const struct fetch_partition *wanted = fetch->wanted;
    int32_t epoch = fetch->request->shard->broker->controller_epoch;

    if (wanted->fetch_offset < 0 || wanted->last_fetched_epoch < 0 ||
        wanted->current_leader_epoch < 0)
        return ERROR_INVALID_REQUEST;
    if (wanted->current_leader_epoch != epoch)
        return wanted->current_leader_epoch < epoch ? ERROR_FENCED_LEADER_EPOCH
                                                    : ERROR_UNKNOWN_LEADER_EPOCH;
    return ERROR_NONE;
}

/* True if the reader is to take a snapshot first. */
static bool sends_to_snapshot(struct metadata_fetch *fetch)
{
    const struct fetch_partition *wanted = fetch->wanted;
    struct snapshot_id newest;
    bool has_one = mlog_newest_snapshot(fetch->mlog, &newest);

    if (!has_one || (wanted->fetch_offset >= mlog_start(fetch->mlog) && wanted->fetch_offset > 0))
        return false;
    fetch->result.snapshot_id.end_offset = newest.end;
    fetch->result.snapshot_id.epoch = newest.epoch;
    return true;
}

/* True if the reader's log is another one than ours from some offset on. */
static bool diverges(struct metadata_fetch *fetch)
{
    const struct fetch_partition *wanted = fetch->wanted;
    int32_t epoch;
    int64_t end;

    if (wanted->fetch_offset == 0 || wanted->fetch_offset == mlog_start(fetch->mlog))
        return false; /* There it begins, or it has taken a snapshot. */
    mlog_find_epoch_end(fetch->mlog, wanted->last_fetched_epoch, &epoch, &end);
    if (epoch == wanted->last_fetched_epoch && wanted->fetch_offset <= end)
        return false;
    fetch->result.diverging_epoch.epoch = max_of(epoch, 0);
    fetch->result.diverging_epoch.end_offset = max_of(end, INT64_C(0));
    return true;
}

/* Reads what there is; false if that is nothing. */
static bool read(struct metadata_fetch *fetch)
{
    const struct fetch_request *body = fetch->request->body;
    size_t bytes = (size_t)max_of(fetch->wanted->partition_max_bytes, 0);

    bytes = min_of(bytes, (size_t)max_of(body->max_bytes, 0));
    fetch->result.high_watermark = mlog_durable(fetch->mlog);
    fetch->result.last_stable_offset = fetch->result.high_watermark;
    fetch->result.log_start_offset = mlog_start(fetch->mlog);
    if (fetch->wanted->fetch_offset >= fetch->result.high_watermark)
        return false;
    if (mlog_read(fetch->mlog, fetch->wanted->fetch_offset, min_of(bytes, (size_t)BYTES_MAX),
                  &fetch->range)) {
        fetch->result.error_code = ERROR_KAFKA_STORAGE_ERROR;
        return true;
    }
    fetch->records =
        (struct wire_records){.source = &fetch->range, .source_size = fetch->range.size};
    fetch->result.records = fetch->records;
    return fetch->range.size > 0;
}

static void wake(struct control_watch *watch)
{
    struct metadata_fetch *fetch = container_of(watch, struct metadata_fetch, watch);

    if (read(fetch))
        answer(fetch);
    else
        controller_watch(fetch->request->shard->broker->controller, &fetch->watch);
}

static void is_late(struct loop_timer *timer)
{
    answer(container_of(timer, struct metadata_fetch, timer));
}

static void abandoned(struct request *request)
{
    answer(request->work);
}

static void release(struct request *request)
{
    struct metadata_fetch *fetch = request->work;

    log_range_release(&fetch->range);
}

static void start(struct metadata_fetch *fetch)
{
    const struct fetch_request *body = fetch->request->body;
    struct request *request = fetch->request;

    if (sends_to_snapshot(fetch) || diverges(fetch) || read(fetch) || body->max_wait_ms <= 0 ||
        request->shard->is_stopping) {
        answer(fetch);
        return;
    }
    request->abandoned = abandoned;
    controller_watch(request->shard->broker->controller, &fetch->watch);
    loop_timer_set(&request->shard->loop, &fetch->timer,
                   request->shard->loop.now_us + (int64_t)body->max_wait_ms * 1000);
}

void handle_fetch_metadata(struct request *request)
{
    const struct fetch_request *body = request->body;
    struct broker *broker = request->shard->broker;
    struct metadata_fetch *fetch = request_new(request, sizeof(*fetch));

    fetch->request = request;
    fetch->mlog = controller_log(broker->controller);
    fetch->watch.wake = wake;
    fetch->timer.fire = is_late;
    request->work = fetch;
    request->release = release;
    codec_defaults(&fetch_response_message, &fetch->response);
    fetch->wanted = find_wanted(body);
    if (!slice_is_null(body->cluster_id) &&
        !slice_equal(body->cluster_id, reply_cluster_id(request)))
        fetch->response.error_code = ERROR_INCONSISTENT_CLUSTER_ID;
    else if (!fetch->wanted)
        fetch->response.error_code = ERROR_INVALID_REQUEST;
    if (fetch->response.error_code != ERROR_NONE) {
        request_answer(request, &fetch->response);
        return;
    }
    fetch->result = fetch_partition_data_defaults;
    fetch->result.error_code = check(fetch);
    fetch->result.current_leader.leader_id = broker->node_id;
    fetch->result.current_leader.leader_epoch = broker->controller_epoch;
    if (fetch->result.error_code != ERROR_NONE)
        answer(fetch);
    else
        start(fetch);
}
