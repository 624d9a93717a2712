/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/date_format.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define SERVED "yMdHhmsSaEZ"
#define KNOWN "GyYMLwWDdFEuaHkKhmsSzZX"

enum { NOON = 12, NAME_SIZE = 64, SHORT_NAME = 3, WHOLE_NAME = 4, CENTURY = 100, YEAR_0 = 1900 };

/* How many bytes of the pattern belong together: text, or a letter that is repeated. */
static size_t run_of(const char *pattern)
{
    size_t size = 1;

    if (*pattern == '\'') {
        while (pattern[size] && pattern[size] != '\'')
            size++;
        return size + (pattern[size] == '\'');
    }
    while (isalpha((unsigned char)*pattern) && pattern[size] == *pattern)
        size++;
    return size;
}

int date_format_check(const char *pattern, struct text *why)
{
    while (*pattern) {
        size_t size = run_of(pattern);

        if (*pattern == '\'' && (size == 1 || pattern[size - 1] != '\'')) {
            text_printf(why, "Unterminated quote");
            return DATE_FORMAT_E_INVALID;
        }
        if (isalpha((unsigned char)*pattern) && !strchr(SERVED, *pattern)) {
            text_printf(why,
                        strchr(KNOWN, *pattern) ? "The letter '%c' of a date format is not served"
                                                : "Illegal pattern character '%c'",
                        *pattern);
            return DATE_FORMAT_E_INVALID;
        }
        pattern += size;
    }
    return 0;
}

static void print_name(const struct tm *tm, char letter, bool is_whole, struct text *out)
{
    char name[NAME_SIZE];
    size_t size = 0;

    if (letter == 'M')
        size = is_whole ? strftime(name, sizeof(name), "%B", tm)
                        : strftime(name, sizeof(name), "%b", tm);
    else if (letter == 'E')
        size = is_whole ? strftime(name, sizeof(name), "%A", tm)
                        : strftime(name, sizeof(name), "%a", tm);
    else
        size = strftime(name, sizeof(name), "%z", tm);
    text_add(out, name, size);
}

static void print_field(char letter, int width, const struct tm *tm, int ms, struct text *out)
{
    int hour = tm->tm_hour % NOON;

    switch (letter) {
    case 'y':
        if (width == 2)
            text_printf(out, "%02d", tm->tm_year % CENTURY);
        else
            text_printf(out, "%0*d", width, tm->tm_year + YEAR_0);
        return;
    case 'M':
        if (width >= SHORT_NAME)
            print_name(tm, letter, width >= WHOLE_NAME, out);
        else
            text_printf(out, "%0*d", width, tm->tm_mon + 1);
        return;
    case 'd': text_printf(out, "%0*d", width, tm->tm_mday); return;
    case 'H': text_printf(out, "%0*d", width, tm->tm_hour); return;
    case 'h': text_printf(out, "%0*d", width, hour ? hour : NOON); return;
    case 'm': text_printf(out, "%0*d", width, tm->tm_min); return;
    case 's': text_printf(out, "%0*d", width, tm->tm_sec); return;
    case 'S': text_printf(out, "%0*d", width, ms); return;
    case 'a': text_printf(out, "%s", tm->tm_hour < NOON ? "AM" : "PM"); return;
    case 'E':
    case 'Z': print_name(tm, letter, width >= WHOLE_NAME, out); return;
    default: text_add(out, &letter, 1); return;
    }
}

/* Two apostrophes are one, also within what stands between others. */
static void print_quoted(const char *pattern, size_t size, struct text *out)
{
    text_add(out, pattern + 1, size - 2);
    if (size == 2 || pattern[size] == '\'')
        text_add(out, "'", 1);
}

void date_format_print(const char *pattern, int64_t ms, struct text *out)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    while (*pattern) {
        size_t size = run_of(pattern);

        if (*pattern == '\'')
            print_quoted(pattern, size, out);
        else
            print_field(*pattern, (int)size, &tm, (int)(ms % 1000), out);
        pattern += size;
    }
}
