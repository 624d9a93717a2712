/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/coordinator_test.h"

/* --- commits ---------------------------------------------------------------- */

TEST(coordinator_change, who_reads_waits_for_what_is_not_durable)
{
    struct stage s;
    struct stage_ask commit, read, other;

    stage_open(&s);
    check_ok(stage_commit(&s, "other", 0, 1));
    stage_prepare(&commit, "g", 0, 5);
    stage_prepare_read(&read, "g", 0);
    stage_prepare_read(&other, "other", 0);
    coordinator_commit(stage_coordinator(&s, "g"), &commit.change);
    coordinator_read(stage_coordinator(&s, "g"), &read.read);
    coordinator_read(stage_coordinator(&s, "other"), &other.read);
    check(!commit.is_done && !read.is_done);
    check(other.is_done); /* Nothing of this group is on its way. */
    stage_await(&s, &read.is_done);
    check(commit.is_done);
    check_ok(read.read.call.outcome);
    check_eq(read.found, 5);
    stage_close(&s);
}

TEST(coordinator_change, commits_are_held_to_the_rules_of_the_group)
{
    struct stage s;
    struct stage_member m = {.id = ""};
    struct stage_ask ask;

    stage_open(&s);
    stage_prepare(&ask, "g", 0, 5);
    ask.change.who.generation = 3;
    coordinator_commit(stage_coordinator(&s, "g"), &ask.change);
    check(ask.is_done);
    check_eq(ask.change.call.outcome, COORD_E_UNKNOWN_GROUP);
    stage_stable(&s, &m, "g");
    check_eq(stage_commit(&s, "g", 0, 5), COORD_E_UNKNOWN_MEMBER);
    stage_prepare(&ask, "g", 0, 5);
    ask.change.who = (struct group_who){.member_id = slice_text(m.id), .generation = m.generation};
    coordinator_commit(stage_coordinator(&s, "g"), &ask.change);
    stage_await(&s, &ask.is_done);
    check_ok(ask.change.call.outcome);
    check_eq(stage_offset(&s, "g", 0), 5);
    stage_close(&s);
}

