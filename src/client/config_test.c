/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config.h"
#include "test/harness/check.h"

static void set(struct client_config *config, const char *key, const char *value)
{
    const struct config_row *row = config_find(&client_config_table, slice_text(key));
    struct text why = {.data = NULL};

    check(row != NULL);
    check_ok(config_set(row, config, slice_text(value), &why));
    check_eq(why.size, 0);
}

static int checked(const struct client_config *config)
{
    struct text why = {.data = NULL};
    int r = client_config_check(config, &why);

    check((r == 0) == (why.size == 0));
    text_fini(&why);
    return r;
}

TEST(client_config, the_defaults_are_good_and_are_kafka_s)
{
    struct client_config config;

    client_config_init(&config);
    check_ok(checked(&config));
    check_text(config.acks, "all");
    check_eq(config.linger_ms, 5);
    check_eq(client_config_producer(&config).acks, -1);
    check(client_config_producer(&config).is_idempotent);
    check(!client_config_consumer(&config).is_read_committed);
    check_text(client_config_cluster(&config, "tool").client_id, "tool");
    client_config_fini(&config);
}

TEST(client_config, who_gives_up_acks_gives_up_idempotence)
{
    struct client_config config;

    client_config_init(&config);
    set(&config, "acks", "1");
    check_ok(checked(&config));
    check_eq(client_config_producer(&config).acks, 1);
    check(!client_config_producer(&config).is_idempotent);
    set(&config, "acks", "0");
    check_eq(client_config_producer(&config).acks, 0);
    set(&config, "enable.idempotence", "true");
    check_eq(checked(&config), CLIENT_CONFIG_E_INVALID);
    set(&config, "acks", "-1");
    check_ok(checked(&config));
    check(client_config_producer(&config).is_idempotent);
    set(&config, "max.in.flight.requests.per.connection", "6");
    check_eq(checked(&config), CLIENT_CONFIG_E_INVALID);
    set(&config, "enable.idempotence", "false");
    check_ok(checked(&config));
    check(!client_config_producer(&config).is_idempotent);
    client_config_fini(&config);
}

TEST(client_config, what_is_not_served_is_refused)
{
    struct client_config config;

    client_config_init(&config);
    set(&config, "security.protocol", "SSL");
    check_eq(checked(&config), CLIENT_CONFIG_E_INVALID);
    client_config_fini(&config);
}

TEST(client_config, keys_reach_the_settings_they_are_for)
{
    struct client_config config;
    struct cluster_settings cluster;
    struct producer_settings producer;
    struct consumer_settings consumer;

    client_config_init(&config);
    set(&config, "bootstrap.servers", "a:1,b:2");
    set(&config, "client.id", "me");
    set(&config, "request.timeout.ms", "1234");
    set(&config, "compression.type", "zstd");
    set(&config, "batch.size", "77");
    set(&config, "auto.offset.reset", "earliest");
    set(&config, "isolation.level", "read_committed");
    cluster = client_config_cluster(&config, "tool");
    producer = client_config_producer(&config);
    consumer = client_config_consumer(&config);
    check_text(cluster.bootstrap, "a:1,b:2");
    check_text(cluster.client_id, "me");
    check(cluster.request_timeout_ms == 1234 && producer.request_timeout_ms == 1234);
    check(consumer.request_timeout_ms == 1234);
    check_eq(producer.codec, compress_find(slice_text("zstd")));
    check_eq(producer.batch_size, 77);
    check_eq(consumer.reset, CONSUMER_RESET_EARLIEST);
    check(consumer.is_read_committed);
    set(&config, "auto.offset.reset", "none");
    check_eq(client_config_consumer(&config).reset, CONSUMER_RESET_NONE);
    client_config_fini(&config);
}
