/* SPDX-License-Identifier: Apache-2.0 */
#include "client/member.h"

#include "base/mem.h"
#include "wire/errors.h"
#include "wire/msg/find_coordinator.h"
#include "wire/msg/heartbeat.h"
#include "wire/msg/join_group.h"
#include "wire/msg/leave_group.h"
#include "wire/msg/sync_group.h"

DIAG_MODULE("client");

enum {
    FIND_VERSION_MAX = 3, /* Later ones ask for many. */
    LEAVE_MEMBERS = 3,    /* From this version on many leave at once. */
    JOIN_GRACE_MS = 5000, /* Beyond the rebalance timeout, as Java's clients wait. */
};

static void go_on(struct member *m);

static int64_t now_us(const struct member *m)
{
    return m->cluster->loop->now_us;
}

static void set_timer(struct member *m, int64_t at_us)
{
    loop_timer_set(m->cluster->loop, &m->timer, at_us);
}

static void try_later(struct member *m)
{
    set_timer(m, now_us(m) + cluster_backoff_us(m->cluster, m->failures++,
                                                m->settings.retry_backoff_ms,
                                                m->settings.retry_backoff_max_ms));
}

static char *copy(const char *text)
{
    return text ? mem_copy_text(text, strlen(text)) : NULL;
}

static void set_id(struct member *m, struct slice id)
{
    mem_free(m->id);
    m->id = mem_copy_text((const char *)id.data, id.size);
}

static struct slice instance_of(const struct member *m)
{
    return m->settings.instance ? slice_text(m->settings.instance) : slice_null();
}

/* As a request has it: the own one may change while that is under way. */
static struct slice id_of(struct member *m)
{
    return slice_text(arena_text(&m->arena, m->id, strlen(m->id)));
}

/* --- what becomes of it ------------------------------------------------------ */

static void revoke(struct member *m, bool is_lost)
{
    m->state = MEMBER_REVOKE;
    m->events->revoked(m, is_lost);
}

/* The coordinator does not know us any more, or not in this generation. */
static void lose_place(struct member *m, bool keeps_id)
{
    bool had_work = m->state == MEMBER_STABLE;

    diag_info(m->cluster->settings.diag, "member of a group has lost its place and joins again",
              kv("group", m->settings.group), kv("member", m->id), kv("generation", m->generation));
    m->generation = -1;
    if (!keeps_id)
        set_id(m, slice_empty());
    if (had_work)
        revoke(m, true);
    else if (m->state != MEMBER_REVOKE && m->state != MEMBER_LEAVE && m->state != MEMBER_OVER)
        m->state = MEMBER_JOIN;
}

static void fail(struct member *m, int16_t error)
{
    m->state = MEMBER_OVER;
    m->events->failed(m, error);
}

/* What an error means for our place; false: it is the end. */
static bool take_error(struct member *m, int16_t error)
{
    switch (error) {
    case ERROR_COORDINATOR_NOT_AVAILABLE:
    case ERROR_NOT_COORDINATOR: m->coordinator = -1; break;
    case ERROR_UNKNOWN_MEMBER_ID: lose_place(m, false); break;
    case ERROR_ILLEGAL_GENERATION: lose_place(m, true); break;
    case ERROR_REBALANCE_IN_PROGRESS:
        if (m->state == MEMBER_STABLE)
            revoke(m, false);
        else if (m->state == MEMBER_SYNC)
            m->state = MEMBER_JOIN;
        break;
    default:
        if (error == ERROR_NONE || error_is_retriable(error))
            break;
        fail(m, error);
        return false;
    }
    return true;
}

bool member_heard(struct member *m, int16_t error)
{
    bool is_good = take_error(m, error);

    go_on(m);
    return is_good;
}

void member_lost_coordinator(struct member *m)
{
    m->coordinator = -1;
    go_on(m);
}

/* An error of one of our own requests: it is tried again, or something else is done first. */
static void refused(struct member *m, int16_t error)
{
    enum member_state before = m->state;

    if (!take_error(m, error))
        return;
    if (m->state == before)
        try_later(m);
    else
        go_on(m);
}

/* --- asking ------------------------------------------------------------------ */

static void answered(struct call *call);
static void adapt(struct call *call, int16_t version);

