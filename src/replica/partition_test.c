/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/partition.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

enum { SENDS_MAX = 64 };

struct bench;

/* A batch that was sent, and what became of it. */
struct send {
    struct append append;
    struct bench *bench;
    struct text bytes;
    int heard;   /* How often. */
    int outcome; /* What. */
    int order;   /* As the how manyth of all. */
    bool again;  /* Sends one more when it hears. */
};

/* A fetch that waits. */
struct fetch {
    struct fetch_wait wait;
    struct bench *bench;
    int woken;
    bool again; /* Waits once more when it is woken. */
};

/* A shard with one topic of two partitions. */
struct bench {
    struct store_kit kit;
    struct loop loop;
    struct syncer *syncer;
    struct replicas replicas;
    struct image_partition parts[2];
    struct image_topic topic;
    struct partition_config config;
    struct partition *p;
    struct send sends[SENDS_MAX];
    int send_count;
    int heard; /* Of all sends. */
    struct fetch fetch;
    bool is_offline; /* The folder of all but the first partition. */
};

static void configure(struct replicas *replicas, const struct image_topic *topic,
                      struct partition_config *out)
{
    const struct bench *bench = replicas->owner;

    check_text(topic->name, "orders");
    *out = bench->config;
}

static void open_replicas(struct bench *bench)
{
    bench->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench->loop, .diag = bench->kit.env.diag, .dir = bench->kit.dir});
    bench->replicas = (struct replicas){
        .loop = &bench->loop,
        .diag = bench->kit.env.diag,
        .env = bench->kit.env,
        .dirs = {{.dir = bench->kit.dir, .syncer = bench->syncer}},
        .dir_count = 1,
        .configure = configure,
        .owner = bench,
    };
    replicas_init(&bench->replicas);
}

static void bench_init(struct bench *bench, bool is_disk)
{
    static char name[] = "orders";

    *bench = (struct bench){.send_count = 0};
    store_kit_init(&bench->kit);
    bench->kit.faulty.holds_work = true;
    bench->kit.faulty.wall_ms = 1700000000000;
    bench->config = (struct partition_config){
        .log = bench->kit.config,
        .rules = {.timestamp_before_max_ms = INT64_MAX, .timestamp_after_max_ms = 3600000},
        .is_disk = is_disk,
    };
    bench->topic = (struct image_topic){.name = name,
                                        .id = bench->kit.topic_id,
                                        .partition_count = COUNT_OF(bench->parts),
                                        .partitions = bench->parts};
    loop_init(&bench->loop, bench->kit.env.io);
    open_replicas(bench);
    check_ok(replicas_get(&bench->replicas, &bench->topic, 0, &bench->p));
}

static int close_replicas(struct bench *bench, bool clean)
{
    int r = replicas_fini(&bench->replicas, clean);

    bench->kit.faulty.holds_work = false;
    bench->syncer = syncer_destroy(bench->syncer);
    return r;
}

static void bench_fini(struct bench *bench)
{
    if (bench->syncer)
        (void)close_replicas(bench, false);
    loop_fini(&bench->loop);
    for (int i = 0; i < bench->send_count; i++)
        text_fini(&bench->sends[i].bytes);
    store_kit_fini(&bench->kit);
}

static int send_batch(struct bench *bench, int16_t acks, const struct store_batch *batch);

static void done(struct append *append, int outcome)
{
    struct send *send = container_of(append, struct send, append);
    struct bench *bench = send->bench;

    send->heard++;
    send->outcome = outcome;
    send->order = ++bench->heard;
    /* The memory is the sender's again: whoever still looks will see it. */
    memset(send->bytes.data, 0xee, send->bytes.size);
    if (send->again)
        (void)send_batch(bench, append->acks, &(struct store_batch){.records = 1});
}

static int send_batch(struct bench *bench, int16_t acks, const struct store_batch *batch)
{
    struct send *send = &bench->sends[bench->send_count++];

    check(bench->send_count <= SENDS_MAX);
    *send = (struct send){.bench = bench};
    store_batch_make(batch, &send->bytes);
    send->append = (struct append){
        .batch = (uint8_t *)send->bytes.data, .size = send->bytes.size, .acks = acks, .done = done};
    return partition_append(bench->p, &send->append);
}

/* Sends a batch of one record, which is let in; returns its number. */
static int put(struct bench *bench, int16_t acks)
{
    check_ok(send_batch(bench, acks, &(struct store_batch){.records = 1}));
    return bench->send_count - 1;
}

