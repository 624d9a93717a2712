/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/broker.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/keeping.h"
#include "broker/life.h"
#include "broker/live_settings.h"
#include "broker/observer.h"
#include "broker/producer_ids.h"
#include "broker/recovery.h"
#include "broker/registration.h"
#include "broker/session.h"
#include "control/controller_frames.h"

#include <stdio.h>

DIAG_MODULE("broker");

/* --- publishing an image ---------------------------------------------------- */

struct publish_leg {
    struct leg leg;
    struct publish *publish;
};

/* An image on its way to all shards. */
struct publish {
    struct broker *broker;
    struct control_change change; /* Borrowed from the controller until all have it. */
    int pending;
    struct publish_leg legs[];
};

static void remove_partition(struct shard *shard, const struct image_topic *topic, int32_t index)
{
    struct partition *p = replicas_find(&shard->replicas, topic->id, index);
    int place = dirs_place(shard->broker, topic, index);
    char name[IO_NAME_MAX];
    int r;

    if (p)
        partition_drop(p);
    if (place < 0)
        return; /* Its folder is offline: moved aside when that is back. */
    (void)snprintf(name, sizeof(name), "%s-%d", topic->name, index);
    r = log_dir_delete_log(shard->broker->dirs.items[place].dir, shard->loop.io, name, topic->id);
    if (r)
        diag_warn(shard->broker->diag, "files of a deleted partition could not be removed",
                  kv("log", name), kv("error", r));
    keeping_forget(shard, topic, index, place);
}

/* Closes what is open of a removed topic and takes its files away. */
static void remove_topic(struct shard *shard, const struct image_topic *topic)
{
    for (int32_t i = 0; i < topic->partition_count; i++) {
        if (partition_home(topic->id, i, shard->broker->shard_count) == shard->index)
            remove_partition(shard, topic, i);
    }
}

/* Settings that changed count from the next record on. */
static void configure_topic(struct shard *shard, struct uuid id)
{
    const struct image_topic *topic = image_find_topic_by_id(shard->image, id);

    for (int32_t i = 0; topic && i < topic->partition_count; i++) {
        struct partition *p = replicas_find(&shard->replicas, id, i);

        if (p)
            partition_configure(p, topic);
        if (p)
            partition_lead(p, topic->partitions[i].leader_epoch);
    }
}

/* Settings of brokers are the defaults of all topics. */
static void configure_broker(struct shard *shard, const struct image *before)
{
    struct tree_walk walk;
    const struct image_topic *topic;

    if (!live_settings_differ(before, shard->image, shard->broker->node_id))
        return;
    shard_settings_changed(shard);
    image_walk_begin(&walk, shard->image, slice_null());
    while ((topic = image_walk_next(&walk)))
        configure_topic(shard, topic->id);
}

static void publish_run(struct leg *leg)
{
    struct publish_leg *publish_leg = container_of(leg, struct publish_leg, leg);
    struct publish *publish = publish_leg->publish;
    struct shard *shard = leg->to;
    struct image *before = shard->image;

    shard->image = image_ref(publish->change.image);
    for (size_t i = 0; i < publish->change.removed_count; i++) {
        remove_topic(shard, publish->change.removed[i]);
        traffic_forget(&shard->replicas.traffic, publish->change.removed[i]->id);
        coordinators_forget_topic(&shard->coordinators, publish->change.removed[i]);
    }
    for (size_t i = 0; i < publish->change.altered_count; i++)
        configure_topic(shard, publish->change.altered[i]);
    configure_broker(shard, before);
    image_unref(before);
    leg_finish(leg);
}

static void publish_part_done(struct publish *publish)
{
    struct broker *broker = publish->broker;

    if (--publish->pending > 0)
        return;
    broker->publish = mem_free(publish);
    if (broker->controller)
        controller_published(broker->controller);
    else if (broker->observer)
        observer_published(broker->observer);
}

static void publish_done(struct leg *leg)
{
    publish_part_done(container_of(leg, struct publish_leg, leg)->publish);
}

void broker_publish(void *owner, const struct control_change *change)
{
    struct broker *broker = owner;
    size_t legs = (size_t)broker->shard_count;
    struct publish *publish = mem_new(sizeof(*publish) + legs * sizeof(publish->legs[0]));

    assert(!broker->publish);
    broker->publish = publish;
    *publish = (struct publish){
        .broker = broker,
        .change = *change,
        .pending = broker->shard_count + 1, /* One for us, while we send. */
    };
    for (size_t i = 0; i < legs; i++) {
        publish->legs[i].publish = publish;
        publish->legs[i].leg = (struct leg){.run = publish_run, .done = publish_done};
        leg_send(&publish->legs[i].leg, &broker->shards[0], &broker->shards[i]);
    }
    publish_part_done(publish);
}

