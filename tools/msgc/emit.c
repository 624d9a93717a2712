/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/emit.c - prints C. */

#include "tools/msgc/schema.h"

#include <string.h>

const char *emit_upper(struct arena *arena, const char *name)
{
    char *upper = arena_text(arena, name, strlen(name));

    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return upper;
}

static void emit_banner(struct text *out, const char *from)
{
    text_printf(out, "/* Printed by tools/msgc from %s.  Do not edit. */\n\n", from);
}

/* `struct fetch_topic ` or `int32_t `, with the star of an array or pointer. */
static void emit_type(struct text *out, const struct field *field)
{
    bool by_pointer = field->is_array || (field->type == TYPE_STRUCT && field->is_nullable);

    if (by_pointer && !field->is_array && !field->fallback)
        text_printf(out, "const ");
    if (field->type == TYPE_STRUCT)
        text_printf(out, "struct %s ", field->structure->c_name);
    else
        text_printf(out, "%s ", type_facts[field->type].c_type);
    if (by_pointer)
        text_printf(out, "*");
}

static void emit_comment(struct text *out, const struct field *field)
{
    const char *comment = field->comment ? field->comment : "";
    size_t size = strlen(comment);

    while (size && comment[size - 1] == ' ')
        size--;
    if (size && comment[0] >= 'a' && comment[0] <= 'z')
        text_printf(out, " /* %c%.*s", comment[0] - 'a' + 'A', (int)size - 1, comment + 1);
    else if (size)
        text_printf(out, " /* %.*s", (int)size, comment);
    if (size && comment[size - 1] != '.' && comment[size - 1] != '?')
        text_printf(out, ".");
    if (field->was)
        text_printf(out, "%s Called %s before Kafka 4.4.", size ? "" : " /*", field->was);
    if (size || field->was)
        text_printf(out, " */");
}

/* Structs before those that hold them. */
static void emit_structure(struct text *out, struct structure *structure)
{
    if (structure->is_printed)
        return;
    structure->is_printed = true;
    for (struct field *f = structure->fields; f; f = f->next)
        if (f->type == TYPE_STRUCT)
            emit_structure(out, f->structure);

    text_printf(out, "struct %s {\n", structure->c_name);
    if (!structure->fields)
        text_printf(out, "    uint8_t nothing; /* C wants a member. */\n");
    for (const struct field *f = structure->fields; f; f = f->next) {
        text_printf(out, "    ");
        emit_type(out, f);
        text_printf(out, "%s;", f->name);
        emit_comment(out, f);
        text_printf(out, "\n");
        if (f->is_array)
            text_printf(out, "    int32_t %s_count;%s\n", f->name,
                        f->is_nullable ? " /* -1: null. */" : "");
    }
    text_printf(out, "};\n\n");
}

void emit_header(const struct schema *schema, struct text *out)
{
    emit_banner(out, schema->file);
    text_printf(out, "#pragma once\n\n#include \"wire/message.h\"\n\n");
    for (int i = 0; i < schema->message_count; i++)
        emit_structure(out, schema->messages[i].root);
    text_printf(out, "/* Every field at its default, to begin with. */\n");
    for (const struct structure *s = schema->structures; s; s = s->next)
        text_printf(out, "extern const struct %s %s_defaults;\n", s->c_name, s->c_name);
    text_printf(out, "\n");
    for (int i = 0; i < schema->message_count; i++)
        text_printf(out, "extern const struct wire_message %s_message;\n",
                    schema->messages[i].name);
}

static void emit_number(struct text *out, const struct field *field)
{
    if (field->type == TYPE_I64 && strcmp(field->fallback, "-9223372036854775808") == 0)
        text_printf(out, "INT64_MIN");
    else if (field->type == TYPE_I32 && strcmp(field->fallback, "-2147483648") == 0)
        text_printf(out, "INT32_MIN");
    else
        text_printf(out, "%s", field->fallback);
}

