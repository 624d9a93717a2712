/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "client/producer.h"
#include "test/fakes/client_fixture.h"
#include "test/harness/check.h"
#include "wire/errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS_MAX = 2000 };

/* A producer of a fake cluster, and what it reported. */
struct fixture {
    struct client_fixture base;
    struct producer_settings settings;
    struct producer producer;
    bool has_producer;
    bool is_idle, has_room;
    int delivered, failed;
    int16_t last_error;
    int64_t offsets[RECORDS_MAX]; /* By token; -1: failed or not known. */
    bool is_reported[RECORDS_MAX];
};

static void on_delivered(struct producer *producer, const struct producer_report *report)
{
    struct fixture *f = container_of(producer, struct fixture, producer);

    check(report->token < RECORDS_MAX);
    check(!f->is_reported[report->token]);
    f->is_reported[report->token] = true;
    f->offsets[report->token] = report->offset;
    f->delivered += report->error == ERROR_NONE;
    f->failed += report->error != ERROR_NONE;
    if (report->error)
        f->last_error = report->error;
}

static void on_room(struct producer *producer)
{
    container_of(producer, struct fixture, producer)->has_room = true;
}

static void on_idle(struct producer *producer)
{
    container_of(producer, struct fixture, producer)->is_idle = true;
}

static const struct producer_events events = {
    .delivered = on_delivered,
    .has_room = on_room,
    .idle = on_idle,
};

static struct fixture *start(int nodes)
{
    struct fixture *f = mem_new(sizeof(*f));

    client_fixture_start(&f->base, nodes);
    f->settings = producer_settings_defaults();
    f->settings.retry_backoff_ms = 1;
    f->settings.retry_backoff_max_ms = 5;
    f->settings.linger_ms = 0;
    return f;
}

static void connect_up(struct fixture *f)
{
    client_fixture_connect(&f->base);
    producer_init(&f->producer, &f->base.cluster, &f->settings, &events);
    f->has_producer = true;
}

static void stop(struct fixture *f)
{
    if (f->has_producer)
        producer_fini(&f->producer);
    client_fixture_stop(&f->base);
    mem_free(f);
}

/* A record whose value is its token. */
static int send_to(struct fixture *f, const char *topic, int32_t partition, uint64_t token)
{
    char value[32];
    struct producer_record record = {
        .topic = slice_text(topic),
        .partition = partition,
        .timestamp = -1,
        .key = slice_null(),
        .token = token,
    };

    (void)snprintf(value, sizeof(value), "%" PRIu64, token);
    record.value = slice_text(value);
    f->is_idle = false;
    return producer_send(&f->producer, &record);
}

/* The values in a partition's log, as numbers; returns how many. */
static int read_values(const struct fake_partition *partition, uint64_t *out)
{
    struct slice rest = text_slice(&partition->log);
    struct text scratch = {.data = NULL};
    int count = 0;

    while (rest.size > 0) {
        struct batch_reader reader;
        struct record record;
        bool is_end = false;

        check_ok(batch_reader_open(&reader, rest, &scratch, NULL, 1 << 20));
        for (;;) {
            char text[32];

            check_ok(batch_reader_next(&reader, &record, &is_end));
            if (is_end)
                break;
            (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(record.value));
            check(count < RECORDS_MAX);
            out[count++] = strtoull(text, NULL, 10);
        }
        rest = slice_of(rest.data + reader.header.size, rest.size - reader.header.size);
    }
    text_fini(&scratch);
    return count;
}

TEST(producer, records_arrive_in_order)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    uint64_t values[RECORDS_MAX];

    connect_up(f);
    for (uint64_t i = 0; i < 100; i++)
        check_ok(send_to(f, "t", -1, i));
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 100);
    check_eq(read_values(&topic->partitions[0], values), 100);
    for (uint64_t i = 0; i < 100; i++) {
        check_eq(values[i], i);
        check_eq(f->offsets[i], (int64_t)i);
    }
    stop(f);
}

