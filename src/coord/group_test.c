/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/group_test.h"

#include "wire/codec.h"
#include "wire/msg/group_metadata_record.h"

/* --- SyncGroup -------------------------------------------------------------- */

TEST(group, everybody_gets_an_assignment_once_it_is_durable)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    play_sync(&play, &p[1], NULL, 0);
    check(p[1].syncing);
    play_sync_leader(&play, &p[0]);
    check(p[0].syncing && p[1].syncing);
    check_eq(play.group.state, GROUP_COMPLETING);
    play_stored(&play, 0);
    check_eq(play.group.state, GROUP_STABLE);
    check_text(p[0].assignment, p[0].id);
    check_text(p[1].assignment, p[1].id);
    check_text(p[1].protocol, "range");
    check_text(p[1].type, "consumer");
    play_fini(&play);
}

TEST(group, whom_the_leader_forgets_gets_nothing_and_strangers_are_passed_over)
{
    struct play play;
    struct player p[2] = {{0}};
    struct group_assignment odd[2];

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    odd[0] = (struct group_assignment){play_word("stranger"), play_word("x")};
    odd[1] = (struct group_assignment){play_word(p[0].id), play_word("all")};
    play_sync(&play, &p[0], odd, 2);
    play_sync(&play, &p[1], NULL, 0);
    play_stored(&play, 0);
    check_text(p[0].assignment, "all");
    check_eq(p[1].outcome, 0);
    check_text(p[1].assignment, "");
    play_fini(&play);
}

TEST(group, who_asks_late_is_told_its_assignment_at_once)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    play_sync_leader(&play, &p[0]);
    play_stored(&play, 0);
    play_sync(&play, &p[1], NULL, 0);
    check(!p[1].syncing);
    check_text(p[1].assignment, p[1].id);
    play_fini(&play);
}

TEST(group, sync_refuses_strangers_other_generations_and_other_protocols)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    b = a;
    (void)snprintf(b.id, sizeof(b.id), "stranger");
    play_sync(&play, &b, NULL, 0);
    check_eq(b.outcome, COORD_E_UNKNOWN_MEMBER);
    b = a;
    b.generation++;
    play_sync(&play, &b, NULL, 0);
    check_eq(b.outcome, COORD_E_GENERATION);
    b = a;
    b.instance = "i";
    play_sync(&play, &b, NULL, 0);
    check_eq(b.outcome, COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

TEST(group, sync_refuses_another_protocol_than_was_chosen)
{
    const char *words[][2] = {{"connect", NULL}, {NULL, "sticky"}, {"consumer", "range"}};
    int expected[] = {COORD_E_PROTOCOL, COORD_E_PROTOCOL, 0};
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct group_step step;

        a.sync = (struct group_sync){.call.keep = play_keep_sync,
                                     .who = play_who(&a),
                                     .protocol_type = play_word(words[i][0]),
                                     .protocol = play_word(words[i][1])};
        a.syncing = true;
        play_begin(&play, &step);
        group_sync(&play.group, &a.sync, &step);
        play_end(&play, &step);
        check_eq(a.outcome, expected[i]);
    }
    play_fini(&play);
}

TEST(group, during_a_rebalance_sync_says_so)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    play_sync(&play, &p[1], NULL, 0);
    check_eq(p[1].outcome, COORD_E_REBALANCING);
    play_fini(&play);
}

TEST(group, who_waits_for_an_assignment_hears_of_the_next_rebalance)
{
    struct play play;
    struct player p[2] = {{0}}, c = {.version = 3};

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    play_sync(&play, &p[1], NULL, 0);
    play_join(&play, &c, "", "range");
    check_eq(p[1].outcome, COORD_E_REBALANCING);
    check_eq(play.group.state, GROUP_PREPARING);
    play_fini(&play);
}

