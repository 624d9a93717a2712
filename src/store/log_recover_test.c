/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"
#include "wire/bytes.h"

#include <stdio.h>

enum { BATCHES = 14, RECORDS = 2, END = BATCHES * RECORDS, SEGMENT = 700, SEGMENTS_MAX = 8 };

/* A log as a crash left it; and for every number of batches, the folder of a log that had
 * no more and was stopped cleanly. */
struct bench {
    struct store_kit kit; /* Where the crashed log is put again and again. */
    char crashed[600];    /* A copy of the folder of data after the crash. */
    char wanted[BATCHES + 1][600];
    struct text bytes;
    size_t starts[BATCHES + 1];
    int64_t bases[SEGMENTS_MAX];
    size_t segment_count;
    int checks; /* How many there were. */
};

static struct store_batch batch_number(int i)
{
    return (struct store_batch){.records = RECORDS,
                                .time = 1000 + 10 * i - (i % 3 == 2 ? 15 : 0),
                                .value_size = (size_t)(10 + i * 7 % 30),
                                .producer = i % 3,
                                .epoch = (int16_t)i};
}

static void configure(struct store_kit *kit)
{
    kit->config.segment_bytes = SEGMENT;
    kit->config.index_interval_bytes = 150;
}

static struct log *fill(struct store_kit *kit, int batches)
{
    struct log *log = store_kit_log(kit, "t-0");

    for (int i = 0; i < batches; i++) {
        struct store_batch batch = batch_number(i);

        store_kit_put(kit, log, &batch);
    }
    return log;
}

/* Stops a log of `batches` batches cleanly and keeps its folder. */
static void keep_wanted(struct bench *bench, int batches)
{
    struct store_kit *kit = &bench->kit;
    char name[32];

    store_kit_close_log(kit, fill(kit, batches));
    (void)snprintf(name, sizeof(name), "wanted-%d", batches);
    (void)snprintf(bench->wanted[batches], sizeof(bench->wanted[0]), "%s",
                   store_kit_beside(kit, name));
    files_copy(store_kit_path(kit, "t-0"), bench->wanted[batches]);
    store_kit_close(kit, false);
    files_remove_dir(kit->path);
    store_kit_open(kit);
}

static void bench_init(struct bench *bench)
{
    struct log *log;

    *bench = (struct bench){.segment_count = 0};
    store_kit_init(&bench->kit);
    configure(&bench->kit);
    for (int i = 0; i <= BATCHES; i++)
        keep_wanted(bench, i);
    for (int i = 0; i < BATCHES; i++) {
        struct store_batch batch = batch_number(i);

        bench->starts[i] = bench->bytes.size;
        store_batch_place(&batch, (int64_t)i * RECORDS, &bench->bytes);
    }
    bench->starts[BATCHES] = bench->bytes.size;
    log = fill(&bench->kit, BATCHES);
    bench->segment_count = log->segment_count;
    check(bench->segment_count >= 3 && bench->segment_count <= SEGMENTS_MAX);
    for (size_t i = 0; i < bench->segment_count; i++)
        bench->bases[i] = log->segments[i].base;
    log_abandon(log);
    store_kit_close(&bench->kit, false);
    (void)snprintf(bench->crashed, sizeof(bench->crashed), "%s",
                   store_kit_beside(&bench->kit, "crashed"));
    files_copy(bench->kit.path, bench->crashed);
}

static void bench_fini(struct bench *bench)
{
    text_fini(&bench->bytes);
    store_kit_fini(&bench->kit);
}

/* Puts the crashed folder where it was; it is not open. */
static void crash(struct bench *bench)
{
    if (bench->kit.dir)
        store_kit_close(&bench->kit, false);
    files_remove_dir(bench->kit.path);
    files_copy(bench->crashed, bench->kit.path);
    diag_lines_clear(&bench->kit.lines);
}

static const char *log_dir_of(struct bench *bench)
{
    return store_kit_path(&bench->kit, "t-0");
}

