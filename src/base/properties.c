/* SPDX-License-Identifier: Apache-2.0 */

/* base/properties.c - config_parse(): Java's properties format. */

#include "base/config.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static struct slice skip_blanks(struct slice s)
{
    while (s.size > 0 && is_blank(s.data[0]))
        s = slice_of(s.data + 1, s.size - 1);
    return s;
}

/* Takes one natural line off the front of `file`, without its end. */
static struct slice take_line(struct slice *file)
{
    size_t size = 0;
    struct slice line;

    while (size < file->size && file->data[size] != '\n' && file->data[size] != '\r')
        size++;
    line = slice_of(file->data, size);
    if (size < file->size && file->data[size] == '\r')
        size++;
    if (size < file->size && file->data[size] == '\n')
        size++;
    *file = slice_of(file->data + size, file->size - size);
    return line;
}

/* A line goes on if it ends with an odd number of backslashes. */
static bool is_continued(struct slice line)
{
    size_t slashes = 0;

    while (slashes < line.size && line.data[line.size - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* Four hexadecimal digits. */
static bool parse_unit(struct slice digits, uint32_t *out)
{
    uint32_t c = 0;

    for (size_t i = 0; i < 4; i++) {
        uint8_t d = digits.size > i ? digits.data[i] : 0;
        uint32_t lower = (uint32_t)d | 0x20;

        if (d >= '0' && d <= '9')
            c = c << 4 | (uint32_t)(d - '0');
        else if (lower >= 'a' && lower <= 'f')
            c = c << 4 | (lower - 'a' + 10);
        else
            return false;
    }
    *out = c;
    return true;
}

static void add_utf8(uint32_t c, struct text *out)
{
    const uint8_t last = (uint8_t)(0x80 | (c & 0x3f));
    const uint8_t third = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    const uint8_t second = (uint8_t)(0x80 | (c >> 12 & 0x3f));

    if (c < 0x80)
        text_add(out, &(uint8_t){(uint8_t)c}, 1);
    else if (c < 0x800)
        text_add(out, (const uint8_t[]){(uint8_t)(0xc0 | c >> 6), last}, 2);
    else if (c < 0x10000)
        text_add(out, (const uint8_t[]){(uint8_t)(0xe0 | c >> 12), third, last}, 3);
    else
        text_add(out, (const uint8_t[]){(uint8_t)(0xf0 | c >> 18), second, third, last}, 4);
}

/* Adds the character whose digits `rest` begins with; two escapes may be one character
 * (UTF-16's surrogates), and half of one is written as Java writes it: `?`.  Returns
 * how many bytes of `rest` it was, or 0 if they are malformed. */
static size_t add_unicode(struct slice rest, struct text *out)
{
    uint32_t c;
    uint32_t low;

    if (!parse_unit(rest, &c))
        return 0;
    if (c < 0xd800 || c > 0xdfff) {
        add_utf8(c, out);
        return 4;
    }
    if (c < 0xdc00 && rest.size >= 10 && rest.data[4] == '\\' && rest.data[5] == 'u' &&
        parse_unit(slice_of(rest.data + 6, rest.size - 6), &low) && low >= 0xdc00 &&
        low <= 0xdfff) {
        add_utf8(0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00), out);
        return 10;
    }
    text_add(out, "?", 1);
    return 4;
}

static bool unescape(struct slice raw, struct text *out)
{
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];

        if (c == '\\' && i + 1 < raw.size) {
            c = raw.data[++i];
            if (c == 'u') {
                size_t used = add_unicode(slice_of(raw.data + i + 1, raw.size - i - 1), out);

                if (used == 0)
                    return false;
                i += used;
                continue;
            }
            c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c;
        }
        text_add(out, &c, 1);
    }
    return true;
}

/* Where the key of a logical line ends. */
static size_t key_size(struct slice line)
{
    size_t i = 0;

    while (i < line.size && line.data[i] != '=' && line.data[i] != ':' && !is_blank(line.data[i]))
        i += line.data[i] == '\\' ? 2 : 1;
    return min_of(i, line.size);
}

static int parse_logical(struct slice line, config_pair_fn *fn, void *context, struct text *why)
{
    struct text key = {.data = NULL};
    struct text value = {.data = NULL};
    size_t size = key_size(line);
    struct slice rest = skip_blanks(slice_of(line.data + size, line.size - size));
    int r;

    if (rest.size > 0 && (rest.data[0] == '=' || rest.data[0] == ':'))
        rest = skip_blanks(slice_of(rest.data + 1, rest.size - 1));
    if (unescape(slice_of(line.data, size), &key) && unescape(rest, &value)) {
        while (value.size > 0 && is_blank((uint8_t)value.data[value.size - 1]))
            value.size--;
        r = fn(context, text_slice(&key), text_slice(&value));
    } else {
        text_printf(why, "malformed \\u escape in: %.*s", SLICE_ARG(line));
        r = CONFIG_E_INVALID;
    }
    text_fini(&key);
    text_fini(&value);
    return r;
}

int config_parse(struct slice file, config_pair_fn *fn, void *context, struct text *why)
{
    struct text logical = {.data = NULL};
    int r = 0;

    while (r == 0 && file.size > 0) {
        struct slice line = skip_blanks(take_line(&file));
        bool goes_on = is_continued(line);

        if (logical.size == 0 && line.size > 0 && (line.data[0] == '#' || line.data[0] == '!'))
            continue;
        text_add(&logical, line.data, line.size - goes_on);
        if (goes_on && file.size > 0)
            continue;
        if (logical.size > 0)
            r = parse_logical(text_slice(&logical), fn, context, why);
        logical.size = 0;
    }
    text_fini(&logical);
    return r;
}
