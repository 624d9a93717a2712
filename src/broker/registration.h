/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/registration.h - a broker introduces itself to its controller, and may then lead.
 *
 * Before anybody is served: BrokerRegistration, and a BrokerHeartbeat that says that everything is
 * in order, both as frames (control/controller_frames.h).  What they lead to is durable with one
 * sync, and there is no timer: the controller is in this process.
 *
 * Threading: before the shards run.
 * Errors:    enum broker_outcome, after a line in the operator's log.
 */

#include "broker/broker.h"

/* Registers, and gives the shards the image in which we lead. */
NODISCARD int registration_run(struct broker *broker);
