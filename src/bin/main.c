/* SPDX-License-Identifier: Apache-2.0 */

/* bin/main.c - the program `moldau`: the first word says which part of it is wanted. */

#include "base/text.h"
#include "bin/server.h"
#include "bin/signals.h"
#include "cli/cli.h"
#include "offline/offline.h"
#include "os/linux_io.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- commands that talk to a cluster ---------------------------------------- */

struct command {
    struct cli_env env;
    struct io_watch signals;
};

/* A second signal is not waited for: the process ends as it would without us. */
static void on_signal(struct io_watch *watch, unsigned events)
{
    struct command *command = container_of(watch, struct command, signals);
    int signal = signals_take(watch);

    (void)events;
    if (signal && command->env.is_stopping)
        _exit(128 + signal);
    if (signal)
        cli_stop(&command->env);
}

static int run_command(int argc, char **argv)
{
    struct command command = {
        .env = {.in_fd = STDIN_FILENO,
                .out_fd = STDOUT_FILENO,
                .err_fd = STDERR_FILENO,
                .version = MOLDAU_VERSION},
        .signals = {.ready = on_signal, .fd = -1},
    };
    scoped(linux_io_destroyp) struct io *io = NULL;
    int result;

    if (signals_open(&command.signals) || linux_io_create(&io)) {
        fprintf(stderr, "moldau: no file descriptors are left\n");
        return 1;
    }
    command.env.io = io;
    io_watch(io, &command.signals, IO_READABLE);
    result = cli_main(&command.env, argc, argv);
    io_watch(io, &command.signals, 0);
    io_close(io, &command.signals.fd);
    return result;
}

/* --- commands that read files ------------------------------------------------ */

static int run_offline(int argc, char **argv)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    char folder[PATH_MAX];
    struct offline_env env = {.out_fd = STDOUT_FILENO,
                              .err_fd = STDERR_FILENO,
                              .version = MOLDAU_VERSION,
                              .folder = folder};

    if (linux_io_create(&io) || !getcwd(folder, sizeof(folder))) {
        fprintf(stderr, "moldau: no file descriptors are left, or there is no current folder\n");
        return 1;
    }
    env.io = io;
    return offline_main(&env, argc, argv);
}

/* --- the first word --------------------------------------------------------- */

static void print_help(void)
{
    struct text commands = {.data = NULL};

    cli_help(&commands);
    offline_help(&commands);
    printf("Moldau " MOLDAU_VERSION ": a Kafka-compatible event streaming platform\n"
           "\n"
           "Usage: moldau COMMAND [OPTION]...; --help behind a command lists its options\n"
           "\n"
           "  %-18s run a broker in the foreground\n"
           "%s"
           "  %-18s print the version\n",
           "server", commands.data ? commands.data : "", "version");
    text_fini(&commands);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";

    if (strcmp(word, "server") == 0)
        return server_main(argc - 2, argv + 2);
    if (cli_has_command(word))
        return run_command(argc - 1, argv + 1);
    if (offline_has_command(word))
        return run_offline(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("moldau " MOLDAU_VERSION "\n");
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help();
        return 0;
    }
    fprintf(stderr, "moldau: there is no command \"%s\"; moldau --help lists them\n", word);
    return 2;
}
