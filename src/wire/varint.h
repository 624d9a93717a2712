/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/varint.h - numbers of variable length: seven bits per byte, low bits first, the
 * high bit says that more follow.
 *
 * Lengths and tags of the flexible encoding are unsigned; numbers inside records are
 * signed, folded (zig-zag) so that small negative ones are short as well.  An encoding
 * that is longer than needed is legal; one that does not fit the type is not.
 *
 * Threading: pure functions.
 * Errors:    enum varint_outcome.  Outputs are written only on success.
 */

#include "base/base.h"

enum { VARINT_SIZE_MAX = 10, VARINT_SIZE_MAX_32 = 5 };

enum varint_outcome {
    VARINT_E_SHORT = 1, /* The bytes end inside the number. */
    VARINT_E_OVERLONG,  /* More bits than the type has. */
};

/* Reads an unsigned number from the first of `size` bytes; `*out_used` is its length. */
NODISCARD int varint_decode_u64(const uint8_t *bytes, size_t size, uint64_t *out, size_t *out_used);
NODISCARD int varint_decode_u32(const uint8_t *bytes, size_t size, uint32_t *out, size_t *out_used);

/* The same for a folded signed number. */
NODISCARD int varint_decode_i64(const uint8_t *bytes, size_t size, int64_t *out, size_t *out_used);
NODISCARD int varint_decode_i32(const uint8_t *bytes, size_t size, int32_t *out, size_t *out_used);

/* Folds the sign into the lowest bit. */
static inline uint64_t varint_fold(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t varint_unfold(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* How many bytes varint_encode() writes. */
static inline size_t varint_size(uint64_t value)
{
    return ((size_t)(70 - __builtin_clzll(value | 1)) * 37) >> 8;
}

/* Writes an unsigned number and returns its length; there is room for it. */
static inline size_t varint_encode(uint64_t value, uint8_t *out)
{
    size_t n = 0;

    for (; value > 0x7f; value >>= 7)
        out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

/* Writes a signed number, folded, and returns its length. */
static inline size_t varint_encode_signed(int64_t value, uint8_t *out)
{
    return varint_encode(varint_fold(value), out);
}

static inline size_t varint_size_signed(int64_t value)
{
    return varint_size(varint_fold(value));
}
