/* SPDX-License-Identifier: Apache-2.0 */

/* cli/groups.c - kafka-consumer-groups: which options go together, and whom they are about. */

#include "cli/groups.h"

#include "base/java_order.h"
#include "cli/commands.h"
#include "cli/re2_check.h"
#include "wire/errors.h"

const struct option_row groups_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/groups.def"
};

const int groups_row_count = COUNT_OF(groups_rows);

#define NO_ACTION                                                                                  \
    "WARN: No action will be performed as the --execute option is missing. In version 5.0, this "  \
    "command will require either --dry-run or --execute to be specified. You should add the "      \
    "--dry-run option explicitly if you are scripting this command and want to keep the current "  \
    "default behavior without prompting."

/* --- the options ------------------------------------------------------------- */

const char *groups_value(struct groups *g, enum groups_option option)
{
    const char *value = NULL;

    return options_get(&g->cli->options, (int)option, &value, &g->cli->why) ? NULL : value;
}

bool groups_misused(struct groups *g)
{
    g->is_misused = true;
    return false;
}

/* Options that only some actions know. */
static bool are_available(struct groups *g)
{
    static const struct {
        enum groups_option option, actions[2];
    } rows[] = {
        {GROUPS_members, {GROUPS_describe, GROUPS_describe}},
        {GROUPS_offsets, {GROUPS_describe, GROUPS_describe}},
        {GROUPS_state, {GROUPS_describe, GROUPS_list}},
        {GROUPS_type, {GROUPS_list, GROUPS_list}},
        {GROUPS_verbose, {GROUPS_describe, GROUPS_describe}},
    };
    struct text names = {.data = NULL};
    bool is_good;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (groups_has(g, rows[i].option) && !groups_has(g, rows[i].actions[0]) &&
            !groups_has(g, rows[i].actions[1]))
            text_printf(&names, "%s%s", names.size ? ", " : "", groups_rows[rows[i].option].name);
    is_good = names.size == 0;
    if (!is_good)
        text_printf(&g->cli->why,
                    "Option(s) [%s] are unavailable given other options on the command line",
                    names.data);
    text_fini(&names);
    return is_good;
}

static bool says(struct groups *g, const char *sentence)
{
    text_printf(&g->cli->why, "%s", sentence);
    return false;
}

/* False, with a sentence, if both are there. */
static bool excludes(struct groups *g, enum groups_option option, enum groups_option other)
{
    if (!groups_has(g, option) || !groups_has(g, other))
        return true;
    text_printf(&g->cli->why, "Option \"[%s]\" can't be used with option \"[%s]\"",
                groups_rows[option].name, groups_rows[other].name);
    return false;
}

static bool fits_describe(struct groups *g)
{
    bool has_value = options_nth(&g->cli->options, GROUPS_state, 0) != NULL;

    if (!groups_has(g, GROUPS_group) && !groups_has(g, GROUPS_all_groups))
        return says(g, "Option [describe] takes one of these options: [all-groups], [group]");
    if (groups_has(g, GROUPS_members) + groups_has(g, GROUPS_offsets) +
            groups_has(g, GROUPS_state) >
        1)
        return says(g, "Option [describe] takes at most one of these options: [members], "
                       "[offsets], [state]");
    if (groups_has(g, GROUPS_state) && has_value)
        return says(g, "Option [describe] does not take a value for [state]");
    return true;
}

static bool fits_delete(struct groups *g)
{
    if (!groups_has(g, GROUPS_group) && !groups_has(g, GROUPS_all_groups))
        return says(g, "Option [delete] takes one of these options: [all-groups], [group]");
    if (groups_has(g, GROUPS_topic))
        return says(g, "The consumer does not support topic-specific offset deletion from a "
                       "consumer group.");
    return true;
}

/* What may be reset to, in the order in which Kafka's tool looks. */
static const enum groups_option specifications[] = {
    GROUPS_to_offset, GROUPS_to_datetime, GROUPS_by_duration, GROUPS_to_earliest,
    GROUPS_to_latest, GROUPS_to_current,  GROUPS_shift_by,    GROUPS_from_file,
};

static bool fits_reset(struct groups *g)
{
    if (groups_has(g, GROUPS_dry_run) && groups_has(g, GROUPS_execute))
        return says(g, "Option [reset-offsets] only accepts one of [execute] and [dry-run]");
    if (!groups_has(g, GROUPS_dry_run) && !groups_has(g, GROUPS_execute))
        console_printf(&g->cli->err, NO_ACTION "\n");
    if (!groups_has(g, GROUPS_group) && !groups_has(g, GROUPS_all_groups))
        return says(g, "Option [reset-offsets] takes one of these options: [all-groups], [group]");
    for (size_t i = 0; i < COUNT_OF(specifications); i++)
        for (size_t k = i + 1; k < COUNT_OF(specifications); k++)
            if (!excludes(g, specifications[i], specifications[k]))
                return false;
    return true;
}

