/* SPDX-License-Identifier: Apache-2.0 */

/* coord/group.c - the events but JoinGroup, and the way from one generation to the next. */

#include "coord/group.h"

#include "base/mem.h"
#include "base/mutant.h"
#include "coord/group_internal.h"
#include "wire/msg/group_metadata_record.h"

/* --- making and ending ------------------------------------------------------ */

void group_init(struct group *g)
{
    *g = (struct group){
        .state_ms = -1,
        .join_deadline_ms = MEMBER_NEVER,
        .sync_deadline_ms = MEMBER_NEVER,
        .wake_ms = MEMBER_NEVER,
    };
    list_init(&g->members);
    list_init(&g->pending);
    map_init(&g->by_id);
    map_init(&g->by_instance);
    map_init(&g->protocols);
    subscription_init(&g->subscription);
}

static void remove_all(struct group *g, int outcome, struct group_step *step)
{
    struct list_node *node;

    while ((node = list_first(&g->members)) || (node = list_first(&g->pending)))
        group_remove(g, container_of(node, struct member, node), outcome, step);
}

void group_fini(struct group *g)
{
    struct group_step step;

    assert(g->joining_count == 0);
    group_step_init(&step, NULL, 0, 0);
    remove_all(g, 0, &step);
    assert(list_is_empty(&step.answered));
    slice_drop(&g->protocol_type);
    slice_drop(&g->protocol);
    subscription_fini(&g->subscription);
    map_fini(&g->by_id);
    map_fini(&g->by_instance);
    map_fini(&g->protocols);
}

void group_step_init(struct group_step *step, const struct group_config *config, int64_t now_ms,
                     int64_t wall_ms)
{
    *step = (struct group_step){.config = config, .now_ms = now_ms, .wall_ms = wall_ms};
    list_init(&step->answered);
}

void group_end(struct group *g, int outcome, struct group_step *step)
{
    list_each (node, &g->members)
        group_end_waits(g, container_of(node, struct member, node), outcome, step);
}

/* --- from one generation to the next ---------------------------------------- */

static void set_state(struct group *g, enum group_state state, const struct group_step *step)
{
    g->state = state;
    g->state_ms = step->wall_ms;
}

uint64_t group_ask_store(struct group *g, struct group_step *step)
{
    step->store = ++g->stores;
    return step->store;
}

/* Nobody has an assignment any more; who waited for one is told why not. */
static void reset_assignments(struct group *g, int outcome, struct group_step *step)
{
    g->assignment_store = 0;
    list_each (node, &g->members) {
        struct member *m = container_of(node, struct member, node);
        struct group_sync *sync = take(m->sync);

        slice_drop(&m->assignment);
        slice_drop(&m->next_assignment);
        if (sync) {
            group_refuse_sync(g, sync, outcome, step);
            group_touch(g, m, step);
        }
    }
}

static void set_protocol(struct group *g, struct slice name)
{
    struct slice kept = slice_keep(name);

    slice_drop(&g->protocol);
    g->protocol = kept;
}

/* Looks once per generation which topics the members read. */
static void read_subscription(struct group *g)
{
    subscription_fini(&g->subscription);
    if (!group_is_consumer(g))
        return;
    g->subscription.is_known = true;
    list_each (node, &g->members) {
        const struct member *m = container_of(node, struct member, node);

        if (subscription_add(&g->subscription, member_metadata(m, g->protocol))) {
            subscription_fini(&g->subscription);
            return;
        }
    }
}

/* Dynamic members that have not rejoined are out; static ones have until their session
 * ends. */
static void remove_absent(struct group *g, struct group_step *step)
{
    list_each_safe (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        if (!m->join && !member_is_static(m))
            group_remove(g, m, 0, step);
    }
}

/* The leader must be somebody who is there.  False if nobody is. */
static bool elect_leader(struct group *g)
{
    if (g->leader && g->leader->join)
        return true;
    list_each (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        if (m->join) {
            g->leader = m;
            return true;
        }
    }
    return false;
}

static void schedule_completion(struct group *g, struct group_step *step)
{
    g->join_deadline_ms = step->now_ms + group_rebalance_timeout(g);
    group_wake_at(g, g->join_deadline_ms);
}

void group_await_syncs(struct group *g, const struct group_step *step)
{
    g->sync_deadline_ms = step->now_ms + group_rebalance_timeout(g);
    group_wake_at(g, g->sync_deadline_ms);
}

