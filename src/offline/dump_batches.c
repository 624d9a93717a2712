/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_batches.c - the batches of a log or of a snapshot of the metadata log, and the
 * records in them. */

#include "base/err.h"
#include "base/mem.h"
#include "meta/metadata_control.h"
#include "offline/dump.h"
#include "wire/api.h"
#include "wire/bytes.h"
#include "wire/msg/kraft_version_record.h"
#include "wire/msg/leader_change_message.h"
#include "wire/msg/snapshot_footer_record.h"
#include "wire/msg/snapshot_header_record.h"
#include "wire/msg/voters_record.h"
#include "wire/old_message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DECODED_MAX = INT32_MAX, NO_SEQUENCE = -1 };

/* Types of control records; those of the metadata log are in meta/metadata_control.h. */
enum { ABORT = 0, COMMIT = 1 };

/* What is known while a file is gone through. */
struct walk {
    struct dump *dump;
    struct dump_view view;
    const char *path;
    int64_t last; /* Offset of the record before. */
    const struct dump_batch *batch;
    struct text decoded; /* Owned: records of the batch. */
};

/* --- what is the same in all formats ----------------------------------------- */

const char *dump_time_type(int8_t magic, uint16_t attributes)
{
    if (magic == 0)
        return "NoTimestampType";
    return attributes & BATCH_IS_APPEND_TIME ? "LogAppendTime" : "CreateTime";
}

int dump_codec(struct dump *dump, unsigned codec, const char **out)
{
    if (codec >= COMPRESS_CODEC_COUNT)
        return dump_fail(dump, "Unknown compression type id: %u", codec);
    *out = compress_name((enum compress_codec)codec);
    return 0;
}

int dump_content(struct dump *dump, const struct record *record, const char *prefix)
{
    struct console_out *out = &dump->tool->out;
    struct text key = {.data = NULL};
    struct text value = {.data = NULL};
    bool has_key = record->key.data != NULL;
    bool has_value = record->value.data != NULL;
    int r = 0;

    if (dump->decoder == DUMP_TEXTS) {
        if (has_key)
            r = dump_text_add(dump, dump->key_class, record->key, &key);
        if (r == 0 && has_value)
            r = dump_text_add(dump, dump->value_class, record->value, &value);
    } else {
        r = dump_record(dump, record, &key, &value, &has_key, &has_value);
    }
    if (r == 0 && has_key) {
        console_printf(out, "%skey: ", prefix);
        console_write(out, key.data ? key.data : "", key.size);
        prefix = " ";
    }
    if (r == 0 && has_value) {
        console_printf(out, "%spayload: ", prefix);
        console_write(out, value.data ? value.data : "", value.size);
    }
    text_fini(&key);
    text_fini(&value);
    return r;
}

/* Offsets that do not follow each other are told of at the end. */
static void note_offset(struct walk *walk, int64_t offset)
{
    if (offset != walk->last + 1)
        dump_complain(walk->dump, DUMP_GAP, walk->path, walk->last, offset);
    walk->last = offset;
}

/* --- control records --------------------------------------------------------- */

static void print_message(struct dump *dump, const char *name, const struct wire_message *message,
                          struct slice value)
{
    struct text json = {.data = NULL};
    int16_t version = value.size >= 2 ? bytes_load_i16(value.data) : 0;

    if (!dump_json(message, version, value, &json))
        text_printf(&json, "(cannot be read)");
    console_printf(&dump->tool->out, " %s %s", name, json.data);
    text_fini(&json);
}