static bool fits(struct groups *g)
{
    if (!groups_has(g, GROUPS_bootstrap) && !groups_has(g, GROUPS_validate_regex))
        return says(g, "Missing required argument \"[bootstrap-server]\"");
    if (groups_has(g, GROUPS_describe) && !fits_describe(g))
        return false;
    if (groups_has(g, GROUPS_delete) && !fits_delete(g))
        return false;
    if (groups_has(g, GROUPS_delete_offsets) &&
        !(groups_has(g, GROUPS_group) && groups_has(g, GROUPS_topic)))
        return says(g, "Option [delete-offsets] takes the following options: [group], [topic]");
    if (groups_has(g, GROUPS_reset_offsets) && !fits_reset(g))
        return false;
    return excludes(g, GROUPS_group, GROUPS_all_groups) && excludes(g, GROUPS_group, GROUPS_list) &&
           excludes(g, GROUPS_topic, GROUPS_list) && excludes(g, GROUPS_topic, GROUPS_describe);
}

/* --- which groups ------------------------------------------------------------ */

bool groups_is_consumer(const struct list_groups_listed_group *group)
{
    bool is_typed = group->group_type.size > 0;

    if (is_typed && !slice_is_text(group->group_type, "classic"))
        return slice_is_text(group->group_type, "consumer");
    return group->protocol_type.size == 0 || slice_is_text(group->protocol_type, "consumer");
}

void groups_add_name(struct groups *g, struct group_names *names, size_t *room, struct slice name)
{
    for (size_t i = 0; i < names->count; i++)
        if (slice_equal(names->rows[i], name))
            return;
    names->rows = arena_grow(&g->admin.arena, names->rows, names->count, room, sizeof(name));
    names->rows[names->count++] = name;
}

bool groups_chosen(struct groups *g, struct group_names *out)
{
    struct admin_listing listing;
    const char *name;
    size_t room = 0;

    *out = (struct group_names){.rows = NULL};
    if (!groups_has(g, GROUPS_all_groups)) {
        for (int i = 0; (name = options_nth(&g->cli->options, GROUPS_group, i)); i++)
            groups_add_name(g, out, &room, slice_text(name));
        return true;
    }
    if (!admin_groups_list(g->cli, &g->admin, &listing)) {
        admin_prefix(g->cli, "java.util.concurrent.ExecutionException: ");
        return false;
    }
    for (size_t i = 0; i < listing.count; i++)
        if (groups_is_consumer(&listing.groups[i]))
            groups_add_name(g, out, &room, listing.groups[i].group_id);
    return true;
}

void groups_sort(struct groups *g, struct group_names *names)
{
    size_t *order = arena_new(&g->admin.arena, (names->count + 1) * sizeof(*order));
    struct slice *sorted = arena_new(&g->admin.arena, (names->count + 1) * sizeof(*sorted));

    java_order_sort(names->rows, names->count, 0, order);
    for (size_t i = 0; i < names->count; i++)
        sorted[i] = names->rows[order[i]];
    names->rows = sorted;
}

bool groups_describe_one(struct groups *g, struct slice group, struct admin_group *out)
{
    struct text *why = &g->cli->why;

    g->admin.purpose = "describeConsumerGroups(api=FIND_COORDINATOR)";
    if (!admin_group_describe(g->cli, &g->admin, group, out))
        return false;
    g->admin.purpose = NULL;
    if (out->told->error_code != ERROR_NONE) {
        admin_print_exception(out->told->error_code, out->told->error_message, why);
        return false;
    }
    if (out->told->protocol_type.size == 0 || slice_is_text(out->told->protocol_type, "consumer"))
        return true;
    text_printf(why,
                "java.lang.IllegalArgumentException: GroupId %.*s is not a consumer group "
                "(%.*s).",
                SLICE_ARG(group), SLICE_ARG(out->told->protocol_type));
    return false;
}

/* --- topics ------------------------------------------------------------------ */

const struct metadata_response_topic *groups_find_topic(const struct metadata_response *metadata,
                                                        struct slice name)
{
    for (int32_t i = 0; i < metadata->topics_count; i++)
        if (slice_equal(metadata->topics[i].name, name))
            return &metadata->topics[i];
    return NULL;
}

