/* SPDX-License-Identifier: Apache-2.0 */

/* cli/consumer_perf.c - kafka-consumer-perf-test: how fast records are read.
 *
 * What arrives together is one lot, of at most LOT_MAX records, as a poll of Java's consumer is: a
 * lot that was begun is counted whole.
 */

#include "cli/admin.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/date_format.h"
#include "cli/topic_watch.h"
#include "wire/errors.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum perf_option {
#define OPTION(id, name, KIND, shows, initial, about) PERF_##id,
#include "cli/consumer_perf.def"
};

const struct option_row consumer_perf_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/consumer_perf.def"
};

const int consumer_perf_row_count = COUNT_OF(consumer_perf_rows);

enum {
    LOT_MAX = 500,   /* Java's max.poll.records. */
    LOOK_MS = 100,   /* How often it is looked whether records still come. */
    GROUPS = 100000, /* Names of groups of our own. */
    NAME_SIZE = 64,
    CLOSE_MS = 10 * 1000,
};

struct perf {
    struct cli *cli;
    struct consumer consumer;
    struct group_consumer group;
    struct topic_watch matching; /* With --include. */
    int64_t wanted, timeout_ms, interval_ms;
    const char *format;
    bool is_detailed;

    int64_t records, bytes;
    int64_t began_ms, news_ms;  /* When the last record came. */
    int64_t lot, lot_ms;        /* Records of this lot, and when it came. */
    int64_t join_ms, joined_ms; /* When joining began; how long it took, in all ... */
    int64_t joined_ms_interval; /* ... and since the last report. */
    int64_t told_ms, told_records, told_bytes; /* At the last report. */
    struct loop_timer look;
    bool is_done, is_closed, has_failed;
};

static bool has(const struct cli *cli, enum perf_option option)
{
    return options_has(&cli->options, (int)option);
}

static int64_t now_ms(const struct perf *perf)
{
    return io_wall_ms(perf->cli->env->io);
}

/* --- lines ---------------------------------------------------------------------- */

/* As Java prints what was divided by nothing. */
static void print_rate(struct text *line, double rate)
{
    if (isnan(rate))
        text_printf(line, ", NaN");
    else if (isinf(rate))
        text_printf(line, ", Infinity");
    else
        text_printf(line, ", %.4f", rate);
}

static void put(struct perf *perf, struct text *line)
{
    text_printf(line, "\n");
    console_write(&perf->cli->out, line->data, line->size);
    console_flush(&perf->cli->out);
    text_fini(line);
}

