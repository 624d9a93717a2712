/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/session.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/dispatch.h"

DIAG_MODULE("broker");

enum {
    REQUESTS_MAX = 256, /* Overlapping Produce requests of one connection. */
    COPIED_MAX = 16 * 1024,
};

static bool is_produce(struct slice frame)
{
    return frame.size >= 2 && frame.data[0] == 0 && frame.data[1] == API_PRODUCE;
}

/* A frame may start while others are being handled only if all are Produce and have gone to
 * their partitions. */
static bool may_start(struct session *session, struct slice frame)
{
    struct list_node *last = session->requests.head.prev;
    const struct request *request;

    if (list_is_empty(&session->requests))
        return true;
    request = container_of(last, struct request, node);
    return request->header.key == API_PRODUCE && !request->is_converting && is_produce(frame) &&
           session->request_count < REQUESTS_MAX;
}

/* It arrived at `arrived_us`. */
static void start(struct session *session, struct buf *holder, struct slice frame,
                  int64_t arrived_us)
{
    struct request *request = request_create(session, holder);
    const char *why;

    request->clock.arrived_us = arrived_us;
    list_push(&session->requests, &request->node);
    session->request_count++;
    why = dispatch(request, frame);
    if (why) {
        list_remove(&request->node);
        session->request_count--;
        diag_warn(session->shard->broker->diag, "connection closed: request refused",
                  kv("why", why), kv("api", request->header.key),
                  kv("version", request->header.version), kv("peer", session->connection.peer.host),
                  kv("client", request->header.client_id));
        request_free(request);
        session_end(session, why);
    }
}

/* What may wait for long, as the Fetch of a consumer that is at the end, must not keep the large
 * block that it came in with others: if it is small it gets one of its own. */
static struct buf *hold(struct session *session, struct buf *holder, struct slice *frame)
{
    struct buf *own;

    if (frame->size > COPIED_MAX || holder->capacity <= COPIED_MAX)
        return buf_ref(holder);
    own = buf_create(frame->size, &session->shard->budget);
    memcpy(own->bytes, frame->data, frame->size);
    own->size = frame->size;
    *frame = slice_of(own->bytes, frame->size);
    return own;
}

/* Produce waits for nothing but the disk, and goes to it from where it is. */
static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct session *session = container_of(c, struct session, connection);
    bool starts = may_start(session, frame);
    struct buf *held;

    assert(!session->held);
    held = starts && is_produce(frame) ? buf_ref(holder) : hold(session, holder, &frame);
    if (starts) {
        start(session, held, frame, session->shard->loop.now_us);
        buf_unref(held);
    } else {
        session->held = held;
        session->held_frame = frame;
        session->held_us = session->shard->loop.now_us;
        connection_pause(c);
    }
}

/* The held frame goes on as soon as nothing is before it that it may not overlap. */
void session_start_held(struct session *session)
{
    struct buf *held = session->held;

    if (!held || session->end_why || session->connection.is_closing ||
        !may_start(session, session->held_frame))
        return;
    session->held = NULL;
    connection_resume(&session->connection);
    start(session, held, session->held_frame, session->held_us);
    buf_unref(held);
}

/* A session that is to end does so behind its last answer. */
static void close_if_done(struct session *session)
{
    if (session->end_why && list_is_empty(&session->requests) &&
        list_is_empty(&session->connection.outgoings))
        connection_close(&session->connection, session->end_why, 0);
}

void session_advance(struct session *session)
{
    struct list_node *node;

    while ((node = list_first(&session->requests))) {
        struct request *request = container_of(node, struct request, node);

        if (!request->is_answered)
            break;
        list_remove(node);
        session->request_count--;
        if (request->has_answer) {
            request->clock.handed_us = session->shard->metrics.last_answer_us;
            connection_send(&session->connection, &request->outgoing);
        } else {
            metrics_sent(&session->shard->metrics, request);
            request_free(request);
        }
    }
    session_start_held(session);
    close_if_done(session);
}

