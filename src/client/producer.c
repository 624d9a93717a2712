/* SPDX-License-Identifier: Apache-2.0 */

/* client/producer.c - taking records: topics, queues, batches. */

#include "client/producer.h"

#include "base/hash.h"
#include "base/mem.h"
#include "client/producer_internal.h"
#include "wire/errors.h"

#include <string.h>

enum {
    RECORD_OVERHEAD = 32, /* Of lengths and deltas in front of a record, at most. */
    HEADER_OVERHEAD = 10,
    ORDER_SPAN = 1 << 16, /* A batch can be halved so often that each record is alone. */
};

struct producer_settings producer_settings_defaults(void)
{
    return (struct producer_settings){
        .acks = -1,
        .is_idempotent = true,
        .linger_ms = 5,
        .delivery_timeout_ms = 120000,
        .max_block_ms = 60000,
        .request_timeout_ms = 30000,
        .retry_backoff_ms = 100,
        .retry_backoff_max_ms = 1000,
        .retries = INT32_MAX,
        .batch_size = 16384,
        .buffer_memory = (size_t)MiB(32),
        .request_size_max = (size_t)MiB(1),
        .max_in_flight = 5,
    };
}

static const struct call_events identify_events = {
    .done = producer_identified,
    .verdict = producer_identify_verdict,
};

void producer_init(struct producer *producer, struct cluster *cluster,
                   const struct producer_settings *settings, const struct producer_events *events)
{
    assert(!settings->is_idempotent || settings->acks == -1);
    *producer = (struct producer){
        .cluster = cluster,
        .settings = *settings,
        .events = events,
        .watch = {.changed = producer_on_metadata},
        .pump = {.run = producer_pump},
        .timer = {.fire = producer_on_timer},
        .producer_id = -1,
    };
    map_init(&producer->topics);
    list_init(&producer->active);
    list_init(&producer->requests);
    list_init(&producer->nodes);
    call_init(&producer->identify, &identify_events);
    cluster_watch(cluster, &producer->watch);
}

/* --- batches ----------------------------------------------------------------- */

void producer_free_batch(struct producer_batch *batch)
{
    assert(!list_node_is_linked(&batch->node_in));
    batch_builder_fini(&batch->builder);
    text_fini(&batch->bytes);
    mem_free(batch->tokens);
    mem_free(batch);
}

static struct producer_batch *batch_of(struct list_node *node)
{
    return container_of(node, struct producer_batch, node_in);
}

static struct producer_batch *last_batch(struct producer_queue *queue)
{
    return list_is_empty(&queue->batches) ? NULL : batch_of(queue->batches.head.prev);
}

/* How many bytes of records a batch takes, so that it has about batch_size when it is
 * compressed. */
static size_t batch_room(const struct producer *producer, const struct producer_topic *topic)
{
    size_t room = producer->settings.batch_size;

    if (producer->settings.codec != COMPRESS_NONE)
        room = min_of(room * 100 / (size_t)topic->ratio_percent,
                      producer->settings.request_size_max / 2);
    return max_of(room, (size_t)1);
}

static struct producer_batch *batch_open(struct producer *producer, struct producer_queue *queue)
{
    struct producer_batch *batch = mem_new(sizeof(*batch));

    batch_builder_init(&batch->builder);
    batch->order = ++producer->batches_made * ORDER_SPAN;
    batch->span = ORDER_SPAN;
    batch->created_us = producer->cluster->loop->now_us;
    batch->sequence = -1;
    list_push(&queue->batches, &batch->node_in);
    if (!list_node_is_linked(&queue->active))
        list_push(&producer->active, &queue->active);
    return batch;
}

static void add_token(struct producer_batch *batch, uint64_t token)
{
    if (batch->count == batch->capacity) {
        batch->capacity = max_of(batch->capacity * 2, 16);
        batch->tokens = mem_resize(batch->tokens, (size_t)batch->capacity, sizeof(uint64_t));
    }
    batch->tokens[batch->count++] = token;
}

static size_t record_size(const struct producer_record *record)
{
    size_t size = RECORD_OVERHEAD + record->key.size + record->value.size;

    for (size_t i = 0; i < record->header_count; i++)
        size += HEADER_OVERHEAD + record->headers[i].key.size + record->headers[i].value.size;
    return size;
}

