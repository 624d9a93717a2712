/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller_partitions.c - who is in sync with a partition's leader (KIP-497).
 *
 * AlterPartition is a compare-and-set: the leader names the epochs that it knows.  While a
 * partition has one replica, which is in sync with itself, nothing can change; what is asked for
 * is checked all the same, and answered with what is so.
 */

#include "control/controller_frames.h"
#include "control/controller_internal.h"
#include "wire/errors.h"
#include "wire/msg/alter_partition.h"

enum { VERSION_EPOCHS = 3 }; /* From here on replicas are named with their epochs. */

/* The replica at `i` of those that are to be in sync. */
static int32_t wanted_id(const struct alter_partition_request_partition_data *wanted,
                         int16_t version, int32_t i)
{
    return version >= VERSION_EPOCHS ? wanted->new_isr_with_epochs[i].broker_id
                                     : wanted->new_isr[i];
}

static bool is_isr(const struct alter_partition_request_partition_data *wanted, int16_t version,
                   const struct image_ids *isr)
{
    int32_t count =
        version >= VERSION_EPOCHS ? wanted->new_isr_with_epochs_count : wanted->new_isr_count;

    for (int32_t i = 0; i < count; i++)
        if (i >= isr->count || wanted_id(wanted, version, i) != isr->ids[i])
            return false;
    return count == isr->count;
}

static int32_t *copy_ids(struct arena *arena, const struct image_ids *list)
{
    size_t size = (size_t)list->count * sizeof(*list->ids);
    int32_t *copy = arena_new(arena, size + 1);

    if (size > 0)
        memcpy(copy, list->ids, size);
    return copy;
}

static int16_t check(const struct alter_partition_request_partition_data *wanted, int16_t version,
                     const struct image_partition *p, int32_t broker_id)
{
    if (p->leader != broker_id)
        return ERROR_INVALID_REQUEST;
    if (wanted->leader_epoch < p->leader_epoch)
        return ERROR_FENCED_LEADER_EPOCH;
    if (wanted->leader_epoch > p->leader_epoch || wanted->partition_epoch > p->partition_epoch)
        return ERROR_NOT_CONTROLLER; /* It knows more than we do: we lead no more. */
    if (wanted->partition_epoch < p->partition_epoch)
        return ERROR_INVALID_UPDATE_VERSION;
    if (!is_isr(wanted, version, &p->replicas->isr))
        return ERROR_INVALID_REQUEST;
    return ERROR_NONE;
}

/* What is answered is in the frame's memory: it outlives the batch. */
static void alter(struct controller *c, struct control_frame *frame,
                  const struct alter_partition_request *request,
                  const struct alter_partition_request_topic_data *from,
                  struct alter_partition_response_topic_data *to)
{
    const struct image *image = image_edit_image(c->edit);
    const struct image_topic *topic = frame->version >= 2
                                          ? image_find_topic_by_id(image, from->topic_id)
                                          : image_find_topic(image, from->topic_name);
    size_t count = (size_t)max_of(from->partitions_count, 0);

    to->topic_name = from->topic_name;
    to->topic_id = from->topic_id;
    to->partitions = arena_new(&frame->arena, (count + 1) * sizeof(*to->partitions));
    to->partitions_count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        const struct alter_partition_request_partition_data *wanted = &from->partitions[i];
        struct alter_partition_response_partition_data *out = &to->partitions[i];
        const struct image_partition *p;

        *out = (struct alter_partition_response_partition_data){.partition_index =
                                                                    wanted->partition_index};
        if (!topic || wanted->partition_index < 0 ||
            wanted->partition_index >= topic->partition_count) {
            out->error_code = !topic && frame->version >= 2 ? ERROR_UNKNOWN_TOPIC_ID
                                                            : ERROR_UNKNOWN_TOPIC_OR_PARTITION;
            continue;
        }
        p = &topic->partitions[wanted->partition_index];
        out->error_code = check(wanted, frame->version, p, request->broker_id);
        if (out->error_code != ERROR_NONE)
            continue;
        out->leader_id = p->leader;
        out->leader_epoch = p->leader_epoch;
        out->isr = copy_ids(&frame->arena, &p->replicas->isr);
        out->isr_count = p->replicas->isr.count;
        out->partition_epoch = p->partition_epoch;
    }
}

void controller_serve_alter_partition(struct controller *c, struct control_frame *frame,
                                      const void *request, void *response)
{
    const struct alter_partition_request *from = request;
    struct alter_partition_response *answer = response;
    const struct image_broker *broker =
        image_find_broker(image_edit_image(c->edit), from->broker_id);
    size_t count = (size_t)max_of(from->topics_count, 0);

    if (!broker || broker->record.broker_epoch != from->broker_epoch) {
        answer->error_code = ERROR_STALE_BROKER_EPOCH;
        return;
    }
    answer->topics = arena_new(&frame->arena, (count + 1) * sizeof(*answer->topics));
    answer->topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        alter(c, frame, from, &from->topics[i], &answer->topics[i]);
}
