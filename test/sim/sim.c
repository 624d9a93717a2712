/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim.c - time, nodes and death. */

#include "base/mem.h"
#include "test/sim/sim_internal.h"

#include <inttypes.h>

enum {
    EVENTS_MAX_DEFAULT = 50 * 1000 * 1000,
    LATENCY_DEFAULT_US = 100,
    OPEN_FILES_DEFAULT = 10000,
    FIRST_PORT = 32768,
};

/* 2027-01-15, in the middle of nothing. */
static const int64_t wall_begin_ms = 1800000000000;

void sim_bug(struct sim *sim, const char *what, const char *file, int line)
{
    fprintf(stderr,
            "simulated world, seed %" PRIu64 ", at %" PRId64 " us: a rule of io.h is broken\n",
            sim->options.seed, sim->now_us);
    bug(what, file, line);
}

/* --- the world -------------------------------------------------------------- */

struct sim *sim_create(const struct sim_options *options)
{
    struct sim *sim = mem_new(sizeof(*sim));

    sim->options = *options;
    if (sim->options.events_max == 0)
        sim->options.events_max = EVENTS_MAX_DEFAULT;
    if (sim->options.latency_us == 0)
        sim->options.latency_us = LATENCY_DEFAULT_US;
    sim->rng = rng_of(options->seed);
    sim->trace_hash = options->seed;
    heap_init(&sim->events);
    list_init(&sim->nodes);
    sim_net_init(sim);
    return sim;
}

static void node_free(struct sim_node *node)
{
    sim_files_close_all(node, true);
    list_each_safe (member, &node->ios)
        (void)sim_io_destroy(&container_of(member, struct sim_io, member)->io);
    if (--node->machine->users == 0) {
        node->machine->disk = disk_destroy(node->machine->disk);
        mem_free(node->machine);
    }
    mem_free(node->files);
    list_remove(&node->node);
    mem_free(node);
}

struct sim *sim_destroy(struct sim *sim)
{
    if (!sim)
        return NULL;
    list_each (node, &sim->nodes) /* Nobody hears of it: their world ends too. */
        list_each (member, &container_of(node, struct sim_node, node)->ios)
            sim_io_die(container_of(member, struct sim_io, member));
    list_each_safe (node, &sim->nodes)
        node_free(container_of(node, struct sim_node, node));
    sim_net_fini(sim);
    mem_free(sim);
    return NULL;
}

int64_t sim_now_us(const struct sim *sim)
{
    return sim->now_us;
}

struct rng *sim_rng(struct sim *sim)
{
    return &sim->rng;
}

uint64_t sim_trace_hash(const struct sim *sim)
{
    return sim->trace_hash;
}

const struct sim_stats *sim_stats(const struct sim *sim)
{
    return &sim->stats;
}

/* --- time ------------------------------------------------------------------- */

int64_t sim_delay_us(struct sim *sim, int64_t us)
{
    uint64_t limit = (uint64_t)us;
    uint64_t luck = rng_below(&sim->rng, 1000);

    if (!sim->options.is_calm && luck < 5)
        limit *= 200;
    else if (!sim->options.is_calm && luck < 50)
        limit *= 10;
    return 1 + (int64_t)rng_below(&sim->rng, limit + 1);
}

void sim_event_set(struct sim *sim, struct sim_event *event, int64_t at_us)
{
    assert(event->fire);
    heap_remove(&sim->events, &event->node);
    heap_put(&sim->events, &event->node, at_us);
}

void sim_event_cancel(struct sim *sim, struct sim_event *event)
{
    heap_remove(&sim->events, &event->node);
}

/* Code outside of the turns may have set timers, or sent mail. */
static void reschedule_all(struct sim *sim)
{
    list_each (node, &sim->nodes)
        list_each (member, &container_of(node, struct sim_node, node)->ios)
            sim_io_reschedule(container_of(member, struct sim_io, member));
}

static bool step(struct sim *sim, int64_t until_us)
{
    struct heap_node *first = heap_first(&sim->events);
    struct sim_event *event;

    if (!first || first->key > until_us)
        return false;
    sim->now_us = max_of(sim->now_us, first->key);
    sim->stats.events++;
    sim_assert(sim, sim->stats.events < sim->options.events_max);
    event = container_of(first, struct sim_event, node);
    heap_remove(&sim->events, first);
    sim->is_touched = true; /* Events of the world itself say that they are not. */
    event->fire(sim, event);
    if (sim->is_touched) {
        sim_trace(sim, TRACE_EVENT, NULL, 0, 0, 0);
        reschedule_all(sim);
    }
    return true;
}

static bool is_never(void *context)
{
    (void)context;
    return false;
}

