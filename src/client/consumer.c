/* SPDX-License-Identifier: Apache-2.0 */

/* client/consumer.c - which requests go to which leader, and their answers. */

#include "client/consumer.h"

#include "base/mem.h"
#include "client/consumer_internal.h"
#include "wire/errors.h"

DIAG_MODULE("client");

enum { FETCH_BY_NAME_MAX = 12 };

static void answered(struct call *call);

static const struct call_events request_events = {.done = answered};

struct consumer_settings consumer_settings_defaults(void)
{
    return (struct consumer_settings){
        .max_wait_ms = 500,
        .min_bytes = 1,
        .max_bytes = (int32_t)MiB(50),
        .partition_max_bytes = (int32_t)MiB(1),
        .request_timeout_ms = 30000,
        .retry_backoff_ms = 100,
        .retry_backoff_max_ms = 1000,
        .reset = CONSUMER_RESET_LATEST,
        .check_crcs = true,
        .decoded_max = (size_t)GiB(1),
    };
}

static int64_t now_us(const struct consumer *consumer)
{
    return consumer->cluster->loop->now_us;
}

static struct consumer_partition *partition_of(struct list_node *node)
{
    return container_of(node, struct consumer_partition, node_in);
}

/* --- asking ------------------------------------------------------------------ */

static struct consumer_request *request_new(struct consumer *consumer, int32_t node, bool is_fetch)
{
    struct consumer_request *request = mem_new(sizeof(*request));

    request->consumer = consumer;
    request->node = node;
    request->is_fetch = is_fetch;
    arena_init(&request->arena, NULL);
    call_init(&request->call, &request_events);
    return request;
}

static void request_free(struct consumer_request *request)
{
    list_remove(&request->node_in);
    call_fini(&request->call);
    arena_reset(&request->arena);
    mem_free(request);
}

static void request_add(struct consumer_request *request, struct consumer_partition *partition)
{
    if (request->count == request->capacity) {
        size_t capacity = max_of(request->capacity * 2, (size_t)8);
        struct consumer_partition **grown = arena_new(&request->arena, capacity * sizeof(*grown));

        if (request->count > 0)
            memcpy(grown, request->partitions, request->count * sizeof(*grown));
        request->partitions = grown;
        request->capacity = capacity;
    }
    request->partitions[request->count++] = partition;
    partition->state = CONSUMER_BUSY;
}

/* True if entry `i` of the message begins another topic. */
static bool begins_topic(const struct consumer_request *request, size_t i)
{
    return i == 0 || request->partitions[i]->topic != request->partitions[i - 1]->topic;
}

static int32_t leader_epoch(const struct consumer_partition *partition)
{
    return partition->topic->partitions[partition->partition].leader_epoch;
}

static void fill_fetch(struct consumer_request *request)
{
    const struct consumer_settings *settings = &request->consumer->settings;
    struct fetch_topic *topics = arena_new(&request->arena, request->count * sizeof(*topics));
    struct fetch_partition *entries = arena_new(&request->arena, request->count * sizeof(*entries));
    struct fetch_request *message = &request->message.fetch;

    *message = fetch_request_defaults;
    message->max_wait_ms = settings->max_wait_ms;
    message->min_bytes = settings->min_bytes;
    message->max_bytes = settings->max_bytes;
    message->isolation_level = settings->is_read_committed;
    message->topics = topics;
    for (size_t i = 0; i < request->count; i++) {
        const struct consumer_partition *partition = request->partitions[i];
        struct fetch_topic *topic;

        if (begins_topic(request, i)) {
            topic = &topics[message->topics_count++];
            topic->topic = slice_text(partition->topic->name);
            topic->topic_id = partition->topic->id;
            topic->partitions = &entries[i];
        }
        topic = &topics[message->topics_count - 1];
        topic->partitions_count++;
        entries[i] = fetch_partition_defaults;
        entries[i].partition = partition->partition;
        entries[i].current_leader_epoch = leader_epoch(partition);
        entries[i].fetch_offset = partition->fetch_from;
        entries[i].partition_max_bytes = settings->partition_max_bytes;
    }
}

