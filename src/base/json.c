/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>

enum { NUMBER_SIZE_MAX = 400 };

void json_init(struct json *json, struct slice text)
{
    *json = (struct json){.start = text.data, .at = text.data, .end = text.data + text.size};
    if (!text.data)
        json_fail(json, "there is no text");
}

void json_fail(struct json *json, const char *error)
{
    if (!json->error)
        json->error = error;
}

static bool fail(struct json *json, const char *error)
{
    json_fail(json, error);
    return false;
}

/* The next byte that is no blank, or 0 at the end of the text. */
static uint8_t next_byte(struct json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
        json->at++;
    return json->at < json->end ? *json->at : 0;
}

enum json_kind json_peek(struct json *json)
{
    uint8_t c;

    if (json->error)
        return JSON_BAD;
    c = next_byte(json);
    switch (c) {
    case 'n': return JSON_NULL;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case '"': return JSON_STRING;
    case '[': return JSON_ARRAY;
    case '{': return JSON_OBJECT;
    default: break;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return JSON_NUMBER;
    json_fail(json,
              json->at == json->end ? "the text ends too early" : "no value begins like this");
    return JSON_BAD;
}

static bool word(struct json *json, const char *text)
{
    size_t size = strlen(text);

    if ((size_t)(json->end - json->at) < size || memcmp(json->at, text, size) != 0)
        return fail(json, "no value begins like this");
    json->at += size;
    return true;
}

bool json_enter(struct json *json, enum json_kind kind)
{
    enum json_kind found = json_peek(json);

    assert(kind == JSON_ARRAY || kind == JSON_OBJECT);
    if (found == JSON_BAD)
        return false;
    if (found != kind)
        return fail(json, kind == JSON_ARRAY ? "this is not an array" : "this is not an object");
    if (json->depth == JSON_DEPTH_MAX)
        return fail(json, "arrays and objects nest too deep");
    json->at++;
    json->is_object[json->depth] = kind == JSON_OBJECT;
    json->has_elements[json->depth++] = false;
    return true;
}

bool json_more(struct json *json)
{
    int top = json->depth - 1;
    uint8_t c;

    if (json->error)
        return false;
    assert(json->depth > 0);
    c = next_byte(json);
    if (c == (json->is_object[top] ? '}' : ']')) {
        json->at++;
        json->depth--;
        return false;
    }
    if (json->has_elements[top]) {
        if (c != ',')
            return fail(json, c ? "a comma or the end of the list is missing"
                                : "the text ends too early");
        json->at++;
    }
    json->has_elements[top] = true;
    return true;
}

bool json_key(struct json *json, struct arena *arena, struct slice *out)
{
    if (json->error)
        return false;
    if (next_byte(json) != '"')
        return fail(json, "the name of a member is missing");
    if (!json_string(json, arena, out))
        return false;
    if (next_byte(json) != ':')
        return fail(json, "a colon is missing");
    json->at++;
    return true;
}

bool json_null(struct json *json)
{
    enum json_kind kind = json_peek(json);

    if (kind != JSON_NULL)
        return fail(json, "this is not null");
    return word(json, "null");
}

bool json_bool(struct json *json, bool *out)
{
    enum json_kind kind = json_peek(json);

    if (kind != JSON_TRUE && kind != JSON_FALSE)
        return fail(json, "this is neither true nor false");
    if (!word(json, kind == JSON_TRUE ? "true" : "false"))
        return false;
    *out = kind == JSON_TRUE;
    return true;
}

static size_t digits(struct json *json)
{
    const uint8_t *from = json->at;

    while (json->at < json->end && *json->at >= '0' && *json->at <= '9')
        json->at++;
    return (size_t)(json->at - from);
}

/* Passes over `c` if it comes next. */
static bool take_byte(struct json *json, uint8_t c)
{
    if (json->at == json->end || *json->at != c)
        return false;
    json->at++;
    return true;
}

/* Passes over a number; false where the grammar ends it too early. */
static bool take_number(struct json *json)
{
    (void)take_byte(json, '-');
    if (!take_byte(json, '0') && !digits(json))
        return false;
    if (take_byte(json, '.') && !digits(json))
        return false;
    if (!take_byte(json, 'e') && !take_byte(json, 'E'))
        return true;
    if (!take_byte(json, '-'))
        (void)take_byte(json, '+');
    return digits(json) > 0;
}

bool json_number(struct json *json, struct slice *out)
{
    const uint8_t *from;

    if (json_peek(json) != JSON_NUMBER)
        return fail(json, "this is not a number");
    from = json->at;
    if (!take_number(json) || json->at - from > NUMBER_SIZE_MAX)
        return fail(json, "this is no way to write a number");
    *out = slice_of(from, (size_t)(json->at - from));
    return true;
}

bool json_i64(struct json *json, int64_t *out)
{
    char copy[NUMBER_SIZE_MAX + 1];
    struct slice text;
    long long value;
    char *end;

    if (!json_number(json, &text))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    errno = 0;
    value = strtoll(copy, &end, 10);
    if (*end)
        return fail(json, "a whole number is expected");
    if (errno)
        return fail(json, "this number is too large");
    *out = value;
    return true;
}

/* The size of the UTF-8 character that begins here, or 0 if none does (RFC 3629). */
static size_t utf8_size(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] > 0xf4 || size == 0 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

static size_t utf8_write(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

/* Four hex digits; UINT32_MAX if they are none. */
static uint32_t hex4(struct json *json)
{
    uint32_t value = 0;

    if (json->end - json->at < 4)
        return UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *json->at++;
        uint8_t lower = c | 0x20;

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return value;
}

/* What `\u` stands for, with the second half of a pair; UINT32_MAX if for nothing. */
static uint32_t unicode_escape(struct json *json)
{
    uint32_t first = hex4(json);
    uint32_t second;

    if (first < 0xd800 || first > 0xdfff || first == UINT32_MAX)
        return first;
    if (first > 0xdbff || json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
        return UINT32_MAX;
    json->at += 2;
    second = hex4(json);
    if (second < 0xdc00 || second > 0xdfff)
        return UINT32_MAX;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* Reads what follows a backslash; how many bytes it is, or 0. */
static size_t escape(struct json *json, uint8_t *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t c;

    if (json->at == json->end)
        return 0;
    c = *json->at++;
    if (c == 'u') {
        c = unicode_escape(json);
        return c == UINT32_MAX ? 0 : utf8_write(c, out);
    }
    found = c ? strchr(from, (int)c) : NULL;
    if (!found)
        return 0;
    *out = (uint8_t)to[found - from];
    return 1;
}

/* Where the string ends that begins here: its quote, or NULL. */
static const uint8_t *string_end(const struct json *json, bool *out_has_escapes)
{
    *out_has_escapes = false;
    for (const uint8_t *p = json->at; p < json->end; p++) {
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *out_has_escapes = true;
            p++;
        }
    }
    return NULL;
}

/* Copies up to the quote; `out` has room for all of it.  False where it is not well. */
static bool string_copy(struct json *json, uint8_t *out, size_t *out_size)
{
    size_t size = 0;

    while (*json->at != '"') {
        size_t n;

        if (*json->at < 0x20)
            return fail(json, "a control character in a string");
        if (*json->at == '\\') {
            json->at++;
            n = escape(json, out + size);
            if (!n)
                return fail(json, "a string has a backslash that means nothing");
        } else {
            n = utf8_size(json->at, json->end);
            if (!n)
                return fail(json, "a string is not UTF-8");
            memmove(out + size, json->at, n);
            json->at += n;
        }
        size += n;
    }
    json->at++;
    *out_size = size;
    return true;
}

bool json_string(struct json *json, struct arena *arena, struct slice *out)
{
    bool has_escapes;
    const uint8_t *end;
    uint8_t *copy;
    size_t size;

    if (json_peek(json) != JSON_STRING)
        return fail(json, "this is not a string");
    json->at++;
    end = string_end(json, &has_escapes);
    if (!end)
        return fail(json, "a string does not end");
    copy = arena_try(arena, (size_t)(end - json->at) + 1);
    if (!copy)
        return fail(json, "there is not enough memory");
    if (!string_copy(json, copy, &size))
        return false;
    *out = slice_of(copy, size);
    return true;
}

/* Passes over one value that has no elements, or enters it. */
static bool skip_one(struct json *json)
{
    bool has_escapes;
    const uint8_t *end;
    struct slice text;
    bool flag;

    switch (json_peek(json)) {
    case JSON_NULL: return json_null(json);
    case JSON_TRUE:
    case JSON_FALSE: return json_bool(json, &flag);
    case JSON_NUMBER: return json_number(json, &text);
    case JSON_ARRAY: return json_enter(json, JSON_ARRAY);
    case JSON_OBJECT: return json_enter(json, JSON_OBJECT);
    case JSON_STRING:
        json->at++;
        end = string_end(json, &has_escapes);
        if (!end)
            return fail(json, "a string does not end");
        json->at = end + 1;
        return true;
    case JSON_BAD: break;
    }
    return false;
}

/* Passes over the name of a member. */
static bool skip_key(struct json *json)
{
    if (next_byte(json) != '"')
        return fail(json, "the name of a member is missing");
    if (!skip_one(json))
        return false;
    if (next_byte(json) != ':')
        return fail(json, "a colon is missing");
    json->at++;
    return true;
}

bool json_skip(struct json *json)
{
    int depth = json->depth;

    if (!skip_one(json))
        return false;
    while (json->depth > depth) {
        if (!json_more(json)) {
            if (json->error)
                return false;
            continue;
        }
        if (json->is_object[json->depth - 1] && !skip_key(json))
            return false;
        if (!skip_one(json))
            return false;
    }
    return true;
}

bool json_end(struct json *json)
{
    if (json->error)
        return false;
    (void)next_byte(json);
    return json->at == json->end || fail(json, "more follows behind the end");
}

int json_line(const struct json *json)
{
    int line = 1;

    for (const uint8_t *p = json->start; p < json->at; p++)
        line += *p == '\n';
    return line;
}

static void print_short(uint8_t c, struct text *out)
{
    switch (c) {
    case '"': text_add(out, "\\\"", 2); break;
    case '\\': text_add(out, "\\\\", 2); break;
    case '\b': text_add(out, "\\b", 2); break;
    case '\f': text_add(out, "\\f", 2); break;
    case '\n': text_add(out, "\\n", 2); break;
    case '\r': text_add(out, "\\r", 2); break;
    case '\t': text_add(out, "\\t", 2); break;
    default:
        if (c < 0x20)
            text_printf(out, "\\u%04X", c);
        else
            text_add(out, &c, 1);
    }
}

void json_print_string(struct slice s, struct text *out)
{
    const uint8_t *at = s.data;
    const uint8_t *end = s.data + s.size;

    text_add(out, "\"", 1);
    while (at < end) {
        size_t size = utf8_size(at, end);

        if (size == 1)
            print_short(*at, out);
        else if (size)
            text_add(out, at, size);
        else
            text_add(out, "\xef\xbf\xbd", 3);
        at += max_of(size, (size_t)1);
    }
    text_add(out, "\"", 1);
}
