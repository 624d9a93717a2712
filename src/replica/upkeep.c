/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/upkeep.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "replica/partition.h"
#include "store/cleaner.h"
#include "store/reaper.h"

DIAG_MODULE("replica");

enum {
    CHUNK = 16,      /* Logs that one piece of work syncs. */
    BATCH_MAX = 512, /* Logs between two writes of the checkpoints. */
    DROP_MAX = 32,   /* Segments of one log that one batch drops. */
};

/* One partition's part of a batch. */
struct job {
    struct partition *partition; /* Borrowed; NULL if it is gone, or its part is over. */
    char *topic;                 /* Owned: of the note. */
    struct uuid topic_id;
    struct file *folder;               /* Owned reference. */
    struct log_checkpoint checkpoint;  /* The worker's, while it has it. */
    bool has_checkpoint, has_settling; /* Something for a worker to do. */
    int64_t start;                     /* Where the log is to begin; -1: it stays. */
    int result;                        /* The worker's. */
};

struct upkeep {
    struct replicas *replicas; /* Borrowed. */
    struct loop *loop;         /* Borrowed. */
    struct reaper *reaper;     /* Owned. */
    int64_t interval_us;
    struct list waiting;     /* struct partition, by care.node. */
    struct loop_timer timer; /* For the next look at all logs. */
    struct loop_hook begin;

    struct job *jobs; /* Owned; the workers' while they run. */
    size_t job_count, job_room;
    size_t chunk; /* The first job that has not been written yet. */
    struct io_work write_work, settle_work;
    struct upkeep_notes notes; /* At the keeper, or on their way. */
    struct keeper_note *items; /* Owned: of `notes`. */
    bool is_busy;              /* A batch is under way. */
    bool is_stopping;
};

static void tell_starts(struct partition *p, int64_t upto, int outcome)
{
    list_each_safe (node, &p->care.start_waits) {
        struct start_wait *wait = container_of(node, struct start_wait, node);

        if (wait->offset > upto)
            continue;
        list_remove(node);
        wait->done(wait, outcome);
    }
}

/* --- jobs ------------------------------------------------------------------- */

/* The partition's part of the batch is over: its start stays. */
static void fail_job(struct job *job)
{
    struct partition *p = job->partition;

    job->partition = NULL;
    if (p)
        tell_starts(p, INT64_MAX, PARTITION_E_STORAGE);
}

static void job_fini(struct job *job)
{
    mem_free(job->topic);
    file_unref(job->folder);
}

static struct job *add_job(struct upkeep *upkeep, struct partition *p)
{
    struct job *job;

    if (upkeep->job_count == upkeep->job_room) {
        upkeep->job_room = max_of(upkeep->job_room * 2, (size_t)CHUNK);
        upkeep->jobs = mem_resize(upkeep->jobs, upkeep->job_room, sizeof(*upkeep->jobs));
    }
    job = &upkeep->jobs[upkeep->job_count++];
    *job = (struct job){
        .partition = p,
        .topic = mem_copy_text(p->topic, strlen(p->topic)),
        .topic_id = p->topic_id,
        .folder = log_folder(p->log),
        .start = p->care.start,
    };
    p->care.start = -1;
    return job;
}

static void note_failure(const struct job *job, int error)
{
    const struct partition *p = job->partition;

    diag_warn(p->replicas->diag, "recovery point of a log could not move", kv("topic", job->topic),
              kv("partition", p->index), kv("error", error));
}

static void begin_job(struct upkeep *upkeep, struct partition *p)
{
    struct job *job = add_job(upkeep, p);
    int r = partition_flush(p);

    if (r == 0)
        r = log_checkpoint_begin(p->log, &job->checkpoint, &job->has_checkpoint);
    if (r) {
        note_failure(job, r);
        fail_job(job);
    }
}

static void end_batch(struct upkeep *upkeep)
{
    for (size_t i = 0; i < upkeep->job_count; i++)
        job_fini(&upkeep->jobs[i]);
    upkeep->job_count = upkeep->chunk = 0;
    upkeep->items = mem_free(upkeep->items);
    upkeep->is_busy = false;
    if (!list_is_empty(&upkeep->waiting) && !upkeep->is_stopping)
        loop_hook_ask(upkeep->loop, &upkeep->begin);
}

