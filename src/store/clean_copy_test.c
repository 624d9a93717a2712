/* SPDX-License-Identifier: Apache-2.0 */

/* What stays of batches, and for how long. */

#include "base/mem.h"
#include "store/cleaner_internal.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/store_kit.h"

struct bench {
    struct store_kit kit;
    struct log *log;
    struct text bytes; /* What is in the log. */
};

static void bench_init(struct bench *b)
{
    *b = (struct bench){.log = NULL};
    store_kit_init(&b->kit);
    b->kit.config.is_compacted = true;
    b->log = store_kit_log(&b->kit, "t-0");
}

static void bench_fini(struct bench *b)
{
    log_abandon(b->log);
    text_fini(&b->bytes);
    store_kit_fini(&b->kit);
}

/* Seals what is there, and cleans it. */
static void clean(struct bench *b)
{
    struct log_config roll = b->kit.config;

    roll.segment_bytes = 100;
    log_configure(b->log, &roll);
    (void)store_kit_put_record(&b->kit, b->log, "the last", "one");
    log_configure(b->log, &b->kit.config);
    store_kit_checkpoint(&b->kit, b->log, 0);
    check_ok(store_kit_clean(&b->kit, b->log));
    text_cut(&b->bytes, 0);
    check_ok(store_kit_read(&b->kit, b->log, 0, log_written(b->log), &b->bytes));
}

/* The header of the batch that begins at `offset`; false if there is none. */
static bool find(const struct bench *b, int64_t offset, struct batch_header *out)
{
    for (size_t at = 0; at < b->bytes.size; at += out->size) {
        check_ok(batch_parse(slice_of(b->bytes.data + at, b->bytes.size - at), out));
        if (out->base_offset == offset)
            return true;
    }
    return false;
}

TEST(clean_copy, a_tombstone_stays_until_the_horizon_that_its_first_cleaning_sets)
{
    struct bench b;
    struct batch_header header;

    bench_init(&b);
    check_eq(store_kit_put_record(&b.kit, b.log, "key", "value"), 0);
    check_eq(store_kit_put_record(&b.kit, b.log, "key", NULL), 1);
    clean(&b);
    check(!find(&b, 0, &header) && find(&b, 1, &header));
    check(header.attributes & BATCH_HAS_DELETE_HORIZON);
    check_eq(header.base_timestamp, b.kit.now_ms + STORE_HORIZON_MS);
    b.kit.now_ms += STORE_HORIZON_MS - 1;
    clean(&b);
    check(find(&b, 1, &header) && header.record_count == 1);
    check_eq(header.base_timestamp, b.kit.now_ms + 1); /* Nobody moves it. */
    b.kit.now_ms++;
    clean(&b);
    check(!find(&b, 1, &header));
    bench_fini(&b);
}

TEST(clean_copy, what_loses_nothing_is_copied_as_it_is)
{
    struct bench b;
    struct text before = {.data = NULL};

    bench_init(&b);
    (void)store_kit_put_record(&b.kit, b.log, "a", "1");
    (void)store_kit_put_record(&b.kit, b.log, "b", "2");
    check_ok(store_kit_read(&b.kit, b.log, 0, 2, &before));
    clean(&b);
    check(b.bytes.size > before.size && memcmp(b.bytes.data, before.data, before.size) == 0);
    text_fini(&before);
    bench_fini(&b);
}

TEST(clean_copy, a_smaller_batch_keeps_its_codec_its_offsets_and_its_producer)
{
    struct store_batch batch = {
        .records = 5, .producer = 9, .codec = COMPRESS_ZSTD, .value_size = 50, .time = 1000};
    struct batch_header header;
    struct bench b;

    bench_init(&b);
    (void)store_kit_put(&b.kit, b.log, &batch); /* One key five times. */
    clean(&b);
    check(find(&b, 0, &header));
    check(header.record_count == 1 && header.last_offset_delta == 4);
    check(batch_codec(&header) == COMPRESS_ZSTD && header.base_timestamp == 1004);
    check(header.producer_id == 9 && header.base_sequence == 0);
    bench_fini(&b);
}

TEST(clean_copy, the_last_batch_of_a_producer_stays_though_it_be_empty)
{
    struct store_batch batch = {.records = 2, .producer = 9};
    struct batch_header header;
    struct bench b;

    bench_init(&b);
    (void)store_kit_put(&b.kit, b.log, &batch);
    batch.sequence = 2;
    (void)store_kit_put(&b.kit, b.log, &batch);
    (void)store_kit_put_record(&b.kit, b.log, "key", "newest");
    clean(&b);
    check(!find(&b, 0, &header) && find(&b, 2, &header));
    check(header.record_count == 0 && header.base_sequence == 2 && header.last_offset_delta == 1);
    bench_fini(&b);
}

TEST(clean_copy, a_marker_goes_when_its_records_are_gone_and_its_horizon_has_come)
{
    struct store_batch batch = {.records = 1, .producer = 9, .is_transactional = true};
    struct store_batch marker = {.producer = 9, .marker = STORE_ABORT, .time = 5};
    struct batch_header header;
    struct bench b;

    bench_init(&b);
    (void)store_kit_put(&b.kit, b.log, &batch);
    (void)store_kit_put(&b.kit, b.log, &marker);
    batch.sequence = 1;
    batch.is_transactional = false;
    (void)store_kit_put(&b.kit, b.log, &batch); /* So that the first is not its last. */
    log_settle_transactions(b.log, log_written(b.log));
    clean(&b);
    check(!find(&b, 0, &header) && find(&b, 1, &header));
    check(!(header.attributes & BATCH_HAS_DELETE_HORIZON)); /* There were records. */
    clean(&b);
    check(find(&b, 1, &header) && (header.attributes & BATCH_HAS_DELETE_HORIZON));
    b.kit.now_ms += STORE_HORIZON_MS;
    clean(&b);
    check(!find(&b, 1, &header));
    bench_fini(&b);
}
