/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/observer.h"

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/uplink.h"
#include "wire/codec.h"
#include "wire/errors.h"
#include "wire/msg/config_record.h"
#include "wire/msg/describe_quorum.h"
#include "wire/msg/fetch.h"
#include "wire/msg/fetch_snapshot.h"
#include "wire/msg/partition_change_record.h"
#include "wire/msg/remove_topic_record.h"

DIAG_MODULE("broker");

enum {
    WAIT_MS = 500,           /* How long the controller holds a fetch back. */
    PATIENCE_MS = 2000,      /* Until an attempt is given up, beyond that. */
    DEADLINE_MS = 10 * 1000, /* Of all attempts. */
    RETRY_MS = 100,          /* Behind an error. */
    BYTES_MAX = 8 * 1024 * 1024,
    ASK_MS = 5 * 1000, /* How long is waited for the word how far the log is. */
    LANE = 1,          /* A long poll has its own connection. */
};

static const struct uuid metadata_topic_id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/* What the next image brings about, for the shards. */
struct news {
    struct arena arena;
    const struct image_topic **removed; /* Arena; topics of the image before. */
    size_t removed_count, removed_room;
    struct uuid *altered; /* Arena. */
    size_t altered_count, altered_room;
};

struct observer {
    struct broker *broker; /* Borrowed: the owner. */
    const struct observer_events *events;
    struct call fetch; /* Or of a piece of a snapshot. */
    struct fetch_request request;
    struct fetch_topic topic;
    struct fetch_partition partition;
    struct fetch_snapshot_request piece_request;
    struct fetch_snapshot_request_topic_snapshot piece_topic;
    struct fetch_snapshot_request_partition_snapshot piece_partition;
    struct loop_timer retry;
    struct metadata_reader reader;
    struct snapshot_id snapshot; /* Being taken; end -1: none. */
    struct text pieces;          /* Owned: what there is of it. */
    int32_t leader_epoch;
    int64_t high_watermark;  /* Of the last answer. */
    struct image *image;     /* Owned reference: read last. */
    struct image *before;    /* Owned reference while an image is on its way to the shards. */
    int64_t end;             /* Behind the image that all shards have. */
    struct image_edit *edit; /* Owned: what is being read, or NULL. */
    bool replaces;           /* It began from nothing: the image before is another history. */
    struct news news;
    struct list asking, asked, waiting; /* struct observer_wait. */
    struct control_frame ask;           /* How far is the log? */
    struct loop_timer ask_again;
    bool is_asking;
    bool is_caught_up, publishes, is_stopping;
};

/* --- what changes ----------------------------------------------------------- */

static void note_removed(struct observer *o, struct uuid id)
{
    const struct image_topic *topic = image_find_topic_by_id(o->image, id);
    struct news *news = &o->news;

    if (!topic)
        return; /* It came and went. */
    news->removed = arena_grow(&news->arena, news->removed, news->removed_count,
                               &news->removed_room, sizeof(*news->removed));
    news->removed[news->removed_count++] = topic;
}

static void note_altered(struct observer *o, struct uuid id)
{
    struct news *news = &o->news;

    if (news->altered_count > 0 && uuid_equal(news->altered[news->altered_count - 1], id))
        return;
    news->altered = arena_grow(&news->arena, news->altered, news->altered_count,
                               &news->altered_room, sizeof(*news->altered));
    news->altered[news->altered_count++] = id;
}

static void note_config(struct observer *o, const struct config_record *record)
{
    const struct image_topic *topic;

    if (record->resource_type != IMAGE_RESOURCE_TOPIC)
        return;
    topic = image_find_topic(image_edit_image(o->edit), record->resource_name);
    if (topic)
        note_altered(o, topic->id);
}

