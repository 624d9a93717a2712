/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/varint.h"

/* Reads a number of at most `bits` bits. */
static int decode(const uint8_t *bytes, size_t size, unsigned bits, uint64_t *out, size_t *out_used)
{
    uint64_t value = 0;
    size_t used = 0;

    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte;

        if (used == size)
            return VARINT_E_SHORT;
        byte = bytes[used++];
        if (bits - shift < 7 && byte >> (bits - shift))
            return VARINT_E_OVERLONG;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            *out_used = used;
            return 0;
        }
    }
    return VARINT_E_OVERLONG;
}

int varint_decode_u64(const uint8_t *bytes, size_t size, uint64_t *out, size_t *out_used)
{
    return decode(bytes, size, 64, out, out_used);
}

int varint_decode_u32(const uint8_t *bytes, size_t size, uint32_t *out, size_t *out_used)
{
    uint64_t value;
    int r;

    r = decode(bytes, size, 32, &value, out_used);
    if (r)
        return r;
    *out = (uint32_t)value;
    return 0;
}

int varint_decode_i64(const uint8_t *bytes, size_t size, int64_t *out, size_t *out_used)
{
    uint64_t value;
    int r;

    r = decode(bytes, size, 64, &value, out_used);
    if (r)
        return r;
    *out = varint_unfold(value);
    return 0;
}

int varint_decode_i32(const uint8_t *bytes, size_t size, int32_t *out, size_t *out_used)
{
    uint64_t value;
    int r;

    r = decode(bytes, size, 32, &value, out_used);
    if (r)
        return r;
    *out = (int32_t)varint_unfold(value);
    return 0;
}