static double megabytes(int64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static void print_header(const struct perf *perf)
{
    if (!has(perf->cli, PERF_hide_header))
        console_printf(&perf->cli->out,
                       "%s, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, "
                       "rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n",
                       perf->is_detailed ? "time, threadId" : "start.time, end.time");
}

static void print_interval(struct perf *perf, int64_t at_ms)
{
    double seconds = (double)(at_ms - perf->told_ms) / 1000.0;
    int64_t fetch_ms = at_ms - perf->told_ms - perf->joined_ms_interval;
    double fetch_seconds = (double)fetch_ms / 1000.0;
    double mb = megabytes(perf->bytes - perf->told_bytes);
    double records = (double)(perf->records - perf->told_records);
    struct text line = {.data = NULL};

    date_format_print(perf->format, at_ms, &line);
    text_printf(&line, ", 0, %.4f", megabytes(perf->bytes));
    print_rate(&line, mb / seconds);
    text_printf(&line, ", %" PRId64, perf->records);
    print_rate(&line, records / seconds);
    text_printf(&line, ", %" PRId64 ", %" PRId64, perf->joined_ms_interval, fetch_ms);
    print_rate(&line, fetch_ms > 0 ? mb / fetch_seconds : 0);
    print_rate(&line, fetch_ms > 0 ? records / fetch_seconds : 0);
    put(perf, &line);
}

static void print_total(struct perf *perf, int64_t ended_ms)
{
    double seconds = (double)(ended_ms - perf->began_ms) / 1000.0;
    int64_t fetch_ms = ended_ms - perf->began_ms - perf->joined_ms;
    double fetch_seconds = (double)fetch_ms / 1000.0;
    double mb = megabytes(perf->bytes);
    double records = (double)perf->records;
    struct text line = {.data = NULL};

    date_format_print(perf->format, perf->began_ms, &line);
    text_printf(&line, ", ");
    date_format_print(perf->format, ended_ms, &line);
    text_printf(&line, ", %.4f", mb);
    print_rate(&line, mb / seconds);
    text_printf(&line, ", %" PRId64, perf->records);
    print_rate(&line, records / seconds);
    text_printf(&line, ", %" PRId64 ", %" PRId64, perf->joined_ms, fetch_ms);
    print_rate(&line, mb / fetch_seconds);
    print_rate(&line, records / fetch_seconds);
    put(perf, &line);
}

/* --- records -------------------------------------------------------------------- */

static void end_lot(struct perf *perf)
{
    perf->lot = 0;
    if (perf->records < perf->wanted)
        return;
    consumer_pause(&perf->consumer);
    perf->is_done = true;
}

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct perf *perf = container_of(consumer, struct perf, consumer);

    (void)partition;
    if (perf->is_done)
        return false;
    if (perf->lot++ == 0)
        perf->lot_ms = perf->news_ms = now_ms(perf);
    perf->records++;
    perf->bytes += (int64_t)record->key.size + (int64_t)record->value.size;
    if (perf->lot_ms - perf->told_ms >= perf->interval_ms) {
        if (perf->is_detailed)
            print_interval(perf, perf->lot_ms);
        perf->joined_ms_interval = 0;
        perf->told_ms = perf->lot_ms;
        perf->told_records = perf->records;
        perf->told_bytes = perf->bytes;
    }
    if (perf->lot == LOT_MAX)
        end_lot(perf);
    return !perf->is_done && !cli_is_stopping(perf->cli);
}

static void on_delivered(struct consumer *consumer)
{
    struct perf *perf = container_of(consumer, struct perf, consumer);

    if (perf->lot > 0)
        end_lot(perf);
}

static void fail(struct perf *perf, const char *why)
{
    if (!perf->has_failed)
        (void)cli_failed(perf->cli, why);
    consumer_pause(&perf->consumer);
    perf->has_failed = perf->is_done = true;
}

static void on_failed(struct consumer *consumer, struct consumer_partition *partition,
                      int16_t error, const char *why)
{
    (void)partition;
    fail(container_of(consumer, struct perf, consumer), error ? error_meaning(error) : why);
}

static const struct consumer_events consumer_events = {
    .record = on_record,
    .failed = on_failed,
    .delivered = on_delivered,
};

static void on_look(struct loop_timer *timer)
{
    struct perf *perf = container_of(timer, struct perf, look);

    if (now_ms(perf) - perf->news_ms > perf->timeout_ms)
        perf->is_done = true;
    loop_timer_set(&perf->cli->loop, timer,
                   io_monotonic_us(perf->cli->loop.io) + LOOK_MS * INT64_C(1000));
}

/* --- the group -------------------------------------------------------------------- */

static struct perf *perf_of(struct group_consumer *group)
{
    return container_of(group, struct perf, group);
}

static void on_group_failed(struct group_consumer *group, int16_t error, const char *why)
{
    (void)error;
    fail(perf_of(group), why);
}

static void on_closed(struct group_consumer *group)
{
    perf_of(group)->is_closed = true;
}

static void on_assigned(struct group_consumer *group,
                        const struct consumer_protocol_assignment *partitions)
{
    struct perf *perf = perf_of(group);
    int64_t took_ms = now_ms(perf) - perf->join_ms;

    (void)partitions;
    perf->joined_ms += took_ms;
    perf->joined_ms_interval += took_ms;
}

static void on_revoked(struct group_consumer *group,
                       const struct consumer_protocol_assignment *partitions)
{
    (void)partitions;
    perf_of(group)->join_ms = now_ms(perf_of(group));
}

static const struct group_consumer_events group_events = {
    .failed = on_group_failed,
    .closed = on_closed,
    .assigned = on_assigned,
    .revoked = on_revoked,
};

