/* SPDX-License-Identifier: Apache-2.0 */

/* replica/partition.c - appends are staged as requests are handled, written once per
 * turn of the loop, and answered when their acks rule is met. */

#include "replica/partition.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/mutant.h"

#include <errno.h>
#include <stdio.h>

DIAG_MODULE("replica");

enum {
    LOG_NAME_MAX = 300,
    ROOM_TRIES = 64, /* Of partitions, to find one that may sleep. */
    PREPARED = 4,    /* Partitions brought in order for each that opens. */
    ROOM_MARGIN = 16,
};

static uint64_t key_hash(struct uuid topic_id, int32_t index)
{
    return hash_slice(slice_of(topic_id.bytes, sizeof(topic_id.bytes)), (uint64_t)index);
}

/* --- what waits ------------------------------------------------------------- */

/* Has all of them told `outcome`. */
static void answer_all(struct partition *p, struct list *appends, int outcome)
{
    list_each (node, appends)
        container_of(node, struct append, node)->outcome = outcome;
    list_append(&p->answered, appends);
}

static void wake_fetchers(struct partition *p)
{
    struct list woken;
    struct list_node *node;

    list_init(&woken);
    list_append(&woken, &p->fetchers); /* A woken fetch may wait again at once. */
    while ((node = list_pop(&woken))) {
        struct fetch_wait *wait = container_of(node, struct fetch_wait, node);

        wait->wake(wait);
    }
}

/* Tells those whose outcome is known.  They may come back with more at once. */
static void tell(struct partition *p)
{
    struct list told;
    struct list_node *node;

    list_init(&told);
    list_append(&told, &p->answered);
    while ((node = list_pop(&told))) {
        struct append *append = container_of(node, struct append, node);

        append->done(append, append->outcome);
    }
}

static bool is_disk(const struct partition *p)
{
    return p->config.is_disk && !mutant_is(MUTANT_ACK_BEFORE_SYNC);
}

/* Moves the high watermark; it never goes back. */
static void advance(struct partition *p, int64_t to)
{
    struct list_node *node;

    assert(to <= (is_disk(p) ? log_synced(p->log) : log_written(p->log)));
    if (to <= p->high_watermark)
        return;
    p->high_watermark = to;
    log_settle_transactions(p->log, to);
    while ((node = list_first(&p->waiting))) {
        struct append *append = container_of(node, struct append, node);

        if (append->last_offset >= to)
            break;
        list_remove(node);
        append->outcome = 0;
        list_push(&p->answered, node);
    }
    tell(p);
    wake_fetchers(p);
}

/* The disk failed under us: nothing that waits can be promised any more. */
static void fail(struct partition *p, int error)
{
    if (!p->is_failed)
        diag_error(p->replicas->diag, "partition failed and is offline until a restart",
                   kv("topic", p->topic), kv("partition", p->index), kv("error", error));
    p->is_failed = true;
    answer_all(p, &p->waiting, PARTITION_E_STORAGE);
    answer_all(p, &p->staged, PARTITION_E_STORAGE);
}

/* --- the log's side --------------------------------------------------------- */

static void synced(struct syncer_request *request, int r)
{
    struct partition *p = container_of(request, struct partition, sync);

    if (r == 0) {
        advance(p, log_synced(p->log));
        return;
    }
    fail(p, r);
    tell(p);
    wake_fetchers(p);
}

/* What was written is answered by its acks rule, and on its way to be durable. */
static void written(struct partition *p)
{
    struct list_node *node;

    while ((node = list_pop(&p->staged))) {
        struct append *append = container_of(node, struct append, node);

        append->outcome = 0;
        /* A duplicate of something long visible has nothing to wait for. */
        if (append->acks == -1 && append->last_offset >= p->high_watermark)
            list_push(&p->waiting, node);
        else
            list_push(&p->answered, node);
    }
    if (is_disk(p) || log_has_unsynced_segment(p->log))
        syncer_ask(p->at->syncer, p->log, &p->sync);
}

/* Calls nobody back. */
static void write_staged(struct partition *p)
{
    int r;

    if (p->is_failed || list_is_empty(&p->staged))
        return;
    r = log_write(p->log);
    if (r == 0) {
        written(p);
    } else if (log_is_fenced(p->log)) {
        fail(p, r);
    } else { /* Disk full and the like: taken back whole, and tried again by the client. */
        diag_error(p->replicas->diag, "write to the log failed", kv("topic", p->topic),
                   kv("partition", p->index), kv("error", r));
        answer_all(p, &p->staged, PARTITION_E_STORAGE);
    }
}

