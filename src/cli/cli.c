/* SPDX-License-Identifier: Apache-2.0 */

/* cli/cli.c - from words to a running command, and what all commands share. */

#include "cli/cli.h"

#include "base/arguments.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "os/resolve.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The tools of this version of Kafka are what ours print and understand. */
#define KAFKA_VERSION "4.3.1"

bool cli_has_command(const char *word)
{
    for (int i = 0; i < command_count; i++) {
        size_t size = strcspn(commands[i].words, " ");

        if (slice_equal(slice_of(commands[i].words, size), slice_text(word)) ||
            strcmp(commands[i].kafka, word) == 0)
            return true;
    }
    return false;
}

void cli_help(struct text *out)
{
    for (int i = 0; i < command_count; i++)
        text_printf(out, "  %-21s %s\n", commands[i].words, commands[i].about);
}

void cli_stop(struct cli_env *env)
{
    atomic_store_explicit(&env->is_stopping, true, memory_order_release);
    env->io->ops->wake(env->io);
}

bool cli_is_stopping(const struct cli *cli)
{
    return atomic_load_explicit(&cli->env->is_stopping, memory_order_acquire);
}

/* --- what is said ------------------------------------------------------------ */

/* In the shape of the log lines that Kafka's tools write to standard error. */
static void print_log_line(struct cli *cli, const char *level, const char *text, const char *module)
{
    int64_t now_ms = io_wall_ms(cli->env->io);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    char when[32];

    localtime_r(&seconds, &tm);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
    console_flush(&cli->out);
    console_printf(&cli->err, "[%s,%03d] %s %s (%s)\n", when, (int)(now_ms % 1000), level, text,
                   module);
    console_flush(&cli->err);
}

static void say(struct diag *diag, const struct diag_line *line)
{
    char text[1024];
    const char *body;

    diag_print(line, text, sizeof(text));
    body = strstr(text, line->sentence); /* Behind level and module. */
    print_log_line(container_of(diag, struct cli, diag),
                   line->level == DIAG_ERROR  ? "ERROR"
                   : line->level == DIAG_WARN ? "WARN"
                                              : "INFO",
                   body ? body : text, line->module);
}

void cli_log_error(struct cli *cli, const char *sentence)
{
    print_log_line(cli, "ERROR", sentence, cli->command->kafka);
}

void cli_log_warn(struct cli *cli, const char *sentence)
{
    print_log_line(cli, "WARN", sentence, cli->command->kafka);
}

int cli_failed(struct cli *cli, const char *sentence)
{
    console_flush(&cli->out);
    console_printf(&cli->err, "%s\n", sentence);
    return 1;
}

int cli_misused(struct cli *cli, const char *sentence)
{
    struct text usage = {.data = NULL};

    options_usage(&cli->options, &usage);
    cli_failed(cli, sentence);
    console_write(&cli->err, usage.data, usage.size);
    text_fini(&usage);
    return 1;
}

/* --- waiting ----------------------------------------------------------------- */

bool cli_connect(struct cli *cli, const struct cluster_settings *settings)
{
    struct cluster_settings ours = *settings;
    uint64_t seed = cli->env->seed;

    assert(!cli->has_cluster);
    if (seed == 0)
        cli->env->io->ops->entropy(cli->env->io, &seed, sizeof(seed));
    ours.diag = &cli->diag;
    ours.resolve = resolve_host;
    if (cluster_init(&cli->cluster, &cli->loop, rng_of(seed), &ours)) {
        text_printf(&cli->why, "Invalid url in bootstrap.servers: %s",
                    settings->bootstrap ? settings->bootstrap : "");
        return false;
    }
    cli->has_cluster = true;
    return true;
}

bool cli_wait(struct cli *cli, const bool *is_done)
{
    while (!*is_done && !cli_is_stopping(cli))
        loop_turn(&cli->loop, -1);
    return *is_done;
}

enum call_outcome cli_call(struct cli *cli, struct call *call)
{
    cluster_call(&cli->cluster, call);
    while (call_is_under_way(call) && !cli_is_stopping(cli))
        loop_turn(&cli->loop, -1);
    return call_is_under_way(call) ? CALL_E_STOPPED : call->outcome;
}

/* --- subcommands ------------------------------------------------------------- */

enum { SUBCOMMANDS_MAX = 8 };

/* What a row without dashes implies is a subcommand of Kafka's command. */
static bool has_subcommands(const struct command *command)
{
    return command->implies[0] && command->implies[0] != '-';
}

/* Kafka's command reads its words by another parser than most. */
static bool is_of_arguments(const struct command *command)
{
    return has_subcommands(command) || command->mistakes == MISTAKES_NAMED ||
           command->mistakes == MISTAKES_NAMED_MILD;
}

