/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/nullbroker.c - the least that satisfies a producer and a consumer of Kafka.
 *
 *     nullbroker PORT discard|write|sync|one-log DIR [PARTITIONS]
 *
 * The floor under any broker: what the kernel takes for sockets and files, and next to
 * nothing on top.  One thread; a turn handles every connection that has something, writes
 * each batch as it comes, syncs the files that were written once at the end of the turn if
 * that is the mode, and then sends the answers.  No checksum is looked at, nothing is
 * recovered, every topic is there.  Fetches are served by sendfile.
 *
 * Serves ApiVersions 0-2, Metadata 4, Produce 3-7, Fetch 11, ListOffsets 2, CreateTopics 2;
 * kcat and the Java clients are content with that.
 */

#include "base/mem.h"
#include "test/bench/client.h"
#include "test/bench/frames.h"
#include "test/bench/null_log.h"
#include "wire/bytes.h"
#include "wire/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 128, INPUT_STEP = 256 << 10, PIECES_MAX = 64, NS_PER_MS = 1000000 };

/* A range of a file that goes out behind the first `text_end` bytes of the output. */
struct piece {
    size_t text_end;
    int fd;
    int64_t position, size;
};

struct peer {
    struct peer *next;
    int fd;
    struct text input;  /* Owned: bytes that are not handled yet. */
    struct text output; /* Owned: answers, without what comes from files. */
    size_t output_at;
    struct piece pieces[PIECES_MAX];
    size_t piece_count, piece_at;
    int64_t wait_until_ns; /* Of a fetch that found nothing, and lies first in the input. */
    bool is_blocked, is_closed;
};

struct broker {
    struct null_log log;
    struct peer *peers;
    int epoll, listener, signals;
    uint16_t port;
};

/* --- requests --------------------------------------------------------------- */

static void answer_api_versions(struct text *out, int16_t version)
{
    static const int16_t served[][3] = {
        {FRAME_PRODUCE, 0, 7},  {FRAME_FETCH, 4, 11},       {FRAME_LIST_OFFSETS, 1, 2},
        {FRAME_METADATA, 4, 4}, {FRAME_API_VERSIONS, 0, 2}, {FRAME_CREATE_TOPICS, 2, 2},
    };

    put_i16(out, version > 2 ? ERROR_UNSUPPORTED_VERSION : 0);
    put_i32(out, COUNT_OF(served));
    for (size_t i = 0; i < COUNT_OF(served); i++)
        for (size_t k = 0; k < 3; k++)
            put_i16(out, served[i][k]);
    if (version == 1 || version == 2)
        put_i32(out, 0);
}

static void put_slice(struct text *out, struct slice string)
{
    put_i16(out, (int16_t)string.size);
    text_add(out, string.data, string.size);
}

static void answer_metadata(struct broker *broker, struct reader *in, struct text *out)
{
    int32_t count = get_i32(in);

    put_i32(out, 0);
    put_i32(out, 1);
    put_i32(out, 1); /* Node 1 is all there is. */
    put_string(out, "127.0.0.1");
    put_i32(out, broker->port);
    put_i16(out, -1);
    put_i16(out, -1);
    put_i32(out, 1);
    put_i32(out, max_of(count, 0));
    for (int32_t i = 0; i < count && !in->is_bad; i++) {
        put_i16(out, 0);
        put_slice(out, get_string(in));
        put_i8(out, 0);
        put_i32(out, broker->log.partitions);
        for (int32_t p = 0; p < broker->log.partitions; p++) {
            put_i16(out, 0);
            put_i32(out, p);
            put_i32(out, 1); /* Leader, */
            put_i32(out, 1); /* one replica, */
            put_i32(out, 1);
            put_i32(out, 1); /* in sync. */
            put_i32(out, 1);
        }
    }
}

static void answer_create_topics(struct reader *in, struct text *out)
{
    int32_t count = get_i32(in);

    put_i32(out, 0);
    put_i32(out, count);
    for (int32_t i = 0; i < count && !in->is_bad; i++) {
        struct slice name = get_string(in);
        int32_t assignments;
        int32_t configs;

        put_slice(out, name);
        put_i16(out, 0);
        put_i16(out, -1);
        get_i32(in);
        get_i16(in);
        assignments = get_i32(in);
        for (int32_t k = 0; k < assignments && !in->is_bad; k++) {
            get_i32(in);
            get_bytes(in, (size_t)get_i32(in) * sizeof(int32_t));
        }
        configs = get_i32(in);
        for (int32_t k = 0; k < configs * 2 && !in->is_bad; k++)
            get_string(in);
    }
}

