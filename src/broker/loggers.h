/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/loggers.h - the modules that speak in our log, as Kafka's clients name and set loggers.
 *
 * A module is the logger `moldau.<module>`; `root` is all that have no level of their own.
 * Loggers of Kafka's classes stand for the module that does the same work, so that what
 * people know by heart works.  Levels are forgotten when the broker ends, as Kafka's are.
 *
 * Threading: any.
 * Errors:    none.
 */

#include "base/diag.h"

enum { LOGGER_NAME_SIZE = 32 };

/* Whether there is a logger `name`; its module, DIAG_MODULES for the root. */
bool logger_find(struct slice name, enum diag_module *out);

/* The name of the logger of `module`, the root's for DIAG_MODULES. */
void logger_name(enum diag_module module, char out[static LOGGER_NAME_SIZE]);

/* The level that `name` (FATAL, ERROR, ...) stands for, or -1. */
int logger_level(struct slice name);

/* The name of a level. */
const char *logger_level_name(enum diag_level level);
