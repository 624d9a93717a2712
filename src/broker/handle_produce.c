/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_produce.c - records into partitions.
 *
 *      request --- leg to shard 0 --- batch for partition a
 *             |                  \--- batch for partition c
 *             \--- leg to shard 2 --- batch for partition b
 *
 * Each batch is appended where its partition's home is; the answer goes out when every
 * batch has met its acks rule or was refused.
 *
 * Clients of before Kafka 0.11 (versions 0 to 2) send messages of formats 0 and 1, and a topic may
 * have another codec than the producer.  Those become the batches that are to be stored first, on
 * a worker (broker/conversion.h), and nothing else of the client is begun in the meantime.
 */

#include "broker/conversion.h"
#include "broker/dispatch.h"
#include "broker/record_errors.h"
#include "broker/reply.h"
#include "broker/session.h"
#include "broker/topic_settings.h"
#include "wire/msg/produce.h"

enum { VERSION_LEADERS = 10 }; /* From here on clients hear who leads instead (KIP-951). */

struct produce_part {
    struct append append;
    struct produce_leg *leg;
    struct produce_part *next; /* On the same leg. */
    const struct image_topic *topic;
    int32_t index;
    int batch_outcome; /* What the batch was refused for, or 0. */
    bool is_old;       /* Messages. */
    struct produce_partition_produce_response *result;
};

struct produce_leg {
    struct leg leg;
    struct produce_work *work;
    struct produce_part *first, **last;
    int pending; /* Parts, and one while they are being started. */
};

struct produce_work {
    struct request *request;
    struct conversion conversion;               /* Of the parts that are not as they are to be. */
    struct produce_part *odd_first, **odd_last; /* These, by `next`. */
    size_t odd_count;
    struct produce_response response;
    struct produce_leg *legs; /* Arena; one per shard. */
    int pending;              /* Legs, and one while they are being sent. */
    int16_t acks;
    bool has_error;
    size_t room; /* How many records may still be named that were at fault. */
};

static void refuse(struct produce_part *part, int16_t error)
{
    part->result->error_code = error;
    part->result->base_offset = -1;
    part->result->log_append_time_ms = -1;
    part->result->log_start_offset = -1;
}

static bool names(const struct produce_response *response, int32_t id)
{
    for (int32_t t = 0; t < response->responses_count; t++)
        for (int32_t i = 0; i < response->responses[t].partition_responses_count; i++)
            if (response->responses[t].partition_responses[i].current_leader.leader_id == id)
                return true;
    return false;
}

/* Where the leaders are that the answer names. */
static void add_endpoints(struct produce_work *work)
{
    struct request *request = work->request;
    struct reply_broker *shown;
    size_t count;

    if (!work->has_error || request->header.version < VERSION_LEADERS)
        return;
    count = reply_brokers(request, request->image, false, &shown);
    work->response.node_endpoints =
        request_new(request, (count + 1) * sizeof(*work->response.node_endpoints));
    for (size_t i = 0; i < count; i++)
        if (names(&work->response, shown[i].id))
            work->response.node_endpoints[work->response.node_endpoints_count++] =
                (struct produce_node_endpoint){.node_id = shown[i].id,
                                               .host = shown[i].host,
                                               .port = shown[i].port,
                                               .rack = shown[i].rack};
}

static void finish(struct produce_work *work)
{
    if (work->acks != 0) {
        add_endpoints(work);
        request_answer(work->request, &work->response);
        return;
    }
    /* Nobody waits for an answer: an error is told by closing, as Kafka does. */
    request_end(work->request, work->has_error ? "a batch with acks=0 was refused" : NULL);
}

static void work_part_done(struct produce_work *work)
{
    if (--work->pending == 0)
        finish(work);
}

/* Why a partition refused it. */
static void refuse_append(struct produce_part *part, int outcome)
{
    if (outcome == PARTITION_E_BATCH)
        part->batch_outcome = part->append.batch_outcome;
    refuse(part, error_of_partition(outcome, part->append.batch_outcome));
}

