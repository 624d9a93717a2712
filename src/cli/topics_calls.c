/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics_calls.c - the requests behind kafka-topics. */

#include "cli/topics.h"
#include "wire/errors.h"

#include <stdlib.h>

void topics_answers_init(struct topics_answers *answers)
{
    *answers = (struct topics_answers){.last = NULL};
    arena_init(&answers->arena, NULL);
}

void topics_answers_fini(struct topics_answers *answers)
{
    for (struct topics_answer *a = answers->last; a; a = a->next)
        call_fini(&a->call);
    arena_reset(&answers->arena);
}

/* What Kafka's admin client calls the request in its messages. */
static const char *call_name(const struct wire_api *api)
{
    switch (api->key) {
    case API_CREATE_TOPICS: return "createTopics";
    case API_DELETE_TOPICS: return "deleteTopics";
    case API_DESCRIBE_CONFIGS: return "describeConfigs";
    case API_DESCRIBE_TOPIC_PARTITIONS: return "describeTopicPartitions";
    case API_LIST_PARTITION_REASSIGNMENTS: return "listPartitionReassignments";
    default: return "listTopics";
    }
}

static void explain_outcome(struct cli *cli, const struct call *call, enum call_outcome outcome)
{
    const struct wire_api *api = call->order.api;

    if (outcome == CALL_E_TIMEOUT && call->sends == 0)
        text_printf(&cli->why, "Timed out waiting for a node assignment. Call: %s", call_name(api));
    else if (outcome == CALL_E_UNSUPPORTED)
        text_printf(&cli->why, "The node does not support %s", api->name);
    else
        text_printf(&cli->why, "%s: %s", api->name, call_outcome_text(outcome));
}

bool topics_call(struct cli *cli, struct topics_answers *answers, const struct call_events *events,
                 struct call_order order, struct call **out)
{
    struct topics_answer *answer = arena_new(&answers->arena, sizeof(*answer));
    struct call *call = &answer->call;
    enum call_outcome outcome;

    answer->next = answers->last;
    answers->last = answer;
    call_init(call, events);
    call->order = order;
    outcome = cli_call(cli, call);
    *out = call;
    if (outcome == CALL_OK)
        return true;
    explain_outcome(cli, call, outcome);
    return false;
}

void topics_explain(struct cli *cli, int16_t error, struct slice message)
{
    if (slice_is_null(message) || message.size == 0)
        text_printf(&cli->why, "%s", error_meaning(error));
    else
        text_printf(&cli->why, "%.*s", SLICE_ARG(message));
}

/* --- metadata ---------------------------------------------------------------- */

static void nothing(struct call *call)
{
    (void)call; /* topics_call() looks when the loop has turned. */
}

static int16_t metadata_verdict(const struct call *call)
{
    return ((const struct metadata_response *)call->response)->error_code;
}

static const struct call_events metadata_events = {.done = nothing, .verdict = metadata_verdict};

bool topics_metadata(struct cli *cli, struct topics_answers *answers, const struct uuid *id,
                     const struct metadata_response **out)
{
    struct metadata_request request = metadata_request_defaults;
    struct metadata_request_topic topic = metadata_request_topic_defaults;
    struct call_order order = {
        .api = wire_api_find(API_METADATA),
        .request = &request,
        .target = CALL_ANY,
    };
    struct call *call;

    request.topics = NULL;
    request.topics_count = -1;
    request.allow_auto_topic_creation = false;
    if (id) {
        topic.topic_id = *id;
        topic.name = slice_null();
        request.topics = &topic;
        request.topics_count = 1;
    }
    if (!topics_call(cli, answers, &metadata_events, order, &call))
        return false;
    *out = call->response;
    if ((*out)->error_code == ERROR_NONE)
        return true;
    topics_explain(cli, (*out)->error_code, slice_null());
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct slice *x = a;
    const struct slice *y = b;
    int order = memcmp(x->data, y->data, min_of(x->size, y->size));

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

bool topics_matching(struct cli *cli, struct topics_answers *answers, struct slice **out_names,
                     size_t *out_count)
{
    const struct metadata_response *metadata;
    struct topic_filter filter = {.is_compiled = false};
    const char *expression;
    struct slice *names;
    size_t count = 0;

    if (options_get(&cli->options, TOPICS_topic, &expression, &cli->why))
        return false;
    if (!topics_metadata(cli, answers, NULL, &metadata))
        return false;
    if (expression && topic_filter_init(&filter, expression, &cli->why))
        return false;
    names = arena_new(&answers->arena, ((size_t)metadata->topics_count + 1) * sizeof(*names));
    for (int32_t i = 0; i < metadata->topics_count; i++) {
        const struct metadata_response_topic *topic = &metadata->topics[i];

        if (expression && !topic_filter_matches(&filter, topic->name))
            continue;
        if (topic->is_internal && options_has(&cli->options, TOPICS_exclude_internal))
            continue;
        names[count++] = topic->name;
    }
    qsort(names, count, sizeof(*names), by_name);
    topic_filter_fini(&filter);
    *out_names = names;
    *out_count = count;
    return true;
}
