/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/compactor.h"

#include "base/err.h"
#include "base/mem.h"
#include "replica/partition.h"
#include "store/cleaner.h"

DIAG_MODULE("replica");

enum {
    STEP_BYTES_MIN = 4 << 10,
    STEP_BYTES_MAX = 1 << 20,
    STEPS_PER_SECOND = 10, /* As many at least, where the rate is bounded. */
};

#define DELAY_MAX_US (INT64_MAX / 4)

struct compactor {
    struct compactor_options options;
    struct loop *loop; /* Borrowed. */
    struct loop_timer timer;
    struct io_work work;
    struct clean_pass *pass;     /* Owned; NULL: none is under way. */
    struct partition *partition; /* Borrowed: whose log it is; NULL: it has gone. */
    int64_t due_us;              /* When the next step may begin. */
    uint64_t bytes;              /* Of the pass, that were taken into account. */
    int result;                  /* Of the step, or why the pass ends. */
    bool is_ending;              /* The worker takes the pass down. */
    bool is_stopping;
};

static void set_timer(struct compactor *c, int64_t at_us)
{
    if (!c->is_stopping)
        loop_timer_set(c->loop, &c->timer, at_us);
}

/* --- which log -------------------------------------------------------------- */

struct candidate {
    struct partition *partition; /* NULL: there is none. */
    struct clean_view view;
    double ratio;
};

/* How much of what could be clean is not. */
static double dirty_ratio(const struct clean_view *view)
{
    uint64_t all = view->clean_bytes + view->cleanable_bytes;

    return all > 0 ? (double)view->cleanable_bytes / (double)all : 0;
}

/* The log is not to be cleaned any more. */
static void give_up(struct partition *p, int error)
{
    p->is_uncleanable = true;
    diag_warn(p->replicas->diag,
              "log cannot be read and will not be compacted any more until a restart",
              kv("topic", p->topic), kv("partition", p->index), kv("error", error));
}

static bool is_too_old(const struct partition *p, const struct clean_view *view, int64_t now_ms)
{
    return view->earliest_ms < now_ms - p->config.compaction.max_lag_ms &&
           view->cleanable_bytes > 0;
}

/* Takes the partition for the candidate if it is dirtier, and dirty enough. */
static void consider(struct partition *p, int64_t now_ms, struct candidate *best)
{
    const struct clean_query query = {
        .now_ms = now_ms,
        .min_lag_ms = p->config.compaction.min_lag_ms,
        .limit = p->high_watermark,
    };
    struct clean_view view;
    double ratio;
    int r;

    if (!p->config.log.is_compacted || !p->log || p->is_failed || p->is_uncleanable)
        return;
    r = log_clean_look(p->log, &query, &view);
    if (r) {
        give_up(p, r);
        return;
    }
    if (view.waits_for_point) /* Sooner than by itself. */
        upkeep_want_point(p->at->upkeep, p);
    ratio = dirty_ratio(&view);
    if (view.uncleanable <= view.cleaned || view.cleanable_bytes == 0 ||
        (ratio <= p->config.compaction.min_dirty_ratio && !is_too_old(p, &view, now_ms)))
        return;
    if (!best->partition || ratio > best->ratio)
        *best = (struct candidate){.partition = p, .view = view, .ratio = ratio};
}

bool compactor_wants(const struct compactor *c, struct partition *p)
{
    struct candidate best = {.partition = NULL};

    if (c && c->options.is_enabled)
        consider(p, loop_age_ms(c->loop), &best);
    return best.partition != NULL;
}

/* --- a pass ----------------------------------------------------------------- */

static uint64_t step_bytes(const struct compactor *c)
{
    double share = c->options.bytes_per_second / STEPS_PER_SECOND;

    return share >= STEP_BYTES_MAX ? STEP_BYTES_MAX
                                   : (uint64_t)max_of(share, (double)STEP_BYTES_MIN);
}

static void run(struct io_work *work, struct io *io)
{
    struct compactor *c = container_of(work, struct compactor, work);

    if (c->is_ending)
        c->pass = clean_pass_destroy(c->pass, io);
    else
        c->result = clean_pass_step(c->pass, io, step_bytes(c));
}

static void submit(struct compactor *c)
{
    c->loop->io->ops->work_submit(c->loop->io, &c->work);
}

static void report(const struct compactor *c)
{
    const struct clean_stats *stats = &c->pass->stats;
    const struct partition *p = c->partition;

    diag_info(p->replicas->diag, "log compacted", kv("topic", p->topic), kv("partition", p->index),
              kv("upto", log_cleaned(p->log)), kv("records", (int64_t)stats->records),
              kv("kept", (int64_t)stats->kept_records), kv("bytes", (int64_t)stats->written_bytes));
}

/* It came to its end, or cannot: files that nobody has are taken away, on a worker. */
static void end_pass(struct compactor *c, int result)
{
    struct partition *p = c->partition;

    c->result = result;
    if (p && result == 0) {
        log_clean_end(p->log, c->pass);
        report(c);
    } else if (p && result == CLEAN_E_CORRUPT) {
        give_up(p, result);
    } else if (p && result < 0) {
        diag_warn(p->replicas->diag, "compaction failed and will be tried again",
                  kv("topic", p->topic), kv("partition", p->index), kv("error", result));
    }
    c->is_ending = true;
    if (!c->is_stopping)
        submit(c);
}

