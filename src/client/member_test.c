/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "client/member.h"
#include "test/fakes/client_fixture.h"
#include "test/harness/check.h"
#include "wire/api.h"
#include "wire/errors.h"

/* A member of a protocol type of its own: what is shared is words. */
struct fixture {
    struct client_fixture base;
    struct member_settings settings;
    struct member member;
    int assigned, lost, revoked; /* How often. */
    bool has_work, has_left, has_failed;
    int16_t error;
    char work[32]; /* What was assigned last. */
};

static struct fixture *fixture_of(struct member *member)
{
    return container_of(member, struct fixture, member);
}

static size_t protocols(struct member *member, struct arena *arena,
                        struct member_protocol out[static MEMBER_PROTOCOLS_MAX])
{
    (void)member;
    out[0] = (struct member_protocol){.name = "words",
                                      .metadata = slice_text(arena_printf(arena, "hello"))};
    return 1;
}

static void plan(struct member *member, struct member_plan *plan)
{
    check_text(plan->protocol, "words");
    for (size_t i = 0; i < plan->count; i++) {
        check(slice_is_text(plan->peers[i].metadata, "hello"));
        plan->peers[i].assignment =
            slice_text(arena_printf(&plan->arena, "%zu of %zu", i + 1, plan->count));
    }
    member_planned(member);
}

static void assigned(struct member *member, struct slice assignment)
{
    struct fixture *f = fixture_of(member);

    f->assigned++;
    f->has_work = true;
    check(assignment.size < sizeof(f->work));
    memcpy(f->work, assignment.data, assignment.size);
    f->work[assignment.size] = 0;
}

static void revoked(struct member *member, bool is_lost)
{
    struct fixture *f = fixture_of(member);

    check(f->has_work);
    f->has_work = false;
    f->lost += is_lost;
    f->revoked += !is_lost;
    member_ready(member);
}

static void left(struct member *member)
{
    fixture_of(member)->has_left = true;
}

static void failed(struct member *member, int16_t error)
{
    fixture_of(member)->has_failed = true;
    fixture_of(member)->error = error;
}

static const struct member_events events = {
    .protocols = protocols,
    .plan = plan,
    .assigned = assigned,
    .revoked = revoked,
    .left = left,
    .failed = failed,
};

static struct fixture *start(int nodes)
{
    struct fixture *f = mem_new(sizeof(*f));

    client_fixture_start(&f->base, nodes);
    f->settings = (struct member_settings){
        .group = "g",
        .protocol_type = "test",
        .session_timeout_ms = 10000,
        .rebalance_timeout_ms = 10000,
        .heartbeat_interval_ms = 2,
        .retry_backoff_ms = 1,
        .retry_backoff_max_ms = 5,
        .leave_timeout_ms = 1000,
    };
    return f;
}

static void join_up(struct fixture *f)
{
    client_fixture_connect(&f->base);
    member_init(&f->member, &f->base.cluster, &f->settings, &events);
    member_join(&f->member);
}

static void stop(struct fixture *f)
{
    member_fini(&f->member);
    client_fixture_stop(&f->base);
    mem_free(f);
}

/* Turns until something has happened so often. */
static void wait_for(struct fixture *f, const int *count, int wanted)
{
    for (int i = 0; i < 20000 && *count < wanted; i++)
        loop_turn(&f->base.loop, 1000);
    check(*count >= wanted);
}

TEST(member, joins_beats_and_leaves)
{
    struct fixture *f = start(1);
    struct fake_group *group = &f->base.fake->group;

    join_up(f);
    wait_for(f, &f->assigned, 1);
    check_text(f->work, "1 of 1");
    check_eq(f->member.state, MEMBER_STABLE);
    wait_for(f, &f->base.fake->requests[API_HEARTBEAT], 3);
    check_eq(f->base.fake->requests[API_JOIN_GROUP], 2); /* The first is told its id (KIP-394). */
    member_leave(&f->member);
    check(!f->has_left);
    check(client_fixture_wait(&f->base, &f->has_left));
    check_eq(group->member_count, 0);
    stop(f);
}

