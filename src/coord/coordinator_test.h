/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/coordinator_test.h - how the tests of coordinators play with some: one shard on real
 * files, with a topic `orders`, and __consumer_offsets in two partitions.
 *
 *     struct stage stage;
 *     stage_open(&stage);
 *     check_ok(stage_commit(&stage, "group", 0, 5));
 *     stage_restart(&stage, true);
 *     check_eq(stage_offset(&stage, "group", 0), 5);
 *     stage_close(&stage);
 *
 * Threading: one test.
 * Errors:    a failed check.
 */

#include "coord/coordinator_internal.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"
#include "wire/codec.h"
#include "wire/msg/all.h"
#include "wire/msg/partition_record.h"
#include "wire/msg/remove_topic_record.h"
#include "wire/msg/topic_record.h"
#include "wire/varint.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { STAGE_PARTITIONS = 2, STAGE_SESSION_MS = 60000, STAGE_TURNS_MAX = 20000 };

struct stage {
    struct temp_dir folder;
    struct diag diag;
    struct io *io;
    struct loop loop;
    struct log_dir *dir;
    struct syncer *syncer;
    struct replicas replicas;
    struct coordinators all;
    struct image *image;
    int64_t records; /* Of the metadata log. */
    struct coord_config config;
    int32_t message_max;
    int errors; /* Lines for the operator. */
    int ids;    /* Of members. */
};

static const struct uuid stage_groups_id = {{1, 1}};
static const struct uuid stage_orders_id = {{2, 2}};

/* --- the cluster ------------------------------------------------------------ */

static inline void stage_apply(struct stage *s, uint64_t type, const struct wire_message *message,
                               int16_t version, const void *fields)
{
    struct image_edit *edit = image_edit_create(s->image);
    struct codec_output body;
    struct arena arena;
    uint8_t bytes[256];
    size_t size = 0;

    arena_init(&arena, NULL);
    check_ok(codec_encode(message, version, fields, &arena, &body));
    size += varint_encode(1, bytes);
    size += varint_encode(type, bytes + size);
    size += varint_encode((uint64_t)version, bytes + size);
    memcpy(bytes + size, body.data, body.size);
    check_ok(image_edit_apply(edit, s->records++, slice_of(bytes, size + body.size)));
    image_unref(s->image);
    s->image = image_edit_finish(edit);
    arena_reset(&arena);
}

static inline void stage_add_topic(struct stage *s, const char *name, struct uuid id)
{
    struct topic_record topic = {.name = slice_text(name), .topic_id = id};
    struct partition_record partition;
    int32_t self = 1;

    stage_apply(s, 2, &topic_record_message, 0, &topic);
    for (int32_t i = 0; i < STAGE_PARTITIONS; i++) {
        codec_defaults(&partition_record_message, &partition);
        partition.partition_id = i;
        partition.topic_id = id;
        partition.replicas = partition.isr = &self;
        partition.replicas_count = partition.isr_count = 1;
        partition.leader = 1;
        partition.leader_epoch = partition.partition_epoch = 0;
        stage_apply(s, 3, &partition_record_message, 0, &partition);
    }
}

static inline const struct image_topic *stage_topic(struct stage *s)
{
    return image_find_topic_by_id(s->image, stage_groups_id);
}

/* --- beginning and ending --------------------------------------------------- */

static inline void stage_told(struct diag *diag, const struct diag_line *line)
{
    struct stage *s = container_of(diag, struct stage, diag);

    s->errors += line->level == DIAG_ERROR;
}

static inline void stage_configure(struct replicas *replicas, const struct image_topic *topic,
                                   struct partition_config *out)
{
    struct stage *s = replicas->owner;

    (void)topic;
    *out = (struct partition_config){
        .log = {.segment_bytes = 1 << 20,
                .segment_ms = INT64_MAX,
                .index_interval_bytes = 4096,
                .index_size_max = 1 << 20,
                .max_message_bytes = s->message_max},
        .rules = {.timestamp_before_max_ms = INT64_MAX, .timestamp_after_max_ms = INT64_MAX},
        .is_disk = true,
    };
}

static inline const struct image *stage_image(struct coordinators *all)
{
    return ((struct stage *)all->owner)->image;
}

static inline bool stage_is_home(struct coordinators *all, const struct image_topic *topic,
                                 int32_t index)
{
    (void)all;
    (void)topic;
    (void)index;
    return true;
}

static inline void stage_begin(struct stage *s)
{
    struct log_dir_options options = {.diag = &s->diag, .path = s->folder.path, .node_id = 1};

    check_ok(linux_io_create(&s->io));
    options.io = s->io;
    loop_init(&s->loop, s->io);
    check_ok(log_dir_open(&options, &s->dir));
    s->syncer =
        syncer_create(&(struct syncer_options){.loop = &s->loop, .diag = &s->diag, .dir = s->dir});
    s->replicas = (struct replicas){.loop = &s->loop,
                                    .diag = &s->diag,
                                    .env = {.io = s->io, .diag = &s->diag},
                                    .dirs = {{.dir = s->dir, .syncer = s->syncer}},
                                    .dir_count = 1,
                                    .configure = stage_configure,
                                    .owner = s};
    replicas_init(&s->replicas);
    s->all = (struct coordinators){.loop = &s->loop,
                                   .diag = &s->diag,
                                   .replicas = &s->replicas,
                                   .config = s->config,
                                   .image = stage_image,
                                   .is_home = stage_is_home,
                                   .owner = s};
    coordinators_init(&s->all);
}

