/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is being read: the options in front of the subcommand, then those behind it. */
struct reading {
    struct options *options;
    int argc;
    char **argv;
    int at;
    struct text *why;
};

/* "--id/-i" */
static void print_names(const struct option_row *row, struct text *out)
{
    text_printf(out, "--%s", row->name);
    if (row->brief)
        text_printf(out, "/-%c", row->brief);
}

static bool is_exclusive(const struct option_row *row)
{
    return row->need == OPTION_EITHER || row->need == OPTION_ONE_OF;
}

static bool is_list(const struct option_row *row)
{
    return row->kind == OPTION_LIST || row->kind == OPTION_WORDS;
}

/* A word with a dash, but for "-" and numbers below 0. */
static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* --- which option a word is -------------------------------------------------- */

/* The first row behind `after` by name that begins with `name`, or -1. */
static int next_by_name(const struct options *options, struct slice name, int after)
{
    int best = -1;

    for (int i = 0; i < options->row_count; i++) {
        const char *candidate = options->rows[i].name;

        if (!options_is_in_scope(options, i) ||
            strncmp(candidate, (const char *)name.data, name.size) != 0)
            continue;
        if (after >= 0 && strcmp(candidate, options->rows[after].name) <= 0)
            continue;
        if (best < 0 || strcmp(candidate, options->rows[best].name) < 0)
            best = i;
    }
    return best;
}

/* The row whose name `name` is or begins.  -1: there is none, or `why` names several. */
static int find_long(const struct options *options, struct slice name, struct text *why)
{
    int row = next_by_name(options, name, -1);
    int other = row < 0 ? -1 : next_by_name(options, name, row);

    /* The shortest comes first: the whole name, if there is one. */
    if (row < 0 || other < 0 || slice_is_text(name, options->rows[row].name))
        return row;
    text_printf(why, "ambiguous option: --%.*s could match --%s", SLICE_ARG(name),
                options->rows[row].name);
    for (; other >= 0; other = next_by_name(options, name, other))
        text_printf(why, ", --%s", options->rows[other].name);
    return -1;
}

static int find_brief(const struct options *options, char letter)
{
    for (int i = 0; i < options->row_count; i++)
        if (options->rows[i].brief == letter && options_is_in_scope(options, i))
            return i;
    return -1;
}

/* The row of the word at hand, with the value that is joined to it, or NULL. */
static int find_row(const struct reading *r, const char *word, const char **out_value)
{
    const char *equals = strchr(word, '=');
    int row;

    *out_value = equals ? equals + 1 : NULL;
    if (word[1] == '-')
        return find_long(
            r->options, slice_of(word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2)),
            r->why);
    row = find_brief(r->options, word[1]);
    if (row >= 0 && word[2] && word[2] != '=')
        *out_value = word + 2;
    return row;
}

/* --- taking it --------------------------------------------------------------- */

static int check_rivals(const struct reading *r, int row)
{
    const struct options *options = r->options;

    if (!is_exclusive(&options->rows[row]))
        return 0;
    for (int i = 0; i < options->row_count; i++) {
        if (i == row || !options_has(options, i) || !is_exclusive(&options->rows[i]))
            continue;
        text_printf(r->why, "argument ");
        print_names(&options->rows[row], r->why);
        text_printf(r->why, ": not allowed with argument ");
        print_names(&options->rows[i], r->why);
        return OPTIONS_E_INVALID;
    }
    return 0;
}

static int check_number(const struct reading *r, int row, const char *value)
{
    long long number;
    char *end;

    if (r->options->rows[row].kind != OPTION_INT)
        return 0;
    errno = 0;
    number = strtoll(value, &end, 10);
    if (end != value && !*end && !errno && number >= INT32_MIN && number <= INT32_MAX)
        return 0;
    text_printf(r->why, "argument ");
    print_names(&r->options->rows[row], r->why);
    text_printf(r->why, ": could not convert '%s' to Integer (For input string: \"%s\")", value,
                value);
    return OPTIONS_E_INVALID;
}

/* The last value counts, but for lists. */
static void put(struct options *options, int row, const char *value)
{
    for (int i = 0; i < options->use_count; i++)
        if (options->uses[i].row == row && !is_list(&options->rows[row])) {
            options->uses[i].value = value;
            return;
        }
    options_add(options, row, value);
}

static int unrecognized(const struct reading *r, const char *word)
{
    text_printf(r->why, "unrecognized arguments: '%s'", word);
    return OPTIONS_E_INVALID;
}

/* A value that nobody asked for. */
static int ignored(const struct reading *r, int row, const char *value)
{
    text_printf(r->why, "argument ");
    print_names(&r->options->rows[row], r->why);
    text_printf(r->why, ": ignore implicit argument '%s'", value);
    return OPTIONS_E_INVALID;
}

