/* SPDX-License-Identifier: Apache-2.0 */

/* client/producer_send.c - sending batches, and what becomes of them. */

#include "base/mem.h"
#include "client/producer_internal.h"
#include "wire/bytes.h"
#include "wire/crc32c.h"
#include "wire/errors.h"

DIAG_MODULE("client");

enum {
    /* Places in an encoded batch. */
    CRC_AT = 17,
    PRODUCER_ID_AT = 43,
    PRODUCER_EPOCH_AT = 51,
    SEQUENCE_AT = 53,

    RATIO_SLACK_PERCENT = 5, /* So that a batch does not often come out too large. */
};

static void settled(struct call *call);

static const struct call_events request_events = {.done = settled};

static struct producer_batch *batch_of(struct list_node *node)
{
    return container_of(node, struct producer_batch, node_in);
}

static int64_t now_us(const struct producer *producer)
{
    return producer->cluster->loop->now_us;
}

/* --- identity ---------------------------------------------------------------- */

int16_t producer_identify_verdict(const struct call *call)
{
    return ((const struct init_producer_id_response *)call->response)->error_code;
}

static void identify(struct producer *producer)
{
    if (call_is_under_way(&producer->identify))
        return;
    if (!producer->identify_request)
        producer->identify_request = mem_new(sizeof(*producer->identify_request));
    *producer->identify_request = init_producer_id_request_defaults;
    producer->identify_request->transactional_id = slice_null();
    producer->identify_request->transaction_timeout_ms = INT32_MAX;
    producer->identify.order = (struct call_order){
        .api = wire_api_find(API_INIT_PRODUCER_ID),
        .request = producer->identify_request,
        .target = CALL_ANY,
        .timeout_ms = (int32_t)producer->settings.request_timeout_ms,
        .deadline_us = now_us(producer) + producer->settings.delivery_timeout_ms * 1000,
    };
    cluster_call(producer->cluster, &producer->identify);
}

/* Without an identity nothing can be sent: everything that waits for one fails. */
static void fail_all(struct producer *producer, int16_t error, const char *why)
{
    struct producer_report report = {.error = error, .why = why, .offset = -1};
    struct list_node *node, *first;

    while ((node = list_first(&producer->active))) {
        struct producer_queue *queue = container_of(node, struct producer_queue, active);

        list_remove(node);
        while ((first = list_pop(&queue->batches)))
            producer_report_batch(producer, queue, batch_of(first), &report);
    }
}

void producer_identified(struct call *call)
{
    struct producer *producer = container_of(call, struct producer, identify);
    const struct init_producer_id_response *response = call->response;
    int16_t error = call->outcome == CALL_OK ? response->error_code : (int16_t)ERROR_NONE;

    if (call->outcome == CALL_E_STOPPED) {
        call_fini(call);
        return;
    }
    if (call->outcome == CALL_OK && error == ERROR_NONE) {
        producer->producer_id = response->producer_id;
        producer->producer_epoch = response->producer_epoch;
        producer->identity_serial++;
    } else {
        fail_all(producer, error ? error : (int16_t)ERROR_REQUEST_TIMED_OUT,
                 error ? NULL : call_outcome_text(call->outcome));
    }
    call_fini(call);
    loop_hook_ask(producer->cluster->loop, &producer->pump);
}

/* Writes who sends it, and which number it has, into an encoded batch. */
static void stamp(struct producer_batch *batch, const struct producer_queue *queue)
{
    uint8_t *bytes = (uint8_t *)batch->bytes.data;

    bytes_store_i64(bytes + PRODUCER_ID_AT, queue->producer_id);
    bytes_store_i16(bytes + PRODUCER_EPOCH_AT, queue->producer_epoch);
    bytes_store_i32(bytes + SEQUENCE_AT, batch->sequence);
    bytes_store_u32(bytes + CRC_AT,
                    crc32c(bytes + BATCH_CRC_FROM, batch->bytes.size - BATCH_CRC_FROM));
}

int32_t producer_sequence_after(int32_t sequence, int32_t count)
{
    return (int32_t)(((uint32_t)sequence + (uint32_t)count) & INT32_MAX);
}

