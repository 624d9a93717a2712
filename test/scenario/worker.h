/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/worker.h - a consumer in a classic group.
 *
 *      find --> join --> sync --> start (where has the group read to?) --> run
 *                ^                                                          |
 *                '---- rebalance, or not a member any more ----------------'
 *
 * It does as consumers do: while it runs it sends heartbeats, reads the records of the
 * partitions that it owns, and commits how far it has come.  Who leads the group makes the
 * assignment, each of which has a number of its own.  What it is told goes into the ledger
 * (test/sim/ledger.h).
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/groups.h"

struct worker;

/* A member of a group; `instance` is not 0 for a static one.  `former` is who had the place
 * before (as worker_number()), or LEDGER_NOBODY. */
struct worker *worker_create(struct run *run, const struct group_plan *group, uint32_t instance,
                             uint32_t former);

/* It is gone without a word.  NULL is allowed; always returns NULL. */
struct worker *worker_destroy(struct worker *worker);

/* It does nothing for a while, then goes on as if nothing had been. */
void worker_pause(struct worker *worker, int64_t us);

/* It leaves the group, and is over. */
void worker_leave(struct worker *worker);

/* It joins again, as if it had something new to say. */
void worker_rejoin(struct worker *worker);

/* Another one has come for its place. */
void worker_supersede(struct worker *worker);

/* True when it has left, or has been fenced. */
bool worker_is_over(const struct worker *worker);

/* True while it owns what it was assigned; then the generation, and a bit for each partition. */
bool worker_is_settled(const struct worker *worker, int32_t *out_generation,
                       uint64_t *out_partitions);

/* Who it is in the ledger, or LEDGER_NOBODY. */
uint32_t worker_number(const struct worker *worker);

/* Prints where it stands. */
void worker_print(const struct worker *worker, struct text *out);
