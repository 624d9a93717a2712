/* SPDX-License-Identifier: Apache-2.0 */

/* cli/verifiable_consumer.c - kafka-verifiable-consumer: a member of a group that prints all that
 * happens to it, each a line of JSON.
 *
 * What arrives together is one lot, of at most LOT_MAX records, as a poll of Java's consumer is.
 * Without --enable-autocommit a lot is committed before the next one is read.
 */

#include "base/mem.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "cli/event_lines.h"
#include "wire/errors.h"
#include "wire/msg/consumer_protocol_assignment.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum verify_option {
#define OPTION(id, name, brief, KIND, initial, NEED, about) VERIFY_##id,
#include "cli/verifiable_consumer.def"
};

const struct option_row verifiable_consumer_rows[] = {
#define OPTION(id, name_, brief_, KIND, initial_, NEED, about_)                                    \
    {.name = name_,                                                                                \
     .brief = brief_,                                                                              \
     .kind = OPTION_##KIND,                                                                        \
     .shows = "",                                                                                  \
     .initial = initial_,                                                                          \
     .need = OPTION_##NEED,                                                                        \
     .about = about_},
#include "cli/verifiable_consumer.def"
};

const int verifiable_consumer_row_count = COUNT_OF(verifiable_consumer_rows);

enum {
    LOT_MAX = 500, /* Java's max.poll.records. */
    CLOSE_MS = 10 * 1000,
    CLOSE_TURN_MS = 100,
};

/* What of a lot is one partition's. */
struct part {
    struct consumer_partition *partition;
    int64_t first, last; /* Offsets; `last` is meaningless where the count is 0. */
    int64_t count;       /* Without those behind --max-messages. */
};

struct verify {
    struct cli *cli;
    struct consumer consumer;
    struct group_consumer group;
    int64_t max; /* Negative: no bound. */
    int64_t count;
    struct part *parts; /* Owned array: the lot. */
    size_t part_count;
    int64_t lot; /* Records in it, also those behind --max-messages. */
    bool is_verbose, commits;
    bool is_done, is_closed;
};

static const char *word_of(const struct cli *cli, enum verify_option option)
{
    const char *word = options_nth(&cli->options, (int)option, 0);

    return word ? word : verifiable_consumer_rows[option].initial;
}

static void finish(struct verify *v)
{
    consumer_pause(&v->consumer);
    v->is_done = true;
}

/* --- lines ---------------------------------------------------------------------- */

static void print_partitions(struct verify *v, const char *name,
                             const struct consumer_protocol_assignment *partitions)
{
    const char *comma = "";
    struct text line = {.data = NULL};

    event_begin(v->cli, &line, name);
    text_printf(&line, ",\"partitions\":[");
    for (int32_t t = 0; t < partitions->assigned_partitions_count; t++) {
        const struct consumer_protocol_assignment_topic_partition *topic =
            &partitions->assigned_partitions[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            text_printf(&line, "%s{\"topic\":\"%.*s\",\"partition\":%d}", comma,
                        SLICE_ARG(topic->topic), (int)topic->partitions[i]);
            comma = ",";
        }
    }
    text_printf(&line, "]");
    event_end(v->cli, &line);
}

static void print_record(struct verify *v, const struct consumer_partition *partition,
                         const struct record *record)
{
    struct text line = {.data = NULL};

    event_begin(v->cli, &line, "record_data");
    event_text(&line, "key", record->key);
    event_text(&line, "value", record->value);
    text_printf(&line, ",\"topic\":\"%s\",\"partition\":%d,\"offset\":%" PRId64,
                partition->topic->name, (int)partition->partition, record->offset);
    event_end(v->cli, &line);
}

static void print_lot(struct verify *v)
{
    const char *comma = "";
    struct text line = {.data = NULL};

    event_begin(v->cli, &line, "records_consumed");
    text_printf(&line, ",\"count\":%" PRId64 ",\"partitions\":[", v->lot);
    for (size_t i = 0; i < v->part_count; i++) {
        const struct part *part = &v->parts[i];

        if (part->count == 0)
            continue;
        text_printf(&line,
                    "%s{\"topic\":\"%s\",\"partition\":%d,\"count\":%" PRId64
                    ",\"minOffset\":%" PRId64 ",\"maxOffset\":%" PRId64 "}",
                    comma, part->partition->topic->name, (int)part->partition->partition,
                    part->count, part->first, part->last);
        comma = ",";
    }
    text_printf(&line, "]");
    event_end(v->cli, &line);
}

