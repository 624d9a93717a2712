/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/clerk.h"

#include "base/mem.h"
#include "test/scenario/offset_calls.h"
#include "test/scenario/server.h"
#include "wire/errors.h"
#include "wire/msg/delete_groups.h"
#include "wire/msg/find_coordinator.h"
#include "wire/msg/offset_delete.h"

#include <inttypes.h>

enum {
    AGAIN_US = 10 * 1000,
    PACE_MIN_US = 10 * 1000,
    PACE_MAX_US = 120 * 1000,
    FIND_KEYS = 4,
    COMMIT_PERCENT = 45,
    READ_PERCENT = 35,
    DELETE_OFFSET_PERCENT = 14, /* Else the group. */
    LARGE_PERCENT = 25,         /* Of clerks. */
    OTHER_GROUP_PERCENT = 20,   /* In a cluster, where it must find the coordinator anew. */
    PADDING_MAX = 3500,
    OFFSET_MAX = 1000000,
};

struct clerk {
    struct client client;
    struct run *run;
    const struct group_plan *group; /* That it deals with. */
    size_t padding;
    bool is_asking, is_stopping, is_reading_all;
    const struct group_plan *found; /* The group whose coordinator it talks to; NULL: none. */
    int read_groups;                /* Of those that are to be read at the end. */
    int64_t asked_us;
    int64_t offsets[LEDGER_PARTITIONS_MAX];
    uint64_t commits[LEDGER_PARTITIONS_MAX];
    size_t forget;
    struct loop_timer pace;
};

static int64_t now_us(const struct clerk *c)
{
    return sim_now_us(c->run->sim);
}

static void again_at(struct clerk *c, int64_t us)
{
    if (!c->is_stopping)
        loop_timer_set(&c->client.loop, &c->pace, io_monotonic_us(c->client.io) + 1 + us);
}

static struct client_call *ask(struct clerk *c, enum client_api api, client_done_fn *done)
{
    c->is_asking = true;
    c->asked_us = now_us(c);
    return client_call_new(&c->client, api, done, NULL);
}

static bool is_answered(struct clerk *c, const void *answer)
{
    c->is_asking = false;
    again_at(c, answer && !c->is_reading_all ? rng_between(&c->run->rng, PACE_MIN_US, PACE_MAX_US)
                                             : AGAIN_US);
    return answer != NULL;
}

/* What became of a change of a group's offsets. */
static enum ledger_outcome outcome_of(struct clerk *c, const char *what, int16_t error)
{
    run_say(c->run, "clerk: %s of %s: %s", what, c->group->name, error_name(error));
    switch (error) {
    case ERROR_NONE: return LEDGER_TAKEN;
    case ERROR_UNKNOWN_MEMBER_ID: /* The group has members: it is theirs to commit. */
    case ERROR_NON_EMPTY_GROUP:
    case ERROR_GROUP_ID_NOT_FOUND:
    case ERROR_GROUP_SUBSCRIBED_TO_TOPIC:
    case ERROR_COORDINATOR_LOAD_IN_PROGRESS: return LEDGER_REFUSED;
    default:
        if (!error_is_retriable(error))
            run_fail(c->run, "%s of %s is answered with %s", what, c->group->name,
                     error_name(error));
        return LEDGER_UNKNOWN;
    }
}

/* --- the coordinator -------------------------------------------------------- */

static void found(void *owner, struct client_call *call, const void *answer)
{
    const struct find_coordinator_response *response = answer;
    struct clerk *c = owner;

    if (!is_answered(c, answer))
        return;
    if (call->version >= FIND_KEYS ? response->coordinators_count != 1 ||
                                         response->coordinators[0].error_code != ERROR_NONE
                                   : response->error_code != ERROR_NONE)
        return;
    c->found = c->group;
    client_move_to_coordinator(&c->client, call->version, response);
}

static void find(struct clerk *c)
{
    struct client_call *call = ask(c, CLIENT_FIND_COORDINATOR, found);
    struct find_coordinator_request request = find_coordinator_request_defaults;
    struct slice key = slice_text(c->group->name);

    request.key = call->version < FIND_KEYS ? key : slice_empty();
    if (call->version >= FIND_KEYS) {
        request.coordinator_keys = &key;
        request.coordinator_keys_count = 1;
    }
    client_send(call, &request, true);
}

