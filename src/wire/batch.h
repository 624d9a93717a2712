/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/batch.h - record batches of format 2: what Produce carries, what logs hold and
 * what Fetch returns, byte for byte the same (KIP-98).
 *
 *      0          8        12            16      17    21 ...                57       61
 *      base_offset length   leader_epoch  magic   crc   attributes ... counts  count    records
 *                 '-- `length` bytes follow --'         '-- what the CRC covers ------------->'
 *
 * Offset and leader epoch lie before what the CRC covers, so that the broker writes both
 * into a batch without touching the rest.  Records are one run of bytes, compressed as a
 * whole if the attributes name a codec.
 *
 * Threading: pure functions over the caller's memory.
 * Errors:    enum batch_outcome.  Outputs are written only on success.
 */

#include "base/arena.h"
#include "base/text.h"
#include "wire/compress.h"

enum {
    BATCH_HEADER_SIZE = 61,
    BATCH_PREFIX_SIZE = 12, /* Offset and length: in front of what `length` counts. */
    BATCH_EPOCH_AT = 12,    /* Where the leader epoch is. */
    BATCH_CRC_FROM = 21,    /* The first byte that the CRC covers. */
    BATCH_MAGIC = 2,
    BATCH_NO_TIMESTAMP = -1,
};

/* Compressed records of a producer become at most BATCH_DECODED_MIN bytes, or
 * BATCH_DECODED_RATIO times what they are if that is more; the rest would only keep the
 * thread busy. */
enum { BATCH_DECODED_MIN = 64 << 20, BATCH_DECODED_RATIO = 256 };

/* Bits of `attributes`. */
enum batch_attribute {
    BATCH_CODEC_MASK = 0x07, /* enum compress_codec */
    BATCH_IS_APPEND_TIME = 0x08,
    BATCH_IS_TRANSACTIONAL = 0x10,
    BATCH_IS_CONTROL = 0x20,
    BATCH_HAS_DELETE_HORIZON = 0x40,
};

struct batch_header {
    size_t size; /* Of the whole batch, in bytes: `length` and what is before it. */
    int64_t base_offset;
    int32_t leader_epoch;
    uint32_t crc;
    uint16_t attributes; /* enum batch_attribute */
    int32_t last_offset_delta;
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id; /* -1: not idempotent. */
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;
};

enum batch_outcome {
    BATCH_E_SHORT = 1,  /* The bytes end inside the header, or inside the batch. */
    BATCH_E_MALFORMED,  /* A length, count or format that no batch has. */
    BATCH_E_MAGIC,      /* Format 0 or 1, of before Kafka 0.11: wire/old_message.h. */
    BATCH_E_CRC,        /* The checksum does not fit. */
    BATCH_E_RECORD,     /* Records that do not parse or do not fit the header, or a batch
                           that producers may not send. */
    BATCH_E_TIMESTAMP,  /* A time outside of what the topic allows. */
    BATCH_E_CODEC,      /* A codec that is not one of Kafka's. */
    BATCH_E_COMPRESSED, /* The compressed records cannot be decoded. */
    BATCH_E_NO_MEMORY,  /* The records become more than is allowed, or decoding needs more. */
};

/* Reads the header of the batch at the start of `bytes`, which need hold no more than
 * the header.  BATCH_E_SHORT, BATCH_E_MAGIC, or BATCH_E_MALFORMED if the length is too
 * small for a header.  Nothing else is checked. */
NODISCARD int batch_parse(struct slice bytes, struct batch_header *out);

/* The offset of the last record. */
static inline int64_t batch_last_offset(const struct batch_header *header)
{
    return header->base_offset + header->last_offset_delta;
}

/* The codec of the records; what is not one of Kafka's is COMPRESS_CODEC_COUNT or above. */
static inline unsigned batch_codec(const struct batch_header *header)
{
    return header->attributes & BATCH_CODEC_MASK;
}

static inline bool batch_is_control(const struct batch_header *header)
{
    return header->attributes & BATCH_IS_CONTROL;
}

