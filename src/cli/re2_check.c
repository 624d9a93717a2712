/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/re2_check.h"

#include <ctype.h>

enum {
    REPEAT_MAX = 1000,
    NAMES_MAX = 64, /* Of captures, that are told apart. */
    POINT_MAX = 0x10ffff,
    NOT_ASCII = 0x80,
    OCTAL = 8,
    HEX = 16,
};

static const char *const missing_bracket = "missing closing ]";
static const char *const missing_paren = "missing closing )";
static const char *const missing_argument = "missing argument to repetition operator";
static const char *const bad_perl = "invalid or unsupported Perl syntax";
static const char *const bad_capture = "invalid named capture";
static const char *const bad_escape = "invalid escape sequence";
static const char *const bad_range = "invalid character class range";
static const char *const bad_repeat = "invalid repeat count";
static const char *const nested_repeat = "invalid nested repetition operator";

struct reader {
    struct slice rest;
    const char *error;
    int depth;        /* Of parentheses. */
    bool has_operand; /* There is something to repeat. */
    bool is_behind_repeat;
    struct slice names[NAMES_MAX]; /* Of captures. */
    size_t name_count;
};

static int peek(const struct reader *r)
{
    return r->rest.size ? r->rest.data[0] : -1;
}

static void skip(struct reader *r, size_t size)
{
    r->rest = slice_of(r->rest.data + size, r->rest.size - size);
}

static bool begins(const struct reader *r, const char *text)
{
    size_t size = strlen(text);

    return r->rest.size >= size && memcmp(r->rest.data, text, size) == 0;
}

static void fail(struct reader *r, const char *error)
{
    if (!r->error)
        r->error = error;
    r->rest.size = 0;
}

/* How many bytes are in front of `text`, or -1. */
static ptrdiff_t find(const struct reader *r, const char *text)
{
    const uint8_t *at =
        r->rest.size ? memmem(r->rest.data, r->rest.size, text, strlen(text)) : NULL;

    return at ? at - r->rest.data : -1;
}

/* --- names of classes -------------------------------------------------------- */

static const char *const posix_classes[] = {
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
    "lower", "print", "punct", "space", "upper", "word",  "xdigit",
};

static const char *const unicode_classes[] = {
    "Any",
    "C",
    "Cc",
    "Cf",
    "Co",
    "Cs",
    "L",
    "Ll",
    "Lm",
    "Lo",
    "Lt",
    "Lu",
    "M",
    "Mc",
    "Me",
    "Mn",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Pe",
    "Pf",
    "Pi",
    "Po",
    "Ps",
    "S",
    "Sc",
    "Sk",
    "Sm",
    "So",
    "Z",
    "Zl",
    "Zp",
    "Zs",
    /* Scripts. */
    "Arabic",
    "Armenian",
    "Balinese",
    "Bengali",
    "Bopomofo",
    "Braille",
    "Buginese",
    "Buhid",
    "Canadian_Aboriginal",
    "Carian",
    "Cham",
    "Cherokee",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Kannada",
    "Katakana",
    "Kayah_Li",
    "Kharoshthi",
    "Khmer",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Linear_B",
    "Lycian",
    "Lydian",
    "Malayalam",
    "Mongolian",
    "Myanmar",
    "New_Tai_Lue",
    "Nko",
    "Ogham",
    "Ol_Chiki",
    "Old_Italic",
    "Old_Persian",
    "Oriya",
    "Osmanya",
    "Phags_Pa",
    "Phoenician",
    "Rejang",
    "Runic",
    "Saurashtra",
    "Shavian",
    "Sinhala",
    "Sundanese",
    "Syloti_Nagri",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Tai_Le",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Ugaritic",
    "Vai",
    "Yi",
};

static bool is_listed(const char *const *names, size_t count, struct slice name)
{
    if (name.size > 0 && name.data[0] == '^')
        name = slice_of(name.data + 1, name.size - 1);
    for (size_t i = 0; i < count; i++)
        if (slice_is_text(name, names[i]))
            return true;
    return false;
}

/* "\pN" or "\p{Greek}". */
static void read_unicode_class(struct reader *r)
{
    ptrdiff_t end;
    struct slice name;

    skip(r, 2);
    if (peek(r) == '{') {
        end = find(r, "}");
        if (end < 0) {
            fail(r, bad_range);
            return;
        }
        name = slice_of(r->rest.data + 1, (size_t)end - 1);
        skip(r, (size_t)end + 1);
    } else {
        name = slice_of(r->rest.data, min_of(r->rest.size, (size_t)1));
        skip(r, name.size);
    }
    if (!is_listed(unicode_classes, COUNT_OF(unicode_classes), name))
        fail(r, bad_range);
}

