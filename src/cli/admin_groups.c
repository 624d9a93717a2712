/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin_groups.h"

#include "wire/codec.h"
#include "wire/errors.h"
#include "wire/msg/consumer_protocol_assignment.h"

enum {
    TRIES = 5, /* How often a coordinator may be another one. */
    /* The versions that are about one group, and name topics by their names. */
    FIND_VERSION = 3,
    FETCH_VERSION = 7,
    COMMIT_VERSION = 9,
    ASSIGNMENT_VERSION = 0,
    ASSIGNMENT_HEAD = 2, /* The version in front of it. */
};

/* --- what went wrong --------------------------------------------------------- */

void admin_prefix(struct cli *cli, const char *words)
{
    struct text rest = cli->why;

    cli->why = (struct text){.data = NULL};
    text_printf(&cli->why, "%s%s", words, rest.data ? rest.data : "");
    text_fini(&rest);
}

/* As admin_call(), with the class of the exception that Java's client throws. */
static bool ask(struct cli *cli, struct admin *admin, const struct call_events *events,
                struct call_order order, struct call **out)
{
    if (admin_call(cli, admin, events, order, out))
        return true;
    admin_prefix(cli, (*out)->outcome == CALL_E_UNSUPPORTED
                          ? "org.apache.kafka.common.errors.UnsupportedVersionException: "
                          : "org.apache.kafka.common.errors.TimeoutException: ");
    return false;
}

/* --- which there are --------------------------------------------------------- */

static int16_t list_verdict(const struct call *call)
{
    return ((const struct list_groups_response *)call->response)->error_code;
}

static const struct call_events list_events = {.done = admin_done, .verdict = list_verdict};

static void add_groups(struct admin *admin, struct admin_listing *listing, size_t *room,
                       const struct list_groups_response *response)
{
    for (int32_t i = 0; i < response->groups_count; i++) {
        bool is_there = false;

        for (size_t k = 0; k < listing->count && !is_there; k++)
            is_there = slice_equal(listing->groups[k].group_id, response->groups[i].group_id);
        if (is_there)
            continue;
        listing->groups = arena_grow(&admin->arena, listing->groups, listing->count, room,
                                     sizeof(*listing->groups));
        listing->groups[listing->count++] = response->groups[i];
    }
}

bool admin_groups_list(struct cli *cli, struct admin *admin, struct admin_listing *out)
{
    const struct metadata_response *metadata;
    size_t room = 0;

    *out = (struct admin_listing){.groups = NULL};
    if (!admin_metadata(cli, admin, NULL, &metadata)) {
        text_cut(&cli->why, 0);
        text_printf(&cli->why, "org.apache.kafka.common.KafkaException: "
                               "Failed to find brokers to send ListGroups");
        return false;
    }
    for (int32_t b = 0; b < metadata->brokers_count; b++) {
        struct list_groups_request request = list_groups_request_defaults;
        struct call_order order = {
            .api = wire_api_find(API_LIST_GROUPS),
            .request = &request,
            .target = metadata->brokers[b].node_id,
        };
        const struct list_groups_response *response;
        struct call *call;

        if (!ask(cli, admin, &list_events, order, &call))
            return false;
        response = call->response;
        if (response->error_code != ERROR_NONE) {
            admin_print_exception(response->error_code, slice_null(), &cli->why);
            return false;
        }
        add_groups(admin, out, &room, response);
    }
    return true;
}

/* --- the coordinator --------------------------------------------------------- */

static int16_t find_verdict(const struct call *call)
{
    return ((const struct find_coordinator_response *)call->response)->error_code;
}

static const struct call_events find_events = {.done = admin_done, .verdict = find_verdict};

bool admin_group_find(struct cli *cli, struct admin *admin, struct slice group,
                      const struct find_coordinator_response **out)
{
    struct find_coordinator_request request = find_coordinator_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_FIND_COORDINATOR),
        .request = &request,
        .target = CALL_ANY,
        .version_max = FIND_VERSION,
    };
    struct call *call;

    request.key = group;
    if (!ask(cli, admin, &find_events, order, &call))
        return false;
    *out = call->response;
    if ((*out)->error_code == ERROR_NONE)
        return true;
    admin_print_exception((*out)->error_code, (*out)->error_message, &cli->why);
    return false;
}

/* The error of an answer that is about the group as a whole. */
typedef int16_t verdict_fn(const struct call *call);

