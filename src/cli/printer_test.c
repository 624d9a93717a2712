/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/printer.h"
#include "test/harness/check.h"

struct fixture {
    struct printer printer;
    struct record record;
    struct text out;
};

static void start(struct fixture *f)
{
    *f = (struct fixture){
        .record = {.offset = 5, .timestamp = 1747900000000, .value = slice_text("v")},
    };
    printer_init(&f->printer);
}

static void set(struct fixture *f, const char *key, const char *value)
{
    check(printer_set(&f->printer, slice_text(key), slice_text(value)));
}

static void expect(struct fixture *f, const char *line)
{
    check_ok(printer_print(&f->printer, &f->record, 3, false, &f->out));
    check(slice_is_text(text_slice(&f->out), line));
}

static void end(struct fixture *f)
{
    printer_fini(&f->printer);
    text_fini(&f->out);
}

TEST(printer, only_the_value_by_default)
{
    struct fixture f;

    start(&f);
    expect(&f, "v\n");
    end(&f);
}

TEST(printer, all_fields_have_their_order)
{
    static const char *const fields[] = {"print.timestamp", "print.partition", "print.offset",
                                         "print.delivery",  "print.epoch",     "print.headers",
                                         "print.key"};
    struct fixture f;

    start(&f);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        set(&f, fields[i], "true");
    expect(&f, "CreateTime:1747900000000\tPartition:3\tOffset:5\tDelivery:NOT_PRESENT\t"
               "Epoch:NOT_PRESENT\tNO_HEADERS\tnull\tv\n");
    end(&f);
}

TEST(printer, the_last_field_ends_the_line)
{
    struct fixture f;

    start(&f);
    set(&f, "print.value", "false");
    set(&f, "print.offset", "true");
    set(&f, "line.separator", ";");
    expect(&f, "Offset:5;");
    end(&f);
    start(&f);
    set(&f, "print.value", "false");
    expect(&f, "");
    end(&f);
}

TEST(printer, headers_are_pairs)
{
    /* a:1 and b without a value, as they are encoded. */
    static const uint8_t encoded[] = {2, 'a', 2, '1', 2, 'b', 1};
    struct fixture f;

    start(&f);
    f.record.headers = slice_of(encoded, sizeof(encoded));
    f.record.header_count = 2;
    set(&f, "print.headers", "true");
    set(&f, "headers.separator", ";");
    set(&f, "null.literal", "NIL");
    expect(&f, "a:1;b:NIL\tv\n");
    end(&f);
}

TEST(printer, numbers_are_read_by_their_type)
{
    static const uint8_t number[] = {0xff, 0xff, 0xff, 0xfe};
    struct fixture f;

    start(&f);
    set(&f, "value.deserializer", "org.apache.kafka.common.serialization.IntegerDeserializer");
    f.record.value = slice_of(number, 4);
    expect(&f, "-2\n");
    f.record.value = slice_of(number, 3);
    check_eq(printer_print(&f.printer, &f.record, 0, false, &f.out), PRINTER_E_SIZE);
    end(&f);
}

TEST(printer, an_unknown_class_is_refused)
{
    struct fixture f;

    start(&f);
    check(!printer_set(&f.printer, slice_text("key.deserializer"), slice_text("com.example.My")));
    check_eq(
        printer_find_type(slice_text("org.apache.kafka.common.serialization.StringDeserializer")),
        PRINTER_BYTES);
    check_eq(
        printer_find_type(slice_text("org.apache.kafka.common.serialization.ListDeserializer")),
        PRINTER_TYPE_COUNT);
    end(&f);
}
