/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/diag_lines.h - a diag that keeps what it is told.
 *
 *     struct diag_lines lines;
 *     diag_lines_init(&lines);
 *     ... &lines.diag is given to the code under test ...
 *     check(diag_lines_have(&lines, "log tail cut off"));
 *     diag_lines_fini(&lines);
 */

#include "base/diag.h"
#include "base/text.h"

struct diag_lines {
    struct diag diag;
    struct text text; /* One line behind the other. */
};

/* No lines; all levels are heard. */
void diag_lines_init(struct diag_lines *lines);

/* Frees the lines. */
void diag_lines_fini(struct diag_lines *lines);

/* True if `part` is in a line since the beginning or the last diag_lines_clear(). */
bool diag_lines_have(const struct diag_lines *lines, const char *part);

/* Forgets the lines. */
void diag_lines_clear(struct diag_lines *lines);
