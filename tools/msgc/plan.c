/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/plan.c - works out what the codec does for each version of a message.
 *
 * A plan is the list of steps for one struct in one version.  Versions that differ in
 * nothing share a plan, so most structs have two or three.  Plans are built from the
 * inside out: a step that enters a struct names the plan of that struct.
 */

#include "tools/msgc/schema.h"

#include <string.h>

enum {
    OPS_MAX = 32768,
    PLANS_MAX = 4096,
    TYPES_MAX = 1024,
    NAMES_MAX = 2048,
    ALL_VERSIONS = -1, /* The plan that only compares: every field, none tagged. */
};

enum { COMPACT = 1, NULLABLE = 2, ZERO = 4 }; /* As in wire/message.h. */

struct builder {
    int flexible; /* First flexible version of the message. */
    struct plans *plans;
};

/* The steps of one plan while it grows. */
struct steps {
    struct op *ops;
    int count;
    int size_min;
};

static int add_name(struct plans *plans, const char *name)
{
    for (int i = 0; i < plans->name_count; i++)
        if (strcmp(plans->names[i], name) == 0)
            return plans->name_at[i];
    assert(plans->name_count < NAMES_MAX);
    plans->names[plans->name_count] = name;
    plans->name_at[plans->name_count++] = plans->names_size;
    plans->names_size += (int)strlen(name) + 1;
    return plans->name_at[plans->name_count - 1];
}

static int add_type(struct plans *plans, const struct structure *structure, enum field_type bare)
{
    for (int i = 0; i < plans->type_count; i++)
        if (plans->types[i].structure == structure && (structure || plans->types[i].bare == bare))
            return i;
    assert(plans->type_count < TYPES_MAX);
    plans->types[plans->type_count] =
        (struct plan_type){.structure = structure, .bare = bare, .all = -1};
    return plans->type_count++;
}

static bool ops_equal(const struct op *a, const struct op *b, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(a[i].kind, b[i].kind) != 0 || a[i].flags != b[i].flags ||
            a[i].field != b[i].field || a[i].last != b[i].last || a[i].a != b[i].a ||
            a[i].b != b[i].b)
            return false;
    return true;
}

static const struct plan *plan_of(const struct plans *plans, const struct op *op)
{
    return &plans->plans[op->a];
}

static bool is_kind(const struct op *op, const char *kind)
{
    return strcmp(op->kind, kind) == 0;
}

/* The most bytes that a step takes, without those that depend on the value. */
static int size_fixed(const struct plans *plans, const struct op *op)
{
    bool compact = op->flags & COMPACT;

    if (is_kind(op, "WIRE_NEED"))
        return op->a;
    if (is_kind(op, "WIRE_STRING"))
        return compact ? 3 : 2;
    if (is_kind(op, "WIRE_BYTES") || is_kind(op, "WIRE_RECORDS") || is_kind(op, "WIRE_ARRAY"))
        return compact ? 5 : 4;
    if (is_kind(op, "WIRE_STRUCT"))
        return plan_of(plans, op)->size_fixed;
    if (is_kind(op, "WIRE_STRUCT_PTR") || is_kind(op, "WIRE_TAGS"))
        return 1;
    if (is_kind(op, "WIRE_TAG"))
        return 5 + 5 + plan_of(plans, op)->size_fixed;
    return 0;
}

/* Notes the steps of a new plan whose size depends on the value; those inside of tagged
 * fields too, which lie in the same struct. */
static void add_varying(struct plans *plans, struct plan *plan)
{
    plan->varying_first = plans->op_count;
    for (int i = 0; i < plan->op_count; i++) {
        const struct op *op = &plans->ops[plan->op_first + i];

        plan->size_fixed += size_fixed(plans, op);
        if (is_kind(op, "WIRE_TAG")) {
            const struct plan *payload = plan_of(plans, op);

            op = &plans->ops[payload->op_first + payload->op_count - 1];
        }
        if (is_kind(op, "WIRE_STRING") || is_kind(op, "WIRE_BYTES") ||
            is_kind(op, "WIRE_RECORDS") || is_kind(op, "WIRE_ARRAY") ||
            is_kind(op, "WIRE_STRUCT_PTR") ||
            (is_kind(op, "WIRE_STRUCT") && plan_of(plans, op)->varying_count))
            plans->ops[plans->op_count++] = *op;
    }
    plan->varying_count = plans->op_count - plan->varying_first;
    assert(plan->size_fixed <= UINT16_MAX);
}

