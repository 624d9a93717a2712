/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/nodes.h - which nodes a cluster has.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/admin.h"
#include "wire/msg/describe_cluster.h"

enum nodes_kind {
    NODES_BROKERS,
    NODES_BROKERS_AND_FENCED,
    NODES_CONTROLLERS, /* The cluster is connected to through one. */
};

/* Asks for the nodes; they come sorted by id. */
NODISCARD bool nodes_describe(struct cli *cli, struct admin *admin, enum nodes_kind kind,
                              const struct describe_cluster_response **out);
