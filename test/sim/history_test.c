/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "test/sim/history.h"

enum { P = 7, READER = 1, FINAL = 99 };

/* An idempotent, durable batch of one producer. */
static struct history_write batch_of(uint64_t first_value, uint32_t count)
{
    return (struct history_write){
        .partition = P,
        .first_value = first_value,
        .count = count,
        .is_idempotent = true,
        .is_durable = true,
    };
}

/* Sends a batch and has it acknowledged. */
static void produce(struct history *h, uint64_t first_value, uint32_t count, int64_t base_offset)
{
    const struct history_write write = batch_of(first_value, count);

    history_acknowledge(h, history_invoke(h, &write), base_offset);
}

/* A consumer reads values at consecutive offsets. */
static void read_run(struct history *h, uint32_t consumer, int64_t offset, const uint64_t *values,
                     size_t count)
{
    struct history_record records[16];

    check(count <= COUNT_OF(records));
    for (size_t i = 0; i < count; i++)
        records[i] = (struct history_record){.offset = offset + (int64_t)i, .value = values[i]};
    history_poll(h, &(struct history_poll){
                        .partition = P,
                        .consumer = consumer,
                        .invoked = history_now(h),
                        .position = offset,
                        .high_watermark = -1,
                        .log_start = -1,
                        .records = records,
                        .count = count,
                    });
}

#define READ(h, consumer, offset, ...)                                                             \
    read_run((h), (consumer), (offset), (const uint64_t[]){__VA_ARGS__},                           \
             COUNT_OF(((const uint64_t[]){__VA_ARGS__})))

/* The partition ends as it was read by FINAL. */
static void finish(struct history *h, int64_t log_start, int64_t high_watermark)
{
    history_finish(h, P, FINAL, log_start, high_watermark);
}

/* Exactly one anomaly, of this kind. */
static void check_one(struct history *h, enum history_anomaly_kind kind)
{
    size_t count = history_check(h);

    if (count != 1 || history_count(h, kind) != 1)
        history_print(h, stderr, 10);
    check_eq(history_count(h, kind), 1);
    check_eq(count, 1);
}

static void check_none(struct history *h)
{
    if (history_check(h) > 0)
        history_print(h, stderr, 10);
    check_eq(history_check(h), 0);
}

TEST(history, an_honest_log_has_no_anomaly)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 3, 0);
    READ(h, READER, 0, 100, 101);
    produce(h, 200, 1, 3);
    READ(h, READER, 2, 102, 200);
    READ(h, FINAL, 0, 100, 101, 102, 200);
    finish(h, 0, 4);
    check_none(h);
}

TEST(history, an_acknowledged_write_that_is_gone_is_lost)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, 0);
    produce(h, 200, 1, 1);
    READ(h, FINAL, 0, 100);
    finish(h, 0, 1);
    check_one(h, HISTORY_LOST_WRITE);
}

TEST(history, a_write_without_an_answer_may_be_there_or_not)
{
    for (int is_there = 0; is_there < 2; is_there++) {
        scoped(history_destroyp) struct history *h = history_create();
        const struct history_write write = batch_of(200, 1);

        produce(h, 100, 1, 0);
        (void)history_invoke(h, &write);
        if (is_there)
            READ(h, FINAL, 0, 100, 200);
        else
            READ(h, FINAL, 0, 100);
        finish(h, 0, 1 + is_there);
        check_none(h);
    }
}

TEST(history, what_retention_has_removed_is_not_lost)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, 0);
    produce(h, 200, 1, 1);
    READ(h, FINAL, 1, 200);
    finish(h, 1, 2);
    check_none(h);
}

TEST(history, an_acknowledgement_without_an_offset_counts_too)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, -1);
    produce(h, 200, 1, -1);
    READ(h, FINAL, 0, 200);
    finish(h, 0, 1);
    check_one(h, HISTORY_LOST_WRITE);
}

