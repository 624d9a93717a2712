/* SPDX-License-Identifier: Apache-2.0 */

/* cli/features.c - kafka-features: which levels there are. */

#include "cli/features.h"

#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "wire/errors.h"
#include "wire/msg/api_versions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option_row features_rows[] = {
#define OPTION(id, name, brief, KIND, under, NEED, about)                                          \
    SUBCOMMAND_OPTION(name, brief, KIND, under, NEED, about),
#include "cli/features.def"
};

const int features_row_count = COUNT_OF(features_rows);

/* What Kafka 4.3.1 takes where no release is named. */
#define RELEASE_NEWEST "4.3-IV0"

enum { NAME_WIDTH = 42, LEVEL_WIDTH = 17, LEVEL_TEXT_SIZE = 32 };

/* --- words ------------------------------------------------------------------- */

bool features_parse(struct cli *cli, const char *word, struct features_level *out)
{
    const char *equals = strchr(word, '=');
    char *end;
    long level;

    if (!equals) {
        text_printf(&cli->why, "Can't parse feature=level string %s: equals sign not found.", word);
        return false;
    }
    errno = 0;
    level = strtol(equals + 1, &end, 10);
    if (end == equals + 1 || *end || errno || level < INT16_MIN || level > INT16_MAX) {
        text_printf(&cli->why,
                    "Can't parse feature=level string %s: unable to parse %s as a short.", word,
                    equals + 1);
        return false;
    }
    *out = (struct features_level){
        .name = slice_of(word, (size_t)(equals - word)),
        .level = (int16_t)level,
    };
    return true;
}

bool features_release(struct cli *cli, const char *word, const struct metadata_version **out)
{
    *out = metadata_version_parse(slice_text(word));
    if (*out)
        return true;
    text_printf(&cli->why, "Unknown metadata.version '%s'. Supported metadata.version are: ", word);
    for (int i = 0; i < metadata_version_count; i++)
        text_printf(&cli->why, "%s%s", i ? ", " : "", metadata_versions[i].name);
    return false;
}

/* --- describe ---------------------------------------------------------------- */

struct shown_feature {
    struct slice name;
    int16_t min, max, finalized;
};

struct shown_features {
    struct shown_feature *items; /* Arena: by name. */
    size_t count;
    int64_t epoch; /* -1: not known. */
};

static int by_name(const void *a, const void *b)
{
    const struct shown_feature *x = a;
    const struct shown_feature *y = b;

    return admin_by_name(&x->name, &y->name);
}

static struct shown_feature *find_shown(struct shown_features *all, struct slice name)
{
    for (size_t i = 0; i < all->count; i++)
        if (slice_equal(all->items[i].name, name))
            return &all->items[i];
    all->items[all->count] = (struct shown_feature){.name = name};
    return &all->items[all->count++];
}

static bool ask(struct cli *cli, struct admin *admin, struct shown_features *out)
{
    struct api_versions_request request = api_versions_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_API_VERSIONS),
        .request = &request,
        .target = CALL_ANY,
    };
    const struct api_versions_response *answer;
    int64_t node = CALL_ANY;
    struct call *call;

    if (options_number(&cli->options, FEATURES_node_id, &node, &cli->why))
        return false;
    order.target = (int32_t)node;
    request.client_software_name = slice_text("moldau");
    request.client_software_version = slice_text(cli->env->version);
    if (!admin_call(cli, admin, &admin_once, order, &call))
        return false;
    answer = call->response;
    if (answer->error_code != ERROR_NONE) {
        admin_explain(cli, answer->error_code, slice_null());
        return false;
    }
    *out = (struct shown_features){.epoch = answer->finalized_features_epoch};
    out->items = arena_new(&admin->arena, (size_t)(answer->supported_features_count +
                                                   answer->finalized_features_count + 1) *
                                              sizeof(*out->items));
    for (int32_t i = 0; i < answer->supported_features_count; i++) {
        struct shown_feature *f = find_shown(out, answer->supported_features[i].name);

        f->min = answer->supported_features[i].min_version;
        f->max = answer->supported_features[i].max_version;
    }
    for (int32_t i = 0; i < answer->finalized_features_count; i++)
        find_shown(out, answer->finalized_features[i].name)->finalized =
            answer->finalized_features[i].max_version_level;
    qsort(out->items, out->count, sizeof(*out->items), by_name);
    return true;
}

