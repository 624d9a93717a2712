/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/bench/latencies.h - how long each of many requests took.
 *
 * Threading: one thread.
 * Errors:    none.
 */

#include "base/base.h"

/* Zeroed before its first use. */
struct latencies {
    int64_t *ns; /* Owned. */
    size_t count, room;
};

/* Adds one. */
void latencies_add(struct latencies *latencies, int64_t ns);

/* What that many of a thousand took at most, in microseconds; 0 if there are none.  Sorts them. */
double latencies_us(struct latencies *latencies, size_t per_mille);

/* The mean of those from `from` to `to`, in milliseconds, in the order in which they were added:
 * before latencies_us() has sorted them. */
double latencies_mean_ms(const struct latencies *latencies, size_t from, size_t to);

/* Frees them. */
void latencies_fini(struct latencies *latencies);
