/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/faulty_io.h - a world that stands before another one, counts the calls to
 * its disk, and makes one of them fail.
 *
 *     struct faulty_io faulty;
 *     faulty_io_init(&faulty, linux_io);
 *     faulty_io_arm(&faulty, FAULTY_WRITE, 3, -ENOSPC);
 *     ... &faulty.io is given to the code under test; its third write fails ...
 *
 * Syncs are counted and not done: no test turns the power off, and a real disk is slow.
 * Work runs when the test says so, on the test's own thread: in poll(), or, while
 * `holds_work` is set, in faulty_io_run_work() only.
 */

#include "os/io.h"

#include <errno.h>

enum faulty_call {
    FAULTY_OPEN = 1 << 0, /* Files and folders. */
    FAULTY_READ = 1 << 1,
    FAULTY_WRITE = 1 << 2,
    FAULTY_TRUNCATE = 1 << 3,
    FAULTY_SYNC = 1 << 4,  /* Files and folders. */
    FAULTY_NAMES = 1 << 5, /* Making, renaming and removing. */
    FAULTY_SIZE = 1 << 6,  /* Asking for it. */
    FAULTY_ANY = (1 << 7) - 1,
};

struct faulty_io {
    struct io io;
    struct io *under; /* Borrowed. */

    unsigned kinds; /* enum faulty_call: those that count towards `fail_at`. */
    int fail_at;    /* 1: the next of them fails; 0: none does. */
    int fail_count; /* How many fail from there on; INT32_MAX: all. */
    int error;
    bool tears;  /* A write that fails has written half. */
    bool lies;   /* What fails has happened. */
    int failed;  /* How many calls have failed. */
    int counted; /* How many of `kinds` there were since the arming. */

    uint64_t read_bytes, written_bytes; /* Since the beginning. */
    int syncs;
    int64_t wall_ms;  /* What the clock says; 0: the other world's. */
    int64_t later_us; /* How far the other clock is ahead of the other world's. */

    struct io_work *works, **works_tail;
    bool holds_work;
};

/* Nothing fails at first. */
void faulty_io_init(struct faulty_io *faulty, struct io *under);

/* The `fail_at`th of the calls of `kinds` fails with `error`; 0 for none. */
void faulty_io_arm(struct faulty_io *faulty, unsigned kinds, int fail_at, int error);

/* Runs the work that was submitted, and its done(); returns how much there was. */
int faulty_io_run_work(struct faulty_io *faulty);