/* Levels of metadata.version have names. */
static const char *level_text(const struct shown_feature *f, int16_t level, struct text *out)
{
    bool is_metadata = slice_is_text(f->name, features[FEATURE_METADATA].name);
    const struct metadata_version *version = is_metadata ? metadata_version_find(level) : NULL;

    out->size = 0;
    if (version)
        text_printf(out, "%s", version->name);
    else
        text_printf(out, is_metadata ? "UNKNOWN %d" : "%d", level);
    return out->data;
}

static void print_table(const struct shown_features *all, struct text *out)
{
    struct text level = {.data = NULL};

    for (size_t i = 0; i < all->count; i++) {
        const struct shown_feature *f = &all->items[i];

        text_printf(out, "Feature: %.*s%*s", SLICE_ARG(f->name),
                    max_of(NAME_WIDTH - (int)f->name.size, 0), "");
        text_printf(out, "SupportedMinVersion: %-*s", LEVEL_WIDTH, level_text(f, f->min, &level));
        text_printf(out, "SupportedMaxVersion: %-*s", LEVEL_WIDTH, level_text(f, f->max, &level));
        text_printf(out, "FinalizedVersionLevel: %-*s", LEVEL_WIDTH,
                    level_text(f, f->finalized, &level));
        if (all->epoch >= 0)
            text_printf(out, "Epoch: %lld\n", (long long)all->epoch);
        else
            text_printf(out, "Epoch: -\n");
    }
    text_fini(&level);
}

static void print_json(const struct shown_features *all, struct text *out)
{
    text_printf(out, "[");
    for (size_t i = 0; i < all->count; i++) {
        const struct shown_feature *f = &all->items[i];

        text_printf(out, "%s\n  {\"feature\": ", i ? "," : "");
        json_print_string(f->name, out);
        text_printf(out, ", \"min\": %d, \"max\": %d, \"finalized\": %d, \"epoch\": %lld}", f->min,
                    f->max, f->finalized, (long long)all->epoch);
    }
    text_printf(out, "%s]\n", all->count ? "\n" : "");
}

static bool describe(struct cli *cli, struct admin *admin)
{
    struct shown_features all;
    struct text out = {.data = NULL};

    if (!ask(cli, admin, &all))
        return false;
    if (features_has(cli, FEATURES_json))
        print_json(&all, &out);
    else
        print_table(&all, &out);
    console_write(&cli->out, out.data, out.size);
    text_fini(&out);
    return true;
}

/* --- version-mapping --------------------------------------------------------- */

static bool print_mapping(struct cli *cli, struct admin *admin)
{
    bool is_json = features_has(cli, FEATURES_json);
    const char *word = options_nth(&cli->options, FEATURES_release, 0);
    const char *release = word ? word : RELEASE_NEWEST;
    const struct metadata_version *version;

    (void)admin;
    if (!features_release(cli, release, &version))
        return false;
    if (is_json)
        console_printf(&cli->out, "{");
    for (int i = 0; i < FEATURE_COUNT; i++) {
        int level = i == FEATURE_METADATA ? version->level
                                          : feature_default((enum feature_id)i, version->level);

        if (is_json)
            console_printf(&cli->out, "%s\n  \"%s\": %d", i ? "," : "", features[i].name, level);
        else if (i == FEATURE_METADATA)
            console_printf(&cli->out, "%s=%d (%s)\n", features[i].name, level, release);
        else
            console_printf(&cli->out, "%s=%d\n", features[i].name, level);
    }
    if (is_json)
        console_printf(&cli->out, "\n}\n");
    return true;
}

/* --- feature-dependencies ---------------------------------------------------- */

/* The metadata.version that a level needs, or 0. */
static bool find_needs(struct cli *cli, const struct features_level *of, int16_t *out)
{
    enum feature_id id = feature_find(of->name);

    *out = 0;
    if (id == FEATURE_COUNT)
        text_printf(&cli->why, "Unknown feature: %.*s", SLICE_ARG(of->name));
    else if (id == FEATURE_METADATA && !metadata_version_find(of->level))
        text_printf(&cli->why, "Unknown metadata.version %d", of->level);
    else if (of->level < features[id].min || of->level > features[id].max)
        text_printf(&cli->why, "No feature:%.*s with feature level %d", SLICE_ARG(of->name),
                    of->level);
    else if (of->level > 0)
        *out = features[id].needs;
    return cli->why.size == 0;
}

