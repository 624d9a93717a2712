/* SPDX-License-Identifier: Apache-2.0 */

/* cli/elect.c - kafka-leader-election: partitions get another leader. */

#include "base/java_order.h"
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/json_fields.h"
#include "wire/errors.h"
#include "wire/msg/elect_leaders.h"

#include <string.h>
#include <strings.h>

enum elect_option {
#define OPTION(id, name, KIND, shows, initial, about) ELECT_##id,
#include "cli/elect.def"
};

const struct option_row elect_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/elect.def"
};

const int elect_row_count = COUNT_OF(elect_rows);

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

static const char *const type_names[] = {"PREFERRED", "UNCLEAN"};

struct place {
    struct slice topic;
    int32_t partition;
    struct place *next; /* Arena, in the order that they were named. */
};

struct election {
    struct cli *cli;
    struct admin admin;
    struct text file; /* What the names of places are borrowed from. */
    struct place *places;
    struct place **tail;
    size_t count;
    bool is_all;
    int8_t type;
};

struct result {
    struct slice topic;
    const struct elect_leaders_partition_result *of;
};

static bool has(const struct cli *cli, enum elect_option option)
{
    return options_has(&cli->options, (int)option);
}

/* --- what is wanted ---------------------------------------------------------- */

static void print_missing(struct cli *cli, enum elect_option option)
{
    if (!has(cli, option))
        text_printf(&cli->why, "%s%s",
                    cli->why.size ? ", " : "Missing required option(s): ", elect_rows[option].name);
}

static bool check_options(struct cli *cli)
{
    struct text *why = &cli->why;

    print_missing(cli, ELECT_bootstrap);
    if (cli->is_kafka)
        print_missing(cli, ELECT_type);
    if (why->size > 0)
        return false;
    if (has(cli, ELECT_topic) + has(cli, ELECT_all) + has(cli, ELECT_file) != 1)
        text_printf(why, "One and only one of the following options is required: topic, "
                         "all-topic-partitions, path-to-json-file");
    else if (has(cli, ELECT_topic))
        print_missing(cli, ELECT_partition);
    else if (has(cli, ELECT_partition))
        text_printf(why, "Option partition is only allowed if topic is used");
    return why->size == 0;
}

static bool read_type(struct election *e)
{
    const char *word;

    if (options_get(&e->cli->options, ELECT_type, &word, &e->cli->why))
        return false;
    for (int8_t i = 0; i < (int8_t)COUNT_OF(type_names); i++)
        if (!word || strcasecmp(word, type_names[i]) == 0) {
            e->type = i;
            return true;
        }
    text_printf(&e->cli->why, "Cannot parse argument '%s' of option election-type", word);
    return false;
}

static void add(struct election *e, struct slice topic, int32_t partition)
{
    struct place *place = arena_new(&e->admin.arena, sizeof(*place));

    *place = (struct place){.topic = topic, .partition = partition};
    *e->tail = place;
    e->tail = &place->next;
    e->count++;
}

static void read_place(struct election *e, struct fields *fields)
{
    struct slice topic = slice_null();
    bool has_partition = false;
    int32_t partition = 0;
    struct slice key;

    fields_enter(fields, JSON_OBJECT);
    while (fields_key(fields, &key)) {
        if (slice_is_text(key, "topic")) {
            fields_string(fields, &topic);
        } else if (slice_is_text(key, "partition")) {
            fields_number(fields, &partition);
            has_partition = true;
        } else {
            fields_skip(fields);
        }
    }
    fields_need(fields, !slice_is_null(topic), "topic");
    fields_need(fields, has_partition, "partition");
    add(e, topic, partition);
}

static bool read_places(struct election *e)
{
    struct text *why = &e->cli->why;
    bool has_partitions = false;
    struct fields fields;
    struct slice key;

    fields_init(&fields, text_slice(&e->file), &e->admin.arena, why);
    fields_enter(&fields, JSON_OBJECT);
    while (fields_key(&fields, &key)) {
        if (!slice_is_text(key, "partitions")) {
            fields_skip(&fields);
            continue;
        }
        has_partitions = true;
        fields_enter(&fields, JSON_ARRAY);
        while (fields_more(&fields))
            read_place(e, &fields);
    }
    if (!fields_end(&fields) && why->size == 0)
        text_printf(why, "Replica election data is empty");
    if (why->size == 0 && !has_partitions)
        text_printf(why, "Replica election data is missing \"partitions\" field");
    return why->size == 0;
}

static bool is_same(const struct place *a, const struct place *b)
{
    return a->partition == b->partition && slice_equal(a->topic, b->topic);
}

