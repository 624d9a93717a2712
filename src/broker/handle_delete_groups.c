/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_delete_groups.c - groups without members are forgotten, with their offsets. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "wire/msg/delete_groups.h"

struct group_deletion {
    struct group_leg leg;
    struct coord_change change;
    struct delete_groups_work *work;
    struct delete_groups_deletable_group_result *result;
};

struct delete_groups_work {
    struct request *request;
    struct delete_groups_response response;
    size_t pending;
};

static void part_done(struct delete_groups_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void deleted(struct coord_call *call)
{
    struct group_deletion *d = container_of(call, struct group_deletion, change.call);

    group_leg_finish(&d->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct group_deletion *d = container_of(leg, struct group_deletion, leg);

    coordinator_delete_group(coordinator, &d->change);
}

static void leg_done(struct group_leg *leg)
{
    struct group_deletion *d = container_of(leg, struct group_deletion, leg);

    d->result->error_code = error_of_coord(leg->outcome);
    part_done(d->work);
}

static void start(struct delete_groups_work *work, struct group_deletion *d, struct slice group_id)
{
    struct request *request = work->request;

    d->work = work;
    d->result = &work->response.results[work->response.results_count++];
    d->result->group_id = group_id;
    d->result->error_message = slice_null();
    if (!authorize(request, ACL_DELETE, group_id)) {
        d->result->error_code = ERROR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    group_leg_init(&d->leg, request, group_id);
    d->leg.run = leg_run;
    d->leg.done = leg_done;
    d->change = (struct coord_change){.call = {.done = deleted}, .group_id = group_id};
    work->pending++;
    group_leg_send(&d->leg);
}

void handle_delete_groups(struct request *request)
{
    const struct delete_groups_request *body = request->body;
    size_t count = (size_t)max_of(body->groups_names_count, 0);
    struct delete_groups_work *work = request_new(request, sizeof(*work));
    struct group_deletion *deletions = request_new(request, (count + 1) * sizeof(*deletions));
    const struct repeat *repeats = repeats_find(request, body->groups_names, count);

    work->request = request;
    work->pending = 1;
    codec_defaults(&delete_groups_response_message, &work->response);
    work->response.results = request_new(request, (count + 1) * sizeof(*work->response.results));
    for (size_t i = 0; i < count; i++)
        if (repeats[i].is_first)
            start(work, &deletions[i], body->groups_names[i]);
    part_done(work);
}
