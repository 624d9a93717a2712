/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/metric.h - what is counted, and how it is told to Prometheus.
 *
 *      a floor's metrics.def --> rows: name, kind, unit, labels, whose MBean, help
 *            |
 *            \--> int64_t values[] of each shard --sum--> exposition (text format 0.0.4)
 *
 * A shard adds to values of its own and nobody else looks at them: there is no lock and no
 * atomic.  Who wants to know asks each shard for a copy and sums.
 *
 * A histogram has fixed buckets, four to each power of two of microseconds, so that
 * any quantile is known to a fifth of itself; it is told by powers of two.
 */

#include "base/text.h"

enum metric_kind {
    METRIC_COUNTER,   /* Only grows. */
    METRIC_GAUGE,     /* Is what it is now. */
    METRIC_HISTOGRAM, /* How often it took how long; told in seconds. */
    METRIC_SUMMARY,   /* Quantiles of the last minutes, and a count; told in milliseconds. */
};

/* One family: what the lines of one name are. */
struct metric_row {
    const char *name;
    enum metric_kind kind;
    const char *unit;   /* For people: "bytes", "ms". */
    const char *labels; /* Names, separated by commas; "" if there are none. */
    const char *mbean;  /* The MBean of Kafka's that it stands for; "" for one of ours. */
    const char *help;
};

/* --- histograms ------------------------------------------------------------- */

enum {
    METRIC_POWER_MAX = 26,                       /* The last one begins at 2^26 us, 67 s. */
    METRIC_BUCKETS = (METRIC_POWER_MAX + 1) * 4, /* With all that is longer in the last. */
};

struct metric_histogram {
    uint64_t count, sum_us;
    uint64_t buckets[METRIC_BUCKETS];
};

/* The bucket of a time. */
static inline unsigned metric_bucket(uint64_t us)
{
    unsigned power;

    if (us < 4)
        return (unsigned)us;
    power = 63 - (unsigned)__builtin_clzll(us);
    if (power > METRIC_POWER_MAX)
        return METRIC_BUCKETS - 1;
    return (power - 1) * 4 + (unsigned)(us >> (power - 2) & 3);
}

/* Counts a time; one below zero is zero. */
static inline void metric_observe(struct metric_histogram *h, int64_t us)
{
    uint64_t time_us = us < 0 ? 0 : (uint64_t)us;

    h->count++;
    h->sum_us += time_us;
    h->buckets[metric_bucket(time_us)]++;
}

/* Adds what another has counted; and takes away what it had counted earlier. */
void metric_histogram_add(struct metric_histogram *sum, const struct metric_histogram *other);
void metric_histogram_subtract(struct metric_histogram *from, const struct metric_histogram *base);

/* Below it is the share `q` (0 to 1) of all times, in microseconds; 0 if there is none. */
double metric_quantile(const struct metric_histogram *h, double q);

/* --- the text format -------------------------------------------------------- */

/* A label of a line; what is in the value is escaped. */
struct metric_label {
    const char *name;
    const char *value;
};

enum { METRIC_LABELS_MAX = 4 };

/* Adds the lines of help and type that a family begins with. */
void metric_tell_head(struct text *out, const struct metric_row *row);

/* Adds one line; `suffix` is added to the name.  The list of labels ends with a NULL name, or is
 * NULL. */
void metric_tell(struct text *out, const struct metric_row *row, const char *suffix,
                 const struct metric_label *labels, double value);

/* As metric_tell(), for a whole number: all its digits are told. */
void metric_tell_whole(struct text *out, const struct metric_row *row, const char *suffix,
                       const struct metric_label *labels, int64_t value);

/* Adds a histogram's lines: in seconds, by powers of two from 64 us to 16.8 s. */
void metric_tell_histogram(struct text *out, const struct metric_row *row,
                           const struct metric_label *labels, const struct metric_histogram *h);

/* Adds the quantiles that Kafka tells of `recent`, in milliseconds, and the count of `all`.  At
 * most METRIC_LABELS_MAX - 1 labels. */
void metric_tell_summary(struct text *out, const struct metric_row *row,
                         const struct metric_label *labels, const struct metric_histogram *recent,
                         uint64_t all);
