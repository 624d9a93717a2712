/* SPDX-License-Identifier: Apache-2.0 */
#include "client/group_consumer.h"

#include "base/mem.h"
#include "wire/bytes.h"
#include "wire/codec.h"
#include "wire/errors.h"
#include "wire/msg/consumer_protocol_assignment.h"
#include "wire/msg/consumer_protocol_subscription.h"
#include "wire/msg/offset_commit.h"
#include "wire/msg/offset_fetch.h"

#include <stdlib.h>

DIAG_MODULE("client");

enum {
    VERSION_SIZE = 2,
    SUBSCRIPTION_VERSION = 1,
    ASSIGNMENT_VERSION = 1,
    FETCH_VERSION_MAX = 7,  /* Later ones ask for many groups, */
    COMMIT_VERSION_MAX = 9, /* and by ids of topics. */
    FETCH_STABLE = 7,       /* From this version on it waits for transactions (KIP-447). */
};

static struct group_consumer *group_of(struct member *member)
{
    return container_of(member, struct group_consumer, member);
}

static int64_t now_us(const struct group_consumer *g)
{
    return g->cluster->loop->now_us;
}

static void fail(struct group_consumer *g, int16_t error, const char *why)
{
    g->events->failed(g, error, why ? why : error_meaning(error));
}

/* --- the consumers' protocol --------------------------------------------------- */

/* A version, and behind it the message. */
static struct slice encode(const struct wire_message *message, int16_t version, const void *fields,
                           struct arena *arena)
{
    struct codec_output body;
    uint8_t *bytes;
    int r = codec_encode(message, version, fields, arena, &body);

    assert(r == 0); /* Our own fields. */
    bytes = arena_new(arena, VERSION_SIZE + body.size);
    bytes_store_i16(bytes, version);
    memcpy(bytes + VERSION_SIZE, body.data, body.size);
    return slice_of(bytes, VERSION_SIZE + body.size);
}

/* Newer versions have more behind what we know. */
static bool decode(const struct wire_message *message, struct slice bytes, struct arena *arena,
                   void *out)
{
    size_t used;
    int16_t version;

    if (bytes.size < VERSION_SIZE)
        return false;
    version = bytes_load_i16(bytes.data);
    version = version < message->max ? version : message->max;
    return version >= message->min &&
           codec_decode(message, version,
                        slice_of(bytes.data + VERSION_SIZE, bytes.size - VERSION_SIZE), arena, out,
                        &used) == 0;
}

static size_t protocols(struct member *member, struct arena *arena,
                        struct member_protocol out[static MEMBER_PROTOCOLS_MAX])
{
    struct group_consumer *g = group_of(member);
    struct consumer_protocol_subscription fields = consumer_protocol_subscription_defaults;

    fields.topics = arena_new(arena, (g->topic_count + 1) * sizeof(*fields.topics));
    for (size_t i = 0; i < g->topic_count; i++)
        fields.topics[fields.topics_count++] = slice_text(g->topics[i]->name);
    for (size_t i = 0; i < g->settings.assignor_count; i++)
        out[i] =
            (struct member_protocol){.name = assignor_name(g->settings.assignors[i]),
                                     .metadata = encode(&consumer_protocol_subscription_message,
                                                        SUBSCRIPTION_VERSION, &fields, arena)};
    return g->settings.assignor_count;
}

/* --- as the leader ------------------------------------------------------------- */

static int by_name(const void *x, const void *y)
{
    const struct cluster_topic *a = *(struct cluster_topic *const *)x;
    const struct cluster_topic *b = *(struct cluster_topic *const *)y;

    return strcmp(a->name, b->name);
}

static void want_shared(struct group_consumer *g, struct slice name)
{
    struct cluster_topic *topic = cluster_want_topic(g->cluster, name);

    for (size_t i = 0; i < g->shared_count; i++)
        if (g->shared[i] == topic)
            return;
    g->shared = mem_resize(g->shared, g->shared_count + 1, sizeof(struct cluster_topic *));
    g->shared[g->shared_count++] = topic;
}

