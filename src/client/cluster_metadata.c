/* SPDX-License-Identifier: Apache-2.0 */

/* client/cluster_metadata.c - what the cluster has told about its nodes and topics. */

#include "base/hash.h"
#include "base/mem.h"
#include "client/cluster_internal.h"
#include "wire/errors.h"

#include <string.h>

DIAG_MODULE("client");

/* --- nodes ------------------------------------------------------------------- */

struct cluster_node *metadata_add_node(struct list *list, int32_t id, struct slice host,
                                       uint16_t port)
{
    struct cluster_node *node = mem_new(sizeof(*node));

    node->id = id;
    node->host = mem_copy_text(host.data, host.size);
    node->port = port;
    list_push(list, &node->node_in);
    return node;
}

void metadata_free_node(struct cluster_node *node)
{
    list_remove(&node->node_in);
    mem_free(node->host);
    mem_free(node);
}

/* The bootstrap connection that is one to this very address: its text, or the numeric
 * address that it is connected to. */
static struct cluster_node *same_address(struct cluster *cluster, const struct cluster_node *node)
{
    list_each (n, &cluster->bootstrap) {
        struct cluster_node *other = container_of(n, struct cluster_node, node_in);
        const struct link *link = other->links[0];
        const char *peer;

        if (!link || link->state != LINK_READY || other->port != node->port)
            continue;
        peer = link->connection.peer.host;
        if (strcmp(other->host, node->host) == 0 || strcmp(peer, node->host) == 0)
            return other;
        if (strcmp(node->host, "localhost") == 0 &&
            (strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0))
            return other;
    }
    return NULL;
}

/* A broker that is new to us may be one that we already talk to. */
static void adopt_link(struct cluster *cluster, struct cluster_node *node)
{
    struct cluster_node *other = same_address(cluster, node);

    if (!other)
        return;
    for (int i = 0; i < CLUSTER_LANES; i++) {
        node->links[i] = take(other->links[i]);
        if (node->links[i])
            node->links[i]->node = node;
    }
}

static struct cluster_node *find_node(struct cluster *cluster, int32_t id)
{
    list_each (n, &cluster->nodes) {
        struct cluster_node *node = container_of(n, struct cluster_node, node_in);

        if (node->id == id)
            return node;
    }
    return NULL;
}

static void close_links(struct cluster_node *node, const char *why)
{
    for (int i = 0; i < CLUSTER_LANES; i++)
        if (node->links[i])
            link_close(node->links[i], why);
}

static void apply_node(struct cluster *cluster, const struct metadata_response_broker *broker)
{
    struct cluster_node *node = find_node(cluster, broker->node_id);
    uint16_t port = (uint16_t)broker->port;

    if (!node) {
        node = metadata_add_node(&cluster->nodes, broker->node_id, broker->host, port);
        adopt_link(cluster, node);
    }
    node->is_gone = false;
    if (slice_is_text(broker->host, node->host) && node->port == port)
        return;
    mem_free(node->host);
    node->host = mem_copy_text(broker->host.data, broker->host.size);
    node->port = port;
    close_links(node, "the broker has another address now");
}

static void apply_nodes(struct cluster *cluster, const struct metadata_response *response)
{
    list_each (n, &cluster->nodes)
        container_of(n, struct cluster_node, node_in)->is_gone = true;
    for (int32_t i = 0; i < response->brokers_count; i++)
        apply_node(cluster, &response->brokers[i]);
    list_each (n, &cluster->nodes) {
        struct cluster_node *node = container_of(n, struct cluster_node, node_in);

        if (node->is_gone)
            close_links(node, "the broker has left the cluster");
    }
}

/* --- topics ------------------------------------------------------------------ */

struct cluster_topic *cluster_find_topic(struct cluster *cluster, struct slice name)
{
    uint64_t hash = hash_slice(name, 0);

    for (struct map_node *n = map_find(&cluster->topics, hash); n; n = map_find_next(n)) {
        struct cluster_topic *topic = container_of(n, struct cluster_topic, by_name);

        if (slice_is_text(name, topic->name))
            return topic;
    }
    return NULL;
}