/* The end of the turn. */
static void settle(struct partition *p)
{
    write_staged(p);
    tell(p);
    if (p->is_failed)
        wake_fetchers(p);
    else if (!is_disk(p))
        advance(p, log_written(p->log));
}

static void write_hook(struct loop_hook *hook)
{
    struct replicas *replicas = container_of(hook, struct replicas, write);
    struct list_node *node;

    while ((node = list_pop(&replicas->dirty)))
        settle(container_of(node, struct partition, dirty));
}

/* --- opening and closing ---------------------------------------------------- */

void replicas_init(struct replicas *replicas)
{
    map_init(&replicas->partitions);
    traffic_init(&replicas->traffic, false);
    list_init(&replicas->dirty);
    list_init(&replicas->awake);
    replicas->inflaters = (struct inflater_cache){.idle = NULL};
    replicas->write = (struct loop_hook){.run = write_hook};
}

struct partition *replicas_find(struct replicas *replicas, struct uuid topic_id, int32_t index)
{
    uint64_t hash = key_hash(topic_id, index);

    for (struct map_node *n = map_find(&replicas->partitions, hash); n; n = map_find_next(n)) {
        struct partition *p = container_of(n, struct partition, node);

        if (p->index == index && uuid_equal(p->topic_id, topic_id))
            return p;
    }
    return NULL;
}

void replicas_expire_producers(struct replicas *replicas)
{
    int64_t now_ms = loop_age_ms(replicas->loop);

    list_each (node, &replicas->awake)
        log_expire_producers(container_of(node, struct partition, awake)->log, now_ms);
}

static struct partition *partition_new(struct replicas *replicas, const struct image_topic *topic,
                                       int32_t index)
{
    struct partition *p = mem_new(sizeof(*p));

    p->replicas = replicas;
    p->topic_id = topic->id;
    p->topic = mem_copy_text(topic->name, strlen(topic->name));
    p->index = index;
    p->leader_epoch = topic->partitions[index].leader_epoch;
    p->sync.done = synced;
    list_init(&p->staged);
    list_init(&p->waiting);
    list_init(&p->answered);
    list_init(&p->fetchers);
    list_init(&p->care.start_waits);
    p->care.start = -1;
    replicas->configure(replicas, topic, &p->config);
    return p;
}

static void partition_free(struct partition *p)
{
    assert(list_is_empty(&p->staged) && list_is_empty(&p->waiting));
    assert(list_is_empty(&p->answered) && list_is_empty(&p->fetchers));
    mem_free(p->topic);
    mem_free(p);
}

/* --- sleep ------------------------------------------------------------------ */

static bool wants_nothing(const struct partition *p)
{
    return list_is_empty(&p->staged) && list_is_empty(&p->waiting) && list_is_empty(&p->answered) &&
           !list_node_is_linked(&p->dirty) && !syncer_is_busy_with(&p->sync) && !p->verification &&
           !compactor_is_busy_with(p->replicas->compactor, p);
}

/* It may sleep if the upkeep has nothing to do with it. */
static bool is_quiet(const struct partition *p)
{
    return !p->is_failed && wants_nothing(p) && p->high_watermark == log_end(p->log) &&
           partition_stable(p) == p->high_watermark;
}

static bool may_sleep(const struct partition *p)
{
    return !upkeep_is_busy_with(p->at->upkeep, p) && is_quiet(p);
}

static void note_awake(struct partition *p)
{
    list_push(&p->replicas->awake, &p->awake);
    p->replicas->awake_count++;
}

static void note_asleep(struct partition *p)
{
    list_remove(&p->awake);
    p->replicas->awake_count--;
}

/* Its log costs a sync if it has changed since its last checkpoint. */
static void fall_asleep(struct partition *p)
{
    int r;

    note_asleep(p);
    syncer_forget(p->at->syncer, &p->sync); /* What the commit log has is in the files too. */
    r = log_dir_rest_log(p->at->dir, p->log, &p->rest);
    p->log = NULL;
    if (r)
        fail(p, r);
}