static bool all_are_known(const struct group_consumer *g)
{
    for (size_t i = 0; i < g->shared_count; i++)
        if (!g->shared[i]->is_answered)
            return false;
    return true;
}

/* Who gets what: in the order of the plan's members. */
static struct assignor_member *read_members(struct member_plan *plan)
{
    struct arena *arena = &plan->arena;
    struct assignor_member *members = arena_new(arena, (plan->count + 1) * sizeof(*members));

    for (size_t i = 0; i < plan->count; i++) {
        struct consumer_protocol_subscription fields = consumer_protocol_subscription_defaults;

        members[i] =
            (struct assignor_member){.id = plan->peers[i].id, .instance = plan->peers[i].instance};
        if (decode(&consumer_protocol_subscription_message, plan->peers[i].metadata, arena,
                   &fields)) {
            members[i].topics = fields.topics;
            members[i].topic_count = (size_t)fields.topics_count;
        }
    }
    return members;
}

/* Shares of the same topic stand one behind the other. */
static struct slice encode_shares(const struct assignor_member *member, struct arena *arena)
{
    struct consumer_protocol_assignment fields = consumer_protocol_assignment_defaults;
    struct consumer_protocol_assignment_topic_partition *topic = NULL;
    size_t total = 0;
    int32_t *numbers;

    fields.assigned_partitions =
        arena_new(arena, (member->share_count + 1) * sizeof(*fields.assigned_partitions));
    for (size_t i = 0; i < member->share_count; i++)
        total += (size_t)member->shares[i].count;
    numbers = arena_new(arena, (total + 1) * sizeof(*numbers));
    for (size_t i = 0; i < member->share_count; i++) {
        const struct assignor_share *share = &member->shares[i];

        if (!topic || !slice_equal(topic->topic, share->topic)) {
            topic = &fields.assigned_partitions[fields.assigned_partitions_count++];
            *topic = (struct consumer_protocol_assignment_topic_partition){.topic = share->topic,
                                                                           .partitions = numbers};
        }
        for (int32_t k = 0; k < share->count; k++)
            *numbers++ = share->first + k;
        topic->partitions_count += share->count;
    }
    return encode(&consumer_protocol_assignment_message, ASSIGNMENT_VERSION, &fields, arena);
}

static void share_out(struct group_consumer *g)
{
    struct member_plan *plan = g->plan;
    struct arena *arena = &plan->arena;
    struct assignor_member *members = read_members(plan);
    struct assignor_topic *topics = arena_new(arena, (g->shared_count + 1) * sizeof(*topics));

    if (g->shared_count > 0)
        qsort(g->shared, g->shared_count, sizeof(struct cluster_topic *), by_name);
    g->shared_counts = mem_resize(g->shared_counts, g->shared_count + 1, sizeof(*g->shared_counts));
    for (size_t i = 0; i < g->shared_count; i++) {
        g->shared_counts[i] = g->shared[i]->count;
        topics[i] = (struct assignor_topic){.name = slice_text(g->shared[i]->name),
                                            .count = g->shared[i]->count};
    }
    assignor_share(assignor_find(slice_text(plan->protocol)), arena, topics, g->shared_count,
                   members, plan->count);
    for (size_t i = 0; i < plan->count; i++)
        plan->peers[i].assignment = encode_shares(&members[i], arena);
    g->plan = NULL;
    member_planned(&g->member);
}

static void plan(struct member *member, struct member_plan *plan)
{
    struct group_consumer *g = group_of(member);
    struct assignor_member *members = read_members(plan);

    g->plan = plan;
    g->shared_count = 0;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t t = 0; t < members[i].topic_count; t++)
            want_shared(g, members[i].topics[t]);
    if (all_are_known(g))
        share_out(g);
}

