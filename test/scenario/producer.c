/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/producer.h"

#include "base/mem.h"
#include "test/scenario/record.h"
#include "test/scenario/server.h"
#include "wire/batch.h"
#include "wire/errors.h"
#include "wire/msg/init_producer_id.h"
#include "wire/msg/produce.h"

#include <inttypes.h>

enum {
    UNDER_WAY_MAX = 5,
    RECORDS_MAX = 12,
    LANES_MAX = TOPICS_MAX * PARTITIONS_MAX,
    PACE_MAX_US = 20 * 1000,
    AGAIN_US = 10 * 1000,
    COMPRESSED_PERCENT = 8,
    ZSTD_VERSION = 7,
};

/* A batch that is not answered yet. */
struct out_batch {
    struct list_node node; /* In lane->batches, by sequence. */
    uint64_t first_value;
    uint32_t count;
    int32_t base_sequence;
    size_t write;      /* Its number in the history. */
    struct text bytes; /* Owned: as it is sent, each time. */
    bool is_invoked;   /* It has been sent once. */
    bool is_under_way; /* Sent on this connection. */
};

/* What goes to one partition. */
struct lane {
    const struct run_topic *topic;
    int32_t index;
    uint32_t number; /* In the history. */
    int32_t next_sequence;
    struct list batches; /* struct out_batch */
    int batch_count, under_way;
    bool is_draining; /* Something failed: nothing is sent until all has come back. */
};

struct producer {
    struct client client;
    struct run *run;
    uint32_t number;
    enum producer_kind kind;
    int64_t producer_id;
    int16_t epoch;
    bool is_asking; /* For a producer id. */
    int batches_left;
    struct lane lanes[LANES_MAX];
    int lane_count;
    struct loop_timer pace;
    bool has_failed; /* In the last answer: wait before the next try. */
};

/* One request's batches: which lane and which batch each part is. */
struct produce_parts {
    int count;
    struct lane *lanes[LANES_MAX];
    struct out_batch *batches[LANES_MAX];
};

static bool is_idempotent(const struct producer *p)
{
    return p->kind == PRODUCER_IDEMPOTENT;
}

static int16_t acks_of(const struct producer *p)
{
    return p->kind == PRODUCER_NO_ANSWER ? 0 : p->kind == PRODUCER_LEADER ? 1 : -1;
}

static void again_at(struct producer *p, int64_t us)
{
    loop_timer_set(&p->client.loop, &p->pace, io_monotonic_us(p->client.io) + 1 + us);
}

/* --- batches ---------------------------------------------------------------- */

static void encode(struct producer *p, struct out_batch *batch)
{
    struct batch_builder builder;
    enum compress_codec codec = COMPRESS_NONE;

    batch_builder_init(&builder);
    if (is_idempotent(p)) {
        builder.producer_id = p->producer_id;
        builder.producer_epoch = p->epoch;
        builder.base_sequence = batch->base_sequence;
    }
    for (uint32_t i = 0; i < batch->count; i++)
        record_add(&builder, batch->first_value + i);
    if (rng_chance(&p->run->rng, COMPRESSED_PERCENT))
        codec = (enum compress_codec)rng_below(&p->run->rng, COMPRESS_CODEC_COUNT);
    if (codec == COMPRESS_ZSTD && p->client.versions[CLIENT_PRODUCE].chosen < ZSTD_VERSION)
        codec = COMPRESS_LZ4; /* KIP-110: older versions must not have it. */
    if (batch_builder_finish(&builder, codec, 0, -1, &batch->bytes))
        run_fail(p->run, "a batch cannot be made");
    batch_builder_fini(&builder);
}

static void batch_add(struct producer *p, struct lane *lane)
{
    struct out_batch *batch = mem_new(sizeof(*batch));

    batch->count = 1 + (uint32_t)rng_below(&p->run->rng, RECORDS_MAX);
    batch->first_value = run_values(p->run, batch->count);
    if (lane->topic->is_compacted)
        batch->first_value |= RECORD_KEYED;
    batch->base_sequence = lane->next_sequence;
    lane->next_sequence += (int32_t)batch->count;
    encode(p, batch);
    list_push(&lane->batches, &batch->node);
    lane->batch_count++;
    p->batches_left--;
}

