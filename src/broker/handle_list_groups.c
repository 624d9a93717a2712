/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_list_groups.c - the groups that this node coordinates, from all shards.
 *
 * Each shard reads what it has not read yet first; so the answer names all groups, where
 * Kafka's names those that are loaded or is an error. */

#include "broker/coordination.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/list_groups.h"

#include <ctype.h>

struct list_leg {
    struct leg leg;
    struct coord_call loaded;
    struct list_work *work;
    struct arena memory; /* The home's while the leg is there. */
    struct list_groups_listed_group *groups;
    size_t count, room;
};

struct list_work {
    struct request *request;
    struct list_leg *legs; /* Arena; one for each shard. */
    int pending;
};

/* --- on each shard ---------------------------------------------------------- */

/* Blanks around a state do not count, around a type they do; case never does. */
static struct slice trimmed(struct slice s)
{
    while (s.size > 0 && isspace(s.data[0]))
        s = slice_of(s.data + 1, s.size - 1);
    while (s.size > 0 && isspace(s.data[s.size - 1]))
        s.size--;
    return s;
}

static bool is_word(struct slice s, const char *word)
{
    size_t i = 0;

    for (; i < s.size && word[i]; i++)
        if (tolower(s.data[i]) != tolower((unsigned char)word[i]))
            return false;
    return i == s.size && !word[i];
}

/* An empty filter lets all pass. */
static bool has_state(const struct list_groups_request *body, const char *state)
{
    for (int32_t i = 0; i < body->states_filter_count; i++)
        if (is_word(trimmed(body->states_filter[i]), state))
            return true;
    return body->states_filter_count <= 0;
}

static bool has_type(const struct list_groups_request *body, const char *type)
{
    for (int32_t i = 0; i < body->types_filter_count; i++)
        if (is_word(body->types_filter[i], type))
            return true;
    return body->types_filter_count <= 0;
}

static void add_group(void *context, struct slice id, const struct group *group)
{
    struct list_leg *leg = context;
    const struct list_groups_request *body = leg->work->request->body;
    const char *state = group_state_name(group->state);
    const char *type = "classic";

    if (!has_state(body, state) || !has_type(body, type))
        return;
    if (leg->count == leg->room) {
        size_t room = max_of(leg->room * 2, (size_t)64);
        struct list_groups_listed_group *grown = arena_new(&leg->memory, room * sizeof(*grown));

        if (leg->count > 0)
            memcpy(grown, leg->groups, leg->count * sizeof(*grown));
        leg->groups = grown;
        leg->room = room;
    }
    leg->groups[leg->count++] = (struct list_groups_listed_group){
        .group_id = slice_text(arena_text(&leg->memory, id.data, id.size)),
        .protocol_type = slice_is_null(group->protocol_type)
                             ? slice_empty()
                             : slice_text(arena_text(&leg->memory, group->protocol_type.data,
                                                     group->protocol_type.size)),
        .group_state = slice_text(state),
        .group_type = slice_text(type),
    };
}

static void loaded(struct coord_call *call)
{
    struct list_leg *leg = container_of(call, struct list_leg, loaded);

    coordinators_each(&leg->leg.to->coordinators, add_group, leg);
    leg_finish(&leg->leg);
}

static void leg_run(struct leg *leg)
{
    struct list_leg *list_leg = container_of(leg, struct list_leg, leg);

    list_leg->loaded.done = loaded;
    coordinators_load_all(&leg->to->coordinators, &list_leg->loaded);
}

/* --- on the session's shard ------------------------------------------------- */

static void answer(struct list_work *work)
{
    struct request *request = work->request;
    int shards = request->shard->broker->shard_count;
    struct list_groups_response response;
    size_t count = 0;

    codec_defaults(&list_groups_response_message, &response);
    for (int i = 0; i < shards; i++) {
        count += work->legs[i].count;
        if (work->legs[i].loaded.outcome)
            response.error_code = error_of_coord(work->legs[i].loaded.outcome);
    }
    response.groups = request_new(request, (count + 1) * sizeof(*response.groups));
    for (int i = 0; i < shards; i++)
        for (size_t k = 0; k < work->legs[i].count; k++)
            if (authorize(request, ACL_DESCRIBE, work->legs[i].groups[k].group_id))
                response.groups[response.groups_count++] = work->legs[i].groups[k];
    request_answer(request, &response);
}

static void leg_done(struct leg *leg)
{
    struct list_work *work = container_of(leg, struct list_leg, leg)->work;

    if (--work->pending == 0)
        answer(work);
}

static void release(struct request *request)
{
    struct list_work *work = request->work;

    for (int i = 0; i < request->shard->broker->shard_count; i++)
        arena_reset(&work->legs[i].memory);
}

void handle_list_groups(struct request *request)
{
    struct broker *broker = request->shard->broker;
    struct list_work *work = request_new(request, sizeof(*work));

    work->request = request;
    work->pending = broker->shard_count;
    work->legs = request_new(request, (size_t)broker->shard_count * sizeof(*work->legs));
    request->work = work;
    request->release = release;
    for (int i = 0; i < broker->shard_count; i++) {
        work->legs[i].work = work;
        arena_init(&work->legs[i].memory, NULL);
        work->legs[i].leg = (struct leg){.run = leg_run, .done = leg_done};
    }
    for (int i = 0; i < broker->shard_count; i++)
        leg_send(&work->legs[i].leg, request->shard, &broker->shards[i]);
}
