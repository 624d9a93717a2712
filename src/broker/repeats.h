/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/repeats.h - which entries of a request name the same thing.
 *
 * A request is a list, but where Kafka reads it as a set, an entry that is there twice
 * counts once or is refused.  The cost is that of the list, however long it is.
 *
 * Threading: the session's shard.
 * Errors:    none.
 */

#include "broker/request.h"

struct repeat {
    bool is_first; /* No entry before it is the same. */
    bool is_alone; /* No other entry is the same. */
};

/* Compares `count` keys; a null one is like no other.  The result is in the request's arena,
 * one for each key. */
const struct repeat *repeats_find(struct request *request, const struct slice *keys, size_t count);
