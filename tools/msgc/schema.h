/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tools/msgc/schema.h - a schema file in memory, and the steps from text to C.
 *
 *     text --schema_parse--> struct schema --schema_check--> the same, resolved
 *          --plan_build--> struct plans --emit_*--> C text
 *
 * Everything lives in one arena, which main() ends.  The first error stops a file: it
 * is a text that begins with `file:line:`, kept in the schema's `error`.
 */

#include "base/arena.h"
#include "base/slice.h"
#include "base/text.h"

enum { VERSION_MAX = 32767, DEPTH_MAX = 12, NAME_NONE = 0xffff };

/* Both ends are included; empty when low > high. */
struct versions {
    int low, high;
};

static inline bool versions_have(struct versions v, int version)
{
    return v.low <= version && version <= v.high;
}

static inline bool versions_are_empty(struct versions v)
{
    return v.low > v.high;
}

enum field_type {
    TYPE_I8,
    TYPE_I16,
    TYPE_U16,
    TYPE_I32,
    TYPE_U32,
    TYPE_I64,
    TYPE_F64,
    TYPE_BOOL,
    TYPE_UUID,
    TYPE_STRING,
    TYPE_BYTES,
    TYPE_RECORDS,
    TYPE_STRUCT,
    TYPE_COUNT,
};

/* What is known of a type without its fields. */
struct type_facts {
    const char *word;   /* In a schema. */
    const char *c_type; /* In a struct. */
    const char *kind;   /* The operation that reads and writes it (wire/message.h). */
    int fixed;          /* Bytes on the wire, or 0 if that depends on the value. */
};
extern const struct type_facts type_facts[TYPE_COUNT];

struct structure;

/* In C a struct that may be null is behind a pointer.  Unless null is its default, that
 * points to the defaults of the struct, which are constant. */
struct field {
    struct field *next;
    const char *name, *comment;  /* The comment may be NULL. */
    const char *was;             /* What releases before Kafka 4.4 call it, or NULL. */
    const char *since;           /* The release that added it to old versions, or NULL. */
    const char *type_word;       /* As written, without `[]` and `?`. */
    const char *fallback;        /* The default as written, or NULL. */
    struct structure *structure; /* Of TYPE_STRUCT, once resolved. */
    enum field_type type;
    bool is_array, is_nullable, is_ignorable, is_key, is_classic;
    struct versions versions; /* Where the field exists, */
    struct versions null;     /* ... where it may be null, */
    struct versions tagged;   /* ... and where it is a tagged field. */
    int tag;                  /* -1: none. */
    int line;
};

/* A struct of fields: a message, or a nested one.  A name means a struct inside the same
 * message, or else one that the file defines at its left margin, for all its messages. */
struct structure {
    struct structure *next;
    const char *name;              /* As written. */
    const char *c_name;            /* As C knows it, with the schema's name in front. */
    const struct message *message; /* That it is inside of, or NULL if it is shared. */
    struct field *fields, **fields_tail;
    int line;
    int depth;       /* Of the structs inside: 1 if there are none. */
    bool is_used;    /* Some field or message is of this type. */
    bool is_visited; /* For the search for cycles. */
    bool is_printed; /* The header has it already. */
};

enum schema_kind { SCHEMA_API, SCHEMA_RECORD, SCHEMA_DATA };

struct message {
    const char *name; /* fetch_request */
    const char *part; /* request, response, key, value or fields. */
    struct versions versions;
    int flexible; /* First flexible version, or VERSION_MAX for never. */
    struct structure *root;
};

enum { LISTENER_BROKER = 1, LISTENER_CONTROLLER = 2 };

/* Which log a record type is of; record types count anew in each. */
enum schema_log {
    LOG_METADATA,
    LOG_GROUPS,
    LOG_TRANSACTIONS,
    LOG_SHARE,
    LOG_REMOTE,
    LOG_COUNT,
};

/* metadata, groups, ... */
extern const char *const schema_log_words[LOG_COUNT];

struct schema {
    const char *file, *name;
    const char *header; /* What its header and tables are called: as the file. */
    enum schema_kind kind;
    enum schema_log log; /* Of SCHEMA_RECORD. */
    int key;             /* API key or record type; -1 for SCHEMA_DATA. */
    int flexible;        /* Of messages that do not say: as there. */
    int unstable;        /* First unstable version, or VERSION_MAX for none. */
    unsigned listeners;
    struct message messages[2];
    int message_count;
    struct structure *structures, **structures_tail; /* In the order of the file. */
    const char *title;                               /* The comment the file begins with. */
    struct arena *arena;
    const char *error; /* NULL while all is well. */
};

/* Notes an error, unless there is one already. */
void schema_fail(struct schema *schema, int line, const char *format, ...) PRINTF(3, 4);

/* Reads the text of a schema file.  On an error `schema->error` is set. */
void schema_parse(struct schema *schema, struct arena *arena, const char *file, struct slice text);

/* Finds the types that fields name, gives structs their C names and refuses what has
 * no meaning: names that collide, tags twice, defaults that do not fit, ... */
void schema_check(struct schema *schema);

/* Refuses two schemas with the same message, file name or key; the error goes to the later
 * one. */
void schema_check_unique(struct schema *schemas, int count);

/* One step of a plan; wire/message.h says what they mean. */
struct op {
    const char *kind;
    unsigned flags;
    const struct structure *structure; /* With `field`: where the offset comes from. */
    const struct field *field;
    const struct field *outer; /* Of a field inside a field: the one around it, else NULL. */
    const struct field *last; /* `b` is how far this one reaches behind `field`; NULL: it is not. */
    int at;                   /* Without a field, in the offset's place. */
    int a, b;
};

struct plan {
    const struct structure *structure; /* NULL for elements and payloads. */
    int type;                          /* In `types`, or -1 for a payload. */
    int op_first, op_count;
    int absent_first, absent_count;
    int varying_first, varying_count;
    int size_fixed;
    int size_min;
    bool has_image;
};

/* What a plan fills: a struct, or the bare element of an array. */
struct plan_type {
    const struct structure *structure;
    enum field_type bare; /* Without a structure. */
    int all;              /* The plan of all fields of all versions, or -1. */
};

struct plans {
    struct arena *arena;
    struct op *ops;
    struct plan *plans;
    struct plan_type *types;
    const char **names;
    int *name_at; /* Where in the pool of names each begins. */
    int *roots;   /* By version, from the lowest. */
    int op_count, plan_count, type_count, name_count, root_count, names_size;
};

/* Works out the plans of one message in all its versions. */
void plan_build(const struct schema *schema, const struct message *message, struct plans *plans);

/* Prints a message as it is in each of its versions, as JSON (tools/msgc/main.c). */
void project_message(const struct schema *schema, const struct message *message, struct text *out);

/* Write C: the header of a schema, its tables, and what knows all of them. */
void emit_header(const struct schema *schema, struct text *out);
void emit_tables(const struct schema *schema, struct arena *arena, struct text *out);
void emit_all_header(const struct schema *schemas, int count, struct text *out);
void emit_all_tables(const struct schema *schemas, int count, struct text *out);

/* `fetch_request` in capitals. */
const char *emit_upper(struct arena *arena, const char *name);
