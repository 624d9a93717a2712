/* SPDX-License-Identifier: Apache-2.0 */
#include "store/producers.h"

#include "base/hash.h"
#include "base/mem.h"
#include "wire/bytes.h"
#include "wire/crc32c.h"

#include <stdlib.h>

enum { SNAPSHOT_VERSION = 1, SNAPSHOT_HEADER = 10, SNAPSHOT_CRC_FROM = 6, SNAPSHOT_ENTRY = 46 };

/* From this version of transactions on, each has an epoch of its own (KIP-890). */
enum { TRANSACTION_BUMPS_EPOCH = 2 };

/* A transaction in producers->ended. */
struct ended {
    struct list_node node;
    int64_t first_offset, last_offset;
};

void producers_init(struct producers *producers)
{
    map_init(&producers->by_id);
    list_init(&producers->open);
    list_init(&producers->ended);
}

void producers_fini(struct producers *producers)
{
    struct map_node *node;

    producers_settle(producers, INT64_MAX);
    while ((node = map_pop(&producers->by_id)))
        mem_free(container_of(node, struct producer, node));
    map_fini(&producers->by_id);
    list_init(&producers->open);
}

static uint64_t id_hash(int64_t id)
{
    return hash_u64((uint64_t)id);
}

static struct producer *find(const struct producers *producers, int64_t id)
{
    for (struct map_node *n = map_find(&producers->by_id, id_hash(id)); n; n = map_find_next(n)) {
        struct producer *p = container_of(n, struct producer, node);

        if (p->id == id)
            return p;
    }
    return NULL;
}

const struct producer *producers_find(const struct producers *producers, int64_t id)
{
    return find(producers, id);
}

static struct producer *find_or_add(struct producers *producers, int64_t id)
{
    struct producer *p = find(producers, id);

    if (p)
        return p;
    p = mem_new(sizeof(*p));
    p->id = id;
    p->epoch = -1;
    p->txn_first_offset = p->last_timestamp = -1;
    p->coordinator_epoch = -1;
    map_put(&producers->by_id, &p->node, id_hash(id));
    return p;
}

/* Sequences go from INT32_MAX to 0 again. */
static int32_t sequence_add(int32_t sequence, int32_t delta)
{
    return (int32_t)(((int64_t)sequence + delta) & INT32_MAX);
}

static bool is_same_batch(const struct producer_batch *batch, const struct batch_header *header)
{
    int32_t last = sequence_add(header->base_sequence, header->last_offset_delta);

    return batch->last_sequence == last && batch->offset_delta == header->last_offset_delta;
}

/* True if `sequence` comes before `last`, in a circle half of which is behind. */
static bool is_past(int32_t sequence, int32_t last)
{
    return (((int64_t)last - sequence) & INT32_MAX) <= INT32_MAX / 2;
}

/* Of a batch whose epoch is the producer's. */
static int check_sequence(const struct producer *p, const struct batch_header *header,
                          struct producer_batch *out)
{
    int32_t last = p->batch_count ? p->batches[p->batch_count - 1].last_sequence : -1;

    for (int16_t i = 0; i < p->batch_count; i++) {
        if (is_same_batch(&p->batches[i], header)) {
            *out = p->batches[i];
            return PRODUCERS_E_DUPLICATE;
        }
    }
    if (header->base_sequence == sequence_add(last, 1))
        return 0;
    /* Sequences leave no gap, so what lies behind the last one is in the log.  A snapshot
     * keeps one batch of each producer only: after a restart there may be such tries. */
    return last >= 0 &&
                   is_past(sequence_add(header->base_sequence, header->last_offset_delta), last)
               ? PRODUCERS_E_LONG_PAST
               : PRODUCERS_E_SEQUENCE;
}

static int check_client(const struct producer *p, const struct batch_header *header,
                        struct producer_batch *out)
{
    /* Kafka lets any sequence begin (KAFKA-5793).  But where the first of several batches in
     * flight failed, the second would go in, and the first could never be mended: so that
     * sequences leave no gap, the client is told to begin anew, or to try all again. */
    if (!p)
        return header->base_sequence == 0 ? 0 : PRODUCERS_E_UNKNOWN;
    if (header->producer_epoch < p->epoch)
        return PRODUCERS_E_EPOCH;
    if (header->producer_epoch > p->epoch)
        return header->base_sequence == 0 ? 0 : PRODUCERS_E_SEQUENCE;
    return check_sequence(p, header, out);
}

static int check_coordinator(const struct producer *p, const struct batch_header *header)
{
    return p && header->producer_epoch < p->epoch ? PRODUCERS_E_EPOCH : 0;
}

/* A marker that is sent again, since its answer was lost, is appended again: it does no harm.
 * Where each transaction has an epoch of its own, one of the epoch that is there is late, unless
 * there is no transaction that it could end, or no epoch behind it. */
