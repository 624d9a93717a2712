/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/worker.h"

#include "base/mem.h"
#include "test/scenario/assignor.h"
#include "test/scenario/offset_calls.h"
#include "test/scenario/server.h"
#include "wire/batch.h"
#include "wire/errors.h"
#include "wire/msg/fetch.h"
#include "wire/msg/find_coordinator.h"
#include "wire/msg/heartbeat.h"
#include "wire/msg/join_group.h"
#include "wire/msg/leave_group.h"
#include "wire/msg/sync_group.h"

#include <inttypes.h>

enum {
    ID_MAX = 120,
    AGAIN_US = 10 * 1000,
    PACE_MIN_US = 5 * 1000,
    PACE_MAX_US = 50 * 1000,
    BEATS_PER_SESSION = 4,
    MEMBERS_MAX = 32,
    FETCH_PERCENT = 35,
    COMMIT_PERCENT = 40,
    READ_PERCENT = 10,
    HASTE_PERCENT = 50, /* After a sleep: a commit comes first. */
    LATE_PERCENT = 5,   /* Of the commits: by who was a member of the generation before. */
    FETCH_BYTES = 64 * 1024,
    START_VERSION = 5, /* Of Fetch: tells where the log begins. */
    ID_VERSION = 13,   /* Of Fetch: topics by id. */
    JOIN_STATIC = 5,   /* First versions that know static members. */
    BEAT_STATIC = 3,   /* Of Heartbeat, SyncGroup, LeaveGroup. */
    COMMIT_STATIC = 7,
    COMMIT_MEMBER = 1, /* The first that says who commits. */
    LEAVE_MEMBERS = 3,
    FIND_KEYS = 4,
    PROTOCOL_VERSION = 5, /* Of SyncGroup. */
};

enum worker_state { FIND, JOIN, SYNC, START, RUN, OVER };

static const char *const state_names[] = {"finds", "joins", "syncs", "starts", "runs", "is over"};

struct worker {
    struct client client;
    struct run *run;
    const struct group_plan *group;
    enum worker_state state;
    uint32_t instance_number; /* 0: a dynamic member. */
    char instance[32];
    char id[ID_MAX]; /* Empty: none yet. */
    uint32_t number; /* In the ledger. */
    uint32_t former;
    int32_t generation;
    int32_t former_generation; /* Of the same member; -1: none. */
    bool is_late;              /* The commit under way is of that generation. */
    uint64_t owned;
    bool has_assignment, is_leader, is_leaving, is_superseded, is_stopping;
    uint64_t plan_of[MEMBERS_MAX]; /* As the leader: what each gets. */
    char plan_ids[MEMBERS_MAX][ID_MAX];
    size_t plan_count;
    int64_t positions[LEDGER_PARTITIONS_MAX];
    uint64_t commits[LEDGER_PARTITIONS_MAX]; /* Under way. */
    uint64_t committing;
    int64_t asked_us;
    int asked_life;
    int loaded_life; /* In which the coordinator has shown that it knows the group. */
    bool is_asking;
    int64_t beat_us;   /* When the next heartbeat is due. */
    int64_t paused_us; /* Until then it sleeps. */
    bool has_slept;    /* It does not know yet what happened meanwhile. */
    uint32_t reading;  /* The partition that is being fetched. */
    struct loop_timer pace;
};

static int64_t now_us(const struct worker *w)
{
    return sim_now_us(w->run->sim);
}

static void again_at(struct worker *w, int64_t us)
{
    if (!w->is_stopping)
        loop_timer_set(&w->client.loop, &w->pace, io_monotonic_us(w->client.io) + 1 + us);
}

static void to_state(struct worker *w, enum worker_state state)
{
    w->state = state;
    run_say(w->run, "%s %s (%s): %s, generation %" PRId32 ", owns %" PRIx64, w->group->name,
            w->id[0] ? w->id : "-", w->instance[0] ? w->instance : "dynamic", state_names[state],
            w->generation, w->owned);
}

