/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/ledger_test.c - the judge of groups sees what is wrong, and nothing else. */

#include "test/harness/check.h"
#include "test/sim/ledger.h"

enum { PATIENCE_US = 100000, RETENTION_MS = 60000, OFFSET = 7 };

/* A group with two members, and everything that happens takes one microsecond. */
struct stage {
    struct ledger *ledger;
    uint32_t group, members[2];
    int64_t us;
    int life;
};

static void stage_open(struct stage *s, uint32_t instance)
{
    *s = (struct stage){.ledger = ledger_create(), .us = 1, .life = 1};
    s->group = ledger_add_group(s->ledger, PATIENCE_US, RETENTION_MS);
    for (int i = 0; i < 2; i++)
        s->members[i] = ledger_add_member(s->ledger, s->group, instance);
}

static void stage_close(struct stage *s)
{
    s->ledger = ledger_destroy(s->ledger);
}

static void see(struct stage *s, enum ledger_sight_kind kind, int member, int32_t generation,
                uint64_t plan, uint64_t partitions)
{
    s->us += 2;
    ledger_saw(s->ledger, &(struct ledger_sight){
                              .kind = kind,
                              .group = s->group,
                              .member = s->members[member],
                              .generation = generation,
                              .began_us = s->us,
                              .ended_us = s->us + 1,
                              .life = s->life,
                              .plan = plan,
                              .partitions = partitions,
                          });
}

static uint64_t begin_commit(struct stage *s, uint32_t member, int32_t generation)
{
    s->us += 2;
    return ledger_commit(s->ledger, &(struct ledger_commit){
                                        .group = s->group,
                                        .partition = 3,
                                        .offset = OFFSET,
                                        .member = member,
                                        .generation = generation,
                                        .began_us = s->us,
                                        .life = s->life,
                                    });
}

static uint64_t commit(struct stage *s, uint32_t member, int32_t generation,
                       enum ledger_outcome outcome)
{
    uint64_t number = begin_commit(s, member, generation);

    ledger_commit_over(s->ledger, number, outcome, s->us + 1, s->life);
    return number;
}

static void read(struct stage *s, uint64_t number)
{
    s->us += 2;
    ledger_read(s->ledger, &(struct ledger_read){
                               .group = s->group,
                               .partition = 3,
                               .commit = number,
                               .offset = number == LEDGER_NOTHING ? -1 : OFFSET,
                               .began_us = s->us,
                               .ended_us = s->us + 1,
                           });
}

static void forget(struct stage *s, uint32_t partition, enum ledger_outcome outcome)
{
    size_t number;

    s->us += 2;
    number = ledger_forget(s->ledger, s->group, partition, s->us);
    ledger_forget_over(s->ledger, number, outcome, s->us + 1);
}

/* There is this anomaly and no other; LEDGER_KIND_COUNT: none. */
static void check_only(struct stage *s, enum ledger_anomaly_kind kind)
{
    size_t count = ledger_check(s->ledger);

    if (kind == LEDGER_KIND_COUNT)
        check_eq(count, 0);
    else
        check(count > 0 && ledger_count(s->ledger, kind) == count);
    stage_close(s);
}

TEST(ledger, an_honest_group_is_not_blamed)
{
    struct stage s;
    uint64_t number;

    stage_open(&s, LEDGER_NOBODY);
    for (int32_t generation = 1; generation <= 3; generation++) {
        for (int i = 0; i < 2; i++)
            see(&s, LEDGER_JOINED, i, generation, 0, 0);
        for (int i = 0; i < 2; i++)
            see(&s, LEDGER_ASSIGNED, i, generation, (uint64_t)generation, 1u << i);
        number = commit(&s, s.members[0], generation, LEDGER_TAKEN);
        see(&s, LEDGER_ALIVE, 0, generation, 0, 0);
        read(&s, number);
    }
    check_only(&s, LEDGER_KIND_COUNT);
}

TEST(ledger, a_partition_has_one_owner_in_a_generation)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 5, 6);
    see(&s, LEDGER_ASSIGNED, 1, 1, 5, 4);
    check_only(&s, LEDGER_OWNED_TWICE);
}

TEST(ledger, a_restarted_static_member_is_the_same_owner)
{
    struct stage s;

    stage_open(&s, 9);
    see(&s, LEDGER_ASSIGNED, 0, 1, 5, 6);
    see(&s, LEDGER_ASSIGNED, 1, 1, 5, 6);
    check_only(&s, LEDGER_KIND_COUNT);
}

TEST(ledger, a_generation_has_one_plan_through_all_lives)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 5, 2);
    s.life++;
    see(&s, LEDGER_ASSIGNED, 1, 1, 6, 1);
    check_only(&s, LEDGER_TWO_PLANS);
}

TEST(ledger, generations_go_back_only_where_they_were_not_durable)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_JOINED, 0, 5, 0, 0);
    s.life++;
    see(&s, LEDGER_JOINED, 0, 4, 0, 0);
    check_eq(ledger_check(s.ledger), 0);
    see(&s, LEDGER_ASSIGNED, 0, 4, 1, 1);
    s.life++;
    see(&s, LEDGER_JOINED, 1, 3, 0, 0);
    check_only(&s, LEDGER_GENERATION_BACK);
}

