/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/traffic.h - what came into the partitions of a shard, and went out: all in all, and by
 * topic where somebody will ask.
 *
 * A topic costs nothing until there is traffic of it.
 *
 * Threading: the home shard's loop.
 * Errors:    none.
 */

#include "base/map.h"
#include "base/uuid.h"

/* In the order of the names below. */
enum traffic_kind {
    TRAFFIC_MESSAGES_IN,
    TRAFFIC_BYTES_IN,
    TRAFFIC_BYTES_OUT,
    TRAFFIC_BYTES_REJECTED,
    TRAFFIC_PRODUCE_REQUESTS, /* Of each partition that a request names, as in Kafka. */
    TRAFFIC_FETCH_REQUESTS,
    TRAFFIC_FAILED_PRODUCE_REQUESTS,
    TRAFFIC_FAILED_FETCH_REQUESTS,
    TRAFFIC_KINDS,
};

struct traffic_counts {
    int64_t of[TRAFFIC_KINDS];
};

/* One topic's. */
struct traffic_topic {
    struct map_node node; /* In traffic->topics. */
    struct uuid id;
    struct traffic_counts counts;
};

struct traffic {
    bool is_by_topic;
    struct traffic_counts all;
    struct map topics;          /* Owned struct traffic_topic, by id. */
    struct traffic_topic *last; /* The one that was asked for last, or NULL. */
};

/* Nothing yet. */
void traffic_init(struct traffic *traffic, bool is_by_topic);

/* Frees. */
void traffic_fini(struct traffic *traffic);

/* Adds `count`. */
void traffic_add(struct traffic *traffic, struct uuid topic_id, enum traffic_kind kind,
                 int64_t count);

/* Adds what every Produce adds, with one look for the topic: so many requests that named it, and
 * the messages and bytes that went into its log. */
void traffic_add_produced(struct traffic *traffic, struct uuid topic_id, int64_t requests,
                          int64_t messages, int64_t bytes);

/* The counts of a topic that had traffic, or NULL. */
const struct traffic_counts *traffic_find(const struct traffic *traffic, struct uuid topic_id);

/* The topic is gone. */
void traffic_forget(struct traffic *traffic, struct uuid topic_id);
