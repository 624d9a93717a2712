/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image_edit.c - from one image to the next, record by record.
 *
 * An edit works on maps of its own, which begin as copies, and copies a topic the first time
 * it changes it.  While a metadata transaction is open the image of before is kept beside it.
 */

#include "base/err.h"
#include "base/mem.h"
#include "meta/image_internal.h"
#include "wire/codec.h"

#include <stdatomic.h>

/* --- topics ----------------------------------------------------------------- */

static bool is_folded(struct slice name)
{
    return memchr(name.data, '.', name.size) || memchr(name.data, '_', name.size);
}

/* Puts the topic into the maps, of which each has a reference; takes over the caller's. */
static void topic_put(struct image *image, struct image_topic *topic)
{
    struct slice name = slice_text(topic->name);

    image_topic_ref(topic);
    tree_put(&image->topics, &name, topic);
    if (is_folded(name)) {
        image_topic_ref(topic);
        tree_put(&image->by_folded, &name, topic);
    }
    tree_put(&image->by_id, &topic->id, topic);
}

static int topic_add(struct image_edit *edit, const struct topic_record *record)
{
    struct image *image = edit->image;
    struct image_topic *topic;

    if (memchr(record->name.data, 0, record->name.size))
        return IMAGE_E_MALFORMED; /* No name: it would end early. */
    if (image_find_topic(image, record->name) || image_find_topic_by_id(image, record->topic_id))
        return IMAGE_E_INCONSISTENT;
    topic = mem_new(sizeof(*topic));
    atomic_init(&topic->refs, 1);
    topic->name = mem_copy_text(record->name.data, record->name.size);
    topic->id = record->topic_id;
    topic->generation = image->generation;
    topic_put(image, topic);
    return 0;
}

static int topic_remove(struct image_edit *edit, struct uuid id)
{
    struct image *image = edit->image;
    struct image_topic *topic = tree_find(&image->by_id, &id);
    struct slice name;

    if (!topic)
        return IMAGE_E_INCONSISTENT;
    name = slice_text(topic->name);
    image_topic_ref(topic); /* Its name is needed to the end. */
    tree_remove(&image->topics, &name);
    if (tree_find(&image->by_folded, &name) == topic)
        tree_remove(&image->by_folded, &name);
    tree_remove(&image->by_id, &id);
    image_topic_unref(topic);
    return 0;
}

/* Room for partitions: twice the largest power of two that is in `count`, so that it
 * has to grow only when `count` becomes a power of two. */
static size_t partition_room(size_t count)
{
    size_t room = 2;

    while (room <= count)
        room *= 2;
    return room;
}

static struct image_topic *topic_copy(const struct image_topic *topic)
{
    struct image_topic *copy = mem_new(sizeof(*copy));
    size_t count = (size_t)topic->partition_count;

    atomic_init(&copy->refs, 1);
    copy->name = mem_copy_text(topic->name, strlen(topic->name));
    copy->id = topic->id;
    copy->partition_count = topic->partition_count;
    copy->partitions = mem_new_array(partition_room(count), sizeof(*copy->partitions));
    for (size_t i = 0; i < count; i++) {
        copy->partitions[i] = topic->partitions[i];
        (void)image_replicas_ref(copy->partitions[i].replicas);
    }
    copy->configs = image_configs_copy(&topic->configs);
    return copy;
}

/* The topic with this id as a value that may be changed, or NULL. */
static struct image_topic *topic_change(struct image_edit *edit, struct uuid id)
{
    struct image *image = edit->image;
    struct image_topic *topic = tree_find(&image->by_id, &id);

    if (!topic || topic->generation == image->generation)
        return topic;
    topic = topic_copy(topic);
    topic->generation = image->generation;
    topic_put(image, topic);
    return topic;
}

