/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/offsets_filter.h"
#include "test/harness/check.h"

struct fixture {
    struct offsets_filter filter;
    struct arena arena;
    struct text why;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.why = {.data = NULL}};
    arena_init(&f->arena, NULL);
}

static void end(struct fixture *f)
{
    offsets_filter_fini(&f->filter);
    arena_reset(&f->arena);
    text_fini(&f->why);
}

static bool has(const struct fixture *f, const char *topic, int32_t partition)
{
    return offsets_filter_matches(&f->filter, slice_text(topic), partition);
}

TEST(offsets_filter, a_rule_names_partitions_of_topics)
{
    struct fixture f;

    start(&f);
    check(offsets_filter_rules(&f.filter, &f.arena, "a:0,b.*:2-5,:-1,c,d:7-,e:", &f.why));
    check(has(&f, "a", 0) && !has(&f, "a", 1));
    check(!has(&f, "bb", 1) && has(&f, "bb", 2) && has(&f, "bb", 4) && !has(&f, "bb", 5));
    check(has(&f, "other", 0) && !has(&f, "other", 1));
    check(has(&f, "c", 1000) && has(&f, "e", 9));
    check(!has(&f, "d", 6) && has(&f, "d", 7) && has(&f, "d", 1000));
    end(&f);
}

TEST(offsets_filter, what_is_no_rule_is_refused)
{
    static const char *const bad[] = {"a:x", "a:0-1-2", "a:1:2", "b,a:-x", "a:99999999999"};

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct fixture f;

        start(&f);
        check(!offsets_filter_rules(&f.filter, &f.arena, bad[i], &f.why));
        check(f.why.size > 0);
        end(&f);
    }
}

TEST(offsets_filter, partitions_are_numbers_joined_by_commas)
{
    struct fixture f;

    start(&f);
    check(offsets_filter_words(&f.filter, &f.arena, "a|b", "0,12", &f.why));
    check(has(&f, "a", 0) && has(&f, "b", 12) && !has(&f, "a", 1) && !has(&f, "c", 0));
    offsets_filter_fini(&f.filter);
    check(offsets_filter_words(&f.filter, &f.arena, NULL, NULL, &f.why));
    check(has(&f, "a", 77));
    offsets_filter_fini(&f.filter);
    check(!offsets_filter_words(&f.filter, &f.arena, NULL, "1,x", &f.why));
    check(slice_is_text(text_slice(&f.why),
                        "--partitions expects a comma separated list of numeric partition ids, but "
                        "received: 1,x"));
    end(&f);
}
