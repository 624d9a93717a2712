/* SPDX-License-Identifier: Apache-2.0 */

/* Comparing, printing and making up messages: wire/codec_walk.c. */

#include "test/harness/check.h"
#include "wire/api.h"
#include "wire/codec.h"
#include "wire/msg/fetch.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

static const struct wire_message *some_message(struct rng *rng, int16_t *out_version)
{
    const struct wire_message *m = wire_messages[rng_below(rng, (uint64_t)wire_message_count)];

    *out_version = (int16_t)rng_between(rng, m->min, m->max);
    return m;
}

/* --- comparing -------------------------------------------------------------- */

/* Two structs for a message. */
struct pair {
    struct arena arena;
    void *a, *b;
};

static void pair_init(struct pair *pair, const struct wire_message *m)
{
    arena_init(&pair->arena, NULL);
    pair->a = arena_new(&pair->arena, m->struct_size);
    pair->b = arena_new(&pair->arena, m->struct_size);
}

/* What is equal is written alike, and nothing else is. */
static void check_pair(const struct wire_message *m, int16_t version, struct pair *pair)
{
    struct codec_output a;
    struct codec_output b;

    check_ok(codec_encode(m, version, pair->a, &pair->arena, &a));
    check_ok(codec_encode(m, version, pair->b, &pair->arena, &b));
    check_eq(codec_equal(m, version, pair->a, pair->b),
             slice_equal(slice_of(a.data, a.size), slice_of(b.data, b.size)));
}

PROPERTY(codec_walk, messages_are_equal_if_they_are_written_alike, 1000)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);
    struct rng one = rng_of(rng_below(rng, 1000));
    struct rng two = rng_chance(rng, 50) ? one : rng_of(rng_below(rng, 1000));
    struct pair pair;

    pair_init(&pair, m);
    check_ok(codec_randomise(m, version, &one, &pair.arena, pair.a));
    check_ok(codec_randomise(m, version, &two, &pair.arena, pair.b));
    check_pair(m, version, &pair);
    arena_reset(&pair.arena);
}

/* The other message is read from the bytes of the first, one of them changed. */
PROPERTY(codec_walk, a_changed_byte_makes_another_message, 3000)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);
    struct codec_output bytes;
    struct pair pair;

    pair_init(&pair, m);
    check_ok(codec_randomise(m, version, rng, &pair.arena, pair.a));
    check_ok(codec_encode(m, version, pair.a, &pair.arena, &bytes));
    if (bytes.size)
        bytes.data[rng_below(rng, bytes.size)] ^= (uint8_t)(1 + rng_below(rng, 255));
    if (!codec_decode_all(m, version, slice_of(bytes.data, bytes.size), &pair.arena, pair.b))
        check_pair(m, version, &pair);
    arena_reset(&pair.arena);
}

TEST(codec_walk, null_and_empty_are_not_equal)
{
    struct metadata_request a;
    struct metadata_request b;

    codec_defaults(&metadata_request_message, &a);
    codec_defaults(&metadata_request_message, &b);
    a.topics_count = 0;
    b.topics_count = -1;
    check(!codec_equal(&metadata_request_message, 9, &a, &b));
    b.topics_count = 0;
    check(codec_equal(&metadata_request_message, 9, &a, &b));
}

TEST(codec_walk, fields_that_the_version_lacks_are_not_compared)
{
    struct fetch_request a;
    struct fetch_request b;

    codec_defaults(&fetch_request_message, &a);
    codec_defaults(&fetch_request_message, &b);
    b.session_id = 5; /* Since version 7. */
    check(codec_equal(&fetch_request_message, 6, &a, &b));
    check(!codec_equal(&fetch_request_message, 7, &a, &b));
}

/* --- printing --------------------------------------------------------------- */