static void batch_end(struct lane *lane, struct out_batch *batch)
{
    list_remove(&batch->node);
    lane->batch_count--;
    text_fini(&batch->bytes);
    mem_free(batch);
}

/* The history hears of each time that a batch goes out. */
static void note_sent(struct producer *p, const struct lane *lane, struct out_batch *batch)
{
    if (batch->is_invoked) {
        history_resend(p->run->history, batch->write);
    } else {
        batch->write = history_invoke(p->run->history, &(struct history_write){
                                                           .partition = lane->number,
                                                           .producer = p->number,
                                                           .first_value = batch->first_value,
                                                           .count = batch->count,
                                                           .is_idempotent = is_idempotent(p),
                                                           .is_durable = acks_of(p) == -1,
                                                       });
        batch->is_invoked = true;
    }
    batch->is_under_way = true;
}

/* --- answers ---------------------------------------------------------------- */

static void came_back(struct lane *lane, struct out_batch *batch)
{
    batch->is_under_way = false;
    if (--lane->under_way == 0)
        lane->is_draining = false;
}

static void acknowledged(struct producer *p, struct lane *lane, struct out_batch *batch,
                         int64_t base_offset)
{
    history_acknowledge(p->run->history, batch->write, base_offset);
    came_back(lane, batch);
    batch_end(lane, batch);
}

/* A sequence may be refused only behind one that failed before it. */
static void check_sequence(struct producer *p, const struct lane *lane,
                           const struct out_batch *batch)
{
    if (list_first(&lane->batches) != &batch->node)
        return;
    run_fail(p->run,
             "%s-%" PRId32 ": sequence %" PRId32 " of producer %" PRId64
             " is refused although all before it is acknowledged",
             lane->topic->name, lane->index, batch->base_sequence, p->producer_id);
}

static void failed(struct producer *p, struct lane *lane, struct out_batch *batch, int16_t error)
{
    run_say(p->run, "producer %" PRIu32 ": %s-%" PRId32 " sequence %" PRId32 ": %s", p->number,
            lane->topic->name, lane->index, batch->base_sequence, error_name(error));
    if (is_idempotent(p) &&
        (error == ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER || error == ERROR_UNKNOWN_PRODUCER_ID))
        check_sequence(p, lane, batch);
    else if (!run_may_not_know(p->run, error) &&
             (!error_is_retriable(error) || error == ERROR_UNKNOWN_TOPIC_OR_PARTITION ||
              error == ERROR_UNKNOWN_TOPIC_ID))
        run_fail(p->run, "%s-%" PRId32 ": produce is answered with %s", lane->topic->name,
                 lane->index, error_name(error));
    came_back(lane, batch);
    lane->is_draining = lane->under_way > 0;
    p->has_failed = true;
}

static void answered(struct producer *p, struct lane *lane, struct out_batch *batch,
                     const struct produce_partition_produce_response *answer)
{
    if (answer->error_code == ERROR_NONE)
        acknowledged(p, lane, batch, answer->base_offset);
    else if (answer->error_code == ERROR_DUPLICATE_SEQUENCE_NUMBER && is_idempotent(p))
        acknowledged(p, lane, batch, -1);
    else
        failed(p, lane, batch, answer->error_code);
}

static const struct produce_partition_produce_response *
find_answer(const struct produce_response *response, int16_t version, const struct lane *lane)
{
    for (int32_t t = 0; t < response->responses_count; t++) {
        const struct produce_topic_produce_response *topic = &response->responses[t];
        bool is_it = version >= 13 ? uuid_equal(topic->topic_id, lane->topic->id)
                                   : slice_is_text(topic->name, lane->topic->name);

        for (int32_t i = 0; is_it && i < topic->partition_responses_count; i++)
            if (topic->partition_responses[i].index == lane->index)
                return &topic->partition_responses[i];
    }
    return NULL;
}

