/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/java_order.h"

#include "base/mem.h"

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

void java_order_sort(const struct slice *keys, size_t count, size_t capacity, size_t *out)
{
    size_t buckets = bucket_count(count, capacity);
    size_t *bucket_of = mem_new_array(count, sizeof(*bucket_of));
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t h = (uint32_t)java_order_hash(keys[i]);

        bucket_of[i] = (h ^ (h >> 16)) & (buckets - 1);
    }
    /* A growing map keeps the order of addition within a bucket. */
    for (size_t i = 0; i < count; i++) {
        size_t at = done++;

        for (; at > 0 && bucket_of[out[at - 1]] > bucket_of[i]; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    mem_free(bucket_of);
}
