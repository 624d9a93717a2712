/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_fetch.c - records out of partitions, waiting a while if there are none.
 *
 *      read --- enough, an error, or too late? --- yes --> answer
 *        ^              | no
 *        |              v
 *        +--- woken --- wait on every partition ----+
 *              by any partition, the deadline, or the client's end
 *
 * Reading and waiting happen on the home shards of the partitions, each shard one leg.
 * A wait that ends on one shard is called off on the others, and everything is read
 * again.  Records are not touched: the answer names ranges of files, which sendfile
 * puts on the socket.
 *
 * There are no fetch sessions (KIP-227): every answer has session id 0, which tells the
 * client to send full requests.
 */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/fetch.h"

struct fetch_part {
    struct partition_read read;
    struct fetch_wait wait;
    struct fetch_part *next; /* On the same leg. */
    struct fetch_leg *leg;
    const struct image_topic *topic;
    const struct fetch_partition *wanted;
    struct fetch_partition_data *result;
    struct partition *partition; /* The home's; valid while waiting. */
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
    struct fetch_response response;
    struct fetch_leg *legs; /* Arena; one per shard. */
    int leg_count;          /* Shards that are asked. */
    int pending;
    int64_t deadline_us;
    struct loop_timer deadline;
    size_t bytes; /* What the last reading found. */
    bool has_error;
    bool is_over;    /* The deadline passed or the client has gone. */
    bool is_waiting; /* Wait legs are out. */
    bool is_cancelling;
};

static void next_round(struct fetch_work *work);

/* --- on the home shard ------------------------------------------------------ */

