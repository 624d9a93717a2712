/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/process.h - what the process that we are in uses and may have, and holds for us.
 *
 * Threading: any thread.
 * Errors:    base/err.h.
 */

#include "base/base.h"

struct process_usage {
    double cpu_seconds;     /* Of all threads, for us and in the kernel. */
    double started_at;      /* Unix time in seconds. */
    int64_t resident_bytes; /* Memory that is there, ... */
    int64_t virtual_bytes;  /* ... and what is mapped. */
    int64_t open_files;     /* Descriptors, ... */
    int64_t open_files_max; /* ... and how many there may be. */
    int64_t threads;
};

/* Looks into a few files of /proc; what cannot be told is -1. */
void process_look(struct process_usage *out);

/* How many descriptors the process may have; 0: no bound is known.  If `raise`, first takes as
 * many as it can get. */
int64_t process_files_max(bool raise);

/* Takes the port `*port` of 127.0.0.1, or with 0 a free one, which is told there, from all who
 * look for a free one, for as long as `*out_fd` is open.  Who knows the number can listen at it,
 * stop, and listen again. */
NODISCARD int process_hold_port(uint16_t *port, int *out_fd);

/* Lets it go; -1 is allowed, and is what is left. */
void process_let_port(int *fd);
