/* SPDX-License-Identifier: Apache-2.0 */

/* cli/delete_records.c - kafka-delete-records: one DeleteRecords to each leader. */

#include "wire/msg/delete_records.h"

#include "base/json.h"
#include "cli/admin.h"
#include "cli/commands.h"
#include "wire/errors.h"

enum delete_option {
#define OPTION(id, name, KIND, shows, initial, about) DELETE_##id,
#include "cli/delete_records.def"
};

const struct option_row delete_records_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/delete_records.def"
};

const int delete_records_row_count = COUNT_OF(delete_records_rows);

enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

struct place {
    struct slice topic; /* Arena. */
    int64_t partition, offset;
    int32_t leader;
    int64_t low_watermark;
    int16_t error;
    struct place *next;
};

struct deletion {
    struct cli *cli;
    struct admin admin;
    struct place *places, **tail; /* Arena: in the order of the file. */
    size_t count;
};

/* --- the file ---------------------------------------------------------------- */

/* A number of the file, or Kafka's sentence about what is none. */
static void read_number(struct deletion *d, struct json *json, const char *type, int64_t *out)
{
    struct text *why = &d->cli->why;
    struct slice text = slice_empty();

    if (json_peek(json) == JSON_STRING && json_string(json, &d->admin.arena, &text)) {
        text_cut(why, 0);
        text_printf(why, "Expected `%s` value, received \"%.*s\"", type, SLICE_ARG(text));
    } else {
        json_i64(json, out);
    }
}

static void read_place(struct deletion *d, struct json *json)
{
    static const char *const fields[] = {"topic", "partition", "offset"};
    struct place *place = arena_new(&d->admin.arena, sizeof(*place));
    bool has_field[COUNT_OF(fields)] = {false};
    struct slice key;

    *place = (struct place){.error = ERROR_UNKNOWN_TOPIC_OR_PARTITION, .leader = -1};
    json_enter(json, JSON_OBJECT);
    while (json_more(json) && json_key(json, &d->admin.arena, &key)) {
        for (size_t i = 0; i < COUNT_OF(fields); i++)
            has_field[i] = has_field[i] || slice_is_text(key, fields[i]);
        if (slice_is_text(key, "topic"))
            json_string(json, &d->admin.arena, &place->topic);
        else if (slice_is_text(key, "partition"))
            read_number(d, json, "Integer", &place->partition);
        else if (slice_is_text(key, "offset"))
            read_number(d, json, "Long", &place->offset);
        else
            json_skip(json);
    }
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (!has_field[i] && !json->error && d->cli->why.size == 0)
            text_printf(&d->cli->why, "No such field exists: `%s`", fields[i]);
    if (place->partition < INT32_MIN || place->partition > INT32_MAX)
        json_fail(json, "this is no partition");
    *d->tail = place;
    d->tail = &place->next;
    d->count++;
}

static bool read_all(struct deletion *d, struct slice text)
{
    struct text *why = &d->cli->why;
    bool has_partitions = false;
    int64_t version = 1;
    struct slice key;
    struct json json;

    json_init(&json, text);
    json_enter(&json, JSON_OBJECT);
    while (json_more(&json) && json_key(&json, &d->admin.arena, &key)) {
        if (slice_is_text(key, "version")) {
            read_number(d, &json, "Integer", &version);
        } else if (slice_is_text(key, "partitions")) {
            has_partitions = true;
            json_enter(&json, JSON_ARRAY);
            while (json_more(&json))
                read_place(d, &json);
        } else {
            json_skip(&json);
        }
    }
    json_end(&json);
    if (why->size > 0)
        return false;
    if (json.error)
        text_printf(why, "The input string is not a valid JSON");
    else if (version != 1)
        text_printf(why, "Not supported version field value %lld", (long long)version);
    else if (!has_partitions)
        text_printf(why, "Missing partitions field");
    return why->size == 0;
}

/* True if a partition is there more than once; says which. */
static bool has_duplicates(struct deletion *d)
{
    struct text *why = &d->cli->why;

    for (const struct place *a = d->places; a; a = a->next) {
        int before = 0;

        for (const struct place *b = d->places; b != a; b = b->next)
            before += b->partition == a->partition && slice_equal(b->topic, a->topic);
        if (before == 1)
            text_printf(why, "%s%.*s-%d",
                        why->size ? "," : "Offset json file contains duplicate topic partitions: ",
                        SLICE_ARG(a->topic), (int)a->partition);
    }
    return why->size > 0;
}

static bool read_places(struct deletion *d)
{
    struct cli *cli = d->cli;
    struct text file = {.data = NULL};
    const char *path;
    bool is_good;

    if (options_get(&cli->options, DELETE_file, &path, &cli->why))
        return false;
    if (console_read_file(path, FILE_SIZE_MAX, &file)) {
        text_printf(&cli->why, "Unable to read file %s", path);
        return false;
    }
    is_good = read_all(d, text_slice(&file)) && !has_duplicates(d);
    for (struct place *p = d->places; p; p = p->next) /* What is borrowed goes with the file. */
        p->topic = slice_text(arena_text(&d->admin.arena, p->topic.data, p->topic.size));
    text_fini(&file);
    return is_good;
}

/* --- the requests ------------------------------------------------------------ */

static void find_leader(struct place *place, const struct metadata_response *metadata)
{
    for (int32_t t = 0; t < metadata->topics_count; t++) {
        const struct metadata_response_topic *topic = &metadata->topics[t];

        if (!slice_equal(topic->name, place->topic))
            continue;
        for (int32_t i = 0; i < topic->partitions_count; i++)
            if (topic->partitions[i].partition_index == place->partition) {
                place->leader = topic->partitions[i].leader_id;
                place->error = place->leader < 0 ? ERROR_LEADER_NOT_AVAILABLE : ERROR_NONE;
            }
    }
}

