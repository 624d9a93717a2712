/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/config.h - settings as rows of a table.
 *
 * A floor that has settings writes them as a .def file of CONFIG rows and includes it
 * twice: once for the members of its struct, once for the table of `config_row`s.
 * Parsing, range checks, error texts, listing and documents come from the rows.
 *
 * A value is set from text, whatever it came from (file, command line, request), so
 * there is one rule of what is valid.
 *
 * Threading: a settings struct belongs to whoever owns it; rows are constant.
 */

#include "base/slice.h"
#include "base/text.h"

/* Numbers of 16 bits, classes and passwords are checked as the like and described as what
 * they are. */
enum config_type {
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_LONG,
    CONFIG_SHORT,
    CONFIG_DOUBLE,
    CONFIG_TEXT,
    CONFIG_LIST,
    CONFIG_CLASS,
    CONFIG_PASSWORD,
};

enum config_flags {
    CONFIG_AT_START = 0,      /* Needs a restart. */
    CONFIG_UNSERVED = 1 << 0, /* Kafka knows it; we keep it, and it changes nothing yet. */
    CONFIG_OURS = 1 << 1,     /* Kafka does not know it. */
    CONFIG_DYNAMIC = 1 << 2,  /* Of a broker: can be changed while it runs, */
    CONFIG_ONE_ONLY = 1 << 3, /* but not for all brokers at once. */
    CONFIG_INTERNAL = 1 << 4, /* Told only where it is set. */
    CONFIG_RETIRED = 1 << 5,  /* Of an older release of Kafka. */
};

struct config_row {
    const char *name;
    enum config_type type;
    const char *initial; /* The default as text; NULL: not set. */
    int64_t min, max;    /* Of numbers. */
    const char *choices; /* Of texts: "a|b|c", or NULL.  Of a number: what else it may be. */
    unsigned flags;
    const char *broker; /* Of a topic's setting: the broker's key that gives its default. */
    const char *about;
    size_t offset; /* Of the member. */
};

struct config_table {
    const struct config_row *rows;
    size_t count;
};

/* How the members of a settings struct are declared from its rows: numbers and
 * booleans are int64_t and bool, texts and lists are owned strings or NULL. */
#define CONFIG_MEMBER_BOOL(id) bool id;
#define CONFIG_MEMBER_INT(id) int64_t id;
#define CONFIG_MEMBER_LONG(id) int64_t id;
#define CONFIG_MEMBER_SHORT(id) int64_t id;
#define CONFIG_MEMBER_DOUBLE(id) double id;
#define CONFIG_MEMBER_TEXT(id) char *id;
#define CONFIG_MEMBER_LIST(id) char *id;

/* The value of a number that is not set: of a row without a default, until it is. */
#define CONFIG_NOT_SET INT64_MIN

enum config_outcome {
    CONFIG_E_UNKNOWN = 1, /* No row has this name. */
    CONFIG_E_INVALID,     /* Not of the type, out of range, not a choice. */
};

/* Sets every member to its default.  The struct must be zeroed. */
void config_defaults(const struct config_table *table, void *config);

/* Frees what the members own. */
void config_fini(const struct config_table *table, void *config);

/* Copies all members; `to` must be zeroed. */
void config_copy(const struct config_table *table, const void *from, void *to);

/* The row named `name`, or NULL. */
const struct config_row *config_find(const struct config_table *table, struct slice name);

/* The row whose name differs least from `name`, or NULL if none comes near. */
const struct config_row *config_nearest(const struct config_table *table, struct slice name);

/* Checks `value` for `row`, without blanks at its ends; CONFIG_E_INVALID adds a sentence
 * to `why`. */
NODISCARD int config_check(const struct config_row *row, struct slice value, struct text *why);

/* Sets the member of `row`.  As config_check(); a refused value changes nothing. */
NODISCARD int config_set(const struct config_row *row, void *config, struct slice value,
                         struct text *why);

/* `value`, which is valid for `row`, as the broker tells it: without blanks, in one form. */
void config_normal(const struct config_row *row, struct slice value, struct text *out);

/* The member of `row` as text. */
void config_print(const struct config_row *row, const void *config, struct text *out);

/* Called with each key and value of a properties file; non-zero ends the parsing. */
typedef int config_pair_fn(void *context, struct slice key, struct slice value);

/* Reads Java's properties format: comments with # and !, `=`, `:` or blanks between
 * key and value, continued lines, escapes.  Returns what `fn` returned, or
 * CONFIG_E_INVALID with a sentence in `why` at a malformed escape. */
NODISCARD int config_parse(struct slice file, config_pair_fn *fn, void *context, struct text *why);