/* The lists of `record`, over those there are where it says nothing. */
static struct image_replicas lists_of(const struct partition_change_record *record,
                                      const struct image_replicas *before)
{
    struct image_replicas lists = *before;
    const struct {
        int32_t *ids;
        int32_t count;
        struct image_ids *to;
    } changes[] = {
        {record->replicas, record->replicas_count, &lists.replicas},
        {record->isr, record->isr_count, &lists.isr},
        {record->removing_replicas, record->removing_replicas_count, &lists.removing},
        {record->adding_replicas, record->adding_replicas_count, &lists.adding},
        {record->eligible_leader_replicas, record->eligible_leader_replicas_count, &lists.elr},
        {record->last_known_elr, record->last_known_elr_count, &lists.last_elr},
    };

    for (size_t i = 0; i < COUNT_OF(changes); i++)
        if (changes[i].count >= 0)
            *changes[i].to = (struct image_ids){.ids = changes[i].ids, .count = changes[i].count};
    if (record->directories_count >= 0) {
        lists.directories = record->directories;
        lists.directory_count = record->directories_count;
    }
    return lists;
}

/* Gives the partition these lists: those of its neighbour, if they are the same. */
static void replicas_set(struct image_topic *topic, int32_t index,
                         const struct image_replicas *lists)
{
    struct image_partition *p = &topic->partitions[index];
    struct image_replicas *near = index > 0 ? topic->partitions[index - 1].replicas : NULL;
    struct image_replicas *before = p->replicas;

    p->replicas = near && image_replicas_equal(near, lists) ? image_replicas_ref(near)
                                                            : image_replicas_create(lists);
    image_replicas_unref(before);
}

static struct image_ids ids_of(int32_t *ids, int32_t count)
{
    return (struct image_ids){.ids = ids, .count = max_of(count, 0)};
}

/* Partitions are numbered from 0 without holes, so records come in order. */
static int partition_set(struct image_edit *edit, const struct partition_record *record)
{
    struct image_topic *topic = topic_change(edit, record->topic_id);
    struct image_replicas lists = {
        .replicas = ids_of(record->replicas, record->replicas_count),
        .isr = ids_of(record->isr, record->isr_count),
        .removing = ids_of(record->removing_replicas, record->removing_replicas_count),
        .adding = ids_of(record->adding_replicas, record->adding_replicas_count),
        .elr = ids_of(record->eligible_leader_replicas, record->eligible_leader_replicas_count),
        .last_elr = ids_of(record->last_known_elr, record->last_known_elr_count),
        .directories = record->directories,
        .directory_count = max_of(record->directories_count, 0),
    };
    struct image_partition *p;

    if (!topic || record->partition_id < 0 || record->partition_id > topic->partition_count)
        return IMAGE_E_INCONSISTENT;
    if (record->partition_id == topic->partition_count) {
        size_t count = (size_t)topic->partition_count + 1;

        if ((count & (count - 1)) == 0)
            topic->partitions = mem_resize(topic->partitions, partition_room(count), sizeof(*p));
        topic->partitions[topic->partition_count++].replicas = NULL;
    }
    p = &topic->partitions[record->partition_id];
    p->leader = record->leader;
    p->leader_epoch = record->leader_epoch;
    p->partition_epoch = record->partition_epoch;
    p->recovery = record->leader_recovery_state;
    replicas_set(topic, record->partition_id, &lists);
    return 0;
}

enum { LEADER_UNCHANGED = -2, RECOVERY_UNCHANGED = -1 };

static int partition_change(struct image_edit *edit, const struct partition_change_record *record)
{
    struct image_topic *topic = topic_change(edit, record->topic_id);
    struct image_replicas lists;
    struct image_partition *p;

    if (!topic || record->partition_id < 0 || record->partition_id >= topic->partition_count)
        return IMAGE_E_INCONSISTENT;
    p = &topic->partitions[record->partition_id];
    if (p->partition_epoch == INT32_MAX || p->leader_epoch == INT32_MAX)
        return IMAGE_E_INCONSISTENT;
    if (record->leader != LEADER_UNCHANGED) {
        p->leader = record->leader;
        p->leader_epoch++;
    }
    if (record->leader_recovery_state != RECOVERY_UNCHANGED)
        p->recovery = record->leader_recovery_state;
    p->partition_epoch++;
    lists = lists_of(record, p->replicas);
    replicas_set(topic, record->partition_id, &lists);
    return 0;
}

