/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/ledger_check.c - judging: each question is asked of every pair that it is about. */

#include "base/mem.h"
#include "test/sim/ledger_internal.h"

#include <inttypes.h>

static const char *const kind_names[LEDGER_KIND_COUNT] = {
    [LEDGER_OWNED_TWICE] = "owned twice",
    [LEDGER_TWO_PLANS] = "two plans in one generation",
    [LEDGER_GENERATION_BACK] = "generation goes back",
    [LEDGER_STALE] = "stale member taken for one",
    [LEDGER_THROWN_OUT] = "thrown out",
    [LEDGER_DELETED_ACTIVE] = "deleted with members",
    [LEDGER_OFFSET_BACK] = "offset goes back",
    [LEDGER_OFFSET_LOST] = "offset lost",
    [LEDGER_UNDELETED] = "offset undeleted",
    [LEDGER_PHANTOM] = "offset that nobody committed",
};

static void found(struct ledger *l, const struct ledger_anomaly *anomaly)
{
    l->anomalies =
        history_room(l->anomalies, &l->anomaly_room, l->anomaly_count, sizeof(*l->anomalies));
    l->anomalies[l->anomaly_count++] = *anomaly;
}

/* --- whether a group may have been without members ------------------------------- */

/* A member that went may have been the last. */
static bool somebody_goes(const struct ledger *l, uint32_t group, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < l->member_count; i++)
        if (l->members[i].group == group && l->members[i].goes_us != LEDGER_NEVER &&
            l->members[i].goes_us <= to_us &&
            l->members[i].goes_us >= from_us - l->groups[group]->patience_us)
            return true;
    return false;
}

/* A sign of life keeps its member, and so the group, for as long as the patience lasts.  Who has
 * joined and got no assignment yet is written down nowhere: a crash forgets him. */
static bool is_sign_of_life(const struct ledger_sight *s)
{
    return s->kind == LEDGER_ASSIGNED || s->kind == LEDGER_ALIVE;
}

/* From `us` on the group has members until this time; `us` if that is not sure. */
static int64_t has_members_until(const struct ledger *l, uint32_t group, int64_t us)
{
    int64_t patience_us = l->groups[group]->patience_us;
    int64_t until_us = us;

    for (size_t i = 0; i < l->sight_count; i++) {
        const struct ledger_sight *s = &l->sights[i];

        if (s->group == group && is_sign_of_life(s) && s->ended_us <= us)
            until_us = max_of(until_us, s->began_us + patience_us);
    }
    return until_us;
}

/* Sights are in the order of their ends, so a chain of them is followed in one walk. */
static bool may_be_empty(const struct ledger *l, uint32_t group, int64_t from_us, int64_t to_us)
{
    int64_t patience_us = l->groups[group]->patience_us;
    int64_t sure_us = has_members_until(l, group, from_us);

    if (somebody_goes(l, group, from_us, to_us))
        return true;
    for (size_t i = 0; i < l->sight_count && sure_us <= to_us; i++) {
        const struct ledger_sight *s = &l->sights[i];

        if (s->group != group || !is_sign_of_life(s) || s->ended_us <= from_us)
            continue;
        if (s->ended_us > sure_us)
            return true;
        sure_us = max_of(sure_us, s->began_us + patience_us);
    }
    return sure_us <= to_us;
}

/* Deleted by somebody, or by nobody being there. */
static bool may_have_vanished(const struct ledger *l, uint32_t group, int64_t from_us,
                              int64_t to_us)
{
    for (size_t i = 0; i < l->forget_count; i++) {
        const struct forget_entry *f = &l->forgets[i];

        if (f->group == group && f->partition == LEDGER_ALL && f->outcome != LEDGER_REFUSED &&
            f->began_us <= to_us && f->ended_us >= from_us)
            return true;
    }
    return may_be_empty(l, group, from_us, to_us);
}

/* --- generations ----------------------------------------------------------------- */

static bool is_same_life(int a, int b)
{
    return a == b && a != LEDGER_ANY_LIFE;
}

/* Whoever comes after `first` must know of its generation. */
static bool binds(const struct ledger_sight *first, int64_t began_us, int life)
{
    return first->ended_us < began_us &&
           (first->kind == LEDGER_ASSIGNED || is_same_life(first->life, life));
}