static const char *name_of(int64_t base, const char *suffix)
{
    static char name[SEGMENT_NAME_SIZE];

    segment_name(name, base, suffix);
    return name;
}

/* The segment that has the byte `at` of the whole log, and where in it. */
static int64_t base_at(const struct bench *bench, size_t at, size_t *out_position)
{
    size_t i = bench->segment_count - 1;

    while (i > 0 && bench->starts[bench->bases[i] / RECORDS] > at)
        i--;
    *out_position = at - bench->starts[bench->bases[i] / RECORDS];
    return bench->bases[i];
}

/* Compares the folder with that of a log of `batches` batches that was stopped cleanly.  A
 * segment that lost all it had is the active one and empty: that log had none yet. */
static void check_folder(struct bench *bench, int batches, bool has_empty)
{
    static const char *const suffixes[] = {".log", ".index", ".timeindex", ".snapshot"};
    const char *dir = log_dir_of(bench);
    const char *wanted = bench->wanted[batches];
    int files = 0;

    for (int64_t base = 0; base <= END; base++) {
        for (size_t k = 0; k < COUNT_OF(suffixes); k++) {
            const char *name = name_of(base, suffixes[k]);

            if (files_size(wanted, name) < 0)
                continue;
            check(files_equal(dir, wanted, name));
            files++;
        }
    }
    check(files > 3 || batches == 0);
    check(files_equal(dir, wanted, "leader-epoch-checkpoint"));
    check(files_equal(dir, wanted, "partition.metadata"));
    check_eq(files_count(dir, ""), files_count(wanted, "") + (has_empty ? 3 : 0));
}

/* Opens what is there, expects `batches` batches, and compares the files after a clean stop;
 * now and then goes on with the next batches. */
static void check_recovery(struct bench *bench, int batches)
{
    struct store_kit *kit = &bench->kit;
    struct log *log;
    bool has_empty;

    store_kit_open(kit);
    log = store_kit_log(kit, "t-0");
    check_eq(log_end(log), batches * RECORDS);
    check(log_synced(log) == log_end(log) && log_start(log) == 0);
    store_kit_check_bytes(kit, log, 0, slice_of(bench->bytes.data, bench->starts[batches]));
    has_empty = log_active(log)->size == 0 && log->segment_count > 1;
    store_kit_close_log(kit, log);
    check_folder(bench, batches, has_empty);
    if (bench->checks++ % 8 > 0)
        return;

    log = store_kit_log(kit, "t-0");
    for (int i = batches; i < BATCHES; i++) {
        struct store_batch batch = batch_number(i);

        check_eq(store_kit_put(kit, log, &batch), i * RECORDS);
    }
    store_kit_check_bytes(kit, log, 0, text_slice(&bench->bytes));
    store_kit_close_log(kit, log);
}

static int whole_batches(const struct bench *bench, size_t size_of_log)
{
    int batches = 0;

    while (batches < BATCHES && bench->starts[batches + 1] <= size_of_log)
        batches++;
    return batches;
}

TEST(log_recover, a_log_that_is_whole_stays_whole)
{
    struct bench bench;

    bench_init(&bench);
    crash(&bench);
    check_recovery(&bench, BATCHES);
    check(!diag_lines_have(&bench.kit.lines, "warn"));
    bench_fini(&bench);
}

TEST(log_recover, whatever_was_lost_of_the_end_what_is_before_it_is_there)
{
    struct bench bench;

    bench_init(&bench);
    for (size_t left = 0; left < bench.bytes.size; left++) {
        size_t position;
        int64_t base = base_at(&bench, left, &position);

        crash(&bench);
        files_truncate(log_dir_of(&bench), name_of(base, ".log"), (int64_t)position);
        for (size_t i = 0; i < bench.segment_count; i++) {
            if (bench.bases[i] <= base)
                continue;
            files_remove(log_dir_of(&bench), name_of(bench.bases[i], ".log"));
            files_remove(log_dir_of(&bench), name_of(bench.bases[i], ".index"));
        }
        check_recovery(&bench, whole_batches(&bench, left));
    }
    bench_fini(&bench);
}

