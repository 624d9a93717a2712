/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/group_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum {
    MS_PER_SECOND = 1000,
    SECONDS_PER_MINUTE = 60,
    SECONDS_PER_HOUR = 3600,
    SECONDS_PER_DAY = 86400,
    MINUTES_PER_HOUR = 60,
    FIELDS_MAX = 4,
    QUOTED_FROM = 25, /* Longer values are in quotes whatever they are. */
};

/* --- partitions -------------------------------------------------------------- */

/* All of the bytes are a whole number, perhaps with a sign. */
static bool read_number(struct slice s, int64_t min, int64_t max, int64_t *out)
{
    char text[24];
    char *end;
    long long number;

    if (s.size == 0 || s.size >= sizeof(text) || isspace(s.data[0]))
        return false;
    memcpy(text, s.data, s.size);
    text[s.size] = 0;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno || *end || number < min || number > max)
        return false;
    *out = number;
    return true;
}

/* What is in front of the first `separator`, which `*rest` moves behind. */
static struct slice split(struct slice *rest, char separator)
{
    const uint8_t *at = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    struct slice first = *rest;

    if (at)
        first.size = (size_t)(at - rest->data);
    *rest =
        slice_of(rest->data + first.size + (at ? 1 : 0), rest->size - first.size - (at ? 1 : 0));
    return first;
}

static struct slice without_last(struct slice s, char last)
{
    while (s.size > 0 && s.data[s.size - 1] == (uint8_t)last)
        s.size--;
    return s;
}

bool group_words_topic(const char *word, struct arena *arena, struct group_topic *out,
                       struct text *why)
{
    struct slice rest = without_last(slice_text(word), ':');
    struct slice numbers;

    *out = (struct group_topic){.name = slice_text(word)};
    if (!strchr(word, ':'))
        return true;
    out->name = split(&rest, ':');
    numbers = without_last(rest, ',');
    if (numbers.size == 0 || memchr(numbers.data, ':', numbers.size)) {
        text_printf(why, "Invalid topic arg '%s', expected topic name and partitions", word);
        return false;
    }
    out->partitions = arena_new(arena, numbers.size * sizeof(*out->partitions));
    while (numbers.size > 0) {
        struct slice one = split(&numbers, ',');
        int64_t number;

        if (!read_number(one, INT32_MIN, INT32_MAX, &number)) {
            text_printf(why, "Invalid partition '%.*s' specified in topic arg '%s''",
                        SLICE_ARG(one), word);
            return false;
        }
        out->partitions[out->count++] = (int32_t)number;
    }
    return true;
}

/* --- durations --------------------------------------------------------------- */

static const struct {
    char letter;
    bool is_time; /* Behind the T. */
    int64_t seconds;
    const char *name;
} units[] = {
    {'D', false, SECONDS_PER_DAY, "days"},
    {'H', true, SECONDS_PER_HOUR, "hours"},
    {'M', true, SECONDS_PER_MINUTE, "minutes"},
    {'S', true, 1, "seconds"},
};

/* The digits behind a second's point, in milliseconds; moves on behind them. */
static int64_t read_fraction(const char **at)
{
    int64_t ms = 0;
    int64_t weight = 100;

    if (**at != '.' && **at != ',')
        return 0;
    for ((*at)++; isdigit((unsigned char)**at); (*at)++) {
        ms += (**at - '0') * weight;
        weight /= 10;
    }
    return ms;
}

static size_t digits_of(const char *at)
{
    size_t sign = *at == '-' || *at == '+';
    size_t digits = 0;

    while (isdigit((unsigned char)at[sign + digits]))
        digits++;
    return digits ? sign + digits : 0;
}

struct duration {
    int64_t ms;
    size_t unit; /* The next that may come. */
    bool is_time, has_unit, has_time_unit;
    const char *overflow; /* The unit whose number is too large. */
};

/* Reads a number and its unit; false if there is none. */
static bool read_unit(struct duration *d, const char **at)
{
    size_t size = digits_of(*at);
    const char *p = *at + size;
    bool is_negative = **at == '-';
    bool has_fraction = *p == '.' || *p == ',';
    int64_t fraction = read_fraction(&p);
    int64_t number, ms;

    if (size == 0)
        return false;
    while (d->unit < COUNT_OF(units) && units[d->unit].letter != toupper((unsigned char)*p))
        d->unit++;
    if (d->unit == COUNT_OF(units) || units[d->unit].is_time != d->is_time ||
        (has_fraction && units[d->unit].letter != 'S'))
        return false;
    if (!read_number(slice_of(*at, size), INT64_MIN, INT64_MAX, &number) ||
        __builtin_mul_overflow(number, units[d->unit].seconds * MS_PER_SECOND, &ms) ||
        __builtin_add_overflow(ms, is_negative ? -fraction : fraction, &ms) ||
        __builtin_add_overflow(d->ms, ms, &d->ms))
        d->overflow = d->overflow ? d->overflow : units[d->unit].name;
    d->has_unit = true;
    d->has_time_unit = d->is_time;
    d->unit++;
    *at = p + 1;
    return true;
}

