/* SPDX-License-Identifier: Apache-2.0 */

/* wire/codec_walk.c - what else can be done with a message whose plan is known:
 * compare, print, make up.
 */

#include "wire/codec.h"
#include "wire/codec_internal.h"

#include <inttypes.h>
#include <math.h>

static bool plan_equal(const struct wire_message *message, const struct wire_plan *plan,
                       const void *a, const void *b);

static bool array_equal(const struct wire_message *message, const struct wire_op *op, const void *a,
                        const void *b)
{
    const struct wire_plan *plan = &message->plans[op->a];
    struct codec_array array_a = codec_array_of(a, op);
    struct codec_array array_b = codec_array_of(b, op);
    size_t size = message->types[plan->type].size;

    if (array_a.count != array_b.count)
        return false;
    for (int32_t i = 0; i < array_a.count; i++)
        if (!plan_equal(message, plan, codec_element(&array_a, i, size),
                        codec_element(&array_b, i, size)))
            return false;
    return true;
}

static bool records_equal(const struct wire_records *a, const struct wire_records *b)
{
    if (a->source || b->source)
        return a->source == b->source && a->source_size == b->source_size;
    return slice_equal(a->bytes, b->bytes);
}

static bool pointer_equal(const struct wire_message *message, const struct wire_op *op,
                          const void *a, const void *b)
{
    const void *p = codec_pointer(a, op);
    const void *q = codec_pointer(b, op);

    if (!p || !q)
        return p == q;
    return plan_equal(message, &message->plans[op->a], p, q);
}

/* In memory a fixed field may be narrower than on the wire, never wider. */
static bool fixed_equal(uint8_t kind, const void *a, const void *b)
{
    return memcmp(a, b, kind == WIRE_BOOL ? sizeof(bool) : codec_width(kind)) == 0;
}

static bool op_equal(const struct wire_message *message, const struct wire_op *op, const void *a,
                     const void *b)
{
    struct slice slice_a;
    struct slice slice_b;

    switch (op->kind) {
    case WIRE_NEED:
    case WIRE_TAGS: return true;
    case WIRE_STRING:
    case WIRE_BYTES:
        memcpy(&slice_a, codec_in(a, op), sizeof(slice_a));
        memcpy(&slice_b, codec_in(b, op), sizeof(slice_b));
        return slice_equal(slice_a, slice_b);
    case WIRE_RECORDS: return records_equal(codec_in(a, op), codec_in(b, op));
    case WIRE_ARRAY: return array_equal(message, op, a, b);
    case WIRE_STRUCT:
        return plan_equal(message, &message->plans[op->a], codec_in(a, op), codec_in(b, op));
    case WIRE_STRUCT_PTR: return pointer_equal(message, op, a, b);
    case WIRE_TAG: return plan_equal(message, &message->plans[op->a], a, b);
    default: return fixed_equal(op->kind, codec_in(a, op), codec_in(b, op));
    }
}

static bool plan_equal(const struct wire_message *message, const struct wire_plan *plan,
                       const void *a, const void *b)
{
    const struct wire_op *op = message->ops + plan->op_first;

    for (int i = 0; i < plan->op_count; i++)
        if (!op_equal(message, &op[i], a, b))
            return false;
    return true;
}

bool codec_equal(const struct wire_message *message, int16_t version, const void *a, const void *b)
{
    assert(codec_has_version(message, version));
    return plan_equal(message, codec_root(message, version), a, b);
}

bool codec_is_default(const struct wire_message *message, const struct wire_op *op,
                      const void *base, const void *image)
{
    struct wire_op all = *op;

    if (op->kind != WIRE_STRUCT)
        return op_equal(message, op, base, image);
    /* The step may be for one version; the default is about all fields. */
    all.a = message->types[message->plans[op->a].type].all;
    return op_equal(message, &all, base, image);
}

static void print_text(struct slice s, struct text *out)
{
    if (!s.data) {
        text_printf(out, "null");
        return;
    }
    text_add(out, "\"", 1);
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            text_printf(out, "\\%c", s.data[i]);
        else if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            text_printf(out, "\\u%04x", s.data[i]);
        else
            text_add(out, s.data + i, 1);
    }
    text_add(out, "\"", 1);
}

static void print_hex(struct slice s, struct text *out)
{
    if (!s.data) {
        text_printf(out, "null");
        return;
    }
    text_add(out, "\"", 1);
    for (size_t i = 0; i < s.size; i++)
        text_printf(out, "%02x", s.data[i]);
    text_add(out, "\"", 1);
}

