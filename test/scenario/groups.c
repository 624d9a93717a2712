/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/groups.h"

#include "base/mem.h"
#include "test/scenario/clerk.h"
#include "test/scenario/offset_calls.h"
#include "test/scenario/server.h"
#include "test/scenario/worker.h"

#include <inttypes.h>

enum {
    LIVES_WITH_GROUPS_PERCENT = 75,
    STATIC_PERCENT = 45,
    COOPERATIVE_PERCENT = 50,
    CONSUMERS_PERCENT = 80,
    SESSION_MIN_MS = 150,
    SESSION_MAX_MS = 1500,
    REBALANCE_MIN_MS = 150,
    REBALANCE_MAX_MS = 1000,
    HARM_MIN_US = 30 * 1000,
    HARM_MAX_US = 400 * 1000,
    AWAY_MAX_US = 600 * 1000, /* Often less than a session, sometimes more. */
    GHOSTS_MAX = 4,
    ANOMALIES_SHOWN = 6,
    WALL_EVERY_US = 3 * 1000,
    STIR_EVERY_US = 2000 * 1000,
};

/* A place in a group. */
struct seat {
    const struct group_plan *group;
    uint32_t instance; /* 0: its members are dynamic. */
    struct worker *worker;
    uint32_t former;  /* Who had a static seat before, in the ledger. */
    int64_t comes_us; /* When somebody comes for an empty seat. */
};

struct groups {
    struct run *run;
    struct ledger *ledger;
    struct group_plan plans[GROUPS_MAX];
    int plan_count;
    struct seat seats[GROUPS_MAX * SEATS_MAX];
    int seat_count;
    struct worker *ghosts[GHOSTS_MAX]; /* Have lost their seats, and do not know it. */
    struct clerk *clerk;
    int64_t harm_us; /* When something befalls somebody. */
    int64_t walled_us, stirred_us;
    uint64_t plan_number;
    bool is_finishing;
};

/* --- what others ask for ---------------------------------------------------- */

struct ledger *groups_ledger(struct run *run)
{
    return run->groups->ledger;
}

int groups_life(const struct run *run)
{
    int life = 0;

    /* Of whom the coordinator is nothing is said: a start of any server is another life.  One whose
     * disk fails may read its log again at any time. */
    for (int i = 0; i < run->server_count; i++) {
        if (run->servers[i]->may_fail)
            return LEDGER_ANY_LIFE;
        life += run->servers[i]->starts;
    }
    return life;
}

uint64_t groups_next_plan(struct run *run)
{
    return ++run->groups->plan_number;
}

const struct group_plan *groups_all(const struct run *run, int *out_count)
{
    *out_count = run->groups->plan_count;
    return run->groups->plans;
}

uint64_t groups_partitions(const struct run *run)
{
    return (UINT64_C(1) << offset_calls_partitions(run)) - 1;
}

/* --- setting up ------------------------------------------------------------- */

static void plan_group(struct groups *g, struct group_plan *plan, int number)
{
    struct rng *rng = &g->run->rng;

    *plan = (struct group_plan){
        .seats = number == 0 ? 0 : (int)rng_between(rng, 1, SEATS_MAX),
        .is_of_consumers = rng_chance(rng, CONSUMERS_PERCENT),
        .is_cooperative = rng_chance(rng, COOPERATIVE_PERCENT),
        .session_ms = (int32_t)rng_between(rng, SESSION_MIN_MS, SESSION_MAX_MS),
        .rebalance_ms = (int32_t)rng_between(rng, REBALANCE_MIN_MS, REBALANCE_MAX_MS),
    };
    (void)snprintf(plan->name, sizeof(plan->name), "group-%d-%" PRIu64, number,
                   rng_below(rng, 1000));
    plan->number =
        ledger_add_group(g->ledger, (int64_t)min_of(plan->session_ms, plan->rebalance_ms) * 1000,
                         g->run->server->settings.offsets_retention_minutes * 60 * 1000);
}