bool group_words_duration(const char *word, int64_t *out_ms, struct text *why)
{
    struct duration d = {.ms = 0};
    bool is_negative = *word == '-';
    const char *at = word + (*word == '-' || *word == '+');
    bool is_good = toupper((unsigned char)*at) == 'P';

    at += is_good;
    while (is_good && *at) {
        if (!d.is_time && toupper((unsigned char)*at) == 'T') {
            d.is_time = true;
            at++;
        } else {
            is_good = read_unit(&d, &at);
        }
    }
    if (!is_good || !d.has_unit || (d.is_time && !d.has_time_unit)) {
        text_printf(why, "Text cannot be parsed to a Duration");
        return false;
    }
    if (d.overflow) {
        text_printf(why, "Text cannot be parsed to a Duration: %s", d.overflow);
        return false;
    }
    *out_ms = is_negative ? -d.ms : d.ms;
    return true;
}

/* --- dates ------------------------------------------------------------------- */

/* Digits, then `behind`; moves on behind it. */
static bool read_part(const char **at, char behind, int64_t *out)
{
    size_t size = strspn(*at, "0123456789");

    if (!read_number(slice_of(*at, size), 0, INT32_MAX, out) || (behind && (*at)[size] != behind))
        return false;
    *at += size + (behind != 0);
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970 to the first of January. */
static int64_t days_to_year(int64_t year)
{
    int64_t before = year - 1;

    return (year - 1970) * 365 + (before / 4 - before / 100 + before / 400) -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* "Z", or a sign with "02", "0200" or "02:00". */
static bool read_zone(const char *at, int64_t *out_seconds)
{
    int64_t hours;
    int64_t minutes = 0;

    *out_seconds = 0;
    if (*at == 'Z')
        return true;
    if ((*at != '+' && *at != '-') || strspn(at + 1, "0123456789") < 2)
        return false;
    if (!read_number(slice_of(at + 1, 2), 0, 23, &hours))
        return false;
    if (strspn(at + 3 + (at[3] == ':'), "0123456789") >= 2 &&
        !read_number(slice_of(at + 3 + (at[3] == ':'), 2), 0, MINUTES_PER_HOUR - 1, &minutes))
        return false;
    *out_seconds = (hours * MINUTES_PER_HOUR + minutes) * SECONDS_PER_MINUTE;
    if (*at == '-')
        *out_seconds = -*out_seconds;
    return true;
}

static bool read_datetime(const char *at, int64_t *out_ms)
{
    int64_t year, month, day, hour, minute, second, ms, zone, days;

    if (!read_part(&at, '-', &year) || !read_part(&at, '-', &month) || !read_part(&at, 'T', &day) ||
        !read_part(&at, ':', &hour) || !read_part(&at, ':', &minute) ||
        !read_part(&at, '.', &second) || !read_part(&at, 0, &ms) || !read_zone(at, &zone))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
        hour > 23 || minute > 59 || second > 59 || ms >= MS_PER_SECOND)
        return false;
    days = days_to_year(year) + day - 1;
    for (int64_t m = 1; m < month; m++)
        days += days_of_month(year, m);
    *out_ms = (days * SECONDS_PER_DAY + hour * SECONDS_PER_HOUR + minute * SECONDS_PER_MINUTE +
               second - zone) *
                  MS_PER_SECOND +
              ms;
    return true;
}

bool group_words_datetime(const char *word, int64_t *out_ms, struct text *why)
{
    const char *time = strchr(word, 'T');
    struct text whole = {.data = NULL};
    bool is_good;

    if (time)
        time += strspn(time, "T");
    if (!time || !*time) {
        text_printf(why, "java.text.ParseException: Error parsing timestamp. "
                         "It does not contain a 'T' according to ISO8601 format");
        return false;
    }
    text_printf(&whole, "%s%s", word, time[strcspn(time, "+-Z")] ? "" : "Z");
    is_good = read_datetime(whole.data, out_ms);
    if (!is_good)
        text_printf(why, "java.text.ParseException: Unparseable date: \"%s\"", whole.data);
    text_fini(&whole);
    return is_good;
}

/* --- files ------------------------------------------------------------------- */

/* The next value of a line, without its quotes; `*rest` moves behind the comma. */
static struct slice next_field(struct slice *rest, struct arena *arena)
{
    uint8_t *text;
    size_t size = 0;
    size_t at = 1;

    if (rest->size == 0 || rest->data[0] != '"')
        return split(rest, ',');
    text = arena_new(arena, rest->size);
    for (; at < rest->size; at++) {
        if (rest->data[at] == '"' && (at + 1 == rest->size || rest->data[++at] != '"'))
            break;
        text[size++] = rest->data[at];
    }
    *rest = slice_of(rest->data + min_of(at, rest->size), rest->size - min_of(at, rest->size));
    split(rest, ',');
    return slice_of(text, size);
}

static struct slice trimmed(struct slice s)
{
    while (s.size > 0 && isspace(s.data[0]))
        s = slice_of(s.data + 1, s.size - 1);
    while (s.size > 0 && isspace(s.data[s.size - 1]))
        s.size--;
    return s;
}

/* Nothing counts as 0. */
static bool read_field(struct slice field, int64_t max, int64_t *out)
{
    struct slice s = trimmed(field);

    *out = 0;
    return s.size == 0 || read_number(s, -max - 1, max, out);
}

/* Reads a line; false, with what is wrong, if it is none. */
static bool read_line(struct slice line, bool has_group, struct arena *arena,
                      struct group_line *out, struct text *why)
{
    struct slice fields[FIELDS_MAX + 1];
    size_t first = has_group ? 0 : 1; /* Without a group it is as if that were missing. */
    int64_t partition;

    for (size_t i = 0; i < COUNT_OF(fields); i++)
        fields[i] = slice_empty();
    fields[0] = slice_null();
    if (trimmed(line).size == 0) {
        text_printf(why, "the line is empty");
        return false;
    }
    for (size_t i = first; i < COUNT_OF(fields) && line.size > 0; i++)
        fields[i] = next_field(&line, arena);
    if (fields[FIELDS_MAX].size > 0 || line.size > 0) {
        text_printf(why, "there are too many values");
        return false;
    }
    if (!read_field(fields[2], INT32_MAX, &partition)) {
        text_printf(why, "'%.*s' is no partition", SLICE_ARG(fields[2]));
        return false;
    }
    *out = (struct group_line){
        .group = fields[0],
        .topic = fields[1],
        .partition = (int32_t)partition,
    };
    if (!read_field(fields[3], INT64_MAX, &out->offset)) {
        text_printf(why, "'%.*s' is no offset", SLICE_ARG(fields[3]));
        return false;
    }
    return true;
}

bool group_words_file(struct slice file, bool is_single, struct arena *arena,
                      struct group_lines *out, struct text *why)
{
    struct slice rest = without_last(file, '\n');
    bool has_group = !is_single;
    size_t room = 0;

    *out = (struct group_lines){.rows = NULL};
    rest.data = (const uint8_t *)arena_text(arena, rest.data, rest.size);
    do {
        struct slice line = without_last(split(&rest, '\n'), '\r');
        struct text mistake = {.data = NULL};
        struct group_line row;
        bool is_good;

        if (out->count == 0 && is_single) {
            has_group = !read_line(line, false, arena, &row, &mistake);
            text_cut(&mistake, 0);
        }
        is_good = read_line(line, has_group, arena, &row, &mistake);
        if (!is_good)
            text_printf(why, "Line %zu of the file: %s", out->count + 1, mistake.data);
        text_fini(&mistake);
        if (!is_good)
            return false;
        out->rows = arena_grow(arena, out->rows, out->count, &room, sizeof(*out->rows));
        out->rows[out->count++] = row;
    } while (rest.size > 0);
    return true;
}

void group_words_print(struct slice value, struct text *out)
{
    bool is_quoted = value.size >= QUOTED_FROM;

    for (size_t i = 0; i < value.size; i++)
        is_quoted = is_quoted || value.data[i] <= ',';
    if (!is_quoted) {
        text_add(out, value.data, value.size);
        return;
    }
    text_printf(out, "\"");
    for (size_t i = 0; i < value.size; i++)
        text_printf(out, "%s%c", value.data[i] == '"' ? "\"" : "", value.data[i]);
    text_printf(out, "\"");
}
