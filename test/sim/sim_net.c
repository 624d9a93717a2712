/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim_net.c - sockets, and the calls of struct io for them. */

#include "base/mem.h"
#include "test/sim/sim_net_internal.h"

#include <string.h>

enum {
    FIRST_PORT = 32768,
    PIECE_MIN = 512,
    SHORT_SEND_PERCENT = 10,
    PIECES_PERCENT = 20, /* Of sends arrive in more than one packet. */
};

static bool is_host(const struct sim_node *node, const char *host, bool is_from_itself)
{
    if (strcmp(host, node->host) == 0)
        return true;
    return is_from_itself && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
}

/* True if a listener that was bound to `bound` hears who connects to `host`. */
static bool is_bound_to(const struct io_address *bound, const struct io_address *to)
{
    bool is_v6 = strchr(to->host, ':') != NULL;

    if (bound->port != to->port)
        return false;
    return strcmp(bound->host, to->host) == 0 || strcmp(bound->host, is_v6 ? "::" : "0.0.0.0") == 0;
}

struct socket *listener_find(struct sim *sim, const struct machine *machine,
                             const struct io_address *to)
{
    list_each (node, &sim->listeners) {
        struct socket *socket = container_of(node, struct socket, pending);

        if (socket->node->machine == machine && is_bound_to(&socket->bound, to))
            return socket;
    }
    return NULL;
}

/* --- sockets ---------------------------------------------------------------- */

void socket_changed(struct socket *socket)
{
    if (socket && socket->watch)
        sim_io_reschedule(socket->watcher);
}

static size_t held(const struct pipe *pipe)
{
    return pipe->under_way + (pipe->to ? pipe->to->received_to - pipe->to->received_from : 0);
}

static size_t room(const struct socket *socket)
{
    size_t taken = held(out_of(socket));

    return taken < socket->link->window ? socket->link->window - taken : 0;
}

static unsigned socket_ready(const struct socket *socket)
{
    unsigned events = 0;

    if (socket->is_listener)
        return list_is_empty(&socket->backlog) ? 0 : IO_READABLE;
    if (socket->is_broken)
        return IO_READABLE | IO_WRITABLE;
    if (socket->received_to > socket->received_from || socket->is_ended)
        events |= IO_READABLE;
    if (socket->is_connected && room(socket) >= socket->link->window / 3)
        events |= IO_WRITABLE;
    return events;
}

struct io_watch *sim_watch_of(struct list_node *watched)
{
    return container_of(watched, struct socket, watched)->watch;
}

/* A broken socket is told of whatever one looks for. */
unsigned sim_ready_of(struct list_node *watched)
{
    const struct socket *socket = container_of(watched, struct socket, watched);
    unsigned events = socket_ready(socket);

    return socket->is_broken ? events : events & socket->watch->events;
}

void sim_watch_drop(struct list_node *watched)
{
    struct socket *socket = container_of(watched, struct socket, watched);

    list_remove(watched);
    socket->watch = NULL;
    socket->watcher = NULL;
}

static struct socket *socket_create(struct sim_node *node)
{
    struct socket *socket = mem_new(sizeof(*socket));

    socket->node = node;
    socket->fd = -1;
    list_init(&socket->backlog);
    return socket;
}

struct socket *socket_of_link(struct link *link, int side, struct sim_node *node)
{
    struct socket *socket = socket_create(node);

    socket->link = link;
    socket->side = side;
    link->sockets++;
    into(socket)->to = socket;
    return socket;
}

/* --- listening and connecting ----------------------------------------------- */

static bool is_numeric(const char *host)
{
    return host[0] && strspn(host, "0123456789abcdefABCDEF.:") == strlen(host);
}

static bool can_bind(const struct sim_node *node, const char *host)
{
    return is_host(node, host, true) || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

uint16_t machine_choose_port(struct machine *machine)
{
    if (machine->next_port == 0)
        machine->next_port = FIRST_PORT;
    return machine->next_port++;
}

static int socket_add(struct sim_node *node, enum file_kind kind, struct socket *socket)
{
    struct sim_file *file;
    int r = sim_file_add(node, kind, &file);

    if (r)
        return r;
    file->socket = socket;
    socket->fd = file->fd;
    return 0;
}

int sim_listen(struct io *io, const struct io_address *address, int *out_fd,
               struct io_address *out_bound)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    struct socket *socket;
    int r = 0;

    sim_assert(sim, !sim->is_working);
    if (self->is_dead)
        return -EIO;
    if (!is_numeric(address->host))
        return -EINVAL;
    if (!can_bind(self->node, address->host))
        return -EADDRNOTAVAIL;
    socket = socket_create(self->node);
    socket->is_listener = true;
    socket->bound = *address;
    if (address->port == 0)
        socket->bound.port = machine_choose_port(self->node->machine);
    if (listener_find(sim, self->node->machine, &socket->bound))
        r = -EADDRINUSE;
    if (r == 0)
        r = socket_add(self->node, FILE_LISTENER, socket);
    if (r) {
        mem_free(socket);
        return r;
    }
    list_push(&sim->listeners, &socket->pending);
    sim_trace(sim, TRACE_LISTEN, self->node, socket->fd, socket->bound.port, 0);
    *out_fd = socket->fd;
    *out_bound = socket->bound;
    return 0;
}

