/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/process.h - what the process that we are in may have, and holds for us.
 *
 * Threading: any thread.
 * Errors:    base/err.h.
 */

#include "base/base.h"

/* How many descriptors the process may have; 0: no bound is known.  If `raise`, first takes as
 * many as it can get. */
int64_t process_files_max(bool raise);

/* Takes the port `*port` of 127.0.0.1, or with 0 a free one, which is told there, from all who
 * look for a free one, for as long as `*out_fd` is open.  Who knows the number can listen at it,
 * stop, and listen again. */
NODISCARD int process_hold_port(uint16_t *port, int *out_fd);

/* Lets it go; -1 is allowed, and is what is left. */
void process_let_port(int *fd);
