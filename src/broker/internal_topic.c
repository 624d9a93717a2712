/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/internal_topic.h"

#include "broker/broker.h"

/* As Kafka makes it: compacted, in segments of its own size, compressed as it is written. */
static void prepare_groups(struct request *request, struct control_op *op)
{
    const struct settings *settings = &request->shard->settings;
    struct control_config *configs = request_new(request, 3 * sizeof(*configs));

    configs[0] = (struct control_config){slice_text("cleanup.policy"), slice_text("compact")};
    configs[1] = (struct control_config){slice_text("compression.type"), slice_text("producer")};
    configs[2] = (struct control_config){
        slice_text("segment.bytes"),
        slice_text(arena_printf(&request->arena, "%lld",
                                (long long)settings->offsets_topic_segment_bytes))};
    op->kind = CONTROL_CREATE_TOPIC;
    op->name = slice_text(GROUPS_TOPIC);
    op->partitions = (int32_t)settings->offsets_topic_num_partitions;
    op->replication_factor = (int16_t)settings->offsets_topic_replication_factor;
    op->configs = configs;
    op->config_count = 3;
}

bool internal_topic_prepare(struct request *request, struct slice name, struct control_op *op)
{
    if (!slice_is_text(name, GROUPS_TOPIC))
        return false;
    prepare_groups(request, op);
    return true;
}
