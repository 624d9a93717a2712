/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_dir.h"
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

#include <stdio.h>
#include <sys/stat.h>

static const char clean_mark[] = ".kafka_cleanshutdown";
static const char points[] = "recovery-point-offset-checkpoint";

static void check_file(const char *dir, const char *name, const char *wanted)
{
    struct text bytes = {.data = NULL};

    check(files_read(dir, name, &bytes));
    check(slice_is_text(text_slice(&bytes), wanted));
    text_fini(&bytes);
}

static int try_open(struct store_kit *kit, const char *path, int32_t node, struct log_dir **out)
{
    struct log_dir_options options = {
        .io = kit->env.io, .diag = kit->env.diag, .path = path, .node_id = node};

    return log_dir_open(&options, out);
}

/* --- identity --------------------------------------------------------------- */

TEST(log_dir, a_new_folder_gets_an_identity_that_stays)
{
    struct text meta = {.data = NULL};
    struct text wanted = {.data = NULL};
    char directory[UUID_TEXT_SIZE + 1];
    char cluster[64];
    struct store_kit kit;

    store_kit_init(&kit);
    uuid_print(log_dir_id(kit.dir), directory);
    (void)snprintf(cluster, sizeof(cluster), "%s", log_dir_cluster_id(kit.dir));
    check_eq(strlen(cluster), UUID_TEXT_SIZE);
    text_printf(&wanted, "cluster.id=%s\ndirectory.id=%s\nnode.id=1\nversion=1\n", cluster,
                directory);
    check(files_read(kit.path, "meta.properties", &meta));
    check(slice_equal(text_slice(&meta), text_slice(&wanted)));
    check(!log_dir_was_clean(kit.dir));
    store_kit_close(&kit, true);
    store_kit_open(&kit);
    check_text(log_dir_cluster_id(kit.dir), cluster);
    check(log_dir_was_clean(kit.dir));
    text_fini(&meta);
    text_fini(&wanted);
    store_kit_fini(&kit);
}

TEST(log_dir, what_kafka_wrote_is_understood)
{
    static const char kafkas[] = "#\n#Fri May 22 10:00:00 UTC 2026\nnode.id=1\nversion=1\n"
                                 "directory.id=J8aAPcfLQt2bqs1JT_rMgQ\n"
                                 "cluster.id=4L6g3nShT-eMCtK--X86sw\n";
    char directory[UUID_TEXT_SIZE + 1];
    struct store_kit kit;

    store_kit_init(&kit);
    store_kit_close(&kit, true);
    files_write(kit.path, "meta.properties", slice_text(kafkas));
    store_kit_open(&kit);
    uuid_print(log_dir_id(kit.dir), directory);
    check_text(directory, "J8aAPcfLQt2bqs1JT_rMgQ");
    check_text(log_dir_cluster_id(kit.dir), "4L6g3nShT-eMCtK--X86sw");
    check_file(kit.path, "meta.properties", kafkas);
    store_kit_fini(&kit);
}

TEST(log_dir, a_folder_of_another_node_or_release_is_left_alone)
{
    static const char *const foreign[] = {
        "version=1\ncluster.id=x\nnode.id=2\n",     "version=0\ncluster.id=x\nbroker.id=1\n",
        "version=2\ncluster.id=x\nnode.id=1\n",     "version=1\nnode.id=1\n",
        "version=1\ncluster.id=x\nnode.id=1x\n",    "version=1\ncluster.id=x\n",
        "version=1\ncluster.id=\\u00g\n",           "",
        "version=1\ncluster.id=x\xc6\nnode.id=1\n",
    };
    struct log_dir *dir = NULL;
    struct store_kit kit;

    store_kit_init(&kit);
    store_kit_close(&kit, true);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        files_write(kit.path, "meta.properties", slice_text(foreign[i]));
        diag_lines_clear(&kit.lines);
        check_eq(try_open(&kit, kit.path, 1, &dir), LOG_DIR_E_FOREIGN);
        check(!dir && diag_lines_have(&kit.lines, "error store M"));
        check_file(kit.path, "meta.properties", foreign[i]);
        check(files_size(kit.path, clean_mark) > 0); /* Nothing has been changed. */
    }
    store_kit_fini(&kit);
}