static const struct call_events events = {.done = answered, .adapt = adapt};

static void ask(struct member *m, int16_t api, const void *request, int64_t timeout_ms)
{
    m->call.order = (struct call_order){
        .api = wire_api_find(api),
        .request = request,
        .target = m->asked == MEMBER_FINDS ? CALL_ANY : m->coordinator,
        .lane = MEMBER_LANE,
        .version_max = m->asked == MEMBER_FINDS ? FIND_VERSION_MAX : 0,
        .timeout_ms = (int32_t)min_of(timeout_ms, (int64_t)INT32_MAX),
        .deadline_us = now_us(m) + timeout_ms * 1000,
        .is_once = true,
    };
    cluster_call(m->cluster, &m->call);
}

static void find(struct member *m)
{
    struct find_coordinator_request *request = arena_new(&m->arena, sizeof(*request));

    *request = find_coordinator_request_defaults;
    request->key = slice_text(m->settings.group);
    m->asked = MEMBER_FINDS;
    ask(m, API_FIND_COORDINATOR, request, m->cluster->settings.request_timeout_ms);
}

static void join(struct member *m)
{
    struct join_group_request *request = arena_new(&m->arena, sizeof(*request));
    struct member_protocol offered[MEMBER_PROTOCOLS_MAX];

    *request = join_group_request_defaults;
    request->group_id = slice_text(m->settings.group);
    request->session_timeout_ms = m->settings.session_timeout_ms;
    request->rebalance_timeout_ms = m->settings.rebalance_timeout_ms;
    request->member_id = id_of(m);
    request->group_instance_id = instance_of(m);
    request->protocol_type = slice_text(m->settings.protocol_type);
    request->protocols_count = (int32_t)m->events->protocols(m, &m->arena, offered);
    request->protocols =
        arena_new(&m->arena, (size_t)request->protocols_count * sizeof(*request->protocols));
    for (int32_t i = 0; i < request->protocols_count; i++)
        request->protocols[i] = (struct join_group_request_protocol){
            .name = slice_text(offered[i].name), .metadata = offered[i].metadata};
    m->must_rejoin = false;
    m->asked = MEMBER_JOINS;
    ask(m, API_JOIN_GROUP, request,
        max_of(m->settings.rebalance_timeout_ms + (int64_t)JOIN_GRACE_MS,
               m->cluster->settings.request_timeout_ms));
}

static void sync_group(struct member *m)
{
    struct sync_group_request *request = arena_new(&m->arena, sizeof(*request));

    *request = sync_group_request_defaults;
    request->group_id = slice_text(m->settings.group);
    request->generation_id = m->generation;
    request->member_id = id_of(m);
    request->group_instance_id = instance_of(m);
    request->protocol_type = slice_text(m->settings.protocol_type);
    request->protocol_name = slice_text(m->plan.protocol);
    request->assignments =
        arena_new(&m->arena, (m->plan.count + 1) * sizeof(*request->assignments));
    for (size_t i = 0; i < m->plan.count; i++)
        request->assignments[request->assignments_count++] = (struct sync_group_request_assignment){
            .member_id = m->plan.peers[i].id, .assignment = m->plan.peers[i].assignment};
    m->asked = MEMBER_SYNCS;
    ask(m, API_SYNC_GROUP, request,
        max_of((int64_t)m->settings.rebalance_timeout_ms, m->cluster->settings.request_timeout_ms));
}

static void beat(struct member *m)
{
    struct heartbeat_request *request = arena_new(&m->arena, sizeof(*request));

    *request = heartbeat_request_defaults;
    request->group_id = slice_text(m->settings.group);
    request->generation_id = m->generation;
    request->member_id = id_of(m);
    request->group_instance_id = instance_of(m);
    m->beat_us = now_us(m) + m->settings.heartbeat_interval_ms * 1000;
    m->asked = MEMBER_BEATS;
    ask(m, API_HEARTBEAT, request, m->settings.session_timeout_ms);
}