static void print_commit(struct verify *v, int16_t error)
{
    const char *comma = "";
    struct text line = {.data = NULL};

    event_begin(v->cli, &line, "offsets_committed");
    text_printf(&line, ",\"offsets\":[");
    for (size_t i = 0; i < v->part_count; i++) {
        const struct part *part = &v->parts[i];

        if (part->count == 0)
            continue;
        text_printf(&line, "%s{\"topic\":\"%s\",\"partition\":%d,\"offset\":%" PRId64 "}", comma,
                    part->partition->topic->name, (int)part->partition->partition, part->last + 1);
        comma = ",";
    }
    text_printf(&line, "]");
    if (error != ERROR_NONE)
        event_text(&line, "error", slice_text(error_meaning(error)));
    text_printf(&line, ",\"success\":%s", error == ERROR_NONE ? "true" : "false");
    event_end(v->cli, &line);
}

/* --- lots ----------------------------------------------------------------------- */

static struct part *part_of(struct verify *v, struct consumer_partition *partition, int64_t offset)
{
    for (size_t i = 0; i < v->part_count; i++)
        if (v->parts[i].partition == partition)
            return &v->parts[i];
    v->parts = mem_resize(v->parts, v->part_count + 1, sizeof(*v->parts));
    v->parts[v->part_count] = (struct part){.partition = partition, .first = offset};
    return &v->parts[v->part_count++];
}

static void begin_lot(struct verify *v)
{
    v->part_count = 0;
    v->lot = 0;
    if (v->max >= 0 && v->count >= v->max)
        finish(v);
    else if (!v->is_done)
        consumer_resume(&v->consumer);
}

static void end_lot(struct verify *v)
{
    consumer_pause(&v->consumer);
    print_lot(v);
    /* What is behind --max-messages was not consumed: the group is not told of it. */
    for (size_t i = 0; i < v->part_count; i++) {
        const struct part *part = &v->parts[i];

        part->partition->position = part->count > 0 ? part->last + 1 : part->first;
    }
    if (v->commits || !group_consumer_commit(&v->group))
        begin_lot(v);
}

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct verify *v = container_of(consumer, struct verify, consumer);
    struct part *part;

    if (v->is_done)
        return false;
    part = part_of(v, partition, record->offset);
    v->lot++;
    if (v->max < 0 || v->count < v->max) {
        part->last = record->offset;
        part->count++;
        v->count++;
        if (v->is_verbose)
            print_record(v, partition, record);
    }
    if (v->lot < LOT_MAX)
        return !cli_is_stopping(v->cli);
    end_lot(v);
    return v->commits && !v->is_done;
}

static void on_delivered(struct consumer *consumer)
{
    struct verify *v = container_of(consumer, struct verify, consumer);

    if (v->lot > 0 && !v->is_done)
        end_lot(v);
}

static void on_failed(struct consumer *consumer, struct consumer_partition *partition,
                      int16_t error, const char *why)
{
    struct verify *v = container_of(consumer, struct verify, consumer);
    struct text line = {.data = NULL};

    text_printf(&line, "Error during processing, terminating consumer process: %s-%d: %s",
                partition->topic->name, partition->partition, error ? error_meaning(error) : why);
    cli_log_error(v->cli, line.data);
    text_fini(&line);
    finish(v);
}

static const struct consumer_events consumer_events = {
    .record = on_record,
    .failed = on_failed,
    .delivered = on_delivered,
};

/* --- the group -------------------------------------------------------------------- */

static struct verify *verify_of(struct group_consumer *group)
{
    return container_of(group, struct verify, group);
}

static void on_group_failed(struct group_consumer *group, int16_t error, const char *why)
{
    struct verify *v = verify_of(group);
    struct text line = {.data = NULL};

    (void)error;
    text_printf(&line, "Error during processing, terminating consumer process: %s", why);
    cli_log_error(v->cli, line.data);
    text_fini(&line);
    finish(v);
}

static void on_closed(struct group_consumer *group)
{
    verify_of(group)->is_closed = true;
}

static void on_assigned(struct group_consumer *group,
                        const struct consumer_protocol_assignment *partitions)
{
    print_partitions(verify_of(group), "partitions_assigned", partitions);
}

/* What had arrived of them is not told any more. */
static void on_revoked(struct group_consumer *group,
                       const struct consumer_protocol_assignment *partitions)
{
    struct verify *v = verify_of(group);

    v->part_count = 0;
    v->lot = 0;
    print_partitions(v, "partitions_revoked", partitions);
}

