/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/recover.h - how logs are opened where nobody says what their settings are.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "store/log.h"

/* Kafka's defaults.  Whose settings differ gets indexes that are denser or not as dense. */
extern const struct log_config recover_log_config;

/* The topic id of the metadata log. */
extern const struct uuid recover_metadata_id;