/* --- the ledger ------------------------------------------------------------- */

/* The life in which all of the call was. */
static int life_of_call(const struct worker *w)
{
    int life = groups_life(w->run);

    return life == w->asked_life ? life : LEDGER_ANY_LIFE;
}

static void saw(struct worker *w, enum ledger_sight_kind kind, uint64_t plan)
{
    if (w->number == LEDGER_NOBODY)
        return;
    ledger_saw(groups_ledger(w->run), &(struct ledger_sight){
                                          .kind = kind,
                                          .group = w->group->number,
                                          .member = w->number,
                                          .generation = w->generation,
                                          .began_us = w->asked_us,
                                          .ended_us = now_us(w),
                                          .life = life_of_call(w),
                                          .plan = plan,
                                          .partitions = w->owned,
                                      });
}

/* --- calls ------------------------------------------------------------------ */

static struct client_call *ask(struct worker *w, enum client_api api, client_done_fn *done)
{
    w->is_asking = true;
    w->asked_us = now_us(w);
    w->asked_life = groups_life(w->run);
    return client_call_new(&w->client, api, done, NULL);
}

/* The answer is there, or never comes: then false. */
static bool is_answered(struct worker *w, const void *answer)
{
    w->is_asking = false;
    again_at(w, answer ? rng_between(&w->run->rng, PACE_MIN_US, PACE_MAX_US) : AGAIN_US);
    return answer != NULL;
}

static const char *instance_of(const struct worker *w)
{
    return w->instance_number ? w->instance : NULL;
}

static void lose_all(struct worker *w)
{
    w->owned = 0;
    w->has_assignment = false;
}

static void rejoin(struct worker *w)
{
    if (!w->group->is_cooperative)
        lose_all(w);
    w->has_assignment = false;
    to_state(w, JOIN);
}

static void be_over(struct worker *w)
{
    lose_all(w);
    to_state(w, OVER);
}

/* The coordinator does not know us (any more). */
static void is_stranger(struct worker *w)
{
    saw(w, LEDGER_STRANGER, 0);
    w->number = LEDGER_NOBODY;
    w->id[0] = 0;
    w->generation = -1;
    w->former_generation = -1;
    lose_all(w);
    if (w->is_superseded || w->is_leaving)
        be_over(w);
    else
        to_state(w, JOIN);
}

static void refused(struct worker *w, const char *what, int16_t error)
{
    run_say(w->run, "%s %s: %s: %s", w->group->name, w->id, what, error_name(error));
    switch (error) {
    case ERROR_COORDINATOR_LOAD_IN_PROGRESS: break;
    case ERROR_COORDINATOR_NOT_AVAILABLE:
    case ERROR_NOT_COORDINATOR:
        if (w->state == JOIN)
            to_state(w, FIND);
        break;
    case ERROR_REBALANCE_IN_PROGRESS: rejoin(w); break;
    case ERROR_ILLEGAL_GENERATION:
        lose_all(w);
        to_state(w, JOIN);
        break;
    case ERROR_GROUP_ID_NOT_FOUND: /* Nobody was left in it. */
    case ERROR_UNKNOWN_MEMBER_ID: is_stranger(w); break;
    case ERROR_FENCED_INSTANCE_ID: be_over(w); break;
    default:
        if (!error_is_retriable(error))
            run_fail(w->run, "%s of a member of %s is answered with %s", what, w->group->name,
                     error_name(error));
        break;
    }
}

/* --- find ------------------------------------------------------------------- */

static void found(void *owner, struct client_call *call, const void *answer)
{
    const struct find_coordinator_response *response = answer;
    struct worker *w = owner;
    int16_t error;

    if (!is_answered(w, answer))
        return;
    error = response->error_code;
    if (call->version >= FIND_KEYS)
        error = response->coordinators_count == 1 ? response->coordinators[0].error_code
                                                  : ERROR_UNKNOWN_SERVER_ERROR;
    if (error)
        refused(w, "FindCoordinator", error);
    else
        to_state(w, JOIN);
    if (!error)
        client_move_to_coordinator(&w->client, call->version, response);
}

