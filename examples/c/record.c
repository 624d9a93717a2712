/* SPDX-License-Identifier: Apache-2.0 */

/* examples/c/record.c - a broker in this process, one record in and out of it by librdkafka, a
 * reset, and how long all that took.
 *
 *     cc record.c $(pkg-config --cflags --libs moldau rdkafka) -o record && ./record
 */

#include <librdkafka/rdkafka.h>
#include <moldau.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 10000 };

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Called on the broker's threads. */
static void on_log(void *context, int level, const char *line)
{
    (void)context;
    if (level <= MOLDAU_LOG_WARN)
        fprintf(stderr, "%s\n", line);
}

static void on_bug(void *context, const char *what)
{
    (void)context;
    fprintf(stderr, "the broker is dead, and this program is not: %s\n", what);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *bootstrap)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512];
    rd_kafka_t *rk;

    if (rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, why, sizeof(why)))
        fail("bootstrap.servers", why);
    if (type == RD_KAFKA_CONSUMER && rd_kafka_conf_set(conf, "group.id", "g", why, sizeof(why)))
        fail("group.id", why);
    rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!rk)
        fail("rd_kafka_new", why);
    return rk;
}

static void produce(const char *bootstrap, const char *text)
{
    rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, bootstrap);
    rd_kafka_resp_err_t err =
        rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("hello"), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_VALUE((void *)(size_t)text, strlen(text)),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        err = rd_kafka_flush(rk, WAIT_MS);
    if (err)
        fail("produce", rd_kafka_err2str(err));
    rd_kafka_destroy(rk);
}

static void consume(const char *bootstrap, const char *expected)
{
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, bootstrap);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_message_t *message;

    rd_kafka_topic_partition_list_add(parts, "hello", 0)->offset = 0;
    rd_kafka_assign(rk, parts);
    message = rd_kafka_consumer_poll(rk, WAIT_MS);
    if (!message || message->err)
        fail("consume", message ? rd_kafka_message_errstr(message) : "no record came");
    if (message->len != strlen(expected) || memcmp(message->payload, expected, message->len) != 0)
        fail("consume", "it is another record");
    rd_kafka_message_destroy(message);
    rd_kafka_topic_partition_list_destroy(parts);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

int main(void)
{
    static const char *const overrides[] = {"num.partitions=3", NULL};
    struct moldau_options options = {
        .size = sizeof(options), .overrides = overrides, .log = on_log, .bug = on_bug};
    struct moldau *broker;
    char why[MOLDAU_TEXT_MAX];
    double began = now_ms(), started, reset, stopped;

    if (moldau_start(&options, &broker, why))
        fail("moldau_start", why);
    started = now_ms();
    printf("Moldau %s at %s\n", moldau_version(), moldau_bootstrap(broker));
    produce(moldau_bootstrap(broker), "the first record");
    consume(moldau_bootstrap(broker), "the first record");

    reset = now_ms();
    if (moldau_reset(broker, why))
        fail("moldau_reset", why);
    reset = now_ms() - reset;
    produce(moldau_bootstrap(broker), "the first record after the reset");
    consume(moldau_bootstrap(broker), "the first record after the reset");

    stopped = now_ms();
    if (moldau_stop(broker, why))
        fail("moldau_stop", why);
    printf("start %.1f ms, reset %.1f ms, stop %.1f ms\n", started - began, reset,
           now_ms() - stopped);
    return 0;
}
