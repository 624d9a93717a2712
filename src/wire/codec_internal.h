/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/codec_internal.h - how codec.c and codec_walk.c look at structs through tables.
 *
 * Threading: pure functions.
 * Errors:    none.
 */

#include "wire/codec.h"

/* The plan of a version, which the message has. */
static inline const struct wire_plan *codec_root(const struct wire_message *message,
                                                 int16_t version)
{
    return &message->plans[message->roots[version - message->min]];
}

static inline bool codec_has_version(const struct wire_message *message, int16_t version)
{
    return version >= message->min && version <= message->max;
}

/* The member that a step is about. */
static inline void *codec_at(void *base, const struct wire_op *op)
{
    return (uint8_t *)base + op->offset;
}

static inline const void *codec_in(const void *base, const struct wire_op *op)
{
    return (const uint8_t *)base + op->offset;
}

/* Pointer and count of an array, as msgc lays them out. */
struct codec_array {
    void *elements;
    int32_t count;
};

static inline struct codec_array codec_array_of(const void *base, const struct wire_op *op)
{
    struct codec_array array;

    memcpy(&array.elements, codec_in(base, op), sizeof(array.elements));
    memcpy(&array.count, (const uint8_t *)codec_in(base, op) + sizeof(void *), sizeof(array.count));
    return array;
}

/* A null array has no elements either, so that loops need not ask. */
static inline int32_t codec_count(const struct codec_array *array)
{
    return array->count > 0 ? array->count : 0;
}

static inline const void *codec_element(const struct codec_array *array, int32_t i, size_t size)
{
    return (const uint8_t *)array->elements + (size_t)i * size;
}

/* What a WIRE_STRUCT_PTR points to, or NULL. */
static inline void *codec_pointer(const void *base, const struct wire_op *op)
{
    void *p;

    memcpy(&p, codec_in(base, op), sizeof(p));
    return p;
}

/* Width on the wire of the kinds that have one, else 0. */
static inline size_t codec_width(uint8_t kind)
{
    static const uint8_t width[] = {
        [WIRE_I8] = 1,  [WIRE_I16] = 2, [WIRE_U16] = 2,  [WIRE_I32] = 4,   [WIRE_U32] = 4,
        [WIRE_I64] = 8, [WIRE_F64] = 8, [WIRE_BOOL] = 1, [WIRE_UUID] = 16, [WIRE_TAG] = 0,
    };

    return width[kind];
}

/* Compares a field of fixed width, which is as wide in memory as on the wire. */
static inline bool codec_fixed_equal(const struct wire_op *op, const void *a, const void *b)
{
    const void *x = codec_in(a, op);
    const void *y = codec_in(b, op);

    switch (op->kind) {
    case WIRE_I8:
    case WIRE_BOOL: return memcmp(x, y, 1) == 0;
    case WIRE_I16:
    case WIRE_U16: return memcmp(x, y, 2) == 0;
    case WIRE_I32:
    case WIRE_U32: return memcmp(x, y, 4) == 0;
    case WIRE_I64:
    case WIRE_F64: return memcmp(x, y, 8) == 0;
    default: return memcmp(x, y, 16) == 0;
    }
}

/* The step that follows, behind those that this one takes along: a run of fixed fields, or
 * the tags of a section. */
static inline const struct wire_op *codec_next(const struct wire_op *op)
{
    if (op->kind == WIRE_NEED)
        return op + 1 + op->b;
    return op->kind == WIRE_TAGS ? op + 1 + op->a : op + 1;
}

/* The byte that stands for a struct that is null. */
static inline uint8_t codec_null_byte(const struct wire_op *op)
{
    return op->flags & WIRE_ZERO ? 0 : 0xff;
}

/* The step of a tag's payload, leaving out a WIRE_NEED. */
static inline const struct wire_op *codec_payload(const struct wire_message *message,
                                                  const struct wire_op *tag)
{
    const struct wire_plan *plan = &message->plans[tag->a];

    return &message->ops[plan->op_first + plan->op_count - 1];
}

/* True if the member has its default, which is in `image`: the defaults of its struct. */
bool codec_is_default(const struct wire_message *message, const struct wire_op *op,
                      const void *base, const void *image);
