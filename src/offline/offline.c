/* SPDX-License-Identifier: Apache-2.0 */

/* offline/offline.c - from words to a running command. */

#include "offline/offline.h"

#include "base/mem.h"
#include "offline/commands.h"

#include <errno.h>
#include <string.h>

/* The tools of this version of Kafka are what ours print and understand. */
#define KAFKA_VERSION "4.3.1"

static bool begins(const char *words, const char *word)
{
    return slice_equal(slice_of(words, strcspn(words, " ")), slice_text(word));
}

bool offline_has_command(const char *word)
{
    for (int i = 0; i < tool_command_count; i++)
        if (begins(tool_commands[i].words, word) || begins(tool_commands[i].kafka, word))
            return true;
    return false;
}

void offline_help(struct text *out)
{
    for (int i = 0; i < tool_command_count; i++)
        text_printf(out, "  %-18s %s\n", tool_commands[i].words, tool_commands[i].about);
}

int tool_failed(struct tool *tool, const char *sentence)
{
    console_flush(&tool->out);
    console_printf(&tool->err, "%s\n", sentence);
    return 1;
}

static void print_usage(struct tool *tool, struct console_out *out)
{
    struct text usage = {.data = NULL};

    options_usage(&tool->options, &usage);
    console_write(out, usage.data, usage.size);
    text_fini(&usage);
}

int tool_misused(struct tool *tool, const char *sentence)
{
    tool_failed(tool, sentence);
    print_usage(tool, &tool->err);
    return 1;
}

int tool_each_dir(struct tool *tool, int row, int none,
                  int (*fn)(struct tool *tool, const char *path))
{
    const char *list;
    int status = 0;

    if (!options_has(&tool->options, row)) {
        (void)tool_misused(tool, "which folder of data?");
        return none;
    }
    if (options_get(&tool->options, row, &list, &tool->why)) {
        (void)tool_failed(tool, tool->why.data);
        return none;
    }
    while (*list) {
        size_t size = strcspn(list, ",");
        scoped(mem_freep_any) char *path = mem_copy_text(list, size);

        if (size > 0)
            status = max_of(status, fn(tool, path));
        list += size + (list[size] == ',');
    }
    return status;
}

/* The first word is that of commands of several words, and what follows it is none. */
static int refuse_verb(struct tool *tool, int argc, char **argv)
{
    bool is_alone = argc < 2 || argv[1][0] == '-';

    console_printf(&tool->err, "usage: %s ...\n", argv[0]);
    for (int i = 0; i < tool_command_count; i++)
        if (begins(tool_commands[i].words, argv[0]) || begins(tool_commands[i].kafka, argv[0]))
            console_printf(&tool->err, "  %-30s %s\n", tool_commands[i].words,
                           tool_commands[i].about);
    if (is_alone)
        console_printf(&tool->err, "%s: error: too few arguments\n", argv[0]);
    else
        console_printf(&tool->err, "%s: error: invalid choice: '%s'\n", argv[0], argv[1]);
    return 1;
}

/* Kafka's tools take a question for a mistake. */
static int show_help(struct tool *tool)
{
    struct console_out *out = tool->is_kafka ? &tool->err : &tool->out;

    console_printf(out, "%s\n", tool->command->about);
    print_usage(tool, out);
    return tool->is_kafka;
}

static void complete(struct tool *tool)
{
    struct options *options = &tool->options;
    const char *positional = tool->command->positional;

    if (*positional && options->words[0]) {
        int row = options_find(options, positional + 2);

        if (!options_has(options, row))
            options_add(options, row, options->words[0]);
    }
}

static int run(struct tool *tool, int argc, char **argv)
{
    struct options *options = &tool->options;

    if (options_parse(options, argc, argv, &tool->why))
        return tool_failed(tool, tool->why.data);
    if (options_has(options, options_find(options, "help")) ||
        (tool->is_kafka && argc == 0 && !strchr(tool->command->kafka, ' ')))
        return show_help(tool);
    if (options_has(options, options_find(options, "version"))) {
        console_printf(&tool->out, "%s (Moldau %s)\n", KAFKA_VERSION, tool->env->version);
        return 0;
    }
    if (!tool->is_kafka)
        complete(tool);
    return tool->command->run(tool);
}

int offline_main(struct offline_env *env, int argc, char **argv)
{
    struct tool tool = {.env = env, .out = {.fd = env->out_fd}, .err = {.fd = env->err_fd}};
    int words = 0;
    int status;
    int r;

    tool.command = tool_commands_find(argc, argv, &words);
    if (!tool.command) {
        status = refuse_verb(&tool, argc, argv);
    } else {
        tool.is_kafka = begins(tool.command->kafka, argv[0]);
        options_init(&tool.options, tool.command->rows, *tool.command->row_count);
        status = run(&tool, argc - words, argv + words);
        options_fini(&tool.options);
    }
    r = console_flush(&tool.out);
    if (r && r != -EPIPE) /* A reader that has had enough is no failure. */
        status = tool_failed(&tool, "standard output cannot be written");
    console_flush(&tool.err);
    console_out_fini(&tool.out);
    console_out_fini(&tool.err);
    text_fini(&tool.why);
    return status;
}