/* --- listening -------------------------------------------------------------- */

static void accepted(struct listener *listener, int fd, const struct io_address *peer)
{
    struct broker_listener *bl = container_of(listener, struct broker_listener, listener);
    struct broker *broker = bl->broker;
    struct shard *shard = &broker->shards[broker->next_shard];

    if (!admission_enter(&broker->admission, bl, peer)) {
        io_close(listener->loop->io, &fd);
        return;
    }
    if (bl->is_controller)
        shard = &broker->shards[0]; /* Where the controller is. */
    else
        broker->next_shard = (broker->next_shard + 1) % broker->shard_count;
    session_start(shard, fd, peer, bl);
}

static int listen_all(struct broker *broker)
{
    struct endpoint endpoints[ENDPOINTS_MAX];
    struct text why = {.data = NULL};
    size_t count;
    int r = settings_endpoints(broker->settings, endpoints, &count, &why);

    if (r == 0 && !admission_check(broker->settings, &why))
        r = SETTINGS_E_INVALID;
    if (r) {
        diag_error(broker->diag, "listeners cannot be used", kv("why", text_slice(&why)));
        text_fini(&why);
        return BROKER_E_CONFIG;
    }
    for (size_t i = 0; i < count; i++) {
        struct broker_listener *bl = &broker->listeners[broker->listener_count];

        r = listener_open(&bl->listener, &broker->shards[0].loop, &endpoints[i].listen, accepted);
        if (r == -EAFNOSUPPORT || (r == -EADDRNOTAVAIL && broker->listener_count > 0))
            continue; /* A machine without IPv6 listens on IPv4 alone. */
        if (r) {
            diag_error(broker->diag,
                       "cannot listen; is another broker running, or is listeners wrong?",
                       kv("host", endpoints[i].listen.host), kv("port", endpoints[i].listen.port),
                       kv("error", r));
            return BROKER_E_CONFIG;
        }
        listener_hold(&bl->listener, true); /* Until there is something to serve. */
        bl->broker = broker;
        bl->is_controller = endpoints[i].is_controller;
        memcpy(bl->name, endpoints[i].name, sizeof(bl->name));
        memcpy(bl->advertised_host, endpoints[i].advertised_host, sizeof(bl->advertised_host));
        bl->advertised_port =
            endpoints[i].advertised_port ? endpoints[i].advertised_port : bl->listener.bound.port;
        broker->listener_count++;
    }
    admission_settings_changed(&broker->admission);
    return 0;
}

void broker_serve(struct broker *broker)
{
    broker->state = NODE_SERVING;
    admission_open(&broker->admission);
    if (broker->serves)
        broker->serves(broker, broker->failed_context);
}

/* --- opening ---------------------------------------------------------------- */

static struct mlog_config mlog_config_of(const struct settings *s)
{
    return (struct mlog_config){
        .segment_bytes = s->metadata_log_segment_bytes,
        .segment_ms = s->metadata_log_segment_ms,
        .snapshot_bytes = s->metadata_log_max_record_bytes_between_snapshots,
        .snapshot_ms = s->metadata_log_max_snapshot_interval_ms,
        .retention_bytes = s->metadata_max_retention_bytes,
        .retention_ms = s->metadata_max_retention_ms,
    };
}

static int open_controller(struct broker *broker)
{
    struct shard *home = &broker->shards[0];
    struct controller_options options = {
        .loop = &home->loop,
        .diag = broker->diag,
        .dir = broker->dirs.items[0].dir,
        .env = &home->replicas.env,
        .syncer = home->replicas.dirs[0].syncer,
        .node_id = broker->node_id,
        .has_broker = (broker->roles & ROLE_BROKER) != 0,
        .mlog = mlog_config_of(broker->settings),
        .session_timeout_ms = broker->settings->broker_session_timeout_ms,
        .directories = broker->dirs.ids,
        .directory_count = broker->dirs.id_count,
        .publish = broker_publish,
        .owner = broker,
    };
    int r = controller_open(&options, &broker->controller);

    if (r) {
        diag_error(broker->diag,
                   "metadata log cannot be read; restore the folder __cluster_metadata-0 "
                   "from a backup",
                   kv("error", r));
        return BROKER_E_DATA;
    }
    broker->controller_epoch = controller_epoch(broker->controller);
    for (int i = 0; i < broker->shard_count; i++) {
        image_unref(broker->shards[i].image);
        broker->shards[i].image = image_ref(controller_image(broker->controller));
        shard_settings_changed(&broker->shards[i]);
    }
    return 0;
}

