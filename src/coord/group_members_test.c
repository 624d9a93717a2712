/* SPDX-License-Identifier: Apache-2.0 */

/* Members of all kinds that join, crash, pause, leave and come back, with a log that is slow
 * and sometimes fails, against what a consumer relies on:
 *
 *     no partition has two owners in one generation
 *     who is told of a generation is told the same leader and protocol as the others
 *     no commit of an older generation is taken after one of a newer
 *     every call is answered, and the group comes to rest once its members are left alone
 */

#include "coord/group_test.h"

enum {
    ACTORS = 10,
    ZOMBIES = 400,
    STEPS = 250,
    PARTITIONS = 8,
    GENERATIONS = 2000,
    SESSION_MS = 6000,
    REBALANCE_MS = 9000,
};

enum phase { OUT, JOINED, OWNS, DONE };

struct actor {
    struct player *player; /* Of the world's; a crash leaves it behind. */
    enum phase phase;
    const char *instance;
    int version;
    int64_t paused_until;
    int32_t told;     /* The last generation. */
    int joins, syncs; /* Answers that were looked at. */
};

struct fact {
    char leader[PLAY_WORD], protocol[PLAY_WORD];
    char owners[PARTITIONS][PLAY_WORD];
};

struct world {
    struct play play;
    struct player players[ZOMBIES];
    int player_count;
    struct actor actors[ACTORS];
    uint64_t stores[64]; /* On their way to the log. */
    int store_count;
    struct fact facts[GENERATIONS];
    int32_t committed[PARTITIONS]; /* The generation of the last commit. */
};

static const char *const instances[ACTORS] = {"i0", "i1", "i2"};
static const char *const favourites[] = {"range,roundrobin", "roundrobin,range", "range",
                                         "x,range"};

static void new_player(struct world *w, struct actor *a)
{
    struct player *p = &w->players[w->player_count++];

    check(w->player_count < ZOMBIES);
    *p = (struct player){.instance = a->instance,
                         .version = a->version,
                         .session_ms = SESSION_MS,
                         .rebalance_ms = REBALANCE_MS};
    a->player = p;
    a->phase = OUT;
    a->told = 0;
    a->joins = a->syncs = 0;
}

/* Whatever asked for a store waits for it. */
static void note_store(struct world *w)
{
    if (w->play.store)
        w->stores[w->store_count++] = w->play.store;
    w->play.store = 0;
    check(w->store_count < 60);
}

static void finish_store(struct world *w, struct rng *rng)
{
    uint64_t first = w->stores[0];

    memmove(w->stores, w->stores + 1, sizeof(w->stores) - sizeof(w->stores[0]));
    w->store_count--;
    w->play.store = first;
    play_stored(&w->play, rng_chance(rng, 5) ? COORD_E_TOO_LARGE : 0);
    note_store(w);
}

/* The same word must be told to all; the first one sets it. */
static void same(char known[static PLAY_WORD], const char *word)
{
    if (!*known)
        (void)snprintf(known, PLAY_WORD, "%s", word);
    check_text(known, word);
}

/* Static members are known by their instance: their ids change. */
static const char *place_of(const struct world *w, const char *id)
{
    for (int i = w->player_count - 1; i >= 0; i--)
        if (strcmp(w->players[i].id, id) == 0 || strcmp(w->players[i].new_id, id) == 0)
            return w->players[i].instance ? w->players[i].instance : id;
    return id;
}

static void hear_join(struct world *w, struct actor *a)
{
    struct player *p = a->player;
    struct fact *fact;

    if (p->outcome == COORD_E_UNKNOWN_MEMBER)
        p->id[0] = 0;
    if (p->outcome == COORD_E_FENCED_INSTANCE)
        a->phase = DONE;
    if (p->outcome)
        return;
    check(p->generation >= a->told && p->generation < GENERATIONS);
    a->told = p->generation;
    a->phase = JOINED;
    fact = &w->facts[p->generation];
    same(fact->protocol, p->protocol);
    same(fact->leader, place_of(w, p->leader));
}

static void hear_sync(struct world *w, struct actor *a)
{
    struct player *p = a->player;
    struct fact *fact = &w->facts[p->generation];

    a->phase = OUT;
    if (p->outcome == COORD_E_UNKNOWN_MEMBER)
        p->id[0] = 0;
    if (p->outcome == COORD_E_FENCED_INSTANCE)
        a->phase = DONE;
    if (p->outcome)
        return;
    a->phase = OWNS;
    for (const char *c = p->assignment; *c; c++)
        same(fact->owners[*c - 'a'], a->instance ? a->instance : p->id);
}

