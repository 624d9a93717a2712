/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/metrics.c - metrics.md: what /metrics tells. */

#include "base/metric.h"
#include "tools/refdoc/refdoc.h"

static const struct metric_row rows[] = {
#define METRIC(id, KIND, SOURCE, unit_, name_, labels_, mbean_, help_)                             \
    {.name = name_,                                                                                \
     .kind = METRIC_##KIND,                                                                        \
     .unit = unit_,                                                                                \
     .labels = labels_,                                                                            \
     .mbean = mbean_,                                                                              \
     .help = help_},
#include "broker/metrics.def"
};

static const struct {
    const char *mbean, *why;
} missing[] = {
#define NOT_COVERED(mbean_, why_) {.mbean = mbean_, .why = why_},
#include "broker/metrics.def"
};

static const char *const kinds[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
    [METRIC_SUMMARY] = "summary",
};

/* What comes between backquotes, or nothing. */
static void print_code(struct text *out, const char *code)
{
    text_printf(out, *code ? " `%s` |" : " |%s", code);
}

static void print_rows(struct text *out, bool is_kafkas)
{
    text_printf(out, "| name | type | unit | labels |%s |\n|---|---|---|---|%s---|\n",
                is_kafkas ? " MBean |" : "", is_kafkas ? "---|" : "");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct metric_row *row = &rows[i];

        if ((*row->mbean != '\0') != is_kafkas)
            continue;
        text_printf(out, "| `%s` | %s | %s |", row->name, kinds[row->kind], row->unit);
        print_code(out, row->labels);
        if (is_kafkas)
            print_code(out, row->mbean);
        text_printf(out, " %s |\n", row->help);
    }
}

void refdoc_metrics(struct text *out)
{
    refdoc_title(out, "Metrics", "src/broker/metrics.def");
    text_printf(
        out,
        "With [`metrics.listener`](configs.md#metricslistener) a node tells Prometheus what it "
        "does, in the text format 0.0.4:\n\n"
        "| path | answer |\n|---|---|\n"
        "| `/metrics` | what this page lists |\n"
        "| `/healthz` | 200 when the loop of every shard turns; 503 if one does not within 5 s |\n"
        "| `/readyz` | 200 while clients are served; else 503, and a line that says why not |\n\n"
        "The server is the module `http`, which is loaded when the key is set, and comes in the "
        "package `moldau-http`.\n"
        "It takes 32 connections at a time, and closes one that is silent for 10 s.\n\n"
        "## Names of Kafka's\n\n"
        "They are those that Prometheus' JMX exporter makes with the rules that it brings for "
        "Kafka (`kafka-2_0_0.yml`),\nso that dashboards made for those work.  A rate "
        "(`...PerSec`) is told as its count.  Of a family with the label\n`topic` the line "
        "without it is the sum.  "
        "Quantiles are of the last two and a half to five minutes, as far as\nsomebody has asked; "
        "counts are since the start.\n\n");
    print_rows(out, true);
    text_printf(out,
                "\nOf a partition that nobody has used since the start there is no `kafka_log_log` "
                "line: its log is not open, and\nis not opened to be told of.  Topics are counted "
                "one by one from their first record on.  Where the key is set,\na topic with "
                "traffic costs about 120 bytes on each shard that has some of it.\n\n"
                "## Ours, and the process\n\n");
    print_rows(out, false);
    text_printf(out, "\n## MBeans that nothing here stands for\n\n| MBean | why |\n|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(missing); i++)
        text_printf(out, "| `%s` | %s |\n", missing[i].mbean, missing[i].why);
}