/* Adds a plan of these steps, or finds the one there is. */
static int add_plan(struct plans *plans, struct plan plan, const struct steps *steps,
                    const struct steps *absent)
{
    plan.op_count = steps->count;
    plan.size_min = steps->size_min;
    plan.absent_count = absent ? absent->count : 0;
    for (int i = 0; i < plans->plan_count; i++) {
        const struct plan *p = &plans->plans[i];

        if (p->type == plan.type && p->structure == plan.structure &&
            p->op_count == plan.op_count && p->absent_count == plan.absent_count &&
            ops_equal(plans->ops + p->op_first, steps->ops, plan.op_count) &&
            (!absent || ops_equal(plans->ops + p->absent_first, absent->ops, plan.absent_count)))
            return i;
    }
    assert(plans->plan_count < PLANS_MAX);
    assert(plans->op_count + 2 * plan.op_count + plan.absent_count <= OPS_MAX);
    plan.op_first = plans->op_count;
    plan.absent_first = plan.op_first + plan.op_count;
    for (int i = 0; i < steps->count; i++)
        plans->ops[plans->op_count++] = steps->ops[i];
    for (int i = 0; i < plan.absent_count; i++)
        plans->ops[plans->op_count++] = absent->ops[i];
    add_varying(plans, &plan);
    plans->plans[plans->plan_count] = plan;
    return plans->plan_count++;
}

static int structure_plan(struct builder *b, const struct structure *structure, int version);

static bool is_compact(const struct builder *b, const struct field *field, int version)
{
    return version >= b->flexible && !field->is_classic;
}

static void add_op(struct steps *steps, struct op op, int size_min)
{
    steps->ops[steps->count++] = op;
    steps->size_min += size_min;
}

/* The plan of an array's elements. */
static int element_plan(struct builder *b, const struct field *field, int version)
{
    const struct type_facts *facts = &type_facts[field->type];
    struct op ops[2];
    struct steps steps = {.ops = ops};
    struct op op = {.kind = facts->kind, .b = NAME_NONE};

    if (field->type == TYPE_STRUCT)
        return structure_plan(b, field->structure, version);
    if (facts->fixed)
        add_op(&steps, (struct op){.kind = "WIRE_NEED", .a = facts->fixed, .b = 1}, facts->fixed);
    if (field->type == TYPE_STRING)
        op.flags = is_compact(b, field, version) ? COMPACT : 0;
    add_op(&steps, op, facts->fixed ? 0 : (op.flags & COMPACT ? 1 : 2));
    return add_plan(b->plans, (struct plan){.type = add_type(b->plans, NULL, field->type)}, &steps,
                    NULL);
}

/* A struct is compared with its defaults, unless null is what it is by default; for that
 * there is a plan of all its fields. */
static void need_all(struct builder *b, const struct structure *structure)
{
    int type = add_type(b->plans, structure, TYPE_STRUCT);

    if (b->plans->types[type].all < 0)
        b->plans->types[type].all = structure_plan(b, structure, ALL_VERSIONS);
}

/* Adds the step for a field whose size depends on its value. */
static void add_variable(struct builder *b, struct steps *steps, const struct structure *owner,
                         const struct field *field, int version)
{
    bool compact = is_compact(b, field, version);
    bool nullable =
        field->is_nullable && (version == ALL_VERSIONS || versions_have(field->null, version));
    struct op op = {.kind = type_facts[field->type].kind,
                    .flags = (compact ? COMPACT : 0u) | (nullable ? NULLABLE : 0u),
                    .structure = owner,
                    .field = field,
                    .b = add_name(b->plans, field->name)};
    int size_min = compact ? 1 : 4;

    if (field->is_array) {
        op.kind = "WIRE_ARRAY";
        op.a = element_plan(b, field, version);
    } else if (field->type == TYPE_STRING) {
        size_min = compact ? 1 : 2;
    } else if (field->type == TYPE_STRUCT) {
        op.flags = nullable ? NULLABLE : 0;
        op.a = structure_plan(b, field->structure, version);
        size_min = b->plans->plans[op.a].size_min;
        if (!field->is_nullable || !field->fallback)
            need_all(b, field->structure);
        if (field->is_nullable) {
            op.kind = "WIRE_STRUCT_PTR";
            size_min = nullable ? 1 : size_min;
        }
    }
    add_op(steps, op, size_min);
}

