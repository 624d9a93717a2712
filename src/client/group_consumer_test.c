/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "client/group_consumer.h"
#include "test/fakes/client_fixture.h"
#include "test/harness/check.h"
#include "wire/errors.h"
#include "wire/msg/consumer_protocol_assignment.h"

#include <stdio.h>

enum { PARTITIONS = 4, READERS_MAX = 3, RECORDS = 25 };

struct fixture;

/* A consumer with a connection of its own. */
struct reader {
    struct fixture *fixture;
    struct cluster cluster;
    struct consumer consumer;
    struct group_consumer group;
    bool is_open, is_closed;
    int count;              /* Records delivered. */
    int assigned, revoked;  /* Partitions that the group gave and took. */
    int committed, refused; /* Answers to group_consumer_commit(), good and bad. */
};

struct fixture {
    struct client_fixture base;
    struct fake_topic *topic;
    struct group_consumer_settings settings;
    struct reader readers[READERS_MAX];
    int seen[PARTITIONS][RECORDS]; /* How often each record was delivered. */
    int distinct, failed;
    int16_t error;
};

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct reader *r = container_of(consumer, struct reader, consumer);
    struct fixture *f = r->fixture;

    check(!r->is_closed && record->offset < RECORDS);
    r->count++;
    f->distinct += f->seen[partition->partition][record->offset]++ == 0;
    return true;
}

static void on_partition_failed(struct consumer *consumer, struct consumer_partition *partition,
                                int16_t error, const char *why)
{
    struct reader *r = container_of(consumer, struct reader, consumer);

    (void)partition;
    (void)why;
    r->fixture->failed++;
    r->fixture->error = error;
}

static const struct consumer_events consumer_events = {.record = on_record,
                                                       .failed = on_partition_failed};

static void on_failed(struct group_consumer *group, int16_t error, const char *why)
{
    struct reader *r = container_of(group, struct reader, group);

    check(why);
    r->fixture->failed++;
    r->fixture->error = error;
}

static void on_closed(struct group_consumer *group)
{
    container_of(group, struct reader, group)->is_closed = true;
}

static int count_of(const struct consumer_protocol_assignment *partitions)
{
    int count = 0;

    for (int32_t i = 0; i < partitions->assigned_partitions_count; i++)
        count += partitions->assigned_partitions[i].partitions_count;
    return count;
}

static void on_assigned(struct group_consumer *group,
                        const struct consumer_protocol_assignment *partitions)
{
    container_of(group, struct reader, group)->assigned += count_of(partitions);
}

static void on_revoked(struct group_consumer *group,
                       const struct consumer_protocol_assignment *partitions)
{
    container_of(group, struct reader, group)->revoked += count_of(partitions);
}

static void on_committed(struct group_consumer *group, int16_t error)
{
    struct reader *r = container_of(group, struct reader, group);

    r->committed += error == ERROR_NONE;
    r->refused += error != ERROR_NONE;
}

static const struct group_consumer_events group_events = {
    .failed = on_failed,
    .closed = on_closed,
    .assigned = on_assigned,
    .revoked = on_revoked,
    .committed = on_committed,
};

static struct fixture *start(int nodes)
{
    struct fixture *f = mem_new(sizeof(*f));

    client_fixture_start(&f->base, nodes);
    f->topic = fake_cluster_add_topic(f->base.fake, "t", PARTITIONS);
    f->settings = (struct group_consumer_settings){
        .member = {.group = "g",
                   .session_timeout_ms = 10000,
                   .rebalance_timeout_ms = 10000,
                   .heartbeat_interval_ms = 2,
                   .retry_backoff_ms = 1,
                   .retry_backoff_max_ms = 5,
                   .leave_timeout_ms = 1000},
        .commits = true,
        .commit_interval_ms = 5,
        .reset = CONSUMER_RESET_EARLIEST,
    };
    return f;
}

static struct reader *open_reader(struct fixture *f, int number)
{
    struct reader *r = &f->readers[number];
    struct consumer_settings settings = consumer_settings_defaults();
    struct cluster_settings cluster = f->base.settings;
    char bootstrap[64];

    fake_cluster_bootstrap(f->base.fake, bootstrap);
    cluster.bootstrap = bootstrap;
    *r = (struct reader){.fixture = f, .is_open = true};
    check_ok(cluster_init(&r->cluster, &f->base.loop, rng_of(7 + number), &cluster));
    settings.max_wait_ms = 2;
    settings.retry_backoff_ms = 1;
    settings.retry_backoff_max_ms = 5;
    consumer_init(&r->consumer, &r->cluster, &settings, &consumer_events);
    group_consumer_init(&r->group, &r->cluster, &r->consumer, &f->settings, &group_events);
    group_consumer_subscribe(&r->group, slice_text("t"));
    group_consumer_start(&r->group);
    return r;
}

