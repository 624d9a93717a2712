/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller_brokers.c - which brokers there are, and which of them may lead.
 *
 * A broker registers under an epoch, which is the offset of its registration, and is fenced until
 * a heartbeat says that it has read the metadata up to there.  Each heartbeat prolongs its
 * session; when the session ends the broker is fenced.  The broker of this process needs no
 * session: it ends with the controller.
 *
 * A fenced broker leads nothing.  Partitions have one replica, so whoever has it leads when it is
 * there, and nobody does when it is not; what cannot be lost by that is not written down anew at
 * every start.
 */

#include "base/mem.h"
#include "base/mutant.h"
#include "control/controller_frames.h"
#include "control/controller_internal.h"
#include "wire/errors.h"
#include "wire/msg/allocate_producer_ids.h"
#include "wire/msg/broker_heartbeat.h"
#include "wire/msg/broker_registration.h"
#include "wire/msg/broker_registration_change_record.h"
#include "wire/msg/partition_change_record.h"
#include "wire/msg/producer_ids_record.h"
#include "wire/msg/register_broker_record.h"
#include "wire/msg/unregister_broker.h"
#include "wire/msg/unregister_broker_record.h"

DIAG_MODULE("control");

enum { FENCED = 1, UNFENCED = -1, IN_SHUTDOWN = 1, LEADER_NONE = -1 };

/* --- sessions --------------------------------------------------------------- */

struct controller_session {
    int32_t broker_id;
    int64_t deadline_us; /* Monotonic. */
};

static struct controller_session *find_session(const struct controller *c, int32_t id)
{
    for (size_t i = 0; i < c->session_count; i++)
        if (c->sessions[i].broker_id == id)
            return &c->sessions[i];
    return NULL;
}

/* The broker of this process, which needs no session. */
static bool is_ours(const struct controller *c, int32_t id)
{
    return c->options.has_broker && id == c->options.node_id;
}

static int64_t now_us(const struct controller *c)
{
    return io_monotonic_us(c->options.loop->io);
}

/* Wakes the controller when the next session ends; one that has nobody to wait for sleeps. */
static void set_timer(struct controller *c)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < c->session_count; i++)
        next = min_of(next, c->sessions[i].deadline_us);
    if (next == INT64_MAX)
        loop_timer_cancel(c->options.loop, &c->expiry);
    else
        loop_timer_set(c->options.loop, &c->expiry, next);
}

static void touch(struct controller *c, int32_t id)
{
    struct controller_session *session = find_session(c, id);

    if (!session) {
        c->sessions = mem_resize(c->sessions, c->session_count + 1, sizeof(*c->sessions));
        session = &c->sessions[c->session_count++];
        session->broker_id = id;
    }
    session->deadline_us = now_us(c) + c->options.session_timeout_ms * 1000;
    set_timer(c);
}

static void forget(struct controller *c, int32_t id)
{
    struct controller_session *session = find_session(c, id);

    if (session)
        *session = c->sessions[--c->session_count];
    set_timer(c);
}

void controller_begin_sessions(struct controller *c)
{
    const struct image_broker *broker;
    struct tree_walk walk;

    tree_walk_begin(&walk, &c->image->brokers, NULL);
    while ((broker = tree_walk_next(&walk)))
        if (!broker->record.fenced && !is_ours(c, broker->record.broker_id))
            touch(c, broker->record.broker_id);
}

/* --- leaders ---------------------------------------------------------------- */

static bool has_id(const struct image_ids *list, int32_t id)
{
    for (int32_t i = 0; i < list->count; i++)
        if (list->ids[i] == id)
            return true;
    return false;
}

/* Whether it may lead without a loss; of those that may not any more, the last one may. */
static bool can_lead(const struct image_partition *p, int32_t id)
{
    const struct image_replicas *lists = p->replicas;

    if (!has_id(&lists->replicas, id))
        return false;
    if (has_id(&lists->isr, id) || has_id(&lists->elr, id))
        return true;
    return lists->isr.count == 0 && lists->elr.count == 0 && has_id(&lists->last_elr, id);
}

