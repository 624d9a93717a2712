/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/controller_internal.h - what the files of the controller share.
 *
 * Threading: as controller.h.
 * Errors:    as controller.h.
 */

#include "control/controller.h"
#include "control/controller_frames.h"
#include "os/loop.h"

struct controller_session;

struct controller {
    struct controller_options options;
    struct mlog *mlog;       /* Owned. */
    struct image *image;     /* Owned reference: all that is durable. */
    struct image *previous;  /* Owned reference until the batch is published: has `removed`. */
    struct list queue;       /* struct control_op: not decided yet. */
    struct list watches;     /* struct control_watch. */
    struct list batch;       /* struct control_op: being made durable. */
    struct image_edit *edit; /* Owned: what the batch leads to; NULL when idle. */
    struct arena arena;      /* For the batch. */
    struct slice *records;   /* Arena: values of the batch. */
    size_t record_count, record_room;
    const struct image_topic **removed; /* Arena; topics of `image`. */
    size_t removed_count, removed_room;
    struct uuid *altered; /* Arena. */
    size_t altered_count, altered_room;
    int64_t *loads; /* Owned: partitions in each of options.directories; NULL where it is one. */
    struct loop_hook decide;
    struct controller_session *sessions; /* Owned: of brokers in other processes. */
    size_t session_count;
    struct loop_timer expiry; /* The next session ends. */
    struct control_op expire; /* What it asks for. */
    int32_t placed;           /* How many partitions were placed: brokers take turns. */
    bool is_failed;
};

/* Adds a record to the batch and applies it to the image that the batch leads to. */
void controller_add(struct controller *controller, enum metadata_type type, const void *fields);

/* As controller_add(), with a record as it is; an image_outcome if it does not fit. */
NODISCARD int controller_add_bytes(struct controller *controller, struct slice record);

/* Forgets the batch. */
void controller_reset(struct controller *controller);

/* Decides about one operation: adds its records to the batch, or has an outcome. */
NODISCARD int controller_create_topic(struct controller *controller, struct control_op *op);
NODISCARD int controller_delete_topic(struct controller *controller, struct control_op *op);
NODISCARD int controller_add_partitions(struct controller *controller, struct control_op *op);
NODISCARD int controller_alter_configs(struct controller *controller, struct control_op *op);

/* Decides about a request that came as a frame; its response is in the frame. */
void controller_decide_frame(struct controller *controller, struct control_frame *frame);

/* Decide about one kind of request each: `response` has its defaults. */
#define SERVED(name)                                                                               \
    void controller_serve_##name(struct controller *controller, struct control_frame *frame,       \
                                 const void *request, void *response);
#include "control/served.def"

/* Gives the brokers of the image a session each, as a controller that begins does. */
void controller_begin_sessions(struct controller *controller);

/* Fences those whose session has ended. */
NODISCARD int controller_expire_sessions(struct controller *controller);

/* The offset of the next record of the batch. */
int64_t controller_next_offset(const struct controller *controller);

/* Begins a batch that controller_settle() ends, unless one is begun. */
void controller_begin_now(struct controller *controller);

/* Counts the partitions of all topics, or of one that comes (1) or goes (-1). */
void controller_count_all(struct controller *controller);
void controller_count_topic(struct controller *controller, const struct image_topic *topic,
                            int64_t by);

/* Where the next partition is to go; counts it. */
struct uuid controller_choose_dir(struct controller *controller);

/* The loop hook that decides about what is queued. */
void controller_decide(struct loop_hook *hook);

/* Ends operations: each with its own outcome, or with this one. */
void controller_end_ops(struct list *ops, int outcome);