/* The client sees an error only with the fields that it has then. */
static void refuse(struct fetch_part *part, int16_t error)
{
    part->result->error_code = error;
    part->result->high_watermark = -1;
    part->result->last_stable_offset = -1;
    part->result->log_start_offset = -1;
    part->result->records = (struct wire_records){.bytes = slice_empty()};
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

static int16_t open_part(struct fetch_leg *leg, struct fetch_part *part, struct partition **out)
{
    struct shard *shard = leg->leg.to;
    int r;

    if (!topic_is_alive(shard, leg->work->request, part->topic))
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    r = replicas_get(&shard->replicas, part->topic, part->wanted->partition, out);
    if (r)
        return error_of_partition(r, 0);
    return check_epoch(*out, part->wanted->current_leader_epoch);
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
        part->read.at_least_one = *bytes == 0;
        r = partition_read(p, &part->read);
        error = error_of_partition(r, 0);
    }
    if (error != ERROR_NONE) {
        refuse(part, error_for_version(error, leg->work->request->header.version));
        return;
    }
    *bytes += part->read.range.size;
    part->result->error_code = ERROR_NONE;
    part->result->high_watermark = part->read.high_watermark;
    part->result->last_stable_offset = part->read.high_watermark;
    part->result->log_start_offset = part->read.log_start;
    part->result->records = (struct wire_records){.bytes = slice_empty()};
    if (part->read.range.size > 0)
        part->result->records = (struct wire_records){.source = &part->read.range,
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

        has_moved |= !p || p->is_failed || p->high_watermark != part->read.high_watermark;
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
    for (int i = 0; i < work->request->shard->broker->shard_count; i++)
        for (struct fetch_part *part = work->legs[i].first; part; part = part->next)
            log_range_release(&part->read.range);
}

static void release(struct request *request)
{
    struct fetch_work *work = request->work;

    loop_timer_cancel(&request->shard->loop, &work->deadline);
    release_ranges(work);
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

static void leg_done(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, leg);
    struct fetch_work *work = fetch_leg->work;

    fetch_leg->is_outstanding = false;
    if (fetch_leg->step == LEG_READ)
        for (struct fetch_part *part = fetch_leg->first; part; part = part->next) {
            work->bytes += part->read.range.size;
            work->has_error |= part->result->error_code != ERROR_NONE;
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
    int64_t bytes_max = min_of((int64_t)body->max_bytes, shard->broker->settings->fetch_max_bytes);

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

    return work->is_over || work->has_error || work->leg_count == 0 ||
           (int64_t)work->bytes >= (int64_t)body->min_bytes;
}

/* Everything that was sent has come back: answer, or the next step. */
static void next_round(struct fetch_work *work)
{
    bool was_waiting = work->is_waiting;

    work->is_waiting = work->is_cancelling = false;
    if (was_waiting) {
        work->bytes = 0;
        send_legs(work, LEG_READ);
        return;
    }
    if (is_enough(work)) {
        request_answer(work->request, &work->response);
        return;
    }
    release_ranges(work); /* Too little; it will be found again. */
    work->is_waiting = true;
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

    work->is_over = true;
    cancel_waits(work);
}

/* --- the request ------------------------------------------------------------ */

/* Who asks: a follower's number, or below 0. */
static int32_t replica_of(const struct request *request)
{
    const struct fetch_request *body = request->body;

    return request->header.version >= 15 ? body->replica_state.replica_id : body->replica_id;
}

static int16_t check_part(const struct request *request, const struct fetch_topic *wanted,
                          const struct image_topic *topic, int32_t index)
{
    bool by_id = request->header.version >= 13;

    if (!authorize(request, ACL_READ, topic ? slice_text(topic->name) : wanted->topic))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!topic)
        return by_id ? ERROR_UNKNOWN_TOPIC_ID : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (index < 0 || index >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return ERROR_NONE;
}

static void add_part(struct fetch_work *work, struct fetch_part *part)
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

static void add_topic(struct fetch_work *work, const struct fetch_topic *wanted,
                      struct fetch_fetchable_topic_response *out)
{
    struct request *request = work->request;
    size_t count = (size_t)max_of(wanted->partitions_count, 0);
    struct fetch_part *parts = request_new(request, (count + 1) * sizeof(*parts));
    bool by_id = request->header.version >= 13;
    const struct image_topic *topic =
        reply_find_topic(request, wanted->topic, wanted->topic_id, by_id);

    out->topic = wanted->topic;
    out->topic_id = wanted->topic_id;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct fetch_request *body = request->body;
        struct fetch_part *part = &parts[i];
        int16_t error;

        part->topic = topic;
        part->wanted = &wanted->partitions[i];
        part->result = &out->partitions[i];
        *part->result = (struct fetch_partition_data){
            .partition_index = part->wanted->partition,
            .diverging_epoch = {.epoch = -1, .end_offset = -1},
            .current_leader = {.leader_id = -1, .leader_epoch = -1},
            .snapshot_id = {.end_offset = -1, .epoch = -1},
            .preferred_read_replica = -1,
            .aborted_transactions_count = -1,
        };
        error = check_part(request, wanted, topic, part->wanted->partition);
        if (error == ERROR_NONE && replica_of(request) >= 0)
            error = ERROR_NOT_LEADER_OR_FOLLOWER; /* No partition has another replica. */
        else if (error != ERROR_NONE || body->isolation_level == 1)
            part->result->aborted_transactions_count = 0; /* Empty is not the same as null. */
        if (error == ERROR_NONE) {
            add_part(work, part);
        } else {
            refuse(part, error);
            work->has_error = true;
        }
    }
}

/* Nobody has a session here; one that is asked for by its id is not known. */
static bool check_session(struct fetch_work *work)
{
    const struct fetch_request *body = work->request->body;

    if (work->request->header.version < 7 || body->session_id == 0 || body->session_epoch <= 0)
        return true;
    work->response.error_code = ERROR_FETCH_SESSION_ID_NOT_FOUND;
    return false;
}

void handle_fetch(struct request *request)
{
    const struct fetch_request *body = request->body;
    struct fetch_work *work = request_new(request, sizeof(*work));
    struct shard *shard = request->shard;
    size_t topics = (size_t)max_of(body->topics_count, 0);

    work->request = request;
    work->legs = request_new(request, (size_t)shard->broker->shard_count * sizeof(*work->legs));
    work->deadline.fire = deadline_passed;
    work->deadline_us = shard->loop.now_us + (int64_t)max_of(body->max_wait_ms, 0) * 1000;
    work->is_over = body->max_wait_ms <= 0;
    request->work = work;
    request->release = release;
    request->abandoned = abandoned;
    codec_defaults(&fetch_response_message, &work->response);
    if (!check_session(work)) {
        request_answer(request, &work->response);
        return;
    }
    work->response.responses =
        request_new(request, (topics + 1) * sizeof(*work->response.responses));
    work->response.responses_count = (int32_t)topics;
    for (size_t i = 0; i < topics; i++)
        add_topic(work, &body->topics[i], &work->response.responses[i]);
    send_legs(work, LEG_READ);
}
