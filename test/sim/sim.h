/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/sim.h - a world made from a number, behind the same struct io as the kernel.
 *
 *      struct sim ---- node "broker" ---- disk      (outlives the process)
 *          |               '---- io, io  ---- loop  (one per shard; dies with the process)
 *          |---- node "client" ...
 *          '---- events in virtual time: packets, work, timers, turns, the test's own
 *
 * Nothing in it waits.  The world takes the earliest event, sets its clock to it and lets
 * it happen; a loop is turned a little after something is due for it, so that what arrives
 * together is seen together.  All chance comes from the seed: the same seed and the same
 * calls give the same run, event for event, which sim_trace_hash() sums up.
 *
 *   files     see test/sim/disk.h.  A sync takes effect at one moment between the submit
 *             and the done of its work; what is written after that moment is not covered.
 *   sockets   bytes arrive in order, late and in pieces.  Buffers are bounded.  A process
 *             that dies has its sockets closed by its kernel; a machine that loses power
 *             falls silent, and its peers hear of it when it is back, or never.
 *   work      runs later and ends later still, in any order.
 *   clocks    monotonic per node, wall with jumps.
 *
 * A kill may come at any call (sim_kill_at()), in the middle of a turn: from then on every
 * call of the dead node's ios fails with -EIO or does nothing, and its loops are not turned
 * again; their owner then frees what the process had in memory.  A poll() of a dead io ends
 * the work that was in flight, for owners that wait for it.
 *
 * What the kernel would punish with an error that nobody expects (a descriptor that is not
 * open, two watches of one socket, work submitted twice ...) is a bug of the program: it
 * ends the run, with the seed printed.
 *
 * Threading: one thread.
 * Errors:    as os/io.h has them.
 */

#include "os/loop.h"
#include "test/sim/disk.h"

#include <stdio.h>

struct sim;
struct sim_node;

struct sim_options {
    uint64_t seed;
    FILE *trace;         /* Borrowed: where each event is printed; NULL is nowhere. */
    uint64_t events_max; /* More are taken for a world that spins; 0: many millions. */
    unsigned latency_us; /* Of the network, typically; 0: 100. */
    bool is_calm;        /* No rare delays, short sends or spurious readiness. */
};

/* What has happened so far. */
struct sim_stats {
    uint64_t events, turns, works, syncs, packets, bytes_sent, bytes_written;
    uint64_t kills, power_losses, resets, faults;
};

enum sim_death {
    SIM_KILL,       /* The process dies; the kernel and its page cache live. */
    SIM_POWER_LOSS, /* The machine stops: what was not synced is gambled with. */
};

/* A world without nodes, at time 0. */
struct sim *sim_create(const struct sim_options *options) NODISCARD;

/* Frees the world, its nodes and their ios.  NULL is allowed; always returns NULL. */
struct sim *sim_destroy(struct sim *sim);

SCOPED_BY(sim_destroy, struct sim *);

/* Virtual microseconds since the world began. */
int64_t sim_now_us(const struct sim *sim);

/* Chance for the test's own decisions, from the same seed. */
struct rng *sim_rng(struct sim *sim);

/* A sum over all events so far: equal for equal runs. */
uint64_t sim_trace_hash(const struct sim *sim);

/* Counters, for reports and for tests that something did happen. */
const struct sim_stats *sim_stats(const struct sim *sim);

/* --- nodes ------------------------------------------------------------------ */

/* A machine of its own, with an empty disk, that is switched on. */
struct sim_node *sim_node_create(struct sim *sim, const char *name);

/* Another process on the machine of `other`, with the same disk and the same fate. */
struct sim_node *sim_node_create_beside(struct sim_node *other, const char *name);

/* The numeric address that other nodes reach it at. */
const char *sim_node_host(const struct sim_node *node);

/* Its disk: for faults, and to look at what is there. */
struct disk *sim_node_disk(struct sim_node *node);

/* False from a death until sim_node_boot(). */
bool sim_node_is_up(const struct sim_node *node);

/* False from a loss of power until sim_node_boot(). */
bool sim_node_has_power(const struct sim_node *node);

/* Ends the process on `node`, or with SIM_POWER_LOSS all on its machine. */
void sim_node_kill(struct sim_node *node, enum sim_death death);

/* Kills in the middle of the n-th call from now that changes or syncs the disk; that call
 * may have happened, or a part of it.  0 takes it back. */
void sim_node_kill_at(struct sim_node *node, enum sim_death death, uint64_t nth);

/* Switches a dead node on again, with what its disk has kept. */
void sim_node_boot(struct sim_node *node);

/* Stops its loops and its work for a while; packets go on arriving (SIGSTOP). */
void sim_node_pause(struct sim_node *node, int64_t us);

/* Moves its wall clock. */
void sim_node_jump_clock(struct sim_node *node, int64_t ms);

/* Makes each work wait up to `us` more, for its run and again for its end. */
void sim_node_slow_disk(struct sim_node *node, int64_t us);

/* How many descriptors may be open before open, accept and connect get -EMFILE. */
void sim_node_limit_files(struct sim_node *node, size_t count);

/* Open descriptors of all kinds. */
size_t sim_node_open_files(const struct sim_node *node);

/* --- ios -------------------------------------------------------------------- */

/* The world as one loop of `node` sees it. */
struct io *sim_io_create(struct sim_node *node) NODISCARD;

/* Frees it.  A living one has no watch and no work any more; NULL is allowed.  Always
 * returns NULL. */
struct io *sim_io_destroy(struct io *io);

/* Turns `loop`, which was made on `io`, whenever something is due for it; NULL takes it
 * back. */
void sim_attach(struct io *io, struct loop *loop);

/* --- the network ------------------------------------------------------------ */

/* Cuts the two nodes off from each other, or joins them again: what is sent meanwhile
 * waits, as if it were sent again until it gets through. */
void sim_cut(struct sim *sim, struct sim_node *a, struct sim_node *b, bool is_cut);

/* Breaks one connection of those that `node` has, drawn by chance: what is under way is
 * delivered up to some point, then both sides hear of a reset.  False if it has none. */
bool sim_reset_one(struct sim_node *node);

/* --- time ------------------------------------------------------------------- */

/* Something of the test's own at a time.  Embedded in its owner, who may take it back. */
struct sim_event {
    void (*fire)(struct sim *sim, struct sim_event *event);
    struct heap_node node; /* In the world's queue. */
};

/* Lets `event` happen at `at_us`, or now if that has passed; replaces an earlier time. */
void sim_event_set(struct sim *sim, struct sim_event *event, int64_t at_us);

/* Takes the event back; one that is not set is left alone. */
void sim_event_cancel(struct sim *sim, struct sim_event *event);

/* Lets everything happen up to `until_us`, which is then the time. */
void sim_run(struct sim *sim, int64_t until_us);

/* As sim_run(), and stops as soon as `is_done(context)`; false if that did not come. */
bool sim_run_until(struct sim *sim, int64_t until_us, bool (*is_done)(void *context),
                   void *context);
