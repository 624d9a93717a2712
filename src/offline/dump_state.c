/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_state.c - snapshots of producers, and indexes of aborted transactions. */

#include "base/arena.h"
#include "base/mem.h"
#include "offline/dump.h"
#include "wire/api.h"
#include "wire/bytes.h"
#include "wire/codec.h"
#include "wire/crc32c.h"
#include "wire/msg/producer_snapshot.h"

#include <inttypes.h>

enum {
    SNAPSHOT_VERSION = 1,
    SNAPSHOT_HEADER_SIZE = 6, /* Version and checksum. */
    TXN_VERSION = 0,
    TXN_ENTRY_SIZE = 34,
};

static void print_producer(struct dump *dump,
                           const struct producer_snapshot_producer_entry *producer)
{
    struct console_out *out = &dump->tool->out;
    int32_t last = producer->last_sequence;
    int32_t delta = producer->offset_delta;
    /* Sequences begin again at 0 behind the largest. */
    int32_t first =
        last >= delta ? last - delta : (int32_t)((int64_t)INT32_MAX - (delta - (int64_t)last) + 1);

    console_printf(out,
                   "producerId: %" PRId64 " producerEpoch: %d coordinatorEpoch: %" PRId32
                   " currentTxnFirstOffset: ",
                   producer->producer_id, producer->epoch, producer->coordinator_epoch);
    if (producer->current_txn_first_offset >= 0)
        console_printf(out, "OptionalLong[%" PRId64 "]", producer->current_txn_first_offset);
    else
        console_printf(out, "OptionalLong.empty");
    console_printf(out, " lastTimestamp: %" PRId64, producer->timestamp);
    if (producer->last_offset >= 0)
        console_printf(out,
                       " firstSequence: %" PRId32 " lastSequence: %" PRId32 " lastOffset: %" PRId64
                       " offsetDelta: %" PRId32 " timestamp: %" PRId64,
                       first, last, producer->last_offset, delta, producer->timestamp);
    console_write(out, "\n", 1);
}

/* What is wrong with a snapshot is said, and the next file is looked at. */
static void print_snapshot(struct dump *dump, struct slice bytes)
{
    struct console_out *err = &dump->tool->err;
    struct producer_snapshot snapshot;
    struct arena arena;
    int16_t version = bytes.size >= 2 ? bytes_load_i16(bytes.data) : 0;
    uint32_t computed;
    size_t used;
    int r;

    if (bytes.size >= 2 && version != SNAPSHOT_VERSION) {
        console_printf(err,
                       "Snapshot failed schema validation: Snapshot contained an unknown file "
                       "version %d\n",
                       version);
        return;
    }
    arena_init(&arena, NULL);
    r = bytes.size < SNAPSHOT_HEADER_SIZE
            ? CODEC_E_SHORT
            : codec_decode(&producer_snapshot_message, version,
                           slice_of(bytes.data + 2, bytes.size - 2), &arena, &snapshot, &used);
    if (r) {
        console_printf(err, "Snapshot failed schema validation: it is damaged\n");
    } else {
        computed = crc32c(bytes.data + SNAPSHOT_HEADER_SIZE, bytes.size - SNAPSHOT_HEADER_SIZE);
        if (computed != snapshot.crc)
            console_printf(err,
                           "Snapshot is corrupt (CRC is no longer valid). Stored crc: %" PRIu32
                           ". Computed crc: %" PRIu32 "\n",
                           snapshot.crc, computed);
        for (int32_t i = 0; computed == snapshot.crc && i < snapshot.producer_entries_count; i++)
            print_producer(dump, &snapshot.producer_entries[i]);
    }
    arena_reset(&arena);
}

int dump_snapshot(struct dump *dump, const char *path)
{
    struct dump_view view;
    struct slice bytes;
    int r = dump_view_open(dump, &view, path);

    if (r)
        return r;
    r = dump_view_read(dump, &view, 0, view.end, &bytes);
    if (r == 0)
        print_snapshot(dump, bytes);
    dump_view_close(&view);
    return r;
}

/* The first byte of the version is what Kafka looks at. */
static int version_of(const uint8_t *entry)
{
    return (int8_t)entry[0];
}

static void print_aborted(struct dump *dump, const uint8_t *p)
{
    console_printf(&dump->tool->out,
                   "version: %d producerId: %" PRId64 " firstOffset: %" PRId64
                   " lastOffset: %" PRId64 " lastStableOffset: %" PRId64 "\n",
                   version_of(p), bytes_load_i64(p + 2), bytes_load_i64(p + 10),
                   bytes_load_i64(p + 18), bytes_load_i64(p + 26));
}

static int print_entries(struct dump *dump, const char *path, struct slice bytes)
{
    size_t count = bytes.size / TXN_ENTRY_SIZE;

    for (size_t i = 0; i < count; i++) {
        int version = version_of(bytes.data + i * TXN_ENTRY_SIZE);

        if (version > TXN_VERSION) {
            scoped(mem_freep_any) char *absolute = dump_absolute(dump, path);

            return dump_fail(dump,
                             "Unexpected aborted transaction version %d in transaction index %s, "
                             "current version is %d",
                             version, absolute, TXN_VERSION);
        }
    }
    for (size_t i = 0; i < count; i++)
        print_aborted(dump, bytes.data + i * TXN_ENTRY_SIZE);
    return 0;
}

/* A file that is not there has nothing in it: most segments have none. */
int dump_transactions(struct dump *dump, const char *path)
{
    struct io *io = dump->tool->env->io;
    struct dump_view view;
    struct slice bytes = slice_null();
    int64_t base;
    int fd = -1;
    int r = dump_base(dump, path, &base);

    if (r)
        return r;
    if (io->ops->file_open(io, IO_CWD, path, IO_READ, &fd))
        return 0;
    io_close(io, &fd);
    r = dump_view_open(dump, &view, path);
    if (r == 0)
        r = dump_view_read(dump, &view, 0, view.end, &bytes);
    if (r == 0)
        r = print_entries(dump, path, bytes);
    dump_view_close(&view);
    return r;
}
