/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/group_test.h"

/* --- ids -------------------------------------------------------------------- */

TEST(group_join, a_new_member_is_told_an_id_before_it_is_one)
{
    struct play play;
    struct player a = {.version = 4};

    play_init(&play);
    play_join(&play, &a, "", "range");
    check_eq(a.outcome, COORD_E_MEMBER_ID_REQUIRED);
    check_text(a.id, "m1");
    check_eq(a.generation, -1);
    check_eq(play.group.state, GROUP_EMPTY);
    check_eq(play.group.pending_count, 1);
    play_join(&play, &a, a.id, "range");
    check_eq(a.outcome, 0);
    check_text(a.id, "m1");
    check_eq(a.generation, 1);
    check_eq(play.group.pending_count, 0);
    play_fini(&play);
}

TEST(group_join, before_version_4_it_is_a_member_at_once)
{
    struct play play;
    struct player a = {.version = 3};

    play_init(&play);
    play_join(&play, &a, "", "range");
    check_eq(a.outcome, 0);
    check_text(a.id, "m1");
    play_fini(&play);
}

TEST(group_join, a_static_member_is_a_member_at_once)
{
    struct play play;
    struct player a = {.instance = "i"};

    play_init(&play);
    play_join(&play, &a, "", "range");
    check_eq(a.outcome, 0);
    check_eq(a.generation, 1);
    check_text(a.leader, a.id);
    play_fini(&play);
}

TEST(group_join, an_id_that_was_not_given_is_refused)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_join(&play, &a, "stranger", "range");
    check_eq(a.outcome, COORD_E_UNKNOWN_MEMBER);
    check_text(a.id, "stranger");
    play_stable(&play, &b, 1);
    play_join(&play, &a, "stranger", "range");
    check_eq(a.outcome, COORD_E_UNKNOWN_MEMBER);
    a.instance = "i";
    play_join(&play, &a, b.id, "range");
    check_eq(a.outcome, COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

TEST(group_join, a_pending_id_is_of_no_use_to_a_static_member)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_join(&play, &a, "", "range");
    a.instance = "i";
    play_join(&play, &a, a.id, "range");
    check_eq(a.outcome, COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

/* --- generations ------------------------------------------------------------ */

TEST(group_join, the_first_member_leads_and_is_told_who_is_in)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_join_twice(&play, &a, "range,roundrobin");
    check_eq(a.outcome, 0);
    check_text(a.leader, a.id);
    check_text(a.protocol, "range");
    check_text(a.type, "consumer");
    check_eq(a.member_count, 1);
    check_text(a.members[0], a.id);
    check(!a.skips);
    check_eq(play.group.state, GROUP_COMPLETING);
    play_fini(&play);
}

TEST(group_join, a_newcomer_makes_the_others_rejoin)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_join_twice(&play, &b, "range");
    check(b.joining);
    check_eq(play.group.state, GROUP_PREPARING);
    check_eq(play_heartbeat(&play, &a), COORD_E_REBALANCING);
    play_join(&play, &a, a.id, "range");
    check(!a.joining && !b.joining);
    check_eq(a.generation, 2);
    check_eq(b.generation, 2);
    check_eq(a.member_count, 2);
    check_eq(b.member_count, 0); /* Only the leader is told. */
    check_text(b.leader, a.id);
    play_fini(&play);
}

TEST(group_join, a_follower_that_asks_again_unchanged_stays_where_it_is)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_join(&play, &p[1], p[1].id, "range,roundrobin");
    check_eq(p[1].outcome, 0);
    check_eq(p[1].generation, play.group.generation);
    check_eq(play.group.state, GROUP_STABLE);
    p[1].metadata = "other";
    play_join(&play, &p[1], p[1].id, "range,roundrobin");
    check(p[1].joining);
    check_eq(play.group.state, GROUP_PREPARING);
    play_fini(&play);
}

TEST(group_join, a_leader_that_asks_again_begins_a_rebalance)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    check(p[0].joining);
    check_eq(play.group.state, GROUP_PREPARING);
    play_fini(&play);
}

