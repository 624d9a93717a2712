/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_index.c - indexes by offset and by time, compared with the batches that they
 * are about. */

#include "base/mem.h"
#include "offline/dump.h"
#include "wire/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BY_OFFSET_SIZE = 8, BY_TIME_SIZE = 12 };

struct entries {
    struct dump_view view;
    const char *path; /* Of the index. */
    int64_t base;
    size_t entry_size;
    uint64_t count; /* Of whole entries. */
};

/* The path of another file of the same segment. */
static char *path_beside(const struct dump *dump, const char *path, const char *suffix)
{
    char *absolute = dump_absolute(dump, path);
    const char *name = dump_name(absolute);
    struct text text = {.data = NULL};
    char *result;

    text_add(&text, absolute, (size_t)(name - absolute) + strcspn(name, "."));
    text_printf(&text, "%s", suffix);
    result = mem_copy_text(text.data, text.size);
    text_fini(&text);
    mem_free(absolute);
    return result;
}

static int open_entries(struct dump *dump, struct entries *entries, const char *path,
                        size_t entry_size)
{
    int r;

    *entries = (struct entries){.path = path, .entry_size = entry_size};
    r = dump_base(dump, path, &entries->base);
    if (r == 0)
        r = dump_view_open(dump, &entries->view, path);
    if (r == 0)
        entries->count = entries->view.end / entry_size;
    return r;
}

static int read_entry(struct dump *dump, struct entries *entries, uint64_t at, const uint8_t **out)
{
    struct slice bytes;
    int r =
        dump_view_read(dump, &entries->view, at * entries->entry_size, entries->entry_size, &bytes);

    if (r == 0 && bytes.size < entries->entry_size)
        r = dump_fail(dump, "%s became shorter", entries->path);
    *out = bytes.data;
    return r;
}

/* Entries have offsets as differences to the segment's. */
static int64_t offset_of(const struct entries *entries, const uint8_t *relative)
{
    return entries->base + bytes_load_i32(relative);
}

/* --- by offset --------------------------------------------------------------- */

static int check_size(struct dump *dump, const struct entries *entries, const char *what)
{
    char *absolute;
    int r = 0;

    if (entries->view.end % entries->entry_size == 0)
        return 0;
    absolute = dump_absolute(dump, entries->path);
    r = dump_fail(dump,
                  "%s file %s is corrupt, found %" PRIu64 " bytes which is neither positive nor a "
                  "multiple of %zu",
                  what, absolute, entries->view.end, entries->entry_size);
    mem_free(absolute);
    return r;
}

static int check_sanity(struct dump *dump, struct entries *entries)
{
    const uint8_t *last;
    int r = read_entry(dump, entries, entries->count - 1, &last);

    if (r == 0 && offset_of(entries, last) < entries->base) {
        char *absolute = dump_absolute(dump, entries->path);

        r = dump_fail(dump,
                      "Corrupt index found, index file %s has non-zero size but the last offset "
                      "is %" PRId64 " which is less than the base offset %" PRId64,
                      absolute, offset_of(entries, last), entries->base);
        mem_free(absolute);
    }
    if (r == 0)
        r = check_size(dump, entries, "Index");
    if (r == 0)
        console_printf(&dump->tool->out, "%s passed sanity check.\n", entries->path);
    return r;
}

/* In the words of Kafka, which name the file so. */
static int bad_range(struct dump *dump, const struct dump_view *log, const char *what,
                     const char *then, int32_t number)
{
    return dump_fail(dump,
                     "%s %" PRId32 " %s FileRecords(size=%" PRIu64 ", file=%s, start=0, "
                     "end=2147483647)",
                     what, number, then, log->end, log->path);
}

/* Where an index leads to; Kafka ends where that is no place in the log. */
static int check_position(struct dump *dump, const struct dump_view *log, int32_t position)
{
    if (position < 0)
        return bad_range(dump, log, "Invalid position:", "in read from", position);
    if ((uint64_t)position > log->end)
        return bad_range(dump, log, "Slice from position", "exceeds end position of", position);
    return 0;
}

/* Compares one entry with the batch that it leads to, which ends at that offset. */
static int check_entry(struct dump *dump, struct dump_view *log, const struct entries *entries,
                       int64_t offset, int32_t position)
{
    uint64_t size = log->end;
    struct dump_batch batch;
    bool at_end;
    int64_t found;
    int r;

    r = check_position(dump, log, position);
    if (r)
        return r;
    if (dump->message_max < 0)
        return bad_range(dump, log, "Invalid size:", "in read from", dump->message_max);
    log->end = min_of(size, (uint64_t)position + (uint64_t)dump->message_max);
    r = dump_view_batch(dump, log, (uint64_t)position, &batch, &at_end);
    log->end = size;
    if (r == 0 && at_end)
        return dump_fail(dump, "There is no whole batch at position %" PRId32 " of %s", position,
                         log->path);
    if (r)
        return r;
    found = batch.magic < BATCH_MAGIC ? batch.header.base_offset : batch_last_offset(&batch.header);
    if (found != offset)
        dump_complain(dump, DUMP_INDEX_MISMATCH, entries->path, offset, found);
    return 0;
}

