/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>

void segment_name(char out[static SEGMENT_NAME_SIZE], int64_t base, const char *suffix)
{
    (void)snprintf(out, SEGMENT_NAME_SIZE, "%020" PRId64 "%s", base, suffix);
}

/* The name that the file has now. */
static void name_file(char out[static SEGMENT_NAME_SIZE], const struct segment *segment,
                      const char *suffix)
{
    (void)snprintf(out, SEGMENT_NAME_SIZE, "%020" PRId64 "%s%s", segment->base, suffix,
                   segment->suffix ? segment->suffix : "");
}

static void set_empty(struct segment *segment, int64_t base)
{
    *segment = (struct segment){
        .base = base,
        .first_timestamp = -1,
        .max_timestamp = -1,
        .max_timestamp_offset = base,
    };
}

static int open_batches(struct segment *segment, const struct segment_place *place, unsigned flags)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, ".log");
    r = file_open(place->io, place->dir, name, flags, &segment->file);
    if (r == 0)
        r = place->io->ops->file_size(place->io, segment->file->fd, &segment->size);
    segment->opened_size = segment->size;
    return err_pass(r);
}

static int create_indexes(struct segment *segment, const struct segment_place *place)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, ".index");
    r = index_create(&segment->by_offset, INDEX_BY_OFFSET, place->io, place->dir, name,
                     segment->base);
    if (r)
        return err_pass(r);
    name_file(name, segment, ".timeindex");
    r = index_create(&segment->by_time, INDEX_BY_TIME, place->io, place->dir, name, segment->base);
    return err_pass(r);
}

int segment_create(struct segment *segment, const struct segment_place *place, int64_t base)
{
    return err_pass(segment_create_as(segment, place, base, NULL));
}

int segment_create_as(struct segment *segment, const struct segment_place *place, int64_t base,
                      const char *suffix)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    set_empty(segment, base);
    segment->suffix = suffix;
    name_file(name, segment, ".log");
    r = create_indexes(segment, place);
    if (r == 0)
        r = file_open(place->io, place->dir, name, IO_READ | IO_WRITE | IO_CREATE | IO_TRUNCATE,
                      &segment->file);
    if (r)
        segment_close(segment);
    return err_pass(r);
}

int segment_open_bare(struct segment *segment, const struct segment_place *place, int64_t base)
{
    int r;

    set_empty(segment, base);
    r = open_batches(segment, place, IO_READ | IO_WRITE);
    if (r)
        segment_close(segment);
    return err_pass(r);
}

int segment_reset(struct segment *segment, const struct segment_place *place)
{
    char name[SEGMENT_NAME_SIZE];
    int r = 0;

    segment->has_own_indexes = true;
    name_file(name, segment, ".txnindex");
    if (segment->aborted.is_there)
        r = place->io->ops->unlink(place->io, place->dir, name);
    segment->aborted = (struct txn_index){.count = 0};
    return err_pass(r ? r : create_indexes(segment, place));
}

int segment_note(struct segment *segment, const struct batch_header *header, uint64_t position,
                 int32_t interval)
{
    int r = 0;

    if (segment->first_timestamp < 0)
        segment->first_timestamp = header->max_timestamp;
    /* Where the cleaner has left no record, there is nothing of that time. */
    if (header->max_timestamp > segment->max_timestamp && header->record_count > 0) {
        segment->max_timestamp = header->max_timestamp;
        segment->max_timestamp_offset = batch_last_offset(header);
    }
    if (segment->since_entry > (uint64_t)interval) {
        r = index_add(&segment->by_offset, batch_last_offset(header), (uint32_t)position);
        if (r == 0 && segment->max_timestamp > segment->by_time.last.key)
            r = index_add(&segment->by_time, segment->max_timestamp,
                          (uint32_t)(segment->max_timestamp_offset - segment->base));
        segment->since_entry = 0;
    }
    segment->since_entry += header->size;
    return err_pass(r);
}

/* Whether the index fits the batches.  Sealing puts the largest time of a segment into the
 * index, so one by time is empty only if no batch has a time. */
static bool fits(const struct segment *segment, const struct index *index)
{
    if (index->kind == INDEX_BY_OFFSET)
        return index_count(index) == 0 || index->last.value < segment->size;
    return index_count(index) > 0 || segment->size == 0 || segment->has_own_indexes;
}

