/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_fetch.c - records out of partitions, waiting a while if there are none.
 *
 *      read --- enough, an error, or too late? --- yes --> answer
 *        ^              | no
 *        |              v
 *        +--- woken --- wait on every partition ----+
 *              by any partition, the deadline, or the client's end
 *
 * It is not too late while nothing was found and what there is lay on disk: that is read through
 * first (replica/verifier.h), which takes its time as reading from a disk does.
 *
 * Reading and waiting happen on the home shards of the partitions, each shard one leg.
 * A wait that ends on one shard is called off on the others, and everything is read
 * again.  Records are not touched: the answer names ranges of files, which sendfile
 * puts on the socket.
 *
 * Clients of before Kafka 0.11 (versions 0 to 3) get messages of formats 0 and 1, which a
 * worker makes of what was found (broker/conversion.h).
 *
 * What is fetched comes from the request or, in an incremental one, from the session that it
 * names (broker/fetch_session.h).
 */

#include "broker/conversion.h"
#include "broker/dispatch.h"
#include "broker/fetch_session.h"
#include "broker/reply.h"
#include "wire/msg/fetch.h"

enum {
    VERSION_LEADERS = 12,       /* From here on clients hear who leads instead, */
    VERSION_ENDPOINTS = 16,     /* and from here on where that is. */
    VERSION_BATCHES = 4,        /* From here on clients know batches; */
    VERSION_TIMES = 2,          /* and from here on messages of format 1. */
    VERSION_FIRST_IS_WHOLE = 3, /* Before, each partition is cut at its limit (KIP-74). */
    CONVERTED_MAX = 1 << 20,    /* What is converted for one answer, about. */
};

enum { ISOLATION_COMMITTED = 1 }; /* Else what is not committed yet is read as well. */

struct fetch_part {
    struct partition_read read;
    struct fetch_wait wait;
    struct fetch_part *next; /* On the same leg. */
    struct fetch_leg *leg;
    const struct image_topic *topic; /* NULL if there is none. */
    struct slice name;               /* As the request or the session names the topic. */
    struct uuid topic_id;
    const struct fetch_partition *wanted; /* Borrowed from there, too. */
    struct fetch_entry *entry;            /* Of the session, or NULL. */
    struct fetch_partition_data result;
};

enum leg_step { LEG_READ, LEG_WAIT };

struct fetch_leg {
    struct leg leg;
    struct leg cancel; /* Calls a wait off. */
    struct fetch_work *work;
    struct fetch_part *first, **last;
    enum leg_step step;
    size_t bytes_max;
    bool is_waiting;     /* On its home: the wait has not ended. */
    bool is_outstanding; /* On the session's shard: it has not come back. */
};

struct fetch_work {
    struct request *request;
    struct fetch_session *session; /* Busy with us, or NULL. */
    bool is_incremental;           /* Only news are told. */
    struct fetch_part *parts;      /* Arena. */
    size_t part_count;
    struct fetch_leg *legs; /* Arena; one per shard. */
    int leg_count;          /* Shards that are asked. */
    int pending;
    int64_t deadline_us;
    struct loop_timer deadline;
    struct conversion conversion;   /* Of the parts that found something. */
    struct fetch_part **converting; /* Arena; which go with its items. */
    size_t bytes;                   /* What the last reading found. */
    bool has_error;
    bool is_held_back; /* There is more, which is not verified yet. */
    bool is_over;      /* The deadline passed or the client has gone. */
    bool is_gone;      /* The client has. */
    bool is_waiting;   /* Wait legs are out. */
    bool is_cancelling;
};

static void next_round(struct fetch_work *work);

/* --- on the home shard ------------------------------------------------------ */

/* The client sees an error only with the fields that it has then. */
static void refuse(struct fetch_part *part, int16_t error)
{
    part->result.error_code = error;
    part->result.high_watermark = -1;
    part->result.last_stable_offset = -1;
    part->result.log_start_offset = -1;
    part->result.records = (struct wire_records){.bytes = slice_empty()};
}

static bool is_committed(const struct fetch_work *work)
{
    const struct fetch_request *body = work->request->body;

    return body->isolation_level == ISOLATION_COMMITTED;
}

static int16_t check_epoch(const struct partition *p, int32_t epoch)
{
    if (epoch < 0 || epoch == p->leader_epoch) /* A client that knows none says -1. */
        return ERROR_NONE;
    return epoch < p->leader_epoch ? ERROR_FENCED_LEADER_EPOCH : ERROR_UNKNOWN_LEADER_EPOCH;
}

