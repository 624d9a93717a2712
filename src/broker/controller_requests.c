/* SPDX-License-Identifier: Apache-2.0 */

/* broker/controller_requests.c - the handlers of what the controller decides about as frames
 * (control/served.def): they take the request to it, and its answer back. */

#include "broker/broker.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "control/controller_frames.h"

struct served_work {
    struct leg leg;
    struct control_frame frame;
};

static void answered(struct control_frame *frame)
{
    leg_finish(&container_of(frame, struct served_work, frame)->leg);
}

static void leg_run(struct leg *leg)
{
    struct served_work *work = container_of(leg, struct served_work, leg);
    struct controller *controller = leg->to->broker->controller;

    if (controller)
        controller_serve(controller, &work->frame);
    else
        leg_finish(leg); /* The node is being closed. */
}

static void leg_done(struct leg *leg)
{
    struct request *request = container_of(leg, struct served_work, leg)->frame.context;
    struct served_work *work = request->work;

    if (slice_is_null(work->frame.response))
        request_end(request, "request cannot be served");
    else
        request_answer_bytes(request, work->frame.response);
}

static void release(struct request *request)
{
    struct served_work *work = request->work;

    control_frame_fini(&work->frame);
}

static void serve(struct request *request)
{
    struct served_work *work = request_new(request, sizeof(*work));

    request->work = work;
    request->release = release;
    arena_init(&work->frame.arena, NULL);
    work->frame.request = request->bytes;
    work->frame.answered = answered;
    work->frame.context = request;
    work->leg = (struct leg){.run = leg_run, .done = leg_done};
    leg_send(&work->leg, request->shard, &request->shard->broker->shards[0]);
}

#define SERVED(name)                                                                               \
    void handle_##name(struct request *request)                                                    \
    {                                                                                              \
        serve(request);                                                                            \
    }
#include "control/served.def"
