/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller.c - deciding, one batch at a time. */

#include "base/err.h"
#include "base/mem.h"
#include "control/controller_internal.h"

#include <string.h>

DIAG_MODULE("control");

enum {
    BATCH_OPS_MAX = 500,
    BATCH_RECORDS_MAX = 10000, /* Before the last operation of a batch. */
};

/* --- records ---------------------------------------------------------------- */

int64_t controller_next_offset(const struct controller *c)
{
    return mlog_end(c->mlog) + (int64_t)c->record_count;
}

int controller_add_bytes(struct controller *c, struct slice record)
{
    int r = image_edit_apply(c->edit, controller_next_offset(c), record);
    uint8_t *copy;

    if (r)
        return r;
    copy = arena_new(&c->arena, record.size);
    memcpy(copy, record.data, record.size);
    c->records =
        arena_grow(&c->arena, c->records, c->record_count, &c->record_room, sizeof(*c->records));
    c->records[c->record_count++] = slice_of(copy, record.size);
    return 0;
}

void controller_add(struct controller *c, enum metadata_type type, const void *fields)
{
    struct slice record =
        metadata_record_encode(&c->arena, type, image_edit_image(c->edit)->levels, fields);
    int r = image_edit_apply(c->edit, controller_next_offset(c), record);

    assert(r == 0); /* Decided against the same image. */
    c->records =
        arena_grow(&c->arena, c->records, c->record_count, &c->record_room, sizeof(*c->records));
    c->records[c->record_count++] = record;
}

static int decide(struct controller *c, struct control_op *op)
{
    switch (op->kind) {
    case CONTROL_CREATE_TOPIC: return controller_create_topic(c, op);
    case CONTROL_DELETE_TOPIC: return controller_delete_topic(c, op);
    case CONTROL_ADD_PARTITIONS: return controller_add_partitions(c, op);
    case CONTROL_ALTER_CONFIGS: return controller_alter_configs(c, op);
    case CONTROL_EXPIRE: return controller_expire_sessions(c);
    case CONTROL_FRAME:
        controller_decide_frame(c, container_of(op, struct control_frame, op));
        return 0;
    }
    return CONTROL_E_STOPPED;
}

/* --- one batch after the other ---------------------------------------------- */

void controller_end_ops(struct list *ops, int outcome)
{
    struct list done;
    struct list_node *node;

    list_init(&done);
    list_append(&done, ops);
    while ((node = list_pop(&done))) {
        struct control_op *op = container_of(node, struct control_op, node);

        op->done(op, outcome ? outcome : op->outcome);
    }
}

void controller_reset(struct controller *c)
{
    c->records = NULL;
    c->removed = NULL;
    c->altered = NULL;
    c->record_count = c->record_room = 0;
    c->removed_count = c->removed_room = 0;
    c->altered_count = c->altered_room = 0;
    c->previous = image_unref(c->previous);
    arena_recycle(&c->arena);
}

static void fail(struct controller *c, int r)
{
    diag_error(c->options.diag, "metadata log failed; topics cannot be changed until a restart",
               kv("error", r));
    c->is_failed = true;
    c->edit = image_edit_destroy(c->edit);
    controller_reset(c);
    controller_end_ops(&c->batch, CONTROL_E_STORAGE);
    controller_end_ops(&c->queue, CONTROL_E_STORAGE);
}

/* A full disk, or the like: what was asked for is refused, and the next may do better. */
static void refuse_batch(struct controller *c, int r)
{
    diag_error(c->options.diag, "metadata could not be written; what was asked for is refused",
               kv("error", r));
    c->edit = image_edit_destroy(c->edit);
    controller_reset(c);
    controller_end_ops(&c->batch, CONTROL_E_STORAGE);
    if (!list_is_empty(&c->queue))
        loop_hook_ask(c->options.loop, &c->decide);
}

static void wake_watches(struct controller *c)
{
    struct list watches;
    struct list_node *node;

    list_init(&watches);
    list_append(&watches, &c->watches);
    while ((node = list_pop(&watches))) {
        struct control_watch *watch = container_of(node, struct control_watch, node);

        watch->wake(watch);
    }
}

static void appended(void *context, int r)
{
    struct controller *c = context;
    struct image *next;

    if (r) {
        fail(c, r);
        return;
    }
    next = image_edit_finish(take(c->edit));
    c->previous = c->image;
    c->image = next;
    mlog_note_image(c->mlog, next);
    wake_watches(c);
    c->options.publish(c->options.owner, &(struct control_change){
                                             .image = next,
                                             .removed = c->removed,
                                             .removed_count = c->removed_count,
                                             .altered = c->altered,
                                             .altered_count = c->altered_count,
                                         });
}

void controller_published(struct controller *c)
{
    controller_reset(c);
    controller_end_ops(&c->batch, 0);
    if (!list_is_empty(&c->queue))
        loop_hook_ask(c->options.loop, &c->decide);
}

void controller_decide(struct loop_hook *hook)
{
    struct controller *c = container_of(hook, struct controller, decide);
    struct list_node *node;
    int ops = 0;
    int r;

    if (c->is_failed)
        controller_end_ops(&c->queue, CONTROL_E_STORAGE);
    if (c->edit || !list_is_empty(&c->batch) || list_is_empty(&c->queue))
        return; /* Busy: controller_published() asks again. */
    c->edit = image_edit_create(c->image);
    while (ops++ < BATCH_OPS_MAX && c->record_count < BATCH_RECORDS_MAX &&
           (node = list_pop(&c->queue))) {
        struct control_op *op = container_of(node, struct control_op, node);

        op->outcome = decide(c, op);
        list_push(&c->batch, &op->node);
    }
    if (c->record_count == 0) { /* All were refused, or only to be validated. */
        c->edit = image_edit_destroy(c->edit);
        controller_published(c);
        return;
    }
    r = mlog_append(c->mlog, c->records, c->record_count, appended, c);
    if (r && mlog_is_failed(c->mlog))
        fail(c, r);
    else if (r)
        refuse_batch(c, r);
}

void controller_ask(struct controller *c, struct control_op *op)
{
    assert(op->done);
    op->outcome = 0;
    list_push(&c->queue, &op->node);
    loop_hook_ask(c->options.loop, &c->decide);
}

struct mlog *controller_log(const struct controller *c)
{
    return c->mlog;
}

void controller_watch(struct controller *c, struct control_watch *watch)
{
    list_push(&c->watches, &watch->node);
}

int32_t controller_epoch(const struct controller *c)
{
    return mlog_epoch(c->mlog);
}

struct image *controller_image(const struct controller *c)
{
    return c->image;
}
