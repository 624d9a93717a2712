/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/groups.h - the groups of a run: their members, and what befalls these.
 *
 *      seat 0: member -- crash ... member -- pause ...
 *      seat 1: member (static) -- replaced while it lives -> member, and the old one goes on
 *      clerk:  commits, reads and deletes offsets without being a member
 *
 * Each group has seats; members die in them, sleep, leave, come back.  When the faults are over
 * every seat is taken by somebody who lives, and the group must settle: one generation, each
 * partition with one owner.  What everybody saw is judged by the ledger.
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/client.h"
#include "test/sim/ledger.h"

enum { GROUPS_MAX = 3, SEATS_MAX = 4 };

/* What the members of a group have in common. */
struct group_plan {
    char name[32];
    uint32_t number; /* In the ledger. */
    int seats;       /* 0: nobody ever joins it. */
    bool is_cooperative;
    bool is_of_consumers; /* Else its protocol is nobody's business. */
    int32_t session_ms, rebalance_ms;
};

struct groups;

/* Groups of `run`, drawn from its seed; NULL if it has none. */
struct groups *groups_create(struct run *run);

/* NULL is allowed; always returns NULL. */
struct groups *groups_destroy(struct groups *groups);

/* Nothing happens to members any more. */
void groups_finish(struct groups *groups);

/* True when every group has settled. */
bool groups_are_settled(const struct groups *groups);

/* Every offset is read once more: true when that is done. */
void groups_begin_reading(struct groups *groups);
bool groups_are_read(const struct groups *groups);

/* Looks after them; to be called every few milliseconds. */
void groups_tick(struct groups *groups);

/* Judges what was seen; what is wrong is printed on `out`, which may be NULL. */
bool groups_judge(struct groups *groups, FILE *out);

/* What has happened. */
struct ledger_sizes groups_sizes(const struct groups *groups);

/* Prints where they stand. */
void groups_print(const struct groups *groups, struct text *out);

/* --- for members and clerks ------------------------------------------------- */

/* Where it is written down what they see. */
struct ledger *groups_ledger(struct run *run);

/* The life of the coordinator, as the ledger wants it. */
int groups_life(const struct run *run);

/* A number for an assignment that a leader makes. */
uint64_t groups_next_plan(struct run *run);

/* Groups and their partitions, all of them: a bit for each of the latter. */
const struct group_plan *groups_all(const struct run *run, int *out_count);
uint64_t groups_partitions(const struct run *run);
