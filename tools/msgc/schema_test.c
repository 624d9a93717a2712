/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "tools/msgc/schema.h"

#define API "api 1 fetch  flexible 2+  listeners broker\n"
#define PLAIN                                                                                      \
    "request  versions 0-3\n"                                                                      \
    "  a  i32  0+\n"                                                                               \
    "response  versions 0-3\n"                                                                     \
    "  b  i32  0+\n"
#define PAIR "key  versions 0\nvalue  versions 0-1  flexible 1+\n"
/* A file whose third line is a field. */
#define FIELD(text) API "request  versions 0-3\n  " text "\nresponse  versions 0-3\n"

/* Reads and checks; the error, or NULL. */
static const char *error_of(struct arena *arena, struct slice text)
{
    struct schema schema;

    schema_parse(&schema, arena, "t.msg", text);
    schema_check(&schema);
    return schema.error;
}

static void check_good(const char *text)
{
    struct arena arena;
    const char *error;

    arena_init(&arena, NULL);
    error = error_of(&arena, slice_text(text));
    check_text(error, NULL);
    arena_reset(&arena);
}

TEST(schema, what_the_notation_allows_is_accepted)
{
    check_good(API PLAIN);
    check_good("# A title.\n\n" API "# More.\n" PLAIN "\n   \n");
    check_good("record 7 thing  flexible 0+\nfields  versions 0\n");
    check_good("record 7 thing  log share\n" PAIR);
    check_good(FIELD("a  i32  0+ since 4.4"));
    check_good("data header\nfields  versions 0-1\n  a  i16  0+\n");
    check_good(FIELD("a  string?  1+  null 2+ = null ignorable key  # prose"));
    check_good(FIELD("a  i32  0+ = -5 was old_name"));
    check_good(FIELD("a  i64  2+ tag 0 = 0x7fffffff"));
    check_good(FIELD("a  []thing  0+\n    b  i32  0+\n    c  []part  0+\n      d  bool  0+"));
    check_good(FIELD("a  []thing  0+\n  b  []thing  0+\nstruct thing\n  c  i32  0+"));
    check_good(FIELD("a  string  0+ classic"));
    check_good(FIELD("a  thing?  0+ = null\n    b  i32  0+"));
    check_good(FIELD("a  thing?  0+\n    b  i32  0+"));
    check_good(API "request  versions 0-3\nresponse  versions 0-3\n");
}

struct bad {
    const char *text;
    const char *error; /* What the error begins with. */
};

/* The words, the head and the order of a file. */
static const struct bad bad_files[] = {
    {"", "t.msg:0: no message in this file"},
    {"# nothing but prose\n", "t.msg:1: no message in this file"},
    {API, "t.msg:1: no message in this file"},
    {"nonsense 1\n", "t.msg:1: unknown word 'nonsense' at the start of a line"},
    {"api x fetch\n", "t.msg:1: expected a key, not 'x'"},
    {"api -1 fetch\n", "t.msg:1: expected a key, not '-1'"},
    {"api 99999 fetch\n", "t.msg:1: expected a key, not '99999'"},
    {"api 1 Fetch\n", "t.msg:1: the head needs a name in lower case, not 'Fetch'"},
    {"api 1\n", "t.msg:1: the head needs a name in lower case, not ''"},
    {"api 1 fetch  quick 2\n", "t.msg:1: unknown word 'quick' in the head"},
    {"api 1 fetch  flexible x\n", "t.msg:1: flexible needs versions such as 3, 3-7 or 3+, not 'x'"},
    {"api 1 fetch  listeners nobody\n", "t.msg:1: listeners are broker, controller or both"},
    {API "api 2 other\n", "t.msg:2: a second head; this file is about fetch"},
    {"request  versions 0\n", "t.msg:1: 'request' does not belong here"},
    {API "fields  versions 0\n", "t.msg:2: 'fields' does not belong here"},
    {"record 1 r\nrequest  versions 0\n", "t.msg:2: 'request' does not belong here"},
    {API "response  versions 0\n", "t.msg:2: 'response' is out of order or there twice"},
    {API PLAIN "request  versions 0\n", "t.msg:6: 'request' is out of order or there twice"},
    {API "request  versions 0\n", "t.msg:2: an api has a request and a response"},
    {API "key  versions 0\n", "t.msg:2: 'key' does not belong here"},
    {"data d\nkey  versions 0\n", "t.msg:2: 'key' does not belong here"},
    {"record 1 r\nkey  versions 0\n", "t.msg:2: a key has a value"},
    {"record 1 r\nvalue  versions 0\n", "t.msg:2: 'value' is out of order or there twice"},
    {"record 1 r\nkey  versions 0\nfields  versions 0\n", "t.msg:3: 'fields' does not belong"},
    {"record 1 r  log book\n", "t.msg:1: there is no log 'book'"},
    {"data d  log groups\n", "t.msg:1: unknown word 'log' in the head"},
    {API "request\n", "t.msg:2: 'request' needs its versions"},
    {API "request  versions 3-1\n", "t.msg:2: request needs versions such as 3, 3-7 or 3+"},
    {API "request  versions 0+\n", "t.msg:2: a message has a last version"},
    {API "request  versions 0 extra\n", "t.msg:2: unexpected 'extra'"},
    {API PLAIN "struct 7\n", "t.msg:6: struct needs a name in lower case, not '7'"},
    {API PLAIN "struct thing\n  a  i32  0+\n", "t.msg:6: struct thing is not used"},
    {API "\trequest\n", "t.msg:2: a tab; schemas are written with spaces"},
    {API "request  versions 0\n   a  i32  0+\n",
     "t.msg:3: indented by 3 spaces, which is not even"},
    {API "  a  i32  0+\n", "t.msg:2: deeper than the line above allows"},
};