/* --- starts move ------------------------------------------------------------ */

void upkeep_bury(struct upkeep *upkeep, const struct partition *p, int64_t base)
{
    reaper_add(upkeep->reaper, log_folder(p->log), base, p->config.file_delete_delay_ms);
}

static void drop_segments(struct upkeep *upkeep, struct partition *p)
{
    for (int i = 0; i < DROP_MAX && log_has_segment_below(p->log); i++) {
        int64_t base;
        int r = log_drop_segment(p->log, &base);

        if (r) {
            diag_warn(p->replicas->diag, "segment could not be deleted; it will be tried again",
                      kv("topic", p->topic), kv("partition", p->index), kv("error", r));
            return;
        }
        upkeep_bury(upkeep, p, base);
    }
    if (log_has_segment_below(p->log))
        upkeep_want_point(upkeep, p);
}

static void apply(struct upkeep *upkeep)
{
    for (size_t i = 0; i < upkeep->job_count; i++) {
        struct job *job = &upkeep->jobs[i];
        struct partition *p = job->partition;

        if (!p)
            continue;
        if (job->start >= 0)
            log_advance_start(p->log, job->start);
        tell_starts(p, log_start(p->log), 0);
        if (job->partition) /* Nobody ended it meanwhile. */
            drop_segments(upkeep, p);
    }
    end_batch(upkeep);
}

/* --- new logs --------------------------------------------------------------- */

static void settle_run(struct io_work *work, struct io *io)
{
    struct upkeep *upkeep = container_of(work, struct upkeep, settle_work);

    for (size_t i = 0; i < upkeep->job_count; i++) {
        struct job *job = &upkeep->jobs[i];

        if (job->has_settling)
            job->result = log_settle(io, job->folder, job->topic_id);
    }
}

static void settle_done(struct io_work *work, struct io *io)
{
    struct upkeep *upkeep = container_of(work, struct upkeep, settle_work);

    (void)io;
    for (size_t i = 0; i < upkeep->job_count; i++) {
        struct job *job = &upkeep->jobs[i];

        if (!job->has_settling || !job->partition)
            continue;
        if (job->result == 0)
            log_settled(job->partition->log);
        else
            fail_job(job);
    }
    apply(upkeep);
}

/* --- the checkpoints -------------------------------------------------------- */

/* What may be in the checkpoint already, or come into it with the next write, is to be so in
 * memory too, some time. */
static void give_start_back(struct job *job)
{
    if (job->partition)
        job->partition->care.start = max_of(job->partition->care.start, job->start);
    fail_job(job);
}

static void kept(struct upkeep_notes *notes, int r)
{
    struct upkeep *upkeep = container_of(notes, struct upkeep, notes);
    bool settles = false;

    for (size_t i = 0; i < upkeep->job_count; i++) {
        struct job *job = &upkeep->jobs[i];

        if (r)
            give_start_back(job);
        if (!job->partition)
            continue;
        log_checkpoint_kept(job->partition->log);
        job->has_settling = log_is_new(job->partition->log);
        settles |= job->has_settling;
    }
    if (settles && !upkeep->is_stopping)
        upkeep->loop->io->ops->work_submit(upkeep->loop->io, &upkeep->settle_work);
    else if (settles)
        end_batch(upkeep);
    else
        apply(upkeep);
}

static void keep(struct upkeep *upkeep)
{
    size_t count = 0;

    upkeep->items = mem_new_array(upkeep->job_count, sizeof(*upkeep->items));
    for (size_t i = 0; i < upkeep->job_count; i++) {
        const struct job *job = &upkeep->jobs[i];
        const struct partition *p = job->partition;

        if (!p)
            continue;
        upkeep->items[count++] = (struct keeper_note){
            .topic = slice_text(job->topic),
            .partition = p->index,
            .topic_id = job->topic_id,
            .recovery_point = log_recovery_point(p->log),
            .high_watermark = p->high_watermark,
            .cleaned = log_cleaned(p->log),
            .start =
                max_of(mutant_is(MUTANT_START_AHEAD) ? -1 : job->start, log_start_mark(p->log)),
        };
    }
    if (count == 0) {
        end_batch(upkeep);
        return;
    }
    upkeep->notes.items = upkeep->items;
    upkeep->notes.count = count;
    upkeep->replicas->keep(upkeep->replicas, &upkeep->notes);
}

