/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_delete_records.c - moves the start of partitions (KIP-107).
 *
 * A partition is answered when its new start is durable: nobody reads what was deleted again,
 * also after a crash. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/delete_records.h"

enum { NO_LOW_WATERMARK = -1 };

struct delete_part {
    struct start_wait wait;
    struct delete_part *next; /* On the same leg. */
    struct delete_leg *leg;
    struct partition *partition; /* Borrowed, while it waits. */
    const struct image_topic *topic;
    const struct delete_records_partition *wanted;
    struct delete_records_partition_result *result;
};

struct delete_leg {
    struct leg leg;
    struct delete_work *work;
    struct delete_part *first;
    int pending; /* Parts that wait, and one for the leg itself. */
};

struct delete_work {
    struct request *request;
    struct delete_records_response response;
    struct delete_leg *legs;
    int pending;
};

/* --- on the home shard ------------------------------------------------------ */

static void part_done(struct delete_leg *leg)
{
    if (--leg->pending == 0)
        leg_finish(&leg->leg);
}

static void moved(struct start_wait *wait, int outcome)
{
    struct delete_part *part = container_of(wait, struct delete_part, wait);

    part->result->error_code = error_of_partition(outcome, 0);
    if (outcome == 0)
        part->result->low_watermark = log_start(part->partition->log);
    part_done(part->leg);
}

static int16_t begin_part(struct delete_leg *leg, struct delete_part *part)
{
    struct shard *shard = leg->leg.to;
    int16_t error;
    int r;

    error = error_of_place(shard, leg->work->request, part->topic, part->wanted->partition_index);
    if (error != ERROR_NONE)
        return error;
    r = replicas_get(&shard->replicas, part->topic, part->wanted->partition_index,
                     &part->partition);
    if (r)
        return error_of_partition(r, 0);
    part->leg = leg;
    part->wait = (struct start_wait){.offset = part->wanted->offset, .done = moved};
    leg->pending++;
    r = partition_delete_records(part->partition, &part->wait);
    if (r)
        leg->pending--;
    return error_of_partition(r, 0);
}

static void leg_run(struct leg *leg)
{
    struct delete_leg *delete_leg = container_of(leg, struct delete_leg, leg);

    delete_leg->pending = 1;
    for (struct delete_part *part = delete_leg->first; part; part = part->next) {
        int16_t error = begin_part(delete_leg, part);

        if (error != ERROR_NONE)
            part->result->error_code = error;
    }
    part_done(delete_leg);
}

/* --- on the session's shard ------------------------------------------------- */

static void leg_arrived(struct delete_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void leg_done(struct leg *leg)
{
    leg_arrived(container_of(leg, struct delete_leg, leg)->work);
}

static int16_t check_part(const struct request *request, struct slice name,
                          const struct image_topic *topic, int32_t index)
{
    if (!authorize(request, ACL_DELETE, name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic || index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return topic_is_internal(name) ? ERROR_INVALID_TOPIC_EXCEPTION : ERROR_NONE;
}

static void add_topic(struct delete_work *work, const struct delete_records_topic *wanted,
                      struct delete_records_topic_result *out)
{
    struct request *request = work->request;
    size_t count = (size_t)max_of(wanted->partitions_count, 0);
    struct delete_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic = image_find_topic(request->image, wanted->name);

    out->name = wanted->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct delete_part *part = &parts[i];
        struct delete_leg *leg;

        part->topic = topic;
        part->wanted = &wanted->partitions[i];
        part->result = &out->partitions[i];
        *part->result = (struct delete_records_partition_result){
            .partition_index = part->wanted->partition_index,
            .low_watermark = NO_LOW_WATERMARK,
            .error_code = check_part(request, wanted->name, topic, part->wanted->partition_index),
        };
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

void handle_delete_records(struct request *request)
{
    const struct delete_records_request *body = request->body;
    struct delete_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topics_count, 0);
    int shards = request->shard->broker->shard_count;

    work->request = request;
    work->pending = 1;
    work->legs = request_new(request, (size_t)shards * sizeof(*work->legs));
    codec_defaults(&delete_records_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    for (int i = 0; i < shards; i++) {
        struct delete_leg *leg = &work->legs[i];

        if (!leg->work)
            continue;
        leg->leg = (struct leg){.run = leg_run, .done = leg_done};
        leg_send(&leg->leg, request->shard, &request->shard->broker->shards[i]);
    }
    leg_arrived(work);
}
