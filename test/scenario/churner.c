/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/churner.h"

#include "base/mem.h"
#include "test/scenario/record.h"
#include "test/scenario/server.h"
#include "wire/batch.h"
#include "wire/errors.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/delete_topics.h"
#include "wire/msg/fetch.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

#include <inttypes.h>

enum {
    NAMES = 2, /* That come again and again. */
    AGAIN_US = 15 * 1000,
    PACE_MAX_US = 60 * 1000,
    RECORDS_MAX = 4,
    CONFIGS_MAX = 9,
    CREATE_ID_VERSION = 7, /* The first that answers with the id. */
    LOOK_ID_VERSION = 10,
    DELETE_ID_VERSION = 6,
    BY_ID_VERSION = 13, /* Of Produce and Fetch. */
    CONSUMER = 1000,    /* Its number as one who reads. */
    DECODED_MAX = 1024 * 1024,
};

enum step { STEP_CREATE, STEP_LOOK, STEP_WRITE, STEP_READ, STEP_DELETE, STEP_LOOK_AGAIN };

struct churner {
    struct client client;
    struct run *run;
    enum step step;
    int made; /* Topics of the run that are there. */
    bool is_asking, is_finishing, is_done;
    char name[32]; /* Of this round's topic. */
    struct uuid id;
    uint32_t number; /* Of its partition, in the history. */
    int32_t partitions;
    bool may_exist; /* An attempt was not answered: it may have worked. */
    uint64_t value; /* First one that was written. */
    uint32_t count;
    size_t write;
    bool is_written;
    struct text batch;
    struct text scratch;
    struct loop_timer pace;
    int rounds;
};

static const char *const step_names[] = {"create", "look", "write", "read", "delete", "look again"};

static void again_at(struct churner *c, int64_t us)
{
    loop_timer_set(&c->client.loop, &c->pace, io_monotonic_us(c->client.io) + 1 + us);
}

static bool is_setting_up(const struct churner *c)
{
    return c->made < c->run->topic_count;
}

/* The answer is worth another try, or nothing that we know. */
static void refused(struct churner *c, int16_t error)
{
    run_say(c->run, "churner: %s %s: %s", step_names[c->step], c->name, error_name(error));
    if (!error_is_retriable(error))
        run_fail(c->run, "%s of topic %s is answered with %s", step_names[c->step], c->name,
                 error_name(error));
}

static void next_step(struct churner *c, enum step step)
{
    c->step = step;
    c->may_exist = false;
}

/* --- a round ---------------------------------------------------------------- */

static void begin_round(struct churner *c)
{
    struct rng *rng = &c->run->rng;

    next_step(c, STEP_CREATE);
    c->id = (struct uuid){{0}};
    c->is_written = false;
    if (is_setting_up(c)) {
        (void)snprintf(c->name, sizeof(c->name), "%s", c->run->topics[c->made].name);
        c->partitions = c->run->topics[c->made].partitions;
        return;
    }
    if (c->is_finishing) {
        c->is_done = true;
        return;
    }
    (void)snprintf(c->name, sizeof(c->name), "churn-%d", (int)rng_below(rng, NAMES));
    c->partitions = (int32_t)rng_between(rng, 1, 3);
    c->number = c->run->next_number++;
}

/* Which of the servers the node is, and that it is where it is said to be. */
static int server_of(struct churner *c, const struct metadata_response *response, int32_t id)
{
    int at = c->run->is_cluster ? (int)id : 0;
    struct io_address address;

    for (int32_t i = 0; i < response->brokers_count; i++) {
        const struct metadata_response_broker *broker = &response->brokers[i];

        if (broker->node_id != id)
            continue;
        address = server_address(c->run->servers[at]);
        if (!slice_is_text(broker->host, address.host) || broker->port != address.port)
            run_fail(c->run, "broker %d is said to be elsewhere", id);
        return at;
    }
    return -1;
}

