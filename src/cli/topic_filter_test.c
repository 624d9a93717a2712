/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/topic_filter.h"
#include "test/harness/check.h"

static bool matches(const char *expression, const char *name)
{
    struct topic_filter filter;
    struct text why = {.data = NULL};
    bool does;

    check_ok(topic_filter_init(&filter, expression, &why));
    does = topic_filter_matches(&filter, slice_text(name));
    topic_filter_fini(&filter);
    text_fini(&why);
    return does;
}

TEST(topic_filter, the_whole_name_must_match)
{
    check(matches("orders", "orders"));
    check(!matches("orders", "orders2"));
    check(!matches("rders", "orders"));
    check(matches("ord.*", "orders"));
}

TEST(topic_filter, commas_are_alternatives)
{
    check(matches("a,b", "a"));
    check(matches("a, b", "b"));
    check(!matches("a,b", "c"));
    check(!matches("a,b", "ab"));
    check(matches("a|", "a"));
}

TEST(topic_filter, quotes_around_it_are_dropped)
{
    check(matches("\"orders\"", "orders"));
    check(matches("'orders'", "orders"));
}

TEST(topic_filter, perls_classes_are_known)
{
    check(matches("a\\d+", "a12"));
    check(!matches("a\\d+", "ab"));
    check(matches("[\\d_]+", "1_2"));
    check(matches("\\w+", "ab_1"));
    check(!matches("\\D+", "a1"));
    check(matches("(?:ra|x)+", "rax"));
    check(matches("a\\.b", "a.b"));
    check(!matches("a\\.b", "axb"));
    check(matches("[.]", "."));
}

TEST(topic_filter, what_is_no_expression_is_refused)
{
    struct topic_filter filter;
    struct text why = {.data = NULL};

    check_eq(topic_filter_init(&filter, "[", &why), TOPIC_FILTER_E_INVALID);
    check_text(why.data, "[ is an invalid regex.");
    topic_filter_fini(&filter);
    text_fini(&why);
}