static void fill_list_offsets(struct consumer_request *request)
{
    const struct consumer_settings *settings = &request->consumer->settings;
    struct list_offsets_topic *topics =
        arena_new(&request->arena, request->count * sizeof(*topics));
    struct list_offsets_partition *entries =
        arena_new(&request->arena, request->count * sizeof(*entries));
    struct list_offsets_request *message = &request->message.list_offsets;

    *message = list_offsets_request_defaults;
    message->replica_id = -1;
    message->isolation_level = settings->is_read_committed;
    message->timeout_ms = (int32_t)settings->request_timeout_ms;
    message->topics = topics;
    for (size_t i = 0; i < request->count; i++) {
        const struct consumer_partition *partition = request->partitions[i];

        if (begins_topic(request, i)) {
            topics[message->topics_count].name = slice_text(partition->topic->name);
            topics[message->topics_count++].partitions = &entries[i];
        }
        topics[message->topics_count - 1].partitions_count++;
        entries[i] = list_offsets_partition_defaults;
        entries[i].partition_index = partition->partition;
        entries[i].current_leader_epoch = leader_epoch(partition);
        entries[i].timestamp = partition->lookup;
    }
}

static bool has_topic_ids(const struct consumer_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (uuid_is_zero(request->partitions[i]->topic->id))
            return false;
    return true;
}

static void request_send(struct consumer_request *request)
{
    struct consumer *consumer = request->consumer;
    int64_t timeout_ms = consumer->settings.request_timeout_ms;
    bool by_name = request->is_fetch && !has_topic_ids(request);

    if (request->is_fetch) {
        fill_fetch(request);
        timeout_ms += consumer->settings.max_wait_ms;
    } else {
        fill_list_offsets(request);
    }
    list_push(&consumer->requests, &request->node_in);
    request->call.order = (struct call_order){
        .api = wire_api_find(request->is_fetch ? API_FETCH : API_LIST_OFFSETS),
        .request = &request->message,
        .target = request->node,
        .version_max = by_name ? FETCH_BY_NAME_MAX : 0,
        .timeout_ms = (int32_t)timeout_ms,
        .deadline_us = now_us(consumer) + timeout_ms * 1000,
        .is_once = true,
    };
    cluster_call(consumer->cluster, &request->call);
}

static int32_t leader_of(const struct consumer_partition *partition)
{
    const struct cluster_topic *topic = partition->topic;

    return partition->partition < topic->count ? topic->partitions[partition->partition].leader
                                               : -1;
}

static bool has_fetch(const struct consumer *consumer, int32_t node)
{
    list_each (n, &consumer->requests) {
        const struct consumer_request *request =
            container_of(n, const struct consumer_request, node_in);

        if (request->is_fetch && request->node == node)
            return true;
    }
    return false;
}

/* The request of this kind to `node` that is being put together. */
static struct consumer_request *request_for(struct consumer *consumer, struct list *building,
                                            int32_t node, bool is_fetch)
{
    struct consumer_request *request;

    list_each (n, building) {
        request = container_of(n, struct consumer_request, node_in);
        if (request->node == node && request->is_fetch == is_fetch)
            return request;
    }
    request = request_new(consumer, node, is_fetch);
    list_push(building, &request->node_in);
    return request;
}

/* Topics whose metadata says that they will not come end their partitions. */
static bool is_hopeless(struct consumer *consumer, struct consumer_partition *partition)
{
    const struct cluster_topic *topic = partition->topic;

    if (!topic->is_answered || topic->error == ERROR_NONE || error_is_retriable(topic->error))
        return false;
    consumer_fail(consumer, partition, topic->error, NULL);
    return true;
}

/* Adds a partition to a request if it needs one now; `*next_us` is lowered to when it is
 * worth another look. */