/* Learns who leads; false if somebody does not, for now. */
static bool find_leaders(struct churner *c, const struct metadata_response *response)
{
    const struct metadata_response_topic *topic = &response->topics[0];
    int leaders[PARTITIONS_MAX] = {0};
    struct io_address last;

    for (int32_t i = 0; i < topic->partitions_count; i++) {
        const struct metadata_response_partition *p = &topic->partitions[i];
        int at = p->leader_id < 0 ? -1 : server_of(c, response, p->leader_id);

        if (at < 0 || p->partition_index >= PARTITIONS_MAX)
            return false;
        leaders[p->partition_index] = at;
    }
    if (is_setting_up(c))
        memcpy(c->run->topics[c->made].leaders, leaders, sizeof(leaders));
    last = server_address(c->run->servers[leaders[c->partitions - 1]]);
    client_move(&c->client, &last);
    return true;
}

static void topic_is_there(struct churner *c)
{
    if (is_setting_up(c)) {
        c->run->topics[c->made++].id = c->id;
        begin_round(c);
        return;
    }
    next_step(c, STEP_WRITE);
}

/* --- create ----------------------------------------------------------------- */

static void created(void *owner, struct client_call *call, const void *answer)
{
    const struct create_topics_response *response = answer;
    struct churner *c = owner;

    c->is_asking = false;
    again_at(c, AGAIN_US);
    if (!response) {
        c->may_exist = true;
        return;
    }
    if (response->topics_count != 1) {
        run_fail(c->run, "CreateTopics is answered with %d topics", response->topics_count);
    } else if (response->topics[0].error_code == ERROR_TOPIC_ALREADY_EXISTS && c->may_exist) {
        next_step(c, STEP_LOOK);
    } else if (response->topics[0].error_code == ERROR_INVALID_REPLICATION_FACTOR &&
               c->run->is_cluster) {
        run_say(c->run, "churner: all brokers are fenced, or say so");
    } else if (response->topics[0].error_code) {
        c->may_exist = true;
        refused(c, response->topics[0].error_code);
    } else {
        if (call->version >= CREATE_ID_VERSION)
            c->id = response->topics[0].topic_id;
        next_step(c, STEP_LOOK);
    }
}

static void add_config(struct create_topics_creatable_topic *topic, const char *name,
                       const char *value)
{
    topic->configs[topic->configs_count++] = (struct create_topics_creatable_topic_config){
        .name = slice_text(name),
        .value = slice_text(value),
    };
}

/* Durability and age of segments are what a log's life depends on most. */
static void add_configs(struct churner *c, struct client_call *call,
                        struct create_topics_creatable_topic *topic)
{
    static const char *const ages[] = {"20", "200", "2000", "60000"};
    static const char *const delays[] = {"0", "100", "60000"};
    struct create_topics_creatable_topic_config *configs =
        arena_new(&call->arena, CONFIGS_MAX * sizeof(*configs));
    const struct run_topic *run_topic = &c->run->topics[c->made];

    topic->configs = configs;
    add_config(topic, "segment.ms", ages[rng_below(&c->run->rng, COUNT_OF(ages))]);
    add_config(topic, "index.interval.bytes", "300");
    if (!is_setting_up(c))
        return;
    if (run_topic->is_lossy)
        add_config(topic, "flush.messages", "9223372036854775807");
    if (run_topic_expires(run_topic))
        add_config(topic, "file.delete.delay.ms",
                   delays[rng_below(&c->run->rng, COUNT_OF(delays))]);
    if (run_topic->retention_ms)
        add_config(topic, "retention.ms", run_topic->retention_ms);
    if (run_topic->retention_bytes)
        add_config(topic, "retention.bytes", run_topic->retention_bytes);
    if (run_topic->is_append_time)
        add_config(topic, "message.timestamp.type", "LogAppendTime");
    if (run_topic->is_compacted) {
        add_config(topic, "cleanup.policy", "compact,delete"); /* Or nobody might delete records. */
        add_config(topic, "min.cleanable.dirty.ratio",
                   rng_chance(&c->run->rng, 70) ? "0.01" : "0.4");
    }
}