static void find(struct worker *w)
{
    struct client_call *call = ask(w, CLIENT_FIND_COORDINATOR, found);
    struct find_coordinator_request request = find_coordinator_request_defaults;
    struct slice key = slice_text(w->group->name);

    request.key = call->version < FIND_KEYS ? key : slice_empty();
    if (call->version >= FIND_KEYS) {
        request.coordinator_keys = &key;
        request.coordinator_keys_count = 1;
    }
    client_send(call, &request, true);
}

/* --- join ------------------------------------------------------------------- */

static void keep_id(char *out, struct slice id)
{
    assert(id.size < ID_MAX);
    if (id.size > 0)
        memcpy(out, id.data, id.size);
    out[id.size] = 0;
}

/* As the leader: who gets what. */
static void make_plan(struct worker *w, struct client_call *call,
                      const struct join_group_response *response)
{
    uint64_t owned[MEMBERS_MAX];

    w->plan_count = (size_t)response->members_count;
    assert(w->plan_count > 0 && w->plan_count <= MEMBERS_MAX);
    for (size_t i = 0; i < w->plan_count; i++) {
        keep_id(w->plan_ids[i], response->members[i].member_id);
        owned[i] = assignor_owned(w->run, w->group, &call->arena, response->members[i].metadata);
    }
    assignor_assign(w->group, groups_partitions(w->run), owned, w->plan_of, w->plan_count);
}

static void take_generation(struct worker *w, struct client_call *call,
                            const struct join_group_response *response)
{
    struct ledger *ledger = groups_ledger(w->run);

    w->former_generation = w->generation;
    if (w->number == LEDGER_NOBODY || !slice_is_text(response->member_id, w->id)) {
        w->former_generation = -1;
        keep_id(w->id, response->member_id);
        w->number = ledger_add_member(ledger, w->group->number,
                                      w->instance_number ? w->instance_number : LEDGER_NOBODY);
    }
    if (w->former != LEDGER_NOBODY)
        ledger_gone(ledger, w->former, now_us(w), life_of_call(w));
    w->former = LEDGER_NOBODY;
    w->generation = response->generation_id;
    w->is_leader = slice_is_text(response->leader, w->id) && !response->skip_assignment;
    w->plan_count = 0;
    w->loaded_life = life_of_call(w);
    saw(w, LEDGER_JOINED, 0);
    if (w->is_leader)
        make_plan(w, call, response);
    to_state(w, SYNC);
}

static void joined(void *owner, struct client_call *call, const void *answer)
{
    const struct join_group_response *response = answer;
    struct worker *w = owner;

    if (!is_answered(w, answer))
        return;
    if (response->error_code == ERROR_MEMBER_ID_REQUIRED) {
        keep_id(w->id, response->member_id);
        w->number = LEDGER_NOBODY;
    } else if (response->error_code) {
        refused(w, "JoinGroup", response->error_code);
    } else {
        take_generation(w, call, response);
    }
}

static void join(struct worker *w)
{
    struct client_call *call;
    struct join_group_request request = join_group_request_defaults;
    struct join_group_request_protocol protocol = join_group_request_protocol_defaults;

    if (w->instance_number)
        client_choose_version(&w->client, CLIENT_JOIN_GROUP, JOIN_STATIC);
    call = ask(w, CLIENT_JOIN_GROUP, joined);
    request.group_id = slice_text(w->group->name);
    request.session_timeout_ms = w->group->session_ms;
    request.rebalance_timeout_ms = w->group->rebalance_ms;
    request.member_id = slice_text(w->id);
    request.group_instance_id = slice_text(instance_of(w));
    request.protocol_type = slice_text(w->group->is_of_consumers ? "consumer" : "worker");
    protocol.name = slice_text(assignor_name(w->group));
    protocol.metadata = assignor_metadata(w->run, w->group, &call->arena, w->owned, w->generation);
    request.protocols = &protocol;
    request.protocols_count = 1;
    client_send(call, &request, true);
}