static inline void stage_end(struct stage *s, bool clean)
{
    coordinators_stop(&s->all);
    check_ok(clean ? replicas_fini(&s->replicas, true) : replicas_fini(&s->replicas, false) * 0);
    coordinators_fini(&s->all);
    s->syncer = syncer_destroy(s->syncer);
    check_ok(log_dir_close(s->dir, clean));
    loop_fini(&s->loop);
    s->io = linux_io_destroy(s->io);
}

static inline void stage_open(struct stage *s)
{
    *s = (struct stage){
        .diag = {.level = DIAG_INFO, .sink = stage_told},
        .message_max = 1 << 20,
        .config = {.group = {.size_max = 1000},
                   .retention_ms = INT64_C(1) << 40,
                   .check_interval_ms = 1 << 30,
                   .metadata_max_units = 10},
    };
    temp_dir_create(&s->folder);
    s->image = image_create();
    stage_add_topic(s, "__consumer_offsets", stage_groups_id);
    stage_add_topic(s, "orders", stage_orders_id);
    stage_begin(s);
}

static inline void stage_close(struct stage *s)
{
    stage_end(s, true);
    image_unref(s->image);
    temp_dir_remove(&s->folder);
}

static inline void stage_restart(struct stage *s, bool clean)
{
    stage_end(s, clean);
    stage_begin(s);
}

/* --- asking ----------------------------------------------------------------- */

/* One asker at a time. */
struct stage_ask {
    struct coord_change change;
    struct coord_read read;
    struct coord_offset offset;
    bool is_done;
    int64_t found;
    char note[32];
};

/* Turns the loop until the flag is set. */
static inline void stage_await(struct stage *s, const bool *flag)
{
    for (int i = 0; i < STAGE_TURNS_MAX && !*flag; i++)
        loop_turn(&s->loop, 1000);
    check(*flag);
}

static inline int stage_get(struct stage *s, const char *group, struct coordinator **out)
{
    return coordinators_get(&s->all, stage_topic(s),
                            coordinator_index(slice_text(group), STAGE_PARTITIONS), out);
}

/* The coordinator, once it is loaded. */
static inline struct coordinator *stage_coordinator(struct stage *s, const char *group)
{
    struct coordinator *c = NULL;
    int r = stage_get(s, group, &c);

    for (int i = 0; i < STAGE_TURNS_MAX && r == COORD_E_LOADING; i++) {
        loop_turn(&s->loop, 1000);
        r = stage_get(s, group, &c);
    }
    check_ok(r);
    return c;
}

static inline void stage_change_done(struct coord_call *call)
{
    container_of(call, struct stage_ask, change.call)->is_done = true;
}

static inline void stage_read_done(struct coord_call *call)
{
    container_of(call, struct stage_ask, read.call)->is_done = true;
}

static inline void stage_prepare(struct stage_ask *ask, const char *group, int32_t partition,
                                 int64_t offset)
{
    *ask = (struct stage_ask){
        .offset = {.topic = slice_text("orders"),
                   .partition = partition,
                   .value = {.offset = offset,
                             .leader_epoch = -1,
                             .commit_ms = 1,
                             .expire_ms = -1,
                             .topic_id = stage_orders_id}},
        .change = {.call = {.done = stage_change_done},
                   .group_id = slice_text(group),
                   .who = {.member_id = slice_empty(), .generation = -1},
                   .count = 1},
    };
    ask->change.offsets = &ask->offset;
}

static inline int stage_commit(struct stage *s, const char *group, int32_t partition,
                               int64_t offset)
{
    struct stage_ask ask;

    stage_prepare(&ask, group, partition, offset);
    coordinator_commit(stage_coordinator(s, group), &ask.change);
    stage_await(s, &ask.is_done);
    return ask.change.call.outcome ? ask.change.call.outcome : ask.offset.outcome;
}

static inline void stage_found(struct coord_read *read, const struct offsets *offsets)
{
    struct stage_ask *ask = container_of(read, struct stage_ask, read);
    const struct committed *value =
        offsets ? offsets_find(offsets, ask->offset.topic, ask->offset.partition) : NULL;

    ask->found = value ? value->offset : -1;
    if (value)
        (void)snprintf(ask->note, sizeof(ask->note), "%.*s", SLICE_ARG(value->metadata));
}

static inline void stage_prepare_read(struct stage_ask *ask, const char *group, int32_t partition)
{
    stage_prepare(ask, group, partition, 0);
    ask->read = (struct coord_read){
        .call = {.done = stage_read_done}, .group_id = slice_text(group), .read = stage_found};
}

