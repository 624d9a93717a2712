/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "store/log_scrub.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { BATCHES = 60, RECORDS = 3, STEPS_MAX = 1000 };

/* A log of several segments, which nobody has open. */
struct bench {
    struct store_kit kit;
    struct file *root;
    size_t segments;
    int64_t second; /* Base of the second segment. */
    uint64_t bytes;
};

static void bench_init(struct bench *bench)
{
    struct log *log;

    *bench = (struct bench){.root = NULL};
    store_kit_init(&bench->kit);
    bench->kit.config.segment_bytes = 4000;
    log = store_kit_log(&bench->kit, "t-0");
    for (int i = 0; i < BATCHES; i++)
        store_kit_put(&bench->kit, log,
                      &(struct store_batch){.records = RECORDS, .value_size = 100});
    for (size_t i = 0; i < log->segment_count; i++)
        bench->bytes += log->segments[i].size;
    bench->segments = log->segment_count;
    bench->second = log->segments[1].base;
    check(bench->segments > 3);
    store_kit_close_log(&bench->kit, log);
    bench->root = log_dir_folder(bench->kit.dir);
}

static void bench_fini(struct bench *bench)
{
    file_unref(bench->root);
    store_kit_fini(&bench->kit);
}

/* Goes through the whole log; the offsets of what is suspicious are in `out`, `max` at most. */
static size_t scrub_all(struct bench *bench, uint64_t step, int64_t *out, size_t max,
                        uint64_t *out_bytes)
{
    struct log_scrub scrub = {.base = 0};
    size_t count = 0;
    int r = LOG_SCRUB_MORE;

    *out_bytes = 0;
    for (int i = 0; r > 0; i++) {
        check(i < STEPS_MAX);
        r = log_scrub_step(bench->kit.env.io, bench->root, "t-0", step, &scrub);
        *out_bytes += scrub.bytes;
        if (r == LOG_SCRUB_SUSPICION) {
            check(count < max);
            out[count++] = scrub.offset;
        }
    }
    check_ok(r);
    return count;
}

static void flip(struct bench *bench, int64_t base, int64_t position)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, base, ".log");
    files_flip(store_kit_path(&bench->kit, "t-0"), name, position, 0x40);
}

TEST(log_scrub, every_byte_is_read_once_in_steps_of_any_size)
{
    static const uint64_t steps[] = {1, 1000, 4000, 1 << 20};
    struct bench bench;

    bench_init(&bench);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        uint64_t bytes;

        check_eq(scrub_all(&bench, steps[i], NULL, 0, &bytes), 0);
        check_eq(bytes, bench.bytes);
    }
    bench_fini(&bench);
}

TEST(log_scrub, what_is_damaged_is_found_and_the_rest_is_read)
{
    int64_t found[4];
    uint64_t bytes;
    struct bench bench;

    bench_init(&bench);
    flip(&bench, 0, 100);
    flip(&bench, bench.second, 200);
    check_eq(scrub_all(&bench, 1 << 20, found, COUNT_OF(found), &bytes), 2);
    check_eq(found[0], 0);
    check_eq(found[1], bench.second);
    check_eq(bytes, bench.bytes);
    bench_fini(&bench);
}

TEST(log_scrub, behind_a_length_that_leads_nowhere_the_next_segment_follows)
{
    enum { AT_LENGTH = 8 };
    int64_t found[2];
    uint64_t bytes;
    struct bench bench;

    bench_init(&bench);
    flip(&bench, bench.second, AT_LENGTH);
    check_eq(scrub_all(&bench, 1 << 20, found, COUNT_OF(found), &bytes), 1);
    check_eq(found[0], bench.second);
    check(bytes < bench.bytes && bytes > bench.bytes / 2);
    bench_fini(&bench);
}

TEST(log_scrub, segments_may_go_and_come_between_steps)
{
    struct log_scrub scrub = {.base = 0};
    struct bench bench;
    char name[SEGMENT_NAME_SIZE];

    bench_init(&bench);
    check_eq(log_scrub_step(bench.kit.env.io, bench.root, "t-0", 1, &scrub), LOG_SCRUB_MORE);
    check(scrub.base == 0 && scrub.position > 0);
    segment_name(name, 0, ".log");
    files_remove(store_kit_path(&bench.kit, "t-0"), name);
    check_eq(log_scrub_step(bench.kit.env.io, bench.root, "t-0", 1, &scrub), LOG_SCRUB_MORE);
    check(scrub.base == bench.second && scrub.position > 0);
    check_ok(log_scrub_step(bench.kit.env.io, bench.root, "none-0", 1, &scrub));
    bench_fini(&bench);
}

TEST(log_scrub, a_disk_that_cannot_be_read_is_no_suspicion)
{
    struct bench bench;

    bench_init(&bench);
    for (int n = 1;; n++) {
        struct log_scrub scrub = {.base = 0};
        int r;

        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -EIO);
        r = log_scrub_step(bench.kit.env.io, bench.root, "t-0", 1 << 20, &scrub);
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        if (r > 0)
            break;
        check(r == -EIO && n < 20);
    }
    bench_fini(&bench);
}
