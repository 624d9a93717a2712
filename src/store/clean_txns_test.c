/* SPDX-License-Identifier: Apache-2.0 */

#include "base/mem.h"
#include "store/cleaner_internal.h"
#include "test/harness/check.h"

static struct batch_header batch_of(int64_t producer, int64_t offset)
{
    return (struct batch_header){.producer_id = producer,
                                 .base_offset = offset,
                                 .attributes = BATCH_IS_TRANSACTIONAL,
                                 .record_count = 1};
}

static bool is_aborted(struct clean_txns *txns, int64_t producer, int64_t offset)
{
    struct batch_header header = batch_of(producer, offset);

    return clean_txns_data(txns, &header);
}

/* True if the marker may go; `aborts` with an entry for the index in `*out`. */
static bool ends(struct clean_txns *txns, int64_t producer, int64_t offset, enum marker_type type,
                 const struct txn_entry **out)
{
    struct batch_header header = batch_of(producer, offset);
    struct marker marker = {.type = type};

    return clean_txns_marker(txns, &header, &marker, out);
}

static struct clean_txns *txns_of(const struct txn_entry *entries, size_t count)
{
    struct txn_entry *copy = mem_new_array(count + 1, sizeof(*copy));

    if (count > 0)
        memcpy(copy, entries, count * sizeof(*copy));
    return clean_txns_create(copy, count);
}

TEST(clean_txns, only_records_between_first_and_marker_are_aborted)
{
    const struct txn_entry entries[] = {{.producer_id = 1, .first_offset = 10, .last_offset = 20},
                                        {.producer_id = 1, .first_offset = 30, .last_offset = 40}};
    struct clean_txns *txns = txns_of(entries, COUNT_OF(entries));
    const struct txn_entry *entry;

    for (int round = 0; round < 2; round++) {
        check(!is_aborted(txns, 1, 5));
        check(!ends(txns, 1, 6, MARKER_COMMIT, &entry) && !entry);
        check(is_aborted(txns, 1, 10) && !is_aborted(txns, 2, 11) && is_aborted(txns, 1, 12));
        check(!ends(txns, 1, 20, MARKER_ABORT, &entry));
        check(entry && entry->first_offset == 10);
        check(!is_aborted(txns, 1, 25) && !ends(txns, 1, 26, MARKER_COMMIT, &entry));
        check(is_aborted(txns, 1, 35));
        clean_txns_restart(txns);
    }
    clean_txns_destroy(txns);
}

TEST(clean_txns, a_marker_without_records_may_go)
{
    const struct txn_entry entries[] = {{.producer_id = 1, .first_offset = 10, .last_offset = 20}};
    struct clean_txns *txns = txns_of(entries, COUNT_OF(entries));
    const struct txn_entry *entry;

    check(ends(txns, 3, 4, MARKER_COMMIT, &entry) && !entry);
    check(ends(txns, 1, 20, MARKER_ABORT, &entry) && !entry);
    check(!is_aborted(txns, 1, 21));
    clean_txns_destroy(txns);
}

TEST(clean_txns, what_has_ended_before_the_first_batch_is_over)
{
    const struct txn_entry entries[] = {{.producer_id = 1, .first_offset = 10, .last_offset = 20}};
    struct clean_txns *txns = txns_of(entries, COUNT_OF(entries));

    check(!is_aborted(txns, 1, 21));
    clean_txns_destroy(txns);
}

TEST(clean_txns, other_control_records_stay_unless_they_were_emptied)
{
    struct clean_txns *txns = txns_of(NULL, 0);
    struct batch_header header = batch_of(1, 0);
    const struct txn_entry *entry;

    check(!clean_txns_marker(txns, &header, NULL, &entry));
    header.record_count = 0;
    check(clean_txns_marker(txns, &header, NULL, &entry));
    clean_txns_destroy(txns);
}
