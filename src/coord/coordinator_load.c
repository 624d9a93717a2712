/* SPDX-License-Identifier: Apache-2.0 */

/* coord/coordinator_load.c - from the log to memory, a piece at a time.
 *
 *      read a piece on a worker --> replay it --> the next piece ... --> the log's end
 *
 * The end is where the log ended when loading began: nobody appends before it is over.  What
 * is not durable yet of an earlier life is waited for.
 *
 * Offsets that a transaction committed count when its marker comes; what Kafka left in the
 * log of transactions that are still open is passed over.
 */

#include "base/hash.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "coord/coordinator_internal.h"
#include "wire/bytes.h"
#include "wire/msg/group_metadata_record.h"

DIAG_MODULE("coord");

enum { PIECE_SIZE = 256 * 1024, DECODED_MAX = 64 * 1024 * 1024, MARKER_COMMIT = 1 };

/* Offsets of a transaction whose end has not been read yet. */
struct open_transaction {
    struct map_node node; /* In loader->transactions, by producer id. */
    int64_t producer_id;
    struct list offsets; /* struct open_offset. */
};

struct open_offset {
    struct list_node node;
    struct slice group, topic; /* Owned. */
    int32_t partition;
    bool is_tombstone;
    struct committed value; /* Its metadata is owned. */
};

struct loader {
    struct list_node node;           /* In coordinators->orphans, else bare. */
    struct coordinator *coordinator; /* NULL: nobody waits for it any more. */
    struct io_work work;
    struct fetch_wait wait;
    struct log_range range;
    uint8_t *bytes; /* Owned: the piece. */
    size_t size;
    int result;           /* Of the worker. */
    int64_t next, target; /* Offsets. */
    struct text scratch;  /* Owned: a batch, decompressed. */
    struct arena arena;   /* For a record. */
    struct map transactions;
    int64_t began_us;
    uint64_t records;
};

/* --- transactions ----------------------------------------------------------- */

static struct open_transaction *find_transaction(struct loader *loader, int64_t producer_id)
{
    struct map_node *n = map_find(&loader->transactions, hash_u64((uint64_t)producer_id));

    for (; n; n = map_find_next(n)) {
        struct open_transaction *t = container_of(n, struct open_transaction, node);

        if (t->producer_id == producer_id)
            return t;
    }
    return NULL;
}

static void hold_back(struct loader *loader, int64_t producer_id, const struct records_key *key,
                      const struct committed *value)
{
    struct open_transaction *t = find_transaction(loader, producer_id);
    struct open_offset *offset = mem_new(sizeof(*offset));

    if (!t) {
        t = mem_new(sizeof(*t));
        t->producer_id = producer_id;
        list_init(&t->offsets);
        map_put(&loader->transactions, &t->node, hash_u64((uint64_t)producer_id));
    }
    offset->group = slice_keep(key->group);
    offset->topic = slice_keep(key->topic);
    offset->partition = key->partition;
    offset->is_tombstone = value == NULL;
    if (value) {
        offset->value = *value;
        offset->value.metadata = slice_keep(value->metadata);
    }
    list_push(&t->offsets, &offset->node);
}

static void replay_offset(struct coordinator *c, struct slice group, struct slice topic,
                          int32_t partition, const struct committed *value)
{
    struct coord_group *cg = coordinator_get_group(c, group);

    if (value)
        offsets_put(&cg->offsets, topic, partition, value);
    else
        (void)offsets_remove(&cg->offsets, topic, partition);
}

/* The transaction is over: its offsets count, or do not. */
static void end_transaction(struct loader *loader, struct open_transaction *t, bool is_committed)
{
    struct list_node *node;

    while ((node = list_pop(&t->offsets))) {
        struct open_offset *o = container_of(node, struct open_offset, node);

        if (is_committed)
            replay_offset(loader->coordinator, o->group, o->topic, o->partition,
                          o->is_tombstone ? NULL : &o->value);
        slice_drop(&o->group);
        slice_drop(&o->topic);
        slice_drop(&o->value.metadata);
        mem_free(o);
    }
    map_remove(&loader->transactions, &t->node);
    mem_free(t);
}

static void replay_marker(struct loader *loader, const struct batch_header *header,
                          const struct record *record)
{
    struct open_transaction *t = find_transaction(loader, header->producer_id);

    if (t && record->key.size >= 4) /* i16 version, i16 type. */
        end_transaction(loader, t, bytes_load_i16(record->key.data + 2) == MARKER_COMMIT);
}

/* --- records ---------------------------------------------------------------- */

