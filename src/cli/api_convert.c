/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api_convert.h"

#include "base/json.h"
#include "wire/api.h"
#include "wire/bytes.h"
#include "wire/msg/request_header.h"
#include "wire/msg/response_header.h"

#include <stdlib.h>

enum { SIZE_SIZE = 4 };

/* --- what is meant ------------------------------------------------------------ */

static bool is_filler(char c)
{
    return c == '_' || c == '-';
}

/* `OffsetCommit`, `offset-commit` and `OFFSET_COMMIT` are offset_commit. */
static bool is_same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        char c;

        while (is_filler(*a))
            a++;
        while (is_filler(*b))
            b++;
        c = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (c != *b)
            return false;
        if (!c)
            return true;
    }
}

static const struct wire_api *find_api(const char *name)
{
    char *end;
    long key = strtol(name, &end, 10);

    if (*name && !*end)
        return key >= 0 && key <= INT16_MAX ? wire_api_find((int16_t)key) : NULL;
    for (int i = 0; i < wire_api_count; i++)
        if (is_same_name(name, wire_apis[i].name))
            return &wire_apis[i];
    return NULL;
}

static const struct wire_message *find_message(const char *name)
{
    for (int i = 0; i < wire_message_count; i++)
        if (is_same_name(name, wire_messages[i]->name))
            return wire_messages[i];
    return NULL;
}

static int find_version(const char *text, const struct wire_message *message, int16_t last,
                        int16_t *out, struct text *why)
{
    char *end;
    long version;

    if (!text) {
        *out = last;
        return 0;
    }
    version = strtol(text, &end, 10);
    if (!*text || *end || version < message->min || version > message->max) {
        text_printf(why, "%s has the versions %d to %d, not %s", message->name, message->min,
                    message->max, text);
        return API_CONVERT_E_INVALID;
    }
    *out = (int16_t)version;
    return 0;
}

static void add_header(const struct wire_api *api, bool is_response, struct api_form *form)
{
    form->header = is_response ? &response_header_message : &request_header_message;
    form->header_version = is_response ? wire_api_response_header_version(api, form->version)
                                       : wire_api_request_header_version(api, form->version);
    form->key = api->key;
}

int api_form_find(const struct api_wish *wish, struct api_form *out, struct text *why)
{
    const struct wire_api *api = find_api(wish->name);
    const struct wire_message *message = api ? api->request : find_message(wish->name);
    struct api_form form = {.has_size = wish->has_size};

    if (!message) {
        text_printf(why, "There is no API and no message %s; moldau api list names them",
                    wish->name);
        return API_CONVERT_E_INVALID;
    }
    if (!api && (wish->is_response || wish->has_header || wish->has_size)) {
        text_printf(why, "%s is no API: it has no response, header or frame", wish->name);
        return API_CONVERT_E_INVALID;
    }
    form.message = api && wish->is_response ? api->response : message;
    if (find_version(wish->version, form.message, api ? api->max : message->max, &form.version,
                     why))
        return API_CONVERT_E_INVALID;
    if (wish->has_header || wish->has_size)
        add_header(api, wish->is_response, &form);
    *out = form;
    return 0;
}

/* --- from bytes to JSON ------------------------------------------------------- */

static const char *outcome_text(int outcome)
{
    switch (outcome) {
    case CODEC_E_SHORT: return "the bytes end inside it";
    case CODEC_E_TOO_MANY: return "it has more elements or tagged fields than is allowed";
    case CODEC_E_TRAILING: return "more bytes follow behind it";
    default: return "no such message begins like this";
    }
}

/* Reads one message, and prints it; `*bytes` are what is left. */
static int decode(const struct wire_message *message, int16_t version, unsigned flags,
                  struct slice *bytes, struct text *out, struct text *why)
{
    struct arena arena;
    size_t used = 0;
    void *in;
    int r;

    arena_init(&arena, NULL);
    in = arena_new(&arena, message->struct_size);
    r = codec_decode(message, version, *bytes, &arena, in, &used);
    if (r) {
        text_printf(why, "This is no %s of version %d: %s", message->name, version,
                    outcome_text(r));
    } else {
        codec_print(message, version, in, flags, out);
        *bytes = slice_of(bytes->data + used, bytes->size - used);
    }
    arena_reset(&arena);
    return r ? API_CONVERT_E_INVALID : 0;
}

static int take_size(struct slice *bytes, struct text *why)
{
    int64_t size = bytes->size < SIZE_SIZE ? -1 : bytes_load_i32(bytes->data);

    if (size != (int64_t)bytes->size - SIZE_SIZE) {
        text_printf(why, "There are %zu bytes, which is not what a frame of this size has",
                    bytes->size);
        return API_CONVERT_E_INVALID;
    }
    *bytes = slice_of(bytes->data + SIZE_SIZE, bytes->size - SIZE_SIZE);
    return 0;
}