/* The partition goes on with another identity, from number 0. */
static void take_identity(struct producer *producer, struct producer_queue *queue)
{
    queue->producer_id = producer->producer_id;
    queue->producer_epoch = producer->producer_epoch;
    queue->next_sequence = 0;
    queue->needs_identity = queue->is_established = false;
    list_each (node, &queue->batches)
        batch_of(node)->sequence = -1;
}

/* Asks for a new identity for `queue`; the present one will not do any more. */
static void renounce_identity(struct producer *producer, struct producer_queue *queue)
{
    if (!producer->settings.is_idempotent || queue->needs_identity)
        return;
    queue->needs_identity = true;
    queue->identity_serial_min = producer->identity_serial + 1;
    identify(producer);
}

/* True if the partition may send as far as its identity goes. */
static bool has_identity(struct producer *producer, struct producer_queue *queue)
{
    if (!producer->settings.is_idempotent)
        return true;
    if (producer->producer_id < 0) {
        identify(producer);
        return false;
    }
    if (queue->producer_id < 0) {
        take_identity(producer, queue);
        return true;
    }
    if (!queue->needs_identity)
        return true;
    if (queue->flying_count > 0 || producer->identity_serial < queue->identity_serial_min)
        return false;
    take_identity(producer, queue);
    return true;
}

/* --- what may be sent -------------------------------------------------------- */

static struct producer_node *node_get(struct producer *producer, int32_t id)
{
    struct producer_node *node;

    list_each (n, &producer->nodes) {
        node = container_of(n, struct producer_node, node_in);
        if (node->id == id)
            return node;
    }
    node = mem_new(sizeof(*node));
    node->id = id;
    list_push(&producer->nodes, &node->node_in);
    return node;
}

/* When the first batch of a queue may go, as far as time is concerned. */
static int64_t due_us(const struct producer *producer, const struct producer_queue *queue,
                      const struct producer_batch *first)
{
    bool is_last = queue->batches.head.prev == &first->node_in;
    int64_t at_us = first->created_us + producer->settings.linger_ms * 1000;

    if (producer->is_flushing || producer->is_full || !is_last || first->is_closed ||
        batch_builder_size(&first->builder) >= producer->settings.batch_size)
        at_us = 0;
    return max_of(at_us, queue->not_before_us);
}

/* Gives up what is too old to be delivered. */
static void expire(struct producer *producer, struct producer_queue *queue)
{
    struct producer_report report = {
        .error = ERROR_REQUEST_TIMED_OUT,
        .why = "the batch could not be delivered in time",
        .offset = -1,
    };
    struct list_node *node;

    while ((node = list_first(&queue->batches))) {
        struct producer_batch *batch = batch_of(node);

        if (now_us(producer) < batch->created_us + producer->settings.delivery_timeout_ms * 1000)
            return;
        list_remove(node);
        producer_report_batch(producer, queue, batch, &report);
    }
}

/* A partition that recovers from a failure sends one batch at a time.  So does one whose
 * identity the broker has not seen: it would take any number for the first. */
static bool is_blocked(const struct producer *producer, const struct producer_queue *queue)
{
    bool is_alone =
        queue->recover_until > 0 || (producer->settings.is_idempotent && !queue->is_established);

    if (is_alone && queue->flying_count > 0)
        return true;
    return queue->flying_count >= producer->settings.max_in_flight;
}

static int32_t leader_of(const struct producer_queue *queue)
{
    const struct cluster_topic *meta = queue->topic->meta;

    return queue->partition < meta->count ? meta->partitions[queue->partition].leader : -1;
}

/* The first batch of a queue if it can be sent now, else NULL, and `*next_us` is lowered
 * to when it is worth another look. */