static void on_committed(struct group_consumer *group, int16_t error)
{
    struct verify *v = verify_of(group);

    print_commit(v, error);
    begin_lot(v);
}

static const struct group_consumer_events group_events = {
    .failed = on_group_failed,
    .closed = on_closed,
    .assigned = on_assigned,
    .revoked = on_revoked,
    .committed = on_committed,
};

/* --- the command -------------------------------------------------------------------- */

/* Leaves the group, also when the command was asked to stop. */
static void leave(struct verify *v)
{
    struct loop *loop = &v->cli->loop;
    int64_t deadline_us = io_monotonic_us(loop->io) + CLOSE_MS * INT64_C(1000);

    v->is_done = true;
    group_consumer_close(&v->group);
    while (!v->is_closed && io_monotonic_us(loop->io) < deadline_us)
        loop_turn(loop, CLOSE_TURN_MS * 1000);
}

static void run(struct verify *v, const struct client_config *config)
{
    struct cli *cli = v->cli;
    struct consumer_settings settings = client_config_consumer(config);
    struct group_consumer_settings group = client_config_group(config);
    bool is_requested = false;

    v->commits = group.commits;
    event_print(cli, "startup_complete");
    consumer_init(&v->consumer, &cli->cluster, &settings, &consumer_events);
    group_consumer_init(&v->group, &cli->cluster, &v->consumer, &group, &group_events);
    if (v->max != 0) {
        group_consumer_subscribe(&v->group, slice_text(word_of(cli, VERIFY_topic)));
        group_consumer_start(&v->group);
        if (!cli_wait(cli, &v->is_done))
            event_print(cli, "shutdown_requested");
        is_requested = !v->is_done;
        leave(v);
    }
    group_consumer_fini(&v->group);
    consumer_fini(&v->consumer);
    event_print(cli, "shutdown_complete");
    if (!is_requested) /* Kafka's says it in any case, then late. */
        event_print(cli, "shutdown_requested");
}

static bool set(struct cli *cli, struct client_config *config, const char *key, const char *value)
{
    return !value || client_settings_set(cli, config, slice_text(key), slice_text(value));
}

static bool is_classic(struct cli *cli)
{
    const char *word = word_of(cli, VERIFY_group_protocol);

    if (strcasecmp(word, "classic") == 0)
        return true;
    if (strcasecmp(word, "consumer") == 0) {
        text_printf(&cli->why, "--group-protocol consumer is not served yet, only classic");
        return false;
    }
    text_printf(&cli->why, "No enum constant org.apache.kafka.clients.consumer.GroupProtocol.");
    for (const char *c = word; *c; c++)
        text_printf(&cli->why, "%c", toupper((unsigned char)*c));
    return false;
}

/* The options are stronger than a file. */
static bool configure(struct cli *cli, struct client_config *config)
{
    bool commits = options_has(&cli->options, VERIFY_autocommit);

    return is_classic(cli) &&
           set(cli, config, "partition.assignment.strategy", word_of(cli, VERIFY_strategy)) &&
           set(cli, config, "group.id", word_of(cli, VERIFY_group)) &&
           set(cli, config, "group.instance.id", word_of(cli, VERIFY_instance)) &&
           set(cli, config, "bootstrap.servers", word_of(cli, VERIFY_bootstrap)) &&
           set(cli, config, "enable.auto.commit", commits ? "true" : "false") &&
           set(cli, config, "auto.offset.reset", word_of(cli, VERIFY_reset)) &&
           set(cli, config, "session.timeout.ms", word_of(cli, VERIFY_session_timeout)) &&
           client_config_check(config, &cli->why) == 0;
}

int verifiable_consumer_run(struct cli *cli)
{
    struct verify verify = {.cli = cli,
                            .max = event_number(cli, VERIFY_max_messages),
                            .is_verbose = options_has(&cli->options, VERIFY_verbose)};
    struct client_config config;
    struct cluster_settings cluster;
    int status = 0;

    client_config_init(&config);
    if (!event_settings(cli, &config, VERIFY_consumer_config, VERIFY_command_config)) {
        status = cli_mistaken(cli);
    } else if (!configure(cli, &config)) {
        status = cli_failed(cli, cli->why.data);
    } else {
        cluster = client_config_cluster(&config, "consumer-1");
        if (cli_connect(cli, &cluster))
            run(&verify, &config);
        else
            status = cli_failed(cli, cli->why.data);
    }
    client_config_fini(&config);
    mem_free(verify.parts);
    return status;
}
