/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN = 39, INDENT = 2 };

void options_init(struct options *options, const struct option_row *rows, int row_count)
{
    *options = (struct options){
        .rows = rows,
        .row_count = row_count,
        .is_used = mem_new_array((size_t)row_count, sizeof(bool)),
    };
}

void options_fini(struct options *options)
{
    options->uses = mem_free(options->uses);
    options->is_used = mem_free(options->is_used);
}

/* --- scope ------------------------------------------------------------------- */

bool options_is_under(const struct option_row *row, const char *subcommand)
{
    const char *word = row->under;
    size_t size;

    if (!subcommand || !word)
        return !subcommand && !word;
    for (; *word; word += size + (word[size] == ' ')) {
        size = strcspn(word, " ");
        if (slice_is_text(slice_of(word, size), subcommand) ||
            slice_is_text(slice_of(word, size), OPTION_EVERY))
            return true;
    }
    return false;
}

bool options_is_in_scope(const struct options *options, int row)
{
    const struct option_row *r = &options->rows[row];

    if (options_is_under(r, options->subcommand))
        return true;
    if (r->under && strcmp(r->under, OPTION_ANYWHERE) == 0)
        return true;
    return options->is_merged && (!r->under || strcmp(r->under, OPTION_OURS) == 0);
}

/* --- parsing ----------------------------------------------------------------- */

static int find_row(const struct options *options, const char *name, size_t size)
{
    for (int i = 0; i < options->row_count; i++)
        if (slice_is_text(slice_of(name, size), options->rows[i].name) &&
            options_is_in_scope(options, i))
            return i;
    return -1;
}

/* The row that `word`, one dash and a letter, stands for. */
static int find_brief(const struct options *options, const char *word)
{
    for (int i = 0; i < options->row_count; i++)
        if (options_is_in_scope(options, i) && options->rows[i].brief && word[0] == '-' &&
            word[1] == options->rows[i].brief && word[2] == 0)
            return i;
    return -1;
}

int options_find(const struct options *options, const char *name)
{
    for (int i = 0; i < options->row_count; i++)
        if (strcmp(options->rows[i].name, name) == 0)
            return i;
    return -1;
}

void options_add(struct options *options, int row, const char *value)
{
    options->uses =
        mem_resize(options->uses, (size_t)options->use_count + 1, sizeof(*options->uses));
    options->uses[options->use_count++] = (struct option_use){.row = row, .value = value};
    options->is_used[row] = true;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] != 0;
}

/* An argument that may be left out begins with no dash; where the default is a number it must be
 * one, perhaps a negative one. */
static bool is_optional_value(const struct option_row *row, const char *word)
{
    char *end;

    if (!row->initial || !isdigit((unsigned char)row->initial[0]))
        return !looks_like_option(word);
    (void)strtoll(word, &end, 10);
    return end != word && !*end;
}

/* The word argv[*at] is an option; moves on to the last word that it takes. */
static int parse_option(struct options *options, int argc, char **argv, int *at, struct text *why)
{
    const char *word = argv[*at];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const char *value = equals && equals[1] ? equals + 1 : NULL;
    int row = find_row(options, name, size);
    enum option_kind kind;

    if (row < 0)
        row = find_brief(options, word);
    if (row < 0 && word[1] != '-')
        size = 1; /* A cluster of letters, of which the first is not known. */
    if (row < 0) {
        text_printf(why, "%.*s is not a recognized option", (int)size, name);
        return OPTIONS_E_INVALID;
    }
    kind = options->rows[row].kind;
    if (kind == OPTION_FLAG && value) {
        text_printf(why, "Option %s does not take an argument", options->rows[row].name);
        return OPTIONS_E_INVALID;
    }
    if (kind == OPTION_OPTIONAL && !value && *at + 1 < argc &&
        is_optional_value(&options->rows[row], argv[*at + 1]))
        value = argv[++*at];
    if (kind != OPTION_FLAG && kind != OPTION_OPTIONAL && !value) {
        if (*at + 1 >= argc) {
            text_printf(why, "Option %s requires an argument", options->rows[row].name);
            return OPTIONS_E_INVALID;
        }
        value = argv[++*at];
    }
    options_add(options, row, value);
    return 0;
}

