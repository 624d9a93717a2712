/* SPDX-License-Identifier: Apache-2.0 */

/* wire/codec.c - decodes by following plans. */

#include "wire/codec.h"

#include "wire/bytes.h"
#include "wire/codec_internal.h"
#include "wire/varint.h"

struct reader {
    const uint8_t *at, *end;
    struct arena *arena;
    const struct wire_message *message;
};

static size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

static int read_any_uvarint(struct reader *r, uint32_t *out)
{
    size_t used;

    switch (varint_decode_u32(r->at, left(r), out, &used)) {
    case 0: r->at += used; return 0;
    case VARINT_E_SHORT: return CODEC_E_SHORT;
    default: return CODEC_E_MALFORMED;
    }
}

/* Most take a single byte. */
static inline int read_uvarint(struct reader *r, uint32_t *out)
{
    if (r->at < r->end && *r->at < 0x80) {
        *out = *r->at++;
        return 0;
    }
    return read_any_uvarint(r, out);
}

/* Reads a length or count; -1 is null, which only WIRE_NULLABLE allows.  `width` is
 * that of the classic encoding. */
static inline int read_length(struct reader *r, const struct wire_op *op, size_t width,
                              int32_t *out)
{
    uint32_t compact;
    int e;

    if (op->flags & WIRE_COMPACT) {
        e = read_uvarint(r, &compact);
        if (e)
            return e;
        if (compact > INT32_MAX)
            return CODEC_E_MALFORMED;
        *out = (int32_t)compact - 1;
    } else {
        if (left(r) < width)
            return CODEC_E_SHORT;
        *out = width == 2 ? bytes_load_i16(r->at) : bytes_load_i32(r->at);
        r->at += width;
    }
    if (*out < -1 || (*out == -1 && !(op->flags & WIRE_NULLABLE)))
        return CODEC_E_MALFORMED;
    return 0;
}

static int read_slice(struct reader *r, const struct wire_op *op, struct slice *out)
{
    bool is_string = op->kind == WIRE_STRING;
    int32_t size;
    int e;

    e = read_length(r, op, is_string ? 2 : 4, &size);
    if (e)
        return e;
    if (size < 0) {
        *out = slice_null();
        return 0;
    }
    if (is_string && size > WIRE_STRING_MAX)
        return CODEC_E_MALFORMED;
    if (left(r) < (size_t)size)
        return CODEC_E_SHORT;
    *out = slice_of(r->at, (size_t)size);
    r->at += size;
    return 0;
}

/* Reads the fixed fields behind a WIRE_NEED that found their bytes to be there. */
static void read_run(struct reader *r, const struct wire_op *need, void *base)
{
    const struct wire_op *end = need + 1 + need->b;
    const uint8_t *at = r->at;

    for (const struct wire_op *op = need + 1; op < end; op++) {
        uint8_t *out = codec_at(base, op);
        bool flag;

        switch (op->kind) {
        case WIRE_I8: *out = *at++; break;
        case WIRE_BOOL:
            flag = *at++ != 0;
            memcpy(out, &flag, sizeof(flag));
            break;
        case WIRE_I16:
        case WIRE_U16:
            memcpy(out, &(uint16_t){bytes_load_u16(at)}, 2);
            at += 2;
            break;
        case WIRE_I32:
        case WIRE_U32:
            memcpy(out, &(uint32_t){bytes_load_u32(at)}, 4);
            at += 4;
            break;
        case WIRE_I64:
        case WIRE_F64:
            memcpy(out, &(uint64_t){bytes_load_u64(at)}, 8);
            at += 8;
            break;
        case WIRE_UUID:
            memcpy(out, at, 16);
            at += 16;
            break;
        default: bug("not a kind of fixed width", __FILE__, __LINE__);
        }
    }
    r->at = at;
}

static int read_plan(struct reader *r, const struct wire_plan *plan, void *base);

static int read_array(struct reader *r, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &r->message->plans[op->a];
    size_t element_size = r->message->types[plan->type].size;
    struct codec_array array = {.elements = NULL};
    uint8_t *member = codec_at(base, op);
    int e;

    e = read_length(r, op, 4, &array.count);
    if (e)
        return e;
    if (array.count > WIRE_ELEMENTS_MAX)
        return CODEC_E_TOO_MANY;
    if (array.count > 0) {
        size_t count = (size_t)array.count;

        if (count > left(r) / max_of(plan->size_min, (uint16_t)1))
            return CODEC_E_SHORT;
        array.elements = arena_try(r->arena, count * element_size);
        if (!array.elements)
            return CODEC_E_NO_MEMORY;
        for (size_t i = 0; i < count; i++) {
            e = read_plan(r, plan, (uint8_t *)array.elements + i * element_size);
            if (e)
                return e;
        }
    }
    memcpy(member, &array.elements, sizeof(array.elements));
    memcpy(member + sizeof(void *), &array.count, sizeof(array.count));
    return 0;
}

