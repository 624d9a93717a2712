/* SPDX-License-Identifier: Apache-2.0 */

/* wire/crc32c_arm.c - the checksum by the instructions of 64-bit ARM processors.
 *
 * They became obligatory with ARMv8.1; of the older processors all but the very first have
 * them.  So CMakeLists.txt lets the compiler use them, and nothing is asked at run time.
 */

#include "wire/crc32c_internal.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#    include <arm_acle.h>
#    include <string.h>

bool crc32c_has_armv8(void)
{
    return true;
}

uint32_t crc32c_armv8(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        crc = __crc32cd(crc, v);
    }
    for (; size; size--, p++)
        crc = __crc32cb(crc, *p);
    return ~crc;
}

#else

bool crc32c_has_armv8(void)
{
    return false;
}

uint32_t crc32c_armv8(uint32_t crc, const void *data, size_t size)
{
    return crc32c_portable(crc, data, size);
}

#endif
