/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/shard.h"

#include "base/err.h"
#include "broker/broker.h"
#include "broker/keeping.h"
#include "broker/live_settings.h"
#include "broker/producer_ids.h"
#include "broker/session.h"
#include "broker/topic_settings.h"

static void configure(struct replicas *replicas, const struct image_topic *topic,
                      struct partition_config *out)
{
    struct shard *shard = replicas->owner;

    topic_settings_partition(&shard->settings, topic, out);
}

/* --- coordinators ----------------------------------------------------------- */

static const struct image *coordinators_image(struct coordinators *coordinators)
{
    const struct shard *shard = coordinators->owner;

    return shard->image;
}

static bool coordinators_is_home(struct coordinators *coordinators, const struct image_topic *topic,
                                 int32_t index)
{
    const struct shard *shard = coordinators->owner;

    return partition_home(topic->id, index, shard->broker->shard_count) == shard->index &&
           topic->partitions[index].leader == shard->broker->node_id;
}

/* More than anybody lives to see, and less than a clock of microseconds can hold. */
static const int64_t INTERVAL_MAX_MS = INT64_C(1) << 50;

static void init_coordinators(struct shard *shard)
{
    const struct settings *settings = shard->broker->settings;

    shard->coordinators = (struct coordinators){
        .loop = &shard->loop,
        .diag = shard->broker->diag,
        .replicas = &shard->replicas,
        .config = {.group = {.initial_delay_ms = settings->group_initial_rebalance_delay_ms,
                             .size_max = settings->group_max_size},
                   .retention_ms = settings->offsets_retention_minutes * 60 * 1000,
                   .check_interval_ms =
                       min_of(settings->offsets_retention_check_interval_ms, INTERVAL_MAX_MS),
                   .metadata_max_units = settings->offset_metadata_max_bytes,
                   .codec = (enum compress_codec)settings->offsets_topic_compression_codec},
        .image = coordinators_image,
        .is_home = coordinators_is_home,
        .owner = shard,
    };
    coordinators_init(&shard->coordinators);
}

/* --- settings --------------------------------------------------------------- */

void shard_settings_changed(struct shard *shard)
{
    struct settings live = {.given = NULL};
    struct broker *broker = shard->broker;

    live_settings_make(broker->settings, shard->image, broker->node_id, &live);
    settings_fini(&shard->settings);
    shard->settings = live;
    if (shard->index == 0)
        admission_settings_changed(&broker->admission);
}

/* --- files ------------------------------------------------------------------ */

/* Of an open log: its folder, and the active segment with its indexes. */
enum { FILES_OF_LOG = 4 };

/* How many partitions of a shard may have their logs open: they get three of four descriptors,
 * connections and the rest the fourth. */
static size_t awake_max(const struct broker *broker)
{
    int64_t logs = broker->files_max / 4 * 3 / FILES_OF_LOG / broker->shard_count;

    return broker->files_max ? (size_t)max_of(logs, INT64_C(1)) : 0;
}

/* --- replicas --------------------------------------------------------------- */

static int place(struct replicas *replicas, const struct image_topic *topic, int32_t index)
{
    const struct shard *shard = replicas->owner;

    return dirs_place(shard->broker, topic, index);
}

static void init_dir(struct shard *shard, int at)
{
    const struct settings *settings = shard->broker->settings;
    struct replica_dir *dir = &shard->replicas.dirs[at];

    dir->dir = shard->broker->dirs.items[at].dir;
    if (!dir->dir)
        return;
    dir->syncer = syncer_create(&(struct syncer_options){
        .loop = &shard->loop,
        .diag = shard->broker->diag,
        .dir = dir->dir,
        .shard = shard->index,
        .commit_block = (size_t)settings->commit_log_block_bytes,
    });
    dir->upkeep = upkeep_create(&(struct upkeep_options){
        .replicas = &shard->replicas,
        .dir = at,
        .interval_ms = settings->log_flush_offset_checkpoint_interval_ms,
    });
}

static void init_replicas(struct shard *shard)
{
    struct broker *broker = shard->broker;

    shard->replicas = (struct replicas){
        .loop = &shard->loop,
        .diag = broker->diag,
        .env = {.io = shard->loop.io, .diag = broker->diag},
        .dir_count = broker->dirs.count,
        .configure = configure,
        .place = place,
        .keep = keeping_notes,
        .owner = shard,
    };
    replicas_init(&shard->replicas);
    shard->replicas.traffic.is_by_topic = broker->settings->metrics_listener != NULL;
    shard->replicas.awake_max = awake_max(broker);
    for (int i = 0; i < broker->dirs.count; i++)
        init_dir(shard, i);
}

void shard_end_replicas(struct shard *shard, bool clean, int results[])
{
    struct replicas *replicas = &shard->replicas;
    int r = replicas_fini(replicas, clean);

    (void)r; /* The folders' own results say more. */
    replicas->compactor = compactor_destroy(replicas->compactor);
    replicas->verifier = verifier_destroy(replicas->verifier);
    for (int i = 0; i < replicas->dir_count; i++) {
        struct replica_dir *dir = &replicas->dirs[i];

        dir->upkeep = upkeep_destroy(dir->upkeep, clean);
        if (dir->close_result)
            results[i] = dir->close_result;
    }
}

/* --- beginning and ending --------------------------------------------------- */

/* How long a stop waits for clients that do not take their answers. */
enum { STOP_MAX_US = 3 * 1000 * 1000 };