static void leave(struct member *m)
{
    struct leave_group_request *request = arena_new(&m->arena, sizeof(*request));

    *request = leave_group_request_defaults;
    request->group_id = slice_text(m->settings.group);
    request->members = arena_new(&m->arena, sizeof(*request->members));
    request->members[0] = leave_group_member_identity_defaults;
    request->members[0].member_id = id_of(m);
    request->members[0].group_instance_id = slice_null();
    request->members[0].reason = slice_text("the consumer is being closed");
    m->asked = MEMBER_LEAVES;
    ask(m, API_LEAVE_GROUP, request, m->settings.leave_timeout_ms);
}

/* Who leaves is said in another place since version 3. */
static void adapt(struct call *call, int16_t version)
{
    struct member *m = container_of(call, struct member, call);
    struct leave_group_request *request;

    if (m->asked != MEMBER_LEAVES)
        return;
    request = (struct leave_group_request *)(uintptr_t)call->order.request;
    request->member_id = version < LEAVE_MEMBERS ? request->members[0].member_id : slice_empty();
    request->members_count = version >= LEAVE_MEMBERS;
}

/* Begins what is next to do, unless something is under way. */
static void go_on(struct member *m)
{
    bool is_waiting = m->state == MEMBER_IDLE || m->state == MEMBER_PLAN || m->state == MEMBER_OVER;

    if (is_waiting || call_is_under_way(&m->call))
        return;
    if (m->state == MEMBER_REVOKE && m->coordinator >= 0)
        return; /* The owner may want it meanwhile. */
    if (m->state == MEMBER_STABLE && m->coordinator >= 0 && m->beat_us > now_us(m)) {
        set_timer(m, m->beat_us);
        return;
    }
    loop_timer_cancel(m->cluster->loop, &m->timer);
    call_fini(&m->call);
    arena_recycle(&m->arena);
    if (m->coordinator < 0)
        find(m);
    else if (m->state == MEMBER_JOIN)
        join(m);
    else if (m->state == MEMBER_SYNC)
        sync_group(m);
    else if (m->state == MEMBER_STABLE)
        beat(m);
    else
        leave(m);
}

static void on_timer(struct loop_timer *timer)
{
    struct member *m = container_of(timer, struct member, timer);

    if (m->state == MEMBER_OVER)
        m->events->left(m);
    else
        go_on(m);
}

/* --- answers ----------------------------------------------------------------- */

static void found(struct member *m, const struct find_coordinator_response *response)
{
    if (response->error_code != ERROR_NONE) {
        if (error_is_retriable(response->error_code))
            try_later(m);
        else
            fail(m, response->error_code);
        return;
    }
    m->failures = 0;
    m->coordinator = response->node_id;
    go_on(m);
}

static struct slice keep(struct arena *arena, struct slice bytes)
{
    return slice_is_null(bytes) ? bytes
                                : slice_of(arena_text(arena, bytes.data, bytes.size), bytes.size);
}

static void take_plan(struct member *m, const struct join_group_response *response)
{
    struct arena *arena = &m->plan.arena;
    bool is_leader =
        slice_equal(response->leader, response->member_id) && !response->skip_assignment;

    arena_reset(arena);
    arena_init(arena, NULL);
    m->plan.protocol =
        arena_text(arena, response->protocol_name.data, response->protocol_name.size);
    m->plan.count = is_leader ? (size_t)response->members_count : 0;
    m->plan.peers = arena_new(arena, (m->plan.count + 1) * sizeof(*m->plan.peers));
    for (size_t i = 0; i < m->plan.count; i++) {
        const struct join_group_response_member *from = &response->members[i];

        m->plan.peers[i] = (struct member_peer){
            .id = keep(arena, from->member_id),
            .instance = keep(arena, from->group_instance_id),
            .metadata = keep(arena, from->metadata),
            .assignment = slice_empty(),
        };
    }
    m->state = is_leader ? MEMBER_PLAN : MEMBER_SYNC;
    if (is_leader)
        m->events->plan(m, &m->plan);
    else
        go_on(m);
}

static void joined(struct member *m, const struct join_group_response *response)
{
    if (response->error_code == ERROR_MEMBER_ID_REQUIRED) { /* KIP-394 */
        set_id(m, response->member_id);
        go_on(m);
        return;
    }
    if (response->error_code != ERROR_NONE) {
        refused(m, response->error_code);
        return;
    }
    m->failures = 0;
    set_id(m, response->member_id);
    m->generation = response->generation_id;
    if (m->state == MEMBER_JOIN)
        take_plan(m, response);
    else
        go_on(m); /* It is to leave meanwhile. */
}

