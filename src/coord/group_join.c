/* SPDX-License-Identifier: Apache-2.0 */

/* coord/group_join.c - the event JoinGroup: new members, those who come back, and static
 * members that were restarted. */

#include "coord/group_internal.h"

/* A new member cannot send heartbeats while its first JoinGroup waits, and its end is not
 * noticed; so it is given this long, and joins again if it is still there. */
enum { NEW_MEMBER_TIMEOUT_MS = 5 * 60 * 1000 };

/* During a rebalance only as many may wait as may be in; those who wait already stay. */
static bool has_room(const struct group *g, const struct group_join *join,
                     const struct group_config *config)
{
    const struct member *m = group_find(g, join->member_id);

    switch (g->state) {
    case GROUP_EMPTY: return true;
    case GROUP_PREPARING: return (m && m->join) || (int64_t)g->joining_count < config->size_max;
    case GROUP_COMPLETING:
    case GROUP_STABLE: return m || (int64_t)g->member_count < config->size_max;
    }
    return false;
}

static void add_member(struct group *g, struct group_join *join, struct slice id,
                       struct group_step *step)
{
    struct member *m = member_create(id, join->instance_id);

    m->client_id = slice_keep(join->client_id);
    m->client_host = slice_keep(join->client_host);
    m->session_timeout_ms = join->session_timeout_ms;
    m->rebalance_timeout_ms = join->rebalance_timeout_ms;
    member_set_protocols(m, join->protocols, join->protocol_count);
    m->is_new = true;
    if (g->state == GROUP_PREPARING && g->generation == 0)
        g->has_newcomer = true;
    if (g->member_count == 0) {
        slice_drop(&g->protocol_type);
        g->protocol_type = slice_keep(join->protocol_type);
    }
    group_add(g, m);
    group_await_join(g, m, join, step);
    m->deadline_ms = step->now_ms + NEW_MEMBER_TIMEOUT_MS;
    group_wake_at(g, m->deadline_ms);
    group_rebalance(g, step);
}

/* The id is the newcomer's ticket: it comes back with it (KIP-394). */
static void hand_out_id(struct group *g, struct group_join *join, struct group_step *step)
{
    struct member *m = member_create(join->new_member_id, slice_null());

    m->session_timeout_ms = join->session_timeout_ms;
    group_add_pending(g, m);
    group_touch(g, m, step);
    group_refuse_join(g, join, COORD_E_MEMBER_ID_REQUIRED, m->id, step);
}

/* The group goes on as it was with the new id, once that is durable: no rebalance. */
static void replace_in_stable(struct group *g, struct member *m, struct group_step *step)
{
    if (slice_equal(group_vote(g), g->protocol))
        m->store = group_ask_store(g, step);
    else
        group_rebalance(g, step);
}

/* A static member was restarted: it comes without an id and takes the place of the old. */
static void replace_static(struct group *g, struct member *m, struct group_join *join,
                           struct group_step *step)
{
    group_rename(g, m, join->new_member_id, step);
    slice_drop(&m->client_id);
    slice_drop(&m->client_host);
    m->client_id = slice_keep(join->client_id);
    m->client_host = slice_keep(join->client_host);
    group_update(g, m, join);
    m->is_new = false;
    group_touch(g, m, step);
    group_await_join(g, m, join, step);
    switch (g->state) {
    case GROUP_STABLE: replace_in_stable(g, m, step); break;
    case GROUP_COMPLETING: /* The leader knows it by its old id. */ group_rebalance(g, step); break;
    case GROUP_PREPARING: group_maybe_complete(g, step); break;
    case GROUP_EMPTY: assert(!"a member in an empty group"); break;
    }
}

static void join_new(struct group *g, struct group_join *join, struct group_step *step)
{
    struct member *old = NULL;

    if (!group_supports(g, join)) {
        group_refuse_join(g, join, COORD_E_PROTOCOL, slice_empty(), step);
        return;
    }
    if (!slice_is_null(join->instance_id))
        old = group_find_instance(g, join->instance_id);
    if (old)
        replace_static(g, old, join, step);
    else if (slice_is_null(join->instance_id) && join->needs_known_id)
        hand_out_id(g, join, step);
    else
        add_member(g, join, join->new_member_id, step);
}

static void rejoin(struct group *g, struct member *m, struct group_join *join,
                   struct group_step *step)
{
    group_update(g, m, join);
    group_await_join(g, m, join, step);
    group_rebalance(g, step);
}

/* Tells the member what the generation is that it is in. */
static void repeat_answer(struct group *g, struct member *m, struct group_join *join,
                          struct group_step *step)
{
    group_touch(g, m, step);
    if (m->must_sync) /* It may have come late, so it has as long as the others had. */
        group_await_syncs(g, step);
    group_fill_join(g, m, join);
    group_answer(g, &join->call, 0, step);
}

static void join_known(struct group *g, struct member *m, struct group_join *join,
                       struct group_step *step)
{
    bool is_same = member_has_protocols(m, join->protocols, join->protocol_count);

    switch (g->state) {
    case GROUP_PREPARING: rejoin(g, m, join, step); break;
    case GROUP_COMPLETING: /* The same again: the answer has perhaps been lost. */
        if (is_same)
            repeat_answer(g, m, join, step);
        else
            rejoin(g, m, join, step);
        break;
    case GROUP_STABLE: /* The leader rejoins when something but the metadata has changed. */
        if (is_same && g->leader != m)
            repeat_answer(g, m, join, step);
        else
            rejoin(g, m, join, step);
        break;
    case GROUP_EMPTY: assert(!"a member in an empty group"); break;
    }
}

/* The pending member has come back with its id. */
static void join_pending(struct group *g, struct member *pending, struct group_join *join,
                         struct group_step *step)
{
    if (!slice_is_null(join->instance_id)) { /* Static members are never pending. */
        group_refuse_join(g, join, COORD_E_UNKNOWN_MEMBER, join->member_id, step);
        return;
    }
    group_remove(g, pending, 0, step);
    add_member(g, join, join->member_id, step);
}

static void join_existing(struct group *g, struct group_join *join, struct group_step *step)
{
    struct member *pending = group_find_pending(g, join->member_id);
    struct member *m = NULL;
    int r;

    if (!group_supports(g, join)) {
        group_refuse_join(g, join, COORD_E_PROTOCOL, join->member_id, step);
        return;
    }
    if (pending) {
        join_pending(g, pending, join, step);
        return;
    }
    r = group_identify(g, join->member_id, join->instance_id, &m);
    if (r)
        group_refuse_join(g, join, r, join->member_id, step);
    else
        join_known(g, m, join, step);
}

/* There is no room: who was in, and comes too late for the new generation, is out. */
static void turn_away(struct group *g, struct group_join *join, struct group_step *step)
{
    struct member *m = group_find(g, join->member_id);

    if (!m)
        m = group_find_pending(g, join->member_id);
    if (m)
        group_remove(g, m, COORD_E_UNKNOWN_MEMBER, step);
    group_refuse_join(g, join, COORD_E_FULL, slice_empty(), step);
    group_maybe_complete(g, step);
}

void group_join(struct group *g, struct group_join *join, struct group_step *step)
{
    assert(join->call.keep);
    if (!has_room(g, join, step->config))
        turn_away(g, join, step);
    else if (join->member_id.size == 0)
        join_new(g, join, step);
    else
        join_existing(g, join, step);
}
