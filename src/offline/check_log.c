/* SPDX-License-Identifier: Apache-2.0 */

/* offline/check_log.c - the files of one log, read wholly.
 *
 * Batches are walked from the beginning of each segment to its end; entries of the indexes are
 * compared as the batches that they lead to come by.
 */

#include "base/err.h"
#include "base/mem.h"
#include "offline/check.h"
#include "store/checkpoint.h"
#include "store/producers.h"
#include "store/segment.h"
#include "wire/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BASE_DIGITS = 20,
    BY_OFFSET_SIZE = 8,
    BY_TIME_SIZE = 12,
    SMALL_FILE_MAX = 64 << 20, /* Indexes, snapshots. */
    DECODED_MAX = 256 << 20,   /* Of a batch. */
    FILE_NAME_MAX = 2 * IO_NAME_MAX + 2
};

/* --- what is in the folder -------------------------------------------------- */

struct files {
    struct check *check;
    const char *log;
    int fd;         /* The folder. */
    int64_t *bases; /* Owned: of segments. */
    size_t count, room;
    struct text names; /* All other files, each with a zero byte behind it. */
};

/* `orders-0/00000000000000000000.log` */
static void name_file(const struct files *files, const char *name, char out[static FILE_NAME_MAX])
{
    (void)snprintf(out, FILE_NAME_MAX, "%s/%s", files->log, name);
}

/* The number of `00000000000000004210<suffix>`, or -1. */
static int64_t number_of(const char *name, const char *suffix)
{
    if (strspn(name, "0123456789") != BASE_DIGITS || strcmp(name + BASE_DIGITS, suffix) != 0)
        return -1;
    return strtoll(name, NULL, 10);
}

