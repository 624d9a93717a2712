/* SPDX-License-Identifier: Apache-2.0 */

/* client/producer_split.c - a batch that the broker calls too large becomes two.
 *
 * Its records go into two new batches with the numbers that they had, so that batches
 * behind them keep theirs.
 */

#include "base/mem.h"
#include "client/producer_internal.h"

/* A batch for `count` of the records of `whole`, from `from` on. */
static struct producer_batch *part_new(const struct producer_batch *whole, int32_t from,
                                       int32_t count)
{
    struct producer_batch *part = mem_new(sizeof(*part));

    batch_builder_init(&part->builder);
    part->span = whole->span / 2;
    part->order = whole->order + (from ? part->span : 0);
    part->created_us = whole->created_us;
    part->sequence = whole->sequence;
    if (part->sequence >= 0)
        part->sequence = producer_sequence_after(part->sequence, from);
    part->is_closed = true;
    part->charged = from ? whole->charged / 2 : whole->charged - whole->charged / 2;
    part->tokens = mem_new_array((size_t)count, sizeof(*part->tokens));
    memcpy(part->tokens, whole->tokens + from, (size_t)count * sizeof(*part->tokens));
    part->count = part->capacity = count;
    return part;
}

static int add_record(struct producer_batch *part, const struct record *record)
{
    struct record_header *headers =
        mem_new_array((size_t)record->header_count + 1, sizeof(*headers));
    struct slice rest = record->headers;
    int e = 0;

    for (int32_t i = 0; i < record->header_count && !e; i++)
        e = record_next_header(&rest, &headers[i]);
    if (!e)
        batch_builder_add(&part->builder, record->timestamp, record->key, record->value, headers,
                          (size_t)record->header_count);
    mem_free(headers);
    return e;
}

/* Copies the records of an encoded batch into its parts. */
static int copy_records(const struct producer_batch *whole, struct producer_batch *first,
                        struct producer_batch *second)
{
    struct text scratch = {.data = NULL};
    struct batch_reader reader;
    struct record record;
    bool is_end = false;
    int e = batch_reader_open(&reader, text_slice(&whole->bytes), &scratch, NULL, SIZE_MAX);

    for (int32_t i = 0; i < whole->count && !e; i++) {
        e = batch_reader_next(&reader, &record, &is_end);
        assert(!is_end);
        if (!e)
            e = add_record(i < first->count ? first : second, &record);
    }
    text_fini(&scratch);
    return e;
}

bool producer_split(struct producer *producer, struct producer_queue *queue,
                    struct producer_batch *batch)
{
    int32_t half = batch->count / 2;
    struct producer_batch *first, *second;

    if (half == 0 || batch->span < 2)
        return false;
    first = part_new(batch, 0, half);
    second = part_new(batch, half, batch->count - half);
    if (copy_records(batch, first, second)) {
        producer_free_batch(first);
        producer_free_batch(second);
        return false;
    }
    queue->recover_until = max_of(queue->recover_until, second->order);
    producer_put_back(producer, queue, second);
    producer_put_back(producer, queue, first);
    producer_free_batch(batch);
    return true;
}
