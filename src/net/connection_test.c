/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/text.h"
#include "net/connection.h"
#include "net/listener.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

#include <errno.h>

enum { PATIENCE_US = 20 * 1000 * 1000, FRAME_MAX = 20 << 20, BUDGET = 64 << 20 };

static const int64_t HOUR_US = INT64_C(3600) * 1000 * 1000;

struct fixture;

/* One end of a connection, and what it was told. */
struct side {
    struct connection c;
    struct fixture *f;
    struct text heard; /* All frames, each with a `|` behind it. */
    int frames, drains, ends;
    int pause_after;  /* Pauses at this frame; 0: never. */
    int close_after;  /* Closes at this frame; 0: never. */
    bool busy;        /* Has something under way. */
    bool keeps;       /* Takes a reference to the holder of the first frame. */
    struct buf *kept; /* Owned. */
    struct slice kept_frame;
    const char *why;
    int error;
};

/* A message on its way: a size in front, and what follows. */
struct message {
    struct outgoing outgoing;
    struct piece pieces[4];
    uint8_t prefix[4];
    int sent, whole;
};

/* A server and a client in one loop, over a real socket. */
struct fixture {
    struct io *io;
    struct loop loop;
    struct budget budget;
    struct net net;
    struct listener listener;
    struct side server, client;
    bool is_accepted;
    int64_t end_us; /* When to give up. */
};

static struct side *side_of(struct connection *c)
{
    return container_of(c, struct side, c);
}

static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct side *side = side_of(c);

    side->frames++;
    text_add(&side->heard, frame.data, frame.size);
    text_add(&side->heard, "|", 1);
    if (side->keeps && !side->kept) {
        side->kept = buf_ref(holder);
        side->kept_frame = frame;
    }
    if (side->frames == side->pause_after)
        connection_pause(c);
    if (side->frames == side->close_after)
        connection_close(c, "heard enough", 0);
}

static void on_drained(struct connection *c)
{
    side_of(c)->drains++;
}

static bool on_is_busy(struct connection *c)
{
    return side_of(c)->busy;
}

static void on_closed(struct connection *c, const char *why, int error)
{
    struct side *side = side_of(c);

    side->ends++;
    side->why = why;
    side->error = error;
}

static const struct connection_events events = {
    .frame = on_frame,
    .drained = on_drained,
    .is_busy = on_is_busy,
    .closed = on_closed,
};

static void on_accepted(struct listener *listener, int fd, const struct io_address *peer)
{
    struct fixture *f = container_of(listener, struct fixture, listener);

    check(!f->is_accepted);
    f->is_accepted = true;
    f->server.f = f;
    connection_init(&f->server.c, &f->net, fd, peer, &events);
}

/* One turn; false when it has taken too long altogether. */
static bool turn(struct fixture *f)
{
    loop_turn(&f->loop, 100 * 1000);
    return io_monotonic_us(f->io) < f->end_us;
}

static void fixture_init(struct fixture *f)
{
    const struct io_address any = {.host = "127.0.0.1"};
    int fd;

    *f = (struct fixture){.io = NULL};
    check_ok(linux_io_create(&f->io));
    f->end_us = io_monotonic_us(f->io) + PATIENCE_US;
    loop_init(&f->loop, f->io);
    budget_init(&f->budget, BUDGET);
    net_init(&f->net, &f->loop, &f->budget, FRAME_MAX);
    check_ok(listener_open(&f->listener, &f->loop, &any, on_accepted));
    check_ok(f->io->ops->connect(f->io, &f->listener.bound, &fd));
    f->client.f = f;
    connection_init(&f->client.c, &f->net, fd, &f->listener.bound, &events);
    while (!f->is_accepted && turn(f))
        ;
    check(f->is_accepted);
}

static void side_fini(struct side *side)
{
    if (!side->ends)
        connection_fini(&side->c);
    buf_unref(side->kept);
    text_fini(&side->heard);
}

static void fixture_fini(struct fixture *f)
{
    side_fini(&f->client);
    side_fini(&f->server);
    listener_close(&f->listener);
    net_fini(&f->net);
    loop_fini(&f->loop);
    check_eq(f->budget.used, 0); /* Whatever happened, all was given back. */
    linux_io_destroy(f->io);
}

