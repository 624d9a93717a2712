/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controller_test.h"
#include "wire/errors.h"
#include "wire/msg/allocate_producer_ids.h"
#include "wire/msg/alter_partition.h"
#include "wire/msg/unregister_broker.h"

enum { SECOND_US = 1000 * 1000 };

static const struct image *image_of(struct bench *bench)
{
    return controller_image(bench->controller);
}

static int leader_of(struct bench *bench, const char *topic, int32_t index)
{
    return find(bench, topic)->partitions[index].leader;
}

/* Time goes by, and what is due happens. */
static void pass(struct bench *bench, int64_t us)
{
    bench->kit.faulty.later_us += us;
    settle(bench);
}

TEST(controller_brokers, a_broker_may_lead_when_it_has_read_its_registration)
{
    struct broker_heartbeat_request early = broker_heartbeat_request_defaults;
    struct broker_registration_response registered;
    struct broker_heartbeat_response answer;
    struct bench bench;

    bench_init(&bench);
    registered = bench_introduce(&bench, 2);
    check_eq(registered.error_code, ERROR_NONE);
    check(!image_is_broker_alive(image_of(&bench), 2));
    check_eq(image_find_broker(image_of(&bench), 2)->record.broker_epoch, registered.broker_epoch);
    early.broker_id = 2;
    early.broker_epoch = registered.broker_epoch;
    early.current_metadata_offset = registered.broker_epoch - 1;
    bench_call(&bench, API_BROKER_HEARTBEAT, false, &early, &answer);
    check(answer.error_code == 0 && answer.is_fenced && !answer.is_caught_up);
    answer = bench_beat(&bench, 2, registered.broker_epoch, false);
    check(!answer.is_fenced && answer.is_caught_up && !answer.should_shut_down);
    check(image_is_broker_alive(image_of(&bench), 2));
    bench_fini(&bench);
}

TEST(controller_brokers, an_epoch_of_before_is_stale)
{
    struct allocate_producer_ids_request ids = {.broker_id = 1, .broker_epoch = 0};
    struct allocate_producer_ids_response given;
    struct bench bench;
    int64_t epoch;

    bench_init(&bench);
    epoch = bench_register(&bench, 1);
    check(epoch > bench.epoch);
    check_eq(bench_beat(&bench, 1, bench.epoch, false).error_code, ERROR_STALE_BROKER_EPOCH);
    check_eq(bench_beat(&bench, 7, epoch, false).error_code, ERROR_STALE_BROKER_EPOCH);
    ids.broker_epoch = bench.epoch;
    bench_call(&bench, API_ALLOCATE_PRODUCER_IDS, true, &ids, &given);
    check_eq(given.error_code, ERROR_STALE_BROKER_EPOCH);
    check_eq(image_of(&bench)->next_producer_id, 0);
    bench_fini(&bench);
}

TEST(controller_brokers, a_number_is_registered_once_at_a_time)
{
    struct broker_registration_request request = broker_registration_request_defaults;
    struct broker_registration_response response;
    struct bench bench;

    bench_init(&bench);
    bench_register(&bench, 2);
    check_eq(bench_introduce(&bench, 2).error_code, ERROR_DUPLICATE_BROKER_REGISTRATION);
    pass(&bench, 10 * SECOND_US);
    check_eq(bench_introduce(&bench, 2).error_code, ERROR_NONE);

    request.broker_id = 1; /* Ours, from elsewhere. */
    request.cluster_id = slice_text(log_dir_cluster_id(bench.kit.dir));
    bench_call(&bench, API_BROKER_REGISTRATION, false, &request, &response);
    check_eq(response.error_code, ERROR_DUPLICATE_BROKER_REGISTRATION);
    request.cluster_id = slice_text("another");
    bench_call(&bench, API_BROKER_REGISTRATION, true, &request, &response);
    check_eq(response.error_code, ERROR_INCONSISTENT_CLUSTER_ID);
    request.cluster_id = slice_text(log_dir_cluster_id(bench.kit.dir));
    bench_call(&bench, API_BROKER_REGISTRATION, true, &request, &response);
    check_eq(response.error_code, ERROR_UNSUPPORTED_VERSION); /* It names no features. */
    bench_fini(&bench);
}

TEST(controller_brokers, a_registration_whose_answer_was_lost_is_answered_again)
{
    struct broker_registration_response first, second;
    struct bench bench;

    bench_init(&bench);
    first = bench_introduce(&bench, 2);
    bench.incarnations--;
    second = bench_introduce(&bench, 2);
    check(second.error_code == 0 && second.broker_epoch == first.broker_epoch);
    bench_fini(&bench);
}

