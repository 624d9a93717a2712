/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/coordination.h - a request's way to the coordinator of a group.
 *
 *      session's shard --- group_leg_send --> home shard of the group
 *                                               run(leg, coordinator), which ends, now or later,
 *      done(leg) <------------------------------ with group_leg_finish(leg, outcome)
 *
 * What is copied out of a group goes into the leg's own memory, since the request's belongs
 * to the session's shard.
 *
 * Threading: run() on the home shard, the rest on the session's.
 * Errors:    enum coord_outcome; error_of_coord() is the visible switch to Kafka's codes.
 */

#include "broker/request.h"
#include "coord/coordinator.h"

struct group_leg {
    struct leg leg;
    struct request *request; /* Borrowed: the request outlives the leg. */
    struct slice group_id;
    const struct image_topic *topic; /* Of the request's image. */
    int32_t index;
    struct arena memory; /* The home's while the leg is there. */
    int outcome;
    void (*run)(struct group_leg *leg, struct coordinator *coordinator);
    void (*done)(struct group_leg *leg);
};

/* Prepares a leg for a group; run() and done() are the caller's to set. */
void group_leg_init(struct group_leg *leg, struct request *request, struct slice group_id);

/* Sends it; if there is no coordinator, done() is called without run(). */
void group_leg_send(struct group_leg *leg);

/* Its work on the home shard is done. */
void group_leg_finish(struct group_leg *leg, int outcome);

/* Frees its memory: after the answer. */
void group_leg_fini(struct group_leg *leg);

/* A copy in the leg's memory; null stays null. */
struct slice group_leg_keep(struct group_leg *leg, struct slice s);

/* The code of a coord_outcome. */
int16_t error_of_coord(int outcome);

/* The topic that groups live in, as the request sees it, or NULL. */
const struct image_topic *groups_topic(const struct request *request);
