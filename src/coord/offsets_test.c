/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/offsets.h"
#include "test/harness/check.h"

#include <stdio.h>

static struct committed value_of(int64_t offset, const char *metadata)
{
    return (struct committed){
        .offset = offset, .leader_epoch = -1, .metadata = slice_text(metadata), .expire_ms = -1};
}

TEST(offsets, the_last_value_of_a_partition_counts)
{
    struct offsets offsets;
    struct committed first = value_of(5, "one"), second = value_of(9, "");
    const struct committed *found;

    offsets_init(&offsets);
    check(!offsets_find(&offsets, slice_text("orders"), 0));
    offsets_put(&offsets, slice_text("orders"), 0, &first);
    found = offsets_find(&offsets, slice_text("orders"), 0);
    check_eq(found->offset, 5);
    check(slice_is_text(found->metadata, "one"));
    offsets_put(&offsets, slice_text("orders"), 0, &second);
    found = offsets_find(&offsets, slice_text("orders"), 0);
    check_eq(found->offset, 9);
    check_eq(found->metadata.size, 0);
    check_eq(offsets.count, 1);
    check(!offsets_find(&offsets, slice_text("orders"), 1));
    check(!offsets_find(&offsets, slice_text("order"), 0));
    offsets_fini(&offsets);
}

TEST(offsets, a_topic_without_partitions_is_gone)
{
    struct offsets offsets;
    struct committed value = value_of(1, "");

    offsets_init(&offsets);
    offsets_put(&offsets, slice_text("a"), 7, &value);
    offsets_put(&offsets, slice_text("b"), 7, &value);
    check(offsets_remove(&offsets, slice_text("a"), 7));
    check(!offsets_remove(&offsets, slice_text("a"), 7));
    check(!offsets_find_topic(&offsets, slice_text("a")));
    check(offsets_find_topic(&offsets, slice_text("b")));
    check_eq(offsets.count, 1);
    offsets_fini(&offsets);
}

TEST(offsets, an_age_is_over_at_the_retention_or_at_its_own_time)
{
    struct committed value = value_of(1, "");

    check(!committed_is_expired(&value, 100, 199, 100));
    check(committed_is_expired(&value, 100, 200, 100));
    value.expire_ms = 150; /* As clients of old could say. */
    check(!committed_is_expired(&value, 0, 149, 1));
    check(committed_is_expired(&value, 149, 150, 1000));
}

PROPERTY(offsets, hold_what_a_plain_table_holds, 200)
{
    enum { TOPICS = 5, PARTITIONS = 20 };
    int64_t model[TOPICS][PARTITIONS] = {{0}};
    struct offsets offsets;
    size_t count = 0;

    offsets_init(&offsets);
    for (int i = 0; i < 400; i++) {
        int t = (int)rng_below(rng, TOPICS);
        int32_t p = (int32_t)rng_below(rng, PARTITIONS);
        char name[8];

        (void)snprintf(name, sizeof(name), "t%d", t);
        if (rng_chance(rng, 60)) {
            struct committed value = value_of(i + 1, rng_chance(rng, 50) ? "meta" : "");

            offsets_put(&offsets, slice_text(name), p, &value);
            model[t][p] = i + 1;
        } else {
            check_eq(offsets_remove(&offsets, slice_text(name), p), model[t][p] != 0);
            model[t][p] = 0;
        }
    }
    for (int t = 0; t < TOPICS; t++) {
        for (int32_t p = 0; p < PARTITIONS; p++) {
            char name[8];
            const struct committed *found;

            (void)snprintf(name, sizeof(name), "t%d", t);
            found = offsets_find(&offsets, slice_text(name), p);
            check_eq(found ? found->offset : 0, model[t][p]);
            count += found != NULL;
        }
    }
    check_eq(offsets.count, count);
    offsets_fini(&offsets);
}