void session_end(struct session *session, const char *why)
{
    session->end_why = why;
    session->held = buf_unref(session->held);
    connection_pause(&session->connection);
    close_if_done(session);
}

void session_stop(struct session *session)
{
    struct list_node *first = list_first(&session->requests);
    struct request *request = first ? container_of(first, struct request, node) : NULL;

    session_end(session, "broker is stopping");
    if (request && !request->is_answered && request->abandoned)
        request->abandoned(request);
}

/* Requests that are still being handled go on without a client; the others end. */
static void let_go(struct session *session)
{
    struct list_node *node;

    while ((node = list_pop(&session->requests))) {
        struct request *request = container_of(node, struct request, node);

        session->request_count--;
        request->session = NULL;
        if (request->is_answered)
            request_free(request);
        else if (request->abandoned)
            request->abandoned(request);
    }
    session->held = buf_unref(session->held);
}

static void shard_quiet_check(struct shard *shard)
{
    if (shard->is_stopping)
        shard_check_quiet(shard);
}

static void be_gone(struct mail *mail)
{
    struct session *session = container_of(mail, struct session, travel);
    struct broker *broker = session->shard->broker;

    admission_leave(&broker->admission, session->listener, &session->connection.peer,
                    session->is_shed);
    mem_free(session);
}

/* Its end is told where connections are counted. */
static void leave(struct session *session)
{
    if (session->shard->index == 0) {
        be_gone(&session->travel);
        return;
    }
    session->travel.receive = be_gone;
    mailbox_send(&session->shard->broker->shards[0].loop.mailbox, &session->travel);
}

/* What is counted of those of its listener. */
static struct metrics_connections *connections_of(struct session *session)
{
    ptrdiff_t at = session->listener - session->shard->broker->listeners;

    return &session->shard->metrics.listeners[at];
}

static void on_closed(struct connection *c, const char *why, int error)
{
    struct session *session = container_of(c, struct session, connection);
    struct shard *shard = session->shard;

    diag_debug(shard->broker->diag, "connection closed", kv("why", why), kv("error", error),
               kv("peer", c->peer.host), kv("port", c->peer.port));
    connections_of(session)->closed++;
    let_go(session);
    list_remove(&session->node);
    leave(session);
    shard_quiet_check(shard);
}

/* A request under way, as a Fetch that waits, is not idleness. */
static bool on_is_busy(struct connection *c)
{
    return !list_is_empty(&container_of(c, struct session, connection)->requests);
}

static void on_drained(struct connection *c)
{
    close_if_done(container_of(c, struct session, connection));
}

static const struct connection_events session_events = {
    .frame = on_frame, .drained = on_drained, .is_busy = on_is_busy, .closed = on_closed};

static void arrive(struct session *session)
{
    struct io_address peer = session->connection.peer;

    connection_init(&session->connection, &session->shard->net, session->arrival_fd, &peer,
                    &session_events);
    list_push(&session->shard->sessions, &session->node);
    connections_of(session)->made++;
    if (session->shard->is_stopping)
        connection_close(&session->connection, "broker is stopping", 0);
}

static void arrive_by_mail(struct mail *mail)
{
    arrive(container_of(mail, struct session, travel));
}

void session_start(struct shard *shard, int fd, const struct io_address *peer,
                   const struct broker_listener *listener)
{
    struct session *session = mem_new(sizeof(*session));

    session->shard = shard;
    session->listener = listener;
    session->connection.peer = *peer;
    session->arrival_fd = fd;
    list_init(&session->requests);
    if (shard->index == 0) { /* Where listeners are. */
        arrive(session);
        return;
    }
    session->travel.receive = arrive_by_mail;
    mailbox_send(&shard->loop.mailbox, &session->travel);
}

void session_fini(struct session *session)
{
    connection_fini(&session->connection);
    let_go(session);
    list_remove(&session->node);
    mem_free(session);
}
