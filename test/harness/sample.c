/* SPDX-License-Identifier: Apache-2.0 */

/* test/harness/sample.c - tests of which some must fail, for harness_test.sh. */

#include "test/harness/check.h"

TEST(sample, passes)
{
    check(1 + 1 == 2);
    check_eq(3, 3);
    check_ok(0);
    check_text(NULL, NULL);
    check_text("a", "a");
    check_bug(bug("wanted", __FILE__, __LINE__));
}

TEST(sample, a_check_fails)
{
    check(1 + 1 == 3);
}

TEST(sample, numbers_differ)
{
    check_eq(2 + 2, 5);
}

TEST(sample, texts_differ)
{
    check_text("apples", "pears");
}

TEST(sample, a_promise_is_kept)
{
    check_bug((void)0);
}

PROPERTY(sample, one_case_in_many_fails, 1000)
{
    check(rng_below(rng, 100) != 7);
}

FUZZ(sample, an_input_fails)
{
    check(size != 5 || memcmp(data, "crash", 5) != 0);
}
