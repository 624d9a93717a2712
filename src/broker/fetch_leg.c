/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fetch_leg.h"

#include "broker/broker.h"
#include "broker/reply.h"

enum { ISOLATION_COMMITTED = 1 }; /* Else what is not committed yet is read as well. */

/* The client sees an error only with the fields that it has then. */
void fetch_part_refuse(struct fetch_part *part, int16_t error)
{
    part->result.error_code = error;
    part->result.high_watermark = -1;
    part->result.last_stable_offset = -1;
    part->result.log_start_offset = -1;
    part->result.records = (struct wire_records){.bytes = slice_empty()};
}

bool fetch_is_committed(const struct request *request)
{
    const struct fetch_request *body = request->body;

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
static void name_leader(const struct request *request, struct fetch_part *part)
{
    const struct image_partition *p = &part->topic->partitions[part->wanted->partition];

    if (request->header.version < FETCH_VERSION_LEADERS)
        return;
    part->result.current_leader.leader_id = p->leader;
    part->result.current_leader.leader_epoch = p->leader_epoch;
}

static int16_t open_part(struct fetch_leg *leg, struct fetch_part *part, struct partition **out)
{
    struct shard *shard = leg->leg.to;
    int16_t error;
    int r;

    error = error_of_place(shard, leg->request, part->topic, part->wanted->partition);
    if (error == ERROR_NOT_LEADER_OR_FOLLOWER)
        name_leader(leg->request, part);
    if (error != ERROR_NONE)
        return error;
    r = replicas_look(&shard->replicas, part->topic, part->wanted->partition, out);
    if (r)
        return error_of_partition(r, 0);
    return check_epoch(*out, part->wanted->current_leader_epoch);
}

bool fetch_is_old(const struct request *request)
{
    return request->header.version < FETCH_VERSION_BATCHES;
}

/* Whether the first batch is read whole, so that the client gets on. */
static bool is_one_owed(const struct fetch_leg *leg, size_t bytes)
{
    int16_t version = leg->request->header.version;

    return bytes == 0 || (version < FETCH_VERSION_FIRST_IS_WHOLE && bytes < leg->bytes_max);
}

static void read_part(struct fetch_leg *leg, struct fetch_part *part, size_t *bytes)
{
    size_t wanted = (size_t)max_of(part->wanted->partition_max_bytes, 0);
    struct traffic *traffic = &leg->leg.to->replicas.traffic;
    struct partition *p = NULL;
    int16_t error = open_part(leg, part, &p);
    int r;

    if (error == ERROR_NONE) {
        part->read.offset = part->wanted->fetch_offset;
        part->read.bytes_max =
            *bytes < leg->bytes_max ? min_of(wanted, leg->bytes_max - *bytes) : 0;
        part->read.at_least_one = is_one_owed(leg, *bytes);
        part->read.is_committed = fetch_is_committed(leg->request);
        r = partition_read(p, &part->read);
        error = error_of_partition(r, 0);
        traffic_add(traffic, p->topic_id, TRAFFIC_FETCH_REQUESTS, 1);
        if (error != ERROR_NONE)
            traffic_add(traffic, p->topic_id, TRAFFIC_FAILED_FETCH_REQUESTS, 1);
    }
    if (error != ERROR_NONE) {
        fetch_part_refuse(part, error_for_version(error, leg->request->header.version));
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
    leg->bytes = 0;
    leg->has_error = leg->is_held_back = false;
    for (struct fetch_part *part = leg->first; part; part = part->next) {
        read_part(leg, part, &leg->bytes);
        leg->has_error |= part->result.error_code != ERROR_NONE;
        leg->is_held_back |= part->read.is_held_back;
    }
}

static void release_leg(struct fetch_leg *leg)
{
    for (struct fetch_part *part = leg->first; part; part = part->next)
        partition_read_release(&part->read);
}

static void stop_waiting(struct fetch_leg *leg)
{
    leg->is_waiting = false;
    leg->leg.to->metrics.parked_fetches--;
    loop_timer_cancel(&leg->leg.to->loop, &leg->deadline);
    for (struct fetch_part *part = leg->first; part; part = part->next)
        list_remove(&part->wait.node);
}

static void serve_leg(struct fetch_leg *leg);

static void woken(struct fetch_wait *wait)
{
    struct fetch_part *part = container_of(wait, struct fetch_part, wait);

    stop_waiting(part->leg);
    serve_leg(part->leg);
}

static void deadline_passed(struct loop_timer *timer)
{
    struct fetch_leg *leg = container_of(timer, struct fetch_leg, deadline);

    stop_waiting(leg);
    serve_leg(leg);
}

/* Waits on all partitions of the leg.  False if one has moved since it was read. */
static bool start_waiting(struct fetch_leg *leg)
{
    struct shard *shard = leg->leg.to;
    bool has_moved = false;

    leg->is_waiting = true;
    shard->metrics.parked_fetches++;
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
    if (has_moved) {
        stop_waiting(leg);
        return false;
    }
    if (shard->loop.now_us < leg->deadline_us)
        loop_timer_set(&shard->loop, &leg->deadline, leg->deadline_us);
    return true;
}

/* True if what was read is worth coming back for. */
static bool has_something(const struct fetch_leg *leg)
{
    if (leg->is_called_off || leg->has_error)
        return true;
    if (leg->bytes == 0 && leg->is_held_back)
        return false;
    return leg->is_over || leg->bytes >= leg->bytes_min;
}

/* Reads until there is something, or waits. */
static void serve_leg(struct fetch_leg *leg)
{
    bool waits = false;

    while (!waits) {
        read_leg(leg);
        leg->is_over = leg->leg.to->loop.now_us >= leg->deadline_us;
        if (has_something(leg)) {
            leg_finish(&leg->leg);
            return;
        }
        release_leg(leg); /* Too little; it will be found again. */
        waits = start_waiting(leg);
    }
}

static void leg_run(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, leg);

    bool waits = fetch_leg->waits_first && !fetch_leg->is_called_off &&
                 leg->to->loop.now_us < fetch_leg->deadline_us;

    if (!waits || !start_waiting(fetch_leg))
        serve_leg(fetch_leg);
}

static void cancel_run(struct leg *leg)
{
    struct fetch_leg *fetch_leg = container_of(leg, struct fetch_leg, cancel);

    if (fetch_leg->is_waiting) {
        fetch_leg->is_called_off = true;
        stop_waiting(fetch_leg);
        serve_leg(fetch_leg);
    }
    leg_finish(leg);
}

void fetch_leg_init(struct fetch_leg *leg, struct request *request, struct fetch_work *work,
                    void (*done)(struct leg *leg), void (*cancelled)(struct leg *leg))
{
    *leg = (struct fetch_leg){
        .leg = {.run = leg_run, .done = done},
        .cancel = {.run = cancel_run, .done = cancelled},
        .work = work,
        .request = request,
        .deadline = {.fire = deadline_passed},
    };
    leg->last = &leg->first;
}

void fetch_leg_add(struct fetch_leg *leg, struct fetch_part *part)
{
    part->leg = leg;
    *leg->last = part;
    leg->last = &part->next;
}