TEST(log_dir, a_folder_of_another_cluster_is_refused_and_a_new_one_joins)
{
    struct log_dir_options options = {.node_id = 1};
    struct log_dir *dir = NULL;
    struct store_kit kit;

    store_kit_init(&kit);
    options.io = kit.env.io;
    options.diag = kit.env.diag;
    options.path = store_kit_beside(&kit, "second");
    options.cluster_id = log_dir_cluster_id(kit.dir);
    check_ok(log_dir_open(&options, &dir));
    check_text(log_dir_cluster_id(dir), log_dir_cluster_id(kit.dir));
    check(!uuid_equal(log_dir_id(dir), log_dir_id(kit.dir)));
    check_ok(log_dir_close(dir, true));
    options.cluster_id = "another";
    check_eq(log_dir_open(&options, &dir), LOG_DIR_E_FOREIGN);
    check(diag_lines_have(&kit.lines, "belongs to another cluster"));
    check(files_size(options.path, clean_mark) > 0);
    store_kit_fini(&kit);
}

static void count_fence(void *owner)
{
    ++*(int *)owner;
}

TEST(log_dir, who_wants_to_know_hears_once_that_a_folder_failed)
{
    struct log_dir_options options = {.node_id = 1, .fenced = count_fence};
    struct log_dir *dir = NULL;
    struct store_kit kit;
    int heard = 0;

    store_kit_init(&kit);
    options.io = kit.env.io;
    options.diag = kit.env.diag;
    options.path = store_kit_beside(&kit, "second");
    options.owner = &heard;
    check_ok(log_dir_open(&options, &dir));
    check_eq(heard, 0);
    log_dir_fence(dir);
    log_dir_fence(dir);
    check_eq(heard, 1);
    check_eq(log_dir_close(dir, true), -EIO);
    store_kit_fini(&kit);
}

TEST(log_dir, a_folder_serves_one_broker_at_a_time)
{
    struct log_dir *dir = NULL;
    struct store_kit kit;

    store_kit_init(&kit);
    check_eq(try_open(&kit, kit.path, 1, &dir), LOG_DIR_E_LOCKED);
    check(!dir && diag_lines_have(&kit.lines, "data folder is in use by another broker"));
    store_kit_close(&kit, true);
    check_ok(try_open(&kit, kit.path, 1, &dir));
    check_ok(log_dir_close(dir, false));
    store_kit_fini(&kit);
}

TEST(log_dir, folders_of_the_path_are_made_and_their_names_are_durable)
{
    static const char *const tails[] = {"a/b/c", "a//b/d/", "a/b/c/e///f"};
    struct log_dir *dir = NULL;
    struct store_kit kit;

    store_kit_init(&kit);
    for (size_t i = 0; i < COUNT_OF(tails); i++) {
        int syncs = kit.faulty.syncs;

        check_ok(try_open(&kit, store_kit_beside(&kit, tails[i]), 1, &dir));
        check_ok(log_dir_close(dir, true));
        check(kit.faulty.syncs - syncs >= 3);
        check(files_size(store_kit_beside(&kit, tails[i]), "meta.properties") > 0);
    }
    files_write(kit.temp.path, "file", slice_text("x"));
    check_eq(try_open(&kit, store_kit_beside(&kit, "file"), 1, &dir), -ENOTDIR);
    check_eq(try_open(&kit, store_kit_beside(&kit, "file/a"), 1, &dir), -ENOTDIR);
    store_kit_fini(&kit);
}

TEST(log_dir, an_opening_that_fails_anywhere_can_be_done_again)
{
    struct store_kit kit;
    int failed = 1;

    store_kit_init(&kit);
    store_kit_close_log(&kit, store_kit_log(&kit, "t-0"));
    for (int n = 1; failed; n++) {
        struct log_dir *dir = NULL;
        bool is_clean;
        int r;

        store_kit_close(&kit, true);
        faulty_io_arm(&kit.faulty, FAULTY_ANY, n, -EIO);
        r = try_open(&kit, kit.path, 1, &dir);
        failed = kit.faulty.failed;
        faulty_io_arm(&kit.faulty, 0, 0, 0);
        check(r == 0 ? dir != NULL : r == -EIO && !dir);
        if (r == 0) {
            check_ok(log_dir_close(dir, false));
        }
        is_clean = files_size(kit.path, clean_mark) > 0;
        store_kit_open(&kit);
        check_eq(log_dir_was_clean(kit.dir), is_clean);
        check(n < 100);
    }
    store_kit_fini(&kit);
}

/* --- clean and other stops -------------------------------------------------- */

