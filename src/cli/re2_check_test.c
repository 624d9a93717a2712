/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/re2_check.h"
#include "test/harness/check.h"

TEST(re2_check, what_re2_takes_is_taken)
{
    static const char *const good[] = {
        "",
        "a.*",
        "(a|b)*\\d\\bfoo$",
        "a+?",
        "a??",
        "x{,3}",
        "x{2}",
        "x{2,}",
        "x{2,1000}?",
        "[]a]",
        "[\\d-z]",
        "[^a-z_]",
        "[a-]",
        "[[:^alpha:]]",
        "\\pN\\p{Greek}",
        "\\P{^Lu}",
        "\\x41\\x{1F600}",
        "\\012\\0",
        "(?i)x(?i:y)",
        "(?-i)a",
        "(?P<n>a)(?<m>b)",
        "\\Qa(\\E",
        "\\Qa",
        "\\A\\z\\B",
        "^*",
        "()*",
        "a|",
        "\\.\\-\\_",
        "x{02}",
        "x{a",
    };

    for (size_t i = 0; i < COUNT_OF(good); i++)
        check(!re2_check(slice_text(good[i])));
}

TEST(re2_check, what_re2_refuses_has_its_sentence)
{
    static const struct {
        const char *regex, *sentence;
    } rows[] = {
        {"[", "missing closing ]"},
        {"[]", "missing closing ]"},
        {"[a-", "missing closing ]"},
        {"(", "missing closing )"},
        {"(?:a", "missing closing )"},
        {"a)b", "regexp/syntax: internal error"},
        {"*", "missing argument to repetition operator"},
        {"a|+", "missing argument to repetition operator"},
        {"(?i)?", "missing argument to repetition operator"},
        {"a**", "invalid nested repetition operator"},
        {"a???", "invalid nested repetition operator"},
        {"x{2}{3}", "invalid nested repetition operator"},
        {"a{3,1}", "invalid repeat count"},
        {"a{1001}", "invalid repeat count"},
        {"a{99999999999}", "invalid repeat count"},
        {"\\q", "invalid escape sequence"},
        {"\\1", "invalid escape sequence"},
        {"\\8", "invalid escape sequence"},
        {"\\x", "invalid escape sequence"},
        {"\\x{110000}", "invalid escape sequence"},
        {"[a-\\d]", "invalid escape sequence"},
        {"a\\", "trailing backslash at end of expression"},
        {"[z-a]", "invalid character class range"},
        {"[[:foo:]]", "invalid character class range"},
        {"\\p{X}", "invalid character class range"},
        {"\\p{Lu", "invalid character class range"},
        {"\\p", "invalid character class range"},
        {"(?=a)", "invalid or unsupported Perl syntax"},
        {"(?i-)a", "invalid or unsupported Perl syntax"},
        {"(?", "invalid or unsupported Perl syntax"},
        {"(?P<n", "invalid named capture"},
        {"(?P<>a)", "invalid named capture"},
        {"(?P<a-b>a)", "invalid named capture"},
        {"(?P<n>a)(?P<n>b)", "duplicate capture group name"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *mistake = re2_check(slice_text(rows[i].regex));

        check(mistake);
        check_text(mistake, rows[i].sentence);
    }
}

/* No expression may crash the check. */
FUZZ(re2_check, any)
{
    const char *mistake = re2_check(slice_of(data, size));

    check(!mistake || *mistake);
}