/* Who is to make room: of those that were not used for longest one whose files are in order,
 * or else any that may; NULL if there is none. */
static struct partition *find_sleeper(struct replicas *replicas)
{
    struct partition *any = NULL;
    int tries = 0;

    list_each (node, &replicas->awake) {
        struct partition *p = container_of(node, struct partition, awake);

        if (tries++ == ROOM_TRIES)
            break;
        if (!may_sleep(p))
            continue;
        if (!log_wants_checkpoint(p->log))
            return p;
        any = any ? any : p;
    }
    return any;
}

/* Behind a look of the upkeep those that were not used for longest are part of its batch, and the
 * others wait for it: any that does nothing else, and now does not wait any more. */
static struct partition *find_any_sleeper(struct replicas *replicas)
{
    list_each (node, &replicas->awake) {
        struct partition *p = container_of(node, struct partition, awake);

        if (is_quiet(p) &&
            (!upkeep_is_busy_with(p->at->upkeep, p) || upkeep_take_back(p->at->upkeep, p)))
            return p;
    }
    return NULL;
}

/* Those that will have to make room soon have their files brought in order by a worker. */
static void prepare_room(struct replicas *replicas)
{
    int count = 0;

    list_each (node, &replicas->awake) {
        struct partition *p = container_of(node, struct partition, awake);

        if (count++ == PREPARED)
            return;
        if (may_sleep(p) && log_wants_checkpoint(p->log))
            upkeep_want_point(p->at->upkeep, p);
    }
}

/* Makes room for one more that is awake; false if there is none, nor in what is kept for that all
 * are in use: without descriptors everything else would fail. */
static bool make_room(struct replicas *replicas)
{
    size_t max = replicas->awake_max;
    struct partition *p;

    if (max == 0)
        return true;
    if (replicas->awake_count >= max &&
        ((p = find_sleeper(replicas)) || (p = find_any_sleeper(replicas))))
        fall_asleep(p);
    if (replicas->awake_count >= max - max / 4)
        prepare_room(replicas);
    return replicas->awake_count < max + max / 8 + ROOM_MARGIN;
}

void replicas_rest(struct replicas *replicas, const struct upkeep *upkeep)
{
    list_each_safe (node, &replicas->awake) {
        struct partition *p = container_of(node, struct partition, awake);

        if (p->at->upkeep != upkeep)
            continue;
        if (!p->is_used && may_sleep(p) && !log_wants_checkpoint(p->log) && !log_is_new(p->log) &&
            !log_has_segment_below(p->log) && !compactor_wants(replicas->compactor, p))
            fall_asleep(p);
        else
            p->is_used = false;
    }
}

static int open_log(struct partition *p, bool is_resting)
{
    struct replicas *replicas = p->replicas;
    char name[LOG_NAME_MAX];
    int r;

    (void)snprintf(name, sizeof(name), "%s-%d", p->topic, p->index);
    if (!make_room(replicas))
        r = -EMFILE;
    else if (is_resting)
        r = log_dir_wake_log(p->at->dir, &replicas->env, name, p->topic_id, &p->config.log,
                             &p->rest, &p->log);
    else
        r = log_dir_open_log(p->at->dir, &replicas->env, name, p->topic_id, &p->config.log,
                             &p->log);
    if (r) {
        diag_error(replicas->diag, "partition could not be opened", kv("log", name),
                   kv("error", r));
        return PARTITION_E_STORAGE;
    }
    note_awake(p);
    return 0;
}

/* Its log is open from now on, and for the rest of the turn. */
static int wake(struct partition *p)
{
    p->is_used = true;
    if (p->is_failed)
        return PARTITION_E_STORAGE;
    if (!p->log)
        return open_log(p, true);
    list_remove(&p->awake);
    list_push(&p->replicas->awake, &p->awake);
    return 0;
}

/* --- use -------------------------------------------------------------------- */

/* NULL: in a folder that cannot be used. */
static struct replica_dir *place_of(struct replicas *replicas, const struct image_topic *topic,
                                    int32_t index)
{
    int place = replicas->place ? replicas->place(replicas, topic, index) : 0;

    assert(place < replicas->dir_count);
    return place < 0 || !replicas->dirs[place].dir ? NULL : &replicas->dirs[place];
}