/* Adds a record to the last batch of its partition, or to a new one. */
static void enqueue(struct producer *producer, struct producer_topic *topic,
                    const struct producer_record *record, size_t size)
{
    size_t room = batch_room(producer, topic);
    int64_t timestamp = record->timestamp;
    struct producer_queue *queue;
    struct producer_batch *batch;
    int32_t partition = record->partition;

    if (partition < 0 && !slice_is_null(record->key))
        partition = partitioner_of_key(record->key, topic->meta->count);
    else if (partition < 0)
        partition =
            partitioner_of_any(&topic->sticky, topic->meta, size, room, &producer->cluster->rng);
    queue = &topic->queues[partition];
    batch = last_batch(queue);
    if (!batch || batch->is_closed || batch_builder_size(&batch->builder) + size > room)
        batch = batch_open(producer, queue);
    if (timestamp < 0)
        timestamp = producer->cluster->loop->io->ops->wall_ms(producer->cluster->loop->io);
    batch_builder_add(&batch->builder, timestamp, record->key, record->value, record->headers,
                      record->header_count);
    add_token(batch, record->token);
    batch->charged += size;
}

static int by_order(const struct producer_batch *a, const struct producer_batch *b)
{
    return a->order < b->order ? -1 : a->order > b->order;
}

void producer_put_back(struct producer *producer, struct producer_queue *queue,
                       struct producer_batch *batch)
{
    struct list_node *before = &queue->batches.head;

    list_each (node, &queue->batches) {
        if (by_order(batch, batch_of(node)) < 0)
            break;
        before = node;
    }
    batch->node_in.prev = before;
    batch->node_in.next = before->next;
    before->next->prev = &batch->node_in;
    before->next = &batch->node_in;
    if (!list_node_is_linked(&queue->active))
        list_push(&producer->active, &queue->active);
}

/* --- reports ----------------------------------------------------------------- */

static void release(struct producer *producer, size_t charged)
{
    producer->memory_used -= charged;
    if (!producer->is_full || producer->memory_used > producer->settings.buffer_memory / 2)
        return;
    producer->is_full = false;
    if (producer->events->has_room)
        producer->events->has_room(producer);
}

static void report_one(struct producer *producer, const struct producer_report *report)
{
    producer->records--;
    if (producer->events->delivered)
        producer->events->delivered(producer, report);
}

static void check_idle(struct producer *producer)
{
    if (producer->records > 0)
        return;
    producer->is_flushing = false;
    if (producer->events->idle)
        producer->events->idle(producer);
}

void producer_report_batch(struct producer *producer, struct producer_queue *queue,
                           struct producer_batch *batch, const struct producer_report *report)
{
    struct producer_report each = *report;

    each.topic = queue->topic->meta->name;
    each.partition = queue->partition;
    for (int32_t i = 0; i < batch->count; i++) {
        each.token = batch->tokens[i];
        each.offset = report->offset < 0 ? -1 : report->offset + i;
        report_one(producer, &each);
    }
    release(producer, batch->charged);
    producer_free_batch(batch);
    check_idle(producer);
}

/* --- topics ------------------------------------------------------------------ */

static struct producer_topic *topic_get(struct producer *producer, struct slice name)
{
    uint64_t hash = hash_slice(name, 0);
    struct producer_topic *topic;

    for (struct map_node *n = map_find(&producer->topics, hash); n; n = map_find_next(n)) {
        topic = container_of(n, struct producer_topic, by_name);
        if (slice_is_text(name, topic->meta->name))
            return topic;
    }
    topic = mem_new(sizeof(*topic));
    topic->meta = cluster_want_topic(producer->cluster, name);
    topic->sticky.partition = -1;
    topic->ratio_percent = 100;
    list_init(&topic->waiting);
    map_put(&producer->topics, &topic->by_name, hash);
    return topic;
}

static void queue_init(struct producer_queue *queue, struct producer_topic *topic, int32_t i)
{
    *queue = (struct producer_queue){
        .topic = topic,
        .partition = i,
        .producer_id = -1,
    };
    list_init(&queue->batches);
    list_init(&queue->flying);
}

