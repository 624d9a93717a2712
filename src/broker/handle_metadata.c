/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_metadata.c - the cluster as the request's listener shows it.
 *
 * A topic that is not there and may be made is made first, and the answer has it:
 * Kafka answers at once with an error and lets the client ask again, which costs a
 * new topic's first producer a back-off.
 */

#include "broker/dispatch.h"
#include "broker/internal_topic.h"
#include "broker/producer_ids.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "wire/msg/metadata.h"

struct metadata_work {
    struct request *request;
    struct metadata_response response;
    struct image *image; /* Shared: newer than the request's if topics were made. */
    struct auto_creation *creations;
    bool by_id; /* Some entry has an id: then those with a name only are not looked at. */
    const struct repeat *repeats;
    int pending;
};

struct auto_creation {
    struct control_call call;
    struct metadata_work *work;
    bool is_asked;
};

enum { OPERATIONS_UNASKED = INT32_MIN };

static void fill_partitions(struct request *request, const struct image_topic *topic,
                            struct metadata_response_topic *out)
{
    size_t count = (size_t)topic->partition_count;
    struct metadata_response_partition *partitions =
        request_new(request, (count + 1) * sizeof(*partitions));

    for (size_t i = 0; i < count; i++) {
        const struct image_partition *p = &topic->partitions[i];

        partitions[i] = (struct metadata_response_partition){
            .error_code = p->leader < 0 ? ERROR_LEADER_NOT_AVAILABLE : ERROR_NONE,
            .partition_index = (int32_t)i,
            .leader_id = p->leader,
            .leader_epoch = p->leader_epoch,
            .replica_nodes = p->replicas->replicas.ids,
            .replica_nodes_count = p->replicas->replicas.count,
            .isr_nodes = p->replicas->isr.ids,
            .isr_nodes_count = p->replicas->isr.count,
        };
    }
    out->partitions = partitions;
    out->partitions_count = (int32_t)count;
}

static void fill_topic(struct request *request, const struct image_topic *topic,
                       struct metadata_response_topic *out)
{
    const struct metadata_request *body = request->body;

    *out = (struct metadata_response_topic){
        .name = slice_text(topic->name),
        .topic_id = topic->id,
        .is_internal = topic_is_internal(slice_text(topic->name)),
        .topic_authorized_operations =
            body->include_topic_authorized_operations ? REPLY_OPERATIONS_TOPIC : OPERATIONS_UNASKED,
    };
    fill_partitions(request, topic, out);
}

static void fill_missing(struct slice name, struct uuid id, int16_t error,
                         struct metadata_response_topic *out)
{
    *out = (struct metadata_response_topic){
        .error_code = error,
        .name = name,
        .topic_id = id,
        .is_internal = topic_is_internal(name),
        .topic_authorized_operations = OPERATIONS_UNASKED,
    };
}

static bool asks_for_all(const struct request *request)
{
    const struct metadata_request *body = request->body;

    return body->topics_count < 0 || (request->header.version == 0 && body->topics_count == 0);
}

static void fill_all(struct metadata_work *work)
{
    size_t count = image_topic_count(work->image);
    const struct image_topic *topic;
    struct tree_walk walk;

    work->response.topics =
        request_new(work->request, (count + 1) * sizeof(*work->response.topics));
    image_walk_begin(&walk, work->image, slice_null());
    while ((topic = image_walk_next(&walk)))
        fill_topic(work->request, topic, &work->response.topics[work->response.topics_count++]);
}

/* What became of a topic that was to be made. */
static int16_t error_of_creation(const struct auto_creation *creation)
{
    if (!creation->is_asked)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    switch (creation->call.op.outcome) {
    case CONTROL_E_NAME:
    case CONTROL_E_COLLIDES: return ERROR_INVALID_TOPIC_EXCEPTION;
    case CONTROL_E_RESERVED: return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    default: return ERROR_LEADER_NOT_AVAILABLE; /* The client asks again. */
    }
}

static int16_t error_of_name(const struct auto_creation *creation, struct slice name)
{
    return control_check_name(name) ? ERROR_INVALID_TOPIC_EXCEPTION : error_of_creation(creation);
}

/* Each topic is answered once. */
static bool is_looked_at(const struct metadata_work *work, int32_t at)
{
    const struct metadata_request *body = work->request->body;

    return work->repeats[at].is_first && !(work->by_id && uuid_is_zero(body->topics[at].topic_id));
}

static void fill_named(struct metadata_work *work)
{
    const struct metadata_request *body = work->request->body;
    size_t count = (size_t)body->topics_count;

    work->response.topics =
        request_new(work->request, (count + 1) * sizeof(*work->response.topics));
    for (size_t i = 0; i < count; i++) {
        const struct metadata_request_topic *wanted = &body->topics[i];
        struct metadata_response_topic *out = &work->response.topics[work->response.topics_count];
        const struct image_topic *topic;

        if (!is_looked_at(work, (int32_t)i))
            continue;
        topic = work->by_id ? image_find_topic_by_id(work->image, wanted->topic_id)
                            : image_find_topic(work->image, wanted->name);
        work->response.topics_count++;
        if (topic)
            fill_topic(work->request, topic, out);
        else if (work->by_id)
            fill_missing(slice_null(), wanted->topic_id, ERROR_UNKNOWN_TOPIC_ID, out);
        else
            fill_missing(wanted->name, wanted->topic_id,
                         error_of_name(&work->creations[i], wanted->name), out);
    }
}

