/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/rng.h"
#include "test/harness/check.h"

static void check_pair(const char *bytes, const char *text)
{
    struct text out = {.data = NULL};
    uint8_t back[64];
    size_t size;

    base64_print(slice_text(bytes), &out);
    check(slice_equal(text_slice(&out), slice_text(text)));
    check_ok(base64_parse(slice_text(text), back, &size));
    check(slice_equal(slice_of(back, size), slice_text(bytes)));
    text_fini(&out);
}

/* RFC 4648, section 10. */
TEST(base64, the_examples_of_the_standard)
{
    check_pair("", "");
    check_pair("f", "Zg==");
    check_pair("fo", "Zm8=");
    check_pair("foo", "Zm9v");
    check_pair("foob", "Zm9vYg==");
    check_pair("fooba", "Zm9vYmE=");
    check_pair("foobar", "Zm9vYmFy");
    check_pair("\xfb\xff\xbf", "+/+/");
}

TEST(base64, what_is_no_base64_is_refused)
{
    static const char *const bad[] = {
        "Z",     "Zg",     "Zg=",  "Z===", "====", "Zg=a", "Zg==Zg==",
        "Zm9v=", "Zm9v\n", "Z-8=", "Zh==", "Zm9=", "Zm 9", "Z\xc3\xa4g"};
    uint8_t out[64];
    size_t count;

    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_eq(base64_parse(slice_text(bad[i]), out, &count), BASE64_E_MALFORMED);
}

PROPERTY(base64, bytes_come_back, 500)
{
    uint8_t bytes[80];
    uint8_t back[80 + 3];
    struct text base64 = {.data = NULL};
    struct text hex = {.data = NULL};
    size_t count = rng_below(rng, sizeof(bytes));
    size_t got;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_next(rng);
    base64_print(slice_of(bytes, count), &base64);
    check(base64_size_max(base64.size) <= sizeof(back));
    check_ok(base64_parse(text_slice(&base64), back, &got));
    check(slice_equal(slice_of(bytes, count), slice_of(back, got)));
    base64_print_hex(slice_of(bytes, count), &hex);
    check_ok(base64_parse_hex(text_slice(&hex), back, &got));
    check(slice_equal(slice_of(bytes, count), slice_of(back, got)));
    text_fini(&base64);
    text_fini(&hex);
}

TEST(base64, hex_has_both_cases_and_blanks_between_bytes)
{
    uint8_t out[32];
    size_t count;

    check_ok(base64_parse_hex(slice_text("00 fF\n7f\t\r\n Ab"), out, &count));
    check(slice_equal(slice_of(out, count), slice_of("\x00\xff\x7f\xab", 4)));
    check_eq(base64_parse_hex(slice_text("0"), out, &count), BASE64_E_MALFORMED);
    check_eq(base64_parse_hex(slice_text("0 0"), out, &count), BASE64_E_MALFORMED);
    check_eq(base64_parse_hex(slice_text("0x00"), out, &count), BASE64_E_MALFORMED);
    check_eq(base64_parse_hex(slice_text("0g"), out, &count), BASE64_E_MALFORMED);
}
