/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_offset_delete.c - a group forgets how far it has read some partitions
 * (KIP-496). */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/offset_delete.h"

struct delete_offsets_work {
    struct group_leg leg;
    struct coord_change change;
    struct offset_delete_response response;
    struct offset_delete_response_partition **results; /* Arena; one for each offset. */
};

static void deleted(struct coord_call *call)
{
    struct delete_offsets_work *work = container_of(call, struct delete_offsets_work, change.call);

    group_leg_finish(&work->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct delete_offsets_work *work = container_of(leg, struct delete_offsets_work, leg);

    coordinator_delete_offsets(coordinator, &work->change);
}

static void leg_done(struct group_leg *leg)
{
    struct delete_offsets_work *work = container_of(leg, struct delete_offsets_work, leg);

    if (leg->outcome) { /* Then nothing is said of single partitions. */
        work->response.error_code = error_of_coord(leg->outcome);
        work->response.topics_count = 0;
    }
    for (size_t i = 0; i < work->change.count; i++)
        work->results[i]->error_code = error_of_coord(work->change.offsets[i].outcome);
    request_answer(leg->request, &work->response);
}

static void add_topic(struct delete_offsets_work *work,
                      const struct offset_delete_request_topic *from,
                      struct offset_delete_response_topic *out)
{
    struct request *request = work->leg.request;
    const struct image_topic *topic = image_find_topic(request->image, from->name);
    bool is_allowed = authorize(request, ACL_READ, from->name);
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->name = from->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        int32_t index = from->partitions[i].partition_index;

        out->partitions[i].partition_index = index;
        if (!is_allowed) {
            out->partitions[i].error_code = ERROR_TOPIC_AUTHORIZATION_FAILED;
        } else if (!topic || index < 0 || index >= topic->partition_count) {
            out->partitions[i].error_code = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        } else {
            work->results[work->change.count] = &out->partitions[i];
            work->change.offsets[work->change.count++] =
                (struct coord_offset){.topic = from->name, .partition = index};
        }
    }
}

static void refuse(struct request *request, int16_t error)
{
    struct offset_delete_response response;

    codec_defaults(&offset_delete_response_message, &response);
    response.error_code = error;
    request_answer(request, &response);
}

static size_t count_partitions(const struct offset_delete_request *body)
{
    size_t count = 0;

    for (int32_t i = 0; i < body->topics_count; i++)
        count += (size_t)max_of(body->topics[i].partitions_count, 0);
    return count;
}

void handle_offset_delete(struct request *request)
{
    const struct offset_delete_request *body = request->body;
    size_t topics = (size_t)max_of(body->topics_count, 0);
    size_t count = count_partitions(body);
    struct delete_offsets_work *work = request_new(request, sizeof(*work));

    if (!authorize(request, ACL_DELETE, body->group_id)) {
        refuse(request, ERROR_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    if (body->group_id.size == 0) {
        refuse(request, ERROR_INVALID_GROUP_ID);
        return;
    }
    group_leg_init(&work->leg, request, body->group_id);
    work->leg.run = leg_run;
    work->leg.done = leg_done;
    work->change = (struct coord_change){
        .call = {.done = deleted},
        .group_id = body->group_id,
        .offsets = request_new(request, (count + 1) * sizeof(*work->change.offsets)),
    };
    work->results = request_new(request, (count + 1) * sizeof(struct coord_offset *));
    codec_defaults(&offset_delete_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    group_leg_send(&work->leg);
}
