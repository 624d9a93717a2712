/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/uuid.h - Kafka's identifiers: 16 bytes, written as 22 characters of URL-safe
 * base64 without padding. */

#include "base/slice.h"

enum { UUID_TEXT_SIZE = 22 };

struct uuid {
    uint8_t bytes[16];
};

static inline bool uuid_equal(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static inline bool uuid_is_zero(struct uuid u)
{
    return uuid_equal(u, (struct uuid){{0}});
}

enum uuid_outcome { UUID_E_MALFORMED = 1 };

/* Makes a version 4 UUID of 16 random bytes.  UUID_E_MALFORMED if the result would
 * be reserved or its text begin with `-`, which Kafka never gives out: try again. */
NODISCARD int uuid_from_random(const uint8_t random[static 16], struct uuid *out);

/* Writes the text and a zero byte. */
void uuid_print(struct uuid u, char out[static UUID_TEXT_SIZE + 1]);

/* Reads the text.  UUID_E_MALFORMED if it is not 22 characters of base64. */
NODISCARD int uuid_parse(struct slice text, struct uuid *out);
