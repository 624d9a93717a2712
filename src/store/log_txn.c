/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_txn.c - transactions: how far they let readers come, and which were aborted. */

#include "base/err.h"
#include "store/log_internal.h"

int64_t log_stable(const struct log *log, int64_t limit)
{
    int64_t first = max_of(producers_first_unstable(&log->producers), log->start);

    return min_of(first, limit);
}

void log_settle_transactions(struct log *log, int64_t offset)
{
    producers_settle(&log->producers, offset);
}

const struct producers *log_producers(const struct log *log)
{
    return &log->producers;
}

void log_expire_producers(struct log *log, int64_t now_ms)
{
    /* What is staged can be taken back only while its producers are there. */
    if (log->config.producer_expiration_ms > 0 && log->staged_count == 0)
        producers_expire(&log->producers, now_ms - log->config.producer_expiration_ms);
}

/* --- which were aborted ------------------------------------------------------ */

int log_note_aborted(struct log *log, const struct producers_change *change)
{
    struct segment_place place = log_place(log);
    struct txn_entry entry = {
        .producer_id = change->ended.producer_id,
        .first_offset = change->ended.first_offset,
        .last_offset = change->ended.last_offset,
        .stable = change->ended.stable,
    };

    if (!change->has_ended || !change->ended.is_aborted)
        return 0;
    return err_pass(segment_add_aborted(log_active(log), &place, &entry));
}

/* An offset that nothing in the range reaches, as Kafka finds it. */
static int find_bound(struct log *log, size_t at, const struct log_range *range, int64_t *out)
{
    struct segment_place place = log_place(log);
    bool is_active = log_is_active(log, at);
    int64_t bound = -1;
    int r = segment_find_bound(&log->segments[at], &place, range->position + range->size, is_active,
                               &bound);

    if (r)
        return r > 0 ? LOG_E_CORRUPT : err_pass(r);
    *out = bound >= 0 ? bound : is_active ? log->end : log->segments[at + 1].base;
    return 0;
}

int log_find_aborted(struct log *log, int64_t offset, const struct log_range *range,
                     struct text *out)
{
    struct segment_place place = log_place(log);
    size_t at = log_find_segment(log, range->base);
    bool is_complete = false;
    int64_t bound = 0;
    int r;

    assert(range->size > 0 && log->segments[at].base == range->base);
    r = find_bound(log, at, range, &bound);
    for (; r == 0 && at < log->segment_count && !is_complete; at++)
        r = segment_find_aborted(&log->segments[at], &place, offset, bound, out, &is_complete);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}
