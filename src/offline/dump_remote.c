/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_remote.c - records of __remote_log_metadata, as Kafka's classes print
 * themselves.
 *
 * In front of a message stands what is in front of metadata records too. */

#include "base/arena.h"
#include "offline/dump.h"
#include "wire/api.h"
#include "wire/codec.h"
#include "wire/msg/remote_log_segment_metadata_record.h"
#include "wire/msg/remote_log_segment_metadata_update_record.h"
#include "wire/msg/remote_partition_delete_metadata_record.h"
#include "wire/varint.h"

#include <inttypes.h>

static const char *const segment_states[] = {"COPY_SEGMENT_STARTED", "COPY_SEGMENT_FINISHED",
                                             "DELETE_SEGMENT_STARTED", "DELETE_SEGMENT_FINISHED"};
static const char *const delete_states[] = {"DELETE_PARTITION_MARKED", "DELETE_PARTITION_STARTED",
                                            "DELETE_PARTITION_FINISHED"};

static void add_segment_state(int8_t number, struct text *out)
{
    bool is_known = number >= 0 && (size_t)number < COUNT_OF(segment_states);

    text_printf(out, ", state=%s", is_known ? segment_states[number] : "null");
}

/* Id and name of a partition: CKlzM2hLTzOn7lNR0JTKKw:orders-0. */
static void add_partition(struct uuid id, struct slice name, int32_t partition, struct text *out)
{
    char text[UUID_TEXT_SIZE + 1];

    uuid_print(id, text);
    text_printf(out, "%s:", text);
    text_add(out, name.data, name.size);
    text_printf(out, "-%" PRId32, partition);
}

static void add_custom(struct slice custom, struct text *out)
{
    if (custom.data)
        text_printf(out, ", customMetadata=Optional[CustomMetadata{%zu bytes}]", custom.size);
    else
        text_printf(out, ", customMetadata=Optional.empty");
}

static void add_segment_id(const struct uuid *topic, struct slice name, int32_t partition,
                           struct uuid id, struct text *out)
{
    char text[UUID_TEXT_SIZE + 1];

    uuid_print(id, text);
    text_printf(out, "remoteLogSegmentId=RemoteLogSegmentId{topicIdPartition=");
    add_partition(*topic, name, partition, out);
    text_printf(out, ", id=%s}", text);
}

/* --- the records, one by one -------------------------------------------------- */

static void add_segment(const void *message, struct text *out)
{
    const struct remote_log_segment_metadata_record *m = message;
    const struct remote_log_segment_metadata_record_topic_id_partition_entry *partition =
        &m->remote_log_segment_id.topic_id_partition;

    text_printf(out, "RemoteLogSegmentMetadata{");
    add_segment_id(&partition->id, partition->name, partition->partition,
                   m->remote_log_segment_id.id, out);
    text_printf(out,
                ", startOffset=%" PRId64 ", endOffset=%" PRId64 ", brokerId=%" PRId32
                ", maxTimestampMs=%" PRId64 ", eventTimestampMs=%" PRId64 ", segmentLeaderEpochs={",
                m->start_offset, m->end_offset, m->broker_id, m->max_timestamp_ms,
                m->event_timestamp_ms);
    for (int32_t i = 0; i < m->segment_leader_epochs_count; i++)
        text_printf(out, "%s%" PRId32 "=%" PRId64, i ? ", " : "",
                    m->segment_leader_epochs[i].leader_epoch, m->segment_leader_epochs[i].offset);
    text_printf(out, "}, segmentSizeInBytes=%" PRId32, m->segment_size_in_bytes);
    add_custom(m->custom_metadata, out);
    add_segment_state(m->remote_log_segment_state, out);
    text_printf(out, ", txnIdxEmpty=%s}", m->txn_index_empty ? "true" : "false");
}

static void add_update(const void *message, struct text *out)
{
    const struct remote_log_segment_metadata_update_record *m = message;
    const struct remote_log_segment_metadata_update_record_topic_id_partition_entry *partition =
        &m->remote_log_segment_id.topic_id_partition;

    text_printf(out, "RemoteLogSegmentMetadataUpdate{");
    add_segment_id(&partition->id, partition->name, partition->partition,
                   m->remote_log_segment_id.id, out);
    add_custom(m->custom_metadata, out);
    add_segment_state(m->remote_log_segment_state, out);
    text_printf(out, ", eventTimestampMs=%" PRId64 ", brokerId=%" PRId32 "}", m->event_timestamp_ms,
                m->broker_id);
}

static void add_deletion(const void *message, struct text *out)
{
    const struct remote_partition_delete_metadata_record *m = message;
    int8_t number = m->remote_partition_delete_state;
    bool is_known = number >= 0 && (size_t)number < COUNT_OF(delete_states);

    text_printf(out, "RemotePartitionDeleteMetadata{topicPartition=");
    add_partition(m->topic_id_partition.id, m->topic_id_partition.name,
                  m->topic_id_partition.partition, out);
    text_printf(out, ", state=%s, eventTimestampMs=%" PRId64 ", brokerId=%" PRId32 "}",
                is_known ? delete_states[number] : "null", m->event_timestamp_ms, m->broker_id);
}

/* --- any of them -------------------------------------------------------------- */

typedef void add_fn(const void *message, struct text *out);

static add_fn *add_of(int16_t type)
{
    switch (type) {
    case REMOTE_RECORD_REMOTE_LOG_SEGMENT_METADATA_RECORD: return add_segment;
    case REMOTE_RECORD_REMOTE_LOG_SEGMENT_METADATA_UPDATE_RECORD: return add_update;
    case REMOTE_RECORD_REMOTE_PARTITION_DELETE_METADATA_RECORD: return add_deletion;
    default: return NULL;
    }
}

static bool add(int16_t type, int16_t version, struct slice bytes, struct text *out)
{
    add_fn *fn = add_of(type);
    const struct wire_record_type *record;
    struct arena arena;
    size_t used;
    void *message;
    int r;

    if (!fn || version != 0)
        return false;
    record = wire_record_find(WIRE_LOG_REMOTE, type);
    arena_init(&arena, NULL);
    message = arena_new(&arena, record->value->struct_size);
    r = codec_decode(record->value, 0, bytes, &arena, message, &used);
    if (r == 0)
        fn(message, out);
    arena_reset(&arena);
    return r == 0;
}

void dump_remote_add(struct slice bytes, int64_t offset, struct text *out)
{
    struct text why = {.data = NULL};
    int16_t type;
    int16_t version;

    if (!bytes.data)
        text_printf(&why, "It has no value");
    else if (dump_take_frame(&bytes, &type, &version, &why) && !add(type, version, bytes, out))
        text_printf(&why, "Failed to deserialize record with type %d", type);
    if (why.size > 0)
        text_printf(out, "Error at offset %" PRId64 ", skipping. %s", offset, why.data);
    text_fini(&why);
}