/* One that leads alone is in sync with itself. */
static void add_leader(struct controller *c, const struct image_topic *topic, int32_t index,
                       int32_t id)
{
    const struct image_replicas *lists = topic->partitions[index].replicas;
    struct partition_change_record change = partition_change_record_defaults;

    change.partition_id = index;
    change.topic_id = topic->id;
    change.leader = id;
    if (!has_id(&lists->isr, id)) {
        change.isr = &id;
        change.isr_count = 1;
    }
    if (lists->elr.count > 0)
        change.eligible_leader_replicas_count = 0;
    if (lists->last_elr.count > 0)
        change.last_known_elr_count = 0;
    controller_add(c, METADATA_PARTITION_CHANGE, &change);
}

/* Where leaders in sync are counted, one that goes remains eligible; else it stays in sync. */
static void remove_leader(struct controller *c, const struct image_topic *topic, int32_t index,
                          int32_t id)
{
    struct partition_change_record change = partition_change_record_defaults;

    change.partition_id = index;
    change.topic_id = topic->id;
    change.leader = LEADER_NONE;
    if (image_edit_image(c->edit)->levels[FEATURE_ELIGIBLE_LEADER_REPLICAS] > 0) {
        change.isr_count = 0;
        change.eligible_leader_replicas = change.last_known_elr = &id;
        change.eligible_leader_replicas_count = change.last_known_elr_count = 1;
    }
    controller_add(c, METADATA_PARTITION_CHANGE, &change);
}

/* A partition, by what stays the same when it changes. */
struct place {
    struct uuid topic_id;
    int32_t index;
};

/* The partitions of a broker that comes get their leader back, or of one that goes lose it. */
static void move_leaders(struct controller *c, int32_t id, bool comes)
{
    const struct image *image = image_edit_image(c->edit);
    const struct image_topic *topic;
    struct place *places = NULL;
    size_t count = 0, room = 0;
    struct tree_walk walk;

    image_walk_begin(&walk, image, slice_null());
    while ((topic = image_walk_next(&walk))) {
        for (int32_t i = 0; i < topic->partition_count; i++) {
            const struct image_partition *p = &topic->partitions[i];

            if (comes ? p->leader != LEADER_NONE || !can_lead(p, id) : p->leader != id)
                continue;
            places = arena_grow(&c->arena, places, count, &room, sizeof(*places));
            places[count++] = (struct place){.topic_id = topic->id, .index = i};
        }
    }
    for (size_t i = 0; i < count; i++) { /* Behind the walk: what is walked must not change. */
        topic = image_find_topic_by_id(image, places[i].topic_id);
        if (comes)
            add_leader(c, topic, places[i].index, id);
        else
            remove_leader(c, topic, places[i].index, id);
    }
}

static bool leads_any(const struct image *image, int32_t id)
{
    const struct image_topic *topic;
    struct tree_walk walk;

    image_walk_begin(&walk, image, slice_null());
    while ((topic = image_walk_next(&walk)))
        for (int32_t i = 0; i < topic->partition_count; i++)
            if (topic->partitions[i].leader == id)
                return true;
    return false;
}

/* --- states ----------------------------------------------------------------- */

static void change_fence(struct controller *c, const struct image_broker *broker, int8_t fenced)
{
    struct broker_registration_change_record change = broker_registration_change_record_defaults;
    int32_t id = broker->record.broker_id; /* The broker is another one behind the record. */

    change.broker_id = id;
    change.broker_epoch = broker->record.broker_epoch;
    change.fenced = fenced;
    controller_add(c, METADATA_REGISTRATION_CHANGE, &change);
    move_leaders(c, id, fenced == UNFENCED);
}

static void begin_shutdown(struct controller *c, const struct image_broker *broker)
{
    struct broker_registration_change_record change = broker_registration_change_record_defaults;
    int32_t id = broker->record.broker_id;

    change.broker_id = id;
    change.broker_epoch = broker->record.broker_epoch;
    change.in_controlled_shutdown = IN_SHUTDOWN;
    controller_add(c, METADATA_REGISTRATION_CHANGE, &change);
    move_leaders(c, id, false);
}