/* Sends a request to the group's coordinator, and to another one if that is none. */
static bool ask_coordinator(struct cli *cli, struct admin *admin, struct slice group,
                            const struct call_events *events, struct call_order order,
                            verdict_fn *verdict, struct call **out)
{
    for (int i = 0; i < TRIES; i++) {
        const struct find_coordinator_response *found;

        if (!admin_group_find(cli, admin, group, &found))
            return false;
        order.target = found->node_id;
        if (!ask(cli, admin, events, order, out))
            return false;
        if (verdict(*out) != ERROR_NOT_COORDINATOR)
            return true;
    }
    admin_print_exception(ERROR_NOT_COORDINATOR, slice_null(), &cli->why);
    return false;
}

/* What is worth another try at the same node. */
static int16_t to_repeat(int16_t error)
{
    return error == ERROR_NOT_COORDINATOR ? ERROR_NONE : error;
}

/* --- one group --------------------------------------------------------------- */

static int16_t describe_error(const struct call *call)
{
    const struct describe_groups_response *response = call->response;

    return response->groups_count > 0 ? response->groups[0].error_code : ERROR_NONE;
}

static int16_t describe_verdict(const struct call *call)
{
    return to_repeat(describe_error(call));
}

static const struct call_events describe_events = {
    .done = admin_done,
    .verdict = describe_verdict,
};

static int16_t new_error(const struct call *call)
{
    const struct consumer_group_describe_response *response = call->response;

    return response->groups_count > 0 ? response->groups[0].error_code : ERROR_GROUP_ID_NOT_FOUND;
}

static int16_t new_verdict(const struct call *call)
{
    return to_repeat(new_error(call));
}

static const struct call_events new_events = {.done = admin_done, .verdict = new_verdict};

/* An assignment in the bytes that members of classic groups get. */
static struct slice assignment_bytes(struct arena *arena,
                                     const struct consumer_group_describe_assignment *from)
{
    size_t count = (size_t)from->topic_partitions_count;
    struct consumer_protocol_assignment assignment = consumer_protocol_assignment_defaults;
    struct codec_output out;

    assignment.assigned_partitions =
        arena_new(arena, (count + 1) * sizeof(*assignment.assigned_partitions));
    assignment.assigned_partitions_count = from->topic_partitions_count;
    for (size_t i = 0; i < count; i++)
        assignment.assigned_partitions[i] = (struct consumer_protocol_assignment_topic_partition){
            .topic = from->topic_partitions[i].topic_name,
            .partitions = from->topic_partitions[i].partitions,
            .partitions_count = from->topic_partitions[i].partitions_count,
        };
    if (codec_encode_behind(&consumer_protocol_assignment_message, ASSIGNMENT_VERSION, &assignment,
                            ASSIGNMENT_HEAD, arena, &out))
        return slice_empty();
    memset(out.data, 0, ASSIGNMENT_HEAD);
    return slice_of(out.data, out.size);
}

/* A new group, told as a classic one. */
static const struct describe_groups_described_group *
as_classic(struct arena *arena, const struct consumer_group_describe_described_group *from)
{
    struct describe_groups_described_group *group = arena_new(arena, sizeof(*group));

    *group = describe_groups_described_group_defaults;
    group->group_id = from->group_id;
    group->group_state = from->group_state;
    group->protocol_type = slice_text("consumer");
    group->protocol_data = from->assignor_name;
    group->members_count = from->members_count;
    group->members = arena_new(arena, ((size_t)from->members_count + 1) * sizeof(*group->members));
    for (int32_t i = 0; i < from->members_count; i++)
        group->members[i] = (struct describe_groups_described_group_member){
            .member_id = from->members[i].member_id,
            .group_instance_id = from->members[i].instance_id,
            .client_id = from->members[i].client_id,
            .client_host = from->members[i].client_host,
            .member_metadata = slice_empty(),
            .member_assignment = assignment_bytes(arena, &from->members[i].assignment),
        };
    return group;
}

/* The group may be one of the new protocol, where the broker has that: then `*out` is it. */
static bool describe_new(struct cli *cli, struct admin *admin, struct slice group,
                         struct admin_group *out)
{
    struct consumer_group_describe_request request = consumer_group_describe_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_CONSUMER_GROUP_DESCRIBE),
        .request = &request,
    };
    const struct consumer_group_describe_response *response;
    struct call *call = NULL;

    request.group_ids = &group;
    request.group_ids_count = 1;
    if (!ask_coordinator(cli, admin, group, &new_events, order, new_error, &call)) {
        if (!call || call->outcome != CALL_E_UNSUPPORTED)
            return false;
        text_cut(&cli->why, 0);
        return true;
    }
    response = call->response;
    if (new_error(call) == ERROR_NONE)
        *out = (struct admin_group){
            .told = as_classic(&admin->arena, &response->groups[0]),
            .from = &response->groups[0],
        };
    return true;
}