static void on_sent(struct outgoing *outgoing, bool whole)
{
    struct message *m = container_of(outgoing, struct message, outgoing);

    m->sent++;
    m->whole += whole;
}

static void put_size(uint8_t *out, uint32_t size)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(size >> (24 - 8 * i));
}

/* A frame of one piece of memory. */
static void message_init(struct message *m, const void *bytes, size_t size_bytes)
{
    *m = (struct message){.outgoing = {.pieces = m->pieces, .count = 2, .sent = on_sent}};
    put_size(m->prefix, (uint32_t)size_bytes);
    m->pieces[0] = (struct piece){.data = m->prefix, .size = 4};
    m->pieces[1] = (struct piece){.data = bytes, .size = size_bytes};
}

static void send_message(struct side *side, struct message *m, const char *text)
{
    message_init(m, text, strlen(text));
    connection_send(&side->c, &m->outgoing);
}

/* Bytes as they are, framed or not, straight to the socket of the client. */
static void send_raw(struct fixture *f, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;

    while (count > 0) {
        const struct io_iov iov = {.data = at, .size = count};
        int64_t sent = f->io->ops->send(f->io, f->client.c.watch.fd, &iov, 1, false);

        check(sent > 0 || sent == -EAGAIN);
        if (sent > 0) {
            at += sent;
            count -= (size_t)sent;
        }
        check(turn(f));
    }
}

static bool heard(const struct side *side, const char *want)
{
    return slice_is_text(text_slice(&side->heard), want);
}

TEST(connection, frames_go_both_ways_in_order)
{
    struct fixture f;
    struct message a, b, c, answer;

    fixture_init(&f);
    send_message(&f.client, &a, "one");
    send_message(&f.client, &b, "");
    send_message(&f.client, &c, "three");
    while (f.server.frames < 3 && turn(&f))
        ;
    check(heard(&f.server, "one||three|"));
    check(a.whole == 1 && b.whole == 1 && c.whole == 1);
    check(f.client.drains >= 1);
    send_message(&f.server, &answer, "answer");
    while (f.client.frames < 1 && turn(&f))
        ;
    check(heard(&f.client, "answer|"));
    check_eq(f.net.frames_in, 4);
    check_eq(f.net.bytes_in, f.net.bytes_out);
    check(!f.server.c.input && !f.client.c.input); /* Idle ones own no buffer. */
    fixture_fini(&f);
}

TEST(connection, a_frame_may_arrive_byte_by_byte)
{
    const uint8_t bytes[] = {0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 1, 'd'};
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < sizeof(bytes); i++)
        send_raw(&f, bytes + i, 1);
    while (f.server.frames < 3 && turn(&f))
        ;
    check(heard(&f.server, "abc||d|"));
    fixture_fini(&f);
}

TEST(connection, thousands_of_small_frames_in_one_write_are_each_delivered)
{
    enum { COUNT = 40000 };
    struct fixture f;
    uint8_t *bytes = mem_new(COUNT * 6);

    for (uint32_t i = 0; i < COUNT; i++) {
        put_size(bytes + i * 6, 2);
        bytes[i * 6 + 4] = (uint8_t)(i >> 8);
        bytes[i * 6 + 5] = (uint8_t)i;
    }
    fixture_init(&f);
    send_raw(&f, bytes, COUNT * 6);
    while (f.server.frames < COUNT && turn(&f))
        ;
    check_eq(f.server.frames, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        check_eq((uint8_t)f.server.heard.data[i * 3], (uint8_t)(i >> 8));
        check_eq((uint8_t)f.server.heard.data[i * 3 + 1], (uint8_t)i);
    }
    mem_free(bytes);
    fixture_fini(&f);
}

static uint8_t *pattern(size_t count)
{
    uint8_t *bytes = mem_new(count);

    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
    return bytes;
}

