/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/loop.h"
#include "test/harness/check.h"

#include <pthread.h>
#include <stdatomic.h>

/* A piece of work that notes where it ran. */
struct job {
    struct io_work work;
    pthread_t runner;
    int runs;
    int *done_count;
    int rounds; /* How often done() submits it again. */
};

static void job_run(struct io_work *work, struct io *io)
{
    struct job *job = container_of(work, struct job, work);

    (void)io;
    assert(work->is_submitted); /* Not check(): that returns to the test's own thread. */
    job->runner = pthread_self();
    job->runs++;
}

static void job_done(struct io_work *work, struct io *io)
{
    struct job *job = container_of(work, struct job, work);

    check(!work->is_submitted);
    check(!pthread_equal(job->runner, pthread_self()));
    *job->done_count += 1;
    if (job->rounds-- > 0)
        io->ops->work_submit(io, work);
}

static struct job job_of(int *done_count, int rounds)
{
    return (struct job){
        .work = {.run = job_run, .done = job_done}, .done_count = done_count, .rounds = rounds};
}

TEST(linux_work, work_runs_elsewhere_and_is_done_here)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    int done = 0;
    struct job job = job_of(&done, 0);

    check_ok(linux_io_create(&io));
    io->ops->work_submit(io, &job.work);
    check(job.work.is_submitted);
    while (!done)
        io->ops->poll(io, -1);
    check_eq(job.runs, 1);
}

TEST(linux_work, work_that_is_submitted_cannot_be_submitted)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    int done = 0;
    struct job job = job_of(&done, 0);

    check_ok(linux_io_create(&io));
    io->ops->work_submit(io, &job.work);
    check_bug(io->ops->work_submit(io, &job.work));
    while (!done)
        io->ops->poll(io, -1);
}

TEST(linux_work, many_pieces_are_all_done_and_may_come_back)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct job jobs[200];
    int done = 0;

    check_ok(linux_io_create(&io));
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i] = job_of(&done, 4);
        io->ops->work_submit(io, &jobs[i].work);
    }
    while (done < 5 * (int)COUNT_OF(jobs))
        io->ops->poll(io, -1);
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        check_eq(jobs[i].runs, 5);
}

/* Two workers: one that waits must not hold up the other. */
struct gate {
    struct io_work work;
    _Atomic bool *is_open;
    bool opens; /* Opens the gate instead of waiting for it. */
    int *done_count;
};

static void gate_run(struct io_work *work, struct io *io)
{
    struct gate *gate = container_of(work, struct gate, work);

    (void)io;
    if (gate->opens)
        atomic_store(gate->is_open, true);
    while (!atomic_load(gate->is_open))
        sched_yield();
}

static void gate_done(struct io_work *work, struct io *io)
{
    (void)io;
    *container_of(work, struct gate, work)->done_count += 1;
}

TEST(linux_work, a_slow_piece_does_not_hold_up_the_next)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    _Atomic bool is_open = false;
    int done = 0;
    struct gate slow = {.work = {.run = gate_run, .done = gate_done}, .is_open = &is_open};
    struct gate fast = slow;

    slow.done_count = fast.done_count = &done;
    fast.opens = true;
    check_ok(linux_io_create(&io));
    io->ops->work_submit(io, &slow.work);
    io->ops->work_submit(io, &fast.work);
    while (done < 2)
        io->ops->poll(io, -1);
}

/* A single idle worker, and two pieces: the second must not be left to the first. */
TEST(linux_work, an_idle_worker_is_counted_on_once)
{
    for (int i = 0; i < 100; i++) {
        scoped(linux_io_destroyp) struct io *io = NULL;
        _Atomic bool is_open = false;
        int done = 0;
        struct job first = job_of(&done, 0);
        struct gate slow = {.work = {.run = gate_run, .done = gate_done}, .is_open = &is_open};
        struct gate fast = slow;

        slow.done_count = fast.done_count = &done;
        fast.opens = true;
        check_ok(linux_io_create(&io));
        io->ops->work_submit(io, &first.work);
        while (done < 1)
            io->ops->poll(io, -1);
        for (int k = 0; k < 1000; k++)
            sched_yield(); /* The worker has gone to wait by now, mostly. */
        io->ops->work_submit(io, &slow.work);
        io->ops->work_submit(io, &fast.work);
        while (done < 3)
            io->ops->poll(io, -1);
    }
}

TEST(linux_work, a_world_that_ends_waits_for_what_runs_and_calls_nobody)
{
    struct io *io = NULL;
    int done = 0;
    struct job jobs[20];

    check_ok(linux_io_create(&io));
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        jobs[i] = job_of(&done, 0);
        io->ops->work_submit(io, &jobs[i].work);
    }
    check(!linux_io_destroy(io));
    check_eq(done, 0);
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        check(jobs[i].runs <= 1);
}
