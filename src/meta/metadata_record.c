/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/metadata_record.h"

#include "wire/codec.h"
#include "wire/msg/abort_transaction_record.h"
#include "wire/msg/access_control_entry_record.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/broker_registration_change_record.h"
#include "wire/msg/clear_elr_record.h"
#include "wire/msg/client_quota_record.h"
#include "wire/msg/config_record.h"
#include "wire/msg/delegation_token_record.h"
#include "wire/msg/end_transaction_record.h"
#include "wire/msg/feature_level_record.h"
#include "wire/msg/fence_broker_record.h"
#include "wire/msg/no_op_record.h"
#include "wire/msg/partition_change_record.h"
#include "wire/msg/partition_record.h"
#include "wire/msg/producer_ids_record.h"
#include "wire/msg/register_broker_record.h"
#include "wire/msg/register_controller_record.h"
#include "wire/msg/remove_access_control_entry_record.h"
#include "wire/msg/remove_delegation_token_record.h"
#include "wire/msg/remove_topic_record.h"
#include "wire/msg/remove_user_scram_credential_record.h"
#include "wire/msg/topic_record.h"
#include "wire/msg/unfence_broker_record.h"
#include "wire/msg/unregister_broker_record.h"
#include "wire/msg/unregister_controller_record.h"
#include "wire/msg/user_scram_credential_record.h"
#include "wire/msg/zk_migration_state_record.h"
#include "wire/varint.h"

enum { FRAME_VERSION = 1, NEVER = INT16_MAX, VERSIONS_MAX = 4 };

struct type_row {
    int number;
    enum metadata_fate fate;
    const struct wire_message *message;
};

#define APPLIED METADATA_APPLIED
#define KEPT METADATA_KEPT
#define REMOVES METADATA_REMOVES
#define PASSED METADATA_PASSED
static const struct type_row rows[] = {
#define METADATA_RECORD(id, number_, message_, fate_)                                              \
    {.number = (number_), .fate = (fate_), .message = &message_##_message},
#include "meta/records.def"
};

static const struct type_row *find(uint64_t number)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if ((uint64_t)rows[i].number == number)
            return &rows[i];
    return NULL;
}

int metadata_record_parse(struct slice bytes, struct metadata_record *out, int *out_number)
{
    uint64_t numbers[3]; /* Frame version, type, version. */
    const struct type_row *row;
    size_t at = 0;

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        size_t used;

        if (varint_decode_u64(bytes.data + at, bytes.size - at, &numbers[i], &used))
            return METADATA_RECORD_E_MALFORMED;
        at += used;
    }
    row = find(numbers[1]);
    *out_number = numbers[1] <= INT16_MAX ? (int)numbers[1] : -1;
    if (numbers[0] != FRAME_VERSION || !row || numbers[2] > (uint64_t)row->message->max)
        return METADATA_RECORD_E_UNKNOWN;
    *out = (struct metadata_record){
        .type = (enum metadata_type)row->number,
        .fate = row->fate,
        .version = (int16_t)numbers[2],
        .message = row->message,
        .body = slice_of(bytes.data + at, bytes.size - at),
    };
    return 0;
}

const char *metadata_record_name(int number)
{
    const struct type_row *row = number < 0 ? NULL : find((uint64_t)number);

    return row ? row->message->name : NULL;
}

/* The metadata.version from which on versions 1, 2, ... of a type are written. */
static const struct {
    enum metadata_type type;
    int16_t from[VERSIONS_MAX];
} steps[] = {
    {METADATA_REGISTER_BROKER, {7, 8, 17, 30}},
    {METADATA_REGISTRATION_CHANGE, {7, 17, 30, NEVER}},
    {METADATA_PARTITION, {17, NEVER, NEVER, NEVER}},
    {METADATA_PARTITION_CHANGE, {17, NEVER, NEVER, NEVER}},
};

int16_t metadata_record_version(enum metadata_type type, const int16_t levels[FEATURE_COUNT])
{
    bool is_partition = type == METADATA_PARTITION || type == METADATA_PARTITION_CHANGE;
    int16_t version = 0;

    if (is_partition && levels[FEATURE_ELIGIBLE_LEADER_REPLICAS] > 0)
        return 2;
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        while (steps[i].type == type && version < VERSIONS_MAX &&
               levels[FEATURE_METADATA] >= steps[i].from[version])
            version++;
    return version;
}

struct slice metadata_record_encode(struct arena *arena, enum metadata_type type,
                                    const int16_t levels[FEATURE_COUNT], const void *fields)
{
    const struct type_row *row = find((uint64_t)type);
    int16_t version = metadata_record_version(type, levels);
    struct codec_output out;
    size_t at;
    int r;

    assert(row);
    r = codec_encode_behind(row->message, version, fields, 3, arena, &out);
    if (r) {
        version = row->message->max;
        r = codec_encode_behind(row->message, version, fields, 3, arena, &out);
    }
    assert(r == 0); /* Made from what was read, or by us. */
    at = varint_encode(FRAME_VERSION, out.data);
    at += varint_encode((uint64_t)type, out.data + at);
    at += varint_encode((uint64_t)version, out.data + at);
    assert(at == 3);
    return slice_of(out.data, out.size);
}
