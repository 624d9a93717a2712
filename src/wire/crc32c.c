/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/crc32c.h"

#include "wire/crc32c_internal.h"

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t size)
{
    if (crc32c_has_avx512())
        return crc32c_avx512(crc, data, size);
    if (crc32c_has_avx2())
        return crc32c_avx2(crc, data, size);
    if (crc32c_has_sse42())
        return crc32c_sse42(crc, data, size);
    if (crc32c_has_armv8())
        return crc32c_armv8(crc, data, size);
    return crc32c_portable(crc, data, size);
}

uint32_t crc32c(const void *data, size_t size)
{
    return crc32c_extend(0, data, size);
}
