/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/link.h - one connection to one node, made when it is needed and made again when
 * it breaks.
 *
 *     IDLE --link_want()--> RESOLVING -> CONNECTING -> READY --broke--> WAITING --> IDLE
 *                               |             |                            ^
 *                               '-------------'----------- failed ---------'
 *
 * CONNECTING ends when the node has told its versions (ApiVersions, in the fashion of
 * KIP-511: our newest version first, and again with the node's if it does not know it).
 * Each address of the host is tried in turn.
 *
 * What is under way is a list of exchanges, answered in order.  An exchange owns its
 * encoded request, so that its call may be cancelled while it is being sent.
 *
 * Threading: the cluster's loop; names are resolved on a worker thread.
 * Errors:    the calls that were under way are handed back to the cluster.
 */

#include "client/cluster.h"

enum { LINK_API_KEYS = 128 };

enum link_state { LINK_IDLE, LINK_RESOLVING, LINK_CONNECTING, LINK_READY, LINK_WAITING };

struct link_resolve;

struct link {
    struct cluster *cluster;   /* Borrowed. */
    struct cluster_node *node; /* Borrowed: owns the link. */
    enum link_state state;
    struct connection connection; /* While CONNECTING or READY. */
    struct list exchanges;        /* struct exchange, in flight, oldest first. */
    int in_flight;                /* How many. */
    struct loop_timer timer;      /* The end of connecting, or of waiting. */
    struct link_resolve *resolve; /* While RESOLVING, else NULL. */
    struct io_address addresses[CLUSTER_ADDRESSES_MAX];
    size_t address_count, address_at;
    unsigned failures; /* Attempts to connect since the last success. */
    struct {
        int16_t min, max; /* max below min: not known to the node. */
    } versions[LINK_API_KEYS];
};

/* One request on its way and the wait for its answer. */
struct exchange {
    struct list_node node_in; /* In link->exchanges. */
    struct link *link;
    struct call *call; /* NULL: cancelled, or the link's own greeting. */
    const struct wire_api *api;
    int16_t version;
    int32_t correlation;
    bool is_sent, has_no_answer;
    struct outgoing outgoing;
    struct piece piece;
    struct arena arena;      /* Holds the encoded request. */
    struct loop_timer timer; /* The end of patience. */
};

/* A link to `node`, which owns it; nothing is connected. */
struct link *link_create(struct cluster *cluster, struct cluster_node *node);

/* Ends the connection and hands back its calls with CALL_E_STOPPED; NULL is allowed.  Not
 * from inside a callback of the connection.  Always returns NULL. */
struct link *link_destroy(struct link *link);

/* Begins to connect if it is IDLE. */
void link_want(struct link *link);

/* Closes the connection; calls under way are broken. */
void link_close(struct link *link, const char *why);

/* Sends `call`; the link is READY.  An outcome but CALL_OK: nothing was sent. */
NODISCARD enum call_outcome link_send(struct link *link, struct call *call);

/* Forgets the call of an exchange: its answer will be dropped. */
void link_forget(struct exchange *exchange);
