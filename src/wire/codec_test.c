/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/harness/check.h"
#include "wire/api.h"
#include "wire/codec.h"
#include "wire/msg/api_versions.h"
#include "wire/msg/consumer_group_member_metadata_record.h"
#include "wire/msg/create_topics.h"
#include "wire/msg/describe_topic_partitions.h"
#include "wire/msg/fetch.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"
#include "wire/varint.h"

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
    size_t used;

    bench_init(&bench, m);
    check_ok(codec_randomise(m, version, rng, &bench.arena, bench.in));
    check_ok(codec_encode(m, version, bench.in, &bench.arena, &first));
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

/* --- what is refused ---------------------------------------------------------- */

static int encode_fetch(int16_t version, const struct fetch_request *request)
{
    struct codec_output output;
    struct arena arena;
    int e;

    arena_init(&arena, NULL);
    e = codec_encode(&fetch_request_message, version, request, &arena, &output);
    arena_reset(&arena);
    return e;
}

TEST(codec, a_version_that_lacks_a_field_refuses_its_value)
{
    struct fetch_request request = fetch_request_defaults;

    request.replica_id = 5; /* Up to 14, and not ignorable. */
    check_ok(encode_fetch(14, &request));
    check_eq(encode_fetch(15, &request), CODEC_E_VERSION);
    request.replica_id = -1;
    request.replica_state.replica_epoch = 7; /* Tagged, from 15 on. */
    check_ok(encode_fetch(15, &request));
    check_eq(encode_fetch(14, &request), CODEC_E_VERSION);
    request.replica_state.replica_epoch = -1;
    request.session_id = 3; /* From 7 on, and ignorable. */
    check_ok(encode_fetch(6, &request));
    check_eq(encode_fetch(19, &request), CODEC_E_VERSION);
}

TEST(codec, null_is_refused_where_the_version_cannot_say_it)
{
    struct metadata_response_topic topic = metadata_response_topic_defaults;
    struct metadata_response response = metadata_response_defaults;
    struct codec_output output;
    struct arena arena;

    arena_init(&arena, NULL);
    topic.name = slice_null(); /* From 12 on. */
    response.topics = &topic;
    response.topics_count = 1;
    check_ok(codec_encode(&metadata_response_message, 12, &response, &arena, &output));
    check_eq(codec_encode(&metadata_response_message, 11, &response, &arena, &output),
             CODEC_E_VERSION);
    arena_reset(&arena);
}

TEST(codec, a_string_that_is_longer_than_its_length_can_tell_is_refused)
{
    struct fetch_request request = fetch_request_defaults;
    struct arena arena;
    char *text;

    arena_init(&arena, NULL);
    text = arena_new(&arena, WIRE_STRING_MAX + 1);
    request.rack_id = slice_of(text, WIRE_STRING_MAX);
    check_ok(encode_fetch(12, &request));
    request.rack_id = slice_of(text, WIRE_STRING_MAX + 1);
    check_eq(encode_fetch(12, &request), CODEC_E_TOO_MANY);
    arena_reset(&arena);
}

static int decode_metadata(int16_t version, struct slice bytes, struct arena *arena)
{
    struct metadata_request request;
    size_t used;

    return codec_decode(&metadata_request_message, version, bytes, arena, &request, &used);
}

TEST(codec, bytes_that_are_no_message_are_refused_by_their_reason)
{
    /* Version 9: an array of names, three flags, tags. */
    const uint8_t too_many[] = {0xc2, 0x84, 0x3d, 0, 0, 0, 0};
    const uint8_t negative[] = {0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0};
    const uint8_t tags_fall[] = {0, 1, 0, 0, 2, 9, 0, 8, 0};
    const uint8_t tag_too_long[] = {0, 1, 0, 0, 1, 9, 7, 0};
    const uint8_t null_name[] = {2, 0, 0, 1, 0, 0, 0};
    const uint8_t overlong[] = {0, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0};
    const uint8_t good[] = {0, 1, 0, 0, 2, 8, 0, 9, 1, 77};
    struct arena arena;

    arena_init(&arena, NULL);
    check_ok(decode_metadata(9, slice_of(good, sizeof(good)), &arena));
    check_eq(decode_metadata(99, slice_of(good, sizeof(good)), &arena), CODEC_E_VERSION);
    check_eq(decode_metadata(9, slice_null(), &arena), CODEC_E_SHORT);
    check_eq(decode_metadata(9, slice_of(too_many, sizeof(too_many)), &arena), CODEC_E_TOO_MANY);
    check_eq(decode_metadata(9, slice_of(negative, sizeof(negative)), &arena), CODEC_E_MALFORMED);
    check_eq(decode_metadata(9, slice_of(tags_fall, sizeof(tags_fall)), &arena), CODEC_E_MALFORMED);
    check_eq(decode_metadata(9, slice_of(tag_too_long, sizeof(tag_too_long)), &arena),
             CODEC_E_SHORT);
    check_eq(decode_metadata(9, slice_of(null_name, sizeof(null_name)), &arena), CODEC_E_MALFORMED);
    check_eq(decode_metadata(9, slice_of(overlong, sizeof(overlong)), &arena), CODEC_E_MALFORMED);
    arena_reset(&arena);
}

