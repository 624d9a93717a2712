/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int uuid_from_random(const uint8_t random[static 16], struct uuid *out)
{
    struct uuid u;
    char text[UUID_TEXT_SIZE + 1];

    memcpy(u.bytes, random, sizeof(u.bytes));
    u.bytes[6] = (uint8_t)((u.bytes[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    u.bytes[8] = (uint8_t)((u.bytes[8] & 0x3f) | 0x80); /* and its variant. */
    uuid_print(u, text);
    if (text[0] == '-')
        return UUID_E_MALFORMED;
    *out = u;
    return 0;
}

void uuid_print(struct uuid u, char out[static UUID_TEXT_SIZE + 1])
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(u.bytes); i++) {
        bits = bits << 8 | u.bytes[i];
        for (have += 8; have >= 6; have -= 6)
            out[n++] = alphabet[bits >> (have - 6) & 63];
    }
    out[n++] = alphabet[bits << (6 - have) & 63];
    assert(n == UUID_TEXT_SIZE);
    out[n] = 0;
}

int uuid_parse(struct slice text, struct uuid *out)
{
    struct uuid u = {{0}};
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;

    if (text.size != UUID_TEXT_SIZE)
        return UUID_E_MALFORMED;
    for (size_t i = 0; i < text.size; i++) {
        const char *at = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;

        if (!at)
            return UUID_E_MALFORMED;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        have += 6;
        if (have >= 8 && n < sizeof(u.bytes)) {
            have -= 8;
            u.bytes[n++] = (uint8_t)(bits >> have);
        }
    }
    *out = u;
    return 0;
}
