/* SPDX-License-Identifier: Apache-2.0 */
#include "control/mlog.h"
#include "control/snapshots.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"
#include "wire/msg/topic_record.h"

#include <stdio.h>

/* The controller's log, and the image of what is in it. */
struct bench {
    struct store_kit kit;
    struct loop loop;
    struct syncer *syncer;
    struct mlog_config config;
    struct mlog *mlog;
    struct image *image;     /* Owned reference. */
    struct image_edit *edit; /* While it is opened. */
    int topics;
};

static const char folder[] = "__cluster_metadata-0";

static int replay(void *context, int64_t offset, struct slice record)
{
    return image_edit_apply(((struct bench *)context)->edit, offset, record);
}

static int open_mlog(struct bench *bench)
{
    struct mlog_options options = {.dir = bench->kit.dir,
                                   .env = &bench->kit.env,
                                   .syncer = bench->syncer,
                                   .config = bench->config,
                                   .node_id = 1,
                                   .replay = replay,
                                   .context = bench};
    struct image *empty = image_create();
    int r;

    bench->edit = image_edit_create(empty);
    image_unref(empty);
    r = mlog_open(&options, &bench->mlog);
    image_unref(bench->image);
    bench->image = image_edit_finish(take(bench->edit));
    return r;
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.config = mlog_config_plain};
    bench->config.snapshot_bytes = 1; /* After each batch. */
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    loop_init(&bench->loop, bench->kit.env.io);
    bench->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    check_ok(open_mlog(bench));
}

static void close_mlog(struct bench *bench, bool clean)
{
    check_ok(mlog_close(take(bench->mlog), clean));
}

static void bench_fini(struct bench *bench)
{
    bench->kit.faulty.holds_work = false;
    close_mlog(bench, false);
    bench->syncer = syncer_destroy(bench->syncer);
    bench->image = image_unref(bench->image);
    loop_fini(&bench->loop);
    store_kit_fini(&bench->kit);
}

/* A topic more, durably; a snapshot begins if it is time. */
static void add_topic(struct bench *bench)
{
    static const int16_t levels[FEATURE_COUNT] = {30};
    struct image_edit *edit = image_edit_create(bench->image);
    struct topic_record topic = {.topic_id = {{1, (uint8_t)bench->topics}}};
    struct slice record;
    struct arena arena;
    char name[16];

    (void)snprintf(name, sizeof(name), "t%d", bench->topics++);
    topic.name = slice_text(name);
    arena_init(&arena, NULL);
    record = metadata_record_encode(&arena, METADATA_TOPIC, levels, &topic);
    check_ok(image_edit_apply(edit, mlog_end(bench->mlog), record));
    check_ok(mlog_append_now(bench->mlog, &record, 1));
    image_unref(bench->image);
    bench->image = image_edit_finish(edit);
    mlog_note_image(bench->mlog, bench->image);
    arena_reset(&arena);
}

/* Until no worker is at it any more. */
static void settle(struct bench *bench)
{
    while (mlog_is_snapshotting(bench->mlog))
        check(faulty_io_run_work(&bench->kit.faulty) > 0);
}

static bool has_file(struct bench *bench, const char *name)
{
    return files_size(store_kit_path(&bench->kit, folder), name) >= 0;
}

TEST(snapshots, one_is_made_behind_the_loop_and_read_at_the_next_start)
{
    struct bench bench;

    bench_init(&bench);
    add_topic(&bench);
    check(mlog_is_snapshotting(bench.mlog));
    add_topic(&bench); /* Meanwhile. */
    check(!has_file(&bench, "00000000000000000002-0000000001.checkpoint"));
    settle(&bench);
    check(has_file(&bench, "00000000000000000002-0000000001.checkpoint"));
    check(!has_file(&bench, "00000000000000000002-0000000001.checkpoint.part"));
    close_mlog(&bench, true);
    check_ok(open_mlog(&bench));
    check_eq(image_topic_count(bench.image), 2);
    check_eq(bench.image->offset, 2);
    check(!mlog_is_empty(bench.mlog) && mlog_epoch(bench.mlog) == 2);
    bench_fini(&bench);
}

TEST(snapshots, there_is_none_before_its_time)
{
    struct bench bench;

    bench_init(&bench);
    bench.config.snapshot_bytes = 600;
    bench.config.snapshot_ms = 0;
    close_mlog(&bench, true);
    check_ok(open_mlog(&bench));
    add_topic(&bench);
    check(!mlog_is_snapshotting(bench.mlog));
    for (int i = 0; i < 5; i++)
        add_topic(&bench);
    check(mlog_is_snapshotting(bench.mlog));
    settle(&bench);
    add_topic(&bench);
    check(!mlog_is_snapshotting(bench.mlog));
    bench_fini(&bench);
}

TEST(snapshots, what_a_crash_left_half_written_goes)
{
    struct bench bench;

    bench_init(&bench);
    close_mlog(&bench, true);
    files_write(store_kit_path(&bench.kit, folder),
                "00000000000000000007-0000000001.checkpoint.part", slice_text("half"));
    files_write(store_kit_path(&bench.kit, folder),
                "00000000000000000007-0000000001.checkpoint.deleted", slice_text("gone"));
    check_ok(open_mlog(&bench));
    check(!has_file(&bench, "00000000000000000007-0000000001.checkpoint.part"));
    check(!has_file(&bench, "00000000000000000007-0000000001.checkpoint.deleted"));
    bench_fini(&bench);
}

