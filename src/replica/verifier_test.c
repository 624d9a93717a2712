/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/partition.h"
#include "replica/partition_test.h"
#include "replica/verifier.h"
#include "test/harness/files.h"

enum { BATCHES = 5, TURNS_MAX = 100000, READ_SIZE = 1 << 20 };

/* Two partitions of logs that were there before. */
struct bench {
    struct replicas_kit kit;
    struct partition *partition; /* The first. */
};

struct reader {
    struct fetch_wait wait;
    int woken;
};

static void woken(struct fetch_wait *wait)
{
    container_of(wait, struct reader, wait)->woken++;
}

static void fill(struct bench *b, const char *name)
{
    struct log *log = store_kit_log(&b->kit.store, name);

    for (int i = 0; i < BATCHES; i++)
        store_kit_put(&b->kit.store, log, &(struct store_batch){.records = 1, .value_size = 500});
    store_kit_close_log(&b->kit.store, log);
}

static void bench_init(struct bench *b)
{
    replicas_kit_init(&b->kit);
    fill(b, "t-0");
    fill(b, "t-1");
    replicas_kit_open(&b->kit);
    b->kit.replicas.verifier = verifier_create(&b->kit.loop);
    check_ok(replicas_get(&b->kit.replicas, &b->kit.topic, 0, &b->partition));
}

static void bench_fini(struct bench *b)
{
    verifier_stop(b->kit.replicas.verifier);
    replicas_kit_close(&b->kit);
    verifier_destroy(b->kit.replicas.verifier);
    replicas_kit_fini(&b->kit);
}

static int read(struct partition *p, int64_t offset, struct partition_read *read)
{
    *read = (struct partition_read){.offset = offset, .bytes_max = READ_SIZE, .at_least_one = true};
    return partition_read(p, read);
}

/* Reads as a consumer does, who waits where there is nothing yet. */
static int read_all(struct bench *b, struct partition *p, int64_t offset, size_t *out)
{
    struct reader reader = {.wait.wake = woken};
    struct partition_read found;
    int r = read(p, offset, &found);

    for (int i = 0; r == 0 && found.is_held_back; i++) {
        check(i < 10);
        partition_read_release(&found);
        partition_wait(p, &reader.wait);
        for (int k = 0; k < TURNS_MAX && reader.woken == i; k++)
            loop_turn(&b->kit.loop, 0);
        check_eq(reader.woken, i + 1);
        r = read(p, offset, &found);
    }
    *out = r ? 0 : found.range.size;
    partition_read_release(&found);
    return r;
}

TEST(verifier, what_lay_on_disk_is_read_before_anybody_gets_it)
{
    struct partition_read found;
    size_t bytes;
    struct bench b;

    bench_init(&b);
    check_ok(read(b.partition, 0, &found));
    check(found.is_held_back && found.range.size == 0 && !found.range.file);
    check_ok(read_all(&b, b.partition, 0, &bytes));
    check(bytes > BATCHES * 500);
    check_ok(read(b.partition, 2, &found)); /* All of it was read. */
    check(!found.is_held_back && found.range.size > 0);
    partition_read_release(&found);
    bench_fini(&b);
}

TEST(verifier, who_checks_for_himself_does_not_wait)
{
    struct partition_read found = {.bytes_max = READ_SIZE, .is_unverified = true};
    struct bench b;

    bench_init(&b);
    check_ok(partition_read(b.partition, &found));
    check(!found.is_held_back && found.range.size > BATCHES * 500);
    check(!b.partition->verification);
    partition_read_release(&found);
    bench_fini(&b);
}

TEST(verifier, damage_is_told_to_every_reader)
{
    struct bench b;
    size_t bytes;
    size_t first;

    bench_init(&b);
    check_ok(read_all(&b, b.partition, 0, &bytes));
    first = bytes / BATCHES;
    bench_fini(&b);
    bench_init(&b);
    files_flip(store_kit_path(&b.kit.store, "t-0"), "00000000000000000000.log",
               (int64_t)first * 2 + 100, 1);
    check_ok(read_all(&b, b.partition, 0, &bytes));
    check_eq(bytes, first * 2);
    for (int i = 0; i < 3; i++) {
        check_eq(read_all(&b, b.partition, 2, &bytes), PARTITION_E_CORRUPT);
        check_ok(read_all(&b, b.partition, 3, &bytes));
        check_eq(bytes, first * 2);
    }
    bench_fini(&b);
}

TEST(verifier, a_disk_that_cannot_be_read_is_told_once_and_tried_again)
{
    struct reader reader = {.wait.wake = woken};
    struct partition_read found;
    struct bench b;
    size_t bytes;

    bench_init(&b);
    check_ok(partition_flush(b.partition));
    check_ok(read(b.partition, 0, &found)); /* Submitted, and not delivered before a turn. */
    check(found.is_held_back);
    partition_verified(b.partition, -EIO);
    check_eq(read(b.partition, 0, &found), PARTITION_E_STORAGE);
    partition_wait(b.partition, &reader.wait);
    for (int i = 0; i < TURNS_MAX && reader.woken == 0; i++)
        loop_turn(&b.kit.loop, 0);
    check_ok(read_all(&b, b.partition, 0, &bytes));
    check(bytes > BATCHES * 500);
    bench_fini(&b);
}

TEST(verifier, partitions_that_end_are_forgotten)
{
    struct partition *other;
    struct partition_read found;
    struct bench b;

    bench_init(&b);
    check_ok(replicas_get(&b.kit.replicas, &b.kit.topic, 1, &other));
    check_ok(read(b.partition, 0, &found)); /* A worker is at it, */
    check_ok(read(other, 0, &found));       /* and this one waits. */
    check(b.partition->verification && other->verification);
    partition_drop(b.partition);
    partition_drop(other);
    bench_fini(&b);
    bench_init(&b);
    check_ok(read(b.partition, 0, &found)); /* The end of all comes while it is read. */
    bench_fini(&b);
}

TEST(verifier, partitions_take_turns)
{
    struct partition_read found;
    struct partition *other;
    struct bench b;
    size_t first, second;

    bench_init(&b);
    check_ok(replicas_get(&b.kit.replicas, &b.kit.topic, 1, &other));
    check_ok(read(b.partition, 0, &found));
    check_ok(read(other, 0, &found));
    check(b.partition->verification && other->verification);
    check_ok(read_all(&b, other, 0, &second));
    check_ok(read_all(&b, b.partition, 0, &first));
    check(first > BATCHES * 500 && first == second);
    bench_fini(&b);
}