/* --- commits ---------------------------------------------------------------- */

static void offset_committed(void *context, const struct offset_answer *answer)
{
    struct clerk *c = context;

    ledger_commit_over(groups_ledger(c->run), c->commits[answer->number],
                       outcome_of(c, "commit", answer->error), now_us(c), groups_life(c->run));
}

static void committed(void *owner, struct client_call *call, const void *answer)
{
    struct clerk *c = owner;

    if (is_answered(c, answer))
        offset_calls_committed(call, answer, offset_committed, c);
}

static void commit(struct clerk *c)
{
    struct client_call *call;
    uint64_t all = groups_partitions(c->run);

    client_choose_version(&c->client, CLIENT_OFFSET_COMMIT, 0);
    call = ask(c, CLIENT_OFFSET_COMMIT, committed);
    for (uint32_t i = 0; i < LEDGER_PARTITIONS_MAX; i++) {
        if (!(all >> i & 1))
            continue;
        c->offsets[i] = rng_between(&c->run->rng, 0, OFFSET_MAX);
        c->commits[i] = ledger_commit(groups_ledger(c->run), &(struct ledger_commit){
                                                                 .group = c->group->number,
                                                                 .partition = i,
                                                                 .offset = c->offsets[i],
                                                                 .member = LEDGER_NOBODY,
                                                                 .generation = -1,
                                                                 .began_us = now_us(c),
                                                             });
    }
    offset_calls_commit(call, &(struct offset_commit){
                                  .group = c->group->name,
                                  .member = "",
                                  .generation = -1,
                                  .partitions = all,
                                  .offsets = c->offsets,
                                  .commits = c->commits,
                                  .padding = c->padding,
                              });
}

/* --- reads ------------------------------------------------------------------ */

static void offset_read(void *context, const struct offset_answer *answer)
{
    struct clerk *c = context;

    ledger_read(groups_ledger(c->run), &(struct ledger_read){
                                           .group = c->group->number,
                                           .partition = answer->number,
                                           .commit = answer->commit,
                                           .offset = answer->offset,
                                           .began_us = c->asked_us,
                                           .ended_us = now_us(c),
                                       });
}

static void has_read(void *owner, struct client_call *call, const void *answer)
{
    struct clerk *c = owner;
    int16_t error;

    if (!is_answered(c, answer))
        return;
    error = offset_calls_fetched(call, answer, offset_read, c);
    if (error == ERROR_NONE)
        c->read_groups += c->is_reading_all;
    else
        (void)outcome_of(c, "read", error);
}

static void read_offsets(struct clerk *c)
{
    offset_calls_fetch(ask(c, CLIENT_OFFSET_FETCH, has_read), c->group->name,
                       groups_partitions(c->run));
}

/* --- deletions -------------------------------------------------------------- */

static void offset_deleted(void *owner, struct client_call *call, const void *answer)
{
    const struct offset_delete_response *response = answer;
    struct clerk *c = owner;
    int16_t error;

    (void)call;
    if (!is_answered(c, answer))
        return;
    error = response->error_code;
    if (error == ERROR_NONE && response->topics_count == 1 &&
        response->topics[0].partitions_count == 1)
        error = response->topics[0].partitions[0].error_code;
    ledger_forget_over(groups_ledger(c->run), c->forget,
                       outcome_of(c, "deletion of an offset", error), now_us(c));
}

static void delete_offset(struct clerk *c)
{
    struct client_call *call = ask(c, CLIENT_OFFSET_DELETE, offset_deleted);
    struct offset_delete_request request = offset_delete_request_defaults;
    struct offset_delete_request_topic topic = offset_delete_request_topic_defaults;
    struct offset_delete_request_partition partition = {.partition_index = 0};
    uint32_t number = (uint32_t)rng_below(&c->run->rng, (uint64_t)offset_calls_partitions(c->run));

    c->forget = ledger_forget(groups_ledger(c->run), c->group->number, number, now_us(c));
    topic.name = slice_text(offset_calls_topic(c->run, number, &partition.partition_index)->name);
    topic.partitions = &partition;
    topic.partitions_count = 1;
    request.group_id = slice_text(c->group->name);
    request.topics = &topic;
    request.topics_count = 1;
    client_send(call, &request, true);
}