/* On the session's shard: the arena is its own.  With acks=0 there is nobody to hear it. */
static void tell_of_records(struct produce_work *work, struct produce_part *part,
                            struct slice batch)
{
    struct shard *shard = work->request->shard;
    struct partition_config config;
    struct refused_batch refused = {
        .bytes = batch,
        .outcome = part->batch_outcome,
        .rules = &config.rules,
        .topic = slice_text(part->topic->name),
        .partition = part->index,
    };

    if (!part->batch_outcome || work->acks == 0)
        return;
    topic_settings_partition(&shard->settings, part->topic, &config);
    config.rules.now_ms = io_wall_ms(shard->loop.io);
    config.rules.cache = &shard->replicas.inflaters;
    record_errors_tell(&refused, &work->request->arena, &work->room, part->result);
}

/* Back on the session's shard. */
static void leg_done(struct leg *leg)
{
    struct produce_leg *produce_leg = container_of(leg, struct produce_leg, leg);

    for (struct produce_part *part = produce_leg->first; part; part = part->next) {
        tell_of_records(produce_leg->work, part, slice_of(part->append.batch, part->append.size));
        produce_leg->work->has_error |= part->result->error_code != ERROR_NONE;
    }
    work_part_done(produce_leg->work);
}

static void leg_part_done(struct produce_leg *leg)
{
    if (--leg->pending == 0)
        leg_finish(&leg->leg);
}

static void appended(struct append *append, int outcome)
{
    struct produce_part *part = container_of(append, struct produce_part, append);

    if (outcome) {
        refuse_append(part, outcome);
    } else {
        part->result->base_offset = append->base_offset;
        part->result->log_append_time_ms = append->append_time;
        part->result->log_start_offset = append->log_start;
    }
    leg_part_done(part->leg);
}

/* Clients of KIP-951 are told where to go instead. */
static void name_leader(struct produce_work *work, struct produce_part *part)
{
    const struct image_partition *p = &part->topic->partitions[part->index];

    if (part->result->error_code != ERROR_NOT_LEADER_OR_FOLLOWER ||
        work->request->header.version < VERSION_LEADERS)
        return;
    part->result->current_leader.leader_id = p->leader;
    part->result->current_leader.leader_epoch = p->leader_epoch;
}

/* On the home shard of the partition. */
static void append_part(struct produce_leg *leg, struct produce_part *part)
{
    struct shard *shard = leg->leg.to;
    struct traffic *traffic = &shard->replicas.traffic;
    struct partition *partition;
    int16_t error = error_of_place(shard, leg->work->request, part->topic, part->index);
    int r;

    if (error != ERROR_NONE) {
        refuse(part, error);
        name_leader(leg->work, part);
        return;
    }
    r = replicas_get(&shard->replicas, part->topic, part->index, &partition);
    if (r == 0) {
        part->append.acks = leg->work->acks;
        part->append.done = appended;
        leg->pending++;
        r = partition_append(partition, &part->append);
        if (r == 0)
            return; /* Which has counted it. */
        traffic_add(traffic, part->topic->id, TRAFFIC_PRODUCE_REQUESTS, 1);
        if (r == PARTITION_E_TOO_LARGE)
            traffic_add(traffic, part->topic->id, TRAFFIC_BYTES_REJECTED,
                        (int64_t)part->append.size);
        traffic_add(traffic, part->topic->id, TRAFFIC_FAILED_PRODUCE_REQUESTS, 1);
        leg->pending--;
    }
    refuse_append(part, r);
}

static void leg_run(struct leg *leg)
{
    struct produce_leg *produce_leg = container_of(leg, struct produce_leg, leg);

    produce_leg->pending = 1;
    for (struct produce_part *part = produce_leg->first; part; part = part->next)
        append_part(produce_leg, part);
    leg_part_done(produce_leg);
}

/* Why this part cannot even be tried, or 0. */
static int16_t check_part(const struct produce_work *work, const struct image_topic *topic,
                          struct slice name, int32_t index, bool by_id)
{
    struct request *request = work->request;

    if (!authorize(request, ACL_WRITE, topic ? slice_text(topic->name) : name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic)
        return by_id ? ERROR_UNKNOWN_TOPIC_ID : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic_is_internal(slice_text(topic->name)) &&
        !slice_is_text(request->header.client_id, "__admin_client"))
        return ERROR_INVALID_TOPIC_EXCEPTION;
    if (work->acks < -1 || work->acks > 1)
        return ERROR_INVALID_REQUIRED_ACKS;
    return ERROR_NONE;
}

