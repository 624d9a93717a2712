/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller.c - deciding, one batch at a time. */

#include "control/controller.h"

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

#include <stdio.h>
#include <string.h>

DIAG_MODULE("control");

enum {
    RECORD_TOPIC = 2,
    RECORD_PARTITION = 3,
    RECORD_CONFIG = 4,
    RECORD_REMOVE_TOPIC = 9,
    RECORD_FEATURE_LEVEL = 12,
    RECORD_PRODUCER_IDS = 15,

    METADATA_VERSION = 30,        /* 4.3-IV0: what Kafka 4.3.1 and 4.4.0 both open. */
    PARTITION_RECORD_VERSION = 1, /* With directories, from 3.7-IV2. */
    TOPIC_NAME_MAX = 249,
    BATCH_OPS_MAX = 500,
    BATCH_RECORDS_MAX = 10000, /* Before the last operation of a batch. */
    PREFIX_MAX = 30,
};

struct controller {
    struct controller_options options;
    struct mlog *mlog;       /* Owned. */
    struct image *image;     /* Owned reference: all that is durable. */
    struct image *previous;  /* Owned reference until the batch is published: has `removed`. */
    struct list queue;       /* struct control_op: not decided yet. */
    struct list batch;       /* struct control_op: being made durable. */
    struct image_edit *edit; /* Owned: what the batch leads to; NULL when idle. */
    struct arena arena;      /* For the batch. */
    struct slice *records;   /* Arena: values of the batch. */
    size_t record_count, record_room;
    const struct image_topic **removed; /* Arena; topics of `image`. */
    size_t removed_count, removed_room;
    struct uuid *altered; /* Arena. */
    size_t altered_count, altered_room;
    struct loop_hook decide;
    bool is_failed;
};

/* --- records ---------------------------------------------------------------- */

/* Room for one more element behind `count`: the array, or a larger copy of it. */
static void *array_grow(struct arena *arena, void *array, size_t count, size_t *room, size_t size)
{
    void *grown;

    if (count < *room)
        return array;
    *room = max_of(*room * 2, (size_t)16);
    grown = arena_new(arena, *room * size);
    if (count > 0)
        memcpy(grown, array, count * size);
    return grown;
}

/* Adds a record to the batch and applies it to the image that the batch leads to. */
static void add_record(struct controller *c, uint64_t type, int16_t version,
                       const struct wire_message *message, const void *fields)
{
    struct codec_output body;
    uint8_t *value;
    size_t size = 0;
    int r = codec_encode(message, version, fields, &c->arena, &body);

    assert(r == 0); /* We made the fields, for this version. */
    value = arena_new(&c->arena, PREFIX_MAX + body.size);
    size += varint_encode(1, value); /* The frame version of KIP-631. */
    size += varint_encode(type, value + size);
    size += varint_encode((uint64_t)version, value + size);
    memcpy(value + size, body.data, body.size);
    c->records =
        array_grow(&c->arena, c->records, c->record_count, &c->record_room, sizeof(*c->records));
    c->records[c->record_count] = slice_of(value, size + body.size);
    r = image_edit_apply(c->edit, mlog_end(c->mlog) + (int64_t)c->record_count,
                         c->records[c->record_count]);
    assert(r == 0); /* Decided against the same image. */
    c->record_count++;
}

static void add_partition(struct controller *c, struct uuid topic_id, int32_t index)
{
    int32_t self = c->options.node_id;
    struct uuid directory = log_dir_id(c->options.dir);
    struct partition_record record;

    codec_defaults(&partition_record_message, &record);
    record.partition_id = index;
    record.topic_id = topic_id;
    record.replicas = record.isr = &self;
    record.replicas_count = record.isr_count = 1;
    record.leader = self;
    record.leader_epoch = 0;
    record.partition_epoch = 0;
    record.directories = &directory;
    record.directories_count = 1;
    add_record(c, RECORD_PARTITION, PARTITION_RECORD_VERSION, &partition_record_message, &record);
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
    add_record(c, RECORD_CONFIG, 0, &config_record_message, &record);
}

/* --- deciding --------------------------------------------------------------- */

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
    if (op->replication_factor > 1) {
        (void)snprintf(op->why, sizeof(op->why),
                       "Unable to replicate the partition %d time(s): The target replication "
                       "factor of %d cannot be reached because only 1 broker(s) are registered.",
                       op->replication_factor, op->replication_factor);
        return CONTROL_E_REPLICATION;
    }
    return 0;
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

