/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/host.h - the program that has started `moldau server` as its child, and its lines.
 *
 *      us to it (--ready-fd):    ready HOST:PORT      each time that clients are let in
 *                                failed TEXT          it will not; the process ends
 *                                refused TEXT         of a line that is not understood
 *      it to us (--control-fd):  reset restart stop   one a line; the end of the file is a stop
 *
 * Threading: shard 0's loop, but host_note() on any thread.
 * Errors:    who does not listen does not hear.
 */

#include "library/node.h"

enum { HOST_LINE_MAX = 64, HOST_TEXT_MAX = 1024 };

struct host {
    struct io_watch control;         /* fd -1: there is none. */
    int ready_fd;                    /* Likewise. */
    struct node *node;               /* Borrowed. */
    void (*stop)(struct host *host); /* It is to end. */
    char line[HOST_LINE_MAX];        /* Of which there is no end yet. */
    size_t line_size;
    _Atomic bool has_reason;
    char reason[HOST_TEXT_MAX];
};

/* Looks whether the descriptors can be what they are to be: NULL, or what is wrong. */
const char *host_open(struct host *host, int control_fd, int ready_fd);

/* Clients are let in. */
void host_tell_ready(struct host *host, const struct broker *broker);

/* A line of the log: the first error is told by host_tell_failed(). */
void host_note(struct host *host, const struct diag_line *line);

/* The process ends, and not because it was told to. */
void host_tell_failed(struct host *host);
