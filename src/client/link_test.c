/* SPDX-License-Identifier: Apache-2.0 */
#include "client/link.h"
#include "net/listener.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "wire/msg/metadata.h"

#include <stdio.h>

/* A peer that answers with bytes of the test's choosing. */
struct peer {
    struct io *io;
    struct loop loop;
    struct diag diag;
    struct budget budget;
    struct net net;
    struct listener listener;
    struct connection connection;
    bool is_connected;
    int connections, frames;
    const uint8_t *answer; /* To each frame; NULL: none. */
    size_t answer_size;
    struct outgoing outgoing;
    struct piece piece;
    struct cluster cluster;
    struct call call;
    bool is_done;
};

static void say_nothing(struct diag *diag, const struct diag_line *line)
{
    (void)diag;
    (void)line;
}

static void on_sent(struct outgoing *outgoing, bool whole)
{
    (void)outgoing;
    (void)whole;
}

static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct peer *peer = container_of(c, struct peer, connection);

    (void)holder;
    (void)frame;
    peer->frames++;
    if (!peer->answer)
        return;
    peer->piece = (struct piece){.data = peer->answer, .size = peer->answer_size};
    peer->outgoing = (struct outgoing){.pieces = &peer->piece, .count = 1, .sent = on_sent};
    connection_send(c, &peer->outgoing);
}

static void on_closed(struct connection *c, const char *why, int error)
{
    (void)why;
    (void)error;
    container_of(c, struct peer, connection)->is_connected = false;
}

static const struct connection_events peer_events = {.frame = on_frame, .closed = on_closed};

static void on_accepted(struct listener *listener, int fd, const struct io_address *address)
{
    struct peer *peer = container_of(listener, struct peer, listener);

    if (peer->is_connected)
        connection_fini(&peer->connection);
    peer->is_connected = true;
    peer->connections++;
    connection_init(&peer->connection, &peer->net, fd, address, &peer_events);
}

static void on_done(struct call *call)
{
    container_of(call, struct peer, call)->is_done = true;
}

static const struct call_events call_events = {.done = on_done};

static void start(struct peer *peer, const void *answer, size_t size)
{
    struct io_address address = {.host = "127.0.0.1"};
    struct cluster_settings settings = cluster_settings_defaults();
    char bootstrap[64];

    *peer = (struct peer){
        .diag = {.level = DIAG_DEBUG, .sink = say_nothing},
        .answer = answer,
        .answer_size = size,
    };
    check_ok(linux_io_create(&peer->io));
    loop_init(&peer->loop, peer->io);
    budget_init(&peer->budget, 1 << 20);
    net_init(&peer->net, &peer->loop, &peer->budget, 1 << 20);
    check_ok(listener_open(&peer->listener, &peer->loop, &address, on_accepted));
    (void)snprintf(bootstrap, sizeof(bootstrap), "127.0.0.1:%d", peer->listener.bound.port);
    settings.bootstrap = bootstrap;
    settings.diag = &peer->diag;
    settings.call_timeout_ms = 100;
    settings.connect_timeout_ms = 30;
    settings.reconnect_backoff_ms = settings.reconnect_backoff_max_ms = 5;
    settings.frame_size_max = 1 << 20;
    check_ok(cluster_init(&peer->cluster, &peer->loop, rng_of(1), &settings));
    call_init(&peer->call, &call_events);
    peer->call.order = (struct call_order){
        .api = wire_api_find(API_METADATA),
        .request = &metadata_request_defaults,
        .target = CALL_ANY,
    };
    cluster_call(&peer->cluster, &peer->call);
}

static void run(struct peer *peer)
{
    for (int i = 0; i < 2000 && !peer->is_done; i++)
        loop_turn(&peer->loop, 10000);
    check(peer->is_done);
}

static void stop(struct peer *peer)
{
    call_fini(&peer->call);
    cluster_fini(&peer->cluster);
    if (peer->is_connected)
        connection_fini(&peer->connection);
    listener_close(&peer->listener);
    net_fini(&peer->net);
    loop_fini(&peer->loop);
    linux_io_destroy(peer->io);
}

/* Whatever a node says first that is no answer to ApiVersions: it is left, and tried again. */
TEST(link, nonsense_instead_of_versions_is_not_believed)
{
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28},        /* Another protocol. */
        {"\0\0\0\4\0\0\0\7", 8},                         /* Another correlation id. */
        {"\0\0\0\4\0\0\0\0", 8},                         /* No body. */
        {"\0\0\0\6\0\0\0\0\0\0", 10},                    /* A body that ends too early. */
        {"\0\0\0\6\0\0\0\0\0\7", 10},                    /* Another error. */
        {"\0\0\0\xa\0\0\0\0\0\x23\xff\xff\xff\xff", 14}, /* A count below zero. */
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer peer;

        start(&peer, rows[i].bytes, rows[i].size);
        run(&peer);
        check_eq(peer.call.outcome, CALL_E_TIMEOUT);
        check_eq(peer.call.sends, 0);
        check(peer.connections > 1);
        stop(&peer);
    }
}

TEST(link, a_node_that_never_greets_is_left)
{
    struct peer peer;

    start(&peer, NULL, 0);
    run(&peer);
    check_eq(peer.call.outcome, CALL_E_TIMEOUT);
    check(peer.connections > 1);
    stop(&peer);
}
