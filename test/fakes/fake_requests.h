/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/fakes/fake_requests.h - what a fake node makes of a request.
 *
 * Threading: the loop's.
 * Errors:    a request that is not understood is a failed assertion.
 */

#include "test/fakes/fake_cluster.h"

/* A client's connection to a node. */
struct fake_session {
    struct list_node node_in; /* In node->sessions. */
    struct fake_node *node;
    struct connection connection;
};

/* An answer on its way. */
struct fake_answer {
    struct outgoing outgoing;
    struct piece piece;
    struct arena arena;
    const void *response; /* Arena; NULL: none is sent. */
    int16_t error;        /* 0: do what was asked. */
    bool is_version_zero; /* Of ApiVersions: our version was too new. */
};

/* Fills `answer`, and does what was asked unless an error is to be answered. */
void fake_request_handle(struct fake_node *node, const struct frame_request *request,
                         struct fake_answer *answer);
