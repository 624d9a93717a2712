/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reaper.h"

#include "base/err.h"
#include "base/mem.h"

DIAG_MODULE("store");

enum { AT_ONCE_MAX = 64 }; /* Segments that one piece of work unlinks. */

#define DELAY_MAX_US (INT64_MAX / 4)

struct grave {
    struct heap_node node; /* In reaper->waiting, by due time, else bare. */
    struct file *folder;   /* Owned reference. */
    int64_t base;
    int result;
};

struct reaper {
    struct loop *loop; /* Borrowed, as diag. */
    struct diag *diag;
    struct heap waiting;
    struct loop_timer timer;
    struct io_work work;
    struct grave *running[AT_ONCE_MAX]; /* The worker's. */
    size_t running_count;
};

static void grave_free(struct grave *grave)
{
    file_unref(grave->folder);
    mem_free(grave);
}

static struct grave *pop(struct reaper *reaper, int64_t due_us)
{
    struct heap_node *node = heap_first(&reaper->waiting);

    if (!node || node->key > due_us)
        return NULL;
    heap_remove(&reaper->waiting, node);
    return container_of(node, struct grave, node);
}

static void set_timer(struct reaper *reaper)
{
    struct heap_node *node = heap_first(&reaper->waiting);

    if (node && !reaper->work.is_submitted)
        loop_timer_set(reaper->loop, &reaper->timer, node->key);
}

static void run(struct io_work *work, struct io *io)
{
    struct reaper *reaper = container_of(work, struct reaper, work);

    for (size_t i = 0; i < reaper->running_count; i++) {
        struct grave *grave = reaper->running[i];

        grave->result = log_unlink_dropped(io, grave->folder, grave->base);
    }
}

static void bury(struct reaper *reaper, struct grave *grave)
{
    if (grave->result)
        diag_warn(reaper->diag, "files of a deleted segment could not be unlinked",
                  kv("segment", grave->base), kv("error", grave->result));
    grave_free(grave);
}

static void done(struct io_work *work, struct io *io)
{
    struct reaper *reaper = container_of(work, struct reaper, work);

    (void)io;
    for (size_t i = 0; i < reaper->running_count; i++)
        bury(reaper, reaper->running[i]);
    reaper->running_count = 0;
    set_timer(reaper);
}

static void fire(struct loop_timer *timer)
{
    struct reaper *reaper = container_of(timer, struct reaper, timer);
    struct grave *grave;

    assert(!reaper->work.is_submitted);
    while (reaper->running_count < AT_ONCE_MAX && (grave = pop(reaper, reaper->loop->now_us)))
        reaper->running[reaper->running_count++] = grave;
    if (reaper->running_count > 0)
        reaper->loop->io->ops->work_submit(reaper->loop->io, &reaper->work);
    else
        set_timer(reaper);
}

struct reaper *reaper_create(struct loop *loop, struct diag *diag)
{
    struct reaper *reaper = mem_new(sizeof(*reaper));

    reaper->loop = loop;
    reaper->diag = diag;
    heap_init(&reaper->waiting);
    reaper->timer.fire = fire;
    reaper->work = (struct io_work){.run = run, .done = done};
    return reaper;
}

struct reaper *reaper_destroy(struct reaper *reaper, bool clean)
{
    struct grave *grave;

    if (!reaper)
        return NULL;
    while (reaper->work.is_submitted)
        reaper->loop->io->ops->poll(reaper->loop->io, -1); /* The worker has our memory. */
    loop_timer_cancel(reaper->loop, &reaper->timer);
    while ((grave = pop(reaper, INT64_MAX))) {
        if (clean)
            grave->result = log_unlink_dropped(reaper->loop->io, grave->folder, grave->base);
        bury(reaper, grave);
    }
    mem_free(reaper);
    return NULL;
}

void reaper_add(struct reaper *reaper, struct file *folder, int64_t base, int64_t delay_ms)
{
    struct grave *grave = mem_new(sizeof(*grave));
    int64_t delay_us = min_of(delay_ms, DELAY_MAX_US / 1000) * 1000;

    assert(delay_ms >= 0);
    grave->folder = folder;
    grave->base = base;
    heap_put(&reaper->waiting, &grave->node, io_monotonic_us(reaper->loop->io) + delay_us);
    set_timer(reaper);
}

size_t reaper_count(const struct reaper *reaper)
{
    return reaper->waiting.count;
}