static void answer_list_offsets(struct broker *broker, struct reader *in, struct text *out)
{
    int32_t topics;

    get_bytes(in, sizeof(int32_t) + sizeof(int8_t)); /* Replica, isolation. */
    topics = get_i32(in);
    put_i32(out, 0);
    put_i32(out, topics);
    for (int32_t i = 0; i < topics && !in->is_bad; i++) {
        struct slice name = get_string(in);
        struct null_topic *topic = null_topic_get(&broker->log, name);
        int32_t partitions = get_i32(in);

        put_slice(out, name);
        put_i32(out, partitions);
        for (int32_t k = 0; k < partitions && !in->is_bad; k++) {
            int32_t index = get_i32(in);
            bool is_known = index >= 0 && index < broker->log.partitions;
            bool is_earliest = get_i64(in) == -2;

            put_i32(out, index);
            put_i16(out, is_known ? 0 : ERROR_UNKNOWN_TOPIC_OR_PARTITION);
            put_i64(out, -1);
            put_i64(out, is_known && !is_earliest ? topic->partitions[index].end : 0);
        }
    }
}

/* Returns false if there is no answer: acks=0. */
static bool answer_produce(struct broker *broker, int16_t version, struct reader *in,
                           struct text *out)
{
    int16_t acks;
    int32_t topics;

    get_string(in);
    acks = get_i16(in);
    get_i32(in);
    topics = get_i32(in);
    put_i32(out, topics);
    for (int32_t i = 0; i < topics && !in->is_bad; i++) {
        struct slice name = get_string(in);
        struct null_topic *topic = null_topic_get(&broker->log, name);
        int32_t partitions = get_i32(in);

        put_slice(out, name);
        put_i32(out, partitions);
        for (int32_t k = 0; k < partitions && !in->is_bad; k++) {
            int32_t index = get_i32(in);
            struct slice batch = get_bytes(in, (size_t)max_of(get_i32(in), 0));
            bool is_known = index >= 0 && index < broker->log.partitions && batch.data;

            put_i32(out, index);
            put_i16(out, is_known ? 0 : ERROR_UNKNOWN_TOPIC_OR_PARTITION);
            put_i64(out, is_known ? null_append(&broker->log, topic, index, batch) : -1);
            put_i64(out, -1);
            if (version >= 5)
                put_i64(out, 0);
        }
    }
    put_i32(out, 0);
    return acks != 0;
}

/* Adds one partition to the answer; returns how many bytes of records it has. */
static int64_t fetch_partition(struct broker *broker, struct peer *peer, struct null_topic *topic,
                               struct reader *in, int64_t bytes_left)
{
    struct text *out = &peer->output;
    int32_t index = get_i32(in);
    bool is_known = index >= 0 && index < broker->log.partitions;
    struct null_partition *partition = is_known ? &topic->partitions[index] : NULL;
    int64_t offset;
    int64_t position = 0;
    int64_t size = 0;

    get_i32(in); /* Leader epoch. */
    offset = get_i64(in);
    get_i64(in); /* Log start. */
    bytes_left = min_of(bytes_left, (int64_t)get_i32(in));
    if (partition && bytes_left > 0 && peer->piece_count < PIECES_MAX)
        size = null_find(partition, offset, bytes_left, &position);
    put_i32(out, index);
    put_i16(out, is_known ? 0 : ERROR_UNKNOWN_TOPIC_OR_PARTITION);
    put_i64(out, partition ? partition->end : -1);
    put_i64(out, partition ? partition->end : -1);
    put_i64(out, 0);
    put_i32(out, -1);
    put_i32(out, -1);
    put_i32(out, (int32_t)size);
    if (size > 0)
        peer->pieces[peer->piece_count++] = (struct piece){
            .text_end = out->size, .fd = partition->fd, .position = position, .size = size};
    return size;
}

/* Returns how many bytes of records were found. */
static int64_t answer_fetch(struct broker *broker, struct peer *peer, struct reader *in,
                            int32_t *out_wait_ms)
{
    struct text *out = &peer->output;
    int64_t bytes = 0;
    int32_t bytes_max;
    int32_t topics;

    get_i32(in); /* Replica. */
    *out_wait_ms = get_i32(in);
    get_i32(in);
    bytes_max = get_i32(in);
    get_bytes(in, sizeof(int8_t) + 2 * sizeof(int32_t)); /* Isolation, session. */
    topics = get_i32(in);
    put_i32(out, 0);
    put_i16(out, 0);
    put_i32(out, 0);
    put_i32(out, topics);
    for (int32_t i = 0; i < topics && !in->is_bad; i++) {
        struct slice name = get_string(in);
        struct null_topic *topic = null_topic_get(&broker->log, name);
        int32_t partitions = get_i32(in);

        put_slice(out, name);
        put_i32(out, partitions);
        for (int32_t k = 0; k < partitions && !in->is_bad; k++)
            bytes += fetch_partition(broker, peer, topic, in, bytes_max - bytes);
    }
    return bytes;
}