int16_t groups_topic_error(const struct metadata_response *metadata, struct slice name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const struct metadata_response_topic *topic = groups_find_topic(metadata, name);

    if (topic)
        return topic->error_code;
    for (size_t i = 0; i < name.size; i++)
        if (!strchr(allowed, name.data[i]))
            return ERROR_INVALID_TOPIC_EXCEPTION;
    return name.size > 0 ? ERROR_UNKNOWN_TOPIC_OR_PARTITION : ERROR_INVALID_TOPIC_EXCEPTION;
}

/* --- the command ------------------------------------------------------------- */

static const struct {
    enum groups_option option;
    bool (*run)(struct groups *g);
} actions[] = {
    {GROUPS_list, groups_list},
    {GROUPS_describe, groups_describe},
    {GROUPS_delete, groups_delete},
    {GROUPS_reset_offsets, groups_reset},
    {GROUPS_delete_offsets, groups_delete_offsets},
};

void groups_failed(struct groups *g, const char *sentence)
{
    g->has_failed = true;
    console_printf(&g->cli->out, "\nError: %s\n", sentence);
}

static bool connect(struct groups *g, struct client_config *config)
{
    struct cli *cli = g->cli;
    const char *file = groups_value(g, GROUPS_command_config);
    int64_t timeout_ms = 0;

    if (cli->why.size > 0 || options_number(&cli->options, GROUPS_timeout, &timeout_ms, &cli->why))
        return false;
    if (!admin_connect(cli, config, GROUPS_bootstrap, GROUPS_command_config)) {
        if (file && slice_is_text(text_slice(&cli->why), file))
            admin_prefix(cli, "java.nio.file.NoSuchFileException: ");
        return false;
    }
    cli->cluster.settings.call_timeout_ms = timeout_ms;
    return true;
}

static bool act(struct groups *g)
{
    bool is_good = false;

    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (groups_has(g, actions[i].option))
            is_good = actions[i].run(g);
    return is_good;
}

/* Kafka's tool ends with 0 whatever went wrong; by our own name that is a failure. */
static int fail(struct groups *g)
{
    struct cli *cli = g->cli;
    const char *why = cli->why.data ? cli->why.data : "";

    if (cli_is_stopping(cli))
        return 1;
    if (g->is_misused)
        return cli_misused(cli, why);
    if (!cli->is_kafka)
        return cli_failed(cli, why);
    console_printf(&cli->out, "\nError: Executing consumer group command failed due to %.*s\n",
                   (int)strcspn(why, "\n"), why);
    cli_failed(cli, why);
    return 0;
}

static int validate(struct groups *g)
{
    const char *regex = groups_value(g, GROUPS_validate_regex);
    const char *mistake;

    if (!regex)
        return fail(g);
    mistake = re2_check(slice_text(regex));
    if (mistake)
        console_printf(&g->cli->out, "The regular expression `%s` is invalid: %s.\n", regex,
                       mistake);
    else
        console_printf(&g->cli->out, "The regular expression `%s` is valid.\n", regex);
    return mistake && !g->cli->is_kafka;
}

static int run(struct groups *g)
{
    struct client_config config;
    bool is_good;

    client_config_init(&config);
    admin_init(&g->admin);
    is_good = connect(g, &config) && act(g);
    admin_fini(&g->admin);
    client_config_fini(&config);
    if (!is_good)
        return fail(g);
    return g->has_failed && !g->cli->is_kafka;
}

/* By our own names the first word is a group; one that is passed over would be missed. */
static const char *stray_word(const struct cli *cli)
{
    const char *const *words = cli->options.words;

    if (cli->is_kafka || !words[0])
        return NULL;
    return options_nth(&cli->options, GROUPS_group, 0) == words[0] ? words[1] : words[0];
}

int groups_run(struct cli *cli)
{
    struct groups groups = {.cli = cli};
    int count = groups_has(&groups, GROUPS_validate_regex);

    for (size_t i = 0; i < COUNT_OF(actions); i++)
        count += groups_has(&groups, actions[i].option);
    if (stray_word(cli)) {
        text_printf(&cli->why, "'%s' is no option: more groups are named by --group",
                    stray_word(cli));
        return cli_misused(cli, cli->why.data);
    }
    if (!are_available(&groups))
        return cli_failed(cli, cli->why.data);
    if (!fits(&groups))
        return cli_misused(cli, cli->why.data);
    if (count != 1)
        return cli_misused(cli, "Command must include exactly one action: --list, --describe, "
                                "--delete, --reset-offsets, --delete-offsets, --validate-regex");
    return groups_has(&groups, GROUPS_validate_regex) ? validate(&groups) : run(&groups);
}
