/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics_alter.c - kafka-topics --alter: more partitions. */

#include "cli/topics.h"
#include "wire/errors.h"
#include "wire/msg/create_partitions.h"
#include "wire/msg/metadata.h"

static int16_t verdict(const struct call *call)
{
    const struct create_partitions_response *response = call->response;

    for (int32_t i = 0; i < response->results_count; i++)
        if (response->results[i].error_code != ERROR_NONE)
            return response->results[i].error_code;
    return ERROR_NONE;
}

static const struct call_events events = {.done = admin_done, .verdict = verdict};

static bool find_counts(struct cli *cli, struct admin *admin, const struct slice *names,
                        size_t count, int32_t *out)
{
    const struct metadata_response *metadata;

    if (!admin_metadata(cli, admin, NULL, &metadata))
        return false;
    for (size_t i = 0; i < count; i++)
        for (int32_t k = 0; k < metadata->topics_count; k++)
            if (slice_equal(metadata->topics[k].name, names[i]))
                out[i] = metadata->topics[k].partitions_count;
    return true;
}

/* --replica-assignment says where all partitions are to be, the request only the new ones. */
static bool assign(struct cli *cli, struct admin *admin, struct create_partitions_topic *topics,
                   const struct slice *names, size_t count)
{
    struct create_topics_creatable_topic all = create_topics_creatable_topic_defaults;
    int32_t *counts = arena_new(&admin->arena, (count + 1) * sizeof(*counts));

    if (!topics_parse_assignment(cli, &admin->arena, &all))
        return false;
    if (!options_has(&cli->options, TOPICS_assignment))
        return true;
    if (!find_counts(cli, admin, names, count, counts))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct create_partitions_topic *topic = &topics[i];

        topic->assignments_count = max_of(all.assignments_count - counts[i], 0);
        topic->assignments = arena_new(&admin->arena, ((size_t)all.assignments_count + 1) *
                                                          sizeof(*topic->assignments));
        for (int32_t k = 0; k < topic->assignments_count; k++) {
            const struct create_topics_creatable_replica_assignment *from =
                &all.assignments[counts[i] + k];

            topic->assignments[k] = (struct create_partitions_assignment){
                .broker_ids = from->broker_ids, .broker_ids_count = from->broker_ids_count};
        }
    }
    return true;
}

static bool tell(struct cli *cli, const struct create_partitions_response *response)
{
    for (int32_t i = 0; i < response->results_count; i++)
        if (response->results[i].error_code != ERROR_NONE) {
            admin_explain(cli, response->results[i].error_code, response->results[i].error_message);
            return false;
        }
    return true;
}

bool topics_alter(struct cli *cli, struct admin *admin)
{
    struct create_partitions_request request = create_partitions_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_CREATE_PARTITIONS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    struct slice *names;
    struct call *call;
    int64_t partitions;
    size_t count;

    if (options_number(&cli->options, TOPICS_partitions, &partitions, &cli->why) ||
        !topics_matching(cli, admin, &names, &count))
        return false;
    if (count == 0)
        return topics_missing(cli);
    request.topics = arena_new(&admin->arena, count * sizeof(*request.topics));
    request.topics_count = (int32_t)count;
    request.timeout_ms = (int32_t)cli->cluster.settings.request_timeout_ms;
    for (size_t i = 0; i < count; i++) {
        request.topics[i] = create_partitions_topic_defaults;
        request.topics[i].name = names[i];
        request.topics[i].count = (int32_t)partitions;
        request.topics[i].assignments_count = -1; /* The controller's choice. */
    }
    return assign(cli, admin, request.topics, names, count) &&
           admin_call(cli, admin, &events, order, &call) && tell(cli, call->response);
}