static struct socket *socket_get(struct sim_io *io, int fd, enum file_kind kind)
{
    struct sim_file *file = sim_file_get(io, fd);

    sim_assert(io->node->sim, file->kind == kind);
    sim_assert(io->node->sim, !io->node->sim->is_working);
    sim_assert(io->node->sim, !file->socket->watcher || file->socket->watcher == io);
    return file->socket;
}

/* Who has connected; over loopback it is from there that it came. */
static struct io_address peer_of(const struct socket *socket)
{
    const struct link *link = socket->link;
    const char *host = out_of(socket)->to_node->host;
    struct io_address peer = {.port = link->from_port};

    if (out_of(socket)->to_node == socket->node)
        host = link->address.host;
    (void)snprintf(peer.host, sizeof(peer.host), "%s", host);
    return peer;
}

int sim_accept(struct io *io, int fd, int *out_fd, struct io_address *out_peer)
{
    struct sim_io *self = sim_io_of(io);
    struct socket *listener;
    struct socket *socket;
    int r;

    if (self->is_dead)
        return -EIO;
    listener = socket_get(self, fd, FILE_LISTENER);
    if (list_is_empty(&listener->backlog))
        return -EAGAIN;
    socket = container_of(list_first(&listener->backlog), struct socket, pending);
    r = socket_add(self->node, FILE_SOCKET, socket);
    if (r)
        return r;
    list_remove(&socket->pending);
    *out_peer = peer_of(socket);
    *out_fd = socket->fd;
    sim_trace(self->node->sim, TRACE_ACCEPT, self->node, socket->fd, out_peer->port, 0);
    return 0;
}

/* The node at a host, as `from` sees it; NULL if no machine has this address. */
static struct sim_node *node_at(struct sim_node *from, const char *host)
{
    list_each (member, &from->sim->nodes) {
        struct sim_node *node = container_of(member, struct sim_node, node);

        if (is_host(node, host, node == from))
            return node;
    }
    return NULL;
}

int sim_connect(struct io *io, const struct io_address *address, int *out_fd)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    struct sim_node *to;
    struct socket *socket;
    struct link *link;
    int r;

    sim_assert(sim, !sim->is_working);
    if (self->is_dead)
        return -EIO;
    if (!is_numeric(address->host))
        return -EINVAL;
    to = node_at(self->node, address->host);
    if (!to)
        return -ENETUNREACH;
    link = sim_link_create(self->node, to, address);
    socket = socket_of_link(link, 0, self->node);
    r = socket_add(self->node, FILE_SOCKET, socket);
    if (r) {
        sim_socket_close(socket, true);
        return r;
    }
    pipe_post(out_of(socket), PACKET_SYN, NULL, 0);
    sim_trace(sim, TRACE_CONNECT, self->node, socket->fd, address->port, 0);
    *out_fd = socket->fd;
    return 0;
}

/* --- bytes ------------------------------------------------------------------ */

/* An error is told once; behind it a socket is at its end. */
static int take_error(struct socket *socket, int later)
{
    int error = socket->error ? socket->error : later;

    socket->error = 0;
    return error;
}

int64_t sim_recv(struct io *io, int fd, void *out, size_t size)
{
    struct sim_io *self = sim_io_of(io);
    struct socket *socket;
    size_t ready;

    if (self->is_dead)
        return -EIO;
    socket = socket_get(self, fd, FILE_SOCKET);
    ready = min_of(size, socket->received_to - socket->received_from);
    if (ready == 0 && size > 0) {
        if (socket->is_broken)
            return take_error(socket, 0);
        return socket->is_ended ? 0 : -EAGAIN;
    }
    memcpy(out, socket->received + socket->received_from, ready);
    socket->received_from += ready;
    sim_trace(self->node->sim, TRACE_RECV, self->node, fd, (int64_t)ready, 0);
    socket_changed(out_of(socket)->to); /* There is room again. */
    return (int64_t)ready;
}

/* How much of `size` a send takes now, or < 0. */
static int64_t admit(struct socket *socket, size_t size)
{
    struct sim *sim = socket->node->sim;
    size_t taken;

    if (socket->is_broken)
        return take_error(socket, -EPIPE);
    if (!socket->is_connected || room(socket) == 0)
        return -EAGAIN;
    taken = min_of(size, room(socket));
    if (taken > 1 && !sim->options.is_calm && rng_chance(&sim->rng, SHORT_SEND_PERCENT))
        taken = 1 + (size_t)rng_below(&sim->rng, taken);
    return (int64_t)taken;
}