TEST(connection, a_large_frame_grows_with_what_arrives_and_leaves_nothing_behind)
{
    enum { SIZE = 9 * 1000 * 1000 };
    uint8_t *bytes = pattern(SIZE);
    struct message large, small;
    struct fixture f;

    fixture_init(&f);
    message_init(&large, bytes, SIZE);
    connection_send(&f.client.c, &large.outgoing);
    send_message(&f.client, &small, "behind it");
    while (f.server.frames < 2 && turn(&f))
        ;
    check_eq(f.server.heard.size, SIZE + 1 + 10);
    check(memcmp(f.server.heard.data, bytes, SIZE) == 0);
    check(memcmp(f.server.heard.data + SIZE, "|behind it|", 11) == 0);
    check(!f.server.c.input && f.server.c.reserved == 0);
    check(f.budget.peak < 4 * SIZE);
    mem_free(bytes);
    fixture_fini(&f);
}

TEST(connection, a_declared_size_alone_takes_no_memory)
{
    const uint8_t huge[] = {0x00, 0xf0, 0x00, 0x00, 'x'}; /* 15 MiB are to come. */
    struct fixture f;
    size_t idle;

    fixture_init(&f);
    send_raw(&f, "\0\0\0\1y", 5);
    while (f.server.frames < 1 && turn(&f))
        ;
    f.net.reserve_from = SIZE_MAX; /* Not even reserved. */
    idle = f.budget.used;
    send_raw(&f, huge, sizeof(huge));
    while (!f.server.c.input && turn(&f))
        ;
    check(f.server.c.input->capacity <= 4096);
    check(f.budget.used - idle <= 4096);
    for (int i = 0; i < 3; i++) {
        char more[2500] = {0};

        send_raw(&f, more, sizeof(more));
    }
    while (f.server.c.input->size < 7500 && turn(&f))
        ;
    check(f.server.c.input->capacity <= 16384); /* Twice what came, not what was said. */
    fixture_fini(&f);
}

TEST(connection, a_size_that_cannot_be_closes_it)
{
    const uint8_t negative[] = {0xff, 0xff, 0xff, 0xff};
    const uint8_t large[] = {0x7f, 0x00, 0x00, 0x00, 0x00};
    const struct slice inputs[] = {slice_of(negative, 4), slice_of(large, 5)};

    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        struct fixture f;

        fixture_init(&f);
        send_raw(&f, inputs[i].data, inputs[i].size);
        while (!f.server.ends && turn(&f))
            ;
        check_eq(f.server.ends, 1);
        check_eq(f.server.frames, 0);
        check_eq(f.server.error, 0);
        check(strstr(f.server.why, "frame size"));
        while (!f.client.ends && turn(&f))
            ;
        check_text(f.client.why, "peer closed the connection");
        fixture_fini(&f);
    }
}

TEST(connection, a_paused_connection_delivers_nothing_and_then_everything)
{
    struct fixture f;
    struct message m[5];
    const char *texts[] = {"a", "b", "c", "d", "e"};

    fixture_init(&f);
    f.server.pause_after = 2;
    for (size_t i = 0; i < 4; i++)
        send_message(&f.client, &m[i], texts[i]);
    while (f.server.frames < 2 && turn(&f))
        ;
    for (int i = 0; i < 3; i++)
        loop_turn(&f.loop, 1000);
    check(heard(&f.server, "a|b|"));
    send_message(&f.client, &m[4], texts[4]); /* Not even read. */
    for (int i = 0; i < 3; i++)
        loop_turn(&f.loop, 1000);
    check(heard(&f.server, "a|b|"));
    f.server.pause_after = 3; /* Once more, inside what was kept. */
    connection_resume(&f.server.c);
    while (f.server.frames < 3 && turn(&f))
        ;
    loop_turn(&f.loop, 1000);
    check(heard(&f.server, "a|b|c|"));
    connection_resume(&f.server.c);
    while (f.server.frames < 5 && turn(&f))
        ;
    check(heard(&f.server, "a|b|c|d|e|"));
    fixture_fini(&f);
}

TEST(connection, closing_inside_a_frame_drops_the_frames_behind_it)
{
    struct fixture f;
    struct message a, b;

    fixture_init(&f);
    f.server.close_after = 1;
    send_message(&f.client, &a, "a");
    send_message(&f.client, &b, "b");
    while (!f.server.ends && turn(&f))
        ;
    check(heard(&f.server, "a|"));
    check_text(f.server.why, "heard enough");
    fixture_fini(&f);
}