/* Notes what the record, which was applied, means to the shards. */
static void note(struct observer *o, struct slice bytes)
{
    struct metadata_record record;
    void *fields;
    int number;

    if (metadata_record_parse(bytes, &record, &number) ||
        (record.type != METADATA_REMOVE_TOPIC && record.type != METADATA_CONFIG &&
         record.type != METADATA_PARTITION_CHANGE))
        return;
    fields = arena_new(&o->news.arena, record.message->struct_size);
    if (codec_decode_all(record.message, record.version, record.body, &o->news.arena, fields))
        return;
    if (record.type == METADATA_REMOVE_TOPIC)
        note_removed(o, ((const struct remove_topic_record *)fields)->topic_id);
    else if (record.type == METADATA_CONFIG)
        note_config(o, fields);
    else
        note_altered(o, ((const struct partition_change_record *)fields)->topic_id);
}

/* Where histories differ, everything may have changed. */
static void note_all(struct observer *o, const struct image *next)
{
    const struct image_topic *topic;
    struct tree_walk walk;

    image_walk_begin(&walk, o->image, slice_null());
    while ((topic = image_walk_next(&walk))) {
        if (image_find_topic_by_id(next, topic->id))
            note_altered(o, topic->id);
        else
            note_removed(o, topic->id);
    }
}

static void news_reset(struct news *news)
{
    arena_recycle(&news->arena);
    news->removed = NULL;
    news->altered = NULL;
    news->removed_count = news->removed_room = 0;
    news->altered_count = news->altered_room = 0;
}

static int apply(void *context, int64_t offset, struct slice record)
{
    struct observer *o = context;
    int r;

    if (!o->edit)
        o->edit = image_edit_create(o->image);
    r = image_edit_apply(o->edit, o->snapshot.end >= 0 ? o->snapshot.end - 1 : offset, record);
    if (r == 0 && o->publishes && !o->replaces)
        note(o, record);
    return r;
}

/* --- the next image --------------------------------------------------------- */

static void fetch(struct observer *o);

static void end_broker(struct observer *o)
{
    struct broker *broker = o->broker;

    o->is_stopping = true;
    if (broker->failed)
        broker->failed(broker, broker->failed_context);
}

static void give_up(struct observer *o)
{
    diag_error(o->broker->diag,
               "metadata of the controller cannot be read; is it of a newer release?",
               kv("offset", o->reader.next));
    end_broker(o);
}

static void tell_waits(struct observer *o)
{
    list_each_safe (node, &o->waiting) {
        struct observer_wait *wait = container_of(node, struct observer_wait, node);

        if (wait->end > o->end)
            continue;
        list_remove(node);
        wait->done(wait);
    }
}

static void publish(struct observer *o)
{
    broker_publish(o->broker, &(struct control_change){
                                  .image = o->image,
                                  .removed = o->news.removed,
                                  .removed_count = o->news.removed_count,
                                  .altered = o->news.altered,
                                  .altered_count = o->news.altered_count,
                              });
}

void observer_publish(struct observer *o)
{
    assert(!o->publishes && !o->before);
    o->publishes = true;
    o->before = image_ref(o->image);
    publish(o);
}

void observer_published(struct observer *o)
{
    o->before = image_unref(o->before);
    o->end = o->image->offset + 1;
    news_reset(&o->news);
    if (o->is_stopping)
        return;
    o->events->published(o->broker);
    tell_waits(o);
    fetch(o);
}

/* What was read becomes the image; true if it is on its way to the shards, behind which it goes
 * on. */
static bool take_image(struct observer *o)
{
    struct image *next;

    if (!o->edit || image_edit_is_open(o->edit) ||
        (o->replaces && o->reader.next < o->high_watermark))
        return false;
    next = image_edit_finish(take(o->edit));
    if (o->publishes && o->replaces)
        note_all(o, next);
    o->replaces = false;
    o->before = take(o->image);
    o->image = next;
    if (o->publishes)
        publish(o);
    else
        o->before = image_unref(o->before);
    return o->publishes;
}

static void go_on(struct observer *o)
{
    if (take_image(o))
        return;
    if (!o->is_caught_up && o->reader.next >= o->high_watermark) {
        o->is_caught_up = true;
        o->events->caught_up(o->broker); /* Its publishing leads to the next fetch. */
        return;
    }
    fetch(o);
}

