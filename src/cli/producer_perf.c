/* SPDX-License-Identifier: Apache-2.0 */

/* cli/producer_perf.c - kafka-producer-perf-test: how fast records are written.
 *
 * A record's time is from the moment that it is handed to the producer until it is acknowledged.
 */

#include "base/mem.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/perf_stats.h"
#include "os/console.h"
#include "wire/errors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum perf_option {
#define OPTION(id, name, brief, KIND, initial, NEED, about) PERF_##id,
#include "cli/producer_perf.def"
};

const struct option_row producer_perf_rows[] = {
#define OPTION(id, name_, brief_, KIND, initial_, NEED, about_)                                    \
    {.name = name_,                                                                                \
     .brief = brief_,                                                                              \
     .kind = OPTION_##KIND,                                                                        \
     .shows = "",                                                                                  \
     .initial = initial_,                                                                          \
     .need = OPTION_##NEED,                                                                        \
     .about = about_},
#include "cli/producer_perf.def"
};

const int producer_perf_row_count = COUNT_OF(producer_perf_rows);

enum {
    PAYLOADS_MAX = 1 << 30, /* Bytes of --payload-file. */
    TURN_MAX = 1000,        /* Records in one turn of the loop. */
    LETTERS = 26,
    NUMBER_SIZE = 24,
    STEP_US = 100,
    TIME_SHIFT = 1,
    SIZE_SHIFT = 33,
};

struct perf {
    struct cli *cli;
    struct producer producer;
    const char *topic;
    int64_t count, warmup, interval_ms;
    double throughput;      /* Records a second; not above 0: no bound. */
    struct text bytes;      /* The value, or all of the file's. */
    struct slice *payloads; /* Owned array. */
    size_t payload_count;
    struct rng rng;
    bool is_monotonic;

    struct perf_stats window, total, steady;
    int64_t began_us;
    int64_t sent, reported;
    struct loop_timer send, tell;
    bool is_done, is_waiting; /* For room. */
};

static bool has(const struct cli *cli, enum perf_option option)
{
    return options_has(&cli->options, (int)option);
}

static const char *value_of(const struct cli *cli, enum perf_option option)
{
    const char *value = producer_perf_rows[option].initial;

    for (int i = 0; i < cli->options.use_count; i++)
        if (cli->options.uses[i].row == (int)option)
            value = cli->options.uses[i].value;
    return value;
}

static int64_t now_us(const struct perf *perf)
{
    return io_monotonic_us(perf->cli->loop.io);
}

/* --- words --------------------------------------------------------------------- */

static bool refuse_number(struct cli *cli, enum perf_option option, const char *word,
                          const char *type)
{
    text_printf(&cli->why, "argument --%s: could not convert '%s' to %s (For input string: \"%s\")",
                producer_perf_rows[option].name, word, type, word);
    return false;
}

static bool take_long(struct cli *cli, enum perf_option option, int64_t *out)
{
    const char *word = value_of(cli, option);
    char *end;

    errno = 0;
    *out = strtoll(word, &end, 10);
    return (!errno && end != word && !*end) || refuse_number(cli, option, word, "Long");
}

static bool take_numbers(struct perf *perf)
{
    struct cli *cli = perf->cli;
    const char *word = value_of(cli, PERF_throughput);
    char *end;

    perf->throughput = strtod(word, &end);
    if (end == word || *end)
        return refuse_number(cli, PERF_throughput, word, "Double");
    if (!take_long(cli, PERF_num_records, &perf->count) ||
        !take_long(cli, PERF_warmup, &perf->warmup) ||
        !take_long(cli, PERF_interval, &perf->interval_ms))
        return false;
    if (perf->count <= 0)
        text_printf(&cli->why, "--num-records should be greater than zero.");
    else if (perf->warmup >= perf->count)
        text_printf(&cli->why, "The value for --warmup-records must be strictly fewer than the "
                               "number of records in the test, --num-records.");
    else if (perf->interval_ms <= 0)
        text_printf(&cli->why, "--reporting-interval should be greater than zero.");
    return cli->why.size == 0;
}

