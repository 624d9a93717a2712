/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_offset_fetch.c - how far groups have read.
 *
 * Each group is asked of its own coordinator.  Before version 8 a request is about one group;
 * here it is then a list of one.
 *
 * There are no transactions yet, so that no offset is unstable. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/offset_fetch.h"

struct fetch_group {
    struct group_leg leg;
    struct coord_read read;
    struct fetch_offsets_work *work;
    struct offset_fetch_request_group wanted;
    struct offset_fetch_response_group result;
};

struct fetch_offsets_work {
    struct request *request;
    struct fetch_group *groups; /* Arena. */
    size_t count;
    size_t pending;
};

static bool uses_ids(const struct request *request)
{
    return request->header.version >= 10;
}

/* --- on the group's home ---------------------------------------------------- */

static void fill_partition(struct fetch_group *group, int32_t index, const struct committed *value,
                           struct offset_fetch_response_partitions *out)
{
    struct slice metadata = value ? group_leg_keep(&group->leg, value->metadata) : slice_null();

    *out = (struct offset_fetch_response_partitions){
        .partition_index = index,
        .committed_offset = value ? value->offset : -1,
        .committed_leader_epoch = value ? value->leader_epoch : -1,
        .metadata = slice_is_null(metadata) ? slice_empty() : metadata,
    };
}

/* What was committed for a topic of the same name that is gone does not count. */
static bool is_of_topic(const struct committed *value, struct uuid id)
{
    return value &&
           (uuid_is_zero(id) || uuid_is_zero(value->topic_id) || uuid_equal(value->topic_id, id));
}

static void fill_wanted(struct fetch_group *group, const struct offsets *offsets)
{
    for (int32_t i = 0; i < group->result.topics_count; i++) {
        struct offset_fetch_response_topics *out = &group->result.topics[i];

        for (int32_t k = 0; k < out->partitions_count; k++) {
            int32_t index = out->partitions[k].partition_index;
            const struct committed *value =
                offsets ? offsets_find(offsets, out->name, index) : NULL;

            if (out->partitions[k].error_code == ERROR_NONE)
                fill_partition(group, index, is_of_topic(value, out->topic_id) ? value : NULL,
                               &out->partitions[k]);
        }
    }
}

static void fill_topic(struct fetch_group *group, const struct offsets_topic *topic,
                       struct offset_fetch_response_topics *out)
{
    const struct image_topic *there = image_find_topic(group->work->request->image, topic->name);
    size_t count = topic->by_partition.count;
    int32_t i = 0;