int controller_expire_sessions(struct controller *c)
{
    int64_t now = now_us(c);

    for (size_t i = c->session_count; i-- > 0;) {
        int32_t id = c->sessions[i].broker_id;
        const struct image_broker *broker;

        if (c->sessions[i].deadline_us > now)
            continue;
        broker = image_find_broker(image_edit_image(c->edit), id);
        c->sessions[i] = c->sessions[--c->session_count];
        if (!broker || broker->record.fenced)
            continue;
        diag_warn(c->options.diag, "broker is not heard of any more; it is fenced",
                  kv("broker", id));
        change_fence(c, broker, FENCED);
    }
    set_timer(c);
    return 0;
}

/* --- registration ----------------------------------------------------------- */

/* A broker must understand everything that the cluster has agreed on. */
static bool understands(const struct image *image, const struct broker_registration_request *from)
{
    for (int id = 0; id < FEATURE_COUNT; id++) {
        bool is_in = image->levels[id] == 0;

        for (int32_t i = 0; i < from->features_count && !is_in; i++)
            is_in = slice_is_text(from->features[i].name, features[id].name) &&
                    from->features[i].min_supported_version <= image->levels[id] &&
                    from->features[i].max_supported_version >= image->levels[id];
        if (!is_in)
            return false;
    }
    return true;
}

static int16_t check_registration(const struct controller *c, struct control_frame *frame,
                                  const struct broker_registration_request *from)
{
    const struct image *image = image_edit_image(c->edit);
    const struct image_broker *before = image_find_broker(image, from->broker_id);
    bool is_own = from->broker_id == c->options.node_id;

    if (!slice_is_text(from->cluster_id, log_dir_cluster_id(c->options.dir)))
        return ERROR_INCONSISTENT_CLUSTER_ID;
    if (is_own != frame->is_local ||
        (before && !is_own && find_session(c, from->broker_id) &&
         !uuid_equal(before->record.incarnation_id, from->incarnation_id)))
        return ERROR_DUPLICATE_BROKER_REGISTRATION;
    return understands(image, from) ? ERROR_NONE : ERROR_UNSUPPORTED_VERSION;
}

static void copy_lists(struct controller *c, const struct broker_registration_request *from,
                       struct register_broker_record *to)
{
    to->end_points =
        arena_new(&c->arena, ((size_t)from->listeners_count + 1) * sizeof(*to->end_points));
    to->end_points_count = from->listeners_count;
    for (int32_t i = 0; i < from->listeners_count; i++)
        to->end_points[i] = (struct register_broker_record_broker_endpoint){
            .name = from->listeners[i].name,
            .host = from->listeners[i].host,
            .port = from->listeners[i].port,
            .security_protocol = from->listeners[i].security_protocol,
        };
    to->features = arena_new(&c->arena, ((size_t)from->features_count + 1) * sizeof(*to->features));
    to->features_count = from->features_count;
    for (int32_t i = 0; i < from->features_count; i++)
        to->features[i] = (struct register_broker_record_broker_feature){
            .name = from->features[i].name,
            .min_supported_version = from->features[i].min_supported_version,
            .max_supported_version = from->features[i].max_supported_version,
        };
}

void controller_serve_broker_registration(struct controller *c, struct control_frame *frame,
                                          const void *request, void *response)
{
    const struct broker_registration_request *from = request;
    struct broker_registration_response *answer = response;
    struct register_broker_record record = register_broker_record_defaults;
    const struct image_broker *before;

    answer->error_code = check_registration(c, frame, from);
    if (answer->error_code != ERROR_NONE)
        return;
    before = image_find_broker(image_edit_image(c->edit), from->broker_id);
    if (!frame->is_local)
        touch(c, from->broker_id);
    if (before && uuid_equal(before->record.incarnation_id, from->incarnation_id)) {
        answer->broker_epoch = before->record.broker_epoch; /* The answer was lost. */
        return;
    }
    if (before && !frame->is_local)
        move_leaders(c, from->broker_id, false);
    record.broker_id = from->broker_id;
    record.incarnation_id = from->incarnation_id;
    record.broker_epoch = answer->broker_epoch = controller_next_offset(c);
    record.rack = from->rack;
    record.log_dirs = from->log_dirs;
    record.log_dirs_count = from->log_dirs_count;
    record.fenced = true;
    copy_lists(c, from, &record);
    controller_add(c, METADATA_REGISTER_BROKER, &record);
}

