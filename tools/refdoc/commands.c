/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/commands.c - commands.md: the commands, their options, and the settings of
 * the clients that they are. */

#include "cli/commands.h"

#include "client/config.h"
#include "offline/commands.h"
#include "tools/refdoc/refdoc.h"

#include <string.h>

/* Text of a cell: bars would end it, and lines are one. */
static void print_cell(struct text *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            text_printf(out, "<br>");
        else if (*text == '|' || *text == '<')
            text_printf(out, "\\%c", *text);
        else
            text_add(out, text, 1);
    }
}

static const char *type_text(enum option_kind kind)
{
    switch (kind) {
    case OPTION_FLAG: break;
    case OPTION_LIST:
    case OPTION_WORDS:
    case OPTION_TEXT: return "text";
    case OPTION_INT: return "int";
    case OPTION_LONG: return "long";
    case OPTION_OPTIONAL: return "perhaps a text";
    }
    return "";
}

static void print_options(struct text *out, const struct option_row *rows, int count)
{
    text_printf(out, "\n| option | value | default | |\n|---|---|---|---|\n");
    for (int i = 0; i < count; i++) {
        const struct option_row *row = &rows[i];

        text_printf(out, "| `--%s` | %s%s", row->name, type_text(row->kind),
                    row->shows[0] ? ": " : "");
        print_cell(out, row->shows);
        text_printf(out, " | %s | ", row->initial ? row->initial : "");
        print_cell(out, row->about);
        text_printf(out, " |\n");
    }
}

static void print_heading(struct text *out, const char *words, const char *kafka)
{
    text_printf(out, "\n## %.*s\n\n", (int)strcspn(words, " "), words);
    if (kafka[0])
        text_printf(out, "Apache Kafka's name: `%.*s.sh`.\n\n", (int)strcspn(kafka, " "), kafka);
    text_printf(out, "| command | |\n|---|---|\n");
}

/* The commands of one table of options are one section. */
static void print_group(struct text *out, int first)
{
    const struct command *group = &commands[first];

    print_heading(out, group->words, group->kafka);
    for (int i = first; i < command_count && commands[i].rows == group->rows; i++)
        text_printf(out, "| `moldau %s` | %s |\n", commands[i].words, commands[i].about);
    print_options(out, group->rows, *group->row_count);
}

/* Likewise of those that read files. */
static void print_offline_group(struct text *out, int first)
{
    const struct tool_command *group = &tool_commands[first];

    print_heading(out, group->words, group->kafka);
    for (int i = first; i < tool_command_count && tool_commands[i].rows == group->rows; i++)
        text_printf(out, "| `moldau %s` | %s |\n", tool_commands[i].words, tool_commands[i].about);
    print_options(out, group->rows, *group->row_count);
}

static void print_settings(struct text *out)
{
    text_printf(out, "\n## Settings of a client\n\n"
                     "For `--command-config` and `--command-property`.\n\n"
                     "| key | default | |\n|---|---|---|\n");
    for (size_t i = 0; i < client_config_table.count; i++) {
        const struct config_row *row = &client_config_table.rows[i];

        text_printf(out, "| `%s` | %s | ", row->name, row->initial ? row->initial : "");
        print_cell(out, row->about);
        if (row->choices) {
            text_printf(out, " One of ");
            print_cell(out, row->choices);
            text_printf(out, ".");
        }
        text_printf(out, " |\n");
    }
}

static void print_json_names(struct text *out)
{
    static const struct {
        const char *words, *behind, *names;
    } rows[] = {
#define JSON_NAMES(words_, behind_, names_) {.words = words_, .behind = behind_, .names = names_},
#include "cli/json_names.def"
    };

    text_printf(out, "\n## JSON\n\nWith `--json` these print an object or a list of objects, "
                     "under names that stay; `a.b` is `b` of\neach object in `a`. Only our own "
                     "names of the commands have the option.\n\n| command | names |\n|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        text_printf(out, "| `moldau %s%s%s` | %s |\n", rows[i].words, rows[i].behind[0] ? " " : "",
                    rows[i].behind, rows[i].names);
}

void refdoc_commands(struct text *out)
{
    refdoc_title(out, "Commands", "src/cli/*.def, src/offline/*.def and src/client/config.def");
    text_printf(out,
                "Options are written `--name value` or `--name=value`. Under our own names "
                "the cluster is looked for\nat localhost:9092 unless `--bootstrap-server` "
                "says otherwise, and a first word without dashes is the\ntopic or the group.\n");
    for (int i = 0; i < command_count; i++)
        if (i == 0 || commands[i].rows != commands[i - 1].rows)
            print_group(out, i);
    for (int i = 0; i < tool_command_count; i++)
        if (i == 0 || tool_commands[i].rows != tool_commands[i - 1].rows)
            print_offline_group(out, i);
    print_json_names(out);
    print_settings(out);
}
