/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config.h"
#include "test/harness/check.h"

struct fixture {
    struct client_config config;
    struct text why;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.why = {.data = NULL}};
    client_config_init(&f->config);
}

static int set(struct fixture *f, const char *key, const char *value)
{
    const struct config_row *row = config_find(&client_config_table, slice_text(key));

    check(row);
    return config_set(row, &f->config, slice_text(value), &f->why);
}

static void end(struct fixture *f)
{
    client_config_fini(&f->config);
    text_fini(&f->why);
}

/* The defaults stand twice: for programs with a configuration, and for those without. */
TEST(config, defaults_are_those_of_the_structs)
{
    struct producer_settings producer = producer_settings_defaults();
    struct consumer_settings consumer = consumer_settings_defaults();
    struct cluster_settings cluster = cluster_settings_defaults();
    struct producer_settings p;
    struct consumer_settings c;
    struct cluster_settings k;
    struct fixture f;

    start(&f);
    check_ok(client_config_check(&f.config, &f.why));
    p = client_config_producer(&f.config);
    c = client_config_consumer(&f.config);
    k = client_config_cluster(&f.config, "me");
    check_eq(memcmp(&p, &producer, sizeof(p)), 0);
    check_eq(memcmp(&c, &consumer, sizeof(c)), 0);
    check_text(k.client_id, "me");
    k.client_id = cluster.client_id;
    check_eq(memcmp(&k, &cluster, sizeof(k)), 0);
    end(&f);
}

TEST(config, acks_decide_about_idempotence)
{
    struct fixture f;

    start(&f);
    check_ok(set(&f, "acks", "1"));
    check_ok(client_config_check(&f.config, &f.why));
    check_eq(client_config_producer(&f.config).acks, 1);
    check(!client_config_producer(&f.config).is_idempotent);
    check_ok(set(&f, "enable.idempotence", "true"));
    check_eq(client_config_check(&f.config, &f.why), CLIENT_CONFIG_E_INVALID);
    check_ok(set(&f, "acks", "-1"));
    check_ok(set(&f, "enable.idempotence", "false"));
    check_ok(set(&f, "max.in.flight.requests.per.connection", "100"));
    check_ok(client_config_check(&f.config, &f.why));
    check(!client_config_producer(&f.config).is_idempotent);
    end(&f);
}

TEST(config, more_in_flight_than_brokers_remember_is_refused)
{
    struct fixture f;

    start(&f);
    check_ok(set(&f, "max.in.flight.requests.per.connection", "6"));
    check_eq(client_config_check(&f.config, &f.why), CLIENT_CONFIG_E_INVALID);
    end(&f);
}

TEST(config, words_become_settings)
{
    struct fixture f;

    start(&f);
    check_ok(set(&f, "compression.type", "lz4"));
    check_ok(set(&f, "isolation.level", "read_committed"));
    check_ok(set(&f, "auto.offset.reset", "none"));
    check_ok(set(&f, "client.id", "mine"));
    check_eq(client_config_producer(&f.config).codec, COMPRESS_LZ4);
    check(client_config_consumer(&f.config).is_read_committed);
    check_eq(client_config_consumer(&f.config).reset, CONSUMER_RESET_NONE);
    check_text(client_config_cluster(&f.config, "default").client_id, "mine");
    check_eq(set(&f, "acks", "7"), CONFIG_E_INVALID);
    check_text(f.why.data,
               "Invalid value 7 for configuration acks: String must be one of: all, -1, 0, 1");
    end(&f);
}

TEST(config, what_is_not_served_is_said)
{
    struct fixture f;

    start(&f);
    check_ok(set(&f, "security.protocol", "SSL"));
    check_eq(client_config_check(&f.config, &f.why), CLIENT_CONFIG_E_INVALID);
    end(&f);
}
