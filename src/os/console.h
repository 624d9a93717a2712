/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/console.h - standard input and output of a command.
 *
 * Input comes in pieces, from the loop: pipes and terminals are watched, whatever cannot
 * be watched (a file, /dev/null) is read a piece a turn.  While it is paused nothing is
 * read, so that a fast writer in front of us waits.
 *
 * Output is gathered and written when there is much of it, or when it is flushed; a write
 * waits as long as the reader behind us makes it wait.  After an error nothing more is
 * written; the first error stays, so that a broken pipe is seen by whoever asks.
 *
 * The descriptors belong to the process and are not closed here.
 *
 * Threading: one loop.
 * Errors:    base/err.h.
 */

#include "base/text.h"
#include "os/loop.h"

enum { CONSOLE_PIECE_SIZE = 256 * 1024, CONSOLE_FLUSH_AT = 64 * 1024 };

struct console_in;

struct console_in_events {
    /* Some bytes, which are gone after the call. */
    void (*data)(struct console_in *in, struct slice bytes);
    /* The end: 0, or why reading failed.  Nothing follows. */
    void (*ended)(struct console_in *in, int error);
};

struct console_in {
    struct loop *loop; /* Borrowed. */
    const struct console_in_events *events;
    struct io_watch watch;   /* If it can be watched. */
    struct loop_timer timer; /* Else: the next read. */
    uint8_t *buffer;         /* Owned. */
    bool is_watchable, is_paused, has_ended;
};

/* Begins to read `fd`. */
void console_in_start(struct console_in *in, struct loop *loop, int fd,
                      const struct console_in_events *events);

/* Stops and goes on. */
void console_in_pause(struct console_in *in);
void console_in_resume(struct console_in *in);

/* Ends reading; one that was not started is left alone. */
void console_in_fini(struct console_in *in);

/* True if `fd` is a terminal. */
bool console_is_terminal(int fd);

struct console_out {
    int fd;
    struct text gathered;
    int error; /* The first one, or 0. */
};

/* Adds bytes. */
void console_write(struct console_out *out, const void *data, size_t size);

/* Adds formatted text. */
void console_printf(struct console_out *out, const char *format, ...) PRINTF(2, 3);

/* Writes what was gathered; returns the first error there was. */
int console_flush(struct console_out *out);

/* Frees what was not written. */
void console_out_fini(struct console_out *out);

/* Reads a whole file, at most `size_max` bytes of it, for configuration. */
NODISCARD int console_read_file(const char *path, size_t size_max, struct text *out);
