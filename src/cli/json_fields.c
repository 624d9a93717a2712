/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_fields.h"

void fields_init(struct fields *fields, struct slice text, struct arena *arena, struct text *why)
{
    *fields = (struct fields){.arena = arena, .why = why};
    json_init(&fields->json, text);
}

/* Says what was expected, and what is there instead. */
static void refuse(struct fields *fields, const char *expected)
{
    const uint8_t *start = fields->json.at;

    if (!json_skip(&fields->json))
        return;
    text_printf(fields->why, "Expected %s, received %.*s", expected, (int)(fields->json.at - start),
                (const char *)start);
    json_fail(&fields->json, "this is not expected");
}

void fields_enter(struct fields *fields, enum json_kind kind)
{
    if (json_peek(&fields->json) == kind)
        json_enter(&fields->json, kind);
    else
        refuse(fields, kind == JSON_ARRAY ? "JSON array" : "JSON object");
}

bool fields_more(struct fields *fields)
{
    return json_more(&fields->json);
}

bool fields_key(struct fields *fields, struct slice *out)
{
    return json_more(&fields->json) && json_key(&fields->json, fields->arena, out);
}

void fields_string(struct fields *fields, struct slice *out)
{
    if (json_peek(&fields->json) == JSON_STRING)
        json_string(&fields->json, fields->arena, out);
    else
        refuse(fields, "`String` value");
}

void fields_number(struct fields *fields, int32_t *out)
{
    struct json before = fields->json;
    int64_t number;

    if (json_peek(&fields->json) == JSON_NUMBER && json_i64(&fields->json, &number) &&
        number >= INT32_MIN && number <= INT32_MAX) {
        *out = (int32_t)number;
        return;
    }
    fields->json = before;
    json_peek(&fields->json);
    refuse(fields, "`Integer` value");
}

void fields_skip(struct fields *fields)
{
    json_skip(&fields->json);
}

void fields_need(struct fields *fields, bool has_it, const char *name)
{
    if (has_it || fields->json.error)
        return;
    text_printf(fields->why, "No such field exists: `%s`", name);
    json_fail(&fields->json, "a field is missing");
}

bool fields_end(struct fields *fields)
{
    json_end(&fields->json);
    return !fields->json.error && fields->why->size == 0;
}