TEST(log_dir, the_mark_of_a_clean_stop_is_gone_while_the_folder_is_open)
{
    struct store_kit kit;

    store_kit_init(&kit);
    check_eq(files_size(kit.path, clean_mark), -1);
    store_kit_close(&kit, true);
    check(files_size(kit.path, clean_mark) > 0);
    store_kit_open(&kit);
    check_eq(files_size(kit.path, clean_mark), -1);
    store_kit_close(&kit, false);
    check_eq(files_size(kit.path, clean_mark), -1);
    store_kit_open(&kit);
    check(!log_dir_was_clean(kit.dir));
    store_kit_fini(&kit);
}

static void put(struct store_kit *kit, const char *name, int batches)
{
    struct log *log = store_kit_log(kit, name);

    for (int i = 0; i < batches; i++)
        store_kit_put(kit, log, &(struct store_batch){.records = 10});
    store_kit_close_log(kit, log);
}

/* True if a flipped byte in the log's only segment is found when it is opened. */
static bool is_looked_at(struct store_kit *kit, const char *name)
{
    struct log *log;
    bool result;

    files_flip(store_kit_path(kit, name), "00000000000000000000.log", 70, 1);
    log = store_kit_log(kit, name);
    result = log_end(log) == 0;
    log_abandon(log);
    if (!result)
        files_flip(store_kit_path(kit, name), "00000000000000000000.log", 70, 1);
    return result;
}

TEST(log_dir, logs_that_were_not_opened_stay_in_order_from_one_clean_stop_to_the_next)
{
    struct store_kit kit;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    put(&kit, "b-0", 2);
    for (int i = 0; i < 3; i++) {
        store_kit_close(&kit, true);
        check_file(kit.path, points, "0\n2\na 0 30\nb 0 20\n");
        store_kit_open(&kit);
        if (i == 1)
            store_kit_close_log(&kit, store_kit_log(&kit, "a-0"));
    }
    check(!is_looked_at(&kit, "b-0"));
    store_kit_fini(&kit);
}

TEST(log_dir, a_log_that_was_not_looked_at_since_an_unclean_stop_is_looked_at_later)
{
    struct store_kit kit;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    put(&kit, "b-0", 2);
    store_kit_close(&kit, false);
    store_kit_open(&kit);
    store_kit_close_log(&kit, store_kit_log(&kit, "a-0"));
    store_kit_close(&kit, true); /* Nobody has opened b-0. */
    check_file(kit.path, points, "0\n1\na 0 30\n");
    store_kit_open(&kit);
    check(log_dir_was_clean(kit.dir));
    check(!is_looked_at(&kit, "a-0"));
    check(is_looked_at(&kit, "b-0"));
    store_kit_fini(&kit);
}

TEST(log_dir, a_log_that_was_left_open_is_not_in_order)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    store_kit_close(&kit, true);
    store_kit_open(&kit);
    log = store_kit_log(&kit, "a-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 10});
    log_abandon(log);
    log = store_kit_log(&kit, "new-0");
    store_kit_put(&kit, log, &(struct store_batch){.records = 10});
    log_abandon(log);
    store_kit_close(&kit, true);
    check_file(kit.path, points, "0\n0\n");
    store_kit_open(&kit);
    check(is_looked_at(&kit, "a-0"));
    check(is_looked_at(&kit, "new-0"));
    store_kit_fini(&kit);
}

TEST(log_dir, a_stop_is_not_clean_if_a_log_could_not_be_opened)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    faulty_io_arm(&kit.faulty, FAULTY_OPEN, 2, -EIO);
    check_eq(log_dir_open_log(kit.dir, &kit.env, "a-0", kit.topic_id, &kit.config, &log), -EIO);
    check_eq(log_dir_close(take(kit.dir), true), -EIO);
    check_eq(files_size(kit.path, clean_mark), -1);
    store_kit_open(&kit);
    check(is_looked_at(&kit, "a-0"));
    store_kit_fini(&kit);
}

TEST(log_dir, a_log_that_could_be_opened_later_or_is_gone_is_no_hindrance)
{
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    put(&kit, "b-0", 3);
    for (int i = 0; i < 4; i++) {
        faulty_io_arm(&kit.faulty, FAULTY_OPEN, 2, -EIO);
        check_eq(log_dir_open_log(kit.dir, &kit.env, i % 2 ? "a-0" : "b-0", kit.topic_id,
                                  &kit.config, &log),
                 -EIO);
    }
    store_kit_close_log(&kit, store_kit_log(&kit, "a-0"));
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, "b-0", kit.topic_id));
    store_kit_close(&kit, true);
    check(files_size(kit.path, clean_mark) > 0);
    store_kit_fini(&kit);
}

