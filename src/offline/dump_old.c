/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_old.c - messages of formats 0 and 1, as logs of before Kafka 0.11 have them. */

#include "base/mem.h"
#include "offline/dump.h"
#include "wire/bytes.h"
#include "wire/old_message.h"

#include <inttypes.h>

enum { AT_CRC = BATCH_PREFIX_SIZE, AT_ATTRIBUTES = OLD_MAGIC_AT + 1, AT_TIME };

static uint8_t attributes_of(struct slice message)
{
    return message.data[AT_ATTRIBUTES];
}

int dump_old_line(struct dump *dump, const struct dump_batch *batch, struct slice bytes)
{
    struct console_out *out = &dump->tool->out;
    struct old_message message;
    int64_t time = BATCH_NO_TIMESTAMP;
    const char *codec = NULL;

    if (batch->magic == 1 && bytes.size >= AT_TIME + sizeof(time))
        time = bytes_load_i64(bytes.data + AT_TIME);
    console_printf(out, "offset: %" PRId64, batch->header.base_offset);
    if (batch->magic < 0)
        return dump_fail(dump, "Invalid magic used in LegacyRecord: %d", batch->magic);
    if (dump_codec(dump, attributes_of(bytes) & BATCH_CODEC_MASK, &codec))
        return DUMP_E_FAILED;
    console_printf(out,
                   " position: %" PRIu64 " %s: %" PRId64 " size: %zu magic: %d compresscodec: %s "
                   "crc: %" PRIu32 " isvalid: %s\n",
                   batch->position, dump_time_type(batch->magic, attributes_of(bytes)), time,
                   bytes.size, batch->magic, codec, bytes_load_u32(bytes.data + AT_CRC),
                   old_message_parse(bytes, &message) == BATCH_E_CRC ? "false" : "true");
    return 0;
}

/* What is in front of the reader: the next message of the wrapper that is open, or else the
 * message itself. */
static uint32_t crc_ahead(const struct old_reader *reader, struct slice bytes)
{
    struct slice next = reader->inside.size > AT_CRC + 4 ? reader->inside : bytes;

    return bytes_load_u32(next.data + AT_CRC);
}

/* Calls `fn`, if there is one, for each message of `bytes`. */
static int read_records(struct dump *dump, struct slice bytes, dump_old_fn *fn, void *context)
{
    struct text scratch = {.data = NULL};
    struct old_reader reader;
    bool at_end = false;
    int r = 0;

    old_reader_init(&reader, bytes, &scratch, NULL);
    while (r == 0 && !at_end) {
        struct dump_old_record old = {.is_valid = true, .crc = crc_ahead(&reader, bytes)};
        bool is_first = reader.inside.size == 0;

        if (old_reader_next(&reader, &old.record, &at_end)) {
            r = dump_fail(dump, "Found an invalid message of format %d", bytes.data[OLD_MAGIC_AT]);
        } else if (!at_end && fn) {
            if (is_first && attributes_of(bytes) & BATCH_CODEC_MASK) /* A wrapper was opened. */
                old.crc = bytes_load_u32((uint8_t *)scratch.data + AT_CRC);
            old.offset = old.record.offset;
            old.timestamp = old.record.timestamp;
            r = fn(context, &old);
        }
    }
    text_fini(&scratch);
    return r;
}

int dump_old_records(struct dump *dump, struct slice bytes, dump_old_fn *fn, void *context)
{
    int r = 0;

    /* Kafka reads the whole wrapper before it shows the first message. */
    if (attributes_of(bytes) & BATCH_CODEC_MASK)
        r = read_records(dump, bytes, NULL, NULL);
    return r ? r : read_records(dump, bytes, fn, context);
}
