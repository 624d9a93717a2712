/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/printer.h"

#include "base/mem.h"
#include "wire/bytes.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t size; /* Of a value; 0: any. */
} types[PRINTER_TYPE_COUNT] = {
    [PRINTER_BYTES] = {"ByteArray", 0}, [PRINTER_SHORT] = {"Short", 2},
    [PRINTER_INTEGER] = {"Integer", 4}, [PRINTER_LONG] = {"Long", 8},
    [PRINTER_FLOAT] = {"Float", 4},     [PRINTER_DOUBLE] = {"Double", 8},
    [PRINTER_UUID] = {"UUID", 0},       [PRINTER_VOID] = {"Void", 0},
};

static char *text_of(struct slice s)
{
    return mem_copy_text(s.data, s.size);
}

void printer_init(struct printer *printer)
{
    *printer = (struct printer){
        .value = true,
        .separator = text_of(slice_text("\t")),
        .line_separator = text_of(slice_text("\n")),
        .headers_separator = text_of(slice_text(",")),
        .null_literal = text_of(slice_text("null")),
    };
}

void printer_fini(struct printer *printer)
{
    mem_free(printer->separator);
    mem_free(printer->line_separator);
    mem_free(printer->headers_separator);
    mem_free(printer->null_literal);
}

enum printer_type printer_find_type(struct slice name)
{
    static const char package[] = "org.apache.kafka.common.serialization.";
    static const char suffix[] = "Deserializer";
    size_t front = sizeof(package) - 1;
    size_t back = sizeof(suffix) - 1;

    if (name.size < front + back || memcmp(name.data, package, front) != 0 ||
        memcmp(name.data + name.size - back, suffix, back) != 0)
        return PRINTER_TYPE_COUNT;
    name = slice_of(name.data + front, name.size - front - back);
    if (slice_is_text(name, "String") || slice_is_text(name, "Bytes") ||
        slice_is_text(name, "ByteBuffer"))
        return PRINTER_BYTES;
    for (int i = 0; i < PRINTER_TYPE_COUNT; i++)
        if (slice_is_text(name, types[i].name))
            return (enum printer_type)i;
    return PRINTER_TYPE_COUNT;
}

static bool set_type(enum printer_type *type, struct slice value)
{
    enum printer_type found = printer_find_type(value);

    if (found == PRINTER_TYPE_COUNT)
        return false;
    *type = found;
    return true;
}

static bool is_true(struct slice value)
{
    while (value.size > 0 && value.data[value.size - 1] == ' ')
        value.size--;
    return value.size == 4 && strncasecmp((const char *)value.data, "true", 4) == 0;
}

static void set_text(char **text, struct slice value)
{
    mem_free(*text);
    *text = text_of(value);
}

bool printer_set(struct printer *printer, struct slice key, struct slice value)
{
    const struct {
        const char *name;
        bool *flag;
        char **text;
    } rows[] = {
        {"print.timestamp", &printer->timestamp, NULL},
        {"print.partition", &printer->partition, NULL},
        {"print.offset", &printer->offset, NULL},
        {"print.delivery", &printer->delivery, NULL},
        {"print.epoch", &printer->epoch, NULL},
        {"print.headers", &printer->headers, NULL},
        {"print.key", &printer->key, NULL},
        {"print.value", &printer->value, NULL},
        {"key.separator", NULL, &printer->separator},
        {"line.separator", NULL, &printer->line_separator},
        {"headers.separator", NULL, &printer->headers_separator},
        {"null.literal", NULL, &printer->null_literal},
    };

    if (slice_is_text(key, "key.deserializer"))
        return set_type(&printer->key_type, value);
    if (slice_is_text(key, "value.deserializer"))
        return set_type(&printer->value_type, value);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!slice_is_text(key, rows[i].name))
            continue;
        if (rows[i].flag)
            *rows[i].flag = is_true(value);
        else
            set_text(rows[i].text, value);
    }
    return true;
}

/* --- values ------------------------------------------------------------------ */

static bool fits(enum printer_type type, struct slice value)
{
    return slice_is_null(value) || types[type].size == 0 || types[type].size == value.size;
}