TEST(snapshots, one_that_is_not_whole_is_not_believed)
{
    const char name[] = "00000000000000000002-0000000001.checkpoint";
    struct bench bench;
    int64_t whole;

    bench_init(&bench);
    add_topic(&bench);
    settle(&bench);
    close_mlog(&bench, true);
    whole = files_size(store_kit_path(&bench.kit, folder), name);
    files_truncate(store_kit_path(&bench.kit, folder), name, whole - 10);
    check_eq(open_mlog(&bench), MLOG_E_CORRUPT);
    check(diag_lines_have(&bench.kit.lines, "snapshot of the metadata cannot be read"));
    files_remove(store_kit_path(&bench.kit, folder), name);
    check_ok(open_mlog(&bench)); /* The log has it all. */
    check_eq(image_topic_count(bench.image), 1);
    bench_fini(&bench);
}

TEST(snapshots, one_that_the_log_does_not_reach_is_no_beginning)
{
    const char name[] = "00000000000000000002-0000000001.checkpoint";
    const char later[] = "00000000000000000900-0000000001.checkpoint";
    struct text bytes = {.data = NULL};
    struct bench bench;

    bench_init(&bench);
    add_topic(&bench);
    settle(&bench);
    close_mlog(&bench, true);
    check(files_read(store_kit_path(&bench.kit, folder), name, &bytes));
    files_write(store_kit_path(&bench.kit, folder), later, text_slice(&bytes));
    check_eq(open_mlog(&bench), MLOG_E_CORRUPT);
    check(diag_lines_have(&bench.kit.lines, "metadata log and its newest snapshot do not meet"));
    files_remove(store_kit_path(&bench.kit, folder), later);
    check_ok(open_mlog(&bench));
    text_fini(&bytes);
    bench_fini(&bench);
}

TEST(snapshots, old_ones_go_and_with_them_what_only_they_needed)
{
    struct bench bench;

    bench_init(&bench);
    bench.config.retention_bytes = 2000;
    bench.config.segment_bytes = 600;
    close_mlog(&bench, true);
    check_ok(open_mlog(&bench));
    for (int i = 0; i < 40; i++) {
        add_topic(&bench);
        settle(&bench);
    }
    check(!has_file(&bench, "00000000000000000000.log"));
    check(!has_file(&bench, "00000000000000000003-0000000002.checkpoint"));
    close_mlog(&bench, false); /* As in a crash. */
    check_ok(open_mlog(&bench));
    check_eq(image_topic_count(bench.image), 40);
    add_topic(&bench);
    settle(&bench);
    close_mlog(&bench, true);
    check_ok(open_mlog(&bench));
    check_eq(image_topic_count(bench.image), 41);
    bench_fini(&bench);
}

TEST(snapshots, a_disk_that_is_full_is_told_and_tried_again)
{
    struct bench bench;

    bench_init(&bench);
    add_topic(&bench);
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    settle(&bench);
    check(diag_lines_have(&bench.kit.lines, "snapshot of the metadata could not be written"));
    check(!has_file(&bench, "00000000000000000002-0000000001.checkpoint"));
    check(!has_file(&bench, "00000000000000000002-0000000001.checkpoint.part"));
    check(!mlog_is_failed(bench.mlog));
    add_topic(&bench);
    settle(&bench);
    check(has_file(&bench, "00000000000000000003-0000000001.checkpoint"));
    bench_fini(&bench);
}

TEST(snapshots, a_sync_that_fails_fences_the_folder)
{
    struct bench bench;

    bench_init(&bench);
    add_topic(&bench);
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    settle(&bench);
    check(mlog_is_failed(bench.mlog) && log_dir_is_fenced(bench.kit.dir));
    bench_fini(&bench);
}

static int count_record(void *context, int64_t offset, struct slice record)
{
    (void)offset;
    *(int *)context += record.size > 0;
    return 0;
}

/* A file in the form of a snapshot, as a formatter leaves it. */
static void write_bootstrap(struct bench *bench, const char *where, const char *name)
{
    struct snapshot_writer writer;
    struct text bytes = {.data = NULL};

    snapshot_begin(&writer, &(struct snapshot_terms){.epoch = 0}, &bytes);
    snapshot_add(&writer, slice_text("one"));
    snapshot_add(&writer, slice_text("two"));
    snapshot_end(&writer);
    files_write(where, name, text_slice(&bytes));
    text_fini(&bytes);
    check_ok(open_mlog(bench));
}

TEST(snapshots, what_a_formatter_left_is_for_the_first_start)
{
    int records = 0;
    struct bench bench;

    bench_init(&bench);
    check_ok(mlog_read_bootstrap(bench.mlog, count_record, &records));
    check_eq(records, 0);
    close_mlog(&bench, true);
    write_bootstrap(&bench, store_kit_path(&bench.kit, folder),
                    "00000000000000000000-0000000000.checkpoint");
    check(mlog_is_empty(bench.mlog)); /* The log has nothing of it. */
    check_ok(mlog_read_bootstrap(bench.mlog, count_record, &records));
    check_eq(records, 2);
    close_mlog(&bench, true);
    write_bootstrap(&bench, bench.kit.path, "bootstrap.checkpoint");
    check_ok(mlog_read_bootstrap(bench.mlog, count_record, &records));
    check_eq(records, 4);
    bench_fini(&bench);
}
