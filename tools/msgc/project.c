/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/project.c - prints what one version of a message consists of.
 *
 * A field is {"name", "type", "null", "tag", "default"} with, where they are true,
 * "key" and "ignorable", where the schema has them "was" and "since", and of a struct
 * "fields".  Types are the schema's words, "struct" for all structs, with "[]" in front
 * of an array's; a default is what JSON calls the value, a struct's is {}.
 */

#include "tools/msgc/schema.h"

#include <stdlib.h>
#include <string.h>

/* Defaults of strings have neither quotes nor backslashes inside, see schema_check(). */
static void project_default(const struct field *field, struct text *out)
{
    const char *value = field->fallback;

    if (value && strcmp(value, "null") == 0)
        text_printf(out, "null");
    else if (field->is_array)
        text_printf(out, "[]");
    else if (field->type == TYPE_STRUCT)
        text_printf(out, "{}");
    else if (field->type == TYPE_STRING)
        text_printf(out, "%s", value ? value : "\"\"");
    else if (field->type == TYPE_BYTES || field->type == TYPE_RECORDS || field->type == TYPE_UUID)
        text_printf(out, "\"\"");
    else if (field->type == TYPE_BOOL)
        text_printf(out, "%s", value ? value : "false");
    else if (field->type == TYPE_F64)
        text_printf(out, "%#.17g", value ? strtod(value, NULL) : 0.0);
    else
        text_printf(out, "%lld", value ? strtoll(value, NULL, 0) : 0);
}

static void project_fields(const struct structure *structure, int version, struct text *out);

static void project_field(const struct field *field, int version, struct text *out)
{
    bool is_null = field->is_nullable && versions_have(field->null, version);

    text_printf(out, "{\"name\":\"%s\",\"type\":\"%s%s\",\"null\":%s,\"tag\":", field->name,
                field->is_array ? "[]" : "",
                field->type == TYPE_STRUCT ? "struct" : type_facts[field->type].word,
                is_null ? "true" : "false");
    if (versions_have(field->tagged, version))
        text_printf(out, "%d", field->tag);
    else
        text_printf(out, "null");
    text_printf(out, ",\"default\":");
    project_default(field, out);
    if (field->is_key)
        text_printf(out, ",\"key\":true");
    if (field->is_ignorable)
        text_printf(out, ",\"ignorable\":true");
    if (field->was)
        text_printf(out, ",\"was\":\"%s\"", field->was);
    if (field->since)
        text_printf(out, ",\"since\":\"%s\"", field->since);
    if (field->type == TYPE_STRUCT) {
        text_printf(out, ",\"fields\":");
        project_fields(field->structure, version, out);
    }
    text_printf(out, "}");
}

/* Structs nest at most DEPTH_MAX deep, so this may recurse. */
static void project_fields(const struct structure *structure, int version, struct text *out)
{
    const char *comma = "";

    text_printf(out, "[");
    for (const struct field *f = structure->fields; f; f = f->next) {
        if (!versions_have(f->versions, version))
            continue;
        text_printf(out, "%s", comma);
        project_field(f, version, out);
        comma = ",";
    }
    text_printf(out, "]");
}

void project_message(const struct schema *schema, const struct message *message, struct text *out)
{
    static const char *const kinds[] = {"api", "record", "data"};

    text_printf(out, "{\"name\":\"%s\",\"kind\":\"%s\",\"log\":\"%s\",\"part\":\"%s\",\"key\":%d,",
                message->name, kinds[schema->kind],
                schema->kind == SCHEMA_RECORD ? schema_log_words[schema->log] : "", message->part,
                schema->key);
    text_printf(out, "\"flexible\":%d,\"unstable\":%d,\"broker\":%s,\"controller\":%s,",
                message->flexible, schema->unstable,
                schema->listeners & LISTENER_BROKER ? "true" : "false",
                schema->listeners & LISTENER_CONTROLLER ? "true" : "false");
    text_printf(out, "\"versions\":{");
    for (int version = message->versions.low; version <= message->versions.high; version++) {
        text_printf(out, "%s\"%d\":", version == message->versions.low ? "" : ",", version);
        project_fields(message->root, version, out);
    }
    text_printf(out, "}}\n");
}
