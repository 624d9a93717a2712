/* SPDX-License-Identifier: Apache-2.0 */
#include "store/producers.h"
#include "test/harness/check.h"

/* The header of a batch of `count` records; its offset follows from its sequence. */
static struct batch_header batch_of(int64_t id, int16_t epoch, int32_t sequence, int32_t count)
{
    return (struct batch_header){
        .size = 100,
        .base_offset = 1000 + (int64_t)sequence,
        .last_offset_delta = count - 1,
        .max_timestamp = 7,
        .producer_id = id,
        .producer_epoch = epoch,
        .base_sequence = sequence,
        .record_count = count,
    };
}

static int ask(const struct producers *producers, int64_t id, int16_t epoch, int32_t sequence,
               int32_t count)
{
    struct batch_header header = batch_of(id, epoch, sequence, count);
    struct producer_batch out;

    struct producers_entry entry = {.header = &header};

    return producers_check(producers, &entry, &out);
}

static void tell(struct producers *producers, int64_t id, int16_t epoch, int32_t sequence,
                 int32_t count)
{
    struct batch_header header = batch_of(id, epoch, sequence, count);

    producers_update(producers, &header, NULL, NULL);
}

TEST(producers, the_sequence_that_comes_next_is_let_in_and_gaps_are_seen)
{
    struct producers producers;

    producers_init(&producers);
    check_ok(ask(&producers, 5, 0, 0, 3));
    check_eq(ask(&producers, 5, 0, 17, 3), PRODUCERS_E_UNKNOWN);
    tell(&producers, 5, 0, 17, 3);
    check_ok(ask(&producers, 5, 0, 20, 1));
    check_eq(ask(&producers, 5, 0, 21, 1), PRODUCERS_E_SEQUENCE);
    check_eq(ask(&producers, 5, 0, 19, 2), PRODUCERS_E_SEQUENCE); /* Half of it is there. */
    check_eq(ask(&producers, 5, 0, 19, 1), PRODUCERS_E_LONG_PAST);
    check_eq(ask(&producers, 5, 0, 0, 1), PRODUCERS_E_LONG_PAST);
    check_ok(ask(&producers, 6, 0, 0, 1));
    check_ok(ask(&producers, -1, -1, -1, 1));
    producers_fini(&producers);
}

TEST(producers, each_of_the_last_five_batches_is_known_again)
{
    struct producers producers;

    producers_init(&producers);
    for (int32_t i = 0; i < 7; i++)
        tell(&producers, 5, 0, 10 * i, 10);
    for (int32_t i = 0; i < 7; i++) {
        struct batch_header header = batch_of(5, 0, 10 * i, 10);
        struct producer_batch out = {.last_offset = -1};
        int r = producers_check(&producers, &(struct producers_entry){.header = &header}, &out);

        check_eq(r, i < 2 ? PRODUCERS_E_LONG_PAST : PRODUCERS_E_DUPLICATE);
        if (r == PRODUCERS_E_DUPLICATE) {
            check_eq(out.last_offset, 1000 + 10 * i + 9);
            check_eq(out.offset_delta, 9);
        }
    }
    check_eq(ask(&producers, 5, 0, 60, 9), PRODUCERS_E_LONG_PAST); /* Not the same batch. */
    check_eq(ask(&producers, 5, 0, 61, 9), PRODUCERS_E_LONG_PAST);
    check_eq(ask(&producers, 5, 0, 61, 10), PRODUCERS_E_SEQUENCE);
    producers_fini(&producers);
}

