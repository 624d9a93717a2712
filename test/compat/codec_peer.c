/* SPDX-License-Identifier: Apache-2.0 */

/* test/compat/codec_peer.c - makes up messages and compares what Kafka's classes say of them.
 *
 *     codec_peer PLAN REPORT CASES NON_DEFAULTS SEED
 *
 * Standard input and output are the pipes of CodecPeer.java.  PLAN has a line for each
 * message: name, Kafka's class, lowest and highest version.  For each version CASES messages
 * are made up, and more until every field had another value than its default NON_DEFAULTS
 * times.  For each message, with bytes B and text J of ours:
 *
 *     B is sent, and decoded there;   it is J that Kafka's converter says of the result,
 *                                     and B that Kafka encodes it to
 *     J is sent, and converted there; it is B that Kafka encodes the result to
 *
 * The text is compared by value: it is read back into a struct.  REPORT gets a line for
 * each field in each version: message, version, field, how often it was not at its default.
 *
 * Defaults are compared apart, since both sides leave them out.  Kafka's side is told the
 * fields of the version and answers with two texts of a new message that has an element in
 * each array of structs: one that says every value, and one that says none.  To us they must
 * mean the same.
 *
 * A batch goes out as a whole before its answers are read, and Kafka's side reads it as a
 * whole before it answers, so neither waits for the other.  Numbers are big endian.
 */

#include "base/base64.h"
#include "base/mem.h"
#include "wire/api.h"
#include "wire/bytes.h"
#include "wire/codec_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 64,
    CASES_MAX = 40000, /* A field that needs more is never set, as far as we can tell. */
    FIELDS_MAX = 512,
    DEPTH_MAX = WIRE_DEPTH_MAX + 1,
    FAILURES_SHOWN = 10,
};

/* A field in one version, with how often it was not at its default. */
struct counted {
    const char *name;
    int depth;
    int parent; /* Index, or -1. */
    int64_t other;
};

/* One message in one version. */
struct run {
    const struct wire_message *message;
    const char *class_name;
    int16_t version;
    struct counted fields[FIELDS_MAX];
    int field_count;
    int inside[DEPTH_MAX]; /* While visiting: the field that the fields of a depth are in. */
    int last;              /* The field that was visited last. */
};

struct one_case {
    void *in;
    struct codec_output bytes;
    struct text json;
};

struct totals {
    int64_t cases, failures, fields, versions;
    int64_t least; /* How often the field was set that was set least. */
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "codec_peer: %s\n", what);
    exit(2);
}

/* --- the pipes ---------------------------------------------------------------- */

static void put(const void *data, size_t size)
{
    if (size && fwrite(data, 1, size, stdout) != size)
        die("Kafka's side is gone");
}

static void put_u32(size_t value)
{
    uint8_t bytes[4];

    bytes_store_u32(bytes, (uint32_t)value);
    put(bytes, sizeof(bytes));
}

static void put_sized(const void *data, size_t size)
{
    put_u32(size);
    put(data, size);
}

static void get(void *data, size_t size)
{
    if (size && fread(data, 1, size, stdin) != size)
        die("Kafka's side ended too early");
}

static struct slice get_sized(struct arena *arena)
{
    uint8_t bytes[4];
    uint8_t *data;
    size_t size;

    get(bytes, sizeof(bytes));
    size = bytes_load_u32(bytes);
    data = arena_new(arena, size + 1);
    get(data, size);
    return slice_of(data, size);
}

/* What a frame of a batch asks for. */
enum { ASK_ROUND_TRIP, ASK_DEFAULTS };

static void put_question(uint8_t what, const char *class_name, int16_t version)
{
    uint8_t bytes[2];

    put(&what, sizeof(what));
    put_sized(class_name, strlen(class_name));
    bytes_store_i16(bytes, version);
    put(bytes, sizeof(bytes));
}

/* --- the counters ------------------------------------------------------------- */

static void add_field(void *context, const char *name, int depth, bool is_default)
{
    struct run *run = context;
    struct counted *field = &run->fields[run->field_count];

    (void)is_default;
    if (run->field_count == FIELDS_MAX || depth + 1 >= DEPTH_MAX)
        die("a message has too many fields");
    *field = (struct counted){.name = name, .depth = depth, .parent = run->inside[depth]};
    run->inside[depth + 1] = run->field_count++;
}

/* Fields come in the order in which they were added, except that elements repeat. */
static void count_field(void *context, const char *name, int depth, bool is_default)
{
    struct run *run = context;

    for (int i = 0; i < run->field_count; i++) {
        int at = (run->last + 1 + i) % run->field_count;
        struct counted *field = &run->fields[at];

        if (field->name == name && field->depth == depth && field->parent == run->inside[depth]) {
            run->last = at;
            run->inside[depth + 1] = at;
            field->other += !is_default;
            return;
        }
    }
    die("a field that is in no list");
}