static void turn(struct bench *bench)
{
    loop_turn(&bench->loop, 0);
}

static bool work(struct bench *bench)
{
    return faulty_io_run_work(&bench->kit.faulty) > 0;
}

static bool is_done(const struct bench *bench, int send, int outcome)
{
    check(bench->sends[send].heard <= 1);
    return bench->sends[send].heard == 1 && bench->sends[send].outcome == outcome;
}

static bool is_waiting(const struct bench *bench, int send)
{
    return bench->sends[send].heard == 0;
}

/* How many bytes a reader gets from `offset` on. */
static size_t readable(struct bench *bench, int64_t offset)
{
    struct partition_read read = {.offset = offset, .bytes_max = 1000000, .at_least_one = true};
    size_t result;

    check_ok(partition_read(bench->p, &read));
    check_eq(read.high_watermark, bench->p->high_watermark);
    result = read.range.size;
    log_range_release(&read.range);
    return result;
}

static void woken(struct fetch_wait *wait)
{
    struct fetch *fetch = container_of(wait, struct fetch, wait);

    fetch->woken++;
    if (fetch->again)
        partition_wait(fetch->bench->p, wait);
}

static void wait_for_more(struct bench *bench, bool again)
{
    bench->fetch = (struct fetch){.wait = {.wake = woken}, .bench = bench, .again = again};
    partition_wait(bench->p, &bench->fetch.wait);
}

/* --- acks ------------------------------------------------------------------- */

TEST(partition, acks_0_and_1_are_answered_at_the_write_and_all_when_it_is_durable)
{
    struct bench bench;
    int none, one, all;

    bench_init(&bench, true);
    wait_for_more(&bench, false);
    none = put(&bench, 0);
    all = put(&bench, -1);
    one = put(&bench, 1);
    check(is_waiting(&bench, none) && is_waiting(&bench, one));
    check_eq(log_written(bench.p->log), 0);
    turn(&bench);
    check(is_done(&bench, none, 0) && is_done(&bench, one, 0) && is_waiting(&bench, all));
    check(bench.sends[none].order == 1 && bench.sends[one].order == 2);
    check(bench.p->high_watermark == 0 && readable(&bench, 0) == 0 && bench.fetch.woken == 0);
    check(work(&bench));
    check(is_done(&bench, all, 0) && bench.sends[all].append.base_offset == 1);
    check(bench.p->high_watermark == 3 && readable(&bench, 0) > 0 && bench.fetch.woken == 1);
    turn(&bench);
    check(!work(&bench));
    bench_fini(&bench);
}

TEST(partition, the_high_watermark_never_passes_what_is_durable)
{
    struct bench bench;
    int first, second;

    bench_init(&bench, true);
    first = put(&bench, -1);
    turn(&bench);
    second = put(&bench, -1); /* While the first is on its way to the disk. */
    turn(&bench);
    check(is_waiting(&bench, first) && is_waiting(&bench, second));
    check(work(&bench));
    check(is_done(&bench, first, 0) && is_waiting(&bench, second));
    check_eq(bench.p->high_watermark, 1);
    check_eq(log_written(bench.p->log), 2);
    turn(&bench);
    check(work(&bench));
    check(is_done(&bench, second, 0) && bench.p->high_watermark == 2);
    bench_fini(&bench);
}

TEST(partition, in_page_cache_everything_is_visible_at_the_write)
{
    struct bench bench;
    int all, one;

    bench_init(&bench, false);
    wait_for_more(&bench, true);
    all = put(&bench, -1);
    one = put(&bench, 1);
    turn(&bench);
    check(is_done(&bench, all, 0) && is_done(&bench, one, 0));
    check(bench.p->high_watermark == 2 && readable(&bench, 1) > 0 && bench.fetch.woken == 1);
    check(!work(&bench)); /* Nobody asks for a sync. */
    put(&bench, 0);
    turn(&bench);
    check_eq(bench.fetch.woken, 2);
    list_remove(&bench.fetch.wait.node);
    bench_fini(&bench);
}

TEST(partition, in_page_cache_a_segment_that_is_sealed_is_synced_in_the_background)
{
    struct bench bench;

    bench_init(&bench, false);
    bench.config.log.segment_bytes = 200;
    partition_configure(bench.p, &bench.topic);
    for (int i = 0; i < 3; i++) {
        put(&bench, 1);
        turn(&bench);
        check(is_done(&bench, i, 0));
    }
    check(work(&bench));
    check_eq(log_synced(bench.p->log), 3);
    put(&bench, 1);
    turn(&bench);
    check(!work(&bench));
    bench_fini(&bench);
}