/* Sends `size` bytes, in one packet or in several. */
static void post_bytes(struct socket *socket, const uint8_t *bytes, size_t size)
{
    struct sim *sim = socket->node->sim;

    sim_trace(sim, TRACE_SEND, socket->node, socket->fd, (int64_t)size, sim_sum(bytes, size));
    sim->stats.bytes_sent += size;
    while (size > 0) {
        size_t part = size;

        if (!sim->options.is_calm && rng_chance(&sim->rng, PIECES_PERCENT))
            part = size > PIECE_MIN && rng_chance(&sim->rng, 50)
                       ? PIECE_MIN + (size_t)rng_below(&sim->rng, size - PIECE_MIN)
                       : 1 + (size_t)rng_below(&sim->rng, size);
        pipe_post(out_of(socket), PACKET_BYTES, bytes, part);
        bytes += part;
        size -= part;
    }
}

int64_t sim_send(struct io *io, int fd, const struct io_iov *iov, size_t count, bool more)
{
    struct sim_io *self = sim_io_of(io);
    struct socket *socket;
    uint8_t *bytes;
    size_t size = 0;
    int64_t taken;

    (void)more; /* Packets are cut by chance anyway. */
    if (self->is_dead)
        return -EIO;
    socket = socket_get(self, fd, FILE_SOCKET);
    for (size_t i = 0; i < count; i++)
        size += iov[i].size;
    taken = admit(socket, size);
    if (taken <= 0)
        return taken;
    bytes = mem_new((size_t)taken);
    size = 0;
    for (size_t i = 0; i < count && size < (size_t)taken; i++) {
        size_t part = min_of(iov[i].size, (size_t)taken - size);

        if (part > 0)
            memcpy(bytes + size, iov[i].data, part);
        size += part;
    }
    post_bytes(socket, bytes, size);
    mem_free(bytes);
    return taken;
}

int64_t sim_sendfile(struct io *io, int fd, int file, uint64_t at, size_t size, bool more)
{
    struct sim_io *self = sim_io_of(io);
    struct socket *socket;
    uint8_t *bytes;
    int64_t taken;
    size_t got;
    int r;

    (void)more;
    if (self->is_dead)
        return -EIO;
    socket = socket_get(self, fd, FILE_SOCKET);
    taken = admit(socket, size);
    if (taken <= 0)
        return taken;
    bytes = mem_new((size_t)taken);
    r = sim_file_bytes(self, file, at, bytes, (size_t)taken, &got);
    if (r == 0 && got > 0)
        post_bytes(socket, bytes, got);
    mem_free(bytes);
    return r ? r : (int64_t)got;
}

void sim_watch_set(struct io *io, struct io_watch *watch, unsigned events)
{
    struct sim_io *self = sim_io_of(io);
    struct sim *sim = self->node->sim;
    struct sim_file *file;
    struct socket *socket;

    if (watch->events == events)
        return;
    if (self->is_dead) {
        watch->events = events;
        return;
    }
    file = sim_file_get(self, watch->fd);
    sim_assert(sim, !sim->is_working);
    sim_assert(sim, file->kind == FILE_SOCKET || file->kind == FILE_LISTENER);
    socket = file->socket;
    sim_assert(sim, watch->ready);
    sim_assert(sim, watch->events ? socket->watch == watch : !socket->watch);
    sim_assert(sim, !socket->watcher || socket->watcher == self);
    if (!watch->events) {
        socket->watch = watch;
        socket->watcher = self;
        list_push(&self->watched, &socket->watched);
    }
    watch->events = events;
    if (events) {
        sim_io_reschedule(self);
        return;
    }
    sim_watch_drop(&socket->watched);
    sim_forget_pending(self, watch);
}

/* --- the end of a socket ---------------------------------------------------- */

static void listener_close(struct socket *listener, bool is_silent)
{
    struct list_node *node;

    list_remove(&listener->pending);
    while ((node = list_pop(&listener->backlog)))
        sim_socket_close(container_of(node, struct socket, pending), is_silent);
}

/* What was sent is still delivered, unless something was not read: then the kernel tells
 * the peer of it by a reset. */
static void link_close(struct socket *socket, bool is_silent)
{
    struct link *link = socket->link;
    bool has_unread = socket->received_to > socket->received_from;

    into(socket)->to = NULL;
    link->sockets--;
    if (is_silent) {
        pipe_drop(out_of(socket));
    } else if (has_unread) {
        pipe_drop(out_of(socket));
        pipe_post(out_of(socket), PACKET_RESET, NULL, 0);
    } else if (!socket->is_broken) {
        pipe_post(out_of(socket), PACKET_END, NULL, 0);
    }
    sim_link_collect(link);
}

void sim_socket_close(struct socket *socket, bool is_silent)
{
    sim_assert(socket->node->sim, !socket->watch);
    if (socket->is_listener)
        listener_close(socket, is_silent);
    else
        link_close(socket, is_silent);
    mem_free(socket->received);
    mem_free(socket);
}
