/* SPDX-License-Identifier: Apache-2.0 */

/* cli/reassign_files.c - kafka-reassign-partitions: its files. */

#include "cli/json_fields.h"
#include "cli/reassign.h"

#include <stdlib.h>

enum { FILE_SIZE_MAX = 256 * 1024 * 1024, ITEMS_FIRST = 16 };

static bool load(struct reassign *r, int row)
{
    struct cli *cli = r->cli;
    const char *path;

    if (options_get(&cli->options, row, &path, &cli->why))
        return false;
    text_cut(&r->file, 0);
    if (console_read_file(path, FILE_SIZE_MAX, &r->file) == 0)
        return true;
    text_printf(&cli->why, "Unable to read file %s", path);
    return false;
}

/* Room for one more item of an array in the arena. */
static void *grow(struct arena *arena, void *items, size_t count, size_t size)
{
    void *more;

    if (count > 0 && (count < ITEMS_FIRST || (count & (count - 1)) != 0))
        return items;
    more = arena_new(arena, max_of(count * 2, (size_t)ITEMS_FIRST) * size);
    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

/* The version that a file has, if it says any. */
static bool check_end(struct reassign *r, struct fields *fields, int32_t version)
{
    struct text *why = &r->cli->why;

    if (!fields_end(fields) && why->size == 0)
        text_printf(why, "The input string is not a valid JSON");
    if (why->size == 0 && version != 1)
        text_printf(why, "Not supported version field value %d", version);
    return why->size == 0;
}

/* --- partitions -------------------------------------------------------------- */

static void read_replicas(struct fields *fields, struct reassign_part *part)
{
    part->replicas = NULL;
    part->replica_count = 0;
    fields_enter(fields, JSON_ARRAY);
    while (fields_more(fields)) {
        part->replicas =
            grow(fields->arena, part->replicas, part->replica_count, sizeof(*part->replicas));
        part->replicas[part->replica_count] = -1;
        fields_number(fields, &part->replicas[part->replica_count++]);
    }
}

static size_t read_dirs(struct fields *fields, struct reassign_part *part)
{
    size_t count = 0;

    part->dirs = NULL;
    fields_enter(fields, JSON_ARRAY);
    while (fields_more(fields)) {
        part->dirs = grow(fields->arena, part->dirs, count, sizeof(*part->dirs));
        part->dirs[count] = slice_empty();
        fields_string(fields, &part->dirs[count++]);
    }
    return count;
}

/* Replicas without a directory may have any. */
static void complete_dirs(struct fields *fields, struct reassign_part *part, bool has_dirs,
                          size_t dirs)
{
    struct text *why = fields->why;

    if (has_dirs && dirs != part->replica_count && !fields->json.error) {
        text_printf(why, "Size of replicas list [");
        for (size_t i = 0; i < part->replica_count; i++)
            text_printf(why, "%s%d", i ? ", " : "", part->replicas[i]);
        text_printf(why, "] is different from size of log dirs list [");
        for (size_t i = 0; i < dirs; i++)
            text_printf(why, "%s%.*s", i ? ", " : "", SLICE_ARG(part->dirs[i]));
        text_printf(why, "] for partition %.*s-%d", SLICE_ARG(part->topic), part->partition);
        json_fail(&fields->json, "lists of different sizes");
    }
    if (has_dirs)
        return;
    part->dirs = arena_new(fields->arena, (part->replica_count + 1) * sizeof(*part->dirs));
    for (size_t i = 0; i < part->replica_count; i++)
        part->dirs[i] = slice_text("any");
}

static void read_part(struct fields *fields, struct reassign_part *part)
{
    bool has_partition = false, has_replicas = false, has_dirs = false;
    struct slice key;
    size_t dirs = 0;

    *part = (struct reassign_part){.topic = slice_null()};
    fields_enter(fields, JSON_OBJECT);
    while (fields_key(fields, &key)) {
        if (slice_is_text(key, "topic")) {
            fields_string(fields, &part->topic);
        } else if (slice_is_text(key, "partition")) {
            fields_number(fields, &part->partition);
            has_partition = true;
        } else if (slice_is_text(key, "replicas")) {
            read_replicas(fields, part);
            has_replicas = true;
        } else if (slice_is_text(key, "log_dirs")) {
            dirs = read_dirs(fields, part);
            has_dirs = true;
        } else {
            fields_skip(fields);
        }
    }
    fields_need(fields, !slice_is_null(part->topic), "topic");
    fields_need(fields, has_partition, "partition");
    fields_need(fields, has_replicas, "replicas");
    complete_dirs(fields, part, has_dirs, dirs);
}

bool reassign_read_parts(struct reassign *r, struct reassign_parts *out)
{
    struct arena *arena = &r->admin.arena;
    struct fields fields;
    int32_t version = 1;
    struct slice key;

    *out = (struct reassign_parts){.items = NULL};
    if (!load(r, REASSIGN_file))
        return false;
    fields_init(&fields, text_slice(&r->file), arena, &r->cli->why);
    fields_enter(&fields, JSON_OBJECT);
    while (fields_key(&fields, &key)) {
        if (slice_is_text(key, "version")) {
            fields_number(&fields, &version);
        } else if (slice_is_text(key, "partitions")) {
            fields_enter(&fields, JSON_ARRAY);
            while (fields_more(&fields)) {
                out->items = grow(arena, out->items, out->count, sizeof(*out->items));
                read_part(&fields, &out->items[out->count++]);
            }
        } else {
            fields_skip(&fields);
        }
    }
    return check_end(r, &fields, version);
}

/* --- topics ------------------------------------------------------------------ */

bool reassign_read_topics(struct reassign *r, struct reassign_topics *out)
{
    struct arena *arena = &r->admin.arena;
    struct fields fields;
    int32_t version = 1;
    struct slice key;

    *out = (struct reassign_topics){.items = NULL};
    if (!load(r, REASSIGN_topics))
        return false;
    fields_init(&fields, text_slice(&r->file), arena, &r->cli->why);
    fields_enter(&fields, JSON_OBJECT);
    while (fields_key(&fields, &key)) {
        if (slice_is_text(key, "version")) {
            fields_number(&fields, &version);
            continue;
        }
        if (!slice_is_text(key, "topics")) {
            fields_skip(&fields);
            continue;
        }
        fields_enter(&fields, JSON_ARRAY);
        while (fields_more(&fields)) {
            struct slice name = slice_null();

            fields_enter(&fields, JSON_OBJECT);
            while (fields_key(&fields, &key)) {
                if (slice_is_text(key, "topic"))
                    fields_string(&fields, &name);
                else
                    fields_skip(&fields);
            }
            fields_need(&fields, !slice_is_null(name), "topic");
            out->items = grow(arena, out->items, out->count, sizeof(*out->items));
            out->items[out->count++] = name;
        }
    }
    return check_end(r, &fields, version);
}

/* --- printing ---------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct reassign_part *x = a;
    const struct reassign_part *y = b;
    int order = admin_by_name(&x->topic, &y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

void reassign_sort(struct reassign_parts *parts)
{
    if (parts->count > 1)
        qsort(parts->items, parts->count, sizeof(*parts->items), by_place);
}

static void print_part(const struct reassign_part *part, struct text *out)
{
    text_printf(out, "{\"topic\":");
    json_print_string(part->topic, out);
    text_printf(out, ",\"partition\":%d,\"replicas\":[", part->partition);
    for (size_t i = 0; i < part->replica_count; i++)
        text_printf(out, "%s%d", i ? "," : "", part->replicas[i]);
    text_printf(out, "],\"log_dirs\":[");
    for (size_t i = 0; i < part->replica_count; i++) {
        text_printf(out, "%s", i ? "," : "");
        json_print_string(part->dirs[i], out);
    }
    text_printf(out, "]}");
}

void reassign_print_parts(struct reassign_parts *parts, struct text *out)
{
    reassign_sort(parts);
    text_printf(out, "{\"version\":1,\"partitions\":[");
    for (size_t i = 0; i < parts->count; i++) {
        text_printf(out, "%s", i ? "," : "");
        print_part(&parts->items[i], out);
    }
    text_printf(out, "]}");
}
