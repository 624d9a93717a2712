/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/coordinator_test.h"

TEST(coordinator, groups_live_where_kafka_says)
{
    check_eq(coordinator_index(slice_text("g"), 50), 3);
    check_eq(coordinator_index(slice_text("group1"), 50), 40);
    check_eq(coordinator_index(slice_text("my-group"), 50), 12);
    check_eq(coordinator_index(slice_text("connect-cluster"), 50), 13);
    check_eq(coordinator_index(slice_text(""), 50), 0);
    check_eq(coordinator_index(slice_text("polygenelubricants"), 50), 0);
    check_eq(coordinator_index(slice_text("\xc3\xa9t\xc3\xa9"), 50), 42);
}

TEST(coordinator, what_was_committed_is_there_after_a_restart)
{
    struct stage s;

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    check_ok(stage_commit(&s, "g", 1, 6));
    check_ok(stage_commit(&s, "g", 0, 9));
    check_ok(stage_commit(&s, "other", 0, 1));
    for (int clean = 1; clean >= 0; clean--) {
        stage_restart(&s, clean);
        check_eq(stage_offset(&s, "g", 0), 9);
        check_eq(stage_offset(&s, "g", 1), 6);
        check_eq(stage_offset(&s, "other", 0), 1);
        check_eq(stage_offset(&s, "nobody", 0), -1);
    }
    stage_close(&s);
}

TEST(coordinator, members_go_on_after_a_restart)
{
    struct stage s;
    struct stage_member m = {.id = ""};

    stage_open(&s);
    stage_stable(&s, &m, "g");
    check_text(m.assigned, "everything");
    check_ok(stage_heartbeat(&s, &m, "g"));
    stage_restart(&s, true);
    check_ok(stage_heartbeat(&s, &m, "g"));
    m.generation++;
    check_eq(stage_heartbeat(&s, &m, "g"), COORD_E_GENERATION);
    stage_close(&s);
}

TEST(coordinator, a_group_that_its_last_member_left_is_empty_after_a_restart)
{
    struct stage s;
    struct stage_member m = {.id = ""};
    struct group_leaver leaver;
    const struct group *group;

    stage_open(&s);
    stage_stable(&s, &m, "g");
    leaver = (struct group_leaver){.member_id = slice_text(m.id), .instance_id = slice_null()};
    check_ok(coordinator_leave(stage_coordinator(&s, "g"), slice_text("g"), &leaver, 1));
    check_ok(leaver.outcome);
    check_eq(coordinator_leave(stage_coordinator(&s, "x"), slice_text("x"), &leaver, 1),
             COORD_E_UNKNOWN_GROUP);
    check_ok(stage_commit(&s, "g", 0, 1)); /* What is durable behind it makes it durable. */
    stage_restart(&s, true);
    group = coordinator_find(stage_coordinator(&s, "g"), slice_text("g"));
    check(group);
    check_eq(group->state, GROUP_EMPTY);
    check_eq(group->generation, 2);
    check(slice_is_text(group->protocol_type, "consumer"));
    stage_close(&s);
}

TEST(coordinator, a_join_that_is_refused_leaves_no_group_behind)
{
    struct stage s;
    struct stage_member m = {.id = ""};

    stage_open(&s);
    stage_begin_join(&s, &m, "g", "stranger");
    check(m.is_done);
    check_eq(m.outcome, COORD_E_UNKNOWN_MEMBER);
    check_text(m.id, "stranger");
    check(!coordinator_find(stage_coordinator(&s, "g"), slice_text("g")));
    stage_close(&s);
}

TEST(coordinator, while_one_partition_is_read_another_serves)
{
    struct stage s;
    struct coordinator *c = NULL;

    stage_open(&s);
    check_eq(coordinator_index(slice_text("a"), STAGE_PARTITIONS), 1);
    check_eq(coordinator_index(slice_text("b"), STAGE_PARTITIONS), 0);
    check_ok(stage_commit(&s, "a", 0, 5));
    stage_restart(&s, true);
    check_eq(stage_get(&s, "a", &c), COORD_E_LOADING);
    check_ok(stage_get(&s, "b", &c)); /* It has no log, and needs not be read. */
    check_eq(stage_get(&s, "a", &c), COORD_E_LOADING);
    check_eq(stage_offset(&s, "b", 0), -1);
    check_eq(stage_offset(&s, "a", 0), 5);
    stage_close(&s);
}

struct counted {
    struct coord_call call;
    int groups;
    bool is_done;
};

static void count_group(void *context, struct slice id, const struct group *group)
{
    struct counted *counted = context;

    (void)id;
    (void)group;
    counted->groups++;
}

static void all_loaded(struct coord_call *call)
{
    container_of(call, struct counted, call)->is_done = true;
}

TEST(coordinator, all_groups_can_be_had_once_all_partitions_are_read)
{
    struct stage s;
    struct counted counted = {.call = {.done = all_loaded}};

    stage_open(&s);
    check_ok(stage_commit(&s, "a", 0, 5));
    check_ok(stage_commit(&s, "b", 0, 5));
    check_ok(stage_commit(&s, "c", 0, 5));
    stage_restart(&s, true);
    coordinators_load_all(&s.all, &counted.call);
    check(!counted.is_done);
    stage_await(&s, &counted.is_done);
    check_ok(counted.call.outcome);
    coordinators_each(&s.all, count_group, &counted);
    check_eq(counted.groups, 3);
    stage_close(&s);
}

TEST(coordinator, a_stop_ends_what_waits)
{
    struct stage s;
    struct stage_member first = {.id = ""}, second = {.id = ""};
    struct coordinator *c = NULL;

    stage_open(&s);
    stage_stable(&s, &first, "g");
    stage_begin_join(&s, &second, "g", "");
    check(!second.is_done);
    coordinators_stop(&s.all);
    check(second.is_done);
    check_eq(second.outcome, COORD_E_STOPPING);
    check_eq(stage_get(&s, "g", &c), COORD_E_STOPPING);
    stage_close(&s);
}

TEST(coordinator, when_its_topic_goes_it_goes)
{
    struct stage s;
    struct stage_member first = {.id = ""}, second = {.id = ""};
    struct remove_topic_record gone = {.topic_id = stage_groups_id};
    struct image *before;
    const struct image_topic *topic;
    struct coordinator *c = NULL;

    stage_open(&s);
    stage_stable(&s, &first, "g");
    stage_begin_join(&s, &second, "g", "");
    before = image_ref(s.image);
    topic = image_find_topic_by_id(before, stage_groups_id);
    stage_apply(&s, 9, &remove_topic_record_message, 0, &gone);
    for (int32_t i = 0; i < STAGE_PARTITIONS; i++) {
        struct partition *p = replicas_find(&s.replicas, stage_groups_id, i);

        if (p)
            partition_drop(p);
    }
    coordinators_forget_topic(&s.all, topic);
    check(second.is_done);
    check_eq(second.outcome, COORD_E_NOT_COORDINATOR);
    check_eq(coordinators_get(&s.all, topic, coordinator_index(slice_text("g"), 2), &c),
             COORD_E_NOT_COORDINATOR);
    image_unref(before);
    stage_close(&s);
}
