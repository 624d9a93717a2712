/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/client_settings.h - a client's settings from files and words of the command line.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/command.h"
#include "client/config.h"

/* Reads the properties file `path`.  Keys that no client of ours has get a warning. */
NODISCARD bool client_settings_read(struct cli *cli, struct client_config *config,
                                    const char *path);

/* Sets one key from a word "key=value". */
NODISCARD bool client_settings_word(struct cli *cli, struct client_config *config,
                                    const char *word);

/* Sets one key. */
NODISCARD bool client_settings_set(struct cli *cli, struct client_config *config, struct slice key,
                                   struct slice value);
