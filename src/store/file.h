/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/file.h - open files with several users, and small files that are replaced whole.
 *
 * The file of a segment is used by its log, by the worker that syncs it and by answers
 * that are on their way to a socket, on several threads; it is closed behind the last of
 * them.
 *
 * Threading: counts are atomic; everything else is the caller's.
 * Errors:    base/err.h.
 */

#include "base/text.h"
#include "os/io.h"

struct file {
    _Atomic uint32_t refs;
    struct io *io; /* Borrowed: any io of the node closes it. */
    int fd;
};

/* Opens `name` in `dir`; on success one reference is the caller's.  Flags are io.h's. */
NODISCARD int file_open(struct io *io, int dir, const char *name, unsigned flags,
                        struct file **out);

/* Opens the folder `name` in `dir`. */
NODISCARD int file_open_dir(struct io *io, int dir, const char *name, struct file **out);

/* One more reference. */
struct file *file_ref(struct file *file);

/* Drops a reference, and closes behind the last; NULL is allowed.  Always returns NULL. */
struct file *file_unref(struct file *file);

SCOPED_BY(file_unref, struct file *);

/* Adds the whole of a small file to `out`; -EFBIG above `size_max` bytes. */
NODISCARD int file_load(struct io *io, int dir, const char *name, size_t size_max,
                        struct text *out);

/* Makes `bytes` the content of `name`: written beside it, synced, renamed.  After a crash
 * there is the old content or the new one.  The name is durable when `dir` is synced. */
NODISCARD int file_replace(struct io *io, int dir, const char *name, struct slice bytes);

/* The same where another thread may replace `name` at the same time: each has its own `suffix`
 * for the file beside it, which ends in ".tmp".  Either content is then to be right. */
NODISCARD int file_replace_beside(struct io *io, int dir, const char *name, const char *suffix,
                                  struct slice bytes);