TEST(producers, a_new_epoch_begins_at_zero_and_an_old_one_is_refused)
{
    struct producers producers;

    producers_init(&producers);
    tell(&producers, 5, 3, 0, 10);
    check_eq(ask(&producers, 5, 2, 10, 1), PRODUCERS_E_EPOCH);
    check_eq(ask(&producers, 5, 2, 0, 10), PRODUCERS_E_EPOCH);
    check_eq(ask(&producers, 5, 4, 10, 1), PRODUCERS_E_SEQUENCE);
    check_ok(ask(&producers, 5, 4, 0, 10)); /* Of the new epoch: no duplicate. */
    tell(&producers, 5, 4, 0, 10);
    check_eq(ask(&producers, 5, 3, 10, 1), PRODUCERS_E_EPOCH);
    check_eq(ask(&producers, 5, 4, 0, 10), PRODUCERS_E_DUPLICATE);
    check_ok(ask(&producers, 5, 4, 10, 1));
    producers_fini(&producers);
}

TEST(producers, sequences_go_from_the_largest_number_to_zero)
{
    struct producers producers;

    producers_init(&producers);
    tell(&producers, 5, 0, INT32_MAX - 1, 1);
    check_ok(ask(&producers, 5, 0, INT32_MAX, 3));
    tell(&producers, 5, 0, INT32_MAX, 3); /* INT32_MAX, 0, 1 */
    check_eq(ask(&producers, 5, 0, INT32_MAX, 3), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&producers, 5, 0, 1, 1), PRODUCERS_E_LONG_PAST);
    check_eq(ask(&producers, 5, 0, INT32_MAX - 1, 1), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&producers, 5, 0, 3, 1), PRODUCERS_E_SEQUENCE);
    check_ok(ask(&producers, 5, 0, 2, 1));

    tell(&producers, 6, 0, INT32_MAX, 1);
    check_ok(ask(&producers, 6, 0, 0, 1));
    producers_fini(&producers);
}

TEST(producers, control_batches_are_no_batches_of_a_sequence)
{
    struct batch_header marker = batch_of(5, 0, -1, 1);
    struct producers producers;

    producers_init(&producers);
    marker.attributes = BATCH_IS_CONTROL;
    tell(&producers, 5, 0, 0, 1);
    producers_update(&producers, &marker, NULL, NULL);
    check_ok(ask(&producers, 5, 0, 1, 1));
    producers_fini(&producers);
}

static void check_same(const struct producers *a, const struct producers *b)
{
    struct text bytes_a = {.data = NULL};
    struct text bytes_b = {.data = NULL};

    producers_print(a, &bytes_a);
    producers_print(b, &bytes_b);
    check(slice_equal(text_slice(&bytes_a), text_slice(&bytes_b)));
    text_fini(&bytes_a);
    text_fini(&bytes_b);
}

static void check_same_transactions(struct producers *a, struct producers *b)
{
    producers_check_all(a, INT64_MAX);
    producers_check_all(b, INT64_MAX);
    for (int64_t offset = 0; offset < 1000; offset += 10) {
        check_eq(producers_first_unstable(a), producers_first_unstable(b));
        producers_settle(a, offset);
        producers_settle(b, offset);
    }
}

PROPERTY(producers, what_is_taken_back_has_never_been, 300)
{
    struct producers_change undo[20];
    struct producers kept, tried;
    size_t count = rng_below(rng, 60);
    size_t more = rng_below(rng, COUNT_OF(undo) + 1);

    producers_init(&kept);
    producers_init(&tried);
    for (size_t i = 0; i < count + more; i++) {
        struct batch_header header =
            batch_of((int64_t)rng_below(rng, 6) - 1, (int16_t)rng_below(rng, 3),
                     (int32_t)rng_below(rng, 1000), 1 + (int32_t)rng_below(rng, 9));

        struct marker marker = {.type = (enum marker_type)rng_below(rng, 2),
                                .coordinator_epoch = (int32_t)rng_below(rng, 3)};
        const struct marker *ends = rng_chance(rng, 30) ? &marker : NULL;

        header.base_offset = (int64_t)i * 10;
        header.attributes = rng_chance(rng, 50) ? BATCH_IS_TRANSACTIONAL : 0;
        if (ends) {
            header.attributes = BATCH_IS_TRANSACTIONAL | BATCH_IS_CONTROL;
            header.last_offset_delta = 0;
        }
        if (i < count)
            producers_update(&kept, &header, ends, NULL);
        producers_update(&tried, &header, ends, i < count ? NULL : &undo[i - count]);
        if (i < count && rng_chance(rng, 20)) {
            producers_settle(&kept, header.base_offset);
            producers_settle(&tried, header.base_offset);
        }
        producers_check_all(&tried, batch_last_offset(&header) + 1);
    }
    while (more > 0)
        producers_undo(&tried, &undo[--more]);
    check_eq(kept.by_id.count, tried.by_id.count);
    check_same(&kept, &tried);
    check_same_transactions(&kept, &tried);
    for (int i = 0; i < 200; i++) {
        int64_t id = (int64_t)rng_below(rng, 6);
        int16_t epoch = (int16_t)rng_below(rng, 3);
        int32_t sequence = (int32_t)rng_below(rng, 1000);
        int32_t records = 1 + (int32_t)rng_below(rng, 9);

        check_eq(ask(&kept, id, epoch, sequence, records),
                 ask(&tried, id, epoch, sequence, records));
    }
    producers_fini(&kept);
    producers_fini(&tried);
}