static int note_file(void *context, const char *name, bool is_dir)
{
    struct files *files = context;
    int64_t base = number_of(name, ".log");

    if (is_dir)
        return 0;
    if (base < 0) {
        text_add(&files->names, name, strlen(name) + 1);
        return 0;
    }
    if (files->count == files->room) {
        files->room = max_of(2 * files->room, (size_t)16);
        files->bases = mem_resize(files->bases, files->room, sizeof(*files->bases));
    }
    files->bases[files->count++] = base;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void cannot_read(const struct files *files, const char *name, int r)
{
    char file[FILE_NAME_MAX];

    name_file(files, name, file);
    check_found(files->check, CHECK_DAMAGE, file, -1, "cannot be read: %s", strerror(-r));
}

/* --- a segment -------------------------------------------------------------- */

/* The entries of an index that were not compared yet. */
struct index_walk {
    char file[FILE_NAME_MAX];
    struct text bytes; /* Owned. */
    size_t at, entry_size;
    bool is_told; /* One finding for each index is enough. */
};

struct segment_walk {
    const struct files *files;
    char file[FILE_NAME_MAX];
    int64_t base;
    int64_t next;   /* The lowest offset that may come. */
    int64_t behind; /* Where the next segment begins; INT64_MAX: there is none. */
    struct index_walk offsets, times;
    struct text decoded; /* Owned. */
};

static void index_is_wrong(const struct segment_walk *walk, struct index_walk *index,
                           const char *what)
{
    if (!index->is_told)
        check_found(walk->files->check, CHECK_MENDED, index->file, (int64_t)index->at,
                    "%s; readers look into the segment instead, and Apache Kafka complains. Delete "
                    "the file to have it made again",
                    what);
    index->is_told = true;
}

static void open_index(const struct segment_walk *walk, struct index_walk *index,
                       const char *suffix, size_t entry_size)
{
    const struct files *files = walk->files;
    char name[SEGMENT_NAME_SIZE];
    int r;

    *index = (struct index_walk){.entry_size = entry_size};
    segment_name(name, walk->base, suffix);
    name_file(files, name, index->file);
    r = file_load(files->check->io, files->fd, name, SMALL_FILE_MAX, &index->bytes);
    if (r == -ENOENT)
        check_found(files->check, CHECK_MENDED, index->file, -1,
                    "is not there; it is made again when it is needed");
    else if (r)
        cannot_read(files, name, r);
    else if (index->bytes.size % entry_size)
        index_is_wrong(walk, index, "its size is no number of entries");
    files->check->bytes += (int64_t)index->bytes.size;
}

static const uint8_t *next_entry(const struct index_walk *index)
{
    if (index->is_told || index->bytes.size - index->at < index->entry_size)
        return NULL;
    return (const uint8_t *)index->bytes.data + index->at;
}

static void compare_offsets(struct segment_walk *walk, const struct scan_batch *batch)
{
    const uint8_t *entry = next_entry(&walk->offsets);

    if (!entry || bytes_load_u32(entry + 4) > batch->position)
        return;
    if (bytes_load_u32(entry + 4) < batch->position)
        index_is_wrong(walk, &walk->offsets, "an entry leads to where no batch begins");
    else if (walk->base + bytes_load_i32(entry) != batch_last_offset(&batch->header))
        index_is_wrong(walk, &walk->offsets, "an entry leads to a batch with another offset");
    walk->offsets.at += BY_OFFSET_SIZE;
}

static void compare_times(struct segment_walk *walk, const struct scan_batch *batch)
{
    const uint8_t *entry = next_entry(&walk->times);
    int64_t offset;

    if (!entry)
        return;
    offset = walk->base + bytes_load_i32(entry + 8);
    if (offset > batch_last_offset(&batch->header))
        return;
    if (offset < batch->header.base_offset && walk->times.at > 0)
        index_is_wrong(walk, &walk->times, "an entry leads to an offset that is not there");
    else if (offset >= batch->header.base_offset &&
             bytes_load_i64(entry) != batch->header.max_timestamp)
        index_is_wrong(walk, &walk->times, "an entry has another time than its batch");
    walk->times.at += BY_TIME_SIZE;
}

/* NULL: all of them can be read. */
static const char *records_fault(struct segment_walk *walk, const struct scan_batch *batch)
{
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r = batch_reader_open(&reader, batch->bytes, &walk->decoded, NULL, DECODED_MAX);

    while (r == 0 && !at_end) {
        r = batch_reader_next(&reader, &record, &at_end);
        walk->files->check->records += r == 0 && !at_end;
    }
    switch (r) {
    case 0: return NULL;
    case BATCH_E_CODEC: return "are compressed with a codec that nobody knows";
    case BATCH_E_COMPRESSED: return "cannot be decompressed";
    case BATCH_E_NO_MEMORY: return "become too large when decompressed";
    default: return "are not what their lengths say";
    }
}

static void check_batch(struct segment_walk *walk, const struct scan_batch *batch)
{
    struct check *check = walk->files->check;
    const struct batch_header *header = &batch->header;
    int64_t last = batch_last_offset(header);
    const char *fault;

    check->batches++;
    if (header->base_offset < walk->next || last < header->base_offset || last >= walk->behind)
        check_found(check, CHECK_DAMAGE, walk->file, (int64_t)batch->position,
                    "the batch has the offsets %" PRId64 " to %" PRId64 " where %" PRId64
                    " or more must come",
                    header->base_offset, last, walk->next);
    walk->next = max_of(walk->next, last + 1);
    if (!batch_crc_is_good(batch->bytes)) {
        check_found(check, CHECK_DAMAGE, walk->file, (int64_t)batch->position,
                    "the batch with the offsets %" PRId64 " to %" PRId64
                    " has a wrong checksum: it is not served",
                    header->base_offset, last);
        return;
    }
    fault = records_fault(walk, batch);
    if (fault)
        check_found(check, CHECK_DAMAGE, walk->file, (int64_t)batch->position,
                    "the records of the batch with the offsets %" PRId64 " to %" PRId64 " %s",
                    header->base_offset, last, fault);
    compare_offsets(walk, batch);
    compare_times(walk, batch);
}

static int walk_batches(struct segment_walk *walk, struct file *file, uint64_t size)
{
    struct scan_batch batch;
    struct scan scan;
    bool at_end = false;
    int r;

    scan_init(&scan, file, 0, size);
    while ((r = scan_next(&scan, &batch, &at_end)) == 0 && !at_end)
        check_batch(walk, &batch);
    if (r > 0)
        check_found(walk->files->check, CHECK_DAMAGE, walk->file, (int64_t)scan.position,
                    "there is no whole batch of format 2: the %" PRIu64
                    " bytes from here on are not served",
                    size - scan.position);
    scan_fini(&scan);
    if (r == 0 && next_entry(&walk->offsets))
        index_is_wrong(walk, &walk->offsets, "an entry leads behind the end of the segment");
    return r > 0 ? 0 : err_pass(r);
}

static void check_segment(const struct files *files, size_t i)
{
    struct check *check = files->check;
    struct segment_walk walk = {.files = files, .base = files->bases[i], .next = files->bases[i]};
    scoped(file_unrefp) struct file *file = NULL;
    char name[SEGMENT_NAME_SIZE];
    uint64_t size = 0;
    int r;

    walk.behind = i + 1 < files->count ? files->bases[i + 1] : INT64_MAX;
    segment_name(name, walk.base, ".log");
    name_file(files, name, walk.file);
    r = file_open(check->io, files->fd, name, IO_READ, &file);
    if (r == 0)
        r = check->io->ops->file_size(check->io, file->fd, &size);
    if (r == 0) {
        check->segments++;
        check->bytes += (int64_t)size;
        open_index(&walk, &walk.offsets, ".index", BY_OFFSET_SIZE);
        open_index(&walk, &walk.times, ".timeindex", BY_TIME_SIZE);
        r = walk_batches(&walk, file, size);
    }
    if (r)
        cannot_read(files, name, r);
    text_fini(&walk.offsets.bytes);
    text_fini(&walk.times.bytes);
    text_fini(&walk.decoded);
}

/* --- other files ------------------------------------------------------------ */

static void check_snapshot(const struct files *files, const char *name, const struct text *bytes)
{
    struct producers producers;
    char file[FILE_NAME_MAX];

    producers_init(&producers);
    name_file(files, name, file);
    if (producers_parse(&producers, text_slice(bytes)))
        check_found(files->check, CHECK_MENDED, file, -1,
                    "is no snapshot of producers, or a damaged one: the batches are read instead");
    producers_fini(&producers);
}

static void check_aborted(const struct files *files, const char *name, const struct text *bytes)
{
    struct txn_entry entry = {.last_offset = -1};
    char file[FILE_NAME_MAX];
    size_t at = 0;
    int64_t last = -1;
    bool is_good = bytes->size % TXN_INDEX_ENTRY_SIZE == 0;

    for (; is_good && at < bytes->size; at += TXN_INDEX_ENTRY_SIZE) {
        is_good = txn_entry_parse((const uint8_t *)bytes->data + at, &entry) == 0 &&
                  entry.last_offset > last && entry.first_offset <= entry.last_offset;
        last = entry.last_offset;
    }
    name_file(files, name, file);
    if (!is_good)
        check_found(
            files->check, CHECK_DAMAGE, file, (int64_t)at,
            "is no index of aborted transactions: readers of what is committed cannot leave "
            "out what it names");
}

static void count_line(void *context, struct slice topic, int64_t number, int64_t offset)
{
    (void)context;
    (void)topic;
    (void)number;
    (void)offset;
}

static void check_epochs(const struct files *files, const char *name)
{
    char file[FILE_NAME_MAX];
    int r = checkpoint_read(files->check->io, files->fd, name, false, count_line, NULL);

    name_file(files, name, file);
    if (r)
        check_found(files->check, CHECK_MENDED, file, -1,
                    "cannot be read: the epochs are taken from the batches");
}

bool check_has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name);
    size_t tail = strlen(suffix);

    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

