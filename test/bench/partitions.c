/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/partitions.c - many topics of many partitions: made, described, found again, deleted.
 *
 *     partitions port=P mode=create|describe|start|delete [topics=N] [partitions=N]
 *
 * create:   each topic by a request of its own, one behind the other, until all partitions lead;
 *           and then until the end of each is told, since a broker may make a log at its first use.
 * describe: the metadata of all topics, the median of some times.
 * start:    waits until somebody listens, then until the end of each partition of the last topic is
 *           told, then of all; the times are from the start of this program, which is begun with
 *           that of the broker.
 * delete:   each topic by a request of its own, until none is in the metadata.
 *
 * Prints one line of JSON.
 */

#include "test/bench/client.h"
#include "test/bench/frames.h"
#include "test/bench/latencies.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 24, DESCRIBED_TIMES = 5, TIMEOUT_MS = 60000 };

struct partitions {
    uint16_t port;
    const char *mode;
    int topics, each;
    int fd;
    struct text request, response; /* Owned. */
};

static void name_of(int topic, char out[static NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "topic-%d", topic);
}

static double ms_since(int64_t from_ns)
{
    return (double)(bench_now_ns() - from_ns) / 1e6;
}

/* Sends the request; the answer, behind its correlation id. */
static struct reader call(struct partitions *p)
{
    struct reader reader;

    client_call(p->fd, &p->request, &p->response);
    reader = reader_of(p->response.data, p->response.size);
    get_i32(&reader);
    return reader;
}

/* --- metadata --------------------------------------------------------------- */

static void skip_numbers(struct reader *reader)
{
    int32_t count = get_i32(reader);

    for (int32_t i = 0; i < count && !reader->is_bad; i++)
        get_i32(reader);
}

/* How many partitions of a topic have a leader. */
static int read_topic(struct reader *reader)
{
    int32_t count;
    int leading = 0;

    get_i16(reader);
    get_string(reader);
    get_i8(reader); /* Whether it is internal. */
    count = get_i32(reader);
    for (int32_t i = 0; i < count && !reader->is_bad; i++) {
        int16_t error = get_i16(reader);

        get_i32(reader);
        leading += get_i32(reader) >= 0 && error == ERROR_NONE;
        skip_numbers(reader);
        skip_numbers(reader);
    }
    return leading;
}

/* Asks for all topics: how many partitions lead; `*out_topics` is how many topics there are. */
static int count_leading(struct partitions *p, int32_t *out_topics)
{
    struct reader reader;
    size_t at;
    int32_t brokers;
    int leading = 0;

    text_cut(&p->request, 0);
    at = frame_begin(&p->request, FRAME_METADATA, 1, 1);
    put_i32(&p->request, -1);
    frame_end(&p->request, at);
    reader = call(p);
    brokers = get_i32(&reader);
    for (int32_t i = 0; i < brokers && !reader.is_bad; i++) {
        get_i32(&reader);
        get_string(&reader);
        get_i32(&reader);
        get_string(&reader);
    }
    get_i32(&reader); /* The controller. */
    *out_topics = get_i32(&reader);
    for (int32_t i = 0; i < *out_topics && !reader.is_bad; i++)
        leading += read_topic(&reader);
    if (reader.is_bad)
        bench_fail("an answer to Metadata is cut off");
    return leading;
}

static void wait_until_all_lead(struct partitions *p)
{
    int32_t topics;

    while (count_leading(p, &topics) < p->topics * p->each)
        bench_pause();
}

/* --- what is measured ------------------------------------------------------- */

/* Topics are made, or deleted: each a request, which is timed. */
static void change_all(struct partitions *p, bool is_made, struct latencies *out)
{
    for (int i = 0; i < p->topics; i++) {
        int64_t began = bench_now_ns();
        char name[NAME_SIZE];
        struct reader reader;
        int16_t error;

        name_of(i, name);
        text_cut(&p->request, 0);
        if (is_made) {
            frame_create_topic(&p->request, 1, name, p->each, NULL);
            reader = call(p);
        } else {
            size_t at = frame_begin(&p->request, FRAME_DELETE_TOPICS, 1, 1);

            put_i32(&p->request, 1);
            put_string(&p->request, name);
            put_i32(&p->request, TIMEOUT_MS);
            frame_end(&p->request, at);
            reader = call(p);
        }
        error = read_create_error(&reader); /* Of DeleteTopics it stands at the same place. */
        if (error || reader.is_bad)
            bench_fail("topic %s: error %d", name, error);
        latencies_add(out, bench_now_ns() - began);
    }
}

