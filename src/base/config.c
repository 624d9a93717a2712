/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void *member(const struct config_row *row, void *config)
{
    return (char *)config + row->offset;
}

static const void *member_of(const struct config_row *row, const void *config)
{
    return (const char *)config + row->offset;
}

/* As Java trims: blanks and everything below go at both ends. */
static struct slice trimmed(struct slice value)
{
    while (value.size > 0 && value.data[0] <= ' ')
        value = slice_of(value.data + 1, value.size - 1);
    while (value.size > 0 && value.data[value.size - 1] <= ' ')
        value.size--;
    return value;
}

static bool parse_number(struct slice value, int64_t *out)
{
    char digits[32];
    char *end;
    long long n;

    if (value.size == 0 || value.size >= sizeof(digits))
        return false;
    memcpy(digits, value.data, value.size);
    digits[value.size] = 0;
    errno = 0;
    n = strtoll(digits, &end, 10);
    if (errno || end != digits + value.size) /* A zero byte in the middle ends it early. */
        return false;
    *out = n;
    return true;
}

static bool parse_double(struct slice value, double *out)
{
    char digits[64];
    char *end;

    if (value.size == 0 || value.size >= sizeof(digits))
        return false;
    memcpy(digits, value.data, value.size);
    digits[value.size] = 0;
    *out = strtod(digits, &end);
    return end == digits + value.size && *out == *out; /* Not a NaN. */
}

static bool parse_bool(struct slice value, bool *out)
{
    *out = value.size == 4 && strncasecmp((const char *)value.data, "true", 4) == 0;
    return *out || (value.size == 5 && strncasecmp((const char *)value.data, "false", 5) == 0);
}

static bool is_choice(const char *choices, struct slice value)
{
    while (choices) {
        size_t size = strcspn(choices, "|");

        if (value.size == size && memcmp(choices, value.data, size) == 0)
            return true;
        choices = choices[size] ? choices + size + 1 : NULL;
    }
    return false;
}

/* Every element of a comma-separated list is a choice; else `*out` is the first that is
 * none.  An empty list has none. */
static bool are_choices(const char *choices, struct slice list, struct slice *out)
{
    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;

        *out = trimmed(slice_of(list.data, size));
        if (!is_choice(choices, *out))
            return false;
        list = comma ? slice_of(comma + 1, list.size - size - 1) : slice_of(list.data, 0);
    }
    return true;
}

static const char *number_name(enum config_type type)
{
    return type == CONFIG_INT ? "INT" : type == CONFIG_SHORT ? "SHORT" : "LONG";
}

/* A number that its type has no room for is none. */
static bool is_of_type(enum config_type type, int64_t n)
{
    return type == CONFIG_INT     ? n >= INT32_MIN && n <= INT32_MAX
           : type == CONFIG_SHORT ? n >= INT16_MIN && n <= INT16_MAX
                                  : true;
}

static int check_number(const struct config_row *row, struct slice value, struct text *why)
{
    int64_t n;

    if (!parse_number(value, &n) || !is_of_type(row->type, n)) {
        text_printf(why, "Invalid value %.*s for configuration %s: Not a number of type %s",
                    SLICE_ARG(value), row->name, number_name(row->type));
        return CONFIG_E_INVALID;
    }
    if ((n < row->min || n > row->max) && !(row->choices && is_choice(row->choices, value))) {
        text_printf(why, "Invalid value %" PRId64 " for configuration %s: Value must be ", n,
                    row->name);
        if (row->choices)
            text_printf(why, "between %" PRId64 " and %" PRId64 " or equal to %s", row->min,
                        row->max, row->choices);
        else if (n < row->min)
            text_printf(why, "at least %" PRId64, row->min);
        else
            text_printf(why, "no more than %" PRId64, row->max);
        return CONFIG_E_INVALID;
    }
    return 0;
}

/* As Java prints a double of an ordinary size: the shortest digits, with a point. */
static void print_double(double n, struct text *out)
{
    const char *exponent;
    char digits[40];

    for (int precision = 1; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, n);
        if (strtod(digits, NULL) == n)
            break;
    }
    exponent = strchr(digits, 'e');
    if (exponent)
        text_printf(out, "%.*s%sE%ld", (int)(exponent - digits), digits,
                    memchr(digits, '.', (size_t)(exponent - digits)) ? "" : ".0",
                    strtol(exponent + 1, NULL, 10));
    else
        text_printf(out, "%s%s", digits, strpbrk(digits, ".n") ? "" : ".0");
}