/* True if a class that is written with a backslash stood here. */
static bool read_class_escape(struct reader *r)
{
    if (begins(r, "\\p") || begins(r, "\\P")) {
        read_unicode_class(r);
        return true;
    }
    if (r->rest.size < 2 || r->rest.data[0] != '\\' || !strchr("dDsSwW", r->rest.data[1]))
        return false;
    skip(r, 2);
    return true;
}

/* --- single characters ------------------------------------------------------- */

static int digit_of(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 0 && isxdigit(c) ? tolower(c) - 'a' + 10 : HEX;
}

/* "\x41" or "\x{1f600}", behind the x. */
static int32_t read_hex(struct reader *r)
{
    bool is_long = peek(r) == '{';
    int32_t point = 0;
    int digits = 0;

    skip(r, is_long);
    while (digit_of(peek(r)) < HEX && (is_long || digits < 2) && point <= POINT_MAX) {
        point = point * HEX + digit_of(peek(r));
        digits++;
        skip(r, 1);
    }
    if (digits < (is_long ? 1 : 2) || point > POINT_MAX || (is_long && peek(r) != '}')) {
        fail(r, bad_escape);
        return 0;
    }
    skip(r, is_long);
    return point;
}

/* The character behind a backslash. */
static int32_t read_escape(struct reader *r)
{
    static const char letters[] = "afnrtv";
    static const char meanings[] = "\a\f\n\r\t\v";
    int32_t point;
    int c;

    skip(r, 1);
    c = peek(r);
    if (c < 0) {
        fail(r, "trailing backslash at end of expression");
        return 0;
    }
    skip(r, 1);
    if (c == 'x')
        return read_hex(r);
    if (c == '0' || (c >= '1' && c <= '7' && digit_of(peek(r)) < OCTAL)) {
        point = digit_of(c);
        for (int i = 0; i < 2 && digit_of(peek(r)) < OCTAL; i++) {
            point = point * OCTAL + digit_of(peek(r));
            skip(r, 1);
        }
        return point;
    }
    if (strchr(letters, c))
        return meanings[strchr(letters, c) - letters];
    if (c < NOT_ASCII && isalnum(c))
        fail(r, bad_escape);
    return c;
}

/* One character of UTF-8. */
static int32_t read_point(struct reader *r)
{
    int c = peek(r);
    size_t size = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    int32_t point = size == 1 ? c : c & (0x7f >> size);

    size = min_of(size, r->rest.size);
    for (size_t i = 1; i < size; i++)
        point = point << 6 | (r->rest.data[i] & 0x3f);
    skip(r, size);
    return point;
}

/* --- [...] ------------------------------------------------------------------- */

static int32_t read_class_point(struct reader *r)
{
    if (peek(r) < 0) {
        fail(r, missing_bracket);
        return 0;
    }
    return peek(r) == '\\' ? read_escape(r) : read_point(r);
}

/* True if "[:alpha:]" stood here. */
static bool read_posix_class(struct reader *r)
{
    ptrdiff_t end;
    struct slice name;

    if (!begins(r, "[:"))
        return false;
    skip(r, 2);
    end = find(r, ":]");
    r->rest = slice_of(r->rest.data - 2, r->rest.size + 2);
    if (end < 0)
        return false;
    name = slice_of(r->rest.data + 2, (size_t)end);
    skip(r, (size_t)end + 4);
    if (!is_listed(posix_classes, COUNT_OF(posix_classes), name))
        fail(r, bad_range);
    return true;
}

static void read_range(struct reader *r)
{
    int32_t low = read_class_point(r);

    if (r->rest.size < 2 || peek(r) != '-' || r->rest.data[1] == ']')
        return;
    skip(r, 1);
    if (read_class_point(r) < low)
        fail(r, bad_range);
}

static void read_class(struct reader *r)
{
    bool is_first = true;

    skip(r, 1);
    if (peek(r) == '^')
        skip(r, 1);
    while (!r->error && (is_first || peek(r) != ']')) {
        is_first = false;
        if (peek(r) < 0)
            fail(r, missing_bracket);
        else if (!read_posix_class(r) && !read_class_escape(r))
            read_range(r);
    }
    if (!r->error)
        skip(r, 1);
}

/* --- (?...) ------------------------------------------------------------------ */

/* "(?P<name>" or "(?<name>". */
static void read_capture(struct reader *r, size_t prefix)
{
    ptrdiff_t end = find(r, ">");
    struct slice name;

    if (end < 0 || (size_t)end <= prefix) {
        fail(r, bad_capture);
        return;
    }
    name = slice_of(r->rest.data + prefix, (size_t)end - prefix);
    for (size_t i = 0; i < name.size; i++)
        if (!isalnum(name.data[i]) && name.data[i] != '_') {
            fail(r, bad_capture);
            return;
        }
    for (size_t i = 0; i < r->name_count; i++)
        if (slice_equal(r->names[i], name)) {
            fail(r, "duplicate capture group name");
            return;
        }
    if (r->name_count < NAMES_MAX)
        r->names[r->name_count++] = name;
    skip(r, (size_t)end + 1);
    r->depth++;
    r->has_operand = false;
}

