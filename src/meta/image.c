/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image.c - images are two sorted arrays of shared topics.
 *
 * An edit works on arrays of its own and copies a topic the first time it changes it.
 * A batch of records thus costs a copy of the arrays of pointers, and its own size.
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
    RESOURCE_TOPIC = 2,
};

struct image_edit {
    struct image *image; /* Owned: not finished, so not shared. */
    size_t capacity;     /* Of its arrays. */
    struct arena arena;  /* For one record. */
};

struct image *image_create(void)
{
    struct image *image = mem_new(sizeof(*image));

    atomic_init(&image->refs, 1);
    image->offset = -1;
    return image;
}

struct image *image_ref(struct image *image)
{
    atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
    return image;
}

static void topic_unref(struct image_topic *topic)
{
    if (atomic_fetch_sub_explicit(&topic->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < topic->config_count; i++) {
        mem_free(topic->configs[i].name);
        mem_free(topic->configs[i].value);
    }
    mem_free(topic->configs);
    mem_free(topic->partitions);
    mem_free(topic->name);
    mem_free(topic);
}

struct image *image_unref(struct image *image)
{
    if (!image || atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) != 1)
        return NULL;
    for (size_t i = 0; i < image->topic_count; i++)
        topic_unref(image->topics[i]);
    mem_free(image->topics);
    mem_free(image->by_id);
    mem_free(image);
    return NULL;
}

static int compare_names(const char *a, struct slice b)
{
    size_t size = strlen(a);
    int order = memcmp(a, b.data, min_of(size, b.size));

    return order ? order : (size > b.size) - (size < b.size);
}