bool replicas_has_log(struct replicas *replicas, const struct image_topic *topic, int32_t index)
{
    struct replica_dir *at = place_of(replicas, topic, index);
    char name[LOG_NAME_MAX];

    (void)snprintf(name, sizeof(name), "%s-%d", topic->name, index);
    return !at || replicas_find(replicas, topic->id, index) ||
           log_dir_has_log(at->dir, replicas->loop->io, name);
}

int replicas_look(struct replicas *replicas, const struct image_topic *topic, int32_t index,
                  struct partition **out)
{
    struct partition *p = replicas_find(replicas, topic->id, index);
    struct replica_dir *at;
    int r;

    if (p) {
        *out = p;
        return p->is_failed ? PARTITION_E_STORAGE : 0;
    }
    at = place_of(replicas, topic, index);
    if (!at)
        return PARTITION_E_STORAGE;
    p = partition_new(replicas, topic, index);
    p->at = at;
    r = open_log(p, false);
    if (r) {
        partition_free(p);
        return r;
    }
    p->is_used = true;
    p->high_watermark = log_end(p->log); /* Everything in an opened log is synced. */
    map_put(&replicas->partitions, &p->node, key_hash(topic->id, index));
    *out = p;
    return 0;
}

int replicas_get(struct replicas *replicas, const struct image_topic *topic, int32_t index,
                 struct partition **out)
{
    int r = replicas_look(replicas, topic, index, out);

    return r ? r : wake(*out);
}

/* --- the end ---------------------------------------------------------------- */

/* Nobody waits on `p` any more, and nobody will hear of it again. */
static void detach(struct partition *p)
{
    list_remove(&p->dirty);
    syncer_forget(p->at->syncer, &p->sync);
    upkeep_forget(p->at->upkeep, p);
    compactor_forget(p->replicas->compactor, p);
    verifier_forget(p->replicas->verifier, p);
    p->is_failed = true;
    answer_all(p, &p->waiting, PARTITION_E_CLOSED);
    answer_all(p, &p->staged, PARTITION_E_CLOSED);
    tell(p);
    wake_fetchers(p);
}

void partition_drop(struct partition *p)
{
    detach(p);
    map_remove(&p->replicas->partitions, &p->node);
    if (p->log)
        note_asleep(p);
    p->log = log_abandon(p->log);
    partition_free(p);
}

/* Puts the log in order for a stop that is clean, or lets go of it. */
static int lay_down(struct partition *p, bool clean)
{
    char name[LOG_NAME_MAX];
    int r = 0;

    (void)snprintf(name, sizeof(name), "%s-%d", p->topic, p->index);
    if (p->log)
        note_asleep(p);
    if (clean && p->log)
        r = log_dir_close_log(p->at->dir, p->log);
    else if (clean)
        log_dir_close_resting(p->at->dir, name, p->topic_id, &p->rest);
    else
        log_abandon(p->log);
    return err_pass(r);
}

int replicas_fini(struct replicas *replicas, bool clean)
{
    struct map_node *node;
    int result = 0;

    loop_hook_cancel(&replicas->write);
    while ((node = map_next(&replicas->partitions, NULL))) {
        struct partition *p = container_of(node, struct partition, node);
        bool was_failed = p->is_failed;
        int r;

        detach(p);
        map_remove(&replicas->partitions, node);
        r = lay_down(p, clean && !was_failed);
        r = was_failed ? -EIO : r;
        if (r)
            p->at->close_result = r;
        result = result ? result : r;
        partition_free(p);
    }
    map_fini(&replicas->partitions);
    traffic_fini(&replicas->traffic);
    inflater_cache_fini(&replicas->inflaters);
    return err_pass(result);
}

void partition_lead(struct partition *p, int32_t leader_epoch)
{
    p->leader_epoch = max_of(p->leader_epoch, leader_epoch);
}

void partition_configure(struct partition *p, const struct image_topic *topic)
{
    p->replicas->configure(p->replicas, topic, &p->config);
    if (!p->log)
        return;
    log_configure(p->log, &p->config.log);
    if (p->is_failed)
        return;
    if (p->config.is_disk) /* What was written before is to be as durable as what follows. */
        syncer_ask(p->at->syncer, p->log, &p->sync);
    else
        advance(p, log_written(p->log));
}

/* --- the start -------------------------------------------------------------- */

