/* SPDX-License-Identifier: Apache-2.0 */

/* offline/recover.c - brings a folder of data in order that was not left so, without a broker:
 * what a start does before it serves anybody, and then what a clean stop does.
 *
 * Afterwards there is no moldau.commit any more and the mark of a clean stop is there, so that
 * Apache Kafka starts on the folder too.
 */

#include "offline/recover.h"

#include "base/err.h"
#include "base/mem.h"
#include "offline/commands.h"
#include "offline/storage.h"
#include "store/log_dir.h"

#include <inttypes.h>
#include <string.h>

enum {
#define OPTION(id, name, KIND, shows, initial, about) RECOVER_##id,
#include "offline/recover.def"
    RECOVER_OPTION_COUNT
};

const struct option_row recover_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "offline/recover.def"
};

const int recover_row_count = COUNT_OF(recover_rows);

const struct uuid recover_metadata_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

const struct log_config recover_log_config = {
    .segment_bytes = 1 << 30,
    .segment_ms = INT64_MAX,
    .index_interval_bytes = 4096,
    .index_size_max = 10 << 20,
    .max_message_bytes = INT32_MAX,
    .is_compacted = true, /* Nobody is here to say that offsets may not be missing. */
};

/* One folder. */
struct recovery {
    struct diag diag; /* First: its sink finds the rest by it. */
    struct tool *tool;
    const char *path;
    struct log_env env;
    struct log_dir *dir;
    int64_t logs, failed, strangers;
};

static void tell(struct diag *diag, const struct diag_line *line)
{
    struct recovery *recovery = container_of(diag, struct recovery, diag);
    char text[1024];

    (void)diag_print(line, text, sizeof(text));
    console_printf(&recovery->tool->err, "%s\n", text);
}

/* --- logs -------------------------------------------------------------------- */

static int recover_log(struct recovery *recovery, const char *name, struct uuid topic_id)
{
    struct log *log;
    int64_t start = 0;
    int64_t end = 0;
    int r =
        log_dir_open_log(recovery->dir, &recovery->env, name, topic_id, &recover_log_config, &log);

    if (r == 0) {
        start = log_start(log);
        end = log_end(log);
        r = log_dir_close_log(recovery->dir, log);
    }
    recovery->logs++;
    if (r == 0) {
        console_printf(&recovery->tool->out, "%s: offsets %" PRId64 " to %" PRId64 "\n", name,
                       start, end);
    } else {
        recovery->failed++;
        console_printf(&recovery->tool->err, "%s: could not be brought in order: %s\n", name,
                       r < 0 ? strerror(-r) : "what is in its files cannot be read");
    }
    return 0; /* The others are worth it all the same. */
}

static int recover_found(void *context, const char *name, struct slice topic, int64_t partition)
{
    struct recovery *recovery = context;
    struct uuid topic_id = {{0}};
    int r = log_dir_topic_of(recovery->dir, recovery->env.io, name, &topic_id);

    (void)topic;
    (void)partition;
    if (r < 0)
        return err_pass(r);
    if (r == 0 && !uuid_is_zero(topic_id))
        return recover_log(recovery, name, topic_id);
    recovery->strangers++;
    console_printf(&recovery->tool->err,
                   "%s: does not say which topic it is of, and is left as it is\n", name);
    return 0;
}

static int recover_logs(struct recovery *recovery)
{
    static const char metadata[] = "__cluster_metadata-0";
    int r = 0;

    if (log_dir_has_log(recovery->dir, recovery->env.io, metadata))
        r = recover_log(recovery, metadata, recover_metadata_id);
    if (r == 0)
        r = log_dir_walk(recovery->dir, recovery->env.io, recover_found, recovery);
    if (r == 0 && recovery->failed == 0 && !log_dir_was_clean(recovery->dir))
        r = log_dir_write_marks(recovery->dir); /* Before what they make needless goes. */
    if (r == 0 && recovery->failed == 0)
        r = log_dir_recovered(recovery->dir);
    return err_pass(r);
}

/* --- folders ----------------------------------------------------------------- */

static int fail(struct recovery *recovery, const char *what)
{
    console_printf(&recovery->tool->err, "%s: %s\n", recovery->path, what);
    return 1;
}

static int open_dir(struct recovery *recovery)
{
    struct io *io = recovery->tool->env->io;
    struct storage_meta meta;
    int r = storage_meta_read(io, recovery->path, &meta, &recovery->tool->why);

    if (r == STORAGE_E_UNFORMATTED)
        return fail(recovery, "is not a folder of data: there is no meta.properties");
    if (r)
        return fail(recovery, recovery->tool->why.size ? recovery->tool->why.data : strerror(-r));
    r = log_dir_open(&(struct log_dir_options){.io = io,
                                               .diag = &recovery->diag,
                                               .path = recovery->path,
                                               .node_id = meta.node_id,
                                               .cluster_id = meta.cluster_id},
                     &recovery->dir);
    return r < 0 ? fail(recovery, strerror(-r)) : r; /* Outcomes have had their line. */
}

static int recover_dir(struct tool *tool, const char *path)
{
    struct recovery recovery = {
        .diag = {.level = DIAG_WARN, .sink = tell}, .tool = tool, .path = path};
    int r;

    recovery.env = (struct log_env){.io = tool->env->io, .diag = &recovery.diag};
    if (open_dir(&recovery))
        return 1;
    r = recover_logs(&recovery);
    if (r || recovery.failed) {
        (void)log_dir_close(recovery.dir, false);
        return fail(&recovery, r < 0 ? strerror(-r) : "is not in order; see the lines above");
    }
    r = log_dir_close(recovery.dir, true);
    if (r)
        return fail(&recovery, strerror(-r));
    console_printf(&tool->out, "%s: in order, %" PRId64 " logs\n", path, recovery.logs);
    return 0;
}

int recover_run(struct tool *tool)
{
    return tool_each_dir(tool, RECOVER_dir, 1, recover_dir);
}
