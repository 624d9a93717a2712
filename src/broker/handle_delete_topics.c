/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_delete_topics.c - by name, or from version 6 on by id as well (KIP-516). */

#include "broker/dispatch.h"
#include "broker/producer_ids.h"
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

void handle_delete_topics(struct request *request)
{
    const struct delete_topics_request *body = request->body;
    bool has_ids = request->header.version >= 6;
    size_t count = (size_t)max_of(has_ids ? body->topics_count : body->topic_names_count, 0);
    struct delete_work *work = request_new(request, sizeof(*work));
    struct deletion *deletions = request_new(request, (count + 1) * sizeof(*deletions));

    work->request = request;
    work->pending = 1;
    codec_defaults(&delete_topics_response_message, &work->response);
    work->response.responses_count = (int32_t)count;
    work->response.responses =
        request_new(request, (count + 1) * sizeof(*work->response.responses));
    for (size_t i = 0; i < count; i++) {
        struct deletion *deletion = &deletions[i];
        struct slice name = has_ids ? body->topics[i].name : body->topic_names[i];
        struct uuid id = has_ids ? body->topics[i].topic_id : (struct uuid){{0}};
        const struct image_topic *topic = reply_find_topic(request, name, id, slice_is_null(name));

        deletion->work = work;
        deletion->result = &work->response.responses[i];
        deletion->result->name = slice_is_null(name) && topic ? slice_text(topic->name) : name;
        deletion->result->topic_id = id;
        if (!slice_is_null(name) && !uuid_is_zero(id)) {
            deletion->result->error_code = ERROR_INVALID_REQUEST;
            deletion->result->error_message =
                slice_text("You may not specify both topic name and topic id.");
            continue;
        }
        if (!authorize(request, ACL_DELETE, deletion->result->name)) {
            deletion->result->error_code = ERROR_TOPIC_AUTHORIZATION_FAILED;
            continue;
        }
        deletion->call.op.kind = CONTROL_DELETE_TOPIC;
        deletion->call.op.name = name;
        deletion->call.op.id = id;
        deletion->call.done = deleted;
        work->pending++;
        control_call_send(&deletion->call, request->shard);
    }
    part_done(work);
}
