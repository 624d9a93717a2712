/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"
#include "test/harness/check.h"

TEST(budget, a_full_budget_refuses_and_counts_it)
{
    struct budget budget;

    budget_init(&budget, 100);
    check_ok(budget_charge(&budget, 60));
    check_eq(budget_charge(&budget, 41), BUDGET_E_FULL);
    check_eq(budget.used, 60);
    check_eq(budget.refusals, 1);
    check_ok(budget_charge(&budget, 40));
    check_eq(budget_charge(&budget, 1), BUDGET_E_FULL);
    check_ok(budget_charge(&budget, 0));
    budget_release(&budget, 100);
    check_eq(budget.used, 0);
    check_eq(budget.peak, 100);
}

TEST(budget, what_cannot_be_refused_overdraws)
{
    struct budget budget;

    budget_init(&budget, 100);
    budget_charge_always(&budget, 150);
    check_eq(budget_charge(&budget, 1), BUDGET_E_FULL);
    check_eq(budget_charge(&budget, SIZE_MAX), BUDGET_E_FULL);
    budget_release(&budget, 100);
    check_ok(budget_charge(&budget, 50));
    check_eq(budget.peak, 150);
}

TEST(budget, more_is_never_given_back_than_was_charged)
{
    struct budget budget;

    budget_init(&budget, 100);
    check_ok(budget_charge(&budget, 60));
    check_bug(budget_release(&budget, 61));
}
