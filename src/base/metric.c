/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include <inttypes.h>
#include <stdio.h>

/* --- histograms ------------------------------------------------------------- */

void metric_histogram_add(struct metric_histogram *sum, const struct metric_histogram *other)
{
    sum->count += other->count;
    sum->sum_us += other->sum_us;
    for (size_t i = 0; i < METRIC_BUCKETS; i++)
        sum->buckets[i] += other->buckets[i];
}

void metric_histogram_subtract(struct metric_histogram *from, const struct metric_histogram *base)
{
    assert(from->count >= base->count);
    from->count -= base->count;
    from->sum_us -= base->sum_us;
    for (size_t i = 0; i < METRIC_BUCKETS; i++)
        from->buckets[i] -= base->buckets[i];
}

/* Where a bucket begins. */
static uint64_t start_of(unsigned bucket)
{
    return bucket < 4 ? bucket : (uint64_t)(4 + bucket % 4) << (bucket / 4 - 1);
}

double metric_quantile(const struct metric_histogram *h, double q)
{
    double wanted = q * (double)h->count;
    double below = 0;

    assert(q >= 0 && q <= 1);
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        double here = (double)h->buckets[i];
        double start = (double)start_of(i);

        if (here > 0 && below + here >= wanted)
            return start + ((double)start_of(i + 1) - start) * (wanted - below) / here;
        below += here;
    }
    return 0;
}

/* --- the text format -------------------------------------------------------- */

static const char *const kinds[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
    [METRIC_SUMMARY] = "summary",
};

static void add_escaped(struct text *out, const char *value, bool is_quoted)
{
    while (*value) {
        size_t size = strcspn(value, is_quoted ? "\\\n\"" : "\\\n");

        text_add(out, value, size);
        value += size;
        switch (*value) {
        case '\\': text_add(out, "\\\\", 2); break;
        case '\n': text_add(out, "\\n", 2); break;
        case '"': text_add(out, "\\\"", 2); break;
        default: continue;
        }
        value++;
    }
}

void metric_tell_head(struct text *out, const struct metric_row *row)
{
    text_printf(out, "# HELP %s ", row->name);
    add_escaped(out, row->help, false);
    text_printf(out, "\n# TYPE %s %s\n", row->name, kinds[row->kind]);
}

static void add_name(struct text *out, const struct metric_row *row, const char *suffix,
                     const struct metric_label *labels)
{
    text_add(out, row->name, strlen(row->name));
    text_add(out, suffix, strlen(suffix));
    if (!labels || !labels->name)
        return;
    for (const struct metric_label *label = labels; label->name; label++) {
        text_add(out, label == labels ? "{" : ",", 1);
        text_add(out, label->name, strlen(label->name));
        text_add(out, "=\"", 2);
        add_escaped(out, label->value, true);
        text_add(out, "\"", 1);
    }
    text_add(out, "}", 1);
}

void metric_tell(struct text *out, const struct metric_row *row, const char *suffix,
                 const struct metric_label *labels, double value)
{
    char digits[40];
    int size = snprintf(digits, sizeof(digits), " %.12g\n", value);

    add_name(out, row, suffix, labels);
    text_add(out, digits, (size_t)size);
}

/* There are many of these. */
void metric_tell_whole(struct text *out, const struct metric_row *row, const char *suffix,
                       const struct metric_label *labels, int64_t value)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

    *--at = '\n';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        *--at = '-';
    *--at = ' ';
    add_name(out, row, suffix, labels);
    text_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* Puts one more label behind the others. */
static struct metric_label *add_label(struct metric_label all[static METRIC_LABELS_MAX + 1],
                                      const struct metric_label *labels, const char *name)
{
    size_t count = 0;

    for (; labels && labels->name; labels++)
        all[count++] = *labels;
    assert(count < METRIC_LABELS_MAX);
    all[count] = (struct metric_label){.name = name};
    all[count + 1] = (struct metric_label){.name = NULL};
    return &all[count];
}

enum { TOLD_FROM = 6, TOLD_TO = 24 }; /* Powers of two of microseconds. */

void metric_tell_histogram(struct text *out, const struct metric_row *row,
                           const struct metric_label *labels, const struct metric_histogram *h)
{
    struct metric_label all[METRIC_LABELS_MAX + 1];
    struct metric_label *le = add_label(all, labels, "le");
    uint64_t below = 0;
    unsigned i = 0;

    for (unsigned power = TOLD_FROM; power <= TOLD_TO; power++) {
        char bound[32];

        for (; i < metric_bucket(UINT64_C(1) << power); i++)
            below += h->buckets[i];
        (void)snprintf(bound, sizeof(bound), "%.9g", (double)(UINT64_C(1) << power) / 1e6);
        le->value = bound;
        metric_tell_whole(out, row, "_bucket", all, (int64_t)below);
    }
    le->value = "+Inf";
    metric_tell_whole(out, row, "_bucket", all, (int64_t)h->count);
    metric_tell(out, row, "_sum", labels, (double)h->sum_us / 1e6);
    metric_tell_whole(out, row, "_count", labels, (int64_t)h->count);
}

void metric_tell_summary(struct text *out, const struct metric_row *row,
                         const struct metric_label *labels, const struct metric_histogram *recent,
                         uint64_t all)
{
    static const char *const told[] = {"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"};
    static const double quantiles[] = {0.5, 0.75, 0.95, 0.98, 0.99, 0.999};
    struct metric_label with[METRIC_LABELS_MAX + 1];
    struct metric_label *quantile = add_label(with, labels, "quantile");

    for (size_t i = 0; i < COUNT_OF(told); i++) {
        quantile->value = told[i];
        metric_tell(out, row, "", with, metric_quantile(recent, quantiles[i]) / 1000);
    }
    metric_tell_whole(out, row, "_count", labels, (int64_t)all);
}
