/* SPDX-License-Identifier: Apache-2.0 */
#include "base/age_clock.h"
#include "test/harness/check.h"

#define START INT64_C(1790000000000)
#define YEARS INT64_C(315360000000)
#define HOUR AGE_CLOCK_STEADY_MS

TEST(age_clock, what_it_is_told_first_is_believed)
{
    struct age_clock clock = {.is_set = false};

    check_eq(age_clock_now(&clock, START, 77), START);
    check_eq(age_clock_now(&clock, START + 5000, 5077), START + 5000);
}

/* A clock is corrected by little all the time. */
TEST(age_clock, it_follows_a_clock_that_drifts)
{
    struct age_clock clock = {.is_set = false};

    for (int64_t i = 0; i < 10000; i++)
        check_eq(age_clock_now(&clock, START + i * 60007, i * 60000), START + i * 60007);
}

TEST(age_clock, nothing_ages_by_a_jump_for_an_hour)
{
    struct age_clock clock = {.is_set = false};

    check_eq(age_clock_now(&clock, START, 0), START);
    check_eq(age_clock_now(&clock, START + YEARS + 1000, 1000), START + 1000);
    check_eq(age_clock_now(&clock, START + YEARS + HOUR, HOUR), START + HOUR);
    check_eq(age_clock_now(&clock, START + YEARS + HOUR + 1000, HOUR + 1000),
             START + YEARS + HOUR + 1000);
}

TEST(age_clock, a_jump_that_is_taken_back_does_no_harm)
{
    struct age_clock clock = {.is_set = false};

    check_eq(age_clock_now(&clock, START, 0), START);
    check_eq(age_clock_now(&clock, START + YEARS, 10), START + 10);
    for (int64_t at = 20; at < 3 * HOUR; at += 60000)
        check_eq(age_clock_now(&clock, START + at, at), START + at);
}

/* What is written now has the time that the clock says now: it is not as old as it would be by a
 * clock that was ahead. */
TEST(age_clock, a_clock_that_is_set_back_is_followed_at_once)
{
    struct age_clock clock = {.is_set = false};

    check_eq(age_clock_now(&clock, START + YEARS, 0), START + YEARS);
    check_eq(age_clock_now(&clock, START + 10, 10), START + 10);
    check_eq(age_clock_now(&clock, START + HOUR, HOUR), START + HOUR);
    check_eq(age_clock_now(&clock, START + YEARS + HOUR, HOUR + 10), START + YEARS + HOUR);
}

TEST(age_clock, each_jump_begins_the_hour_anew)
{
    struct age_clock clock = {.is_set = false};
    int64_t ahead = 0;

    check_eq(age_clock_now(&clock, START, 0), START);
    for (int64_t at = HOUR / 2; at < 10 * (int64_t)HOUR; at += HOUR / 2) {
        ahead += YEARS;
        check_eq(age_clock_now(&clock, START + ahead + at, at), START + at);
    }
}
