/* SPDX-License-Identifier: Apache-2.0 */

/* cli/api.c - moldau api: the messages of the protocol, as bytes and as JSON.
 *
 *     moldau api list
 *     printf %s 00030000... | moldau api decode metadata 9 --header
 *     echo '{"topics":null}' | moldau api encode metadata 9
 */

#include "wire/api.h"

#include "base/base64.h"
#include "cli/api_convert.h"
#include "cli/commands.h"

#include <errno.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, about) API_##id,
#include "cli/api.def"
    API_OPTION_COUNT
};

enum { INPUT_SIZE_MAX = 512 * 1024 * 1024 };

const struct option_row api_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/api.def"
};

const int api_row_count = COUNT_OF(api_rows);

static bool has(const struct cli *cli, int option)
{
    return options_has(&cli->options, option);
}

/* --- list ---------------------------------------------------------------------- */

static void print_api(struct cli *cli, const struct wire_api *api)
{
    static const char *const asked[] = {"", "brokers", "controllers", "brokers, controllers"};
    struct text versions = {.data = NULL};
    struct text flexible = {.data = NULL};

    text_printf(&versions, "%d-%d", api->min, api->max);
    if (api->latest > api->max)
        text_printf(&versions, " (%d)", api->latest);
    if (api->flexible != WIRE_NEVER)
        text_printf(&flexible, "%d", api->flexible);
    console_printf(&cli->out, "%3d  %-40s  %-9s  %-8s  %s\n", api->key, api->name, versions.data,
                   flexible.size ? flexible.data : "never", asked[api->listeners]);
    text_fini(&versions);
    text_fini(&flexible);
}

static int list(struct cli *cli)
{
    console_printf(&cli->out, "%3s  %-40s  %-9s  %-8s  %s\n", "KEY", "NAME", "VERSIONS", "FLEXIBLE",
                   "ASKED OF");
    for (int i = 0; i < wire_api_count; i++)
        print_api(cli, &wire_apis[i]);
    if (!has(cli, API_all))
        return 0;
    console_printf(&cli->out, "\n%-56s  %-8s  %s\n", "MESSAGE", "VERSIONS", "FLEXIBLE");
    for (int i = 0; i < wire_message_count; i++) {
        const struct wire_message *m = wire_messages[i];

        console_printf(&cli->out, "%-56s  %3d-%-4d  %d\n", m->name, m->min, m->max,
                       m->flexible == WIRE_NEVER ? -1 : m->flexible);
    }
    return 0;
}

/* --- standard input ------------------------------------------------------------- */

struct input {
    struct console_in in;
    struct text text;
    bool has_ended;
    int error;
};

static void on_data(struct console_in *in, struct slice bytes)
{
    struct input *input = container_of(in, struct input, in);

    if (input->text.size + bytes.size <= INPUT_SIZE_MAX)
        text_add(&input->text, bytes.data, bytes.size);
    else
        input->error = -EFBIG;
}

static void on_ended(struct console_in *in, int error)
{
    struct input *input = container_of(in, struct input, in);

    input->error = input->error ? input->error : error;
    input->has_ended = true;
}

static const struct console_in_events input_events = {.data = on_data, .ended = on_ended};

static int read_input(struct cli *cli, struct text *out)
{
    struct input input = {.has_ended = false};
    bool is_read;

    console_in_start(&input.in, &cli->loop, cli->env->in_fd, &input_events);
    is_read = cli_wait(cli, &input.has_ended) && !input.error;
    console_in_fini(&input.in);
    *out = input.text;
    return is_read ? 0 : cli_failed(cli, "standard input cannot be read");
}

/* --- decode, encode -------------------------------------------------------------- */

/* Hex becomes bytes in its place. */
static int decode(struct cli *cli, const struct api_form *form, struct text *input)
{
    unsigned flags = has(cli, API_sizes) ? CODEC_JSON_SIZES : 0;
    struct text out = {.data = NULL};
    struct slice bytes = text_slice(input);
    size_t size = bytes.size;
    int status;

    if (!has(cli, API_binary) && base64_parse_hex(bytes, (uint8_t *)input->data, &size))
        return cli_failed(cli, "This is no hex; --binary is for bytes as they are");
    bytes.size = size;
    status = api_convert_decode(form, bytes, flags, &out, &cli->why)
                 ? cli_failed(cli, cli->why.data)
                 : 0;
    if (status == 0) {
        console_write(&cli->out, out.data, out.size);
        console_write(&cli->out, "\n", 1);
    }
    text_fini(&out);
    return status;
}

static int encode(struct cli *cli, const struct api_form *form, const struct text *input)
{
    struct text bytes = {.data = NULL};
    struct text hex = {.data = NULL};
    int status = 0;

    if (api_convert_encode(form, text_slice(input), &bytes, &cli->why)) {
        status = cli_failed(cli, cli->why.data);
    } else if (has(cli, API_binary)) {
        console_write(&cli->out, bytes.data, bytes.size);
    } else {
        base64_print_hex(text_slice(&bytes), &hex);
        console_printf(&cli->out, "%s\n", hex.size ? hex.data : "");
    }
    text_fini(&bytes);
    text_fini(&hex);
    return status;
}

static int convert(struct cli *cli)
{
    struct api_wish wish = {.name = cli->options.words[0],
                            .version = cli->options.words[1],
                            .is_response = has(cli, API_response),
                            .has_header = has(cli, API_header),
                            .has_size = has(cli, API_frame)};
    struct text input = {.data = NULL};
    struct api_form form;
    int status;

    if (!wish.name)
        return cli_misused(cli, "Which API? moldau api list names them");
    if (api_form_find(&wish, &form, &cli->why))
        return cli_failed(cli, cli->why.data);
    status = read_input(cli, &input);
    if (status == 0)
        status = has(cli, API_decode) ? decode(cli, &form, &input) : encode(cli, &form, &input);
    text_fini(&input);
    return status;
}

int api_run(struct cli *cli)
{
    int verbs = has(cli, API_list) + has(cli, API_decode) + has(cli, API_encode);

    if (verbs != 1)
        return cli_misused(cli, "One of list, decode and encode");
    return has(cli, API_list) ? list(cli) : convert(cli);
}
