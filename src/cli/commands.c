/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

const struct command commands[] = {
#define COMMAND(words_, kafka_, implies_, positional_, group, mistakes_, about_)                   \
    {.words = words_,                                                                              \
     .kafka = kafka_,                                                                              \
     .implies = implies_,                                                                          \
     .positional = positional_,                                                                    \
     .mistakes = MISTAKES_##mistakes_,                                                             \
     .run = group##_run,                                                                           \
     .rows = group##_rows,                                                                         \
     .row_count = &group##_row_count,                                                              \
     .about = about_},
#include "cli/commands.def"
};

const int command_count = COUNT_OF(commands);

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

const struct command *commands_find(int argc, char **argv, int *out_words)
{
    for (int i = 0; i < command_count; i++) {
        int words = match(commands[i].words, argc, argv);

        if (words == 0)
            words = match(commands[i].kafka, argc, argv);
        if (words > 0) {
            *out_words = words;
            return &commands[i];
        }
    }
    return NULL;
}
