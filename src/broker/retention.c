/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/retention.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/topic_settings.h"

#include <stdio.h>

DIAG_MODULE("broker");

enum {
    TURN_MAX = 64, /* Partitions that one turn of the loop goes through, ... */
    LOOKS_MAX = 32 /* ... and that a worker looks at in one go. */
};

/* A partition at rest. */
struct retention_look {
    struct uuid topic_id;
    int32_t index;
    struct log_dir *dir; /* Borrowed: where it is. */
    char name[IO_NAME_MAX];
    struct log_retention retention;
    int64_t now_ms;
    bool has_expired; /* The worker's. */
    int result;
};

/* --- the worker's part ------------------------------------------------------ */

static void look_run(struct io_work *work, struct io *io)
{
    struct retention *retention = container_of(work, struct retention, work);
    for (size_t i = 0; i < retention->look_count; i++) {
        struct retention_look *look = &retention->looks[i];

        look->result = log_dir_has_expired(look->dir, io, look->name, &look->retention,
                                           look->now_ms, &look->has_expired);
    }
}

/* --- partitions ------------------------------------------------------------- */

/* Opens the partition, if it is still there, as its first use would. */
static void wake(struct shard *shard, const struct retention_look *look)
{
    const struct image_topic *topic = image_find_topic_by_id(shard->image, look->topic_id);
    struct partition *p;

    if (topic && look->index < topic->partition_count &&
        replicas_get(&shard->replicas, topic, look->index, &p) == 0)
        partition_retain(p);
}

static void end_looks(struct retention *retention)
{
    struct shard *shard = retention->shard;

    for (size_t i = 0; i < retention->look_count; i++) {
        const struct retention_look *look = &retention->looks[i];

        if (look->result)
            diag_warn(shard->broker->diag, "files of a partition could not be looked at",
                      kv("log", look->name), kv("error", look->result));
        else if (look->has_expired)
            wake(shard, look);
    }
    retention->look_count = 0;
}

static void add_look(struct retention *retention, struct log_dir *dir)
{
    struct retention_look *look = &retention->looks[retention->look_count++];

    *look = (struct retention_look){
        .topic_id = retention->topic->id,
        .index = retention->next,
        .dir = dir,
        .retention = retention->of_topic,
        .now_ms = loop_age_ms(&retention->shard->loop),
    };
    (void)snprintf(look->name, sizeof(look->name), "%s-%d", retention->topic->name,
                   retention->next);
}

static void look_at(struct retention *retention)
{
    struct shard *shard = retention->shard;
    struct partition *p = replicas_find(&shard->replicas, retention->topic->id, retention->next);
    int place = p ? -1 : dirs_place(shard->broker, retention->topic, retention->next);

    if (p && p->log)
        partition_retain(p);
    else if (p && retention->deletes)
        add_look(retention, p->at->dir);
    else if (retention->deletes && place >= 0)
        add_look(retention, shard->broker->dirs.items[place].dir);
}

/* --- a round ---------------------------------------------------------------- */

static void next_topic(struct retention *retention)
{
    struct partition_config config;

    retention->topic = image_walk_next(&retention->walk);
    retention->next = 0;
    if (!retention->topic)
        return;
    topic_settings_partition(retention->shard->broker->settings, retention->topic, &config);
    retention->of_topic = config.retention;
    retention->deletes =
        config.deletes && (config.retention.ms >= 0 || config.retention.bytes >= 0);
}

static void end_round(struct retention *retention)
{
    retention->image = image_unref(retention->image);
    retention->topic = NULL;
    retention->looks = mem_free(retention->looks);
    loop_timer_set(&retention->shard->loop, &retention->timer,
                   io_monotonic_us(retention->shard->loop.io) + retention->interval_us);
}

/* Goes through some partitions. */
static void go_on(struct retention *retention)
{
    struct shard *shard = retention->shard;
    int shards = shard->broker->shard_count;

    for (int i = 0; retention->topic && i < TURN_MAX && retention->look_count < LOOKS_MAX; i++) {
        if (retention->next == retention->topic->partition_count) {
            next_topic(retention);
            continue;
        }
        if (partition_home(retention->topic->id, retention->next, shards) == shard->index)
            look_at(retention);
        retention->next++;
    }
    if (retention->look_count > 0)
        shard->loop.io->ops->work_submit(shard->loop.io, &retention->work);
    else if (retention->topic)
        loop_timer_set(&shard->loop, &retention->timer, io_monotonic_us(shard->loop.io));
    else
        end_round(retention);
}

static void look_done(struct io_work *work, struct io *io)
{
    struct retention *retention = container_of(work, struct retention, work);

    (void)io;
    if (retention->shard->is_stopping)
        return;
    end_looks(retention);
    go_on(retention);
}

/* Shards look at one clock: one of them speaks. */
static void tell_of_clock(struct retention *retention)
{
    struct shard *shard = retention->shard;
    int64_t ahead_ms = io_wall_ms(shard->loop.io) - loop_age_ms(&shard->loop);
    bool has_jumped = ahead_ms > AGE_CLOCK_JUMP_MS;

    if (has_jumped && !retention->has_told && shard->index == 0)
        diag_warn(shard->broker->diag,
                  "the clock has jumped ahead: until it has been steady for an hour nothing is "
                  "deleted that is old by it alone",
                  kv("jump_ms", ahead_ms));
    retention->has_told = has_jumped;
}

static void fire(struct loop_timer *timer)
{
    struct retention *retention = container_of(timer, struct retention, timer);

    if (retention->shard->is_stopping)
        return;
    if (!retention->image) {
        tell_of_clock(retention);
        retention->image = image_ref(retention->shard->image);
        retention->looks = mem_new_array(LOOKS_MAX, sizeof(*retention->looks));
        image_walk_begin(&retention->walk, retention->image, slice_null());
        next_topic(retention);
    }
    go_on(retention);
}

/* --- its life --------------------------------------------------------------- */

void retention_init(struct retention *retention, struct shard *shard, int64_t delay_ms,
                    int64_t interval_ms)
{
    *retention = (struct retention){
        .shard = shard,
        .interval_us = interval_ms * 1000,
        .timer = {.fire = fire},
        .work = {.run = look_run, .done = look_done},
    };
    loop_timer_set(&shard->loop, &retention->timer,
                   io_monotonic_us(shard->loop.io) + delay_ms * 1000);
}

void retention_fini(struct retention *retention)
{
    struct loop *loop = &retention->shard->loop;

    retention->shard->is_stopping = true;
    while (retention->work.is_submitted)
        loop->io->ops->poll(loop->io, -1); /* The worker has our memory. */
    loop_timer_cancel(loop, &retention->timer);
    retention->image = image_unref(retention->image);
    retention->looks = mem_free(retention->looks);
}
