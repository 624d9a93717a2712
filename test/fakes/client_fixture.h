/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/fakes/client_fixture.h - a fake cluster and a client of it in one loop.
 *
 * Threading: one thread.
 * Errors:    what cannot be set up is a failed assertion.
 */

#include "client/cluster.h"
#include "test/fakes/fake_cluster.h"

struct client_fixture {
    struct io *io; /* Owned. */
    struct loop loop;
    struct diag diag;                 /* Says nothing. */
    struct fake_cluster *fake;        /* Owned. */
    struct cluster_settings settings; /* Kafka's, with pauses of a few milliseconds. */
    struct cluster cluster;
    bool has_cluster;
};

/* Starts the fake; settings may be changed before client_fixture_connect(). */
void client_fixture_start(struct client_fixture *fixture, int node_count);

/* Makes the client's cluster. */
void client_fixture_connect(struct client_fixture *fixture);

/* Ends the client's cluster. */
void client_fixture_disconnect(struct client_fixture *fixture);

/* Ends everything. */
void client_fixture_stop(struct client_fixture *fixture);

/* Turns the loop until `*is_done`, at most 20 seconds; returns whether it is. */
bool client_fixture_wait(struct client_fixture *fixture, const bool *is_done);

/* Turns the loop for `ms` milliseconds. */
void client_fixture_turn(struct client_fixture *fixture, int64_t ms);