TEST(log_recover, segments_behind_a_cut_are_taken_away)
{
    struct bench bench;

    bench_init(&bench);
    for (size_t left = 0; left < bench.bytes.size; left += 17) {
        size_t position;
        int64_t base = base_at(&bench, left, &position);

        crash(&bench);
        files_truncate(log_dir_of(&bench), name_of(base, ".log"), (int64_t)position);
        check_recovery(&bench, whole_batches(&bench, left));
        check(base == bench.bases[bench.segment_count - 1] ||
              diag_lines_have(&bench.kit.lines, "segment behind a broken one taken away"));
    }
    bench_fini(&bench);
}

/* The epoch of a batch is the one thing that nothing tells is wrong. */
static bool is_in_epoch(const struct bench *bench, size_t at)
{
    size_t in_batch = at - bench->starts[whole_batches(bench, at)];

    return in_batch >= BATCH_EPOCH_AT && in_batch < BATCH_EPOCH_AT + 4;
}

TEST(log_recover, a_byte_that_has_changed_ends_the_log_before_its_batch)
{
    struct bench bench;

    bench_init(&bench);
    for (size_t at = 0; at < bench.bytes.size; at++) {
        size_t position;
        int64_t base = base_at(&bench, at, &position);

        if (is_in_epoch(&bench, at))
            continue;
        crash(&bench);
        files_flip(log_dir_of(&bench), name_of(base, ".log"), (int64_t)position,
                   (uint8_t)(1 << at % 8));
        check_recovery(&bench, whole_batches(&bench, at));
    }
    bench_fini(&bench);
}

TEST(log_recover, bytes_behind_the_end_are_no_batches)
{
    const struct store_batch next = {.records = 1};
    struct text junk = {.data = NULL};
    struct rng seeded = rng_of(3);
    struct bench bench;
    int64_t base;

    bench_init(&bench);
    base = bench.bases[bench.segment_count - 1];
    for (int kind = 0; kind < 40; kind++) {
        struct text file = {.data = NULL};

        text_cut(&junk, 0);
        switch (kind) {
        case 0: (void)text_add_space(&junk, 1); break;
        case 1: store_batch_place(&next, END + 1, &junk); break;           /* Behind a hole. */
        case 2: store_batch_place(&next, END - 1, &junk); break;           /* What was before. */
        case 3: text_add(&junk, bench.bytes.data, bench.starts[3]); break; /* What was there. */
        case 4: store_batch_place(&next, INT64_MAX - 1, &junk); break;
        case 5: store_batch_place(&next, -1, &junk); break;
        default:
            for (int64_t i = rng_between(&seeded, 1, 300); i > 0; i--)
                *text_add_space(&junk, 1) = (uint8_t)(kind % 2 ? rng_next(&seeded) : 0);
            break;
        }
        crash(&bench);
        check(files_read(log_dir_of(&bench), name_of(base, ".log"), &file));
        text_add(&file, junk.data, junk.size);
        files_write(log_dir_of(&bench), name_of(base, ".log"), text_slice(&file));
        check_recovery(&bench, BATCHES);
        check(diag_lines_have(&bench.kit.lines, "log tail cut off"));
        text_fini(&file);
    }
    text_fini(&junk);
    bench_fini(&bench);
}

TEST(log_recover, indexes_and_snapshots_are_made_again_whatever_they_were)
{
    struct bench bench;

    bench_init(&bench);
    for (int how = 0; how < 24; how++) {
        static const char *const suffixes[] = {".index", ".timeindex", ".snapshot"};

        crash(&bench);
        for (size_t i = 0; i < bench.segment_count; i++) {
            const char *name = name_of(bench.bases[i], suffixes[how % 3]);

            if (files_size(log_dir_of(&bench), name) < 0)
                continue;
            switch (how / 3) {
            case 0: files_remove(log_dir_of(&bench), name); break;
            case 1: files_write(log_dir_of(&bench), name, slice_text("nonsense")); break;
            case 2: files_write(log_dir_of(&bench), name, slice_empty()); break;
            case 3: files_truncate(log_dir_of(&bench), name, 10 << 10); break;
            default:
                if (files_size(log_dir_of(&bench), name) > how)
                    files_flip(log_dir_of(&bench), name, how, 0x20);
                break;
            }
        }
        if (how % 3 == 2) { /* The state of producers is in what comes after alone. */
            store_kit_open(&bench.kit);
            store_kit_close_log(&bench.kit, store_kit_log(&bench.kit, "t-0"));
            check(
                files_equal(log_dir_of(&bench), bench.wanted[BATCHES], name_of(END, ".snapshot")));
        } else {
            check_recovery(&bench, BATCHES);
        }
    }
    bench_fini(&bench);
}