static int64_t integer_at(uint8_t kind, const void *in)
{
    int64_t i64;
    uint32_t u32;
    int32_t i32;
    uint16_t u16;
    int16_t i16;

    switch (kind) {
    case WIRE_I8: return *(const int8_t *)in;
    case WIRE_I16: memcpy(&i16, in, sizeof(i16)); return i16;
    case WIRE_U16: memcpy(&u16, in, sizeof(u16)); return u16;
    case WIRE_I32: memcpy(&i32, in, sizeof(i32)); return i32;
    case WIRE_U32: memcpy(&u32, in, sizeof(u32)); return u32;
    case WIRE_I64: memcpy(&i64, in, sizeof(i64)); return i64;
    default: bug("not a kind of integer", __FILE__, __LINE__);
    }
}

static void print_fixed(uint8_t kind, const void *in, struct text *out)
{
    char uuid[UUID_TEXT_SIZE + 1];
    struct uuid id;
    double f64;

    switch (kind) {
    case WIRE_BOOL: text_printf(out, "%s", *(const uint8_t *)in ? "true" : "false"); break;
    case WIRE_F64:
        memcpy(&f64, in, sizeof(f64));
        text_printf(out, isfinite(f64) ? "%.17g" : "\"%g\"", f64); /* JSON knows no others. */
        break;
    case WIRE_UUID:
        memcpy(&id, in, sizeof(id));
        uuid_print(id, uuid);
        text_printf(out, "\"%s\"", uuid);
        break;
    default: text_printf(out, "%" PRId64, integer_at(kind, in));
    }
}

static void print_plan(const struct wire_message *message, const struct wire_plan *plan,
                       const void *base, struct text *out);

/* As the element of an array or the value of a field: a struct gets its braces. */
static void print_value(const struct wire_message *message, const struct wire_plan *plan,
                        const void *base, struct text *out)
{
    bool is_struct = message->types[plan->type].image;

    if (is_struct)
        text_add(out, "{", 1);
    print_plan(message, plan, base, out);
    if (is_struct)
        text_add(out, "}", 1);
}

static void print_array(const struct wire_message *message, const struct wire_op *op,
                        const void *base, struct text *out)
{
    const struct wire_plan *plan = &message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t size = message->types[plan->type].size;

    if (array.count < 0) {
        text_printf(out, "null");
        return;
    }
    text_add(out, "[", 1);
    for (int32_t i = 0; i < array.count; i++) {
        if (i)
            text_add(out, ",", 1);
        print_value(message, plan, codec_element(&array, i, size), out);
    }
    text_add(out, "]", 1);
}

static void print_records(const struct wire_records *records, struct text *out)
{
    if (records->source)
        text_printf(out, "%zu", records->source_size);
    else if (records->bytes.data)
        text_printf(out, "%zu", records->bytes.size);
    else
        text_printf(out, "null");
}

static void print_op(const struct wire_message *message, const struct wire_op *op, const void *base,
                     struct text *out)
{
    const void *in = codec_in(base, op);
    const void *p;
    struct slice slice;

    switch (op->kind) {
    case WIRE_STRING:
    case WIRE_BYTES:
        memcpy(&slice, in, sizeof(slice));
        if (op->kind == WIRE_STRING)
            print_text(slice, out);
        else
            print_hex(slice, out);
        break;
    case WIRE_RECORDS: print_records(in, out); break;
    case WIRE_ARRAY: print_array(message, op, base, out); break;
    case WIRE_STRUCT: print_value(message, &message->plans[op->a], in, out); break;
    case WIRE_STRUCT_PTR:
        p = codec_pointer(base, op);
        if (p)
            print_value(message, &message->plans[op->a], p, out);
        else
            text_printf(out, "null");
        break;
    default: print_fixed(op->kind, in, out); break;
    }
}

static bool ends_with_brace(const struct text *out)
{
    return out->size && out->data[out->size - 1] == '{';
}

static void print_plan(const struct wire_message *message, const struct wire_plan *plan,
                       const void *base, struct text *out)
{
    const struct wire_op *op = message->ops + plan->op_first;

    for (int i = 0; i < plan->op_count; i++, op++) {
        if (op->kind == WIRE_NEED || op->kind == WIRE_TAGS)
            continue;
        if (op->kind == WIRE_TAG) {
            print_plan(message, &message->plans[op->a], base, out);
            continue;
        }
        if (op->b != WIRE_NO_NAME)
            text_printf(out, "%s\"%s\":", ends_with_brace(out) ? "" : ",", message->names + op->b);
        print_op(message, op, base, out);
    }
}

void codec_print(const struct wire_message *message, int16_t version, const void *in,
                 struct text *out)
{
    assert(codec_has_version(message, version));
    print_value(message, codec_root(message, version), in, out);
}

/* What codec_randomise() carries along. */
struct maker {
    const struct wire_message *message;
    struct rng *rng;
    struct arena *arena;
    int elements_max; /* Of an array; fewer the deeper we are. */
};