static struct producer_batch *sendable(struct producer *producer, struct producer_queue *queue,
                                       int64_t *next_us)
{
    struct producer_batch *first;
    int64_t at_us;

    if (list_is_empty(&queue->batches))
        return NULL;
    first = batch_of(list_first(&queue->batches));
    *next_us = min_of(*next_us, first->created_us + producer->settings.delivery_timeout_ms * 1000);
    if (is_blocked(producer, queue))
        return NULL;
    at_us = due_us(producer, queue, first);
    if (at_us > now_us(producer)) {
        *next_us = min_of(*next_us, at_us);
        return NULL;
    }
    if (!has_identity(producer, queue))
        return NULL;
    if (leader_of(queue) < 0) {
        cluster_refresh(producer->cluster);
        return NULL;
    }
    if (node_get(producer, leader_of(queue))->in_flight >= producer->settings.max_in_flight)
        return NULL;
    return first;
}

/* --- requests ---------------------------------------------------------------- */

/* Encodes a batch, or numbers one again that was encoded for another identity. */
static int encode(struct producer *producer, struct producer_queue *queue,
                  struct producer_batch *batch)
{
    struct producer_topic *topic = queue->topic;
    size_t before = batch_builder_size(&batch->builder);
    bool is_numbered = batch->sequence >= 0;
    int e;

    if (producer->settings.is_idempotent && !is_numbered) {
        batch->sequence = queue->next_sequence;
        queue->next_sequence = producer_sequence_after(queue->next_sequence, batch->count);
    }
    batch->is_closed = true;
    if (batch->bytes.size > 0) {
        if (producer->settings.is_idempotent && !is_numbered)
            stamp(batch, queue);
        return 0;
    }
    if (producer->settings.is_idempotent) {
        batch->builder.producer_id = queue->producer_id;
        batch->builder.producer_epoch = queue->producer_epoch;
        batch->builder.base_sequence = batch->sequence;
    }
    batch->builder.cache = &producer->deflaters;
    e = batch_builder_finish(&batch->builder, producer->settings.codec, 0, -1, &batch->bytes);
    if (e == 0 && producer->settings.codec != COMPRESS_NONE && before > 0) {
        int percent = (int)(batch->bytes.size * 100 / before) + RATIO_SLACK_PERCENT;

        topic->ratio_percent = max_of(1, min_of(100, (topic->ratio_percent + percent) / 2));
    }
    return e;
}

static struct producer_request *request_new(struct producer *producer, int32_t leader)
{
    struct producer_request *request = mem_new(sizeof(*request));

    request->producer = producer;
    request->node = node_get(producer, leader);
    arena_init(&request->arena, NULL);
    call_init(&request->call, &request_events);
    list_push(&producer->requests, &request->node_in);
    return request;
}

static void request_free(struct producer_request *request)
{
    list_remove(&request->node_in);
    call_fini(&request->call);
    arena_reset(&request->arena);
    mem_free(request);
}

static void request_add(struct producer_request *request, struct producer_queue *queue,
                        struct producer_batch *batch)
{
    if (request->count == request->capacity) {
        size_t capacity = max_of(request->capacity * 2, (size_t)8);
        struct producer_flight *flights = arena_new(&request->arena, capacity * sizeof(*flights));

        if (request->count > 0)
            memcpy(flights, request->flights, request->count * sizeof(*flights));
        request->flights = flights;
        request->capacity = capacity;
    }
    request->flights[request->count++] = (struct producer_flight){.queue = queue, .batch = batch};
    request->size += batch->bytes.size;
    list_remove(&batch->node_in);
    list_push(&queue->flying, &batch->node_in);
    queue->flying_count++;
    batch->attempts++;
    if (list_is_empty(&queue->batches))
        list_remove(&queue->active);
}

/* The message, one topic entry per run of flights of the same topic. */
static void request_fill(struct producer_request *request)
{
    struct producer *producer = request->producer;
    struct produce_topic_produce_data *topics =
        arena_new(&request->arena, request->count * sizeof(*topics));
    struct produce_partition_produce_data *partitions =
        arena_new(&request->arena, request->count * sizeof(*partitions));
    struct produce_topic_produce_data *topic = NULL;

    request->message = produce_request_defaults;
    request->message.acks = producer->settings.acks;
    request->message.timeout_ms = (int32_t)producer->settings.request_timeout_ms;
    request->message.topic_data = topics;
    for (size_t i = 0; i < request->count; i++) {
        struct producer_flight *flight = &request->flights[i];
        struct producer_topic *owner = flight->queue->topic;

        if (i == 0 || owner != request->flights[i - 1].queue->topic) {
            topic = &topics[request->message.topic_data_count++];
            topic->name = slice_text(owner->meta->name);
            topic->topic_id = owner->meta->id;
            topic->partition_data = &partitions[i];
        }
        partitions[i].index = flight->queue->partition;
        partitions[i].records.bytes = text_slice(&flight->batch->bytes);
        topic->partition_data_count++;
    }
}