int options_parse(struct options *options, int argc, char **argv, struct text *why)
{
    int words = 0;

    for (int i = 0; i < argc; i++) {
        int e;

        if (strcmp(argv[i], "--") == 0)
            return 0;
        if (!looks_like_option(argv[i])) {
            if (words < OPTIONS_WORDS_MAX)
                options->words[words++] = argv[i];
            continue;
        }
        e = parse_option(options, argc, argv, &i, why);
        if (e)
            return e;
    }
    return 0;
}

/* --- values ------------------------------------------------------------------ */

const char *options_nth(const struct options *options, int row, int nth)
{
    for (int i = 0; i < options->use_count; i++)
        if (options->uses[i].row == row && nth-- == 0)
            return options->uses[i].value;
    return NULL;
}

int options_get(const struct options *options, int row, const char **out, struct text *why)
{
    int count = 0;

    for (int i = 0; i < options->use_count; i++)
        count += options->uses[i].row == row;
    if (count > 1) {
        text_printf(why, "Found multiple arguments for option %s, but you asked for only one",
                    options->rows[row].name);
        return OPTIONS_E_INVALID;
    }
    *out = count ? options_nth(options, row, 0) : options->rows[row].initial;
    return 0;
}

int options_number(const struct options *options, int row, int64_t *out, struct text *why)
{
    bool is_int = options->rows[row].kind == OPTION_INT;
    const char *value;
    char *end;
    long long number;

    if (options_get(options, row, &value, why))
        return OPTIONS_E_INVALID;
    if (!value)
        return 0;
    errno = 0;
    number = strtoll(value, &end, 10);
    if (end == value || *end || errno || *value == ' ' ||
        (is_int && (number < INT32_MIN || number > INT32_MAX))) {
        text_printf(why, "Cannot parse argument '%s' of option %s", value, options->rows[row].name);
        return OPTIONS_E_INVALID;
    }
    *out = number;
    return 0;
}

/* --- usage ------------------------------------------------------------------- */

/* How many bytes of `text` go on a line of `width`; `*next` is where the next line begins. */
static size_t line_of(const char *text, size_t width, const char **next)
{
    size_t size = strcspn(text, "\n");
    size_t cut;

    if (size <= width) {
        *next = text + size + (text[size] == '\n');
        return size;
    }
    for (cut = width; cut > 0 && text[cut] != ' '; cut--)
        continue;
    if (cut == 0)
        cut = width;
    *next = text + cut + strspn(text + cut, " ");
    return cut;
}

/* One line of a column: `*text` moves on; continued lines are indented. */
static void add_cell(struct text *out, const char **text, bool *is_continued)
{
    size_t indent = *is_continued ? INDENT : 0;
    const char *next;
    size_t size = line_of(*text, COLUMN - indent, &next);

    text_printf(out, "%*s%.*s%*s", (int)indent, "", (int)size, *text, (int)(COLUMN - indent - size),
                "");
    *is_continued = next > *text && next[-1] != '\n';
    *text = next;
}

static void add_row(struct text *out, const char *left, const char *right)
{
    bool left_continued = false;
    bool right_continued = false;

    do {
        add_cell(out, &left, &left_continued);
        text_printf(out, "  ");
        add_cell(out, &right, &right_continued);
        text_printf(out, "\n");
    } while (*left || *right);
}

static void print_left(const struct option_row *row, struct text *out)
{
    const char *type = row->kind == OPTION_INT    ? "Integer"
                       : row->kind == OPTION_LONG ? "Long"
                                                  : "String";
    const char *brackets = row->kind == OPTION_OPTIONAL ? "[]" : "<>";

    if (row->brief)
        text_printf(out, "-%c, ", row->brief);
    text_printf(out, "--%s", row->name);
    if (row->kind == OPTION_FLAG)
        return;
    text_printf(out, " %c%s%s%s%c", brackets[0], type, row->shows[0] ? ": " : "", row->shows,
                brackets[1]);
}

void options_usage(const struct options *options, struct text *out)
{
    add_row(out, "Option", "Description");
    add_row(out, "------", "-----------");
    for (int i = 0; i < options->row_count; i++) {
        const struct option_row *row = &options->rows[i];
        struct text left = {.data = NULL};
        struct text right = {.data = NULL};

        if (!options_is_in_scope(options, i))
            continue;
        print_left(row, &left);
        text_printf(&right, "%s", row->about);
        if (row->initial)
            text_printf(&right, " (default: %s)", row->initial);
        add_row(out, left.data, right.data);
        text_fini(&left);
        text_fini(&right);
    }
}
