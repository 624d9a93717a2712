/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controller_test.h"

#include "wire/msg/access_control_entry_record.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/topic_record.h"

TEST(controller, a_new_cluster_begins_with_its_metadata_version)
{
    struct bench bench;

    bench_init(&bench);
    check_eq(controller_image(bench.controller)->levels[FEATURE_METADATA], 30);
    check_eq(image_topic_count(controller_image(bench.controller)), 0);
    restart(&bench, false);
    check_eq(controller_image(bench.controller)->levels[FEATURE_METADATA], 30);
    bench_fini(&bench);
}

TEST(controller, an_answer_comes_when_the_topic_is_durable_and_published)
{
    struct control_op op = creation("orders", 3);
    struct bench bench;
    struct ask *a;

    bench_init(&bench);
    bench.holds_publish = true;
    a = ask(&bench, &op);
    loop_turn(&bench.loop, 0);
    check(a->heard == 0 && bench.published == 0 && !find(&bench, "orders"));
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check(a->heard == 0 && bench.published == 1);
    check(image_find_topic(bench.seen, slice_text("orders")));
    controller_published(bench.controller);
    check(a->heard == 1 && a->outcome == 0);
    check_eq(find(&bench, "orders")->partition_count, 3);
    check(uuid_equal(find(&bench, "orders")->id, a->op.id));
    bench_fini(&bench);
}

TEST(controller, what_is_asked_together_is_decided_and_made_durable_together)
{
    struct control_op first = creation("a", 1);
    struct control_op second = creation("b", 2);
    struct control_op again = creation("a", 1);
    struct control_op dry = creation("c", 1);
    struct control_op gone = deletion("b");
    struct ask *asks[5];
    struct bench bench;

    bench_init(&bench);
    dry.validate_only = true;
    asks[0] = ask(&bench, &first);
    asks[1] = ask(&bench, &second);
    asks[2] = ask(&bench, &again);
    asks[3] = ask(&bench, &dry);
    asks[4] = ask(&bench, &gone);
    loop_turn(&bench.loop, 0);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check_eq(bench.published, 1);
    for (int i = 0; i < 5; i++)
        check(asks[i]->heard == 1 && asks[i]->outcome == (i == 2 ? CONTROL_E_EXISTS : 0));
    check(find(&bench, "a") && !find(&bench, "b") && !find(&bench, "c"));
    check_text(bench.removed, ""); /* b never had files. */
    bench_fini(&bench);
}

TEST(controller, who_asks_while_a_batch_is_on_its_way_is_in_the_next)
{
    struct control_op first = creation("a", 1);
    struct control_op second = creation("b", 1);
    struct ask *one, *two;
    struct bench bench;

    bench_init(&bench);
    one = ask(&bench, &first);
    loop_turn(&bench.loop, 0);
    two = ask(&bench, &second);
    loop_turn(&bench.loop, 0);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check(one->heard == 1 && two->heard == 0 && bench.published == 1);
    settle(&bench);
    check(two->heard == 1 && bench.published == 2);
    bench_fini(&bench);
}

TEST(controller, names_and_numbers_that_kafka_refuses_are_refused)
{
    struct bench bench;
    char longest[251];

    bench_init(&bench);
    memset(longest, 'n', sizeof(longest));
    longest[250] = 0;
    check_eq(outcome_of(&bench, &(struct control_op){.kind = CONTROL_CREATE_TOPIC,
                                                     .name = slice_empty(),
                                                     .partitions = 1,
                                                     .replication_factor = 1}),
             CONTROL_E_NAME);
    for (int i = 0; i < 6; i++) {
        const char *const bad[] = {".", "..", "a b", "a/b", "\xc3\xa4", longest};
        struct control_op op = creation(bad[i], 1);

        check_eq(outcome_of(&bench, &op), CONTROL_E_NAME);
    }
    longest[249] = 0;
    for (int i = 0; i < 4; i++) {
        const char *const good[] = {"a.b", "A_z-9", "...", longest};
        struct control_op op = creation(good[i], 1);

        check_eq(outcome_of(&bench, &op), 0);
        check_eq(outcome_of(&bench, &op), CONTROL_E_EXISTS);
    }
    for (int i = 0; i < 5; i++) {
        const struct {
            const char *name;
            int32_t partitions;
            int16_t factor;
            int outcome;
        } bad[] = {{"a_b", 1, 1, CONTROL_E_COLLIDES},
                   {"x", 0, 1, CONTROL_E_PARTITIONS},
                   {"x", 100001, 1, CONTROL_E_PARTITIONS},
                   {"x", 1, 0, CONTROL_E_REPLICATION},
                   {"x", 1, 2, CONTROL_E_REPLICATION}};
        struct control_op op = creation(bad[i].name, bad[i].partitions);

        op.replication_factor = bad[i].factor;
        check_eq(outcome_of(&bench, &op), bad[i].outcome);
    }
    check_eq(bench.published, 4); /* Nothing is written for what is refused. */
    bench_fini(&bench);
}