static void create(struct churner *c)
{
    struct client_call *call = client_call_new(&c->client, CLIENT_CREATE_TOPICS, created, NULL);
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;

    topic.name = slice_text(c->name);
    topic.num_partitions = c->partitions;
    topic.replication_factor = 1;
    add_configs(c, call, &topic);
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = 30000;
    client_send(call, &request, true);
}

/* --- look ------------------------------------------------------------------- */

static void found(struct churner *c, const struct client_call *call,
                  const struct metadata_response *response)
{
    const struct metadata_response_topic *topic = &response->topics[0];

    if (topic->error_code == ERROR_UNKNOWN_TOPIC_OR_PARTITION) {
        run_fail(c->run, "topic %s is unknown although its creation was acknowledged", c->name);
        return;
    }
    if (topic->error_code) {
        refused(c, topic->error_code);
        return;
    }
    if (topic->partitions_count != c->partitions)
        run_fail(c->run, "topic %s has %d partitions, not %d", c->name, topic->partitions_count,
                 c->partitions);
    if (call->version >= LOOK_ID_VERSION) {
        if (!uuid_is_zero(c->id) && !uuid_equal(c->id, topic->topic_id))
            run_fail(c->run, "topic %s has another id than it was made with", c->name);
        c->id = topic->topic_id;
    }
    if (uuid_is_zero(c->id))
        client_choose_version(&c->client, CLIENT_METADATA, LOOK_ID_VERSION);
    else if (find_leaders(c, response))
        topic_is_there(c);
}

static void looked(void *owner, struct client_call *call, const void *answer)
{
    const struct metadata_response *response = answer;
    struct churner *c = owner;

    c->is_asking = false;
    again_at(c, AGAIN_US);
    if (!response)
        return;
    if (response->topics_count != 1)
        run_fail(c->run, "Metadata is answered with %d topics, not one", response->topics_count);
    else if (c->step == STEP_LOOK)
        found(c, call, response);
    else if (response->topics[0].error_code != ERROR_UNKNOWN_TOPIC_OR_PARTITION)
        run_fail(c->run, "topic %s is there although its deletion was acknowledged", c->name);
    else
        begin_round(c);
}

static void look(struct churner *c)
{
    struct client_call *call = client_call_new(&c->client, CLIENT_METADATA, looked, NULL);
    struct metadata_request request = metadata_request_defaults;
    struct metadata_request_topic topic = {.name = slice_text(c->name)};

    request.topics = &topic;
    request.topics_count = 1;
    request.allow_auto_topic_creation = call->version < 4;
    client_send(call, &request, true);
}

/* --- write and read --------------------------------------------------------- */

static void make_batch(struct churner *c)
{
    struct batch_builder builder;

    c->count = 1 + (uint32_t)rng_below(&c->run->rng, RECORDS_MAX);
    c->value = run_values(c->run, c->count);
    c->batch.size = 0;
    batch_builder_init(&builder);
    for (uint32_t i = 0; i < c->count; i++)
        record_add(&builder, c->value + i);
    if (batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, &c->batch))
        run_fail(c->run, "a batch cannot be made");
    batch_builder_fini(&builder);
}

static void written(void *owner, struct client_call *call, const void *answer)
{
    const struct produce_response *response = answer;
    const struct produce_partition_produce_response *part;
    struct churner *c = owner;

    (void)call;
    c->is_asking = false;
    again_at(c, AGAIN_US);
    if (!response)
        return;
    if (response->responses_count != 1 || response->responses[0].partition_responses_count != 1) {
        run_fail(c->run, "a produce is answered with another number of partitions");
        return;
    }
    part = &response->responses[0].partition_responses[0];
    if (part->error_code) {
        refused(c, part->error_code);
        return;
    }
    history_acknowledge(c->run->history, c->write, part->base_offset);
    next_step(c, STEP_READ);
}