static void topic_clear_elr(struct image_edit *edit, const struct image_topic *found)
{
    struct image_topic *topic = topic_change(edit, found->id);

    for (int32_t i = 0; i < topic->partition_count; i++) {
        struct image_replicas lists = *topic->partitions[i].replicas;

        if (lists.elr.count == 0 && lists.last_elr.count == 0)
            continue;
        lists.elr = lists.last_elr = (struct image_ids){.count = 0};
        replicas_set(topic, i, &lists);
    }
}

/* Of one topic, or of all if there is no name. */
static int elr_clear(struct image_edit *edit, struct slice name)
{
    const struct image_topic *topic = image_find_topic(edit->image, name);
    scoped(image_unrefp) struct image *before = NULL;
    struct tree_walk walk;

    if (topic)
        topic_clear_elr(edit, topic);
    if (name.size > 0)
        return topic ? 0 : IMAGE_E_INCONSISTENT;
    before = image_next(edit->image); /* What is walked must not change. */
    image_walk_begin(&walk, before, slice_null());
    while ((topic = image_walk_next(&walk)))
        topic_clear_elr(edit, topic);
    return 0;
}

/* --- settings --------------------------------------------------------------- */

static struct image_configs *resource_change(struct image_edit *edit, int8_t type,
                                             struct slice name)
{
    struct image_resource_key key = {.type = type, .name = name};
    struct tree *resources = &edit->image->resources;
    const struct image_resource *before = tree_find(resources, &key);
    struct image_resource *resource = mem_new(sizeof(*resource));

    atomic_init(&resource->refs, 1);
    resource->type = type;
    resource->name = mem_copy_text(name.data, name.size);
    if (before)
        resource->configs = image_configs_copy(&before->configs);
    tree_put(resources, &key, resource);
    return &resource->configs;
}

static int config_apply(struct image_edit *edit, const struct config_record *record)
{
    const struct image_topic *found;
    struct image_topic *topic;

    if (record->resource_type != IMAGE_RESOURCE_TOPIC) {
        image_configs_set(resource_change(edit, record->resource_type, record->resource_name),
                          record->name, record->value);
        return 0;
    }
    found = image_find_topic(edit->image, record->resource_name);
    topic = found ? topic_change(edit, found->id) : NULL;
    if (!topic)
        return IMAGE_E_INCONSISTENT;
    image_configs_set(&topic->configs, record->name, record->value);
    return 0;
}

/* --- features, producers and transactions ----------------------------------- */

/* A level that we do not know has records behind it that we do not know. */
static int level_set(struct image_edit *edit, const struct feature_level_record *record,
                     struct slice bytes)
{
    enum feature_id id = feature_find(record->name);

    if (id == FEATURE_COUNT)
        return image_kept_apply(edit->image, METADATA_FEATURE_LEVEL, record, bytes);
    if (record->feature_level > features[id].max)
        return IMAGE_E_UNKNOWN_RECORD;
    edit->image->levels[id] = record->feature_level;
    return 0;
}

static int transaction_begin(struct image_edit *edit)
{
    if (edit->before)
        return IMAGE_E_INCONSISTENT;
    edit->before = edit->image;
    edit->image = image_next(edit->before);
    return 0;
}

static int transaction_end(struct image_edit *edit)
{
    if (!edit->before)
        return IMAGE_E_INCONSISTENT;
    edit->before = image_unref(edit->before);
    return 0;
}

static int transaction_abort(struct image_edit *edit)
{
    if (!edit->before)
        return IMAGE_E_INCONSISTENT;
    image_unref(edit->image);
    edit->image = take(edit->before);
    return 0;
}

