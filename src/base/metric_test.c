/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"
#include "test/harness/check.h"

static const struct metric_row counter = {
    .name = "seen_total", .kind = METRIC_COUNTER, .help = "Back\\slash,\nline and \"quote\"."};
static const struct metric_row times = {.name = "took_seconds", .kind = METRIC_HISTOGRAM};
static const struct metric_row summary = {.name = "tookms", .kind = METRIC_SUMMARY};

PROPERTY(metric, a_time_is_in_a_bucket_that_is_no_wider_than_a_quarter_of_it, 10000)
{
    uint64_t us = rng_next(rng) >> (37 + rng_below(rng, 27));
    struct metric_histogram h = {.count = 0};
    double told;

    metric_observe(&h, (int64_t)us);
    told = metric_quantile(&h, 1);
    check(told >= (double)us && told <= (double)us * 1.25 + 1);
    check(metric_quantile(&h, 0) <= (double)us);
}

PROPERTY(metric, buckets_are_in_order, 10000)
{
    uint64_t a = rng_next(rng) >> rng_below(rng, 64);
    uint64_t b = rng_next(rng) >> rng_below(rng, 64);

    check(metric_bucket(min_of(a, b)) <= metric_bucket(max_of(a, b)));
    check(metric_bucket(a) < METRIC_BUCKETS);
}

TEST(metric, a_time_below_zero_is_none)
{
    struct metric_histogram h = {.count = 0};

    metric_observe(&h, -5);
    check_eq(h.count, 1);
    check_eq(h.sum_us, 0);
    check_eq(h.buckets[0], 1);
}

TEST(metric, nothing_has_no_quantile)
{
    struct metric_histogram h = {.count = 0};

    check(metric_quantile(&h, 0.99) <= 0);
}

TEST(metric, quantiles_divide_what_was_seen)
{
    struct metric_histogram h = {.count = 0};
    double q50, q99;

    for (int64_t us = 1; us <= 1000; us++)
        metric_observe(&h, us);
    q50 = metric_quantile(&h, 0.5);
    q99 = metric_quantile(&h, 0.99);
    check(q50 > 480 && q50 < 520);
    check(q99 > 970 && q99 < 1025);
}

PROPERTY(metric, what_is_taken_away_again_leaves_the_rest, 200)
{
    struct metric_histogram early = {.count = 0}, late = {.count = 0}, all;

    for (int i = 0; i < 50; i++) {
        metric_observe(&early, (int64_t)rng_below(rng, 1000000));
        metric_observe(&late, (int64_t)rng_below(rng, 1000000));
    }
    all = early;
    metric_histogram_add(&all, &late);
    check_eq(all.count, 100);
    metric_histogram_subtract(&all, &early);
    check(memcmp(&all, &late, sizeof(all)) == 0);
}

TEST(metric, help_and_labels_are_escaped)
{
    const struct metric_label labels[] = {{"a", "x\"y\\z\n"}, {"b", "2"}, {NULL, NULL}};
    struct text out = {.data = NULL};

    metric_tell_head(&out, &counter);
    metric_tell_whole(&out, &counter, "", labels, 7);
    metric_tell_whole(&out, &counter, "", NULL, INT64_MAX);
    metric_tell_whole(&out, &counter, "", NULL, INT64_MIN);
    metric_tell(&out, &counter, "", NULL, 0.5);
    check_text(out.data, "# HELP seen_total Back\\\\slash,\\nline and \"quote\".\n"
                         "# TYPE seen_total counter\n"
                         "seen_total{a=\"x\\\"y\\\\z\\n\",b=\"2\"} 7\n"
                         "seen_total 9223372036854775807\n"
                         "seen_total -9223372036854775808\n"
                         "seen_total 0.5\n");
    text_fini(&out);
}

TEST(metric, a_histogram_is_told_by_its_bounds_and_all_of_it)
{
    const struct metric_label labels[] = {{"shard", "0"}, {NULL, NULL}};
    struct metric_histogram h = {.count = 0};
    struct text out = {.data = NULL};

    metric_observe(&h, 63);
    metric_observe(&h, 64);
    metric_observe(&h, 1000 * 1000 * 1000);
    metric_tell_histogram(&out, &times, labels, &h);
    check(strstr(out.data, "took_seconds_bucket{shard=\"0\",le=\"6.4e-05\"} 1\n"));
    check(strstr(out.data, "took_seconds_bucket{shard=\"0\",le=\"0.000128\"} 2\n"));
    check(strstr(out.data, "took_seconds_bucket{shard=\"0\",le=\"16.777216\"} 2\n"));
    check(strstr(out.data, "took_seconds_bucket{shard=\"0\",le=\"+Inf\"} 3\n"));
    check(strstr(out.data, "took_seconds_sum{shard=\"0\"} 1000.000127\n"));
    check(strstr(out.data, "took_seconds_count{shard=\"0\"} 3\n"));
    text_fini(&out);
}

TEST(metric, a_summary_has_the_quantiles_that_kafka_has)
{
    struct metric_histogram h = {.count = 0};
    struct text out = {.data = NULL};

    metric_observe(&h, 2000);
    metric_tell_summary(&out, &summary, NULL, &h, 12);
    for (size_t i = 0; i < 6; i++) {
        static const char *const told[] = {"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"};
        struct text line = {.data = NULL};

        text_printf(&line, "tookms{quantile=\"%s\"} ", told[i]);
        check(strstr(out.data, line.data));
        text_fini(&line);
    }
    check(strstr(out.data, "tookms_count 12\n"));
    text_fini(&out);
}
