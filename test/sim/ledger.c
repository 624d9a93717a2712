/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/ledger.c - writing it down. */

#include "test/sim/ledger.h"

#include "base/mem.h"
#include "test/sim/ledger_internal.h"

struct ledger *ledger_create(void)
{
    return mem_new(sizeof(struct ledger));
}

static struct ledger_group *group_destroy(struct ledger_group *group)
{
    for (size_t i = 0; i < LEDGER_PARTITIONS_MAX; i++) {
        mem_free(group->lanes[i].commits);
        mem_free(group->lanes[i].reads);
    }
    mem_free(group);
    return NULL;
}

struct ledger *ledger_destroy(struct ledger *ledger)
{
    if (!ledger)
        return NULL;
    for (uint32_t i = 0; i < ledger->group_count; i++)
        ledger->groups[i] = group_destroy(ledger->groups[i]);
    mem_free(ledger->members);
    mem_free(ledger->sights);
    mem_free(ledger->commits);
    mem_free(ledger->forgets);
    mem_free(ledger->walls);
    mem_free(ledger->anomalies);
    mem_free(ledger);
    return NULL;
}

uint32_t ledger_add_group(struct ledger *l, int64_t patience_us, int64_t retention_ms)
{
    struct ledger_group *group = mem_new(sizeof(*group));

    assert(l->group_count < LEDGER_GROUPS_MAX);
    group->patience_us = patience_us;
    group->retention_ms = retention_ms;
    l->groups[l->group_count] = group;
    return l->group_count++;
}

uint32_t ledger_add_member(struct ledger *l, uint32_t group, uint32_t instance)
{
    assert(group < l->group_count);
    l->members = history_room(l->members, &l->member_room, l->member_count, sizeof(*l->members));
    l->members[l->member_count] = (struct ledger_member){
        .group = group,
        .instance = instance,
        .goes_us = LEDGER_NEVER,
        .gone_us = LEDGER_NEVER,
    };
    return (uint32_t)l->member_count++;
}

void ledger_saw(struct ledger *l, const struct ledger_sight *sight)
{
    assert(sight->member < l->member_count && sight->began_us <= sight->ended_us);
    l->sights = history_room(l->sights, &l->sight_room, l->sight_count, sizeof(*l->sights));
    l->sights[l->sight_count++] = *sight;
}

void ledger_goes(struct ledger *l, uint32_t member, int64_t at_us)
{
    assert(member < l->member_count);
    l->members[member].goes_us = min_of(l->members[member].goes_us, at_us);
}

void ledger_gone(struct ledger *l, uint32_t member, int64_t at_us, int life)
{
    ledger_goes(l, member, at_us);
    if (l->members[member].gone_us != LEDGER_NEVER)
        return;
    l->members[member].gone_us = at_us;
    l->members[member].gone_life = life;
}

static struct ledger_lane *lane_of(struct ledger *l, uint32_t group, uint32_t partition)
{
    assert(group < l->group_count && partition < LEDGER_PARTITIONS_MAX);
    return &l->groups[group]->lanes[partition];
}

uint64_t ledger_commit(struct ledger *l, const struct ledger_commit *commit)
{
    struct ledger_lane *lane = lane_of(l, commit->group, commit->partition);

    l->commits = history_room(l->commits, &l->commit_room, l->commit_count, sizeof(*l->commits));
    l->commits[l->commit_count] = (struct commit_entry){
        .commit = *commit,
        .outcome = LEDGER_UNKNOWN,
        .ended_us = LEDGER_NEVER,
        .settled_us = LEDGER_NEVER,
    };
    lane->commits =
        history_room(lane->commits, &lane->commit_room, lane->commit_count, sizeof(*lane->commits));
    lane->commits[lane->commit_count++] = l->commit_count;
    return l->commit_count++;
}

void ledger_commit_over(struct ledger *l, uint64_t commit, enum ledger_outcome outcome,
                        int64_t at_us, int life)
{
    struct commit_entry *entry;

    assert(commit < l->commit_count);
    entry = &l->commits[commit];
    entry->outcome = outcome;
    entry->ended_life = life;
    if (outcome != LEDGER_UNKNOWN)
        entry->ended_us = at_us;
    if (outcome == LEDGER_TAKEN)
        entry->settled_us = at_us;
}

void ledger_read(struct ledger *l, const struct ledger_read *read)
{
    struct ledger_lane *lane = lane_of(l, read->group, read->partition);

    assert(read->began_us <= read->ended_us);
    lane->reads = history_room(lane->reads, &lane->read_room, lane->read_count, sizeof(*read));
    lane->reads[lane->read_count++] = *read;
    l->reads++;
}

size_t ledger_forget(struct ledger *l, uint32_t group, uint32_t partition, int64_t at_us)
{
    l->forgets = history_room(l->forgets, &l->forget_room, l->forget_count, sizeof(*l->forgets));
    l->forgets[l->forget_count] = (struct forget_entry){
        .group = group,
        .partition = partition,
        .began_us = at_us,
        .ended_us = LEDGER_NEVER,
        .outcome = LEDGER_UNKNOWN,
    };
    return l->forget_count++;
}

void ledger_forget_over(struct ledger *l, size_t forget, enum ledger_outcome outcome, int64_t at_us)
{
    assert(forget < l->forget_count);
    l->forgets[forget].outcome = outcome;
    if (outcome != LEDGER_UNKNOWN)
        l->forgets[forget].ended_us = at_us;
}

void ledger_wall(struct ledger *l, int64_t at_us, int64_t wall_ms)
{
    l->walls = history_room(l->walls, &l->wall_room, l->wall_count, sizeof(*l->walls));
    l->walls[l->wall_count++] = (struct wall_entry){.at_us = at_us, .wall_ms = wall_ms};
}

/* Sights of an assignment that no earlier sight has seen the generation of. */
static bool is_first_of_generation(const struct ledger *l, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (l->sights[i].kind == LEDGER_ASSIGNED && l->sights[i].group == l->sights[at].group &&
            l->sights[i].generation == l->sights[at].generation)
            return false;
    return true;
}

struct ledger_sizes ledger_sizes(const struct ledger *l)
{
    struct ledger_sizes sizes = {
        .commits = l->commit_count, .reads = l->reads, .expired = l->expired};

    for (size_t i = 0; i < l->sight_count; i++) {
        if (l->sights[i].kind != LEDGER_ASSIGNED)
            continue;
        sizes.assignments++;
        sizes.generations += is_first_of_generation(l, i);
    }
    for (size_t i = 0; i < l->commit_count; i++) {
        sizes.taken += l->commits[i].outcome == LEDGER_TAKEN;
        sizes.refused += l->commits[i].outcome == LEDGER_REFUSED;
    }
    for (size_t i = 0; i < l->forget_count; i++)
        sizes.forgotten += l->forgets[i].outcome == LEDGER_TAKEN;
    return sizes;
}