/* Makes the queues of new partitions.  Queues are pointed to while batches fly, and while the
 * active ones are walked: this happens before the walk, and not while anything flies. */
static void topic_grow(struct producer *producer, struct producer_topic *topic)
{
    int32_t count = topic->meta->count;
    struct producer_queue *queues;

    if (topic->count >= count)
        return;
    for (int32_t i = 0; i < topic->count; i++)
        if (topic->queues[i].flying_count > 0)
            return;
    queues = mem_new_array((size_t)count, sizeof(*queues));
    for (int32_t i = 0; i < count; i++) {
        queue_init(&queues[i], topic, i);
        if (i >= topic->count)
            continue;
        list_append(&queues[i].batches, &topic->queues[i].batches);
        queues[i].producer_id = topic->queues[i].producer_id;
        queues[i].producer_epoch = topic->queues[i].producer_epoch;
        queues[i].next_sequence = topic->queues[i].next_sequence;
        queues[i].needs_identity = topic->queues[i].needs_identity;
        queues[i].is_established = topic->queues[i].is_established;
        queues[i].identity_serial_min = topic->queues[i].identity_serial_min;
        list_remove(&topic->queues[i].active);
        if (!list_is_empty(&queues[i].batches))
            list_push(&producer->active, &queues[i].active);
    }
    mem_free(topic->queues);
    topic->queues = queues;
    topic->count = count;
}

/* True if the record's partition is known, so that it can be enqueued. */
static bool is_placeable(const struct producer_topic *topic, int32_t partition)
{
    return topic->count > 0 && topic->count >= topic->meta->count && partition < topic->count;
}

/* --- records that wait for their topic --------------------------------------- */

static struct slice copy_slice(struct slice from, uint8_t **to)
{
    struct slice copy = slice_of(*to, from.size);

    if (slice_is_null(from))
        return from;
    if (from.size > 0)
        memcpy(*to, from.data, from.size);
    *to += from.size;
    return copy;
}

static void wait_for_topic(struct producer *producer, struct producer_topic *topic,
                           const struct producer_record *record, size_t size)
{
    struct producer_waiting *waiting = mem_new(sizeof(*waiting));
    uint8_t *at;

    waiting->charged = size;
    waiting->created_us = producer->cluster->loop->now_us;
    waiting->bytes = mem_new(size);
    waiting->headers = mem_new_array(record->header_count + 1, sizeof(*waiting->headers));
    at = waiting->bytes;
    waiting->record = *record;
    waiting->record.key = copy_slice(record->key, &at);
    waiting->record.value = copy_slice(record->value, &at);
    for (size_t i = 0; i < record->header_count; i++) {
        waiting->headers[i].key = copy_slice(record->headers[i].key, &at);
        waiting->headers[i].value = copy_slice(record->headers[i].value, &at);
    }
    waiting->record.headers = waiting->headers;
    waiting->record.topic = slice_text(topic->meta->name);
    if (record->timestamp < 0)
        waiting->record.timestamp =
            producer->cluster->loop->io->ops->wall_ms(producer->cluster->loop->io);
    list_push(&topic->waiting, &waiting->node_in);
}

static void waiting_free(struct producer_waiting *waiting)
{
    list_remove(&waiting->node_in);
    mem_free(waiting->headers);
    mem_free(waiting->bytes);
    mem_free(waiting);
}

static void waiting_report(struct producer *producer, struct producer_waiting *waiting)
{
    struct producer_report report = {
        .token = waiting->record.token,
        .topic = (const char *)waiting->record.topic.data,
        .partition = waiting->record.partition,
        .error = waiting->error,
        .why = waiting->why,
        .offset = -1,
    };
    size_t charged = waiting->charged;

    waiting_free(waiting);
    report_one(producer, &report);
    release(producer, charged);
    check_idle(producer);
}

/* The first waiting record of a topic; returns when it is due, or 0 if it has gone on. */
static int64_t settle_one(struct producer *producer, struct producer_topic *topic,
                          struct producer_waiting *waiting, struct list *failed)
{
    int64_t due_us = waiting->created_us + producer->settings.max_block_ms * 1000;
    int16_t error = topic->meta->error;

