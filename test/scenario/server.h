/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/server.h - the broker under test: a process on a node of the world.
 *
 * Threading: one thread.
 * Errors:    a broker that does not open although nothing is wrong fails the run.
 */

#include "broker/broker.h"
#include "test/scenario/run.h"

enum { SERVER_PORT = 9092 };

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
    int starts, errors_told; /* Lines of diagnostics at the level of an error. */
};

/* A server on a node of its own; it is not started. */
struct server *server_create(struct run *run, int shards);

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
