/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/check.c - gives the names of a parsed schema their meaning, and refuses
 * what has none.
 */

#include "tools/msgc/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

/* What a type's name means inside a message (or inside a shared struct: NULL). */
static struct structure *structure_find(const struct schema *schema, const struct message *message,
                                        const char *name)
{
    struct structure *shared = NULL;

    for (struct structure *s = schema->structures; s; s = s->next) {
        if (is_text(s->name, name) && s->message == message)
            return s;
        if (is_text(s->name, name) && !s->message)
            shared = s;
    }
    return shared;
}

static bool is_message(const struct schema *schema, const struct structure *structure)
{
    for (int i = 0; i < schema->message_count; i++)
        if (schema->messages[i].root == structure)
            return true;
    return false;
}

static bool has_namesake(const struct schema *schema, const struct structure *structure)
{
    for (const struct structure *s = schema->structures; s; s = s->next)
        if (s != structure && is_text(s->name, structure->name) && s->message != structure->message)
            return true;
    return false;
}

/* The struct T of api A is A_T in C, unless it begins with `A_` already; but A_request_T
 * and A_response_T if both have one. */
static const char *structure_c_name(const struct schema *schema, const struct structure *s)
{
    size_t size = strlen(schema->name);

    if (is_message(schema, s))
        return s->name;
    if (s->message && has_namesake(schema, s))
        return arena_printf(schema->arena, "%s_%s", s->message->name, s->name);
    if (strncmp(s->name, schema->name, size) == 0 && s->name[size] == '_')
        return s->name;
    return arena_printf(schema->arena, "%s_%s", schema->name, s->name);
}

static void structures_name(struct schema *schema)
{
    for (struct structure *s = schema->structures; s; s = s->next)
        s->c_name = structure_c_name(schema, s);
    for (struct structure *a = schema->structures; a; a = a->next)
        for (struct structure *b = a->next; b; b = b->next)
            if (is_text(a->c_name, b->c_name))
                schema_fail(schema, b->line, "struct %s is there twice, first in line %d",
                            b->c_name, a->line);
}

static void check_number(struct schema *schema, const struct field *field, long long low,
                         long long high)
{
    long long value;
    char *end;

    errno = 0;
    value = strtoll(field->fallback, &end, 0);
    if (*end || errno || value < low || value > high)
        schema_fail(schema, field->line, "%s cannot be the default of %s", field->fallback,
                    field->name);
}

static void check_real(struct schema *schema, const struct field *field)
{
    char *end;

    (void)strtod(field->fallback, &end);
    if (*end)
        schema_fail(schema, field->line, "%s is no number", field->fallback);
}

static bool can_be_null(const struct field *field)
{
    return field->is_array || field->type == TYPE_STRING || field->type == TYPE_BYTES ||
           field->type == TYPE_RECORDS || field->type == TYPE_STRUCT;
}

static bool is_quoted(const char *word)
{
    size_t size = strlen(word);

    return size >= 2 && word[0] == '"' && strchr(word + 1, '"') == word + size - 1 &&
           !strchr(word, '\\');
}

static void check_default(struct schema *schema, const struct field *field)
{
    const char *value = field->fallback;

    if (!value)
        return;
    if (is_text(value, "null")) {
        if (!field->is_nullable)
            schema_fail(schema, field->line, "null is the default of %s, which has no '?'",
                        field->name);
        return;
    }
    if (field->is_array) {
        schema_fail(schema, field->line, "the default of an array is null or nothing");
        return;
    }
    switch (field->type) {
    case TYPE_I8: check_number(schema, field, INT8_MIN, INT8_MAX); break;
    case TYPE_I16: check_number(schema, field, INT16_MIN, INT16_MAX); break;
    case TYPE_U16: check_number(schema, field, 0, UINT16_MAX); break;
    case TYPE_I32: check_number(schema, field, INT32_MIN, INT32_MAX); break;
    case TYPE_U32: check_number(schema, field, 0, UINT32_MAX); break;
    case TYPE_I64: check_number(schema, field, INT64_MIN, INT64_MAX); break;
    case TYPE_F64: check_real(schema, field); break;
    case TYPE_BOOL:
        if (!is_text(value, "true") && !is_text(value, "false"))
            schema_fail(schema, field->line, "a bool is true or false");
        break;
    case TYPE_STRING:
        if (!is_quoted(value))
            schema_fail(schema, field->line, "a string's default is null or \"quoted\"");
        break;
    case TYPE_UUID:
    case TYPE_BYTES:
    case TYPE_RECORDS:
    case TYPE_STRUCT:
    case TYPE_COUNT:
        schema_fail(schema, field->line, "a %s has no default to choose", field->type_word);
        break;
    }
}

/* The first flexible version where this struct is used. */
static int structure_flexible(const struct schema *schema, const struct structure *structure)
{
    int first = schema->messages[0].flexible;

    if (structure->message)
        return structure->message->flexible;
    return schema->message_count == 1 ? first : min_of(first, schema->messages[1].flexible);
}