/* Often a value at an end of its range, where mistakes are. */
static uint64_t make_number(struct rng *rng)
{
    return rng_next(rng) >> (rng_chance(rng, 50) ? rng_below(rng, 64) : 0);
}

static int make_slice(struct maker *m, const struct wire_op *op, struct slice *out)
{
    size_t size = rng_chance(m->rng, 5) ? 200 : rng_below(m->rng, 12);
    uint8_t *bytes;

    if (op->flags & WIRE_NULLABLE && rng_chance(m->rng, 25)) {
        *out = slice_null();
        return 0;
    }
    bytes = arena_try(m->arena, size + 1);
    if (!bytes)
        return CODEC_E_NO_MEMORY;
    for (size_t i = 0; i < size; i++)
        bytes[i] = op->kind == WIRE_STRING ? (uint8_t)('!' + rng_below(m->rng, 94))
                                           : (uint8_t)rng_next(m->rng);
    *out = slice_of(bytes, size);
    return 0;
}

static void make_fixed(struct maker *m, uint8_t kind, void *out)
{
    uint64_t words[2] = {make_number(m->rng), rng_next(m->rng)};
    bool flag = words[1] & 1;

    if (kind == WIRE_BOOL)
        memcpy(out, &flag, sizeof(flag));
    else
        memcpy(out, words, codec_width(kind));
}

static int make_plan(struct maker *m, const struct wire_plan *plan, void *base);

static int make_array(struct maker *m, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &m->message->plans[op->a];
    size_t size = m->message->types[plan->type].size;
    struct codec_array array = {.count = (int32_t)rng_below(m->rng, m->elements_max + 1u)};
    uint8_t *member = codec_at(base, op);
    int e = 0;

    if (op->flags & WIRE_NULLABLE && rng_chance(m->rng, 25))
        array.count = -1;
    if (array.count > 0) {
        array.elements = arena_try(m->arena, (size_t)array.count * size);
        if (!array.elements)
            return CODEC_E_NO_MEMORY;
    }
    m->elements_max--;
    for (int32_t i = 0; i < array.count && !e; i++)
        e = make_plan(m, plan, (uint8_t *)array.elements + (size_t)i * size);
    m->elements_max++;
    memcpy(member, &array.elements, sizeof(array.elements));
    memcpy(member + sizeof(void *), &array.count, sizeof(array.count));
    return e;
}

static int make_pointer(struct maker *m, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &m->message->plans[op->a];
    void *p = NULL;

    if (!(op->flags & WIRE_NULLABLE) || rng_chance(m->rng, 70)) {
        p = arena_try(m->arena, m->message->types[plan->type].size);
        if (!p)
            return CODEC_E_NO_MEMORY;
    }
    memcpy(codec_at(base, op), &p, sizeof(p));
    return p ? make_plan(m, plan, p) : 0;
}

static int make_op(struct maker *m, const struct wire_op *op, void *base)
{
    struct wire_records *records;

    switch (op->kind) {
    case WIRE_NEED:
    case WIRE_TAGS: return 0;
    case WIRE_STRING:
    case WIRE_BYTES: return make_slice(m, op, codec_at(base, op));
    case WIRE_RECORDS:
        records = codec_at(base, op);
        *records = (struct wire_records){.source = NULL};
        return make_slice(m, op, &records->bytes);
    case WIRE_ARRAY: return make_array(m, op, base);
    case WIRE_STRUCT: return make_plan(m, &m->message->plans[op->a], codec_at(base, op));
    case WIRE_STRUCT_PTR: return make_pointer(m, op, base);
    case WIRE_TAG:
        return rng_chance(m->rng, 50) ? 0 : make_plan(m, &m->message->plans[op->a], base);
    default: make_fixed(m, op->kind, codec_at(base, op)); return 0;
    }
}

static int make_plan(struct maker *m, const struct wire_plan *plan, void *base)
{
    const struct wire_op *op = m->message->ops + plan->op_first;

    if (plan->type != WIRE_NO_INDEX && m->message->types[plan->type].image)
        memcpy(base, m->message->types[plan->type].image, m->message->types[plan->type].size);
    for (int i = 0; i < plan->op_count; i++) {
        int e = make_op(m, &op[i], base);

        if (e)
            return e;
    }
    return 0;
}

int codec_randomise(const struct wire_message *message, int16_t version, struct rng *rng,
                    struct arena *arena, void *out)
{
    struct maker m = {.message = message, .rng = rng, .arena = arena, .elements_max = 4};

    if (!codec_has_version(message, version))
        return CODEC_E_VERSION;
    return make_plan(&m, codec_root(message, version), out);
}
