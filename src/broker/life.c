/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/life.h"

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/observer.h"
#include "broker/registration.h"
#include "broker/uplink.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/msg/broker_heartbeat.h"
#include "wire/msg/broker_registration.h"

DIAG_MODULE("broker");

enum {
    SOON_MS = 20,   /* While something is on its way. */
    RETRY_MS = 200, /* Behind a refusal that may pass. */
    LEAVE_MAX_MS = 5 * 1000,
};

enum life_state {
    LIFE_READING,
    LIFE_REGISTERING,
    LIFE_FENCED,
    LIFE_SERVING,
    LIFE_LEAVING,
    LIFE_GONE,
};

struct life {
    struct broker *broker; /* Borrowed: the owner. */
    enum life_state state;
    struct registration_request registration; /* The same for all attempts: one incarnation. */
    struct control_frame frame;               /* What we have asked for. */
    bool is_asking;
    bool is_told; /* That the controller refuses us for now. */
    struct loop_timer next;
    struct loop_timer leave_deadline;
    void (*left)(struct broker *broker);
};

static struct loop *loop_of(const struct life *life)
{
    return &life->broker->shards[0].loop;
}

static void ask_in(struct life *life, int64_t ms)
{
    if (life->state != LIFE_GONE)
        loop_timer_set(loop_of(life), &life->next, loop_of(life)->now_us + ms * 1000);
}

static void fail(struct life *life)
{
    struct broker *broker = life->broker;

    life->state = LIFE_GONE;
    if (broker->failed)
        broker->failed(broker, broker->failed_context);
}

static void ask(struct life *life, int16_t key, const void *request,
                void (*answered)(struct control_frame *frame))
{
    const struct settings *settings = life->broker->settings;

    life->is_asking = true;
    control_frame_init(&life->frame, key, request);
    life->frame.answered = answered;
    uplink_serve(&life->broker->uplink, &life->frame, settings->broker_session_timeout_ms);
}

/* Reads the answer, and has done with the frame; false if there is none. */
static bool take_answer(struct control_frame *frame, void *response)
{
    struct life *life = container_of(frame, struct life, frame);
    bool is_there = control_frame_read(frame, response);

    control_frame_fini(frame);
    life->is_asking = false;
    return is_there && life->state != LIFE_GONE;
}

/* --- leaving ---------------------------------------------------------------- */

static void leave(struct life *life)
{
    if (life->state == LIFE_GONE)
        return;
    life->state = LIFE_GONE;
    loop_timer_cancel(loop_of(life), &life->next);
    loop_timer_cancel(loop_of(life), &life->leave_deadline);
    life->left(life->broker);
}

static void leave_late(struct loop_timer *timer)
{
    struct life *life = container_of(timer, struct life, leave_deadline);

    diag_warn(life->broker->diag, "the controller does not let this broker go in time; it stops");
    leave(life);
}

/* --- heartbeats ------------------------------------------------------------- */

static void begin_to_serve(struct life *life)
{
    struct broker *broker = life->broker;

    life->state = LIFE_SERVING;
    diag_info(broker->diag, "registered with the controller; serving",
              kv("epoch", broker->broker_epoch));
    broker_serve(broker);
}

/* That we are refused is told once. */
static void tell_refusal(struct life *life, int16_t error)
{
    if (!life->is_told)
        diag_warn(life->broker->diag, "the controller does not take this broker for now",
                  kv("error", error_name(error)), kv("why", error_meaning(error)));
    life->is_told = true;
}

static void follow(struct life *life, const struct broker_heartbeat_response *response)
{
    int64_t interval_ms = max_of(life->broker->settings->broker_heartbeat_interval_ms, INT64_C(1));

    life->is_told = false;
    if (life->state == LIFE_FENCED && !response->is_fenced)
        begin_to_serve(life);
    if (life->state == LIFE_SERVING) /* For who asks whether we are ready. */
        life->broker->state = response->is_fenced ? NODE_FENCED : NODE_SERVING;
    if (life->state == LIFE_LEAVING && response->should_shut_down)
        leave(life);
    else
        ask_in(life, life->state == LIFE_SERVING && !response->is_fenced
                         ? interval_ms
                         : min_of(interval_ms, (int64_t)SOON_MS));
}

