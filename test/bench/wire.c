/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/wire.c - what the bytes of the protocol cost: decoding, encoding, checking.
 *
 *     wire [ROUNDS [WORD]]
 *
 * Prints a line for each figure: a name, a unit and ROUNDS values, separated by tabs.  Each
 * value is the mean of a run that is long enough for the clock; the figures are taken in
 * turn, so that all of them see the same machine.  With a WORD only those whose name has it.
 *
 * Fetch and Produce have 20 topics of 50 partitions each, and what a busy client would say.
 * Their figures are nanoseconds for one partition, with the arena's part of it.
 */

#include "base/arena.h"
#include "wire/batch.h"
#include "wire/codec.h"
#include "wire/compress.h"
#include "wire/crc32c.h"
#include "wire/crc32c_internal.h"
#include "wire/msg/fetch.h"
#include "wire/msg/produce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

enum {
    TOPICS = 20,
    PARTITIONS = 50,
    ROUND_NS = 20 * 1000 * 1000,
    ROUNDS_MAX = 1000,
    BATCH_SIZE = 64 * 1024,
    CRC_SIZE = 1024 * 1024,
    CHECKSUMS = 8,
};

static volatile uint64_t sink; /* Keeps the compiler from leaving work out. */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* Others may use the processor too. */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "wire: %s\n", what);
    exit(1);
}

/* --- messages ------------------------------------------------------------------- */

/* A message as a struct and as bytes. */
struct specimen {
    const struct wire_message *message;
    int16_t version;
    void *in, *out;
    struct slice bytes;
    struct arena arena; /* Of one run; recycled as a request's is. */
};

static void specimen_init(struct specimen *s, const struct wire_message *m, int16_t version,
                          void *in, struct arena *arena)
{
    struct codec_output output;

    *s = (struct specimen){.message = m, .version = version, .in = in};
    s->out = arena_new(arena, m->struct_size);
    must(!codec_encode(m, version, in, arena, &output), "a message cannot be written");
    s->bytes = slice_of(output.data, output.size);
    arena_init(&s->arena, NULL);
}

static void run_decode(void *context)
{
    struct specimen *s = context;
    size_t used;

    arena_recycle(&s->arena);
    sink += (uint64_t)codec_decode(s->message, s->version, s->bytes, &s->arena, s->out, &used);
}

static void run_encode(void *context)
{
    struct specimen *s = context;
    struct codec_output output;

    arena_recycle(&s->arena);
    sink += (uint64_t)codec_encode(s->message, s->version, s->in, &s->arena, &output);
}

static struct uuid some_id(int i)
{
    struct uuid id = {.bytes = {1, 2, 3, 4}};

    id.bytes[15] = (uint8_t)i;
    return id;
}

static void *make_fetch_request(struct arena *arena)
{
    struct fetch_request *request = arena_new(arena, sizeof(*request));

    *request = fetch_request_defaults;
    request->topics = arena_new(arena, TOPICS * sizeof(*request->topics));
    request->topics_count = TOPICS;
    for (int t = 0; t < TOPICS; t++) {
        struct fetch_topic *topic = &request->topics[t];

        *topic = (struct fetch_topic){.topic_id = some_id(t), .partitions_count = PARTITIONS};
        topic->partitions = arena_new(arena, PARTITIONS * sizeof(*topic->partitions));
        for (int p = 0; p < PARTITIONS; p++) {
            topic->partitions[p] = fetch_partition_defaults;
            topic->partitions[p].partition = p;
            topic->partitions[p].current_leader_epoch = 5;
            topic->partitions[p].fetch_offset = 123456789 + p;
            topic->partitions[p].partition_max_bytes = 1048576;
        }
    }
    return request;
}

