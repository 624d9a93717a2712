/* SPDX-License-Identifier: Apache-2.0 */
#include "control/mlog.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <errno.h>
#include <stdio.h>

static const char folder[] = "__cluster_metadata-0";
static const char first_segment[] = "00000000000000000000.log";

struct bench {
    struct store_kit kit;
    struct loop loop;
    struct syncer *syncer;
    struct mlog *mlog;
    struct mlog_config config;
    struct text replayed; /* Offset and content of each record. */
    int refuse_at;        /* Offset at which replay() answers with 7, or -1. */
    int heard, result;
};

static int replay(void *context, int64_t offset, struct slice record)
{
    struct bench *bench = context;

    text_printf(&bench->replayed, "[%d %.*s]", (int)offset, SLICE_ARG(record));
    return offset == bench->refuse_at ? 7 : 0;
}

static int open_mlog(struct bench *bench)
{
    text_cut(&bench->replayed, 0);
    text_add(&bench->replayed, "", 0);
    return mlog_open(&(struct mlog_options){.dir = bench->kit.dir,
                                            .env = &bench->kit.env,
                                            .syncer = bench->syncer,
                                            .config = bench->config,
                                            .node_id = 1,
                                            .replay = replay,
                                            .context = bench},
                     &bench->mlog);
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.refuse_at = -1, .config = mlog_config_plain};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    check_ok(open_mlog(bench));
}

static int close_mlog(struct bench *bench, bool clean)
{
    return mlog_close(take(bench->mlog), clean);
}

static void bench_fini(struct bench *bench)
{
    check_ok(close_mlog(bench, false));
    bench->kit.faulty.holds_work = false;
    bench->syncer = syncer_destroy(bench->syncer);
    loop_fini(&bench->loop);
    text_fini(&bench->replayed);
    store_kit_fini(&bench->kit);
}

static void heard(void *context, int r)
{
    struct bench *bench = context;

    bench->heard++;
    bench->result = r;
}

/* Appends records "<name>0", "<name>1", ... */
static int append(struct bench *bench, const char *name, size_t count, bool now)
{
    struct slice records[8];
    char texts[8][32];

    check(count <= COUNT_OF(records));
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%s%d", name, (int)i);
        records[i] = slice_text(texts[i]);
    }
    return now ? mlog_append_now(bench->mlog, records, count)
               : mlog_append(bench->mlog, records, count, heard, bench);
}

/* Until the append has been heard of. */
static void finish(struct bench *bench)
{
    loop_turn(&bench->loop, 0);
    check_eq(faulty_io_run_work(&bench->kit.faulty), 1);
}

TEST(mlog, records_are_durable_when_they_are_heard_of_and_are_replayed_in_order)
{
    struct bench bench;

    bench_init(&bench);
    check(mlog_is_empty(bench.mlog) && bench.replayed.size == 0);
    check_eq(mlog_end(bench.mlog), 1); /* Behind the record that begins the epoch. */
    check_ok(append(&bench, "a", 2, true));
    check(mlog_end(bench.mlog) == 3 && !mlog_is_empty(bench.mlog));
    check_ok(append(&bench, "b", 3, false));
    check(mlog_end(bench.mlog) == 6 && bench.heard == 0);
    loop_turn(&bench.loop, 0);
    check_eq(bench.heard, 0);
    check_eq(faulty_io_run_work(&bench.kit.faulty), 1);
    check(bench.heard == 1 && bench.result == 0);
    check_ok(append(&bench, "c", 1, false));
    finish(&bench);
    check_eq(bench.heard, 2);

    check_ok(close_mlog(&bench, true));
    check_ok(open_mlog(&bench));
    check_text(bench.replayed.data, "[1 a0][2 a1][3 b0][4 b1][5 b2][6 c0]");
    check_eq(mlog_end(bench.mlog), 8);
    check_ok(close_mlog(&bench, false)); /* As in a crash. */
    check_ok(open_mlog(&bench));
    check_text(bench.replayed.data, "[1 a0][2 a1][3 b0][4 b1][5 b2][6 c0]");
    check(!mlog_is_empty(bench.mlog));
    bench_fini(&bench);
}

TEST(mlog, each_opening_is_an_epoch)
{
    const char quorum[] = "{\"clusterId\":\"\",\"leaderId\":1,\"leaderEpoch\":7,\"votedId\":-1}";
    struct bench bench;

    bench_init(&bench);
    check_eq(mlog_epoch(bench.mlog), 1);
    check_ok(close_mlog(&bench, true));
    check_ok(open_mlog(&bench));
    check(mlog_epoch(bench.mlog) == 2 && mlog_is_empty(bench.mlog));
    check_ok(close_mlog(&bench, true));
    files_write(store_kit_path(&bench.kit, folder), "quorum-state", slice_text(quorum));
    check_ok(open_mlog(&bench)); /* Another leader may have been there without a word. */
    check_eq(mlog_epoch(bench.mlog), 8);
    bench_fini(&bench);
}

