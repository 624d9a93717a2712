/* SPDX-License-Identifier: Apache-2.0 */

/* test/compat/store_peer.c - writes a folder of data as a broker leaves it that was stopped,
 * killed and stopped again, for dump.py to show to Kafka.
 *
 *     store_peer DIR
 *
 * Or appends the batches of Kafka's segments, in order, to a log of its own with the same
 * settings, so that what the two make of them can be compared:
 *
 *     store_peer DIR SEGMENT-BYTES SEGMENT...
 */

#include "base/mem.h"
#include "os/linux_io.h"
#include "store/log_dir.h"
#include "test/compat/peer.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCHES = 400, PRODUCERS = 3 };

static const struct uuid topic_id = {{4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2}};

static struct log_config config = {
    .segment_bytes = 20000,
    .segment_ms = INT64_MAX,
    .index_interval_bytes = 1000,
    .index_size_max = 4096,
    .max_message_bytes = 1 << 20,
};

struct peer {
    const char *path;
    struct io *io;
    struct diag diag;
    struct log_env env;
    struct log_dir *dir;
    struct log *log;
    int32_t sequences[PRODUCERS + 1];
};

static void start(struct peer *peer)
{
    struct log_dir_options options = {
        .io = peer->io, .diag = &peer->diag, .path = peer->path, .node_id = 1};

    must(log_dir_open(&options, &peer->dir), "open the folder");
    must(log_dir_open_log(peer->dir, &peer->env, "peer-0", topic_id, &config, &peer->log),
         "open the log");
}

static void stop(struct peer *peer)
{
    must(log_dir_close_log(peer->dir, peer->log), "close the log");
    must(log_dir_close(peer->dir, true), "close the folder");
}

static void killed(struct peer *peer)
{
    log_abandon(peer->log);
    must(log_dir_close(peer->dir, false), "leave the folder");
}

/* The batch number `i`: all codecs, both kinds of time, with a producer and without. */
static void make_batch(struct peer *peer, int i, struct text *out)
{
    int producer = i % (PRODUCERS + 1);
    int records = 1 + i % 7;
    struct batch_builder builder;
    char value[64];

    batch_builder_init(&builder);
    if (producer > 0) {
        builder.producer_id = 1000 + producer;
        builder.producer_epoch = (int16_t)producer;
        builder.base_sequence = peer->sequences[producer];
        peer->sequences[producer] += records;
    }
    for (int k = 0; k < records; k++) {
        int size = snprintf(value, sizeof(value), "value %d of batch %d", k, i);
        struct record_header header = {.key = slice_text("n"), .value = slice_text("1")};

        batch_builder_add(&builder, INT64_C(1700000000000) + 100 * i - (i % 5) * 250 + k,
                          k % 3 ? slice_text("key") : slice_null(), slice_of(value, (size_t)size),
                          &header, (size_t)(k % 2));
    }
    must(
        batch_builder_finish(&builder, (enum compress_codec)(i % COMPRESS_CODEC_COUNT), 0, -1, out),
        "make a batch");
    batch_builder_fini(&builder);
    if (i % 11 == 5)
        batch_set_append_time((uint8_t *)out->data, out->size, INT64_C(1700000000000) + 100 * i);
}

static void append(struct peer *peer, int i)
{
    struct log_append_terms terms = {.leader_epoch = i / 150, .now_ms = 1700000000000};
    struct text bytes = {.data = NULL};
    struct batch_header header;
    struct log_appended appended;

    make_batch(peer, i, &bytes);
    must(batch_parse(text_slice(&bytes), &header), "parse a batch");
    must(log_append(peer->log, (uint8_t *)bytes.data, bytes.size, &header, &terms, &appended),
         "append");
    must(log_write(peer->log), "write");
    text_fini(&bytes);
}

static void append_bytes(struct peer *peer, uint8_t *bytes, size_t size)
{
    struct log_append_terms terms = {.leader_epoch = 0, .now_ms = 1700000000000};
    struct log_appended appended;
    struct batch_header header;

    while (size > 0) {
        must(batch_parse(slice_of(bytes, size), &header), "parse a batch");
        must(header.size > size, "find the end of a batch");
        must(log_append(peer->log, bytes, header.size, &header, &terms, &appended), "append");
        must(log_write(peer->log), "write");
        size -= header.size;
        bytes += header.size;
    }
}

static void copy(struct peer *peer, int segment_bytes, char **segments, int count)
{
    config = (struct log_config){
        .segment_bytes = segment_bytes,
        .segment_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
        .index_interval_bytes = 4096,
        .index_size_max = 10 << 20,
        .max_message_bytes = 1 << 20,
    };
    start(peer);
    for (int i = 0; i < count; i++) {
        struct text bytes = {.data = NULL};

        must(file_load(peer->io, IO_CWD, segments[i], SIZE_MAX, &bytes), segments[i]);
        append_bytes(peer, (uint8_t *)bytes.data, bytes.size);
        text_fini(&bytes);
    }
    stop(peer);
}

static void write_own(struct peer *peer)
{
    start(peer);
    for (int i = 0; i < BATCHES; i++) {
        append(peer, i);
        if (i % 90 != 70)
            continue;
        if (i % 4)
            killed(peer);
        else
            stop(peer);
        start(peer);
    }
    printf("%lld\n", (long long)log_end(peer->log));
    stop(peer);
}

int main(int argc, char **argv)
{
    struct peer peer = {.diag = {.level = DIAG_ERROR, .sink = print_line}};

    if (argc != 2 && argc < 4) {
        fprintf(stderr, "usage: store_peer DIR [SEGMENT-BYTES SEGMENT...]\n");
        return 2;
    }
    peer.path = argv[1];
    must(linux_io_create(&peer.io), "make a world");
    peer.env = (struct log_env){.io = peer.io, .diag = &peer.diag};
    if (argc > 2)
        copy(&peer, (int)strtol(argv[2], NULL, 10), argv + 3, argc - 3);
    else
        write_own(&peer);
    linux_io_destroy(peer.io);
    return 0;
}
