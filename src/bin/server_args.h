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

/* What is not a setting of the broker. */
struct server_args {
    int port;                 /* --port, or -1. */
    int ready_fd, control_fd; /* Or -1. */
    bool is_temporary;
};

/* What --help prints. */
extern const char server_args_usage[];

/* Reads the file and the options into `settings` and `out`, which is written in any case.  0;
 * 1: the settings are wrong; 2: the command line is.  Keys that are known and not acted on are
 * added to `unserved`, one a line. */
int server_args_read(struct server_args *out, struct settings *settings, int count, char **args,
                     struct text *unserved);