TEST(controller, topics_are_deleted_by_name_and_by_id)
{
    struct control_op op = creation("a", 4);
    struct control_op by_id = {.kind = CONTROL_DELETE_TOPIC};
    struct bench bench;

    bench_init(&bench);
    check_ok(outcome_of(&bench, &op));
    by_id.id = find(&bench, "a")->id;
    check_ok(outcome_of(&bench, &by_id));
    check_text(bench.removed, "a:4 ");
    check(!find(&bench, "a"));
    check_eq(outcome_of(&bench, &by_id), CONTROL_E_UNKNOWN_ID);
    op = deletion("a");
    check_eq(outcome_of(&bench, &op), CONTROL_E_UNKNOWN_TOPIC);
    op = creation("a", 1);
    check_ok(outcome_of(&bench, &op));
    check(!uuid_equal(find(&bench, "a")->id, by_id.id));
    op = deletion("a");
    check_ok(outcome_of(&bench, &op));
    check_text(bench.removed, "a:1 ");
    bench_fini(&bench);
}

TEST(controller, settings_and_partitions_are_changed_and_told)
{
    const struct control_config set[] = {
        {.name = slice_text("flush.messages"), .value = slice_text("1")},
        {.name = slice_text("segment.bytes"), .value = slice_text("1048576")}};
    const struct control_config unset[] = {{.name = slice_text("segment.bytes")}};
    struct control_op op = creation("a", 1);
    struct bench bench;

    bench_init(&bench);
    op.configs = set;
    op.config_count = 1;
    check_ok(outcome_of(&bench, &op));
    check_text(image_topic_config(find(&bench, "a"), "flush.messages"), "1");

    op = (struct control_op){.kind = CONTROL_ALTER_CONFIGS,
                             .resource_type = IMAGE_RESOURCE_TOPIC,
                             .name = slice_text("a"),
                             .configs = set,
                             .config_count = 2};
    check_ok(outcome_of(&bench, &op));
    check_eq(bench.altered, 1);
    check_text(image_topic_config(find(&bench, "a"), "segment.bytes"), "1048576");
    check_ok(outcome_of(&bench, &op)); /* It is so already: no record. */
    check_eq(bench.published, 2);
    op.configs = unset;
    op.config_count = 1;
    check_ok(outcome_of(&bench, &op));
    check(!image_topic_config(find(&bench, "a"), "segment.bytes"));

    op = (struct control_op){
        .kind = CONTROL_ADD_PARTITIONS, .name = slice_text("a"), .partitions = 5};
    check_ok(outcome_of(&bench, &op));
    check_eq(find(&bench, "a")->partition_count, 5);
    check_eq(outcome_of(&bench, &op), CONTROL_E_PARTITIONS);
    op.partitions = 4;
    check_eq(outcome_of(&bench, &op), CONTROL_E_PARTITIONS);
    op.name = slice_text("b");
    check_eq(outcome_of(&bench, &op), CONTROL_E_UNKNOWN_TOPIC);
    restart(&bench, true);
    check_eq(find(&bench, "a")->partition_count, 5);
    check_text(image_topic_config(find(&bench, "a"), "flush.messages"), "1");
    bench_fini(&bench);
}