bool admin_group_describe(struct cli *cli, struct admin *admin, struct slice group,
                          struct admin_group *out)
{
    struct describe_groups_request request = describe_groups_request_defaults;
    struct call_order order = {.api = wire_api_find(API_DESCRIBE_GROUPS), .request = &request};
    const struct describe_groups_response *response;
    struct call *call;

    request.groups = &group;
    request.groups_count = 1;
    if (!ask_coordinator(cli, admin, group, &describe_events, order, describe_error, &call))
        return false;
    response = call->response;
    if (response->groups_count != 1) {
        text_printf(&cli->why, "the answer is not about what was asked");
        return false;
    }
    *out = (struct admin_group){.told = &response->groups[0]};
    return out->told->error_code != ERROR_GROUP_ID_NOT_FOUND ||
           describe_new(cli, admin, group, out);
}

static int16_t fetch_error(const struct call *call)
{
    return ((const struct offset_fetch_response *)call->response)->error_code;
}

static int16_t fetch_verdict(const struct call *call)
{
    return to_repeat(fetch_error(call));
}

static const struct call_events fetch_events = {.done = admin_done, .verdict = fetch_verdict};

bool admin_group_fetch(struct cli *cli, struct admin *admin, struct slice group,
                       const struct offset_fetch_response **out)
{
    struct offset_fetch_request request = offset_fetch_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_OFFSET_FETCH),
        .request = &request,
        .version_max = FETCH_VERSION,
    };
    struct call *call;

    request.group_id = group;
    request.topics = NULL;
    request.topics_count = -1;
    if (!ask_coordinator(cli, admin, group, &fetch_events, order, fetch_error, &call))
        return false;
    *out = call->response;
    if ((*out)->error_code == ERROR_NONE)
        return true;
    admin_print_exception((*out)->error_code, slice_null(), &cli->why);
    return false;
}

/* The first partition speaks for the group. */
static int16_t commit_error(const struct call *call)
{
    const struct offset_commit_response *response = call->response;

    if (response->topics_count == 0 || response->topics[0].partitions_count == 0)
        return ERROR_NONE;
    return response->topics[0].partitions[0].error_code;
}

static int16_t commit_verdict(const struct call *call)
{
    int16_t error = commit_error(call);

    return error == ERROR_UNKNOWN_TOPIC_OR_PARTITION ? ERROR_NONE : to_repeat(error);
}

static const struct call_events commit_events = {.done = admin_done, .verdict = commit_verdict};

bool admin_group_commit(struct cli *cli, struct admin *admin, struct offset_commit_request *request,
                        const struct offset_commit_response **out)
{
    struct call_order order = {
        .api = wire_api_find(API_OFFSET_COMMIT),
        .request = request,
        .version_max = COMMIT_VERSION,
    };
    struct call *call;

    if (!ask_coordinator(cli, admin, request->group_id, &commit_events, order, commit_error, &call))
        return false;
    *out = call->response;
    return true;
}

static int16_t delete_error(const struct call *call)
{
    const struct delete_groups_response *response = call->response;

    return response->results_count > 0 ? response->results[0].error_code
                                       : ERROR_UNKNOWN_SERVER_ERROR;
}

static int16_t delete_verdict(const struct call *call)
{
    return to_repeat(delete_error(call));
}

static const struct call_events delete_events = {.done = admin_done, .verdict = delete_verdict};

bool admin_group_delete(struct cli *cli, struct admin *admin, struct slice group,
                        int16_t *out_error)
{
    struct delete_groups_request request = delete_groups_request_defaults;
    struct call_order order = {.api = wire_api_find(API_DELETE_GROUPS), .request = &request};
    struct call *call;

    request.groups_names = &group;
    request.groups_names_count = 1;
    if (!ask_coordinator(cli, admin, group, &delete_events, order, delete_error, &call))
        return false;
    *out_error = delete_error(call);
    return true;
}

static int16_t forget_error(const struct call *call)
{
    return ((const struct offset_delete_response *)call->response)->error_code;
}

static int16_t forget_verdict(const struct call *call)
{
    return to_repeat(forget_error(call));
}

static const struct call_events forget_events = {.done = admin_done, .verdict = forget_verdict};

bool admin_group_forget(struct cli *cli, struct admin *admin, struct offset_delete_request *request,
                        const struct offset_delete_response **out)
{
    struct call_order order = {.api = wire_api_find(API_OFFSET_DELETE), .request = request};
    struct call *call;

    if (!ask_coordinator(cli, admin, request->group_id, &forget_events, order, forget_error, &call))
        return false;
    *out = call->response;
    return true;
}
