/* SPDX-License-Identifier: Apache-2.0 */

/* tools/msgc/main.c - the schema compiler:
 *
 *     msgc OUT_DIR SCHEMA...
 *     msgc --project SCHEMA...
 *
 * For each schema <name>.msg it writes OUT_DIR/msg/<name>.h and .c, and for all of them
 * OUT_DIR/msg/all.h and all.c.  Files that would not change are left alone, so that
 * what includes them is not compiled again.  An error is `file:line: text`, and
 * nothing is written.
 *
 * With --project it prints instead what each version of each message consists of, a line
 * of JSON a message: test/compat compares that with Kafka's own definitions.
 */

#include "base/mem.h"
#include "tools/msgc/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool file_read(const char *path, struct text *out)
{
    FILE *file = fopen(path, "rb");
    char bytes[4096];
    size_t size;
    bool good;

    if (!file)
        return false;
    while ((size = fread(bytes, 1, sizeof(bytes), file)) > 0)
        text_add(out, bytes, size);
    good = !ferror(file);
    return fclose(file) == 0 && good;
}

static bool file_write(const char *path, const struct text *text)
{
    struct text old = {.data = NULL};
    bool good = file_read(path, &old) && slice_equal(text_slice(&old), text_slice(text));
    FILE *file;

    text_fini(&old);
    if (good)
        return true;
    file = fopen(path, "wb");
    if (file) {
        good = fwrite(text->data, 1, text->size, file) == text->size;
        good = fclose(file) == 0 && good;
    }
    if (!good)
        fprintf(stderr, "msgc: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

/* What a schema file is called inside the project, for the heads of what we print. */
static const char *short_name(const char *path)
{
    const char *at = strstr(path, "schema/");

    return at ? at : path;
}

static bool write_text(struct arena *arena, const char *dir, const char *name, const char *ending,
                       struct text *text)
{
    bool good = file_write(arena_printf(arena, "%s/msg/%s.%s", dir, name, ending), text);

    text_fini(text);
    return good;
}

static bool write_schema(const char *dir, const struct schema *schema)
{
    struct arena arena;
    struct text text = {.data = NULL};
    bool good;

    arena_init(&arena, NULL);
    emit_header(schema, &text);
    good = write_text(&arena, dir, schema->header, "h", &text);
    emit_tables(schema, &arena, &text);
    good = write_text(&arena, dir, schema->header, "c", &text) && good;
    arena_reset(&arena);
    return good;
}

static bool write_all(const char *dir, struct arena *arena, const struct schema *schemas, int count)
{
    struct text text = {.data = NULL};
    bool good = true;

    for (int i = 0; i < count; i++)
        good = write_schema(dir, &schemas[i]) && good;
    emit_all_header(schemas, count, &text);
    good = write_text(arena, dir, "all", "h", &text) && good;
    emit_all_tables(schemas, count, &text);
    return write_text(arena, dir, "all", "c", &text) && good;
}

static bool make_dir(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "msgc: cannot make %s: %s\n", path, strerror(errno));
    return false;
}

static bool load(struct arena *arena, const char *path, struct schema *schema)
{
    struct text text = {.data = NULL};

    if (!file_read(path, &text)) {
        fprintf(stderr, "msgc: cannot read %s: %s\n", path, strerror(errno));
        text_fini(&text);
        return false;
    }
    schema_parse(schema, arena, short_name(path), text_slice(&text));
    schema_check(schema);
    text_fini(&text);
    return true;
}

static bool print_all(const struct schema *schemas, int count)
{
    struct text text = {.data = NULL};
    bool good;

    for (int i = 0; i < count; i++)
        for (int k = 0; k < schemas[i].message_count; k++)
            project_message(&schemas[i], &schemas[i].messages[k], &text);
    good = fwrite(text.data, 1, text.size, stdout) == text.size && fflush(stdout) == 0;
    text_fini(&text);
    return good;
}

/* Writes to `dir`, or prints what there is to project if it is NULL. */
static int compile(struct arena *arena, const char *dir, char **paths, int count)
{
    struct schema *schemas = arena_new(arena, (size_t)count * sizeof(*schemas));
    bool good = true;

    for (int i = 0; i < count && good; i++)
        good = load(arena, paths[i], &schemas[i]);
    if (good)
        schema_check_unique(schemas, count);
    for (int i = 0; i < count && good; i++)
        if (schemas[i].error) {
            fprintf(stderr, "%s\n", schemas[i].error);
            good = false;
        }
    if (good && !dir)
        return print_all(schemas, count) ? 0 : 1;
    good = good && make_dir(dir) && make_dir(arena_printf(arena, "%s/msg", dir)) &&
           write_all(dir, arena, schemas, count);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct arena arena;
    int r;

    if (argc < 3) {
        fprintf(stderr, "usage: msgc OUT_DIR|--project SCHEMA...\n");
        return 2;
    }
    arena_init(&arena, NULL);
    r = compile(&arena, strcmp(argv[1], "--project") == 0 ? NULL : argv[1], argv + 2, argc - 2);
    arena_reset(&arena);
    return r;
}