static int compare_ids(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

/* Where `name` is among the topics, or where it belongs. */
static size_t name_position(const struct image *image, struct slice name, bool *found)
{
    size_t low = 0;
    size_t high = image->topic_count;

    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_names(image->topics[middle]->name, name);

        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t id_position(const struct image *image, struct uuid id, bool *found)
{
    size_t low = 0;
    size_t high = image->topic_count;

    *found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare_ids(image->by_id[middle]->id, id);

        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct image_topic *image_find_topic(const struct image *image, struct slice name)
{
    bool found;
    size_t at;

    if (slice_is_null(name))
        return NULL;
    at = name_position(image, name, &found);
    return found ? image->topics[at] : NULL;
}

const struct image_topic *image_find_topic_by_id(const struct image *image, struct uuid id)
{
    bool found;
    size_t at = id_position(image, id, &found);

    return found ? image->by_id[at] : NULL;
}

const char *image_topic_config(const struct image_topic *topic, const char *name)
{
    for (size_t i = 0; i < topic->config_count; i++)
        if (strcmp(topic->configs[i].name, name) == 0)
            return topic->configs[i].value;
    return NULL;
}

struct image_edit *image_edit_create(struct image *base)
{
    struct image_edit *edit = mem_new(sizeof(*edit));
    struct image *image = image_create();
    size_t bytes = base->topic_count * sizeof(struct image_topic *);

    image->offset = base->offset;
    image->next_producer_id = base->next_producer_id;
    image->metadata_version = base->metadata_version;
    image->topic_count = base->topic_count;
    edit->capacity = base->topic_count + 16;
    image->topics = mem_new_array(edit->capacity, sizeof(struct image_topic *));
    image->by_id = mem_new_array(edit->capacity, sizeof(struct image_topic *));
    if (bytes > 0) {
        memcpy(image->topics, base->topics, bytes);
        memcpy(image->by_id, base->by_id, bytes);
    }
    for (size_t i = 0; i < image->topic_count; i++)
        atomic_fetch_add_explicit(&image->topics[i]->refs, 1, memory_order_relaxed);
    edit->image = image;
    arena_init(&edit->arena, NULL);
    return edit;
}

const struct image *image_edit_image(const struct image_edit *edit)
{
    return edit->image;
}

static void insert_at(struct image_topic **array, size_t count, size_t at,
                      struct image_topic *topic)
{
    memmove(array + at + 1, array + at, (count - at) * sizeof(struct image_topic *));
    array[at] = topic;
}

static void remove_at(struct image_topic **array, size_t count, size_t at)
{
    memmove(array + at, array + at + 1, (count - at - 1) * sizeof(struct image_topic *));
}

static int topic_add(struct image_edit *edit, const struct topic_record *record)
{
    struct image *image = edit->image;
    bool has_name, has_id;
    size_t by_name = name_position(image, record->name, &has_name);
    size_t by_id = id_position(image, record->topic_id, &has_id);
    struct image_topic *topic;

    if (has_name || has_id)
        return IMAGE_E_INCONSISTENT;
    if (image->topic_count == edit->capacity) {
        edit->capacity *= 2;
        image->topics = mem_resize(image->topics, edit->capacity, sizeof(struct image_topic *));
        image->by_id = mem_resize(image->by_id, edit->capacity, sizeof(struct image_topic *));
    }
    topic = mem_new(sizeof(*topic));
    atomic_init(&topic->refs, 1);
    topic->name = mem_copy_text(record->name.data, record->name.size);
    topic->id = record->topic_id;
    insert_at(image->topics, image->topic_count, by_name, topic);
    insert_at(image->by_id, image->topic_count, by_id, topic);
    image->topic_count++;
    return 0;
}

static int topic_remove(struct image_edit *edit, struct uuid id)
{
    struct image *image = edit->image;
    bool found;
    size_t by_id = id_position(image, id, &found);
    struct image_topic *topic;
    size_t by_name;

    if (!found)
        return IMAGE_E_INCONSISTENT;
    topic = image->by_id[by_id];
    by_name = name_position(image, slice_text(topic->name), &found);
    assert(found);
    remove_at(image->topics, image->topic_count, by_name);
    remove_at(image->by_id, image->topic_count, by_id);
    image->topic_count--;
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
    copy->config_count = topic->config_count;
    copy->configs = mem_new_array(topic->config_count, sizeof(*copy->configs));
    for (size_t i = 0; i < topic->config_count; i++) {
        const struct image_config *c = &topic->configs[i];

        copy->configs[i] = (struct image_config){
            .name = mem_copy_text(c->name, strlen(c->name)),
            .value = mem_copy_text(c->value, strlen(c->value)),
        };
    }
    return copy;
}

/* The topic with this id as a value that may be changed, or NULL. */
static struct image_topic *topic_change(struct image_edit *edit, struct uuid id)
{
    struct image *image = edit->image;
    bool found;
    size_t by_id = id_position(image, id, &found);
    struct image_topic *topic;
    size_t by_name;

    if (!found)
        return NULL;
    topic = image->by_id[by_id];
    if (atomic_load_explicit(&topic->refs, memory_order_acquire) == 1)
        return topic;
    by_name = name_position(image, slice_text(topic->name), &found);
    assert(found);
    image->by_id[by_id] = image->topics[by_name] = topic_copy(topic);
    topic_unref(topic);
    return image->by_id[by_id];
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

static void config_remove(struct image_topic *topic, size_t at)
{
    mem_free(topic->configs[at].name);
    mem_free(topic->configs[at].value);
    memmove(&topic->configs[at], &topic->configs[at + 1],
            (topic->config_count - at - 1) * sizeof(*topic->configs));
    topic->config_count--;
}

static int config_apply(struct image_edit *edit, const struct config_record *record)
{
    const struct image_topic *found;
    struct image_topic *topic;
    size_t at = 0;

    if (record->resource_type != RESOURCE_TOPIC)
        return 0;
    found = image_find_topic(edit->image, record->resource_name);
    topic = found ? topic_change(edit, found->id) : NULL;
    if (!topic)
        return IMAGE_E_INCONSISTENT;
    while (at < topic->config_count && compare_names(topic->configs[at].name, record->name) < 0)
        at++;
    if (at < topic->config_count && compare_names(topic->configs[at].name, record->name) == 0)
        config_remove(topic, at);
    if (slice_is_null(record->value))
        return 0;
    topic->configs = mem_resize(topic->configs, topic->config_count + 1, sizeof(*topic->configs));
    memmove(&topic->configs[at + 1], &topic->configs[at],
            (topic->config_count - at) * sizeof(*topic->configs));
    topic->configs[at] = (struct image_config){
        .name = mem_copy_text(record->name.data, record->name.size),
        .value = mem_copy_text(record->value.data, record->value.size),
    };
    topic->config_count++;
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
    size_t used;
    int r = take_numbers(&record, numbers);

    if (r)
        return r;
    if (numbers[0] != 1 || numbers[1] > RECORD_TYPE_MAX)
        return IMAGE_E_UNKNOWN_RECORD;
    message = message_of(numbers[1]);
    if (message) {
        if (numbers[2] > INT16_MAX || (int16_t)numbers[2] > message->max)
            return IMAGE_E_UNKNOWN_RECORD;
        if (codec_decode(message, (int16_t)numbers[2], record, &edit->arena, &decoded, &used))
            return IMAGE_E_MALFORMED;
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