TEST(group_join, while_assignments_are_made_an_unchanged_member_hears_the_answer_again)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_join_twice(&play, &a, "range");
    play_join(&play, &a, a.id, "range");
    check_eq(a.outcome, 0);
    check_eq(a.generation, 1);
    check_eq(a.member_count, 1);
    a.metadata = "other";
    play_join(&play, &a, a.id, "range");
    check_eq(a.generation, 2);
    play_fini(&play);
}

TEST(group_join, a_second_call_of_a_member_ends_its_first)
{
    struct play play;
    struct player p[2] = {{0}}, again = {0};

    play_init(&play);
    play_stable(&play, p, 2);
    p[1].metadata = "other";
    play_join(&play, &p[1], p[1].id, "range");
    check(p[1].joining);
    play_join(&play, &again, p[1].id, "range");
    check(!p[1].joining && again.joining);
    check_eq(p[1].outcome, COORD_E_REBALANCING);
    check_eq(play.group.joining_count, 1);
    play_fini(&play);
}

/* --- protocols -------------------------------------------------------------- */

TEST(group_join, without_a_common_protocol_nobody_gets_in)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_join(&play, &b, "", "");
    check_eq(b.outcome, COORD_E_PROTOCOL);
    play_join_as(&play, &b, "", "", "range");
    check_eq(b.outcome, COORD_E_PROTOCOL);
    play_stable(&play, &a, 1);
    play_join(&play, &b, "", "sticky");
    check_eq(b.outcome, COORD_E_PROTOCOL);
    play_join_as(&play, &b, "", "connect", "range");
    check_eq(b.outcome, COORD_E_PROTOCOL);
    play_join(&play, &a, a.id, "sticky"); /* Not even a member may lose the common one. */
    check_eq(a.outcome, COORD_E_PROTOCOL);
    check_text(a.id, "m3");
    check_eq(play.group.state, GROUP_STABLE);
    play_fini(&play);
}

TEST(group_join, any_protocol_type_will_do)
{
    struct play play;
    struct player a = {.version = 3};

    play_init(&play);
    play_join_as(&play, &a, "", "connect", "compatible,default");
    check_eq(a.outcome, 0);
    check_text(a.type, "connect");
    check_text(a.protocol, "compatible");
    play_fini(&play);
}

TEST(group_join, the_protocol_with_the_most_votes_among_the_common_ones_wins)
{
    struct play play;
    struct player a = {.version = 3}, b = {.version = 3}, c = {.version = 3};

    play_init(&play);
    play.config.initial_delay_ms = 100;
    play_join(&play, &a, "", "x,y,z");
    play_join(&play, &b, "", "only-b,z,y");
    play_join(&play, &c, "", "z,y");
    play_wait(&play, 100000);
    check_text(a.protocol, "z");
    check_text(c.protocol, "z");
    play_fini(&play);
}

TEST(group_join, a_name_said_twice_counts_for_one_member)
{
    struct play play;
    struct player a = {.version = 3}, b = {.version = 3};

    play_init(&play);
    play.config.initial_delay_ms = 100;
    play_join(&play, &a, "", "x,y,x");
    play_join(&play, &b, "", "y");
    play_wait(&play, 100000);
    check_text(a.protocol, "y");
    check_text(b.protocol, "y");
    play_fini(&play);
}

/* --- size ------------------------------------------------------------------- */

TEST(group_join, a_full_group_lets_nobody_in)
{
    struct play play;
    struct player p[2] = {{0}}, c = {0};

    play_init(&play);
    play.config.size_max = 2;
    play_stable(&play, p, 2);
    play_join(&play, &c, "", "range");
    check_eq(c.outcome, COORD_E_FULL);
    check_text(c.id, "");
    play_join(&play, &p[1], p[1].id, "range,roundrobin");
    check_eq(p[1].outcome, 0);
    play_fini(&play);
}

