/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/line_reader.h"
#include "test/harness/check.h"

struct fixture {
    struct line_reader reader;
    struct producer_record record;
    struct text why;
};

/* A reader with properties "key=value", the last one NULL. */
static void start(struct fixture *f, const char *const *properties)
{
    *f = (struct fixture){.why = {.data = NULL}};
    line_reader_init(&f->reader);
    for (; *properties; properties++) {
        const char *equals = strchr(*properties, '=');

        line_reader_set(&f->reader, slice_of(*properties, (size_t)(equals - *properties)),
                        slice_text(equals + 1));
    }
}

static int parse(struct fixture *f, const char *line)
{
    return line_reader_parse(&f->reader, slice_text(line), &f->record, &f->why);
}

static void end(struct fixture *f)
{
    line_reader_fini(&f->reader);
    text_fini(&f->why);
}

#define PROPERTIES(...)                                                                            \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

TEST(line_reader, a_line_is_a_value)
{
    struct fixture f;

    start(&f, PROPERTIES("parse.key=false"));
    check_ok(parse(&f, "a\tb"));
    check(slice_is_null(f.record.key));
    check(slice_is_text(f.record.value, "a\tb"));
    check_eq(f.record.header_count, 0);
    end(&f);
}

TEST(line_reader, a_key_is_in_front_of_its_separator)
{
    struct fixture f;

    start(&f, PROPERTIES("parse.key=true", "key.separator=::"));
    check_ok(parse(&f, "k::v::w"));
    check(slice_is_text(f.record.key, "k"));
    check(slice_is_text(f.record.value, "v::w"));
    check_eq(parse(&f, "nokey"), LINE_READER_E_INVALID);
    check_text(f.why.data, "No key separator found on line number 2: 'nokey'");
    end(&f);
}

TEST(line_reader, a_missing_key_may_be_ignored)
{
    struct fixture f;

    start(&f, PROPERTIES("parse.key=TRUE", "ignore.error=true"));
    check_ok(parse(&f, "nokey"));
    check(slice_is_null(f.record.key));
    check(slice_is_text(f.record.value, "nokey"));
    end(&f);
}

TEST(line_reader, headers_key_and_value)
{
    struct fixture f;

    start(&f, PROPERTIES("parse.key=true", "parse.headers=true"));
    check_ok(parse(&f, "a:1,b:2:3\tkey\tvalue"));
    check_eq(f.record.header_count, 2);
    check(slice_is_text(f.record.headers[0].key, "a"));
    check(slice_is_text(f.record.headers[0].value, "1"));
    check(slice_is_text(f.record.headers[1].key, "b"));
    check(slice_is_text(f.record.headers[1].value, "2:3"));
    check(slice_is_text(f.record.key, "key"));
    check(slice_is_text(f.record.value, "value"));
    check_ok(parse(&f, "only:this,,\tk\tv")); /* Empty pairs at the end are none. */
    check_eq(f.record.header_count, 1);
    check_ok(parse(&f, ",\tk\tv"));
    check_eq(f.record.header_count, 0);
    check_eq(parse(&f, "\tk\tv"), LINE_READER_E_INVALID); /* But one empty pair is one. */
    end(&f);
}

TEST(line_reader, a_marker_means_null)
{
    struct fixture f;

    start(&f, PROPERTIES("parse.key=true", "parse.headers=true", "null.marker=N"));
    check_ok(parse(&f, "h:N\tN\tN"));
    check_eq(f.record.header_count, 1);
    check(slice_is_null(f.record.headers[0].value));
    check(slice_is_null(f.record.key));
    check(slice_is_null(f.record.value));
    check_ok(parse(&f, "N\tk\t"));
    check_eq(f.record.header_count, 0);
    check(!slice_is_null(f.record.value));
    check_eq(f.record.value.size, 0);
    check_eq(parse(&f, "N:v\tk\tv"), LINE_READER_E_INVALID); /* A header's key is never null. */
    end(&f);
}

TEST(line_reader, separators_must_differ)
{
    struct fixture f;

    start(&f, PROPERTIES("headers.delimiter=,"));
    check_eq(line_reader_check(&f.reader, &f.why), LINE_READER_E_INVALID);
    check_text(f.why.data, "headers.delimiter and headers.separator may not be equal");
    end(&f);
    start(&f, PROPERTIES("null.marker=N"));
    check_ok(line_reader_check(&f.reader, &f.why));
    end(&f);
}

TEST(line_reader, lines_end_as_in_java)
{
    const struct {
        const char *bytes;
        bool is_last;
        int64_t size;
        size_t end;
    } rows[] = {
        {"a\nb", false, 1, 1}, {"a\r\nb", false, 1, 2}, {"a\rb", false, 1, 1},
        {"\n", false, 0, 1},   {"ab", false, -1, 0},    {"ab", true, 2, 0},
        {"", true, -1, 0},     {"a\r", false, -1, 0},   {"a\r", true, 1, 1},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t ending = 99;

        check_eq(line_reader_split(slice_text(rows[i].bytes), rows[i].is_last, &ending),
                 rows[i].size);
        if (rows[i].size >= 0)
            check_eq(ending, rows[i].end);
    }
}

/* Any bytes, in any pieces: the lines are the same as all at once. */
PROPERTY(line_reader, pieces_do_not_matter, 300)
{
    static const char letters[] = "ab\r\n";
    uint8_t bytes[64];
    size_t count = (size_t)rng_below(rng, sizeof(bytes));
    struct text whole = {.data = NULL};
    struct text pieces = {.data = NULL};
    size_t seen = 0;
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)letters[rng_below(rng, 4)];
    for (;;) {
        size_t end;
        int64_t line = line_reader_split(slice_of(bytes + at, count - at), true, &end);

        if (line < 0)
            break;
        text_add(&whole, bytes + at, (size_t)line);
        text_add(&whole, "|", 1);
        at += (size_t)line + end;
    }
    at = 0;
    while (seen < count || at < count) {
        size_t end;
        int64_t line = line_reader_split(slice_of(bytes + at, seen - at), seen == count, &end);

        if (line < 0 && seen == count)
            break;
        if (line < 0) {
            seen += (size_t)rng_between(rng, 1, (int64_t)(count - seen));
            continue;
        }
        text_add(&pieces, bytes + at, (size_t)line);
        text_add(&pieces, "|", 1);
        at += (size_t)line + end;
    }
    check(slice_equal(text_slice(&whole), text_slice(&pieces)));
    text_fini(&whole);
    text_fini(&pieces);
}
