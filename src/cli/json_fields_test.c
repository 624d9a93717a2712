/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_fields.h"
#include "test/harness/check.h"

struct fixture {
    struct arena arena;
    struct text why;
    int32_t sum, count;
    bool is_good;
};

/* Reads {"items": [{"name": "a", "size": 1}]}. */
static void read_items(struct fixture *f, const char *text)
{
    struct fields fields;
    struct slice key;

    *f = (struct fixture){.why = {.data = NULL}};
    arena_init(&f->arena, NULL);
    fields_init(&fields, slice_text(text), &f->arena, &f->why);
    fields_enter(&fields, JSON_OBJECT);
    while (fields_key(&fields, &key)) {
        if (!slice_is_text(key, "items")) {
            fields_skip(&fields);
            continue;
        }
        fields_enter(&fields, JSON_ARRAY);
        while (fields_more(&fields)) {
            struct slice name = slice_null();
            int32_t size = -1;

            fields_enter(&fields, JSON_OBJECT);
            while (fields_key(&fields, &key)) {
                if (slice_is_text(key, "name"))
                    fields_string(&fields, &name);
                else
                    fields_number(&fields, &size);
            }
            fields_need(&fields, !slice_is_null(name), "name");
            f->sum += size;
            f->count++;
        }
    }
    f->is_good = fields_end(&fields);
}

static void end(struct fixture *f)
{
    arena_reset(&f->arena);
    text_fini(&f->why);
}

static void check_mistake(const char *text, const char *why)
{
    struct fixture f;

    read_items(&f, text);
    check(!f.is_good);
    check_text(f.why.data ? f.why.data : "", why);
    end(&f);
}

TEST(json_fields, what_is_there_is_read)
{
    struct fixture f;

    read_items(&f, "{\"version\": [1], \"items\": [{\"name\": \"a\", \"size\": 3},"
                   " {\"size\": 4, \"name\": \"b\"}]}");
    check(f.is_good);
    check_eq(f.count, 2);
    check_eq(f.sum, 7);
    end(&f);
}

TEST(json_fields, what_is_of_another_kind_is_shown)
{
    check_mistake("[ ]", "Expected JSON object, received [ ]");
    check_mistake("{\"items\": {}}", "Expected JSON array, received {}");
    check_mistake("{\"items\": [7]}", "Expected JSON object, received 7");
    check_mistake("{\"items\": [{\"name\": 7}]}", "Expected `String` value, received 7");
    check_mistake("{\"items\": [{\"size\": \"x\"}]}", "Expected `Integer` value, received \"x\"");
    check_mistake("{\"items\": [{\"size\": 5000000000}]}",
                  "Expected `Integer` value, received 5000000000");
    check_mistake("{\"items\": [{\"size\": 1.5}]}", "Expected `Integer` value, received 1.5");
}

TEST(json_fields, what_is_missing_is_named)
{
    check_mistake("{\"items\": [{\"size\": 1}]}", "No such field exists: `name`");
}

TEST(json_fields, what_is_no_json_gets_no_sentence)
{
    check_mistake("nonsense", "");
    check_mistake("{\"items\": [", "");
    check_mistake("{} {}", "");
}