TEST(log_recover, a_segment_that_is_missing_ends_the_log)
{
    struct bench bench;

    bench_init(&bench);
    for (size_t i = 1; i < bench.segment_count; i++) {
        crash(&bench);
        files_remove(log_dir_of(&bench), name_of(bench.bases[i], ".log"));
        files_remove(log_dir_of(&bench), name_of(bench.bases[i], ".index"));
        files_remove(log_dir_of(&bench), name_of(bench.bases[i], ".timeindex"));
        check_recovery(&bench, (int)bench.bases[i] / RECORDS);
    }
    bench_fini(&bench);
}

TEST(log_recover, a_new_log_without_its_first_segment_begins_again)
{
    static const char *const suffixes[] = {".log", ".snapshot", ".index", ".timeindex"};
    struct bench bench;

    bench_init(&bench);
    for (size_t files = 2; files <= COUNT_OF(suffixes); files++) {
        for (size_t i = 1; i < bench.segment_count; i++) {
            crash(&bench);
            for (size_t k = 0; k < i * files; k++)
                files_remove(log_dir_of(&bench),
                             name_of(bench.bases[k / files], suffixes[k % files]));
            check_recovery(&bench, 0);
            check(diag_lines_have(&bench.kit.lines, "first segment of a new log is lost"));
        }
    }
    bench_fini(&bench);
}

TEST(log_recover, an_empty_segment_in_the_way_of_its_predecessor_goes)
{
    struct bench bench;

    bench_init(&bench);
    for (int64_t base = 1; base < END; base++) {
        bool is_one = false;

        for (size_t i = 0; i < bench.segment_count; i++)
            is_one |= bench.bases[i] == base;
        if (is_one)
            continue;
        crash(&bench);
        files_write(log_dir_of(&bench), name_of(base, ".log"), slice_empty());
        files_write(log_dir_of(&bench), name_of(base, ".index"), slice_empty());
        check_recovery(&bench, BATCHES);
    }
    bench_fini(&bench);
}

TEST(log_recover, an_empty_segment_at_the_end_is_the_active_one)
{
    struct bench bench;
    struct log *log;

    bench_init(&bench);
    crash(&bench);
    files_write(log_dir_of(&bench), name_of(END, ".log"), slice_empty());
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check(log_end(log) == END && log_active(log)->base == END);
    store_kit_close_log(&bench.kit, log);
    bench_fini(&bench);
}

TEST(log_recover, a_recovery_that_fails_anywhere_can_be_done_again)
{
    struct bench bench;
    size_t cut;
    int failed = 1;

    bench_init(&bench);
    cut = bench.starts[bench.bases[1] / RECORDS + 2] - 5;
    for (int n = 1; failed; n++) {
        struct log *log = NULL;
        size_t position;
        int64_t base = base_at(&bench, cut, &position);

        crash(&bench);
        files_truncate(log_dir_of(&bench), name_of(base, ".log"), (int64_t)position);
        store_kit_open(&bench.kit);
        bench.kit.faulty.tears = true;
        faulty_io_arm(&bench.kit.faulty, FAULTY_ANY, n, -EIO);
        bench.kit.faulty.fail_count = INT32_MAX; /* As if it were killed there. */
        if (log_dir_open_log(bench.kit.dir, &bench.kit.env, "t-0", bench.kit.topic_id,
                             &bench.kit.config, &log) == 0)
            log_abandon(log);
        failed = bench.kit.faulty.failed;
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
        store_kit_close(&bench.kit, false);
        check_recovery(&bench, whole_batches(&bench, cut));
        check(n < 1000);
    }
    bench_fini(&bench);
}

