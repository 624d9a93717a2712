/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/bytes.h - numbers in memory as the protocol writes them: big endian, at any
 * address.
 *
 * The two that read little endian are for formats inside: checksums and lz4 frames.
 *
 * Threading: pure functions.
 * Errors:    none; the caller knows that the bytes are there.
 */

#include "base/base.h"

#include <string.h>

/* From the order of this machine to big endian and back; and to little endian. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#    define BYTES_SWAP(bits, v) __builtin_bswap##bits(v)
#    define BYTES_KEEP(bits, v) (v)
#else
#    define BYTES_SWAP(bits, v) (v)
#    define BYTES_KEEP(bits, v) __builtin_bswap##bits(v)
#endif

static inline uint16_t bytes_load_u16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return BYTES_SWAP(16, v);
}

static inline uint32_t bytes_load_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return BYTES_SWAP(32, v);
}

static inline uint64_t bytes_load_u64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return BYTES_SWAP(64, v);
}

static inline uint32_t bytes_load_little_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return BYTES_KEEP(32, v);
}

static inline uint64_t bytes_load_little_u64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return BYTES_KEEP(64, v);
}

static inline int16_t bytes_load_i16(const uint8_t *p)
{
    return (int16_t)bytes_load_u16(p);
}

static inline int32_t bytes_load_i32(const uint8_t *p)
{
    return (int32_t)bytes_load_u32(p);
}

static inline int64_t bytes_load_i64(const uint8_t *p)
{
    return (int64_t)bytes_load_u64(p);
}

static inline void bytes_store_u16(uint8_t *p, uint16_t v)
{
    v = BYTES_SWAP(16, v);
    memcpy(p, &v, sizeof(v));
}

static inline void bytes_store_u32(uint8_t *p, uint32_t v)
{
    v = BYTES_SWAP(32, v);
    memcpy(p, &v, sizeof(v));
}

static inline void bytes_store_u64(uint8_t *p, uint64_t v)
{
    v = BYTES_SWAP(64, v);
    memcpy(p, &v, sizeof(v));
}

static inline void bytes_store_i16(uint8_t *p, int16_t v)
{
    bytes_store_u16(p, (uint16_t)v);
}

static inline void bytes_store_i32(uint8_t *p, int32_t v)
{
    bytes_store_u32(p, (uint32_t)v);
}

static inline void bytes_store_i64(uint8_t *p, int64_t v)
{
    bytes_store_u64(p, (uint64_t)v);
}
