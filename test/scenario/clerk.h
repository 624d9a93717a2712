/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/clerk.h - somebody who looks after offsets without being a member of any group.
 *
 * As admin tools do: commits to groups without members, reads the offsets of all groups, deletes
 * offsets, and whole groups, which must be refused while they have members.  Sometimes its
 * commits are so large that a coordinator has much to read when it starts.  What it sees goes
 * into the ledger (test/sim/ledger.h).
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/groups.h"

struct clerk;

/* One that belongs to `run`. */
struct clerk *clerk_create(struct run *run);

/* NULL is allowed; always returns NULL. */
struct clerk *clerk_destroy(struct clerk *clerk);

/* From now on it changes nothing, and reads every offset once: true when that is done. */
void clerk_read_all(struct clerk *clerk);
bool clerk_is_done(const struct clerk *clerk);

/* Prints where it stands. */
void clerk_print(const struct clerk *clerk, struct text *out);