TEST(history, acks_of_one_may_be_lost_unless_they_were_read)
{
    struct history_write write = batch_of(100, 1);

    for (int is_read = 0; is_read < 2; is_read++) {
        scoped(history_destroyp) struct history *h = history_create();

        write.is_durable = false;
        history_acknowledge(h, history_invoke(h, &write), 0);
        if (is_read)
            READ(h, READER, 0, 100);
        finish(h, 0, 0);
        if (is_read)
            check_one(h, HISTORY_UNREAD);
        else
            check_none(h);
    }
}

TEST(history, one_offset_has_one_value)
{
    scoped(history_destroyp) struct history *h = history_create();
    struct history_write write = batch_of(100, 1);

    (void)history_invoke(h, &write);
    write = (struct history_write){.partition = P, .producer = 1, .first_value = 101, .count = 1};
    (void)history_invoke(h, &write);
    READ(h, READER, 0, 100);
    READ(h, 2, 0, 101);
    check_one(h, HISTORY_INCONSISTENT_OFFSETS);
}

TEST(history, a_producer_is_told_where_consumers_find_it)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, 5);
    READ(h, READER, 4, 100);
    check(history_check(h) > 0);
    check_eq(history_count(h, HISTORY_DUPLICATE), 1);
}

TEST(history, an_idempotent_value_is_there_once)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_write write = batch_of(100, 1);

    history_resend(h, history_invoke(h, &write));
    READ(h, READER, 0, 100, 100);
    check_one(h, HISTORY_DUPLICATE);
}

TEST(history, another_value_may_be_there_as_often_as_it_was_sent)
{
    for (int times = 2; times <= 3; times++) {
        scoped(history_destroyp) struct history *h = history_create();
        struct history_write write = batch_of(100, 1);

        write.is_idempotent = false;
        history_resend(h, history_invoke(h, &write));
        if (times == 2) {
            READ(h, READER, 0, 100, 100);
            check_none(h);
        } else {
            READ(h, READER, 0, 100, 100, 100);
            check_one(h, HISTORY_DUPLICATE);
        }
    }
}

TEST(history, an_idempotent_producer_keeps_its_order)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_write first = batch_of(100, 1);
    const struct history_write second = batch_of(101, 1);

    (void)history_invoke(h, &first);
    (void)history_invoke(h, &second);
    READ(h, READER, 0, 101, 100);
    check_one(h, HISTORY_REORDERED);
}

TEST(history, two_producers_at_once_have_no_order)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_write first = batch_of(100, 1);
    struct history_write second = batch_of(101, 1);

    second.producer = 1;
    (void)history_invoke(h, &first);
    (void)history_invoke(h, &second);
    READ(h, READER, 0, 101, 100);
    check_none(h);
}

TEST(history, what_begins_after_an_acknowledgement_lies_behind_it)
{
    scoped(history_destroyp) struct history *h = history_create();
    struct history_write late = batch_of(50, 1);

    late.producer = 1;
    late.is_idempotent = false;
    produce(h, 100, 1, 1);
    (void)history_invoke(h, &late);
    READ(h, READER, 0, 50, 100);
    check_one(h, HISTORY_REORDERED);
}

TEST(history, a_poll_does_not_go_back)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_record records[] = {{1, 101}, {0, 100}};

    produce(h, 100, 2, 0);
    history_poll(h, &(struct history_poll){
                        .partition = P,
                        .position = 1,
                        .high_watermark = -1,
                        .log_start = -1,
                        .records = records,
                        .count = 2,
                    });
    check_one(h, HISTORY_NONMONOTONIC_POLL);
}

TEST(history, a_poll_leaves_nothing_out)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_record records[] = {{0, 100}, {2, 102}};

    produce(h, 100, 3, 0);
    history_poll(h, &(struct history_poll){
                        .partition = P,
                        .position = 0,
                        .high_watermark = -1,
                        .log_start = -1,
                        .records = records,
                        .count = 2,
                    });
    check_one(h, HISTORY_OFFSET_GAP);
}