TEST(log_dir, the_metadata_log_is_in_no_checkpoint_and_in_order_with_the_folder)
{
    struct store_kit kit;

    store_kit_init(&kit);
    put(&kit, "__cluster_metadata-0", 3);
    store_kit_close(&kit, true);
    check_file(kit.path, points, "0\n0\n");
    store_kit_open(&kit);
    check(!is_looked_at(&kit, "__cluster_metadata-0"));
    store_kit_close(&kit, false);
    store_kit_open(&kit);
    check(is_looked_at(&kit, "__cluster_metadata-0"));
    store_kit_fini(&kit);
}

TEST(log_dir, checkpoints_can_be_written_while_nothing_runs)
{
    struct store_kit kit;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    check_ok(log_dir_write_marks(kit.dir));
    check_file(kit.path, points, "0\n1\na 0 30\n");
    check_eq(files_size(kit.path, clean_mark), -1);
    log_dir_fence(kit.dir);
    check_eq(log_dir_write_marks(kit.dir), -EIO);
    store_kit_fini(&kit);
}

/* --- deleting --------------------------------------------------------------- */

TEST(log_dir, a_deleted_log_is_gone_and_one_of_its_name_begins_anew)
{
    const struct uuid other = {{7, 7, 7}};
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    put(&kit, "a-0", 3);
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, "a-0", other)); /* Not that topic's. */
    check(log_dir_has_log(kit.dir, kit.env.io, "a-0"));
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, "a-0", kit.topic_id));
    check(!log_dir_has_log(kit.dir, kit.env.io, "a-0"));
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, "a-0", kit.topic_id));
    check_eq(files_count(kit.path, "-delete"), 0);
    kit.topic_id = other;
    log = store_kit_log(&kit, "a-0");
    check(log_start(log) == 0 && log_end(log) == 0);
    store_kit_close_log(&kit, log);
    store_kit_fini(&kit);
}

TEST(log_dir, a_log_of_the_longest_name_can_be_deleted)
{
    struct store_kit kit;
    char name[IO_NAME_MAX];

    store_kit_init(&kit);
    memset(name, 'n', 249);
    memcpy(name + 249, "-999", 5);
    put(&kit, name, 1);
    check_ok(log_dir_delete_log(kit.dir, kit.env.io, name, kit.topic_id));
    check(!log_dir_has_log(kit.dir, kit.env.io, name));
    check_eq(files_count(kit.path, "-delete"), 0);
    store_kit_fini(&kit);
}

TEST(log_dir, what_a_deletion_that_was_cut_short_left_goes_at_the_next_start)
{
    struct store_kit kit;
    int failed = 1;

    store_kit_init(&kit);
    put(&kit, "b-0", 1);
    for (int n = 1; failed; n++) {
        int r;

        put(&kit, "a-0", 1);
        faulty_io_arm(&kit.faulty, FAULTY_ANY, n, -EIO);
        r = log_dir_delete_log(kit.dir, kit.env.io, "a-0", kit.topic_id);
        failed = kit.faulty.failed;
        faulty_io_arm(&kit.faulty, 0, 0, 0);
        check_eq(r, failed ? -EIO : 0);
        store_kit_close(&kit, false);
        store_kit_open(&kit);
        check_eq(files_count(kit.path, "-delete"), 0);
        check(log_dir_has_log(kit.dir, kit.env.io, "b-0"));
        check_ok(log_dir_delete_log(kit.dir, kit.env.io, "a-0", kit.topic_id));
        check(n < 100);
    }
    store_kit_fini(&kit);
}

TEST(log_dir, folders_of_deleted_logs_that_cannot_go_do_not_keep_the_folder_from_opening)
{
    struct store_kit kit;

    store_kit_init(&kit);
    store_kit_close(&kit, true);
    check_ok(mkdir(store_kit_path(&kit, "a-0.00-delete"), 0755));
    check_ok(mkdir(store_kit_path(&kit, "a-0.00-delete/inside"), 0755));
    check_ok(mkdir(store_kit_path(&kit, "a-1.00-delete"), 0755));
    check_ok(mkdir(store_kit_path(&kit, "a-2.00-stray"), 0755));
    files_write(store_kit_path(&kit, "a-1.00-delete"), "file", slice_text("x"));
    files_write(kit.path, "file-delete", slice_text("x"));
    store_kit_open(&kit);
    check(diag_lines_have(&kit.lines, "folder of a deleted log could not be removed"));
    check_eq(files_count(kit.path, "-delete"), 2);
    check_eq(files_count(kit.path, "-stray"), 1);
    store_kit_fini(&kit);
}

