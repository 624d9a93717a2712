/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_fetch.c - records out of partitions, waiting a while if there are none.
 *
 * Reading and waiting happen on the home shards of the partitions, each shard one leg
 * (broker/fetch_leg.h).  What comes back from one shard is called off on the others.  Where all of
 * it together is less than the client waits for, the legs go out again, and wait for something new.
 *
 * Records are not touched: the answer names ranges of files, which sendfile puts on the socket.
 *
 * Clients of before Kafka 0.11 (versions 0 to 3) get messages of formats 0 and 1, which a
 * worker makes of what was found (broker/conversion.h).
 *
 * What is fetched comes from the request or, in an incremental one, from the session that it
 * names (broker/fetch_session.h).
 */

#include "broker/conversion.h"
#include "broker/dispatch.h"
#include "broker/fetch_leg.h"
#include "broker/reply.h"

enum { CONVERTED_MAX = 1 << 20 }; /* What is converted for one answer, about. */

struct fetch_work {
    struct request *request;
    struct fetch_session *session; /* Busy with us, or NULL. */
    bool is_incremental;           /* Only news are told. */
    struct fetch_part *parts;      /* Arena. */
    size_t part_count;
    struct fetch_leg *legs; /* Arena; one per shard. */
    int leg_count;          /* Shards that are asked. */
    int pending;            /* Legs that are out, and one while they are being sent. */
    int64_t deadline_us;
    struct conversion conversion;   /* Of the parts that found something. */
    struct fetch_part **converting; /* Arena; which go with its items. */
    size_t bytes;                   /* What the last reading found. */
    bool has_error;
    bool is_held_back; /* There is more, which is not verified yet. */
    bool is_over;      /* The deadline passed. */
    bool is_gone;      /* The client has. */
    bool is_calling_off;
};

static void next_round(struct fetch_work *work);

static void release_ranges(struct fetch_work *work)
{
    for (size_t i = 0; i < work->part_count; i++)
        partition_read_release(&work->parts[i].read);
}

static void rest_session(struct fetch_work *work)
{
    if (work->session)
        fetch_session_rest(work->session);
    work->session = NULL;
}

static void release(struct request *request)
{
    struct fetch_work *work = request->work;

    rest_session(work);
    release_ranges(work);
    conversion_fini(&work->conversion);
}

/* Calls off every leg that is still out; each is one more thing to wait for. */
static void call_off(struct fetch_work *work)
{
    struct shard *shard = work->request->shard;

    if (work->pending == 0 || work->is_calling_off)
        return;
    work->is_calling_off = true;
    work->pending++;
    for (int i = 0; i < shard->broker->shard_count; i++) {
        struct fetch_leg *leg = &work->legs[i];

        if (!leg->is_outstanding)
            continue;
        work->pending++;
        leg_send(&leg->cancel, shard, &shard->broker->shards[i]);
    }
    if (--work->pending == 0)
        next_round(work);
}

/* The transactions whose records the client must leave out. */
static void list_aborted(struct fetch_work *work, struct fetch_part *part)
{
    const struct text *aborted = &part->read.aborted;
    size_t count = aborted->size / sizeof(struct txn_entry);
    struct fetch_aborted_transaction *list;

    if (part->result.aborted_transactions_count < 0)
        return; /* The client reads everything: null. */
    list = request_new(work->request, (count + 1) * sizeof(*list));
    part->result.aborted_transactions = list;
    part->result.aborted_transactions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        struct txn_entry entry;

        memcpy(&entry, aborted->data + i * sizeof(entry), sizeof(entry));
        list[i].producer_id = entry.producer_id;
        list[i].first_offset = entry.first_offset;
    }
}

static void leg_done(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, leg);
    struct fetch_work *work = fetch_leg->work;

    fetch_leg->is_outstanding = false;
    for (struct fetch_part *part = fetch_leg->first; part; part = part->next)
        list_aborted(work, part);
    work->bytes += fetch_leg->bytes;
    work->has_error |= fetch_leg->has_error;
    work->is_held_back |= fetch_leg->is_held_back;
    work->is_over |= fetch_leg->is_over;
    if (--work->pending == 0)
        next_round(work);
    else if (fetch_leg->bytes > 0 || fetch_leg->has_error)
        call_off(work);
}

static void cancel_done(struct leg *leg)
{
    struct fetch_work *work = container_of(leg, struct fetch_leg, cancel)->work;

    if (--work->pending == 0)
        next_round(work);
}