static void *make_fetch_response(struct arena *arena)
{
    struct fetch_response *response = arena_new(arena, sizeof(*response));

    *response = fetch_response_defaults;
    response->responses = arena_new(arena, TOPICS * sizeof(*response->responses));
    response->responses_count = TOPICS;
    for (int t = 0; t < TOPICS; t++) {
        struct fetch_fetchable_topic_response *topic = &response->responses[t];

        topic->topic_id = some_id(t);
        topic->partitions = arena_new(arena, PARTITIONS * sizeof(*topic->partitions));
        topic->partitions_count = PARTITIONS;
        for (int p = 0; p < PARTITIONS; p++) {
            topic->partitions[p] = fetch_partition_data_defaults;
            topic->partitions[p].partition_index = p;
            topic->partitions[p].high_watermark = 123456789;
            topic->partitions[p].last_stable_offset = 123456789;
            topic->partitions[p].aborted_transactions_count = -1;
            topic->partitions[p].records.bytes = slice_of("0123456789", 10);
        }
    }
    return response;
}

static void *make_produce_request(struct arena *arena)
{
    struct produce_request *request = arena_new(arena, sizeof(*request));

    *request = produce_request_defaults;
    request->acks = -1;
    request->timeout_ms = 30000;
    request->topic_data = arena_new(arena, TOPICS * sizeof(*request->topic_data));
    request->topic_data_count = TOPICS;
    for (int t = 0; t < TOPICS; t++) {
        struct produce_topic_produce_data *topic = &request->topic_data[t];

        *topic = produce_topic_produce_data_defaults;
        topic->topic_id = some_id(t);
        topic->partition_data = arena_new(arena, PARTITIONS * sizeof(*topic->partition_data));
        topic->partition_data_count = PARTITIONS;
        for (int p = 0; p < PARTITIONS; p++) {
            topic->partition_data[p].index = p;
            topic->partition_data[p].records.bytes = slice_of("0123456789", 10);
        }
    }
    return request;
}

static void *make_produce_response(struct arena *arena)
{
    struct produce_response *response = arena_new(arena, sizeof(*response));

    *response = produce_response_defaults;
    response->responses = arena_new(arena, TOPICS * sizeof(*response->responses));
    response->responses_count = TOPICS;
    for (int t = 0; t < TOPICS; t++) {
        struct produce_topic_produce_response *topic = &response->responses[t];

        *topic = produce_topic_produce_response_defaults;
        topic->topic_id = some_id(t);
        topic->partition_responses =
            arena_new(arena, PARTITIONS * sizeof(*topic->partition_responses));
        topic->partition_responses_count = PARTITIONS;
        for (int p = 0; p < PARTITIONS; p++) {
            topic->partition_responses[p] = produce_partition_produce_response_defaults;
            topic->partition_responses[p].index = p;
            topic->partition_responses[p].base_offset = 123456789;
            topic->partition_responses[p].log_start_offset = 0;
        }
    }
    return response;
}

/* --- checksums ------------------------------------------------------------------- */

struct checksum {
    uint32_t (*run)(uint32_t crc, const void *data, size_t size);
    const void *data;
    size_t size;
};

static void run_checksum(void *context)
{
    const struct checksum *c = context;

    sink += c->run(0, c->data, c->size);
}

#ifdef BENCH_ISAL
#    include <isa-l/crc.h>

enum { HAS_ISAL = 1 };

static uint32_t isal_crc(uint32_t crc, const void *data, size_t size)
{
    return ~crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, ~crc);
}
#else
enum { HAS_ISAL = 0 };

static uint32_t (*const isal_crc)(uint32_t, const void *, size_t) = NULL;
#endif

/* --- a compressed batch ----------------------------------------------------------- */

struct zstd_batch {
    struct slice batch, records; /* The whole, and what is compressed in it. */
    struct inflater_cache cache;
    ZSTD_DCtx *plain;
    uint8_t *room;
    size_t room_size;
};

