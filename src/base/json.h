/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/json.h - reads JSON (RFC 8259) value by value, straight into what the caller wants
 * to have: there is no tree.
 *
 *     json_init(&json, text);
 *     json_enter(&json, JSON_OBJECT);
 *     while (json_more(&json)) {
 *         json_key(&json, arena, &key);
 *         if (slice_is_text(key, "version"))
 *             json_i64(&json, &version);
 *         else
 *             json_skip(&json);
 *     }
 *     json_end(&json);
 *     if (json.error) ...
 *
 * The first mistake stays: it is in `error` with its place in `at`, from then on every
 * function does nothing and says false, so a caller looks once, at the end.  Loops end.
 *
 * Strings must be UTF-8.  Arrays and objects nest at most JSON_DEPTH_MAX deep.
 *
 * Threading: a reader belongs to one thread; the text is borrowed.
 * Errors:    `error`, a constant sentence.
 */

#include "base/arena.h"
#include "base/slice.h"
#include "base/text.h"

enum { JSON_DEPTH_MAX = 64 };

enum json_kind {
    JSON_BAD, /* No value begins here; `error` says why. */
    JSON_NULL,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    const uint8_t *start, *at, *end;
    const char *error;                 /* NULL while all is well. */
    int depth;                         /* Of arrays and objects that were entered. */
    bool is_object[JSON_DEPTH_MAX];    /* By depth. */
    bool has_elements[JSON_DEPTH_MAX]; /* One was read, so that a comma must follow. */
};

/* Begins to read a text, which outlives the reader. */
void json_init(struct json *json, struct slice text);

/* Notes a mistake that the caller found, unless there is one already. */
void json_fail(struct json *json, const char *error);

/* The kind of the value that comes next. */
enum json_kind json_peek(struct json *json);

/* Enters an array or object; false if the next value is of another kind. */
bool json_enter(struct json *json, enum json_kind kind);

/* True if the array or object that was entered last has one more element; at its end it
 * is left. */
bool json_more(struct json *json);

/* Reads the name of the element that comes next in an object. */
bool json_key(struct json *json, struct arena *arena, struct slice *out);

/* Read a value of the kind that is in their name.  Text is in the arena or borrowed; a
 * number's text is as it was written; whole numbers may not have a fraction. */
bool json_null(struct json *json);
bool json_bool(struct json *json, bool *out);
bool json_number(struct json *json, struct slice *out);
bool json_i64(struct json *json, int64_t *out);
bool json_string(struct json *json, struct arena *arena, struct slice *out);

/* Passes over a value of any kind. */
bool json_skip(struct json *json);

/* True if only blanks are left. */
bool json_end(struct json *json);

/* The line of the place that the reader has reached, from 1. */
int json_line(const struct json *json);

/* Adds a string with its quotes.  Bytes that are no UTF-8 become U+FFFD, so that the
 * output is JSON whatever the input is. */
void json_print_string(struct slice s, struct text *out);
