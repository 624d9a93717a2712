/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim_link.c - what is under way between sockets. */

#include "base/mem.h"
#include "test/sim/sim_net_internal.h"

#include <string.h>

enum { RESEND_US = 200 * 1000, BACKLOG_MAX = 128, WINDOW_MIN = 8 * 1024, WINDOW_MAX = 256 * 1024 };

void sim_net_init(struct sim *sim)
{
    list_init(&sim->links);
    list_init(&sim->cuts);
    list_init(&sim->listeners);
}

/* --- links ------------------------------------------------------------------ */

void pipe_drop(struct pipe *pipe)
{
    struct list_node *node;

    while ((node = list_pop(&pipe->packets)))
        mem_free(container_of(node, struct packet, node));
    pipe->under_way = 0;
    sim_event_cancel(pipe->link->sim, &pipe->arrival);
}

static void link_free(struct link *link)
{
    pipe_drop(&link->pipes[0]);
    pipe_drop(&link->pipes[1]);
    list_remove(&link->node);
    mem_free(link);
}

void sim_link_collect(struct link *link)
{
    if (link->sockets == 0 && list_is_empty(&link->pipes[0].packets) &&
        list_is_empty(&link->pipes[1].packets))
        link_free(link);
}

void sim_net_fini(struct sim *sim)
{
    list_each_safe (node, &sim->links)
        link_free(container_of(node, struct link, node));
    list_each_safe (node, &sim->cuts)
        mem_free(container_of(node, struct cut, node));
}

static bool is_cut(const struct sim *sim, const struct sim_node *a, const struct sim_node *b)
{
    list_each (node, &sim->cuts) {
        const struct cut *cut = container_of(node, struct cut, node);

        if ((cut->a == a && cut->b == b) || (cut->a == b && cut->b == a))
            return true;
    }
    return false;
}

void sim_cut(struct sim *sim, struct sim_node *a, struct sim_node *b, bool cut_now)
{
    struct cut *cut;

    list_each_safe (node, &sim->cuts) {
        cut = container_of(node, struct cut, node);
        if ((cut->a == a && cut->b == b) || (cut->a == b && cut->b == a)) {
            list_remove(node);
            mem_free(cut);
        }
    }
    if (!cut_now)
        return;
    cut = mem_new(sizeof(*cut));
    *cut = (struct cut){.a = a, .b = b};
    list_push(&sim->cuts, &cut->node);
}

/* --- packets ---------------------------------------------------------------- */

static void schedule(struct pipe *pipe)
{
    struct list_node *first = list_first(&pipe->packets);

    if (first)
        sim_event_set(pipe->link->sim, &pipe->arrival,
                      container_of(first, struct packet, node)->at_us);
}

void pipe_post(struct pipe *pipe, enum packet_kind kind, const void *bytes, size_t size)
{
    struct sim *sim = pipe->link->sim;
    struct packet *packet = mem_new(sizeof(*packet) + size);
    int64_t at = sim->now_us + sim_delay_us(sim, sim->options.latency_us);

    if (!list_is_empty(&pipe->packets))
        at = max_of(at, container_of(pipe->packets.head.prev, struct packet, node)->at_us);
    packet->kind = kind;
    packet->at_us = at;
    packet->size = size;
    if (size > 0)
        memcpy(packet->bytes, bytes, size);
    pipe->under_way += size;
    list_push(&pipe->packets, &packet->node);
    if (!pipe->arrival.node.linked)
        schedule(pipe);
}

static void socket_break(struct socket *socket, int error)
{
    if (!socket || socket->is_broken)
        return;
    socket->is_broken = true;
    socket->error = error;
    socket_changed(socket);
}

static void receive(struct socket *socket, const struct packet *packet)
{
    if (socket->received_from == socket->received_to)
        socket->received_from = socket->received_to = 0;
    if (socket->received_to + packet->size > socket->received_room) {
        socket->received_room =
            max_of(socket->received_room * 2, socket->received_to + packet->size);
        socket->received = mem_resize(socket->received, socket->received_room, 1);
    }
    memcpy(socket->received + socket->received_to, packet->bytes, packet->size);
    socket->received_to += packet->size;
}

static size_t backlog_count(const struct socket *listener)
{
    size_t count = 0;

    list_each (node, &listener->backlog)
        count++;
    return count;
}

static void syn_arrived(struct pipe *pipe)
{
    struct socket *listener =
        listener_find(pipe->link->sim, pipe->to_node->machine, &pipe->link->address);
    struct socket *socket;

    if (!listener || backlog_count(listener) >= BACKLOG_MAX) {
        pipe_post(pipe_back(pipe), PACKET_RESET, NULL, 0);
        return;
    }
    pipe->to_node = listener->node;
    socket = socket_of_link(pipe->link, 1, listener->node);
    socket->is_connected = true;
    list_push(&listener->backlog, &socket->pending);
    socket_changed(listener);
    pipe_post(pipe_back(pipe), PACKET_ACCEPTED, NULL, 0);
}

