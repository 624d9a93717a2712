/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "base/text.h"
#include "client/assignor.h"
#include "test/harness/check.h"

enum { MEMBERS_MAX = 9, TOPICS_MAX = 5, PARTITIONS_MAX = 20 };

static const struct assignor_share *share_of(const struct assignor_member *member,
                                             struct slice topic)
{
    for (size_t i = 0; i < member->share_count; i++)
        if (slice_equal(member->shares[i].topic, topic))
            return &member->shares[i];
    return NULL;
}

static void check_share(const struct assignor_member *member, struct slice topic, int32_t first,
                        int32_t count)
{
    const struct assignor_share *share = share_of(member, topic);

    check_eq(share ? share->count : 0, count);
    check(count == 0 || share->first == first);
}

/* What Kafka's documentation of its assignor shows: two topics of three partitions. */
TEST(assignor, the_first_members_get_one_more)
{
    struct slice names[] = {slice_text("t0"), slice_text("t1")};
    struct assignor_topic topics[] = {{names[0], 3}, {names[1], 3}};
    struct assignor_member members[] = {
        {.id = slice_text("c1"), .instance = slice_null(), .topics = names, .topic_count = 2},
        {.id = slice_text("c0"), .instance = slice_null(), .topics = names, .topic_count = 2},
    };
    struct arena arena;

    arena_init(&arena, NULL);
    assignor_share(ASSIGNOR_RANGE, &arena, topics, 2, members, 2);
    for (int t = 0; t < 2; t++) {
        check_share(&members[1], names[t], 0, 2);
        check_share(&members[0], names[t], 2, 1);
    }
    arena_reset(&arena);
}

TEST(assignor, static_members_come_first_and_by_their_instance)
{
    struct slice name = slice_text("t");
    struct assignor_topic topics[] = {{name, 3}, {slice_text("gone"), 0}};
    struct assignor_member members[] = {
        {.id = slice_text("a"), .instance = slice_null(), .topics = &name, .topic_count = 1},
        {.id = slice_text("b"), .instance = slice_text("i2"), .topics = &name, .topic_count = 1},
        {.id = slice_text("z"), .instance = slice_text("i1"), .topics = &name, .topic_count = 1},
        {.id = slice_text("0"), .instance = slice_null(), .topics = NULL, .topic_count = 0},
    };
    struct arena arena;

    arena_init(&arena, NULL);
    assignor_share(ASSIGNOR_RANGE, &arena, topics, 2, members, 4);
    check_share(&members[2], name, 0, 1);
    check_share(&members[1], name, 1, 1);
    check_share(&members[0], name, 2, 1);
    check_eq(members[3].share_count, 0);
    arena_reset(&arena);
}

static void check_round(const struct assignor_member *member, const char *expected)
{
    struct text text = {.data = NULL};

    for (size_t i = 0; i < member->share_count; i++)
        for (int32_t k = 0; k < member->shares[i].count; k++)
            text_printf(&text, "%.*s-%d ", SLICE_ARG(member->shares[i].topic),
                        (int)(member->shares[i].first + k));
    check_text(text.data, expected);
    text_fini(&text);
}

/* The two examples of Kafka's documentation of its assignor. */
TEST(assignor, the_round_goes_over_topics)
{
    struct slice names[] = {slice_text("t0"), slice_text("t1")};
    struct assignor_topic topics[] = {{names[0], 3}, {names[1], 3}};
    struct assignor_member members[] = {
        {.id = slice_text("c1"), .instance = slice_null(), .topics = names, .topic_count = 2},
        {.id = slice_text("c0"), .instance = slice_null(), .topics = names, .topic_count = 2},
    };
    struct arena arena;

    arena_init(&arena, NULL);
    assignor_share(ASSIGNOR_ROUND_ROBIN, &arena, topics, 2, members, 2);
    check_round(&members[1], "t0-0 t0-2 t1-1 ");
    check_round(&members[0], "t0-1 t1-0 t1-2 ");
    arena_reset(&arena);
}

