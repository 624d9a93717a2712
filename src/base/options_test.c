/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"
#include "test/harness/check.h"

enum { FLAG, TEXT, NUMBER, WIDE, MAYBE, COUNT };

static const struct option_row rows[] = {
    [FLAG] = {.name = "flag", .kind = OPTION_FLAG, .shows = "", .about = "A flag."},
    [TEXT] = {.name = "text", .kind = OPTION_TEXT, .shows = "word", .about = "A text."},
    [NUMBER] =
        {.name = "number", .kind = OPTION_INT, .shows = "", .initial = "7", .about = "A number."},
    [WIDE] = {.name = "wide", .kind = OPTION_LONG, .shows = "ms", .about = "A long one."},
    [MAYBE] = {.name = "maybe",
               .kind = OPTION_OPTIONAL,
               .shows = "codec",
               .about = "Perhaps.",
               .brief = 'm'},
    [COUNT] = {.name = "count",
               .kind = OPTION_OPTIONAL,
               .shows = "n",
               .initial = "0",
               .about = "Perhaps a number."},
};

struct fixture {
    struct options options;
    struct text why;
};

/* Parses words that end with NULL. */
static int parse(struct fixture *f, char **words)
{
    int count = 0;

    while (words[count])
        count++;
    *f = (struct fixture){.why = {.data = NULL}};
    options_init(&f->options, rows, COUNT_OF(rows));
    return options_parse(&f->options, count, words, &f->why);
}

static void end(struct fixture *f)
{
    options_fini(&f->options);
    text_fini(&f->why);
}

#define WORDS(...)                                                                                 \
    (char *[])                                                                                     \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static char word_flag[] = "--flag", word_text[] = "--text", word_a[] = "a", word_b[] = "b",
            word_equals[] = "--text=a=b", word_number[] = "--number", word_short[] = "-text",
            word_maybe[] = "--maybe", word_bad[] = "--fla", word_letter[] = "-z", word_end[] = "--",
            word_999[] = "99999999999", word_x[] = "12x", word_minus[] = "-5",
            word_wide[] = "--wide", word_flag_is[] = "--flag=yes";

TEST(options, a_letter_may_stand_for_a_name)
{
    static char letter[] = "-m", dashes[] = "--m";
    struct fixture f;

    check_ok(parse(&f, WORDS(letter, word_a)));
    check(options_has(&f.options, MAYBE));
    check_text(options_nth(&f.options, MAYBE, 0), "a");
    end(&f);
    check_eq(parse(&f, WORDS(dashes)), OPTIONS_E_INVALID);
    end(&f);
}

TEST(options, a_value_follows_or_is_joined)
{
    struct fixture f;
    const char *value;

    check_ok(parse(&f, WORDS(word_text, word_a)));
    check_ok(options_get(&f.options, TEXT, &value, &f.why));
    check_text(value, "a");
    end(&f);
    check_ok(parse(&f, WORDS(word_equals)));
    check_ok(options_get(&f.options, TEXT, &value, &f.why));
    check_text(value, "a=b");
    end(&f);
    check_ok(parse(&f, WORDS(word_short, word_b)));
    check_ok(options_get(&f.options, TEXT, &value, &f.why));
    check_text(value, "b");
    end(&f);
}

TEST(options, an_option_takes_the_next_word_whatever_it_is)
{
    struct fixture f;
    const char *value;

    check_ok(parse(&f, WORDS(word_text, word_flag)));
    check_ok(options_get(&f.options, TEXT, &value, &f.why));
    check_text(value, "--flag");
    check(!options_has(&f.options, FLAG));
    end(&f);
}

TEST(options, an_optional_number_may_be_negative)
{
    static char count[] = "--count";
    struct fixture f;

    check_ok(parse(&f, WORDS(count, word_minus)));
    check_text(options_nth(&f.options, COUNT, 0), "-5");
    end(&f);
    check_ok(parse(&f, WORDS(count, word_flag)));
    check(options_has(&f.options, FLAG) && !options_nth(&f.options, COUNT, 0));
    end(&f);
    check_ok(parse(&f, WORDS(count, word_a))); /* No number: a word that is ignored. */
    check(!options_nth(&f.options, COUNT, 0));
    end(&f);
    check_eq(parse(&f, WORDS(word_maybe, word_minus)), OPTIONS_E_INVALID);
    end(&f);
}

