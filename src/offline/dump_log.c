/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_log.c - kafka-dump-log: options, and which file is of which kind. */

#include "base/mem.h"
#include "offline/commands.h"
#include "offline/dump.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, about) DUMP_##id,
#include "offline/dump_log.def"
    DUMP_OPTION_COUNT
};

const struct option_row dump_log_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "offline/dump_log.def"
};

const int dump_log_row_count = COUNT_OF(dump_log_rows);

int dump_fail(struct dump *dump, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text_cut(&dump->tool->why, 0);
    text_printf(&dump->tool->why, "%s", text);
    return DUMP_E_FAILED;
}

/* --- names ------------------------------------------------------------------- */

const char *dump_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *dump_absolute(const struct dump *dump, const char *path)
{
    struct text text = {.data = NULL};
    char *result;

    if (path[0] != '/')
        text_printf(&text, "%s/", dump->tool->env->folder);
    text_printf(&text, "%s", path);
    result = mem_copy_text(text.data, text.size);
    text_fini(&text);
    return result;
}

int dump_base(struct dump *dump, const char *path, int64_t *out)
{
    const char *name = dump_name(path);
    int size = (int)strcspn(name, ".");
    char *end;
    long long number;

    errno = 0;
    number = strtoll(name, &end, 10);
    if (size == 0 || end != name + size || errno || *name == ' ')
        return dump_fail(dump, "For input string: \"%.*s\"", size, name);
    *out = number;
    return 0;
}

/* As java.io.File writes it: slashes once, and none at the end. */
static char *java_path(const char *text, size_t size)
{
    char *path = mem_copy_text(text, size);
    size_t used = 0;

    for (size_t i = 0; i < size; i++)
        if (path[i] != '/' || used == 0 || path[used - 1] != '/')
            path[used++] = path[i];
    if (used > 1 && path[used - 1] == '/')
        used--;
    path[used] = 0;
    return path;
}

/* --- options ----------------------------------------------------------------- */

static bool has(const struct dump *dump, int option)
{
    return options_has(&dump->tool->options, option);
}

static void read_flags(struct dump *dump)
{
    dump->is_verify = has(dump, DUMP_verify);
    dump->is_sanity = has(dump, DUMP_sanity);
    dump->skips_metadata = has(dump, DUMP_skip_metadata);
    dump->decoder = has(dump, DUMP_offsets)            ? DUMP_GROUPS
                    : has(dump, DUMP_transactions)     ? DUMP_TRANSACTIONS
                    : has(dump, DUMP_cluster_metadata) ? DUMP_METADATA
                    : has(dump, DUMP_remote)           ? DUMP_REMOTE
                    : has(dump, DUMP_share)            ? DUMP_SHARE
                                                       : DUMP_TEXTS;
    dump->prints_content = dump->decoder != DUMP_TEXTS || has(dump, DUMP_print) ||
                           has(dump, DUMP_value_decoder) || has(dump, DUMP_key_decoder);
    dump->is_deep = dump->prints_content || has(dump, DUMP_deep);
}

/* Values are looked at when they are needed, as Kafka does. */
static int read_log_options(struct dump *dump)
{
    struct options *options = &dump->tool->options;
    struct text *why = &dump->tool->why;
    int64_t bytes = 0;

    if (dump->decoder == DUMP_TEXTS) {
        if (options_get(options, DUMP_value_decoder, &dump->value_class, why) ||
            options_get(options, DUMP_key_decoder, &dump->key_class, why))
            return DUMP_E_FAILED;
        dump->value_class =
            dump->value_class ? dump->value_class : dump_log_rows[DUMP_value_decoder].initial;
        dump->key_class =
            dump->key_class ? dump->key_class : dump_log_rows[DUMP_key_decoder].initial;
        if (dump_text_check(dump, dump->value_class) || dump_text_check(dump, dump->key_class))
            return DUMP_E_FAILED;
    }
    if (options_number(options, DUMP_max_bytes, &bytes, why))
        return DUMP_E_FAILED;
    dump->bytes_max = (int32_t)bytes;
    return 0;
}

static int read_index_options(struct dump *dump)
{
    int64_t bytes = 0;

    if (options_number(&dump->tool->options, DUMP_max_message, &bytes, &dump->tool->why))
        return DUMP_E_FAILED;
    dump->message_max = (int32_t)bytes;
    return 0;
}

/* --- files ------------------------------------------------------------------- */

static int dump_file(struct dump *dump, const char *path)
{
    const char *name = dump_name(path);
    const char *suffix = strrchr(name, '.');
    int r;

    console_printf(&dump->tool->out, "Dumping %s\n", path);
    suffix = suffix ? suffix : "";
    if (strcmp(suffix, ".log") == 0 || strcmp(suffix, ".checkpoint") == 0) {
        r = read_log_options(dump);
        return r ? r : dump_batches(dump, path);
    }
    if (strcmp(suffix, ".index") == 0) {
        r = read_index_options(dump);
        return r ? r : dump_index(dump, path);
    }
    if (strcmp(suffix, ".timeindex") == 0)
        return dump_time_index(dump, path);
    if (strcmp(suffix, ".snapshot") == 0)
        return dump_snapshot(dump, path);
    if (strcmp(suffix, ".txnindex") == 0)
        return dump_transactions(dump, path);
    console_printf(&dump->tool->err, "Ignoring unknown file %s\n", path);
    return 0;
}

static int dump_files(struct dump *dump, const char *files)
{
    size_t size = strlen(files);
    int r = 0;

    while (size > 0 && files[size - 1] == ',')
        size--;
    for (size_t at = 0; at <= size && r == 0;) {
        size_t length = strcspn(files + at, ",");
        char *path;

        length = min_of(length, size - at);
        path = java_path(files + at, length);
        r = dump_file(dump, path);
        mem_free(path);
        at += length + 1;
    }
    return r;
}

int dump_log_run(struct tool *tool)
{
    struct dump dump = {.tool = tool};
    const char *files;
    int r;

    if (!has(&dump, DUMP_files))
        return tool_misused(tool, "Missing required argument \"[files]\"");
    if (options_get(&tool->options, DUMP_files, &files, &tool->why))
        return tool_failed(tool, tool->why.data);
    read_flags(&dump);
    r = dump_files(&dump, files);
    if (r == 0)
        dump_complaints_print(&dump);
    dump_complaints_forget(&dump);
    if (r && tool->why.size == 0)
        text_printf(&tool->why, "the file cannot be read: %s", strerror(-r));
    return r ? tool_failed(tool, tool->why.data) : 0;
}
