/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/bench.h"

#include "base/mem.h"
#include "test/harness/check.h"
#include "test/scenario/record.h"
#include "wire/errors.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/fetch.h"
#include "wire/msg/list_offsets.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

/* --- the world --------------------------------------------------------------- */

static struct broker *broker_of(const struct bench *b)
{
    return b->run.server->broker;
}

uint64_t bench_mails(const struct bench *b)
{
    uint64_t sum = 0;

    for (int i = 0; i < b->run.server->shards; i++)
        sum += broker_of(b)->shards[i].loop.mailbox.received;
    return sum;
}

void bench_run_for(struct bench *b, int64_t us)
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
    check(sim_run_until(b->run.sim, sim_now_us(b->run.sim) + 60 * BENCH_SECOND_US, is_done, b));
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
    uint64_t before = bench_mails(b);

    begin(b, api, version, request, done);
    await(b, is_answered);
    bench_run_for(b, BENCH_SECOND_US / 10);
    return bench_mails(b) - before;
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

static void create(struct bench *b, const struct bench_options *options)
{
    struct create_topics_creatable_topic_config configs[COUNT_OF(options->configs)];
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;

    topic.name = slice_text("t");
    topic.num_partitions = b->partitions;
    topic.replication_factor = 1;
    topic.configs = configs;
    for (size_t i = 0; i < COUNT_OF(configs) && options->configs[i].key; i++)
        configs[topic.configs_count++] = (struct create_topics_creatable_topic_config){
            .name = slice_text(options->configs[i].key),
            .value = slice_text(options->configs[i].value),
        };
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = 30000;
    begin(b, CLIENT_CREATE_TOPICS, 5, &request, created);
    await(b, is_answered);
    check_eq(b->error, ERROR_NONE);
    bench_run_for(b, BENCH_SECOND_US);
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

uint64_t bench_produce(struct bench *b, int32_t first, int32_t count, int16_t acks)
{
    struct produce_request request = produce_request_defaults;
    struct produce_topic_produce_data topic = produce_topic_produce_data_defaults;
    struct produce_partition_produce_data parts[BENCH_PARTITIONS_MAX];
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

uint64_t bench_fetch(struct bench *b, int32_t first, int32_t count, int64_t offset)
{
    struct fetch_request request;
    struct fetch_topic topic;
    struct fetch_partition parts[BENCH_PARTITIONS_MAX];
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
    ((struct bench *)owner)->offset = r->topics[0].partitions[0].offset;
}

uint64_t bench_list_offsets(struct bench *b, int32_t partition, int64_t timestamp)
{
    struct list_offsets_request request = list_offsets_request_defaults;
    struct list_offsets_topic topic = list_offsets_topic_defaults;
    struct list_offsets_partition part = list_offsets_partition_defaults;

    part.partition_index = partition;
    part.timestamp = timestamp;
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

uint64_t bench_metadata(struct bench *b)
{
    struct metadata_request request = metadata_request_defaults;
    struct metadata_request_topic topic = {.name = slice_text("t")};

    request.topics = &topic;
    request.topics_count = 1;
    return cost(b, CLIENT_METADATA, 9, &request, told);
}

/* --- a bench ----------------------------------------------------------------- */

static void set(struct bench *b, const struct bench_pair *pair)
{
    struct text why = {.data = NULL};

    check_eq(settings_set(&b->run.server->settings, slice_text(pair->key), slice_text(pair->value),
                          &why, &why),
             0);
    text_fini(&why);
}

/* What is written down in the background is no request's. */
static void set_all(struct bench *b, const struct bench_options *options)
{
    static const struct bench_pair quiet[] = {
        {"log.flush.offset.checkpoint.interval.ms", "2147483647"},
        {"commit.log.block.bytes", "1048576"},
        {"log.dirs", "/var/moldau"},
        {"log.scrub.interval.ms", "604800000"},
        {"log.cleaner.backoff.ms", "600000"},
        {"offsets.retention.check.interval.ms", "600000"},
        {"log.retention.check.interval.ms", "600000"},
    };

    for (size_t i = 0; i < COUNT_OF(quiet); i++)
        set(b, &quiet[i]);
    for (size_t i = 0; i < COUNT_OF(options->settings) && options->settings[i].key; i++)
        set(b, &options->settings[i]);
}

struct bench *bench_create(const struct bench_options *options)
{
    uint64_t seed = options->seed;
    struct bench *b = mem_new(sizeof(*b));
    struct io_address address;

    b->partitions = options->partitions;
    b->run.options = (struct run_options){.seed = seed, .is_calm = true};
    b->run.rng = rng_of(seed);
    b->run.next_value = 1;
    b->run.history = history_create();
    b->run.sim = sim_create(&(struct sim_options){.seed = seed, .is_calm = true});
    b->run.server = server_create(&b->run, options->shards, SERVER_WHOLE, 1, NULL);
    set_all(b, options);
    check(server_start(b->run.server));
    broker_of(b)->next_shard = options->here;
    address = server_address(b->run.server);
    client_init(&b->client, &b->run, "client", &address);
    b->client.ready = ready;
    b->client.owner = b;
    await(b, is_ready);
    check(!list_is_empty(&broker_of(b)->shards[options->here].sessions));
    create(b, options);
    (void)bench_produce(b, 0, b->partitions, 1); /* At its first use a partition asks for more. */
    return b;
}

void bench_destroy(struct bench *b)
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