static void answer_joins(struct group *g, struct group_step *step)
{
    list_each (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        m->is_new = false;
        m->store = 0;
        slice_drop(&m->former_id);
        group_answer_join(g, m, step);
        group_touch(g, m, step);
        group_set_must_sync(g, m, true);
    }
    group_await_syncs(g, step);
}

static void complete(struct group *g, struct group_step *step)
{
    assert(g->state == GROUP_PREPARING);
    g->join_deadline_ms = MEMBER_NEVER;
    remove_absent(g, step);
    if (!elect_leader(g) && g->member_count > 0) {
        schedule_completion(g, step); /* Static members that are all away. */
        return;
    }
    g->generation = g->generation == INT32_MAX ? 0 : g->generation + 1;
    g->is_initial = g->has_newcomer = false;
    if (g->member_count == 0) {
        set_protocol(g, slice_null());
        set_state(g, GROUP_EMPTY, step);
        read_subscription(g);
        (void)group_ask_store(g, step);
        return;
    }
    set_protocol(g, group_vote(g));
    set_state(g, GROUP_COMPLETING, step);
    read_subscription(g);
    answer_joins(g, step);
}

static bool have_all_joined(const struct group *g)
{
    if (mutant_is(MUTANT_HASTY_REBALANCE))
        return g->joining_count > 0;
    return g->member_count == g->joining_count && g->pending_count == 0;
}

void group_maybe_complete(struct group *g, struct group_step *step)
{
    if (g->state == GROUP_PREPARING && !g->is_initial && have_all_joined(g))
        complete(g, step);
}

/* A group that was empty waits a little, so that members who start together find each
 * other in the first generation. */
static void begin_initial(struct group *g, struct group_step *step)
{
    int64_t delay_ms = step->config->initial_delay_ms;

    g->is_initial = true;
    g->join_delay_ms = delay_ms;
    g->join_remaining_ms = max_of(group_rebalance_timeout(g) - delay_ms, (int64_t)0);
    g->join_deadline_ms = step->now_ms + delay_ms;
    group_wake_at(g, g->join_deadline_ms);
    if (delay_ms <= 0)
        complete(g, step);
}

static void prepare(struct group *g, struct group_step *step)
{
    bool was_empty = g->state == GROUP_EMPTY;

    if (g->state == GROUP_COMPLETING)
        reset_assignments(g, COORD_E_REBALANCING, step);
    g->sync_deadline_ms = MEMBER_NEVER;
    set_state(g, GROUP_PREPARING, step);
    list_each (node, &g->members)
        group_set_must_sync(g, container_of(node, struct member, node), false);
    if (was_empty)
        begin_initial(g, step);
    else if (have_all_joined(g))
        complete(g, step);
    else
        schedule_completion(g, step);
}

void group_rebalance(struct group *g, struct group_step *step)
{
    if (g->state == GROUP_PREPARING)
        group_maybe_complete(g, step);
    else
        prepare(g, step);
}

/* Somebody was taken out. */
static void after_removal(struct group *g, struct group_step *step)
{
    if (g->state != GROUP_EMPTY)
        group_rebalance(g, step);
}

/* --- SyncGroup -------------------------------------------------------------- */

static int check_sync(const struct group *g, const struct group_sync *sync, struct member **out)
{
    int r = group_identify(g, sync->who.member_id, sync->who.instance_id, out);

    if (r)
        return r;
    if (sync->who.generation != g->generation)
        return COORD_E_GENERATION;
    if ((!slice_is_null(sync->protocol_type) && !slice_is_null(g->protocol_type) &&
         !slice_equal(sync->protocol_type, g->protocol_type)) ||
        (!slice_is_null(sync->protocol) && !slice_is_null(g->protocol) &&
         !slice_equal(sync->protocol, g->protocol)))
        return COORD_E_PROTOCOL;
    return g->state == GROUP_PREPARING ? COORD_E_REBALANCING : 0;
}

/* Whom the leader does not mention gets nothing; what is for strangers is dropped. */
static void take_assignments(struct group *g, const struct group_sync *sync,
                             struct group_step *step)
{
    for (size_t i = 0; i < sync->assignment_count; i++) {
        struct member *m = group_find(g, sync->assignments[i].member_id);

        if (!m)
            continue;
        slice_drop(&m->next_assignment);
        m->next_assignment = slice_keep(sync->assignments[i].assignment);
    }
    g->assignment_store = group_ask_store(g, step);
}

