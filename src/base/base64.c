/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits[] = "0123456789abcdef";

void base64_print(struct slice bytes, struct text *out)
{
    char *to = (char *)text_add_space(out, (bytes.size + 2) / 3 * 4);

    for (size_t i = 0; i < bytes.size; i += 3, to += 4) {
        size_t have = min_of(bytes.size - i, (size_t)3);
        uint32_t bits = (uint32_t)bytes.data[i] << 16;

        if (have > 1)
            bits |= (uint32_t)bytes.data[i + 1] << 8;
        if (have > 2)
            bits |= bytes.data[i + 2];
        to[0] = alphabet[bits >> 18];
        to[1] = alphabet[bits >> 12 & 63];
        to[2] = have > 1 ? alphabet[bits >> 6 & 63] : '=';
        to[3] = have > 2 ? alphabet[bits & 63] : '=';
    }
}

/* What a character stands for; above 63 if for nothing. */
static uint32_t sextet(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - (uint32_t)'A';
    if (c >= 'a' && c <= 'z')
        return c - (uint32_t)'a' + 26;
    if (c >= '0' && c <= '9')
        return c - (uint32_t)'0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int base64_parse(struct slice text, uint8_t *out, size_t *out_size)
{
    size_t size = 0;

    if (text.size % 4)
        return BASE64_E_MALFORMED;
    for (size_t i = 0; i < text.size; i += 4) {
        const uint8_t *c = text.data + i;
        bool is_last = i + 4 == text.size;
        size_t have = is_last && c[3] == '=' ? (c[2] == '=' ? 1 : 2) : 3;
        uint32_t third = have > 1 ? sextet(c[2]) : 0;
        uint32_t fourth = have > 2 ? sextet(c[3]) : 0;
        uint32_t bits = sextet(c[0]) << 18 | sextet(c[1]) << 12 | third << 6 | fourth;

        if (sextet(c[0]) > 63 || sextet(c[1]) > 63 || third > 63 || fourth > 63 ||
            (bits & (0xffffffu >> (8 * have)) & 0xffffffu))
            return BASE64_E_MALFORMED;
        out[size++] = (uint8_t)(bits >> 16);
        if (have > 1)
            out[size++] = (uint8_t)(bits >> 8);
        if (have > 2)
            out[size++] = (uint8_t)bits;
    }
    *out_size = size;
    return 0;
}

void base64_print_hex(struct slice bytes, struct text *out)
{
    char *to = (char *)text_add_space(out, bytes.size * 2);

    for (size_t i = 0; i < bytes.size; i++) {
        *to++ = digits[bytes.data[i] >> 4];
        *to++ = digits[bytes.data[i] & 15];
    }
}

/* The value of a digit; above 15 if it is none. */
static unsigned digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10 : 16;
}

int base64_parse_hex(struct slice text, uint8_t *out, size_t *out_size)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size;) {
        if (memchr(" \t\r\n", text.data[i], 4)) {
            i++;
            continue;
        }
        if (i + 1 == text.size || digit(text.data[i]) > 15 || digit(text.data[i + 1]) > 15)
            return BASE64_E_MALFORMED;
        out[size++] = (uint8_t)(digit(text.data[i]) << 4 | digit(text.data[i + 1]));
        i += 2;
    }
    *out_size = size;
    return 0;
}