TEST(log_recover, what_is_recovered_is_durable)
{
    struct bench bench;
    struct log *log;
    int before;

    bench_init(&bench);
    crash(&bench);
    store_kit_open(&bench.kit);
    before = bench.kit.faulty.syncs;
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(bench.kit.faulty.syncs - before, 2 * (int)bench.segment_count + 2);
    check(!log_sync_begin(log, &(struct log_sync){.upto = 0}));
    log_abandon(log);

    for (int n = 1; n <= 2 * (int)bench.segment_count + 2; n++) {
        crash(&bench);
        store_kit_open(&bench.kit);
        faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, n, -EIO);
        check_eq(log_dir_open_log(bench.kit.dir, &bench.kit.env, "t-0", bench.kit.topic_id,
                                  &bench.kit.config, &log),
                 -EIO);
        check(log_dir_is_fenced(bench.kit.dir));
        faulty_io_arm(&bench.kit.faulty, 0, 0, 0);
    }
    bench_fini(&bench);
}

/* Ends in order, and then crashes with more: the folder has a recovery point. */
static void stop_and_crash(struct bench *bench, int batches_before)
{
    struct store_kit *kit = &bench->kit;
    struct log *log;

    files_remove_dir(kit->path);
    store_kit_open(kit);
    store_kit_close_log(kit, fill(kit, batches_before));
    store_kit_close(kit, true);
    store_kit_open(kit);
    log = store_kit_log(kit, "t-0");
    for (int i = batches_before; i < BATCHES; i++) {
        struct store_batch batch = batch_number(i);

        store_kit_put(kit, log, &batch);
    }
    log_abandon(log);
    store_kit_close(kit, false);
}

TEST(log_recover, what_was_durable_at_the_last_clean_stop_is_not_read_again)
{
    struct bench bench;
    struct log *log;
    int point;

    bench_init(&bench);
    point = (int)bench.bases[2] / RECORDS + 1;
    stop_and_crash(&bench, point);
    files_flip(log_dir_of(&bench), name_of(bench.bases[1], ".log"), 100, 1);
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(log_end(log), END);
    log_abandon(log);
    store_kit_close(&bench.kit, false);

    files_flip(log_dir_of(&bench), name_of(bench.bases[2], ".log"), 0, 1);
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(log_end(log), bench.bases[2]);
    check(diag_lines_have(&bench.kit.lines, "records that were durable are missing"));
    log_abandon(log);
    bench_fini(&bench);
}

TEST(log_recover, what_is_behind_the_recovery_point_is_not_read_for_producers)
{
    struct text file = {.data = NULL};
    struct bench bench;
    struct log *log;
    int64_t last;

    bench_init(&bench);
    last = bench.bases[bench.segment_count - 1];
    stop_and_crash(&bench, BATCHES);
    files_remove(log_dir_of(&bench), name_of(END, ".snapshot"));
    check(files_read(log_dir_of(&bench), name_of(last, ".log"), &file));
    for (int i = 0; i < 200; i++)
        *text_add_space(&file, 1) = 0;
    files_write(log_dir_of(&bench), name_of(last, ".log"), text_slice(&file));
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(log_end(log), END);
    store_kit_close_log(&bench.kit, log);
    check(files_equal(log_dir_of(&bench), bench.wanted[BATCHES], name_of(END, ".snapshot")));
    text_fini(&file);
    bench_fini(&bench);
}

TEST(log_recover, epochs_that_no_file_tells_are_read_from_the_batches)
{
    struct bench bench;
    struct log *log;

    bench_init(&bench);
    stop_and_crash(&bench, BATCHES);
    files_remove(log_dir_of(&bench), "leader-epoch-checkpoint");
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(log->epoch_count, 1);
    check_eq(log->epochs[0].start, bench.bases[bench.segment_count - 1]);
    log_abandon(log);
    bench_fini(&bench);
}