TEST(group_join, who_rejoins_too_late_for_a_full_generation_is_out)
{
    struct play play;
    struct player p[3] = {{0}};

    play_init(&play);
    play_stable(&play, p, 3);
    play.config.size_max = 2;
    p[0].metadata = p[1].metadata = "other";
    play_join(&play, &p[0], p[0].id, "range");
    play_join(&play, &p[1], p[1].id, "range");
    check(p[0].joining && p[1].joining);
    play_join(&play, &p[2], p[2].id, "range");
    check_eq(p[2].outcome, COORD_E_FULL);
    check(!p[0].joining && !p[1].joining);
    check_eq(p[0].generation, play.group.generation);
    check_eq(play.group.member_count, 2);
    play_fini(&play);
}

/* --- static members --------------------------------------------------------- */

TEST(group_join, a_restarted_static_member_takes_its_old_place_without_a_rebalance)
{
    struct play play;
    struct player p[2] = {{.version = 3}, {.instance = "i"}}, again = {.instance = "i"};
    int32_t generation;

    play_init(&play);
    play.config.initial_delay_ms = 10;
    play_join(&play, &p[0], "", "range");
    play_join(&play, &p[1], "", "range");
    play_wait(&play, 1000);
    play_sync(&play, &p[1], NULL, 0);
    play_sync_leader(&play, &p[0]);
    play_stored(&play, 0);
    generation = play.group.generation;

    play_join(&play, &again, "", "range");
    check(again.joining); /* Until the new id is durable. */
    play_stored(&play, 0);
    check_eq(again.outcome, 0);
    check_eq(again.generation, generation);
    check_text(again.leader, p[0].id);
    check(strcmp(again.id, p[1].id) != 0);
    check_eq(play.group.state, GROUP_STABLE);
    check_eq(play_heartbeat(&play, &p[1]), COORD_E_FENCED_INSTANCE);
    play_sync(&play, &again, NULL, 0);
    check_eq(again.outcome, 0);
    check_text(again.assignment, p[1].id); /* What the leader gave to the old id. */
    play_fini(&play);
}

/* A static leader that comes back, with JoinGroup in a version. */
static void restart_leader(struct play *play, struct player *leader, struct player *again)
{
    play_init(play);
    leader->instance = again->instance = "i";
    play_join(play, leader, "", "range");
    play_sync_leader(play, leader);
    play_stored(play, 0);
    check_eq(play->group.state, GROUP_STABLE);
    play_join(play, again, "", "range");
    play_stored(play, 0);
    check_eq(again->outcome, 0);
}

TEST(group_join, a_restarted_leader_is_told_to_skip_the_assignment)
{
    struct play play;
    struct player leader = {0}, again = {.version = 9};

    restart_leader(&play, &leader, &again);
    check_text(again.leader, again.id);
    check(again.skips);
    check_eq(again.member_count, 1);
    play_fini(&play);
}

TEST(group_join, one_that_cannot_skip_is_told_that_its_old_self_leads)
{
    struct play play;
    struct player leader = {0}, again = {.version = 8};

    restart_leader(&play, &leader, &again);
    check_text(again.leader, leader.id);
    check(!again.skips);
    check_eq(again.member_count, 0);
    play_fini(&play);
}

TEST(group_join, a_restarted_static_member_with_another_favourite_begins_a_rebalance)
{
    struct play play;
    struct player a = {.instance = "i"}, again = {.instance = "i"};

    play_init(&play);
    play_join(&play, &a, "", "range,sticky");
    play_sync_leader(&play, &a);
    play_stored(&play, 0);
    play_join(&play, &again, "", "sticky,range");
    check_eq(again.outcome, 0);
    check_eq(again.generation, 2);
    check_text(again.protocol, "sticky");
    check_eq(play.store, 0);
    play_fini(&play);
}