struct cluster_topic *cluster_want_topic(struct cluster *cluster, struct slice name)
{
    struct cluster_topic *topic = cluster_find_topic(cluster, name);

    if (topic)
        return topic;
    topic = mem_new(sizeof(*topic));
    topic->name = mem_copy_text(name.data, name.size);
    map_put(&cluster->topics, &topic->by_name, hash_slice(name, 0));
    metadata_wanted(cluster);
    return topic;
}

/* Sets a partition, unless the answer is older than what we know. */
static void apply_partition(struct cluster_topic *topic, bool is_same_topic,
                            const struct metadata_response_partition *from)
{
    struct cluster_partition *to;

    if (from->partition_index < 0 || from->partition_index >= topic->count)
        return;
    to = &topic->partitions[from->partition_index];
    if (is_same_topic && from->leader_epoch >= 0 && from->leader_epoch < to->leader_epoch)
        return;
    to->leader = from->leader_id;
    to->leader_epoch = from->leader_epoch;
    to->error = from->error_code;
}

static void apply_topic(struct cluster *cluster, const struct metadata_response_topic *from)
{
    struct cluster_topic *topic =
        slice_is_null(from->name) ? NULL : cluster_find_topic(cluster, from->name);
    bool is_same_topic;
    int32_t count;

    if (!topic)
        return;
    topic->is_answered = true;
    topic->error = from->error_code;
    if (from->error_code != ERROR_NONE)
        return;
    is_same_topic = uuid_equal(topic->id, from->topic_id);
    topic->id = from->topic_id;
    count = from->partitions_count;
    if (count > topic->count || !is_same_topic) {
        topic->partitions =
            mem_resize(topic->partitions, (size_t)max_of(count, 1), sizeof(*topic->partitions));
        for (int32_t i = is_same_topic ? topic->count : 0; i < count; i++)
            topic->partitions[i] = (struct cluster_partition){.leader = -1, .leader_epoch = -1};
        topic->count = count;
    }
    for (int32_t i = 0; i < count; i++)
        apply_partition(topic, is_same_topic, &from->partitions[i]);
}

void metadata_apply(struct cluster *cluster, const struct metadata_response *response)
{
    if (response->brokers_count > 0)
        apply_nodes(cluster, response);
    cluster->controller = response->controller_id;
    if (!cluster->cluster_id && !slice_is_null(response->cluster_id))
        cluster->cluster_id = mem_copy_text(response->cluster_id.data, response->cluster_id.size);
    for (int32_t i = 0; i < response->topics_count; i++) {
        const struct metadata_response_topic *topic = &response->topics[i];

        if (topic->error_code != ERROR_NONE)
            diag_warn(cluster->settings.diag, "metadata of a topic has an error",
                      kv("topic", topic->name), kv("error", error_name(topic->error_code)));
        apply_topic(cluster, topic);
    }
}

bool metadata_is_unsettled(const struct cluster *cluster)
{
    map_each (n, &cluster->topics) {
        const struct cluster_topic *topic = container_of(n, struct cluster_topic, by_name);

        if (!topic->is_answered || (topic->error && error_is_retriable(topic->error)))
            return true;
        for (int32_t i = 0; i < topic->count; i++)
            if (topic->partitions[i].leader < 0)
                return true;
    }
    return false;
}

void metadata_fini(struct cluster *cluster)
{
    struct map_node *n;
    struct list_node *node;

    while ((n = map_pop(&cluster->topics))) {
        struct cluster_topic *topic = container_of(n, struct cluster_topic, by_name);

        mem_free(topic->partitions);
        mem_free(topic->name);
        mem_free(topic);
    }
    map_fini(&cluster->topics);
    while ((node = list_first(&cluster->nodes)))
        metadata_free_node(container_of(node, struct cluster_node, node_in));
    while ((node = list_first(&cluster->bootstrap)))
        metadata_free_node(container_of(node, struct cluster_node, node_in));
    mem_free(cluster->cluster_id);
}
