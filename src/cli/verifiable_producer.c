/* SPDX-License-Identifier: Apache-2.0 */

/* cli/verifiable_producer.c - kafka-verifiable-producer: growing numbers become records, and each
 * acknowledgement a line of JSON, so that a test knows what must be there.
 *
 * Nothing is sent again, unless the settings say so: what is not acknowledged is told.
 */

#include "cli/admin.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/event_lines.h"
#include "wire/errors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verify_option {
#define OPTION(id, name, brief, KIND, initial, NEED, about) VERIFY_##id,
#include "cli/verifiable_producer.def"
};

const struct option_row verifiable_producer_rows[] = {
#define OPTION(id, name_, brief_, KIND, initial_, NEED, about_)                                    \
    {.name = name_,                                                                                \
     .brief = brief_,                                                                              \
     .kind = OPTION_##KIND,                                                                        \
     .shows = "",                                                                                  \
     .initial = initial_,                                                                          \
     .need = OPTION_##NEED,                                                                        \
     .about = about_},
#include "cli/verifiable_producer.def"
};

const int verifiable_producer_row_count = COUNT_OF(verifiable_producer_rows);

enum {
    TURN_MAX = 1000, /* Records in one turn of the loop. */
    NUMBER_SIZE = 32,
    CLOSE_MS = 30 * 1000, /* How long what is under way may take when we are stopped. */
    CLOSE_TURN_MS = 100,
};

struct verify {
    struct cli *cli;
    struct producer producer;
    const char *topic;
    int64_t count; /* Negative: without end. */
    int64_t throughput;
    int64_t created_ms; /* -1: records have the time at which they are sent. */
    int64_t began_ms, began_us;
    int64_t sent, reported, acked;
    struct loop_timer send;
    bool is_waiting, is_done;
    const char *prefix; /* NULL: none. */
    int64_t keys;
    bool has_keys;
};

static bool has(const struct cli *cli, enum verify_option option)
{
    return options_has(&cli->options, (int)option);
}

/* The record's number is all that must be known of it. */
static struct slice value_of(const struct verify *v, int64_t number, char out[static NUMBER_SIZE])
{
    int size = snprintf(out, NUMBER_SIZE, "%s%s%" PRId64, v->prefix ? v->prefix : "",
                        v->prefix ? "." : "", number);

    return slice_of(out, (size_t)size);
}

static struct slice key_of(const struct verify *v, int64_t number, char out[static NUMBER_SIZE])
{
    int size;

    if (!v->has_keys)
        return slice_null();
    size = snprintf(out, NUMBER_SIZE, "%" PRId64, v->keys > 0 ? number % v->keys : number);
    return slice_of(out, (size_t)size);
}

/* --- what became of a record ---------------------------------------------------- */

static void print_failure(struct verify *v, int64_t number, int16_t error, const char *why)
{
    char value[NUMBER_SIZE], key[NUMBER_SIZE];
    struct text line = {.data = NULL};

    event_begin(v->cli, &line, "producer_send_error");
    event_text(&line, "topic", slice_text(v->topic));
    event_text(&line, "key", key_of(v, number, key));
    event_text(&line, "value", value_of(v, number, value));
    text_printf(&line, ",\"exception\":\"class ");
    admin_print_class(error, &line);
    text_printf(&line, "\"");
    event_text(&line, "message", slice_text(why));
    event_end(v->cli, &line);
}

static void delivered(struct producer *producer, const struct producer_report *report)
{
    struct verify *v = container_of(producer, struct verify, producer);
    int64_t number = (int64_t)report->token;
    char value[NUMBER_SIZE], key[NUMBER_SIZE];
    struct text line = {.data = NULL};

    v->reported++;
    if (report->error == ERROR_INVALID_TOPIC_EXCEPTION) {
        text_printf(&line, "Invalid topics: [%s]", v->topic);
        print_failure(v, number, report->error, line.data);
        text_fini(&line);
        return;
    }
    if (report->error != ERROR_NONE) {
        print_failure(v, number, report->error,
                      report->why ? report->why : error_meaning(report->error));
        return;
    }
    v->acked++;
    event_begin(v->cli, &line, "producer_send_success");
    event_text(&line, "key", key_of(v, number, key));
    event_text(&line, "value", value_of(v, number, value));
    text_printf(&line, ",\"offset\":%" PRId64, report->offset);
    event_text(&line, "topic", slice_text(report->topic));
    text_printf(&line, ",\"partition\":%d", (int)report->partition);
    event_end(v->cli, &line);
}

