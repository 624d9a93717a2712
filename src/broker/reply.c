/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/reply.h"

#include "broker/session.h"

enum { IPV6_GROUPS = 8 };

static const struct broker_listener *listener_of(const struct request *request)
{
    return request->session ? request->session->listener : &request->shard->broker->listeners[0];
}

struct slice reply_host(const struct request *request)
{
    return slice_text(listener_of(request)->advertised_host);
}

int32_t reply_port(const struct request *request)
{
    return listener_of(request)->advertised_port;
}

struct slice reply_cluster_id(const struct request *request)
{
    return slice_text(log_dir_cluster_id(request->shard->broker->dirs.items[0].dir));
}

/* The groups of one side of the `::`, as numbers. */
static size_t read_groups(const char *text, size_t size, unsigned *out)
{
    size_t count = 0;
    unsigned value = 0;

    for (size_t i = 0; i <= size && size > 0; i++) {
        char c = i < size ? text[i] : ':';

        if (c == ':') {
            if (count < IPV6_GROUPS)
                out[count++] = value;
            value = 0;
        } else {
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        }
    }
    return count;
}

static char *print_ipv6(struct request *request, const char *host)
{
    unsigned groups[IPV6_GROUPS] = {0}, tail[IPV6_GROUPS] = {0};
    const char *gap = strstr(host, "::");
    size_t size = strcspn(host, "%");
    size_t count;

    if (gap) {
        (void)read_groups(host, (size_t)(gap - host), groups);
        count = read_groups(gap + 2, size - (size_t)(gap + 2 - host), tail);
        for (size_t i = 0; i < count; i++)
            groups[IPV6_GROUPS - count + i] = tail[i];
    } else {
        (void)read_groups(host, size, groups);
    }
    return arena_printf(&request->arena, "/%x:%x:%x:%x:%x:%x:%x:%x", groups[0], groups[1],
                        groups[2], groups[3], groups[4], groups[5], groups[6], groups[7]);
}

struct slice reply_client_host(struct request *request)
{
    const char *host = request->session ? request->session->connection.peer.host : "";

    if (strchr(host, ':') && !strchr(host, '.'))
        return slice_text(print_ipv6(request, host));
    /* An IPv4 address, maybe as the end of an IPv6 one. */
    host = strrchr(host, ':') ? strrchr(host, ':') + 1 : host;
    return slice_text(arena_printf(&request->arena, "/%s", host));
}

const struct image_topic *reply_find_topic(const struct request *request, struct slice name,
                                           struct uuid id, bool by_id)
{
    return by_id ? image_find_topic_by_id(request->image, id)
                 : image_find_topic(request->image, name);
}

const char *reply_name_fault(struct request *request, struct slice name)
{
    char why[CONTROL_WHY_SIZE];

    control_name_fault(name, why);
    return arena_printf(&request->arena, "%s", why);
}

int16_t error_of_control(int outcome)
{
    switch ((enum control_outcome)outcome) {
    case CONTROL_E_EXISTS: return ERROR_TOPIC_ALREADY_EXISTS;
    case CONTROL_E_RESERVED: return ERROR_INVALID_REQUEST;
    case CONTROL_E_NAME:
    case CONTROL_E_COLLIDES: return ERROR_INVALID_TOPIC_EXCEPTION;
    case CONTROL_E_PARTITIONS: return ERROR_INVALID_PARTITIONS;
    case CONTROL_E_FENCED:
    case CONTROL_E_REPLICATION: return ERROR_INVALID_REPLICATION_FACTOR;
    case CONTROL_E_ASSIGNMENT: return ERROR_INVALID_REPLICA_ASSIGNMENT;
    case CONTROL_E_UNKNOWN_TOPIC: return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    case CONTROL_E_UNKNOWN_ID: return ERROR_UNKNOWN_TOPIC_ID;
    case CONTROL_E_STORAGE: return ERROR_KAFKA_STORAGE_ERROR;
    case CONTROL_E_STOPPED: return ERROR_NOT_CONTROLLER;
    }
    return outcome ? ERROR_UNKNOWN_SERVER_ERROR : ERROR_NONE;
}