TEST(coordinator_change, a_text_that_is_too_long_is_refused_for_itself)
{
    struct stage s;
    struct stage_ask ask;
    struct coord_offset two[2];

    stage_open(&s);
    stage_prepare(&ask, "g", 0, 5);
    two[0] = two[1] = ask.offset;
    two[0].value.metadata = slice_text("12345678901");
    two[1].partition = 1;
    two[1].value.metadata = slice_text("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
    ask.change.offsets = two;
    ask.change.count = 2;
    coordinator_commit(stage_coordinator(&s, "g"), &ask.change);
    stage_await(&s, &ask.is_done);
    check_ok(ask.change.call.outcome);
    check_eq(two[0].outcome, COORD_E_METADATA_TOO_LARGE);
    check_ok(two[1].outcome);
    check_eq(stage_offset(&s, "g", 0), -1);
    check_eq(stage_offset(&s, "g", 1), 5);
    stage_close(&s);
}

TEST(coordinator_change, a_commit_that_fills_several_batches_is_whole)
{
    enum { MANY = 300 };
    struct stage s;
    struct stage_ask ask;
    static struct coord_offset many[MANY];

    stage_open(&s);
    s.message_max = 2000;
    stage_prepare(&ask, "g", 0, 5);
    for (int i = 0; i < MANY; i++) {
        many[i] = ask.offset;
        many[i].partition = i;
        many[i].value.offset = i;
    }
    ask.change.offsets = many;
    ask.change.count = MANY;
    coordinator_commit(stage_coordinator(&s, "g"), &ask.change);
    stage_await(&s, &ask.is_done);
    check_ok(ask.change.call.outcome);
    stage_restart(&s, true);
    for (int i = 0; i < MANY; i++)
        check_eq(stage_offset(&s, "g", i), i);
    stage_close(&s);
}

TEST(coordinator_change, a_group_that_is_too_large_for_a_batch_is_told)
{
    struct stage s;
    struct stage_member m = {.id = ""};

    stage_open(&s);
    s.message_max = 200;
    stage_begin_join(&s, &m, "g", "");
    check_ok(m.outcome);
    m.sync = (struct group_sync){
        .call = {.keep = stage_keep_sync, .done = stage_synced},
        .who = {.member_id = slice_text(m.id), .generation = m.generation},
    };
    m.is_done = false;
    coordinator_sync(stage_coordinator(&s, "g"), slice_text("g"), &m.sync);
    check(m.is_done);
    check_eq(m.outcome, COORD_E_TOO_LARGE);
    check_eq(stage_heartbeat(&s, &m, "g"), COORD_E_REBALANCING);
    stage_close(&s);
}

/* --- what fails ------------------------------------------------------------- */

/* The partition fails under a commit; its log is as it was. */
static void fail_under(struct stage *s, struct stage_ask *ask)
{
    struct partition *p = stage_partition(s, "g");

    coordinator_commit(stage_coordinator(s, "g"), &ask->change);
    partition_drop(p);
    stage_await(s, &ask->is_done);
}

TEST(coordinator_change, an_append_that_fails_is_never_seen)
{
    struct stage s;
    struct stage_ask ask, read;
    struct stage_member first = {.id = ""}, second = {.id = ""};

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    stage_stable(&s, &first, "a2");
    check_eq(coordinator_index(slice_text("a2"), 2), coordinator_index(slice_text("g"), 2));
    stage_begin_join(&s, &second, "a2", "");
    stage_prepare(&ask, "g", 0, 9);
    stage_prepare_read(&read, "g", 0);
    coordinator_commit(stage_coordinator(&s, "g"), &ask.change);
    coordinator_read(stage_coordinator(&s, "g"), &read.read);
    partition_drop(stage_partition(&s, "g"));
    stage_await(&s, &ask.is_done);
    stage_await(&s, &read.is_done);
    check_eq(ask.change.call.outcome, COORD_E_NOT_COORDINATOR);
    check_eq(read.read.call.outcome, COORD_E_NOT_COORDINATOR);
    stage_await(&s, &second.is_done);
    check_eq(second.outcome, COORD_E_NOT_COORDINATOR);
    /* It is read again, and what was durable is all there is. */
    check_eq(stage_offset(&s, "g", 0), 5);
    check_ok(stage_heartbeat(&s, &first, "a2"));
    check_ok(stage_commit(&s, "g", 0, 6));
    check_eq(stage_offset(&s, "g", 0), 6);
    stage_close(&s);
}

TEST(coordinator_change, a_commit_in_flight_when_a_group_is_deleted_does_not_bring_it_back)
{
    struct stage s;
    struct stage_ask commit, deletion;

    stage_open(&s);
    stage_prepare(&commit, "g", 0, 5);
    stage_prepare(&deletion, "g", 0, 0);
    coordinator_commit(stage_coordinator(&s, "g"), &commit.change);
    coordinator_delete_group(stage_coordinator(&s, "g"), &deletion.change);
    stage_await(&s, &deletion.is_done);
    check(commit.is_done);
    check_ok(commit.change.call.outcome);
    check_ok(deletion.change.call.outcome);
    check_eq(stage_offset(&s, "g", 0), -1);
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), -1);
    stage_close(&s);
}

TEST(coordinator_change, a_commit_that_fails_says_so_and_the_next_works)
{
    struct stage s;
    struct stage_ask ask;

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    stage_prepare(&ask, "g", 0, 9);
    fail_under(&s, &ask);
    check_eq(ask.change.call.outcome, COORD_E_NOT_COORDINATOR);
    check_ok(stage_commit(&s, "g", 0, 7));
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), 7);
    stage_close(&s);
}

/* --- forgetting ------------------------------------------------------------- */

TEST(coordinator_change, a_group_is_deleted_when_it_is_empty_and_made_anew)
{
    struct stage s;
    struct stage_member m = {.id = ""};
    struct group_leaver leaver;
    struct stage_ask ask;

    stage_open(&s);
    stage_stable(&s, &m, "g");
    stage_prepare(&ask, "g", 0, 0);
    coordinator_delete_group(stage_coordinator(&s, "g"), &ask.change);
    check(ask.is_done);
    check_eq(ask.change.call.outcome, COORD_E_NOT_EMPTY);
    leaver = (struct group_leaver){.member_id = slice_text(m.id), .instance_id = slice_null()};
    check_ok(coordinator_leave(stage_coordinator(&s, "g"), slice_text("g"), &leaver, 1));
    check_ok(stage_commit(&s, "g", 0, 5));
    stage_prepare(&ask, "g", 0, 0);
    coordinator_delete_group(stage_coordinator(&s, "g"), &ask.change);
    check(!coordinator_find(stage_coordinator(&s, "g"), slice_text("g")));
    stage_stable(&s, &m, "g"); /* While the tombstones are on their way. */
    check(ask.is_done);
    check_eq(m.generation, 1);
    stage_restart(&s, true);
    check_ok(stage_heartbeat(&s, &m, "g"));
    check_eq(stage_offset(&s, "g", 0), -1);
    stage_prepare(&ask, "none", 0, 0);
    coordinator_delete_group(stage_coordinator(&s, "none"), &ask.change);
    check_eq(ask.change.call.outcome, COORD_E_UNKNOWN_GROUP);
    stage_close(&s);
}

