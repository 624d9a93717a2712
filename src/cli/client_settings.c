/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_settings.h"

#include <errno.h>
#include <string.h>

DIAG_MODULE("cli");

enum { FILE_SIZE_MAX = 16 * 1024 * 1024 };

bool client_settings_set(struct cli *cli, struct client_config *config, struct slice key,
                         struct slice value)
{
    const struct config_row *row = config_find(&client_config_table, key);

    if (row)
        return config_set(row, config, value, &cli->why) == 0;
    diag_warn(&cli->diag, "the setting is not known and changes nothing", kv("key", key));
    return true;
}

struct reading {
    struct cli *cli;
    struct client_config *config;
};

static int set_pair(void *context, struct slice key, struct slice value)
{
    struct reading *reading = context;

    return client_settings_set(reading->cli, reading->config, key, value) ? 0 : -EINVAL;
}

bool client_settings_read(struct cli *cli, struct client_config *config, const char *path)
{
    struct reading reading = {.cli = cli, .config = config};
    struct text file = {.data = NULL};
    int r = console_read_file(path, FILE_SIZE_MAX, &file);

    if (r)
        text_printf(&cli->why, "%s", path);
    else
        r = config_parse(text_slice(&file), set_pair, &reading, &cli->why);
    text_fini(&file);
    return r == 0;
}

bool client_settings_word(struct cli *cli, struct client_config *config, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : strlen(word);

    return client_settings_set(cli, config, slice_of(word, size),
                               equals ? slice_text(equals + 1) : slice_empty());
}
