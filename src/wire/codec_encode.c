/* SPDX-License-Identifier: Apache-2.0 */

/* wire/codec_encode.c - encodes by following plans.
 *
 * A first pass over the struct finds how much memory suffices: it looks only at what has no
 * fixed size, and takes the worst for the rest.  The second writes, and finds what cannot be
 * written.
 */

#include "base/err.h"
#include "wire/bytes.h"
#include "wire/codec.h"
#include "wire/codec_internal.h"
#include "wire/varint.h"

/* --- how much memory suffices -------------------------------------------------- */

struct measure {
    const struct wire_message *message;
    size_t gap_count;
};

static size_t varying_size(struct measure *m, const struct wire_plan *plan, const void *base);

static size_t array_size(struct measure *m, const struct wire_op *op, const void *base)
{
    const struct wire_plan *plan = &m->message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t element_size = m->message->types[plan->type].size;
    size_t size = (size_t)codec_count(&array) * plan->size_fixed;

    assert(array.count >= -1);
    assert(array.count <= 0 || array.elements);
    if (plan->varying_count)
        for (int32_t i = 0; i < array.count; i++)
            size += varying_size(m, plan, codec_element(&array, i, element_size));
    return size;
}

static size_t records_size(struct measure *m, const struct wire_records *records)
{
    if (!records->source)
        return records->bytes.size;
    m->gap_count++;
    return 0;
}

/* What the steps of varying size add to the rest. */
static size_t varying_size(struct measure *m, const struct wire_plan *plan, const void *base)
{
    const struct wire_op *op = m->message->ops + plan->varying_first;
    const struct wire_op *end = op + plan->varying_count;
    size_t size = 0;

    for (; op < end; op++) {
        const struct wire_plan *inner;
        const void *p;
        struct slice slice;

        switch (op->kind) {
        case WIRE_STRING:
        case WIRE_BYTES:
            memcpy(&slice, codec_in(base, op), sizeof(slice));
            size += slice.size;
            break;
        case WIRE_RECORDS: size += records_size(m, codec_in(base, op)); break;
        case WIRE_ARRAY: size += array_size(m, op, base); break;
        case WIRE_STRUCT:
            size += varying_size(m, &m->message->plans[op->a], codec_in(base, op));
            break;
        case WIRE_STRUCT_PTR:
            inner = &m->message->plans[op->a];
            p = codec_pointer(base, op);
            if (p)
                size += inner->size_fixed + varying_size(m, inner, p);
            break;
        default: bug("not a step of varying size", __FILE__, __LINE__);
        }
    }
    return size;
}

/* --- writing -------------------------------------------------------------------- */

struct writer {
    const struct wire_message *message;
    uint8_t *start, *at;
    struct codec_gap *gaps;
    size_t gap_count, gap_bytes;
};

/* Writes the length in front of `size` things; SIZE_MAX stands for null. */
static inline int write_length(struct writer *w, const struct wire_op *op, size_t width,
                               size_t size, size_t max)
{
    size_t above = size + 1; /* So null is 0, which compact lengths want. */

    if (above == 0 && !(op->flags & WIRE_NULLABLE))
        return CODEC_E_VERSION;
    if (above > max + 1)
        return CODEC_E_TOO_MANY;
    if (op->flags & WIRE_COMPACT) {
        w->at += varint_encode(above, w->at);
        return 0;
    }
    if (width == 2)
        bytes_store_i16(w->at, (int16_t)size); /* SIZE_MAX becomes -1. */
    else
        bytes_store_i32(w->at, (int32_t)size);
    w->at += width;
    return 0;
}

static int write_slice(struct writer *w, const struct wire_op *op, const struct slice *s)
{
    bool is_string = op->kind == WIRE_STRING;
    int e = write_length(w, op, is_string ? 2 : 4, s->data ? s->size : SIZE_MAX,
                         is_string ? WIRE_STRING_MAX : INT32_MAX - 1);

    if (!e && s->data && s->size) {
        memcpy(w->at, s->data, s->size);
        w->at += s->size;
    }
    return e;
}