TEST(connection, what_was_not_sent_is_told_before_the_end)
{
    struct fixture f;
    struct message a, b;

    fixture_init(&f);
    send_message(&f.server, &a, "a");
    send_message(&f.server, &b, "b");
    connection_close(&f.server.c, "changed my mind", -EIO);
    connection_close(&f.server.c, "said twice", 0);
    check_eq(f.server.ends, 0); /* Not inside the call. */
    while (!f.server.ends && turn(&f))
        ;
    check(a.sent == 1 && a.whole == 0 && b.sent == 1 && b.whole == 0);
    check_text(f.server.why, "changed my mind");
    check_eq(f.server.error, -EIO);
    fixture_fini(&f);
}

TEST(connection, a_kept_frame_stays_as_it_was)
{
    struct fixture f;
    struct message m[20];

    fixture_init(&f);
    f.server.keeps = true;
    send_message(&f.client, &m[0], "to be kept");
    while (!f.server.kept && turn(&f))
        ;
    for (int i = 1; i < 20; i++) {
        send_message(&f.client, &m[i], "something else");
        while (f.server.frames < i + 1 && turn(&f))
            ;
    }
    check(slice_is_text(f.server.kept_frame, "to be kept"));
    fixture_fini(&f);
}

/* A server that is not read from: bytes wait, and nothing is lost. */
TEST(connection, a_slow_reader_gets_everything_in_the_end)
{
    enum { SIZE = 3 * 1000 * 1000, COUNT = 4 };
    uint8_t *bytes = pattern(SIZE);
    struct message m[COUNT];
    struct fixture f;

    fixture_init(&f);
    connection_pause(&f.client.c);
    for (int i = 0; i < COUNT; i++) {
        message_init(&m[i], bytes, SIZE);
        connection_send(&f.server.c, &m[i].outgoing);
    }
    while (!f.server.c.is_blocked && turn(&f))
        ;
    check_eq(m[COUNT - 1].sent, 0);
    check_eq(f.server.drains, 0);
    connection_resume(&f.client.c);
    while (f.client.frames < COUNT && turn(&f))
        ;
    check_eq(f.client.heard.size, COUNT * (SIZE + 1));
    for (int i = 0; i < COUNT; i++) {
        check_eq(m[i].whole, 1);
        check(memcmp(f.client.heard.data + i * (SIZE + 1), bytes, SIZE) == 0);
    }
    check_eq(f.server.drains, 1);
    mem_free(bytes);
    fixture_fini(&f);
}

/* A file with these bytes, open for reading. */
static int file_with(struct fixture *f, const struct temp_dir *temp, const void *bytes,
                     size_t count)
{
    const struct io_iov iov = {.data = bytes, .size = count};
    int dir, file;

    check_ok(f->io->ops->dir_open(f->io, IO_CWD, temp->path, &dir));
    check_ok(f->io->ops->file_open(f->io, dir, "a", IO_READ | IO_WRITE | IO_CREATE, &file));
    check_ok(f->io->ops->file_write(f->io, file, 0, &iov, 1));
    io_close(f->io, &dir);
    return file;
}

TEST(connection, memory_and_files_are_sent_in_their_order)
{
    struct temp_dir temp;
    struct fixture f;
    struct message m, behind;
    int file;

    fixture_init(&f);
    temp_dir_create(&temp);
    file = file_with(&f, &temp, "0123456789", 10);
    message_init(&m, "<", 1);
    put_size(m.prefix, 1 + 4 + 1);
    m.pieces[2] = (struct piece){.file = file, .position = 3, .size = 4};
    m.pieces[3] = (struct piece){.data = ">", .size = 1};
    m.outgoing.count = 4;
    connection_send(&f.server.c, &m.outgoing);
    send_message(&f.server, &behind, "behind");
    while (f.client.frames < 2 && turn(&f))
        ;
    check(heard(&f.client, "<3456>|behind|"));
    check(m.whole == 1 && behind.whole == 1);
    io_close(f.io, &file);
    temp_dir_remove(&temp);
    fixture_fini(&f);
}

