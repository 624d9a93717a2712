/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controller_test.h"
#include "wire/errors.h"
#include "wire/msg/allocate_producer_ids.h"

struct call {
    struct control_frame frame;
    int heard;
};

static void answered(struct control_frame *frame)
{
    container_of(frame, struct call, frame)->heard++;
}

/* A block of ids is asked for. */
static void begin(struct bench *bench, struct call *call)
{
    struct allocate_producer_ids_request request = {.broker_id = 1, .broker_epoch = bench->epoch};

    call->heard = 0;
    control_frame_init(&call->frame, API_ALLOCATE_PRODUCER_IDS, &request);
    call->frame.answered = answered;
    controller_serve(bench->controller, &call->frame);
}

static struct allocate_producer_ids_response end(struct call *call)
{
    struct allocate_producer_ids_response response;

    check_eq(call->heard, 1);
    check(control_frame_read(&call->frame, &response));
    control_frame_fini(&call->frame);
    return response;
}

TEST(controller_frames, an_answer_comes_when_what_it_says_is_durable)
{
    struct allocate_producer_ids_response response;
    struct bench bench;
    struct call call;

    bench_init(&bench);
    begin(&bench, &call);
    loop_turn(&bench.loop, 0);
    check_eq(call.heard, 0);
    settle(&bench);
    response = end(&call);
    check(response.error_code == 0 && response.producer_id_len == CONTROL_PRODUCER_IDS);
    check_eq(controller_image(bench.controller)->next_producer_id,
             response.producer_id_start + CONTROL_PRODUCER_IDS);
    bench_fini(&bench);
}

TEST(controller_frames, producer_ids_are_given_out_once)
{
    struct bench bench;
    int64_t next = 0;

    bench_init(&bench);
    for (int i = 0; i < 6; i++) {
        struct allocate_producer_ids_response response;
        struct call call;

        begin(&bench, &call);
        if (i % 2)
            settle(&bench);
        else
            loop_turn(&bench.loop, 0); /* Decided, and not answered before the crash. */
        if (i % 2 == 0)
            restart(&bench, false);
        response = end(&call);
        if (i % 2) {
            check(response.error_code == 0 && response.producer_id_start >= next);
            next = response.producer_id_start + response.producer_id_len;
        } else {
            check_eq(response.error_code, ERROR_NOT_CONTROLLER);
        }
    }
    check(next > 0);
    bench_fini(&bench);
}

TEST(controller_frames, what_is_not_written_is_not_given)
{
    struct bench bench;
    struct call call;

    bench_init(&bench);
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    begin(&bench, &call);
    settle(&bench);
    check_eq(end(&call).error_code, ERROR_KAFKA_STORAGE_ERROR);
    check_eq(controller_image(bench.controller)->next_producer_id, 0);
    bench_fini(&bench);
}

/* Bytes from anywhere are answered, or not. */
FUZZ(controller_frames, serve)
{
    struct control_frame frame = {.request = slice_of(data, size)};
    struct bench bench;

    bench_init(&bench);
    arena_init(&frame.arena, NULL);
    controller_serve_now(bench.controller, &frame);
    check_ok(controller_settle(bench.controller));
    control_frame_fini(&frame);
    bench_fini(&bench);
}
