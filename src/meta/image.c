/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image.c - images are maps of shared topics.
 *
 * An edit works on maps of its own, which begin as copies, and copies a topic the first time
 * it changes it.
 */

#include "meta/image.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "wire/codec.h"
#include "wire/msg/config_record.h"
#include "wire/msg/feature_level_record.h"
#include "wire/msg/partition_record.h"
#include "wire/msg/producer_ids_record.h"
#include "wire/msg/remove_topic_record.h"
#include "wire/msg/topic_record.h"
#include "wire/varint.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    RECORD_TOPIC = 2,
    RECORD_PARTITION = 3,
    RECORD_CONFIG = 4,
    RECORD_REMOVE_TOPIC = 9,
    RECORD_FEATURE_LEVEL = 12,
    RECORD_PRODUCER_IDS = 15,
    RECORD_TYPE_MAX = 29,
};

struct image_edit {
    struct image *image; /* Owned: not finished, so not shared. */
    struct arena arena;  /* For one record. */
};

/* --- settings --------------------------------------------------------------- */

static void configs_fini(struct image_configs *configs)
{
    for (size_t i = 0; i < configs->count; i++) {
        mem_free(configs->items[i].name);
        mem_free(configs->items[i].value);
    }
    configs->items = mem_free(configs->items);
    configs->count = 0;
}

static struct image_configs configs_copy(const struct image_configs *from)
{
    struct image_configs to = {.count = from->count,
                               .items = mem_new_array(from->count, sizeof(*to.items))};

    for (size_t i = 0; i < from->count; i++) {
        const struct image_config *c = &from->items[i];

        to.items[i] = (struct image_config){
            .name = mem_copy_text(c->name, strlen(c->name)),
            .value = mem_copy_text(c->value, strlen(c->value)),
        };
    }
    return to;
}

static int compare_names(const char *a, struct slice b)
{
    size_t size = strlen(a);
    int order = memcmp(a, b.data, min_of(size, b.size));

    return order ? order : (size > b.size) - (size < b.size);
}

/* Sets `name`, or takes it away if `value` is null. */
static void configs_set(struct image_configs *configs, struct slice name, struct slice value)
{
    size_t at = 0;
    size_t behind;

    while (at < configs->count && compare_names(configs->items[at].name, name) < 0)
        at++;
    if (at < configs->count && compare_names(configs->items[at].name, name) == 0) {
        mem_free(configs->items[at].name);
        mem_free(configs->items[at].value);
        configs->count--;
        memmove(&configs->items[at], &configs->items[at + 1],
                (configs->count - at) * sizeof(*configs->items));
    }
    if (slice_is_null(value))
        return;
    configs->items = mem_resize(configs->items, configs->count + 1, sizeof(*configs->items));
    behind = configs->count++ - at;
    memmove(&configs->items[at + 1], &configs->items[at], behind * sizeof(*configs->items));
    configs->items[at] = (struct image_config){
        .name = mem_copy_text(name.data, name.size),
        .value = mem_copy_text(value.data, value.size),
    };
}

const char *image_configs_get(const struct image_configs *configs, const char *name)
{
    for (size_t i = 0; i < configs->count; i++)
        if (strcmp(configs->items[i].name, name) == 0)
            return configs->items[i].value;
    return NULL;
}

/* --- what the maps hold ----------------------------------------------------- */

static void topic_ref(void *item)
{
    struct image_topic *topic = item;

    atomic_fetch_add_explicit(&topic->refs, 1, memory_order_relaxed);
}

static void topic_unref(void *item)
{
    struct image_topic *topic = item;

    if (atomic_fetch_sub_explicit(&topic->refs, 1, memory_order_acq_rel) != 1)
        return;
    configs_fini(&topic->configs);
    mem_free(topic->partitions);
    mem_free(topic->name);
    mem_free(topic);
}

static int compare_topic_name(const void *item, const void *key)
{
    return compare_names(((const struct image_topic *)item)->name, *(const struct slice *)key);
}

static int compare_topic_id(const void *item, const void *key)
{
    const struct image_topic *topic = item;

    return memcmp(topic->id.bytes, ((const struct uuid *)key)->bytes, sizeof(topic->id.bytes));
}

static uint8_t fold(uint8_t c)
{
    return c == '.' ? '_' : c;
}

static int compare_folded(const void *item, const void *key)
{
    const char *a = ((const struct image_topic *)item)->name;
    const struct slice *b = key;
    size_t size = strlen(a);

    for (size_t i = 0; i < size && i < b->size; i++)
        if (fold((uint8_t)a[i]) != fold(b->data[i]))
            return fold((uint8_t)a[i]) < fold(b->data[i]) ? -1 : 1;
    return (size > b->size) - (size < b->size);
}

static void resource_ref(void *item)
{
    struct image_resource *resource = item;

    atomic_fetch_add_explicit(&resource->refs, 1, memory_order_relaxed);
}

static void resource_unref(void *item)
{
    struct image_resource *resource = item;

    if (atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel) != 1)
        return;
    configs_fini(&resource->configs);
    mem_free(resource->name);
    mem_free(resource);
}