static int write_records(struct writer *w, const struct wire_op *op,
                         const struct wire_records *records)
{
    int e;

    if (!records->source)
        return write_slice(w, op, &records->bytes);
    e = write_length(w, op, 4, records->source_size, INT32_MAX - 1);
    if (e)
        return e;
    w->gaps[w->gap_count++] =
        (struct codec_gap){.at = (size_t)(w->at - w->start), .records = records};
    w->gap_bytes += records->source_size;
    return 0;
}

/* Writes the fixed fields behind a WIRE_NEED. */
static void write_run(struct writer *w, const struct wire_op *need, const void *base)
{
    const struct wire_op *end = need + 1 + need->b;
    uint8_t *at = w->at;

    for (const struct wire_op *op = need + 1; op < end; op++) {
        const void *in = codec_in(base, op);
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;

        switch (op->kind) {
        case WIRE_I8:
        case WIRE_BOOL: *at++ = *(const uint8_t *)in; break;
        case WIRE_I16:
        case WIRE_U16:
            memcpy(&u16, in, sizeof(u16));
            bytes_store_u16(at, u16);
            at += sizeof(u16);
            break;
        case WIRE_I32:
        case WIRE_U32:
            memcpy(&u32, in, sizeof(u32));
            bytes_store_u32(at, u32);
            at += sizeof(u32);
            break;
        case WIRE_I64:
        case WIRE_F64:
            memcpy(&u64, in, sizeof(u64));
            bytes_store_u64(at, u64);
            at += sizeof(u64);
            break;
        case WIRE_UUID:
            memcpy(at, in, sizeof(struct uuid));
            at += sizeof(struct uuid);
            break;
        default: bug("not a kind of fixed width", __FILE__, __LINE__);
        }
    }
    w->at = at;
}

static int write_plan(struct writer *w, const struct wire_plan *plan, const void *base);

static int write_array(struct writer *w, const struct wire_op *op, const void *base)
{
    const struct wire_plan *plan = &w->message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t element_size = w->message->types[plan->type].size;
    int e = write_length(w, op, 4, array.count < 0 ? SIZE_MAX : (size_t)array.count, INT32_MAX - 1);

    for (int32_t i = 0; i < array.count && !e; i++)
        e = write_plan(w, plan, codec_element(&array, i, element_size));
    return e;
}

static int write_pointer(struct writer *w, const struct wire_op *op, const void *base)
{
    const void *p = codec_pointer(base, op);

    if (op->flags & WIRE_NULLABLE)
        *w->at++ = p ? 1 : codec_null_byte(op);
    else if (!p)
        return CODEC_E_VERSION;
    return p ? write_plan(w, &w->message->plans[op->a], p) : 0;
}

/* Writes a tagged field.  Its size is known afterwards; where it takes more than the one
 * byte that was left for it, what is behind moves on. */
static int write_tag(struct writer *w, const struct wire_op *tag, const void *base)
{
    size_t gaps_before = w->gap_count;
    size_t gap_bytes_before = w->gap_bytes;
    uint8_t *size_at;
    size_t written;
    size_t size;
    size_t more;
    int e;

    w->at += varint_encode(tag->b, w->at);
    size_at = w->at++;
    e = write_plan(w, &w->message->plans[tag->a], base);
    if (e)
        return e;
    written = (size_t)(w->at - size_at) - 1;
    size = written + (w->gap_bytes - gap_bytes_before);
    more = varint_size(size) - 1;
    if (more) {
        memmove(size_at + 1 + more, size_at + 1, written);
        w->at += more;
        for (size_t i = gaps_before; i < w->gap_count; i++)
            w->gaps[i].at += more;
    }
    (void)varint_encode(size, size_at);
    return 0;
}

/* Most tagged fields are numbers, or structs of numbers. */
static inline bool tag_is_default(const struct wire_message *message, const struct wire_op *tag,
                                  const void *base, const void *image)
{
    const struct wire_op *op = message->ops + tag->offset;
    const struct wire_op *end = op + tag->flags;

    if (op == end)
        return codec_is_default(message, codec_payload(message, tag), base, image);
    for (; op < end; op++)
        if (!codec_fixed_equal(op, base, image))
            return false;
    return true;
}

