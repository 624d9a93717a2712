/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/life.h - the life of a broker whose controller is in another process (KIP-631).
 *
 *      READING       the metadata, up to where the controller is
 *      REGISTERING   what is on disk is in order; the controller gives us an epoch
 *      FENCED        until a heartbeat says that we have seen our own registration
 *      SERVING       clients are let in; a heartbeat now and then
 *      LEAVING       a clean stop: our partitions lose their leader first
 *      GONE
 *
 * While the controller is away, clients are served as before.
 *
 * Threading: shard 0's loop.
 * Errors:    none: what the controller refuses for good ends the broker, with a line in the
 *            operator's log.
 */

#include "control/controller_frames.h"

struct broker;
struct life;

/* Begins; broker->uplink is a remote one. */
struct life *life_create(struct broker *broker);

/* Ends at once; NULL is allowed.  Always returns NULL. */
struct life *life_destroy(struct life *life);

/* Begins to leave; left() is called when the controller lets us go, or does not answer for
 * long. */
void life_leave(struct life *life, void (*left)(struct broker *broker));
