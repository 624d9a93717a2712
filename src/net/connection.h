/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* net/connection.h - a stream of length-prefixed frames in both directions.
 *
 *      socket --> [ scratch of the shard ] --> frame() for each whole frame
 *                        |  what is left over
 *                        v
 *                 [ own buffer, grows with the bytes that arrive ]
 *
 * A frame is `i32 size` and that many bytes (Kafka's framing).  An idle connection
 * owns no buffer.  A buffer never grows by a declared length, only as bytes arrive; a
 * frame above `reserve_from` is charged to the budget whole before it is read on, and
 * while the budget is full its socket is not read.
 *
 * Outgoings queue up during a turn of the loop and are written together at its end.
 *
 * Where nothing came or went for `idle_us` and the owner has nothing under way, the
 * connection is closed.  That costs a request nothing: its timer is not moved, it looks
 * when it fires.
 *
 * The owner embeds the connection and gives three functions.  closed() is the last of
 * them, always called at the end of a turn, never inside another callback: the owner
 * frees the connection there.
 *
 * Threading: one loop.
 * Errors:    closed() gets a constant sentence.
 */

#include "base/budget.h"
#include "base/buf.h"
#include "net/outgoing.h"
#include "os/loop.h"

/* What all connections of a loop share. */
struct net {
    struct loop *loop;
    struct budget *budget; /* For frames: what they hold is charged here. */
    struct buf *scratch;   /* Owned, or NULL: where sockets are read into. */
    size_t frame_size_max; /* Larger frames close the connection. */
    size_t reserve_from;   /* Larger frames reserve before they are read. */
    int64_t idle_us;       /* Connections that are idle for longer are closed; < 0: none. */
    uint64_t bytes_in, bytes_out, frames_in;
};

struct connection;

struct connection_events {
    /* A whole frame, without its size.  It borrows from `holder`; take a buf_ref() to
     * keep it beyond the call.  The bytes may be changed by who keeps them. */
    void (*frame)(struct connection *c, struct buf *holder, struct slice frame);
    /* All outgoings were written; may be NULL. */
    void (*drained)(struct connection *c);
    /* Whether its owner has something under way, so that it is not idle; may be NULL. */
    bool (*is_busy)(struct connection *c);
    /* The end.  `why` is a constant sentence; `error` a negated errno or 0. */
    void (*closed)(struct connection *c, const char *why, int error);
};

struct connection {
    const struct connection_events *events;
    struct net *net;         /* Borrowed: outlives the connection. */
    struct io_watch watch;   /* Of the socket. */
    struct buf *input;       /* Owned, or NULL: bytes that are not delivered yet. */
    size_t input_at;         /* Delivered bytes of `input`. */
    size_t reserved;         /* Charged ahead for the frame being read. */
    struct list outgoings;   /* struct outgoing, in order. */
    struct loop_hook flush;  /* Writes at the end of the turn. */
    struct loop_timer retry; /* Looks at the budget again while it is full. */
    struct loop_timer idle;  /* At the soonest when it can have been idle for too long. */
    int64_t active_us;       /* When bytes last came or went. */
    struct io_address peer;
    bool is_paused;  /* By its owner: frames wait. */
    bool is_starved; /* The budget is full. */
    bool is_blocked; /* The socket takes no more for now. */
    bool is_closing;
    bool is_delivering; /* Inside the loop that calls frame(). */
    const char *close_why;
    int close_error;
};

/* Prepares what connections of `loop` share.  `budget` outlives it.  Idle connections stay,
 * unless `idle_us` is set before there are any. */
void net_init(struct net *net, struct loop *loop, struct budget *budget, size_t frame_size_max);

/* Frees the scratch.  All connections are gone. */
void net_fini(struct net *net);

/* Takes over the socket `fd` and begins to read. */
void connection_init(struct connection *c, struct net *net, int fd, const struct io_address *peer,
                     const struct connection_events *events);

/* Queues `outgoing`; on a closing connection its sent() is called at the end. */
void connection_send(struct connection *c, struct outgoing *outgoing);

/* Stops delivering frames, and reading once there is enough; resume goes on, from the
 * next turn of the loop. */
void connection_pause(struct connection *c);
void connection_resume(struct connection *c);

/* Begins the end: no more frames; closed() follows at the end of the turn. */
void connection_close(struct connection *c, const char *why, int error);

/* Ends at once, without any callback but sent(): for an owner that is dying. */
void connection_fini(struct connection *c);
