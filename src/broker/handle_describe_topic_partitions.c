/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_topic_partitions.c - topics with their partitions, a page at a time
 * (KIP-966).
 *
 * Topics come in order of name: all of them, or those that are named.  A page ends within a
 * topic if need be; the cursor says where the next one begins. */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_topic_partitions.h"

#include <stdlib.h>

enum { PARTITIONS_MAX = 2000 }; /* Kafka's max.request.partition.size.limit. */

struct page {
    struct request *request;
    struct describe_topic_partitions_response response;
    size_t topic_room;
    int32_t left;      /* Partitions that still fit. */
    struct slice from; /* Where to begin: topic, ... */
    int32_t from_partition;
};

static struct describe_topic_partitions_response_topic *add_topic(struct page *page)
{
    struct describe_topic_partitions_response *response = &page->response;
    struct describe_topic_partitions_response_topic *grown;

    if ((size_t)response->topics_count == page->topic_room) {
        page->topic_room = max_of(page->topic_room * 2, (size_t)16);
        grown = request_new(page->request, page->topic_room * sizeof(*grown));
        if (response->topics_count > 0)
            memcpy(grown, response->topics, (size_t)response->topics_count * sizeof(*grown));
        response->topics = grown;
    }
    return &response->topics[response->topics_count++];
}

static void fill_partition(const struct image_topic *topic, int32_t index,
                           struct describe_topic_partitions_response_partition *out)
{
    const struct image_partition *p = &topic->partitions[index];
    const struct image_replicas *lists = p->replicas;

    *out = (struct describe_topic_partitions_response_partition){
        .error_code = p->leader < 0 ? ERROR_LEADER_NOT_AVAILABLE : ERROR_NONE,
        .partition_index = index,
        .leader_id = p->leader,
        .leader_epoch = p->leader_epoch,
        .replica_nodes = lists->replicas.ids,
        .replica_nodes_count = lists->replicas.count,
        .isr_nodes = lists->isr.ids,
        .isr_nodes_count = lists->isr.count,
        .eligible_leader_replicas = lists->elr.ids,
        .eligible_leader_replicas_count = lists->elr.count,
        .last_known_elr = lists->last_elr.ids,
        .last_known_elr_count = lists->last_elr.count,
    };
}

static void set_cursor(struct page *page, const struct image_topic *topic, int32_t partition)
{
    struct describe_topic_partitions_cursor *cursor = request_new(page->request, sizeof(*cursor));

    cursor->topic_name = slice_text(topic->name);
    cursor->partition_index = partition;
    page->response.next_cursor = cursor;
}

/* Adds the topic, as much of it as fits; false if the page is full. */
static bool describe(struct page *page, const struct image_topic *topic)
{
    struct slice name = slice_text(topic->name);
    int32_t from = slice_equal(name, page->from) ? max_of(page->from_partition, 0) : 0;
    int32_t count = min_of(max_of(topic->partition_count - from, 0), page->left);
    struct describe_topic_partitions_response_topic *out;

    if (page->left == 0) {
        set_cursor(page, topic, from);
        return false;
    }
    out = add_topic(page);
    *out = (struct describe_topic_partitions_response_topic){
        .name = name,
        .topic_id = topic->id,
        .is_internal = topic_is_internal(name),
        .partitions_count = count,
        .partitions = request_new(page->request, ((size_t)count + 1) * sizeof(*out->partitions)),
        .topic_authorized_operations = REPLY_OPERATIONS_TOPIC,
    };
    for (int32_t i = 0; i < count; i++)
        fill_partition(topic, from + i, &out->partitions[i]);
    page->left -= count;
    if (from + count < topic->partition_count) {
        set_cursor(page, topic, from + count);
        return false;
    }
    return true;
}

static void refuse(struct page *page, struct slice name, int16_t error)
{
    *add_topic(page) = (struct describe_topic_partitions_response_topic){
        .error_code = error, .name = name, .topic_authorized_operations = INT32_MIN};
}

static void describe_all(struct page *page)
{
    struct tree_walk walk;
    const struct image_topic *topic;

    image_walk_begin(&walk, page->request->image, page->from);
    while ((topic = image_walk_next(&walk)))
        if (authorize(page->request, ACL_DESCRIBE, slice_text(topic->name)) &&
            !describe(page, topic))
            break;
}

static int by_name(const void *a, const void *b)
{
    const struct slice *x = a;
    const struct slice *y = b;
    size_t common = min_of(x->size, y->size);
    int order = common ? memcmp(x->data, y->data, common) : 0;

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void describe_named(struct page *page)
{
    const struct describe_topic_partitions_request *body = page->request->body;
    size_t count = (size_t)body->topics_count;
    struct slice *names = request_new(page->request, count * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = body->topics[i].name;
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++) {
        const struct image_topic *topic = image_find_topic(page->request->image, names[i]);
        bool is_before = !slice_is_null(page->from) && by_name(&names[i], &page->from) < 0;

        if (is_before || (i > 0 && slice_equal(names[i], names[i - 1])))
            continue;
        if (!authorize(page->request, ACL_DESCRIBE, names[i]))
            refuse(page, names[i], ERROR_TOPIC_AUTHORIZATION_FAILED);
        else if (control_check_name(names[i]))
            refuse(page, names[i], ERROR_INVALID_TOPIC_EXCEPTION);
        else if (!topic)
            refuse(page, names[i], ERROR_UNKNOWN_TOPIC_OR_PARTITION);
        else if (!describe(page, topic))
            break;
    }
}

void handle_describe_topic_partitions(struct request *request)
{
    const struct describe_topic_partitions_request *body = request->body;
    struct page *page = request_new(request, sizeof(*page));

    page->request = request;
    page->left = max_of(min_of(body->response_partition_limit, (int32_t)PARTITIONS_MAX), 1);
    page->from = slice_null();
    if (body->cursor) {
        page->from = body->cursor->topic_name;
        page->from_partition = body->cursor->partition_index;
    }
    codec_defaults(&describe_topic_partitions_response_message, &page->response);
    if (body->topics_count > 0)
        describe_named(page);
    else
        describe_all(page);
    request_answer(request, &page->response);
}