TEST(coordinator_change, offsets_are_deleted_one_by_one)
{
    struct stage s;
    struct stage_ask ask;

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    check_ok(stage_commit(&s, "g", 1, 6));
    stage_prepare(&ask, "g", 0, 0);
    coordinator_delete_offsets(stage_coordinator(&s, "g"), &ask.change);
    stage_await(&s, &ask.is_done);
    check_ok(ask.change.call.outcome);
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), -1);
    check_eq(stage_offset(&s, "g", 1), 6);
    stage_close(&s);
}

static void wait_for_expiry(struct stage *s, const char *group)
{
    int turns = 0;

    while (coordinator_find(stage_coordinator(s, group), slice_text(group))) {
        loop_turn(&s->loop, 1000);
        check(++turns < STAGE_TURNS_MAX);
    }
}

TEST(coordinator_change, what_is_too_old_is_forgotten_with_its_group)
{
    struct stage s;
    struct stage_member m = {.id = ""};

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    check_ok(stage_commit(&s, "live", 0, 6));
    stage_stable(&s, &m, "live");
    stage_end(&s, true);
    s.config.retention_ms = 1000;
    s.config.check_interval_ms = 1;
    stage_begin(&s);
    wait_for_expiry(&s, "g"); /* Its commit is of 1970. */
    check_ok(stage_heartbeat(&s, &m, "live"));
    check_eq(stage_offset(&s, "live", 0), 6); /* It has members. */
    stage_end(&s, true);
    s.config.retention_ms = INT64_MAX;
    stage_begin(&s);
    check_eq(stage_offset(&s, "g", 0), -1);
    check(!coordinator_find(stage_coordinator(&s, "g"), slice_text("g")));
    stage_close(&s);
}

TEST(coordinator_change, offsets_go_with_their_topic)
{
    struct stage s;
    struct remove_topic_record gone = {.topic_id = stage_orders_id};
    struct image *before;

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    before = image_ref(s.image);
    stage_apply(&s, 9, &remove_topic_record_message, 0, &gone);
    coordinators_forget_topic(&s.all, image_find_topic_by_id(before, stage_orders_id));
    check_eq(stage_offset(&s, "g", 0), -1);
    image_unref(before);
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), -1);
    stage_close(&s);
}

/* --- whatever happens ------------------------------------------------------- */

/* Commits, deletions, failures and restarts against a plain table. */
PROPERTY(coordinator_change, offsets_are_what_was_answered_last, 15)
{
    enum { GROUPS = 4, PARTS = 3, ROUNDS = 60 };
    static const char *const names[GROUPS] = {"g", "h", "i", "j"};
    int64_t model[GROUPS][PARTS];
    struct stage s;

    memset(model, 0xff, sizeof(model));
    stage_open(&s);
    for (int round = 0; round < ROUNDS; round++) {
        int g = (int)rng_below(rng, GROUPS);
        int32_t p = (int32_t)rng_below(rng, PARTS);
        unsigned dice = (unsigned)rng_below(rng, 100);
        struct stage_ask ask;

        if (dice < 60) {
            check_ok(stage_commit(&s, names[g], p, round));
            model[g][p] = round;
        } else if (dice < 70) {
            stage_prepare(&ask, names[g], 0, 0);
            coordinator_delete_group(stage_coordinator(&s, names[g]), &ask.change);
            stage_await(&s, &ask.is_done);
            if (ask.change.call.outcome == 0)
                memset(model[g], 0xff, sizeof(model[g]));
        } else if (dice < 80) {
            stage_prepare(&ask, "g", 0, 1000 + round);
            fail_under(&s, &ask);
            check_eq(ask.change.call.outcome, COORD_E_NOT_COORDINATOR);
        } else if (dice < 90) {
            stage_restart(&s, rng_chance(rng, 50));
        } else {
            check_eq(stage_offset(&s, names[g], p), model[g][p]);
        }
    }
    for (int g = 0; g < GROUPS; g++)
        for (int32_t p = 0; p < PARTS; p++)
            check_eq(stage_offset(&s, names[g], p), model[g][p]);
    stage_close(&s);
}
