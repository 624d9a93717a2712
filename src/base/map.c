/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/mem.h"

enum { CHAINS_MIN = 8 };

void map_fini(struct map *map)
{
    mem_free(map->chains);
    map_init(map);
}

static void grow(struct map *map)
{
    size_t chains = map->chains ? (map->mask + 1) * 2 : CHAINS_MIN;
    struct map_node **grown = mem_new_array(chains, sizeof(*grown));

    for (size_t i = 0; map->chains && i <= map->mask; i++) {
        while (map->chains[i]) {
            struct map_node *node = map->chains[i];

            map->chains[i] = node->next;
            node->next = grown[node->hash & (chains - 1)];
            grown[node->hash & (chains - 1)] = node;
        }
    }
    mem_free(map->chains);
    map->chains = grown;
    map->mask = chains - 1;
}

void map_put(struct map *map, struct map_node *node, uint64_t hash)
{
    if (!map->chains || map->count > map->mask)
        grow(map);
    node->hash = hash;
    node->next = map->chains[hash & map->mask];
    map->chains[hash & map->mask] = node;
    map->count++;
}

void map_remove(struct map *map, struct map_node *node)
{
    struct map_node **link;

    assert(map->chains);
    link = &map->chains[node->hash & map->mask];
    while (*link != node) {
        assert(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    map->count--;
}

struct map_node *map_find(const struct map *map, uint64_t hash)
{
    struct map_node *node;

    if (!map->chains)
        return NULL;
    node = map->chains[hash & map->mask];
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct map_node *map_find_next(const struct map_node *node)
{
    uint64_t hash = node->hash;

    do {
        node = node->next;
    } while (node && node->hash != hash);
    return (struct map_node *)(uintptr_t)node;
}

struct map_node *map_next(const struct map *map, const struct map_node *node)
{
    size_t i = 0;

    if (!map->chains)
        return NULL;
    if (node) {
        if (node->next)
            return node->next;
        i = (node->hash & map->mask) + 1;
    }
    for (; i <= map->mask; i++)
        if (map->chains[i])
            return map->chains[i];
    return NULL;
}

struct map_node *map_pop(struct map *map)
{
    struct map_node *node = map_next(map, NULL);

    if (node)
        map_remove(map, node);
    return node;
}
