/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/codec_json.h"

#include "base/base64.h"
#include "base/json.h"
#include "wire/codec_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- printing ---------------------------------------------------------------- */

struct printer {
    const struct wire_message *message;
    struct text *out;
    unsigned flags;
};

/* `topicId` of `topic_id`.  KRaft alone is a word with two capitals. */
static void print_name(struct printer *p, const char *name, const char *ending)
{
    bool is_after_bar = false;

    if (strncmp(name, "kraft", 5) == 0) {
        text_add(p->out, "kRaft", 5);
        name += 5;
    }
    for (; *name; name++) {
        char c = is_after_bar && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;

        is_after_bar = *name == '_';
        if (!is_after_bar)
            text_add(p->out, &c, 1);
    }
    text_printf(p->out, "%s", ending);
}

static void print_slice(struct printer *p, uint8_t kind, struct slice s)
{
    if (!s.data) {
        text_printf(p->out, "null");
    } else if (kind == WIRE_STRING) {
        json_print_string(s, p->out);
    } else {
        text_add(p->out, "\"", 1);
        base64_print(s, p->out);
        text_add(p->out, "\"", 1);
    }
}

/* The shortest text that reads back as the number, and never looks like a whole one. */
static void print_real(struct printer *p, double value)
{
    char digits[40];

    if (!isfinite(value)) {
        text_printf(p->out, isnan(value) ? "\"NaN\""
                            : value < 0  ? "\"-Infinity\""
                                         : "\"Infinity\"");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (memcmp(&(double){strtod(digits, NULL)}, &value, sizeof(value)) == 0)
            break;
    }
    text_printf(p->out, "%s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

static void print_uuid(struct printer *p, const void *in)
{
    char text[UUID_TEXT_SIZE + 1];
    struct uuid id;

    memcpy(&id, in, sizeof(id));
    uuid_print(id, text);
    text_printf(p->out, "\"%s\"", text);
}

/* The value of a member of a whole kind, which 64 bits with a sign can hold. */
static int64_t load_whole(uint8_t kind, const void *in)
{
    int64_t i64;
    uint32_t u32;
    uint16_t u16;

    switch (kind) {
    case WIRE_I8: return *(const int8_t *)in;
    case WIRE_I16: memcpy(&u16, in, sizeof(u16)); return (int16_t)u16;
    case WIRE_U16: memcpy(&u16, in, sizeof(u16)); return u16;
    case WIRE_I32: memcpy(&u32, in, sizeof(u32)); return (int32_t)u32;
    case WIRE_U32: memcpy(&u32, in, sizeof(u32)); return u32;
    default: memcpy(&i64, in, sizeof(i64)); return i64;
    }
}

static void print_fixed(struct printer *p, uint8_t kind, const void *in)
{
    double real;

    switch (kind) {
    case WIRE_BOOL: text_printf(p->out, "%s", *(const uint8_t *)in ? "true" : "false"); break;
    case WIRE_UUID: print_uuid(p, in); break;
    case WIRE_F64:
        memcpy(&real, in, sizeof(real));
        print_real(p, real);
        break;
    default: text_printf(p->out, "%" PRId64, load_whole(kind, in)); break;
    }
}

static void print_plan(struct printer *p, const struct wire_plan *plan, const void *base);

/* As the element of an array or the value of a field: a struct gets its braces. */
static void print_value(struct printer *p, const struct wire_plan *plan, const void *base)
{
    bool is_struct = p->message->types[plan->type].image;

    if (is_struct)
        text_add(p->out, "{", 1);
    print_plan(p, plan, base);
    if (is_struct)
        text_add(p->out, "}", 1);
}

static void print_array(struct printer *p, const struct wire_op *op, const void *base)
{
    const struct wire_plan *plan = &p->message->plans[op->a];
    struct codec_array array = codec_array_of(base, op);
    size_t size = p->message->types[plan->type].size;

    if (array.count < 0) {
        text_printf(p->out, "null");
        return;
    }
    text_add(p->out, "[", 1);
    for (int32_t i = 0; i < array.count; i++) {
        if (i)
            text_add(p->out, ",", 1);
        print_value(p, plan, codec_element(&array, i, size));
    }
    text_add(p->out, "]", 1);
}

static bool has_records(const struct wire_records *records)
{
    return records->source || records->bytes.data;
}

/* Bytes that are elsewhere cannot be printed. */
static bool is_size_only(const struct printer *p, const struct wire_op *op, const void *base)
{
    const struct wire_records *records = codec_in(base, op);

    return op->kind == WIRE_RECORDS && has_records(records) &&
           (p->flags & CODEC_JSON_SIZES || records->source);
}

static void print_records(struct printer *p, const struct wire_records *records, bool is_size)
{
    if (is_size)
        text_printf(p->out, "%zu", records->source ? records->source_size : records->bytes.size);
    else
        print_slice(p, WIRE_RECORDS, records->bytes);
}

static void print_op(struct printer *p, const struct wire_op *op, const void *base)
{
    const void *in = codec_in(base, op);
    const void *pointer;
    struct slice slice;

    switch (op->kind) {
    case WIRE_STRING:
    case WIRE_BYTES:
        memcpy(&slice, in, sizeof(slice));
        print_slice(p, op->kind, slice);
        break;
    case WIRE_RECORDS: print_records(p, in, is_size_only(p, op, base)); break;
    case WIRE_ARRAY: print_array(p, op, base); break;
    case WIRE_STRUCT: print_value(p, &p->message->plans[op->a], in); break;
    case WIRE_STRUCT_PTR:
        pointer = codec_pointer(base, op);
        if (pointer)
            print_value(p, &p->message->plans[op->a], pointer);
        else
            text_printf(p->out, "null");
        break;
    default: print_fixed(p, op->kind, in); break;
    }
}

static void print_member(struct printer *p, const struct wire_op *op, const void *base)
{
    if (op->b != WIRE_NO_NAME) {
        if (p->out->data[p->out->size - 1] != '{')
            text_add(p->out, ",", 1);
        text_add(p->out, "\"", 1);
        print_name(p, p->message->names + op->b, is_size_only(p, op, base) ? "SizeInBytes" : "");
        text_add(p->out, "\":", 2);
    }
    print_op(p, op, base);
}

/* The member that `op` is about, or NULL: steps are also about what is not printed. */
static const struct wire_op *member_of(struct printer *p, const struct wire_plan *plan,
                                       const struct wire_op *op, const void *base)
{
    const struct wire_op *member = op->kind == WIRE_TAG ? codec_payload(p->message, op) : op;

    if (op->kind == WIRE_NEED || op->kind == WIRE_TAGS)
        return NULL;
    if (op->kind == WIRE_TAG &&
        codec_is_default(p->message, member, base, p->message->types[plan->type].image))
        return NULL;
    return member;
}

/* Members come in the order of the schema, which is that of the struct: on the wire tagged ones
 * come last. */
static void print_plan(struct printer *p, const struct wire_plan *plan, const void *base)
{
    const struct wire_op *ops = p->message->ops + plan->op_first;
    const struct wire_op *next;
    unsigned from = 0;

    do {
        next = NULL;
        for (int i = 0; i < plan->op_count; i++) {
            const struct wire_op *member = member_of(p, plan, &ops[i], base);

            if (member && member->offset >= from && (!next || member->offset < next->offset))
                next = member;
        }
        if (next) {
            print_member(p, next, base);
            from = next->offset + 1u;
        }
    } while (next);
}

void codec_print(const struct wire_message *message, int16_t version, const void *in,
                 unsigned flags, struct text *out)
{
    struct printer p = {.message = message, .out = out, .flags = flags};

    assert(codec_has_version(message, version));
    print_value(&p, codec_root(message, version), in);
}

/* --- parsing ----------------------------------------------------------------- */

enum { LEVEL_MAX = WIRE_DEPTH_MAX + 1 };

struct parser {
    struct json json;
    const struct wire_message *message;
    struct arena *arena;
    struct slice where[LEVEL_MAX]; /* The members we are inside of. */
    int level;
};

/* Whether `key` is this name, written in camel or in snake case: between a small letter and
 * a capital stands a bar in our names. */
static bool is_name(struct slice key, const char *name)
{
    bool was_capital = true;

    for (size_t i = 0; i < key.size; i++) {
        char c = (char)key.data[i];
        bool is_capital = c >= 'A' && c <= 'Z';

        if (is_capital && !was_capital && *name++ != '_')
            return false;
        if (is_capital)
            c = (char)(c - 'A' + 'a');
        if (c != *name || !c)
            return false;
        name++;
        was_capital = is_capital || i == 0;
    }
    return !*name;
}

/* The step that reads the value of a member, or NULL if the version has none like it. */
static const struct wire_op *member_find(const struct parser *p, const struct wire_plan *plan,
                                         struct slice key)
{
    const struct wire_op *op = p->message->ops + plan->op_first;

    for (int i = 0; i < plan->op_count; i++, op++) {
        const struct wire_op *member = op->kind == WIRE_TAG ? codec_payload(p->message, op) : op;

        if (op->kind != WIRE_NEED && op->kind != WIRE_TAGS &&
            is_name(key, p->message->names + member->b))
            return member;
    }
    return NULL;
}

static void parse_whole(struct parser *p, int64_t min, int64_t max, void *out, size_t size)
{
    int64_t value;

    if (!json_i64(&p->json, &value))
        return;
    if (value < min || value > max) {
        json_fail(&p->json, "this number does not fit the field");
        return;
    }
    switch (size) {
    case 1: memcpy(out, &(int8_t){(int8_t)value}, size); break;
    case 2: memcpy(out, &(int16_t){(int16_t)value}, size); break;
    case 4: memcpy(out, &(int32_t){(int32_t)value}, size); break;
    default: memcpy(out, &value, size); break;
    }
}

static void parse_real(struct parser *p, void *out)
{
    struct slice text;
    double value;

    if (json_peek(&p->json) != JSON_STRING) {
        if (!json_number(&p->json, &text))
            return;
        value = strtod(arena_text(p->arena, text.data, text.size), NULL);
    } else {
        if (!json_string(&p->json, p->arena, &text))
            return;
        if (!slice_is_text(text, "NaN") && !slice_is_text(text, "Infinity") &&
            !slice_is_text(text, "-Infinity"))
            json_fail(&p->json, "this is not a number");
        value = text.data[0] == 'N' ? (double)NAN : text.data[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    }
    memcpy(out, &value, sizeof(value));
}

static void parse_uuid(struct parser *p, void *out)
{
    struct slice text;
    struct uuid id;

    if (!json_string(&p->json, p->arena, &text))
        return;
    if (uuid_parse(text, &id))
        json_fail(&p->json, "this is not an id: 22 characters of URL-safe base64");
    else
        memcpy(out, &id, sizeof(id));
}

static void parse_fixed(struct parser *p, uint8_t kind, void *out)
{
    bool flag;

    switch (kind) {
    case WIRE_I8: parse_whole(p, INT8_MIN, INT8_MAX, out, 1); break;
    case WIRE_I16: parse_whole(p, INT16_MIN, INT16_MAX, out, 2); break;
    case WIRE_U16: parse_whole(p, 0, UINT16_MAX, out, 2); break;
    case WIRE_I32: parse_whole(p, INT32_MIN, INT32_MAX, out, 4); break;
    case WIRE_U32: parse_whole(p, 0, UINT32_MAX, out, 4); break;
    case WIRE_I64: parse_whole(p, INT64_MIN, INT64_MAX, out, 8); break;
    case WIRE_F64: parse_real(p, out); break;
    case WIRE_UUID: parse_uuid(p, out); break;
    case WIRE_BOOL:
        if (json_bool(&p->json, &flag))
            memcpy(out, &flag, sizeof(flag));
        break;
    default: assert(!"a kind of fixed width");
    }
}

/* A string, or bytes in base64. */
static struct slice parse_slice(struct parser *p, uint8_t kind)
{
    struct slice text = slice_null();
    uint8_t *bytes;
    size_t size;

    if (!json_string(&p->json, p->arena, &text) || kind == WIRE_STRING)
        return text;
    bytes = arena_try(p->arena, base64_size_max(text.size) + 1);
    if (!bytes) {
        json_fail(&p->json, "there is not enough memory");
        return text;
    }
    if (base64_parse(text, bytes, &size)) {
        json_fail(&p->json, "this is not base64");
        return text;
    }
    return slice_of(bytes, size);
}

static void parse_plan(struct parser *p, const struct wire_plan *plan, void *base);

/* Room for one more element; arrays grow by doubling. */
static uint8_t *array_grow(struct parser *p, struct codec_array *array, int32_t *capacity,
                           size_t size)
{
    if (array->count == *capacity) {
        int32_t more = max_of(*capacity * 2, 4);
        uint8_t *elements = arena_try(p->arena, (size_t)more * size);

        if (!elements) {
            json_fail(&p->json, "there is not enough memory");
            return NULL;
        }
        if (array->count)
            memcpy(elements, array->elements, (size_t)array->count * size);
        array->elements = elements;
        *capacity = more;
    }
    return (uint8_t *)array->elements + (size_t)array->count++ * size;
}

static void parse_array(struct parser *p, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &p->message->plans[op->a];
    size_t size = p->message->types[plan->type].size;
    struct codec_array array = {.elements = NULL};
    uint8_t *member = codec_at(base, op);
    int32_t capacity = 0;

    if (json_peek(&p->json) == JSON_NULL) {
        array.count = -1;
        (void)json_null(&p->json);
    } else if (json_enter(&p->json, JSON_ARRAY)) {
        while (json_more(&p->json)) {
            uint8_t *element = array_grow(p, &array, &capacity, size);

            if (array.count > WIRE_ELEMENTS_MAX)
                json_fail(&p->json, "an array has too many elements");
            if (element)
                parse_plan(p, plan, element);
        }
    }
    memcpy(member, &array.elements, sizeof(array.elements));
    memcpy(member + sizeof(void *), &array.count, sizeof(array.count));
}

static void parse_pointer(struct parser *p, const struct wire_op *op, void *base)
{
    const struct wire_plan *plan = &p->message->plans[op->a];
    void *pointer = NULL;

    if (json_peek(&p->json) == JSON_NULL) {
        (void)json_null(&p->json);
    } else {
        pointer = arena_try(p->arena, p->message->types[plan->type].size);
        if (pointer)
            parse_plan(p, plan, pointer);
        else
            json_fail(&p->json, "there is not enough memory");
    }
    memcpy(codec_at(base, op), &pointer, sizeof(pointer));
}

static void parse_op(struct parser *p, const struct wire_op *op, void *base)
{
    bool is_null = json_peek(&p->json) == JSON_NULL;
    struct wire_records *records;
    struct slice slice = slice_null();

    if (is_null && !(op->flags & WIRE_NULLABLE)) {
        json_fail(&p->json, "this may not be null");
        return;
    }
    switch (op->kind) {
    case WIRE_STRING:
    case WIRE_BYTES:
    case WIRE_RECORDS:
        if (is_null)
            (void)json_null(&p->json);
        else
            slice = parse_slice(p, op->kind);
        records = codec_at(base, op);
        if (op->kind == WIRE_RECORDS)
            *records = (struct wire_records){.bytes = slice};
        else
            memcpy(codec_at(base, op), &slice, sizeof(slice));
        break;
    case WIRE_ARRAY: parse_array(p, op, base); break;
    case WIRE_STRUCT: parse_plan(p, &p->message->plans[op->a], codec_at(base, op)); break;
    case WIRE_STRUCT_PTR: parse_pointer(p, op, base); break;
    default: parse_fixed(p, op->kind, codec_at(base, op)); break;
    }
}

/* A mistake leaves `where` and `level` as they are, for the one who asks. */
static void parse_struct(struct parser *p, const struct wire_plan *plan, void *base)
{
    assert(p->level < LEVEL_MAX);
    if (!json_enter(&p->json, JSON_OBJECT))
        return;
    while (json_more(&p->json)) {
        const struct wire_op *op;
        struct slice key;

        if (!json_key(&p->json, p->arena, &key))
            return;
        p->where[p->level++] = key;
        op = member_find(p, plan, key);
        if (op)
            parse_op(p, op, base);
        else
            json_fail(&p->json, "this version has no such field");
        if (p->json.error)
            return;
        p->level--;
    }
}

static void parse_plan(struct parser *p, const struct wire_plan *plan, void *base)
{
    const struct wire_type *type = &p->message->types[plan->type];

    if (!type->image) {
        parse_op(p, p->message->ops + plan->op_first + plan->op_count - 1, base);
        return;
    }
    memcpy(base, type->image, type->size);
    parse_struct(p, plan, base);
}

static void tell(const struct parser *p, struct codec_mistake *out)
{
    struct text where = {.data = NULL};

    *out = (struct codec_mistake){.line = json_line(&p->json), .why = p->json.error};
    for (int i = 0; i < p->level; i++)
        text_printf(&where, "%s%.*s", i ? "." : "", SLICE_ARG(p->where[i]));
    if (where.size)
        memcpy(out->where, where.data, min_of(where.size, sizeof(out->where) - 1));
    text_fini(&where);
}

int codec_parse(const struct wire_message *message, int16_t version, struct slice text,
                struct arena *arena, void *out, struct codec_mistake *out_mistake)
{
    struct parser p = {.message = message, .arena = arena};

    if (!codec_has_version(message, version)) {
        *out_mistake = (struct codec_mistake){.line = 1, .why = "there is no such version"};
        return CODEC_E_VERSION;
    }
    json_init(&p.json, text);
    parse_plan(&p, codec_root(message, version), out);
    (void)json_end(&p.json);
    if (!p.json.error)
        return 0;
    tell(&p, out_mistake);
    return CODEC_E_MALFORMED;
}
