/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/groups.c - many consumer groups, whose members heartbeat and commit.
 *
 *     groups port=P mode=run [groups=N] [members=N] [seconds=N] [interval-ms=N] [acked=FILE]
 *     groups port=P mode=fetch [groups=N] [members=N] [acked=FILE]
 *
 * run: each member has a connection of its own, as consumers have, joins its group (the classic
 * protocol) and gets one partition.  When all groups are stable the time begins; from then on
 * each member commits and heartbeats once in each interval, and they are spread evenly over it.
 * A commit that the one before it has held up is late, and left out.
 *
 * fetch: waits until somebody listens, and asks for the offsets of every group until all are
 * told; the times are from the start of this program, which is begun with that of the broker.
 *
 * `acked` is a file: run writes there what was acknowledged, and fetch says how much of it is lost.
 * Each prints one line of JSON.
 */

#include "base/mem.h"
#include "test/bench/client.h"
#include "test/bench/frames.h"
#include "test/bench/latencies.h"
#include "wire/bytes.h"
#include "wire/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char topic[] = "groups";

enum {
    SESSION_MS = 45000,
    REBALANCE_MS = 300000,
    ID_SIZE = 100,
    NAME_SIZE = 24,
    EVENTS = 256,
    INPUT_STEP = 4096,
    JOIN_SECONDS_MAX = 280,
    NS_PER_MS = 1000000,
};

struct plan {
    uint16_t port;
    bool is_fetch;
    int groups, members;
    int64_t seconds, interval_ms;
    const char *acked; /* A file, or NULL. */
};

struct member {
    int fd;
    int group;
    int16_t asked; /* The key of the request on its way, or -1. */
    bool is_stable;
    char id[ID_SIZE]; /* "" before it has one. */
    int32_t generation;
    int32_t partition;
    int64_t offset; /* Of the commit on its way. */
    int64_t began;
    struct text input; /* Owned. */
};

struct groups {
    struct plan plan;
    struct member *members; /* Owned: those of a group are neighbours. */
    int count, stable;
    int64_t *acked; /* Owned: of each partition of each group, what the broker has. */
    int epoll;
    int64_t connected;     /* How long it took to open all connections, in ns. */
    int64_t measured_from; /* 0: not all are stable yet. */
    int64_t due;           /* Whose turn it is: how many turns there were. */
    struct latencies commits, heartbeats;
    int64_t late, rebalances, errors;
    struct text frame; /* Owned: the request being made. */
};

static void name_of(int group, char out[static NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "group-%d", group);
}

static int64_t *acked_of(struct groups *g, int group, int32_t partition)
{
    return &g->acked[(int64_t)group * g->plan.members + partition];
}

/* --- requests --------------------------------------------------------------- */

static size_t begin(struct groups *g, const struct member *member, int16_t key, int16_t version)
{
    char name[NAME_SIZE];
    size_t at;

    text_cut(&g->frame, 0);
    at = frame_begin(&g->frame, key, version, key);
    name_of(member->group, name);
    put_string(&g->frame, name);
    return at;
}

static void send_frame(struct groups *g, struct member *member, int16_t key, size_t at)
{
    ssize_t sent;

    frame_end(&g->frame, at);
    assert(member->asked < 0);
    sent = send(member->fd, g->frame.data, g->frame.size, MSG_NOSIGNAL);
    if (sent != (ssize_t)g->frame.size) /* There is room: nothing else is on its way. */
        bench_fail("send: %s", strerror(errno));
    member->asked = key;
    member->began = bench_now_ns();
}

static void ask_to_join(struct groups *g, struct member *member)
{
    size_t at = begin(g, member, FRAME_JOIN_GROUP, 3);

    if (member->is_stable)
        g->stable--;
    member->is_stable = false;
    put_i32(&g->frame, SESSION_MS);
    put_i32(&g->frame, REBALANCE_MS);
    put_string(&g->frame, member->id);
    put_string(&g->frame, "consumer");
    put_i32(&g->frame, 1);
    put_string(&g->frame, "range");
    put_i32(&g->frame, 2 + 4 + 2 + (int32_t)strlen(topic) + 4);
    put_i16(&g->frame, 0); /* A subscription, version 0: topics, and no more to say. */
    put_i32(&g->frame, 1);
    put_string(&g->frame, topic);
    put_i32(&g->frame, -1);
    send_frame(g, member, FRAME_JOIN_GROUP, at);
}