static int check_marker(const struct producer *p, const struct producers_entry *entry)
{
    int16_t epoch = entry->header->producer_epoch;
    bool is_again;

    if (!p)
        return 0;
    is_again = p->txn_first_offset < 0 || epoch == INT16_MAX;
    if (epoch < p->epoch ||
        (epoch == p->epoch && !is_again && entry->transaction_version >= TRANSACTION_BUMPS_EPOCH))
        return PRODUCERS_E_EPOCH;
    return entry->marker->coordinator_epoch < p->coordinator_epoch ? PRODUCERS_E_COORDINATOR : 0;
}

int producers_check(const struct producers *producers, const struct producers_entry *entry,
                    struct producer_batch *out)
{
    const struct batch_header *header = entry->header;
    const struct producer *p;
    int r;

    if (header->producer_id < 0)
        return 0;
    p = find(producers, header->producer_id);
    if (entry->marker)
        return check_marker(p, entry);
    if (batch_is_control(header))
        return 0;
    r = !entry->is_coordinators ? check_client(p, header, out) : check_coordinator(p, header);
    if (r == 0 && p && p->txn_first_offset >= 0 && !batch_is_transactional(header))
        return PRODUCERS_E_TXN_STATE;
    return r;
}

/* --- transactions ----------------------------------------------------------- */

/* Behind those that began before it, which are most often all. */
static void put_open(struct producers *producers, struct producer *p)
{
    struct list_node *before = producers->open.head.prev;

    while (before != &producers->open.head &&
           container_of(before, struct producer, open)->txn_first_offset > p->txn_first_offset)
        before = before->prev;
    list_insert(before, &p->open);
}

static void open_txn(struct producers *producers, struct producer *p, int64_t first_offset)
{
    p->txn_first_offset = first_offset;
    put_open(producers, p);
}

/* Where the oldest open transaction begins, or `otherwise`. */
static int64_t first_open(const struct producers *producers, int64_t otherwise)
{
    struct list_node *node = list_first(&producers->open);

    return node ? container_of(node, struct producer, open)->txn_first_offset : otherwise;
}

/* Ends the transaction of `p`, if there is one. */
static bool end_txn(struct producers *producers, struct producer *p, int64_t offset,
                    const struct marker *marker, struct producers_txn *out)
{
    struct ended *ended;

    if (p->txn_first_offset < 0)
        return false;
    list_remove(&p->open);
    *out = (struct producers_txn){
        .producer_id = p->id,
        .first_offset = p->txn_first_offset,
        .last_offset = offset,
        .stable = first_open(producers, offset + 1),
        .is_aborted = marker->type == MARKER_ABORT,
    };
    ended = mem_new(sizeof(*ended));
    ended->first_offset = p->txn_first_offset;
    ended->last_offset = offset;
    list_push(&producers->ended, &ended->node);
    p->txn_first_offset = -1;
    return true;
}

int64_t producers_first_unstable(const struct producers *producers)
{
    int64_t first = first_open(producers, INT64_MAX);

    list_each (node, &producers->ended)
        first = min_of(first, container_of(node, struct ended, node)->first_offset);
    return first;
}

void producers_settle(struct producers *producers, int64_t offset)
{
    struct list_node *node;

    while ((node = list_first(&producers->ended))) {
        struct ended *ended = container_of(node, struct ended, node);

        if (ended->last_offset >= offset)
            return;
        list_remove(node);
        mem_free(ended);
    }
}

/* --- what batches change ---------------------------------------------------- */

/* A new epoch has sequences of its own. */
static void set_epoch(struct producer *p, int16_t epoch)
{
    if (p->epoch != epoch)
        p->batch_count = 0;
    p->epoch = epoch;
}

static void add_batch(struct producers *producers, struct producer *p,
                      const struct batch_header *header)
{
    set_epoch(p, header->producer_epoch);
    if (p->batch_count == PRODUCER_BATCHES) {
        memmove(p->batches, p->batches + 1, sizeof(p->batches) - sizeof(p->batches[0]));
        p->batch_count--;
    }
    p->batches[p->batch_count++] = (struct producer_batch){
        .last_offset = batch_last_offset(header),
        .timestamp = header->max_timestamp,
        .last_sequence = sequence_add(header->base_sequence, header->last_offset_delta),
        .offset_delta = header->last_offset_delta,
    };
    p->last_timestamp = header->max_timestamp;
    if (batch_is_transactional(header) && p->txn_first_offset < 0)
        open_txn(producers, p, header->base_offset);
}