int partition_flush(struct partition *p)
{
    write_staged(p);
    return p->is_failed ? PARTITION_E_STORAGE : 0;
}

int partition_delete_records(struct partition *p, struct start_wait *wait)
{
    assert(wait->done);
    if (p->is_failed)
        return PARTITION_E_STORAGE;
    assert(p->log);
    if (!p->config.deletes)
        return PARTITION_E_POLICY;
    if (wait->offset == PARTITION_HIGH_WATERMARK)
        wait->offset = p->high_watermark;
    if (wait->offset < 0 || wait->offset > p->high_watermark)
        return PARTITION_E_OUT_OF_RANGE;
    if (wait->offset <= log_start(p->log)) {
        wait->done(wait, 0);
        return 0;
    }
    list_push(&p->care.start_waits, &wait->node);
    upkeep_want_start(p->at->upkeep, p, wait->offset);
    return 0;
}

void partition_retain(struct partition *p)
{
    int64_t start;
    int r;

    if (p->is_failed || log_is_fenced(p->log) || !p->config.deletes)
        return;
    r = log_retain(p->log, &p->config.retention, p->high_watermark, loop_age_ms(p->replicas->loop),
                   &start);
    if (r)
        diag_warn(p->replicas->diag, "segments that are too old or too many could not be deleted",
                  kv("topic", p->topic), kv("partition", p->index), kv("error", r));
    else if (start > max_of(log_start(p->log), p->care.start))
        upkeep_want_start(p->at->upkeep, p, start);
}

/* --- append and read -------------------------------------------------------- */

static int check_batch(struct partition *p, struct append *append, struct batch_header *header)
{
    struct slice bytes = slice_of(append->batch, append->size);
    int r = batch_parse(bytes, header);

    p->config.rules.now_ms = io_wall_ms(p->replicas->loop->io);
    append->batch_outcome = r;
    if (r == BATCH_E_MALFORMED)
        return PARTITION_E_BATCH;
    if (r || header->size != append->size)
        return PARTITION_E_MALFORMED; /* KIP-98: exactly one batch in a partition's records. */
    if (append->size > (size_t)p->config.log.max_message_bytes)
        return PARTITION_E_TOO_LARGE;
    if (append->is_own)
        return 0;
    p->config.rules.cache = &p->replicas->inflaters;
    append->batch_outcome = batch_check(bytes, header, &p->config.rules);
    return append->batch_outcome ? PARTITION_E_BATCH : 0;
}

static int outcome_of_append(const struct partition *p, int r)
{
    switch (r) {
    case LOG_E_SEGMENT_SIZE: return PARTITION_E_SEGMENT_SIZE;
    case LOG_E_SEQUENCE: return PARTITION_E_SEQUENCE;
    case LOG_E_LONG_PAST: return PARTITION_E_DUPLICATE;
    case LOG_E_UNKNOWN_PRODUCER: return PARTITION_E_UNKNOWN_PRODUCER;
    case LOG_E_PRODUCER_EPOCH: return PARTITION_E_PRODUCER_EPOCH;
    case LOG_E_COORDINATOR: return PARTITION_E_COORDINATOR;
    case LOG_E_TXN_STATE: return PARTITION_E_TXN_STATE;
    default: break;
    }
    diag_error(p->replicas->diag, "append to the log failed", kv("topic", p->topic),
               kv("partition", p->index), kv("error", r));
    return PARTITION_E_STORAGE;
}

