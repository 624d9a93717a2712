/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/mutant.h - deliberate bugs, to show that the tests would see real ones.
 *
 * An ordinary build has MUTANT_NONE and the compiler removes every branch.  A build
 * configured with -DMOLDAU_MUTANT=<name> has exactly one of these bugs, and exists
 * only so that a test can fail on it.
 */

enum mutant {
    MUTANT_NONE,
    MUTANT_ACK_BEFORE_SYNC, /* Acknowledges and shows a record before it is synced. */
    MUTANT_FORGET_TAIL,     /* Recovery cuts the log at the last checkpoint. */
    MUTANT_SKIP_REPLAY,     /* The commit log is not replayed after a crash. */
    MUTANT_POINT_AHEAD,     /* A recovery point moves before what lies below it is synced. */
    MUTANT_START_AHEAD,     /* A start moves before it is durable. */
    MUTANT_IDS_TWICE,       /* Blocks of producer ids overlap. */
    MUTANT_METADATA_EARLY,  /* Topics are announced before they are durable. */
    MUTANT_CLEAN_NEWEST,    /* The cleaner drops the newest record of a key now and then. */
    MUTANT_CLEAN_UNSYNCED,  /* The cleaner puts a copy in place that is not durable. */
    MUTANT_DROP_AHEAD,      /* Segments go before the start above them is durable. */
    MUTANT_NAMES_BEHIND,  /* Points and starts move before the names of new segments are durable. */
    MUTANT_SHOW_UNSYNCED, /* Readers see what is not synced yet; producers wait. */
    MUTANT_FORGET_PRODUCERS, /* Recovery takes producers from snapshots alone. */
    MUTANT_TORN_TAIL,        /* Recovery believes batches whose checksum is wrong. */
    MUTANT_STALE_BEAT,       /* Heartbeats of older generations are taken. */
    MUTANT_STALE_COMMIT,     /* Commits of older generations are taken. */
    MUTANT_COMMIT_EARLY,     /* What coordinators write is answered before it is durable. */
    MUTANT_HASTY_REBALANCE,  /* A rebalance does not wait for members that are on their way. */
    MUTANT_STATIC_UNFENCED,  /* A static member that was replaced is still taken for one. */
    MUTANT_DELETE_ACTIVE,    /* Groups are deleted although they have members. */
    MUTANT_EXPIRE_ACTIVE,    /* Offsets expire although their group is in use. */
    MUTANT_LOAD_DELETED,     /* Offsets that were deleted come back with a restart. */
};

#ifndef MUTANT
#    define MUTANT MUTANT_NONE
#endif

static inline int mutant_is(enum mutant m)
{
    return m == (enum mutant)MUTANT;
}