/* `joined` are the members, if this one leads. */
static void ask_to_sync(struct groups *g, struct member *member, struct reader *joined)
{
    size_t at = begin(g, member, FRAME_SYNC_GROUP, 1);
    int32_t count = get_i32(joined);

    put_i32(&g->frame, member->generation);
    put_string(&g->frame, member->id);
    put_i32(&g->frame, count);
    for (int32_t i = 0; i < count; i++) {
        struct slice id = get_string(joined);

        put_i16(&g->frame, (int16_t)id.size);
        text_add(&g->frame, id.data, id.size);
        get_bytes(joined, (size_t)get_i32(joined));
        put_i32(&g->frame, 2 + 4 + 2 + (int32_t)strlen(topic) + 4 + 4 + 4);
        put_i16(&g->frame, 0);
        put_i32(&g->frame, 1);
        put_string(&g->frame, topic);
        put_i32(&g->frame, 1);
        put_i32(&g->frame, i % g->plan.members);
        put_i32(&g->frame, -1);
    }
    send_frame(g, member, FRAME_SYNC_GROUP, at);
}

static void ask_to_commit(struct groups *g, struct member *member)
{
    size_t at = begin(g, member, FRAME_OFFSET_COMMIT, 5);

    member->offset = *acked_of(g, member->group, member->partition) + 1;
    put_i32(&g->frame, member->generation);
    put_string(&g->frame, member->id);
    put_i32(&g->frame, 1);
    put_string(&g->frame, topic);
    put_i32(&g->frame, 1);
    put_i32(&g->frame, member->partition);
    put_i64(&g->frame, member->offset);
    put_string(&g->frame, ""); /* No note. */
    send_frame(g, member, FRAME_OFFSET_COMMIT, at);
}

static void ask_for_life(struct groups *g, struct member *member)
{
    size_t at = begin(g, member, FRAME_HEARTBEAT, 1);

    put_i32(&g->frame, member->generation);
    put_string(&g->frame, member->id);
    send_frame(g, member, FRAME_HEARTBEAT, at);
}

/* --- answers ---------------------------------------------------------------- */

/* What a consumer does that hears of an error; true if there was one. */
static bool went_wrong(struct groups *g, struct member *member, int16_t error)
{
    if (error == ERROR_NONE)
        return false;
    if (error == ERROR_REBALANCE_IN_PROGRESS)
        g->rebalances++;
    else
        g->errors++;
    if (error == ERROR_UNKNOWN_MEMBER_ID)
        member->id[0] = '\0';
    else if (error == ERROR_COORDINATOR_NOT_AVAILABLE || error == ERROR_NOT_COORDINATOR ||
             error == ERROR_COORDINATOR_LOAD_IN_PROGRESS)
        bench_pause();
    else if (error != ERROR_REBALANCE_IN_PROGRESS && error != ERROR_ILLEGAL_GENERATION)
        bench_fail("request %d: error %d", member->asked, error);
    member->asked = -1;
    ask_to_join(g, member);
    return true;
}

static void take_join(struct groups *g, struct member *member, struct reader *reader)
{
    struct slice id;

    if (went_wrong(g, member, get_i16(reader)))
        return;
    member->asked = -1;
    member->generation = get_i32(reader);
    get_string(reader); /* The protocol, */
    get_string(reader); /* and the leader, who alone gets members. */
    id = get_string(reader);
    (void)snprintf(member->id, sizeof(member->id), "%.*s", SLICE_ARG(id));
    ask_to_sync(g, member, reader);
}

static void take_sync(struct groups *g, struct member *member, struct reader *reader)
{
    int32_t size;

    if (went_wrong(g, member, get_i16(reader)))
        return;
    member->asked = -1;
    size = get_i32(reader);
    if (size == 0)
        bench_fail("a member of group %d got no partition", member->group);
    get_i16(reader);
    get_i32(reader);
    get_string(reader);
    get_i32(reader);
    member->partition = get_i32(reader);
    member->is_stable = true;
    g->stable++;
}

