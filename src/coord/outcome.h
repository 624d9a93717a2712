/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/outcome.h - what coordinators refuse, and why.
 *
 * One list for the floor, because a refusal passes through several of its modules.  The
 * broker turns it into Kafka's codes, in one switch (broker/coordination.c).
 *
 * Threading: constants.
 * Errors:    this is them.
 */

enum coord_outcome {
    COORD_E_UNKNOWN_MEMBER = 1, /* The group has no such member. */
    COORD_E_FENCED_INSTANCE,    /* Another member has the instance id. */
    COORD_E_GENERATION,         /* Not the group's generation. */
    COORD_E_REBALANCING,        /* The group is between two generations. */
    COORD_E_PROTOCOL,           /* No protocol that all members have, or another one. */
    COORD_E_MEMBER_ID_REQUIRED, /* Join again with the id that was given. */
    COORD_E_FULL,               /* The group has as many members as it may. */
    COORD_E_NOT_EMPTY,          /* The group has members. */
    COORD_E_UNKNOWN_GROUP,
    COORD_E_SUBSCRIBED,         /* Members read the topic. */
    COORD_E_METADATA_TOO_LARGE, /* The text of a commit. */
    COORD_E_TOO_LARGE,          /* A record would be larger than a log may have. */
    COORD_E_LOADING,            /* The partition of __consumer_offsets is being read. */
    COORD_E_NOT_COORDINATOR,    /* It is not here, or was lost. */
    COORD_E_STOPPING,           /* The broker stops. */
};