TEST(member, a_static_one_keeps_its_place)
{
    struct fixture *f = start(1);

    f->settings.instance = "i";
    join_up(f);
    wait_for(f, &f->assigned, 1);
    member_leave(&f->member);
    check(client_fixture_wait(&f->base, &f->has_left));
    check_eq(f->base.fake->group.member_count, 1);
    check_eq(f->base.fake->requests[API_LEAVE_GROUP], 0);
    stop(f);
}

TEST(member, joins_again_when_its_group_does)
{
    struct fixture *f = start(1);

    join_up(f);
    wait_for(f, &f->assigned, 1);
    f->base.fake->group.is_rebalancing = true;
    f->base.fake->group.members[0].wants_to_join = false;
    wait_for(f, &f->assigned, 2);
    check(f->revoked == 1 && f->lost == 0);
    member_rejoin(&f->member);
    wait_for(f, &f->assigned, 3);
    check(f->revoked == 2 && f->lost == 0);
    stop(f);
}

TEST(member, one_that_was_forgotten_has_lost_its_work)
{
    struct fixture *f = start(1);

    join_up(f);
    wait_for(f, &f->assigned, 1);
    fake_group_expire(&f->base.fake->group, 0);
    wait_for(f, &f->assigned, 2);
    check(f->revoked == 0 && f->lost == 1);
    check_text(f->member.id, "m2");
    stop(f);
}

TEST(member, finds_the_coordinator_where_it_is_now)
{
    struct fixture *f = start(2);
    int beats;

    join_up(f);
    wait_for(f, &f->assigned, 1);
    f->base.fake->group.coordinator = 1;
    wait_for(f, &f->base.fake->requests[API_FIND_COORDINATOR], 2);
    beats = f->base.fake->requests[API_HEARTBEAT];
    wait_for(f, &f->base.fake->requests[API_HEARTBEAT], beats + 3);
    check_eq(f->member.coordinator, 2);
    check(f->has_work && f->assigned == 1);
    stop(f);
}

static enum fake_fault refuse_join(struct fake_cluster *cluster, int16_t key)
{
    (void)cluster;
    return key == API_JOIN_GROUP ? FAKE_ERROR : FAKE_SERVE;
}

TEST(member, a_group_that_does_not_take_it_is_the_end)
{
    struct fixture *f = start(1);

    f->base.fake->fault = refuse_join;
    f->base.fake->fault_error = ERROR_GROUP_AUTHORIZATION_FAILED;
    join_up(f);
    check(client_fixture_wait(&f->base, &f->has_failed));
    check_eq(f->error, ERROR_GROUP_AUTHORIZATION_FAILED);
    check_eq(f->member.state, MEMBER_OVER);
    stop(f);
}

static enum fake_fault fail_often(struct fake_cluster *cluster, int16_t key)
{
    static const int16_t errors[] = {ERROR_NOT_COORDINATOR, ERROR_COORDINATOR_LOAD_IN_PROGRESS,
                                     ERROR_COORDINATOR_NOT_AVAILABLE, ERROR_REBALANCE_IN_PROGRESS,
                                     ERROR_ILLEGAL_GENERATION};
    size_t kinds = key == API_FIND_COORDINATOR ? 3 : COUNT_OF(errors);
    cluster->fault_error = errors[rng_below(&cluster->rng, kinds)];
    switch (rng_below(&cluster->rng, 12)) {
    case 0: return FAKE_BREAK_BEFORE;
    case 1: return FAKE_BREAK_AFTER;
    case 2: return key == API_METADATA ? FAKE_SERVE : FAKE_ERROR;
    default: return FAKE_SERVE;
    }
}

/* Through all of it, work is never assigned twice without having been taken back. */
PROPERTY(member, finds_its_way_back_through_everything, 10)
{
    struct fixture *f = start(2);

    f->base.fake->fault = fail_often;
    f->base.fake->rng = rng_of(rng_next(rng));
    join_up(f);
    wait_for(f, &f->assigned, 10);
    check(!f->has_failed);
    f->base.fake->fault = NULL;
    member_leave(&f->member);
    check(client_fixture_wait(&f->base, &f->has_left));
    stop(f);
}
