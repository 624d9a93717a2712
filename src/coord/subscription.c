/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/subscription.h"

#include "base/hash.h"
#include "base/mem.h"
#include "wire/bytes.h"

struct subscription_topic {
    struct map_node node;
    struct slice name; /* Owned. */
};

void subscription_init(struct subscription *subscription)
{
    *subscription = (struct subscription){.is_known = false};
    map_init(&subscription->topics);
}

void subscription_fini(struct subscription *subscription)
{
    struct map_node *node;

    while ((node = map_pop(&subscription->topics))) {
        struct subscription_topic *topic = container_of(node, struct subscription_topic, node);

        slice_drop(&topic->name);
        mem_free(topic);
    }
    map_fini(&subscription->topics);
    subscription->is_known = false;
}

bool subscription_has(const struct subscription *subscription, struct slice topic)
{
    struct map_node *n = map_find(&subscription->topics, hash_slice(topic, 0));

    for (; n; n = map_find_next(n))
        if (slice_equal(container_of(n, struct subscription_topic, node)->name, topic))
            return true;
    return false;
}

static void add_topic(struct subscription *subscription, struct slice name)
{
    struct subscription_topic *topic;

    if (subscription_has(subscription, name))
        return;
    topic = mem_new(sizeof(*topic));
    topic->name = slice_keep(name);
    map_put(&subscription->topics, &topic->node, hash_slice(name, 0));
}

/* Takes `size` bytes off the front. */
static bool take_bytes(struct slice *rest, size_t size, const uint8_t **out)
{
    if (rest->size < size)
        return false;
    *out = rest->data;
    *rest = slice_of(rest->data + size, rest->size - size);
    return true;
}

static bool take_name(struct slice *rest, struct slice *out)
{
    const uint8_t *at;
    int16_t size;

    if (!take_bytes(rest, sizeof(size), &at))
        return false;
    size = bytes_load_i16(at);
    if (size < 0 || !take_bytes(rest, (size_t)size, &at))
        return false;
    *out = slice_of(at, (size_t)size);
    return true;
}

/* i16 version; i32 count of topics, each an i16 length and a name; user data. */
int subscription_add(struct subscription *subscription, struct slice metadata)
{
    struct slice rest = metadata;
    const uint8_t *at;
    struct slice name;
    int32_t count;

    if (!take_bytes(&rest, sizeof(int16_t), &at) || bytes_load_i16(at) < 0 ||
        !take_bytes(&rest, sizeof(count), &at))
        return SUBSCRIPTION_E_MALFORMED;
    count = bytes_load_i32(at);
    if (count < 0)
        return SUBSCRIPTION_E_MALFORMED;
    for (int32_t i = 0; i < count; i++) {
        if (!take_name(&rest, &name))
            return SUBSCRIPTION_E_MALFORMED;
        add_topic(subscription, name);
    }
    return 0;
}