static void report_pair(struct ledger *l, enum ledger_anomaly_kind kind,
                        const struct ledger_sight *a, const struct ledger_sight *b)
{
    bool is_of_generations = kind == LEDGER_GENERATION_BACK;

    found(l, &(struct ledger_anomaly){
                 .kind = kind,
                 .group = a->group,
                 .partition = LEDGER_ALL,
                 .at_us = b->ended_us,
                 .first = is_of_generations ? (uint64_t)a->generation : a->member,
                 .second = is_of_generations ? (uint64_t)b->generation : b->member,
             });
}

static bool is_one_owner(const struct ledger *l, uint32_t a, uint32_t b)
{
    return a == b || (l->members[a].instance != LEDGER_NOBODY &&
                      l->members[a].instance == l->members[b].instance);
}

/* Two assignments of one generation. */
static void check_assignments(struct ledger *l, const struct ledger_sight *a,
                              const struct ledger_sight *b)
{
    bool is_twice = (a->partitions & b->partitions) != 0 && !is_one_owner(l, a->member, b->member);
    bool is_two = a->plan != 0 && b->plan != 0 && a->plan != b->plan;

    if (a->generation != b->generation || !(is_twice || is_two) ||
        may_have_vanished(l, a->group, min_of(a->ended_us, b->ended_us),
                          max_of(a->ended_us, b->ended_us)))
        return;
    report_pair(l, is_twice ? LEDGER_OWNED_TWICE : LEDGER_TWO_PLANS, a, b);
}

static void check_order(struct ledger *l, const struct ledger_sight *a,
                        const struct ledger_sight *b)
{
    if (b->kind == LEDGER_STRANGER || a->kind == LEDGER_STRANGER || a->kind == LEDGER_ALIVE ||
        b->generation >= a->generation || !binds(a, b->began_us, b->life) ||
        may_have_vanished(l, a->group, a->ended_us, b->ended_us))
        return;
    report_pair(l, b->kind == LEDGER_ALIVE ? LEDGER_STALE : LEDGER_GENERATION_BACK, a, b);
}

/* --- members ----------------------------------------------------------------------- */

static bool is_gone(const struct ledger *l, uint32_t member, int64_t began_us, int life)
{
    const struct ledger_member *m = &l->members[member];

    return m->gone_us < began_us && is_same_life(m->gone_life, life);
}

/* Coordinators count in milliseconds: a session may end so much too early. */
enum { TICK_US = 1000 };

/* `b` finds that it is a stranger although it was a member at `a`, a moment before. */
static bool is_thrown_out(const struct ledger *l, const struct ledger_sight *a,
                          const struct ledger_sight *b)
{
    return a->member == b->member && a->kind != LEDGER_STRANGER && b->kind == LEDGER_STRANGER &&
           a->ended_us < b->began_us && is_same_life(a->life, b->life) &&
           b->ended_us - a->began_us < l->groups[a->group]->patience_us - TICK_US &&
           l->members[a->member].goes_us == LEDGER_NEVER &&
           !may_have_vanished(l, a->group, a->ended_us, b->ended_us);
}

static void check_sight(struct ledger *l, const struct ledger_sight *b)
{
    if (b->kind == LEDGER_ALIVE && is_gone(l, b->member, b->began_us, b->life))
        report_pair(l, LEDGER_STALE, b, b);
    for (size_t i = 0; i < l->sight_count; i++) {
        const struct ledger_sight *a = &l->sights[i];

        if (a->group != b->group || a == b)
            continue;
        check_order(l, a, b);
        if (a < b && a->kind == LEDGER_ASSIGNED && b->kind == LEDGER_ASSIGNED)
            check_assignments(l, a, b);
        if (is_thrown_out(l, a, b)) {
            report_pair(l, LEDGER_THROWN_OUT, a, b);
            return;
        }
    }
}

/* --- commits ----------------------------------------------------------------------- */

static void report_commit(struct ledger *l, enum ledger_anomaly_kind kind,
                          const struct commit_entry *c, uint64_t other)
{
    found(l, &(struct ledger_anomaly){
                 .kind = kind,
                 .group = c->commit.group,
                 .partition = c->commit.partition,
                 .at_us = c->ended_us,
                 .first = (uint64_t)(c - l->commits),
                 .second = other,
             });
}