static int16_t error_of_batch(int outcome)
{
    switch ((enum batch_outcome)outcome) {
    case BATCH_E_MALFORMED:
    case BATCH_E_CRC: return ERROR_CORRUPT_MESSAGE;
    case BATCH_E_SHORT:
    case BATCH_E_MAGIC:
    case BATCH_E_RECORD:
    case BATCH_E_COMPRESSED: return ERROR_INVALID_RECORD;
    case BATCH_E_NO_MEMORY: return ERROR_MESSAGE_TOO_LARGE; /* Producers split the batch. */
    case BATCH_E_TIMESTAMP: return ERROR_INVALID_TIMESTAMP;
    case BATCH_E_CODEC: return ERROR_UNSUPPORTED_COMPRESSION_TYPE;
    }
    return outcome ? ERROR_UNKNOWN_SERVER_ERROR : ERROR_NONE;
}

int16_t error_of_partition(int outcome, int batch_outcome)
{
    switch ((enum partition_outcome)outcome) {
    case PARTITION_E_STORAGE: return ERROR_KAFKA_STORAGE_ERROR;
    case PARTITION_E_MALFORMED: return ERROR_INVALID_RECORD;
    case PARTITION_E_BATCH: return error_of_batch(batch_outcome);
    case PARTITION_E_TOO_LARGE: return ERROR_MESSAGE_TOO_LARGE;
    case PARTITION_E_SEGMENT_SIZE: return ERROR_RECORD_LIST_TOO_LARGE;
    case PARTITION_E_SEQUENCE: return ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    case PARTITION_E_UNKNOWN_PRODUCER: return ERROR_UNKNOWN_PRODUCER_ID;
    case PARTITION_E_DUPLICATE: return ERROR_DUPLICATE_SEQUENCE_NUMBER;
    case PARTITION_E_PRODUCER_EPOCH: return ERROR_INVALID_PRODUCER_EPOCH;
    case PARTITION_E_COORDINATOR: return ERROR_TRANSACTION_COORDINATOR_FENCED;
    case PARTITION_E_TXN_STATE: return ERROR_INVALID_TXN_STATE;
    case PARTITION_E_OUT_OF_RANGE: return ERROR_OFFSET_OUT_OF_RANGE;
    case PARTITION_E_CLOSED: return ERROR_NOT_LEADER_OR_FOLLOWER;
    case PARTITION_E_POLICY: return ERROR_POLICY_VIOLATION;
    case PARTITION_E_CORRUPT: return ERROR_CORRUPT_MESSAGE;
    }
    return outcome ? ERROR_UNKNOWN_SERVER_ERROR : ERROR_NONE;
}

bool topic_is_internal(struct slice name)
{
    return slice_is_text(name, "__consumer_offsets") ||
           slice_is_text(name, "__transaction_state") || slice_is_text(name, "__share_group_state");
}

int16_t error_of_place(const struct shard *shard, const struct request *request,
                       const struct image_topic *topic, int32_t index)
{
    const struct image_topic *known = topic;

    if (shard->image->offset >= request->image->offset)
        known = image_find_topic_by_id(shard->image, topic->id);
    if (!known)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    return known->partitions[index].leader == shard->broker->node_id ? ERROR_NONE
                                                                     : ERROR_NOT_LEADER_OR_FOLLOWER;
}

/* Fills `out` with the broker as the request's listener shows it; false if it does not. */
static bool show_broker(const struct request *request, const struct image_broker *broker,
                        struct reply_broker *out)
{
    const struct register_broker_record *record = &broker->record;

    *out = (struct reply_broker){
        .id = record->broker_id, .rack = record->rack, .is_fenced = record->fenced};
    if (record->broker_id == request->shard->broker->node_id) {
        out->host = reply_host(request); /* There may be several of one name. */
        out->port = reply_port(request);
        return true;
    }
    for (int32_t i = 0; i < record->end_points_count; i++) {
        if (!slice_is_text(record->end_points[i].name, listener_of(request)->name))
            continue;
        out->host = record->end_points[i].host;
        out->port = record->end_points[i].port;
        return true;
    }
    return false;
}

size_t reply_brokers(struct request *request, const struct image *image, bool fenced,
                     struct reply_broker **out)
{
    size_t count = 0;
    const struct image_broker *broker;
    struct tree_walk walk;

    *out = request_new(request, (tree_count(&image->brokers) + 1) * sizeof(**out));
    tree_walk_begin(&walk, &image->brokers, NULL);
    while ((broker = tree_walk_next(&walk)))
        if (fenced || !broker->record.fenced)
            count += show_broker(request, broker, &(*out)[count]);
    return count;
}

bool reply_find_broker(struct request *request, const struct image *image, int32_t id,
                       struct reply_broker *out)
{
    const struct image_broker *broker = image_find_broker(image, id);

    return broker && !broker->record.fenced && show_broker(request, broker, out);
}
