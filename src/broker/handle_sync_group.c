/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_sync_group.c - the leader of a classic group hands in the assignments, and
 * every member waits for its own. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/sync_group.h"

struct sync_work {
    struct group_leg leg;
    struct group_sync sync;
    struct sync_group_response response;
};

static void keep(struct group_call *call, const struct group *group)
{
    struct sync_work *work = container_of(call, struct sync_work, sync.call);

    (void)group;
    work->response.protocol_type = group_leg_keep(&work->leg, work->sync.out_protocol_type);
    work->response.protocol_name = group_leg_keep(&work->leg, work->sync.out_protocol);
    work->response.assignment = group_leg_keep(&work->leg, work->sync.out_assignment);
}

static void synced(struct group_call *call)
{
    struct sync_work *work = container_of(call, struct sync_work, sync.call);

    group_leg_finish(&work->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct sync_work *work = container_of(leg, struct sync_work, leg);

    coordinator_sync(coordinator, leg->group_id, &work->sync);
}

static void answer(struct request *request, struct sync_work *work, int16_t error)
{
    work->response.error_code = error;
    if (slice_is_null(work->response.assignment))
        work->response.assignment = slice_empty();
    request_answer(request, &work->response);
}

static void leg_done(struct group_leg *leg)
{
    struct sync_work *work = container_of(leg, struct sync_work, leg);

    answer(leg->request, work, error_of_coord(leg->outcome));
}

static void release(struct request *request)
{
    struct sync_work *work = request->work;

    group_leg_fini(&work->leg);
}

static void fill_sync(struct request *request, struct sync_work *work)
{
    const struct sync_group_request *body = request->body;
    size_t count = (size_t)max_of(body->assignments_count, 0);
    struct group_assignment *assignments = request_new(request, (count + 1) * sizeof(*assignments));

    for (size_t i = 0; i < count; i++)
        assignments[i] = (struct group_assignment){body->assignments[i].member_id,
                                                   body->assignments[i].assignment};
    work->sync = (struct group_sync){
        .call = {.keep = keep, .done = synced},
        .who = {.member_id = body->member_id,
                .instance_id = body->group_instance_id,
                .generation = body->generation_id},
        .protocol_type = body->protocol_type,
        .protocol = body->protocol_name,
        .assignments = assignments,
        .assignment_count = count,
    };
}

static int16_t check(const struct request *request)
{
    const struct sync_group_request *body = request->body;

    /* KIP-559: from version 5 on the protocol must be said. */
    if (request->header.version >= 5 &&
        (slice_is_null(body->protocol_type) || slice_is_null(body->protocol_name)))
        return ERROR_INCONSISTENT_GROUP_PROTOCOL;
    if (!authorize(request, ACL_READ, body->group_id))
        return ERROR_GROUP_AUTHORIZATION_FAILED;
    return body->group_id.size > 0 ? ERROR_NONE : ERROR_INVALID_GROUP_ID;
}

void handle_sync_group(struct request *request)
{
    const struct sync_group_request *body = request->body;
    struct sync_work *work = request_new(request, sizeof(*work));
    int16_t error = check(request);

    codec_defaults(&sync_group_response_message, &work->response);
    if (error != ERROR_NONE) {
        answer(request, work, error);
        return;
    }
    group_leg_init(&work->leg, request, body->group_id);
    work->leg.run = leg_run;
    work->leg.done = leg_done;
    request->work = work;
    request->release = release;
    fill_sync(request, work);
    group_leg_send(&work->leg);
}