void producers_update(struct producers *producers, const struct batch_header *header,
                      const struct marker *marker, struct producers_change *change)
{
    struct producers_change unused;
    struct producer *p;

    change = change ? change : &unused;
    change->id = -1;
    change->has_ended = false;
    if (header->producer_id < 0 || (batch_is_control(header) && !marker))
        return;
    p = find(producers, header->producer_id);
    change->id = header->producer_id;
    change->was_known = p != NULL;
    if (p)
        change->before = *p;
    p = find_or_add(producers, header->producer_id);
    if (!marker) {
        add_batch(producers, p, header);
        return;
    }
    set_epoch(p, header->producer_epoch);
    p->coordinator_epoch = marker->coordinator_epoch;
    p->last_timestamp = header->max_timestamp;
    change->has_ended = end_txn(producers, p, header->base_offset, marker, &change->ended);
}

void producers_undo(struct producers *producers, const struct producers_change *change)
{
    struct producer *p;

    if (change->id < 0)
        return;
    p = find(producers, change->id);
    assert(p);
    if (change->has_ended) {
        struct list_node *node = producers->ended.head.prev;
        struct ended *ended = container_of(node, struct ended, node);

        assert(node != &producers->ended.head && ended->last_offset == change->ended.last_offset);
        list_remove(node);
        mem_free(ended);
    }
    list_remove(&p->open);
    if (change->was_known) {
        struct map_node node = p->node; /* Links may have changed since. */

        *p = change->before;
        p->node = node;
        p->open = (struct list_node){.prev = NULL};
        if (p->txn_first_offset >= 0)
            put_open(producers, p);
        return;
    }
    map_remove(&producers->by_id, &p->node);
    mem_free(p);
}

void producers_expire(struct producers *producers, int64_t before_ms)
{
    struct map_node *node = map_next(&producers->by_id, NULL);

    while (node) {
        struct producer *p = container_of(node, struct producer, node);

        node = map_next(&producers->by_id, node);
        if (p->txn_first_offset >= 0 || p->last_timestamp > before_ms)
            continue;
        map_remove(&producers->by_id, &p->node);
        mem_free(p);
    }
}

/* Adds those of `tail` that are older than what is known, as long as they fit it. */
static void complete(struct producer *p, const struct producer *tail)
{
    for (int16_t i = tail->batch_count; i > 0 && p->batch_count < PRODUCER_BATCHES; i--) {
        const struct producer_batch *older = &tail->batches[i - 1];
        struct producer_batch *oldest = &p->batches[0];
        int32_t first = sequence_add(oldest->last_sequence, -oldest->offset_delta);

        if (older->last_offset >= oldest->last_offset)
            continue;
        if (sequence_add(older->last_sequence, 1) != first)
            return;
        memmove(oldest + 1, oldest, (size_t)p->batch_count * sizeof(*oldest));
        *oldest = *older;
        p->batch_count++;
    }
}

void producers_complete(struct producers *producers, const struct producers *tail)
{
    map_each (node, &producers->by_id) {
        struct producer *p = container_of(node, struct producer, node);
        const struct producer *known = find(tail, p->id);

        if (known && known->epoch == p->epoch && p->batch_count > 0)
            complete(p, known);
    }
}

static void check_open(const struct producers *producers)
{
    int64_t before = -1;

    list_each (node, &producers->open) {
        const struct producer *p = container_of(node, struct producer, open);

        assert(p->txn_first_offset >= before);
        before = p->txn_first_offset;
    }
}

static void check_ended(const struct producers *producers, int64_t end)
{
    int64_t before = -1;

    list_each (node, &producers->ended) {
        const struct ended *ended = container_of(node, struct ended, node);

        assert(ended->first_offset < ended->last_offset && ended->last_offset > before);
        before = ended->last_offset;
    }
    assert(before < end);
}

void producers_check_all(const struct producers *producers, int64_t end)
{
    map_each (node, &producers->by_id) {
        const struct producer *p = container_of(node, struct producer, node);

        assert(p->batch_count >= 0 && p->batch_count <= PRODUCER_BATCHES);
        for (int16_t i = 0; i < p->batch_count; i++)
            assert(p->batches[i].last_offset < end &&
                   (i == 0 || p->batches[i - 1].last_offset < p->batches[i].last_offset));
        assert(list_node_is_linked(&p->open) == (p->txn_first_offset >= 0));
        assert(p->txn_first_offset < end);
    }
    check_open(producers);
    check_ended(producers, end);
}

/* --- snapshots -------------------------------------------------------------- */

static void entry_print(const struct producer *p, struct text *to)
{
    uint8_t out[SNAPSHOT_ENTRY];
    struct producer_batch none = {.last_sequence = -1, .last_offset = -1, .timestamp = -1};
    const struct producer_batch *last = p->batch_count ? &p->batches[p->batch_count - 1] : &none;

    bytes_store_i64(out, p->id);
    bytes_store_i16(out + 8, p->epoch);
    bytes_store_i32(out + 10, last->last_sequence);
    bytes_store_i64(out + 14, last->last_offset);
    bytes_store_i32(out + 22, last->offset_delta);
    bytes_store_i64(out + 26, p->last_timestamp);
    bytes_store_i32(out + 34, p->coordinator_epoch);
    bytes_store_i64(out + 38, p->txn_first_offset);
    text_add(to, out, sizeof(out));
}

