/* SPDX-License-Identifier: Apache-2.0 */

/* control/mlog.c - the engine `local`: one segment log, synced behind every batch. */

#include "control/mlog.h"

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "control/snapshots.h"
#include "meta/metadata_control.h"
#include "wire/codec.h"
#include "wire/msg/leader_change_message.h"

DIAG_MODULE("control");

enum { READ_SIZE = 1024 * 1024, QUORUM_STATE_MAX = 64 * 1024 };

static const char log_name[] = "__cluster_metadata-0";

/* The id of the metadata log, which is the same in every cluster. */
static const struct uuid log_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

const struct mlog_config mlog_config_plain = {
    .segment_bytes = 1024 * 1024 * 1024,
    .segment_ms = INT64_C(7) * 24 * 60 * 60 * 1000,
    .snapshot_bytes = -1,
    .retention_bytes = -1,
    .retention_ms = -1,
};

struct mlog {
    struct mlog_options options;
    struct log *log;             /* Owned. */
    struct snapshots *snapshots; /* Owned. */
    struct syncer_request sync;
    void (*done)(void *context, int r); /* Of the append under way; NULL if there is none. */
    void *context;
    int32_t epoch;
    int16_t kraft_version;
    struct text voters;     /* Owned: who votes, if kraft.version says that the log knows. */
    int64_t first_data;     /* Offset of the first record that was replayed, or -1. */
    int64_t last_timestamp; /* Of the last batch of data; 0 if there is none. */
    int64_t since_bytes;    /* Batches since the last snapshot. */
    int64_t since_ms;       /* Unix time of it, or of the opening. */
    bool is_failed;
};

/* --- replay ----------------------------------------------------------------- */

struct replay {
    struct mlog *mlog;
    int64_t snapshot_end; /* While a snapshot is read, else -1. */
};

static int replay_record(void *context, int64_t offset, struct slice record)
{
    struct replay *replay = context;
    const struct mlog_options *o = &replay->mlog->options;

    if (replay->mlog->first_data < 0)
        replay->mlog->first_data = offset;
    return o->replay(o->context, replay->snapshot_end >= 0 ? replay->snapshot_end - 1 : offset,
                     record);
}

/* What the log itself keeps. */
static void take_state(struct mlog *mlog, const struct metadata_reader *reader)
{
    mlog->epoch = max_of(mlog->epoch, reader->epoch);
    mlog->last_timestamp = max_of(mlog->last_timestamp, reader->last_timestamp);
    if (reader->kraft_version > 0)
        mlog->kraft_version = reader->kraft_version;
    if (reader->voters.size == 0)
        return;
    text_cut(&mlog->voters, 0);
    text_add(&mlog->voters, reader->voters.data, reader->voters.size);
}

/* A snapshot of nothing, which a formatter makes, says who votes; its records are for the first
 * start (mlog_read_bootstrap()). */
static int replay_snapshot(struct mlog *mlog, struct snapshot_id id)
{
    struct replay replay = {.mlog = mlog, .snapshot_end = id.end};
    struct metadata_reader reader;
    char name[SNAPSHOT_NAME_SIZE];
    int r;

    snapshot_print_name(id, name);
    metadata_reader_init(&reader, id.end > 0 ? replay_record : NULL, &replay);
    r = snapshots_load(mlog->snapshots, id, &reader);
    if (r == 0 && id.end > 0)
        mlog->first_data = max_of(mlog->first_data, 0); /* Even if the cluster was empty. */
    if (r == 0)
        take_state(mlog, &reader);
    if (r == 0 && id.end > 0)
        mlog->last_timestamp = reader.snapshot_timestamp;
    if (r == SNAPSHOTS_E_CORRUPT)
        diag_error(mlog->options.env->diag,
                   "snapshot of the metadata cannot be read; restore it, or delete it if the log "
                   "begins before it",
                   kv("file", name));
    metadata_reader_fini(&reader);
    return r > 0 ? MLOG_E_CORRUPT : err_pass(r);
}

static int replay_some(struct mlog *mlog, struct metadata_reader *reader)
{
    struct io *io = mlog->options.env->io;
    scoped(mem_freep) void *bytes = NULL;
    struct log_range range;
    size_t got = 0, used = 0;
    int r = log_read(mlog->log, reader->next, log_end(mlog->log), READ_SIZE, true, &range);

    if (r)
        return r > 0 ? MLOG_E_CORRUPT : err_pass(r);
    bytes = mem_new(range.size);
    r = io->ops->file_read(io, range.fd, range.position, bytes, range.size, &got);
    log_range_release(&range);
    if (r)
        return err_pass(r);
    r = metadata_reader_feed(reader, slice_of(bytes, got), &used);
    mlog->since_bytes += (int64_t)used;
    return r == 0 && used == 0 ? MLOG_E_CORRUPT : r;
}