/* --- sync ------------------------------------------------------------------- */

static void synced(void *owner, struct client_call *call, const void *answer)
{
    const struct sync_group_response *response = answer;
    struct worker *w = owner;
    uint64_t plan;
    uint64_t before = w->owned;

    (void)call;
    if (!is_answered(w, answer))
        return;
    if (response->error_code) {
        refused(w, "SyncGroup", response->error_code);
        return;
    }
    assignor_decode(w->run, response->assignment, &plan, &w->owned);
    w->has_assignment = true;
    w->loaded_life = life_of_call(w);
    saw(w, LEDGER_ASSIGNED, plan);
    w->beat_us = now_us(w);
    to_state(w, START);
    if (before & ~w->owned && w->group->is_cooperative)
        rejoin(w); /* What was given up is for others, in the next generation. */
}

static void sync_group(struct worker *w)
{
    struct client_call *call;
    struct sync_group_request request = sync_group_request_defaults;
    uint64_t plan = groups_next_plan(w->run);

    if (w->instance_number)
        client_choose_version(&w->client, CLIENT_SYNC_GROUP, BEAT_STATIC);
    call = ask(w, CLIENT_SYNC_GROUP, synced);
    request.group_id = slice_text(w->group->name);
    request.generation_id = w->generation;
    request.member_id = slice_text(w->id);
    request.group_instance_id = slice_text(instance_of(w));
    if (call->version >= PROTOCOL_VERSION) {
        request.protocol_type = slice_text(w->group->is_of_consumers ? "consumer" : "worker");
        request.protocol_name = slice_text(assignor_name(w->group));
    }
    request.assignments =
        arena_new(&call->arena, (w->plan_count + 1) * sizeof(*request.assignments));
    for (size_t i = 0; i < w->plan_count; i++)
        request.assignments[request.assignments_count++] = (struct sync_group_request_assignment){
            .member_id = slice_text(w->plan_ids[i]),
            .assignment = assignor_encode(&call->arena, plan, w->plan_of[i]),
        };
    client_send(call, &request, true);
}

/* --- where the group is ----------------------------------------------------- */

static void offset_read(void *context, const struct offset_answer *answer)
{
    struct worker *w = context;

    ledger_read(groups_ledger(w->run), &(struct ledger_read){
                                           .group = w->group->number,
                                           .partition = answer->number,
                                           .commit = answer->commit,
                                           .offset = answer->offset,
                                           .began_us = w->asked_us,
                                           .ended_us = now_us(w),
                                       });
    if (w->state == START)
        w->positions[answer->number] = max_of(answer->offset, (int64_t)0);
}

static void offsets_read(void *owner, struct client_call *call, const void *answer)
{
    struct worker *w = owner;
    int16_t error;

    if (!is_answered(w, answer))
        return;
    error = offset_calls_fetched(call, answer, offset_read, w);
    if (error) {
        refused(w, "OffsetFetch", error);
        return;
    }
    w->loaded_life = life_of_call(w);
    if (w->state == START)
        to_state(w, RUN);
}

static void read_offsets(struct worker *w)
{
    if (w->owned == 0) {
        if (w->state == START)
            to_state(w, RUN);
        again_at(w, AGAIN_US);
        return;
    }
    offset_calls_fetch(ask(w, CLIENT_OFFSET_FETCH, offsets_read), w->group->name, w->owned);
}

/* --- commits ---------------------------------------------------------------- */

/* Only the coordinator's own refusals say that nothing has happened. */
static enum ledger_outcome outcome_of(int16_t error)
{
    switch (error) {
    case ERROR_NONE: return LEDGER_TAKEN;
    case ERROR_ILLEGAL_GENERATION:
    case ERROR_UNKNOWN_MEMBER_ID:
    case ERROR_GROUP_ID_NOT_FOUND:
    case ERROR_FENCED_INSTANCE_ID:
    case ERROR_REBALANCE_IN_PROGRESS:
    case ERROR_COORDINATOR_LOAD_IN_PROGRESS: return LEDGER_REFUSED;
    default: return LEDGER_UNKNOWN;
    }
}