static bool is_fixed(const struct field *field)
{
    return !field->is_array && type_facts[field->type].fixed;
}

static void add_fixed(struct builder *b, struct steps *steps, const struct structure *owner,
                      const struct field *field)
{
    add_op(steps,
           (struct op){.kind = type_facts[field->type].kind,
                       .structure = owner,
                       .field = field,
                       .b = add_name(b->plans, field->name)},
           type_facts[field->type].fixed);
}

/* The plan of a tagged field's payload, which lies in the same struct as the tag. */
static int payload_plan(struct builder *b, const struct structure *owner, const struct field *field,
                        int version)
{
    struct op ops[2];
    struct steps steps = {.ops = ops};

    if (is_fixed(field)) {
        add_op(&steps, (struct op){.kind = "WIRE_NEED", .a = type_facts[field->type].fixed, .b = 1},
               0);
        add_fixed(b, &steps, owner, field);
    } else {
        add_variable(b, &steps, owner, field, version);
        if (field->type == TYPE_STRUCT && !field->is_array && field->is_nullable)
            ops[0].flags |= ZERO;
    }
    return add_plan(b->plans, (struct plan){.type = -1, .structure = owner}, &steps, NULL);
}

static bool is_plain(const struct field *field, int version)
{
    return version == ALL_VERSIONS ||
           (versions_have(field->versions, version) && !versions_have(field->tagged, version));
}

static bool is_tagged(const struct field *field, int version)
{
    return version != ALL_VERSIONS && versions_have(field->tagged, version);
}

/* Adds the fields that are not tagged; neighbours of fixed width share one check that
 * their bytes are there. */
static void add_plain_fields(struct builder *b, struct steps *steps,
                             const struct structure *structure, int version)
{
    int need = -1; /* The step that checks for the current run. */

    for (const struct field *f = structure->fields; f; f = f->next) {
        if (!is_plain(f, version))
            continue;
        if (!is_fixed(f)) {
            need = -1;
            add_variable(b, steps, structure, f, version);
            continue;
        }
        if (need < 0) {
            need = steps->count;
            add_op(steps, (struct op){.kind = "WIRE_NEED"}, 0);
        }
        steps->ops[need].a += type_facts[f->type].fixed;
        steps->ops[need].b++;
        add_fixed(b, steps, structure, f);
    }
}

/* The number of fields of a struct that has none but fixed ones, else 0. */
static int fixed_count(const struct structure *structure)
{
    int count = 0;

    for (const struct field *f = structure->fields; f; f = f->next, count++)
        if (!is_fixed(f))
            return 0;
    return count;
}

/* The steps that compare the fixed fields of a struct inside `owner` with their defaults:
 * where the first is.  They are there once, whatever the versions. */
static int comparing_steps(struct plans *plans, const struct structure *owner,
                           const struct field *field)
{
    int first = plans->op_count;

    for (int i = 0; i < plans->op_count; i++)
        if (plans->ops[i].outer == field)
            return i;
    for (const struct field *f = field->structure->fields; f; f = f->next)
        plans->ops[plans->op_count++] = (struct op){.kind = type_facts[f->type].kind,
                                                    .structure = owner,
                                                    .field = f,
                                                    .outer = field,
                                                    .b = NAME_NONE};
    return first;
}

/* Adds the step of one tagged field. */
static void add_tag(struct builder *b, struct steps *steps, const struct structure *owner,
                    const struct field *field, int version)
{
    struct op op = {
        .kind = "WIRE_TAG", .a = payload_plan(b, owner, field, version), .b = field->tag};
    const struct plan *payload = plan_of(b->plans, &op);

    if (is_fixed(field)) {
        op.at = payload->op_first + payload->op_count - 1;
        op.flags = 1;
    } else if (field->type == TYPE_STRUCT && !field->is_array && !field->is_nullable) {
        op.flags = (unsigned)fixed_count(field->structure);
        op.at = op.flags ? comparing_steps(b->plans, owner, field) : 0;
    }
    add_op(steps, op, 0);
}

