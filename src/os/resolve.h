/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/resolve.h - the numeric addresses of a host name.
 *
 * Asks the system's resolver, which may block for seconds: call it from a worker thread,
 * or before a loop runs.
 *
 * Threading: any thread.
 * Errors:    none; a name that has no address has none.
 */

#include "os/io.h"

/* Fills `out` with the addresses of `host`, in the resolver's order; returns how many, at
 * most `max`. */
size_t resolve_host(const char *host, uint16_t port, struct io_address *out, size_t max);