static int print_control(struct dump *dump, const struct record *record)
{
    struct console_out *out = &dump->tool->out;
    int16_t type;

    if (record->key.size < 4)
        return dump_fail(dump,
                         "Invalid value size found for control record key. Must have at "
                         "least 4 bytes, but found only %zu",
                         record->key.size);
    type = bytes_load_i16(record->key.data + 2);
    switch (type) {
    case ABORT:
    case COMMIT:
        if (record->value.size < 6)
            return dump_fail(dump,
                             "Invalid value size found for end transaction marker. Must have "
                             "at least 6 bytes, but found only %zu",
                             record->value.size);
        console_printf(out, " endTxnMarker: %s coordinatorEpoch: %" PRId32,
                       type == ABORT ? "ABORT" : "COMMIT", bytes_load_i32(record->value.data + 2));
        break;
    case METADATA_CONTROL_LEADER_CHANGE:
        print_message(dump, "LeaderChange:", &leader_change_message_message, record->value);
        break;
    case METADATA_CONTROL_SNAPSHOT_HEADER:
        print_message(dump, "SnapshotHeader", &snapshot_header_record_message, record->value);
        break;
    case METADATA_CONTROL_SNAPSHOT_FOOTER:
        print_message(dump, "SnapshotFooter", &snapshot_footer_record_message, record->value);
        break;
    case METADATA_CONTROL_KRAFT_VERSION:
        print_message(dump, "KRaftVersion", &kraft_version_record_message, record->value);
        break;
    case METADATA_CONTROL_VOTERS:
        print_message(dump, "KRaftVoters", &voters_record_message, record->value);
        break;
    default: console_printf(out, " controlType: UNKNOWN(%d)", type);
    }
    return 0;
}

/* --- records of format 2 ----------------------------------------------------- */

/* Sequences begin again at 0 behind the largest.  Of damaged batches it is what Java makes of it,
 * whose numbers wrap around. */
static int32_t sequence_at(int32_t base, int32_t delta)
{
    int32_t room = (int32_t)((uint32_t)INT32_MAX - (uint32_t)delta);
    uint32_t sum = (uint32_t)base + (uint32_t)delta;

    return (int32_t)(base > room ? sum - (uint32_t)INT32_MAX - 1 : sum);
}

static int32_t size_of(struct slice s)
{
    return s.data ? (int32_t)s.size : -1;
}

static int print_headers(struct dump *dump, const struct record *record)
{
    struct slice rest = record->headers;
    struct record_header header;
    struct text keys = {.data = NULL};

    for (int32_t i = 0; i < record->header_count; i++) {
        if (record_next_header(&rest, &header)) {
            text_fini(&keys);
            return dump_fail(dump, "Found invalid headers in a record");
        }
        if (i > 0)
            text_add(&keys, ",", 1);
        dump_text_add_java(header.key, &keys);
    }
    console_printf(&dump->tool->out, " headerKeys: [");
    console_write(&dump->tool->out, keys.data ? keys.data : "", keys.size);
    console_printf(&dump->tool->out, "]");
    text_fini(&keys);
    return 0;
}

static int print_record(struct walk *walk, const struct record *record)
{
    struct dump *dump = walk->dump;
    const struct batch_header *header = &walk->batch->header;
    bool is_control = batch_is_control(header);
    int32_t delta = (int32_t)(record->offset - header->base_offset);
    int r = 0;

    note_offset(walk, record->offset);
    if (!dump->skips_metadata) {
        console_printf(&dump->tool->out,
                       "| offset: %" PRId64 " %s: %" PRId64 " keySize: %" PRId32
                       " valueSize: %" PRId32 " sequence: %" PRId32,
                       record->offset, dump_time_type(walk->batch->magic, header->attributes),
                       record->timestamp, size_of(record->key), size_of(record->value),
                       header->base_sequence < 0 ? NO_SEQUENCE
                                                 : sequence_at(header->base_sequence, delta));
        r = print_headers(dump, record);
        if (r == 0 && is_control)
            r = print_control(dump, record);
    }
    if (r == 0 && dump->prints_content && !is_control)
        r = dump_content(dump, record, dump->skips_metadata ? "| " : " ");
    if (r == 0)
        console_write(&dump->tool->out, "\n", 1);
    return r;
}

static int records_failed(struct dump *dump, int outcome)
{
    switch (outcome) {
    case BATCH_E_CODEC:
    case BATCH_E_COMPRESSED: return dump_fail(dump, "Failed to decompress record stream");
    case BATCH_E_NO_MEMORY: return dump_fail(dump, "Records become too large when decompressed");
    default: return dump_fail(dump, "Found invalid record structure");
    }
}