void sim_run(struct sim *sim, int64_t until_us)
{
    (void)sim_run_until(sim, until_us, is_never, NULL);
}

bool sim_run_until(struct sim *sim, int64_t until_us, bool (*is_done)(void *context), void *context)
{
    bool done;

    reschedule_all(sim);
    while (!(done = is_done(context)))
        if (!step(sim, until_us))
            break;
    if (!done)
        sim->now_us = max_of(sim->now_us, until_us);
    return done;
}

/* --- nodes ------------------------------------------------------------------ */

static struct sim_node *node_create(struct sim *sim, const char *name, struct machine *machine)
{
    struct sim_node *node = mem_new(sizeof(*node));

    node->sim = sim;
    node->index = sim->node_count++;
    node->machine = machine;
    machine->users++;
    node->is_up = true;
    node->open_max = OPEN_FILES_DEFAULT;
    node->monotonic_base_us = rng_between(&sim->rng, 0, 1000000000);
    node->entropy = rng_of(rng_next(&sim->rng));
    (void)snprintf(node->name, sizeof(node->name), "%s", name);
    (void)snprintf(node->host, sizeof(node->host), "10.0.%d.%d", node->index / 250,
                   node->index % 250 + 1);
    list_init(&node->ios);
    list_push(&sim->nodes, &node->node);
    return node;
}

struct sim_node *sim_node_create(struct sim *sim, const char *name)
{
    struct machine *machine = mem_new(sizeof(*machine));

    machine->disk = disk_create(&sim->rng);
    machine->is_powered = true;
    machine->wall_base_ms = wall_begin_ms + rng_between(&sim->rng, 0, 1000);
    machine->next_port = FIRST_PORT;
    return node_create(sim, name, machine);
}

struct sim_node *sim_node_create_beside(struct sim_node *other, const char *name)
{
    return node_create(other->sim, name, other->machine);
}

const char *sim_node_host(const struct sim_node *node)
{
    return node->host;
}

struct disk *sim_node_disk(struct sim_node *node)
{
    return node->machine->disk;
}

bool sim_node_is_up(const struct sim_node *node)
{
    return node->is_up;
}

bool sim_node_has_power(const struct sim_node *node)
{
    return node->machine->is_powered;
}

static void die(struct sim_node *node, bool is_silent)
{
    if (!node->is_up)
        return;
    node->is_up = false;
    node->kill_at = 0;
    list_each (member, &node->ios)
        sim_io_die(container_of(member, struct sim_io, member));
    sim_files_close_all(node, is_silent);
}

static void lose_power(struct sim *sim, struct machine *machine)
{
    list_each (member, &sim->nodes) {
        struct sim_node *node = container_of(member, struct sim_node, node);

        if (node->machine == machine)
            die(node, true);
    }
    machine->is_powered = false;
    disk_power_loss(machine->disk);
}

void sim_node_kill(struct sim_node *node, enum sim_death death)
{
    struct sim *sim = node->sim;

    if (death == SIM_POWER_LOSS) {
        assert(node->machine->is_powered);
        sim->stats.power_losses++;
        sim_trace(sim, TRACE_POWER_LOSS, node, 0, 0, 0);
        lose_power(sim, node->machine);
    } else {
        assert(node->is_up);
        sim->stats.kills++;
        sim_trace(sim, TRACE_KILL, node, 0, 0, 0);
        die(node, false);
    }
}

void sim_node_kill_at(struct sim_node *node, enum sim_death death, uint64_t nth)
{
    node->kill_at = nth;
    node->kill_how = death;
}

bool sim_node_dies_now(struct sim_node *node)
{
    return node->kill_at > 0 && --node->kill_at == 0;
}

void sim_node_boot(struct sim_node *node)
{
    struct sim *sim = node->sim;

    assert(!node->is_up);
    if (!node->machine->is_powered)
        node->monotonic_base_us = rng_between(&sim->rng, 0, 1000000000) - sim->now_us;
    node->machine->is_powered = true;
    node->is_up = true;
    sim_trace(sim, TRACE_BOOT, node, 0, 0, 0);
}

void sim_node_pause(struct sim_node *node, int64_t us)
{
    node->paused_until_us = max_of(node->paused_until_us, node->sim->now_us + us);
}

void sim_node_jump_clock(struct sim_node *node, int64_t ms)
{
    node->machine->wall_base_ms += ms;
}

void sim_node_slow_disk(struct sim_node *node, int64_t us)
{
    node->machine->slow_us = us;
}

void sim_node_limit_files(struct sim_node *node, size_t count)
{
    node->open_max = count;
}

size_t sim_node_open_files(const struct sim_node *node)
{
    return node->open_count;
}