TEST(log_recover, epochs_begin_at_the_start_at_most)
{
    struct bench bench;
    struct log *log;

    bench_init(&bench);
    stop_and_crash(&bench, BATCHES);
    files_write(bench.kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 1\n"));
    files_remove(log_dir_of(&bench), "leader-epoch-checkpoint");
    files_write(bench.kit.path, "recovery-point-offset-checkpoint", slice_text("0\n0\n"));
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check(log_start(log) == 1 && log->epoch_count == 1 && log->has_new_epochs);
    check_eq(log->epochs[0].start, 1);
    log_abandon(log);
    bench_fini(&bench);
}

TEST(log_recover, a_log_that_lost_all_from_its_start_on_begins_there_again)
{
    struct bench bench;
    struct log *log;

    bench_init(&bench);
    stop_and_crash(&bench, BATCHES - 1);
    files_write(bench.kit.path, "log-start-offset-checkpoint", slice_text("0\n1\nt 0 9\n"));
    files_flip(log_dir_of(&bench), name_of(0, ".log"), 70, 1);
    files_write(bench.kit.path, "recovery-point-offset-checkpoint", slice_text("0\n0\n"));
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check(diag_lines_have(&bench.kit.lines, "log ends below its start"));
    check(log_start(log) == 9 && log_end(log) == 9 && log->segment_count == 1);
    check_eq(files_count(log_dir_of(&bench), ".log"), 1);
    check_eq(files_count(log_dir_of(&bench), ".snapshot"), 0);
    check_eq(store_kit_put(&bench.kit, log, &(struct store_batch){.records = 1}), 9);
    store_kit_close_log(&bench.kit, log);
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check(log_start(log) == 9 && log_end(log) == 10);
    store_kit_close_log(&bench.kit, log);
    bench_fini(&bench);
}

TEST(log_recover, holes_that_a_cleaner_made_are_kept_where_they_may_be)
{
    struct text wanted = {.data = NULL}, cleaned = {.data = NULL};
    struct bench bench;
    struct log *log;
    size_t gap_from, gap_to, second;

    bench_init(&bench);
    crash(&bench);
    second = (size_t)bench.bases[1] / RECORDS;
    gap_from = bench.starts[second + 1];
    gap_to = bench.starts[second + 2];
    text_add(&wanted, bench.bytes.data + bench.starts[second], gap_from - bench.starts[second]);
    text_add(&wanted, bench.bytes.data + gap_to,
             bench.starts[bench.bases[2] / RECORDS - 1] - gap_to); /* Nor its last. */
    files_write(log_dir_of(&bench), name_of(bench.bases[1], ".log"), text_slice(&wanted));
    store_kit_open(&bench.kit);
    bench.kit.config.is_compacted = true;
    log = store_kit_log(&bench.kit, "t-0");
    check(log_end(log) == END && log->segment_count == bench.segment_count);
    store_kit_close_log(&bench.kit, log);
    bench.kit.config.is_compacted = false;
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0"); /* Stopped cleanly: nobody looks. */
    check_eq(log_end(log), END);
    log_abandon(log);

    store_kit_close(&bench.kit, false);
    files_write(bench.kit.path, "recovery-point-offset-checkpoint", slice_text("0\n0\n"));
    text_printf(&cleaned, "0\n1\nt 0 %d\n", (int)bench.bases[2]);
    files_write(bench.kit.path, "cleaner-offset-checkpoint", text_slice(&cleaned));
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0"); /* It was compacted once. */
    check_eq(log_end(log), END);
    log_abandon(log);

    store_kit_close(&bench.kit, false);
    files_write(bench.kit.path, "cleaner-offset-checkpoint", slice_text("0\n0\n"));
    store_kit_open(&bench.kit);
    log = store_kit_log(&bench.kit, "t-0");
    check_eq(log_end(log), bench.bases[1] + RECORDS);
    text_fini(&cleaned);
    log_abandon(log);
    text_fini(&wanted);
    bench_fini(&bench);
}