/* --- recovery points -------------------------------------------------------- */

static void write_run(struct io_work *work, struct io *io)
{
    struct upkeep *upkeep = container_of(work, struct upkeep, write_work);

    for (size_t i = upkeep->chunk; i < upkeep->job_count; i++) {
        struct job *job = &upkeep->jobs[i];

        if (job->has_checkpoint)
            job->result = log_checkpoint_run(&job->checkpoint, io);
    }
}

static void end_chunk(struct upkeep *upkeep)
{
    for (; upkeep->chunk < upkeep->job_count; upkeep->chunk++) {
        struct job *job = &upkeep->jobs[upkeep->chunk];

        if (!job->has_checkpoint)
            continue;
        if (job->partition) {
            log_checkpoint_end(job->partition->log, &job->checkpoint, job->result);
            if (job->result)
                note_failure(job, job->result);
        }
        if (job->result)
            fail_job(job);
        log_checkpoint_fini(&job->checkpoint);
    }
}

/* True while the batch may take more in: nobody waits for its end. */
static bool may_grow(const struct upkeep *upkeep)
{
    if (list_is_empty(&upkeep->waiting) || upkeep->job_count >= BATCH_MAX)
        return false;
    for (size_t i = 0; i < upkeep->job_count; i++)
        if (upkeep->jobs[i].start >= 0)
            return false;
    return true;
}

/* Takes the next partitions in; true if a worker has something to do for them. */
static bool begin_chunk(struct upkeep *upkeep)
{
    struct list_node *node;
    bool has_work = false;

    while (upkeep->job_count - upkeep->chunk < CHUNK && (node = list_pop(&upkeep->waiting)))
        begin_job(upkeep, container_of(node, struct partition, care.node));
    for (size_t i = upkeep->chunk; i < upkeep->job_count; i++)
        has_work |= upkeep->jobs[i].has_checkpoint;
    return has_work;
}

static void go_on(struct upkeep *upkeep)
{
    while (may_grow(upkeep)) {
        if (begin_chunk(upkeep)) {
            upkeep->loop->io->ops->work_submit(upkeep->loop->io, &upkeep->write_work);
            return;
        }
        end_chunk(upkeep);
    }
    keep(upkeep);
}

static void write_done(struct io_work *work, struct io *io)
{
    struct upkeep *upkeep = container_of(work, struct upkeep, write_work);

    (void)io;
    end_chunk(upkeep);
    if (upkeep->is_stopping)
        end_batch(upkeep);
    else
        go_on(upkeep);
}

static void begin(struct loop_hook *hook)
{
    struct upkeep *upkeep = container_of(hook, struct upkeep, begin);

    if (upkeep->is_busy || upkeep->is_stopping || list_is_empty(&upkeep->waiting))
        return; /* end_batch() comes back here. */
    upkeep->is_busy = true;
    go_on(upkeep);
}

/* --- wishes ----------------------------------------------------------------- */

void upkeep_want_point(struct upkeep *upkeep, struct partition *p)
{
    if (upkeep->is_stopping)
        return;
    if (!list_node_is_linked(&p->care.node))
        list_push(&upkeep->waiting, &p->care.node);
    loop_hook_ask(upkeep->loop, &upkeep->begin);
}

void upkeep_want_start(struct upkeep *upkeep, struct partition *p, int64_t offset)
{
    assert(offset <= p->high_watermark);
    if (upkeep->is_stopping) {
        tell_starts(p, INT64_MAX, PARTITION_E_CLOSED);
        return;
    }
    if (mutant_is(MUTANT_DROP_AHEAD)) {
        log_advance_start(p->log, min_of(offset, log_synced(p->log)));
        drop_segments(upkeep, p);
    }
    p->care.start = max_of(p->care.start, offset);
    list_remove(&p->care.node);
    list_push_front(&upkeep->waiting, &p->care.node);
    loop_hook_ask(upkeep->loop, &upkeep->begin);
}

