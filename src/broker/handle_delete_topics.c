/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_delete_topics.c - by name, or from version 6 on by id as well (KIP-516). */

#include "broker/dispatch.h"
#include "broker/producer_ids.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "wire/msg/delete_topics.h"

struct deletion {
    struct control_call call;
    struct delete_work *work;
    struct delete_topics_deletable_topic_result *result;
};

struct delete_work {
    struct request *request;
    struct delete_topics_response response;
    int pending;
};

static void part_done(struct delete_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void deleted(struct control_call *call)
{
    struct deletion *deletion = container_of(call, struct deletion, call);
    struct request *request = deletion->work->request;

    if (call->op.outcome) {
        deletion->result->error_code = error_of_control(call->op.outcome);
        deletion->result->error_message =
            slice_text(arena_printf(&request->arena, "%s", call->op.why));
    } else {
        deletion->result->topic_id = call->op.id;
    }
    part_done(deletion->work);
}

/* What the request names, by name or by id, and what that is. */
struct target {
    struct slice name;
    struct uuid id;
    const struct image_topic *topic; /* NULL if there is no such. */
};

static struct target *find_targets(struct request *request, size_t count)
{
    const struct delete_topics_request *body = request->body;
    bool has_ids = request->header.version >= 6;
    struct target *targets = request_new(request, (count + 1) * sizeof(*targets));

    for (size_t i = 0; i < count; i++) {
        struct target *target = &targets[i];

        target->name = has_ids ? body->topics[i].name : body->topic_names[i];
        target->id = has_ids ? body->topics[i].topic_id : (struct uuid){{0}};
        target->topic =
            reply_find_topic(request, target->name, target->id, slice_is_null(target->name));
    }
    return targets;
}

/* A topic that is named twice, even once by name and once by id, is named by its id. */
static const struct repeat *find_repeats(struct request *request, const struct target *targets,
                                         size_t count)
{
    struct slice *keys = request_new(request, (count + 1) * sizeof(*keys));

    for (size_t i = 0; i < count; i++) {
        const struct target *target = &targets[i];

        if (target->topic)
            keys[i] = slice_of(target->topic->id.bytes, sizeof(target->topic->id.bytes));
        else if (!slice_is_null(target->name))
            keys[i] = target->name;
        else
            keys[i] = slice_of(target->id.bytes, sizeof(target->id.bytes));
    }
    return repeats_find(request, keys, count);
}

/* Why this cannot be asked for, or NULL. */
static const char *check_target(const struct target *target, const struct repeat *repeat)
{
    if (!slice_is_null(target->name) && !uuid_is_zero(target->id))
        return "You may not specify both topic name and topic id.";
    if (slice_is_null(target->name) && uuid_is_zero(target->id))
        return "Neither topic name nor id were specified.";
    if (!repeat->is_alone)
        return "Duplicate topic name or id.";
    return NULL;
}

/* Fills the operation; false if the topic was refused on the spot. */
static bool prepare(struct request *request, struct deletion *deletion, const struct target *target,
                    const struct repeat *repeat)
{
    const char *why = check_target(target, repeat);

    deletion->result->name = slice_is_null(target->name) && target->topic
                                 ? slice_text(target->topic->name)
                                 : target->name;
    deletion->result->topic_id = target->id;
    if (why) {
        deletion->result->name = target->name;
        deletion->result->error_code = ERROR_INVALID_REQUEST;
        deletion->result->error_message = slice_text(why);
        return false;
    }
    if (!authorize(request, ACL_DELETE, deletion->result->name)) {
        deletion->result->error_code = ERROR_TOPIC_AUTHORIZATION_FAILED;
        return false;
    }
    deletion->call.op.kind = CONTROL_DELETE_TOPIC;
    deletion->call.op.name = target->name;
    deletion->call.op.id = target->id;
    deletion->call.done = deleted;
    return true;
}

void handle_delete_topics(struct request *request)
{
    const struct delete_topics_request *body = request->body;
    bool has_ids = request->header.version >= 6;
    size_t count = (size_t)max_of(has_ids ? body->topics_count : body->topic_names_count, 0);
    struct delete_work *work = request_new(request, sizeof(*work));
    struct deletion *deletions = request_new(request, (count + 1) * sizeof(*deletions));
    const struct target *targets = find_targets(request, count);
    const struct repeat *repeats = find_repeats(request, targets, count);

    work->request = request;
    work->pending = 1;
    codec_defaults(&delete_topics_response_message, &work->response);
    work->response.responses =
        request_new(request, (count + 1) * sizeof(*work->response.responses));
    for (size_t i = 0; i < count; i++) {
        struct deletion *deletion = &deletions[i];

        if (!repeats[i].is_first)
            continue; /* One answer for each topic. */
        deletion->work = work;
        deletion->result = &work->response.responses[work->response.responses_count++];
        if (!prepare(request, deletion, &targets[i], &repeats[i]))
            continue;
        work->pending++;
        control_call_send(&deletion->call, request->shard);
    }
    part_done(work);
}