/* From nothing: with a snapshot, or with a log that is not the one that we know. */
static void begin_anew(struct observer *o, int64_t next, int32_t epoch)
{
    scoped(image_unrefp) struct image *empty = image_create();

    image_edit_destroy(o->edit);
    news_reset(&o->news);
    o->edit = image_edit_create(empty);
    o->replaces = true;
    metadata_reader_fini(&o->reader);
    metadata_reader_init(&o->reader, apply, o);
    o->reader.next = next;
    o->reader.epoch = epoch;
}

/* --- fetching --------------------------------------------------------------- */

static void fetch_later(struct observer *o)
{
    struct loop *loop = &o->broker->shards[0].loop;

    loop_timer_set(loop, &o->retry, loop->now_us + RETRY_MS * 1000);
}

static void retry(struct loop_timer *timer)
{
    fetch(container_of(timer, struct observer, retry));
}

static void begin_snapshot(struct observer *o, const struct fetch_snapshot_id *id)
{
    diag_info(o->broker->diag, "taking a snapshot of the metadata from the controller",
              kv("end", id->end_offset));
    o->snapshot = (struct snapshot_id){.end = id->end_offset, .epoch = id->epoch};
    text_cut(&o->pieces, 0);
    fetch(o);
}

static void take_records(struct observer *o, const struct fetch_partition_data *p)
{
    size_t used = 0;

    if (metadata_reader_feed(&o->reader, p->records.bytes, &used)) {
        give_up(o);
        return;
    }
    o->high_watermark = p->high_watermark;
    go_on(o);
}

static void take_partition(struct observer *o, const struct fetch_partition_data *p)
{
    switch (p->error_code) {
    case ERROR_NONE: break;
    case ERROR_FENCED_LEADER_EPOCH:
    case ERROR_UNKNOWN_LEADER_EPOCH:
        if (p->current_leader.leader_epoch == o->leader_epoch) {
            fetch_later(o);
            return;
        }
        o->leader_epoch = p->current_leader.leader_epoch;
        fetch(o);
        return;
    default:
        diag_warn(o->broker->diag, "metadata cannot be fetched from the controller",
                  kv("error", error_name(p->error_code)));
        fetch_later(o);
        return;
    }
    if (p->snapshot_id.end_offset >= 0) {
        begin_snapshot(o, &p->snapshot_id);
    } else if (p->diverging_epoch.epoch >= 0) {
        diag_warn(o->broker->diag, "the controller's log is another one than it was; it is read "
                                   "from its start");
        begin_anew(o, 0, 0);
        fetch(o);
    } else {
        take_records(o, p);
    }
}

static void take_log(struct observer *o, const struct fetch_response *response)
{
    if (response->error_code == ERROR_INCONSISTENT_CLUSTER_ID && !o->is_caught_up) {
        diag_error(o->broker->diag, "the controller is of another cluster than the data folder",
                   kv("error", error_name(response->error_code)));
        end_broker(o);
        return;
    }
    if (response->error_code != ERROR_NONE || response->responses_count != 1 ||
        response->responses[0].partitions_count != 1) {
        diag_warn(o->broker->diag, "the controller refuses to tell the metadata",
                  kv("error", error_name(response->error_code)));
        fetch_later(o);
        return;
    }
    take_partition(o, &response->responses[0].partitions[0]);
}

/* All of the snapshot is there. */
static void take_snapshot(struct observer *o)
{
    struct snapshot_id id = o->snapshot;
    size_t used = 0;
    bool is_good;

    begin_anew(o, -1, -1);
    is_good = metadata_reader_feed(&o->reader, text_slice(&o->pieces), &used) == 0 &&
              used == o->pieces.size && o->reader.has_footer;
    text_fini(&o->pieces);
    o->snapshot.end = -1;
    if (!is_good) {
        give_up(o);
        return;
    }
    metadata_reader_fini(&o->reader);
    metadata_reader_init(&o->reader, apply, o);
    o->reader.next = id.end;
    o->reader.epoch = id.epoch;
    fetch(o);
}

