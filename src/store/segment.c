/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>

void segment_name(char out[static SEGMENT_NAME_SIZE], int64_t base, const char *suffix)
{
    (void)snprintf(out, SEGMENT_NAME_SIZE, "%020" PRId64 "%s", base, suffix);
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

    segment_name(name, segment->base, ".log");
    r = file_open(place->io, place->dir, name, flags, &segment->file);
    if (r == 0)
        r = place->io->ops->file_size(place->io, segment->file->fd, &segment->size);
    return err_pass(r);
}

static int create_indexes(struct segment *segment, const struct segment_place *place)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, segment->base, ".index");
    r = index_create(&segment->by_offset, INDEX_BY_OFFSET, place->io, place->dir, name,
                     segment->base);
    if (r)
        return err_pass(r);
    segment_name(name, segment->base, ".timeindex");
    r = index_create(&segment->by_time, INDEX_BY_TIME, place->io, place->dir, name, segment->base);
    return err_pass(r);
}

int segment_create(struct segment *segment, const struct segment_place *place, int64_t base)
{
    int r;

    set_empty(segment, base);
    r = open_batches(segment, place, IO_READ | IO_WRITE | IO_CREATE | IO_TRUNCATE);
    if (r == 0)
        r = create_indexes(segment, place);
    if (r)
        segment_close(segment);
    return err_pass(r);
}

int segment_open_bare(struct segment *segment, const struct segment_place *place, int64_t base)
{
    int r;

    set_empty(segment, base);
    r = open_batches(segment, place, IO_READ | IO_WRITE);
    if (r == 0)
        r = create_indexes(segment, place);
    if (r)
        segment_close(segment);
    return err_pass(r);
}

static int open_index(struct segment *segment, const struct segment_place *place,
                      enum index_kind kind, struct index *out)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, segment->base, kind == INDEX_BY_OFFSET ? ".index" : ".timeindex");
    return index_open(out, kind, place->io, place->dir, name, segment->base);
}

static int open_indexes(struct segment *segment, const struct segment_place *place)
{
    int r = open_index(segment, place, INDEX_BY_OFFSET, &segment->by_offset);

    if (r)
        return r;
    r = open_index(segment, place, INDEX_BY_TIME, &segment->by_time);
    if (r)
        return r;
    return segment->by_offset.last.value >= segment->size && index_count(&segment->by_offset) > 0
               ? INDEX_E_MALFORMED
               : 0;
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

int segment_open(struct segment *segment, const struct segment_place *place, int64_t base)
{
    int r;

    set_empty(segment, base);
    r = open_batches(segment, place, IO_READ | IO_WRITE);
    if (r == 0)
        r = open_indexes(segment, place);
    if (r == 0)
        r = read_first_time(segment);
    if (r) {
        segment_close(segment);
        return r > 0 || r == -ENOENT ? SEGMENT_E_BROKEN : err_pass(r);
    }
    segment->synced_size = segment->size;
    if (index_count(&segment->by_time) > 0) {
        segment->max_timestamp = segment->by_time.last.key;
        segment->max_timestamp_offset = base + segment->by_time.last.value;
    }
    return 0;
}

int segment_touch(struct segment *segment, const struct segment_place *place)
{
    char name[SEGMENT_NAME_SIZE];

    if (segment->file)
        return 0;
    segment_name(name, segment->base, ".log");
    return err_pass(file_open(place->io, place->dir, name, IO_READ, &segment->file));
}

void segment_rest(struct segment *segment)
{
    if (segment->synced_size == segment->size)
        segment->file = file_unref(segment->file);
}

int segment_note(struct segment *segment, const struct batch_header *header, uint64_t position,
                 int32_t interval)
{
    int r = 0;

    if (segment->first_timestamp < 0)
        segment->first_timestamp = header->max_timestamp;
    if (header->max_timestamp > segment->max_timestamp) {
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

int segment_seal(struct segment *segment)
{
    int r = 0;

    if (segment->max_timestamp > segment->by_time.last.key)
        r = index_add(&segment->by_time, segment->max_timestamp,
                      (uint32_t)(segment->max_timestamp_offset - segment->base));
    if (r == 0)
        r = index_flush(&segment->by_time);
    if (r == 0)
        r = index_flush(&segment->by_offset);
    if (r)
        return err_pass(r);
    index_close(&segment->by_time);
    index_close(&segment->by_offset);
    segment->has_stale_indexes = true;
    return 0;
}

int segment_sync_indexes(struct segment *segment, const struct segment_place *place)
{
    static const char *const suffixes[] = {".index", ".timeindex"};

    for (size_t i = 0; segment->has_stale_indexes && i < COUNT_OF(suffixes); i++) {
        scoped(file_unrefp) struct file *file = NULL;
        char name[SEGMENT_NAME_SIZE];
        int r;

        segment_name(name, segment->base, suffixes[i]);
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

bool segment_is_full(const struct segment *segment, int32_t index_size_max)
{
    uint32_t offsets_max = (uint32_t)index_size_max / 8;
    uint32_t times_max = (uint32_t)index_size_max / 12;

    /* One entry of time is kept free for the one that sealing adds. */
    return index_count(&segment->by_offset) >= offsets_max ||
           index_count(&segment->by_time) + 1 >= times_max;
}

/* Looks `key` up in the open index of the active segment, or in the file of a sealed one.
 * A damaged or missing file finds nothing: the way to the batch is only longer. */
static int look_up(struct segment *segment, const struct segment_place *place, enum index_kind kind,
                   int64_t key, bool is_active, struct index_entry *out)
{
    struct index stored;
    int r;

    if (is_active)
        return err_pass(index_find(
            kind == INDEX_BY_OFFSET ? &segment->by_offset : &segment->by_time, key, out));
    *out = (struct index_entry){.key = -1};
    r = open_index(segment, place, kind, &stored);
    if (r > 0 || r == -ENOENT)
        return 0;
    if (r)
        return err_pass(r);
    r = index_find(&stored, key, out);
    index_close(&stored);
    return err_pass(r);
}

int segment_find(struct segment *segment, const struct segment_place *place, int64_t offset,
                 bool is_active, uint64_t *out_position)
{
    struct index_entry entry;
    int r = look_up(segment, place, INDEX_BY_OFFSET, offset, is_active, &entry);

    if (r)
        return err_pass(r);
    *out_position = entry.key < 0 || entry.value >= segment->size ? 0 : entry.value;
    return 0;
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
    return err_pass(look_up(segment, place, INDEX_BY_TIME, INT64_MAX, false, out));
}

int segment_find_time(struct segment *segment, const struct segment_place *place, int64_t timestamp,
                      bool is_active, int64_t *out_offset)
{
    struct index_entry entry;
    int r = look_up(segment, place, INDEX_BY_TIME, timestamp - 1, is_active, &entry);

    if (r)
        return err_pass(r);
    *out_offset = segment->base + (entry.key < 0 ? 0 : entry.value);
    return 0;
}
