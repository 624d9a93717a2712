/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

static const char recovery_points[] = "recovery-point-offset-checkpoint";
static const char high_watermarks[] = "replication-offset-checkpoint";
static const char log_starts[] = "log-start-offset-checkpoint";
static const char cleaner_offsets[] = "cleaner-offset-checkpoint";

void marks_init(struct marks *marks)
{
    map_init(&marks->by_name);
}

static void mark_free(struct mark *mark)
{
    mem_free(mark->topic);
    mem_free(mark);
}

void marks_fini(struct marks *marks)
{
    struct map_node *node;

    while ((node = map_pop(&marks->by_name)))
        mark_free(container_of(node, struct mark, node));
    map_fini(&marks->by_name);
}

static uint64_t mark_hash(struct slice topic, int64_t partition)
{
    return hash_slice(topic, (uint64_t)partition);
}

struct mark *marks_find(const struct marks *marks, struct slice topic, int64_t partition)
{
    uint64_t hash = mark_hash(topic, partition);

    for (struct map_node *n = map_find(&marks->by_name, hash); n; n = map_find_next(n)) {
        struct mark *mark = container_of(n, struct mark, node);

        if (mark->partition == partition && slice_is_text(topic, mark->topic))
            return mark;
    }
    return NULL;
}

struct mark *marks_get(struct marks *marks, struct slice topic, int64_t partition)
{
    struct mark *mark = marks_find(marks, topic, partition);

    if (mark)
        return mark;
    mark = mem_new(sizeof(*mark));
    mark->topic = mem_copy_text(topic.data, topic.size);
    mark->partition = partition;
    mark->recovery_point = mark->high_watermark = mark->start = mark->cleaned = -1;
    map_put(&marks->by_name, &mark->node, mark_hash(topic, partition));
    return mark;
}

void marks_remove(struct marks *marks, struct mark *mark)
{
    map_remove(&marks->by_name, &mark->node);
    mark_free(mark);
}

void marks_copy(struct marks *marks, const struct marks *from)
{
    map_each (node, &from->by_name) {
        const struct mark *mark = container_of(node, struct mark, node);
        struct mark *copy = marks_get(marks, slice_text(mark->topic), mark->partition);

        copy->topic_id = mark->topic_id;
        copy->recovery_point = mark->recovery_point;
        copy->high_watermark = mark->high_watermark;
        copy->start = mark->start;
        copy->cleaned = mark->cleaned;
    }
}

/* --- reading ---------------------------------------------------------------- */

static void note_recovery_point(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->recovery_point = offset;
}

static void note_high_watermark(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->high_watermark = offset;
}

static void note_start(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->start = offset;
}

static void note_cleaned(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->cleaned = offset;
}

int marks_read(struct marks *marks, struct io *io, int dir, struct diag *diag)
{
    static const struct {
        const char *name;
        checkpoint_line_fn *note;
    } files[] = {
        {recovery_points, note_recovery_point},
        {high_watermarks, note_high_watermark},
        {log_starts, note_start},
        {cleaner_offsets, note_cleaned},
    };

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int r = checkpoint_read(io, dir, files[i].name, true, files[i].note, marks);

        if (r < 0)
            return err_pass(r);
        if (r > 0)
            diag_warn(diag, "checkpoint cannot be read to its end", kv("file", files[i].name));
    }
    return 0;
}

/* --- writing ---------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct mark *x = *(const struct mark *const *)a;
    const struct mark *y = *(const struct mark *const *)b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int has_folder(const struct mark *mark, struct io *io, int dir, bool *out)
{
    char name[IO_NAME_MAX];
    int fd = -1;
    int r;

    (void)snprintf(name, sizeof(name), "%s-%" PRId64, mark->topic, mark->partition);
    r = io->ops->dir_open(io, dir, name, &fd);
    io_close(io, &fd);
    *out = r == 0;
    return r == -ENOENT ? 0 : err_pass(r);
}

/* Kafka's checkpoints do not list the metadata log. */
static bool is_listed(const struct mark *mark)
{
    return strcmp(mark->topic, "__cluster_metadata") != 0;
}

/* The marks that may get lines, by name; the caller frees the array. */
static const struct mark **sort(const struct marks *marks, size_t *out_count)
{
    const struct mark **sorted = mem_new_array(marks->by_name.count + 1, sizeof(*sorted));
    size_t count = 0;

    map_each (node, &marks->by_name) {
        const struct mark *mark = container_of(node, struct mark, node);

        if (is_listed(mark))
            sorted[count++] = mark;
    }
    qsort(sorted, count, sizeof(*sorted), by_name);
    *out_count = count;
    return sorted;
}

/* The files being made. */
struct lines {
    struct checkpoint points, watermarks, starts, cleaned;
};

static void add_lines(struct lines *lines, const struct mark *mark, bool has_point)
{
    struct slice topic = slice_text(mark->topic);

    if (has_point && mark->recovery_point >= 0)
        checkpoint_add(&lines->points, topic, mark->partition, mark->recovery_point);
    if (mark->high_watermark >= 0)
        checkpoint_add(&lines->watermarks, topic, mark->partition, mark->high_watermark);
    if (mark->start >= 0)
        checkpoint_add(&lines->starts, topic, mark->partition, mark->start);
    if (mark->cleaned >= 0)
        checkpoint_add(&lines->cleaned, topic, mark->partition, mark->cleaned);
}

static int write_lines(struct lines *lines, struct io *io, int dir, unsigned which)
{
    const struct {
        unsigned bit;
        struct checkpoint *checkpoint;
        const char *name;
    } files[] = {
        {MARKS_STARTS, &lines->starts, log_starts},
        {MARKS_POINTS, &lines->points, recovery_points},
        {MARKS_WATERMARKS, &lines->watermarks, high_watermarks},
        {MARKS_CLEANED, &lines->cleaned, cleaner_offsets},
    };
    int result = 0;

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int r = 0;

        if (which & files[i].bit)
            r = checkpoint_write(files[i].checkpoint, io, dir, files[i].name);
        else
            text_fini(&files[i].checkpoint->lines);
        result = result ? result : r;
    }
    return err_pass(result);
}

int marks_save(const struct marks *marks, struct io *io, int dir, unsigned which)
{
    size_t count = 0;
    scoped(mem_freep_any) const struct mark **sorted = sort(marks, &count);
    struct lines lines = {.points = {.count = 0}};

    for (size_t i = 0; i < count; i++)
        add_lines(&lines, sorted[i], true);
    return err_pass(write_lines(&lines, io, dir, which));
}

int marks_write(const struct marks *marks, struct io *io, int dir, bool was_clean)
{
    size_t count = 0;
    scoped(mem_freep_any) const struct mark **sorted = sort(marks, &count);
    struct lines lines = {.points = {.count = 0}};

    for (size_t i = 0; i < count; i++) {
        bool is_there = false;
        int r = has_folder(sorted[i], io, dir, &is_there);

        if (r) {
            (void)write_lines(&lines, io, dir, 0);
            return err_pass(r);
        }
        if (is_there)
            add_lines(&lines, sorted[i],
                      sorted[i]->is_in_order || (was_clean && !sorted[i]->is_touched));
    }
    return err_pass(write_lines(&lines, io, dir, MARKS_ALL));
}
