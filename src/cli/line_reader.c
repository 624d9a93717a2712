/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/line_reader.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static char *text_of(struct slice s)
{
    return mem_copy_text(s.data, s.size);
}

void line_reader_init(struct line_reader *reader)
{
    *reader = (struct line_reader){
        .key_separator = text_of(slice_text("\t")),
        .headers_delimiter = text_of(slice_text("\t")),
        .headers_separator = text_of(slice_text(",")),
        .headers_key_separator = text_of(slice_text(":")),
    };
}

void line_reader_fini(struct line_reader *reader)
{
    mem_free(reader->key_separator);
    mem_free(reader->headers_delimiter);
    mem_free(reader->headers_separator);
    mem_free(reader->headers_key_separator);
    mem_free(reader->null_marker);
    mem_free(reader->headers);
}

static void set_flag(bool *flag, struct slice value)
{
    while (value.size > 0 && value.data[value.size - 1] == ' ')
        value.size--;
    *flag = value.size == 4 && strncasecmp((const char *)value.data, "true", 4) == 0;
}

static void set_text(char **text, struct slice value)
{
    mem_free(*text);
    *text = text_of(value);
}

void line_reader_set(struct line_reader *reader, struct slice key, struct slice value)
{
    if (slice_is_text(key, "parse.key"))
        set_flag(&reader->parse_key, value);
    else if (slice_is_text(key, "parse.headers"))
        set_flag(&reader->parse_headers, value);
    else if (slice_is_text(key, "ignore.error"))
        set_flag(&reader->ignore_error, value);
    else if (slice_is_text(key, "key.separator"))
        set_text(&reader->key_separator, value);
    else if (slice_is_text(key, "headers.delimiter"))
        set_text(&reader->headers_delimiter, value);
    else if (slice_is_text(key, "headers.separator"))
        set_text(&reader->headers_separator, value);
    else if (slice_is_text(key, "headers.key.separator"))
        set_text(&reader->headers_key_separator, value);
    else if (slice_is_text(key, "null.marker"))
        set_text(&reader->null_marker, value);
}

static int differ(const char *name, const char *value, const char *other_name, const char *other,
                  struct text *why)
{
    if (!value || strcmp(value, other) != 0)
        return 0;
    text_printf(why, "%s and %s may not be equal", name, other_name);
    return LINE_READER_E_INVALID;
}

int line_reader_check(const struct line_reader *r, struct text *why)
{
    int e = differ("headers.delimiter", r->headers_delimiter, "headers.separator",
                   r->headers_separator, why);

    if (!e)
        e = differ("headers.delimiter", r->headers_delimiter, "headers.key.separator",
                   r->headers_key_separator, why);
    if (!e)
        e = differ("headers.separator", r->headers_separator, "headers.key.separator",
                   r->headers_key_separator, why);
    if (!e)
        e = differ("null.marker", r->null_marker, "key.separator", r->key_separator, why);
    if (!e)
        e = differ("null.marker", r->null_marker, "headers.separator", r->headers_separator, why);
    if (!e)
        e = differ("null.marker", r->null_marker, "headers.delimiter", r->headers_delimiter, why);
    if (!e)
        e = differ("null.marker", r->null_marker, "headers.key.separator", r->headers_key_separator,
                   why);
    return e;
}

/* Where `mark` begins in `s`, or NULL. */
static const uint8_t *find(struct slice s, const char *mark)
{
    return s.size > 0 ? memmem(s.data, s.size, mark, strlen(mark)) : *mark ? NULL : s.data;
}

static struct slice null_if_marked(const struct line_reader *reader, struct slice s)
{
    if (reader->null_marker && slice_is_text(s, reader->null_marker))
        return slice_null();
    return s;
}

/* Takes what is in front of `mark` off `*rest`; null if it is missing and that is to be
 * ignored. */
static int take_field(const struct line_reader *reader, struct slice line, struct slice *rest,
                      const char *mark, const char *mark_name, struct slice *out, struct text *why)
{
    const uint8_t *at = find(*rest, mark);
    size_t size;

    *out = slice_null();
    if (!at) {
        if (reader->ignore_error)
            return 0;
        text_printf(why, "No %s found on line number %" PRId64 ": '%.*s'", mark_name,
                    reader->line_number, SLICE_ARG(line));
        return LINE_READER_E_INVALID;
    }
    size = (size_t)(at - rest->data);
    *out = slice_of(rest->data, size);
    size += strlen(mark);
    *rest = slice_of(rest->data + size, rest->size - size);
    return 0;
}