static inline bool batch_is_transactional(const struct batch_header *header)
{
    return header->attributes & BATCH_IS_TRANSACTIONAL;
}

/* True if the checksum of the whole batch `bytes` is right. */
bool batch_crc_is_good(struct slice bytes);

/* What a producer's batch is held to. */
struct batch_rules {
    int64_t now_ms; /* Unix time, for the bounds that follow. */
    int64_t timestamp_before_max_ms, timestamp_after_max_ms;
    bool is_append_time;          /* The broker sets the time: the producer's is not looked at. */
    bool needs_keys;              /* The topic is compacted: a record without a key is refused. */
    int32_t record_max;           /* Of a compressed record, in bytes behind its length; 0: any. */
    struct inflater_cache *cache; /* Borrowed, or NULL: where decoders are kept. */
};

/* Checks one whole batch of a producer as Kafka's LogValidator does: checksum, attributes
 * (no control batch, no append time, no unknown codec), base offset 0, counts and offset
 * deltas (0, 1, 2 ... without a hole; record_count = last_offset_delta + 1), base_sequence
 * >= 0 if there is a producer id, every record's lengths, headers, key and time, inside
 * compressed batches too.  Compressed records are decoded in pieces through a window of
 * bounded size, whatever they claim to become.  Where it is stricter than Kafka is told in
 * batch_check.c.
 *
 * `header` is batch_parse()'s of the same bytes, which are all of the batch.  Producers may
 * send a wrong max_timestamp (Kafka mends it): afterwards it is the latest time of a record
 * (or -1) in `header`, and batch_set_max_timestamp() brings it into the batch. */
NODISCARD int batch_check(struct slice bytes, struct batch_header *header,
                          const struct batch_rules *rules);

/* Why a record makes its batch be refused. */
enum batch_fault_kind {
    BATCH_FAULT_NO_KEY = 1,  /* The topic is compacted. */
    BATCH_FAULT_TIME,        /* A time outside of what the topic allows. */
    BATCH_FAULT_APPEND_TIME, /* The producer says that the time is the broker's. */
};

/* A record at fault. */
struct batch_fault {
    int kind;      /* enum batch_fault_kind */
    int32_t index; /* Which record of the batch. */
    int32_t offset_delta;
    int64_t time_ms;
    int32_t key_size, value_size; /* -1: null. */
};

/* Who hears of them. */
struct batch_faults {
    void (*tell)(struct batch_faults *faults, const struct batch_fault *fault);
};

/* Reads a whole batch that batch_check() has refused once more, and tells of every record at
 * fault.  Where it is something else that is wrong (but offset deltas) that is the outcome, and
 * what was told does not count: the batch is refused for that. */
NODISCARD int batch_find_faults(struct slice bytes, const struct batch_rules *rules,
                                struct batch_faults *faults);

/* Writes what the log decides: the offset of the first record and the leader's epoch. */
void batch_set_place(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);

/* Makes it a batch of LogAppendTime: attribute bit, max_timestamp, and the checksum again. */
void batch_set_append_time(uint8_t *batch, size_t size, int64_t time_ms);

/* Sets max_timestamp, and the checksum again if it was another. */
void batch_set_max_timestamp(uint8_t *batch, size_t size, int64_t time_ms);

/* --- records ---------------------------------------------------------------- */

struct record_header {
    struct slice key, value; /* Borrowed; only the value may be null. */
};

struct record {
    int64_t offset;
    int64_t timestamp;       /* Of LogAppendTime batches: the batch's max_timestamp. */
    struct slice key, value; /* Borrowed from the records; may be null. */
    struct slice headers;    /* Borrowed: the encoded headers, for record_next_header(). */
    int32_t header_count;
};

/* Walks the records of a batch. */
struct batch_reader {
    struct batch_header header;
    struct slice rest;    /* Records that are not read yet. */
    struct text *scratch; /* Borrowed: holds what was decompressed. */
    int32_t left;
};

