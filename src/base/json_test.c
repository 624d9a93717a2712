/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/rng.h"
#include "test/harness/check.h"

/* Whether the whole text is one value, and why not. */
static const char *error_of(struct slice text)
{
    struct json json;

    json_init(&json, text);
    (void)json_skip(&json);
    (void)json_end(&json);
    return json.error;
}

TEST(json, what_the_standard_allows_is_read)
{
    static const char *const good[] = {
        "null",
        " true ",
        "\t[ ]\r\n",
        "{}",
        "0",
        "-0",
        "-1.5e+10",
        "12E3",
        "\"\"",
        "[1,2,[3,{\"a\":[]}]]",
        "{\"a\":1,\"b\":{\"c\":null}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++)
        check(!error_of(slice_text(good[i])));
}

TEST(json, what_the_standard_does_not_allow_is_refused)
{
    static const char *const bad[] = {
        "",      " ",       "nul",   "nulll",      "True",      "[1",      "[1,]", "[,1]",
        "[1 2]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "{\"a\" 1}", "{1:1}",   "01",   "-",
        "+1",    ".5",      "1.",    "1e",         "1e+",       "0x1",     "\"",   "\"\\\"",
        "'a'",   "[}",      "{]",    "1 2",        "[]]",       "// x\n1", "NaN",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check(error_of(slice_text(bad[i])));
    check(error_of(slice_null()));
}

static bool read_string(const char *text, struct arena *arena, struct slice *out)
{
    struct json json;

    json_init(&json, slice_text(text));
    return json_string(&json, arena, out) && json_end(&json);
}

TEST(json, strings_lose_their_escapes)
{
    struct arena arena;
    struct slice s;

    arena_init(&arena, NULL);
    check(read_string("\"a\\n\\u0041\\u00e4\\u20ac\\ud83d\\ude00\xc3\xa4\\/\"", &arena, &s));
    check(slice_equal(s, slice_text("a\nA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa4/")));
    check(read_string("\"\\u0000\"", &arena, &s));
    check(slice_equal(s, slice_of("", 1)));
    arena_reset(&arena);
}

TEST(json, strings_that_are_no_text_are_refused)
{
    static const char *const bad[] = {
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe0\x80\x80\"",
        "\"\x80\"",
        "\"\xf0\x80\x80\x80\"",
    };
    struct arena arena;
    struct slice s;

    arena_init(&arena, NULL);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check(!read_string(bad[i], &arena, &s));
    arena_reset(&arena);
}

static bool read_i64(const char *text, int64_t *out)
{
    struct json json;

    json_init(&json, slice_text(text));
    return json_i64(&json, out) && json_end(&json);
}

TEST(json, whole_numbers_have_64_bits)
{
    int64_t v;

    check(read_i64("9223372036854775807", &v) && v == INT64_MAX);
    check(read_i64("-9223372036854775808", &v) && v == INT64_MIN);
    check(!read_i64("9223372036854775808", &v));
    check(!read_i64("1.0", &v));
    check(!read_i64("1e3", &v));
    check(!read_i64("\"1\"", &v));
}

TEST(json, values_are_read_one_after_the_other)
{
    struct arena arena;
    struct json json;
    struct slice key;
    int64_t sum = 0;
    int64_t v = 0;
    int members = 0;
    bool flag = false;

    arena_init(&arena, NULL);
    json_init(&json, slice_text("{\"n\": [1, 2, 3], \"on\": true,\n \"what\": {\"x\": [[]]}, "
                                "\"none\": null}"));
    check(json_enter(&json, JSON_OBJECT));
    for (; json_more(&json); members++) {
        check(json_key(&json, &arena, &key));
        if (slice_is_text(key, "n")) {
            check(json_enter(&json, JSON_ARRAY));
            for (; json_more(&json); sum += v)
                check(json_i64(&json, &v));
        } else if (slice_is_text(key, "on")) {
            check(json_bool(&json, &flag));
        } else if (json_peek(&json) == JSON_NULL) {
            check(json_null(&json));
        } else {
            check(json_skip(&json));
        }
    }
    check(json_end(&json));
    check_eq(members, 4);
    check_eq(sum, 6);
    check(flag);
    check_eq(json_line(&json), 2);
    arena_reset(&arena);
}

TEST(json, the_first_mistake_stays)
{
    struct json json;
    int64_t v = 7;

    json_init(&json, slice_text("[x, 1]"));
    check(json_enter(&json, JSON_ARRAY));
    check(json_more(&json));
    check(!json_i64(&json, &v));
    check(!json_more(&json));
    check(!json_skip(&json) && !json_end(&json) && !json_enter(&json, JSON_ARRAY));
    json_fail(&json, "another");
    check_text(json.error, "no value begins like this");
    check_eq(v, 7);
}

TEST(json, nesting_has_a_limit)
{
    char text[2 * JSON_DEPTH_MAX + 3];

    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    check(!error_of(slice_of(text, 2 * JSON_DEPTH_MAX)));
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    check_text(error_of(slice_of(text, 2 * JSON_DEPTH_MAX + 2)),
               "arrays and objects nest too deep");
}

/* Whatever the bytes are, what is printed is a string, and UTF-8 comes back as it was. */
PROPERTY(json, strings_are_printed_as_strings, 500)
{
    struct text out = {.data = NULL};
    struct text again = {.data = NULL};
    struct arena arena;
    uint8_t bytes[40];
    size_t count = rng_below(rng, sizeof(bytes));
    struct slice s;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_next(rng);
    arena_init(&arena, NULL);
    json_print_string(slice_of(bytes, count), &out);
    check(read_string(out.data, &arena, &s));
    json_print_string(s, &again);
    check_text(again.data, out.data);
    text_fini(&out);
    text_fini(&again);
    arena_reset(&arena);
}

FUZZ(json, read)
{
    struct slice text = slice_of(data ? data : (const uint8_t *)"", size);
    struct arena arena;
    struct json json;
    struct slice s;

    check(error_of(text) || size > 0);
    arena_init(&arena, NULL);
    json_init(&json, text);
    if (json_enter(&json, JSON_OBJECT))
        while (json_more(&json)) {
            (void)json_key(&json, &arena, &s);
            if (json_peek(&json) == JSON_STRING)
                (void)json_string(&json, &arena, &s);
            else
                (void)json_skip(&json);
        }
    (void)json_end(&json);
    check(json.at <= json.end);
    arena_reset(&arena);
}
