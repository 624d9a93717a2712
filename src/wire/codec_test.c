/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/api.h"
#include "wire/codec.h"
#include "wire/msg/api_versions.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/fetch.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

/* Room for two structs of a message, and an arena; gone with the test, also when a
 * check fails half-way, since the harness does not unwind. */
struct bench {
    struct arena arena;
    void *in, *out;
};

static void bench_init(struct bench *bench, const struct wire_message *message)
{
    arena_init(&bench->arena, NULL);
    bench->in = arena_new(&bench->arena, message->struct_size);
    bench->out = arena_new(&bench->arena, message->struct_size);
}

static const struct wire_message *some_message(struct rng *rng, int16_t *out_version)
{
    const struct wire_message *m = wire_messages[rng_below(rng, (uint64_t)wire_message_count)];

    *out_version = (int16_t)rng_between(rng, m->min, m->max);
    return m;
}

static void check_round_trip(const struct wire_message *m, int16_t version, struct rng *rng)
{
    struct codec_output first;
    struct codec_output again;
    struct bench bench;
    size_t size;
    size_t used;

    bench_init(&bench, m);
    check_ok(codec_randomise(m, version, rng, &bench.arena, bench.in));
    check_ok(codec_encode(m, version, bench.in, &bench.arena, &first));
    check_ok(codec_size(m, version, bench.in, &size));
    check_eq(size, first.size);
    check_ok(
        codec_decode(m, version, slice_of(first.data, first.size), &bench.arena, bench.out, &used));
    check_eq(used, first.size);
    check(codec_equal(m, version, bench.in, bench.out));
    check_ok(codec_encode(m, version, bench.out, &bench.arena, &again));
    check(slice_equal(slice_of(first.data, first.size), slice_of(again.data, again.size)));
    arena_reset(&bench.arena);
}

TEST(codec, every_message_in_every_version_reads_what_it_writes)
{
    for (int i = 0; i < wire_message_count; i++) {
        const struct wire_message *m = wire_messages[i];

        for (int16_t version = m->min; version <= m->max; version++) {
            struct rng local = rng_of((uint64_t)i * 1000 + (uint64_t)version);

            for (int k = 0; k < 10; k++)
                check_round_trip(m, version, &local);
        }
    }
}

PROPERTY(codec, random_messages_round_trip, 2000)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);

    check_round_trip(m, version, rng);
}

/* A prefix of a message never reads as the message. */
PROPERTY(codec, every_prefix_is_refused, 400)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);
    struct codec_output output;
    struct bench bench;
    size_t used;

    bench_init(&bench, m);
    check_ok(codec_randomise(m, version, rng, &bench.arena, bench.in));
    check_ok(codec_encode(m, version, bench.in, &bench.arena, &output));
    for (size_t cut = 0; cut < output.size; cut++) {
        int r =
            codec_decode(m, version, slice_of(output.data, cut), &bench.arena, bench.out, &used);

        check(r == CODEC_E_SHORT || r == CODEC_E_MALFORMED);
    }
    arena_reset(&bench.arena);
}

/* One changed byte may make another message, but does not crash or allocate much. */
PROPERTY(codec, changed_bytes_do_no_harm, 3000)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);
    struct codec_output output;
    struct bench bench;
    size_t used;

    bench_init(&bench, m);
    check_ok(codec_randomise(m, version, rng, &bench.arena, bench.in));
    check_ok(codec_encode(m, version, bench.in, &bench.arena, &output));
    for (int i = 0; i < 4 && output.size; i++)
        output.data[rng_below(rng, output.size)] = (uint8_t)rng_next(rng);
    if (!codec_decode(m, version, slice_of(output.data, output.size), &bench.arena, bench.out,
                      &used))
        check(used <= output.size);
    arena_reset(&bench.arena);
}

/* The first two bytes choose message and version.  What is read can be written, and reads
 * the same again. */
FUZZ(codec, any_message)
{
    const struct wire_message *m;
    struct codec_output output;
    struct bench bench;
    int16_t version;
    size_t used;

    if (size < 2)
        return;
    m = wire_messages[data[0] % wire_message_count];
    version = (int16_t)(m->min + data[1] % (m->max - m->min + 1));
    bench_init(&bench, m);
    if (!codec_decode(m, version, slice_of(data + 2, size - 2), &bench.arena, bench.in, &used)) {
        check(used <= size - 2);
        check_ok(codec_encode(m, version, bench.in, &bench.arena, &output));
        check(output.size <= used);
        check_ok(codec_decode_all(m, version, slice_of(output.data, output.size), &bench.arena,
                                  bench.out));
        check(codec_equal(m, version, bench.in, bench.out));
    }
    arena_reset(&bench.arena);
}