/* The one that is here first: if it finds something at once, the others need not wait. */
static void send_legs(struct fetch_work *work, bool waits_first)
{
    struct shard *shard = work->request->shard;
    const struct fetch_request *body = work->request->body;
    int64_t bytes_max = min_of((int64_t)body->max_bytes, shard->settings.fetch_max_bytes);
    size_t bytes_min = (size_t)max_of(body->min_bytes, 0);
    int shards = shard->broker->shard_count;

    if (fetch_is_old(work->request))
        bytes_max = min_of(bytes_max, (int64_t)CONVERTED_MAX);
    work->bytes = 0;
    work->is_held_back = false;
    work->pending = 1;
    for (int n = 0; n < shards; n++) {
        int i = (shard->index + n) % shards;
        struct fetch_leg *leg = &work->legs[i];

        if (!leg->first)
            continue;
        leg->waits_first = waits_first;
        leg->is_called_off = work->is_calling_off;
        leg->bytes_min = work->leg_count > 1 ? min_of(bytes_min, (size_t)1) : bytes_min;
        leg->bytes_max = (size_t)max_of(bytes_max, (int64_t)0) / (size_t)work->leg_count;
        leg->is_outstanding = true;
        work->pending++;
        leg_send(&leg->leg, shard, &shard->broker->shards[i]);
    }
    if (--work->pending == 0)
        next_round(work);
}

static bool is_enough(const struct fetch_work *work)
{
    const struct fetch_request *body = work->request->body;

    if (work->is_gone || work->has_error || work->leg_count == 0)
        return true;
    if (work->bytes == 0 && work->is_held_back)
        return false;
    return work->is_over || (int64_t)work->bytes >= (int64_t)body->min_bytes;
}

static bool is_same_topic(const struct fetch_part *a, const struct fetch_part *b)
{
    return uuid_equal(a->topic_id, b->topic_id) && slice_equal(a->name, b->name);
}

/* Sorts the parts that the client must hear of under their topics. */
static void list_parts(struct fetch_work *work, struct fetch_response *response)
{
    struct request *request = work->request;
    struct fetch_partition_data *data =
        request_new(request, (work->part_count + 1) * sizeof(*data));
    struct fetch_fetchable_topic_response *topic = NULL;
    const struct fetch_part *before = NULL;

    response->responses =
        request_new(request, (work->part_count + 1) * sizeof(*response->responses));
    for (size_t i = 0; i < work->part_count; i++) {
        const struct fetch_part *part = &work->parts[i];
        bool has_news = !part->entry || fetch_entry_tell(work->session, part->entry, &part->result,
                                                         part->read.range.size > 0);

        if (work->is_incremental && !has_news)
            continue;
        if (!topic || !is_same_topic(before, part)) {
            topic = &response->responses[response->responses_count++];
            topic->topic = part->name;
            topic->topic_id = part->topic_id;
            topic->partitions = data;
        }
        *data++ = part->result;
        topic->partitions_count++;
        before = part;
    }
}

static bool names(const struct fetch_work *work, int32_t id)
{
    for (size_t i = 0; i < work->part_count; i++)
        if (work->parts[i].result.current_leader.leader_id == id)
            return true;
    return false;
}

/* Where the leaders are that the answer names (KIP-951). */
static void add_endpoints(struct fetch_work *work, struct fetch_response *response)
{
    struct request *request = work->request;
    struct reply_broker *shown;
    size_t count;

    if (!work->has_error || request->header.version < FETCH_VERSION_ENDPOINTS)
        return;
    count = reply_brokers(request, request->image, false, &shown);
    response->node_endpoints =
        request_new(request, (count + 1) * sizeof(*response->node_endpoints));
    for (size_t i = 0; i < count; i++)
        if (names(work, shown[i].id))
            response->node_endpoints[response->node_endpoints_count++] =
                (struct fetch_node_endpoint){.node_id = shown[i].id,
                                             .host = shown[i].host,
                                             .port = shown[i].port,
                                             .rack = shown[i].rack};
}

static void count_bytes(const struct fetch_work *work)
{
    struct request *request = work->request;

    for (size_t i = 0; request->session && i < work->part_count; i++)
        if (work->parts[i].read.range.size > 0)
            traffic_add(&request->shard->replicas.traffic, work->parts[i].topic->id,
                        TRAFFIC_BYTES_OUT, (int64_t)work->parts[i].read.range.size);
}

static void answer(struct fetch_work *work)
{
    struct fetch_response response;

    count_bytes(work);
    codec_defaults(&fetch_response_message, &response);
    response.session_id = work->session ? work->session->id : 0;
    list_parts(work, &response);
    add_endpoints(work, &response);
    rest_session(work);
    request_answer(work->request, &response);
}

/* --- clients of before Kafka 0.11 -------------------------------------------- */

