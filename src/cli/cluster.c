/* SPDX-License-Identifier: Apache-2.0 */

/* cli/cluster.c - kafka-cluster: its id, its nodes, and a broker that is forgotten. */

#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "wire/errors.h"
#include "wire/msg/unregister_broker.h"

#include <string.h>

enum cluster_option {
#define OPTION(id, name, brief, KIND, under, NEED, about) CLUSTER_##id,
#include "cli/cluster.def"
};

const struct option_row cluster_rows[] = {
#define OPTION(id, name, brief, KIND, under, NEED, about)                                          \
    SUBCOMMAND_OPTION(name, brief, KIND, under, NEED, about),
#include "cli/cluster.def"
};

const int cluster_row_count = COUNT_OF(cluster_rows);

/* How wide a column is where no node says more. */
enum { RACK_WIDTH = 10, HOST_WIDTH = 100 };

static bool has(const struct cli *cli, enum cluster_option option)
{
    return options_has(&cli->options, (int)option);
}

static enum nodes_kind kind_of(const struct cli *cli)
{
    if (has(cli, CLUSTER_controller))
        return NODES_CONTROLLERS;
    return has(cli, CLUSTER_fenced) ? NODES_BROKERS_AND_FENCED : NODES_BROKERS;
}

/* --- cluster-id -------------------------------------------------------------- */

