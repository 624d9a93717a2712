/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/command.h - what a command's handler has and may use.
 *
 * A handler is a function from a parsed command line to an exit status.  It reads
 * options, connects, and waits for calls one after the other; while it waits the loop
 * turns.  The producer and the consumer turn the loop until they are done.
 *
 * Threading: one thread.
 * Errors:    handlers print what went wrong and return 1.
 */

#include "base/options.h"
#include "cli/cli.h"
#include "client/cluster.h"
#include "os/console.h"

struct cli;

/* What Kafka's command says of options that it does not know. */
enum mistakes {
    MISTAKES_USAGE,    /* A sentence and the usage. */
    MISTAKES_PLAIN,    /* The sentence alone. */
    MISTAKES_OCCURRED, /* The sentence behind "Error occurred: ". */
    /* Of commands with subcommands. */
    MISTAKES_NAMED,      /* A line of usage, and the sentence behind "name: error: ". */
    MISTAKES_NAMED_MILD, /* Likewise, but to ask for help is no mistake. */
    MISTAKES_TYPE_HELP,  /* The sentence inside "Command line error: ". */
};

struct command {
    const char *words;      /* "topics list" */
    const char *kafka;      /* "kafka-topics" */
    const char *implies;    /* The option or the subcommand that our words stand for, or "". */
    const char *positional; /* The option that the first bare word stands for, or "". */
    enum mistakes mistakes; /* By Kafka's name; by ours the usage follows. */
    int (*run)(struct cli *cli);
    const struct option_row *rows;
    const int *row_count;
    const char *about; /* One line. */
};

struct cli {
    struct cli_env *env;
    const struct command *command;
    bool is_kafka; /* Called by Kafka's name. */
    struct options options;
    int argc; /* The words behind the command's. */
    char **argv;
    struct loop loop;
    struct diag diag;
    struct console_out out, err;
    struct text why; /* What went wrong. */
    struct cluster cluster;
    bool has_cluster;
};

/* Prints a sentence and the usage on standard error; returns 1. */
int cli_misused(struct cli *cli, const char *sentence);

/* Says of cli->why what the command says of mistakes in its options; returns 1. */
int cli_mistaken(struct cli *cli);

/* Prints a sentence on standard error; returns 1. */
int cli_failed(struct cli *cli, const char *sentence);

/* Print a line of the log on standard error: "[time] ERROR sentence (command)". */
void cli_log_error(struct cli *cli, const char *sentence);
void cli_log_warn(struct cli *cli, const char *sentence);

/* Makes the cluster of `settings`; false after a bad bootstrap list, with a sentence in
 * `cli->why`. */
NODISCARD bool cli_connect(struct cli *cli, const struct cluster_settings *settings);

/* Lets the loop turn until `*is_done`, or the command is to stop: then returns false. */
NODISCARD bool cli_wait(struct cli *cli, const bool *is_done);

/* Runs `call` and waits for it: its outcome, or CALL_E_STOPPED.  call_fini() follows. */
NODISCARD enum call_outcome cli_call(struct cli *cli, struct call *call);

/* True once the command is to stop. */
bool cli_is_stopping(const struct cli *cli);
