/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/nemesis.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>

enum {
    PACE_MIN_US = 20 * 1000,
    PACE_MAX_US = 500 * 1000,
    CALLS_MAX = 60, /* How far ahead a death in the middle of a call is planned. */
    SLOW_US = 300 * 1000,
    PAUSE_US = 400 * 1000,
    FULL_BYTES = 64 * 1024,
};

enum harm {
    HARM_KILL,
    HARM_POWER_LOSS,
    HARM_KILL_IN_CALL,
    HARM_POWER_LOSS_IN_CALL,
    HARM_RESET,
    HARM_PAUSE,
    HARM_CLOCK,
    HARM_SLOW_DISK,
    HARM_SYNC_FAILS,
    HARM_WRITE_FAILS,
    HARM_READ_FAILS,
    HARM_NAMES_FAIL,
    HARM_DISK_FULL,
    HARM_COUNT,
};

/* How often each is chosen, of their sum. */
static const unsigned weights[HARM_COUNT] = {
    [HARM_KILL] = 20,         [HARM_POWER_LOSS] = 20,
    [HARM_KILL_IN_CALL] = 12, [HARM_POWER_LOSS_IN_CALL] = 12,
    [HARM_RESET] = 20,        [HARM_PAUSE] = 5,
    [HARM_CLOCK] = 5,         [HARM_SLOW_DISK] = 8,
    [HARM_SYNC_FAILS] = 4,    [HARM_WRITE_FAILS] = 4,
    [HARM_READ_FAILS] = 2,    [HARM_NAMES_FAIL] = 2,
    [HARM_DISK_FULL] = 2,
};

static const char *const names[HARM_COUNT] = {
    [HARM_KILL] = "kill",
    [HARM_POWER_LOSS] = "loss of power",
    [HARM_KILL_IN_CALL] = "kill in the middle of a call",
    [HARM_POWER_LOSS_IN_CALL] = "loss of power in the middle of a call",
    [HARM_RESET] = "connection reset",
    [HARM_PAUSE] = "pause",
    [HARM_CLOCK] = "clock jumps",
    [HARM_SLOW_DISK] = "slow disk",
    [HARM_SYNC_FAILS] = "sync fails",
    [HARM_WRITE_FAILS] = "write fails",
    [HARM_READ_FAILS] = "read fails",
    [HARM_NAMES_FAIL] = "change of names fails",
    [HARM_DISK_FULL] = "disk full",
};

struct nemesis {
    struct run *run;
    struct server *server;
    struct sim_event next;
    struct sim_event relief; /* Ends what lasts. */
};

static void fault(struct nemesis *n, enum disk_op op, int error)
{
    uint64_t nth = 1 + rng_below(&n->run->rng, 10);

    n->server->may_fail = true;
    disk_set_fault(sim_node_disk(n->server->node), op,
                   (struct disk_fault){.nth = nth, .error = error});
}

static void relieve(struct nemesis *n)
{
    struct disk *disk = sim_node_disk(n->server->node);

    for (int op = 0; op < DISK_OP_COUNT; op++)
        disk_set_fault(disk, (enum disk_op)op, (struct disk_fault){.error = 0});
    disk_set_capacity(disk, UINT64_MAX);
    sim_node_slow_disk(n->server->node, 0);
}

/* A process whose disk has failed is ended some time: it does not trust the disk again. */
static void relief(struct sim *sim, struct sim_event *event)
{
    struct nemesis *n = container_of(event, struct nemesis, relief);

    (void)sim;
    relieve(n);
    if (n->server->may_fail && sim_node_is_up(n->server->node)) {
        run_say(n->run, "nemesis: relief");
        server_kill(n->server, rng_chance(&n->run->rng, 50) ? SIM_KILL : SIM_POWER_LOSS);
    }
    n->server->may_fail = false;
}

static enum harm choose(struct rng *rng)
{
    unsigned sum = 0;
    unsigned at;