/* Before version 6 clients did not know KAFKA_STORAGE_ERROR. */
static int16_t error_for_version(int16_t error, int16_t version)
{
    return version <= 5 && error == ERROR_KAFKA_STORAGE_ERROR ? ERROR_NOT_LEADER_OR_FOLLOWER
                                                              : error;
}

/* Clients of KIP-951 are told where to go instead. */
static void name_leader(struct fetch_work *work, struct fetch_part *part)
{
    const struct image_partition *p = &part->topic->partitions[part->wanted->partition];

    if (work->request->header.version < VERSION_LEADERS)
        return;
    part->result.current_leader.leader_id = p->leader;
    part->result.current_leader.leader_epoch = p->leader_epoch;
}

static int16_t open_part(struct fetch_leg *leg, struct fetch_part *part, struct partition **out)
{
    struct shard *shard = leg->leg.to;
    int16_t error;
    int r;

    error = error_of_place(shard, leg->work->request, part->topic, part->wanted->partition);
    if (error == ERROR_NOT_LEADER_OR_FOLLOWER)
        name_leader(leg->work, part);
    if (error != ERROR_NONE)
        return error;
    r = replicas_look(&shard->replicas, part->topic, part->wanted->partition, out);
    if (r)
        return error_of_partition(r, 0);
    return check_epoch(*out, part->wanted->current_leader_epoch);
}

static bool is_old(const struct fetch_work *work)
{
    return work->request->header.version < VERSION_BATCHES;
}

/* Whether the first batch is read whole, so that the client gets on. */
static bool is_one_owed(const struct fetch_leg *leg, size_t bytes)
{
    int16_t version = leg->work->request->header.version;

    return bytes == 0 || (version < VERSION_FIRST_IS_WHOLE && bytes < leg->bytes_max);
}

static void read_part(struct fetch_leg *leg, struct fetch_part *part, size_t *bytes)
{
    size_t wanted = (size_t)max_of(part->wanted->partition_max_bytes, 0);
    struct partition *p = NULL;
    int16_t error = open_part(leg, part, &p);
    int r;

    if (error == ERROR_NONE) {
        part->read.offset = part->wanted->fetch_offset;
        part->read.bytes_max =
            *bytes < leg->bytes_max ? min_of(wanted, leg->bytes_max - *bytes) : 0;
        part->read.at_least_one = is_one_owed(leg, *bytes);
        part->read.is_committed = is_committed(leg->work);
        r = partition_read(p, &part->read);
        error = error_of_partition(r, 0);
    }
    if (error != ERROR_NONE) {
        refuse(part, error_for_version(error, leg->work->request->header.version));
        return;
    }
    *bytes += part->read.range.size;
    part->result.error_code = ERROR_NONE;
    part->result.high_watermark = part->read.high_watermark;
    part->result.last_stable_offset = part->read.stable;
    part->result.log_start_offset = part->read.log_start;
    part->result.records = (struct wire_records){.bytes = slice_empty()};
    if (part->read.range.size > 0)
        part->result.records = (struct wire_records){.source = &part->read.range,
                                                     .source_size = part->read.range.size};
}

static void read_leg(struct fetch_leg *leg)
{
    size_t bytes = 0;

    for (struct fetch_part *part = leg->first; part; part = part->next)
        read_part(leg, part, &bytes);
    leg_finish(&leg->leg);
}

static void end_wait(struct fetch_leg *leg)
{
    leg->is_waiting = false;
    for (struct fetch_part *part = leg->first; part; part = part->next)
        list_remove(&part->wait.node);
    leg_finish(&leg->leg);
}

static void woken(struct fetch_wait *wait)
{
    struct fetch_part *part = container_of(wait, struct fetch_part, wait);

    if (part->leg->is_waiting)
        end_wait(part->leg);
}

/* Waits on all partitions of the leg, unless one has moved since it was read. */
static void wait_leg(struct fetch_leg *leg)
{
    struct shard *shard = leg->leg.to;
    bool has_moved = false;

    leg->is_waiting = true;
    for (struct fetch_part *part = leg->first; part; part = part->next) {
        struct partition *p =
            replicas_find(&shard->replicas, part->topic->id, part->wanted->partition);

        has_moved |= !p || p->is_failed || p->high_watermark != part->read.high_watermark ||
                     (part->read.is_held_back && !p->verification);
        if (p) {
            part->wait.wake = woken;
            partition_wait(p, &part->wait);
        }
    }
    if (has_moved)
        end_wait(leg);
}

static void leg_run(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, leg);

    if (fetch_leg->step == LEG_READ)
        read_leg(fetch_leg);
    else
        wait_leg(fetch_leg);
}

