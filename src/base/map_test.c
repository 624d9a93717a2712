/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"
#include "test/harness/check.h"

struct item {
    struct map_node node;
    uint64_t key;
    bool is_in;
    bool was_seen;
};

static struct item *find(const struct map *map, uint64_t key, uint64_t hash)
{
    for (struct map_node *n = map_find(map, hash); n; n = map_find_next(n)) {
        struct item *item = container_of(n, struct item, node);

        if (item->key == key)
            return item;
    }
    return NULL;
}

TEST(map, an_empty_map_has_nothing_in_it)
{
    struct map map;

    map_init(&map);
    check(!map_find(&map, 7));
    check(!map_next(&map, NULL));
    check(!map_pop(&map));
    map_fini(&map);
}

TEST(map, elements_with_the_same_hash_are_kept_apart)
{
    struct map map;
    struct item items[3] = {{.key = 1}, {.key = 2}, {.key = 3}};

    map_init(&map);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        map_put(&map, &items[i].node, 99);
    check_eq(map.count, 3);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        check(find(&map, items[i].key, 99) == &items[i]);
    map_remove(&map, &items[1].node);
    check(find(&map, 1, 99) && !find(&map, 2, 99) && find(&map, 3, 99));
    map_fini(&map);
}

TEST(map, a_chain_may_hold_other_hashes)
{
    struct map map;
    struct item a = {.key = 1};
    struct item b = {.key = 2};

    map_init(&map);
    map_put(&map, &a.node, 1);
    map_put(&map, &b.node, (uint64_t)1 << 40 | 1); /* The same low bits. */
    check(find(&map, 1, 1) == &a);
    check(!find(&map, 2, 1));
    check(!find(&map, 1, 2));
    map_fini(&map);
}

TEST(map, what_is_not_in_it_cannot_be_removed)
{
    struct map map;
    struct item in = {.key = 1};
    struct item out = {.key = 2};

    map_init(&map);
    check_bug(map_remove(&map, &out.node));
    map_put(&map, &in.node, 1);
    check_bug(map_remove(&map, &out.node));
    map_fini(&map);
}

TEST(map, popping_empties_it)
{
    struct map map;
    struct item items[100] = {{.key = 0}};
    size_t count = 0;

    map_init(&map);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        map_put(&map, &items[i].node, i * 0x9e3779b97f4a7c15u);
    for (struct map_node *n = map_pop(&map); n; n = map_pop(&map))
        count++;
    check_eq(count, 100);
    check_eq(map.count, 0);
    map_fini(&map);
}

static void check_walk(struct map *map, struct item *items, size_t count)
{
    size_t seen = 0;

    for (size_t i = 0; i < count; i++)
        items[i].was_seen = false;
    map_each (node, map) {
        struct item *item = container_of(node, struct item, node);

        check(item->is_in && !item->was_seen);
        item->was_seen = true;
        seen++;
    }
    check_eq(seen, map->count);
}

PROPERTY(map, it_holds_what_was_put_and_not_removed, 100)
{
    struct map map;
    struct item items[200];
    uint64_t few = rng_between(rng, 1, 50); /* How many different hashes there are. */

    map_init(&map);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        items[i] = (struct item){.key = i};
    for (int step = 0; step < 400; step++) {
        struct item *item = &items[rng_below(rng, COUNT_OF(items))];
        uint64_t hash = (item->key % few) * 0x100000001b3u;

        check(find(&map, item->key, hash) == (item->is_in ? item : NULL));
        if (item->is_in)
            map_remove(&map, &item->node);
        else
            map_put(&map, &item->node, hash);
        item->is_in = !item->is_in;
    }
    check_walk(&map, items, COUNT_OF(items));
    check(map.count == 0 || map.count <= map.mask + 1); /* Chains stay short. */
    map_fini(&map);
}