static void plan(struct consumer *consumer, struct consumer_partition *partition,
                 struct list *building, int64_t *next_us)
{
    bool is_fetch = partition->state == CONSUMER_READY;
    int32_t leader;

    if (!is_fetch && partition->state != CONSUMER_LOOK_UP)
        return;
    if (is_hopeless(consumer, partition))
        return;
    if (partition->not_before_us > now_us(consumer)) {
        *next_us = min_of(*next_us, partition->not_before_us);
        return;
    }
    leader = leader_of(partition);
    if (leader < 0) {
        cluster_refresh(consumer->cluster);
        return;
    }
    if (is_fetch && (consumer->is_paused || has_fetch(consumer, leader)))
        return;
    request_add(request_for(consumer, building, leader, is_fetch), partition);
}

static void pump(struct loop_hook *hook)
{
    struct consumer *consumer = container_of(hook, struct consumer, pump);
    int64_t next_us = INT64_MAX;
    struct list building;
    struct list_node *node;

    list_init(&building);
    list_each_safe (n, &consumer->partitions)
        plan(consumer, partition_of(n), &building, &next_us);
    while ((node = list_pop(&building)))
        request_send(container_of(node, struct consumer_request, node_in));
    if (next_us != INT64_MAX)
        loop_timer_set(consumer->cluster->loop, &consumer->timer, next_us);
}

static void ask_pump(struct consumer *consumer)
{
    loop_hook_ask(consumer->cluster->loop, &consumer->pump);
}

/* --- answers ----------------------------------------------------------------- */

static void look_up(struct consumer_partition *partition, int64_t timestamp)
{
    partition->state = CONSUMER_LOOK_UP;
    partition->position = partition->fetch_from = -1;
    partition->lookup = timestamp;
}

static void back_off(struct consumer *consumer, struct consumer_partition *partition)
{
    partition->state = partition->position < 0 ? CONSUMER_LOOK_UP : CONSUMER_READY;
    partition->not_before_us =
        now_us(consumer) + cluster_backoff_us(consumer->cluster, partition->failures,
                                              consumer->settings.retry_backoff_ms,
                                              consumer->settings.retry_backoff_max_ms);
    partition->failures++;
}

/* An error of one partition: later again, elsewhere, or never. */
static void refused(struct consumer *consumer, struct consumer_partition *partition, int16_t error)
{
    if (error == ERROR_OFFSET_OUT_OF_RANGE && partition->position < partition->fetch_from) {
        back_off(consumer, partition); /* First deliver what there is. */
        return;
    }
    if (error == ERROR_OFFSET_OUT_OF_RANGE && consumer->settings.reset != CONSUMER_RESET_NONE) {
        diag_info(consumer->cluster->settings.diag, "offset is out of range; starting over",
                  kv("topic", partition->topic->name), kv("partition", partition->partition),
                  kv("offset", partition->fetch_from));
        look_up(partition, consumer->settings.reset == CONSUMER_RESET_EARLIEST ? CONSUMER_EARLIEST
                                                                               : CONSUMER_LATEST);
        return;
    }
    if (!error_is_retriable(error)) {
        consumer_fail(consumer, partition, error, NULL);
        return;
    }
    if (error_retry(error) == ERROR_REFRESH || error == ERROR_UNKNOWN_LEADER_EPOCH)
        cluster_refresh(consumer->cluster);
    back_off(consumer, partition);
}

/* The partition of a request that an answer is about; NULL if none. */
static struct consumer_partition *find(const struct consumer_request *request, struct slice name,
                                       struct uuid id, int32_t index)
{
    for (size_t i = 0; i < request->count; i++) {
        struct consumer_partition *partition = request->partitions[i];
        bool is_topic = slice_is_null(name) || name.size == 0
                            ? uuid_equal(id, partition->topic->id)
                            : slice_is_text(name, partition->topic->name);

        if (is_topic && partition->partition == index)
            return partition;
    }
    return NULL;
}

