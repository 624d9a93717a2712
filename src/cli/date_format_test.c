/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/date_format.h"
#include "test/harness/check.h"

#include <stdlib.h>
#include <time.h>

static void check_printed(const char *pattern, const char *expected)
{
    struct text text = {.data = NULL};

    check_ok(date_format_check(pattern, &text));
    check_eq(text.size, 0);
    date_format_print(pattern, INT64_C(1795791434079), &text);
    check_text(text.data, expected);
    text_fini(&text);
}

static void check_refused(const char *pattern, const char *sentence)
{
    struct text why = {.data = NULL};

    check_eq(date_format_check(pattern, &why), DATE_FORMAT_E_INVALID);
    check_text(why.data, sentence);
    text_fini(&why);
}

/* What Java prints of that time, in UTC. */
TEST(date_format, prints_as_java_does)
{
    setenv("TZ", "UTC", 1);
    tzset();
    check_printed("yyyy-MM-dd HH:mm:ss:SSS", "2026-11-27 14:57:14:079");
    check_printed("yy/M/d h:m:s a S", "26/11/27 2:57:14 PM 79");
    check_printed("EEE, d MMM yyyy HH:mm:ss Z", "Fri, 27 Nov 2026 14:57:14 +0000");
    check_printed("EEEE MMMM", "Friday November");
    check_printed("'at' H 'o''clock'", "at 14 o'clock");
}

TEST(date_format, refuses_what_it_does_not_know)
{
    check_refused("QQQ", "Illegal pattern character 'Q'");
    check_refused("ww", "The letter 'w' of a date format is not served");
    check_refused("HH 'x", "Unterminated quote");
}
