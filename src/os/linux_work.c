/* SPDX-License-Identifier: Apache-2.0 */

/* os/linux_work.c - worker threads for what may wait for the disk. */

#include "base/err.h"
#include "os/linux_internal.h"

#include <errno.h>
#include <signal.h>

static void queue_push(struct io_work ***tail, struct io_work *work)
{
    work->next = NULL;
    **tail = work;
    *tail = &work->next;
}

static struct io_work *queue_pop(struct io_work **head, struct io_work ***tail)
{
    struct io_work *work = *head;

    if (work) {
        *head = work->next;
        if (!*head)
            *tail = head;
    }
    return work;
}

void linux_work_init(struct linux_io *world)
{
    pthread_mutex_init(&world->mutex, NULL);
    pthread_cond_init(&world->has_work, NULL);
    world->todo_tail = &world->todo;
    world->finished_tail = &world->finished;
}

static void *worker_main(void *context)
{
    struct linux_io *world = context;

    pthread_mutex_lock(&world->mutex);
    bug_set_hook(world->hook);
    while (!world->is_stopping) {
        struct io_work *work = queue_pop(&world->todo, &world->todo_tail);
        bool was_empty;

        if (!work) {
            world->idle_count++;
            pthread_cond_wait(&world->has_work, &world->mutex);
            world->idle_count--;
            continue;
        }
        world->todo_count--;
        pthread_mutex_unlock(&world->mutex);
        work->run(work, &world->io);
        pthread_mutex_lock(&world->mutex);
        was_empty = !world->finished;
        queue_push(&world->finished_tail, work);
        if (was_empty)
            world->io.ops->wake(&world->io);
    }
    pthread_mutex_unlock(&world->mutex);
    return NULL;
}

/* Workers take no signals: those are for the program's own threads. */
static void worker_start(struct linux_io *world)
{
    sigset_t all, before;
    int r;

    world->hook = bug_get_hook();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&world->workers[world->worker_count], NULL, worker_main, world);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(r == 0 || world->worker_count > 0); /* One is enough, none is not. */
    if (r == 0)
        world->worker_count++;
}

void linux_work_submit(struct io *io, struct io_work *work)
{
    struct linux_io *world = linux_io_of(io);

    assert(!work->is_submitted);
    work->is_submitted = true;
    pthread_mutex_lock(&world->mutex);
    queue_push(&world->todo_tail, work);
    world->todo_count++; /* A worker that is woken counts as idle until it takes its piece. */
    if (world->idle_count < world->todo_count && world->worker_count < LINUX_WORKERS_MAX)
        worker_start(world);
    else
        pthread_cond_signal(&world->has_work);
    pthread_mutex_unlock(&world->mutex);
}

void linux_work_deliver(struct linux_io *world)
{
    struct io_work *work;

    pthread_mutex_lock(&world->mutex);
    work = world->finished;
    world->finished = NULL;
    world->finished_tail = &world->finished;
    pthread_mutex_unlock(&world->mutex);

    while (work) {
        struct io_work *next = work->next;

        work->is_submitted = false;
        work->done(work, &world->io);
        work = next;
    }
}

void linux_work_fini(struct linux_io *world)
{
    pthread_mutex_lock(&world->mutex);
    world->is_stopping = true;
    pthread_cond_broadcast(&world->has_work);
    pthread_mutex_unlock(&world->mutex);
    for (int i = 0; i < world->worker_count; i++)
        pthread_join(world->workers[i], NULL);
    pthread_cond_destroy(&world->has_work);
    pthread_mutex_destroy(&world->mutex);
}
