/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_list_offsets.c - from a time, or a special value, to an offset.
 *
 * Version 0 is of before records had times: it asks where the segments begin that were last
 * written to before a time.  As files may be copied, the time of the last record is taken for
 * that of the file. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "store/log_time.h"
#include "wire/msg/list_offsets.h"

/* Special values of `timestamp`. */
enum {
    TIME_LATEST = -1,
    TIME_EARLIEST = -2,
    TIME_MAX = -3,            /* KIP-734 */
    TIME_EARLIEST_LOCAL = -4, /* KIP-405 */
    TIME_LATEST_TIERED = -5,  /* KIP-1005 */
    TIME_PENDING_UPLOAD = -6, /* KIP-1023 */
};

enum { ISOLATION_COMMITTED = 1 }; /* Else what is not committed yet counts as well. */

struct offsets_part {
    struct offsets_part *next; /* On the same leg. */
    const struct image_topic *topic;
    const struct list_offsets_partition *wanted;
    struct list_offsets_partition_response *result;
    struct text starts; /* Owned: version 0's result. */
};

struct offsets_leg {
    struct leg leg;
    struct offsets_work *work;
    struct offsets_part *first;
};

struct offsets_work {
    struct request *request;
    struct list_offsets_response response;
    struct offsets_leg *legs;
    int pending;
};

static int16_t version_of_special(int64_t timestamp)
{
    switch (timestamp) {
    case TIME_MAX: return 7;
    case TIME_EARLIEST_LOCAL: return 8;
    case TIME_LATEST_TIERED: return 9;
    case TIME_PENDING_UPLOAD: return 11;
    default: return timestamp < TIME_PENDING_UPLOAD ? INT16_MAX : 0;
    }
}

static void found(struct offsets_part *part, int64_t offset, int64_t timestamp, int32_t epoch)
{
    part->result->offset = offset;
    part->result->timestamp = timestamp;
    part->result->leader_epoch = epoch;
}

/* KIP-320: a client whose metadata is older or newer than ours is told so. */
static int16_t check_epoch(const struct partition *p, int32_t epoch)
{
    if (epoch == -1 || epoch == p->leader_epoch)
        return ERROR_NONE;
    return epoch < p->leader_epoch ? ERROR_FENCED_LEADER_EPOCH : ERROR_UNKNOWN_LEADER_EPOCH;
}

static int16_t look_up(const struct request *request, struct partition *p,
                       struct offsets_part *part)
{
    const struct list_offsets_request *body = request->body;
    int64_t timestamp = part->wanted->timestamp;
    int64_t limit =
        body->isolation_level == ISOLATION_COMMITTED ? partition_stable(p) : p->high_watermark;
    struct log_time_offset at;
    int r;

    switch (timestamp) {
    case TIME_LATEST: found(part, limit, -1, p->leader_epoch); return ERROR_NONE;
    case TIME_EARLIEST:
    case TIME_EARLIEST_LOCAL:
        found(part, log_start(p->log), -1,
              log_epoch_at(p->log, p->leader_epoch, log_start(p->log)));
        return ERROR_NONE;
    case TIME_LATEST_TIERED:
    case TIME_PENDING_UPLOAD: return ERROR_NONE; /* Nothing is tiered: none is found. */
    default: break;
    }
    r = timestamp == TIME_MAX ? log_find_max_time(p->log, limit, &at)
                              : log_find_time(p->log, timestamp, limit, &at);
    if (r)
        return ERROR_KAFKA_STORAGE_ERROR;
    if (at.offset >= 0)
        found(part, at.offset, at.timestamp, at.leader_epoch);
    return ERROR_NONE;
}

/* --- version 0 --------------------------------------------------------------- */

static int16_t list_starts(struct shard *shard, struct partition *p, struct offsets_part *part)
{
    int64_t timestamp = part->wanted->timestamp;
    struct log_starts_query query = {
        .timestamp = timestamp == TIME_LATEST ? INT64_MAX : timestamp,
        .now_ms = io_wall_ms(shard->loop.io),
        .limit = p->high_watermark,
        .max = (size_t)part->wanted->max_num_offsets,
    };
    int64_t start = log_start(p->log);

    if (timestamp != TIME_EARLIEST) {
        if (log_list_starts(p->log, &query, &part->starts))
            return ERROR_NOT_LEADER_OR_FOLLOWER; /* These clients know no error of storage. */
    } else if (query.max) {
        text_add(&part->starts, &start, sizeof(start));
    }
    return ERROR_NONE;
}

