/* SPDX-License-Identifier: Apache-2.0 */

/* client/consumer_records.c - batches of an answer become records for the caller. */

#include "base/mem.h"
#include "client/consumer_internal.h"
#include "wire/bytes.h"

enum { CONTROL_ABORT = 0, CONTROL_KEY_SIZE = 4, CONTROL_TYPE_AT = 2 };

int64_t consumer_next_offset(struct slice records)
{
    int64_t next = -1;
    struct batch_header header;

    while (batch_parse(records, &header) == 0 && header.size <= records.size) {
        next = batch_last_offset(&header) + 1;
        records = slice_of(records.data + header.size, records.size - header.size);
    }
    return next;
}

void consumer_fail(struct consumer *consumer, struct consumer_partition *partition, int16_t error,
                   const char *why)
{
    partition->state = CONSUMER_FAILED;
    consumer->events->failed(consumer, partition, error, why);
}

/* --- aborted transactions ---------------------------------------------------- */

static size_t find_aborted(const struct consumer_partition *partition, int64_t producer_id)
{
    size_t i = 0;

    while (i < partition->aborted_count && partition->aborted[i] != producer_id)
        i++;
    return i;
}

static void add_aborted(struct consumer_partition *partition, int64_t producer_id)
{
    if (find_aborted(partition, producer_id) < partition->aborted_count)
        return;
    if (partition->aborted_count == partition->aborted_capacity) {
        partition->aborted_capacity = max_of(partition->aborted_capacity * 2, (size_t)8);
        partition->aborted =
            mem_resize(partition->aborted, partition->aborted_capacity, sizeof(int64_t));
    }
    partition->aborted[partition->aborted_count++] = producer_id;
}

static void remove_aborted(struct consumer_partition *partition, int64_t producer_id)
{
    size_t i = find_aborted(partition, producer_id);

    if (i < partition->aborted_count)
        partition->aborted[i] = partition->aborted[--partition->aborted_count];
}

/* Transactions that begin in front of the end of this batch are aborted from now on. */
static void note_aborted(struct consumer_partition *partition,
                         const struct fetch_partition_data *data, const struct batch_header *header)
{
    for (int32_t i = 0; i < data->aborted_transactions_count; i++) {
        const struct fetch_aborted_transaction *t = &data->aborted_transactions[i];

        if (t->first_offset >= header->base_offset && t->first_offset <= batch_last_offset(header))
            add_aborted(partition, t->producer_id);
    }
}

/* Those that began before what this answer has. */
static void note_aborted_before(struct consumer_partition *partition,
                                const struct fetch_partition_data *data, int64_t base_offset)
{
    partition->aborted_count = 0; /* Each answer tells all that overlap with it. */
    for (int32_t i = 0; i < data->aborted_transactions_count; i++)
        if (data->aborted_transactions[i].first_offset < base_offset)
            add_aborted(partition, data->aborted_transactions[i].producer_id);
}

/* The end of a transaction: an abort marker ends the skipping. */
static void read_marker(struct consumer *consumer, struct consumer_partition *partition,
                        struct slice batch, const struct batch_header *header)
{
    struct batch_reader reader;
    struct record record;
    bool is_end;

    if (batch_reader_open(&reader, batch, &consumer->scratch, &consumer->inflaters,
                          consumer->settings.decoded_max) ||
        batch_reader_next(&reader, &record, &is_end) || is_end ||
        record.key.size < CONTROL_KEY_SIZE)
        return;
    if (bytes_load_i16(record.key.data + CONTROL_TYPE_AT) == CONTROL_ABORT)
        remove_aborted(partition, header->producer_id);
}

static bool is_aborted(const struct consumer *consumer, const struct consumer_partition *partition,
                       const struct batch_header *header)
{
    return consumer->settings.is_read_committed && header->attributes & BATCH_IS_TRANSACTIONAL &&
           find_aborted(partition, header->producer_id) < partition->aborted_count;
}

/* --- delivery ---------------------------------------------------------------- */

static bool deliver_batch(struct consumer *consumer, struct consumer_partition *partition,
                          struct slice batch)
{
    struct batch_reader reader;
    struct record record;
    bool is_end = false;
    int e = batch_reader_open(&reader, batch, &consumer->scratch, &consumer->inflaters,
                              consumer->settings.decoded_max);

    if (e == 0)
        partition->is_append_time = reader.header.attributes & BATCH_IS_APPEND_TIME;
    while (e == 0) {
        e = batch_reader_next(&reader, &record, &is_end);
        if (e || is_end)
            break;
        if (record.offset < partition->position)
            continue;
        partition->position = record.offset + 1;
        if (!consumer->events->record(consumer, partition, &record))
            consumer->is_paused = true;
        if (consumer->is_paused)
            return false;
    }
    if (e)
        consumer_fail(consumer, partition, 0, "a record batch cannot be read");
    return e == 0;
}

/* One whole batch.  False: delivery stops here. */
static bool deliver_one(struct consumer *consumer, struct consumer_partition *partition,
                        const struct fetch_partition_data *data, struct slice batch,
                        const struct batch_header *header)
{
    if (consumer->settings.check_crcs && !batch_crc_is_good(batch)) {
        consumer_fail(consumer, partition, 0, "the checksum of a record batch is wrong");
        return false;
    }
    if (consumer->settings.is_read_committed)
        note_aborted(partition, data, header);
    if (batch_is_control(header)) {
        if (consumer->settings.is_read_committed)
            read_marker(consumer, partition, batch, header);
    } else if (!is_aborted(consumer, partition, header) &&
               !deliver_batch(consumer, partition, batch)) {
        return false;
    }
    partition->position = max_of(partition->position, batch_last_offset(header) + 1);
    return true;
}

bool consumer_deliver(struct consumer *consumer, struct consumer_partition *partition,
                      const struct fetch_partition_data *data)
{
    struct slice rest = data->records.bytes;
    struct batch_header header;
    bool is_first = true;

    while (batch_parse(rest, &header) == 0 && header.size <= rest.size) {
        struct slice batch = slice_of(rest.data, header.size);

        if (is_first && consumer->settings.is_read_committed)
            note_aborted_before(partition, data, header.base_offset);
        is_first = false;
        if (batch_last_offset(&header) >= partition->position &&
            !deliver_one(consumer, partition, data, batch, &header))
            return !consumer->is_paused;
        rest = slice_of(rest.data + header.size, rest.size - header.size);
    }
    return true;
}