static void write_some(struct churner *c)
{
    struct client_call *call;
    struct produce_request request = produce_request_defaults;
    struct produce_topic_produce_data topic = produce_topic_produce_data_defaults;
    struct produce_partition_produce_data part = produce_partition_produce_data_defaults;

    client_choose_version(&c->client, CLIENT_PRODUCE, BY_ID_VERSION);
    call = client_call_new(&c->client, CLIENT_PRODUCE, written, NULL);
    if (c->is_written) {
        history_resend(c->run->history, c->write);
    } else {
        make_batch(c);
        c->write = history_invoke(c->run->history, &(struct history_write){
                                                       .partition = c->number,
                                                       .producer = CONSUMER,
                                                       .first_value = c->value,
                                                       .count = c->count,
                                                       .is_durable = true,
                                                   });
        c->is_written = true;
    }
    part.index = c->partitions - 1;
    part.records.bytes = text_slice(&c->batch);
    topic.topic_id = c->id;
    topic.name = slice_empty();
    topic.partition_data = &part;
    topic.partition_data_count = 1;
    request.transactional_id = slice_null();
    request.acks = -1;
    request.timeout_ms = 30000;
    request.topic_data = &topic;
    request.topic_data_count = 1;
    client_send(call, &request, true);
}

/* Reads the first batches of what is there. */
static size_t read_values(struct churner *c, struct slice bytes, struct history_record *out,
                          size_t room)
{
    struct batch_header header;
    size_t count = 0;

    while (batch_parse(bytes, &header) == 0 && header.size <= bytes.size) {
        struct batch_reader reader;
        struct record record;
        bool at_end = false;

        if (batch_reader_open(&reader, slice_of(bytes.data, header.size), &c->scratch, NULL,
                              DECODED_MAX))
            break;
        while (count < room && batch_reader_next(&reader, &record, &at_end) == 0 && !at_end)
            out[count++] = (struct history_record){.offset = record.offset,
                                                   .value = record_value(&record, false)};
        bytes = slice_of(bytes.data + header.size, bytes.size - header.size);
    }
    return count;
}

static void has_read(void *owner, struct client_call *call, const void *answer)
{
    const struct fetch_response *response = answer;
    const struct fetch_partition_data *data;
    struct history_record records[16];
    struct churner *c = owner;
    size_t count;

    c->is_asking = false;
    again_at(c, AGAIN_US);
    if (!response)
        return;
    if (response->responses_count != 1 || response->responses[0].partitions_count != 1) {
        run_fail(c->run, "a fetch is answered with another number of partitions");
        return;
    }
    data = &response->responses[0].partitions[0];
    if (data->error_code) {
        refused(c, data->error_code);
        return;
    }
    count = read_values(c, data->records.bytes, records, COUNT_OF(records));
    history_poll(c->run->history, &(struct history_poll){
                                      .partition = c->number,
                                      .consumer = CONSUMER,
                                      .invoked = call->invoked,
                                      .high_watermark = data->high_watermark,
                                      .log_start = data->log_start_offset,
                                      .records = records,
                                      .count = count,
                                  });
    if (count == 0)
        run_fail(c->run, "topic %s is empty although a record was acknowledged", c->name);
    next_step(c, STEP_DELETE);
}

static void read_some(struct churner *c)
{
    struct client_call *call;
    struct fetch_request request = fetch_request_defaults;
    struct fetch_topic topic = fetch_topic_defaults;
    struct fetch_partition part = fetch_partition_defaults;

    client_choose_version(&c->client, CLIENT_FETCH, BY_ID_VERSION);
    call = client_call_new(&c->client, CLIENT_FETCH, has_read, NULL);
    part.partition = c->partitions - 1;
    part.partition_max_bytes = 1024 * 1024;
    topic.topic_id = c->id;
    topic.topic = slice_empty();
    topic.partitions = &part;
    topic.partitions_count = 1;
    request.max_bytes = 1024 * 1024;
    request.topics = &topic;
    request.topics_count = 1;
    client_send(call, &request, true);
}

