/* SPDX-License-Identifier: Apache-2.0 */

/* coord/group_members.c - who is in a group, which protocols they have, who waits. */

#include "base/hash.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "coord/group_internal.h"

/* How many members have a protocol. */
struct protocol_count {
    struct map_node node; /* In group->protocols. */
    struct slice name;    /* Owned. */
    size_t members;
    size_t votes;
    uint64_t mark; /* Of the last walk over a member's protocols that came by. */
};

/* --- time ------------------------------------------------------------------- */

void group_wake_at(struct group *g, int64_t at_ms)
{
    if (at_ms != MEMBER_NEVER && (g->wake_ms == MEMBER_NEVER || at_ms < g->wake_ms))
        g->wake_ms = at_ms;
}

void group_touch(struct group *g, struct member *m, const struct group_step *step)
{
    m->deadline_ms = step->now_ms + m->session_timeout_ms;
    group_wake_at(g, m->deadline_ms);
}

int32_t group_rebalance_timeout(const struct group *g)
{
    int32_t longest = 0;

    list_each (node, &g->members)
        longest = max_of(longest, container_of(node, struct member, node)->rebalance_timeout_ms);
    return longest;
}

/* --- protocols -------------------------------------------------------------- */

static struct protocol_count *find_protocol(const struct group *g, struct slice name)
{
    for (struct map_node *n = map_find(&g->protocols, hash_slice(name, 0)); n;
         n = map_find_next(n)) {
        struct protocol_count *count = container_of(n, struct protocol_count, node);

        if (slice_equal(count->name, name))
            return count;
    }
    return NULL;
}

/* A name that a member says twice counts once. */
static void count_protocols(struct group *g, const struct member *m)
{
    uint64_t mark = ++g->protocol_marks;

    for (size_t i = 0; i < m->protocol_count; i++) {
        struct slice name = m->protocols[i].name;
        struct protocol_count *count = find_protocol(g, name);

        if (!count) {
            count = mem_new(sizeof(*count));
            count->name = slice_keep(name);
            map_put(&g->protocols, &count->node, hash_slice(name, 0));
        }
        count->members += count->mark != mark;
        count->mark = mark;
    }
}

static void uncount_protocols(struct group *g, const struct member *m)
{
    uint64_t mark = ++g->protocol_marks;

    for (size_t i = 0; i < m->protocol_count; i++) {
        struct protocol_count *count = find_protocol(g, m->protocols[i].name);

        if (!count || count->mark == mark)
            continue;
        count->mark = mark;
        if (--count->members == 0) {
            map_remove(&g->protocols, &count->node);
            slice_drop(&count->name);
            mem_free(count);
        }
    }
}

static bool all_have(const struct group *g, struct slice protocol)
{
    const struct protocol_count *count = find_protocol(g, protocol);

    return (count ? count->members : 0) == g->member_count;
}

bool group_supports(const struct group *g, const struct group_join *join)
{
    if (g->state == GROUP_EMPTY)
        return join->protocol_type.size > 0 && join->protocol_count > 0;
    if (!slice_equal(g->protocol_type, join->protocol_type))
        return false;
    for (size_t i = 0; i < join->protocol_count; i++)
        if (all_have(g, join->protocols[i].name))
            return true;
    return false;
}

/* What the member would like best of what all have. */
static struct protocol_count *vote_of(const struct group *g, const struct member *m)
{
    for (size_t i = 0; i < m->protocol_count; i++)
        if (all_have(g, m->protocols[i].name))
            return find_protocol(g, m->protocols[i].name);
    return NULL;
}

/* Of protocols with as many votes the one wins that the oldest member votes for. */
struct slice group_vote(struct group *g)
{
    struct protocol_count *best = NULL;

    map_each (node, &g->protocols)
        container_of(node, struct protocol_count, node)->votes = 0;
    list_each (node, &g->members) {
        struct protocol_count *vote = vote_of(g, container_of(node, struct member, node));

        assert(vote); /* group_supports() let nobody in who shares none. */
        vote->votes++;
    }
    list_each (node, &g->members) {
        struct protocol_count *vote = vote_of(g, container_of(node, struct member, node));

        if (!best || vote->votes > best->votes)
            best = vote;
    }
    assert(best);
    return best->name;
}

/* --- calls that wait -------------------------------------------------------- */

void group_answer(struct group *g, struct group_call *call, int outcome, struct group_step *step)
{
    call->outcome = outcome;
    call->keep(call, g);
    list_push(&step->answered, &call->node);
}

void group_refuse_join(struct group *g, struct group_join *join, int outcome,
                       struct slice member_id, struct group_step *step)
{
    join->out_member_id = member_id;
    join->out_protocol_type = join->out_protocol = slice_null();
    join->out_leader = slice_empty();
    join->out_generation = -1;
    join->out_is_leader = join->out_skips_assignment = false;
    group_answer(g, &join->call, outcome, step);
}

void group_refuse_sync(struct group *g, struct group_sync *sync, int outcome,
                       struct group_step *step)
{
    sync->out_protocol_type = sync->out_protocol = slice_null();
    sync->out_assignment = slice_empty();
    group_answer(g, &sync->call, outcome, step);
}