struct commit_answers {
    struct worker *worker;
    int16_t error;
};

static void offset_committed(void *context, const struct offset_answer *answer)
{
    struct commit_answers *answers = context;
    struct worker *w = answers->worker;

    ledger_commit_over(groups_ledger(w->run), w->commits[answer->number], outcome_of(answer->error),
                       now_us(w), groups_life(w->run));
    if (answer->error)
        answers->error = answer->error;
}

static void offsets_committed(void *owner, struct client_call *call, const void *answer)
{
    struct commit_answers answers = {.worker = owner};
    struct worker *w = owner;

    if (!is_answered(w, answer))
        return;
    offset_calls_committed(call, answer, offset_committed, &answers);
    if (answers.error && w->is_late)
        run_say(w->run, "%s %s: late: %s", w->group->name, w->id, error_name(answers.error));
    else if (answers.error)
        refused(w, "OffsetCommit", answers.error);
    else
        w->loaded_life = life_of_call(w);
}

static void commit(struct worker *w)
{
    struct client_call *call;
    uint64_t some = rng_chance(&w->run->rng, 50) ? w->owned : w->owned & rng_next(&w->run->rng);
    int32_t generation = w->generation;

    if (some == 0) {
        again_at(w, AGAIN_US);
        return;
    }
    /* As one that was sent before the rebalance and comes in after it. */
    w->is_late = w->former_generation >= 0 && rng_chance(&w->run->rng, LATE_PERCENT);
    if (w->is_late)
        generation = w->former_generation;
    client_choose_version(&w->client, CLIENT_OFFSET_COMMIT,
                          w->instance_number ? COMMIT_STATIC : COMMIT_MEMBER);
    call = ask(w, CLIENT_OFFSET_COMMIT, offsets_committed);
    for (uint32_t i = 0; i < LEDGER_PARTITIONS_MAX; i++)
        if (some >> i & 1)
            w->commits[i] = ledger_commit(groups_ledger(w->run), &(struct ledger_commit){
                                                                     .group = w->group->number,
                                                                     .partition = i,
                                                                     .offset = w->positions[i],
                                                                     .member = w->number,
                                                                     .generation = generation,
                                                                     .began_us = now_us(w),
                                                                     .life = w->asked_life,
                                                                 });
    offset_calls_commit(call, &(struct offset_commit){
                                  .group = w->group->name,
                                  .member = w->id,
                                  .instance = instance_of(w),
                                  .generation = generation,
                                  .partitions = some,
                                  .offsets = w->positions,
                                  .commits = w->commits,
                              });
}

/* --- records ---------------------------------------------------------------- */

static int64_t end_of(struct slice bytes, int64_t position)
{
    struct batch_header header;

    while (batch_parse(bytes, &header) == 0 && header.size <= bytes.size) {
        position = max_of(position, batch_last_offset(&header) + 1);
        bytes = slice_of(bytes.data + header.size, bytes.size - header.size);
    }
    return position;
}

static void fetched(void *owner, struct client_call *call, const void *answer)
{
    const struct fetch_response *response = answer;
    const struct fetch_partition_data *data;
    struct worker *w = owner;

    (void)call;
    if (!is_answered(w, answer) || response->error_code)
        return;
    if (response->responses_count != 1 || response->responses[0].partitions_count != 1) {
        run_fail(w->run, "a fetch of a member is answered with another number of partitions");
        return;
    }
    data = &response->responses[0].partitions[0];
    if (data->error_code == ERROR_NONE)
        w->positions[w->reading] = end_of(data->records.bytes, w->positions[w->reading]);
    else if (data->error_code == ERROR_OFFSET_OUT_OF_RANGE)
        w->positions[w->reading] = max_of(data->log_start_offset, (int64_t)0);
    else if (!error_is_retriable(data->error_code))
        run_fail(w->run, "a fetch of a member is answered with %s", error_name(data->error_code));
}