static void add_seats(struct groups *g, const struct group_plan *plan)
{
    bool is_static = rng_chance(&g->run->rng, STATIC_PERCENT);

    for (int i = 0; i < plan->seats; i++) {
        struct seat *seat = &g->seats[g->seat_count++];

        *seat = (struct seat){.group = plan, .former = LEDGER_NOBODY};
        if (is_static)
            seat->instance = (uint32_t)g->seat_count;
    }
}

struct groups *groups_create(struct run *run)
{
    struct groups *g;

    if (!rng_chance(&run->rng, LIVES_WITH_GROUPS_PERCENT))
        return NULL;
    g = mem_new(sizeof(*g));
    g->run = run;
    run->groups = g;
    g->ledger = ledger_create();
    g->plan_count = (int)rng_between(&run->rng, 2, GROUPS_MAX);
    for (int i = 0; i < g->plan_count; i++) {
        plan_group(g, &g->plans[i], i);
        add_seats(g, &g->plans[i]);
    }
    g->clerk = clerk_create(run);
    g->harm_us = sim_now_us(run->sim) + HARM_MAX_US;
    return g;
}

struct groups *groups_destroy(struct groups *g)
{
    if (!g)
        return NULL;
    for (int i = 0; i < g->seat_count; i++)
        g->seats[i].worker = worker_destroy(g->seats[i].worker);
    for (int i = 0; i < GHOSTS_MAX; i++)
        g->ghosts[i] = worker_destroy(g->ghosts[i]);
    g->clerk = clerk_destroy(g->clerk);
    g->ledger = ledger_destroy(g->ledger);
    mem_free(g);
    return NULL;
}

/* --- what befalls members --------------------------------------------------- */

/* Nobody sits there; the seat remembers who did, if others may take it for the same. */
static void empty_seat(struct groups *g, struct seat *seat, int64_t away_us)
{
    if (seat->instance && worker_number(seat->worker) != LEDGER_NOBODY)
        seat->former = worker_number(seat->worker);
    seat->worker = NULL;
    seat->comes_us = sim_now_us(g->run->sim) + away_us;
}

static void crash(struct groups *g, struct seat *seat)
{
    struct worker *worker = seat->worker;

    run_say(g->run, "a member of %s crashes", seat->group->name);
    empty_seat(g, seat, (int64_t)rng_below(&g->run->rng, AWAY_MAX_US));
    worker_destroy(worker);
}

/* Another one comes for the seat; who has it goes on as a ghost. */
static void replace(struct groups *g, struct seat *seat)
{
    for (int i = 0; i < GHOSTS_MAX; i++) {
        if (g->ghosts[i])
            continue;
        run_say(g->run, "a member of %s is replaced", seat->group->name);
        g->ghosts[i] = seat->worker;
        worker_supersede(seat->worker);
        empty_seat(g, seat, 0);
        return;
    }
}

static void do_harm(struct groups *g)
{
    struct rng *rng = &g->run->rng;
    struct seat *seat;
    uint64_t chance = rng_below(rng, 100);

    if (g->seat_count == 0)
        return;
    seat = &g->seats[rng_below(rng, (uint64_t)g->seat_count)];
    if (!seat->worker)
        return;
    if (chance < 30)
        crash(g, seat);
    else if (chance < 55)
        worker_pause(seat->worker, rng_between(rng, 1000, 3 * (int64_t)SESSION_MAX_MS * 500));
    else if (chance < 70)
        worker_leave(seat->worker);
    else if (seat->instance)
        replace(g, seat);
}

static void take_seat(struct groups *g, struct seat *seat)
{
    seat->worker = worker_create(g->run, seat->group, seat->instance, seat->former);
    seat->former = LEDGER_NOBODY;
}

