/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/parse.c - reads the notation, one line at a time.
 *
 * A line is an indentation of two spaces per level, words, and perhaps a comment from
 * `#` to its end.  Which struct a field belongs to follows from its level alone, so
 * `owners[level]` is all the state there is.
 */

#include "tools/msgc/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32, INDENT = 2 };

const struct type_facts type_facts[TYPE_COUNT] = {
    [TYPE_I8] = {"i8", "int8_t", "WIRE_I8", 1},
    [TYPE_I16] = {"i16", "int16_t", "WIRE_I16", 2},
    [TYPE_U16] = {"u16", "uint16_t", "WIRE_U16", 2},
    [TYPE_I32] = {"i32", "int32_t", "WIRE_I32", 4},
    [TYPE_U32] = {"u32", "uint32_t", "WIRE_U32", 4},
    [TYPE_I64] = {"i64", "int64_t", "WIRE_I64", 8},
    [TYPE_F64] = {"f64", "double", "WIRE_F64", 8},
    [TYPE_BOOL] = {"bool", "bool", "WIRE_BOOL", 1},
    [TYPE_UUID] = {"uuid", "struct uuid", "WIRE_UUID", 16},
    [TYPE_STRING] = {"string", "struct slice", "WIRE_STRING", 0},
    [TYPE_BYTES] = {"bytes", "struct slice", "WIRE_BYTES", 0},
    [TYPE_RECORDS] = {"records", "struct wire_records", "WIRE_RECORDS", 0},
    [TYPE_STRUCT] = {"", "", "WIRE_STRUCT", 0},
};

const char *const schema_log_words[LOG_COUNT] = {
    [LOG_METADATA] = "metadata", [LOG_GROUPS] = "groups", [LOG_TRANSACTIONS] = "transactions",
    [LOG_SHARE] = "share",       [LOG_REMOTE] = "remote",
};

struct line {
    const char *words[WORDS_MAX];
    int count, next;
    int level;
    int number;
    const char *comment; /* NULL if there is none. */
};

struct parser {
    struct schema *schema;
    const struct message *message;           /* That the lines are inside of, or NULL. */
    struct structure *owners[DEPTH_MAX + 2]; /* By level; [0] is unused. */
    int level_max;                           /* The deepest level the next line may have. */
};

void schema_fail(struct schema *schema, int line, const char *format, ...)
{
    char text[512];
    va_list args;

    if (schema->error)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    schema->error = arena_printf(schema->arena, "%s:%d: %s", schema->file, line, text);
}

/* The word that follows in this line; "" at its end. */
static const char *line_word(struct line *line)
{
    return line->next < line->count ? line->words[line->next++] : "";
}

static bool is_name(const char *word)
{
    if (word[0] < 'a' || word[0] > 'z')
        return false;
    return strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(word);
}

/* Reads a whole number from 0 to `max`; -1 if the word is none. */
static int number_parse(const char *word, int max)
{
    char *end;
    long value;

    if (word[0] < '0' || word[0] > '9')
        return -1;
    value = strtol(word, &end, 10);
    return *end || value > max ? -1 : (int)value;
}

/* `3`, `3-7` or `3+`. */
static bool versions_parse(const char *word, struct versions *out)
{
    char *end;
    long low;
    long high;

    if (word[0] < '0' || word[0] > '9')
        return false;
    low = strtol(word, &end, 10);
    high = low;
    if (strcmp(end, "+") == 0) {
        high = VERSION_MAX;
        end++;
    } else if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
        high = strtol(end + 1, &end, 10);
    }
    if (*end || high > VERSION_MAX || low > high)
        return false;
    *out = (struct versions){.low = (int)low, .high = (int)high};
    return true;
}

static struct versions need_versions(struct parser *p, struct line *line, const char *what)
{
    const char *word = line_word(line);
    struct versions v = {.low = 0, .high = 0};

    if (!versions_parse(word, &v))
        schema_fail(p->schema, line->number, "%s needs versions such as 3, 3-7 or 3+, not '%s'",
                    what, word);
    return v;
}

static const char *need_name(struct parser *p, struct line *line, const char *what)
{
    const char *word = line_word(line);

    if (!is_name(word))
        schema_fail(p->schema, line->number, "%s needs a name in lower case, not '%s'", what, word);
    return word;
}

