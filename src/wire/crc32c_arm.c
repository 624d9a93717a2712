/* SPDX-License-Identifier: Apache-2.0 */

/* wire/crc32c_arm.c - the checksum by the instructions of ARMv8 processors that have them
 * (all but the first ones).  Compiled with those instructions allowed; see CMakeLists.txt.
 */

#include "wire/crc32c_internal.h"

#if defined(__aarch64__)

#    include <arm_acle.h>
#    include <string.h>
#    include <sys/auxv.h>

enum { HAS_CRC32 = 1 << 7 }; /* Linux's HWCAP_CRC32. */

bool crc32c_has_armv8(void)
{
    return getauxval(AT_HWCAP) & HAS_CRC32;
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

#endif