static void heartbeat_answered(struct control_frame *frame)
{
    struct life *life = container_of(frame, struct life, frame);
    struct broker_heartbeat_response response;

    if (!take_answer(frame, &response)) {
        ask_in(life, RETRY_MS);
    } else if (response.error_code != ERROR_NONE) {
        tell_refusal(life, response.error_code);
        ask_in(life, RETRY_MS);
    } else {
        follow(life, &response);
    }
}

static void send_heartbeat(struct life *life)
{
    struct broker_heartbeat_request request = broker_heartbeat_request_defaults;

    request.broker_id = life->broker->node_id;
    request.broker_epoch = life->broker->broker_epoch;
    request.current_metadata_offset = observer_end(life->broker->observer) - 1;
    request.want_shut_down = life->state == LIFE_LEAVING;
    ask(life, API_BROKER_HEARTBEAT, &request, heartbeat_answered);
}

/* --- registration ----------------------------------------------------------- */

static void registered(struct control_frame *frame)
{
    struct life *life = container_of(frame, struct life, frame);
    struct broker *broker = life->broker;
    struct broker_registration_response response;

    if (!take_answer(frame, &response)) {
        ask_in(life, RETRY_MS);
        return;
    }
    switch (response.error_code) {
    case ERROR_NONE: break;
    case ERROR_DUPLICATE_BROKER_REGISTRATION: /* The session of our last life, mostly. */
    case ERROR_KAFKA_STORAGE_ERROR:
    case ERROR_NOT_CONTROLLER:
        tell_refusal(life, response.error_code);
        ask_in(life, RETRY_MS);
        return;
    default:
        diag_error(broker->diag, "the controller refuses this broker",
                   kv("error", error_name(response.error_code)),
                   kv("why", error_meaning(response.error_code)));
        fail(life);
        return;
    }
    life->is_told = false;
    broker->broker_epoch = response.broker_epoch;
    registration_note_epoch(broker);
    if (life->state == LIFE_REGISTERING)
        life->state = LIFE_FENCED;
    send_heartbeat(life);
}

static void next(struct loop_timer *timer)
{
    struct life *life = container_of(timer, struct life, next);

    if (life->is_asking)
        return; /* The answer leads on. */
    if (life->state == LIFE_REGISTERING)
        ask(life, API_BROKER_REGISTRATION, &life->registration.request, registered);
    else if (life->state > LIFE_REGISTERING && life->state < LIFE_GONE)
        send_heartbeat(life);
}

/* --- reading ---------------------------------------------------------------- */

static void caught_up(struct broker *broker)
{
    struct life *life = broker->life;

    if (broker_take_image(broker, observer_image(broker->observer))) {
        fail(life);
        return;
    }
    observer_publish(broker->observer);
}

static void published(struct broker *broker)
{
    struct life *life = broker->life;

    if (life->state == LIFE_READING) {
        life->state = LIFE_REGISTERING;
        registration_fill(broker, &life->registration);
        ask_in(life, 0);
    } else if (life->state == LIFE_FENCED && !life->is_asking &&
               observer_end(broker->observer) > broker->broker_epoch) {
        ask_in(life, 0);
    }
}

static const struct observer_events events = {.caught_up = caught_up, .published = published};

/* --- beginning and end ------------------------------------------------------ */

struct life *life_create(struct broker *broker)
{
    struct life *life = mem_new(sizeof(*life));

    *life = (struct life){
        .broker = broker, .next = {.fire = next}, .leave_deadline = {.fire = leave_late}};
    broker->life = life;
    broker->observer = observer_create(broker, &events);
    return life;
}

struct life *life_destroy(struct life *life)
{
    if (!life)
        return NULL;
    life->state = LIFE_GONE;
    loop_timer_cancel(loop_of(life), &life->next);
    loop_timer_cancel(loop_of(life), &life->leave_deadline);
    uplink_fini(&life->broker->uplink); /* What is asked for ends. */
    assert(!life->is_asking);
    life->broker->observer = observer_destroy(life->broker->observer);
    mem_free(life);
    return NULL;
}

void life_leave(struct life *life, void (*left)(struct broker *broker))
{
    bool is_known = life->state == LIFE_FENCED || life->state == LIFE_SERVING;

    life->left = left;
    if (!is_known) {
        leave(life);
        return;
    }
    life->state = LIFE_LEAVING;
    loop_timer_set(loop_of(life), &life->leave_deadline,
                   loop_of(life)->now_us + LEAVE_MAX_MS * INT64_C(1000));
    if (!life->is_asking)
        ask_in(life, 0);
}
