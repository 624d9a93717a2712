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
extern const struct option_row topics_rows[], produce_rows[], consume_rows[], api_rows[],
    get_offsets_rows[], delete_records_rows[], configs_rows[], api_versions_rows[];
extern const int topics_row_count, produce_row_count, consume_row_count, api_row_count,
    get_offsets_row_count, delete_records_row_count, configs_row_count, api_versions_row_count;
int topics_run(struct cli *cli);
int produce_run(struct cli *cli);
int consume_run(struct cli *cli);
int api_run(struct cli *cli);
int get_offsets_run(struct cli *cli);
int delete_records_run(struct cli *cli);
int configs_run(struct cli *cli);
int api_versions_run(struct cli *cli);
