/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/bench.h - a broker in a calm world, and a client that asks one thing at a time.
 *
 * There is one topic, `t`.  For tests that count or look at something in a whole broker, where a
 * life of run.h would be too much.
 *
 * Threading: one thread.
 * Errors:    what does not go well fails the test.
 */

#include "broker/broker.h"
#include "test/scenario/client.h"
#include "test/scenario/server.h"

enum { BENCH_PARTITIONS_MAX = 16, BENCH_SECOND_US = 1000 * 1000 };

struct bench {
    struct run run;
    struct client client;
    int partitions;
    struct uuid topic;
    bool is_ready, is_answered;
    int16_t error;  /* The first of the last answer that is not NONE. */
    int records;    /* Partitions of which it has some. */
    int64_t offset; /* The last that it told. */
};

struct bench_pair {
    const char *key, *value; /* Borrowed. */
};

/* What a bench is to be like. */
struct bench_options {
    uint64_t seed;
    int shards;
    int here; /* The shard of the client's connection. */
    int partitions;
    struct bench_pair settings[4]; /* Of the broker, until one without a key, */
    struct bench_pair configs[4];  /* and of the topic. */
};

/* Opens a broker, connects and creates the topic. */
struct bench *bench_create(const struct bench_options *options);

void bench_destroy(struct bench *bench);

/* Lets so much time pass. */
void bench_run_for(struct bench *bench, int64_t us);

/* Mails that the shards have received so far. */
uint64_t bench_mails(const struct bench *bench);

/* Each sends a request and returns how many mails it cost until it was answered and all that it
 * left behind was done.  Of partitions there are `count` from `first` on. */
uint64_t bench_produce(struct bench *bench, int32_t first, int32_t count, int16_t acks);
uint64_t bench_fetch(struct bench *bench, int32_t first, int32_t count, int64_t offset);
uint64_t bench_list_offsets(struct bench *bench, int32_t partition, int64_t timestamp);
uint64_t bench_metadata(struct bench *bench);
