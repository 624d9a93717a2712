/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/internal_topic.h - the topics that the cluster keeps its own data in, and how they
 * are made when somebody first needs them.
 *
 * Threading: any shard.
 * Errors:    none.
 */

#include "broker/request.h"
#include "broker/settings.h"
#include "control/controller.h"

#define GROUPS_TOPIC "__consumer_offsets"

/* Fills the creation of an internal topic, with memory of the request.  False if it is one
 * that this release does not make. */
bool internal_topic_prepare(struct request *request, struct slice name, struct control_op *op);
