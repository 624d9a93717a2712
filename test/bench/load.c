/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/load.c - writes to or reads from a topic as fast as the broker answers.
 *
 *     load port=P mode=produce [create=yes|disk|page-cache] [topic=T] [partitions=N]
 *          [connections=N] [in-flight=N] [batch=BYTES] [record=BYTES] [acks=N] [megabytes=N]
 *     load port=P mode=fetch ...
 *
 * A client library costs more than a broker; so here a batch is made once and sent again and
 * again, and what is fetched is looked at only as far as it must be to ask for what follows.
 * One thread, many connections, each with up to in-flight requests on their way.  Prints one
 * line of JSON: MB are of batches, as they lie on disk, 10^6 bytes each.
 */

#include "base/mem.h"
#include "test/bench/client.h"
#include "test/bench/frames.h"
#include "test/bench/latencies.h"
#include "wire/batch.h"
#include "wire/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 256,
    IN_FLIGHT_MAX = 1024,
    INPUT_STEP = 1 << 20,
    FETCH_BYTES_MAX = 1 << 20, /* Of one answer. */
    FETCH_WAIT_MS = 100,
    RECORD_OVERHEAD = 12, /* Of a small record in a batch, at most. */
};

struct plan {
    const char *topic;
    uint16_t port;
    bool is_fetch, is_created;
    const char *flush_messages; /* Of the topic that is made, or NULL. */
    int32_t partitions;
    int connections, in_flight;
    size_t batch_bytes, record_bytes;
    int16_t acks;
    int64_t bytes; /* In all. */
};

struct lane {
    int fd;
    struct slice rest;            /* Of the request being sent: borrowed. */
    int64_t began[IN_FLIGHT_MAX]; /* When each request was begun; a ring. */
    unsigned head, tail;
    struct text input; /* Owned: bytes of answers that are not whole. */
    struct text fetch; /* Owned: the request for what follows. */
    int32_t partition; /* The next to write to, or the one to read. */
    int64_t offset;    /* The next to read. */
    bool is_done;
};

struct load {
    struct plan plan;
    struct text *frames; /* Owned: a Produce request for each partition. */
    size_t batch_size;   /* As it is on disk. */
    struct lane *lanes;  /* Owned. */
    int64_t bytes_begun, bytes_done;
    struct latencies latencies; /* Of all requests. */
};

static unsigned in_flight(const struct lane *lane)
{
    return lane->head - lane->tail;
}

/* --- sending ---------------------------------------------------------------- */

/* The next request of this lane; false if there is none for now. */
static bool next_request(struct load *load, struct lane *lane)
{
    const struct plan *plan = &load->plan;

    if (load->bytes_begun >= plan->bytes || lane->is_done)
        return false;
    if (plan->is_fetch) {
        if (in_flight(lane) > 0)
            return false; /* Where it goes on is in the answer. */
        text_cut(&lane->fetch, 0);
        frame_fetch(&lane->fetch, 1, plan->topic, lane->partition, lane->offset, FETCH_BYTES_MAX,
                    FETCH_WAIT_MS);
        lane->rest = text_slice(&lane->fetch);
    } else {
        if ((int)in_flight(lane) >= plan->in_flight)
            return false;
        lane->rest = text_slice(&load->frames[lane->partition]);
        lane->partition = (lane->partition + 1) % plan->partitions;
        load->bytes_begun += (int64_t)load->batch_size;
    }
    lane->began[lane->head++ % IN_FLIGHT_MAX] = bench_now_ns();
    return true;
}

static void send_some(struct load *load, struct lane *lane)
{
    while (lane->rest.size > 0 || next_request(load, lane)) {
        ssize_t sent = send(lane->fd, lane->rest.data, lane->rest.size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0)
            bench_fail("send: %s", strerror(errno));
        lane->rest = slice_of(lane->rest.data + sent, lane->rest.size - (size_t)sent);
    }
}

/* --- receiving -------------------------------------------------------------- */

/* Behind the last whole batch; `*bytes` is the size of all whole ones. */
static int64_t offset_behind(struct slice records, int64_t offset, size_t *bytes)
{
    struct batch_header header;
    size_t at = 0;

    while (at < records.size &&
           batch_parse(slice_of(records.data + at, records.size - at), &header) == 0 &&
           header.size <= records.size - at) {
        offset = header.base_offset + header.last_offset_delta + 1;
        at += header.size;
    }
    *bytes = at;
    return offset;
}

