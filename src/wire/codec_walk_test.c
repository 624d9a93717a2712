/* SPDX-License-Identifier: Apache-2.0 */

/* Comparing, visiting and making up messages: wire/codec_walk.c. */

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

/* --- visiting --------------------------------------------------------------- */

struct visits {
    struct text names;
    int count, other;
};

static void note_visit(void *context, const char *name, int depth, bool is_default)
{
    struct visits *visits = context;

    visits->count++;
    visits->other += !is_default;
    text_printf(&visits->names, "%*s%s%s\n", depth, "", name, is_default ? "" : "*");
}

TEST(codec_walk, every_field_of_a_version_is_visited_once_without_a_message)
{
    struct visits visits = {.count = 0};

    codec_visit(&metadata_request_message, 10, NULL, note_visit, &visits);
    check_text(visits.names.data, "topics\n topic_id\n name\nallow_auto_topic_creation\n"
                                  "include_cluster_authorized_operations\n"
                                  "include_topic_authorized_operations\n");
    check_eq(visits.other, 0);
    text_fini(&visits.names);
}

TEST(codec_walk, fields_of_elements_are_visited_for_each_and_compared_with_their_defaults)
{
    struct metadata_request_topic topics[2] = {metadata_request_topic_defaults,
                                               metadata_request_topic_defaults};
    struct metadata_request request = metadata_request_defaults;
    struct visits visits = {.count = 0};

    topics[1].name = slice_text("a");
    request.topics = topics;
    request.topics_count = 2;
    request.allow_auto_topic_creation = false;
    codec_visit(&metadata_request_message, 4, &request, note_visit, &visits);
    check_text(visits.names.data, "topics*\n name\n name*\nallow_auto_topic_creation*\n");
    text_fini(&visits.names);
}

/* A tagged field is a member of the struct around it. */
TEST(codec_walk, tagged_fields_are_visited_where_they_belong)
{
    struct fetch_request request = fetch_request_defaults;
    struct visits visits = {.count = 0};

    request.replica_state.replica_id = 5;
    codec_visit(&fetch_request_message, 15, &request, note_visit, &visits);
    check(strstr(visits.names.data, "replica_state*\n replica_id*\n replica_epoch\n"));
    check_eq(visits.other, 2);
    text_fini(&visits.names);
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
