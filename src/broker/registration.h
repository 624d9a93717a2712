/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/registration.h - a broker introduces itself to its controller, and may then lead.
 *
 * Where both are in one process, before anybody is served: BrokerRegistration, and a
 * BrokerHeartbeat that says that everything is in order, both as frames
 * (control/controller_frames.h).  What they lead to is durable with one sync, and there is no
 * timer.  Where the controller is elsewhere see broker/life.h.
 *
 * Threading: before the shards run.
 * Errors:    enum broker_outcome, after a line in the operator's log.
 */

#include "broker/broker.h"
#include "wire/features.h"
#include "wire/msg/broker_registration.h"

/* BrokerRegistration with what it points to. */
struct registration_request {
    struct broker_registration_listener listeners[ENDPOINTS_MAX];
    struct broker_registration_feature features[FEATURE_COUNT];
    struct broker_registration_request request;
};

/* Says who we are, as an incarnation of this moment; `out` stays where it is. */
void registration_fill(struct broker *broker, struct registration_request *out);

/* The controller has given us an epoch: broker->broker_epoch. */
void registration_note_epoch(struct broker *broker);

/* Registers, and gives the shards the image in which we lead. */
NODISCARD int registration_run(struct broker *broker);
