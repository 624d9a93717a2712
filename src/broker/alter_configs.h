/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/alter_configs.h - what AlterConfigs and IncrementalAlterConfigs have in common: a
 * list of resources, each with settings that are to change.
 *
 * A resource is changed whole or not at all: every setting is checked first, then all of
 * them are one operation of the controller.
 *
 * Threading: the session's shard.
 * Errors:    Kafka's codes, in each resource.
 */

#include "broker/producer_ids.h"
#include "broker/request.h"

/* Kafka's numbers of what an incremental change does. */
enum alter_operation { ALTER_SET, ALTER_DELETE, ALTER_APPEND, ALTER_SUBTRACT };

struct alter_item {
    struct slice name, value;
    int8_t operation;
};

struct alter_work;

struct alter_resource {
    struct control_call call;
    struct alter_work *work;
    int8_t type;
    struct slice name;
    const struct alter_item *items; /* Arena. */
    size_t item_count;
    bool replaces_all; /* What the items do not name is taken away. */
    int16_t error;     /* Results. */
    struct slice why;
};

struct alter_work {
    struct request *request;
    struct alter_resource *resources; /* Arena. */
    size_t count;
    bool validate_only;
    int pending;
    /* Everything has been decided: answers the request. */
    void (*answer)(struct alter_work *work);
};

/* A work in the request's arena with room for `count` resources. */
struct alter_work *alter_work_new(struct request *request, size_t count);

/* Begins to change everything that `work`, filled, asks for; answer() follows. */
void alter_work_start(struct alter_work *work);
