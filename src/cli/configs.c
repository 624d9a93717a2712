/* SPDX-License-Identifier: Apache-2.0 */

/* cli/configs.c - kafka-configs: which options go together, and whose settings are meant. */

#include "cli/configs.h"

#include "cli/commands.h"

const struct option_row configs_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, entity, about_)                                  \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/configs.def"
};

const int configs_row_count = COUNT_OF(configs_rows);

static const enum configs_entity entities[] = {
#define OPTION(id, name, KIND, shows, initial, entity, about) entity,
#include "cli/configs.def"
};

const struct configs_type configs_types[] = {
    [TOPICS] = {"topics", 2},  [CLIENTS] = {"clients", -1},
    [USERS] = {"users", -1},   [BROKERS] = {"brokers", 4},
    [IPS] = {"ips", -1},       [CLIENT_METRICS] = {"client-metrics", -1},
    [GROUPS] = {"groups", 32}, [LOGGERS] = {"broker-loggers", 8},
};

/* The entities of the command line, in Kafka's order of looking. */
struct asked {
    enum configs_entity types[NO_ENTITY];
    const char *spellings[NO_ENTITY]; /* The option or the type that said so. */
    int type_count;
    const char *name;
    bool has_name, has_default;
};

static bool has(const struct configs *c, enum configs_option option)
{
    return options_has(&c->cli->options, (int)option);
}

static bool refuse(struct configs *c, const char *sentence)
{
    text_printf(&c->cli->why, "%s", sentence);
    return false;
}

static bool add_type(struct configs *c, struct asked *asked, enum configs_entity type,
                     const char *spelling)
{
    for (int i = 0; i < asked->type_count; i++)
        if (asked->types[i] == type) {
            text_printf(&c->cli->why, "Duplicate entity type(s) specified: %s",
                        configs_types[type].name);
            return false;
        }
    asked->spellings[asked->type_count] = spelling;
    asked->types[asked->type_count++] = type;
    return true;
}

static void add_name(struct asked *asked, const char *name)
{
    if (!asked->name)
        asked->name = name;
    if (*name)
        asked->has_name = true;
    else
        asked->has_default = true;
}

static bool add_named_type(struct configs *c, struct asked *asked, const char *word)
{
    for (int i = 0; i < NO_ENTITY; i++)
        if (strcmp(configs_types[i].name, word) == 0)
            return add_type(c, asked, (enum configs_entity)i, word);
    text_printf(&c->cli->why, "Invalid entity type %s, the entity type must be one of ", word);
    for (int i = 0; i < NO_ENTITY; i++)
        text_printf(&c->cli->why, "%s%s", i ? ", " : "", configs_types[i].name);
    text_printf(&c->cli->why, " with a --bootstrap-server or --bootstrap-controller argument");
    return false;
}

/* --entity-type, --entity-name and --entity-default, then the short spellings. */
static bool find_entities(struct configs *c, struct asked *asked)
{
    const struct options *options = &c->cli->options;

    for (int i = 0; i < options->use_count; i++) {
        const struct option_use *use = &options->uses[i];

        if (use->row == CONFIGS_entity_type && !add_named_type(c, asked, use->value))
            return false;
        if (use->row == CONFIGS_entity_name)
            add_name(asked, use->value);
        if (use->row == CONFIGS_entity_default)
            add_name(asked, "");
    }
    for (int i = 0; i < CONFIGS_OPTION_COUNT; i++) {
        const char *name = NULL;

        if (entities[i] == NO_ENTITY || !options_has(options, i))
            continue;
        if (options_get(options, i, &name, &c->cli->why) ||
            !add_type(c, asked, entities[i], configs_rows[i].name))
            return false;
        add_name(asked, name ? name : "");
    }
    if (asked->type_count == 0)
        return refuse(c, "At least one entity type must be specified");
    return true;
}

static bool are_served(struct configs *c, const struct asked *asked)
{
    for (int i = 0; i < asked->type_count; i++) {
        bool is_type = strcmp(asked->spellings[i], configs_types[asked->types[i]].name) == 0;

        if (configs_types[asked->types[i]].resource >= 0)
            continue;
        text_printf(&c->cli->why, "%s%s is not served", is_type ? "--entity-type " : "--",
                    asked->spellings[i]);
        return false;
    }
    if (has(c, CONFIGS_controller))
        return refuse(c, "--bootstrap-controller is not served");
    return true;
}

static bool is_number(const char *text)
{
    int32_t number;

    return slice_to_i32(slice_text(text + (*text == '-')), &number);
}

