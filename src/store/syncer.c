/* SPDX-License-Identifier: Apache-2.0 */
#include "store/syncer.h"

#include "base/err.h"
#include "base/mem.h"

DIAG_MODULE("store");

/* One log's part of a round. */
struct job {
    struct syncer_request *request; /* Borrowed; NULL if it was taken back meanwhile. */
    struct log_sync sync;
    bool has_sync;
};

struct syncer {
    struct loop *loop;
    struct diag *diag;
    struct log_dir *dir;
    struct list waiting;    /* struct syncer_request: in no round yet. */
    struct loop_hook begin; /* At the end of the turn. */
    struct io_work work;
    struct job *jobs; /* Owned: the round in flight. */
    size_t job_count, job_room;
    int result; /* Of the round; the worker's until done(). */
    bool is_dying;
};

static void round_run(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, work);

    syncer->result = 0;
    for (size_t i = 0; i < syncer->job_count && syncer->result == 0; i++)
        if (syncer->jobs[i].has_sync)
            syncer->result = log_sync_run(&syncer->jobs[i].sync, io);
}

/* Logs learn first what is durable, then everybody hears of it: what they do then may touch
 * other logs of the round.  Who asks again is in the next. */
static void round_end(struct syncer *syncer)
{
    for (size_t i = 0; i < syncer->job_count; i++) {
        struct job *job = &syncer->jobs[i];

        if (job->request && job->has_sync && syncer->result == 0)
            log_sync_end(job->request->log, &job->sync);
        if (job->has_sync)
            log_sync_fini(&job->sync);
        if (job->request)
            job->request->is_running = false;
    }
    for (size_t i = 0; i < syncer->job_count && !syncer->is_dying; i++) {
        struct syncer_request *request = syncer->jobs[i].request; /* NULL by now, perhaps. */

        syncer->jobs[i].request = NULL;
        if (request)
            request->done(request, syncer->result);
    }
    syncer->job_count = 0;
}

static void round_done(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, work);

    (void)io;
    if (syncer->result) {
        diag_error(syncer->diag, "sync of the log failed", kv("error", syncer->result));
        log_dir_fence(syncer->dir);
    } else if (log_dir_is_fenced(syncer->dir)) {
        syncer->result = err_raise(-EIO); /* What a sync says behind a failed one is nothing. */
    }
    round_end(syncer);
    if (!list_is_empty(&syncer->waiting))
        loop_hook_ask(syncer->loop, &syncer->begin);
}

static void add_job(struct syncer *syncer, struct syncer_request *request)
{
    struct job *job;

    if (syncer->job_count == syncer->job_room) {
        syncer->job_room = max_of(syncer->job_room * 2, (size_t)8);
        syncer->jobs = mem_resize(syncer->jobs, syncer->job_room, sizeof(*syncer->jobs));
    }
    job = &syncer->jobs[syncer->job_count++];
    *job = (struct job){.request = request};
    job->has_sync = log_sync_begin(request->log, &job->sync);
    request->is_running = true;
}

static void begin(struct loop_hook *hook)
{
    struct syncer *syncer = container_of(hook, struct syncer, begin);
    struct list_node *node;

    if (syncer->work.is_submitted)
        return; /* round_done() comes back here. */
    while ((node = list_pop(&syncer->waiting)))
        add_job(syncer, container_of(node, struct syncer_request, node));
    if (syncer->job_count > 0)
        syncer->loop->io->ops->work_submit(syncer->loop->io, &syncer->work);
}

struct syncer *syncer_create(struct loop *loop, struct diag *diag, struct log_dir *dir)
{
    struct syncer *syncer = mem_new(sizeof(*syncer));

    syncer->loop = loop;
    syncer->diag = diag;
    syncer->dir = dir;
    syncer->begin.run = begin;
    syncer->work = (struct io_work){.run = round_run, .done = round_done};
    list_init(&syncer->waiting);
    return syncer;
}

struct syncer *syncer_destroy(struct syncer *syncer)
{
    if (!syncer)
        return NULL;
    syncer->is_dying = true;
    assert(list_is_empty(&syncer->waiting));
    while (syncer->work.is_submitted) /* The worker has our memory. */
        syncer->loop->io->ops->poll(syncer->loop->io, -1);
    loop_hook_cancel(&syncer->begin);
    mem_free(syncer->jobs);
    mem_free(syncer);
    return NULL;
}

void syncer_ask(struct syncer *syncer, struct log *log, struct syncer_request *request)
{
    assert(request->done);
    request->log = log;
    if (!list_node_is_linked(&request->node))
        list_push(&syncer->waiting, &request->node);
    if (!syncer->work.is_submitted)
        loop_hook_ask(syncer->loop, &syncer->begin);
}

void syncer_forget(struct syncer *syncer, struct syncer_request *request)
{
    list_remove(&request->node);
    for (size_t i = 0; i < syncer->job_count; i++)
        if (syncer->jobs[i].request == request)
            syncer->jobs[i].request = NULL;
    request->is_running = false;
}
