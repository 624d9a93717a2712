/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/registration.h"

#include "base/err.h"
#include "control/controller_frames.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/features.h"
#include "wire/msg/broker_heartbeat.h"
#include "wire/msg/broker_registration.h"

DIAG_MODULE("broker");

/* Where clients reach us: listeners of one name are told once. */
static int32_t fill_listeners(const struct broker *broker, struct broker_registration_listener *out)
{
    int32_t count = 0;

    for (size_t i = 0; i < broker->listener_count; i++) {
        const struct broker_listener *bl = &broker->listeners[i];
        bool is_told = false;

        for (int32_t j = 0; j < count; j++)
            is_told |= slice_is_text(out[j].name, bl->name);
        if (is_told || bl->is_controller)
            continue;
        out[count++] = (struct broker_registration_listener){
            .name = slice_text(bl->name),
            .host = slice_text(bl->advertised_host),
            .port = bl->advertised_port,
        };
    }
    return count;
}

static int32_t fill_features(struct broker_registration_feature *out)
{
    for (int id = 0; id < FEATURE_COUNT; id++)
        out[id] = (struct broker_registration_feature){
            .name = slice_text(features[id].name),
            .min_supported_version = features[id].min,
            .max_supported_version = features[id].max,
        };
    return FEATURE_COUNT;
}

static struct uuid new_incarnation(struct io *io)
{
    uint8_t random[16];
    struct uuid id;

    do {
        io->ops->entropy(io, random, sizeof(random));
    } while (uuid_from_random(random, &id));
    return id;
}

/* The code of the answer to a request that the controller has decided about. */
static int16_t ask(struct broker *broker, int16_t key, const void *request, void *response,
                   const int16_t *error_code)
{
    struct control_frame frame;
    int16_t error = ERROR_UNKNOWN_SERVER_ERROR;

    control_frame_init(&frame, key, request);
    frame.is_local = true;
    controller_serve_now(broker->controller, &frame);
    if (control_frame_read(&frame, response))
        error = *error_code;
    control_frame_fini(&frame);
    return error;
}

void registration_fill(struct broker *broker, struct registration_request *out)
{
    struct broker_registration_request *request = &out->request;

    *request = broker_registration_request_defaults;
    request->rack = slice_null(); /* There is no broker.rack yet. */
    request->broker_id = broker->node_id;
    request->cluster_id = slice_text(log_dir_cluster_id(broker->dirs.items[0].dir));
    request->incarnation_id = new_incarnation(broker->shards[0].loop.io);
    request->listeners = out->listeners;
    request->listeners_count = fill_listeners(broker, out->listeners);
    request->features = out->features;
    request->features_count = fill_features(out->features);
    request->log_dirs = broker->dirs.ids;
    request->log_dirs_count = broker->dirs.id_count;
}

void registration_note_epoch(struct broker *broker)
{
    for (int i = 0; i < broker->dirs.count; i++)
        if (broker->dirs.items[i].dir)
            log_dir_set_broker_epoch(broker->dirs.items[i].dir, broker->broker_epoch);
}

static int16_t introduce(struct broker *broker)
{
    struct registration_request registration;
    struct broker_registration_response response;
    int16_t error;

    registration_fill(broker, &registration);
    error = ask(broker, API_BROKER_REGISTRATION, &registration.request, &response,
                &response.error_code);
    if (error == ERROR_NONE)
        broker->broker_epoch = response.broker_epoch;
    return error;
}

/* Everything was recovered and is in order: we may lead. */
static int16_t report(struct broker *broker)
{
    struct broker_heartbeat_request request = broker_heartbeat_request_defaults;
    struct broker_heartbeat_response response;

    request.broker_id = broker->node_id;
    request.broker_epoch = request.current_metadata_offset = broker->broker_epoch;
    return ask(broker, API_BROKER_HEARTBEAT, &request, &response, &response.error_code);
}

int registration_run(struct broker *broker)
{
    int16_t error = introduce(broker);
    int r;

    if (error == ERROR_NONE)
        error = report(broker);
    if (error != ERROR_NONE) {
        diag_error(broker->diag, "the controller refuses this broker",
                   kv("error", error_name(error)), kv("why", error_meaning(error)));
        return BROKER_E_DATA;
    }
    r = controller_settle(broker->controller);
    if (r) {
        diag_error(broker->diag, "the registration of this broker could not be written",
                   kv("error", r));
        return BROKER_E_DATA;
    }
    registration_note_epoch(broker);
    for (int i = 0; i < broker->shard_count; i++) {
        image_unref(broker->shards[i].image);
        broker->shards[i].image = image_ref(controller_image(broker->controller));
    }
    return 0;
}