/* Commits and leaves. */
static void leave(struct perf *perf)
{
    struct loop *loop = &perf->cli->loop;
    int64_t deadline_us = io_monotonic_us(loop->io) + CLOSE_MS * INT64_C(1000);

    group_consumer_close(&perf->group);
    while (!perf->is_closed && io_monotonic_us(loop->io) < deadline_us)
        loop_turn(loop, LOOK_MS * 1000);
}

/* --include */
static void on_match(struct topic_watch *topics, struct slice name)
{
    group_consumer_subscribe(&container_of(topics, struct perf, matching)->group, name);
}

static bool subscribe(struct perf *perf)
{
    struct cli *cli = perf->cli;
    const char *include = options_nth(&cli->options, PERF_include, 0);

    if (include)
        return topic_watch_start(&perf->matching, cli, include, on_match);
    group_consumer_subscribe(&perf->group, slice_text(options_nth(&cli->options, PERF_topic, 0)));
    return true;
}

/* --- the command ------------------------------------------------------------------ */

static bool is_both(struct cli *cli, enum perf_option a, enum perf_option b)
{
    if (has(cli, a) != has(cli, b))
        return false;
    text_printf(&cli->why, "Exactly one of the following arguments is required: [%s], [%s]",
                consumer_perf_rows[a].name, consumer_perf_rows[b].name);
    return true;
}

static bool is_well_used(struct cli *cli)
{
    if (has(cli, PERF_print_metrics))
        text_printf(&cli->why, "--print-metrics is not served");
    else if (!has(cli, PERF_bootstrap))
        text_printf(&cli->why, "Missing required argument \"[bootstrap-server]\"");
    else if (!is_both(cli, PERF_messages, PERF_num_records) &&
             !is_both(cli, PERF_topic, PERF_include) && has(cli, PERF_consumer_config) &&
             has(cli, PERF_command_config))
        text_printf(&cli->why,
                    "Option \"[consumer.config]\" can't be used with option \"[command-config]\"");
    return cli->why.size == 0;
}

static void warn_of_old_names(struct cli *cli)
{
    if (has(cli, PERF_messages))
        console_printf(&cli->out,
                       "Warning: --messages is deprecated. Use --num-records instead.\n");
    if (has(cli, PERF_consumer_config))
        console_printf(&cli->out,
                       "Warning: --consumer.config is deprecated. Use --command-config instead.\n");
}

static bool set(struct cli *cli, struct client_config *config, const char *key, const char *value)
{
    return client_settings_set(cli, config, slice_text(key), slice_text(value));
}

static bool set_group(struct cli *cli, struct client_config *config)
{
    const char *group = options_nth(&cli->options, PERF_group, 0);
    char name[NAME_SIZE];
    uint32_t chance = 0;

    if (group)
        return set(cli, config, "group.id", group);
    cli->env->io->ops->entropy(cli->env->io, &chance, sizeof(chance));
    snprintf(name, sizeof(name), "perf-consumer-%u", (unsigned)(chance % GROUPS));
    return set(cli, config, "group.id", name);
}

static bool set_sizes(struct cli *cli, struct client_config *config)
{
    const char *size;
    int64_t number = 0;

    if (options_number(&cli->options, PERF_fetch_size, &number, &cli->why) ||
        options_get(&cli->options, PERF_fetch_size, &size, &cli->why) ||
        !set(cli, config, "max.partition.fetch.bytes", size) ||
        options_number(&cli->options, PERF_socket_buffer, &number, &cli->why))
        return false;
    if (number >= -1)
        return true;
    text_printf(&cli->why,
                "Invalid value %" PRId64 " for configuration receive.buffer.bytes: Value must be "
                "at least -1",
                number);
    return false;
}