static void replay_group(struct loader *loader, const struct records_key *key, struct slice value)
{
    struct coord_group *cg = coordinator_get_group(loader->coordinator, key->group);
    struct group_metadata_value fields;

    if (slice_is_null(value)) {
        group_fini(&cg->group);
        group_init(&cg->group);
        cg->is_stored = false;
    } else if (records_read_group(value, &loader->arena, &fields) == 0) {
        group_restore(&cg->group, &fields);
        cg->is_stored = true;
    } else {
        diag_warn(loader->coordinator->all->diag, "record of a group cannot be read",
                  kv("group", key->group));
    }
    arena_recycle(&loader->arena);
}

static void replay_commit(struct loader *loader, const struct batch_header *header,
                          const struct records_key *key, struct slice value)
{
    bool is_tombstone = slice_is_null(value);
    struct committed committed;

    if (is_tombstone && mutant_is(MUTANT_LOAD_DELETED))
        return;

    if (!is_tombstone && records_read_offset(value, &committed)) {
        diag_warn(loader->coordinator->all->diag, "record of an offset cannot be read",
                  kv("group", key->group), kv("topic", key->topic),
                  kv("partition", key->partition));
        return;
    }
    if (header->attributes & BATCH_IS_TRANSACTIONAL)
        hold_back(loader, header->producer_id, key, is_tombstone ? NULL : &committed);
    else
        replay_offset(loader->coordinator, key->group, key->topic, key->partition,
                      is_tombstone ? NULL : &committed);
}

static void replay_record(struct loader *loader, const struct batch_header *header,
                          const struct record *record)
{
    struct records_key key;

    loader->records++;
    if (batch_is_control(header)) {
        replay_marker(loader, header, record);
        return;
    }
    if (slice_is_null(record->key) || records_read_key(record->key, &key)) {
        diag_warn(loader->coordinator->all->diag, "key of a record cannot be read",
                  kv("partition", loader->coordinator->index), kv("offset", record->offset));
        return;
    }
    switch (key.kind) {
    case RECORDS_OFFSET: replay_commit(loader, header, &key, record->value); break;
    case RECORDS_GROUP: replay_group(loader, &key, record->value); break;
    case RECORDS_FOREIGN_GROUP:
        coordinator_get_group(loader->coordinator, key.group)->is_foreign =
            !slice_is_null(record->value);
        break;
    case RECORDS_FOREIGN:
    case RECORDS_UNKNOWN: break;
    }
}

static int replay_batch(struct loader *loader, struct slice bytes)
{
    struct batch_reader reader;
    struct record record;
    bool at_end = false;
    int r;

    if (!batch_crc_is_good(bytes))
        return BATCH_E_CRC;
    r = batch_reader_open(&reader, bytes, &loader->scratch, NULL, DECODED_MAX);
    while (r == 0 && !at_end) {
        r = batch_reader_next(&reader, &record, &at_end);
        if (r == 0 && !at_end)
            replay_record(loader, &reader.header, &record);
    }
    return r;
}

/* The whole batches at the start of the piece. */
static int replay_piece(struct loader *loader)
{
    struct slice rest = slice_of(loader->bytes, loader->size);
    int64_t before = loader->next;
    struct batch_header header;

    while (batch_parse(rest, &header) == 0 && header.size <= rest.size) {
        int r = batch_last_offset(&header) < loader->next
                    ? 0
                    : replay_batch(loader, slice_of(rest.data, header.size));

        if (r)
            return r;
        loader->next = max_of(loader->next, batch_last_offset(&header) + 1);
        rest = slice_of(rest.data + header.size, rest.size - header.size);
    }
    return loader->next > before ? 0 : BATCH_E_SHORT;
}

/* --- the way through the log ------------------------------------------------ */

static void loader_free(struct loader *loader)
{
    struct map_node *node;

    while ((node = map_next(&loader->transactions, NULL)))
        end_transaction(loader, container_of(node, struct open_transaction, node), false);
    map_fini(&loader->transactions);
    list_remove(&loader->node);
    list_remove(&loader->wait.node);
    log_range_release(&loader->range);
    text_fini(&loader->scratch);
    arena_reset(&loader->arena);
    mem_free(loader->bytes);
    mem_free(loader);
}

static void broken(struct loader *loader, const char *why, int error)
{
    struct coordinator *c = loader->coordinator;
    struct group_step step;

    diag_error(c->all->diag, "groups cannot be read; those of this partition are not served",
               kv("partition", c->index), kv("offset", loader->next), kv("why", why),
               kv("error", error));
    coordinator_begin_step(c, &step);
    coordinator_drop_groups(c, COORD_E_NOT_COORDINATOR, &step);
    c->loader = NULL;
    c->state = COORDINATOR_BROKEN;
    loader_free(loader);
    coordinators_loaded(c->all);
}

/* All is read: topics that went meanwhile are forgotten, members have their session to show
 * up, and what only tombstones were read of is nothing. */
