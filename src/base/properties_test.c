/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "test/harness/check.h"

static int collect(void *context, struct slice key, struct slice value)
{
    text_printf(context, "[%.*s=%.*s]", SLICE_ARG(key), SLICE_ARG(value));
    return 0;
}

/* Whether `file` is read as `want`, each pair as `[key=value]`. */
static bool reads(const char *file, const char *want)
{
    struct text pairs = {.data = NULL};
    struct text why = {.data = NULL};
    int r = config_parse(slice_text(file), collect, &pairs, &why);
    bool same = r == 0 && slice_is_text(text_slice(&pairs), want);

    if (!same)
        check_text(text_slice(&pairs).size ? pairs.data : "", want);
    text_fini(&pairs);
    text_fini(&why);
    return same;
}

TEST(properties, keys_end_at_an_equals_sign_a_colon_or_a_blank)
{
    check(reads("a=1", "[a=1]"));
    check(reads(" a = 1 ", "[a=1]"));
    check(reads("b:2\nc 3\nd\t=\t4", "[b=2][c=3][d=4]"));
    check(reads("e = = 5", "[e== 5]"));
    check(reads("f\\=g\\:h\\ i=6", "[f=g:h i=6]"));
    check(reads("=7", "[=7]"));
}

TEST(properties, a_value_may_be_missing)
{
    check(reads("lonely", "[lonely=]"));
    check(reads("empty=\nnext=1", "[empty=][next=1]"));
    check(reads("", ""));
    check(reads("\n \n\t\n", ""));
}

TEST(properties, all_three_ends_of_line_end_a_line)
{
    check(reads("a=1\rb=2\r\nc=3\n", "[a=1][b=2][c=3]"));
}

TEST(properties, comments_stand_on_lines_of_their_own)
{
    check(reads("# a=1\n! b=2\n  # c=3\nd=4 # e", "[d=4 # e]"));
    check(reads("# goes on? \\\na=1", "[a=1]"));
}

TEST(properties, a_backslash_at_the_end_joins_the_next_line)
{
    check(reads("long=x,\\\n   y", "[long=x,y]"));
    check(reads("lo\\\n  ng=x", "[long=x]"));
    check(reads("a=1\\\\\nb=2", "[a=1\\][b=2]"));
    check(reads("a=1\\\n# no comment", "[a=1# no comment]"));
    check(reads("\\\n#a=1", "")); /* Nothing was begun that it could go on with. */
    check(reads("a=1\\\n\nb=2", "[a=1][b=2]"));
    check(reads("a=1\\", "[a=1]"));
    check(reads("a=1\\\n", "[a=1]"));
}

TEST(properties, escapes_are_java_s)
{
    check(reads("path=C\\:\\\\d", "[path=C:\\d]"));
    check(reads("tab=\\t|\\n|\\f|\\z", "[tab=\t|\n|\f|z]"));
    check(reads("u=\\u0041\\u00e9\\u20AC", "[u=A\xc3\xa9\xe2\x82\xac]"));
    check(reads("u=\\ud83d\\ude00.", "[u=\xf0\x9f\x98\x80.]"));
    check(reads("u=\\ud83d-\\ude00", "[u=?-?]"));
    check(reads("u=\\ud83d\\u0041", "[u=?A]"));
}

TEST(properties, a_malformed_escape_is_refused_and_told)
{
    const char *files[] = {"x=\\u12", "x=\\u", "x=\\u12g4", "\\u=1", "a=1\nx=\\uD8"};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct text pairs = {.data = NULL};
        struct text why = {.data = NULL};

        check_eq(config_parse(slice_text(files[i]), collect, &pairs, &why), CONFIG_E_INVALID);
        check(why.size > 0);
        text_fini(&pairs);
        text_fini(&why);
    }
}

static int stop_at_b(void *context, struct slice key, struct slice value)
{
    (void)value;
    *(int *)context += 1;
    return slice_is_text(key, "b") ? -7 : 0;
}

TEST(properties, the_caller_may_stop)
{
    struct text why = {.data = NULL};
    int calls = 0;

    check_eq(config_parse(slice_text("a=1\nb=2\nc=3"), stop_at_b, &calls, &why), -7);
    check_eq(calls, 2);
}

/* Whatever is in the file, it is read or refused; nothing is read past its end. */
FUZZ(properties, parse)
{
    struct text pairs = {.data = NULL};
    struct text why = {.data = NULL};
    int r = config_parse(slice_of(data ? data : (const uint8_t *)"", size), collect, &pairs, &why);

    check(r == 0 || (r == CONFIG_E_INVALID && why.size > 0));
    text_fini(&pairs);
    text_fini(&why);
}