static int replay_log(struct mlog *mlog, int64_t from)
{
    struct replay replay = {.mlog = mlog, .snapshot_end = -1};
    struct metadata_reader reader;
    int r = 0;

    metadata_reader_init(&reader, replay_record, &replay);
    reader.next = from;
    while (r == 0 && reader.next < log_end(mlog->log))
        r = replay_some(mlog, &reader);
    if (r == 0)
        take_state(mlog, &reader);
    metadata_reader_fini(&reader);
    return r;
}

static int replay_all(struct mlog *mlog)
{
    struct snapshot_id newest = {.end = 0};
    int r = 0;

    if (snapshots_newest(mlog->snapshots, &newest))
        r = replay_snapshot(mlog, newest);
    if (r)
        return r;
    if (newest.end < log_start(mlog->log) || newest.end > log_end(mlog->log)) {
        diag_error(mlog->options.env->diag,
                   "metadata log and its newest snapshot do not meet; restore the folder "
                   "__cluster_metadata-0 from a backup",
                   kv("snapshot_end", newest.end), kv("log_start", log_start(mlog->log)),
                   kv("log_end", log_end(mlog->log)));
        return MLOG_E_CORRUPT;
    }
    return replay_log(mlog, newest.end);
}

int mlog_read_bootstrap(struct mlog *mlog, metadata_record_fn *fn, void *context)
{
    scoped(file_unrefp) struct file *root = log_dir_folder(mlog->options.dir);
    struct snapshot_id newest;
    struct metadata_reader reader;
    int r;

    metadata_reader_init(&reader, fn, context);
    r = snapshots_load_file(mlog->options.env->io, root->fd, "bootstrap.checkpoint", &reader);
    if (r == -ENOENT && snapshots_newest(mlog->snapshots, &newest) && newest.end == 0)
        r = snapshots_load(mlog->snapshots, newest, &reader);
    metadata_reader_fini(&reader);
    if (r > 0)
        diag_error(mlog->options.env->diag,
                   "bootstrap.checkpoint cannot be read; format the folder anew");
    return r == -ENOENT ? 0 : r > 0 ? MLOG_E_CORRUPT : err_pass(r);
}

/* --- epochs ----------------------------------------------------------------- */

static const char quorum_state[] = "quorum-state";

/* The epoch that Kafka's own file tells; 0 if there is none. */
static int32_t read_quorum_state(const struct mlog *mlog)
{
    scoped(file_unrefp) struct file *folder = log_folder(mlog->log);
    struct text file = {.data = NULL};
    struct slice key;
    struct arena arena;
    struct json json;
    int64_t epoch = 0;

    arena_init(&arena, NULL);
    if (file_load(mlog->options.env->io, folder->fd, quorum_state, QUORUM_STATE_MAX, &file) == 0) {
        json_init(&json, text_slice(&file));
        json_enter(&json, JSON_OBJECT);
        while (json_more(&json)) {
            json_key(&json, &arena, &key);
            if (slice_is_text(key, "leaderEpoch"))
                json_i64(&json, &epoch);
            else
                json_skip(&json);
        }
    }
    text_fini(&file);
    arena_reset(&arena);
    return epoch > 0 && epoch < INT32_MAX ? (int32_t)epoch : 0;
}

/* Notes the epoch as Kafka's voters do before they use it, in the form of the kraft.version. */
static int write_quorum_state(const struct mlog *mlog)
{
    scoped(file_unrefp) struct file *folder = log_folder(mlog->log);
    struct text file = {.data = NULL};
    int node = mlog->options.node_id;
    int r;

    if (mlog->kraft_version > 0) /* KIP-853 */
        text_printf(&file,
                    "{\"leaderId\":%d,\"leaderEpoch\":%d,\"votedId\":-1,"
                    "\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}",
                    node, mlog->epoch);
    else
        text_printf(&file,
                    "{\"clusterId\":\"\",\"leaderId\":%d,\"leaderEpoch\":%d,\"votedId\":-1,"
                    "\"appliedOffset\":0,\"currentVoters\":[{\"voterId\":%d}],"
                    "\"data_version\":0}",
                    node, mlog->epoch, node);
    r = file_replace(mlog->options.env->io, folder->fd, quorum_state, text_slice(&file));
    text_fini(&file);
    return err_pass(r);
}

static int stage(struct mlog *mlog, struct batch_builder *builder);