TEST(producers, a_snapshot_has_kafkas_bytes)
{
    const uint8_t wanted[] = {
        0,    1,                                        /* version */
        0x8d, 0xb6, 0xab, 0x7c,                         /* checksum */
        0,    0,    0,    1,                            /* producers */
        0,    0,    0,    0,    0,    0,    0,    5,    /* id */
        0,    2,                                        /* epoch */
        0,    0,    0,    19,                           /* last sequence */
        0,    0,    0,    0,    0,    0,    3,    0xfb, /* last offset */
        0,    0,    0,    9,                            /* offset delta */
        0,    0,    0,    0,    0,    0,    0,    7,    /* timestamp */
        0xff, 0xff, 0xff, 0xff,                         /* coordinator epoch */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    struct text bytes = {.data = NULL};
    struct producers producers;

    producers_init(&producers);
    tell(&producers, 5, 2, 0, 10);
    tell(&producers, 5, 2, 10, 10);
    producers_print(&producers, &bytes);
    check_eq(bytes.size, sizeof(wanted));
    check(slice_equal(text_slice(&bytes), slice_of(wanted, sizeof(wanted))));
    text_fini(&bytes);
    producers_fini(&producers);
}

TEST(producers, a_snapshot_is_read_again_with_the_last_batch_of_each)
{
    struct text bytes = {.data = NULL};
    struct producers producers, again;

    producers_init(&producers);
    producers_init(&again);
    for (int64_t id = 40; id > 0; id--) {
        tell(&producers, id, (int16_t)id, 0, 10);
        tell(&producers, id, (int16_t)id, 10, 2);
    }
    producers_print(&producers, &bytes);
    check_ok(producers_parse(&again, text_slice(&bytes)));
    check_eq(again.by_id.count, 40);
    check_same(&producers, &again);
    for (int16_t id = 1; id <= 40; id++) {
        check_eq(ask(&again, id, id, 10, 2), PRODUCERS_E_DUPLICATE);
        check_eq(ask(&again, id, id, 0, 10), PRODUCERS_E_LONG_PAST);
        check_ok(ask(&again, id, id, 12, 1));
        check_eq(ask(&again, id, (int16_t)(id - 1), 0, 1), PRODUCERS_E_EPOCH);
    }
    producers_fini(&again);
    producers_fini(&producers);
    text_fini(&bytes);
}

TEST(producers, a_producer_without_batches_is_read_and_begins_at_zero)
{
    struct text bytes = {.data = NULL};
    struct producers producers, again;
    struct producer *only;

    producers_init(&producers);
    producers_init(&again);
    tell(&producers, 5, 2, 0, 10);
    only = container_of(map_next(&producers.by_id, NULL), struct producer, node);
    only->batch_count = 0; /* As Kafka's is after a transaction marker. */
    producers_print(&producers, &bytes);
    check_ok(producers_parse(&again, text_slice(&bytes)));
    check_same(&producers, &again);
    check_eq(ask(&again, 5, 2, 10, 1), PRODUCERS_E_SEQUENCE);
    check_ok(ask(&again, 5, 2, 0, 1));
    producers_fini(&again);
    producers_fini(&producers);
    text_fini(&bytes);
}

TEST(producers, a_damaged_snapshot_is_refused_and_leaves_the_state_empty)
{
    struct text bytes = {.data = NULL};
    struct producers producers, again;

    producers_init(&producers);
    producers_init(&again);
    tell(&producers, 5, 2, 0, 10);
    tell(&producers, 6, 0, 0, 10);
    producers_print(&producers, &bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        bytes.data[at] ^= 0x10;
        check_eq(producers_parse(&again, text_slice(&bytes)), PRODUCERS_E_MALFORMED);
        bytes.data[at] ^= 0x10;
        check_eq(producers_parse(&again, slice_of(bytes.data, at)), PRODUCERS_E_MALFORMED);
        check_eq(again.by_id.count, 0);
    }
    text_add(&bytes, "", 1);
    check_eq(producers_parse(&again, text_slice(&bytes)), PRODUCERS_E_MALFORMED);
    producers_fini(&again);
    producers_fini(&producers);
    text_fini(&bytes);
}

TEST(producers, what_the_tail_of_the_log_knows_completes_a_snapshot)
{
    struct text bytes = {.data = NULL};
    struct producers producers, tail, again;

    producers_init(&producers);
    producers_init(&tail);
    producers_init(&again);
    for (int32_t i = 0; i < 9; i++) {
        tell(&producers, 5, 0, 10 * i, 10);
        tell(&producers, 6, i < 7 ? 0 : 1, i < 7 ? 10 * i : 10 * (i - 7), 10);
        if (i >= 2) {
            tell(&tail, 5, 0, 10 * i, 10);
            tell(&tail, 6, i < 7 ? 0 : 1, i < 7 ? 10 * i : 10 * (i - 7), 10);
        }
    }
    tell(&tail, 7, 0, 0, 1);
    producers_print(&producers, &bytes);
    check_ok(producers_parse(&again, text_slice(&bytes)));
    producers_complete(&again, &tail);
    for (int32_t i = 0; i < 9; i++)
        check_eq(ask(&again, 5, 0, 10 * i, 10),
                 i < 4 ? PRODUCERS_E_LONG_PAST : PRODUCERS_E_DUPLICATE);
    check_ok(ask(&again, 5, 0, 90, 1));
    check_eq(ask(&again, 6, 1, 0, 10), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&again, 6, 1, 10, 10), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&again, 6, 0, 60, 10), PRODUCERS_E_EPOCH);
    check_eq(again.by_id.count, 2); /* Who is not in the snapshot is forgotten. */
    producers_fini(&again);
    producers_fini(&tail);
    producers_fini(&producers);
    text_fini(&bytes);
}

