/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const char *diag_level_name(enum diag_level level)
{
    static const char *const names[] = {"fatal", "error", "warn", "info", "debug", "trace"};

    assert((size_t)level < COUNT_OF(names));
    return names[level];
}

static const char *const module_names[] = {
#define MODULE(name) #name,
#include "base/diag_modules.def"
};

enum diag_module diag_find_module(const char *name)
{
    size_t at = 0;

    while (at < DIAG_MODULES && strcmp(module_names[at], name) != 0)
        at++;
    return (enum diag_module)at;
}

const char *diag_module_name(enum diag_module module)
{
    assert(module < DIAG_MODULES);
    return module_names[module];
}

enum diag_level diag_get_level(const struct diag *diag, enum diag_module module)
{
    int own = module < DIAG_MODULES ? diag->modules[module] : 0;
    int root = diag->root;

    return (enum diag_level)(own ? own - 1 : root ? root - 1 : diag->level);
}

bool diag_says(const struct diag *diag, const char *module, enum diag_level level)
{
    return level <= diag_get_level(diag, diag_find_module(module));
}

void diag_set_level(struct diag *diag, enum diag_module module, int level)
{
    int most;

    if (!diag->root)
        diag->root = diag->level + 1;
    if (module < DIAG_MODULES)
        diag->modules[module] = level < 0 ? 0 : level + 1;
    else if (level >= 0)
        diag->root = level + 1;
    most = diag->root - 1;
    for (size_t i = 0; i < DIAG_MODULES; i++)
        most = max_of(most, diag->modules[i] - 1);
    diag->level = most;
}

static const struct message {
    int id;
    const char *sentence;
} messages[] = {
#define MESSAGE(number, text) {.id = number, .sentence = text},
#include "base/diag_messages.def"
};

int diag_message_id(const char *sentence)
{
    for (size_t i = 0; i < COUNT_OF(messages); i++)
        if (strcmp(messages[i].sentence, sentence) == 0)
            return messages[i].id;
    return 0;
}

struct printer {
    char *out;
    size_t size, used;
};

static PRINTF(2, 3) void print(struct printer *p, const char *format, ...)
{
    va_list args;
    int n;

    if (p->used >= p->size)
        return;
    va_start(args, format);
    n = vsnprintf(p->out + p->used, p->size - p->used, format, args);
    va_end(args);
    assert(n >= 0);
    p->used = min_of(p->used + (size_t)n, p->size);
}

/* Text from outside: control bytes would let a client forge lines or drive the
 * reader's terminal. */
static void print_text(struct printer *p, struct slice text)
{
    bool plain = text.size > 0;

    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] == '"' || text.data[i] == 0x7f)
            plain = false;
    if (slice_is_null(text)) {
        print(p, "null");
        return;
    }
    if (plain) {
        print(p, "%.*s", SLICE_ARG(text));
        return;
    }
    print(p, "\"");
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];

        if (c == '"' || c == '\\')
            print(p, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            print(p, "\\x%02x", c);
        else
            print(p, "%c", c);
    }
    print(p, "\"");
}

size_t diag_print(const struct diag_line *line, char *out, size_t size)
{
    struct printer p = {.out = out, .size = size};
    int id = diag_message_id(line->sentence);

    assert(size > 0);
    print(&p, "%s %s", diag_level_name(line->level), line->module);
    if (id)
        print(&p, " M%d", id);
    print(&p, ": %s", line->sentence);
    for (size_t i = 0; i < line->field_count; i++) {
        const struct diag_field *f = &line->fields[i];

        print(&p, " %s=", f->key);
        switch (f->type) {
        case DIAG_I64: print(&p, "%" PRId64, f->value.i64); break;
        case DIAG_TEXT: print_text(&p, f->value.text); break;
        }
    }
    return min_of(p.used, size - 1);
}

static void print_member(const char *key, struct slice value, struct text *out)
{
    text_printf(out, "\"%s\":", key);
    if (slice_is_null(value))
        text_printf(out, "null");
    else
        json_print_string(slice_of(value.data, min_of(value.size, (size_t)DIAG_JSON_TEXT_MAX)),
                          out);
}

void diag_print_json(const struct diag_line *line, const char *time, struct text *out)
{
    int id = diag_message_id(line->sentence);

    text_printf(out, "{\"time\":\"%s\",\"level\":\"%s\",", time, diag_level_name(line->level));
    if (id)
        text_printf(out, "\"id\":\"M%d\",", id);
    text_printf(out, "\"logger\":\"moldau.%s\",", line->module);
    print_member("message", slice_text(line->sentence), out);
    text_printf(out, ",\"fields\":{");
    for (size_t i = 0; i < line->field_count; i++) {
        const struct diag_field *f = &line->fields[i];

        if (i > 0)
            text_printf(out, ",");
        switch (f->type) {
        case DIAG_I64: text_printf(out, "\"%s\":%" PRId64, f->key, f->value.i64); break;
        case DIAG_TEXT: print_member(f->key, f->value.text, out); break;
        }
    }
    text_printf(out, "}}");
}
