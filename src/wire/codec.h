/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/codec.h - one interpreter for all messages of the protocol.
 *
 * The tables of a message (wire/message.h) say, for each version, which fields are on
 * the wire.  The functions here follow them: there is no code for a single message.
 *
 *     bytes --codec_decode--> struct fetch_request --codec_encode--> bytes
 *
 * Bounds.  A count is compared with the bytes that are left, each element taking at
 * least its smallest encoding, before anything is allocated; so a decode allocates at
 * most a constant times the size of its input, and asks the arena's budget for it.
 * More than WIRE_ELEMENTS_MAX elements or WIRE_TAGGED_MAX tagged fields are refused,
 * as Kafka 4.4 does.  Unknown tagged fields are skipped and forgotten.
 *
 * Functions recurse as deep as structs nest, at most WIRE_DEPTH_MAX.
 *
 * Threading: pure functions; the arena is the caller's.
 * Errors:    enum codec_outcome.  After a failed decode the struct holds rubbish.
 */

#include "base/arena.h"
#include "base/rng.h"
#include "base/text.h"
#include "wire/message.h"

enum codec_outcome {
    CODEC_E_SHORT = 1, /* The bytes end inside the message. */
    CODEC_E_MALFORMED, /* No message begins like this. */
    CODEC_E_TOO_MANY,  /* More elements, tagged fields or bytes than is allowed. */
    CODEC_E_VERSION,   /* There is no such version, or it cannot say a value that is set. */
    CODEC_E_NO_MEMORY, /* The arena's budget is full. */
    CODEC_E_TRAILING,  /* Bytes are left over; only codec_decode_all() minds. */
};

/* Reads a message into `out`, which has `message->struct_size` bytes.  Strings and
 * bytes are borrowed from `bytes`, arrays are in the arena, which may be NULL if the
 * message has none.  `*out_used` is how many bytes it took; there may be more. */
NODISCARD int codec_decode(const struct wire_message *message, int16_t version, struct slice bytes,
                           struct arena *arena, void *out, size_t *out_used);

/* As codec_decode(), and CODEC_E_TRAILING unless the message takes all bytes. */
NODISCARD int codec_decode_all(const struct wire_message *message, int16_t version,
                               struct slice bytes, struct arena *arena, void *out);

/* Sets every field to its default. */
void codec_defaults(const struct wire_message *message, void *out);

/* Bytes that an encoder left out. */
struct codec_gap {
    size_t at;                          /* Where in `data` the gap's bytes belong. */
    const struct wire_records *records; /* Borrowed from the struct that was encoded. */
};

/* An encoded message.  On the wire are `size` + `gap_bytes` bytes. */
struct codec_output {
    uint8_t *data; /* Arena. */
    size_t size;
    struct codec_gap *gaps; /* Arena; by ascending `at`. */
    size_t gap_count;
    size_t gap_bytes; /* Sum of the gaps' sizes. */
};

/* Writes a message into the arena.  CODEC_E_VERSION if a field that the version lacks
 * is not at its default (unless Kafka's schema calls it ignorable) or a null cannot be
 * said; CODEC_E_TOO_MANY if something is longer than its length can tell. */
NODISCARD int codec_encode(const struct wire_message *message, int16_t version, const void *in,
                           struct arena *arena, struct codec_output *out);

/* As codec_encode(), with `headroom` bytes in front that the caller fills. */
NODISCARD int codec_encode_behind(const struct wire_message *message, int16_t version,
                                  const void *in, size_t headroom, struct arena *arena,
                                  struct codec_output *out);

/* True if the fields that the version has are equal. */
bool codec_equal(const struct wire_message *message, int16_t version, const void *a, const void *b);

/* Hears of a field: its name, how many structs it is inside of, whether it has its default. */
typedef void codec_visit_fn(void *context, const char *name, int depth, bool is_default);

/* For tests: tells of each field that the version has, in the order of the message, a struct
 * before its fields.  What is inside an array comes once for each element; with `in` NULL
 * every field comes just once. */
void codec_visit(const struct wire_message *message, int16_t version, const void *in,
                 codec_visit_fn *visit, void *context);

/* For tests: a random message, of which only fields that the version has differ from
 * their defaults. */
NODISCARD int codec_randomise(const struct wire_message *message, int16_t version, struct rng *rng,
                              struct arena *arena, void *out);
