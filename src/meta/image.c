/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image.c - images are maps of shared topics, settings, brokers and kept records. */

#include "base/mem.h"
#include "meta/image_internal.h"

#include <stdatomic.h>

/* --- settings --------------------------------------------------------------- */

void image_configs_fini(struct image_configs *configs)
{
    for (size_t i = 0; i < configs->count; i++) {
        mem_free(configs->items[i].name);
        mem_free(configs->items[i].value);
    }
    configs->items = mem_free(configs->items);
    configs->count = 0;
}

struct image_configs image_configs_copy(const struct image_configs *from)
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

int image_compare_names(const char *a, struct slice b)
{
    size_t size = strlen(a);
    int order = memcmp(a, b.data, min_of(size, b.size));

    return order ? order : (size > b.size) - (size < b.size);
}

void image_configs_set(struct image_configs *configs, struct slice name, struct slice value)
{
    size_t at = 0;
    size_t behind;

    while (at < configs->count && image_compare_names(configs->items[at].name, name) < 0)
        at++;
    if (at < configs->count && image_compare_names(configs->items[at].name, name) == 0) {
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

void image_topic_ref(void *item)
{
    struct image_topic *topic = item;

    atomic_fetch_add_explicit(&topic->refs, 1, memory_order_relaxed);
}

void image_topic_unref(void *item)
{
    struct image_topic *topic = item;

    if (atomic_fetch_sub_explicit(&topic->refs, 1, memory_order_acq_rel) != 1)
        return;
    image_configs_fini(&topic->configs);
    for (int32_t i = 0; i < topic->partition_count; i++)
        image_replicas_unref(topic->partitions[i].replicas);
    mem_free(topic->partitions);
    mem_free(topic->name);
    mem_free(topic);
}

static int compare_topic_name(const void *item, const void *key)
{
    return image_compare_names(((const struct image_topic *)item)->name,
                               *(const struct slice *)key);
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
    image_configs_fini(&resource->configs);
    mem_free(resource->name);
    mem_free(resource);
}

static int compare_resource(const void *item, const void *key)
{
    const struct image_resource *resource = item;
    const struct image_resource_key *wanted = key;

    if (resource->type != wanted->type)
        return resource->type < wanted->type ? -1 : 1;
    return image_compare_names(resource->name, wanted->name);
}

static const struct tree_class names_class = {
    .compare = compare_topic_name, .ref = image_topic_ref, .unref = image_topic_unref};
static const struct tree_class ids_class = {
    .compare = compare_topic_id, .ref = image_topic_ref, .unref = image_topic_unref};
static const struct tree_class folded_class = {
    .compare = compare_folded, .ref = image_topic_ref, .unref = image_topic_unref};
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
    image->brokers = tree_of(&image_brokers_class);
    image->controllers = tree_of(&image_controllers_class);
    image->kept = tree_of(&image_kept_class);
    return image;
}

struct image *image_next(const struct image *base)
{
    struct image *image = mem_new(sizeof(*image));

    *image = *base;
    atomic_init(&image->refs, 1);
    image->topics = tree_copy(&base->topics);
    image->by_id = tree_copy(&base->by_id);
    image->by_folded = tree_copy(&base->by_folded);
    image->resources = tree_copy(&base->resources);
    image->brokers = tree_copy(&base->brokers);
    image->controllers = tree_copy(&base->controllers);
    image->kept = tree_copy(&base->kept);
    image->generation = base->generation + 1;
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
    tree_fini(&image->brokers);
    tree_fini(&image->controllers);
    tree_fini(&image->kept);
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
    struct image_resource_key key = {.type = type, .name = name};
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
