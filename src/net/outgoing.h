/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* net/outgoing.h - one message on its way out: pieces of memory and of files.
 *
 * Embedded in whatever keeps the pieces alive.  A connection sends its outgoings in
 * the order they were given; sent() is called once for each, when all of it is with
 * the kernel or when the connection is gone.
 *
 * Threading: the connection's loop.
 * Errors:    none; sent() is told.
 */

#include "base/list.h"
#include "os/io.h"

struct piece {
    const void *data;  /* Borrowed from the outgoing's owner; NULL: bytes of `file`. */
    int file;          /* Stays open until sent(). */
    uint64_t position; /* In `file`. */
    size_t size;
};

struct outgoing {
    struct list_node node;      /* Linked in connection->outgoings, else bare. */
    const struct piece *pieces; /* Borrowed, until sent(). */
    size_t count;
    size_t at;   /* The piece being sent. */
    size_t done; /* Bytes of it that are gone. */
    void (*sent)(struct outgoing *outgoing, bool whole);
};
