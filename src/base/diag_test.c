/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/json.h"
#include "test/harness/check.h"

DIAG_MODULE("sample");

/* Keeps the last line as text. */
struct recorder {
    struct diag diag;
    int lines;
    char text[200];
};

static void record(struct diag *diag, const struct diag_line *line)
{
    struct recorder *r = container_of(diag, struct recorder, diag);

    r->lines++;
    check(diag_print(line, r->text, sizeof(r->text)) == strlen(r->text));
}

static struct recorder recorder_of(enum diag_level level)
{
    return (struct recorder){.diag = {.level = level, .sink = record}};
}

TEST(diag, a_line_is_a_sentence_and_typed_fields)
{
    struct recorder r = recorder_of(DIAG_INFO);

    diag_warn(&r.diag, "log tail cut off", kv("topic", "orders"), kv("bytes", 312));
    check_text(r.text, "warn sample: log tail cut off topic=orders bytes=312");
    diag_error(&r.diag, "stopped");
    check_text(r.text, "error sample: stopped");
    diag_info(&r.diag, "x", kv("a", INT64_MIN), kv("b", (uint8_t)7), kv("s", slice_text("y")));
    check_text(r.text, "info sample: x a=-9223372036854775808 b=7 s=y");
}

static int count(int *calls)
{
    return ++*calls;
}

TEST(diag, a_line_above_the_level_is_not_made)
{
    struct recorder r = recorder_of(DIAG_WARN);
    int calls = 0;

    diag_info(&r.diag, "not said", kv("calls", count(&calls)));
    diag_debug(&r.diag, "not said");
    check_eq(r.lines, 0);
    check_eq(calls, 0);
    diag_warn(&r.diag, "said", kv("calls", count(&calls)));
    check_eq(r.lines, 1);
    check_eq(calls, 1);
}

TEST(diag, text_from_outside_cannot_forge_a_line)
{
    struct recorder r = recorder_of(DIAG_INFO);

    diag_info(&r.diag, "x", kv("name", "a\nerror b: c"));
    check_text(r.text, "info sample: x name=\"a\\x0aerror b: c\"");
    diag_info(&r.diag, "x", kv("name", "a\x1b[31m\x7f"));
    check_text(r.text, "info sample: x name=\"a\\x1b[31m\\x7f\"");
    diag_info(&r.diag, "x", kv("name", "say \"\\\""));
    check_text(r.text, "info sample: x name=\"say \\\"\\\\\\\"\"");
    diag_info(&r.diag, "x", kv("name", slice_of("a\0b", 3)));
    check_text(r.text, "info sample: x name=\"a\\x00b\"");
    diag_info(&r.diag, "x", kv("name", "caf\xc3\xa9"));
    check_text(r.text, "info sample: x name=caf\xc3\xa9");
}

TEST(diag, null_and_empty_look_different)
{
    struct recorder r = recorder_of(DIAG_INFO);

    diag_info(&r.diag, "x", kv("a", slice_null()), kv("b", slice_empty()));
    check_text(r.text, "info sample: x a=null b=\"\"");
}

TEST(diag, a_long_line_is_cut_with_its_end_in_place)
{
    const struct diag_field field = diag_text("name", "0123456789");
    const struct diag_line line = {
        .level = DIAG_INFO, .module = "m", .sentence = "s", .fields = &field, .field_count = 1};
    char out[32];
    size_t whole = diag_print(&line, out, sizeof(out));

    check_text(out, "info m: s name=0123456789");
    for (size_t room = 1; room <= sizeof(out); room++) {
        memset(out, 'x', sizeof(out));
        check_eq(diag_print(&line, out, room), min_of(room - 1, whole));
        check_eq(strlen(out), min_of(room - 1, whole));
    }
}

TEST(diag, every_level_has_a_name)
{
    check_text(diag_level_name(DIAG_ERROR), "error");
    check_text(diag_level_name(DIAG_WARN), "warn");
    check_text(diag_level_name(DIAG_INFO), "info");
    check_text(diag_level_name(DIAG_DEBUG), "debug");
    check_bug(diag_level_name(DIAG_TRACE + 1));
}

static void swallow(struct diag *diag, const struct diag_line *line)
{
    (void)diag;
    (void)line;
}

TEST(diag, a_module_may_say_more_or_less_than_the_others)
{
    struct diag diag = {.level = DIAG_INFO, .sink = swallow};

    check(diag_find_module("store") == DIAG_MODULE_store);
    check(diag_find_module("nobody") == DIAG_MODULES);
    diag_set_level(&diag, DIAG_MODULE_store, DIAG_DEBUG);
    check(diag_says(&diag, "store", DIAG_DEBUG));
    check(!diag_says(&diag, "broker", DIAG_DEBUG));
    check(diag.level == DIAG_DEBUG); /* Else the line would not even be asked for. */
    diag_set_level(&diag, DIAG_MODULES, DIAG_ERROR);
    check(diag_says(&diag, "store", DIAG_DEBUG));
    check(!diag_says(&diag, "broker", DIAG_WARN));
    diag_set_level(&diag, DIAG_MODULE_store, -1);
    check(diag_get_level(&diag, DIAG_MODULE_store) == DIAG_ERROR);
    check(diag.level == DIAG_ERROR);
}

TEST(diag, a_sentence_keeps_its_number)
{
    struct recorder r = recorder_of(DIAG_INFO);

    check_eq(diag_message_id("stopping"), 7001);
    check_eq(diag_message_id("not in the table"), 0);
    diag_info(&r.diag, "stopping", kv("signal", 15));
    check_text(r.text, "info sample M7001: stopping signal=15");
}

static void check_json(const struct diag_field *fields, size_t count, const char *want)
{
    const struct diag_line line = {.level = DIAG_WARN,
                                   .module = "store",
                                   .sentence = "stopping",
                                   .fields = fields,
                                   .field_count = count};
    struct text out = {.data = NULL};

    diag_print_json(&line, "T", &out);
    check_text(out.data, want);
    text_fini(&out);
}

TEST(diag, a_line_of_json_is_json_whatever_is_in_it)
{
    const struct diag_field fields[] = {
        diag_slice("name", slice_of("a\0\xff\"\n", 5)),
        diag_i64("bytes", -3),
        diag_slice("none", slice_null()),
    };

    check_json(fields, 0,
               "{\"time\":\"T\",\"level\":\"warn\",\"id\":\"M7001\",\"logger\":\"moldau.store\","
               "\"message\":\"stopping\",\"fields\":{}}");
    check_json(fields, 3,
               "{\"time\":\"T\",\"level\":\"warn\",\"id\":\"M7001\",\"logger\":\"moldau.store\","
               "\"message\":\"stopping\",\"fields\":{"
               "\"name\":\"a\\u0000\xef\xbf\xbd\\\"\\n\",\"bytes\":-3,\"none\":null}}");
}

TEST(diag, a_long_text_is_cut_and_the_line_stays_json)
{
    static char bytes[DIAG_JSON_TEXT_MAX * 2];
    const struct diag_field field = diag_slice("x", slice_of(bytes, sizeof(bytes)));
    const struct diag_line line = {
        .level = DIAG_WARN, .module = "store", .sentence = "s", .fields = &field, .field_count = 1};
    struct text out = {.data = NULL};
    struct json json;

    memset(bytes, 'y', sizeof(bytes));
    diag_print_json(&line, "T", &out);
    json_init(&json, text_slice(&out));
    check(json_skip(&json) && json_end(&json));
    check(out.size > DIAG_JSON_TEXT_MAX && out.size < DIAG_JSON_TEXT_MAX + 200);
    text_fini(&out);
}
