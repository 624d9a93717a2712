/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/server_args.h"

#include "base/mem.h"
#include "broker/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_SIZE_MAX = 1024 * 1024 };

const char server_args_usage[] =
    "usage: moldau server [FILE] [--override KEY=VALUE]... [--shards N] [--port N]\n"
    "                     [--temporary] [--ready-fd N] [--control-fd N]\n"
    "\n"
    "Runs a broker that is its own controller, or as process.roles says, in the\n"
    "foreground until Ctrl-C.\n"
    "FILE is a server.properties of Kafka.  Without one the broker listens on\n"
    "localhost:9092 and keeps its data in moldau-data of the current folder.\n"
    "\n"
    "  --override KEY=VALUE   set one configuration key; wins over FILE\n"
    "  --shards N             threads that serve, as num.shards\n"
    "  --port N               listen on port N of 127.0.0.1 alone; 0: on a free one\n"
    "  --temporary            keep the data in a new folder of $TMPDIR or /tmp that is removed\n"
    "                         at the end, without syncs; wins over log.dirs\n"
    "\n"
    "For a program that runs a broker as its child:\n"
    "  --ready-fd N           write \"ready HOST:PORT\" to descriptor N, 1 for one, each time\n"
    "                         that clients are let in, \"failed TEXT\" if it comes to nothing\n"
    "  --control-fd N         read lines from descriptor N, 0 for one: \"reset\" removes all\n"
    "                         topics, groups and records, \"restart\" stops and starts again,\n"
    "                         \"stop\" or the end of the file stops\n";

enum { EXIT_SETTINGS = 1, EXIT_USAGE = 2 };

static int refuse(int code, const char *what, const struct text *why)
{
    fprintf(stderr, "moldau server: %s%s%s\n", what, why->size ? ": " : "",
            why->size ? why->data : "");
    return code;
}

static int read_file(struct settings *settings, const char *path, struct text *unserved)
{
    struct text why = {.data = NULL};
    FILE *file = fopen(path, "re");
    char *bytes = mem_new(FILE_SIZE_MAX);
    size_t size = file ? fread(bytes, 1, FILE_SIZE_MAX, file) : 0;
    int r = 0;

    if (!file || ferror(file) || size == FILE_SIZE_MAX) {
        text_printf(&why, "%s", file ? "it is not a file of settings" : strerror(errno));
        r = refuse(EXIT_SETTINGS, path, &why);
    } else if (settings_read(settings, slice_of(bytes, size), unserved, &why)) {
        r = refuse(EXIT_SETTINGS, path, &why);
    }
    if (file)
        fclose(file);
    mem_free(bytes);
    text_fini(&why);
    return r;
}

static int set_pair(struct settings *settings, const char *pair, struct text *unserved)
{
    const char *equals = strchr(pair, '=');
    struct text why = {.data = NULL};
    int r = 0;

    if (!equals)
        return refuse(EXIT_USAGE, "--override wants KEY=VALUE", &why);
    if (settings_set(settings, slice_of(pair, (size_t)(equals - pair)), slice_text(equals + 1),
                     unserved, &why))
        r = refuse(EXIT_SETTINGS, "--override", &why);
    text_fini(&why);
    return r;
}

static int set_shards(struct settings *settings, const char *number, struct text *unserved)
{
    char pair[64];

    (void)snprintf(pair, sizeof(pair), "num.shards=%s", number);
    return set_pair(settings, pair, unserved);
}

static const char *const with_value[] = {"--override", "--shards", "--port", "--ready-fd",
                                         "--control-fd"};

static bool has_value(const char *word)
{
    bool is_one = false;

    for (size_t i = 0; i < COUNT_OF(with_value); i++)
        is_one = is_one || strcmp(word, with_value[i]) == 0;
    return is_one;
}

static int read_number(const char *option, const char *word, long max, int *out)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(word, &end, 10);
    if (errno || end == word || *end || number < 0 || number > max) {
        fprintf(stderr, "moldau server: %s wants a number from 0 to %ld\n", option, max);
        return EXIT_USAGE;
    }
    *out = (int)number;
    return 0;
}

/* One option with its value, which is not of the settings' file. */
static int read_option(struct server_args *out, struct settings *settings, const char *option,
                       const char *value, struct text *unserved)
{
    if (strcmp(option, "--override") == 0)
        return set_pair(settings, value, unserved);
    if (strcmp(option, "--shards") == 0)
        return set_shards(settings, value, unserved);
    if (strcmp(option, "--port") == 0)
        return read_number(option, value, UINT16_MAX, &out->port);
    return read_number(option, value, INT16_MAX,
                       strcmp(option, "--ready-fd") == 0 ? &out->ready_fd : &out->control_fd);
}

/* Overrides win over the file, wherever they stand. */
int server_args_read(struct server_args *out, struct settings *settings, int count, char **args,
                     struct text *unserved)
{
    static const struct text nothing = {.data = NULL};
    const char *file = NULL;
    int r = 0;

    *out = (struct server_args){.port = -1, .ready_fd = -1, .control_fd = -1};
    for (int i = 0; i < count; i++) {
        bool takes_value = has_value(args[i]);
        bool is_file = args[i][0] != '-';

        if (takes_value && i + 1 == count)
            return refuse(EXIT_USAGE, "the last option wants a value", &nothing);
        if (!takes_value && !is_file && strcmp(args[i], "--temporary") != 0)
            return refuse(EXIT_USAGE, "unknown option; see moldau server --help", &nothing);
        if (is_file && file)
            return refuse(EXIT_USAGE, "more than one file", &nothing);
        if (is_file)
            file = args[i];
        i += takes_value;
    }
    if (file)
        r = read_file(settings, file, unserved);
    else
        settings_set_alone(settings);
    for (int i = 0; i < count && r == 0; i++) {
        if (strcmp(args[i], "--temporary") == 0)
            out->is_temporary = true;
        else if (has_value(args[i])) {
            r = read_option(out, settings, args[i], args[i + 1], unserved);
            i++;
        }
    }
    return r;
}