TEST(producers, a_tail_with_a_gap_completes_up_to_the_gap)
{
    struct text bytes = {.data = NULL};
    struct producers producers, tail, again;

    producers_init(&producers);
    producers_init(&tail);
    producers_init(&again);
    tell(&producers, 5, 0, 100, 10);
    producers_print(&producers, &bytes);
    check_ok(producers_parse(&again, text_slice(&bytes)));
    tell(&tail, 5, 0, 0, 10);
    tell(&tail, 5, 0, 80, 10); /* 10 to 79 are gone. */
    tell(&tail, 5, 0, 90, 10);
    producers_complete(&again, &tail);
    check_eq(ask(&again, 5, 0, 100, 10), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&again, 5, 0, 90, 10), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&again, 5, 0, 80, 10), PRODUCERS_E_DUPLICATE);
    check_eq(ask(&again, 5, 0, 0, 10), PRODUCERS_E_LONG_PAST);
    producers_fini(&again);
    producers_fini(&tail);
    producers_fini(&producers);
    text_fini(&bytes);
}

/* --- transactions ------------------------------------------------------------ */

/* A batch of one record, part of a transaction, at `offset`. */
static struct batch_header part_of(int64_t id, int16_t epoch, int64_t offset)
{
    struct batch_header header = batch_of(id, epoch, 0, 1);