static int check_double(const struct config_row *row, struct slice value, struct text *why)
{
    double n;

    if (!parse_double(value, &n)) {
        text_printf(why, "Invalid value %.*s for configuration %s: Not a number of type DOUBLE",
                    SLICE_ARG(value), row->name);
        return CONFIG_E_INVALID;
    }
    if (n >= (double)row->min && (n <= (double)row->max || row->max == INT64_MAX))
        return 0;
    text_printf(why, "Invalid value ");
    print_double(n, why);
    text_printf(why, " for configuration %s: Value must be %s %" PRId64, row->name,
                n < (double)row->min ? "at least" : "no more than",
                n < (double)row->min ? row->min : row->max);
    return CONFIG_E_INVALID;
}

/* "a|b|c" as "a, b, c". */
static void print_choices(const char *choices, struct text *out)
{
    for (; *choices; choices++)
        text_add(out, *choices == '|' ? ", " : choices, *choices == '|' ? 2 : 1);
}

int config_check(const struct config_row *row, struct slice value, struct text *why)
{
    struct slice bad;
    bool flag;

    value = trimmed(value);
    switch (row->type) {
    case CONFIG_BOOL:
        if (parse_bool(value, &flag))
            return 0;
        text_printf(why,
                    "Invalid value %.*s for configuration %s: Expected value to be either true "
                    "or false",
                    SLICE_ARG(value), row->name);
        return CONFIG_E_INVALID;
    case CONFIG_INT:
    case CONFIG_SHORT:
    case CONFIG_LONG: return check_number(row, value, why);
    case CONFIG_DOUBLE: return check_double(row, value, why);
    case CONFIG_TEXT:
    case CONFIG_CLASS:
    case CONFIG_PASSWORD:
        if (!row->choices || is_choice(row->choices, value))
            return 0;
        text_printf(why, "Invalid value %.*s for configuration %s: String must be one of: ",
                    SLICE_ARG(value), row->name);
        print_choices(row->choices, why);
        return CONFIG_E_INVALID;
    case CONFIG_LIST:
        if (!row->choices || are_choices(row->choices, value, &bad))
            return 0;
        text_printf(why, "Invalid value %.*s for configuration %s: String must be one of: ",
                    SLICE_ARG(bad), row->name);
        print_choices(row->choices, why);
        return CONFIG_E_INVALID;
    }
    return CONFIG_E_INVALID;
}

int config_set(const struct config_row *row, void *config, struct slice value, struct text *why)
{
    int r = config_check(row, value, why);
    bool parsed = true;

    if (r)
        return r;
    value = trimmed(value);
    switch (row->type) {
    case CONFIG_BOOL: parsed = parse_bool(value, member(row, config)); break;
    case CONFIG_INT:
    case CONFIG_SHORT:
    case CONFIG_LONG: parsed = parse_number(value, member(row, config)); break;
    case CONFIG_DOUBLE: parsed = parse_double(value, member(row, config)); break;
    case CONFIG_TEXT:
    case CONFIG_CLASS:
    case CONFIG_PASSWORD:
    case CONFIG_LIST: {
        char **text = member(row, config);

        mem_free(*text);
        *text = mem_copy_text(value.data, value.size);
        break;
    }
    }
    (void)parsed; /* config_check() has seen to it. */
    return 0;
}

void config_defaults(const struct config_table *table, void *config)
{
    struct text why = {.data = NULL};

    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];

        if (!row->initial && (row->type == CONFIG_INT || row->type == CONFIG_LONG))
            *(int64_t *)member(row, config) = CONFIG_NOT_SET;
        if (row->initial && config_set(row, config, slice_text(row->initial), &why))
            bug(row->name, __FILE__, __LINE__); /* The table breaks its own rule. */
    }
    text_fini(&why);
}

static bool is_text(const struct config_row *row)
{
    return row->type == CONFIG_TEXT || row->type == CONFIG_LIST || row->type == CONFIG_CLASS ||
           row->type == CONFIG_PASSWORD;
}

