/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"
#include "test/harness/check.h"

TEST(heap, the_smallest_key_is_first)
{
    struct heap heap;
    struct heap_node nodes[5] = {{.linked = false}};
    const int64_t keys[] = {30, 10, 50, 20, 40};

    heap_init(&heap);
    check(!heap_first(&heap));
    for (size_t i = 0; i < COUNT_OF(nodes); i++)
        heap_put(&heap, &nodes[i], keys[i]);
    check_eq(heap.count, 5);
    for (int64_t key = 10; key <= 50; key += 10) {
        struct heap_node *first = heap_first(&heap);

        check_eq(first->key, key);
        heap_remove(&heap, first);
        check(!first->linked);
    }
    check(!heap_first(&heap));
    check_eq(heap.count, 0);
}

TEST(heap, equal_keys_come_out_as_they_were_put_in)
{
    struct heap heap;
    struct heap_node nodes[20] = {{.linked = false}};

    heap_init(&heap);
    for (size_t i = 0; i < COUNT_OF(nodes); i++)
        heap_put(&heap, &nodes[i], 7);
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        check(heap_first(&heap) == &nodes[i]);
        heap_remove(&heap, &nodes[i]);
    }
}

TEST(heap, a_node_is_in_the_heap_at_most_once)
{
    struct heap heap;
    struct heap_node node = {.linked = false};

    heap_init(&heap);
    heap_remove(&heap, &node); /* Not in it: left alone. */
    heap_put(&heap, &node, 1);
    check_bug(heap_put(&heap, &node, 2));
}

/* Against a plain search: any order of puts and removals, keys often equal. */
PROPERTY(heap, it_agrees_with_a_search, 300)
{
    struct heap heap;
    struct heap_node nodes[40] = {{.linked = false}};

    heap_init(&heap);
    for (int step = 0; step < 300; step++) {
        struct heap_node *node = &nodes[rng_below(rng, COUNT_OF(nodes))];
        const struct heap_node *best = NULL;
        size_t count = 0;

        if (node->linked)
            heap_remove(&heap, rng_chance(rng, 50) ? node : heap_first(&heap));
        else
            heap_put(&heap, node, rng_between(rng, -5, 5));
        for (size_t i = 0; i < COUNT_OF(nodes); i++) {
            const struct heap_node *n = &nodes[i];

            if (!n->linked)
                continue;
            count++;
            if (!best || n->key < best->key || (n->key == best->key && n->order < best->order))
                best = n;
        }
        check(heap_first(&heap) == best);
        check_eq(heap.count, count);
    }
}
