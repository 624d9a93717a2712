/* SPDX-License-Identifier: Apache-2.0 */
#include "client/partitioner.h"

enum { MURMUR_SHIFT = 24 };

static const uint32_t murmur_seed = 0x9747b28cu;
static const uint32_t murmur_factor = 0x5bd1e995u;

uint32_t partitioner_murmur2(struct slice key)
{
    const uint8_t *p = key.data;
    size_t left = key.size;
    uint32_t h = murmur_seed ^ (uint32_t)key.size;

    for (; left >= 4; left -= 4, p += 4) {
        uint32_t k =
            (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

        k *= murmur_factor;
        k ^= k >> MURMUR_SHIFT;
        k *= murmur_factor;
        h = (h * murmur_factor) ^ k;
    }
    if (left > 0) {
        for (size_t i = 0; i < left; i++)
            h ^= (uint32_t)p[i] << (8 * i);
        h *= murmur_factor;
    }
    h ^= h >> 13;
    h *= murmur_factor;
    return h ^ (h >> 15);
}

int32_t partitioner_of_key(struct slice key, int32_t partition_count)
{
    assert(partition_count > 0);
    return (int32_t)(partitioner_murmur2(key) & INT32_MAX) % partition_count;
}

/* Any partition that has a leader; any at all if none has. */
static int32_t choose(const struct cluster_topic *topic, struct rng *rng)
{
    uint64_t led = 0;
    uint64_t nth;

    for (int32_t i = 0; i < topic->count; i++)
        led += topic->partitions[i].leader >= 0;
    if (led == 0)
        return (int32_t)rng_below(rng, (uint64_t)topic->count);
    nth = rng_below(rng, led);
    for (int32_t i = 0; i < topic->count; i++)
        if (topic->partitions[i].leader >= 0 && nth-- == 0)
            return i;
    return 0;
}

int32_t partitioner_of_any(struct partitioner_sticky *sticky, const struct cluster_topic *topic,
                           size_t size, size_t switch_bytes, struct rng *rng)
{
    assert(topic->count > 0);
    if (sticky->partition < 0 || sticky->partition >= topic->count ||
        sticky->bytes >= switch_bytes) {
        sticky->partition = choose(topic, rng);
        sticky->bytes = 0;
    }
    sticky->bytes += size;
    return sticky->partition;
}
