/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/perf_stats.h"
#include "test/harness/check.h"

TEST(perf_stats, percentiles_are_those_of_the_sorted_times)
{
    struct perf_stats stats;

    perf_stats_init(&stats, 0);
    check_eq(perf_stats_percentile(&stats, 0.5), 0);
    for (int i = 1; i <= 1000; i++)
        perf_stats_add(&stats, 10, i * 1000 + 999);
    check_eq(perf_stats_percentile(&stats, 0), 1);
    check_eq(perf_stats_percentile(&stats, 0.5), 501);
    check_eq(perf_stats_percentile(&stats, 0.999), 1000);
    check_eq(perf_stats_percentile(&stats, 1), 1000);
    perf_stats_fini(&stats);
}

TEST(perf_stats, lines_are_kafka_s)
{
    struct perf_stats stats;
    struct text out = {.data = NULL};

    perf_stats_init(&stats, 1000000);
    perf_stats_add(&stats, 1 << 20, 4000);
    perf_stats_add(&stats, 1 << 20, INT64_C(70000) * 1000);
    perf_stats_window(&stats, 3000000, &out);
    check_text(out.data, "2 records sent, 1.0 records/sec (1.00 MB/sec), 35002.0 ms avg latency, "
                         "70000.0 ms max latency.\n");
    text_cut(&out, 0);
    perf_stats_add(&stats, 1 << 19, 7000);
    perf_stats_total(&stats, 4000000, "steady state ", &out);
    check_text(out.data, "1 steady state records sent, 1.000000 records/sec (0.50 MB/sec), 7.00 ms "
                         "avg latency, 7.00 ms max latency, 7 ms 50th, 7 ms 95th, 7 ms 99th, 7 ms "
                         "99.9th.\n");
    text_fini(&out);
    perf_stats_fini(&stats);
}
