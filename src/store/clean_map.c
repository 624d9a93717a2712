/* SPDX-License-Identifier: Apache-2.0 */
#include "store/clean_map.h"

#include "base/mem.h"

void clean_map_init(struct clean_map *map, size_t bytes_max, double load, uint64_t keys,
                    const uint8_t secret[static SIPHASH_KEY_SIZE])
{
    uint64_t slots = max_of(bytes_max / sizeof(struct clean_slot), (size_t)2);
    uint64_t wanted = max_of((uint64_t)((double)keys / load) + 2, (uint64_t)2);

    assert(load > 0 && load <= 1);
    *map = (struct clean_map){.slot_count = (size_t)min_of(slots, wanted)};
    map->slots = mem_new_array(map->slot_count, sizeof(*map->slots));
    map->count_max = max_of((size_t)((double)map->slot_count * load), (size_t)1);
    map->count_max = min_of(map->count_max, map->slot_count - 1); /* A search ends at a free one. */
    memcpy(map->secret, secret, sizeof(map->secret));
    clean_map_check(map);
}

void clean_map_fini(struct clean_map *map)
{
    map->slots = mem_free(map->slots);
    map->slot_count = map->count = 0;
}

static bool is_free(const struct clean_slot *slot)
{
    return slot->hash.words[0] == 0 && slot->hash.words[1] == 0;
}

/* The slot of a hash, or the free one where it belongs. */
static struct clean_slot *find(const struct clean_map *map, struct siphash hash)
{
    size_t at = (size_t)(hash.words[0] % map->slot_count);

    while (!is_free(&map->slots[at]) && (map->slots[at].hash.words[0] != hash.words[0] ||
                                         map->slots[at].hash.words[1] != hash.words[1]))
        at = at + 1 < map->slot_count ? at + 1 : 0;
    return &map->slots[at];
}

static struct siphash hash_of(const struct clean_map *map, struct slice key)
{
    struct siphash hash = siphash(map->secret, key);

    if (hash.words[0] == 0 && hash.words[1] == 0)
        hash.words[1] = 1; /* Zero is a free slot's. */
    return hash;
}

bool clean_map_put(struct clean_map *map, struct slice key, int64_t offset)
{
    struct siphash hash = hash_of(map, key);
    struct clean_slot *slot = find(map, hash);

    if (is_free(slot)) {
        if (map->count >= map->count_max)
            return false;
        map->count++;
        slot->hash = hash;
    }
    assert(offset >= slot->offset);
    slot->offset = offset;
    return true;
}

int64_t clean_map_get(const struct clean_map *map, struct slice key)
{
    const struct clean_slot *slot = map->slots ? find(map, hash_of(map, key)) : NULL;

    return !slot || is_free(slot) ? -1 : slot->offset;
}

void clean_map_check(const struct clean_map *map)
{
    assert(map->count <= map->count_max && map->count_max < map->slot_count);
}
