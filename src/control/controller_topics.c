/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller_topics.c - what is decided about topics and settings. */

#include "control/controller_internal.h"
#include "wire/codec.h"
#include "wire/msg/config_record.h"
#include "wire/msg/partition_record.h"
#include "wire/msg/remove_topic_record.h"
#include "wire/msg/topic_record.h"

#include <stdio.h>

enum { TOPIC_NAME_MAX = 249, LEADER_NONE = -1 };

static bool can_take(const struct image_broker *broker)
{
    return !broker->record.fenced && !broker->record.in_controlled_shutdown;
}

/* The broker whose turn it is: those that may lead, one after the other, from one of them on that
 * chance has chosen, as Kafka places partitions that have one replica.  NULL if there is none. */
static const struct image_broker *place(struct controller *c)
{
    const struct image *image = image_edit_image(c->edit);
    const struct image_broker *broker, *found = NULL;
    struct tree_walk walk;
    int32_t alive = 0, at;

    tree_walk_begin(&walk, &image->brokers, NULL);
    while ((broker = tree_walk_next(&walk)))
        alive += can_take(broker);
    if (alive == 0)
        return NULL;
    at = (int32_t)(c->placed++ & INT32_MAX) % alive;
    tree_walk_begin(&walk, &image->brokers, NULL);
    while (at >= 0 && (broker = tree_walk_next(&walk))) {
        at -= can_take(broker);
        found = broker;
    }
    return found;
}

/* The folder of the replica: of our own we know how full they are, those of another broker take
 * turns. */
static struct uuid directory_of(struct controller *c, const struct image_broker *broker)
{
    int32_t count = broker->record.log_dirs_count;

    if (c->options.has_broker && broker->record.broker_id == c->options.node_id)
        return controller_choose_dir(c);
    return count > 0 ? broker->record.log_dirs[(c->placed & INT32_MAX) % count]
                     : (struct uuid){{0}};
}

/* `at`: the broker that it is to go to, or NULL. */
static void add_partition(struct controller *c, struct uuid topic_id, int32_t index,
                          const int32_t *at)
{
    const struct image_broker *broker =
        at ? image_find_broker(image_edit_image(c->edit), *at) : place(c);
    struct partition_record record;
    struct uuid directory;
    int32_t leader;

    assert(broker); /* check_alive() and check_places() were asked. */
    leader = broker->record.broker_id;
    directory = directory_of(c, broker);
    codec_defaults(&partition_record_message, &record);
    record.partition_id = index;
    record.topic_id = topic_id;
    record.replicas = record.isr = &leader;
    record.replicas_count = record.isr_count = 1;
    record.leader = can_take(broker) ? leader : LEADER_NONE;
    record.leader_epoch = 0;
    record.partition_epoch = 0;
    record.directories = &directory;
    record.directories_count = 1;
    controller_add(c, METADATA_PARTITION, &record);
}

static void add_config(struct controller *c, int8_t type, struct slice name,
                       const struct control_config *config)
{
    struct config_record record;

    codec_defaults(&config_record_message, &record);
    record.resource_type = type;
    record.resource_name = name;
    record.name = config->name;
    record.value = config->value;
    controller_add(c, METADATA_CONFIG, &record);
}

static int refuse(struct control_op *op, int outcome, const char *why)
{
    (void)snprintf(op->why, sizeof(op->why), "%s", why);
    return outcome;
}

static bool has_odd_byte(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        uint8_t lower = c | 0x20;

        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
            c != '-')
            return true;
    }
    return false;
}

static bool is_dots(struct slice name)
{
    return slice_is_text(name, ".") || slice_is_text(name, "..");
}

bool control_check_name(struct slice name)
{
    return name.size == 0 || is_dots(name) || name.size > TOPIC_NAME_MAX || has_odd_byte(name);
}

void control_name_fault(struct slice name, char out[static CONTROL_WHY_SIZE])
{
    int shown = (int)min_of(name.size, (size_t)CONTROL_WHY_SIZE - 160);

    if (name.size == 0)
        (void)snprintf(out, CONTROL_WHY_SIZE,
                       "Topic name is invalid: the empty string is not allowed");
    else if (is_dots(name))
        (void)snprintf(out, CONTROL_WHY_SIZE, "Topic name is invalid: '%.*s' is not allowed",
                       SLICE_ARG(name));
    else if (name.size > TOPIC_NAME_MAX)
        (void)snprintf(out, CONTROL_WHY_SIZE,
                       "Topic name is invalid: the length of '%.*s' is longer than the max allowed "
                       "length %d",
                       shown, (const char *)name.data, TOPIC_NAME_MAX);
    else
        (void)snprintf(out, CONTROL_WHY_SIZE,
                       "Topic name is invalid: '%.*s' contains one or more characters other than "
                       "ASCII alphanumerics, '.', '_' and '-'",
                       shown, (const char *)name.data);
}

