/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/recovery.h - after an unclean stop, every log is brought in order before anybody is
 * served.
 *
 * Threading: with no shard running.
 * Errors:    base/err.h.
 */

#include "broker/broker.h"

/* Recovers the log of each partition that there is.  A log that cannot be is reported; its
 * partition answers with an error, and the rest of the node serves.  After a clean stop
 * there is nothing to recover. */
NODISCARD int recovery_run(struct broker *broker);