static void end_reader(struct reader *r)
{
    group_consumer_fini(&r->group);
    consumer_fini(&r->consumer);
    cluster_fini(&r->cluster);
    r->is_open = false;
}

static void close_reader(struct fixture *f, struct reader *r)
{
    group_consumer_close(&r->group);
    check(!r->is_closed);
    check(client_fixture_wait(&f->base, &r->is_closed));
    end_reader(r);
}

static void stop(struct fixture *f)
{
    for (int i = 0; i < READERS_MAX; i++)
        if (f->readers[i].is_open)
            end_reader(&f->readers[i]);
    client_fixture_stop(&f->base);
    mem_free(f);
}

static void fill(struct fixture *f, int upto)
{
    for (int p = 0; p < PARTITIONS; p++)
        while (f->topic->partitions[p].log_end < upto)
            fake_cluster_append(&f->topic->partitions[p], slice_null(), slice_text("v"), 0, -1);
}

static void wait_for(struct fixture *f, const int *count, int wanted)
{
    for (int i = 0; i < 20000 && *count < wanted; i++)
        loop_turn(&f->base.loop, 1000);
    check(*count >= wanted);
}

static bool are_all_committed(const struct fixture *f, int upto)
{
    for (int p = 0; p < PARTITIONS; p++)
        if (f->base.fake->group.offsets[0][p] != upto)
            return false;
    return true;
}

static void check_each_once(const struct fixture *f, int upto)
{
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < RECORDS; i++)
            check_eq(f->seen[p][i], i < upto);
}

TEST(group_consumer, goes_on_where_the_group_is)
{
    struct fixture *f = start(1);
    struct reader *r;

    fill(f, 10);
    r = open_reader(f, 0);
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    close_reader(f, r);
    check(are_all_committed(f, 10));
    fill(f, 20);
    r = open_reader(f, 1);
    wait_for(f, &f->distinct, 20 * PARTITIONS);
    for (int i = 0; i < 2000 && !are_all_committed(f, 20); i++)
        loop_turn(&f->base.loop, 1000); /* By itself, in time. */
    check(are_all_committed(f, 20));
    check_each_once(f, 20);
    stop(f);
}

TEST(group_consumer, without_commits_the_group_keeps_nothing)
{
    struct fixture *f = start(1);
    struct reader *r;

    f->settings.commits = false;
    fill(f, 10);
    r = open_reader(f, 0);
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    close_reader(f, r);
    check_eq(f->base.fake->group.commits, 0);
    r = open_reader(f, 0);
    wait_for(f, &r->count, 10 * PARTITIONS);
    stop(f);
}

TEST(group_consumer, commits_what_its_owner_says_and_tells_what_it_has)
{
    struct fixture *f = start(1);
    struct reader *r;

    f->settings.commits = false;
    fill(f, 10);
    r = open_reader(f, 0);
    check(!group_consumer_commit(&r->group)); /* Nothing is known yet. */
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    check_eq(r->assigned, PARTITIONS);
    check(group_consumer_commit(&r->group));
    wait_for(f, &r->committed, 1);
    check(are_all_committed(f, 10));
    check(!group_consumer_commit(&r->group)); /* Nothing is new. */
    check_eq(r->revoked, 0);
    group_consumer_close(&r->group);
    check(client_fixture_wait(&f->base, &r->is_closed));
    check_eq(r->revoked, PARTITIONS);
    check_eq(r->committed, 1);
    check_eq(r->refused, 0);
    end_reader(r);
    stop(f);
}

TEST(group_consumer, shares_by_the_assignor_that_it_was_told)
{
    struct fixture *f = start(2);
    struct reader *a, *b;
    int odd = 0;

    f->settings.assignors[f->settings.assignor_count++] = ASSIGNOR_ROUND_ROBIN;
    a = open_reader(f, 0);
    wait_for(f, &f->base.fake->group.generation, 1);
    b = open_reader(f, 1);
    wait_for(f, &f->base.fake->group.generation, 2);
    fill(f, 10);
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    check_eq(a->count, 10 * PARTITIONS / 2);
    check_eq(b->count, 10 * PARTITIONS / 2);
    list_each (node, &a->consumer.partitions)
        odd += container_of(node, struct consumer_partition, node_in)->partition % 2;
    check(odd == 0 || odd == PARTITIONS / 2); /* Every second one. */
    check_each_once(f, 10);
    stop(f);
}