TEST(connection, empty_pieces_are_passed_over_wherever_they_are)
{
    struct temp_dir temp;
    struct fixture f;
    struct message m;
    int file;

    fixture_init(&f);
    temp_dir_create(&temp);
    file = file_with(&f, &temp, "", 0);
    message_init(&m, "", 0);
    put_size(m.prefix, 1);
    m.pieces[0] = (struct piece){.file = file, .size = 0};
    m.pieces[1] = (struct piece){.data = m.prefix, .size = 4};
    m.pieces[2] = (struct piece){.file = file, .size = 0};
    m.pieces[3] = (struct piece){.data = "x", .size = 1};
    m.outgoing.count = 4;
    connection_send(&f.server.c, &m.outgoing);
    while (f.client.frames < 1 && !f.server.ends && turn(&f))
        ;
    check(heard(&f.client, "x|"));
    io_close(f.io, &file);
    temp_dir_remove(&temp);
    fixture_fini(&f);
}

TEST(connection, a_file_that_became_shorter_ends_it)
{
    struct temp_dir temp;
    struct fixture f;
    struct message m;
    int file;

    fixture_init(&f);
    temp_dir_create(&temp);
    file = file_with(&f, &temp, "0123456789", 10);
    message_init(&m, "", 0);
    put_size(m.prefix, 20);
    m.pieces[1] = (struct piece){.file = file, .size = 20};
    connection_send(&f.server.c, &m.outgoing);
    while (!f.server.ends && turn(&f))
        ;
    check_text(f.server.why, "connection broke while sending");
    check_eq(f.server.error, -EIO);
    check(m.sent == 1 && m.whole == 0);
    io_close(f.io, &file);
    temp_dir_remove(&temp);
    fixture_fini(&f);
}

TEST(connection, a_full_budget_parks_a_large_frame_until_there_is_room)
{
    enum { SIZE = 8 << 20 };
    uint8_t *bytes = pattern(SIZE);
    struct message large;
    struct fixture f;
    size_t taken;

    fixture_init(&f);
    taken = BUDGET - f.budget.used - SIZE / 2;
    budget_charge_always(&f.budget, taken);
    message_init(&large, bytes, SIZE);
    connection_send(&f.client.c, &large.outgoing);
    while (!f.server.c.is_starved && turn(&f))
        ;
    check(f.budget.refusals > 0);
    check_eq(f.server.frames, 0);
    budget_release(&f.budget, taken);
    while (f.server.frames < 1 && turn(&f))
        ;
    check_eq(f.server.heard.size, SIZE + 1);
    check(memcmp(f.server.heard.data, bytes, SIZE) == 0);
    mem_free(bytes);
    fixture_fini(&f);
}

TEST(connection, an_end_in_the_middle_of_a_frame_gives_back_what_it_reserved)
{
    const uint8_t large[] = {0x00, 0x70, 0x00, 0x00, 'x'};
    struct fixture f;

    fixture_init(&f);
    send_raw(&f, large, sizeof(large));
    while (!f.server.c.reserved && turn(&f))
        send_raw(&f, "y", 1);
    check(f.budget.used > 7 << 20);
    connection_fini(&f.client.c);
    f.client.ends = 1; /* It is over. */
    while (!f.server.ends && turn(&f))
        ;
    check_text(f.server.why, "peer closed the connection");
    fixture_fini(&f);
}

TEST(connection, a_frame_that_no_budget_can_hold_closes_it)
{
    const uint8_t large[] = {0x00, 0xf0, 0x00, 0x00, 'x'};
    struct fixture f;

    fixture_init(&f);
    f.budget.limit = 10 << 20;
    send_raw(&f, large, sizeof(large));
    send_raw(&f, "y", 1);
    while (!f.server.ends && turn(&f))
        ;
    check(strstr(f.server.why, "queued.max.request.bytes"));
    fixture_fini(&f);
}

/* The clock of an idle check is the loop's, which a test can put forward. */
static void let_pass(struct fixture *f, int64_t us)
{
    f->loop.now_us += us;
    f->server.c.idle.fire(&f->server.c.idle);
    turn(f);
}

