/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "client/consumer.h"
#include "test/fakes/client_fixture.h"
#include "test/harness/check.h"
#include "wire/errors.h"

#include <stdio.h>
#include <stdlib.h>

enum { RECORDS_MAX = 1000, PARTITIONS = 4 };

/* A consumer of a fake cluster, and what it got. */
struct fixture {
    struct client_fixture base;
    struct consumer_settings settings;
    struct consumer consumer;
    bool has_consumer;
    int count;      /* Records delivered. */
    int wanted;     /* Done after so many. */
    int pause_each; /* Pause after every so many; 0: never. */
    bool is_done, has_failed;
    int16_t last_error;
    int64_t next_offset[PARTITIONS]; /* -1: none came yet. */
    struct text values;              /* The values, each with a blank behind it. */
};

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct fixture *f = container_of(consumer, struct fixture, consumer);
    int64_t *next = &f->next_offset[partition->partition];

    check(*next < 0 || record->offset >= *next);
    *next = record->offset + 1;
    text_add(&f->values, record->value.data, record->value.size);
    text_add(&f->values, " ", 1);
    f->count++;
    if (f->count >= f->wanted)
        f->is_done = true;
    return f->pause_each == 0 || f->count % f->pause_each != 0;
}

static void on_failed(struct consumer *consumer, struct consumer_partition *partition,
                      int16_t error, const char *why)
{
    struct fixture *f = container_of(consumer, struct fixture, consumer);

    (void)partition;
    check(error || why);
    f->has_failed = true;
    f->last_error = error;
}

static const struct consumer_events events = {.record = on_record, .failed = on_failed};

static struct fixture *start(int nodes)
{
    struct fixture *f = mem_new(sizeof(*f));

    client_fixture_start(&f->base, nodes);
    f->settings = consumer_settings_defaults();
    f->settings.retry_backoff_ms = 1;
    f->settings.retry_backoff_max_ms = 5;
    f->wanted = INT32_MAX;
    for (int i = 0; i < PARTITIONS; i++)
        f->next_offset[i] = -1;
    return f;
}

static void connect_up(struct fixture *f)
{
    client_fixture_connect(&f->base);
    consumer_init(&f->consumer, &f->base.cluster, &f->settings, &events);
    f->has_consumer = true;
}

static void stop(struct fixture *f)
{
    if (f->has_consumer)
        consumer_fini(&f->consumer);
    client_fixture_stop(&f->base);
    text_fini(&f->values);
    mem_free(f);
}

static void fill(struct fake_partition *partition, int count)
{
    for (int i = 0; i < count; i++) {
        char value[16];

        (void)snprintf(value, sizeof(value), "%d", i);
        fake_cluster_append(partition, slice_null(), slice_text(value), 0, -1);
    }
}

static const struct consumer_start earliest = {.value = CONSUMER_EARLIEST};
static const struct consumer_start latest = {.value = CONSUMER_LATEST};

TEST(consumer, begins_at_the_first_record)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    fill(&topic->partitions[0], 5);
    f->wanted = 5;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "0 1 2 3 4 ");
    stop(f);
}

TEST(consumer, begins_at_an_offset)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    fill(&topic->partitions[0], 5);
    f->wanted = 2;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0,
                    (struct consumer_start){.is_offset = true, .value = 3});
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "3 4 ");
    stop(f);
}

TEST(consumer, begins_at_the_end_and_sees_what_comes)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    struct consumer_partition *partition;

    fill(&topic->partitions[0], 5);
    f->wanted = 1;
    connect_up(f);
    partition = consumer_assign(&f->consumer, slice_text("t"), 0, latest);
    for (int i = 0; i < 1000 && partition->position < 0; i++)
        loop_turn(&f->base.loop, 1000);
    check_eq(partition->position, 5);
    fake_cluster_append(&topic->partitions[0], slice_null(), slice_text("new"), 0, -1);
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "new ");
    stop(f);
}

/* A compressed batch of several records, entered in the middle. */
TEST(consumer, a_position_may_lie_inside_a_batch)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    struct batch_builder builder;

    batch_builder_init(&builder);
    for (int i = 0; i < 4; i++)
        batch_builder_add(&builder, 5, slice_null(), slice_text(i < 2 ? "early" : "late"), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_ZSTD, 0, 0, &topic->partitions[0].log));
    batch_builder_fini(&builder);
    topic->partitions[0].log_end = 4;
    f->wanted = 2;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0,
                    (struct consumer_start){.is_offset = true, .value = 2});
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "late late ");
    stop(f);
}

TEST(consumer, an_offset_that_is_gone_is_replaced)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    fill(&topic->partitions[0], 3);
    f->settings.reset = CONSUMER_RESET_EARLIEST;
    f->wanted = 3;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0,
                    (struct consumer_start){.is_offset = true, .value = 99});
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "0 1 2 ");
    stop(f);
}

TEST(consumer, an_offset_that_is_gone_is_the_end_if_so_configured)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.reset = CONSUMER_RESET_NONE;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0,
                    (struct consumer_start){.is_offset = true, .value = 99});
    check(client_fixture_wait(&f->base, &f->has_failed));
    check_eq(f->last_error, ERROR_OFFSET_OUT_OF_RANGE);
    stop(f);
}

TEST(consumer, a_damaged_batch_is_the_end)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    fill(&topic->partitions[0], 1);
    topic->partitions[0].log.data[topic->partitions[0].log.size - 2] ^= 1;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    check(client_fixture_wait(&f->base, &f->has_failed));
    check_eq(f->last_error, 0);
    check_eq(f->count, 0);
    stop(f);
}

