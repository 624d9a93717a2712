/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/group_test.h - how the tests of the group play with one: members that are words, time
 * that is a number.
 *
 *     struct play play;
 *     play_init(&play);
 *     play_join(&play, &a, "", "range");
 *     play_sync_leader(&play, &a, ...);
 *
 * Each event is followed by group_check().
 *
 * Threading: one test.
 * Errors:    a failed check.
 */

#include "coord/group.h"
#include "test/harness/check.h"

#include <stdio.h>

enum { PLAY_WORD = 48, PLAY_MEMBERS = 16, PLAY_PROTOCOLS = 4 };

/* A client and its last call of each kind. */
struct player {
    const char *instance; /* NULL: dynamic. */
    struct group_join join;
    struct group_sync sync;
    struct protocol protocols[PLAY_PROTOCOLS];
    char id[PLAY_WORD]; /* What it was told last. */
    char new_id[PLAY_WORD];
    const char *metadata;             /* NULL: "meta". */
    int version;                      /* Of JoinGroup; 0 stands for the newest. */
    int32_t session_ms, rebalance_ms; /* 0: the play's. */
    int heard_joins, heard_syncs;     /* Answers so far. */
    bool joining, syncing;            /* Waits for an answer. */
    int outcome;                      /* Of the last call that was answered. */
    int32_t generation;
    char leader[PLAY_WORD], protocol[PLAY_WORD], type[PLAY_WORD], assignment[PLAY_WORD];
    char members[PLAY_MEMBERS][PLAY_WORD];
    int member_count; /* 0: it was not told. */
    bool skips;
};

struct play {
    struct group group;
    struct group_config config;
    int64_t now_ms;
    int ids;
    uint64_t store; /* The last that was asked for and not told of yet. */
};

static inline struct slice play_word(const char *word)
{
    return slice_text(word);
}

static inline void play_copy(char out[static PLAY_WORD], struct slice s)
{
    (void)snprintf(out, PLAY_WORD, "%.*s", SLICE_ARG(s));
}

static inline void play_keep_join(struct group_call *call, const struct group *group)
{
    struct player *p = container_of(call, struct player, join.call);

    check(p->joining);
    p->joining = false;
    p->heard_joins++;
    p->outcome = call->outcome;
    p->generation = p->join.out_generation;
    p->skips = p->join.out_skips_assignment;
    p->member_count = 0;
    play_copy(p->id, p->join.out_member_id);
    play_copy(p->leader, p->join.out_leader);
    play_copy(p->protocol, p->join.out_protocol);
    play_copy(p->type, p->join.out_protocol_type);
    if (!p->join.out_is_leader)
        return;
    list_each (node, &group->members) {
        const struct member *m = container_of(node, struct member, node);

        check(!slice_is_null(member_metadata(m, group->protocol)));
        play_copy(p->members[p->member_count++ % PLAY_MEMBERS], m->id);
    }
}

static inline void play_keep_sync(struct group_call *call, const struct group *group)
{
    struct player *p = container_of(call, struct player, sync.call);

    (void)group;
    check(p->syncing);
    p->syncing = false;
    p->heard_syncs++;
    p->outcome = call->outcome;
    play_copy(p->assignment, p->sync.out_assignment);
    play_copy(p->protocol, p->sync.out_protocol);
    play_copy(p->type, p->sync.out_protocol_type);
}

static inline void play_init(struct play *play)
{
    *play = (struct play){.config = {.initial_delay_ms = 0, .size_max = 1000}, .now_ms = 1000};
    group_init(&play->group);
}

static inline void play_begin(const struct play *play, struct group_step *step)
{
    group_step_init(step, &play->config, play->now_ms, play->now_ms + 1000000);
}

static inline void play_end(struct play *play, struct group_step *step)
{
    group_check(&play->group);
    while (list_pop(&step->answered))
        continue;
    if (step->store)
        play->store = step->store;
}

static inline void play_fini(struct play *play)
{
    struct group_step step;

    play_begin(play, &step);
    group_end(&play->group, COORD_E_STOPPING, &step);
    play_end(play, &step);
    group_fini(&play->group);
}

/* `protocols` are words, separated by commas. */
static inline void play_join_as(struct play *play, struct player *p, const char *id,
                                const char *type, const char *protocols)
{
    struct group_step step;
    size_t count = 0;

    play_begin(play, &step);
    while (*protocols) {
        size_t size = strcspn(protocols, ",");

        p->protocols[count++] = (struct protocol){slice_of(protocols, size),
                                                  play_word(p->metadata ? p->metadata : "meta")};
        protocols += size + (protocols[size] == ',');
    }
    (void)snprintf(p->new_id, sizeof(p->new_id), "m%d", ++play->ids);
    p->join = (struct group_join){
        .call.keep = play_keep_join,
        .member_id = play_word(id),
        .new_member_id = play_word(p->new_id),
        .instance_id = play_word(p->instance),
        .client_id = play_word("client"),
        .client_host = play_word("/127.0.0.1"),
        .protocol_type = play_word(type),
        .protocols = p->protocols,
        .protocol_count = count,
        .session_timeout_ms = p->session_ms ? p->session_ms : 10000,
        .rebalance_timeout_ms = p->rebalance_ms ? p->rebalance_ms : 60000,
        .needs_known_id = p->version == 0 || p->version >= 4,
        .can_skip = p->version == 0 || p->version >= 9,
    };
    p->joining = true;
    group_join(&play->group, &p->join, &step);
    play_end(play, &step);
}

