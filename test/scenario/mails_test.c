/* SPDX-License-Identifier: Apache-2.0 */

/* test/scenario/mails_test.c - what shards say to each other for a request, counted, not timed.
 *
 * A broker of four shards in a calm world; one client, whose connection lives on one of them.
 * What its requests are about lives there too, or elsewhere: then the request goes there, and
 * its answer comes back.
 */

#include "base/mem.h"
#include "broker/broker.h"
#include "test/harness/check.h"
#include "test/scenario/client.h"
#include "test/scenario/record.h"
#include "test/scenario/server.h"
#include "wire/errors.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/fetch.h"
#include "wire/msg/list_offsets.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

enum { SHARDS = 4, PARTITIONS = 16, SECOND_US = 1000 * 1000 };

struct bench {
    struct run run;
    struct client client;
    struct uuid topic;
    int here; /* The shard of the connection. */
    bool is_ready, is_answered;
    int16_t error; /* The first of the answer that is not NONE. */
    int records;   /* Partitions of which the answer has some. */
};

/* --- the world --------------------------------------------------------------- */

static struct broker *broker_of(const struct bench *b)
{
    return b->run.server->broker;
}

static uint64_t mails(const struct bench *b)
{
    uint64_t sum = 0;

    for (int i = 0; i < SHARDS; i++)
        sum += broker_of(b)->shards[i].loop.mailbox.received;
    return sum;
}

static void run_for(struct bench *b, int64_t us)
{
    sim_run(b->run.sim, sim_now_us(b->run.sim) + us);
}

static void ready(void *owner)
{
    ((struct bench *)owner)->is_ready = true;
}

static bool is_ready(void *context)
{
    return ((struct bench *)context)->is_ready;
}

static bool is_answered(void *context)
{
    return ((struct bench *)context)->is_answered;
}

static void await(struct bench *b, bool (*is_done)(void *context))
{
    check(sim_run_until(b->run.sim, sim_now_us(b->run.sim) + 60 * SECOND_US, is_done, b));
}

/* Sends a request without waiting for what comes of it. */
static void begin(struct bench *b, enum client_api api, int16_t version, const void *request,
                  client_done_fn *done)
{
    struct client_call *call;

    b->client.versions[api].chosen = version;
    b->is_answered = false;
    b->error = 0;
    b->records = 0;
    call = client_call_new(&b->client, api, done, NULL);
    client_send(call, request, true);
}

/* Sends a request and returns how many mails it cost until its answer was there, and all that it
 * left behind was done. */
static uint64_t cost(struct bench *b, enum client_api api, int16_t version, const void *request,
                     client_done_fn *done)
{
    uint64_t before = mails(b);

    begin(b, api, version, request, done);
    await(b, is_answered);
    run_for(b, SECOND_US / 10);
    return mails(b) - before;
}

/* --- requests ---------------------------------------------------------------- */

static void note(struct bench *b, int16_t error)
{
    b->is_answered = true;
    if (!b->error)
        b->error = error;
}

static void created(void *owner, struct client_call *call, const void *response)
{
    const struct create_topics_response *r = response;

    (void)call;
    check(r && r->topics_count == 1);
    note(owner, r->topics[0].error_code);
}

static void create(struct bench *b)
{
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;

    topic.name = slice_text("t");
    topic.num_partitions = PARTITIONS;
    topic.replication_factor = 1;
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = 30000;
    begin(b, CLIENT_CREATE_TOPICS, 5, &request, created);
    await(b, is_answered);
    check_eq(b->error, ERROR_NONE);
    run_for(b, SECOND_US);
    b->topic = image_find_topic(broker_of(b)->shards[0].image, slice_text("t"))->id;
}

static void produced(void *owner, struct client_call *call, const void *response)
{
    const struct produce_response *r = response;

    (void)call;
    check(r && r->responses_count == 1);
    for (int32_t i = 0; i < r->responses[0].partition_responses_count; i++)
        note(owner, r->responses[0].partition_responses[i].error_code);
}

