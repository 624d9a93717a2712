/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arguments.h"
#include "test/harness/check.h"

enum { SERVER, CONTROLLER, FILTER, FORCE, HELP, ID, JSON };

static const struct option_row rows[] = {
    [SERVER] = {.name = "server", .brief = 's', .kind = OPTION_TEXT, .need = OPTION_ONE_OF},
    [CONTROLLER] = {.name = "service", .kind = OPTION_TEXT, .need = OPTION_ONE_OF},
    [FILTER] = {.name = "filter", .kind = OPTION_LIST, .under = "list drop"},
    [FORCE] = {.name = "force", .kind = OPTION_FLAG, .under = OPTION_EVERY},
    [HELP] = {.name = "help", .brief = 'h', .kind = OPTION_FLAG, .under = OPTION_ANYWHERE},
    [ID] = {.name = "id", .brief = 'i', .kind = OPTION_INT, .under = "drop", .need = OPTION_NEEDED},
    [JSON] = {.name = "json", .kind = OPTION_FLAG, .under = OPTION_OURS},
};

static const char *const names[] = {"list", "drop"};

static const struct arguments_grammar grammar = {.subcommands = names, .count = COUNT_OF(names)};

enum { WORDS_MAX = 8, LINE_MAX = 100 };

struct fixture {
    struct options options;
    struct text why;
    char line[LINE_MAX];
};

/* Parses a line of words with single blanks between them. */
static int parse(struct fixture *f, const char *line)
{
    char *words[WORDS_MAX];
    int count = 0;

    *f = (struct fixture){.why = {.data = NULL}};
    options_init(&f->options, rows, COUNT_OF(rows));
    assert(strlen(line) < sizeof(f->line));
    memcpy(f->line, line, strlen(line));
    for (char *word = f->line; *word && count < WORDS_MAX;) {
        size_t size = strcspn(word, " ");

        words[count++] = word;
        word += size;
        if (*word)
            *word++ = 0;
    }
    return arguments_parse(&f->options, &grammar, count, words, &f->why);
}

static void end(struct fixture *f)
{
    options_fini(&f->options);
    text_fini(&f->why);
}

static void check_mistake(const char *line, const char *why)
{
    struct fixture f;

    check_eq(parse(&f, line), OPTIONS_E_INVALID);
    check_text(f.why.data, why);
    end(&f);
}

TEST(arguments, options_are_on_their_side_of_the_subcommand)
{
    struct fixture f;

    check_ok(parse(&f, "--server a drop --id 7 --force"));
    check_text(f.options.subcommand, "drop");
    check_text(options_nth(&f.options, SERVER, 0), "a");
    check_text(options_nth(&f.options, ID, 0), "7");
    check(options_has(&f.options, FORCE));
    end(&f);
    check_mistake("--force list", "unrecognized arguments: '--force'");
    check_mistake("list --server a", "unrecognized arguments: '--server'");
    check_mistake("--server a list --id 7", "unrecognized arguments: '--id'");
    check_mistake("--server a list --json", "unrecognized arguments: '--json'");
    check_mistake("--server a list more", "unrecognized arguments: 'more'");
}

TEST(arguments, a_value_follows_or_is_joined)
{
    static const char *const lines[] = {"-s a list", "-sa list", "-s=a list", "--server=a list",
                                        "--server b -s a list"};
    struct fixture f;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        check_ok(parse(&f, lines[i]));
        check_text(options_nth(&f.options, SERVER, 0), "a");
        check(!options_nth(&f.options, SERVER, 1));
        end(&f);
    }
    check_mistake("--server", "argument --server/-s: expected one argument");
    check_mistake("--server --service list", "argument --server/-s: expected one argument");
}

TEST(arguments, all_values_of_a_list_count)
{
    struct fixture f;

    check_ok(parse(&f, "--server a list --filter b --fi c"));
    check_text(options_nth(&f.options, FILTER, 0), "b");
    check_text(options_nth(&f.options, FILTER, 1), "c");
    end(&f);
}

