/* SPDX-License-Identifier: Apache-2.0 */

/* wire/batch_check.c - what a producer's batch is held to.
 *
 * A log is for ever: a record that one client's library writes and another's cannot read
 * blocks consumers for good.  So a batch is refused if readers could differ about it, also
 * where Kafka 4.3, asked with the same bytes, took it:
 *
 *   offset deltas other than 0, 1, 2 ...: Kafka stores those of plain batches, and answers
 *       UNKNOWN_SERVER_ERROR for compressed ones;
 *   records inside compressed batches whose length is not that of their fields;
 *   keys, values and header values of a negative length other than -1, and numbers with
 *       more bits than their type has;
 *   bytes behind the end of a gzip or lz4 stream, a second lz4 frame, a wrong size or checksum
 *       of an lz4 frame's content: Kafka does not look;
 *   the attribute "append time": Kafka refuses it on topics that have append time; on others
 *       it takes the batch, compares one time of it with the bounds, and clears the bit;
 *   compressed records that become more than BATCH_DECODED_MIN and 256 times their size;
 *   a zstd frame with a window above the bound of wire/compress.h and as much in it;
 *   a transactional batch without a producer id, a producer id below -1 and a producer id
 *       with a negative epoch.
 *
 * As Kafka, it takes any bit of the attributes that means nothing, the delete horizon's bit,
 * any attributes of a record, a leader epoch, an epoch or sequence without a producer id,
 * numbers written longer than needed, and times before 1970.
 */

#include "base/mem.h"
#include "wire/batch.h"
#include "wire/varint.h"

/* Room for an lz4 block in front of which a number is cut in two. */
enum { WINDOW_SIZE = (64 << 10) + 16 };

/* --- bytes, decompressed or as they are ------------------------------------- */

struct source {
    const uint8_t *next, *end; /* Bytes that are there. */
    struct inflater *inflater; /* Owned: where more come from; NULL if there are no more. */
    uint8_t *window;           /* Owned: holds what was decompressed. */
    size_t room;               /* How many bytes may still come. */
    int failure;               /* enum compress_outcome, or 0. */
};

static void source_fini(struct source *source)
{
    inflater_destroy(source->inflater);
    mem_free(source->window);
}

static int source_init(struct source *source, struct slice records, enum compress_codec codec,
                       struct inflater_cache *cache)
{
    *source = (struct source){.next = records.data, .end = records.data + records.size};
    if (codec == COMPRESS_NONE)
        return 0;
    if (!compress_is_common(codec, records))
        return COMPRESS_E_MALFORMED;
    source->room = max_of((size_t)BATCH_DECODED_MIN, records.size * BATCH_DECODED_RATIO);
    source->window = mem_resize(NULL, WINDOW_SIZE, 1);
    source->next = source->end = source->window;
    return inflater_create(codec, records, cache, &source->inflater);
}

static size_t source_size(const struct source *source)
{
    return (size_t)(source->end - source->next);
}

/* Decompresses until `n` bytes are there, or there are no more. */
static void refill(struct source *source, size_t n)
{
    size_t have = source_size(source);
    size_t got = 1;

    memmove(source->window, source->next, have);
    while (have < n && got && !source->failure) {
        got = 0;
        source->failure =
            inflater_read(source->inflater, source->window + have, WINDOW_SIZE - have, &got);
        if (got > source->room)
            source->failure = COMPRESS_E_TOO_LARGE;
        source->room -= min_of(got, source->room);
        have += got;
    }
    source->next = source->window;
    source->end = source->window + have;
}

/* As many of the next `n` bytes as there are; `n` is small. */
static inline struct slice source_look(struct source *source, size_t n)
{
    if (source_size(source) < n && source->inflater)
        refill(source, n);
    return slice_of(source->next, min_of(n, source_size(source)));
}

static bool skip_further(struct source *source, size_t n)
{
    while (n > source_size(source)) {
        n -= source_size(source);
        source->next = source->end;
        if (!source_look(source, 1).size)
            return false;
    }
    source->next += n;
    return true;
}

static inline bool source_skip(struct source *source, size_t n)
{
    if (n > source_size(source))
        return skip_further(source, n);
    source->next += n;
    return true;
}

/* --- fields of a record ----------------------------------------------------- */

/* A record whose next field is read. */
struct cursor {
    struct source *source;
    size_t left; /* Bytes of the record that are not read yet. */
};