static bool is_well_used(struct cli *cli)
{
    bool has_cluster = has(cli, PERF_bootstrap) || has(cli, PERF_command_property) ||
                       has(cli, PERF_producer_props) || has(cli, PERF_producer_config) ||
                       has(cli, PERF_command_config);

    if (has(cli, PERF_print_metrics) || has(cli, PERF_transactional_id) ||
        has(cli, PERF_transaction_duration))
        text_printf(&cli->why, "--%s is not served",
                    has(cli, PERF_print_metrics)      ? "print-metrics"
                    : has(cli, PERF_transactional_id) ? "transactional-id"
                                                      : "transaction-duration-ms");
    else if (has(cli, PERF_record_size) && strtol(value_of(cli, PERF_record_size), NULL, 10) <= 0)
        text_printf(&cli->why, "--record-size should be greater than zero.");
    else if (!has_cluster)
        text_printf(&cli->why,
                    "At least one of --bootstrap-server, --command-property, --producer-props, "
                    "--producer.config or --command-config must be specified.");
    else if (has(cli, PERF_command_property) && has(cli, PERF_producer_props))
        text_printf(&cli->why,
                    "--command-property and --producer-props cannot be specified together.");
    else if (has(cli, PERF_command_config) && has(cli, PERF_producer_config))
        text_printf(&cli->why,
                    "--command-config and --producer.config cannot be specified together.");
    return cli->why.size == 0;
}

static void warn_of_old_names(struct cli *cli)
{
    static const struct {
        enum perf_option old, new;
    } names[] = {{PERF_producer_props, PERF_command_property},
                 {PERF_producer_config, PERF_command_config}};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (has(cli, names[i].old))
            console_printf(&cli->out,
                           "Option --%s has been deprecated and will be removed in a future "
                           "version. Use --%s instead.\n",
                           producer_perf_rows[names[i].old].name,
                           producer_perf_rows[names[i].new].name);
}

static bool configure(struct cli *cli, struct client_config *config)
{
    enum perf_option files =
        has(cli, PERF_producer_config) ? PERF_producer_config : PERF_command_config;
    enum perf_option words =
        has(cli, PERF_producer_props) ? PERF_producer_props : PERF_command_property;
    const char *word = value_of(cli, files);

    if (word && !client_settings_read(cli, config, word))
        return false;
    for (int i = 0; (word = options_nth(&cli->options, (int)words, i)); i++) {
        if (!strchr(word, '=')) {
            text_printf(&cli->why, "Invalid property: %s", word);
            return false;
        }
        if (!client_settings_word(cli, config, word))
            return false;
    }
    word = value_of(cli, PERF_bootstrap);
    if (word &&
        !client_settings_set(cli, config, slice_text("bootstrap.servers"), slice_text(word)))
        return false;
    return client_config_check(config, &cli->why) == 0;
}

/* --- values -------------------------------------------------------------------- */

static void add_payload(struct perf *perf, struct slice payload)
{
    perf->payloads = mem_resize(perf->payloads, perf->payload_count + 1, sizeof(*perf->payloads));
    perf->payloads[perf->payload_count++] = payload;
}

/* `\n` is how it is written on a command line. */
static struct slice delimiter_of(const struct cli *cli)
{
    const char *word = value_of(cli, PERF_payload_delimiter);

    return slice_text(strcmp(word, "\\n") == 0 ? "\n" : word);
}

static bool read_payloads(struct perf *perf, const char *path)
{
    struct cli *cli = perf->cli;
    struct slice delimiter = delimiter_of(cli);
    struct slice rest;

    console_printf(&cli->out, "Reading payloads from: %s\n", path);
    if (console_read_file(path, PAYLOADS_MAX, &perf->bytes) || perf->bytes.size == 0) {
        text_printf(&cli->why, "File does not exist or empty file provided.");
        return false;
    }
    rest = text_slice(&perf->bytes);
    while (rest.size > 0) {
        const uint8_t *end =
            delimiter.size ? memmem(rest.data, rest.size, delimiter.data, delimiter.size) : NULL;
        size_t size = end ? (size_t)(end - rest.data) : rest.size;
        size_t taken = min_of(size + delimiter.size, rest.size);

        add_payload(perf, slice_of(rest.data, size));
        rest = slice_of(rest.data + taken, rest.size - taken);
    }
    console_printf(&cli->out, "Number of records read: %zu\n", perf->payload_count);
    return true;
}