static uint64_t produce(struct bench *b, int32_t first, int32_t count, int16_t acks)
{
    struct produce_request request = produce_request_defaults;
    struct produce_topic_produce_data topic = produce_topic_produce_data_defaults;
    struct produce_partition_produce_data parts[PARTITIONS];
    struct text batch = {.data = NULL};
    struct batch_builder builder;
    uint64_t took;

    batch_builder_init(&builder);
    builder.base_timestamp = 1;
    record_add(&builder, run_values(&b->run, 1));
    check_eq(batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, &batch), 0);
    batch_builder_fini(&builder);
    for (int32_t i = 0; i < count; i++) {
        parts[i] = produce_partition_produce_data_defaults;
        parts[i].index = first + i;
        parts[i].records.bytes = text_slice(&batch);
    }
    topic.name = slice_text("t");
    topic.partition_data = parts;
    topic.partition_data_count = count;
    request.acks = acks;
    request.timeout_ms = 30000;
    request.topic_data = &topic;
    request.topic_data_count = 1;
    took = cost(b, CLIENT_PRODUCE, 9, &request, produced);
    text_fini(&batch);
    check_eq(b->error, ERROR_NONE);
    return took;
}

static void fetched(void *owner, struct client_call *call, const void *response)
{
    const struct fetch_response *r = response;
    struct bench *b = owner;

    (void)call;
    check(r);
    for (int32_t t = 0; t < r->responses_count; t++)
        for (int32_t i = 0; i < r->responses[t].partitions_count; i++) {
            note(b, r->responses[t].partitions[i].error_code);
            b->records += r->responses[t].partitions[i].records.bytes.size > 0;
        }
}

static void fill_fetch(struct fetch_request *request, struct fetch_topic *topic,
                       struct fetch_partition parts[], int32_t first, int32_t count, int64_t offset)
{
    for (int32_t i = 0; i < count; i++) {
        parts[i] = fetch_partition_defaults;
        parts[i].partition = first + i;
        parts[i].fetch_offset = offset;
        parts[i].partition_max_bytes = 1 << 20;
    }
    *topic = fetch_topic_defaults;
    topic->topic = slice_text("t");
    topic->partitions = parts;
    topic->partitions_count = count;
    *request = fetch_request_defaults;
    request->max_wait_ms = 500;
    request->min_bytes = 1;
    request->max_bytes = 1 << 20;
    request->topics = topic;
    request->topics_count = 1;
}

static uint64_t fetch(struct bench *b, int32_t first, int32_t count, int64_t offset)
{
    struct fetch_request request;
    struct fetch_topic topic;
    struct fetch_partition parts[PARTITIONS];
    uint64_t took;

    fill_fetch(&request, &topic, parts, first, count, offset);
    took = cost(b, CLIENT_FETCH, 11, &request, fetched);
    check_eq(b->error, ERROR_NONE);
    return took;
}

static void listed(void *owner, struct client_call *call, const void *response)
{
    const struct list_offsets_response *r = response;

    (void)call;
    check(r && r->topics_count == 1);
    note(owner, r->topics[0].partitions[0].error_code);
}

static uint64_t list_offsets(struct bench *b, int32_t partition)
{
    struct list_offsets_request request = list_offsets_request_defaults;
    struct list_offsets_topic topic = list_offsets_topic_defaults;
    struct list_offsets_partition part = list_offsets_partition_defaults;

    part.partition_index = partition;
    part.timestamp = -1;
    topic.name = slice_text("t");
    topic.partitions = &part;
    topic.partitions_count = 1;
    request.topics = &topic;
    request.topics_count = 1;
    return cost(b, CLIENT_LIST_OFFSETS, 5, &request, listed);
}

static void told(void *owner, struct client_call *call, const void *response)
{
    (void)call;
    check(response);
    note(owner, ((const struct metadata_response *)response)->topics[0].error_code);
}

static uint64_t metadata(struct bench *b)
{
    struct metadata_request request = metadata_request_defaults;
    struct metadata_request_topic topic = {.name = slice_text("t")};

    request.topics = &topic;
    request.topics_count = 1;
    return cost(b, CLIENT_METADATA, 9, &request, told);
}

/* --- a bench ----------------------------------------------------------------- */

static int home(const struct bench *b, int32_t partition)
{
    return partition_home(b->topic, partition, SHARDS);
}

static uint64_t hops(const struct bench *b, int32_t partition)
{
    return home(b, partition) == b->here ? 0 : 2;
}

/* What is written down in the background is no request's. */
static void set_quiet(struct bench *b)
{
    static const char *const settings[][2] = {
        {"log.flush.offset.checkpoint.interval.ms", "2147483647"},
        {"commit.log.block.bytes", "1048576"},
        {"log.dirs", "/var/moldau"},
    };

    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        struct text why = {.data = NULL};

        check_eq(settings_set(&b->run.server->settings, slice_text(settings[i][0]),
                              slice_text(settings[i][1]), &why, &why),
                 0);
        text_fini(&why);
    }
}

