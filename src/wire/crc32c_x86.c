/* SPDX-License-Identifier: Apache-2.0 */

/* wire/crc32c_x86.c - the checksum by instructions of x86-64 processors.
 *
 * The crc32 instruction takes eight bytes in a cycle, but its result only three cycles
 * later; so three streams are kept going.  A carry-less product does better still: it moves
 * 16 bytes of remainder over any distance at once ("folding").
 *
 * Constants are x^n mod P in the reflected notation, n being the distance in bits and what
 * the notation itself shifts by.
 */

#include "wire/crc32c_internal.h"

#if defined(__x86_64__)

#    include <immintrin.h>
#    include <string.h>

#    define SSE42 __attribute__((target("sse4.2,pclmul")))
#    define AVX2 __attribute__((target("sse4.2,pclmul,avx2,vpclmulqdq")))
#    define AVX512 __attribute__((target("sse4.2,pclmul,avx512f,vpclmulqdq")))

/* A stream's length, and the constants that move its sum over one and over two streams. */
struct streams {
    size_t size;
    uint32_t over_one, over_two;
};

enum {
    LONG_STREAM = 2048,
    SHORT_STREAM = 128,
    LANES_SIZE = 64,              /* Of one register. */
    STRIDE_SIZE = 4 * LANES_SIZE, /* Of the four that are folded side by side. */
    PAIR_SIZE = 32,               /* The same for shorter registers. */
    PAIRS_SIZE = 4 * PAIR_SIZE,
};

bool crc32c_has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

bool crc32c_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq") &&
           crc32c_has_sse42();
}

bool crc32c_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq") &&
           crc32c_has_sse42();
}

/* From here on `crc` is inverted, as the instruction wants it. */

SSE42 static inline uint64_t add_8(uint64_t crc, const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return _mm_crc32_u64(crc, v);
}

SSE42 static uint32_t one_stream(uint32_t crc, const uint8_t *p, size_t size)
{
    uint64_t sum = crc;

    for (; size >= 8; size -= 8, p += 8)
        sum = add_8(sum, p);
    crc = (uint32_t)sum;
    for (; size; size--, p++)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

SSE42 static inline uint64_t product(uint64_t a, uint32_t b)
{
    __m128i both =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a), _mm_cvtsi32_si128((int)b), 0);

    return (uint64_t)_mm_cvtsi128_si64(both);
}

/* Takes three streams, one behind the other in memory. */
SSE42 static inline uint32_t three_streams(uint32_t crc, const uint8_t *p, struct streams streams)
{
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;

    for (const uint8_t *end = p + streams.size; p < end; p += 8) {
        a = add_8(a, p);
        b = add_8(b, p + streams.size);
        c = add_8(c, p + 2 * streams.size);
    }
    c ^= _mm_crc32_u64(0, product(a, streams.over_two) ^ product(b, streams.over_one));
    return (uint32_t)c;
}

SSE42 uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t size)
{
    const struct streams long_streams = {LONG_STREAM, 0xa51b6135, 0x82f89c77};
    const struct streams short_streams = {SHORT_STREAM, 0x0d3b6092, 0xb9e02b86};
    const uint8_t *p = data;

    crc = ~crc;
    for (; size >= 3 * LONG_STREAM; size -= 3 * LONG_STREAM, p += 3 * LONG_STREAM)
        crc = three_streams(crc, p, long_streams);
    for (; size >= 3 * SHORT_STREAM; size -= 3 * SHORT_STREAM, p += 3 * SHORT_STREAM)
        crc = three_streams(crc, p, short_streams);
    return ~one_stream(crc, p, size);
}

/* The constants that move a lane of 16 bytes over a distance: one for each half. */
#    define OVER_256 0x0b9e02b86, 0x0dcb17aa4
#    define OVER_128 0x00d3b6092, 0x06992cea2
#    define OVER_64 0x09e4addf8, 0x0740eef02
#    define OVER_48 0x1d82c63da, 0x1c291d04
#    define OVER_32 0x0ba4fc28e, 0x1384aa63a
#    define OVER_16 0x14cd00bd6, 0x0f20c0dfe

SSE42 static inline __m128i fold_lane(__m128i sum, __m128i over, __m128i next)
{
    return _mm_xor_si128(next, _mm_xor_si128(_mm_clmulepi64_si128(sum, over, 0x00),
                                             _mm_clmulepi64_si128(sum, over, 0x11)));
}

/* The checksum of what is left in one lane. */
SSE42 static inline uint32_t reduce_lane(__m128i lane)
{
    return (uint32_t)_mm_crc32_u64(_mm_crc32_u64(0, (uint64_t)_mm_extract_epi64(lane, 0)),
                                   (uint64_t)_mm_extract_epi64(lane, 1));
}