/* The leader deals the partitions out. */
static void sync_as(struct world *w, struct player *p)
{
    struct group_assignment assignments[PLAY_MEMBERS];
    char letters[PLAY_MEMBERS][PARTITIONS + 1] = {{0}};

    check(p->member_count <= PLAY_MEMBERS);
    for (int i = 0; i < PARTITIONS && p->member_count > 0; i++) {
        char *mine = letters[i % p->member_count];

        mine[strlen(mine)] = (char)('a' + i);
    }
    for (int i = 0; i < p->member_count; i++)
        assignments[i] = (struct group_assignment){play_word(p->members[i]), play_word(letters[i])};
    play_sync(&w->play, p, assignments, p->skips ? 0 : (size_t)p->member_count);
}

static void commit_as(struct world *w, struct actor *a)
{
    const struct player *p = a->player;
    int r = play_commit(&w->play, p);

    for (const char *c = p->assignment; *c && r == 0; c++) {
        check(p->generation >= w->committed[*c - 'a']);
        w->committed[*c - 'a'] = p->generation;
    }
}

static void beat_as(struct world *w, struct actor *a)
{
    int r = play_heartbeat(&w->play, a->player);

    if (r == COORD_E_UNKNOWN_MEMBER)
        a->player->id[0] = 0;
    if (r == COORD_E_FENCED_INSTANCE)
        a->phase = DONE;
    else if (r)
        a->phase = OUT;
}

/* What a well-behaved client does next. */
static void act(struct world *w, struct actor *a, struct rng *rng)
{
    struct player *p = a->player;

    if (p->joining || p->syncing || a->paused_until > w->play.now_ms)
        return;
    switch (a->phase) {
    case OUT:
        play_join(&w->play, p, p->id, favourites[rng_below(rng, COUNT_OF(favourites))]);
        break;
    case JOINED: sync_as(w, p); break;
    case OWNS:
        beat_as(w, a);
        if (rng_chance(rng, 50))
            commit_as(w, a);
        break;
    case DONE: new_player(w, a); break;
    }
    note_store(w);
}

/* Takes note of answers that have come since. */
static void hear(struct world *w)
{
    for (int i = 0; i < ACTORS; i++) {
        struct actor *a = &w->actors[i];

        if (a->player->heard_joins > a->joins)
            hear_join(w, a);
        if (a->player->heard_syncs > a->syncs)
            hear_sync(w, a);
        a->joins = a->player->heard_joins;
        a->syncs = a->player->heard_syncs;
    }
}

static void misbehave(struct world *w, struct actor *a, struct rng *rng)
{
    if (rng_chance(rng, 30)) {
        a->paused_until = w->play.now_ms + rng_between(rng, 0, 3 * SESSION_MS);
    } else if (rng_chance(rng, 50)) {
        new_player(w, a); /* A crash: nobody is told. */
    } else {
        (void)play_leave(&w->play, a->player->id, NULL);
        note_store(w);
        new_player(w, a);
    }
}

/* One event, and what is heard because of it. */
static void turn(struct world *w, struct rng *rng, bool is_calm)
{
    struct actor *a = &w->actors[rng_below(rng, ACTORS)];
    unsigned dice = (unsigned)rng_below(rng, 100);

    if (!is_calm && dice < 4) {
        misbehave(w, a, rng);
    } else if (dice < 30) {
        play_wait(&w->play, rng_between(rng, 0, 400));
        note_store(w);
    } else if (dice < 50 && w->store_count > 0) {
        finish_store(w, rng);
    } else {
        act(w, a, rng);
    }
    hear(w);
}

static bool is_at_rest(const struct world *w)
{
    if (w->play.group.state != GROUP_STABLE)
        return false;
    for (int i = 0; i < ACTORS; i++)
        if (w->actors[i].phase != OWNS || w->actors[i].told != w->play.group.generation)
            return false;
    return true;
}

PROPERTY(group_members, survive_crashes_pauses_and_failing_writes, 300)
{
    static struct world w;
    int turns = 0;

    w = (struct world){.player_count = 0};
    play_init(&w.play);
    w.play.config.initial_delay_ms = rng_chance(rng, 50) ? 0 : 1000;
    for (int i = 0; i < ACTORS; i++) {
        w.actors[i] = (struct actor){.instance = instances[i], .version = i % 2 ? 9 : 5};
        new_player(&w, &w.actors[i]);
    }
    for (int i = 0; i < STEPS; i++)
        turn(&w, rng, false);
    for (int i = 0; i < ACTORS; i++)
        w.actors[i].paused_until = 0;
    while (!is_at_rest(&w)) {
        turn(&w, rng, true);
        check(++turns < 20000);
    }
    for (int i = 0; i < w.player_count; i++)
        check(!w.players[i].joining && !w.players[i].syncing);
    play_fini(&w.play);
}
