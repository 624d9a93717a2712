/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/keeping.h"

#include "base/err.h"
#include "base/mem.h"

static struct keeper *keeper_of(const struct leg *leg, int dir)
{
    return leg->to->broker->dirs.items[dir].keeper;
}

/* --- notes ------------------------------------------------------------------ */

struct notes_leg {
    struct leg leg;
    struct keeper_request request;
    struct upkeep_notes *notes; /* Borrowed until done(). */
    int result;
};

static void notes_kept(struct keeper_request *request, int r)
{
    struct notes_leg *notes_leg = container_of(request, struct notes_leg, request);

    notes_leg->result = r;
    leg_finish(&notes_leg->leg);
}

static void notes_run(struct leg *leg)
{
    struct notes_leg *notes_leg = container_of(leg, struct notes_leg, leg);
    struct keeper *keeper = keeper_of(leg, notes_leg->notes->dir);

    if (!keeper) { /* The broker ends. */
        notes_kept(&notes_leg->request, err_raise(-ECANCELED));
        return;
    }
    for (size_t i = 0; i < notes_leg->notes->count; i++)
        keeper_note(keeper, &notes_leg->notes->items[i]);
    keeper_ask(keeper, &notes_leg->request);
}

static void notes_done(struct leg *leg)
{
    struct notes_leg *notes_leg = container_of(leg, struct notes_leg, leg);
    struct upkeep_notes *notes = notes_leg->notes;
    int r = notes_leg->result;

    mem_free(notes_leg);
    notes->done(notes, r);
}

void keeping_notes(struct replicas *replicas, struct upkeep_notes *notes)
{
    struct shard *shard = replicas->owner;
    struct notes_leg *notes_leg = mem_new(sizeof(*notes_leg));

    notes_leg->leg = (struct leg){.run = notes_run, .done = notes_done};
    notes_leg->request.done = notes_kept;
    notes_leg->notes = notes;
    leg_send(&notes_leg->leg, shard, &shard->broker->shards[0]);
}

/* --- deleted logs ----------------------------------------------------------- */

struct forget_leg {
    struct leg leg;
    struct uuid topic_id;
    int32_t index;
    int dir;
    char topic[]; /* Its name. */
};

static void forget_run(struct leg *leg)
{
    struct forget_leg *forget_leg = container_of(leg, struct forget_leg, leg);
    struct keeper *keeper = keeper_of(leg, forget_leg->dir);

    if (keeper)
        keeper_forget(keeper, slice_text(forget_leg->topic), forget_leg->index,
                      forget_leg->topic_id);
    leg_finish(leg);
}

static void forget_done(struct leg *leg)
{
    mem_free(container_of(leg, struct forget_leg, leg));
}

void keeping_forget(struct shard *shard, const struct image_topic *topic, int32_t index, int dir)
{
    size_t size = strlen(topic->name) + 1;
    struct forget_leg *forget_leg = mem_new(sizeof(*forget_leg) + size);

    forget_leg->leg = (struct leg){.run = forget_run, .done = forget_done};
    forget_leg->topic_id = topic->id;
    forget_leg->index = index;
    forget_leg->dir = dir;
    memcpy(forget_leg->topic, topic->name, size);
    leg_send(&forget_leg->leg, shard, &shard->broker->shards[0]);
}
