/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fakes/fake_group.h"

#include "test/fakes/fake_requests.h"
#include "wire/errors.h"
#include "wire/msg/find_coordinator.h"
#include "wire/msg/heartbeat.h"
#include "wire/msg/join_group.h"
#include "wire/msg/leave_group.h"
#include "wire/msg/offset_commit.h"
#include "wire/msg/offset_fetch.h"
#include "wire/msg/sync_group.h"

#include <stdio.h>
#include <string.h>

static struct fake_group *group_of(const struct fake_node *node)
{
    return &node->cluster->group;
}

static struct fake_member *find(struct fake_group *group, struct slice id)
{
    for (int i = 0; i < group->member_count; i++)
        if (slice_is_text(id, group->members[i].id))
            return &group->members[i];
    return NULL;
}

static void rebalance(struct fake_group *group)
{
    group->is_rebalancing = true;
    for (int i = 0; i < group->member_count; i++)
        group->members[i].wants_to_join = group->members[i].is_owed = false;
}

void fake_group_expire(struct fake_group *group, int member)
{
    struct fake_member *m = &group->members[member];

    text_fini(&m->metadata);
    text_fini(&m->assignment);
    group->member_count--;
    memmove(m, m + 1, (size_t)(group->member_count - member) * sizeof(*m));
    group->members[group->member_count] = (struct fake_member){.id = ""};
    rebalance(group);
}

void fake_group_fini(struct fake_group *group)
{
    while (group->member_count > 0)
        fake_group_expire(group, 0);
}

/* What is wrong with a request of a member in a generation. */
static int16_t fault_of(const struct fake_node *node, const struct fake_answer *answer,
                        struct slice id, int32_t generation)
{
    struct fake_group *group = group_of(node);

    if (answer->error != ERROR_NONE)
        return answer->error;
    if (group->coordinator != node->id - 1)
        return ERROR_NOT_COORDINATOR;
    if (!find(group, id))
        return ERROR_UNKNOWN_MEMBER_ID;
    return generation != group->generation ? ERROR_ILLEGAL_GENERATION : ERROR_NONE;
}

static void find_coordinator(struct fake_node *node, struct fake_answer *answer)
{
    struct find_coordinator_response *response = arena_new(&answer->arena, sizeof(*response));
    const struct fake_node *at = &node->cluster->nodes[group_of(node)->coordinator];

    *response = find_coordinator_response_defaults;
    response->error_code = answer->error;
    response->node_id = answer->error ? -1 : at->id;
    response->host = slice_text("127.0.0.1");
    response->port = at->listener.bound.port;
    answer->response = response;
}

/* --- join ---------------------------------------------------------------------- */

static bool all_want_to_join(const struct fake_group *group)
{
    for (int i = 0; i < group->member_count; i++)
        if (!group->members[i].wants_to_join)
            return false;
    return true;
}

static void begin_generation(struct fake_group *group)
{
    group->generation++;
    group->is_rebalancing = group->is_synced = false;
    for (int i = 0; i < group->member_count; i++)
        group->members[i].is_owed = true;
}

static int16_t take_join(struct fake_group *group, const struct join_group_request *request,
                         struct join_group_response *response, struct fake_answer *answer)
{
    struct fake_member *m = find(group, request->member_id);
    int number = 0;

    if (request->member_id.size == 0) {
        response->member_id = slice_text(arena_printf(&answer->arena, "m%d", ++group->ids_given));
        return ERROR_MEMBER_ID_REQUIRED;
    }
    (void)sscanf((const char *)request->member_id.data, "m%d", &number);
    if (!m && (number <= 0 || number > group->ids_given || group->member_count == FAKE_MEMBERS_MAX))
        return ERROR_UNKNOWN_MEMBER_ID;
    if (!m) {
        m = &group->members[group->member_count++];
        (void)snprintf(m->id, sizeof(m->id), "m%d", number);
        rebalance(group);
    } else if (!group->is_rebalancing && !m->is_owed) {
        rebalance(group); /* It has something new to say. */
    }
    text_cut(&m->metadata, 0);
    text_add(&m->metadata, request->protocols[0].metadata.data,
             request->protocols[0].metadata.size);
    m->wants_to_join = true;
    if (group->is_rebalancing && all_want_to_join(group))
        begin_generation(group);
    return group->is_rebalancing ? ERROR_REBALANCE_IN_PROGRESS : ERROR_NONE;
}

