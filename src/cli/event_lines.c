/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event_lines.h"

#include "base/json.h"
#include "cli/client_settings.h"

#include <inttypes.h>
#include <stdlib.h>

void event_begin(struct cli *cli, struct text *line, const char *name)
{
    text_printf(line, "{\"timestamp\":%" PRId64 ",\"name\":\"%s\"", io_wall_ms(cli->env->io), name);
}

void event_end(struct cli *cli, struct text *line)
{
    text_printf(line, "}\n");
    console_write(&cli->out, line->data, line->size);
    console_flush(&cli->out);
    text_fini(line);
}

void event_text(struct text *line, const char *field, struct slice value)
{
    text_printf(line, ",\"%s\":", field);
    if (slice_is_null(value))
        text_printf(line, "null");
    else
        json_print_string(value, line);
}

void event_print(struct cli *cli, const char *name)
{
    struct text line = {.data = NULL};

    event_begin(cli, &line, name);
    event_end(cli, &line);
}

bool event_settings(struct cli *cli, struct client_config *config, int old_file, int new_file)
{
    const struct option_row *rows = cli->options.rows;
    const char *old_path = options_nth(&cli->options, old_file, 0);
    const char *new_path = options_nth(&cli->options, new_file, 0);

    if (old_path && new_path) {
        text_printf(&cli->why, "Options --%s and --%s are mutually exclusive.", rows[old_file].name,
                    rows[new_file].name);
        return false;
    }
    if (old_path)
        console_printf(&cli->out,
                       "Option --%s has been deprecated and will be removed in a future version. "
                       "Use --%s instead.\n",
                       rows[old_file].name, rows[new_file].name);
    if (!old_path && !new_path)
        return true;
    return client_settings_read(cli, config, old_path ? old_path : new_path);
}

int64_t event_number(const struct cli *cli, int row)
{
    const char *word = options_nth(&cli->options, row, 0);

    if (!word)
        word = cli->options.rows[row].initial;
    return word ? strtoll(word, NULL, 10) : 0;
}
