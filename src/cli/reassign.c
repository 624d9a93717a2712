/* SPDX-License-Identifier: Apache-2.0 */

/* cli/reassign.c - kafka-reassign-partitions: options, --list and --generate. */

#include "cli/reassign.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "wire/msg/list_partition_reassignments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row reassign_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, actions, about_)                                 \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/reassign.def"
};

const int reassign_row_count = COUNT_OF(reassign_rows);

/* For which actions an option is. */
static const char *const actions_of[] = {
#define OPTION(id, name, KIND, shows, initial, actions, about) actions,
#include "cli/reassign.def"
};

/* --- list -------------------------------------------------------------------- */

static void print_ids(const int32_t *ids, int32_t count, const char *between, struct text *out)
{
    for (int32_t i = 0; i < count; i++)
        text_printf(out, "%s%d", i ? between : "", ids[i]);
}

static void
print_json_move(struct slice topic,
                const struct list_partition_reassignments_ongoing_partition_reassignment *move,
                struct text *out)
{
    text_printf(out, "%s\n  {\"topic\": ", out->size > 1 ? "," : "");
    json_print_string(topic, out);
    text_printf(out, ", \"partition\": %d, \"replicas\": [", move->partition_index);
    print_ids(move->replicas, move->replicas_count, ", ", out);
    text_printf(out, "], \"adding\": [");
    print_ids(move->adding_replicas, move->adding_replicas_count, ", ", out);
    text_printf(out, "], \"removing\": [");
    print_ids(move->removing_replicas, move->removing_replicas_count, ", ", out);
    text_printf(out, "]}");
}

static void
print_move(struct slice topic,
           const struct list_partition_reassignments_ongoing_partition_reassignment *move,
           struct text *out)
{
    text_printf(out, "%.*s-%d: replicas: ", SLICE_ARG(topic), move->partition_index);
    print_ids(move->replicas, move->replicas_count, ",", out);
    text_printf(out, ".");
    if (move->adding_replicas_count > 0) {
        text_printf(out, " adding: ");
        print_ids(move->adding_replicas, move->adding_replicas_count, ",", out);
        text_printf(out, ".");
    }
    if (move->removing_replicas_count > 0) {
        text_printf(out, " removing: ");
        print_ids(move->removing_replicas, move->removing_replicas_count, ",", out);
        text_printf(out, ".");
    }
    text_printf(out, "\n");
}

static int by_name(const void *a, const void *b)
{
    const struct list_partition_reassignments_ongoing_topic_reassignment *x = a;
    const struct list_partition_reassignments_ongoing_topic_reassignment *y = b;

    return admin_by_name(&x->name, &y->name);
}

static int by_index(const void *a, const void *b)
{
    const struct list_partition_reassignments_ongoing_partition_reassignment *x = a;
    const struct list_partition_reassignments_ongoing_partition_reassignment *y = b;

    return (x->partition_index > y->partition_index) - (x->partition_index < y->partition_index);
}

