/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/repeats.h"

#include "base/hash.h"
#include "base/map.h"

struct entry {
    struct map_node node;
    struct slice key;
    struct repeat *repeat;
};

static struct entry *find(const struct map *map, uint64_t hash, struct slice key)
{
    for (struct map_node *n = map_find(map, hash); n; n = map_find_next(n)) {
        struct entry *entry = container_of(n, struct entry, node);

        if (slice_equal(entry->key, key))
            return entry;
    }
    return NULL;
}

const struct repeat *repeats_find(struct request *request, const struct slice *keys, size_t count)
{
    struct repeat *repeats = request_new(request, (count + 1) * sizeof(*repeats));
    struct entry *entries = request_new(request, (count + 1) * sizeof(*entries));
    struct map map;

    map_init(&map);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = hash_slice(keys[i], (uintptr_t)request);
        struct entry *first = slice_is_null(keys[i]) ? NULL : find(&map, hash, keys[i]);

        repeats[i] = (struct repeat){.is_first = !first, .is_alone = !first};
        entries[i] = (struct entry){.key = keys[i], .repeat = &repeats[i]};
        if (first)
            first->repeat->is_alone = false;
        else if (!slice_is_null(keys[i]))
            map_put(&map, &entries[i].node, hash);
    }
    map_fini(&map);
    return repeats;
}