TEST(producer, a_batch_is_sent_when_it_has_lingered)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.linger_ms = 30;
    connect_up(f);
    check_ok(send_to(f, "t", -1, 0));
    client_fixture_turn(&f->base, 10);
    check_ok(send_to(f, "t", -1, 1));
    check_eq(f->base.fake->requests[API_PRODUCE], 0);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 2);
    check_eq(f->base.fake->requests[API_PRODUCE], 1);
    stop(f);
}

TEST(producer, a_full_batch_does_not_linger)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.linger_ms = 100000;
    f->settings.batch_size = 200;
    connect_up(f);
    for (uint64_t i = 0; i < 20; i++)
        check_ok(send_to(f, "t", 0, i));
    for (int i = 0; i < 1000 && f->delivered < 10; i++)
        loop_turn(&f->base.loop, 10000);
    check(f->delivered >= 10);
    check(f->delivered < 20); /* The last batch is not full. */
    stop(f);
}

TEST(producer, keys_decide_the_partition)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 3);
    struct producer_record record = {
        .topic = slice_text("t"),
        .partition = -1,
        .timestamp = -1,
        .key = slice_text("key"),
        .value = slice_text("v"),
    };

    connect_up(f);
    check_ok(producer_send(&f->producer, &record));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(topic->partitions[1].log_end, 1);
    stop(f);
}

TEST(producer, a_topic_that_never_comes_fails_its_records)
{
    struct fixture *f = start(1);

    f->settings.max_block_ms = 30;
    connect_up(f);
    check_ok(send_to(f, "nowhere", -1, 0));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->failed, 1);
    check_eq(f->last_error, ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    stop(f);
}

TEST(producer, a_partition_that_does_not_exist_fails_its_records)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.max_block_ms = 30;
    connect_up(f);
    check_ok(send_to(f, "t", 5, 0));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->failed, 1);
    stop(f);
}

TEST(producer, full_memory_is_said_and_passes)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.buffer_memory = 200;
    f->settings.linger_ms = 100000; /* Memory that is needed does not linger. */
    connect_up(f);
    check_ok(send_to(f, "t", -1, 0));
    for (uint64_t i = 1; i < 20 && !f->producer.is_full; i++)
        if (send_to(f, "t", -1, i))
            break;
    check(f->producer.is_full);
    check(client_fixture_wait(&f->base, &f->has_room));
    check_ok(send_to(f, "t", -1, 30));
    stop(f);
}

TEST(producer, a_record_that_is_too_large_is_refused_at_once)
{
    struct fixture *f = start(1);
    char *large = mem_new(2000);
    struct producer_record record = {
        .topic = slice_text("t"),
        .partition = -1,
        .value = slice_of(large, 2000),
    };

    f->settings.request_size_max = 1000;
    connect_up(f);
    check_eq(producer_send(&f->producer, &record), PRODUCER_E_TOO_LARGE);
    mem_free(large);
    stop(f);
}

/* acks=0: the broker says nothing, the record is as good as delivered. */
TEST(producer, without_acks_nothing_is_waited_for)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);

    f->settings.acks = 0;
    f->settings.is_idempotent = false;
    connect_up(f);
    for (uint64_t i = 0; i < 50; i++)
        check_ok(send_to(f, "t", 0, i));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 50);
    check_eq(f->offsets[0], -1);
    client_fixture_turn(&f->base, 20);
    check_eq(topic->partitions[0].log_end, 50);
    stop(f);
}

/* --- failures ---------------------------------------------------------------- */

/* The leader moves before the second Produce request. */
static enum fake_fault move_leader(struct fake_cluster *cluster, int16_t key)
{
    if (key == API_PRODUCE && cluster->requests[key] == 2)
        fake_cluster_move(&cluster->topics[0], 0, 1);
    return FAKE_SERVE;
}

TEST(producer, records_follow_the_leader)
{
    struct fixture *f = start(2);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    uint64_t values[RECORDS_MAX];

    f->settings.batch_size = 100;
    f->base.fake->fault = move_leader;
    connect_up(f);
    for (uint64_t i = 0; i < 100; i++)
        check_ok(send_to(f, "t", 0, i));
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 100);
    check_eq(read_values(&topic->partitions[0], values), 100);
    for (uint64_t i = 0; i < 100; i++)
        check_eq(values[i], i);
    stop(f);
}

