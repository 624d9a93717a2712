/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/controller_test.h - a controller with one broker, for the tests of this folder.
 *
 * Threading: the test's.
 * Errors:    as controller.h.
 */

#include "control/controller_frames.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"
#include "wire/api.h"
#include "wire/msg/broker_heartbeat.h"
#include "wire/msg/broker_registration.h"

#include <stdio.h>

enum { OPS_MAX = 32 };

/* Something that was asked. */
struct ask {
    struct control_op op;
    int heard, outcome;
    int64_t image_offset; /* Of what was published when it was heard. */
    struct bench *bench;
};

struct bench {
    struct store_kit kit;
    struct loop loop;
    struct syncer *syncer;
    struct controller *controller;
    struct ask asks[OPS_MAX];
    int ask_count;
    int published;
    int incarnations;
    int64_t epoch;              /* Of broker 1. */
    struct image *seen;         /* Reference: the last that was published. */
    struct uuid directories[3]; /* Where partitions may go, ... */
    int directory_count;        /* ... if any is named. */
    bool holds_publish;         /* The test calls controller_published() itself. */
    char removed[256];          /* Names, as they were published. */
    size_t altered;
};

static inline void publish(void *owner, const struct control_change *change)
{
    struct bench *bench = owner;
    size_t used = 0;

    bench->published++;
    image_unref(bench->seen);
    bench->seen = image_ref(change->image);
    bench->removed[0] = 0;
    for (size_t i = 0; i < change->removed_count; i++)
        used += (size_t)snprintf(bench->removed + used, sizeof(bench->removed) - used, "%s:%d ",
                                 change->removed[i]->name, change->removed[i]->partition_count);
    bench->altered = change->altered_count;
    if (!bench->holds_publish)
        controller_published(bench->controller);
}

static inline int open_controller(struct bench *bench)
{
    struct controller_options options = {
        .loop = &bench->loop,
        .diag = bench->kit.env.diag,
        .dir = bench->kit.dir,
        .env = &bench->kit.env,
        .syncer = bench->syncer,
        .has_broker = true,
        .node_id = 1,
        .directories = bench->directories,
        .directory_count = bench->directory_count,
        .mlog = mlog_config_plain,
        .session_timeout_ms = 9000,
        .publish = publish,
        .owner = bench,
    };

    return controller_open(&options, &bench->controller);
}

/* Asks by a frame of this API, and reads the answer. */
static inline void bench_call(struct bench *bench, int16_t key, bool is_local, const void *request,
                              void *response)
{
    struct control_frame frame;

    control_frame_init(&frame, key, request);
    frame.is_local = is_local;
    controller_serve_now(bench->controller, &frame);
    check(control_frame_read(&frame, response));
    control_frame_fini(&frame);
    check_ok(controller_settle(bench->controller));
}

/* Broker `id` registers in a new incarnation; broker 1 is that of this process. */
static inline struct broker_registration_response bench_introduce(struct bench *bench, int32_t id)
{
    struct uuid dir = log_dir_id(bench->kit.dir);
    struct broker_registration_feature supported[FEATURE_COUNT];
    struct broker_registration_request request = broker_registration_request_defaults;
    struct broker_registration_response response;

    for (int i = 0; i < FEATURE_COUNT; i++)
        supported[i] = (struct broker_registration_feature){
            .name = slice_text(features[i].name), .max_supported_version = features[i].max};
    request.broker_id = id;
    request.cluster_id = slice_text(log_dir_cluster_id(bench->kit.dir));
    request.incarnation_id.bytes[0] = (uint8_t)++bench->incarnations;
    request.log_dirs = &dir;
    request.log_dirs_count = 1;
    request.features = supported;
    request.features_count = FEATURE_COUNT;
    bench_call(bench, API_BROKER_REGISTRATION, id == 1, &request, &response);
    return response;
}

/* Broker `id` has read everything and is there. */
static inline struct broker_heartbeat_response bench_beat(struct bench *bench, int32_t id,
                                                          int64_t epoch, bool wants_shut_down)
{
    struct broker_heartbeat_request request = broker_heartbeat_request_defaults;
    struct broker_heartbeat_response response;

    request.broker_id = id;
    request.broker_epoch = request.current_metadata_offset = epoch;
    request.want_shut_down = wants_shut_down;
    bench_call(bench, API_BROKER_HEARTBEAT, id == 1, &request, &response);
    return response;
}

/* Broker `id` registers and may lead; its epoch. */
static inline int64_t bench_register(struct bench *bench, int32_t id)
{
    struct broker_registration_response registered = bench_introduce(bench, id);

    check(registered.error_code == 0);
    check(!bench_beat(bench, id, registered.broker_epoch, false).is_fenced);
    return registered.broker_epoch;
}

static inline void bench_init(struct bench *bench)
{
    *bench = (struct bench){.ask_count = 0};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    check_ok(open_controller(bench));
    bench->epoch = bench_register(bench, 1);
}

static inline int close_controller(struct bench *bench, bool clean)
{
    return controller_close(take(bench->controller), clean);
}

static inline void bench_fini(struct bench *bench)
{
    check_ok(close_controller(bench, false));
    bench->kit.faulty.holds_work = false;
    bench->syncer = syncer_destroy(bench->syncer);
    image_unref(bench->seen);
    loop_fini(&bench->loop);
    store_kit_fini(&bench->kit);
}

/* As a start after a stop. */
static inline void restart(struct bench *bench, bool clean)
{
    check_ok(close_controller(bench, clean));
    bench->kit.faulty.holds_work = false; /* What is in flight comes to its end. */
    bench->syncer = syncer_destroy(bench->syncer);
    bench->kit.faulty.holds_work = true;
    store_kit_close(&bench->kit, clean);
    store_kit_open(&bench->kit);
    bench->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    check_ok(open_controller(bench));
    bench->epoch = bench_register(bench, 1);
}

static inline void heard(struct control_op *op, int outcome)
{
    struct ask *ask = container_of(op, struct ask, op);

    ask->heard++;
    ask->outcome = outcome;
    ask->image_offset =
        ask->bench->controller ? controller_image(ask->bench->controller)->offset : -1;
}

static inline struct ask *ask(struct bench *bench, const struct control_op *op)
{
    struct ask *a = &bench->asks[bench->ask_count++];

    check(bench->ask_count <= OPS_MAX);
    *a = (struct ask){.op = *op, .bench = bench};
    a->op.done = heard;
    controller_ask(bench->controller, &a->op);
    return a;
}

static inline struct control_op creation(const char *name, int32_t partitions)
{
    return (struct control_op){.kind = CONTROL_CREATE_TOPIC,
                               .name = slice_text(name),
                               .partitions = partitions,
                               .replication_factor = 1};
}

static inline struct control_op deletion(const char *name)
{
    return (struct control_op){.kind = CONTROL_DELETE_TOPIC, .name = slice_text(name)};
}

/* Until everything that was asked for has been decided. */
static inline void settle(struct bench *bench)
{
    do {
        loop_turn(&bench->loop, 0);
    } while (faulty_io_run_work(&bench->kit.faulty) > 0);
}

static inline int outcome_of(struct bench *bench, const struct control_op *op)
{
    struct ask *a = ask(bench, op);

    settle(bench);
    check_eq(a->heard, 1);
    check((a->outcome != 0) == (a->op.why[0] != 0));
    return a->outcome;
}

static inline const struct image_topic *find(struct bench *bench, const char *name)
{
    return image_find_topic(controller_image(bench->controller), slice_text(name));
}