static void fetch(struct worker *w)
{
    struct client_call *call;
    const struct run_topic *from;
    struct fetch_request request = fetch_request_defaults;
    struct fetch_topic topic = fetch_topic_defaults;
    struct fetch_partition part = fetch_partition_defaults;

    do {
        w->reading = (w->reading + 1) % LEDGER_PARTITIONS_MAX;
    } while (!(w->owned >> w->reading & 1));
    client_choose_version(&w->client, CLIENT_FETCH, START_VERSION);
    call = ask(w, CLIENT_FETCH, fetched);
    from = offset_calls_topic(w->run, w->reading, &part.partition);
    part.fetch_offset = w->positions[w->reading];
    part.partition_max_bytes = FETCH_BYTES;
    topic.topic = call->version < ID_VERSION ? slice_text(from->name) : slice_empty();
    topic.topic_id = from->id;
    topic.partitions = &part;
    topic.partitions_count = 1;
    request.max_bytes = FETCH_BYTES;
    request.topics = &topic;
    request.topics_count = 1;
    client_send(call, &request, true);
}

/* --- heartbeats, and the end ------------------------------------------------ */

static void beaten(void *owner, struct client_call *call, const void *answer)
{
    const struct heartbeat_response *response = answer;
    struct worker *w = owner;

    (void)call;
    if (!is_answered(w, answer))
        return;
    w->beat_us = now_us(w) + (int64_t)w->group->session_ms * 1000 / BEATS_PER_SESSION;
    if (response->error_code) {
        refused(w, "Heartbeat", response->error_code);
        return;
    }
    /* A coordinator that still reads its log takes everybody for alive. */
    if (life_of_call(w) != LEDGER_ANY_LIFE && life_of_call(w) == w->loaded_life)
        saw(w, LEDGER_ALIVE, 0);
}

static void beat(struct worker *w)
{
    struct client_call *call;
    struct heartbeat_request request = heartbeat_request_defaults;

    if (w->instance_number)
        client_choose_version(&w->client, CLIENT_HEARTBEAT, BEAT_STATIC);
    call = ask(w, CLIENT_HEARTBEAT, beaten);
    request.group_id = slice_text(w->group->name);
    request.generation_id = w->generation;
    request.member_id = slice_text(w->id);
    request.group_instance_id = slice_text(instance_of(w));
    client_send(call, &request, true);
}

static void left(void *owner, struct client_call *call, const void *answer)
{
    const struct leave_group_response *response = answer;
    struct worker *w = owner;
    int16_t error;

    if (!is_answered(w, answer))
        return;
    error = response->error_code;
    if (error == ERROR_NONE && call->version >= LEAVE_MEMBERS && response->members_count == 1)
        error = response->members[0].error_code;
    if (error == ERROR_NONE) {
        ledger_gone(groups_ledger(w->run), w->number, now_us(w), life_of_call(w));
        be_over(w);
    } else {
        refused(w, "LeaveGroup", error);
    }
}

static void leave(struct worker *w)
{
    struct client_call *call;
    struct leave_group_request request = leave_group_request_defaults;
    struct leave_group_member_identity self = {.reason = slice_null()};

    if (w->instance_number)
        client_choose_version(&w->client, CLIENT_LEAVE_GROUP, BEAT_STATIC);
    ledger_goes(groups_ledger(w->run), w->number, now_us(w));
    call = ask(w, CLIENT_LEAVE_GROUP, left);
    self.member_id = slice_text(w->id);
    self.group_instance_id = slice_text(instance_of(w));
    request.group_id = slice_text(w->group->name);
    request.member_id = call->version < LEAVE_MEMBERS ? self.member_id : slice_empty();
    if (call->version >= LEAVE_MEMBERS) {
        request.members = &self;
        request.members_count = 1;
    }
    client_send(call, &request, true);
}

/* --- its life --------------------------------------------------------------- */