/* Tells a tagged section where its fields are, if no others are between them. */
static void note_range(struct op *section, const struct structure *structure, int version)
{
    const struct field *first = NULL;
    const struct field *last = NULL;
    bool is_left = false; /* What lies together, at the first field that is not tagged. */

    for (const struct field *f = structure->fields; f; f = f->next) {
        if (is_plain(f, version))
            is_left = first;
        if (!is_tagged(f, version))
            continue;
        if (is_left)
            return;
        first = first ? first : f;
        last = f;
    }
    section->structure = structure;
    section->field = first;
    section->last = last;
}

/* Adds the tagged section: the tags in ascending order, whatever the schema's. */
static void add_tags(struct builder *b, struct steps *steps, const struct structure *structure,
                     int version)
{
    int section = steps->count;
    int last = -1;

    add_op(steps, (struct op){.kind = "WIRE_TAGS"}, 1);
    for (;;) {
        const struct field *next = NULL;

        for (const struct field *f = structure->fields; f; f = f->next)
            if (is_tagged(f, version) && f->tag > last && (!next || f->tag < next->tag))
                next = f;
        if (!next)
            break;
        last = next->tag;
        add_tag(b, steps, structure, next, version);
        steps->ops[section].a++;
    }
    note_range(&steps->ops[section], structure, version);
    assert(steps->ops[section].a < 128); /* The encoder leaves a byte for their count. */
}

/* What the version cannot say must have its default when it is written. */
static void add_absent(struct builder *b, struct steps *absent, const struct structure *structure,
                       int version)
{
    for (const struct field *f = structure->fields; f; f = f->next) {
        if (is_plain(f, version) || is_tagged(f, version) || f->is_ignorable)
            continue;
        if (is_fixed(f))
            add_fixed(b, absent, structure, f);
        else
            add_variable(b, absent, structure, f, ALL_VERSIONS);
    }
}

static bool has_image(const struct structure *structure, int version)
{
    for (const struct field *f = structure->fields; f; f = f->next)
        if (!is_plain(f, version))
            return true;
    return !structure->fields;
}

static int structure_plan(struct builder *b, const struct structure *structure, int version)
{
    int type = add_type(b->plans, structure, TYPE_STRUCT);
    struct steps steps = {.ops = NULL};
    struct steps absent = {.ops = NULL};
    size_t fields = 0;

    for (const struct field *f = structure->fields; f; f = f->next)
        fields++;
    steps.ops = arena_new(b->plans->arena, (fields * 2 + 2) * sizeof(struct op));
    absent.ops = arena_new(b->plans->arena, (fields + 1) * sizeof(struct op));
    add_plain_fields(b, &steps, structure, version);
    if (version != ALL_VERSIONS && version >= b->flexible)
        add_tags(b, &steps, structure, version);
    if (version != ALL_VERSIONS)
        add_absent(b, &absent, structure, version);
    return add_plan(b->plans,
                    (struct plan){.type = type,
                                  .structure = structure,
                                  .has_image = has_image(structure, version)},
                    &steps, &absent);
}

void plan_build(const struct schema *schema, const struct message *message, struct plans *plans)
{
    struct builder b = {.flexible = message->flexible, .plans = plans};
    int count = message->versions.high - message->versions.low + 1;

    *plans = (struct plans){.arena = schema->arena};
    plans->ops = arena_new(plans->arena, OPS_MAX * sizeof(*plans->ops));
    plans->plans = arena_new(plans->arena, PLANS_MAX * sizeof(*plans->plans));
    plans->types = arena_new(plans->arena, TYPES_MAX * sizeof(*plans->types));
    plans->names = arena_new(plans->arena, NAMES_MAX * sizeof(*plans->names));
    plans->name_at = arena_new(plans->arena, NAMES_MAX * sizeof(*plans->name_at));
    plans->roots = arena_new(plans->arena, (size_t)count * sizeof(*plans->roots));
    for (int i = 0; i < count; i++)
        plans->roots[plans->root_count++] =
            structure_plan(&b, message->root, message->versions.low + i);
}
