/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/trimmer.h"

#include "base/mem.h"
#include "test/scenario/server.h"
#include "wire/errors.h"
#include "wire/msg/delete_records.h"
#include "wire/msg/list_offsets.h"

#include <inttypes.h>

enum {
    AGAIN_US = 15 * 1000,
    PACE_MAX_US = 400 * 1000,
    LATEST = -1,
    ALL_PERCENT = 10,
    PART_PERCENT_MAX = 40,
};

enum step { STEP_LOOK, STEP_DELETE };

struct trimmer {
    struct client client;
    struct run *run;
    enum step step;
    const struct run_topic *topic;
    int32_t index;
    uint32_t number; /* In the history. */
    int64_t offset;  /* What is to be the first. */
    bool is_asking, is_finishing, is_done;
    struct loop_timer pace;
};

static void again_at(struct trimmer *t, int64_t us)
{
    loop_timer_set(&t->client.loop, &t->pace, io_monotonic_us(t->client.io) + 1 + us);
}

static void begin_round(struct trimmer *t)
{
    struct rng *rng = &t->run->rng;
    struct io_address leader;

    t->step = STEP_LOOK;
    t->topic = &t->run->topics[rng_below(rng, (uint64_t)t->run->topic_count)];
    t->index = (int32_t)rng_below(rng, (uint64_t)t->topic->partitions);
    leader = server_address(t->run->servers[t->topic->leaders[t->index]]);
    client_move(&t->client, &leader);
    t->number = t->topic->first_number + (uint32_t)t->index;
    t->is_done = t->is_finishing;
}

/* The answer is worth another try, or nothing that we know. */
static void refused(struct trimmer *t, int16_t error)
{
    run_say(t->run, "trimmer: %s-%" PRId32 " at %" PRId64 ": %s", t->topic->name, t->index,
            t->offset, error_name(error));
    if (error == ERROR_OFFSET_OUT_OF_RANGE && t->topic->is_lossy)
        begin_round(t); /* It has become shorter. */
    else if (!run_may_not_know(t->run, error) &&
             (!error_is_retriable(error) || error == ERROR_UNKNOWN_TOPIC_OR_PARTITION))
        run_fail(t->run, "records of %s-%" PRId32 " below %" PRId64 " cannot be deleted: %s",
                 t->topic->name, t->index, t->offset, error_name(error));
}

/* --- look ------------------------------------------------------------------- */

/* Mostly a part of what is there: what is left must be worth reading. */
static void choose(struct trimmer *t, int64_t high_watermark)
{
    struct rng *rng = &t->run->rng;

    t->step = STEP_DELETE;
    t->offset = high_watermark * (int64_t)rng_below(rng, PART_PERCENT_MAX) / 100;

    if (rng_chance(rng, ALL_PERCENT))
        t->offset = high_watermark;
    history_ask_start(t->run->history, t->number, t->offset);
}

static void looked(void *owner, struct client_call *call, const void *answer)
{
    const struct list_offsets_response *response = answer;
    struct trimmer *t = owner;

    (void)call;
    t->is_asking = false;
    again_at(t, AGAIN_US);
    if (!response)
        return;
    if (response->topics_count != 1 || response->topics[0].partitions_count != 1)
        run_fail(t->run, "ListOffsets is answered with another number of partitions");
    else if (response->topics[0].partitions[0].error_code)
        refused(t, response->topics[0].partitions[0].error_code);
    else
        choose(t, response->topics[0].partitions[0].offset);
}

static void look(struct trimmer *t)
{
    struct client_call *call = client_call_new(&t->client, CLIENT_LIST_OFFSETS, looked, NULL);
    struct list_offsets_request request = list_offsets_request_defaults;
    struct list_offsets_topic topic = list_offsets_topic_defaults;
    struct list_offsets_partition part = list_offsets_partition_defaults;

    part.partition_index = t->index;
    part.timestamp = LATEST;
    topic.name = slice_text(t->topic->name);
    topic.partitions = &part;
    topic.partitions_count = 1;
    request.replica_id = -1;
    request.topics = &topic;
    request.topics_count = 1;
    client_send(call, &request, true);
}

/* --- delete ----------------------------------------------------------------- */

static void deleted(void *owner, struct client_call *call, const void *answer)
{
    const struct delete_records_response *response = answer;
    const struct delete_records_partition_result *part;
    struct trimmer *t = owner;

    (void)call;
    t->is_asking = false;
    again_at(t, AGAIN_US);
    if (!response)
        return;
    if (response->topics_count != 1 || response->topics[0].partitions_count != 1) {
        run_fail(t->run, "DeleteRecords is answered with another number of partitions");
        return;
    }
    part = &response->topics[0].partitions[0];
    if (part->error_code) {
        refused(t, part->error_code);
        return;
    }
    run_say(t->run, "trimmer: %s-%" PRId32 " begins at %" PRId64 " now", t->topic->name, t->index,
            part->low_watermark);
    if (part->low_watermark < t->offset)
        run_fail(t->run, "%s-%" PRId32 " begins at %" PRId64 " and not at %" PRId64, t->topic->name,
                 t->index, part->low_watermark, t->offset);
    history_start_moved(t->run->history, t->number, part->low_watermark);
    begin_round(t);
    again_at(t, (int64_t)rng_below(&t->run->rng, PACE_MAX_US));
}

static void delete_records(struct trimmer *t)
{
    struct client_call *call = client_call_new(&t->client, CLIENT_DELETE_RECORDS, deleted, NULL);
    struct delete_records_request request = delete_records_request_defaults;
    struct delete_records_topic topic = delete_records_topic_defaults;
    struct delete_records_partition part = delete_records_partition_defaults;

    part.partition_index = t->index;
    part.offset = t->offset;
    topic.name = slice_text(t->topic->name);
    topic.partitions = &part;
    topic.partitions_count = 1;
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = 30000;
    client_send(call, &request, true);
}

/* --- its life --------------------------------------------------------------- */

static void step(struct loop_timer *timer)
{
    struct trimmer *t = container_of(timer, struct trimmer, pace);

    if (t->is_done || t->is_asking)
        return;
    if (!t->client.is_ready) {
        again_at(t, AGAIN_US);
        return;
    }
    t->is_asking = true;
    if (t->step == STEP_LOOK)
        look(t);
    else
        delete_records(t);
}

static void ready(void *owner)
{
    again_at(owner, 0);
}

struct trimmer *trimmer_create(struct run *run)
{
    struct trimmer *t = mem_new(sizeof(*t));
    struct io_address broker = run_any_broker(run);

    t->run = run;
    t->pace.fire = step;
    client_init(&t->client, run, "trimmer", &broker);
    t->client.ready = ready;
    t->client.owner = t;
    begin_round(t);
    return t;
}

struct trimmer *trimmer_destroy(struct trimmer *t)
{
    if (!t)
        return NULL;
    client_stop(&t->client);
    loop_timer_cancel(&t->client.loop, &t->pace);
    client_fini(&t->client);
    mem_free(t);
    return NULL;
}

void trimmer_finish(struct trimmer *t)
{
    t->is_finishing = true;
    t->is_done |= t->step == STEP_LOOK && !t->is_asking;
}

bool trimmer_is_done(const struct trimmer *t)
{
    return t->is_done;
}

void trimmer_print(const struct trimmer *t, struct text *out)
{
    text_printf(out, "trimmer (%s connected): %s-%" PRId32 " to %" PRId64 "\n",
                t->client.is_ready ? "is" : "not", t->topic->name, t->index, t->offset);
}