TEST(group, who_joins_late_has_as_long_for_its_sync_as_the_others_had)
{
    struct play play;
    struct player p[2] = {{.rebalance_ms = 10000}, {.rebalance_ms = 10000}};

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    check_eq(play.group.state, GROUP_COMPLETING);
    play_sync_leader(&play, &p[0]);
    play_wait(&play, 9000);
    play_join(&play, &p[1], p[1].id, "range");
    play_wait(&play, 9000);
    check_eq(play.group.member_count, 2);
    play_wait(&play, 1000);
    check_eq(play.group.member_count, 1);
    play_fini(&play);
}

TEST(group, assignments_that_cannot_be_written_are_taken_back)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_join_twice(&play, &a, "range");
    play_sync_leader(&play, &a);
    play_stored(&play, COORD_E_TOO_LARGE);
    check_eq(a.outcome, COORD_E_TOO_LARGE);
    check_eq(play.group.state, GROUP_PREPARING);
    play_join(&play, &a, a.id, "range");
    check_eq(a.generation, 2);
    play_fini(&play);
}

TEST(group, a_leader_that_asks_twice_writes_once)
{
    struct play play;
    struct player a = {0}, again;

    play_init(&play);
    play_join_twice(&play, &a, "range");
    play_sync_leader(&play, &a);
    check_eq(play.store, 1);
    again = a;
    play_sync(&play, &again, NULL, 0);
    check_eq(play.store, 1);
    check_eq(a.outcome, COORD_E_REBALANCING); /* The older call. */
    play_stored(&play, 0);
    check_text(again.assignment, a.id);
    play_fini(&play);
}

TEST(group, who_never_asks_for_its_assignment_is_out)
{
    struct play play;
    struct player p[2] = {{.rebalance_ms = 20000}, {.rebalance_ms = 20000}};

    play_init(&play);
    play_join_twice(&play, &p[0], "range");
    play_join_twice(&play, &p[1], "range");
    play_join(&play, &p[0], p[0].id, "range");
    play_sync_leader(&play, &p[0]);
    play_stored(&play, 0);
    for (int i = 0; i < 4; i++) {
        play_wait(&play, 4999);
        check_eq(play_heartbeat(&play, &p[0]), 0);
        check_eq(play_heartbeat(&play, &p[1]), 0);
    }
    play_wait(&play, 4);
    check_eq(play_heartbeat(&play, &p[1]), COORD_E_UNKNOWN_MEMBER);
    check_eq(play_heartbeat(&play, &p[0]), COORD_E_REBALANCING);
    play_fini(&play);
}

/* --- heartbeats and sessions ------------------------------------------------ */

TEST(group, heartbeats_keep_a_member_and_their_lack_ends_it)
{
    struct play play;
    struct player p[2] = {{0}, {.session_ms = 6000}};

    play_init(&play);
    play_stable(&play, p, 2);
    for (int i = 0; i < 10; i++) {
        play_wait(&play, 5000);
        check_eq(play_heartbeat(&play, &p[0]), 0);
        check_eq(play_heartbeat(&play, &p[1]), 0);
    }
    play_wait(&play, 5999);
    check_eq(play.group.member_count, 2);
    play_wait(&play, 1);
    check_eq(play.group.member_count, 1);
    check_eq(play_heartbeat(&play, &p[1]), COORD_E_UNKNOWN_MEMBER);
    check_eq(play_heartbeat(&play, &p[0]), COORD_E_REBALANCING);
    play_fini(&play);
}

