/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/log_files.h - the names of the files in a log's folder.
 *
 * Threading: none of its own.
 * Errors:    base/err.h.
 */

#include "store/log.h"

struct log_bases {
    int64_t *items; /* Owned; ascending. */
    size_t count, room;
};

/* What is in a log's folder. */
struct log_listing {
    struct log_bases segments, snapshots;
    struct log_bases indexes; /* One for each file: bases may come more than once. */
    struct log_bases aborted; /* Segments that have an index of aborted transactions. */
    struct text deleted;      /* Names of files that are to go, each with a zero byte behind it. */
};

/* Lists the folder; `out` is empty before, and to be freed in any case. */
NODISCARD int log_list_folder(struct io *io, const struct file *folder, struct log_listing *out);
void log_listing_fini(struct log_listing *listing);

/* True if one of the bases is `base`. */
bool log_bases_have(const struct log_bases *bases, int64_t base);

/* Removes the file `base``suffix` of the log's folder; no error if there is none. */
NODISCARD int log_unlink(const struct log *log, int64_t base, const char *suffix);

/* The offset of `00000000000000004210<suffix>`, or -1. */
int64_t log_name_base(const char *name, const char *suffix);

/* Removes the indexes of a segment that there is not; no error if there are none. */
int log_unlink_indexes(const struct log *log, int64_t base);
