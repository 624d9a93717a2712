/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_offset_commit.c - how far a group has read is kept.
 *
 * Partitions that are not there are refused here; the rest goes to the group's coordinator,
 * which keeps all or nothing of it, but for texts that are too long. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/offset_commit.h"

struct commit_work {
    struct group_leg leg;
    struct coord_change change;
    struct offset_commit_response response;
    struct offset_commit_response_partition **results; /* Arena; one for each offset. */
};

static void committed(struct coord_call *call)
{
    struct commit_work *work = container_of(call, struct commit_work, change.call);

    group_leg_finish(&work->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct commit_work *work = container_of(leg, struct commit_work, leg);

    coordinator_commit(coordinator, &work->change);
}

/* Before version 9 clients did not know that a group could be missing. */
static int16_t error_of_commit(const struct request *request, int outcome)
{
    return outcome == COORD_E_UNKNOWN_GROUP && request->header.version < 9
               ? ERROR_ILLEGAL_GENERATION
               : error_of_coord(outcome);
}

static void leg_done(struct group_leg *leg)
{
    struct commit_work *work = container_of(leg, struct commit_work, leg);
    const struct coord_change *change = &work->change;

    for (size_t i = 0; i < change->count; i++)
        work->results[i]->error_code =
            error_of_commit(leg->request, leg->outcome ? leg->outcome : change->offsets[i].outcome);
    request_answer(leg->request, &work->response);
}

/* When it expires; -1: with its group.  A time beyond all times is the last. */
static int64_t expiry(int64_t now_ms, int64_t retention_ms)
{
    if (retention_ms == -1)
        return -1;
    return retention_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + retention_ms;
}

static struct committed value_of(const struct request *request, const struct image_topic *topic,
                                 const struct offset_commit_request_partition *from)
{
    const struct offset_commit_request *body = request->body;
    int64_t now_ms = io_wall_ms(request->shard->loop.io);

    return (struct committed){
        .offset = from->committed_offset,
        .leader_epoch = from->committed_leader_epoch,
        .metadata = from->committed_metadata,
        .commit_ms = from->commit_timestamp == -1 ? now_ms : from->commit_timestamp,
        .expire_ms = expiry(now_ms, body->retention_time_ms),
        .topic_id = topic->id,
    };
}

/* What is wrong with all partitions of a topic, or 0. */
static int16_t check_topic(const struct request *request,
                           const struct offset_commit_request_topic *from,
                           const struct image_topic *topic)
{
    const struct offset_commit_request *body = request->body;

    if (!authorize(request, ACL_READ, body->group_id))
        return ERROR_GROUP_AUTHORIZATION_FAILED;
    if (!topic && request->header.version >= 10)
        return ERROR_UNKNOWN_TOPIC_ID;
    if (!authorize(request, ACL_READ, topic ? slice_text(topic->name) : from->name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    return topic ? ERROR_NONE : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
}

static void add_topic(struct commit_work *work, const struct offset_commit_request_topic *from,
                      struct offset_commit_response_topic *out)
{
    struct request *request = work->leg.request;
    const struct image_topic *topic =
        reply_find_topic(request, from->name, from->topic_id, request->header.version >= 10);
    int16_t error = check_topic(request, from, topic);
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->name = from->name;
    out->topic_id = from->topic_id;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct offset_commit_request_partition *partition = &from->partitions[i];
        int32_t index = partition->partition_index;

        out->partitions[i].partition_index = index;
        out->partitions[i].error_code = error;
        if (error != ERROR_NONE)
            continue;
        if (index < 0 || index >= topic->partition_count) {
            out->partitions[i].error_code = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
            continue;
        }
        work->results[work->change.count] = &out->partitions[i];
        work->change.offsets[work->change.count++] =
            (struct coord_offset){.topic = slice_text(topic->name),
                                  .partition = index,
                                  .value = value_of(request, topic, partition)};
    }
}

static size_t count_partitions(const struct offset_commit_request *body)
{
    size_t count = 0;

    for (int32_t i = 0; i < body->topics_count; i++)
        count += (size_t)max_of(body->topics[i].partitions_count, 0);
    return count;
}

void handle_offset_commit(struct request *request)
{
    const struct offset_commit_request *body = request->body;
    struct commit_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topics_count, 0);
    size_t count = count_partitions(body);

    group_leg_init(&work->leg, request, body->group_id);
    work->leg.run = leg_run;
    work->leg.done = leg_done;
    work->change = (struct coord_change){
        .call = {.done = committed},
        .group_id = body->group_id,
        .who = {.member_id = body->member_id,
                .instance_id = body->group_instance_id,
                .generation = body->generation_id_or_member_epoch},
        .offsets = request_new(request, (count + 1) * sizeof(*work->change.offsets)),
    };
    work->results = request_new(request, (count + 1) * sizeof(struct coord_offset *));
    codec_defaults(&offset_commit_response_message, &work->response);
    work->response.topics = request_new(request, (topics + 1) * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.topics[i]);
    if (work->change.count > 0)
        group_leg_send(&work->leg);
    else
        request_answer(request, &work->response);
}
