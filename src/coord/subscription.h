/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/subscription.h - the topics that the members of a consumer group read.
 *
 * Metadata of members is opaque to a coordinator, with one exception: of protocol type
 * "consumer" the topics are looked at, so that offsets of a topic that is being read are
 * neither deleted nor expired.  Version 0 of the layout is the beginning of all others.
 *
 * Threading: the group's home.
 * Errors:    SUBSCRIPTION_E_MALFORMED.
 */

#include "base/map.h"
#include "base/slice.h"

struct subscription {
    bool is_known;     /* Else some member's metadata cannot be read. */
    struct map topics; /* struct subscription_topic. */
};

enum subscription_outcome { SUBSCRIPTION_E_MALFORMED = 1 };

/* Prepares one that is not known. */
void subscription_init(struct subscription *subscription);

/* Empties it; it is not known then. */
void subscription_fini(struct subscription *subscription);

/* Adds the topics that a member's metadata names. */
NODISCARD int subscription_add(struct subscription *subscription, struct slice metadata);

/* True if somebody reads the topic. */
bool subscription_has(const struct subscription *subscription, struct slice topic);