static bool print_id(struct cli *cli, struct admin *admin)
{
    const struct describe_cluster_response *cluster;
    struct text out = {.data = NULL};

    if (!nodes_describe(cli, admin, kind_of(cli), &cluster))
        return false;
    if (has(cli, CLUSTER_json)) {
        text_printf(&out, "{\"clusterId\": ");
        json_print_string(cluster->cluster_id, &out);
        text_printf(&out, "}\n");
    } else {
        text_printf(&out, "Cluster ID: %.*s\n", SLICE_ARG(cluster->cluster_id));
    }
    console_write(&cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

/* --- list-endpoints ---------------------------------------------------------- */

static const char *state_of(const struct describe_cluster_broker *node)
{
    return node->is_fenced ? "fenced" : "unfenced";
}

static void print_json(const struct describe_cluster_response *cluster, bool is_controller,
                       struct text *out)
{
    text_printf(out, "[");
    for (int32_t i = 0; i < cluster->brokers_count; i++) {
        const struct describe_cluster_broker *node = &cluster->brokers[i];

        text_printf(out, "%s\n  {\"id\": %d, \"host\": ", i ? "," : "", node->broker_id);
        json_print_string(node->host, out);
        text_printf(out, ", \"port\": %d, \"rack\": ", node->port);
        if (slice_is_null(node->rack))
            text_printf(out, "null");
        else
            json_print_string(node->rack, out);
        if (!is_controller)
            text_printf(out, ", \"state\": \"%s\"", state_of(node));
        text_printf(out, ", \"type\": \"%s\"}", is_controller ? "controller" : "broker");
    }
    text_printf(out, "%s]\n", cluster->brokers_count ? "\n" : "");
}

static void print_padded(struct slice s, int width, struct text *out)
{
    text_printf(out, "%.*s%*s ", SLICE_ARG(s), max_of(width - (int)s.size, 0), "");
}

static void print_table(const struct describe_cluster_response *cluster, bool is_controller,
                        struct text *out)
{
    int host = 0;
    int rack = 0;

    for (int32_t i = 0; i < cluster->brokers_count; i++) {
        host = max_of(host, (int)cluster->brokers[i].host.size);
        rack = max_of(rack, (int)cluster->brokers[i].rack.size);
    }
    host = host ? host : HOST_WIDTH;
    rack = rack ? rack : RACK_WIDTH;
    text_printf(out, "%-10s %-*s %-10s %-*s ", "ID", host, "HOST", "PORT", rack, "RACK");
    text_printf(out, is_controller ? "%-15s\n" : "STATE      %-15s\n", "ENDPOINT_TYPE");
    for (int32_t i = 0; i < cluster->brokers_count; i++) {
        const struct describe_cluster_broker *node = &cluster->brokers[i];

        text_printf(out, "%-10d ", node->broker_id);
        print_padded(node->host, host, out);
        text_printf(out, "%-10d ", node->port);
        print_padded(slice_is_null(node->rack) ? slice_text("null") : node->rack, rack, out);
        if (!is_controller)
            text_printf(out, "%-10s ", state_of(node));
        text_printf(out, "%-15s\n", is_controller ? "controller" : "broker");
    }
}

static bool print_nodes(struct cli *cli, struct admin *admin)
{
    bool is_controller = has(cli, CLUSTER_controller);
    const struct describe_cluster_response *cluster;
    struct text out = {.data = NULL};

    if (is_controller && has(cli, CLUSTER_fenced)) {
        text_printf(&cli->why, "The option --include-fenced-brokers is only supported with "
                               "--bootstrap-server option");
        return false;
    }
    if (!nodes_describe(cli, admin, kind_of(cli), &cluster))
        return false;
    if (has(cli, CLUSTER_json))
        print_json(cluster, is_controller, &out);
    else
        print_table(cluster, is_controller, &out);
    console_write(&cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

/* --- unregister -------------------------------------------------------------- */

static bool unregister(struct cli *cli, struct admin *admin)
{
    struct unregister_broker_request request = unregister_broker_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_UNREGISTER_BROKER),
        .request = &request,
        .target = CALL_ANY,
    };
    const struct unregister_broker_response *response;
    int64_t id = -1;
    struct call *call;

    if (options_number(&cli->options, CLUSTER_id, &id, &cli->why))
        return false;
    /* Controllers are asked who they are, as Kafka's client does: a broker is refused. */
    if (has(cli, CLUSTER_controller)) {
        const struct describe_cluster_response *cluster;

        if (!nodes_describe(cli, admin, NODES_CONTROLLERS, &cluster))
            return false;
    }
    request.broker_id = (int32_t)id;
    if (!admin_call(cli, admin, &admin_once, order, &call))
        return false;
    response = call->response;
    if (response->error_code != ERROR_NONE) {
        admin_explain(cli, response->error_code, response->error_message);
        return false;
    }
    console_printf(&cli->out, "Broker %d is no longer registered.\n", (int)id);
    return true;
}

/* --- the command ------------------------------------------------------------- */

static const struct {
    const char *subcommand;
    bool (*run)(struct cli *cli, struct admin *admin);
} subcommands[] = {
    {"cluster-id", print_id},
    {"unregister", unregister},
    {"list-endpoints", print_nodes},
};

static bool connect_to(struct cli *cli, struct client_config *config)
{
    bool is_old = has(cli, CLUSTER_config);
    struct admin_rows rows = {
        .bootstrap = CLUSTER_bootstrap,
        .controller = CLUSTER_controller,
        .command_config = is_old ? CLUSTER_config : CLUSTER_command_config,
    };

    if (is_old && has(cli, CLUSTER_command_config)) {
        text_printf(&cli->why, "--config and --command-config cannot be specified together.");
        return false;
    }
    if (is_old)
        console_printf(&cli->out,
                       "Option --config has been deprecated and will be removed in a future "
                       "version. Use --command-config instead.\n");
    return admin_connect_either(cli, config, &rows);
}

int cluster_run(struct cli *cli)
{
    struct client_config config;
    struct admin admin;
    bool is_good;

    admin_init(&admin);
    client_config_init(&config);
    is_good = connect_to(cli, &config);
    for (size_t i = 0; i < COUNT_OF(subcommands) && is_good; i++)
        if (strcmp(subcommands[i].subcommand, cli->command->implies) == 0) {
            is_good = subcommands[i].run(cli, &admin);
            break;
        }
    client_config_fini(&config);
    admin_fini(&admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