static void take_piece(struct observer *o, const struct fetch_snapshot_response *response)
{
    const struct fetch_snapshot_response_partition_snapshot *p;

    if (response->topics_count != 1 || response->topics[0].partitions_count != 1 ||
        response->topics[0].partitions[0].error_code != ERROR_NONE) {
        o->snapshot.end = -1; /* There is a newer one, or another leader: the log tells. */
        fetch_later(o);
        return;
    }
    p = &response->topics[0].partitions[0];
    text_add(&o->pieces, p->unaligned_records.bytes.data, p->unaligned_records.bytes.size);
    if ((int64_t)o->pieces.size < p->size)
        fetch(o);
    else
        take_snapshot(o);
}

static void fetched(struct call *call)
{
    struct observer *o = container_of(call, struct observer, fetch);

    if (o->is_stopping)
        return;
    if (call->outcome != CALL_OK)
        fetch_later(o);
    else if (o->snapshot.end >= 0)
        take_piece(o, call->response);
    else
        take_log(o, call->response);
}

static void fill_log(struct observer *o)
{
    o->partition = fetch_partition_defaults;
    o->partition.current_leader_epoch = o->leader_epoch;
    o->partition.fetch_offset = o->reader.next;
    o->partition.last_fetched_epoch = max_of(o->reader.epoch, 0);
    o->partition.log_start_offset = 0;
    o->partition.partition_max_bytes = BYTES_MAX;
    o->topic = fetch_topic_defaults;
    o->topic.topic_id = metadata_topic_id;
    o->topic.partitions = &o->partition;
    o->topic.partitions_count = 1;
    o->request = fetch_request_defaults;
    o->request.cluster_id = slice_text(log_dir_cluster_id(o->broker->dirs.items[0].dir));
    o->request.replica_state.replica_id = o->broker->node_id;
    o->request.max_wait_ms = WAIT_MS;
    o->request.max_bytes = BYTES_MAX;
    o->request.topics = &o->topic;
    o->request.topics_count = 1;
}

static void fill_piece(struct observer *o)
{
    o->piece_partition = fetch_snapshot_request_partition_snapshot_defaults;
    o->piece_partition.current_leader_epoch = o->leader_epoch;
    o->piece_partition.snapshot_id.end_offset = o->snapshot.end;
    o->piece_partition.snapshot_id.epoch = o->snapshot.epoch;
    o->piece_partition.position = (int64_t)o->pieces.size;
    o->piece_topic = fetch_snapshot_request_topic_snapshot_defaults;
    o->piece_topic.name = slice_text("__cluster_metadata");
    o->piece_topic.partitions = &o->piece_partition;
    o->piece_topic.partitions_count = 1;
    o->piece_request = fetch_snapshot_request_defaults;
    o->piece_request.cluster_id = o->request.cluster_id;
    o->piece_request.replica_id = o->broker->node_id;
    o->piece_request.max_bytes = BYTES_MAX;
    o->piece_request.topics = &o->piece_topic;
    o->piece_request.topics_count = 1;
}

static void fetch(struct observer *o)
{
    struct loop *loop = &o->broker->shards[0].loop;
    bool is_snapshot = o->snapshot.end >= 0;

    if (o->is_stopping)
        return;
    call_fini(&o->fetch);
    if (is_snapshot)
        fill_piece(o);
    else
        fill_log(o);
    o->fetch.order = (struct call_order){
        .api = wire_api_find(is_snapshot ? API_FETCH_SNAPSHOT : API_FETCH),
        .request = is_snapshot ? (const void *)&o->piece_request : &o->request,
        .target = CALL_ANY,
        .lane = LANE,
        .timeout_ms = WAIT_MS + PATIENCE_MS,
        .deadline_us = loop->now_us + DEADLINE_MS * INT64_C(1000),
    };
    cluster_call(&o->broker->uplink.cluster, &o->fetch);
}

static const struct call_events fetch_events = {.done = fetched};

/* --- who waits -------------------------------------------------------------- */

static void ask(struct observer *o);

