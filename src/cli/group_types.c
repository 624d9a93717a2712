/* SPDX-License-Identifier: Apache-2.0 */

/* cli/group_types.c - kafka-groups: the groups of every type. */

#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/groups_list.h"

enum types_option {
#define OPTION(id, name, KIND, shows, initial, about) TYPES_##id,
#include "cli/group_types.def"
};

const struct option_row group_types_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/group_types.def"
};

const int group_types_row_count = COUNT_OF(group_types_rows);

enum { WIDTH_MIN = 20 };

static bool has(const struct cli *cli, enum types_option option)
{
    return options_has(&cli->options, (int)option);
}

/* --- the options ------------------------------------------------------------- */

static bool fits(struct cli *cli)
{
    static const enum types_option pairs[][2] = {
        {TYPES_consumer, TYPES_group_type}, {TYPES_consumer, TYPES_protocol},
        {TYPES_consumer, TYPES_share},      {TYPES_consumer, TYPES_streams},
        {TYPES_share, TYPES_group_type},    {TYPES_streams, TYPES_group_type},
        {TYPES_share, TYPES_protocol},      {TYPES_share, TYPES_streams},
        {TYPES_streams, TYPES_protocol},
    };

    if (!has(cli, TYPES_bootstrap)) {
        text_printf(&cli->why, "Missing required option(s) [bootstrap-server]");
        return false;
    }
    if (!has(cli, TYPES_list)) {
        text_printf(&cli->why, "Command must include exactly one action: --list.");
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (has(cli, pairs[i][0]) && has(cli, pairs[i][1])) {
            text_printf(&cli->why, "Option \"[%s]\" can't be used with option \"[%s]\"",
                        group_types_rows[pairs[i][0]].name, group_types_rows[pairs[i][1]].name);
            return false;
        }
    return true;
}

struct types_filter {
    const char *type, *protocol; /* NULL: any. */
    bool is_consumer;
};

static bool read_filter(struct cli *cli, struct types_filter *out)
{
    const char *word;

    *out = (struct types_filter){
        .type = has(cli, TYPES_share)     ? "Share"
                : has(cli, TYPES_streams) ? "Streams"
                                          : NULL,
        .is_consumer = has(cli, TYPES_consumer),
    };
    if (options_get(&cli->options, TYPES_protocol, &out->protocol, &cli->why) ||
        options_get(&cli->options, TYPES_group_type, &word, &cli->why))
        return false;
    if (!word)
        return true;
    out->type = groups_type_name(slice_text(word));
    if (strcmp(out->type, "Unknown") != 0)
        return true;
    text_printf(&cli->why, "--group-type must be a valid group type.");
    return false;
}

static bool is_meant(const struct types_filter *filter,
                     const struct list_groups_listed_group *group)
{
    if (filter->is_consumer && !groups_is_consumer(group))
        return false;
    if (filter->type && strcmp(filter->type, groups_type_name(group->group_type)) != 0)
        return false;
    return !filter->protocol || slice_is_text(group->protocol_type, filter->protocol);
}

/* --- printing ---------------------------------------------------------------- */

static void print_table(struct cli *cli, const struct admin_listing *listing)
{
    int width = WIDTH_MIN;

    for (size_t i = 0; i < listing->count; i++)
        width = max_of(width, (int)listing->groups[i].group_id.size);
    console_printf(&cli->out, "%-*s %-*s %-*s\n", width, "GROUP", width, "TYPE", width, "PROTOCOL");
    for (size_t i = 0; i < listing->count; i++) {
        const struct list_groups_listed_group *group = &listing->groups[i];

        console_printf(&cli->out, "%-*.*s %-*s %-*.*s \n", width, SLICE_ARG(group->group_id), width,
                       groups_type_name(group->group_type), width, SLICE_ARG(group->protocol_type));
    }
}

static void print_groups(struct cli *cli, const struct admin_listing *listing)
{
    struct text json = {.data = NULL};

    if (!has(cli, TYPES_json)) {
        print_table(cli, listing);
        return;
    }
    text_printf(&json, "[");
    for (size_t i = 0; i < listing->count; i++)
        groups_print_listed(&listing->groups[i], &json);
    text_printf(&json, "%s]\n", json.size > 1 ? "\n" : "");
    console_write(&cli->out, json.data, json.size);
    text_fini(&json);
}

/* --- the command ------------------------------------------------------------- */

static bool list(struct cli *cli, struct admin *admin, const struct types_filter *filter)
{
    struct admin_listing listing;
    size_t count = 0;

    if (!admin_groups_list(cli, admin, &listing))
        return false;
    for (size_t i = 0; i < listing.count; i++)
        if (is_meant(filter, &listing.groups[i]))
            listing.groups[count++] = listing.groups[i];
    listing.count = count;
    groups_listing_sort(admin, &listing);
    print_groups(cli, &listing);
    return true;
}

static int fail(struct cli *cli)
{
    const char *why = cli->why.data ? cli->why.data : "";
    const char *file, *sentence;

    if (cli_is_stopping(cli))
        return 1;
    /* A file that is not there is the words' fault. */
    if (!cli->is_kafka || (!options_get(&cli->options, TYPES_command_config, &file, &cli->why) &&
                           file && strcmp(why, file) == 0))
        return cli_failed(cli, why);
    sentence = strstr(why, "Exception: "); /* Behind the class. */
    sentence = sentence ? sentence + strlen("Exception: ") : why;
    console_printf(&cli->out, "Error while executing groups command : %.*s\n",
                   (int)strcspn(sentence, "\n"), sentence);
    cli_log_error(cli, why);
    return 1;
}

int group_types_run(struct cli *cli)
{
    struct types_filter filter;
    struct client_config config;
    struct admin admin;
    bool is_good;

    if (!fits(cli))
        return cli_misused(cli, cli->why.data);
    if (!read_filter(cli, &filter))
        return cli_failed(cli, cli->why.data);
    client_config_init(&config);
    admin_init(&admin);
    is_good = admin_connect(cli, &config, TYPES_bootstrap, TYPES_command_config) &&
              list(cli, &admin, &filter);
    admin_fini(&admin);
    client_config_fini(&config);
    return is_good ? 0 : fail(cli);
}