void group_end_waits(struct group *g, struct member *m, int outcome, struct group_step *step)
{
    struct group_join *join = take(m->join);
    struct group_sync *sync = take(m->sync);

    if (join) {
        g->joining_count--;
        group_refuse_join(g, join, outcome,
                          outcome == COORD_E_UNKNOWN_MEMBER ? slice_empty() : m->id, step);
    }
    if (sync)
        group_refuse_sync(g, sync, outcome, step);
}

void group_await_join(struct group *g, struct member *m, struct group_join *join,
                      struct group_step *step)
{
    group_end_waits(g, m, COORD_E_REBALANCING, step);
    m->join = join;
    g->joining_count++;
}

void group_fill_join(const struct group *g, const struct member *m, struct group_join *join)
{
    join->out_member_id = m->id;
    join->out_protocol_type = g->protocol_type;
    join->out_protocol = g->protocol;
    join->out_leader = g->leader ? g->leader->id : slice_empty();
    join->out_generation = g->generation;
    join->out_is_leader = g->leader == m;
    join->out_skips_assignment = false;
}

void group_answer_join(struct group *g, struct member *m, struct group_step *step)
{
    struct group_join *join = take(m->join);

    if (!join)
        return;
    g->joining_count--;
    group_fill_join(g, m, join);
    group_answer(g, &join->call, 0, step);
}

/* --- who is in -------------------------------------------------------------- */

static struct member *find(const struct group *g, struct slice id)
{
    for (struct map_node *n = map_find(&g->by_id, hash_slice(id, 0)); n; n = map_find_next(n)) {
        struct member *m = container_of(n, struct member, by_id);

        if (slice_equal(m->id, id))
            return m;
    }
    return NULL;
}

struct member *group_find(const struct group *g, struct slice id)
{
    struct member *m = find(g, id);

    return m && !m->is_pending ? m : NULL;
}

struct member *group_find_pending(const struct group *g, struct slice id)
{
    struct member *m = find(g, id);

    return m && m->is_pending ? m : NULL;
}

struct member *group_find_instance(const struct group *g, struct slice instance_id)
{
    for (struct map_node *n = map_find(&g->by_instance, hash_slice(instance_id, 0)); n;
         n = map_find_next(n)) {
        struct member *m = container_of(n, struct member, by_instance);

        if (slice_equal(m->instance_id, instance_id))
            return m;
    }
    return NULL;
}

int group_identify(const struct group *g, struct slice id, struct slice instance_id,
                   struct member **out)
{
    struct member *m = group_find(g, id);

    if (!slice_is_null(instance_id)) {
        const struct member *owner = group_find_instance(g, instance_id);

        if (!owner)
            return COORD_E_UNKNOWN_MEMBER;
        if (owner != m && !mutant_is(MUTANT_STATIC_UNFENCED))
            return COORD_E_FENCED_INSTANCE;
    }
    if (!m)
        return COORD_E_UNKNOWN_MEMBER;
    *out = m;
    return 0;
}

void group_set_must_sync(struct group *g, struct member *m, bool must)
{
    g->unsynced_count += (size_t)must - (size_t)m->must_sync;
    m->must_sync = must;
}

void group_add(struct group *g, struct member *m)
{
    assert(!m->is_pending && !find(g, m->id));
    list_push(&g->members, &m->node);
    g->member_count++;
    map_put(&g->by_id, &m->by_id, hash_slice(m->id, 0));
    if (member_is_static(m))
        map_put(&g->by_instance, &m->by_instance, hash_slice(m->instance_id, 0));
    count_protocols(g, m);
    if (!g->leader)
        g->leader = m;
}

void group_add_pending(struct group *g, struct member *m)
{
    assert(!find(g, m->id));
    m->is_pending = true;
    list_push(&g->pending, &m->node);
    g->pending_count++;
    map_put(&g->by_id, &m->by_id, hash_slice(m->id, 0));
}

void group_remove(struct group *g, struct member *m, int outcome, struct group_step *step)
{
    struct list_node *first;

    group_end_waits(g, m, outcome, step);
    list_remove(&m->node);
    map_remove(&g->by_id, &m->by_id);
    if (m->is_pending) {
        g->pending_count--;
        member_destroy(m);
        return;
    }
    g->member_count--;
    group_set_must_sync(g, m, false);
    uncount_protocols(g, m);
    if (member_is_static(m))
        map_remove(&g->by_instance, &m->by_instance);
    if (g->leader == m) {
        first = list_first(&g->members);
        g->leader = first ? container_of(first, struct member, node) : NULL;
    }
    member_destroy(m);
}

void group_rename(struct group *g, struct member *m, struct slice id, struct group_step *step)
{
    assert(!find(g, id));
    group_end_waits(g, m, COORD_E_FENCED_INSTANCE, step);
    map_remove(&g->by_id, &m->by_id);
    slice_drop(&m->former_id);
    m->former_id = m->id;
    m->id = slice_keep(id);
    map_put(&g->by_id, &m->by_id, hash_slice(m->id, 0));
}

void group_update(struct group *g, struct member *m, const struct group_join *join)
{
    uncount_protocols(g, m);
    member_set_protocols(m, join->protocols, join->protocol_count);
    count_protocols(g, m);
    m->session_timeout_ms = join->session_timeout_ms;
    m->rebalance_timeout_ms = join->rebalance_timeout_ms;
}