TEST(controller_brokers, partitions_are_placed_over_the_brokers_that_are_there)
{
    struct control_op op = creation("orders", 6);
    struct bench bench;
    int on[4] = {0};

    bench_init(&bench);
    bench_register(&bench, 2);
    check_eq(bench_introduce(&bench, 3).error_code, 0); /* Fenced. */
    check_ok(outcome_of(&bench, &op));
    for (int32_t i = 0; i < 6; i++)
        on[leader_of(&bench, "orders", i)]++;
    check(on[1] == 3 && on[2] == 3 && on[3] == 0);
    bench_fini(&bench);
}

TEST(controller_brokers, who_is_silent_is_fenced_and_leads_again_when_it_is_back)
{
    struct control_op op = creation("orders", 2);
    struct control_op more = creation("more", 2);
    struct bench bench;
    int64_t epoch;
    int32_t theirs;

    bench_init(&bench);
    epoch = bench_register(&bench, 2);
    check_ok(outcome_of(&bench, &op));
    theirs = leader_of(&bench, "orders", 1) == 2;
    check_eq(leader_of(&bench, "orders", theirs), 2);
    pass(&bench, 8 * SECOND_US);
    check(!bench_beat(&bench, 2, epoch, false).is_fenced);
    pass(&bench, 8 * SECOND_US);
    check(image_is_broker_alive(image_of(&bench), 2));
    pass(&bench, 2 * SECOND_US);
    check(!image_is_broker_alive(image_of(&bench), 2));
    check_eq(leader_of(&bench, "orders", theirs), -1);
    check_eq(leader_of(&bench, "orders", !theirs), 1);
    check_eq(find(&bench, "orders")->partitions[theirs].replicas->isr.count, 1);
    check_ok(outcome_of(&bench, &more));
    check(leader_of(&bench, "more", 0) == 1 && leader_of(&bench, "more", 1) == 1);

    check(!bench_beat(&bench, 2, epoch, false).is_fenced);
    check_eq(leader_of(&bench, "orders", theirs), 2);
    check_eq(find(&bench, "orders")->partitions[theirs].leader_epoch, 2);
    bench_fini(&bench);
}

TEST(controller_brokers, what_is_in_the_log_of_others_has_a_session_too)
{
    struct bench bench;

    bench_init(&bench);
    bench_register(&bench, 2);
    restart(&bench, false);
    check(image_is_broker_alive(image_of(&bench), 2));
    pass(&bench, 10 * SECOND_US);
    check(!image_is_broker_alive(image_of(&bench), 2));
    bench_fini(&bench);
}

TEST(controller_brokers, a_broker_that_wants_to_go_hands_over_first)
{
    struct control_op op = creation("orders", 4);
    struct broker_heartbeat_response answer;
    struct bench bench;
    int64_t epoch;

    bench_init(&bench);
    epoch = bench_register(&bench, 2);
    check_ok(outcome_of(&bench, &op));
    answer = bench_beat(&bench, 2, epoch, true);
    check(!answer.is_fenced && !answer.should_shut_down);
    for (int32_t i = 0; i < 4; i++)
        check(leader_of(&bench, "orders", i) != 2);
    answer = bench_beat(&bench, 2, epoch, true);
    check(answer.is_fenced && answer.should_shut_down);
    check(!image_is_broker_alive(image_of(&bench), 2));
    bench_fini(&bench);
}

TEST(controller_brokers, a_broker_can_be_forgotten)
{
    struct unregister_broker_request request = {.broker_id = 2};
    struct unregister_broker_response response;
    struct bench bench;

    bench_init(&bench);
    bench_register(&bench, 2);
    bench_call(&bench, API_UNREGISTER_BROKER, false, &request, &response);
    check_eq(response.error_code, ERROR_NONE);
    check(!image_find_broker(image_of(&bench), 2));
    bench_call(&bench, API_UNREGISTER_BROKER, false, &request, &response);
    check_eq(response.error_code, ERROR_BROKER_ID_NOT_REGISTERED);
    bench_fini(&bench);
}

