/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/perf_stats.h"

#include "base/base.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

void perf_stats_init(struct perf_stats *stats, int64_t now_us)
{
    *stats = (struct perf_stats){.began_us = now_us};
    stats->counts = mem_resize(NULL, PERF_MS_MAX + 1, sizeof(*stats->counts));
    memset(stats->counts, 0, (PERF_MS_MAX + 1) * sizeof(*stats->counts));
}

void perf_stats_fini(struct perf_stats *stats)
{
    stats->counts = mem_free(stats->counts);
}

void perf_stats_add(struct perf_stats *stats, size_t bytes, int64_t latency_us)
{
    int64_t ms = max_of(latency_us, (int64_t)0) / 1000;

    stats->counts[min_of(ms, (int64_t)PERF_MS_MAX)]++;
    stats->records++;
    stats->bytes += bytes;
    stats->total_ms += ms;
    stats->max_ms = max_of(stats->max_ms, ms);
}

int64_t perf_stats_percentile(const struct perf_stats *stats, double share)
{
    uint64_t rank = (uint64_t)(share * (double)stats->records);
    uint64_t seen = 0;
    int64_t ms = 0;

    if (stats->records == 0)
        return 0;
    rank = min_of(rank, stats->records - 1);
    while ((seen += stats->counts[ms]) <= rank)
        ms++;
    return ms;
}

struct rates {
    double records, megabytes; /* A second. */
    double average_ms;
};

static struct rates rates_of(const struct perf_stats *stats, int64_t now_us)
{
    double seconds = (double)max_of(now_us - stats->began_us, (int64_t)1) / 1e6;

    return (struct rates){
        .records = (double)stats->records / seconds,
        .megabytes = (double)stats->bytes / seconds / (1024.0 * 1024.0),
        .average_ms = stats->records ? (double)stats->total_ms / (double)stats->records : 0,
    };
}

void perf_stats_window(struct perf_stats *stats, int64_t now_us, struct text *out)
{
    struct rates rates = rates_of(stats, now_us);
    uint64_t *counts = stats->counts;

    text_printf(out,
                "%" PRIu64 " records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, "
                "%.1f ms max latency.\n",
                stats->records, rates.records, rates.megabytes, rates.average_ms,
                (double)stats->max_ms);
    memset(counts, 0, (PERF_MS_MAX + 1) * sizeof(*counts));
    *stats = (struct perf_stats){.counts = counts, .began_us = now_us};
}

void perf_stats_total(const struct perf_stats *stats, int64_t now_us, const char *what,
                      struct text *out)
{
    struct rates rates = rates_of(stats, now_us);

    text_printf(out,
                "%" PRIu64 " %srecords sent, %f records/sec (%.2f MB/sec), %.2f ms avg latency, "
                "%.2f ms max latency, %" PRId64 " ms 50th, %" PRId64 " ms 95th, %" PRId64
                " ms 99th, %" PRId64 " ms 99.9th.\n",
                stats->records, what, rates.records, rates.megabytes, rates.average_ms,
                (double)stats->max_ms, perf_stats_percentile(stats, 0.5),
                perf_stats_percentile(stats, 0.95), perf_stats_percentile(stats, 0.99),
                perf_stats_percentile(stats, 0.999));
}
