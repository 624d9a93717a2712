/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_groups.c - state and members of classic groups. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_groups.h"

struct described {
    struct group_leg leg;
    struct describe_work *work;
    struct describe_groups_described_group result;
};

struct describe_work {
    struct request *request;
    struct described *groups; /* Arena. */
    size_t count;
    size_t pending;
};

/* --- on the group's home ---------------------------------------------------- */

static struct slice keep_some(struct described *d, struct slice s)
{
    return slice_is_null(s) ? slice_empty() : group_leg_keep(&d->leg, s);
}

/* What members say is told while the group is stable; what they got last, always. */
static struct describe_groups_described_group_member
describe_member(struct described *d, const struct group *group, const struct member *m)
{
    bool is_stable = group->state == GROUP_STABLE;

    return (struct describe_groups_described_group_member){
        .member_id = group_leg_keep(&d->leg, m->id),
        .group_instance_id = group_leg_keep(&d->leg, m->instance_id),
        .client_id = keep_some(d, m->client_id),
        .client_host = keep_some(d, m->client_host),
        .member_metadata =
            is_stable ? keep_some(d, member_metadata(m, group->protocol)) : slice_empty(),
        .member_assignment = keep_some(d, m->assignment),
    };
}

static void describe(struct described *d, const struct group *group)
{
    struct describe_groups_described_group *out = &d->result;
    int32_t count = 0;

    out->group_state = slice_text(group_state_name(group->state));
    out->protocol_type = keep_some(d, group->protocol_type);
    if (group->state == GROUP_STABLE)
        out->protocol_data = keep_some(d, group->protocol);
    out->members = arena_new(&d->leg.memory, (group->member_count + 1) * sizeof(*out->members));
    list_each (node, &group->members)
        out->members[count++] = describe_member(d, group, container_of(node, struct member, node));
    out->members_count = count;
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    const struct group *group = coordinator_find(coordinator, leg->group_id);

    if (group)
        describe(container_of(leg, struct described, leg), group);
    group_leg_finish(leg, group ? 0 : COORD_E_UNKNOWN_GROUP);
}

/* --- on the session's shard ------------------------------------------------- */

static void answer(struct describe_work *work)
{
    struct request *request = work->request;
    struct describe_groups_response response;

    codec_defaults(&describe_groups_response_message, &response);
    response.groups = request_new(request, (work->count + 1) * sizeof(*response.groups));
    response.groups_count = (int32_t)work->count;
    for (size_t i = 0; i < work->count; i++)
        response.groups[i] = work->groups[i].result;
    request_answer(request, &response);
}

static void part_done(struct describe_work *work)
{
    if (--work->pending == 0)
        answer(work);
}

/* Before version 6 a group that is not there was described as dead. */
static void refuse(struct described *d, int outcome)
{
    struct request *request = d->work->request;

    if (outcome != COORD_E_UNKNOWN_GROUP) {
        d->result.error_code = error_of_coord(outcome);
        return;
    }
    d->result.group_state = slice_text("Dead");
    if (request->header.version < 6)
        return;
    d->result.error_code = ERROR_GROUP_ID_NOT_FOUND;
    d->result.error_message = slice_text(
        arena_printf(&request->arena, "Group %.*s not found.", SLICE_ARG(d->leg.group_id)));
}

static void leg_done(struct group_leg *leg)
{
    struct described *d = container_of(leg, struct described, leg);
    const struct describe_groups_request *body = leg->request->body;

    if (leg->outcome)
        refuse(d, leg->outcome);
    if (d->result.error_code == ERROR_NONE && body->include_authorized_operations)
        d->result.authorized_operations = REPLY_OPERATIONS_GROUP;
    part_done(d->work);
}

static void release(struct request *request)
{
    struct describe_work *work = request->work;

    for (size_t i = 0; i < work->count; i++)
        group_leg_fini(&work->groups[i].leg);
}

static void start(struct described *d, struct slice group_id)
{
    struct request *request = d->work->request;

    d->result = (struct describe_groups_described_group){
        .error_message = slice_null(),
        .group_id = group_id,
        .group_state = slice_empty(),
        .protocol_type = slice_empty(),
        .protocol_data = slice_empty(),
        .authorized_operations = INT32_MIN,
    };
    group_leg_init(&d->leg, request, group_id);
    d->leg.run = leg_run;
    d->leg.done = leg_done;
    if (!authorize(request, ACL_DESCRIBE, group_id)) {
        d->result.error_code = ERROR_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    d->work->pending++;
    group_leg_send(&d->leg);
}

void handle_describe_groups(struct request *request)
{
    const struct describe_groups_request *body = request->body;
    struct describe_work *work = request_new(request, sizeof(*work));

    work->request = request;
    work->count = (size_t)max_of(body->groups_count, 0);
    work->groups = request_new(request, (work->count + 1) * sizeof(*work->groups));
    work->pending = 1;
    request->work = work;
    request->release = release;
    for (size_t i = 0; i < work->count; i++) {
        work->groups[i].work = work;
        start(&work->groups[i], body->groups[i]);
    }
    part_done(work);
}
