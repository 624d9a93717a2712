/* SPDX-License-Identifier: Apache-2.0 */

/* bin/main.c - the program `moldau`: the first word says which part of it is wanted. */

#include "base/text.h"
#include "bin/command.h"
#include "bin/server.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Moldau " MOLDAU_VERSION ": a Kafka-compatible event streaming platform\n"
    "\n"
    "  moldau server [FILE] [--override KEY=VALUE]... [--shards N]\n"
    "                      run a broker; FILE is a server.properties\n"
    "  moldau --version\n"
    "\n"
    "Commands for a running cluster; --help after one of them lists its options:\n"
    "\n";

static int help(void)
{
    struct text commands = {.data = NULL};

    cli_help(&commands);
    printf("%s%s\nApache Kafka's names for them (kafka-topics and so on) work too; see bin/.\n",
           usage, commands.data);
    text_fini(&commands);
    return 0;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";

    if (strcmp(word, "server") == 0)
        return server_main(argc - 2, argv + 2);
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("moldau " MOLDAU_VERSION "\n");
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return help();
    if (command_is_one(word))
        return command_main(argc - 1, argv + 1);
    fprintf(stderr, "moldau: there is no command \"%s\"; moldau --help lists them\n", word);
    return 2;
}
