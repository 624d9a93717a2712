/* SPDX-License-Identifier: Apache-2.0 */

/* Groups, and what is left when a pass does not come to its end.  What stays of batches is in
 * clean_copy_test.c, whole histories are in log_clean_test.c. */

#include "base/mem.h"
#include "store/cleaner.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { RECORD_SIZE = 61 + 16 };

struct bench {
    struct store_kit kit;
    struct log *log;
};

/* `segments` sealed segments of four records, each of its own key, and one record behind. */
static void bench_init(struct bench *b, int segments)
{
    store_kit_init(&b->kit);
    b->kit.config.is_compacted = true;
    b->kit.config.segment_bytes = 4 * RECORD_SIZE;
    b->log = store_kit_log(&b->kit, "t-0");
    for (int i = 0; i < 4 * segments + 1; i++) {
        char key[] = {(char)('a' + i / 4), (char)('a' + i % 4), 0};

        (void)store_kit_put_record(&b->kit, b->log, key, "value");
    }
    check_eq(b->log->segment_count, segments + 1);
    store_kit_checkpoint(&b->kit, b->log, 0);
}

static void bench_fini(struct bench *b)
{
    log_abandon(b->log);
    store_kit_fini(&b->kit);
}

static void configure(struct bench *b, int64_t segment_bytes, int32_t index_size_max)
{
    b->kit.config.segment_bytes = segment_bytes;
    b->kit.config.index_size_max = index_size_max;
    log_configure(b->log, &b->kit.config);
}

TEST(cleaner, segments_that_fit_one_become_one)
{
    struct bench b;

    bench_init(&b, 6);
    configure(&b, 3 * 4 * RECORD_SIZE, 10 << 20);
    check_ok(store_kit_clean(&b.kit, b.log));
    check_eq(b.log->segment_count, 3);
    check(b.log->segments[1].base == 12 && b.log->segments[2].base == 24);
    check_eq(log_cleaned(b.log), 24);
    bench_fini(&b);
}

TEST(cleaner, indexes_that_do_not_fit_one_stay_apart)
{
    struct bench b;

    bench_init(&b, 4);
    configure(&b, 1 << 20, 12); /* Sealing puts one entry into each index by time. */
    check_ok(store_kit_clean(&b.kit, b.log));
    check_eq(b.log->segment_count, 5);
    bench_fini(&b);
}

static struct clean_view look(struct bench *b, int64_t min_lag_ms, int64_t limit)
{
    struct clean_query query = {.now_ms = b->kit.now_ms, .min_lag_ms = min_lag_ms, .limit = limit};
    struct clean_view view;

    check_ok(log_clean_look(b->log, &query, &view));
    return view;
}

TEST(cleaner, only_what_is_old_and_below_all_bounds_is_cleaned)
{
    struct bench b;
    struct clean_view view;

    bench_init(&b, 4);
    view = look(&b, 0, INT64_MAX);
    check(view.cleaned == 0 && view.uncleanable == 16 && view.clean_bytes == 0);
    check(view.cleanable_bytes > 0 && view.earliest_ms == b.kit.now_ms);
    check_eq(look(&b, 0, 11).uncleanable, 8);
    check_eq(look(&b, 1, INT64_MAX).uncleanable, 0);
    b.kit.now_ms++;
    check_eq(look(&b, 1, INT64_MAX).uncleanable, 16);
    check_ok(store_kit_clean(&b.kit, b.log));
    view = look(&b, 0, INT64_MAX);
    check(view.cleaned == 16 && view.clean_bytes > 0 && view.cleanable_bytes == 0);
    bench_fini(&b);
}

TEST(cleaner, nothing_above_the_recovery_point_is_cleaned)
{
    struct bench b;

    bench_init(&b, 1);
    for (int i = 0; i < 20; i++)
        (void)store_kit_put_record(&b.kit, b.log, "key", "value");
    check_ok(store_kit_sync(&b.kit, b.log));
    check_eq(look(&b, 0, INT64_MAX).uncleanable, 4);
    store_kit_checkpoint(&b.kit, b.log, 0);
    check_eq(look(&b, 0, INT64_MAX).uncleanable, 24);
    bench_fini(&b);
}

