/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/event_lines.h - what kafka-verifiable-producer and kafka-verifiable-consumer print: each line
 * is an object of JSON with a time and a name, for programs that test.
 *
 *     {"timestamp":1795791338371,"name":"startup_complete"}
 *
 * Threading: one thread.
 * Errors:    none.
 */

#include "cli/command.h"
#include "client/config.h"

/* Begins a line; the caller adds `,"field":value` to it. */
void event_begin(struct cli *cli, struct text *line, const char *name);

/* Ends the line, prints it at once, and empties `line`. */
void event_end(struct cli *cli, struct text *line);

/* Adds a field that is text; null if the slice is. */
void event_text(struct text *line, const char *field, struct slice value);

/* A whole line without other fields. */
void event_print(struct cli *cli, const char *name);

/* Reads the settings of the client: `old_file` and `new_file` are the rows of two options that
 * exclude each other.  False: cli->why says what cli_mistaken() shall tell. */
NODISCARD bool event_settings(struct cli *cli, struct client_config *config, int old_file,
                              int new_file);

/* The number that an option which is one was given, or its default. */
int64_t event_number(const struct cli *cli, int row);