static void answer_sync(struct group *g, const struct member *m, struct group_sync *sync,
                        struct group_step *step)
{
    sync->out_protocol_type = g->protocol_type;
    sync->out_protocol = g->protocol;
    sync->out_assignment = slice_is_null(m->assignment) ? slice_empty() : m->assignment;
    group_answer(g, &sync->call, 0, step);
}

static void await_sync(struct group *g, struct member *m, struct group_sync *sync,
                       struct group_step *step)
{
    group_end_waits(g, m, COORD_E_REBALANCING, step);
    m->sync = sync;
    if (g->leader == m && g->assignment_store == 0)
        take_assignments(g, sync, step);
}

void group_sync(struct group *g, struct group_sync *sync, struct group_step *step)
{
    struct member *m = NULL;
    int r = check_sync(g, sync, &m);

    assert(sync->call.keep);
    if (r) {
        group_refuse_sync(g, sync, r, step);
        return;
    }
    group_set_must_sync(g, m, false);
    if (g->unsynced_count == 0)
        g->sync_deadline_ms = MEMBER_NEVER;
    if (g->state == GROUP_STABLE) {
        answer_sync(g, m, sync, step);
        group_touch(g, m, step);
    } else {
        await_sync(g, m, sync, step);
    }
}

/* --- what was written ------------------------------------------------------- */

static void assignments_stored(struct group *g, int outcome, struct group_step *step)
{
    if (outcome) {
        reset_assignments(g, outcome, step);
        group_rebalance(g, step);
        return;
    }
    g->assignment_store = 0;
    set_state(g, GROUP_STABLE, step);
    list_each (node, &g->members) {
        struct member *m = container_of(node, struct member, node);
        struct group_sync *sync = take(m->sync);

        slice_drop(&m->assignment);
        m->assignment = m->next_assignment;
        m->next_assignment = slice_null();
        if (sync) {
            answer_sync(g, m, sync, step);
            group_touch(g, m, step);
        }
    }
}

/* The static member may go on with its new id.  One that cannot be told to skip the
 * assignment is told that somebody else leads, so that it makes none (KIP-814). */
static void replacement_stored(struct group *g, struct member *m, int outcome,
                               struct group_step *step)
{
    struct group_join *join;

    m->store = 0;
    if (!m->join || g->state != GROUP_STABLE)
        return; /* A rebalance has begun: it is part of that. */
    if (outcome) {
        group_end_waits(g, m, outcome, step);
        return;
    }
    join = take(m->join);
    g->joining_count--;
    group_fill_join(g, m, join);
    if (join->can_skip) {
        join->out_skips_assignment = join->out_is_leader;
    } else {
        join->out_leader = join->out_is_leader ? m->former_id : join->out_leader;
        join->out_is_leader = false;
    }
    group_answer(g, &join->call, 0, step);
    slice_drop(&m->former_id);
    group_touch(g, m, step);
}

void group_stored(struct group *g, uint64_t store, int outcome, struct group_step *step)
{
    assert(store > 0);
    if (store == g->assignment_store && g->state == GROUP_COMPLETING) {
        assignments_stored(g, outcome, step);
        return;
    }
    list_each (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        if (m->store == store)
            replacement_stored(g, m, outcome, step);
    }
}

/* --- signs of life, and their lack ------------------------------------------ */

int group_heartbeat(struct group *g, const struct group_who *who, struct group_step *step)
{
    struct member *m = NULL;
    int r = group_identify(g, who->member_id, who->instance_id, &m);

    if (r)
        return r;
    if (who->generation != g->generation && !mutant_is(MUTANT_STALE_BEAT))
        return COORD_E_GENERATION;
    group_touch(g, m, step);
    return g->state == GROUP_PREPARING ? COORD_E_REBALANCING : 0;
}

int group_check_commit(struct group *g, const struct group_who *who, struct group_step *step)
{
    struct member *m = NULL;
    int r;

    if (who->generation < 0 && g->state == GROUP_EMPTY)
        return 0; /* By a consumer that is in no group, or by a tool. */
    if (who->generation < 0 && who->member_id.size == 0 && slice_is_null(who->instance_id))
        return COORD_E_UNKNOWN_MEMBER;
    r = group_identify(g, who->member_id, who->instance_id, &m);
    if (r)
        return r;
    if (who->generation != g->generation && !mutant_is(MUTANT_STALE_COMMIT))
        return COORD_E_GENERATION;
    if (g->state == GROUP_COMPLETING)
        return COORD_E_REBALANCING;
    group_touch(g, m, step);
    return 0;
}