/* Records of a hundred bytes, as a log of events has them: words that come again. */
static void zstd_batch_init(struct zstd_batch *b, struct arena *arena, struct text *out)
{
    struct batch_builder builder;
    struct batch_header header;
    struct rng rng = rng_of(1);

    batch_builder_init(&builder);
    while (batch_builder_size(&builder) < BATCH_SIZE) {
        const char *text = arena_printf(
            arena,
            "{\"user\":%d,\"event\":\"%s\",\"at\":17000%08d,\"page\":\"/item/%d\",\"ok\":true}",
            (int)rng_below(&rng, 100000), rng_chance(&rng, 50) ? "view" : "purchase",
            (int)rng_below(&rng, 100000000), (int)rng_below(&rng, 5000));

        batch_builder_add(&builder, 1700000000000, slice_null(), slice_text(text), NULL, 0);
    }
    must(!batch_builder_finish(&builder, COMPRESS_ZSTD, 0, -1, out), "a batch cannot be made");
    batch_builder_fini(&builder);
    *b = (struct zstd_batch){.batch = text_slice(out), .plain = ZSTD_createDCtx()};
    must(!batch_parse(b->batch, &header), "a batch cannot be read");
    b->records = slice_of(b->batch.data + BATCH_HEADER_SIZE, b->batch.size - BATCH_HEADER_SIZE);
    b->room_size = 2 * BATCH_SIZE;
    b->room = arena_new(arena, b->room_size);
}

static void run_check(void *context)
{
    struct zstd_batch *b = context;
    struct batch_rules rules = {.is_append_time = true, .cache = &b->cache};
    struct batch_header header;

    must(!batch_parse(b->batch, &header) && !batch_check(b->batch, &header, &rules),
         "a batch is refused");
    sink += (uint64_t)header.record_count;
}

static void run_zstd(void *context)
{
    struct zstd_batch *b = context;

    sink += ZSTD_decompressDCtx(b->plain, b->room, b->room_size, b->records.data, b->records.size);
}

/* --- figures ----------------------------------------------------------------------- */

struct figure {
    const char *name, *unit;
    void (*run)(void *context);
    void *context;
    double units; /* The unit is time for one of so many, or so many bytes in a time. */
    bool is_rate;
    double values[ROUNDS_MAX];
};

enum { FIGURES_MAX = 24 };

struct figures {
    struct figure figures[FIGURES_MAX];
    int count;
};

static void add_time(struct figures *f, const char *name, void (*run)(void *), void *context,
                     double units, const char *unit)
{
    must(f->count < FIGURES_MAX, "too many figures");
    f->figures[f->count++] =
        (struct figure){.name = name, .unit = unit, .run = run, .context = context, .units = units};
}

static void add_checksum(struct figures *f, const char *name, struct checksum *c,
                         uint32_t (*run)(uint32_t, const void *, size_t), bool is_there,
                         const void *data, size_t size)
{
    if (!is_there)
        return;
    *c = (struct checksum){.run = run, .data = data, .size = size};
    add_time(f, name, run_checksum, c, (double)size, "GB/s");
    f->figures[f->count - 1].is_rate = true;
}

/* Leaves out the figures whose name lacks `word`. */
static void choose(struct figures *f, const char *word)
{
    int count = 0;

    for (int i = 0; i < f->count; i++)
        if (strstr(f->figures[i].name, word))
            f->figures[count++] = f->figures[i];
    f->count = count;
}

static double measure(const struct figure *figure)
{
    int64_t began = now_ns();
    int64_t ended;
    int64_t runs = 0;
    double ns;

    do {
        for (int i = 0; i < 8; i++, runs++)
            figure->run(figure->context);
        ended = now_ns();
    } while (ended - began < ROUND_NS);
    ns = (double)(ended - began) / (double)runs;
    return figure->is_rate ? figure->units / ns : ns / figure->units;
}

static void add_messages(struct figures *f, struct specimen specimens[static 4],
                         struct arena *arena)
{
    const double all = TOPICS * PARTITIONS;