/* A field, which stands in the third line. */
static const struct bad bad_fields[] = {
    {FIELD("A  i32  0+"), "t.msg:3: a field needs a name in lower case, not 'A'"},
    {FIELD("a"), "t.msg:3: '' is not a type"},
    {FIELD("a  [][]i32  0+"), "t.msg:3: '[]i32' is not a type"},
    {FIELD("a  i32"), "t.msg:3: a field needs versions such as 3, 3-7 or 3+, not ''"},
    {FIELD("a  i32  3-1"), "t.msg:3: a field needs versions"},
    {FIELD("a  i32  0+ sideways"), "t.msg:3: unknown word 'sideways' behind field a"},
    {FIELD("a  i32  0+\n      b  i32  0+"), "t.msg:4: deeper than the line above allows"},
    {FIELD("a  thing  0+"), "t.msg:3: type thing is not defined"},
    {FIELD("a  fetch_request  0+"), "t.msg:3: type fetch_request is not defined"},
    {FIELD("a  i32?  0+"), "t.msg:3: i32 a cannot be null"},
    {FIELD("a  i32  0+ null 1+"), "t.msg:3: 'null' is for types with a '?'"},
    {FIELD("a  []bytes  0+"), "t.msg:3: an array of bytes is not supported"},
    {FIELD("a  i32  0+ classic"), "t.msg:3: 'classic' is for strings"},
    {FIELD("a  i32  0+ ="), "t.msg:3: '=' needs a value"},
    {FIELD("a  i8  0+ = 128"), "t.msg:3: 128 cannot be the default of a"},
    {FIELD("a  u16  0+ = -1"), "t.msg:3: -1 cannot be the default of a"},
    {FIELD("a  i32  0+ = 3x"), "t.msg:3: 3x cannot be the default of a"},
    {FIELD("a  i64  0+ = 99999999999999999999"), "t.msg:3: 99999999999999999999 cannot be"},
    {FIELD("a  f64  0+ = x"), "t.msg:3: x is no number"},
    {FIELD("a  bool  0+ = 1"), "t.msg:3: a bool is true or false"},
    {FIELD("a  string  0+ = x"), "t.msg:3: a string's default is null or \"quoted\""},
    {FIELD("a  string  0+ = null"), "t.msg:3: null is the default of a, which has no '?'"},
    {FIELD("a  uuid  0+ = 0"), "t.msg:3: a uuid has no default to choose"},
    {FIELD("a  []i32  0+ = 1"), "t.msg:3: the default of an array is null or nothing"},
    {FIELD("a  i32  0+ tag"), "t.msg:3: 'tag' needs a number"},
    {FIELD("a  i32  0+ tag 0"), "t.msg:3: a is tagged before version 2, the first flexible one"},
    {FIELD("a  i32  2+ tag 0 1+"), "t.msg:3: a is tagged"},
    {FIELD("a  i32  0+\n  a  i32  0+"), "t.msg:4: a collides with a in line 3"},
    {FIELD("a  []i32  0+\n  a_count  i32  0+"), "t.msg:4: a_count collides with a in line 3"},
    {FIELD("a  i32  2+ tag 0\n  b  i32  2+ tag 0"), "t.msg:4: tag 0 is taken by a in line 3"},
    {FIELD("a  thing  0+\n    b  i32  0+\n  c  thing  0+\n    d  i32  0+"), "t.msg:5: struct"},
    {FIELD("a  []thing  0+\nstruct thing\n  b  []thing  0+"), "t.msg:4: struct thing contains"},
    {FIELD("a  []thing  0+\nstruct thing"), "t.msg:4: struct thing has no field"},
    {FIELD("a  string  0+ was 7"), "t.msg:3: was needs a name in lower case, not '7'"},
    {FIELD("a  string  0+ since 4"), "t.msg:3: 'since' needs a release such as 4.4"},
};

static void check_refused(const struct bad *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        const char *error;

        arena_init(&arena, NULL);
        error = error_of(&arena, slice_text(bad[i].text));
        if (!error || strncmp(error, bad[i].error, strlen(bad[i].error)) != 0)
            check_text(error, bad[i].error);
        arena_reset(&arena);
    }
}