static bool has_topic_ids(const struct producer_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (uuid_is_zero(request->flights[i].queue->topic->meta->id))
            return false;
    return true;
}

/* The last version that names topics by name. */
enum { PRODUCE_BY_NAME_MAX = 12 };

static void request_send(struct producer_request *request)
{
    struct producer *producer = request->producer;
    int64_t timeout_us = producer->settings.request_timeout_ms * 1000;

    request_fill(request);
    request->node->in_flight++;
    request->call.order = (struct call_order){
        .api = wire_api_find(API_PRODUCE),
        .request = &request->message,
        .target = request->node->id,
        .version_max = has_topic_ids(request) ? 0 : PRODUCE_BY_NAME_MAX,
        .timeout_ms = (int32_t)producer->settings.request_timeout_ms,
        .deadline_us = now_us(producer) + timeout_us,
        .has_no_answer = producer->settings.acks == 0,
        .is_once = true,
    };
    cluster_call(producer->cluster, &request->call);
}

/* The request to `leader` that is being put together, with room for `size` bytes. */
static struct producer_request *request_for(struct producer *producer, struct list *building,
                                            int32_t leader, size_t size)
{
    struct producer_request *request;

    list_each (node, building) {
        request = container_of(node, struct producer_request, node_in);
        if (request->node->id == leader &&
            request->size + size <= producer->settings.request_size_max)
            return request;
    }
    request = request_new(producer, leader);
    list_remove(&request->node_in);
    list_push(building, &request->node_in);
    return request;
}

/* One batch of each partition that can send; returns how many. */
static size_t collect(struct producer *producer, int64_t *next_us)
{
    struct producer_report failed = {
        .error = ERROR_UNKNOWN_SERVER_ERROR, .why = "the codec failed", .offset = -1};
    struct list building;
    struct list_node *node;
    size_t count = 0;

    list_init(&building);
    list_each_safe (n, &producer->active) {
        struct producer_queue *queue = container_of(n, struct producer_queue, active);
        struct producer_batch *batch = sendable(producer, queue, next_us);

        if (!batch)
            continue;
        count++;
        if (encode(producer, queue, batch)) {
            list_remove(&batch->node_in);
            producer_report_batch(producer, queue, batch, &failed);
            continue;
        }
        request_add(request_for(producer, &building, leader_of(queue), batch->bytes.size), queue,
                    batch);
    }
    while ((node = list_pop(&building))) {
        struct producer_request *request = container_of(node, struct producer_request, node_in);

        list_push(&producer->requests, node);
        request_send(request);
    }
    return count;
}

void producer_pump(struct loop_hook *hook)
{
    struct producer *producer = container_of(hook, struct producer, pump);
    int64_t next_us = producer_settle_waiting(producer);

    list_each_safe (n, &producer->active) {
        struct producer_queue *queue = container_of(n, struct producer_queue, active);

        expire(producer, queue);
        if (list_is_empty(&queue->batches))
            list_remove(&queue->active);
    }
    while (collect(producer, &next_us) > 0)
        continue;
    if (next_us != INT64_MAX)
        loop_timer_set(producer->cluster->loop, &producer->timer, next_us);
}

void producer_on_timer(struct loop_timer *timer)
{
    struct producer *producer = container_of(timer, struct producer, timer);

    loop_hook_ask(producer->cluster->loop, &producer->pump);
}

/* --- answers ----------------------------------------------------------------- */