static void arrived(struct pipe *pipe, const struct packet *packet)
{
    struct socket *socket = pipe->to;

    if (packet->kind == PACKET_SYN) {
        syn_arrived(pipe);
    } else if (packet->kind == PACKET_RESET) {
        if (socket)
            socket_break(socket, socket->is_connected ? -ECONNRESET : -ECONNREFUSED);
    } else if (!socket) { /* Nobody there any more: who sends bytes is told so. */
        if (packet->kind == PACKET_BYTES)
            pipe_post(pipe_back(pipe), PACKET_RESET, NULL, 0);
    } else if (packet->kind == PACKET_ACCEPTED) {
        socket->is_connected = true;
    } else if (packet->kind == PACKET_END) {
        socket->is_ended = true;
    } else if (!socket->is_broken) {
        receive(socket, packet);
    }
    socket_changed(socket);
}

static bool can_arrive(const struct pipe *pipe)
{
    const struct link *link = pipe->link;

    return pipe->to_node->machine->is_powered &&
           !is_cut(link->sim, link->pipes[0].to_node, link->pipes[1].to_node);
}

static void arrival(struct sim *sim, struct sim_event *event)
{
    struct pipe *pipe = container_of(event, struct pipe, arrival);
    struct link *link = pipe->link;
    struct packet *packet = container_of(list_first(&pipe->packets), struct packet, node);

    sim->is_touched = false;
    if (!can_arrive(pipe)) {
        sim_event_set(sim, event, sim->now_us + RESEND_US + sim_delay_us(sim, RESEND_US));
        return;
    }
    sim->stats.packets++;
    sim_trace(sim, TRACE_PACKET, pipe->to_node, packet->kind, (int64_t)packet->size,
              sim_sum(packet->bytes, packet->size));
    list_remove(&packet->node);
    pipe->under_way -= packet->size;
    arrived(pipe, packet);
    mem_free(packet);
    if (!event->node.linked)
        schedule(pipe);
    socket_changed(pipe_back(pipe)->to); /* There is less under way: it may send again. */
    sim_link_collect(link);
}

struct link *sim_link_create(struct sim_node *from, struct sim_node *to,
                             const struct io_address *address)
{
    struct sim *sim = from->sim;
    struct link *link = mem_new(sizeof(*link));

    link->sim = sim;
    link->address = *address;
    link->from_port = machine_choose_port(from->machine);
    link->window = (size_t)rng_between(&sim->rng, WINDOW_MIN, WINDOW_MAX);
    for (int i = 0; i < 2; i++) {
        link->pipes[i].arrival.fire = arrival;
        link->pipes[i].link = link;
        link->pipes[i].to_node = i == 0 ? to : from;
        list_init(&link->pipes[i].packets);
    }
    list_push(&sim->links, &link->node);
    return link;
}

/* --- resets ----------------------------------------------------------------- */

/* Keeps what is under way up to some byte, and puts a reset behind it. */
static void cut_short(struct pipe *pipe)
{
    struct sim *sim = pipe->link->sim;
    size_t keep = (size_t)rng_below(&sim->rng, pipe->under_way + 1);

    pipe->under_way = keep;
    list_each_safe (node, &pipe->packets) {
        struct packet *packet = container_of(node, struct packet, node);

        packet->size = min_of(packet->size, keep);
        keep -= packet->size;
        if (keep == 0 && packet->size == 0) {
            list_remove(node);
            mem_free(packet);
        }
    }
    if (list_is_empty(&pipe->packets))
        sim_event_cancel(sim, &pipe->arrival);
    pipe_post(pipe, PACKET_RESET, NULL, 0);
}

static bool is_candidate(const struct link *link, const struct sim_node *node)
{
    return link->sockets == 2 && (link->pipes[0].to_node == node || link->pipes[1].to_node == node);
}

bool sim_reset_one(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct link *chosen = NULL;
    uint64_t count = 0;

    list_each (member, &sim->links) {
        struct link *link = container_of(member, struct link, node);

        if (is_candidate(link, node) && rng_below(&sim->rng, ++count) == 0)
            chosen = link;
    }
    if (!chosen)
        return false;
    sim->stats.resets++;
    sim_trace(sim, TRACE_RESET, node, 0, 0, 0);
    cut_short(&chosen->pipes[0]);
    cut_short(&chosen->pipes[1]);
    return true;
}