/* --- callbacks that come back ----------------------------------------------- */

TEST(partition, who_sends_more_when_it_hears_is_heard_when_that_is_written)
{
    for (int is_disk = 0; is_disk < 2; is_disk++) {
        struct bench bench;

        bench_init(&bench, is_disk);
        put(&bench, 1);
        put(&bench, 1);
        bench.sends[0].again = true;
        turn(&bench);
        check_eq(bench.send_count, 3);
        check(is_done(&bench, 0, 0) && is_done(&bench, 1, 0));
        check(is_done(&bench, 2, 0)); /* A turn ends when nothing is left to write. */
        check_eq(bench.sends[2].append.base_offset, 2);
        check_eq(log_written(bench.p->log), 3);
        while (work(&bench))
            turn(&bench);
        check_eq(bench.p->high_watermark, 3);
        bench_fini(&bench);
    }
}

TEST(partition, who_sends_more_when_a_write_failed_is_not_told_that_this_failed)
{
    struct bench bench;

    bench_init(&bench, true);
    put(&bench, 1);
    put(&bench, -1);
    bench.sends[0].again = bench.sends[1].again = true;
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE, 1, -ENOSPC);
    turn(&bench);
    check(is_done(&bench, 0, PARTITION_E_STORAGE) && is_done(&bench, 1, PARTITION_E_STORAGE));
    check(diag_lines_have(&bench.kit.lines, "write to the log failed"));
    check_eq(bench.send_count, 4);
    check(is_done(&bench, 2, 0) && is_waiting(&bench, 3));
    check(bench.sends[2].append.base_offset == 0 && bench.sends[3].append.base_offset == 1);
    check(work(&bench));
    check(is_done(&bench, 3, 0));
    bench_fini(&bench);
}

TEST(partition, nobody_is_called_while_a_batch_is_let_in)
{
    struct bench bench;

    bench_init(&bench, false);
    bench.config.log.segment_bytes = 200;
    partition_configure(bench.p, &bench.topic);
    for (int i = 0; i < 6; i++) { /* Each third begins a segment, so the others are written. */
        put(&bench, 1);
        check_eq(bench.heard, 0);
    }
    check(log_written(bench.p->log) >= 4 && bench.p->high_watermark == 0);
    turn(&bench);
    check(bench.heard == 6 && bench.p->high_watermark == 6);
    for (int i = 0; i < 6; i++)
        check(is_done(&bench, i, 0) && bench.sends[i].order == i + 1);
    bench_fini(&bench);
}

/* --- what is refused -------------------------------------------------------- */

TEST(partition, what_is_no_batch_is_refused)
{
    struct bench bench;
    struct send *send;

    bench_init(&bench, true);
    bench.config.log.max_message_bytes = 500;
    partition_configure(bench.p, &bench.topic);
    check_eq(send_batch(&bench, 1, &(struct store_batch){.records = 1, .value_size = 500}),
             PARTITION_E_TOO_LARGE);

    put(&bench, 1);
    send = &bench.sends[bench.send_count];
    *send = (struct send){.bench = &bench};
    store_batch_make(&(struct store_batch){.records = 1}, &send->bytes);
    store_batch_make(&(struct store_batch){.records = 1}, &send->bytes);
    send->append = (struct append){
        .batch = (uint8_t *)send->bytes.data, .size = send->bytes.size, .acks = 1, .done = done};
    bench.send_count++;
    check_eq(partition_append(bench.p, &send->append), PARTITION_E_MALFORMED);
    send->append.size /= 2;
    send->bytes.data[70] ^= 1;
    check_eq(partition_append(bench.p, &send->append), PARTITION_E_BATCH);
    check_eq(send->append.batch_outcome, BATCH_E_CRC);
    send->append.size = 3;
    check_eq(partition_append(bench.p, &send->append), PARTITION_E_MALFORMED);

    check_eq(send_batch(&bench, 1, &(struct store_batch){.records = 1, .time = INT64_MAX / 2}),
             PARTITION_E_BATCH);
    bench.config.log.segment_bytes = 100;
    partition_configure(bench.p, &bench.topic);
    check_eq(send_batch(&bench, 1, &(struct store_batch){.records = 1, .value_size = 100}),
             PARTITION_E_SEGMENT_SIZE);
    turn(&bench);
    check_eq(bench.heard, 1);
    bench_fini(&bench);
}