/* --- heartbeats ------------------------------------------------------------- */

/* The registration that the epoch is of, or NULL. */
static const struct image_broker *find_registered(const struct controller *c, int32_t id,
                                                  int64_t epoch)
{
    const struct image_broker *broker = image_find_broker(image_edit_image(c->edit), id);

    return broker && broker->record.broker_epoch == epoch ? broker : NULL;
}

/* Says in `answer` what the broker is to be, and makes it so. */
static void step(struct controller *c, const struct image_broker *broker,
                 const struct broker_heartbeat_request *from,
                 struct broker_heartbeat_response *answer)
{
    bool is_free = !leads_any(image_edit_image(c->edit), broker->record.broker_id);

    answer->is_fenced = broker->record.fenced;
    if (broker->record.fenced) {
        answer->should_shut_down = from->want_shut_down;
        if (from->want_shut_down || from->want_fence || !answer->is_caught_up)
            return;
        answer->is_fenced = false;
        change_fence(c, broker, UNFENCED);
    } else if (from->want_shut_down && is_free) {
        answer->is_fenced = answer->should_shut_down = true;
        change_fence(c, broker, FENCED);
    } else if (from->want_shut_down) {
        if (!broker->record.in_controlled_shutdown)
            begin_shutdown(c, broker);
    } else if (from->want_fence) {
        answer->is_fenced = true;
        change_fence(c, broker, FENCED);
    }
}

void controller_serve_broker_heartbeat(struct controller *c, struct control_frame *frame,
                                       const void *request, void *response)
{
    const struct broker_heartbeat_request *from = request;
    struct broker_heartbeat_response *answer = response;
    const struct image_broker *broker = find_registered(c, from->broker_id, from->broker_epoch);

    if (!broker) {
        answer->error_code = ERROR_STALE_BROKER_EPOCH;
        return;
    }
    answer->is_caught_up = from->current_metadata_offset >= from->broker_epoch;
    step(c, broker, from, answer);
    if (!frame->is_local && !answer->is_fenced)
        touch(c, from->broker_id);
    else if (answer->should_shut_down)
        forget(c, from->broker_id);
}

void controller_serve_unregister_broker(struct controller *c, struct control_frame *frame,
                                        const void *request, void *response)
{
    const struct unregister_broker_request *from = request;
    struct unregister_broker_response *answer = response;
    const struct image_broker *broker =
        image_find_broker(image_edit_image(c->edit), from->broker_id);
    struct unregister_broker_record record;

    (void)frame;
    if (!broker) {
        answer->error_code = ERROR_BROKER_ID_NOT_REGISTERED;
        answer->error_message = slice_text(error_meaning(ERROR_BROKER_ID_NOT_REGISTERED));
        return;
    }
    record = (struct unregister_broker_record){.broker_id = from->broker_id,
                                               .broker_epoch = broker->record.broker_epoch};
    controller_add(c, METADATA_UNREGISTER_BROKER, &record);
    move_leaders(c, from->broker_id, false);
    forget(c, from->broker_id);
}

/* --- numbers for producers -------------------------------------------------- */

void controller_serve_allocate_producer_ids(struct controller *c, struct control_frame *frame,
                                            const void *request, void *response)
{
    const struct allocate_producer_ids_request *from = request;
    struct allocate_producer_ids_response *answer = response;
    struct producer_ids_record record = producer_ids_record_defaults;

    (void)frame;
    if (!find_registered(c, from->broker_id, from->broker_epoch)) {
        answer->error_code = ERROR_STALE_BROKER_EPOCH;
        return;
    }
    answer->producer_id_start = image_edit_image(c->edit)->next_producer_id;
    answer->producer_id_len = CONTROL_PRODUCER_IDS;
    record.broker_id = from->broker_id;
    record.broker_epoch = from->broker_epoch;
    record.next_producer_id = answer->producer_id_start + CONTROL_PRODUCER_IDS;
    if (mutant_is(MUTANT_IDS_TWICE))
        record.next_producer_id = answer->producer_id_start + 1;
    controller_add(c, METADATA_PRODUCER_IDS, &record);
}