static void look_after_seats(struct groups *g)
{
    int64_t now_us = sim_now_us(g->run->sim);

    for (int i = 0; i < g->seat_count; i++) {
        struct seat *seat = &g->seats[i];

        if (!seat->worker && now_us >= seat->comes_us)
            take_seat(g, seat);
        else if (seat->worker && worker_is_over(seat->worker))
            crash(g, seat);
    }
}

static bool has_settled(const struct groups *g, const struct group_plan *plan)
{
    int32_t generation = -1;
    uint64_t all = 0;

    for (int i = 0; i < g->seat_count; i++) {
        const struct seat *seat = &g->seats[i];
        int32_t of_member;
        uint64_t owned;

        if (seat->group != plan)
            continue;
        if (!seat->worker || !worker_is_settled(seat->worker, &of_member, &owned) ||
            (generation != -1 && generation != of_member) || (all & owned) != 0)
            return false;
        generation = of_member;
        all |= owned;
    }
    return plan->seats == 0 || all == groups_partitions(g->run);
}

/* What a cooperative member gives up waits for the rebalance that it begins itself.  If it is
 * static, and restarted before that, nobody begins one: so it is with Kafka, too. */
static void stir(struct groups *g)
{
    int64_t now_us = sim_now_us(g->run->sim);

    if (now_us < g->stirred_us + STIR_EVERY_US)
        return;
    g->stirred_us = now_us;
    for (int i = 0; i < g->seat_count; i++) {
        const struct seat *seat = &g->seats[i];

        if (seat->worker && seat->instance && seat->group->is_cooperative &&
            !has_settled(g, seat->group))
            worker_rejoin(seat->worker);
    }
}

static void note_wall(struct groups *g)
{
    const struct server *server = g->run->servers[run_first_broker(g->run)];
    int64_t now_us = sim_now_us(g->run->sim);

    if (!server->broker || !sim_node_is_up(server->node) || now_us < g->walled_us + WALL_EVERY_US)
        return;
    ledger_wall(g->ledger, now_us, io_wall_ms(server->ios[0]));
    g->walled_us = now_us;
}

void groups_tick(struct groups *g)
{
    int64_t now_us = sim_now_us(g->run->sim);

    note_wall(g);
    look_after_seats(g);
    if (g->is_finishing)
        stir(g);
    if (g->is_finishing || g->run->options.is_calm || now_us < g->harm_us)
        return;
    do_harm(g);
    g->harm_us = now_us + rng_between(&g->run->rng, HARM_MIN_US, HARM_MAX_US);
}

/* --- the end ---------------------------------------------------------------- */

void groups_finish(struct groups *g)
{
    g->is_finishing = true;
    for (int i = 0; i < GHOSTS_MAX; i++)
        g->ghosts[i] = worker_destroy(g->ghosts[i]);
    for (int i = 0; i < g->seat_count; i++)
        if (g->seats[i].worker)
            worker_pause(g->seats[i].worker, 0);
}

bool groups_are_settled(const struct groups *g)
{
    for (int i = 0; i < g->plan_count; i++)
        if (!has_settled(g, &g->plans[i]))
            return false;
    return true;
}

void groups_begin_reading(struct groups *g)
{
    clerk_read_all(g->clerk);
}

bool groups_are_read(const struct groups *g)
{
    return clerk_is_done(g->clerk);
}

bool groups_judge(struct groups *g, FILE *out)
{
    if (ledger_check(g->ledger) == 0)
        return true;
    if (out)
        ledger_print(g->ledger, out, ANOMALIES_SHOWN);
    return false;
}

struct ledger_sizes groups_sizes(const struct groups *g)
{
    return ledger_sizes(g->ledger);
}

void groups_print(const struct groups *g, struct text *out)
{
    for (int i = 0; i < g->seat_count; i++)
        if (g->seats[i].worker)
            worker_print(g->seats[i].worker, out);
    clerk_print(g->clerk, out);
}
