/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/offsets.h"

#include "base/hash.h"
#include "base/mem.h"

void offsets_init(struct offsets *offsets)
{
    *offsets = (struct offsets){.count = 0};
    list_init(&offsets->topics);
    map_init(&offsets->by_name);
}

static struct offsets_topic *find_topic(const struct offsets *offsets, struct slice name)
{
    for (struct map_node *n = map_find(&offsets->by_name, hash_slice(name, 0)); n;
         n = map_find_next(n)) {
        struct offsets_topic *topic = container_of(n, struct offsets_topic, by_name);

        if (slice_equal(topic->name, name))
            return topic;
    }
    return NULL;
}

static struct offsets_entry *find_entry(const struct offsets_topic *topic, int32_t partition)
{
    for (struct map_node *n = map_find(&topic->by_partition, hash_u64((uint32_t)partition)); n;
         n = map_find_next(n)) {
        struct offsets_entry *entry = container_of(n, struct offsets_entry, by_partition);

        if (entry->partition == partition)
            return entry;
    }
    return NULL;
}

static struct offsets_topic *add_topic(struct offsets *offsets, struct slice name)
{
    struct offsets_topic *topic = mem_new(sizeof(*topic));

    topic->name = slice_keep(name);
    list_init(&topic->entries);
    map_init(&topic->by_partition);
    list_push(&offsets->topics, &topic->node);
    map_put(&offsets->by_name, &topic->by_name, hash_slice(name, 0));
    return topic;
}

static void remove_topic(struct offsets *offsets, struct offsets_topic *topic)
{
    list_remove(&topic->node);
    map_remove(&offsets->by_name, &topic->by_name);
    map_fini(&topic->by_partition);
    slice_drop(&topic->name);
    mem_free(topic);
}

static void remove_entry(struct offsets *offsets, struct offsets_topic *topic,
                         struct offsets_entry *entry)
{
    offsets->count--;
    list_remove(&entry->node);
    map_remove(&topic->by_partition, &entry->by_partition);
    slice_drop(&entry->value.metadata);
    mem_free(entry);
    if (list_is_empty(&topic->entries))
        remove_topic(offsets, topic);
}

void offsets_put(struct offsets *offsets, struct slice name, int32_t partition,
                 const struct committed *value)
{
    struct offsets_topic *topic = find_topic(offsets, name);
    struct offsets_entry *entry;

    if (!topic)
        topic = add_topic(offsets, name);
    entry = find_entry(topic, partition);
    if (!entry) {
        entry = mem_new(sizeof(*entry));
        entry->partition = partition;
        list_push(&topic->entries, &entry->node);
        map_put(&topic->by_partition, &entry->by_partition, hash_u64((uint32_t)partition));
        offsets->count++;
    }
    slice_drop(&entry->value.metadata);
    entry->value = *value;
    /* Mostly there is none, and then it takes no memory. */
    entry->value.metadata = value->metadata.size > 0 ? slice_keep(value->metadata) : slice_null();
}

bool offsets_remove(struct offsets *offsets, struct slice name, int32_t partition)
{
    struct offsets_topic *topic = find_topic(offsets, name);
    struct offsets_entry *entry = topic ? find_entry(topic, partition) : NULL;

    if (entry)
        remove_entry(offsets, topic, entry);
    return entry != NULL;
}

void offsets_fini(struct offsets *offsets)
{
    struct list_node *node;

    while ((node = list_first(&offsets->topics))) {
        struct offsets_topic *topic = container_of(node, struct offsets_topic, node);
        struct list_node *first = list_first(&topic->entries);

        remove_entry(offsets, topic, container_of(first, struct offsets_entry, node));
    }
    assert(offsets->count == 0);
    map_fini(&offsets->by_name);
}

const struct committed *offsets_find(const struct offsets *offsets, struct slice name,
                                     int32_t partition)
{
    const struct offsets_topic *topic = find_topic(offsets, name);
    const struct offsets_entry *entry = topic ? find_entry(topic, partition) : NULL;

    return entry ? &entry->value : NULL;
}

const struct offsets_topic *offsets_find_topic(const struct offsets *offsets, struct slice name)
{
    return find_topic(offsets, name);
}

bool committed_is_expired(const struct committed *value, int64_t base_ms, int64_t now_ms,
                          int64_t retention_ms)
{
    if (value->expire_ms != -1)
        return now_ms >= value->expire_ms;
    return now_ms - base_ms >= retention_ms;
}