static bool list(struct reassign *r)
{
    bool is_json = reassign_has(r, REASSIGN_json);
    const struct list_partition_reassignments_response *moves;
    struct text out = {.data = NULL};

    if (!reassign_list(r, NULL, &moves))
        return false;
    if (is_json)
        text_printf(&out, "[");
    if (moves->topics_count > 0)
        qsort(moves->topics, (size_t)moves->topics_count, sizeof(*moves->topics), by_name);
    for (int32_t t = 0; t < moves->topics_count; t++) {
        const struct list_partition_reassignments_ongoing_topic_reassignment *topic =
            &moves->topics[t];

        if (topic->partitions_count > 0)
            qsort(topic->partitions, (size_t)topic->partitions_count, sizeof(*topic->partitions),
                  by_index);
        for (int32_t i = 0; i < topic->partitions_count; i++)
            if (is_json)
                print_json_move(topic->name, &topic->partitions[i], &out);
            else
                print_move(topic->name, &topic->partitions[i], &out);
    }
    if (is_json)
        text_printf(&out, "%s]\n", out.size > 1 ? "\n" : "");
    else
        console_printf(&r->cli->out, out.size ? "Current partition reassignments:\n"
                                              : "No partition reassignments found.\n");
    console_write(&r->cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

/* --- generate ---------------------------------------------------------------- */

struct brokers {
    int32_t *ids; /* Arena. */
    size_t count;
};

static bool contains(const struct brokers *brokers, int32_t id)
{
    for (size_t i = 0; i < brokers->count; i++)
        if (brokers->ids[i] == id)
            return true;
    return false;
}

/* Numbers with commas between them; an empty one is a mistake unless nothing follows. */
static bool read_brokers(struct reassign *r, struct brokers *out)
{
    struct text *why = &r->cli->why;
    const char *list;

    if (options_get(&r->cli->options, REASSIGN_brokers, &list, why))
        return false;
    out->count = 0;
    out->ids = arena_new(&r->admin.arena, (strlen(list) + 1) * sizeof(*out->ids));
    while (list[strspn(list, ",")]) {
        size_t size = strcspn(list, ",");
        char *end;
        long id;

        errno = 0;
        id = strtol(list, &end, 10);
        if (size == 0 || end != list + size || errno || id < INT32_MIN || id > INT32_MAX) {
            text_printf(why, "For input string: \"%.*s\"", (int)size, list);
            return false;
        }
        if (contains(out, (int32_t)id))
            text_printf(why, "%s%ld", why->size ? "," : "Broker list contains duplicate entries: [",
                        id);
        out->ids[out->count++] = (int32_t)id;
        list += size + (list[size] == ',');
    }
    if (why->size > 0)
        text_printf(why, "]");
    return why->size == 0;
}

static bool check_topics(struct reassign *r, const struct reassign_topics *topics)
{
    struct text *why = &r->cli->why;

    for (size_t i = 0; i < topics->count; i++)
        for (size_t k = 0; k < i; k++)
            if (slice_equal(topics->items[i], topics->items[k])) {
                text_printf(why, "%s%.*s",
                            why->size ? ","
                                      : "List of topics to reassign contains duplicate entries: [",
                            SLICE_ARG(topics->items[i]));
                break;
            }
    if (why->size > 0)
        text_printf(why, "]");
    return why->size == 0;
}

/* Those of the list that the cluster has. */
static bool find_brokers(struct reassign *r, const struct brokers *wanted, struct brokers *out)
{
    const struct metadata_response *m = r->metadata;
    size_t racks = 0;

    out->count = 0;
    out->ids = arena_new(&r->admin.arena, ((size_t)m->brokers_count + 1) * sizeof(*out->ids));
    for (int32_t i = 0; i < m->brokers_count; i++) {
        if (!contains(wanted, m->brokers[i].node_id))
            continue;
        racks += !slice_is_null(m->brokers[i].rack);
        out->ids[out->count++] = m->brokers[i].node_id;
    }
    if (racks == 0 || racks == out->count || reassign_has(r, REASSIGN_rack_unaware))
        return true;
    text_printf(&r->cli->why, "Not all brokers have rack information. Add --disable-rack-aware in "
                              "command line to make replica assignment without rack information.");
    return false;
}

/* The replicas of a topic's partitions go around the brokers. */
static bool propose(struct reassign *r, const struct metadata_response_topic *topic,
                    const struct brokers *brokers, struct reassign_parts *out)
{
    size_t factor = topic->partitions_count > 0
                        ? (size_t)max_of(topic->partitions[0].replica_nodes_count, 0)
                        : 0;

    if (brokers->count == 0)
        text_printf(&r->cli->why, "All brokers are currently fenced, or have all their log "
                                  "directories cordoned.");
    else if (factor > brokers->count)
        text_printf(&r->cli->why,
                    "The target replication factor of %zu cannot be reached because only %zu "
                    "broker(s) are registered or some brokers have all their log directories "
                    "cordoned.",
                    factor, brokers->count);
    for (int32_t i = 0; i < topic->partitions_count && r->cli->why.size == 0; i++) {
        struct reassign_part *part = &out->items[out->count++];

        *part = (struct reassign_part){
            .topic = topic->name,
            .partition = topic->partitions[i].partition_index,
            .replicas = arena_new(&r->admin.arena, (factor + 1) * sizeof(*part->replicas)),
            .dirs = arena_new(&r->admin.arena, (factor + 1) * sizeof(*part->dirs)),
            .replica_count = factor,
        };
        for (size_t k = 0; k < factor; k++) {
            part->replicas[k] = brokers->ids[((size_t)i + k) % brokers->count];
            part->dirs[k] = slice_text("any");
        }
    }
    return r->cli->why.size == 0;
}

static bool take_current(struct reassign *r, const struct metadata_response_topic *topic,
                         struct reassign_parts *out)
{
    for (int32_t i = 0; i < topic->partitions_count; i++)
        if (!reassign_current(r, topic->name, &topic->partitions[i], &out->items[out->count++]))
            return false;
    return true;
}

static void print_proposal(struct reassign *r, struct reassign_parts *now,
                           struct reassign_parts *then)
{
    struct text out = {.data = NULL};

    text_printf(&out, "Current partition replica assignment\n");
    reassign_print_parts(now, &out);
    text_printf(&out, "\n\nProposed partition reassignment configuration\n");
    reassign_print_parts(then, &out);
    text_printf(&out, "\n");
    console_write(&r->cli->out, out.data, out.size);
    text_fini(&out);
}

static bool generate(struct reassign *r)
{
    struct reassign_parts now = {.items = NULL}, then = {.items = NULL};
    struct reassign_topics topics;
    struct brokers wanted, brokers;
    size_t count = 1;

    if (!reassign_read_topics(r, &topics) || !read_brokers(r, &wanted) ||
        !check_topics(r, &topics) || !reassign_ask_metadata(r))
        return false;
    for (int32_t i = 0; i < r->metadata->topics_count; i++)
        count += (size_t)r->metadata->topics[i].partitions_count;
    now.items = arena_new(&r->admin.arena, count * sizeof(*now.items));
    then.items = arena_new(&r->admin.arena, count * sizeof(*then.items));
    for (size_t i = 0; i < topics.count; i++) {
        const struct metadata_response_topic *topic = reassign_find_topic(r, topics.items[i]);

        if (!topic) {
            text_printf(&r->cli->why, "Topic %.*s not found.", SLICE_ARG(topics.items[i]));
            return false;
        }
        if (!take_current(r, topic, &now))
            return false;
    }
    if (!find_brokers(r, &wanted, &brokers))
        return false;
    for (size_t i = 0; i < topics.count; i++)
        if (!propose(r, reassign_find_topic(r, topics.items[i]), &brokers, &then))
            return false;
    print_proposal(r, &now, &then);
    return true;
}

/* --- options ----------------------------------------------------------------- */

static const struct action {
    char letter;
    int row;
    int needs[2]; /* -1: none. */
    bool (*run)(struct reassign *r);
} actions[] = {
    {'g', REASSIGN_generate, {REASSIGN_topics, REASSIGN_brokers}, generate},
    {'e', REASSIGN_execute, {REASSIGN_file, -1}, reassign_execute},
    {'v', REASSIGN_verify, {REASSIGN_file, -1}, reassign_verify},
    {'c', REASSIGN_cancel, {REASSIGN_file, -1}, reassign_cancel},
    {'l', REASSIGN_list, {-1, -1}, list},
};

static const struct action *find_action(struct cli *cli)
{
    const struct action *found = NULL;
    int count = 0;

    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (options_has(&cli->options, actions[i].row)) {
            found = &actions[i];
            count++;
        }
    if (count == 1)
        return found;
    text_printf(&cli->why, "Command must include exactly one action: ");
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        text_printf(&cli->why, "%s--%s", i ? ", " : "", reassign_rows[actions[i].row].name);
    return NULL;
}

static bool check_bootstrap(struct cli *cli)
{
    bool has_brokers = options_has(&cli->options, REASSIGN_bootstrap);
    bool has_controllers = options_has(&cli->options, REASSIGN_controller);

    if (has_brokers && has_controllers)
        text_printf(&cli->why,
                    "Please don't specify both --bootstrap-server and --bootstrap-controller");
    else if (!has_brokers && !has_controllers)
        text_printf(&cli->why,
                    "Please specify either --bootstrap-server or --bootstrap-controller");
    return has_brokers != has_controllers;
}

static bool check_options(struct cli *cli, const struct action *action)
{
    struct text *why = &cli->why;

    for (size_t i = 0; i < COUNT_OF(action->needs) && why->size == 0; i++)
        if (action->needs[i] >= 0 && !options_has(&cli->options, action->needs[i]))
            text_printf(why, "Missing required argument \"[%s]\"",
                        reassign_rows[action->needs[i]].name);
    for (int i = 0; i < cli->options.use_count && why->size == 0; i++) {
        int row = cli->options.uses[i].row;

        if (!strchr(actions_of[row], action->letter))
            text_printf(why, "Option \"[%s]\" can't be used with action \"[%s]\"",
                        reassign_rows[row].name, reassign_rows[action->row].name);
    }
    return why->size == 0;
}

/* --- the command ------------------------------------------------------------- */

static bool connect_to(struct reassign *r, struct client_config *config)
{
    static const struct admin_rows rows = {
        .bootstrap = REASSIGN_bootstrap,
        .controller = REASSIGN_controller,
        .command_config = REASSIGN_command_config,
    };
    const struct describe_cluster_response *cluster;

    return admin_connect_either(r->cli, config, &rows) &&
           (!reassign_has(r, REASSIGN_controller) ||
            nodes_describe(r->cli, &r->admin, NODES_CONTROLLERS, &cluster));
}

/* Kafka's tool says on standard output what went wrong. */
static int show_failure(const struct reassign *r)
{
    struct cli *cli = r->cli;

    if (!cli->is_kafka)
        return cli_failed(cli, cli->why.data);
    console_printf(&cli->out, "%s%s\n", r->is_terse ? "" : "Error: ", cli->why.data);
    return 1;
}

int reassign_run(struct cli *cli)
{
    struct reassign reassign = {.cli = cli};
    const struct action *action = find_action(cli);
    struct client_config config;
    bool is_good;

    if (!action || !check_bootstrap(cli) || !check_options(cli, action))
        return cli_misused(cli, cli->why.data);
    admin_init(&reassign.admin);
    client_config_init(&config);
    is_good = connect_to(&reassign, &config) && action->run(&reassign);
    client_config_fini(&config);
    admin_fini(&reassign.admin);
    text_fini(&reassign.file);
    return is_good ? 0 : show_failure(&reassign);
}