static int print_entries(struct dump *dump, struct entries *entries, struct dump_view *log)
{
    for (uint64_t i = 0; i < entries->count; i++) {
        const uint8_t *entry;
        int64_t offset;
        int32_t position;
        int r = read_entry(dump, entries, i, &entry);

        if (r)
            return r;
        offset = offset_of(entries, entry);
        position = bytes_load_i32(entry + 4);
        if (offset == entries->base && i > 0)
            return 0; /* Room that was never used. */
        r = check_entry(dump, log, entries, offset, position);
        if (r)
            return r;
        if (!dump->is_verify)
            console_printf(&dump->tool->out, "offset: %" PRId64 " position: %" PRId32 "\n", offset,
                           position);
    }
    return 0;
}

int dump_index(struct dump *dump, const char *path)
{
    scoped(mem_freep_any) char *log_path = path_beside(dump, path, ".log");
    struct dump_view log = {.path = NULL};
    struct entries entries = {.count = 0};
    int64_t base;
    int r = dump_base(dump, path, &base);

    if (r == 0)
        r = dump_view_open(dump, &log, log_path);
    if (r == 0)
        r = open_entries(dump, &entries, path, BY_OFFSET_SIZE);
    if (r == 0 && entries.count == 0)
        console_printf(&dump->tool->out, "%s is empty.\n", path);
    else if (r == 0 && dump->is_sanity)
        r = check_sanity(dump, &entries);
    else if (r == 0)
        r = print_entries(dump, &entries, &log);
    dump_view_close(&entries.view);
    dump_view_close(&log);
    return r;
}

/* --- by time ----------------------------------------------------------------- */

struct times {
    struct dump *dump;
    struct entries by_time, by_offset;
    struct dump_view log;
    int64_t previous;
};

static int check_time_sanity(struct dump *dump, struct entries *entries)
{
    const uint8_t *entry;
    int64_t first = 0;
    int64_t last = 0;
    int64_t offset = entries->base;
    scoped(mem_freep_any) char *absolute = dump_absolute(dump, entries->path);
    int r = 0;

    if (entries->count > 0) {
        r = read_entry(dump, entries, 0, &entry);
        if (r == 0)
            first = bytes_load_i64(entry);
        if (r == 0)
            r = read_entry(dump, entries, entries->count - 1, &entry);
        if (r == 0) {
            last = bytes_load_i64(entry);
            offset = offset_of(entries, entry + 8);
        }
    }
    if (r == 0 && last < first)
        r = dump_fail(dump,
                      "Corrupt time index found, time index file (%s) has non-zero size but the "
                      "last timestamp is %" PRId64
                      " which is less than the first timestamp %" PRId64,
                      absolute, last, first);
    if (r == 0 && offset < entries->base)
        r = dump_fail(dump,
                      "Corrupt time index found, time index file (%s) has non-zero size but the "
                      "last offset is %" PRId64 " which is less than the first offset %" PRId64,
                      absolute, offset, entries->base);
    if (r == 0)
        r = check_size(dump, entries, "Time index");
    if (r == 0)
        console_printf(&dump->tool->out, "%s passed sanity check.\n", entries->path);
    return r;
}

/* The entry of `offset` among those from `low` to `high`, or else the last below it. */
static int search(struct times *times, int64_t offset, uint64_t low, uint64_t high, uint64_t *out)
{
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        const uint8_t *entry;
        int64_t found;
        int r = read_entry(times->dump, &times->by_offset, middle, &entry);

        if (r)
            return r;
        found = offset_of(&times->by_offset, entry);
        if (found > offset) {
            high = middle - 1;
        } else {
            low = middle;
            if (found == offset)
                break;
        }
    }
    *out = low;
    return 0;
}

/* Where the index by offset says to begin to look.  If entries are out of order it matters
 * which are looked at: those that Kafka looks at, which asks for the last pages first. */