static void found(struct consumer *consumer, struct consumer_partition *partition,
                  const struct list_offsets_partition_response *answer)
{
    if (answer->error_code != ERROR_NONE) {
        refused(consumer, partition, answer->error_code);
        return;
    }
    if (answer->offset < 0) { /* No record is as young as that: begin at the end. */
        look_up(partition, CONSUMER_LATEST);
        return;
    }
    partition->failures = 0;
    partition->position = partition->fetch_from = answer->offset;
    partition->state = CONSUMER_READY;
}

static void offsets_answered(struct consumer_request *request,
                             const struct list_offsets_response *response)
{
    for (int32_t t = 0; t < response->topics_count; t++) {
        const struct list_offsets_topic_response *topic = &response->topics[t];

        for (int32_t p = 0; p < topic->partitions_count; p++) {
            struct consumer_partition *partition = find(request, topic->name, (struct uuid){{0}},
                                                        topic->partitions[p].partition_index);

            if (partition && partition->state == CONSUMER_BUSY)
                found(request->consumer, partition, &topic->partitions[p]);
        }
    }
}

/* Notes where the next Fetch of a partition begins; the records come later. */
static void fetched(struct consumer *consumer, struct consumer_partition *partition,
                    struct fetch_partition_data *data)
{
    int64_t next = consumer_next_offset(data->records.bytes);

    if (data->error_code != ERROR_NONE) {
        data->records.bytes = slice_null();
        refused(consumer, partition, data->error_code);
        return;
    }
    partition->high_watermark = data->high_watermark;
    partition->failures = 0;
    if (next < 0 && data->records.bytes.size > 0) {
        data->records.bytes = slice_null();
        consumer_fail(consumer, partition, 0, "what was fetched is not a record batch");
        return;
    }
    partition->fetch_from = max_of(partition->fetch_from, next);
    partition->state = CONSUMER_READY;
}

/* The answer is ours to change: it lies in the call's arena. */
static struct fetch_response *response_of(struct consumer_request *request)
{
    return (struct fetch_response *)(uintptr_t)request->call.response;
}

static void fetch_answered(struct consumer_request *request)
{
    struct fetch_response *response = response_of(request);

    for (int32_t t = 0; t < response->responses_count; t++) {
        struct fetch_fetchable_topic_response *topic = &response->responses[t];

        for (int32_t p = 0; p < topic->partitions_count; p++) {
            struct fetch_partition_data *data = &topic->partitions[p];
            struct consumer_partition *partition =
                find(request, topic->topic, topic->topic_id, data->partition_index);

            if (partition && partition->state == CONSUMER_BUSY)
                fetched(request->consumer, partition, data);
            else
                data->records.bytes = slice_null();
        }
    }
}

/* Partitions that the answer forgot, or that got none. */
static void settle_rest(struct consumer_request *request)
{
    for (size_t i = 0; i < request->count; i++)
        if (request->partitions[i]->state == CONSUMER_BUSY)
            back_off(request->consumer, request->partitions[i]);
}

static void answered(struct call *call)
{
    struct consumer_request *request = container_of(call, struct consumer_request, call);
    struct consumer *consumer = request->consumer;

    if (call->outcome == CALL_E_STOPPED)
        return; /* consumer_fini() cleans up. */
    list_remove(&request->node_in);
    if (call->outcome == CALL_OK && request->is_fetch)
        fetch_answered(request);
    else if (call->outcome == CALL_OK)
        offsets_answered(request, call->response);
    else
        cluster_refresh(consumer->cluster);
    settle_rest(request);
    if (call->outcome == CALL_OK && request->is_fetch) {
        list_push(&consumer->arrived, &request->node_in);
        loop_timer_set(consumer->cluster->loop, &consumer->deliver, now_us(consumer));
    } else {
        request_free(request);
    }
    ask_pump(consumer);
}

/* --- delivery ---------------------------------------------------------------- */

