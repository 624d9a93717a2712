/* SPDX-License-Identifier: Apache-2.0 */

/* cli/e2e_latency.c - kafka-e2e-latency: how long a record takes from a producer to a consumer.
 *
 *     producer_send() -> acknowledged -> fetched -> it is the same -> the next one
 *
 * One record is under way at a time.  The consumer is asked only when the record has been
 * acknowledged, as in Kafka's tool, so that the times mean the same.
 */

#include "base/mem.h"
#include "cli/admin.h"
#include "cli/client_settings.h"
#include "cli/commands.h"
#include "wire/errors.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum e2e_option {
#define OPTION(id, name, KIND, shows, initial, about) E2E_##id,
#include "cli/e2e_latency.def"
};

const struct option_row e2e_latency_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/e2e_latency.def"
};

const int e2e_latency_row_count = COUNT_OF(e2e_latency_rows);

enum {
    PLACE_TURN_MS = 100,
    POLL_MS = 60 * 1000, /* How long a record may take. */
    TELL_EVERY = 1000,
    LETTERS = 26,
    POSITIONALS_MIN = 5,
    POSITIONALS_MAX = 6,
    NUMBER_SIZE = 32,
    DIGITS_MIN = 15,
    DIGITS_MAX = 17,
};

struct e2e {
    struct cli *cli;
    struct producer producer;
    struct consumer consumer;
    struct cluster_topic *topic; /* Borrowed: as old as the cluster. */
    const char *name;
    int64_t count, value_size, key_size, headers, header_key_size, header_size;
    struct rng rng;
    struct text bytes;                  /* Owned: of the record under way: value, key, headers. */
    struct record_header *header_array; /* Owned. */
    int64_t *times_ms;                  /* Owned: of each record. */
    double total_us;
    int64_t done; /* Records. */
    int64_t since_us;
    struct loop_timer next, late;
    bool is_done;
};

static int64_t now_us(const struct e2e *e)
{
    return io_monotonic_us(e->cli->loop.io);
}

static void fail(struct e2e *e, const char *why)
{
    if (e->cli->why.size == 0)
        text_printf(&e->cli->why, "%s", why);
    consumer_pause(&e->consumer);
    e->is_done = true;
}

/* --- a record ------------------------------------------------------------------- */

static struct slice value_of(const struct e2e *e)
{
    return slice_of(e->bytes.data, (size_t)e->value_size);
}

static struct slice key_of(const struct e2e *e)
{
    return e->key_size > 0 ? slice_of(e->bytes.data + e->value_size, (size_t)e->key_size)
                           : slice_null();
}

/* Letters by chance, of which value, key and headers have theirs. */
static void fill(struct e2e *e)
{
    int64_t header_size = e->header_key_size + max_of(e->header_size, (int64_t)0);
    size_t size = (size_t)(e->value_size + e->key_size + e->headers * header_size);
    size_t at = (size_t)(e->value_size + e->key_size);

    text_cut(&e->bytes, 0);
    text_printf(&e->bytes, "%s", "");
    for (size_t i = 0; i < size; i++) {
        char letter = (char)('A' + rng_below(&e->rng, LETTERS));

        text_add(&e->bytes, &letter, 1);
    }
    for (int64_t i = 0; i < e->headers; i++) {
        struct record_header *header = &e->header_array[i];

        header->key = slice_of(e->bytes.data + at, (size_t)e->header_key_size);
        at += (size_t)e->header_key_size;
        header->value = e->header_size < 0 ? slice_null()
                                           : slice_of(e->bytes.data + at, (size_t)e->header_size);
        at += header->value.size;
    }
}

static void send_next(struct loop_timer *timer)
{
    struct e2e *e = container_of(timer, struct e2e, next);
    struct producer_record record = {.topic = slice_text(e->name),
                                     .partition = -1,
                                     .timestamp = -1,
                                     .headers = e->header_array,
                                     .header_count = (size_t)e->headers};

    fill(e);
    record.key = key_of(e);
    record.value = value_of(e);
    e->since_us = now_us(e);
    if (producer_send(&e->producer, &record))
        fail(e, "the record is larger than max.request.size");
    else
        producer_flush(&e->producer);
}

