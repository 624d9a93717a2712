/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_join_group.c - a member joins a classic group, and waits there for the
 * others.
 *
 * The request waits as long as the rebalance takes.  That its client has gone meanwhile is
 * noticed by the member's session timeout only, as in Kafka. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "broker/session.h"
#include "wire/msg/join_group.h"

#include <stdio.h>

enum { ID_RANDOM_SIZE = 37, RANDOM_SIZE = 16 };

struct join_work {
    struct group_leg leg;
    struct group_join join;
    struct join_group_response response;
};

/* --- on the group's home ---------------------------------------------------- */

static void keep_members(struct join_work *work, const struct group *group)
{
    struct join_group_response_member *members =
        arena_new(&work->leg.memory, (group->member_count + 1) * sizeof(*members));
    int32_t count = 0;

    list_each (node, &group->members) {
        const struct member *m = container_of(node, struct member, node);

        members[count++] = (struct join_group_response_member){
            .member_id = group_leg_keep(&work->leg, m->id),
            .group_instance_id = group_leg_keep(&work->leg, m->instance_id),
            .metadata = group_leg_keep(&work->leg, member_metadata(m, group->protocol)),
        };
    }
    work->response.members = members;
    work->response.members_count = count;
}

static void keep(struct group_call *call, const struct group *group)
{
    struct join_work *work = container_of(call, struct join_work, join.call);
    const struct group_join *join = &work->join;

    work->response.generation_id = join->out_generation;
    work->response.protocol_type = group_leg_keep(&work->leg, join->out_protocol_type);
    work->response.protocol_name = group_leg_keep(&work->leg, join->out_protocol);
    work->response.leader = group_leg_keep(&work->leg, join->out_leader);
    work->response.member_id = group_leg_keep(&work->leg, join->out_member_id);
    work->response.skip_assignment = join->out_skips_assignment;
    if (join->out_is_leader)
        keep_members(work, group);
}

static void joined(struct group_call *call)
{
    struct join_work *work = container_of(call, struct join_work, join.call);

    group_leg_finish(&work->leg, call->outcome);
}

static void leg_run(struct group_leg *leg, struct coordinator *coordinator)
{
    struct join_work *work = container_of(leg, struct join_work, leg);

    coordinator_join(coordinator, leg->group_id, &work->join);
}

/* --- on the session's shard ------------------------------------------------- */

static void answer(struct request *request, struct join_work *work, int16_t error)
{
    struct join_group_response *response = &work->response;

    response->error_code = error;
    if (request->header.version < 7 && slice_is_null(response->protocol_name))
        response->protocol_name = slice_empty();
    if (request->header.version < 9)
        response->skip_assignment = false;
    request_answer(request, response);
}

static void leg_done(struct group_leg *leg)
{
    struct join_work *work = container_of(leg, struct join_work, leg);

    answer(leg->request, work, error_of_coord(leg->outcome));
}

static void release(struct request *request)
{
    struct join_work *work = request->work;

    group_leg_fini(&work->leg);
}

/* The longest beginning of `s` that is whole characters and at most `size` bytes. */
static struct slice cut_text(struct slice s, size_t size)
{
    if (s.size <= size)
        return s;
    while (size > 0 && (s.data[size] & 0xc0) == 0x80)
        size--;
    return slice_of(s.data, size);
}

/* A name that people know, and a random number that makes it unique. */
static struct slice new_member_id(struct request *request, struct slice instance_id)
{
    struct io *io = request->shard->loop.io;
    struct slice name = slice_is_null(instance_id) ? request->header.client_id : instance_id;
    uint8_t r[RANDOM_SIZE];
    char *id;

    name = cut_text(name, WIRE_STRING_MAX - ID_RANDOM_SIZE);
    id = request_new(request, name.size + ID_RANDOM_SIZE + 1);
    if (name.size > 0)
        memcpy(id, name.data, name.size);
    io->ops->entropy(io, r, sizeof(r));
    (void)snprintf(id + name.size, ID_RANDOM_SIZE + 1,
                   "-%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                   r[1], r[2], r[3], r[4], r[5], r[6] & 15, r[7], 8 + (r[8] & 3), r[8] >> 4, r[9],
                   r[10], r[11], r[12], r[13], r[14], r[15]);
    return slice_of(id, name.size + ID_RANDOM_SIZE);
}

static void fill_join(struct request *request, struct join_work *work)
{
    const struct join_group_request *body = request->body;
    int16_t version = request->header.version;
    size_t count = (size_t)max_of(body->protocols_count, 0);
    struct protocol *protocols = request_new(request, (count + 1) * sizeof(*protocols));

    for (size_t i = 0; i < count; i++)
        protocols[i] = (struct protocol){body->protocols[i].name, body->protocols[i].metadata};
    work->join = (struct group_join){
        .call = {.keep = keep, .done = joined},
        .member_id = body->member_id,
        .new_member_id = new_member_id(request, body->group_instance_id),
        .instance_id = body->group_instance_id,
        .client_id = request->header.client_id,
        .client_host = reply_client_host(request),
        .protocol_type = body->protocol_type,
        .protocols = protocols,
        .protocol_count = count,
        .session_timeout_ms = body->session_timeout_ms,
        .rebalance_timeout_ms =
            version == 0 ? body->session_timeout_ms : body->rebalance_timeout_ms,
        .needs_known_id = version >= 4,
        .can_skip = version >= 9,
    };
}

static int16_t check(const struct request *request)
{
    const struct join_group_request *body = request->body;
    const struct settings *settings = &request->shard->settings;

    if (!authorize(request, ACL_READ, body->group_id))
        return ERROR_GROUP_AUTHORIZATION_FAILED;
    if (body->group_id.size == 0)
        return ERROR_INVALID_GROUP_ID;
    if (body->session_timeout_ms < settings->group_min_session_timeout_ms ||
        body->session_timeout_ms > settings->group_max_session_timeout_ms)
        return ERROR_INVALID_SESSION_TIMEOUT;
    return ERROR_NONE;
}

void handle_join_group(struct request *request)
{
    const struct join_group_request *body = request->body;
    struct join_work *work = request_new(request, sizeof(*work));
    int16_t error = check(request);

    codec_defaults(&join_group_response_message, &work->response);
    work->response.member_id = body->member_id;
    work->response.protocol_name = slice_null();
    if (error != ERROR_NONE) {
        answer(request, work, error);
        return;
    }
    group_leg_init(&work->leg, request, body->group_id);
    work->leg.run = leg_run;
    work->leg.done = leg_done;
    request->work = work;
    request->release = release;
    fill_join(request, work);
    group_leg_send(&work->leg);
}
