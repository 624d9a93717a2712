/* SPDX-License-Identifier: Apache-2.0 */

/* wire/old_convert.c - from messages of formats 0 and 1 to batches, and back.
 *
 * A batch can say all that messages say, and what old clients could not say is plain in it:
 * no producer, no headers, in format 0 no time.  Offsets are the log's to give.  As Kafka
 * 3.9, asked with the same bytes, it refuses sets of two formats, wrappers beside other
 * messages or inside of wrappers, and times below -1; and besides, since Kafka drops them
 * without a word,
 *
 *   a part of a message at the end of the set, or of a wrapper's,
 *   bytes behind the value of a message,
 *   bytes behind the end of a compressed stream.
 *
 * Back, messages lose the headers, and in format 0 the time.  What was compressed is
 * compressed again, so that one batch is one wrapper.
 */

#include "wire/old_message.h"

enum { SET_MAX = 1 << 30 }; /* So that no batch of a set is too large for its length. */

/* --- to a batch ------------------------------------------------------------- */

/* What the messages of a producer's set have in common. */
struct set_start {
    uint8_t magic;
    enum compress_codec codec;
};

/* One pass over the messages, in which what is inside of wrappers is not looked at. */
static int check_set(struct slice set, struct set_start *out)
{
    struct old_message message;
    bool is_mixed = false;
    int count = 0;

    for (; set.size; count++) {
        int r = old_message_parse(set, &message);

        if (r)
            return r == BATCH_E_MAGIC ? BATCH_E_RECORD : r;
        if (count == 0)
            *out = (struct set_start){message.magic, message.attributes & BATCH_CODEC_MASK};
        is_mixed |= message.magic != out->magic;
        is_mixed |= count && (out->codec || message.attributes & BATCH_CODEC_MASK);
        set = slice_of(set.data + message.size, set.size - message.size);
    }
    return is_mixed ? BATCH_E_RECORD : 0;
}

static int add_records(struct slice set, struct inflater_cache *cache, struct text *scratch,
                       struct batch_builder *builder)
{
    struct old_reader reader;
    struct record record;
    bool is_end = false;
    int r;

    old_reader_init(&reader, set, scratch, cache);
    for (;;) {
        r = old_reader_next(&reader, &record, &is_end);
        if (r || is_end)
            break;
        if (record.timestamp < BATCH_NO_TIMESTAMP)
            return BATCH_E_TIMESTAMP;
        batch_builder_add(builder, record.timestamp, record.key, record.value, NULL, 0);
    }
    return r == 0 && reader.has_cut_wrapper ? BATCH_E_RECORD : r;
}

int old_to_batch(struct slice set, struct inflater_cache *cache, struct text *out)
{
    struct text scratch = {.data = NULL};
    struct batch_builder builder;
    struct set_start start;
    int r;

    if (!set.size)
        return 0;
    if (set.size > SET_MAX)
        return BATCH_E_NO_MEMORY;
    r = check_set(set, &start);
    if (r)
        return r;
    batch_builder_init(&builder);
    r = add_records(set, cache, &scratch, &builder);
    text_fini(&scratch);
    if (r == 0)
        r = batch_builder_finish(&builder, start.codec, 0, -1, out);
    batch_builder_fini(&builder);
    return r;
}

/* --- to messages ------------------------------------------------------------ */

/* Messages of one batch being put together. */
struct writer {
    struct text *out;
    struct text *inside; /* Of the wrapper, if there is to be one. */
    uint8_t magic;
    enum compress_codec codec;
    uint8_t attributes; /* Of each message. */
    int64_t from;
    int64_t first_offset; /* In the wrapper, as the two that follow. */
    int64_t last_offset;
    int64_t latest;
};

static void write_plain(struct writer *writer, const struct record *record)
{
    const struct old_message message = {
        .offset = record->offset,
        .timestamp = record->timestamp,
        .magic = writer->magic,
        .attributes = writer->attributes,
        .key = record->key,
        .value = record->value,
    };

    if (record->offset >= writer->from)
        old_message_add(writer->out, &message);
}