struct resource_key {
    int8_t type;
    struct slice name;
};

static int compare_resource(const void *item, const void *key)
{
    const struct image_resource *resource = item;
    const struct resource_key *wanted = key;

    if (resource->type != wanted->type)
        return resource->type < wanted->type ? -1 : 1;
    return compare_names(resource->name, wanted->name);
}

static const struct tree_class names_class = {
    .compare = compare_topic_name, .ref = topic_ref, .unref = topic_unref};
static const struct tree_class ids_class = {
    .compare = compare_topic_id, .ref = topic_ref, .unref = topic_unref};
static const struct tree_class folded_class = {
    .compare = compare_folded, .ref = topic_ref, .unref = topic_unref};
static const struct tree_class resources_class = {
    .compare = compare_resource, .ref = resource_ref, .unref = resource_unref};

/* --- images ----------------------------------------------------------------- */

struct image *image_create(void)
{
    struct image *image = mem_new(sizeof(*image));

    atomic_init(&image->refs, 1);
    image->offset = -1;
    image->topics = tree_of(&names_class);
    image->by_id = tree_of(&ids_class);
    image->by_folded = tree_of(&folded_class);
    image->resources = tree_of(&resources_class);
    return image;
}

struct image *image_ref(struct image *image)
{
    atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
    return image;
}

struct image *image_unref(struct image *image)
{
    if (!image || atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    tree_fini(&image->topics);
    tree_fini(&image->by_id);
    tree_fini(&image->by_folded);
    tree_fini(&image->resources);
    mem_free(image);
    return NULL;
}

const struct image_topic *image_find_topic(const struct image *image, struct slice name)
{
    return slice_is_null(name) ? NULL : tree_find(&image->topics, &name);
}

const struct image_topic *image_find_topic_by_id(const struct image *image, struct uuid id)
{
    return tree_find(&image->by_id, &id);
}

const struct image_topic *image_find_collision(const struct image *image, struct slice name)
{
    return tree_find(&image->by_folded, &name);
}

size_t image_topic_count(const struct image *image)
{
    return tree_count(&image->topics);
}

void image_walk_begin(struct tree_walk *walk, const struct image *image, struct slice from)
{
    tree_walk_begin(walk, &image->topics, slice_is_null(from) ? NULL : &from);
}

const struct image_topic *image_walk_next(struct tree_walk *walk)
{
    return tree_walk_next(walk);
}

const char *image_topic_config(const struct image_topic *topic, const char *name)
{
    return image_configs_get(&topic->configs, name);
}

const struct image_configs *image_find_configs(const struct image *image, int8_t type,
                                               struct slice name)
{
    struct resource_key key = {.type = type, .name = name};
    const struct image_resource *resource = tree_find(&image->resources, &key);

    return resource ? &resource->configs : NULL;
}

void image_walk_resources(struct tree_walk *walk, const struct image *image)
{
    tree_walk_begin(walk, &image->resources, NULL);
}

const struct image_resource *image_walk_next_resource(struct tree_walk *walk)
{
    return tree_walk_next(walk);
}

/* --- edits ------------------------------------------------------------------ */

struct image_edit *image_edit_create(struct image *base)
{
    struct image_edit *edit = mem_new(sizeof(*edit));
    struct image *image = mem_new(sizeof(*image));

