/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/call.h - one request to a cluster and its answer.
 *
 *     cluster_call() --> pending --> sent over a link --> done()
 *                          ^               |
 *                          '---------------'  the connection broke, or verdict() says that
 *                                             it is worth another try
 *
 * A call is embedded in its owner.  The owner fills the first part, hands it to
 * cluster_call() (client/cluster.h) and hears of it once more, in done().  The request
 * struct is encoded for the version that both sides know whenever it is sent, so it must
 * stay until then; what was encoded belongs to the link, and a call may be cancelled at
 * any time.
 *
 * The answer lies in the call's arena and frame: it is valid until call_fini(), which
 * done() or anybody later calls.  A call may be used again after call_fini().
 *
 * Threading: the cluster's loop.
 * Errors:    enum call_outcome.  Error codes inside an answer are data; only verdict()
 *            looks at them, to decide about another try.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "os/loop.h"
#include "wire/api.h"

struct cluster;
struct exchange;

enum call_outcome {
    CALL_OK,            /* `response` is there; what it says is the owner's business. */
    CALL_E_TIMEOUT,     /* The deadline passed. */
    CALL_E_BROKEN,      /* The connection broke, and the call is not to be repeated. */
    CALL_E_UNSUPPORTED, /* The node does not know the request, or no version of it we do. */
    CALL_E_MALFORMED,   /* The answer is not one. */
    CALL_E_UNSAYABLE,   /* The request cannot be said in the version both sides know. */
    CALL_E_STOPPED,     /* The cluster object ended first. */
};

/* Targets that are not the id of a node. */
enum { CALL_ANY = -1000, CALL_CONTROLLER = -1001 };

/* What the owner fills before cluster_call(). */
struct call_order {
    const struct wire_api *api;
    const void *request; /* Borrowed until done(). */
    int32_t target;      /* A node's id, CALL_ANY or CALL_CONTROLLER. */
    uint8_t lane;        /* Which of the connections to the node; a long poll has its own. */
    int16_t version_max; /* Do not use newer versions; 0: no bound. */
    int32_t timeout_ms;  /* Of one attempt; 0: as the cluster has it. */
    int64_t deadline_us; /* Of all attempts, monotonic; 0: as the cluster has it. */
    bool has_no_answer;  /* Produce with acks=0: done() once it is sent. */
    bool is_once;        /* Never send it a second time. */
};

struct call;

struct call_events {
    /* The end.  The call is the owner's again. */
    void (*done)(struct call *call);
    /* The error code of the answer that decides whether to try again, or 0.  May be NULL:
     * the first answer is the last. */
    int16_t (*verdict)(const struct call *call);
    /* Called before each encoding: the request may be changed to suit `version`.  May be
     * NULL. */
    void (*adapt)(struct call *call, int16_t version);
};

struct call {
    struct call_order order;
    const struct call_events *events;

    /* The answer. */
    enum call_outcome outcome;
    int16_t version;      /* That the answer (or the last attempt) has. */
    int32_t node;         /* Which node it went to. */
    const void *response; /* Arena: a struct of order.api->response, or NULL. */
    struct arena arena;
    struct buf *frame; /* Shared: the strings of the response borrow from it. */

    /* The cluster's own. */
    struct cluster *cluster;   /* NULL: not under way. */
    struct list_node node_in;  /* In cluster->pending. */
    struct exchange *exchange; /* While it is sent, else NULL. */
    struct loop_timer timer;   /* While pending: the next try, or the deadline. */
    int64_t not_before_us;     /* Backing off until then. */
    unsigned attempts;
    unsigned sends; /* How often it was sent. */
};

/* Prepares a call, which owns nothing yet. */
void call_init(struct call *call, const struct call_events *events);

/* Frees the answer; a call that is under way is cancelled first: done() is not called. */
void call_fini(struct call *call);

/* True from cluster_call() until done(). */
static inline bool call_is_under_way(const struct call *call)
{
    return call->cluster != NULL;
}

/* One sentence for people about an outcome. */
const char *call_outcome_text(enum call_outcome outcome);