static void take_commit(struct groups *g, struct member *member, struct reader *reader)
{
    get_i32(reader);
    get_string(reader);
    get_i32(reader);
    get_i32(reader);
    if (went_wrong(g, member, get_i16(reader)))
        return;
    member->asked = -1;
    *acked_of(g, member->group, member->partition) = member->offset;
    if (g->measured_from)
        latencies_add(&g->commits, bench_now_ns() - member->began);
    ask_for_life(g, member);
}

static void take_heartbeat(struct groups *g, struct member *member, struct reader *reader)
{
    if (went_wrong(g, member, get_i16(reader)))
        return;
    member->asked = -1;
    if (g->measured_from)
        latencies_add(&g->heartbeats, bench_now_ns() - member->began);
}

static void take_answer(struct groups *g, struct member *member, struct slice frame)
{
    struct reader reader = reader_of(frame.data, frame.size);
    int32_t correlation = get_i32(&reader);

    if (correlation != member->asked)
        bench_fail("an answer that nobody asked for");
    get_i32(&reader); /* How long to stay quiet. */
    switch (correlation) {
    case FRAME_JOIN_GROUP: take_join(g, member, &reader); break;
    case FRAME_SYNC_GROUP: take_sync(g, member, &reader); break;
    case FRAME_OFFSET_COMMIT: take_commit(g, member, &reader); break;
    default: take_heartbeat(g, member, &reader); break;
    }
    if (reader.is_bad)
        bench_fail("an answer to request %d is cut off", correlation);
}

static void receive_some(struct groups *g, struct member *member)
{
    size_t had = member->input.size;
    uint8_t *space = text_add_space(&member->input, INPUT_STEP);
    ssize_t got = recv(member->fd, space, INPUT_STEP, MSG_DONTWAIT);
    size_t size;

    if (got == 0 || (got < 0 && errno != EAGAIN))
        bench_fail("the broker closed a connection: %s", got ? strerror(errno) : "in order");
    text_cut(&member->input, had + (size_t)max_of(got, (ssize_t)0));
    if (member->input.size < FRAME_PREFIX)
        return;
    size = bytes_load_u32((const uint8_t *)member->input.data);
    if (member->input.size < FRAME_PREFIX + size)
        return;
    take_answer(g, member, slice_of(member->input.data + FRAME_PREFIX, size));
    text_cut(&member->input, 0); /* One request is on its way at a time. */
}

/* --- the run ---------------------------------------------------------------- */

/* Members whose turn has come. */
static void take_turns(struct groups *g, int64_t from)
{
    int64_t step_ns = g->plan.interval_ms * NS_PER_MS / g->count;
    int64_t until = (bench_now_ns() - from) / max_of(step_ns, (int64_t)1);

    for (; g->due < until; g->due++) {
        struct member *member = &g->members[g->due % g->count];

        if (member->is_stable && member->asked < 0)
            ask_to_commit(g, member);
        else if (g->measured_from)
            g->late++;
    }
}

static void wait_a_little(struct groups *g)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(g->epoll, events, EVENTS, 1);

    if (count < 0 && errno != EINTR)
        bench_fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        receive_some(g, events[i].data.ptr);
}