TEST(schema, what_has_no_meaning_in_a_file_is_refused_with_its_line)
{
    check_refused(bad_files, COUNT_OF(bad_files));
}

TEST(schema, what_has_no_meaning_in_a_field_is_refused_with_its_line)
{
    check_refused(bad_fields, COUNT_OF(bad_fields));
}

TEST(schema, structs_nest_to_a_limit)
{
    struct text text = {.data = NULL};
    struct arena arena;
    const char *error;

    text_printf(&text, "%srequest  versions 0\n", API);
    for (int depth = 1; depth <= DEPTH_MAX + 3; depth++)
        text_printf(&text, "%*sf%d  []s%d  0+\n", 2 * depth, "", depth, depth);
    arena_init(&arena, NULL);
    error = error_of(&arena, text_slice(&text));
    check(error != NULL);
    check(strncmp(error, "t.msg:", 6) == 0);
    arena_reset(&arena);
    text_fini(&text);
}

TEST(schema, two_files_may_not_share_a_name_or_a_key)
{
    struct schema schemas[5];
    struct arena arena;

    arena_init(&arena, NULL);
    schema_parse(&schemas[0], &arena, "a.msg", slice_text(API PLAIN));
    schema_parse(&schemas[1], &arena, "b.msg", slice_text("api 1 other\n" PLAIN));
    schema_parse(&schemas[2], &arena, "c.msg", slice_text("api 2 fetch\n" PLAIN));
    schema_parse(&schemas[3], &arena, "there/b.msg", slice_text("api 3 third\n" PLAIN));
    schema_parse(&schemas[4], &arena, "d.msg", slice_text("record 1 fetch log groups\n" PAIR));
    for (size_t i = 0; i < COUNT_OF(schemas); i++)
        schema_check(&schemas[i]);
    schema_check_unique(schemas, COUNT_OF(schemas));
    check(!schemas[0].error);
    check_text(schemas[1].error, "b.msg:1: key 1 belongs to fetch in a.msg");
    check_text(schemas[2].error, "c.msg:1: fetch_request is defined in a.msg already");
    check_text(schemas[3].error, "there/b.msg:1: b.msg has the same file name");
    check(!schemas[4].error); /* Its messages are fetch_key and fetch_value. */
    arena_reset(&arena);
}

/* A name means the struct of the same message, or else one that both share. */
TEST(schema, request_and_response_may_have_structs_of_the_same_name)
{
    struct schema schema;
    struct arena arena;

    arena_init(&arena, NULL);
    schema_parse(&schema, &arena, "t.msg",
                 slice_text(API "request  versions 0\n"
                                "  a  []thing  0+\n"
                                "    b  i32  0+\n"
                                "  c  []other  0+\n"
                                "response  versions 0\n"
                                "  d  []thing  0+\n"
                                "    e  i32  0+\n"
                                "  f  []other  0+\n"
                                "struct other\n"
                                "  g  i32  0+\n"));
    schema_check(&schema);
    check(!schema.error);
    check_text(schema.messages[0].root->fields->structure->c_name, "fetch_request_thing");
    check_text(schema.messages[1].root->fields->structure->c_name, "fetch_response_thing");
    check_text(schema.messages[0].root->fields->structure->fields->name, "b");
    check_text(schema.messages[1].root->fields->next->structure->c_name, "fetch_other");
    arena_reset(&arena);
}

TEST(schema, a_field_knows_what_it_was_told)
{
    struct schema schema;
    struct arena arena;
    const struct field *f;

    arena_init(&arena, NULL);
    schema_parse(
        &schema, &arena, "t.msg",
        slice_text(FIELD("a  []string?  1+  null 2-3 tag 4 2+ = null ignorable key  # x")));
    f = schema.messages[0].root->fields;
    check_text(f->name, "a");
    check_text(f->comment, "x");
    check_text(f->fallback, "null");
    check(f->is_array && f->is_nullable && f->is_ignorable && f->is_key && !f->is_classic);
    check(f->type == TYPE_STRING && f->tag == 4);
    check(f->versions.low == 1 && f->versions.high == VERSION_MAX);
    check(f->null.low == 2 && f->null.high == 3);
    check(f->tagged.low == 2 && f->tagged.high == VERSION_MAX);
    check_eq(schema.key, 1);
    check_eq(schema.flexible, 2);
    check(schema.listeners == LISTENER_BROKER);
    arena_reset(&arena);
}

/* Any text is a schema or is refused at a line of it. */
FUZZ(schema, parse)
{
    struct arena arena;
    const char *error;

    arena_init(&arena, NULL);
    error = error_of(&arena, slice_of(data ? data : (const uint8_t *)"", size));
    check(!error || strncmp(error, "t.msg:", 6) == 0);
    arena_reset(&arena);
}
