/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/marks.h"

/* Something that was noted while the worker had the marks. */
struct late {
    struct list_node node; /* In keeper->late. */
    bool forgets;
    char *topic;             /* Owned; */
    struct keeper_note note; /* its name there is borrowed from it. */
};

struct keeper {
    struct loop *loop; /* Borrowed, as the folder. */
    struct log_dir *dir;
    struct marks marks;     /* The worker's while one is in flight. */
    unsigned changed;       /* Checkpoints that differ from the marks. */
    struct list late;       /* struct late, oldest first. */
    struct list waiting;    /* struct keeper_request: for the next write. */
    struct list running;    /* Likewise: for the one in flight. */
    struct loop_hook begin; /* At the end of the turn. */
    struct io_work work;
    unsigned writes; /* Checkpoints that are being written. */
    int result;
};

/* --- notes ------------------------------------------------------------------ */

static void set(int64_t *line, int64_t value, struct keeper *keeper, unsigned which)
{
    if (*line != value)
        keeper->changed |= which;
    *line = value;
}

static void take_note(struct keeper *keeper, const struct keeper_note *note)
{
    struct mark *mark = marks_get(&keeper->marks, note->topic, note->partition);

    mark->topic_id = note->topic_id;
    set(&mark->recovery_point, note->recovery_point, keeper, MARKS_POINTS);
    set(&mark->high_watermark, note->high_watermark, keeper, MARKS_WATERMARKS);
    set(&mark->start, note->start, keeper, MARKS_STARTS);
    set(&mark->cleaned, note->cleaned, keeper, MARKS_CLEANED);
}

static void forget(struct keeper *keeper, const struct keeper_note *note)
{
    struct mark *mark = marks_find(&keeper->marks, note->topic, note->partition);

    if (!mark || (!uuid_is_zero(mark->topic_id) && !uuid_equal(mark->topic_id, note->topic_id)))
        return;
    set(&mark->recovery_point, -1, keeper, MARKS_POINTS);
    set(&mark->high_watermark, -1, keeper, MARKS_WATERMARKS);
    set(&mark->start, -1, keeper, MARKS_STARTS);
    set(&mark->cleaned, -1, keeper, MARKS_CLEANED);
    marks_remove(&keeper->marks, mark);
}

static void take_op(struct keeper *keeper, const struct keeper_note *note, bool forgets)
{
    if (forgets)
        forget(keeper, note);
    else
        take_note(keeper, note);
}

static void take_or_keep(struct keeper *keeper, const struct keeper_note *note, bool forgets)
{
    struct late *late;

    if (!keeper->work.is_submitted) {
        take_op(keeper, note, forgets);
        return;
    }
    late = mem_new(sizeof(*late));
    late->forgets = forgets;
    late->topic = mem_copy_text(note->topic.data, note->topic.size);
    late->note = *note;
    late->note.topic = slice_text(late->topic);
    list_push(&keeper->late, &late->node);
}

static void take_late(struct keeper *keeper)
{
    struct list_node *node;

    while ((node = list_pop(&keeper->late))) {
        struct late *late = container_of(node, struct late, node);

        take_op(keeper, &late->note, late->forgets);
        mem_free(late->topic);
        mem_free(late);
    }
}

void keeper_note(struct keeper *keeper, const struct keeper_note *note)
{
    take_or_keep(keeper, note, false);
}

void keeper_forget(struct keeper *keeper, struct slice topic, int64_t partition,
                   struct uuid topic_id)
{
    take_or_keep(
        keeper, &(struct keeper_note){.topic = topic, .partition = partition, .topic_id = topic_id},
        true);
}

/* --- writing ---------------------------------------------------------------- */

static void tell(struct list *requests, int r)
{
    struct list_node *node;

    while ((node = list_pop(requests))) {
        struct keeper_request *request = container_of(node, struct keeper_request, node);

        request->done(request, r);
    }
}

static void run(struct io_work *work, struct io *io)
{
    struct keeper *keeper = container_of(work, struct keeper, work);

    keeper->result =
        keeper->writes ? log_dir_save_marks(keeper->dir, io, &keeper->marks, keeper->writes) : 0;
}

static void done(struct io_work *work, struct io *io)
{
    struct keeper *keeper = container_of(work, struct keeper, work);
    struct list told;

    (void)io;
    if (keeper->result)
        keeper->changed |= keeper->writes; /* Nobody knows how far it came. */
    take_late(keeper);
    if (!list_is_empty(&keeper->waiting))
        loop_hook_ask(keeper->loop, &keeper->begin);
    list_init(&told);
    list_append(&told, &keeper->running);
    tell(&told, keeper->result);
}

static void begin(struct loop_hook *hook)
{
    struct keeper *keeper = container_of(hook, struct keeper, begin);

    if (keeper->work.is_submitted || list_is_empty(&keeper->waiting))
        return; /* done() comes back here. */
    list_append(&keeper->running, &keeper->waiting);
    keeper->writes = keeper->changed;
    keeper->changed = 0;
    keeper->loop->io->ops->work_submit(keeper->loop->io, &keeper->work);
}

void keeper_ask(struct keeper *keeper, struct keeper_request *request)
{
    assert(request->done && !list_node_is_linked(&request->node));
    list_push(&keeper->waiting, &request->node);
    loop_hook_ask(keeper->loop, &keeper->begin);
}

/* --- the keeper ------------------------------------------------------------- */

struct keeper *keeper_create(struct loop *loop, struct log_dir *dir)
{
    struct keeper *keeper = mem_new(sizeof(*keeper));

    keeper->loop = loop;
    keeper->dir = dir;
    marks_init(&keeper->marks);
    log_dir_give_marks(dir, &keeper->marks);
    list_init(&keeper->late);
    list_init(&keeper->waiting);
    list_init(&keeper->running);
    keeper->begin.run = begin;
    keeper->work = (struct io_work){.run = run, .done = done};
    return keeper;
}

struct keeper *keeper_destroy(struct keeper *keeper)
{
    if (!keeper)
        return NULL;
    while (keeper->work.is_submitted)
        keeper->loop->io->ops->poll(keeper->loop->io, -1); /* The worker has our marks. */
    loop_hook_cancel(&keeper->begin);
    tell(&keeper->waiting, err_raise(-ECANCELED));
    log_dir_take_marks(keeper->dir, &keeper->marks);
    marks_fini(&keeper->marks);
    mem_free(keeper);
    return NULL;
}