TEST(assignor, the_round_passes_over_who_does_not_read)
{
    struct slice names[] = {slice_text("t0"), slice_text("t1"), slice_text("t2")};
    struct assignor_topic topics[] = {{names[0], 1}, {names[1], 2}, {names[2], 3}};
    struct assignor_member members[] = {
        {.id = slice_text("c0"), .instance = slice_null(), .topics = names, .topic_count = 1},
        {.id = slice_text("c1"), .instance = slice_null(), .topics = names, .topic_count = 2},
        {.id = slice_text("c2"), .instance = slice_null(), .topics = names, .topic_count = 3},
    };
    struct arena arena;

    arena_init(&arena, NULL);
    assignor_share(ASSIGNOR_ROUND_ROBIN, &arena, topics, 3, members, 3);
    check_round(&members[0], "t0-0 ");
    check_round(&members[1], "t1-0 ");
    check_round(&members[2], "t1-1 t2-0 t2-1 t2-2 ");
    assignor_share(ASSIGNOR_ROUND_ROBIN, &arena, topics, 3, members, 1);
    check_round(&members[0], "t0-0 "); /* Nobody reads the other two. */
    arena_reset(&arena);
}

TEST(assignor, has_the_names_of_groups_and_of_java)
{
    check_eq(assignor_find(slice_text("range")), ASSIGNOR_RANGE);
    check_eq(assignor_find(slice_text("org.apache.kafka.clients.consumer.RoundRobinAssignor")),
             ASSIGNOR_ROUND_ROBIN);
    check_eq(assignor_find(slice_text("sticky")), ASSIGNOR_COUNT);
    check_text(assignor_name(ASSIGNOR_ROUND_ROBIN), "roundrobin");
}

/* Each partition of a topic that somebody reads has one reader, and the runs are in order. */
PROPERTY(assignor, every_partition_has_one_reader, 200)
{
    static const char *const names[TOPICS_MAX] = {"a", "b", "c", "d", "e"};
    static const char *const ids[MEMBERS_MAX] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
    size_t member_count = 1 + rng_below(rng, MEMBERS_MAX);
    struct assignor_topic topics[TOPICS_MAX];
    struct assignor_member members[MEMBERS_MAX];
    struct slice read[MEMBERS_MAX][TOPICS_MAX];
    struct arena arena;

    for (size_t t = 0; t < TOPICS_MAX; t++)
        topics[t] = (struct assignor_topic){.name = slice_text(names[t]),
                                            .count = (int32_t)rng_below(rng, PARTITIONS_MAX)};
    for (size_t i = 0; i < member_count; i++) {
        members[i] = (struct assignor_member){
            .id = slice_text(ids[i]), .instance = slice_null(), .topics = read[i]};
        for (size_t t = 0; t < TOPICS_MAX; t++)
            if (rng_chance(rng, 60))
                read[i][members[i].topic_count++] = topics[t].name;
    }
    arena_init(&arena, NULL);
    assignor_share(ASSIGNOR_RANGE, &arena, topics, TOPICS_MAX, members, member_count);
    for (size_t t = 0; t < TOPICS_MAX; t++) {
        bool is_read = false;
        int32_t next = 0, least = INT32_MAX, most = 0;

        for (size_t i = 0; i < member_count; i++) {
            const struct assignor_share *share = share_of(&members[i], topics[t].name);
            bool reads = false;

            for (size_t k = 0; k < members[i].topic_count; k++)
                reads |= slice_equal(read[i][k], topics[t].name);
            is_read |= reads;
            check(reads || !share);
            check(!share || share->first == next);
            next += share ? share->count : 0;
            least = reads ? min_of(least, share ? share->count : 0) : least;
            most = max_of(most, share ? share->count : 0);
        }
        check_eq(next, is_read ? topics[t].count : 0);
        check(!is_read || most - least <= 1);
    }
    arena_reset(&arena);
}
