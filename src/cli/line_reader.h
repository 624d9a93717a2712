/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/line_reader.h - a line of text becomes a record, as Kafka's LineMessageReader does.
 *
 *     header:value,header:value <headers.delimiter> key <key.separator> value
 *
 * Headers and key are there only if they are to be parsed.  A field that equals the null
 * marker is null.  Bytes are taken as they are; they need not be UTF-8.
 *
 * Threading: one thread.
 * Errors:    enum line_reader_outcome, with Kafka's sentence.
 */

#include "base/text.h"
#include "client/producer.h"

struct line_reader {
    bool parse_key, parse_headers, ignore_error;
    char *key_separator, *headers_delimiter; /* Owned. */
    char *headers_separator, *headers_key_separator;
    char *null_marker;             /* Owned, or NULL. */
    struct record_header *headers; /* Owned: of the last line. */
    size_t header_count, header_capacity;
    int64_t line_number;
};

enum line_reader_outcome {
    LINE_READER_E_INVALID = 1, /* A sentence tells why. */
};

/* A reader with Kafka's separators that parses neither keys nor headers. */
void line_reader_init(struct line_reader *reader);

/* Frees what it owns. */
void line_reader_fini(struct line_reader *reader);

/* Sets one property; one that is not known changes nothing. */
void line_reader_set(struct line_reader *reader, struct slice key, struct slice value);

/* Checks that the separators can be told apart. */
NODISCARD int line_reader_check(const struct line_reader *reader, struct text *why);

/* Reads `line`, without its end, into `record`, whose topic is left alone.  Its slices
 * borrow from the line and the reader, until the next call. */
NODISCARD int line_reader_parse(struct line_reader *reader, struct slice line,
                                struct producer_record *record, struct text *why);

/* The length of the first line of `bytes` and of its end (\n, \r\n or \r) in `*out_end`; -1
 * if it has no end yet.  A \r at the very end may be half of one: `is_last` says that
 * nothing follows. */
int64_t line_reader_split(struct slice bytes, bool is_last, size_t *out_end);
