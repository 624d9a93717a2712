/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/uplink.h - a broker's way to its controller: Kafka's own requests, by one of two means.
 *
 *      is it in this process?   a function call: the controller's queue
 *      else                     a connection to one of controller.quorum.bootstrap.servers, made
 *                               again with growing pauses when it breaks
 *
 * What is asked for is a frame (control/controller_frames.h).  Over a connection it is said in the
 * version that both sides know, and the answer turned back into that of the frame.
 *
 * Threading: shard 0's loop.
 * Errors:    a frame without a response: the controller did not answer in time, or the broker
 *            stops.
 */

#include "client/cluster.h"
#include "control/controller_frames.h"

struct broker;
struct uplink;

struct uplink_ops {
    void (*serve)(struct uplink *uplink, struct control_frame *frame, int64_t timeout_ms);
    void (*ask)(struct uplink *uplink, struct control_op *op);
};

struct uplink {
    const struct uplink_ops *ops;
    struct broker *broker;  /* Borrowed: the owner. */
    struct cluster cluster; /* Of controllers in other processes. */
    bool has_cluster;
};

/* The way to the controller of this process. */
void uplink_init_local(struct uplink *uplink, struct broker *broker);

/* The way to controllers elsewhere: "host:port,host:port". */
NODISCARD int uplink_init_remote(struct uplink *uplink, struct broker *broker,
                                 const char *controllers);

/* Ends what is under way, unanswered. */
void uplink_fini(struct uplink *uplink);

/* Asks the controller; frame->answered() follows. */
void uplink_serve(struct uplink *uplink, struct control_frame *frame, int64_t timeout_ms);

/* Asks for a topic to be made (CONTROL_CREATE_TOPIC), and for anything in this process;
 * op->done() follows when the image of this broker has it. */
void uplink_ask(struct uplink *uplink, struct control_op *op);
