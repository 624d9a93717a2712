/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/printer.h - a record becomes a line, as Kafka's DefaultMessageFormatter does.
 *
 *     CreateTime:n  Partition:n  Offset:n  Delivery:x  Epoch:x  headers  key  value
 *
 * Fields are printed in this order, those that are asked for, with a separator between
 * them.  Bytes are printed as they are.
 *
 * Threading: one thread.
 * Errors:    enum printer_outcome.
 */

#include "base/text.h"
#include "wire/batch.h"

enum printer_type {
    PRINTER_BYTES,
    PRINTER_SHORT,
    PRINTER_INTEGER,
    PRINTER_LONG,
    PRINTER_FLOAT,
    PRINTER_DOUBLE,
    PRINTER_UUID,
    PRINTER_VOID,
    PRINTER_TYPE_COUNT,
};

struct printer {
    bool timestamp, partition, offset, delivery, epoch, headers, key, value;
    bool is_silent;                                                      /* NoOpMessageFormatter. */
    char *separator, *line_separator, *headers_separator, *null_literal; /* Owned. */
    enum printer_type key_type, value_type;
};

enum printer_outcome {
    PRINTER_E_SIZE = 1, /* A key or value is not of the size that its type has. */
};

/* A printer of values. */
void printer_init(struct printer *printer);

/* Frees what it owns. */
void printer_fini(struct printer *printer);

/* Sets one property; one that is not known changes nothing.  False: a class of deserializer
 * that is not known. */
NODISCARD bool printer_set(struct printer *printer, struct slice key, struct slice value);

/* The type of a deserializer's class, or PRINTER_TYPE_COUNT. */
enum printer_type printer_find_type(struct slice name);

/* Adds the record to `out`, or nothing. */
NODISCARD int printer_print(const struct printer *printer, const struct record *record,
                            int32_t partition, bool is_append_time, struct text *out);
