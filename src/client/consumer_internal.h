/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/consumer_internal.h - what the two halves of the consumer share: consumer.c asks,
 * consumer_records.c delivers.
 *
 * Threading: the cluster's loop.
 * Errors:    none.
 */

#include "client/consumer.h"
#include "wire/msg/fetch.h"
#include "wire/msg/list_offsets.h"

/* A Fetch or ListOffsets to one leader, and its answer until that is delivered. */
struct consumer_request {
    struct list_node node_in; /* In consumer->requests or consumer->arrived. */
    struct consumer *consumer;
    struct call call;
    struct arena arena; /* What the message is made of. */
    int32_t node;
    bool is_fetch;
    union {
        struct fetch_request fetch;
        struct list_offsets_request list_offsets;
    } message;
    struct consumer_partition **partitions; /* Arena; `count` of them. */
    size_t count, capacity;
    size_t at_topic, at_partition; /* Of the answer: what is to be delivered next. */
};

/* consumer_records.c */

/* Delivers the records of a Fetch's partition.  False: the consumer was paused. */
bool consumer_deliver(struct consumer *consumer, struct consumer_partition *partition,
                      const struct fetch_partition_data *data);

/* The offset behind the last whole batch of `records`, or -1 if there is none. */
int64_t consumer_next_offset(struct slice records);

/* Ends a partition. */
void consumer_fail(struct consumer *consumer, struct consumer_partition *partition, int16_t error,
                   const char *why);