TEST(arguments, names_may_be_cut_short)
{
    struct fixture f;

    check_ok(parse(&f, "--serve a list"));
    check(options_has(&f.options, SERVER));
    end(&f);
    check_mistake("--serv a list", "ambiguous option: --serv could match --server, --service");
}

TEST(arguments, numbers_are_numbers)
{
    struct fixture f;

    check_ok(parse(&f, "--server a drop --id -7"));
    end(&f);
    check_mistake("--server a drop --id x",
                  "argument --id/-i: could not convert 'x' to Integer (For input string: \"x\")");
}

TEST(arguments, flags_take_no_value)
{
    check_mistake("--server a list --force=x", "argument --force: ignore implicit argument 'x'");
}

TEST(arguments, what_is_needed_is_asked_for)
{
    check_mistake("--server a drop", "argument --id/-i is required");
    check_mistake("list", "one of the arguments --server/-s --service is required");
    check_mistake("--server a --service b list",
                  "argument --service: not allowed with argument --server/-s");
}

TEST(arguments, a_subcommand_is_needed)
{
    check_mistake("--server a", "too few arguments");
    check_mistake("--server a lisp", "invalid choice: 'lisp' (choose from 'list', 'drop')");
}

TEST(arguments, help_ends_the_reading)
{
    struct fixture f;

    check_eq(parse(&f, "-h nonsense"), ARGUMENTS_E_HELP);
    check(!f.options.subcommand);
    end(&f);
    check_eq(parse(&f, "drop --help"), ARGUMENTS_E_HELP);
    check_text(f.options.subcommand, "drop");
    end(&f);
}

TEST(arguments, usage_is_one_line)
{
    struct text usage = {.data = NULL};
    struct fixture f;

    check_eq(parse(&f, "drop --help"), ARGUMENTS_E_HELP);
    arguments_usage(&f.options, &grammar, "tool", &usage);
    check_text(usage.data, "usage: tool drop [-h] [--filter FILTER] [--force] --id ID\n");
    text_fini(&usage);
    end(&f);
}

TEST(arguments, our_words_allow_more)
{
    struct fixture f;

    *(&f) = (struct fixture){.why = {.data = NULL}};
    options_init(&f.options, rows, COUNT_OF(rows));
    f.options.subcommand = names[0];
    f.options.is_merged = true;
    check(options_is_in_scope(&f.options, SERVER));
    check(options_is_in_scope(&f.options, JSON));
    check(!options_is_in_scope(&f.options, ID));
    end(&f);
}

/* Of a command without subcommands. */
TEST(arguments, several_words_may_follow_one_name)
{
    static const struct option_row plain[] = {
        {.name = "size", .kind = OPTION_INT, .need = OPTION_NEEDED},
        {.name = "set", .kind = OPTION_WORDS},
    };
    static const struct arguments_grammar none = {.count = 0};
    char texts[][8] = {"--set", "a=1", "b=2", "--size", "3", "--set", "c=3", "--set"};
    char *words[COUNT_OF(texts)];
    struct options options;
    struct text why = {.data = NULL};

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        words[i] = texts[i];
    options_init(&options, plain, COUNT_OF(plain));
    check_ok(arguments_parse(&options, &none, 7, words, &why));
    check_text(options_nth(&options, 0, 0), "3");
    check_text(options_nth(&options, 1, 0), "a=1");
    check_text(options_nth(&options, 1, 1), "b=2");
    check_text(options_nth(&options, 1, 2), "c=3");
    check(!options_nth(&options, 1, 3));
    options_fini(&options);
    options_init(&options, plain, COUNT_OF(plain));
    check_eq(arguments_parse(&options, &none, 8, words, &why), OPTIONS_E_INVALID);
    check_text(why.data, "argument --set: expected 1 argument(s)");
    text_cut(&why, 0);
    options_fini(&options);
    options_init(&options, plain, COUNT_OF(plain));
    check_eq(arguments_parse(&options, &none, 3, words, &why), OPTIONS_E_INVALID);
    check_text(why.data, "argument --size is required");
    options_fini(&options);
    text_fini(&why);
}