/* What reading all that is left comes to. */
static int read_to_end(struct batch_reader reader)
{
    struct record record;
    bool at_end = false;
    int r = 0;

    while (r == 0 && !at_end)
        r = batch_reader_next(&reader, &record, &at_end);
    return r;
}

/* Kafka takes what claims to be of a later format for format 2. */
static void *as_format_2(struct slice *bytes)
{
    uint8_t *copy = NULL;

    if (bytes->size > OLD_MAGIC_AT && bytes->data[OLD_MAGIC_AT] > BATCH_MAGIC) {
        copy = (uint8_t *)mem_copy_text(bytes->data, bytes->size);
        copy[OLD_MAGIC_AT] = BATCH_MAGIC;
        bytes->data = copy;
    }
    return copy;
}

static int print_each(struct walk *walk, struct slice bytes)
{
    struct batch_reader reader;
    struct record record;
    bool at_end = walk->batch->header.record_count == 0; /* Kafka looks no further then. */
    int r = at_end ? 0 : batch_reader_open(&reader, bytes, &walk->decoded, NULL, DECODED_MAX);

    /* Of compressed records Kafka shows none if one of them is damaged; others it shows up to
     * the damage. */
    if (r == 0 && !at_end && batch_codec(&reader.header) != COMPRESS_NONE)
        r = read_to_end(reader);
    while (r == 0 && !at_end) {
        r = batch_reader_next(&reader, &record, &at_end);
        if (r)
            break;
        if (!at_end) {
            r = print_record(walk, &record);
            if (r)
                return r;
        }
    }
    return r ? records_failed(walk->dump, r) : 0;
}

static int print_records(struct walk *walk, struct slice bytes)
{
    void *copy = as_format_2(&bytes);
    int r = print_each(walk, bytes);

    mem_free(copy);
    return r;
}

/* --- batches ----------------------------------------------------------------- */

static int print_batch(struct walk *walk, struct slice bytes)
{
    const struct batch_header *h = &walk->batch->header;
    struct console_out *out = &walk->dump->tool->out;
    bool is_valid = bytes.size >= BATCH_HEADER_SIZE && batch_crc_is_good(bytes);
    const char *codec = NULL;

    console_printf(out,
                   "baseOffset: %" PRId64 " lastOffset: %" PRId64 " count: %" PRId32
                   " baseSequence: %" PRId32 " lastSequence: %" PRId32 " producerId: %" PRId64
                   " producerEpoch: %d partitionLeaderEpoch: %" PRId32
                   " isTransactional: %s isControl: %s deleteHorizonMs: ",
                   h->base_offset, batch_last_offset(h), h->record_count, h->base_sequence,
                   h->base_sequence == NO_SEQUENCE
                       ? NO_SEQUENCE
                       : sequence_at(h->base_sequence, h->last_offset_delta),
                   h->producer_id, h->producer_epoch, h->leader_epoch,
                   h->attributes & BATCH_IS_TRANSACTIONAL ? "true" : "false",
                   batch_is_control(h) ? "true" : "false");
    if (h->attributes & BATCH_HAS_DELETE_HORIZON)
        console_printf(out, "OptionalLong[%" PRId64 "]", h->base_timestamp);
    else
        console_printf(out, "OptionalLong.empty");
    if (dump_codec(walk->dump, batch_codec(h), &codec))
        return DUMP_E_FAILED;
    console_printf(out,
                   " position: %" PRIu64 " %s: %" PRId64 " size: %zu magic: %d compresscodec: %s "
                   "crc: %" PRIu32 " isvalid: %s\n",
                   walk->batch->position, dump_time_type(walk->batch->magic, h->attributes),
                   h->max_timestamp, h->size, walk->batch->magic, codec, h->crc,
                   is_valid ? "true" : "false");
    return 0;
}