static int by_ascending_id(const void *a, const void *b)
{
    const struct producer *const *pa = a;
    const struct producer *const *pb = b;

    return ((*pa)->id > (*pb)->id) - ((*pa)->id < (*pb)->id);
}

void producers_each(const struct producers *producers,
                    void (*print)(const struct producer *producer, struct text *out),
                    struct text *out)
{
    size_t count = producers->by_id.count;
    scoped(mem_freep_any) const struct producer **sorted =
        mem_new_array(count + 1, sizeof(*sorted));
    size_t n = 0;

    map_each (node, &producers->by_id)
        sorted[n++] = container_of(node, struct producer, node);
    qsort(sorted, count, sizeof(*sorted), by_ascending_id);
    for (size_t i = 0; i < count; i++)
        print(sorted[i], out);
}

void producers_print(const struct producers *producers, struct text *out)
{
    uint8_t header[SNAPSHOT_HEADER] = {0};
    size_t from = out->size;
    uint8_t *bytes;

    text_add(out, header, sizeof(header));
    producers_each(producers, entry_print, out);
    bytes = (uint8_t *)out->data + from;
    bytes_store_i16(bytes, SNAPSHOT_VERSION);
    bytes_store_i32(bytes + SNAPSHOT_CRC_FROM, (int32_t)producers->by_id.count);
    bytes_store_u32(bytes + 2,
                    crc32c(bytes + SNAPSHOT_CRC_FROM, out->size - from - SNAPSHOT_CRC_FROM));
}

static void entry_decode(struct producers *producers, const uint8_t *in)
{
    struct producer *p = find_or_add(producers, bytes_load_i64(in));
    int32_t last_sequence = bytes_load_i32(in + 10);

    p->epoch = bytes_load_i16(in + 8);
    p->coordinator_epoch = bytes_load_i32(in + 34);
    p->txn_first_offset = max_of(bytes_load_i64(in + 38), (int64_t)-1);
    p->last_timestamp = bytes_load_i64(in + 26);
    p->batch_count = 0;
    if (last_sequence < 0)
        return;
    p->batches[p->batch_count++] = (struct producer_batch){
        .last_sequence = last_sequence,
        .last_offset = bytes_load_i64(in + 14),
        .offset_delta = bytes_load_i32(in + 22),
        .timestamp = p->last_timestamp,
    };
}

static int by_first_offset(const void *a, const void *b)
{
    const struct producer *const *pa = a;
    const struct producer *const *pb = b;

    return ((*pa)->txn_first_offset > (*pb)->txn_first_offset) -
           ((*pa)->txn_first_offset < (*pb)->txn_first_offset);
}

static void list_open(struct producers *producers)
{
    size_t room = producers->by_id.count + 1;
    scoped(mem_freep_any) struct producer **open = mem_new_array(room, sizeof(struct producer *));
    size_t count = 0;

    map_each (node, &producers->by_id) {
        struct producer *p = container_of(node, struct producer, node);

        if (p->txn_first_offset >= 0)
            open[count++] = p;
    }
    qsort(open, count, sizeof(struct producer *), by_first_offset);
    for (size_t i = 0; i < count; i++)
        list_push(&producers->open, &open[i]->open);
}

int producers_parse(struct producers *producers, struct slice bytes)
{
    int32_t count;

    assert(producers->by_id.count == 0);
    if (bytes.size < SNAPSHOT_HEADER || bytes_load_i16(bytes.data) != SNAPSHOT_VERSION)
        return PRODUCERS_E_MALFORMED;
    if (bytes_load_u32(bytes.data + 2) !=
        crc32c(bytes.data + SNAPSHOT_CRC_FROM, bytes.size - SNAPSHOT_CRC_FROM))
        return PRODUCERS_E_MALFORMED;
    count = bytes_load_i32(bytes.data + SNAPSHOT_CRC_FROM);
    if (count < 0 || (bytes.size - SNAPSHOT_HEADER) / SNAPSHOT_ENTRY != (size_t)count ||
        (bytes.size - SNAPSHOT_HEADER) % SNAPSHOT_ENTRY)
        return PRODUCERS_E_MALFORMED;
    for (int32_t i = 0; i < count; i++)
        entry_decode(producers, bytes.data + SNAPSHOT_HEADER + (size_t)i * SNAPSHOT_ENTRY);
    list_open(producers);
    return 0;
}
