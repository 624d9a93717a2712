/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/codec_json.h - messages as JSON, the way Kafka's own tools print and read them.
 *
 *     {"timeoutMs":1500,"topics":[{"name":"a","partitions":[{"index":3,"records":"AAA="}]}]}
 *
 * Names are the schema's in camel case, ids have their usual text, bytes are base64, and a
 * tagged field is left out where it has its default.  Numbers that JSON lacks are the
 * strings "NaN", "Infinity" and "-Infinity".
 *
 * The reader takes members in any order, and names in snake case too.  What is left out
 * has its default; what the version does not know is a mistake.
 *
 * Threading: pure functions; the arena is the caller's.
 * Errors:    enum codec_outcome, with the words for people in struct codec_mistake.
 */

#include "wire/codec.h"

enum {
    CODEC_JSON_SIZES = 1, /* Print how many bytes of records there are, not the bytes. */
};

/* Adds the fields that the version has, as one line. */
void codec_print(const struct wire_message *message, int16_t version, const void *in,
                 unsigned flags, struct text *out);

/* What is wrong with a text. */
struct codec_mistake {
    int line;        /* From 1. */
    char where[120]; /* `topics.partitions.index`; "" is the message itself. */
    const char *why; /* Constant. */
};

/* Reads a message into `out`, which has `message->struct_size` bytes; all that it points to
 * is in the arena.  CODEC_E_MALFORMED for a mistake, which `*out_mistake` then tells. */
NODISCARD int codec_parse(const struct wire_message *message, int16_t version, struct slice text,
                          struct arena *arena, void *out, struct codec_mistake *out_mistake);