TEST(ledger, a_group_that_all_have_left_may_begin_again)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 5, 1, 1);
    s.us += 2 * PATIENCE_US;
    see(&s, LEDGER_JOINED, 1, 1, 0, 0);
    check_only(&s, LEDGER_KIND_COUNT);
}

TEST(ledger, a_commit_of_an_old_generation_may_not_be_taken)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 1, 1);
    see(&s, LEDGER_JOINED, 1, 2, 0, 0);
    (void)commit(&s, s.members[0], 1, LEDGER_REFUSED);
    check_eq(ledger_check(s.ledger), 0);
    (void)commit(&s, s.members[0], 1, LEDGER_TAKEN);
    check_only(&s, LEDGER_STALE);
}

TEST(ledger, who_is_out_may_not_commit)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 1, 1);
    ledger_gone(s.ledger, s.members[0], s.us + 1, s.life);
    (void)commit(&s, s.members[0], 1, LEDGER_TAKEN);
    check_only(&s, LEDGER_STALE);
}

TEST(ledger, nobody_is_thrown_out_before_its_time)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 1, 1);
    see(&s, LEDGER_ALIVE, 0, 1, 0, 0);
    s.us += 2 * PATIENCE_US;
    see(&s, LEDGER_STRANGER, 0, 1, 0, 0);
    check_eq(ledger_check(s.ledger), 0);
    see(&s, LEDGER_ASSIGNED, 1, 2, 2, 1);
    see(&s, LEDGER_STRANGER, 1, 2, 0, 0);
    check_only(&s, LEDGER_THROWN_OUT);
}

TEST(ledger, offsets_do_not_go_back)
{
    struct stage s;
    uint64_t first, second;

    stage_open(&s, LEDGER_NOBODY);
    first = commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    read(&s, first);
    second = commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    read(&s, second);
    read(&s, first);
    check_only(&s, LEDGER_OFFSET_BACK);
}

TEST(ledger, a_commit_without_an_answer_may_count_later_but_not_again)
{
    struct stage s;
    uint64_t lost, second;

    stage_open(&s, LEDGER_NOBODY);
    lost = begin_commit(&s, LEDGER_NOBODY, -1);
    second = commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    read(&s, second);
    read(&s, lost);
    check_eq(ledger_check(s.ledger), 0);
    second = commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    read(&s, lost);
    check_only(&s, LEDGER_OFFSET_BACK);
}

TEST(ledger, nothing_is_not_an_answer_where_something_was_committed)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    read(&s, LEDGER_NOTHING);
    (void)commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    read(&s, LEDGER_NOTHING);
    check_only(&s, LEDGER_OFFSET_LOST);
}

TEST(ledger, what_is_deleted_stays_so)
{
    struct stage s;
    uint64_t number;

    stage_open(&s, LEDGER_NOBODY);
    number = commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    forget(&s, LEDGER_ALL, LEDGER_TAKEN);
    read(&s, LEDGER_NOTHING);
    check_eq(ledger_check(s.ledger), 0);
    read(&s, number);
    check_only(&s, LEDGER_UNDELETED);
}

TEST(ledger, a_deletion_that_was_refused_explains_nothing)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    (void)commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
    forget(&s, 3, LEDGER_REFUSED);
    read(&s, LEDGER_NOTHING);
    check_only(&s, LEDGER_OFFSET_LOST);
}

TEST(ledger, offsets_expire_when_the_clock_says_so_and_nobody_is_there)
{
    struct stage s;

    for (int is_active = 0; is_active <= 1; is_active++) {
        stage_open(&s, LEDGER_NOBODY);
        if (is_active)
            see(&s, LEDGER_ASSIGNED, 0, 1, 1, 1);
        s.us += 2;
        ledger_wall(s.ledger, s.us, 1000);
        (void)commit(&s, LEDGER_NOBODY, -1, LEDGER_TAKEN);
        ledger_wall(s.ledger, s.us + 2, 1000 + RETENTION_MS);
        read(&s, LEDGER_NOTHING);
        if (is_active)
            see(&s, LEDGER_ALIVE, 0, 1, 0, 0);
        ledger_wall(s.ledger, s.us + 2, 1000 + RETENTION_MS);
        check_only(&s, is_active ? LEDGER_OFFSET_LOST : LEDGER_KIND_COUNT);
    }
}

TEST(ledger, only_a_group_without_members_is_deleted)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    see(&s, LEDGER_ASSIGNED, 0, 1, 1, 1);
    forget(&s, LEDGER_ALL, LEDGER_TAKEN);
    check_only(&s, LEDGER_DELETED_ACTIVE);
}

TEST(ledger, what_nobody_has_committed_there_is_not_there)
{
    struct stage s;

    stage_open(&s, LEDGER_NOBODY);
    read(&s, LEDGER_GARBAGE);
    check_only(&s, LEDGER_PHANTOM);
    stage_open(&s, LEDGER_NOBODY);
    read(&s, commit(&s, LEDGER_NOBODY, -1, LEDGER_REFUSED));
    check_only(&s, LEDGER_PHANTOM);
}
