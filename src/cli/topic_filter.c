/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/topic_filter.h"

#include <string.h>

enum { NAME_MAX_SIZE = 256 };

/* Blanks and outer quotes go, commas become bars. */
static void normalise(const char *expression, struct text *out)
{
    size_t size = strlen(expression);

    while (size > 0 && strchr("\"' ", expression[size - 1]))
        size--;
    while (size > 0 && strchr("\"' ", *expression)) {
        expression++;
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        if (expression[i] == ' ')
            continue;
        text_add(out, expression[i] == ',' ? "|" : &expression[i], 1);
    }
}

/* What follows a backslash, as POSIX says it. */
static void add_escaped(char c, bool in_brackets, struct text *out)
{
    const char *set = c == 'd' ? "0-9" : c == 'w' ? "A-Za-z0-9_" : c == 's' ? " \t\n\r\f\v" : NULL;
    const char *not_set = c == 'D'   ? "0-9"
                          : c == 'W' ? "A-Za-z0-9_"
                          : c == 'S' ? " \t\n\r\f\v"
                                     : NULL;

    if (set)
        text_printf(out, in_brackets ? "%s" : "[%s]", set);
    else if (not_set && !in_brackets)
        text_printf(out, "[^%s]", not_set);
    else
        text_printf(out, in_brackets ? "%c" : "\\%c", c);
}

static void translate(const char *from, struct text *out)
{
    bool in_brackets = false;

    text_printf(out, "^(");
    for (const char *p = from; *p; p++) {
        if (*p == '\\' && p[1]) {
            add_escaped(*++p, in_brackets, out);
            continue;
        }
        if (!in_brackets && strncmp(p, "(?:", 3) == 0) {
            text_printf(out, "(");
            p += 2;
            continue;
        }
        if (*p == '[')
            in_brackets = true;
        else if (*p == ']')
            in_brackets = false;
        text_add(out, p, 1);
    }
    text_printf(out, ")$");
}

int topic_filter_init(struct topic_filter *filter, const char *expression, struct text *why)
{
    struct text posix = {.data = NULL};

    *filter = (struct topic_filter){.is_compiled = false};
    normalise(expression, &filter->source);
    translate(filter->source.data ? filter->source.data : "", &posix);
    filter->is_compiled = regcomp(&filter->regex, posix.data, REG_EXTENDED | REG_NOSUB) == 0;
    text_fini(&posix);
    if (filter->is_compiled)
        return 0;
    text_printf(why, "%s is an invalid regex.", filter->source.data ? filter->source.data : "");
    text_fini(&filter->source);
    return TOPIC_FILTER_E_INVALID;
}

void topic_filter_fini(struct topic_filter *filter)
{
    if (filter->is_compiled)
        regfree(&filter->regex);
    filter->is_compiled = false;
    text_fini(&filter->source);
}

bool topic_filter_matches(const struct topic_filter *filter, struct slice name)
{
    char text[NAME_MAX_SIZE];

    if (name.size >= sizeof(text))
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = 0;
    return regexec(&filter->regex, text, 0, NULL, 0) == 0;
}