static void print_changes(struct latencies *each, double all_s, double used_s)
{
    size_t n = each->count;
    double first = latencies_mean_ms(each, 0, n / 4);
    double last = latencies_mean_ms(each, n - n / 4, n);

    printf("{\"topics\": %zu, \"seconds\": %.3f, \"used_s\": %.3f, \"first_quarter_ms\": %.2f, "
           "\"last_quarter_ms\": %.2f, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
           n, all_s, used_s, first, last, latencies_us(each, 500) / 1e3,
           latencies_us(each, 990) / 1e3);
}

static void describe(struct partitions *p)
{
    struct latencies times = {.ns = NULL};
    int32_t topics = 0;
    int leading = 0;

    for (int i = 0; i < DESCRIBED_TIMES; i++) {
        int64_t began = bench_now_ns();

        leading = count_leading(p, &topics);
        latencies_add(&times, bench_now_ns() - began);
    }
    printf("{\"topics\": %d, \"partitions\": %d, \"ms\": %.2f, \"bytes\": %zu}\n", topics, leading,
           latencies_us(&times, 500) / 1e3, p->response.size);
    latencies_fini(&times);
}

/* Whether the ends of all partitions of the topic are told. */
static bool tells_ends(struct partitions *p, int topic)
{
    char name[NAME_SIZE];
    struct reader reader;
    size_t at;
    int good = 0;

    name_of(topic, name);
    text_cut(&p->request, 0);
    at = frame_begin(&p->request, FRAME_LIST_OFFSETS, 1, 1);
    put_i32(&p->request, -1);
    put_i32(&p->request, 1);
    put_string(&p->request, name);
    put_i32(&p->request, p->each);
    for (int32_t i = 0; i < p->each; i++) {
        put_i32(&p->request, i);
        put_i64(&p->request, -1); /* The end. */
    }
    frame_end(&p->request, at);
    reader = call(p);
    get_i32(&reader);
    get_string(&reader);
    get_i32(&reader);
    for (int32_t i = 0; i < p->each && !reader.is_bad; i++) {
        get_i32(&reader);
        good += get_i16(&reader) == ERROR_NONE;
        get_i64(&reader);
        get_i64(&reader);
    }
    return good == p->each && !reader.is_bad;
}

static void wait_for_ends(struct partitions *p, int topic)
{
    while (!tells_ends(p, topic))
        bench_pause();
}

static void wait_for_all_ends(struct partitions *p)
{
    for (int i = 0; i < p->topics; i++)
        wait_for_ends(p, i);
}

static void create(struct partitions *p)
{
    struct latencies each = {.ns = NULL};
    int64_t began = bench_now_ns();
    double all_s;

    change_all(p, true, &each);
    wait_until_all_lead(p);
    all_s = ms_since(began) / 1e3;
    wait_for_all_ends(p);
    print_changes(&each, all_s, ms_since(began) / 1e3);
    latencies_fini(&each);
}

static void delete (struct partitions *p)
{
    struct latencies each = {.ns = NULL};
    int64_t began = bench_now_ns();
    int32_t topics;

    change_all(p, false, &each);
    while (count_leading(p, &topics) || topics)
        bench_pause();
    print_changes(&each, ms_since(began) / 1e3, 0);
    latencies_fini(&each);
}

static void start(struct partitions *p, int64_t began)
{
    double listening = ms_since(began);
    double first;

    wait_for_ends(p, p->topics - 1);
    first = ms_since(began);
    wait_for_all_ends(p);
    printf("{\"listening_ms\": %.1f, \"first_ms\": %.1f, \"all_ms\": %.1f}\n", listening, first,
           ms_since(began));
}

static void read_word(struct partitions *p, const char *word)
{
    const char *value;

    if (bench_key(word, "port", &value))
        p->port = (uint16_t)bench_number(value, 1);
    else if (bench_key(word, "mode", &value))
        p->mode = value;
    else if (bench_key(word, "topics", &value))
        p->topics = (int)bench_number(value, 1);
    else if (bench_key(word, "partitions", &value))
        p->each = (int)bench_number(value, 1);
    else
        bench_fail("unknown word: %s", word);
}

int main(int argc, char **argv)
{
    struct partitions p = {.mode = "", .topics = 400, .each = 100};
    int64_t began = bench_now_ns();

    for (int i = 1; i < argc; i++)
        read_word(&p, argv[i]);
    if (!p.port)
        bench_fail("usage: partitions port=P mode=create|describe|start|delete ...");
    p.fd = client_connect_when_ready(p.port);
    if (strcmp(p.mode, "create") == 0)
        create(&p);
    else if (strcmp(p.mode, "describe") == 0)
        describe(&p);
    else if (strcmp(p.mode, "start") == 0)
        start(&p, began);
    else if (strcmp(p.mode, "delete") == 0)
        delete (&p);
    else
        bench_fail("mode is create, describe, start or delete");
    close(p.fd);
    text_fini(&p.request);
    text_fini(&p.response);
    return 0;
}
