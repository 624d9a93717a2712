/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/batch_internal.h - what the files of wire/batch.h share: where the fields of the
 * header are.
 *
 * Threading: constants and pure functions.
 * Errors:    none.
 */

#include "wire/batch.h"

enum batch_field {
    BATCH_AT_BASE_OFFSET = 0,
    BATCH_AT_LENGTH = 8,
    BATCH_AT_EPOCH = BATCH_EPOCH_AT,
    BATCH_AT_MAGIC = 16,
    BATCH_AT_CRC = 17,
    BATCH_AT_ATTRIBUTES = BATCH_CRC_FROM,
    BATCH_AT_LAST_OFFSET_DELTA = 23,
    BATCH_AT_BASE_TIMESTAMP = 27,
    BATCH_AT_MAX_TIMESTAMP = 35,
    BATCH_AT_PRODUCER_ID = 43,
    BATCH_AT_PRODUCER_EPOCH = 51,
    BATCH_AT_BASE_SEQUENCE = 53,
    BATCH_AT_RECORD_COUNT = 57,
};

/* Writes the header of the batch of `header->size` bytes; the records are there already.
 * `header->crc` is not looked at: the right one is written. */
void batch_write_header(uint8_t *batch, const struct batch_header *header);