/* The options are stronger than the words, and those than the file. */
static bool configure(struct cli *cli, struct client_config *config)
{
    const char *path =
        options_nth(&cli->options,
                    has(cli, PERF_consumer_config) ? PERF_consumer_config : PERF_command_config, 0);
    const char *word;

    if (path && !client_settings_read(cli, config, path))
        return false;
    for (int i = 0; (word = options_nth(&cli->options, PERF_command_property, i)); i++)
        if (!client_settings_word(cli, config, word))
            return false;
    return set(cli, config, "bootstrap.servers", options_nth(&cli->options, PERF_bootstrap, 0)) &&
           set(cli, config, "auto.offset.reset",
               has(cli, PERF_from_latest) ? "latest" : "earliest") &&
           set(cli, config, "check.crcs", "false") && set_group(cli, config) &&
           set_sizes(cli, config) && client_config_check(config, &cli->why) == 0;
}

static bool take_numbers(struct perf *perf)
{
    struct cli *cli = perf->cli;
    int row = has(cli, PERF_messages) ? PERF_messages : PERF_num_records;
    const char *timeout = options_nth(&cli->options, PERF_timeout, 0);
    char *end;

    if (options_number(&cli->options, row, &perf->wanted, &cli->why) ||
        options_number(&cli->options, PERF_interval, &perf->interval_ms, &cli->why) ||
        options_get(&cli->options, PERF_date_format, &perf->format, &cli->why))
        return false;
    if (!timeout)
        timeout = consumer_perf_rows[PERF_timeout].initial;
    perf->timeout_ms = strtoll(timeout, &end, 10);
    if (end == timeout || *end) {
        text_printf(&cli->why, "Cannot parse argument '%s' of option timeout", timeout);
        return false;
    }
    if (perf->interval_ms <= 0) {
        text_printf(&cli->why, "Reporting interval must be greater than 0.");
        return false;
    }
    return date_format_check(perf->format, &cli->why) == 0;
}

static void wait_for_records(struct perf *perf)
{
    struct cli *cli = perf->cli;

    perf->look.fire = on_look;
    on_look(&perf->look);
    group_consumer_start(&perf->group);
    if (!cli_wait(cli, &perf->is_done))
        perf->is_done = true; /* Asked to stop. */
    loop_timer_cancel(&cli->loop, &perf->look);
}

static void run(struct perf *perf, const struct client_config *config)
{
    struct cli *cli = perf->cli;
    struct consumer_settings settings = client_config_consumer(config);
    struct group_consumer_settings group = client_config_group(config);
    int64_t ended_ms;

    consumer_init(&perf->consumer, &cli->cluster, &settings, &consumer_events);
    group_consumer_init(&perf->group, &cli->cluster, &perf->consumer, &group, &group_events);
    perf->began_ms = perf->news_ms = perf->join_ms = perf->told_ms = now_ms(perf);
    if (!subscribe(perf))
        fail(perf, cli->why.data);
    else if (perf->wanted > 0)
        wait_for_records(perf);
    ended_ms = now_ms(perf);
    if (!perf->has_failed && perf->records < perf->wanted)
        console_printf(&cli->out,
                       "WARNING: Exiting before consuming the expected number of records: timeout "
                       "(%" PRId64 " ms) exceeded. You can use the --timeout option to increase "
                       "the timeout.\n",
                       perf->timeout_ms);
    topic_watch_stop(&perf->matching);
    if (perf->wanted > 0)
        leave(perf);
    group_consumer_fini(&perf->group);
    consumer_fini(&perf->consumer);
    if (!perf->has_failed && !perf->is_detailed)
        print_total(perf, ended_ms);
}

int consumer_perf_run(struct cli *cli)
{
    struct perf perf = {.cli = cli, .is_detailed = has(cli, PERF_detailed)};
    struct client_config config;
    struct cluster_settings cluster;

    if (!is_well_used(cli))
        return cli_mistaken(cli);
    warn_of_old_names(cli);
    print_header(&perf);
    client_config_init(&config);
    perf.has_failed = !configure(cli, &config) || !take_numbers(&perf);
    if (!perf.has_failed) {
        cluster = client_config_cluster(&config, "perf-consumer-client");
        perf.has_failed = !cli_connect(cli, &cluster);
    }
    if (perf.has_failed)
        (void)cli_failed(cli, cli->why.data);
    else
        run(&perf, &config);
    client_config_fini(&config);
    return perf.has_failed;
}
