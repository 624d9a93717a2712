/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/consumer.h"

#include "base/mem.h"
#include "test/scenario/record.h"
#include "test/scenario/server.h"
#include "wire/batch.h"
#include "wire/errors.h"
#include "wire/msg/fetch.h"
#include "wire/msg/list_offsets.h"

#include <inttypes.h>

enum {
    LANES_MAX = TOPICS_MAX * PARTITIONS_MAX,
    AGAIN_US = 10 * 1000,
    PACE_MAX_US = 8 * 1000,
    DECODED_MAX = 16 * 1024 * 1024,
    OFFSETS_PERCENT = 5,
    SESSION_VERSION = 7,
    ID_VERSION = 13,
    START_VERSION = 5, /* The first that tells where the log begins. */
    LATEST = -1,
    EARLIEST = -2,
};

/* One partition as this consumer knows it. */
struct place {
    const struct run_topic *topic;
    int32_t index;
    uint32_t number; /* In the history. */
    int64_t position;
    int64_t told;       /* The position that the fetch session knows; -1: none. */
    int64_t start, end; /* For a reader: what it has to read; -1: not known yet. */
    bool is_lost;       /* What it stood before was deleted: it looks for the beginning. */
};

struct records {
    struct history_record *items; /* Owned. */
    size_t count, room;
};

struct consumer {
    struct client client;
    struct run *run;
    uint32_t number;
    enum consumer_kind kind;
    struct place places[LANES_MAX];
    int place_count;
    int first; /* Whose turn it is to be asked for first. */
    bool is_asking;
    bool has_session;
    int32_t session_id, session_epoch;
    int32_t bytes_max, wait_ms;
    struct text scratch;
    struct records records;
    struct loop_timer pace;
    size_t record_count; /* That it has read, of all partitions. */
    bool is_done;
};

static void again_at(struct consumer *c, int64_t us)
{
    loop_timer_set(&c->client.loop, &c->pace, io_monotonic_us(c->client.io) + 1 + us);
}

static void forget_session(struct consumer *c)
{
    c->session_epoch = 0;
    for (int i = 0; i < c->place_count; i++)
        c->places[i].told = -1;
}

/* --- records ---------------------------------------------------------------- */

static void add_record(struct consumer *c, int64_t offset, uint64_t value)
{
    struct records *r = &c->records;

    if (r->count == r->room) {
        r->room = max_of(r->room * 2, (size_t)64);
        r->items = mem_resize(r->items, r->room, sizeof(*r->items));
    }
    r->items[r->count++] = (struct history_record){.offset = offset, .value = value};
}

/* Reads one whole batch; records before the position are not ours to see. */
static bool read_batch(struct consumer *c, const struct place *place, struct slice bytes)
{
    struct batch_reader reader;
    struct record record;
    bool at_end = false;

    if (!batch_crc_is_good(bytes) ||
        batch_reader_open(&reader, bytes, &c->scratch, NULL, DECODED_MAX) != 0)
        return false;
    for (;;) {
        if (batch_reader_next(&reader, &record, &at_end))
            return false;
        if (at_end)
            return true;
        if (record.offset >= place->position)
            add_record(c, record.offset, record_value(&record, place->topic->is_append_time));
    }
}

/* The last batch of an answer may be cut off.  `*out_next` is where the others end: in a compacted
 * log there may be no record there. */
static void read_batches(struct consumer *c, const struct place *place, struct slice bytes,
                         int64_t *out_next)
{
    struct batch_header header;

    *out_next = place->position;
    c->records.count = 0;
    while (bytes.size > 0) {
        int r = batch_parse(bytes, &header);

        if (r == BATCH_E_SHORT || (r == 0 && header.size > bytes.size))
            return;
        if (r || !read_batch(c, place, slice_of(bytes.data, header.size))) {
            add_record(c, place->position, HISTORY_GARBAGE);
            run_fail(c->run, "%s-%" PRId32 ": a batch at or behind offset %" PRId64 " is damaged",
                     place->topic->name, place->index, place->position);
            return;
        }
        *out_next = max_of(*out_next, batch_last_offset(&header) + 1);
        bytes = slice_of(bytes.data + header.size, bytes.size - header.size);
    }
}

/* --- answers to fetches ----------------------------------------------------- */