static void check_commit(struct ledger *l, const struct commit_entry *c)
{
    const struct ledger_commit *commit = &c->commit;
    int life = is_same_life(commit->life, c->ended_life) ? commit->life : LEDGER_ANY_LIFE;

    if (c->outcome != LEDGER_TAKEN || commit->member == LEDGER_NOBODY)
        return;
    if (is_gone(l, commit->member, commit->began_us, life)) {
        report_commit(l, LEDGER_STALE, c, commit->member);
        return;
    }
    for (size_t i = 0; i < l->sight_count; i++) {
        const struct ledger_sight *s = &l->sights[i];

        if (s->group != commit->group || s->generation <= commit->generation ||
            (s->kind != LEDGER_ASSIGNED && s->kind != LEDGER_JOINED) ||
            !binds(s, commit->began_us, life) ||
            may_have_vanished(l, s->group, s->ended_us, c->ended_us))
            continue;
        report_commit(l, LEDGER_STALE, c, s->member);
        return;
    }
}

/* --- reads ------------------------------------------------------------------------- */

static void report_read(struct ledger *l, enum ledger_anomaly_kind kind,
                        const struct ledger_read *read, uint64_t other)
{
    found(l, &(struct ledger_anomaly){
                 .kind = kind,
                 .group = read->group,
                 .partition = read->partition,
                 .at_us = read->ended_us,
                 .first = read->commit,
                 .second = other,
             });
}

/* Whatever is seen has happened by then. */
static void settle(struct ledger *l, const struct ledger_lane *lane)
{
    for (size_t i = 0; i < lane->read_count; i++) {
        uint64_t commit = lane->reads[i].commit;

        if (commit < l->commit_count)
            l->commits[commit].settled_us =
                min_of(l->commits[commit].settled_us, lane->reads[i].ended_us);
    }
}

static bool covers(const struct forget_entry *f, const struct ledger_read *read)
{
    return f->group == read->group &&
           (f->partition == LEDGER_ALL || f->partition == read->partition);
}

/* A commit that must count more than `shown` by the time that it was read. */
static bool find_newer(const struct ledger *l, const struct ledger_lane *lane,
                       const struct ledger_read *read, const struct commit_entry *shown,
                       uint64_t *out)
{
    for (size_t i = 0; i < lane->commit_count; i++) {
        const struct commit_entry *c = &l->commits[lane->commits[i]];

        if (c->commit.began_us > shown->settled_us && c->settled_us < read->began_us) {
            *out = lane->commits[i];
            return true;
        }
    }
    return false;
}

static bool find_deletion(const struct ledger *l, const struct ledger_read *read,
                          const struct commit_entry *shown)
{
    for (size_t i = 0; i < l->forget_count; i++) {
        const struct forget_entry *f = &l->forgets[i];

        if (covers(f, read) && f->outcome == LEDGER_TAKEN && f->began_us > shown->settled_us &&
            f->ended_us < read->began_us)
            return true;
    }
    return false;
}

/* Somebody saw that nothing was there, when it had been committed already. */
static bool find_absence(const struct ledger_lane *lane, const struct ledger_read *read,
                         const struct commit_entry *shown)
{
    for (size_t i = 0; i < lane->read_count; i++)
        if (lane->reads[i].commit == LEDGER_NOTHING && lane->reads[i].ended_us < read->began_us &&
            lane->reads[i].began_us > shown->settled_us)
            return true;
    return false;
}

static void check_shown(struct ledger *l, const struct ledger_lane *lane,
                        const struct ledger_read *read)
{
    const struct commit_entry *shown =
        read->commit < l->commit_count ? &l->commits[read->commit] : NULL;
    uint64_t newer;

    if (!shown || shown->commit.group != read->group ||
        shown->commit.partition != read->partition || shown->commit.offset != read->offset ||
        shown->outcome == LEDGER_REFUSED || shown->commit.began_us > read->ended_us)
        report_read(l, LEDGER_PHANTOM, read, 0);
    else if (find_newer(l, lane, read, shown, &newer))
        report_read(l, LEDGER_OFFSET_BACK, read, newer);
    else if (find_deletion(l, read, shown) || find_absence(lane, read, shown))
        report_read(l, LEDGER_UNDELETED, read, 0);
}

static bool may_be_deleted(const struct ledger *l, const struct ledger_read *read,
                           const struct commit_entry *c)
{
    for (size_t i = 0; i < l->forget_count; i++) {
        const struct forget_entry *f = &l->forgets[i];

        if (covers(f, read) && f->outcome != LEDGER_REFUSED && f->ended_us > c->commit.began_us &&
            f->began_us < read->ended_us)
            return true;
    }
    return false;
}

