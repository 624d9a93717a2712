/* SPDX-License-Identifier: Apache-2.0 */

/* cli/consume.c - kafka-console-consumer: records become lines of standard output.
 *
 * Without a group all partitions of the topics are read; partitions that are added later
 * are read from their beginning.
 */

#include "base/mem.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/printer.h"
#include "cli/topic_watch.h"
#include "wire/errors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, about) CONSUME_##id,
#include "cli/consume.def"
    CONSUME_OPTION_COUNT
};

enum {
    FORMATTER_FILE_MAX = 1024 * 1024,
    CLOSE_MS = 10 * 1000, /* How long leaving a group may take. */
    CLOSE_TURN_MS = 100,
};

const struct option_row consume_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/consume.def"
};

const int consume_row_count = COUNT_OF(consume_rows);

/* A topic that is read, and how many of its partitions are assigned. */
struct consume_topic {
    struct cluster_topic *meta; /* Borrowed: as old as the cluster. */
    int32_t assigned;
    bool is_new; /* Partitions that appear are read from their beginning. */
};

struct consume {
    struct cli *cli;
    struct printer printer;
    struct consumer consumer;
    struct group_consumer group; /* With --group. */
    bool is_in_group, is_closed, is_misused;
    struct cluster_watch watch;
    struct topic_watch matching;  /* With --include. */
    struct consume_topic *topics; /* Owned; `topic_count` of them. */
    size_t topic_count;
    struct text line;
    struct loop_timer timer; /* No record came for too long. */
    int64_t timeout_us;      /* 0: wait for ever. */
    int64_t max_messages;    /* -1: no bound. */
    int64_t count;           /* Records processed. */
    struct consumer_start start;
    int32_t partition; /* -1: all. */
    bool is_skipping, is_done;
    bool has_news; /* A record came since the timer was set. */
    int status;
};

/* --- options ----------------------------------------------------------------- */

static bool has(const struct cli *cli, int option)
{
    return options_has(&cli->options, option);
}

/* Two options that cannot stand together. */
static bool is_given_twice(struct cli *cli, int option, int other, const char *dashes)
{
    if (!has(cli, option) || !has(cli, other))
        return false;
    text_printf(&cli->why, "Options %s%s and %s%s cannot be specified together.", dashes,
                consume_rows[option].name, dashes, consume_rows[other].name);
    return true;
}

static bool is_well_used(struct cli *cli)
{
    if (!has(cli, CONSUME_bootstrap)) {
        text_printf(&cli->why, "Missing required argument \"[bootstrap-server]\"");
        return false;
    }
    if (has(cli, CONSUME_topic) == has(cli, CONSUME_include)) {
        text_printf(&cli->why,
                    "Exactly one of the following arguments is required: [topic], [include]");
        return false;
    }
    if (has(cli, CONSUME_partition) && !has(cli, CONSUME_topic)) {
        text_printf(&cli->why, "The topic is required when partition is specified.");
        return false;
    }
    if (has(cli, CONSUME_offset) && !has(cli, CONSUME_partition)) {
        text_printf(&cli->why, "The partition is required when offset is specified.");
        return false;
    }
    return !is_given_twice(cli, CONSUME_from_beginning, CONSUME_offset, "") &&
           !is_given_twice(cli, CONSUME_group, CONSUME_partition, "") &&
           !is_given_twice(cli, CONSUME_property, CONSUME_formatter_property, "--") &&
           !is_given_twice(cli, CONSUME_consumer_property, CONSUME_command_property, "--") &&
           !is_given_twice(cli, CONSUME_consumer_config, CONSUME_command_config, "--");
}