static void produced(void *owner, struct client_call *call, const void *response)
{
    struct producer *p = owner;
    struct produce_parts *parts = call->context;

    for (int i = 0; i < parts->count; i++) {
        const struct produce_partition_produce_response *answer =
            response ? find_answer(response, call->version, parts->lanes[i]) : NULL;

        if (answer) {
            answered(p, parts->lanes[i], parts->batches[i], answer);
            continue;
        }
        if (response)
            run_fail(p->run, "a partition is missing in the answer to a produce");
        came_back(parts->lanes[i], parts->batches[i]);
    }
    mem_free(parts);
    again_at(p, response && !p->has_failed ? 0 : AGAIN_US);
    p->has_failed = false;
}

/* --- requests --------------------------------------------------------------- */

/* The next batch of the lane that may go out now, or NULL. */
static struct out_batch *next_batch(const struct producer *p, const struct lane *lane)
{
    int limit = is_idempotent(p) ? UNDER_WAY_MAX : 1;

    if (lane->is_draining || lane->under_way >= limit)
        return NULL;
    list_each (node, &lane->batches) {
        struct out_batch *batch = container_of(node, struct out_batch, node);

        if (!batch->is_under_way)
            return batch;
    }
    return NULL;
}

static void add_part(struct client_call *call, struct produce_request *request,
                     const struct lane *lane, const struct out_batch *batch)
{
    struct produce_topic_produce_data *topic = &request->topic_data[request->topic_data_count++];
    struct produce_partition_produce_data *part = arena_new(&call->arena, sizeof(*part));

    *part = produce_partition_produce_data_defaults;
    part->index = lane->index;
    part->records.bytes = text_slice(&batch->bytes);
    *topic = produce_topic_produce_data_defaults;
    topic->name = slice_text(lane->topic->name);
    if (call->version >= 13) {
        topic->name = slice_empty();
        topic->topic_id = lane->topic->id;
    }
    topic->partition_data = part;
    topic->partition_data_count = 1;
}

/* One request with at most one batch of each lane; false if there is nothing to send. */
static bool send_some(struct producer *p)
{
    struct produce_parts *parts = mem_new(sizeof(*parts));
    struct client_call *call = client_call_new(&p->client, CLIENT_PRODUCE, produced, parts);
    struct produce_request request = produce_request_defaults;
    bool is_answered = acks_of(p) != 0;

    request.transactional_id = slice_null();
    request.acks = acks_of(p);
    request.timeout_ms = 30000;
    request.topic_data =
        arena_new(&call->arena, (size_t)p->lane_count * sizeof(*request.topic_data));
    for (int i = 0; i < p->lane_count; i++) {
        struct lane *lane = &p->lanes[i];
        struct out_batch *batch = next_batch(p, lane);

        if (!batch)
            continue;
        add_part(call, &request, lane, batch);
        note_sent(p, lane, batch);
        lane->under_way++;
        parts->lanes[parts->count] = lane;
        parts->batches[parts->count++] = batch;
    }
    if (parts->count == 0) {
        arena_reset(&call->arena);
        mem_free(call);
        mem_free(parts);
        return false;
    }
    client_send(call, &request, is_answered);
    for (int i = 0; i < parts->count && !is_answered; i++) {
        came_back(parts->lanes[i], parts->batches[i]);
        batch_end(parts->lanes[i], parts->batches[i]);
    }
    if (!is_answered)
        mem_free(parts);
    return true;
}

/* --- producer ids ----------------------------------------------------------- */

static void got_id(void *owner, struct client_call *call, const void *answer)
{
    const struct init_producer_id_response *response = answer;
    struct producer *p = owner;

    (void)call;
    p->is_asking = false;
    if (response && response->error_code == ERROR_NONE) {
        run_note_id(p->run, response->producer_id);
        p->producer_id = response->producer_id;
        p->epoch = response->producer_epoch;
    } else if (response && !error_is_retriable(response->error_code)) {
        run_fail(p->run, "InitProducerId is answered with %s", error_name(response->error_code));
    }
    again_at(p, response ? 0 : AGAIN_US);
}

