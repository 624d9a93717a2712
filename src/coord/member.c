/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/member.h"

#include "base/mem.h"

struct member *member_create(struct slice id, struct slice instance_id)
{
    struct member *member = mem_new(sizeof(*member));

    member->id = slice_keep(id);
    member->instance_id = slice_keep(instance_id);
    member->deadline_ms = MEMBER_NEVER;
    return member;
}

void member_destroy(struct member *member)
{
    assert(!list_node_is_linked(&member->node));
    assert(!member->join && !member->sync);
    slice_drop(&member->id);
    slice_drop(&member->instance_id);
    slice_drop(&member->client_id);
    slice_drop(&member->client_host);
    slice_drop(&member->assignment);
    slice_drop(&member->next_assignment);
    slice_drop(&member->former_id);
    mem_free(member->protocols);
    mem_free(member->protocol_bytes);
    mem_free(member);
}

static struct slice put_bytes(uint8_t **at, struct slice s)
{
    struct slice copy = slice_of(*at, s.size);

    if (s.size > 0)
        memcpy(*at, s.data, s.size);
    *at += s.size;
    return copy;
}

void member_set_protocols(struct member *member, const struct protocol *protocols, size_t count)
{
    struct protocol *copies = mem_new_array(max_of(count, (size_t)1), sizeof(*copies));
    uint8_t *bytes;
    size_t size = 1;

    for (size_t i = 0; i < count; i++)
        size += protocols[i].name.size + protocols[i].metadata.size;
    bytes = mem_new(size);
    mem_free(member->protocols);
    mem_free(member->protocol_bytes);
    member->protocols = copies;
    member->protocol_count = count;
    member->protocol_bytes = bytes;
    for (size_t i = 0; i < count; i++) {
        copies[i].name = put_bytes(&bytes, protocols[i].name);
        copies[i].metadata = put_bytes(&bytes, protocols[i].metadata);
    }
}

/* Null and empty metadata are one here: on the wire it cannot be null. */
static bool is_same(const struct protocol *a, const struct protocol *b)
{
    return slice_equal(a->name, b->name) && a->metadata.size == b->metadata.size &&
           (a->metadata.size == 0 ||
            memcmp(a->metadata.data, b->metadata.data, a->metadata.size) == 0);
}

bool member_has_protocols(const struct member *member, const struct protocol *protocols,
                          size_t count)
{
    if (member->protocol_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_same(&member->protocols[i], &protocols[i]))
            return false;
    return true;
}

struct slice member_metadata(const struct member *member, struct slice protocol)
{
    for (size_t i = 0; i < member->protocol_count; i++)
        if (slice_equal(member->protocols[i].name, protocol))
            return member->protocols[i].metadata;
    return slice_null();
}