static struct place *find_place(struct consumer *c, int16_t version, struct slice name,
                                struct uuid id, int32_t index)
{
    for (int i = 0; i < c->place_count; i++) {
        struct place *place = &c->places[i];

        if (place->index == index &&
            (version >= ID_VERSION ? uuid_equal(id, place->topic->id)
                                   : slice_is_text(name, place->topic->name)))
            return place;
    }
    return NULL;
}

static void refused(struct consumer *c, struct place *place, int16_t error)
{
    run_say(c->run, "consumer %" PRIu32 ": %s-%" PRId32 " at %" PRId64 ": %s", c->number,
            place->topic->name, place->index, place->position, error_name(error));
    if (error == ERROR_OFFSET_OUT_OF_RANGE &&
        (place->topic->is_lossy || c->run->trimmer || run_topic_expires(place->topic))) {
        place->position = 0;
        place->is_lost = true;
        return;
    }
    if (run_may_not_know(c->run, error))
        return;
    if (!error_is_retriable(error) || error == ERROR_UNKNOWN_TOPIC_OR_PARTITION ||
        error == ERROR_UNKNOWN_TOPIC_ID)
        run_fail(c->run, "%s-%" PRId32 ": fetch at %" PRId64 " is answered with %s",
                 place->topic->name, place->index, place->position, error_name(error));
}

static void take_records(struct consumer *c, struct place *place, const struct client_call *call,
                         const struct fetch_partition_data *data)
{
    int64_t next;

    read_batches(c, place, data->records.bytes, &next);
    history_poll(c->run->history,
                 &(struct history_poll){
                     .partition = place->number,
                     .consumer = c->number,
                     .invoked = call->invoked,
                     .position = place->position,
                     .high_watermark = data->high_watermark,
                     .log_start = call->version >= START_VERSION ? data->log_start_offset : -1,
                     .records = c->records.items,
                     .count = c->records.count,
                 });
    c->record_count += c->records.count;
    place->position = next;
}

/* True if every part was answered without an error. */
static bool take_answer(struct consumer *c, const struct client_call *call,
                        const struct fetch_response *response)
{
    bool is_good = true;

    for (int32_t t = 0; t < response->responses_count; t++) {
        const struct fetch_fetchable_topic_response *topic = &response->responses[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct fetch_partition_data *data = &topic->partitions[i];
            struct place *place =
                find_place(c, call->version, topic->topic, topic->topic_id, data->partition_index);

            if (!place) {
                run_fail(c->run, "a fetch is answered with a partition that nobody asked for");
            } else if (data->error_code) {
                refused(c, place, data->error_code);
                is_good = false;
            } else {
                take_records(c, place, call, data);
            }
        }
    }
    return is_good;
}

/* A session that the broker has lost is begun anew. */
static bool check_session(struct consumer *c, const struct fetch_response *response)
{
    if (response->error_code == ERROR_FETCH_SESSION_ID_NOT_FOUND ||
        response->error_code == ERROR_INVALID_FETCH_SESSION_EPOCH) {
        c->session_id = 0;
        forget_session(c);
        return false;
    }
    if (response->error_code) {
        run_fail(c->run, "a fetch is answered with %s", error_name(response->error_code));
        return false;
    }
    c->session_id = response->session_id;
    if (c->session_id == 0)
        forget_session(c); /* None was to be had. */
    else
        c->session_epoch = c->session_epoch == INT32_MAX ? 1 : c->session_epoch + 1;
    return true;
}

static void check_done(struct consumer *c)
{
    for (int i = 0; i < c->place_count; i++)
        if (c->places[i].end < 0 || c->places[i].position < c->places[i].end)
            return;
    c->is_done = true;
    for (int i = 0; i < c->place_count; i++)
        history_finish(c->run->history, c->places[i].number, c->number, c->places[i].start,
                       c->places[i].end);
}

static void fetched(void *owner, struct client_call *call, const void *answer)
{
    const struct fetch_response *response = answer;
    struct consumer *c = owner;
    bool is_good = false;

    c->is_asking = false;
    if (!response)
        forget_session(c);
    else if (check_session(c, response))
        is_good = take_answer(c, call, response);
    if (c->kind == CONSUMER_READER && !c->is_done)
        check_done(c);
    again_at(c, is_good ? (int64_t)rng_below(&c->run->rng, PACE_MAX_US) : AGAIN_US);
}

/* --- fetches ---------------------------------------------------------------- */

static void add_place(struct consumer *c, struct client_call *call, struct fetch_request *request,
                      struct place *place)
{
    struct fetch_topic *topic = &request->topics[request->topics_count++];
    struct fetch_partition *part = arena_new(&call->arena, sizeof(*part));

