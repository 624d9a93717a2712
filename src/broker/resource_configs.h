/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/resource_configs.h - settings of groups and of client metrics subscriptions.
 *
 * Both are kept in the metadata log and described; neither changes anything yet, since the
 * groups that have settings and the telemetry of clients are not served.
 *
 * Threading: functions over their arguments only.
 * Errors:    Kafka's codes, with Kafka's sentences.
 */

#include "base/config.h"
#include "broker/settings.h"
#include "meta/image.h"

/* Bounds of a group's setting, as keys of the broker; NULL: none. */
struct group_bounds {
    const char *lowest, *highest;
};

extern const struct config_table group_config_table;   /* `broker` has the default. */
extern const struct config_table metrics_config_table; /* KIP-714. */

/* Checks a value that is not null for a group: the error code, 0 if it may be. */
NODISCARD int16_t group_config_check(const struct settings *settings, struct slice name,
                                     struct slice value, struct text *why);

/* Checks a value that is not null for a subscription. */
NODISCARD int16_t metrics_config_check(struct slice name, struct slice value, struct text *why);