TEST(partition, a_duplicate_is_answered_like_the_first_and_waits_with_it)
{
    const struct store_batch batch = {.records = 2, .producer = 7};
    const struct store_batch gap = {.records = 2, .producer = 7, .sequence = 5};
    const struct store_batch old = {.records = 2, .producer = 7, .epoch = 0};
    const struct store_batch newer = {.records = 2, .producer = 7, .epoch = 1};
    struct bench bench;

    bench_init(&bench, true);
    check_ok(send_batch(&bench, -1, &batch));
    check_ok(send_batch(&bench, -1, &batch));
    turn(&bench);
    check_ok(send_batch(&bench, -1, &batch));
    turn(&bench);
    check(is_waiting(&bench, 0) && is_waiting(&bench, 1) && is_waiting(&bench, 2));
    check(work(&bench));
    check(is_done(&bench, 0, 0) && is_done(&bench, 1, 0) && is_done(&bench, 2, 0));
    for (int i = 0; i < 3; i++)
        check(bench.sends[i].append.base_offset == 0 && bench.sends[i].append.last_offset == 1);
    check_eq(log_end(bench.p->log), 2);
    check_ok(send_batch(&bench, -1, &batch)); /* It is visible: nothing to wait for. */
    turn(&bench);
    check(is_done(&bench, 3, 0));
    check_eq(send_batch(&bench, -1, &gap), PARTITION_E_SEQUENCE);
    check_ok(send_batch(&bench, 1, &newer));
    check_eq(send_batch(&bench, 1, &old), PARTITION_E_PRODUCER_EPOCH);
    check_eq(
        send_batch(&bench, 1, &(struct store_batch){.records = 1, .producer = 8, .sequence = 3}),
        PARTITION_E_UNKNOWN_PRODUCER);
    turn(&bench);
    bench_fini(&bench);
}

TEST(partition, the_brokers_time_is_in_batches_of_append_time)
{
    struct partition_read read = {.offset = 0, .bytes_max = 1000, .at_least_one = true};
    struct batch_header header;
    struct bench bench;
    uint8_t bytes[200];
    size_t got;

    bench_init(&bench, false);
    bench.config.rules.is_append_time = true;
    partition_configure(bench.p, &bench.topic);
    check_ok(send_batch(&bench, 1, &(struct store_batch){.records = 1, .time = 5}));
    turn(&bench);
    check_eq(bench.sends[0].append.append_time, 1700000000000);
    check_ok(partition_read(bench.p, &read));
    check_ok(bench.kit.env.io->ops->file_read(bench.kit.env.io, read.range.fd, read.range.position,
                                              bytes, sizeof(bytes), &got));
    log_range_release(&read.range);
    check_ok(batch_parse(slice_of(bytes, got), &header));
    check_eq(header.max_timestamp, 1700000000000);
    check(header.attributes & BATCH_IS_APPEND_TIME);
    check(batch_crc_is_good(slice_of(bytes, got)));
    bench_fini(&bench);
}

/* --- reading ---------------------------------------------------------------- */

TEST(partition, readers_see_what_is_below_the_high_watermark)
{
    struct partition_read read = {.offset = 3, .bytes_max = 1000, .at_least_one = true};
    struct bench bench;

    bench_init(&bench, true);
    put(&bench, 1);
    put(&bench, 1);
    turn(&bench);
    check_eq(partition_read(bench.p, &read), PARTITION_E_OUT_OF_RANGE);
    check(read.high_watermark == 0 && read.log_start == 0);
    read.offset = -1;
    check_eq(partition_read(bench.p, &read), PARTITION_E_OUT_OF_RANGE);
    for (int64_t offset = 0; offset <= 2; offset++)
        check_eq(readable(&bench, offset), 0);
    check(work(&bench));
    check(readable(&bench, 0) == 2 * readable(&bench, 1) && readable(&bench, 2) == 0);
    bench_fini(&bench);
}

/* --- failures --------------------------------------------------------------- */

