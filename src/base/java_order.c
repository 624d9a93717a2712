/* SPDX-License-Identifier: Apache-2.0 */
#include "base/java_order.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CAPACITY_DEFAULT = 16 };

/* The code point at the start of `*text`, which moves on; what is not UTF-8 counts as it is. */
static uint32_t next_point(struct slice *text)
{
    const uint8_t *p = text->data;
    size_t size = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t point = p[0];

    if (size > text->size)
        size = 1;
    if (size > 1)
        point &= 0x7fu >> size;
    for (size_t i = 1; i < size; i++)
        point = point << 6 | (p[i] & 0x3fu);
    *text = slice_of(p + size, text->size - size);
    return point;
}

int32_t java_order_hash(struct slice text)
{
    uint32_t h = 0;

    while (text.size > 0) {
        uint32_t point = next_point(&text);

        if (point >= 0x10000) {
            h = h * 31 + (0xd800u + ((point - 0x10000) >> 10));
            point = 0xdc00u + ((point - 0x10000) & 0x3ffu);
        }
        h = h * 31 + point;
    }
    return (int32_t)h;
}

/* How many buckets the map has in the end: a power of two that is filled to 3/4 at most. */
static size_t bucket_count(size_t count, size_t capacity)
{
    size_t buckets = 1;

    while (buckets < (capacity ? capacity : CAPACITY_DEFAULT))
        buckets *= 2;
    while (count * 4 > buckets * 3)
        buckets *= 2;
    return buckets;
}

struct place {
    size_t bucket, index;
};

/* A growing map keeps the order of addition within a bucket. */
static int by_place(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

int32_t java_order_hash_partition(struct slice topic, int32_t partition)
{
    return (int32_t)((31 + (uint32_t)partition) * 31 + (uint32_t)java_order_hash(topic));
}

void java_order_sort_hashes(const int32_t *hashes, size_t count, size_t capacity, size_t *out)
{
    size_t buckets = bucket_count(count, capacity);
    struct place *places = mem_new_array(count, sizeof(*places));

    for (size_t i = 0; i < count; i++) {
        uint32_t h = (uint32_t)hashes[i];

        places[i] = (struct place){.bucket = (h ^ (h >> 16)) & (buckets - 1), .index = i};
    }
    qsort(places, count, sizeof(*places), by_place);
    for (size_t i = 0; i < count; i++)
        out[i] = places[i].index;
    mem_free(places);
}

void java_order_sort(const struct slice *keys, size_t count, size_t capacity, size_t *out)
{
    int32_t *hashes = mem_new_array(count, sizeof(*hashes));

    for (size_t i = 0; i < count; i++)
        hashes[i] = java_order_hash(keys[i]);
    java_order_sort_hashes(hashes, count, capacity, out);
    mem_free(hashes);
}
