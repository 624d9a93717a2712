/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/image_test.h"

static int register_broker(struct fixture *f, int32_t id, int64_t epoch)
{
    struct register_broker_record_broker_endpoint endpoint = {
        .name = slice_text("PLAINTEXT"), .host = slice_text("localhost"), .port = 9092};
    struct uuid directory = id_of(9);
    struct register_broker_record record = register_broker_record_defaults;

    record.broker_id = id;
    record.broker_epoch = epoch;
    record.incarnation_id = id_of(1);
    record.end_points = &endpoint;
    record.end_points_count = 1;
    record.log_dirs = &directory;
    record.log_dirs_count = 1;
    return apply(f, record_of(f, &register_broker_record_message, 0, 4, &record));
}

static int change_broker(struct fixture *f, const struct broker_registration_change_record *record)
{
    return apply(f, record_of(f, &broker_registration_change_record_message, 17, 3, record));
}

TEST(image_nodes, a_broker_is_there_from_registration_to_its_end)
{
    struct unregister_broker_record gone = {.broker_id = 1, .broker_epoch = 11};
    const struct image_broker *broker;
    struct fixture f;

    fixture_init(&f);
    check(!image_find_broker(image_of(&f), 1) && !image_is_broker_alive(image_of(&f), 1));
    check_ok(register_broker(&f, 1, 11));
    check_ok(register_broker(&f, 2, 12));
    broker = image_find_broker(image_of(&f), 1);
    check(broker && broker->record.fenced && !image_is_broker_alive(image_of(&f), 1));
    check(slice_is_text(broker->record.end_points[0].host, "localhost"));
    check(uuid_equal(broker->record.log_dirs[0], id_of(9)));
    check_eq(tree_count(&image_of(&f)->brokers), 2);
    check_ok(apply(&f, record_of(&f, &unregister_broker_record_message, 1, 0, &gone)));
    check_eq(apply(&f, record_of(&f, &unregister_broker_record_message, 1, 0, &gone)),
             IMAGE_E_INCONSISTENT);
    check(!image_find_broker(image_of(&f), 1) && image_find_broker(image_of(&f), 2));
    fixture_fini(&f);
}

TEST(image_nodes, a_registration_changes_in_the_epoch_that_it_is_of)
{
    struct broker_registration_change_record change = broker_registration_change_record_defaults;
    const struct image_broker *broker;
    struct uuid directory = id_of(8);
    struct image *before;
    struct fixture f;

    fixture_init(&f);
    check_ok(register_broker(&f, 1, 11));
    before = image_edit_finish(f.edit);
    f.edit = image_edit_create(before);
    change.broker_id = 1;
    change.broker_epoch = 10;
    change.fenced = -1;
    check_eq(change_broker(&f, &change), IMAGE_E_INCONSISTENT);
    change.broker_epoch = 11;
    check_ok(change_broker(&f, &change));
    check(image_is_broker_alive(image_of(&f), 1) && !image_is_broker_alive(before, 1));
    change.fenced = 0;
    change.in_controlled_shutdown = 1;
    change.cordoned_log_dirs = change.log_dirs = &directory;
    change.cordoned_log_dirs_count = change.log_dirs_count = 1;
    check_ok(change_broker(&f, &change));
    broker = image_find_broker(image_of(&f), 1);
    check(!broker->record.fenced && broker->record.in_controlled_shutdown);
    check(uuid_equal(broker->record.log_dirs[0], id_of(8)));
    check_eq(broker->record.cordoned_log_dirs_count, 1);
    check_eq(image_find_broker(before, 1)->record.cordoned_log_dirs_count, -1);
    image_unref(before);
    fixture_fini(&f);
}

TEST(image_nodes, the_old_records_fence_too)
{
    struct fence_broker_record fence = {.id = 1, .epoch = 11};
    struct unfence_broker_record unfence = {.id = 1, .epoch = 11};
    struct fixture f;

    fixture_init(&f);
    check_ok(register_broker(&f, 1, 11));
    check_ok(apply(&f, record_of(&f, &unfence_broker_record_message, 8, 0, &unfence)));
    check(image_is_broker_alive(image_of(&f), 1));
    check_ok(apply(&f, record_of(&f, &fence_broker_record_message, 7, 0, &fence)));
    check(!image_is_broker_alive(image_of(&f), 1));
    fence.id = 2;
    check_eq(apply(&f, record_of(&f, &fence_broker_record_message, 7, 0, &fence)),
             IMAGE_E_INCONSISTENT);
    fixture_fini(&f);
}

TEST(image_nodes, controllers_come_and_go)
{
    struct register_controller_record record = register_controller_record_defaults;
    struct unregister_controller_record gone = {.controller_id = 3000};
    struct fixture f;

    fixture_init(&f);
    record.controller_id = 3000;
    check_ok(apply(&f, record_of(&f, &register_controller_record_message, 27, 0, &record)));
    check_eq(tree_count(&image_of(&f)->controllers), 1);
    check_ok(apply(&f, record_of(&f, &unregister_controller_record_message, 29, 0, &gone)));
    check_eq(tree_count(&image_of(&f)->controllers), 0);
    check_eq(apply(&f, record_of(&f, &unregister_controller_record_message, 29, 0, &gone)),
             IMAGE_E_INCONSISTENT);
    fixture_fini(&f);
}