static int print_old_record(void *context, const struct dump_old_record *old)
{
    struct walk *walk = context;
    struct dump *dump = walk->dump;
    const struct record *record = &old->record;
    int r = 0;

    note_offset(walk, old->offset);
    if (!dump->skips_metadata)
        console_printf(&dump->tool->out,
                       "| offset: %" PRId64 " %s: %" PRId64 " keySize: %" PRId32
                       " valueSize: %" PRId32 " isValid: %s crc: %" PRIu32,
                       old->offset,
                       dump_time_type(walk->batch->magic, walk->batch->header.attributes),
                       old->timestamp, size_of(record->key), size_of(record->value),
                       old->is_valid ? "true" : "false", old->crc);
    if (dump->prints_content)
        r = dump_content(dump, record, dump->skips_metadata ? "| " : " ");
    if (r == 0)
        console_write(&dump->tool->out, "\n", 1);
    return r;
}

static int print_old(struct walk *walk, struct slice bytes)
{
    int r = dump_old_line(walk->dump, walk->batch, bytes);

    if (r == 0 && walk->dump->is_deep)
        r = dump_old_records(walk->dump, bytes, print_old_record, walk);
    return r;
}

static int print_all(struct walk *walk)
{
    uint64_t position = 0;

    for (;;) {
        struct dump_batch batch;
        struct slice bytes = slice_null();
        bool at_end;
        int r = dump_view_batch(walk->dump, &walk->view, position, &batch, &at_end);

        if (r == 0 && at_end)
            break;
        if (r == 0)
            r = dump_view_read(walk->dump, &walk->view, position, batch.header.size, &bytes);
        walk->batch = &batch;
        if (r == 0 && batch.magic < BATCH_MAGIC)
            r = print_old(walk, bytes);
        else if (r == 0)
            r = print_batch(walk, bytes);
        if (r == 0 && batch.magic >= BATCH_MAGIC && walk->dump->is_deep)
            r = print_records(walk, bytes);
        if (r)
            return r;
        position += batch.header.size;
    }
    if (position < walk->view.end && walk->dump->bytes_max == INT32_MAX)
        console_printf(&walk->dump->tool->out, "Found %" PRIu64 " invalid bytes at the end of %s\n",
                       walk->view.end - position, dump_name(walk->path));
    return 0;
}

/* --- files ------------------------------------------------------------------- */

/* The name of a snapshot is OFFSET-EPOCH.checkpoint, with 20 and 10 digits. */
static int print_snapshot_name(struct dump *dump, const char *path)
{
    enum { OFFSET_DIGITS = 20, EPOCH_DIGITS = 10 };
    const char *name = dump_name(path);
    size_t digits = strspn(name, "0123456789");

    if (strcmp(name, "bootstrap.checkpoint") == 0) {
        console_printf(&dump->tool->out, "KRaft bootstrap snapshot\n");
        return 0;
    }
    if (digits != OFFSET_DIGITS || name[digits] != '-' ||
        strspn(name + digits + 1, "0123456789") != EPOCH_DIGITS)
        return dump_fail(dump, "%s is not the name of a snapshot", name);
    console_printf(&dump->tool->out, "Snapshot end offset: %lld, epoch: %ld\n",
                   strtoll(name, NULL, 10), strtol(name + digits + 1, NULL, 10));
    return 0;
}

static int print_heading(struct dump *dump, const char *path)
{
    const char *suffix = strrchr(path, '.');
    int64_t base;
    int r;

    if (strcmp(suffix, ".checkpoint") == 0)
        return print_snapshot_name(dump, path);
    r = dump_base(dump, path, &base);
    if (r == 0)
        console_printf(&dump->tool->out, "Log starting offset: %" PRId64 "\n", base);
    return r;
}

int dump_batches(struct dump *dump, const char *path)
{
    struct walk walk = {.dump = dump, .path = path, .last = -1};
    int r = print_heading(dump, path);

    if (r == 0)
        r = dump_view_open(dump, &walk.view, path);
    if (r == 0 && dump->bytes_max < 0)
        r = dump_fail(dump,
                      "Invalid size: %" PRId32 " in read from FileRecords(size=%" PRIu64
                      ", file=%s, start=0, end=2147483647)",
                      dump->bytes_max, walk.view.end, path);
    if (r == 0) {
        walk.view.end = min_of(walk.view.end, (uint64_t)dump->bytes_max);
        r = print_all(&walk);
    }
    dump_view_close(&walk.view);
    text_fini(&walk.decoded);
    return r;
}
