/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_init_producer_id.c - a number for an idempotent producer (KIP-98).
 *
 * Transactional ids are refused: there is no transaction coordinator yet. */

#include "broker/dispatch.h"
#include "broker/producer_ids.h"
#include "broker/reply.h"
#include "wire/msg/init_producer_id.h"

struct init_work {
    struct producer_id_wait wait;
    struct request *request;
};

static void answer(struct request *request, int16_t error, int64_t producer_id)
{
    struct init_producer_id_response response;

    codec_defaults(&init_producer_id_response_message, &response);
    response.error_code = error;
    response.producer_id = producer_id;
    response.producer_epoch = error ? -1 : 0;
    request_answer(request, &response);
}

static void taken(struct producer_id_wait *wait, int outcome, int64_t producer_id)
{
    struct init_work *work = container_of(wait, struct init_work, wait);

    /* The client asks again after COORDINATOR_NOT_AVAILABLE. */
    answer(work->request, outcome ? ERROR_COORDINATOR_NOT_AVAILABLE : ERROR_NONE, producer_id);
}

void handle_init_producer_id(struct request *request)
{
    const struct init_producer_id_request *body = request->body;
    struct init_work *work;

    if (!slice_is_null(body->transactional_id)) {
        answer(request,
               body->transactional_id.size == 0 ? ERROR_INVALID_REQUEST : ERROR_UNSUPPORTED_VERSION,
               -1);
        return;
    }
    if ((body->producer_id == -1) != (body->producer_epoch == -1)) {
        answer(request, ERROR_INVALID_REQUEST, -1); /* Both or neither (KIP-360). */
        return;
    }
    work = request_new(request, sizeof(*work));
    work->request = request;
    work->wait.done = taken;
    producer_ids_take(request->shard, &work->wait);
}
