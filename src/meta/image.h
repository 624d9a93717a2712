/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/image.h - what the cluster consists of, at one offset of its metadata log.
 *
 * An image is immutable and counted.  Applying records makes the next image, which
 * shares every topic that the records did not touch; so whoever holds an image sees
 * one consistent cluster for as long as it likes.
 *
 *      image @41 --- orders, users          records 42..44      image @44 --- orders, users', audit
 *
 * Topics are walked in order of name, which is the order that clients are told.  Making the
 * next image costs what the records change, whatever the size of the cluster: the maps of
 * both images share their nodes (meta/tree.h).
 *
 * Threading: counts are atomic; images may be held by any thread.  An image_edit
 *            belongs to the one thread that applies records.
 * Errors:    enum image_outcome.
 */

#include "base/arena.h"
#include "base/uuid.h"
#include "meta/metadata_record.h"
#include "meta/tree.h"
#include "wire/msg/register_broker_record.h"
#include "wire/msg/register_controller_record.h"

struct image_config {
    char *name; /* Owned. */
    char *value;
};

/* Settings of one thing, in order of name. */
struct image_configs {
    size_t count;
    struct image_config *items; /* Owned. */
};

/* Broker ids, which never change. */
struct image_ids {
    int32_t *ids;
    int32_t count;
};

/* Who has a partition.  Shared: immutable, and the same one for neighbours that agree. */
struct image_replicas {
    _Atomic uint32_t refs;
    struct image_ids replicas; /* The preferred leader first. */
    struct image_ids isr;
    struct image_ids removing, adding; /* Of a reassignment. */
    struct image_ids elr, last_elr;    /* Eligible to lead, and who was last (KIP-966). */
    struct uuid *directories;          /* Of each replica (KIP-858), ... */
    int32_t directory_count;           /* ... or 0 if they are not known. */
};

struct image_partition {
    int32_t leader; /* Broker id, or -1. */
    int32_t leader_epoch;
    int32_t partition_epoch;
    int8_t recovery;                 /* 1 after an unclean election, until recovered. */
    struct image_replicas *replicas; /* Owned reference. */
};

/* Shared: immutable once its image is finished. */
struct image_topic {
    _Atomic uint32_t refs;
    char *name; /* Owned. */
    struct uuid id;
    uint64_t generation; /* Of the image that it was made for: only there it may still change. */
    int32_t partition_count;
    struct image_partition *partitions; /* Owned. */
    struct image_configs configs;       /* The topic's own. */
};

/* Settings of something else than a topic.  Shared, as topics. */
struct image_resource {
    _Atomic uint32_t refs;
    int8_t type; /* Kafka's number of the type: 4 is a broker. */
    char *name;  /* Owned; empty for all of the type. */
    struct image_configs configs;
};

/* A registered broker.  Shared, as topics. */
struct image_broker {
    _Atomic uint32_t refs;
    struct arena arena;                   /* Owned: has what the record points to. */
    struct register_broker_record record; /* With what has changed since. */
};

/* A registered controller.  Shared, as topics. */
struct image_controller {
    _Atomic uint32_t refs;
    struct arena arena; /* Owned. */
    struct register_controller_record record;
};

/* A record that is kept for others to read.  Shared, as topics. */
struct image_kept {
    _Atomic uint32_t refs;
    enum metadata_type type;
    struct slice key;    /* Owned: what identifies it among those of its type. */
    struct slice record; /* Owned: all of it, as it was in the log. */
};

struct image {
    _Atomic uint32_t refs;
    uint64_t generation;     /* One more than that of the image it was made from. */
    int64_t offset;          /* Of the last record in it; -1 for the empty image. */
    struct tree topics;      /* struct image_topic, by name. */
    struct tree by_id;       /* The same, by id. */
    struct tree by_folded;   /* Those with a `.` or `_`, by name with `.` taken for `_`. */
    struct tree resources;   /* struct image_resource, by type and name. */
    struct tree brokers;     /* struct image_broker, by id. */
    struct tree controllers; /* struct image_controller, by id. */
    struct tree kept;        /* struct image_kept, by type and key. */
    int64_t next_producer_id;
    int16_t levels[FEATURE_COUNT]; /* Of features; 0 until a record sets one. */
};

