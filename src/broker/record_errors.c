/* SPDX-License-Identifier: Apache-2.0 */

/* broker/record_errors.c - the sentences are Kafka's, since people look for them. */

#include "broker/record_errors.h"

#include "wire/bytes.h"
#include "wire/errors.h"

#include <inttypes.h>

enum {
    SHOWN_MAX = 3,     /* Records that the sentence about all of them names. */
    OVERHEAD_MIN = 14, /* What a message of any format takes behind its length. */
    LENGTH_AT = 8,     /* Where a batch has its length, */
    MAGIC_AT = 16,     /* and its format. */
};

struct hearing {
    struct batch_faults faults;
    const struct refused_batch *batch;
    struct arena *arena;
    struct produce_batch_index_and_error_message *told; /* Arena. */
    size_t told_count, told_room;
    size_t count, max;  /* Of records at fault: there are, and may be told of. */
    const char *no_key; /* Arena: the sentence, which is the same for each. */
    bool has_bad_time;
    bool is_compressed;
};

static const char *say_no_key(struct hearing *hearing)
{
    const struct refused_batch *batch = hearing->batch;

    if (!hearing->no_key)
        hearing->no_key = arena_printf(
            hearing->arena,
            "Compacted topic cannot accept message without key in topic partition %.*s-%" PRId32,
            SLICE_ARG(batch->topic), batch->partition);
    return hearing->no_key;
}

/* The bounds as Kafka reckons them, which wraps around. */
static const char *say_time(struct hearing *hearing, const struct batch_fault *fault)
{
    const struct batch_rules *rules = hearing->batch->rules;
    uint64_t now = (uint64_t)rules->now_ms;

    return arena_printf(hearing->arena,
                        "Timestamp %" PRId64 " of message with offset %" PRId32
                        " is out of range. The timestamp should be within [%" PRId64 ", %" PRId64
                        "]",
                        fault->time_ms, fault->offset_delta,
                        (int64_t)(now - (uint64_t)rules->timestamp_before_max_ms),
                        (int64_t)(now + (uint64_t)rules->timestamp_after_max_ms));
}

/* Kafka reads a compressed record in part, and says 0 for null of others. */
static const char *say_append_time(struct hearing *hearing, const struct batch_fault *fault)
{
    int32_t least = hearing->is_compressed ? -1 : 0;

    return arena_printf(hearing->arena,
                        "Invalid timestamp type in message %s(offset=%" PRId32
                        ", timestamp=%" PRId64 ", key=%" PRId32 " bytes, value=%" PRId32
                        " bytes). Producer should not set timestamp type to LogAppendTime.",
                        hearing->is_compressed ? "PartialDefaultRecord" : "DefaultRecord",
                        fault->offset_delta, fault->time_ms, max_of(fault->key_size, least),
                        max_of(fault->value_size, least));
}

static const char *say(struct hearing *hearing, const struct batch_fault *fault)
{
    switch ((enum batch_fault_kind)fault->kind) {
    case BATCH_FAULT_NO_KEY: return say_no_key(hearing);
    case BATCH_FAULT_TIME: return say_time(hearing, fault);
    case BATCH_FAULT_APPEND_TIME: return say_append_time(hearing, fault);
    }
    return "";
}

static void hear(struct batch_faults *faults, const struct batch_fault *fault)
{
    struct hearing *hearing = container_of(faults, struct hearing, faults);

    hearing->count++;
    hearing->has_bad_time |= fault->kind != BATCH_FAULT_NO_KEY;
    if (hearing->told_count >= hearing->max)
        return;
    hearing->told = arena_grow(hearing->arena, hearing->told, hearing->told_count,
                               &hearing->told_room, sizeof(*hearing->told));
    hearing->told[hearing->told_count++] = (struct produce_batch_index_and_error_message){
        .batch_index = fault->index,
        .batch_index_error_message = slice_text(say(hearing, fault)),
    };
}

static const char *say_of_all(const struct hearing *hearing)
{
    const char *shown = "";

    if (hearing->has_bad_time)
        return "One or more records have been rejected due to invalid timestamp";
    for (size_t i = 0; i < min_of(hearing->told_count, (size_t)SHOWN_MAX); i++)
        shown =
            arena_printf(hearing->arena, "%s%sRecordError(batchIndex=%" PRId32 ", message='%.*s')",
                         shown, i ? ", " : "", hearing->told[i].batch_index,
                         SLICE_ARG(hearing->told[i].batch_index_error_message));
    return arena_printf(hearing->arena,
                        "One or more records have been rejected due to %zu record errors in "
                        "total, and only showing the first three errors at most: [%s]",
                        hearing->count, shown);
}

static void tell_of_records(const struct refused_batch *batch, struct arena *arena, size_t *room,
                            struct produce_partition_produce_response *result)
{
    struct batch_header header;
    struct hearing hearing = {
        .faults = {.tell = hear}, .batch = batch, .arena = arena, .max = *room};

    if (batch_parse(batch->bytes, &header))
        return;
    hearing.is_compressed = batch_codec(&header) != COMPRESS_NONE;
    if (batch_find_faults(batch->bytes, batch->rules, &hearing.faults)) {
        result->error_code = ERROR_INVALID_RECORD; /* Whatever a record before said. */
        return;
    }
    if (hearing.count == 0)
        return;
    *room -= hearing.told_count;
    result->record_errors = hearing.told;
    result->record_errors_count = (int32_t)hearing.told_count;
    result->error_message = slice_text(say_of_all(&hearing));
    result->error_code = hearing.has_bad_time ? ERROR_INVALID_TIMESTAMP : ERROR_INVALID_RECORD;
}

/* What has the prefix of no batch. */
static void tell_of_prefix(const struct refused_batch *batch, struct arena *arena,
                           struct produce_partition_produce_response *result)
{
    const uint8_t *bytes = batch->bytes.data;
    int32_t length = bytes_load_i32(bytes + LENGTH_AT);
    int magic = (int8_t)bytes[MAGIC_AT];

    if (length < OVERHEAD_MIN)
        result->error_message = slice_text(arena_printf(
            arena, "Record size %" PRId32 " is less than the minimum record overhead (%d)", length,
            OVERHEAD_MIN));
    else if (magic < 0 || magic > BATCH_MAGIC)
        result->error_message =
            slice_text(arena_printf(arena, "Invalid magic found in record: %d", magic));
}

void record_errors_tell(const struct refused_batch *batch, struct arena *arena, size_t *room,
                        struct produce_partition_produce_response *result)
{
    if (batch->outcome == BATCH_E_RECORD || batch->outcome == BATCH_E_TIMESTAMP)
        tell_of_records(batch, arena, room, result);
    else if (batch->outcome == BATCH_E_MALFORMED && batch->bytes.size > MAGIC_AT)
        tell_of_prefix(batch, arena, result);
}