/* The first records of a new log, which no registration follows. */
static int settle_controller(struct broker *broker)
{
    int r = controller_settle(broker->controller);

    if (r) {
        diag_error(broker->diag, "the metadata log could not be begun", kv("error", r));
        return BROKER_E_DATA;
    }
    for (int i = 0; i < broker->shard_count; i++) {
        image_unref(broker->shards[i].image);
        broker->shards[i].image = image_ref(controller_image(broker->controller));
    }
    return 0;
}

static void open_keepers(struct broker *broker)
{
    for (int i = 0; i < broker->dirs.count; i++)
        if (broker->dirs.items[i].dir)
            broker->dirs.items[i].keeper =
                keeper_create(&broker->shards[0].loop, broker->dirs.items[i].dir);
}

static int bring_in_order(struct broker *broker)
{
    int r;

    broker->state = NODE_RECOVERING;
    r = dirs_find_logs(broker);
    if (r == 0)
        r = recovery_run(broker) ? BROKER_E_DATA : 0;
    if (r == 0) {
        open_keepers(broker);
        broker->is_in_order = true;
        broker->state = NODE_REGISTERING;
        r = listen_all(broker);
    }
    return r;
}

/* With a controller in this process. */
static int open_whole(struct broker *broker)
{
    int r;

    uplink_init_local(&broker->uplink, broker);
    r = open_controller(broker);
    if (r == 0)
        r = bring_in_order(broker);
    if (r == 0 && broker->roles & ROLE_BROKER)
        r = registration_run(broker);
    else if (r == 0)
        r = settle_controller(broker);
    if (r == 0)
        broker_serve(broker);
    return r;
}

/* With one elsewhere: the rest follows when it has told us the metadata. */
static int open_part(struct broker *broker)
{
    struct text controllers = {.data = NULL};
    struct text why = {.data = NULL};
    int r = settings_controllers(broker->settings, &controllers, &why);

    if (r == 0 && uplink_init_remote(&broker->uplink, broker, controllers.data)) {
        text_printf(&why, "controllers: %s is not host:port", controllers.data);
        r = BROKER_E_CONFIG;
    }
    if (r)
        diag_error(broker->diag, "settings cannot be used", kv("why", text_slice(&why)));
    else
        broker->life = life_create(broker);
    if (r == 0)
        broker->state = NODE_READING;
    text_fini(&controllers);
    text_fini(&why);
    return r ? BROKER_E_CONFIG : 0;
}

int broker_take_image(struct broker *broker, struct image *image)
{
    struct shard *home = &broker->shards[0];

    image_unref(home->image);
    home->image = image_ref(image);
    shard_settings_changed(home);
    return bring_in_order(broker);
}

int broker_open(const struct broker_options *options, struct broker **out)
{
    struct broker *broker = mem_new(sizeof(*broker));
    int r;

    broker->settings = options->settings;
    broker->diag = options->diag;
    broker->node_id = settings_node_id(options->settings);
    broker->roles = settings_roles(options->settings);
    broker->failed = options->failed;
    broker->serves = options->serves;
    broker->failed_context = options->context;
    r = dirs_open(broker, options->ios[0], options->folder);
    if (r) {
        (void)dirs_close(broker, false, (int[SETTINGS_DIRS_MAX]){0});
        mem_free(broker);
        return r;
    }
    broker->shard_count = options->shards;
    broker->files_max = options->files_max;
    broker->shards = mem_new_array((size_t)options->shards, sizeof(*broker->shards));
    for (int i = 0; i < options->shards; i++)
        shard_init(&broker->shards[i], broker, i, options->ios[i]);
    admission_init(&broker->admission, broker);
    broker->dirs.hears = true;
    r = exporter_open(broker, options->modules, options->version, &broker->exporter);
    if (r == 0)
        r = broker->roles & ROLE_CONTROLLER ? open_whole(broker) : open_part(broker);
    if (r) {
        (void)broker_close(broker, false);
        return r;
    }
    *out = broker;
    return 0;
}

/* --- stopping --------------------------------------------------------------- */

static void stop_shard(struct mail *mail)
{
    shard_stop(container_of(mail, struct shard, stop));
}

static void shard_is_quiet(struct mail *mail)
{
    struct shard *shard = container_of(mail, struct shard, stop);
    struct broker *broker = shard->broker;

    if (--broker->shards_busy == 0 && broker->stopped)
        broker->stopped(broker, broker->stopped_context);
}

