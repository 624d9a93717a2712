/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/producer_ids.h"

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/uplink.h"
#include "control/controller_frames.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/msg/allocate_producer_ids.h"

enum { BLOCK_TIMEOUT_MS = 30 * 1000 };

static void op_done(struct control_op *op, int outcome)
{
    struct control_call *call = container_of(op, struct control_call, op);

    op->outcome = outcome;
    leg_finish(&call->leg);
}

static void call_run(struct leg *leg)
{
    struct control_call *call = container_of(leg, struct control_call, leg);

    call->op.done = op_done;
    uplink_ask(&leg->to->broker->uplink, &call->op);
}

static void call_done(struct leg *leg)
{
    struct control_call *call = container_of(leg, struct control_call, leg);

    call->done(call);
}

void control_call_send(struct control_call *call, struct shard *from)
{
    call->leg.run = call_run;
    call->leg.done = call_done;
    leg_send(&call->leg, from, &from->broker->shards[0]);
}

/* One block on its way to a shard: a request to the controller, and its answer. */
struct block_call {
    struct leg leg;
    struct control_frame frame;
    struct shard *shard;
};

static void give_out(struct shard *shard)
{
    struct list_node *node;

    while (shard->producer_id < shard->producer_id_end &&
           (node = list_pop(&shard->producer_id_waiters))) {
        struct producer_id_wait *wait = container_of(node, struct producer_id_wait, node);

        wait->done(wait, 0, shard->producer_id++);
    }
}

static void end_all(struct shard *shard, int outcome)
{
    struct list waiters;
    struct list_node *node;

    list_init(&waiters);
    list_append(&waiters, &shard->producer_id_waiters);
    while ((node = list_pop(&waiters))) {
        struct producer_id_wait *wait = container_of(node, struct producer_id_wait, node);

        wait->done(wait, outcome, -1);
    }
}

static void ask_for_block(struct shard *shard);

static void block_answered(struct control_frame *frame)
{
    leg_finish(&container_of(frame, struct block_call, frame)->leg);
}

static void block_run(struct leg *leg)
{
    struct block_call *block = container_of(leg, struct block_call, leg);

    block->frame.answered = block_answered;
    uplink_serve(&leg->to->broker->uplink, &block->frame, BLOCK_TIMEOUT_MS);
}

static void block_arrived(struct leg *leg)
{
    struct block_call *block = container_of(leg, struct block_call, leg);
    struct shard *shard = block->shard;
    struct allocate_producer_ids_response response;

    shard->is_block_asked = false;
    if (!control_frame_read(&block->frame, &response)) {
        end_all(shard, CONTROL_E_STOPPED);
    } else if (response.error_code != ERROR_NONE) {
        end_all(shard, response.error_code == ERROR_KAFKA_STORAGE_ERROR ? CONTROL_E_STORAGE
                                                                        : CONTROL_E_STOPPED);
    } else {
        shard->producer_id = response.producer_id_start;
        shard->producer_id_end = shard->producer_id + response.producer_id_len;
        give_out(shard);
    }
    control_frame_fini(&block->frame);
    mem_free(block);
    if (!list_is_empty(&shard->producer_id_waiters))
        ask_for_block(shard);
}

static void ask_for_block(struct shard *shard)
{
    struct allocate_producer_ids_request request = {.broker_id = shard->broker->node_id,
                                                    .broker_epoch = shard->broker->broker_epoch};
    struct block_call *block;

    if (shard->is_block_asked)
        return;
    block = mem_new(sizeof(*block));
    shard->is_block_asked = true;
    block->shard = shard;
    control_frame_init(&block->frame, API_ALLOCATE_PRODUCER_IDS, &request);
    block->leg = (struct leg){.run = block_run, .done = block_arrived};
    leg_send(&block->leg, shard, &shard->broker->shards[0]);
}

void producer_ids_take(struct shard *shard, struct producer_id_wait *wait)
{
    list_push(&shard->producer_id_waiters, &wait->node);
    give_out(shard);
    if (!list_is_empty(&shard->producer_id_waiters))
        ask_for_block(shard);
}

void producer_ids_fini(struct shard *shard)
{
    end_all(shard, CONTROL_E_STOPPED);
}
