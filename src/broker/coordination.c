/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/coordination.h"

#include "broker/broker.h"
#include "broker/internal_topic.h"
#include "broker/reply.h"

int16_t error_of_coord(int outcome)
{
    switch ((enum coord_outcome)outcome) {
    case COORD_E_UNKNOWN_MEMBER: return ERROR_UNKNOWN_MEMBER_ID;
    case COORD_E_FENCED_INSTANCE: return ERROR_FENCED_INSTANCE_ID;
    case COORD_E_GENERATION: return ERROR_ILLEGAL_GENERATION;
    case COORD_E_REBALANCING: return ERROR_REBALANCE_IN_PROGRESS;
    case COORD_E_PROTOCOL: return ERROR_INCONSISTENT_GROUP_PROTOCOL;
    case COORD_E_MEMBER_ID_REQUIRED: return ERROR_MEMBER_ID_REQUIRED;
    case COORD_E_FULL: return ERROR_GROUP_MAX_SIZE_REACHED;
    case COORD_E_NOT_EMPTY: return ERROR_NON_EMPTY_GROUP;
    case COORD_E_UNKNOWN_GROUP: return ERROR_GROUP_ID_NOT_FOUND;
    case COORD_E_SUBSCRIBED: return ERROR_GROUP_SUBSCRIBED_TO_TOPIC;
    case COORD_E_METADATA_TOO_LARGE: return ERROR_OFFSET_METADATA_TOO_LARGE;
    case COORD_E_TOO_LARGE: return ERROR_UNKNOWN_SERVER_ERROR;
    case COORD_E_LOADING: return ERROR_COORDINATOR_LOAD_IN_PROGRESS;
    case COORD_E_NOT_COORDINATOR: return ERROR_NOT_COORDINATOR;
    case COORD_E_STOPPING: return ERROR_COORDINATOR_NOT_AVAILABLE;
    }
    return outcome ? ERROR_UNKNOWN_SERVER_ERROR : ERROR_NONE;
}

const struct image_topic *groups_topic(const struct request *request)
{
    return image_find_topic(request->image, slice_text(GROUPS_TOPIC));
}

static void leg_run(struct leg *leg)
{
    struct group_leg *group_leg = container_of(leg, struct group_leg, leg);
    struct shard *shard = leg->to;
    struct coordinator *coordinator = NULL;
    int r = COORD_E_NOT_COORDINATOR;

    if (error_of_place(shard, group_leg->request, group_leg->topic, group_leg->index) == ERROR_NONE)
        r = coordinators_get(&shard->coordinators, group_leg->topic, group_leg->index,
                             &coordinator);
    if (r)
        group_leg_finish(group_leg, r);
    else
        group_leg->run(group_leg, coordinator);
}

static void leg_done(struct leg *leg)
{
    struct group_leg *group_leg = container_of(leg, struct group_leg, leg);

    group_leg->done(group_leg);
}

void group_leg_init(struct group_leg *leg, struct request *request, struct slice group_id)
{
    *leg = (struct group_leg){
        .leg = {.run = leg_run, .done = leg_done},
        .request = request,
        .group_id = group_id,
        .topic = groups_topic(request),
    };
    arena_init(&leg->memory, NULL);
    if (leg->topic)
        leg->index = coordinator_index(group_id, leg->topic->partition_count);
}

void group_leg_send(struct group_leg *leg)
{
    struct shard *shard = leg->request->shard;

    if (leg->topic) {
        leg_send(&leg->leg, shard, home_of(shard, leg->topic, leg->index));
        return;
    }
    leg->outcome = COORD_E_NOT_COORDINATOR; /* Nobody has asked for one yet. */
    leg->done(leg);
}

void group_leg_finish(struct group_leg *leg, int outcome)
{
    leg->outcome = outcome;
    leg_finish(&leg->leg);
}

void group_leg_fini(struct group_leg *leg)
{
    arena_reset(&leg->memory);
}

struct slice group_leg_keep(struct group_leg *leg, struct slice s)
{
    return s.data ? slice_of(arena_text(&leg->memory, s.data, s.size), s.size) : s;
}
