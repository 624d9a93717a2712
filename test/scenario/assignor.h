/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/assignor.h - who of a group gets which partitions.
 *
 * What members tell the leader, and what it tells them, is bytes to the coordinator; but of
 * consumers it reads the topics.  So consumers say them as Kafka's do.
 *
 * An eager group is dealt out anew each time.  In a cooperative one members keep what they own;
 * what has too many owners, or an owner that has too much, is given to nobody until the next
 * rebalance, which whoever must give something up begins.
 *
 * Threading: pure functions.
 * Errors:    bytes that are none of ours fail the run.
 */

#include "test/scenario/groups.h"

/* The name of the protocol. */
const char *assignor_name(const struct group_plan *group);

/* What a member that owns these partitions says of itself. */
struct slice assignor_metadata(struct run *run, const struct group_plan *group, struct arena *arena,
                               uint64_t owned, int32_t generation);

/* What it owned, as it said. */
uint64_t assignor_owned(struct run *run, const struct group_plan *group, struct arena *arena,
                        struct slice metadata);

/* Deals `all` out to `count` members that own `owned`. */
void assignor_assign(const struct group_plan *group, uint64_t all, const uint64_t *owned,
                     uint64_t *out, size_t count);

/* An assignment of the plan with this number, and back. */
struct slice assignor_encode(struct arena *arena, uint64_t plan, uint64_t partitions);
void assignor_decode(struct run *run, struct slice bytes, uint64_t *out_plan,
                     uint64_t *out_partitions);
