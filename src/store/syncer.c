/* SPDX-License-Identifier: Apache-2.0 */
#include "store/syncer.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/commit_log.h"

DIAG_MODULE("store");

enum {
    COMMIT_FILES_MIN = 2,          /* One file is synced itself: that is one sync, too. */
    COMMIT_BYTES_MAX = 128 * 1024, /* Per file: more is cheaper to sync than to copy. */
    COMMIT_ROUND_MAX = 4 * 1024 * 1024,
};

/* One log's part of a round, or of a flush. */
struct job {
    struct syncer_request *request; /* Borrowed; NULL if it was taken back meanwhile. */
    struct log_sync sync;
    bool has_sync;
};

struct jobs {
    struct job *items; /* Owned. */
    size_t count, room;
};

struct syncer {
    struct syncer_options options;
    struct list waiting;    /* struct syncer_request: in no round yet. */
    struct list dirty;      /* struct syncer_request: logs that a flush will sync. */
    struct list cuts;       /* struct syncer_cut: not in the commit log yet. */
    struct loop_hook begin; /* At the end of the turn. */

    struct io_work round_work;
    struct jobs round;   /* In flight. */
    struct list cutting; /* struct syncer_cut: the round is one of these. */
    size_t cuts_done;    /* So many of those. */
    bool is_cut_full;    /* There is no room for cuts until the next turn of the commit log. */
    bool is_committing;  /* The round goes into the commit log; the worker may change that. */
    int round_result;

    struct commit_log *commit_log; /* Owned; NULL until the first round that wants it. */
    bool has_no_commit_log;        /* It could not be made: rounds do without. */
    struct commit_range *ranges;   /* Owned: for the worker. */
    size_t range_room;

    struct io_work flush_work;
    struct jobs flush; /* In flight. */
    int flush_result;

    struct syncer_counts counts;
    int64_t asked_us; /* When the first of what waits was asked for. */
    int64_t begun_us; /* Of the round. */
    bool is_dying;
};

/* --- jobs ------------------------------------------------------------------- */

static struct job *add_job(struct jobs *jobs, struct syncer_request *request)
{
    if (jobs->count == jobs->room) {
        jobs->room = max_of(jobs->room * 2, (size_t)8);
        jobs->items = mem_resize(jobs->items, jobs->room, sizeof(*jobs->items));
    }
    jobs->items[jobs->count] = (struct job){.request = request};
    return &jobs->items[jobs->count++];
}

static void forget_in(struct jobs *jobs, const struct syncer_request *request)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (jobs->items[i].request == request)
            jobs->items[i].request = NULL;
}

/* Syncs the files of each job; a worker's. */
static int run_jobs(struct jobs *jobs, struct io *io)
{
    for (size_t i = 0; i < jobs->count; i++) {
        int r = jobs->items[i].has_sync ? log_sync_run(&jobs->items[i].sync, io) : 0;

        if (r)
            return err_pass(r);
    }
    return 0;
}

static void jobs_fini(struct jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (jobs->items[i].has_sync)
            log_sync_fini(&jobs->items[i].sync);
    mem_free(jobs->items);
    *jobs = (struct jobs){.items = NULL};
}

static void fence(struct syncer *syncer, int r)
{
    diag_error(syncer->options.diag, "sync of the log failed", kv("error", r));
    log_dir_fence(syncer->options.dir);
}

/* --- the commit log --------------------------------------------------------- */

/* Whether this round is cheaper as one copy and one sync. */
static bool wants_commit(const struct syncer *syncer)
{
    size_t files = 0;
    size_t bytes = 0;

    if (syncer->options.commit_block == 0 || syncer->has_no_commit_log)
        return false;
    for (size_t i = 0; i < syncer->round.count; i++) {
        const struct job *job = &syncer->round.items[i];

        if (!job->has_sync)
            continue;
        if (job->sync.folder_count > 0) /* A replay finds only files whose name is durable. */
            return false;
        files += job->sync.file_count;
        bytes += job->sync.bytes;
    }
    return files >= COMMIT_FILES_MIN && bytes <= COMMIT_ROUND_MAX &&
           bytes <= files * COMMIT_BYTES_MAX;
}

