/* SPDX-License-Identifier: Apache-2.0 */
#include "client/assignor.h"

#include "base/base.h"

#include <stdlib.h>
#include <string.h>

static int compare(struct slice a, struct slice b)
{
    size_t size = min_of(a.size, b.size);
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Static members come first, by their instance; the others by the id that they were given. */
static int by_member(const void *x, const void *y)
{
    const struct assignor_member *a = *(struct assignor_member *const *)x;
    const struct assignor_member *b = *(struct assignor_member *const *)y;
    bool a_is_static = !slice_is_null(a->instance);
    bool b_is_static = !slice_is_null(b->instance);

    if (a_is_static != b_is_static)
        return a_is_static ? -1 : 1;
    return a_is_static ? compare(a->instance, b->instance) : compare(a->id, b->id);
}

static bool reads(const struct assignor_member *member, struct slice topic)
{
    for (size_t i = 0; i < member->topic_count; i++)
        if (slice_equal(member->topics[i], topic))
            return true;
    return false;
}

static void share_range(const struct assignor_topic *topic, struct assignor_member **sorted,
                        size_t count)
{
    int32_t readers = 0;
    int32_t next = 0;
    int32_t seen = 0;

    for (size_t i = 0; i < count; i++)
        readers += reads(sorted[i], topic->name);
    for (size_t i = 0; i < count; i++) {
        struct assignor_member *m = sorted[i];
        int32_t size;

        if (!reads(m, topic->name))
            continue;
        size = topic->count / readers + (seen++ < topic->count % readers);
        if (size > 0)
            m->shares[m->share_count++] =
                (struct assignor_share){.topic = topic->name, .first = next, .count = size};
        next += size;
    }
}

static bool has_reader(const struct assignor_topic *topic, struct assignor_member **sorted,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (reads(sorted[i], topic->name))
            return true;
    return false;
}

/* `*turn` is whose turn it is. */
static void share_round(const struct assignor_topic *topic, struct assignor_member **sorted,
                        size_t count, size_t *turn)
{
    if (!has_reader(topic, sorted, count))
        return;
    for (int32_t i = 0; i < topic->count; i++) {
        struct assignor_member *m;

        while (!reads(sorted[*turn], topic->name))
            *turn = (*turn + 1) % count;
        m = sorted[*turn];
        m->shares[m->share_count++] =
            (struct assignor_share){.topic = topic->name, .first = i, .count = 1};
        *turn = (*turn + 1) % count;
    }
}

/* Of a range each topic has one share, of the round each partition may be one. */
static size_t shares_max(enum assignor assignor, const struct assignor_topic *topics, size_t count)
{
    size_t partitions = 0;

    for (size_t i = 0; i < count; i++)
        partitions += (size_t)topics[i].count;
    return assignor == ASSIGNOR_RANGE ? count : partitions;
}

void assignor_share(enum assignor assignor, struct arena *arena,
                    const struct assignor_topic *topics, size_t topic_count,
                    struct assignor_member *members, size_t member_count)
{
    struct assignor_member **sorted = arena_new(arena, (member_count + 1) * sizeof(*sorted));
    size_t max = shares_max(assignor, topics, topic_count);
    size_t turn = 0;

    for (size_t i = 0; i < member_count; i++) {
        sorted[i] = &members[i];
        members[i].shares = arena_new(arena, (max + 1) * sizeof(*members[i].shares));
        members[i].share_count = 0;
    }
    qsort(sorted, member_count, sizeof(struct assignor_member *), by_member);
    for (size_t i = 0; i < topic_count; i++) {
        if (assignor == ASSIGNOR_RANGE)
            share_range(&topics[i], sorted, member_count);
        else
            share_round(&topics[i], sorted, member_count, &turn);
    }
}

static const struct {
    const char *name, *class;
} names[ASSIGNOR_COUNT] = {
    [ASSIGNOR_RANGE] = {"range", "org.apache.kafka.clients.consumer.RangeAssignor"},
    [ASSIGNOR_ROUND_ROBIN] = {"roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor"},
};

const char *assignor_name(enum assignor assignor)
{
    return names[assignor].name;
}

enum assignor assignor_find(struct slice name)
{
    enum assignor found = ASSIGNOR_RANGE;

    while (found < ASSIGNOR_COUNT && !slice_is_text(name, names[found].name) &&
           !slice_is_text(name, names[found].class))
        found++;
    return found;
}
