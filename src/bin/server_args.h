/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/server_args.h - the words behind `moldau server`, and the file they name.
 *
 * Threading: the main thread, before any other.
 * Errors:    exit codes; what is wrong was said on standard error.
 */

#include "base/diag.h"
#include "base/text.h"

struct settings;

/* What --help prints. */
extern const char server_args_usage[];

/* Reads the file and the options into `settings`.  0; 1: the settings are wrong; 2: the
 * command line is.  Keys that are known and not acted on are added to `unserved`, one a line. */
int server_args_read(struct settings *settings, int count, char **args, struct text *unserved);

/* Tells the operator of these keys. */
void server_args_warn(struct diag *diag, const struct text *unserved);