/* Cuts a line into words; the comment is kept apart. */
static void line_split(struct schema *schema, char *text, struct line *line)
{
    char *hash = strchr(text, '#');
    char *save = NULL;
    size_t indent = strspn(text, " ");

    line->count = 0;
    line->next = 0;
    line->comment = NULL;
    line->level = (int)(indent / INDENT);
    if (hash) {
        *hash++ = 0;
        line->comment = hash + strspn(hash, " ");
    }
    if (strchr(text, '\t'))
        schema_fail(schema, line->number, "a tab; schemas are written with spaces");
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        if (line->count == WORDS_MAX) {
            schema_fail(schema, line->number, "more than %d words", WORDS_MAX);
            return;
        }
        line->words[line->count++] = word;
    }
    if (line->count && indent % INDENT)
        schema_fail(schema, line->number, "indented by %zu spaces, which is not even", indent);
}

static void need_end(struct parser *p, struct line *line)
{
    if (line->next < line->count)
        schema_fail(p->schema, line->number, "unexpected '%s'", line->words[line->next]);
}

static struct structure *structure_add(struct parser *p, const char *name, int line)
{
    struct schema *schema = p->schema;
    struct structure *structure = arena_new(schema->arena, sizeof(*structure));

    structure->name = name;
    structure->message = p->message;
    structure->line = line;
    structure->fields_tail = &structure->fields;
    *schema->structures_tail = structure;
    schema->structures_tail = &structure->next;
    return structure;
}

static void parse_listeners(struct parser *p, struct line *line)
{
    while (line->next < line->count) {
        const char *word = line->words[line->next];

        if (strcmp(word, "broker") == 0)
            p->schema->listeners |= LISTENER_BROKER;
        else if (strcmp(word, "controller") == 0)
            p->schema->listeners |= LISTENER_CONTROLLER;
        else
            break;
        line->next++;
    }
    if (!p->schema->listeners)
        schema_fail(p->schema, line->number, "listeners are broker, controller or both");
}

static enum schema_log need_log(struct parser *p, struct line *line)
{
    const char *word = line_word(line);

    for (int log = 0; log < LOG_COUNT; log++)
        if (strcmp(word, schema_log_words[log]) == 0)
            return (enum schema_log)log;
    schema_fail(p->schema, line->number, "there is no log '%s'", word);
    return LOG_METADATA;
}

/* api KEY NAME, record TYPE NAME or data NAME, and what is true of the whole file. */
static void parse_head(struct parser *p, struct line *line, enum schema_kind kind)
{
    struct schema *schema = p->schema;

    if (schema->name) {
        schema_fail(schema, line->number, "a second head; this file is about %s", schema->name);
        return;
    }
    schema->kind = kind;
    schema->key = -1;
    if (kind != SCHEMA_DATA) {
        const char *word = line_word(line);

        schema->key = number_parse(word, VERSION_MAX);
        if (schema->key < 0)
            schema_fail(schema, line->number, "expected a key, not '%s'", word);
    }
    schema->name = need_name(p, line, "the head");
    while (line->next < line->count && !schema->error) {
        const char *word = line_word(line);

        if (strcmp(word, "flexible") == 0)
            schema->flexible = need_versions(p, line, "flexible").low;
        else if (strcmp(word, "unstable") == 0)
            schema->unstable = need_versions(p, line, "unstable").low;
        else if (strcmp(word, "listeners") == 0)
            parse_listeners(p, line);
        else if (strcmp(word, "log") == 0 && kind == SCHEMA_RECORD)
            schema->log = need_log(p, line);
        else
            schema_fail(schema, line->number, "unknown word '%s' in the head", word);
    }
}

/* The messages of a schema are those of one row, in this order. */
enum { PARTS_API, PARTS_PAIR, PARTS_SINGLE, PARTS_COUNT };
static const char *const parts[PARTS_COUNT][2] = {
    [PARTS_API] = {"request", "response"},
    [PARTS_PAIR] = {"key", "value"},
    [PARTS_SINGLE] = {"fields", NULL},
};

/* The row and place of a word; false if it is none of them. */
static bool part_find(const char *word, int *out_row, int *out_at)
{
    for (int row = 0; row < PARTS_COUNT; row++)
        for (int at = 0; at < 2; at++)
            if (parts[row][at] && strcmp(parts[row][at], word) == 0) {
                *out_row = row;
                *out_at = at;
                return true;
            }
    return false;
}

