/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/tool.h - what a command of this floor has and may use.
 *
 * A handler is a function from a parsed command line to an exit status.
 *
 * Threading: one thread.
 * Errors:    handlers print what went wrong and return an exit status.
 */

#include "base/options.h"
#include "offline/offline.h"
#include "os/console.h"

struct tool;

struct tool_command {
    const char *words;      /* "storage format" */
    const char *kafka;      /* "kafka-storage format" */
    const char *positional; /* The option that the first bare word stands for, or "". */
    int (*run)(struct tool *tool);
    const struct option_row *rows;
    const int *row_count;
    const char *about; /* One line. */
};

struct tool {
    struct offline_env *env;
    const struct tool_command *command;
    bool is_kafka; /* Called by Kafka's name. */
    struct options options;
    struct console_out out, err;
    struct text why; /* What went wrong. */
};

/* Prints a sentence on standard error; returns 1. */
int tool_failed(struct tool *tool, const char *sentence);

/* Prints a sentence and the usage on standard error; returns 1. */
int tool_misused(struct tool *tool, const char *sentence);

/* Calls `fn` for each folder in the list that the option `row` has, and returns the largest
 * status; `none`, behind a sentence, if it has no list. */
int tool_each_dir(struct tool *tool, int row, int none,
                  int (*fn)(struct tool *tool, const char *path));
