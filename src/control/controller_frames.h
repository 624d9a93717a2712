/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/controller_frames.h - requests to the controller, as they would come through a socket.
 *
 * A broker reaches its controller by Kafka's own requests (KIP-631), also where both are in one
 * process: then the transport is a call of controller_serve(), and the frames are the same.  They
 * queue with all else that is asked of the controller, and are answered when what they led to is
 * durable and published.
 *
 * Which requests there are is in control/served.def.
 *
 * Threading: the controller's loop.
 * Errors:    Kafka's codes, in the response.
 */

#include "control/controller.h"

struct served_api;

/* A request on its way.  Embedded in the asker's memory, which stays until answered(). */
struct control_frame {
    struct control_op op; /* The controller's own. */
    struct slice request; /* Borrowed until answered(): header and body, without the size. */
    bool is_local;        /* It comes from the broker of this process. */
    void (*answered)(struct control_frame *frame);
    void *context; /* The asker's own. */

    struct arena arena;    /* Owned: has the response; see control_frame_fini(). */
    struct slice response; /* Out: header and body; null if it was no request that is served. */

    const struct served_api *api; /* The controller's own, as what follows. */
    int16_t version;
    int32_t correlation_id;
    void *fields; /* Arena: of the response. */
};

/* A frame with this request in it, encoded into its arena; the version is the newest. */
void control_frame_init(struct control_frame *frame, int16_t key, const void *request);

/* Reads the response to a frame that control_frame_init() made; false if there is none. */
bool control_frame_read(struct control_frame *frame, void *out);

/* Frees what it holds. */
void control_frame_fini(struct control_frame *frame);

/* Queues the request. */
void controller_serve(struct controller *controller, struct control_frame *frame);

/* Before anybody is there to wait: decides about the request at once.  What it led to is durable
 * and in the image when controller_settle() returns 0.  answered() is not called. */
void controller_serve_now(struct controller *controller, struct control_frame *frame);
NODISCARD int controller_settle(struct controller *controller);