static void check_other(const struct files *files, const char *name)
{
    struct text bytes = {.data = NULL};
    int r = 0;

    if (strcmp(name, "leader-epoch-checkpoint") == 0)
        check_epochs(files, name);
    if (number_of(name, ".snapshot") >= 0 || number_of(name, ".txnindex") >= 0)
        r = file_load(files->check->io, files->fd, name, SMALL_FILE_MAX, &bytes);
    files->check->bytes += (int64_t)bytes.size;
    if (r)
        cannot_read(files, name, r);
    else if (number_of(name, ".snapshot") >= 0)
        check_snapshot(files, name, &bytes);
    else if (number_of(name, ".txnindex") >= 0)
        check_aborted(files, name, &bytes);
    text_fini(&bytes);
}

static int note_leftover(void *context, const char *name, bool is_dir)
{
    static const struct {
        const char *suffix;
        const char *what;
    } rows[] = {
        {".deleted", "was deleted: it is taken away when the log is opened"},
        {".cleaned", "is of a compaction that was cut short: it is taken away"},
        {".swap", "is of a compaction that was cut short: it takes the place of what it replaces"},
        {".tmp", "is a file that was not written to its end: it is written over in time"},
    };
    const struct files *files = context;
    char file[FILE_NAME_MAX];

    name_file(files, name, file);
    for (size_t i = 0; i < COUNT_OF(rows) && !is_dir; i++)
        if (check_has_suffix(name, rows[i].suffix))
            check_found(files->check, CHECK_NOTE, file, -1, "%s", rows[i].what);
    return 0;
}

void check_log_leftovers(struct check *check, const char *name)
{
    scoped(file_unrefp) struct file *root = log_dir_folder(check->dir);
    struct files files = {.check = check, .log = name, .fd = -1};

    if (check->io->ops->dir_open(check->io, root->fd, name, &files.fd) == 0 &&
        check->io->ops->dir_list(check->io, files.fd, note_leftover, &files) < 0)
        check_found(check, CHECK_DAMAGE, name, -1, "the folder cannot be read");
    io_close(check->io, &files.fd);
}

void check_log_files(struct check *check, const char *name)
{
    scoped(file_unrefp) struct file *root = log_dir_folder(check->dir);
    struct files files = {.check = check, .log = name, .fd = -1};
    int r = check->io->ops->dir_open(check->io, root->fd, name, &files.fd);

    if (r == 0)
        r = check->io->ops->dir_list(check->io, files.fd, note_file, &files);
    if (r)
        check_found(check, CHECK_DAMAGE, name, -1, "cannot be read: %s", strerror(-r));
    if (files.count > 0)
        qsort(files.bases, files.count, sizeof(*files.bases), by_number);
    for (size_t i = 0; i < files.count && r == 0; i++)
        check_segment(&files, i);
    for (size_t at = 0; at < files.names.size && r == 0; at += strlen(files.names.data + at) + 1)
        check_other(&files, files.names.data + at);
    io_close(check->io, &files.fd);
    mem_free(files.bases);
    text_fini(&files.names);
}