/* Other numbers of partitions: the leader sees to it that they are shared out anew. */
static void on_metadata(struct cluster_watch *watch)
{
    struct group_consumer *g = container_of(watch, struct group_consumer, watch);
    bool is_changed = false;

    if (g->plan && all_are_known(g)) {
        share_out(g);
        return;
    }
    for (size_t i = 0; i < g->shared_count && !g->plan && g->shared_counts; i++)
        is_changed |= g->shared[i]->count > 0 && g->shared[i]->count != g->shared_counts[i];
    if (is_changed && g->member.state == MEMBER_STABLE && !g->is_closing)
        member_rejoin(&g->member);
}

/* --- offsets ------------------------------------------------------------------- */

static void answered(struct call *call);
static void adapt(struct call *call, int16_t version);

static const struct call_events call_events = {.done = answered, .adapt = adapt};

static void ask(struct group_consumer *g, int16_t api, const void *request, int16_t version_max)
{
    g->is_commit = api == API_OFFSET_COMMIT;
    g->call.order = (struct call_order){
        .api = wire_api_find(api),
        .request = request,
        .target = g->member.coordinator,
        .lane = MEMBER_LANE,
        .version_max = version_max,
        .is_once = true,
    };
    cluster_call(g->cluster, &g->call);
}

static void try_later(struct group_consumer *g)
{
    const struct member_settings *settings = &g->settings.member;

    loop_timer_set(g->cluster->loop, &g->timer,
                   now_us(g) + cluster_backoff_us(g->cluster, g->failures++,
                                                  settings->retry_backoff_ms,
                                                  settings->retry_backoff_max_ms));
}

static void commit_in_time(struct group_consumer *g)
{
    if (g->settings.commits)
        loop_timer_set(g->cluster->loop, &g->timer,
                       now_us(g) + g->settings.commit_interval_ms * 1000);
}

static void fetch_offsets(struct group_consumer *g)
{
    const struct consumer_protocol_assignment *assigned = g->assigned;
    struct offset_fetch_request *request;

    if (call_is_under_way(&g->call))
        return;
    if (g->member.coordinator < 0) {
        try_later(g);
        return;
    }
    call_fini(&g->call);
    arena_recycle(&g->arena);
    request = arena_new(&g->arena, sizeof(*request));
    *request = offset_fetch_request_defaults;
    request->group_id = slice_text(g->settings.member.group);
    request->topics = arena_new(&g->arena, (size_t)(assigned->assigned_partitions_count + 1) *
                                               sizeof(*request->topics));
    for (int32_t i = 0; i < assigned->assigned_partitions_count; i++)
        request->topics[request->topics_count++] = (struct offset_fetch_request_topic){
            .name = assigned->assigned_partitions[i].topic,
            .partition_indexes = assigned->assigned_partitions[i].partitions,
            .partition_indexes_count = assigned->assigned_partitions[i].partitions_count};
    ask(g, API_OFFSET_FETCH, request, FETCH_VERSION_MAX);
}

/* Adds the position of a partition to the request; those of a topic come one after the other. */
static void add_position(struct group_consumer *g, struct offset_commit_request *request,
                         const struct consumer_partition *p, size_t room)
{
    struct slice name = slice_text(p->topic->name);
    struct offset_commit_request_topic *topic =
        request->topics_count ? &request->topics[request->topics_count - 1] : NULL;

    if (!topic || !slice_equal(topic->name, name)) {
        topic = &request->topics[request->topics_count++];
        *topic = offset_commit_request_topic_defaults;
        topic->name = name;
        topic->partitions = arena_new(&g->arena, room * sizeof(*topic->partitions));
    }
    topic->partitions[topic->partitions_count] = offset_commit_request_partition_defaults;
    topic->partitions[topic->partitions_count].partition_index = p->partition;
    topic->partitions[topic->partitions_count].committed_offset = p->position;
    topic->partitions[topic->partitions_count++].committed_metadata = slice_empty();
}