TEST(group, whatever_a_member_asks_for_shows_that_it_lives)
{
    struct play play;
    struct player p[2] = {{0}, {.session_ms = 6000}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_wait(&play, 5000);
    play_sync(&play, &p[1], NULL, 0);
    play_wait(&play, 4000);
    check_eq(play_heartbeat(&play, &p[0]), 0);
    check_eq(play.group.member_count, 2);
    play_join(&play, &p[1], p[1].id, "range,roundrobin");
    play_wait(&play, 5000);
    check_eq(play.group.member_count, 2);
    play_wait(&play, 1000);
    check_eq(play.group.member_count, 1);
    play_fini(&play);
}

TEST(group, heartbeats_of_strangers_and_other_generations_are_refused)
{
    struct play play;
    struct player a = {0}, b;

    play_init(&play);
    play_stable(&play, &a, 1);
    b = a;
    b.generation--;
    check_eq(play_heartbeat(&play, &b), COORD_E_GENERATION);
    b = a;
    b.instance = "i";
    check_eq(play_heartbeat(&play, &b), COORD_E_UNKNOWN_MEMBER);
    (void)snprintf(b.id, sizeof(b.id), "stranger");
    b.instance = NULL;
    check_eq(play_heartbeat(&play, &b), COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

TEST(group, who_waits_for_a_rebalance_needs_no_heartbeat)
{
    struct play play;
    struct player p[2] = {{.rebalance_ms = 100000}, {0}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    for (int i = 0; i < 6; i++) { /* The other one takes its time. */
        play_wait(&play, 9000);
        check_eq(play_heartbeat(&play, &p[1]), COORD_E_REBALANCING);
    }
    check(p[0].joining);
    check_eq(play.group.member_count, 2);
    play_join(&play, &p[1], p[1].id, "range,roundrobin");
    check(!p[0].joining);
    play_wait(&play, 9999);
    check_eq(play_heartbeat(&play, &p[0]), 0);
    play_fini(&play);
}

TEST(group, a_new_member_whose_client_has_gone_is_given_five_minutes)
{
    struct play play;
    struct player a = {.rebalance_ms = 1000000, .session_ms = 10000}, b = {.version = 3};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_join(&play, &b, "", "range");
    for (int i = 0; i < 60; i++) {
        check(b.joining);
        play_wait(&play, 5000);
        (void)play_heartbeat(&play, &a);
    }
    check(!b.joining);
    check_eq(b.outcome, COORD_E_UNKNOWN_MEMBER);
    check_eq(play.group.member_count, 1);
    play_fini(&play);
}

TEST(group, who_does_not_rejoin_in_time_is_out)
{
    struct play play;
    struct player p[3] = {{.rebalance_ms = 30000}, {0}, {0}};

    play_init(&play);
    p[1].rebalance_ms = p[2].rebalance_ms = 20000;
    play_stable(&play, p, 3);
    play_join(&play, &p[1], p[1].id, "roundrobin");
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    for (int i = 0; i < 6; i++) { /* The longest timeout of all counts. */
        check(p[0].joining && p[1].joining);
        play_wait(&play, 5000);
        (void)play_heartbeat(&play, &p[2]);
    }
    check(!p[0].joining && !p[1].joining);
    check_eq(p[0].member_count, 2);
    check_eq(play_heartbeat(&play, &p[2]), COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

TEST(group, a_leader_that_does_not_rejoin_is_replaced)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    p[0].rebalance_ms = p[1].rebalance_ms = 9000;
    play_stable(&play, p, 2);
    play_join(&play, &p[1], p[1].id, "roundrobin");
    play_wait(&play, 9000);
    check_text(p[1].leader, p[1].id);
    check_eq(p[1].member_count, 1);
    play_fini(&play);
}

TEST(group, static_members_that_do_not_rejoin_stay_until_their_session_ends)
{
    struct play play;
    struct player p[2] = {{.version = 3, .rebalance_ms = 5000, .session_ms = 60000},
                          {.instance = "i", .rebalance_ms = 5000, .session_ms = 60000}};

    play_init(&play);
    play.config.initial_delay_ms = 10;
    play_join(&play, &p[0], "", "range");
    play_join(&play, &p[1], "", "range");
    play_wait(&play, 1000);
    play_sync(&play, &p[1], NULL, 0);
    play_sync_leader(&play, &p[0]);
    play_stored(&play, 0);
    play_join(&play, &p[0], p[0].id, "range");
    play_wait(&play, 5000);
    check(!p[0].joining);
    check_eq(p[0].member_count, 2);
    play_fini(&play);
}

TEST(group, a_pending_member_holds_up_a_rebalance_until_its_session_ends)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_join(&play, &b, "", "range");
    play_join(&play, &a, a.id, "range,roundrobin");
    check(a.joining);
    play_wait(&play, 10000);
    check(!a.joining);
    check_eq(play.group.pending_count, 0);
    play_join(&play, &b, b.id, "range");
    check_eq(b.outcome, COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

TEST(group, the_last_member_leaves_an_empty_group_that_is_written)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_wait(&play, 10000);
    check_eq(play.group.state, GROUP_EMPTY);
    check_eq(play.group.generation, 2);
    check(play.store != 0);
    check(slice_is_null(play.group.protocol));
    check(slice_is_text(play.group.protocol_type, "consumer"));
    check_eq(play.group.state_ms, play.now_ms + 1000000);
    play_stored(&play, 0);
    play_fini(&play);
}

TEST(group, static_members_that_are_all_away_keep_the_group)
{
    struct play play;
    struct player a = {.instance = "i", .session_ms = 50000, .rebalance_ms = 5000};
    struct player b = {.instance = "j", .session_ms = 6000, .rebalance_ms = 5000};

    play_init(&play);
    play.config.initial_delay_ms = 10;
    play_join(&play, &a, "", "range");
    play_join(&play, &b, "", "range");
    play_wait(&play, 1000);
    play_sync(&play, &b, NULL, 0);
    play_sync_leader(&play, &a);
    play_stored(&play, 0);
    play_wait(&play, 20000); /* b is out; nobody is there to rejoin. */
    check_eq(play.group.member_count, 1);
    check_eq(play.group.state, GROUP_PREPARING);
    play_wait(&play, 40000);
    check_eq(play.group.state, GROUP_EMPTY);
    play_fini(&play);
}

/* --- leaving ---------------------------------------------------------------- */

TEST(group, who_leaves_makes_the_others_rejoin)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_stable(&play, p, 2);
    check_eq(play_leave(&play, p[0].id, NULL), 0);
    check_eq(play_heartbeat(&play, &p[1]), COORD_E_REBALANCING);
    play_join(&play, &p[1], p[1].id, "range");
    check_text(p[1].leader, p[1].id);
    check_eq(play_leave(&play, p[1].id, NULL), 0);
    check_eq(play.group.state, GROUP_EMPTY);
    play_fini(&play);
}

TEST(group, only_members_can_leave)
{
    struct play play;
    struct player a = {0};

    play_init(&play);
    check_eq(play_leave(&play, "x", NULL), COORD_E_UNKNOWN_MEMBER);
    play_stable(&play, &a, 1);
    check_eq(play_leave(&play, "x", NULL), COORD_E_UNKNOWN_MEMBER);
    check_eq(play_leave(&play, "", NULL), COORD_E_UNKNOWN_MEMBER);
    check_eq(play_leave(&play, "", "i"), COORD_E_UNKNOWN_MEMBER);
    check_eq(play_leave(&play, a.id, "i"), COORD_E_UNKNOWN_MEMBER);
    check_eq(play.group.state, GROUP_STABLE);
    play_fini(&play);
}

TEST(group, an_operator_removes_a_static_member_by_its_instance)
{
    struct play play;
    struct player a = {.instance = "i"}, b = {.instance = "j"};

    play_init(&play);
    play.config.initial_delay_ms = 10;
    play_join(&play, &a, "", "range");
    play_join(&play, &b, "", "range");
    play_wait(&play, 1000);
    check_eq(play_leave(&play, b.id, "i"), COORD_E_FENCED_INSTANCE);
    check_eq(play_leave(&play, "", "i"), 0);
    check_eq(play.group.member_count, 1);
    play_fini(&play);
}

TEST(group, a_pending_member_that_leaves_lets_a_rebalance_end)
{
    struct play play;
    struct player a = {0}, b = {0};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_join(&play, &b, "", "range");
    play_join(&play, &a, a.id, "range,roundrobin");
    check(a.joining);
    check_eq(play_leave(&play, b.id, NULL), 0);
    check(!a.joining);
    play_fini(&play);
}

TEST(group, who_leaves_while_its_call_waits_is_told_that_it_is_out)
{
    struct play play;
    struct player a = {0}, b = {.version = 3};

    play_init(&play);
    play_stable(&play, &a, 1);
    play_join(&play, &b, "", "range");
    check(b.joining);
    check_eq(play_leave(&play, b.new_id, NULL), 0);
    check_eq(b.outcome, COORD_E_UNKNOWN_MEMBER);
    play_fini(&play);
}

/* --- commits ---------------------------------------------------------------- */

TEST(group, commits_of_members_must_fit_the_generation)
{
    struct play play;
    struct player a = {0}, b;

    play_init(&play);
    play_stable(&play, &a, 1);
    check_eq(play_commit(&play, &a), 0);
    b = a;
    b.generation--;
    check_eq(play_commit(&play, &b), COORD_E_GENERATION);
    b = a;
    b.id[0] = 'x';
    check_eq(play_commit(&play, &b), COORD_E_UNKNOWN_MEMBER);
    b = a;
    b.generation = -1;
    check_eq(play_commit(&play, &b), COORD_E_GENERATION);
    b = (struct player){.generation = -1};
    check_eq(play_commit(&play, &b), COORD_E_UNKNOWN_MEMBER); /* Not while there are members. */
    play_join(&play, &a, a.id, "range,roundrobin");
    check_eq(play_commit(&play, &a), COORD_E_REBALANCING); /* Between JoinGroup and SyncGroup. */
    play_fini(&play);
}

TEST(group, while_a_rebalance_is_prepared_the_old_generation_may_commit)
{
    struct play play;
    struct player p[2] = {{0}};

    play_init(&play);
    play_stable(&play, p, 2);
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    play_wait(&play, 9999);
    check_eq(play_commit(&play, &p[1]), 0);
    play_wait(&play, 9999); /* A commit is a sign of life. */
    check_eq(play.group.member_count, 2);
    play_fini(&play);
}

TEST(group, an_empty_group_takes_commits_of_nobody_in_particular)
{
    struct play play;
    struct player a = {0}, nobody = {.generation = -1}, late = {.generation = 3};

    play_init(&play);
    check_eq(play_commit(&play, &nobody), 0);
    check_eq(play_commit(&play, &late), COORD_E_UNKNOWN_MEMBER);
    play_stable(&play, &a, 1);
    play_wait(&play, 20000);
    check_eq(play.group.state, GROUP_EMPTY);
    check_eq(play_commit(&play, &nobody), 0);
    play_fini(&play);
}

/* --- the log's side --------------------------------------------------------- */

static struct group_metadata_value value_of(struct group_metadata_member_metadata *members,
                                            int count)
{
    struct group_metadata_value value;

    codec_defaults(&group_metadata_value_message, &value);
    value.protocol_type = slice_text("consumer");
    value.generation = 7;
    if (count > 0) {
        value.protocol = slice_text("range");
        value.leader = slice_text("m1");
    }
    value.current_state_timestamp = 5;
    value.members = members;
    value.members_count = count;
    for (int i = 0; i < count; i++) {
        members[i] = (struct group_metadata_member_metadata){
            .member_id = slice_text(i ? "m1" : "m0"),
            .client_id = slice_text("c"),
            .client_host = slice_text("/h"),
            .rebalance_timeout = -1,
            .session_timeout = 10000,
            .subscription = slice_text("meta"),
            .assignment = slice_text(i ? "second" : "first"),
        };
    }
    return value;
}

TEST(group, a_group_that_was_read_goes_on_where_it_was)
{
    struct group_metadata_member_metadata members[2];
    struct group_metadata_value value = value_of(members, 2);
    struct group_step step;
    struct play play;
    struct player a = {.id = "m0", .generation = 7};

    play_init(&play);
    group_restore(&play.group, &value);
    play_begin(&play, &step);
    group_restored(&play.group, &step);
    play_end(&play, &step);
    check_eq(play.group.state, GROUP_STABLE);
    check(slice_is_text(play.group.leader->id, "m1"));
    check_eq(play_heartbeat(&play, &a), 0);
    play_sync(&play, &a, NULL, 0);
    check_text(a.assignment, "first");
    play_wait(&play, 9999);
    check_eq(play.group.member_count, 2);
    play_wait(&play, 1); /* Nobody came back. */
    check_eq(play.group.state, GROUP_EMPTY);
    check_eq(play.group.generation, 8);
    play_fini(&play);
}

TEST(group, a_later_record_replaces_an_earlier_one)
{
    struct group_metadata_member_metadata members[2];
    struct group_metadata_value value = value_of(members, 2);
    struct play play;

    play_init(&play);
    group_restore(&play.group, &value);
    value = value_of(members, 0);
    group_restore(&play.group, &value);
    group_check(&play.group);
    check_eq(play.group.state, GROUP_EMPTY);
    check_eq(play.group.generation, 7);
    check_eq(play.group.state_ms, 5);
    play_fini(&play);
}

TEST(group, a_group_that_has_become_too_large_is_rebalanced_when_read)
{
    struct group_metadata_member_metadata members[2];
    struct group_metadata_value value = value_of(members, 2);
    struct group_step step;
    struct play play;

    play_init(&play);
    play.config.size_max = 1;
    group_restore(&play.group, &value);
    play_begin(&play, &step);
    group_restored(&play.group, &step);
    play_end(&play, &step);
    check_eq(play.group.state, GROUP_PREPARING);
    play_fini(&play);
}

/* --- expiry of offsets ------------------------------------------------------ */

TEST(group, offsets_expire_by_the_rules_of_kip_211)
{
    struct play play;
    struct player a = {.metadata = "no subscription"};

    play_init(&play);
    check_eq(group_expiry(&play.group), GROUP_EXPIRES_BY_COMMIT); /* Never had members. */
    play_join_twice(&play, &a, "range");
    check_eq(group_expiry(&play.group), GROUP_KEEPS_OFFSETS);
    play_sync_leader(&play, &a);
    play_stored(&play, 0);
    check_eq(group_expiry(&play.group), GROUP_KEEPS_OFFSETS); /* Nobody knows what it reads. */
    check(group_is_subscribed(&play.group, slice_text("any")));
    check_eq(play_leave(&play, a.id, NULL), 0);
    check_eq(group_expiry(&play.group), GROUP_EXPIRES_BY_STATE);
    check(!group_is_subscribed(&play.group, slice_text("any")));
    play.group.state_ms = -1; /* As read from a record of old. */
    check_eq(group_expiry(&play.group), GROUP_EXPIRES_BY_COMMIT);
    play_fini(&play);
}

TEST(group, topics_that_a_member_reads_are_known)
{
    static const char orders[] = "\0\1\0\0\0\2\0\6orders\0\1x\xff\xff\xff\xff";
    struct subscription s;

    subscription_init(&s);
    check_ok(subscription_add(&s, slice_of(orders, sizeof(orders) - 1)));
    check(subscription_has(&s, slice_text("orders")));
    check(subscription_has(&s, slice_text("x")));
    check(!subscription_has(&s, slice_text("order")));
    for (size_t cut = 0; cut < 17; cut++)
        check_eq(subscription_add(&s, slice_of(orders, cut)), SUBSCRIPTION_E_MALFORMED);
    check_eq(subscription_add(&s, slice_of("\0\0\xff\xff\xff\xff", 6)), SUBSCRIPTION_E_MALFORMED);
    check_eq(subscription_add(&s, slice_of("\xff\xff\0\0\0\0", 6)), SUBSCRIPTION_E_MALFORMED);
    subscription_fini(&s);
}