/* What Kafka's command calls itself: two leave something out. */
static const char *program_of(const struct command *command)
{
    bool is_short = strncmp(command->kafka, "kafka-verifiable-", strlen("kafka-verifiable-")) == 0;

    return command->kafka + (is_short ? strlen("kafka-") : 0);
}

/* The subcommands are those of the rows with the same name of Kafka's. */
static struct arguments_grammar grammar_of(const struct command *command,
                                           const char *names[static SUBCOMMANDS_MAX])
{
    int count = 0;

    for (int i = 0; i < command_count && count < SUBCOMMANDS_MAX; i++)
        if (strcmp(commands[i].kafka, command->kafka) == 0 && has_subcommands(&commands[i]))
            names[count++] = commands[i].implies;
    return (struct arguments_grammar){.subcommands = names, .count = count};
}

static int parse_subcommand(struct cli *cli, int argc, char **argv)
{
    const struct command *any = cli->command;
    const char *names[SUBCOMMANDS_MAX];
    struct arguments_grammar grammar = grammar_of(any, names);
    int e = arguments_parse(&cli->options, &grammar, argc, argv, &cli->why);

    for (int i = 0; i < command_count && cli->options.subcommand; i++)
        if (strcmp(commands[i].kafka, any->kafka) == 0 &&
            strcmp(commands[i].implies, cli->options.subcommand) == 0)
            cli->command = &commands[i];
    return e;
}

static void print_subcommand_usage(struct cli *cli, struct console_out *out)
{
    const char *names[SUBCOMMANDS_MAX];
    struct arguments_grammar grammar = grammar_of(cli->command, names);
    struct text usage = {.data = NULL};

    arguments_usage(&cli->options, &grammar, program_of(cli->command), &usage);
    console_write(out, usage.data, usage.size);
    text_fini(&usage);
}

/* --- running ----------------------------------------------------------------- */

static void complete_bootstrap(struct options *options)
{
    int bootstrap = options_find(options, "bootstrap-server");
    int controller = options_find(options, "bootstrap-controller");

    if (bootstrap < 0 || options_has(options, bootstrap))
        return;
    if (controller < 0 || !options_has(options, controller))
        options_add(options, bootstrap, "localhost:9092");
}

/* What our words leave out is added, so that handlers see Kafka's options only. */
static void complete(struct cli *cli)
{
    const struct command *command = cli->command;
    struct options *options = &cli->options;

    if (*command->implies && !has_subcommands(command))
        options_add(options, options_find(options, command->implies + 2), NULL);
    if (*command->positional && options->words[0]) {
        int row = options_find(options, command->positional + 2);

        if (!options_has(options, row))
            options_add(options, row, options->words[0]);
    }
    complete_bootstrap(options);
}

static int show_help(struct cli *cli)
{
    bool is_stdout = !cli->is_kafka || is_of_arguments(cli->command);
    struct console_out *out = is_stdout ? &cli->out : &cli->err;
    struct text usage = {.data = NULL};

    if (cli->is_kafka && is_of_arguments(cli->command))
        print_subcommand_usage(cli, out);
    options_usage(&cli->options, &usage);
    console_printf(out, "%s\n", cli->command->about);
    console_write(out, usage.data, usage.size);
    text_fini(&usage);
    /* Most of Kafka's tools take a question for a mistake. */
    return cli->is_kafka && cli->command->mistakes != MISTAKES_TYPE_HELP &&
           cli->command->mistakes != MISTAKES_NAMED_MILD;
}

/* --json is ours: Kafka's commands do not know it. */
static bool knows_options(struct cli *cli)
{
    int json = options_find(&cli->options, "json");

    if (!cli->is_kafka || json < 0 || !options_has(&cli->options, json))
        return true;
    text_printf(&cli->why, "json is not a recognized option");
    return false;
}

static const struct {
    const char *name, *advice;
} old_options[] = {
#define OLD_OPTION(name_, advice_) {.name = name_, .advice = advice_},
#include "cli/old_options.def"
};

/* True if the sentence is about this name, as one of the parsers has it. */
static bool refuses(const char *why, const char *name)
{
    size_t size = strlen(name);
    const char *quoted = strstr(why, "unrecognized arguments: '--");

    if (strncmp(why, name, size) == 0 && strcmp(why + size, " is not a recognized option") == 0)
        return true;
    quoted = quoted ? strchr(quoted, '-') + 2 : NULL;
    return quoted && strncmp(quoted, name, size) == 0 && quoted[size] == '\'';
}

