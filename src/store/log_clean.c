/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_clean.c - the log's side of the cleaner: what there is to clean, and segments that
 * take the places of others (see store/cleaner.h).
 *
 * Swaps in the folder of a log are what recovery sees of a pass, its own or Kafka's:
 *
 *      .cleaned   was being written: goes, and so does each `.swap` from its offset on
 *      .swap      is whole and durable: what it replaces goes, and it gets its name
 */

#include "base/err.h"
#include "base/mem.h"
#include "store/cleaner_internal.h"
#include "store/log_internal.h"

#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

static const char swap_suffix[] = ".swap";
static const char cleaned_suffix[] = ".cleaned";

/* --- what there is to clean ------------------------------------------------- */

int64_t log_cleaned(const struct log *log)
{
    return log->cleaned;
}

/* The newest time in a sealed segment. */
static int newest_time(struct log *log, struct segment *segment, int64_t *out)
{
    struct segment_place place = log_place(log);
    struct index_entry entry = {.key = segment->max_timestamp};
    int r = 0;

    if (segment->max_timestamp < 0 && segment->size > 0)
        r = segment_largest(segment, &place, false, &entry);
    *out = entry.key;
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

/* Whether the cleaner may have the segment; as long as it may, all before it too. */
static int can_clean(struct log *log, size_t at, const struct clean_query *query, int64_t cleaned,
                     bool *out)
{
    struct segment *segment = &log->segments[at];
    int64_t end = log->segments[at + 1].base;
    int64_t newest = -1;
    int r = 0;

    *out = end <= log_stable(log, query->limit) && end <= log->point_kept &&
           segment->synced_size == segment->size;
    if (*out && query->min_lag_ms > 0 && end > cleaned) {
        r = newest_time(log, segment, &newest);
        *out = newest <= query->now_ms - query->min_lag_ms;
    }
    return r;
}

static int find_uncleanable(struct log *log, const struct clean_query *query,
                            struct clean_view *view)
{
    view->uncleanable = log->segments[0].base;
    view->waits_for_point = log->is_new && log->segment_count > 1;
    if (log->is_new || log->swap.count > 0 || log_is_fenced(log))
        return 0;
    for (size_t i = 0; i + 1 < log->segment_count; i++) {
        bool is_cleanable = false;
        int r = can_clean(log, i, query, view->cleaned, &is_cleanable);

        view->waits_for_point = log->segments[i + 1].base > log->point_kept;
        if (r || !is_cleanable)
            return r;
        view->uncleanable = log->segments[i + 1].base;
    }
    return 0;
}

static int note_first_time(struct log *log, struct segment *segment, struct clean_view *view)
{
    struct segment_place place = log_place(log);
    int64_t first = -1;
    int r = segment_find_first_time(segment, &place, &first);

    if (first > 0)
        view->earliest_ms = min_of(view->earliest_ms, first);
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

int log_clean_look(struct log *log, const struct clean_query *query, struct clean_view *out)
{
    struct clean_view view = {.cleaned = log->cleaned, .earliest_ms = INT64_MAX};
    int r;

    if (view.cleaned < log->start || view.cleaned > log->end)
        view.cleaned = log->start;
    r = find_uncleanable(log, query, &view);
    for (size_t i = 0; i + 1 < log->segment_count && r == 0; i++) {
        struct segment *segment = &log->segments[i];

        if (segment->base < view.cleaned)
            view.clean_bytes += segment->size;
        if (log->segments[i + 1].base <= view.cleaned)
            continue;
        if (segment->base < view.uncleanable)
            view.cleanable_bytes += segment->size;
        r = note_first_time(log, segment, &view);
    }
    if (r == 0)
        *out = view;
    return r;
}

/* --- a pass begins ---------------------------------------------------------- */

static void note_sources(const struct log *log, struct clean_pass *pass)
{
    pass->sources = mem_new_array(log->segment_count, sizeof(*pass->sources));
    for (size_t i = 0; i + 1 < log->segment_count; i++) {
        const struct segment *segment = &log->segments[i];

        if (segment[1].base > pass->uncleanable)
            break;
        pass->sources[pass->source_count++] = (struct clean_source){
            .base = segment->base, .end = segment[1].base, .size = segment->size};
    }
}

static int by_producer_id(const void *a, const void *b)
{
    int64_t x = ((const struct clean_producer *)a)->id;
    int64_t y = ((const struct clean_producer *)b)->id;

    return (x > y) - (x < y);
}

static void note_producers(const struct log *log, struct clean_pass *pass)
{
    pass->producers = mem_new_array(log->producers.by_id.count + 1, sizeof(*pass->producers));
    map_each (node, &log->producers.by_id) {
        const struct producer *p = container_of(node, struct producer, node);

        pass->producers[pass->producer_count++] = (struct clean_producer){
            .id = p->id,
            .last_offset = p->batch_count ? p->batches[p->batch_count - 1].last_offset : -1,
            .epoch = p->epoch,
        };
    }
    qsort(pass->producers, pass->producer_count, sizeof(*pass->producers), by_producer_id);
}

static int by_first_offset(const void *a, const void *b)
{
    int64_t x = ((const struct txn_entry *)a)->first_offset;
    int64_t y = ((const struct txn_entry *)b)->first_offset;

    return (x > y) - (x < y);
}

/* The aborted transactions that reach into what is to be read. */
static int note_aborted(struct log *log, struct clean_pass *pass)
{
    struct segment_place place = log_place(log);
    struct text found = {.data = NULL};
    bool is_complete = false;
    int r = 0;

    for (size_t i = 0; i < log->segment_count && !is_complete && r == 0; i++)
        r = segment_find_aborted(&log->segments[i], &place, log->segments[0].base,
                                 pass->uncleanable, &found, &is_complete);
    if (found.size > 0)
        qsort(found.data, found.size / sizeof(struct txn_entry), sizeof(struct txn_entry),
              by_first_offset);
    pass->txns = clean_txns_create((struct txn_entry *)(void *)found.data,
                                   found.size / sizeof(struct txn_entry));
    return r > 0 ? LOG_E_CORRUPT : err_pass(r);
}

int log_clean_begin(struct log *log, const struct clean_view *view, const struct clean_terms *terms,
                    struct clean_pass **out)
{
    struct clean_pass *pass = mem_new(sizeof(*pass));
    uint8_t secret[SIPHASH_KEY_SIZE];
    uint64_t keys = (uint64_t)max_of(view->uncleanable - view->cleaned, (int64_t)0);
    int r;

    assert(log->swap.count == 0 && !log->is_cleaned);
    pass->terms = *terms;
    pass->config = log->config;
    pass->dir = log->dir;
    pass->folder = file_ref(log->folder);
    pass->first_dirty = pass->end = view->cleaned;
    pass->uncleanable = view->uncleanable;
    note_sources(log, pass);
    note_producers(log, pass);
    log->env.io->ops->entropy(log->env.io, secret, sizeof(secret));
    clean_map_init(&pass->map, terms->map_bytes_max, terms->map_load, keys, secret);
    pass->work = mem_new(sizeof(*pass->work));
    pass->work->has_unsynced_names = true; /* Those of an earlier pass may be. */
    while (pass->work->at < pass->source_count &&
           pass->sources[pass->work->at].end <= pass->first_dirty)
        pass->work->at++;
    r = note_aborted(log, pass);
    if (r) {
        clean_pass_destroy(pass, log->env.io);
        return r;
    }
    log->is_cleaned = true;
    *out = pass;
    return 0;
}

void log_clean_end(struct log *log, const struct clean_pass *pass)
{
    log->cleaned = pass->end;
    assert_slow((log_check(log), true));
}

void log_clean_over(struct log *log)
{
    log->is_cleaned = false;
    log->has_old_names = true;
}

/* --- segments change places ------------------------------------------------- */

/* The index of the group's first segment in the log, if all of them are there. */
static bool find_group(const struct log *log, const struct clean_pass *pass, size_t *out)
{
    size_t count = pass->group_end - pass->group_at;
    size_t at = log_find_segment(log, clean_pass_base(pass, 0));

    if (at + count >= log->segment_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (log->segments[at + i].base != clean_pass_base(pass, i))
            return false;
    *out = at;
    return true;
}

static int set_group_aside(const struct log *log)
{
    for (size_t i = 0; i < log->swap.count; i++) {
        int r = log_set_aside(log, log->swap.bases[i], i > 0);

        if (r)
            return err_pass(r);
    }
    return 0;
}

bool log_clean_swap(struct log *log, struct clean_pass *pass)
{
    size_t count = pass->group_end - pass->group_at;
    size_t at = 0;

    assert(log->swap.count == 0 && count > 0);
    if (!find_group(log, pass, &at))
        return false;
    log->swap.bases = mem_resize(log->swap.bases, count, sizeof(*log->swap.bases));
    log->swap.count = count;
    for (size_t i = 0; i < count; i++) {
        log->swap.bases[i] = log->segments[at + i].base;
        segment_close(&log->segments[at + i]);
    }
    log->segments[at] = pass->output;
    memmove(&log->segments[at + 1], &log->segments[at + count],
            (log->segment_count - at - count) * sizeof(*log->segments));
    log->segment_count -= count - 1;
    log->cleanings++;
    log->swap.is_aside = set_group_aside(log) == 0;
    pass->work->suffix = NULL;
    pass->work->is_swapped = true;
    assert_slow((log_check(log), true));
    return true;
}

/* The copy gets its name: from here on the log is as if it had always been like this. */
static int name_copy(struct log *log)
{
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex", ".log"};
    struct segment *segment = &log->segments[log_find_segment(log, log->swap.bases[0])];
    int dir = log->folder->fd;
    int r = 0;

    assert(segment->base == log->swap.bases[0] && segment->suffix);
    for (size_t i = 0; i < COUNT_OF(suffixes) && r == 0; i++) {
        char from[SEGMENT_NAME_SIZE];
        char to[SEGMENT_NAME_SIZE];
        char whole[SEGMENT_NAME_SIZE];

        (void)snprintf(whole, sizeof(whole), "%s%s", suffixes[i], swap_suffix);
        segment_name(from, segment->base, whole);
        segment_name(to, segment->base, suffixes[i]);
        r = log->env.io->ops->rename(log->env.io, dir, from, dir, to);
        r = r == -ENOENT ? 0 : r; /* It is not there, or was renamed before. */
    }
    if (r)
        return err_pass(r);
    segment->suffix = NULL;
    log->swap.count = 0;
    log->has_old_names = true;
    return 0;
}

int log_clean_settle(struct log *log)
{
    assert(log->swap.count > 0);
    return log->swap.is_aside ? err_pass(name_copy(log)) : err_raise(-EIO);
}

/* Tries again what may have failed before: then the names need another sync. */
static int finish_swap(struct log *log)
{
    int r = set_group_aside(log);

    if (r == 0)
        r = log->env.io->ops->dir_sync(log->env.io, log->folder->fd);
    return err_pass(r ? r : name_copy(log));
}

int log_finish_swap(struct log *log)
{
    return log->swap.count == 0 ? 0 : err_pass(finish_swap(log));
}

/* --- what a crash has left ---------------------------------------------------- */

/* Names of files; each with a zero byte behind it. */
struct leftovers {
    struct text cleaned, swaps;
    int64_t first_cleaned; /* The lowest offset of those; INT64_MAX: there are none. */
    struct text originals; /* Of segments and indexes. */
};

static const char *const kinds[] = {".index", ".timeindex", ".txnindex", ".log"};

/* The offset of `00000000000000004210<kind><suffix>` of any kind, or -1. */
static int64_t base_of(const char *name, const char *suffix)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char whole[SEGMENT_NAME_SIZE];
        int64_t base;

        (void)snprintf(whole, sizeof(whole), "%s%s", kinds[i], suffix);
        base = log_name_base(name, whole);
        if (base >= 0)
            return base;
    }
    return -1;
}

static int note_name(void *context, const char *name, bool is_dir)
{
    struct leftovers *left = context;
    int64_t cleaned = base_of(name, cleaned_suffix);

    if (is_dir)
        return 0;
    if (cleaned >= 0) {
        left->first_cleaned = min_of(left->first_cleaned, cleaned);
        text_add(&left->cleaned, name, strlen(name) + 1);
    } else if (base_of(name, swap_suffix) >= 0) {
        text_add(&left->swaps, name, strlen(name) + 1);
    } else if (base_of(name, "") >= 0) {
        text_add(&left->originals, name, strlen(name) + 1);
    }
    return 0;
}

static int unlink_name(const struct log *log, const char *name)
{
    int r = log->env.io->ops->unlink(log->env.io, log->folder->fd, name);

    return r == -ENOENT ? 0 : err_pass(r);
}

/* Unlinks those names whose offset, before `suffix`, lies in [from, to). */
static int unlink_range(const struct log *log, const struct text *names, const char *suffix,
                        int64_t from, int64_t to)
{
    int r = 0;

    for (size_t at = 0; at < names->size && r == 0; at += strlen(names->data + at) + 1) {
        int64_t base = base_of(names->data + at, suffix);

        if (base >= from && base < to)
            r = unlink_name(log, names->data + at);
    }
    return err_pass(r);
}

/* Where the batches of the file end, in offsets. */
static int find_end(const struct log *log, const char *name, int64_t base, int64_t *out)
{
    scoped(file_unrefp) struct file *file = NULL;
    struct scan_batch batch;
    struct scan scan;
    uint64_t size = 0;
    bool at_end = false;
    int r = file_open(log->env.io, log->folder->fd, name, IO_READ, &file);

    *out = base;
    if (r == 0)
        r = log->env.io->ops->file_size(log->env.io, file->fd, &size);
    if (r)
        return err_pass(r);
    scan_init(&scan, file, 0, size);
    while ((r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end)
        *out = batch_last_offset(&batch.header) + 1;
    scan_fini(&scan);
    return r > 0 ? 0 : err_pass(r); /* Recovery reads it, if it need be. */
}

/* Of what is `.swap`, takes away what it stands in for. */
static int unlink_replaced(const struct log *log, const struct leftovers *left)
{
    const struct text *swaps = &left->swaps;
    int r = 0;

    for (size_t at = 0; at < swaps->size && r == 0; at += strlen(swaps->data + at) + 1) {
        int64_t base = log_name_base(swaps->data + at, ".log.swap");
        int64_t end = 0;

        if (base < 0 || base >= left->first_cleaned)
            continue;
        r = find_end(log, swaps->data + at, base, &end);
        if (r == 0)
            r = unlink_range(log, &left->originals, "", base, end);
    }
    return err_pass(r);
}

static bool has_name(const struct text *names, const char *name)
{
    for (size_t at = 0; at < names->size; at += strlen(names->data + at) + 1)
        if (strcmp(names->data + at, name) == 0)
            return true;
    return false;
}

/* An index that comes without its batches is what is left of a copy that was given up, if the
 * segment has one. */
static bool is_orphan(const struct leftovers *left, const char *name, const char *to)
{
    char batches[SEGMENT_NAME_SIZE];

    segment_name(batches, base_of(name, swap_suffix), ".log.swap");
    return !has_name(&left->swaps, batches) && has_name(&left->originals, to);
}

static int rename_swap(const struct log *log, const struct leftovers *left, const char *name)
{
    size_t size = strlen(name) + 1 - sizeof(swap_suffix);
    char to[IO_NAME_MAX];
    int dir = log->folder->fd;

    if (base_of(name, swap_suffix) >= left->first_cleaned)
        return 0;
    assert(size < sizeof(to));
    memcpy(to, name, size);
    to[size] = 0;
    if (is_orphan(left, name, to))
        return err_pass(unlink_name(log, name));
    return err_pass(log->env.io->ops->rename(log->env.io, dir, name, dir, to));
}

static int rename_swaps(const struct log *log, const struct leftovers *left)
{
    const struct text *swaps = &left->swaps;
    int r = 0;

    for (size_t at = 0; at < swaps->size && r == 0; at += strlen(swaps->data + at) + 1)
        r = rename_swap(log, left, swaps->data + at);
    return err_pass(r);
}

static int recover(struct log *log, const struct leftovers *left)
{
    int r = unlink_range(log, &left->swaps, swap_suffix, left->first_cleaned, INT64_MAX);

    if (r == 0)
        r = unlink_range(log, &left->cleaned, cleaned_suffix, 0, INT64_MAX);
    if (r == 0)
        r = unlink_replaced(log, left);
    if (r == 0) /* Or a copy and what it replaces could come out of a crash both. */
        r = log->env.io->ops->dir_sync(log->env.io, log->folder->fd);
    if (r == 0)
        r = rename_swaps(log, left);
    log->has_new_names = true;
    diag_info(log->env.diag, "compaction that was cut short is brought in order",
              kv("log", log->name), kv("error", r));
    return err_pass(r);
}

int log_recover_swaps(struct log *log)
{
    struct leftovers left = {.first_cleaned = INT64_MAX};
    struct io *io = log->env.io;
    int r = io->ops->dir_list(io, log->folder->fd, note_name, &left);

    if (r == 0 && left.cleaned.size + left.swaps.size > 0)
        r = recover(log, &left);
    text_fini(&left.cleaned);
    text_fini(&left.swaps);
    text_fini(&left.originals);
    return err_pass(r);
}