/* Hands over what was found, aligned as the response needs it. */
static void take_starts(struct offsets_work *work, struct offsets_part *part)
{
    size_t count = part->starts.size / sizeof(int64_t);

    if (!count)
        return;
    part->result->old_style_offsets = request_new(work->request, part->starts.size);
    part->result->old_style_offsets_count = (int32_t)count;
    memcpy(part->result->old_style_offsets, part->starts.data, part->starts.size);
    text_fini(&part->starts);
}

/* --- the legs ---------------------------------------------------------------- */

static int16_t answer_part(struct offsets_leg *leg, struct offsets_part *part)
{
    struct shard *shard = leg->leg.to;
    struct partition *p;
    int16_t error;
    int r;

    error = error_of_place(shard, leg->work->request, part->topic, part->wanted->partition_index);
    if (error != ERROR_NONE)
        return error;
    r = replicas_get(&shard->replicas, part->topic, part->wanted->partition_index, &p);
    if (r)
        return error_of_partition(r, 0);
    if (leg->work->request->header.version == 0)
        return list_starts(shard, p, part);
    error = check_epoch(p, part->wanted->current_leader_epoch);
    return error ? error : look_up(leg->work->request, p, part);
}

static void leg_run(struct leg *leg)
{
    struct offsets_leg *offsets_leg = container_of(leg, struct offsets_leg, leg);

    for (struct offsets_part *part = offsets_leg->first; part; part = part->next) {
        part->result->error_code = answer_part(offsets_leg, part);
        if (offsets_leg->work->request->header.version < 4) /* KIP-320 */
            part->result->leader_epoch = -1;
    }
    leg_finish(leg);
}

static void part_done(struct offsets_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void leg_done(struct leg *leg)
{
    struct offsets_leg *offsets_leg = container_of(leg, struct offsets_leg, leg);

    for (struct offsets_part *part = offsets_leg->first; part; part = part->next)
        take_starts(offsets_leg->work, part);
    part_done(offsets_leg->work);
}

static bool is_repeated(const struct list_offsets_topic *topic, int32_t at)
{
    for (int32_t i = 0; i < topic->partitions_count; i++)
        if (i != at &&
            topic->partitions[i].partition_index == topic->partitions[at].partition_index)
            return true;
    return false;
}

static int16_t check_part(const struct request *request, const struct list_offsets_topic *wanted,
                          const struct image_topic *topic, int32_t at)
{
    const struct list_offsets_partition *partition = &wanted->partitions[at];

    if (!authorize(request, ACL_DESCRIBE, wanted->name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (request->header.version > 0 && is_repeated(wanted, at))
        return ERROR_INVALID_REQUEST;
    if (version_of_special(partition->timestamp) > request->header.version)
        return ERROR_UNSUPPORTED_VERSION;
    if (!topic || partition->partition_index < 0 ||
        partition->partition_index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (request->header.version == 0 && partition->max_num_offsets < 0)
        return ERROR_INVALID_REQUEST;
    return ERROR_NONE;
}

static void add_topic(struct offsets_work *work, const struct list_offsets_topic *wanted,
                      struct list_offsets_topic_response *out)
{
    struct request *request = work->request;
    size_t count = (size_t)max_of(wanted->partitions_count, 0);
    struct offsets_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic = image_find_topic(request->image, wanted->name);

    out->name = wanted->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct offsets_part *part = &parts[i];
        struct offsets_leg *leg;

        part->topic = topic;
        part->wanted = &wanted->partitions[i];
        part->result = &out->partitions[i];
        part->result->partition_index = part->wanted->partition_index;
        found(part, -1, -1, -1);
        part->result->error_code = check_part(request, wanted, topic, (int32_t)i);
        if (part->result->error_code != ERROR_NONE)
            continue;
        leg = &work->legs[partition_home(topic->id, part->wanted->partition_index,
                                         request->shard->broker->shard_count)];
        work->pending += !leg->work;
        leg->work = work;
        part->next = leg->first;
        leg->first = part;
    }
}

void handle_list_offsets(struct request *request)
{
    const struct list_offsets_request *body = request->body;
    struct offsets_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topics_count, 0);
    int shards = request->shard->broker->shard_count;

    work->request = request;
    work->pending = 1;
    work->legs = request_new(request, (size_t)shards * sizeof(*work->legs));
    codec_defaults(&list_offsets_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    for (int i = 0; i < shards; i++) {
        struct offsets_leg *leg = &work->legs[i];

        if (!leg->work)
            continue;
        leg->leg = (struct leg){.run = leg_run, .done = leg_done};
        leg_send(&leg->leg, request->shard, &request->shard->broker->shards[i]);
    }
    part_done(work);
}