static void go_on(struct worker *w)
{
    uint64_t chance = rng_below(&w->run->rng, 100);
    bool has_slept = w->has_slept;

    w->has_slept = false;
    if (has_slept && chance < HASTE_PERCENT)
        commit(w); /* As if nothing had happened. */
    else if (now_us(w) >= w->beat_us)
        beat(w);
    else if (chance < FETCH_PERCENT && w->owned)
        fetch(w);
    else if (chance < FETCH_PERCENT + COMMIT_PERCENT)
        commit(w);
    else if (chance < FETCH_PERCENT + COMMIT_PERCENT + READ_PERCENT)
        read_offsets(w);
    else
        again_at(w, rng_between(&w->run->rng, PACE_MIN_US, PACE_MAX_US));
}

static void step(struct loop_timer *timer)
{
    struct worker *w = container_of(timer, struct worker, pace);

    if (w->is_asking || w->state == OVER)
        return;
    if (!w->client.is_ready || now_us(w) < w->paused_us) {
        again_at(w, max_of(w->paused_us - now_us(w), (int64_t)AGAIN_US));
        return;
    }
    if (w->is_leaving && w->number != LEDGER_NOBODY) {
        leave(w);
        return;
    }
    switch (w->state) {
    case FIND: find(w); break;
    case JOIN: join(w); break;
    case SYNC: sync_group(w); break;
    case START: read_offsets(w); break;
    case RUN: go_on(w); break;
    case OVER: break;
    }
}

static void ready(void *owner)
{
    again_at(owner, 0);
}

struct worker *worker_create(struct run *run, const struct group_plan *group, uint32_t instance,
                             uint32_t former)
{
    struct worker *w = mem_new(sizeof(*w));
    struct io_address broker = run_any_broker(run);

    w->run = run;
    w->group = group;
    w->instance_number = instance;
    if (instance)
        (void)snprintf(w->instance, sizeof(w->instance), "instance-%" PRIu32, instance);
    w->number = LEDGER_NOBODY;
    w->former = former;
    w->generation = -1;
    w->former_generation = -1;
    w->pace.fire = step;
    client_init(&w->client, run, "worker", &broker);
    w->client.ready = ready;
    w->client.owner = w;
    return w;
}

struct worker *worker_destroy(struct worker *w)
{
    if (!w)
        return NULL;
    w->is_stopping = true;
    client_stop(&w->client);
    loop_timer_cancel(&w->client.loop, &w->pace);
    client_fini(&w->client);
    mem_free(w);
    return NULL;
}

void worker_pause(struct worker *w, int64_t us)
{
    w->paused_us = now_us(w) + us;
    w->has_slept = us > 0;
}

void worker_leave(struct worker *w)
{
    w->is_leaving = true;
    if (w->number == LEDGER_NOBODY && !w->is_asking)
        be_over(w);
}

void worker_rejoin(struct worker *w)
{
    if (w->state == RUN && !w->is_asking)
        rejoin(w);
}

void worker_supersede(struct worker *w)
{
    w->is_superseded = true;
    if (w->number != LEDGER_NOBODY)
        ledger_goes(groups_ledger(w->run), w->number, now_us(w));
}

bool worker_is_over(const struct worker *w)
{
    return w->state == OVER;
}

bool worker_is_settled(const struct worker *w, int32_t *out_generation, uint64_t *out_partitions)
{
    *out_generation = w->generation;
    *out_partitions = w->owned;
    return w->state == RUN && w->has_assignment && !w->is_leaving;
}

uint32_t worker_number(const struct worker *w)
{
    return w->number;
}

void worker_print(const struct worker *w, struct text *out)
{
    text_printf(
        out, "member %s of %s (%s, %s connected): %s, generation %" PRId32 ", owns %" PRIx64 "\n",
        w->id[0] ? w->id : "-", w->group->name, w->instance_number ? w->instance : "dynamic",
        w->client.is_ready ? "is" : "not", state_names[w->state], w->generation, w->owned);
}