static void take_fetch(struct load *load, struct lane *lane, struct reader *reader)
{
    struct slice records;
    int64_t end;
    size_t bytes = 0;
    int16_t error = read_fetch(reader, &end, &records);

    if (error || reader->is_bad)
        bench_fail("fetch of partition %d: error %d", lane->partition, error);
    lane->offset = offset_behind(records, lane->offset, &bytes);
    lane->is_done = lane->offset >= end;
    load->bytes_done += (int64_t)bytes;
    load->bytes_begun += (int64_t)bytes;
}

static void take_answer(struct load *load, struct lane *lane, struct slice frame)
{
    struct reader reader = reader_of(frame.data, frame.size);
    int16_t error;

    get_i32(&reader); /* Answers come in order. */
    if (in_flight(lane) == 0)
        bench_fail("an answer that nobody asked for");
    latencies_add(&load->latencies, bench_now_ns() - lane->began[lane->tail++ % IN_FLIGHT_MAX]);
    if (load->plan.is_fetch) {
        take_fetch(load, lane, &reader);
        return;
    }
    error = read_produce_error(&reader);
    if (error || reader.is_bad)
        bench_fail("produce: error %d", error);
    load->bytes_done += (int64_t)load->batch_size;
}

/* Takes the whole frames out of the input. */
static void take_frames(struct load *load, struct lane *lane)
{
    size_t at = 0;

    while (lane->input.size - at >= FRAME_PREFIX) {
        const uint8_t *frame = (const uint8_t *)lane->input.data + at;
        size_t size = bytes_load_u32(frame);

        if (lane->input.size - at - FRAME_PREFIX < size)
            break;
        take_answer(load, lane, slice_of(frame + FRAME_PREFIX, size));
        at += FRAME_PREFIX + size;
    }
    if (at > 0) {
        memmove(lane->input.data, lane->input.data + at, lane->input.size - at);
        text_cut(&lane->input, lane->input.size - at);
    }
}

static void receive_some(struct load *load, struct lane *lane)
{
    size_t had = lane->input.size;
    uint8_t *space = text_add_space(&lane->input, INPUT_STEP);
    ssize_t got = recv(lane->fd, space, INPUT_STEP, 0);

    if (got == 0)
        bench_fail("the broker closed a connection");
    if (got < 0 && errno != EAGAIN)
        bench_fail("recv: %s", strerror(errno));
    text_cut(&lane->input, had + (size_t)max_of(got, (ssize_t)0));
    take_frames(load, lane);
}

/* --- the run ---------------------------------------------------------------- */

static bool is_over(const struct load *load)
{
    for (int i = 0; i < load->plan.connections; i++) {
        const struct lane *lane = &load->lanes[i];

        if (lane->rest.size > 0 || in_flight(lane) > 0 ||
            (load->bytes_begun < load->plan.bytes && !lane->is_done))
            return false;
    }
    return true;
}

static void run(struct load *load)
{
    struct pollfd polls[CONNECTIONS_MAX];
    int count = load->plan.connections;

    for (int i = 0; i < count; i++)
        send_some(load, &load->lanes[i]);
    while (!is_over(load)) {
        for (int i = 0; i < count; i++)
            polls[i] = (struct pollfd){
                .fd = load->lanes[i].fd,
                .events = (short)(POLLIN | (load->lanes[i].rest.size > 0 ? POLLOUT : 0))};
        if (poll(polls, (nfds_t)count, 60000) <= 0)
            bench_fail("the broker has not answered for a minute");
        for (int i = 0; i < count; i++) {
            if (polls[i].revents & ~POLLOUT)
                receive_some(load, &load->lanes[i]);
            if (polls[i].revents)
                send_some(load, &load->lanes[i]);
        }
    }
}

static void report(struct load *load, int64_t ns)
{
    double seconds = (double)ns / 1e9;
    double mb = (double)load->bytes_done / 1e6;
    size_t n = load->latencies.count;

    if (n == 0)
        bench_fail("nothing was done");
    printf("{\"mb\": %.3f, \"seconds\": %.4f, \"mb_s\": %.1f, \"requests_s\": %.0f, "
           "\"p50_us\": %.0f, \"p99_us\": %.0f}\n",
           mb, seconds, mb / seconds, (double)n / seconds, latencies_us(&load->latencies, 500),
           latencies_us(&load->latencies, 990));
}

/* --- beginning and end ------------------------------------------------------ */

static void create_topic(const struct plan *plan)
{
    const char *const durability[] = {"flush.messages", plan->flush_messages};
    int fd;
    int r = client_connect(plan->port, &fd);

    if (r)
        bench_fail("connect: %s", strerror(-r));
    client_create_topic(fd, plan->topic, plan->partitions,
                        plan->flush_messages ? durability : NULL);
    close(fd);
}

