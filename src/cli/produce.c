/* SPDX-License-Identifier: Apache-2.0 */

/* cli/produce.c - kafka-console-producer: lines of standard input become records.
 *
 * Lines are taken as fast as the producer takes records; while its memory is full the
 * input waits.  With --sync one record is under way at a time.
 */

#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/line_reader.h"
#include "wire/errors.h"

#include <stdlib.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, setting, about) PRODUCE_##id,
#include "cli/produce.def"
    PRODUCE_OPTION_COUNT
};

enum { READER_FILE_MAX = 1024 * 1024, STOP_PATIENCE_US = 10 * 1000 * 1000 };

static const char our_batch_size[] = "262144";

const struct option_row produce_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, setting, about_)                                 \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/produce.def"
};

const int produce_row_count = COUNT_OF(produce_rows);

static const char *const settings[] = {
#define OPTION(id, name, KIND, shows, initial, setting, about) (setting),
#include "cli/produce.def"
};

struct produce {
    struct cli *cli;
    const char *topic;
    struct line_reader reader;
    struct producer producer;
    struct console_in in;
    struct text rest; /* Bytes of the input that are no record yet. */
    size_t rest_at;   /* Where they begin. */
    struct loop_timer patience;
    bool is_sync, has_prompt;
    bool is_last;   /* The input has ended: nothing follows `rest`. */
    bool has_ended; /* No more records are made. */
    bool is_done;
    bool is_misused; /* The usage may help. */
    int status;
};

/* --- options ----------------------------------------------------------------- */

static bool has(const struct cli *cli, int option)
{
    return options_has(&cli->options, option);
}

/* Two names of the same thing. */
static bool is_given_twice(struct cli *cli, int option, int other)
{
    if (!has(cli, option) || !has(cli, other))
        return false;
    text_printf(&cli->why, "Options --%s and --%s cannot be specified together.",
                produce_rows[option].name, produce_rows[other].name);
    return true;
}

static bool is_well_used(struct cli *cli)
{
    if (!has(cli, PRODUCE_topic)) {
        text_printf(&cli->why, "Missing required argument \"[topic]\"");
        return false;
    }
    if (is_given_twice(cli, PRODUCE_command_config, PRODUCE_producer_config) ||
        is_given_twice(cli, PRODUCE_command_property, PRODUCE_producer_property) ||
        is_given_twice(cli, PRODUCE_reader_property, PRODUCE_property))
        return false;
    return true;
}

