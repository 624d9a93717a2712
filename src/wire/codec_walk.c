/* SPDX-License-Identifier: Apache-2.0 */

/* wire/codec_walk.c - what else can be done with a message whose plan is known:
 * compare, visit, make up.
 */

#include "wire/codec.h"
#include "wire/codec_internal.h"

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
    default: return codec_fixed_equal(op, a, b);
    }
}

static bool plan_equal(const struct wire_message *message, const struct wire_plan *plan,
                       const void *a, const void *b)
{
    const struct wire_op *op = message->ops + plan->op_first;

    for (const struct wire_op *end = op + plan->op_count; op < end; op++)
        if (codec_width(op->kind) ? !codec_fixed_equal(op, a, b) : !op_equal(message, op, a, b))
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
    uint16_t all;
    struct wire_op step;

    if (op->kind != WIRE_STRUCT && op->kind != WIRE_STRUCT_PTR)
        return op_equal(message, op, base, image);
    /* The step may be for one version; the default is about all fields. */
    all = message->types[message->plans[op->a].type].all;
    if (all == WIRE_NO_INDEX) /* Null is the default. */
        return !codec_pointer(base, op);
    if (op->kind == WIRE_STRUCT)
        return plan_equal(message, &message->plans[all], codec_in(base, op), codec_in(image, op));
    step = *op;
    step.a = all;
    return pointer_equal(message, &step, base, image);
}

struct visitor {
    const struct wire_message *message;
    codec_visit_fn *visit;
    void *context;
};

static void visit_plan(struct visitor *v, const struct wire_plan *plan, const void *base,
                       int depth);

/* Goes into the structs that a field holds; there may be none. */
static void visit_inside(struct visitor *v, const struct wire_op *op, const void *base, int depth)
{
    const struct wire_plan *plan = &v->message->plans[op->a];
    const struct wire_type *type = &v->message->types[plan->type];
    struct codec_array array;

    if (!type->image)
        return;
    if (!base) {
        visit_plan(v, plan, NULL, depth);
    } else if (op->kind == WIRE_STRUCT) {
        visit_plan(v, plan, codec_in(base, op), depth);
    } else if (op->kind == WIRE_STRUCT_PTR) {
        if (codec_pointer(base, op))
            visit_plan(v, plan, codec_pointer(base, op), depth);
    } else {
        array = codec_array_of(base, op);
        for (int32_t i = 0; i < array.count; i++)
            visit_plan(v, plan, codec_element(&array, i, type->size), depth);
    }
}

static void visit_plan(struct visitor *v, const struct wire_plan *plan, const void *base, int depth)
{
    const struct wire_op *op = v->message->ops + plan->op_first;
    const void *image = v->message->types[plan->type].image;

    for (int i = 0; i < plan->op_count; i++, op++) {
        const struct wire_op *member = op->kind == WIRE_TAG ? codec_payload(v->message, op) : op;

        if (op->kind == WIRE_NEED || op->kind == WIRE_TAGS)
            continue;
        v->visit(v->context, v->message->names + member->b, depth,
                 !base || codec_is_default(v->message, member, base, image));
        if (member->kind == WIRE_ARRAY || member->kind == WIRE_STRUCT ||
            member->kind == WIRE_STRUCT_PTR)
            visit_inside(v, member, base, depth + 1);
    }
}

void codec_visit(const struct wire_message *message, int16_t version, const void *in,
                 codec_visit_fn *visit, void *context)
{
    struct visitor v = {.message = message, .visit = visit, .context = context};

    assert(codec_has_version(message, version));
    visit_plan(&v, codec_root(message, version), in, 0);
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

enum { CHARACTER_SIZE_MAX = 3 };

/* A character of one to three bytes, never half of a pair. */
static size_t make_character(struct rng *rng, uint8_t *out)
{
    unsigned c = (unsigned)rng_below(rng, rng_chance(rng, 80) ? 0x80 : 0xd800);

    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
    out[2] = (uint8_t)(0x80 | (c & 63));
    return 3;
}

static int make_slice(struct maker *m, const struct wire_op *op, struct slice *out)
{
    size_t size = rng_chance(m->rng, 5) ? 200 : rng_below(m->rng, 12);
    uint8_t *bytes;

    if (op->flags & WIRE_NULLABLE && rng_chance(m->rng, 25)) {
        *out = slice_null();
        return 0;
    }
    bytes = arena_try(m->arena, size + CHARACTER_SIZE_MAX);
    if (!bytes)
        return CODEC_E_NO_MEMORY;
    *out = slice_of(bytes, size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(m->rng);
    if (op->kind == WIRE_STRING)
        for (out->size = 0; out->size < size;)
            out->size += make_character(m->rng, bytes + out->size);
    return 0;
}

static void make_fixed(struct maker *m, uint8_t kind, void *out)
{
    uint64_t words[2] = {make_number(m->rng), rng_next(m->rng)};
    bool flag = words[1] & 1;
    double real = (double)(int64_t)words[0] / (double)(1 + words[1] % 1000);

    if (kind == WIRE_BOOL)
        memcpy(out, &flag, sizeof(flag));
    else if (kind == WIRE_F64)
        memcpy(out, &real, sizeof(real)); /* A number, so that JSON can say it. */
    else
        memcpy(out, words, codec_width(kind));
}

static int make_plan(struct maker *m, const struct wire_plan *plan, void *base);

static int make_array(struct maker *m, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &m->message->plans[op->a];
    size_t size = m->message->types[plan->type].size;
    struct codec_array array = {
        .count = (int32_t)rng_below(m->rng, (unsigned)max_of(m->elements_max, 1) + 1u)};
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
