/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/bench/frames.h - the few requests that the benchmark sends, byte by byte.
 *
 * What is measured must not depend on what measures: so nothing here uses the codec of the
 * broker.  All versions are ones from before flexible fields:
 *
 *     CreateTopics 2, DeleteTopics 1, Produce 7, Fetch 11, ListOffsets 1, Metadata 1,
 *     FindCoordinator 1, JoinGroup 3, SyncGroup 1, Heartbeat 1, OffsetCommit 5, OffsetFetch 5
 *
 * Threading: pure functions.
 * Errors:    a reader that ran out of bytes gives zeros and says so in `is_bad`.
 */

#include "base/text.h"

enum {
    FRAME_PRODUCE = 0,
    FRAME_FETCH = 1,
    FRAME_LIST_OFFSETS = 2,
    FRAME_METADATA = 3,
    FRAME_OFFSET_COMMIT = 8,
    FRAME_OFFSET_FETCH = 9,
    FRAME_FIND_COORDINATOR = 10,
    FRAME_JOIN_GROUP = 11,
    FRAME_HEARTBEAT = 12,
    FRAME_SYNC_GROUP = 14,
    FRAME_API_VERSIONS = 18,
    FRAME_CREATE_TOPICS = 19,
    FRAME_DELETE_TOPICS = 20,
    FRAME_PREFIX = 4, /* The size in front of each frame. */
};

/* --- writing ---------------------------------------------------------------- */

/* Adds a number, big endian. */
void put_i8(struct text *out, int8_t value);
/* Likewise. */
void put_i16(struct text *out, int16_t value);
/* Likewise. */
void put_i32(struct text *out, int32_t value);
/* Likewise. */
void put_i64(struct text *out, int64_t value);
/* Adds a string with its size in front. */
void put_string(struct text *out, const char *value);

/* Begins a frame with the header of a request; returns where it is, for frame_end(). */
size_t frame_begin(struct text *out, int16_t key, int16_t version, int32_t correlation);

/* Begins a frame with the header of a response. */
size_t frame_begin_response(struct text *out, int32_t correlation);

/* Fills in the size of the frame that begins at `at`. */
void frame_end(struct text *out, size_t at);

/* A whole request for a topic.  `config` may be NULL, or a name of a setting and a value. */
void frame_create_topic(struct text *out, int32_t correlation, const char *topic,
                        int32_t partitions, const char *const *config);

/* A whole Produce request with one batch for one partition. */
void frame_produce(struct text *out, int32_t correlation, const char *topic, int32_t partition,
                   int16_t acks, struct slice batch);

/* A whole Fetch request for one partition, without a session. */
void frame_fetch(struct text *out, int32_t correlation, const char *topic, int32_t partition,
                 int64_t offset, int32_t bytes_max, int32_t wait_ms);

/* A batch of `count` records of `size` bytes each, which do not compress. */
void batch_make(struct text *out, int32_t count, size_t size);

/* --- reading ---------------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
    bool is_bad; /* More was asked for than there is. */
};

static inline struct reader reader_of(const void *data, size_t size)
{
    return (struct reader){.at = data, .end = (const uint8_t *)data + size};
}

/* The next number. */
int8_t get_i8(struct reader *reader);
/* Likewise. */
int16_t get_i16(struct reader *reader);
/* Likewise. */
int32_t get_i32(struct reader *reader);
/* Likewise. */
int64_t get_i64(struct reader *reader);

/* `size` bytes, or null. */
struct slice get_bytes(struct reader *reader, size_t size);

/* A string; null if its length is -1. */
struct slice get_string(struct reader *reader);

/* The error of the only partition of a Produce 7 response, behind its correlation id. */
int16_t read_produce_error(struct reader *reader);

/* The error of the only partition of a Fetch 11 response; `*out_records` borrows. */
int16_t read_fetch(struct reader *reader, int64_t *out_high_watermark, struct slice *out_records);

/* The first topic's error of a CreateTopics 2 response. */
int16_t read_create_error(struct reader *reader);