static void warn_of_old_names(struct cli *cli)
{
    static const struct {
        int old, new;
    } names[] = {
        {CONSUME_property, CONSUME_formatter_property},
        {CONSUME_consumer_property, CONSUME_command_property},
        {CONSUME_consumer_config, CONSUME_command_config},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (has(cli, names[i].old))
            console_printf(&cli->out,
                           "Option --%s is deprecated and will be removed in a future version. "
                           "Use --%s instead.\n",
                           consume_rows[names[i].old].name, consume_rows[names[i].new].name);
}

/* earliest, latest, or a number that is not negative. */
static bool parse_offset(struct consume *consume)
{
    struct cli *cli = consume->cli;
    const char *text;
    char *end;

    consume->start = (struct consumer_start){.value = CONSUMER_LATEST};
    if (options_get(&cli->options, CONSUME_offset, &text, &cli->why))
        return false;
    if (has(cli, CONSUME_from_beginning) || strcasecmp(text, "earliest") == 0) {
        consume->start.value = CONSUMER_EARLIEST;
        return true;
    }
    if (strcasecmp(text, "latest") == 0)
        return true;
    errno = 0;
    consume->start.value = strtoll(text, &end, 10);
    consume->start.is_offset = true;
    if (errno == 0 && end != text && *end == 0 && *text != ' ' && consume->start.value >= 0)
        return true;
    text_printf(&cli->why,
                "The provided offset value '%s' is incorrect. Valid values are 'earliest', "
                "'latest', or a non-negative long.",
                text);
    return false;
}

static bool parse_numbers(struct consume *consume)
{
    struct cli *cli = consume->cli;
    int64_t partition = -1;
    int64_t timeout_ms = 0;

    consume->max_messages = -1;
    if (options_number(&cli->options, CONSUME_partition, &partition, &cli->why) ||
        options_number(&cli->options, CONSUME_timeout, &timeout_ms, &cli->why) ||
        options_number(&cli->options, CONSUME_max_messages, &consume->max_messages, &cli->why))
        return false;
    consume->partition = (int32_t)partition;
    consume->timeout_us = timeout_ms > 0 ? timeout_ms * 1000 : 0;
    consume->is_skipping = has(cli, CONSUME_skip);
    return true;
}

static bool choose_formatter(struct consume *consume)
{
    struct cli *cli = consume->cli;
    const char *name;
    const char *dot;

    if (options_get(&cli->options, CONSUME_formatter, &name, &cli->why))
        return false;
    dot = strrchr(name, '.');
    dot = dot ? dot + 1 : name;
    consume->printer.is_silent = strcmp(dot, "NoOpMessageFormatter") == 0;
    if (consume->printer.is_silent || strcmp(dot, "DefaultMessageFormatter") == 0)
        return true;
    text_printf(&cli->why, "%s", name);
    return false;
}

static int set_formatter_pair(void *context, struct slice key, struct slice value)
{
    struct consume *consume = context;

    if (printer_set(&consume->printer, key, value))
        return 0;
    text_printf(&consume->cli->why, "%.*s is not a deserializer that is served", SLICE_ARG(value));
    return -EINVAL;
}

static bool configure_formatter(struct consume *consume)
{
    struct cli *cli = consume->cli;
    int words = has(cli, CONSUME_property) ? CONSUME_property : CONSUME_formatter_property;
    struct text file = {.data = NULL};
    const char *word;
    int r = 0;

    if (options_get(&cli->options, CONSUME_formatter_config, &word, &cli->why))
        return false;
    if (word && console_read_file(word, FORMATTER_FILE_MAX, &file))
        text_printf(&cli->why, "%s", word);
    else if (word)
        r = config_parse(text_slice(&file), set_formatter_pair, consume, &cli->why);
    text_fini(&file);
    if (r || cli->why.size > 0)
        return false;
    for (int i = 0; (word = options_nth(&cli->options, words, i)); i++) {
        const char *equals = strchr(word, '=');

        if (equals && set_formatter_pair(consume, slice_of(word, (size_t)(equals - word)),
                                         slice_text(equals + 1)))
            return false;
    }
    for (int i = 0; i < 2; i++) {
        if (options_get(&cli->options, i ? CONSUME_value_deserializer : CONSUME_key_deserializer,
                        &word, &cli->why))
            return false;
        if (word &&
            set_formatter_pair(consume, slice_text(i ? "value.deserializer" : "key.deserializer"),
                               slice_text(word)))
            return false;
    }
    return true;
}

static bool configure_client(struct cli *cli, struct client_config *config)
{
    int files =
        has(cli, CONSUME_consumer_config) ? CONSUME_consumer_config : CONSUME_command_config;
    int words =
        has(cli, CONSUME_consumer_property) ? CONSUME_consumer_property : CONSUME_command_property;
    const char *word;

    if (options_get(&cli->options, files, &word, &cli->why))
        return false;
    if (word && !client_settings_read(cli, config, word))
        return false;
    for (int i = 0; (word = options_nth(&cli->options, words, i)); i++)
        if (!client_settings_word(cli, config, word))
            return false;
    if (options_get(&cli->options, CONSUME_isolation, &word, &cli->why))
        return false;
    if (has(cli, CONSUME_isolation) &&
        !client_settings_set(cli, config, slice_text("isolation.level"), slice_text(word)))
        return false;
    if (options_get(&cli->options, CONSUME_bootstrap, &word, &cli->why))
        return false;
    return client_settings_set(cli, config, slice_text("bootstrap.servers"), slice_text(word)) &&
           client_config_check(config, &cli->why) == 0;
}

/* --- records ----------------------------------------------------------------- */

/* Nothing is delivered any more: a group would be told that it was printed. */
static void finish(struct consume *consume, int status)
{
    consumer_pause(&consume->consumer);
    consume->is_done = true;
    consume->status = status;
}

static void restart_timer(struct consume *consume)
{
    struct loop *loop = &consume->cli->loop;

    if (consume->timeout_us > 0)
        loop_timer_set(loop, &consume->timer, io_monotonic_us(loop->io) + consume->timeout_us);
}

static void on_timeout(struct loop_timer *timer)
{
    struct consume *consume = container_of(timer, struct consume, timer);

    cli_log_error(consume->cli, "Error processing message, terminating consumer process: no "
                                "record came in time (--timeout-ms)");
    finish(consume, 0);
}

/* A record that cannot be printed is an end, unless it is to be skipped. */
static bool cannot_print(struct consume *consume, const struct record *record)
{
    struct text line = {.data = NULL};

    text_printf(&line,
                "Error processing message%s: the record at offset %lld is not what "
                "its deserializer expects",
                consume->is_skipping ? ", skipping this message" : ", terminating consumer process",
                (long long)record->offset);
    cli_log_error(consume->cli, line.data);
    text_fini(&line);
    if (!consume->is_skipping)
        finish(consume, 1);
    return consume->is_skipping;
}

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct consume *consume = container_of(consumer, struct consume, consumer);

    if (consume->is_done)
        return false;
    text_cut(&consume->line, 0);
    consume->count++;
    consume->has_news = true;
    if (printer_print(&consume->printer, record, partition->partition, partition->is_append_time,
                      &consume->line)) {
        if (!cannot_print(consume, record))
            return false;
    } else {
        console_write(&consume->cli->out, consume->line.data, consume->line.size);
    }
    if (consume->cli->out.error)
        finish(consume, 0); /* Nobody reads any more; cli_main() tells if that is a failure. */
    else if (consume->max_messages >= 0 && consume->count >= consume->max_messages)
        finish(consume, 0);
    return !consume->is_done && !cli_is_stopping(consume->cli);
}

