/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/message.h - the tables that tools/msgc prints and wire/codec.c interprets.
 *
 * A message is one C struct for all its versions, and for each version a plan: a list
 * of steps that says which fields are on the wire, in which order and encoding.
 *
 *     roots[version - min] -> plans[i] -> ops[op_first ... + op_count]
 *                                          a step into a struct -> plans[k] -> ...
 *
 * Steps and plans hold no pointers (they name each other by index), so they need no
 * relocation when the program starts.  Structs do not contain themselves and nest at most
 * WIRE_DEPTH_MAX deep, which msgc guarantees; so code that follows a plan may recurse.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "base/slice.h"
#include "base/uuid.h"

enum {
    WIRE_DEPTH_MAX = 12,
    WIRE_NEVER = 32767,     /* As the first flexible version: there is none. */
    WIRE_NO_NAME = 0xffff,  /* The step of an array's bare element. */
    WIRE_NO_INDEX = 0xffff, /* No plan, no type. */
    WIRE_ELEMENTS_MAX = 1000000,
    WIRE_TAGGED_MAX = 10000,
    WIRE_STRING_MAX = 32767,
};

/* What a `records` field holds: record batches. */
struct wire_records {
    struct slice bytes; /* Borrowed. */
    void *source;       /* Borrowed.  Not NULL: the bytes are elsewhere, `bytes` is not used. */
    size_t source_size; /* How many they are; the encoder leaves a gap of this size. */
};

/* What a step does.  `offset` is that of the member in the struct, `b` the field's
 * name in the pool of names. */
enum wire_kind {
    WIRE_NEED, /* The next `a` bytes must be there: those of the `b` steps that follow, all of
                  fixed width. */
    WIRE_I8,
    WIRE_I16,
    WIRE_U16,
    WIRE_I32,
    WIRE_U32,
    WIRE_I64,
    WIRE_F64,
    WIRE_BOOL,
    WIRE_UUID,
    WIRE_STRING,
    WIRE_BYTES,
    WIRE_RECORDS,
    WIRE_ARRAY,      /* Pointer and, behind it, int32_t count; `a` is the elements' plan. */
    WIRE_STRUCT,     /* Inline; `a` is its plan. */
    WIRE_STRUCT_PTR, /* By pointer; with WIRE_NULLABLE a byte says whether it is there. */
    WIRE_TAGS,       /* The tagged section; `a` steps WIRE_TAG follow, by ascending tag.  Their
                        fields are the `b` bytes from `offset` on; 0 if others are between them. */
    WIRE_TAG,        /* `a` is the plan of the payload, `b` the tag; `flags` steps from the
                        index `offset` on compare all there is with the defaults, if not 0. */
};

enum {
    WIRE_COMPACT = 1,  /* Lengths are unsigned varints of n + 1. */
    WIRE_NULLABLE = 2, /* Null can be said. */
    WIRE_ZERO = 4,     /* WIRE_STRUCT_PTR in a tagged field: null is 0 there, not -1. */
};

struct wire_op {
    uint8_t kind; /* enum wire_kind */
    uint8_t flags;
    uint16_t offset;
    uint16_t a;
    uint16_t b;
};

/* What one struct, element or tagged payload is on the wire in some versions. */
struct wire_plan {
    uint16_t type; /* In `types`; WIRE_NO_INDEX for a tagged payload. */
    uint16_t op_first, op_count;
    uint16_t absent_first, absent_count;   /* Fields that must have their default, also in `ops`. */
    uint16_t varying_first, varying_count; /* The steps whose size depends on the value. */
    uint16_t size_min;                     /* Of its encoding, in bytes. */
    uint16_t size_fixed;                   /* At most, without what the varying steps add. */
    uint16_t has_image;                    /* Not all fields are read: begin with the defaults. */
};

/* What a plan fills. */
struct wire_type {
    const void *image; /* Its defaults; NULL for bare elements. */
    uint16_t size;     /* sizeof. */
    uint16_t all;      /* The plan that compares all its fields, or WIRE_NO_INDEX. */
};

struct wire_message {
    const char *name;   /* fetch_request */
    int16_t min, max;   /* Versions, unstable ones too. */
    int16_t flexible;   /* First flexible version, or WIRE_NEVER. */
    uint16_t type;      /* Of the message itself. */
    size_t struct_size; /* Of the C struct. */
    const struct wire_op *ops;
    const struct wire_plan *plans;
    const struct wire_type *types;
    const uint16_t *roots; /* The plan of each version from `min`. */
    const char *names;     /* Names of fields, each with a zero byte behind it. */
};