static void run(struct groups *g)
{
    int64_t began = bench_now_ns();
    int64_t joined = 0;

    for (int i = 0; i < g->count; i++)
        ask_to_join(g, &g->members[i]);
    while (!g->measured_from || bench_now_ns() < g->measured_from + g->plan.seconds * 1000000000) {
        take_turns(g, began);
        wait_a_little(g);
        if (!g->measured_from && g->stable == g->count) {
            g->measured_from = bench_now_ns();
            joined = g->measured_from - began;
            g->rebalances = g->errors = 0;
        }
        if (!g->measured_from && bench_now_ns() > began + JOIN_SECONDS_MAX * 1000000000L)
            bench_fail("only %d of %d members are in their groups", g->stable, g->count);
    }
    printf("{\"groups\": %d, \"members\": %d, \"seconds\": %lld, \"connected_s\": %.3f, "
           "\"joined_s\": %.3f, "
           "\"commits_s\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f, "
           "\"heartbeats_s\": %.1f, \"heartbeat_p99_us\": %.0f, \"late\": %lld, "
           "\"rebalances\": %lld, \"errors\": %lld}\n",
           g->plan.groups, g->count, (long long)g->plan.seconds, (double)g->connected / 1e9,
           (double)joined / 1e9, (double)g->commits.count / (double)g->plan.seconds,
           latencies_us(&g->commits, 500), latencies_us(&g->commits, 990),
           latencies_us(&g->commits, 1000), (double)g->heartbeats.count / (double)g->plan.seconds,
           latencies_us(&g->heartbeats, 990), (long long)g->late, (long long)g->rebalances,
           (long long)g->errors);
}

/* --- the offsets again ------------------------------------------------------ */

static void frame_offset_fetch(struct text *out, int group, int members)
{
    char name[NAME_SIZE];
    size_t at;

    text_cut(out, 0);
    at = frame_begin(out, FRAME_OFFSET_FETCH, 5, FRAME_OFFSET_FETCH);
    name_of(group, name);
    put_string(out, name);
    put_i32(out, 1);
    put_string(out, topic);
    put_i32(out, members);
    for (int32_t i = 0; i < members; i++)
        put_i32(out, i);
    frame_end(out, at);
}

/* The error of the group; counts the partitions whose offset is not as new as was acknowledged. */
static int16_t read_offsets(struct groups *g, int group, const struct text *response, int *lost)
{
    struct reader reader = reader_of(response->data, response->size);
    int16_t error = ERROR_NONE;
    int32_t count;

    get_i32(&reader);
    get_i32(&reader);
    if (get_i32(&reader) == 0) /* No topics: what is wrong is said of the group. */
        return get_i16(&reader);
    get_string(&reader);
    count = get_i32(&reader);
    *lost = g->plan.members - count;
    for (int32_t i = 0; i < count; i++) {
        int32_t partition = get_i32(&reader);
        int64_t offset = get_i64(&reader);

        get_i32(&reader);
        get_string(&reader);
        error = (int16_t)(error | get_i16(&reader));
        if (partition < 0 || partition >= g->plan.members || reader.is_bad)
            bench_fail("an answer to OffsetFetch is not right");
        *lost += offset < *acked_of(g, group, partition);
    }
    return (int16_t)(error | get_i16(&reader));
}

/* How many partitions of the group have lost commits. */
static int fetch_group(struct groups *g, int fd, int group, struct text *response)
{
    int lost = 0;

    for (;;) {
        int16_t error;

        frame_offset_fetch(&g->frame, group, g->plan.members);
        client_call(fd, &g->frame, response);
        error = read_offsets(g, group, response, &lost);
        if (error == ERROR_NONE)
            return lost;
        if (error != ERROR_COORDINATOR_LOAD_IN_PROGRESS && error != ERROR_NOT_COORDINATOR &&
            error != ERROR_COORDINATOR_NOT_AVAILABLE)
            bench_fail("offsets of group %d: error %d", group, error);
        bench_pause();
    }
}

static void fetch(struct groups *g)
{
    struct text response = {.data = NULL};
    int64_t began = bench_now_ns();
    int fd = client_connect_when_ready(g->plan.port);
    int64_t listening = bench_now_ns();
    int64_t first = 0;
    int lost = 0;

    for (int i = 0; i < g->plan.groups; i++) {
        lost += fetch_group(g, fd, i, &response);
        if (i == 0)
            first = bench_now_ns();
    }
    printf("{\"groups\": %d, \"listening_ms\": %.1f, \"first_ms\": %.1f, \"all_ms\": %.1f, "
           "\"lost\": %d}\n",
           g->plan.groups, (double)(listening - began) / 1e6, (double)(first - began) / 1e6,
           (double)(bench_now_ns() - began) / 1e6, lost);
    close(fd);
    text_fini(&response);
}