static void emit_defaults(struct text *out, const struct structure *structure);

/* The initializer of one member, unless zero is right. */
static void emit_default(struct text *out, const struct field *field)
{
    bool is_null = field->fallback && strcmp(field->fallback, "null") == 0;

    if (field->is_array) {
        if (is_null)
            text_printf(out, ".%s_count = -1, ", field->name);
    } else if (field->type == TYPE_STRUCT) {
        if (field->is_nullable && !is_null) {
            text_printf(out, ".%s = &%s_defaults, ", field->name, field->structure->c_name);
        } else if (!field->is_nullable) {
            text_printf(out, ".%s = {", field->name);
            emit_defaults(out, field->structure);
            text_printf(out, "}, ");
        }
    } else if (field->type == TYPE_STRING || field->type == TYPE_BYTES) {
        const char *value = field->fallback ? field->fallback : "\"\"";

        if (!is_null)
            text_printf(out, ".%s = {(const uint8_t *)%s, %zu}, ", field->name, value,
                        strlen(value) - 2);
    } else if (field->fallback && !is_null) {
        text_printf(out, ".%s = ", field->name);
        emit_number(out, field);
        text_printf(out, ", ");
    }
}

static void emit_defaults(struct text *out, const struct structure *structure)
{
    size_t before = out->size;

    for (const struct field *f = structure->fields; f; f = f->next)
        emit_default(out, f);
    if (out->size > before)
        return;
    /* C wants at least one initializer; all is zero, so any member will do. */
    if (!structure->fields)
        text_printf(out, "0");
    else if (structure->fields->type == TYPE_UUID && !structure->fields->is_array)
        text_printf(out, ".%s = {{0}}", structure->fields->name);
    else if (structure->fields->type == TYPE_RECORDS)
        text_printf(out, ".%s = {{NULL, 0}, NULL, 0}", structure->fields->name);
    else
        text_printf(out, ".%s = 0", structure->fields->name);
}

static void emit_images(struct text *out, const struct schema *schema)
{
    for (const struct structure *s = schema->structures; s; s = s->next) {
        text_printf(out, "const struct %s %s_defaults = {", s->c_name, s->c_name);
        emit_defaults(out, s);
        text_printf(out, "};\n");
    }
    text_printf(out, "\n");
}

static void emit_types(struct text *out, const char *name, const struct plans *plans)
{
    text_printf(out, "static const struct wire_type %s_types[] = {\n", name);
    for (int i = 0; i < plans->type_count; i++) {
        const struct plan_type *type = &plans->types[i];

        if (type->structure)
            text_printf(out, "    {&%s_defaults, sizeof(struct %s), ", type->structure->c_name,
                        type->structure->c_name);
        else
            text_printf(out, "    {NULL, sizeof(%s), ", type_facts[type->bare].c_type);
        text_printf(out, "%d},\n", type->all < 0 ? NAME_NONE : type->all);
    }
    text_printf(out, "};\n\n");
}

static void emit_ops(struct text *out, const char *name, const struct plans *plans)
{
    text_printf(out, "static const struct wire_op %s_ops[] = {\n", name);
    for (int i = 0; i < plans->op_count; i++) {
        const struct op *op = &plans->ops[i];

        text_printf(out, "    {%s, %u, ", op->kind, op->flags);
        if (op->field)
            text_printf(out, "offsetof(struct %s, %s%s%s)", op->structure->c_name,
                        op->outer ? op->outer->name : "", op->outer ? "." : "", op->field->name);
        else
            text_printf(out, "%d", op->at);
        text_printf(out, ", %d, ", op->a);
        if (op->last)
            text_printf(out, "RANGE(struct %s, %s, %s%s)},\n", op->structure->c_name,
                        op->field->name, op->last->name, op->last->is_array ? "_count" : "");
        else
            text_printf(out, "%d},\n", op->b);
    }
    text_printf(out, "%s};\n\n", plans->op_count ? "" : "    {0, 0, 0, 0, 0},\n");
}