static int16_t error_of_conversion(int outcome)
{
    if (outcome < 0)
        return ERROR_NOT_LEADER_OR_FOLLOWER; /* These clients know no error of storage. */
    switch ((enum batch_outcome)outcome) {
    case BATCH_E_CODEC: return ERROR_UNSUPPORTED_COMPRESSION_TYPE;
    case BATCH_E_NO_MEMORY: return ERROR_MESSAGE_TOO_LARGE;
    case BATCH_E_SHORT:
    case BATCH_E_MALFORMED:
    case BATCH_E_MAGIC:
    case BATCH_E_CRC:
    case BATCH_E_RECORD:
    case BATCH_E_TIMESTAMP:
    case BATCH_E_COMPRESSED: break;
    }
    return outcome ? ERROR_CORRUPT_MESSAGE : ERROR_NONE;
}

static void take_messages(struct fetch_work *work, struct fetch_part *part,
                          const struct conversion_item *item)
{
    struct slice messages = text_slice(&item->out);

    if (item->outcome) {
        fetch_part_refuse(part, error_of_conversion(item->outcome));
        part->result.records.bytes = slice_null();
        return;
    }
    if (work->request->header.version < FETCH_VERSION_FIRST_IS_WHOLE)
        messages.size = min_of(messages.size, part->read.bytes_max);
    part->result.records = (struct wire_records){.bytes = messages};
}

static void converted(struct conversion *conversion)
{
    struct fetch_work *work = container_of(conversion, struct fetch_work, conversion);

    for (size_t i = 0; i < conversion->count; i++)
        take_messages(work, work->converting[i], &conversion->items[i]);
    answer(work);
}

/* Has what was found made messages, and answers then. */
static void convert(struct fetch_work *work)
{
    struct request *request = work->request;
    struct conversion_item *items = request_new(request, work->part_count * sizeof(*items));
    size_t count = 0;

    work->converting = request_new(request, work->part_count * sizeof(struct fetch_part *));
    for (size_t i = 0; i < work->part_count; i++) {
        struct fetch_part *part = &work->parts[i];

        if (!part->read.range.size)
            continue;
        part->result.records = (struct wire_records){.bytes = slice_empty()};
        items[count].range = &part->read.range;
        items[count].wish = (struct old_wish){
            .magic = request->header.version >= FETCH_VERSION_TIMES,
            .from = part->wanted->fetch_offset,
            .size_max = part->read.bytes_max,
        };
        work->converting[count++] = part;
    }
    work->conversion = (struct conversion){
        .shard = request->shard, .items = items, .count = count, .done = converted};
    if (!count || conversion_start(&work->conversion))
        answer(work); /* Without records, if there is no room for them: the client asks again. */
}

/* Everything that was sent has come back: answer, or the next step. */
static void next_round(struct fetch_work *work)
{
    work->is_calling_off = false;
    if (is_enough(work)) {
        if (fetch_is_old(work->request) && work->request->session)
            convert(work);
        else
            answer(work);
        return;
    }
    release_ranges(work); /* Too little; it will be found again. */
    send_legs(work, true);
}

static void abandoned(struct request *request)
{
    struct fetch_work *work = request->work;

    work->is_gone = true;
    call_off(work);
}

/* --- the request ------------------------------------------------------------ */

/* Who asks: a follower's number, or below 0. */
static int32_t replica_of(const struct request *request)
{
    const struct fetch_request *body = request->body;

    return request->header.version >= 15 ? body->replica_state.replica_id : body->replica_id;
}