static bool is_in_batch(const struct upkeep *upkeep, const struct partition *p)
{
    for (size_t i = 0; i < upkeep->job_count; i++)
        if (upkeep->jobs[i].partition == p)
            return true;
    return false;
}

bool upkeep_is_busy_with(const struct upkeep *upkeep, const struct partition *p)
{
    return p->care.start >= 0 || list_node_is_linked(&p->care.node) ||
           !list_is_empty(&p->care.start_waits) || is_in_batch(upkeep, p);
}

bool upkeep_take_back(struct upkeep *upkeep, struct partition *p)
{
    if (!list_node_is_linked(&p->care.node) || p->care.start >= 0 ||
        !list_is_empty(&p->care.start_waits) || log_has_segment_below(p->log) ||
        is_in_batch(upkeep, p))
        return false;
    list_remove(&p->care.node);
    return true;
}

void upkeep_forget(struct upkeep *upkeep, struct partition *p)
{
    if (!upkeep)
        return;
    list_remove(&p->care.node);
    for (size_t i = 0; i < upkeep->job_count; i++)
        if (upkeep->jobs[i].partition == p)
            upkeep->jobs[i].partition = NULL;
    tell_starts(p, INT64_MAX, PARTITION_E_CLOSED);
}

bool upkeep_is_idle(const struct upkeep *upkeep)
{
    return !upkeep->is_busy && list_is_empty(&upkeep->waiting);
}

/* --- its life --------------------------------------------------------------- */

static void look(struct loop_timer *timer)
{
    struct upkeep *upkeep = container_of(timer, struct upkeep, timer);

    map_each (node, &upkeep->replicas->partitions) {
        struct partition *p = container_of(node, struct partition, node);

        if (p->log && p->at->upkeep == upkeep && !p->is_failed &&
            (p->care.start >= 0 || log_wants_checkpoint(p->log)))
            upkeep_want_point(upkeep, p);
    }
    replicas_rest(upkeep->replicas, upkeep);
    loop_timer_set(upkeep->loop, timer, upkeep->loop->now_us + upkeep->interval_us);
}

struct upkeep *upkeep_create(const struct upkeep_options *options)
{
    struct upkeep *upkeep = mem_new(sizeof(*upkeep));
    struct loop *loop = options->replicas->loop;

    upkeep->replicas = options->replicas;
    upkeep->loop = loop;
    upkeep->reaper = reaper_create(loop, options->replicas->diag);
    upkeep->interval_us = max_of(options->interval_ms, (int64_t)1) * 1000;
    list_init(&upkeep->waiting);
    upkeep->begin.run = begin;
    upkeep->timer.fire = look;
    upkeep->write_work = (struct io_work){.run = write_run, .done = write_done};
    upkeep->settle_work = (struct io_work){.run = settle_run, .done = settle_done};
    upkeep->notes.done = kept;
    upkeep->notes.dir = options->dir;
    loop_timer_set(loop, &upkeep->timer, io_monotonic_us(loop->io) + upkeep->interval_us);
    return upkeep;
}

void upkeep_stop(struct upkeep *upkeep)
{
    struct list_node *node;

    upkeep->is_stopping = true;
    loop_timer_cancel(upkeep->loop, &upkeep->timer);
    loop_hook_cancel(&upkeep->begin);
    while (upkeep->write_work.is_submitted || upkeep->settle_work.is_submitted)
        upkeep->loop->io->ops->poll(upkeep->loop->io, -1); /* The workers have our memory. */
    while ((node = list_pop(&upkeep->waiting)))
        tell_starts(container_of(node, struct partition, care.node), INT64_MAX, PARTITION_E_CLOSED);
    loop_hook_cancel(&upkeep->begin); /* Who was told may have asked again. */
}

struct upkeep *upkeep_destroy(struct upkeep *upkeep, bool clean)
{
    if (!upkeep)
        return NULL;
    assert(upkeep->is_stopping && upkeep_is_idle(upkeep));
    upkeep->reaper = reaper_destroy(upkeep->reaper, clean);
    mem_free(upkeep->jobs);
    mem_free(upkeep);
    return NULL;
}