TEST(group_join, a_static_member_restarted_while_assignments_are_made_begins_anew)
{
    struct play play;
    struct player a = {.instance = "i"}, again = {.instance = "i"};

    play_init(&play);
    play_join(&play, &a, "", "range");
    play_sync_leader(&play, &a);
    check(a.syncing);
    play_join(&play, &again, "", "range");
    check(!a.syncing);
    check_eq(a.outcome, COORD_E_FENCED_INSTANCE);
    check_eq(again.generation, 2);
    check_text(again.leader, again.id);
    play_stored(&play, 0); /* Of the generation that is gone. */
    check_eq(play.group.state, GROUP_COMPLETING);
    play_fini(&play);
}

TEST(group_join, the_waiting_call_of_a_replaced_static_member_is_fenced)
{
    struct play play;
    struct player p[2] = {{0}, {.instance = "i"}}, again = {.instance = "i"};

    play_init(&play);
    play_stable(&play, p, 1);
    play_join(&play, &p[1], "", "range");
    check(p[1].joining);
    play_join(&play, &again, "", "range");
    check_eq(p[1].outcome, COORD_E_FENCED_INSTANCE);
    check(again.joining);
    check_eq(play.group.member_count, 2);
    play_fini(&play);
}

TEST(group_join, a_replacement_that_cannot_be_written_is_refused)
{
    struct play play;
    struct player a = {.instance = "i"}, again = {.instance = "i"};

    play_init(&play);
    play_join(&play, &a, "", "range");
    play_sync_leader(&play, &a);
    play_stored(&play, 0);
    play_join(&play, &again, "", "range");
    play_stored(&play, COORD_E_TOO_LARGE);
    check_eq(again.outcome, COORD_E_TOO_LARGE);
    check_eq(play.group.state, GROUP_STABLE);
    play_fini(&play);
}

TEST(group_join, a_replacement_that_a_rebalance_overtakes_is_part_of_it)
{
    struct play play;
    struct player a = {.instance = "i"}, again = {.instance = "i"}, b = {.version = 3};

    play_init(&play);
    play_join(&play, &a, "", "range");
    play_sync_leader(&play, &a);
    play_stored(&play, 0);
    play_join(&play, &again, "", "range");
    check(again.joining);
    play_join(&play, &b, "", "range");
    check(!again.joining && !b.joining);
    check_eq(again.generation, 2);
    play_stored(&play, 0);
    check_eq(play.group.state, GROUP_COMPLETING);
    play_fini(&play);
}

TEST(group_join, another_member_may_not_use_an_instance_id)
{
    struct play play;
    struct player p[2] = {{.version = 3}, {.instance = "i"}}, thief = {.instance = "i"};

    play_init(&play);
    play.config.initial_delay_ms = 10;
    play_join(&play, &p[0], "", "range");
    play_join(&play, &p[1], "", "range");
    play_wait(&play, 1000);
    play_join(&play, &thief, p[0].id, "range");
    check_eq(thief.outcome, COORD_E_FENCED_INSTANCE);
    play_fini(&play);
}

/* --- the initial delay ------------------------------------------------------ */

TEST(group_join, an_empty_group_waits_for_more_members_but_not_for_ever)
{
    struct play play;
    struct player p[5] = {{0}};

    play_init(&play);
    play.config.initial_delay_ms = 3000;
    for (int i = 0; i < 5; i++) {
        p[i].version = 3;
        p[i].rebalance_ms = 10000;
        play_join(&play, &p[i], "", "range");
        play_wait(&play, 2500);
        check_eq(p[i].joining, i != 3); /* The tenth second is the last. */
    }
    check_eq(p[0].generation, 1);
    check_eq(p[0].member_count, 4);
    play_fini(&play);
}

TEST(group_join, without_newcomers_the_delay_is_not_prolonged)
{
    struct play play;
    struct player a = {.version = 3};

    play_init(&play);
    play.config.initial_delay_ms = 3000;
    play_join(&play, &a, "", "range");
    play_wait(&play, 2999);
    check(a.joining);
    play_wait(&play, 1);
    check(!a.joining);
    play_fini(&play);
}