TEST(codec, more_tagged_fields_than_anybody_needs_are_refused)
{
    struct arena arena;
    uint8_t *bytes;
    size_t at = 4;

    arena_init(&arena, NULL);
    bytes = arena_new(&arena, 4 + 2 + 3 * (WIRE_TAGGED_MAX + 1));
    bytes[1] = 1;
    at += varint_encode(WIRE_TAGGED_MAX + 1, bytes + at);
    for (uint32_t tag = 1; tag <= WIRE_TAGGED_MAX + 1; tag++) {
        at += varint_encode(tag, bytes + at);
        bytes[at++] = 0;
    }
    check_eq(decode_metadata(9, slice_of(bytes, at), &arena), CODEC_E_TOO_MANY);
    (void)varint_encode(WIRE_TAGGED_MAX, bytes + 4);
    check_ok(decode_metadata(9, slice_of(bytes, at - 3), &arena));
    arena_reset(&arena);
}

TEST(codec, bytes_behind_a_message_are_left_over)
{
    const uint8_t bytes[] = {0, 1, 0, 0, 0, 77};
    struct metadata_request request;
    struct arena arena;

    arena_init(&arena, NULL);
    check_ok(codec_decode_all(&metadata_request_message, 9, slice_of(bytes, 5), &arena, &request));
    check_eq(codec_decode_all(&metadata_request_message, 9, slice_of(bytes, 6), &arena, &request),
             CODEC_E_TRAILING);
    check_eq(codec_decode_all(&metadata_request_message, 9, slice_of(bytes, 4), &arena, &request),
             CODEC_E_SHORT);
    arena_reset(&arena);
}

/* Each message once, with a budget that is too small by more and more. */
TEST(codec, a_full_budget_is_told_and_not_overdrawn)
{
    for (int i = 0; i < wire_message_count; i++) {
        const struct wire_message *m = wire_messages[i];
        struct rng local = rng_of((uint64_t)i);
        struct codec_output output;
        struct budget budget;
        struct bench bench;
        struct arena small;
        int refused = 0;

        bench_init(&bench, m);
        check_ok(codec_randomise(m, m->max, &local, &bench.arena, bench.in));
        check_ok(codec_encode(m, m->max, bench.in, &bench.arena, &output));
        for (size_t room = 1; room < 1 << 20; room *= 2) {
            struct codec_output again;
            size_t used;
            int r;

            budget_init(&budget, room);
            arena_init(&small, &budget);
            r = codec_decode(m, m->max, slice_of(output.data, output.size), &small, bench.out,
                             &used);
            check(r == 0 || r == CODEC_E_NO_MEMORY);
            if (!r)
                r = codec_encode(m, m->max, bench.out, &small, &again);
            check(r == 0 || r == CODEC_E_NO_MEMORY);
            refused += r != 0;
            arena_reset(&small);
        }
        check(refused > 0);
        arena_reset(&bench.arena);
    }
}