static bool open_commit_log(struct syncer *syncer)
{
    int r;

    if (syncer->commit_log)
        return true;
    r = log_dir_make_commit_log(syncer->options.dir, syncer->options.loop->io,
                                syncer->options.shard, syncer->options.commit_block,
                                &syncer->commit_log);
    if (r) {
        diag_warn(syncer->options.diag, "commit log cannot be made; every file is synced by itself",
                  kv("error", r));
        syncer->has_no_commit_log = true;
    }
    return r == 0;
}

static size_t count_files(const struct jobs *jobs)
{
    size_t count = 0;

    for (size_t i = 0; i < jobs->count; i++)
        count += jobs->items[i].has_sync ? jobs->items[i].sync.file_count : 0;
    return count;
}

/* Copies what is not durable yet into the commit log; a worker's. */
static int commit_jobs(struct syncer *syncer)
{
    size_t count = 0;

    for (size_t i = 0; i < syncer->round.count; i++) {
        const struct log_sync *sync = &syncer->round.items[i].sync;

        for (size_t k = 0; syncer->round.items[i].has_sync && k < sync->file_count; k++) {
            const struct log_sync_file *file = &sync->files[k];

            if (file->end > file->durable)
                syncer->ranges[count++] = (struct commit_range){
                    .file = file->file,
                    .log_name = sync->name,
                    .topic_id = sync->topic_id,
                    .base = file->base,
                    .position = file->durable,
                    .size = (size_t)(file->end - file->durable),
                };
        }
    }
    return commit_log_write(syncer->commit_log, syncer->ranges, count);
}

/* True if there is something for the next round. */
static bool has_more(const struct syncer *syncer)
{
    return !list_is_empty(&syncer->waiting) ||
           (!list_is_empty(&syncer->cuts) && !syncer->is_cut_full);
}

/* --- flushing --------------------------------------------------------------- */

static void flush_run(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, flush_work);

    syncer->flush_result = run_jobs(&syncer->flush, io);
}

static void flush_done(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, flush_work);

    (void)io;
    for (size_t i = 0; i < syncer->flush.count; i++)
        if (syncer->flush.items[i].request)
            syncer->flush.items[i].request->is_flushing = false;
    if (syncer->flush_result) {
        fence(syncer, syncer->flush_result);
    } else if (!log_dir_is_fenced(syncer->options.dir)) {
        for (size_t i = 0; i < syncer->flush.count; i++) {
            const struct job *job = &syncer->flush.items[i];

            if (job->request && job->has_sync)
                log_sync_end(job->request->log, &job->sync);
        }
        commit_log_drained(syncer->commit_log);
    }
    jobs_fini(&syncer->flush);
    syncer->is_cut_full = false;
    if (has_more(syncer) && !syncer->is_dying)
        loop_hook_ask(syncer->options.loop, &syncer->begin);
}

/* Turns to the other block, and syncs the segments that the full one has bytes of. */
static void flush_if_needed(struct syncer *syncer)
{
    struct list_node *node;

    if (!syncer->commit_log || !commit_log_wants_turn(syncer->commit_log) ||
        syncer->flush_work.is_submitted || log_dir_is_fenced(syncer->options.dir) ||
        !commit_log_turn(syncer->commit_log))
        return;
    syncer->is_cut_full = false;
    syncer->counts.flushes++;
    while ((node = list_pop(&syncer->dirty))) {
        struct syncer_request *request = container_of(node, struct syncer_request, dirty);
        struct job *job = add_job(&syncer->flush, request);

        job->has_sync = log_sync_begin_flush(request->log, &job->sync);
        request->is_flushing = true;
    }
    syncer->options.loop->io->ops->work_submit(syncer->options.loop->io, &syncer->flush_work);
}

/* --- rounds ----------------------------------------------------------------- */

/* Tells the commit log of the cuts; a worker's. */
static int run_cuts(struct syncer *syncer)
{
    list_each (node, &syncer->cutting) {
        const struct syncer_cut *cut = container_of(node, struct syncer_cut, node);
        int r = commit_log_cut(syncer->commit_log, &(struct commit_cut){.log_name = cut->log_name,
                                                                        .topic_id = cut->topic_id,
                                                                        .base = cut->base,
                                                                        .position = cut->position});

        if (r)
            return r;
        syncer->cuts_done++;
    }
    return 0;
}