    if (is_placeable(topic, waiting->record.partition)) {
        enqueue(producer, topic, &waiting->record, waiting->charged);
        waiting_free(waiting);
        return 0;
    }
    if (topic->meta->is_answered && error && !error_is_retriable(error)) {
        waiting->error = error;
    } else if (producer->cluster->loop->now_us < due_us) {
        return due_us;
    } else {
        waiting->error = error ? error : (int16_t)ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        waiting->why = "the topic or partition was not in the metadata in time";
    }
    list_remove(&waiting->node_in);
    list_push(failed, &waiting->node_in);
    return 0;
}

/* Reports come last: they may lead to new records and topics. */
int64_t producer_settle_waiting(struct producer *producer)
{
    int64_t next_us = INT64_MAX;
    struct list_node *node;
    struct list failed;

    list_init(&failed);
    map_each (n, &producer->topics) {
        struct producer_topic *topic = container_of(n, struct producer_topic, by_name);

        topic_grow(producer, topic);
        while ((node = list_first(&topic->waiting))) {
            int64_t due_us = settle_one(
                producer, topic, container_of(node, struct producer_waiting, node_in), &failed);

            if (due_us) {
                next_us = min_of(next_us, due_us);
                break;
            }
        }
    }
    while ((node = list_first(&failed)))
        waiting_report(producer, container_of(node, struct producer_waiting, node_in));
    return next_us;
}

/* --- for the caller ---------------------------------------------------------- */

int producer_send(struct producer *producer, const struct producer_record *record)
{
    size_t size = record_size(record);
    struct producer_topic *topic;

    if (size > producer->settings.request_size_max)
        return PRODUCER_E_TOO_LARGE;
    if (producer->memory_used > 0 &&
        producer->memory_used + size > producer->settings.buffer_memory) {
        producer->is_full = true;
        loop_hook_ask(producer->cluster->loop, &producer->pump);
        return PRODUCER_E_FULL;
    }
    producer->memory_used += size;
    producer->records++;
    topic = topic_get(producer, record->topic);
    if (topic->count == 0)
        topic_grow(producer, topic);
    if (list_is_empty(&topic->waiting) && is_placeable(topic, record->partition))
        enqueue(producer, topic, record, size);
    else
        wait_for_topic(producer, topic, record, size);
    loop_hook_ask(producer->cluster->loop, &producer->pump);
    return 0;
}

void producer_flush(struct producer *producer)
{
    producer->is_flushing = producer->records > 0;
    loop_hook_ask(producer->cluster->loop, &producer->pump);
}

/* --- the end ----------------------------------------------------------------- */

static void drop_batches(struct list *batches)
{
    struct list_node *node;

    while ((node = list_pop(batches)))
        producer_free_batch(batch_of(node));
}

static void topic_free(struct producer_topic *topic)
{
    struct list_node *node;

    while ((node = list_first(&topic->waiting)))
        waiting_free(container_of(node, struct producer_waiting, node_in));
    for (int32_t i = 0; i < topic->count; i++) {
        list_remove(&topic->queues[i].active);
        drop_batches(&topic->queues[i].batches);
        drop_batches(&topic->queues[i].flying);
    }
    mem_free(topic->queues);
    mem_free(topic);
}

void producer_fini(struct producer *producer)
{
    struct list_node *node;
    struct map_node *n;

    cluster_unwatch(&producer->watch);
    loop_hook_cancel(&producer->pump);
    loop_timer_cancel(producer->cluster->loop, &producer->timer);
    call_fini(&producer->identify);
    mem_free(producer->identify_request);
    while ((node = list_pop(&producer->requests))) {
        struct producer_request *request = container_of(node, struct producer_request, node_in);

        call_fini(&request->call);
        arena_reset(&request->arena);
        mem_free(request);
    }
    while ((n = map_pop(&producer->topics)))
        topic_free(container_of(n, struct producer_topic, by_name));
    map_fini(&producer->topics);
    while ((node = list_pop(&producer->nodes)))
        mem_free(container_of(node, struct producer_node, node_in));
    deflater_cache_fini(&producer->deflaters);
}