static int open_index(const struct segment *segment, const struct segment_place *place,
                      enum index_kind kind, struct index *out)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, kind == INDEX_BY_OFFSET ? ".index" : ".timeindex");
    r = index_open(out, kind, place->io, place->dir, name, segment->base);
    if (r == 0 && !fits(segment, out)) {
        index_close(out);
        r = INDEX_E_MALFORMED;
    }
    return r;
}

static int open_indexes(struct segment *segment, const struct segment_place *place)
{
    int r = open_index(segment, place, INDEX_BY_OFFSET, &segment->by_offset);

    if (r)
        return r;
    return open_index(segment, place, INDEX_BY_TIME, &segment->by_time);
}

/* The time that decides when the segment is old. */
static int read_first_time(struct segment *segment)
{
    struct scan scan;
    struct scan_batch first;
    bool at_end;
    int r;

    scan_init(&scan, segment->file, 0, segment->size);
    r = scan_next_header(&scan, &first, &at_end);
    if (r == 0 && !at_end)
        segment->first_timestamp = first.header.max_timestamp;
    scan_fini(&scan);
    return r;
}

/* Walks the headers behind the last entry of the indexes: what is not in those. */
static int walk_tail(struct segment *segment, int64_t *out_end)
{
    const struct index_entry *last = &segment->by_offset.last;
    uint64_t from = index_count(&segment->by_offset) ? last->value : 0;
    int64_t highest_first = from > 0 ? last->key : INT64_MAX;
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r;

    *out_end = segment->base;
    scan_init(&scan, segment->file, from, segment->size);
    while ((r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset < *out_end || batch.header.base_offset > highest_first) {
            r = SEGMENT_E_BROKEN;
            break;
        }
        highest_first = INT64_MAX;
        *out_end = batch_last_offset(&batch.header) + 1;
        if (batch.header.max_timestamp > segment->max_timestamp) {
            segment->max_timestamp = batch.header.max_timestamp;
            segment->max_timestamp_offset = *out_end - 1;
        }
    }
    scan_fini(&scan);
    segment->since_entry = segment->size - from;
    if (r == 0 && last->key >= *out_end)
        r = SEGMENT_E_BROKEN;
    return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
}

/* What the indexes and the batches behind them say. */
static int believe_indexes(struct segment *segment, const struct segment_place *place,
                           int64_t *out_end)
{
    int r = open_indexes(segment, place);

    if (r)
        return r;
    if (index_count(&segment->by_time) > 0) {
        segment->max_timestamp = segment->by_time.last.key;
        segment->max_timestamp_offset = segment->base + segment->by_time.last.value;
    }
    r = read_first_time(segment);
    return r ? r : walk_tail(segment, out_end);
}

/* Makes the indexes from the headers of the batches, which are not checked. */
static int rebuild(struct segment *segment, const struct segment_place *place, int64_t *out_end)
{
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r;

    index_close(&segment->by_offset);
    index_close(&segment->by_time);
    segment->first_timestamp = segment->max_timestamp = -1;
    segment->max_timestamp_offset = *out_end = segment->base;
    segment->since_entry = 0;
    segment->has_stale_indexes = segment->has_own_indexes = true;
    r = create_indexes(segment, place);
    if (r)
        return err_pass(r);
    scan_init(&scan, segment->file, 0, segment->size);
    while ((r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset < *out_end || batch.header.last_offset_delta < 0)
            r = SEGMENT_E_BROKEN;
        else
            r = segment_note(segment, &batch.header, batch.position, place->index_interval);
        if (r)
            break;
        *out_end = batch_last_offset(&batch.header) + 1;
    }
    scan_fini(&scan);
    return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
}

int segment_open(struct segment *segment, const struct segment_place *place, int64_t base,
                 int64_t *out_end)
{
    int r;

    set_empty(segment, base);
    r = open_batches(segment, place, IO_READ | IO_WRITE);
    if (r == 0) {
        r = believe_indexes(segment, place, out_end);
        if (r > 0 || r == -ENOENT)
            r = rebuild(segment, place, out_end);
    }
    if (r) {
        segment_close(segment);
        return r;
    }
    segment->synced_size = segment->size;
    return 0;
}