TEST(log_dir, no_more_than_a_thousand_folders_of_deleted_logs_go_at_a_start)
{
    enum { MANY = 1100 };
    struct store_kit kit;

    store_kit_init(&kit);
    store_kit_close(&kit, true);
    for (int i = 0; i < MANY; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "a-%d.00-delete", i);
        check_ok(mkdir(store_kit_path(&kit, name), 0755));
    }
    store_kit_open(&kit);
    check_eq(files_count(kit.path, "-delete"), MANY - 1000);
    store_kit_close(&kit, true);
    store_kit_open(&kit);
    check_eq(files_count(kit.path, "-delete"), 0);
    store_kit_fini(&kit);
}

/* --- which logs there are --------------------------------------------------- */

static int add_log(void *context, const char *name, struct slice topic, int64_t partition)
{
    text_printf(context, "%s %.*s %d\n", name, SLICE_ARG(topic), (int)partition);
    return 0;
}

static int stop_at_once(void *context, const char *name, struct slice topic, int64_t partition)
{
    (void)name;
    (void)topic;
    (void)partition;
    return ++*(int *)context == 1 ? 7 : 0;
}

TEST(log_dir, logs_are_told_by_the_names_of_their_folders)
{
    static const char *const others[] = {"__cluster_metadata-0",
                                         "t",
                                         "t-x",
                                         "-3",
                                         "moldau.commit",
                                         "t-1.0123456789abcdef0123456789abcdef-delete",
                                         "t-2.0123456789abcdef0123456789abcdef-stray",
                                         "t-3.0123456789abcdef0123456789abcdef-future"};
    struct text found = {.data = NULL};
    struct store_kit kit;
    int64_t total, usable;
    int64_t bytes = -1;
    int count = 0;
    bool is_it;

    store_kit_init(&kit);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_eq(mkdir(store_kit_path(&kit, others[i]), 0755), 0);
    check_ok(log_dir_walk(kit.dir, kit.env.io, add_log, &found));
    check_eq(found.size, 0);
    store_kit_close_log(&kit, store_kit_log(&kit, "a-b-12"));
    check_ok(log_dir_walk(kit.dir, kit.env.io, add_log, &found));
    check_text(found.data, "a-b-12 a-b 12\n");
    store_kit_close_log(&kit, store_kit_log(&kit, "c-0"));
    check_eq(log_dir_walk(kit.dir, kit.env.io, stop_at_once, &count), 7);
    check_eq(count, 1);

    check_ok(log_dir_has_log_of(kit.dir, kit.env.io, "c-0", kit.topic_id, &is_it));
    check(is_it);
    check_ok(log_dir_has_log_of(kit.dir, kit.env.io, "c-0", (struct uuid){{9}}, &is_it));
    check(!is_it);
    check_ok(log_dir_has_log_of(kit.dir, kit.env.io, "d-0", kit.topic_id, &is_it));
    check(!is_it);
    files_remove(store_kit_path(&kit, "c-0"), "partition.metadata");
    check_ok(log_dir_has_log_of(kit.dir, kit.env.io, "c-0", kit.topic_id, &is_it));
    check(!is_it);
    check_ok(log_dir_log_size(kit.dir, kit.env.io, "c-0", &bytes));
    check_eq(bytes, 0);
    check_ok(log_dir_log_size(kit.dir, kit.env.io, "d-0", &bytes));
    check_eq(bytes, 0);
    check_ok(log_dir_space(kit.dir, kit.env.io, &total, &usable));
    check(usable > 0 && total >= usable);
    text_fini(&found);
    store_kit_fini(&kit);
}

TEST(log_dir, a_stray_log_gets_the_name_that_kafka_gives_it)
{
    struct text found = {.data = NULL};
    struct store_kit kit;

    store_kit_init(&kit);
    store_kit_close_log(&kit, store_kit_log(&kit, "a-1"));
    check_ok(log_dir_move_stray(kit.dir, kit.env.io, "a-1"));
    check(!log_dir_has_log(kit.dir, kit.env.io, "a-1"));
    check_eq(files_count(kit.path, "-stray"), 1);
    check_ok(log_dir_walk(kit.dir, kit.env.io, add_log, &found));
    check_eq(found.size, 0);
    check(diag_lines_have(&kit.lines, "not in the metadata moved aside"));
    check_eq(log_dir_move_stray(kit.dir, kit.env.io, "a-1"), -ENOENT);
    store_kit_fini(&kit);
}