    header.base_offset = offset;
    header.attributes = BATCH_IS_TRANSACTIONAL;
    return header;
}

static void part(struct producers *producers, int64_t id, int16_t epoch, int64_t offset)
{
    struct batch_header header = part_of(id, epoch, offset);

    producers_update(producers, &header, NULL, NULL);
}

static struct producers_change end(struct producers *producers, int64_t id, int16_t epoch,
                                   int64_t offset, enum marker_type type)
{
    struct marker marker = {.type = type, .coordinator_epoch = 3};
    struct batch_header header = part_of(id, epoch, offset);
    struct producers_change change;

    header.attributes |= BATCH_IS_CONTROL;
    header.base_sequence = -1;
    header.max_timestamp = 99;
    producers_update(producers, &header, &marker, &change);
    producers_check_all(producers, offset + 1);
    return change;
}

/* What becomes of a marker of an epoch, of a coordinator's epoch. */
static int ask_end(const struct producers *producers, int64_t id, int16_t epoch,
                   int32_t coordinator_epoch, int16_t version)
{
    struct marker marker = {.type = MARKER_COMMIT, .coordinator_epoch = coordinator_epoch};
    struct batch_header header = part_of(id, epoch, 1000);
    struct producers_entry entry = {.header = &header,
                                    .marker = &marker,
                                    .is_coordinators = true,
                                    .transaction_version = version};
    struct producer_batch out;

    header.attributes |= BATCH_IS_CONTROL;
    return producers_check(producers, &entry, &out);
}

TEST(producers, readers_of_what_is_committed_stop_at_the_oldest_transaction)
{
    struct producers producers;
    struct producers_change change;

    producers_init(&producers);
    check_eq(producers_first_unstable(&producers), INT64_MAX);
    part(&producers, 1, 0, 10);
    part(&producers, 2, 0, 11);
    part(&producers, 1, 0, 12);
    part(&producers, 3, 0, 13);
    check_eq(producers_first_unstable(&producers), 10);
    change = end(&producers, 2, 0, 14, MARKER_ABORT);
    check(change.has_ended && change.ended.is_aborted);
    check_eq(change.ended.first_offset, 11);
    check_eq(change.ended.last_offset, 14);
    check_eq(change.ended.stable, 10);
    change = end(&producers, 1, 0, 15, MARKER_COMMIT);
    check(change.has_ended && !change.ended.is_aborted);
    check_eq(change.ended.stable, 13);
    change = end(&producers, 3, 0, 16, MARKER_ABORT);
    check_eq(change.ended.stable, 17);
    check_eq(producers_first_unstable(&producers), 10); /* The markers cannot be read yet. */
    producers_settle(&producers, 15);
    check_eq(producers_first_unstable(&producers), 10);
    producers_settle(&producers, 16);
    check_eq(producers_first_unstable(&producers), 13);
    producers_settle(&producers, 17);
    check_eq(producers_first_unstable(&producers), INT64_MAX);
    change = end(&producers, 3, 0, 17, MARKER_ABORT); /* Again, of nothing. */
    check(!change.has_ended);
    check_eq(producers_first_unstable(&producers), INT64_MAX);
    producers_fini(&producers);
}

