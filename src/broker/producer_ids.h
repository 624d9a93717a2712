/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/producer_ids.h - numbers for idempotent producers, from blocks of a thousand
 * that the controller hands to each shard and never hands out again.
 *
 * Threading: the shard's loop.
 * Errors:    enum control_outcome.
 */

#include "broker/shard.h"
#include "control/controller.h"

/* Somebody who waits for a number.  Embedded in the asker's memory. */
struct producer_id_wait {
    struct list_node node; /* In shard->producer_id_waiters, else bare. */
    void (*done)(struct producer_id_wait *wait, int outcome, int64_t producer_id);
};

/* Calls done() with the next number, now or when a block has come. */
void producer_ids_take(struct shard *shard, struct producer_id_wait *wait);

/* Ends what waits: the shard is going. */
void producer_ids_fini(struct shard *shard);

/* An operation of the controller as a leg to its shard; broker-wide use. */
struct control_call {
    struct leg leg;
    struct control_op op;
    void (*done)(struct control_call *call);
};

/* Asks the controller; `call->op` is filled but for done(). */
void control_call_send(struct control_call *call, struct shard *from);