static void on_delivered(struct consumer *consumer)
{
    struct consume *consume = container_of(consumer, struct consume, consumer);

    if (console_flush(&consume->cli->out))
        finish(consume, 0);
    if (consume->has_news)
        restart_timer(consume);
    consume->has_news = false;
}

static void on_failed(struct consumer *consumer, struct consumer_partition *partition,
                      int16_t error, const char *why)
{
    struct consume *consume = container_of(consumer, struct consume, consumer);
    struct text line = {.data = NULL};

    text_printf(&line, "Error processing message, terminating consumer process: %s-%d: %s%s%s",
                partition->topic->name, partition->partition, error ? error_name(error) : "",
                error ? ": " : "", error ? error_meaning(error) : why);
    cli_log_error(consume->cli, line.data);
    text_fini(&line);
    finish(consume, 1);
}

static const struct consumer_events consumer_events = {
    .record = on_record,
    .failed = on_failed,
    .delivered = on_delivered,
};

static void on_group_failed(struct group_consumer *group, int16_t error, const char *why)
{
    struct consume *consume = container_of(group, struct consume, group);
    struct text line = {.data = NULL};

    text_printf(&line, "Error processing message, terminating consumer process: %s%s%s",
                error ? error_name(error) : "", error ? ": " : "", why);
    cli_log_error(consume->cli, line.data);
    text_fini(&line);
    finish(consume, 0); /* As Kafka's, whatever one thinks of it. */
}

