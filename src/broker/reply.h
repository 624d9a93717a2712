/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/reply.h - what several handlers say in the same way.
 *
 * Threading: the session's shard.
 * Errors:    functions named error_of_* are the visible switches from outcomes to
 *            Kafka's error codes.
 */

#include "broker/broker.h"
#include "broker/request.h"
#include "control/controller.h"
#include "replica/partition.h"
#include "wire/errors.h"

/* What anybody may do while there are no ACLs, as bits of Kafka's AclOperation: of a topic
 * READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE and the two of its configuration; of the
 * cluster CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, the two of its configuration and
 * IDEMPOTENT_WRITE. */
enum {
    REPLY_OPERATIONS_TOPIC = 3576,
    REPLY_OPERATIONS_CLUSTER = 8096,
    REPLY_OPERATIONS_GROUP = 3400, /* READ, DELETE, DESCRIBE and the two of configuration. */
};

/* Where clients of the request's listener reach this node. */
struct slice reply_host(const struct request *request);
int32_t reply_port(const struct request *request);
struct slice reply_cluster_id(const struct request *request);

/* The client's address as Java prints it: with a slash in front, and all eight parts of an
 * IPv6 address.  In the request's arena. */
struct slice reply_client_host(struct request *request);

/* The topic that a request names, by id from the versions on that use ids. */
const struct image_topic *reply_find_topic(const struct request *request, struct slice name,
                                           struct uuid id, bool by_id);

/* What is wrong with the name of a topic, in Kafka's words; in the arena.  Something must be
 * (control_check_name()). */
const char *reply_name_fault(struct request *request, struct slice name);

/* The code of a control_outcome (create and delete topics, producer ids). */
int16_t error_of_control(int outcome);

/* The code of a partition_outcome; `batch_outcome` with PARTITION_E_BATCH. */
int16_t error_of_partition(int outcome, int batch_outcome);

/* True if the topic is one that the cluster keeps its own data in. */
bool topic_is_internal(struct slice name);

/* Why `shard` may not open a partition of `topic`, which the request found in an image that may be
 * older than the shard's: the topic is gone, or another broker leads.  Or 0. */
int16_t error_of_place(const struct shard *shard, const struct request *request,
                       const struct image_topic *topic, int32_t index);

/* A broker as clients of a listener reach it. */
struct reply_broker {
    int32_t id;
    struct slice host;
    int32_t port;
    struct slice rack; /* Null: it does not say. */
    bool is_fenced;
};

/* The brokers that may lead, and with `fenced` the others; how many.  Those that have no such
 * listener as the request's are left out.  In the request's arena. */
size_t reply_brokers(struct request *request, const struct image *image, bool fenced,
                     struct reply_broker **out);

/* The broker `id` of `image`; false if it cannot be reached. */
bool reply_find_broker(struct request *request, const struct image *image, int32_t id,
                       struct reply_broker *out);

/* The shard that is the home of a partition. */
static inline struct shard *home_of(const struct shard *shard, const struct image_topic *topic,
                                    int32_t index)
{
    struct broker *broker = shard->broker;

    return &broker->shards[partition_home(topic->id, index, broker->shard_count)];
}
