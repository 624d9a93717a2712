/* SPDX-License-Identifier: Apache-2.0 */
#include "client/config.h"

#include <string.h>

enum {
    IN_FLIGHT_MAX = 5, /* Of an idempotent producer: what brokers remember. */
    LEAVE_TIMEOUT_MS = 5000,
};

#define ANY .choices = NULL
#define RANGE(low, high) .min = (low), .max = (high)
#define CHOICE(list) .choices = (list)

static const struct config_row rows[] = {
#define CONFIG(id, key, TYPE, dflt, VALID, text)                                                   \
    {.name = key,                                                                                  \
     .type = CONFIG_##TYPE,                                                                        \
     .initial = dflt,                                                                              \
     VALID,                                                                                        \
     .about = text,                                                                                \
     .offset = offsetof(struct client_config, id)},
#include "client/config.def"
};

const struct config_table client_config_table = {.rows = rows, .count = COUNT_OF(rows)};

void client_config_init(struct client_config *config)
{
    memset(config, 0, sizeof(*config));
    config_defaults(&client_config_table, config);
}

void client_config_fini(struct client_config *config)
{
    config_fini(&client_config_table, config);
}

static bool acks_are_all(const struct client_config *config)
{
    return strcmp(config->acks, "all") == 0 || strcmp(config->acks, "-1") == 0;
}

static bool wants_idempotence(const struct client_config *config)
{
    return config->enable_idempotence && strcmp(config->enable_idempotence, "true") == 0;
}

/* Reads the list of assignors; false: one of them is not served, and stands in `*bad`. */
static bool read_assignors(const char *list, struct group_consumer_settings *out, struct slice *bad)
{
    while (*list) {
        size_t size;
        enum assignor assignor;

        list += strspn(list, " ,");
        size = strcspn(list, " ,");
        assignor = assignor_find(slice_of(list, size));
        if (size > 0 && assignor == ASSIGNOR_COUNT) {
            *bad = slice_of(list, size);
            return false;
        }
        for (size_t i = 0; i < out->assignor_count; i++)
            if (out->assignors[i] == assignor)
                size = 0; /* It is there already. */
        if (size > 0)
            out->assignors[out->assignor_count++] = assignor;
        list += strcspn(list, " ,");
    }
    return true;
}

int client_config_check(const struct client_config *config, struct text *why)
{
    bool is_idempotent =
        wants_idempotence(config) || (!config->enable_idempotence && acks_are_all(config));
    struct group_consumer_settings group = {.assignor_count = 0};
    struct slice bad;

    if (strcmp(config->security_protocol, "PLAINTEXT") != 0)
        text_printf(why, "security.protocol %s is not served yet, only PLAINTEXT",
                    config->security_protocol);
    else if (wants_idempotence(config) && !acks_are_all(config))
        text_printf(why, "Must set acks to all in order to use the idempotent producer. Otherwise "
                         "we cannot guarantee idempotence.");
    else if (is_idempotent && config->max_in_flight > IN_FLIGHT_MAX)
        text_printf(why,
                    "To use the idempotent producer, max.in.flight.requests.per.connection must "
                    "be set to at most 5. Current value is %d.",
                    (int)config->max_in_flight);
    else if (!read_assignors(config->partition_assignment_strategy, &group, &bad))
        text_printf(why,
                    "partition.assignment.strategy %.*s is not served, only RangeAssignor and "
                    "RoundRobinAssignor",
                    SLICE_ARG(bad));
    else if (config->group_id && config->heartbeat_interval_ms >= config->session_timeout_ms)
        text_printf(why, "Heartbeat must be set lower than the session timeout");
    else
        return 0;
    return CLIENT_CONFIG_E_INVALID;
}