TEST(group_consumer, an_offset_that_nobody_knows_is_said)
{
    struct fixture *f = start(1);

    f->settings.reset = CONSUMER_RESET_NONE;
    open_reader(f, 0);
    wait_for(f, &f->failed, 1);
    check_eq(f->error, ERROR_NONE);
    stop(f);
}

TEST(group_consumer, two_share_and_who_is_left_has_all)
{
    struct fixture *f = start(2);
    struct reader *a = open_reader(f, 0);
    struct reader *b;

    wait_for(f, &f->base.fake->group.generation, 1);
    b = open_reader(f, 1);
    wait_for(f, &f->base.fake->group.generation, 2);
    fill(f, 10);
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    check_eq(a->count, 10 * PARTITIONS / 2);
    check_eq(b->count, 10 * PARTITIONS / 2);
    close_reader(f, a);
    fill(f, 20);
    wait_for(f, &f->distinct, 20 * PARTITIONS);
    check_eq(b->count, 15 * PARTITIONS);
    check_each_once(f, 20);
    stop(f);
}

TEST(group_consumer, more_partitions_are_shared_out_anew)
{
    struct fixture *f = start(1);
    struct reader *r;

    f->topic->count = 2;
    r = open_reader(f, 0);
    fill(f, 5);
    wait_for(f, &f->distinct, 10);
    f->topic->count = PARTITIONS;
    cluster_refresh(&r->cluster);
    wait_for(f, &f->distinct, 5 * PARTITIONS);
    check_each_once(f, 5);
    stop(f);
}

TEST(group_consumer, a_topic_that_comes_later_is_asked_for)
{
    struct fixture *f = start(1);
    struct reader *r = open_reader(f, 0);

    wait_for(f, &f->base.fake->group.generation, 1);
    group_consumer_subscribe(&r->group, slice_text("late"));
    wait_for(f, &f->base.fake->group.generation, 2);
    group_consumer_subscribe(&r->group, slice_text("late")); /* It has it already. */
    fill(f, 10);
    wait_for(f, &f->distinct, 10 * PARTITIONS);
    check_eq(f->base.fake->group.generation, 2);
    check_each_once(f, 10);
    stop(f);
}

static enum fake_fault fail_often(struct fake_cluster *cluster, int16_t key)
{
    static const int16_t errors[] = {ERROR_NOT_COORDINATOR, ERROR_COORDINATOR_LOAD_IN_PROGRESS,
                                     ERROR_COORDINATOR_NOT_AVAILABLE, ERROR_REBALANCE_IN_PROGRESS,
                                     ERROR_ILLEGAL_GENERATION};
    size_t kinds = key == API_FIND_COORDINATOR ? 3 : COUNT_OF(errors);
    bool is_of_group = key >= API_OFFSET_COMMIT && key <= API_SYNC_GROUP;

    cluster->fault_error = errors[rng_below(&cluster->rng, kinds)];
    switch (rng_below(&cluster->rng, 12)) {
    case 0: return FAKE_BREAK_BEFORE;
    case 1: return FAKE_BREAK_AFTER;
    case 2: return is_of_group ? FAKE_ERROR : FAKE_SERVE;
    default: return FAKE_SERVE;
    }
}

/* Whatever fails and whoever comes and goes: no record is left out. */
PROPERTY(group_consumer, nothing_is_left_out, 8)
{
    struct fixture *f = start(2);
    int upto = 0;

    f->base.fake->rng = rng_of(rng_next(rng));
    f->base.fake->fault = fail_often;
    open_reader(f, 0);
    for (int round = 0; round < 5; round++) {
        struct reader *r = &f->readers[1 + round % 2];

        if (r->is_open)
            end_reader(r); /* As if it had died. */
        while (f->base.fake->group.member_count > 2)
            fake_group_expire(&f->base.fake->group, 0);
        open_reader(f, 1 + round % 2);
        fill(f, upto += 5);
        client_fixture_turn(&f->base, 20);
    }
    f->base.fake->fault = NULL;
    for (int i = 0; i < 20000 && f->distinct < upto * PARTITIONS; i++) {
        loop_turn(&f->base.loop, 1000);
        if (i % 500 == 499) /* Sessions of the dead. */
            while (f->base.fake->group.member_count > 2)
                fake_group_expire(&f->base.fake->group, 0);
    }
    check_eq(f->distinct, upto * PARTITIONS);
    check_eq(f->failed, 0);
    stop(f);
}