/* Begins to commit where we are; false if there is nothing new. */
static bool send_commit(struct group_consumer *g)
{
    struct offset_commit_request *request;
    size_t count = 0;

    if (call_is_under_way(&g->call) || g->member.coordinator < 0)
        return false;
    list_each (node, &g->consumer->partitions) {
        const struct consumer_partition *p =
            container_of(node, const struct consumer_partition, node_in);

        count += p->position >= 0 && p->position != p->committed;
    }
    if (count == 0)
        return false;
    call_fini(&g->call);
    arena_recycle(&g->arena);
    request = arena_new(&g->arena, sizeof(*request));
    *request = offset_commit_request_defaults;
    request->group_id = slice_text(g->settings.member.group);
    request->generation_id_or_member_epoch = g->member.generation;
    request->member_id = slice_text(arena_text(&g->arena, g->member.id, strlen(g->member.id)));
    if (g->member.settings.instance)
        request->group_instance_id = slice_text(g->member.settings.instance);
    request->topics = arena_new(&g->arena, count * sizeof(*request->topics));
    list_each (node, &g->consumer->partitions) {
        struct consumer_partition *p = container_of(node, struct consumer_partition, node_in);

        if (p->position < 0 || p->position == p->committed)
            continue;
        add_position(g, request, p, count);
        p->committed = p->position; /* Else taken back. */
    }
    ask(g, API_OFFSET_COMMIT, request, COMMIT_VERSION_MAX);
    return true;
}

static bool commit(struct group_consumer *g)
{
    return g->settings.commits && send_commit(g);
}

static void adapt(struct call *call, int16_t version)
{
    struct group_consumer *g = container_of(call, struct group_consumer, call);

    if (!g->is_commit)
        ((struct offset_fetch_request *)(uintptr_t)call->order.request)->require_stable =
            version >= FETCH_STABLE;
}

/* --- answers ------------------------------------------------------------------- */

/* The group knows no offset, and nobody says where to begin then. */
static void nowhere(struct group_consumer *g, struct slice topic, int32_t partition)
{
    struct text why = {.data = NULL};

    text_printf(&why, "Undefined offset with no reset policy for partitions: [%.*s-%d]",
                SLICE_ARG(topic), partition);
    fail(g, 0, why.data);
    text_fini(&why);
}

static void begin(struct group_consumer *g, struct slice topic,
                  const struct offset_fetch_response_partition *p)
{
    struct consumer_start start = {.is_offset = true, .value = p->committed_offset};
    struct consumer_partition *partition;

    if (p->committed_offset < 0 && g->settings.reset == CONSUMER_RESET_NONE) {
        nowhere(g, topic, p->partition_index);
        return;
    }
    if (p->committed_offset < 0)
        start = (struct consumer_start){.value = g->settings.reset == CONSUMER_RESET_EARLIEST
                                                     ? CONSUMER_EARLIEST
                                                     : CONSUMER_LATEST};
    partition = consumer_assign(g->consumer, topic, p->partition_index, start);
    partition->committed = p->committed_offset;
}

static int16_t first_error(const struct offset_fetch_response *response)
{
    if (response->error_code != ERROR_NONE)
        return response->error_code;
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++)
            if (response->topics[t].partitions[i].error_code != ERROR_NONE)
                return response->topics[t].partitions[i].error_code;
    return ERROR_NONE;
}

static void offsets_fetched(struct group_consumer *g, const struct offset_fetch_response *response)
{
    int16_t error = first_error(response);

    if (g->member.state != MEMBER_STABLE || g->is_closing)
        return;
    if (error != ERROR_NONE) {
        if (member_heard(&g->member, error) && g->member.state == MEMBER_STABLE)
            try_later(g);
        return;
    }
    g->failures = 0;
    g->assigned = NULL;
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++)
            begin(g, response->topics[t].name, &response->topics[t].partitions[i]);
    commit_in_time(g);
}