enum image_outcome {
    IMAGE_E_MALFORMED = 1,  /* A record cannot be read. */
    IMAGE_E_UNKNOWN_RECORD, /* A record type or version that we do not know. */
    IMAGE_E_INCONSISTENT,   /* A record that does not fit what was before it. */
};

enum {
    IMAGE_RESOURCE_TOPIC = 2,
    IMAGE_RESOURCE_BROKER = 4,
    IMAGE_RESOURCE_LOGGER = 8,
    IMAGE_RESOURCE_METRICS = 16,
    IMAGE_RESOURCE_GROUP = 32,
};

/* The image of an empty cluster. */
struct image *image_create(void);

/* One more reference. */
struct image *image_ref(struct image *image);

/* Drops a reference; NULL is allowed.  Always returns NULL. */
struct image *image_unref(struct image *image);

SCOPED_BY(image_unref, struct image *);

/* The topic, borrowed from the image, or NULL. */
const struct image_topic *image_find_topic(const struct image *image, struct slice name);
const struct image_topic *image_find_topic_by_id(const struct image *image, struct uuid id);

/* A topic whose name differs from `name` at most in `.` and `_`, or NULL: metric names would
 * be the same. */
const struct image_topic *image_find_collision(const struct image *image, struct slice name);

/* How many topics there are. */
size_t image_topic_count(const struct image *image);

/* Begins a walk over the topics in order of name, from the first that is not below `from`,
 * or from the first of all if that is null. */
void image_walk_begin(struct tree_walk *walk, const struct image *image, struct slice from);

/* The next topic, borrowed from the image, or NULL. */
const struct image_topic *image_walk_next(struct tree_walk *walk);

/* The topic's own value of a setting, or NULL. */
const char *image_topic_config(const struct image_topic *topic, const char *name);

/* Settings of a resource that is no topic, borrowed from the image, or NULL. */
const struct image_configs *image_find_configs(const struct image *image, int8_t type,
                                               struct slice name);

/* Begins a walk over the resources with settings that are no topics, in order of type and
 * name. */
void image_walk_resources(struct tree_walk *walk, const struct image *image);

/* The next of them, borrowed from the image, or NULL. */
const struct image_resource *image_walk_next_resource(struct tree_walk *walk);

/* The value of a setting, or NULL. */
const char *image_configs_get(const struct image_configs *configs, const char *name);

/* The broker that is registered with this number, borrowed from the image, or NULL. */
const struct image_broker *image_find_broker(const struct image *image, int32_t id);

/* True if the broker is registered and may lead. */
bool image_is_broker_alive(const struct image *image, int32_t id);

/* How many records of a type are kept. */
size_t image_count_kept(const struct image *image, enum metadata_type type);

/* --- changing --------------------------------------------------------------- */

/* The next image while it is being made. */
struct image_edit;

/* Begins to change `base`, which stays as it is. */
struct image_edit *image_edit_create(struct image *base);

/* The image as it is so far, to decide by; borrowed, and changed by the next record. */
const struct image *image_edit_image(const struct image_edit *edit);

/* Applies one record of the metadata log: its value, with the frame version, type and
 * version in front (KIP-631).  After a refusal the edit is of no use any more. */
NODISCARD int image_edit_apply(struct image_edit *edit, int64_t offset, struct slice record);

/* True within a metadata transaction (KIP-868): what was applied since it began counts only when
 * it ends, and not at all if it is aborted. */
bool image_edit_is_open(const struct image_edit *edit);

/* The image after all records that were applied; the edit is gone.  No transaction is open. */
struct image *image_edit_finish(struct image_edit *edit);

/* Gives the edit up; NULL is allowed.  Always returns NULL. */
struct image_edit *image_edit_destroy(struct image_edit *edit);

/* --- writing ---------------------------------------------------------------- */

/* Hears of a record; borrowed for the call.  A non-zero result ends the telling with it. */
typedef int image_record_fn(void *context, struct slice record);

/* Tells the records that an empty cluster becomes this one by, in the order of Kafka's own
 * snapshots.  Any thread. */
NODISCARD int image_tell(const struct image *image, image_record_fn *fn, void *context);
