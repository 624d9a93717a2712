/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_find_coordinator.c - who coordinates a group: the leader of its partition
 * of __consumer_offsets.
 *
 * The first who asks has __consumer_offsets made, and is answered when it is there: Kafka
 * answers at once with an error and lets the client ask again.  The coordinator begins to
 * read its partition, so that it is perhaps done when the members come.
 *
 * Coordinators of transactions and share groups are refused, since looking for one means to
 * use them. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/internal_topic.h"
#include "broker/producer_ids.h"
#include "broker/reply.h"
#include "wire/msg/find_coordinator.h"

DIAG_MODULE("broker");

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, KEY_SHARE = 2 };

struct find_work {
    struct request *request;
    struct find_coordinator_response response;
    struct control_call creation;
    struct group_leg *legs; /* Arena; one for each key. */
    const struct slice *keys;
    size_t count;
    size_t pending;
};

static int16_t check_key(const struct request *request, struct slice key, struct slice *out_why)
{
    const struct find_coordinator_request *body = request->body;

    *out_why = slice_null();
    switch (body->key_type) {
    case KEY_GROUP:
        if (!authorize(request, ACL_DESCRIBE, key))
            return ERROR_GROUP_AUTHORIZATION_FAILED;
        if (key.size > 0)
            return ERROR_NONE;
        *out_why = slice_text("The group id is empty.");
        return ERROR_INVALID_GROUP_ID;
    case KEY_TRANSACTION:
    case KEY_SHARE:
        *out_why = slice_text("Transactions and share groups are not served yet.");
        return ERROR_INVALID_REQUEST;
    default:
        *out_why = slice_text("This type of coordinator key is not known.");
        return ERROR_INVALID_REQUEST;
    }
}

static struct find_coordinator_coordinator answer_key(const struct find_work *work,
                                                      const struct group_leg *leg)
{
    struct request *request = work->request;
    struct find_coordinator_coordinator self = {.key = leg->group_id, .node_id = -1, .port = -1};
    const struct image_topic *topic;
    struct reply_broker shown;
    int32_t leader;

    self.host = slice_empty();
    self.error_code = check_key(request, leg->group_id, &self.error_message);
    if (self.error_code == ERROR_NONE && !groups_topic(request))
        self.error_code = ERROR_COORDINATOR_NOT_AVAILABLE;
    if (self.error_code != ERROR_NONE)
        return self;
    topic = groups_topic(request);
    leader = topic->partitions[coordinator_index(leg->group_id, topic->partition_count)].leader;
    if (!reply_find_broker(request, request->image, leader, &shown)) {
        self.error_code = ERROR_COORDINATOR_NOT_AVAILABLE;
        return self;
    }
    self.node_id = shown.id;
    self.host = shown.host;
    self.port = shown.port;
    return self;
}

static void answer(struct find_work *work)
{
    struct request *request = work->request;
    struct find_coordinator_coordinator *all =
        request_new(request, (work->count + 1) * sizeof(*all));

    for (size_t i = 0; i < work->count; i++)
        all[i] = answer_key(work, &work->legs[i]);
    if (request->header.version < 4) {
        work->response.error_code = all[0].error_code;
        work->response.error_message = all[0].error_message;
        work->response.node_id = all[0].node_id;
        work->response.host = all[0].host;
        work->response.port = all[0].port;
    } else {
        work->response.coordinators = all;
        work->response.coordinators_count = (int32_t)work->count;
    }
    request_answer(request, &work->response);
}

static void part_done(struct find_work *work)
{
    if (--work->pending == 0)
        answer(work);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    (void)coordinator; /* That it is looked for is all it needs. */
    group_leg_finish(leg, 0);
}

/* Whatever became of it: that it is loading is told to those who use it. */
static void leg_done(struct group_leg *leg)
{
    part_done(leg->request->work);
}

static void send_legs(struct find_work *work)
{
    struct slice why;

    work->pending = 1;
    for (size_t i = 0; i < work->count; i++) {
        struct group_leg *leg = &work->legs[i];

        group_leg_init(leg, work->request, work->keys[i]);
        leg->run = leg_run;
        leg->done = leg_done;
        if (check_key(work->request, work->keys[i], &why) != ERROR_NONE)
            continue;
        work->pending++;
        group_leg_send(leg);
    }
    part_done(work);
}

static void created(struct control_call *call)
{
    struct find_work *work = container_of(call, struct find_work, creation);
    struct request *request = work->request;
    bool has_failed = call->op.outcome && call->op.outcome != CONTROL_E_EXISTS;

    if (has_failed && !request->shard->has_told_of_groups) /* Clients ask again and again. */
        diag_error(request->shard->broker->diag,
                   "__consumer_offsets cannot be made; is offsets.topic.replication.factor 1?",
                   kv("why", call->op.why));
    request->shard->has_told_of_groups = has_failed;
    image_unref(request->image); /* The request sees what was made for it. */
    request->image = image_ref(request->shard->image);
    send_legs(work);
}

static bool needs_topic(const struct find_work *work)
{
    struct slice why;

    if (((const struct find_coordinator_request *)work->request->body)->key_type != KEY_GROUP ||
        groups_topic(work->request))
        return false;
    for (size_t i = 0; i < work->count; i++)
        if (check_key(work->request, work->keys[i], &why) == ERROR_NONE)
            return true;
    return false;
}

void handle_find_coordinator(struct request *request)
{
    const struct find_coordinator_request *body = request->body;
    struct find_work *work = request_new(request, sizeof(*work));
    bool is_single = request->header.version < 4;

    work->request = request;
    request->work = work;
    work->keys = is_single ? &body->key : body->coordinator_keys;
    work->count = is_single ? 1 : (size_t)max_of(body->coordinator_keys_count, 0);
    work->legs = request_new(request, (work->count + 1) * sizeof(*work->legs));
    codec_defaults(&find_coordinator_response_message, &work->response);
    if (!needs_topic(work)) {
        send_legs(work);
        return;
    }
    (void)internal_topic_prepare(request, slice_text(GROUPS_TOPIC), &work->creation.op);
    work->creation.done = created;
    control_call_send(&work->creation, request->shard);
}
