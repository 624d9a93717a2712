/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_records.c - records of internal topics as JSON, in the form of Kafka's tool:
 *
 *     key: {"type":"1","data":{...}} payload: {"version":"3","data":{...}}      coordinators
 *     payload: {"type":"TOPIC_RECORD","version":0,"data":{...}}                 metadata
 *
 * What cannot be read is said in place of the key, and does not end the dump.
 */

#include "base/arena.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "offline/dump.h"
#include "wire/api.h"
#include "wire/bytes.h"
#include "wire/codec_json.h"
#include "wire/msg/consumer_protocol_assignment.h"
#include "wire/msg/consumer_protocol_subscription.h"
#include "wire/varint.h"

#include <inttypes.h>

enum { FRAME_VERSION = 1 };

bool dump_json(const struct wire_message *message, int16_t version, struct slice bytes,
               struct text *out)
{
    struct arena arena;
    size_t used;
    void *value;
    int r;

    if (version < message->min || version > message->max)
        return false;
    arena_init(&arena, NULL);
    value = arena_new(&arena, message->struct_size);
    r = codec_decode(message, version, bytes, &arena, value, &used);
    if (r == 0)
        codec_print(message, version, value, 0, out);
    arena_reset(&arena);
    return r == 0;
}

/* --- classic groups: what members of consumers say is shown too --------------- */

/* Adds the message of Kafka's consumers that the base64 `text` holds, behind its version. */
static bool add_inner(struct slice text, const struct wire_message *message, struct text *out)
{
    scoped(mem_freep_any) uint8_t *bytes = mem_new(base64_size_max(text.size) + 1);
    size_t size;

    if (base64_parse(text, bytes, &size) || size < 2)
        return false;
    return dump_json(message, bytes_load_i16(bytes), slice_of(bytes + 2, size - 2), out);
}

static const struct wire_message *inner_message(struct slice key)
{
    if (slice_is_text(key, "subscription"))
        return &consumer_protocol_subscription_message;
    return slice_is_text(key, "assignment") ? &consumer_protocol_assignment_message : NULL;
}

/* Copies the JSON of a member up to where the reader is, with what was found replaced. */
static void copy_member(struct json *json, struct arena *arena, const uint8_t **copied,
                        struct text *out)
{
    struct slice key;
    struct slice value;

    while (json_more(json)) {
        const struct wire_message *message =
            json_key(json, arena, &key) ? inner_message(key) : NULL;
        enum json_kind kind = json_peek(json);
        const uint8_t *start = json->at;
        size_t before = out->size;

        if (!message || kind != JSON_STRING || !json_string(json, arena, &value)) {
            if (!json->error)
                json_skip(json);
            continue;
        }
        text_add(out, *copied, (size_t)(start - *copied));
        if (add_inner(value, message, out))
            *copied = json->at;
        else
            text_cut(out, before);
    }
}

/* Adds the value of a classic group with subscriptions and assignments in the clear. */
static void add_group(struct slice plain, struct text *out)
{
    const uint8_t *copied = plain.data;
    struct arena arena;
    struct json json;
    struct slice key;
    struct slice type = slice_null();

    arena_init(&arena, NULL);
    json_init(&json, plain);
    json_enter(&json, JSON_OBJECT);
    while (json_more(&json) && json_key(&json, &arena, &key)) {
        if (slice_is_text(key, "protocolType") && json_peek(&json) == JSON_STRING) {
            json_string(&json, &arena, &type);
        } else if (slice_is_text(key, "members") && slice_is_text(type, "consumer")) {
            json_enter(&json, JSON_ARRAY);
            while (json_more(&json) && json_enter(&json, JSON_OBJECT))
                copy_member(&json, &arena, &copied, out);
        } else {
            json_skip(&json);
        }
    }
    text_add(out, copied, (size_t)(plain.data + plain.size - copied));
    arena_reset(&arena);
}

/* --- coordinators ------------------------------------------------------------- */

static bool add_value(const struct wire_record_type *type, struct slice bytes, struct text *out)
{
    struct text plain = {.data = NULL};
    int16_t version = bytes.size >= 2 ? bytes_load_i16(bytes.data) : -1;
    bool is_good = version >= 0 && dump_json(type->value, version,
                                             slice_of(bytes.data + 2, bytes.size - 2), &plain);

    if (is_good) {
        text_printf(out, "{\"version\":\"%d\",\"data\":", version);
        if (type->log == WIRE_LOG_GROUPS && type->type == GROUP_RECORD_GROUP_METADATA)
            add_group(text_slice(&plain), out);
        else
            text_add(out, plain.data, plain.size);
        text_add(out, "}", 1);
    }
    text_fini(&plain);
    return is_good;
}

