/* SPDX-License-Identifier: Apache-2.0 */

/* store/clean_copy.c - the cleaner reads batches: into the map, and into the copy. */

#include "base/err.h"
#include "base/mutant.h"
#include "store/cleaner_internal.h"

enum { WRITE_SIZE = 256 * 1024 };

/* --- reading ---------------------------------------------------------------- */

void clean_close_source(struct clean_work *work)
{
    if (work->file)
        scan_fini(&work->scan);
    work->file = file_unref(work->file);
}

static int open_source(struct clean_pass *pass, struct io *io)
{
    const struct clean_source *source = &pass->sources[pass->work->at];
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, source->base, ".log");
    r = file_open(io, pass->folder->fd, name, IO_READ, &pass->work->file);
    if (r)
        return r == -ENOENT ? CLEAN_E_GONE : err_pass(r);
    scan_init(&pass->work->scan, pass->work->file, 0, source->size);
    pass->work->next = source->base;
    return 0;
}

static bool is_good(const struct clean_pass *pass, const struct scan_batch *batch)
{
    const struct clean_source *source = &pass->sources[pass->work->at];
    const struct batch_header *header = &batch->header;

    return header->base_offset >= pass->work->next && header->last_offset_delta >= 0 &&
           batch_last_offset(header) < source->end && batch_crc_is_good(batch->bytes);
}

int clean_next_batch(struct clean_pass *pass, struct io *io, size_t end_at, struct scan_batch *out,
                     bool *out_end)
{
    struct clean_work *work = pass->work;
    bool at_end = true;
    int r = 0;

    while (r == 0 && at_end && work->at < end_at) {
        r = work->file ? 0 : open_source(pass, io);
        if (r)
            return r;
        r = scan_next(&work->scan, out, &at_end);
        if (r > 0)
            return CLEAN_E_CORRUPT;
        if (r == 0 && at_end) {
            clean_close_source(work);
            work->at++;
        }
    }
    *out_end = at_end;
    if (r == 0 && !at_end && !is_good(pass, out))
        return CLEAN_E_CORRUPT;
    if (r == 0 && !at_end) {
        work->next = batch_last_offset(&out->header) + 1;
        pass->stats.read_bytes += out->header.size;
    }
    return r;
}

int clean_open_batch(struct clean_work *work, const struct scan_batch *batch,
                     struct batch_reader *out)
{
    size_t decoded_max =
        max_of((size_t)BATCH_DECODED_MIN, batch->header.size * BATCH_DECODED_RATIO);

    return batch_reader_open(out, batch->bytes, &work->scratch, &work->inflaters, decoded_max)
               ? CLEAN_E_CORRUPT
               : 0;
}

/* The marker of a control batch; `*out` is NULL if it has none. */
static int read_marker(const struct scan_batch *batch, struct marker *marker,
                       const struct marker **out)
{
    bool is_marker = false;
    int r = marker_parse(batch->bytes, marker, &is_marker);

    *out = is_marker ? marker : NULL;
    return r ? CLEAN_E_CORRUPT : 0;
}

/* --- into the map ----------------------------------------------------------- */

/* Puts the keys of a batch into the map; `*out_full` is true where there is no room, and pass->end
 * is the record that did not fit. */
static int map_records(struct clean_pass *pass, struct batch_reader *reader, bool *out_full)
{
    struct record record;
    bool at_end = false;
    int r;

    while ((r = batch_reader_next(reader, &record, &at_end)) == 0 && !at_end) {
        if (slice_is_null(record.key) || record.offset < pass->first_dirty)
            continue;
        if (!clean_map_put(&pass->map, record.key, record.offset)) {
            pass->end = record.offset;
            *out_full = true;
            return 0;
        }
    }
    return r ? CLEAN_E_CORRUPT : 0;
}

static int map_batch(struct clean_pass *pass, const struct scan_batch *batch, bool *out_full)
{
    const struct txn_entry *entry;
    const struct marker *marker;
    struct marker space;
    struct batch_reader reader;
    int r = clean_open_batch(pass->work, batch, &reader);

    if (r)
        return r;
    if (batch_is_control(&batch->header)) {
        r = read_marker(batch, &space, &marker);
        if (r == 0)
            (void)clean_txns_marker(pass->txns, &batch->header, marker, &entry);
    } else if (!clean_txns_data(pass->txns, &batch->header)) {
        r = map_records(pass, &reader, out_full);
    }
    if (r == 0 && !*out_full)
        pass->end = max_of(pass->end, batch_last_offset(&batch->header) + 1);
    return r;
}