/* "(?i-s:" or "(?i)". */
static void read_flags(struct reader *r)
{
    bool is_negative = false;
    bool has_flag = false;

    skip(r, 2);
    for (;;) {
        int c = peek(r);

        if (c == ':' || c == ')') {
            if (is_negative && !has_flag)
                break;
            skip(r, 1);
            if (c == ')')
                return;
            r->depth++;
            r->has_operand = false;
            return;
        }
        if (c == '-' && !is_negative) {
            is_negative = true;
            has_flag = false;
        } else if (c > 0 && strchr("imsU", c)) {
            has_flag = true;
        } else {
            break;
        }
        skip(r, 1);
    }
    fail(r, bad_perl);
}

static void read_paren(struct reader *r)
{
    if (begins(r, "(?P<"))
        read_capture(r, strlen("(?P<"));
    else if (begins(r, "(?<"))
        read_capture(r, strlen("(?<"));
    else if (begins(r, "(?"))
        read_flags(r);
    else {
        skip(r, 1);
        r->depth++;
        r->has_operand = false;
    }
}

/* --- repetition -------------------------------------------------------------- */

/* Behind the operator. */
static void repeat(struct reader *r, bool is_behind_repeat)
{
    if (peek(r) == '?')
        skip(r, 1);
    if (is_behind_repeat)
        fail(r, nested_repeat);
    else if (!r->has_operand)
        fail(r, missing_argument);
    r->is_behind_repeat = true;
}

/* The number at `*at`, which moves on; -1: none. */
static int32_t read_count(struct slice *at)
{
    int32_t number = 0;
    size_t digits = 0;

    while (digits < at->size && isdigit(at->data[digits])) {
        if (number <= REPEAT_MAX)
            number = number * 10 + (at->data[digits] - '0');
        digits++;
    }
    if (digits == 0 || (digits > 1 && at->data[0] == '0'))
        return -1;
    *at = slice_of(at->data + digits, at->size - digits);
    return number;
}

/* True if "{n}", "{n,}" or "{n,m}" stood here; else the brace is a character. */
static bool read_repeat(struct reader *r, int32_t *low, int32_t *high)
{
    struct slice at = slice_of(r->rest.data + 1, r->rest.size - 1);

    *low = read_count(&at);
    if (*low < 0)
        return false;
    *high = *low;
    if (at.size > 0 && at.data[0] == ',') {
        at = slice_of(at.data + 1, at.size - 1);
        *high = at.size > 0 && at.data[0] == '}' ? REPEAT_MAX : read_count(&at);
    }
    if (*high < 0 || at.size == 0 || at.data[0] != '}')
        return false;
    r->rest = slice_of(at.data + 1, at.size - 1);
    return true;
}

static void read_brace(struct reader *r, bool is_behind_repeat)
{
    int32_t low, high;

    if (!read_repeat(r, &low, &high)) {
        skip(r, 1);
        r->has_operand = true;
    } else if (low > REPEAT_MAX || high > REPEAT_MAX || low > high) {
        fail(r, bad_repeat);
    } else {
        repeat(r, is_behind_repeat);
    }
}

/* --- the whole --------------------------------------------------------------- */

static void read_backslash(struct reader *r)
{
    r->has_operand = true;
    if (begins(r, "\\Q")) {
        ptrdiff_t end = find(r, "\\E");

        skip(r, end < 0 ? r->rest.size : (size_t)end + 2);
    } else if (begins(r, "\\A") || begins(r, "\\b") || begins(r, "\\B") || begins(r, "\\z")) {
        skip(r, 2);
    } else if (!read_class_escape(r)) {
        read_escape(r);
    }
}

static void read_next(struct reader *r)
{
    bool is_behind_repeat = r->is_behind_repeat;
    int c = peek(r);

    r->is_behind_repeat = false;
    switch (c) {
    case '(': read_paren(r); return;
    case '|':
        r->has_operand = false;
        skip(r, 1);
        return;
    case '{': read_brace(r, is_behind_repeat); return;
    case '*':
    case '+':
    case '?':
        skip(r, 1);
        repeat(r, is_behind_repeat);
        return;
    case '\\': read_backslash(r); return;
    case '[': read_class(r); break;
    case ')':
        skip(r, 1);
        if (r->depth-- == 0)
            fail(r, "regexp/syntax: internal error");
        break;
    default: skip(r, 1);
    }
    r->has_operand = true;
}

const char *re2_check(struct slice regex)
{
    struct reader r = {.rest = regex};

    while (r.rest.size > 0)
        read_next(&r);
    if (!r.error && r.depth > 0)
        fail(&r, missing_paren);
    return r.error;
}
