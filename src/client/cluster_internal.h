/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/cluster_internal.h - what links and the metadata tell their cluster.
 *
 * Threading: the cluster's loop.
 * Errors:    none.
 */

#include "client/link.h"
#include "wire/msg/all.h"
#include "wire/msg/metadata.h"

/* A link changed its state: calls may be sent now, or elsewhere. */
void cluster_link_changed(struct cluster *cluster);

/* The answer of `call` is decoded; it is done, or goes back to the pending ones. */
void cluster_call_answered(struct cluster *cluster, struct call *call);

/* `call` got no answer. */
void cluster_call_failed(struct cluster *cluster, struct call *call, enum call_outcome outcome);

/* A topic was added to the wanted ones: asks for metadata at once. */
void metadata_wanted(struct cluster *cluster);

/* cluster_metadata.c */

/* Takes over an answer: nodes, topics, controller. */
void metadata_apply(struct cluster *cluster, const struct metadata_response *response);

/* True while a wanted topic has an error that may pass, or a partition has no leader. */
bool metadata_is_unsettled(const struct cluster *cluster);

/* Frees nodes and topics. */
void metadata_fini(struct cluster *cluster);

/* A new node at the end of `list`. */
struct cluster_node *metadata_add_node(struct list *list, int32_t id, struct slice host,
                                       uint16_t port);
void metadata_free_node(struct cluster_node *node);