static void land(struct producer_queue *queue, struct producer_batch *batch)
{
    list_remove(&batch->node_in);
    queue->flying_count--;
}

static void deliver(struct producer *producer, struct producer_queue *queue,
                    struct producer_batch *batch, int64_t offset)
{
    struct producer_report report = {.offset = offset};

    land(queue, batch);
    if (batch->order >= queue->recover_until)
        queue->recover_until = 0;
    queue->is_established = true;
    producer_report_batch(producer, queue, batch, &report);
}

static void give_up(struct producer *producer, struct producer_queue *queue,
                    struct producer_batch *batch, const struct producer_report *report)
{
    renounce_identity(producer, queue); /* It leaves a gap in our numbers. */
    producer_report_batch(producer, queue, batch, report);
}

static void send_again(struct producer *producer, struct producer_queue *queue,
                       struct producer_batch *batch)
{
    queue->recover_until = max_of(queue->recover_until, batch->order);
    queue->not_before_us =
        now_us(producer) + cluster_backoff_us(producer->cluster, max_of(batch->attempts, 1u) - 1,
                                              producer->settings.retry_backoff_ms,
                                              producer->settings.retry_backoff_max_ms);
    producer_put_back(producer, queue, batch);
}

/* True if a batch in front of this one is not through yet: what happened to this one
 * follows from that. */
static bool is_behind_another(const struct producer_queue *queue,
                              const struct producer_batch *batch)
{
    struct list_node *waiting = list_first(&queue->batches);
    struct list_node *flying = list_first(&queue->flying);

    return (waiting && batch_of(waiting)->order < batch->order) ||
           (flying && batch_of(flying)->order < batch->order);
}

/* The broker does not know our numbers (any more), so this batch is not in its log. */
static bool is_about_identity(int16_t error)
{
    return error == ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER || error == ERROR_UNKNOWN_PRODUCER_ID ||
           error == ERROR_INVALID_PRODUCER_EPOCH || error == ERROR_INVALID_PRODUCER_ID_MAPPING;
}

static bool may_send_again(const struct producer *producer, const struct producer_batch *batch)
{
    return batch->attempts <= producer->settings.retries &&
           now_us(producer) < batch->created_us + producer->settings.delivery_timeout_ms * 1000;
}

static void refuse(struct producer *producer, struct producer_queue *queue,
                   struct producer_batch *batch,
                   const struct produce_partition_produce_response *response)
{
    int16_t error = response->error_code;
    struct producer_report report = {
        .error = error,
        .message = response->error_message,
        .offset = -1,
    };

    land(queue, batch);
    if (producer->settings.is_idempotent && is_about_identity(error) &&
        may_send_again(producer, batch)) {
        if (!is_behind_another(queue, batch))
            renounce_identity(producer, queue);
        send_again(producer, queue, batch);
        return;
    }
    diag_info(producer->cluster->settings.diag, "a batch was refused",
              kv("topic", queue->topic->meta->name), kv("partition", queue->partition),
              kv("error", error_name(error)), kv("attempt", batch->attempts));
    if ((error == ERROR_MESSAGE_TOO_LARGE || error == ERROR_RECORD_LIST_TOO_LARGE) &&
        producer_split(producer, queue, batch))
        return;
    if (error_retry(error) == ERROR_REFRESH)
        cluster_refresh(producer->cluster);
    if (error_is_retriable(error) && may_send_again(producer, batch))
        send_again(producer, queue, batch);
    else
        give_up(producer, queue, batch, &report);
}

/* The flight that an answer is about; the search begins where the last one ended. */
static struct producer_flight *flight_of(struct producer_request *request, size_t *at,
                                         const struct produce_topic_produce_response *topic,
                                         int32_t partition)
{
    for (size_t i = 0; i < request->count; i++) {
        size_t k = (*at + i) % request->count;
        struct producer_flight *flight = &request->flights[k];
        const struct cluster_topic *meta = flight->queue->topic->meta;
        bool is_topic = slice_is_null(topic->name) || topic->name.size == 0
                            ? uuid_equal(topic->topic_id, meta->id)
                            : slice_is_text(topic->name, meta->name);

        if (flight->batch && is_topic && flight->queue->partition == partition) {
            *at = k + 1;
            return flight;
        }
    }
    return NULL;
}

