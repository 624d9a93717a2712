/* SPDX-License-Identifier: Apache-2.0 */

/* test/scenario/scenario_test.c - a few lives of a broker, each time the tests run; `make
 * sim` runs many. */

#include "test/harness/check.h"
#include "test/scenario/run.h"

/* What was written to three partitions is read back after a death: every record with its
 * key, value, headers and time, in order (test/scenario/record.h, test/sim/history.h). */
static void write_die_and_read(int shards, enum sim_death death)
{
    const struct run_plan plan = {.partitions = 3, .batches = 600, .death = death};
    struct run_result r =
        run_seed(&(struct run_options){.seed = 42, .plan = &plan, .shards = shards}, stderr);

    check(r.is_good);
    check_eq(r.writes, 600);
    check_eq(r.acknowledged, 600);
    check(r.values > 3000);
    check_eq(r.records_at_end, r.values);
    check_eq(r.stats.kills + r.stats.power_losses, 1);
}

TEST(scenario, thousands_of_records_are_read_back_after_a_kill)
{
    write_die_and_read(1, SIM_KILL);
    write_die_and_read(4, SIM_KILL);
}

TEST(scenario, thousands_of_records_are_read_back_after_a_loss_of_power)
{
    write_die_and_read(1, SIM_POWER_LOSS);
    write_die_and_read(4, SIM_POWER_LOSS);
}

TEST(scenario, the_same_seed_is_the_same_life)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const struct run_options options = {.seed = seed};
        struct run_result first = run_seed(&options, stderr);
        struct run_result second = run_seed(&options, stderr);

        check(first.stats.events > 1000);
        check_eq(second.hash, first.hash);
        check_eq(second.virtual_us, first.virtual_us);
    }
}

TEST(scenario, another_seed_is_another_life)
{
    struct run_result first = run_seed(&(struct run_options){.seed = 1}, stderr);
    struct run_result second = run_seed(&(struct run_options){.seed = 2}, stderr);

    check(first.hash != second.hash);
}

/* Without faults nothing may go wrong either, and nothing is tried twice. */
TEST(scenario, calm_lives_are_good)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct run_result r =
            run_seed(&(struct run_options){.seed = seed, .is_calm = true}, stderr);

        check(r.is_good);
        check_eq(r.stats.power_losses + r.stats.resets + r.stats.faults, 0);
    }
}

static void check_seeds(int shards, uint64_t from, uint64_t count)
{
    uint64_t deaths = 0;

    for (uint64_t seed = from; seed < from + count; seed++) {
        struct run_result r =
            run_seed(&(struct run_options){.seed = seed, .shards = shards}, stderr);

        check(r.is_good);
        deaths += r.stats.kills + r.stats.power_losses;
    }
    check(deaths > count);
}

TEST(scenario, lives_with_one_shard_are_good)
{
    check_seeds(1, 1, 25);
}

TEST(scenario, lives_with_four_shards_are_good)
{
    check_seeds(4, 1, 25);
}
