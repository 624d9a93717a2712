/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/spread.h"

#include "broker/reply.h"

void spread_init(struct spread *spread, struct request *request)
{
    int shards = request->shard->broker->shard_count;

    assert(spread->run && spread->done);
    spread->request = request;
    spread->legs = request_new(request, (size_t)shards * sizeof(*spread->legs));
    spread->pending = 1; /* One for us, while legs are sent. */
}

static void end_leg_part(struct spread_leg *leg)
{
    if (--leg->pending == 0)
        leg_finish(&leg->leg);
}

void spread_end_part(struct spread_part *part)
{
    end_leg_part(part->leg);
}

static void leg_run(struct leg *leg)
{
    struct spread_leg *spread_leg = container_of(leg, struct spread_leg, leg);
    struct spread *spread = spread_leg->spread;

    spread_leg->pending = 1;
    for (struct spread_part *part = spread_leg->first; part; part = part->next) {
        spread_leg->pending++;
        spread->run(spread, leg->to, part);
    }
    end_leg_part(spread_leg);
}

static void leg_arrived(struct spread *spread)
{
    if (--spread->pending == 0)
        spread->done(spread);
}

static void leg_done(struct leg *leg)
{
    leg_arrived(container_of(leg, struct spread_leg, leg)->spread);
}

void spread_add(struct spread *spread, struct spread_part *part, const struct image_topic *topic,
                int32_t index)
{
    int shards = spread->request->shard->broker->shard_count;
    struct spread_leg *leg = &spread->legs[partition_home(topic->id, index, shards)];

    *part = (struct spread_part){.leg = leg, .topic = topic, .index = index};
    if (!leg->spread) {
        leg->spread = spread;
        leg->last = &leg->first;
        leg->leg = (struct leg){.run = leg_run, .done = leg_done};
        spread->pending++;
    }
    *leg->last = part;
    leg->last = &part->next;
}

void spread_start(struct spread *spread)
{
    struct shard *shard = spread->request->shard;
    int shards = shard->broker->shard_count;

    for (int i = 0; i < shards; i++)
        if (spread->legs[i].spread)
            leg_send(&spread->legs[i].leg, shard, &shard->broker->shards[i]);
    leg_arrived(spread);
}

int16_t spread_open(struct spread *spread, struct shard *shard, const struct spread_part *part,
                    struct partition **out)
{
    int16_t error = error_of_place(shard, spread->request, part->topic, part->index);

    if (error != ERROR_NONE)
        return error;
    return error_of_partition(replicas_get(&shard->replicas, part->topic, part->index, out), 0);
}