static int leave(struct group *g, const struct group_leaver *leaver, struct group_step *step)
{
    struct member *m = group_find_pending(g, leaver->member_id);
    int r = 0;

    if (leaver->member_id.size == 0) /* Removed by an operator, by the name of its place. */
        m = slice_is_null(leaver->instance_id) ? NULL : group_find_instance(g, leaver->instance_id);
    else if (!m || !slice_is_null(leaver->instance_id))
        r = group_identify(g, leaver->member_id, leaver->instance_id, &m);
    if (r || !m)
        return r ? r : COORD_E_UNKNOWN_MEMBER;
    group_remove(g, m, COORD_E_UNKNOWN_MEMBER, step);
    return 0;
}

void group_leave(struct group *g, struct group_leaver *leavers, size_t count,
                 struct group_step *step)
{
    size_t before = g->member_count;

    for (size_t i = 0; i < count; i++)
        leavers[i].outcome = leave(g, &leavers[i], step);
    if (g->member_count < before)
        after_removal(g, step);
    else /* Pending ones are perhaps all that was waited for. */
        group_maybe_complete(g, step);
}

static bool is_due(int64_t deadline_ms, const struct group_step *step)
{
    return deadline_ms != MEMBER_NEVER && deadline_ms <= step->now_ms;
}

/* Who has not asked for its assignment in time is out. */
static bool expire_syncs(struct group *g, struct group_step *step)
{
    bool has_removed = false;

    g->sync_deadline_ms = MEMBER_NEVER;
    list_each_safe (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        if (m->must_sync) {
            group_remove(g, m, COORD_E_UNKNOWN_MEMBER, step);
            has_removed = true;
        }
    }
    return has_removed;
}

/* Members whose session is over; who waits for us shows by that that it is alive. */
static bool expire_members(struct group *g, struct group_step *step)
{
    bool has_removed = false;

    list_each_safe (node, &g->members) {
        struct member *m = container_of(node, struct member, node);

        if (!is_due(m->deadline_ms, step))
            continue;
        if (!m->is_new && (m->join || m->sync)) {
            m->deadline_ms = MEMBER_NEVER; /* Set again with the answer. */
        } else {
            group_remove(g, m, COORD_E_UNKNOWN_MEMBER, step);
            has_removed = true;
        }
    }
    list_each_safe (pending, &g->pending) {
        struct member *m = container_of(pending, struct member, node);

        if (is_due(m->deadline_ms, step)) {
            group_remove(g, m, COORD_E_UNKNOWN_MEMBER, step);
            has_removed |= g->state == GROUP_PREPARING;
        }
    }
    return has_removed;
}

static void join_deadline_passed(struct group *g, struct group_step *step)
{
    int64_t delay_ms = g->join_delay_ms;

    if (!g->is_initial || !g->has_newcomer || g->join_remaining_ms == 0) {
        complete(g, step);
        return;
    }
    g->has_newcomer = false;
    g->join_delay_ms = min_of(step->config->initial_delay_ms, g->join_remaining_ms);
    g->join_remaining_ms = max_of(g->join_remaining_ms - delay_ms, (int64_t)0);
    g->join_deadline_ms = step->now_ms + g->join_delay_ms;
}

static void find_wake(struct group *g)
{
    g->wake_ms = MEMBER_NEVER;
    group_wake_at(g, g->join_deadline_ms);
    group_wake_at(g, g->sync_deadline_ms);
    list_each (node, &g->members)
        group_wake_at(g, container_of(node, struct member, node)->deadline_ms);
    list_each (node, &g->pending)
        group_wake_at(g, container_of(node, struct member, node)->deadline_ms);
}

void group_tick(struct group *g, struct group_step *step)
{
    bool has_removed = expire_members(g, step);

    if (is_due(g->sync_deadline_ms, step))
        has_removed |= expire_syncs(g, step);
    if (has_removed)
        after_removal(g, step);
    if (is_due(g->join_deadline_ms, step))
        join_deadline_passed(g, step);
    find_wake(g);
}

/* --- the log's side --------------------------------------------------------- */

