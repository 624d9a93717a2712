/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/signals.h - the wish that the program ends, as something that can be watched.
 *
 * Threading: before any thread is started, since threads inherit what is blocked.
 * Errors:    base/err.h.
 */

#include "os/io.h"

/* Blocks SIGINT and SIGTERM and ignores SIGPIPE; `watch->fd` becomes readable when one of
 * the two comes.  The caller has set watch->ready. */
NODISCARD int signals_open(struct io_watch *watch);

/* Takes one signal off: its number, or 0 if there is none. */
int signals_take(const struct io_watch *watch);