TEST(options, an_optional_value_is_no_option)
{
    struct fixture f;
    const char *value;

    check_ok(parse(&f, WORDS(word_maybe, word_flag)));
    check_ok(options_get(&f.options, MAYBE, &value, &f.why));
    check(!value);
    check(options_has(&f.options, FLAG));
    end(&f);
    check_ok(parse(&f, WORDS(word_maybe, word_a)));
    check_ok(options_get(&f.options, MAYBE, &value, &f.why));
    check_text(value, "a");
    end(&f);
}

TEST(options, names_are_not_abbreviated)
{
    struct fixture f;

    check_eq(parse(&f, WORDS(word_bad)), OPTIONS_E_INVALID);
    check_text(f.why.data, "fla is not a recognized option");
    end(&f);
    check_eq(parse(&f, WORDS(word_letter)), OPTIONS_E_INVALID);
    check_text(f.why.data, "z is not a recognized option");
    end(&f);
}

TEST(options, a_missing_value_is_named)
{
    struct fixture f;

    check_eq(parse(&f, WORDS(word_flag, word_text)), OPTIONS_E_INVALID);
    check_text(f.why.data, "Option text requires an argument");
    end(&f);
}

TEST(options, a_flag_takes_no_value)
{
    struct fixture f;

    check_eq(parse(&f, WORDS(word_flag_is)), OPTIONS_E_INVALID);
    end(&f);
}

TEST(options, one_value_is_not_two)
{
    struct fixture f;
    const char *value;

    check_ok(parse(&f, WORDS(word_text, word_a, word_text, word_b)));
    check_eq(options_get(&f.options, TEXT, &value, &f.why), OPTIONS_E_INVALID);
    check_text(f.why.data, "Found multiple arguments for option text, but you asked for only one");
    check_text(options_nth(&f.options, TEXT, 0), "a");
    check_text(options_nth(&f.options, TEXT, 1), "b");
    check(!options_nth(&f.options, TEXT, 2));
    end(&f);
}

TEST(options, numbers_have_a_size)
{
    struct fixture f;
    int64_t number = 0;

    check_ok(parse(&f, WORDS(word_a)));
    check_ok(options_number(&f.options, NUMBER, &number, &f.why));
    check_eq(number, 7); /* The default. */
    number = 1;
    check_ok(options_number(&f.options, WIDE, &number, &f.why));
    check_eq(number, 1); /* Neither value nor default. */
    end(&f);
    check_ok(parse(&f, WORDS(word_number, word_minus, word_wide, word_999)));
    check_ok(options_number(&f.options, NUMBER, &number, &f.why));
    check_eq(number, -5);
    check_ok(options_number(&f.options, WIDE, &number, &f.why));
    check_eq(number, 99999999999);
    end(&f);
    check_ok(parse(&f, WORDS(word_number, word_999)));
    check_eq(options_number(&f.options, NUMBER, &number, &f.why), OPTIONS_E_INVALID);
    check_text(f.why.data, "Cannot parse argument '99999999999' of option number");
    end(&f);
    check_ok(parse(&f, WORDS(word_number, word_x)));
    check_eq(options_number(&f.options, NUMBER, &number, &f.why), OPTIONS_E_INVALID);
    end(&f);
}

TEST(options, words_that_are_no_options_are_kept_aside)
{
    struct fixture f;

    check_ok(parse(&f, WORDS(word_a, word_flag, word_b)));
    check_text(f.options.words[0], "a");
    end(&f);
    check_ok(parse(&f, WORDS(word_end, word_flag)));
    check(!options_has(&f.options, FLAG));
    end(&f);
}

/* Two columns of 39, continued lines indented. */
TEST(options, the_usage_has_two_columns)
{
    static const struct option_row wide[] = {
        {.name = "a-name-that-is-long",
         .kind = OPTION_TEXT,
         .shows = "and something to show",
         .about = "A sentence that is longer than the column is wide.\n second line"},
    };
    struct options options;
    struct text out = {.data = NULL};

    options_init(&options, wide, 1);
    options_usage(&options, &out);
    check_text(
        out.data,
        "Option                                   Description                            \n"
        "------                                   -----------                            \n"
        "--a-name-that-is-long <String: and       A sentence that is longer than the     \n"
        "  something to show>                       column is wide.                      \n"
        "                                          second line                           \n");
    options_fini(&options);
    text_fini(&out);
}