static int decide_creation(struct controller *c, struct control_op *op)
{
    struct topic_record record;
    int r = check_creation(op, image_edit_image(c->edit));

    if (r || op->validate_only)
        return r;
    op->id = new_topic_id(c);
    codec_defaults(&topic_record_message, &record);
    record.name = op->name;
    record.topic_id = op->id;
    add_record(c, RECORD_TOPIC, 0, &topic_record_message, &record);
    for (size_t i = 0; i < op->config_count; i++)
        add_config(c, IMAGE_RESOURCE_TOPIC, op->name, &op->configs[i]);
    for (int32_t i = 0; i < op->partitions; i++)
        add_partition(c, op->id, i);
    return 0;
}

/* Topics that the batch itself created have no files yet and are not in `removed`. */
static void note_removed(struct controller *c, struct uuid id)
{
    const struct image_topic *topic = image_find_topic_by_id(c->image, id);

    if (!topic)
        return;
    c->removed =
        array_grow(&c->arena, c->removed, c->removed_count, &c->removed_room, sizeof(*c->removed));
    c->removed[c->removed_count++] = topic;
}

static int decide_deletion(struct controller *c, struct control_op *op)
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
    codec_defaults(&remove_topic_record_message, &record);
    record.topic_id = op->id;
    add_record(c, RECORD_REMOVE_TOPIC, 0, &remove_topic_record_message, &record);
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

static int decide_more_partitions(struct controller *c, struct control_op *op)
{
    const struct image_topic *topic = image_find_topic(image_edit_image(c->edit), op->name);
    int r = check_more_partitions(op, topic);
    int32_t before;

    if (r || op->validate_only)
        return r;
    op->id = topic->id;
    before = topic->partition_count; /* The topic is another one behind the first record. */
    for (int32_t i = before; i < op->partitions; i++)
        add_partition(c, op->id, i);
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

static int decide_configs(struct controller *c, struct control_op *op)
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
        c->altered = array_grow(&c->arena, c->altered, c->altered_count, &c->altered_room,
                                sizeof(*c->altered));
        c->altered[c->altered_count++] = op->id;
    }
    return 0;
}

static int decide_producer_ids(struct controller *c, struct control_op *op)
{
    struct producer_ids_record record;

    op->producer_id = image_edit_image(c->edit)->next_producer_id;
    codec_defaults(&producer_ids_record_message, &record);
    record.broker_id = c->options.node_id;
    record.broker_epoch = 0;
    record.next_producer_id = op->producer_id + CONTROL_PRODUCER_IDS;
    add_record(c, RECORD_PRODUCER_IDS, 0, &producer_ids_record_message, &record);
    return 0;
}

static int decide(struct controller *c, struct control_op *op)
{
    switch (op->kind) {
    case CONTROL_CREATE_TOPIC: return decide_creation(c, op);
    case CONTROL_DELETE_TOPIC: return decide_deletion(c, op);
    case CONTROL_ADD_PARTITIONS: return decide_more_partitions(c, op);
    case CONTROL_ALTER_CONFIGS: return decide_configs(c, op);
    case CONTROL_PRODUCER_ID_BLOCK: return decide_producer_ids(c, op);
    }
    return CONTROL_E_STOPPED;
}

/* --- one batch after the other ---------------------------------------------- */

static void end_ops(struct list *ops, int outcome)
{
    struct list done;
    struct list_node *node;

    list_init(&done);
    list_append(&done, ops);
    while ((node = list_pop(&done))) {
        struct control_op *op = container_of(node, struct control_op, node);

        op->done(op, outcome ? outcome : op->outcome);
    }
}

static void batch_reset(struct controller *c)
{
    c->records = NULL;
    c->removed = NULL;
    c->altered = NULL;
    c->record_count = c->record_room = 0;
    c->removed_count = c->removed_room = 0;
    c->altered_count = c->altered_room = 0;
    c->previous = image_unref(c->previous);
    arena_recycle(&c->arena);
}

static void fail(struct controller *c, int r)
{
    diag_error(c->options.diag, "metadata log failed; topics cannot be changed until a restart",
               kv("error", r));
    c->is_failed = true;
    c->edit = image_edit_destroy(c->edit);
    batch_reset(c);
    end_ops(&c->batch, CONTROL_E_STORAGE);
    end_ops(&c->queue, CONTROL_E_STORAGE);
}

/* A full disk, or the like: what was asked for is refused, and the next may do better. */
static void refuse_batch(struct controller *c, int r)
{
    diag_error(c->options.diag, "metadata could not be written; what was asked for is refused",
               kv("error", r));
    c->edit = image_edit_destroy(c->edit);
    batch_reset(c);
    end_ops(&c->batch, CONTROL_E_STORAGE);
    if (!list_is_empty(&c->queue))
        loop_hook_ask(c->options.loop, &c->decide);
}

