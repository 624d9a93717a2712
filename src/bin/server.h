/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/server.h - `moldau server`: a broker in the foreground.
 *
 * Threading: the main thread is shard 0; each other shard gets a thread.
 * Errors:    exit codes: 0 a clean stop, 1 it could not start or not stop cleanly, 2 the
 *            command line is wrong.
 */

/* Runs a broker until SIGINT or SIGTERM.  `args` are what follows `server`. */
int server_main(int count, char **args);