static int take_option(struct reading *r)
{
    const char *word = r->argv[r->at];
    const char *value;
    int row = find_row(r, word, &value);
    int e;

    if (row < 0)
        return r->why->size ? OPTIONS_E_INVALID : unrecognized(r, word);
    if (strcmp(r->options->rows[row].name, "help") == 0)
        return ARGUMENTS_E_HELP;
    e = check_rivals(r, row);
    if (e)
        return e;
    if (r->options->rows[row].kind == OPTION_FLAG) {
        put(r->options, row, NULL);
        return value ? ignored(r, row, value) : 0;
    }
    if (!value && r->at + 1 < r->argc && !looks_like_option(r->argv[r->at + 1]))
        value = r->argv[++r->at];
    if (!value) {
        text_printf(r->why, "argument ");
        print_names(&r->options->rows[row], r->why);
        text_printf(r->why, r->options->rows[row].kind == OPTION_WORDS ? ": expected 1 argument(s)"
                                                                       : ": expected one argument");
        return OPTIONS_E_INVALID;
    }
    put(r->options, row, value);
    while (r->options->rows[row].kind == OPTION_WORDS && r->at + 1 < r->argc &&
           !looks_like_option(r->argv[r->at + 1]))
        put(r->options, row, r->argv[++r->at]);
    return check_number(r, row, value);
}

/* --- the whole line ---------------------------------------------------------- */

static int take_subcommand(struct reading *r, const struct arguments_grammar *grammar)
{
    const char *word = r->argv[r->at];

    for (int i = 0; i < grammar->count; i++)
        if (strcmp(grammar->subcommands[i], word) == 0) {
            r->options->subcommand = grammar->subcommands[i];
            return 0;
        }
    text_printf(r->why, "invalid choice: '%s' (choose from ", word);
    for (int i = 0; i < grammar->count; i++)
        text_printf(r->why, "%s'%s'", i ? ", " : "", grammar->subcommands[i]);
    text_printf(r->why, ")");
    return OPTIONS_E_INVALID;
}

int arguments_parse(struct options *options, const struct arguments_grammar *grammar, int argc,
                    char **argv, struct text *why)
{
    struct reading r = {.options = options, .argc = argc, .argv = argv, .why = why};
    int e = 0;

    options->subcommand = NULL;
    for (; r.at < argc && !e; r.at++) {
        if (looks_like_option(argv[r.at]))
            e = take_option(&r);
        else if (!options->subcommand && grammar->count > 0)
            e = take_subcommand(&r, grammar);
        else
            e = unrecognized(&r, argv[r.at]);
    }
    if (e)
        return e;
    if (!options->subcommand && grammar->count > 0) {
        text_printf(why, "too few arguments");
        return OPTIONS_E_INVALID;
    }
    e = options->subcommand ? arguments_check(options, true, why) : 0;
    return e ? e : arguments_check(options, false, why);
}

int arguments_check(const struct options *options, bool is_behind, struct text *why)
{
    struct text group = {.data = NULL};
    bool has_one = false;

    for (int i = 0; i < options->row_count; i++) {
        const struct option_row *row = &options->rows[i];

        if (!options_is_under(row, is_behind ? options->subcommand : NULL))
            continue;
        if (row->need == OPTION_NEEDED && !options_has(options, i)) {
            text_fini(&group);
            text_printf(why, "argument ");
            print_names(row, why);
            text_printf(why, " is required");
            return OPTIONS_E_INVALID;
        }
        if (row->need != OPTION_ONE_OF)
            continue;
        has_one = has_one || options_has(options, i);
        text_printf(&group, " ");
        print_names(row, &group);
    }
    if (group.size > 0 && !has_one)
        text_printf(why, "one of the arguments%s is required", group.data);
    text_fini(&group);
    return why->size ? OPTIONS_E_INVALID : 0;
}

/* --- usage ------------------------------------------------------------------- */

static void print_usage_of(const struct option_row *row, struct text *out)
{
    bool is_needed = row->need == OPTION_NEEDED;

    text_printf(out, is_needed ? " --%s" : " [--%s", row->name);
    if (row->kind != OPTION_FLAG) {
        text_printf(out, " ");
        for (const char *c = row->name; *c; c++)
            text_printf(out, "%c", *c == '-' ? '_' : toupper((unsigned char)*c));
    }
    if (!is_needed)
        text_printf(out, "]");
}

void arguments_usage(const struct options *options, const struct arguments_grammar *grammar,
                     const char *tool, struct text *out)
{
    text_printf(out, "usage: %s", tool);
    if (options->subcommand)
        text_printf(out, " %s", options->subcommand);
    text_printf(out, " [-h]");
    for (int i = 0; i < options->row_count; i++)
        if (options_is_under(&options->rows[i], options->subcommand) &&
            strcmp(options->rows[i].name, "help") != 0)
            print_usage_of(&options->rows[i], out);
    for (int i = 0; i < grammar->count && !options->subcommand; i++)
        text_printf(out, "%s%s", i ? "," : " {", grammar->subcommands[i]);
    text_printf(out, options->subcommand || grammar->count == 0 ? "\n" : "} ...\n");
}