static void emit_plans(struct text *out, const char *name, const struct plans *plans)
{
    text_printf(out, "static const struct wire_plan %s_plans[] = {\n", name);
    for (int i = 0; i < plans->plan_count; i++) {
        const struct plan *p = &plans->plans[i];

        text_printf(out, "    {%d, %d, %d, %d, %d, %d, %d, %d, %d, %d},\n",
                    p->type < 0 ? NAME_NONE : p->type, p->op_first, p->op_count, p->absent_first,
                    p->absent_count, p->varying_first, p->varying_count, p->size_min, p->size_fixed,
                    p->has_image);
    }
    text_printf(out, "};\n\nstatic const uint16_t %s_roots[] = {", name);
    for (int i = 0; i < plans->root_count; i++)
        text_printf(out, "%s%d", i ? ", " : "", plans->roots[i]);
    text_printf(out, "};\n\n");
}

static void emit_names(struct text *out, const char *name, const struct plans *plans)
{
    text_printf(out, "static const char %s_names[] =\n", name);
    for (int i = 0; i < plans->name_count; i++)
        text_printf(out, "    \"%s\\0\"\n", plans->names[i]);
    text_printf(out, "    \"\";\n\n");
}

static void emit_message(const struct schema *schema, const struct message *message,
                         struct arena *arena, struct text *out)
{
    const char *name = message->name;
    struct plans plans;
    struct schema local = *schema;

    local.arena = arena;
    plan_build(&local, message, &plans);
    emit_types(out, name, &plans);
    emit_ops(out, name, &plans);
    emit_plans(out, name, &plans);
    emit_names(out, name, &plans);
    text_printf(out, "const struct wire_message %s_message = {\n", name);
    text_printf(out, "    .name = \"%s\",\n    .min = %d,\n    .max = %d,\n    .flexible = %d,\n",
                name, message->versions.low, message->versions.high, message->flexible);
    text_printf(out, "    .type = %d,\n    .struct_size = sizeof(struct %s),\n",
                plans.plans[plans.roots[0]].type, name);
    text_printf(out, "    .ops = %s_ops,\n    .plans = %s_plans,\n    .types = %s_types,\n", name,
                name, name);
    text_printf(out, "    .roots = %s_roots,\n    .names = %s_names,\n};\n\n", name, name);
}

void emit_tables(const struct schema *schema, struct arena *arena, struct text *out)
{
    emit_banner(out, schema->file);
    text_printf(out, "#include \"wire/msg/%s.h\"\n\n", schema->header);
    text_printf(out,
                "#define RANGE(type, first, last) "
                "(offsetof(type, last) + sizeof(((type *)0)->last) - offsetof(type, first))\n\n");
    emit_images(out, schema);
    for (int i = 0; i < schema->message_count; i++)
        emit_message(schema, &schema->messages[i], arena, out);
}

/* What the enumerators of a log's record types begin with, and what to say of them. */
static const struct log_facts {
    const char *prefix, *about;
} log_facts[LOG_COUNT] = {
    [LOG_METADATA] = {"RECORD", "the metadata log"},
    [LOG_GROUPS] = {"GROUP_RECORD", "__consumer_offsets"},
    [LOG_TRANSACTIONS] = {"TRANSACTION_RECORD", "__transaction_state"},
    [LOG_SHARE] = {"SHARE_RECORD", "__share_group_state"},
    [LOG_REMOTE] = {"REMOTE_RECORD", "__remote_log_metadata"},
};

static void emit_record_types(const struct schema *schemas, int count, enum schema_log log,
                              struct text *out)
{
    const char *prefix = log_facts[log].prefix;
    size_t before;

