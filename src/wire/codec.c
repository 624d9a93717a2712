/* SPDX-License-Identifier: Apache-2.0 */

/* wire/codec.c - decodes and encodes by following plans.
 *
 * Encoding goes over the struct twice: the first pass measures, and finds everything
 * that cannot be written; the second writes to memory that is known to suffice, and
 * cannot fail.
 */

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

static int read_uvarint(struct reader *r, uint32_t *out)
{
    size_t used;

    switch (varint_decode_u32(r->at, left(r), out, &used)) {
    case 0: r->at += used; return 0;
    case VARINT_E_SHORT: return CODEC_E_SHORT;
    default: return CODEC_E_MALFORMED;
    }
}

/* Reads a length or count; -1 is null, which only WIRE_NULLABLE allows.  `width` is
 * that of the classic encoding. */
static int read_length(struct reader *r, const struct wire_op *op, size_t width, int32_t *out)
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
        case WIRE_I8: *out = *at; break;
        case WIRE_BOOL:
            flag = *at != 0;
            memcpy(out, &flag, sizeof(flag));
            break;
        case WIRE_I16:
        case WIRE_U16: memcpy(out, &(uint16_t){bytes_load_u16(at)}, 2); break;
        case WIRE_I32:
        case WIRE_U32: memcpy(out, &(uint32_t){bytes_load_u32(at)}, 4); break;
        case WIRE_I64:
        case WIRE_F64: memcpy(out, &(uint64_t){bytes_load_u64(at)}, 8); break;
        case WIRE_UUID: memcpy(out, at, 16); break;
        default: bug("not a kind of fixed width", __FILE__, __LINE__);
        }
        at += codec_width(op->kind);
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

/* What the first pass adds up. */
struct measure {
    const struct wire_message *message;
    size_t size; /* On the wire, gaps included. */
    size_t gap_count;
    size_t gap_bytes;
};

/* The size of a length in front of `size` things; SIZE_MAX stands for null. */
static int measure_length(struct measure *m, const struct wire_op *op, size_t width, size_t size,
                          size_t max)
{
    bool is_null = size == SIZE_MAX;

    if (is_null && !(op->flags & WIRE_NULLABLE))
        return CODEC_E_VERSION;
    if (!is_null && size > max)
        return CODEC_E_TOO_MANY;
    m->size += op->flags & WIRE_COMPACT ? varint_size(is_null ? 0 : size + 1) : width;
    return 0;
}

static int measure_slice(struct measure *m, const struct wire_op *op, struct slice s)
{
    bool is_string = op->kind == WIRE_STRING;
    int e;

    e = measure_length(m, op, is_string ? 2 : 4, s.data ? s.size : SIZE_MAX,
                       is_string ? WIRE_STRING_MAX : INT32_MAX - 1);
    if (!e && s.data)
        m->size += s.size;
    return e;
}

static int measure_records(struct measure *m, const struct wire_op *op,
                           const struct wire_records *records)
{
    int e;

    if (!records->source)
        return measure_slice(m, op, records->bytes);
    e = measure_length(m, op, 4, records->source_size, INT32_MAX - 1);
    m->size += records->source_size;
    m->gap_bytes += records->source_size;
    m->gap_count++;
    return e;
}

static int measure_plan(struct measure *m, const struct wire_plan *plan, const void *base);

static int measure_array(struct measure *m, const struct wire_op *op, const void *base)
{
    const struct wire_plan *plan = &m->message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t element_size = m->message->types[plan->type].size;
    int e;

    assert(array.count >= -1);
    assert(array.count <= 0 || array.elements);
    e = measure_length(m, op, 4, array.count < 0 ? SIZE_MAX : (size_t)array.count, INT32_MAX - 1);
    for (int32_t i = 0; i < array.count && !e; i++)
        e = measure_plan(m, plan, codec_element(&array, i, element_size));
    return e;
}

static int measure_pointer(struct measure *m, const struct wire_op *op, const void *base)
{
    const void *p = codec_pointer(base, op);

    if (op->flags & WIRE_NULLABLE)
        m->size += 1;
    else if (!p)
        return CODEC_E_VERSION;
    return p ? measure_plan(m, &m->message->plans[op->a], p) : 0;
}