/* --- beginning and end ------------------------------------------------------ */

/* The first to ask for a coordinator makes the topic of the offsets. */
static void find_coordinator(int fd)
{
    struct text request = {.data = NULL};
    struct text response = {.data = NULL};
    size_t at = frame_begin(&request, FRAME_FIND_COORDINATOR, 1, 1);
    struct reader reader;
    int16_t error;

    put_string(&request, "group-0");
    put_i8(&request, 0);
    frame_end(&request, at);
    do {
        client_call(fd, &request, &response);
        reader = reader_of(response.data, response.size);
        get_i32(&reader);
        get_i32(&reader);
        error = get_i16(&reader);
        bench_pause();
    } while (error == ERROR_COORDINATOR_NOT_AVAILABLE);
    if (error)
        bench_fail("no coordinator: error %d", error);
    text_fini(&request);
    text_fini(&response);
}

static void open_members(struct groups *g)
{
    struct rlimit limit;
    int64_t began;
    int fd = client_connect_when_ready(g->plan.port);

    client_create_topic(fd, topic, g->plan.members, NULL);
    find_coordinator(fd);
    close(fd);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    g->members = mem_new_array((size_t)g->count, sizeof(*g->members));
    began = bench_now_ns();
    for (int i = 0; i < g->count; i++) {
        struct member *member = &g->members[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
        int r = client_connect(g->plan.port, &member->fd);

        if (r || epoll_ctl(g->epoll, EPOLL_CTL_ADD, member->fd, &event))
            bench_fail("connection %d: %s", i, strerror(r ? -r : errno));
        member->group = i / g->plan.members;
        member->asked = -1;
    }
    g->connected = bench_now_ns() - began;
}

/* Writes what was acknowledged, or reads it. */
static void keep_acked(struct groups *g, bool is_read)
{
    size_t size = (size_t)g->count * sizeof(*g->acked);
    int fd;
    ssize_t done;

    if (!g->plan.acked)
        return;
    fd = open(g->plan.acked, is_read ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644);
    done = is_read ? read(fd, g->acked, size) : write(fd, g->acked, size);
    if (done != (ssize_t)size)
        bench_fail("%s: %s", g->plan.acked, strerror(errno));
    close(fd);
}

static void end(struct groups *g)
{
    for (int i = 0; g->members && i < g->count; i++) {
        close(g->members[i].fd);
        text_fini(&g->members[i].input);
    }
    latencies_fini(&g->commits);
    latencies_fini(&g->heartbeats);
    text_fini(&g->frame);
    mem_free(g->members);
    mem_free(g->acked);
}

static void read_word(struct plan *plan, const char *word)
{
    const char *value;

    if (bench_key(word, "port", &value))
        plan->port = (uint16_t)bench_number(value, 1);
    else if (bench_key(word, "mode", &value))
        plan->is_fetch = strcmp(value, "fetch") == 0;
    else if (bench_key(word, "groups", &value))
        plan->groups = (int)bench_number(value, 1);
    else if (bench_key(word, "members", &value))
        plan->members = (int)bench_number(value, 1);
    else if (bench_key(word, "seconds", &value))
        plan->seconds = bench_number(value, 1);
    else if (bench_key(word, "interval-ms", &value))
        plan->interval_ms = bench_number(value, 1);
    else if (bench_key(word, "acked", &value))
        plan->acked = value;
    else
        bench_fail("unknown word: %s", word);
}

int main(int argc, char **argv)
{
    struct groups g = {.plan = {.groups = 1000, .members = 10, .seconds = 60, .interval_ms = 5000}};

    for (int i = 1; i < argc; i++)
        read_word(&g.plan, argv[i]);
    if (!g.plan.port)
        bench_fail("usage: groups port=P mode=run|fetch ...");
    g.count = g.plan.groups * g.plan.members;
    g.acked = mem_new_array((size_t)g.count, sizeof(*g.acked));
    if (g.plan.is_fetch) {
        keep_acked(&g, true);
        fetch(&g);
    } else {
        open_members(&g);
        run(&g);
        keep_acked(&g, false);
    }
    end(&g);
    return 0;
}