static int64_t least_set(const struct run *run)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < run->field_count; i++)
        least = min_of(least, run->fields[i].other);
    return least;
}

static void print_path(FILE *file, const struct run *run, int field)
{
    if (run->fields[field].parent >= 0) {
        print_path(file, run, run->fields[field].parent);
        fprintf(file, ".");
    }
    fprintf(file, "%s", run->fields[field].name);
}

static void report(FILE *file, const struct run *run)
{
    for (int i = 0; i < run->field_count; i++) {
        fprintf(file, "%s\t%d\t", run->message->name, run->version);
        print_path(file, run, i);
        fprintf(file, "\t%lld\n", (long long)run->fields[i].other);
    }
}

/* --- one batch ---------------------------------------------------------------- */

static void send_case(struct run *run, struct arena *arena, struct rng *rng, struct one_case *one)
{
    const struct wire_message *m = run->message;

    one->in = arena_new(arena, m->struct_size);
    if (codec_randomise(m, run->version, rng, arena, one->in) ||
        codec_encode(m, run->version, one->in, arena, &one->bytes))
        die("a made up message cannot be written");
    text_cut(&one->json, 0);
    codec_print(m, run->version, one->in, 0, &one->json);
    run->last = -1;
    codec_visit(m, run->version, one->in, count_field, run);

    put_question(ASK_ROUND_TRIP, run->class_name, run->version);
    put_sized(one->bytes.data, one->bytes.size);
    put_sized(one->json.data, one->json.size);
}

static void show(const char *what, struct slice bytes)
{
    struct text hex = {.data = NULL};

    base64_print_hex(bytes, &hex);
    fprintf(stderr, "    %s %s\n", what, hex.size ? hex.data : "");
    text_fini(&hex);
}

static bool same_values(const struct run *run, struct arena *arena, struct slice json,
                        const struct one_case *one, struct codec_mistake *out)
{
    void *theirs = arena_new(arena, run->message->struct_size);

    *out = (struct codec_mistake){.why = "other values"};
    return !codec_parse(run->message, run->version, json, arena, theirs, out) &&
           codec_equal(run->message, run->version, one->in, theirs);
}

/* What is wrong, or NULL. */
static const char *check_answer(const struct run *run, struct arena *arena,
                                const struct one_case *one, bool is_shown)
{
    struct slice ours = slice_of(one->bytes.data, one->bytes.size);
    struct codec_mistake mistake;
    struct slice json;
    struct slice decoded;
    struct slice converted;
    const char *why = NULL;
    uint8_t good;

    get(&good, 1);
    json = get_sized(arena);
    if (!good) {
        if (is_shown)
            fprintf(stderr, "    Kafka: %.*s\n", SLICE_ARG(json));
        return "Kafka does not take it";
    }
    decoded = get_sized(arena);
    converted = get_sized(arena);
    if (!same_values(run, arena, json, one, &mistake))
        why = mistake.why;
    else if (!slice_equal(decoded, ours))
        why = "Kafka encodes what it decoded to other bytes";
    else if (!slice_equal(converted, ours))
        why = "Kafka encodes our text to other bytes";
    if (why && is_shown) {
        fprintf(stderr, "    ours  %s\n    Kafka %.*s\n", one->json.data, SLICE_ARG(json));
        show("ours                  ", ours);
        show("Kafka, from our bytes ", decoded);
        show("Kafka, from our text  ", converted);
    }
    return why;
}

static void run_batch(struct run *run, struct rng *rng, int count, struct totals *totals)
{
    struct one_case cases[BATCH] = {{.in = NULL}};
    struct arena arena;

    arena_init(&arena, NULL);
    put_u32((size_t)count);
    for (int i = 0; i < count; i++)
        send_case(run, &arena, rng, &cases[i]);
    if (fflush(stdout))
        die("Kafka's side is gone");
    for (int i = 0; i < count; i++) {
        bool is_shown = totals->failures < FAILURES_SHOWN;
        const char *why = check_answer(run, &arena, &cases[i], is_shown);

        if (why && is_shown)
            fprintf(stderr, "%s version %d: %s\n", run->message->name, run->version, why);
        totals->failures += why ? 1 : 0;
        text_fini(&cases[i].json);
    }
    totals->cases += count;
    arena_reset(&arena);
}

/* --- defaults ----------------------------------------------------------------- */

/* Reads a text and writes it again as bytes; NULL, or what is wrong. */
static const char *read_text(const struct run *run, struct arena *arena, struct slice json,
                             void **out, struct slice *out_bytes)
{
    struct codec_mistake mistake;
    struct codec_output bytes;

    *out = arena_new(arena, run->message->struct_size);
    if (codec_parse(run->message, run->version, json, arena, *out, &mistake))
        return arena_printf(arena, "%s: %s", mistake.where, mistake.why);
    if (codec_encode(run->message, run->version, *out, arena, &bytes))
        return "it cannot be written";
    *out_bytes = slice_of(bytes.data, bytes.size);
    return NULL;
}