static inline void advance(struct cursor *cursor, size_t n)
{
    cursor->source->next += n;
    cursor->left -= n;
}

/* Most numbers take one or two bytes: those are read without further ado. */
static inline bool take_short(struct cursor *cursor, int32_t *out)
{
    const uint8_t *p = cursor->source->next;
    size_t there = min_of(cursor->left, source_size(cursor->source));

    if (there >= 1 && p[0] <= 0x7f) {
        *out = (int32_t)varint_unfold(p[0]);
        advance(cursor, 1);
        return true;
    }
    if (there >= 2 && p[1] <= 0x7f) {
        *out = (int32_t)varint_unfold((uint64_t)(p[0] & 0x7f) | (uint64_t)p[1] << 7);
        advance(cursor, 2);
        return true;
    }
    return false;
}

static bool take_long_i64(struct cursor *cursor, int64_t *out)
{
    struct slice bytes = source_look(cursor->source, VARINT_SIZE_MAX);
    size_t used;

    if (varint_decode_i64(bytes.data, min_of(bytes.size, cursor->left), out, &used))
        return false;
    advance(cursor, used);
    return true;
}

static bool take_long_i32(struct cursor *cursor, int32_t *out)
{
    struct slice bytes = source_look(cursor->source, VARINT_SIZE_MAX_32);
    size_t used;

    if (varint_decode_i32(bytes.data, min_of(bytes.size, cursor->left), out, &used))
        return false;
    advance(cursor, used);
    return true;
}

static inline bool take_i64(struct cursor *cursor, int64_t *out)
{
    int32_t value;

    if (!take_short(cursor, &value))
        return take_long_i64(cursor, out);
    *out = value;
    return true;
}

static inline bool take_i32(struct cursor *cursor, int32_t *out)
{
    return take_short(cursor, out) || take_long_i32(cursor, out);
}

static inline bool skip(struct cursor *cursor, size_t n)
{
    if (n > cursor->left)
        return false;
    cursor->left -= n;
    return source_skip(cursor->source, n);
}

/* Passes over bytes with their length in front, which may be -1 for null. */
static inline bool skip_bytes(struct cursor *cursor, int32_t *out_size)
{
    if (!take_i32(cursor, out_size) || *out_size < -1)
        return false;
    return *out_size <= 0 || skip(cursor, (size_t)*out_size);
}

static bool skip_headers(struct cursor *cursor)
{
    int32_t size;
    int32_t count;

    if (!take_i32(cursor, &count) || count < 0)
        return false;
    for (; count; count--) { /* Ends where the record does: each takes two bytes. */
        if (!skip_bytes(cursor, &size) || size < 0) /* The name. */
            return false;
        if (!skip_bytes(cursor, &size))
            return false;
    }
    return true;
}

/* --- records ---------------------------------------------------------------- */

struct check {
    const struct batch_header *header;
    const struct batch_rules *rules;
    struct source source;
    int64_t latest;              /* Time of a record, so far. */
    struct batch_faults *faults; /* NULL: the first record at fault is enough. */
};

static bool time_is_allowed(const struct batch_rules *rules, int64_t time_ms)
{
    /* Kafka's own arithmetic, which wraps around. */
    int64_t age = (int64_t)((uint64_t)rules->now_ms - (uint64_t)time_ms);
    int64_t ahead = (int64_t)(0 - (uint64_t)age);

    return rules->is_append_time || time_ms == BATCH_NO_TIMESTAMP ||
           (age <= rules->timestamp_before_max_ms && ahead <= rules->timestamp_after_max_ms);
}

/* What is wrong with a record that was read, or 0. */
static int find_fault(const struct check *check, const struct batch_fault *record)
{
    if (record->key_size < 0 && check->rules->needs_keys)
        return BATCH_FAULT_NO_KEY;
    if (!time_is_allowed(check->rules, record->time_ms))
        return BATCH_FAULT_TIME;
    if (check->header->attributes & BATCH_IS_APPEND_TIME)
        return BATCH_FAULT_APPEND_TIME;
    return 0;
}

/* Offsets are not looked at where records at fault are: they are what Kafka tells of first. */
static int judge(struct check *check, struct batch_fault *record)
{
    if (!check->faults && record->offset_delta != record->index)
        return BATCH_E_RECORD;
    record->kind = find_fault(check, record);
    if (!record->kind)
        return 0;
    if (!check->faults)
        return record->kind == BATCH_FAULT_NO_KEY ? BATCH_E_RECORD : BATCH_E_TIMESTAMP;
    check->faults->tell(check->faults, record);
    return 0;
}

