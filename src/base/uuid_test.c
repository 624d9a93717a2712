/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"
#include "test/harness/check.h"

TEST(uuid, the_text_is_url_safe_base64)
{
    const struct uuid zero = {{0}};
    const struct uuid ones = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                               0xff, 0xff, 0xff, 0xff, 0xff}};
    const struct uuid bits = {{0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff}};
    char text[UUID_TEXT_SIZE + 1];

    uuid_print(zero, text);
    check_text(text, "AAAAAAAAAAAAAAAAAAAAAA");
    check(uuid_is_zero(zero));
    uuid_print(ones, text);
    check_text(text, "_____________________w");
    check(!uuid_is_zero(ones));
    uuid_print(bits, text);
    check_text(text, "----____AAAAAAAAAAAAAA");
}

TEST(uuid, text_of_another_size_or_alphabet_is_refused)
{
    struct uuid u = {{7}};

    check_eq(uuid_parse(slice_text("AAAAAAAAAAAAAAAAAAAAA"), &u), UUID_E_MALFORMED);
    check_eq(uuid_parse(slice_text("AAAAAAAAAAAAAAAAAAAAAAA"), &u), UUID_E_MALFORMED);
    check_eq(uuid_parse(slice_text("AAAAAAAAAAA+AAAAAAAAAA"), &u), UUID_E_MALFORMED);
    check_eq(uuid_parse(slice_text("AAAAAAAAAAA=AAAAAAAAAA"), &u), UUID_E_MALFORMED);
    check_eq(uuid_parse(slice_of("AAAAAAAAAAA\0AAAAAAAAAA", 22), &u), UUID_E_MALFORMED);
    check_eq(uuid_parse(slice_null(), &u), UUID_E_MALFORMED);
    check_eq(u.bytes[0], 7); /* A failed call leaves its result alone. */
}

PROPERTY(uuid, what_is_printed_reads_back, 2000)
{
    uint8_t random[16];
    char text[UUID_TEXT_SIZE + 1];
    struct uuid before, after;

    for (size_t i = 0; i < sizeof(random); i++)
        random[i] = (uint8_t)rng_next(rng);
    if (uuid_from_random(random, &before))
        return;
    uuid_print(before, text);
    check_ok(uuid_parse(slice_text(text), &after));
    check(uuid_equal(before, after));
}

TEST(uuid, random_ones_are_of_version_4_and_begin_with_no_dash)
{
    uint8_t random[16] = {0};
    struct uuid u;

    check_ok(uuid_from_random(random, &u));
    check_eq(u.bytes[6], 0x40);
    check_eq(u.bytes[8], 0x80);
    memset(random, 0xff, sizeof(random));
    check_ok(uuid_from_random(random, &u));
    check_eq(u.bytes[6], 0x4f);
    check_eq(u.bytes[8], 0xbf);
    random[0] = 0xf8; /* Six bits that print as a dash. */
    check_eq(uuid_from_random(random, &u), UUID_E_MALFORMED);
}