/* Its connection lives on the shard whose number is `here`. */
static struct bench *bench_create(uint64_t seed, int here)
{
    struct bench *b = mem_new(sizeof(*b));
    struct io_address address;

    b->run.options = (struct run_options){.seed = seed, .is_calm = true};
    b->run.rng = rng_of(seed);
    b->run.next_value = 1;
    b->run.history = history_create();
    b->run.sim = sim_create(&(struct sim_options){.seed = seed, .is_calm = true});
    b->run.server = server_create(&b->run, SHARDS, SERVER_WHOLE, 1, NULL);
    set_quiet(b);
    check(server_start(b->run.server));
    broker_of(b)->next_shard = here;
    b->here = here;
    address = server_address(b->run.server);
    client_init(&b->client, &b->run, "client", &address);
    b->client.ready = ready;
    b->client.owner = b;
    await(b, is_ready);
    check(!list_is_empty(&broker_of(b)->shards[here].sessions));
    create(b);
    (void)produce(b, 0, PARTITIONS, 1); /* At its first use a partition asks for more. */
    return b;
}

static void bench_destroy(struct bench *b)
{
    check_eq(b->run.failures, 0);
    client_stop(&b->client);
    client_fini(&b->client);
    b->run.server = server_destroy(b->run.server);
    b->run.sim = sim_destroy(b->run.sim);
    b->run.history = history_destroy(b->run.history);
    text_fini(&b->run.why);
    mem_free(b);
}

/* --- what it costs ----------------------------------------------------------- */

TEST(mails, shards_that_have_nothing_to_do_say_nothing)
{
    struct bench *b = bench_create(1, 0);
    uint64_t before = mails(b);

    run_for(b, 5 * SECOND_US);
    check_eq(mails(b), before);
    bench_destroy(b);
}

/* A request goes to where its partition lives and comes back, whatever it waits for there: that
 * is two; or none, where the connection lives on the same shard. */
TEST(mails, a_request_about_one_partition_costs_two_or_none)
{
    for (int here = 0; here < SHARDS; here++) {
        struct bench *b = bench_create((uint64_t)here + 2, here);
        int near = 0;

        for (int32_t i = 0; i < PARTITIONS; i++) {
            check_eq(produce(b, i, 1, -1), hops(b, i));
            check_eq(produce(b, i, 1, 1), hops(b, i));
            check_eq(fetch(b, i, 1, 0), hops(b, i));
            check_eq(b->records, 1);
            check_eq(list_offsets(b, i), hops(b, i));
            near += home(b, i) == here;
        }
        check(near > 0 && near < PARTITIONS);
        bench_destroy(b);
    }
}

/* A shard is asked once, however many of its partitions a request is about. */
TEST(mails, a_request_about_many_partitions_asks_each_shard_once)
{
    struct bench *b = bench_create(7, 2);
    uint64_t others = 0;

    for (int shard = 0; shard < SHARDS; shard++) {
        bool is_asked = false;

        for (int32_t i = 0; i < PARTITIONS; i++)
            is_asked |= home(b, i) == shard;
        others += is_asked && shard != b->here;
    }
    check_eq(others, SHARDS - 1);
    check_eq(produce(b, 0, PARTITIONS, -1), 2 * others);
    check_eq(fetch(b, 0, PARTITIONS, 0), 2 * others);
    check_eq(b->records, PARTITIONS);
    bench_destroy(b);
}

/* What every shard knows, each tells by itself. */
TEST(mails, metadata_costs_none)
{
    struct bench *b = bench_create(8, 3);

    check_eq(metadata(b), 0);
    check_eq(b->error, ERROR_NONE);
    bench_destroy(b);
}

/* A consumer at the end of its partition waits where the partition lives. */
TEST(mails, a_fetch_that_waits_costs_no_more)
{
    struct bench *b = bench_create(9, 1);

    for (int32_t i = 0; i < PARTITIONS; i++) {
        check_eq(fetch(b, i, 1, 1), hops(b, i)); /* Nobody writes: until its time is over. */
        check_eq(b->records, 0);
    }
    check_eq(fetch(b, 0, PARTITIONS, 1), 2 * (SHARDS - 1));
    check_eq(b->records, 0);
    bench_destroy(b);
}