static void cancel_run(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, cancel);

    if (fetch_leg->is_waiting)
        end_wait(fetch_leg);
    leg_finish(leg);
}

/* --- on the session's shard ------------------------------------------------- */

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
    loop_timer_cancel(&request->shard->loop, &work->deadline);
    release_ranges(work);
    conversion_fini(&work->conversion);
}

/* Calls off every wait that is still out; each is one more thing to wait for. */
static void cancel_waits(struct fetch_work *work)
{
    struct shard *shard = work->request->shard;

    if (!work->is_waiting || work->is_cancelling)
        return;
    work->is_cancelling = true;
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
    if (fetch_leg->step == LEG_READ)
        for (struct fetch_part *part = fetch_leg->first; part; part = part->next) {
            list_aborted(work, part);
            work->bytes += part->read.range.size;
            work->has_error |= part->result.error_code != ERROR_NONE;
            work->is_held_back |= part->read.is_held_back;
        }
    if (--work->pending == 0)
        next_round(work);
    else
        cancel_waits(work);
}

static void cancel_done(struct leg *leg)
{
    struct fetch_work *work = container_of(leg, struct fetch_leg, cancel)->work;

    if (--work->pending == 0)
        next_round(work);
}

static void send_legs(struct fetch_work *work, enum leg_step step)
{
    struct shard *shard = work->request->shard;
    const struct fetch_request *body = work->request->body;
    int64_t bytes_max = min_of((int64_t)body->max_bytes, shard->settings.fetch_max_bytes);

    if (is_old(work))
        bytes_max = min_of(bytes_max, (int64_t)CONVERTED_MAX);
    work->pending = 1;
    for (int i = 0; i < shard->broker->shard_count; i++) {
        struct fetch_leg *leg = &work->legs[i];

        if (!leg->first)
            continue;
        if (work->is_cancelling)
            break; /* One of the waits ended at once: the others need not begin. */
        leg->step = step;
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

    if (!work->has_error || request->header.version < VERSION_ENDPOINTS)
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

static void answer(struct fetch_work *work)
{
    struct fetch_response response;

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
        refuse(part, error_of_conversion(item->outcome));
        part->result.records.bytes = slice_null();
        return;
    }
    if (work->request->header.version < VERSION_FIRST_IS_WHOLE)
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
            .magic = request->header.version >= VERSION_TIMES,
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
    bool was_waiting = work->is_waiting;

    work->is_waiting = work->is_cancelling = false;
    if (was_waiting) {
        work->bytes = 0;
        work->is_held_back = false;
        send_legs(work, LEG_READ);
        return;
    }
    if (is_enough(work)) {
        if (is_old(work) && work->request->session)
            convert(work);
        else
            answer(work);
        return;
    }
    release_ranges(work); /* Too little; it will be found again. */
    work->is_waiting = true;
    if (!work->is_over)
        loop_timer_set(&work->request->shard->loop, &work->deadline, work->deadline_us);
    send_legs(work, LEG_WAIT);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct fetch_work *work = container_of(timer, struct fetch_work, deadline);

    work->is_over = true;
    cancel_waits(work);
}

static void abandoned(struct request *request)
{
    struct fetch_work *work = request->work;

    work->is_over = work->is_gone = true;
    cancel_waits(work);
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

    if (!leg->first) {
        leg->work = work;
        leg->last = &leg->first;
        leg->leg = (struct leg){.run = leg_run, .done = leg_done};
        leg->cancel = (struct leg){.run = cancel_run, .done = cancel_done};
        work->leg_count++;
    }
    part->leg = leg;
    *leg->last = part;
    leg->last = &part->next;
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
    else if (error != ERROR_NONE || is_committed(work))
        part->result.aborted_transactions_count = 0; /* Empty is not the same as null. */
    if (error != ERROR_NONE)
        refuse(part, error); /* As in Kafka, that alone does not end the wait for the others. */
}

/* Puts the parts on their legs, in the order in which they are served.  Before version 3
 * clients always ask in the same one: so that it is not always the last that find the answer
 * full, another begins each time. */
static void route_parts(struct fetch_work *work)
{
    const struct request *request = work->request;
    size_t first = 0;

    if (request->header.version < VERSION_FIRST_IS_WHOLE && work->part_count)
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
    work->deadline.fire = deadline_passed;
    work->deadline_us = shard->loop.now_us + (int64_t)max_of(body->max_wait_ms, 0) * 1000;
    work->is_over = body->max_wait_ms <= 0;
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
    send_legs(work, LEG_READ);
}