/* --- records -------------------------------------------------------------------- */

static int64_t now_us(const struct verify *v)
{
    return io_monotonic_us(v->cli->loop.io);
}

/* One record; false: there is no room now. */
static bool send_one(struct verify *v)
{
    char value[NUMBER_SIZE], key[NUMBER_SIZE];
    struct producer_record record = {
        .topic = slice_text(v->topic),
        .partition = -1,
        .timestamp = v->created_ms,
        .key = key_of(v, v->sent, key),
        .value = value_of(v, v->sent, value),
        .token = (uint64_t)v->sent,
    };
    int e = producer_send(&v->producer, &record);

    if (e == PRODUCER_E_FULL)
        return false;
    if (v->created_ms >= 0) /* So does Kafka's: times run ahead. */
        v->created_ms += io_wall_ms(v->cli->env->io) - v->began_ms;
    v->sent++;
    if (e == PRODUCER_E_TOO_LARGE) {
        v->reported++;
        print_failure(v, v->sent - 1, ERROR_MESSAGE_TOO_LARGE,
                      "the record is larger than max.request.size");
    }
    return true;
}

/* How many may be sent by now.  A rate of none lets two pass, as Kafka's does. */
static int64_t allowed(const struct verify *v)
{
    double seconds = (double)(now_us(v) - v->began_us) / 1e6;

    if (v->throughput == 0)
        return 2;
    return v->throughput < 0 ? INT64_MAX : (int64_t)(seconds * (double)v->throughput) + 1;
}

static bool is_all_sent(const struct verify *v)
{
    return v->count >= 0 && v->sent >= v->count;
}

static void send_some(struct verify *v)
{
    int64_t upto = min_of(v->count < 0 ? INT64_MAX : v->count, allowed(v));

    upto = min_of(upto, v->sent + TURN_MAX);
    v->is_waiting = false;
    while (v->sent < upto && !v->is_waiting)
        v->is_waiting = !send_one(v);
    if (is_all_sent(v) && v->reported == v->sent)
        v->is_done = true; /* None was left to wait for. */
    else if (is_all_sent(v))
        producer_flush(&v->producer);
    else if (!v->is_waiting && v->throughput != 0)
        loop_timer_set(&v->cli->loop, &v->send,
                       now_us(v) + (v->throughput > 0 ? 1000000 / v->throughput : 0));
}

static void on_send(struct loop_timer *timer)
{
    send_some(container_of(timer, struct verify, send));
}

static void has_room(struct producer *producer)
{
    struct verify *v = container_of(producer, struct verify, producer);

    if (v->is_waiting)
        loop_timer_set(&v->cli->loop, &v->send, now_us(v));
}

static void idle(struct producer *producer)
{
    struct verify *v = container_of(producer, struct verify, producer);

    v->is_done |= is_all_sent(v);
}

static const struct producer_events producer_events = {
    .delivered = delivered,
    .has_room = has_room,
    .idle = idle,
};

/* --- the command ------------------------------------------------------------------ */

static void print_summary(struct verify *v)
{
    struct text line = {.data = NULL};
    int64_t ms = io_wall_ms(v->cli->env->io) - v->began_ms;

    event_print(v->cli, "shutdown_complete");
    event_begin(v->cli, &line, "tool_data");
    text_printf(&line,
                ",\"sent\":%" PRId64 ",\"acked\":%" PRId64 ",\"target_throughput\":%" PRId64
                ",\"avg_throughput\":%.17g",
                v->sent, v->acked, v->throughput,
                1000 * (double)v->acked / (double)max_of(ms, (int64_t)1));
    event_end(v->cli, &line);
}