TEST(controller, what_was_answered_is_there_after_any_stop)
{
    struct bench bench;
    struct uuid id;

    bench_init(&bench);
    for (int i = 0; i < 6; i++) {
        char name[16];
        struct control_op op;

        (void)snprintf(name, sizeof(name), "t%d", i);
        op = creation(name, i + 1);
        check_ok(outcome_of(&bench, &op));
        id = find(&bench, name)->id;
        restart(&bench, i % 2);
        check_eq(image_topic_count(controller_image(bench.controller)), (size_t)i + 1);
        check(find(&bench, name) && uuid_equal(find(&bench, name)->id, id));
        check_eq(find(&bench, name)->partition_count, i + 1);
    }
    bench_fini(&bench);
}

TEST(controller, a_full_disk_refuses_what_is_asked_and_the_next_goes_on)
{
    struct control_op op = creation("a", 1);
    struct bench bench;
    struct ask *a;

    bench_init(&bench);
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    a = ask(&bench, &op);
    settle(&bench);
    check(a->heard == 1 && a->outcome == CONTROL_E_STORAGE);
    check(diag_lines_have(&bench.kit.lines, "metadata could not be written"));
    check(!find(&bench, "a") && bench.published == 0);
    check_ok(outcome_of(&bench, &op));
    restart(&bench, true);
    check(find(&bench, "a"));
    bench_fini(&bench);
}

TEST(controller, after_a_sync_that_fails_nothing_is_changed_any_more)
{
    struct control_op op = creation("a", 1);
    struct control_op later = creation("b", 1);
    struct ask *one, *two, *three;
    struct bench bench;

    bench_init(&bench);
    one = ask(&bench, &op);
    loop_turn(&bench.loop, 0);
    two = ask(&bench, &later);
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    settle(&bench);
    check(one->heard == 1 && one->outcome == CONTROL_E_STORAGE);
    check(two->heard == 1 && two->outcome == CONTROL_E_STORAGE);
    check(!find(&bench, "a") && bench.published == 0);
    check(diag_lines_have(&bench.kit.lines, "topics cannot be changed until a restart"));
    three = ask(&bench, &later);
    settle(&bench);
    check(three->heard == 1 && three->outcome == CONTROL_E_STORAGE);
    check_eq(close_controller(&bench, true), -EIO); /* Such a stop is not clean. */
    bench_fini(&bench);
}

TEST(controller, who_waits_when_it_ends_is_told)
{
    struct control_op op = creation("a", 1);
    struct control_op later = creation("b", 1);
    struct ask *one, *two;
    struct bench bench;

    bench_init(&bench);
    one = ask(&bench, &op);
    loop_turn(&bench.loop, 0);
    two = ask(&bench, &later);
    check_ok(close_controller(&bench, true));
    check(one->heard == 1 && one->outcome == CONTROL_E_STOPPED);
    check(two->heard == 1 && two->outcome == CONTROL_E_STOPPED);
    bench_fini(&bench);
}

/* Puts records behind those of the controller, which is closed for it. */
static void write_records(struct bench *bench, const struct slice *records, size_t count)
{
    struct log_append_terms terms = {.leader_epoch = 1};
    struct log_appended appended;
    struct batch_builder builder;
    struct batch_header header;
    struct text batch = {.data = NULL};
    struct log *log;

    check_ok(close_controller(bench, true));
    bench->kit.topic_id = (struct uuid){{[15] = 1}};
    log = store_kit_log(&bench->kit, "__cluster_metadata-0");
    batch_builder_init(&builder);
    for (size_t i = 0; i < count; i++)
        batch_builder_add(&builder, 5, slice_null(), records[i], NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, log_end(log), 1, &batch));
    batch_builder_fini(&builder);
    check_ok(batch_parse(text_slice(&batch), &header));
    check_ok(log_append(log, (uint8_t *)batch.data, batch.size, &header, &terms, &appended));
    check_ok(log_write(log));
    store_kit_close_log(&bench->kit, log);
    text_fini(&batch);
}

TEST(controller, a_record_of_a_newer_release_keeps_it_from_opening)
{
    const uint8_t record[] = {1, 0xff, 0x7f, 0};
    const struct slice records[] = {slice_of(record, sizeof(record))};
    struct bench bench;

    bench_init(&bench);
    write_records(&bench, records, 1);
    check_eq(open_controller(&bench), MLOG_E_CORRUPT);
    check(!bench.controller);
    check(diag_lines_have(&bench.kit.lines, "metadata is of a newer release than this one"));
    bench_fini(&bench);
}