static bool make_payloads(struct perf *perf)
{
    const char *path = value_of(perf->cli, PERF_payload_file);
    const char *size = value_of(perf->cli, PERF_record_size);

    perf->is_monotonic = has(perf->cli, PERF_payload_monotonic);
    if (path)
        return read_payloads(perf, path);
    for (long n = size ? strtol(size, NULL, 10) : 0; n > 0; n--) {
        char letter = (char)('A' + rng_below(&perf->rng, LETTERS));

        text_add(&perf->bytes, &letter, 1);
    }
    add_payload(perf, text_slice(&perf->bytes));
    return true;
}

/* --- records ------------------------------------------------------------------- */

static void print(struct perf *perf, struct text *line)
{
    console_write(&perf->cli->out, line->data, line->size);
    console_flush(&perf->cli->out);
    text_fini(line);
}

static void tell(struct loop_timer *timer)
{
    struct perf *perf = container_of(timer, struct perf, tell);
    struct text line = {.data = NULL};

    perf_stats_window(&perf->window, now_us(perf), &line);
    print(perf, &line);
    loop_timer_set(&perf->cli->loop, timer, now_us(perf) + perf->interval_ms * 1000);
}

/* What the producer keeps for us of each record: its size, when it was sent (in steps of 0.1 ms),
 * and whether that was behind the warm-up. */
static uint64_t token_of(size_t size, int64_t since_us, bool is_steady)
{
    return (uint64_t)size << SIZE_SHIFT |
           ((uint64_t)(since_us / STEP_US) & UINT32_MAX) << TIME_SHIFT | is_steady;
}

static void delivered(struct producer *producer, const struct producer_report *report)
{
    struct perf *perf = container_of(producer, struct perf, producer);
    size_t size = (size_t)(report->token >> SIZE_SHIFT);
    int64_t since_us = (int64_t)(report->token >> TIME_SHIFT & UINT32_MAX) * STEP_US;
    int64_t latency = now_us(perf) - perf->began_us - since_us;
    bool is_steady = report->token & 1;

    perf->reported++;
    if (report->error != ERROR_NONE) {
        struct text line = {.data = NULL};

        text_printf(&line, "Error when sending message to topic %s: %s: %s", report->topic,
                    error_name(report->error),
                    report->why ? report->why : error_meaning(report->error));
        cli_log_error(perf->cli, line.data);
        text_fini(&line);
        return;
    }
    perf_stats_add(&perf->window, size, latency);
    perf_stats_add(&perf->total, size, latency);
    if (!is_steady)
        return;
    if (perf->steady.records == 0)
        perf->steady.began_us = now_us(perf) - latency;
    perf_stats_add(&perf->steady, size, latency);
}

static struct slice next_value(struct perf *perf, char number[static NUMBER_SIZE])
{
    if (perf->is_monotonic) {
        int size = snprintf(number, NUMBER_SIZE, "%lld", (long long)perf->sent);

        return slice_of(number, (size_t)size);
    }
    return perf->payloads[perf->payload_count > 1 ? rng_below(&perf->rng, perf->payload_count) : 0];
}

/* One record; false: there is no room now. */
static bool send_one(struct perf *perf)
{
    char number[NUMBER_SIZE];
    struct slice value = next_value(perf, number);
    struct producer_record record = {
        .topic = slice_text(perf->topic),
        .partition = -1,
        .timestamp = -1,
        .key = slice_null(),
        .value = value,
        .token = token_of(value.size, now_us(perf) - perf->began_us, perf->sent >= perf->warmup),
    };
    int e = producer_send(&perf->producer, &record);

    if (e == PRODUCER_E_FULL)
        return false;
    perf->sent++;
    if (e == PRODUCER_E_TOO_LARGE) {
        perf->reported++;
        cli_log_error(perf->cli, "the record is larger than max.request.size");
    }
    return true;
}