    *part = fetch_partition_defaults;
    part->partition = place->index;
    part->fetch_offset = place->position;
    part->partition_max_bytes = c->bytes_max;
    *topic = fetch_topic_defaults;
    topic->topic = slice_text(place->topic->name);
    if (call->version >= ID_VERSION) {
        topic->topic = slice_empty();
        topic->topic_id = place->topic->id;
    }
    topic->partitions = part;
    topic->partitions_count = 1;
    place->told = place->position;
}

static bool is_wanted(const struct consumer *c, const struct place *place, bool in_session)
{
    if (c->kind == CONSUMER_READER && place->position >= place->end)
        return false;
    return !in_session || place->told != place->position;
}

static void fetch(struct consumer *c)
{
    struct client_call *call = client_call_new(&c->client, CLIENT_FETCH, fetched, NULL);
    struct fetch_request request = fetch_request_defaults;
    bool in_session = c->has_session && call->version >= SESSION_VERSION && c->session_epoch > 0;

    request.replica_id = -1;
    request.max_wait_ms = c->wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 4 * c->bytes_max;
    request.session_id = c->has_session ? c->session_id : 0;
    request.session_epoch = c->has_session ? c->session_epoch : -1;
    request.topics = arena_new(&call->arena, LANES_MAX * sizeof(*request.topics));
    for (int i = 0; i < c->place_count; i++) {
        struct place *place = &c->places[(c->first + i) % c->place_count];

        if (is_wanted(c, place, in_session))
            add_place(c, call, &request, place);
    }
    c->first = (c->first + 1) % c->place_count;
    c->is_asking = true;
    client_send(call, &request, true);
}

/* --- offsets ---------------------------------------------------------------- */

/* What a follower hears of the end of a log is a high watermark as good as any. */
static void note_offset(struct consumer *c, const struct client_call *call, struct place *place,
                        int64_t timestamp, int64_t offset)
{
    if (place->is_lost && timestamp == EARLIEST) {
        place->position = offset;
        place->is_lost = false;
    }
    if (c->kind == CONSUMER_READER && timestamp == EARLIEST)
        place->start = place->position = offset;
    else if (c->kind == CONSUMER_READER)
        place->end = offset;
    history_poll(c->run->history, &(struct history_poll){
                                      .partition = place->number,
                                      .consumer = c->number,
                                      .invoked = call->invoked,
                                      .position = place->position,
                                      .high_watermark = timestamp == LATEST ? offset : -1,
                                      .log_start = timestamp == EARLIEST ? offset : -1,
                                  });
}

static void take_offsets(struct consumer *c, const struct client_call *call, int64_t timestamp,
                         const struct list_offsets_response *response)
{
    for (int32_t t = 0; t < response->topics_count; t++) {
        const struct list_offsets_topic_response *topic = &response->topics[t];

        for (int32_t i = 0; i < topic->partitions_count; i++) {
            const struct list_offsets_partition_response *part = &topic->partitions[i];
            struct place *place =
                find_place(c, 0, topic->name, (struct uuid){{0}}, part->partition_index);

            if (!place)
                run_fail(c->run, "offsets of a partition that nobody asked for");
            else if (part->error_code)
                refused(c, place, part->error_code);
            else if (part->offset < 0)
                run_fail(c->run, "%s-%" PRId32 ": offset %" PRId64 " without an error",
                         place->topic->name, place->index, part->offset);
            else
                note_offset(c, call, place, timestamp, part->offset);
        }
    }
}

static void got_earliest(void *owner, struct client_call *call, const void *response)
{
    struct consumer *c = owner;

    c->is_asking = false;
    if (response)
        take_offsets(c, call, EARLIEST, response);
    again_at(c, response ? 0 : AGAIN_US);
}

static void got_latest(void *owner, struct client_call *call, const void *response)
{
    struct consumer *c = owner;

    c->is_asking = false;
    if (response)
        take_offsets(c, call, LATEST, response);
    if (c->kind == CONSUMER_READER && response)
        check_done(c); /* Everything may be empty. */
    again_at(c, response ? 0 : AGAIN_US);
}

