/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/check.h - what the files of `check` share.
 *
 *      check.c           options, folders, and what is said of them
 *      check_log.c       the files of one log, read wholly
 *      check_metadata.c  the metadata of the cluster, read as a start reads it
 *
 * Threading: one thread.
 * Errors:    findings.
 */

#include "base/diag.h"
#include "offline/tool.h"
#include "store/log_dir.h"

#define CHECK_METADATA_LOG "__cluster_metadata-0"

/* From harmless to not. */
enum check_level {
    CHECK_NOTE,   /* That is so. */
    CHECK_MENDED, /* A start brings it in order, and nothing that was acknowledged is lost. */
    CHECK_DAMAGE, /* Something cannot be read any more. */
    CHECK_LEVEL_COUNT
};

struct check_finding {
    enum check_level level;
    char *file;       /* Owned: below the folder of data; empty: the folder itself. */
    int64_t position; /* In it; -1: none. */
    char *what;       /* Owned: a sentence. */
};

/* A folder of data. */
struct check {
    struct diag diag; /* First: its sink finds the rest by it. */
    struct tool *tool;
    struct io *io; /* Borrowed: the overlay. */
    const char *path;
    struct log_env env;
    struct log_dir *dir;
    struct check_finding *findings; /* Owned array. */
    size_t finding_count, finding_room;
    enum check_level worst;
    int64_t logs, segments, batches, records, bytes;
};

/* Adds a finding. */
void check_found(struct check *check, enum check_level level, const char *file, int64_t position,
                 const char *format, ...) PRINTF(5, 6);

/* Notes the files that opening the log `name` takes away or goes on with; it was not opened. */
void check_log_leftovers(struct check *check, const char *name);

/* Reads all files in the folder of the log `name`, which is as recovery has left it. */
void check_log_files(struct check *check, const char *name);

/* Reads the snapshots of the metadata, what the open log has behind them, and quorum-state. */
void check_metadata(struct check *check, const char *name, struct log *log);

/* Reads bootstrap.checkpoint, if there is one. */
void check_bootstrap(struct check *check);

/* True if `name` ends with `suffix`. */
bool check_has_suffix(const char *name, const char *suffix);