/* What is under way gets its line, also when the command was asked to stop. */
static void finish(struct verify *v)
{
    struct loop *loop = &v->cli->loop;
    int64_t deadline_us = now_us(v) + CLOSE_MS * INT64_C(1000);

    loop_timer_cancel(loop, &v->send);
    v->count = v->sent;
    if (v->reported < v->sent)
        producer_flush(&v->producer);
    while (v->reported < v->sent && now_us(v) < deadline_us)
        loop_turn(loop, CLOSE_TURN_MS * 1000);
    producer_fini(&v->producer);
}

static void run(struct verify *v, const struct client_config *config)
{
    struct producer_settings settings = client_config_producer(config);

    v->began_ms = io_wall_ms(v->cli->env->io);
    v->began_us = now_us(v);
    v->send.fire = on_send;
    event_print(v->cli, "startup_complete");
    producer_init(&v->producer, &v->cli->cluster, &settings, &producer_events);
    send_some(v);
    if (!cli_wait(v->cli, &v->is_done))
        v->is_done = false; /* Asked to stop. */
    finish(v);
    print_summary(v);
}

static bool take_numbers(struct verify *v)
{
    struct cli *cli = v->cli;
    int64_t acks = event_number(cli, VERIFY_acks);
    const char *time = options_nth(&cli->options, VERIFY_create_time, 0);
    char *end = NULL;

    if (acks < -1 || acks > 1) {
        text_printf(&cli->why, "argument --acks: invalid choice: '%s' (choose from {0,1,-1})",
                    options_nth(&cli->options, VERIFY_acks, 0));
        return false;
    }
    errno = 0;
    v->created_ms = time ? strtoll(time, &end, 10) : -1;
    if (time && (errno || end == time || *end)) {
        text_printf(&cli->why,
                    "argument --message-create-time: could not convert '%s' to Long (For input "
                    "string: \"%s\")",
                    time, time);
        return false;
    }
    v->count = event_number(cli, VERIFY_max_messages);
    v->throughput = event_number(cli, VERIFY_throughput);
    v->has_keys = has(cli, VERIFY_repeating_keys);
    v->keys = event_number(cli, VERIFY_repeating_keys);
    v->prefix = options_nth(&cli->options, VERIFY_value_prefix, 0);
    v->topic = options_nth(&cli->options, VERIFY_topic, 0);
    return true;
}

/* The options first: a file is stronger. */
static bool configure(struct cli *cli, struct client_config *config)
{
    const char *acks = options_nth(&cli->options, VERIFY_acks, 0);

    return client_settings_set(cli, config, slice_text("bootstrap.servers"),
                               slice_text(options_nth(&cli->options, VERIFY_bootstrap, 0))) &&
           client_settings_set(cli, config, slice_text("acks"), slice_text(acks ? acks : "-1")) &&
           client_settings_set(cli, config, slice_text("retries"), slice_text("0")) &&
           event_settings(cli, config, VERIFY_producer_config, VERIFY_command_config);
}

/* Where nothing is sent again numbers of batches are of no use; Java's producer drops them, too. */
static bool drop_idempotence(struct cli *cli, struct client_config *config)
{
    return config->retries > 0 || config->enable_idempotence ||
           client_settings_set(cli, config, slice_text("enable.idempotence"), slice_text("false"));
}

int verifiable_producer_run(struct cli *cli)
{
    struct verify verify = {.cli = cli};
    struct client_config config;
    struct cluster_settings cluster;
    int status = 0;

    client_config_init(&config);
    if (!take_numbers(&verify) || !configure(cli, &config)) {
        status = cli_mistaken(cli);
    } else {
        cluster = client_config_cluster(&config, "producer-1");
        if (drop_idempotence(cli, &config) && client_config_check(&config, &cli->why) == 0 &&
            cli_connect(cli, &cluster))
            run(&verify, &config);
        else
            status = cli_failed(cli, cli->why.data ? cli->why.data : "");
    }
    client_config_fini(&config);
    return status;
}
