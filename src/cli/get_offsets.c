/* SPDX-License-Identifier: Apache-2.0 */

/* cli/get_offsets.c - kafka-get-offsets: one ListOffsets to each leader. */

#include "base/json.h"
#include "cli/admin_offsets.h"
#include "cli/commands.h"
#include "cli/offsets_filter.h"
#include "wire/errors.h"

#include <errno.h>
#include <stdlib.h>

enum offsets_option {
#define OPTION(id, name, KIND, shows, initial, about) OFFSETS_##id,
#include "cli/get_offsets.def"
};

const struct option_row get_offsets_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/get_offsets.def"
};

const int get_offsets_row_count = COUNT_OF(get_offsets_rows);

/* Times that stand for something else, from -1 down. */
static const char *const time_words[] = {
    "latest",         "earliest",      "max-timestamp",
    "earliest-local", "latest-tiered", "earliest-pending-upload",
};

#define TIMES_TEXT                                                                                 \
    "-1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / "                \
    "-5 or latest-tiered / -6 or earliest-pending-upload"

struct offsets {
    struct cli *cli;
    struct admin admin;
    struct admin_offset *places; /* Arena: by topic and partition. */
    size_t count;
    int64_t time;
};

static bool has(const struct cli *cli, enum offsets_option option)
{
    return options_has(&cli->options, (int)option);
}

static const char *value_of(struct cli *cli, enum offsets_option option)
{
    const char *value = NULL;

    return options_get(&cli->options, (int)option, &value, &cli->why) ? NULL : value;
}

/* --- which partitions -------------------------------------------------------- */

static bool read_time(struct cli *cli, int64_t *out)
{
    const char *word = value_of(cli, OFFSETS_time);
    char *end;

    if (!word)
        return false;
    for (size_t i = 0; i < COUNT_OF(time_words); i++)
        if (strcmp(word, time_words[i]) == 0) {
            *out = -1 - (int64_t)i;
            return true;
        }
    errno = 0;
    *out = strtoll(word, &end, 10);
    if (!errno && end != word && !*end)
        return true;
    text_printf(&cli->why,
                "Malformed time argument %s. Please use " TIMES_TEXT
                ", or a specified long format timestamp",
                word);
    return false;
}

static void take_topic(struct offsets *o, const struct offsets_filter *filter,
                       const struct metadata_response_topic *topic)
{
    if (topic->error_code || (topic->is_internal && has(o->cli, OFFSETS_exclude_internal)))
        return;
    for (int32_t i = 0; i < topic->partitions_count; i++) {
        const struct metadata_response_partition *p = &topic->partitions[i];

        if (offsets_filter_matches(filter, topic->name, p->partition_index))
            o->places[o->count++] = admin_offset_of(topic->name, p, o->time);
    }
}

static bool find_places(struct offsets *o, const struct offsets_filter *filter)
{
    const struct metadata_response *metadata;
    size_t all = 1;

    if (!admin_metadata(o->cli, &o->admin, NULL, &metadata))
        return false;
    for (int32_t i = 0; i < metadata->topics_count; i++)
        all += (size_t)metadata->topics[i].partitions_count;
    o->places = arena_new(&o->admin.arena, all * sizeof(*o->places));
    for (int32_t i = 0; i < metadata->topics_count; i++)
        take_topic(o, filter, &metadata->topics[i]);
    qsort(o->places, o->count, sizeof(*o->places), admin_by_partition);
    if (o->count > 0)
        return true;
    text_printf(&o->cli->why, "Could not match any topic-partitions with the specified filters");
    return false;
}

static bool read_filter(struct offsets *o, struct offsets_filter *filter)
{
    struct cli *cli = o->cli;
    const char *rules = value_of(cli, OFFSETS_topic_partitions);
    const char *topics = value_of(cli, OFFSETS_topic);
    const char *partitions = value_of(cli, OFFSETS_partitions);

    *filter = (struct offsets_filter){.rules = NULL};
    if (cli->why.size > 0)
        return false;
    if (rules)
        return offsets_filter_rules(filter, &o->admin.arena, rules, &cli->why);
    return offsets_filter_words(filter, &o->admin.arena, topics, partitions, &cli->why);
}

/* --- printing ---------------------------------------------------------------- */

static void print_place(struct cli *cli, const struct admin_offset *place, struct text *json)
{
    struct text why = {.data = NULL};

    if (place->error != ERROR_NONE) {
        admin_print_exception(place->error, slice_null(), &why);
        console_printf(&cli->err,
                       "Skip getting offsets for topic-partition %.*s-%d due to error: %s\n",
                       SLICE_ARG(place->topic), place->partition, why.data);
        text_fini(&why);
    } else if (place->offset >= 0 && has(cli, OFFSETS_json)) {
        text_printf(json, "%s\n  {\"topic\": ", json->size > 1 ? "," : "");
        json_print_string(place->topic, json);
        text_printf(json, ", \"partition\": %d, \"offset\": %lld}", place->partition,
                    (long long)place->offset);
    } else if (place->offset >= 0) {
        console_printf(&cli->out, "%.*s:%d:%lld\n", SLICE_ARG(place->topic), place->partition,
                       (long long)place->offset);
    }
}

static void print_places(const struct offsets *o)
{
    struct text json = {.data = NULL};

    text_printf(&json, "[");
    for (size_t i = 0; i < o->count; i++)
        print_place(o->cli, &o->places[i], &json);
    text_printf(&json, "%s]\n", json.size > 1 ? "\n" : "");
    if (has(o->cli, OFFSETS_json))
        console_write(&o->cli->out, json.data, json.size);
    text_fini(&json);
}

/* --- the command ------------------------------------------------------------- */

static bool get(struct offsets *o)
{
    struct offsets_filter filter;
    struct client_config config;
    bool is_good;

    client_config_init(&config);
    is_good = read_filter(o, &filter) &&
              admin_connect(o->cli, &config, OFFSETS_bootstrap, OFFSETS_command_config) &&
              read_time(o->cli, &o->time) && find_places(o, &filter) &&
              admin_offsets_ask(o->cli, &o->admin, o->places, o->count);
    if (is_good)
        print_places(o);
    offsets_filter_fini(&filter);
    client_config_fini(&config);
    return is_good;
}

int get_offsets_run(struct cli *cli)
{
    struct offsets offsets = {.cli = cli};
    const char *bootstrap;
    bool is_good;

    if (!has(cli, OFFSETS_bootstrap))
        return cli_misused(cli, "Missing required argument \"[bootstrap-server]\"");
    bootstrap = value_of(cli, OFFSETS_bootstrap);
    if (bootstrap && !admin_is_bootstrap(bootstrap))
        return cli_misused(cli, "Please provide valid host:port like host1:9091,host2:9092");
    if (has(cli, OFFSETS_topic_partitions) &&
        (has(cli, OFFSETS_topic) || has(cli, OFFSETS_partitions)))
        text_printf(&cli->why, "--topic-partitions cannot be used with --topic or --partitions");
    admin_init(&offsets.admin);
    is_good = cli->why.size == 0 && get(&offsets);
    admin_fini(&offsets.admin);
    if (is_good)
        return 0;
    console_printf(&cli->err, "Error occurred: ");
    return cli_failed(cli, cli->why.data);
}
