/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/server_args.h"

#include "base/mem.h"
#include "broker/settings.h"

#include <errno.h>
#include <stdio.h>

enum { FILE_SIZE_MAX = 1024 * 1024 };

const char server_args_usage[] =
    "usage: moldau server [FILE] [--override KEY=VALUE]... [--shards N]\n"
    "\n"
    "Runs a broker that is its own controller, or as process.roles says, in the\n"
    "foreground until Ctrl-C.\n"
    "FILE is a server.properties of Kafka.  Without one the broker listens on\n"
    "localhost:9092 and keeps its data in moldau-data of the current folder.\n"
    "\n"
    "  --override KEY=VALUE   set one configuration key; wins over FILE\n"
    "  --shards N             threads that serve, as num.shards\n";

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

/* Overrides win over the file, wherever they stand. */
int server_args_read(struct settings *settings, int count, char **args, struct text *unserved)
{
    static const struct text nothing = {.data = NULL};
    const char *file = NULL;
    int r = 0;

    for (int i = 0; i < count; i++) {
        bool has_value = strcmp(args[i], "--override") == 0 || strcmp(args[i], "--shards") == 0;

        if (has_value && i + 1 == count)
            return refuse(EXIT_USAGE, "the last option wants a value", &nothing);
        if (!has_value && (args[i][0] == '-' || file))
            return refuse(EXIT_USAGE,
                          args[i][0] == '-' ? "unknown option; see moldau server --help"
                                            : "more than one file",
                          &nothing);
        if (!has_value)
            file = args[i];
        i += has_value;
    }
    if (file)
        r = read_file(settings, file, unserved);
    else
        settings_set_alone(settings);
    for (int i = 0; i + 1 < count && r == 0; i++) {
        if (strcmp(args[i], "--override") == 0)
            r = set_pair(settings, args[++i], unserved);
        else if (strcmp(args[i], "--shards") == 0)
            r = set_shards(settings, args[++i], unserved);
    }
    return r;
}

DIAG_MODULE("server");

void server_args_warn(struct diag *diag, const struct text *unserved)
{
    const char *at = unserved->data;

    while (at && *at) {
        size_t size = strcspn(at, "\n");

        const struct config_row *row = settings_find(slice_of(at, size));

        if (row && row->flags & CONFIG_RETIRED)
            diag_warn(diag, "configuration key is of an older Kafka and changes nothing",
                      kv("key", slice_of(at, size)));
        else
            diag_warn(diag, "configuration key is not served yet and changes nothing",
                      kv("key", slice_of(at, size)));
        at += size + (at[size] == '\n');
    }
}
