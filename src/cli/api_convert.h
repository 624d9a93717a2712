/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/api_convert.h - messages of the protocol from bytes to JSON and back, for `moldau api`.
 *
 *     [i32 size] [header] body     <->     {"header":{...},"body":{...}}, or the body alone
 *
 * Threading: pure functions.
 * Errors:    enum api_convert_outcome with a sentence.
 */

#include "base/text.h"
#include "wire/codec_json.h"

/* What the bytes are. */
struct api_form {
    const struct wire_message *message;
    int16_t version;
    const struct wire_message *header; /* NULL: there is none. */
    int16_t header_version;
    int16_t key;   /* Of a request with a header. */
    bool has_size; /* In front of the header. */
};

/* What a person asks for. */
struct api_wish {
    const char *name;    /* An API by key or name, or a message by name. */
    const char *version; /* A number, or NULL: the last one that is stable. */
    bool is_response, has_header, has_size;
};

enum api_convert_outcome {
    API_CONVERT_E_INVALID = 1, /* A sentence tells why. */
};

/* Finds out what is meant.  Names match in any case, with or without bars and dashes. */
NODISCARD int api_form_find(const struct api_wish *wish, struct api_form *out, struct text *why);

/* Adds the JSON of `bytes`; `flags` are those of codec_print(). */
NODISCARD int api_convert_decode(const struct api_form *form, struct slice bytes, unsigned flags,
                                 struct text *out, struct text *why);

/* Adds the bytes of the JSON `text`.  The header of a request says key and version of the
 * form, whatever the text says. */
NODISCARD int api_convert_encode(const struct api_form *form, struct slice text, struct text *out,
                                 struct text *why);