static void round_run(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, round_work);

    if (!list_is_empty(&syncer->cutting)) {
        syncer->round_result = run_cuts(syncer);
        return;
    }
    if (syncer->is_committing) {
        syncer->round_result = commit_jobs(syncer);
        if (syncer->round_result != COMMIT_LOG_E_FULL)
            return;
        syncer->is_committing = false; /* The flush is slower than we are. */
    }
    syncer->round_result = run_jobs(&syncer->round, io);
}

static void end_job(struct syncer *syncer, struct job *job)
{
    if (!job->request || !job->has_sync)
        return;
    if (!syncer->is_committing) {
        log_sync_end(job->request->log, &job->sync);
        return;
    }
    log_sync_end_committed(job->request->log, &job->sync);
    if (!list_node_is_linked(&job->request->dirty))
        list_push(&syncer->dirty, &job->request->dirty);
}

/* Everybody hears of the end of the round, who is still there by then; who asks again is in
 * the next. */
static void tell_round(struct syncer *syncer)
{
    struct jobs *round = &syncer->round;

    for (size_t i = 0; i < round->count; i++)
        if (round->items[i].request)
            round->items[i].request->is_running = false;
    for (size_t i = 0; i < round->count && !syncer->is_dying; i++) {
        struct syncer_request *request = round->items[i].request;

        round->items[i].request = NULL;
        if (request)
            request->done(request, syncer->round_result);
    }
    jobs_fini(round);
}

/* They are durable, or wait for room in the commit log. */
static void end_cuts(struct syncer *syncer)
{
    bool is_full = syncer->round_result == COMMIT_LOG_E_FULL;
    struct list_node *node;

    if (is_full)
        syncer->round_result = 0;
    for (size_t i = 0; (!is_full || i < syncer->cuts_done) && (node = list_pop(&syncer->cutting));
         i++) {
        struct syncer_cut *cut = container_of(node, struct syncer_cut, node);

        if (!syncer->is_dying)
            cut->done(cut, syncer->round_result);
    }
    list_append(&syncer->cuts, &syncer->cutting);
    syncer->is_cut_full = is_full; /* Until the next turn. */
}

static size_t bytes_of(const struct jobs *jobs)
{
    size_t bytes = 0;

    for (size_t i = 0; i < jobs->count; i++)
        bytes += jobs->items[i].has_sync ? jobs->items[i].sync.bytes : 0;
    return bytes;
}

static void round_done(struct io_work *work, struct io *io)
{
    struct syncer *syncer = container_of(work, struct syncer, round_work);

    (void)io;
    if (syncer->round_result < 0)
        fence(syncer, syncer->round_result);
    else if (log_dir_is_fenced(syncer->options.dir))
        syncer->round_result = err_raise(-EIO); /* What a sync says behind a failed one is void. */
    for (size_t i = 0; i < syncer->round.count && syncer->round_result == 0; i++)
        end_job(syncer, &syncer->round.items[i]);
    syncer->counts.rounds++;
    syncer->counts.committed += syncer->is_committing;
    syncer->counts.committed_bytes += syncer->is_committing ? bytes_of(&syncer->round) : 0;
    metric_observe(&syncer->counts.sync,
                   io_monotonic_us(syncer->options.loop->io) - syncer->begun_us);
    end_cuts(syncer);
    tell_round(syncer);
    if (!syncer->is_dying)
        flush_if_needed(syncer);
    if (has_more(syncer))
        loop_hook_ask(syncer->options.loop, &syncer->begin);
}

static void submit_round(struct syncer *syncer)
{
    struct io *io = syncer->options.loop->io;

    syncer->begun_us = io_monotonic_us(io);
    metric_observe(&syncer->counts.queue, syncer->begun_us - syncer->asked_us);
    io->ops->work_submit(io, &syncer->round_work);
}