static void join(struct fake_node *node, const struct join_group_request *request,
                 struct fake_answer *answer)
{
    struct fake_group *group = group_of(node);
    struct join_group_response *response = arena_new(&answer->arena, sizeof(*response));

    *response = join_group_response_defaults;
    response->member_id = request->member_id;
    response->error_code = answer->error;
    if (!response->error_code && group->coordinator != node->id - 1)
        response->error_code = ERROR_NOT_COORDINATOR;
    if (!response->error_code)
        response->error_code = take_join(group, request, response, answer);
    answer->response = response;
    if (response->error_code)
        return;
    find(group, request->member_id)->is_owed = false;
    response->generation_id = group->generation;
    response->protocol_type = request->protocol_type;
    response->protocol_name = request->protocols[0].name;
    response->leader = slice_text(group->members[0].id);
    if (!slice_equal(response->leader, request->member_id))
        return;
    response->members = arena_new(&answer->arena, FAKE_MEMBERS_MAX * sizeof(*response->members));
    for (int i = 0; i < group->member_count; i++)
        response->members[response->members_count++] = (struct join_group_response_member){
            .member_id = slice_text(group->members[i].id),
            .group_instance_id = slice_null(),
            .metadata = text_slice(&group->members[i].metadata),
        };
}

/* --- the rest of a member's life ------------------------------------------------- */

static void take_assignments(struct fake_group *group, const struct sync_group_request *request)
{
    for (int32_t i = 0; i < request->assignments_count; i++) {
        struct fake_member *m = find(group, request->assignments[i].member_id);

        assert(m);
        text_cut(&m->assignment, 0);
        text_add(&m->assignment, request->assignments[i].assignment.data,
                 request->assignments[i].assignment.size);
    }
    group->is_synced = true;
}

static void sync_group(struct fake_node *node, const struct sync_group_request *request,
                       struct fake_answer *answer)
{
    struct fake_group *group = group_of(node);
    struct sync_group_response *response = arena_new(&answer->arena, sizeof(*response));

    *response = sync_group_response_defaults;
    response->assignment = slice_empty();
    response->error_code = fault_of(node, answer, request->member_id, request->generation_id);
    if (!response->error_code && group->is_rebalancing)
        response->error_code = ERROR_REBALANCE_IN_PROGRESS;
    if (!response->error_code && slice_is_text(request->member_id, group->members[0].id))
        take_assignments(group, request);
    if (!response->error_code && !group->is_synced)
        response->error_code = ERROR_COORDINATOR_LOAD_IN_PROGRESS; /* Come again. */
    if (!response->error_code)
        response->assignment = text_slice(&find(group, request->member_id)->assignment);
    answer->response = response;
}

static void heartbeat(struct fake_node *node, const struct heartbeat_request *request,
                      struct fake_answer *answer)
{
    struct heartbeat_response *response = arena_new(&answer->arena, sizeof(*response));

    *response = heartbeat_response_defaults;
    response->error_code = fault_of(node, answer, request->member_id, request->generation_id);
    if (!response->error_code && group_of(node)->is_rebalancing)
        response->error_code = ERROR_REBALANCE_IN_PROGRESS;
    answer->response = response;
}

static void leave(struct fake_node *node, const struct leave_group_request *request,
                  struct fake_answer *answer)
{
    struct fake_group *group = group_of(node);
    struct leave_group_response *response = arena_new(&answer->arena, sizeof(*response));
    struct slice id =
        request->members_count > 0 ? request->members[0].member_id : request->member_id;