    text_printf(out, "\n/* The types of records in %s. */\nenum {\n", log_facts[log].about);
    before = out->size;
    for (int i = 0; i < count; i++)
        if (schemas[i].kind == SCHEMA_RECORD && schemas[i].log == log)
            text_printf(out, "    %s_%s = %d,\n", prefix,
                        emit_upper(schemas[i].arena, schemas[i].name), schemas[i].key);
    if (out->size == before)
        text_printf(out, "    %s_NONE,\n", prefix); /* C wants an enumerator. */
    text_printf(out, "};\n");
}

void emit_all_header(const struct schema *schemas, int count, struct text *out)
{
    emit_banner(out, "all schemas");
    text_printf(out, "#pragma once\n\n#include \"wire/message.h\"\n\n");
    text_printf(out, "/* The keys of requests. */\nenum {\n");
    for (int i = 0; i < count; i++)
        if (schemas[i].kind == SCHEMA_API)
            text_printf(out, "    API_%s = %d,\n", emit_upper(schemas[i].arena, schemas[i].name),
                        schemas[i].key);
    text_printf(out, "};\n");
    for (int log = 0; log < LOG_COUNT; log++)
        emit_record_types(schemas, count, (enum schema_log)log, out);
}

static void emit_api(const struct schema *s, struct text *out)
{
    const struct message *request = &s->messages[0];
    int latest = request->versions.high;
    int stable = s->unstable <= latest ? s->unstable - 1 : latest;

    text_printf(out,
                "    {.key = %d, .name = \"%s\", .min = %d, .max = %d, .latest = %d, "
                ".flexible = %d,\n     .listeners = %u, .request = &%s_message, "
                ".response = &%s_message},\n",
                s->key, s->name, request->versions.low, stable, latest, request->flexible,
                s->listeners, request->name, s->messages[1].name);
}

static int emit_records(const struct schema *schemas, int count, struct text *out)
{
    int records = 0;

    text_printf(out, "const struct wire_record_type wire_record_types[] = {\n");
    for (int i = 0; i < count; i++) {
        const struct schema *s = &schemas[i];

        if (s->kind != SCHEMA_RECORD)
            continue;
        records++;
        text_printf(out, "    {.log = WIRE_LOG_%s, .type = %d, ",
                    emit_upper(s->arena, schema_log_words[s->log]), s->key);
        if (s->message_count == 2)
            text_printf(out, ".key = &%s_message, ", s->messages[0].name);
        text_printf(out, ".value = &%s_message},\n", s->messages[s->message_count - 1].name);
    }
    text_printf(out, "%s};\n", records ? "" : "    {.type = -1},\n");
    return records;
}

void emit_all_tables(const struct schema *schemas, int count, struct text *out)
{
    int apis = 0;
    int records;
    int messages = 0;

    emit_banner(out, "all schemas");
    text_printf(out, "#include \"wire/api.h\"\n");
    for (int i = 0; i < count; i++)
        text_printf(out, "#include \"wire/msg/%s.h\"\n", schemas[i].header);

    text_printf(out, "\nconst struct wire_api wire_apis[] = {\n");
    for (int key = 0; key <= VERSION_MAX; key++)
        for (int i = 0; i < count; i++)
            if (schemas[i].kind == SCHEMA_API && schemas[i].key == key) {
                emit_api(&schemas[i], out);
                apis++;
            }
    text_printf(out, "%s};\nconst int wire_api_count = %d;\n\n", apis ? "" : "    {.key = -1},\n",
                apis);

    records = emit_records(schemas, count, out);
    text_printf(out, "const int wire_record_type_count = %d;\n\n", records);

    text_printf(out, "const struct wire_message *const wire_messages[] = {\n");
    for (int i = 0; i < count; i++)
        for (int k = 0; k < schemas[i].message_count; k++, messages++)
            text_printf(out, "    &%s_message,\n", schemas[i].messages[k].name);
    text_printf(out, "};\nconst int wire_message_count = %d;\n", messages);
}
