/* SPDX-License-Identifier: Apache-2.0 */
#include "offline/commands.h"

#include <string.h>

const struct tool_command tool_commands[] = {
#define COMMAND(words_, kafka_, positional_, group, about_)                                        \
    {.words = words_,                                                                              \
     .kafka = kafka_,                                                                              \
     .positional = positional_,                                                                    \
     .run = group##_run,                                                                           \
     .rows = group##_rows,                                                                         \
     .row_count = &group##_row_count,                                                              \
     .about = about_},
#include "offline/commands.def"
};

const int tool_command_count = COUNT_OF(tool_commands);

/* How many words of argv are those of `words`, or 0. */
static int match(const char *words, int argc, char **argv)
{
    int count = 0;

    while (*words) {
        size_t size = strcspn(words, " ");

        if (count >= argc || !slice_equal(slice_of(words, size), slice_text(argv[count])))
            return 0;
        count++;
        words += size + (words[size] == ' ');
    }
    return count;
}

const struct tool_command *tool_commands_find(int argc, char **argv, int *out_words)
{
    for (int i = 0; i < tool_command_count; i++) {
        int words = match(tool_commands[i].words, argc, argv);

        if (words == 0)
            words = match(tool_commands[i].kafka, argc, argv);
        if (words > 0) {
            *out_words = words;
            return &tool_commands[i];
        }
    }
    return NULL;
}