TEST(history, the_last_reader_gets_to_the_end)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, 0);
    READ(h, FINAL, 0, 100);
    finish(h, 0, 2);
    check_one(h, HISTORY_OFFSET_GAP);
}

TEST(history, a_value_that_nobody_wrote_is_a_phantom)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 1, 0);
    READ(h, READER, 0, 100, HISTORY_GARBAGE);
    check_one(h, HISTORY_PHANTOM);
}

TEST(history, a_value_of_another_partition_is_a_phantom)
{
    scoped(history_destroyp) struct history *h = history_create();
    struct history_write elsewhere = batch_of(100, 1);

    elsewhere.partition = P + 1;
    (void)history_invoke(h, &elsewhere);
    READ(h, READER, 0, 100);
    check_one(h, HISTORY_PHANTOM);
}

TEST(history, a_refused_write_that_is_read_is_a_phantom)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_write write = batch_of(100, 1);

    history_refuse(h, history_invoke(h, &write));
    READ(h, READER, 0, 100);
    check_one(h, HISTORY_PHANTOM);
}

TEST(history, a_value_read_before_it_is_written_is_a_phantom)
{
    scoped(history_destroyp) struct history *h = history_create();

    READ(h, READER, 0, 100);
    produce(h, 100, 1, 0);
    check_one(h, HISTORY_PHANTOM);
}

TEST(history, what_was_read_is_there_at_the_end)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_write write = batch_of(100, 1);

    (void)history_invoke(h, &write);
    READ(h, READER, 0, 100);
    READ(h, 2, 0, 100); /* Seen twice, told once. */
    finish(h, 0, 0);
    check_one(h, HISTORY_UNREAD);
}

/* A poll without records, asked for now. */
static void look(struct history *h, int64_t log_start, int64_t high_watermark)
{
    history_poll(h, &(struct history_poll){
                        .partition = P,
                        .invoked = history_now(h),
                        .high_watermark = high_watermark,
                        .log_start = log_start,
                    });
}

TEST(history, marks_do_not_go_back)
{
    for (int i = 0; i < 3; i++) {
        scoped(history_destroyp) struct history *h = history_create();

        history_ask_start(h, P, 3);
        look(h, 2, 5);
        if (i == 0)
            look(h, 2, 4);
        else if (i == 1)
            look(h, 1, 5);
        else
            look(h, 3, 6);
        if (i == 2)
            check_none(h);
        else
            check_one(h, i == 0 ? HISTORY_WATERMARK : HISTORY_START);
    }
}

TEST(history, a_log_begins_where_somebody_has_asked_it_to_or_before)
{
    scoped(history_destroyp) struct history *h = history_create();

    look(h, 0, 9);
    history_ask_start(h, P + 1, 9);
    history_ask_start(h, P, 4);
    look(h, 4, 9);
    check_none(h);
    look(h, 5, 9);
    check_one(h, HISTORY_START);
    history_ask_start(h, P, INT64_MAX);
    look(h, 8, 9);
    check_one(h, HISTORY_START); /* The one before. */
}

TEST(history, what_was_deleted_is_not_read_and_the_log_begins_behind_it)
{
    for (int i = 0; i < 3; i++) {
        scoped(history_destroyp) struct history *h = history_create();

        produce(h, 100, 4, 0);
        history_ask_start(h, P, 2);
        READ(h, READER, 0, 100, 101); /* Not deleted yet, for all that anybody knows. */
        history_start_moved(h, P, 2);
        if (i == 0)
            READ(h, READER, 2, 102, 103);
        else if (i == 1)
            READ(h, READER, 1, 101, 102);
        else
            look(h, 1, 4);
        if (i == 0)
            check_none(h);
        else
            check_one(h, i == 1 ? HISTORY_UNDELETED : HISTORY_START);
    }
}

TEST(history, marks_that_were_asked_for_at_once_may_come_in_any_order)
{
    scoped(history_destroyp) struct history *h = history_create();
    struct history_poll poll = {
        .partition = P,
        .invoked = history_now(h),
        .high_watermark = 5,
        .log_start = -1,
    };

    history_poll(h, &poll);
    poll.high_watermark = 4; /* Asked for before the other was answered. */
    history_poll(h, &poll);
    check_none(h);
}

