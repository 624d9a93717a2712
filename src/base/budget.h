/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/budget.h - a bound on memory whose size somebody else chooses.
 *
 * A budget counts bytes, it does not hold any.  Charge before allocating; when it is
 * full, stop reading or refuse, and say so.
 *
 * Threading: a budget belongs to one shard.
 */

#include "base/base.h"

struct budget {
    size_t limit; /* Bytes that may be charged at once. */
    size_t used;
    size_t peak;     /* The most that was ever used. */
    size_t refusals; /* How often it was full. */
};

enum budget_outcome { BUDGET_E_FULL = 1 };

static inline void budget_init(struct budget *budget, size_t limit)
{
    *budget = (struct budget){.limit = limit};
}

/* Charges although it may overdraw: for what cannot be refused any more. */
static inline void budget_charge_always(struct budget *budget, size_t size)
{
    budget->used += size;
    budget->peak = max_of(budget->peak, budget->used);
}

/* Charges `size` bytes, or charges nothing and returns BUDGET_E_FULL. */
NODISCARD static inline int budget_charge(struct budget *budget, size_t size)
{
    if (budget->used > budget->limit || size > budget->limit - budget->used) {
        budget->refusals++;
        return BUDGET_E_FULL;
    }
    budget_charge_always(budget, size);
    return 0;
}

/* Gives back what was charged. */
static inline void budget_release(struct budget *budget, size_t size)
{
    assert(budget->used >= size);
    budget->used -= size;
}