/* True if the round is one of cuts; what else is asked for is in the next. */
static bool begin_cuts(struct syncer *syncer)
{
    if (list_is_empty(&syncer->cuts) || syncer->is_cut_full)
        return false;
    syncer->is_committing = false;
    syncer->cuts_done = 0;
    list_append(&syncer->cutting, &syncer->cuts);
    if (!syncer->commit_log) { /* Then it has nothing that could be void. */
        syncer->round_result = 0;
        end_cuts(syncer);
        return false;
    }
    submit_round(syncer);
    return true;
}

static void begin(struct loop_hook *hook)
{
    struct syncer *syncer = container_of(hook, struct syncer, begin);
    struct list_node *node;
    size_t files;

    if (syncer->round_work.is_submitted)
        return; /* round_done() comes back here. */
    if (begin_cuts(syncer))
        return;
    while ((node = list_pop(&syncer->waiting))) {
        struct syncer_request *request = container_of(node, struct syncer_request, node);
        struct job *job = add_job(&syncer->round, request);

        job->has_sync = log_sync_begin(request->log, &job->sync);
        request->is_running = true;
    }
    if (syncer->round.count == 0)
        return;
    syncer->is_committing = wants_commit(syncer) && open_commit_log(syncer);
    files = count_files(&syncer->round);
    if (syncer->is_committing && files > syncer->range_room) {
        syncer->range_room = files * 2;
        syncer->ranges = mem_resize(syncer->ranges, syncer->range_room, sizeof(*syncer->ranges));
    }
    submit_round(syncer);
}

/* --- the syncer ------------------------------------------------------------- */

struct syncer *syncer_create(const struct syncer_options *options)
{
    struct syncer *syncer = mem_new(sizeof(*syncer));

    syncer->options = *options;
    syncer->begin.run = begin;
    syncer->round_work = (struct io_work){.run = round_run, .done = round_done};
    syncer->flush_work = (struct io_work){.run = flush_run, .done = flush_done};
    list_init(&syncer->waiting);
    list_init(&syncer->dirty);
    list_init(&syncer->cuts);
    list_init(&syncer->cutting);
    return syncer;
}

struct syncer *syncer_destroy(struct syncer *syncer)
{
    struct io *io;

    if (!syncer)
        return NULL;
    io = syncer->options.loop->io;
    syncer->is_dying = true;
    assert(list_is_empty(&syncer->waiting) && list_is_empty(&syncer->dirty));
    while (syncer->round_work.is_submitted || syncer->flush_work.is_submitted)
        io->ops->poll(io, -1); /* The workers have our memory. */
    loop_hook_cancel(&syncer->begin);
    while (list_pop(&syncer->cuts))
        ; /* Whoever asked is told nothing any more. */
    commit_log_destroy(syncer->commit_log);
    mem_free(syncer->ranges);
    mem_free(syncer);
    return NULL;
}

/* The first of what makes the next round has waited longest. */
static void note_asked(struct syncer *syncer)
{
    if (!has_more(syncer))
        syncer->asked_us = io_monotonic_us(syncer->options.loop->io);
}

void syncer_ask(struct syncer *syncer, struct log *log, struct syncer_request *request)
{
    assert(request->done);
    request->log = log;
    note_asked(syncer);
    if (!list_node_is_linked(&request->node))
        list_push(&syncer->waiting, &request->node);
    if (!syncer->round_work.is_submitted)
        loop_hook_ask(syncer->options.loop, &syncer->begin);
}

void syncer_ask_cut(struct syncer *syncer, struct syncer_cut *cut)
{
    assert(cut->done);
    note_asked(syncer);
    list_push(&syncer->cuts, &cut->node);
    if (!syncer->round_work.is_submitted)
        loop_hook_ask(syncer->options.loop, &syncer->begin);
}

void syncer_forget(struct syncer *syncer, struct syncer_request *request)
{
    list_remove(&request->node);
    list_remove(&request->dirty);
    forget_in(&syncer->round, request);
    forget_in(&syncer->flush, request);
    request->is_running = request->is_flushing = false;
}

const struct syncer_counts *syncer_counts(const struct syncer *syncer)
{
    return &syncer->counts;
}
