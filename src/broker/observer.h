/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/observer.h - a broker reads the metadata log of a controller elsewhere along (KIP-595).
 *
 *      Fetch --> batches --> records --> the next image --> published to all shards
 *        |                                   ^
 *        '-- FetchSnapshot, where the log begins later (KIP-630)
 *
 * Nothing of it is kept on disk: what a broker needs is read anew at each start, behind a snapshot.
 * One fetch is always under way; it waits at the controller for more.
 *
 * Threading: shard 0's loop.
 * Errors:    none: what fails is tried again, with a line in the operator's log.
 */

#include "client/call.h"
#include "control/controller.h"
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"

struct broker;
struct observer;

/* Somebody who waits until the image has what the controller has by now.  Embedded in its owner. */
struct observer_wait {
    struct list_node node; /* In one of the observer's lists, else bare. */
    int64_t end;           /* The observer's own: the offset behind what the image must have. */
    void (*done)(struct observer_wait *wait);
};

struct observer_events {
    /* The image has all that the controller had at the first look; it is not published yet, which
     * is for the callee to have done (observer_publish()). */
    void (*caught_up)(struct broker *broker);
    /* An image has reached all shards. */
    void (*published)(struct broker *broker);
};

/* Begins to read; broker->uplink is a remote one. */
struct observer *observer_create(struct broker *broker, const struct observer_events *events);

/* Ends; who waits is told.  NULL is allowed.  Always returns NULL. */
struct observer *observer_destroy(struct observer *observer);

/* The image that was read last; borrowed. */
struct image *observer_image(const struct observer *observer);

/* Publishes what was read, from now on always. */
void observer_publish(struct observer *observer);

/* All shards have the image that was handed to broker_publish(). */
void observer_published(struct observer *observer);

/* The offset behind the last record of the image that all shards have. */
int64_t observer_end(const struct observer *observer);

/* Calls wait->done() when the image has all that is durable at the controller by now, or when the
 * broker stops. */
void observer_catch_up(struct observer *observer, struct observer_wait *wait);
