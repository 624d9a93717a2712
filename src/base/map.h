/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/map.h - an intrusive hash table.
 *
 * Elements carry a `struct map_node` with their hash; the table is an array of
 * chains that doubles when it holds as many elements as chains.  Keys are compared
 * by the caller, who walks the chain of a hash:
 *
 *     for (struct map_node *n = map_find(&map, hash); n; n = map_find_next(n)) {
 *         struct topic *t = container_of(n, struct topic, by_name);
 *         if (slice_equal(t->name, name))
 *             return t;
 *     }
 *
 * Threading: a map belongs to whoever owns what is in it.
 */

#include "base/base.h"

struct map_node {
    struct map_node *next; /* In the same chain. */
    uint64_t hash;
};

struct map {
    struct map_node **chains; /* Owned; `mask` + 1 of them, or NULL while empty. */
    size_t mask;
    size_t count; /* Elements. */
};

static inline void map_init(struct map *map)
{
    *map = (struct map){.chains = NULL};
}

/* Frees the table; the elements are the caller's business. */
void map_fini(struct map *map);

/* Adds an element that is not in the map. */
void map_put(struct map *map, struct map_node *node, uint64_t hash);

/* Takes out an element that is in the map. */
void map_remove(struct map *map, struct map_node *node);

/* The first element with this hash, or NULL. */
struct map_node *map_find(const struct map *map, uint64_t hash);

/* The next element with the same hash, or NULL. */
struct map_node *map_find_next(const struct map_node *node);

/* Walks all elements in no order: NULL begins and ends.  The element returned may
 * be removed before the next call only with map_pop(). */
struct map_node *map_next(const struct map *map, const struct map_node *node);

/* Takes out any element, or returns NULL when the map is empty. */
struct map_node *map_pop(struct map *map);

#define map_each(node, map)                                                                        \
    for (struct map_node *node = map_next((map), NULL); node; node = map_next((map), node))
