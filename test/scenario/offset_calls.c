/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/offset_calls.h"

#include "test/sim/ledger.h"
#include "wire/errors.h"
#include "wire/msg/offset_commit.h"
#include "wire/msg/offset_fetch.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    ID_VERSION = 10,    /* Of both: topics by id. */
    GROUPS_VERSION = 8, /* Of OffsetFetch: several groups. */
    TEXT_MAX = 24,
};

/* --- partitions ------------------------------------------------------------- */

int offset_calls_partitions(const struct run *run)
{
    int count = 0;

    for (int t = 0; t < run->topic_count; t++)
        count += run->topics[t].partitions;
    assert(count <= LEDGER_PARTITIONS_MAX);
    return count;
}

const struct run_topic *offset_calls_topic(const struct run *run, uint32_t number,
                                           int32_t *out_index)
{
    for (int t = 0; t < run->topic_count; t++) {
        const struct run_topic *topic = &run->topics[t];

        if (number >= topic->first_number &&
            number < topic->first_number + (uint32_t)topic->partitions) {
            *out_index = (int32_t)(number - topic->first_number);
            return topic;
        }
    }
    assert(!"a partition of a topic of the run");
    return NULL;
}

static bool find_number(const struct client_call *call, struct slice name, struct uuid id,
                        int32_t index, uint32_t *out)
{
    struct run *run = call->client->run;

    for (int t = 0; t < run->topic_count; t++) {
        const struct run_topic *topic = &run->topics[t];

        if (index < 0 || index >= topic->partitions ||
            !(call->version >= ID_VERSION ? uuid_equal(id, topic->id)
                                          : slice_is_text(name, topic->name)))
            continue;
        *out = topic->first_number + (uint32_t)index;
        return true;
    }
    run_fail(run, "%s is answered with a partition that nobody asked for", call->api->name);
    return false;
}

/* --- commits ---------------------------------------------------------------- */

static struct slice text_of(struct client_call *call, const struct offset_commit *commit,
                            uint32_t number)
{
    size_t size = TEXT_MAX + commit->padding;
    char *text = arena_new(&call->arena, size + 1);
    int used = snprintf(text, TEXT_MAX, "c%" PRIu64 " ", commit->commits[number]);

    memset(text + used, '.', commit->padding);
    return slice_of(text, (size_t)used + commit->padding);
}

static void add_commits(struct client_call *call, const struct offset_commit *commit,
                        const struct run_topic *from, struct offset_commit_request_topic *topic)
{
    topic->name = slice_text(from->name);
    topic->topic_id = from->id;
    topic->partitions =
        arena_new(&call->arena, (size_t)from->partitions * sizeof(*topic->partitions));
    for (int32_t i = 0; i < from->partitions; i++) {
        uint32_t number = from->first_number + (uint32_t)i;

        if (!(commit->partitions >> number & 1))
            continue;
        topic->partitions[topic->partitions_count++] = (struct offset_commit_request_partition){
            .partition_index = i,
            .committed_offset = commit->offsets[number],
            .committed_leader_epoch = -1,
            .commit_timestamp = -1,
            .committed_metadata = text_of(call, commit, number),
        };
    }
}

void offset_calls_commit(struct client_call *call, const struct offset_commit *commit)
{
    const struct run *run = call->client->run;
    struct offset_commit_request request = offset_commit_request_defaults;

    request.group_id = slice_text(commit->group);
    request.generation_id_or_member_epoch = commit->generation;
    request.member_id = slice_text(commit->member);
    request.group_instance_id = slice_text(commit->instance);
    request.retention_time_ms = -1;
    request.topics = arena_new(&call->arena, (size_t)run->topic_count * sizeof(*request.topics));
    for (int t = 0; t < run->topic_count; t++) {
        struct offset_commit_request_topic *topic = &request.topics[request.topics_count];

        *topic = offset_commit_request_topic_defaults;
        add_commits(call, commit, &run->topics[t], topic);
        request.topics_count += topic->partitions_count > 0;
    }
    client_send(call, &request, true);
}

void offset_calls_committed(struct client_call *call, const void *answer, offset_answer_fn *fn,
                            void *context)
{
    const struct offset_commit_response *response = answer;

    for (int32_t t = 0; t < response->topics_count; t++) {
        const struct offset_commit_response_topic *topic = &response->topics[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            struct offset_answer one = {.error = topic->partitions[i].error_code};

            if (find_number(call, topic->name, topic->topic_id,
                            topic->partitions[i].partition_index, &one.number))
                fn(context, &one);
        }
    }
}

/* --- fetches ---------------------------------------------------------------- */