static bool fits_alter(struct configs *c, const struct asked *asked)
{
    bool is_broker = c->type == BROKERS;

    if (is_broker && !asked->has_name && !asked->has_default)
        return refuse(c, "An entity-name or default entity must be specified with --alter of "
                         "users, clients, brokers or ips");
    if (!is_broker && !asked->has_name) {
        text_printf(&c->cli->why, "An entity name must be specified with --alter of %s",
                    configs_types[c->type].name);
        return false;
    }
    if (has(c, CONFIGS_add) && has(c, CONFIGS_add_file))
        return refuse(c, "Only one of --add-config or --add-config-file must be specified");
    if (!has(c, CONFIGS_add) && !has(c, CONFIGS_add_file) && !has(c, CONFIGS_delete))
        return refuse(c, "At least one of --add-config, --add-config-file, or --delete-config must "
                         "be specified with --alter");
    return true;
}

static bool fits_describe(struct configs *c, const struct asked *asked)
{
    const char *type = configs_types[c->type].name;

    if (c->type == LOGGERS && !asked->has_name) {
        text_printf(&c->cli->why, "An entity name must be specified with --describe of %s", type);
        return false;
    }
    if (c->type != BROKERS && c->type != LOGGERS && asked->has_default) {
        text_printf(&c->cli->why, "--entity-default must not be specified with --describe of %s",
                    type);
        return false;
    }
    return true;
}

static bool fits(struct configs *c)
{
    struct asked asked = {.name = NULL};
    bool is_quota = true;

    if (!find_entities(c, &asked))
        return false;
    for (int i = 0; i < asked.type_count; i++)
        is_quota = is_quota && (asked.types[i] == CLIENTS || asked.types[i] == USERS);
    if (asked.type_count > 1 && !is_quota)
        return refuse(c, "Only 'users' and 'clients' entity types may be specified together");
    if (has(c, CONFIGS_bootstrap) && has(c, CONFIGS_controller))
        return refuse(c, "Only one of --bootstrap-server or --bootstrap-controller can be "
                         "specified");
    if (!has(c, CONFIGS_bootstrap) && !has(c, CONFIGS_controller))
        return refuse(c, "Either --bootstrap-server or --bootstrap-controller must be specified.");
    if (!are_served(c, &asked))
        return false;
    c->type = asked.types[0];
    c->name = asked.name;
    if ((c->type == BROKERS || c->type == LOGGERS) && asked.has_name && !is_number(c->name)) {
        text_printf(&c->cli->why,
                    "The entity name for %s must be a valid integer broker id, but it is: %s",
                    configs_types[c->type].name, c->name);
        return false;
    }
    return has(c, CONFIGS_alter) ? fits_alter(c, &asked) : fits_describe(c, &asked);
}

static int misused(struct cli *cli, enum configs_option other)
{
    text_printf(&cli->why, "Option \"[describe]\" can't be used with option \"[%s]\"",
                configs_rows[other].name);
    return cli_misused(cli, cli->why.data);
}

/* The sentence, behind the words of the command unless these are what is wrong. */
static int fail(struct configs *c)
{
    struct cli *cli = c->cli;

    if (cli_is_stopping(cli))
        return 1;
    if (!c->is_misused) {
        console_flush(&cli->out);
        console_printf(&cli->err, "Error while executing config command with args '");
        for (int i = 0; i < cli->argc; i++)
            console_printf(&cli->err, "%s%s", i ? " " : "", cli->argv[i]);
        console_printf(&cli->err, "'\n");
    }
    return cli_failed(cli, cli->why.data ? cli->why.data : "");
}

int configs_run(struct cli *cli)
{
    struct configs configs = {.cli = cli};
    struct client_config config;
    bool is_good;

    if (has(&configs, CONFIGS_alter) == has(&configs, CONFIGS_describe))
        return cli_misused(cli, "Command must include exactly one action: --describe, --alter");
    if (has(&configs, CONFIGS_describe) && has(&configs, CONFIGS_add))
        return misused(cli, CONFIGS_add);
    if (has(&configs, CONFIGS_describe) && has(&configs, CONFIGS_delete))
        return misused(cli, CONFIGS_delete);
    if (!fits(&configs))
        return cli_failed(cli, cli->why.data);
    client_config_init(&config);
    admin_init(&configs.admin);
    is_good = admin_connect(cli, &config, CONFIGS_bootstrap, CONFIGS_command_config) &&
              (has(&configs, CONFIGS_alter) ? configs_alter(&configs) : configs_describe(&configs));
    admin_fini(&configs.admin);
    client_config_fini(&config);
    return is_good ? 0 : fail(&configs);
}