static int look_up(struct times *times, int64_t offset, int32_t *out_position)
{
    enum { WARM_BYTES = 8192 };
    struct entries *index = &times->by_offset;
    const uint64_t last = index->count - 1;
    const uint64_t warm =
        index->count > WARM_BYTES / BY_OFFSET_SIZE + 1 ? last - WARM_BYTES / BY_OFFSET_SIZE : 0;
    const uint8_t *entry;
    uint64_t at;
    int r;

    *out_position = 0;
    if (index->count == 0)
        return 0;
    r = read_entry(times->dump, index, warm, &entry);
    if (r)
        return r;
    if (offset_of(index, entry) < offset) {
        r = search(times, offset, warm, last, &at);
    } else {
        r = read_entry(times->dump, index, 0, &entry);
        if (r || offset_of(index, entry) > offset)
            return r;
        r = search(times, offset, 0, warm, &at);
    }
    if (r == 0)
        r = read_entry(times->dump, index, at, &entry);
    if (r == 0)
        *out_position = bytes_load_i32(entry + 4);
    return r ? r : check_position(times->dump, &times->log, *out_position);
}

/* The latest time in a batch, by its records. */
static int latest_of(struct times *times, const struct dump_batch *batch, int64_t *out)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    struct slice bytes;
    bool at_end = false;
    int r = dump_view_read(times->dump, &times->log, batch->position, batch->header.size, &bytes);

    *out = BATCH_NO_TIMESTAMP;
    if (r)
        return r;
    r = batch_reader_open(&reader, bytes, &scratch, NULL, INT32_MAX);
    while (r == 0 && (r = batch_reader_next(&reader, &record, &at_end)) == 0 && !at_end)
        *out = max_of(*out, record.timestamp);
    text_fini(&scratch);
    return r ? dump_fail(times->dump, "Found invalid record structure") : 0;
}

static int compare(struct times *times, const struct dump_batch *batch, int64_t time)
{
    const char *path = times->by_time.path;
    int64_t latest;
    int r = latest_of(times, batch, &latest);

    if (r)
        return r;
    if (latest != time)
        dump_complain(times->dump, DUMP_TIME_MISMATCH, path, time, latest);
    if (times->previous >= time)
        dump_complain(times->dump, DUMP_TIME_ORDER, path, time, times->previous);
    return 0;
}

static int check_time(struct times *times, int64_t time, int64_t offset)
{
    struct dump_batch batch = {.position = 0};
    int64_t last = INT64_MIN;
    int32_t begin;
    uint64_t position;
    bool at_end = false;
    int r = look_up(times, offset, &begin);

    position = (uint64_t)begin;
    while (r == 0 && !at_end && last < offset) {
        r = dump_view_batch(times->dump, &times->log, position, &batch, &at_end);
        if (r == 0 && !at_end) {
            last = batch.magic < BATCH_MAGIC ? batch.header.base_offset
                                             : batch_last_offset(&batch.header);
            position += batch.header.size;
        }
    }
    if (r)
        return r;
    if (at_end || last != offset) {
        dump_complain(times->dump, DUMP_TIME_NO_OFFSET, times->by_time.path, offset,
                      at_end ? -1 : last);
        return 0;
    }
    return compare(times, &batch, time);
}

static int print_times(struct times *times)
{
    struct entries *entries = &times->by_time;

    times->previous = BATCH_NO_TIMESTAMP;
    for (uint64_t i = 0; i < entries->count; i++) {
        const uint8_t *entry;
        int64_t time;
        int64_t offset;
        int r = read_entry(times->dump, entries, i, &entry);

        if (r)
            return r;
        time = bytes_load_i64(entry);
        offset = offset_of(entries, entry + 8);
        if (offset == entries->base && i > 0)
            return 0;
        r = check_time(times, time, offset);
        if (r)
            return r;
        if (!times->dump->is_verify)
            console_printf(&times->dump->tool->out, "timestamp: %" PRId64 " offset: %" PRId64 "\n",
                           time, offset);
        times->previous = time;
    }
    return 0;
}

int dump_time_index(struct dump *dump, const char *path)
{
    struct times times = {.dump = dump};
    scoped(mem_freep_any) char *log_path = path_beside(dump, path, ".log");
    scoped(mem_freep_any) char *index_path = path_beside(dump, path, ".index");
    int64_t base;
    int r = dump_base(dump, path, &base);

    if (r == 0)
        r = dump_view_open(dump, &times.log, log_path);
    if (r == 0)
        r = open_entries(dump, &times.by_offset, index_path, BY_OFFSET_SIZE);
    if (r == 0)
        r = open_entries(dump, &times.by_time, path, BY_TIME_SIZE);
    if (r == 0)
        r = dump->is_sanity ? check_time_sanity(dump, &times.by_time) : print_times(&times);
    dump_view_close(&times.by_time.view);
    dump_view_close(&times.by_offset.view);
    dump_view_close(&times.log);
    return r;
}