/* A floating number in Java's manner is its shortest text; %.9g and %.17g say the same
 * number. */
static void print_double(double value, int digits, struct text *out)
{
    text_printf(out, "%.*g", digits, value);
}

static void print_value(const struct printer *printer, enum printer_type type, struct slice value,
                        struct text *out)
{
    uint32_t bits;
    uint64_t wide;
    float f;
    double d;

    if (slice_is_null(value) || type == PRINTER_VOID) {
        text_printf(out, "%s", printer->null_literal);
        return;
    }
    switch (type) {
    case PRINTER_SHORT: text_printf(out, "%d", bytes_load_i16(value.data)); break;
    case PRINTER_INTEGER: text_printf(out, "%d", bytes_load_i32(value.data)); break;
    case PRINTER_LONG: text_printf(out, "%" PRId64, bytes_load_i64(value.data)); break;
    case PRINTER_FLOAT:
        bits = bytes_load_u32(value.data);
        memcpy(&f, &bits, sizeof(f));
        print_double((double)f, 9, out);
        break;
    case PRINTER_DOUBLE:
        wide = bytes_load_u64(value.data);
        memcpy(&d, &wide, sizeof(d));
        print_double(d, 17, out);
        break;
    case PRINTER_BYTES:
    case PRINTER_UUID:
    case PRINTER_VOID:
    case PRINTER_TYPE_COUNT: text_add(out, value.data, value.size); break;
    }
}

/* --- lines ------------------------------------------------------------------- */

static void separate(const struct printer *printer, bool more, struct text *out)
{
    const char *separator = more ? printer->separator : printer->line_separator;

    text_add(out, separator, strlen(separator));
}

static void print_headers(const struct printer *printer, const struct record *record,
                          struct text *out)
{
    struct slice rest = record->headers;

    if (record->header_count == 0)
        text_printf(out, "NO_HEADERS");
    for (int32_t i = 0; i < record->header_count; i++) {
        struct record_header header;

        if (record_next_header(&rest, &header))
            return;
        if (i > 0)
            text_add(out, printer->headers_separator, strlen(printer->headers_separator));
        text_add(out, header.key.data, header.key.size);
        text_add(out, ":", 1);
        print_value(printer, PRINTER_BYTES, header.value, out);
    }
}

int printer_print(const struct printer *printer, const struct record *record, int32_t partition,
                  bool is_append_time, struct text *out)
{
    const struct printer *p = printer;

    if (p->is_silent)
        return 0;
    if ((p->key && !fits(p->key_type, record->key)) ||
        (p->value && !fits(p->value_type, record->value)))
        return PRINTER_E_SIZE;
    if (p->timestamp) {
        if (record->timestamp == BATCH_NO_TIMESTAMP)
            text_printf(out, "NO_TIMESTAMP");
        else
            text_printf(out, "%s:%" PRId64, is_append_time ? "LogAppendTime" : "CreateTime",
                        record->timestamp);
        separate(p,
                 p->partition || p->offset || p->delivery || p->epoch || p->headers || p->key ||
                     p->value,
                 out);
    }
    if (p->partition) {
        text_printf(out, "Partition:%d", partition);
        separate(p, p->offset || p->delivery || p->epoch || p->headers || p->key || p->value, out);
    }
    if (p->offset) {
        text_printf(out, "Offset:%" PRId64, record->offset);
        separate(p, p->delivery || p->epoch || p->headers || p->key || p->value, out);
    }
    if (p->delivery) {
        text_printf(out, "Delivery:NOT_PRESENT");
        separate(p, p->epoch || p->headers || p->key || p->value, out);
    }
    if (p->epoch) {
        text_printf(out, "Epoch:NOT_PRESENT");
        separate(p, p->headers || p->key || p->value, out);
    }
    if (p->headers) {
        print_headers(p, record, out);
        separate(p, p->key || p->value, out);
    }
    if (p->key) {
        print_value(p, p->key_type, record->key, out);
        separate(p, p->value, out);
    }
    if (p->value) {
        print_value(p, p->value_type, record->value, out);
        separate(p, false, out);
    }
    return 0;
}
