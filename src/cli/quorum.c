/* SPDX-License-Identifier: Apache-2.0 */

/* cli/quorum.c - kafka-metadata-quorum: who keeps the metadata log, and how far they are. */

#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "os/io.h"
#include "wire/errors.h"
#include "wire/msg/describe_quorum.h"
#include "wire/msg/remove_raft_voter.h"

#include <ctype.h>
#include <string.h>

enum quorum_option {
#define OPTION(id, name, brief, KIND, under, NEED, about) QUORUM_##id,
#include "cli/quorum.def"
};

const struct option_row quorum_rows[] = {
#define OPTION(id, name, brief, KIND, under, NEED, about)                                          \
    SUBCOMMAND_OPTION(name, brief, KIND, under, NEED, about),
#include "cli/quorum.def"
};

const int quorum_row_count = COUNT_OF(quorum_rows);

enum { COLUMNS = 7, UUID_SIZE = 16, UUID_WORD_MAX = 24 };

struct quorum {
    struct cli *cli;
    struct admin admin;
    struct slice cluster_id;
    const struct describe_quorum_response *response;
    const struct describe_quorum_response_partition_data *log;
    const struct describe_quorum_replica_state *leader;
};

static bool has(const struct cli *cli, enum quorum_option option)
{
    return options_has(&cli->options, (int)option);
}

/* --- asking ------------------------------------------------------------------ */

static int16_t verdict(const struct call *call)
{
    const struct describe_quorum_response *response = call->response;

    if (response->error_code != ERROR_NONE || response->topics_count == 0 ||
        response->topics[0].partitions_count == 0)
        return response->error_code;
    return response->topics[0].partitions[0].error_code;
}

static const struct call_events quorum_events = {.done = admin_done, .verdict = verdict};

static bool take_answer(struct quorum *q, const struct describe_quorum_response *response)
{
    struct cli *cli = q->cli;

    q->response = response;
    if (response->error_code != ERROR_NONE) {
        admin_explain(cli, response->error_code, response->error_message);
        return false;
    }
    if (response->topics_count != 1 || response->topics[0].partitions_count != 1) {
        text_printf(&cli->why, "DescribeQuorum received %d topics when 1 was expected",
                    response->topics_count);
        return false;
    }
    q->log = &response->topics[0].partitions[0];
    if (q->log->error_code != ERROR_NONE) {
        admin_explain(cli, q->log->error_code, q->log->error_message);
        return false;
    }
    for (int32_t i = 0; i < q->log->current_voters_count; i++)
        if (q->log->current_voters[i].replica_id == q->log->leader_id)
            q->leader = &q->log->current_voters[i];
    if (!q->leader)
        text_printf(&cli->why, "The leader %d is no voter", q->log->leader_id);
    return q->leader != NULL;
}

static bool ask(struct quorum *q)
{
    struct describe_quorum_request request = describe_quorum_request_defaults;
    struct describe_quorum_request_partition_data partition = {.partition_index = 0};
    struct describe_quorum_request_topic_data topic = {
        .topic_name = slice_text("__cluster_metadata"),
        .partitions = &partition,
        .partitions_count = 1,
    };
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_QUORUM),
        .request = &request,
        .target = CALL_ANY,
    };
    struct call *call;

    request.topics = &topic;
    request.topics_count = 1;
    return admin_call(q->cli, &q->admin, &quorum_events, order, &call) &&
           take_answer(q, call->response);
}

static bool ask_cluster(struct quorum *q)
{
    enum nodes_kind kind = has(q->cli, QUORUM_controller) ? NODES_CONTROLLERS : NODES_BROKERS;
    const struct describe_cluster_response *cluster;

    if (!nodes_describe(q->cli, &q->admin, kind, &cluster))
        return false;
    q->cluster_id = cluster->cluster_id;
    return true;
}

/* --- describe --status ------------------------------------------------------- */

/* The voter that has the least of the log. */
static const struct describe_quorum_replica_state *find_last(const struct quorum *q)
{
    const struct describe_quorum_replica_state *last = &q->log->current_voters[0];

    for (int32_t i = 1; i < q->log->current_voters_count; i++)
        if (q->log->current_voters[i].log_end_offset < last->log_end_offset)
            last = &q->log->current_voters[i];
    return last;
}