static void appended(void *context, int r)
{
    struct controller *c = context;
    struct image *next;

    if (r) {
        fail(c, r);
        return;
    }
    next = image_edit_finish(take(c->edit));
    c->previous = c->image;
    c->image = next;
    c->options.publish(c->options.owner, &(struct control_change){
                                             .image = next,
                                             .removed = c->removed,
                                             .removed_count = c->removed_count,
                                             .altered = c->altered,
                                             .altered_count = c->altered_count,
                                         });
}

void controller_published(struct controller *c)
{
    batch_reset(c);
    end_ops(&c->batch, 0);
    if (!list_is_empty(&c->queue))
        loop_hook_ask(c->options.loop, &c->decide);
}

static void decide_hook(struct loop_hook *hook)
{
    struct controller *c = container_of(hook, struct controller, decide);
    struct list_node *node;
    int ops = 0;
    int r;

    if (c->is_failed)
        end_ops(&c->queue, CONTROL_E_STORAGE);
    if (c->edit || !list_is_empty(&c->batch) || list_is_empty(&c->queue))
        return; /* Busy: controller_published() asks again. */
    c->edit = image_edit_create(c->image);
    while (ops++ < BATCH_OPS_MAX && c->record_count < BATCH_RECORDS_MAX &&
           (node = list_pop(&c->queue))) {
        struct control_op *op = container_of(node, struct control_op, node);

        op->outcome = decide(c, op);
        list_push(&c->batch, &op->node);
    }
    if (c->record_count == 0) { /* All were refused, or only to be validated. */
        c->edit = image_edit_destroy(c->edit);
        controller_published(c);
        return;
    }
    r = mlog_append(c->mlog, c->records, c->record_count, appended, c);
    if (r && mlog_is_failed(c->mlog))
        fail(c, r);
    else if (r)
        refuse_batch(c, r);
}

void controller_ask(struct controller *c, struct control_op *op)
{
    assert(op->done);
    op->outcome = 0;
    list_push(&c->queue, &op->node);
    loop_hook_ask(c->options.loop, &c->decide);
}

struct image *controller_image(const struct controller *c)
{
    return c->image;
}

/* --- opening and closing ---------------------------------------------------- */

struct replay {
    struct image_edit *edit;
    struct diag *diag;
};

static int replay_record(void *context, int64_t offset, struct slice record)
{
    struct replay *replay = context;
    int r = image_edit_apply(replay->edit, offset, record);

    if (r == IMAGE_E_UNKNOWN_RECORD)
        diag_error(replay->diag, "metadata record of a newer release; use that release",
                   kv("offset", offset));
    else if (r)
        diag_error(replay->diag, "metadata record does not fit what is before it",
                   kv("offset", offset));
    return r ? MLOG_E_CORRUPT : 0;
}

/* A new log begins with the release whose records it holds. */
static int write_first(struct controller *c)
{
    struct feature_level_record record;
    struct image_edit *edit;
    int r;

    c->edit = image_edit_create(c->image);
    codec_defaults(&feature_level_record_message, &record);
    record.name = slice_text("metadata.version");
    record.feature_level = METADATA_VERSION;
    add_record(c, RECORD_FEATURE_LEVEL, 0, &feature_level_record_message, &record);
    r = mlog_append_now(c->mlog, c->records, c->record_count);
    edit = take(c->edit);
    batch_reset(c);
    if (r) {
        image_edit_destroy(edit);
        return err_pass(r);
    }
    image_unref(c->image);
    c->image = image_edit_finish(edit);
    return 0;
}

int controller_open(const struct controller_options *options, struct controller **out)
{
    struct controller *c = mem_new(sizeof(*c));
    struct image *empty = image_create();
    struct replay replay = {.edit = image_edit_create(empty), .diag = options->diag};
    int r;

    image_unref(empty);
    c->options = *options;
    list_init(&c->queue);
    list_init(&c->batch);
    arena_init(&c->arena, NULL);
    c->decide = (struct loop_hook){.run = decide_hook};
    r = mlog_open(options->dir, options->env, options->syncer, replay_record, &replay, &c->mlog);
    c->image = image_edit_finish(replay.edit);
    if (r == 0 && mlog_end(c->mlog) == 0)
        r = write_first(c);
    if (r) {
        (void)controller_close(c, false);
        return err_pass(r);
    }
    *out = c;
    return 0;
}

int controller_close(struct controller *c, bool clean)
{
    int r;

    if (!c)
        return 0;
    loop_hook_cancel(&c->decide);
    end_ops(&c->batch, CONTROL_E_STOPPED);
    end_ops(&c->queue, CONTROL_E_STOPPED);
    image_edit_destroy(c->edit);
    r = mlog_close(c->mlog, clean);
    image_unref(c->previous);
    image_unref(c->image);
    arena_reset(&c->arena);
    mem_free(c);
    return err_pass(r);
}