static void add_unreadable(int64_t offset, const char *what, struct text *key)
{
    text_cut(key, 0);
    text_printf(key, "Error at offset %" PRId64 ", skipping. Could not read %s.", offset, what);
}

static int add_coordinator(struct dump *dump, enum wire_log log, const struct record *record,
                           struct text *key, struct text *value, bool *out_has_value)
{
    const struct wire_record_type *type;
    int16_t number;

    *out_has_value = false;
    if (!record->key.data)
        return dump_fail(dump,
                         "Failed to decode message at offset %" PRId64
                         " using the specified decoder (message had a missing key)",
                         record->offset);
    if (record->key.size < 2) {
        add_unreadable(record->offset, "version from key's buffer", key);
        return 0;
    }
    number = bytes_load_i16(record->key.data);
    type = wire_record_find(log, number);
    if (!type) {
        text_printf(key, "Unknown record type %d at offset %" PRId64 ", skipping.", number,
                    record->offset);
        return 0;
    }
    text_printf(key, "{\"type\":\"%d\",\"data\":", number);
    if (!dump_json(type->key, 0, slice_of(record->key.data + 2, record->key.size - 2), key)) {
        add_unreadable(record->offset, "record from key's buffer", key);
        return 0;
    }
    text_add(key, "}", 1);
    *out_has_value = true;
    if (!record->value.data)
        text_printf(value, "<DELETE>");
    else if (!add_value(type, record->value, value)) {
        add_unreadable(record->offset, "record from value's buffer", key);
        *out_has_value = false;
    }
    return 0;
}

/* --- metadata ------------------------------------------------------------------ */

/* TOPIC_RECORD of topic_record. */
static void add_type_name(const char *name, struct text *out)
{
    for (; *name; name++) {
        char c = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;

        text_add(out, &c, 1);
    }
}

bool dump_take_frame(struct slice *rest, int16_t *out_type, int16_t *out_version, struct text *why)
{
    static const char *const names[] = {"frame version", "type", "version"};
    uint32_t numbers[COUNT_OF(names)];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t used;

        if (varint_decode_u32(rest->data, rest->size, &numbers[i], &used) ||
            numbers[i] > INT16_MAX) {
            text_printf(why, "Error while reading %s", names[i]);
            return false;
        }
        *rest = slice_of(rest->data + used, rest->size - used);
        if (i == 0 && numbers[0] != FRAME_VERSION) {
            text_printf(why,
                        "Could not deserialize metadata record due to unknown frame version "
                        "%" PRIu32 "(only frame version %d is supported)",
                        numbers[0], FRAME_VERSION);
            return false;
        }
    }
    *out_type = (int16_t)numbers[1];
    *out_version = (int16_t)numbers[2];
    return true;
}

static void add_metadata(const struct record *record, struct text *out)
{
    struct slice rest = record->value.data ? record->value : slice_empty();
    const struct wire_record_type *type;
    struct text why = {.data = NULL};
    int16_t number;
    int16_t version;

    if (dump_take_frame(&rest, &number, &version, &why)) {
        type = wire_record_find(WIRE_LOG_METADATA, number);
        if (type) {
            text_printf(out, "{\"type\":\"");
            add_type_name(type->value->name, out);
            text_printf(out, "\",\"version\":%d,\"data\":", version);
        }
        if (type && dump_json(type->value, version, rest, out)) {
            text_add(out, "}", 1);
            return;
        }
        text_printf(&why, "Failed to deserialize record with type %d", number);
    }
    text_cut(out, 0);
    text_printf(out, "Error at %" PRId64 ", skipping. %s", record->offset, why.data);
    text_fini(&why);
}

/* --- any of them --------------------------------------------------------------- */

int dump_record(struct dump *dump, const struct record *record, struct text *key,
                struct text *value, bool *out_has_key, bool *out_has_value)
{
    *out_has_key = true;
    switch (dump->decoder) {
    case DUMP_GROUPS:
        return add_coordinator(dump, WIRE_LOG_GROUPS, record, key, value, out_has_value);
    case DUMP_TRANSACTIONS:
        return add_coordinator(dump, WIRE_LOG_TRANSACTIONS, record, key, value, out_has_value);
    case DUMP_SHARE:
        return add_coordinator(dump, WIRE_LOG_SHARE, record, key, value, out_has_value);
    case DUMP_METADATA: add_metadata(record, value); break;
    case DUMP_REMOTE: dump_remote_add(record->value, record->offset, value); break;
    case DUMP_TEXTS: break;
    }
    *out_has_key = false;
    *out_has_value = true;
    return 0;
}
