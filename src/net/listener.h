/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* net/listener.h - a port that strangers connect to.
 *
 * Where no more sockets can be had (too many descriptors), those that wait are looked at
 * again a little later instead of at once and for ever.
 *
 * Threading: one loop; an accepted socket may be handed to another one.
 * Errors:    base/err.h.
 */

#include "os/loop.h"

struct listener {
    struct loop *loop;       /* Borrowed: outlives the listener. */
    struct io_watch watch;   /* Of the socket; fd -1 when not open. */
    struct loop_timer retry; /* Accepts again after the world refused to. */
    struct io_address bound; /* With the port that was chosen. */
    bool is_held;            /* Who connects has to wait. */
    /* A new socket, which is the callee's. */
    void (*accepted)(struct listener *listener, int fd, const struct io_address *peer);
};

/* Listens at `address`. */
NODISCARD int
listener_open(struct listener *listener, struct loop *loop, const struct io_address *address,
              void (*accepted)(struct listener *listener, int fd, const struct io_address *peer));

/* Accepts nobody until it is let go again; who connects waits in the kernel's queue.  May be
 * called by accepted(). */
void listener_hold(struct listener *listener, bool is_held);

/* Stops listening; a listener that is not open is left alone. */
void listener_close(struct listener *listener);