    out->name = group_leg_keep(&group->leg, topic->name);
    out->topic_id = there ? there->id : (struct uuid){{0}};
    out->partitions = arena_new(&group->leg.memory, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    list_each (node, &topic->entries) {
        const struct offsets_entry *entry = container_of(node, struct offsets_entry, node);

        fill_partition(group, entry->partition, &entry->value, &out->partitions[i++]);
    }
}

static void fill_all(struct fetch_group *group, const struct offsets *offsets)
{
    size_t room = offsets ? offsets->by_name.count : 0;
    struct offset_fetch_response_topics *topics =
        arena_new(&group->leg.memory, (room + 1) * sizeof(*topics));
    int32_t count = 0;

    group->result.topics = topics;
    for (struct list_node *node = offsets ? offsets->topics.head.next : NULL;
         node && node != &offsets->topics.head; node = node->next) {
        struct offset_fetch_response_topics *out = &topics[count];

        fill_topic(group, container_of(node, struct offsets_topic, node), out);
        /* By id only what has one can be told. */
        if (!uses_ids(group->work->request) || !uuid_is_zero(out->topic_id))
            count++;
    }
    group->result.topics_count = count;
}

static void read_offsets(struct coord_read *read, const struct offsets *offsets)
{
    struct fetch_group *group = container_of(read, struct fetch_group, read);

    if (group->wanted.topics_count < 0)
        fill_all(group, offsets);
    else
        fill_wanted(group, offsets);
}

static void read_done(struct coord_call *call)
{
    struct fetch_group *group = container_of(call, struct fetch_group, read.call);

    group_leg_finish(&group->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct fetch_group *group = container_of(leg, struct fetch_group, leg);

    coordinator_read(coordinator, &group->read);
}

/* --- on the session's shard ------------------------------------------------- */

/* Version 1 has no place for the error of a group: its partitions have it. */
static void refuse(struct fetch_group *group, int16_t error)
{
    bool is_first_version = group->work->request->header.version < 2;

    group->result.error_code = error;
    if (!is_first_version)
        group->result.topics_count = 0;
    for (int32_t i = 0; i < group->result.topics_count; i++) {
        struct offset_fetch_response_topics *topic = &group->result.topics[i];

        for (int32_t k = 0; k < topic->partitions_count; k++) {
            fill_partition(group, topic->partitions[k].partition_index, NULL,
                           &topic->partitions[k]);
            topic->partitions[k].error_code = error;
        }
    }
}

static struct offset_fetch_response_topic old_topic(struct request *request,
                                                    const struct offset_fetch_response_topics *from)
{
    struct offset_fetch_response_topic topic = {.name = from->name,
                                                .partitions_count = from->partitions_count};

    topic.partitions =
        request_new(request, ((size_t)from->partitions_count + 1) * sizeof(*topic.partitions));
    for (int32_t i = 0; i < from->partitions_count; i++)
        topic.partitions[i] = (struct offset_fetch_response_partition){
            .partition_index = from->partitions[i].partition_index,
            .committed_offset = from->partitions[i].committed_offset,
            .committed_leader_epoch = from->partitions[i].committed_leader_epoch,
            .metadata = from->partitions[i].metadata,
            .error_code = from->partitions[i].error_code,
        };
    return topic;
}

static void answer(struct fetch_offsets_work *work)
{
    struct request *request = work->request;
    struct offset_fetch_response response;
    const struct offset_fetch_response_group *one = &work->groups[0].result;

    codec_defaults(&offset_fetch_response_message, &response);
    if (request->header.version < 8) {
        response.error_code = one->error_code;
        response.topics =
            request_new(request, ((size_t)one->topics_count + 1) * sizeof(*response.topics));
        response.topics_count = one->topics_count;
        for (int32_t i = 0; i < one->topics_count; i++)
            response.topics[i] = old_topic(request, &one->topics[i]);
    } else {
        response.groups = request_new(request, (work->count + 1) * sizeof(*response.groups));
        response.groups_count = (int32_t)work->count;
        for (size_t i = 0; i < work->count; i++)
            response.groups[i] = work->groups[i].result;
    }
    request_answer(request, &response);
}

static void part_done(struct fetch_offsets_work *work)
{
    if (--work->pending == 0)
        answer(work);
}

static void leg_done(struct group_leg *leg)
{
    struct fetch_group *group = container_of(leg, struct fetch_group, leg);

    if (leg->outcome)
        refuse(group, error_of_coord(leg->outcome));
    part_done(group->work);
}

static void release(struct request *request)
{
    struct fetch_offsets_work *work = request->work;

    for (size_t i = 0; i < work->count; i++)
        group_leg_fini(&work->groups[i].leg);
}

/* The answer's topics, with what is wrong with each. */
static void prepare_topics(struct fetch_group *group)
{
    struct request *request = group->work->request;
    size_t topics = (size_t)max_of(group->wanted.topics_count, 0);

    group->result.topics = request_new(request, (topics + 1) * sizeof(*group->result.topics));
    group->result.topics_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++) {
        const struct offset_fetch_request_topics *from = &group->wanted.topics[i];
        struct offset_fetch_response_topics *out = &group->result.topics[i];
        const struct image_topic *topic =
            reply_find_topic(request, from->name, from->topic_id, uses_ids(request));
        size_t count = (size_t)max_of(from->partition_indexes_count, 0);

        out->name = uses_ids(request) && topic ? slice_text(topic->name) : from->name;
        out->topic_id = from->topic_id;
        out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
        out->partitions_count = (int32_t)count;
        for (size_t k = 0; k < count; k++) {
            fill_partition(group, from->partition_indexes[k], NULL, &out->partitions[k]);
            if (uses_ids(request) && !topic)
                out->partitions[k].error_code = ERROR_UNKNOWN_TOPIC_ID;
            else if (!authorize(request, ACL_DESCRIBE, out->name))
                out->partitions[k].error_code = ERROR_TOPIC_AUTHORIZATION_FAILED;
        }
    }
}

static void start_group(struct fetch_group *group)
{
    struct request *request = group->work->request;

    group_leg_init(&group->leg, request, group->wanted.group_id);
    group->leg.run = leg_run;
    group->leg.done = leg_done;
    group->read = (struct coord_read){
        .call = {.done = read_done}, .group_id = group->wanted.group_id, .read = read_offsets};
    group->result.group_id = group->wanted.group_id;
    prepare_topics(group);
    if (!authorize(request, ACL_DESCRIBE, group->wanted.group_id)) {
        refuse(group, ERROR_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    group->work->pending++;
    group_leg_send(&group->leg);
}

/* A request of old as a list of one. */
static struct offset_fetch_request_group only_group(struct request *request)
{
    const struct offset_fetch_request *body = request->body;
    struct offset_fetch_request_group group = {.group_id = body->group_id,
                                               .topics_count = body->topics_count};
    size_t count = (size_t)max_of(body->topics_count, 0);

    group.topics = request_new(request, (count + 1) * sizeof(*group.topics));
    for (size_t i = 0; i < count; i++)
        group.topics[i] = (struct offset_fetch_request_topics){
            .name = body->topics[i].name,
            .partition_indexes = body->topics[i].partition_indexes,
            .partition_indexes_count = body->topics[i].partition_indexes_count,
        };
    return group;
}

void handle_offset_fetch(struct request *request)
{
    const struct offset_fetch_request *body = request->body;
    struct fetch_offsets_work *work = request_new(request, sizeof(*work));
    bool is_single = request->header.version < 8;

    work->request = request;
    work->count = is_single ? 1 : (size_t)max_of(body->groups_count, 0);
    work->groups = request_new(request, (work->count + 1) * sizeof(*work->groups));
    work->pending = 1;
    request->work = work;
    request->release = release;
    for (size_t i = 0; i < work->count; i++) {
        work->groups[i].work = work;
        work->groups[i].wanted = is_single ? only_group(request) : body->groups[i];
        start_group(&work->groups[i]);
    }
    part_done(work);
}
