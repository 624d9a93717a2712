/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/lines.h - the lines of the log on standard error, with the time in front.
 *
 * Threading: any thread.
 * Errors:    lines that nobody takes are lost.
 */

#include "base/diag.h"

struct lines {
    struct diag diag;
    bool is_json; /* As server.log.format has it. */
};

/* The sink of `lines->diag`: one line. */
void lines_print(struct diag *diag, const struct diag_line *line);
