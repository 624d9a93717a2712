/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/bench/client.h - connections to a broker on this machine, and the time.
 *
 * Threading: one thread.
 * Errors:    0 or a negated errno; -ECONNRESET is the end of a connection.  What a benchmark
 *            cannot go on after ends the program with bench_fail().
 */

#include "base/text.h"

/* Prints the sentence and ends the program. */
_Noreturn void bench_fail(const char *format, ...) PRINTF(1, 2);

/* A number of a command line, at least `low`. */
int64_t bench_number(const char *word, int64_t low);

/* Whether the word is `key=value`; the value. */
bool bench_key(const char *word, const char *key, const char **out_value);

/* The monotonic clock. */
int64_t bench_now_ns(void);

/* Connects to a port of 127.0.0.1; the socket blocks, and sends at once. */
NODISCARD int client_connect(uint16_t port, int *out_fd);

/* Connects as soon as somebody listens there; gives up after a while. */
int client_connect_when_ready(uint16_t port);

/* Lets a thousandth of a second pass: for what cannot be waited for otherwise. */
void bench_pause(void);

/* Sends all of `bytes`. */
NODISCARD int client_send(int fd, struct slice bytes);

/* Receives one frame without its size into `out`, which is emptied first. */
NODISCARD int client_receive(int fd, struct text *out);

/* Sends `request`, receives `response`, and ends the program if that fails. */
void client_call(int fd, const struct text *request, struct text *response);

/* Creates a topic and waits until a record can be written to it: a new topic reaches some
 * brokers a moment after its creation was answered. */
void client_create_topic(int fd, const char *topic, int32_t partitions, const char *const *config);
