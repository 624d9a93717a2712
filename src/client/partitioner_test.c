/* SPDX-License-Identifier: Apache-2.0 */
#include "client/partitioner.h"
#include "test/harness/check.h"

TEST(partitioner, hashes_as_the_java_client_does)
{
    const struct {
        const char *key;
        int32_t hash;
    } rows[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"", 275646681},
        {"a", -1563381124},
        {"ab", 316155434},
        {"abc", 479470107},
        {"abcd", -1323649548},
        {"key", -1079937367},
        {"kafka", -798503068},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_eq((int32_t)partitioner_murmur2(slice_text(rows[i].key)), rows[i].hash);
}

TEST(partitioner, a_key_has_its_partition)
{
    check_eq(partitioner_of_key(slice_text("key"), 3), 1);
    check_eq(partitioner_of_key(slice_text("abcd"), 3), 2);
    check_eq(partitioner_of_key(slice_text("abc"), 3), 0);
    check_eq(partitioner_of_key(slice_text("abc"), 1), 0);
}

/* Bytes above 127 are taken as they are, not as negative numbers. */
TEST(partitioner, a_key_may_hold_any_bytes)
{
    const uint8_t high[] = {0xff};
    const uint8_t low[] = {0x7f};

    check(partitioner_murmur2(slice_of(high, 1)) != partitioner_murmur2(slice_of(low, 1)));
    check(partitioner_of_key(slice_of(high, 1), 7) >= 0);
}

TEST(partitioner, records_without_a_key_stick_until_a_batch_is_full)
{
    struct cluster_partition partitions[4] = {{.leader = 1}, {.leader = 1}, {.leader = 1}, {0}};
    struct cluster_topic topic = {.partitions = partitions, .count = 4};
    struct partitioner_sticky sticky = {.partition = -1};
    struct rng seeded = rng_of(7);
    int32_t first = partitioner_of_any(&sticky, &topic, 40, 100, &seeded);
    bool has_switched = false;

    check_eq(partitioner_of_any(&sticky, &topic, 40, 100, &seeded), first);
    check_eq(partitioner_of_any(&sticky, &topic, 40, 100, &seeded), first);
    for (int i = 0; i < 100; i++) {
        sticky.bytes = 100;
        has_switched |= partitioner_of_any(&sticky, &topic, 40, 100, &seeded) != first;
    }
    check(has_switched);
}

TEST(partitioner, a_partition_without_a_leader_is_not_chosen)
{
    struct cluster_partition partitions[3] = {{.leader = -1}, {.leader = 5}, {.leader = -1}};
    struct cluster_topic topic = {.partitions = partitions, .count = 3};
    struct rng seeded = rng_of(1);

    for (int i = 0; i < 50; i++) {
        struct partitioner_sticky sticky = {.partition = -1};

        check_eq(partitioner_of_any(&sticky, &topic, 1, 100, &seeded), 1);
    }
}