    specimen_init(&specimens[0], &fetch_request_message, 18, make_fetch_request(arena), arena);
    specimen_init(&specimens[1], &fetch_response_message, 18, make_fetch_response(arena), arena);
    specimen_init(&specimens[2], &produce_request_message, 13, make_produce_request(arena), arena);
    specimen_init(&specimens[3], &produce_response_message, 13, make_produce_response(arena),
                  arena);
    add_time(f, "decode Fetch 18 request", run_decode, &specimens[0], all, "ns/partition");
    add_time(f, "encode Fetch 18 request", run_encode, &specimens[0], all, "ns/partition");
    add_time(f, "decode Fetch 18 response", run_decode, &specimens[1], all, "ns/partition");
    add_time(f, "encode Fetch 18 response", run_encode, &specimens[1], all, "ns/partition");
    add_time(f, "decode Produce 13 request", run_decode, &specimens[2], all, "ns/partition");
    add_time(f, "encode Produce 13 request", run_encode, &specimens[2], all, "ns/partition");
    add_time(f, "decode Produce 13 response", run_decode, &specimens[3], all, "ns/partition");
    add_time(f, "encode Produce 13 response", run_encode, &specimens[3], all, "ns/partition");
}

static void add_checksums(struct figures *f, struct checksum checksums[static CHECKSUMS],
                          const void *data)
{
    struct checksum *c = checksums;

    add_checksum(f, "CRC32C of 64 KiB", c++, crc32c_extend, true, data, BATCH_SIZE);
    add_checksum(f, "CRC32C of 64 KiB by ISA-L", c++, isal_crc, HAS_ISAL, data, BATCH_SIZE);
    add_checksum(f, "CRC32C of 1 MiB", c++, crc32c_extend, true, data, CRC_SIZE);
    add_checksum(f, "CRC32C of 1 MiB by ISA-L", c++, isal_crc, HAS_ISAL, data, CRC_SIZE);
    add_checksum(f, "CRC32C of 1 MiB, AVX2", c++, crc32c_avx2, crc32c_has_avx2(), data, CRC_SIZE);
    add_checksum(f, "CRC32C of 1 MiB, SSE4.2", c++, crc32c_sse42, crc32c_has_sse42(), data,
                 CRC_SIZE);
    add_checksum(f, "CRC32C of 1 MiB, ARMv8", c++, crc32c_armv8, crc32c_has_armv8(), data,
                 CRC_SIZE);
    add_checksum(f, "CRC32C of 1 MiB, portable", c++, crc32c_portable, true, data, CRC_SIZE);
}

int main(int argc, char **argv)
{
    static struct figures figures;
    static struct specimen specimens[4];
    static struct checksum checksums[CHECKSUMS];
    static struct zstd_batch batch;
    struct text bytes = {.data = NULL};
    struct arena arena;
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 9;

    must(rounds >= 1 && rounds <= ROUNDS_MAX, "usage: wire [ROUNDS]");
    arena_init(&arena, NULL);
    add_messages(&figures, specimens, &arena);
    add_checksums(&figures, checksums, arena_new(&arena, CRC_SIZE));
    zstd_batch_init(&batch, &arena, &bytes);
    add_time(&figures, "check of a 64 KiB batch of zstd", run_check, &batch, 1e3, "µs");
    add_time(&figures, "the same by plain zstd", run_zstd, &batch, 1e3, "µs");
    choose(&figures, argc > 2 ? argv[2] : "");
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < figures.count; i++)
            figures.figures[i].values[round] = measure(&figures.figures[i]);
    for (int i = 0; i < figures.count; i++) {
        printf("%s\t%s", figures.figures[i].name, figures.figures[i].unit);
        for (int round = 0; round < rounds; round++)
            printf("\t%.3f", figures.figures[i].values[round]);
        printf("\n");
    }
    return 0;
}
