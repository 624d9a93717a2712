/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"

enum { REPLACEMENT = 0xfffd, SUPPLEMENTARY = 0x10000 };

/* Bytes that follow a first byte, or -1; the bounds of the one that comes next keep out
 * overlong forms, surrogates and what is above U+10FFFF. */
static int following(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef)
        return 2;
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* Takes one character off the text, which is not empty. */
static uint32_t take_character(struct slice *text)
{
    uint8_t first = text->data[0];
    uint8_t low, high;
    int rest = following(first, &low, &high);
    uint32_t character = rest > 0 ? first & (0x3fu >> rest) : first;
    size_t at = 1;

    for (int i = 0; i < rest; i++, at++) {
        if (at == text->size || text->data[at] < low || text->data[at] > high) {
            rest = -1;
            break;
        }
        character = character << 6 | (text->data[at] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *text = slice_of(text->data + at, text->size - at);
    return rest < 0 ? REPLACEMENT : character;
}

size_t utf16_length(struct slice text)
{
    size_t length = 0;

    while (text.size > 0)
        length += take_character(&text) >= SUPPLEMENTARY ? 2 : 1;
    return length;
}

int32_t utf16_hash(struct slice text)
{
    uint32_t hash = 0;

    while (text.size > 0) {
        uint32_t c = take_character(&text);

        if (c >= SUPPLEMENTARY) {
            c -= SUPPLEMENTARY;
            hash = hash * 31 + (0xd800 + (c >> 10));
            c = 0xdc00 + (c & 0x3ff);
        }
        hash = hash * 31 + c;
    }
    return (int32_t)hash;
}