/* What the header of a batch alone is refused for; whether it is one is seen later.
 * Clients of versions before 7 do not know zstd (KIP-110).  Nobody can
 * say yet whether a batch belongs to a transaction, and one that does not would leave it open for
 * ever: it is taken only where the settings say that nobody is to be asked. */
static int16_t check_header(const struct produce_work *work, struct slice records)
{
    const struct settings *settings = work->request->shard->broker->settings;
    const struct produce_request *body = work->request->body;
    struct batch_header header;

    if (records.size == 0)
        return ERROR_INVALID_RECORD;
    if (batch_parse(records, &header) || header.size != records.size)
        return ERROR_NONE;
    if (work->request->header.version < 7 && batch_codec(&header) == COMPRESS_ZSTD)
        return ERROR_UNSUPPORTED_COMPRESSION_TYPE;
    if (!batch_is_transactional(&header))
        return ERROR_NONE;
    if (slice_is_null(body->transactional_id))
        return ERROR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return settings->transaction_partition_verification_enable ? ERROR_INVALID_TXN_STATE
                                                               : ERROR_NONE;
}

/* Puts the part on the leg to its home. */
static void route_part(struct produce_work *work, struct produce_part *part, struct slice batch)
{
    int shards = work->request->shard->broker->shard_count;
    struct produce_leg *leg = &work->legs[partition_home(part->topic->id, part->index, shards)];

    part->append.batch = (uint8_t *)(uintptr_t)batch.data; /* The frame is ours alone. */
    part->append.size = batch.size;
    part->leg = leg;
    part->next = NULL;
    if (!leg->work) {
        leg->work = work;
        leg->last = &leg->first;
        leg->leg = (struct leg){.run = leg_run, .done = leg_done};
        work->pending++;
    }
    *leg->last = part;
    leg->last = &part->next;
}

static void refuse_early(struct produce_work *work, struct produce_part *part, int16_t error)
{
    refuse(part, error);
    work->has_error = true;
}

/* --- conversion -------------------------------------------------------------- */

static void release(struct request *request)
{
    struct produce_work *work = request->work;

    conversion_fini(&work->conversion);
}

/* Notes what is to be converted. */
static void add_odd_part(struct produce_work *work, struct produce_part *part, struct slice set)
{
    part->append.batch = (uint8_t *)(uintptr_t)set.data;
    part->append.size = set.size;
    *work->odd_last = part;
    work->odd_last = &part->next;
    work->odd_count++;
}

static void start_legs(struct produce_work *work)
{
    struct shard *shard = work->request->shard;
    int shards = shard->broker->shard_count;

    for (int i = 0; i < shards; i++)
        if (work->legs[i].work)
            leg_send(&work->legs[i].leg, shard, &shard->broker->shards[i]);
}

static void refuse_conversion(struct produce_work *work, struct produce_part *part,
                              const struct conversion_item *item)
{
    refuse_early(work, part, error_of_partition(PARTITION_E_BATCH, item->outcome));
    part->batch_outcome = item->is_batch ? item->outcome : 0;
    tell_of_records(work, part, item->set);
}

/* What came out goes on as if it had been sent so; then whatever waited behind it. */
static void converted(struct conversion *conversion)
{
    struct produce_work *work = container_of(conversion, struct produce_work, conversion);
    struct conversion_item *item = conversion->items;
    struct request *request = work->request;
    struct produce_part *next;

    for (struct produce_part *part = work->odd_first; part; part = next, item++) {
        next = part->next;
        if (item->outcome)
            refuse_conversion(work, part, item);
        else
            route_part(work, part, text_slice(&item->out));
    }
    start_legs(work);
    request->is_converting = false;
    if (request->session)
        session_start_held(request->session);
    work_part_done(work);
}

