/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/age_clock.h - the time by which something is old enough to be deleted.
 *
 * A machine's clock can be wrong for a while: a dead battery, a mistake of an operator or of a
 * time server.  Whoever deletes by such a clock loses everything at once, and for good.  So the
 * time of day is held against the monotonic clock, which nobody sets.  After a jump, ages are
 * counted by whichever is less: what the clock says now, or what it would say had it not jumped.
 * Once it has agreed with the monotonic clock for an hour, it is believed again.
 *
 *      clock      ------x................jump..........................
 *      believed   ------x - - goes on as before - - - - (an hour) x....
 *
 * Threading: pure functions; the struct has one owner.
 * Errors:    none.
 */

#include "base/base.h"

enum { AGE_CLOCK_JUMP_MS = 10 * 1000, AGE_CLOCK_STEADY_MS = 60 * 60 * 1000 };

/* Zeroed, it believes what it is told first. */
struct age_clock {
    bool is_set;
    int64_t believed_ms, seen_ms; /* How far the clock is ahead of the monotonic one. */
    int64_t steady_since_ms;      /* Monotonic: of the last jump. */
};

/* The time in ms by which ages are counted; the clock and the monotonic clock say `wall_ms` and
 * `monotonic_ms` now.  Never more than `wall_ms`. */
static inline int64_t age_clock_now(struct age_clock *clock, int64_t wall_ms, int64_t monotonic_ms)
{
    int64_t ahead_ms = wall_ms - monotonic_ms;
    int64_t jump_ms = ahead_ms - clock->seen_ms;

    if (!clock->is_set)
        *clock = (struct age_clock){.is_set = true,
                                    .believed_ms = ahead_ms,
                                    .steady_since_ms = monotonic_ms - AGE_CLOCK_STEADY_MS};
    else if (jump_ms > AGE_CLOCK_JUMP_MS || jump_ms < -AGE_CLOCK_JUMP_MS)
        clock->steady_since_ms = monotonic_ms;
    clock->seen_ms = ahead_ms;
    if (monotonic_ms - clock->steady_since_ms >= AGE_CLOCK_STEADY_MS)
        clock->believed_ms = ahead_ms;
    return min_of(wall_ms, monotonic_ms + clock->believed_ms);
}