int clean_map_step(struct clean_pass *pass, struct io *io, uint64_t bytes)
{
    uint64_t upto = pass->stats.read_bytes + bytes;
    struct scan_batch batch;
    bool is_full = false;
    bool at_end = false;
    int r = 0;

    while (r == 0 && !is_full && !at_end && pass->stats.read_bytes < upto) {
        if (atomic_load_explicit(&pass->is_cancelled, memory_order_relaxed))
            return CLEAN_E_GONE;
        r = clean_next_batch(pass, io, pass->source_count, &batch, &at_end);
        if (r == 0 && !at_end)
            r = map_batch(pass, &batch, &is_full);
    }
    if (r)
        return r;
    if (!at_end && !is_full)
        return CLEAN_MORE;
    if (at_end) /* Where offsets are missing at the end, they are clean too. */
        pass->end = pass->uncleanable;
    clean_close_source(pass->work);
    return 0;
}

/* --- into the copy ---------------------------------------------------------- */

/* What becomes of a batch. */
struct fate {
    int64_t horizon;     /* That it has; -1: none. */
    bool drops_records;  /* All of them. */
    bool is_old_marker;  /* Of a transaction of which no record is left. */
    bool is_last;        /* Of its producer, or of the group. */
    bool has_tombstone;  /* Among those that stay. */
    uint64_t kept, lost; /* Records. */
};

static bool keeps_record(const struct clean_pass *pass, const struct fate *fate,
                         const struct scan_batch *batch, const struct record *record)
{
    int64_t newest;

    if (fate->drops_records || batch_is_control(&batch->header))
        return !fate->drops_records;
    if (record->offset >= pass->end)
        return true;
    if (slice_is_null(record->key))
        return false;
    newest = clean_map_get(&pass->map, record->key);
    if (mutant_is(MUTANT_CLEAN_NEWEST) && newest == record->offset && newest % 64 == 63)
        return false;
    if (record->offset < newest)
        return false;
    return !slice_is_null(record->value) || fate->horizon < 0 || pass->terms.now_ms < fate->horizon;
}

static int by_id(const struct clean_producer *producer, int64_t id)
{
    return (producer->id > id) - (producer->id < id);
}