int api_convert_decode(const struct api_form *form, struct slice bytes, unsigned flags,
                       struct text *out, struct text *why)
{
    struct slice rest = bytes;
    int e = 0;

    if (form->has_size)
        e = take_size(&rest, why);
    if (!e && form->header) {
        text_printf(out, "{\"header\":");
        e = decode(form->header, form->header_version, flags, &rest, out, why);
        text_printf(out, ",\"body\":");
    }
    if (!e)
        e = decode(form->message, form->version, flags, &rest, out, why);
    if (!e && form->header)
        text_printf(out, "}");
    if (!e && rest.size) {
        text_printf(why, "This is no %s of version %d: %s", form->message->name, form->version,
                    outcome_text(CODEC_E_TRAILING));
        e = API_CONVERT_E_INVALID;
    }
    return e;
}

/* --- from JSON to bytes ------------------------------------------------------- */

/* A value inside a text, with the line it begins in. */
struct part {
    struct slice text;
    int line;
};

static int tell(int line, const char *where, const char *reason, struct text *why)
{
    text_printf(why, "Line %d%s%s: %s", line, *where ? ", " : "", where, reason);
    return API_CONVERT_E_INVALID;
}

/* Finds the values of "header" and "body", which may be missing. */
static int split(struct slice text, struct part *header, struct part *body, struct text *why)
{
    struct arena arena;
    struct json json;
    struct slice key;

    arena_init(&arena, NULL);
    json_init(&json, text);
    if (json_enter(&json, JSON_OBJECT))
        while (json_more(&json)) {
            struct part *part;
            const uint8_t *from;
            int line;

            if (!json_key(&json, &arena, &key) || json_peek(&json) == JSON_BAD)
                break;
            part = slice_is_text(key, "header") ? header : slice_is_text(key, "body") ? body : NULL;
            if (!part)
                json_fail(&json, "only header and body belong here");
            from = json.at;
            line = json_line(&json);
            if (json_skip(&json) && part)
                *part =
                    (struct part){.text = slice_of(from, (size_t)(json.at - from)), .line = line};
        }
    (void)json_end(&json);
    arena_reset(&arena);
    return json.error ? tell(json_line(&json), "", json.error, why) : 0;
}

static int parse(const struct wire_message *message, int16_t version, const struct part *part,
                 struct arena *arena, void *out, struct text *why)
{
    struct codec_mistake mistake;

    if (codec_parse(message, version, part->text, arena, out, &mistake))
        return tell(part->line + mistake.line - 1, mistake.where, mistake.why, why);
    return 0;
}

static int encode(const struct wire_message *message, int16_t version, const void *in,
                  struct arena *arena, struct text *out, struct text *why)
{
    struct codec_output output;

    if (codec_encode(message, version, in, arena, &output)) {
        text_printf(why, "Something in this %s is longer than version %d can say", message->name,
                    version);
        return API_CONVERT_E_INVALID;
    }
    text_add(out, output.data, output.size);
    return 0;
}

static int encode_header(const struct api_form *form, const struct part *part, struct arena *arena,
                         struct text *out, struct text *why)
{
    void *in = arena_new(arena, form->header->struct_size);
    struct request_header *request = in;

    if (parse(form->header, form->header_version, part, arena, in, why))
        return API_CONVERT_E_INVALID;
    if (form->header == &request_header_message) {
        request->request_api_key = form->key;
        request->request_api_version = form->version;
    }
    return encode(form->header, form->header_version, in, arena, out, why);
}

static int encode_all(const struct api_form *form, struct slice text, struct arena *arena,
                      struct text *out, struct text *why)
{
    struct part header = {.text = slice_text("{}"), .line = 1};
    struct part body = {.text = text, .line = 1};
    void *in = arena_new(arena, form->message->struct_size);

    if (form->header) {
        body.text = slice_text("{}");
        if (split(text, &header, &body, why) || encode_header(form, &header, arena, out, why))
            return API_CONVERT_E_INVALID;
    }
    if (parse(form->message, form->version, &body, arena, in, why))
        return API_CONVERT_E_INVALID;
    return encode(form->message, form->version, in, arena, out, why);
}

int api_convert_encode(const struct api_form *form, struct slice text, struct text *out,
                       struct text *why)
{
    struct arena arena;
    size_t start = out->size;
    int e;

    arena_init(&arena, NULL);
    if (form->has_size)
        (void)text_add_space(out, SIZE_SIZE);
    e = encode_all(form, text, &arena, out, why);
    if (!e && form->has_size)
        bytes_store_i32((uint8_t *)out->data + start, (int32_t)(out->size - start - SIZE_SIZE));
    arena_reset(&arena);
    return e;
}
