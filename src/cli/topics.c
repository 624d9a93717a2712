/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics.c - kafka-topics: which options go together; create, list, delete. */

#include "cli/topics.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "wire/errors.h"

#include <stdlib.h>
#include <string.h>

/* With which actions an option may stand. */
enum {
    ALTER = 1 << 0,
    CREATE = 1 << 1,
    DELETE = 1 << 2,
    DESCRIBE = 1 << 3,
    LIST = 1 << 4,
    ANY = ALTER | CREATE | DELETE | DESCRIBE | LIST,
    ACTION_COUNT = 5,
};

const struct option_row topics_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, actions, about_)                                 \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/topics.def"
};

const int topics_row_count = COUNT_OF(topics_rows);

static const int allowed[] = {
#define OPTION(id, name, KIND, shows, initial, actions, about) (actions),
#include "cli/topics.def"
};

static const enum topics_option action_options[ACTION_COUNT] = {
    TOPICS_alter, TOPICS_create, TOPICS_delete, TOPICS_describe, TOPICS_list,
};

/* --- which options go together ----------------------------------------------- */

/* The action that was asked for, as an index, or -1 if there is not exactly one. */
static int find_action(const struct options *options)
{
    int found = -1;

    for (int i = 0; i < ACTION_COUNT; i++) {
        if (!options_has(options, (int)action_options[i]))
            continue;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

static bool require(struct cli *cli, enum topics_option option)
{
    if (options_has(&cli->options, (int)option))
        return true;
    text_printf(&cli->why, "Missing required argument \"[%s]\"", topics_rows[option].name);
    return false;
}

static bool exclude(struct cli *cli, enum topics_option option, enum topics_option other)
{
    if (!options_has(&cli->options, (int)option) || !options_has(&cli->options, (int)other))
        return true;
    text_printf(&cli->why, "Option \"[%s]\" can't be used with option \"[%s]\"",
                topics_rows[option].name, topics_rows[other].name);
    return false;
}

static bool fits(struct cli *cli, int action)
{
    const struct options *options = &cli->options;

    for (int i = 0; i < TOPICS_OPTION_COUNT; i++)
        if (!(allowed[i] & 1 << action) &&
            !exclude(cli, (enum topics_option)i, action_options[action]))
            return false;
    if (!options_has(options, TOPICS_create))
        return exclude(cli, TOPICS_under_replicated, TOPICS_with_overrides) &&
               exclude(cli, TOPICS_under_min_isr, TOPICS_with_overrides) &&
               exclude(cli, TOPICS_at_min_isr, TOPICS_with_overrides) &&
               exclude(cli, TOPICS_unavailable, TOPICS_with_overrides);
    return exclude(cli, TOPICS_assignment, TOPICS_partitions) &&
           exclude(cli, TOPICS_assignment, TOPICS_replication);
}

/* What an action cannot do without. */
static bool is_complete(struct cli *cli, int action)
{
    int flag = 1 << action;

    if (flag & (CREATE | DELETE | ALTER) && !require(cli, TOPICS_topic))
        return false;
    if (flag & DESCRIBE && options_has(&cli->options, TOPICS_if_exists) &&
        !options_has(&cli->options, TOPICS_topic) && !options_has(&cli->options, TOPICS_topic_id)) {
        text_printf(&cli->why, "--topic or --topic-id is required to describe a topic");
        return false;
    }
    if (!(flag & ALTER))
        return true;
    if (options_has(&cli->options, TOPICS_config)) {
        text_printf(&cli->why,
                    "Option combination \"[[bootstrap-server], [config]]\" can't be used with "
                    "option \"[alter]\" (To alter topic configurations, the kafka-configs tool "
                    "can be used.)");
        return false;
    }
    return require(cli, TOPICS_partitions);
}

/* --- create ------------------------------------------------------------------ */

/* Kafka's names of metrics cannot tell these characters apart. */
static void warn_of_collision(struct cli *cli, const char *name)
{
    if (strpbrk(name, "._"))
        console_printf(&cli->out,
                       "WARNING: Due to limitations in metric names, topics with a period ('.') or "
                       "underscore ('_') could collide. To avoid issues it is best to use either, "
                       "but not both.\n");
}

static char *trimmed(struct arena *arena, const char *from, size_t size)
{
    while (size > 0 && (*from == ' ' || *from == '\t')) {
        from++;
        size--;
    }
    while (size > 0 && (from[size - 1] == ' ' || from[size - 1] == '\t'))
        size--;
    return arena_text(arena, from, size);
}

/* Each --config is key=value, with blanks around the sign and no second one. */
static bool parse_configs(struct cli *cli, struct arena *arena,
                          struct create_topics_creatable_topic *topic)
{
    const char *word;

    topic->configs = arena_new(arena, (size_t)cli->options.use_count * sizeof(*topic->configs));
    while ((word = options_nth(&cli->options, TOPICS_config, topic->configs_count))) {
        struct create_topics_creatable_topic_config *config =
            &topic->configs[topic->configs_count++];
        const char *equals = strchr(word, '=');

        if (!equals || !equals[1] || strchr(equals + 1, '=')) {
            text_printf(&cli->why, "requirement failed: Invalid topic config: all configs to be "
                                   "added must be in the format \"key=val\".");
            return false;
        }
        config->name = slice_text(trimmed(arena, word, (size_t)(equals - word)));
        config->value = slice_text(trimmed(arena, equals + 1, strlen(equals + 1)));
    }
    return true;
}

/* "id:id:id" up to `size`. */
static bool parse_replicas(struct cli *cli, struct arena *arena, const char *from, size_t size,
                           struct create_topics_creatable_replica_assignment *out)
{
    const char *end = from + size;

    out->broker_ids = arena_new(arena, (size + 1) * sizeof(int32_t));
    do {
        size_t digits = strcspn(from, ":,");
        char *stop;
        long id = strtol(from, &stop, 10);

        if (digits == 0 || stop != from + digits || id < INT32_MIN || id > INT32_MAX) {
            text_printf(&cli->why, "For input string: \"%.*s\"", (int)digits, from);
            return false;
        }
        for (int32_t i = 0; i < out->broker_ids_count; i++)
            if (out->broker_ids[i] == (int32_t)id) {
                text_printf(&cli->why,
                            "Partition replica lists may not contain duplicate entries: %ld", id);
                return false;
            }
        out->broker_ids[out->broker_ids_count++] = (int32_t)id;
        from += digits + 1;
    } while (from < end);
    return true;
}

static void say_different(struct cli *cli,
                          const struct create_topics_creatable_replica_assignment *assignment)
{
    text_printf(&cli->why, "Partition %d has different replication factor: [",
                assignment->partition_index);
    for (int32_t i = 0; i < assignment->broker_ids_count; i++)
        text_printf(&cli->why, "%s%d", i ? ", " : "", assignment->broker_ids[i]);
    text_printf(&cli->why, "]");
}

bool topics_parse_assignment(struct cli *cli, struct arena *arena,
                             struct create_topics_creatable_topic *topic)
{
    const char *list;

    if (options_get(&cli->options, TOPICS_assignment, &list, &cli->why))
        return false;
    if (!list)
        return true;
    topic->assignments = arena_new(arena, (strlen(list) + 1) * sizeof(*topic->assignments));
    do {
        struct create_topics_creatable_replica_assignment *one =
            &topic->assignments[topic->assignments_count];
        size_t size = strcspn(list, ",");

        one->partition_index = topic->assignments_count++;
        if (!parse_replicas(cli, arena, list, size, one))
            return false;
        if (one->broker_ids_count != topic->assignments[0].broker_ids_count) {
            say_different(cli, one);
            return false;
        }
        list += size + (list[size] == ',');
    } while (*list);
    return true;
}

static bool parse_counts(struct cli *cli, struct create_topics_creatable_topic *topic)
{
    int64_t partitions = -1;
    int64_t replicas = -1;

    if (options_number(&cli->options, TOPICS_partitions, &partitions, &cli->why) ||
        options_number(&cli->options, TOPICS_replication, &replicas, &cli->why))
        return false;
    if (options_has(&cli->options, TOPICS_replication) && (replicas < 1 || replicas > INT16_MAX)) {
        text_printf(&cli->why, "The replication factor must be between 1 and 32767 inclusive");
        return false;
    }
    if (options_has(&cli->options, TOPICS_partitions) && partitions < 1) {
        text_printf(&cli->why, "The partitions must be greater than 0");
        return false;
    }
    topic->num_partitions = (int32_t)partitions;
    topic->replication_factor = (int16_t)replicas;
    return true;
}

static int16_t create_verdict(const struct call *call)
{
    const struct create_topics_response *response = call->response;

    return response->topics_count > 0 ? response->topics[0].error_code : 0;
}

static const struct call_events create_events = {.done = admin_done, .verdict = create_verdict};

static bool create(struct cli *cli, struct admin *admin)
{
    struct create_topics_request request = create_topics_request_defaults;
    struct create_topics_creatable_topic topic = create_topics_creatable_topic_defaults;
    struct call_order order = {
        .api = wire_api_find(API_CREATE_TOPICS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    const struct create_topics_response *response;
    const char *name;
    struct call *call;
    int16_t error;

    if (options_get(&cli->options, TOPICS_topic, &name, &cli->why) || !parse_counts(cli, &topic) ||
        !topics_parse_assignment(cli, &admin->arena, &topic) ||
        !parse_configs(cli, &admin->arena, &topic))
        return false;
    topic.name = slice_text(name);
    request.topics = &topic;
    request.topics_count = 1;
    request.timeout_ms = (int32_t)cli->cluster.settings.request_timeout_ms;
    warn_of_collision(cli, name);
    if (!admin_call(cli, admin, &create_events, order, &call))
        return false;
    response = call->response;
    error = create_verdict(call);
    if (error == ERROR_TOPIC_ALREADY_EXISTS && options_has(&cli->options, TOPICS_if_not_exists))
        return true;
    if (error != ERROR_NONE) {
        admin_explain(cli, error, response->topics[0].error_message);
        return false;
    }
    console_printf(&cli->out, "Created topic %s.\n", name);
    return true;
}

/* --- list and delete --------------------------------------------------------- */

static void print_json(struct cli *cli, const struct slice *names, size_t count)
{
    struct text json = {.data = NULL};

    text_printf(&json, "[");
    for (size_t i = 0; i < count; i++) {
        text_printf(&json, "%s\n  {\"topic\": ", i ? "," : "");
        json_print_string(names[i], &json);
        text_printf(&json, "}");
    }
    text_printf(&json, "%s]\n", count ? "\n" : "");
    console_write(&cli->out, json.data, json.size);
    text_fini(&json);
}

static bool list(struct cli *cli, struct admin *admin)
{
    struct slice *names;
    size_t count;

    if (!topics_matching(cli, admin, &names, &count))
        return false;
    if (options_has(&cli->options, TOPICS_json)) {
        print_json(cli, names, count);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        console_write(&cli->out, names[i].data, names[i].size);
        if (i + 1 < count)
            console_write(&cli->out, "\n", 1);
    }
    console_write(&cli->out, "\n", 1); /* No topic: an empty line, as Kafka prints it. */
    return true;
}

static int16_t delete_verdict(const struct call *call)
{
    const struct delete_topics_response *response = call->response;

    for (int32_t i = 0; i < response->responses_count; i++)
        if (response->responses[i].error_code != ERROR_NONE)
            return response->responses[i].error_code;
    return ERROR_NONE;
}

/* Up to version 5 topics are named by a list of names, then by structs. */
static void delete_adapt(struct call *call, int16_t version)
{
    struct delete_topics_request *request =
        (struct delete_topics_request *)(uintptr_t)call->order.request;

    request->topics_count = version >= 6 ? request->topic_names_count : 0;
}

static const struct call_events delete_events = {
    .done = admin_done,
    .verdict = delete_verdict,
    .adapt = delete_adapt,
};

static bool delete_topics(struct cli *cli, struct admin *admin)
{
    struct delete_topics_request request = delete_topics_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DELETE_TOPICS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    const struct delete_topics_response *response;
    struct call *call;
    size_t count;

    if (!topics_matching(cli, admin, &request.topic_names, &count))
        return false;
    if (count == 0)
        return topics_missing(cli);
    request.topic_names_count = (int32_t)count;
    request.topics = arena_new(&admin->arena, count * sizeof(*request.topics));
    for (size_t i = 0; i < count; i++) {
        request.topics[i] = delete_topics_delete_topic_state_defaults;
        request.topics[i].name = request.topic_names[i];
    }
    request.timeout_ms = (int32_t)cli->cluster.settings.request_timeout_ms;
    if (!admin_call(cli, admin, &delete_events, order, &call))
        return false;
    response = call->response;
    for (int32_t i = 0; i < response->responses_count; i++)
        if (response->responses[i].error_code != ERROR_NONE) {
            admin_explain(cli, response->responses[i].error_code,
                          response->responses[i].error_message);
            return false;
        }
    return true;
}

/* --- the command ------------------------------------------------------------- */

bool topics_missing(struct cli *cli)
{
    const char *asked;

    if (options_get(&cli->options, TOPICS_topic, &asked, &cli->why))
        return false;
    if (!asked || options_has(&cli->options, TOPICS_if_exists))
        return true;
    text_printf(&cli->why, "Topic '%s' does not exist as expected", asked);
    return false;
}

static const char *why_of(const struct cli *cli)
{
    return cli->why.data ? cli->why.data : "";
}

/* In the order of the actions' bits. */
static bool (*const handlers[ACTION_COUNT])(struct cli *cli, struct admin *admin) = {
    topics_alter, create, delete_topics, topics_describe, list,
};

static int run(struct cli *cli, int action)
{
    struct admin admin;
    struct client_config config;
    bool is_good;

    client_config_init(&config);
    admin_init(&admin);
    is_good = admin_connect(cli, &config, TOPICS_bootstrap, TOPICS_command_config);
    if (!is_good) {
        cli_failed(cli, why_of(cli));
    } else {
        is_good = handlers[action](cli, &admin);
        if (!is_good && !cli_is_stopping(cli)) {
            console_printf(&cli->out, "Error while executing topic command : %s\n", why_of(cli));
            cli_log_error(cli, why_of(cli));
        }
        admin_fini(&admin);
    }
    client_config_fini(&config);
    return is_good ? 0 : 1;
}

int topics_run(struct cli *cli)
{
    int action = find_action(&cli->options);

    if (action < 0)
        return cli_misused(cli, "Command must include exactly one action: --list, --describe, "
                                "--create, --alter or --delete");
    if (!options_has(&cli->options, TOPICS_bootstrap))
        return cli_failed(cli, "--bootstrap-server must be specified");
    if (!is_complete(cli, action) || !fits(cli, action))
        return cli_misused(cli, cli->why.data);
    if (options_has(&cli->options, TOPICS_delete_config))
        cli_failed(cli, "delete-config option is no longer supported and deprecated since version "
                        "4.0. The config will be fully removed in future releases.");
    return run(cli, action);
}