/* How many may be sent by now. */
static int64_t allowed(const struct perf *perf)
{
    double seconds = (double)(now_us(perf) - perf->began_us) / 1e6;

    return perf->throughput <= 0 ? INT64_MAX : (int64_t)(seconds * perf->throughput) + 1;
}

static void send_some(struct perf *perf)
{
    struct loop *loop = &perf->cli->loop;
    int64_t upto = min_of(perf->count, allowed(perf));

    upto = min_of(upto, perf->sent + TURN_MAX);
    perf->is_waiting = false;
    while (perf->sent < upto && !perf->is_waiting)
        perf->is_waiting = !send_one(perf);
    if (perf->sent == perf->count && perf->reported == perf->count)
        perf->is_done = true; /* None was left to wait for. */
    else if (perf->sent == perf->count)
        producer_flush(&perf->producer);
    else if (!perf->is_waiting)
        loop_timer_set(loop, &perf->send,
                       now_us(perf) +
                           (perf->throughput > 0 ? (int64_t)(1e6 / perf->throughput) : 0));
}

static void on_send(struct loop_timer *timer)
{
    send_some(container_of(timer, struct perf, send));
}

static void has_room(struct producer *producer)
{
    struct perf *perf = container_of(producer, struct perf, producer);

    if (perf->is_waiting)
        loop_timer_set(&perf->cli->loop, &perf->send, now_us(perf));
}

static void idle(struct producer *producer)
{
    struct perf *perf = container_of(producer, struct perf, producer);

    perf->is_done |= perf->sent == perf->count;
}

static const struct producer_events producer_events = {
    .delivered = delivered,
    .has_room = has_room,
    .idle = idle,
};

/* --- the command ----------------------------------------------------------------- */

static void run(struct perf *perf, const struct client_config *config)
{
    struct cli *cli = perf->cli;
    struct producer_settings settings = client_config_producer(config);
    struct text lines = {.data = NULL};

    if (perf->warmup > 0)
        console_printf(&cli->out,
                       "Warmup first %lld records. Steady state results will print after the "
                       "complete test summary.\n",
                       (long long)perf->warmup);
    perf->began_us = now_us(perf);
    perf_stats_init(&perf->window, perf->began_us);
    perf_stats_init(&perf->total, perf->began_us);
    perf_stats_init(&perf->steady, perf->began_us);
    perf->send.fire = on_send;
    perf->tell.fire = tell;
    producer_init(&perf->producer, &cli->cluster, &settings, &producer_events);
    loop_timer_set(&cli->loop, &perf->tell, perf->began_us + perf->interval_ms * 1000);
    send_some(perf);
    if (!cli_wait(cli, &perf->is_done))
        cli_log_error(cli, "ended before all records were sent");
    loop_timer_cancel(&cli->loop, &perf->send);
    loop_timer_cancel(&cli->loop, &perf->tell);
    producer_fini(&perf->producer);
    perf_stats_total(&perf->total, now_us(perf), "", &lines);
    if (perf->warmup > 0)
        perf_stats_total(&perf->steady, now_us(perf), "steady state ", &lines);
    print(perf, &lines);
    perf_stats_fini(&perf->window);
    perf_stats_fini(&perf->total);
    perf_stats_fini(&perf->steady);
}

static bool prepare(struct perf *perf, struct client_config *config)
{
    struct cli *cli = perf->cli;
    struct cluster_settings cluster;

    perf->topic = value_of(cli, PERF_topic);
    if (!make_payloads(perf))
        return false;
    warn_of_old_names(cli);
    if (!configure(cli, config))
        return false;
    cluster = client_config_cluster(config, "perf-producer-client");
    return cli_connect(cli, &cluster);
}

int producer_perf_run(struct cli *cli)
{
    struct perf perf = {.cli = cli, .rng = rng_of(0)};
    struct client_config config;
    bool is_good;

    if (!is_well_used(cli) || !take_numbers(&perf))
        return cli_mistaken(cli);
    client_config_init(&config);
    is_good = prepare(&perf, &config);
    if (is_good)
        run(&perf, &config);
    client_config_fini(&config);
    text_fini(&perf.bytes);
    mem_free(perf.payloads);
    return is_good ? 0 : cli_failed(cli, cli->why.data ? cli->why.data : "");
}