/* Begins to read the batch at the start of `bytes`, which holds all of it.  Compressed
 * records are decoded into `scratch` (which is emptied first), at most `decoded_max`
 * bytes; the records borrow from `bytes` or from `scratch`.  `cache` may be NULL. */
NODISCARD int batch_reader_open(struct batch_reader *reader, struct slice bytes,
                                struct text *scratch, struct inflater_cache *cache,
                                size_t decoded_max);

/* The next record; `*out_end` is true instead when there is none. */
NODISCARD int batch_reader_next(struct batch_reader *reader, struct record *out, bool *out_end);

/* Takes the next header off `*headers`, of which there are record.header_count. */
NODISCARD int record_next_header(struct slice *headers, struct record_header *out);

/* --- making batches --------------------------------------------------------- */

/* A batch being put together. */
struct batch_builder {
    struct text records; /* Owned: records, encoded. */
    int32_t count;
    int64_t base_timestamp, max_timestamp;
    int64_t producer_id;    /* The caller's to set after init; -1 if there is none. */
    int16_t producer_epoch; /* Likewise, as the two that follow. */
    int32_t base_sequence;
    uint16_t attributes;          /* Without the codec. */
    struct deflater_cache *cache; /* Borrowed, or NULL: where encoders are kept. */
};

/* An empty batch without a producer. */
void batch_builder_init(struct batch_builder *builder);

/* Frees what it holds. */
void batch_builder_fini(struct batch_builder *builder);

/* Adds a record; `headers` are `header_count` of them. */
void batch_builder_add(struct batch_builder *builder, int64_t timestamp, struct slice key,
                       struct slice value, const struct record_header *headers,
                       size_t header_count);

/* Bytes that the batch has so far, before compression. */
size_t batch_builder_size(const struct batch_builder *builder);

/* Adds the whole batch, with base offset `base_offset` and leader epoch `leader_epoch`
 * (-1 for a producer), to `out`, and empties the builder (what the caller set stays).
 * BATCH_E_COMPRESSED if the codec fails. */
NODISCARD int batch_builder_finish(struct batch_builder *builder, enum compress_codec codec,
                                   int64_t base_offset, int32_t leader_epoch, struct text *out);

/* --- making batches smaller -------------------------------------------------- */

/* What is to be left of a batch.  Zeroed before its first use; may be used again. */
struct batch_rewrite {
    struct batch_header header;   /* Of what comes of it: complete behind batch_rewrite_finish(). */
    int64_t old_max_timestamp;    /* The batch's own. */
    struct text records;          /* Owned: those that stay, encoded. */
    bool has_base;                /* header.base_timestamp is the one to be. */
    struct deflater_cache *cache; /* Borrowed, or NULL; the caller's to set. */
};

/* Begins with none of the records of the batch of `header`.  `delete_horizon` (Unix time in ms)
 * is noted in it (KIP-534); -1: none, or the one that it has. */
void batch_rewrite_begin(struct batch_rewrite *rewrite, const struct batch_header *header,
                         int64_t delete_horizon);

/* A record of the batch stays: they come in order. */
void batch_rewrite_add(struct batch_rewrite *rewrite, const struct record *record);

/* Adds the batch to `out`, with the offsets, the producer and the sequence that it had; without a
 * record it is a header alone.  BATCH_E_COMPRESSED if the codec fails. */
NODISCARD int batch_rewrite_finish(struct batch_rewrite *rewrite, struct text *out);

/* Frees what it holds. */
void batch_rewrite_fini(struct batch_rewrite *rewrite);

/* Adds the batch of a producer to `out`, with its records compressed by `codec`; all else of it
 * stays.  It is checked first, as batch_check() does, but for keys and times.  The caches may be
 * NULL.  BATCH_E_NO_MEMORY if the records become more than `decoded_max` bytes. */
NODISCARD int batch_recompress(struct slice bytes, enum compress_codec codec, size_t decoded_max,
                               struct inflater_cache *inflaters, struct deflater_cache *deflaters,
                               struct text *out);