static void answered(struct producer_request *request, const struct produce_response *response)
{
    struct producer *producer = request->producer;
    size_t at = 0;

    for (int32_t t = 0; t < response->responses_count; t++) {
        const struct produce_topic_produce_response *topic = &response->responses[t];

        for (int32_t p = 0; p < topic->partition_responses_count; p++) {
            const struct produce_partition_produce_response *partition =
                &topic->partition_responses[p];
            struct producer_flight *flight = flight_of(request, &at, topic, partition->index);
            struct producer_batch *batch;

            if (!flight)
                continue;
            batch = take(flight->batch);
            if (partition->error_code == ERROR_NONE)
                deliver(producer, flight->queue, batch, partition->base_offset);
            else if (partition->error_code == ERROR_DUPLICATE_SEQUENCE_NUMBER)
                deliver(producer, flight->queue, batch, -1);
            else
                refuse(producer, flight->queue, batch, partition);
        }
    }
}

/* Batches that nobody answered: sent again, or given up. What never left, since its leader
 * is away, has not used up a retry. */
static void unanswered(struct producer_request *request, enum call_outcome outcome)
{
    struct producer *producer = request->producer;
    struct producer_report report = {
        .error = outcome == CALL_E_UNSUPPORTED || outcome == CALL_E_UNSAYABLE
                     ? ERROR_UNSUPPORTED_VERSION
                     : ERROR_REQUEST_TIMED_OUT,
        .why = call_outcome_text(outcome),
        .offset = -1,
    };
    bool is_hopeless = report.error == ERROR_UNSUPPORTED_VERSION;

    for (size_t i = 0; i < request->count; i++) {
        struct producer_queue *queue = request->flights[i].queue;
        struct producer_batch *batch = take(request->flights[i].batch);

        if (batch)
            land(queue, batch);
        if (batch && request->call.sends == 0)
            batch->attempts--;
        if (batch && !is_hopeless && may_send_again(producer, batch))
            send_again(producer, queue, batch);
        else if (batch)
            give_up(producer, queue, batch, &report);
    }
}

static void settled(struct call *call)
{
    struct producer_request *request = container_of(call, struct producer_request, call);
    struct producer *producer = request->producer;

    request->node->in_flight--;
    if (call->outcome == CALL_OK && call->response) {
        answered(request, call->response);
        unanswered(request, CALL_E_MALFORMED); /* Nothing is left if the broker is right. */
    } else if (call->outcome == CALL_OK) {     /* acks=0: it was sent. */
        for (size_t i = 0; i < request->count; i++)
            deliver(producer, request->flights[i].queue, take(request->flights[i].batch), -1);
    } else if (call->outcome == CALL_E_STOPPED) {
        return; /* producer_fini() cleans up. */
    } else {
        cluster_refresh(producer->cluster);
        unanswered(request, call->outcome);
    }
    request_free(request);
    loop_hook_ask(producer->cluster->loop, &producer->pump);
}

/* --- new metadata ------------------------------------------------------------ */

static bool is_still_right(const struct producer_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (leader_of(request->flights[i].queue) != request->node->id)
            return false;
    return true;
}

/* A request that is not sent yet, to a node that is no leader any more, goes back. */
void producer_on_metadata(struct cluster_watch *watch)
{
    struct producer *producer = container_of(watch, struct producer, watch);

    list_each_safe (n, &producer->requests) {
        struct producer_request *request = container_of(n, struct producer_request, node_in);

        if (request->call.exchange || is_still_right(request))
            continue;
        request->node->in_flight--;
        for (size_t i = 0; i < request->count; i++) {
            struct producer_queue *queue = request->flights[i].queue;
            struct producer_batch *batch = request->flights[i].batch;

            land(queue, batch);
            batch->attempts--;
            producer_put_back(producer, queue, batch);
        }
        request_free(request);
    }
    loop_hook_ask(producer->cluster->loop, &producer->pump);
}
