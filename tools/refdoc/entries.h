/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tools/refdoc/entries.h - all commands, those that talk to a cluster and those that read files, as
 * pages of the manual and completions of shells have them.
 *
 * A group is a run of commands with the same options.
 */

#include "base/options.h"

struct entry {
    const char *words, *kafka, *implies, *about;
    const struct option_row *rows;
    int row_count;
};

enum { ENTRIES_MAX = 128 };

/* Fills `out`; returns how many there are. */
int entries_fill(struct entry out[static ENTRIES_MAX]);

/* How many commands from `first` on are one group. */
int entries_group(const struct entry *entries, int count, int first);

/* True if the option may stand behind these words: not where it is another subcommand's. */
bool entries_has_option(const struct entry *entry, const struct option_row *row);
