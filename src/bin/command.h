/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/command.h - the commands of cli/, with this process's descriptors and signals.
 *
 * Threading: the main thread.
 * Errors:    exit codes: those of the command; 130 or 143 where a signal ended it twice.
 */

#include "base/base.h"

/* True if `word` begins a command. */
bool command_is_one(const char *word);

/* Runs the command that `args` begin with, until it ends or SIGINT or SIGTERM ends it. */
int command_main(int count, char **args);
