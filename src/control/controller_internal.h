/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/controller_internal.h - what the files of the controller share.
 *
 * Threading: as controller.h.
 * Errors:    as controller.h.
 */

#include "control/controller.h"
#include "os/loop.h"

struct controller {
    struct controller_options options;
    struct mlog *mlog;       /* Owned. */
    struct image *image;     /* Owned reference: all that is durable. */
    struct image *previous;  /* Owned reference until the batch is published: has `removed`. */
    struct list queue;       /* struct control_op: not decided yet. */
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
    bool is_failed;
};

/* Room for one more element behind `count`: the array, or a larger copy of it in the arena. */
void *controller_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size);

/* Adds a record to the batch and applies it to the image that the batch leads to. */
void controller_add(struct controller *controller, enum metadata_type type, const void *fields);

/* Forgets the batch. */
void controller_reset(struct controller *controller);

/* Decides about one operation: adds its records to the batch, or has an outcome. */
NODISCARD int controller_create_topic(struct controller *controller, struct control_op *op);
NODISCARD int controller_delete_topic(struct controller *controller, struct control_op *op);
NODISCARD int controller_add_partitions(struct controller *controller, struct control_op *op);
NODISCARD int controller_alter_configs(struct controller *controller, struct control_op *op);

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
