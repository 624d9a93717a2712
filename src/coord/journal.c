/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/journal.h"

#include "base/mem.h"
#include "base/mutant.h"

struct journal_batch {
    struct append append;
    struct journal *journal;
    struct journal_batch *next;
    struct text bytes; /* Owned. */
};

/* What a record takes beside its key and value: length, attributes, deltas, lengths. */
enum { RECORD_EXTRA = 64 };

void journal_init(struct journal *journal, struct partition *partition, enum compress_codec codec,
                  int64_t time_ms)
{
    *journal = (struct journal){
        .partition = partition,
        .codec = codec,
        .time_ms = time_ms,
        .size_max = (size_t)min_of((int64_t)partition->config.log.max_message_bytes,
                                   partition->config.log.segment_bytes),
    };
    batch_builder_init(&journal->builder);
}

void journal_fini(struct journal *journal)
{
    assert(journal->pending == 0);
    while (journal->batches) {
        struct journal_batch *batch = journal->batches;

        journal->batches = batch->next;
        text_fini(&batch->bytes);
        mem_free(batch);
    }
    journal->last = NULL;
    batch_builder_fini(&journal->builder);
}

static void batch_done(struct append *append, int outcome)
{
    struct journal *journal = container_of(append, struct journal_batch, append)->journal;

    if (outcome && journal->outcome == 0)
        journal->outcome = COORD_E_NOT_COORDINATOR;
    if (--journal->pending == 0)
        journal->done(journal, journal->outcome);
}

/* What was added so far becomes a batch. */
static void cut(struct journal *journal)
{
    struct journal_batch *batch = mem_new(sizeof(*batch));

    batch->journal = journal;
    batch->append.acks = mutant_is(MUTANT_COMMIT_EARLY) ? 1 : -1;
    batch->append.done = batch_done;
    if (batch_builder_finish(&journal->builder, journal->codec, 0, -1, &batch->bytes))
        journal->outcome = COORD_E_TOO_LARGE; /* More than a codec takes. */
    batch->append.batch = (uint8_t *)batch->bytes.data;
    batch->append.size = batch->bytes.size;
    if (journal->last)
        journal->last->next = batch;
    else
        journal->batches = batch;
    journal->last = batch;
}

void journal_add(struct journal *journal, struct records_pair pair)
{
    size_t size = pair.key.size + pair.value.size + RECORD_EXTRA;

    if (BATCH_HEADER_SIZE + size > journal->size_max)
        journal->outcome = COORD_E_TOO_LARGE;
    else if (batch_builder_size(&journal->builder) + size > journal->size_max)
        cut(journal);
    batch_builder_add(&journal->builder, journal->time_ms, pair.key, pair.value, NULL, 0);
}

/* A record that is small enough makes a batch that is; so nothing but the partition's own
 * failure is left, and of that some batches may be in the log. */
int journal_send(struct journal *journal)
{
    struct journal_batch *batch;
    int r = 0;

    if (journal->builder.count > 0)
        cut(journal);
    if (journal->outcome)
        return journal->outcome;
    assert(journal->batches && journal->done);
    journal->pending = 1;
    for (batch = journal->batches; batch && r == 0; batch = batch->next) {
        journal->pending++;
        r = partition_append(journal->partition, &batch->append);
        journal->pending -= r != 0;
    }
    journal->partition = NULL;
    if (r)
        journal->outcome = COORD_E_NOT_COORDINATOR;
    if (--journal->pending > 0)
        return 0;
    if (r)
        return COORD_E_NOT_COORDINATOR;
    journal->done(journal, journal->outcome);
    return 0;
}