static void tell_revoked(struct group_consumer *g)
{
    const struct consumer_protocol_assignment *owned = g->owned;

    g->owned = NULL;
    if (owned && owned->assigned_partitions_count > 0 && g->events->revoked)
        g->events->revoked(g, owned);
}

static void tell_committed(struct group_consumer *g, int16_t error)
{
    bool is_asked = g->is_asked;

    g->is_asked = false;
    if (is_asked && g->events->committed)
        g->events->committed(g, error);
}

static void let_go(struct group_consumer *g)
{
    tell_revoked(g);
    consumer_unassign(g->consumer);
    g->is_revoking = false;
    if (g->is_closing) {
        member_leave(&g->member);
        return;
    }
    consumer_resume(g->consumer);
    member_ready(&g->member);
}

static int16_t commit_error(const struct offset_commit_response *response)
{
    int16_t error = ERROR_NONE;

    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count && !error; i++)
            error = response->topics[t].partitions[i].error_code;
    return error;
}

/* What was not taken is committed again with the next. */
static void take_back(struct group_consumer *g)
{
    list_each (node, &g->consumer->partitions)
        container_of(node, struct consumer_partition, node_in)->committed = -1;
}

static void committed(struct group_consumer *g, int16_t error)
{
    if (error != ERROR_NONE)
        take_back(g);
    if (error != ERROR_NONE && !g->is_asked) {
        diag_warn(g->cluster->settings.diag, "offsets could not be committed",
                  kv("group", g->settings.member.group), kv("error", error_name(error)));
    }
    tell_committed(g, error);
    if (g->is_closing && !g->is_revoking && error == ERROR_NONE && commit(g))
        return; /* Records came behind what was under way when the end was asked for. */
    if (g->is_revoking || g->is_closing) {
        let_go(g);
        return;
    }
    commit_in_time(g);
    if (error != ERROR_NONE)
        (void)member_heard(&g->member, error);
}

static void answered(struct call *call)
{
    struct group_consumer *g = container_of(call, struct group_consumer, call);

    if (call->outcome == CALL_E_STOPPED)
        return;
    if (call->outcome != CALL_OK) {
        member_lost_coordinator(&g->member);
        if (g->is_commit)
            committed(g, ERROR_COORDINATOR_NOT_AVAILABLE);
        else if (g->member.state == MEMBER_STABLE)
            try_later(g);
    } else if (g->is_commit) {
        committed(g, commit_error(call->response));
    } else {
        offsets_fetched(g, call->response);
    }
}

static void on_timer(struct loop_timer *timer)
{
    struct group_consumer *g = container_of(timer, struct group_consumer, timer);

    if (g->member.state != MEMBER_STABLE)
        return;
    if (g->assigned)
        fetch_offsets(g);
    else if (!commit(g))
        commit_in_time(g);
}

/* --- the member's events --------------------------------------------------------- */

static void assigned(struct member *member, struct slice assignment)
{
    struct group_consumer *g = group_of(member);
    struct consumer_protocol_assignment *fields;

    arena_reset(&g->assignment);
    arena_init(&g->assignment, NULL);
    fields = arena_new(&g->assignment, sizeof(*fields));
    *fields = consumer_protocol_assignment_defaults;
    if (assignment.size > 0) /* Nothing at all is no work, too. */
        assignment =
            slice_of(arena_text(&g->assignment, assignment.data, assignment.size), assignment.size);
    if (assignment.size > 0 &&
        !decode(&consumer_protocol_assignment_message, assignment, &g->assignment, fields)) {
        fail(g, 0, "the leader of the group has assigned what cannot be read");
        return;
    }
    g->assigned = fields->assigned_partitions_count > 0 ? fields : NULL;
    g->owned = fields;
    g->failures = 0;
    if (g->events->assigned)
        g->events->assigned(g, fields);
    if (g->assigned)
        fetch_offsets(g);
}