static const char *check_defaults(const struct run *run, struct arena *arena)
{
    struct slice full;
    struct slice empty;
    struct slice theirs;
    struct slice bytes;
    const char *why;
    void *said;
    void *left_out;
    uint8_t good;

    get(&good, 1);
    full = get_sized(arena);
    if (!good)
        return (const char *)full.data;
    empty = get_sized(arena);
    theirs = get_sized(arena);
    why = read_text(run, arena, empty, &left_out, &bytes);
    if (!why)
        why = read_text(run, arena, full, &said, &bytes);
    if (!why && !codec_equal(run->message, run->version, said, left_out))
        why = "other values";
    if (!why && !slice_equal(bytes, theirs))
        why = "Kafka encodes them to other bytes";
    if (why)
        why = arena_printf(arena, "%s\n    Kafka: %.*s\n    with defaults left out: %.*s", why,
                           SLICE_ARG(full), SLICE_ARG(empty));
    return why;
}

static void run_defaults(struct run *run, struct totals *totals)
{
    struct text fields = {.data = NULL};
    struct arena arena;
    const char *why;

    arena_init(&arena, NULL);
    for (int i = 0; i < run->field_count; i++)
        text_printf(&fields, "%d %s\n", run->fields[i].depth, run->fields[i].name);
    put_u32(1);
    put_question(ASK_DEFAULTS, run->class_name, run->version);
    put_sized(fields.data, fields.size);
    if (fflush(stdout))
        die("Kafka's side is gone");
    why = check_defaults(run, &arena);
    if (why && totals->failures++ < FAILURES_SHOWN)
        fprintf(stderr, "%s version %d: defaults: %s\n", run->message->name, run->version, why);
    text_fini(&fields);
    arena_reset(&arena);
}

/* --- all of it ---------------------------------------------------------------- */

static void run_version(struct run *run, int cases, int64_t others, struct rng rng,
                        struct totals *totals)
{
    int64_t least;
    int done = 0;

    run->field_count = 0;
    run->inside[0] = -1;
    codec_visit(run->message, run->version, NULL, add_field, run);
    run_defaults(run, totals);
    while (done < cases || (least_set(run) < others && run->field_count && done < CASES_MAX)) {
        int count = done < cases ? min_of(cases - done, BATCH) : BATCH;

        run_batch(run, &rng, count, totals);
        done += count;
    }
    least = least_set(run);
    if (run->field_count && least < others) {
        fprintf(stderr, "%s version %d: a field was set %lld times only\n", run->message->name,
                run->version, (long long)least);
        totals->failures++;
    }
    totals->least = min_of(totals->least, least);
    totals->fields += run->field_count;
    totals->versions++;
}

static int run_plan(FILE *plan, FILE *out, int cases, int64_t others, uint64_t seed)
{
    struct run *run = mem_new(sizeof(*run));
    struct totals totals = {.least = INT64_MAX};
    char name[128];
    char class_name[256];
    int low;
    int high;

    while (fscanf(plan, "%127s %255s %d %d", name, class_name, &low, &high) == 4) {
        run->message = wire_message_find(slice_text(name));
        run->class_name = class_name;
        if (!run->message || low < run->message->min || high > run->message->max)
            die("the plan has a message that we do not know");
        for (int version = low; version <= high; version++) {
            run->version = (int16_t)version;
            run_version(run, cases, others, rng_of(seed++), &totals);
            report(out, run);
        }
    }
    mem_free(run);
    fprintf(stderr,
            "%lld versions, %lld fields, each set %lld times or more; %lld messages, "
            "%lld failures\n",
            (long long)totals.versions, (long long)totals.fields, (long long)totals.least,
            (long long)totals.cases, (long long)totals.failures);
    return totals.failures || !totals.cases ? 1 : 0;
}

int main(int argc, char **argv)
{
    FILE *plan;
    FILE *out;
    int r;

    if (argc != 6)
        die("usage: codec_peer PLAN REPORT CASES NON_DEFAULTS SEED");
    plan = fopen(argv[1], "r");
    out = fopen(argv[2], "w");
    if (!plan || !out)
        die(strerror(errno));
    r = run_plan(plan, out, (int)strtol(argv[3], NULL, 10), strtoll(argv[4], NULL, 10),
                 strtoull(argv[5], NULL, 0));
    put_u32(0); /* No more batches. */
    if (fflush(stdout) || fclose(out))
        die("the report cannot be written");
    fclose(plan);
    return r;
}
