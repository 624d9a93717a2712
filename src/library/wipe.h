/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* library/wipe.h - empties the folders of a broker that does not run.
 *
 * What has a name that a broker gives is removed; whatever else somebody keeps there stays, as does
 * .lock.
 *
 * Threading: one thread; no broker runs on the folders.
 * Errors:    base/err.h: then what was not removed yet is still there.
 */

#include "os/io.h"

struct settings;

/* Removes logs, checkpoints and identity from the folders of the data. */
NODISCARD int wipe_dirs(struct io *io, const struct settings *settings);

/* Removes the folder `path` with all that is in it; no error if it is not there. */
NODISCARD int wipe_tree(struct io *io, const char *path);
