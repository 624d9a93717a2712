/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/live_settings.h - the settings of a broker as they are now: what it was started
 * with, and over that what clients have set since, for all brokers or for this one.
 *
 *      topic's own  >  this broker's  >  all brokers'  >  file  >  default
 *
 * What clients set is kept in the metadata log, so it holds after a restart.  A shard makes
 * its own copy when an image brings other settings; a key that we do not act on is kept and
 * described all the same.
 *
 * Threading: functions over their arguments only.
 * Errors:    none.
 */

#include "broker/settings.h"
#include "meta/image.h"

/* Kafka's numbers of where a value is from. */
enum setting_origin {
    ORIGIN_TOPIC = 1,
    ORIGIN_BROKER,
    ORIGIN_ALL_BROKERS,
    ORIGIN_FILE,
    ORIGIN_DEFAULT,
    ORIGIN_LOGGER,
    ORIGIN_METRICS,
    ORIGIN_GROUP,
};

enum { SETTING_SOURCES_MAX = 4 };

/* One of the values that a key has, of which the first counts. */
struct setting_source {
    enum setting_origin origin;
    const char *value; /* Borrowed. */
};

/* What clients have set for broker `node_id`, or with -1 for all brokers; may be NULL. */
const struct image_configs *live_settings_of(const struct image *image, int32_t node_id);

/* Fills `out`, which is zeroed, with `file` and what clients have set over it. */
void live_settings_make(const struct settings *file, const struct image *image, int32_t node_id,
                        struct settings *out);

/* Whether the two images hold other settings for the broker. */
bool live_settings_differ(const struct image *a, const struct image *b, int32_t node_id);

/* The values of `key`, strongest first; returns how many. */
size_t live_settings_sources(const struct settings *file, const struct image *image,
                             int32_t node_id, const char *key,
                             struct setting_source out[static SETTING_SOURCES_MAX]);