static void on_delivered(struct producer *producer, const struct producer_report *report)
{
    struct e2e *e = container_of(producer, struct e2e, producer);

    if (report->error != ERROR_NONE) {
        fail(e, report->why ? report->why : error_meaning(report->error));
        return;
    }
    loop_timer_set(&e->cli->loop, &e->late, now_us(e) + POLL_MS * INT64_C(1000));
    consumer_resume(&e->consumer);
}

static void on_late(struct loop_timer *timer)
{
    struct e2e *e = container_of(timer, struct e2e, late);
    char why[128];

    snprintf(why, sizeof(why), "poll() timed out before finding a result (timeout:[%dms])",
             (int)POLL_MS);
    fail(e, why);
}

static void ignore(struct producer *producer)
{
    (void)producer; /* Records go one by one: there is room, and on_delivered() knows the rest. */
}

static const struct producer_events producer_events = {
    .delivered = on_delivered,
    .has_room = ignore,
    .idle = ignore,
};

/* The shortest number that is read back as this one, as Java prints it. */
static void print_shortest(struct console_out *out, double value)
{
    char text[NUMBER_SIZE];

    for (int digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    console_printf(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void note_time(struct e2e *e)
{
    int64_t took_us = now_us(e) - e->since_us;

    if (e->done % TELL_EVERY == 0) {
        console_printf(&e->cli->out, "%" PRId64 "\t", e->done);
        print_shortest(&e->cli->out, (double)took_us / 1000.0);
        console_printf(&e->cli->out, "\n");
        console_flush(&e->cli->out);
    }
    e->total_us += (double)took_us;
    e->times_ms[e->done++] = took_us / 1000;
}

static bool on_record(struct consumer *consumer, struct consumer_partition *partition,
                      const struct record *record)
{
    struct e2e *e = container_of(consumer, struct e2e, consumer);
    struct text why = {.data = NULL};

    (void)partition;
    if (e->is_done)
        return false;
    loop_timer_cancel(&e->cli->loop, &e->late);
    if (!slice_equal(record->value, value_of(e))) {
        text_printf(&why,
                    "The message value read [%.*s] did not match the message value sent [%.*s]",
                    SLICE_ARG(record->value), SLICE_ARG(value_of(e)));
        fail(e, why.data);
        text_fini(&why);
        return false;
    }
    note_time(e);
    if (e->done == e->count)
        e->is_done = true;
    else
        loop_timer_set(&e->cli->loop, &e->next, now_us(e));
    return false; /* Until the next one has been acknowledged. */
}

static void on_failed(struct consumer *consumer, struct consumer_partition *partition,
                      int16_t error, const char *why)
{
    (void)partition;
    fail(container_of(consumer, struct e2e, consumer), error ? error_meaning(error) : why);
}

static const struct consumer_events consumer_events = {.record = on_record, .failed = on_failed};

/* --- the topic -------------------------------------------------------------------- */

static int16_t create_verdict(const struct call *call)
{
    const struct create_topics_response *response = call->response;

    return response->topics_count > 0 ? response->topics[0].error_code : 0;
}

static const struct call_events create_events = {.done = admin_done, .verdict = create_verdict};

static bool create_topic(struct e2e *e, struct admin *admin)
{
    struct cli *cli = e->cli;
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;
    struct call_order order = {
        .api = wire_api_find(API_CREATE_TOPICS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    const struct create_topics_response *response;
    struct call *call;

    console_printf(&cli->out,
                   "Topic \"%s\" does not exist. Will create topic with 1 partition(s) and "
                   "replication factor = 1\n",
                   e->name);
    console_flush(&cli->out);
    topic.name = slice_text(e->name);
    topic.num_partitions = 1;
    topic.replication_factor = 1;
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)cli->cluster.settings.request_timeout_ms;
    if (admin_call(cli, admin, &create_events, order, &call)) {
        response = call->response;
        if (create_verdict(call) == ERROR_NONE)
            return true;
        admin_explain(cli, create_verdict(call), response->topics[0].error_message);
    }
    console_printf(&cli->out, "Creation of topic %s failed\n", e->name);
    return false;
}

static bool find_topic(struct e2e *e)
{
    const struct metadata_response *response;
    struct admin admin;
    bool is_there = false;
    bool is_good;

    admin_init(&admin);
    is_good = admin_metadata(e->cli, &admin, NULL, &response);
    for (int32_t i = 0; is_good && i < response->topics_count; i++)
        is_there |= slice_is_text(response->topics[i].name, e->name);
    is_good = is_good && (is_there || create_topic(e, &admin));
    admin_fini(&admin);
    return is_good;
}

static bool all_are_placed(const struct e2e *e)
{
    list_each (node, &e->consumer.partitions)
        if (container_of(node, const struct consumer_partition, node_in)->position < 0)
            return false;
    return !list_is_empty(&e->consumer.partitions);
}

/* The consumer stands at the end of every partition. */
static bool place(struct e2e *e)
{
    struct cli *cli = e->cli;
    int64_t deadline_us = now_us(e) + cli->cluster.settings.call_timeout_ms * 1000;
    int32_t assigned = 0;

    e->topic = cluster_want_topic(&cli->cluster, slice_text(e->name));
    while (!e->is_done && !cli_is_stopping(cli) && !all_are_placed(e)) {
        loop_turn(&cli->loop, PLACE_TURN_MS * 1000);
        while (assigned < e->topic->count)
            consumer_assign(&e->consumer, slice_text(e->name), assigned++,
                            (struct consumer_start){.value = CONSUMER_LATEST});
        if (now_us(e) > deadline_us)
            fail(e, "the ends of the topic's partitions could not be found in time");
    }
    return all_are_placed(e) && !e->is_done;
}

/* --- the command ------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print_results(struct e2e *e)
{
    double count = (double)e->count;

    qsort(e->times_ms, (size_t)e->count, sizeof(*e->times_ms), by_time);
    console_printf(&e->cli->out,
                   "Avg latency: %.4f ms\nPercentiles: 50th = %" PRId64 ", 99th = %" PRId64
                   ", 99.9th = %" PRId64 "\n",
                   e->total_us / count / 1000.0, e->times_ms[(size_t)(count * 0.5)],
                   e->times_ms[(size_t)(count * 0.99)], e->times_ms[(size_t)(count * 0.999)]);
}

static bool run(struct e2e *e, const struct client_config *config)
{
    struct cli *cli = e->cli;
    struct consumer_settings consuming = client_config_consumer(config);
    struct producer_settings producing = client_config_producer(config);

    consuming.max_wait_ms = 0; /* Nothing waits for more. */
    producing.linger_ms = 0;
    e->next.fire = send_next;
    e->late.fire = on_late;
    consumer_init(&e->consumer, &cli->cluster, &consuming, &consumer_events);
    producer_init(&e->producer, &cli->cluster, &producing, &producer_events);
    if (place(e)) {
        consumer_pause(&e->consumer);
        loop_timer_set(&cli->loop, &e->next, now_us(e));
        if (!cli_wait(cli, &e->is_done))
            text_printf(&cli->why, "ended before all records were sent");
    }
    loop_timer_cancel(&cli->loop, &e->next);
    loop_timer_cancel(&cli->loop, &e->late);
    producer_fini(&e->producer);
    consumer_fini(&e->consumer);
    if (e->done == e->count)
        print_results(e);
    return e->done == e->count;
}

/* --- words ------------------------------------------------------------------------ */

static const int needed[] = {E2E_bootstrap, E2E_topic, E2E_num_records, E2E_acks, E2E_record_size};

static bool has_names(const struct cli *cli)
{
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (options_has(&cli->options, needed[i]))
            return true;
    return false;
}

/* The older form: words in an order of their own. */
static bool take_positionals(struct cli *cli)
{
    if (has_names(cli))
        return true;
    if (cli->argc < POSITIONALS_MIN || cli->argc > POSITIONALS_MAX) {
        text_printf(&cli->why,
                    "Invalid number of arguments. Expected 5 or 6 positional arguments, but got "
                    "%d. Usage: bootstrap-server topic num-records producer-acks record-size "
                    "[optional] command-config",
                    cli->argc);
        return false;
    }
    console_printf(&cli->out,
                   "WARNING: Positional argument usage is deprecated and will be removed in Apache "
                   "Kafka 5.0. Please use named arguments instead: --bootstrap-server, --topic, "
                   "--num-records, --producer-acks, --record-size, --command-config\n");
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        options_add(&cli->options, needed[i], cli->argv[i]);
    if (cli->argc == POSITIONALS_MAX && cli->argv[POSITIONALS_MIN][0])
        options_add(&cli->options, E2E_command_config, cli->argv[POSITIONALS_MIN]);
    return true;
}

/* A number that may be left out, too, behind its option. */
static bool take_number(struct cli *cli, int row, int64_t *out)
{
    const char *word = options_nth(&cli->options, row, 0);
    char *end;

    if (!word)
        word = e2e_latency_rows[row].initial;
    *out = strtoll(word, &end, 10);
    if (end != word && !*end && *out >= INT32_MIN && *out <= INT32_MAX)
        return true;
    text_printf(&cli->why, "Cannot parse argument '%s' of option %s", word,
                e2e_latency_rows[row].name);
    return false;
}

static bool take_numbers(struct e2e *e)
{
    struct cli *cli = e->cli;

    return take_number(cli, E2E_num_records, &e->count) &&
           take_number(cli, E2E_record_size, &e->value_size) &&
           take_number(cli, E2E_key_size, &e->key_size) &&
           take_number(cli, E2E_num_headers, &e->headers) &&
           take_number(cli, E2E_header_key_size, &e->header_key_size) &&
           take_number(cli, E2E_header_size, &e->header_size);
}

static bool is_complete(struct cli *cli)
{
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (!options_has(&cli->options, needed[i])) {
            text_printf(&cli->why, "Missing required argument \"[%s]\"",
                        e2e_latency_rows[needed[i]].name);
            return false;
        }
    return true;
}

/* False: a sentence tells what must be otherwise. */
static bool is_sound(struct e2e *e)
{
    struct cli *cli = e->cli;
    const char *acks = options_nth(&cli->options, E2E_acks, 0);
    const struct {
        int row;
        int64_t value, min;
        const char *kind;
    } bounds[] = {
        {E2E_num_records, e->count, 1, "a positive integer"},
        {E2E_record_size, e->value_size, 0, "a non-negative integer"},
        {E2E_key_size, e->key_size, 0, "a non-negative integer"},
        {E2E_num_headers, e->headers, 0, "a non-negative integer"},
        {E2E_header_key_size, e->header_key_size, 0, "a non-negative integer"},
        {E2E_header_size, e->header_size, -1, "a non-negative integer or -1 for null header value"},
    };

    for (size_t i = 0; i < COUNT_OF(bounds); i++)
        if (bounds[i].value < bounds[i].min) {
            text_printf(&cli->why, "Value for --%s must be %s.",
                        e2e_latency_rows[bounds[i].row].name, bounds[i].kind);
            return false;
        }
    if (strcmp(acks, "1") == 0 || strcmp(acks, "all") == 0)
        return true;
    text_printf(&cli->why, "Invalid value for --producer-acks. Latency testing requires "
                           "synchronous acknowledgement. Please use '1' or 'all'.");
    return false;
}

static bool connect_to(struct e2e *e, struct client_config *config)
{
    struct cli *cli = e->cli;
    const struct options *options = &cli->options;
    const char *path = options_nth(options, E2E_command_config, 0);
    struct cluster_settings settings;

    if ((path && !client_settings_read(cli, config, path)) ||
        !client_settings_set(cli, config, slice_text("bootstrap.servers"),
                             slice_text(options_nth(options, E2E_bootstrap, 0))) ||
        !client_settings_set(cli, config, slice_text("acks"),
                             slice_text(options_nth(options, E2E_acks, 0))) ||
        client_config_check(config, &cli->why))
        return false;
    settings = client_config_cluster(config, "e2e-latency");
    return cli_connect(cli, &settings);
}

int e2e_latency_run(struct cli *cli)
{
    struct e2e e = {.cli = cli, .rng = rng_of(0)};
    struct client_config config;
    bool is_good;

    if (!take_positionals(cli))
        return cli_failed(cli, cli->why.data);
    if (!is_complete(cli))
        return cli_mistaken(cli);
    if (!take_numbers(&e))
        return cli_failed(cli, cli->why.data);
    if (!is_sound(&e))
        return cli_mistaken(cli);
    e.name = options_nth(&cli->options, E2E_topic, 0);
    e.times_ms = mem_resize(NULL, (size_t)e.count, sizeof(*e.times_ms));
    e.header_array = mem_resize(NULL, (size_t)e.headers + 1, sizeof(*e.header_array));
    client_config_init(&config);
    is_good = connect_to(&e, &config) && find_topic(&e) && run(&e, &config);
    client_config_fini(&config);
    text_fini(&e.bytes);
    mem_free(e.times_ms);
    mem_free(e.header_array);
    return is_good ? 0 : cli_failed(cli, cli->why.data ? cli->why.data : "");
}