TEST(controller, a_transaction_that_was_left_open_never_was)
{
    static const int16_t levels[FEATURE_COUNT] = {[FEATURE_METADATA] = 30};
    struct topic_record topic = {.name = slice_text("ghost"), .topic_id = {{1}}};
    struct begin_transaction_record begin = begin_transaction_record_defaults;
    struct slice records[2];
    struct arena arena;
    struct bench bench;
    int64_t end;

    arena_init(&arena, NULL);
    records[0] = metadata_record_encode(&arena, METADATA_BEGIN_TRANSACTION, levels, &begin);
    records[1] = metadata_record_encode(&arena, METADATA_TOPIC, levels, &topic);
    bench_init(&bench);
    end = controller_image(bench.controller)->offset;
    write_records(&bench, records, 2);
    check_ok(open_controller(&bench));
    check(!find(&bench, "ghost"));
    check(controller_image(bench.controller)->offset > end + 2); /* Aborted, durably. */
    restart(&bench, true);
    check(!find(&bench, "ghost"));
    arena_reset(&arena);
    bench_fini(&bench);
}

TEST(controller, what_is_kept_for_others_is_told)
{
    static const int16_t levels[FEATURE_COUNT] = {[FEATURE_METADATA] = 30};
    struct access_control_entry_record acl = {.id = {{1}},
                                              .resource_name = slice_text("orders"),
                                              .principal = slice_text("User:ada"),
                                              .host = slice_text("*")};
    struct slice record;
    struct arena arena;
    struct bench bench;

    arena_init(&arena, NULL);
    record = metadata_record_encode(&arena, METADATA_ACL, levels, &acl);
    bench_init(&bench);
    write_records(&bench, &record, 1);
    check_ok(open_controller(&bench));
    check(diag_lines_have(&bench.kit.lines, "kept, not served"));
    check_eq(image_count_kept(controller_image(bench.controller), METADATA_ACL), 1);
    arena_reset(&arena);
    bench_fini(&bench);
}

/* --- folders of data -------------------------------------------------------- */

/* How many partitions of the topic are in each folder, as `2 1 1`. */
static void check_spread(struct bench *bench, const char *name, int first, int second, int third)
{
    const struct image_topic *topic = find(bench, name);
    int counts[3] = {0};

    for (int32_t i = 0; i < topic->partition_count; i++) {
        const struct image_replicas *replicas = topic->partitions[i].replicas;

        check_eq(replicas->directory_count, 1);
        for (int k = 0; k < 3; k++)
            counts[k] += uuid_equal(replicas->directories[0], bench->directories[k]);
    }
    check_eq(counts[0], first);
    check_eq(counts[1], second);
    check_eq(counts[2], third);
}

static void create_topic(struct bench *bench, const char *name, int32_t partitions)
{
    struct control_op op = creation(name, partitions);

    check_eq(outcome_of(bench, &op), 0);
}

TEST(controller, a_new_partition_goes_into_the_folder_that_has_the_fewest)
{
    struct control_op op = deletion("a");
    struct bench bench;

    bench_init(&bench);
    bench.directories[0] = log_dir_id(bench.kit.dir);
    create_topic(&bench, "a", 2); /* The one folder has them, and keeps them. */
    bench.directories[1] = (struct uuid){{1}};
    bench.directories[2] = (struct uuid){{2}};
    bench.directory_count = 3;
    restart(&bench, true);
    check_spread(&bench, "a", 2, 0, 0);
    create_topic(&bench, "b", 5);
    check_spread(&bench, "b", 1, 2, 2);
    check_eq(outcome_of(&bench, &op), 0);
    create_topic(&bench, "c", 2); /* Two have gone from the first. */
    check_spread(&bench, "c", 2, 0, 0);
    controller_avoid(bench.controller, bench.directories[1]);
    create_topic(&bench, "d", 4);
    check_spread(&bench, "d", 2, 0, 2);
    bench_fini(&bench);
}