/* The clock on the wall went on by the retention, and nobody was there at that time. */
static bool may_be_expired(const struct ledger *l, const struct ledger_read *read,
                           const struct commit_entry *c)
{
    int64_t low_ms = INT64_MAX;

    for (size_t i = 0; i + 1 < l->wall_count && l->walls[i].at_us <= read->ended_us; i++) {
        const struct wall_entry *from = &l->walls[i];
        const struct wall_entry *to = &l->walls[i + 1];

        if (to->at_us < c->commit.began_us)
            continue;
        low_ms = min_of(low_ms, from->wall_ms);
        low_ms = min_of(low_ms, to->wall_ms);
        if (max_of(from->wall_ms, to->wall_ms) - low_ms >= l->groups[read->group]->retention_ms &&
            may_be_empty(l, read->group, from->at_us, to->at_us))
            return true;
    }
    return false;
}

static void check_nothing(struct ledger *l, const struct ledger_lane *lane,
                          const struct ledger_read *read)
{
    for (size_t i = 0; i < lane->commit_count; i++) {
        const struct commit_entry *c = &l->commits[lane->commits[i]];

        if (c->settled_us >= read->began_us || may_be_deleted(l, read, c))
            continue;
        if (may_be_expired(l, read, c)) {
            l->expired++;
            continue;
        }
        report_read(l, LEDGER_OFFSET_LOST, read, lane->commits[i]);
        return;
    }
}

static void check_lane(struct ledger *l, const struct ledger_lane *lane)
{
    settle(l, lane);
    for (size_t i = 0; i < lane->read_count; i++) {
        if (lane->reads[i].commit == LEDGER_NOTHING)
            check_nothing(l, lane, &lane->reads[i]);
        else
            check_shown(l, lane, &lane->reads[i]);
    }
}

/* --- the whole --------------------------------------------------------------------- */

static void check_forget(struct ledger *l, const struct forget_entry *f)
{
    if (f->partition != LEDGER_ALL || f->outcome != LEDGER_TAKEN ||
        may_be_empty(l, f->group, f->began_us, f->ended_us))
        return;
    found(l, &(struct ledger_anomaly){
                 .kind = LEDGER_DELETED_ACTIVE,
                 .group = f->group,
                 .partition = LEDGER_ALL,
                 .at_us = f->ended_us,
             });
}

size_t ledger_check(struct ledger *l)
{
    l->anomaly_count = l->expired = 0;
    for (size_t i = 0; i < l->sight_count; i++)
        check_sight(l, &l->sights[i]);
    for (size_t i = 0; i < l->commit_count; i++)
        check_commit(l, &l->commits[i]);
    for (size_t i = 0; i < l->forget_count; i++)
        check_forget(l, &l->forgets[i]);
    for (uint32_t i = 0; i < l->group_count; i++)
        for (size_t lane = 0; lane < LEDGER_PARTITIONS_MAX; lane++)
            check_lane(l, &l->groups[i]->lanes[lane]);
    return l->anomaly_count;
}

size_t ledger_count(const struct ledger *l, enum ledger_anomaly_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < l->anomaly_count; i++)
        count += l->anomalies[i].kind == kind;
    return count;
}

const char *ledger_kind_name(enum ledger_anomaly_kind kind)
{
    return kind < LEDGER_KIND_COUNT ? kind_names[kind] : "?";
}

static void print_number(FILE *out, const char *name, uint64_t number)
{
    if (number == LEDGER_NOTHING)
        fprintf(out, " %s nothing", name);
    else
        fprintf(out, " %s %" PRIu64, name, number);
}

void ledger_print(const struct ledger *l, FILE *out, size_t limit)
{
    for (size_t i = 0; i < l->anomaly_count && i < limit; i++) {
        const struct ledger_anomaly *a = &l->anomalies[i];

        fprintf(out, "  %s: group %" PRIu32, ledger_kind_name(a->kind), a->group);
        if (a->partition != LEDGER_ALL)
            fprintf(out, " partition %" PRIu32, a->partition);
        fprintf(out, " at %" PRId64 " us,", a->at_us);
        print_number(out, "of", a->first);
        print_number(out, "and", a->second);
        fputc('\n', out);
    }
    if (l->anomaly_count > limit)
        fprintf(out, "  ... and %zu more\n", l->anomaly_count - limit);
}