TEST(consumer, an_error_that_will_not_pass_ends_the_partition)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    cluster_find_topic(&f->base.cluster, slice_text("t"))->is_answered = true;
    cluster_find_topic(&f->base.cluster, slice_text("t"))->error = ERROR_TOPIC_AUTHORIZATION_FAILED;
    check(client_fixture_wait(&f->base, &f->has_failed));
    check_eq(f->last_error, ERROR_TOPIC_AUTHORIZATION_FAILED);
    stop(f);
}

TEST(consumer, a_pause_holds_back_what_has_arrived)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    fill(&topic->partitions[0], 5);
    f->pause_each = 2;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    client_fixture_turn(&f->base, 30);
    check_text(f->values.data, "0 1 ");
    consumer_resume(&f->consumer);
    client_fixture_turn(&f->base, 10);
    check_text(f->values.data, "0 1 2 3 ");
    f->wanted = 5;
    consumer_resume(&f->consumer);
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "0 1 2 3 4 ");
    stop(f);
}

/* --- transactions ------------------------------------------------------------ */

static void add_marker(struct fake_partition *partition, int64_t producer_id, bool is_commit)
{
    const uint8_t key[] = {0, 0, 0, is_commit};
    const uint8_t value[] = {0, 0, 0, 0, 0, 0};

    fake_cluster_append(partition, slice_of(key, sizeof(key)), slice_of(value, sizeof(value)),
                        BATCH_IS_CONTROL | BATCH_IS_TRANSACTIONAL, producer_id);
}

TEST(consumer, markers_of_transactions_are_not_records)
{
    struct fixture *f = start(1);
    struct fake_partition *log = &fake_cluster_add_topic(f->base.fake, "t", 1)->partitions[0];

    fake_cluster_append(log, slice_null(), slice_text("a"), BATCH_IS_TRANSACTIONAL, 7);
    add_marker(log, 7, true);
    fake_cluster_append(log, slice_null(), slice_text("b"), 0, -1);
    f->wanted = 2;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "a b ");
    check_eq(f->next_offset[0], 3);
    stop(f);
}

/* Two producers interleave; one of them aborts and then writes again. */
TEST(consumer, aborted_records_are_left_out)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    struct fake_partition *log = &topic->partitions[0];

    fake_cluster_append(log, slice_null(), slice_text("gone"), BATCH_IS_TRANSACTIONAL, 7);
    fake_cluster_append(log, slice_null(), slice_text("kept"), BATCH_IS_TRANSACTIONAL, 8);
    fake_cluster_append(log, slice_null(), slice_text("gone"), BATCH_IS_TRANSACTIONAL, 7);
    add_marker(log, 7, false);
    fake_cluster_append(log, slice_null(), slice_text("again"), BATCH_IS_TRANSACTIONAL, 7);
    add_marker(log, 8, true);
    add_marker(log, 7, true);
    f->settings.is_read_committed = true;
    f->base.fake->aborted_producer = 7;
    f->base.fake->aborted_first = 0;
    f->wanted = 2;
    connect_up(f);
    consumer_assign(&f->consumer, slice_text("t"), 0, earliest);
    check(client_fixture_wait(&f->base, &f->is_done));
    check_text(f->values.data, "kept again ");
    stop(f);
}

/* --- anything may happen ----------------------------------------------------- */

static enum fake_fault any_fault(struct fake_cluster *cluster, int16_t key)
{
    static const int16_t errors[] = {
        ERROR_NOT_LEADER_OR_FOLLOWER, ERROR_FENCED_LEADER_EPOCH, ERROR_UNKNOWN_LEADER_EPOCH,
        ERROR_OFFSET_NOT_AVAILABLE,   ERROR_UNKNOWN_TOPIC_ID,
    };
    struct rng *rng = &cluster->rng;

    if (rng_chance(rng, 5))
        fake_cluster_move(&cluster->topics[0], (int)rng_below(rng, PARTITIONS),
                          (int)rng_below(rng, 3));
    cluster->fault_error = errors[rng_below(rng, COUNT_OF(errors))];
    if (rng_chance(rng, 70))
        return FAKE_SERVE;
    if (key == API_METADATA)
        return FAKE_BREAK_BEFORE;
    return (enum fake_fault)rng_between(rng, FAKE_SERVE, FAKE_ERROR);
}

PROPERTY(consumer, each_record_comes_once_and_in_order, 25)
{
    struct fixture *f = start(3);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", PARTITIONS);
    int per_partition = (int)rng_between(rng, 1, 60);

    for (int i = 0; i < PARTITIONS; i++)
        fill(&topic->partitions[i], per_partition);
    f->base.fake->rng = rng_of(rng_next(rng));
    f->base.fake->fault = any_fault;
    f->settings.partition_max_bytes = (int32_t)rng_between(rng, 100, 1000);
    f->settings.max_wait_ms = 0;
    f->settings.request_timeout_ms = 10;
    f->wanted = per_partition * PARTITIONS;
    connect_up(f);
    for (int i = 0; i < PARTITIONS; i++)
        consumer_assign(&f->consumer, slice_text("t"), i, earliest);
    check(client_fixture_wait(&f->base, &f->is_done));
    client_fixture_turn(&f->base, 5);
    check_eq(f->count, f->wanted); /* And no more. */
    for (int i = 0; i < PARTITIONS; i++)
        check_eq(f->next_offset[i], per_partition);
    check(!f->has_failed);
    stop(f);
}
