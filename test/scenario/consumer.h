/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/consumer.h - somebody who reads.
 *
 * A follower reads all partitions from their start and goes on with what comes, by full
 * fetches or in a fetch session (KIP-227), and asks for the last offset now and then.  The
 * reader at the end asks where each partition begins and ends, reads exactly that, and
 * tells the history that it was all.
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/client.h"

enum consumer_kind { CONSUMER_FOLLOWER, CONSUMER_READER };

struct consumer;

/* A consumer of all partitions of the run's topics. */
struct consumer *consumer_create(struct run *run, uint32_t number, enum consumer_kind kind, int at);

/* NULL is allowed; always returns NULL. */
struct consumer *consumer_destroy(struct consumer *consumer);

/* Of a reader: true when it has read everything. */
bool consumer_is_done(const struct consumer *consumer);

/* How many records it has read. */
size_t consumer_count(const struct consumer *consumer);

/* Prints where it stands. */
void consumer_print(const struct consumer *consumer, struct text *out);