void shard_check_quiet(struct shard *shard)
{
    if (!list_is_empty(&shard->sessions) || shard->works || shard->stop.receive == shard_is_quiet)
        return;
    loop_timer_cancel(&shard->loop, &shard->stop_deadline);
    shard->stop.receive = shard_is_quiet;
    mailbox_send(&shard->broker->shards[0].loop.mailbox, &shard->stop);
}

static void stop_shards(struct broker *broker)
{
    broker->state = NODE_STOPPING;
    broker->shards_busy = broker->shard_count;
    for (size_t i = 0; i < broker->listener_count; i++)
        listener_close(&broker->listeners[i].listener);
    for (int i = 0; i < broker->shard_count; i++) {
        broker->shards[i].stop.receive = stop_shard;
        mailbox_send(&broker->shards[i].loop.mailbox, &broker->shards[i].stop);
    }
}

void broker_stop(struct broker *broker, void (*stopped)(struct broker *broker, void *context),
                 void *context)
{
    broker->stopped = stopped;
    broker->stopped_context = context;
    broker->state = NODE_LEAVING;
    if (broker->life)
        life_leave(broker->life, stop_shards);
    else
        stop_shards(broker);
}

/* Delivers what the shards have sent each other, and what follows from it; sessions that
 * only now arrive end too. */
static void settle(struct broker *broker)
{
    size_t count;

    do {
        count = 0;
        for (int i = 0; i < broker->shard_count; i++) {
            count += mailbox_receive(&broker->shards[i].loop.mailbox);
            shard_end_sessions(&broker->shards[i]);
        }
    } while (count > 0);
}

/* What is under way to the checkpoints comes to its end, and the folder knows of it. */
static void end_upkeep(struct broker *broker)
{
    for (int i = 0; i < broker->shard_count; i++) {
        compactor_stop(broker->shards[i].replicas.compactor);
        verifier_stop(broker->shards[i].replicas.verifier);
        retention_fini(&broker->shards[i].retention);
        scrubber_fini(&broker->shards[i].scrubber);
    }
    for (int i = 0; i < broker->shard_count; i++)
        for (int d = 0; d < broker->dirs.count; d++)
            if (broker->dirs.items[d].dir)
                upkeep_stop(broker->shards[i].replicas.dirs[d].upkeep);
    settle(broker);
    for (int d = 0; d < broker->dirs.count; d++)
        broker->dirs.items[d].keeper = keeper_destroy(broker->dirs.items[d].keeper);
    settle(broker);
}

/* Requests that a killed process leaves in the middle are spread over shards and partitions:
 * whoever waits is told to end, the mail is delivered, and only then is anything freed. */
static void end_work(struct broker *broker, bool clean, int results[static SETTINGS_DIRS_MAX])
{
    for (int i = 0; i < broker->shard_count; i++)
        shard_end_works(&broker->shards[i]);
    settle(broker);
    end_upkeep(broker);
    for (int i = 0; i < broker->shard_count; i++) {
        producer_ids_fini(&broker->shards[i]);
        coordinators_stop(&broker->shards[i].coordinators);
    }
    broker->life = life_destroy(broker->life);
    if (broker->controller)
        results[0] = controller_close(take(broker->controller), clean);
    settle(broker);
    broker->publish = mem_free(broker->publish);
    for (int i = 0; i < broker->shard_count; i++) {
        shard_end_replicas(&broker->shards[i], clean, results);
        coordinators_fini(&broker->shards[i].coordinators);
    }
    settle(broker);
}

int broker_close(struct broker *broker, bool clean)
{
    int results[SETTINGS_DIRS_MAX] = {0};
    int result;

    clean = clean && broker->is_in_order; /* Else nobody knows what is on disk. */
    broker->stopped = NULL;
    broker->failed = NULL;
    broker->serves = NULL;
    broker->dirs.hears = false;
    broker->state = NODE_STOPPING;
    exporter_stop(broker->exporter);
    for (size_t i = 0; i < broker->listener_count; i++)
        listener_close(&broker->listeners[i].listener);
    for (int i = 0; i < broker->shard_count; i++)
        shard_end_sessions(&broker->shards[i]);
    end_work(broker, clean, results);
    broker->exporter = exporter_close(broker->exporter);
    for (int i = 0; i < broker->shard_count; i++)
        shard_fini(&broker->shards[i]);
    admission_fini(&broker->admission);
    result = dirs_close(broker, clean, results);
    mem_free(broker->shards);
    mem_free(broker);
    return err_pass(result);
}
