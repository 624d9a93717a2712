/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/scrubber.h"

#include "broker/broker.h"

#include <stdio.h>

DIAG_MODULE("broker");

enum {
    STEP_BYTES = 1 << 20,
    STEP_BYTES_MIN = 64 << 10, /* What the smallest step counts for: it opens files. */
    TURN_MAX = 64,             /* Partitions of other shards that one turn goes over. */
    BUSY_SHARE = 32,           /* While there are requests, such a part of the rate is used. */
};

static void set_timer(struct scrubber *s, int64_t at_us)
{
    loop_timer_set(&s->shard->loop, &s->timer, at_us);
}

#define INTERVAL_MAX_MS (INT64_MAX / 4000)

/* --- steps ------------------------------------------------------------------ */

static void run(struct io_work *work, struct io *io)
{
    struct scrubber *s = container_of(work, struct scrubber, work);

    s->result = log_scrub_step(io, s->root, s->name, STEP_BYTES, &s->scrub);
}

/* When the next step may begin. */
static int64_t due_us(struct scrubber *s)
{
    struct shard *shard = s->shard;
    double bytes = (double)max_of(s->scrub.bytes, (uint64_t)STEP_BYTES_MIN);
    bool is_busy = shard->requests != s->requests;
    double rate = is_busy ? s->bytes_per_second / BUSY_SHARE : s->bytes_per_second;

    s->requests = shard->requests;
    return shard->loop.now_us + (int64_t)min_of(bytes / rate * 1e6, 1e15);
}

/* Has the partition look for itself: it tells what it finds. */
static void read_there(struct scrubber *s)
{
    struct shard *shard = s->shard;
    const struct image_topic *topic = image_find_topic_by_id(shard->image, s->topic->id);
    struct partition_read read = {.offset = s->scrub.offset, .bytes_max = 1, .at_least_one = true};
    struct partition *p;

    if (!topic || replicas_get(&shard->replicas, topic, s->index, &p) != 0)
        return;
    if (partition_read(p, &read) == 0)
        partition_read_release(&read);
}

static void next_partition(struct scrubber *s)
{
    s->root = file_unref(s->root);
    s->index++;
}

static void done(struct io_work *work, struct io *io)
{
    struct scrubber *s = container_of(work, struct scrubber, work);

    (void)io;
    if (s->shard->is_stopping)
        return;
    if (s->result == LOG_SCRUB_SUSPICION)
        read_there(s);
    if (s->result < 0)
        diag_warn(s->shard->broker->diag, "files of a partition could not be read through",
                  kv("log", s->name), kv("error", s->result));
    if (s->result <= 0)
        next_partition(s);
    set_timer(s, due_us(s));
}

/* --- a round ---------------------------------------------------------------- */

/* False if it is not this shard's, or another broker's, or nothing can be read of it. */
static bool begin_partition(struct scrubber *s)
{
    struct broker *broker = s->shard->broker;
    int place = -1;

    if (partition_home(s->topic->id, s->index, broker->shard_count) == s->shard->index &&
        s->topic->partitions[s->index].leader == broker->node_id)
        place = dirs_place(broker, s->topic, s->index);
    if (place < 0 || !broker->dirs.items[place].dir)
        return false;
    s->root = log_dir_folder(broker->dirs.items[place].dir);
    s->scrub = (struct log_scrub){.base = 0};
    (void)snprintf(s->name, sizeof(s->name), "%s-%d", s->topic->name, s->index);
    return true;
}

static void end_round(struct scrubber *s)
{
    s->image = image_unref(s->image);
    set_timer(s, io_monotonic_us(s->shard->loop.io) + s->interval_us);
}

static void begin_round(struct scrubber *s)
{
    s->image = image_ref(s->shard->image);
    s->index = 0;
    image_walk_begin(&s->walk, s->image, slice_null());
    s->topic = image_walk_next(&s->walk);
}

/* Comes to a partition of this shard; false if there are others for this turn, or no more. */
static bool find_partition(struct scrubber *s)
{
    for (int i = 0; s->topic && i < TURN_MAX; i++) {
        if (s->index == s->topic->partition_count) {
            s->topic = image_walk_next(&s->walk);
            s->index = 0;
        } else if (begin_partition(s)) {
            return true;
        } else {
            s->index++;
        }
    }
    return false;
}

static void fire(struct loop_timer *timer)
{
    struct scrubber *s = container_of(timer, struct scrubber, timer);
    struct loop *loop = &s->shard->loop;

    if (s->shard->is_stopping)
        return;
    if (!s->image)
        begin_round(s);
    if (s->root || find_partition(s))
        loop->io->ops->work_submit(loop->io, &s->work);
    else if (s->topic)
        set_timer(s, io_monotonic_us(loop->io));
    else
        end_round(s);
}

/* --- its life --------------------------------------------------------------- */

void scrubber_init(struct scrubber *s, struct shard *shard, int64_t delay_ms, int64_t interval_ms,
                   double bytes_per_second)
{
    *s = (struct scrubber){
        .shard = shard,
        .interval_us = min_of(interval_ms, INTERVAL_MAX_MS) * 1000,
        .bytes_per_second = bytes_per_second,
        .timer = {.fire = fire},
        .work = {.run = run, .done = done},
    };
    if (bytes_per_second > 0)
        set_timer(s, io_monotonic_us(shard->loop.io) + delay_ms * 1000);
}

void scrubber_fini(struct scrubber *s)
{
    struct loop *loop = &s->shard->loop;

    s->shard->is_stopping = true;
    while (s->work.is_submitted)
        loop->io->ops->poll(loop->io, -1); /* The worker has our memory. */
    loop_timer_cancel(loop, &s->timer);
    s->root = file_unref(s->root);
    s->image = image_unref(s->image);
}
