/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_heartbeat.c - a member of a classic group is alive, and hears of a
 * rebalance. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/heartbeat.h"

static void answer(struct request *request, int16_t error)
{
    struct heartbeat_response response;

    codec_defaults(&heartbeat_response_message, &response);
    response.error_code = error;
    request_answer(request, &response);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    const struct heartbeat_request *body = leg->request->body;
    struct group_who who = {.member_id = body->member_id,
                            .instance_id = body->group_instance_id,
                            .generation = body->generation_id};

    group_leg_finish(leg, coordinator_heartbeat(coordinator, leg->group_id, &who));
}

/* While the group is being read nobody can say that the member is not in it. */
static void leg_done(struct group_leg *leg)
{
    answer(leg->request,
           leg->outcome == COORD_E_LOADING ? ERROR_NONE : error_of_coord(leg->outcome));
}

void handle_heartbeat(struct request *request)
{
    const struct heartbeat_request *body = request->body;
    struct group_leg *leg;

    if (!authorize(request, ACL_READ, body->group_id)) {
        answer(request, ERROR_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    if (body->group_id.size == 0) {
        answer(request, ERROR_INVALID_GROUP_ID);
        return;
    }
    leg = request_new(request, sizeof(*leg));
    group_leg_init(leg, request, body->group_id);
    leg->run = leg_run;
    leg->done = leg_done;
    group_leg_send(leg);
}