static void revoked(struct member *member, bool is_lost)
{
    struct group_consumer *g = group_of(member);

    loop_timer_cancel(g->cluster->loop, &g->timer);
    g->assigned = NULL;
    g->plan = NULL;
    g->shared_count = 0;
    g->is_revoking = true;
    if (call_is_under_way(&g->call)) {
        call_fini(&g->call);
        take_back(g);
        tell_committed(g, ERROR_REBALANCE_IN_PROGRESS);
    }
    if (is_lost || !commit(g))
        let_go(g);
    else
        consumer_pause(g->consumer);
}

static void left(struct member *member)
{
    struct group_consumer *g = group_of(member);

    g->events->closed(g);
}

static void failed(struct member *member, int16_t error)
{
    fail(group_of(member), error, NULL);
}

static const struct member_events member_events = {
    .protocols = protocols,
    .plan = plan,
    .assigned = assigned,
    .revoked = revoked,
    .left = left,
    .failed = failed,
};

/* --- for the owner ----------------------------------------------------------------- */

void group_consumer_init(struct group_consumer *g, struct cluster *cluster,
                         struct consumer *consumer, const struct group_consumer_settings *settings,
                         const struct group_consumer_events *events)
{
    *g = (struct group_consumer){
        .cluster = cluster,
        .consumer = consumer,
        .settings = *settings,
        .events = events,
        .watch = {.changed = on_metadata},
        .timer = {.fire = on_timer},
    };
    if (g->settings.assignor_count == 0)
        g->settings.assignors[g->settings.assignor_count++] = ASSIGNOR_RANGE;
    g->settings.member.protocol_type = "consumer";
    member_init(&g->member, cluster, &g->settings.member, &member_events);
    g->settings.member.group = g->member.settings.group;
    arena_init(&g->assignment, NULL);
    arena_init(&g->arena, NULL);
    call_init(&g->call, &call_events);
    cluster_watch(cluster, &g->watch);
}

void group_consumer_fini(struct group_consumer *g)
{
    cluster_unwatch(&g->watch);
    loop_timer_cancel(g->cluster->loop, &g->timer);
    call_fini(&g->call);
    member_fini(&g->member);
    arena_reset(&g->assignment);
    arena_reset(&g->arena);
    mem_free(g->topics);
    mem_free(g->shared);
    mem_free(g->shared_counts);
}

void group_consumer_subscribe(struct group_consumer *g, struct slice topic)
{
    struct cluster_topic *wanted = cluster_want_topic(g->cluster, topic);

    for (size_t i = 0; i < g->topic_count; i++)
        if (g->topics[i] == wanted)
            return;
    g->topics = mem_resize(g->topics, g->topic_count + 1, sizeof(struct cluster_topic *));
    g->topics[g->topic_count++] = wanted;
    if (g->is_started && !g->is_closing)
        member_rejoin(&g->member);
}

void group_consumer_start(struct group_consumer *g)
{
    g->is_started = true;
    member_join(&g->member);
}

bool group_consumer_commit(struct group_consumer *g)
{
    g->is_asked = g->member.state == MEMBER_STABLE && !g->is_closing && send_commit(g);
    return g->is_asked;
}

void group_consumer_close(struct group_consumer *g)
{
    bool has_work = g->member.state == MEMBER_STABLE || g->is_revoking;

    if (g->is_closing)
        return;
    g->is_closing = true;
    loop_timer_cancel(g->cluster->loop, &g->timer);
    if (call_is_under_way(&g->call) && !g->is_commit)
        call_fini(&g->call);
    consumer_pause(g->consumer);
    if (has_work && (call_is_under_way(&g->call) || commit(g)))
        return; /* committed() goes on. */
    let_go(g);
}