TEST(codec_walk, a_message_is_printed_as_one_line_of_json)
{
    struct produce_partition_produce_data partition = {
        .index = 3,
        .records = {.bytes = slice_text("123456")},
    };
    struct produce_topic_produce_data topic = {
        .name = slice_text("a \"b\" \\ \n"),
        .partition_data = &partition,
        .partition_data_count = 1,
    };
    struct produce_request request;
    struct text out = {.size = 0};

    codec_defaults(&produce_request_message, &request);
    request.acks = -1;
    request.timeout_ms = 1500;
    request.topic_data = &topic;
    request.topic_data_count = 1;
    codec_print(&produce_request_message, 7, &request, &out);
    check_text(out.data, "{\"transactional_id\":null,\"acks\":-1,\"timeout_ms\":1500,"
                         "\"topic_data\":[{\"name\":\"a \\\"b\\\" \\\\ \\u000a\","
                         "\"partition_data\":[{\"index\":3,\"records\":6}]}]}");
    text_fini(&out);
}

/* --- JSON, as far as to know whether a text is some: RFC 8259 ---------------- */

struct json {
    const char *at;
    unsigned depth;
};

static bool json_word(struct json *json, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(json->at, word, length) != 0)
        return false;
    json->at += length;
    return true;
}

static bool json_string(struct json *json)
{
    if (!json_word(json, "\""))
        return false;
    for (; *json->at != '"'; json->at++) {
        if ((unsigned char)*json->at < 0x20)
            return false;
        if (*json->at == '\\' && !strchr("\"\\u", *++json->at))
            return false;
    }
    json->at++;
    return true;
}

static bool json_number(struct json *json)
{
    size_t length = strspn(json->at, "+-.0123456789e");

    json->at += length;
    return length > 0;
}

static bool json_value(struct json *json);

static bool json_list(struct json *json, const char *end, bool has_names)
{
    if (json_word(json, end))
        return true;
    do {
        if (has_names && !(json_string(json) && json_word(json, ":")))
            return false;
        if (!json_value(json))
            return false;
    } while (json_word(json, ","));
    return json_word(json, end);
}

static bool json_value(struct json *json)
{
    bool good;

    if (++json->depth > 100)
        return false;
    if (json_word(json, "{"))
        good = json_list(json, "}", true);
    else if (json_word(json, "["))
        good = json_list(json, "]", false);
    else
        good = json_word(json, "null") || json_word(json, "true") || json_word(json, "false") ||
               json_string(json) || json_number(json);
    json->depth--;
    return good;
}

TEST(codec_walk, every_message_in_every_version_is_printed_as_json)
{
    for (int i = 0; i < wire_message_count; i++) {
        const struct wire_message *m = wire_messages[i];

        for (int16_t version = m->min; version <= m->max; version++) {
            struct rng local = rng_of((uint64_t)i * 100 + (uint64_t)version);
            struct text out = {.size = 0};
            struct json json;
            struct arena arena;
            void *in;

            arena_init(&arena, NULL);
            in = arena_new(&arena, m->struct_size);
            check_ok(codec_randomise(m, version, &local, &arena, in));
            codec_print(m, version, in, &out);
            json = (struct json){.at = out.data};
            check(json_value(&json));
            check(!*json.at);
            text_fini(&out);
            arena_reset(&arena);
        }
    }
}

/* --- making up -------------------------------------------------------------- */

TEST(codec_walk, the_same_seed_makes_the_same_message)
{
    struct rng one = rng_of(7);
    struct rng two = rng_of(7);
    struct fetch_response a;
    struct fetch_response b;
    struct arena arena;

    arena_init(&arena, NULL);
    check_ok(codec_randomise(&fetch_response_message, 16, &one, &arena, &a));
    check_ok(codec_randomise(&fetch_response_message, 16, &two, &arena, &b));
    check(codec_equal(&fetch_response_message, 16, &a, &b));
    arena_reset(&arena);
}

TEST(codec_walk, a_full_budget_ends_the_making)
{
    struct rng local = rng_of(7);
    struct fetch_response response;
    struct budget budget;
    struct arena arena;
    int r = 0;

    budget_init(&budget, 8192);
    arena_init(&arena, &budget);
    for (int i = 0; !r && i < 1000; i++)
        r = codec_randomise(&fetch_response_message, 16, &local, &arena, &response);
    check_eq(r, CODEC_E_NO_MEMORY);
    arena_reset(&arena);
}