static int check_name(struct control_op *op)
{
    if (control_check_name(op->name)) {
        char why[CONTROL_WHY_SIZE];

        control_name_fault(op->name, why);
        (void)snprintf(op->why, sizeof(op->why), "%.*s", (int)sizeof(op->why) - 1, why);
        return CONTROL_E_NAME;
    }
    if (slice_is_text(op->name, "__cluster_metadata"))
        return refuse(op, CONTROL_E_RESERVED,
                      "Creation of internal topic __cluster_metadata is prohibited.");
    return 0;
}

/* Metric names fold `.` into `_`, so Kafka lets no two topics differ only there. */
static int check_collision(struct control_op *op, const struct image *image)
{
    const struct image_topic *other = image_find_collision(image, op->name);

    if (!other)
        return 0;
    (void)snprintf(op->why, sizeof(op->why), "Topic '%.*s' collides with existing topic: %s",
                   SLICE_ARG(op->name), other->name);
    return CONTROL_E_COLLIDES;
}

static int check_alive(struct control_op *op, const struct image *image)
{
    const struct image_broker *broker;
    struct tree_walk walk;

    tree_walk_begin(&walk, &image->brokers, NULL);
    while ((broker = tree_walk_next(&walk)))
        if (can_take(broker))
            return 0;
    return refuse(op, CONTROL_E_FENCED,
                  "Unable to replicate the partition 1 time(s): All brokers are currently fenced.");
}

/* Whether `count` partitions can be placed. */
static int check_places(struct control_op *op, int32_t count, const struct image *image)
{
    if (!op->places)
        return check_alive(op, image);
    if (op->place_count != count)
        return refuse(op, CONTROL_E_ASSIGNMENT,
                      "The assignment does not name exactly the partitions that are to be added.");
    for (int32_t i = 0; i < count; i++)
        if (!image_find_broker(image, op->places[i]))
            return refuse(op, CONTROL_E_ASSIGNMENT,
                          "The manual partition assignment includes a broker that is not "
                          "registered.");
    return 0;
}

static int check_creation(struct control_op *op, const struct image *image)
{
    int r = check_name(op);

    if (r)
        return r;
    if (image_find_topic(image, op->name)) {
        (void)snprintf(op->why, sizeof(op->why), "Topic '%.*s' already exists.",
                       SLICE_ARG(op->name));
        return CONTROL_E_EXISTS;
    }
    r = check_collision(op, image);
    if (r)
        return r;
    if (op->replication_factor <= 0)
        return refuse(op, CONTROL_E_REPLICATION,
                      "Replication factor must be larger than 0, or -1 to use the default value.");
    if (op->partitions <= 0)
        return refuse(op, CONTROL_E_PARTITIONS,
                      "Number of partitions was set to an invalid non-positive value.");
    if (op->partitions > CONTROL_PARTITIONS_MAX)
        return refuse(op, CONTROL_E_PARTITIONS,
                      "Number of partitions is above 100000, the most that one topic may have.");
    if (op->replication_factor > 1 && (size_t)op->replication_factor <= tree_count(&image->brokers))
        return refuse(op, CONTROL_E_REPLICATION,
                      "Replication is not served yet: the replication factor can only be 1.");
    if (op->replication_factor > 1) {
        (void)snprintf(op->why, sizeof(op->why),
                       "Unable to replicate the partition %d time(s): The target replication "
                       "factor of %d cannot be reached because only %d broker(s) are registered.",
                       op->replication_factor, op->replication_factor,
                       (int)tree_count(&image->brokers));
        return CONTROL_E_REPLICATION;
    }
    return check_places(op, op->partitions, image);
}

static struct uuid new_topic_id(struct controller *c)
{
    struct io *io = c->options.loop->io;
    uint8_t random[16];
    struct uuid id;

    do {
        io->ops->entropy(io, random, sizeof(random));
    } while (uuid_from_random(random, &id));
    return id;
}

int controller_create_topic(struct controller *c, struct control_op *op)
{
    struct topic_record record;
    int r = check_creation(op, image_edit_image(c->edit));

    if (r || op->validate_only)
        return r;
    op->id = new_topic_id(c);
    c->placed = (int32_t)(op->id.bytes[15] & 0x7f); /* By chance. */
    codec_defaults(&topic_record_message, &record);
    record.name = op->name;
    record.topic_id = op->id;
    controller_add(c, METADATA_TOPIC, &record);
    for (size_t i = 0; i < op->config_count; i++)
        add_config(c, IMAGE_RESOURCE_TOPIC, op->name, &op->configs[i]);
    for (int32_t i = 0; i < op->partitions; i++)
        add_partition(c, op->id, i, op->places ? &op->places[i] : NULL);
    return 0;
}