static void on_closed(struct group_consumer *group)
{
    container_of(group, struct consume, group)->is_closed = true;
}

static const struct group_consumer_events group_events = {.failed = on_group_failed,
                                                          .closed = on_closed};

/* --- topics ------------------------------------------------------------------ */

/* Assigns the partitions of a topic that are not assigned yet. */
static void assign_new(struct consume *consume, struct consume_topic *topic)
{
    const struct consumer_start beginning = {.value = CONSUMER_EARLIEST};

    if (topic->meta->count == 0)
        return;
    while (topic->assigned < topic->meta->count && !consume->is_in_group)
        consumer_assign(&consume->consumer, slice_text(topic->meta->name), topic->assigned++,
                        topic->is_new ? beginning : consume->start);
    topic->is_new = true;
}

static void on_metadata(struct cluster_watch *watch)
{
    struct consume *consume = container_of(watch, struct consume, watch);

    for (size_t i = 0; i < consume->topic_count && !consume->is_in_group; i++) {
        const struct cluster_topic *meta = consume->topics[i].meta;

        if (meta->is_answered && meta->error && !error_is_retriable(meta->error)) {
            cli_failed(consume->cli, error_meaning(meta->error));
            finish(consume, 1);
            return;
        }
        assign_new(consume, &consume->topics[i]);
    }
}

static void want(struct consume *consume, struct slice name)
{
    consume->topics =
        mem_resize(consume->topics, consume->topic_count + 1, sizeof(*consume->topics));
    consume->topics[consume->topic_count++] = (struct consume_topic){
        .meta = cluster_want_topic(&consume->cli->cluster, name),
    };
    if (consume->is_in_group)
        group_consumer_subscribe(&consume->group, name);
}

/* --include: also a topic that is made later. */
static void on_match(struct topic_watch *topics, struct slice name)
{
    struct consume *consume = container_of(topics, struct consume, matching);

    for (size_t i = 0; i < consume->topic_count; i++)
        if (slice_is_text(name, consume->topics[i].meta->name))
            return;
    want(consume, name);
}

static bool choose_topics(struct consume *consume)
{
    struct cli *cli = consume->cli;
    const char *topic, *include;

    if (options_get(&cli->options, CONSUME_topic, &topic, &cli->why) ||
        options_get(&cli->options, CONSUME_include, &include, &cli->why))
        return false;
    if (include)
        return topic_watch_start(&consume->matching, cli, include, on_match);
    if (consume->partition >= 0)
        consumer_assign(&consume->consumer, slice_text(topic), consume->partition, consume->start);
    else
        want(consume, slice_text(topic));
    return true;
}

/* --- the command ------------------------------------------------------------- */

/* Commits and leaves, also when the command was asked to stop. */
static void leave_group(struct consume *consume)
{
    struct loop *loop = &consume->cli->loop;
    int64_t deadline_us = io_monotonic_us(loop->io) + CLOSE_MS * INT64_C(1000);

    consume->is_done = true; /* What still comes is not printed. */
    group_consumer_close(&consume->group);
    while (!consume->is_closed && io_monotonic_us(loop->io) < deadline_us)
        loop_turn(loop, CLOSE_TURN_MS * 1000);
    group_consumer_fini(&consume->group);
}