static int check_fields(struct check *check, struct cursor *cursor, int32_t index)
{
    struct batch_fault record;
    int64_t time_delta;
    int r;

    if (!skip(cursor, 1) || !take_i64(cursor, &time_delta) ||
        !take_i32(cursor, &record.offset_delta) || !skip_bytes(cursor, &record.key_size) ||
        !skip_bytes(cursor, &record.value_size) || !skip_headers(cursor) || cursor->left)
        return BATCH_E_RECORD;
    record.index = index;
    record.time_ms = (int64_t)((uint64_t)check->header->base_timestamp + (uint64_t)time_delta);
    r = judge(check, &record);
    check->latest = max_of(check->latest, record.time_ms);
    return r;
}

static int check_record(struct check *check, int32_t index)
{
    struct cursor cursor = {.source = &check->source, .left = VARINT_SIZE_MAX_32};
    int32_t max = check->source.inflater ? check->rules->record_max : 0;
    int32_t size;

    if (!take_i32(&cursor, &size) || size < 0 || (max && size > max))
        return BATCH_E_RECORD;
    cursor.left = (size_t)size;
    return check_fields(check, &cursor, index);
}

/* All of the records, and nothing behind them. */
static int check_records(struct check *check)
{
    int r = 0;

    for (int32_t i = 0; !r && i < check->header->record_count; i++)
        r = check_record(check, i);
    if (!r && source_look(&check->source, 1).size)
        r = BATCH_E_RECORD;
    if (check->source.failure) /* Why there were too few bytes, or why the end is none. */
        r = check->source.failure == COMPRESS_E_TOO_LARGE ? BATCH_E_NO_MEMORY : BATCH_E_COMPRESSED;
    return r;
}

/* --- the batch -------------------------------------------------------------- */

static int check_producer(const struct batch_header *header)
{
    bool is_transactional = header->attributes & BATCH_IS_TRANSACTIONAL;

    if (header->producer_id == -1)
        return is_transactional ? BATCH_E_RECORD : 0;
    if (header->producer_id < 0 || header->producer_epoch < 0 || header->base_sequence < 0)
        return BATCH_E_RECORD;
    return 0;
}

static int check_header(struct slice bytes, const struct batch_header *header)
{
    if (bytes.size < header->size)
        return BATCH_E_SHORT;
    if (bytes.size > header->size)
        return BATCH_E_MALFORMED;
    if (!batch_crc_is_good(bytes))
        return BATCH_E_CRC;
    if (header->base_offset != 0 || batch_is_control(header))
        return BATCH_E_RECORD;
    if (header->record_count <= 0 || header->last_offset_delta != header->record_count - 1)
        return BATCH_E_RECORD;
    if (batch_codec(header) >= COMPRESS_CODEC_COUNT)
        return BATCH_E_CODEC;
    return check_producer(header);
}

static int check_all(struct check *check, struct slice bytes)
{
    struct slice records = slice_of(bytes.data + BATCH_HEADER_SIZE, bytes.size - BATCH_HEADER_SIZE);
    enum compress_codec codec = (enum compress_codec)batch_codec(check->header);
    int r = source_init(&check->source, records, codec, check->rules->cache);

    r = r ? BATCH_E_COMPRESSED : check_records(check);
    source_fini(&check->source);
    return r;
}

int batch_check(struct slice bytes, struct batch_header *header, const struct batch_rules *rules)
{
    struct check check = {.header = header, .rules = rules, .latest = BATCH_NO_TIMESTAMP};
    int r = check_header(bytes, header);

    if (!r && header->attributes & BATCH_IS_APPEND_TIME)
        r = BATCH_E_TIMESTAMP;
    if (!r)
        r = check_all(&check, bytes);
    if (!r)
        header->max_timestamp = check.latest;
    return r;
}

int batch_find_faults(struct slice bytes, const struct batch_rules *rules,
                      struct batch_faults *faults)
{
    struct batch_header header;
    struct check check = {.header = &header, .rules = rules, .faults = faults};
    int r = batch_parse(bytes, &header);

    if (!r)
        r = check_header(bytes, &header);
    return r ? r : check_all(&check, bytes);
}