/* One batch is refused for good; what follows must not be taken for its successor. */
static enum fake_fault refuse_third(struct fake_cluster *cluster, int16_t key)
{
    if (key != API_PRODUCE || cluster->requests[key] != 3)
        return FAKE_SERVE;
    cluster->fault_error = ERROR_MESSAGE_TOO_LARGE;
    return FAKE_ERROR;
}

TEST(producer, a_refused_batch_does_not_stop_the_others)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    uint64_t values[RECORDS_MAX];
    int count;

    f->settings.batch_size = 100;
    f->base.fake->fault = refuse_third;
    connect_up(f);
    for (uint64_t i = 0; i < 100; i++)
        check_ok(send_to(f, "t", 0, i));
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->last_error, ERROR_MESSAGE_TOO_LARGE);
    check(f->failed > 0);
    check_eq(f->delivered + f->failed, 100);
    count = read_values(&topic->partitions[0], values);
    check_eq(count, f->delivered);
    for (int i = 1; i < count; i++)
        check(values[i] > values[i - 1]);
    stop(f);
}

TEST(producer, a_batch_that_is_too_large_is_split)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    uint64_t values[RECORDS_MAX];

    f->base.fake->message_max = 200;
    f->settings.batch_size = 2000;
    connect_up(f);
    for (uint64_t i = 0; i < 300; i++)
        check_ok(send_to(f, "t", 0, i));
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 300);
    check_eq(read_values(&topic->partitions[0], values), 300);
    for (uint64_t i = 0; i < 300; i++) {
        check_eq(values[i], i);
        check_eq(f->offsets[i], (int64_t)i);
    }
    stop(f);
}

TEST(producer, one_record_that_is_too_large_fails_alone)
{
    struct fixture *f = start(1);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 1);
    char large[300] = {0};
    struct producer_record record = {
        .topic = slice_text("t"),
        .timestamp = -1,
        .value = slice_of(large, sizeof(large)),
        .token = 1000,
    };

    f->base.fake->message_max = 200;
    connect_up(f);
    for (uint64_t i = 0; i < 20; i++)
        check_ok(send_to(f, "t", 0, i));
    check_ok(producer_send(&f->producer, &record));
    for (uint64_t i = 20; i < 40; i++)
        check_ok(send_to(f, "t", 0, i));
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, 40);
    check_eq(f->failed, 1);
    check_eq(f->last_error, ERROR_MESSAGE_TOO_LARGE);
    check_eq(topic->partitions[0].log_end, 40);
    stop(f);
}

static enum fake_fault never_produce(struct fake_cluster *cluster, int16_t key)
{
    cluster->fault_error = ERROR_NOT_ENOUGH_REPLICAS;
    return key == API_PRODUCE ? FAKE_ERROR : FAKE_SERVE;
}

TEST(producer, delivery_is_given_up_in_time)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.delivery_timeout_ms = 50;
    f->base.fake->fault = never_produce;
    connect_up(f);
    for (uint64_t i = 0; i < 10; i++)
        check_ok(send_to(f, "t", 0, i));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->failed, 10);
    check(f->base.fake->requests[API_PRODUCE] > 1);
    stop(f);
}

TEST(producer, retries_are_bounded)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->settings.retries = 3;
    f->base.fake->fault = never_produce;
    connect_up(f);
    check_ok(send_to(f, "t", 0, 0));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->last_error, ERROR_NOT_ENOUGH_REPLICAS);
    check_eq(f->base.fake->requests[API_PRODUCE], 4);
    stop(f);
}

/* The leader is elected after some looks at the metadata. */
static enum fake_fault elect_late(struct fake_cluster *cluster, int16_t key)
{
    if (key == API_METADATA && cluster->requests[key] == 20)
        fake_cluster_move(&cluster->topics[0], 0, 0);
    return FAKE_SERVE;
}