/* True if no place is there twice. */
static bool check_places(struct election *e)
{
    struct text *why = &e->cli->why;

    for (const struct place *a = e->places; a; a = a->next) {
        int before = 0;

        for (const struct place *b = e->places; b != a; b = b->next)
            before += is_same(a, b);
        if (before == 1)
            text_printf(why, "%s%.*s-%d",
                        why->size ? ", " : "Replica election data contains duplicate partitions: [",
                        SLICE_ARG(a->topic), a->partition);
    }
    if (why->size > 0)
        text_printf(why, "]");
    return why->size == 0;
}

static bool find_places(struct election *e)
{
    struct options *options = &e->cli->options;
    struct text *why = &e->cli->why;
    const char *topic, *path;
    int64_t partition = 0;

    if (options_get(options, ELECT_topic, &topic, why) ||
        options_number(options, ELECT_partition, &partition, why) ||
        options_get(options, ELECT_file, &path, why))
        return false;
    e->is_all = has(e->cli, ELECT_all);
    if (topic)
        add(e, slice_text(topic), (int32_t)partition);
    if (!path)
        return true;
    if (console_read_file(path, FILE_SIZE_MAX, &e->file)) {
        text_printf(why, "Unable to read file %s", path);
        return false;
    }
    return read_places(e) && check_places(e);
}

/* --- the request ------------------------------------------------------------- */

static int16_t verdict(const struct call *call)
{
    return ((const struct elect_leaders_response *)call->response)->error_code;
}

static const struct call_events elect_events = {.done = admin_done, .verdict = verdict};

static void fill(struct election *e, struct elect_leaders_request *request)
{
    struct arena *arena = &e->admin.arena;

    request->topic_partitions =
        e->is_all ? NULL : arena_new(arena, (e->count + 1) * sizeof(*request->topic_partitions));
    request->topic_partitions_count = e->is_all ? -1 : 0;
    for (const struct place *p = e->places; p; p = p->next) {
        struct elect_leaders_topic_partitions *topic = NULL;

        for (int32_t i = 0; i < request->topic_partitions_count; i++)
            if (slice_equal(request->topic_partitions[i].topic, p->topic))
                topic = &request->topic_partitions[i];
        if (!topic) {
            topic = &request->topic_partitions[request->topic_partitions_count++];
            topic->topic = p->topic;
            topic->partitions = arena_new(arena, e->count * sizeof(*topic->partitions));
            topic->partitions_count = 0;
        }
        topic->partitions[topic->partitions_count++] = p->partition;
    }
}

static bool send(struct election *e, const struct elect_leaders_response **out)
{
    struct elect_leaders_request request = elect_leaders_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_ELECT_LEADERS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    struct text *why = &e->cli->why;
    struct call *call;

    fill(e, &request);
    request.election_type = e->type;
    request.timeout_ms = (int32_t)e->cli->cluster.settings.request_timeout_ms;
    if (!admin_call(e->cli, &e->admin, &elect_events, order, &call)) {
        if (call->outcome == CALL_E_TIMEOUT) {
            text_cut(why, 0);
            text_printf(why, "Timeout waiting for election results");
            console_printf(&e->cli->out, "%s\n", why->data);
        }
        return false;
    }
    *out = call->response;
    if ((*out)->error_code != ERROR_NONE)
        admin_explain(e->cli, (*out)->error_code, slice_null());
    return (*out)->error_code == ERROR_NONE;
}

/* --- printing ---------------------------------------------------------------- */

/* In the order of the map that Kafka's tool has them in. */
static struct result *sort_results(struct election *e, const struct elect_leaders_response *all,
                                   size_t *out_count)
{
    struct arena *arena = &e->admin.arena;
    struct result *from, *to;
    int32_t *hashes;
    size_t *order;
    size_t count = 0;

    for (int32_t t = 0; t < all->replica_election_results_count; t++)
        count += (size_t)all->replica_election_results[t].partition_result_count;
    from = arena_new(arena, (count + 1) * sizeof(*from));
    to = arena_new(arena, (count + 1) * sizeof(*to));
    hashes = arena_new(arena, (count + 1) * sizeof(*hashes));
    order = arena_new(arena, (count + 1) * sizeof(*order));
    count = 0;
    for (int32_t t = 0; t < all->replica_election_results_count; t++)
        for (int32_t i = 0; i < all->replica_election_results[t].partition_result_count; i++) {
            from[count].topic = all->replica_election_results[t].topic;
            from[count].of = &all->replica_election_results[t].partition_result[i];
            hashes[count] =
                java_order_hash_partition(from[count].topic, from[count].of->partition_id);
            count++;
        }
    java_order_sort_hashes(hashes, count, 0, order);
    for (size_t i = 0; i < count; i++)
        to[i] = from[order[i]];
    *out_count = count;
    return to;
}

