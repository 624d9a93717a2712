/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/client.h - a Kafka client of our own: a process with one connection.
 *
 *      connect --> ApiVersions --> ready --> calls ... --> lost --> a little later, connect
 *
 * Calls are answered in the order in which they were made.  When the connection is lost, or
 * an answer does not come in time (which ends the connection, as librdkafka does), every
 * call that is not answered ends without a response: nobody knows what became of it.
 *
 * It is made of the same net/connection.h, wire/frame.h and codec as the broker.
 *
 * Threading: one thread.
 * Errors:    a broker that breaks the protocol fails the run.
 */

#include "net/connection.h"
#include "test/scenario/run.h"
#include "wire/frame.h"
#include "wire/msg/find_coordinator.h"

struct client;

struct client_call;

/* The APIs that clients here speak. */
enum client_api {
    CLIENT_PRODUCE,
    CLIENT_FETCH,
    CLIENT_LIST_OFFSETS,
    CLIENT_METADATA,
    CLIENT_CREATE_TOPICS,
    CLIENT_DELETE_TOPICS,
    CLIENT_DELETE_RECORDS,
    CLIENT_INIT_PRODUCER_ID,
    CLIENT_FIND_COORDINATOR,
    CLIENT_JOIN_GROUP,
    CLIENT_SYNC_GROUP,
    CLIENT_HEARTBEAT,
    CLIENT_LEAVE_GROUP,
    CLIENT_OFFSET_COMMIT,
    CLIENT_OFFSET_FETCH,
    CLIENT_OFFSET_DELETE,
    CLIENT_DELETE_GROUPS,
    CLIENT_API_VERSIONS,
    CLIENT_API_COUNT,
};

/* Versions that both sides know, and the one that is spoken. */
struct client_versions {
    int16_t min, max, chosen;
};

/* The answer came, or (`response` NULL) it never will.  The response lives for the call. */
typedef void client_done_fn(void *owner, struct client_call *call, const void *response);

/* A request and what it is waiting for. */
struct client_call {
    struct list_node node; /* In client->calls while it is not answered. */
    struct client *client;
    const struct wire_api *api;
    int16_t version;
    int32_t correlation_id;
    int64_t deadline_us;
    uint64_t invoked;   /* history_now() at the call. */
    struct arena arena; /* The request, and then the response. */
    struct codec_output output;
    struct piece piece;
    struct outgoing outgoing;
    client_done_fn *done;
    void *context; /* The caller's. */
    int holds;     /* The connection, and the list of calls. */
};

struct client {
    struct run *run;
    struct sim_node *node;
    struct io *io;
    struct loop loop;
    struct budget budget;
    struct net net;
    struct io_address broker;
    struct connection connection;
    bool has_connection, is_ready, is_stopping;
    struct list calls;         /* struct client_call, oldest first. */
    struct loop_timer timeout; /* Of the oldest call. */
    struct loop_timer retry;   /* Connects again. */
    int32_t next_correlation_id;
    struct client_versions versions[CLIENT_API_COUNT];
    int64_t timeout_us;
    void (*ready)(void *owner); /* A connection stands; called each time. */
    void (*lost)(void *owner);  /* It does not any more; all its calls have ended. */
    void *owner;
};

/* A client on a node of its own, which begins to connect. */
void client_init(struct client *client, struct run *run, const char *name,
                 const struct io_address *broker);

/* Ends its calls and its connection: from now on it does nothing. */
void client_stop(struct client *client);

/* Frees what a stopped client has. */
void client_fini(struct client *client);

/* Talks to that broker from now on; the connection there is ends. */
void client_move(struct client *client, const struct io_address *broker);

/* As client_move(), to what an answer of FindCoordinator says. */
void client_move_to_coordinator(struct client *client, int16_t version,
                                const struct find_coordinator_response *response);

/* An arena for a request that is being put together; the call takes it over. */
struct client_call *client_call_new(struct client *client, enum client_api api,
                                    client_done_fn *done, void *context);

/* Sends it.  Without `is_answered` (acks=0) done() is not called. */
void client_send(struct client_call *call, const void *request, bool is_answered);

/* Chooses anew which version of an API it speaks, from `from` on, of those that both sides
 * know. */
void client_choose_version(struct client *client, enum client_api api, int16_t from);
