/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/request.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/session.h"
#include "wire/bytes.h"

enum { SIZE_SIZE = 4 };

static void init_arena(struct request *request)
{
    arena_init(&request->arena, &request->shard->budget);
    request->arena.spares = &request->shard->spares;
}

struct request *request_create(struct session *session, struct buf *holder)
{
    struct request *request = mem_new(sizeof(*request));

    request->session = session;
    request->shard = session->shard;
    request->frame = buf_ref(holder);
    request->image = image_ref(session->shard->image);
    request->is_at_controller = session->listener->is_controller;
    init_arena(request);
    return request;
}

struct request *request_create_inner(struct request *outer,
                                     void (*captured)(struct request *request,
                                                      struct slice response))
{
    struct request *request = mem_new(sizeof(*request));

    request->shard = outer->shard;
    request->frame = buf_ref(outer->frame);
    request->image = image_ref(outer->shard->image);
    request->is_at_controller = true;
    request->captured = captured;
    request->outer = outer;
    init_arena(request);
    return request;
}

void request_free(struct request *request)
{
    assert(!list_node_is_linked(&request->node));
    assert(!list_node_is_linked(&request->outgoing.node));
    if (request->release)
        request->release(request);
    arena_reset(&request->arena);
    image_unref(request->image);
    buf_unref(request->frame);
    mem_free(request);
}

void *request_new(struct request *request, size_t size)
{
    return arena_new(&request->arena, size);
}

/* The answer is ready, or there will be none. */
static void finished(struct request *request)
{
    assert(!request->is_answered);
    request->is_answered = true;
    metrics_answered(&request->shard->metrics, request);
    if (request->session)
        session_advance(request->session);
    else
        request_free(request);
}

static void sent(struct outgoing *outgoing, bool whole)
{
    struct request *request = container_of(outgoing, struct request, outgoing);

    if (whole)
        metrics_sent(&request->shard->metrics, request);
    request_free(request);
}

/* What log_read() found becomes pieces of files between the pieces of memory. */
static void make_pieces(struct request *request, const struct codec_output *output)
{
    size_t count = output->gap_count * 2 + 1;
    struct piece *pieces = request_new(request, count * sizeof(*pieces));
    size_t from = 0;
    size_t n = 0;

    for (size_t i = 0; i < output->gap_count; i++) {
        const struct codec_gap *gap = &output->gaps[i];
        const struct log_range *range = gap->records->source;

        pieces[n++] = (struct piece){.data = output->data + from, .size = gap->at - from};
        pieces[n++] = (struct piece){
            .file = range->fd, .position = range->position, .size = gap->records->source_size};
        from = gap->at;
    }
    pieces[n++] = (struct piece){.data = output->data + from, .size = output->size - from};
    request->outgoing = (struct outgoing){.pieces = pieces, .count = n, .sent = sent};
}

/* Hands the answer to whoever asked inside of another request. */
static void hand_over(struct request *request, const struct codec_output *output)
{
    assert(output->gap_count == 0); /* Nothing of files: no such request is passed on. */
    request->captured(request, slice_of(output->data + SIZE_SIZE, output->size - SIZE_SIZE));
}

void request_answer_bytes(struct request *request, struct slice response)
{
    struct piece *pieces = request_new(request, 2 * sizeof(*pieces));
    uint8_t *size = request_new(request, SIZE_SIZE);

    bytes_store_i32(size, (int32_t)response.size);
    pieces[0] = (struct piece){.data = size, .size = SIZE_SIZE};
    pieces[1] = (struct piece){.data = response.data, .size = response.size};
    request->outgoing = (struct outgoing){.pieces = pieces, .count = 2, .sent = sent};
    request->has_answer = true;
    if (request->captured)
        request->captured(request, response);
    finished(request);
}

void request_answer_as(struct request *request, int16_t version, const void *response)
{
    struct codec_output output;
    int r;

    if (request->session || request->captured) { /* Else there is nobody to encode it for. */
        r = frame_encode_response(request->wire, version, request->header.correlation_id, response,
                                  &request->arena, &output);
        assert(r == 0); /* Handlers fill only what the version has. */
        if (request->captured)
            hand_over(request, &output);
        else
            make_pieces(request, &output);
        request->has_answer = true;
    }
    finished(request);
}

void request_answer(struct request *request, const void *response)
{
    request_answer_as(request, request->header.version, response);
}

void request_end(struct request *request, const char *why)
{
    if (why && request->session)
        session_end(request->session, why);
    if (request->captured)
        request->captured(request, slice_null());
    finished(request);
}