static void start_idle_check(struct fixture *f)
{
    const struct io_address peer = f->server.c.peer;
    int fd = f->server.c.watch.fd;

    io_watch(f->io, &f->server.c.watch, 0);
    f->net.idle_us = HOUR_US;
    connection_init(&f->server.c, &f->net, fd, &peer, &events);
}

TEST(connection, an_idle_one_is_closed)
{
    struct fixture f;

    fixture_init(&f);
    start_idle_check(&f);
    let_pass(&f, HOUR_US - 1);
    check_eq(f.server.ends, 0);
    f.server.c.active_us -= HOUR_US;
    let_pass(&f, 0);
    check_eq(f.server.ends, 1);
    check(strstr(f.server.why, "connections.max.idle.ms"));
    fixture_fini(&f);
}

TEST(connection, what_comes_or_goes_ends_idleness)
{
    struct fixture f;
    struct message m;

    fixture_init(&f);
    start_idle_check(&f);
    f.server.c.active_us -= HOUR_US;
    send_raw(&f, "\0\0\0\1x", 5);
    while (!f.server.frames && turn(&f))
        ;
    let_pass(&f, 0);
    check_eq(f.server.ends, 0);
    f.server.c.active_us -= HOUR_US;
    send_message(&f.server, &m, "y");
    while (!m.sent && turn(&f))
        ;
    let_pass(&f, 0);
    check_eq(f.server.ends, 0);
    fixture_fini(&f);
}

TEST(connection, who_has_something_under_way_is_not_idle)
{
    struct fixture f;

    fixture_init(&f);
    start_idle_check(&f);
    f.server.busy = true;
    f.server.c.active_us -= HOUR_US;
    let_pass(&f, 0);
    check_eq(f.server.ends, 0);
    f.server.busy = false;
    let_pass(&f, 0); /* From the end of that on it counts. */
    check_eq(f.server.ends, 0);
    f.server.c.active_us -= HOUR_US;
    let_pass(&f, 0);
    check_eq(f.server.ends, 1);
    fixture_fini(&f);
}

TEST(connection, a_dying_owner_hears_of_its_messages_and_nothing_else)
{
    struct fixture f;
    struct message m;

    fixture_init(&f);
    send_message(&f.server, &m, "never sent");
    connection_fini(&f.server.c);
    check(m.sent == 1 && m.whole == 0);
    check_eq(f.server.ends, 0);
    while (!f.client.ends && turn(&f))
        ;
    check_eq(f.client.error, 0);
    f.server.ends = 1; /* It is over. */
    fixture_fini(&f);
}

/* Random frames in random pieces, with pauses: what is heard is what was said. */
PROPERTY(connection, any_cut_of_the_stream_gives_the_same_frames, 30)
{
    struct fixture f;
    struct text stream = {.data = NULL};
    struct text want = {.data = NULL};
    int frames = (int)rng_between(rng, 1, 30);
    size_t at = 0;

    for (int i = 0; i < frames; i++) {
        size_t length = rng_below(rng, (uint64_t)1 << rng_below(rng, 16));
        uint8_t prefix[4];

        put_size(prefix, (uint32_t)length);
        text_add(&stream, prefix, 4);
        for (size_t k = 0; k < length; k++)
            text_add(&stream, &(uint8_t){(uint8_t)(k + length)}, 1);
        text_add(&want, stream.data + stream.size - length, length);
        text_add(&want, "|", 1);
    }
    fixture_init(&f);
    while (at < stream.size) {
        size_t most = (size_t)1 << rng_below(rng, 18);
        size_t cut = min_of(1 + rng_below(rng, most), stream.size - at);

        if (rng_chance(rng, 20))
            f.server.pause_after = f.server.frames + 1;
        send_raw(&f, stream.data + at, cut);
        if (f.server.c.is_paused)
            connection_resume(&f.server.c);
        at += cut;
    }
    while (f.server.frames < frames && turn(&f))
        if (f.server.c.is_paused)
            connection_resume(&f.server.c);
    check(slice_equal(text_slice(&f.server.heard), text_slice(&want)));
    text_fini(&stream);
    text_fini(&want);
    fixture_fini(&f);
}