/* --- delete ----------------------------------------------------------------- */

static void deleted(void *owner, struct client_call *call, const void *answer)
{
    const struct delete_topics_response *response = answer;
    struct churner *c = owner;
    int16_t error;

    (void)call;
    c->is_asking = false;
    again_at(c, AGAIN_US);
    if (!response) {
        c->may_exist = true; /* Or may not, by now. */
        return;
    }
    if (response->responses_count != 1) {
        run_fail(c->run, "DeleteTopics is answered with %d topics", response->responses_count);
        return;
    }
    error = response->responses[0].error_code;
    if (error == ERROR_NONE || (c->may_exist && (error == ERROR_UNKNOWN_TOPIC_OR_PARTITION ||
                                                 error == ERROR_UNKNOWN_TOPIC_ID))) {
        next_step(c, STEP_LOOK_AGAIN);
    } else {
        if (error == ERROR_UNKNOWN_TOPIC_OR_PARTITION || error == ERROR_UNKNOWN_TOPIC_ID)
            run_fail(c->run, "topic %s is unknown when it is to be deleted", c->name);
        c->may_exist = true;
        refused(c, error);
    }
}

static void delete_topic(struct churner *c)
{
    struct client_call *call = client_call_new(&c->client, CLIENT_DELETE_TOPICS, deleted, NULL);
    struct delete_topics_request request = delete_topics_request_defaults;
    struct delete_topics_delete_topic_state state = {.name = slice_null(), .topic_id = c->id};
    struct slice name = slice_text(c->name);

    if (call->version >= DELETE_ID_VERSION) {
        request.topics = &state;
        request.topics_count = 1;
    } else {
        request.topic_names = &name;
        request.topic_names_count = 1;
    }
    request.timeout_ms = 30000;
    client_send(call, &request, true);
}

/* --- its life --------------------------------------------------------------- */

static void step(struct loop_timer *timer)
{
    struct churner *c = container_of(timer, struct churner, pace);

    if (c->is_done || c->is_asking)
        return;
    if (!c->client.is_ready) {
        again_at(c, AGAIN_US);
        return;
    }
    c->is_asking = true;
    switch (c->step) {
    case STEP_CREATE: create(c); break;
    case STEP_LOOK:
    case STEP_LOOK_AGAIN: look(c); break;
    case STEP_WRITE: write_some(c); break;
    case STEP_READ: read_some(c); break;
    case STEP_DELETE: delete_topic(c); break;
    }
}

static void ready(void *owner)
{
    again_at(owner, 0);
}

struct churner *churner_create(struct run *run)
{
    struct churner *c = mem_new(sizeof(*c));
    struct io_address broker = run_any_broker(run);

    c->run = run;
    c->pace.fire = step;
    client_init(&c->client, run, "churner", &broker);
    c->client.ready = ready;
    c->client.owner = c;
    begin_round(c);
    return c;
}

struct churner *churner_destroy(struct churner *c)
{
    if (!c)
        return NULL;
    client_stop(&c->client);
    loop_timer_cancel(&c->client.loop, &c->pace);
    client_fini(&c->client);
    text_fini(&c->batch);
    text_fini(&c->scratch);
    mem_free(c);
    return NULL;
}

bool churner_is_set_up(const struct churner *c)
{
    return !is_setting_up(c);
}

void churner_finish(struct churner *c)
{
    c->is_finishing = true;
    if (c->step == STEP_CREATE && !c->may_exist && !c->is_asking)
        c->is_done = true;
}

bool churner_is_done(const struct churner *c)
{
    return c->is_done;
}

void churner_print(const struct churner *c, struct text *out)
{
    text_printf(out, "churner (%s connected): %s %s\n", c->client.is_ready ? "is" : "not",
                step_names[c->step], c->name);
}
