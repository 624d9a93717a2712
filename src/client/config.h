/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* client/config.h - a client's settings by their public names.
 *
 * The rows are in config.def.  Programs that are configured by files or words keep a
 * struct client_config and turn it into the settings of what they use; others fill those
 * structs themselves.
 *
 * Threading: belongs to its owner.
 * Errors:    config_set() of base/config.h; enum client_config_outcome.
 */

#include "base/config.h"
#include "client/group_consumer.h"
#include "client/producer.h"

struct client_config {
#define CONFIG(id, name, TYPE, initial, VALID, about) CONFIG_MEMBER_##TYPE(id)
#include "client/config.def"
};

extern const struct config_table client_config_table;

enum client_config_outcome {
    CLIENT_CONFIG_E_INVALID = 1, /* A sentence tells why. */
};

/* Sets all members to their defaults. */
void client_config_init(struct client_config *config);
void client_config_fini(struct client_config *config);

/* Checks what concerns several keys. */
NODISCARD int client_config_check(const struct client_config *config, struct text *why);

/* What the keys mean for a cluster; texts are borrowed.  `client_id` where none is set. */
struct cluster_settings client_config_cluster(const struct client_config *config,
                                              const char *client_id);
struct producer_settings client_config_producer(const struct client_config *config);
struct consumer_settings client_config_consumer(const struct client_config *config);
struct group_consumer_settings client_config_group(const struct client_config *config);
