/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/commands.h - finding a command by its words; the table is commands.def.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "cli/command.h"

/* The command that argv begins with; `*out_words` is how many words name it.  NULL if there
 * is none. */
const struct command *commands_find(int argc, char **argv, int *out_words);

extern const struct command commands[];
extern const int command_count;

/* The groups of options and their handlers. */
#define COMMAND(words, kafka, implies, positional, group, mistakes, about)                         \
    extern const struct option_row group##_rows[];                                                 \
    extern const int group##_row_count;                                                            \
    int group##_run(struct cli *cli);
#include "cli/commands.def"
