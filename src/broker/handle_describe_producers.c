/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_producers.c - who writes to partitions with an identity, and since when
 * in an open transaction (KIP-664). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "broker/spread.h"
#include "store/producers.h"
#include "wire/msg/describe_producers.h"

struct producers_part {
    struct spread_part part;
    struct describe_producers_partition_response *result;
    struct text states; /* Owned: struct describe_producers_producer_state. */
};

struct producers_work {
    struct spread spread;
    struct describe_producers_response response;
    struct producers_part **parts; /* Arena: those that are asked. */
    size_t count;
};

/* --- on the home shard ------------------------------------------------------ */

static void add_producer(const struct producer *p, struct text *out)
{
    struct describe_producers_producer_state state = {
        .producer_id = p->id,
        .producer_epoch = p->epoch,
        .last_sequence = p->batch_count ? p->batches[p->batch_count - 1].last_sequence : -1,
        .last_timestamp = p->last_timestamp,
        .coordinator_epoch = p->coordinator_epoch,
        .current_txn_start_offset = p->txn_first_offset,
    };

    text_add(out, &state, sizeof(state));
}

static void run(struct spread *spread, struct shard *shard, struct spread_part *part)
{
    struct producers_part *producers_part = container_of(part, struct producers_part, part);
    struct partition *p;

    producers_part->result->error_code = spread_open(spread, shard, part, &p);
    if (producers_part->result->error_code == ERROR_NONE)
        producers_each(log_producers(p->log), add_producer, &producers_part->states);
    spread_end_part(part);
}

/* --- on the session's shard ------------------------------------------------- */

/* Hands over what was found, aligned as the response needs it. */
static void take_states(struct request *request, struct producers_part *part)
{
    size_t count = part->states.size / sizeof(struct describe_producers_producer_state);

    part->result->active_producers = request_new(request, part->states.size + 1);
    part->result->active_producers_count = (int32_t)count;
    if (count > 0)
        memcpy(part->result->active_producers, part->states.data, part->states.size);
    text_fini(&part->states);
}

static void done(struct spread *spread)
{
    struct producers_work *work = container_of(spread, struct producers_work, spread);

    for (size_t i = 0; i < work->count; i++)
        take_states(spread->request, work->parts[i]);
    request_answer(spread->request, &work->response);
}

static int16_t check_part(const struct request *request, struct slice name,
                          const struct image_topic *topic, int32_t index)
{
    if (!authorize(request, ACL_READ, name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic || index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return ERROR_NONE;
}

static void add_topic(struct producers_work *work,
                      const struct describe_producers_topic_request *wanted,
                      struct describe_producers_topic_response *out)
{
    struct request *request = work->spread.request;
    size_t count = (size_t)max_of(wanted->partition_indexes_count, 0);
    struct producers_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic = image_find_topic(request->image, wanted->name);

    out->name = wanted->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct producers_part *part = &parts[i];
        int32_t index = wanted->partition_indexes[i];

        part->result = &out->partitions[i];
        *part->result = describe_producers_partition_response_defaults;
        part->result->partition_index = index;
        part->result->error_code = check_part(request, wanted->name, topic, index);
        if (part->result->error_code != ERROR_NONE)
            continue;
        spread_add(&work->spread, &part->part, topic, index);
        work->parts[work->count++] = part;
    }
}

static size_t count_partitions(const struct describe_producers_request *body)
{
    size_t count = 0;

    for (int32_t i = 0; i < body->topics_count; i++)
        count += (size_t)max_of(body->topics[i].partition_indexes_count, 0);
    return count;
}

void handle_describe_producers(struct request *request)
{
    const struct describe_producers_request *body = request->body;
    struct producers_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topics_count, 0);

    work->spread.run = run;
    work->spread.done = done;
    spread_init(&work->spread, request);
    work->parts =
        request_new(request, (count_partitions(body) + 1) * sizeof(struct producers_part *));
    codec_defaults(&describe_producers_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    spread_start(&work->spread);
}
