/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_create_topics.c - each topic is one operation of the controller. */

#include "broker/dispatch.h"
#include "broker/producer_ids.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "broker/topic_settings.h"
#include "wire/msg/create_topics.h"

#include <stdio.h>

enum { SOURCE_TOPIC = 1, SOURCE_DEFAULT = 5 };

struct creation {
    struct control_call call;
    struct create_work *work;
    const struct create_topics_creatable_topic *topic;
    struct create_topics_creatable_topic_result *result;
};

struct create_work {
    struct request *request;
    struct create_topics_response response;
    int pending;
};

/* From version 5 on the answer says which settings the topic has (KIP-525). */
static void describe(struct request *request, struct creation *creation)
{
    const struct create_topics_creatable_topic *topic = creation->topic;
    struct create_topics_creatable_topic_result *result = creation->result;
    const struct config_table *table = &topic_settings_table;
    struct create_topics_creatable_topic_configs *configs =
        request_new(request, table->count * sizeof(*configs));

    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        struct text value = {.data = NULL};

        configs[i].name = slice_text(row->name);
        configs[i].config_source = SOURCE_DEFAULT;
        topic_settings_value(&request->shard->settings, NULL, row, &value);
        configs[i].value =
            slice_text(arena_text(&request->arena, value.data ? value.data : "", value.size));
        text_fini(&value);
        for (int32_t k = 0; k < topic->configs_count; k++) {
            if (slice_equal(topic->configs[k].name, configs[i].name)) {
                configs[i].value = topic->configs[k].value;
                configs[i].config_source = SOURCE_TOPIC;
            }
        }
    }
    result->configs = configs;
    result->configs_count = (int32_t)table->count;
    result->num_partitions = creation->call.op.partitions;
    result->replication_factor = creation->call.op.replication_factor;
}

static void refuse(struct request *request, struct creation *creation, int16_t error,
                   const char *why)
{
    creation->result->error_code = error;
    creation->result->error_message = slice_text(arena_printf(&request->arena, "%s", why));
}

static void part_done(struct create_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void created(struct control_call *call)
{
    struct creation *creation = container_of(call, struct creation, call);
    struct request *request = creation->work->request;

    if (call->op.outcome) {
        refuse(request, creation, error_of_control(call->op.outcome),
               call->op.outcome == CONTROL_E_NAME ? reply_name_fault(request, call->op.name)
                                                  : call->op.why);
    } else {
        creation->result->topic_id = call->op.id;
        if (request->header.version >= 5)
            describe(request, creation);
    }
    part_done(creation->work);
}

/* A manual assignment must name every partition once, each with one broker. */
static const char *check_assignments(const struct create_topics_creatable_topic *topic)
{
    for (int32_t i = 0; i < topic->assignments_count; i++) {
        const struct create_topics_creatable_replica_assignment *a = &topic->assignments[i];
        bool is_there = false;

        for (int32_t k = 0; k < topic->assignments_count; k++)
            is_there |= topic->assignments[k].partition_index == i;
        if (!is_there)
            return "partitions should be a consecutive 0-based integer sequence";
        if (a->broker_ids_count != 1)
            return "Replication is not served yet: a partition can only have one replica.";
    }
    return NULL;
}

/* The brokers of a manual assignment, by partition, or NULL. */
static const int32_t *take_places(struct request *request,
                                  const struct create_topics_creatable_topic *topic)
{
    int32_t *places;

    if (topic->assignments_count <= 0)
        return NULL;
    places = request_new(request, (size_t)topic->assignments_count * sizeof(*places));
    for (int32_t i = 0; i < topic->assignments_count; i++)
        places[topic->assignments[i].partition_index] = topic->assignments[i].broker_ids[0];
    return places;
}

static const struct repeat *find_repeats(struct request *request)
{
    const struct create_topics_request *body = request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct slice *names = request_new(request, (count + 1) * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = body->topics[i].name;
    return repeats_find(request, names, count);
}

/* Fills the operation; false if the topic was refused on the spot. */
static bool prepare(struct request *request, struct creation *creation, bool repeated)
{
    const struct create_topics_creatable_topic *topic = creation->topic;
    const struct settings *settings = &request->shard->settings;
    struct control_op *op = &creation->call.op;
    struct control_config *configs =
        request_new(request, (size_t)max_of(topic->configs_count, 1) * sizeof(*configs));
    const char *why = check_assignments(topic);

    if (repeated) {
        refuse(request, creation, ERROR_INVALID_REQUEST, "Duplicate topic name.");
        return false;
    }
    if (topic->assignments_count > 0 &&
        (topic->num_partitions != -1 || topic->replication_factor != -1)) {
        refuse(request, creation, ERROR_INVALID_REQUEST,
               "A manual partition assignment was specified, but numPartitions or "
               "replicationFactor was not set to -1.");
        return false;
    }
    if (why) {
        refuse(request, creation, ERROR_INVALID_REPLICA_ASSIGNMENT, why);
        return false;
    }
    for (int32_t i = 0; i < topic->configs_count; i++) {
        struct text text = {.data = NULL};

        configs[i] = (struct control_config){topic->configs[i].name, topic->configs[i].value};
        if (topic_settings_check(configs[i].name, configs[i].value, &text)) {
            refuse(request, creation, ERROR_INVALID_CONFIG, text.data);
            text_fini(&text);
            return false;
        }
        text_fini(&text);
    }
    op->kind = CONTROL_CREATE_TOPIC;
    op->name = topic->name;
    op->places = take_places(request, topic);
    op->place_count = topic->assignments_count;
    op->configs = configs;
    op->config_count = (size_t)topic->configs_count;
    op->partitions = topic->assignments_count > 0  ? topic->assignments_count
                     : topic->num_partitions == -1 ? (int32_t)settings->num_partitions
                                                   : topic->num_partitions;
    op->replication_factor = topic->assignments_count > 0 || topic->replication_factor == -1
                                 ? (int16_t)settings->default_replication_factor
                                 : topic->replication_factor;
    return true;
}

void handle_create_topics(struct request *request)
{
    const struct create_topics_request *body = request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct create_work *work = request_new(request, sizeof(*work));
    struct creation *creations = request_new(request, (count + 1) * sizeof(*creations));
    const struct repeat *repeats = find_repeats(request);

    work->request = request;
    work->pending = 1;
    codec_defaults(&create_topics_response_message, &work->response);
    work->response.topics = request_new(request, (count + 1) * sizeof(*work->response.topics));
    for (size_t i = 0; i < count; i++) {
        struct creation *creation = &creations[i];

        if (!repeats[i].is_first)
            continue; /* One answer for each name. */
        creation->work = work;
        creation->topic = &body->topics[i];
        creation->result = &work->response.topics[work->response.topics_count++];
        *creation->result = (struct create_topics_creatable_topic_result){
            .name = creation->topic->name, .num_partitions = -1, .replication_factor = -1};
        if (!authorize(request, ACL_CREATE, creation->topic->name)) {
            refuse(request, creation, ERROR_TOPIC_AUTHORIZATION_FAILED, "Authorization failed.");
            continue;
        }
        if (!prepare(request, creation, !repeats[i].is_alone))
            continue;
        creation->call.op.validate_only = body->validate_only;
        creation->call.done = created;
        work->pending++;
        control_call_send(&creation->call, request->shard);
    }
    part_done(work);
}