static void told(struct control_frame *frame)
{
    struct observer *o = container_of(frame, struct observer, ask);
    struct describe_quorum_response response;
    struct list asked;
    struct list_node *node;
    struct loop *loop = &o->broker->shards[0].loop;
    int64_t end = -1;

    if (control_frame_read(frame, &response) && response.topics_count == 1 &&
        response.topics[0].partitions_count == 1)
        end = response.topics[0].partitions[0].high_watermark;
    control_frame_fini(frame);
    o->is_asking = false;
    if (end < 0 && !o->is_stopping) { /* Nobody must miss here what he has made. */
        list_append(&o->asking, &o->asked);
        loop_timer_set(loop, &o->ask_again, loop->now_us + RETRY_MS * 1000);
        return;
    }
    list_init(&asked);
    list_append(&asked, &o->asked);
    while ((node = list_pop(&asked))) {
        struct observer_wait *wait = container_of(node, struct observer_wait, node);

        wait->end = end;
        list_push(&o->waiting, node);
    }
    tell_waits(o);
    if (!list_is_empty(&o->asking) && !o->is_stopping)
        ask(o);
}

static void ask(struct observer *o)
{
    struct describe_quorum_request_partition_data partition = {.partition_index = 0};
    struct describe_quorum_request_topic_data topic = {
        .topic_name = slice_text("__cluster_metadata"),
        .partitions = &partition,
        .partitions_count = 1,
    };
    struct describe_quorum_request request = {.topics = &topic, .topics_count = 1};

    if (o->is_asking)
        return;
    o->is_asking = true;
    list_append(&o->asked, &o->asking);
    control_frame_init(&o->ask, API_DESCRIBE_QUORUM, &request);
    o->ask.answered = told;
    uplink_serve(&o->broker->uplink, &o->ask, ASK_MS);
}

static void ask_again(struct loop_timer *timer)
{
    ask(container_of(timer, struct observer, ask_again));
}

void observer_catch_up(struct observer *o, struct observer_wait *wait)
{
    if (!o || o->is_stopping) {
        wait->done(wait);
        return;
    }
    list_push(&o->asking, &wait->node);
    ask(o);
}

/* --- beginning and end ------------------------------------------------------ */

struct observer *observer_create(struct broker *broker, const struct observer_events *events)
{
    struct observer *o = mem_new(sizeof(*o));

    *o = (struct observer){.broker = broker, .events = events, .snapshot = {.end = -1}};
    call_init(&o->fetch, &fetch_events);
    o->retry.fire = retry;
    o->ask_again.fire = ask_again;
    arena_init(&o->news.arena, NULL);
    list_init(&o->asking);
    list_init(&o->asked);
    list_init(&o->waiting);
    metadata_reader_init(&o->reader, apply, o);
    o->reader.next = 0;
    o->image = image_create();
    o->high_watermark = INT64_MAX;
    fetch(o);
    return o;
}

static void end_waits(struct list *waits)
{
    struct list_node *node;

    while ((node = list_pop(waits))) {
        struct observer_wait *wait = container_of(node, struct observer_wait, node);

        wait->done(wait);
    }
}

struct observer *observer_destroy(struct observer *o)
{
    if (!o)
        return NULL;
    assert(!o->is_asking); /* The uplink was ended before. */
    o->is_stopping = true;
    loop_timer_cancel(&o->broker->shards[0].loop, &o->retry);
    loop_timer_cancel(&o->broker->shards[0].loop, &o->ask_again);
    call_fini(&o->fetch);
    end_waits(&o->asking);
    end_waits(&o->asked);
    end_waits(&o->waiting);
    image_edit_destroy(o->edit);
    image_unref(o->before);
    image_unref(o->image);
    metadata_reader_fini(&o->reader);
    text_fini(&o->pieces);
    arena_reset(&o->news.arena);
    mem_free(o);
    return NULL;
}

struct image *observer_image(const struct observer *o)
{
    return o->image;
}

int64_t observer_end(const struct observer *o)
{
    return o->end;
}
