/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_leave_group.c - members leave a classic group: one by its id, or from
 * version 3 on several, static ones by the instance too (KIP-345). */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/leave_group.h"

struct leave_work {
    struct group_leg leg;
    struct group_leaver *leavers; /* Arena. */
    size_t count;
};

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct leave_work *work = container_of(leg, struct leave_work, leg);

    group_leg_finish(leg,
                     coordinator_leave(coordinator, leg->group_id, work->leavers, work->count));
}

static void answer(struct request *request, int16_t error, const struct leave_work *work)
{
    struct leave_group_response response;
    size_t count = work ? work->count : 0;

    codec_defaults(&leave_group_response_message, &response);
    response.error_code = error;
    if (request->header.version < 3) {
        if (error == ERROR_NONE && count > 0)
            response.error_code = error_of_coord(work->leavers[0].outcome);
        request_answer(request, &response);
        return;
    }
    response.members = request_new(request, (count + 1) * sizeof(*response.members));
    response.members_count = error == ERROR_NONE ? (int32_t)count : 0;
    for (size_t i = 0; i < count; i++)
        response.members[i] = (struct leave_group_member_response){
            .member_id = work->leavers[i].member_id,
            .group_instance_id = work->leavers[i].instance_id,
            .error_code = error_of_coord(work->leavers[i].outcome),
        };
    request_answer(request, &response);
}

/* Of a group that is not there nobody is a member. */
static void leg_done(struct group_leg *leg)
{
    struct leave_work *work = container_of(leg, struct leave_work, leg);

    if (leg->outcome == COORD_E_UNKNOWN_GROUP) {
        for (size_t i = 0; i < work->count; i++)
            work->leavers[i].outcome = COORD_E_UNKNOWN_MEMBER;
        leg->outcome = 0;
    }
    answer(leg->request, error_of_coord(leg->outcome), work);
}

static void fill_leavers(struct request *request, struct leave_work *work)
{
    const struct leave_group_request *body = request->body;
    bool is_single = request->header.version < 3;

    work->count = is_single ? 1 : (size_t)max_of(body->members_count, 0);
    work->leavers = request_new(request, (work->count + 1) * sizeof(*work->leavers));
    if (is_single)
        work->leavers[0] = (struct group_leaver){body->member_id, slice_null(), 0};
    for (size_t i = 0; i < work->count && !is_single; i++)
        work->leavers[i] = (struct group_leaver){body->members[i].member_id,
                                                 body->members[i].group_instance_id, 0};
}

void handle_leave_group(struct request *request)
{
    const struct leave_group_request *body = request->body;
    struct leave_work *work;

    if (!authorize(request, ACL_READ, body->group_id)) {
        answer(request, ERROR_GROUP_AUTHORIZATION_FAILED, NULL);
        return;
    }
    if (body->group_id.size == 0) {
        answer(request, ERROR_INVALID_GROUP_ID, NULL);
        return;
    }
    work = request_new(request, sizeof(*work));
    group_leg_init(&work->leg, request, body->group_id);
    work->leg.run = leg_run;
    work->leg.done = leg_done;
    fill_leavers(request, work);
    group_leg_send(&work->leg);
}
