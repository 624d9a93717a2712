/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/traffic.h"
#include "test/harness/check.h"

static struct uuid topic_of(uint64_t number)
{
    struct uuid id = {.bytes = {0}};

    memcpy(id.bytes, &number, sizeof(number));
    return id;
}

TEST(traffic, without_topics_there_is_only_the_sum)
{
    struct traffic traffic;

    traffic_init(&traffic, false);
    traffic_add(&traffic, topic_of(1), TRAFFIC_BYTES_IN, 5);
    traffic_add(&traffic, topic_of(2), TRAFFIC_BYTES_IN, 6);
    check_eq(traffic.all.of[TRAFFIC_BYTES_IN], 11);
    check_eq(traffic.topics.count, 0);
    check(!traffic_find(&traffic, topic_of(1)));
    traffic_fini(&traffic);
}

PROPERTY(traffic, topics_and_their_sum_agree, 200)
{
    int64_t expected[8][TRAFFIC_KINDS] = {{0}};
    int64_t all[TRAFFIC_KINDS] = {0};
    const enum traffic_kind produced[] = {TRAFFIC_PRODUCE_REQUESTS, TRAFFIC_MESSAGES_IN,
                                          TRAFFIC_BYTES_IN};
    const int64_t of_produced[] = {3, 5, 7};
    struct traffic traffic;

    traffic_init(&traffic, true);
    for (int i = 0; i < 100; i++) {
        uint64_t topic = rng_below(rng, COUNT_OF(expected));
        enum traffic_kind kind = (enum traffic_kind)rng_below(rng, TRAFFIC_KINDS);
        int64_t count = (int64_t)rng_below(rng, 1000);

        if (rng_below(rng, 10) == 0) {
            traffic_forget(&traffic, topic_of(topic));
            memset(expected[topic], 0, sizeof(expected[topic]));
            check(!traffic_find(&traffic, topic_of(topic)));
        }
        traffic_add(&traffic, topic_of(topic), kind, count);
        expected[topic][kind] += count;
        all[kind] += count;
        traffic_add_produced(&traffic, topic_of(topic), count % 3, count % 5, count % 7);
        for (size_t k = 0; k < COUNT_OF(produced); k++) {
            expected[topic][produced[k]] += count % of_produced[k];
            all[produced[k]] += count % of_produced[k];
        }
        check_eq(traffic_find(&traffic, topic_of(topic))->of[kind], expected[topic][kind]);
    }
    for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
        check_eq(traffic.all.of[kind], all[kind]);
    traffic_fini(&traffic);
}