static void finished(struct loader *loader)
{
    struct coordinator *c = loader->coordinator;
    struct list groups;
    struct list_node *node;
    struct group_step step;

    if (loader->transactions.count > 0)
        diag_warn(c->all->diag, "offsets of open transactions are passed over",
                  kv("partition", c->index), kv("transactions", loader->transactions.count));
    diag_debug(c->all->diag, "groups read", kv("partition", c->index),
               kv("groups", c->groups.count), kv("records", loader->records),
               kv("ms", (c->all->loop->now_us - loader->began_us) / 1000));
    c->loader = NULL;
    c->state = COORDINATOR_READY;
    loader_free(loader);
    coordinator_begin_step(c, &step);
    coordinator_list_groups(c, &groups);
    while ((node = list_pop(&groups))) {
        struct coord_group *cg = container_of(node, struct coord_group, look);

        group_restored(&cg->group, &step);
        coordinator_end_step(cg, &step);
        coordinator_forget_lost(cg, c->all->image(c->all));
        coordinator_remove_if_void(cg);
    }
    assert(list_is_empty(&step.answered));
    coordinators_loaded(c->all);
}

static void read_next(struct loader *loader);

static void woken(struct fetch_wait *wait)
{
    read_next(container_of(wait, struct loader, wait));
}

static void work_run(struct io_work *work, struct io *io)
{
    struct loader *loader = container_of(work, struct loader, work);

    loader->result = io->ops->file_read(io, loader->range.fd, loader->range.position, loader->bytes,
                                        loader->range.size, &loader->size);
}

static void work_done(struct io_work *work, struct io *io)
{
    struct loader *loader = container_of(work, struct loader, work);
    int r;

    (void)io;
    log_range_release(&loader->range);
    if (!loader->coordinator) {
        loader_free(loader);
        return;
    }
    r = loader->result ? loader->result : replay_piece(loader);
    if (r)
        broken(loader, r < 0 ? "the log cannot be read" : "a batch is broken", r);
    else
        read_next(loader);
}

/* Reads a piece if there is one.  At its end, or where it is not durable yet, not. */
static void read_next(struct loader *loader)
{
    struct coordinator *c = loader->coordinator;
    struct partition *p = replicas_find(c->all->replicas, c->topic_id, c->index);
    struct partition_read read = {
        .offset = loader->next,
        .bytes_max = PIECE_SIZE,
        .at_least_one = true,
        .is_unverified = true, /* replay_piece() looks. */
    };
    int r = p ? 0 : PARTITION_E_CLOSED;

    if (loader->next >= loader->target) {
        finished(loader);
        return;
    }
    if (p)
        r = partition_read(p, &read);
    if (r == PARTITION_E_OUT_OF_RANGE && read.log_start > loader->next) {
        loader->next = read.log_start; /* Taken away from the front meanwhile. */
        read_next(loader);
    } else if (r) {
        broken(loader, "the partition failed", r);
    } else if (read.range.size == 0) {
        loader->wait.wake = woken;
        partition_wait(p, &loader->wait);
    } else {
        loader->range = read.range;
        loader->bytes = mem_resize(loader->bytes, read.range.size, 1);
        c->all->loop->io->ops->work_submit(c->all->loop->io, &loader->work);
    }
}

/* A partition without a folder was never written to; one without a topic is gone. */
static bool has_log(struct coordinator *c)
{
    const struct image_topic *topic = image_find_topic_by_id(c->all->image(c->all), c->topic_id);

    return !topic || replicas_has_log(c->all->replicas, topic, c->index);
}

void coordinator_load(struct coordinator *c)
{
    struct partition *p = NULL;
    struct loader *loader;

    assert(c->state == COORDINATOR_UNREAD && c->groups.count == 0);
    if (!has_log(c)) {
        c->state = COORDINATOR_READY;
        return;
    }
    p = coordinator_partition(c);
    if (!p) {
        c->state = COORDINATOR_BROKEN;
        return;
    }
    if (log_start(p->log) == log_end(p->log)) {
        c->state = COORDINATOR_READY;
        return;
    }
    loader = mem_new(sizeof(*loader));
    loader->coordinator = c;
    loader->work = (struct io_work){.run = work_run, .done = work_done};
    loader->next = log_start(p->log);
    loader->target = log_end(p->log);
    loader->began_us = c->all->loop->now_us;
    arena_init(&loader->arena, NULL);
    map_init(&loader->transactions);
    c->loader = loader;
    c->state = COORDINATOR_LOADING;
    read_next(loader);
}

void coordinator_stop_loading(struct coordinator *c)
{
    struct loader *loader = take(c->loader);

    if (!loader)
        return;
    if (!loader->work.is_submitted) {
        loader_free(loader);
        return;
    }
    loader->coordinator = NULL; /* The worker has its memory. */
    list_push(&c->all->orphans, &loader->node);
}

void coordinator_await_orphans(struct coordinators *all)
{
    while (!list_is_empty(&all->orphans))
        all->loop->io->ops->poll(all->loop->io, -1);
}
