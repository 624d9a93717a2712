/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/session.h - one client's connection and its requests.
 *
 * Requests start and take effect in the order they came in, one at a time; only
 * consecutive Produce requests overlap, while none of them is with a worker.  Answers keep
 * the order.  While a request is
 * being handled that does not overlap with the next, the connection is paused.
 *
 * Threading: the shard's loop.
 * Errors:    none; a client that breaks the protocol is closed with one log line.
 */

#include "broker/request.h"
#include "net/connection.h"

struct session {
    struct connection connection;
    struct shard *shard;
    struct list_node node; /* In shard->sessions. */
    struct list requests;  /* struct request: not answered, oldest first. */
    int request_count;
    const char *end_why;     /* Not NULL: no more requests; ends behind the last answer. */
    struct buf *held;        /* Shared, or NULL: a frame that must wait, */
    struct slice held_frame; /* which borrows from it, */
    int64_t held_us;         /* and came then. */
    const struct broker_listener *listener; /* Borrowed: where it came in. */
    struct mail travel; /* Brings the session from shard 0 to its shard, and back to its end. */
    int arrival_fd;
    bool is_shed; /* Was told to end since there are too many. */
};

/* Starts a session on `shard` for an accepted socket. */
void session_start(struct shard *shard, int fd, const struct io_address *peer,
                   const struct broker_listener *listener);

/* Sends the answers that are ready, in order, and goes on with what waited. */
void session_advance(struct session *session);

/* Starts what was held back, if nothing is in its way any more. */
void session_start_held(struct session *session);

/* Takes no more requests, and closes the connection behind the answers to those there are. */
void session_end(struct session *session, const char *why);

/* Begins to end the session: what was begun is answered, a waiting Fetch at once, and the
 * connection then closed. */
void session_stop(struct session *session);

/* Ends the session at once, when its shard dies. */
void session_fini(struct session *session);