static void take_answer(struct deletion *d, const struct delete_records_response *response)
{
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++) {
            const struct delete_records_partition_result *from = &response->topics[t].partitions[i];

            for (struct place *p = d->places; p; p = p->next) {
                if (p->partition != from->partition_index ||
                    !slice_equal(p->topic, response->topics[t].name))
                    continue;
                p->low_watermark = from->low_watermark;
                p->error = from->error_code;
            }
        }
}

static int16_t delete_verdict(const struct call *call)
{
    const struct delete_records_response *response = call->response;

    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++)
            if (response->topics[t].partitions[i].error_code != ERROR_NONE)
                return response->topics[t].partitions[i].error_code;
    return ERROR_NONE;
}

static const struct call_events delete_events = {.done = admin_done, .verdict = delete_verdict};

/* The topic of the request that a place belongs to. */
static struct delete_records_topic *
topic_of(struct deletion *d, struct delete_records_request *request, const struct place *place)
{
    struct delete_records_topic *topic;

    for (int32_t i = 0; i < request->topics_count; i++)
        if (slice_equal(request->topics[i].name, place->topic))
            return &request->topics[i];
    topic = &request->topics[request->topics_count++];
    topic->name = place->topic;
    topic->partitions = arena_new(&d->admin.arena, d->count * sizeof(*topic->partitions));
    topic->partitions_count = 0;
    return topic;
}

static bool ask_leader(struct deletion *d, int32_t leader)
{
    struct delete_records_request request = delete_records_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DELETE_RECORDS),
        .request = &request,
        .target = leader,
    };
    struct call *call;

    request.timeout_ms = (int32_t)d->cli->cluster.settings.request_timeout_ms;
    request.topics = arena_new(&d->admin.arena, d->count * sizeof(*request.topics));
    for (const struct place *p = d->places; p; p = p->next) {
        struct delete_records_topic *topic;

        if (p->leader != leader)
            continue;
        topic = topic_of(d, &request, p);
        topic->partitions[topic->partitions_count++] = (struct delete_records_partition){
            .partition_index = (int32_t)p->partition,
            .offset = p->offset,
        };
    }
    if (!admin_call(d->cli, &d->admin, &delete_events, order, &call))
        return false;
    take_answer(d, call->response);
    return true;
}

static bool ask_leaders(struct deletion *d)
{
    const struct metadata_response *metadata;

    if (!d->places)
        return true;
    if (!admin_metadata(d->cli, &d->admin, NULL, &metadata))
        return false;
    for (struct place *p = d->places; p; p = p->next)
        find_leader(p, metadata);
    for (const struct place *p = d->places; p; p = p->next) {
        bool is_asked = p->leader < 0;

        for (const struct place *q = d->places; q != p && !is_asked; q = q->next)
            is_asked = q->leader == p->leader;
        if (!is_asked && !ask_leader(d, p->leader))
            return false;
    }
    return true;
}

/* --- printing ---------------------------------------------------------------- */

static void print_json(const struct deletion *d)
{
    struct text out = {.data = NULL};

    text_printf(&out, "[");
    for (const struct place *p = d->places; p; p = p->next) {
        text_printf(&out, "%s\n  {\"topic\": ", p == d->places ? "" : ",");
        json_print_string(p->topic, &out);
        text_printf(&out, ", \"partition\": %d", (int)p->partition);
        if (p->error == ERROR_NONE)
            text_printf(&out, ", \"lowWatermark\": %lld}", (long long)p->low_watermark);
        else
            text_printf(&out, ", \"error\": \"%s\"}", error_name(p->error));
    }
    text_printf(&out, "%s]\n", d->places ? "\n" : "");
    console_write(&d->cli->out, out.data, out.size);
    text_fini(&out);
}

static void print_places(const struct deletion *d)
{
    struct console_out *out = &d->cli->out;

    console_printf(out, "Records delete operation completed:\n");
    for (const struct place *p = d->places; p; p = p->next) {
        struct text why = {.data = NULL};

        console_printf(out, "partition: %.*s-%d\t", SLICE_ARG(p->topic), (int)p->partition);
        if (p->error == ERROR_NONE) {
            console_printf(out, "low_watermark: %lld\n", (long long)p->low_watermark);
            continue;
        }
        admin_print_exception(p->error, slice_null(), &why);
        console_printf(out, "error: %s\n", why.data);
        text_fini(&why);
    }
}

/* --- the command ------------------------------------------------------------- */

static bool delete_records(struct deletion *d)
{
    bool is_json = options_has(&d->cli->options, DELETE_json);
    struct client_config config;
    bool is_good;

    client_config_init(&config);
    is_good =
        admin_connect(d->cli, &config, DELETE_bootstrap, DELETE_command_config) && read_places(d);
    if (is_good && !is_json)
        console_printf(&d->cli->out, "Executing records delete operation\n");
    is_good = is_good && ask_leaders(d);
    if (is_good && is_json)
        print_json(d);
    else if (is_good)
        print_places(d);
    client_config_fini(&config);
    return is_good;
}

int delete_records_run(struct cli *cli)
{
    struct deletion deletion = {.cli = cli};
    bool is_good;

    if (!options_has(&cli->options, DELETE_bootstrap))
        return cli_misused(cli, "Missing required argument \"[bootstrap-server]\"");
    if (!options_has(&cli->options, DELETE_file))
        return cli_misused(cli, "Missing required argument \"[offset-json-file]\"");
    deletion.tail = &deletion.places;
    admin_init(&deletion.admin);
    is_good = delete_records(&deletion);
    admin_fini(&deletion.admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