static inline void play_join(struct play *play, struct player *p, const char *id,
                             const char *protocols)
{
    char known[PLAY_WORD];

    (void)snprintf(known, sizeof(known), "%s", id);
    play_join_as(play, p, known, "consumer", protocols);
}

/* Joins with the two calls that a new dynamic member needs. */
static inline void play_join_twice(struct play *play, struct player *p, const char *protocols)
{
    play_join(play, p, "", protocols);
    check_eq(p->outcome, COORD_E_MEMBER_ID_REQUIRED);
    play_join(play, p, p->id, protocols);
}

static inline struct group_who play_who(const struct player *p)
{
    return (struct group_who){.member_id = play_word(p->id),
                              .instance_id = play_word(p->instance),
                              .generation = p->generation};
}

static inline void play_sync(struct play *play, struct player *p,
                             const struct group_assignment *assignments, size_t count)
{
    struct group_step step;

    play_begin(play, &step);
    p->sync = (struct group_sync){.call.keep = play_keep_sync,
                                  .who = play_who(p),
                                  .assignments = assignments,
                                  .assignment_count = count};
    p->syncing = true;
    group_sync(&play->group, &p->sync, &step);
    play_end(play, &step);
}

/* The leader gives everybody it was told of an assignment: the member's own id. */
static inline void play_sync_leader(struct play *play, struct player *p)
{
    struct group_assignment assignments[PLAY_MEMBERS];

    for (int i = 0; i < p->member_count; i++)
        assignments[i] =
            (struct group_assignment){play_word(p->members[i]), play_word(p->members[i])};
    play_sync(play, p, assignments, (size_t)p->member_count);
}

/* What was to be written is durable, or could not be. */
static inline void play_stored(struct play *play, int outcome)
{
    struct group_step step;
    uint64_t store = play->store;

    play_begin(play, &step);
    check(store != 0);
    play->store = 0;
    group_stored(&play->group, store, outcome, &step);
    play_end(play, &step);
}

static inline int play_heartbeat(struct play *play, const struct player *p)
{
    struct group_step step;
    struct group_who who = play_who(p);
    int r;

    play_begin(play, &step);
    r = group_heartbeat(&play->group, &who, &step);
    play_end(play, &step);
    return r;
}

static inline int play_commit(struct play *play, const struct player *p)
{
    struct group_step step;
    struct group_who who = play_who(p);
    int r;

    play_begin(play, &step);
    r = group_check_commit(&play->group, &who, &step);
    play_end(play, &step);
    return r;
}

static inline int play_leave(struct play *play, const char *id, const char *instance)
{
    struct group_step step;
    struct group_leaver leaver = {.member_id = play_word(id), .instance_id = play_word(instance)};

    play_begin(play, &step);
    group_leave(&play->group, &leaver, 1, &step);
    play_end(play, &step);
    return leaver.outcome;
}

/* Lets time pass; the group is woken at each moment that it asked for. */
static inline void play_wait(struct play *play, int64_t ms)
{
    int64_t until = play->now_ms + ms;

    while (play->group.wake_ms != MEMBER_NEVER && play->group.wake_ms <= until) {
        struct group_step step;

        play->now_ms = max_of(play->now_ms, play->group.wake_ms);
        play_begin(play, &step);
        group_tick(&play->group, &step);
        play_end(play, &step);
        check(play->group.wake_ms == MEMBER_NEVER || play->group.wake_ms > play->now_ms);
    }
    play->now_ms = until;
}

/* A stable group of one generation; players[0] leads. */
static inline void play_stable(struct play *play, struct player *players, int count)
{
    for (int i = 0; i < count; i++)
        play_join_twice(play, &players[i], "range,roundrobin");
    /* The first was alone in generation 1: whoever comes makes it rejoin. */
    for (int i = 0; i < count && play->group.state == GROUP_PREPARING; i++)
        if (!players[i].joining)
            play_join(play, &players[i], players[i].id, "range,roundrobin");
    check_eq(play->group.state, GROUP_COMPLETING);
    for (int i = 1; i < count; i++)
        play_sync(play, &players[i], NULL, 0);
    play_sync_leader(play, &players[0]);
    play_stored(play, 0);
    check_eq(play->group.state, GROUP_STABLE);
    for (int i = 0; i < count; i++)
        check_eq(players[i].outcome, 0);
}
