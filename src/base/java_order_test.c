/* SPDX-License-Identifier: Apache-2.0 */
#include "base/java_order.h"
#include "test/harness/check.h"

TEST(java_order, hashes_are_those_of_java)
{
    const struct {
        const char *text;
        int32_t hash;
    } rows[] = {
        {"", 0},
        {"g", 103},
        {"group1", -1237460590},
        {"polygenelubricants", INT32_MIN},
        {"\xc3\xa9t\xc3\xa9", 227742}, /* U+00E9 t U+00E9 */
        {"\xf0\x9f\x98\x80", 1772899}, /* U+1F600: two surrogates */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_eq(java_order_hash(slice_text(rows[i].text)), rows[i].hash);
}

static void expect(const char *const *keys, size_t count, size_t capacity, const char *order)
{
    struct slice slices[8] = {slice_null()};
    size_t sorted[8] = {0};

    for (size_t i = 0; i < count; i++)
        slices[i] = slice_text(keys[i]);
    java_order_sort(slices, count, capacity, sorted);
    for (size_t i = 0; i < count; i++)
        check_eq(sorted[i], (size_t)(order[i] - '0'));
}

/* As Apache Kafka 4.3.1 printed these topics. */
TEST(java_order, is_that_of_a_map_of_the_given_capacity)
{
    static const char *const all[] = {"a.b_c", "a1", "cc3", "ra"};

    expect(all, 4, 4, "1203");
    expect(all, 2, 2, "01"); /* Both fall into one bucket: as they were added. */
    expect(all, 0, 0, "");
}

TEST(java_order, bytes_that_are_not_utf_8_do_no_harm)
{
    check(java_order_hash(slice_text("\xff\xc3")) != 0);
}

TEST(java_order, partitions_have_hashes_of_their_own)
{
    static const int32_t order[] = {1, 0};
    int32_t hashes[COUNT_OF(order)];
    size_t out[COUNT_OF(order)];

    check_eq(java_order_hash_partition(slice_text("a"), 0), 31 * 31 + 'a');
    /* As Kafka's tool prints them. */
    for (int32_t i = 0; i < (int32_t)COUNT_OF(order); i++)
        hashes[i] = java_order_hash_partition(slice_text("o1"), i);
    java_order_sort_hashes(hashes, COUNT_OF(order), 0, out);
    for (size_t i = 0; i < COUNT_OF(order); i++)
        check_eq(out[i], order[i]);
}

TEST(java_order, is_made_of_hashes_alone)
{
    const int32_t hashes[] = {17, 0x10000, 1, 2}; /* 17 and 1 share a bucket, and 0x10000. */
    size_t sorted[COUNT_OF(hashes)];

    java_order_sort_hashes(hashes, COUNT_OF(hashes), 0, sorted);
    check_eq(sorted[0], (size_t)0);
    check_eq(sorted[1], (size_t)1);
    check_eq(sorted[2], (size_t)2);
    check_eq(sorted[3], (size_t)3);
}