static void restore_member(struct group *g, const struct group_metadata_value *value,
                           const struct group_metadata_member_metadata *from)
{
    struct protocol protocol = {.name = value->protocol, .metadata = from->subscription};
    struct member *m;

    if (group_find(g, from->member_id) || (!slice_is_null(from->group_instance_id) &&
                                           group_find_instance(g, from->group_instance_id)))
        return;
    m = member_create(from->member_id, from->group_instance_id);
    m->client_id = slice_keep(from->client_id);
    m->client_host = slice_keep(from->client_host);
    m->session_timeout_ms = max_of(from->session_timeout, 0);
    m->rebalance_timeout_ms =
        from->rebalance_timeout == -1 ? from->session_timeout : from->rebalance_timeout;
    m->assignment = slice_keep(from->assignment);
    member_set_protocols(m, &protocol, 1);
    group_add(g, m);
}

void group_restore(struct group *g, const struct group_metadata_value *value)
{
    struct member *leader;

    group_fini(g);
    group_init(g);
    g->generation = value->generation;
    if (value->protocol_type.size > 0)
        g->protocol_type = slice_keep(value->protocol_type);
    g->protocol = slice_keep(value->protocol);
    g->state_ms = value->current_state_timestamp;
    for (int32_t i = 0; i < value->members_count; i++)
        restore_member(g, value, &value->members[i]);
    if (g->member_count > 0)
        g->state = GROUP_STABLE;
    leader = slice_is_null(value->leader) ? NULL : group_find(g, value->leader);
    if (leader)
        g->leader = leader;
    read_subscription(g);
}

void group_restored(struct group *g, struct group_step *step)
{
    list_each (node, &g->members)
        group_touch(g, container_of(node, struct member, node), step);
    if ((int64_t)g->member_count > step->config->size_max)
        group_rebalance(g, step); /* It may be that the limit was lowered. */
}

/* --- questions -------------------------------------------------------------- */

bool group_is_consumer(const struct group *g)
{
    return slice_is_text(g->protocol_type, "consumer");
}

bool group_is_subscribed(const struct group *g, struct slice topic)
{
    return g->subscription.is_known ? subscription_has(&g->subscription, topic)
                                    : group_is_consumer(g);
}

enum group_expiry group_expiry(const struct group *g)
{
    if (slice_is_null(g->protocol_type)) /* Nobody ever joined: offsets are all there is. */
        return GROUP_EXPIRES_BY_COMMIT;
    if (g->state == GROUP_EMPTY)
        return g->state_ms == -1 ? GROUP_EXPIRES_BY_COMMIT : GROUP_EXPIRES_BY_STATE;
    if (group_is_consumer(g) && g->subscription.is_known && g->state == GROUP_STABLE)
        return GROUP_EXPIRES_BY_COMMIT; /* Of topics that nobody reads any more. */
    return GROUP_KEEPS_OFFSETS;
}

const char *group_state_name(enum group_state state)
{
    switch (state) {
    case GROUP_EMPTY: return "Empty";
    case GROUP_PREPARING: return "PreparingRebalance";
    case GROUP_COMPLETING: return "CompletingRebalance";
    case GROUP_STABLE: return "Stable";
    }
    return "Dead";
}

static void check_members(const struct group *g)
{
    size_t members = 0, joining = 0, unsynced = 0;
    bool has_leader = false;

    list_each (node, &g->members) {
        const struct member *m = container_of(node, struct member, node);

        assert(!m->is_pending && group_find(g, m->id) == m);
        assert(!member_is_static(m) || group_find_instance(g, m->instance_id) == m);
        assert(!(m->join && m->sync));
        assert(!m->sync || g->state == GROUP_COMPLETING);
        assert(!m->join || g->state == GROUP_PREPARING || m->store > 0);
        members++;
        joining += m->join != NULL;
        unsynced += m->must_sync;
        has_leader |= g->leader == m;
    }
    assert(members == g->member_count && joining == g->joining_count);
    assert(unsynced == g->unsynced_count);
    assert(has_leader == (members > 0));
}

void group_check(const struct group *g)
{
    size_t pending = 0;

    check_members(g);
    list_each (node, &g->pending) {
        const struct member *m = container_of(node, struct member, node);

        assert(m->is_pending && !m->join && !m->sync);
        pending++;
    }
    assert(pending == g->pending_count);
    assert(g->by_id.count == g->member_count + pending);
    assert(g->state != GROUP_EMPTY || g->member_count == 0);
    assert(g->state == GROUP_EMPTY || g->state == GROUP_PREPARING || g->member_count > 0);
    assert((g->state == GROUP_PREPARING) == (g->join_deadline_ms != MEMBER_NEVER));
    assert(g->assignment_store == 0 || g->state == GROUP_COMPLETING);
}