AVX2 static inline __m256i load_pair(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline __m256i fold_pair(__m256i sum, __m256i over, __m256i next)
{
    return _mm256_xor_si256(next, _mm256_xor_si256(_mm256_clmulepi64_epi128(sum, over, 0x00),
                                                   _mm256_clmulepi64_epi128(sum, over, 0x11)));
}

/* Four variables and no array, which compilers would keep in memory; below as well. */
AVX2 uint32_t crc32c_avx2(uint32_t crc, const void *data, size_t size)
{
    const __m256i over_128 = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_128));
    const __m256i over_32 = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_32));
    const uint8_t *p = data;
    __m256i a, b, c, d;

    if (size < PAIRS_SIZE)
        return ~one_stream(~crc, p, size);
    a = _mm256_xor_si256(load_pair(p), _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)~crc)));
    b = load_pair(p + PAIR_SIZE);
    c = load_pair(p + 2 * PAIR_SIZE);
    d = load_pair(p + 3 * PAIR_SIZE);
    p += PAIRS_SIZE;
    size -= PAIRS_SIZE;

    for (; size >= PAIRS_SIZE; size -= PAIRS_SIZE, p += PAIRS_SIZE) {
        a = fold_pair(a, over_128, load_pair(p));
        b = fold_pair(b, over_128, load_pair(p + PAIR_SIZE));
        c = fold_pair(c, over_128, load_pair(p + 2 * PAIR_SIZE));
        d = fold_pair(d, over_128, load_pair(p + 3 * PAIR_SIZE));
    }
    d = fold_pair(fold_pair(fold_pair(a, over_32, b), over_32, c), over_32, d);
    for (; size >= PAIR_SIZE; size -= PAIR_SIZE, p += PAIR_SIZE)
        d = fold_pair(d, over_32, load_pair(p));
    crc = reduce_lane(fold_lane(_mm256_castsi256_si128(d), _mm_set_epi64x(OVER_16),
                                _mm256_extracti128_si256(d, 1)));
    return ~one_stream(crc, p, size);
}

AVX512 static inline __m512i load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

/* Moves the lanes of `sum` by what `over` says, and adds them to `next`. */
AVX512 static inline __m512i fold(__m512i sum, __m512i over, __m512i next)
{
    enum { XOR_OF_THREE = 0x96 };

    return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(sum, over, 0x00),
                                     _mm512_clmulepi64_epi128(sum, over, 0x11), next, XOR_OF_THREE);
}

/* The checksum of what one register holds. */
AVX512 static inline uint32_t reduce(__m512i sum)
{
    __m128i lane = _mm512_extracti32x4_epi32(sum, 3);

    lane = fold_lane(_mm512_extracti32x4_epi32(sum, 0), _mm_set_epi64x(OVER_48), lane);
    lane = fold_lane(_mm512_extracti32x4_epi32(sum, 1), _mm_set_epi64x(OVER_32), lane);
    lane = fold_lane(_mm512_extracti32x4_epi32(sum, 2), _mm_set_epi64x(OVER_16), lane);
    return reduce_lane(lane);
}

AVX512 uint32_t crc32c_avx512(uint32_t crc, const void *data, size_t size)
{
    const __m512i over_256 = _mm512_broadcast_i32x4(_mm_set_epi64x(OVER_256));
    const __m512i over_64 = _mm512_broadcast_i32x4(_mm_set_epi64x(OVER_64));
    const uint8_t *p = data;
    __m512i a, b, c, d;

    if (size < STRIDE_SIZE)
        return ~one_stream(~crc, p, size);
    a = _mm512_xor_si512(load(p), _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~crc)));
    b = load(p + LANES_SIZE);
    c = load(p + 2 * LANES_SIZE);
    d = load(p + 3 * LANES_SIZE);
    p += STRIDE_SIZE;
    size -= STRIDE_SIZE;

    for (; size >= STRIDE_SIZE; size -= STRIDE_SIZE, p += STRIDE_SIZE) {
        a = fold(a, over_256, load(p));
        b = fold(b, over_256, load(p + LANES_SIZE));
        c = fold(c, over_256, load(p + 2 * LANES_SIZE));
        d = fold(d, over_256, load(p + 3 * LANES_SIZE));
    }
    d = fold(fold(fold(a, over_64, b), over_64, c), over_64, d);
    for (; size >= LANES_SIZE; size -= LANES_SIZE, p += LANES_SIZE)
        d = fold(d, over_64, load(p));
    return ~one_stream(reduce(d), p, size);
}

#else

bool crc32c_has_sse42(void)
{
    return false;
}

bool crc32c_has_avx2(void)
{
    return false;
}

bool crc32c_has_avx512(void)
{
    return false;
}

uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t size)
{
    return crc32c_portable(crc, data, size);
}

uint32_t crc32c_avx2(uint32_t crc, const void *data, size_t size)
{
    return crc32c_portable(crc, data, size);
}

uint32_t crc32c_avx512(uint32_t crc, const void *data, size_t size)
{
    return crc32c_portable(crc, data, size);
}

#endif