/* One line with all whose election ended so. */
static void print_line(struct election *e, const struct result *results, size_t count,
                       int16_t error)
{
    struct console_out *out = &e->cli->out;
    bool is_first = true;

    for (size_t i = 0; i < count; i++) {
        if (results[i].of->error_code != error)
            continue;
        if (!is_first)
            console_printf(out, ", ");
        else if (error == ERROR_NONE)
            console_printf(out, "Successfully completed leader election (%s) for partitions ",
                           type_names[e->type]);
        else
            console_printf(out, "Valid replica already elected for partitions ");
        console_printf(out, "%.*s-%d", SLICE_ARG(results[i].topic), results[i].of->partition_id);
        is_first = false;
    }
    if (!is_first)
        console_printf(out, "\n");
}

static bool has_failed(const struct result *result)
{
    return result->of->error_code != ERROR_NONE &&
           result->of->error_code != ERROR_ELECTION_NOT_NEEDED;
}

static void print_failure(struct election *e, const struct result *result)
{
    struct text why = {.data = NULL};

    admin_print_exception(result->of->error_code, result->of->error_message, &why);
    console_printf(
        &e->cli->out, "Error completing leader election (%s) for partition: %.*s-%d: %s\n",
        type_names[e->type], SLICE_ARG(result->topic), result->of->partition_id, why.data);
    text_fini(&why);
}

static void print_json(struct election *e, const struct result *results, size_t count)
{
    struct text out = {.data = NULL};

    text_printf(&out, "[");
    for (size_t i = 0; i < count; i++) {
        const struct result *r = &results[i];

        text_printf(&out, "%s\n  {\"topic\": ", i ? "," : "");
        json_print_string(r->topic, &out);
        text_printf(&out, ", \"partition\": %d, \"isElected\": %s", r->of->partition_id,
                    r->of->error_code == ERROR_NONE ? "true" : "false");
        if (has_failed(r))
            text_printf(&out, ", \"error\": \"%s\"", error_name(r->of->error_code));
        text_printf(&out, "}");
    }
    text_printf(&out, "%s]\n", count ? "\n" : "");
    console_write(&e->cli->out, out.data, out.size);
    text_fini(&out);
}

static bool print(struct election *e, const struct elect_leaders_response *response)
{
    size_t count;
    const struct result *results = sort_results(e, response, &count);
    bool is_json = has(e->cli, ELECT_json);
    int failed = 0;

    if (is_json) {
        print_json(e, results, count);
    } else {
        print_line(e, results, count, ERROR_NONE);
        print_line(e, results, count, ERROR_ELECTION_NOT_NEEDED);
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_failed(&results[i]))
            continue;
        failed++;
        if (!is_json)
            print_failure(e, &results[i]);
    }
    if (failed > 0)
        text_printf(&e->cli->why, "%d replica(s) could not be elected", failed);
    return failed == 0;
}

/* --- the command ------------------------------------------------------------- */

static bool connect_to(struct election *e, struct client_config *config)
{
    bool is_old = has(e->cli, ELECT_admin_config);

    if (is_old)
        console_printf(&e->cli->out,
                       "Option --admin.config has been deprecated and will be removed in a future "
                       "version. Use --command-config instead.\n");
    return admin_connect(e->cli, config, ELECT_bootstrap,
                         is_old ? ELECT_admin_config : ELECT_command_config);
}

static bool elect(struct election *e)
{
    const struct elect_leaders_response *response;
    struct client_config config;
    bool is_good;

    client_config_init(&config);
    is_good = read_type(e) && find_places(e) && connect_to(e, &config);
    if (is_good && (e->is_all || e->count > 0))
        is_good = send(e, &response) && print(e, response);
    client_config_fini(&config);
    return is_good;
}

int elect_run(struct cli *cli)
{
    struct election election = {.cli = cli};
    bool is_good;

    if (has(cli, ELECT_admin_config) && has(cli, ELECT_command_config))
        return cli_misused(
            cli, "Option \"[admin.config]\" can't be used with option \"[command-config]\"");
    if (!check_options(cli))
        return cli_failed(cli, cli->why.data);
    election.tail = &election.places;
    admin_init(&election.admin);
    is_good = elect(&election);
    admin_fini(&election.admin);
    text_fini(&election.file);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