static void warn_of_old_names(struct cli *cli)
{
    static const struct {
        int old, new;
        const char *until;
    } names[] = {
        {PRODUCE_property, PRODUCE_reader_property, "a future version"},
        {PRODUCE_producer_config, PRODUCE_command_config, "a future version"},
        {PRODUCE_producer_property, PRODUCE_command_property, "a future version"},
        {PRODUCE_partition_memory, PRODUCE_batch_size, "Apache Kafka 5.0"},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (has(cli, names[i].old))
            console_printf(&cli->out,
                           "Warning: --%s is deprecated and will be removed in %s. Use --%s "
                           "instead.\n",
                           produce_rows[names[i].old].name, names[i].until,
                           produce_rows[names[i].new].name);
}

/* The default of an option.  Kafka's batches are small, and each is synced by the broker:
 * under our own name they are larger. */
static const char *default_of(const struct cli *cli, int option)
{
    if (!cli->is_kafka && option == PRODUCE_batch_size)
        return our_batch_size;
    if (!cli->is_kafka && option == PRODUCE_partition_memory)
        return NULL;
    return produce_rows[option].initial;
}

/* Sets the keys that options stand for: their defaults, or what was given. */
static bool take_options(struct cli *cli, struct client_config *config, bool given)
{
    for (int i = 0; i < PRODUCE_OPTION_COUNT; i++) {
        const char *value;
        int64_t number;

        if (!settings[i] || has(cli, i) != given)
            continue;
        if (produce_rows[i].kind == OPTION_INT || produce_rows[i].kind == OPTION_LONG)
            if (options_number(&cli->options, i, &number, &cli->why))
                return false;
        if (options_get(&cli->options, i, &value, &cli->why))
            return false;
        if (!given)
            value = default_of(cli, i);
        else if (!value)
            value = "gzip"; /* --compression-codec alone. */
        if (value && !client_settings_set(cli, config, slice_text(settings[i]), slice_text(value)))
            return false;
    }
    return true;
}

static bool take_properties(struct cli *cli, struct client_config *config)
{
    bool is_old = has(cli, PRODUCE_producer_property);
    int files =
        has(cli, PRODUCE_producer_config) ? PRODUCE_producer_config : PRODUCE_command_config;
    int words = is_old ? PRODUCE_producer_property : PRODUCE_command_property;
    const char *word;

    if (options_get(&cli->options, files, &word, &cli->why))
        return false;
    if (word && !client_settings_read(cli, config, word))
        return false;
    for (int i = 0; (word = options_nth(&cli->options, words, i)); i++)
        if (!client_settings_word(cli, config, word))
            return false;
    return true;
}

static int set_reader_pair(void *context, struct slice key, struct slice value)
{
    line_reader_set(context, key, value);
    return 0;
}

static bool configure_reader(struct cli *cli, struct line_reader *reader)
{
    int words = has(cli, PRODUCE_property) ? PRODUCE_property : PRODUCE_reader_property;
    struct text file = {.data = NULL};
    const char *word;
    int r = 0;

    if (options_get(&cli->options, PRODUCE_reader_config, &word, &cli->why))
        return false;
    if (word && console_read_file(word, READER_FILE_MAX, &file))
        text_printf(&cli->why, "%s", word);
    else if (word)
        r = config_parse(text_slice(&file), set_reader_pair, reader, &cli->why);
    text_fini(&file);
    if (r || cli->why.size > 0)
        return false;
    for (int i = 0; (word = options_nth(&cli->options, words, i)); i++) {
        const char *equals = strchr(word, '=');

        if (equals)
            line_reader_set(reader, slice_of(word, (size_t)(equals - word)),
                            slice_text(equals + 1));
    }
    return line_reader_check(reader, &cli->why) == 0;
}

static bool is_known_reader(struct cli *cli)
{
    const char *name;

    if (options_get(&cli->options, PRODUCE_line_reader, &name, &cli->why))
        return false;
    if (strcmp(name, produce_rows[PRODUCE_line_reader].initial) == 0)
        return true;
    text_printf(&cli->why, "%s is not a reader that is served", name);
    return false;
}

/* --- records ----------------------------------------------------------------- */

/* The sizes of key and value, for the sentence about a failure. */
static uint64_t token_of(const struct producer_record *record)
{
    uint64_t key = slice_is_null(record->key) ? 0 : record->key.size + 1;
    uint64_t value = slice_is_null(record->value) ? 0 : record->value.size + 1;

    return key << 32 | value;
}

static void add_size(struct text *out, uint64_t size)
{
    if (size == 0)
        text_printf(out, "null");
    else
        text_printf(out, "%llu bytes", (unsigned long long)(size - 1));
}

static void finish(struct produce *produce, int status)
{
    produce->is_done = true;
    produce->status = status;
}

static void say_failed(struct cli *cli, const struct producer_report *report)
{
    struct text line = {.data = NULL};

    text_printf(&line, "Error when sending message to topic %s with key: ", report->topic);
    add_size(&line, report->token >> 32);
    text_printf(&line, ", value: ");
    add_size(&line, report->token & UINT32_MAX);
    text_printf(&line, " with error: %s: ", error_name(report->error));
    if (report->why)
        text_printf(&line, "%s", report->why);
    else if (report->message.size > 0)
        text_printf(&line, "%.*s", SLICE_ARG(report->message));
    else
        text_printf(&line, "%s", error_meaning(report->error));
    cli_log_error(cli, line.data);
    text_fini(&line);
}

static void delivered(struct producer *producer, const struct producer_report *report)
{
    struct produce *produce = container_of(producer, struct produce, producer);

    if (report->error == ERROR_NONE)
        return;
    say_failed(produce->cli, report);
    if (produce->is_sync)
        finish(produce, 1);
}

/* One line; false: it has to wait, or there is no use in going on. */
static bool send_line(struct produce *produce, struct slice line)
{
    struct producer_record record = {
        .topic = slice_text(produce->topic),
        .partition = -1,
        .timestamp = -1,
    };
    int64_t number = produce->reader.line_number;
    int e = line_reader_parse(&produce->reader, line, &record, &produce->cli->why);

    if (e) {
        cli_failed(produce->cli, produce->cli->why.data);
        produce->status = 1;
        return false;
    }
    record.token = token_of(&record);
    e = producer_send(&produce->producer, &record);
    if (e == PRODUCER_E_FULL)
        produce->reader.line_number = number; /* It will be read once more. */
    if (e == PRODUCER_E_TOO_LARGE) {
        struct producer_report report = {
            .token = record.token,
            .topic = produce->topic,
            .error = ERROR_MESSAGE_TOO_LARGE,
        };

        say_failed(produce->cli, &report);
        e = 0;
    }
    return e == 0;
}

static void prompt(struct produce *produce)
{
    if (!produce->has_prompt || produce->has_ended)
        return;
    console_write(&produce->cli->out, ">", 1);
    console_flush(&produce->cli->out);
}

/* Ends when everything that was taken is reported. */
static void end_input(struct produce *produce)
{
    produce->has_ended = true;
    console_in_pause(&produce->in);
    if (produce->producer.records == 0)
        finish(produce, produce->status);
    else
        producer_flush(&produce->producer);
}

/* Forgets the bytes that were made into records. */
static void compact(struct produce *produce)
{
    size_t left = produce->rest.size - produce->rest_at;

    if (left > 0 && produce->rest_at > 0)
        memmove(produce->rest.data, produce->rest.data + produce->rest_at, left);
    text_cut(&produce->rest, left);
    produce->rest_at = 0;
}

/* The next line, if there is one and it can be sent now.  False: not now. */
static bool take_line(struct produce *produce)
{
    struct slice rest = text_slice(&produce->rest);
    size_t end;
    int64_t size;

    rest = slice_of(rest.data + produce->rest_at, rest.size - produce->rest_at);
    size = line_reader_split(rest, produce->is_last, &end);
    if (size < 0) {
        compact(produce);
        if (produce->is_last)
            end_input(produce);
        else
            console_in_resume(&produce->in);
        return false;
    }
    if (produce->is_sync && produce->producer.records > 0) { /* idle() goes on. */
        console_in_pause(&produce->in);
        return false;
    }
    if (!send_line(produce, slice_of(rest.data, (size_t)size))) {
        if (produce->status)
            end_input(produce);
        else
            console_in_pause(&produce->in); /* has_room() goes on. */
        return false;
    }
    produce->rest_at += (size_t)size + end;
    if (produce->is_sync)
        producer_flush(&produce->producer);
    prompt(produce);
    return true;
}

static void take_lines(struct produce *produce)
{
    while (!produce->is_done && !produce->has_ended && take_line(produce))
        continue;
}

static void has_room(struct producer *producer)
{
    take_lines(container_of(producer, struct produce, producer));
}

static void idle(struct producer *producer)
{
    struct produce *produce = container_of(producer, struct produce, producer);

    if (produce->has_ended)
        finish(produce, produce->status);
    else if (produce->is_sync)
        take_lines(produce);
}

static const struct producer_events producer_events = {
    .delivered = delivered,
    .has_room = has_room,
    .idle = idle,
};

static void on_data(struct console_in *in, struct slice bytes)
{
    struct produce *produce = container_of(in, struct produce, in);

    text_add(&produce->rest, bytes.data, bytes.size);
    take_lines(produce);
}

static void on_ended(struct console_in *in, int error)
{
    struct produce *produce = container_of(in, struct produce, in);

    if (error) {
        cli_failed(produce->cli, "standard input cannot be read");
        produce->status = 1;
    }
    produce->is_last = true;
    take_lines(produce);
}

static const struct console_in_events input_events = {.data = on_data, .ended = on_ended};

/* --- the command ------------------------------------------------------------- */

static void out_of_patience(struct loop_timer *timer)
{
    finish(container_of(timer, struct produce, patience), 1);
}

/* Delivers what was taken, but does not wait for ever. */
static void stop(struct produce *produce)
{
    struct loop *loop = &produce->cli->loop;

    produce->patience.fire = out_of_patience;
    loop_timer_set(loop, &produce->patience, io_monotonic_us(loop->io) + STOP_PATIENCE_US);
    end_input(produce);
    while (!produce->is_done)
        loop_turn(loop, -1);
    loop_timer_cancel(loop, &produce->patience);
}

static void run(struct produce *produce, const struct client_config *config)
{
    struct cli *cli = produce->cli;
    struct producer_settings ours = client_config_producer(config);

    produce->is_sync = has(cli, PRODUCE_sync);
    produce->has_prompt =
        console_is_terminal(cli->env->in_fd) && console_is_terminal(cli->env->out_fd);
    producer_init(&produce->producer, &cli->cluster, &ours, &producer_events);
    console_in_start(&produce->in, &cli->loop, cli->env->in_fd, &input_events);
    prompt(produce);
    if (!cli_wait(cli, &produce->is_done))
        stop(produce);
    console_in_fini(&produce->in);
    producer_fini(&produce->producer);
}

static bool prepare(struct produce *produce, struct client_config *config)
{
    struct cli *cli = produce->cli;
    struct cluster_settings cluster;

    if (options_get(&cli->options, PRODUCE_topic, &produce->topic, &cli->why))
        return false;
    if (!is_known_reader(cli) || !configure_reader(cli, &produce->reader))
        return false;
    if (!take_options(cli, config, false) || !take_properties(cli, config) ||
        !take_options(cli, config, true) || client_config_check(config, &cli->why))
        return false;
    cluster = client_config_cluster(config, "console-producer");
    if (cli_connect(cli, &cluster))
        return true;
    produce->is_misused = true;
    text_cut(&cli->why, 0);
    text_printf(&cli->why, "Please provide valid host:port like host1:9091,host2:9092\n");
    return false;
}

int produce_run(struct cli *cli)
{
    struct produce produce = {.cli = cli};
    struct client_config config;
    bool is_good;

    if (!is_well_used(cli))
        return cli_misused(cli, cli->why.data);
    if (!has(cli, PRODUCE_bootstrap))
        return cli_misused(cli, "Error while validating the bootstrap address\n");
    warn_of_old_names(cli);
    client_config_init(&config);
    line_reader_init(&produce.reader);
    is_good = prepare(&produce, &config);
    if (is_good)
        run(&produce, &config);
    else if (produce.is_misused)
        cli_misused(cli, cli->why.data);
    else
        cli_failed(cli, cli->why.data ? cli->why.data : "");
    line_reader_fini(&produce.reader);
    text_fini(&produce.rest);
    client_config_fini(&config);
    return is_good ? produce.status : 1;
}
