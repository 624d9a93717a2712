/* SPDX-License-Identifier: Apache-2.0 */

/* test/scenario/mails_test.c - what shards say to each other for a request, counted, not timed.
 *
 * A broker of four shards; the client's connection lives on one of them.  What its requests are
 * about lives there too, or elsewhere: then the request goes there, and its answer comes back.
 */

#include "test/harness/check.h"
#include "test/scenario/bench.h"
#include "wire/errors.h"

enum { SHARDS = 4, PARTITIONS = BENCH_PARTITIONS_MAX };

static struct bench *bench_of(uint64_t seed, int here)
{
    return bench_create(&(struct bench_options){
        .seed = seed, .shards = SHARDS, .here = here, .partitions = PARTITIONS});
}

static int home(const struct bench *b, int32_t partition)
{
    return partition_home(b->topic, partition, SHARDS);
}

/* What a request about the partition costs. */
static uint64_t hops(const struct bench *b, int here, int32_t partition)
{
    return home(b, partition) == here ? 0 : 2;
}

TEST(mails, shards_that_have_nothing_to_do_say_nothing)
{
    struct bench *b = bench_of(1, 0);
    uint64_t before = bench_mails(b);

    bench_run_for(b, 5 * BENCH_SECOND_US);
    check_eq(bench_mails(b), before);
    bench_destroy(b);
}

/* A request goes to where its partition lives and comes back, whatever it waits for there: that
 * is two; or none, where the connection lives on the same shard. */
TEST(mails, a_request_about_one_partition_costs_two_or_none)
{
    for (int here = 0; here < SHARDS; here++) {
        struct bench *b = bench_of((uint64_t)here + 2, here);
        int near = 0;

        for (int32_t i = 0; i < PARTITIONS; i++) {
            check_eq(bench_produce(b, i, 1, -1), hops(b, here, i));
            check_eq(bench_produce(b, i, 1, 1), hops(b, here, i));
            check_eq(bench_fetch(b, i, 1, 0), hops(b, here, i));
            check_eq(b->records, 1);
            check_eq(bench_list_offsets(b, i, -1), hops(b, here, i));
            near += home(b, i) == here;
        }
        check(near > 0 && near < PARTITIONS);
        bench_destroy(b);
    }
}

/* A shard is asked once, however many of its partitions a request is about. */
TEST(mails, a_request_about_many_partitions_asks_each_shard_once)
{
    int here = 2;
    struct bench *b = bench_of(7, here);
    uint64_t others = 0;

    for (int shard = 0; shard < SHARDS; shard++) {
        bool is_asked = false;

        for (int32_t i = 0; i < PARTITIONS; i++)
            is_asked |= home(b, i) == shard;
        others += is_asked && shard != here;
    }
    check_eq(others, SHARDS - 1);
    check_eq(bench_produce(b, 0, PARTITIONS, -1), 2 * others);
    check_eq(bench_fetch(b, 0, PARTITIONS, 0), 2 * others);
    check_eq(b->records, PARTITIONS);
    bench_destroy(b);
}

/* What every shard knows, each tells by itself. */
TEST(mails, metadata_costs_none)
{
    struct bench *b = bench_of(8, 3);

    check_eq(bench_metadata(b), 0);
    check_eq(b->error, ERROR_NONE);
    bench_destroy(b);
}

/* A consumer at the end of its partition waits where the partition lives. */
TEST(mails, a_fetch_that_waits_costs_no_more)
{
    int here = 1;
    struct bench *b = bench_of(9, here);

    for (int32_t i = 0; i < PARTITIONS; i++) {
        check_eq(bench_fetch(b, i, 1, 1),
                 hops(b, here, i)); /* Nobody writes: until its time is over. */
        check_eq(b->records, 0);
    }
    check_eq(bench_fetch(b, 0, PARTITIONS, 1), 2 * (SHARDS - 1));
    check_eq(b->records, 0);
    bench_destroy(b);
}