static bool part_suits(const struct schema *schema, int row)
{
    if (!schema->name || (schema->kind == SCHEMA_API) != (row == PARTS_API) ||
        (schema->kind == SCHEMA_DATA && row == PARTS_PAIR))
        return false;
    return !schema->message_count || strcmp(parts[row][0], schema->messages[0].part) == 0;
}

static bool part_check(struct schema *schema, const char *word, int line)
{
    int row;
    int at;

    if (!part_find(word, &row, &at))
        schema_fail(schema, line, "unknown word '%s' at the start of a line", word);
    else if (!part_suits(schema, row))
        schema_fail(schema, line, "'%s' does not belong here", word);
    else if (at != schema->message_count)
        schema_fail(schema, line, "'%s' is out of order or there twice", word);
    return !schema->error;
}

/* request, response, key, value or fields, each with its versions. */
static void parse_message(struct parser *p, struct line *line)
{
    struct schema *schema = p->schema;
    const char *word = line->words[0];
    struct message *message = &schema->messages[schema->message_count];

    if (!part_check(schema, word, line->number))
        return;
    message->part = word;
    message->name = strcmp(word, "fields") == 0
                        ? schema->name
                        : arena_printf(schema->arena, "%s_%s", schema->name, word);
    message->flexible = schema->flexible;
    if (strcmp(line_word(line), "versions") != 0)
        schema_fail(schema, line->number, "'%s' needs its versions", word);
    message->versions = need_versions(p, line, word);
    if (message->versions.high == VERSION_MAX)
        schema_fail(schema, line->number, "a message has a last version");
    if (line->next < line->count && strcmp(line->words[line->next], "flexible") == 0) {
        line->next++;
        message->flexible = need_versions(p, line, "flexible").low;
    }
    need_end(p, line);
    p->message = message;
    message->root = structure_add(p, message->name, line->number);
    message->root->is_used = true;
    schema->message_count++;
    p->owners[1] = message->root;
    p->level_max = 1;
}

static void parse_structure(struct parser *p, struct line *line)
{
    const char *name = need_name(p, line, "struct");

    need_end(p, line);
    p->message = NULL;
    p->owners[1] = structure_add(p, name, line->number);
    p->level_max = 1;
}

static void parse_top(struct parser *p, struct line *line)
{
    const char *word = line_word(line);

    p->level_max = 0;
    if (strcmp(word, "api") == 0)
        parse_head(p, line, SCHEMA_API);
    else if (strcmp(word, "record") == 0)
        parse_head(p, line, SCHEMA_RECORD);
    else if (strcmp(word, "data") == 0)
        parse_head(p, line, SCHEMA_DATA);
    else if (strcmp(word, "struct") == 0)
        parse_structure(p, line);
    else
        parse_message(p, line);
}

static void parse_type(struct parser *p, struct line *line, struct field *field)
{
    const char *word = line_word(line);
    size_t size;

    if (strncmp(word, "[]", 2) == 0) {
        field->is_array = true;
        word += 2;
    }
    size = strlen(word);
    if (size && word[size - 1] == '?') {
        field->is_nullable = true;
        size--;
    }
    field->type_word = arena_text(p->schema->arena, word, size);
    field->type = TYPE_STRUCT;
    for (int t = 0; t < TYPE_STRUCT; t++)
        if (strcmp(field->type_word, type_facts[t].word) == 0)
            field->type = (enum field_type)t;
    if (!is_name(field->type_word))
        schema_fail(p->schema, line->number, "'%s' is not a type", word);
}

/* `4.4` */
static bool is_release(const char *word)
{
    char *end;

    if (word[0] < '0' || word[0] > '9')
        return false;
    (void)strtol(word, &end, 10);
    return *end == '.' && end[1] && strspn(end + 1, "0123456789") == strlen(end + 1);
}