/* --- records ---------------------------------------------------------------- */

static int apply_topic(struct image_edit *edit, enum metadata_type type,
                       const union image_record *record)
{
    switch ((int)type) {
    case METADATA_TOPIC: return topic_add(edit, &record->topic);
    case METADATA_PARTITION: return partition_set(edit, &record->partition);
    case METADATA_PARTITION_CHANGE: return partition_change(edit, &record->partition_change);
    case METADATA_REMOVE_TOPIC: return topic_remove(edit, record->remove_topic.topic_id);
    default: return elr_clear(edit, record->clear_elr.topic_name);
    }
}

static int apply(struct image_edit *edit, enum metadata_type type, const union image_record *record,
                 struct slice bytes)
{
    switch ((int)type) {
    case METADATA_CONFIG: return config_apply(edit, &record->config);
    case METADATA_FEATURE_LEVEL: return level_set(edit, &record->feature, bytes);
    case METADATA_PRODUCER_IDS:
        edit->image->next_producer_id = record->producer_ids.next_producer_id;
        return 0;
    case METADATA_BEGIN_TRANSACTION: return transaction_begin(edit);
    case METADATA_END_TRANSACTION: return transaction_end(edit);
    case METADATA_ABORT_TRANSACTION: return transaction_abort(edit);
    case METADATA_TOPIC:
    case METADATA_PARTITION:
    case METADATA_PARTITION_CHANGE:
    case METADATA_REMOVE_TOPIC:
    case METADATA_CLEAR_ELR: return apply_topic(edit, type, record);
    default: return image_nodes_apply(edit->image, type, record);
    }
}

static int apply_parsed(struct image_edit *edit, const struct metadata_record *parsed,
                        struct slice bytes)
{
    union image_record record;

    assert(parsed->message->struct_size <= sizeof(record));
    if (codec_decode_all(parsed->message, parsed->version, parsed->body, &edit->arena, &record))
        return IMAGE_E_MALFORMED;
    switch (parsed->fate) {
    case METADATA_APPLIED: return apply(edit, parsed->type, &record, bytes);
    case METADATA_KEPT:
    case METADATA_REMOVES: return image_kept_apply(edit->image, parsed->type, &record, bytes);
    case METADATA_PASSED: break;
    }
    return 0;
}

int image_edit_apply(struct image_edit *edit, int64_t offset, struct slice record)
{
    struct metadata_record parsed;
    int number;
    int r;

    switch ((enum metadata_record_outcome)metadata_record_parse(record, &parsed, &number)) {
    case METADATA_RECORD_E_MALFORMED: return IMAGE_E_MALFORMED;
    case METADATA_RECORD_E_UNKNOWN: return IMAGE_E_UNKNOWN_RECORD;
    }
    r = apply_parsed(edit, &parsed, record);
    arena_recycle(&edit->arena);
    if (r == 0)
        edit->image->offset = offset;
    return r;
}

/* --- edits ------------------------------------------------------------------ */

struct image_edit *image_edit_create(struct image *base)
{
    struct image_edit *edit = mem_new(sizeof(*edit));

    edit->image = image_next(base);
    arena_init(&edit->arena, NULL);
    return edit;
}

const struct image *image_edit_image(const struct image_edit *edit)
{
    return edit->image;
}

bool image_edit_is_open(const struct image_edit *edit)
{
    return edit->before != NULL;
}

struct image *image_edit_finish(struct image_edit *edit)
{
    struct image *image = take(edit->image);

    assert(!edit->before);
    image_edit_destroy(edit);
    return image;
}

struct image_edit *image_edit_destroy(struct image_edit *edit)
{
    if (!edit)
        return NULL;
    arena_reset(&edit->arena);
    image_unref(edit->image);
    image_unref(edit->before);
    mem_free(edit);
    return NULL;
}
