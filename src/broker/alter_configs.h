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

#include "base/config.h"
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

/* --- for the kinds of resources (alter_kinds.c) --- */

/* What is special about the items of a kind. */
struct alter_rules {
    /* The row of a key, or NULL. */
    const struct config_row *(*find)(struct slice key);
    /* The list that is added to, or taken from. */
    void (*value)(const struct alter_resource *resource, const struct config_row *row,
                  struct text *out);
    /* That the key of `item` holds no list. */
    void (*say_no_list)(const struct alter_item *item, struct text *out);
    const char *bad_operation; /* What is said of one that there is not, before it; or NULL. */
    bool has_no_lists;         /* Whatever the rows say. */
};

/* Refuses the resource; `why` is constant or in the arena, NULL: no words. */
void alter_refuse(struct alter_resource *resource, int16_t error, const char *why);

/* As alter_refuse(), and frees `why`; always false. */
bool alter_refuse_text(struct alter_resource *resource, int16_t error, struct text *why);

/* Fills the operation with what the items make of `current` (NULL: nothing is set); false if
 * one was refused.  Values are not checked. */
NODISCARD bool alter_collect(struct alter_resource *resource, const struct image_configs *current,
                             const struct alter_rules *rules);

/* The value that `name` will have, null if it is not set, once alter_collect() is done. */
struct slice alter_outcome(const struct alter_resource *resource,
                           const struct image_configs *current, const char *name);

/* Prepare the operation for one kind of resource: false if there is none to be asked for,
 * since it was refused or is done. */
NODISCARD bool alter_topic(struct alter_resource *resource);
NODISCARD bool alter_broker(struct alter_resource *resource);
NODISCARD bool alter_loggers(struct alter_resource *resource);
NODISCARD bool alter_group(struct alter_resource *resource);
NODISCARD bool alter_metrics(struct alter_resource *resource);