static void synced(struct member *m, const struct sync_group_response *response)
{
    if (response->error_code != ERROR_NONE) {
        refused(m, response->error_code);
        return;
    }
    if (m->state != MEMBER_SYNC) {
        go_on(m);
        return;
    }
    m->failures = 0;
    m->state = MEMBER_STABLE;
    m->beat_us = now_us(m) + m->settings.heartbeat_interval_ms * 1000;
    m->events->assigned(m, response->assignment);
    if (m->state == MEMBER_STABLE && m->must_rejoin)
        member_rejoin(m);
    else
        go_on(m);
}

static void beaten(struct member *m, const struct heartbeat_response *response)
{
    if (response->error_code != ERROR_NONE) {
        refused(m, response->error_code);
        return;
    }
    m->failures = 0;
    go_on(m);
}

static void be_over(struct member *m)
{
    m->state = MEMBER_OVER;
    set_timer(m, now_us(m)); /* left() comes from there. */
}

static void answered(struct call *call)
{
    struct member *m = container_of(call, struct member, call);

    if (call->outcome == CALL_E_STOPPED)
        return;
    if (m->asked == MEMBER_LEAVES) {
        be_over(m); /* Whatever the answer is: nobody stays for it. */
        return;
    }
    if (call->outcome == CALL_E_UNSUPPORTED || call->outcome == CALL_E_UNSAYABLE) {
        fail(m, ERROR_UNSUPPORTED_VERSION);
        return;
    }
    if (call->outcome != CALL_OK) {
        m->coordinator = -1;
        try_later(m);
        return;
    }
    switch (m->asked) {
    case MEMBER_FINDS: found(m, call->response); break;
    case MEMBER_JOINS: joined(m, call->response); break;
    case MEMBER_SYNCS: synced(m, call->response); break;
    case MEMBER_BEATS: beaten(m, call->response); break;
    case MEMBER_LEAVES: break;
    }
}

/* --- for the owner ----------------------------------------------------------- */

void member_init(struct member *m, struct cluster *cluster, const struct member_settings *settings,
                 const struct member_events *member_events)
{
    *m = (struct member){
        .cluster = cluster,
        .settings = *settings,
        .events = member_events,
        .coordinator = -1,
        .generation = -1,
        .timer = {.fire = on_timer},
    };
    m->settings.group = copy(settings->group);
    m->settings.instance = copy(settings->instance);
    set_id(m, slice_empty());
    arena_init(&m->arena, NULL);
    arena_init(&m->plan.arena, NULL);
    call_init(&m->call, &events);
}

void member_fini(struct member *m)
{
    loop_timer_cancel(m->cluster->loop, &m->timer);
    call_fini(&m->call);
    arena_reset(&m->arena);
    arena_reset(&m->plan.arena);
    mem_free((void *)(uintptr_t)m->settings.group);
    mem_free((void *)(uintptr_t)m->settings.instance);
    mem_free(m->id);
}

void member_join(struct member *m)
{
    assert(m->state == MEMBER_IDLE);
    m->state = MEMBER_JOIN;
    go_on(m);
}

void member_planned(struct member *m)
{
    if (m->state != MEMBER_PLAN)
        return; /* It is to leave meanwhile. */
    m->state = MEMBER_SYNC;
    go_on(m);
}

void member_ready(struct member *m)
{
    if (m->state != MEMBER_REVOKE)
        return;
    m->state = MEMBER_JOIN;
    go_on(m);
}

void member_rejoin(struct member *m)
{
    if (m->state == MEMBER_STABLE)
        revoke(m, false);
    else
        m->must_rejoin = true;
}

void member_leave(struct member *m)
{
    bool is_known = m->id[0] && m->coordinator >= 0 && !m->settings.instance;

    if (m->state == MEMBER_LEAVE || m->state == MEMBER_OVER)
        return;
    if (call_is_under_way(&m->call)) /* Its answer would come too late. */
        call_fini(&m->call);
    m->state = MEMBER_LEAVE;
    if (is_known)
        go_on(m);
    else
        be_over(m);
}
