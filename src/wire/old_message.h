/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/old_message.h - messages of formats 0 and 1, which clients of before Kafka 0.11 send
 * and read.
 *
 *      0        8      12     16      17           18            26 (18 in format 0)
 *      offset   size   crc    magic   attributes   [timestamp]   key   value
 *               '-------- `size` bytes follow -------------------------->
 *                             '-- what the CRC-32 covers ---------------->
 *
 * A set of messages is one behind the other; what answers bring may end inside the last.
 * Compressed messages are such a set, as the value of a wrapper that has the offset and the
 * latest time of them:
 *
 *      5 | gzip | [ 0 | a ][ 1 | b ][ 2 | c ]     format 1: the messages 3, 4 and 5
 *      5 | gzip | [ 3 | a ][ 4 | b ][ 5 | c ]     format 0
 *
 * Logs hold batches of format 2 only (wire/batch.h): old_to_batch() and old_from_batches()
 * stand between them and these clients.
 *
 * Threading: pure functions over the caller's memory.
 * Errors:    enum batch_outcome.  Outputs are written only on success, but where said.
 */

#include "wire/batch.h"

enum {
    OLD_MAGIC_MAX = 1,
    OLD_MAGIC_AT = 16,          /* Where messages have their format, and batches too. */
    OLD_DECODED_MAX = 64 << 20, /* What one wrapper, or one batch for these clients, becomes. */
};

struct old_message {
    int64_t offset;
    int64_t timestamp; /* BATCH_NO_TIMESTAMP in format 0. */
    uint8_t magic;
    uint8_t attributes;      /* Codec, and BATCH_IS_APPEND_TIME in format 1. */
    struct slice key, value; /* Borrowed; may be null. */
    size_t size;             /* Of the whole message, as it was read. */
};

/* False if a batch of format 2 begins there. */
static inline bool old_is_set(struct slice bytes)
{
    return bytes.size <= OLD_MAGIC_AT || bytes.data[OLD_MAGIC_AT] != BATCH_MAGIC;
}

/* Reads the message at the start of `bytes`, checksum and all.  BATCH_E_SHORT if it is cut
 * off, BATCH_E_MAGIC if it is a batch of format 2. */
NODISCARD int old_message_parse(struct slice bytes, struct old_message *out);

/* Adds a message to `out`; `size` is not looked at. */
void old_message_add(struct text *out, const struct old_message *message);

/* Walks the messages of a set, wrapped ones too. */
struct old_reader {
    struct slice rest;            /* Not read yet; in the end a part of a message, or nothing. */
    struct text *scratch;         /* Borrowed: holds what was decompressed. */
    struct inflater_cache *cache; /* Borrowed, or NULL. */
    struct slice inside;          /* Not read yet, of the wrapper that is open. */
    struct old_message wrapper;
    int64_t base;         /* What offsets inside of it are relative to. */
    bool has_cut_wrapper; /* One has ended inside a message: what is cut is left out. */
};

/* Begins to read the set in `bytes`.  Wrappers are decoded into `scratch`, one at a time,
 * and become at most OLD_DECODED_MAX bytes. */
void old_reader_init(struct old_reader *reader, struct slice bytes, struct text *scratch,
                     struct inflater_cache *cache);

/* The next record, which borrows from the set or from `scratch` and has no headers;
 * `*out_end` is true instead when there is none. */
NODISCARD int old_reader_next(struct old_reader *reader, struct record *out, bool *out_end);

/* Makes one batch of a producer's whole set, as Kafka 3.9 does, with base offset 0 and the
 * set's codec, and adds it to `out`; batch_check() is still to come.  Nothing is added if
 * the set is empty.  The messages are all of one format and plain, or one wrapper.  Where it
 * is stricter than Kafka is told in old_convert.c. */
NODISCARD int old_to_batch(struct slice set, struct inflater_cache *cache, struct text *out);

/* What old clients ask for. */
struct old_wish {
    uint8_t magic;                /* The latest format that they know: 0 or 1. */
    int64_t from;                 /* First offset wanted: what is before it may be left out. */
    size_t size_max;              /* No further batch is begun behind so many bytes. */
    struct inflater_cache *cache; /* Borrowed, or NULL. */
};

/* Makes messages of the whole batches in `set`, and adds them to `out`; a part of a batch at
 * the end is left out, and so are control batches.  If a batch cannot be converted, what is
 * before it is the result; if there is nothing before it, its outcome: BATCH_E_CODEC for
 * zstd, which these clients do not know. */
NODISCARD int old_from_batches(struct slice set, const struct old_wish *wish, struct text *out);
