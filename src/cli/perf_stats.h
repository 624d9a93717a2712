/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/perf_stats.h - how long records took, and the lines that kafka-producer-perf-test prints.
 *
 * Times are counted by the millisecond, so that the percentiles are exact however many there are.
 *
 * Threading: belongs to its owner.
 * Errors:    none.
 */

#include "base/text.h"

#include <stdint.h>

enum { PERF_MS_MAX = 60 * 1000 }; /* What took longer counts as that in the percentiles. */

struct perf_stats {
    uint64_t *counts; /* Owned: of records, by ms. */
    uint64_t records, bytes;
    int64_t total_ms, max_ms;
    int64_t began_us;
};

/* Begins to count at `now_us`. */
void perf_stats_init(struct perf_stats *stats, int64_t now_us);

/* Frees what it holds. */
void perf_stats_fini(struct perf_stats *stats);

/* Counts a record of `bytes` that took `latency_us`. */
void perf_stats_add(struct perf_stats *stats, size_t bytes, int64_t latency_us);

/* The time that `share` (0 to 1) of the records did not exceed, in ms; 0 without any. */
int64_t perf_stats_percentile(const struct perf_stats *stats, double share);

/* Adds the line about an interval, and forgets what it was about. */
void perf_stats_window(struct perf_stats *stats, int64_t now_us, struct text *out);

/* Adds the line about all of it; `what` stands before "records sent". */
void perf_stats_total(const struct perf_stats *stats, int64_t now_us, const char *what,
                      struct text *out);
