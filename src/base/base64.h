/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/base64.h - bytes as text: standard base64 with padding, and hex.
 *
 * Base64 is what JSON has for bytes; hex is for people.  (Ids have the URL-safe form
 * without padding: base/uuid.h.)
 *
 * Threading: pure functions.
 * Errors:    enum base64_outcome.
 */

#include "base/slice.h"
#include "base/text.h"

enum base64_outcome { BASE64_E_MALFORMED = 1 };

/* Adds the base64 of `bytes`. */
void base64_print(struct slice bytes, struct text *out);

/* How many bytes base64_parse() may write for so much text. */
static inline size_t base64_size_max(size_t text_size)
{
    return text_size / 4 * 3;
}

/* Reads base64 into `out`, which has base64_size_max() bytes; it may be the text itself.
 * Text must be whole groups of four with padding at the end only. */
NODISCARD int base64_parse(struct slice text, uint8_t *out, size_t *out_size);

/* Adds two lower case digits for each byte. */
void base64_print_hex(struct slice bytes, struct text *out);

/* Reads hex, of both cases; blanks and line ends between bytes are skipped.  `out` has
 * half the size of the text. */
NODISCARD int base64_parse_hex(struct slice text, uint8_t *out, size_t *out_size);