/* True if the advice names no option at all, or one that this command has. */
static bool is_of_use(const struct cli *cli, const char *advice)
{
    bool is_named = false;

    for (const char *at = strstr(advice, "--"); at; at = strstr(at, "--")) {
        size_t size = strcspn(at += 2, " ;,");

        is_named = true;
        for (int i = 0; i < cli->options.row_count; i++)
            if (slice_is_text(slice_of(at, size), cli->options.rows[i].name))
                return true;
    }
    return !is_named;
}

/* Says what to use instead of an option that was there once. */
static void advise(struct cli *cli)
{
    for (size_t i = 0; i < COUNT_OF(old_options) && cli->why.data; i++)
        if (refuses(cli->why.data, old_options[i].name) && is_of_use(cli, old_options[i].advice))
            console_printf(&cli->err, "moldau: --%s: %s\n", old_options[i].name,
                           old_options[i].advice);
}

static int tell_mistake(struct cli *cli)
{
    if (!cli->is_kafka)
        return cli_misused(cli, cli->why.data);
    console_flush(&cli->out);
    switch (cli->command->mistakes) {
    case MISTAKES_USAGE: return cli_misused(cli, cli->why.data);
    case MISTAKES_PLAIN: break;
    case MISTAKES_OCCURRED: console_printf(&cli->err, "Error occurred: "); break;
    case MISTAKES_NAMED:
    case MISTAKES_NAMED_MILD:
        print_subcommand_usage(cli, &cli->err);
        console_printf(&cli->err, "%s: error: ", program_of(cli->command));
        break;
    case MISTAKES_TYPE_HELP:
        console_printf(&cli->err, "Command line error: %s. Type --help for help.\n", cli->why.data);
        return 1;
    }
    return cli_failed(cli, cli->why.data);
}

int cli_mistaken(struct cli *cli)
{
    int status = tell_mistake(cli);

    advise(cli);
    return status;
}

static int parse(struct cli *cli, int argc, char **argv)
{
    struct options *options = &cli->options;

    if (cli->is_kafka && is_of_arguments(cli->command))
        return parse_subcommand(cli, argc, argv);
    if (has_subcommands(cli->command)) {
        options->subcommand = cli->command->implies;
        options->is_merged = true;
    }
    if (options_parse(options, argc, argv, &cli->why) || !knows_options(cli))
        return OPTIONS_E_INVALID;
    if (options_has(options, options_find(options, "help")) || (cli->is_kafka && argc == 0))
        return ARGUMENTS_E_HELP;
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct options *options = &cli->options;
    int e = parse(cli, argc, argv);
    int version = options_find(options, "version");

    if (e && argc == 0 && cli->is_kafka && is_of_arguments(cli->command) &&
        !has_subcommands(cli->command)) { /* No word at all is no mistake. */
        (void)show_help(cli);
        return 0;
    }
    if (e == ARGUMENTS_E_HELP)
        return show_help(cli);
    if (e)
        return cli_mistaken(cli);
    if (version >= 0 && options_has(options, version)) {
        console_printf(&cli->out, "%s (Moldau %s)\n", KAFKA_VERSION, cli->env->version);
        return 0;
    }
    if (!cli->is_kafka) {
        complete(cli);
        if (arguments_check(options, true, &cli->why) || arguments_check(options, false, &cli->why))
            return cli_mistaken(cli);
    }
    return cli->command->run(cli);
}

int cli_main(struct cli_env *env, int argc, char **argv)
{
    struct cli *cli = mem_new(sizeof(*cli));
    int words = 0;
    int status;
    int r;

    cli->env = env;
    cli->out.fd = env->out_fd;
    cli->err.fd = env->err_fd;
    cli->diag = (struct diag){.level = DIAG_WARN, .sink = say};
    cli->command = commands_find(argc, argv, &words);
    if (!cli->command) {
        status = cli_failed(cli, "no such command");
    } else {
        cli->is_kafka = strcmp(cli->command->kafka, argv[0]) == 0;
        loop_init(&cli->loop, env->io);
        options_init(&cli->options, cli->command->rows, *cli->command->row_count);
        cli->argc = argc - words;
        cli->argv = argv + words;
        status = run(cli, cli->argc, cli->argv);
        if (cli->has_cluster)
            cluster_fini(&cli->cluster);
        loop_fini(&cli->loop);
        options_fini(&cli->options);
    }
    r = console_flush(&cli->out);
    if (r && r != -EPIPE) { /* A reader that has had enough is no failure. */
        cli_failed(cli, "standard output cannot be written");
        status = 1;
    }
    console_flush(&cli->err);
    console_out_fini(&cli->out);
    console_out_fini(&cli->err);
    text_fini(&cli->why);
    mem_free(cli);
    return status;
}