/* The epoch begins: its first record says who leads. */
static int begin_epoch(struct mlog *mlog)
{
    struct leader_change_message_voter self = {.voter_id = mlog->options.node_id};
    struct leader_change_message change = leader_change_message_defaults;
    struct batch_builder builder;
    struct codec_output value;
    struct arena arena;
    int r;

    mlog->epoch = max_of(mlog->epoch, read_quorum_state(mlog)) + 1;
    r = write_quorum_state(mlog);
    if (r)
        return err_pass(r);
    change.leader_id = mlog->options.node_id;
    change.voters = change.granting_voters = &self;
    change.voters_count = change.granting_voters_count = 1;
    arena_init(&arena, NULL);
    batch_builder_init(&builder);
    r = codec_encode(&leader_change_message_message, 0, &change, &arena, &value);
    assert(r == 0); /* Our own numbers. */
    snapshot_add_control(&builder, io_wall_ms(mlog->options.env->io),
                         METADATA_CONTROL_LEADER_CHANGE, slice_of(value.data, value.size));
    r = stage(mlog, &builder);
    batch_builder_fini(&builder);
    arena_reset(&arena);
    return err_pass(r);
}

/* --- appending -------------------------------------------------------------- */

static void synced(struct syncer_request *request, int r)
{
    struct mlog *mlog = container_of(request, struct mlog, sync);
    void (*done)(void *context, int r) = mlog->done;

    mlog->done = NULL;
    mlog->is_failed |= r != 0;
    if (done)
        done(mlog->context, r);
}

/* Writes what the builder has as one batch; it is not synced. */
static int stage(struct mlog *mlog, struct batch_builder *builder)
{
    struct log_append_terms terms = {.leader_epoch = mlog->epoch,
                                     .now_ms = io_wall_ms(mlog->options.env->io)};
    struct log_appended appended;
    struct batch_header header;
    struct text batch = {.data = NULL};
    int r = batch_builder_finish(builder, COMPRESS_NONE, mlog_end(mlog), mlog->epoch, &batch);

    if (r == 0)
        r = batch_parse(text_slice(&batch), &header);
    if (r == 0)
        r = log_append(mlog->log, (uint8_t *)batch.data, batch.size, &header, &terms, &appended);
    if (r == 0)
        r = log_write(mlog->log);
    if (r == 0)
        mlog->since_bytes += (int64_t)batch.size;
    text_fini(&batch);
    return r > 0 ? err_raise(-EIO) : err_pass(r);
}

static int write_batch(struct mlog *mlog, const struct slice *records, size_t count)
{
    int64_t now_ms = io_wall_ms(mlog->options.env->io);
    struct batch_builder builder;
    int r;

    if (mlog->is_failed)
        return err_raise(-EIO);
    batch_builder_init(&builder);
    for (size_t i = 0; i < count; i++)
        batch_builder_add(&builder, now_ms, slice_null(), records[i], NULL, 0);
    r = stage(mlog, &builder);
    batch_builder_fini(&builder);
    if (r == 0) {
        mlog->last_timestamp = now_ms;
        mlog->first_data = max_of(mlog->first_data, 0);
    }
    return err_pass(r);
}

int mlog_append(struct mlog *mlog, const struct slice *records, size_t count,
                void (*done)(void *context, int r), void *context)
{
    int r;

    assert(!mlog->done);
    r = write_batch(mlog, records, count);
    if (r)
        return err_pass(r);
    mlog->done = done;
    mlog->context = context;
    syncer_ask(mlog->options.syncer, mlog->log, &mlog->sync);
    if (mutant_is(MUTANT_METADATA_EARLY)) {
        mlog->done = NULL;
        done(context, 0);
    }
    return 0;
}

int mlog_append_now(struct mlog *mlog, const struct slice *records, size_t count)
{
    struct log_sync sync;
    int r = write_batch(mlog, records, count);

    if (r)
        return err_pass(r);
    if (log_sync_begin(mlog->log, &sync)) {
        r = log_sync_run(&sync, mlog->options.env->io);
        if (r == 0)
            log_sync_end(mlog->log, &sync);
        else
            log_dir_fence(mlog->options.dir);
        log_sync_fini(&sync);
    }
    mlog->is_failed |= r != 0;
    return err_pass(r);
}

bool mlog_is_failed(const struct mlog *mlog)
{
    return mlog->is_failed || log_is_fenced(mlog->log);
}

bool mlog_is_empty(const struct mlog *mlog)
{
    return mlog->first_data < 0;
}

int64_t mlog_end(const struct mlog *mlog)
{
    return log_end(mlog->log);
}

int32_t mlog_epoch(const struct mlog *mlog)
{
    return mlog->epoch;
}

int16_t mlog_kraft_version(const struct mlog *mlog)
{
    return mlog->kraft_version;
}

/* --- snapshots -------------------------------------------------------------- */

static bool wants_snapshot(const struct mlog *mlog, int64_t now_ms)
{
    const struct mlog_config *config = &mlog->options.config;

    if (mlog->since_bytes == 0 || mlog_is_failed(mlog))
        return false;
    return (config->snapshot_bytes >= 0 && mlog->since_bytes >= config->snapshot_bytes) ||
           (config->snapshot_ms > 0 && now_ms - mlog->since_ms >= config->snapshot_ms);
}