/* True only if all tagged fields have their defaults, which most sections' have.  False says
 * nothing: what is between the members is compared as well, and pointers for what is there. */
static inline bool are_defaults(const struct wire_op *section, const void *base, const void *image)
{
    return section->a == 0 || (section->b && memcmp(codec_in(base, section),
                                                    codec_in(image, section), section->b) == 0);
}

/* A tagged field at its default is not written. */
static int write_tags(struct writer *w, const struct wire_op *section, const void *base,
                      const void *image)
{
    const struct wire_op *end = section + section->a;
    uint8_t *count_at = w->at++;
    uint8_t count = 0;

    if (are_defaults(section, base, image)) {
        *count_at = 0;
        return 0;
    }

    for (const struct wire_op *tag = section + 1; tag <= end; tag++) {
        int e;

        if (tag_is_default(w->message, tag, base, image))
            continue;
        e = write_tag(w, tag, base);
        if (e)
            return e;
        count++;
    }
    *count_at = count; /* There are never 128. */
    return 0;
}

static int write_op(struct writer *w, const struct wire_plan *plan, const struct wire_op *op,
                    const void *base)
{
    switch (op->kind) {
    case WIRE_NEED: write_run(w, op, base); return 0;
    case WIRE_STRING:
    case WIRE_BYTES: return write_slice(w, op, codec_in(base, op));
    case WIRE_RECORDS: return write_records(w, op, codec_in(base, op));
    case WIRE_ARRAY: return write_array(w, op, base);
    case WIRE_STRUCT: return write_plan(w, &w->message->plans[op->a], codec_in(base, op));
    case WIRE_STRUCT_PTR: return write_pointer(w, op, base);
    case WIRE_TAGS: return write_tags(w, op, base, w->message->types[plan->type].image);
    default: bug("a step that another one takes along", __FILE__, __LINE__);
    }
}

/* What the version cannot say must be at its default. */
static bool absent_are_default(const struct writer *w, const struct wire_plan *plan,
                               const void *base)
{
    const struct wire_op *op = w->message->ops + plan->absent_first;

    for (int i = 0; i < plan->absent_count; i++)
        if (!codec_is_default(w->message, &op[i], base, w->message->types[plan->type].image))
            return false;
    return true;
}

static int write_plan(struct writer *w, const struct wire_plan *plan, const void *base)
{
    const struct wire_op *op = w->message->ops + plan->op_first;
    const struct wire_op *end = op + plan->op_count;

    if (plan->absent_count && !absent_are_default(w, plan, base))
        return CODEC_E_VERSION;
    for (; op < end; op = codec_next(op)) {
        int e = write_op(w, plan, op, base);

        if (e)
            return e;
    }
    return 0;
}

int codec_encode_behind(const struct wire_message *message, int16_t version, const void *in,
                        size_t headroom, struct arena *arena, struct codec_output *out)
{
    struct measure m = {.message = message};
    struct writer w = {.message = message};
    const struct wire_plan *root;
    size_t size_max;
    int e;

    if (!codec_has_version(message, version))
        return CODEC_E_VERSION;
    root = codec_root(message, version);
    size_max = headroom + root->size_fixed + varying_size(&m, root, in);
    w.start = arena_try(arena, max_of(size_max, (size_t)1));
    if (!w.start)
        return CODEC_E_NO_MEMORY;
    if (m.gap_count) {
        w.gaps = arena_try(arena, m.gap_count * sizeof(*w.gaps));
        if (!w.gaps)
            return CODEC_E_NO_MEMORY;
    }
    w.at = w.start + headroom;
    e = write_plan(&w, root, in);
    if (e)
        return e;
    assert((size_t)(w.at - w.start) <= size_max && w.gap_count == m.gap_count);
    *out = (struct codec_output){.data = w.start,
                                 .size = (size_t)(w.at - w.start),
                                 .gaps = w.gaps,
                                 .gap_count = w.gap_count,
                                 .gap_bytes = w.gap_bytes};
    return 0;
}

int codec_encode(const struct wire_message *message, int16_t version, const void *in,
                 struct arena *arena, struct codec_output *out)
{
    return codec_encode_behind(message, version, in, 0, arena, out);
}
