/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin_offsets.h"

#include "wire/errors.h"
#include "wire/msg/list_offsets.h"

#include <stdlib.h>

enum { TIME_MIN = -6 };

struct question {
    struct cli *cli;
    struct admin *admin;
    struct admin_offset *rows;
    size_t count;
};

struct admin_offset admin_offset_of(struct slice topic,
                                    const struct metadata_response_partition *partition,
                                    int64_t time)
{
    return (struct admin_offset){
        .topic = topic,
        .partition = partition->partition_index,
        .leader = partition->leader_id,
        .time = time,
        .offset = -1,
        .error = partition->leader_id < 0 ? ERROR_LEADER_NOT_AVAILABLE : ERROR_NONE,
    };
}

int admin_by_partition(const void *a, const void *b)
{
    const struct admin_offset *x = a;
    const struct admin_offset *y = b;
    int order = admin_by_name(&x->topic, &y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int16_t offsets_verdict(const struct call *call)
{
    const struct list_offsets_response *response = call->response;

    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++)
            if (response->topics[t].partitions[i].error_code != ERROR_NONE)
                return response->topics[t].partitions[i].error_code;
    return ERROR_NONE;
}

static const struct call_events offsets_events = {.done = admin_done, .verdict = offsets_verdict};

static void take_answer(struct question *q, const struct list_offsets_response *response)
{
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++) {
            const struct list_offsets_partition_response *p = &response->topics[t].partitions[i];
            struct admin_offset key = {
                .topic = response->topics[t].name,
                .partition = p->partition_index,
            };
            struct admin_offset *row =
                bsearch(&key, q->rows, q->count, sizeof(*q->rows), admin_by_partition);

            if (!row)
                continue;
            row->offset = p->offset;
            row->error = p->error_code;
        }
}

/* Adds the partition of a row to the request: rows come sorted by topic. */
static void add_row(struct question *q, struct list_offsets_request *request,
                    const struct admin_offset *row)
{
    struct list_offsets_topic *topic =
        request->topics_count ? &request->topics[request->topics_count - 1] : NULL;

    if (!topic || !slice_equal(topic->name, row->topic)) {
        topic = &request->topics[request->topics_count++];
        *topic = list_offsets_topic_defaults;
        topic->name = row->topic;
        topic->partitions = arena_new(&q->admin->arena, (size_t)(q->rows + q->count - row) *
                                                            sizeof(*topic->partitions));
    }
    topic->partitions[topic->partitions_count] = list_offsets_partition_defaults;
    topic->partitions[topic->partitions_count].partition_index = row->partition;
    topic->partitions[topic->partitions_count++].timestamp = row->time;
}

static bool ask_leader(struct question *q, int32_t leader)
{
    struct list_offsets_request request = list_offsets_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_LIST_OFFSETS),
        .request = &request,
        .target = leader,
    };
    struct call *call;

    request.timeout_ms = (int32_t)q->cli->cluster.settings.request_timeout_ms;
    request.topics = arena_new(&q->admin->arena, q->count * sizeof(*request.topics));
    for (size_t i = 0; i < q->count; i++)
        if (q->rows[i].leader == leader && q->rows[i].error == ERROR_NONE)
            add_row(q, &request, &q->rows[i]);
    if (!admin_call(q->cli, q->admin, &offsets_events, order, &call))
        return false;
    take_answer(q, call->response);
    return true;
}

bool admin_offsets_ask(struct cli *cli, struct admin *admin, struct admin_offset *rows,
                       size_t count)
{
    struct question q = {.cli = cli, .admin = admin, .rows = rows, .count = count};
    bool *is_asked = arena_new(&admin->arena, count + 1);

    for (size_t i = 0; i < count; i++)
        if (rows[i].time < TIME_MIN)
            rows[i].error = ERROR_UNSUPPORTED_VERSION;
    for (size_t i = 0; i < count; i++) {
        if (is_asked[i] || rows[i].error != ERROR_NONE)
            continue;
        for (size_t k = i; k < count; k++)
            is_asked[k] = is_asked[k] || rows[k].leader == rows[i].leader;
        if (!ask_leader(&q, rows[i].leader))
            return false;
    }
    return true;
}
