/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/request.h - one request of a client, from its frame to its answer.
 *
 * Everything a request needs lives in its arena; the frame it came in is held until
 * the answer is gone, because names and records are slices of it.  A request may
 * outlive its session: it is then finished without an answer.
 *
 * Threading: the shard of its session.
 * Errors:    none; see dispatch.h.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "broker/shard.h"
#include "net/outgoing.h"
#include "wire/api.h"
#include "wire/codec.h"
#include "wire/frame.h"

struct api;
struct session;

struct request {
    struct list_node node;   /* In session->requests, else bare. */
    struct session *session; /* Borrowed; NULL when the client has gone. */
    struct shard *shard;
    const struct api *api;
    const struct wire_api *wire;
    struct frame_request header;
    struct arena arena;
    struct slice bytes;       /* Borrowed from `frame`: header and body. */
    struct buf *frame;        /* Shared: what the request was read from. */
    struct image *image;      /* Shared: the cluster that this request sees. */
    void *body;               /* Arena: the decoded request. */
    struct outgoing outgoing; /* The answer. */
    struct request_clock clock;
    bool is_answered; /* Or finished without an answer. */
    bool has_answer;
    bool is_converting;    /* Its records are with a worker: what is behind it must wait. */
    bool is_at_controller; /* It came to the controller, of a broker or of a tool. */
    bool close_after;      /* The connection ends behind the answer. */
    /* Told when the client has gone before the answer; may be NULL. */
    void (*abandoned)(struct request *request);
    /* It came inside another request: hears of the answer, header and body, borrowed for the call;
     * null if there is none.  NULL: it is a client's own. */
    void (*captured)(struct request *request, struct slice response);
    struct request *outer;                    /* That request. */
    void *work;                               /* Arena: the handler's own. */
    void (*release)(struct request *request); /* Before the memory goes; may be NULL. */
};

/* A request for the frame, which it holds a reference to. */
struct request *request_create(struct session *session, struct buf *holder);

/* Encodes `response` and hands the answer to the session.  The request is gone, then
 * or later. */
void request_answer(struct request *request, const void *response);

/* As request_answer(), in another version of the message than the request's: for
 * ApiVersions. */
void request_answer_as(struct request *request, int16_t version, const void *response);

/* Answers with bytes that are encoded already, header and body, which stay as long as the
 * request. */
void request_answer_bytes(struct request *request, struct slice response);

/* A request that came inside `outer`, which stays until captured(). */
struct request *request_create_inner(struct request *outer,
                                     void (*captured)(struct request *request,
                                                      struct slice response));

/* Ends without an answer (acks=0); with `why`, the connection is closed. */
void request_end(struct request *request, const char *why);

/* Frees a request that is on no list. */
void request_free(struct request *request);

/* Arena memory of the request, zeroed. */
void *request_new(struct request *request, size_t size) __attribute__((returns_nonnull));