static void write_inside(struct writer *writer, const struct record *record)
{
    struct old_message message = {
        .offset = record->offset,
        .timestamp = record->timestamp,
        .magic = writer->magic,
        .attributes = writer->attributes,
        .key = record->key,
        .value = record->value,
    };

    if (!writer->inside->size) {
        writer->first_offset = record->offset;
        writer->latest = record->timestamp;
    }
    writer->last_offset = record->offset;
    writer->latest = max_of(writer->latest, record->timestamp);
    if (writer->magic == 1)
        message.offset = (int64_t)((uint64_t)record->offset - (uint64_t)writer->first_offset);
    old_message_add(writer->inside, &message);
}

static void write_wrapper(struct writer *writer, struct text *packed)
{
    struct old_message wrapper = {
        .offset = writer->last_offset,
        .timestamp = writer->latest,
        .magic = writer->magic,
        .attributes = writer->attributes | (uint8_t)writer->codec,
        .key = slice_null(),
    };
    int r;

    r = compress_encode(writer->codec, text_slice(writer->inside), NULL, packed);
    assert(r == 0); /* It is not too much. */
    if (writer->codec == COMPRESS_LZ4 && writer->magic == 0) {
        bool is_frame = compress_lz4_mark((uint8_t *)packed->data, packed->size, true);

        assert(is_frame);
    }
    wrapper.value = text_slice(packed);
    old_message_add(writer->out, &wrapper);
}

static int write_records(struct writer *writer, struct batch_reader *reader)
{
    struct record record;
    bool is_end = false;
    int r;

    for (;;) {
        r = batch_reader_next(reader, &record, &is_end);
        if (r || is_end)
            return r;
        if (writer->codec == COMPRESS_NONE)
            write_plain(writer, &record);
        else
            write_inside(writer, &record);
        if (writer->inside->size > OLD_DECODED_MAX)
            return BATCH_E_NO_MEMORY;
    }
}

/* Room that is used for one batch after the other. */
struct rooms {
    struct text scratch, inside, packed;
};

/* Adds the messages of the batch, or nothing and why. */
static int write_batch(struct slice batch, const struct batch_header *header,
                       const struct old_wish *wish, struct rooms *rooms, struct text *out)
{
    struct writer writer = {
        .out = out,
        .inside = &rooms->inside,
        .magic = wish->magic,
        .codec = (enum compress_codec)batch_codec(header),
        .from = wish->from,
    };
    struct batch_reader reader;
    size_t start = out->size;
    int r;

    if (writer.codec == COMPRESS_ZSTD)
        return BATCH_E_CODEC;
    if (writer.magic == 1)
        writer.attributes = header->attributes & BATCH_IS_APPEND_TIME;
    text_cut(&rooms->inside, 0);
    text_cut(&rooms->packed, 0);
    r = batch_reader_open(&reader, batch, &rooms->scratch, wish->cache, OLD_DECODED_MAX);
    if (r == 0)
        r = write_records(&writer, &reader);
    if (r == 0 && rooms->inside.size)
        write_wrapper(&writer, &rooms->packed);
    if (r)
        text_cut(out, start);
    return r;
}

int old_from_batches(struct slice set, const struct old_wish *wish, struct text *out)
{
    struct rooms rooms = {.scratch = {.data = NULL}};
    size_t start = out->size;
    struct batch_header header;
    int r = 0;

    assert(wish->magic <= OLD_MAGIC_MAX);
    while (out->size == start || out->size - start < wish->size_max) {
        r = batch_parse(set, &header);
        if (r == BATCH_E_SHORT || (r == 0 && header.size > set.size)) {
            r = 0; /* The end of what there is. */
            break;
        }
        if (r == 0 && !batch_is_control(&header))
            r = write_batch(slice_of(set.data, header.size), &header, wish, &rooms, out);
        if (r)
            break;
        set = slice_of(set.data + header.size, set.size - header.size);
    }
    text_fini(&rooms.scratch);
    text_fini(&rooms.inside);
    text_fini(&rooms.packed);
    return out->size > start ? 0 : r;
}
