/* SPDX-License-Identifier: Apache-2.0 */

/* cli/api_versions.c - kafka-broker-api-versions: what each broker answers to ApiVersions. */

#include "wire/msg/api_versions.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "wire/errors.h"

#include <ctype.h>

enum versions_option {
#define OPTION(id, name, KIND, shows, initial, about) VERSIONS_##id,
#include "cli/api_versions.def"
};

const struct option_row api_versions_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/api_versions.def"
};

const int api_versions_row_count = COUNT_OF(api_versions_rows);

/* The request's name as people write it: ListOffsets. */
static void print_name(const struct wire_api *api, struct text *out)
{
    bool is_first = true; /* Of a word. */

    for (const char *c = api->name; *c; c++) {
        if (*c != '_')
            text_printf(out, "%c", is_first ? toupper(*c) : *c);
        is_first = *c == '_';
    }
}

static const struct api_versions_api_version *find(const struct api_versions_response *versions,
                                                   int16_t key)
{
    for (int32_t i = 0; i < versions->api_keys_count; i++)
        if (versions->api_keys[i].api_key == key)
            return &versions->api_keys[i];
    return NULL;
}

/* A client's requests: those that brokers answer. */
static bool is_listed(const struct wire_api *api)
{
    return (api->listeners & API_ON_BROKER) != 0;
}

/* The newest version that both know, or -1. */
static int16_t usable(const struct wire_api *api, const struct api_versions_api_version *theirs)
{
    int16_t newest = (int16_t)min_of(api->max, theirs->max_version);

    return newest >= api->min && newest >= theirs->min_version ? newest : -1;
}

/* --- lines ------------------------------------------------------------------- */

static void print_api(const struct wire_api *api, const struct api_versions_api_version *theirs,
                      struct text *out)
{
    text_printf(out, "\t");
    print_name(api, out);
    text_printf(out, "(%d): ", api->key);
    if (!theirs) {
        text_printf(out, "UNSUPPORTED");
        return;
    }
    text_printf(out, "%d", theirs->min_version);
    if (theirs->max_version > theirs->min_version)
        text_printf(out, " to %d", theirs->max_version);
    if (usable(api, theirs) < 0)
        text_printf(out, " [unusable: %s]",
                    theirs->min_version > api->max ? "node too new" : "node too old");
    else
        text_printf(out, " [usable: %d]", usable(api, theirs));
}

static void print_node(const struct describe_cluster_broker *node, struct text *out)
{
    bool has_rack = !slice_is_null(node->rack);

    text_printf(out, "%.*s:%d (id: %d rack: %.*s isFenced: %s) -> ", SLICE_ARG(node->host),
                node->port, node->broker_id, has_rack ? (int)node->rack.size : 4,
                has_rack ? (const char *)node->rack.data : "null",
                node->is_fenced ? "true" : "false");
}

static void print_versions(const struct api_versions_response *versions, struct text *out)
{
    bool is_first = true;

    text_printf(out, "(\n");
    for (int i = 0; i < wire_api_count; i++) {
        if (!is_listed(&wire_apis[i]))
            continue;
        text_printf(out, "%s", is_first ? "" : ",\n");
        print_api(&wire_apis[i], find(versions, wire_apis[i].key), out);
        is_first = false;
    }
    text_printf(out, "\n)\n");
}

/* --- JSON -------------------------------------------------------------------- */

static void print_json_node(const struct describe_cluster_broker *node, struct text *out)
{
    text_printf(out, "%s\n  {\"id\": %d, \"host\": ", out->size > 1 ? "," : "", node->broker_id);
    json_print_string(node->host, out);
    text_printf(out, ", \"port\": %d, \"rack\": ", node->port);
    if (slice_is_null(node->rack))
        text_printf(out, "null");
    else
        json_print_string(node->rack, out);
}

static void print_json_versions(const struct api_versions_response *versions, struct text *out)
{
    text_printf(out, ", \"apis\": [");
    for (int32_t i = 0; i < versions->api_keys_count; i++) {
        const struct api_versions_api_version *theirs = &versions->api_keys[i];
        const struct wire_api *api = wire_api_find(theirs->api_key);

        text_printf(out, "%s\n    {\"key\": %d, \"name\": ", i ? "," : "", theirs->api_key);
        if (api) {
            text_printf(out, "\"");
            print_name(api, out);
            text_printf(out, "\"");
        } else {
            text_printf(out, "null");
        }
        text_printf(out, ", \"min\": %d, \"max\": %d, \"usable\": ", theirs->min_version,
                    theirs->max_version);
        if (api && usable(api, theirs) >= 0)
            text_printf(out, "%d}", usable(api, theirs));
        else
            text_printf(out, "null}");
    }
    text_printf(out, "]}");
}

/* --- the command ------------------------------------------------------------- */

static const struct api_versions_response *ask(struct cli *cli, struct admin *admin, int32_t node)
{
    struct api_versions_request request = api_versions_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_API_VERSIONS),
        .request = &request,
        .target = node,
    };
    const struct api_versions_response *response;
    struct call *call;

    request.client_software_name = slice_text("moldau");
    request.client_software_version = slice_text(cli->env->version);
    if (!admin_call(cli, admin, &admin_once, order, &call))
        return NULL;
    response = call->response;
    if (response->error_code == ERROR_NONE)
        return response;
    admin_explain(cli, response->error_code, slice_null());
    return NULL;
}

static void report(struct cli *cli, struct admin *admin, const struct describe_cluster_broker *node,
                   struct text *out)
{
    bool is_json = options_has(&cli->options, VERSIONS_json);
    const struct api_versions_response *versions = ask(cli, admin, node->broker_id);

    if (is_json)
        print_json_node(node, out);
    else
        print_node(node, out);
    if (!versions) {
        text_printf(out, is_json ? ", \"error\": " : "ERROR: ");
        if (is_json)
            json_print_string(text_slice(&cli->why), out);
        else
            text_printf(out, "%s", cli->why.data);
        text_printf(out, is_json ? "}" : "\n");
        text_fini(&cli->why);
    } else if (is_json) {
        print_json_versions(versions, out);
    } else {
        print_versions(versions, out);
    }
}

static bool list(struct cli *cli, struct admin *admin)
{
    bool is_json = options_has(&cli->options, VERSIONS_json);
    const struct describe_cluster_response *nodes;
    struct text out = {.data = NULL};

    if (!nodes_describe(cli, admin, NODES_BROKERS, &nodes))
        return false;
    if (is_json)
        text_printf(&out, "[");
    for (int32_t i = 0; i < nodes->brokers_count; i++)
        report(cli, admin, &nodes->brokers[i], &out);
    if (is_json)
        text_printf(&out, "%s]\n", out.size > 1 ? "\n" : "");
    console_write(&cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

int api_versions_run(struct cli *cli)
{
    struct cluster_settings settings;
    struct client_config config;
    struct admin admin;
    bool is_good;

    if (!options_has(&cli->options, VERSIONS_bootstrap))
        return cli_misused(cli, "Missing required argument \"[bootstrap-server]\"");
    admin_init(&admin);
    client_config_init(&config);
    is_good =
        admin_settings(cli, &config, VERSIONS_bootstrap, VERSIONS_command_config, &settings) &&
        cli_connect(cli, &settings) && list(cli, &admin);
    client_config_fini(&config);
    admin_fini(&admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
