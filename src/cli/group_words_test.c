/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/group_words.h"
#include "test/harness/check.h"

struct fixture {
    struct arena arena;
    struct text why;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){.why = {.data = NULL}};
    arena_init(&f->arena, NULL);
}

static void end(struct fixture *f)
{
    arena_reset(&f->arena);
    text_fini(&f->why);
}

static void check_why(struct fixture *f, const char *sentence)
{
    check_text(f->why.data ? f->why.data : "", sentence);
    text_cut(&f->why, 0);
}

TEST(group_words, a_topic_may_have_partitions)
{
    struct fixture f;
    struct group_topic topic;

    start(&f);
    check(group_words_topic("orders", &f.arena, &topic, &f.why));
    check(slice_is_text(topic.name, "orders"));
    check_eq(topic.count, (size_t)0);
    check(group_words_topic("orders:0,12,3", &f.arena, &topic, &f.why));
    check(slice_is_text(topic.name, "orders"));
    check_eq(topic.count, (size_t)3);
    check_eq(topic.partitions[0], 0);
    check_eq(topic.partitions[1], 12);
    check_eq(topic.partitions[2], 3);
    check(group_words_topic(":1", &f.arena, &topic, &f.why));
    check_eq(topic.name.size, (size_t)0);
    check_eq(f.why.size, (size_t)0);
    end(&f);
}

TEST(group_words, what_names_no_partition_is_refused)
{
    struct fixture f;
    struct group_topic topic;

    start(&f);
    check(!group_words_topic("a:", &f.arena, &topic, &f.why));
    check_why(&f, "Invalid topic arg 'a:', expected topic name and partitions");
    check(!group_words_topic("a:1:2", &f.arena, &topic, &f.why));
    check_why(&f, "Invalid topic arg 'a:1:2', expected topic name and partitions");
    check(!group_words_topic("a:0,x", &f.arena, &topic, &f.why));
    check_why(&f, "Invalid partition 'x' specified in topic arg 'a:0,x''");
    check(!group_words_topic("a:99999999999", &f.arena, &topic, &f.why));
    check_why(&f, "Invalid partition '99999999999' specified in topic arg 'a:99999999999''");
    check(!group_words_topic("a:0,,1", &f.arena, &topic, &f.why));
    check_why(&f, "Invalid partition '' specified in topic arg 'a:0,,1''");
    end(&f);
}

TEST(group_words, durations_are_those_of_java)
{
    static const struct {
        const char *word;
        int64_t ms;
    } rows[] = {
        {"P1D", 86400000},          {"PT1H", 3600000},   {"PT1M", 60000},     {"PT1S", 1000},
        {"P1DT2H3M4.5S", 93784500}, {"pt1.25s", 1250},   {"PT0,001S", 1},     {"PT1.S", 1000},
        {"-P1D", -86400000},        {"P-1D", -86400000}, {"-PT-1H", 3600000}, {"+PT+1H", 3600000},
        {"PT-0.5S", -500},          {"PT0S", 0},
    };
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = 7;

        check(group_words_duration(rows[i].word, &ms, &f.why));
        check_eq(ms, rows[i].ms);
    }
    end(&f);
}

TEST(group_words, what_is_no_duration_is_refused)
{
    static const char *const words[] = {"",      "x",     "P",    "PT",     "1D",   "P1",
                                        "P1Y",   "P1W",   "P1H",  "PT1D",   "P1DT", "PT1S1M",
                                        "PT1HT", "P1.5D", "P1D ", "PT1M1M", "--P1D"};
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        int64_t ms = 7;

        check(!group_words_duration(words[i], &ms, &f.why));
        check_why(&f, "Text cannot be parsed to a Duration");
        check_eq(ms, 7);
    }
    check(!group_words_duration("P999999999999999D", &(int64_t){0}, &f.why));
    check_why(&f, "Text cannot be parsed to a Duration: days");
    check(!group_words_duration("PT99999999999999999999S", &(int64_t){0}, &f.why));
    check_why(&f, "Text cannot be parsed to a Duration: seconds");
    end(&f);
}

TEST(group_words, times_are_utc_or_have_a_zone)
{
    static const struct {
        const char *word;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00.000", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"1969-12-31T23:59:59.999", -1},
        {"2020-01-01T00:00:00.000", 1577836800000},
        {"2020-02-29T12:34:56.789", 1582979696789},
        {"2020-01-01T02:00:00.000+02:00", 1577836800000},
        {"2020-01-01T02:30:00.000+0230", 1577836800000},
        {"2019-12-31T19:00:00.000-05", 1577836800000},
        {"2020-1-1T0:0:0.0Z", 1577836800000},
        {"2000-03-01T00:00:00.000Z and more", 951868800000},
        {"2100-03-01T00:00:00.000", 4107542400000},
    };
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = 7;

        check(group_words_datetime(rows[i].word, &ms, &f.why));
        check_eq(ms, rows[i].ms);
    }
    end(&f);
}

