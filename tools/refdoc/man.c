/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/man.c - pages of the manual, section 1:
 *
 *     moldau.1               all commands
 *     moldau-topics.1        a group of commands; moldau-perf-produce.1 where several groups begin
 *                            with the same word
 *     kafka-topics.sh.1      sends the reader to the page of the group
 */

#include "tools/refdoc/entries.h"
#include "tools/refdoc/refdoc.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 256 };

/* Text as roff takes it: no line begins with a control character. */
static void print_text(struct text *out, const char *text)
{
    bool is_start = true;

    for (; *text; text++) {
        if (*text == '\n') {
            text_printf(out, "\n.br\n");
            while (text[1] == ' ')
                text++;
            is_start = true;
            continue;
        }
        if (is_start && (*text == '.' || *text == '\''))
            text_printf(out, "\\&");
        if (*text == '\\')
            text_printf(out, "\\e");
        else if (*text == '-')
            text_printf(out, "\\-");
        else
            text_add(out, text, 1);
        is_start = false;
    }
}

static void print_title(struct text *out, const char *name, const char *about)
{
    char upper[NAME_SIZE];
    size_t size = 0;

    for (; name[size] && size + 1 < sizeof(upper); size++)
        upper[size] =
            (char)(name[size] >= 'a' && name[size] <= 'z' ? name[size] - 'a' + 'A' : name[size]);
    upper[size] = 0;
    text_printf(out, ".TH ");
    print_text(out, upper);
    text_printf(out, " 1 \"\" \"Moldau\" \"User Commands\"\n.SH NAME\n");
    print_text(out, name);
    text_printf(out, " \\- ");
    print_text(out, about);
    text_printf(out, "\n");
}

static void print_option(struct text *out, const struct option_row *row)
{
    text_printf(out, ".TP\n\\fB\\-\\-");
    print_text(out, row->name);
    text_printf(out, "\\fR");
    if (row->kind != OPTION_FLAG) {
        text_printf(out, " \\fI");
        print_text(out, row->shows[0] ? row->shows : "value");
        text_printf(out, "\\fR");
    }
    text_printf(out, "\n");
    print_text(out, row->about);
    text_printf(out, "\n");
    if (row->initial && row->initial[0]) {
        text_printf(out, "The default is ");
        print_text(out, strcmp(row->initial, "\n") == 0 ? "a new line" : row->initial);
        text_printf(out, ".\n");
    }
}

/* The name of a group's page, without ".1". */
static void name_page(const struct entry *entries, int count, int first, struct text *out)
{
    size_t size = strcspn(entries[first].words, " ");
    int groups = 0;

    for (int i = 0; i < count; i += entries_group(entries, count, i))
        groups += strncmp(entries[i].words, entries[first].words, size) == 0 &&
                  (entries[i].words[size] == ' ' || !entries[i].words[size]);
    if (groups > 1 && entries_group(entries, count, first) == 1)
        size = strlen(entries[first].words);
    text_printf(out, "moldau-%.*s", (int)size, entries[first].words);
    for (char *c = out->data; *c; c++)
        if (*c == ' ')
            *c = '-';
}

static void print_group(struct text *out, const struct entry *group, int size, const char *name)
{
    const char *kafka = group[0].kafka;

    print_title(out, name, size == 1 ? group[0].about : "commands of Moldau");
    text_printf(out, ".SH SYNOPSIS\n");
    for (int i = 0; i < size; i++) {
        text_printf(out, "%s\\fBmoldau ", i ? ".br\n" : "");
        print_text(out, group[i].words);
        text_printf(out, "\\fR [\\fIoption\\fR ...]\n");
    }
    text_printf(out, ".SH DESCRIPTION\n");
    for (int i = 0; i < size; i++) {
        text_printf(out, ".TP\n\\fB");
        print_text(out, group[i].words);
        text_printf(out, "\\fR\n");
        print_text(out, group[i].about);
        text_printf(out, "\n");
    }
    if (kafka[0]) {
        text_printf(out, ".PP\nApache Kafka calls it \\fB");
        print_text(out, kafka);
        text_printf(out, ".sh\\fR; options, output and exit status are those of its tool.\n");
    }
    text_printf(out, ".SH OPTIONS\n");
    for (int i = 0; i < group[0].row_count; i++)
        print_option(out, &group[0].rows[i]);
    text_printf(out, ".SH EXIT STATUS\n0, or 1 after a sentence on standard error.\n"
                     ".SH SEE ALSO\n\\fBmoldau\\fR(1)\n");
}

static void print_overview(struct text *out, const struct entry *entries, int count)
{
    print_title(out, "moldau", "a Kafka-compatible event streaming platform");
    text_printf(out, ".SH SYNOPSIS\n\\fBmoldau server\\fR [\\fIfile\\fR]\n.br\n"
                     "\\fBmoldau\\fR \\fIcommand\\fR [\\fIoption\\fR ...]\n"
                     ".SH DESCRIPTION\nOne program: the broker, the controller and the commands.\n"
                     "\\fB\\-\\-help\\fR behind a command lists its options.\n"
                     ".TP\n\\fBserver\\fR\nrun a broker in the foreground\n");
    for (int i = 0; i < count; i++) {
        text_printf(out, ".TP\n\\fB");
        print_text(out, entries[i].words);
        text_printf(out, "\\fR\n");
        print_text(out, entries[i].about);
        text_printf(out, "\n");
    }
    text_printf(out, ".SH SEE ALSO\n");
    for (int i = 0; i < count; i += entries_group(entries, count, i)) {
        struct text name = {.data = NULL};

        name_page(entries, count, i, &name);
        text_printf(out, "\\fB");
        print_text(out, name.data);
        text_fini(&name);
        text_printf(out, "\\fR(1)%s\n", i + entries_group(entries, count, i) < count ? "," : "");
    }
}

static bool write_page(const char *dir, const char *name, struct text *page)
{
    struct text file = {.data = NULL};
    bool is_good;

    text_printf(&file, "%s.1", name);
    is_good = refdoc_write(dir, file.data, page);
    text_fini(&file);
    text_fini(page);
    return is_good;
}

/* What Kafka's scripts are called: with .sh and without. */
static bool write_links(const char *dir, const char *kafka, const char *name)
{
    bool is_good = true;

    for (int i = 0; i < 2 && kafka[0]; i++) {
        struct text link = {.data = NULL};
        struct text file = {.data = NULL};

        text_printf(&file, "%.*s%s", (int)strcspn(kafka, " "), kafka, i ? ".sh" : "");
        text_printf(&link, ".so man1/%s.1\n", name);
        is_good = write_page(dir, file.data, &link) && is_good;
        text_fini(&file);
    }
    return is_good;
}

bool refdoc_man(const char *dir)
{
    struct entry entries[ENTRIES_MAX];
    int count = entries_fill(entries);
    struct text overview = {.data = NULL};
    bool is_good;

    print_overview(&overview, entries, count);
    is_good = write_page(dir, "moldau", &overview);
    for (int i = 0; i < count; i += entries_group(entries, count, i)) {
        struct text page = {.data = NULL};
        struct text name = {.data = NULL};

        name_page(entries, count, i, &name);
        print_group(&page, &entries[i], entries_group(entries, count, i), name.data);
        is_good = write_page(dir, name.data, &page) && is_good;
        is_good = write_links(dir, entries[i].kafka, name.data) && is_good;
        text_fini(&name);
    }
    return is_good;
}