/* A try that never left, since the leader is away, is not one of the retries. */
TEST(producer, a_leader_that_is_away_costs_no_retries)
{
    struct fixture *f = start(2);

    fake_cluster_move(fake_cluster_add_topic(f->base.fake, "t", 1), 0, 1);
    fake_cluster_kill(f->base.fake, 1);
    f->settings.retries = 0;
    f->settings.request_timeout_ms = 20;
    f->base.fake->fault = elect_late;
    connect_up(f);
    check_ok(send_to(f, "t", 0, 0));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->failed, 0);
    check_eq(f->delivered, 1);
    stop(f);
}

static enum fake_fault no_identity(struct fake_cluster *cluster, int16_t key)
{
    cluster->fault_error = ERROR_CLUSTER_AUTHORIZATION_FAILED;
    return key == API_INIT_PRODUCER_ID ? FAKE_ERROR : FAKE_SERVE;
}

TEST(producer, without_an_identity_records_fail)
{
    struct fixture *f = start(1);

    fake_cluster_add_topic(f->base.fake, "t", 1);
    f->base.fake->fault = no_identity;
    connect_up(f);
    check_ok(send_to(f, "t", 0, 0));
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->last_error, ERROR_CLUSTER_AUTHORIZATION_FAILED);
    stop(f);
}

/* Anything may happen to a Produce, and leaders move. */
static enum fake_fault any_fault(struct fake_cluster *cluster, int16_t key)
{
    static const int16_t errors[] = {
        ERROR_NOT_ENOUGH_REPLICAS,
        ERROR_NOT_LEADER_OR_FOLLOWER,
        ERROR_REQUEST_TIMED_OUT,
        ERROR_COORDINATOR_LOAD_IN_PROGRESS,
    };
    struct rng *rng = &cluster->rng;

    if (rng_chance(rng, 3))
        fake_cluster_move(&cluster->topics[0], (int)rng_below(rng, 2), (int)rng_below(rng, 3));
    if (key != API_PRODUCE)
        return rng_chance(rng, 5) ? FAKE_BREAK_BEFORE : FAKE_SERVE;
    cluster->fault_error = errors[rng_below(rng, COUNT_OF(errors))];
    if (rng_chance(rng, 60))
        return FAKE_SERVE;
    return (enum fake_fault)rng_between(rng, FAKE_SERVE, FAKE_ERROR);
}

/* With idempotence, and as long as nothing is given up, each record is written once, and
 * in its order. */
PROPERTY(producer, nothing_is_lost_doubled_or_reordered, 25)
{
    struct fixture *f = start(3);
    struct fake_topic *topic = fake_cluster_add_topic(f->base.fake, "t", 2);
    uint64_t values[RECORDS_MAX];
    int count = (int)rng_between(rng, 1, 400);

    f->base.fake->rng = rng_of(rng_next(rng));
    f->base.fake->fault = any_fault;
    f->base.fake->message_max = rng_chance(rng, 50) ? 0 : 150;
    f->settings.batch_size = (size_t)rng_between(rng, 40, 400);
    f->settings.codec = (enum compress_codec)rng_below(rng, COMPRESS_CODEC_COUNT);
    f->settings.request_timeout_ms = 10;
    connect_up(f);
    for (int i = 0; i < count; i++) {
        check_ok(send_to(f, "t", i % 2, (uint64_t)i));
        if (rng_chance(rng, 5))
            loop_turn(&f->base.loop, 1000);
    }
    producer_flush(&f->producer);
    check(client_fixture_wait(&f->base, &f->is_idle));
    check_eq(f->delivered, count);
    for (int p = 0; p < 2; p++) {
        int written = read_values(&topic->partitions[p], values);

        check_eq(written, (count + 1 - p) / 2);
        for (int i = 0; i < written; i++) {
            check_eq(values[i], (uint64_t)(2 * i + p));
            if (f->offsets[values[i]] >= 0)
                check_eq(f->offsets[values[i]], i);
        }
    }
    stop(f);
}
