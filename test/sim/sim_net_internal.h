/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/sim_net_internal.h - connections: sim_link.c has what is under way, sim_net.c
 * the calls of struct io.
 *
 *      socket --send()--> [ pipe: packets under way ] --> [ received ] --recv()--> socket
 *
 * A connection is a link of two pipes, one for each direction, which carry everything in
 * order: the wish to connect, its answer, bytes, the end, a reset.  Only the first packet
 * of a pipe has an event in the world's queue.  Where the way is cut or the machine at its
 * end has no power, that packet is tried again later, as TCP would.
 */

#include "test/sim/sim_internal.h"

enum packet_kind { PACKET_SYN, PACKET_ACCEPTED, PACKET_BYTES, PACKET_END, PACKET_RESET };

struct packet {
    struct list_node node; /* In pipe->packets. */
    enum packet_kind kind;
    int64_t at_us; /* When it arrives at the earliest. */
    size_t size;
    uint8_t bytes[];
};

/* One direction of a link. */
struct pipe {
    struct sim_event arrival; /* Of the first packet. */
    struct list packets;      /* struct packet, in order. */
    struct link *link;
    struct socket *to;        /* Borrowed, or NULL: not made yet, or closed. */
    struct sim_node *to_node; /* Borrowed: where it leads. */
    size_t under_way;         /* Bytes in packets. */
};

/* A connection; it lives until both sockets are closed and nothing is under way. */
struct link {
    struct list_node node; /* In sim->links. */
    struct sim *sim;
    struct pipe pipes[2];      /* From who connects, and back. */
    struct io_address address; /* That was connected to. */
    uint16_t from_port;
    size_t window; /* Bytes that one direction holds, under way and received. */
    int sockets;   /* That are open. */
};

struct socket {
    struct sim_node *node;
    int fd;                   /* -1 until it is accepted. */
    struct io_watch *watch;   /* Borrowed, or NULL. */
    struct sim_io *watcher;   /* Whose watch it is. */
    struct list_node watched; /* In watcher->watched. */

    struct list backlog;      /* struct socket, of a listener: not accepted yet. */
    struct list_node pending; /* In a listener's backlog; of a listener, in sim->listeners. */
    struct io_address bound;  /* Of a listener. */
    bool is_listener;

    struct link *link; /* NULL for a listener. */
    int side;          /* The pipe that it sends into. */
    uint8_t *received; /* Owned. */
    size_t received_from, received_to, received_room;
    int error; /* Told once, then the end. */
    bool is_connected, is_ended, is_broken;
};

/* Two machines that do not reach each other. */
struct cut {
    struct list_node node; /* In sim->cuts. */
    const struct sim_node *a, *b;
};

static inline struct pipe *out_of(const struct socket *socket)
{
    return &socket->link->pipes[socket->side];
}

static inline struct pipe *into(const struct socket *socket)
{
    return &socket->link->pipes[!socket->side];
}

/* The other direction. */
static inline struct pipe *pipe_back(struct pipe *pipe)
{
    return &pipe->link->pipes[pipe == &pipe->link->pipes[0]];
}

/* --- sim_link.c --- */

/* A connection from `from` to whoever listens at `address` of `to`. */
struct link *sim_link_create(struct sim_node *from, struct sim_node *to,
                             const struct io_address *address);

/* Frees the link if nobody needs it any more. */
void sim_link_collect(struct link *link);

/* Sends a packet on its way. */
void pipe_post(struct pipe *pipe, enum packet_kind kind, const void *bytes, size_t size);

/* Forgets what is under way. */
void pipe_drop(struct pipe *pipe);

/* --- sim_net.c --- */

/* A socket at one end of `link`, without a descriptor. */
struct socket *socket_of_link(struct link *link, int side, struct sim_node *node);

/* Who hears a connection to `to` on this machine, or NULL. */
struct socket *listener_find(struct sim *sim, const struct machine *machine,
                             const struct io_address *to);

/* Somebody may be waiting for what has just changed; NULL is allowed. */
void socket_changed(struct socket *socket);

/* A port that nobody has had yet. */
uint16_t machine_choose_port(struct machine *machine);