/* A tagged field at its default is not written. */
static int measure_tags(struct measure *m, const struct wire_op *section, const void *base,
                        const void *image)
{
    size_t count = 0;

    for (const struct wire_op *tag = section + 1; tag <= section + section->a; tag++) {
        size_t before = m->size;
        int e;

        if (codec_is_default(m->message, codec_payload(m->message, tag), base, image))
            continue;
        e = measure_plan(m, &m->message->plans[tag->a], base);
        if (e)
            return e;
        m->size += varint_size(tag->b) + varint_size(m->size - before);
        count++;
    }
    m->size += varint_size(count);
    return 0;
}

static int measure_op(struct measure *m, const struct wire_plan *plan, const struct wire_op *op,
                      const void *base)
{
    struct slice slice;

    switch (op->kind) {
    case WIRE_NEED: m->size += op->a; return 0;
    case WIRE_STRING:
    case WIRE_BYTES:
        memcpy(&slice, codec_in(base, op), sizeof(slice));
        return measure_slice(m, op, slice);
    case WIRE_RECORDS: return measure_records(m, op, codec_in(base, op));
    case WIRE_ARRAY: return measure_array(m, op, base);
    case WIRE_STRUCT: return measure_plan(m, &m->message->plans[op->a], codec_in(base, op));
    case WIRE_STRUCT_PTR: return measure_pointer(m, op, base);
    case WIRE_TAGS: return measure_tags(m, op, base, m->message->types[plan->type].image);
    default: bug("a step that another one takes along", __FILE__, __LINE__);
    }
}

/* What the version cannot say must be at its default. */
static bool absent_are_default(const struct measure *m, const struct wire_plan *plan,
                               const void *base)
{
    const struct wire_op *op = m->message->ops + plan->absent_first;

    for (int i = 0; i < plan->absent_count; i++)
        if (!codec_is_default(m->message, &op[i], base, m->message->types[plan->type].image))
            return false;
    return true;
}

static int measure_plan(struct measure *m, const struct wire_plan *plan, const void *base)
{
    const struct wire_op *op = m->message->ops + plan->op_first;
    const struct wire_op *end = op + plan->op_count;

    if (!absent_are_default(m, plan, base))
        return CODEC_E_VERSION;
    for (; op < end; op = codec_next(op)) {
        int e = measure_op(m, plan, op, base);

        if (e)
            return e;
    }
    return 0;
}

int codec_size(const struct wire_message *message, int16_t version, const void *in,
               size_t *out_size)
{
    struct measure m = {.message = message};
    int e;

    if (!codec_has_version(message, version))
        return CODEC_E_VERSION;
    e = measure_plan(&m, codec_root(message, version), in);
    if (e)
        return e;
    *out_size = m.size;
    return 0;
}

/* Writes what was measured. */
struct writer {
    const struct wire_message *message;
    uint8_t *start, *at;
    struct codec_gap *gaps;
    size_t gap_count;
};

static void write_length(struct writer *w, const struct wire_op *op, size_t width, int64_t size)
{
    if (op->flags & WIRE_COMPACT) {
        w->at += varint_encode((uint64_t)(size + 1), w->at);
        return;
    }
    if (width == 2)
        bytes_store_i16(w->at, (int16_t)size);
    else
        bytes_store_i32(w->at, (int32_t)size);
    w->at += width;
}

static void write_slice(struct writer *w, const struct wire_op *op, struct slice s)
{
    write_length(w, op, op->kind == WIRE_STRING ? 2 : 4, s.data ? (int64_t)s.size : -1);
    if (s.size)
        memcpy(w->at, s.data, s.size);
    w->at += s.size;
}

static void write_records(struct writer *w, const struct wire_op *op,
                          const struct wire_records *records)
{
    if (!records->source) {
        write_slice(w, op, records->bytes);
        return;
    }
    write_length(w, op, 4, (int64_t)records->source_size);
    w->gaps[w->gap_count++] =
        (struct codec_gap){.at = (size_t)(w->at - w->start), .records = records};
}

/* Writes the fixed fields behind a WIRE_NEED. */
static void write_run(struct writer *w, const struct wire_op *need, const void *base)
{
    const struct wire_op *end = need + 1 + need->b;
    uint8_t *at = w->at;

    for (const struct wire_op *op = need + 1; op < end; op++) {
        const void *in = codec_in(base, op);
        size_t width = codec_width(op->kind);
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;

        switch (width) {
        case 1: memcpy(at, in, 1); break;
        case 2:
            memcpy(&u16, in, sizeof(u16));
            bytes_store_u16(at, u16);
            break;
        case 4:
            memcpy(&u32, in, sizeof(u32));
            bytes_store_u32(at, u32);
            break;
        case 8:
            memcpy(&u64, in, sizeof(u64));
            bytes_store_u64(at, u64);
            break;
        case 16: memcpy(at, in, 16); break;
        default: bug("not a kind of fixed width", __FILE__, __LINE__);
        }
        at += width;
    }
    w->at = at;
}

