/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_offset_for_leader_epoch.c - where the log of an epoch ends (KIP-101, KIP-320):
 * consumers ask to see whether what they have read is still there. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "broker/spread.h"
#include "wire/msg/offset_for_leader_epoch.h"

struct epoch_part {
    struct spread_part part;
    const struct offset_for_leader_epoch_offset_for_leader_partition *wanted;
    struct offset_for_leader_epoch_epoch_end_offset *result;
};

struct epoch_work {
    struct spread spread;
    struct offset_for_leader_epoch_response response;
};

static int16_t look_up(struct spread *spread, struct shard *shard, struct epoch_part *part)
{
    int32_t current = part->wanted->current_leader_epoch;
    struct partition *p;
    int16_t error = spread_open(spread, shard, &part->part, &p);

    if (error != ERROR_NONE)
        return error;
    if (current >= 0 && current != p->leader_epoch)
        return current < p->leader_epoch ? ERROR_FENCED_LEADER_EPOCH : ERROR_UNKNOWN_LEADER_EPOCH;
    log_find_led_epoch_end(p->log, p->leader_epoch, part->wanted->leader_epoch,
                           &part->result->leader_epoch, &part->result->end_offset);
    return ERROR_NONE;
}

static void run(struct spread *spread, struct shard *shard, struct spread_part *part)
{
    struct epoch_part *epoch_part = container_of(part, struct epoch_part, part);

    epoch_part->result->error_code = look_up(spread, shard, epoch_part);
    spread_end_part(part);
}

static void done(struct spread *spread)
{
    request_answer(spread->request, &container_of(spread, struct epoch_work, spread)->response);
}

static int16_t check_part(const struct request *request, struct slice name,
                          const struct image_topic *topic, int32_t index)
{
    if (!authorize(request, ACL_DESCRIBE, name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic || index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return ERROR_NONE;
}

static void add_topic(struct epoch_work *work,
                      const struct offset_for_leader_epoch_offset_for_leader_topic *wanted,
                      struct offset_for_leader_epoch_offset_for_leader_topic_result *out)
{
    struct request *request = work->spread.request;
    size_t count = (size_t)max_of(wanted->partitions_count, 0);
    struct epoch_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic = image_find_topic(request->image, wanted->topic);

    out->topic = wanted->topic;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct epoch_part *part = &parts[i];
        int32_t index = wanted->partitions[i].partition;

        part->wanted = &wanted->partitions[i];
        part->result = &out->partitions[i];
        part->result->partition = index;
        part->result->leader_epoch = -1;
        part->result->end_offset = -1;
        part->result->error_code = check_part(request, wanted->topic, topic, index);
        if (part->result->error_code == ERROR_NONE)
            spread_add(&work->spread, &part->part, topic, index);
    }
}

void handle_offset_for_leader_epoch(struct request *request)
{
    const struct offset_for_leader_epoch_request *body = request->body;
    struct epoch_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topics_count, 0);

    work->spread.run = run;
    work->spread.done = done;
    spread_init(&work->spread, request);
    codec_defaults(&offset_for_leader_epoch_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    spread_start(&work->spread);
}