static void make_frames(struct load *load)
{
    const struct plan *plan = &load->plan;
    struct text batch = {.data = NULL};

    batch_make(
        &batch,
        (int32_t)max_of(plan->batch_bytes / (plan->record_bytes + RECORD_OVERHEAD), (size_t)1),
        plan->record_bytes);
    load->batch_size = batch.size;
    load->frames = mem_new_array((size_t)plan->partitions, sizeof(*load->frames));
    for (int32_t i = 0; i < plan->partitions; i++)
        frame_produce(&load->frames[i], 1, plan->topic, i, plan->acks, text_slice(&batch));
    text_fini(&batch);
}

static void open_lanes(struct load *load)
{
    const struct plan *plan = &load->plan;

    load->lanes = mem_new_array((size_t)plan->connections, sizeof(*load->lanes));
    for (int i = 0; i < plan->connections; i++) {
        struct lane *lane = &load->lanes[i];
        int r = client_connect(plan->port, &lane->fd);

        if (r || fcntl(lane->fd, F_SETFL, O_NONBLOCK))
            bench_fail("connect: %s", strerror(r ? -r : errno));
        lane->partition = i % plan->partitions;
        lane->is_done = plan->is_fetch && i >= plan->partitions;
    }
}

static void end(struct load *load)
{
    for (int i = 0; i < load->plan.connections; i++) {
        close(load->lanes[i].fd);
        text_fini(&load->lanes[i].input);
        text_fini(&load->lanes[i].fetch);
    }
    for (int32_t i = 0; i < load->plan.partitions; i++)
        text_fini(&load->frames[i]);
    mem_free(load->frames);
    mem_free(load->lanes);
    latencies_fini(&load->latencies);
}

static void read_word(struct plan *plan, const char *word)
{
    const char *value;

    if (bench_key(word, "port", &value)) {
        plan->port = (uint16_t)bench_number(value, 1);
    } else if (bench_key(word, "mode", &value)) {
        plan->is_fetch = strcmp(value, "fetch") == 0;
        if (!plan->is_fetch && strcmp(value, "produce") != 0)
            bench_fail("mode is produce or fetch");
    } else if (bench_key(word, "create", &value)) {
        plan->is_created = true;
        /* Kafka's own setting: 1 is a sync for each batch, the largest value none at all. */
        if (strcmp(value, "page-cache") == 0)
            plan->flush_messages = "9223372036854775807";
        else if (strcmp(value, "disk") == 0)
            plan->flush_messages = "1";
    } else if (bench_key(word, "topic", &value)) {
        plan->topic = value;
    } else if (bench_key(word, "partitions", &value)) {
        plan->partitions = (int32_t)bench_number(value, 1);
    } else if (bench_key(word, "connections", &value)) {
        plan->connections = (int)min_of(bench_number(value, 1), (int64_t)CONNECTIONS_MAX);
    } else if (bench_key(word, "in-flight", &value)) {
        plan->in_flight = (int)min_of(bench_number(value, 1), (int64_t)IN_FLIGHT_MAX);
    } else if (bench_key(word, "batch", &value)) {
        plan->batch_bytes = (size_t)bench_number(value, 1);
    } else if (bench_key(word, "record", &value)) {
        plan->record_bytes = (size_t)bench_number(value, 1);
    } else if (bench_key(word, "acks", &value)) {
        plan->acks = (int16_t)bench_number(value, -1);
    } else if (bench_key(word, "megabytes", &value)) {
        plan->bytes = bench_number(value, 1) * 1000000;
    } else {
        bench_fail("unknown word: %s", word);
    }
}

int main(int argc, char **argv)
{
    struct load load = {.plan = {.topic = "load",
                                 .partitions = 1,
                                 .connections = 1,
                                 .in_flight = 1,
                                 .batch_bytes = 16384,
                                 .record_bytes = 100,
                                 .acks = -1,
                                 .bytes = 100000000}};
    int64_t began;

    for (int i = 1; i < argc; i++)
        read_word(&load.plan, argv[i]);
    if (!load.plan.port || load.plan.acks == 0)
        bench_fail("usage: load port=P mode=produce|fetch ...; acks=0 has no answers to wait for");
    if (load.plan.is_created)
        create_topic(&load.plan);
    make_frames(&load);
    open_lanes(&load);
    began = bench_now_ns();
    run(&load);
    report(&load, bench_now_ns() - began);
    end(&load);
    return 0;
}