void config_fini(const struct config_table *table, void *config)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];

        if (is_text(row)) {
            char **text = member(row, config);

            *text = mem_free(*text);
        }
    }
}

void config_copy(const struct config_table *table, const void *from, void *to)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];
        const char *text;

        switch (row->type) {
        case CONFIG_BOOL: memcpy(member(row, to), member_of(row, from), sizeof(bool)); break;
        case CONFIG_INT:
        case CONFIG_SHORT:
        case CONFIG_LONG: memcpy(member(row, to), member_of(row, from), sizeof(int64_t)); break;
        case CONFIG_DOUBLE: memcpy(member(row, to), member_of(row, from), sizeof(double)); break;
        case CONFIG_TEXT:
        case CONFIG_CLASS:
        case CONFIG_PASSWORD:
        case CONFIG_LIST:
            text = *(char *const *)member_of(row, from);
            *(char **)member(row, to) = text ? mem_copy_text(text, strlen(text)) : NULL;
            break;
        }
    }
}

const struct config_row *config_find(const struct config_table *table, struct slice name)
{
    for (size_t i = 0; i < table->count; i++)
        if (slice_is_text(name, table->rows[i].name))
            return &table->rows[i];
    return NULL;
}

/* Levenshtein's distance, for names up to a bound. */
static size_t distance(struct slice a, struct slice b)
{
    enum { NAME_MAX = 96 };
    size_t row[NAME_MAX + 1];

    if (a.size > NAME_MAX || b.size > NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            size_t edit = min_of(row[j], row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = min_of(change, edit);
        }
    }
    return row[b.size];
}

const struct config_row *config_nearest(const struct config_table *table, struct slice name)
{
    const struct config_row *best = NULL;
    size_t best_distance = name.size / 3 + 1;

    for (size_t i = 0; i < table->count; i++) {
        size_t d = distance(name, slice_text(table->rows[i].name));

        if (d <= best_distance && (!best || d < best_distance)) {
            best = &table->rows[i];
            best_distance = d;
        }
    }
    return best;
}

static void print_list(struct slice list, struct text *out)
{
    bool is_first = true;

    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;
        struct slice element = trimmed(slice_of(list.data, size));

        text_printf(out, "%s%.*s", is_first ? "" : ",", SLICE_ARG(element));
        is_first = false;
        list = comma ? slice_of(comma + 1, list.size - size - 1) : slice_of(list.data, 0);
    }
}

void config_normal(const struct config_row *row, struct slice value, struct text *out)
{
    int64_t n;
    double d;
    bool flag;

    value = trimmed(value);
    switch (row->type) {
    case CONFIG_BOOL:
        text_printf(out, "%s", parse_bool(value, &flag) && flag ? "true" : "false");
        break;
    case CONFIG_INT:
    case CONFIG_SHORT:
    case CONFIG_LONG: text_printf(out, "%" PRId64, parse_number(value, &n) ? n : 0); break;
    case CONFIG_DOUBLE: print_double(parse_double(value, &d) ? d : 0, out); break;
    case CONFIG_LIST: print_list(value, out); break;
    case CONFIG_TEXT:
    case CONFIG_CLASS:
    case CONFIG_PASSWORD: text_add(out, value.data, value.size); break;
    }
}

void config_print(const struct config_row *row, const void *config, struct text *out)
{
    const char *text;
    int64_t n;
    double d;

    switch (row->type) {
    case CONFIG_BOOL:
        text_printf(out, "%s", *(const bool *)member_of(row, config) ? "true" : "false");
        break;
    case CONFIG_INT:
    case CONFIG_SHORT:
    case CONFIG_LONG:
        memcpy(&n, member_of(row, config), sizeof(n));
        if (row->initial || n != CONFIG_NOT_SET)
            text_printf(out, "%" PRId64, n);
        break;
    case CONFIG_DOUBLE:
        memcpy(&d, member_of(row, config), sizeof(d));
        print_double(d, out);
        break;
    case CONFIG_TEXT:
    case CONFIG_CLASS:
    case CONFIG_PASSWORD:
    case CONFIG_LIST:
        text = *(char *const *)member_of(row, config);
        text_printf(out, "%s", text ? text : "");
        break;
    }
}
