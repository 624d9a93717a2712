/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image_tell.c - an image as records: features, nodes, topics, settings, and what is kept. */

#include "meta/image_internal.h"
#include "wire/codec.h"

struct telling {
    const struct image *image;
    image_record_fn *fn;
    void *context;
    struct arena arena; /* For one record. */
};

static int tell(struct telling *t, enum metadata_type type, const void *fields)
{
    int r = t->fn(t->context, metadata_record_encode(&t->arena, type, t->image->levels, fields));

    arena_recycle(&t->arena);
    return r;
}

static int tell_kept(struct telling *t, enum metadata_type type)
{
    struct image_kept_key from = {.type = type, .key = slice_empty()};
    const struct image_kept *kept;
    struct tree_walk walk;
    int r = 0;

    tree_walk_begin(&walk, &t->image->kept, &from);
    while (r == 0 && (kept = tree_walk_next(&walk)) && kept->type == type)
        r = t->fn(t->context, kept->record);
    return r;
}

/* The level of metadata.version comes first: it says how to read the rest. */
static int tell_features(struct telling *t)
{
    int r = 0;

    for (int id = 0; id < FEATURE_COUNT && r == 0; id++) {
        struct feature_level_record record = {.name = slice_text(features[id].name),
                                              .feature_level = t->image->levels[id]};

        if (record.feature_level != 0)
            r = tell(t, METADATA_FEATURE_LEVEL, &record);
    }
    return r ? r : tell_kept(t, METADATA_FEATURE_LEVEL);
}

static int tell_nodes(struct telling *t)
{
    const struct image_broker *broker;
    const struct image_controller *controller;
    struct tree_walk walk;
    int r = 0;

    tree_walk_begin(&walk, &t->image->brokers, NULL);
    while (r == 0 && (broker = tree_walk_next(&walk)))
        r = tell(t, METADATA_REGISTER_BROKER, &broker->record);
    tree_walk_begin(&walk, &t->image->controllers, NULL);
    while (r == 0 && (controller = tree_walk_next(&walk)))
        r = tell(t, METADATA_REGISTER_CONTROLLER, &controller->record);
    return r;
}

static int tell_partition(struct telling *t, const struct image_topic *topic, int32_t index)
{
    const struct image_partition *p = &topic->partitions[index];
    const struct image_replicas *lists = p->replicas;
    struct partition_record record = partition_record_defaults;

    record.partition_id = index;
    record.topic_id = topic->id;
    record.replicas = lists->replicas.ids;
    record.replicas_count = lists->replicas.count;
    record.isr = lists->isr.ids;
    record.isr_count = lists->isr.count;
    record.removing_replicas = lists->removing.ids;
    record.removing_replicas_count = lists->removing.count;
    record.adding_replicas = lists->adding.ids;
    record.adding_replicas_count = lists->adding.count;
    record.leader = p->leader;
    record.leader_recovery_state = p->recovery;
    record.leader_epoch = p->leader_epoch;
    record.partition_epoch = p->partition_epoch;
    record.directories = lists->directories;
    record.directories_count = lists->directory_count;
    if (lists->elr.count > 0) {
        record.eligible_leader_replicas = lists->elr.ids;
        record.eligible_leader_replicas_count = lists->elr.count;
    }
    if (lists->last_elr.count > 0) {
        record.last_known_elr = lists->last_elr.ids;
        record.last_known_elr_count = lists->last_elr.count;
    }
    return tell(t, METADATA_PARTITION, &record);
}

static int tell_topics(struct telling *t)
{
    const struct image_topic *topic;
    struct tree_walk walk;
    int r = 0;

    image_walk_begin(&walk, t->image, slice_null());
    while (r == 0 && (topic = image_walk_next(&walk))) {
        struct topic_record record = {.name = slice_text(topic->name), .topic_id = topic->id};

        r = tell(t, METADATA_TOPIC, &record);
        for (int32_t i = 0; i < topic->partition_count && r == 0; i++)
            r = tell_partition(t, topic, i);
    }
    return r;
}

static int tell_settings(struct telling *t, int8_t type, const char *name,
                         const struct image_configs *configs)
{
    int r = 0;

    for (size_t i = 0; i < configs->count && r == 0; i++) {
        struct config_record record = {.resource_type = type,
                                       .resource_name = slice_text(name),
                                       .name = slice_text(configs->items[i].name),
                                       .value = slice_text(configs->items[i].value)};

        r = tell(t, METADATA_CONFIG, &record);
    }
    return r;
}

static int tell_configs(struct telling *t)
{
    const struct image_topic *topic;
    const struct image_resource *resource;
    struct tree_walk walk;
    int r = 0;

    image_walk_begin(&walk, t->image, slice_null());
    while (r == 0 && (topic = image_walk_next(&walk)))
        r = tell_settings(t, IMAGE_RESOURCE_TOPIC, topic->name, &topic->configs);
    tree_walk_begin(&walk, &t->image->resources, NULL);
    while (r == 0 && (resource = tree_walk_next(&walk)))
        r = tell_settings(t, resource->type, resource->name, &resource->configs);
    return r;
}

static int tell_producer_ids(struct telling *t)
{
    struct producer_ids_record record = producer_ids_record_defaults;

    if (t->image->next_producer_id == 0)
        return 0;
    record.broker_id = -1; /* Who had the last block is not part of the image. */
    record.next_producer_id = t->image->next_producer_id;
    return tell(t, METADATA_PRODUCER_IDS, &record);
}

int image_tell(const struct image *image, image_record_fn *fn, void *context)
{
    struct telling t = {.image = image, .fn = fn, .context = context};
    int r;

    arena_init(&t.arena, NULL);
    r = tell_features(&t);
    r = r ? r : tell_nodes(&t);
    r = r ? r : tell_topics(&t);
    r = r ? r : tell_configs(&t);
    r = r ? r : tell_kept(&t, METADATA_CLIENT_QUOTA);
    r = r ? r : tell_producer_ids(&t);
    r = r ? r : tell_kept(&t, METADATA_ACL);
    r = r ? r : tell_kept(&t, METADATA_SCRAM_CREDENTIAL);
    r = r ? r : tell_kept(&t, METADATA_DELEGATION_TOKEN);
    arena_reset(&t.arena);
    return r;
}