    for (int i = 0; i < HARM_COUNT; i++)
        sum += weights[i];
    at = (unsigned)rng_below(rng, sum);
    for (int i = 0; i < HARM_COUNT; i++) {
        if (at < weights[i])
            return (enum harm)i;
        at -= weights[i];
    }
    return HARM_KILL;
}

static void kill_in_call(struct nemesis *n, enum sim_death death)
{
    sim_node_kill_at(n->server->node, death, 1 + rng_below(&n->run->rng, CALLS_MAX));
}

static void do_harm(struct nemesis *n, enum harm harm)
{
    struct sim_node *node = n->server->node;
    struct rng *rng = &n->run->rng;

    switch (harm) {
    case HARM_KILL: server_kill(n->server, SIM_KILL); break;
    case HARM_POWER_LOSS: server_kill(n->server, SIM_POWER_LOSS); break;
    case HARM_KILL_IN_CALL: kill_in_call(n, SIM_KILL); break;
    case HARM_POWER_LOSS_IN_CALL: kill_in_call(n, SIM_POWER_LOSS); break;
    case HARM_RESET: (void)sim_reset_one(node); break;
    case HARM_PAUSE: sim_node_pause(node, rng_between(rng, 1000, PAUSE_US)); break;
    case HARM_CLOCK: sim_node_jump_clock(node, rng_between(rng, -600000, 600000)); break;
    case HARM_SLOW_DISK: sim_node_slow_disk(node, rng_between(rng, 1000, SLOW_US)); break;
    case HARM_SYNC_FAILS: fault(n, DISK_SYNC, -EIO); break;
    case HARM_WRITE_FAILS: fault(n, DISK_WRITE, rng_chance(rng, 50) ? -EIO : -ENOSPC); break;
    case HARM_READ_FAILS: fault(n, DISK_READ, -EIO); break;
    case HARM_NAMES_FAIL: fault(n, rng_chance(rng, 50) ? DISK_NAMES : DISK_SYNC_NAMES, -EIO); break;
    case HARM_DISK_FULL:
        n->server->may_fail = true;
        disk_set_capacity(sim_node_disk(node), FULL_BYTES);
        break;
    case HARM_COUNT: break;
    }
}

/* Where there are several, each takes its time. */
static void set_next(struct nemesis *n)
{
    int64_t pause_us = rng_between(&n->run->rng, PACE_MIN_US, PACE_MAX_US);

    sim_event_set(n->run->sim, &n->next, sim_now_us(n->run->sim) + pause_us * n->run->server_count);
}

static void next(struct sim *sim, struct sim_event *event)
{
    struct nemesis *n = container_of(event, struct nemesis, next);
    struct rng *rng = &n->run->rng;
    enum harm harm = choose(rng);

    /* One that has gone wrong already gets no more than that. */
    if (!n->server->may_fail || harm <= HARM_RESET) {
        run_say(n->run, "nemesis: %s", names[harm]);
        do_harm(n, harm);
    }
    if (harm >= HARM_SLOW_DISK && !n->relief.node.linked)
        sim_event_set(sim, &n->relief, sim_now_us(sim) + rng_between(rng, 1000, PACE_MAX_US));
    set_next(n);
}

struct nemesis *nemesis_create(struct run *run, struct server *server)
{
    struct nemesis *n = mem_new(sizeof(*n));

    n->run = run;
    n->server = server;
    n->next.fire = next;
    n->relief.fire = relief;
    set_next(n);
    return n;
}

struct nemesis *nemesis_destroy(struct nemesis *n)
{
    if (!n)
        return NULL;
    sim_event_cancel(n->run->sim, &n->next);
    sim_event_cancel(n->run->sim, &n->relief);
    sim_node_kill_at(n->server->node, SIM_KILL, 0);
    relief(n->run->sim, &n->relief);
    mem_free(n);
    return NULL;
}