static void ask_id(struct producer *p)
{
    struct init_producer_id_request request = init_producer_id_request_defaults;

    if (p->is_asking)
        return;
    p->is_asking = true;
    request.transactional_id = slice_null();
    request.transaction_timeout_ms = 60000;
    client_send(client_call_new(&p->client, CLIENT_INIT_PRODUCER_ID, got_id, NULL), &request, true);
}

/* --- its life --------------------------------------------------------------- */

static void make_some(struct producer *p)
{
    struct lane *lane = &p->lanes[rng_below(&p->run->rng, (uint64_t)p->lane_count)];
    int limit = is_idempotent(p) ? UNDER_WAY_MAX + 3 : 2;

    if (p->batches_left > 0 && lane->batch_count < limit)
        batch_add(p, lane);
}

static void step(struct loop_timer *timer)
{
    struct producer *p = container_of(timer, struct producer, pace);

    if (!p->client.is_ready) {
        again_at(p, AGAIN_US);
        return;
    }
    if (is_idempotent(p) && p->producer_id < 0) {
        ask_id(p);
        again_at(p, AGAIN_US);
        return;
    }
    if (p->lane_count == 0)
        return;
    make_some(p);
    while (send_some(p))
        continue;
    if (!producer_is_done(p))
        again_at(p, (int64_t)rng_below(&p->run->rng, PACE_MAX_US));
}

/* One without sequences asks for an id all the same: each is to be another one. */
static void ready(void *owner)
{
    struct producer *p = owner;

    if (!is_idempotent(p))
        ask_id(p);
    again_at(p, 0);
}

/* Sequences make no sense where a crash may take acknowledged records back. */
static void add_lanes(struct producer *p, const struct run_topic *topic, int at)
{
    for (int32_t i = 0; i < topic->partitions && !(topic->is_lossy && is_idempotent(p)); i++) {
        struct lane *lane = &p->lanes[p->lane_count];

        if (topic->leaders[i] != at)
            continue;
        p->lane_count++;
        lane->topic = topic;
        lane->index = i;
        lane->number = topic->first_number + (uint32_t)i;
        list_init(&lane->batches);
    }
}

struct producer *producer_create(struct run *run, uint32_t number, enum producer_kind kind,
                                 int batches, int at)
{
    struct producer *p = mem_new(sizeof(*p));
    struct io_address broker = server_address(run->servers[at]);

    p->run = run;
    p->number = number;
    p->kind = kind;
    p->producer_id = -1;
    p->batches_left = batches;
    p->pace.fire = step;
    for (int t = 0; t < run->topic_count; t++)
        add_lanes(p, &run->topics[t], at);
    if (p->lane_count == 0)
        p->batches_left = 0; /* What is there takes no sequences. */
    client_init(&p->client, run, "producer", &broker);
    p->client.ready = ready;
    p->client.owner = p;
    return p;
}

struct producer *producer_destroy(struct producer *p)
{
    struct list_node *node;

    if (!p)
        return NULL;
    client_stop(&p->client);
    loop_timer_cancel(&p->client.loop, &p->pace);
    client_fini(&p->client);
    for (int i = 0; i < p->lane_count; i++)
        while ((node = list_first(&p->lanes[i].batches)))
            batch_end(&p->lanes[i], container_of(node, struct out_batch, node));
    mem_free(p);
    return NULL;
}

void producer_finish(struct producer *p)
{
    p->batches_left = 0;
}

bool producer_is_done(const struct producer *p)
{
    if (p->batches_left > 0)
        return false;
    for (int i = 0; i < p->lane_count; i++)
        if (p->lanes[i].batch_count > 0)
            return false;
    return true;
}

void producer_print(const struct producer *p, struct text *out)
{
    text_printf(out, "producer %" PRIu32 " (%s connected, id %" PRId64 ") waits for", p->number,
                p->client.is_ready ? "is" : "not", p->producer_id);
    for (int i = 0; i < p->lane_count; i++)
        if (p->lanes[i].batch_count > 0)
            text_printf(out, " %s-%" PRId32 ": %d, %d under way%s", p->lanes[i].topic->name,
                        p->lanes[i].index, p->lanes[i].batch_count, p->lanes[i].under_way,
                        p->lanes[i].is_draining ? ", draining" : "");
    text_printf(out, "\n");
}
