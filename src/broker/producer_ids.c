/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/producer_ids.h"

#include "base/mem.h"
#include "broker/broker.h"

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
    if (leg->to->broker->controller)
        controller_ask(leg->to->broker->controller, &call->op);
    else
        call->op.done(&call->op, CONTROL_E_STOPPED); /* The broker is being closed. */
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

/* One block on its way to a shard. */
struct block_call {
    struct control_call call;
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

static void block_arrived(struct control_call *call)
{
    struct block_call *block = container_of(call, struct block_call, call);
    struct shard *shard = block->shard;
    int outcome = call->op.outcome;

    shard->is_block_asked = false;
    if (outcome) {
        end_all(shard, outcome);
    } else {
        shard->producer_id = call->op.producer_id;
        shard->producer_id_end = shard->producer_id + CONTROL_PRODUCER_IDS;
        give_out(shard);
    }
    mem_free(block);
    if (!list_is_empty(&shard->producer_id_waiters))
        ask_for_block(shard);
}

static void ask_for_block(struct shard *shard)
{
    struct block_call *block;

    if (shard->is_block_asked)
        return;
    block = mem_new(sizeof(*block));
    shard->is_block_asked = true;
    block->shard = shard;
    block->call.op.kind = CONTROL_PRODUCER_ID_BLOCK;
    block->call.done = block_arrived;
    control_call_send(&block->call, shard);
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
