/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_alter_replica_log_dirs.c - partitions that are to be in another folder of data
 * (KIP-113).
 *
 * A partition that is there already is well.  Moving one while it is used is not served: that is
 * refused, and an operator moves its folder while the broker is stopped (broker/dirs.h).
 */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/alter_replica_log_dirs.h"

#include <stdio.h>

DIAG_MODULE("broker");

/* Kafka's name of the folder of a copy: `-3.<32 digits>-future` comes behind the topic's. */
enum {
    NAME_MAX_SIZE = 255,
    MARK_SIZE = 32,
    SUFFIX_SIZE = sizeof("-.-future") - 1,
    DIGITS_MAX = 11
};

static bool is_too_long(struct slice topic, int32_t partition)
{
    char digits[DIGITS_MAX + 1];
    int size = snprintf(digits, sizeof(digits), "%d", partition);

    return topic.size + (size_t)size + MARK_SIZE + SUFFIX_SIZE > NAME_MAX_SIZE;
}

static int16_t decide(struct request *request, int to, const struct image_topic *topic,
                      int32_t partition)
{
    const struct broker *broker = request->shard->broker;
    int at;

    if (!topic || partition < 0 || partition >= topic->partition_count)
        return ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    at = dirs_place(broker, topic, partition);
    if (at < 0)
        return ERROR_KAFKA_STORAGE_ERROR;
    if (at == to)
        return ERROR_NONE;
    diag_warn(broker->diag,
              "a partition that is in use is not moved to another data folder; stop the broker, "
              "move the partition's folder, and start it again",
              kv("topic", topic->name), kv("partition", partition),
              kv("from", broker->dirs.items[at].path), kv("to", broker->dirs.items[to].path));
    return ERROR_INVALID_REQUEST;
}

static int16_t check(struct request *request, struct slice path, struct slice name,
                     int32_t partition)
{
    const struct broker *broker = request->shard->broker;
    int to = dirs_find(&broker->dirs, path);

    if (is_too_long(name, partition))
        return ERROR_INVALID_TOPIC_EXCEPTION;
    if (to < 0)
        return ERROR_LOG_DIR_NOT_FOUND;
    if (!dirs_is_online(&broker->dirs.items[to]))
        return ERROR_KAFKA_STORAGE_ERROR;
    return decide(request, to, image_find_topic(request->image, name), partition);
}

static void answer_topic(struct request *request, struct slice path,
                         const struct alter_replica_log_dirs_alter_replica_log_dir_topic *from,
                         struct alter_replica_log_dirs_alter_replica_log_dir_topic_result *out)
{
    size_t count = (size_t)max_of(from->partitions_count, 0);

    out->topic_name = from->name;
    out->partitions = request_new(request, (count + 1) * sizeof(*out->partitions));
    out->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        out->partitions[i].partition_index = from->partitions[i];
        out->partitions[i].error_code = check(request, path, from->name, from->partitions[i]);
    }
}

void handle_alter_replica_log_dirs(struct request *request)
{
    const struct alter_replica_log_dirs_request *body = request->body;
    struct alter_replica_log_dirs_response response;
    size_t count = 0;

    codec_defaults(&alter_replica_log_dirs_response_message, &response);
    for (int32_t i = 0; i < body->dirs_count; i++)
        count += (size_t)max_of(body->dirs[i].topics_count, 0);
    response.results = request_new(request, (count + 1) * sizeof(*response.results));
    for (int32_t i = 0; i < body->dirs_count; i++)
        for (int32_t k = 0; k < body->dirs[i].topics_count; k++)
            if (body->dirs[i].topics[k].partitions_count > 0)
                answer_topic(request, body->dirs[i].path, &body->dirs[i].topics[k],
                             &response.results[response.results_count++]);
    request_answer(request, &response);
}
