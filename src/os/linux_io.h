/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/linux_io.h - the kernel as a struct io: epoll, system calls, a few worker threads.
 *
 * Threading: see os/io.h.  Worker threads begin with the first work that is submitted.
 * Errors:    base/err.h.
 */

#include "os/io.h"

/* A new world of files and sockets for one loop.  End it with linux_io_destroy(). */
NODISCARD int linux_io_create(struct io **out);

/* Waits for running work, without calling its done(), and frees `io`; NULL is allowed.
 * Always returns NULL. */
struct io *linux_io_destroy(struct io *io);

SCOPED_BY(linux_io_destroy, struct io *);