TEST(partition, when_a_sync_fails_everybody_hears_and_the_partition_is_offline)
{
    struct partition_read read = {.offset = 0, .bytes_max = 1000, .at_least_one = true};
    struct partition *again;
    struct bench bench;
    int first, second, third;

    bench_init(&bench, true);
    wait_for_more(&bench, false);
    first = put(&bench, -1);
    turn(&bench);
    second = put(&bench, -1);
    turn(&bench);
    third = put(&bench, 1); /* Staged only. */
    faulty_io_arm(&bench.kit.faulty, FAULTY_SYNC, 1, -EIO);
    check(work(&bench));
    check(is_done(&bench, first, PARTITION_E_STORAGE));
    check(is_done(&bench, second, PARTITION_E_STORAGE));
    check(is_done(&bench, third, PARTITION_E_STORAGE));
    check(bench.sends[first].order == 1 && bench.sends[third].order == 3);
    check(bench.fetch.woken == 1 && bench.p->high_watermark == 0);
    check(diag_lines_have(&bench.kit.lines, "partition failed and is offline"));
    turn(&bench);
    check_eq(send_batch(&bench, 1, &(struct store_batch){.records = 1}), PARTITION_E_STORAGE);
    check_eq(partition_read(bench.p, &read), PARTITION_E_STORAGE);
    check_eq(replicas_get(&bench.replicas, &bench.topic, 0, &again), PARTITION_E_STORAGE);
    while (work(&bench))
        turn(&bench);
    check_eq(bench.p->high_watermark, 0);
    check_eq(close_replicas(&bench, true), -EIO);
    bench_fini(&bench);
}

TEST(partition, in_a_folder_that_another_shard_fenced_nothing_goes_in_and_nothing_is_promised)
{
    struct bench bench;
    int all, staged;

    bench_init(&bench, true);
    all = put(&bench, -1);
    turn(&bench);
    staged = put(&bench, 1);
    log_dir_fence(bench.kit.dir);
    check_eq(send_batch(&bench, 1, &(struct store_batch){.records = 1}), PARTITION_E_STORAGE);
    turn(&bench);
    check(is_done(&bench, staged, PARTITION_E_STORAGE));
    check(is_done(&bench, all, PARTITION_E_STORAGE));
    check(work(&bench));
    check_eq(bench.p->high_watermark, 0);
    bench_fini(&bench);
}

TEST(partition, a_write_that_cannot_be_taken_back_takes_the_partition_offline)
{
    struct bench bench;
    int first, second;

    bench_init(&bench, true);
    first = put(&bench, -1);
    turn(&bench);
    second = put(&bench, 1);
    faulty_io_arm(&bench.kit.faulty, FAULTY_WRITE | FAULTY_TRUNCATE, 1, -EIO);
    bench.kit.faulty.fail_count = 2;
    turn(&bench);
    check(is_done(&bench, first, PARTITION_E_STORAGE));
    check(is_done(&bench, second, PARTITION_E_STORAGE));
    check(bench.p->is_failed && !log_dir_is_fenced(bench.kit.dir));
    check(work(&bench)); /* The sync of the first ends, and changes nothing. */
    check_eq(bench.p->high_watermark, 1);
    bench_fini(&bench);
}

TEST(partition, a_partition_that_cannot_be_opened_is_tried_again_at_the_next_use)
{
    struct partition *p;
    struct bench bench;

    bench_init(&bench, true);
    faulty_io_arm(&bench.kit.faulty, FAULTY_OPEN, 1, -EMFILE);
    check_eq(replicas_get(&bench.replicas, &bench.topic, 1, &p), PARTITION_E_STORAGE);
    check(diag_lines_have(&bench.kit.lines, "partition could not be opened"));
    check(!replicas_find(&bench.replicas, bench.topic.id, 1));
    check_ok(replicas_get(&bench.replicas, &bench.topic, 1, &p));
    check(replicas_find(&bench.replicas, bench.topic.id, 1) == p && p != bench.p);
    check_ok(close_replicas(&bench, true));
    bench_fini(&bench);
}

/* --- ends ------------------------------------------------------------------- */

TEST(partition, a_drop_ends_all_waits)
{
    struct bench bench;
    int all, staged, told;

    bench_init(&bench, true);
    wait_for_more(&bench, false);
    all = put(&bench, -1);
    turn(&bench);
    told = put(&bench, 1);
    staged = put(&bench, -1);
    partition_drop(bench.p);
    check(is_done(&bench, all, PARTITION_E_CLOSED) && is_done(&bench, told, PARTITION_E_CLOSED));
    check(is_done(&bench, staged, PARTITION_E_CLOSED) && bench.fetch.woken == 1);
    check(!replicas_find(&bench.replicas, bench.topic.id, 0));
    check_ok(log_dir_delete_log(bench.kit.dir, bench.kit.env.io, "orders-0", bench.topic.id));
    turn(&bench);
    check(work(&bench)); /* The round that was in flight finds its files and nobody to tell. */
    turn(&bench);
    check_eq(bench.heard, 3);
    bench_fini(&bench);
}