static void check_quorum_state(struct bench *bench, const char *expected)
{
    struct text got = {.data = NULL};

    files_read(store_kit_path(&bench->kit, folder), "quorum-state", &got);
    check_text(got.data, expected);
    text_fini(&got);
}

TEST(mlog, the_epoch_is_noted_as_kafka_does)
{
    struct bench bench;

    bench_init(&bench);
    check_ok(close_mlog(&bench, true));
    check_ok(open_mlog(&bench));
    check_quorum_state(&bench,
                       "{\"clusterId\":\"\",\"leaderId\":1,\"leaderEpoch\":2,\"votedId\":-1,"
                       "\"appliedOffset\":0,\"currentVoters\":[{\"voterId\":1}],"
                       "\"data_version\":0}");
    bench_fini(&bench);
}

TEST(mlog, an_append_that_is_not_heard_of_may_be_there_or_not_but_never_half)
{
    const char *const after[] = {"[1 a0][2 a1]", "[1 a0][2 a1][3 b0][4 b1][5 b2]"};
    struct bench bench;
    int64_t half, whole;

    bench_init(&bench);
    check_ok(append(&bench, "a", 2, true));
    half = files_size(store_kit_path(&bench.kit, folder), first_segment);
    check_ok(append(&bench, "b", 3, false));
    whole = files_size(store_kit_path(&bench.kit, folder), first_segment);
    for (int64_t left = whole; left >= half; left--) {
        check_ok(close_mlog(&bench, false));
        files_truncate(store_kit_path(&bench.kit, folder), first_segment, left);
        check_ok(open_mlog(&bench));
        check_text(bench.replayed.data, after[left == whole]);
        check_eq(mlog_end(bench.mlog), left == whole ? 7 : 4);
    }
    bench_fini(&bench);
}

TEST(mlog, a_batch_that_was_durable_and_cannot_be_read_is_no_shorter_log)
{
    struct bench bench;
    int64_t second, first, size_of_log;

    bench_init(&bench);
    first = files_size(store_kit_path(&bench.kit, folder), first_segment);
    check_ok(append(&bench, "a", 2, true));
    second = files_size(store_kit_path(&bench.kit, folder), first_segment);
    check_ok(append(&bench, "b", 2, true));
    size_of_log = files_size(store_kit_path(&bench.kit, folder), first_segment);
    check_ok(close_mlog(&bench, true));
    check_ok(log_dir_write_marks(bench.kit.dir));
    for (int64_t at = BATCH_CRC_FROM; at < size_of_log; at += 5) {
        if ((at >= first && at < first + BATCH_CRC_FROM) ||
            (at >= second && at < second + BATCH_CRC_FROM))
            continue; /* The checksum does not cover it. */
        files_flip(store_kit_path(&bench.kit, folder), first_segment, at, 4);
        check_eq(open_mlog(&bench), MLOG_E_CORRUPT);
        check(!bench.mlog);
        files_flip(store_kit_path(&bench.kit, folder), first_segment, at, 4);
        /* It is not in order by now; what is durable is there all the same. */
        check_ok(open_mlog(&bench));
        check_text(bench.replayed.data, "[1 a0][2 a1][3 b0][4 b1]");
        check_ok(close_mlog(&bench, true));
    }
    check_ok(open_mlog(&bench));
    bench_fini(&bench);
}

TEST(mlog, what_replay_answers_ends_the_opening)
{
    struct bench bench;

    bench_init(&bench);
    check_ok(append(&bench, "a", 4, true));
    check_ok(close_mlog(&bench, true));
    bench.refuse_at = 3;
    check_eq(open_mlog(&bench), 7);
    check_text(bench.replayed.data, "[1 a0][2 a1][3 a2]");
    bench.refuse_at = -1;
    check_ok(open_mlog(&bench));
    bench_fini(&bench);
}

TEST(mlog, control_batches_are_passed_over)
{
    struct text batch = {.data = NULL};
    struct text file = {.data = NULL};
    struct batch_builder builder;
    struct bench bench;

    bench_init(&bench);
    check_ok(append(&bench, "a", 1, true));
    check_ok(close_mlog(&bench, false));
    batch_builder_init(&builder);
    builder.attributes = BATCH_IS_CONTROL;
    batch_builder_add(&builder, 5, slice_of("\0\0\0\2", 4), slice_text("leader"), NULL, 0);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, 2, 1, &batch));
    batch_builder_fini(&builder);
    check(files_read(store_kit_path(&bench.kit, folder), first_segment, &file));
    text_add(&file, batch.data, batch.size);
    files_write(store_kit_path(&bench.kit, folder), first_segment, text_slice(&file));
    check_ok(open_mlog(&bench));
    check_text(bench.replayed.data, "[1 a0]");
    check_eq(mlog_end(bench.mlog), 4);
    text_fini(&batch);
    text_fini(&file);
    bench_fini(&bench);
}