/* Starts the conversion of all sets, or refuses them. */
static bool convert(struct produce_work *work)
{
    struct request *request = work->request;
    struct conversion_item *item = request_new(request, work->odd_count * sizeof(*item));
    const struct settings *settings = &request->shard->settings;

    work->conversion = (struct conversion){
        .shard = request->shard, .items = item, .count = work->odd_count, .done = converted};
    for (struct produce_part *part = work->odd_first; part; part = part->next) {
        enum compress_codec codec = topic_settings_codec(settings, part->topic);

        *item++ = (struct conversion_item){
            .set = slice_of(part->append.batch, part->append.size),
            .is_batch = !part->is_old,
            .codec = codec,
            .level = topic_settings_level(settings, part->topic, codec),
        };
    }
    request->work = work;
    request->release = release;
    request->is_converting = conversion_start(&work->conversion) == 0;
    if (!request->is_converting)
        for (struct produce_part *part = work->odd_first; part; part = part->next)
            refuse_early(work, part, ERROR_REQUEST_TIMED_OUT); /* Clients try again. */
    return request->is_converting;
}

/* True if the topic has its batches compressed otherwise.  What will be refused is left alone:
 * so that it is by who refuses all others.  Control batches are not compressed. */
static bool is_to_be_compressed(const struct produce_work *work, const struct image_topic *topic,
                                struct slice records)
{
    const struct settings *settings = &work->request->shard->settings;
    enum compress_codec codec = topic_settings_codec(settings, topic);
    struct partition_config config;
    struct batch_header header;

    if (codec == COMPRESS_CODEC_COUNT || batch_parse(records, &header) ||
        header.size != records.size || batch_is_control(&header) || batch_codec(&header) == codec)
        return false;
    topic_settings_partition(settings, topic, &config);
    return records.size <= (size_t)config.log.max_message_bytes;
}

/* --- the request ------------------------------------------------------------ */

static void add_part(struct produce_work *work, struct produce_part *part,
                     const struct produce_topic_produce_data *data, const struct image_topic *topic,
                     const struct produce_partition_produce_data *partition)
{
    int16_t version = work->request->header.version;
    int16_t error = check_part(work, topic, data->name, partition->index, version >= 13);
    struct slice records = partition->records.bytes;

    part->is_old = version < 3 && !slice_is_null(records) && old_is_set(records);
    part->result->index = partition->index;
    if (error == ERROR_NONE && !part->is_old)
        error = check_header(work, records);
    if (error != ERROR_NONE) {
        refuse_early(work, part, error);
        return;
    }
    part->topic = topic;
    part->index = partition->index;
    if (part->is_old && records.size == 0) /* Is taken and appends nothing, as in Kafka 3.9. */
        refuse(part, ERROR_NONE);
    else if (part->is_old || is_to_be_compressed(work, topic, records))
        add_odd_part(work, part, records);
    else
        route_part(work, part, records);
}

static void add_topic(struct produce_work *work, const struct produce_topic_produce_data *data,
                      struct produce_topic_produce_response *out)
{
    struct request *request = work->request;
    size_t count = (size_t)max_of(data->partition_data_count, 0);
    struct produce_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    const struct image_topic *topic =
        reply_find_topic(request, data->name, data->topic_id, request->header.version >= 13);

    out->name = data->name;
    out->topic_id = data->topic_id;
    out->partition_responses =
        request_new(request, (count + 1) * sizeof(*out->partition_responses));
    out->partition_responses_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        parts[i].result = &out->partition_responses[i];
        parts[i].result->current_leader.leader_id = -1;
        parts[i].result->current_leader.leader_epoch = -1;
        add_part(work, &parts[i], data, topic, &data->partition_data[i]);
    }
}

void handle_produce(struct request *request)
{
    const struct produce_request *body = request->body;
    struct produce_work *work = request_new(request, sizeof(*work));
    size_t topics = (size_t)max_of(body->topic_data_count, 0);
    int shards = request->shard->broker->shard_count;

    work->request = request;
    work->acks = body->acks;
    work->pending = 1;
    work->room = RECORD_ERRORS_MAX;
    work->odd_last = &work->odd_first;
    work->legs = request_new(request, (size_t)shards * sizeof(*work->legs));
    codec_defaults(&produce_response_message, &work->response);
    work->response.responses =
        request_new(request, (topics + 1) * sizeof(*work->response.responses));
    work->response.responses_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topic_data[i], &work->response.responses[i]);
    if (work->odd_count && convert(work))
        return;
    start_legs(work);
    work_part_done(work);
}
