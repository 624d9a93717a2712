/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/clean_map.h"
#include "test/harness/check.h"

static const uint8_t secret[SIPHASH_KEY_SIZE] = {7};

static struct slice key_of(const uint32_t *number)
{
    return slice_of((const uint8_t *)number, sizeof(*number));
}

PROPERTY(clean_map, the_newest_offset_of_each_key_is_found, 100)
{
    enum { KEYS = 300 };
    int64_t newest[KEYS];
    struct clean_map map;

    for (int i = 0; i < KEYS; i++)
        newest[i] = -1;
    clean_map_init(&map, 1 << 20, rng_chance(rng, 50) ? 1.0 : 0.5, KEYS, secret);
    for (int64_t offset = 0; offset < 1000; offset += rng_between(rng, 1, 3)) {
        uint32_t key = (uint32_t)rng_below(rng, KEYS);

        check(clean_map_put(&map, key_of(&key), offset));
        newest[key] = offset;
    }
    clean_map_check(&map);
    for (uint32_t key = 0; key < KEYS; key++)
        check_eq(clean_map_get(&map, key_of(&key)), newest[key]);
    clean_map_fini(&map);
}

TEST(clean_map, is_bounded_by_its_bytes_and_its_load)
{
    struct clean_map map;
    uint32_t key = 0;

    clean_map_init(&map, 100 * sizeof(struct clean_slot), 0.75, 1000000, secret);
    check_eq(map.slot_count, 100);
    for (; key < 75; key++)
        check(clean_map_put(&map, key_of(&key), key));
    check(!clean_map_put(&map, key_of(&key), key));
    key = 3;
    check(clean_map_put(&map, key_of(&key), 80)); /* One that is there needs no room. */
    check_eq(clean_map_get(&map, key_of(&key)), 80);
    clean_map_fini(&map);
}

TEST(clean_map, takes_no_more_than_its_keys_need)
{
    struct clean_map map;
    uint32_t key = 1;

    clean_map_init(&map, SIZE_MAX / 2, 0.5, 10, secret);
    check(map.slot_count <= 22);
    clean_map_fini(&map);
    clean_map_init(&map, 0, 0.9, 0, secret);
    check(clean_map_put(&map, key_of(&key), 5));
    check_eq(clean_map_get(&map, key_of(&key)), 5);
    key = 2;
    check_eq(clean_map_get(&map, key_of(&key)), -1);
    clean_map_fini(&map);
}

TEST(clean_map, keys_of_any_length_are_told_apart)
{
    struct clean_map map;
    uint8_t bytes[300] = {0};

    clean_map_init(&map, 1 << 20, 0.9, 300, secret);
    for (size_t length = 0; length < sizeof(bytes); length++)
        check(clean_map_put(&map, slice_of(bytes, length), (int64_t)length));
    check_eq(map.count, sizeof(bytes));
    for (size_t length = 0; length < sizeof(bytes); length++)
        check_eq(clean_map_get(&map, slice_of(bytes, length)), length);
    clean_map_fini(&map);
}