/* What may follow the versions of a field, in any order. */
static void parse_attribute(struct parser *p, struct line *line, struct field *field)
{
    const char *word = line_word(line);

    if (strcmp(word, "=") == 0) {
        field->fallback = line_word(line);
        if (!*field->fallback)
            schema_fail(p->schema, line->number, "'=' needs a value");
    } else if (strcmp(word, "null") == 0) {
        field->null = need_versions(p, line, "null");
        if (!field->is_nullable)
            schema_fail(p->schema, line->number, "'null' is for types with a '?'");
    } else if (strcmp(word, "tag") == 0) {
        struct versions v;

        field->tag = number_parse(line_word(line), VERSION_MAX);
        if (field->tag < 0)
            schema_fail(p->schema, line->number, "'tag' needs a number");
        field->tagged = field->versions;
        if (line->next < line->count && versions_parse(line->words[line->next], &v))
            field->tagged = need_versions(p, line, "tag");
    } else if (strcmp(word, "was") == 0) {
        field->was = need_name(p, line, "was");
    } else if (strcmp(word, "since") == 0) {
        field->since = line_word(line);
        if (!is_release(field->since))
            schema_fail(p->schema, line->number, "'since' needs a release such as 4.4");
    } else if (strcmp(word, "ignorable") == 0) {
        field->is_ignorable = true;
    } else if (strcmp(word, "key") == 0) {
        field->is_key = true;
    } else if (strcmp(word, "classic") == 0) {
        field->is_classic = true;
    } else {
        schema_fail(p->schema, line->number, "unknown word '%s' behind field %s", word,
                    field->name);
    }
}

static void parse_field(struct parser *p, struct line *line)
{
    struct structure *owner = p->owners[line->level];
    struct field *field = arena_new(p->schema->arena, sizeof(*field));

    field->line = line->number;
    field->tag = -1;
    field->tagged = (struct versions){.low = 1, .high = 0};
    field->comment = line->comment;
    field->name = need_name(p, line, "a field");
    parse_type(p, line, field);
    field->versions = need_versions(p, line, "a field");
    field->null = field->is_nullable ? field->versions : field->tagged;
    while (line->next < line->count && !p->schema->error)
        parse_attribute(p, line, field);

    *owner->fields_tail = field;
    owner->fields_tail = &field->next;
    p->level_max = line->level;
    if (field->type != TYPE_STRUCT || line->level > DEPTH_MAX)
        return;
    /* A deeper line begins the struct's definition. */
    p->owners[line->level + 1] = NULL;
    p->level_max = line->level + 1;
}

/* The struct that a nested line defines is the type of the field above it. */
static void begin_nested(struct parser *p, struct line *line)
{
    struct structure *owner = p->owners[line->level - 1];
    struct field *last = owner->fields;

    while (last->next)
        last = last->next;
    p->owners[line->level] = structure_add(p, last->type_word, last->line);
}

static void parse_line(struct parser *p, struct line *line)
{
    if (line->level == 0) {
        parse_top(p, line);
        return;
    }
    if (line->level > p->level_max) {
        schema_fail(p->schema, line->number, "deeper than the line above allows");
        return;
    }
    if (!p->owners[line->level])
        begin_nested(p, line);
    parse_field(p, line);
}

/* `fetch` of `schema/api/fetch.msg`. */
static const char *base_name(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return arena_text(arena, name, strcspn(name, "."));
}

void schema_parse(struct schema *schema, struct arena *arena, const char *file, struct slice text)
{
    struct parser parser = {.schema = schema};
    char *rest = arena_text(arena, text.data, text.size);
    struct line line = {.number = 0};

    *schema = (struct schema){.file = file, .arena = arena};
    schema->header = base_name(arena, file);
    schema->structures_tail = &schema->structures;
    schema->flexible = VERSION_MAX;
    schema->unstable = VERSION_MAX;
    while (rest && *rest && !schema->error) {
        char *end = strchr(rest, '\n');

        if (end)
            *end++ = 0;
        line.number++;
        line_split(schema, rest, &line);
        if (!schema->title && line.comment && line.count == 0)
            schema->title = line.comment;
        if (line.count && !schema->error)
            parse_line(&parser, &line);
        rest = end;
    }
    if (!schema->name || !schema->message_count)
        schema_fail(schema, line.number, "no message in this file");
    else if (schema->kind == SCHEMA_API && schema->message_count != 2)
        schema_fail(schema, line.number, "an api has a request and a response");
    else if (schema->message_count == 1 && strcmp(schema->messages[0].part, "key") == 0)
        schema_fail(schema, line.number, "a key has a value");
}