TEST(history, what_is_acknowledged_is_below_the_high_watermark)
{
    scoped(history_destroyp) struct history *h = history_create();

    produce(h, 100, 3, 0);
    look(h, 0, 2);
    check_one(h, HISTORY_WATERMARK);
}

TEST(history, what_is_read_is_below_the_high_watermark)
{
    scoped(history_destroyp) struct history *h = history_create();
    const struct history_record record = {0, 100};

    produce(h, 100, 1, 0);
    history_poll(h, &(struct history_poll){
                        .partition = P,
                        .high_watermark = 0,
                        .log_start = 0,
                        .records = &record,
                        .count = 1,
                    });
    check_one(h, HISTORY_WATERMARK);
}

TEST(history, a_lossy_partition_is_judged_by_its_end)
{
    scoped(history_destroyp) struct history *h = history_create();

    history_set_lossy(h, P);
    produce(h, 100, 1, 0);
    produce(h, 101, 1, 1);
    READ(h, READER, 0, 100, 101);
    READ(h, FINAL, 0, 100);
    finish(h, 0, 1);
    check_none(h);
    READ(h, FINAL, 1, HISTORY_GARBAGE);
    finish(h, 0, 2);
    check(history_check(h) > 0);
    check_eq(history_count(h, HISTORY_PHANTOM), 1);
}

static uint64_t key_of(uint64_t value)
{
    return value % 10;
}

TEST(history, of_a_compacted_partition_the_newest_of_each_key_is_there)
{
    scoped(history_destroyp) struct history *h = history_create();

    history_set_compacted(h, P, key_of);
    produce(h, 101, 1, 0);
    produce(h, 102, 1, 1);
    produce(h, 111, 1, 2);
    produce(h, 121, 1, 3);
    READ(h, FINAL, 1, 102);
    READ(h, FINAL, 3, 121);
    finish(h, 0, 5); /* Even where the last offsets have nothing any more. */
    check_none(h);
}

TEST(history, compaction_may_not_take_the_newest)
{
    scoped(history_destroyp) struct history *h = history_create();

    history_set_compacted(h, P, key_of);
    produce(h, 101, 1, 0);
    produce(h, 102, 1, 1);
    produce(h, 111, 1, 2);
    READ(h, FINAL, 0, 101, 102);
    finish(h, 0, 3);
    check_one(h, HISTORY_LOST_WRITE);
}

/* An honest log of many producers and readers, and then one thing wrong with it. */
PROPERTY(history, one_wrong_record_among_many_is_found, 50)
{
    scoped(history_destroyp) struct history *h = history_create();
    uint64_t log[400];
    size_t end = 0;
    size_t wrong;

    while (end + 8 < COUNT_OF(log)) {
        struct history_write write = batch_of(1 + 10 * end, (uint32_t)rng_between(rng, 1, 8));
        size_t id;

        write.producer = (uint32_t)rng_below(rng, 3);
        id = history_invoke(h, &write);
        for (uint32_t i = 0; i < write.count; i++)
            log[end + i] = write.first_value + i;
        if (rng_chance(rng, 70))
            history_acknowledge(h, id, (int64_t)end);
        end += write.count;
        if (rng_chance(rng, 50))
            read_run(h, READER, (int64_t)end - 1, &log[end - 1], 1);
    }
    for (size_t at = 0; at < end; at += 16)
        read_run(h, FINAL, (int64_t)at, &log[at], min_of(end - at, (size_t)16));
    finish(h, 0, (int64_t)end);
    check_none(h);
    wrong = (size_t)rng_below(rng, end - 1);
    read_run(h, READER, (int64_t)wrong, &log[wrong + 1], 1);
    check(history_check(h) > 0);
    check(history_count(h, HISTORY_INCONSISTENT_OFFSETS) > 0);
}
