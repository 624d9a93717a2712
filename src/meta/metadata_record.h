/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/metadata_record.h - one record of the metadata log, as bytes (KIP-631).
 *
 *      1               2        0          06 6f 72 64 ...
 *      frame version   type     version    the message
 *
 * The types are in meta/records.def.  Which version of a type is written depends on what the
 * cluster has agreed on, so that every node that is in it can read it.
 *
 * Threading: pure functions over the caller's memory.
 * Errors:    enum metadata_record_outcome.
 */

#include "base/arena.h"
#include "wire/features.h"
#include "wire/message.h"

enum metadata_type {
#define METADATA_RECORD(id, number, message, fate) METADATA_##id = (number),
#include "meta/records.def"
};

enum metadata_record_outcome {
    METADATA_RECORD_E_MALFORMED = 1, /* It cannot be read. */
    METADATA_RECORD_E_UNKNOWN,       /* A frame, type or version that we do not know. */
};

/* What becomes of records of a type; see meta/records.def. */
enum metadata_fate { METADATA_APPLIED, METADATA_KEPT, METADATA_REMOVES, METADATA_PASSED };

struct metadata_record {
    enum metadata_type type;
    enum metadata_fate fate;
    int16_t version;
    const struct wire_message *message;
    struct slice body; /* Borrowed: the message. */
};

/* Reads what is in front of the message.  With METADATA_RECORD_E_UNKNOWN `out_number` is the type
 * that the record has, or -1. */
NODISCARD int metadata_record_parse(struct slice bytes, struct metadata_record *out,
                                    int *out_number);

/* What a type is called, for people: register_broker_record; NULL if there is none such. */
const char *metadata_record_name(int number);

/* The version in which a type is written where the features have these levels. */
int16_t metadata_record_version(enum metadata_type type, const int16_t levels[FEATURE_COUNT]);

/* Writes a record into the arena, in the version that is written at these levels; what that
 * cannot say is said in the newest one. */
struct slice metadata_record_encode(struct arena *arena, enum metadata_type type,
                                    const int16_t levels[FEATURE_COUNT], const void *fields);