/* How long ago the last voter had all that the leader has; -1: not known. */
static int64_t lag_ms(const struct quorum *q, const struct describe_quorum_replica_state *last)
{
    if (last == q->leader)
        return 0;
    if (last->last_caught_up_timestamp < 0 || q->leader->last_caught_up_timestamp < 0)
        return -1;
    return q->leader->last_caught_up_timestamp - last->last_caught_up_timestamp;
}

static void print_endpoint(const struct describe_quorum_listener *l, struct text *out)
{
    struct text url = {.data = NULL};

    text_printf(&url, "%.*s://%.*s:%d", SLICE_ARG(l->name), SLICE_ARG(l->host), l->port);
    json_print_string(text_slice(&url), out);
    text_fini(&url);
}

static void print_endpoints(const struct quorum *q, int32_t id, struct text *out)
{
    for (int32_t n = 0; n < q->response->nodes_count; n++) {
        const struct describe_quorum_node *node = &q->response->nodes[n];

        if (node->node_id != id || node->listeners_count == 0)
            continue;
        text_printf(out, ", \"endpoints\": [");
        for (int32_t i = 0; i < node->listeners_count; i++) {
            text_printf(out, "%s", i ? ", " : "");
            print_endpoint(&node->listeners[i], out);
        }
        text_printf(out, "]");
    }
}

static void print_replicas(const struct quorum *q,
                           const struct describe_quorum_replica_state *replicas, int32_t count,
                           struct text *out)
{
    text_printf(out, "[");
    for (int32_t i = 0; i < count; i++) {
        char id[UUID_TEXT_SIZE + 1];

        text_printf(out, "%s{\"id\": %d", i ? ", " : "", replicas[i].replica_id);
        uuid_print(replicas[i].replica_directory_id, id);
        if (!uuid_is_zero(replicas[i].replica_directory_id))
            text_printf(out, ", \"directoryId\": \"%s\"", id);
        print_endpoints(q, replicas[i].replica_id, out);
        text_printf(out, "}");
    }
    text_printf(out, "]");
}

static void print_status(const struct quorum *q, struct text *out)
{
    bool is_json = has(q->cli, QUORUM_json);
    const struct describe_quorum_replica_state *last = find_last(q);
    const struct {
        const char *label, *key;
        long long value;
    } numbers[] = {
        {"LeaderId:", "leaderId", q->log->leader_id},
        {"LeaderEpoch:", "leaderEpoch", q->log->leader_epoch},
        {"HighWatermark:", "highWatermark", q->log->high_watermark},
        {"MaxFollowerLag:", "maxFollowerLag", q->leader->log_end_offset - last->log_end_offset},
        {"MaxFollowerLagTimeMs:", "maxFollowerLagTimeMs", lag_ms(q, last)},
    };

    text_printf(out, is_json ? "{\n  \"clusterId\": \"%.*s\",\n" : "ClusterId:              %.*s\n",
                SLICE_ARG(q->cluster_id));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (is_json)
            text_printf(out, "  \"%s\": %lld,\n", numbers[i].key, numbers[i].value);
        else
            text_printf(out, "%-23s %lld\n", numbers[i].label, numbers[i].value);
    text_printf(out, is_json ? "  \"currentVoters\": " : "CurrentVoters:          ");
    print_replicas(q, q->log->current_voters, q->log->current_voters_count, out);
    text_printf(out, is_json ? ",\n  \"currentObservers\": " : "\nCurrentObservers:       ");
    print_replicas(q, q->log->observers, q->log->observers_count, out);
    text_printf(out, is_json ? "\n}\n" : "\n");
}

/* --- describe --replication -------------------------------------------------- */

struct line {
    struct text cells[COLUMNS];
};

struct table {
    const struct quorum *quorum;
    struct line *lines; /* Arena. */
    size_t count;
    int64_t now_ms;
};

static const char *const headings[COLUMNS] = {
    "NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp",
    "Status",
};

static void print_time(const struct table *t, int64_t time_ms, struct text *out)
{
    if (time_ms < 0 || !has(t->quorum->cli, QUORUM_human))
        text_printf(out, "%lld", (long long)time_ms);
    else
        text_printf(out, "%lld ms ago", (long long)max_of(t->now_ms - time_ms, 0));
}