TEST(producers, a_marker_of_an_old_epoch_or_coordinator_is_refused)
{
    struct producers producers;

    producers_init(&producers);
    check_ok(ask_end(&producers, 1, 0, 0, 2));
    part(&producers, 1, 4, 10);
    check_eq(ask_end(&producers, 1, 3, 0, 0), PRODUCERS_E_EPOCH);
    check_ok(ask_end(&producers, 1, 4, 0, 0));
    check_ok(ask_end(&producers, 1, 4, 0, 1));
    check_eq(ask_end(&producers, 1, 4, 0, 2), PRODUCERS_E_EPOCH); /* Each has its own epoch. */
    check_ok(ask_end(&producers, 1, 5, 0, 2));
    (void)end(&producers, 1, 5, 11, MARKER_COMMIT);
    check_ok(ask_end(&producers, 1, 5, 3, 2)); /* Again. */
    check_eq(ask_end(&producers, 1, 5, 2, 2), PRODUCERS_E_COORDINATOR);
    check_eq(ask_end(&producers, 1, 4, 3, 2), PRODUCERS_E_EPOCH);
    part(&producers, 1, INT16_MAX, 12);
    check_ok(ask_end(&producers, 1, INT16_MAX, 3, 2)); /* No epoch is left. */
    producers_fini(&producers);
}

TEST(producers, a_marker_with_a_new_epoch_begins_new_sequences)
{
    struct producers producers;

    producers_init(&producers);
    part(&producers, 1, 0, 10);
    (void)end(&producers, 1, 0, 11, MARKER_COMMIT);
    check_ok(ask(&producers, 1, 0, 1, 1)); /* The same epoch goes on. */
    (void)end(&producers, 1, 1, 12, MARKER_COMMIT);
    check_eq(ask(&producers, 1, 0, 1, 1), PRODUCERS_E_EPOCH);
    check_eq(ask(&producers, 1, 1, 1, 1), PRODUCERS_E_SEQUENCE);
    check_ok(ask(&producers, 1, 1, 0, 1));
    producers_fini(&producers);
}

TEST(producers, other_batches_do_not_go_into_an_open_transaction)
{
    struct producers producers;

    producers_init(&producers);
    part(&producers, 1, 0, 10);
    check_eq(ask(&producers, 1, 0, 1, 1), PRODUCERS_E_TXN_STATE);
    check_eq(ask(&producers, 1, 0, 0, 1), PRODUCERS_E_DUPLICATE);
    check_ok(ask(&producers, 2, 0, 0, 1));
    producers_fini(&producers);
}

TEST(producers, what_is_idle_is_forgotten_but_not_an_open_transaction)
{
    struct producers producers;

    producers_init(&producers);
    part(&producers, 1, 0, 10); /* At time 7. */
    part(&producers, 2, 0, 11);
    tell(&producers, 3, 0, 0, 1);
    (void)end(&producers, 2, 0, 1012, MARKER_COMMIT); /* At time 99. */
    producers_expire(&producers, 6);
    check_eq(producers.by_id.count, 3);
    producers_expire(&producers, 7);
    check(producers_find(&producers, 1) && producers_find(&producers, 2));
    check(!producers_find(&producers, 3));
    producers_expire(&producers, 99);
    check(producers_find(&producers, 1) && !producers_find(&producers, 2));
    producers_fini(&producers);
}

TEST(producers, a_snapshot_has_the_open_transactions)
{
    struct producers producers, again;
    struct text bytes = {.data = NULL};

    producers_init(&producers);
    producers_init(&again);
    part(&producers, 1, 0, 20);
    part(&producers, 5, 7, 10);
    part(&producers, 3, 0, 30);
    (void)end(&producers, 3, 1, 31, MARKER_ABORT);
    producers_settle(&producers, INT64_MAX);
    producers_print(&producers, &bytes);
    check_ok(producers_parse(&again, text_slice(&bytes)));
    producers_check_all(&again, 32);
    check_same(&producers, &again);
    check_eq(producers_find(&again, 3)->last_timestamp, 99); /* The marker's. */
    check_eq(producers_find(&again, 3)->coordinator_epoch, 3);
    check_eq(producers_first_unstable(&again), 10);
    (void)end(&again, 5, 7, 32, MARKER_COMMIT);
    producers_settle(&again, INT64_MAX);
    check_eq(producers_first_unstable(&again), 20);
    text_fini(&bytes);
    producers_fini(&again);
    producers_fini(&producers);
}