    *response = leave_group_response_defaults;
    response->error_code = fault_of(node, answer, id, group->generation);
    if (!response->error_code)
        fake_group_expire(group, (int)(find(group, id) - group->members));
    answer->response = response;
}

/* --- offsets ---------------------------------------------------------------------- */

static int64_t *place_of(struct fake_node *node, struct slice topic, int32_t partition)
{
    struct fake_cluster *cluster = node->cluster;

    for (int i = 0; i < cluster->topic_count; i++)
        if (slice_is_text(topic, cluster->topics[i].name))
            return &cluster->group.offsets[i][partition];
    bug("a member names topics that there are", __FILE__, __LINE__);
}

static void commit(struct fake_node *node, const struct offset_commit_request *request,
                   struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct offset_commit_response *response = arena_new(arena, sizeof(*response));
    int16_t error =
        fault_of(node, answer, request->member_id, request->generation_id_or_member_epoch);

    *response = offset_commit_response_defaults;
    response->topics = arena_new(arena, (size_t)request->topics_count * sizeof(*response->topics));
    for (int32_t t = 0; t < request->topics_count; t++) {
        const struct offset_commit_request_topic *from = &request->topics[t];
        struct offset_commit_response_topic *to = &response->topics[response->topics_count++];

        *to = offset_commit_response_topic_defaults;
        to->name = from->name;
        to->partitions = arena_new(arena, (size_t)from->partitions_count * sizeof(*to->partitions));
        for (int32_t i = 0; i < from->partitions_count; i++) {
            to->partitions[to->partitions_count++] = (struct offset_commit_response_partition){
                .partition_index = from->partitions[i].partition_index, .error_code = error};
            if (!error)
                *place_of(node, from->name, from->partitions[i].partition_index) =
                    from->partitions[i].committed_offset;
        }
    }
    group_of(node)->commits += !error;
    answer->response = response;
}

static void fetch(struct fake_node *node, const struct offset_fetch_request *request,
                  struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct offset_fetch_response *response = arena_new(arena, sizeof(*response));
    int16_t error = answer->error                                 ? answer->error
                    : group_of(node)->coordinator != node->id - 1 ? ERROR_NOT_COORDINATOR
                                                                  : ERROR_NONE;

    *response = offset_fetch_response_defaults;
    response->error_code = error;
    response->topics = arena_new(arena, (size_t)request->topics_count * sizeof(*response->topics));
    for (int32_t t = 0; t < request->topics_count; t++) {
        const struct offset_fetch_request_topic *from = &request->topics[t];
        struct offset_fetch_response_topic *to = &response->topics[response->topics_count++];

        *to = offset_fetch_response_topic_defaults;
        to->name = from->name;
        to->partitions =
            arena_new(arena, (size_t)from->partition_indexes_count * sizeof(*to->partitions));
        for (int32_t i = 0; i < from->partition_indexes_count; i++) {
            int32_t index = from->partition_indexes[i];
            int64_t offset = *place_of(node, from->name, index);

            to->partitions[to->partitions_count++] = (struct offset_fetch_response_partition){
                .partition_index = index,
                .committed_offset = error || offset == 0 ? -1 : offset,
                .committed_leader_epoch = -1,
                .metadata = slice_empty(),
                .error_code = error,
            };
        }
    }
    answer->response = response;
}

bool fake_group_handle(struct fake_node *node, int16_t key, const void *request,
                       struct fake_answer *answer)
{
    switch (key) {
    case API_FIND_COORDINATOR: find_coordinator(node, answer); return true;
    case API_JOIN_GROUP: join(node, request, answer); return true;
    case API_SYNC_GROUP: sync_group(node, request, answer); return true;
    case API_HEARTBEAT: heartbeat(node, request, answer); return true;
    case API_LEAVE_GROUP: leave(node, request, answer); return true;
    case API_OFFSET_COMMIT: commit(node, request, answer); return true;
    case API_OFFSET_FETCH: fetch(node, request, answer); return true;
    default: return false;
    }
}
