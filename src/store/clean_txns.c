/* SPDX-License-Identifier: Apache-2.0 */

/* store/clean_txns.c - what is known of transactions while the batches of a log are walked. */

#include "base/mem.h"
#include "store/cleaner_internal.h"

/* A transaction whose marker has not come yet. */
struct open_txn {
    int64_t producer_id;
    const struct txn_entry *aborted; /* NULL: it will be committed. */
    bool has_records;                /* A batch of it was there. */
};

struct clean_txns {
    struct txn_entry *aborted; /* Owned, by first offset. */
    size_t aborted_count;
    size_t next;           /* The first that was not come to. */
    struct open_txn *open; /* Owned. */
    size_t open_count, open_room;
};

struct clean_txns *clean_txns_create(struct txn_entry *aborted, size_t count)
{
    struct clean_txns *txns = mem_new(sizeof(*txns));

    txns->aborted = aborted;
    txns->aborted_count = count;
    return txns;
}

struct clean_txns *clean_txns_destroy(struct clean_txns *txns)
{
    if (!txns)
        return NULL;
    mem_free(txns->aborted);
    mem_free(txns->open);
    return mem_free(txns);
}

void clean_txns_restart(struct clean_txns *txns)
{
    txns->next = txns->open_count = 0;
}

static struct open_txn *find(struct clean_txns *txns, int64_t producer_id)
{
    for (size_t i = 0; i < txns->open_count; i++)
        if (txns->open[i].producer_id == producer_id)
            return &txns->open[i];
    return NULL;
}

static struct open_txn *find_or_add(struct clean_txns *txns, int64_t producer_id)
{
    struct open_txn *open = find(txns, producer_id);

    if (open)
        return open;
    if (txns->open_count == txns->open_room) {
        txns->open_room = max_of(txns->open_room * 2, (size_t)8);
        txns->open = mem_resize(txns->open, txns->open_room, sizeof(*txns->open));
    }
    open = &txns->open[txns->open_count++];
    *open = (struct open_txn){.producer_id = producer_id};
    return open;
}

/* Aborted transactions that begin by the end of the batch are open now, unless they are over. */
static void come_to(struct clean_txns *txns, const struct batch_header *header)
{
    for (; txns->next < txns->aborted_count; txns->next++) {
        const struct txn_entry *aborted = &txns->aborted[txns->next];
        struct open_txn *open;

        if (aborted->first_offset > batch_last_offset(header))
            return;
        if (aborted->last_offset < header->base_offset)
            continue;
        open = find_or_add(txns, aborted->producer_id);
        open->aborted = aborted;
        open->has_records = false;
    }
}

bool clean_txns_data(struct clean_txns *txns, const struct batch_header *header)
{
    struct open_txn *open;

    come_to(txns, header);
    if (!(header->attributes & BATCH_IS_TRANSACTIONAL))
        return false;
    open = find_or_add(txns, header->producer_id);
    open->has_records = true;
    return open->aborted != NULL;
}

bool clean_txns_marker(struct clean_txns *txns, const struct batch_header *header,
                       const struct marker *marker, const struct txn_entry **out_entry)
{
    struct open_txn *open;
    bool had_records = false;

    *out_entry = NULL;
    come_to(txns, header);
    if (!marker)
        return header->record_count == 0; /* What was emptied before may go. */
    open = find(txns, header->producer_id);
    if (!open)
        return true;
    had_records = open->has_records;
    if (had_records && marker->type == MARKER_ABORT)
        *out_entry = open->aborted;
    *open = txns->open[--txns->open_count];
    return !had_records;
}
