/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/refdoc/entries.h"

#include "cli/commands.h"
#include "offline/commands.h"

#include <assert.h>
#include <string.h>

int entries_fill(struct entry out[static ENTRIES_MAX])
{
    int count = 0;

    assert(command_count + tool_command_count <= ENTRIES_MAX);
    for (int i = 0; i < command_count; i++)
        out[count++] = (struct entry){.words = commands[i].words,
                                      .kafka = commands[i].kafka,
                                      .implies = commands[i].implies,
                                      .about = commands[i].about,
                                      .rows = commands[i].rows,
                                      .row_count = *commands[i].row_count};
    for (int i = 0; i < tool_command_count; i++)
        out[count++] = (struct entry){.words = tool_commands[i].words,
                                      .kafka = tool_commands[i].kafka,
                                      .implies = "",
                                      .about = tool_commands[i].about,
                                      .rows = tool_commands[i].rows,
                                      .row_count = *tool_commands[i].row_count};
    return count;
}

int entries_group(const struct entry *entries, int count, int first)
{
    int end = first;

    while (end < count && entries[end].rows == entries[first].rows)
        end++;
    return end - first;
}

bool entries_has_option(const struct entry *entry, const struct option_row *row)
{
    bool has_subcommand = entry->implies[0] && entry->implies[0] != '-';

    return !has_subcommand || !row->under || options_is_under(row, entry->implies) ||
           strcmp(row->under, OPTION_OURS) == 0;
}