TEST(cleaner, what_cannot_be_read_is_left_alone)
{
    struct bench b;
    const char *name = "00000000000000000004.log";
    struct text before = {.data = NULL};

    bench_init(&b, 3);
    check_ok(file_load(b.kit.env.io, b.log->folder->fd, name, 10000, &before));
    before.data[RECORD_SIZE / 2] ^= 1;
    files_write(store_kit_path(&b.kit, "t-0"), name, text_slice(&before));
    check_eq(store_kit_clean(&b.kit, b.log), CLEAN_E_CORRUPT);
    check_eq(b.log->segment_count, 4);
    check_eq(files_size(store_kit_path(&b.kit, "t-0"), name), (int64_t)before.size);
    text_fini(&before);
    bench_fini(&b);
}

/* Takes steps until the pass has something for the log to do. */
static struct clean_pass *begin(struct bench *b)
{
    struct clean_terms terms = {.now_ms = b->kit.now_ms, .map_bytes_max = 1 << 20, .map_load = 0.9};
    struct clean_view view = look(b, 0, INT64_MAX);
    struct clean_pass *pass;
    int r;

    check_ok(log_clean_begin(b->log, &view, &terms, &pass));
    do
        r = clean_pass_step(pass, b->kit.env.io, 1);
    while (r == CLEAN_MORE);
    check_eq(r, CLEAN_GROUP);
    return pass;
}

TEST(cleaner, segments_that_were_deleted_meanwhile_do_not_come_back)
{
    struct bench b;
    struct clean_pass *pass;
    int64_t base;

    bench_init(&b, 3);
    configure(&b, 1 << 20, 10 << 20);
    pass = begin(&b);
    store_kit_checkpoint(&b.kit, b.log, 4);
    check_ok(log_drop_segment(b.log, &base));
    check(!log_clean_swap(b.log, pass));
    check_eq(clean_pass_step(pass, b.kit.env.io, 1), CLEAN_E_GONE);
    store_kit_checkpoint(&b.kit, b.log, 4);
    check_eq(log_start_mark(b.log), 4); /* A crash would bring the copy back. */
    clean_pass_destroy(pass, b.kit.env.io);
    log_clean_over(b.log);
    check_eq(log_start_mark(b.log), 4);
    store_kit_checkpoint(&b.kit, b.log, 4);
    check_eq(log_start_mark(b.log), b.log->segments[0].base == 4 ? -1 : 4);
    check_eq(b.log->segment_count, 3);
    check_eq(files_size(store_kit_path(&b.kit, "t-0"), "00000000000000000000.log.swap"), -1);
    bench_fini(&b);
}

TEST(cleaner, a_stop_in_the_middle_of_a_swap_completes_it)
{
    struct bench b;
    struct clean_pass *pass;

    bench_init(&b, 3);
    configure(&b, 1 << 20, 10 << 20);
    pass = begin(&b);
    check(log_clean_swap(b.log, pass));
    check(!log_has_segment_below(b.log));
    clean_pass_destroy(pass, b.kit.env.io);
    log_clean_over(b.log);
    store_kit_close_log(&b.kit, b.log);
    check(files_size(store_kit_path(&b.kit, "t-0"), "00000000000000000000.log") > 0);
    check_eq(files_size(store_kit_path(&b.kit, "t-0"), "00000000000000000000.log.swap"), -1);
    store_kit_close(&b.kit, true);
    store_kit_open(&b.kit);
    b.log = store_kit_log(&b.kit, "t-0");
    check_eq(b.log->segment_count, 2);
    bench_fini(&b);
}

TEST(cleaner, a_cancelled_pass_leaves_nothing_behind)
{
    struct bench b;
    struct clean_pass *pass;

    bench_init(&b, 3);
    pass = begin(&b);
    clean_pass_destroy(pass, b.kit.env.io);
    log_clean_over(b.log);
    check_eq(files_size(store_kit_path(&b.kit, "t-0"), "00000000000000000000.log.swap"), -1);
    check_eq(files_size(store_kit_path(&b.kit, "t-0"), "00000000000000000000.index.swap"), -1);
    check_ok(store_kit_clean(&b.kit, b.log));
    bench_fini(&b);
}
