/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/ledger.h - what members of groups did and saw, and whether an honest coordinator
 * explains it.
 *
 * As test/sim/history.h is for logs: written down while a test runs, judged when it is over, and
 * it knows nothing of brokers.  Groups, members, partitions are numbers.
 *
 *      member:    joined, assigned, alive ... thrown out, goes, is replaced
 *      anybody:   commit ... taken, refused or silence;  read;  forget ... taken, ...
 *      the world: the wall clock
 *
 * Every commit has a number of its own, which whoever reads tells, so that each read names the
 * commit that it shows.  A commit without an answer may count at any time, or never.
 *
 * Times are the world's microseconds.  What happened in one microsecond is not ordered.  `life`
 * numbers the lives of the coordinator: what is not durable is forgotten from one to the next.
 * A joined generation is not durable; an assignment is, and a commit.
 *
 * Threading: one thread.
 * Errors:    none; what is wrong is listed by ledger_check().
 */

#include "base/base.h"

#include <stdio.h>

struct ledger;

enum { LEDGER_PARTITIONS_MAX = 64, LEDGER_ANY_LIFE = 0 /* Equal to no other. */ };

#define LEDGER_NOBODY UINT32_MAX        /* As a member or an instance. */
#define LEDGER_ALL UINT32_MAX           /* As a partition: the whole group. */
#define LEDGER_NOTHING UINT64_MAX       /* What is read where nothing is committed. */
#define LEDGER_GARBAGE (UINT64_MAX - 1) /* What is read and no commit. */

/* What a coordinator must never do. */
enum ledger_anomaly_kind {
    LEDGER_OWNED_TWICE,     /* One partition, two members, one generation. */
    LEDGER_TWO_PLANS,       /* Assignments of one generation that come from two leaders' deeds. */
    LEDGER_GENERATION_BACK, /* A generation that is older than one that was seen before. */
    LEDGER_STALE,           /* Who is of an old generation, or out, is taken for a member. */
    LEDGER_THROWN_OUT,      /* A member is out without a reason. */
    LEDGER_DELETED_ACTIVE,  /* A group was deleted while it had members. */
    LEDGER_OFFSET_BACK,     /* A read that shows an older commit than counts. */
    LEDGER_OFFSET_LOST,     /* Nothing is there, and nobody has taken it away. */
    LEDGER_UNDELETED,       /* What was deleted, or had gone, is there. */
    LEDGER_PHANTOM,         /* A read that shows what nobody has committed there. */
    LEDGER_KIND_COUNT,
};

enum ledger_outcome { LEDGER_TAKEN, LEDGER_REFUSED, LEDGER_UNKNOWN };

enum ledger_sight_kind {
    LEDGER_JOINED,   /* JoinGroup was answered with a generation. */
    LEDGER_ASSIGNED, /* SyncGroup was answered. */
    LEDGER_ALIVE,    /* A heartbeat was answered: all is well. */
    LEDGER_STRANGER, /* The coordinator does not know the member. */
};

/* Something that a member has seen. */
struct ledger_sight {
    enum ledger_sight_kind kind;
    uint32_t group, member;
    int32_t generation;
    int64_t began_us, ended_us;
    int life;
    uint64_t plan;       /* ASSIGNED: the number that the leader has given it; 0: nothing. */
    uint64_t partitions; /* ASSIGNED: a bit for each. */
};

struct ledger_commit {
    uint32_t group, partition;
    int64_t offset;
    uint32_t member; /* Or LEDGER_NOBODY. */
    int32_t generation;
    int64_t began_us;
    int life;
};

struct ledger_read {
    uint32_t group, partition;
    uint64_t commit; /* LEDGER_NOTHING, LEDGER_GARBAGE. */
    int64_t offset;
    int64_t began_us, ended_us;
};

struct ledger_anomaly {
    enum ledger_anomaly_kind kind;
    uint32_t group, partition; /* Or LEDGER_ALL. */
    int64_t at_us;
    uint64_t first, second; /* Commits, members or generations, as the kind has it. */
};

/* Nothing has happened yet. */
struct ledger *ledger_create(void) NODISCARD;

/* NULL is allowed; always returns NULL. */
struct ledger *ledger_destroy(struct ledger *ledger);

SCOPED_BY(ledger_destroy, struct ledger *);

/* --- writing it down -------------------------------------------------------- */

/* A group, whose members are out after `patience_us` without a sign of life, not before, and
 * whose offsets may go `retention_ms` after its last member (or, without members, a commit). */
uint32_t ledger_add_group(struct ledger *ledger, int64_t patience_us, int64_t retention_ms);

/* A member, which has been given an id.  Static ones have the number of an instance. */
uint32_t ledger_add_member(struct ledger *ledger, uint32_t group, uint32_t instance);

void ledger_saw(struct ledger *ledger, const struct ledger_sight *sight);

/* A member asks to be out.  A moment later, perhaps, it is. */
void ledger_goes(struct ledger *ledger, uint32_t member, int64_t at_us);

/* It is out, by its own wish or since another has taken its place, as long as this life lasts. */
void ledger_gone(struct ledger *ledger, uint32_t member, int64_t at_us, int life);

/* Somebody commits; returns the number of the commit. */
uint64_t ledger_commit(struct ledger *ledger, const struct ledger_commit *commit);
void ledger_commit_over(struct ledger *ledger, uint64_t commit, enum ledger_outcome outcome,
                        int64_t at_us, int life);

void ledger_read(struct ledger *ledger, const struct ledger_read *read);

/* Somebody deletes an offset, or (LEDGER_ALL) the group; returns a number. */
size_t ledger_forget(struct ledger *ledger, uint32_t group, uint32_t partition, int64_t at_us);
void ledger_forget_over(struct ledger *ledger, size_t forget, enum ledger_outcome outcome,
                        int64_t at_us);

/* What the coordinator's clock on the wall shows, in the order of time. */
void ledger_wall(struct ledger *ledger, int64_t at_us, int64_t wall_ms);

/* --- judging ---------------------------------------------------------------- */

/* Looks for all of them; returns how many there are. */
size_t ledger_check(struct ledger *ledger);

/* How many of one kind there are. */
size_t ledger_count(const struct ledger *ledger, enum ledger_anomaly_kind kind);

/* "owned twice", "offset back" ... */
const char *ledger_kind_name(enum ledger_anomaly_kind kind);

/* Prints the first `limit` of them. */
void ledger_print(const struct ledger *ledger, FILE *out, size_t limit);

/* What has happened, for tests that something did. */
struct ledger_sizes {
    size_t assignments, generations; /* The latter with assignments. */
    size_t commits, taken, refused, reads, forgotten;
    size_t expired; /* Reads that only time explains. */
};
struct ledger_sizes ledger_sizes(const struct ledger *ledger);
