/* SPDX-License-Identifier: Apache-2.0 */

/* offline/check.c - reads folders of data wholly and says what is wrong, and what a start would
 * do about it.
 *
 * That is found out by doing it: recovery runs in a world of its own (offline/overlay.h), where
 * nothing is changed, and what it leaves there is read.
 */

#include "offline/check.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "offline/commands.h"
#include "offline/overlay.h"
#include "offline/recover.h"
#include "offline/storage.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, about) CHECK_##id,
#include "offline/check.def"
    CHECK_OPTION_COUNT
};

const struct option_row check_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "offline/check.def"
};

const int check_row_count = COUNT_OF(check_rows);

/* Exit statuses: by the worst finding, or there is no telling. */
enum { STATUS_IN_ORDER = 0, STATUS_MENDED = 1, STATUS_DAMAGED = 2, STATUS_UNKNOWN = 3 };

static const char *const level_names[CHECK_LEVEL_COUNT] = {
    [CHECK_NOTE] = "note", [CHECK_MENDED] = "mended", [CHECK_DAMAGE] = "damage"};

/* --- findings --------------------------------------------------------------- */

void check_found(struct check *check, enum check_level level, const char *file, int64_t position,
                 const char *format, ...)
{
    struct check_finding *finding;
    char text[1024];
    va_list args;

    if (check->finding_count == check->finding_room) {
        check->finding_room = max_of(2 * check->finding_room, (size_t)16);
        check->findings =
            mem_resize(check->findings, check->finding_room, sizeof(*check->findings));
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    finding = &check->findings[check->finding_count++];
    *finding = (struct check_finding){.level = level,
                                      .file = mem_copy_text(file, strlen(file)),
                                      .position = position,
                                      .what = mem_copy_text(text, strlen(text))};
    check->worst = max_of(check->worst, level);
}

enum { MESSAGE_INDEXES_MADE_AGAIN = 8015 };

/* Kafka leaves the room for more entries at the indexes of the metadata log, also when it stops in
 * order. */
static bool is_usual(const struct diag_line *line, const char *text)
{
    return diag_message_id(line->sentence) == MESSAGE_INDEXES_MADE_AGAIN &&
           strstr(text, "log=" CHECK_METADATA_LOG " ");
}

/* What recovery says to an operator, without who says it. */
static void tell(struct diag *diag, const struct diag_line *line)
{
    struct check *check = container_of(diag, struct check, diag);
    char text[1024];
    const char *sentence;

    text[diag_print(line, text, sizeof(text) - 1)] = 0;
    sentence = strstr(text, line->sentence);
    check_found(check,
                line->level == DIAG_ERROR ? CHECK_DAMAGE
                : is_usual(line, text)    ? CHECK_NOTE
                                          : CHECK_MENDED,
                "", -1, "%s%s", check->dir ? "at a start: " : "", sentence ? sentence : text);
}

static void print_text(const struct check *check)
{
    struct console_out *out = &check->tool->out;

    for (size_t i = 0; i < check->finding_count; i++) {
        const struct check_finding *f = &check->findings[i];

        console_printf(out, "%s: %s%s%s", level_names[f->level], check->path, *f->file ? "/" : "",
                       f->file);
        if (f->position >= 0)
            console_printf(out, " at %" PRId64, f->position);
        console_printf(out, ": %s\n", f->what);
    }
    console_printf(out,
                   "%s: %s: %" PRId64 " logs, %" PRId64 " segments, %" PRId64 " batches, %" PRId64
                   " records, %" PRId64 " bytes\n",
                   check->path,
                   check->worst == CHECK_DAMAGE   ? "damaged"
                   : check->worst == CHECK_MENDED ? "to be brought in order"
                                                  : "in order",
                   check->logs, check->segments, check->batches, check->records, check->bytes);
}

static void add_member(struct text *out, const char *name, const char *value)
{
    text_printf(out, ", \"%s\": ", name);
    json_print_string(slice_text(value), out);
}

static void print_json(const struct check *check)
{
    struct text out = {.data = NULL};

    text_printf(&out, "{\"path\": ");
    json_print_string(slice_text(check->path), &out);
    add_member(&out, "worst", level_names[check->worst]);
    text_printf(&out,
                ", \"logs\": %" PRId64 ", \"segments\": %" PRId64 ", \"batches\": %" PRId64
                ", \"records\": %" PRId64 ", \"bytes\": %" PRId64 ", \"findings\": [",
                check->logs, check->segments, check->batches, check->records, check->bytes);
    for (size_t i = 0; i < check->finding_count; i++) {
        const struct check_finding *f = &check->findings[i];

        text_printf(&out, "%s{\"level\": \"%s\"", i ? ", " : "", level_names[f->level]);
        add_member(&out, "file", f->file);
        if (f->position >= 0)
            text_printf(&out, ", \"position\": %" PRId64, f->position);
        add_member(&out, "what", f->what);
        text_printf(&out, "}");
    }
    text_printf(&out, "]}\n");
    console_write(&check->tool->out, out.data, out.size);
    text_fini(&out);
}

/* --- logs ------------------------------------------------------------------- */

static int check_log(struct check *check, const char *name, struct uuid topic_id)
{
    bool was_clean = log_dir_was_clean(check->dir);
    struct log *log = NULL;
    int64_t start = 0;
    int64_t end = 0;
    int r;

    check_log_leftovers(check, name);
    r = log_dir_open_log(check->dir, &check->env, name, topic_id, &recover_log_config, &log);
    check->logs++;
    if (r == 0) {
        start = log_start(log);
        end = log_end(log);
        if (uuid_equal(topic_id, recover_metadata_id))
            check_metadata(check, name, log);
        r = log_dir_close_log(check->dir, log);
    }
    if (r)
        check_found(check, CHECK_DAMAGE, name, -1, "the log could not be opened: %s",
                    r < 0 ? strerror(-r) : "what is in its files cannot be read");
    else if (!was_clean)
        check_found(check, CHECK_NOTE, name, -1, "recovery leaves offsets %" PRId64 " to %" PRId64,
                    start, end);
    check_log_files(check, name);
    return 0;
}

static int check_stranger(struct check *check, const char *name, int r)
{
    if (r > 0)
        check_found(check, CHECK_DAMAGE, name, -1, "partition.metadata cannot be read");
    else
        check_found(check, CHECK_NOTE, name, -1,
                    "does not say which topic it is of: a start moves it aside as %s-stray", name);
    check_log_files(check, name);
    return 0;
}

static int check_next(void *context, const char *name, struct slice topic, int64_t partition)
{
    struct check *check = context;
    struct uuid topic_id = {{0}};
    int r = log_dir_topic_of(check->dir, check->io, name, &topic_id);

    (void)topic;
    (void)partition;
    if (r < 0)
        return err_pass(r);
    return r > 0 || uuid_is_zero(topic_id) ? check_stranger(check, name, r)
                                           : check_log(check, name, topic_id);
}

static int check_logs(struct check *check)
{
    static const char metadata[] = CHECK_METADATA_LOG;
    int r = 0;

    if (!log_dir_was_clean(check->dir))
        check_found(check, CHECK_MENDED, "", -1,
                    "was not stopped in order; a start, or `moldau recover`, does what follows");
    check_bootstrap(check);
    if (log_dir_has_log(check->dir, check->io, metadata))
        r = check_log(check, metadata, recover_metadata_id);
    return err_pass(r ? r : log_dir_walk(check->dir, check->io, check_next, check));
}

/* --- folders ---------------------------------------------------------------- */

/* Names that a start takes away, or goes on with. */
static int note_leftover(void *context, const char *name, bool is_dir)
{
    static const struct {
        const char *suffix;
        const char *what;
    } rows[] = {
        {"-delete", "is of a deleted topic: a start takes it away"},
        {"-future", "is a replica on its way from another folder, which is not gone on with"},
        {"-stray", "was moved aside, since no topic has it: it may be removed"},
    };
    struct check *check = context;

    for (size_t i = 0; i < COUNT_OF(rows) && is_dir; i++)
        if (check_has_suffix(name, rows[i].suffix))
            check_found(check, CHECK_NOTE, name, -1, "%s", rows[i].what);
    if (is_dir && strcmp(name, "moldau.commit") == 0)
        check_found(check, CHECK_MENDED, name, -1,
                    "has what was acknowledged and may not be in the segments: a start writes it "
                    "there; Apache Kafka refuses the folder until then");
    return 0;
}

static int note_leftovers(struct check *check)
{
    struct io *io = check->tool->env->io;
    int fd = -1;
    int r = io->ops->dir_open(io, IO_CWD, check->path, &fd);

    if (r == 0)
        r = io->ops->dir_list(io, fd, note_leftover, check);
    io_close(io, &fd);
    return err_pass(r);
}

static int fail(const struct check *check, const char *what)
{
    console_printf(&check->tool->err, "%s: %s\n", check->path, what);
    return STATUS_UNKNOWN;
}

static void print_refusal(const struct check *check)
{
    for (size_t i = 0; i < check->finding_count; i++)
        console_printf(&check->tool->err, "%s: %s\n", check->path, check->findings[i].what);
}

static int look(struct check *check)
{
    struct text *why = &check->tool->why;
    struct storage_meta meta;
    int r = storage_meta_read(check->io, check->path, &meta, why);

    if (r == STORAGE_E_UNFORMATTED)
        return fail(check, "is not a folder of data: there is no meta.properties");
    if (r)
        return fail(check, why->size ? why->data : strerror(-r));
    r = log_dir_open(&(struct log_dir_options){.io = check->io,
                                               .diag = &check->diag,
                                               .path = check->path,
                                               .node_id = meta.node_id,
                                               .cluster_id = meta.cluster_id},
                     &check->dir);
    if (r > 0) /* What is wrong had its line. */
        print_refusal(check);
    if (r)
        return r > 0 ? STATUS_UNKNOWN : fail(check, strerror(-r));
    r = note_leftovers(check);
    if (r == 0)
        r = check_logs(check);
    (void)log_dir_close(check->dir, false);
    return r ? fail(check, strerror(-r)) : (int)check->worst;
}

static int check_dir(struct tool *tool, const char *path)
{
    struct overlay *overlay = overlay_create(tool->env->io);
    struct check check = {.diag = {.level = DIAG_WARN, .sink = tell},
                          .tool = tool,
                          .io = overlay_io(overlay),
                          .path = path};
    int status;

    check.env = (struct log_env){.io = check.io, .diag = &check.diag};
    status = look(&check);
    if (status != STATUS_UNKNOWN && options_has(&tool->options, CHECK_json))
        print_json(&check);
    else if (status != STATUS_UNKNOWN)
        print_text(&check);
    for (size_t i = 0; i < check.finding_count; i++) {
        mem_free(check.findings[i].file);
        mem_free(check.findings[i].what);
    }
    mem_free(check.findings);
    overlay_destroy(overlay);
    return status;
}

int check_run(struct tool *tool)
{
    return tool_each_dir(tool, CHECK_dir, STATUS_UNKNOWN, check_dir);
}
