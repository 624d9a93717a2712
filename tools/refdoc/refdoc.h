/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tools/refdoc/refdoc.h - the pages of docs/reference, printed from the tables.
 *
 *     schema/, broker/apis.def                                  --> apis.md
 *     wire/errors.def                                           --> errors.md
 *     broker/config.def, topic_config.def, known_configs.def    --> configs.md
 *     cli/commands.def and options, client/config.def           --> commands.md
 *     base/diag_messages.def                                    --> messages.md
 *     broker/metrics.def                                        --> metrics.md
 *
 * Others are made by the build, and installed: pages of the manual and completions of shells.
 *
 * The pages are committed, since people read them in the repository, and a test compares
 * them with what would be printed.
 */

#include "base/text.h"

/* Each adds its page to `out`. */
void refdoc_apis(struct text *out);
void refdoc_errors(struct text *out);
void refdoc_configs(struct text *out);
void refdoc_commands(struct text *out);
void refdoc_messages(struct text *out);
void refdoc_metrics(struct text *out);

/* Adds server.properties, with what a package sets. */
void refdoc_properties(struct text *out);

/* Each adds what a shell reads to complete our commands. */
void refdoc_bash(struct text *out);
void refdoc_zsh(struct text *out);
void refdoc_fish(struct text *out);

/* Writes the pages of the manual into the folder; false after a sentence. */
bool refdoc_man(const char *dir);

/* Writes a file; false after a sentence. */
bool refdoc_write(const char *dir, const char *name, const struct text *text);

/* The line that every page begins with, below its title. */
void refdoc_title(struct text *out, const char *title, const char *source);