static void add_line(struct table *t, const struct describe_quorum_replica_state *r,
                     const char *status)
{
    struct text *cells = t->lines[t->count++].cells;
    char id[UUID_TEXT_SIZE + 1];

    uuid_print(r->replica_directory_id, id);
    text_printf(&cells[0], "%d", r->replica_id);
    text_printf(&cells[1], "%s", id);
    text_printf(&cells[2], "%lld", (long long)r->log_end_offset);
    text_printf(&cells[3], "%lld",
                (long long)(t->quorum->leader->log_end_offset - r->log_end_offset));
    print_time(t, r->last_fetch_timestamp, &cells[4]);
    print_time(t, r->last_caught_up_timestamp, &cells[5]);
    text_printf(&cells[6], "%s", status);
}

static void print_table(const struct table *t, struct text *out)
{
    size_t widths[COLUMNS];

    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(headings[c]);
        for (size_t i = 0; i < t->count; i++)
            widths[c] = max_of(widths[c], t->lines[i].cells[c].size);
        text_printf(out, "%-*s\t", (int)widths[c], headings[c]);
    }
    text_printf(out, "\n");
    for (size_t i = 0; i < t->count; i++) {
        for (int c = 0; c < COLUMNS; c++)
            text_printf(out, "%-*s\t", (int)widths[c], t->lines[i].cells[c].data);
        text_printf(out, "\n");
    }
}

static void print_json_table(const struct table *t, struct text *out)
{
    static const char *const keys[COLUMNS] = {
        "nodeId", "directoryId",        "logEndOffset",
        "lag",    "lastFetchTimestamp", "lastCaughtUpTimestamp",
        "status",
    };
    bool is_human = has(t->quorum->cli, QUORUM_human);

    text_printf(out, "[");
    for (size_t i = 0; i < t->count; i++) {
        text_printf(out, "%s\n  {", i ? "," : "");
        for (int c = 0; c < COLUMNS; c++) {
            bool is_text = c == 1 || c == 6 || (is_human && (c == 4 || c == 5));

            text_printf(out, is_text ? "%s\"%s\": \"%s\"" : "%s\"%s\": %s", c ? ", " : "", keys[c],
                        t->lines[i].cells[c].data);
        }
        text_printf(out, "}");
    }
    text_printf(out, "\n]\n");
}

static void print_replication(struct quorum *q, struct text *out)
{
    const struct describe_quorum_response_partition_data *log = q->log;
    struct table table = {.quorum = q, .now_ms = io_wall_ms(q->cli->env->io)};

    table.lines =
        arena_new(&q->admin.arena, (size_t)(log->current_voters_count + log->observers_count) *
                                       sizeof(*table.lines));
    memset(table.lines, 0,
           (size_t)(log->current_voters_count + log->observers_count) * sizeof(*table.lines));
    add_line(&table, q->leader, "Leader");
    for (int32_t i = 0; i < log->current_voters_count; i++)
        if (&log->current_voters[i] != q->leader)
            add_line(&table, &log->current_voters[i], "Follower");
    for (int32_t i = 0; i < log->observers_count; i++)
        add_line(&table, &log->observers[i], "Observer");
    if (has(q->cli, QUORUM_json))
        print_json_table(&table, out);
    else
        print_table(&table, out);
    for (size_t i = 0; i < table.count; i++)
        for (int c = 0; c < COLUMNS; c++)
            text_fini(&table.lines[i].cells[c]);
}

