/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/gather.h"

#include "base/mem.h"
#include "broker/dispatch.h"

#include <stdatomic.h>

enum { SLICE = 256 }; /* Partitions in one turn of a loop. */

/* --- what is there at once -------------------------------------------------- */

static void take_syncs(struct gather_part *part, const struct shard *shard)
{
    for (int i = 0; i < shard->replicas.dir_count; i++) {
        const struct syncer *syncer = shard->replicas.dirs[i].syncer;
        const struct syncer_counts *counts = syncer ? syncer_counts(syncer) : NULL;

        if (!counts)
            continue;
        part->values[METRIC_sync_rounds] += (int64_t)counts->rounds;
        part->values[METRIC_commit_rounds] += (int64_t)counts->committed;
        part->values[METRIC_commit_bytes] += (int64_t)counts->committed_bytes;
        part->values[METRIC_commit_flushes] += (int64_t)counts->flushes;
        metric_histogram_add(&part->sync, &counts->sync);
        metric_histogram_add(&part->sync_queue, &counts->queue);
    }
}

static void take_requests(struct gather_part *part, const struct metrics *metrics)
{
    size_t count = 0;

    if (!metrics->requests)
        return;
    for (size_t i = 0; i < dispatch_count(); i++)
        count += metrics->requests[i] != NULL;
    part->requests = mem_new_array(count + 1, sizeof(*part->requests));
    for (size_t i = 0; i < dispatch_count(); i++)
        if (metrics->requests[i])
            part->requests[part->request_count++] =
                (struct request_sample){.row = i, .times = *metrics->requests[i]};
}

static void take_numbers(struct gather_part *part, const struct shard *shard)
{
    const struct budget *budget = &shard->budget;
    int64_t *values = part->values;

    for (int i = 0; i < TRAFFIC_KINDS; i++)
        values[METRIC_messages_in + i] = shard->replicas.traffic.all.of[i];
    values[METRIC_open_logs] = (int64_t)shard->replicas.awake_count;
    values[METRIC_pool_used] = values[METRIC_memory_used] = (int64_t)budget->used;
    values[METRIC_memory_limit] = (int64_t)budget->limit;
    values[METRIC_pool_available] =
        max_of((int64_t)budget->limit - (int64_t)budget->used, INT64_C(0));
    values[METRIC_memory_refusals] = (int64_t)budget->refusals;
    values[METRIC_delayed_fetches] = values[METRIC_parked_fetches] = shard->metrics.parked_fetches;
    values[METRIC_fetch_sessions] = (int64_t)shard->fetch_sessions.by_id.count;
    values[METRIC_loop_stalls] = (int64_t)shard->loop.counts.stalls;
    values[METRIC_loop_idle] = shard->loop.counts.idle_us;
    values[METRIC_received] = (int64_t)shard->net.bytes_in;
    values[METRIC_sent] = (int64_t)shard->net.bytes_out;
    memcpy(part->listeners, shard->metrics.listeners, sizeof(part->listeners));
    part->turns = shard->loop.counts.busy;
    take_syncs(part, shard);
    take_requests(part, &shard->metrics);
}

/* --- what is many ----------------------------------------------------------- */

static void take_topic(struct gather_part *part, const struct shard *shard)
{
    const struct traffic_counts *counts = traffic_find(&shard->replicas.traffic, part->topic->id);

    if (!counts)
        return;
    if (part->topic_count == part->topic_room) {
        part->topic_room = part->topic_room * 2 + 16;
        part->topics = mem_resize(part->topics, part->topic_room, sizeof(*part->topics));
    }
    part->topics[part->topic_count++] =
        (struct topic_sample){.topic = part->topic, .order = part->order, .counts = *counts};
}

static void add_partition(struct gather_part *part, const struct partition_state *state)
{
    if (part->partition_count == part->partition_room) {
        part->partition_room = part->partition_room * 2 + 64;
        part->partitions =
            mem_resize(part->partitions, part->partition_room, sizeof(*part->partitions));
    }
    part->partitions[part->partition_count++] = (struct partition_sample){
        .topic = part->topic,
        .index = part->index,
        .segments = state->segments,
        .start = state->start,
        .end = state->end,
        .size = state->size,
    };
}

/* Of one that we have and whose home is this shard. */
static void take_replica(struct gather_part *part, struct shard *shard)
{
    const struct partition *p = replicas_find(&shard->replicas, part->topic->id, part->index);
    bool is_offline = dirs_place(shard->broker, part->topic, part->index) < 0;
    struct partition_state state;

    part->values[METRIC_partition_count]++;
    if (p) {
        partition_tell(p, &state);
        is_offline |= state.is_failed;
        add_partition(part, &state);
    } else {
        part->values[METRIC_unused_logs]++;
    }
    part->values[METRIC_offline_replicas] += is_offline;
}

static bool has_replica(const struct image_replicas *replicas, int32_t node)
{
    for (int32_t i = 0; i < replicas->replicas.count; i++)
        if (replicas->replicas.ids[i] == node)
            return true;
    return false;
}

