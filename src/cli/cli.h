/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/cli.h - the commands that talk to a cluster.
 *
 *     moldau topics --list ...            our words
 *     moldau kafka-topics --list ...      Kafka's, for bin/kafka-topics.sh
 *
 * cli_main() finds the command in commands.def, reads its options, runs it on a loop of
 * its own and returns the exit status.  It makes no process: descriptors, io and the
 * reaction to signals are the caller's.
 *
 * Threading: cli_main() by one thread; cli_stop() by any, or by a signal handler.
 * Errors:    the exit status: 0, or 1 after a sentence on standard error.
 */

#include "base/base.h"

struct io;

struct cli_env {
    struct io *io;             /* Borrowed: a world of our own. */
    int in_fd, out_fd, err_fd; /* Standard input, output and error. */
    const char *version;       /* Of Moldau. */
    uint64_t seed;             /* For choices that need no secret; 0: from the io. */
    _Atomic bool is_stopping;
};

/* True if `word` is the first word of a command of this floor. */
bool cli_has_command(const char *word);

/* Runs the command argv[0 .. argc): argv[0] is its name.  The caller ignores SIGPIPE. */
int cli_main(struct cli_env *env, int argc, char **argv);

/* Makes the running command end soon, in order.  Async-signal-safe. */
void cli_stop(struct cli_env *env);

/* Adds one line for each command. */
struct text;
void cli_help(struct text *out);