struct cluster_settings client_config_cluster(const struct client_config *config,
                                              const char *client_id)
{
    struct cluster_settings settings = cluster_settings_defaults();

    settings.bootstrap = config->bootstrap_servers;
    settings.client_id = config->client_id && *config->client_id ? config->client_id : client_id;
    settings.request_timeout_ms = config->request_timeout_ms;
    settings.call_timeout_ms = config->default_api_timeout_ms;
    settings.connect_timeout_ms = config->socket_connection_setup_timeout_ms;
    settings.reconnect_backoff_ms = config->reconnect_backoff_ms;
    settings.reconnect_backoff_max_ms = config->reconnect_backoff_max_ms;
    settings.retry_backoff_ms = config->retry_backoff_ms;
    settings.retry_backoff_max_ms = config->retry_backoff_max_ms;
    settings.metadata_max_age_ms = config->metadata_max_age_ms;
    settings.allow_auto_create = config->allow_auto_create_topics;
    return settings;
}

struct producer_settings client_config_producer(const struct client_config *config)
{
    struct producer_settings settings = producer_settings_defaults();

    settings.acks = acks_are_all(config) ? -1 : strcmp(config->acks, "0") == 0 ? 0 : 1;
    settings.is_idempotent =
        config->enable_idempotence ? wants_idempotence(config) : acks_are_all(config);
    settings.codec = compress_find(slice_text(config->compression_type));
    settings.linger_ms = config->linger_ms;
    settings.delivery_timeout_ms = config->delivery_timeout_ms;
    settings.max_block_ms = config->max_block_ms;
    settings.request_timeout_ms = config->request_timeout_ms;
    settings.retry_backoff_ms = config->retry_backoff_ms;
    settings.retry_backoff_max_ms = config->retry_backoff_max_ms;
    settings.retries = config->retries;
    settings.batch_size = (size_t)config->batch_size;
    settings.buffer_memory = (size_t)config->buffer_memory;
    settings.request_size_max = (size_t)config->max_request_size;
    settings.max_in_flight = (int)config->max_in_flight;
    return settings;
}

static enum consumer_reset reset_of(const struct client_config *config)
{
    const char *reset = config->auto_offset_reset ? config->auto_offset_reset : "latest";

    return strcmp(reset, "earliest") == 0 ? CONSUMER_RESET_EARLIEST
           : strcmp(reset, "latest") == 0 ? CONSUMER_RESET_LATEST
                                          : CONSUMER_RESET_NONE;
}

struct group_consumer_settings client_config_group(const struct client_config *config)
{
    struct group_consumer_settings settings = {
        .member = {.group = config->group_id,
                   .instance = config->group_instance_id,
                   .session_timeout_ms = (int32_t)config->session_timeout_ms,
                   .rebalance_timeout_ms = (int32_t)config->max_poll_interval_ms,
                   .heartbeat_interval_ms = config->heartbeat_interval_ms,
                   .retry_backoff_ms = config->retry_backoff_ms,
                   .retry_backoff_max_ms = config->retry_backoff_max_ms,
                   .leave_timeout_ms = LEAVE_TIMEOUT_MS},
        .commits = config->enable_auto_commit,
        .commit_interval_ms = config->auto_commit_interval_ms,
        .reset = reset_of(config),
    };
    struct slice bad;

    if (!read_assignors(config->partition_assignment_strategy, &settings, &bad))
        settings.assignor_count = 0; /* client_config_check() has told of it. */
    return settings;
}

struct consumer_settings client_config_consumer(const struct client_config *config)
{
    struct consumer_settings settings = consumer_settings_defaults();

    settings.max_wait_ms = (int32_t)config->fetch_max_wait_ms;
    settings.min_bytes = (int32_t)config->fetch_min_bytes;
    settings.max_bytes = (int32_t)config->fetch_max_bytes;
    settings.partition_max_bytes = (int32_t)config->max_partition_fetch_bytes;
    settings.request_timeout_ms = config->request_timeout_ms;
    settings.retry_backoff_ms = config->retry_backoff_ms;
    settings.retry_backoff_max_ms = config->retry_backoff_max_ms;
    settings.reset = reset_of(config);
    settings.is_read_committed = strcmp(config->isolation_level, "read_committed") == 0;
    settings.check_crcs = config->check_crcs;
    return settings;
}
