/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/traffic.h"

#include "base/hash.h"
#include "base/mem.h"

static uint64_t hash_of(struct uuid id)
{
    return hash_slice(slice_of(id.bytes, sizeof(id.bytes)), 0);
}

void traffic_init(struct traffic *traffic, bool is_by_topic)
{
    *traffic = (struct traffic){.is_by_topic = is_by_topic};
    map_init(&traffic->topics);
}

void traffic_fini(struct traffic *traffic)
{
    struct map_node *node;

    while ((node = map_pop(&traffic->topics)))
        mem_free(container_of(node, struct traffic_topic, node));
    map_fini(&traffic->topics);
    traffic->last = NULL;
}

static struct traffic_topic *find(const struct traffic *traffic, struct uuid id)
{
    for (struct map_node *n = map_find(&traffic->topics, hash_of(id)); n; n = map_find_next(n)) {
        struct traffic_topic *topic = container_of(n, struct traffic_topic, node);

        if (uuid_equal(topic->id, id))
            return topic;
    }
    return NULL;
}

static struct traffic_topic *get(struct traffic *traffic, struct uuid id)
{
    struct traffic_topic *topic = traffic->last;

    if (topic && uuid_equal(topic->id, id))
        return topic; /* Most of what is added together is of one topic. */
    topic = find(traffic, id);
    if (!topic) {
        topic = mem_new(sizeof(*topic));
        topic->id = id;
        map_put(&traffic->topics, &topic->node, hash_of(id));
    }
    traffic->last = topic;
    return topic;
}

void traffic_add(struct traffic *traffic, struct uuid topic_id, enum traffic_kind kind,
                 int64_t count)
{
    assert(kind < TRAFFIC_KINDS && count >= 0);
    traffic->all.of[kind] += count;
    if (traffic->is_by_topic)
        get(traffic, topic_id)->counts.of[kind] += count;
}

static void add_produced(struct traffic_counts *counts, int64_t requests, int64_t messages,
                         int64_t bytes)
{
    counts->of[TRAFFIC_PRODUCE_REQUESTS] += requests;
    counts->of[TRAFFIC_MESSAGES_IN] += messages;
    counts->of[TRAFFIC_BYTES_IN] += bytes;
}

void traffic_add_produced(struct traffic *traffic, struct uuid topic_id, int64_t requests,
                          int64_t messages, int64_t bytes)
{
    assert(requests >= 0 && messages >= 0 && bytes >= 0);
    add_produced(&traffic->all, requests, messages, bytes);
    if (traffic->is_by_topic)
        add_produced(&get(traffic, topic_id)->counts, requests, messages, bytes);
}

const struct traffic_counts *traffic_find(const struct traffic *traffic, struct uuid topic_id)
{
    const struct traffic_topic *topic = find(traffic, topic_id);

    assert(!topic || traffic->is_by_topic);
    return topic ? &topic->counts : NULL;
}

void traffic_forget(struct traffic *traffic, struct uuid topic_id)
{
    struct traffic_topic *topic = find(traffic, topic_id);

    assert(!topic || traffic->is_by_topic);
    if (!topic)
        return;
    if (traffic->last == topic)
        traffic->last = NULL;
    map_remove(&traffic->topics, &topic->node);
    mem_free(topic);
}