static void ask_offsets(struct consumer *c, int64_t timestamp)
{
    struct client_call *call = client_call_new(
        &c->client, CLIENT_LIST_OFFSETS, timestamp == EARLIEST ? got_earliest : got_latest, NULL);
    struct list_offsets_request request = list_offsets_request_defaults;

    request.replica_id = -1;
    request.topics = arena_new(&call->arena, (size_t)c->place_count * sizeof(*request.topics));
    for (int i = 0; i < c->place_count; i++) {
        struct list_offsets_topic *topic = &request.topics[request.topics_count++];
        struct list_offsets_partition *part = arena_new(&call->arena, sizeof(*part));

        *part = list_offsets_partition_defaults;
        part->partition_index = c->places[i].index;
        part->timestamp = timestamp;
        *topic = list_offsets_topic_defaults;
        topic->name = slice_text(c->places[i].topic->name);
        topic->partitions = part;
        topic->partitions_count = 1;
    }
    c->is_asking = true;
    client_send(call, &request, true);
}

/* True if `member` of all places is known. */
static bool knows_all(const struct consumer *c, bool of_starts)
{
    for (int i = 0; i < c->place_count; i++)
        if ((of_starts ? c->places[i].start : c->places[i].end) < 0)
            return false;
    return true;
}

static bool is_lost(const struct consumer *c)
{
    for (int i = 0; i < c->place_count; i++)
        if (c->places[i].is_lost)
            return true;
    return false;
}

/* --- its life --------------------------------------------------------------- */

static void step(struct loop_timer *timer)
{
    struct consumer *c = container_of(timer, struct consumer, pace);

    if (c->is_done || c->is_asking)
        return;
    if (!c->client.is_ready)
        again_at(c, AGAIN_US);
    else if (c->kind == CONSUMER_READER && !knows_all(c, true))
        ask_offsets(c, EARLIEST);
    else if (c->kind == CONSUMER_READER && !knows_all(c, false))
        ask_offsets(c, LATEST);
    else if (is_lost(c))
        ask_offsets(c, EARLIEST);
    else if (c->kind == CONSUMER_FOLLOWER && rng_chance(&c->run->rng, OFFSETS_PERCENT))
        ask_offsets(c, rng_chance(&c->run->rng, 80) ? LATEST : EARLIEST);
    else
        fetch(c);
}

static void ready(void *owner)
{
    struct consumer *c = owner;

    forget_session(c);
    again_at(c, 0);
}

struct consumer *consumer_create(struct run *run, uint32_t number, enum consumer_kind kind, int at)
{
    static const int32_t sizes[] = {1024, 4096, 65536, 1048576};
    struct consumer *c = mem_new(sizeof(*c));
    struct io_address broker = server_address(run->servers[at]);

    c->run = run;
    c->number = number;
    c->kind = kind;
    c->pace.fire = step;
    c->has_session = kind == CONSUMER_FOLLOWER && rng_chance(&run->rng, 50);
    c->bytes_max = sizes[rng_below(&run->rng, COUNT_OF(sizes))];
    c->wait_ms = (int32_t)rng_between(&run->rng, 0, 500);
    for (int t = 0; t < run->topic_count; t++)
        for (int32_t i = 0; i < run->topics[t].partitions; i++)
            if (run->topics[t].leaders[i] == at)
                c->places[c->place_count++] = (struct place){
                    .topic = &run->topics[t],
                    .index = i,
                    .number = run->topics[t].first_number + (uint32_t)i,
                    .told = -1,
                    .start = -1,
                    .end = -1,
                };
    client_init(&c->client, run, "consumer", &broker);
    c->client.ready = ready;
    c->client.owner = c;
    return c;
}

struct consumer *consumer_destroy(struct consumer *c)
{
    if (!c)
        return NULL;
    client_stop(&c->client);
    loop_timer_cancel(&c->client.loop, &c->pace);
    client_fini(&c->client);
    text_fini(&c->scratch);
    mem_free(c->records.items);
    mem_free(c);
    return NULL;
}

bool consumer_is_done(const struct consumer *c)
{
    return c->is_done;
}

size_t consumer_count(const struct consumer *c)
{
    return c->record_count;
}

void consumer_print(const struct consumer *c, struct text *out)
{
    text_printf(out, "consumer %" PRIu32 " (%s connected):", c->number,
                c->client.is_ready ? "is" : "not");
    for (int i = 0; i < c->place_count; i++)
        text_printf(out, " %s-%" PRId32 ": at %" PRId64 " of %" PRId64, c->places[i].topic->name,
                    c->places[i].index, c->places[i].position, c->places[i].end);
    text_printf(out, "\n");
}