TEST(partition, a_clean_end_gives_up_what_is_not_written_and_keeps_the_rest)
{
    struct bench bench;
    int all, staged;

    bench_init(&bench, true);
    all = put(&bench, -1);
    turn(&bench);
    staged = put(&bench, -1);
    check_ok(close_replicas(&bench, true));
    check(is_done(&bench, all, PARTITION_E_CLOSED) && is_done(&bench, staged, PARTITION_E_CLOSED));
    store_kit_close(&bench.kit, true);
    store_kit_open(&bench.kit);
    open_replicas(&bench);
    check_ok(replicas_get(&bench.replicas, &bench.topic, 0, &bench.p));
    check(bench.p->high_watermark == 1 && readable(&bench, 0) > 0);
    check_ok(close_replicas(&bench, true));
    bench_fini(&bench);
}

TEST(partition, other_settings_count_at_once)
{
    struct bench bench;
    int first;

    bench_init(&bench, true);
    first = put(&bench, -1);
    turn(&bench);
    check(is_waiting(&bench, first));
    bench.config.is_disk = false;
    partition_configure(bench.p, &bench.topic);
    check(is_done(&bench, first, 0) && bench.p->high_watermark == 1);
    put(&bench, 1);
    turn(&bench);
    check_eq(bench.p->high_watermark, 2);
    bench.config.is_disk = true;
    partition_configure(bench.p, &bench.topic);
    put(&bench, -1);
    turn(&bench);
    check(work(&bench));
    check_eq(bench.p->high_watermark, 2); /* What was visible stays so. */
    turn(&bench);
    check(work(&bench));
    check_eq(bench.p->high_watermark, 3);
    bench_fini(&bench);
}

/* --- several folders -------------------------------------------------------- */

static int place_by_index(struct replicas *replicas, const struct image_topic *topic, int32_t index)
{
    const struct bench *bench = replicas->owner;

    (void)topic;
    return bench->is_offline ? -1 : index;
}

TEST(partition, a_folder_that_fails_takes_its_own_partitions_only)
{
    struct log_dir_options options = {.node_id = 1};
    struct replica_dir *second;
    struct partition *p;
    struct bench bench;

    bench_init(&bench, true);
    options.io = bench.kit.env.io;
    options.diag = bench.kit.env.diag;
    options.path = store_kit_beside(&bench.kit, "second");
    options.cluster_id = log_dir_cluster_id(bench.kit.dir);
    second = &bench.replicas.dirs[bench.replicas.dir_count++];
    check_ok(log_dir_open(&options, &second->dir));
    second->syncer = syncer_create(&(struct syncer_options){
        .loop = &bench.loop, .diag = bench.kit.env.diag, .dir = second->dir});
    bench.replicas.place = place_by_index;

    check(!replicas_has_log(&bench.replicas, &bench.topic, 1));
    check_ok(replicas_get(&bench.replicas, &bench.topic, 1, &p));
    check(p->at == second && bench.p->at == &bench.replicas.dirs[0]);
    check(replicas_has_log(&bench.replicas, &bench.topic, 1));
    check(files_count(options.path, "orders-1") == 1 && files_count(bench.kit.path, "-1") == 0);

    log_dir_fence(second->dir);
    put(&bench, -1);
    bench.p = p;
    check_eq(send_batch(&bench, -1, &(struct store_batch){.records = 1}), PARTITION_E_STORAGE);
    turn(&bench);
    check(work(&bench));
    check(is_done(&bench, 0, 0));

    bench.kit.faulty.holds_work = false;
    check(replicas_fini(&bench.replicas, true) < 0);
    check(bench.replicas.dirs[0].close_result == 0 && second->close_result < 0);
    syncer_destroy(second->syncer);
    bench.syncer = syncer_destroy(bench.syncer);
    check(log_dir_close(second->dir, true) < 0);
    bench_fini(&bench);
}

TEST(partition, what_is_in_a_folder_that_is_offline_is_not_begun_anew)
{
    struct partition *p;
    struct bench bench;

    bench_init(&bench, true);
    bench.replicas.place = place_by_index;
    bench.is_offline = true;
    check_eq(replicas_get(&bench.replicas, &bench.topic, 1, &p), PARTITION_E_STORAGE);
    check(replicas_has_log(&bench.replicas, &bench.topic, 1)); /* For all that we know. */
    check_eq(files_count(bench.kit.path, "-1"), 0);
    bench_fini(&bench);
}