TEST(group_words, what_is_no_time_is_refused)
{
    static const char *const words[] = {
        "2020-13-01T00:00:00.000Z", "2020-00-01T00:00:00.000Z", "2021-02-29T00:00:00.000Z",
        "2100-02-29T00:00:00.000Z", "2020-01-01T24:00:00.000Z", "2020-01-01T00:60:00.000Z",
        "2020-01-01T00:00:60.000Z", "2020-01-01T00:00:00Z",     "2020-01-01T00:00:00.000+2",
        "T00:00:00.000Z",           "2020-01-01T00:00:00.1000Z"};
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        int64_t ms = 7;

        check(!group_words_datetime(words[i], &ms, &f.why));
        check(strstr(f.why.data, "java.text.ParseException: Unparseable date: \""));
        check(strstr(f.why.data, words[i]));
        check_eq(ms, 7);
        text_cut(&f.why, 0);
    }
    check(!group_words_datetime("2020-01-01", &(int64_t){0}, &f.why));
    check_why(&f, "java.text.ParseException: Error parsing timestamp. It does not contain a 'T' "
                  "according to ISO8601 format");
    end(&f);
}

static bool read_file(struct fixture *f, const char *text, bool is_single, struct group_lines *out)
{
    return group_words_file(slice_text(text), is_single, &f->arena, out, &f->why);
}

TEST(group_words, the_first_line_tells_whether_a_file_names_groups)
{
    struct fixture f;
    struct group_lines lines;

    start(&f);
    check(read_file(&f, "a,0,17\nb,2,-1\n\n", true, &lines));
    check_eq(lines.count, (size_t)2);
    check(slice_is_null(lines.rows[0].group));
    check(slice_is_text(lines.rows[0].topic, "a"));
    check_eq(lines.rows[0].offset, (int64_t)17);
    check_eq(lines.rows[1].partition, 2);
    check(read_file(&f, "g,a,3,4\r\nh,b,0,1", true, &lines));
    check_eq(lines.count, (size_t)2);
    check(slice_is_text(lines.rows[0].group, "g"));
    check(slice_is_text(lines.rows[0].topic, "a"));
    check_eq(lines.rows[0].partition, 3);
    check_eq(lines.rows[0].offset, (int64_t)4);
    check(read_file(&f, "a,0,1", false, &lines));
    check(slice_is_text(lines.rows[0].group, "a"));
    check_eq(lines.rows[0].partition, 1);
    check_eq(lines.rows[0].offset, (int64_t)0);
    end(&f);
}

TEST(group_words, values_of_a_file_may_be_in_quotes)
{
    struct fixture f;
    struct group_lines lines;
    struct text out = {.data = NULL};

    start(&f);
    check(read_file(&f, "\"a,\"\"b\"\"\", 1 ,\"2\"\n", true, &lines));
    check(slice_is_text(lines.rows[0].topic, "a,\"b\""));
    check_eq(lines.rows[0].partition, 1);
    check_eq(lines.rows[0].offset, (int64_t)2);
    group_words_print(slice_text("a,\"b\""), &out);
    group_words_print(slice_text("a-b_c.d"), &out);
    group_words_print(slice_text("abcdefghijklmnopqrstuvwxy"), &out);
    check_text(out.data, "\"a,\"\"b\"\"\"a-b_c.d\"abcdefghijklmnopqrstuvwxy\"");
    text_fini(&out);
    end(&f);
}

TEST(group_words, a_bad_line_of_a_file_is_named)
{
    struct fixture f;
    struct group_lines lines;

    start(&f);
    check(!read_file(&f, "", true, &lines));
    check_why(&f, "Line 1 of the file: the line is empty");
    check(!read_file(&f, "a,0,1\n\nb,0,1\n", true, &lines));
    check_why(&f, "Line 2 of the file: the line is empty");
    check(!read_file(&f, "a,0,1\na,0,1,2\n", true, &lines));
    check_why(&f, "Line 2 of the file: there are too many values");
    check(!read_file(&f, "a,0,1\na,x,1\n", true, &lines));
    check_why(&f, "Line 2 of the file: 'x' is no partition");
    check(!read_file(&f, "g,a,0,x", false, &lines));
    check_why(&f, "Line 1 of the file: 'x' is no offset");
    end(&f);
}

/* No file may crash the reader, and what is read has a place for each line. */
FUZZ(group_words, file)
{
    struct fixture f;
    struct group_lines lines;

    start(&f);
    for (int is_single = 0; is_single < 2; is_single++) {
        if (group_words_file(slice_of(data, size), is_single, &f.arena, &lines, &f.why))
            check(lines.count > 0);
        else
            check(f.why.size > 0);
        text_cut(&f.why, 0);
    }
    end(&f);
}