static int read_pointer(struct reader *r, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &r->message->plans[op->a];
    void *p = NULL;
    int e;

    if (op->flags & WIRE_NULLABLE) {
        if (!left(r))
            return CODEC_E_SHORT;
        if (*r->at != 1 && *r->at != codec_null_byte(op))
            return CODEC_E_MALFORMED;
        if (*r->at++ == codec_null_byte(op)) {
            memcpy(codec_at(base, op), &p, sizeof(p));
            return 0;
        }
    }
    if (left(r) < plan->size_min)
        return CODEC_E_SHORT;
    p = arena_try(r->arena, r->message->types[plan->type].size);
    if (!p)
        return CODEC_E_NO_MEMORY;
    e = read_plan(r, plan, p);
    memcpy(codec_at(base, op), &p, sizeof(p));
    return e;
}

/* Reads one tagged field of `size` bytes, which must be just what its payload takes. */
static int read_payload(struct reader *r, const struct wire_op *tag, size_t size, void *base)
{
    const uint8_t *outer_end = r->end;
    const uint8_t *payload_end = r->at + size;
    int e;

    r->end = payload_end;
    e = read_plan(r, &r->message->plans[tag->a], base);
    r->end = outer_end;
    if (e == CODEC_E_SHORT || (!e && r->at != payload_end))
        return CODEC_E_MALFORMED;
    return e;
}

/* `known` are the tags of this version, ascending; others are skipped. */
static int read_tags(struct reader *r, const struct wire_op *known, int known_count, void *base)
{
    uint32_t count;
    int64_t last = -1;
    int e;

    e = read_uvarint(r, &count);
    if (e)
        return e;
    if (count > WIRE_TAGGED_MAX)
        return CODEC_E_TOO_MANY;
    while (count--) {
        uint32_t tag;
        uint32_t size = 0;

        e = read_uvarint(r, &tag);
        if (!e)
            e = read_uvarint(r, &size);
        if (e)
            return e;
        if (tag <= last)
            return CODEC_E_MALFORMED;
        last = tag;
        if (size > left(r))
            return CODEC_E_SHORT;
        for (; known_count && known->b < tag; known_count--)
            known++;
        if (known_count && known->b == tag)
            e = read_payload(r, known, size, base);
        else
            r->at += size;
        if (e)
            return e;
    }
    return 0;
}

static int read_op(struct reader *r, const struct wire_op *op, void *base)
{
    struct wire_records *records;

    switch (op->kind) {
    case WIRE_NEED:
        if (left(r) < op->a)
            return CODEC_E_SHORT;
        read_run(r, op, base);
        return 0;
    case WIRE_STRING:
    case WIRE_BYTES: return read_slice(r, op, codec_at(base, op));
    case WIRE_RECORDS:
        records = codec_at(base, op);
        *records = (struct wire_records){.source = NULL};
        return read_slice(r, op, &records->bytes);
    case WIRE_ARRAY: return read_array(r, op, base);
    case WIRE_STRUCT: return read_plan(r, &r->message->plans[op->a], codec_at(base, op));
    case WIRE_STRUCT_PTR: return read_pointer(r, op, base);
    case WIRE_TAGS: return read_tags(r, op + 1, op->a, base);
    default: bug("a step that another one takes along", __FILE__, __LINE__);
    }
}

static int read_plan(struct reader *r, const struct wire_plan *plan, void *base)
{
    const struct wire_op *op = r->message->ops + plan->op_first;
    const struct wire_op *end = op + plan->op_count;

    if (plan->has_image) {
        const struct wire_type *type = &r->message->types[plan->type];

        memcpy(base, type->image, type->size);
    }
    for (; op < end; op = codec_next(op)) {
        int e = read_op(r, op, base);

        if (e)
            return e;
    }
    return 0;
}

int codec_decode(const struct wire_message *message, int16_t version, struct slice bytes,
                 struct arena *arena, void *out, size_t *out_used)
{
    struct reader r = {
        .at = bytes.data, .end = bytes.data + bytes.size, .arena = arena, .message = message};
    int e;

    if (!codec_has_version(message, version))
        return CODEC_E_VERSION;
    if (!bytes.data)
        return CODEC_E_SHORT;
    e = read_plan(&r, codec_root(message, version), out);
    if (e)
        return e;
    *out_used = (size_t)(r.at - bytes.data);
    return 0;
}

int codec_decode_all(const struct wire_message *message, int16_t version, struct slice bytes,
                     struct arena *arena, void *out)
{
    size_t used;
    int e;

    e = codec_decode(message, version, bytes, arena, out, &used);
    if (e)
        return e;
    return used < bytes.size ? CODEC_E_TRAILING : 0;
}

void codec_defaults(const struct wire_message *message, void *out)
{
    const struct wire_type *type = &message->types[message->type];

    memcpy(out, type->image, type->size);
}
