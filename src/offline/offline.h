/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/offline.h - the commands that read and mend the files of a node that is stopped.
 *
 *     moldau dump-log --files ...            our words
 *     moldau kafka-dump-log --files ...      Kafka's, for bin/kafka-dump-log.sh
 *
 * offline_main() finds the command in commands.def, reads its options, runs it and returns
 * the exit status.  It makes no process: descriptors, io and the current folder are the
 * caller's.
 *
 * Threading: one thread.
 * Errors:    the exit status; what went wrong is a sentence on standard error.
 */

#include "base/base.h"

struct io;
struct text;

struct offline_env {
    struct io *io;       /* Borrowed: a world of our own. */
    int out_fd, err_fd;  /* Standard output and error. */
    const char *version; /* Of Moldau. */
    const char *folder;  /* The current one, as an absolute path. */
};

/* True if `word` is the first word of a command of this floor. */
bool offline_has_command(const char *word);

/* Runs the command argv[0 .. argc): argv[0] is its name. */
int offline_main(struct offline_env *env, int argc, char **argv);

/* Adds one line for each command. */
void offline_help(struct text *out);
