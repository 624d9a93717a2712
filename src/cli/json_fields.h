/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/json_fields.h - reads the JSON files of Kafka's tools, with their sentences about what
 * is missing or of the wrong kind.
 *
 *     fields_init(&f, text, arena, why);
 *     fields_enter(&f, JSON_OBJECT);
 *     while (fields_key(&f, &key))
 *         if (slice_is_text(key, "topic"))
 *             fields_string(&f, &topic);
 *         else
 *             fields_skip(&f);
 *     is_good = fields_end(&f);
 *
 * After the first mistake every function does nothing and loops end, as in base/json.h.
 *
 * Threading: one thread.
 * Errors:    a sentence in `why`; if the text is no JSON, only fields_end() is false.
 */

#include "base/json.h"

struct fields {
    struct json json;
    struct arena *arena; /* Borrowed. */
    struct text *why;    /* Borrowed; empty while all is well. */
};

/* Begins to read `text`, which outlives what is read. */
void fields_init(struct fields *fields, struct slice text, struct arena *arena, struct text *why);

/* Enters an array or object. */
void fields_enter(struct fields *fields, enum json_kind kind);

/* True if there is one more element; then `*out` is its name. */
NODISCARD bool fields_key(struct fields *fields, struct slice *out);

/* True if there is one more element of an array. */
NODISCARD bool fields_more(struct fields *fields);

/* Read a value of that kind. */
void fields_string(struct fields *fields, struct slice *out);
void fields_number(struct fields *fields, int32_t *out);

/* Passes over a value. */
void fields_skip(struct fields *fields);

/* Notes that an object lacks the field, unless it has it. */
void fields_need(struct fields *fields, bool has_it, const char *name);

/* True if all was well and nothing follows. */
NODISCARD bool fields_end(struct fields *fields);
