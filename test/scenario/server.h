/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/server.h - the broker under test: a process on a node of the world.
 *
 * Threading: one thread.
 * Errors:    a broker that does not open although nothing is wrong fails the run.
 */

#include "broker/broker.h"
#include "test/scenario/run.h"

enum { SERVER_PORT = 9092, SERVER_CONTROLLER_ID = 100 };

/* What the process is: all there is, or a part of a cluster. */
enum server_role { SERVER_WHOLE, SERVER_CONTROLLER, SERVER_BROKER };

struct server {
    struct run *run;
    struct sim_node *node;
    struct settings settings;
    struct diag diag;
    int shards;
    int64_t files_max; /* What it thinks that it may have open: it lets partitions sleep early. */
    struct io *ios[SHARDS_MAX];
    struct broker *broker;   /* NULL while it is down. */
    int64_t starts_at_us;    /* While it is down. */
    bool has_stopped;        /* It was asked to stop, and its shards are quiet. */
    bool has_failed;         /* It says that it can do nothing any more. */
    bool may_fail;           /* A fault is on: an open that fails is no surprise. */
    int starts_before;       /* It is to be started again, beyond so many. */
    int starts, errors_told; /* Lines of diagnostics at the level of an error. */
};

/* A server on a node of its own; it is not started.  A broker has the number `node_id`, and its
 * controller is `controller`. */
struct server *server_create(struct run *run, int shards, enum server_role role, int node_id,
                             const struct server *controller);

/* Buries what runs and frees; NULL is allowed.  Always returns NULL. */
struct server *server_destroy(struct server *server);

/* Opens the broker.  False if it did not open, which is tried again later. */
bool server_start(struct server *server);

/* Looks whether the process has died, buries it and starts it again in time. */
void server_tick(struct server *server);

/* Ends the process, or the power of its machine. */
void server_kill(struct server *server, enum sim_death death);

/* Stops the broker as an operator does: ticks close it when its shards are quiet, and start
 * it again. */
void server_stop(struct server *server);

/* Where it listens. */
struct io_address server_address(const struct server *server);
