/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/record.h - records that follow from a number.
 *
 * Key, value, headers and time of a record are functions of its value number, which is in
 * the first bytes of the value.  So whoever reads a record can tell whether all of it is as
 * it was written, and nobody has to remember.
 *
 * Threading: pure functions.
 * Errors:    a record that is not as it should be is HISTORY_GARBAGE.
 */

#include "test/sim/history.h"
#include "wire/batch.h"

/* Records of values with this bit are for compacted topics: they have keys, and few of them. */
#define RECORD_KEYED (UINT64_C(1) << 62)

/* The key of such a value, as a number. */
uint64_t record_key(uint64_t value);

/* Adds the record of a value number to a batch. */
void record_add(struct batch_builder *builder, uint64_t value);

/* The number of a record that was read, or HISTORY_GARBAGE.  Its time is its writer's unless
 * `is_append_time`. */
uint64_t record_value(const struct record *record, bool is_append_time);