/* The committed offset, or -1. */
static inline int64_t stage_offset(struct stage *s, const char *group, int32_t partition)
{
    struct stage_ask ask;

    stage_prepare_read(&ask, group, partition);
    coordinator_read(stage_coordinator(s, group), &ask.read);
    stage_await(s, &ask.is_done);
    check_ok(ask.read.call.outcome);
    return ask.found;
}

/* --- members ---------------------------------------------------------------- */

struct stage_member {
    struct group_join join;
    struct group_sync sync;
    struct protocol protocol;
    struct group_assignment assignment;
    bool is_done;
    int outcome;
    int32_t generation;
    char id[48], new_id[48], assigned[48];
};

static inline void stage_keep_join(struct group_call *call, const struct group *group)
{
    struct stage_member *m = container_of(call, struct stage_member, join.call);

    (void)group;
    m->generation = m->join.out_generation;
    (void)snprintf(m->id, sizeof(m->id), "%.*s", SLICE_ARG(m->join.out_member_id));
}

static inline void stage_joined(struct group_call *call)
{
    struct stage_member *m = container_of(call, struct stage_member, join.call);

    m->outcome = call->outcome;
    m->is_done = true;
}

static inline void stage_keep_sync(struct group_call *call, const struct group *group)
{
    struct stage_member *m = container_of(call, struct stage_member, sync.call);

    (void)group;
    (void)snprintf(m->assigned, sizeof(m->assigned), "%.*s", SLICE_ARG(m->sync.out_assignment));
}

static inline void stage_synced(struct group_call *call)
{
    struct stage_member *m = container_of(call, struct stage_member, sync.call);

    m->outcome = call->outcome;
    m->is_done = true;
}

static inline void stage_begin_join(struct stage *s, struct stage_member *m, const char *group,
                                    const char *id)
{
    (void)snprintf(m->new_id, sizeof(m->new_id), "member-%d", ++s->ids);
    m->protocol = (struct protocol){slice_text("range"), slice_text("meta")};
    m->join = (struct group_join){
        .call = {.keep = stage_keep_join, .done = stage_joined},
        .member_id = slice_text(id),
        .new_member_id = slice_text(m->new_id),
        .client_id = slice_text("client"),
        .client_host = slice_text("/host"),
        .protocol_type = slice_text("consumer"),
        .protocols = &m->protocol,
        .protocol_count = 1,
        .session_timeout_ms = STAGE_SESSION_MS,
        .rebalance_timeout_ms = STAGE_SESSION_MS,
    };
    m->is_done = false;
    coordinator_join(stage_coordinator(s, group), slice_text(group), &m->join);
}

/* A group of one member at rest. */
static inline void stage_stable(struct stage *s, struct stage_member *m, const char *group)
{
    stage_begin_join(s, m, group, "");
    stage_await(s, &m->is_done);
    check_ok(m->outcome);
    m->assignment = (struct group_assignment){slice_text(m->id), slice_text("everything")};
    m->sync = (struct group_sync){
        .call = {.keep = stage_keep_sync, .done = stage_synced},
        .who = {.member_id = slice_text(m->id), .generation = m->generation},
        .assignments = &m->assignment,
        .assignment_count = 1,
    };
    m->is_done = false;
    coordinator_sync(stage_coordinator(s, group), slice_text(group), &m->sync);
    stage_await(s, &m->is_done);
    check_ok(m->outcome);
}

static inline int stage_heartbeat(struct stage *s, const struct stage_member *m, const char *group)
{
    struct group_who who = {.member_id = slice_text(m->id), .generation = m->generation};

    return coordinator_heartbeat(stage_coordinator(s, group), slice_text(group), &who);
}

/* --- the log ---------------------------------------------------------------- */

static inline struct partition *stage_partition(struct stage *s, const char *group)
{
    struct partition *p = NULL;

    check_ok(replicas_get(&s->replicas, stage_topic(s),
                          coordinator_index(slice_text(group), STAGE_PARTITIONS), &p));
    return p;
}

/* Where the log of a group's partition ends. */
static inline int64_t stage_log_end(struct stage *s, const char *group)
{
    return log_end(stage_partition(s, group)->log);
}

/* Puts a batch behind the others into a log's file, of whatever kind, as Kafka may have left
 * it there; the broker is restarted for it. */
static inline void stage_write(struct stage *s, const char *group, struct batch_builder *builder)
{
    int32_t index = coordinator_index(slice_text(group), STAGE_PARTITIONS);
    int64_t end = stage_log_end(s, group);
    struct text bytes = {.data = NULL};
    char path[400];
    int fd;

    check_ok(batch_builder_finish(builder, COMPRESS_NONE, end, 0, &bytes));
    stage_end(s, false);
    (void)snprintf(path, sizeof(path), "%s/__consumer_offsets-%d/00000000000000000000.log",
                   s->folder.path, index);
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    check(fd >= 0);
    check_eq(write(fd, bytes.data, bytes.size), (ssize_t)bytes.size);
    close(fd);
    text_fini(&bytes);
    stage_begin(s);
    check(stage_log_end(s, group) > end);
}