int partition_append(struct partition *p, struct append *append)
{
    struct batch_header header;
    struct log_append_terms terms;
    struct log_appended appended;
    int r = check_batch(p, append, &header);

    assert(append->done && (p->log || p->is_failed));
    if (r)
        return r;
    if (p->is_failed)
        return PARTITION_E_STORAGE;
    append->append_time = -1;
    if (p->config.rules.is_append_time) {
        append->append_time = p->config.rules.now_ms;
        batch_set_append_time(append->batch, append->size, append->append_time);
        header.max_timestamp = append->append_time;
    } else {
        batch_set_max_timestamp(append->batch, append->size, header.max_timestamp);
    }
    terms = (struct log_append_terms){
        .leader_epoch = p->leader_epoch,
        .now_ms = p->config.rules.now_ms,
        .is_coordinators = append->is_own,
        .transaction_version = append->transaction_version,
    };
    r = log_append(p->log, append->batch, append->size, &header, &terms, &appended);
    if (r == LOG_E_UNWRITTEN) { /* The next segment begins here, or may. */
        write_staged(p);
        r = log_append(p->log, append->batch, append->size, &header, &terms, &appended);
    }
    if (r)
        return outcome_of_append(p, r);
    append->base_offset = appended.base_offset;
    append->last_offset = appended.last_offset;
    append->log_start = log_start(p->log);
    traffic_add_produced(&p->replicas->traffic, p->topic_id, !append->is_own,
                         appended.is_duplicate ? 0 : header.record_count,
                         appended.is_duplicate ? 0 : (int64_t)append->size);
    list_push(&p->staged, &append->node);
    if (!list_node_is_linked(&p->dirty))
        list_push(&p->replicas->dirty, &p->dirty);
    loop_hook_ask(p->replicas->loop, &p->replicas->write);
    return 0;
}

static int64_t start_of(const struct partition *p)
{
    return p->log ? log_start(p->log) : p->rest.start;
}

static int64_t end_of(const struct partition *p)
{
    return p->log ? log_end(p->log) : p->rest.end;
}

void partition_tell(const struct partition *p, struct partition_state *out)
{
    assert(!p->log || list_node_is_linked(&p->awake));
    *out = (struct partition_state){
        .start = start_of(p),
        .end = end_of(p),
        .size = p->log ? log_size(p->log) : p->rest.size,
        .segments = p->log ? (uint32_t)log_segments(p->log) : p->rest.segments,
        .is_failed = p->is_failed,
    };
}

int64_t partition_stable(const struct partition *p)
{
    return p->log ? log_stable(p->log, p->high_watermark) : p->high_watermark;
}

/* Cuts off what nobody has looked at since the log was opened. */
static int hold_back(struct partition *p, struct partition_read *read)
{
    struct log_range *range = &read->range;
    int r = p->verify_result;

    p->verify_result = 0;
    if (r)
        return err_pass(r);
    read->is_held_back =
        verifier_want(p->replicas->verifier, p, range) && range->good < range->size;
    range->size = range->good;
    if (range->size == 0)
        log_range_release(range);
    return 0;
}

static int read_below(struct partition *p, struct partition_read *read, int64_t limit)
{
    int r = wake(p);

    if (r)
        return r;
    r = log_read(p->log, read->offset, limit, read->bytes_max, read->at_least_one, &read->range);
    if (r == 0 && read->range.size > 0 && !read->is_unverified && p->replicas->verifier)
        r = hold_back(p, read);
    if (r == 0 && read->is_committed && read->range.size > 0)
        r = log_find_aborted(p->log, read->offset, &read->range, &read->aborted);
    if (r == 0)
        return 0;
    partition_read_release(read);
    switch (r) {
    case LOG_E_OUT_OF_RANGE: return PARTITION_E_OUT_OF_RANGE;
    case LOG_E_CORRUPT: return PARTITION_E_CORRUPT;
    default: return PARTITION_E_STORAGE;
    }
}

int partition_read(struct partition *p, struct partition_read *read)
{
    int64_t limit;

    read->range = (struct log_range){.size = 0};
    read->aborted = (struct text){.data = NULL};
    read->is_held_back = false;
    read->high_watermark = p->high_watermark;
    read->stable = partition_stable(p);
    read->log_start = start_of(p);
    if (p->is_failed)
        return PARTITION_E_STORAGE;
    if (read->offset < read->log_start || read->offset > end_of(p))
        return PARTITION_E_OUT_OF_RANGE;
    limit = read->is_committed ? read->stable : read->high_watermark;
    if (mutant_is(MUTANT_SHOW_UNSYNCED))
        limit = end_of(p);
    return read->offset < limit ? read_below(p, read, limit) : 0;
}

void partition_read_release(struct partition_read *read)
{
    log_range_release(&read->range);
    text_fini(&read->aborted);
}

void partition_verified(struct partition *p, int r)
{
    p->verify_result = min_of(r, 0); /* Of damage the log itself knows. */
    wake_fetchers(p);
}

void partition_wait(struct partition *p, struct fetch_wait *wait)
{
    assert(wait->wake);
    list_push(&p->fetchers, &wait->node);
}