void mlog_note_image(struct mlog *mlog, struct image *image)
{
    int64_t now_ms = io_wall_ms(mlog->options.env->io);
    struct snapshot_id id = {.end = image->offset + 1, .epoch = mlog->epoch};
    struct snapshot_id newest;

    if (!wants_snapshot(mlog, now_ms) || snapshots_are_busy(mlog->snapshots) ||
        log_synced(mlog->log) < id.end) /* Never of what a crash could take back. */
        return;
    if (snapshots_newest(mlog->snapshots, &newest) && newest.end >= id.end)
        return;
    snapshots_write(mlog->snapshots, image, id,
                    &(struct snapshot_terms){
                        .epoch = mlog->epoch,
                        .now_ms = now_ms,
                        .last_timestamp_ms = mlog->last_timestamp,
                        .kraft_version = mlog->kraft_version,
                        .voters = mlog->voters.size > 0 ? text_slice(&mlog->voters) : slice_null(),
                    });
    mlog->since_bytes = 0;
    mlog->since_ms = now_ms;
}

bool mlog_is_snapshotting(const struct mlog *mlog)
{
    return snapshots_are_busy(mlog->snapshots);
}

/* --- for who reads along ---------------------------------------------------- */

int64_t mlog_start(const struct mlog *mlog)
{
    return log_start(mlog->log);
}

int64_t mlog_durable(const struct mlog *mlog)
{
    return log_synced(mlog->log);
}

int mlog_read(struct mlog *mlog, int64_t offset, size_t bytes_max, struct log_range *out)
{
    int r = log_read(mlog->log, offset, log_synced(mlog->log), bytes_max, true, out);

    return r > 0 ? MLOG_E_CORRUPT : err_pass(r);
}

void mlog_find_epoch_end(const struct mlog *mlog, int32_t epoch, int32_t *out_epoch,
                         int64_t *out_end)
{
    log_find_epoch_end(mlog->log, epoch, out_epoch, out_end);
}

bool mlog_newest_snapshot(const struct mlog *mlog, struct snapshot_id *out)
{
    return snapshots_newest(mlog->snapshots, out) && out->end > 0;
}

int mlog_open_snapshot(const struct mlog *mlog, struct snapshot_id id, struct file **out)
{
    scoped(file_unrefp) struct file *folder = log_folder(mlog->log);
    char name[SNAPSHOT_NAME_SIZE];

    snapshot_print_name(id, name);
    return err_pass(file_open(mlog->options.env->io, folder->fd, name, IO_READ, out));
}

/* --- opening and closing ---------------------------------------------------- */

static int open_log(struct mlog *mlog)
{
    const struct mlog_options *o = &mlog->options;
    struct log_config config = {
        .segment_bytes = o->config.segment_bytes,
        .segment_ms = o->config.segment_ms,
        .index_interval_bytes = 4096,
        .index_size_max = 10 * 1024 * 1024,
        .max_message_bytes = 64 * 1024 * 1024,
        .is_kept = true,
    };
    int r = log_dir_open_log(o->dir, o->env, log_name, log_id, &config, &mlog->log);

    if (r)
        return r > 0 ? MLOG_E_CORRUPT : err_pass(r);
    return err_pass(snapshots_open(
        &(struct snapshots_options){
            .env = o->env,
            .dir = o->dir,
            .log = mlog->log,
            .log_id = log_id,
            .retention_bytes = o->config.retention_bytes,
            .retention_ms = o->config.retention_ms,
        },
        &mlog->snapshots));
}

int mlog_open(const struct mlog_options *options, struct mlog **out)
{
    struct mlog *mlog = mem_new(sizeof(*mlog));
    int r;

    mlog->options = *options;
    mlog->sync.done = synced;
    mlog->first_data = -1;
    mlog->since_ms = io_wall_ms(options->env->io);
    r = open_log(mlog);
    if (r == 0)
        r = replay_all(mlog);
    if (r == 0)
        r = begin_epoch(mlog);
    if (r) {
        (void)mlog_close(mlog, false);
        return r;
    }
    *out = mlog;
    return 0;
}

int mlog_close(struct mlog *mlog, bool clean)
{
    int r = 0;

    if (!mlog)
        return 0;
    syncer_forget(mlog->options.syncer, &mlog->sync);
    snapshots_close(mlog->snapshots);
    if (mlog->log && clean && !mlog->is_failed) {
        r = log_dir_close_log(mlog->options.dir, mlog->log);
    } else {
        log_abandon(mlog->log);
        r = clean ? err_raise(-EIO) : 0;
    }
    text_fini(&mlog->voters);
    mem_free(mlog);
    return err_pass(r);
}