/* Topics that the batch itself created have no files yet and are not in `removed`. */
static void note_removed(struct controller *c, struct uuid id)
{
    const struct image_topic *topic = image_find_topic_by_id(c->image, id);

    if (!topic)
        return;
    c->removed =
        arena_grow(&c->arena, c->removed, c->removed_count, &c->removed_room, sizeof(*c->removed));
    c->removed[c->removed_count++] = topic;
}

int controller_delete_topic(struct controller *c, struct control_op *op)
{
    const struct image *image = image_edit_image(c->edit);
    const struct image_topic *topic = slice_is_null(op->name)
                                          ? image_find_topic_by_id(image, op->id)
                                          : image_find_topic(image, op->name);
    struct remove_topic_record record;

    if (!topic && slice_is_null(op->name))
        return refuse(op, CONTROL_E_UNKNOWN_ID, "This server does not host this topic ID.");
    if (!topic)
        return refuse(op, CONTROL_E_UNKNOWN_TOPIC,
                      "This server does not host this topic-partition.");
    op->id = topic->id;
    note_removed(c, topic->id);
    controller_count_topic(c, topic, -1);
    codec_defaults(&remove_topic_record_message, &record);
    record.topic_id = op->id;
    controller_add(c, METADATA_REMOVE_TOPIC, &record);
    return 0;
}

static int check_more_partitions(struct control_op *op, const struct image_topic *topic)
{
    if (!topic)
        return refuse(op, CONTROL_E_UNKNOWN_TOPIC,
                      "This server does not host this topic-partition.");
    if (op->partitions == topic->partition_count) {
        (void)snprintf(op->why, sizeof(op->why), "Topic already has %d partition(s).",
                       op->partitions);
        return CONTROL_E_PARTITIONS;
    }
    if (op->partitions < topic->partition_count) {
        (void)snprintf(op->why, sizeof(op->why),
                       "The topic %.*s currently has %d partition(s); %d would not be an increase.",
                       SLICE_ARG(op->name), topic->partition_count, op->partitions);
        return CONTROL_E_PARTITIONS;
    }
    if (op->partitions > CONTROL_PARTITIONS_MAX)
        return refuse(op, CONTROL_E_PARTITIONS,
                      "Number of partitions is above 100000, the most that one topic may have.");
    return 0;
}

int controller_add_partitions(struct controller *c, struct control_op *op)
{
    const struct image_topic *topic = image_find_topic(image_edit_image(c->edit), op->name);
    int r = check_more_partitions(op, topic);
    int32_t before;

    if (r == 0)
        r = check_places(op, op->partitions - topic->partition_count, image_edit_image(c->edit));
    if (r || op->validate_only)
        return r;
    op->id = topic->id;
    before = topic->partition_count; /* The topic is another one behind the first record. */
    for (int32_t i = before; i < op->partitions; i++)
        add_partition(c, op->id, i, op->places ? &op->places[i - before] : NULL);
    return 0;
}

/* Settings that are as they are to be make no record. */
static bool is_set_so(const struct image *image, const struct control_op *op,
                      const struct control_config *config)
{
    const struct image_topic *topic =
        op->resource_type == IMAGE_RESOURCE_TOPIC ? image_find_topic(image, op->name) : NULL;
    const struct image_configs *configs =
        topic ? &topic->configs : image_find_configs(image, op->resource_type, op->name);
    const char *value = NULL;

    for (size_t i = 0; configs && i < configs->count; i++)
        if (slice_is_text(config->name, configs->items[i].name))
            value = configs->items[i].value;
    return slice_equal(config->value, slice_text(value));
}

int controller_alter_configs(struct controller *c, struct control_op *op)
{
    const struct image_topic *topic = NULL;

    if (op->resource_type == IMAGE_RESOURCE_TOPIC) {
        topic = image_find_topic(image_edit_image(c->edit), op->name);
        if (!topic)
            return refuse(op, CONTROL_E_UNKNOWN_TOPIC,
                          "This server does not host this topic-partition.");
        op->id = topic->id;
    }
    if (op->validate_only)
        return 0;
    for (size_t i = 0; i < op->config_count; i++)
        if (!is_set_so(image_edit_image(c->edit), op, &op->configs[i]))
            add_config(c, op->resource_type, op->name, &op->configs[i]);
    if (topic) {
        c->altered = arena_grow(&c->arena, c->altered, c->altered_count, &c->altered_room,
                                sizeof(*c->altered));
        c->altered[c->altered_count++] = op->id;
    }
    return 0;
}