static bool describe(struct quorum *q)
{
    struct text *why = &q->cli->why;
    bool is_status = has(q->cli, QUORUM_status);
    bool is_replication = has(q->cli, QUORUM_replication);
    struct text out = {.data = NULL};

    if (!q->cli->is_kafka && !is_replication)
        is_status = true;
    if (is_status && is_replication)
        text_printf(why, "Only one of --status or --replication should be specified with "
                         "describe sub-command");
    else if (is_status && has(q->cli, QUORUM_human))
        text_printf(why, "The option --human-readable is only supported along with --replication");
    else if (!is_status && !is_replication)
        text_printf(why, "One of --status or --replication must be specified with describe "
                         "sub-command");
    if (why->size > 0 || ((is_status || has(q->cli, QUORUM_controller)) && !ask_cluster(q)) ||
        !ask(q))
        return false;
    if (is_status)
        print_status(q, &out);
    else
        print_replication(q, &out);
    console_write(&q->cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

/* --- remove-controller ------------------------------------------------------- */

static bool is_of_base64(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* An id is base64 as URLs have it. */
static bool read_directory(const char *word, struct uuid *out, struct text *why)
{
    size_t size = strlen(word);
    size_t good = 0;

    if (size > UUID_WORD_MAX) {
        text_printf(why,
                    "Input string with prefix `%.*s` is too long to be decoded as a base64 UUID",
                    UUID_WORD_MAX, word);
        return false;
    }
    while (is_of_base64(word[good]))
        good++;
    if (good < size)
        text_printf(why, "Illegal base64 character %x", (unsigned char)word[good]);
    else if (size == 1)
        text_printf(why, "Input byte[] should at least have 2 bytes for base64 bytes");
    else if (size % 4 == 1)
        text_printf(why, "Last unit does not have enough valid bits");
    else if (size * 3 / 4 != UUID_SIZE || uuid_parse(slice_text(word), out))
        text_printf(why,
                    "Input string `%s` decoded as %zu bytes, which is not equal to the expected "
                    "16 bytes of a base64-encoded UUID",
                    word, size * 3 / 4);
    return why->size == 0;
}

static bool send_removal(struct quorum *q, int32_t id, struct uuid directory)
{
    struct remove_raft_voter_request request = remove_raft_voter_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_REMOVE_RAFT_VOTER),
        .request = &request,
        .target = CALL_ANY,
    };
    const struct remove_raft_voter_response *response;
    struct call *call;

    if (has(q->cli, QUORUM_controller) && !ask_cluster(q))
        return false;
    request.cluster_id = slice_null();
    request.voter_id = id;
    request.voter_directory_id = directory;
    if (!admin_call(q->cli, &q->admin, &admin_once, order, &call))
        return false;
    response = call->response;
    if (response->error_code != ERROR_NONE)
        admin_explain(q->cli, response->error_code, response->error_message);
    return response->error_code == ERROR_NONE;
}

static bool remove_controller(struct quorum *q)
{
    bool is_dry = has(q->cli, QUORUM_dry_run);
    const char *word = options_nth(&q->cli->options, QUORUM_directory, 0);
    struct text why = {.data = NULL};
    struct uuid directory;
    int64_t id = 0;

    if (options_number(&q->cli->options, QUORUM_id, &id, &q->cli->why))
        return false;
    if (id < 0) {
        text_printf(&q->cli->why, "Invalid negative --controller-id: %lld", (long long)id);
        return false;
    }
    if (!read_directory(word, &directory, &why)) {
        text_printf(&q->cli->why, "Failed to parse --controller-directory-id: %s", why.data);
        text_fini(&why);
        return false;
    }
    if (!is_dry && !send_removal(q, (int32_t)id, directory))
        return false;
    console_printf(&q->cli->out, "%s KRaft controller %lld with directory id %s\n",
                   is_dry ? "DRY RUN of removing " : "Removed ", (long long)id, word);
    return true;
}

/* --- the command ------------------------------------------------------------- */

static bool add_controller(struct quorum *q)
{
    text_printf(&q->cli->why,
                has(q->cli, QUORUM_command_config)
                    ? "add-controller is not served: who votes cannot be changed yet"
                    : "You must supply the configuration file of the controller you are adding "
                      "when using add-controller.");
    return false;
}

static const struct {
    const char *subcommand;
    bool (*run)(struct quorum *q);
} subcommands[] = {
    {"describe", describe},
    {"add-controller", add_controller},
    {"remove-controller", remove_controller},
};

static bool connect_to(struct cli *cli, struct client_config *config)
{
    static const struct admin_rows rows = {
        .bootstrap = QUORUM_bootstrap,
        .controller = QUORUM_controller,
        .command_config = QUORUM_command_config,
    };
    const char *file = options_nth(&cli->options, QUORUM_command_config, 0);

    if (admin_connect_either(cli, config, &rows))
        return true;
    if (file && strcmp(cli->why.data, file) == 0) { /* It cannot be read. */
        text_fini(&cli->why);
        text_printf(&cli->why, "Properties file %s does not exists!", file);
    }
    return false;
}

int quorum_run(struct cli *cli)
{
    struct quorum quorum = {.cli = cli};
    struct client_config config;
    bool is_good;

    admin_init(&quorum.admin);
    client_config_init(&config);
    is_good = connect_to(cli, &config);
    for (size_t i = 0; i < COUNT_OF(subcommands) && is_good; i++)
        if (strcmp(subcommands[i].subcommand, cli->command->implies) == 0) {
            is_good = subcommands[i].run(&quorum);
            break;
        }
    client_config_fini(&config);
    admin_fini(&quorum.admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