static void stop_deadline_passed(struct loop_timer *timer)
{
    struct shard *shard = container_of(timer, struct shard, stop_deadline);

    shard->is_hurried = true;
    list_each (node, &shard->sessions)
        connection_close(&container_of(node, struct session, node)->connection,
                         "broker is stopping and the client does not take its answers", 0);
}

/* What is for the whole node is divided among its shards. */
static void init_compactor(struct shard *shard)
{
    const struct settings *settings = shard->broker->settings;
    int64_t shards = shard->broker->shard_count;

    shard->replicas.compactor = compactor_create(&(struct compactor_options){
        .replicas = &shard->replicas,
        .is_enabled = settings->log_cleaner_enable,
        .backoff_ms = settings->log_cleaner_backoff_ms,
        .map_bytes_max = (size_t)(settings->log_cleaner_dedupe_buffer_size / shards),
        .map_load = max_of(settings->log_cleaner_io_buffer_load_factor, 0.01),
        .bytes_per_second = settings->log_cleaner_io_max_bytes_per_second / (double)shards,
    });
}

static void set_expiry(struct shard *shard)
{
    int64_t interval_ms = shard->broker->settings->producer_id_expiration_check_interval_ms;

    loop_timer_set(&shard->loop, &shard->expiry, shard->loop.now_us + interval_ms * 1000);
}

static void expire_producers(struct loop_timer *timer)
{
    struct shard *shard = container_of(timer, struct shard, expiry);

    replicas_expire_producers(&shard->replicas);
    set_expiry(shard);
}

void shard_init(struct shard *shard, struct broker *broker, int index, struct io *io)
{
    const struct settings *settings = broker->settings;

    *shard = (struct shard){.broker = broker, .index = index};
    settings_copy(settings, &shard->settings);
    loop_init(&shard->loop, io);
    budget_init(&shard->budget, (size_t)(settings->queued_max_request_bytes / broker->shard_count));
    net_init(&shard->net, &shard->loop, &shard->budget, (size_t)settings->socket_request_max_bytes);
    if (settings->connections_max_idle_ms >= 0)
        shard->net.idle_us = min_of(settings->connections_max_idle_ms, INTERVAL_MAX_MS) * 1000;
    metrics_init(&shard->metrics, settings->metrics_listener != NULL);
    list_init(&shard->sessions);
    list_init(&shard->producer_id_waiters);
    fetch_sessions_init(&shard->fetch_sessions,
                        (size_t)settings->fetch_session_slots / (size_t)broker->shard_count);
    init_replicas(shard);
    init_compactor(shard);
    shard->replicas.verifier = verifier_create(&shard->loop);
    init_coordinators(shard);
    retention_init(&shard->retention, shard, settings->log_initial_task_delay_ms,
                   settings->log_retention_check_interval_ms);
    scrubber_init(&shard->scrubber, shard, settings->log_initial_task_delay_ms,
                  settings->log_scrub_interval_ms,
                  settings->log_scrub_io_max_bytes_per_second / (double)broker->shard_count);
    shard->image = image_create();
    shard->stop_deadline.fire = stop_deadline_passed;
    shard->expiry.fire = expire_producers;
    set_expiry(shard);
}

void shard_stop(struct shard *shard)
{
    shard->is_stopping = true;
    coordinators_stop(&shard->coordinators); /* Members that wait are answered. */
    list_each_safe (node, &shard->sessions) {
        session_stop(container_of(node, struct session, node));
    }
    loop_timer_set(&shard->loop, &shard->stop_deadline, shard->loop.now_us + STOP_MAX_US);
    shard_check_quiet(shard);
}

void shard_work_done(struct shard *shard)
{
    assert(shard->works > 0);
    shard->works--;
    if (shard->is_stopping)
        shard_check_quiet(shard);
}

void shard_end_works(struct shard *shard)
{
    struct io *io = shard->loop.io;

    shard->is_hurried = true;
    while (shard->works)
        io->ops->poll(io, -1); /* The workers have memory of ours. */
}

void shard_end_sessions(struct shard *shard)
{
    struct list_node *node;

    while ((node = list_first(&shard->sessions)))
        session_fini(container_of(node, struct session, node));
}

void shard_fini(struct shard *shard)
{
    assert(list_is_empty(&shard->sessions));
    fetch_sessions_fini(&shard->fetch_sessions);
    metrics_fini(&shard->metrics);
    loop_timer_cancel(&shard->loop, &shard->stop_deadline);
    loop_timer_cancel(&shard->loop, &shard->expiry);
    for (int i = 0; i < shard->replicas.dir_count; i++)
        shard->replicas.dirs[i].syncer = syncer_destroy(shard->replicas.dirs[i].syncer);
    net_fini(&shard->net);
    shard->image = image_unref(shard->image);
    settings_fini(&shard->settings);
    arena_spares_fini(&shard->spares);
    loop_fini(&shard->loop);
}

static void leg_arrive(struct mail *mail)
{
    struct leg *leg = container_of(mail, struct leg, mail);

    leg->run(leg);
}

static void leg_return(struct mail *mail)
{
    struct leg *leg = container_of(mail, struct leg, mail);

    leg->done(leg);
}

void leg_send(struct leg *leg, struct shard *from, struct shard *to)
{
    leg->from = from;
    leg->to = to;
    if (from == to) {
        leg->run(leg);
        return;
    }
    leg->mail.receive = leg_arrive;
    mailbox_send(&to->loop.mailbox, &leg->mail);
}

void leg_finish(struct leg *leg)
{
    if (leg->from == leg->to) {
        leg->done(leg);
        return;
    }
    leg->mail.receive = leg_return;
    mailbox_send(&leg->from->loop.mailbox, &leg->mail);
}