static void take_partition(struct gather_part *part, struct shard *shard)
{
    const struct image_partition *p = &part->topic->partitions[part->index];
    const struct image_replicas *replicas = p->replicas;
    const struct broker *broker = shard->broker;
    int64_t *values = part->values;

    if (shard->index == 0 && broker->controller) {
        values[METRIC_global_partitions]++;
        values[METRIC_offline_partitions] += p->leader < 0;
        values[METRIC_imbalanced_partitions] +=
            replicas->replicas.count > 0 && p->leader != replicas->replicas.ids[0];
    }
    if (partition_home(part->topic->id, part->index, broker->shard_count) != shard->index)
        return;
    if (has_replica(replicas, broker->node_id))
        take_replica(part, shard);
    if (p->leader == broker->node_id) {
        values[METRIC_leader_count]++;
        values[METRIC_under_replicated] += replicas->isr.count < replicas->replicas.count;
    }
}

/* One step of the walk; false at its end. */
static bool take_next(struct gather_part *part, struct shard *shard)
{
    if (part->topic && part->index < part->topic->partition_count) {
        take_partition(part, shard);
        part->index++;
        return true;
    }
    part->order += part->topic != NULL;
    part->topic = image_walk_next(&part->walk);
    part->index = 0;
    if (part->topic)
        take_topic(part, shard);
    return part->topic != NULL;
}

/* The groups of one coordinator; false if there are no more. */
static bool take_groups(struct gather_part *part, const struct shard *shard)
{
    struct coordinator_counts counts = {.offsets = 0};
    int64_t *values = part->values;

    if (!coordinators_count(&shard->coordinators, part->coordinator++, &counts))
        return false;
    for (int i = 0; i <= GROUP_STABLE; i++)
        values[METRIC_groups] += counts.groups[i];
    values[METRIC_groups_empty] += counts.groups[GROUP_EMPTY];
    values[METRIC_groups_preparing] += counts.groups[GROUP_PREPARING];
    values[METRIC_groups_completing] += counts.groups[GROUP_COMPLETING];
    values[METRIC_groups_stable] += counts.groups[GROUP_STABLE];
    values[METRIC_group_offsets] += counts.offsets;
    return true;
}

static void run_slice(struct gather_part *part)
{
    struct shard *shard = part->leg.to;
    bool has_more = true;

    part->is_waiting = false;
    for (int i = 0; i < SLICE && has_more; i++)
        has_more = take_next(part, shard);
    if (!has_more)
        has_more = take_groups(part, shard);
    if (!has_more || part->gather->is_cancelled) {
        leg_finish(&part->leg);
        return;
    }
    part->is_waiting = true;
    loop_timer_set(&shard->loop, &part->next, shard->loop.now_us);
}

static void next_slice(struct loop_timer *timer)
{
    run_slice(container_of(timer, struct gather_part, next));
}

static void run(struct leg *leg)
{
    struct gather_part *part = container_of(leg, struct gather_part, leg);

    image_walk_begin(&part->walk, part->gather->image, slice_null());
    take_numbers(part, leg->to);
    run_slice(part);
}

/* --- the whole -------------------------------------------------------------- */

static void part_done(struct gather *gather)
{
    if (--gather->pending == 0)
        gather->done(gather, gather->context);
}

static void leg_done(struct leg *leg)
{
    part_done(container_of(leg, struct gather_part, leg)->gather);
}

struct gather *gather_start(struct broker *broker,
                            void (*done)(struct gather *gather, void *context), void *context)
{
    size_t parts = (size_t)broker->shard_count;
    struct gather *gather = mem_new(sizeof(*gather) + parts * sizeof(gather->parts[0]));
    struct shard *home = &broker->shards[0];

    gather->broker = broker;
    gather->image = image_ref(home->image);
    atomic_init(&gather->refs, 2); /* Of which one is ours, while we send. */
    gather->at_us = io_monotonic_us(home->loop.io);
    gather->pending = broker->shard_count + 1;
    gather->done = done;
    gather->context = context;
    gather->part_count = broker->shard_count;
    for (size_t i = 0; i < parts; i++) {
        struct gather_part *part = &gather->parts[i];

        part->gather = gather;
        part->next.fire = next_slice;
        part->leg = (struct leg){.run = run, .done = leg_done};
        leg_send(&part->leg, home, &broker->shards[i]);
    }
    part_done(gather);
    gather_unref(gather);
    return gather;
}

void gather_cancel(struct gather *gather)
{
    gather->is_cancelled = true;
    for (int i = 0; i < gather->part_count; i++) {
        struct gather_part *part = &gather->parts[i];

        if (!part->is_waiting)
            continue;
        part->is_waiting = false;
        loop_timer_cancel(&part->leg.to->loop, &part->next);
        leg_finish(&part->leg);
    }
}

struct gather *gather_ref(struct gather *gather)
{
    atomic_fetch_add_explicit(&gather->refs, 1, memory_order_relaxed);
    return gather;
}

struct gather *gather_unref(struct gather *gather)
{
    if (!gather || atomic_fetch_sub_explicit(&gather->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    for (int i = 0; i < gather->part_count; i++) {
        mem_free(gather->parts[i].requests);
        mem_free(gather->parts[i].topics);
        mem_free(gather->parts[i].partitions);
    }
    image_unref(gather->image);
    mem_free(gather);
    return NULL;
}
