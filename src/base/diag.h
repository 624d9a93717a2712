/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/diag.h - what the program tells its operator.
 *
 * A line is a constant sentence and typed fields:
 *
 *     diag_warn(diag, "log tail cut off", kv("topic", topic), kv("bytes", cut));
 *
 *     2026-11-24T14:18:43.120Z warn store M8014: log tail cut off topic=orders bytes=312
 *
 * The sentence is a literal, never formatted.  Its number in diag_messages.def is the grep
 * key that stays.  Fields that hold text
 * from outside are printed with their control bytes escaped.  Sink and level belong
 * to the node, since several may live in one process.
 *
 * Threading: the sink is called by whoever speaks and must bear any thread.
 */

#include "base/slice.h"
#include "base/text.h"

enum diag_level { DIAG_FATAL, DIAG_ERROR, DIAG_WARN, DIAG_INFO, DIAG_DEBUG, DIAG_TRACE };

/* Who speaks, as DIAG_MODULE() names it. */
enum diag_module {
#define MODULE(name) DIAG_MODULE_##name,
#include "base/diag_modules.def"
    DIAG_MODULES,
};

struct diag_field {
    const char *key;
    enum { DIAG_I64, DIAG_TEXT } type;
    union {
        int64_t i64;
        struct slice text;
    } value;
};

struct diag_line {
    enum diag_level level;
    const char *module; /* The speaking floor or file, e.g. "store". */
    const char *sentence;
    const struct diag_field *fields;
    size_t field_count;
};

struct diag {
    _Atomic int level; /* Lines above it are not made. */
    /* Of single modules: 0 is the level above, else a level and one.  Where one of them lets
     * more pass than the others, `level` is that, and `root` what the others have. */
    _Atomic int modules[DIAG_MODULES];
    _Atomic int root; /* 0: as `level`; else a level and one. */
    void (*sink)(struct diag *diag, const struct diag_line *line);
};

static inline struct diag_field diag_i64(const char *key, int64_t value)
{
    return (struct diag_field){.key = key, .type = DIAG_I64, .value.i64 = value};
}

static inline struct diag_field diag_text(const char *key, const char *value)
{
    return (struct diag_field){.key = key, .type = DIAG_TEXT, .value.text = slice_text(value)};
}

static inline struct diag_field diag_slice(const char *key, struct slice value)
{
    return (struct diag_field){.key = key, .type = DIAG_TEXT, .value.text = value};
}

/* clang-format off */
#define kv(key, value) \
    _Generic((value), char *: diag_text, const char *: diag_text, struct slice: diag_slice, \
             default: diag_i64)(key, value)
/* clang-format on */

/* Each .c file that speaks says once: DIAG_MODULE("store"); */
#define DIAG_MODULE(name) static const char diag_module_[] = name

#define DIAG_END ((struct diag_field){.key = NULL})

#define diag_at(to, lvl, text, ...)                                                                \
    do {                                                                                           \
        struct diag *diag_ = (to);                                                                 \
        if ((lvl) <= diag_->level && diag_says(diag_, diag_module_, (lvl))) {                      \
            const struct diag_field fields_[] = {__VA_ARGS__};                                     \
            diag_->sink(diag_, &(struct diag_line){.level = (lvl),                                 \
                                                   .module = diag_module_,                         \
                                                   .sentence = "" text,                            \
                                                   .fields = fields_,                              \
                                                   .field_count = COUNT_OF(fields_) - 1});         \
        }                                                                                          \
    } while (0)

#define diag_error(to, ...) diag_at(to, DIAG_ERROR, __VA_ARGS__, DIAG_END)
#define diag_warn(to, ...) diag_at(to, DIAG_WARN, __VA_ARGS__, DIAG_END)
#define diag_info(to, ...) diag_at(to, DIAG_INFO, __VA_ARGS__, DIAG_END)
#define diag_debug(to, ...) diag_at(to, DIAG_DEBUG, __VA_ARGS__, DIAG_END)

/* Whether `module` speaks at `level`. */
bool diag_says(const struct diag *diag, const char *module, enum diag_level level);

/* The module of this name, or DIAG_MODULES. */
enum diag_module diag_find_module(const char *name);

/* Its name. */
const char *diag_module_name(enum diag_module module);

/* The level of a module, or with DIAG_MODULES that of all that have none of their own. */
enum diag_level diag_get_level(const struct diag *diag, enum diag_module module);

/* Changes it, from any thread; a negative level gives a module the one of all others. */
void diag_set_level(struct diag *diag, enum diag_module module, int level);

/* "fatal", "error", "warn", "info", "debug" or "trace". */
const char *diag_level_name(enum diag_level level);

/* The number of a sentence; 0 if it has none. */
int diag_message_id(const char *sentence);

/* Adds the line as an object of JSON, without its end: time, level, id, logger, message and
 * fields.  Whatever bytes are in it, it is JSON; texts are cut at DIAG_JSON_TEXT_MAX. */
enum { DIAG_JSON_TEXT_MAX = 4096 };
void diag_print_json(const struct diag_line *line, const char *time, struct text *out);

/* Prints a line without its end into `out` and returns its length; cut at `size`. */
size_t diag_print(const struct diag_line *line, char *out, size_t size);