    atomic_init(&image->refs, 1);
    image->offset = base->offset;
    image->topics = tree_copy(&base->topics);
    image->by_id = tree_copy(&base->by_id);
    image->by_folded = tree_copy(&base->by_folded);
    image->resources = tree_copy(&base->resources);
    image->next_producer_id = base->next_producer_id;
    image->metadata_version = base->metadata_version;
    image->generation = base->generation + 1;
    edit->image = image;
    arena_init(&edit->arena, NULL);
    return edit;
}

const struct image *image_edit_image(const struct image_edit *edit)
{
    return edit->image;
}

static bool is_folded(struct slice name)
{
    return memchr(name.data, '.', name.size) || memchr(name.data, '_', name.size);
}

/* Puts the topic into the maps, of which each has a reference; takes over the caller's. */
static void topic_put(struct image *image, struct image_topic *topic)
{
    struct slice name = slice_text(topic->name);

    topic_ref(topic);
    tree_put(&image->topics, &name, topic);
    if (is_folded(name)) {
        topic_ref(topic);
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
    topic_ref(topic); /* Its name is needed to the end. */
    tree_remove(&image->topics, &name);
    if (tree_find(&image->by_folded, &name) == topic)
        tree_remove(&image->by_folded, &name);
    tree_remove(&image->by_id, &id);
    topic_unref(topic);
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
    if (count > 0)
        memcpy(copy->partitions, topic->partitions, count * sizeof(*copy->partitions));
    copy->configs = configs_copy(&topic->configs);
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

/* Partitions are numbered from 0 without holes, so records come in order. */
static int partition_set(struct image_edit *edit, const struct partition_record *record)
{
    struct image_topic *topic = topic_change(edit, record->topic_id);
    struct image_partition *p;

    if (!topic || record->partition_id < 0 || record->partition_id > topic->partition_count)
        return IMAGE_E_INCONSISTENT;
    if (record->partition_id == topic->partition_count) {
        size_t count = (size_t)topic->partition_count + 1;

        if ((count & (count - 1)) == 0)
            topic->partitions = mem_resize(topic->partitions, partition_room(count), sizeof(*p));
        topic->partition_count++;
    }
    p = &topic->partitions[record->partition_id];
    *p = (struct image_partition){
        .leader = record->leader,
        .leader_epoch = record->leader_epoch,
        .partition_epoch = record->partition_epoch,
    };
    return 0;
}

static struct image_configs *resource_change(struct image_edit *edit, int8_t type,
                                             struct slice name)
{
    struct resource_key key = {.type = type, .name = name};
    struct tree *resources = &edit->image->resources;
    const struct image_resource *before = tree_find(resources, &key);
    struct image_resource *resource = mem_new(sizeof(*resource));

    atomic_init(&resource->refs, 1);
    resource->type = type;
    resource->name = mem_copy_text(name.data, name.size);
    if (before)
        resource->configs = configs_copy(&before->configs);
    tree_put(resources, &key, resource);
    return &resource->configs;
}

static int config_apply(struct image_edit *edit, const struct config_record *record)
{
    const struct image_topic *found;
    struct image_topic *topic;

    if (record->resource_type != IMAGE_RESOURCE_TOPIC) {
        configs_set(resource_change(edit, record->resource_type, record->resource_name),
                    record->name, record->value);
        return 0;
    }
    found = image_find_topic(edit->image, record->resource_name);
    topic = found ? topic_change(edit, found->id) : NULL;
    if (!topic)
        return IMAGE_E_INCONSISTENT;
    configs_set(&topic->configs, record->name, record->value);
    return 0;
}

/* What the record types that we apply are decoded into. */
union any_record {
    struct topic_record topic;
    struct partition_record partition;
    struct config_record config;
    struct remove_topic_record remove_topic;
    struct feature_level_record feature;
    struct producer_ids_record producer_ids;
};

static const struct wire_message *message_of(uint64_t type)
{
    switch (type) {
    case RECORD_TOPIC: return &topic_record_message;
    case RECORD_PARTITION: return &partition_record_message;
    case RECORD_CONFIG: return &config_record_message;
    case RECORD_REMOVE_TOPIC: return &remove_topic_record_message;
    case RECORD_FEATURE_LEVEL: return &feature_level_record_message;
    case RECORD_PRODUCER_IDS: return &producer_ids_record_message;
    default: return NULL;
    }
}

static int apply_decoded(struct image_edit *edit, uint64_t type, const union any_record *record)
{
    switch (type) {
    case RECORD_TOPIC: return topic_add(edit, &record->topic);
    case RECORD_PARTITION: return partition_set(edit, &record->partition);
    case RECORD_CONFIG: return config_apply(edit, &record->config);
    case RECORD_REMOVE_TOPIC: return topic_remove(edit, record->remove_topic.topic_id);
    case RECORD_FEATURE_LEVEL:
        if (slice_is_text(record->feature.name, "metadata.version"))
            edit->image->metadata_version = record->feature.feature_level;
        return 0;
    case RECORD_PRODUCER_IDS:
        edit->image->next_producer_id = record->producer_ids.next_producer_id;
        return 0;
    default: return 0;
    }
}

/* Takes the three numbers in front of a record's fields. */
static int take_numbers(struct slice *record, uint64_t out[3])
{
    for (size_t i = 0; i < 3; i++) {
        size_t used;

        if (varint_decode_u64(record->data, record->size, &out[i], &used))
            return IMAGE_E_MALFORMED;
        *record = slice_of(record->data + used, record->size - used);
    }
    return 0;
}

int image_edit_apply(struct image_edit *edit, int64_t offset, struct slice record)
{
    const struct wire_message *message;
    union any_record decoded;
    uint64_t numbers[3]; /* Frame version, type, version. */
    int r = take_numbers(&record, numbers);

    if (r)
        return r;
    if (numbers[0] != 1 || numbers[1] > RECORD_TYPE_MAX)
        return IMAGE_E_UNKNOWN_RECORD;
    message = message_of(numbers[1]);
    if (message) {
        if (numbers[2] > INT16_MAX || (int16_t)numbers[2] > message->max)
            return IMAGE_E_UNKNOWN_RECORD;
        if (codec_decode_all(message, (int16_t)numbers[2], record, &edit->arena, &decoded))
            r = IMAGE_E_MALFORMED;
        else
            r = apply_decoded(edit, numbers[1], &decoded);
        arena_recycle(&edit->arena);
        if (r)
            return r;
    }
    edit->image->offset = offset;
    return 0;
}

struct image *image_edit_finish(struct image_edit *edit)
{
    struct image *image = take(edit->image);

    image_edit_destroy(edit);
    return image;
}

struct image_edit *image_edit_destroy(struct image_edit *edit)
{
    if (!edit)
        return NULL;
    arena_reset(&edit->arena);
    image_unref(edit->image);
    mem_free(edit);
    return NULL;
}