static int16_t check_part(const struct request *request, const struct fetch_part *part)
{
    bool by_id = request->header.version >= 13;
    int32_t index = part->wanted->partition;

    if (!authorize(request, ACL_READ, part->topic ? slice_text(part->topic->name) : part->name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!part->topic)
        return by_id ? ERROR_UNKNOWN_TOPIC_ID : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (index < 0 || index >= part->topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return ERROR_NONE;
}

/* Puts the part on the leg to its home. */
static void route_part(struct fetch_work *work, struct fetch_part *part)
{
    struct shard *shard = work->request->shard;
    struct fetch_leg *leg = &work->legs[partition_home(part->topic->id, part->wanted->partition,
                                                       shard->broker->shard_count)];

    if (!leg->work) {
        fetch_leg_init(leg, work->request, work, leg_done, cancel_done);
        leg->deadline_us = work->deadline_us;
        work->leg_count++;
    }
    fetch_leg_add(leg, part);
}

static void add_part(struct fetch_work *work, struct slice name, struct uuid topic_id,
                     const struct fetch_partition *wanted, struct fetch_entry *entry)
{
    struct request *request = work->request;
    struct fetch_part *part = &work->parts[work->part_count++];
    int16_t error;

    part->name = name;
    part->topic_id = topic_id;
    part->topic = reply_find_topic(request, name, topic_id, request->header.version >= 13);
    part->wanted = wanted;
    part->entry = entry;
    part->result = (struct fetch_partition_data){
        .partition_index = wanted->partition,
        .diverging_epoch = {.epoch = -1, .end_offset = -1},
        .current_leader = {.leader_id = -1, .leader_epoch = -1},
        .snapshot_id = {.end_offset = -1, .epoch = -1},
        .preferred_read_replica = -1,
        .aborted_transactions_count = -1,
    };
    error = check_part(request, part);
    if (error == ERROR_NONE && replica_of(request) >= 0)
        error = ERROR_NOT_LEADER_OR_FOLLOWER; /* No partition has another replica. */
    else if (error != ERROR_NONE || fetch_is_committed(request))
        part->result.aborted_transactions_count = 0; /* Empty is not the same as null. */
    if (error != ERROR_NONE)
        fetch_part_refuse(
            part, error); /* As in Kafka, that alone does not end the wait for the others. */
}

/* Puts the parts on their legs, in the order in which they are served.  Before version 3
 * clients always ask in the same one: so that it is not always the last that find the answer
 * full, another begins each time. */
static void route_parts(struct fetch_work *work)
{
    const struct request *request = work->request;
    size_t first = 0;

    if (request->header.version < FETCH_VERSION_FIRST_IS_WHOLE && work->part_count)
        first = request->shard->requests % work->part_count;
    for (size_t i = 0; i < work->part_count; i++) {
        struct fetch_part *part = &work->parts[(first + i) % work->part_count];

        if (part->result.error_code == ERROR_NONE)
            route_part(work, part);
    }
}

static void add_all_of_request(struct fetch_work *work)
{
    const struct fetch_request *body = work->request->body;
    size_t count = 0;

    for (int32_t i = 0; i < body->topics_count; i++)
        count += (size_t)max_of(body->topics[i].partitions_count, 0);
    work->parts = request_new(work->request, (count + 1) * sizeof(*work->parts));
    for (int32_t i = 0; i < body->topics_count; i++) {
        const struct fetch_topic *topic = &body->topics[i];

        for (int32_t k = 0; k < topic->partitions_count; k++)
            add_part(work, topic->topic, topic->topic_id, &topic->partitions[k], NULL);
    }
}

static void add_all_of_session(struct fetch_work *work)
{
    struct fetch_session *session = work->session;

    work->parts = request_new(work->request, (session->by_key.count + 1) * sizeof(*work->parts));
    list_each (node, &session->entries) {
        struct fetch_entry *entry = container_of(node, struct fetch_entry, order);

        add_part(work, entry->topic, entry->topic_id, &entry->wanted, entry);
    }
}

static int16_t error_of_session(int outcome)
{
    switch ((enum fetch_session_outcome)outcome) {
    case FETCH_SESSION_E_UNKNOWN: return ERROR_FETCH_SESSION_ID_NOT_FOUND;
    case FETCH_SESSION_E_EPOCH: return ERROR_INVALID_FETCH_SESSION_EPOCH;
    case FETCH_SESSION_E_TOPIC_IDS: return ERROR_FETCH_SESSION_TOPIC_ID_ERROR;
    }
    return ERROR_NONE;
}

/* Finds, makes or ends the session that the request is about. */
static int16_t open_session(struct fetch_work *work)
{
    const struct fetch_request *body = work->request->body;
    struct shard *shard = work->request->shard;
    bool by_id = work->request->header.version >= 13;

    if (work->request->header.version < 7)
        return ERROR_NONE;
    if (body->session_epoch != FETCH_SESSION_NEW && body->session_epoch != FETCH_SESSION_FINAL) {
        int r = fetch_sessions_use(&shard->fetch_sessions, body, by_id, shard->loop.now_us,
                                   &work->session);

        work->is_incremental = true;
        return error_of_session(r);
    }
    if (body->session_id != 0)
        fetch_sessions_end(&shard->fetch_sessions, body->session_id);
    if (body->session_epoch == FETCH_SESSION_NEW)
        work->session = fetch_sessions_make(&shard->fetch_sessions, shard->loop.io, body, by_id,
                                            shard->loop.now_us);
    return ERROR_NONE;
}

static void answer_error(struct request *request, int16_t error)
{
    struct fetch_response response;

    codec_defaults(&fetch_response_message, &response);
    response.error_code = error;
    request_answer(request, &response);
}

void handle_fetch(struct request *request)
{
    const struct fetch_request *body = request->body;
    struct fetch_work *work = request_new(request, sizeof(*work));
    struct shard *shard = request->shard;
    int16_t error;

    work->request = request;
    work->legs = request_new(request, (size_t)shard->broker->shard_count * sizeof(*work->legs));
    work->deadline_us = shard->loop.now_us + (int64_t)max_of(body->max_wait_ms, 0) * 1000;
    request->work = work;
    request->release = release;
    request->abandoned = abandoned;
    error = open_session(work);
    if (error != ERROR_NONE) {
        answer_error(request, error);
        return;
    }
    if (work->session)
        add_all_of_session(work);
    else
        add_all_of_request(work);
    route_parts(work);
    send_legs(work, false);
}
