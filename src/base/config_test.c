/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "test/harness/check.h"

struct sample {
    bool on;
    int64_t size;
    char *mode;
    char *list;
};

static const struct config_row rows[] = {
    {.name = "sample.on",
     .type = CONFIG_BOOL,
     .initial = "true",
     .offset = offsetof(struct sample, on)},
    {.name = "sample.size",
     .type = CONFIG_INT,
     .initial = "7",
     .min = 1,
     .max = 100,
     .offset = offsetof(struct sample, size)},
    {.name = "sample.mode",
     .type = CONFIG_TEXT,
     .initial = "disk",
     .choices = "disk|page-cache",
     .offset = offsetof(struct sample, mode)},
    {.name = "sample.list",
     .type = CONFIG_LIST,
     .choices = "compact|delete",
     .offset = offsetof(struct sample, list)},
};
static const struct config_table table = {rows, COUNT_OF(rows)};

static int set(struct sample *s, const char *name, const char *value)
{
    struct text why = {.data = NULL};
    const struct config_row *row = config_find(&table, slice_text(name));
    int r = row ? config_set(row, s, slice_text(value), &why) : CONFIG_E_UNKNOWN;

    check(r != CONFIG_E_INVALID || why.size > 0);
    text_fini(&why);
    return r;
}

TEST(config, values_are_checked_and_a_refused_one_changes_nothing)
{
    struct sample s = {.on = false};

    config_defaults(&table, &s);
    check(s.on && s.size == 7);
    check_text(s.mode, "disk");
    check(!s.list);

    check_ok(set(&s, "sample.size", "100"));
    check_eq(set(&s, "sample.size", "101"), CONFIG_E_INVALID);
    check_eq(set(&s, "sample.size", "0"), CONFIG_E_INVALID);
    check_eq(set(&s, "sample.size", "1x"), CONFIG_E_INVALID);
    check_eq(set(&s, "sample.size", ""), CONFIG_E_INVALID);
    check_eq(set(&s, "sample.size", "99999999999999999999"), CONFIG_E_INVALID);
    check_eq(s.size, 100);
    check_ok(set(&s, "sample.on", "FALSE"));
    check_eq(set(&s, "sample.on", "no"), CONFIG_E_INVALID);
    check(!s.on);
    check_eq(set(&s, "sample.mode", "dis"), CONFIG_E_INVALID);
    check_ok(set(&s, "sample.mode", "page-cache"));
    check_ok(set(&s, "sample.list", "delete, compact"));
    check_eq(set(&s, "sample.list", "delete,x"), CONFIG_E_INVALID);
    check_eq(set(&s, "sample.nothing", "x"), CONFIG_E_UNKNOWN);
    config_fini(&table, &s);
}

TEST(config, the_nearest_name_is_found_for_a_typing_error)
{
    const struct config_row *row = config_nearest(&table, slice_text("sample.szie"));

    check(row && strcmp(row->name, "sample.size") == 0);
    check(!config_nearest(&table, slice_text("quite.another.thing")));
}

struct pairs {
    struct text out;
};

static int collect(void *context, struct slice key, struct slice value)
{
    struct pairs *pairs = context;

    text_printf(&pairs->out, "[%.*s=%.*s]", SLICE_ARG(key), SLICE_ARG(value));
    return 0;
}

TEST(config, properties_files_are_read_as_java_reads_them)
{
    struct pairs pairs = {.out = {.data = NULL}};
    struct text why = {.data = NULL};
    const char *file = "# comment\n! another\n\n a = 1 \nb:2\r\nc 3\nlong=x,\\\n   y\n"
                       "path=C\\:\\\\d\ntab=\\t|\nu=\\u00e9\nempty=\nlonely";

    check_ok(config_parse(slice_text(file), collect, &pairs, &why));
    check(slice_is_text(text_slice(&pairs.out), "[a=1][b=2][c=3][long=x,y][path=C:\\d][tab=\t|]"
                                                "[u=\xc3\xa9][empty=][lonely=]"));
    text_fini(&pairs.out);
    check_eq(config_parse(slice_text("x=\\u12"), collect, &pairs, &why), CONFIG_E_INVALID);
    check(why.size > 0);
    text_fini(&pairs.out);
    text_fini(&why);
}

FUZZ(config, properties)
{
    struct pairs pairs = {.out = {.data = NULL}};
    struct text why = {.data = NULL};
    int r = config_parse(slice_of(data ? data : (const uint8_t *)"", size), collect, &pairs, &why);

    check(r == 0 || r == CONFIG_E_INVALID);
    text_fini(&pairs.out);
    text_fini(&why);
}