static int add_header(struct line_reader *reader, struct slice pair, struct text *why)
{
    const uint8_t *at = find(pair, reader->headers_key_separator);
    struct record_header header = {.key = pair, .value = slice_null()};

    if (!at && !reader->ignore_error) {
        text_printf(why, "No header key separator found in pair '%.*s' on line number %" PRId64,
                    SLICE_ARG(pair), reader->line_number);
        return LINE_READER_E_INVALID;
    }
    if (at) {
        size_t size = (size_t)(at - pair.data);
        size_t skip = size + strlen(reader->headers_key_separator);

        header.key = slice_of(pair.data, size);
        if (reader->null_marker && slice_is_text(header.key, reader->null_marker)) {
            text_printf(why,
                        "Header keys should not be equal to the null marker '%s' as they can't be "
                        "null",
                        reader->null_marker);
            return LINE_READER_E_INVALID;
        }
        header.value = null_if_marked(reader, slice_of(pair.data + skip, pair.size - skip));
    }
    if (reader->header_count == reader->header_capacity) {
        reader->header_capacity = max_of(reader->header_capacity * 2, (size_t)8);
        reader->headers =
            mem_resize(reader->headers, reader->header_capacity, sizeof(*reader->headers));
    }
    reader->headers[reader->header_count++] = header;
    return 0;
}

/* Pairs between separators.  Empty ones at the end are none, as Java splits; of nothing but
 * separators nothing is left. */
static int split_headers(struct line_reader *reader, struct slice all, struct text *why)
{
    size_t mark = strlen(reader->headers_separator);
    bool was_empty = all.size == 0;
    int e = 0;

    while (mark > 0 && all.size >= mark &&
           memcmp(all.data + all.size - mark, reader->headers_separator, mark) == 0)
        all.size -= mark;
    if (all.size == 0 && !was_empty)
        return 0;
    while (!e) {
        const uint8_t *at = find(all, reader->headers_separator);
        size_t size = at ? (size_t)(at - all.data) : all.size;

        e = add_header(reader, slice_of(all.data, size), why);
        if (!at)
            return e;
        all = slice_of(at + mark, all.size - size - mark);
    }
    return e;
}

int line_reader_parse(struct line_reader *reader, struct slice line, struct producer_record *record,
                      struct text *why)
{
    struct slice headers = slice_null();
    struct slice key = slice_null();
    struct slice rest = line;
    int e = 0;

    reader->line_number++;
    reader->header_count = 0;
    if (reader->parse_headers)
        e = take_field(reader, line, &rest, reader->headers_delimiter, "headers delimiter",
                       &headers, why);
    if (!e && reader->parse_key)
        e = take_field(reader, line, &rest, reader->key_separator, "key separator", &key, why);
    headers = null_if_marked(reader, headers);
    if (!e && !slice_is_null(headers))
        e = split_headers(reader, headers, why);
    if (e)
        return e;
    record->key = null_if_marked(reader, key);
    record->value = null_if_marked(reader, rest);
    record->headers = reader->headers;
    record->header_count = reader->header_count;
    return 0;
}

int64_t line_reader_split(struct slice bytes, bool is_last, size_t *out_end)
{
    const uint8_t *newline = bytes.size ? memchr(bytes.data, '\n', bytes.size) : NULL;
    size_t limit = newline ? (size_t)(newline - bytes.data) : bytes.size;
    const uint8_t *carriage = limit ? memchr(bytes.data, '\r', limit) : NULL;

    if (carriage) {
        size_t at = (size_t)(carriage - bytes.data);

        if (at + 1 == bytes.size && !is_last)
            return -1;
        *out_end = at + 1 < bytes.size && bytes.data[at + 1] == '\n' ? 2 : 1;
        return (int64_t)at;
    }
    if (newline) {
        *out_end = 1;
        return (int64_t)limit;
    }
    *out_end = 0;
    return is_last && bytes.size > 0 ? (int64_t)bytes.size : -1;
}