/* The next step follows, when the rate allows it. */
static void go_on(struct compactor *c)
{
    uint64_t bytes = c->pass->stats.read_bytes + c->pass->stats.written_bytes;
    double wait_us = (double)(bytes - c->bytes) / c->options.bytes_per_second * 1e6;

    c->bytes = bytes;
    c->due_us = max_of(c->due_us, c->loop->now_us) + (int64_t)min_of(wait_us, (double)DELAY_MAX_US);
    if (c->due_us > c->loop->now_us + 1000)
        set_timer(c, c->due_us);
    else
        submit(c);
}

static void bury(struct compactor *c)
{
    for (size_t i = 0; clean_pass_base(c->pass, i) >= 0; i++)
        upkeep_bury(c->partition->at->upkeep, c->partition, clean_pass_base(c->pass, i));
}

static void take_result(struct compactor *c)
{
    int r = c->result;

    if (!c->partition || c->is_stopping)
        r = CLEAN_E_GONE;
    else if (r == CLEAN_GROUP)
        r = log_clean_swap(c->partition->log, c->pass) ? CLEAN_MORE : CLEAN_E_GONE;
    else if (r == CLEAN_NAMES && (r = log_clean_settle(c->partition->log)) == 0) {
        bury(c);
        r = CLEAN_MORE;
    }
    if (r == CLEAN_MORE)
        go_on(c);
    else
        end_pass(c, r);
}

/* Nothing of the pass is left. */
static void forget_log(struct compactor *c)
{
    if (c->partition && c->partition->log)
        log_clean_over(c->partition->log);
    c->partition = NULL;
}

static void done(struct io_work *work, struct io *io)
{
    struct compactor *c = container_of(work, struct compactor, work);

    (void)io;
    if (!c->is_ending) {
        take_result(c);
        return;
    }
    c->is_ending = false;
    if (c->partition) /* It writes down how far it is clean. */
        upkeep_want_point(c->partition->at->upkeep, c->partition);
    forget_log(c);
    set_timer(c, c->result ? c->loop->now_us + c->options.backoff_ms * 1000 : c->loop->now_us);
}

/* --- looking ---------------------------------------------------------------- */

static int begin(struct compactor *c, const struct candidate *best, int64_t now_ms)
{
    const struct clean_terms terms = {
        .now_ms = now_ms,
        .delete_retention_ms = best->partition->config.compaction.delete_retention_ms,
        .map_bytes_max = c->options.map_bytes_max,
        .map_load = c->options.map_load,
    };

    c->partition = best->partition;
    c->due_us = c->loop->now_us;
    c->bytes = 0;
    return log_clean_begin(best->partition->log, &best->view, &terms, &c->pass);
}

static void look(struct compactor *c)
{
    struct candidate best = {.partition = NULL};
    int64_t now_ms = loop_age_ms(c->loop);

    map_each (node, &c->options.replicas->partitions)
        consider(container_of(node, struct partition, node), now_ms, &best);
    if (best.partition && begin(c, &best, now_ms) == 0) {
        submit(c);
        return;
    }
    c->partition = NULL;
    set_timer(c, c->loop->now_us + c->options.backoff_ms * 1000);
}

static void fire(struct loop_timer *timer)
{
    struct compactor *c = container_of(timer, struct compactor, timer);

    assert(!c->work.is_submitted);
    if (c->pass)
        submit(c);
    else
        look(c);
}

/* --- its life --------------------------------------------------------------- */

struct compactor *compactor_create(const struct compactor_options *options)
{
    struct compactor *c = mem_new(sizeof(*c));

    c->options = *options;
    c->options.backoff_ms = min_of(options->backoff_ms, DELAY_MAX_US / 1000);
    c->options.bytes_per_second = max_of(options->bytes_per_second, 1.0);
    c->loop = options->replicas->loop;
    c->timer.fire = fire;
    c->work = (struct io_work){.run = run, .done = done};
    if (options->is_enabled)
        loop_timer_set(c->loop, &c->timer,
                       io_monotonic_us(c->loop->io) + c->options.backoff_ms * 1000);
    return c;
}

static void cancel(struct compactor *c)
{
    if (c->pass)
        atomic_store_explicit(&c->pass->is_cancelled, true, memory_order_relaxed);
}

void compactor_stop(struct compactor *c)
{
    c->is_stopping = true;
    loop_timer_cancel(c->loop, &c->timer);
    if (!c->is_ending)
        cancel(c);
    while (c->work.is_submitted)
        c->loop->io->ops->poll(c->loop->io, -1); /* The worker has our memory. */
    c->pass = clean_pass_destroy(c->pass, c->loop->io);
    forget_log(c);
}

struct compactor *compactor_destroy(struct compactor *c)
{
    if (!c)
        return NULL;
    assert(c->is_stopping && !c->pass && !c->work.is_submitted);
    return mem_free(c);
}

void compactor_forget(struct compactor *c, const struct partition *p)
{
    if (!c || c->partition != p)
        return;
    c->partition = NULL;
    if (!c->is_ending)
        cancel(c);
}

bool compactor_is_busy_with(const struct compactor *c, const struct partition *p)
{
    return c && c->partition == p;
}

bool compactor_is_busy(const struct compactor *c)
{
    return c->pass != NULL;
}