static void write_plan(struct writer *w, const struct wire_plan *plan, const void *base);

static void write_array(struct writer *w, const struct wire_op *op, const void *base)
{
    const struct wire_plan *plan = &w->message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t element_size = w->message->types[plan->type].size;

    write_length(w, op, 4, array.count);
    for (int32_t i = 0; i < array.count; i++)
        write_plan(w, plan, codec_element(&array, i, element_size));
}

static void write_pointer(struct writer *w, const struct wire_op *op, const void *base)
{
    const void *p = codec_pointer(base, op);

    if (op->flags & WIRE_NULLABLE)
        *w->at++ = p ? 1 : codec_null_byte(op);
    if (p)
        write_plan(w, &w->message->plans[op->a], p);
}

static void write_tags(struct writer *w, const struct wire_op *section, const void *base,
                       const void *image)
{
    const struct wire_op *end = section + section->a;
    uint64_t count = 0;

    for (const struct wire_op *tag = section + 1; tag <= end; tag++)
        count += !codec_is_default(w->message, codec_payload(w->message, tag), base, image);
    w->at += varint_encode(count, w->at);
    for (const struct wire_op *tag = section + 1; count && tag <= end; tag++) {
        struct measure m = {.message = w->message};

        if (codec_is_default(w->message, codec_payload(w->message, tag), base, image))
            continue;
        (void)measure_plan(&m, &w->message->plans[tag->a], base);
        w->at += varint_encode(tag->b, w->at);
        w->at += varint_encode(m.size, w->at);
        write_plan(w, &w->message->plans[tag->a], base);
    }
}

static void write_plan(struct writer *w, const struct wire_plan *plan, const void *base)
{
    const struct wire_op *op = w->message->ops + plan->op_first;
    const struct wire_op *end = op + plan->op_count;
    struct slice slice;

    for (; op < end; op = codec_next(op)) {
        switch (op->kind) {
        case WIRE_NEED: write_run(w, op, base); break;
        case WIRE_STRING:
        case WIRE_BYTES:
            memcpy(&slice, codec_in(base, op), sizeof(slice));
            write_slice(w, op, slice);
            break;
        case WIRE_RECORDS: write_records(w, op, codec_in(base, op)); break;
        case WIRE_ARRAY: write_array(w, op, base); break;
        case WIRE_STRUCT: write_plan(w, &w->message->plans[op->a], codec_in(base, op)); break;
        case WIRE_STRUCT_PTR: write_pointer(w, op, base); break;
        case WIRE_TAGS: write_tags(w, op, base, w->message->types[plan->type].image); break;
        default: bug("a step that another one takes along", __FILE__, __LINE__);
        }
    }
}

int codec_encode_behind(const struct wire_message *message, int16_t version, const void *in,
                        size_t headroom, struct arena *arena, struct codec_output *out)
{
    struct measure m = {.message = message};
    struct writer w = {.message = message};
    size_t size;
    int e;

    if (!codec_has_version(message, version))
        return CODEC_E_VERSION;
    e = measure_plan(&m, codec_root(message, version), in);
    if (e)
        return e;
    size = headroom + m.size - m.gap_bytes;
    w.start = arena_try(arena, max_of(size, (size_t)1));
    if (!w.start)
        return CODEC_E_NO_MEMORY;
    if (m.gap_count) {
        w.gaps = arena_try(arena, m.gap_count * sizeof(*w.gaps));
        if (!w.gaps)
            return CODEC_E_NO_MEMORY;
    }
    w.at = w.start + headroom;
    write_plan(&w, codec_root(message, version), in);
    assert(w.at == w.start + size && w.gap_count == m.gap_count);
    *out = (struct codec_output){.data = w.start,
                                 .size = size,
                                 .gaps = w.gaps,
                                 .gap_count = w.gap_count,
                                 .gap_bytes = m.gap_bytes};
    return 0;
}

int codec_encode(const struct wire_message *message, int16_t version, const void *in,
                 struct arena *arena, struct codec_output *out)
{
    return codec_encode_behind(message, version, in, 0, arena, out);
}

void codec_write(const struct wire_message *message, int16_t version, const void *in, uint8_t *out)
{
    struct writer w = {.message = message, .start = out, .at = out};

    assert(codec_has_version(message, version));
    write_plan(&w, codec_root(message, version), in);
}