static void print_needs(struct cli *cli, const struct features_level *of, int16_t needs)
{
    bool is_metadata = slice_is_text(of->name, features[FEATURE_METADATA].name);

    console_printf(&cli->out, "%.*s=%d", SLICE_ARG(of->name), of->level);
    if (is_metadata)
        console_printf(&cli->out, " (%s)", metadata_version_find(of->level)->name);
    if (needs == 0)
        console_printf(&cli->out, " has no dependencies.\n");
    else
        console_printf(&cli->out, " requires:\n    %s=%d (%s)\n", features[FEATURE_METADATA].name,
                       needs, metadata_version_find(needs)->name);
}

static void print_json_needs(struct cli *cli, const struct features_level *of, int16_t needs)
{
    console_printf(&cli->out, "\n  {\"feature\": \"%.*s\", \"level\": %d, \"needs\": {",
                   SLICE_ARG(of->name), of->level);
    if (needs)
        console_printf(&cli->out, "\"%s\": %d", features[FEATURE_METADATA].name, needs);
    console_printf(&cli->out, "}}");
}

static bool print_dependencies(struct cli *cli, struct admin *admin)
{
    bool is_json = features_has(cli, FEATURES_json);
    const char *word;

    (void)admin;
    if (is_json)
        console_printf(&cli->out, "[");
    for (int i = 0; (word = options_nth(&cli->options, FEATURES_feature, i)); i++) {
        struct features_level of;
        int16_t needs;

        if (!features_parse(cli, word, &of) || !find_needs(cli, &of, &needs))
            return false;
        if (is_json && i)
            console_printf(&cli->out, ",");
        if (is_json)
            print_json_needs(cli, &of, needs);
        else
            print_needs(cli, &of, needs);
    }
    if (is_json)
        console_printf(&cli->out, "\n]\n");
    return true;
}

/* --- the command ------------------------------------------------------------- */

static bool has_what_it_needs(struct cli *cli, bool is_local)
{
    struct text *why = &cli->why;

    if (!is_local && !features_has(cli, FEATURES_bootstrap) &&
        !features_has(cli, FEATURES_controller))
        text_printf(why, "You must specify either --bootstrap-controller or --bootstrap-server.");
    if (strcmp(cli->command->implies, "feature-dependencies") == 0 &&
        !features_has(cli, FEATURES_feature))
        text_printf(why, "argument --feature is required");
    return why->size == 0;
}

static const struct {
    const char *subcommand;
    bool (*run)(struct cli *cli, struct admin *admin);
    bool is_local; /* No cluster is asked. */
} subcommands[] = {
    {"describe", describe, false},
    {"upgrade", features_update, false},
    {"downgrade", features_update, false},
    {"disable", features_update, false},
    {"version-mapping", print_mapping, true},
    {"feature-dependencies", print_dependencies, true},
};

/* Controllers are asked who they are, as Kafka's client does: a broker is refused. */
static bool connect_to(struct cli *cli, struct admin *admin, struct client_config *config)
{
    static const struct admin_rows rows = {
        .bootstrap = FEATURES_bootstrap,
        .controller = FEATURES_controller,
        .command_config = FEATURES_command_config,
    };
    const struct describe_cluster_response *cluster;

    return admin_connect_either(cli, config, &rows) &&
           (!features_has(cli, FEATURES_controller) ||
            nodes_describe(cli, admin, NODES_CONTROLLERS, &cluster));
}

int features_run(struct cli *cli)
{
    struct client_config config;
    struct admin admin;
    bool is_good = true;
    size_t i = 0;

    while (strcmp(subcommands[i].subcommand, cli->command->implies) != 0)
        i++;
    if (!has_what_it_needs(cli, subcommands[i].is_local))
        return cli_mistaken(cli);
    admin_init(&admin);
    client_config_init(&config);
    if (!subcommands[i].is_local)
        is_good = connect_to(cli, &admin, &config);
    is_good = is_good && subcommands[i].run(cli, &admin);
    client_config_fini(&config);
    admin_fini(&admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
