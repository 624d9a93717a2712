/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_text.c - keys and values as text and numbers. */

#include "base/base64.h"
#include "offline/dump.h"
#include "wire/bytes.h"

#include <inttypes.h>
#include <string.h>

#define PACKAGE "org.apache.kafka.tools.api."

static const char string_class[] = PACKAGE "StringDecoder";
static const char int_class[] = PACKAGE "IntegerDecoder";
static const char long_class[] = PACKAGE "LongDecoder";
static const char bytes_class[] = PACKAGE "DefaultDecoder";

int dump_text_check(struct dump *dump, const char *class_name)
{
    static const char *const known[] = {string_class, int_class, long_class, bytes_class};

    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i], class_name) == 0)
            return 0;
    return dump_fail(dump,
                     "Failed to load decoder class: there are StringDecoder, IntegerDecoder, "
                     "LongDecoder and DefaultDecoder of " PACKAGE ", and no %s",
                     class_name);
}

/* How many bytes of UTF-8 begin `s`: `*out_good` if they are a whole character, else the part
 * of one for which Java puts one U+FFFD. */
static size_t next_character(struct slice s, bool *out_good)
{
    const uint8_t *p = s.data;
    size_t need = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xf4 ? 0x8f : 0xbf;
    bool is_surrogate = p[0] == 0xed && s.size > 1 && p[1] >= 0xa0; /* One U+FFFD for all of it. */
    size_t have = 1;

    *out_good = false;
    if (need == 0 || p[0] > 0xf4)
        return 1;
    while (have < need && have < s.size && p[have] >= low && p[have] <= high) {
        have++;
        low = 0x80;
        high = 0xbf;
    }
    *out_good = have == need && !is_surrogate;
    return have;
}

void dump_text_add_java(struct slice bytes, struct text *out)
{
    while (bytes.size > 0) {
        bool is_good;
        size_t size = next_character(bytes, &is_good);

        text_add(out, is_good ? (const char *)bytes.data : "\xef\xbf\xbd", is_good ? size : 3);
        bytes = slice_of(bytes.data + size, bytes.size - size);
    }
}

int dump_text_add(struct dump *dump, const char *class_name, struct slice bytes, struct text *out)
{
    size_t number_size = strcmp(class_name, int_class) == 0    ? sizeof(int32_t)
                         : strcmp(class_name, long_class) == 0 ? sizeof(int64_t)
                                                               : 0;

    if (bytes.size < number_size)
        return dump_fail(dump, "%zu bytes are not enough for %s", bytes.size, class_name);
    if (number_size == sizeof(int32_t))
        text_printf(out, "%" PRId32, bytes_load_i32(bytes.data));
    else if (number_size == sizeof(int64_t))
        text_printf(out, "%" PRId64, bytes_load_i64(bytes.data));
    else if (strcmp(class_name, bytes_class) == 0)
        base64_print_hex(bytes, out);
    else
        dump_text_add_java(bytes, out);
    return 0;
}