/* Sizes of answers that hold pieces of files count these too. */
static void end_answer(struct peer *peer, size_t at, size_t first_piece)
{
    int64_t size = (int64_t)(peer->output.size - at - FRAME_PREFIX);

    for (size_t i = first_piece; i < peer->piece_count; i++)
        size += peer->pieces[i].size;
    bytes_store_i32((uint8_t *)peer->output.data + at, (int32_t)size);
}

/* A fetch that found nothing waits: false. */
static bool handle(struct broker *broker, struct peer *peer, struct slice frame)
{
    struct reader in = reader_of(frame.data, frame.size);
    int16_t key = get_i16(&in);
    int16_t version = get_i16(&in);
    size_t at = frame_begin_response(&peer->output, get_i32(&in));
    size_t pieces = peer->piece_count;
    bool is_answered = true;
    int32_t wait_ms;

    get_string(&in);
    switch (key) {
    case FRAME_API_VERSIONS: answer_api_versions(&peer->output, version); break;
    case FRAME_METADATA: answer_metadata(broker, &in, &peer->output); break;
    case FRAME_CREATE_TOPICS: answer_create_topics(&in, &peer->output); break;
    case FRAME_LIST_OFFSETS: answer_list_offsets(broker, &in, &peer->output); break;
    case FRAME_PRODUCE: is_answered = answer_produce(broker, version, &in, &peer->output); break;
    case FRAME_FETCH:
        if (answer_fetch(broker, peer, &in, &wait_ms) > 0 || wait_ms <= 0)
            break;
        if (peer->wait_until_ns == 0)
            peer->wait_until_ns = bench_now_ns() + (int64_t)wait_ms * NS_PER_MS;
        if (bench_now_ns() >= peer->wait_until_ns)
            break;
        text_cut(&peer->output, at);
        return false;
    default: peer->is_closed = true;
    }
    peer->is_closed |= in.is_bad;
    peer->wait_until_ns = 0;
    if (is_answered)
        end_answer(peer, at, pieces);
    else
        text_cut(&peer->output, at);
    return true;
}

/* --- connections ------------------------------------------------------------ */

static void handle_input(struct broker *broker, struct peer *peer)
{
    size_t at = 0;

    while (!peer->is_closed && peer->piece_count < PIECES_MAX / 2 &&
           peer->input.size - at >= FRAME_PREFIX) {
        const uint8_t *frame = (const uint8_t *)peer->input.data + at;
        size_t size = bytes_load_u32(frame);

        if (peer->input.size - at - FRAME_PREFIX < size ||
            !handle(broker, peer, slice_of(frame + FRAME_PREFIX, size)))
            break;
        at += FRAME_PREFIX + size;
    }
    if (at > 0) {
        memmove(peer->input.data, peer->input.data + at, peer->input.size - at);
        text_cut(&peer->input, peer->input.size - at);
    }
}

static void receive(struct peer *peer)
{
    size_t had = peer->input.size;
    uint8_t *space = text_add_space(&peer->input, INPUT_STEP);
    ssize_t got = recv(peer->fd, space, INPUT_STEP, 0);

    text_cut(&peer->input, had + (size_t)max_of(got, (ssize_t)0));
    peer->is_closed |= got == 0 || (got < 0 && errno != EAGAIN);
}

/* Sends once; false if nothing more can be sent for now. */
static bool send_once(struct peer *peer)
{
    bool has_piece = peer->piece_at < peer->piece_count;
    struct piece *piece = has_piece ? &peer->pieces[peer->piece_at] : NULL;
    size_t end = piece ? piece->text_end : peer->output.size;
    ssize_t sent;

    if (peer->output_at < end) {
        sent = send(peer->fd, peer->output.data + peer->output_at, end - peer->output_at,
                    MSG_NOSIGNAL | (piece ? MSG_MORE : 0));
        peer->output_at += (size_t)max_of(sent, (ssize_t)0);
    } else if (piece) {
        off_t position = piece->position;

        sent = sendfile(peer->fd, piece->fd, &position, (size_t)piece->size);
        piece->size -= max_of(sent, (ssize_t)0);
        piece->position += max_of(sent, (ssize_t)0);
        peer->piece_at += piece->size == 0;
    } else {
        return false;
    }
    peer->is_blocked = sent < 0 && errno == EAGAIN;
    peer->is_closed |= sent < 0 && errno != EAGAIN;
    return sent >= 0;
}