static void check_tag(struct schema *schema, const struct structure *owner,
                      const struct field *field)
{
    int flexible = structure_flexible(schema, owner);

    if (field->tag < 0)
        return;
    if (field->tagged.low < flexible)
        schema_fail(schema, field->line, "%s is tagged before version %d, the first flexible one",
                    field->name, flexible);
    if (field->tagged.low < field->versions.low || field->tagged.high != field->versions.high)
        schema_fail(schema, field->line, "%s is tagged in versions that it is not in", field->name);
}

/* An array `x` also has the member `x_count`. */
static bool members_collide(const struct schema *schema, const struct field *a,
                            const struct field *b)
{
    const char *count_a = arena_printf(schema->arena, "%s_count", a->name);
    const char *count_b = arena_printf(schema->arena, "%s_count", b->name);

    return is_text(a->name, b->name) || (a->is_array && is_text(count_a, b->name)) ||
           (b->is_array && is_text(count_b, a->name));
}

static void check_field(struct schema *schema, struct structure *owner, struct field *field)
{
    if (field->type == TYPE_STRUCT) {
        field->structure = structure_find(schema, owner->message, field->type_word);
        if (!field->structure || is_message(schema, field->structure)) {
            schema_fail(schema, field->line, "type %s is not defined", field->type_word);
            return;
        }
        field->structure->is_used = true;
    }
    if (field->is_nullable && !can_be_null(field))
        schema_fail(schema, field->line, "%s %s cannot be null", field->type_word, field->name);
    if (field->is_array && (field->type == TYPE_BYTES || field->type == TYPE_RECORDS))
        schema_fail(schema, field->line, "an array of %s is not supported", field->type_word);
    if (field->is_classic && field->type != TYPE_STRING)
        schema_fail(schema, field->line, "'classic' is for strings");
    check_default(schema, field);
    check_tag(schema, owner, field);
    for (const struct field *other = owner->fields; other != field; other = other->next) {
        if (members_collide(schema, other, field))
            schema_fail(schema, field->line, "%s collides with %s in line %d", field->name,
                        other->name, other->line);
        if (field->tag >= 0 && field->tag == other->tag)
            schema_fail(schema, field->line, "tag %d is taken by %s in line %d", field->tag,
                        other->name, other->line);
    }
}

/* Measures how deep structs nest, and finds those that contain themselves. */
static int structure_depth(struct schema *schema, struct structure *structure)
{
    int deepest = 0;

    if (structure->is_visited && structure->depth == 0) {
        schema_fail(schema, structure->line, "struct %s contains itself", structure->name);
        return 0;
    }
    if (structure->is_visited)
        return structure->depth;
    structure->is_visited = true;
    for (struct field *f = structure->fields; f && !schema->error; f = f->next)
        if (f->type == TYPE_STRUCT)
            deepest = max_of(deepest, structure_depth(schema, f->structure));
    structure->depth = deepest + 1;
    if (structure->depth > DEPTH_MAX)
        schema_fail(schema, structure->line, "structs nest deeper than %d", DEPTH_MAX);
    return structure->depth;
}

void schema_check(struct schema *schema)
{
    if (schema->error)
        return;
    structures_name(schema);
    for (struct structure *s = schema->structures; s; s = s->next)
        for (struct field *f = s->fields; f && !schema->error; f = f->next)
            check_field(schema, s, f);
    for (int i = 0; i < schema->message_count && !schema->error; i++)
        structure_depth(schema, schema->messages[i].root);
    for (struct structure *s = schema->structures; s && !schema->error; s = s->next)
        if (!s->is_used)
            schema_fail(schema, s->line, "struct %s is not used", s->name);
        else if (!s->fields && !is_message(schema, s))
            schema_fail(schema, s->line, "struct %s has no field", s->name);
}

/* The name of a message that both have, or NULL. */
static const char *common_message(const struct schema *a, const struct schema *b)
{
    for (int i = 0; i < a->message_count; i++)
        for (int k = 0; k < b->message_count; k++)
            if (is_text(a->messages[i].name, b->messages[k].name))
                return a->messages[i].name;
    return NULL;
}

static bool keys_collide(const struct schema *a, const struct schema *b)
{
    return a->kind == b->kind && a->kind != SCHEMA_DATA && a->key == b->key && a->log == b->log;
}

void schema_check_unique(struct schema *schemas, int count)
{
    for (int b = 1; b < count; b++) {
        for (int a = 0; a < b; a++) {
            const char *twice = common_message(&schemas[a], &schemas[b]);

            if (twice)
                schema_fail(&schemas[b], 1, "%s is defined in %s already", twice, schemas[a].file);
            if (is_text(schemas[a].header, schemas[b].header))
                schema_fail(&schemas[b], 1, "%s has the same file name", schemas[a].file);
            if (keys_collide(&schemas[a], &schemas[b]))
                schema_fail(&schemas[b], 1, "key %d belongs to %s in %s", schemas[b].key,
                            schemas[a].name, schemas[a].file);
        }
    }
}
