/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/offsets.h - how far a group has read: a value for each partition of each topic.
 *
 * Topics and partitions are kept in the order in which they first came, which is the order
 * that clients are told.
 *
 * Threading: the group's home.
 * Errors:    none.
 */

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/uuid.h"

struct committed {
    int64_t offset;        /* The next one to read. */
    int32_t leader_epoch;  /* Of the last record read; -1 if not known. */
    struct slice metadata; /* Null is empty. */
    int64_t commit_ms;     /* Unix time. */
    int64_t expire_ms;     /* Unix time; -1: by what the broker is set to. */
    struct uuid topic_id;  /* Zero if not known. */
};

struct offsets_entry {
    struct list_node node; /* In topic->entries. */
    struct map_node by_partition;
    int32_t partition;
    struct committed value; /* Its metadata is owned. */
};

struct offsets_topic {
    struct list_node node; /* In offsets->topics. */
    struct map_node by_name;
    struct slice name;   /* Owned. */
    struct list entries; /* struct offsets_entry. */
    struct map by_partition;
};

struct offsets {
    struct list topics; /* struct offsets_topic; none of them is empty. */
    struct map by_name;
    size_t count; /* Of all entries. */
};

/* Prepares an empty set. */
void offsets_init(struct offsets *offsets);

/* Frees all. */
void offsets_fini(struct offsets *offsets);

/* Keeps a copy of `value` for the partition. */
void offsets_put(struct offsets *offsets, struct slice topic, int32_t partition,
                 const struct committed *value);

/* Forgets the partition's; false if there was none. */
bool offsets_remove(struct offsets *offsets, struct slice topic, int32_t partition);

/* The partition's, or NULL. */
const struct committed *offsets_find(const struct offsets *offsets, struct slice topic,
                                     int32_t partition);

/* The topic's, or NULL. */
const struct offsets_topic *offsets_find_topic(const struct offsets *offsets, struct slice topic);

/* True if the value is too old: `base_ms` is when its age began. */
bool committed_is_expired(const struct committed *value, int64_t base_ms, int64_t now_ms,
                          int64_t retention_ms);