/* Delivers one answer from where it was left.  False: the consumer was paused. */
static bool deliver_request(struct consumer_request *request)
{
    struct fetch_response *response = response_of(request);

    for (; request->at_topic < (size_t)response->responses_count; request->at_topic++) {
        struct fetch_fetchable_topic_response *topic = &response->responses[request->at_topic];

        for (; request->at_partition < (size_t)topic->partitions_count; request->at_partition++) {
            struct fetch_partition_data *data = &topic->partitions[request->at_partition];
            struct consumer_partition *partition =
                find(request, topic->topic, topic->topic_id, data->partition_index);

            if (!partition || partition->state == CONSUMER_FAILED || partition->position < 0)
                continue;
            if (!consumer_deliver(request->consumer, partition, data))
                return false;
        }
        request->at_partition = 0;
    }
    return true;
}

static void on_deliver(struct loop_timer *timer)
{
    struct consumer *consumer = container_of(timer, struct consumer, deliver);
    struct list_node *node;

    while (!consumer->is_paused && (node = list_first(&consumer->arrived))) {
        struct consumer_request *request = container_of(node, struct consumer_request, node_in);

        if (!deliver_request(request))
            return;
        request_free(request);
    }
    if (!consumer->is_paused && consumer->events->delivered)
        consumer->events->delivered(consumer);
    ask_pump(consumer);
}

static void on_timer(struct loop_timer *timer)
{
    ask_pump(container_of(timer, struct consumer, timer));
}

static void on_metadata(struct cluster_watch *watch)
{
    ask_pump(container_of(watch, struct consumer, watch));
}

/* --- for the caller ---------------------------------------------------------- */

void consumer_init(struct consumer *consumer, struct cluster *cluster,
                   const struct consumer_settings *settings, const struct consumer_events *events)
{
    *consumer = (struct consumer){
        .cluster = cluster,
        .settings = *settings,
        .events = events,
        .watch = {.changed = on_metadata},
        .pump = {.run = pump},
        .timer = {.fire = on_timer},
        .deliver = {.fire = on_deliver},
    };
    list_init(&consumer->partitions);
    list_init(&consumer->requests);
    list_init(&consumer->arrived);
    cluster_watch(cluster, &consumer->watch);
}

static void free_requests(struct list *requests)
{
    struct list_node *node;

    while ((node = list_first(requests)))
        request_free(container_of(node, struct consumer_request, node_in));
}

void consumer_unassign(struct consumer *consumer)
{
    struct list_node *node;

    free_requests(&consumer->requests);
    free_requests(&consumer->arrived);
    while ((node = list_pop(&consumer->partitions))) {
        struct consumer_partition *partition = partition_of(node);

        mem_free(partition->aborted);
        mem_free(partition);
    }
}

void consumer_fini(struct consumer *consumer)
{
    cluster_unwatch(&consumer->watch);
    loop_hook_cancel(&consumer->pump);
    loop_timer_cancel(consumer->cluster->loop, &consumer->timer);
    loop_timer_cancel(consumer->cluster->loop, &consumer->deliver);
    consumer_unassign(consumer);
    text_fini(&consumer->scratch);
    inflater_cache_fini(&consumer->inflaters);
}

struct consumer_partition *consumer_assign(struct consumer *consumer, struct slice topic,
                                           int32_t partition, struct consumer_start start)
{
    struct consumer_partition *p = mem_new(sizeof(*p));

    assert(partition >= 0);
    p->topic = cluster_want_topic(consumer->cluster, topic);
    p->partition = partition;
    p->high_watermark = p->committed = -1;
    if (start.is_offset) {
        p->state = CONSUMER_READY;
        p->position = p->fetch_from = start.value;
    } else {
        look_up(p, start.value);
    }
    list_push(&consumer->partitions, &p->node_in);
    ask_pump(consumer);
    return p;
}

void consumer_pause(struct consumer *consumer)
{
    consumer->is_paused = true;
}

void consumer_resume(struct consumer *consumer)
{
    consumer->is_paused = false;
    loop_timer_set(consumer->cluster->loop, &consumer->deliver, now_us(consumer));
    ask_pump(consumer);
}
