/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/compat/peer.h - what programs that write folders of data for Kafka have in common.
 *
 * Threading: one thread.
 * Errors:    end the process, with a sentence.
 */

#include "base/diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the process if `what` did not work. */
static inline void must(int r, const char *what)
{
    if (r) {
        fprintf(stderr, "%s: %s: %d\n", program_invocation_short_name, what, r);
        exit(1);
    }
}

/* A sink for lines of the log. */
static inline void print_line(struct diag *diag, const struct diag_line *line)
{
    char text[512];

    (void)diag;
    (void)diag_print(line, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
}