/* --- after a crash ---------------------------------------------------------- */

static int resume_indexes(struct segment *segment, const struct segment_place *place, int64_t upto)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, ".index");
    r = index_resume(&segment->by_offset, INDEX_BY_OFFSET, place->io, place->dir, name,
                     segment->base, upto);
    if (r)
        return r;
    name_file(name, segment, ".timeindex");
    return index_resume(&segment->by_time, INDEX_BY_TIME, place->io, place->dir, name,
                        segment->base, upto);
}

static void note_time(struct segment *segment, const struct batch_header *header)
{
    if (header->max_timestamp <= segment->max_timestamp)
        return;
    segment->max_timestamp = header->max_timestamp;
    segment->max_timestamp_offset = batch_last_offset(header);
}

/* Whether the batch of the last entry of the index by time has that time. */
static int check_time(struct segment *segment)
{
    const struct index_entry *last = &segment->by_time.last;
    int64_t offset = segment->base + last->value;
    struct index_entry near = {.key = -1};
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r = index_find(&segment->by_offset, offset, &near);

    if (r)
        return err_pass(r);
    scan_init(&scan, segment->file, near.key < 0 ? 0 : near.value, segment->size);
    while ((r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end)
        if (batch_last_offset(&batch.header) >= offset)
            break;
    scan_fini(&scan);
    if (r < 0)
        return err_pass(r);
    return r || at_end || batch.header.max_timestamp != last->key ? SEGMENT_E_BROKEN : 0;
}

/* Walks the headers from the last entry of the indexes to `upto`. */
static int walk_upto(struct segment *segment, int64_t upto, uint64_t *out_position)
{
    const struct index_entry *last = &segment->by_offset.last;
    uint64_t from = index_count(&segment->by_offset) ? last->value : 0;
    int64_t first_end = from > 0 ? last->key + 1 : 0; /* Of the batch of that entry. */
    int64_t end = segment->base;
    uint64_t position = from;
    struct scan scan;
    struct scan_batch batch;
    bool at_end = false;
    int r = 0;

    scan_init(&scan, segment->file, from, segment->size);
    while (end < upto && (r = scan_next_header(&scan, &batch, &at_end)) == 0 && !at_end) {
        if (batch.header.base_offset < end || batch_last_offset(&batch.header) >= upto ||
            (first_end > 0 && batch_last_offset(&batch.header) + 1 != first_end)) {
            r = SCAN_E_BROKEN;
            break;
        }
        first_end = 0;
        end = batch_last_offset(&batch.header) + 1;
        position = scan.position;
        note_time(segment, &batch.header);
    }
    scan_fini(&scan);
    segment->since_entry = position - from;
    *out_position = position;
    return r > 0 || at_end ? SEGMENT_E_BROKEN : err_pass(r);
}

int segment_resume(struct segment *segment, const struct segment_place *place, int64_t upto,
                   uint64_t *out_position)
{
    int r = resume_indexes(segment, place, upto);

    if (r == 0 && index_count(&segment->by_time) == 0)
        r = SEGMENT_E_BROKEN; /* Sealing and checkpoints have put the largest time there. */
    if (r == 0)
        r = check_time(segment);
    if (r == 0) {
        segment->max_timestamp = segment->by_time.last.key;
        segment->max_timestamp_offset = segment->base + segment->by_time.last.value;
        r = read_first_time(segment);
    }
    if (r == 0)
        r = walk_upto(segment, upto, out_position);
    if (r == 0)
        r = segment_cut_aborted(segment, place, upto);
    if (r == 0)
        return 0;
    index_close(&segment->by_offset);
    index_close(&segment->by_time);
    segment->first_timestamp = segment->max_timestamp = -1;
    segment->max_timestamp_offset = segment->base;
    segment->since_entry = 0;
    return r > 0 || r == -ENOENT ? SEGMENT_E_BROKEN : err_pass(r);
}

int segment_touch(struct segment *segment, const struct segment_place *place)
{
    char name[SEGMENT_NAME_SIZE];

    if (segment->file)
        return 0;
    name_file(name, segment, ".log");
    return err_pass(file_open(place->io, place->dir, name, IO_READ, &segment->file));
}

void segment_rest(struct segment *segment)
{
    if (segment->synced_size == segment->size)
        segment->file = file_unref(segment->file);
}

int segment_finish_indexes(struct segment *segment)
{
    int r = 0;

    if (segment->max_timestamp > segment->by_time.last.key)
        r = index_add(&segment->by_time, segment->max_timestamp,
                      (uint32_t)(segment->max_timestamp_offset - segment->base));
    if (r == 0)
        r = index_flush(&segment->by_time);
    if (r == 0)
        r = index_flush(&segment->by_offset);
    segment->has_stale_indexes = true;
    return err_pass(r);
}

int segment_seal(struct segment *segment)
{
    int r = segment_finish_indexes(segment);

    if (r)
        return err_pass(r);
    index_close(&segment->by_time);
    index_close(&segment->by_offset);
    segment->has_own_indexes = true;
    return 0;
}

int segment_sync_indexes(struct segment *segment, const struct segment_place *place)
{
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex"};
    size_t count = COUNT_OF(suffixes) - !segment->aborted.is_there;

    for (size_t i = 0; segment->has_stale_indexes && i < count; i++) {
        scoped(file_unrefp) struct file *file = NULL;
        char name[SEGMENT_NAME_SIZE];
        int r;

        name_file(name, segment, suffixes[i]);
        r = file_open(place->io, place->dir, name, IO_READ | IO_WRITE, &file);
        if (r == 0)
            r = place->io->ops->file_sync(place->io, file->fd);
        if (r)
            return err_pass(r);
    }
    segment->has_stale_indexes = false;
    return 0;
}

void segment_close(struct segment *segment)
{
    segment->file = file_unref(segment->file);
    index_close(&segment->by_offset);
    index_close(&segment->by_time);
}

bool segment_is_full(const struct segment *segment, int32_t index_size_max, size_t more)
{
    size_t offsets_max = (size_t)index_size_max / 8;
    size_t times_max = (size_t)index_size_max / 12;

    /* One entry of time is kept free for the one that sealing adds. */
    return index_count(&segment->by_offset) + more >= offsets_max ||
           index_count(&segment->by_time) + more + 1 >= times_max;
}

/* --- looking things up ------------------------------------------------------ */

/* Opens the index of a sealed segment, making both again if it is not one. */
static int open_sealed_index(struct segment *segment, const struct segment_place *place,
                             enum index_kind kind, struct index *out)
{
    int64_t end;
    int r = open_index(segment, place, kind, out);

    if (r <= 0 && r != -ENOENT)
        return err_pass(r);
    r = segment_touch(segment, place);
    if (r == 0)
        r = rebuild(segment, place, &end);
    if (r == 0)
        r = segment_seal(segment);
    index_close(&segment->by_offset);
    index_close(&segment->by_time);
    return r ? r : open_index(segment, place, kind, out);
}

enum look { LOOK_KEY, LOOK_VALUE, LOOK_BEHIND };

static int find_in(const struct index *index, enum look look, int64_t what, struct index_entry *out)
{
    uint32_t value = (uint32_t)min_of(what, (int64_t)UINT32_MAX);

    switch (look) {
    case LOOK_KEY: return err_pass(index_find(index, what, out));
    case LOOK_VALUE: return err_pass(index_find_value(index, value, out));
    case LOOK_BEHIND: break;
    }
    return err_pass(index_find_behind(index, value, out));
}

/* Looks in the open index of the active segment, or in the file of a sealed one. */
static int look_up(struct segment *segment, const struct segment_place *place, enum index_kind kind,
                   enum look look, int64_t what, bool is_active, struct index_entry *out)
{
    struct index *index = kind == INDEX_BY_OFFSET ? &segment->by_offset : &segment->by_time;
    struct index stored;
    int r;

    if (!is_active) {
        r = open_sealed_index(segment, place, kind, &stored);
        if (r)
            return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
        index = &stored;
    }
    r = find_in(index, look, what, out);
    if (!is_active)
        index_close(&stored);
    return err_pass(r);
}

int segment_find(struct segment *segment, const struct segment_place *place, int64_t offset,
                 bool is_active, uint64_t *out_position)
{
    struct index_entry entry;
    int r = look_up(segment, place, INDEX_BY_OFFSET, LOOK_KEY, offset, is_active, &entry);

    if (r)
        return r;
    *out_position = entry.key < 0 || entry.value >= segment->size ? 0 : entry.value;
    return 0;
}

int segment_find_first_time(struct segment *segment, const struct segment_place *place,
                            int64_t *out)
{
    int r = 0;

    if (segment->first_timestamp < 0 && segment->size > 0) {
        r = segment_touch(segment, place);
        if (r == 0)
            r = read_first_time(segment);
        segment_rest(segment);
    }
    *out = segment->first_timestamp;
    return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
}

int segment_largest(struct segment *segment, const struct segment_place *place, bool is_active,
                    struct index_entry *out)
{
    if (is_active) {
        *out = (struct index_entry){.key = segment->max_timestamp,
                                    .value =
                                        (uint32_t)(segment->max_timestamp_offset - segment->base)};
        return 0;
    }
    return look_up(segment, place, INDEX_BY_TIME, LOOK_KEY, INT64_MAX, false, out);
}

int segment_find_time(struct segment *segment, const struct segment_place *place, int64_t timestamp,
                      bool is_active, int64_t *out_offset)
{
    struct index_entry entry = {.key = -1};
    int r = timestamp > 0
                ? look_up(segment, place, INDEX_BY_TIME, LOOK_KEY, timestamp - 1, is_active, &entry)
                : 0;

    if (r)
        return r;
    *out_offset = segment->base + (entry.key < 0 ? 0 : entry.value);
    return 0;
}

int segment_find_position(struct segment *segment, const struct segment_place *place,
                          uint64_t position, bool is_active, uint64_t *out_position)
{
    struct index_entry entry;
    int r =
        look_up(segment, place, INDEX_BY_OFFSET, LOOK_VALUE, (int64_t)position, is_active, &entry);

    if (r)
        return r;
    *out_position = entry.key < 0 ? 0 : entry.value;
    return 0;
}

int segment_find_bound(struct segment *segment, const struct segment_place *place,
                       uint64_t position, bool is_active, int64_t *out_offset)
{
    struct index_entry entry;
    int r = look_up(segment, place, INDEX_BY_OFFSET, LOOK_BEHIND,
                    (int64_t)min_of(position, (uint64_t)UINT32_MAX), is_active, &entry);

    if (r)
        return r;
    *out_offset = entry.key;
    return 0;
}

/* --- aborted transactions --------------------------------------------------- */

int segment_add_aborted(struct segment *segment, const struct segment_place *place,
                        const struct txn_entry *entry)
{
    char name[SEGMENT_NAME_SIZE];

    segment->has_stale_indexes = true;
    name_file(name, segment, ".txnindex");
    return err_pass(txn_index_add(&segment->aborted, place->io, place->dir, name, entry));
}

int segment_cut_aborted(struct segment *segment, const struct segment_place *place, int64_t offset)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, ".txnindex");
    r = txn_index_cut(&segment->aborted, place->io, place->dir, name, offset);
    return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
}

int segment_find_aborted(struct segment *segment, const struct segment_place *place, int64_t from,
                         int64_t to, struct text *out, bool *out_complete)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    name_file(name, segment, ".txnindex");
    r = txn_index_find(&segment->aborted, place->io, place->dir, name, from, to, out, out_complete);
    return r > 0 ? SEGMENT_E_BROKEN : err_pass(r);
}

void segment_check(const struct segment *segment, bool is_active)
{
    assert(segment->base >= 0 && segment->synced_size <= segment->size);
    assert(segment->committed_size <= segment->size);
    assert(segment->file || (!is_active && segment->synced_size == segment->size));
    assert(is_active == (segment->by_offset.file != NULL));
    assert(is_active == (segment->by_time.file != NULL));
    if (!is_active)
        return;
    assert(index_count(&segment->by_offset) == 0 || segment->by_offset.last.value < segment->size);
    assert(segment->by_time.last.key <= segment->max_timestamp);
    assert(segment->since_entry <= segment->size && segment->max_timestamp_offset >= segment->base);
}
