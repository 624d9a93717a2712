/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/welcome.h - what somebody at a shell is told when a broker runs.
 *
 * Threading: the shard that has started it.
 * Errors:    none.
 */

#include "broker/broker.h"

/* Prints where it listens, where its data is, and what to type next. */
void welcome_print(struct broker *broker, void *context);