static const struct clean_producer *find_producer(const struct clean_pass *pass, int64_t id)
{
    size_t low = 0;
    size_t high = pass->producer_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = by_id(&pass->producers[middle], id);

        if (order == 0)
            return &pass->producers[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_last_of_producer(const struct clean_pass *pass, const struct batch_header *header)
{
    const struct clean_producer *producer =
        header->producer_id < 0 ? NULL : find_producer(pass, header->producer_id);

    if (!producer)
        return false;
    return producer->last_offset >= 0
               ? batch_last_offset(header) == producer->last_offset
               : batch_is_control(header) && header->producer_epoch == producer->epoch;
}

/* True if nothing comes behind the batch that was just read. */
static bool is_last_of_group(const struct clean_pass *pass)
{
    const struct clean_work *work = pass->work;

    if (work->scan.position < work->scan.end)
        return false;
    for (size_t i = work->at + 1; i < pass->group_end; i++)
        if (pass->sources[i].size > 0)
            return false;
    return true;
}

/* What transactions make of the batch. */
static int judge(struct clean_pass *pass, const struct scan_batch *batch, struct fate *out)
{
    const struct batch_header *header = &batch->header;
    const struct txn_entry *entry = NULL;
    const struct marker *marker = NULL;
    struct marker space;
    int r;

    *out = (struct fate){.horizon = -1};
    if (header->attributes & BATCH_HAS_DELETE_HORIZON)
        out->horizon = header->base_timestamp;
    out->is_last = is_last_of_producer(pass, header) || is_last_of_group(pass);
    if (!batch_is_control(header)) {
        out->drops_records = clean_txns_data(pass->txns, header);
        return 0;
    }
    r = read_marker(batch, &space, &marker);
    if (r)
        return r;
    out->is_old_marker = clean_txns_marker(pass->txns, header, marker, &entry);
    out->drops_records =
        out->is_old_marker && out->horizon >= 0 && out->horizon <= pass->terms.now_ms;
    if (entry)
        txn_entry_print(entry, &pass->work->aborted);
    return 0;
}

static int count_records(const struct clean_pass *pass, const struct scan_batch *batch,
                         struct batch_reader reader, struct fate *fate)
{
    struct record record;
    bool at_end = false;
    int r;

    while ((r = batch_reader_next(&reader, &record, &at_end)) == 0 && !at_end) {
        bool is_kept = keeps_record(pass, fate, batch, &record);

        fate->has_tombstone |= is_kept && slice_is_null(record.value);
        fate->kept += is_kept;
        fate->lost += !is_kept;
    }
    return r ? CLEAN_E_CORRUPT : 0;
}

static int write_out(struct clean_pass *pass)
{
    struct text *bytes = &pass->work->unwritten;
    struct file *file = pass->output.file;
    struct io_iov iov = {.data = bytes->data, .size = bytes->size};
    int r = 0;

    if (bytes->size > 0)
        r = file->io->ops->file_write(file->io, file->fd, pass->output.size, &iov, 1);
    if (r)
        return err_pass(r);
    pass->output.size += bytes->size;
    pass->stats.written_bytes += bytes->size;
    text_cut(bytes, 0);
    return 0;
}

/* The batch of `header` was added to what is to be written. */
static int note_batch(struct clean_pass *pass, const struct batch_header *header)
{
    uint64_t position = pass->output.size + pass->work->unwritten.size - header->size;
    int r;

    if (position + header->size > INT32_MAX)
        return err_raise(-EFBIG); /* Kafka's positions have 31 bits. */
    r = segment_note(&pass->output, header, position, pass->config.index_interval_bytes);
    if (r == 0 && pass->work->unwritten.size >= WRITE_SIZE)
        r = write_out(pass);
    return err_pass(r);
}

static int rewrite_batch(struct clean_pass *pass, const struct scan_batch *batch,
                         struct batch_reader reader, const struct fate *fate, int64_t horizon)
{
    struct batch_rewrite *rewrite = &pass->work->rewrite;
    struct record record;
    bool at_end = fate->kept == 0;
    int r;

    rewrite->cache = &pass->work->deflaters;
    batch_rewrite_begin(rewrite, &batch->header, horizon);
    while (!at_end) {
        if (batch_reader_next(&reader, &record, &at_end))
            return CLEAN_E_CORRUPT;
        if (!at_end && keeps_record(pass, fate, batch, &record))
            batch_rewrite_add(rewrite, &record);
    }
    r = batch_rewrite_finish(rewrite, &pass->work->unwritten);
    return r ? CLEAN_E_CORRUPT : err_pass(note_batch(pass, &rewrite->header));
}

static int copy_batch(struct clean_pass *pass, const struct scan_batch *batch)
{
    struct batch_reader reader;
    struct fate fate;
    int64_t horizon = -1;
    int r = clean_open_batch(pass->work, batch, &reader);

    if (r == 0)
        r = judge(pass, batch, &fate);
    if (r == 0)
        r = count_records(pass, batch, reader, &fate);
    if (r)
        return r;
    pass->stats.records += fate.kept + fate.lost;
    pass->stats.kept_records += fate.kept;
    if (fate.kept == 0 && !fate.is_last)
        return 0;
    if (fate.kept > 0 && fate.horizon < 0 && (fate.has_tombstone || fate.is_old_marker))
        horizon = pass->terms.now_ms +
                  min_of(pass->terms.delete_retention_ms, INT64_MAX / 2 - pass->terms.now_ms);
    if (fate.lost > 0 || horizon >= 0)
        return rewrite_batch(pass, batch, reader, &fate, horizon);
    text_add(&pass->work->unwritten, batch->bytes.data, batch->bytes.size);
    return err_pass(note_batch(pass, &batch->header));
}

int clean_copy_step(struct clean_pass *pass, struct io *io, uint64_t bytes)
{
    uint64_t upto = pass->stats.read_bytes + bytes;
    struct scan_batch batch;
    bool at_end = false;
    int r = 0;

    while (r == 0 && !at_end && pass->stats.read_bytes < upto) {
        if (atomic_load_explicit(&pass->is_cancelled, memory_order_relaxed))
            return CLEAN_E_GONE;
        r = clean_next_batch(pass, io, pass->group_end, &batch, &at_end);
        if (r == 0 && !at_end)
            r = copy_batch(pass, &batch);
    }
    if (r)
        return r;
    return at_end ? err_pass(write_out(pass)) : CLEAN_MORE;
}