/* A struct that may be null: a byte in front says whether it is there. */
TEST(codec, a_struct_is_there_or_null_and_nothing_else)
{
    struct describe_topic_partitions_request request;
    const uint8_t there[] = {1, 0, 0, 0, 5, 1, 2, 'a', 0, 0, 0, 3, 0, 0};
    const uint8_t null[] = {1, 0, 0, 0, 5, 0xff, 0};
    const uint8_t odd[] = {1, 0, 0, 0, 5, 2, 2, 'a', 0, 0, 0, 3, 0, 0};
    struct arena arena;

    arena_init(&arena, NULL);
    check_ok(codec_decode_all(&describe_topic_partitions_request_message, 0,
                              slice_of(there, sizeof(there)), &arena, &request));
    check_eq(request.cursor->partition_index, 3);
    check_ok(codec_decode_all(&describe_topic_partitions_request_message, 0,
                              slice_of(null, sizeof(null)), &arena, &request));
    check(!request.cursor);
    check_eq(codec_decode_all(&describe_topic_partitions_request_message, 0,
                              slice_of(odd, sizeof(odd)), &arena, &request),
             CODEC_E_MALFORMED);
    check_eq(codec_decode_all(&describe_topic_partitions_request_message, 0, slice_of(null, 5),
                              &arena, &request),
             CODEC_E_SHORT);
    arena_reset(&arena);
}

/* In a tagged field 0 is null, and a missing field is not: it has the struct's defaults. */
TEST(codec, a_tagged_struct_may_be_null_although_that_is_not_its_default)
{
    struct consumer_group_member_metadata_value value =
        consumer_group_member_metadata_value_defaults;
    struct codec_output output;
    struct arena arena;

    arena_init(&arena, NULL);
    check(value.classic_member_metadata);
    check_ok(
        codec_encode(&consumer_group_member_metadata_value_message, 0, &value, &arena, &output));
    check_eq(output.data[output.size - 1], 0); /* No tagged field. */
    value.classic_member_metadata = NULL;
    check_ok(
        codec_encode(&consumer_group_member_metadata_value_message, 0, &value, &arena, &output));
    check(slice_equal(slice_of(output.data + output.size - 4, 4), slice_of("\x01\x00\x01\x00", 4)));
    value = consumer_group_member_metadata_value_defaults;
    check_ok(codec_decode_all(&consumer_group_member_metadata_value_message, 0,
                              slice_of(output.data, output.size), &arena, &value));
    check(!value.classic_member_metadata);
    arena_reset(&arena);
}

/* --- fuzzing -------------------------------------------------------------------- */

/* The first three bytes choose message and version. */
enum { CHOICE_SIZE = 3 };

static const struct wire_message *chosen(const uint8_t *data, int16_t *out_version)
{
    const struct wire_message *m = wire_messages[(data[0] << 8 | data[1]) % wire_message_count];

    *out_version = (int16_t)(m->min + data[2] % (m->max - m->min + 1));
    return m;
}

/* What is read can be written, and reads the same again. */
static void check_any(const struct wire_message *m, int16_t version, struct slice bytes,
                      struct bench *bench)
{
    struct codec_output output;
    size_t used;

    if (codec_decode(m, version, bytes, &bench->arena, bench->in, &used))
        return;
    check(used <= bytes.size);
    check_ok(codec_encode(m, version, bench->in, &bench->arena, &output));
    check(output.size <= used);
    check_ok(codec_decode_all(m, version, slice_of(output.data, output.size), &bench->arena,
                              bench->out));
    check(codec_equal(m, version, bench->in, bench->out));
}

FUZZ(codec, any_message)
{
    const struct wire_message *m;
    struct bench bench;
    int16_t version;

    if (size < CHOICE_SIZE)
        return;
    m = chosen(data, &version);
    bench_init(&bench, m);
    check_any(m, version, slice_of(data + CHOICE_SIZE, size - CHOICE_SIZE), &bench);
    arena_reset(&bench.arena);
}

/* Begins with a message that is well, made up from the fourth byte; then each three bytes
 * change one of its bytes.  So the fuzzer gets deep into every message at once. */
FUZZ(codec, changed_message)
{
    const struct wire_message *m;
    struct codec_output output;
    struct bench bench;
    struct rng local;
    int16_t version;

    if (size < CHOICE_SIZE + 1)
        return;
    m = chosen(data, &version);
    local = rng_of(data[CHOICE_SIZE]);
    bench_init(&bench, m);
    check_ok(codec_randomise(m, version, &local, &bench.arena, bench.in));
    check_ok(codec_encode(m, version, bench.in, &bench.arena, &output));
    for (size_t i = CHOICE_SIZE + 1; output.size && i + 2 < size; i += 3)
        output.data[(size_t)(data[i] << 8 | data[i + 1]) % output.size] ^= data[i + 2];
    check_any(m, version, slice_of(output.data, output.size), &bench);
    arena_reset(&bench.arena);
}