static void run(struct consume *consume, const struct client_config *config)
{
    struct cli *cli = consume->cli;
    struct consumer_settings settings = client_config_consumer(config);
    struct group_consumer_settings group = client_config_group(config);

    if (consume->start.value == CONSUMER_EARLIEST && !consume->start.is_offset)
        settings.reset = CONSUMER_RESET_EARLIEST;
    else if (!has(cli, CONSUME_offset) && settings.reset == CONSUMER_RESET_EARLIEST)
        consume->start.value = CONSUMER_EARLIEST;
    consumer_init(&consume->consumer, &cli->cluster, &settings, &consumer_events);
    group.reset = settings.reset;
    consume->is_in_group = group.member.group != NULL;
    if (consume->is_in_group)
        group_consumer_init(&consume->group, &cli->cluster, &consume->consumer, &group,
                            &group_events);
    consume->watch.changed = on_metadata;
    consume->timer.fire = on_timeout;
    cluster_watch(&cli->cluster, &consume->watch);
    restart_timer(consume);
    if (!choose_topics(consume)) {
        consume->status = cli_failed(cli, cli->why.data ? cli->why.data : "");
    } else {
        on_metadata(&consume->watch);
        if (consume->is_in_group)
            group_consumer_start(&consume->group);
        if (consume->max_messages == 0)
            finish(consume, 0);
        if (!cli_wait(cli, &consume->is_done))
            consume->status = 0; /* Asked to stop. */
    }
    loop_timer_cancel(&cli->loop, &consume->timer);
    topic_watch_stop(&consume->matching);
    cluster_unwatch(&consume->watch);
    if (consume->is_in_group)
        leave_group(consume);
    consumer_fini(&consume->consumer);
}

static void say_processed(struct consume *consume)
{
    struct cli *cli = consume->cli;

    console_flush(&cli->out);
    console_printf(&cli->err, "Processed a total of %lld messages\n", (long long)consume->count);
    if (has(cli, CONSUME_systest))
        console_printf(&cli->out, "shutdown_complete\n");
}

/* Mistakes that are answered with the usage. */
static bool is_usable(struct consume *consume)
{
    return is_well_used(consume->cli) && parse_numbers(consume) && parse_offset(consume) &&
           choose_formatter(consume);
}

/* The setting and the option say where to begin: they must not contradict each other. */
static bool agrees_with_reset(struct cli *cli, const struct client_config *config)
{
    const char *reset = config->auto_offset_reset;

    if (!has(cli, CONSUME_from_beginning) || !reset || strcmp(reset, "earliest") == 0)
        return true;
    text_printf(&cli->why,
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', please "
                "remove one option",
                reset);
    return false;
}

/* --group, or what the settings say; both must say the same. */
static bool choose_group(struct consume *consume, struct client_config *config)
{
    struct cli *cli = consume->cli;
    const char *word;

    if (options_get(&cli->options, CONSUME_group, &word, &cli->why))
        return false;
    if (word && config->group_id && strcmp(word, config->group_id) != 0) {
        text_printf(&cli->why,
                    "The group ids provided in different places (directly using '--group', via "
                    "'--consumer-property', or via '--consumer.config') do not match. Detected "
                    "group ids: '%s', '%s'",
                    config->group_id, word);
        consume->is_misused = true;
        return false;
    }
    if (word && (!client_settings_set(cli, config, slice_text("group.id"), slice_text(word)) ||
                 client_config_check(config, &cli->why)))
        return false;
    if (!config->group_id || consume->partition < 0)
        return true;
    text_printf(&cli->why, "Options group and partition cannot be specified together.");
    consume->is_misused = true;
    return false;
}

static bool prepare(struct consume *consume, struct client_config *config)
{
    struct cli *cli = consume->cli;
    struct cluster_settings settings;

    if (!configure_formatter(consume) || !configure_client(cli, config) ||
        !choose_group(consume, config) || !agrees_with_reset(cli, config))
        return false;
    settings = client_config_cluster(config, "console-consumer");
    return cli_connect(cli, &settings);
}

int consume_run(struct cli *cli)
{
    struct consume consume = {.cli = cli};
    struct client_config config;
    bool is_good;

    printer_init(&consume.printer);
    client_config_init(&config);
    if (!is_usable(&consume)) {
        consume.status = cli_misused(cli, cli->why.data);
    } else {
        warn_of_old_names(cli);
        is_good = prepare(&consume, &config);
        if (is_good)
            run(&consume, &config);
        else if (consume.is_misused)
            consume.status = cli_misused(cli, cli->why.data);
        else
            consume.status = cli_failed(cli, cli->why.data ? cli->why.data : "");
        if (is_good)
            say_processed(&consume);
    }
    client_config_fini(&config);
    printer_fini(&consume.printer);
    text_fini(&consume.line);
    mem_free(consume.topics);
    return consume.status;
}