TEST(mlog, a_write_that_fails_can_be_tried_again)
{
    struct bench bench;

    bench_init(&bench);
    check_ok(append(&bench, "a", 1, true));
    bench.kit.faulty.tears = true;
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    check_eq(append(&bench, "b", 3, false), -ENOSPC);
    check(mlog_end(bench.mlog) == 2 && !mlog_is_failed(bench.mlog));
    check_ok(append(&bench, "c", 1, false));
    finish(&bench);
    check(bench.heard == 1 && bench.result == 0);
    check_ok(close_mlog(&bench, true));
    check_ok(open_mlog(&bench));
    check_text(bench.replayed.data, "[1 a0][2 c0]");
    bench_fini(&bench);
}

TEST(mlog, after_a_sync_that_fails_nothing_goes_in_and_no_stop_is_clean)
{
    for (int now = 0; now < 2; now++) {
        struct bench bench;

        bench_init(&bench);
        check_ok(append(&bench, "a", 1, true));
        faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
        if (now) {
            check_eq(append(&bench, "b", 1, true), -EIO);
        } else {
            check_ok(append(&bench, "b", 1, false));
            finish(&bench);
            check(bench.heard == 1 && bench.result == -EIO);
        }
        check(mlog_is_failed(bench.mlog) && log_dir_is_fenced(bench.kit.dir));
        check_eq(append(&bench, "c", 1, false), -EIO);
        check_eq(close_mlog(&bench, true), -EIO);
        check_eq(log_dir_close(take(bench.kit.dir), true), -EIO);
        store_kit_open(&bench.kit);
        check(!log_dir_was_clean(bench.kit.dir));
        bench.syncer = syncer_destroy(bench.syncer);
        bench.syncer = syncer_create(&(struct syncer_options){
            .loop = &bench.loop, .diag = bench.kit.env.diag, .dir = bench.kit.dir});
        check_ok(open_mlog(&bench));
        check(mlog_end(bench.mlog) >= 1);
        bench_fini(&bench);
    }
}

TEST(mlog, many_records_are_replayed_over_many_reads)
{
    enum { BATCHES = 300, SIZE = 9000 };
    static char value[SIZE];
    struct slice record = slice_of(value, sizeof(value));
    struct bench bench;

    memset(value, 'x', sizeof(value));
    bench_init(&bench);
    for (int i = 0; i < BATCHES; i++)
        check_ok(mlog_append_now(bench.mlog, &record, 1));
    check_ok(close_mlog(&bench, true));
    check_ok(open_mlog(&bench));
    check_eq(mlog_end(bench.mlog), BATCHES + 2);
    check(bench.replayed.size > (size_t)BATCHES * SIZE);
    bench_fini(&bench);
}

TEST(mlog, a_folder_that_says_it_is_another_topics_is_damaged_and_stays)
{
    static const char *const ids[] = {"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
                                      "version: 0\ntopic_id: AAAAAAAAAAAAQAAAAAAAAQ", ""};
    struct bench bench;
    const char *path;

    bench_init(&bench);
    check_ok(append(&bench, "a", 2, true));
    check_ok(close_mlog(&bench, true));
    path = store_kit_path(&bench.kit, folder);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        files_write(path, "partition.metadata", slice_text(ids[i]));
        diag_lines_clear(&bench.kit.lines);
        check_eq(open_mlog(&bench), MLOG_E_CORRUPT);
        check(i == 2 || diag_lines_have(&bench.kit.lines, "file=partition.metadata"));
        check_eq(files_size(path, "partition.metadata"), (int64_t)strlen(ids[i]));
    }
    files_write(path, "partition.metadata",
                slice_text("version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ"));
    check_ok(open_mlog(&bench));
    check_text(bench.replayed.data, "[1 a0][2 a1]");
    bench_fini(&bench);
}

static size_t readable(struct bench *bench, int64_t offset)
{
    struct log_range range;
    size_t size;

    check_ok(mlog_read(bench->mlog, offset, 1, &range));
    size = range.size;
    log_range_release(&range);
    return size;
}

TEST(mlog, who_reads_along_is_shown_what_is_durable)
{
    struct snapshot_id none;
    struct file *file = NULL;
    struct bench bench;
    int32_t epoch;
    int64_t end;

    bench_init(&bench);
    check_ok(append(&bench, "a", 2, true));
    check(mlog_start(bench.mlog) == 0 && mlog_durable(bench.mlog) == 3);
    check(readable(&bench, 1) > 0 && readable(&bench, 3) == 0);
    check_ok(append(&bench, "b", 1, false));
    check(mlog_durable(bench.mlog) == 3 && readable(&bench, 3) == 0);
    finish(&bench);
    check(mlog_durable(bench.mlog) == 4 && readable(&bench, 3) > 0);
    mlog_find_epoch_end(bench.mlog, mlog_epoch(bench.mlog), &epoch, &end);
    check(epoch == mlog_epoch(bench.mlog) && end == 4);
    check(!mlog_newest_snapshot(bench.mlog, &none));
    none = (struct snapshot_id){.end = 4, .epoch = 1};
    check_eq(mlog_open_snapshot(bench.mlog, none, &file), -ENOENT);
    bench_fini(&bench);
}