static int32_t *indexes_of(struct client_call *call, const struct run_topic *topic,
                           uint64_t partitions, int32_t *out_count)
{
    int32_t *all = arena_new(&call->arena, (size_t)topic->partitions * sizeof(*all));

    *out_count = 0;
    for (int32_t i = 0; i < topic->partitions; i++)
        if (partitions >> (topic->first_number + (uint32_t)i) & 1)
            all[(*out_count)++] = i;
    return all;
}

static void fetch_of_group(struct client_call *call, struct offset_fetch_request *request,
                           const char *group, uint64_t partitions)
{
    const struct run *run = call->client->run;

    request->group_id = slice_text(group);
    request->topics = arena_new(&call->arena, (size_t)run->topic_count * sizeof(*request->topics));
    request->topics_count = 0;
    for (int t = 0; t < run->topic_count; t++) {
        struct offset_fetch_request_topic *topic = &request->topics[request->topics_count];

        topic->name = slice_text(run->topics[t].name);
        topic->partition_indexes =
            indexes_of(call, &run->topics[t], partitions, &topic->partition_indexes_count);
        request->topics_count += topic->partition_indexes_count > 0;
    }
}

static void fetch_of_groups(struct client_call *call, struct offset_fetch_request *request,
                            const char *name, uint64_t partitions)
{
    const struct run *run = call->client->run;
    struct offset_fetch_request_group *group = arena_new(&call->arena, sizeof(*group));

    *group = offset_fetch_request_group_defaults;
    group->group_id = slice_text(name);
    group->topics = arena_new(&call->arena, (size_t)run->topic_count * sizeof(*group->topics));
    group->topics_count = 0;
    for (int t = 0; t < run->topic_count; t++) {
        struct offset_fetch_request_topics *topic = &group->topics[group->topics_count];

        topic->name = slice_text(run->topics[t].name);
        topic->topic_id = run->topics[t].id;
        topic->partition_indexes =
            indexes_of(call, &run->topics[t], partitions, &topic->partition_indexes_count);
        group->topics_count += topic->partition_indexes_count > 0;
    }
    request->groups = group;
    request->groups_count = 1;
}

void offset_calls_fetch(struct client_call *call, const char *group, uint64_t partitions)
{
    struct offset_fetch_request request = offset_fetch_request_defaults;

    if (call->version >= GROUPS_VERSION)
        fetch_of_groups(call, &request, group, partitions);
    else
        fetch_of_group(call, &request, group, partitions);
    client_send(call, &request, true);
}

/* The number in the text of a commit. */
static uint64_t read_text(struct slice text, int64_t offset)
{
    char digits[TEXT_MAX] = "";
    char *end;
    uint64_t number;

    if (offset == -1)
        return LEDGER_NOTHING;
    if (text.size < 2 || text.data[0] != 'c')
        return LEDGER_GARBAGE;
    memcpy(digits, text.data + 1, min_of(text.size - 1, sizeof(digits) - 1));
    number = strtoull(digits, &end, 10);
    return *end == ' ' ? number : LEDGER_GARBAGE;
}

static int16_t fetched_groups(struct client_call *call, const struct offset_fetch_response *r,
                              offset_answer_fn *fn, void *context)
{
    const struct offset_fetch_response_group *group = &r->groups[0];

    if (r->groups_count != 1) {
        run_fail(call->client->run, "OffsetFetch is answered with %d groups", r->groups_count);
        return ERROR_REQUEST_TIMED_OUT;
    }
    for (int32_t t = 0; t < group->topics_count && group->error_code == ERROR_NONE; t++) {
        const struct offset_fetch_response_topics *topic = &group->topics[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct offset_fetch_response_partitions *p = &topic->partitions[i];
            struct offset_answer one = {.error = p->error_code,
                                        .offset = p->committed_offset,
                                        .commit = read_text(p->metadata, p->committed_offset)};

            if (one.error)
                return one.error;
            if (find_number(call, topic->name, topic->topic_id, p->partition_index, &one.number))
                fn(context, &one);
        }
    }
    return group->error_code;
}

int16_t offset_calls_fetched(struct client_call *call, const void *answer, offset_answer_fn *fn,
                             void *context)
{
    const struct offset_fetch_response *r = answer;

    if (call->version >= GROUPS_VERSION)
        return fetched_groups(call, r, fn, context);
    for (int32_t t = 0; t < r->topics_count && r->error_code == ERROR_NONE; t++) {
        const struct offset_fetch_response_topic *topic = &r->topics[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct offset_fetch_response_partition *p = &topic->partitions[i];
            struct offset_answer one = {.error = p->error_code,
                                        .offset = p->committed_offset,
                                        .commit = read_text(p->metadata, p->committed_offset)};

            if (one.error) /* The first versions have no other place for it. */
                return one.error;
            if (find_number(call, topic->name, (struct uuid){{0}}, p->partition_index, &one.number))
                fn(context, &one);
        }
    }
    return r->error_code;
}
