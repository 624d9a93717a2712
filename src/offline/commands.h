/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/commands.h - finding a command by its words; the table is commands.def.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "offline/tool.h"

/* The command that argv begins with; `*out_words` is how many words name it.  NULL if there
 * is none. */
const struct tool_command *tool_commands_find(int argc, char **argv, int *out_words);

extern const struct tool_command tool_commands[];
extern const int tool_command_count;

/* The groups of options and their handlers. */
extern const struct option_row check_rows[], dump_log_rows[], recover_rows[], storage_rows[];
extern const int check_row_count, dump_log_row_count, recover_row_count, storage_row_count;
int check_run(struct tool *tool);
int dump_log_run(struct tool *tool);
int recover_run(struct tool *tool);
int storage_run(struct tool *tool);
