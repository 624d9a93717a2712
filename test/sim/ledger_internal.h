/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/ledger_internal.h - what ledger.c writes down and ledger_check.c reads.
 *
 * Threading: one thread.
 * Errors:    none.
 */

#include "test/sim/history_internal.h"
#include "test/sim/ledger.h"

enum { LEDGER_GROUPS_MAX = 16 };

#define LEDGER_NEVER INT64_MAX

/* Commits and reads of one partition by one group. */
struct ledger_lane {
    size_t *commits; /* Owned, as all arrays here: numbers of commits. */
    size_t commit_count, commit_room;
    struct ledger_read *reads;
    size_t read_count, read_room;
};

struct ledger_group {
    int64_t patience_us, retention_ms;
    struct ledger_lane lanes[LEDGER_PARTITIONS_MAX];
};

struct ledger_member {
    uint32_t group, instance;
    int64_t goes_us, gone_us; /* LEDGER_NEVER: not. */
    int gone_life;
};

struct commit_entry {
    struct ledger_commit commit;
    enum ledger_outcome outcome;
    int64_t ended_us;   /* LEDGER_NEVER: no answer. */
    int64_t settled_us; /* It had happened by then: it was taken, or somebody saw it. */
    int ended_life;
};

struct forget_entry {
    uint32_t group, partition;
    int64_t began_us, ended_us;
    enum ledger_outcome outcome;
};

struct wall_entry {
    int64_t at_us, wall_ms;
};

struct ledger {
    struct ledger_group *groups[LEDGER_GROUPS_MAX]; /* Owned. */
    uint32_t group_count;
    struct ledger_member *members;
    size_t member_count, member_room;
    struct ledger_sight *sights;
    size_t sight_count, sight_room;
    struct commit_entry *commits;
    size_t commit_count, commit_room;
    struct forget_entry *forgets;
    size_t forget_count, forget_room;
    struct wall_entry *walls;
    size_t wall_count, wall_room;
    struct ledger_anomaly *anomalies;
    size_t anomaly_count, anomaly_room;
    size_t reads, expired;
};