static void fill_cluster(struct metadata_work *work)
{
    struct request *request = work->request;
    const struct metadata_request *body = request->body;
    struct reply_broker *shown;
    size_t count = reply_brokers(request, work->image, false, &shown);
    struct metadata_response_broker *brokers = request_new(request, (count + 1) * sizeof(*brokers));

    for (size_t i = 0; i < count; i++)
        brokers[i] = (struct metadata_response_broker){.node_id = shown[i].id,
                                                       .host = shown[i].host,
                                                       .port = shown[i].port,
                                                       .rack = shown[i].rack};
    work->response.brokers = brokers;
    work->response.brokers_count = (int32_t)count;
    work->response.cluster_id = reply_cluster_id(request);
    work->response.controller_id = request->shard->broker->node_id; /* It passes on. */
    if (body->include_cluster_authorized_operations)
        work->response.cluster_authorized_operations = REPLY_OPERATIONS_CLUSTER;
}

static void release(struct request *request)
{
    struct metadata_work *work = request->work;

    work->image = image_unref(work->image);
}

static void part_done(struct metadata_work *work)
{
    if (--work->pending > 0)
        return;
    work->image = image_ref(work->request->shard->image);
    fill_cluster(work);
    if (asks_for_all(work->request))
        fill_all(work);
    else
        fill_named(work);
    request_answer(work->request, &work->response);
}

static void created(struct control_call *call)
{
    part_done(container_of(call, struct auto_creation, call)->work);
}

/* False if it is an internal topic that this release does not make. */
static bool prepare_creation(struct request *request, struct slice name, struct control_op *op)
{
    const struct settings *settings = &request->shard->settings;

    if (topic_is_internal(name))
        return internal_topic_prepare(request, name, op);
    op->kind = CONTROL_CREATE_TOPIC;
    op->name = name;
    op->partitions = (int32_t)settings->num_partitions;
    op->replication_factor = (int16_t)settings->default_replication_factor;
    return true;
}

/* Asks the controller for every named topic that is not there. */
static void create_missing(struct metadata_work *work)
{
    struct request *request = work->request;
    const struct metadata_request *body = request->body;
    const struct settings *settings = &request->shard->settings;
    bool may_create = body->allow_auto_topic_creation && settings->auto_create_topics_enable;

    work->creations =
        request_new(request, ((size_t)body->topics_count + 1) * sizeof(*work->creations));
    for (int32_t i = 0; may_create && i < body->topics_count; i++) {
        struct auto_creation *creation = &work->creations[i];
        struct slice name = body->topics[i].name;

        if (work->by_id || !is_looked_at(work, i) || control_check_name(name) ||
            image_find_topic(request->image, name) || !authorize(request, ACL_CREATE, name))
            continue;
        if (!prepare_creation(request, name, &creation->call.op))
            continue;
        creation->work = work;
        creation->is_asked = true;
        creation->call.done = created;
        work->pending++;
        control_call_send(&creation->call, request->shard);
    }
}

/* Finds out what the entries name, and which name it again. */
static void look_at_topics(struct metadata_work *work)
{
    const struct metadata_request *body = work->request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct slice *keys = request_new(work->request, (count + 1) * sizeof(*keys));

    for (size_t i = 0; i < count; i++)
        work->by_id |= !uuid_is_zero(body->topics[i].topic_id);
    for (size_t i = 0; i < count; i++) {
        const struct metadata_request_topic *wanted = &body->topics[i];

        keys[i] = work->by_id ? slice_of(wanted->topic_id.bytes, sizeof(wanted->topic_id.bytes))
                              : wanted->name;
    }
    work->repeats = repeats_find(work->request, keys, count);
}

/* Before version 12 an answer needs names, so a request by id is none; an entry without
 * either is none in any version. */
static bool is_invalid(const struct request *request)
{
    const struct metadata_request *body = request->body;

    for (int32_t i = 0; i < body->topics_count; i++) {
        bool has_id = !uuid_is_zero(body->topics[i].topic_id);
        bool has_name = !slice_is_null(body->topics[i].name);

        if (request->header.version < 12 ? has_id || !has_name : !has_id && !has_name)
            return true;
    }
    return false;
}

/* The error stands at every topic, since there was no other place before version 13. */
static void answer_invalid(struct metadata_work *work)
{
    const struct metadata_request *body = work->request->body;
    size_t count = (size_t)body->topics_count;

    work->response.error_code = ERROR_INVALID_REQUEST;
    work->response.topics = request_new(work->request, count * sizeof(*work->response.topics));
    work->response.topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct metadata_request_topic *wanted = &body->topics[i];

        fill_missing(slice_is_null(wanted->name) ? slice_empty() : wanted->name, wanted->topic_id,
                     ERROR_INVALID_REQUEST, &work->response.topics[i]);
    }
    request_answer(work->request, &work->response);
}

void handle_metadata(struct request *request)
{
    struct metadata_work *work = request_new(request, sizeof(*work));

    work->request = request;
    work->pending = 1;
    codec_defaults(&metadata_response_message, &work->response);
    request->work = work;
    request->release = release;
    if (is_invalid(request)) {
        answer_invalid(work);
        return;
    }
    look_at_topics(work);
    if (!asks_for_all(request))
        create_missing(work);
    part_done(work);
}