static void group_deleted(void *owner, struct client_call *call, const void *answer)
{
    const struct delete_groups_response *response = answer;
    struct clerk *c = owner;

    (void)call;
    if (!is_answered(c, answer))
        return;
    if (response->results_count != 1) {
        run_fail(c->run, "DeleteGroups is answered with %d groups", response->results_count);
        return;
    }
    ledger_forget_over(groups_ledger(c->run), c->forget,
                       outcome_of(c, "deletion", response->results[0].error_code), now_us(c));
}

static void delete_group(struct clerk *c)
{
    struct client_call *call = ask(c, CLIENT_DELETE_GROUPS, group_deleted);
    struct delete_groups_request request = delete_groups_request_defaults;
    struct slice name = slice_text(c->group->name);

    c->forget = ledger_forget(groups_ledger(c->run), c->group->number, LEDGER_ALL, now_us(c));
    request.groups_names = &name;
    request.groups_names_count = 1;
    client_send(call, &request, true);
}

/* --- its life --------------------------------------------------------------- */

/* A broker that is alone coordinates all groups. */
static bool knows_coordinator(const struct clerk *c)
{
    return c->found && (c->found == c->group || !c->run->is_cluster);
}

static void choose(struct clerk *c)
{
    uint64_t chance = rng_below(&c->run->rng, 100);
    int count;
    const struct group_plan *all = groups_all(c->run, &count);

    if (!c->run->is_cluster || rng_chance(&c->run->rng, OTHER_GROUP_PERCENT))
        c->group = &all[rng_below(&c->run->rng, (uint64_t)count)];
    if (!knows_coordinator(c))
        find(c);
    else if (chance < COMMIT_PERCENT && c->group->seats == 0)
        commit(c);
    else if (chance < COMMIT_PERCENT + READ_PERCENT)
        read_offsets(c);
    else if (chance < COMMIT_PERCENT + READ_PERCENT + DELETE_OFFSET_PERCENT)
        delete_offset(c);
    else
        delete_group(c);
}

static void step(struct loop_timer *timer)
{
    struct clerk *c = container_of(timer, struct clerk, pace);
    int count;
    const struct group_plan *all = groups_all(c->run, &count);

    if (c->is_asking)
        return;
    if (!c->client.is_ready) {
        again_at(c, AGAIN_US);
    } else if (!c->found) {
        find(c);
    } else if (!c->is_reading_all) {
        choose(c);
    } else if (c->read_groups < count) {
        c->group = &all[c->read_groups];
        if (knows_coordinator(c))
            read_offsets(c);
        else
            find(c);
    }
}

static void ready(void *owner)
{
    again_at(owner, 0);
}

struct clerk *clerk_create(struct run *run)
{
    struct clerk *c = mem_new(sizeof(*c));
    struct io_address broker = run_any_broker(run);
    int count;

    c->run = run;
    c->group = groups_all(run, &count);
    if (rng_chance(&run->rng, LARGE_PERCENT))
        c->padding = (size_t)rng_between(&run->rng, 1, PADDING_MAX);
    c->pace.fire = step;
    client_init(&c->client, run, "clerk", &broker);
    c->client.ready = ready;
    c->client.owner = c;
    return c;
}

struct clerk *clerk_destroy(struct clerk *c)
{
    if (!c)
        return NULL;
    c->is_stopping = true;
    client_stop(&c->client);
    loop_timer_cancel(&c->client.loop, &c->pace);
    client_fini(&c->client);
    mem_free(c);
    return NULL;
}

void clerk_read_all(struct clerk *c)
{
    c->is_reading_all = true;
    c->read_groups = 0;
    if (!c->is_asking)
        again_at(c, 0);
}

bool clerk_is_done(const struct clerk *c)
{
    int count;

    (void)groups_all(c->run, &count);
    return c->is_reading_all && c->read_groups >= count;
}

void clerk_print(const struct clerk *c, struct text *out)
{
    text_printf(out, "clerk (%s connected): group %s, %d read\n", c->client.is_ready ? "is" : "not",
                c->group->name, c->read_groups);
}