TEST(controller_brokers, our_own_broker_is_fenced_by_a_clean_stop_and_keeps_its_partitions)
{
    struct control_op op = creation("orders", 2);
    struct bench bench;

    bench_init(&bench);
    check_ok(outcome_of(&bench, &op));
    check_ok(close_controller(&bench, true));
    check_ok(open_controller(&bench));
    check(!image_is_broker_alive(image_of(&bench), 1));
    check_eq(leader_of(&bench, "orders", 0), 1);
    bench_register(&bench, 1);
    check(image_is_broker_alive(image_of(&bench), 1));
    check(leader_of(&bench, "orders", 0) == 1);
    check_eq(find(&bench, "orders")->partitions[0].leader_epoch, 0);
    bench_fini(&bench);
}

TEST(controller_brokers, without_a_broker_there_is_no_topic)
{
    struct control_op op = creation("orders", 1);
    struct control_op more = {
        .kind = CONTROL_ADD_PARTITIONS, .name = slice_text("orders"), .partitions = 3};
    struct bench bench;

    bench_init(&bench);
    check_ok(outcome_of(&bench, &op));
    check_ok(close_controller(&bench, true));
    check_ok(open_controller(&bench));
    check_eq(outcome_of(&bench, &more), CONTROL_E_FENCED);
    op = creation("users", 1);
    check_eq(outcome_of(&bench, &op), CONTROL_E_FENCED);
    bench_fini(&bench);
}

TEST(controller_brokers, partitions_go_where_they_are_told)
{
    const int32_t places[] = {2, 1, 2}, unknown[] = {7};
    struct control_op op = creation("orders", 3);
    struct bench bench;

    bench_init(&bench);
    (void)bench_register(&bench, 2);
    op.places = places;
    op.place_count = 2;
    check_eq(outcome_of(&bench, &op), CONTROL_E_ASSIGNMENT);
    op.place_count = 3;
    check_ok(outcome_of(&bench, &op));
    for (int32_t i = 0; i < 3; i++)
        check_eq(leader_of(&bench, "orders", i), places[i]);
    op = creation("users", 1);
    op.places = unknown;
    op.place_count = 1;
    check_eq(outcome_of(&bench, &op), CONTROL_E_ASSIGNMENT);
    bench_fini(&bench);
}

/* What broker 2 is answered that says who is in sync with its partition orders-0. */
static int16_t alter(struct bench *bench, int64_t broker_epoch, int32_t leader_epoch,
                     int32_t partition_epoch, int32_t in_sync)
{
    struct alter_partition_broker_state isr = {.broker_id = in_sync};
    struct alter_partition_request_partition_data partition = {
        .leader_epoch = leader_epoch,
        .partition_epoch = partition_epoch,
        .new_isr_with_epochs = &isr,
        .new_isr_with_epochs_count = 1,
    };
    struct alter_partition_request_topic_data topic = {
        .topic_id = find(bench, "orders")->id, .partitions = &partition, .partitions_count = 1};
    struct alter_partition_request request = {
        .broker_id = 2, .broker_epoch = broker_epoch, .topics = &topic, .topics_count = 1};
    struct control_frame frame;
    struct alter_partition_response response;
    int16_t error;

    control_frame_init(&frame, API_ALTER_PARTITION, &request);
    controller_serve_now(bench->controller, &frame);
    check(control_frame_read(&frame, &response));
    error = response.error_code;
    if (error == 0) {
        const struct alter_partition_response_partition_data *p = response.topics[0].partitions;

        error = p->error_code;
        check(error != 0 || (p->leader_id == 2 && p->isr_count == 1 && p->isr[0] == 2));
    }
    control_frame_fini(&frame);
    check_ok(controller_settle(bench->controller));
    return error;
}

TEST(controller_brokers, who_is_in_sync_is_a_question_of_epochs)
{
    const int32_t place = 2;
    struct control_op op = creation("orders", 1);
    struct bench bench;
    int64_t epoch;

    bench_init(&bench);
    epoch = bench_register(&bench, 2);
    op.places = &place;
    op.place_count = 1;
    check_ok(outcome_of(&bench, &op));
    check_eq(alter(&bench, epoch, 0, 0, 2), ERROR_NONE);
    check_eq(alter(&bench, epoch - 1, 0, 0, 2), ERROR_STALE_BROKER_EPOCH);
    check_eq(alter(&bench, epoch, -1, 0, 2), ERROR_FENCED_LEADER_EPOCH);
    check_eq(alter(&bench, epoch, 1, 0, 2), ERROR_NOT_CONTROLLER);
    check_eq(alter(&bench, epoch, 0, -1, 2), ERROR_INVALID_UPDATE_VERSION);
    check_eq(alter(&bench, epoch, 0, 0, 1), ERROR_INVALID_REQUEST);
    bench_fini(&bench);
}
