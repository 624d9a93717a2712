/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/records.h"

#include "wire/bytes.h"
#include "wire/codec.h"
#include "wire/msg/group_metadata_record.h"
#include "wire/msg/offset_commit_record.h"

/* Types of keys. */
enum {
    TYPE_OFFSET_OF_OLD = 0,
    TYPE_OFFSET = 1,
    TYPE_GROUP = 2,
    TYPE_CONSUMER_GROUP = 3,
    TYPE_SHARE_GROUP = 11,
    TYPE_STREAMS_GROUP = 17,
    TYPE_LAST = 23,
};

enum { KEY_VERSION = 0, OFFSET_VERSION = 4, OFFSET_VERSION_EXPIRING = 1, GROUP_VERSION = 3 };
enum { PREFIX = 2 };

/* --- reading ---------------------------------------------------------------- */

static int take_i16(struct slice *rest, int16_t *out)
{
    if (rest->size < PREFIX)
        return RECORDS_E_MALFORMED;
    *out = bytes_load_i16(rest->data);
    *rest = slice_of(rest->data + PREFIX, rest->size - PREFIX);
    return 0;
}

static int read_offset_key(struct slice fields, struct records_key *out)
{
    struct offset_commit_key key;

    if (codec_decode_all(&offset_commit_key_message, KEY_VERSION, fields, NULL, &key))
        return RECORDS_E_MALFORMED;
    *out = (struct records_key){RECORDS_OFFSET, key.group, key.topic, key.partition};
    return 0;
}

/* All keys of groups begin with the group's id. */
static int read_group_key(enum records_kind kind, struct slice fields, struct records_key *out)
{
    struct group_metadata_key key;
    size_t used;

    if (codec_decode(&group_metadata_key_message, KEY_VERSION, fields, NULL, &key, &used))
        return RECORDS_E_MALFORMED;
    *out = (struct records_key){.kind = kind, .group = key.group};
    return 0;
}

int records_read_key(struct slice key, struct records_key *out)
{
    int16_t type = 0;
    int r = take_i16(&key, &type);

    if (r)
        return r;
    switch (type) {
    case TYPE_OFFSET_OF_OLD:
    case TYPE_OFFSET: return read_offset_key(key, out);
    case TYPE_GROUP: return read_group_key(RECORDS_GROUP, key, out);
    case TYPE_CONSUMER_GROUP:
    case TYPE_SHARE_GROUP:
    case TYPE_STREAMS_GROUP: return read_group_key(RECORDS_FOREIGN_GROUP, key, out);
    default: break;
    }
    if (type > TYPE_LAST || type < 0) {
        *out = (struct records_key){.kind = RECORDS_UNKNOWN};
        return 0;
    }
    return read_group_key(RECORDS_FOREIGN, key, out);
}

static int decode_value(const struct wire_message *message, struct slice value, struct arena *arena,
                        void *out)
{
    int16_t version = 0;
    size_t used;
    int r = take_i16(&value, &version);

    if (r)
        return r;
    if (version < message->min || version > message->max)
        return RECORDS_E_VERSION;
    return codec_decode(message, version, value, arena, out, &used) ? RECORDS_E_MALFORMED : 0;
}

int records_read_offset(struct slice value, struct committed *out)
{
    struct offset_commit_value fields;
    int r = decode_value(&offset_commit_value_message, value, NULL, &fields);

    if (r)
        return r;
    *out = (struct committed){
        .offset = fields.offset,
        .leader_epoch = fields.leader_epoch,
        .metadata = fields.metadata,
        .commit_ms = fields.commit_timestamp,
        .expire_ms = fields.expire_timestamp,
        .topic_id = fields.topic_id,
    };
    return 0;
}

int records_read_group(struct slice value, struct arena *arena, struct group_metadata_value *out)
{
    return decode_value(&group_metadata_value_message, value, arena, out);
}

/* --- writing ---------------------------------------------------------------- */

static struct slice encode(const struct wire_message *message, int16_t version, int16_t prefix,
                           const void *fields, struct arena *arena)
{
    struct codec_output output;
    int r = codec_encode_behind(message, version, fields, PREFIX, arena, &output);

    assert(r == 0); /* We made the fields, for this version. */
    bytes_store_i16(output.data, prefix);
    return slice_of(output.data, output.size);
}

struct records_pair records_of_offset(struct arena *arena, struct slice group, struct slice topic,
                                      int32_t partition, const struct committed *value)
{
    struct offset_commit_key key = {.group = group, .topic = topic, .partition = partition};
    struct records_pair pair = {.value = slice_null()};
    struct offset_commit_value fields;
    int16_t version;

    pair.key = encode(&offset_commit_key_message, KEY_VERSION, TYPE_OFFSET, &key, arena);
    if (!value)
        return pair;
    codec_defaults(&offset_commit_value_message, &fields);
    fields.offset = value->offset;
    fields.leader_epoch = value->leader_epoch;
    fields.metadata = slice_is_null(value->metadata) ? slice_empty() : value->metadata;
    fields.commit_timestamp = value->commit_ms;
    fields.expire_timestamp = value->expire_ms;
    fields.topic_id = value->topic_id;
    version = value->expire_ms == -1 ? OFFSET_VERSION : OFFSET_VERSION_EXPIRING;
    pair.value = encode(&offset_commit_value_message, version, version, &fields, arena);
    return pair;
}

static struct slice not_null(struct slice s)
{
    return slice_is_null(s) ? slice_empty() : s;
}

static void fill_member(const struct group *group, const struct member *m,
                        struct group_metadata_member_metadata *out)
{
    bool is_new = group->assignment_store != 0;

    *out = (struct group_metadata_member_metadata){
        .member_id = m->id,
        .group_instance_id = m->instance_id,
        .client_id = not_null(m->client_id),
        .client_host = not_null(m->client_host),
        .rebalance_timeout = m->rebalance_timeout_ms,
        .session_timeout = m->session_timeout_ms,
        .subscription = not_null(member_metadata(m, group->protocol)),
        .assignment = not_null(is_new ? m->next_assignment : m->assignment),
    };
}

struct records_pair records_of_group(struct arena *arena, struct slice id,
                                     const struct group *group)
{
    struct group_metadata_key key = {.group = id};
    struct records_pair pair = {.value = slice_null()};
    struct group_metadata_value fields;
    int32_t i = 0;

    pair.key = encode(&group_metadata_key_message, KEY_VERSION, TYPE_GROUP, &key, arena);
    if (!group)
        return pair;
    codec_defaults(&group_metadata_value_message, &fields);
    fields.protocol_type = not_null(group->protocol_type);
    fields.generation = group->generation;
    fields.protocol = group->protocol;
    fields.leader = group->leader ? group->leader->id : slice_null();
    fields.current_state_timestamp = group->state_ms;
    fields.members = arena_new(arena, (group->member_count + 1) * sizeof(*fields.members));
    fields.members_count = (int32_t)group->member_count;
    list_each (node, &group->members)
        fill_member(group, container_of(node, struct member, node), &fields.members[i++]);
    pair.value =
        encode(&group_metadata_value_message, GROUP_VERSION, GROUP_VERSION, &fields, arena);
    return pair;
}
