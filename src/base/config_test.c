/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"
#include "test/harness/check.h"

struct sample {
    bool on;
    int64_t size;
    int64_t effort;
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
    {.name = "sample.effort",
     .type = CONFIG_INT,
     .initial = "-1",
     .min = 1,
     .max = 9,
     .choices = "-1",
     .offset = offsetof(struct sample, effort)},
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
    check_ok(set(&s, "sample.effort", "-1"));
    check_ok(set(&s, "sample.effort", "9"));
    check_eq(set(&s, "sample.effort", "0"), CONFIG_E_INVALID);
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

TEST(config, blanks_around_a_value_do_not_count)
{
    struct sample s = {.on = false};

    check_ok(set(&s, "sample.size", " 12\t"));
    check_eq(s.size, 12);
    check_ok(set(&s, "sample.on", " true "));
    check(s.on);
    check_ok(set(&s, "sample.mode", " disk\n"));
    check_text(s.mode, "disk");
    check_ok(set(&s, "sample.list", " compact , delete "));
    config_fini(&table, &s);
}

TEST(config, a_number_may_not_hide_a_zero_byte)
{
    const struct config_row *row = config_find(&table, slice_text("sample.size"));
    struct sample s = {.size = 7};
    struct text why = {.data = NULL};

    check_eq(config_set(row, &s, slice_of("5\0x", 3), &why), CONFIG_E_INVALID);
    check_eq(config_set(row, &s, slice_null(), &why), CONFIG_E_INVALID);
    check_eq(s.size, 7);
    text_fini(&why);
}

TEST(config, an_error_says_what_kafka_says)
{
    const struct config_row *row = config_find(&table, slice_text("sample.size"));
    struct text why = {.data = NULL};

    check_eq(config_check(row, slice_text("x"), &why), CONFIG_E_INVALID);
    check(slice_is_text(text_slice(&why), "Invalid value x for configuration sample.size: Not a "
                                          "number of type INT"));
    text_fini(&why);
    check_eq(config_check(row, slice_text("0"), &why), CONFIG_E_INVALID);
    check(slice_is_text(text_slice(&why), "Invalid value 0 for configuration sample.size: Value "
                                          "must be at least 1"));
    text_fini(&why);
    row = config_find(&table, slice_text("sample.effort"));
    check_eq(config_check(row, slice_text("0"), &why), CONFIG_E_INVALID);
    check(slice_is_text(text_slice(&why), "Invalid value 0 for configuration sample.effort: Value "
                                          "must be between 1 and 9 or equal to -1"));
    text_fini(&why);
}

static bool prints(const struct sample *s, const char *name, const char *want)
{
    struct text out = {.data = NULL};
    bool same;

    config_print(config_find(&table, slice_text(name)), s, &out);
    same = slice_is_text(text_slice(&out), want);
    text_fini(&out);
    return same;
}

TEST(config, a_copy_owns_its_texts_and_values_print_as_they_are_set)
{
    struct sample s = {.on = false};
    struct sample copy = {.on = false};

    config_defaults(&table, &s);
    check_ok(set(&s, "sample.size", "42"));
    config_copy(&table, &s, &copy);
    check_ok(set(&s, "sample.mode", "page-cache"));
    check(prints(&copy, "sample.on", "true") && prints(&copy, "sample.size", "42"));
    check(prints(&copy, "sample.mode", "disk") && prints(&copy, "sample.list", ""));
    check(prints(&s, "sample.mode", "page-cache"));
    config_fini(&table, &s);
    check(!s.mode);
    check_text(copy.mode, "disk");
    config_fini(&table, &copy);
}

TEST(config, a_table_that_breaks_its_own_rule_ends_the_process)
{
    const struct config_row broken = {.name = "x", .type = CONFIG_INT, .initial = "7", .max = 1};
    struct sample s = {.on = false};

    check_bug(config_defaults(&(struct config_table){&broken, 1}, &s));
}

TEST(config, real_numbers_have_bounds)
{
    const struct config_row row = {.name = "ratio", .type = CONFIG_DOUBLE, .max = 1};
    struct text why = {.data = NULL};
    double ratio = 0.25;

    check_ok(config_set(&row, &ratio, slice_text("0.5"), &why));
    check(ratio > 0.49 && ratio < 0.51);
    check_eq(config_set(&row, &ratio, slice_text("1.01"), &why), CONFIG_E_INVALID);
    check_eq(config_set(&row, &ratio, slice_text("nan"), &why), CONFIG_E_INVALID);
    check_eq(config_set(&row, &ratio, slice_text("inf"), &why), CONFIG_E_INVALID);
    check_eq(config_set(&row, &ratio, slice_text(""), &why), CONFIG_E_INVALID);
    check_eq(config_set(&row, &ratio, slice_text("0.1x"), &why), CONFIG_E_INVALID);
    text_fini(&why);
}
