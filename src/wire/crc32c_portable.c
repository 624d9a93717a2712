/* SPDX-License-Identifier: Apache-2.0 */

/* wire/crc32c_portable.c - the checksum by eight tables, on any processor.
 *
 * The remainder is linear: that of a byte is the exclusive or of those of its bits.  So a
 * table of 256 remainders is written down as the eight of the single bits, and the compiler
 * computes the rest.
 */

#include "wire/bytes.h"
#include "wire/crc32c_internal.h"

/* The remainders of the bits of a byte, lowest first, with that many bytes behind it. */
#define BITS_0                                                                                     \
    0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78
#define BITS_1                                                                                     \
    0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9
#define BITS_2                                                                                     \
    0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743
#define BITS_3                                                                                     \
    0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f
#define BITS_4                                                                                     \
    0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c
#define BITS_5                                                                                     \
    0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6
#define BITS_6                                                                                     \
    0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4
#define BITS_7                                                                                     \
    0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664

#define BIT(i, n, remainder) (((i) >> (n)&1) ? (remainder) : 0u)
#define SUM(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                     \
    BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^ BIT(i, 4, b4) ^                \
        BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7)
#define ROW_1(i, ...) SUM(i, __VA_ARGS__)
#define ROW_4(i, ...)                                                                              \
    ROW_1((i), __VA_ARGS__), ROW_1((i) + 1, __VA_ARGS__), ROW_1((i) + 2, __VA_ARGS__),             \
        ROW_1((i) + 3, __VA_ARGS__)
#define ROW_16(i, ...)                                                                             \
    ROW_4((i), __VA_ARGS__), ROW_4((i) + 4, __VA_ARGS__), ROW_4((i) + 8, __VA_ARGS__),             \
        ROW_4((i) + 12, __VA_ARGS__)
#define ROW_64(i, ...)                                                                             \
    ROW_16((i), __VA_ARGS__), ROW_16((i) + 16, __VA_ARGS__), ROW_16((i) + 32, __VA_ARGS__),        \
        ROW_16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ROW_64(0, __VA_ARGS__), ROW_64(64, __VA_ARGS__), ROW_64(128, __VA_ARGS__),                 \
            ROW_64(192, __VA_ARGS__)                                                               \
    }

/* By bytes behind, then by byte. */
static const uint32_t remainders[8][256] = {
    TABLE(BITS_0), TABLE(BITS_1), TABLE(BITS_2), TABLE(BITS_3),
    TABLE(BITS_4), TABLE(BITS_5), TABLE(BITS_6), TABLE(BITS_7),
};

static uint32_t eight_bytes(uint64_t v)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < 8; i++)
        sum ^= remainders[7 - i][v >> (8 * i) & 0xff];
    return sum;
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8)
        crc = eight_bytes(bytes_load_little_u64(p) ^ crc);
    for (; size; size--, p++)
        crc = remainders[0][(crc ^ *p) & 0xff] ^ crc >> 8;
    return ~crc;
}