static void flush(struct broker *broker, struct peer *peer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    bool was_blocked = peer->is_blocked;

    if (peer->output_at == peer->output.size && peer->piece_at == peer->piece_count)
        return;
    while (send_once(peer))
        ;
    if (!peer->is_blocked && !peer->is_closed) {
        text_cut(&peer->output, 0);
        peer->output_at = 0;
        peer->piece_count = peer->piece_at = 0;
    }
    if (peer->is_blocked)
        event.events |= EPOLLOUT;
    if (peer->is_blocked != was_blocked)
        epoll_ctl(broker->epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void accept_peers(struct broker *broker)
{
    int one = 1;
    int fd;

    while ((fd = accept4(broker->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = mem_new(sizeof(*peer));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

        peer->fd = fd;
        peer->next = broker->peers;
        broker->peers = peer;
        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
            epoll_ctl(broker->epoll, EPOLL_CTL_ADD, fd, &event))
            bench_fail("accept: %s", strerror(errno));
    }
}

static void drop_closed(struct broker *broker)
{
    struct peer **at = &broker->peers;

    while (*at) {
        struct peer *peer = *at;

        if (!peer->is_closed) {
            at = &peer->next;
            continue;
        }
        *at = peer->next;
        close(peer->fd);
        text_fini(&peer->input);
        text_fini(&peer->output);
        mem_free(peer);
    }
}

/* --- the loop --------------------------------------------------------------- */

static int wait_ms(const struct broker *broker)
{
    for (const struct peer *peer = broker->peers; peer; peer = peer->next)
        if (peer->wait_until_ns)
            return 1;
    return -1;
}

/* False when the program is to end. */
static bool turn(struct broker *broker)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(broker->epoll, events, EVENTS_MAX, wait_ms(broker));

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &broker->signals)
            return false;
        if (events[i].data.ptr == &broker->listener)
            accept_peers(broker);
        else if (events[i].events & ~(unsigned)EPOLLOUT)
            receive(events[i].data.ptr);
    }
    for (struct peer *peer = broker->peers; peer; peer = peer->next)
        if (!peer->is_blocked && peer->input.size > 0)
            handle_input(broker, peer);
    null_sync(&broker->log);
    for (struct peer *peer = broker->peers; peer; peer = peer->next)
        flush(broker, peer);
    drop_closed(broker);
    return true;
}

static void watch(struct broker *broker, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

    if (*fd < 0 || epoll_ctl(broker->epoll, EPOLL_CTL_ADD, *fd, &event))
        bench_fail("start: %s", strerror(errno));
}

static void start(struct broker *broker)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(broker->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t set;
    int one = 1;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    broker->epoll = epoll_create1(EPOLL_CLOEXEC);
    broker->signals = signalfd(-1, &set, SFD_CLOEXEC);
    broker->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (setsockopt(broker->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(broker->listener, (const struct sockaddr *)&address, sizeof(address)) ||
        listen(broker->listener, 128))
        bench_fail("port %u: %s", broker->port, strerror(errno));
    watch(broker, &broker->listener);
    watch(broker, &broker->signals);
}

static enum null_mode mode_of(const char *word)
{
    if (strcmp(word, "discard") == 0)
        return NULL_DISCARD;
    if (strcmp(word, "write") == 0)
        return NULL_WRITE;
    if (strcmp(word, "one-log") == 0)
        return NULL_ONE_LOG;
    if (strcmp(word, "sync") != 0)
        bench_fail("the mode is discard, write, sync or one-log");
    return NULL_SYNC;
}

int main(int argc, char **argv)
{
    struct broker broker = {.log = {.one = {.fd = -1}}};

    if (argc < 4)
        bench_fail("usage: nullbroker PORT discard|write|sync|one-log DIR [PARTITIONS]");
    broker.port = (uint16_t)bench_number(argv[1], 1);
    broker.log.mode = mode_of(argv[2]);
    broker.log.dir = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    broker.log.partitions = argc > 4 ? (int32_t)bench_number(argv[4], 1) : 1;
    if (broker.log.dir < 0)
        bench_fail("%s: %s", argv[3], strerror(errno));
    start(&broker);
    printf("listening on port %u\n", broker.port);
    fflush(stdout);
    while (turn(&broker))
        ;
    return 0;
}
