/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/topic_settings.h - the settings of a topic: topic_config.def over the broker's.
 *
 * Threading: functions over their arguments only.
 * Errors:    enum config_outcome (base/config.h).
 */

#include "base/config.h"
#include "broker/settings.h"
#include "meta/image.h"
#include "replica/partition.h"

struct topic_settings {
#define TOPIC_CONFIG(id, name, TYPE, initial, VALID, FLAGS, broker, about) CONFIG_MEMBER_##TYPE(id)
#include "broker/topic_config.def"
};

extern const struct config_table topic_settings_table;

/* Checks a setting that a client wants for a topic.  CONFIG_E_UNKNOWN or
 * CONFIG_E_INVALID with a sentence in `why`. */
NODISCARD int topic_settings_check(struct slice name, struct slice value, struct text *why);

/* The topic's setting as text: its own value, else the broker's, else the default. */
void topic_settings_value(const struct settings *settings, const struct image_topic *topic,
                          const struct config_row *row, struct text *out);

/* The codec that batches of `topic` are to have; COMPRESS_CODEC_COUNT: their producers'. */
enum compress_codec topic_settings_codec(const struct settings *settings,
                                         const struct image_topic *topic);

/* With which level they are compressed by that codec (KIP-390); 0 if it has none. */
int topic_settings_level(const struct settings *settings, const struct image_topic *topic,
                         enum compress_codec codec);

/* What a partition of `topic` is run with. */
void topic_settings_partition(const struct settings *settings, const struct image_topic *topic,
                              struct partition_config *out);
